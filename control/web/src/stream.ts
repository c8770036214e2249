// The live stream of one engine, and how old what it brought is.
//
// Model: one EventSource; the newest frame wins, frames are never queued. Age is measured by our own monotonic clock from
// the arrival, since the clocks of the two machines may differ. A stream that says nothing for `LATE_MS` is late, whatever
// the reason; EventSource connects again by itself, and one that gave up for good is opened again.

import { parse } from './lossless';
import type { Book, ClockState, Frame, Gone, OrderEvent } from './types';

/** The API promises a sign of life each second; two missing ones are too many. */
export const LATE_MS = 2_000;
const REOPEN_MS = 2_000;
/** Order events that are kept to look at. */
export const EVENTS_KEPT = 500;

export type Pulse = 'connecting' | 'live' | 'late' | 'silent';

export class Stream {
  frame: Frame | null = null;
  book: Book | null = null;
  events: OrderEvent[] = [];
  /** Events that the control process could not read in time. */
  lost = 0;
  clock: ClockState | null = null;
  /** Why nothing comes, as the control process says. */
  gone: Gone | null = null;
  private source: EventSource | null = null;
  private heard = -Infinity;
  private url = '';
  private timer = 0;

  /** `changed` is told of each arrival; `frameCame` of each frame. */
  constructor(
    private readonly changed: () => void,
    private readonly frameCame: (frame: Frame) => void,
    private readonly killChanged: () => void,
  ) {}

  /** Follows an engine and, if one is named, the book of a symbol. */
  follow(url: string, keep: boolean): void {
    if (url === this.url) return;
    if (!keep) {
      [this.frame, this.events, this.lost, this.gone, this.heard] = [null, [], 0, null, -Infinity];
    }
    this.book = null;
    this.url = url;
    this.open();
  }

  close(): void {
    this.source?.close();
    this.source = null;
    this.url = '';
    clearTimeout(this.timer);
  }

  /** How current the numbers are. */
  pulse(): Pulse {
    if (this.gone !== null || this.frame?.engine.alive === false) return 'silent';
    if (this.frame === null) return 'connecting';
    return performance.now() - this.heard > LATE_MS ? 'late' : 'live';
  }

  /** Milliseconds since the last frame came. */
  age(): number {
    return performance.now() - this.heard;
  }

  private open(): void {
    this.source?.close();
    clearTimeout(this.timer);
    const source = new EventSource(this.url);
    this.source = source;
    const on = (name: string, take: (value: unknown) => void): void => {
      source.addEventListener(name, (event) => {
        if (source !== this.source) return;
        take(parse((event as MessageEvent<string>).data));
        this.changed();
      });
    };
    on('shot', (value) => this.takeFrame(value as Frame));
    on('book', (value) => (this.book = value as Book));
    on('order', (value) => this.takeEvents(value as OrderEvent[]));
    on('kill', () => this.killChanged());
    on('clock', (value) => (this.clock = value as ClockState));
    on('gone', (value) => (this.gone = value as Gone));
    source.addEventListener('error', () => {
      if (source !== this.source) return;
      this.changed();
      if (source.readyState === EventSource.CLOSED) this.timer = window.setTimeout(() => this.open(), REOPEN_MS);
    });
  }

  private takeFrame(frame: Frame): void {
    this.frame = frame;
    if (frame.book !== undefined) this.book = frame.book;
    this.gone = null;
    this.heard = performance.now();
    this.frameCame(frame);
  }

  /** A new stream begins with events of the past: those that are known are not taken twice. */
  private takeEvents(batch: readonly OrderEvent[]): void {
    const last = BigInt(this.events.find((event) => event.kind !== 'lost')?.seq ?? 0);
    const fresh = batch.filter((event) => event.kind === 'lost' || BigInt(event.seq) > last);
    for (const event of fresh) if (event.kind === 'lost') this.lost += Number(event.value);
    if (fresh.length > 0) this.events = [...fresh.reverse(), ...this.events].slice(0, EVENTS_KEPT);
  }
}
