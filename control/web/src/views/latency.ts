// Where the time goes: percentiles of each stage now and since the start, and over the last ten minutes.

import { Chart } from '../chart';
import type { Context, View } from '../context';
import { h } from '../dom';
import { int } from '../format';
import { Table, type Column } from '../table';
import type { Latency, Percentiles } from '../types';

const NAMES = ['p50', 'p99', 'p99.9'];

export const latency = (context: Context): View => {
  const part = (name: 'recent' | 'all', key: keyof Percentiles, head: string): Column<Latency> => ({
    name: `${name}.${key}`, head, number: true, text: (row) => int(row[name]?.[key]),
  });
  const parts = (name: 'recent' | 'all'): Column<Latency>[] => [
    part(name, 'count', 'count'), part(name, 'p50', 'p50'), part(name, 'p99', 'p99'), part(name, 'p999', 'p99.9'), part(name, 'max', 'max'),
  ];
  const stage: Column<Latency> = {
    name: 'stage', head: 'stage', text: (row) => row.name,
    control: (row) => h('button', { type: 'button', class: 'link', onclick: () => context.go({ argument: row().name }) }, row().name),
  };
  const now = new Table<Latency>({
    caption: 'Now, ns', key: (row) => row.name, empty: 'nothing measured yet', mood: (row) => (row.name === chosen() ? 'chosen' : ''),
    columns: [stage, ...parts('recent'), { name: 'jitter', head: 'jitter', tip: '99.9th percentile less median', number: true, text: (row) => int(row.jitter_ns) }],
  });
  const all = new Table<Latency>({ caption: 'Since the start, ns', key: (row) => row.name, empty: 'nothing measured yet', columns: [{ ...stage }, ...parts('all')] });
  const chart = new Chart('Over time, log scale: median of the last look, worst p99 and p99.9 of each second', NAMES);
  const tails = new Chart('99th percentiles of all stages', []);
  const which = h('p', { class: 'hint' });
  const chosen = (): string => context.place().argument || 'total';
  return {
    element: h('div', {}, now.element, which, chart.element, tails.element, all.element),
    render() {
      const frame = context.stream.frame;
      if (frame === null) return;
      now.update(frame.latency_ns);
      all.update(frame.latency_ns);
      const text = `Stage ${chosen()}. Choose another by its name above.`;
      if (which.textContent !== text) which.textContent = text;
      chart.draw(context.history.of(chosen()));
      const stages = frame.latency_ns.map((row) => row.name).filter((name) => !name.includes('.')).slice(0, 6);
      tails.rename(stages);
      tails.draw(context.history.tails(stages));
    },
  };
};

