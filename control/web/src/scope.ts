// What a kill or a cancel is limited to: everything, an account, or a symbol.

import type { Context } from './context';
import { h } from './dom';

/** A choice of the accounts and symbols that the engine shows; everything comes first. */
export function scopes(context: Context, name: string): HTMLSelectElement {
  const frame = context.stream.frame;
  const accounts = [...new Set(frame?.positions.rows.map((row) => row.account) ?? [0])];
  const symbols = frame?.touch?.map((row) => row[0]) ?? [];
  const all = ['everything', ...accounts.map((account) => `account ${account}`), ...symbols.map((symbol) => `symbol ${symbol}`)];
  return h('select', { 'aria-label': 'Scope', 'data-name': name }, ...all.map((scope) => h('option', { value: scope }, scope)));
}
