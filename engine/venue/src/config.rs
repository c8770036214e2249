//! What the venue is like: latency, rejects, sizes, and the choices that a replay has to make.
//!
//! Every key has a default and a sentence; unknown keys are errors. Sizes are arguments because
//! nothing is allocated after construction.

use std::fmt;
use std::ops::RangeInclusive;

use serde::Deserialize;

use crate::latency::Direction;
use crate::queue::{EXPONENT_MAX, QueueModel};

/// Configuration of the venue.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct VenueConfig {
    /// Seed of everything drawn: latencies, random rejects, the probabilistic queue model.
    pub seed: u64,
    /// How long messages take.
    pub latency: LatencyConfig,
    /// Orders refused at random or for their rate.
    pub rejects: RejectConfig,
    /// The order session.
    pub session: SessionConfig,
    /// Queue position on feeds of price levels; feeds of orders need none, they show it.
    pub queue: QueueModel,
    /// What happens to new orders while the instrument is not in continuous trading.
    pub not_continuous: NotContinuous,
    /// Whether an instrument trades whose phase nobody has told (a capture that starts mid-day).
    pub trade_unknown_phase: bool,
    /// Whether prints of hidden liquidity strictly through an own order's price fill it.
    pub hidden_prints_fill: bool,
    /// Largest quantity of an order.
    pub max_quantity: u32,
    /// Engine time at the venue's midnight, in nanoseconds: time stamps on the wire count from it.
    pub midnight_ns: u64,
    /// Table sizes.
    pub sizes: Sizes,
}

impl Default for VenueConfig {
    fn default() -> Self {
        VenueConfig {
            seed: 1,
            latency: LatencyConfig::default(),
            rejects: RejectConfig::default(),
            session: SessionConfig::default(),
            queue: QueueModel::default(),
            not_continuous: NotContinuous::default(),
            trade_unknown_phase: true,
            hidden_prints_fill: true,
            max_quantity: 999_999,
            midnight_ns: 0,
            sizes: Sizes::default(),
        }
    }
}

/// Latency of both directions.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LatencyConfig {
    /// From the engine's socket to the matching engine.
    pub to_venue: Direction,
    /// From the matching engine to the engine's socket.
    pub from_venue: Direction,
}

/// Orders refused although nothing is wrong with them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RejectConfig {
    /// How many of a million new orders and replaces are refused at random.
    pub random_ppm: u32,
    /// OUCH reason of a random reject; 15 is `F`, other.
    pub random_reason: u16,
    /// Most new orders and replaces in a window of `throttle_window_ns`; 0 is no throttle.
    pub throttle_messages: u32,
    /// Length of the throttle's window in nanoseconds.
    pub throttle_window_ns: u64,
    /// OUCH reason of a throttle reject.
    pub throttle_reason: u16,
}

impl Default for RejectConfig {
    fn default() -> Self {
        RejectConfig {
            random_ppm: 0,
            random_reason: 0x0f,
            throttle_messages: 0,
            throttle_window_ns: 1_000_000_000,
            throttle_reason: 0x0f,
        }
    }
}

/// The SoupBinTCP session.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SessionConfig {
    /// Name of the session, at most ten characters.
    pub name: String,
    /// User name that may log in; empty lets everybody in.
    pub username: String,
    /// Password of that user.
    pub password: String,
    /// The venue sends a heartbeat after this silence of its own, in nanoseconds; 0 is never.
    pub heartbeat_ns: u64,
    /// The venue ends a connection after this silence of the client, in nanoseconds; 0 is never
    /// (a replay jumps over quiet hours in which no client could have said anything).
    pub silence_ns: u64,
    /// Whether open orders are cancelled when the connection ends.
    pub cancel_on_disconnect: bool,
}

impl Default for SessionConfig {
    fn default() -> Self {
        SessionConfig {
            name: "NOFX".into(),
            username: String::new(),
            password: String::new(),
            heartbeat_ns: 1_000_000_000,
            silence_ns: 0,
            cancel_on_disconnect: false,
        }
    }
}

/// New orders outside continuous trading.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NotContinuous {
    /// Refused with reason 7, halted.
    #[default]
    Reject,
    /// Accepted to rest; nothing fills them before continuous trading. After the close they are
    /// refused all the same.
    Rest,
}

/// How much room there is. Each is a hard limit; what happens beyond it stands beside it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Sizes {
    /// Open own orders; further ones are rejected (processing error).
    pub open_orders: u32,
    /// Messages under way to the venue; further bytes are not taken from the socket.
    pub inbox: u32,
    /// Messages under way to the engine, besides one for each open order; while they are used up,
    /// the venue takes no request and fills nothing.
    pub outbox: u32,
    /// Sequenced messages kept for a client that reconnects and asks again.
    pub history: u32,
    /// Real orders or levels that own orders have taken from, until those leave the book; while it
    /// is full, nothing more is taken.
    pub taken: u32,
    /// Orders resting in the real books of the traded instruments, all together.
    pub book_orders: u32,
    /// Price levels of the real books of the traded instruments, all together.
    pub book_levels: u32,
}

impl Default for Sizes {
    fn default() -> Self {
        Sizes {
            open_orders: 1_024,
            inbox: 1_024,
            outbox: 4_096,
            history: 4_096,
            taken: 4_096,
            book_orders: 1 << 18,
            book_levels: 1 << 16,
        }
    }
}

