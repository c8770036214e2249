//! The configuration of a run: one TOML file, every key with a default, unknown keys refused.
//!
//! Each section belongs to the crate whose stage it sets up; this module joins them, applies
//! `--set`, and says which file and key is wrong. `docs/config.md` lists the keys.

use std::fmt;
use std::net::SocketAddrV4;
use std::path::{Path, PathBuf};

use nofx_order::{OcgConfig, Protocol, TdgwConfig, TgwConfig};
use nofx_risk::{CardConfig, HostRules};
use nofx_rt::topology::{LinkSpec, Rules, TileSpec, Topology};
use nofx_signal::{ImbalanceConfig, MakerConfig};
use nofx_types::Phase;
use nofx_venue::VenueConfig;
use serde::Deserialize;

use crate::cli::StrategyName;
use crate::feeds::{OmdcSection, SzseSection};
use crate::gate::GateSection;
use crate::live::config::{LiveSection, NetworkSection, RecoverySection};
use crate::market_desk::MarketSection;

/// Everything that can be configured.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Lines, reordering, start.
    pub feed: FeedSection,
    /// Files of mainland ticks.
    pub ticks: crate::ticks::TickSection,
    /// The feed of Hong Kong.
    pub omdc: OmdcSection,
    /// The feed of Shenzhen.
    pub szse: SzseSection,
    /// The instrument table.
    pub instruments: InstrumentSection,
    /// Sizes of the books.
    pub book: BookSection,
    /// Which strategy trades what.
    pub strategy: StrategySection,
    /// Host rules.
    pub host: HostRules,
    /// Card rules: limits.
    pub risk: CardConfig,
    /// Which gate judges.
    pub gate: GateSection,
    /// The order session.
    pub session: SessionSection,
    /// The exchange whose rules hold.
    pub market: MarketSection,
    /// The simulated venue.
    pub venue: VenueConfig,
    /// Files and paces of a live run.
    pub live: LiveSection,
    /// Where market data comes from and where orders go, live.
    pub network: NetworkSection,
    /// What is done about lost packets, live.
    pub recovery: RecoverySection,
    /// What holds for all tiles, live.
    pub topology: Rules,
    /// Tiles; none takes the default layout.
    pub tile: Vec<TileSpec>,
    /// Links between tiles.
    pub link: Vec<LinkSpec>,
}

impl Config {
    /// The layout of tiles on a machine that offers `cores`.
    pub fn layout(&self, cores: &[usize]) -> Topology {
        let (rules, tiles, links) = (self.topology.clone(), self.tile.clone(), self.link.clone());
        Topology { rules, tiles, links }.or_default(cores)
    }
}

/// Section `[feed]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct FeedSection {
    /// Packets that a line may deliver behind a later one before the hole counts as a gap.
    pub reorder_packets: u32,
    /// Packets parked behind a hole, at most.
    pub park_packets: u32,
    /// Engine time after which a hole is given up, nanoseconds.
    pub gap_timeout_ns: u64,
    /// Expect the stream from sequence 1 instead of from the first packet seen.
    pub from_one: bool,
    /// Trust no sequence numbers (captures whose headers were blanked).
    pub unsequenced: bool,
    /// What the engine's time is.
    pub clock: EngineClock,
    /// Messages of a file that the books are told of before they are due; 0 for none.
    pub look_ahead: usize,
}

/// What the engine's time is in a replay.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EngineClock {
    /// When the packet was captured: what a live engine knows.
    #[default]
    Capture,
    /// The venue's own stamp of each message: decisions then do not depend on which line brought a
    /// message first, nor on how late it was.
    Exchange,
}

impl Default for FeedSection {
    fn default() -> Self {
        FeedSection {
            reorder_packets: 8,
            park_packets: 1_024,
            gap_timeout_ns: 1_000_000,
            from_one: false,
            unsequenced: false,
            clock: EngineClock::Capture,
            look_ahead: 8,
        }
    }
}

/// Section `[instruments]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct InstrumentSection {
    /// Instruments in the table; ITCH uses the stock locate as index.
    pub capacity: u32,
    /// CSV of definitions for feeds that send none.
    pub definitions: Option<PathBuf>,
    /// Trading date for the definitions, YYYY-MM-DD; empty takes the newest row.
    pub date: String,
    /// Phase of an instrument of which the feed has said nothing: `closed` or `continuous`.
    pub unknown_phase: UnknownPhase,
}

impl Default for InstrumentSection {
    fn default() -> Self {
        InstrumentSection {
            capacity: 16_384,
            definitions: None,
            date: String::new(),
            unknown_phase: UnknownPhase::Closed,
        }
    }
}

