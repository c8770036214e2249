//! What the exchange says to the public: neutral facts in their order, for a publisher to put into
//! bytes.
//!
//! The markets publish the same event differently: Shenzhen an order before its trades and nothing
//! of what rests afterwards, Shanghai only what rests, after the trades, Hong Kong what rests and
//! what becomes of it. The board says all of it and each publisher picks its own facts.

use nofx_types::{Level, Nanos, OrderRef, Phase, Price, Pricing, Side};

use super::course::Stage;

/// One public fact.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Said {
    /// When, since 1970 UTC.
    pub at: Nanos,
    /// The security, or [`ALL`].
    pub row: u32,
    /// Its channel; for [`ALL`] the statement is made once on each channel.
    pub channel: u16,
    /// Number of the message in the channel, from 1 and without holes over all that are numbered: in
    /// Shenzhen (ApplSeqNum) [`What::OrderIn`], [`What::Trade`] and [`What::Canceled`]; in Shanghai
    /// (BizIndex) [`What::Rested`], [`What::Trade`], [`What::Canceled`] of orders that rested, and
    /// [`What::Stage`]. 0: not numbered; always so in Hong Kong.
    pub number: u64,
    /// The fact.
    pub what: What,
}

/// Row of a fact about all securities.
pub const ALL: u32 = u32::MAX;

/// What happened. Quantities are shares, prices count 1/10,000.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// The market (or one security) entered a stage that is to last from `from` to `to`.
    Stage {
        /// The stage.
        stage: Stage,
        /// What it means for trading.
        phase: Phase,
        /// Begin.
        from: Nanos,
        /// End as planned.
        to: Nanos,
    },
    /// Reference price with the limits that hold from now on (0: none): the day's limits, those of
    /// an auction, and in Hong Kong the reference of the closing auction.
    Reference {
        /// Reference price.
        price: Price,
        /// Lowest price that is taken, 0 for none.
        low: Price,
        /// Highest, 0 for none.
        high: Price,
    },
    /// An order was accepted, before anything came of it.
    OrderIn {
        /// Its id.
        order: OrderRef,
        /// Its side.
        side: Side,
        /// How its price is known.
        pricing: Pricing,
        /// Its limit, 0 where it has none.
        price: Price,
        /// Its quantity.
        qty: u32,
    },
    /// Two orders traded.
    Trade {
        /// Number of the trade, per security, from 1.
        trade: u64,
        /// The buyer's order.
        bid: Party,
        /// The seller's order.
        offer: Party,
        /// Price.
        price: Price,
        /// Quantity.
        qty: u32,
        /// Side of the order that came last; `None` in an auction.
        aggressor: Option<Side>,
        /// Whether it was the end of a call.
        auction: bool,
    },
    /// What an order has left joined its book.
    Rested {
        /// The order as it stands.
        order: Place,
        /// What traded of it before.
        executed: u32,
    },
    /// `by` was taken off an order by its owner or by the exchange.
    Canceled {
        /// The order with what is left, and where it stands or last stood.
        order: Place,
        /// Quantity taken off.
        by: u32,
        /// Whether it rested in the book; else it was an incoming order, or a parked one.
        rested: bool,
    },
    /// An order shows another quantity; it keeps its place unless it grew (Hong Kong).
    Amended {
        /// The order as it stands now.
        order: Place,
    },
    /// An order was accepted and waits outside the price cage, in no book (see Canceled, Unparked).
    Parked {
        /// Its id.
        order: OrderRef,
    },
    /// A parked order came in: its trades follow.
    Unparked {
        /// Its id.
        order: OrderRef,
    },
    /// What the call that is under way would end with; volume 0: nothing.
    Indicative(Auction),
    /// What a call ended with; its trades came before.
    Uncrossed(Auction),
    /// Volatility control: until `to` only prices from `low` to `high` trade.
    Cooling {
        /// Begin.
        from: Nanos,
        /// End.
        to: Nanos,
        /// Reference price.
        reference: Price,
        /// Lowest price.
        low: Price,
        /// Highest price.
        high: Price,
    },
    /// The cooling-off has ended.
    Cooled,
    /// Trading in the security was halted, or goes on.
    Halted(bool),
    /// An odd-lot order shows on the odd-lot board.
    OddLot {
        /// Its id.
        order: OrderRef,
        /// Its side.
        side: Side,
        /// Its price.
        price: Price,
        /// Its quantity.
        qty: u32,
    },
    /// An odd-lot order left.
    OddLotGone {
        /// Its id.
        order: OrderRef,
        /// Its side.
        side: Side,
    },
    /// A trade was taken back.
    TradeCanceled {
        /// Its number.
        trade: u64,
    },
    /// The closing price of the day.
    Closing(Price),
    /// The level as it now is, for tests and only where the configuration asks for it
    /// ([`super::BoardConfig::levels`]): follows each change of a book at once. Quantity 0: it is gone.
    Level {
        /// Its side.
        side: Side,
        /// The level.
        level: Level,
    },
}

/// One side of a trade.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Party {
    /// The order.
    pub order: OrderRef,
    /// What it has left.
    pub left: u32,
    /// Whether it stood in the book (else it was the incoming one).
    pub resting: bool,
    /// The limit at which it stood, 0 for a market order of an auction or an incoming order.
    pub price: Price,
}

/// An order in its book.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// Its id.
    pub order: OrderRef,
    /// Its side.
    pub side: Side,
    /// Market for an order of an auction without a price: it stands before all limits.
    pub pricing: Pricing,
    /// Its price, 0 where it has none.
    pub price: Price,
    /// Open quantity.
    pub qty: u32,
    /// Orders of its price before it; told in Hong Kong only, else 0, and so the next.
    pub in_level: u32,
    /// Orders of its side before it.
    pub in_side: u32,
}

/// What a call ends with, or would end with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Auction {
    /// The price, 0 for none.
    pub price: Price,
    /// Shares that trade.
    pub volume: u64,
    /// Shares that could trade at the price and find nobody.
    pub imbalance: u64,
    /// Their side.
    pub side: Option<Side>,
}
