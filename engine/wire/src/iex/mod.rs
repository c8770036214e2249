//! IEX: transport segments (IEX-TP v1) and the messages of DEEP 1.0, DEEP+, TOPS 1.5 and 1.6.
//!
//! Model: every number is **little-endian**. Prices are `i64` in units of 1e-4 (`_e4`), sizes `u32`
//! shares, times `i64` nanoseconds since 1970 UTC. There is no locate: eight bytes of symbol name
//! the instrument. Records state a *minimum*: messages grow at the end and new kinds appear without
//! notice, so a reader takes the known front and steps by the block's length.
//!
//! | kind | record | bytes | DEEP | DEEP+ | TOPS | effect on the book |
//! |---|---|---|---|---|---|---|
//! | `S` | [`SystemEvent`] | 10 | x | x | x | session |
//! | `D` | [`SecurityDirectory`] | 31 | x | x | x | symbol table |
//! | `H` | [`TradingStatus`] | 22 | x | x | x | halt state |
//! | `I` | [`RetailInterest`] | 18 | x | x | x | none |
//! | `O` | [`OperationalHalt`] | 18 | x | x | x | halt state |
//! | `P` | [`ShortSaleTest`] | 19 | x | x | x | none |
//! | `E` | [`SecurityEvent`] | 18 | x | x | x | opening or closing done |
//! | `8` `5` | [`PriceLevelUpdate`] | 30 | x | | | sets a bid (`8`) or ask (`5`) level |
//! | `Q` | [`QuoteUpdate`] | 42 | | | x | sets the touch |
//! | `a` | [`AddOrder`] | 38 | | x | | insert |
//! | `M` | [`OrderModify`] | 38 | | x | | change |
//! | `R` | [`OrderDelete`] | 26 | | x | | remove |
//! | `L` | [`OrderExecuted`] | 46 | | x | | reduce |
//! | `C` | [`ClearBook`] | 18 | | x | | empties the symbol |
//! | `T` | [`Trade`] | 38 | x | x | x | none |
//! | `B` | [`TradeBreak`] | 38 | x | x | x | none |
//! | `X` | [`OfficialPrice`] | 26 | x | | x | none |
//! | `A` | [`Auction`] | 80 | x | | x | none: auction |
//!
//! `a` and `A` differ. `T` in DEEP and TOPS reports every fill, in DEEP+ only fills in which no
//! displayed order took part.

mod admin;
mod book;
mod segment;
mod trade;

pub use admin::{
    OperationalHalt, RetailInterest, SecurityDirectory, SecurityEvent, ShortSaleTest, SystemEvent,
    TradingStatus, directory_flags,
};
pub use book::{
    AddOrder, ClearBook, OrderDelete, OrderExecuted, OrderModify, PriceLevelUpdate, QuoteUpdate,
    modify_flags, quote_flags,
};
pub use segment::{Blocks, HEADER_LEN, Segment, SegmentError, SegmentHeader, VERSION};
pub use trade::{Auction, OfficialPrice, Trade, TradeBreak, sale_flags};

use crate::num::LeI64;
use crate::record::record;

record! {
    /// What all messages but the system event begin with.
    Header, 18 {
        /// Message type.
        0 kind: u8,
        /// Flags, status or side, by type.
        1 code: u8,
        /// Event time, nanoseconds since 1970 UTC.
        2 ts_ns: LeI64,
        /// Symbol.
        10 symbol: [u8; 8],
    }
}

/// Declares a message: the common ten bytes, then the rows of its table. Byte 1 is named per type.
macro_rules! message {
    (
        $(#[$doc:meta])*
        $name:ident, $kind:literal, $size:literal { $($rows:tt)* }
    ) => {
        $crate::iex::message! { $(#[$doc])* $name, $size { $($rows)* } }

        impl $name {
            /// The message type on the wire.
            pub const KIND: u8 = $kind;
        }
    };
    (
        $(#[$doc:meta])*
        $name:ident, $size:literal {
            $(#[$code_doc:meta])* 1 $code:ident: u8,
            $($rows:tt)*
        }
    ) => {
        $crate::record::record! {
            $(#[$doc])*
            $name, $size {
                /// Message type.
                0 kind: u8,
                $(#[$code_doc])*
                1 $code: u8,
                /// Event time, nanoseconds since 1970 UTC.
                2 ts_ns: $crate::num::LeI64,
                $($rows)*
            }
        }
    };
}
use message;

/// The feed a segment belongs to, from its header: never from file name, port or group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// TOPS 1.5, read with the layouts of 1.6.
    Tops15,
    /// TOPS 1.6.
    Tops16,
    /// DEEP 1.0.
    Deep,
    /// DEEP+.
    DeepPlus,
}

impl Protocol {
    /// Message protocol id of TOPS 1.5.
    pub const TOPS_15: u16 = 0x8002;
    /// Message protocol id of TOPS 1.6.
    pub const TOPS_16: u16 = 0x8003;
    /// Message protocol id of DEEP 1.0.
    pub const DEEP: u16 = 0x8004;
    /// Message protocol id of DEEP+.
    pub const DEEP_PLUS: u16 = 0x8005;

    /// The feed of message protocol `id`, if it is one of ours.
    #[inline]
    pub const fn from_id(id: u16) -> Option<Protocol> {
        match id {
            Self::TOPS_15 => Some(Protocol::Tops15),
            Self::TOPS_16 => Some(Protocol::Tops16),
            Self::DEEP => Some(Protocol::Deep),
            Self::DEEP_PLUS => Some(Protocol::DeepPlus),
            _ => None,
        }
    }

    /// Its message protocol id.
    #[inline]
    pub const fn id(self) -> u16 {
        match self {
            Protocol::Tops15 => Self::TOPS_15,
            Protocol::Tops16 => Self::TOPS_16,
            Protocol::Deep => Self::DEEP,
            Protocol::DeepPlus => Self::DEEP_PLUS,
        }
    }
}

/// Fewest bytes of a message of `kind` in `protocol`, the kind included; `None` when the protocol
/// does not know the kind.
#[inline]
pub const fn min_length_of(protocol: Protocol, kind: u8) -> Option<usize> {
    use Protocol::{Deep, DeepPlus, Tops15, Tops16};
    Some(match (protocol, kind) {
        (_, b'S') => size_of::<SystemEvent>(),
        (_, b'D') => size_of::<SecurityDirectory>(),
        (_, b'H') => size_of::<TradingStatus>(),
        (_, b'I') => size_of::<RetailInterest>(),
        (_, b'O') => size_of::<OperationalHalt>(),
        (_, b'P') => size_of::<ShortSaleTest>(),
        (_, b'E') => size_of::<SecurityEvent>(),
        (_, b'T') => size_of::<Trade>(),
        (_, b'B') => size_of::<TradeBreak>(),
        (Deep, b'8' | b'5') => size_of::<PriceLevelUpdate>(),
        (Tops15 | Tops16, b'Q') => size_of::<QuoteUpdate>(),
        (DeepPlus, b'a') => size_of::<AddOrder>(),
        (DeepPlus, b'M') => size_of::<OrderModify>(),
        (DeepPlus, b'R') => size_of::<OrderDelete>(),
        (DeepPlus, b'L') => size_of::<OrderExecuted>(),
        (DeepPlus, b'C') => size_of::<ClearBook>(),
        (Deep | Tops15 | Tops16, b'X') => size_of::<OfficialPrice>(),
        (Deep | Tops15 | Tops16, b'A') => size_of::<Auction>(),
        _ => return None,
    })
}
