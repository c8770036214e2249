//! SZSE trading gateway (TGW), Binary order entry Ver1.29. Big-endian; prices with four decimals,
//! quantities with two; text left-justified and padded with spaces; times as China's clock.
//!
//! The frame is that of market data ([`crate::szse::frame`]), so are logon, logout and heartbeat.
//! Reports carry (partition, index): each partition numbers its reports from 1, and after a logon
//! the client says with [`ReportSync`] which it has.
//!
//! | type | name | body bytes | from | layout |
//! |---|---|---|---|---|
//! | 1 | [`Logon`] | 92 | both | two sources |
//! | 2 | [`Logout`] | 204 | both | two sources |
//! | 3 | heartbeat | 0 | both | two sources |
//! | 4 | [`BusinessReject`] | ends with 74 | gateway | experimental |
//! | 5 | [`ReportSync`] | 4 + 12n | client | experimental |
//! | 6 | [`PlatformState`] | 4 | gateway | experimental |
//! | 7 | [`ReportFinished`] | 14 | gateway | experimental |
//! | 9 | [`PartitionList`] | 6 + 4n | gateway | experimental |
//! | 10 | [`TradingSession`] | 42 | gateway | experimental |
//! | 100101 | [`NewOrder`] | 109 | client | experimental |
//! | 190007 | [`CancelOrder`] | 86 | client | experimental |
//! | 200102 | [`Confirm`] | 199 | gateway | experimental |
//! | 200115 | [`Execution`] | 163 | gateway | experimental |
//! | 290008 | [`CancelReject`] | 115 | gateway | experimental |
//!
//! Experimental: the layout rests on one public source ([`EXPERIMENTAL`]); prove it against the
//! exchange's own document or its test gateway before real orders depend on it. The messages of Hong
//! Kong Connect (106301, 206302, 206315) have no table in any source and are skipped by length.

use nofx_types::{Price, Qty};

use crate::num::{Be16, Be32, BeI32, BeI64};
use crate::szse::message;

pub mod client;
pub mod codes;

pub use crate::szse::{
    Frame, FrameError, HEARTBEAT, HEARTBEAT_FRAME, Logon, Logout, Short, next_frame, price_of,
    put_frame, shares_of,
};

/// Message types whose layout rests on one source.
pub const EXPERIMENTAL: &[(u32, &str)] = &[
    (4, "business reject"),
    (5, "report synchronisation"),
    (6, "platform state"),
    (7, "report finished"),
    (9, "platform partition list"),
    (10, "trading session status"),
    (NewOrder::TYPE, "new order"),
    (CancelOrder::TYPE, "cancel request"),
    (Confirm::TYPE, "confirmation"),
    (Execution::TYPE, "execution report"),
    (CancelReject::TYPE, "cancel reject"),
];

/// ApplID of the spot auction.
pub const SPOT: [u8; 3] = *b"010";

/// A price of the engine; the wire counts the same 1/10,000.
#[inline]
pub const fn price_out(price: Price) -> BeI64 {
    BeI64::new(price.0)
}

/// A quantity with two decimals; `None` when it is too large.
#[inline]
pub const fn qty_out(qty: Qty) -> Option<BeI64> {
    if qty.0 > (i64::MAX / 100) as u64 { None } else { Some(BeI64::new(qty.0 as i64 * 100)) }
}

message! {
    /// What every business reject ends with; before it stand fields that differ by ApplID. The
    /// middle of it is that of the market data gateway's business reject.
    BusinessReject, 4, 74 bytes {
        /// Number of the message that is meant.
        0 ref_seq_num: BeI64,
        /// Type of the message that is meant.
        8 ref_msg_type: Be32,
        /// Client order id of the message that is meant.
        12 reject_ref_id: [u8; 10],
        22 reason: Be16,
        24 text: [u8; 50],
    }
}

message! {
    /// Platform state: orders are taken only while it is open.
    PlatformState, 6, 4 bytes {
        /// See [`codes::platform`].
        0 platform_id: Be16,
        /// See [`codes::state`].
        2 platform_state: Be16,
    }
}

