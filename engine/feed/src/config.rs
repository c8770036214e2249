//! How a feed is sized and when it gives a hole up.

use core::fmt;

use crate::omdc::OmdcConfig;
use crate::sequencer::{LINES_MAX, REORDER_MAX, Sequencing, Start};

/// Sizes and patience of a feed; the default is one line joined live.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FeedConfig {
    /// Lines of the stream, 1 or 2.
    pub lines: usize,
    /// Whether sequence numbers are believed.
    pub sequencing: Sequencing,
    /// Where the stream starts.
    pub start: Start,
    /// Datagrams that may overtake each other inside one line, at most [`REORDER_MAX`].
    pub reorder_packets: usize,
    /// Datagrams that can wait behind a hole.
    pub park_packets: usize,
    /// Longest datagram body that can wait, in bytes; a longer one closes the hole before it.
    pub packet_bytes: usize,
    /// How long a hole is left open, in nanoseconds of the engine's time.
    pub gap_timeout_ns: u64,
    /// Messages by which a single datagram may run ahead before it needs a witness.
    pub jump_max: u64,
    /// Instruments the tables hold: ids `0..instruments`. ITCH uses the stock locate as id.
    pub instruments: u32,
    /// Messages of a datagram that the sink is told of before they are delivered
    /// ([`EventSink::hint`](nofx_types::EventSink::hint)); 0 for none, the default: with 16
    /// messages a datagram, books in cache lost 19 % by it and those of 8,000 instruments gained
    /// 2 to 4 %.
    pub look_ahead: usize,
    /// Options of the OMD-C feed.
    pub omdc: OmdcConfig,
}

/// Most instruments of a feed.
const INSTRUMENTS_MAX: u32 = 1 << 20;
/// Most messages to look ahead.
const LOOK_AHEAD_MAX: usize = 64;

impl FeedConfig {
    pub(crate) fn check(&self) -> Result<(), ConfigError> {
        let bad = |key, want| Err(ConfigError::Value { key, want });
        if !(1..=LINES_MAX).contains(&self.lines) {
            return bad("lines", "1 or 2");
        }
        if self.reorder_packets > REORDER_MAX {
            return bad("reorder_packets", "at most 63");
        }
        if !(1..=1 << 16).contains(&self.park_packets) {
            return bad("park_packets", "1 to 65536");
        }
        if !(64..=1 << 16).contains(&self.packet_bytes) {
            return bad("packet_bytes", "64 to 65536");
        }
        if self.jump_max == 0 {
            return bad("jump_max", "at least 1");
        }
        if !(1..=INSTRUMENTS_MAX).contains(&self.instruments) {
            return bad("instruments", "1 to 1048576");
        }
        if self.look_ahead > LOOK_AHEAD_MAX {
            return bad("look_ahead", "at most 64");
        }
        self.omdc.check()
    }
}

impl Default for FeedConfig {
    fn default() -> Self {
        FeedConfig {
            lines: 1,
            sequencing: Sequencing::On,
            start: Start::Live,
            reorder_packets: 8,
            park_packets: 1024,
            packet_bytes: 1536,
            gap_timeout_ns: 1_000_000,
            jump_max: 1 << 24,
            instruments: 16_384,
            look_ahead: 0,
            omdc: OmdcConfig::default(),
        }
    }
}

/// Why a feed cannot be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConfigError {
    /// A value is outside its range.
    Value {
        /// The key of [`FeedConfig`].
        key: &'static str,
        /// The range.
        want: &'static str,
    },
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ConfigError::Value { key, want } => write!(f, "feed.{key}: want {want}"),
        }
    }
}

impl core::error::Error for ConfigError {}
