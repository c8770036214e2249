//! Tick files as an input: configuration, reading with a bar, instruments.

use std::path::{Path, PathBuf};

use nofx_feed::{Schedule, TickConfig};
use nofx_ticks::{Layout, SymbolInfo, TickFile, TickOptions};
use nofx_types::{Instrument, InstrumentFlags, InstrumentId, Market, Phase, Symbol, TickKind};
use serde::Deserialize;

use crate::failure::Failure;
use crate::progress;

/// Section `[ticks]`: files of mainland ticks (docs/ticks.md).
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TickSection {
    /// Layout of the files (TOML); none recognises the built-in ones.
    pub map: Option<PathBuf>,
    /// Day of files whose rows name none, YYYY-MM-DD; empty takes one out of the path.
    pub date: String,
    /// `sse` or `szse`: which market of a file that holds both; empty takes the only one.
    pub market: String,
    /// Securities to keep; empty keeps all.
    pub symbols: Vec<String>,
    /// Numbers of a channel have no holes: the files hold whole channels.
    pub contiguous: bool,
    /// Numbers begin at 1 (with `contiguous`).
    pub from_one: bool,
    /// Where phases come from.
    pub phases: PhaseSource,
    /// When phases begin; empty takes the usual day of the mainland.
    pub schedule: Vec<ScheduleRow>,
    /// A trade or cancel of an order that nobody added makes its book stale.
    pub unknown_is_stale: bool,
    /// Smallest price step in 1/10,000 that rows are checked against; none goes by the code.
    pub price_step: Option<i64>,
}

impl Default for TickSection {
    fn default() -> Self {
        TickSection {
            map: None,
            date: String::new(),
            market: String::new(),
            symbols: Vec::new(),
            contiguous: false,
            from_one: false,
            phases: PhaseSource::Auto,
            schedule: Vec::new(),
            unknown_is_stale: true,
            price_step: None,
        }
    }
}

/// Where phases come from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PhaseSource {
    /// From the ticks where any of them is a phase, else from the schedule.
    #[default]
    Auto,
    /// From the ticks only.
    Ticks,
    /// From the schedule only.
    Schedule,
}

/// One line of a schedule.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScheduleRow {
    /// `HH:MM` by the market's clock.
    pub at: String,
    /// `opening_auction`, `pre_open`, `continuous`, `break`, `closing_auction` or `closed`.
    pub phase: String,
}

impl TickSection {
    /// What a reading is asked for.
    ///
    /// # Errors
    /// A key that cannot be used; names it.
    pub fn options(&self) -> Result<TickOptions, Failure> {
        let wrong = |key: &str, value: &str, want: &str| {
            Failure::usage(format!("ticks.{key}: {value:?}: want {want}"))
        };
        let date = match self.date.as_str() {
            "" => None,
            text => Some(text.parse().map_err(|_| wrong("date", text, "YYYY-MM-DD"))?),
        };
        let market = match self.market.as_str() {
            "" => None,
            "sse" => Some(Market::Sse),
            "szse" => Some(Market::Szse),
            text => return Err(wrong("market", text, "sse or szse")),
        };
        let symbol = |text: &String| {
            let symbol = Symbol::new(text).filter(|symbol| *symbol != Symbol::NONE);
            symbol.ok_or_else(|| wrong("symbols", text, "codes of 1 to 8 characters"))
        };
        Ok(TickOptions {
            layout: self.map.as_deref().map(Layout::load).transpose().map_err(Failure::usage)?,
            date,
            market,
            symbols: self.symbols.iter().map(symbol).collect::<Result<_, _>>()?,
            price_step: self.price_step,
            ..TickOptions::default()
        })
    }

    /// How the feed of `file` is set up.
    ///
    /// # Errors
    /// A key that cannot be used, or a file of two markets.
    pub fn feed(&self, file: &TickFile) -> Result<TickConfig, Failure> {
        let market = file.market().map_err(Failure::input)?;
        let told = || file.ticks.iter().any(|tick| matches!(tick.kind, TickKind::Phase(_)));
        let instruments = u32::try_from(file.symbols.len()).unwrap_or(u32::MAX);
        Ok(TickConfig {
            contiguous: self.contiguous,
            from_one: self.from_one,
            phases_in_ticks: match self.phases {
                PhaseSource::Auto => told(),
                PhaseSource::Ticks => true,
                PhaseSource::Schedule => false,
            },
            schedule: self.schedule()?,
            ..TickConfig::of(market, instruments)
        })
    }

    fn schedule(&self) -> Result<Schedule, Failure> {
        if self.schedule.is_empty() {
            return Ok(Schedule::mainland());
        }
        let rows: Result<Vec<_>, _> = self.schedule.iter().map(ScheduleRow::parse).collect();
        Ok(Schedule::new(&rows?))
    }
}

impl ScheduleRow {
    fn parse(&self) -> Result<(u32, Phase), Failure> {
        let phase = match self.phase.as_str() {
            "opening_auction" => Phase::OpeningAuction,
            "pre_open" => Phase::PreOpen,
            "continuous" => Phase::Continuous,
            "break" => Phase::Break,
            "closing_auction" => Phase::ClosingAuction,
            "closed" => Phase::Closed,
            other => {
                return Err(Failure::usage(format!("ticks.schedule: {other:?}: no such phase")));
            }
        };
        let minutes = || {
            let (hours, minutes) = self.at.split_once(':')?;
            let (hours, minutes) = (hours.parse::<u32>().ok()?, minutes.parse::<u32>().ok()?);
            (hours < 24 && minutes < 60).then_some(hours * 60 + minutes)
        };
        let at = minutes();
        let at = at.ok_or_else(|| {
            Failure::usage(format!("ticks.schedule: {:?}: want a time, HH:MM", self.at))
        })?;
        Ok((at, phase))
    }
}

/// Whether the first of `files` holds ticks.
pub fn recognised(section: &TickSection, files: &[PathBuf]) -> bool {
    let layout = section.map.as_deref().and_then(|map| Layout::load(map).ok());
    files.first().is_some_and(|file| nofx_ticks::is_ticks(file, layout.as_ref()))
}

/// Reads `files` whole, showing how far it is.
///
/// # Errors
/// A file that cannot be read, a key of `section` that cannot be used.
pub fn load(
    section: &TickSection,
    files: &[impl AsRef<Path>],
    quiet: bool,
) -> Result<TickFile, Failure> {
    let options = section.options()?;
    let files: Vec<PathBuf> = files.iter().map(|file| file.as_ref().to_owned()).collect();
    let size = |file: &PathBuf| std::fs::metadata(file).map_or(0, |found| found.len());
    let bar = progress::bytes(files.iter().map(size).sum(), quiet);
    let file = nofx_ticks::open_with(&files, &options, &mut |done, _| bar.set_position(done));
    bar.finish_and_clear();
    file.map_err(|error| match error {
        nofx_ticks::TickError::Usage(_) | nofx_ticks::TickError::Layout { .. } => {
            Failure::usage(error)
        }
        error => Failure::input(error),
    })
}

/// The instrument of a security; its id is the feed's to choose.
pub fn instrument(info: &SymbolInfo) -> Instrument {
    Instrument {
        symbol: info.symbol,
        tick: nofx_ticks::price_step(info.market, info.symbol),
        lot: 100,
        previous_close: info.previous_close,
        limit_low: info.limit_low,
        limit_high: info.limit_high,
        flags: InstrumentFlags { defined: true, ..InstrumentFlags::default() },
        ..Instrument::unknown(InstrumentId(0))
    }
}