message! {
    /// Report finished: the client has had every report of this partition so far.
    ReportFinished, 7, 14 bytes {
        0 partition_no: BeI32,
        /// Index of the last report.
        4 report_index: BeI64,
        12 platform_id: Be16,
    }
}

message! {
    /// Trading session status.
    TradingSession, 10, 42 bytes {
        0 market_id: [u8; 8],
        8 market_segment_id: [u8; 8],
        16 trading_session_id: [u8; 4],
        20 trading_session_sub_id: [u8; 4],
        24 status: Be16,
        /// As `YYYYMMDDHHMMSSsss`.
        26 start: BeI64,
        34 end: BeI64,
    }
}

message! {
    /// New Order, spot auction, with its extension.
    NewOrder, 100_101, 109 bytes {
        /// `010`.
        0 appl_id: [u8; 3],
        3 submitting_pbu: [u8; 6],
        9 security_id: [u8; 8],
        /// `102`: Shenzhen.
        17 security_id_source: [u8; 4],
        /// See [`codes::owner`].
        21 owner_type: Be16,
        23 clearing_firm: [u8; 2],
        /// `YYYYMMDDHHMMSSsss`.
        25 transact_time: BeI64,
        33 user_info: [u8; 8],
        /// Unique per PBU and day.
        41 cl_ord_id: [u8; 10],
        51 account_id: [u8; 12],
        63 branch_id: [u8; 4],
        /// Up to four letters; `1` programme trading, `E` algorithm.
        67 order_restrictions: [u8; 4],
        /// `1` buy, `2` sell.
        71 side: u8,
        /// `1` market, `2` limit, `U` own best.
        72 ord_type: u8,
        /// Two decimals.
        73 order_qty: BeI64,
        /// Four decimals.
        81 price: BeI64,
        89 stop_px: BeI64,
        97 min_qty: BeI64,
        105 max_price_levels: Be16,
        /// `0` day, `3` immediate or cancel.
        107 time_in_force: u8,
        /// `1` cash, `2` open margin or short, `3` close.
        108 cash_margin: u8,
    }
}

message! {
    /// Cancel Request.
    CancelOrder, 190_007, 86 bytes {
        0 appl_id: [u8; 3],
        3 submitting_pbu: [u8; 6],
        9 security_id: [u8; 8],
        17 security_id_source: [u8; 4],
        21 owner_type: Be16,
        23 clearing_firm: [u8; 2],
        25 transact_time: BeI64,
        33 user_info: [u8; 8],
        /// Of this request.
        41 cl_ord_id: [u8; 10],
        /// Of the order.
        51 orig_cl_ord_id: [u8; 10],
        61 side: u8,
        /// The exchange's id of the order, or spaces.
        62 order_id: [u8; 16],
        78 order_qty: BeI64,
    }
}

message! {
    /// Confirmation: an order was accepted, cancelled or refused.
    Confirm, 200_102, 199 bytes {
        0 partition_no: BeI32,
        4 report_index: BeI64,
        12 appl_id: [u8; 3],
        15 reporting_pbu: [u8; 6],
        21 submitting_pbu: [u8; 6],
        27 security_id: [u8; 8],
        35 security_id_source: [u8; 4],
        39 owner_type: Be16,
        41 clearing_firm: [u8; 2],
        43 transact_time: BeI64,
        51 user_info: [u8; 8],
        59 order_id: [u8; 16],
        75 cl_ord_id: [u8; 10],
        85 quote_msg_id: [u8; 10],
        /// The order that a cancel named.
        95 orig_cl_ord_id: [u8; 10],
        105 exec_id: [u8; 16],
        /// `0` new, `4` cancelled, `8` reject.
        121 exec_type: u8,
        /// `0` new, `1` partial, `2` filled, `4` cancelled, `8` rejected.
        122 ord_status: u8,
        123 ord_rej_reason: Be16,
        125 leaves_qty: BeI64,
        133 cum_qty: BeI64,
        141 side: u8,
        142 ord_type: u8,
        143 order_qty: BeI64,
        151 price: BeI64,
        159 account_id: [u8; 12],
        171 branch_id: [u8; 4],
        175 order_restrictions: [u8; 4],
        179 stop_px: BeI64,
        187 min_qty: BeI64,
        195 max_price_levels: Be16,
        197 time_in_force: u8,
        198 cash_margin: u8,
    }
}

