// Values that can be changed while the engine runs: edit, look at the difference, confirm, see what became of it.
//
// Nothing is sent until the difference, as the control process computed it (`dry_run`), was shown and confirmed. The
// version that was read goes along (If-Match), so a change by somebody else in between is refused, not overwritten.

import { change, Failed, get, newKey, path } from './api';
import { attempt, explain, type Context } from './context';
import { ask } from './dialog';
import { h, setAttribute } from './dom';
import { askDraft, type Changes } from './drafts';
import { Facts } from './facts';
import { int, NONE, readInt, stamp } from './format';
import type { Int } from './lossless';
import { Table } from './table';
import type { Ack } from './types';

export interface Spec { table: string; key: string; kind: string; min: Int | boolean; max: Int | boolean; default: Int | boolean; unit: string; text: string }
export interface Value { table: string; scope: string; key: string; value: Int | boolean | null }
export interface Change { table: string; scope: string; key: string; before: Int | boolean | null; after: Int | boolean | null }
export interface Values { version: Int; publication: Int; etag: string; schema: Spec[]; in_force: Value[]; page: Value[]; ack: Ack | null }
export interface Outcome { version?: Int; publication?: Int; result?: string; ack?: Ack | null; diff?: Change[]; detail?: string }

interface Row { spec: Spec; scope: string; now: Value['value'] | undefined; set: boolean }

const key = (row: { table: string; scope: string; key: string }): string => `${row.table} ${row.scope} ${row.key}`;
const rowKey = (row: Row): string => key({ table: row.spec.table, scope: row.scope, key: row.spec.key });

/** A value as its kind is written. */
export function show(value: Int | boolean | null | undefined, kind?: string): string {
  if (value === null || value === undefined) return NONE;
  if (typeof value === 'boolean') return value ? 'yes' : 'no';
  if (kind === 'bool') return value === 0 ? 'no' : 'yes';
  if (kind === 'float') return typeof value === 'number' ? String(value) : value;
  return int(value);
}

/** The largest value there is: no bound of its own. */
const ENDLESS = '9223372036854775807';

const bounds = (spec: Spec): string => {
  if (spec.kind === 'bool') return 'yes, no';
  return String(spec.max) === ENDLESS ? `from ${show(spec.min, spec.kind)}` : `${show(spec.min, spec.kind)} … ${show(spec.max, spec.kind)}`;
};

/** What was typed as a value of this kind; `undefined` when it is none. */
export function readValue(text: string, kind: string): bigint | number | boolean | undefined {
  const plain = text.trim().toLowerCase();
  if (kind === 'bool') return ['yes', 'true', '1'].includes(plain) ? true : ['no', 'false', '0'].includes(plain) ? false : undefined;
  if (kind === 'float') return plain !== '' && Number.isFinite(Number(plain)) ? Number(plain) : undefined;
  return readInt(plain);
}

/** The difference as a table that is not alive. */
export function difference(changes: readonly Change[], schema: readonly Spec[] = []): HTMLElement {
  const kind = (row: Change): string | undefined => schema.find((spec) => spec.table === row.table && spec.key === row.key)?.kind;
  const rows = changes.map((row) => h('tr', { 'data-row': key(row) },
    h('th', { scope: 'row' }, `${row.table}.${row.key}`), h('td', {}, row.scope),
    h('td', { class: 'number before' }, show(row.before, kind(row))), h('td', {}, '→'), h('td', { class: 'number after' }, show(row.after, kind(row)))));
  if (rows.length === 0) return h('p', { class: 'none' }, 'Nothing changes.');
  const head = ['what', 'scope', 'before', '', 'after'].map((name) => h('th', { scope: 'col' }, name));
  return h('div', { class: 'scroll' }, h('table', { class: 'diff', 'aria-label': 'Difference' }, h('thead', {}, h('tr', {}, ...head)), h('tbody', {}, ...rows)));
}

/** What became of a change, in words. */
export function outcome(answer: Outcome): [text: string, bad: boolean] {
  const ack = answer.ack ?? {};
  if (answer.result === 'applied') {
    const when = ack.applied_at_ns === undefined || ack.applied_at_ns === 0 ? '' : ` at ${stamp(ack.applied_at_ns)} UTC`;
    return [`Applied as version ${answer.version ?? '?'}${when}.`, false];
  }
  if (answer.result === 'refused') return [`The engine refused it: ${ack.why ?? answer.detail ?? 'it gave no reason'}. What was in force stays.`, true];
  return ['The engine has not answered in time: whether it applies is UNKNOWN. Look at the acknowledgement before you try again.', true];
}