/// What silence about the phase means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UnknownPhase {
    /// No trading.
    Closed,
    /// Continuous trading: for captures that start mid-day and feeds without status messages.
    Continuous,
}

impl From<UnknownPhase> for Phase {
    fn from(unknown: UnknownPhase) -> Phase {
        match unknown {
            UnknownPhase::Closed => Phase::Closed,
            UnknownPhase::Continuous => Phase::Continuous,
        }
    }
}

/// Section `[book]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct BookSection {
    /// Orders that may rest at one time, over all instruments.
    pub live_orders: u32,
    /// Ticks per side that are kept in the fast window around the touch; a power of two up to 2,048.
    pub window_ticks: u32,
    /// Ticks between the day's price limits, summed over the books whose limits are wider than
    /// 2,048 ticks: room for their flat arrays.
    pub limit_ticks: u64,
}

impl Default for BookSection {
    fn default() -> Self {
        BookSection { live_orders: 2_000_000, window_ticks: 2_048, limit_ticks: 1 << 18 }
    }
}

/// Section `[strategy]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct StrategySection {
    /// `null`, `maker` or `imbalance`.
    pub name: StrategyName,
    /// What it trades: symbols, `locate:N`, or one of `all`, `first:N`.
    pub trade: Trade,
    /// Account of its orders.
    pub account: u16,
    /// Keys of the maker.
    pub maker: MakerConfig,
    /// Keys of the imbalance strategy.
    pub imbalance: ImbalanceConfig,
}

impl Default for StrategySection {
    fn default() -> Self {
        StrategySection {
            name: StrategyName::Null,
            trade: Trade::First(50),
            account: 0,
            maker: MakerConfig::default(),
            imbalance: ImbalanceConfig::default(),
        }
    }
}

/// Which instruments are traded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trade {
    /// Every instrument that is defined at the start of the stream.
    All,
    /// The first so many that are defined.
    First(usize),
    /// These, by symbol or `locate:N`.
    Named(Vec<String>),
}

impl<'de> Deserialize<'de> for Trade {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Raw {
            One(String),
            Many(Vec<String>),
            /// A code of digits, as it comes from `--set strategy.trade=600519`.
            Code(u32),
        }
        const WANT: &str =
            "want \"all\", \"first:N\", a symbol, \"locate:N\", or a list of the last two";
        match Raw::deserialize(deserializer).map_err(|_| serde::de::Error::custom(WANT))? {
            Raw::Many(names) => Ok(Trade::Named(names)),
            Raw::Code(code) => Ok(Trade::Named(vec![code.to_string()])),
            Raw::One(text) if text == "all" => Ok(Trade::All),
            Raw::One(text) => match text.strip_prefix("first:") {
                Some(n) => n.parse().map(Trade::First).map_err(|_| serde::de::Error::custom(WANT)),
                None => Ok(Trade::Named(text.split(',').map(str::to_owned).collect())),
            },
        }
    }
}

/// Section `[session]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SessionSection {
    /// Protocol of the order session.
    pub protocol: Protocol,
    /// User name, at most six characters.
    pub username: String,
    /// Password, at most ten characters.
    pub password: String,
    /// Firm (MPID) that orders carry, at most four characters.
    pub firm: String,
    /// Orders that may be open or in flight at one time; a power of two.
    pub orders_max: u32,
    /// New orders and replaces in any `throttle_window_ns`; 0 sets no limit.
    pub throttle_max: u32,
    /// Window of `throttle_max`, nanoseconds.
    pub throttle_window_ns: u64,
    /// Reject reason by which the venue says that its throttle held an order; 0: it has none.
    pub throttle_reason: u16,
    /// A heartbeat after so much silence of ours, nanoseconds.
    pub heartbeat_ns: u64,
    /// The session is given up after so much silence of the venue, nanoseconds.
    pub silence_ns: u64,
    /// First wait between two attempts to connect, nanoseconds; doubled by each.
    pub retry_min_ns: u64,
    /// Longest wait between two attempts to connect, nanoseconds.
    pub retry_max_ns: u64,
    /// Trading stays stopped when an answer that reconciliation needs does not come for so long,
    /// nanoseconds.
    pub reconcile_wait_ns: u64,
    /// Protocols whose venue cannot be asked: silence that counts as the end of the missed reports,
    /// nanoseconds.
    pub reconcile_quiet_ns: u64,
    /// The venue cancels our orders when the connection ends.
    pub cancel_on_disconnect: bool,
    /// Orders that never arrived are judged and sent again under their old ids.
    pub resend: bool,
    /// Orders older than this are dropped and not sent again, nanoseconds.
    pub resend_age_ns: u64,
    /// Cancels of orders that are not yet answered are sent behind them.
    pub cancel_in_flight: bool,
    /// Gateway of a second session, which cancels while the first is down; `tgw` and `tdgw` only.
    pub rescue: Option<SocketAddrV4>,
    /// The second session cancels all open orders when the first has been down for so long,
    /// nanoseconds; 0: only the kill switch does.
    pub rescue_after_ns: u64,
    /// HKEX OCG-C.
    pub ocg: OcgConfig,
    /// Shenzhen TGW.
    pub tgw: TgwConfig,
    /// Shanghai TDGW.
    pub tdgw: TdgwConfig,
}

