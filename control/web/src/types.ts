// What the API sends: the records of `nofx top --json` (docs/json.md) and those of docs/control.md.

import type { Int } from './lossless';

export interface Percentiles { count: Int; p50: Int; p99: Int; p999: Int; max: Int }

export interface Tile {
  name: string; core: number | null; idle: string | null; heartbeat_age_ns: Int | null; age_ns: Int | null;
  turns: Int; turns_per_s: number | null; busy_share: number | null; stalls: Int; turn_ns_max: Int;
  turn_ns: Percentiles | null; burst_max: Int; commands: Int; allocations: Int;
}

export interface Link {
  name: string; age_ns: Int | null; depth: Int; used: Int; high_water: Int; carried: Int; overruns: Int; stalls: Int;
}

export interface Feed {
  name: string; age_ns: Int; state: string; alive: boolean; silence_ns: Int | null; packets: Int; packets_per_s: number | null;
  messages: Int; first: Int; duplicates: Int; gaps: Int; lost: Int; recovered: Int; skew_ns: Int; next_seq: Int; parked: Int; malformed: Int;
}

export interface Session {
  name: string; age_ns: Int; state: string; blocked: boolean; next_in: Int; open: Int; sent: Int; accepted: Int; rejected: Int;
  refused: Int; canceled: Int; fills: Int; throttled: Int;
}

export interface Level { price: Int; qty: Int; orders: Int }

export interface Book {
  instrument: string; id: number; age_ns: Int; phase: string; state: string; decimals: number; bids: Level[]; asks: Level[];
}

export interface WorkingOrder {
  cl_ord_id: Int; order_ref: Int; instrument: string; account: number; side: string; state: string; price: Int; decimals: number; leaves: Int;
}

export interface Position {
  instrument: string; account: number; position: Int; fills: Int; realised_e4: Int; open_e4: Int;
}

export interface Latency { name: string; all: Percentiles; recent: Percentiles | null; jitter_ns: Int | null }

export interface Ack {
  seen?: Int; applied?: Int; applied_version?: Int; applied_at_ns?: Int; applied_cycles?: Int; refused?: Int; refused_version?: Int;
  refused_at_ns?: Int; why?: string | number; first_used_ns?: Int;
}

export interface Shot {
  version: string; mailbox: string; at_ns: Int;
  engine: {
    name: string; pid: number; started_ns: Int; uptime_ns: Int; state: string; running: boolean; alive: boolean;
    heartbeat_age_ns: Int | null; epoch: Int;
  };
  kill: string[];
  halted?: boolean;
  params?: Ack;
  model?: Ack;
  journal: { last: Int; waiting_bytes: Int; capacity_bytes: Int; refused: Int };
  tiles: Tile[]; links: Link[]; feeds: Feed[]; sessions: Session[]; books?: Book[];
  orders: { age_ns: Int | null; total: Int; rows: WorkingOrder[] };
  positions: { age_ns: Int | null; realised_e4: Int; open_e4: Int; rows: Position[] };
  rejects: Record<string, Int>;
  latency_ns: Latency[];
  counters: Record<string, Int>;
}

/** Symbol, best bid and ask with their quantities, decimals, state. */
export type Touch = [symbol: string, bid: Int | null, bidQty: Int | null, ask: Int | null, askQty: Int | null, decimals: number, state: string];

/** What the stream sends at most ten times a second. */
export interface Frame extends Shot { touch?: Touch[]; book?: Book | null }

export interface OrderEvent {
  seq: Int; number: Int; at_ns: Int; kind: string; side: string | null; code: Int; account: number; instrument: string | null; id: number;
  cl_ord_id: Int; order_ref: Int; decimals: number; price: Int; qty: Int; leaves: Int; rejects: Int; value: Int; text: string;
}

export interface EngineRow {
  name: string; standing: string; detail: string; engine: string | null; state: string | null; pid: number | null; at_ns: Int | null; kill: string[]; attached: Int;
}

export interface ClockState { state: string; alarm: boolean; error_ns: Int | null; bound_ns: Int; detail: string }

export interface Gone { engine: string; standing: string; detail: string }

export interface Page<T> { items: T[]; next: string | null }

export interface FieldError { field: string; problem: string }

export interface Problem {
  type: string; title: string; status: number; code: string; detail: string; todo: string; errors: FieldError[]; correlation: string;
}

export interface WhoAmI { person: string; roles: string[] }
