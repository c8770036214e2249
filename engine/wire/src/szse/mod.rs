//! Shenzhen binary Level-2 market data (MDGW), and the frame that its order gateway shares.
//!
//! Model: a byte stream of frames ([`frame`]): type, body length, body, checksum. Integers are
//! big-endian; text is left-justified and padded with spaces. Ticks of a channel, orders and
//! executions alike, share one gap-free series of `appl_seq_num` from 1; the id of an order is the
//! number of the message that brought it. Snapshots have no number. Units differ by field: see
//! [`price_of`], [`price_of_entry`], [`shares_of`] and [`LocalTime`].
//!
//! | type | record | body bytes | says |
//! |---|---|---|---|
//! | 1 | [`Logon`] | 92 | asks for the session; echoed by the server |
//! | 2 | [`Logout`] | 204 | ends it, with a [`SessionStatus`] |
//! | 3 | none | 0 | heartbeat |
//! | 8 | [`Reject`] | 74 | a message that was not taken |
//! | 390095 | [`ChannelHeartbeat`] | 12 | last number of a channel |
//! | 390094 | [`Resend`] | 44 | asks for a range of ticks, and the answer |
//! | 390012 | [`Announcement`] | 158 + n | news |
//! | 390013 | [`SecurityStatus`] | 34 + 4n | switches of a security |
//! | 390019 | [`MarketStatus`] | 69 | session of a market segment |
//! | 390090 | [`Statistics`] | 14 + 15n | snapshots that a channel sends |
//! | 300192 | [`Order`] | 51 or 52 | an order came |
//! | 300191 | [`Execution`] | 66 | a trade, or a cancel |
//! | 300111 | [`Snapshot`] | 69 + entries | levels and totals of a security |
//!
//! Other types are skipped by their length. A body longer than its record is accepted (fields are
//! appended over the years), a shorter one is a fault. The two sources disagree on the width of an
//! order's last field (1 or 2 characters): both lengths are read, see [`Order::WIDE`].
//! Source: Binary Market Data Interface Specification of the exchange.
//!
//! Worst case: a snapshot walks its entries.

mod admin;
pub mod frame;
mod session;
mod snapshot;
mod tick;
mod units;

pub use admin::{
    Announcement, AnnouncementHead, MarketStatus, SecurityStatus, SecurityStatusHead, Statistics,
    StatisticsHead, StreamCount, Switch,
};
pub use frame::{
    BODY_MAX, Frame, FrameError, FrameWriter, HEADER_LEN, OVERHEAD, checksum, frame_len,
    next_frame, put_frame,
};
pub use session::{
    ChannelHeartbeat, Logon, Logout, Reject, Resend, SessionStatus, resend_status, resend_type,
};
pub use snapshot::{Entries, Entry, EntryHead, Snapshot, SnapshotHead, entry_type, put_snapshot};
pub use tick::{Execution, Order, exec_type, ord_type, side};
pub use units::{LocalTime, entry_price, local_time, price_of, price_of_entry, qty_e2, shares_of};

use core::fmt;

/// Declares a record and the message type it stands for.
macro_rules! message {
    (
        $(#[$doc:meta])*
        $name:ident, $kind:literal, $size:literal bytes { $($rows:tt)* }
    ) => {
        $crate::record::record! { $(#[$doc])* $name, $size { $($rows)* } }

        impl $name {
            /// The message type on the wire.
            pub const TYPE: u32 = $kind;
        }
    };
}
pub(crate) use message;

/// The type of a heartbeat, which has no body.
pub const HEARTBEAT: u32 = 3;
/// A heartbeat frame.
pub const HEARTBEAT_FRAME: [u8; 12] = [0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0, 3];

/// A message, viewed in place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Message<'a> {
    /// 1
    Logon(&'a Logon),
    /// 2
    Logout(&'a Logout),
    /// 3
    Heartbeat,
    /// 8
    Reject(&'a Reject),
    /// 390095
    ChannelHeartbeat(&'a ChannelHeartbeat),
    /// 390094
    Resend(&'a Resend),
    /// 390012
    Announcement(Announcement<'a>),
    /// 390013
    SecurityStatus(SecurityStatus<'a>),
    /// 390019
    MarketStatus(&'a MarketStatus),
    /// 390090
    Statistics(Statistics<'a>),
    /// 300192
    Order(&'a Order),
    /// 300191
    Execution(&'a Execution),
    /// 300111
    Snapshot(Snapshot<'a>),
    /// A type that is skipped.
    Other(u32),
}

/// A body is shorter than the layout of its type, or than the groups it promises.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Short {
    /// The message type.
    pub msg_type: u32,
    /// Bytes of body there.
    pub got: usize,
}

impl fmt::Display for Short {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "message {} is too short with {} bytes of body", self.msg_type, self.got)
    }
}

impl core::error::Error for Short {}

impl<'a> Message<'a> {
    /// Views the body of a frame as the message its type names.
    #[inline]
    pub fn parse(frame: Frame<'a>) -> Result<Message<'a>, Short> {
        let Frame { msg_type, body } = frame;
        let message = match msg_type {
            Order::TYPE => Order::parse(body).map(Message::Order),
            Execution::TYPE => Execution::parse(body).map(Message::Execution),
            _ => Self::other(frame),
        };
        message.ok_or(Short { msg_type, got: body.len() })
    }

    fn other(Frame { msg_type, body }: Frame<'a>) -> Option<Message<'a>> {
        Some(match msg_type {
            SnapshotHead::TYPE => Message::Snapshot(Snapshot::parse(body)?),
            HEARTBEAT => Message::Heartbeat,
            ChannelHeartbeat::TYPE => Message::ChannelHeartbeat(ChannelHeartbeat::parse(body)?),
            Resend::TYPE => Message::Resend(Resend::parse(body)?),
            Logon::TYPE => Message::Logon(Logon::parse(body)?),
            Logout::TYPE => Message::Logout(Logout::parse(body)?),
            Reject::TYPE => Message::Reject(Reject::parse(body)?),
            Announcement::TYPE => Message::Announcement(Announcement::parse(body)?),
            SecurityStatus::TYPE => Message::SecurityStatus(SecurityStatus::parse(body)?),
            MarketStatus::TYPE => Message::MarketStatus(MarketStatus::parse(body)?),
            Statistics::TYPE => Message::Statistics(Statistics::parse(body)?),
            other => Message::Other(other),
        })
    }
}

/// Text as it stands in a field: left-justified, padded with spaces; `None` when it is too long.
pub const fn text<const N: usize>(text: &str) -> Option<[u8; N]> {
    let (bytes, mut field, mut at) = (text.as_bytes(), [b' '; N], 0);
    if bytes.len() > N {
        return None;
    }
    while at < bytes.len() {
        field[at] = bytes[at];
        at += 1;
    }
    Some(field)
}
