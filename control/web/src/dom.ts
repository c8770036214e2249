// Elements without markup: every text goes in as text.

type Child = Node | string | null | undefined | false;
type Props = Record<string, string | number | boolean | null | undefined | ((event: Event) => void)>;

/** An element. Keys that begin with `on` are listeners, `true` is an empty attribute, `false` and null none. */
export function h<K extends keyof HTMLElementTagNameMap>(tag: K, props: Props = {}, ...children: Child[]): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  for (const [key, value] of Object.entries(props)) {
    if (typeof value === 'function') element.addEventListener(key.slice(2), value);
    else setAttribute(element, key, value);
  }
  element.append(...children.filter((child): child is Node | string => child !== null && child !== undefined && child !== false));
  return element;
}

/** Sets or removes an attribute, when it differs. */
export function setAttribute(element: Element, key: string, value: string | number | boolean | null | undefined): void {
  if (value === null || value === undefined || value === false) element.removeAttribute(key);
  else {
    const text = value === true ? '' : String(value);
    if (element.getAttribute(key) !== text) element.setAttribute(key, text);
  }
}

/** A text that is written only when it changed. */
export class Text {
  readonly node: globalThis.Text;
  private shown: string;

  constructor(text = '') {
    this.shown = text;
    this.node = document.createTextNode(text);
  }

  set(text: string): void {
    if (text === this.shown) return;
    this.shown = text;
    this.node.nodeValue = text;
  }
}

/** A class that is touched only when it changed. */
export class Mood {
  private shown = '';
  constructor(private readonly element: Element) {}

  set(name: string): void {
    if (name === this.shown) return;
    if (this.shown !== '') this.element.classList.remove(...this.shown.split(' '));
    if (name !== '') this.element.classList.add(...name.split(' '));
    this.shown = name;
  }
}
