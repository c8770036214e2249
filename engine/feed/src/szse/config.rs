//! What a Shenzhen feed needs to know beforehand.

use nofx_types::Phase;

use crate::ConfigError;

/// Where a channel begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SzseJoin {
    /// With tick 1: what came before the first one seen is asked for.
    FromOne,
    /// With the first tick seen: books lack what rested before, and are marked stale.
    Live,
}

/// Sizes, times and words of a feed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SzseConfig {
    /// SenderCompID, at most 20 characters.
    pub sender: String,
    /// TargetCompID, at most 20 characters.
    pub target: String,
    /// At most 16 characters.
    pub password: String,
    /// DefaultApplVerID, at most 32 characters.
    pub version: String,
    /// Seconds between heartbeats that are asked for and kept.
    pub heartbeat_s: u32,
    /// The session is given up after this much silence of the server, nanoseconds.
    pub silence_ns: u64,
    /// First wait between attempts to connect, nanoseconds.
    pub retry_min_ns: u64,
    /// Longest wait between attempts to connect, nanoseconds.
    pub retry_max_ns: u64,
    /// MDStreamID of the ticks that make books; ticks of others are counted.
    pub stream: [u8; 3],
    /// Where channels begin.
    pub join: SzseJoin,
    /// Channels that may be followed.
    pub channels: u32,
    /// Ticks of a channel that may wait behind a hole: a power of two.
    pub park_ticks: u32,
    /// Most ticks asked for at once. No source names a bound \[?\].
    pub resend_max: u64,
    /// How long an answer may take, nanoseconds.
    pub resend_timeout_ns: u64,
    /// Attempts without any progress after which a hole is given up.
    pub resend_tries: u32,
    /// How long a hole may stay open while nobody can be asked, nanoseconds.
    pub gap_timeout_ns: u64,
    /// Instruments that the tables hold.
    pub instruments: u32,
    /// Whether snapshots are compared with the books.
    pub cross_check: bool,
    /// Phases by the clock: seconds of the day (China) from which each holds, rising. Ticks carry no
    /// phase; where this is empty, snapshots alone tell it, later.
    pub schedule: Vec<(u32, Phase)>,
    /// How far a snapshot's phase may be from the schedule before it counts as a contradiction,
    /// seconds.
    pub phase_slack_s: u32,
}

const fn clock(hours: u32, minutes: u32) -> u32 {
    (hours * 60 + minutes) * 60
}

impl Default for SzseConfig {
    fn default() -> SzseConfig {
        SzseConfig {
            sender: String::new(),
            target: String::new(),
            password: String::new(),
            version: "1.02".into(),
            heartbeat_s: 3,
            silence_ns: 9_000_000_000,
            retry_min_ns: 100_000_000,
            retry_max_ns: 5_000_000_000,
            stream: *b"011",
            join: SzseJoin::FromOne,
            channels: 16,
            park_ticks: 8_192,
            resend_max: 10_000,
            resend_timeout_ns: 2_000_000_000,
            resend_tries: 3,
            gap_timeout_ns: 30_000_000_000,
            instruments: 4_096,
            cross_check: false,
            schedule: vec![
                (clock(9, 15), Phase::OpeningAuction),
                (clock(9, 25), Phase::PreOpen), // accepted, not processed [m]
                (clock(9, 30), Phase::Continuous),
                (clock(11, 30), Phase::Break),
                (clock(13, 0), Phase::Continuous),
                (clock(14, 57), Phase::ClosingAuction),
                (clock(15, 0), Phase::Closed),
            ],
            phase_slack_s: 10,
        }
    }
}

impl SzseConfig {
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        let checks = [
            ("sender", self.sender.len() <= 20, "at most 20 characters"),
            ("target", self.target.len() <= 20, "at most 20 characters"),
            ("password", self.password.len() <= 16, "at most 16 characters"),
            ("version", self.version.len() <= 32, "at most 32 characters"),
            ("heartbeat_s", (1..=3_600).contains(&self.heartbeat_s), "1 to 3600"),
            ("retry_max_ns", self.retry_min_ns <= self.retry_max_ns, "at least retry_min_ns"),
            ("channels", (1..=4_096).contains(&self.channels), "1 to 4096"),
            (
                "park_ticks",
                self.park_ticks.is_power_of_two() && (2..=1 << 22).contains(&self.park_ticks),
                "a power of two, 2 to 4194304",
            ),
            ("resend_max", self.resend_max > 0, "at least 1"),
            ("instruments", (1..=1 << 20).contains(&self.instruments), "1 to 1048576"),
            (
                "schedule",
                self.schedule.is_sorted_by(|a, b| a.0 < b.0)
                    && self.schedule.iter().all(|(from, _)| *from < 86_400),
                "rising seconds of a day",
            ),
        ];
        match checks.into_iter().find(|(_, good, _)| !good) {
            Some((key, _, want)) => Err(ConfigError::Value { key, want }),
            None => Ok(()),
        }
    }
}
