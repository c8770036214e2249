// JSON without lost digits.
//
// JavaScript numbers hold 53 bits; times in nanoseconds and order ids have 64. Whole numbers of 16 digits and more are
// put in quotes before `JSON.parse` sees them, so they arrive as strings of their digits.

/** A whole number as the API sent it: exact in either form. */
export type Int = number | string;

const QUOTE = 34;
const BACKSLASH = 92;
const LONG = 16;

const isDigit = (code: number): boolean => code >= 48 && code <= 57;

/** Index behind the string that begins at `at`. */
function skipString(text: string, at: number): number {
  for (let i = at + 1; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === BACKSLASH) i++;
    else if (code === QUOTE) return i + 1;
  }
  return text.length;
}

/** `text` with every long whole number in quotes. */
export function quoteLong(text: string): string {
  let out = '';
  let copied = 0;
  let i = 0;
  while (i < text.length) {
    const code = text.charCodeAt(i);
    if (code === QUOTE) {
      i = skipString(text, i);
      continue;
    }
    if (!isDigit(code)) {
      i++;
      continue;
    }
    const negative = text.charCodeAt(i - 1) === 45;
    const from = negative ? i - 1 : i;
    const digits = i;
    while (isDigit(text.charCodeAt(i))) i++;
    const next = text[i];
    if (next === '.' || next === 'e' || next === 'E') {
      while (i < text.length && /[\d.eE+-]/.test(text[i] ?? '')) i++;
    } else if (i - digits >= LONG) {
      out += text.slice(copied, from) + '"' + text.slice(from, i) + '"';
      copied = i;
    }
  }
  return copied === 0 ? text : out + text.slice(copied);
}

/** As `JSON.parse`, with long whole numbers as strings of digits. */
export function parse(text: string): unknown {
  return JSON.parse(quoteLong(text));
}

/** As `JSON.stringify`, with every `bigint` as a bare number. */
export function stringify(value: unknown): string {
  if (typeof value === 'bigint') return value.toString();
  if (Array.isArray(value)) return `[${value.map((v) => stringify(v ?? null)).join(',')}]`;
  if (value !== null && typeof value === 'object') {
    const kept = Object.entries(value).filter(([, v]) => v !== undefined);
    return `{${kept.map(([k, v]) => `${JSON.stringify(k)}:${stringify(v)}`).join(',')}}`;
  }
  return JSON.stringify(value) ?? 'null';
}
