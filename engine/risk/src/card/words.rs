//! Registers and rows as plain words: what a line carries and a snapshot shows.
//!
//! Model: [`SymbolWords`] and [`AccountWords`] are the registers field by field in the widths of the
//! table in [`crate::card`]; back into registers they go through a check of those widths only, since
//! any pattern inside them is something a card can hold.

use super::limits::within;
use super::rules::LotTest;
use super::{AccountRegs, EXPOSURE_LIMIT_MAX, LimitError, POSITION_MAX, SymbolRegs};

/// The registers of a symbol, field by field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SymbolWords {
    /// Largest notional of one order.
    pub notional_max: u64,
    /// Longest position, 47 bits.
    pub long_max: u64,
    /// Shortest position as a positive number, 47 bits.
    pub short_max: u64,
    /// Inverse of the odd part of the lot modulo 2^32.
    pub lot_inverse: u32,
    /// Trailing zeros of the lot, 5 bits.
    pub lot_shift: u32,
    /// (2^32 - 1) / lot.
    pub lot_quotient: u32,
    /// Largest quantity of one order.
    pub qty_max: u32,
    /// Lowest price.
    pub price_low: u32,
    /// Highest price.
    pub price_high: u32,
    /// Most open orders of one account.
    pub open_orders_max: u32,
    /// Bit 0 buy, bit 1 sell.
    pub permitted: u8,
}

/// The registers of an account, field by field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AccountWords {
    /// Largest gross exposure, 62 bits.
    pub gross_max: u64,
    /// Largest net exposure, 62 bits.
    pub net_max: u64,
    /// GCRA emission interval.
    pub rate_interval_ns: u32,
    /// GCRA tolerance.
    pub rate_tolerance_ns: u64,
    /// How long an equal order is refused.
    pub duplicate_window_ns: u64,
    /// Most open orders.
    pub open_orders_max: u32,
    /// Messages in one second.
    pub per_second_max: u32,
    /// Messages in one day.
    pub per_day_max: u32,
}

impl SymbolRegs {
    /// Field by field.
    #[inline]
    pub fn words(&self) -> SymbolWords {
        SymbolWords {
            notional_max: self.notional_max,
            long_max: self.long_max as u64,
            short_max: self.short_max as u64,
            lot_inverse: self.lot.inverse,
            lot_shift: self.lot.shift,
            lot_quotient: self.lot.quotient_max,
            qty_max: self.qty_max,
            price_low: self.price_low,
            price_high: self.price_high,
            open_orders_max: self.open_orders_max,
            permitted: self.permitted,
        }
    }

    /// Registers of these words; `Err` names the first that does not fit its width.
    pub fn from_words(words: &SymbolWords) -> Result<SymbolRegs, LimitError> {
        const POSITION: u64 = POSITION_MAX as u64;
        within("permitted", u64::from(words.permitted), 0, 3)?;
        within("lot_shift", u64::from(words.lot_shift), 0, 31)?;
        Ok(SymbolRegs {
            notional_max: words.notional_max,
            long_max: within("long_max", words.long_max, 0, POSITION)? as i64,
            short_max: within("short_max", words.short_max, 0, POSITION)? as i64,
            lot: LotTest {
                inverse: words.lot_inverse,
                shift: words.lot_shift,
                quotient_max: words.lot_quotient,
            },
            qty_max: words.qty_max,
            price_low: words.price_low,
            price_high: words.price_high,
            open_orders_max: words.open_orders_max,
            permitted: words.permitted,
        })
    }
}

impl AccountRegs {
    /// Field by field.
    #[inline]
    pub fn words(&self) -> AccountWords {
        AccountWords {
            gross_max: self.gross_max,
            net_max: self.net_max,
            rate_interval_ns: self.rate_interval_ns as u32, // at most a second: checked when made
            rate_tolerance_ns: self.rate_tolerance_ns,
            duplicate_window_ns: self.duplicate_window_ns,
            open_orders_max: self.open_orders_max,
            per_second_max: self.per_second_max,
            per_day_max: self.per_day_max,
        }
    }

    /// Registers of these words; `Err` names the first that does not fit its width.
    pub fn from_words(words: &AccountWords) -> Result<AccountRegs, LimitError> {
        Ok(AccountRegs {
            gross_max: within("gross_max", words.gross_max, 0, EXPOSURE_LIMIT_MAX)?,
            net_max: within("net_max", words.net_max, 0, EXPOSURE_LIMIT_MAX)?,
            rate_interval_ns: u64::from(words.rate_interval_ns),
            rate_tolerance_ns: words.rate_tolerance_ns,
            duplicate_window_ns: words.duplicate_window_ns,
            open_orders_max: words.open_orders_max,
            per_second_max: words.per_second_max,
            per_day_max: words.per_day_max,
        })
    }
}

/// The last four accepted orders of a holding, slot by slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecentWords {
    /// Price (high half) and quantity.
    pub key: [u64; 4],
    /// When they were accepted.
    pub ns: [u64; 4],
    /// Bit per slot: in use.
    pub used: u8,
    /// Bit per slot: a sell.
    pub sells: u8,
    /// The slot to be overwritten next.
    pub next: u8,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::card::{AccountLimits, SymbolLimits};

    #[test]
    fn registers_go_through_words_and_back() {
        for lot in [1, 7, 100, 96, 1 << 31] {
            let limits = SymbolLimits { lot, sell: false, ..SymbolLimits::default() };
            let regs = SymbolRegs::new(&limits).expect("fits");
            assert_eq!(SymbolRegs::from_words(&regs.words()), Ok(regs));
        }
        let regs = AccountRegs::new(&AccountLimits::default()).expect("fits");
        assert_eq!(AccountRegs::from_words(&regs.words()), Ok(regs));
        assert_eq!(SymbolRegs::from_words(&SymbolRegs::CLOSED.words()), Ok(SymbolRegs::CLOSED));
        assert_eq!(AccountRegs::from_words(&AccountRegs::CLOSED.words()), Ok(AccountRegs::CLOSED));
    }

    #[test]
    fn words_that_do_not_fit_are_refused_by_name() {
        let good = SymbolRegs::CLOSED.words();
        let key = |words| SymbolRegs::from_words(&words).map_err(|error| error.key);
        assert_eq!(key(SymbolWords { long_max: 1 << 47, ..good }), Err("long_max"));
        assert_eq!(key(SymbolWords { short_max: 1 << 47, ..good }), Err("short_max"));
        assert_eq!(key(SymbolWords { lot_shift: 32, ..good }), Err("lot_shift"));
        assert_eq!(key(SymbolWords { permitted: 4, ..good }), Err("permitted"));
        let good = AccountRegs::CLOSED.words();
        let key = |words| AccountRegs::from_words(&words).map_err(|error| error.key);
        assert_eq!(key(AccountWords { gross_max: 1 << 62, ..good }), Err("gross_max"));
        assert_eq!(key(AccountWords { net_max: 1 << 62, ..good }), Err("net_max"));
    }
}
