// Single commands to the engine, each asked about before it is sent.

import { change, newKey, path } from './api';
import type { Context } from './context';
import { ask } from './dialog';
import { h } from './dom';

const COMMANDS: readonly { command: string; label: string; text: string; danger: boolean }[] = [
  { command: 'halt', label: 'Halt', text: 'New orders are held; what works stays at the venue.', danger: true },
  { command: 'resume', label: 'Resume', text: 'New orders pass again.', danger: true },
  { command: 'cancel_all', label: 'Cancel all', text: 'Every working order is cancelled; new ones still pass.', danger: true },
  { command: 'snapshot', label: 'Snapshot', text: 'The engine writes all its pages at once.', danger: false },
  { command: 'rotate_journal', label: 'Rotate journal', text: 'The journal goes on in a new segment.', danger: false },
];

export class Commands {
  readonly element: HTMLElement;
  private readonly result = h('p', { class: 'result', role: 'status' });

  constructor(private readonly context: Context) {
    const buttons = COMMANDS.map((entry) => h('button', { type: 'button', title: entry.text, 'data-command': entry.command, onclick: () => this.ask(entry) }, `${entry.label}…`));
    this.element = h('section', { class: 'panel' }, h('h2', {}, 'Commands'), h('p', { class: 'buttons' }, ...buttons), this.result);
  }

  private ask({ command, label, text, danger }: (typeof COMMANDS)[number]): void {
    const [engine, key] = [this.context.engine(), newKey()];
    ask({
      title: `${label}: ${engine}`, body: [h('p', {}, text)], action: label, danger, reason: 'needed',
      run: async (reason) => {
        const answer = await change<{ result?: string; detail?: string }>('POST', path(['engines', engine, 'commands']), { command, reason }, { key });
        const said = `${label}: ${answer.result ?? 'done'}${answer.detail ? `, ${answer.detail}` : ''}`;
        this.result.textContent = said;
        this.context.say(said, answer.result === 'unknown' || answer.result === 'refused');
      },
    });
  }
}
