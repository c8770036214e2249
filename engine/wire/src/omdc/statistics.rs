//! Sums of the day.

use super::message;
use crate::num::{Le32, Le64, LeI32, LeI64};

message! {
    /// Statistics of a security.
    Statistics, 60, 52 bytes {
        /// 1 to 99999.
        4 security_code: Le32,
        /// Shares traded.
        8 shares_traded: Le64,
        /// Turnover.
        16 turnover_e3: LeI64,
        /// Highest price.
        24 high_price_e3: LeI32,
        /// Lowest price.
        28 low_price_e3: LeI32,
        /// Last price.
        32 last_price_e3: LeI32,
        /// Volume-weighted average price.
        36 vwap_e3: LeI32,
        /// Shares sold short.
        40 short_sell_shares_traded: Le32,
        /// Turnover of short sales.
        44 short_sell_turnover_e3: LeI64,
    }
}

message! {
    /// Market Turnover.
    MarketTurnover, 61, 20 bytes {
        /// `MAIN`, `GEM`, `NASD`, `ETS`, space padded.
        4 market_code: [u8; 4],
        /// Currency.
        8 currency_code: [u8; 3],
        /// Skipped.
        11 filler: u8,
        /// Turnover.
        12 turnover_e3: LeI64,
    }
}

message! {
    /// Closing Price.
    ClosingPrice, 62, 16 bytes {
        /// 1 to 99999.
        4 security_code: Le32,
        /// Closing price.
        8 closing_price_e3: LeI32,
        /// Trades of the day.
        12 number_of_trades: Le32,
    }
}
