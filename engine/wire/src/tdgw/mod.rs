//! SSE auction trading platform, binary order entry (TDGW) v0.57. Big-endian; text left-justified
//! and padded with spaces.
//!
//! A frame is a [`Header`] of 16 bytes (type, sequence number per direction from 1 in each session,
//! body length), the body, and the sum of all bytes before it modulo 256. Reports carry (PBU, set,
//! index): each set numbers its reports from 1, and after a logon the client asks for those it lacks
//! with [`Sync`].
//!
//! | type | name | body bytes | from |
//! |---|---|---|---|
//! | 33 | heartbeat | 0 | both |
//! | 40 | [`Logon`] | 82 | both |
//! | 41 | [`Logout`] | 68 | both |
//! | 58 | [`NewOrder`] | 125 | client |
//! | 61 | [`CancelOrder`] | 107 | client |
//! | 32 | [`Confirm`] | 213 | gateway |
//! | 59 | [`CancelReject`] | 120 | gateway |
//! | 103 | [`Execution`] | 213 | gateway |
//! | 204 | [`OrderReject`] | 82 | gateway |
//! | 206 | [`Sync`] | 2 + 20n | client |
//! | 207 | [`SyncResponse`] | 2 + 96n | gateway |
//! | 208 | [`ReportInfo`] | 6 + 8n + 4m | gateway |
//! | 209 | [`PlatformState`] | 4 | gateway |
//! | 210 | [`EndOfStream`] | 20 | gateway |
//!
//! All layouts rest on one public source and are experimental ([`EXPERIMENTAL`]); frame and message
//! numbers on two. What could not be verified is an option: decimals ([`Scale`]: five for
//! prices, three for quantities; a second source agrees), the form of `transact_time`
//! ([`TimeForm`]), and how 208 lists its sets ([`InfoForm`]).

use crate::num::{Be16, Be32, Be64, BeI64};
use crate::szse::message;

pub mod client;
pub mod codes;
mod frame;
mod groups;
mod scale;

pub use crate::szse::Short;
pub use frame::{
    BODY_MAX, CHECKSUM_LEN, Frame, FrameError, HEADER_LEN, HEARTBEAT, Header, OVERHEAD, next_frame,
    put_frame,
};
pub use groups::{
    InfoForm, ReportInfo, Sync, SyncResponse, SyncResponseRow, SyncRow, put_report_info, put_sync,
    put_sync_response,
};
pub use scale::{Scale, TimeForm};

/// Message types whose layout rests on one source.
pub const EXPERIMENTAL: &[(u32, &str)] = &[
    (Logon::TYPE, "logon"),
    (Logout::TYPE, "logout"),
    (NewOrder::TYPE, "new order"),
    (CancelOrder::TYPE, "cancel"),
    (Confirm::TYPE, "confirmation"),
    (CancelReject::TYPE, "cancel reject"),
    (Execution::TYPE, "execution report"),
    (OrderReject::TYPE, "order reject"),
    (Sync::TYPE, "report synchronisation"),
    (SyncResponse::TYPE, "synchronisation response"),
    (ReportInfo::TYPE, "report information"),
    (PlatformState::TYPE, "platform state"),
    (EndOfStream::TYPE, "end of stream"),
];

message! {
    /// Logon: asked for by the client, answered by the gateway with the two names exchanged.
    Logon, 40, 82 bytes {
        0 sender_comp_id: [u8; 32],
        32 target_comp_id: [u8; 32],
        /// Seconds between heartbeats.
        64 heart_bt_int: Be16,
        66 prtcl_version: [u8; 8],
        /// `YYYYMMDD`.
        74 trade_date: Be32,
        /// Window of messages under way.
        78 q_size: Be32,
    }
}

message! {
    /// Logout.
    Logout, 41, 68 bytes {
        /// 0 a normal end, else an error code.
        0 session_status: Be32,
        4 text: [u8; 64],
    }
}

