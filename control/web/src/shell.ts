// What is always in sight: kill state, alarms, age of the numbers, who is signed in, and the way to each view.

import { alarmsOf } from './alarms';
import type { Context } from './context';
import { h, Mood, setAttribute, Text } from './dom';
import { span, time } from './format';
import { write } from './router';
import type { ClockState, Frame } from './types';
import { nextTheme, setTheme, theme } from './theme';

export interface Entry { view: string; title: string; key: string }

/** A chip of the header: a name and what it is now. */
class Chip {
  readonly element: HTMLElement;
  private readonly text = new Text('–');
  private readonly mood: Mood;

  constructor(name: string, label: string) {
    this.element = h('span', { class: 'chip', 'data-name': name }, h('b', {}, label), ' ', this.text.node);
    this.mood = new Mood(this.element);
  }

  set(text: string, mood: string): void {
    this.text.set(text);
    this.mood.set(mood);
  }
}

export class Shell {
  readonly element: HTMLElement;
  readonly main = h('main', { id: 'main', tabindex: '-1' });
  private readonly engines = h('select', { 'aria-label': 'Engine' });
  private readonly chips = {
    engine: new Chip('engine', 'engine'), pulse: new Chip('pulse', 'numbers'), kill: new Chip('kill', 'kill'),
    orders: new Chip('new-orders', 'new orders'), alarms: new Chip('alarms', 'alarms'), clock: new Chip('clock', 'clock'),
  };
  private readonly who = h('span', { class: 'chip', 'data-name': 'who' });
  private readonly aloud = h('p', { class: 'aloud', role: 'status', 'aria-live': 'polite' });
  private readonly urgent = h('p', { class: 'aloud', role: 'alert', 'aria-live': 'assertive' });
  private readonly toast = h('p', { class: 'toast', hidden: true, onclick: () => (this.toast.hidden = true) });
  private readonly silence = h('p', { class: 'silence', hidden: true, 'data-name': 'silence' });
  private readonly silenceText = new Text();
  private readonly links: { entry: Entry; link: HTMLAnchorElement }[];
  private readonly title = h('h1');
  private known = new Map<string, string>();
  private listed = '';
  private toastTimer = 0;

  constructor(private readonly context: Context, entries: readonly Entry[], private readonly acts: { kill(): void; help(): void }) {
    this.links = entries.map((entry) => ({ entry, link: h('a', { href: '#', title: `g ${entry.key}` }, entry.title) }));
    this.engines.addEventListener('change', () => context.go({ engine: this.engines.value, argument: '' }));
    this.silence.append(this.silenceText.node);
    const chips = Object.values(this.chips).map((chip) => chip.element);
    const skip = h('a', { class: 'skip', href: '#main', onclick: (event) => {
      event.preventDefault();
      this.main.focus();
    } }, 'Skip to content');
    const themes = h('button', { type: 'button', 'data-name': 'theme', 'aria-label': 'Theme', title: 'Light, dark, or as the system says (t)', onclick: () => this.switchTheme() }, `◐ ${theme()}`);
    this.theme = themes;
    // At the left, where it stays whatever the chips behind it say.
    const kill = h('button', { type: 'button', class: 'danger', 'data-name': 'kill-button', title: 'Stop all new orders and cancel what works (Shift+K)', onclick: () => this.acts.kill() }, 'KILL');
    const head = h('header', {}, skip, h('strong', { class: 'brand' }, 'NOFX'), this.engines, kill, ...chips, h('span', { class: 'grow' }), this.who, themes,
      h('button', { type: 'button', 'aria-label': 'Shortcuts', title: 'Shortcuts (?)', onclick: () => this.acts.help() }, '?'));
    const nav = h('nav', { 'aria-label': 'Views' }, ...this.links.map(({ link }) => link));
    this.element = h('div', { class: 'shell' }, head, nav, h('div', { class: 'body' }, this.silence, this.title, this.main), this.toast, this.aloud, this.urgent);
  }

  private readonly theme: HTMLButtonElement;

  switchTheme(): void {
    setTheme(nextTheme());
    this.theme.textContent = `◐ ${theme()}`;
    this.context.changed();
  }

  /** Marks where we are. */
  place(title: string): void {
    const { engine, view } = this.context.place();
    this.title.textContent = title;
    document.title = `${title} · ${engine || 'NOFX control'}`;
    for (const { entry, link } of this.links) {
      setAttribute(link, 'href', write({ engine, view: entry.view, argument: '' }));
      setAttribute(link, 'aria-current', entry.view === view ? 'page' : null);
      // What is chosen must be in sight where the list of views is scrolled.
      // (scrollIntoView would also move the place where Tab begins.)
      const nav = link.parentElement;
      if (entry.view === view && nav !== null) nav.scrollLeft = link.offsetLeft - (nav.clientWidth - link.offsetWidth) / 2;
    }
  }

