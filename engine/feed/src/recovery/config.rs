//! How a channel recovers, and how long it tries.

use nofx_wire::soup;

use crate::ConfigError;

/// Most re-request servers of a channel.
pub const SERVERS_MAX: usize = 4;
/// Most requests under way at once.
pub const IN_FLIGHT_MAX: usize = 16;

/// How a channel starts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Join {
    /// By a snapshot, unless the first datagram seen is the first of its session. Books are stale
    /// until then.
    #[default]
    Snapshot,
    /// At 1: what came before the first datagram is re-requested.
    FromOne,
    /// With what comes: books hold what happened since, and are believed. For tests, and for venues
    /// that are known to start together with us.
    Live,
}

/// What a channel may do to fill a hole. All times in nanoseconds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecoveryConfig {
    /// How the channel starts.
    pub join: Join,
    /// Datagrams that can wait behind a hole or for a snapshot; stands in the place of
    /// [`FeedConfig::park_packets`](crate::FeedConfig::park_packets). Each takes
    /// [`FeedConfig::packet_bytes`](crate::FeedConfig::packet_bytes).
    pub buffer_packets: usize,
    /// Re-request servers, 0 to [`SERVERS_MAX`], tried in turn.
    pub servers: usize,
    /// Messages asked for at once. An answer is one datagram, so more than fit one are in vain.
    pub request_max_messages: u16,
    /// Requests under way at once, 1 to [`IN_FLIGHT_MAX`].
    pub requests_in_flight: usize,
    /// Least time between two requests.
    pub request_interval_ns: u64,
    /// After this a request counts as lost, and the next server is asked.
    pub request_timeout_ns: u64,
    /// Lost requests in a row, without any progress between them, that end retransmission.
    pub attempts: u32,
    /// Retransmission ends after this in any case: a hole that grows as fast as it is filled.
    pub retransmission_timeout_ns: u64,
    /// A hole of more messages is not re-requested: a snapshot is shorter.
    pub retransmission_max_messages: u64,
    /// User of retransmission sessions, at most 12 bytes (OMD-C).
    pub request_user: String,
    /// Whether there is a source of snapshots: a GLIMPSE server, or a refresh line.
    pub snapshot: bool,
    /// Its user, at most 6 bytes.
    pub snapshot_user: String,
    /// Its password, at most 10 bytes.
    pub snapshot_password: String,
    /// Whether the snapshot session must bear the name of the stream's (trimmed). No specification
    /// promises it, but where a venue does so an image of yesterday is refused.
    pub snapshot_same_session: bool,
    /// From connecting (to a refresh line: from joining it) to the marker, and from the marker to the
    /// lines having reached it.
    pub snapshot_timeout_ns: u64,
    /// Rest after everything failed, and least time between two snapshots.
    pub retry_ns: u64,
    /// A line that is silent for so long raises its alarm; when all are, books are stale.
    pub silence_ns: u64,
}

impl RecoveryConfig {
    /// For OMD-C: one request at a time, of as many messages as its answer may hold packets for; a
    /// refresh line that may take two minutes for an image. Limits and times are of no source that
    /// could be read; a server that refuses a range is asked for half of it.
    pub fn omdc() -> RecoveryConfig {
        RecoveryConfig {
            request_max_messages: 1_000,
            requests_in_flight: 1,
            request_interval_ns: 1_000_000,
            request_timeout_ns: 2_000_000_000,
            retransmission_timeout_ns: 10_000_000_000,
            retransmission_max_messages: 10_000,
            snapshot_timeout_ns: 120_000_000_000,
            silence_ns: 10_000_000_000,
            ..RecoveryConfig::default()
        }
    }

    pub(crate) fn check(&self) -> Result<(), ConfigError> {
        let bad = |key, want| Err(ConfigError::Value { key, want });
        let times = [
            ("request_timeout_ns", self.request_timeout_ns),
            ("retransmission_timeout_ns", self.retransmission_timeout_ns),
            ("snapshot_timeout_ns", self.snapshot_timeout_ns),
            ("retry_ns", self.retry_ns),
            ("silence_ns", self.silence_ns),
        ];
        if let Some((key, _)) = times.iter().find(|(_, ns)| *ns == 0) {
            return bad(key, "at least 1");
        }
        if !(1..=1 << 16).contains(&self.buffer_packets) {
            return bad("buffer_packets", "1 to 65536");
        }
        if self.servers > SERVERS_MAX {
            return bad("servers", "at most 4");
        }
        if !(1..=IN_FLIGHT_MAX).contains(&self.requests_in_flight) {
            return bad("requests_in_flight", "1 to 16");
        }
        if !(1..=u16::MAX - 1).contains(&self.request_max_messages) {
            return bad("request_max_messages", "1 to 65534");
        }
        if self.attempts == 0 {
            return bad("attempts", "at least 1");
        }
        if self.join == Join::Snapshot && !self.snapshot {
            return bad("join", "from_one or live where there is no snapshot");
        }
        self.login().map(|_| ())
    }

    /// The login to the snapshot server: any session, from its first message.
    pub(crate) fn login(&self) -> Result<[u8; soup::LOGIN_REQUEST_LEN], ConfigError> {
        let bad = |key, want| Err(ConfigError::Value { key, want });
        if self.snapshot_user.len() > 6 {
            return bad("snapshot_user", "at most 6 bytes");
        }
        let (user, password) = (&self.snapshot_user, &self.snapshot_password);
        let login = soup::login_request(user, password, soup::ANY_SESSION, 1);
        login.ok_or(ConfigError::Value { key: "snapshot_password", want: "at most 10 bytes" })
    }
}

impl Default for RecoveryConfig {
    fn default() -> Self {
        RecoveryConfig {
            join: Join::Snapshot,
            buffer_packets: 16_384,
            servers: 1,
            request_max_messages: 32,
            requests_in_flight: 4,
            request_interval_ns: 50_000,
            request_timeout_ns: 50_000_000,
            attempts: 6,
            retransmission_timeout_ns: 2_000_000_000,
            retransmission_max_messages: 100_000,
            request_user: String::new(),
            snapshot: true,
            snapshot_user: String::new(),
            snapshot_password: String::new(),
            snapshot_same_session: false,
            snapshot_timeout_ns: 30_000_000_000,
            retry_ns: 1_000_000_000,
            silence_ns: 3_000_000_000,
        }
    }
}
