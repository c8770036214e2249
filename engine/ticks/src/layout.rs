//! [`Layout`]: what the cells of a file mean, as data.
//!
//! A layout has up to four tables: `ticks` (one file of everything), or `orders` and `trades` (a
//! pair), and `snapshots`. A file belongs to the table all of whose columns it has. The keys are
//! described in `docs/ticks.md`; the built-in layouts of `layouts/` are examples.

use std::collections::BTreeMap;
use std::path::Path;

use nofx_types::{Market, Phase, Pricing, Side};
use serde::Deserialize;

use crate::TickError;
use crate::clock::TimeForm;

/// What the cells of a vendor's files mean.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Layout {
    /// Its name in reports.
    #[serde(default)]
    pub(crate) name: String,
    /// Market of all rows, unless a column or the ending of the code (`.SH`, `.SZ`) says it.
    #[serde(default)]
    pub(crate) market: Option<MarketCode>,
    #[serde(default)]
    pub(crate) ticks: Option<TickTable>,
    #[serde(default)]
    pub(crate) orders: Option<TickTable>,
    #[serde(default)]
    pub(crate) trades: Option<TickTable>,
    #[serde(default)]
    pub(crate) snapshots: Option<SnapshotTable>,
}

/// How rows of ticks are read.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct TickTable {
    /// Rows of a log whose `MsgType` is this one.
    #[serde(default)]
    pub message: Option<String>,
    pub columns: TickColumns,
    #[serde(default)]
    pub time: TimeForm,
    #[serde(default = "one")]
    pub price_scale: u64,
    #[serde(default = "one")]
    pub qty_scale: u64,
    /// What each row is, where no column says it.
    #[serde(default)]
    pub kind: Option<KindCode>,
    #[serde(default)]
    pub kinds: BTreeMap<String, KindCode>,
    #[serde(default)]
    pub sides: BTreeMap<String, SideCode>,
    #[serde(default)]
    pub aggressors: BTreeMap<String, AggressorCode>,
    #[serde(default)]
    pub phases: BTreeMap<String, PhaseCode>,
    #[serde(default)]
    pub markets: BTreeMap<String, MarketCode>,
}

/// Names of columns; those without a name are not in the file.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct TickColumns {
    pub channel: Option<String>,
    pub seq: String,
    pub symbol: String,
    pub market: Option<String>,
    pub date: Option<String>,
    pub time: String,
    pub kind: Option<String>,
    pub side: Option<String>,
    pub aggressor: Option<String>,
    pub phase: Option<String>,
    /// The order's own number, where it has a column of its own.
    pub order: Option<String>,
    pub bid: Option<String>,
    pub offer: Option<String>,
    pub price: String,
    pub qty: String,
}

/// How rows of snapshots are read.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SnapshotTable {
    #[serde(default)]
    pub message: Option<String>,
    pub columns: SnapshotColumns,
    #[serde(default)]
    pub time: TimeForm,
    #[serde(default = "one")]
    pub price_scale: u64,
    #[serde(default = "one")]
    pub qty_scale: u64,
    #[serde(default = "one")]
    pub money_scale: u64,
    /// Number of the best level in the names of the level columns.
    #[serde(default)]
    pub first_level: u32,
    #[serde(default)]
    pub phases: BTreeMap<String, PhaseCode>,
    #[serde(default)]
    pub markets: BTreeMap<String, MarketCode>,
}

/// Names of columns; `{}` stands for the number of a level.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SnapshotColumns {
    pub symbol: String,
    pub market: Option<String>,
    pub date: Option<String>,
    pub time: String,
    pub num_trades: Option<String>,
    pub volume: Option<String>,
    pub value: Option<String>,
    pub last: Option<String>,
    pub previous_close: Option<String>,
    pub limit_low: Option<String>,
    pub limit_high: Option<String>,
    pub phase: Option<String>,
    pub bid_price: String,
    pub bid_qty: String,
    pub bid_orders: Option<String>,
    pub ask_price: String,
    pub ask_qty: String,
    pub ask_orders: Option<String>,
}

