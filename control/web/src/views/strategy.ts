// Parameters of the strategy, its models, and the versions of both to go back to.

import { change, path } from '../api';
import { attempt, type Context, type View } from '../context';
import { ask } from '../dialog';
import { h } from '../dom';
import { Editor, outcome, type Outcome } from '../editor';
import { Facts } from '../facts';
import { stamp } from '../format';
import type { Frame } from '../types';
import { Versions } from '../versions';

export const strategy = (context: Context): View => {
  const editor = new Editor(context, 'parameters', 'Parameters of the strategy');
  const versions = new Versions(context, 'versions', 'Versions of parameters and limits', () => void editor.load());
  const result = h('p', { class: 'result', role: 'status', 'data-name': 'model-result' });
  const models = new Versions(context, 'models', 'Models', () => (result.textContent = ''));
  const model = facts();
  const follow = (): void => {
    editor.follow();
    versions.follow();
    models.follow();
    if (context.stream.frame !== null) model.update(context.stream.frame);
  };
  return { element: h('div', {}, editor.element, versions.element, model.element, models.element, loader(context, models, result)), enter: follow, render: follow };
};

/** What the engine says of its model. */
const facts = (): Facts<Frame> => new Facts<Frame>('Model', [
  { name: 'model.version', label: 'in force', text: ({ model }) => (Number(model?.applied_version ?? 0) === 0 ? 'the configuration file' : `version ${model?.applied_version}`) },
  { name: 'model.applied_at', label: 'applied at, UTC', text: ({ model }) => stamp(model?.applied_at_ns) },
  { name: 'model.first_used', label: 'first decision under it, UTC', text: ({ model }) => stamp(model?.first_used_ns) },
  { name: 'model.refused', label: 'last refused', text: ({ model }) => (!model?.refused ? 'none' : `version ${model.refused_version}: ${model.why}`), mood: ({ model }) => (model?.refused ? 'warn' : '') },
], true);

/** A model file is read here and sent as text; the control process checks it before anything is published. */
function loader(context: Context, models: Versions, result: HTMLElement): HTMLElement {
  const file = h('input', { type: 'file', accept: '.toml', 'aria-label': 'Model file' });
  const load = async (): Promise<void> => {
    const chosen = file.files?.[0];
    if (chosen === undefined) throw new Error('Choose a model file first.');
    const [toml, engine, version] = [await chosen.text(), context.engine(), models.current];
    ask({
      title: `Swap the model of ${engine}`, body: [h('p', {}, `File ${chosen.name}, ${toml.length} characters:`), h('pre', { class: 'wrap' }, toml)], action: 'Swap', danger: true, reason: 'needed',
      run: async (reason, key) => {
        const answer = await change<Outcome>('POST', path(['engines', engine, 'models']), { name: chosen.name.replace(/\.toml$/, ''), toml, reason }, { key, version });
        const [text, bad] = outcome(answer);
        result.textContent = text;
        result.className = bad ? 'result bad' : 'result good';
        context.say(text, bad);
        models.reload();
      },
    });
  };
  return h('section', { class: 'panel' }, h('h2', {}, 'Load a model'), h('p', { class: 'buttons' }, file, h('button', { type: 'button', class: 'primary', onclick: () => attempt(context, load) }, 'Load…')), result);
}
