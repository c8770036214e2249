//! What matching is told and tells: orders, trades, outcomes.

use nofx_types::{OrderRef, Price, Side};

/// A resting order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Resting {
    /// Its id, any 64-bit value.
    pub order: OrderRef,
    /// Index of its book.
    pub row: u32,
    /// Its side.
    pub side: Side,
    /// Its limit price.
    pub price: Price,
    /// Open quantity.
    pub qty: u32,
}

/// A trade of an incoming order with a resting one, at the resting one's price.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Trade {
    /// The resting order, with what is left of it; 0: it is gone.
    pub maker: Resting,
    /// The incoming order.
    pub taker: OrderRef,
    /// Quantity traded.
    pub qty: u32,
    /// What is left of the incoming order.
    pub taker_left: u32,
}

/// Hears what happens to resting orders.
pub trait MatchSink {
    /// The order joined the back of its queue.
    fn rested(&mut self, order: &Resting);
    /// A resting order was filled, in part or whole.
    fn executed(&mut self, trade: &Trade);
    /// `by` was taken off; `order` shows what is left and keeps its place.
    fn reduced(&mut self, order: &Resting, by: u32);
    /// The order, as it last was, left the book unfilled.
    fn deleted(&mut self, order: &Resting);
    /// `old` left and `order` joined the back of its queue without a trade.
    fn replaced(&mut self, old: &Resting, order: &Resting);
    /// Two resting orders traded with each other at the end of a call; both show what is left.
    fn crossed(&mut self, bid: &Resting, ask: &Resting, qty: u32) {
        let _ = (bid, ask, qty);
    }
}

/// What became of an incoming order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// Traded at once.
    pub executed: u32,
    /// Resting now.
    pub rested: u32,
}

/// Why nothing was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// No such book.
    #[error("no book of this row")]
    Row,
    /// Quantity 0.
    #[error("quantity is 0")]
    Quantity,
    /// An order of this id rests already.
    #[error("an order of this id rests")]
    Duplicate,
    /// No order of this id rests.
    #[error("no order of this id rests")]
    Unknown,
    /// No room for one more order or price.
    #[error("the pools are full")]
    Full,
}
