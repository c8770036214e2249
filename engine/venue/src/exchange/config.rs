//! Configuration of a venue that stands alone: every key with a default, unknown keys refused.
//!
//! `docs/venue.toml` lists all keys with their defaults; a test reads it.

use std::net::{Ipv4Addr, SocketAddrV4};
use std::path::PathBuf;

use nofx_types::Symbol;
use serde::Deserialize;

use crate::ConfigError;
use crate::config::within;

/// The whole file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ExchangeConfig {
    /// The loop of the process.
    pub process: ProcessConfig,
    /// Instruments, stream, sizes.
    pub market: MarketConfig,
    /// Phases of the day.
    pub course: CourseConfig,
    /// Scheduled halts.
    pub halts: Vec<HaltConfig>,
    /// Background orders.
    pub flow: FlowConfig,
    /// The multicast lines, A first; one or two.
    pub lines: Vec<LineConfig>,
    /// The re-request server.
    pub rerequest: RerequestConfig,
    /// The snapshot server.
    pub glimpse: GlimpseConfig,
    /// Who may send orders.
    pub firms: Vec<FirmConfig>,
}

/// Section `[process]`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ProcessConfig {
    /// What the loop does when nothing happened.
    pub idle: Idle,
    /// Core to run on; absent for any.
    pub pin: Option<usize>,
}

/// What a loop does when nothing happened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Idle {
    /// Looks again at once: for latency measurements on a core of its own.
    Spin,
    /// Lets others run first.
    Yield,
    /// Sleeps 50 microseconds.
    #[default]
    Sleep,
}

/// Section `[market]`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MarketConfig {
    /// Seed of everything drawn.
    pub seed: u64,
    /// Session of the stream and of the order ports, at most ten characters.
    pub session: String,
    /// Time of day at which the venue's clock starts, `HH:MM:SS`; empty for the time of day in UTC.
    pub start: String,
    /// Instruments named `AAAA`, `AAAB`, … by activity; 0 where `symbols` or a capture names them.
    pub instruments: u32,
    /// Instruments by symbol, most active first.
    pub symbols: Vec<String>,
    /// Shares per round lot, as the directory says.
    pub lot: u32,
    /// Price step from one dollar on, in 1/10,000.
    pub tick: u32,
    /// Largest quantity of an order.
    pub max_quantity: u32,
    /// Orders that rest at one time, all books together; also the number of price levels.
    pub orders: u32,
    /// Messages of the stream kept for re-requests; older ones are dropped.
    pub archive_messages: u64,
    /// Executions kept for the dump; further ones are counted only.
    pub executions: u32,
    /// Sequenced messages kept for each order port.
    pub history: u32,
}

impl Default for MarketConfig {
    fn default() -> Self {
        MarketConfig {
            seed: 1,
            session: "NOFX".into(),
            start: String::new(),
            instruments: 10,
            symbols: Vec::new(),
            lot: 100,
            tick: 100,
            max_quantity: 999_999,
            orders: 100_000,
            archive_messages: 20_000_000,
            executions: 2_000_000,
            history: 65_536,
        }
    }
}

/// Section `[course]`: how long each phase lasts, in seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CourseConfig {
    /// The opening call: orders are collected and nothing trades.
    pub pre_open_s: u32,
    /// Continuous trading; 0 lasts until the process is stopped.
    pub continuous_s: u32,
    /// The closing call.
    pub closing_call_s: u32,
    /// Between the close and the end of the stream.
    pub after_close_s: u32,
    /// The call that ends a halt.
    pub halt_call_s: u32,
    /// Between two imbalance messages of a call; 0 sends none.
    pub imbalance_s: u32,
}

impl Default for CourseConfig {
    fn default() -> Self {
        CourseConfig {
            pre_open_s: 3,
            continuous_s: 0,
            closing_call_s: 2,
            after_close_s: 1,
            halt_call_s: 2,
            imbalance_s: 1,
        }
    }
}

/// One of `[[halts]]`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HaltConfig {
    /// The instrument.
    pub symbol: String,
    /// Seconds behind the open.
    pub at_s: u32,
    /// Seconds until the call that ends it.
    pub for_s: u32,
}

/// Section `[flow]`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct FlowConfig {
    /// Messages a second of continuous trading, about; 0 for no background.
    pub rate: u32,
    /// Orders that rest in an instrument on average.
    pub resting: u32,
    /// Exponent of the Zipf activity over instruments, in quarters: 4 is 1/rank.
    pub zipf_quarters: u32,
    /// Orders come from this ITCH file (BinaryFILE or a capture of MoldUDP64) instead.
    pub capture: Option<PathBuf>,
    /// Of a capture, what is older than this time of day is played at once, before the open, and
    /// the rest from the open on; `HH:MM:SS`.
    pub from: String,
    /// How many times faster than written, in percent: the pace of a capture, the rate of the
    /// generator.
    pub speed_percent: u32,
}

