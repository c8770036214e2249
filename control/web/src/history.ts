// What was measured over time: one point a second, the last ten minutes, for each stage.

import type { Frame, Latency } from './types';

const POINTS = 600;
/** Lines of a stage: median, and the worst tails seen in that second. */
export const LINES = ['p50', 'p99', 'p999'] as const;

export class History {
  /** Seconds since 1970. */
  readonly times: number[] = [];
  private readonly stages = new Map<string, (number | null)[][]>();

  take(frame: Frame): void {
    const second = Math.floor(Number(frame.at_ns) / 1e9);
    const last = this.times.at(-1);
    if (last !== undefined && second < last) return;
    if (second !== last) this.push(second);
    for (const latency of frame.latency_ns) this.record(latency);
  }

  /** Times and the lines of a stage, as uPlot takes them. */
  of(stage: string): [number[], ...(number | null)[][]] {
    return [this.times, ...(this.stages.get(stage) ?? LINES.map(() => this.times.map(() => null)))];
  }

  /** Times and the p99 of several stages. */
  tails(stages: readonly string[]): [number[], ...(number | null)[][]] {
    return [this.times, ...stages.map((stage) => this.stages.get(stage)?.[1] ?? this.times.map(() => null))];
  }

  private push(second: number): void {
    this.times.push(second);
    for (const lines of this.stages.values()) for (const line of lines) line.push(null);
    if (this.times.length <= POINTS) return;
    this.times.shift();
    for (const lines of this.stages.values()) for (const line of lines) line.shift();
  }

  private record(latency: Latency): void {
    if (latency.recent === null) return;
    let lines = this.stages.get(latency.name);
    if (lines === undefined) {
      lines = LINES.map(() => this.times.map(() => null));
      this.stages.set(latency.name, lines);
    }
    const at = this.times.length - 1;
    LINES.forEach((name, row) => {
      const line = lines[row];
      if (line === undefined || latency.recent === null) return;
      const value = Number(latency.recent[name]);
      line[at] = name === 'p50' ? value : Math.max(line[at] ?? 0, value);
    });
  }
}
