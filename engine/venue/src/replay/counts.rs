//! What the venue counts.

/// Counts of a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Counts {
    /// New orders accepted.
    pub accepted: u64,
    /// New orders refused.
    pub rejected: u64,
    /// Replaces done.
    pub replaced: u64,
    /// Replaces refused.
    pub replaces_rejected: u64,
    /// Orders taken off in whole or part: by the client, as remainder, at the close.
    pub canceled: u64,
    /// Cancels and modifies that changed nothing.
    pub cancels_rejected: u64,
    /// Fills of resting own orders.
    pub maker_fills: u64,
    /// Shares of those.
    pub maker_shares: u64,
    /// Fills of incoming own orders.
    pub taker_fills: u64,
    /// Shares of those.
    pub taker_shares: u64,
    /// Fills that the market gave and that found no room in the outbox or the table of taken
    /// liquidity.
    pub missed_fills: u64,
    /// Own orders whose queue position was lost.
    pub places_lost: u64,
    /// Bytes of the engine that found the inbox full.
    pub inbox_full_bytes: u64,
}

impl Counts {
    /// Each with its name.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, u64)> + use<> {
        [
            ("accepted", self.accepted),
            ("rejected", self.rejected),
            ("replaced", self.replaced),
            ("replaces_rejected", self.replaces_rejected),
            ("canceled", self.canceled),
            ("cancels_rejected", self.cancels_rejected),
            ("maker_fills", self.maker_fills),
            ("maker_shares", self.maker_shares),
            ("taker_fills", self.taker_fills),
            ("taker_shares", self.taker_shares),
            ("missed_fills", self.missed_fills),
            ("places_lost", self.places_lost),
            ("inbox_full_bytes", self.inbox_full_bytes),
        ]
        .into_iter()
    }
}