export class Editor {
  readonly element: HTMLElement;
  private values: Values | null = null;
  private seen = '';
  private readonly edits = new Map<string, { row: Row; text: string | null }>();
  private readonly scope = h('select', { 'aria-label': 'Scope', 'data-name': 'scope', onchange: () => this.show() });
  private readonly filter = h('input', { type: 'search', placeholder: 'name', 'aria-label': 'Filter by name', autocomplete: 'off', oninput: () => this.show() });
  private readonly review = h('button', { type: 'button', class: 'primary', 'data-name': 'review', disabled: true, onclick: () => attempt(this.context, () => this.diff()) }, 'Show difference');
  private readonly stage = h('button', { type: 'button', title: 'Takes the changes the way over one engine to all', 'data-name': 'draft', disabled: true, onclick: () => this.draft() }, 'Draft a configuration…');
  private readonly drop = h('button', { type: 'button', disabled: true, onclick: () => this.clear() }, 'Discard');
  private readonly fault = h('p', { class: 'bad', role: 'alert' });
  private readonly result = h('p', { class: 'result', role: 'status', 'data-name': 'result' });
  private readonly facts: Facts<Values>;
  private readonly table: Table<Row>;

  constructor(private readonly context: Context, private readonly resource: 'limits' | 'parameters', title: string) {
    this.facts = new Facts<Values>(title, [
      { name: 'version', label: 'version', text: (v) => String(v.version) },
      { name: 'publication', label: 'publication', text: (v) => String(v.publication) },
      { name: 'applied', label: 'applied', text: (v) => (v.ack?.applied_version === undefined ? NONE : `version ${v.ack.applied_version}`) },
      { name: 'applied_at', label: 'applied at, UTC', text: (v) => stamp(v.ack?.applied_at_ns) },
      { name: 'first_used', label: 'first decision under it, UTC', text: (v) => stamp(v.ack?.first_used_ns) },
      { name: 'refused', label: 'last refused', text: (v) => (!v.ack?.refused ? 'none' : `version ${v.ack.refused_version}: ${v.ack.why}`), mood: (v) => (v.ack?.refused ? 'warn' : '') },
    ], true);
    this.table = new Table<Row>({
      caption: `${title} in force`, key: rowKey, stack: true, empty: 'nothing fits', mood: (row) => (this.edits.has(rowKey(row)) ? 'chosen' : ''),
      columns: [
        { name: 'key', head: 'name', text: (row) => `${row.spec.table}.${row.spec.key}` },
        { name: 'value', head: 'in force', number: true, text: (row) => (row.now === undefined ? 'various' : show(row.now, row.spec.kind)), mood: (row) => (row.set ? 'changed' : '') },
        { name: 'new', head: 'new', text: () => '', control: (row) => this.input(row) },
        { name: 'unset', head: '', text: () => '', control: (row) => this.unset(row) },
        { name: 'unit', head: 'unit', text: (row) => row.spec.unit },
        { name: 'default', head: 'default', tip: 'of the configuration file', number: true, text: (row) => show(row.spec.default, row.spec.kind) },
        { name: 'bounds', head: 'bounds', number: true, text: (row) => bounds(row.spec) },
        { name: 'text', head: 'what it does', text: (row) => row.spec.text },
      ],
    });
    this.element = h('div', {}, this.facts.element, h('p', { class: 'buttons' }, this.scope, this.filter, this.review, this.stage, this.drop), this.fault, this.result, this.table.element,
      h('p', { class: 'hint' }, 'Bold: set by the page in force, not by the configuration file. "Reset" takes it back to the configuration file.'));
  }

  /** Reads again, when it comes into sight or the engine took something else. */
  follow(): void {
    const frame = this.context.stream.frame;
    const state = `${this.context.engine()} ${frame?.engine.started_ns} ${frame?.params?.applied} ${frame?.params?.refused} ${frame?.model?.applied}`;
    if (state === this.seen) return;
    this.seen = state;
    attempt(this.context, () => this.load());
  }

  async load(): Promise<void> {
    this.values = await get<Values>(path(['engines', this.context.engine(), this.resource]));
    const scopes = [...new Set(this.values.in_force.map((row) => row.scope))].filter((scope) => scope !== '*');
    const chosen = this.scope.value;
    const option = (scope: string): HTMLOptionElement => h('option', { value: scope }, scope === '*' ? 'every one (*)' : scope);
    this.scope.replaceChildren(...['*', ...scopes].map(option));
    this.scope.value = chosen !== '' && [...scopes, '*'].includes(chosen) ? chosen : (scopes[0] ?? '*');
    this.facts.update(this.values);
    this.show();
  }

