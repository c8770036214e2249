//! Feeds of Hong Kong and Shenzhen: their sections of the configuration, for replays and live runs.

use nofx_feed::omdc::{ModifyPlace, OmdcConfig, PositionMeaning};
use nofx_feed::szse::{SzseConfig, SzseFeed, SzseJoin};
use nofx_types::{BookEvent, EventKind, EventSink, InstrumentId, Nanos, StaleReason};
use serde::Deserialize;

mod rebuild;
pub use rebuild::{Channel, Clean, Rebuild, RebuildName};

use crate::config::{Config, ConfigError};
use crate::failure::Failure;

/// Section `[omdc]`: what the documents of OMD-C leave open.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct OmdcSection {
    /// The channel, which requests name and packets do not.
    pub channel: u16,
    /// What `order_book_position` counts: `level_rank_1based`, `level_rank_0based`,
    /// `side_rank_1based`, `side_rank_0based` or `ignore`.
    pub position: String,
    /// Where a modified order goes: `by_quantity` (less keeps its place, more goes to the back),
    /// `by_rank` or `kept`.
    pub modify: String,
    /// Instruments whose queues are followed to tell which reading of positions fits; 0 for none.
    pub followed: u32,
    /// Orders of them that live at once.
    pub followed_orders: u32,
    /// Odd-lot orders kept of each security; 0 for none.
    pub odd_lots: u32,
    /// Whether a Sequence Reset takes a number itself.
    pub reset_is_numbered: bool,
    /// By how much the times of a phase may miss the clock, milliseconds.
    pub clock_tolerance_ms: u32,
}

impl Default for OmdcSection {
    fn default() -> Self {
        let OmdcConfig {
            position,
            modify,
            followed,
            followed_orders,
            odd_lots,
            reset_is_numbered,
            clock_tolerance_ns,
            ..
        } = OmdcConfig::default();
        OmdcSection {
            channel: 1,
            position: position.name().into(),
            modify: modify.name().into(),
            followed,
            followed_orders,
            odd_lots,
            reset_is_numbered,
            clock_tolerance_ms: (clock_tolerance_ns / 1_000_000) as u32,
        }
    }
}

impl OmdcSection {
    /// For the feed.
    ///
    /// # Errors
    /// A word that is none of those listed.
    pub fn feed(&self) -> Result<OmdcConfig, ConfigError> {
        let position = PositionMeaning::ALL.into_iter().find(|p| p.name() == self.position);
        let position = position.ok_or_else(|| {
            let names = PositionMeaning::ALL.map(PositionMeaning::name).join(", ");
            ConfigError::new("omdc.position", format!("{:?}: want one of {names}", self.position))
        })?;
        let modify = ModifyPlace::ALL.into_iter().find(|m| m.name() == self.modify);
        let modify = modify.ok_or_else(|| {
            let names = ModifyPlace::ALL.map(ModifyPlace::name).join(", ");
            ConfigError::new("omdc.modify", format!("{:?}: want one of {names}", self.modify))
        })?;
        Ok(OmdcConfig {
            channel: self.channel,
            position,
            modify,
            followed: self.followed,
            followed_orders: self.followed_orders,
            odd_lots: self.odd_lots,
            reset_is_numbered: self.reset_is_numbered,
            clock_tolerance_ns: u64::from(self.clock_tolerance_ms) * 1_000_000,
        })
    }
}

/// Section `[szse]`: the session with Shenzhen's market data gateway.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SzseSection {
    /// SenderCompID, at most 20 characters.
    pub sender: String,
    /// TargetCompID, at most 20 characters.
    pub target: String,
    /// Password, at most 16 characters.
    pub password: String,
    /// DefaultApplVerID, at most 32 characters.
    pub version: String,
    /// Seconds between heartbeats.
    pub heartbeat_s: u32,
    /// The session is given up after this much silence, nanoseconds.
    pub silence_ns: u64,
    /// First wait between attempts to connect, nanoseconds.
    pub retry_min_ns: u64,
    /// Longest wait between attempts to connect, nanoseconds.
    pub retry_max_ns: u64,
    /// Channels begin with tick 1: what came before the first one seen is asked for. Otherwise books
    /// begin stale.
    pub from_one: bool,
    /// Channels that may be followed.
    pub channels: u32,
    /// Ticks of a channel that may wait behind a hole: a power of two.
    pub park_ticks: u32,
    /// Most ticks asked for at once.
    pub resend_max: u64,
    /// How long an answer may take, nanoseconds.
    pub resend_timeout_ns: u64,
    /// Attempts without progress after which a hole is given up.
    pub resend_tries: u32,
    /// How long a hole may stay open while nobody can be asked, nanoseconds.
    pub gap_timeout_ns: u64,
    /// Phases by the clock of the day; without it, snapshots and statuses tell them.
    pub phases_by_clock: bool,
    /// What makes clean books: `waiting` holds an order that crosses until its trades have come,
    /// `simulated` matches at once and checks the trades when they come.
    pub rebuild: RebuildName,
}

