//! Code lists. Letters are shared with OUCH 4.2 where [`crate::ouch42`] says so.

/// Side of an order.
pub mod side {
    /// Buy.
    pub const BUY: u8 = b'B';
    /// Sell.
    pub const SELL: u8 = b'S';
    /// Sell short.
    pub const SHORT: u8 = b'T';
    /// Sell short, exempt.
    pub const SHORT_EXEMPT: u8 = b'E';
}

/// Time in force.
pub mod tif {
    /// Until the close.
    pub const DAY: u8 = b'0';
    /// Immediate or cancel.
    pub const IOC: u8 = b'3';
    /// Extended hours.
    pub const GTX: u8 = b'5';
    /// For the seconds of tag 15.
    pub const GTT: u8 = b'6';
    /// After hours.
    pub const AFTER_HOURS: u8 = b'E';
}

/// How an order shows.
pub mod display {
    /// Attributable.
    pub const ATTRIBUTABLE: u8 = b'A';
    /// Visible.
    pub const VISIBLE: u8 = b'Y';
    /// Hidden.
    pub const HIDDEN: u8 = b'N';
    /// Visible, must not take liquidity.
    pub const POST_ONLY: u8 = b'P';
    /// Imbalance-only.
    pub const IMBALANCE_ONLY: u8 = b'I';
    /// Midpoint peg.
    pub const MIDPOINT: u8 = b'M';
    /// Midpoint peg, post-only.
    pub const MIDPOINT_POST_ONLY: u8 = b'W';
    /// Post-only and attributable.
    pub const POST_ONLY_ATTRIBUTABLE: u8 = b'L';
    /// Conformant.
    pub const CONFORMANT: u8 = b'Z';
}

/// In which capacity the firm acts.
pub mod capacity {
    /// Agency.
    pub const AGENCY: u8 = b'A';
    /// Principal.
    pub const PRINCIPAL: u8 = b'P';
    /// Riskless principal.
    pub const RISKLESS: u8 = b'R';
    /// Other.
    pub const OTHER: u8 = b'O';
}

/// Which cross an order is for.
pub mod cross {
    /// Continuous market.
    pub const CONTINUOUS: u8 = b'N';
    /// Opening cross.
    pub const OPEN: u8 = b'O';
    /// Closing cross.
    pub const CLOSE: u8 = b'C';
    /// Halt or IPO cross.
    pub const HALT: u8 = b'H';
    /// Supplemental.
    pub const SUPPLEMENTAL: u8 = b'S';
    /// Retail.
    pub const RETAIL: u8 = b'R';
    /// Extended.
    pub const EXTENDED: u8 = b'E';
    /// After-hours close.
    pub const AFTER_HOURS_CLOSE: u8 = b'A';
}

/// State in Accepted and Replaced.
pub mod state {
    /// The order rests.
    pub const LIVE: u8 = b'L';
    /// Accepted, then cancelled at once.
    pub const DEAD: u8 = b'D';
}

/// Why an order was cancelled.
pub mod cancel {
    /// The client asked.
    pub const USER: u8 = b'U';
    /// Remainder of an immediate-or-cancel order.
    pub const IOC: u8 = b'I';
    /// Its time ran out.
    pub const TIMEOUT: u8 = b'T';
    /// Supervisory.
    pub const SUPERVISORY: u8 = b'S';
    /// Regulatory restriction.
    pub const REGULATORY: u8 = b'D';
    /// Self-match prevention.
    pub const SELF_MATCH: u8 = b'Q';
    /// By the system.
    pub const SYSTEM: u8 = b'Z';
    /// The cross was cancelled.
    pub const CROSS: u8 = b'C';
    /// It cannot be executed.
    pub const CANNOT_EXECUTE: u8 = b'K';
    /// Halted.
    pub const HALTED: u8 = b'H';
    /// Open protection.
    pub const OPEN_PROTECTION: u8 = b'X';
    /// The market closed.
    pub const CLOSED: u8 = b'E';
    /// Post-only order that would have taken.
    pub const POST_ONLY: u8 = b'F';
    /// Post-only order that would have taken, contra side displayed.
    pub const POST_ONLY_DISPLAYED: u8 = b'G';

    /// Short name for reports.
    pub const fn name(reason: u8) -> &'static str {
        match reason {
            USER => "user",
            IOC => "ioc",
            TIMEOUT => "timeout",
            SUPERVISORY => "supervisory",
            REGULATORY => "regulatory",
            SELF_MATCH => "self_match",
            SYSTEM => "system",
            CROSS => "cross",
            CANNOT_EXECUTE => "cannot_execute",
            HALTED => "halted",
            OPEN_PROTECTION => "open_protection",
            CLOSED => "closed",
            POST_ONLY => "post_only",
            POST_ONLY_DISPLAYED => "post_only_displayed",
            _ => "unknown",
        }
    }
}

/// How a fill met its counterpart.
pub mod liquidity {
    /// Added displayed liquidity.
    pub const ADDED: u8 = b'A';
    /// Removed liquidity.
    pub const REMOVED: u8 = b'R';
    /// Added hidden liquidity.
    pub const ADDED_HIDDEN: u8 = b'J';

    /// Whether the flag says that the order rested. Flags `W`, `4`, `5`, `f`, `g` exist in 4.2 only.
    #[inline]
    pub const fn adds(flag: u8) -> bool {
        matches!(
            flag,
            b'A' | b'J'
                | b'k'
                | b'N'
                | b'7'
                | b'8'
                | b'e'
                | b'j'
                | b'W'
                | b'4'
                | b'5'
                | b'f'
                | b'g'
        )
    }
}

/// Why an order or a replace was refused: codes 1 to 0x1f; 0x20 to 0x33 are later risk codes.
pub mod reject {
    /// Halted.
    pub const HALTED: u16 = 0x07;
    /// Processing error.
    pub const PROCESSING_ERROR: u16 = 0x0a;
    /// A cancel is pending.
    pub const CANCEL_PENDING: u16 = 0x0b;
    /// Other.
    pub const OTHER: u16 = 0x0f;
    /// Wrong quantity.
    pub const QUANTITY: u16 = 0x13;
    /// Replace not allowed.
    pub const REPLACE_NOT_ALLOWED: u16 = 0x15;
    /// Wrong symbol.
    pub const SYMBOL: u16 = 0x17;
    /// Wrong price.
    pub const PRICE: u16 = 0x1d;
    /// More shares than the threshold.
    pub const SHARES: u16 = 0x1e;
    /// More notional than the limit.
    pub const NOTIONAL: u16 = 0x1f;

    const NAMES: [&str; 0x20] = [
        "unknown",
        "quote_unavailable",
        "destination_closed",
        "display",
        "max_floor",
        "peg_type",
        "fat_finger",
        "halted",
        "iso_not_allowed",
        "side",
        "processing_error",
        "cancel_pending",
        "firm_not_authorised",
        "min_qty",
        "no_closing_reference_price",
        "other",
        "cancel_not_allowed",
        "pegging_not_allowed",
        "crossed_market",
        "quantity",
        "cross_order",
        "replace_not_allowed",
        "routing_not_allowed",
        "symbol",
        "test",
        "late_loc_too_aggressive",
        "retail_not_allowed",
        "midpoint_post_only_price",
        "destination",
        "price",
        "shares_exceed_threshold",
        "notional_exceeds_limit",
    ];

    /// Short name for reports.
    pub fn name(code: u16) -> &'static str {
        match code {
            0x20..=0x33 => "risk",
            _ => NAMES.get(usize::from(code)).copied().unwrap_or("unknown"),
        }
    }
}
