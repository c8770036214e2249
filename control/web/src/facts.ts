// Single values with their names, written only when they change.

import { h, Mood, Text } from './dom';

export interface Fact<S> {
  name: string;
  label: string;
  text(state: S): string;
  mood?(state: S): string;
}

export class Facts<S> {
  readonly element: HTMLElement;
  private readonly shown: { fact: Fact<S>; text: Text; mood: Mood }[];

  /** `long`: values as long as a date and a time. */
  constructor(title: string, facts: Fact<S>[], long = false) {
    const list = h('dl');
    this.shown = facts.map((fact) => {
      const text = new Text();
      const value = h('dd', { 'data-name': fact.name }, text.node);
      list.append(h('div', {}, h('dt', {}, fact.label), value));
      return { fact, text, mood: new Mood(value) };
    });
    this.element = h('section', { class: long ? 'panel facts long' : 'panel facts' }, h('h2', {}, title), list);
  }

  update(state: S): void {
    for (const { fact, text, mood } of this.shown) {
      text.set(fact.text(state));
      mood.set(fact.mood?.(state) ?? '');
    }
  }
}
