// The kill switch: one person engages it, two different people release it.

import { change, get, newKey, path } from '../api';
import { attempt, explain, type Context, type View } from '../context';
import { ask } from '../dialog';
import { h } from '../dom';
import { int, span, stamp } from '../format';
import type { Int } from '../lossless';
import { scopes } from '../scope';
import { Table } from '../table';

interface Check { engine: string; name: string; ok: boolean; detail: string }
interface Release { id: string; engine: string; scope: string; by: string; reason: string; at_ns: Int; expires_ns: Int; checks: Check[] }
interface EngineKill { engine: string; readable: boolean; alive: boolean; engaged: string[]; epoch: Int; detail: string }
interface Kill { items: EngineKill[]; file: boolean | null; proposals: Release[]; window_s: Int }
interface Engaged { engine: string; scope: string; alive: boolean; epoch: Int; detail: string }
/** What an engine answered to being engaged or released. */
interface Done { result: string; engines: { engine: string; result: string; detail: string; todo: string }[] }

/** Asks for scope and confirmation, then engages. */
export function askKill(context: Context): void {
  const engine = h('select', { 'aria-label': 'Engine' }, ...[context.engine(), '*'].filter((name, at, all) => name !== '' && all.indexOf(name) === at)
    .map((name) => h('option', { value: name }, name === '*' ? 'all engines' : name)));
  const scope = scopes(context, 'kill-scope');
  const dialog = ask({
    title: 'Engage the kill switch', danger: true, reason: 'optional', action: 'ENGAGE',
    body: [h('p', {}, 'No new order passes, and working orders are cancelled. Release needs two people.'), h('p', { class: 'buttons' }, engine, scope)],
    run: async (reason, key) => {
      const body = { engine: engine.value, scope: scope.value, ...(reason === '' ? {} : { reason }) };
      const done = await change<Done>('POST', path(['kill']), body, { key });
      const failed = done.engines.filter((one) => one.result === 'failed').map((one) => `${one.engine}: ${one.detail}. ${one.todo}`);
      if (failed.length > 0) throw new Error(`NOT everywhere. ${failed.join(' ')}`);
      context.say(`Kill switch engaged: ${engine.value === '*' ? 'all engines' : engine.value}, ${scope.value}.`, true);
      context.go({ view: 'kill', argument: '' });
    },
  });
  dialog.querySelector<HTMLButtonElement>('button.danger')?.focus();
}

const POLL_MS = 1_000;
/** What the checks found, by release. */
const found = new Map<string, Check[]>();

export const kill = (context: Context): View => {
  const engaged = new Table<Engaged>({
    caption: 'Engaged', key: (row) => `${row.engine} ${row.scope}`, empty: 'Not engaged: orders pass.',
    columns: [
      { name: 'scope', head: 'scope', text: (row) => `■ ${row.scope}`, mood: () => 'bad' },
      { name: 'engine', head: 'engine', text: (row) => row.engine },
      { name: 'alive', head: 'process', text: (row) => (row.alive ? 'runs' : 'does not run'), mood: (row) => (row.alive ? '' : 'warn') },
      { name: 'epoch', head: 'epoch', number: true, text: (row) => int(row.epoch) },
      { name: 'detail', head: '', text: (row) => row.detail },
      { name: 'release', head: '', text: () => '', control: (row) => h('button', { type: 'button', onclick: () => askRelease(row(), load) }, 'Ask for release…') },
    ],
  });
  const releases = h('div', { class: 'releases', role: 'region', 'aria-label': 'Releases', 'aria-live': 'polite' });
  const file = h('p', { class: 'hint' });
  const setFile = (state: Kill): void => {
    const text = state.file === null ? 'No kill file is watched.' : state.file ? 'The kill file is there: everything stays engaged until it is removed.' : 'The kill file is not there.';
    file.textContent = `${text} The second person has ${state.window_s} s.`;
  };
  let shown = '';
  let asked = -Infinity;

  async function load(): Promise<void> {
    asked = performance.now();
    const state = await get<Kill>(path(['kill']));
    engaged.update(state.items.flatMap(({ engaged: scopes, ...rest }) => (rest.readable ? scopes : ['UNKNOWN']).map((scope) => ({ ...rest, scope }))));
    setFile(state);
    const open = state.proposals;
    const text = JSON.stringify(open);
    if (text === shown) return;
    shown = text;
    releases.replaceChildren(...(open.length === 0 ? [h('p', { class: 'none' }, 'No release is asked for.')] : open.map((release) => card(context, release, load))));
  }

  return {
    element: h('div', {}, h('p', { class: 'buttons' }, h('button', { type: 'button', class: 'danger big', onclick: () => askKill(context) }, 'Engage…')), engaged.element, file,
      h('section', { class: 'panel' }, h('h2', {}, 'Releases that wait for a second person'), releases),
      h('p', { class: 'hint' }, 'With the control process dead: nofx kill --mailbox FILE, nofx-control kill engage --mailbox FILE, or make the file named by kill.file.')),
    enter: () => attempt(context, load),
    render() {
      if (performance.now() - asked > POLL_MS) load().catch(() => undefined);
    },
  };
};

function askRelease(row: Engaged, load: () => Promise<void>): void {
  ask({
    title: `Ask to release ${row.scope} of ${row.engine}`, action: 'Ask', reason: 'needed',
    body: [h('p', {}, 'Positions, limits and books are checked. Then another person must approve it here, within the time shown.')],
    run: async (reason, key) => {
      const asked = await change<Release>('POST', path(['kill', 'releases']), { engine: row.engine, scope: row.scope, reason }, { key });
      found.set(asked.id, asked.checks);
      await load();
    },
  });
}

function card(context: Context, release: Release, load: () => Promise<void>): HTMLElement {
  const fault = h('p', { class: 'bad', role: 'alert' });
    const run = (work: () => Promise<unknown>, done: string): void => {
    fault.textContent = '';
    work().then(async () => {
      context.say(done);
      await load();
    }, (error: unknown) => (fault.textContent = explain(error)));
  };
  const key = newKey();
  const approve = (): void => run(async () => {
    const done = await change<Done>('POST', path(['kill', 'releases', release.id, 'approve']), {}, { key });
    if (done.result !== 'released') throw new Error(done.engines.map((one) => `${one.engine}: ${one.result} ${one.detail}`).join('; '));
  }, `Released: ${release.engine}, ${release.scope}.`);
  const drop = (): void => run(() => change('DELETE', path(['kill', 'releases', release.id]), undefined), 'The release was withdrawn.');
  const checks = (release.checks.length > 0 ? release.checks : (found.get(release.id) ?? [])).map((check) => h('li', { class: check.ok ? 'good' : 'bad' }, `${check.ok ? '✓' : '✗'} ${check.engine}, ${check.name}: ${check.detail}`));
  const left = BigInt(release.expires_ns) - BigInt(Date.now()) * 1_000_000n;
  return h('article', { class: 'panel', 'data-release': release.id }, h('h3', {}, `${release.scope} of ${release.engine}`),
    h('p', {}, `Asked for by ${release.by}: ${release.reason}. Until ${stamp(release.expires_ns)} UTC (${span(String(left > 0n ? left : 0n))}).`),
    h('ul', { class: 'checks' }, ...checks), fault,
    h('p', { class: 'buttons' }, h('button', { type: 'button', class: 'primary', onclick: approve }, 'Approve as second person'), h('button', { type: 'button', onclick: drop }, 'Withdraw')));
}
