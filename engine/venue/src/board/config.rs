//! Configuration of a board: every key with a default, unknown keys refused.

use std::collections::BTreeMap;

use nofx_rules::{Listing, Status, VcmClass};
use nofx_types::{Price, parse_decimal};
use serde::Deserialize;

use crate::ConfigError;
use crate::config::within;

/// Most shares that anybody holds when the day begins: far above any issue, far below any overflow.
const HOLDING_MAX: u64 = 1 << 40;
/// Longest day in all: a year.
const DAY_MAX_MS: u64 = 366 * 86_400_000;
/// Most records of an account's shares in a security that background accounts may need.
const RECORDS_MAX: u64 = 1 << 24;

/// A board of one market.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct BoardConfig {
    /// Seed of everything drawn.
    pub seed: u64,
    /// The securities, most active first.
    pub securities: Vec<SecurityConfig>,
    /// How the day is played.
    pub course: CourseConfig,
    /// Who holds what when the day begins.
    pub holdings: Vec<HoldingConfig>,
    /// Background orders.
    pub flow: BoardFlowConfig,
    /// Orders that rest at one time, all books together; also the number of price levels.
    pub orders: u32,
    /// Between two indicative prices of a call, milliseconds; 0 says none.
    pub indicative_ms: u32,
    /// Whether [`super::What::Level`] follows each change of a book.
    pub levels: bool,
    /// Executions kept for the dump; further ones are counted only.
    pub executions: u32,
    /// Whether owners are told of orders that end with the day. The documents name such a report
    /// for Hong Kong only; the mainland's say nothing.
    pub expiry_reports: bool,
}

impl Default for BoardConfig {
    fn default() -> Self {
        BoardConfig {
            seed: 1,
            securities: Vec::new(),
            course: CourseConfig::default(),
            holdings: Vec::new(),
            flow: BoardFlowConfig::default(),
            orders: 200_000,
            indicative_ms: 3_000,
            levels: false,
            executions: 2_000_000,
            expiry_reports: true,
        }
    }
}

impl BoardConfig {
    /// Checks what types cannot.
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        within("orders", self.orders.into(), 8..=1 << 24)?;
        within("executions", self.executions.into(), 0..=1 << 28)?;
        for holding in &self.holdings {
            within("holdings.qty", holding.qty, 0..=HOLDING_MAX)?;
        }
        self.course.check()?;
        self.flow.check(self.securities.len())
    }
}

/// How long the stages last. Without any key the day has its own hours.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CourseConfig {
    /// Length of a stage by its name ([`super::Stage::name`]), milliseconds. A day with such a stage,
    /// or with a start of its own, has its stages one after the other from the start.
    pub lengths_ms: BTreeMap<String, u64>,
    /// Other stages are played so many times as fast; 0 and 1 as they are.
    pub speed: u32,
}

impl CourseConfig {
    fn check(&self) -> Result<(), ConfigError> {
        let sum = self.lengths_ms.values().fold(0u64, |sum, ms| sum.saturating_add(*ms));
        within("course.lengths_ms", sum, 0..=DAY_MAX_MS)
    }
}

/// One security.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SecurityConfig {
    /// Its code: six digits, in Hong Kong up to five without leading zeros.
    pub symbol: String,
    /// The channel that carries it.
    pub channel: u16,
    /// Previous close as decimal text.
    pub previous_close: String,
    /// `normal`, `special` (ST), `unlimited`, or `new_N` on the Nth day since its listing.
    pub status: String,
    /// Its board, where the code does not say.
    pub board: Option<String>,
    /// Shares of a board lot; 0 for the board's (Hong Kong has none and must say).
    pub lot: u32,
    /// Name of its tick table; absent for the board's.
    pub tick_table: Option<String>,
    /// It may be sold short.
    pub short: bool,
    /// Volatility control: `large`, `mid`, `small`; absent for none.
    pub vcm: Option<VcmClass>,
    /// Shares bought may be sold the same day.
    pub same_day: bool,
    /// It takes part in the closing auction.
    pub closing_auction: bool,
}

impl Default for SecurityConfig {
    fn default() -> Self {
        SecurityConfig {
            symbol: String::new(),
            channel: 1,
            previous_close: "10.00".into(),
            status: "normal".into(),
            board: None,
            lot: 0,
            tick_table: None,
            short: false,
            vcm: None,
            same_day: false,
            closing_auction: true,
        }
    }
}

impl SecurityConfig {
    /// Its facts as the rules want them.
    pub fn listing(&self) -> Result<Listing<'_>, ConfigError> {
        let close = parse_decimal(&self.previous_close, 4).ok().filter(|price| *price >= 0);
        let status = match self.status.as_str() {
            "normal" => Some(Status::Normal),
            "special" => Some(Status::Special),
            "unlimited" => Some(Status::Unlimited),
            text => text.strip_prefix("new_").and_then(|day| day.parse().ok()).map(Status::New),
        };
        Ok(Listing {
            previous_close: close.map(Price).ok_or_else(|| self.wrong("previous_close"))?,
            status: status.ok_or_else(|| self.wrong("status"))?,
            board: self.board.as_deref(),
            lot: self.lot,
            tick_table: self.tick_table.as_deref(),
            limits: None,
            short: self.short,
            vcm: self.vcm,
            same_day: self.same_day,
        })
    }

    fn wrong(&self, key: &str) -> ConfigError {
        ConfigError::new(format!("securities.{key} of {}", self.symbol), "cannot be read")
    }
}

/// Shares of an account when the day begins.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HoldingConfig {
    /// The account.
    pub account: String,
    /// The security.
    pub symbol: String,
    /// Shares, all sellable.
    pub qty: u64,
}

/// Background orders from a seeded generator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct BoardFlowConfig {
    /// Requests a second, all securities together, while orders are taken; 0 for none.
    pub rate: u32,
    /// Accounts that send them.
    pub accounts: u32,
    /// Shares of each security that each of them holds when the day begins, about.
    pub holding: u64,
    /// Activity falls like rank^(-quarters/4).
    pub zipf_quarters: u32,
    /// Orders that rest in one book, about.
    pub resting: u32,
    /// Of 10,000 orders so many break a rule on purpose, to be refused.
    pub wrong: u32,
    /// Of 10,000 requests so many come with news: the price jumps.
    pub news: u32,
}

impl Default for BoardFlowConfig {
    fn default() -> Self {
        BoardFlowConfig {
            rate: 0,
            accounts: 32,
            holding: 100_000,
            zipf_quarters: 4,
            resting: 200,
            wrong: 100,
            news: 5,
        }
    }
}

impl BoardFlowConfig {
    fn check(&self, securities: usize) -> Result<(), ConfigError> {
        let most = RECORDS_MAX / securities.max(1) as u64;
        within("flow.accounts", self.accounts.into(), 1..=most.min(10_000))?;
        within("flow.holding", self.holding, 0..=HOLDING_MAX)?;
        within("flow.zipf_quarters", self.zipf_quarters.into(), 0..=8)?;
        within("flow.wrong", self.wrong.into(), 0..=10_000)?;
        within("flow.news", self.news.into(), 0..=10_000)
    }
}
