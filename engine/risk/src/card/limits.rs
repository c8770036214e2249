//! Limits as people write them, and as registers hold them.
//!
//! Model: [`SymbolLimits`] and [`AccountLimits`] are plain numbers with units and defaults.
//! [`SymbolRegs`] and [`AccountRegs`] are what the card compares with, made only by `new`, which
//! checks every width; so a limit inside the card always fits it, and a saturated sum is above it.

use core::fmt;

use super::rules::LotTest;
use super::{EXPOSURE_LIMIT_MAX, POSITION_MAX};

const SECOND_NS: u64 = 1_000_000_000;
/// Most messages of a burst: keeps the tolerance within 50 bits.
pub const RATE_BURST_MAX: u32 = 1 << 20;

/// What is allowed in one symbol, to each account.
///
/// Prices count price units of the instrument, notionals price units times quantity: at four
/// decimals 10,000 is one dollar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Deserialize), serde(default, deny_unknown_fields))]
pub struct SymbolLimits {
    /// Buying is permitted.
    pub buy: bool,
    /// Selling is permitted.
    pub sell: bool,
    /// Quantities are multiples of this; at least 1.
    pub lot: u32,
    /// Largest quantity of one order.
    pub qty_max: u32,
    /// Largest notional of one order (default: one million at four decimals).
    pub notional_max: u64,
    /// Lowest price.
    pub price_low: u32,
    /// Highest price.
    pub price_high: u32,
    /// Longest position, open buys included; at most 2^47-1.
    pub long_max: u64,
    /// Shortest position, open sells included, as a positive number; at most 2^47-1.
    pub short_max: u64,
    /// Most open orders of one account in the symbol.
    pub open_orders_max: u32,
}

impl Default for SymbolLimits {
    fn default() -> Self {
        SymbolLimits {
            buy: true,
            sell: true,
            lot: 1,
            qty_max: 10_000,
            notional_max: 10_000_000_000,
            price_low: 1,
            price_high: u32::MAX,
            long_max: 100_000,
            short_max: 100_000,
            open_orders_max: 64,
        }
    }
}

/// What one account may do, all symbols together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Deserialize), serde(default, deny_unknown_fields))]
pub struct AccountLimits {
    /// Most open orders.
    pub open_orders_max: u32,
    /// Largest gross exposure in notional units (default: 100 million at four decimals); at most
    /// 2^62-1.
    pub gross_max: u64,
    /// Largest net exposure, long or short (default: 50 million at four decimals); at most 2^62-1.
    pub net_max: u64,
    /// Messages a second that may go on for ever; 1 to 10^9.
    pub rate_per_s: u32,
    /// Messages that may come at once after a quiet time; 1 to 2^20.
    pub rate_burst: u32,
    /// Most messages in one second of the clock.
    pub per_second_max: u32,
    /// Most messages in one day.
    pub per_day_max: u32,
    /// An order equal to one of the last four is refused for this many nanoseconds; 0: never.
    pub duplicate_window_ns: u64,
}

impl Default for AccountLimits {
    fn default() -> Self {
        AccountLimits {
            open_orders_max: 10_000,
            gross_max: 1_000_000_000_000,
            net_max: 500_000_000_000,
            rate_per_s: 10_000,
            rate_burst: 1_000,
            per_second_max: 10_000,
            per_day_max: 5_000_000,
            duplicate_window_ns: 100_000,
        }
    }
}

/// A limit does not fit the card.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LimitError {
    /// The key of the limit.
    pub key: &'static str,
    /// What it was.
    pub value: u64,
    /// The least it may be.
    pub min: u64,
    /// The most it may be.
    pub max: u64,
}

impl fmt::Display for LimitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let LimitError { key, value, min, max } = self;
        write!(f, "limit `{key}` is {value}: set it between {min} and {max}")
    }
}

impl core::error::Error for LimitError {}

