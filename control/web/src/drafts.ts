// A change that goes its way over several engines: a draft of it, which reaches none yet.

import { change, path } from './api';
import type { Context } from './context';
import { ask } from './dialog';
import { h } from './dom';

export interface Changes { set: unknown[]; unset: unknown[] }

/** Asks for its name and its engines, and writes it down. */
export function askDraft(context: Context, changes: Changes, shown: Node[], drafted: () => void): void {
  const name = h('input', { name: 'name', autocomplete: 'off', maxlength: '64', required: true });
  const boxes = context.engines().map((engine) => h('input', { type: 'checkbox', name: 'engine', value: engine.name, checked: true }));
  ask({
    title: 'Draft a configuration', action: 'Draft', reason: 'needed',
    body: [
      ...shown, h('label', { class: 'wide' }, 'Name ', name),
      h('fieldset', { class: 'buttons' }, h('legend', {}, 'Engines, in the order in which they get it'), ...boxes.map((box) => h('label', {}, box, ` ${box.value}`))),
      h('p', { class: 'hint' }, 'Nothing reaches an engine yet: it is validated, tried on one engine, and then applied to all of them.'),
    ],
    run: async (reason, key) => {
      const engines = boxes.filter((box) => box.checked).map((box) => box.value);
      await change('POST', path(['configurations']), { name: name.value.trim(), engines, ...changes, reason }, { key });
      drafted();
    },
  });
  name.focus();
}
