// A book as a ladder: asks above bids, our own orders beside the level they rest at.

import { decimal, int } from './format';
import type { Int } from './lossless';
import { h } from './dom';
import { Table } from './table';
import type { Book, WorkingOrder } from './types';

export interface Rung { price: string; decimals: number; side: 'ask' | 'bid'; qty: Int | null; orders: Int | null; mine: bigint; count: number }

/** The rungs, highest price first: levels of the book, and own orders beyond them. */
export function rungs(book: Book, orders: readonly WorkingOrder[]): Rung[] {
  const all = new Map<string, Rung>();
  const at = (side: 'ask' | 'bid', price: Int): Rung => {
    const key = `${side} ${price}`;
    const rung = all.get(key) ?? { price: String(price), decimals: book.decimals, side, qty: null, orders: null, mine: 0n, count: 0 };
    all.set(key, rung);
    return rung;
  };
  for (const level of book.asks) Object.assign(at('ask', level.price), { qty: level.qty, orders: level.orders });
  for (const level of book.bids) Object.assign(at('bid', level.price), { qty: level.qty, orders: level.orders });
  for (const order of orders) {
    if (order.instrument !== book.instrument) continue;
    const rung = at(order.side === 'buy' ? 'bid' : 'ask', order.price);
    rung.mine += BigInt(order.leaves);
    rung.count += 1;
  }
  const higher = (a: Rung, b: Rung): number => {
    const [x, y] = [BigInt(a.price), BigInt(b.price)];
    return x === y ? (a.side === 'ask' ? -1 : 1) : x > y ? -1 : 1;
  };
  return [...all.values()].sort(higher);
}

export function ladder(): Table<Rung> {
  const mine = (row: Rung, side: 'ask' | 'bid'): string => (row.side === side && row.count > 0 ? `◆ ${int(String(row.mine))}${row.count > 1 ? ` (${row.count})` : ''}` : '');
  const of = (row: Rung, side: 'ask' | 'bid', what: 'qty' | 'orders'): string => (row.side !== side ? '' : row[what] === null ? '' : int(row[what]));
  return new Table<Rung>({
    caption: 'Book', key: (row) => `${row.side} ${row.price}`, empty: 'no levels', mood: (row) => (row.count > 0 ? `${row.side} mine` : row.side),
    columns: [
      { name: 'price', head: 'price', number: true, text: (row) => decimal(row.price, row.decimals) },
      { name: 'bid.mine', head: 'own bids', number: true, text: (row) => mine(row, 'bid') },
      { name: 'bid.orders', head: 'orders', number: true, text: (row) => of(row, 'bid', 'orders') },
      { name: 'bid.qty', head: 'bid', number: true, text: (row) => of(row, 'bid', 'qty') },
      { name: 'ask.qty', head: 'ask', number: true, text: (row) => of(row, 'ask', 'qty') },
      { name: 'ask.orders', head: 'orders', number: true, text: (row) => of(row, 'ask', 'orders') },
      { name: 'ask.mine', head: 'own asks', number: true, text: (row) => mine(row, 'ask') },
    ],
  });
}

export const legend = (): HTMLElement => h('p', { class: 'hint' }, '◆ own orders, in brackets how many; lines without a quantity lie beyond the levels shown.');
