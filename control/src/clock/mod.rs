//! How far the clock may be from UTC, and what follows from that.
//!
//! Holds: one [`ClockWatch`], which asks chrony ([`chrony`]) or linuxptp
//! ([`ptp`]) every `poll_ms` by running their own tools, and keeps the latest
//! [`Reading`]. From it everybody computes the bound as of now: it grows with the reading's age.
//! Why by a program and not by a protocol of our own: their tools are there where their services
//! are, and their formats have been stable for years.
//!
//! Fails closed: no answer for [`Settings::stale_after`], an answer that cannot be read, a service
//! that follows nobody: the bound is unknown, which is not good. Only a bound that is known and not
//! above `bound_ns` is good. Everything else raises the alarm, and with `stop_trading` engages the
//! kill switch ([`mod@guard`]): that is for people to release.
//!
//! Worst case: the bound is `poll_ms` plus the time of one look old when a clock is lost; one child
//! process at a time, killed after four seconds.

mod ask;
mod chrony;
mod guard;
mod ptp;
mod reading;
mod settings;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use serde::Serialize;
use tokio::sync::watch;
use utoipa::ToSchema;

pub use guard::{enforce, guard, stop_reason};
pub use reading::Reading;
pub use settings::{Settings, Source};

use ask::Trouble;

/// Whether the clock is good.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = ClockStanding)] // names of the document are one space, and engines stand too
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// Nothing is watched: the configuration says so.
    #[default]
    Off,
    /// Not asked long enough to tell.
    Starting,
    /// The bound is known and within the limit.
    Good,
    /// The bound is known and above the limit.
    Over,
    /// The bound is not known.
    Unknown,
}

/// What is known of the clock at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct ClockState {
    /// Who is asked.
    pub source: Source,
    /// Whether the clock is good.
    pub state: Standing,
    /// Not good where it should be: above the limit, or unknown.
    pub alarm: bool,
    /// The clock is at most this far from its reference, now; null when that is not known.
    pub error_ns: Option<u64>,
    /// The limit.
    pub bound_ns: u64,
    /// Whether the alarm engages the kill switch.
    pub stop_trading: bool,
    /// When the reading was taken, UTC nanoseconds since 1970 by this very clock.
    pub read_at_ns: Option<u64>,
    /// Since then, by a clock that is never set.
    pub age_ns: Option<u64>,
    /// The parts of the bound as they were read.
    pub reading: Option<Reading>,
    /// In words: why the state is what it is.
    pub detail: String,
    /// Looks so far.
    pub looks: u64,
    /// Looks that brought no reading.
    pub failures: u64,
    /// Times the alarm was raised.
    pub alarms: u64,
}

/// Watches the clock; cheap to clone.
#[derive(Clone)]
pub struct ClockWatch {
    shared: Arc<Shared>,
}

struct Shared {
    settings: Settings,
    seen: Mutex<Seen>,
    latest: watch::Sender<Arc<ClockState>>,
}

/// What the looks brought.
struct Seen {
    since: Instant,
    reading: Option<Taken>,
    refused: Option<String>,
    trouble: String,
    looks: u64,
    failures: u64,
    alarms: u64,
    alarm: bool,
}

struct Taken {
    reading: Reading,
    at: Instant,
    at_ns: u64,
    /// When `reading.mark` was last seen to change.
    moved: Instant,
}

impl ClockWatch {
    /// A watch that has not looked yet; [`ClockWatch::run`] looks.
    pub fn new(settings: Settings) -> ClockWatch {
        let seen = Seen {
            since: Instant::now(),
            reading: None,
            refused: None,
            trouble: String::new(),
            looks: 0,
            failures: 0,
            alarms: 0,
            alarm: false,
        };
        let (latest, _) = watch::channel(Arc::new(seen.state(&settings, seen.since)));
        ClockWatch { shared: Arc::new(Shared { settings, seen: Mutex::new(seen), latest }) }
    }

