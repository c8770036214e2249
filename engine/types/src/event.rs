//! [`BookEvent`]: the one event type between every feed and every book.
//!
//! Its shape covers what the venues send (protocols in brackets): orders by id with implied
//! price (ITCH, DEEP+), absolute level updates that form an atomic event (DEEP), whole-side
//! replacement (TOPS), explicit queue rank and modify-by-total (OMD-C 30, 31), market and own-best
//! orders whose price is not on the wire and executions that name both orders (SZSE 300192,
//! 300191), executions whose aggressor never rested (SSE UA5803), phases, auctions and price bands.
//! A translation that needs two effects sends two events with `last` set on the second.

use crate::{Instrument, InstrumentId, Nanos, OrderRef, Price, Qty, Side, Touch};

/// One thing that happened in the market, in the order of the stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BookEvent {
    /// The instrument, or [`InstrumentId::ALL`] for phases, clears and gaps of the whole stream.
    pub instrument: InstrumentId,
    /// Sequence number of the message in its stream.
    pub seq: u64,
    /// When the venue says it happened; the epoch is the feed's own.
    pub exch_ns: Nanos,
    /// When the packet was captured (or the wire stamp): the engine's time.
    pub capture_ns: Nanos,
    /// Whether the venue's atomic event ends here: only then may a touch be acted on.
    pub last: bool,
    /// What happened.
    pub kind: EventKind,
}

/// What happened to the book. Quantities are deltas unless said otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventKind {
    /// An order joined the book.
    Add {
        order: OrderRef,
        side: Side,
        price: Price,
        qty: Qty,
        priority: Priority,
        pricing: Pricing,
    },
    /// `qty` of a resting order was filled. `price` is the trade's when it differs from the
    /// order's; `printable` is false where another message carries the volume (ITCH `C` with N, the
    /// second leg of an SZSE execution).
    Execute { order: OrderRef, qty: Qty, price: Option<Price>, printable: bool, match_id: u64 },
    /// `qty` of a resting order was cancelled; the order keeps its place.
    Reduce { order: OrderRef, qty: Qty },
    /// `old` leaves and `new` joins on the same side (they may be equal: modify). `qty` is the new
    /// total; no `price` keeps the old one.
    Replace { old: OrderRef, new: OrderRef, price: Option<Price>, qty: Qty, priority: Priority },
    /// What is left of the order was removed.
    Delete { order: OrderRef },
    /// One side (or both) of the instrument was emptied.
    Clear { side: Option<Side> },
    /// A trade that moves no book level: hidden liquidity, a cross, or a correction.
    Trade { price: Price, qty: Qty, aggressor: Option<Side>, match_id: u64, kind: TradeKind },
    /// The level at `price` now shows `qty` in all (0: gone); `orders` is 0 where the feed counts none.
    LevelSet { side: Side, price: Price, qty: Qty, orders: u32 },
    /// The trading phase changed.
    Phase(Phase),
    /// Auction or imbalance information.
    Auction(AuctionInfo),
    /// The price band changed: orders outside `low..=high` will be refused by the venue.
    Band { reference: Price, low: Price, high: Price },
    /// Messages were lost: books of the instrument are not to be trusted until cleared, or until
    /// [`EventKind::Recovered`].
    Stale(StaleReason),
    /// What was lost came after all, and was delivered in order: ends [`StaleReason::Gap`], and no
    /// other reason.
    Recovered,
    /// Ends an atomic event without a change of its own (a closing flag that never came).
    EndOfEvent,
}

/// Where an order joins its level.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Priority {
    /// Behind everything that rests there.
    Back,
    /// In place: a modify that keeps its turn.
    Kept,
    /// At this rank from the head of the level, 0 first (OMD-C order_book_position).
    At(u32),
}

/// How an order's price is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pricing {
    /// The event carries the limit price.
    Limit,
    /// No price: executions tell it; the order shows at no level (SZSE type 1, OMD-C at-auction).
    Market,
    /// The best price of its own side at that moment (SZSE type U).
    OwnBest,
}

/// What a [`EventKind::Trade`] reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TradeKind {
    /// A fill of liquidity that no book event shows.
    Hidden,
    /// An auction or cross: counts once for the whole of its volume.
    Cross,
    /// A print on a feed without orders (DEEP, TOPS), where any fill is reported like this.
    Print,
    /// `match_id` is taken back.
    Broken,
}

/// Trading phase of an instrument or, with [`InstrumentId::ALL`], of the market.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Phase {
    /// Nothing has been said yet.
    #[default]
    Unknown,
    /// Orders are accepted before the opening.
    PreOpen,
    /// Opening call auction.
    OpeningAuction,
    /// Continuous trading.
    Continuous,
    /// Closing call auction.
    ClosingAuction,
    /// After the close, with trading.
    AfterHours,
    /// Halted.
    Halted,
    /// Paused by a volatility rule.
    Paused,
    /// Quotes only, before a release.
    QuoteOnly,
    /// Lunch or other break.
    Break,
    /// Closed for the day.
    Closed,
}

/// Auction or imbalance information; 0 where the feed does not say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AuctionInfo {
    /// Indicative price.
    pub price: Price,
    /// Quantity that would match at `price`.
    pub paired: Qty,
    /// Quantity that would not.
    pub imbalance: Qty,
    /// Side of the imbalance.
    pub side: Option<Side>,
}

/// Why books are stale.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum StaleReason {
    /// A sequence gap that no line filled, an image that is not whole yet, or silent lines.
    Gap,
    /// Our memory for orders or levels was exhausted.
    Exhausted,
    /// An event contradicted the book (price or quantity out of range, overfill), or could not be
    /// read.
    Inconsistent,
}

/// Receives the translation of a stream, event by event, in order.
///
/// A feed is generic over its sink, so each message type becomes straight-line code: the compiler
/// sees which kind is sent and folds the match on it.
pub trait EventSink {
    /// One event.
    fn on_event(&mut self, event: &BookEvent);

    /// An instrument was defined, named or redefined by the feed; the sink keeps its own copy.
    fn on_definition(&mut self, instrument: &Instrument) {
        let _ = instrument;
    }

    /// Best bid and ask of the sink's book as it stands, for feeds whose messages mean different things
    /// in different markets (does a Shenzhen order cross?); an empty touch where the sink has no book.
    #[inline]
    fn touch(&self, instrument: InstrumentId) -> Touch {
        let _ = instrument;
        Touch::default()
    }

    /// An event on `order` of `instrument` is at hand and will be delivered soon: a sink with
    /// large tables may prefetch. Never changes what is delivered.
    #[inline]
    fn hint(&mut self, instrument: InstrumentId, order: OrderRef) {
        let _ = (instrument, order);
    }
}
