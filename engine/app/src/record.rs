//! What a run keeps for its outputs: orders, fills, touches, levels.
//!
//! Model: the hot path appends fixed-size rows to buffers sized at start; between packets, outside
//! the sealed stretch, [`Recorder::is_filling`] says when to write them out and start again. A
//! buffer holds twice what the largest packet can add beyond the mark, so nothing is lost; a row
//! that still finds no room is counted, and the run then ends with an error.

use nofx_gate::Rejects;
use nofx_types::{
    AuctionInfo, BookEvent, EventKind, Instrument, InstrumentId, Ladder, Level, Nanos, OrderIntent,
    OrderUpdate, Phase, Price, Qty, Side, Touch, TradeKind,
};

/// Deepest book that `--book` writes.
pub const DEPTH_MAX: usize = 50;

/// An intent and its verdict.
#[derive(Clone, Copy, Debug)]
pub struct OrderRow {
    /// The intent as it was judged.
    pub intent: OrderIntent,
    /// Which rules refused it; empty: sent.
    pub rejects: Rejects,
    /// Packet-to-order time in cycles, 0 when not stamped.
    pub cycles: u64,
}

/// News of an order, with the position after it.
#[derive(Clone, Copy, Debug)]
pub struct UpdateRow {
    /// The news.
    pub update: OrderUpdate,
    /// Signed position in the instrument afterwards.
    pub position: i64,
}

/// A touch that changed.
#[derive(Clone, Copy, Debug)]
pub struct TouchRow {
    /// Sequence of the message that completed the change.
    pub seq: u64,
    /// Exchange time of that message, in the feed's own epoch.
    pub ts_ns: Nanos,
    /// Engine time: when its packet was captured.
    pub engine_ns: Nanos,
    /// The instrument.
    pub instrument: InstrumentId,
    /// The touch now.
    pub touch: Touch,
}

/// A level of a book that changed.
#[derive(Clone, Copy, Debug)]
pub struct LevelRow {
    /// Sequence of the message that completed the change.
    pub seq: u64,
    /// Exchange time of that message, in the feed's own epoch.
    pub ts_ns: Nanos,
    /// The instrument.
    pub instrument: InstrumentId,
    /// Side of the book.
    pub side: Side,
    /// 1 is the best.
    pub rank: u32,
    /// Price, quantity and orders.
    pub level: Level,
}

/// What the venue said of an instrument besides its book.
#[derive(Clone, Copy, Debug)]
pub struct MarketRow {
    /// Sequence of the message.
    pub seq: u64,
    /// Exchange time of that message, in the feed's own epoch.
    pub ts_ns: Nanos,
    /// Engine time: when its packet was captured.
    pub engine_ns: Nanos,
    /// The instrument, or [`InstrumentId::ALL`].
    pub instrument: InstrumentId,
    /// What was said.
    pub said: Said,
}

/// See [`MarketRow`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Said {
    /// The trading phase changed.
    Phase(Phase),
    /// Orders outside `low..=high` are refused from here on.
    Band {
        /// Lowest price.
        low: Price,
        /// Highest price.
        high: Price,
    },
    /// Indicative price of an auction, and what would trade at it.
    Indicative(Price, Qty),
    /// An auction traded at this price: its first trade, or the whole of it where the feed says so.
    Auction(Price, Qty),
}

impl Said {
    /// What an event says of the market; `auction`: trades are those of a call.
    fn of(event: &BookEvent, auction: bool) -> Option<Said> {
        match event.kind {
            EventKind::Phase(phase) => Some(Said::Phase(phase)),
            EventKind::Band { low, high, .. } => Some(Said::Band { low, high }),
            EventKind::Auction(AuctionInfo { price, paired, .. }) if price.0 > 0 => {
                Some(Said::Indicative(price, paired))
            }
            EventKind::Trade { price, qty, kind: TradeKind::Cross, .. } => {
                Some(Said::Auction(price, qty))
            }
            EventKind::Execute { price: Some(price), qty, printable: true, .. } if auction => {
                Some(Said::Auction(price, qty))
            }
            _ => None,
        }
    }
}

/// Which rows are wanted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// Orders and updates.
    pub orders: bool,
    /// Touches.
    pub touches: bool,
    /// Levels per side at each change, 0 for none.
    pub depth: usize,
}

/// The buffers.
pub struct Recorder {
    wanted: Wanted,
    /// Intents and verdicts.
    pub orders: Rows<OrderRow>,
    /// News of orders.
    pub updates: Rows<UpdateRow>,
    /// Touches.
    pub touches: Rows<TouchRow>,
    /// Levels.
    pub levels: Rows<LevelRow>,
    /// Phases, bands and auctions.
    pub market: Rows<MarketRow>,
    /// What was last said of the price of each instrument's auction.
    auctions: Vec<Option<Said>>,
    /// Whether the last call of each instrument was not followed by continuous trading yet.
    calls: Vec<bool>,
    published: Vec<Touch>,
    dirty: Vec<bool>,
}

