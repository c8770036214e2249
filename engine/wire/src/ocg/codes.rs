//! Values of fields.

/// Side.
pub mod side {
    /// Buy.
    pub const BUY: u8 = 1;
    /// Sell what one has.
    pub const SELL: u8 = 2;
    /// Sell short.
    pub const SHORT: u8 = 5;
}

/// Order type.
pub mod kind {
    /// At auction: no price.
    pub const MARKET: u8 = 1;
    /// Limit.
    pub const LIMIT: u8 = 2;
}

/// Time in force.
pub mod tif {
    /// Day.
    pub const DAY: u8 = 0;
    /// Immediate or cancel.
    pub const IOC: u8 = 3;
    /// Fill or kill.
    pub const FOK: u8 = 4;
    /// At crossing: in the auction.
    pub const AT_CROSSING: u8 = 9;
}

/// Order capacity.
pub mod capacity {
    /// Agent.
    pub const AGENT: u8 = 1;
    /// Principal.
    pub const PRINCIPAL: u8 = 2;
}

/// Execution type of an execution report.
pub mod exec {
    /// Accepted.
    pub const NEW: u8 = b'0';
    /// Cancelled.
    pub const CANCEL: u8 = b'4';
    /// Amended.
    pub const AMEND: u8 = b'5';
    /// Refused.
    pub const REJECT: u8 = b'8';
    /// Expired.
    pub const EXPIRE: u8 = b'C';
    /// Traded.
    pub const TRADE: u8 = b'F';
    /// A trade was taken back.
    pub const TRADE_CANCEL: u8 = b'H';
    /// Triggered.
    pub const TRIGGERED: u8 = b'L';
    /// Cancel refused.
    pub const CANCEL_REJECT: u8 = b'X';
    /// Amend refused.
    pub const AMEND_REJECT: u8 = b'Y';
}

/// Order status.
pub mod status {
    /// Nothing traded yet.
    pub const NEW: u8 = 0;
    /// A part traded.
    pub const PARTIAL: u8 = 1;
    /// All traded.
    pub const FILLED: u8 = 2;
    /// Cancelled.
    pub const CANCELLED: u8 = 4;
    /// Cancel under way.
    pub const PENDING_CANCEL: u8 = 6;
    /// Refused.
    pub const REJECTED: u8 = 8;
    /// Not accepted yet.
    pub const PENDING_NEW: u8 = 10;
    /// Expired.
    pub const EXPIRED: u8 = 12;
    /// Amend under way.
    pub const PENDING_AMEND: u8 = 14;
}

/// Session status of logons and logouts.
pub mod session {
    /// Active.
    pub const ACTIVE: u8 = 0;
    /// Logout complete.
    pub const LOGOUT: u8 = 4;
    /// User or password are wrong.
    pub const BAD_LOGIN: u8 = 5;
    /// Account locked.
    pub const LOCKED: u8 = 6;
    /// Not allowed at this time.
    pub const NOT_NOW: u8 = 7;
    /// Other.
    pub const OTHER: u8 = 101;

    /// Short name for reports.
    pub fn name(status: u8) -> &'static str {
        match status {
            ACTIVE => "active",
            1 => "password_change",
            2 => "password_about_to_expire",
            3 => "new_password_weak",
            LOGOUT => "logout_complete",
            BAD_LOGIN => "bad_user_or_password",
            LOCKED => "account_locked",
            NOT_NOW => "not_allowed_now",
            8 => "password_expired",
            100 => "password_change_required",
            OTHER => "other",
            _ => "unknown",
        }
    }
}

/// Codes of a reject (message type 3); from one public source.
pub mod reject {
    /// A required field is missing.
    pub const FIELD_MISSING: u16 = 1;
    /// A field that this type does not have.
    pub const FIELD_NOT_DEFINED: u16 = 2;
    /// A value that the field does not take.
    pub const VALUE: u16 = 5;
    /// The comp id is not that of the session.
    pub const COMP_ID: u16 = 9;
    /// No message has this type.
    pub const MESSAGE_TYPE: u16 = 11;
    /// Other.
    pub const OTHER: u16 = 99;
}

/// Codes of a business reject (message type 9).
pub mod business {
    /// More messages than the session may send in a second.
    pub const THROTTLE: u16 = 8;
    /// Other.
    pub const OTHER: u16 = 99;
}

/// Order reject codes.
pub mod order_reject {
    /// Exceeds a limit.
    pub const LIMIT: u16 = 3;
    /// The client order id was used before.
    pub const DUPLICATE: u16 = 6;
    /// Quantity.
    pub const QUANTITY: u16 = 13;
    /// Outside the price band.
    pub const PRICE_BAND: u16 = 16;
    /// No reference price.
    pub const NO_REFERENCE: u16 = 19;
    /// Notional over the threshold.
    pub const NOTIONAL: u16 = 20;
    /// Other.
    pub const OTHER: u16 = 99;

    /// Short name for reports.
    pub fn name(code: u16) -> &'static str {
        match code {
            LIMIT => "exceeds_limit",
            DUPLICATE => "duplicate",
            QUANTITY => "quantity",
            PRICE_BAND | 101 | 102 => "price_band",
            NO_REFERENCE => "no_reference_price",
            NOTIONAL => "notional",
            OTHER => "other",
            _ => "unknown",
        }
    }
}

/// Cancel and amend reject codes.
pub mod cancel_reject {
    /// Too late: the order is no longer open.
    pub const TOO_LATE: u16 = 0;
    /// No such order.
    pub const UNKNOWN: u16 = 1;
    /// A cancel or amend is under way.
    pub const PENDING: u16 = 3;
    /// The client order id was used before.
    pub const DUPLICATE: u16 = 6;
    /// Other.
    pub const OTHER: u16 = 99;

    /// Short name for reports.
    pub fn name(code: u16) -> &'static str {
        match code {
            TOO_LATE => "too_late",
            UNKNOWN => "unknown_order",
            PENDING => "already_pending",
            DUPLICATE => "duplicate",
            OTHER => "other",
            _ => "unknown",
        }
    }
}

/// Why the venue restated (cancelled) an order unasked.
pub mod restated {
    /// Halt or VCM.
    pub const HALT: u16 = 6;
    /// Market operation.
    pub const MARKET_OPERATION: u16 = 8;
    /// An amend failed.
    pub const AMEND_FAILED: u16 = 100;
    /// Mass cancel.
    pub const MASS_CANCEL: u16 = 103;
    /// Cancel on disconnect.
    pub const DISCONNECT: u16 = 104;

    /// Short name for reports.
    pub fn name(code: u16) -> &'static str {
        match code {
            HALT => "halt",
            MARKET_OPERATION => "market_operation",
            AMEND_FAILED => "amend_failed",
            101 | 102 => "on_behalf",
            MASS_CANCEL => "mass_cancel",
            DISCONNECT => "disconnect",
            105 | 106 => "suspended",
            107 => "system",
            _ => "unknown",
        }
    }
}

/// Request type of a mass cancel.
pub mod mass_cancel {
    /// Orders of one security.
    pub const SECURITY: u8 = 1;
    /// All orders.
    pub const ALL: u8 = 7;
    /// Orders of a market segment.
    pub const SEGMENT: u8 = 9;
}
