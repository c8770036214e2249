//! Prices that no order made, and auctions.

use super::message;
use crate::num::{Le32, Le64, LeI32};

message! {
    /// Nominal Price.
    NominalPrice, 40, 12 bytes {
        /// 1 to 99999.
        4 security_code: Le32,
        /// By the rule of the exchange, from last trade and best prices.
        8 nominal_price_e3: LeI32,
    }
}

message! {
    /// Indicative Equilibrium Price.
    IndicativePrice, 41, 20 bytes {
        /// 1 to 99999.
        4 security_code: Le32,
        /// The price at which the auction would match; 0 for none.
        8 price_e3: LeI32,
        /// Shares that would match.
        12 aggregate_quantity: Le64,
    }
}

message! {
    /// Reference Price: of the closing auction, with the limits of its first stage.
    ReferencePrice, 43, 20 bytes {
        /// 1 to 99999.
        4 security_code: Le32,
        /// The reference.
        8 reference_price_e3: LeI32,
        /// Lowest price allowed.
        12 lower_price_e3: LeI32,
        /// Highest price allowed.
        16 upper_price_e3: LeI32,
    }
}

message! {
    /// Yield of a bond.
    Yield, 44, 12 bytes {
        /// 1 to 99999.
        4 security_code: Le32,
        /// Per cent, three decimals.
        8 yield_e3: LeI32,
    }
}

message! {
    /// Order Imbalance at the indicative price.
    OrderImbalance, 56, 20 bytes {
        /// 1 to 99999.
        4 security_code: Le32,
        /// `N` equal, `B` more buyers, `S` more sellers, space for none.
        8 order_imbalance_direction: u8,
        /// Skipped.
        9 filler_9: u8,
        /// Shares.
        10 order_imbalance_quantity: Le64,
        /// Skipped.
        18 filler_18: [u8; 2],
    }
}
