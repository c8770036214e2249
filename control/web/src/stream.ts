// The live stream of one engine, and how old what it brought is.
//
// Model: one EventSource; the newest frame wins, frames are never queued. Age is measured by our own monotonic clock from
// the arrival, since the clocks of the two machines may differ. A stream that says nothing for `LATE_MS` is late, whatever
// the reason; EventSource connects again by itself, and one that gave up for good is opened again.

import { parse } from './lossless';
import type { Book, Frame, OrderEvent } from './types';

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
  clock: Record<string, unknown> | null = null;
  private source: EventSource | null = null;
  private heard = -Infinity;
  private gone = false;
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
      [this.frame, this.events, this.lost, this.gone, this.heard] = [null, [], 0, false, -Infinity];
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
    if (this.frame === null) return this.gone ? 'silent' : 'connecting';
    if (this.gone || !this.frame.engine.alive) return 'silent';
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
    on('order', (value) => this.takeEvents(value));
    on('kill', () => this.killChanged());
    on('clock', (value) => (this.clock = value as Record<string, unknown>));
    on('gone', () => (this.gone = true));
    source.addEventListener('error', () => {
      if (source !== this.source) return;
      this.changed();
      if (source.readyState === EventSource.CLOSED) this.timer = window.setTimeout(() => this.open(), REOPEN_MS);
    });
  }

  private takeFrame(frame: Frame): void {
    this.frame = frame;
    if (frame.book !== undefined) this.book = frame.book;
    this.gone = false;
    this.heard = performance.now();
    this.frameCame(frame);
  }

  private takeEvents(value: unknown): void {
    const batch = Array.isArray(value) ? value : ((value as { events?: unknown[]; items?: unknown[] }).events ?? (value as { items?: unknown[] }).items ?? [value]);
    const lost = (value as { lost?: number }).lost;
    if (typeof lost === 'number') this.lost += lost;
    this.events = [...(batch as OrderEvent[]).reverse(), ...this.events].slice(0, EVENTS_KEPT);
  }
}
