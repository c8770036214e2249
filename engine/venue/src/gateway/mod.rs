//! Order gateways of the mainland and of Hong Kong: bytes on one side, neutral requests and reports
//! on the other.
//!
//! Model: a gateway serves one firm over one or more sessions (connections). [`Gateway::receive`]
//! takes what a session sent, cut anywhere, answers what the session alone can answer (logons, gaps,
//! throttle, orders that no venue would read) and queues the rest as [`Ask`]s; the board answers each
//! by [`Tell`]s, which become reports; [`Gateway::output`] are the bytes to send. Order ids of the
//! client are text; the gateway numbers them, and board and gateway speak of the numbers. It keeps
//! every order as it came, since reports echo it, and every report, since clients ask for them again.
//!
//! There is no socket and no clock here. On a broken stream the gateway says why, as the protocol
//! has it, and [`Gateway::is_open`] turns false: send what is left of the output, then close.
//!
//! | protocol | sessions | lost session | missed reports |
//! |---|---|---|---|
//! | [`ocg`] | one a comp id | orders are cancelled (option) | by sequence number |
//! | [`tgw`], [`tdgw`] | several a PBU | orders stay | by partition and report index |
//!
//! Worst case: as the rest of the venue process, it allocates as the day grows.

mod ids;
pub mod ocg;
mod orders;
mod reports;
mod sessions;
mod stream;
pub mod tdgw;
pub mod tgw;

use nofx_types::{Nanos, OrderRef, Price, Qty, Side, Symbol};

pub use crate::board::Kind;
pub use ids::Label;

/// Most sessions of a gateway that has several.
pub const SESSIONS_MAX: usize = 64;

/// An order as a client sent it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The gateway's number of its client order id: 1 and up, each used once.
    pub id: u64,
    /// The security.
    pub symbol: Symbol,
    /// Its side.
    pub side: Side,
    /// Limit, market of some kind, auction; time in force is a part of it.
    pub kind: Kind,
    /// Its price; 0 where the kind has none.
    pub price: Price,
    /// Shares.
    pub qty: Qty,
    /// Whether it sells what was borrowed.
    pub short: bool,
    /// The account it is for, as text; Hong Kong has the broker here.
    pub account: Label,
    /// Marked as programme trading.
    pub programme: bool,
}

/// What a client wants of the board.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ask {
    /// A new order.
    New(Entry),
    /// The order `orig` with another price or quantity under the number `id` (Hong Kong).
    Amend {
        /// Number of the request, and of the order afterwards.
        id: u64,
        /// The order.
        orig: u64,
        /// New price, where it changes.
        price: Option<Price>,
        /// New total, with what has traded, where it changes.
        qty: Option<Qty>,
    },
    /// Cancel what is left of `orig`.
    Cancel {
        /// Number of the request.
        id: u64,
        /// The order.
        orig: u64,
    },
    /// Cancel all orders of the firm in this scope; each is told by [`Tell::Canceled`], then all of
    /// them by [`Tell::MassCanceled`].
    MassCancel {
        /// Number of the request; 0 when a lost session is the reason.
        id: u64,
        /// Of one security only.
        symbol: Option<Symbol>,
        /// Of one side only.
        side: Option<Side>,
    },
}

/// What the board says of an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tell {
    /// The order rests or will trade.
    Accepted {
        /// The order.
        id: u64,
        /// The board's id of it.
        order: OrderRef,
    },
    /// The order never came in.
    Rejected {
        /// The order.
        id: u64,
        /// Why.
        why: Why,
    },
    /// `qty` left the order unfilled; it is no longer open.
    Canceled {
        /// The order.
        id: u64,
        /// The cancel that asked for it, 0 when none did.
        request: u64,
        /// Shares taken off.
        qty: Qty,
        /// Why.
        why: Ended,
    },
    /// The cancel `request` found nothing to cancel.
    CancelRejected {
        /// The cancel.
        request: u64,
        /// The order that it named.
        orig: u64,
        /// Why.
        why: Why,
    },
    /// The amend took effect: the order is now known by `id`.
    Amended {
        /// The amend, and the order afterwards.
        id: u64,
        /// The order before.
        orig: u64,
        /// Its price now.
        price: Price,
        /// Its total now, with what has traded.
        qty: Qty,
    },
    /// The amend did not take effect.
    AmendRejected {
        /// The amend.
        request: u64,
        /// The order that it named.
        orig: u64,
        /// Why.
        why: Why,
    },
    /// A part traded.
    Trade {
        /// The order.
        id: u64,
        /// Shares.
        qty: Qty,
        /// At this price.
        price: Price,
        /// The same for both sides.
        match_id: u64,
        /// Whether this order rested.
        maker: bool,
    },
    /// A trade was taken back.
    TradeCanceled {
        /// The order.
        id: u64,
        /// Shares.
        qty: Qty,
        /// At this price.
        price: Price,
        /// Of the trade.
        match_id: u64,
    },
    /// A mass cancel is done.
    MassCanceled {
        /// The request.
        request: u64,
        /// Orders that it took off.
        orders: u32,
    },
}

