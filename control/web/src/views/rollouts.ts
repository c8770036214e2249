// Configurations on their way: drafted, validated, tried on one engine, applied to all, rolled back.

import { change, get, newKey, path } from '../api';
import { attempt, type Context, type View } from '../context';
import { ask, tell } from '../dialog';
import { h } from '../dom';
import { difference, type Change } from '../editor';
import { stamp } from '../format';
import { parse, stringify, type Int } from '../lossless';
import { Table } from '../table';
import type { Page } from '../types';

interface Configuration {
  id: Int; revision: Int; name: string; stage: string; doing: string | null; engines: string[];
  history: { stage: string; person: string; at_ns: Int; text: string }[];
}

/** What may follow which state. */
const STEPS: Record<string, readonly string[]> = {
  draft: ['validate'], validated: ['canary'], canary: ['apply', 'rollback'], applied: ['rollback'], failed: ['rollback'], rolled_back: [],
};

export const rollouts = (context: Context): View => {
  const table = new Table<Configuration>({
    caption: 'Configurations', key: (row) => `${row.id} ${row.revision}`, empty: 'none yet',
    columns: [
      { name: 'id', head: 'id', text: (row) => String(row.id) },
      { name: 'name', head: 'name', text: (row) => row.name },
      { name: 'stage', head: 'stage', text: (row) => `${row.stage}${row.doing === null ? '' : `, ${row.doing} begun`}`, mood: (row) => (row.stage === 'applied' ? 'good' : row.stage === 'failed' ? 'bad' : '') },
      { name: 'engines', head: 'engines', text: (row) => row.engines.join(', ') },
      { name: 'by', head: 'last by', text: (row) => row.history.at(-1)?.person ?? '' },
      { name: 'at', head: 'UTC', text: (row) => stamp(row.history.at(-1)?.at_ns) },
      { name: 'text', head: 'why', text: (row) => row.history.at(-1)?.text ?? '' },
      { name: 'steps', head: 'next', text: () => '', control: (row) => steps(row()) },
    ],
  });
  const load = async (): Promise<void> => table.update((await get<Page<Configuration>>(path(['configurations']))).items);
  const again = (): void => attempt(context, load);

  function steps(row: Configuration): Node {
    const shown = h('button', { type: 'button', onclick: () => attempt(context, () => show(row)) }, 'Difference');
    const next = (STEPS[row.stage] ?? []).map((step) => h('button', { type: 'button', onclick: () => take(row, step) }, `${step}…`));
    return h('span', { class: 'buttons' }, shown, ...next);
  }

  async function show(row: Configuration): Promise<void> {
    const answer = await get<{ diff?: Change[]; items?: Change[] }>(path(['configurations', String(row.id), 'diff'], { engine: context.engine() }));
    const changes = answer.diff ?? answer.items;
    tell(`Configuration ${row.id} against ${context.engine()}`, [changes === undefined ? h('pre', { class: 'wrap' }, stringify(answer)) : difference(changes)]);
  }

  function take(row: Configuration, step: string): void {
    const key = newKey();
    const engine = context.engine();
    ask({
      title: `${step}: configuration ${row.id}`, action: step, danger: step !== 'validate', reason: 'needed',
      body: [h('p', {}, step === 'canary' ? `It is tried on ${engine} alone.` : step === 'apply' ? 'It is applied to all engines.' : `Configuration ${row.name}.`)],
      run: async (reason) => {
        const body = { reason, ...(step === 'canary' ? { engine } : {}) };
        await change('POST', path(['configurations', String(row.id), step]), body, { key, version: `"${row.revision}"` });
        await load();
      },
    });
  }

  return { element: h('div', {}, drafts(context, again), table.element), enter: again };
};

function drafts(context: Context, drafted: () => void): HTMLElement {
  const name = h('input', { 'aria-label': 'Name', placeholder: 'name', autocomplete: 'off' });
  const reason = h('input', { 'aria-label': 'Reason', placeholder: 'reason', autocomplete: 'off' });
  const text = h('textarea', { rows: '6', 'aria-label': 'Changes as JSON', spellcheck: 'false', placeholder: '[{"table":"symbol","scope":"*","key":"qty_max","value":500}]' });
  const draft = async (): Promise<void> => {
    const set = parse(text.value || '[]');
    const engines = context.engines().map((engine) => engine.name);
    await change('POST', path(['configurations']), { name: name.value.trim(), engines, set, unset: [], reason: reason.value.trim() });
    text.value = '';
    drafted();
  };
  return h('details', { class: 'panel' }, h('summary', {}, 'New draft'), h('p', { class: 'buttons' }, name, reason, h('button', { type: 'button', class: 'primary', onclick: () => attempt(context, draft) }, 'Draft')), text);
}
