//! Rows as bits, the way a snapshot shows them.
//!
//! Model: [`RowImage`] is a row of any table in the layout of `hw/gate/doc/words.md`, at most 1,024
//! bits. One made from a row of the software and one put together from snapshots of a card compare
//! equal exactly when the rows are.

use std::fmt;

use nofx_risk::card::{AccountRow, Holding, SymbolRow};

use crate::codec::Table;
use crate::field::Field;
use crate::regs::{account_row, globals_row, holding_row, symbol_row};

/// Words of the widest row.
pub const ROW_WORDS: usize = 16;
const PART_WORDS: usize = 4;
/// Bits that one snapshot shows.
const PART_BITS: usize = 64 * PART_WORDS;

const _: () = {
    let widths = [symbol_row::WIDTH, account_row::WIDTH, holding_row::WIDTH, globals_row::WIDTH];
    let mut row = 0;
    while row < widths.len() {
        assert!(widths[row] <= 64 * ROW_WORDS);
        row += 1;
    }
};

/// A row as bits.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct RowImage {
    /// The table.
    pub table: Table,
    words: [u64; ROW_WORDS],
}

impl Table {
    /// How many snapshots show a row.
    pub const fn parts(self) -> u8 {
        let width = match self {
            Table::Symbol => symbol_row::WIDTH,
            Table::Account => account_row::WIDTH,
            Table::Holding => holding_row::WIDTH,
            Table::Globals => globals_row::WIDTH,
        };
        width.div_ceil(PART_BITS) as u8
    }

    /// The fields of a row by their names.
    pub const fn fields(self) -> &'static [(&'static str, Field)] {
        match self {
            Table::Symbol => &symbol_row::FIELDS,
            Table::Account => &account_row::FIELDS,
            Table::Holding => &holding_row::FIELDS,
            Table::Globals => &globals_row::FIELDS,
        }
    }
}

impl RowImage {
    /// A row of zeros, to be filled by snapshots.
    pub const fn empty(table: Table) -> RowImage {
        RowImage { table, words: [0; ROW_WORDS] }
    }

    /// Puts what a snapshot of `part` showed into its place; beyond the row it changes nothing.
    pub fn set_part(&mut self, part: u8, payload: [u64; PART_WORDS]) {
        let at = usize::from(part) * PART_WORDS;
        if let Some(words) = self.words.get_mut(at..at + PART_WORDS) {
            words.copy_from_slice(&payload);
        }
    }

    /// What a snapshot of `part` shows.
    pub fn part(&self, part: u8) -> [u64; PART_WORDS] {
        let at = usize::from(part) * PART_WORDS;
        let words = self.words.get(at..at + PART_WORDS);
        words.and_then(|words| words.try_into().ok()).unwrap_or_default()
    }

    /// The value of a field.
    pub fn get(&self, field: Field) -> u64 {
        field.get(&self.words)
    }

    /// The value of a signed field.
    pub fn get_signed(&self, field: Field) -> i64 {
        field.get_signed(&self.words)
    }

    /// The fields in which `other` differs: name, own value, its value.
    pub fn differences(&self, other: &RowImage) -> impl Iterator<Item = (&'static str, u64, u64)> {
        let fields = self.table.fields().iter();
        fields
            .map(move |(name, field)| (*name, self.get(*field), other.get(*field)))
            .filter(|(_, own, its)| own != its)
    }

    /// The row of a symbol.
    pub fn of_symbol(row: &SymbolRow) -> RowImage {
        use symbol_row::*;
        let words = row.regs().words();
        RowImage::of(
            Table::Symbol,
            &[
                (NOTIONAL_MAX, words.notional_max),
                (LONG_MAX, words.long_max),
                (SHORT_MAX, words.short_max),
                (LOT_INVERSE, words.lot_inverse.into()),
                (LOT_SHIFT, words.lot_shift.into()),
                (LOT_QUOTIENT, words.lot_quotient.into()),
                (QTY_MAX, words.qty_max.into()),
                (PRICE_LOW, words.price_low.into()),
                (PRICE_HIGH, words.price_high.into()),
                (ORDERS_MAX, words.open_orders_max.into()),
                (PERMITTED, words.permitted.into()),
                (HALTED, row.halted.into()),
                (KILLED, row.killed.into()),
            ],
        )
    }

