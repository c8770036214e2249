// Shortcuts: `g` and a letter goes to a view; single keys for the rest. None while something is typed.

import { h } from './dom';
import { tell } from './dialog';

export interface Shortcut { keys: string; what: string; run(): void }

const GO_MS = 1500;

function isTyping(event: KeyboardEvent): boolean {
  const target = event.target;
  return target instanceof HTMLInputElement || target instanceof HTMLTextAreaElement || target instanceof HTMLSelectElement;
}

export function listen(shortcuts: readonly Shortcut[]): void {
  let prefix = '';
  let at = 0;
  document.addEventListener('keydown', (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey || isTyping(event) || document.querySelector('dialog[open]') !== null) return;
    const keys = prefix !== '' && performance.now() - at < GO_MS ? `${prefix} ${event.key}` : event.key;
    prefix = '';
    if (event.key === 'g' && keys === 'g') {
      [prefix, at] = ['g', performance.now()];
      return;
    }
    const found = shortcuts.find((shortcut) => shortcut.keys === keys);
    if (found === undefined) return;
    event.preventDefault();
    found.run();
  });
}

export function help(shortcuts: readonly Shortcut[]): void {
  const rows = shortcuts.map((s) => h('tr', {}, h('th', { scope: 'row' }, h('kbd', {}, s.keys)), h('td', {}, s.what)));
  tell('Keyboard', [h('table', {}, h('tbody', {}, ...rows))]);
}
