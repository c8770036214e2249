//! What ticks and statuses mean for a book.
//!
//! | tick | events |
//! |---|---|
//! | order | Add at the back; the price of market and own-best orders is not on the wire |
//! | trade | Execute of the older order, then of the younger one, which is not printable |
//! | cancel | Reduce |
//!
//! These are raw: a crossing order is added before its trades come, so a rebuild adaptor stands
//! between them and a book.

use nofx_types::{
    Date, EventKind, Instrument, InstrumentId, Market, Nanos, Phase, Price, Priority, StaleReason,
    Symbol, Tick, TickKind,
};
use nofx_wire::szse::{Snapshot, SnapshotHead, entry_type, price_of, price_of_entry};

use super::ChannelSink;
use super::check::Levels;
use super::config::{SzseConfig, SzseJoin};
use super::counters::SzseCounters;
use super::tick::{Item, Says};
use crate::packet::Stamp;
use crate::symbols::{Found, Symbols};

/// Sends the raw events of a tick, in order.
#[inline]
pub fn raw_events(tick: &Tick, mut send: impl FnMut(bool, EventKind)) {
    match tick.kind {
        TickKind::Order { side, pricing } => {
            let (order, priority) = (tick.order(side), Priority::Back);
            let (price, qty) = (tick.price, tick.qty);
            send(true, EventKind::Add { order, side, price, qty, priority, pricing });
        }
        TickKind::Cancel { side } => {
            send(true, EventKind::Reduce { order: tick.order(side), qty: tick.qty });
        }
        TickKind::Trade { .. } => {
            let leg = |order, printable| EventKind::Execute {
                order,
                qty: tick.qty,
                price: Some(tick.price),
                printable,
                match_id: tick.seq,
            };
            let (older, younger) = (tick.bid.min(tick.offer), tick.bid.max(tick.offer));
            send(false, leg(older, true));
            send(true, leg(younger, false));
        }
        TickKind::Phase(phase) => send(true, EventKind::Phase(phase)),
    }
}

/// What is known of a security.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SecurityView {
    /// Channel of its ticks, 0 until one came.
    pub channel: u16,
    /// Shares traded today, by the ticks.
    pub volume: u64,
    /// Trades of today, by the ticks.
    pub trades: u64,
    /// Snapshots that were compared and equal.
    pub equal: u64,
    /// Snapshots of the same volume and trades that differed.
    pub differs: u64,
    /// Previous close, 0 until a snapshot told it.
    pub previous_close: Price,
    /// Phase that its snapshots told, where the schedule does not: halts and the like.
    pub special: Option<Phase>,
}

/// The translator.
pub(super) struct Translator {
    symbols: Symbols,
    rows: Box<[SecurityView]>,
    names: Box<[Symbol]>,
    schedule: Vec<(u32, Phase)>,
    slack_ns: u64,
    /// Phase by the clock.
    phase: Phase,
    /// When the clock tells another one.
    next_phase: Nanos,
    midnight: Nanos,
    cross_check: bool,
    starts_whole: bool,
}

impl Translator {
    pub fn new(config: &SzseConfig) -> Translator {
        let count = config.instruments as usize;
        Translator {
            symbols: Symbols::new(config.instruments),
            rows: vec![SecurityView::default(); count].into(),
            names: vec![Symbol::NONE; count].into(),
            schedule: config.schedule.clone(),
            slack_ns: u64::from(config.phase_slack_s) * 1_000_000_000,
            phase: Phase::Unknown,
            next_phase: Nanos(0),
            midnight: Nanos(0),
            cross_check: config.cross_check,
            starts_whole: config.join == SzseJoin::FromOne,
        }
    }

    pub fn view(&self, id: InstrumentId) -> Option<(Symbol, SecurityView)> {
        Some((*self.names.get(id.index())?, *self.rows.get(id.index())?))
    }

    pub fn bytes(&self) -> u64 {
        let rows = size_of_val(&*self.rows) + size_of_val(&*self.names);
        rows as u64 + self.symbols.memory_bytes()
    }

