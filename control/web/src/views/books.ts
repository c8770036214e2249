// The touch of every instrument, and the ladder of one.

import type { Context, View } from '../context';
import { h } from '../dom';
import { decimal, int, isOld, span } from '../format';
import { ladder, legend, rungs } from '../ladder';
import { Table } from '../table';
import type { Touch } from '../types';

export const books = (context: Context): View => {
  const filter = h('input', { type: 'search', placeholder: 'symbol', 'aria-label': 'Filter instruments', autocomplete: 'off', oninput: () => context.changed() });
  const touches = new Table<Touch>({
    caption: 'Instruments', key: (row) => row[0], tall: true, empty: 'no books are shown', mood: (row) => (row[0] === chosen() ? 'chosen' : ''),
    columns: [
      { name: 'instrument', head: 'symbol', text: (row) => row[0], control: (row) => h('button', { type: 'button', class: 'link', onclick: () => context.go({ argument: row()[0] }) }, row()[0]) },
      { name: 'bid.qty', head: 'qty', number: true, text: (row) => int(row[2]) },
      { name: 'bid', head: 'bid', number: true, text: (row) => decimal(row[1], row[5]) },
      { name: 'ask', head: 'ask', number: true, text: (row) => decimal(row[3], row[5]) },
      { name: 'ask.qty', head: 'qty', number: true, text: (row) => int(row[4]) },
      { name: 'state', head: 'state', text: (row) => row[6], mood: (row) => (row[6] === 'live' ? '' : 'bad') },
    ],
  });
  const table = ladder();
  const chosen = (): string => context.place().argument || context.stream.frame?.touch?.[0]?.[0] || '';
  return {
    element: h('div', { class: 'columns' }, h('div', {}, h('p', {}, filter), touches.element), h('div', {}, table.element, legend())),
    enter() {
      if (context.place().argument === '' && chosen() !== '') context.go({ argument: chosen() });
    },
    render() {
      const { frame, book } = context.stream;
      if (frame === null) return;
      if (context.place().argument === '' && chosen() !== '') context.go({ argument: chosen() });
      const wanted = filter.value.trim().toUpperCase();
      const rows = frame.touch ?? [];
      touches.update(wanted === '' ? rows : rows.filter((row) => row[0].toUpperCase().includes(wanted)));
      if (book === null || book.instrument !== chosen()) {
        table.remark(chosen() === '' ? '' : `${chosen()}: waiting`);
        table.update([]);
        return;
      }
      const old = isOld(book.age_ns) ? ', OLD' : '';
      table.remark(`${book.instrument}, ${book.phase}, ${book.state}, ${span(book.age_ns)} old${old}`);
      table.update(rungs(book, frame.orders.rows));
    },
  };
};
