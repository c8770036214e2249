// Orders that work, and what happens to orders as it happens.

import type { Context, View } from '../context';
import { h } from '../dom';
import { decimal, int, span, time } from '../format';
import { Table, type Column } from '../table';
import type { OrderEvent, WorkingOrder } from '../types';

const SHOWN = 200;

const moods: Record<string, string> = {
  filled: 'good', refused: 'bad', rejected: 'bad', cancel_rejected: 'bad', broken: 'bad', kill_engaged: 'bad', gate_failed: 'bad', params_refused: 'bad', model_refused: 'bad',
};

export const eventColumns: Column<OrderEvent>[] = [
  { name: 'at', head: 'UTC', text: (row) => time(row.at_ns) },
  { name: 'number', head: 'no.', number: true, text: (row) => int(row.number) },
  { name: 'kind', head: 'what', text: (row) => row.kind, mood: (row) => moods[row.kind] ?? '' },
  { name: 'symbol', head: 'symbol', text: (row) => row.instrument ?? '' },
  { name: 'side', head: 'side', text: (row) => row.side ?? '' },
  { name: 'price', head: 'price', number: true, text: (row) => (row.price === 0 ? '' : decimal(row.price, row.decimals)) },
  { name: 'qty', head: 'qty', number: true, text: (row) => (row.qty === 0 ? '' : int(row.qty)) },
  { name: 'leaves', head: 'leaves', number: true, text: (row) => (row.side === null ? '' : int(row.leaves)) },
  { name: 'cl_ord_id', head: 'order', number: true, text: (row) => (row.cl_ord_id === 0 ? '' : String(row.cl_ord_id)) },
  { name: 'why', head: 'why', text: (row) => row.text },
];

export const orders = (context: Context): View => {
  const working = new Table<WorkingOrder>({
    caption: 'Working orders', key: (row) => String(row.cl_ord_id), empty: 'no order works', tall: true,
    columns: [
      { name: 'cl_ord_id', head: 'order', number: true, text: (row) => String(row.cl_ord_id) },
      { name: 'instrument', head: 'symbol', text: (row) => row.instrument },
      { name: 'account', head: 'account', number: true, text: (row) => String(row.account) },
      { name: 'side', head: 'side', text: (row) => (row.side === 'buy' ? '▲ buy' : '▼ sell'), mood: (row) => row.side },
      { name: 'price', head: 'price', number: true, text: (row) => decimal(row.price, row.decimals) },
      { name: 'leaves', head: 'leaves', number: true, text: (row) => int(row.leaves) },
      { name: 'state', head: 'state', text: (row) => row.state },
      { name: 'order_ref', head: "venue's id", number: true, text: (row) => String(row.order_ref) },
    ],
  });
  const tape = new Table<OrderEvent>({ caption: 'As it happens', key: (row) => `${row.seq} ${row.at_ns}`, empty: 'nothing has happened yet', tall: true, columns: eventColumns });
  let held: OrderEvent[] | null = null;
  const hold = h('button', { type: 'button', 'aria-pressed': 'false', onclick: () => {
    held = held === null ? context.stream.events : null;
    hold.setAttribute('aria-pressed', String(held !== null));
    hold.textContent = held === null ? 'Hold' : 'Go on';
    context.changed();
  } }, 'Hold');
  const filter = h('input', { type: 'search', placeholder: 'symbol, kind or order', 'aria-label': 'Filter events', autocomplete: 'off', oninput: () => context.changed() });
  return {
    element: h('div', {}, working.element, h('p', { class: 'buttons' }, filter, hold), tape.element),
    render() {
      const { frame, lost } = context.stream;
      if (frame !== null) {
        working.remark(`${int(frame.orders.total)} in all, ${span(frame.orders.age_ns)} old`);
        working.update(frame.orders.rows);
      }
      const wanted = filter.value.trim().toLowerCase();
      const events = held ?? context.stream.events;
      const fits = (row: OrderEvent): boolean => [row.kind, row.instrument, row.cl_ord_id].some((part) => String(part ?? '').toLowerCase().includes(wanted));
      tape.update((wanted === '' ? events : events.filter(fits)).slice(0, SHOWN));
      tape.remark(lost > 0 ? `${lost} LOST before they could be read` : '');
    },
  };
};