  say(text: string, bad: boolean): void {
    (bad ? this.urgent : this.aloud).textContent = text;
    this.toast.textContent = text;
    this.toast.className = bad ? 'toast bad' : 'toast';
    this.toast.hidden = false;
    clearTimeout(this.toastTimer);
    this.toastTimer = window.setTimeout(() => (this.toast.hidden = true), bad ? 8_000 : 6_000);
  }

  render(): void {
    const { stream } = this.context;
    const { frame, clock } = stream;
    const pulse = stream.pulse();
    this.list();
    this.signIn();
    const alarms = alarmsOf(frame, pulse, stream.age(), stream.gone);
    const old = pulse !== 'live';
    document.documentElement.classList.toggle('old', old && frame !== null);
    const marks = { live: ['live', 'good'], late: ['LATE', 'bad'], silent: ['SILENT', 'bad'], connecting: ['connecting', 'warn'] } as const;
    this.chips.pulse.set(old ? marks[pulse][0] : `live, ${Math.round(stream.age())} ms`, marks[pulse][1]);
    this.renderTrading(frame, old);
    const bad = alarms.filter((alarm) => alarm.bad).length;
    this.chips.alarms.set(String(alarms.length), bad > 0 ? 'bad' : alarms.length > 0 ? 'warn' : 'good');
    this.renderClock(clock);
    this.renderSilence(old);
    this.announce(alarms);
  }

  /** What the engine does with orders: never said of an engine that is not heard. */
  private renderTrading(frame: Frame | null, old: boolean): void {
    const { engine, kill, orders } = this.chips;
    if (frame === null) {
      engine.set('not seen', 'bad');
      kill.set('unknown', 'warn');
      orders.set('unknown', 'warn');
      return;
    }
    const killed = frame.kill.length > 0;
    const held = frame.halted === true || killed || frame.sessions.some((session) => session.blocked);
    engine.set(old ? `was ${frame.engine.state}` : frame.engine.state, !old && frame.engine.state === 'trading' ? 'good' : 'bad');
    kill.set(`${killed ? `ENGAGED: ${frame.kill.join(', ')}` : 'off'}${old ? ', last known' : ''}`, killed ? 'bad' : old ? 'warn' : 'good');
    if (old) orders.set('unknown', 'warn');
    else orders.set(frame.halted === true ? 'HALTED' : held ? 'STOPPED' : 'pass', held ? 'bad' : 'good');
  }

  private renderClock(clock: ClockState | null): void {
    const error = clock?.error_ns ?? null;
    this.chips.clock.set(error === null ? 'unknown' : `± ${span(error)}`, clock?.alarm === true ? 'bad' : error === null ? 'warn' : 'good');
    setAttribute(this.chips.clock.element, 'title', clock?.detail);
  }

  private renderSilence(old: boolean): void {
    const { stream } = this.context;
    const { frame, gone } = stream;
    this.silence.hidden = !old || (frame === null && gone === null);
    if (this.silence.hidden) return;
    const who = stream.pulse() === 'late' ? 'Nothing is heard from the control process' : `Engine ${this.context.engine()} is ${gone?.standing ?? 'silent'}`;
    const why = gone === null || gone.detail === '' ? '' : ` (${gone.detail})`;
    if (frame === null) {
      this.silenceText.set(`${who}${why}. It has shown nothing yet.`);
      return;
    }
    const beat = BigInt(frame.engine.heartbeat_age_ns ?? 0);
    const age = BigInt(Math.round(stream.age())) * 1_000_000n + beat;
    this.silenceText.set(`${who}${why}, silent since ${time(String(BigInt(frame.at_ns) - beat))} UTC, ${span(String(age))} ago. What is shown in grey is what it said last.`);
  }

  /** New alarms are said aloud, once. */
  private announce(alarms: readonly { key: string; text: string; bad: boolean }[]): void {
    const fresh = alarms.filter((alarm) => alarm.bad && !this.known.has(alarm.key));
    const over = [...this.known.keys()].filter((key) => !alarms.some((alarm) => alarm.key === key));
    if (fresh.length > 0) this.urgent.textContent = `Alarm: ${fresh.map((alarm) => alarm.text).join('; ')}`;
    if (over.length > 0) this.aloud.textContent = `Over: ${over.map((key) => this.known.get(key)).join('; ')}`;
    this.known = new Map(alarms.map((alarm) => [alarm.key, alarm.text]));
  }

  private list(): void {
    const names = this.context.engines().map((engine) => engine.name);
    const chosen = this.context.engine();
    const state = `${names.join()}|${chosen}`;
    if (state === this.listed) return;
    this.listed = state;
    this.engines.replaceChildren(...names.map((name) => h('option', { value: name, selected: name === chosen }, name)));
    this.engines.value = chosen;
  }

  private signIn(): void {
    const me = this.context.me();
    const text = me === null ? 'not signed in' : `${me.person} (${me.roles.join(', ')})`;
    if (this.who.textContent !== text) this.who.textContent = text;
  }
}