const fn one() -> u64 {
    1
}

/// What a row is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum KindCode {
    Limit,
    Market,
    OwnBest,
    Cancel,
    Trade,
    Phase,
    Skip,
}

impl KindCode {
    pub fn pricing(self) -> Option<Pricing> {
        match self {
            KindCode::Limit => Some(Pricing::Limit),
            KindCode::Market => Some(Pricing::Market),
            KindCode::OwnBest => Some(Pricing::OwnBest),
            _ => None,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum SideCode {
    Buy,
    Sell,
}

impl From<SideCode> for Side {
    fn from(code: SideCode) -> Side {
        match code {
            SideCode::Buy => Side::Buy,
            SideCode::Sell => Side::Sell,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum AggressorCode {
    Buy,
    Sell,
    None,
}

impl From<AggressorCode> for Option<Side> {
    fn from(code: AggressorCode) -> Option<Side> {
        match code {
            AggressorCode::Buy => Some(Side::Buy),
            AggressorCode::Sell => Some(Side::Sell),
            AggressorCode::None => None,
        }
    }
}

/// A phase by its name in layouts and in our own files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum PhaseCode {
    Unknown,
    PreOpen,
    OpeningAuction,
    Continuous,
    ClosingAuction,
    AfterHours,
    Halted,
    Paused,
    QuoteOnly,
    Break,
    Closed,
}

impl PhaseCode {
    pub const ALL: [(PhaseCode, Phase, &str); 11] = [
        (PhaseCode::Unknown, Phase::Unknown, "unknown"),
        (PhaseCode::PreOpen, Phase::PreOpen, "pre_open"),
        (PhaseCode::OpeningAuction, Phase::OpeningAuction, "opening_auction"),
        (PhaseCode::Continuous, Phase::Continuous, "continuous"),
        (PhaseCode::ClosingAuction, Phase::ClosingAuction, "closing_auction"),
        (PhaseCode::AfterHours, Phase::AfterHours, "after_hours"),
        (PhaseCode::Halted, Phase::Halted, "halted"),
        (PhaseCode::Paused, Phase::Paused, "paused"),
        (PhaseCode::QuoteOnly, Phase::QuoteOnly, "quote_only"),
        (PhaseCode::Break, Phase::Break, "break"),
        (PhaseCode::Closed, Phase::Closed, "closed"),
    ];
}

impl From<PhaseCode> for Phase {
    fn from(code: PhaseCode) -> Phase {
        let found = PhaseCode::ALL.iter().find(|(known, _, _)| *known == code);
        found.map_or(Phase::Unknown, |(_, phase, _)| *phase)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum MarketCode {
    Sse,
    Szse,
    Skip,
}

impl MarketCode {
    pub fn market(self) -> Option<Market> {
        match self {
            MarketCode::Sse => Some(Market::Sse),
            MarketCode::Szse => Some(Market::Szse),
            MarketCode::Skip => None,
        }
    }
}

impl Layout {
    /// Reads a layout from TOML text; `place` names it in errors.
    ///
    /// # Errors
    /// Text that is no layout, an unknown key, a table that misses a column, a scale that is no power
    /// of ten.
    pub fn parse(text: &str, place: &str) -> Result<Layout, TickError> {
        let wrong = |reason: String| TickError::Layout { place: place.to_owned(), reason };
        let mut layout: Layout =
            toml::from_str(text).map_err(|e| wrong(e.to_string().trim_end().to_owned()))?;
        if layout.name.is_empty() {
            layout.name = place.to_owned();
        }
        layout.check().map_err(wrong)?;
        Ok(layout)
    }

    /// Reads a layout from a file.
    ///
    /// # Errors
    /// As [`Layout::parse`], or the file cannot be read.
    pub fn load(path: &Path) -> Result<Layout, TickError> {
        let place = path.display().to_string();
        match std::fs::read_to_string(path) {
            Ok(text) => Layout::parse(&text, &place),
            Err(error) => Err(TickError::Layout { place, reason: error.to_string() }),
        }
    }

    /// Its name in reports.
    pub fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn tick_tables(&self) -> impl Iterator<Item = (&'static str, &TickTable)> {
        let tables = [("ticks", &self.ticks), ("orders", &self.orders), ("trades", &self.trades)];
        tables.into_iter().filter_map(|(name, table)| Some((name, table.as_ref()?)))
    }

    fn check(&self) -> Result<(), String> {
        if self.tick_tables().next().is_none() && self.snapshots.is_none() {
            return Err("no table: want [ticks], or [orders] and [trades], or [snapshots]".into());
        }
        for (name, table) in self.tick_tables() {
            table.check().map_err(|reason| format!("{name}.{reason}"))?;
        }
        match &self.snapshots {
            Some(table) => table.check().map_err(|reason| format!("snapshots.{reason}")),
            None => Ok(()),
        }
    }
}

impl TickTable {
    fn check(&self) -> Result<(), String> {
        let columns = &self.columns;
        if self.kind.is_none() && columns.kind.is_none() {
            return Err("kind: want a column of kinds (columns.kind) or one kind for all".into());
        }
        if columns.order.is_none() && (columns.bid.is_none() || columns.offer.is_none()) {
            return Err("columns: want order, or bid and offer".into());
        }
        for (code, coded, key) in [
            (&columns.kind, self.kinds.is_empty(), "kinds"),
            (&columns.side, self.sides.is_empty(), "sides"),
            (&columns.aggressor, self.aggressors.is_empty(), "aggressors"),
            (&columns.phase, self.phases.is_empty(), "phases"),
            (&columns.market, self.markets.is_empty(), "markets"),
        ] {
            if code.is_some() && coded {
                return Err(format!("{key}: empty, but there is a column of them"));
            }
        }
        decimals(self.price_scale, 4).ok_or("price_scale: want a power of ten")?;
        decimals(self.qty_scale, 0).ok_or("qty_scale: want a power of ten")?;
        Ok(())
    }
}

impl SnapshotTable {
    fn check(&self) -> Result<(), String> {
        let columns = &self.columns;
        let levels = [
            Some(&columns.bid_price),
            Some(&columns.bid_qty),
            Some(&columns.ask_price),
            Some(&columns.ask_qty),
            columns.bid_orders.as_ref(),
            columns.ask_orders.as_ref(),
        ];
        if let Some(name) = levels.into_iter().flatten().find(|name| !name.contains("{}")) {
            return Err(format!("columns: {name:?} has no {{}} for the number of a level"));
        }
        decimals(self.price_scale, 4).ok_or("price_scale: want a power of ten")?;
        decimals(self.qty_scale, 0).ok_or("qty_scale: want a power of ten")?;
        decimals(self.money_scale, 4).ok_or("money_scale: want a power of ten")?;
        Ok(())
    }
}

/// The power of ten that turns a number of 1/`scale` into one of `10^-unit`.
pub(crate) fn decimals(scale: u64, unit: i32) -> Option<i32> {
    let exact = scale > 0 && 10u64.checked_pow(scale.ilog10()) == Some(scale);
    exact.then(|| unit - scale.ilog10() as i32)
}

/// Layouts that are recognised by their columns, the most particular first.
pub(crate) fn built_in() -> Result<Vec<Layout>, TickError> {
    [
        ("neutral", include_str!("../layouts/neutral.toml")),
        ("sse-merged", include_str!("../layouts/sse-merged.toml")),
        ("sse-pair", include_str!("../layouts/sse-pair.toml")),
        ("trades", include_str!("../layouts/trades.toml")),
        ("snapshots", include_str!("../layouts/snapshots.toml")),
    ]
    .into_iter()
    .map(|(name, text)| Layout::parse(text, name))
    .collect()
}

/// The layout of the key=value log.
pub(crate) fn log() -> Result<Layout, TickError> {
    Layout::parse(include_str!("../layouts/sse-log.toml"), "sse-log")
}