message! {
    /// Execution Report: a trade.
    Execution, 200_115, 163 bytes {
        0 partition_no: BeI32,
        4 report_index: BeI64,
        12 appl_id: [u8; 3],
        15 reporting_pbu: [u8; 6],
        21 submitting_pbu: [u8; 6],
        27 security_id: [u8; 8],
        35 security_id_source: [u8; 4],
        39 owner_type: Be16,
        41 clearing_firm: [u8; 2],
        43 transact_time: BeI64,
        51 user_info: [u8; 8],
        59 order_id: [u8; 16],
        75 cl_ord_id: [u8; 10],
        85 quote_msg_id: [u8; 10],
        95 exec_id: [u8; 16],
        /// `F`.
        111 exec_type: u8,
        112 ord_status: u8,
        113 last_px: BeI64,
        121 last_qty: BeI64,
        129 leaves_qty: BeI64,
        137 cum_qty: BeI64,
        145 side: u8,
        146 account_id: [u8; 12],
        158 branch_id: [u8; 4],
        162 cash_margin: u8,
    }
}

message! {
    /// Cancel Reject: a cancel found nothing to cancel.
    CancelReject, 290_008, 115 bytes {
        0 partition_no: BeI32,
        4 report_index: BeI64,
        12 appl_id: [u8; 3],
        15 reporting_pbu: [u8; 6],
        21 submitting_pbu: [u8; 6],
        27 security_id: [u8; 8],
        35 security_id_source: [u8; 4],
        39 owner_type: Be16,
        41 clearing_firm: [u8; 2],
        43 transact_time: BeI64,
        51 user_info: [u8; 8],
        /// Of the cancel.
        59 cl_ord_id: [u8; 10],
        /// Of the order.
        69 orig_cl_ord_id: [u8; 10],
        79 side: u8,
        80 ord_status: u8,
        81 cxl_rej_reason: Be16,
        83 reject_text: [u8; 16],
        99 order_id: [u8; 16],
    }
}

crate::record::record! {
    /// One partition of a [`ReportSync`].
    PartitionIndex, 12 {
        0 partition_no: BeI32,
        /// Index of the last report that the client has; 0 for none.
        4 report_index: BeI64,
    }
}

/// Report synchronisation, 5: up to where the client has the reports of each partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReportSync<'a> {
    /// The partitions.
    pub partitions: &'a [PartitionIndex],
}

impl ReportSync<'_> {
    /// The message type on the wire.
    pub const TYPE: u32 = 5;
}

/// Platform partition list, 9.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct PartitionList<'a> {
    /// See [`codes::platform`].
    pub platform_id: u16,
    rows: &'a [[u8; 4]],
}

impl PartitionList<'_> {
    /// The message type on the wire.
    pub const TYPE: u32 = 9;

    /// The partitions of the platform.
    pub fn partitions(&self) -> impl ExactSizeIterator<Item = i32> + '_ {
        self.rows.iter().map(|row| i32::from_be_bytes(*row))
    }
}

impl core::fmt::Debug for PartitionList<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "PartitionList {{ platform_id: {}, partitions: [", self.platform_id)?;
        for (place, partition) in self.partitions().enumerate() {
            let comma = if place > 0 { ", " } else { "" };
            write!(f, "{comma}{partition}")?;
        }
        f.write_str("] }")
    }
}

/// `n` rows of `T`, all that `body` has behind its count.
fn rows<T: bytemuck::Pod>(body: &[u8]) -> Option<&[T]> {
    let (count, rest) = body.split_first_chunk::<4>()?;
    let size = (u32::from_be_bytes(*count) as usize).checked_mul(size_of::<T>())?;
    bytemuck::try_cast_slice(rest.get(..size)?).ok()
}

