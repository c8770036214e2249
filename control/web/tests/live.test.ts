import { describe, expect, it } from 'vitest';
import { alarmsOf } from '../src/alarms';
import { Coalescer, type Clock } from '../src/coalesce';
import { readValue, show } from '../src/editor';
import { History } from '../src/history';
import { rungs } from '../src/ladder';
import { read, write } from '../src/router';
import type { Book, Frame, WorkingOrder } from '../src/types';
import { instant } from '../src/views/journal';

/** A clock that is turned by hand; frames come every 16 ms while the page is shown. */
class Turned implements Clock {
  at = 0;
  hidden = false;
  private due: { at: number; run: () => void; frame: boolean }[] = [];
  now = (): number => this.at;
  frame = (run: () => void): void => void this.due.push({ at: this.at + 16, run, frame: true });
  later = (run: () => void, ms: number): void => void this.due.push({ at: this.at + ms, run, frame: false });
  turn(to: number): void {
    for (; this.at < to; this.at++) {
      const ready = this.due.filter((job) => job.at <= this.at && !(job.frame && this.hidden));
      this.due = this.due.filter((job) => !ready.includes(job));
      for (const job of ready) job.run();
    }
  }
}

describe('coalescing', () => {
  it('renders at most ten times a second, however much comes, and the newest at last', () => {
    const clock = new Turned();
    let state = 0;
    const shown: { at: number; state: number }[] = [];
    const coalescer = new Coalescer(() => shown.push({ at: clock.at, state }), 100, clock);
    for (; clock.at < 10_000; clock.turn(clock.at + 1)) {
      state++;
      coalescer.request();
    }
    clock.turn(clock.at + 200);
    expect(shown.length).toBeLessThanOrEqual(101);
    expect(shown.length).toBeGreaterThan(80);
    expect(shown.every((one, at) => at === 0 || one.at - (shown[at - 1]?.at ?? 0) >= 100)).toBe(true);
    expect(shown.at(-1)?.state).toBe(state);
  });

  it('renders the first change at once, and nothing without one', () => {
    const clock = new Turned();
    let count = 0;
    const coalescer = new Coalescer(() => count++, 100, clock);
    clock.turn(1_000);
    expect(count).toBe(0);
    coalescer.request();
    clock.turn(1_020);
    expect(count).toBe(1);
    clock.turn(5_000);
    expect(count).toBe(1);
  });

  it('renders nothing while hidden, and once when shown again', () => {
    const clock = new Turned();
    let count = 0;
    const coalescer = new Coalescer(() => count++, 100, clock);
    clock.hidden = true;
    for (let i = 0; i < 50; i++) {
      coalescer.request();
      clock.turn(clock.at + 50);
    }
    expect(count).toBe(0);
    clock.hidden = false;
    clock.turn(clock.at + 50);
    expect(count).toBe(1);
  });
});

const frame = (over: object = {}): Frame => ({
  engine: { alive: true, running: true, state: 'trading', heartbeat_age_ns: 0 }, kill: [], halted: false, journal: { refused: 0 }, links: [], tiles: [], feeds: [], sessions: [], latency_ns: [], at_ns: '1795680690775025633', ...over,
}) as unknown as Frame;

describe('alarms', () => {
  it('takes silence for an alarm, and no frame of a silent engine too', () => {
    expect(alarmsOf(frame(), 'live', 10)).toEqual([]);
    expect(alarmsOf(frame(), 'late', 3_000).map((alarm) => alarm.key)).toEqual(['stream']);
    expect(alarmsOf(null, 'silent', 0).map((alarm) => alarm.key)).toEqual(['engine']);
  });

  it('names what is wrong', () => {
    const bad = frame({ kill: ['account 3'], halted: true, journal: { refused: 2 }, feeds: [{ name: 'line A', alive: false, state: 'gap', silence_ns: 5e9 }], sessions: [{ name: 'orders', state: 'down', blocked: true }], tiles: [{ name: 'trade', heartbeat_age_ns: 3e9 }] });
    expect(alarmsOf(bad, 'live', 10).map((alarm) => alarm.key)).toEqual(['kill account 3', 'halted', 'feed line A', 'channel line A', 'session orders', 'journal', 'tile trade']);
  });
});

describe('the ladder', () => {
  const book: Book = { instrument: 'AAAA', id: 1, age_ns: 0, phase: 'continuous', state: 'live', decimals: 4, bids: [{ price: 99, qty: 5, orders: 1 }, { price: 98, qty: 6, orders: 2 }], asks: [{ price: 101, qty: 7, orders: 1 }] };
  const order = (side: string, price: number, leaves: number, instrument = 'AAAA'): WorkingOrder => ({ cl_ord_id: price, order_ref: 0, instrument, account: 0, side, state: 'live', price, decimals: 4, leaves });

  it('puts own orders at their level, also beyond the levels shown, and no others', () => {
    const rows = rungs(book, [order('buy', 99, 2), order('buy', 99, 1), order('sell', 120, 4), order('buy', 99, 9, 'AAAB')]);
    expect(rows.map((row) => [row.price, row.side, row.qty, String(row.mine), row.count])).toEqual([['120', 'ask', null, '4', 1], ['101', 'ask', 7, '0', 0], ['99', 'bid', 5, '3', 2], ['98', 'bid', 6, '0', 0]]);
  });

  it('keeps both sides of a crossed book', () => {
    expect(rungs({ ...book, asks: [{ price: 99, qty: 1, orders: 1 }] }, []).map((row) => `${row.side} ${row.price}`)).toEqual(['ask 99', 'bid 99', 'bid 98']);
  });
});

describe('history', () => {
  it('keeps a point a second, the worst tail of it, and ten minutes', () => {
    const history = new History();
    const at = (second: number, p50: number, p99: number): Frame => frame({ at_ns: `${1795680000 + second}000000000`, latency_ns: [{ name: 'total', recent: { count: 1, p50, p99, p999: p99, max: p99 }, all: {}, jitter_ns: null }] });
    history.take(at(0, 10, 90));
    history.take(at(0, 11, 50));
    history.take(at(1, 12, 40));
    expect(history.of('total').slice(1, 3)).toEqual([[11, 12], [90, 40]]);
    for (let second = 2; second < 700; second++) history.take(at(second, 1, 1));
    expect(history.times.length).toBe(600);
    expect(history.of('total').every((line) => line.length === 600)).toBe(true);
    expect(history.of('never').every((line) => line.length === 600)).toBe(true);
  });
});

describe('places and values', () => {
  it('goes there and back', () => {
    for (const place of [{ engine: 'a b', view: 'books', argument: 'X/Y' }, { engine: '', view: 'kill', argument: '' }]) expect(read(write(place))).toEqual(place);
    expect(read('#/%E0%A4%A')).toEqual({ engine: '%E0%A4%A', view: 'overview', argument: '' });
  });

  it('reads and shows values of each kind', () => {
    expect([readValue('yes', 'bool'), readValue('0', 'bool'), readValue('maybe', 'bool')]).toEqual([true, false, undefined]);
    expect([readValue('0.25', 'float'), readValue('x', 'float'), readValue('1,000', 'int')]).toEqual([0.25, undefined, 1000n]);
    expect([show(1, 'bool'), show(true), show(1000, 'int'), show(0.5, 'float'), show(null)]).toEqual(['yes', 'yes', '1,000', '0.5', '–']);
  });

  it('takes times of day in UTC', () => {
    expect(instant('2026-11-26 08:11:30')).toBe('1795680690000000000');
    expect(instant('')).toBeUndefined();
    expect(() => instant('yesterday')).toThrow();
  });
});
