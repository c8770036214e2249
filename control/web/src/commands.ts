// Single commands to the engine, each asked about before it is sent, and what the engine answered.

import { change, path } from './api';
import type { Context } from './context';
import { ask } from './dialog';
import { h } from './dom';
import { stamp } from './format';
import type { Int } from './lossless';
import { scopes } from './scope';

interface Entry { command: string; label: string; text: string; danger: boolean; scoped?: boolean }
interface Answer { result: string; reply: { at_ns: Int } | null }

const COMMANDS: readonly Entry[] = [
  { command: 'halt', label: 'Halt', text: 'New orders are held; what works stays at the venue.', danger: true },
  { command: 'resume', label: 'Resume', text: 'New orders pass again.', danger: true },
  { command: 'cancel_all', label: 'Cancel all', text: 'Every working order of the scope is cancelled; new ones still pass.', danger: true, scoped: true },
  { command: 'snapshot', label: 'Snapshot', text: 'The engine writes all its pages at once.', danger: false },
  { command: 'rotate_journal', label: 'Rotate journal', text: 'The journal goes on in a new segment.', danger: false },
];

export class Commands {
  readonly element: HTMLElement;
  private readonly result = h('p', { class: 'result', role: 'status', 'data-name': 'command-result' });

  constructor(private readonly context: Context) {
    const buttons = COMMANDS.map((entry) => h('button', { type: 'button', title: entry.text, 'data-command': entry.command, onclick: () => this.ask(entry) }, `${entry.label}…`));
    this.element = h('section', { class: 'panel' }, h('h2', {}, 'Commands'), h('p', { class: 'buttons' }, ...buttons), this.result);
  }

  private ask({ command, label, text, danger, scoped }: Entry): void {
    const engine = this.context.engine();
    const scope = scoped === true ? scopes(this.context, 'command-scope') : null;
    ask({
      title: `${label}: ${engine}`, body: [h('p', {}, text), ...(scope === null ? [] : [h('p', {}, scope)])], action: label, danger, reason: 'needed',
      run: async (reason, key) => {
        const body = { command, reason, ...(scope === null ? {} : { scope: scope.value }) };
        const answer = await change<Answer>('POST', path(['engines', engine, 'commands']), body, { key });
        this.tell(scope === null ? label : `${label}, ${scope.value}`, answer);
      },
    });
  }

  /** What is refused or not done is an error, and shown where it was asked for. */
  private tell(what: string, { result, reply }: Answer): void {
    const done = result === 'applied';
    const said = done ? `${what}: done at ${stamp(reply?.at_ns)} UTC.` : `${what}: the engine has not answered in time: whether it happens is UNKNOWN. Look at the engine before you try again.`;
    this.result.textContent = said;
    this.result.className = done ? 'result good' : 'result bad';
    this.context.say(said, !done);
  }
}