  private rows(values: Values): Row[] {
    const scope = this.scope.value;
    const now = new Map(values.in_force.map((row) => [key(row), row.value]));
    const set = new Set(values.page.map(key));
    const scopesOf = new Map<string, Set<string>>();
    for (const row of values.in_force) scopesOf.set(row.table, (scopesOf.get(row.table) ?? new Set()).add(row.scope));
    const fits = (spec: Spec): boolean => scope === '*' || scopesOf.get(spec.table)?.has(scope) === true;
    const wanted = this.filter.value.trim().toLowerCase();
    return values.schema.filter((spec) => fits(spec) && spec.key.includes(wanted)).map((spec) => {
      const id = key({ table: spec.table, scope, key: spec.key });
      return { spec, scope, now: now.get(id), set: set.has(id) };
    });
  }

  private show(): void {
    if (this.values === null) return;
    this.table.update(this.rows(this.values));
    const count = this.edits.size;
    setAttribute(this.review, 'disabled', count === 0);
    setAttribute(this.stage, 'disabled', count === 0);
    setAttribute(this.drop, 'disabled', count === 0);
    this.review.textContent = count === 0 ? 'Show difference' : `Show difference (${count})`;
  }

  private input(row: () => Row): Node {
    const field = h('input', { class: 'value', autocomplete: 'off', 'aria-label': `New value of ${row().spec.key}, ${row().scope}` });
    field.addEventListener('input', () => {
      const bad = field.value.trim() !== '' && readValue(field.value, row().spec.kind) === undefined;
      setAttribute(field, 'aria-invalid', bad ? 'true' : null);
      if (field.value.trim() === '') this.edits.delete(rowKey(row()));
      else this.edits.set(rowKey(row()), { row: row(), text: field.value });
      this.show();
    });
    return field;
  }

  private unset(row: () => Row): Node {
    return h('button', { type: 'button', title: 'Back to the configuration file', onclick: () => {
      this.edits.set(rowKey(row()), { row: row(), text: null });
      this.show();
    } }, 'Reset');
  }

  private clear(): void {
    this.edits.clear();
    for (const field of this.table.element.querySelectorAll<HTMLInputElement>('input.value')) {
      field.value = '';
      field.removeAttribute('aria-invalid');
    }
    this.fault.textContent = '';
    this.show();
  }

  private body(): Changes {
    const set: unknown[] = [];
    const unset: unknown[] = [];
    for (const { row, text } of this.edits.values()) {
      const place = { table: row.spec.table, scope: row.scope, key: row.spec.key };
      if (text === null) {
        unset.push(place);
        continue;
      }
      const value = readValue(text, row.spec.kind);
      if (value === undefined) throw new Error(`${row.spec.key}: "${text}" is no value of kind ${row.spec.kind}`);
      set.push({ ...place, value });
    }
    return { set, unset };
  }

  private async diff(): Promise<void> {
    const values = this.values;
    if (values === null) return;
    this.fault.textContent = '';
    const engine = this.context.engine();
    const send = (query: Record<string, string>, reason: string, id: string): Promise<Outcome> =>
      change<Outcome>('PATCH', path(['engines', engine, this.resource], query), { ...this.body(), reason }, { key: id, version: values.etag });
    let dry: Outcome;
    try {
      dry = await send({ dry_run: 'true' }, 'dry run', newKey());
    } catch (error) {
      this.fault.textContent = explain(error);
      return;
    }
    ask({
      title: `Change ${this.resource} of ${engine}`, body: [difference(dry.diff ?? [], values.schema)], action: 'Apply', danger: true, reason: 'needed',
      run: async (reason, id) => {
        try {
          this.tell(await send({}, reason, id));
          this.clear();
        } catch (error) {
          if (error instanceof Failed && error.unknown) this.tell({ result: 'unknown' });
          throw error;
        } finally {
          await this.load();
        }
      },
    });
  }

  /** The same changes for several engines: nothing is sent to one from here. */
  private draft(): void {
    this.fault.textContent = '';
    try {
      askDraft(this.context, this.body(), [h('p', {}, `${this.edits.size} of the ${this.resource} are changed.`)], () => {
        this.clear();
        this.context.go({ view: 'rollouts', argument: '' });
      });
    } catch (error) {
      this.fault.textContent = explain(error);
    }
  }

  private tell(answer: Outcome): void {
    const [text, bad] = outcome(answer);
    this.result.textContent = text;
    this.result.className = bad ? 'result bad' : 'result good';
    this.context.say(text, bad);
  }
}

