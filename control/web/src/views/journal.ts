// The journal of the engine, searched: what came in, what was decided, what went out.

import { get, path } from '../api';
import { attempt, type Context, type View } from '../context';
import { h } from '../dom';
import { decimal, int, stamp } from '../format';
import { stringify, type Int } from '../lossless';
import { Table } from '../table';
import type { Page } from '../types';

type Row = { number: Int; at_ns: Int; kind: string; [key: string]: unknown };

const FIELDS = [['kind', 'kind'], ['instrument', 'symbol'], ['order', 'order'], ['from', 'from, UTC'], ['to', 'to, UTC']] as const;
const SHOWN = new Set(['number', 'at_ns', 'kind', 'decimals']);

/** One value of a record; a price by the decimals beside it, where those are known. */
const say = (row: Row, name: string, value: unknown): string => {
  if (name === 'price' && typeof row['decimals'] === 'number') return decimal(value as Int, row['decimals']);
  return typeof value === 'object' ? stringify(value) : String(value);
};

/** `2026-11-26 10:00:00`, UTC, as nanoseconds; a number stays one. */
export function instant(text: string): string | undefined {
  const plain = text.trim();
  if (plain === '' || /^\d+$/.test(plain)) return plain === '' ? undefined : plain;
  const ms = Date.parse(`${plain.replace(' ', 'T')}Z`);
  if (Number.isNaN(ms)) throw new Error(`"${plain}" is no time: want 2026-11-26 10:00:00`);
  return `${BigInt(ms) * 1_000_000n}`;
}

export const journal = (context: Context): View => {
  const fields = new Map(FIELDS.map(([name, label]) => [name as string, h('input', { type: 'search', name, placeholder: label, 'aria-label': `Filter: ${label}`, autocomplete: 'off' })]));
  const table = new Table<Row>({
    caption: 'Journal', key: (row) => `${row.number}`, tall: true, empty: 'nothing fits',
    columns: [
      { name: 'number', head: 'no.', number: true, text: (row) => int(row.number) },
      { name: 'at', head: 'UTC', text: (row) => stamp(row.at_ns) },
      { name: 'kind', head: 'kind', text: (row) => row.kind },
      { name: 'rest', head: 'what', text: (row) => Object.entries(row).filter(([name, value]) => !SHOWN.has(name) && value !== null && value !== '').map(([name, value]) => `${name} ${say(row, name, value)}`).join('  ') },
    ],
  });
  const more = h('button', { type: 'button', hidden: true, onclick: () => attempt(context, () => load(next)) }, 'More');
  let rows: Row[] = [];
  let next: string | null = null;

  async function load(cursor: string | null): Promise<void> {
    const value = (name: string): string => fields.get(name)?.value.trim() ?? '';
    const query = { kind: value('kind'), instrument: value('instrument').toUpperCase(), order: value('order'), from: instant(value('from')), to: instant(value('to')), limit: 200, cursor: cursor ?? undefined };
    const page = await get<Page<Row>>(path(['engines', context.engine(), 'journal'], query));
    rows = cursor === null ? page.items : [...rows, ...page.items];
    next = page.next;
    more.hidden = next === null;
    table.remark(rows.length === 0 ? '' : `${int(rows.length)} records shown`);
    table.update(rows);
  }

  const form = h('form', { class: 'buttons', role: 'search' }, ...fields.values(), h('button', { type: 'submit', class: 'primary' }, 'Search'));
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    attempt(context, () => load(null));
  });
  return { element: h('div', {}, form, table.element, h('p', { class: 'buttons' }, more)), enter: () => attempt(context, () => load(null)) };
};
