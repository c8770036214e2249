// Questions that need an answer before anything happens.

import { Failed, newKey } from './api';
import { explain } from './context';
import { h } from './dom';

interface Question {
  title: string;
  body: (Node | string)[];
  /** What the button that does it is called. */
  action: string;
  danger?: boolean;
  /** A text that must be given. */
  reason?: 'needed' | 'optional';
  /** Does it; an error is shown in the dialog, which stays open. Under one key it happens once, however often it is sent. */
  run(reason: string, key: string): Promise<void>;
}

/** Opens a modal dialog; Escape and "Back" end it without doing anything. */
export function ask(question: Question): HTMLDialogElement {
  const fault = h('p', { class: 'bad', role: 'alert' });
  const reason = h('input', { name: 'reason', autocomplete: 'off', maxlength: '500', required: question.reason === 'needed' });
  const button = h('button', { class: question.danger === true ? 'danger' : 'primary', type: 'submit' }, question.action);
  const back = h('button', { type: 'button', onclick: () => dialog.close() }, 'Back');
  const label = question.reason === undefined ? null : h('label', { class: 'wide' }, `Reason (${question.reason}) `, reason);
  let key = newKey();
  const form = h('form', {}, ...question.body, label, fault, h('p', { class: 'buttons' }, button, back));
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    button.disabled = true;
    fault.textContent = '';
    question.run(reason.value.trim(), key).then(
      () => dialog.close(),
      (error: unknown) => {
        // What may have happened keeps its key; what was refused is asked for anew.
        if (!(error instanceof Failed && error.unknown)) key = newKey();
        fault.textContent = explain(error);
        button.disabled = false;
      },
    );
  });
  const dialog = h('dialog', { 'aria-label': question.title }, h('h2', {}, question.title), form);
  dialog.addEventListener('close', () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
  (question.reason === undefined ? button : reason).focus();
  return dialog;
}

/** Shows something that needs no answer. */
export function tell(title: string, body: (Node | string)[]): void {
  const close = h('button', { type: 'button', onclick: () => dialog.close() }, 'Close');
  const dialog = h('dialog', { 'aria-label': title }, h('h2', {}, title), ...body, h('p', { class: 'buttons' }, close));
  dialog.addEventListener('close', () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
}