impl Default for SessionSection {
    fn default() -> Self {
        SessionSection {
            protocol: Protocol::Ouch50,
            username: "NOFX".into(),
            password: "NOFX".into(),
            firm: "NOFX".into(),
            orders_max: 65_536,
            throttle_max: 0,
            throttle_window_ns: 1_000_000_000,
            throttle_reason: 0,
            heartbeat_ns: 1_000_000_000,
            silence_ns: 15_000_000_000,
            retry_min_ns: 100_000_000,
            retry_max_ns: 10_000_000_000,
            reconcile_wait_ns: 5_000_000_000,
            reconcile_quiet_ns: 1_000_000_000,
            cancel_on_disconnect: false,
            resend: false,
            resend_age_ns: 1_000_000_000,
            cancel_in_flight: false,
            rescue: None,
            rescue_after_ns: 2_000_000_000,
            ocg: OcgConfig::default(),
            tgw: TgwConfig::default(),
            tdgw: TdgwConfig::default(),
        }
    }
}

/// A configuration that cannot be used.
#[derive(Debug)]
pub struct ConfigError {
    place: String,
    reason: String,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.reason.trim_end())
    }
}

impl std::error::Error for ConfigError {}

impl ConfigError {
    /// `place` is a file or a key.
    pub fn new(place: impl Into<String>, reason: impl fmt::Display) -> ConfigError {
        ConfigError { place: place.into(), reason: reason.to_string() }
    }
}

/// Reads the file (all defaults without one) and applies `KEY=VALUE` settings on top.
///
/// # Errors
/// A file that cannot be read, a key that does not exist or has a value out of range.
pub fn load(file: Option<&Path>, settings: &[String]) -> Result<Config, ConfigError> {
    load_with_text(file, settings).map(|(config, _)| config)
}

/// As [`load`], with the settings applied to the text, for those who keep it.
///
/// # Errors
/// As [`load`].
pub fn load_with_text(
    file: Option<&Path>,
    settings: &[String],
) -> Result<(Config, String), ConfigError> {
    let mut table = match file {
        None => toml::Table::new(),
        Some(file) => {
            let name = file.display().to_string();
            let text = std::fs::read_to_string(file).map_err(|e| ConfigError::new(&name, e))?;
            // Parsed whole once for its own sake: errors then name the line in the file.
            toml::from_str::<Config>(&text).map_err(|e| ConfigError::new(&name, e))?;
            text.parse().map_err(|e| ConfigError::new(&name, e))?
        }
    };
    for setting in settings {
        apply(&mut table, setting)?;
    }
    let place = if settings.is_empty() { "configuration".to_owned() } else { settings.join(" ") };
    let text = table.to_string();
    let config = Config::deserialize(table).map_err(|e| ConfigError::new(&place, e))?;
    check(&config)?;
    Ok((config, text))
}

/// From text that [`load_with_text`] gave.
///
/// # Errors
/// As [`load`].
pub fn from_text(text: &str) -> Result<Config, ConfigError> {
    let config = toml::from_str(text).map_err(|e| ConfigError::new("configuration", e))?;
    check(&config)?;
    Ok(config)
}

