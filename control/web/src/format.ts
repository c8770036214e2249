// How values are written. Whole numbers are handled as their digits: no digit is ever rounded away.

import type { Int } from './lossless';

/** What stands where there is no value. */
export const NONE = '–';

type Maybe<T> = T | null | undefined;

const grouped = (digits: string): string => {
  if (digits.length <= 3) return digits;
  let out = digits.slice(-3);
  for (let end = digits.length - 3; end > 0; end -= 3) out = digits.slice(Math.max(0, end - 3), end) + ',' + out;
  return out;
};

const split = (value: Int): [sign: string, digits: string] => {
  const text = String(value);
  return text.startsWith('-') ? ['−', text.slice(1)] : ['', text];
};

/** A whole number in groups of three: `−1,234,567`. */
export function int(value: Maybe<Int>): string {
  if (value === null || value === undefined) return NONE;
  if (typeof value === 'number' && !Number.isInteger(value)) return real(value);
  const [sign, digits] = split(value);
  return sign + grouped(digits);
}

/** A whole number that counts 10^-decimals: `decimal(649300, 4)` is `64.9300`. */
export function decimal(value: Maybe<Int>, decimals: number): string {
  if (value === null || value === undefined) return NONE;
  const [sign, digits] = split(value);
  if (decimals <= 0) return sign + grouped(digits);
  const padded = digits.padStart(decimals + 1, '0');
  const point = padded.length - decimals;
  return `${sign}${grouped(padded.slice(0, point))}.${padded.slice(point)}`;
}

/** Money in 1/10,000 with its sign: `+12.3400`. */
export function money(e4: Maybe<Int>): string {
  const text = decimal(e4, 4);
  return text === NONE || text.startsWith('−') || !/[1-9]/.test(text) ? text : `+${text}`;
}

/** A signed whole number: `+300`. */
export function signed(value: Maybe<Int>): string {
  const text = int(value);
  return text === NONE || text.startsWith('−') || text === '0' ? text : `+${text}`;
}

/** A measured number, not a counted one: four digits are enough. */
export function real(value: Maybe<number>): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return NONE;
  const size = Math.abs(value);
  if (size >= 1000 || value === 0) return int(Math.round(value));
  return size >= 0.001 ? String(Number(value.toPrecision(4))) : value.toExponential(2);
}

/** A share as per cent. */
export function percent(share: Maybe<number>): string {
  return share === null || share === undefined ? NONE : `${(share * 100).toFixed(1)} %`;
}

/** A span of nanoseconds for people: `25 ms`, `3.1 s`, `5 m 02 s`. Ages and waits only: measured values stay whole. */
export function span(ns: Maybe<Int>): string {
  if (ns === null || ns === undefined) return NONE;
  const n = Number(ns);
  const size = Math.abs(n);
  if (size < 1e3) return `${n} ns`;
  if (size < 1e6) return `${short(n / 1e3)} µs`;
  if (size < 1e9) return `${short(n / 1e6)} ms`;
  if (size < 60e9) return `${short(n / 1e9)} s`;
  const seconds = Math.floor(n / 1e9);
  const two = (part: number): string => String(part).padStart(2, '0');
  if (seconds < 3600) return `${Math.floor(seconds / 60)} m ${two(seconds % 60)} s`;
  if (seconds < 86400) return `${Math.floor(seconds / 3600)} h ${two(Math.floor(seconds / 60) % 60)} m`;
  return `${Math.floor(seconds / 86400)} d ${two(Math.floor(seconds / 3600) % 24)} h`;
}

const short = (n: number): string => (Math.abs(n) < 10 ? n.toFixed(1) : n.toFixed(0));

/** UTC time of day, to the millisecond: `13:45:10.123`. */
export function time(ns: Maybe<Int>): string {
  return whole(ns)?.slice(11, 23) ?? NONE;
}

/** UTC date and time: `2026-11-26 13:45:10.123`. */
export function stamp(ns: Maybe<Int>): string {
  return whole(ns)?.replace('T', ' ').slice(0, 23) ?? NONE;
}

const whole = (ns: Maybe<Int>): string | undefined => {
  if (ns === null || ns === undefined || String(ns) === '0') return undefined;
  const ms = Number(BigInt(ns) / 1_000_000n);
  return Math.abs(ms) < 8.64e15 ? new Date(ms).toISOString() : undefined;
};

/** Whether an age is above a limit; no age is old. */
export const isOld = (ns: Maybe<Int>, limit = 2e9): boolean => ns === null || ns === undefined || Number(ns) > limit;

/** What people type as a whole number (`1,000`, `-5`, `1_000`); `undefined` when it is none. */
export function readInt(text: string): bigint | undefined {
  const plain = text.trim().replace(/[,_\s]/g, '').replace('−', '-');
  return /^-?\d{1,20}$/.test(plain) ? BigInt(plain) : undefined;
}
