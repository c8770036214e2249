//! Nasdaq TotalView-ITCH 5.0: the 23 messages as views.
//!
//! Model: every number is big-endian and unsigned, text is ASCII, left-justified and space padded.
//! The first 11 bytes are the same in all messages ([`Header`]): dispatch on byte 0, index books by
//! the stock locate. Prices are `u32` in units of 1e-4 (`_e4`), the breaker levels `u64` in 1e-8
//! (`_e8`); times are nanoseconds since midnight US Eastern. No message carries its own sequence
//! number; the transport does ([`crate::mold`], [`mod@file`]). Locates and order references are valid
//! for one day.
//!
//! | kind | record | bytes | effect on the book |
//! |---|---|---|---|
//! | `S` | [`SystemEvent`] | 12 | session |
//! | `R` | [`StockDirectory`] | 39 | symbol table |
//! | `H` | [`TradingAction`] | 25 | halt state |
//! | `Y` | [`RegSho`] | 20 | none |
//! | `L` | [`ParticipantPosition`] | 26 | none |
//! | `V` | [`MwcbDecline`] | 35 | none |
//! | `W` | [`MwcbStatus`] | 12 | halt state |
//! | `K` | [`QuotingPeriod`] | 28 | none |
//! | `J` | [`LuldCollar`] | 35 | none |
//! | `h` | [`OperationalHalt`] | 21 | halt state |
//! | `A` | [`AddOrder`] | 36 | insert |
//! | `F` | [`AddOrderMpid`] | 40 | insert |
//! | `E` | [`OrderExecuted`] | 31 | reduce, at the order's price |
//! | `C` | [`OrderExecutedWithPrice`] | 36 | reduce, at the price it names |
//! | `X` | [`OrderCancel`] | 23 | reduce |
//! | `D` | [`OrderDelete`] | 19 | remove |
//! | `U` | [`OrderReplace`] | 35 | remove, insert at the back |
//! | `P` | [`Trade`] | 44 | none: non-displayed liquidity |
//! | `Q` | [`CrossTrade`] | 40 | none: volume of a cross |
//! | `B` | [`BrokenTrade`] | 19 | none: correction |
//! | `I` | [`Noii`] | 50 | none: auction |
//! | `N` | [`Rpii`] | 20 | none |
//! | `O` | [`DirectListing`] | 48 | none: auction |
//!
//! A kind that is not in the table, or a message longer than its record, is skipped by its
//! transport length and never aborts the stream. Worst case: a decode is one length compare.

use nofx_types::Side;

use crate::num::{Be16, Be48};
use crate::record::record;

mod admin;
mod auction;
pub mod file;
mod order;
mod trade;

pub use admin::{
    LuldCollar, MwcbDecline, MwcbStatus, OperationalHalt, ParticipantPosition, QuotingPeriod,
    RegSho, StockDirectory, SystemEvent, TradingAction,
};
pub use auction::{DirectListing, Noii, Rpii};
pub use order::{
    AddOrder, AddOrderMpid, OrderCancel, OrderDelete, OrderExecuted, OrderExecutedWithPrice,
    OrderReplace,
};
pub use trade::{BrokenTrade, CrossTrade, Trade};

record! {
    /// What all messages begin with.
    Header, 11 {
        /// Message type.
        0 kind: u8,
        /// Day-unique index of the symbol; 0 where the message concerns none.
        1 stock_locate: Be16,
        /// Nasdaq internal, ignored.
        3 tracking: Be16,
        /// Nanoseconds since midnight US Eastern.
        5 ts_ns: Be48,
    }
}

/// Declares an ITCH message: the common 11 bytes, then the rows of its table.
macro_rules! message {
    (
        $(#[$doc:meta])*
        $name:ident, $kind:literal, $size:literal bytes { $($rows:tt)* }
    ) => {
        $crate::record::record! {
            $(#[$doc])*
            $name, $size {
                /// Message type.
                0 kind: u8,
                /// Day-unique index of the symbol.
                1 stock_locate: $crate::num::Be16,
                /// Nasdaq internal, ignored.
                3 tracking: $crate::num::Be16,
                /// Nanoseconds since midnight US Eastern.
                5 ts_ns: $crate::num::Be48,
                $($rows)*
            }
        }

        impl $name {
            /// The message type on the wire.
            pub const KIND: u8 = $kind;
        }
    };
}
use message;

/// A message type: its byte, its name and the length of its record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kind {
    /// Byte 0 of the message.
    pub kind: u8,
    /// Name of the record.
    pub name: &'static str,
    /// Bytes of the record, the kind included.
    pub length: usize,
}

macro_rules! kinds {
    ($($name:ident)*) => {
        [$(Kind { kind: $name::KIND, name: stringify!($name), length: size_of::<$name>() }),*]
    };
}

/// All 23 message types, in the order of the specification.
pub const NAMES: [Kind; 23] = kinds! {
    SystemEvent StockDirectory TradingAction RegSho ParticipantPosition MwcbDecline MwcbStatus
    QuotingPeriod LuldCollar OperationalHalt AddOrder AddOrderMpid OrderExecuted
    OrderExecutedWithPrice OrderCancel OrderDelete OrderReplace Trade CrossTrade BrokenTrade Noii
    Rpii DirectListing
};

/// Length of the longest message.
pub const LENGTH_MAX: usize = size_of::<Noii>();

/// Length by kind, 0 where the kind is not known: one load on the hot path.
static LENGTHS: [u8; 256] = lengths();

const fn lengths() -> [u8; 256] {
    let mut table = [0; 256];
    let mut row = 0;
    while row < NAMES.len() {
        assert!(NAMES[row].length <= LENGTH_MAX && LENGTH_MAX < 256);
        assert!(table[NAMES[row].kind as usize] == 0, "two messages of one kind");
        table[NAMES[row].kind as usize] = NAMES[row].length as u8;
        row += 1;
    }
    table
}

/// Bytes of a message of `kind`, the kind included; `None` when the kind is not known.
#[inline]
pub const fn length_of(kind: u8) -> Option<usize> {
    match LENGTHS[kind as usize] {
        0 => None,
        length => Some(length as usize),
    }
}

/// Name of the record of `kind`; `None` when the kind is not known.
pub fn name_of(kind: u8) -> Option<&'static str> {
    NAMES.iter().find(|row| row.kind == kind).map(|row| row.name)
}

/// The side that a buy/sell indicator names; `None` for any byte but `B` and `S`.
#[inline]
pub const fn side_of(indicator: u8) -> Option<Side> {
    match indicator {
        b'B' => Some(Side::Buy),
        b'S' => Some(Side::Sell),
        _ => None,
    }
}

/// The buy/sell indicator of `side`.
#[inline]
pub const fn indicator_of(side: Side) -> u8 {
    match side {
        Side::Buy => b'B',
        Side::Sell => b'S',
    }
}
