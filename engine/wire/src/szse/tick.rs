//! Ticks: the numbered messages of a channel.

use super::message;
use crate::num::{Be16, BeI64};

message! {
    /// Tick order: an order came. Its id is its number.
    Order, 300_192, 51 bytes {
        0 channel_no: Be16,
        /// From 1, shared with [`Execution`].
        2 appl_seq_num: BeI64,
        /// `011` for the auction of stocks, funds and bonds.
        10 md_stream_id: [u8; 3],
        13 security_id: [u8; 8],
        /// `102 ` Shenzhen, `103 ` Hong Kong.
        21 security_id_source: [u8; 4],
        /// Four decimals; means nothing for market and own-best orders.
        25 price: BeI64,
        /// Two decimals.
        33 order_qty: BeI64,
        /// See [`side`].
        41 side: u8,
        /// `YYYYMMDDHHMMSSsss`, China time.
        42 transact_time: BeI64,
        /// See [`ord_type`].
        50 ord_type: u8,
    }
}

impl Order {
    /// Bytes of the body where the last field has two characters; the second one means nothing.
    pub const WIDE: usize = 52;
}

message! {
    /// Tick execution: a trade between two orders, or the cancel of one.
    Execution, 300_191, 66 bytes {
        0 channel_no: Be16,
        /// From 1, shared with [`Order`].
        2 appl_seq_num: BeI64,
        10 md_stream_id: [u8; 3],
        /// Number of the buy order, 0 for none.
        13 bid_appl_seq_num: BeI64,
        /// Number of the sell order, 0 for none.
        21 offer_appl_seq_num: BeI64,
        29 security_id: [u8; 8],
        37 security_id_source: [u8; 4],
        /// Four decimals; 0 for cancels.
        41 last_px: BeI64,
        /// Two decimals.
        49 last_qty: BeI64,
        /// See [`exec_type`].
        57 exec_type: u8,
        /// `YYYYMMDDHHMMSSsss`, China time.
        58 transact_time: BeI64,
    }
}

/// Values of [`Order::side`].
pub mod side {
    /// Buy.
    pub const BUY: u8 = b'1';
    /// Sell.
    pub const SELL: u8 = b'2';
    /// Borrow; securities lending, no book.
    pub const BORROW: u8 = b'G';
    /// Lend; securities lending, no book.
    pub const LEND: u8 = b'F';
}

/// Values of [`Order::ord_type`].
pub mod ord_type {
    /// Market; five kinds that the feed does not tell apart.
    pub const MARKET: u8 = b'1';
    /// Limit.
    pub const LIMIT: u8 = b'2';
    /// Best price of its own side.
    pub const OWN_BEST: u8 = b'U';
}

/// Values of [`Execution::exec_type`].
pub mod exec_type {
    /// Trade.
    pub const TRADE: u8 = b'F';
    /// Cancel.
    pub const CANCEL: u8 = b'4';
}
