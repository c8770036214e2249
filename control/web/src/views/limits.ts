// Limits of accounts, symbols and host: edit, difference, confirm; and the versions to go back to.

import { Commands } from '../commands';
import type { Context, View } from '../context';
import { h } from '../dom';
import { Editor } from '../editor';
import { Versions } from '../versions';

export const limits = (context: Context): View => {
  const editor = new Editor(context, 'limits', 'Limits');
  const versions = new Versions(context, 'versions', 'Versions of parameters and limits', () => void editor.load());
  const commands = new Commands(context);
  const follow = (): void => {
    editor.follow();
    versions.follow();
  };
  return { element: h('div', {}, editor.element, versions.element, commands.element), enter: follow, render: follow };
};