/// The limits of a symbol as the card holds them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SymbolRegs {
    pub(super) notional_max: u64,
    pub(super) long_max: i64,
    pub(super) short_max: i64,
    pub(super) lot: LotTest,
    pub(super) qty_max: u32,
    pub(super) price_low: u32,
    pub(super) price_high: u32,
    pub(super) open_orders_max: u32,
    pub(super) permitted: u8,
}

impl SymbolRegs {
    /// Limits that permit nothing: what a symbol holds until it is configured.
    pub const CLOSED: SymbolRegs = SymbolRegs {
        notional_max: 0,
        long_max: 0,
        short_max: 0,
        lot: LotTest::ONE,
        qty_max: 0,
        price_low: u32::MAX,
        price_high: 0,
        open_orders_max: 0,
        permitted: 0,
    };

    /// Checks `limits` and turns them into registers.
    pub fn new(limits: &SymbolLimits) -> Result<SymbolRegs, LimitError> {
        let lot_error = LimitError { key: "lot", value: 0, min: 1, max: u64::from(u32::MAX) };
        Ok(SymbolRegs {
            notional_max: limits.notional_max,
            long_max: position_limit("long_max", limits.long_max)?,
            short_max: position_limit("short_max", limits.short_max)?,
            lot: LotTest::new(limits.lot).ok_or(lot_error)?,
            qty_max: limits.qty_max,
            price_low: limits.price_low,
            price_high: limits.price_high,
            open_orders_max: limits.open_orders_max,
            permitted: u8::from(limits.buy) | u8::from(limits.sell) << 1,
        })
    }
}

/// The limits of an account as the card holds them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AccountRegs {
    pub(super) gross_max: u64,
    pub(super) net_max: u64,
    pub(super) rate_interval_ns: u64,
    pub(super) rate_tolerance_ns: u64,
    pub(super) duplicate_window_ns: u64,
    pub(super) open_orders_max: u32,
    pub(super) per_second_max: u32,
    pub(super) per_day_max: u32,
}

impl AccountRegs {
    /// Limits that permit nothing: what an account holds until it is configured.
    pub const CLOSED: AccountRegs = AccountRegs {
        gross_max: 0,
        net_max: 0,
        rate_interval_ns: SECOND_NS,
        rate_tolerance_ns: 0,
        duplicate_window_ns: 0,
        open_orders_max: 0,
        per_second_max: 0,
        per_day_max: 0,
    };

    /// Checks `limits` and turns them into registers. The interval is rounded up, so the rate is
    /// never above the one asked for.
    pub fn new(limits: &AccountLimits) -> Result<AccountRegs, LimitError> {
        let rate = u64::from(limits.rate_per_s);
        let burst = u64::from(limits.rate_burst);
        within("rate_per_s", rate, 1, SECOND_NS)?;
        within("rate_burst", burst, 1, u64::from(RATE_BURST_MAX))?;
        let interval_ns = SECOND_NS.div_ceil(rate);
        Ok(AccountRegs {
            gross_max: within("gross_max", limits.gross_max, 0, EXPOSURE_LIMIT_MAX)?,
            net_max: within("net_max", limits.net_max, 0, EXPOSURE_LIMIT_MAX)?,
            rate_interval_ns: interval_ns,
            rate_tolerance_ns: interval_ns * (burst - 1),
            duplicate_window_ns: limits.duplicate_window_ns,
            open_orders_max: limits.open_orders_max,
            per_second_max: limits.per_second_max,
            per_day_max: limits.per_day_max,
        })
    }
}

fn position_limit(key: &'static str, value: u64) -> Result<i64, LimitError> {
    Ok(within(key, value, 0, POSITION_MAX as u64)? as i64)
}

pub(super) fn within(key: &'static str, value: u64, min: u64, max: u64) -> Result<u64, LimitError> {
    if (min..=max).contains(&value) { Ok(value) } else { Err(LimitError { key, value, min, max }) }
}
