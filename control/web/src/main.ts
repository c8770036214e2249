// The page: signs in, follows one engine, and renders what is shown at most ten times a second.

import './style.css';
import { Failed, get, path } from './api';
import { Coalescer } from './coalesce';
import { explain, type Context, type Make, type View } from './context';
import { h } from './dom';
import { History } from './history';
import { help, listen, type Shortcut } from './keys';
import { read, write, type Place } from './router';
import { Shell, type Entry } from './shell';
import { Stream } from './stream';
import { setTheme, theme } from './theme';
import type { EngineRow, Page, WhoAmI } from './types';
import { askKill } from './views/kill';
import { views } from './views';

const LIST_MS = 2_000;
/** Ages grow although nothing comes. */
const TICK_MS = 500;

class Console implements Context {
  readonly history = new History();
  readonly stream: Stream;
  private readonly shell: Shell;
  private readonly coalescer = new Coalescer(() => this.render());
  private readonly made = new Map<string, View>();
  private list: EngineRow[] = [];
  private caller: WhoAmI | null = null;
  private shown: View | null = null;
  private followed = '';

  constructor() {
    const entries: Entry[] = views.map(({ view, title, key }) => ({ view, title, key }));
    const kill = (): void => askKill(this);
    const shortcuts: Shortcut[] = [
      ...entries.map(({ view, title, key }) => ({ keys: `g ${key}`, what: `go to ${title.toLowerCase()}`, run: () => this.go({ view, argument: '' }) })),
      { keys: '/', what: 'to the filter', run: () => this.shell.main.querySelector<HTMLInputElement>('input')?.focus() },
      { keys: ']', what: 'next engine', run: () => this.turn(1) },
      { keys: '[', what: 'engine before', run: () => this.turn(-1) },
      { keys: 't', what: 'light, dark, as the system says', run: () => this.shell.switchTheme() },
      { keys: 'K', what: 'kill switch (asks first)', run: kill },
      { keys: '?', what: 'this list', run: () => help(shortcuts) },
    ];
    this.stream = new Stream(() => this.changed(), (frame) => this.history.take(frame), () => this.changed());
    this.shell = new Shell(this, entries, { kill, help: () => help(shortcuts) });
    listen(shortcuts);
  }

  engine(): string {
    return this.place().engine || this.list[0]?.name || '';
  }

  engines(): readonly EngineRow[] {
    return this.list;
  }

  me(): WhoAmI | null {
    return this.caller;
  }

  place(): Place {
    return read(location.hash);
  }

  go(place: Partial<Place>): void {
    const next = write({ ...this.place(), engine: this.engine(), ...place });
    if (next !== location.hash) location.hash = next;
  }

  say(text: string, bad = false): void {
    this.shell.say(text, bad);
  }

  changed(): void {
    this.coalescer.request();
  }

  async start(): Promise<void> {
    setTheme(theme());
    try {
      this.caller = await get<WhoAmI>(path(['whoami']));
    } catch (error) {
      document.body.replaceChildren(refused(error));
      return;
    }
    document.body.replaceChildren(this.shell.element);
    window.addEventListener('hashchange', () => this.enter());
    document.addEventListener('visibilitychange', () => this.changed());
    await this.refresh();
    this.enter();
    setInterval(() => void this.refresh(), LIST_MS);
    setInterval(() => this.changed(), TICK_MS);
  }

  private turn(by: number): void {
    const names = this.list.map((engine) => engine.name);
    const at = names.indexOf(this.engine());
    const next = names[(at + by + names.length) % names.length];
    if (next !== undefined) this.go({ engine: next, argument: '' });
  }

  private async refresh(): Promise<void> {
    if (document.hidden) return;
    try {
      this.list = (await get<Page<EngineRow>>(path(['engines']))).items;
    } catch {
      return; // the stream tells how old everything is
    }
    this.follow();
    this.changed();
  }

  /** One stream, of the engine and book that are looked at. */
  private follow(): void {
    const engine = this.engine();
    if (engine === '') return;
    const { view, argument } = this.place();
    const book = view === 'books' && argument !== '' ? argument : undefined;
    this.stream.follow(path(['stream'], { engine, book }), this.followed === engine);
    this.followed = engine;
  }

  private enter(): void {
    const place = this.place();
    const entry = views.find(({ view }) => view === place.view) ?? views[0];
    if (entry === undefined) return;
    const key = `${this.engine()} ${entry.view}`;
    let view = this.made.get(key);
    if (view === undefined) this.made.set(key, (view = (entry.make as Make)(this)));
    if (view !== this.shown) {
      this.shell.main.replaceChildren(view.element);
      this.shown = view;
      window.scrollTo(0, 0);
    }
    this.shell.place(entry.title);
    this.follow();
    view.enter?.();
    this.changed();
  }

  private render(): void {
    this.shell.render();
    this.shown?.render?.();
  }
}

/** What is shown to a browser without a certificate that names a person and a role. */
function refused(error: unknown): HTMLElement {
  const status = error instanceof Failed ? error.problem.status : 0;
  const known = status === 401 || status === 403;
  return h('main', { class: 'refused', id: 'main' }, h('h1', {}, 'NOFX control'),
    h('p', { role: 'alert', class: 'bad' }, known ? 'You are not signed in: ' : 'The control process cannot be asked: ', explain(error)),
    h('p', {}, 'This console knows people by their client certificate. There are no passwords.'),
    h('ol', {},
      h('li', {}, 'Let somebody who holds the CA issue one: ', h('code', {}, 'nofx-control pki issue --person NAME --role viewer --out NAME')),
      h('li', {}, 'Import the file NAME.p12 into this browser (settings, privacy and security, certificates), and the CA as an authority for web sites.'),
      h('li', {}, 'Close the browser, open this page again, and choose the certificate when you are asked.')),
    h('p', {}, h('button', { type: 'button', class: 'primary', onclick: () => location.reload() }, 'Try again')));
}

void new Console().start();