impl Default for SzseSection {
    fn default() -> Self {
        let config = SzseConfig::default();
        SzseSection {
            sender: "NOFX".into(),
            target: "MDGW".into(),
            password: String::new(),
            version: config.version,
            heartbeat_s: config.heartbeat_s,
            silence_ns: config.silence_ns,
            retry_min_ns: config.retry_min_ns,
            retry_max_ns: config.retry_max_ns,
            from_one: true,
            channels: config.channels,
            park_ticks: config.park_ticks,
            resend_max: config.resend_max,
            resend_timeout_ns: config.resend_timeout_ns,
            resend_tries: config.resend_tries,
            gap_timeout_ns: config.gap_timeout_ns,
            phases_by_clock: true,
            rebuild: RebuildName::default(),
        }
    }
}

impl SzseSection {
    /// For the feed.
    pub fn feed(&self, instruments: u32) -> SzseConfig {
        let base = SzseConfig::default();
        SzseConfig {
            sender: self.sender.clone(),
            target: self.target.clone(),
            password: self.password.clone(),
            version: self.version.clone(),
            heartbeat_s: self.heartbeat_s,
            silence_ns: self.silence_ns,
            retry_min_ns: self.retry_min_ns,
            retry_max_ns: self.retry_max_ns,
            join: if self.from_one { SzseJoin::FromOne } else { SzseJoin::Live },
            channels: self.channels,
            park_ticks: self.park_ticks,
            resend_max: self.resend_max,
            resend_timeout_ns: self.resend_timeout_ns,
            resend_tries: self.resend_tries,
            gap_timeout_ns: self.gap_timeout_ns,
            instruments,
            schedule: if self.phases_by_clock { base.schedule } else { Vec::new() },
            ..base
        }
    }
}

/// Shenzhen's feed, and what makes clean books of its events.
///
/// # Errors
/// A key that cannot be used.
pub fn szse(config: &Config) -> Result<(SzseFeed, Rebuild), Failure> {
    let instruments = config.instruments.capacity;
    let feed = SzseFeed::new(config.szse.feed(instruments));
    let feed = feed.map_err(|e| Failure::usage(format!("szse: {e}")))?;
    Ok((feed, Rebuild::new(config.szse.rebuild, instruments, config.book.live_orders)?))
}

/// Whether every channel of a session has spoken since it was lost, and lacks nothing that may still
/// come. A channel that said nothing new may have told its last number, by a heartbeat.
pub fn whole(feed: &SzseFeed) -> bool {
    feed.channels().all(|c| c.ended || (c.spoke && c.expected > c.high))
}

/// Nobody knows what was missed.
pub fn mark_all_stale<S: EventSink>(now: Nanos, sink: &mut S) {
    tell(sink, InstrumentId::ALL, now, EventKind::Stale(StaleReason::Gap));
}

/// Books may be believed again, but those of channels that lost ticks for good.
#[cold]
pub fn recover<S: EventSink>(feed: &SzseFeed, now: Nanos, sink: &mut S) {
    tell(sink, InstrumentId::ALL, now, EventKind::Recovered);
    for channel in feed.channels().filter(|channel| channel.lost > 0) {
        let ids = (0..).map(InstrumentId);
        let rows = ids.map_while(|id| feed.security(id).map(|(_, view)| (id, view.channel)));
        for (id, _) in rows.filter(|(_, of)| *of == channel.channel) {
            tell(sink, id, now, EventKind::Stale(StaleReason::Gap));
        }
    }
}

fn tell<S: EventSink>(sink: &mut S, instrument: InstrumentId, now: Nanos, kind: EventKind) {
    let (exch_ns, capture_ns) = (now, now);
    sink.on_event(&BookEvent { instrument, seq: 0, exch_ns, capture_ns, last: true, kind });
}