impl Default for FlowConfig {
    fn default() -> Self {
        FlowConfig {
            rate: 1_000,
            resting: 75,
            zipf_quarters: 4,
            capture: None,
            from: "09:30:00".into(),
            speed_percent: 100,
        }
    }
}

/// One of `[[lines]]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LineConfig {
    /// Multicast group (or one receiver) and port; port 0 takes a free one.
    pub group: SocketAddrV4,
    /// Address of the interface it leaves by.
    pub interface: Ipv4Addr,
    /// Packets lost, in parts of a million.
    #[serde(default)]
    pub loss_ppm: u32,
}

/// Section `[rerequest]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RerequestConfig {
    /// Where requests are taken; port 0 takes a free one.
    pub listen: SocketAddrV4,
}

/// Section `[glimpse]`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct GlimpseConfig {
    /// Where snapshots are served; port 0 takes a free one.
    pub listen: SocketAddrV4,
    /// User name, at most six characters; empty lets everybody in.
    pub username: String,
    /// Password, at most ten characters.
    pub password: String,
    /// Clients at one time.
    pub clients: u32,
}

impl Default for RerequestConfig {
    fn default() -> Self {
        RerequestConfig { listen: any_port() }
    }
}

impl Default for GlimpseConfig {
    fn default() -> Self {
        GlimpseConfig {
            listen: any_port(),
            username: String::new(),
            password: String::new(),
            clients: 8,
        }
    }
}

const fn any_port() -> SocketAddrV4 {
    SocketAddrV4::new(Ipv4Addr::LOCALHOST, 0)
}

/// One of `[[firms]]`: an order port and who may use it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct FirmConfig {
    /// Four letters (MPID).
    pub name: String,
    /// Where its orders are taken; port 0 takes a free one.
    pub listen: SocketAddrV4,
    /// User name, at most six characters; empty lets everybody in.
    pub username: String,
    /// Password, at most ten characters.
    pub password: String,
    /// Whether its open orders are cancelled when its connection ends.
    pub cancel_on_disconnect: bool,
    /// Most new orders and replaces in a window of `throttle_window_ns`; 0 sets no limit.
    pub throttle_messages: u32,
    /// Length of the throttle's window in nanoseconds.
    pub throttle_window_ns: u64,
    /// OUCH reason of a throttle reject; 15 is `F`, other.
    pub throttle_reason: u16,
    /// Whether its orders may trade with each other; else the resting one is cancelled.
    pub self_trade: bool,
    /// The connection ends after this silence of the client, in nanoseconds; 0 is never.
    pub silence_ns: u64,
}

impl Default for FirmConfig {
    fn default() -> Self {
        FirmConfig {
            name: "NOFX".into(),
            listen: any_port(),
            username: "NOFX".into(),
            password: "NOFX".into(),
            cancel_on_disconnect: false,
            throttle_messages: 0,
            throttle_window_ns: 1_000_000_000,
            throttle_reason: 0x0f,
            self_trade: true,
            silence_ns: 15_000_000_000,
        }
    }
}

impl ExchangeConfig {
    /// Checks what types cannot.
    ///
    /// # Errors
    /// A value out of range, with its key.
    pub fn check(&self) -> Result<(), ConfigError> {
        self.market.check()?;
        self.flow.check()?;
        if self.lines.len() > 2 {
            return refuse("lines", format!("{}: want at most two", self.lines.len()));
        }
        if let Some(line) = self.lines.iter().find(|line| line.loss_ppm > 1_000_000) {
            return refuse("lines.loss_ppm", format!("{}: want parts of a million", line.loss_ppm));
        }
        within("glimpse.clients", self.glimpse.clients.into(), 1..=1_024)?;
        word("glimpse.username", &self.glimpse.username, 6)?;
        word("glimpse.password", &self.glimpse.password, 10)?;
        if self.firms.len() > FIRMS_MAX {
            return refuse("firms", format!("{}: want at most {FIRMS_MAX}", self.firms.len()));
        }
        for (at, firm) in self.firms.iter().enumerate() {
            firm.check()?;
            if self.firms.iter().take(at).any(|other| other.name == firm.name) {
                return refuse("firms.name", format!("{:?} is named twice", firm.name));
            }
        }
        Ok(())
    }
}