    /// Looks for ever, or not at all with source `none`.
    pub async fn run(self) {
        if self.shared.settings.source == Source::None {
            return;
        }
        let mut ticks = tokio::time::interval(self.shared.settings.poll());
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            self.look().await;
        }
    }

    /// Looks once.
    pub async fn look(&self) {
        let answer = ask::ask(&self.shared.settings).await;
        let state = self.with_seen(|seen| {
            seen.take(answer, Instant::now());
            seen.judge(&self.shared.settings, Instant::now())
        });
        self.shared.latest.send_replace(Arc::new(state));
    }

    /// The clock as of now.
    pub fn now(&self) -> ClockState {
        self.with_seen(|seen| seen.state(&self.shared.settings, Instant::now()))
    }

    /// The bound as of now, for whoever writes a time down; `None`: not known.
    pub fn error_ns(&self) -> Option<u64> {
        self.now().error_ns
    }

    /// Why the latest look brought no reading; `None`: it did.
    pub fn trouble(&self) -> Option<String> {
        self.with_seen(|seen| {
            let unreadable = (!seen.trouble.is_empty()).then(|| seen.trouble.clone());
            seen.refused.clone().or(unreadable)
        })
    }

    /// Every look as it is taken.
    pub fn subscribe(&self) -> watch::Receiver<Arc<ClockState>> {
        self.shared.latest.subscribe()
    }

    fn with_seen<T>(&self, f: impl FnOnce(&mut Seen) -> T) -> T {
        f(&mut self.shared.seen.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Seen {
    fn take(&mut self, answer: Result<Reading, Trouble>, now: Instant) {
        self.looks += 1;
        self.failures += u64::from(answer.is_err());
        match answer {
            Ok(reading) => {
                let before =
                    self.reading.as_ref().filter(|taken| taken.reading.mark == reading.mark);
                let moved = before.filter(|_| reading.mark != 0).map_or(now, |taken| taken.moved);
                self.reading = Some(Taken { reading, at: now, at_ns: utc_ns(), moved });
                self.refused = None;
                self.trouble.clear();
            }
            Err(Trouble::Unreadable(why)) => self.trouble = why,
            Err(Trouble::Refused(why)) => self.refused = Some(why),
        }
    }

    /// The state, and the count of alarms.
    fn judge(&mut self, settings: &Settings, now: Instant) -> ClockState {
        let alarm = self.state(settings, now).alarm;
        self.alarms += u64::from(alarm && !self.alarm);
        self.alarm = alarm;
        self.state(settings, now)
    }

    fn state(&self, settings: &Settings, now: Instant) -> ClockState {
        let age = |taken: &Taken| now.saturating_duration_since(taken.at);
        let fresh = self.fresh(settings, now);
        let error_ns = fresh.map(|taken| taken.reading.error_after(nanos(age(taken))));
        let (state, detail) = self.standing(settings, now, error_ns);
        ClockState {
            source: settings.source,
            state,
            alarm: matches!(state, Standing::Over | Standing::Unknown),
            error_ns,
            bound_ns: settings.bound_ns,
            stop_trading: settings.stop_trading,
            read_at_ns: self.reading.as_ref().map(|taken| taken.at_ns),
            age_ns: self.reading.as_ref().map(|taken| nanos(age(taken))),
            reading: self.reading.as_ref().map(|taken| taken.reading.clone()),
            detail,
            looks: self.looks,
            failures: self.failures,
            alarms: self.alarms,
        }
    }

    /// The reading, when it still holds.
    fn fresh(&self, settings: &Settings, now: Instant) -> Option<&Taken> {
        let young = |since: Instant| now.saturating_duration_since(since) <= settings.stale_after();
        let taken = self.reading.as_ref().filter(|_| self.refused.is_none())?;
        (young(taken.at) && young(taken.moved)).then_some(taken)
    }

    fn standing(
        &self,
        settings: &Settings,
        now: Instant,
        error_ns: Option<u64>,
    ) -> (Standing, String) {
        let limit = settings.bound_ns;
        let waited = now.saturating_duration_since(self.since) > settings.stale_after();
        match (settings.source, error_ns, &self.refused) {
            (Source::None, ..) => (Standing::Off, "clock.source is \"none\": not watched".into()),
            (_, Some(error), _) if error <= limit => {
                (Standing::Good, format!("within {error} ns of its reference, {limit} ns allowed"))
            }
            (_, Some(error), _) => {
                (Standing::Over, format!("{error} ns may be wrong, {limit} ns are allowed"))
            }
            (_, None, Some(why)) => (Standing::Unknown, why.clone()),
            (_, None, None) if self.reading.is_none() && !waited => {
                (Standing::Starting, "not asked long enough to tell".into())
            }
            (_, None, None) if self.trouble.is_empty() => (
                Standing::Unknown,
                "the latest reading is too old, or its source stands still".into(),
            ),
            (_, None, None) => (Standing::Unknown, self.trouble.clone()),
        }
    }
}

fn nanos(span: Duration) -> u64 {
    u64::try_from(span.as_nanos()).unwrap_or(u64::MAX)
}

fn utc_ns() -> u64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, nanos)
}

#[cfg(test)]
mod live;
#[cfg(test)]
mod tests;
