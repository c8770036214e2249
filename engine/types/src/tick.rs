//! [`Tick`]: one tick of a mainland exchange, whichever form it came in.
//!
//! Shanghai's merged ticks (UA5803), Shenzhen's 300192 and 300191, and the files that vendors make
//! of them say the same few things; they meet here before anything is concluded about a book.

use crate::{Nanos, OrderRef, Price, Pricing, Qty, Side, Symbol};

/// One tick as the exchange published it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tick {
    /// The channel that numbers it.
    pub channel: u16,
    /// Its number in the channel: BizIndex in Shanghai, ApplSeqNum in Shenzhen. Rises.
    pub seq: u64,
    /// The security, six digits.
    pub symbol: Symbol,
    /// When the exchange says it happened, since 1970 UTC.
    pub exch_ns: Nanos,
    /// What it says.
    pub kind: TickKind,
    /// The buy order that it concerns; 0 for none.
    pub bid: OrderRef,
    /// The sell order that it concerns; 0 for none.
    pub offer: OrderRef,
    /// Price in 1/10,000; 0 where it has none.
    pub price: Price,
    /// Shares.
    pub qty: Qty,
}

/// What a [`Tick`] says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TickKind {
    /// An order came (Shenzhen), or what is left of it joined the book (Shanghai). Its id stands on
    /// its side.
    Order {
        /// Side of the order.
        side: Side,
        /// How its price is known.
        pricing: Pricing,
    },
    /// `qty` of the order on `side` was cancelled.
    Cancel {
        /// Side of the order.
        side: Side,
    },
    /// A trade between `bid` and `offer`; no aggressor in an auction.
    Trade {
        /// Side of the order that came last.
        aggressor: Option<Side>,
    },
    /// The security entered a trading phase.
    Phase(crate::Phase),
}

impl Tick {
    /// The id of the order on `side`.
    #[inline]
    pub const fn order(&self, side: Side) -> OrderRef {
        match side {
            Side::Buy => self.bid,
            Side::Sell => self.offer,
        }
    }
}
