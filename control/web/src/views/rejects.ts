// Which rules refuse, and every counter of the engine.

import type { Context, View } from '../context';
import { h } from '../dom';
import { int } from '../format';
import type { Int } from '../lossless';
import { Table } from '../table';

interface Row { name: string; count: Int; rate: number }

const WINDOW_MS = 10_000;

/** Growth over the last ten seconds. */
class Growth {
  private kept: { at: number; counts: Record<string, Int> }[] = [];

  take(counts: Record<string, Int>): void {
    const now = performance.now();
    const last = this.kept.at(-1);
    if (last === undefined || now - last.at > 900) this.kept.push({ at: now, counts });
    while (this.kept.length > 1 && now - (this.kept[0]?.at ?? now) > WINDOW_MS) this.kept.shift();
  }

  of(name: string, count: Int): number {
    const first = this.kept[0]?.counts[name];
    return first === undefined ? Number(count) : Number(BigInt(count) - BigInt(first));
  }
}

export const rejects = (context: Context): View => {
  const growth = new Growth();
  const rules = new Table<Row>({
    caption: 'Refused by rule', key: (row) => row.name, empty: 'no rule has refused anything', mood: (row) => (row.rate > 0 ? 'moving' : ''),
    columns: [
      { name: 'rule', head: 'rule', text: (row) => row.name },
      { name: 'count', head: 'refused', number: true, text: (row) => int(row.count) },
      { name: 'recent', head: 'last 10 s', number: true, text: (row) => (row.rate > 0 ? `▲ ${int(row.rate)}` : '0'), mood: (row) => (row.rate > 0 ? 'warn' : '') },
    ],
  });
  const filter = h('input', { type: 'search', placeholder: 'counter', 'aria-label': 'Filter counters', autocomplete: 'off', oninput: () => context.changed() });
  const counters = new Table<Row>({
    caption: 'Counters of the engine', key: (row) => row.name, tall: true,
    columns: [
      { name: 'counter', head: 'counter', text: (row) => row.name },
      { name: 'count', head: 'count', number: true, text: (row) => int(row.count) },
    ],
  });
  const rows = (counts: Record<string, Int>): Row[] => Object.entries(counts).map(([name, count]) => ({ name, count, rate: growth.of(name, count) }));
  return {
    element: h('div', {}, rules.element, h('p', {}, filter), counters.element),
    render() {
      const frame = context.stream.frame;
      if (frame === null) return;
      growth.take(frame.rejects);
      rules.update(rows(frame.rejects).filter((row) => row.count !== 0));
      counters.update(rows(frame.counters).filter((row) => row.name.includes(filter.value.trim().toLowerCase())));
    },
  };
};
