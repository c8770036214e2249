// The kill switch: one person engages it, two different people release it.

import { change, get, newKey, path } from '../api';
import { attempt, explain, type Context, type View } from '../context';
import { ask } from '../dialog';
import { h } from '../dom';
import { span, stamp } from '../format';
import type { Int } from '../lossless';
import { Table } from '../table';

interface Check { name: string; ok: boolean; detail: string }
interface Release { id: string; engine: string; scope: string; person?: string; asked_by?: string; reason?: string; expires_ns: Int; checks: Check[]; state?: string }
interface Engaged { engine: string; scope: string; by?: string; person?: string; at_ns?: Int; reason?: string }
interface Kill { engines?: { name: string; engaged?: string[]; kill?: string[] }[]; engaged?: Engaged[]; items?: Engaged[]; releases?: Release[] }

/** Asks for scope and confirmation, then engages. */
export function askKill(context: Context): void {
  const engine = h('select', { 'aria-label': 'Engine' }, ...[context.engine(), '*'].filter((name, at, all) => name !== '' && all.indexOf(name) === at)
    .map((name) => h('option', { value: name }, name === '*' ? 'all engines' : name)));
  const symbols = context.stream.frame?.touch?.map((row) => row[0]) ?? [];
  const accounts = [...new Set(context.stream.frame?.positions.rows.map((row) => row.account) ?? [0])];
  const scopes = ['everything', ...accounts.map((account) => `account ${account}`), ...symbols.map((symbol) => `symbol ${symbol}`)];
  const scope = h('select', { 'aria-label': 'Scope', 'data-name': 'kill-scope' }, ...scopes.map((name) => h('option', { value: name }, name)));
  const key = newKey();
  const dialog = ask({
    title: 'Engage the kill switch', danger: true, reason: 'optional', action: 'ENGAGE',
    body: [h('p', {}, 'No new order passes, and working orders are cancelled. Release needs two people.'), h('p', { class: 'buttons' }, engine, scope)],
    run: async (reason) => {
      const body = { engine: engine.value, scope: scope.value, ...(reason === '' ? {} : { reason }) };
      await change('POST', path(['kill']), body, { key });
      context.say(`Kill switch engaged: ${engine.value === '*' ? 'all engines' : engine.value}, ${scope.value}.`, true);
      context.go({ view: 'kill', argument: '' });
    },
  });
  dialog.querySelector<HTMLButtonElement>('button.danger')?.focus();
}

const POLL_MS = 1_000;

export const kill = (context: Context): View => {
  const engaged = new Table<Engaged>({
    caption: 'Engaged', key: (row) => `${row.engine} ${row.scope}`, empty: 'Not engaged: orders pass.',
    columns: [
      { name: 'scope', head: 'scope', text: (row) => `■ ${row.scope}`, mood: () => 'bad' },
      { name: 'engine', head: 'engine', text: (row) => row.engine },
      { name: 'by', head: 'by', text: (row) => row.by ?? row.person ?? '' },
      { name: 'at', head: 'UTC', text: (row) => stamp(row.at_ns) },
      { name: 'reason', head: 'reason', text: (row) => row.reason ?? '' },
      { name: 'release', head: '', text: () => '', control: (row) => h('button', { type: 'button', onclick: () => askRelease(row(), load) }, 'Ask for release…') },
    ],
  });
  const releases = h('div', { class: 'releases', role: 'region', 'aria-label': 'Releases', 'aria-live': 'polite' });
  let shown = '';
  let asked = -Infinity;

  async function load(): Promise<void> {
    asked = performance.now();
    const state = await get<Kill>(path(['kill']));
    engaged.update(list(state));
    const open = state.releases ?? [];
    const text = JSON.stringify(open);
    if (text === shown) return;
    shown = text;
    releases.replaceChildren(...(open.length === 0 ? [h('p', { class: 'none' }, 'No release is asked for.')] : open.map((release) => card(context, release, load))));
  }

  return {
    element: h('div', {}, h('p', { class: 'buttons' }, h('button', { type: 'button', class: 'danger big', onclick: () => askKill(context) }, 'Engage…')), engaged.element,
      h('section', { class: 'panel' }, h('h2', {}, 'Releases that wait for a second person'), releases),
      h('p', { class: 'hint' }, 'With the control process dead: nofx kill --mailbox FILE, nofx-control kill engage --mailbox FILE, or make the file named by kill.file.')),
    enter: () => attempt(context, load),
    render() {
      if (performance.now() - asked > POLL_MS) load().catch(() => undefined);
    },
  };
};

function list(state: Kill): Engaged[] {
  const words = (state.engines ?? []).flatMap(({ name, engaged, kill }) => (engaged ?? kill ?? []).map((scope) => ({ engine: name, scope })));
  return state.engaged ?? state.items ?? words;
}

function askRelease(row: Engaged, load: () => Promise<void>): void {
  const key = newKey();
  ask({
    title: `Ask to release ${row.scope} of ${row.engine}`, action: 'Ask', reason: 'needed',
    body: [h('p', {}, 'Positions, limits and books are checked. Then another person must approve it here, within the time shown.')],
    run: async (reason) => {
      await change('POST', path(['kill', 'releases']), { engine: row.engine, scope: row.scope, reason }, { key });
      await load();
    },
  });
}

function card(context: Context, release: Release, load: () => Promise<void>): HTMLElement {
  const fault = h('p', { class: 'bad', role: 'alert' });
  const who = release.asked_by ?? release.person ?? '';
  const run = (work: () => Promise<unknown>, done: string): void => {
    fault.textContent = '';
    work().then(async () => {
      context.say(done);
      await load();
    }, (error: unknown) => (fault.textContent = explain(error)));
  };
  const key = newKey();
  const approve = (): void => run(() => change('POST', path(['kill', 'releases', release.id, 'approve']), {}, { key }), `Released: ${release.engine}, ${release.scope}.`);
  const drop = (): void => run(() => change('DELETE', path(['kill', 'releases', release.id]), undefined), 'The release was withdrawn.');
  const checks = release.checks.map((check) => h('li', { class: check.ok ? 'good' : 'bad' }, `${check.ok ? '✓' : '✗'} ${check.name}: ${check.detail}`));
  const left = BigInt(release.expires_ns) - BigInt(Date.now()) * 1_000_000n;
  return h('article', { class: 'panel', 'data-release': release.id }, h('h3', {}, `${release.scope} of ${release.engine}`),
    h('p', {}, `Asked for by ${who}: ${release.reason ?? ''}. Until ${stamp(release.expires_ns)} UTC (${span(String(left > 0n ? left : 0n))}).`),
    h('ul', { class: 'checks' }, ...checks), fault,
    h('p', { class: 'buttons' }, h('button', { type: 'button', class: 'primary', onclick: approve }, 'Approve as second person'), h('button', { type: 'button', onclick: drop }, 'Withdraw')));
}
