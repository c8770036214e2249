//! Clean books from Shenzhen's raw events: adaptors that stand between a feed and a book.
//!
//! Model: Shenzhen publishes every order as it comes, and then what became of it, message by message:
//! its trades, or the cancel of what a market order left. A book that simply followed would cross, and
//! would not know the price of a market order. An adaptor is an [`EventSink`](nofx_types::EventSink)
//! over an `EventSink`: raw events go in ([`Pricing`](nofx_types::Pricing) Limit, Market and OwnBest,
//! two Executes for a trade, a Reduce for a cancel), events of a clean book come out: orders at their
//! price, one Execute for the passive side of a trade, the rest of an order once it rests.
//!
//! - [`Waiting`] holds an order that crosses, or that has no price, until its messages have come. It
//!   has no book of its own: it asks the sink for the touch, so it costs little.
//! - [`Simulated`] keeps every order and matches a crossing limit order at once, by price and time;
//!   the trades that come confirm it. Where they do not, what was foreseen is taken back and the
//!   truth is followed. Market orders are waited for: the feed does not tell their five kinds apart.
//!
//! Messages of an order follow it at once in its channel, so `over` takes the channel: whatever else
//! comes in it ends the wait. A limit order is waited for only while it crosses; what a market order
//! has left rests, or is cancelled by a message that may be next, so it is waited for until the channel
//! goes on, and [`Waiting::held`] tells of it. Source: the order of 300192 and 300191 in a channel
//! (Binary Market Data Interface Specification, Shenzhen).
//!
//! In call auctions orders gather, crossed or not, and trades name two resting orders. Phases come
//! with the events; where nobody tells them, an order that crosses in an auction joins one message
//! late, and nothing else is different.
//!
//! The price cage (`[[cage]]` in `rules/szse.toml`) matters to books where the exchange parks
//! orders outside it (ChiNext before 2023): [`Waiting::set_cage`]. A parked order is not in the
//! book; it enters when the reference has moved enough, in the order of entry. The cage holds in
//! the continuous phase only, which must be told.
//!
//! Worst case: a change of the touch walks over the parked orders of its instrument once for each that
//! enters; a clear of all books walks all channels. Nothing allocates after construction.

mod cage;
mod held;
mod parked;
mod simulated;
mod waiting;

pub use cage::Cage;
pub use held::HeldOrder;
pub use simulated::Simulated;
pub use waiting::{Over, Waiting};

/// Sizes of an adaptor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RebuildConfig {
    /// Instrument ids are below this.
    pub instruments: u32,
    /// Orders that may be parked at once, all instruments together.
    pub parked: u32,
    /// Whether parked orders join the closing auction \[m\]; they stay out of it otherwise.
    pub parked_join_auction: bool,
}

impl Default for RebuildConfig {
    fn default() -> RebuildConfig {
        RebuildConfig { instruments: 8_192, parked: 4_096, parked_join_auction: true }
    }
}

impl RebuildConfig {
    fn check(&self) -> Result<(), crate::ConfigError> {
        let bad = |key, problem: &str| Err(crate::ConfigError::new(key, problem));
        if !(1..=1 << 22).contains(&self.instruments) {
            return bad("instruments", "want 1 to 4194304");
        }
        if self.parked > 1 << 22 {
            return bad("parked", "want at most 4194304");
        }
        Ok(())
    }
}

/// What was out of the ordinary.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RebuildCounts {
    /// Orders that were held.
    pub held: u64,
    /// Held orders whose rest joined only because another message came although they cross: normal in
    /// auctions whose phase was not told.
    pub joined_crossing: u64,
    /// Orders without a price that had none when the next message came: they show at no level.
    pub unpriced: u64,
    /// More was executed or cancelled than a held or parked order had.
    pub overfill: u64,
    /// Orders parked outside the cage.
    pub parked: u64,
    /// Parked orders that traded: the cage was computed wrongly, the order was let in.
    pub parked_traded: u64,
    /// Orders that found no room to be parked; their book is stale.
    pub parked_full: u64,
    /// Instruments outside the tables.
    pub out_of_range: u64,
    /// Trades foreseen, and confirmed by the exchange.
    pub confirmed: u64,
    /// Orders whose foreseen trades were taken back.
    pub contradicted: u64,
    /// Trades or cancels that name an order nobody saw (known to [`Simulated`] only).
    pub unknown_order: u64,
}

impl RebuildCounts {
    /// Each count with its name.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, u64)> + use<> {
        [
            ("held", self.held),
            ("joined_crossing", self.joined_crossing),
            ("unpriced", self.unpriced),
            ("overfill", self.overfill),
            ("parked", self.parked),
            ("parked_traded", self.parked_traded),
            ("parked_full", self.parked_full),
            ("out_of_range", self.out_of_range),
            ("confirmed", self.confirmed),
            ("contradicted", self.contradicted),
            ("unknown_order", self.unknown_order),
        ]
        .into_iter()
    }
}