message! {
    /// New Order Single.
    NewOrder, 58, 125 bytes {
        /// See [`codes::biz`].
        0 biz_id: Be32,
        4 biz_pbu: [u8; 8],
        /// Unique per PBU and day.
        12 cl_ord_id: [u8; 10],
        22 security_id: [u8; 12],
        34 account: [u8; 13],
        47 owner_type: u8,
        /// `1` buy, `2` sell.
        48 side: u8,
        /// See [`Scale`].
        49 price: BeI64,
        57 order_qty: BeI64,
        /// See [`codes::ord_type`].
        65 ord_type: u8,
        /// `0` day, `3` immediate or cancel.
        66 time_in_force: u8,
        /// See [`TimeForm`].
        67 transact_time: Be64,
        75 credit_tag: [u8; 2],
        77 clearing_firm: [u8; 8],
        85 branch_id: [u8; 8],
        93 user_info: [u8; 32],
    }
}

message! {
    /// Order Cancel.
    CancelOrder, 61, 107 bytes {
        0 biz_id: Be32,
        4 biz_pbu: [u8; 8],
        /// Of this request.
        12 cl_ord_id: [u8; 10],
        22 security_id: [u8; 12],
        34 account: [u8; 13],
        47 owner_type: u8,
        48 side: u8,
        /// Of the order.
        49 orig_cl_ord_id: [u8; 10],
        59 transact_time: Be64,
        67 branch_id: [u8; 8],
        75 user_info: [u8; 32],
    }
}

message! {
    /// Confirm: an order was accepted, cancelled or refused.
    Confirm, 32, 213 bytes {
        0 pbu: [u8; 8],
        8 set_id: Be32,
        12 report_index: Be64,
        20 biz_id: Be32,
        /// `0` new, `4` cancelled, `8` reject.
        24 exec_type: u8,
        25 biz_pbu: [u8; 8],
        33 cl_ord_id: [u8; 10],
        43 security_id: [u8; 12],
        55 account: [u8; 13],
        68 owner_type: u8,
        69 side: u8,
        70 price: BeI64,
        78 order_qty: BeI64,
        86 leaves_qty: BeI64,
        94 cxl_qty: BeI64,
        102 ord_type: u8,
        103 time_in_force: u8,
        104 ord_status: u8,
        105 credit_tag: [u8; 2],
        /// The order that a cancel named.
        107 orig_cl_ord_id: [u8; 10],
        117 clearing_firm: [u8; 8],
        125 branch_id: [u8; 8],
        133 ord_rej_reason: Be32,
        137 ord_cnfm_id: [u8; 16],
        153 orig_ord_cnfm_id: [u8; 16],
        169 trade_date: Be32,
        173 transact_time: Be64,
        181 user_info: [u8; 32],
    }
}

message! {
    /// Cancel Reject: a cancel found nothing to cancel.
    CancelReject, 59, 120 bytes {
        0 pbu: [u8; 8],
        8 set_id: Be32,
        12 report_index: Be64,
        20 biz_id: Be32,
        24 biz_pbu: [u8; 8],
        /// Of the cancel.
        32 cl_ord_id: [u8; 10],
        42 security_id: [u8; 12],
        /// Of the order.
        54 orig_cl_ord_id: [u8; 10],
        64 branch_id: [u8; 8],
        72 cxl_rej_reason: Be32,
        76 trade_date: Be32,
        80 transact_time: Be64,
        88 user_info: [u8; 32],
    }
}

message! {
    /// Execution Report: a trade.
    Execution, 103, 213 bytes {
        0 pbu: [u8; 8],
        8 set_id: Be32,
        12 report_index: Be64,
        20 biz_id: Be32,
        /// `F`.
        24 exec_type: u8,
        25 biz_pbu: [u8; 8],
        33 cl_ord_id: [u8; 10],
        43 security_id: [u8; 12],
        55 account: [u8; 13],
        68 owner_type: u8,
        69 order_entry_time: Be64,
        77 last_px: BeI64,
        85 last_qty: BeI64,
        /// With the decimals of a price.
        93 gross_trade_amt: BeI64,
        101 side: u8,
        102 order_qty: BeI64,
        110 leaves_qty: BeI64,
        118 ord_status: u8,
        119 credit_tag: [u8; 2],
        121 clearing_firm: [u8; 8],
        129 branch_id: [u8; 8],
        137 trd_cnfm_id: [u8; 16],
        153 ord_cnfm_id: [u8; 16],
        169 trade_date: Be32,
        173 transact_time: Be64,
        181 user_info: [u8; 32],
    }
}