fn check(config: &Config) -> Result<(), ConfigError> {
    config.risk.check().map_err(|e| ConfigError::new("configuration", e))?;
    config.venue.check().map_err(|e| ConfigError::new("configuration", e))?;
    let capacity = config.instruments.capacity;
    if !(1..=1 << 20).contains(&capacity) {
        return Err(ConfigError::new(
            "instruments.capacity",
            format!("{capacity}: want 1 to 1048576"),
        ));
    }
    let window = config.book.window_ticks;
    if !window.is_power_of_two() || !(64..=2_048).contains(&window) {
        let want = format!("{window}: want a power of two from 64 to 2048");
        return Err(ConfigError::new("book.window_ticks", want));
    }
    let orders = config.session.orders_max;
    if !orders.is_power_of_two() || orders > 1 << 24 {
        let want = format!("{orders}: want a power of two up to 16777216");
        return Err(ConfigError::new("session.orders_max", want));
    }
    let symbol = &config.risk.symbol;
    if symbol.price_low > symbol.price_high {
        let want = format!("{}: want at most price_high = {}", symbol.price_low, symbol.price_high);
        return Err(ConfigError::new("risk.symbol.price_low", want));
    }
    config.market.check(config.risk.accounts)?;
    if config.risk.accounts == 0 {
        return Err(ConfigError::new("risk.accounts", "0: want at least 1"));
    }
    if config.risk.band_bps > 10_000 {
        let want = format!("{}: want at most 10000, the whole price", config.risk.band_bps);
        return Err(ConfigError::new("risk.band_bps", want));
    }
    if config.strategy.account >= config.risk.accounts {
        let want = format!(
            "{}: want below risk.accounts = {}",
            config.strategy.account, config.risk.accounts
        );
        return Err(ConfigError::new("strategy.account", want));
    }
    Ok(())
}

/// Puts `a.b.c=value` into the table; a value that is no TOML is a string.
fn apply(table: &mut toml::Table, setting: &str) -> Result<(), ConfigError> {
    let (key, value) = setting
        .split_once('=')
        .ok_or_else(|| ConfigError::new(format!("--set {setting}"), "want KEY=VALUE"))?;
    let parsed = format!("v = {value}").parse::<toml::Table>().ok();
    let value = parsed
        .and_then(|mut t| t.remove("v"))
        .unwrap_or_else(|| toml::Value::String(value.to_owned()));
    let mut path: Vec<&str> = key.trim().split('.').collect();
    let last = path.pop().unwrap_or_default();
    let mut place = table;
    for part in path {
        let entry = place.entry(part).or_insert_with(|| toml::Value::Table(toml::Table::new()));
        place = entry.as_table_mut().ok_or_else(|| {
            ConfigError::new(format!("--set {setting}"), format!("{part} is no section"))
        })?;
    }
    place.insert(last.to_owned(), value);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_go_on_top_of_defaults() {
        let settings =
            ["strategy.maker.size_lots=3".to_owned(), "strategy.trade=first:7".to_owned()];
        let config = load(None, &settings).expect("known keys");
        assert_eq!(config.strategy.maker.size_lots, 3);
        assert_eq!(config.strategy.trade, Trade::First(7));
        let settings = ["strategy.trade=[\"AAPL\", \"locate:7\"]".to_owned()];
        let named = load(None, &settings).expect("a list").strategy.trade;
        assert_eq!(named, Trade::Named(vec!["AAPL".into(), "locate:7".into()]));
    }

    #[test]
    fn the_documented_defaults_are_the_defaults_and_none_is_missing() {
        let page = include_str!("../../../docs/config.md");
        let block = page.split("```toml\n").nth(1).and_then(|rest| rest.split("```").next());
        let documented: Config = toml::from_str(block.expect("a block")).expect("parses");
        let defaults = format!("{:#?}", Config::default());
        assert_eq!(format!("{documented:#?}"), defaults);
        let block = block.unwrap_or_default();
        for line in defaults.lines().filter_map(|line| line.trim().split_once(": ")) {
            let optional = [
                "definitions",
                "by_account",
                "by_symbol",
                "orders",
                "own_tcp",
                "snapshot",
                "rescue",
                "refresh",
                "market_data",
                "map",
                "price_step",
                "rules_file",
                "holdings",
                "tile",
                "link",
            ]
            .contains(&line.0);
            assert!(optional || block.contains(line.0), "{} is not in docs/config.md", line.0);
        }
    }

    #[test]
    fn what_is_wrong_is_named() {
        let refused = |setting: &str| {
            load(None, &[setting.to_owned()]).expect_err("must be refused").to_string()
        };
        assert!(refused("book.windw_ticks=64").contains("windw_ticks"));
        assert!(refused("book.window_ticks=100").contains("power of two"));
        assert!(refused("strategy.trade=first:x").contains("first:N"));
        assert!(refused("strategy.account=9").contains("risk.accounts"));
        assert!(refused("nonsense").contains("KEY=VALUE"));
        let dir = tempfile::tempdir().expect("a folder");
        let file = dir.path().join("c.toml");
        std::fs::write(&file, "[feed]\nreorder = 3\n").expect("a file");
        let error = load(Some(&file), &[]).expect_err("unknown key").to_string();
        assert!(error.contains("c.toml") && error.contains("reorder"), "{error}");
        assert!(load(Some(&dir.path().join("absent.toml")), &[]).is_err());
    }
}