/// Rows a packet may add: 64 KiB of the shortest message (17 bytes with its length).
const PACKET_ROWS: usize = 4_096;

impl Recorder {
    /// Buffers for what is wanted, over `instruments` ids.
    pub fn new(wanted: Wanted, instruments: usize) -> Recorder {
        let wanted = Wanted { depth: wanted.depth.min(DEPTH_MAX), ..wanted };
        let watch = wanted.touches || wanted.depth > 0;
        Recorder {
            orders: Rows::sized(wanted.orders, 32 * PACKET_ROWS),
            updates: Rows::sized(wanted.orders, 8 * PACKET_ROWS),
            // A clear of the whole market publishes every instrument once.
            touches: Rows::sized(wanted.touches, 4 * PACKET_ROWS + instruments),
            levels: Rows::sized(wanted.depth > 0, 2 * wanted.depth * (PACKET_ROWS + instruments)),
            market: Rows::sized(wanted.touches, PACKET_ROWS + instruments),
            auctions: vec![None; if wanted.touches { instruments } else { 0 }],
            calls: vec![false; if wanted.touches { instruments } else { 0 }],
            published: vec![Touch::default(); if watch { instruments } else { 0 }],
            dirty: vec![false; if watch { instruments } else { 0 }],
            wanted,
        }
    }

    /// Whether book changes are recorded at all: a false here keeps the hot path clear.
    #[inline]
    pub fn watches_books(&self) -> bool {
        !self.published.is_empty()
    }

    /// Whether the buffers should be written out now.
    #[inline]
    pub fn is_filling(&self) -> bool {
        self.orders.is_filling()
            || self.updates.is_filling()
            || self.touches.is_filling()
            || self.levels.is_filling()
            || self.market.is_filling()
    }

    /// Rows that found no room.
    pub fn lost(&self) -> u64 {
        let books = self.touches.lost + self.levels.lost + self.market.lost;
        self.orders.lost + self.updates.lost + books
    }

    /// Bytes of the buffers, fixed at construction.
    pub fn bytes(&self) -> u64 {
        let watched = self.published.len() * (size_of::<Touch>() + size_of::<bool>());
        let auctions = self.auctions.len() * (size_of::<Option<Said>>() + size_of::<bool>());
        let books = self.touches.bytes() + self.levels.bytes() + self.market.bytes();
        self.orders.bytes() + self.updates.bytes() + books + (watched + auctions) as u64
    }

    /// Keeps what an event says of the market; `phase` is that of its instrument. An auction trades in
    /// many pieces at one price: the first of them is kept.
    pub fn market(&mut self, event: &BookEvent, phase: Phase) {
        let auction = self.in_call(event.instrument, phase);
        let Some(said) = Said::of(event, auction) else { return };
        if let Some(before) = self.auctions.get_mut(event.instrument.index()) {
            let same = match (said, &*before) {
                (Said::Auction(price, _), Some(Said::Auction(told, _))) => price == *told,
                (Said::Indicative(..), Some(told)) => said == *told,
                _ => false,
            };
            if same {
                return;
            }
            *before = Some(said);
        }
        self.market.push(MarketRow {
            seq: event.seq,
            ts_ns: event.exch_ns,
            engine_ns: event.capture_ns,
            instrument: event.instrument,
            said,
        });
    }

    /// A call trades when it ends, so its trades may find the next phase, whatever that is: they are
    /// the call's until continuous trading begins.
    fn in_call(&mut self, id: InstrumentId, phase: Phase) -> bool {
        let Some(call) = self.calls.get_mut(id.index()) else { return false };
        match phase {
            Phase::OpeningAuction | Phase::ClosingAuction => *call = true,
            Phase::Continuous => *call = false,
            _ => {}
        }
        *call
    }

    /// The venue's price limits of an instrument, as its definition gives them.
    pub fn limits(&mut self, instrument: &Instrument) {
        let Instrument { id, limit_low: low, limit_high: high, .. } = *instrument;
        if low.0 > 0 && high.0 > 0 {
            let zero = Nanos(0);
            let said = Said::Band { low, high };
            self.market.push(MarketRow {
                seq: 0,
                ts_ns: zero,
                engine_ns: zero,
                instrument: id,
                said,
            });
        }
    }

    /// A book changed, or an atomic event ended: publishes the touch if it is not what it was.
    pub fn book(&mut self, event: &BookEvent, id: InstrumentId, changed: bool, book: &impl Ladder) {
        let Some((published, dirty)) =
            self.published.get_mut(id.index()).zip(self.dirty.get_mut(id.index()))
        else {
            return;
        };
        *dirty |= changed;
        if !*dirty || !event.last {
            return;
        }
        *dirty = false;
        let (seq, ts_ns, instrument) = (event.seq, event.exch_ns, id);
        let touch = book.touch();
        if touch != *published {
            *published = touch;
            let engine_ns = event.capture_ns;
            self.touches.push(TouchRow { seq, ts_ns, engine_ns, instrument, touch });
        }
        if self.wanted.depth > 0 {
            let mut best = [Level::default(); DEPTH_MAX];
            for side in Side::BOTH {
                let Some(out) = best.get_mut(..self.wanted.depth) else { return };
                let n = book.levels(side, out);
                for (rank, level) in (1..).zip(out.iter().take(n)) {
                    self.levels.push(LevelRow {
                        seq,
                        ts_ns,
                        instrument,
                        side,
                        rank,
                        level: *level,
                    });
                }
            }
        }
    }
}