message! {
    /// Order Reject: the gateway itself refused a message; it has no report index.
    OrderReject, 204, 82 bytes {
        0 biz_id: Be32,
        4 biz_pbu: [u8; 8],
        12 cl_ord_id: [u8; 10],
        22 security_id: [u8; 12],
        34 ord_rej_reason: Be32,
        38 trade_date: Be32,
        42 transact_time: Be64,
        50 user_info: [u8; 32],
    }
}

message! {
    /// Platform State: orders are taken only while it is open.
    PlatformState, 209, 4 bytes {
        /// 0 auction.
        0 platform_id: Be16,
        /// See [`codes::state`].
        2 platform_state: Be16,
    }
}

message! {
    /// End of Stream: the client has had every report of this set so far.
    EndOfStream, 210, 20 bytes {
        0 pbu: [u8; 8],
        8 set_id: Be32,
        12 end_report_index: Be64,
    }
}

/// A message, viewed in place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Message<'a> {
    /// 33
    Heartbeat,
    /// 40
    Logon(&'a Logon),
    /// 41
    Logout(&'a Logout),
    /// 58
    New(&'a NewOrder),
    /// 61
    Cancel(&'a CancelOrder),
    /// 32
    Confirm(&'a Confirm),
    /// 59
    CancelReject(&'a CancelReject),
    /// 103
    Execution(&'a Execution),
    /// 204
    OrderReject(&'a OrderReject),
    /// 206
    Sync(Sync<'a>),
    /// 207
    SyncResponse(SyncResponse<'a>),
    /// 208
    ReportInfo(ReportInfo<'a>),
    /// 209
    PlatformState(&'a PlatformState),
    /// 210
    EndOfStream(&'a EndOfStream),
    /// A type that is skipped.
    Other(u32),
}

impl<'a> Message<'a> {
    /// Views the body of a frame as the message its type names. A longer body is accepted: fields
    /// are appended over the years.
    #[inline]
    pub fn parse(frame: Frame<'a>) -> Result<Message<'a>, Short> {
        let Frame { msg_type, body, .. } = frame;
        let short = Short { msg_type, got: body.len() };
        Ok(match msg_type {
            HEARTBEAT => Message::Heartbeat,
            Logon::TYPE => Message::Logon(Logon::parse(body).ok_or(short)?),
            Logout::TYPE => Message::Logout(Logout::parse(body).ok_or(short)?),
            NewOrder::TYPE => Message::New(NewOrder::parse(body).ok_or(short)?),
            CancelOrder::TYPE => Message::Cancel(CancelOrder::parse(body).ok_or(short)?),
            Confirm::TYPE => Message::Confirm(Confirm::parse(body).ok_or(short)?),
            CancelReject::TYPE => Message::CancelReject(CancelReject::parse(body).ok_or(short)?),
            Execution::TYPE => Message::Execution(Execution::parse(body).ok_or(short)?),
            OrderReject::TYPE => Message::OrderReject(OrderReject::parse(body).ok_or(short)?),
            Sync::TYPE => Message::Sync(Sync::parse(body).ok_or(short)?),
            SyncResponse::TYPE => Message::SyncResponse(SyncResponse::parse(body).ok_or(short)?),
            ReportInfo::TYPE => Message::ReportInfo(ReportInfo::parse(body).ok_or(short)?),
            PlatformState::TYPE => Message::PlatformState(PlatformState::parse(body).ok_or(short)?),
            EndOfStream::TYPE => Message::EndOfStream(EndOfStream::parse(body).ok_or(short)?),
            other => Message::Other(other),
        })
    }
}