    /// The row of an account.
    pub fn of_account(row: &AccountRow) -> RowImage {
        use account_row::*;
        let words = row.regs().words();
        RowImage::of(
            Table::Account,
            &[
                (GROSS_MAX, words.gross_max),
                (NET_MAX, words.net_max),
                (RATE_INTERVAL_NS, words.rate_interval_ns.into()),
                (RATE_TOLERANCE_NS, words.rate_tolerance_ns),
                (DUPLICATE_WINDOW_NS, words.duplicate_window_ns),
                (ORDERS_MAX, words.open_orders_max.into()),
                (PER_SECOND_MAX, words.per_second_max.into()),
                (PER_DAY_MAX, words.per_day_max.into()),
                (GROSS_HELD, row.gross_held),
                (NET_HELD, row.net_held as u64),
                (OPEN_BUY_NOTIONAL, row.open_notional[0]),
                (OPEN_SELL_NOTIONAL, row.open_notional[1]),
                (ARRIVAL_NS, row.arrival_ns),
                (SECOND, row.second),
                (DAY, row.day),
                (SECOND_CNT, row.second_cnt.into()),
                (DAY_CNT, row.day_cnt.into()),
                (OPEN_ORDERS, row.open_orders.into()),
                (KILLED, row.killed.into()),
            ],
        )
    }

    /// The row of a holding.
    pub fn of_holding(row: &Holding) -> RowImage {
        use holding_row::*;
        let recent = row.recent();
        let ([key0, key1, key2, key3], [ns0, ns1, ns2, ns3]) = (recent.key, recent.ns);
        RowImage::of(
            Table::Holding,
            &[
                (POSITION, row.position as u64),
                (HELD, row.held as u64),
                (OPEN_BUY, row.open_qty[0]),
                (OPEN_SELL, row.open_qty[1]),
                (BEST_BUY, row.best[0].into()),
                (BEST_SELL, row.best[1].into()),
                (OPEN_ORDERS, row.open_orders.into()),
                (RECENT_USED, recent.used.into()),
                (RECENT_SELLS, recent.sells.into()),
                (RECENT_NEXT, recent.next.into()),
                (RECENT_KEY0, key0),
                (RECENT_KEY1, key1),
                (RECENT_KEY2, key2),
                (RECENT_KEY3, key3),
                (RECENT_NS0, ns0),
                (RECENT_NS1, ns1),
                (RECENT_NS2, ns2),
                (RECENT_NS3, ns3),
            ],
        )
    }

    /// The words that belong to no row.
    pub fn of_globals(epoch: u32, faults: u32, cfg_epoch: u32, killed: bool) -> RowImage {
        use globals_row::*;
        RowImage::of(
            Table::Globals,
            &[
                (EPOCH, epoch.into()),
                (FAULTS, faults.into()),
                (CFG_EPOCH, cfg_epoch.into()),
                (KILLED, killed.into()),
            ],
        )
    }

    /// Words of no row under an engaged kill.
    pub(crate) fn set_killed(&mut self) {
        globals_row::KILLED.set(&mut self.words, 1);
    }

    fn of(table: Table, fields: &[(Field, u64)]) -> RowImage {
        let mut image = RowImage::empty(table);
        for (field, value) in fields {
            field.set(&mut image.words, *value);
        }
        image
    }
}

impl fmt::Debug for RowImage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} ", self.table)?;
        let fields = self.table.fields().iter();
        f.debug_map().entries(fields.map(|(name, field)| (name, self.get(*field)))).finish()
    }
}
