//! `[clock]`: who is asked, how often, and what is allowed.

use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Who is asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// Nobody: every time that is written down has an unknown error.
    #[default]
    None,
    /// chronyd, by `chronyc`.
    Chrony,
    /// ptp4l of linuxptp, by `pmc`.
    Ptp,
}

/// The section `[clock]` of the configuration.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// `"chrony"`, `"ptp"` or `"none"`.
    pub source: Source,
    /// The clock may be this far from its reference; above: alarm. Nanoseconds.
    pub bound_ns: u64,
    /// Whether the alarm engages the kill switch of every engine.
    pub stop_trading: bool,
    /// Time between two looks, milliseconds.
    pub poll_ms: u64,
    /// Added to every bound: what the source cannot see, such as the way from the network card's
    /// clock to the system's, or a grandmaster that announces no accuracy. Nanoseconds.
    pub extra_ns: u64,
    /// The program to run instead of `chronyc` or `pmc`.
    pub command: Option<PathBuf>,
    /// Where the service answers: host or socket for `chronyc -h`, socket for `pmc -s`.
    pub address: Option<String>,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            source: Source::None,
            bound_ns: 100_000, // members with high-frequency trading, EU 2017/574 (RTS 25), table 2
            stop_trading: false,
            poll_ms: 1_000,
            extra_ns: 0,
            command: None,
            address: None,
        }
    }
}

impl Settings {
    /// # Errors
    /// A key that makes no sense, by name, with what to do.
    pub fn check(&self) -> Result<(), String> {
        if !(100..=60_000).contains(&self.poll_ms) {
            return Err("clock.poll_ms: give 100 to 60000".into());
        }
        if self.bound_ns == 0 {
            return Err("clock.bound_ns: no clock is without error; 100000 is 100 us".into());
        }
        if self.stop_trading && self.source == Source::None {
            return Err("clock.stop_trading: needs clock.source = \"chrony\" or \"ptp\"".into());
        }
        let option_like = |text: &str| text.is_empty() || text.starts_with('-');
        if self.address.as_deref().is_some_and(option_like) {
            return Err("clock.address: give a host or the path of a socket".into());
        }
        Ok(())
    }

    /// Time between two looks.
    pub fn poll(&self) -> Duration {
        Duration::from_millis(self.poll_ms)
    }

    /// A reading older than this tells nothing: three looks, five seconds at least.
    pub fn stale_after(&self) -> Duration {
        (self.poll() * 3).max(Duration::from_secs(5))
    }
}
