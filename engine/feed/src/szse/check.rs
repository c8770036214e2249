//! The levels of a snapshot against those of a book.

use nofx_types::{InstrumentId, Level, Price, Qty, Side};
use nofx_wire::szse::{Snapshot, entry_type, price_of_entry, shares_of};

use super::ChannelSink;

/// Levels that snapshots carry on each side.
const DEPTH: usize = 10;

/// The levels of both sides, best first; what is not there has quantity 0.
pub(super) struct Levels([[(Price, Qty); DEPTH]; 2]);

impl Levels {
    /// `None` when one cannot be read.
    pub fn of(snapshot: &Snapshot<'_>) -> Option<Levels> {
        let mut levels = [[(Price(0), Qty(0)); DEPTH]; 2];
        for entry in snapshot.entries() {
            let side = match entry.head.md_entry_type {
                entry_type::BID => Side::Buy,
                entry_type::OFFER => Side::Sell,
                _ => continue,
            };
            let at = usize::from(entry.head.md_price_level.get()).checked_sub(1)?;
            let price = price_of_entry(entry.head.md_entry_px)?;
            let qty = shares_of(entry.head.md_entry_size)?;
            *levels.get_mut(side.index())?.get_mut(at)? = (price, qty);
        }
        Some(Levels(levels))
    }

    /// Whether the book shows the same; `None` when it cannot say.
    pub fn equal<S: ChannelSink>(&self, id: InstrumentId, sink: &S) -> Option<bool> {
        let mut equal = true;
        for (side, wanted) in Side::BOTH.into_iter().zip(&self.0) {
            let mut shown = [Level::default(); DEPTH];
            sink.levels(id, side, &mut shown)?;
            let same = |(wanted, shown): (&(Price, Qty), &Level)| {
                wanted.1 == shown.qty && (shown.qty.0 == 0 || wanted.0 == shown.price)
            };
            equal &= wanted.iter().zip(&shown).all(same);
        }
        Some(equal)
    }
}
