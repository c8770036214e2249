//! Values of fields. Platform states, sides, order status and execution types have the letters of
//! Shenzhen ([`crate::tgw::codes`]).

pub use crate::tgw::codes::{exec, side, state, status};

/// Business ids.
pub mod biz {
    /// Spot auction (one public source).
    pub const AUCTION: u32 = 100_010;
}

/// Platforms.
pub mod platform {
    /// Auction (one public source).
    pub const AUCTION: u16 = 0;
}

/// Order types; all but limit from memory.
pub mod ord_type {
    /// Market: through the best five levels, the rest is cancelled.
    pub const MARKET: u8 = b'1';
    /// Limit.
    pub const LIMIT: u8 = b'2';
    /// Market to limit: through the best five levels, the rest stays.
    pub const MARKET_TO_LIMIT: u8 = b'3';
    /// Best price of the other side (STAR).
    pub const OPPOSITE_BEST: u8 = b'4';
    /// Best price of its own side (STAR).
    pub const OWN_BEST: u8 = b'U';
}

/// Time in force; from memory.
pub mod tif {
    /// Day.
    pub const DAY: u8 = b'0';
    /// Immediate or cancel.
    pub const IOC: u8 = b'3';
}

/// Session status of a logout (one public source).
pub mod session {
    /// Normal end.
    pub const NORMAL: u32 = 0;
    /// The bytes did not add up to their checksum.
    pub const CHECKSUM: u32 = 5_001;
    /// No heartbeat came in time.
    pub const SILENT: u32 = 5_002;
}
