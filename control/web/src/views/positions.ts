// What is held, and what it made.

import type { Context, View } from '../context';
import { h } from '../dom';
import { Facts } from '../facts';
import { int, money, signed, span } from '../format';
import { Table } from '../table';
import type { Frame, Position } from '../types';

const mood = (value: unknown): string => (String(value).startsWith('-') ? 'bad' : '');

export const positions = (context: Context): View => {
  const total = new Facts<Frame>('Profit, all positions', [
    { name: 'realised', label: 'realised', text: (f) => money(f.positions.realised_e4), mood: (f) => mood(f.positions.realised_e4) },
    { name: 'open', label: 'open, at the mid', text: (f) => money(f.positions.open_e4), mood: (f) => mood(f.positions.open_e4) },
    { name: 'sum', label: 'together', text: (f) => money(String(BigInt(f.positions.realised_e4) + BigInt(f.positions.open_e4))) },
  ]);
  const table = new Table<Position>({
    caption: 'Positions', key: (row) => `${row.account} ${row.instrument}`, empty: 'nothing is held',
    columns: [
      { name: 'instrument', head: 'symbol', text: (row) => row.instrument },
      { name: 'account', head: 'account', number: true, text: (row) => String(row.account) },
      { name: 'position', head: 'position', number: true, text: (row) => signed(row.position), mood: (row) => mood(row.position) },
      { name: 'fills', head: 'fills', number: true, text: (row) => int(row.fills) },
      { name: 'realised_e4', head: 'realised', number: true, text: (row) => money(row.realised_e4), mood: (row) => mood(row.realised_e4) },
      { name: 'open_e4', head: 'open', number: true, text: (row) => money(row.open_e4), mood: (row) => mood(row.open_e4) },
    ],
  });
  return {
    element: h('div', {}, total.element, table.element),
    render() {
      const frame = context.stream.frame;
      if (frame === null) return;
      total.update(frame);
      table.remark(`${span(frame.positions.age_ns)} old`);
      table.update(frame.positions.rows);
    },
  };
};
