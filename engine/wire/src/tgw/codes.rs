//! Values of fields.

/// Platforms.
pub mod platform {
    /// Spot auction.
    pub const SPOT: u16 = 1;
    /// Integrated services.
    pub const SERVICES: u16 = 2;
    /// Non-trading.
    pub const NON_TRADING: u16 = 3;
    /// Derivatives auction.
    pub const DERIVATIVES: u16 = 4;
    /// International connect.
    pub const CONNECT: u16 = 5;
    /// Fixed income.
    pub const FIXED_INCOME: u16 = 6;
}

/// States of a platform; the numbers are the same in Shanghai.
pub mod state {
    /// Not open yet.
    pub const PRE_OPEN: u16 = 0;
    /// Opening soon.
    pub const OPENING: u16 = 1;
    /// Open: orders are taken.
    pub const OPEN: u16 = 2;
    /// Halted.
    pub const HALT: u16 = 3;
    /// Closed.
    pub const CLOSED: u16 = 4;

    /// Short name for reports.
    pub fn name(state: u16) -> &'static str {
        match state {
            PRE_OPEN => "pre_open",
            OPENING => "opening_soon",
            OPEN => "open",
            HALT => "halted",
            CLOSED => "closed",
            _ => "unknown",
        }
    }
}

/// Side.
pub mod side {
    /// Buy.
    pub const BUY: u8 = b'1';
    /// Sell.
    pub const SELL: u8 = b'2';
}

/// Order type.
pub mod ord_type {
    /// Market; which kind say time in force, max price levels and min quantity.
    pub const MARKET: u8 = b'1';
    /// Limit.
    pub const LIMIT: u8 = b'2';
    /// Own best.
    pub const OWN_BEST: u8 = b'U';
}

/// Time in force.
pub mod tif {
    /// Day.
    pub const DAY: u8 = b'0';
    /// Immediate or cancel.
    pub const IOC: u8 = b'3';
    /// At crossing (Hong Kong Connect).
    pub const AT_CROSSING: u8 = b'9';
}

/// Cash or margin.
pub mod cash_margin {
    /// Cash.
    pub const CASH: u8 = b'1';
    /// Opens a margin position or a short sale.
    pub const OPEN: u8 = b'2';
    /// Closes one.
    pub const CLOSE: u8 = b'3';
}

/// Owner types.
pub mod owner {
    /// Individual.
    pub const INDIVIDUAL: u16 = 1;
    /// Exchange.
    pub const EXCHANGE: u16 = 101;
    /// Member.
    pub const MEMBER: u16 = 102;
    /// Institution.
    pub const INSTITUTION: u16 = 103;
    /// Own account.
    pub const OWN_ACCOUNT: u16 = 104;
    /// Liquidity provider.
    pub const LIQUIDITY_PROVIDER: u16 = 105;
    /// Settlement.
    pub const SETTLEMENT: u16 = 106;
}

/// Execution types.
pub mod exec {
    /// Accepted.
    pub const NEW: u8 = b'0';
    /// Cancelled.
    pub const CANCELLED: u8 = b'4';
    /// Refused.
    pub const REJECT: u8 = b'8';
    /// Traded.
    pub const TRADE: u8 = b'F';
}

/// Order status; the letters are the same in Shanghai.
pub mod status {
    /// Nothing traded yet.
    pub const NEW: u8 = b'0';
    /// A part traded.
    pub const PARTIAL: u8 = b'1';
    /// All traded.
    pub const FILLED: u8 = b'2';
    /// Cancelled.
    pub const CANCELLED: u8 = b'4';
    /// Refused.
    pub const REJECTED: u8 = b'8';
}

/// Order restrictions, up to four letters of a field.
pub mod restriction {
    /// Programme trading.
    pub const PROGRAMME: u8 = b'1';
    /// Algorithm.
    pub const ALGORITHM: u8 = b'E';
}
