//! Auction and imbalance information.

use super::message;
use crate::num::{Be32, Be64};

message! {
    /// Net Order Imbalance Indicator.
    Noii, b'I', 50 bytes {
        /// Shares that match at the reference price.
        11 paired_shares: Be64,
        /// Shares that do not.
        19 imbalance_shares: Be64,
        /// `B`, `S`, `N` none, `O` insufficient orders, `P` paused.
        27 imbalance_direction: u8,
        /// Symbol.
        28 stock: [u8; 8],
        /// Clearing price of the auction orders alone.
        36 far_price_e4: Be32,
        /// Clearing price with the continuous book.
        40 near_price_e4: Be32,
        /// Price the imbalance is computed at.
        44 reference_price_e4: Be32,
        /// `O` opening, `C` closing, `H` re-opening, `A` extended close.
        48 cross_type: u8,
        /// Distance of near from reference: `L` below 1 %, `1` to `9`, `A` below 20 %, `B` below
        /// 30 %, `C` more, space not available.
        49 price_variation: u8,
    }
}

message! {
    /// Retail Price Improvement Indicator.
    Rpii, b'N', 20 bytes {
        /// Symbol.
        11 stock: [u8; 8],
        /// `B`, `S`, `A` both, `N` none.
        19 interest_flag: u8,
    }
}

message! {
    /// Direct Listing with Capital Raise: the price range of the opening.
    DirectListing, b'O', 48 bytes {
        /// Symbol.
        11 stock: [u8; 8],
        /// Eligible to open: `Y`, `N`.
        19 open_eligibility: u8,
        /// Lower bound of the opening price.
        20 min_price_e4: Be32,
        /// Upper bound of the opening price.
        24 max_price_e4: Be32,
        /// Near execution price.
        28 near_price_e4: Be32,
        /// Near execution time, as sent.
        32 near_time: Be64,
        /// Lower collar.
        40 lower_collar_e4: Be32,
        /// Upper collar.
        44 upper_collar_e4: Be32,
    }
}
