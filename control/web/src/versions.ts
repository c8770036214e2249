// Versions that were in force, and the way back to one of them.

import { change, get, newKey, path } from './api';
import { attempt, type Context } from './context';
import { ask } from './dialog';
import { h } from './dom';
import { difference, outcome, type Change, type Outcome } from './editor';
import { stamp } from './format';
import type { Int } from './lossless';
import { Table } from './table';
import type { Page } from './types';

interface Version {
  version: Int; at_ns?: Int; person?: string; who?: string; action?: string; name?: string; reason?: string; result?: string; current?: boolean; in_force?: boolean;
  kept?: boolean; diff?: Change[];
}

export class Versions {
  readonly element: HTMLElement;
  private readonly table: Table<Version>;
  private seen = '';

  constructor(private readonly context: Context, private readonly resource: 'versions' | 'models', title: string, private readonly changed: () => void) {
    this.table = new Table<Version>({
      caption: title, key: (row) => String(row.version), empty: 'no version yet: the configuration file is in force', mood: (row) => (now(row) ? 'chosen' : ''),
      columns: [
        { name: 'version', head: 'version', number: true, text: (row) => String(row.version) },
        { name: 'state', head: 'state', text: (row) => (now(row) ? '● in force' : (row.result ?? '')), mood: (row) => (row.result === 'refused' ? 'bad' : '') },
        { name: 'at', head: 'UTC', text: (row) => stamp(row.at_ns) },
        { name: 'who', head: 'who', text: (row) => row.person ?? row.who ?? '' },
        { name: 'name', head: 'what', text: (row) => row.name ?? row.action ?? '' },
        { name: 'reason', head: 'reason', text: (row) => row.reason ?? '' },
        { name: 'back', head: '', text: () => '', control: (row) => h('button', { type: 'button', onclick: () => this.back(row()) }, 'Roll back to it') },
      ],
    });
    this.element = this.table.element;
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
    attempt(this.context, async () => this.table.update((await get<Page<Version>>(path(['engines', this.context.engine(), this.resource]))).items));
  }

  private back(row: Version): void {
    const [engine, key] = [this.context.engine(), newKey()];
    const what = this.resource === 'models' ? 'model' : 'parameters and limits';
    ask({
      title: `Roll ${what} of ${engine} back to version ${row.version}`, action: 'Roll back', danger: true, reason: 'needed',
      body: row.diff === undefined ? [h('p', {}, `Version ${row.version}, of ${stamp(row.at_ns)} UTC.`)] : [difference(row.diff)],
      run: async (reason) => {
        const body = { version: BigInt(row.version), reason };
        this.context.say(...outcome(await change<Outcome>('POST', path(['engines', engine, this.resource, 'rollback']), body, { key })));
        this.reload();
        this.changed();
      },
    });
  }
}

const now = (row: Version): boolean => row.current === true || row.in_force === true;