    /// The id of a security; the sink is told of a new one.
    #[inline]
    pub fn id<S: ChannelSink>(
        &mut self,
        symbol: Symbol,
        counters: &mut SzseCounters,
        sink: &mut S,
    ) -> Option<InstrumentId> {
        match self.symbols.id(symbol.key()) {
            Ok(Found::Known(id)) => Some(id),
            Ok(Found::New(id)) => {
                if let Some(name) = self.names.get_mut(id.index()) {
                    *name = symbol;
                }
                sink.on_definition(&Instrument { symbol, ..Instrument::unknown(id) });
                Some(id)
            }
            Err(_) => {
                counters.instruments_full += 1;
                None
            }
        }
    }

    #[inline]
    pub fn item<S: ChannelSink>(
        &mut self,
        now: Nanos,
        item: &Item,
        counters: &mut SzseCounters,
        sink: &mut S,
    ) {
        let Item { tick, says } = item;
        if *says == Says::Nothing {
            return;
        }
        if tick.exch_ns >= self.next_phase {
            self.clock(now, tick, sink);
        }
        let Some(id) = self.id(tick.symbol, counters, sink) else { return };
        let at = Stamp { seq: tick.seq, capture_ns: now };
        let channel = tick.channel;
        let send = |sink: &mut S, last, kind| {
            sink.on_event(channel, &at.event(id, tick.exch_ns, last, kind));
        };
        let Some(row) = self.rows.get_mut(id.index()) else { return };
        if row.channel != channel {
            let stale = if row.channel > 0 {
                counters.moved += 1;
                Some(StaleReason::Inconsistent)
            } else {
                (!self.starts_whole).then_some(StaleReason::Gap)
            };
            row.channel = channel;
            if let Some(reason) = stale {
                send(sink, true, EventKind::Stale(reason));
            }
        }
        if *says == Says::Unreadable {
            return send(sink, true, EventKind::Stale(StaleReason::Inconsistent));
        }
        match tick.kind {
            TickKind::Order { .. } => counters.orders += 1,
            TickKind::Cancel { .. } => counters.cancels += 1,
            TickKind::Trade { .. } => {
                counters.trades += 1;
                row.trades += 1;
                row.volume = row.volume.saturating_add(tick.qty.0);
            }
            TickKind::Phase(_) => {}
        }
        raw_events(tick, |last, kind| send(sink, last, kind));
    }

    /// The clock has reached another phase of the schedule.
    #[cold]
    fn clock<S: ChannelSink>(&mut self, now: Nanos, tick: &Tick, sink: &mut S) {
        let at = tick.exch_ns;
        let day = Date::of_ns(at.0, Market::HOURS_EAST).midnight_ns(Market::HOURS_EAST);
        self.midnight = Nanos(day);
        let begins = |from: u32| Nanos(day + u64::from(from) * 1_000_000_000);
        let next = self.schedule.iter().find(|(from, _)| begins(*from) > at);
        self.next_phase = next.map_or(Nanos(day + 86_400_000_000_000), |(from, _)| begins(*from));
        let phase = self.phase_at(at);
        if phase != self.phase {
            self.phase = phase;
            let stamp = Stamp { seq: tick.seq, capture_ns: now };
            let event = stamp.event(InstrumentId::ALL, at, true, EventKind::Phase(phase));
            sink.on_event(tick.channel, &event);
        }
    }

    /// The phase that the schedule has at a time of the day of the last tick.
    fn phase_at(&self, at: Nanos) -> Phase {
        let of_day = at.0.saturating_sub(self.midnight.0) / 1_000_000_000;
        let begun = self.schedule.iter().take_while(|(from, _)| u64::from(*from) <= of_day);
        begun.last().map_or(Phase::Unknown, |(_, phase)| *phase)
    }

    /// Ticks of a channel are gone: every book of it is stale.
    pub fn lost<S: ChannelSink>(&mut self, now: Nanos, channel: u16, first: u64, sink: &mut S) {
        for (row, id) in self.rows.iter().zip(0..) {
            if row.channel == channel {
                self.send(now, first, id, EventKind::Stale(StaleReason::Gap), channel, sink);
            }
        }
        // Securities of the channel that were not seen yet may have lost their first orders.
        self.starts_whole = false;
    }

    fn send<S: ChannelSink>(
        &self,
        now: Nanos,
        seq: u64,
        id: u32,
        kind: EventKind,
        channel: u16,
        sink: &mut S,
    ) {
        let stamp = Stamp { seq, capture_ns: now };
        sink.on_event(channel, &stamp.event(InstrumentId(id), now, true, kind));
    }

