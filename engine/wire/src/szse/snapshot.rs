//! Snapshot of one security: phase, totals, and entries of which the levels are a part.

use super::{FrameWriter, message};
use crate::num::{Be16, Be32, BeI64};
use crate::record::record;

message! {
    /// The part that all snapshots share.
    SnapshotHead, 300_111, 69 bytes {
        /// `YYYYMMDDHHMMSSsss`, China time.
        0 orig_time: BeI64,
        8 channel_no: Be16,
        10 md_stream_id: [u8; 3],
        13 security_id: [u8; 8],
        21 security_id_source: [u8; 4],
        /// Byte 0: `S` start, `O` opening auction, `T` continuous, `B` break, `C` closing auction,
        /// `E` closed, `H` temporary halt, `A` after hours, `V` volatility interruption. Byte 1: `0`
        /// normal, `1` suspended all day.
        25 trading_phase_code: [u8; 8],
        /// Four decimals.
        33 prev_close_px: BeI64,
        41 num_trades: BeI64,
        /// Two decimals.
        49 total_volume_trade: BeI64,
        /// Four decimals.
        57 total_value_trade: BeI64,
        /// Entries that follow.
        65 no_md_entries: Be32,
    }
}

record! {
    /// The fixed part of an entry; `no_orders` quantities follow.
    EntryHead, 32 {
        /// See [`entry_type`].
        0 md_entry_type: [u8; 2],
        /// Six decimals.
        2 md_entry_px: BeI64,
        /// Two decimals.
        10 md_entry_size: BeI64,
        /// From 1; 0 for entries that are no level.
        18 md_price_level: Be16,
        20 number_of_orders: BeI64,
        /// Quantities of single orders that follow (at most 50, best level only).
        28 no_orders: Be32,
    }
}

/// Values of [`EntryHead::md_entry_type`].
pub mod entry_type {
    /// A bid level.
    pub const BID: [u8; 2] = *b"0 ";
    /// An offer level.
    pub const OFFER: [u8; 2] = *b"1 ";
    /// Last price.
    pub const LAST: [u8; 2] = *b"2 ";
    /// Opening price.
    pub const OPEN: [u8; 2] = *b"4 ";
    /// Highest price.
    pub const HIGH: [u8; 2] = *b"7 ";
    /// Lowest price.
    pub const LOW: [u8; 2] = *b"8 ";
    /// Change from the previous close.
    pub const CHANGE: [u8; 2] = *b"x1";
    /// Change from the last trade.
    pub const CHANGE_LAST: [u8; 2] = *b"x2";
    /// Total of the bids with their weighted price.
    pub const BIDS: [u8; 2] = *b"x3";
    /// Total of the offers with their weighted price.
    pub const OFFERS: [u8; 2] = *b"x4";
    /// Price-earnings ratio.
    pub const EARNINGS: [u8; 2] = *b"x5";
    /// Upper price limit; 999999999.9999 for none.
    pub const LIMIT_UP: [u8; 2] = *b"xe";
    /// Lower price limit.
    pub const LIMIT_DOWN: [u8; 2] = *b"xf";
    /// Reference price.
    pub const REFERENCE: [u8; 2] = *b"xi";
}

/// One entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry<'a> {
    /// The fixed part.
    pub head: EntryHead,
    /// Quantities of the first orders at the level, two decimals.
    pub queue: &'a [BeI64],
}

/// A snapshot, its entries proven to be there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Snapshot<'a> {
    /// The fixed part.
    pub head: &'a SnapshotHead,
    entries: Entries<'a>,
}

impl<'a> Snapshot<'a> {
    /// Views a body; `None` when it is shorter than its entries.
    pub fn parse(body: &'a [u8]) -> Option<Snapshot<'a>> {
        let head = SnapshotHead::parse(body)?;
        let rest = body.get(size_of::<SnapshotHead>()..)?;
        let entries = Entries { rest, left: head.no_md_entries.get() };
        let mut walk = entries;
        // Each entry takes 32 bytes of the body, so this ends with it.
        while walk.left > 0 {
            walk.next()?;
        }
        Some(Snapshot { head, entries })
    }

    /// The entries, in the order of the message.
    pub fn entries(&self) -> Entries<'a> {
        self.entries
    }
}

/// Walks over the entries of a [`Snapshot`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entries<'a> {
    rest: &'a [u8],
    left: u32,
}

impl<'a> Iterator for Entries<'a> {
    type Item = Entry<'a>;

    fn next(&mut self) -> Option<Entry<'a>> {
        self.left = self.left.checked_sub(1)?;
        let head = EntryHead::parse(self.rest)?;
        let behind = self.rest.get(size_of::<EntryHead>()..)?;
        let bytes = (head.no_orders.get() as usize).checked_mul(8)?;
        let (queue, rest) = behind.split_at_checked(bytes)?;
        self.rest = rest;
        Some(Entry { head: *head, queue: bytemuck::try_cast_slice(queue).ok()? })
    }
}

/// Writes a snapshot frame to the front of `out`; counts of entries and orders are filled in.
/// `None` when it does not fit.
pub fn put_snapshot(out: &mut [u8], head: &SnapshotHead, entries: &[Entry<'_>]) -> Option<usize> {
    let no_md_entries = u32::try_from(entries.len()).ok()?.into();
    let mut frame = FrameWriter::new(out, SnapshotHead::TYPE);
    frame.push(SnapshotHead { no_md_entries, ..*head }.bytes());
    for entry in entries {
        let no_orders = u32::try_from(entry.queue.len()).ok()?.into();
        frame.push(EntryHead { no_orders, ..entry.head }.bytes());
        frame.push(bytemuck::cast_slice(entry.queue));
    }
    frame.finish()
}