impl VenueConfig {
    /// Checks what types cannot.
    pub fn check(&self) -> Result<(), ConfigError> {
        let sizes = &self.sizes;
        for (key, value) in [
            ("venue.sizes.open_orders", sizes.open_orders),
            ("venue.sizes.inbox", sizes.inbox),
            ("venue.sizes.outbox", sizes.outbox),
            ("venue.sizes.history", sizes.history),
            ("venue.sizes.taken", sizes.taken),
            ("venue.sizes.book_orders", sizes.book_orders),
            ("venue.sizes.book_levels", sizes.book_levels),
        ] {
            if !(8..=1 << 28).contains(&value) {
                return Err(ConfigError::new(key, format!("{value}: want 8 to {}", 1 << 28)));
            }
        }
        for (key, text, most) in [
            ("venue.session.name", &self.session.name, 10),
            ("venue.session.username", &self.session.username, 6),
            ("venue.session.password", &self.session.password, 10),
        ] {
            if text.len() > most || !text.bytes().all(|b| b.is_ascii_graphic()) {
                return Err(ConfigError::new(
                    key,
                    format!("{text:?}: want at most {most} ASCII characters without spaces"),
                ));
            }
        }
        if let QueueModel::Probabilistic { n } = self.queue
            && !(1..=EXPONENT_MAX).contains(&n)
        {
            let want = format!("{n}: want an exponent of 1 to {EXPONENT_MAX}");
            return Err(ConfigError::new("venue.queue.n", want));
        }
        if self.rejects.random_ppm > 1_000_000 {
            let want = format!("{}: want parts of a million", self.rejects.random_ppm);
            return Err(ConfigError::new("venue.rejects.random_ppm", want));
        }
        Ok(())
    }
}

/// A configuration value that cannot be used: names the key and what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError {
    key: String,
    want: String,
}

impl ConfigError {
    pub(crate) fn new(key: impl Into<String>, want: impl Into<String>) -> ConfigError {
        ConfigError { key: key.into(), want: want.into() }
    }

    /// The key, from the section that was read.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// The same of a section that stands below `section` in a larger file.
    pub fn below(mut self, section: &str) -> ConfigError {
        self.key = format!("{section}.{}", self.key);
        self
    }
}

/// Refuses a value outside `range`.
///
/// # Errors
/// Names the key.
pub fn within(key: &str, value: u64, range: RangeInclusive<u64>) -> Result<(), ConfigError> {
    if range.contains(&value) {
        return Ok(());
    }
    let (low, high) = range.into_inner();
    Err(ConfigError::new(key, format!("{value}: want {low} to {high}")))
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.key, self.want)
    }
}

impl std::error::Error for ConfigError {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::latency::Latency;

    #[test]
    fn keys_are_read_and_unknown_ones_refused() {
        let text = r#"
            seed = 7
            not_continuous = "rest"
            queue = { kind = "probabilistic", n = 3 }
            [latency.to_venue]
            new = { kind = "fixed", ns = 500 }
            cancel = { kind = "quantiles", points = [[0, 10], [1000000, 90]] }
            [latency.from_venue]
            other = { kind = "file", path = "x.txt" }
            [rejects]
            random_ppm = 10
            [sizes]
            open_orders = 16
        "#;
        let config: VenueConfig = toml::from_str(text).expect("every key is known");
        assert_eq!(config.latency.to_venue.new, Latency::Fixed { ns: 500 });
        assert_eq!(config.latency.to_venue.replace, Latency::Fixed { ns: 15_000 });
        let points = vec![(0, 10), (1_000_000, 90)];
        assert_eq!(config.latency.to_venue.cancel, Latency::Quantiles { points });
        assert_eq!(config.queue, QueueModel::Probabilistic { n: 3 });
        assert_eq!(config.not_continuous, NotContinuous::Rest);
        assert_eq!((config.seed, config.sizes.open_orders, config.sizes.outbox), (7, 16, 4_096));
        assert_eq!(config.check(), Ok(()));
        assert_eq!(
            toml::from_str::<VenueConfig>("").expect("all defaults"),
            VenueConfig::default()
        );
        for unknown in [
            "sed = 1",
            "[latency]\nto = 1",
            "[sizes]\norders = 1",
            "queue = { kind = \"conservative\", m = 2 }",
            "queue = { kind = \"optimistic\" }",
            "[latency.to_venue]\nnew = { kind = \"fixed\", ns = 1, us = 2 }",
        ] {
            assert!(toml::from_str::<VenueConfig>(unknown).is_err(), "{unknown}");
        }
    }

    #[test]
    fn values_out_of_range_name_their_key() {
        let checked = |change: fn(&mut VenueConfig)| {
            let mut config = VenueConfig::default();
            change(&mut config);
            config.check().expect_err("must be refused").to_string()
        };
        assert!(checked(|c| c.sizes.outbox = 0).starts_with("venue.sizes.outbox: "));
        assert!(
            checked(|c| c.session.name = "eleven-char".into()).starts_with("venue.session.name")
        );
        assert!(checked(|c| c.session.password = "a b".into()).contains("without spaces"));
        assert!(
            checked(|c| c.queue = QueueModel::Probabilistic { n: 5 }).starts_with("venue.queue.n")
        );
        assert!(checked(|c| c.rejects.random_ppm = 1_000_001).contains("parts of a million"));
    }
}
