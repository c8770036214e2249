//! What a book shows: levels, and the touch.

use crate::{Price, Qty, Side};

/// One price with what rests there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Level {
    /// The price.
    pub price: Price,
    /// Total displayed quantity.
    pub qty: Qty,
    /// Number of orders; 0 where the feed does not count them.
    pub orders: u32,
}

/// Best bid and best ask. An empty side has quantity 0 and price 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Touch {
    /// Best bid price.
    pub bid_px: Price,
    /// Quantity at the best bid, 0 when there is none.
    pub bid_qty: Qty,
    /// Best ask price.
    pub ask_px: Price,
    /// Quantity at the best ask, 0 when there is none.
    pub ask_qty: Qty,
}

impl Touch {
    /// Best price of `side`, if the side is not empty.
    #[inline]
    pub fn best(&self, side: Side) -> Option<Price> {
        let (price, qty) = match side {
            Side::Buy => (self.bid_px, self.bid_qty),
            Side::Sell => (self.ask_px, self.ask_qty),
        };
        (qty.0 > 0).then_some(price)
    }

    /// Quantity at the best of `side`.
    #[inline]
    pub fn qty(&self, side: Side) -> Qty {
        match side {
            Side::Buy => self.bid_qty,
            Side::Sell => self.ask_qty,
        }
    }

    /// Whether both sides are there.
    #[inline]
    pub fn is_two_sided(&self) -> bool {
        self.bid_qty.0 > 0 && self.ask_qty.0 > 0
    }

    /// Whether the best bid is at or above the best ask.
    #[inline]
    pub fn is_crossed(&self) -> bool {
        self.is_two_sided() && self.bid_px >= self.ask_px
    }

    /// Ask minus bid, when both sides are there.
    #[inline]
    pub fn spread(&self) -> Option<i64> {
        self.is_two_sided().then(|| self.ask_px.0 - self.bid_px.0)
    }
}

/// What applying an event did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Change {
    /// Price or quantity of the best bid or ask is not what it was.
    pub touch: bool,
    /// Some level is not what it was.
    pub levels: bool,
}

impl Change {
    /// Nothing changed.
    pub const NONE: Change = Change { touch: false, levels: false };
}

/// A book as a strategy sees it.
pub trait Ladder {
    /// Best bid and ask, always current.
    fn touch(&self) -> Touch;

    /// Fills `out` with the best levels of `side`, best first; returns how many there were.
    fn levels(&self, side: Side, out: &mut [Level]) -> usize;
}
