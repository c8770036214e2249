// Versions that were in force, and the way back to one of them.

import { change, get, path } from './api';
import { attempt, type Context } from './context';
import { ask, tell } from './dialog';
import { h } from './dom';
import { difference, outcome, show, type Change, type Outcome } from './editor';
import { stamp } from './format';
import type { Int } from './lossless';
import { Table } from './table';
import type { Page } from './types';

interface Version {
  version: Int; base: Int; state: string; current: boolean; kept: boolean; person: string; reason: string; at_ns: Int; why: string; name?: string; toml?: string; diff?: Change[] | null;
}

export class Versions {
  readonly element: HTMLElement;
  private readonly table: Table<Version>;
  private seen = '';
  /** Etag of what is current, as far as the list tells. */
  current: string | undefined;

  constructor(private readonly context: Context, private readonly resource: 'versions' | 'models', title: string, private readonly changed: () => void) {
    this.table = new Table<Version>({
      caption: title, key: (row) => String(row.version), stack: true, empty: 'no version yet: the configuration file is in force', mood: (row) => (row.current ? 'chosen' : ''),
      columns: [
        { name: 'version', head: 'version', text: (row) => String(row.version) },
        { name: 'state', head: 'state', text: (row) => `${row.current ? '● in force' : row.state}${row.why ? `: ${row.why}` : ''}`, mood: (row) => (row.why ? 'bad' : '') },
        { name: 'at', head: 'UTC', text: (row) => stamp(row.at_ns) },
        { name: 'who', head: 'who', text: (row) => row.person },
        { name: 'what', head: 'what', text: (row) => row.name ?? row.diff?.map((one) => `${one.scope} ${one.key} ${show(one.before)} → ${show(one.after)}`).join(', ') ?? '' },
        { name: 'reason', head: 'reason', text: (row) => row.reason },
        { name: 'back', head: '', text: () => '', control: (row) => this.acts(row) },
      ],
    });
    const file = h('button', { type: 'button', 'data-name': `${resource}-file`, onclick: () => this.back(0) }, 'Roll back to the configuration file…');
    this.element = h('div', {}, this.table.element, h('p', { class: 'buttons' }, file));
  }

  follow(): void {
    const frame = this.context.stream.frame;
    const ack = this.resource === 'models' ? frame?.model : frame?.params;
    const state = `${this.context.engine()} ${frame?.engine.started_ns} ${ack?.applied} ${ack?.refused}`;
    if (state === this.seen) return;
    this.seen = state;
    this.reload();
  }

  reload(): void {
    attempt(this.context, async () => {
      const { items, next } = await get<Page<Version>>(path(['engines', this.context.engine(), this.resource]));
      const current = items.find((row) => row.current)?.version ?? (next === null ? 0 : undefined);
      this.current = current === undefined ? undefined : `"${current}"`;
      this.table.update(items);
    });
  }

  /** What can be done with a version: a model also shows what ran. */
  private acts(row: () => Version): Node {
    const back = h('button', { type: 'button', onclick: () => this.back(row().version, row()) }, 'Roll back…');
    const show = (): void => tell(`Model ${row().version}: ${row().name ?? ''}`, [h('pre', { class: 'wrap' }, row().toml ?? '')]);
    return h('span', { class: 'buttons' }, back, this.resource === 'models' && h('button', { type: 'button', onclick: show }, 'Text'));
  }

  private back(version: Int, row?: Version): void {
    const [engine, current] = [this.context.engine(), this.current];
    const what = this.resource === 'models' ? 'model' : 'parameters and limits';
    ask({
      title: `Roll ${what} of ${engine} back to ${version === 0 ? 'the configuration file' : `version ${version}`}`, action: 'Roll back', danger: true, reason: 'needed',
      body: !row?.diff ? [h('p', {}, row === undefined ? 'Nothing that was set since stays set.' : `Version ${version}, of ${stamp(row.at_ns)} UTC.`)] : [h('p', {}, 'What that version changed:'), difference(row.diff)],
      run: async (reason, key) => {
        const body = { version: BigInt(version), reason };
        this.context.say(...outcome(await change<Outcome>('POST', path(['engines', engine, this.resource, 'rollback']), body, { key, version: current })));
        this.reload();
        this.changed();
      },
    });
  }
}
