// Reports of a day: orders, fills, rejects, profit, latency, losses, changes.

import { get, path } from '../api';
import { attempt, type Context, type View } from '../context';
import { h } from '../dom';
import { int } from '../format';
import { stringify } from '../lossless';
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
    shown.replaceChildren(h('h2', {}, `${engine}, ${day} `, h('small', {}, link)), ...Object.entries(report).map(([name, value]) => part(name, value)));
  }

  return { element: h('div', {}, list, shown), enter: () => attempt(context, load) };
};

const words = (name: string): string => name.replaceAll('_', ' ');
const plain = (value: unknown): string => (typeof value === 'number' ? int(value) : value === null ? '–' : typeof value === 'object' ? stringify(value) : String(value));

/** One key of the report: a list of records as a table, a record as pairs, anything else as it is. */
function part(name: string, value: unknown): HTMLElement {
  const heading = h('h2', {}, words(name));
  if (Array.isArray(value) && value.length > 0 && typeof value[0] === 'object' && value[0] !== null) {
    const keys = Object.keys(value[0] as object);
    const rows = value.map((row: Record<string, unknown>) => h('tr', {}, ...keys.map((key) => h('td', { class: typeof row[key] === 'number' ? 'number' : null }, plain(row[key])))));
    return h('section', { class: 'panel' }, heading, h('div', { class: 'scroll', tabindex: '0', role: 'region', 'aria-label': words(name) }, h('table', {}, h('thead', {}, h('tr', {}, ...keys.map((key) => h('th', { scope: 'col' }, words(key))))), h('tbody', {}, ...rows))));
  }
  const pairs = value !== null && typeof value === 'object' && !Array.isArray(value) ? Object.entries(value) : [[name, value] as const];
  return h('section', { class: 'panel facts' }, heading, h('dl', {}, ...pairs.map(([key, of]) => h('div', {}, h('dt', {}, words(key)), h('dd', {}, plain(of))))));
}
