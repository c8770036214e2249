// A table whose rows are kept: a render writes the cells that changed, and no others.
//
// Rows have keys; a row that stays keeps its nodes, also when its place changes. Of a long table (`tall`) only the rows
// that can be seen are there: all have one height, so which they are follows from how far it is scrolled, and an empty
// row above and one below stand for the rest.

import { h, Mood, Text } from './dom';

/** One column. `name` is what a test or style finds its cells by. */
export interface Column<R> {
  name: string;
  head: string;
  /** Unit or explanation, shown as a tip. */
  tip?: string;
  /** Numbers stand at the right, in digits of one width. */
  number?: boolean;
  text(row: R): string;
  /** Class of the cell: colour is a second signal beside the text. */
  mood?(row: R): string;
  /** A control instead of text, made once with the row. */
  control?(row: () => R): Node;
}

interface Options<R> {
  caption: string;
  columns: Column<R>[];
  key(row: R): string;
  /** What is said where there are no rows. */
  empty?: string;
  tall?: boolean;
  /** Becomes a list where the page is narrow. */
  stack?: boolean;
  mood?(row: R): string;
}

const ROW_PX = 24;
/** Most rows that fit into the window of a tall table, and how many more are kept around it. */
const SEEN = 38;
const AROUND = 6;

class Line<R> {
  readonly element: HTMLTableRowElement;
  private key: string | undefined;
  private readonly cells: { text: Text; mood: Mood }[];
  private readonly mood: Mood;

  constructor(
    private readonly options: Options<R>,
    private row: R,
  ) {
    this.element = h('tr');
    this.mood = new Mood(this.element);
    this.cells = options.columns.map((column, at) => {
      const cell = at === 0 ? h('th', { scope: 'row' }) : h('td');
      cell.dataset['name'] = column.name;
      if (column.number === true) cell.classList.add('number');
      const text = new Text();
      cell.append(column.control?.(() => this.row) ?? text.node);
      this.element.append(cell);
      return { text, mood: new Mood(cell) };
    });
  }

  /** Stands for this row from now on. */
  show(key: string, row: R): void {
    if (key !== this.key) this.element.dataset['row'] = key;
    this.key = key;
    this.row = row;
  }

  write(): void {
    this.mood.set(this.options.mood?.(this.row) ?? '');
    this.options.columns.forEach((column, at) => {
      const cell = this.cells[at];
      if (column.control === undefined) cell?.text.set(column.text(this.row));
      if (column.mood !== undefined) cell?.mood.set(column.mood(this.row));
    });
  }
}

/** See the top of the file. */
export class Table<R> {
  readonly element: HTMLElement;
  private readonly above = h('tr', { class: 'rest', 'aria-hidden': 'true' });
  private readonly below = h('tr', { class: 'rest', 'aria-hidden': 'true' });
  private readonly body = h('tbody', {}, this.above, this.below);
  private rows: readonly R[] = [];
  private readonly none: HTMLElement;
  private readonly note = new Text();
  private readonly scroller: HTMLElement;
  private lines = new Map<string, Line<R>>();
  private order: Line<R>[] = [];
  private scrolled = 0;
  /** A row that went can stand for one that came, unless it holds controls, which are made for their row. */
  private readonly reusable: boolean;

  constructor(private readonly options: Options<R>) {
    this.reusable = options.columns.every((column) => column.control === undefined);
    const head = options.columns.map((column) =>
      h('th', { scope: 'col', class: column.number === true ? 'number' : null, title: column.tip }, column.head),
    );
    this.none = h('p', { class: 'none' }, options.empty ?? 'none');
    const table = h('table', { class: options.stack === true ? 'stack' : null, 'aria-label': options.caption }, h('thead', {}, h('tr', {}, ...head)), this.body);
    this.scroller = h('div', { class: options.tall === true ? 'scroll tall' : 'scroll', tabindex: '0', role: 'region', 'aria-label': options.caption }, table);
    this.element = h('section', { class: 'panel' }, h('h2', {}, options.caption, ' ', h('small', {}, this.note.node)), this.scroller, this.none);
    if (options.tall === true) {
      this.scroller.addEventListener('scroll', () => {
        this.scrolled = this.scroller.scrollTop;
        this.write();
      }, { passive: true });
    }
  }

  /** Beside the title: an age, a sum. */
  remark(text: string): void {
    this.note.set(text);
  }

  /** Shows these rows, in this order. */
  update(rows: readonly R[]): void {
    this.rows = rows;
    this.none.hidden = rows.length > 0;
    this.scroller.hidden = rows.length === 0;
    this.write();
  }

  /** Rows that can be seen: from, and one past the last. */
  private window(): [number, number] {
    if (this.options.tall !== true) return [0, this.rows.length];
    const from = Math.min(Math.floor(this.scrolled / ROW_PX), Math.max(0, this.rows.length - 1));
    return [Math.max(0, from - AROUND), Math.min(this.rows.length, from + SEEN + AROUND)];
  }

  private write(): void {
    const [from, to] = this.window();
    const seen = this.rows.slice(from, to).map((row) => [this.options.key(row), row] as const);
    const keys = new Set(seen.map(([key]) => key));
    const free = [...this.lines].filter(([key]) => !keys.has(key)).map(([, line]) => line);
    const next = new Map<string, Line<R>>();
    const order = seen.map(([key, row]) => {
      const line = this.lines.get(key) ?? (this.reusable ? free.pop() : undefined) ?? new Line(this.options, row);
      line.show(key, row);
      next.set(key, line);
      return line;
    });
    for (const line of free) line.element.remove();
    const moved = order.length !== this.order.length || order.some((line, at) => line !== this.order[at]);
    this.lines = next;
    this.order = order;
    if (moved) this.place();
    if (this.options.tall === true) {
      setHeight(this.above, from);
      setHeight(this.below, this.rows.length - to);
    }
    for (const line of order) line.write();
  }

  private place(): void {
    let at = this.above.nextSibling;
    for (const line of this.order) {
      if (line.element === at) at = at.nextSibling;
      else this.body.insertBefore(line.element, at);
    }
  }
}

function setHeight(row: HTMLElement, rows: number): void {
  const height = `${rows * ROW_PX}px`;
  if (row.style.height !== height) row.style.height = height;
}