/// Most firms.
const FIRMS_MAX: usize = 64;

impl MarketConfig {
    fn check(&self) -> Result<(), ConfigError> {
        word("market.session", &self.session, 10)?;
        if !self.start.is_empty() && clock(&self.start).is_none() {
            return refuse("market.start", format!("{:?}: want HH:MM:SS or \"\"", self.start));
        }
        if self.instruments > 65_000 || self.symbols.len() > 65_000 {
            return refuse("market.instruments", "want at most 65000");
        }
        for symbol in &self.symbols {
            if symbol.is_empty() || Symbol::new(symbol).is_none() {
                return refuse("market.symbols", format!("{symbol:?}: want 1 to 8 characters"));
            }
        }
        for (key, value, low, high) in [
            ("market.lot", self.lot, 1, 1_000_000),
            ("market.tick", self.tick, 1, 1_000_000),
            ("market.max_quantity", self.max_quantity, 1, u64::from(u32::MAX)),
            ("market.orders", self.orders, 8, 1 << 24),
            ("market.executions", self.executions, 0, 1 << 28),
            ("market.history", self.history, 8, 1 << 24),
        ] {
            within(key, u64::from(value), low..=high)?;
        }
        Ok(())
    }
}

impl FlowConfig {
    fn check(&self) -> Result<(), ConfigError> {
        for (key, value, low, high) in [
            ("flow.rate", self.rate, 0, 1_000_000),
            ("flow.resting", self.resting, 4, 3_000),
            ("flow.zipf_quarters", self.zipf_quarters, 0, 8),
            ("flow.speed_percent", self.speed_percent, 1, 1_000_000),
        ] {
            within(key, u64::from(value), low..=high)?;
        }
        if clock(&self.from).is_none() {
            return refuse("flow.from", format!("{:?}: want HH:MM:SS", self.from));
        }
        Ok(())
    }
}

impl FirmConfig {
    fn check(&self) -> Result<(), ConfigError> {
        word("firms.name", &self.name, 4)?;
        word("firms.username", &self.username, 6)?;
        word("firms.password", &self.password, 10)?;
        if self.name.is_empty() {
            return refuse("firms.name", "want one to four letters");
        }
        if self.throttle_window_ns == 0 {
            return refuse("firms.throttle_window_ns", "0: want at least 1");
        }
        Ok(())
    }
}

fn word(key: &str, text: &str, most: usize) -> Result<(), ConfigError> {
    if text.len() > most || !text.bytes().all(|b| b.is_ascii_graphic()) {
        let want = format!("{text:?}: want at most {most} ASCII characters without spaces");
        return Err(ConfigError::new(key, want));
    }
    Ok(())
}

fn refuse<T>(key: &str, want: impl Into<String>) -> Result<T, ConfigError> {
    Err(ConfigError::new(key, want))
}

/// `HH:MM:SS` as nanoseconds since midnight.
pub fn clock(text: &str) -> Option<u64> {
    let mut parts = text.split(':');
    let mut part = |below: u64| {
        let digits = parts.next().filter(|p| p.len() == 2 && p.bytes().all(|b| b.is_ascii_digit()));
        digits?.parse::<u64>().ok().filter(|value| *value < below)
    };
    let (hours, minutes, seconds) = (part(24)?, part(60)?, part(60)?);
    parts.next().is_none().then_some(((hours * 60 + minutes) * 60 + seconds) * 1_000_000_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_is_named() {
        for (text, key) in [
            ("[market]\nstart = \"9:30\"", "market.start"),
            ("[market]\nsymbols = [\"TOOLONGNAME\"]", "market.symbols"),
            ("[flow]\nspeed_percent = 0", "flow.speed_percent"),
            ("[[firms]]\nname = \"\"", "firms.name"),
            ("[[firms]]\n[[firms]]", "named twice"),
            ("[[firms]]\npasword = \"x\"", "pasword"),
            ("[course]\nopen = 1", "open"),
        ] {
            let error = match toml::from_str::<ExchangeConfig>(text) {
                Ok(config) => config.check().expect_err(text).to_string(),
                Err(error) => error.to_string(),
            };
            assert!(error.contains(key), "{text}: {error}");
        }
        assert_eq!(clock("09:30:01"), Some(34_201_000_000_000));
        for text in ["", "9:30:00", "24:00:00", "09:60:00", "09:30", "09:30:00:00", "+9:30:00"] {
            assert_eq!(clock(text), None, "{text}");
        }
    }
}