/// A message, viewed in place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Message<'a> {
    /// 1
    Logon(&'a Logon),
    /// 2
    Logout(&'a Logout),
    /// 3
    Heartbeat,
    /// 4
    BusinessReject(&'a BusinessReject),
    /// 5
    ReportSync(ReportSync<'a>),
    /// 6
    PlatformState(&'a PlatformState),
    /// 7
    ReportFinished(&'a ReportFinished),
    /// 9
    PartitionList(PartitionList<'a>),
    /// 10
    TradingSession(&'a TradingSession),
    /// 100101
    New(&'a NewOrder),
    /// 190007
    Cancel(&'a CancelOrder),
    /// 200102
    Confirm(&'a Confirm),
    /// 200115
    Execution(&'a Execution),
    /// 290008
    CancelReject(&'a CancelReject),
    /// A type that is skipped.
    Other(u32),
}

impl<'a> Message<'a> {
    /// Views the body of a frame as the message its type names. A longer body is accepted: fields
    /// are appended over the years.
    #[inline]
    pub fn parse(frame: Frame<'a>) -> Result<Message<'a>, Short> {
        let Frame { msg_type, body } = frame;
        let short = Short { msg_type, got: body.len() };
        Ok(match msg_type {
            Logon::TYPE => Message::Logon(Logon::parse(body).ok_or(short)?),
            Logout::TYPE => Message::Logout(Logout::parse(body).ok_or(short)?),
            HEARTBEAT => Message::Heartbeat,
            BusinessReject::TYPE => {
                let start = body.len().checked_sub(size_of::<BusinessReject>()).ok_or(short)?;
                let tail = body.get(start..).and_then(BusinessReject::parse);
                Message::BusinessReject(tail.ok_or(short)?)
            }
            ReportSync::TYPE => {
                Message::ReportSync(ReportSync { partitions: rows(body).ok_or(short)? })
            }
            PlatformState::TYPE => Message::PlatformState(PlatformState::parse(body).ok_or(short)?),
            ReportFinished::TYPE => {
                Message::ReportFinished(ReportFinished::parse(body).ok_or(short)?)
            }
            PartitionList::TYPE => {
                let (platform, rest) = body.split_first_chunk().ok_or(short)?;
                let platform_id = u16::from_be_bytes(*platform);
                let rows = rows(rest).ok_or(short)?;
                Message::PartitionList(PartitionList { platform_id, rows })
            }
            TradingSession::TYPE => {
                Message::TradingSession(TradingSession::parse(body).ok_or(short)?)
            }
            NewOrder::TYPE => Message::New(NewOrder::parse(body).ok_or(short)?),
            CancelOrder::TYPE => Message::Cancel(CancelOrder::parse(body).ok_or(short)?),
            Confirm::TYPE => Message::Confirm(Confirm::parse(body).ok_or(short)?),
            Execution::TYPE => Message::Execution(Execution::parse(body).ok_or(short)?),
            CancelReject::TYPE => Message::CancelReject(CancelReject::parse(body).ok_or(short)?),
            other => Message::Other(other),
        })
    }
}

/// Writes a report synchronisation frame and returns its length; `None` when `out` is too small.
pub fn put_report_sync(out: &mut [u8], partitions: &[PartitionIndex]) -> Option<usize> {
    let mut frame = crate::szse::FrameWriter::new(out, ReportSync::TYPE);
    frame.push(&u32::try_from(partitions.len()).ok()?.to_be_bytes());
    partitions.iter().for_each(|row| frame.push(row.bytes()));
    frame.finish()
}

/// Writes a platform partition list frame and returns its length; `None` when `out` is too small.
pub fn put_partition_list(out: &mut [u8], platform_id: u16, partitions: &[i32]) -> Option<usize> {
    let mut frame = crate::szse::FrameWriter::new(out, PartitionList::TYPE);
    frame.push(&platform_id.to_be_bytes());
    frame.push(&u32::try_from(partitions.len()).ok()?.to_be_bytes());
    partitions.iter().for_each(|row| frame.push(&row.to_be_bytes()));
    frame.finish()
}

/// Writes a business reject frame and returns its length: `before` are the fields in front of the
/// common end. `None` when `out` is too small.
pub fn put_business_reject(
    out: &mut [u8],
    before: &[u8],
    reject: &BusinessReject,
) -> Option<usize> {
    let mut frame = crate::szse::FrameWriter::new(out, BusinessReject::TYPE);
    frame.push(before);
    frame.push(reject.bytes());
    frame.finish()
}
