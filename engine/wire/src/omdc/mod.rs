//! HKEX OMD-C, the securities market data of Hong Kong: packets and the 32 messages as views (OMD-C
//! Binary Interface Specifications 1.45, "Message Formats").
//!
//! Model: every number is **little-endian**. Prices are `i32` with three implied decimals (`_e3`),
//! quantities are shares, times nanoseconds since 1970 UTC, text is ASCII and space padded, names of
//! securities UTF-16LE. A message begins with its own length and its type; message `k` of a packet
//! has number `seq_num + k`. Versions append fields: a reader takes the front it knows and advances
//! by `msg_size`; a message shorter than its record is a fault. Four messages end in a group whose
//! entries are read by iterators ([`Entries`]) that stop where the message does.
//!
//! | type | record | bytes | feeds | effect on the book |
//! |---|---|---|---|---|
//! | 10 | [`MarketDefinition`] | 40 | all | none |
//! | 11 | [`SecurityDefinition`] | 544 + 8 n | all | symbol table |
//! | 13 | [`LiquidityProvider`] | 10 + 2 n | all | none |
//! | 14 | [`CurrencyRate`] | 16 | all | none |
//! | 20 | [`TradingSessionStatus`] | 32 | all | phase of a market |
//! | 21 | [`SecurityStatus`] | 12 | all | halt state |
//! | 23 | [`VcmTrigger`] | 36 | all | price band for some minutes |
//! | 30 | [`AddOrder`] | 32 | full tick | insert |
//! | 31 | [`ModifyOrder`] | 28 | full tick | change by total |
//! | 32 | [`DeleteOrder`] | 20 | full tick | remove |
//! | 33 | [`AddOddLotOrder`] | 28 | full tick | odd-lot display only |
//! | 34 | [`DeleteOddLotOrder`] | 20 | full tick | odd-lot display only |
//! | 40 | [`NominalPrice`] | 12 | standard, premium | none |
//! | 41 | [`IndicativePrice`] | 20 | all | none: auction |
//! | 43 | [`ReferencePrice`] | 20 | all | price band of an auction |
//! | 44 | [`Yield`] | 12 | standard, premium | none |
//! | 50 | [`Trade`] | 32 | full tick, premium | none: 31 and 32 change the book |
//! | 51 | [`TradeCancel`] | 12 | full tick, premium | none: correction |
//! | 52 | [`TradeTicker`] | 36 | standard | none |
//! | 53 | [`AggregateUpdate`] | 12 + 24 n | standard, premium | sets levels |
//! | 54 | [`BrokerQueue`] | 12 + 4 n | standard | none |
//! | 56 | [`OrderImbalance`] | 20 | all | none: auction |
//! | 60 | [`Statistics`] | 52 | standard, premium | none |
//! | 61 | [`MarketTurnover`] | 20 | standard, premium | none |
//! | 62 | [`ClosingPrice`] | 16 | standard, premium | none |
//! | 100 | [`SequenceReset`] | 8 | all | the channel begins anew |
//! | 105 | [`DisasterRecovery`] | 8 | all | caches are cleared |
//! | 101 | [`Logon`] | 16 | retransmission | |
//! | 102 | [`LogonResponse`] | 8 | retransmission | |
//! | 201 | [`RetransmissionRequest`] | 16 | retransmission | |
//! | 202 | [`RetransmissionResponse`] | 16 | retransmission | |
//! | 203 | [`RefreshComplete`] | 8 | refresh | ends an image |
//!
//! Messages of the retransmission stream travel in packets like all others, with sequence number and
//! time 0 in front of a logon and a request (single source: a client's recovery tool). Its heartbeat
//! is a packet without messages (from memory). Fillers are written as zeros.

mod aggregate;
mod control;
mod order;
mod packet;
mod price;
mod reference;
mod statistics;
mod status;
mod trade;

pub use aggregate::{AggregateUpdate, BookEntry, BrokerItem, BrokerQueue, update_action};
pub use control::{
    DisasterRecovery, Logon, LogonResponse, RefreshComplete, RetransmissionRequest,
    RetransmissionResponse, SequenceReset, dr_status, retrans_status, session_status,
};
pub use order::{
    AddOddLotOrder, AddOrder, DeleteOddLotOrder, DeleteOrder, ModifyOrder, order_type,
};
pub use packet::{
    HEADER_LEN, Messages, PACKET_MAX, Packet, PacketError, PacketFull, PacketHeader, PacketWriter,
    STREAM_PACKET_MAX, split_message, stream_packet_len, type_of,
};
pub use price::{IndicativePrice, NominalPrice, OrderImbalance, ReferencePrice, Yield};
pub use reference::{
    CurrencyRate, LiquidityProvider, MarketDefinition, ProviderEntry, SecurityDefinition,
    UnderlyingEntry,
};
pub use statistics::{ClosingPrice, MarketTurnover, Statistics};
pub use status::{
    SecurityStatus, TradingSessionStatus, VcmTrigger, session, session_status_group, suspension,
};
pub use trade::{Trade, TradeCancel, TradeTicker, trade_type};

use core::marker::PhantomData;

use bytemuck::Pod;
use nofx_types::Side;

use crate::num::{Le16, view};
use crate::record::record;

record! {
    /// What a message begins with.
    MessageHeader, 4 {
        /// Bytes of the whole message, these four included.
        0 msg_size: Le16,
        /// Message type.
        2 msg_type: Le16,
    }
}

