// Lines over time, drawn on a canvas, twice a second at most.

import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import { h } from './dom';
import { int } from './format';

const DRAW_MS = 500;
const HEIGHT = 240;
/** Lines differ by dash as well as by colour. */
const DASHES = [[], [6, 3], [2, 3], [10, 3, 2, 3], [4, 4], [1, 2]];

const variable = (name: string): string => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

export class Chart {
  readonly element: HTMLElement;
  private readonly holder = h('div', { class: 'chart' });
  private plot: uPlot | null = null;
  private drawn = -Infinity;
  private look = '';

  constructor(title: string, private names: readonly string[]) {
    this.element = h('section', { class: 'panel' }, h('h2', {}, title), this.holder);
  }

  /** Other lines from now on. */
  rename(names: readonly string[]): void {
    if (names.join() === this.names.join()) return;
    this.names = names;
    this.destroy();
  }

  draw(data: [number[], ...(number | null)[][]]): void {
    const now = performance.now();
    if (now - this.drawn < DRAW_MS || data[0].length === 0) return;
    this.drawn = now;
    const look = variable('--line-0') + this.holder.clientWidth;
    if (look !== this.look) this.destroy();
    this.look = look;
    if (this.plot === null) this.plot = this.make(data);
    else this.plot.setData(data);
  }

  private destroy(): void {
    this.plot?.destroy();
    this.plot = null;
    this.drawn = -Infinity;
  }

  private make(data: [number[], ...(number | null)[][]]): uPlot {
    const ink = variable('--dim');
    const axis = { stroke: ink, grid: { stroke: variable('--rule'), width: 1 }, ticks: { stroke: variable('--rule') } };
    const series = this.names.map((name, at) => ({
      label: name, stroke: variable(`--line-${at % 6}`), dash: DASHES[at % DASHES.length] ?? [], width: 1.5,
      points: { show: false }, spanGaps: false,
      value: (_: uPlot, value: number | null) => (value === null ? '–' : `${int(Math.round(value))} ns`),
    }));
    const options: uPlot.Options = {
      width: Math.max(240, this.holder.clientWidth), height: HEIGHT, tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1e3), 'UTC'),
      scales: { y: { distr: 3 } }, cursor: { drag: { x: false, y: false } },
      axes: [{ ...axis, space: 90, values: (_, seconds) => seconds.map(utc) }, { ...axis, size: 64, values: (_, ticks) => ticks.map((tick) => (tick === null ? '' : nanoseconds(tick))) }],
      series: [{ label: 'UTC', value: (_, seconds) => (seconds === null ? '–' : utc(seconds)) }, ...series],
    };
    return new uPlot(options, data as uPlot.AlignedData, this.holder);
  }
}

const utc = (seconds: number): string => new Date(seconds * 1e3).toISOString().slice(11, 19);
const nanoseconds = (n: number): string => (n < 1e3 ? `${n} ns` : n < 1e6 ? `${n / 1e3} µs` : n < 1e9 ? `${n / 1e6} ms` : `${n / 1e9} s`);
