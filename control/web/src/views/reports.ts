// Reports of a day: orders, fills, rejects, profit, latency, losses, changes.

import { get, path } from '../api';
import { attempt, type Context, type View } from '../context';
import { h } from '../dom';
import { int, money, stamp } from '../format';
import { stringify, type Int } from '../lossless';
import type { Page } from '../types';

interface Listed { engine: string; day: string }

export const reports = (context: Context): View => {
  const list = h('p', { class: 'buttons' });
  const shown = h('div', { 'data-name': 'report' });

  async function load(): Promise<void> {
    const page = await get<Page<Listed>>(path(['reports']));
    const button = ({ engine, day }: Listed): HTMLElement => h('button', { type: 'button', onclick: () => attempt(context, () => open(engine, day)) }, `${engine} ${day}`);
    list.replaceChildren(...(page.items.length === 0 ? ['No day is finished or under way.'] : page.items.map(button)));
    const first = page.items.find(({ engine }) => engine === context.engine()) ?? page.items[0];
    if (first !== undefined) await open(first.engine, first.day);
  }

  async function open(engine: string, day: string): Promise<void> {
    const report = await get<Record<string, unknown>>(path(['reports', engine, day]));
    const link = h('a', { href: path(['reports', engine, day], { format: 'html' }), target: '_blank', rel: 'noopener' }, 'as a page to print');
    const parts = Object.entries(report).filter(([name]) => name !== 'engine' && name !== 'day');
    const single = parts.filter(([, value]) => value === null || typeof value !== 'object');
    const rest = parts.filter(([, value]) => value !== null && typeof value === 'object');
    shown.replaceChildren(h('h2', {}, `${engine}, ${day} `, h('small', {}, link)), part('summary', Object.fromEntries(single)), ...rest.map(([name, value]) => part(name, value)));
  }

  return { element: h('div', {}, list, shown), enter: () => attempt(context, load) };
};

const words = (name: string): string => name.replace(/_(e4|ns)$/, '').replaceAll('_', ' ');

/** A value by what its name says of it: money in 1/10,000, a time, a number, or what it is. */
function plain(name: string, value: unknown): string {
  if (value === null) return '–';
  if (name.endsWith('_e4')) return money(value as Int);
  if (Array.isArray(value)) return value.map((one) => plain(name, one)).join(' … ');
  if (name.endsWith('_ns') && isWhole(value) && BigInt(value) > YEAR_2000) return stamp(value);
  return isWhole(value) || typeof value === 'number' ? int(value) : typeof value === 'object' ? stringify(value) : String(value);
}

const YEAR_2000 = 946_684_800_000_000_000n;
const isWhole = (value: unknown): value is Int => Number.isInteger(value) || (typeof value === 'string' && /^-?\d{16,}$/.test(value));
const isNumber = (name: string, value: unknown): boolean => typeof value === 'number' || (isWhole(value) && !name.endsWith('_ns'));

/** One key of the report: a list of records as a table, a record as pairs, anything else as it is. */
function part(name: string, value: unknown): HTMLElement {
  const heading = h('h2', {}, words(name));
  if (Array.isArray(value) && value.length > 0 && typeof value[0] === 'object' && value[0] !== null) {
    const first = value[0] as Record<string, unknown>;
    const keys = Object.keys(first);
    const side = (key: string): string | null => (isNumber(key, first[key]) ? 'number' : null);
    const head = keys.map((key) => h('th', { scope: 'col', class: side(key) }, words(key)));
    const rows = value.map((row: Record<string, unknown>) => h('tr', {}, ...keys.map((key) => h('td', { class: side(key) }, plain(key, row[key])))));
    const table = h('table', {}, h('thead', {}, h('tr', {}, ...head)), h('tbody', {}, ...rows));
    return h('section', { class: 'panel' }, heading, h('div', { class: 'scroll tall', tabindex: '0', role: 'region', 'aria-label': words(name) }, table));
  }
  const pairs = value !== null && typeof value === 'object' && !Array.isArray(value) ? Object.entries(value) : [[name, value] as const];
  const shown = pairs.map(([key, of]) => [words(key), plain(key, of)] as const);
  return h('section', { class: 'panel facts' }, heading, h('dl', {}, ...shown.map(([key, of]) => h('div', {}, h('dt', {}, key), h('dd', { class: of.length > 24 ? 'wrap' : null }, of)))));
}