    pub fn snapshot<S: ChannelSink>(
        &mut self,
        now: Nanos,
        at: Nanos,
        snapshot: &Snapshot<'_>,
        counters: &mut SzseCounters,
        sink: &mut S,
    ) {
        counters.snapshots += 1;
        let head = snapshot.head;
        let Some(id) = self.id(Symbol(head.security_id), counters, sink) else { return };
        self.define(id, snapshot, sink);
        if let Some(phase) = phase_of(head) {
            self.phase_told(now, at, id, phase, counters, sink);
        }
        let Some(row) = self.rows.get_mut(id.index()).filter(|_| self.cross_check) else { return };
        let told = |number: nofx_wire::num::BeI64| u64::try_from(number.get()).ok();
        let volume = row.volume.checked_mul(100);
        if told(head.num_trades) != Some(row.trades) || told(head.total_volume_trade) != volume {
            return;
        }
        match Levels::of(snapshot).and_then(|levels| levels.equal(id, sink)) {
            Some(true) => {
                row.equal += 1;
                counters.check_equal += 1;
            }
            Some(false) => {
                row.differs += 1;
                counters.check_differs += 1;
            }
            None => {}
        }
    }

    /// The first snapshot of a security tells its previous close and its price limits.
    fn define<S: ChannelSink>(&mut self, id: InstrumentId, snapshot: &Snapshot<'_>, sink: &mut S) {
        let close = price_of(snapshot.head.prev_close_px);
        let Some(row) = self.rows.get_mut(id.index()).filter(|row| row.previous_close.0 == 0)
        else {
            return;
        };
        if close.0 <= 0 {
            return;
        }
        row.previous_close = close;
        let limit = |wanted: [u8; 2]| {
            let entry = snapshot.entries().find(|entry| entry.head.md_entry_type == wanted)?;
            price_of_entry(entry.head.md_entry_px).filter(|price| price.0 > 0 && *price < NO_LIMIT)
        };
        sink.on_definition(&Instrument {
            symbol: Symbol(snapshot.head.security_id),
            previous_close: close,
            limit_low: limit(entry_type::LIMIT_DOWN).unwrap_or_default(),
            limit_high: limit(entry_type::LIMIT_UP).unwrap_or_default(),
            ..Instrument::unknown(id)
        });
    }

    /// A snapshot tells a phase: halts are news, the rest is the schedule's.
    fn phase_told<S: ChannelSink>(
        &mut self,
        now: Nanos,
        at: Nanos,
        id: InstrumentId,
        phase: Phase,
        counters: &mut SzseCounters,
        sink: &mut S,
    ) {
        let special = matches!(phase, Phase::Halted | Phase::Paused | Phase::AfterHours);
        let alone = self.schedule.is_empty();
        if !special && !alone {
            let near = [at.0.saturating_sub(self.slack_ns), at.0, at.0 + self.slack_ns];
            let fits = near.into_iter().any(|at| self.phase_at(Nanos(at)) == phase);
            let odd = self.midnight.0 > 0 && !fits && phase != Phase::PreOpen;
            counters.phase_clock += u64::from(odd);
        }
        let Some(row) = self.rows.get_mut(id.index()) else { return };
        let wanted = (special || alone).then_some(phase);
        if row.special == wanted {
            return;
        }
        row.special = wanted;
        let (kind, channel) = (EventKind::Phase(wanted.unwrap_or(self.phase)), row.channel);
        self.send(now, 0, id.0, kind, channel, sink);
    }
}

/// Prices from here on mean that there is no limit (999999999.9999).
const NO_LIMIT: Price = Price(9_999_999_990_000);

/// The phase of a snapshot.
fn phase_of(head: &SnapshotHead) -> Option<Phase> {
    let [phase, suspended, ..] = head.trading_phase_code;
    if suspended == b'1' {
        return Some(Phase::Halted);
    }
    Some(match phase {
        b'S' => Phase::PreOpen,
        b'O' => Phase::OpeningAuction,
        b'T' => Phase::Continuous,
        b'B' => Phase::Break,
        b'C' => Phase::ClosingAuction,
        b'E' => Phase::Closed,
        b'H' => Phase::Halted,
        b'A' => Phase::AfterHours,
        b'V' => Phase::Paused,
        _ => return None,
    })
}
