//! Phases of markets and states of securities.

use super::message;
use crate::num::{Le32, Le64, LeI32};

message! {
    /// Trading Session Status: a market entered a phase.
    TradingSessionStatus, 20, 32 bytes {
        /// `MAIN`, `GEM`, `NASD`, `ETS`, space padded.
        4 market_code: [u8; 4],
        /// Skipped.
        8 filler_8: u8,
        /// One of [`session`].
        9 trading_session_sub_id: u8,
        /// One of [`session_status_group`].
        10 trading_ses_status: u8,
        /// `0` automatic, `1` manual: the schedule of the day does not hold any more.
        11 trading_ses_control_flag: u8,
        /// Skipped.
        12 filler_12: [u8; 4],
        /// When the phase begins, nanoseconds since 1970 UTC.
        16 start_date_time: Le64,
        /// When it ends; 0 when nobody knows.
        24 end_date_time: Le64,
    }
}

/// Values of [`TradingSessionStatus::trading_session_sub_id`].
pub mod session {
    /// DC: day close; books are empty.
    pub const DAY_CLOSE: u8 = 0;
    /// OI: order input of an auction.
    pub const ORDER_INPUT: u8 = 1;
    /// MA: the opening auction matches.
    pub const MATCHING: u8 = 2;
    /// CT: continuous trading.
    pub const CONTINUOUS: u8 = 3;
    /// MA: the closing auction matches.
    pub const CAS_MATCHING: u8 = 4;
    /// OI: order input of the closing auction.
    pub const CAS_ORDER_INPUT: u8 = 5;
    /// BL: blocking, between the opening auction and trading.
    pub const BLOCKING: u8 = 7;
    /// NO: not yet open.
    pub const NOT_OPEN: u8 = 100;
    /// NW: no cancellation, opening auction.
    pub const NO_CANCEL: u8 = 101;
    /// EI: the exchange intervenes.
    pub const INTERVENTION: u8 = 102;
    /// CL: close.
    pub const CLOSE: u8 = 103;
    /// OC: orders may be cancelled only.
    pub const ORDER_CANCEL: u8 = 104;
    /// RP: the reference price of the closing auction is fixed.
    pub const REFERENCE_FIXING: u8 = 105;
    /// NW: no cancellation, closing auction.
    pub const CAS_NO_CANCEL: u8 = 106;
    /// RC: random closing of the closing auction.
    pub const RANDOM_CLOSE: u8 = 107;
    /// RM: random matching of the opening auction.
    pub const RANDOM_MATCHING: u8 = 108;
}

/// Values of [`TradingSessionStatus::trading_ses_status`].
pub mod session_status_group {
    /// NO.
    pub const UNKNOWN: u8 = 0;
    /// EI.
    pub const HALTED: u8 = 10;
    /// Opening auction and blocking.
    pub const PRE_OPEN: u8 = 20;
    /// CT and OC.
    pub const OPEN: u8 = 30;
    /// Closing auction.
    pub const PRE_CLOSE: u8 = 40;
    /// CL.
    pub const CLOSED: u8 = 50;
    /// DC.
    pub const DAY_CLOSED: u8 = 100;
}

message! {
    /// Security Status.
    SecurityStatus, 21, 12 bytes {
        /// 1 to 99999.
        4 security_code: Le32,
        /// One of [`suspension`].
        8 suspension_indicator: u8,
        /// Skipped.
        9 filler: [u8; 3],
    }
}

/// Values of [`SecurityStatus::suspension_indicator`].
pub mod suspension {
    /// Halted or suspended.
    pub const HALTED: u8 = 2;
    /// Trading again.
    pub const RESUMED: u8 = 3;
}

message! {
    /// VCM Trigger: for some minutes trades happen inside a band only.
    VcmTrigger, 23, 36 bytes {
        /// 1 to 99999.
        4 security_code: Le32,
        /// Nanoseconds since 1970 UTC.
        8 cooling_off_start_time: Le64,
        /// Nanoseconds since 1970 UTC.
        16 cooling_off_end_time: Le64,
        /// The price it is measured from.
        24 vcm_reference_price_e3: LeI32,
        /// Lowest price allowed.
        28 vcm_lower_price_e3: LeI32,
        /// Highest price allowed.
        32 vcm_upper_price_e3: LeI32,
    }
}
