// Who did what, when, and with what result; and whether the log is whole.

import { change, get, path } from '../api';
import { attempt, explain, type Context, type View } from '../context';
import { tell } from '../dialog';
import { h } from '../dom';
import { int, stamp } from '../format';
import { stringify, type Int } from '../lossless';
import { Table } from '../table';
import type { Page } from '../types';

interface Entry { seq: Int; when_ns: Int; who: string; role: string; type: string; action: string; object: string; result: string; reason: string; correlation: string }
interface Report { ok: boolean; origin: string; size: Int; root: string; dropped: Int; heads: Int; vouched: Int; finding: { seq: Int | null; kind: string; detail: string } | null }

const FIELDS = [['user', 'who'], ['action', 'action'], ['type', 'type'], ['result', 'result'], ['text', 'text']] as const;

export const audit = (context: Context): View => {
  const fields = new Map(FIELDS.map(([name, label]) => [name as string, h('input', { type: 'search', name, placeholder: label, 'aria-label': `Filter: ${label}`, autocomplete: 'off' })]));
  const table = new Table<Entry>({
    caption: 'Audit trail', key: (row) => String(row.seq), tall: true, empty: 'nothing fits',
    columns: [
      { name: 'seq', head: 'no.', number: true, text: (row) => int(row.seq), control: (row) => h('button', { type: 'button', class: 'link', onclick: () => open(context, row().seq) }, int(row().seq)) },
      { name: 'when', head: 'UTC', text: (row) => stamp(row.when_ns) },
      { name: 'who', head: 'who', text: (row) => row.who },
      { name: 'role', head: 'role', text: (row) => row.role },
      { name: 'action', head: 'action', text: (row) => row.action },
      { name: 'object', head: 'object', text: (row) => row.object },
      { name: 'result', head: 'result', text: (row) => row.result, mood: (row) => (/refus|fail|denied|unknown/.test(row.result) ? 'bad' : '') },
      { name: 'reason', head: 'reason', text: (row) => row.reason },
      { name: 'correlation', head: 'correlation', text: (row) => row.correlation },
    ],
  });
  const state = h('p', { class: 'result', role: 'status', 'data-name': 'verify' });
  const more = h('button', { type: 'button', hidden: true, onclick: () => attempt(context, () => load(next)) }, 'More');
  let rows: Entry[] = [];
  let next: string | null = null;

  async function load(cursor: string | null): Promise<void> {
    const query = Object.fromEntries([...fields].map(([name, field]) => [name, field.value.trim()]));
    const page = await get<Page<Entry>>(path(['audit'], { ...query, limit: 200, cursor: cursor ?? undefined }));
    rows = cursor === null ? page.items : [...rows, ...page.items];
    next = page.next;
    more.hidden = next === null;
    table.update(rows);
  }

  async function verify(): Promise<void> {
    state.className = 'result';
    state.textContent = 'Verifying the whole log…';
    try {
      const report = await change<Report>('POST', path(['audit', 'verify']), {});
      state.className = report.ok ? 'result good' : 'result bad';
      state.textContent = report.ok ? `✓ The log is whole: ${describe(report)}.` : `✗ THE LOG IS NOT WHOLE: ${fault(report)}. Right up to there: ${describe(report)}.`;
    } catch (error) {
      state.className = 'result bad';
      state.textContent = `It could not be verified: ${explain(error)}`;
    }
  }

  const form = h('form', { class: 'buttons', role: 'search' }, ...fields.values(), h('button', { type: 'submit', class: 'primary' }, 'Search'), h('button', { type: 'button', onclick: () => void verify(), 'data-name': 'verify-button' }, 'Verify the log'));
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    attempt(context, () => load(null));
  });
  return { element: h('div', {}, form, state, table.element, h('p', { class: 'buttons' }, more)), enter: () => attempt(context, () => load(null)) };
};

const describe = ({ size, dropped, heads, vouched, root }: Report): string =>
  `${int(size)} records, of which ${int(dropped)} without a body; ${int(heads)} signed heads are right, the last over ${int(vouched)} records; root ${root}`;
const fault = ({ finding }: Report): string => (finding === null ? 'no reason given' : `record ${finding.seq === null ? 'unknown' : int(finding.seq)}, ${finding.kind}: ${finding.detail}`);

function open(context: Context, seq: Int): void {
  attempt(context, async () => {
    const [entry, proof] = await Promise.all([get<Record<string, unknown>>(path(['audit', String(seq)])), get<unknown>(path(['audit', String(seq), 'proof'])).catch((error: unknown) => explain(error))]);
    const rows = Object.entries(entry).map(([name, value]) => h('tr', {}, h('th', { scope: 'row' }, name), h('td', { class: 'wrap' }, typeof value === 'object' ? stringify(value) : String(value))));
    tell(`Audit record ${seq}`, [h('div', { class: 'scroll' }, h('table', {}, h('tbody', {}, ...rows))), h('h3', {}, 'Proof of inclusion'), h('pre', { class: 'wrap' }, typeof proof === 'string' ? proof : stringify(proof))]);
  });
}
