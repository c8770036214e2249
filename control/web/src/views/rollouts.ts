// Configurations on their way: drafted, validated, tried on one engine, applied to all, rolled back.

import { change, get, path } from '../api';
import { attempt, explain, type Context, type View } from '../context';
import { ask, tell } from '../dialog';
import { h } from '../dom';
import { askDraft, type Changes } from '../drafts';
import { difference, type Change } from '../editor';
import { stamp } from '../format';
import { parse, type Int } from '../lossless';
import { Table } from '../table';
import type { Page } from '../types';

interface Member { state: string; version: Int; detail: string }
interface Configuration {
  id: Int; revision: Int; name: string; stage: string; doing: string | null; engines: string[]; members: Record<string, Member>;
  history: { stage: string; person: string; at_ns: Int; text: string }[];
}
interface Stepped { result: string; detail?: string; stage: string }

/** What may follow which state. */
const STEPS: Record<string, readonly string[]> = {
  draft: ['validate'], validated: ['canary', 'validate'], canary: ['apply', 'rollback'], applied: ['rollback'], failed: ['rollback'], rolled_back: ['validate'],
};
/** What a step does, asked before it does it. */
const DOES: Record<string, string> = {
  validate: 'Every engine is asked whether it would take this. Nothing changes there.', apply: 'It is applied to all engines that do not have it yet.',
  rollback: 'Every engine that has it goes back to what it had before.',
};
const POLL_MS = 1_000;

const words = (name: string): string => name.replaceAll('_', ' ');
const BAD = new Set(['refused', 'unknown', 'under_way']);
/** What each engine has of it. */
const has = ({ engines, members }: Configuration): string => engines.map((engine) => {
  const member = members[engine];
  if (member === undefined) return engine;
  const version = member.state === 'applied' ? `, version ${member.version}` : '';
  return `${engine}: ${words(member.state)}${version}${member.detail === '' ? '' : ` (${member.detail})`}`;
}).join('; ');

export const rollouts = (context: Context): View => {
  const table = new Table<Configuration>({
    caption: 'Configurations', key: (row) => `${row.id} ${row.revision}`, empty: 'none yet: change values under Limits or Strategy, and draft them from there', stack: true,
    columns: [
      { name: 'name', head: 'name', text: (row) => `${row.id} ${row.name}` },
      { name: 'stage', head: 'stage', text: (row) => `${words(row.stage)}${row.doing === null ? '' : `, ${words(row.doing)} begun`}`, mood: (row) => (row.stage === 'applied' ? 'good' : row.stage === 'failed' ? 'bad' : '') },
      { name: 'steps', head: 'next', text: () => '', control: (row) => steps(row()) },
      { name: 'engines', head: 'engines', text: has, mood: (row) => (Object.values(row.members).some((member) => BAD.has(member.state)) ? 'bad' : '') },
      { name: 'by', head: 'last by', text: (row) => row.history.at(-1)?.person ?? '' },
      { name: 'at', head: 'UTC', text: (row) => stamp(row.history.at(-1)?.at_ns) },
      { name: 'text', head: 'why', text: (row) => row.history.at(-1)?.text ?? '' },
    ],
  });
  let asked = -Infinity;
  const load = async (): Promise<void> => {
    asked = performance.now();
    table.update((await get<Page<Configuration>>(path(['configurations']))).items);
  };
  const again = (): void => attempt(context, load);

  function steps(row: Configuration): Node {
    const shown = h('button', { type: 'button', onclick: () => attempt(context, () => show(row)) }, 'Details');
    const next = (STEPS[row.stage] ?? []).map((step) => h('button', { type: 'button', 'data-step': step, onclick: () => attempt(context, () => take(row, step)) }, `${step}…`));
    return h('span', { class: 'buttons' }, ...next, shown);
  }

  async function take(row: Configuration, step: string): Promise<void> {
    const on = h('select', { 'aria-label': 'Engine', 'data-name': 'canary' }, ...row.engines.map((engine) => h('option', { value: engine, selected: engine === context.engine() }, engine)));
    const what = step === 'canary' ? h('p', {}, 'It is tried on this engine alone: ', on) : h('p', {}, DOES[step] ?? '');
    const changes = step === 'rollback' ? [h('p', {}, has(row))] : await differences(row);
    ask({
      title: `${step}: configuration ${row.id}, ${row.name}`, action: step, danger: step !== 'validate', reason: 'needed', body: [what, ...changes],
      run: async (reason, key) => {
        const body = { reason, ...(step === 'canary' ? { engine: on.value } : {}) };
        try {
          said(row, step, await change<Stepped>('POST', path(['configurations', String(row.id), step]), body, { key, version: `"${row.revision}"` }));
        } finally {
          again();
        }
      },
    });
  }

  /** A step that fails is an error, and shown where it was asked for. */
  function said(row: Configuration, step: string, { result, stage }: Stepped): void {
    const done = result === 'applied';
    context.say(done ? `Configuration ${row.id}: ${words(stage)}.` : `Configuration ${row.id}, ${step}: its outcome is UNKNOWN. Look at its engines before you try again.`, !done);
  }

  return {
    element: h('div', {}, drafts(context, again), table.element), enter: again,
    render() {
      if (performance.now() - asked > POLL_MS) load().catch(() => undefined);
    },
  };
};

/** What it would change now, on each of its engines. */
async function differences({ id, engines }: Configuration): Promise<Node[]> {
  const parts = engines.map(async (engine): Promise<Node[]> => {
    const title = h('h3', {}, `On ${engine}`);
    try {
      return [title, difference((await get<{ diff: Change[] }>(path(['configurations', String(id), 'diff'], { engine }))).diff)];
    } catch (error) {
      return [title, h('p', { class: 'bad' }, explain(error))];
    }
  });
  return (await Promise.all(parts)).flat();
}

async function show(row: Configuration): Promise<void> {
  const lines = row.history.map((line) => h('tr', {}, h('th', { scope: 'row' }, stamp(line.at_ns)), h('td', {}, words(line.stage)), h('td', {}, line.person), h('td', { class: 'wrap' }, line.text)));
  const history = h('div', { class: 'scroll' }, h('table', { 'aria-label': 'History' }, h('tbody', {}, ...lines)));
  tell(`Configuration ${row.id}, ${row.name}`, [h('h3', {}, 'What it would change now'), ...(await differences(row)), h('h3', {}, 'History'), history]);
}

/** For those who have a set as a text. */
function drafts(context: Context, drafted: () => void): HTMLElement {
  const text = h('textarea', { rows: '6', 'aria-label': 'Changes as JSON', spellcheck: 'false', placeholder: '{"set":[{"table":"symbol","scope":"*","key":"qty_max","value":500}],"unset":[]}' });
  const draft = async (): Promise<void> => {
    const { set = [], unset = [] } = parse(text.value || '{}') as Partial<Changes>;
    askDraft(context, { set, unset }, [h('pre', { class: 'wrap' }, text.value)], () => {
      text.value = '';
      drafted();
    });
  };
  return h('details', { class: 'panel' }, h('summary', {}, 'New draft'), text, h('p', { class: 'buttons' }, h('button', { type: 'button', class: 'primary', onclick: () => attempt(context, draft) }, 'Draft…')));
}
