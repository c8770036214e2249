// Parameters of the strategy, its models, and the versions of both to go back to.

import { attempt, type Context, type View } from '../context';
import { change, newKey, path } from '../api';
import { ask } from '../dialog';
import { h } from '../dom';
import { Editor, outcome, type Outcome } from '../editor';
import { Versions } from '../versions';

export const strategy = (context: Context): View => {
  const editor = new Editor(context, 'parameters', 'Parameters of the strategy');
  const versions = new Versions(context, 'versions', 'Versions of parameters and limits', () => void editor.load());
  const models = new Versions(context, 'models', 'Models', () => undefined);
  const follow = (): void => {
    editor.follow();
    versions.follow();
    models.follow();
  };
  return { element: h('div', {}, editor.element, versions.element, models.element, loader(context, () => models.reload())), enter: follow, render: follow };
};

/** A model file is read here and sent as text; the control process checks it before anything is published. */
function loader(context: Context, loaded: () => void): HTMLElement {
  const file = h('input', { type: 'file', accept: '.toml', 'aria-label': 'Model file' });
  const load = async (): Promise<void> => {
    const chosen = file.files?.[0];
    if (chosen === undefined) throw new Error('Choose a model file first.');
    const [toml, engine, key] = [await chosen.text(), context.engine(), newKey()];
    ask({
      title: `Swap the model of ${engine}`, body: [h('p', {}, `File ${chosen.name}, ${toml.length} characters.`)], action: 'Swap', danger: true, reason: 'needed',
      run: async (reason) => {
        const answer = await change<Outcome>('POST', path(['engines', engine, 'models']), { name: chosen.name.replace(/\.toml$/, ''), toml, reason }, { key });
        context.say(...outcome(answer));
        loaded();
      },
    });
  };
  return h('section', { class: 'panel' }, h('h2', {}, 'Load a model'), h('p', { class: 'buttons' }, file, h('button', { type: 'button', class: 'primary', onclick: () => attempt(context, load) }, 'Load…')));
}
