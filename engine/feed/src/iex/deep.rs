//! DEEP 1.0: absolute price levels, grouped into atomic events.
//!
//! An event of a symbol is open from a level update without the closing flag until one with it. The
//! flag may never come (HIST captures of DEEP 1.0): then the event is closed by the next level
//! update of the symbol with another time, by `E`, `H` or `O` of the symbol, by the end of
//! messages, by a gap, a restart or the end of the input; each of these is counted. A trade report
//! comes before the levels it changed and never closes an event (rule 3).

use nofx_types::{EventKind, EventSink, InstrumentId, Nanos, Side, TradeKind};
use nofx_wire::iex::{
    Header, OperationalHalt, PriceLevelUpdate, Protocol, SecurityEvent, SystemEvent, TradingStatus,
};

use super::segments::{Feed, Segments, nanos};
use super::shared::{Prints, price, qty};
use crate::FeedConfig;
use crate::packet::Stamp;

/// A trade stands in the middle of its event.
const PRINTS: Prints = Prints { kind: TradeKind::Print, last: false };
/// System event: end of messages.
const END_OF_MESSAGES: u8 = b'C';

/// What DEEP adds: which events are open.
pub struct Deep {
    /// Time of the open event, by instrument.
    open: Box<[Option<Nanos>]>,
    open_count: usize,
    implicit_closes: u64,
}

impl Deep {
    #[inline]
    fn level<S: EventSink>(
        &mut self,
        segments: &mut Segments,
        at: Stamp,
        side: Side,
        message: &[u8],
        sink: &mut S,
    ) -> Option<()> {
        let update = PriceLevelUpdate::parse(message)?;
        let Some(id) = segments.instrument(update.symbol, sink) else { return Some(()) };
        let ts = nanos(update.ts_ns);
        let last = update.event_flags & PriceLevelUpdate::EVENT_COMPLETE != 0;
        if self.opened(id).is_some_and(|open| open != ts) {
            self.close(id, at, sink);
        }
        self.set_open(id, (!last).then_some(ts));
        let kind = EventKind::LevelSet {
            side,
            price: price(update.price_e4),
            qty: qty(update.shares),
            orders: 0,
        };
        sink.on_event(&at.event(id, ts, last, kind));
        Some(())
    }

    fn opened(&self, id: InstrumentId) -> Option<Nanos> {
        self.open.get(id.index()).copied().flatten()
    }

    fn set_open(&mut self, id: InstrumentId, event: Option<Nanos>) {
        if let Some(open) = self.open.get_mut(id.index()) {
            self.open_count += usize::from(event.is_some());
            self.open_count -= usize::from(open.is_some());
            *open = event;
        }
    }

    /// Ends the event of `id`, if one is open, without its flag.
    #[cold]
    fn close<S: EventSink>(&mut self, id: InstrumentId, at: Stamp, sink: &mut S) {
        if let Some(ts) = self.opened(id) {
            self.set_open(id, None);
            self.implicit_closes += 1;
            sink.on_event(&at.event(id, ts, true, EventKind::EndOfEvent));
        }
    }

    /// Closes what the message says is over.
    fn close_for<S: EventSink>(
        &mut self,
        segments: &mut Segments,
        at: Stamp,
        message: &[u8],
        sink: &mut S,
    ) {
        let Some(front) = SystemEvent::parse(message) else { return };
        match front.kind {
            SystemEvent::KIND if front.event_code == END_OF_MESSAGES => self.interrupt(at, sink),
            SecurityEvent::KIND | TradingStatus::KIND | OperationalHalt::KIND => {
                let Some(header) = Header::parse(message) else { return };
                if let Some(id) = segments.instrument(header.symbol, sink) {
                    self.close(id, at, sink);
                }
            }
            _ => {}
        }
    }
}

impl Feed for Deep {
    const PROTOCOL: Protocol = Protocol::Deep;

    fn new(config: &FeedConfig) -> Deep {
        Deep {
            open: vec![None; config.instruments as usize].into_boxed_slice(),
            open_count: 0,
            implicit_closes: 0,
        }
    }

    fn is_ours(protocol: Protocol) -> bool {
        protocol == Protocol::Deep
    }

    #[inline(always)]
    fn message<S: EventSink>(
        &mut self,
        segments: &mut Segments,
        at: Stamp,
        message: &[u8],
        _: &[u8],
        sink: &mut S,
    ) -> Option<()> {
        let side = match *message.first()? {
            PriceLevelUpdate::BUY => Side::Buy,
            PriceLevelUpdate::SELL => Side::Sell,
            _ => {
                if self.open_count > 0 {
                    self.close_for(segments, at, message, sink);
                }
                return segments.shared::<Deep, S>(PRINTS, at, message, sink);
            }
        };
        self.level(segments, at, side, message, sink)
    }

    fn changes_book(kind: u8) -> bool {
        matches!(kind, PriceLevelUpdate::BUY | PriceLevelUpdate::SELL)
    }

    fn interrupt<S: EventSink>(&mut self, at: Stamp, sink: &mut S) {
        for id in 0..self.open.len() {
            if self.open_count == 0 {
                return;
            }
            self.close(InstrumentId(id as u32), at, sink);
        }
    }

    fn implicit_closes(&self) -> u64 {
        self.implicit_closes
    }

    fn memory_bytes(&self) -> u64 {
        size_of_val(&*self.open) as u64
    }
}
