//! What recovery went through, for reports and views.

use nofx_rt::hist::Histogram;

/// Counts of one channel's recovery since it was made.
#[derive(Clone, Default)]
pub struct RecoveryCounters {
    /// Holes that the lines could not fill.
    pub holes: u64,
    /// Requests handed out for sending.
    pub requests: u64,
    /// Requests that brought nothing in time.
    pub request_timeouts: u64,
    /// Datagrams from re-request servers.
    pub replies: u64,
    /// Those that were unreadable, of another session, empty, or beyond what the lines had shown.
    pub replies_refused: u64,
    /// Those that brought nothing that was missing.
    pub replies_late: u64,
    /// Missing messages that replies brought.
    pub recovered: u64,
    /// Retransmission sessions that were opened.
    pub sessions: u64,
    /// Those that ended without our will, logons that were refused, streams that could not be read.
    pub sessions_lost: u64,
    /// Requests that a server refused.
    pub requests_refused: u64,
    /// Retransmissions that were given up.
    pub retransmissions_failed: u64,
    /// Snapshots asked for.
    pub snapshots: u64,
    /// Snapshots joined to the stream.
    pub snapshots_joined: u64,
    /// Snapshots that were refused, cut, broken or too slow.
    pub snapshots_failed: u64,
    /// Messages of snapshots, those of failed ones included.
    pub snapshot_messages: u64,
    /// Packets of a refresh line while an image was waited for.
    pub refresh_packets: u64,
    /// Images of a refresh line that a lost packet tore.
    pub refresh_torn: u64,
    /// Times at which the books ceased to be trusted.
    pub stale_episodes: u64,
    /// Datagrams that found no room to wait, each to be recovered later.
    pub buffer_full: u64,
    /// From stale to trusted again, nanoseconds.
    pub recover_ns: Histogram,
}

/// The silence of one line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LineAlarm {
    /// Nothing came for [`RecoveryConfig::silence_ns`](super::RecoveryConfig::silence_ns).
    pub silent: bool,
    /// Times that happened.
    pub episodes: u64,
    /// Longest silence that ended, nanoseconds.
    pub longest_ns: u64,
}