/// A buffer of rows that never grows.
pub struct Rows<T> {
    rows: Vec<T>,
    capacity: usize,
    lost: u64,
}

impl<T> Rows<T> {
    /// Room for twice what one packet may add, so that a buffer that is filling never overflows.
    fn sized(wanted: bool, packet_rows: usize) -> Rows<T> {
        Rows::new(if wanted { 2 * packet_rows } else { 0 })
    }

    fn new(capacity: usize) -> Rows<T> {
        Rows { rows: Vec::with_capacity(capacity), capacity, lost: 0 }
    }

    /// Appends a row; dropped silently when rows of this kind are not wanted, counted when full.
    #[inline]
    pub fn push(&mut self, row: T) {
        if self.rows.len() < self.capacity {
            self.rows.push(row);
        } else if self.capacity > 0 {
            self.lost += 1;
        }
    }

    #[inline]
    fn is_filling(&self) -> bool {
        2 * self.rows.len() > self.capacity
    }

    fn bytes(&self) -> u64 {
        (self.capacity * size_of::<T>()) as u64
    }

    /// The rows, oldest first.
    pub fn rows(&self) -> &[T] {
        &self.rows
    }

    /// Forgets the rows, keeping the memory.
    pub fn clear(&mut self) {
        self.rows.clear();
    }
}

/// The name of an instrument in outputs: its symbol, `locate:N` if unknown.
pub fn label(instrument: &Instrument) -> String {
    match instrument.symbol.as_str() {
        "" => format!("locate:{}", instrument.id.0),
        symbol => symbol.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nofx_types::{EventKind, Price, Qty};

    struct Shown(Touch);
    impl Ladder for Shown {
        fn touch(&self) -> Touch {
            self.0
        }
        fn levels(&self, side: Side, out: &mut [Level]) -> usize {
            let Some(price) = self.0.best(side) else { return 0 };
            out[0] = Level { price, qty: self.0.qty(side), orders: 1 };
            1
        }
    }

    fn event(seq: u64, last: bool) -> BookEvent {
        let kind = EventKind::EndOfEvent;
        BookEvent {
            instrument: InstrumentId(0),
            seq,
            exch_ns: Nanos(seq),
            capture_ns: Nanos(0),
            last,
            kind,
        }
    }

    #[test]
    fn touch_is_published_once_and_only_when_the_event_ends() {
        let mut recorder =
            Recorder::new(Wanted { touches: true, depth: 2, ..Wanted::default() }, 1);
        let shown = |px| Shown(Touch { bid_px: Price(px), bid_qty: Qty(1), ..Touch::default() });
        let id = InstrumentId(0);
        recorder.book(&event(1, false), id, true, &shown(5));
        assert!(recorder.touches.rows().is_empty());
        recorder.book(&event(2, true), id, true, &shown(6));
        recorder.book(&event(3, true), id, true, &shown(6));
        recorder.book(&event(4, true), id, false, &shown(6));
        let seqs: Vec<_> = recorder.touches.rows().iter().map(|r| r.seq).collect();
        assert_eq!(seqs, [2]);
        assert_eq!(recorder.levels.rows().len(), 2);
    }

    #[test]
    fn an_auction_is_kept_once_and_a_phase_each_time() {
        let mut recorder = Recorder::new(Wanted { touches: true, ..Wanted::default() }, 1);
        let traded = |price| {
            let (order, price) = (nofx_types::OrderRef(1), Some(Price(price)));
            let kind =
                EventKind::Execute { order, qty: Qty(5), price, printable: true, match_id: 0 };
            BookEvent { kind, ..event(1, true) }
        };
        let call = BookEvent { kind: EventKind::Phase(Phase::OpeningAuction), ..event(1, true) };
        recorder.market(&call, Phase::OpeningAuction);
        recorder.market(&traded(7), Phase::OpeningAuction);
        recorder.market(&traded(7), Phase::OpeningAuction);
        recorder.market(&traded(8), Phase::Continuous);
        recorder.market(&traded(8), Phase::Closed);
        recorder.market(&call, Phase::ClosingAuction);
        recorder.market(&traded(7), Phase::Closed);
        let said: Vec<_> = recorder.market.rows().iter().map(|row| row.said).collect();
        let call = Said::Phase(Phase::OpeningAuction);
        let auction = Said::Auction(Price(7), Qty(5));
        assert_eq!(said, [call, auction, call, auction]);
    }

    #[test]
    fn a_full_buffer_counts_what_it_loses() {
        let mut rows = Rows::new(2);
        (0..5).for_each(|i| rows.push(i));
        assert_eq!((rows.rows(), rows.lost), (&[0, 1][..], 3));
    }
}
