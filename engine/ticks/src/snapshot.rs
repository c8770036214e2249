//! [`Snapshot`]: ten levels and the day's totals, as an exchange publishes them.

use nofx_types::{Level, Nanos, Phase, Price, Qty, Side, Symbol};

/// Levels of a snapshot on each side.
pub const DEPTH: usize = 10;

/// One snapshot. Numbers that the file does not have are 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// The security, six digits.
    pub symbol: Symbol,
    /// The exchange's stamp, since 1970 UTC.
    pub exch_ns: Nanos,
    /// Trades of the day so far.
    pub num_trades: u64,
    /// Shares traded so far.
    pub volume: Qty,
    /// Money traded so far, in 1/10,000.
    pub value_e4: u64,
    /// Last price.
    pub last: Price,
    /// Close of the day before.
    pub previous_close: Price,
    /// Lowest price of the day that the exchange accepts.
    pub limit_low: Price,
    /// Highest price of the day that the exchange accepts.
    pub limit_high: Price,
    /// Trading phase.
    pub phase: Phase,
    /// Bids and asks, best first; a level that is not there has quantity 0 and price 0.
    pub levels: [[Level; DEPTH]; 2],
}

impl Snapshot {
    /// The levels of a side, without those that are not there.
    pub fn side(&self, side: Side) -> &[Level] {
        let [bids, asks] = &self.levels;
        let levels = if side == Side::Buy { bids } else { asks };
        let there = levels.iter().position(|level| level.qty.0 == 0).unwrap_or(DEPTH);
        levels.get(..there).unwrap_or(&[])
    }

    /// Whether each side is sorted, without holes, and both do not cross.
    pub fn is_sound(&self) -> bool {
        let sorted = |side: Side| {
            let levels = self.side(side);
            let rest = self.levels.get(side.index()).map_or(&[][..], |all| &all[levels.len()..]);
            levels.windows(2).all(|pair| match pair {
                [a, b] => side.better(a.price, b.price),
                _ => true,
            }) && rest.iter().all(|level| level.qty.0 == 0)
        };
        let best = |side: Side| self.side(side).first().map(|level| level.price);
        let crossed = best(Side::Buy).zip(best(Side::Sell)).is_some_and(|(bid, ask)| bid >= ask);
        sorted(Side::Buy) && sorted(Side::Sell) && !crossed
    }
}