/// Declares a message: its header, then the rows of its table.
macro_rules! message {
    (
        $(#[$doc:meta])*
        $name:ident, $kind:literal, $size:literal bytes { $($rows:tt)* }
    ) => {
        $crate::record::record! {
            $(#[$doc])*
            $name, $size {
                /// Length and type.
                0 header: $crate::omdc::MessageHeader,
                $($rows)*
            }
        }

        impl $name {
            /// The message type on the wire.
            pub const KIND: u16 = $kind;

            /// The header of a message without a group.
            pub const HEADER: $crate::omdc::MessageHeader = $crate::omdc::MessageHeader {
                msg_size: $crate::num::Le16::new($size),
                msg_type: $crate::num::Le16::new($kind),
            };

            /// Its header with zeros behind it, to be filled.
            pub fn blank() -> Self {
                Self { header: Self::HEADER, ..bytemuck::Zeroable::zeroed() }
            }
        }
    };
}
use message;

/// A message type: its number, its name and the length of its fixed part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kind {
    /// `msg_type`.
    pub kind: u16,
    /// Name of the record.
    pub name: &'static str,
    /// Bytes of the record, header included, groups not.
    pub length: usize,
}

macro_rules! kinds {
    ($($name:ident)*) => {
        [$(Kind { kind: $name::KIND, name: stringify!($name), length: size_of::<$name>() }),*]
    };
}

/// All 32 message types, by number.
pub const NAMES: [Kind; 32] = kinds! {
    MarketDefinition SecurityDefinition LiquidityProvider CurrencyRate TradingSessionStatus
    SecurityStatus VcmTrigger AddOrder ModifyOrder DeleteOrder AddOddLotOrder DeleteOddLotOrder
    NominalPrice IndicativePrice ReferencePrice Yield Trade TradeCancel TradeTicker AggregateUpdate
    BrokerQueue OrderImbalance Statistics MarketTurnover ClosingPrice SequenceReset Logon
    LogonResponse DisasterRecovery RetransmissionRequest RetransmissionResponse RefreshComplete
};

/// Length by type, 0 where the type is not known: one load on the hot path.
static LENGTHS: [u16; 256] = lengths();

const fn lengths() -> [u16; 256] {
    let mut table = [0; 256];
    let mut row = 0;
    while row < NAMES.len() {
        assert!(NAMES[row].kind < 256 && table[NAMES[row].kind as usize] == 0);
        table[NAMES[row].kind as usize] = NAMES[row].length as u16;
        row += 1;
    }
    table
}

/// Fewest bytes of a message of `kind`, its header included; `None` when the type is not known.
#[inline]
pub fn min_length_of(kind: u16) -> Option<usize> {
    match LENGTHS.get(usize::from(kind)) {
        None | Some(0) => None,
        Some(length) => Some(usize::from(*length)),
    }
}

/// Name of the record of `kind`; `None` when the type is not known.
pub fn name_of(kind: u16) -> Option<&'static str> {
    NAMES.iter().find(|row| row.kind == kind).map(|row| row.name)
}

/// Entries of a group: as many as the message states and holds whole.
#[derive(Clone, Debug)]
pub struct Entries<'a, T> {
    rest: &'a [u8],
    left: u16,
    entry: PhantomData<&'a T>,
}

impl<'a, T: Pod> Entries<'a, T> {
    fn new(message: &'a [u8], fixed: usize, count: u16) -> Entries<'a, T> {
        let rest = message.get(fixed..).unwrap_or(&[]);
        Entries { rest, left: count, entry: PhantomData }
    }

    /// Whether the message holds all entries that it states.
    pub fn is_whole(&self) -> bool {
        self.rest.len() >= usize::from(self.left) * size_of::<T>()
    }
}

impl<'a, T: Pod> Iterator for Entries<'a, T> {
    type Item = &'a T;

    #[inline]
    fn next(&mut self) -> Option<&'a T> {
        self.left = self.left.checked_sub(1)?;
        let entry = view(self.rest)?;
        self.rest = self.rest.get(size_of::<T>()..).unwrap_or(&[]);
        Some(entry)
    }
}

/// A price that says nothing; the usual value of such fields, unverified.
pub const NO_PRICE: i32 = i32::MIN;
/// A quantity that says nothing; the usual value of such fields, unverified.
pub const NO_QTY: u32 = u32::MAX;
/// Largest security code.
pub const SECURITY_CODE_MAX: u32 = 99_999;

/// The side of an order: 0 bid, 1 offer.
#[inline]
pub const fn side_of(code: u16) -> Option<Side> {
    match code {
        0 => Some(Side::Buy),
        1 => Some(Side::Sell),
        _ => None,
    }
}

/// The code of a side.
#[inline]
pub const fn code_of(side: Side) -> u16 {
    side as u16
}

/// Text in a field of its width, space padded; what does not fit is left out.
pub fn text<const N: usize>(text: &str) -> [u8; N] {
    let mut field = [b' '; N];
    field.iter_mut().zip(text.bytes()).for_each(|(place, byte)| *place = byte);
    field
}

/// A name in UTF-16LE, space padded; what does not fit is left out.
pub fn wide_text<const N: usize>(text: &str) -> [u8; N] {
    let mut field = [0; N];
    let units = text.encode_utf16().chain(core::iter::repeat(u16::from(b' ')));
    for (place, unit) in field.chunks_exact_mut(2).zip(units) {
        place.copy_from_slice(&unit.to_le_bytes());
    }
    field
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_padded_and_cut() {
        assert_eq!(text::<4>("GEM"), *b"GEM ");
        assert_eq!(text::<2>("MAIN"), *b"MA");
        assert_eq!(wide_text::<6>("A"), *b"A\0 \0 \0");
    }

    #[test]
    fn types_are_sorted_and_named() {
        assert!(NAMES.windows(2).all(|pair| pair[0].kind < pair[1].kind));
        assert_eq!(name_of(30), Some("AddOrder"));
        assert_eq!(
            (min_length_of(30), min_length_of(22), min_length_of(9_999)),
            (Some(32), None, None)
        );
    }
}
