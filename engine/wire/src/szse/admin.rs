//! Messages about securities, markets and channels.

use super::message;
use crate::num::{Be16, Be32, BeI64};
use crate::record::record;

message! {
    /// The fixed part of an [`Announcement`].
    AnnouncementHead, 390_012, 158 bytes {
        0 orig_time: BeI64,
        8 channel_no: Be16,
        10 news_id: [u8; 8],
        18 headline: [u8; 128],
        146 raw_data_format: [u8; 8],
        /// Bytes that follow.
        154 raw_data_length: Be32,
    }
}

/// News, with its text or document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Announcement<'a> {
    /// The fixed part.
    pub head: &'a AnnouncementHead,
    /// Text or document.
    pub data: &'a [u8],
}

impl<'a> Announcement<'a> {
    /// The message type on the wire.
    pub const TYPE: u32 = AnnouncementHead::TYPE;

    /// Views a body; `None` when it is too short.
    pub fn parse(body: &'a [u8]) -> Option<Announcement<'a>> {
        let head = AnnouncementHead::parse(body)?;
        let data = body.get(size_of::<AnnouncementHead>()..)?;
        Some(Announcement { head, data: data.get(..head.raw_data_length.get() as usize)? })
    }
}

message! {
    /// The fixed part of a [`SecurityStatus`].
    SecurityStatusHead, 390_013, 34 bytes {
        0 orig_time: BeI64,
        8 channel_no: Be16,
        10 security_id: [u8; 8],
        18 security_id_source: [u8; 4],
        /// Letters of the security's state, such as ex-dividend.
        22 financial_status: [u8; 8],
        /// Switches that follow.
        30 no_switch: Be32,
    }
}

record! {
    /// One switch of a security: whether some kind of business is open.
    Switch, 4 {
        0 switch_type: Be16,
        /// 1 open, 0 closed.
        2 switch_status: Be16,
    }
}

/// What may be done with a security.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SecurityStatus<'a> {
    /// The fixed part.
    pub head: &'a SecurityStatusHead,
    /// The switches.
    pub switches: &'a [Switch],
}

impl<'a> SecurityStatus<'a> {
    /// The message type on the wire.
    pub const TYPE: u32 = SecurityStatusHead::TYPE;

    /// Views a body; `None` when it is too short.
    pub fn parse(body: &'a [u8]) -> Option<SecurityStatus<'a>> {
        let head = SecurityStatusHead::parse(body)?;
        let rows = body.get(size_of::<SecurityStatusHead>()..)?;
        Some(SecurityStatus { head, switches: group(rows, head.no_switch)? })
    }
}

message! {
    /// Market status: the session of a market segment, and the quota of a connect scheme.
    MarketStatus, 390_019, 69 bytes {
        0 orig_time: BeI64,
        8 channel_no: Be16,
        10 market_id: [u8; 8],
        18 market_segment_id: [u8; 8],
        26 trading_session_id: [u8; 4],
        30 trading_session_sub_id: [u8; 4],
        34 trad_ses_status: Be16,
        36 trad_ses_start_time: BeI64,
        44 trad_ses_end_time: BeI64,
        /// Day's quota, four decimals.
        52 threshold_amount: BeI64,
        /// What is left of it, four decimals.
        60 pos_amt: BeI64,
        68 amount_status: u8,
    }
}

message! {
    /// The fixed part of [`Statistics`]. That the groups are counted by a u32 is as everywhere else
    /// in the protocol \[m\].
    StatisticsHead, 390_090, 14 bytes {
        0 orig_time: BeI64,
        8 channel_no: Be16,
        /// Groups that follow.
        10 no_md_stream_id: Be32,
    }
}

record! {
    /// Securities of one stream that a channel sends snapshots of.
    StreamCount, 15 {
        0 md_stream_id: [u8; 3],
        3 stock_num: Be32,
        7 trading_phase_code: [u8; 8],
    }
}

/// How many securities a snapshot channel covers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Statistics<'a> {
    /// The fixed part.
    pub head: &'a StatisticsHead,
    /// Count per stream.
    pub streams: &'a [StreamCount],
}

impl<'a> Statistics<'a> {
    /// The message type on the wire.
    pub const TYPE: u32 = StatisticsHead::TYPE;

    /// Views a body; `None` when it is too short.
    pub fn parse(body: &'a [u8]) -> Option<Statistics<'a>> {
        let head = StatisticsHead::parse(body)?;
        let rows = body.get(size_of::<StatisticsHead>()..)?;
        Some(Statistics { head, streams: group(rows, head.no_md_stream_id)? })
    }
}

/// The first `count` records of `rows`; `None` when they are not all there.
fn group<T: bytemuck::Pod>(rows: &[u8], count: Be32) -> Option<&[T]> {
    let bytes = (count.get() as usize).checked_mul(size_of::<T>())?;
    bytemuck::try_cast_slice(rows.get(..bytes)?).ok()
}