/// Why a request was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// No such security here.
    Symbol,
    /// Not in this phase of the day.
    Phase,
    /// The security is halted.
    Halted,
    /// Outside the day's price limits or the venue's price band.
    PriceLimit,
    /// Outside the price cage.
    Cage,
    /// Not a whole number of ticks.
    Tick,
    /// Not a whole number of lots.
    Lot,
    /// Too few or too many shares.
    Size,
    /// More than the account may sell.
    Sellable,
    /// Short sale not allowed, or at such a price.
    Short,
    /// This kind of order is not taken here.
    Kind,
    /// The client order id was used before.
    Duplicate,
    /// No such order.
    Unknown,
    /// The order is no longer open.
    TooLate,
    /// No cancels in this phase.
    NoCancel,
    /// Nothing on the other side to take a price from.
    NoReference,
    /// A queue or a table is full.
    Full,
    /// Anything else.
    Other,
}

impl Why {
    /// Short name for reports.
    pub const fn name(self) -> &'static str {
        match self {
            Why::Symbol => "unknown security",
            Why::Phase => "not in this phase",
            Why::Halted => "halted",
            Why::PriceLimit => "price limit",
            Why::Cage => "price cage",
            Why::Tick => "off tick",
            Why::Lot => "lot size",
            Why::Size => "order size",
            Why::Sellable => "not sellable",
            Why::Short => "short sale",
            Why::Kind => "order kind",
            Why::Duplicate => "duplicate id",
            Why::Unknown => "unknown order",
            Why::TooLate => "too late",
            Why::NoCancel => "no cancels now",
            Why::NoReference => "no ref price",
            Why::Full => "full",
            Why::Other => "other",
        }
    }

    /// A number for protocols whose documents list none: ours, from 1 in the order above.
    pub const fn number(self) -> u16 {
        self as u16 + 1
    }
}

/// Why an order ended unfilled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// Its owner asked.
    Asked,
    /// A mass cancel.
    MassCancel,
    /// Its session was lost.
    Disconnect,
    /// Its kind does not rest (immediate or cancel, best five, ...).
    Unfilled,
    /// The phase it was for, or the day, ended.
    Expired,
    /// A halt or the venue itself.
    Venue,
}

/// One firm's gateway.
pub trait Gateway {
    /// How many sessions may be open at one time.
    fn sessions(&self) -> usize;
    /// A client connected on this session; it has to log on.
    fn connected(&mut self, session: usize, now: Nanos);
    /// Takes bytes that came on this session, cut anywhere.
    fn receive(&mut self, session: usize, now: Nanos, bytes: &[u8]);
    /// The connection of this session ended.
    fn disconnected(&mut self, session: usize, now: Nanos);
    /// The next request, in the order in which they came.
    fn next_ask(&mut self) -> Option<Ask>;
    /// Reports what the board says to whom it concerns.
    fn tell(&mut self, now: Nanos, tell: &Tell);
    /// Bytes that wait to be sent on this session.
    fn output(&self, session: usize) -> &[u8];
    /// The first `bytes` of the output were sent.
    fn sent(&mut self, session: usize, bytes: usize);
    /// Heartbeats that are due, and the end of sessions that fell silent.
    fn keep_alive(&mut self, now: Nanos);
    /// Whether the connection of this session shall last: false before it is made and after the
    /// gateway ended it; what is left of the output is still to be sent.
    fn is_open(&self, session: usize) -> bool;
    /// Whether this session is logged on.
    fn is_logged_on(&self, session: usize) -> bool;
    /// The client order id that has this number; empty when there is none.
    fn text(&self, id: u64) -> Label;
}
