//! `nofx verify`: a day of ticks against what the exchange itself published of it.
//!
//! Three questions, per security. Does each ten-level snapshot of the continuous session equal some
//! state of the book with the same cumulative volume, at all levels of both sides (its stamp is too
//! coarse to be a place)? Do volume and number of trades equal the last snapshot's? Does each cancel
//! take exactly what is left of its order (Shanghai), by a count that knows nothing of the book?

use std::collections::HashMap;
use std::fmt;
use std::path::PathBuf;

use clap::Args;
use nofx_book::{LevelBooks, LevelConfig};
use nofx_feed::TickFeed;
use nofx_ticks::{DEPTH, Snapshot, TickFile};
use nofx_types::{
    BookEvent, Date, EventSink, Instrument, InstrumentId, Ladder, Level, Market, OrderRef,
    PRICE_DECIMALS, Price, Qty, Side, Symbol, Tick, TickKind,
};
use serde::Serialize;

use crate::failure::Failure;
use crate::{config, progress, ticks};

/// Arguments of `nofx verify`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    nofx verify 20230207/AX_sbe_sse_600519.zip --snapshots 20230207/AX_sbe_sse_600519.zip\n  \
    nofx verify SHorders.zip SHtrans.zip --json\n\n\
    Exit code 1 on any difference. Layouts, containers and options: docs/ticks.md.")]
pub struct VerifyArgs {
    /// Files of ticks: one merged, or orders and trades.
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// File of snapshots to compare with; may be one of FILE.
    #[arg(long, value_name = "FILE")]
    pub snapshots: Option<PathBuf>,
    /// Layout of the files (TOML), see docs/ticks.md.
    #[arg(long, value_name = "FILE")]
    pub ticks_map: Option<PathBuf>,
    /// This security only.
    #[arg(long, value_name = "CODE")]
    pub symbol: Option<String>,
    /// Configuration (TOML); section [ticks] matters.
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Change one configuration key, e.g. --set ticks.date=2023-02-07.
    #[arg(long, value_name = "KEY=VALUE")]
    pub set: Vec<String>,
    /// Print one JSON object (docs/ticks.md) on standard output.
    #[arg(long)]
    pub json: bool,
    /// No progress bar.
    #[arg(long, short)]
    pub quiet: bool,
}

/// What was compared.
#[derive(Clone, Debug, Default, Serialize)]
pub struct VerifyReport {
    /// Ticks read.
    pub ticks: u64,
    /// Rows that could not be read, by reason.
    pub bad_rows: Vec<(&'static str, u64)>,
    /// The first of them, as text.
    pub bad_first: Vec<String>,
    /// What each security came to.
    pub securities: Vec<Verified>,
    /// Snapshots of the continuous session that were compared.
    pub compared: u64,
    /// Those that equal a state of the book.
    pub equal: u64,
    /// The first snapshot that equals none.
    pub difference: Option<Difference>,
}

/// What one security came to.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Verified {
    /// Its code.
    pub symbol: String,
    /// Orders added.
    pub orders: u64,
    /// Trades, and what the last snapshot says.
    pub trades: Total,
    /// Shares traded, and what the last snapshot says.
    pub volume: Total,
    /// Cancels.
    pub cancels: u64,
    /// Cancels that did not take exactly what was left of their order.
    pub cancels_wrong: u64,
    /// Trades and cancels of orders that nobody added.
    pub unknown: u64,
    /// Snapshots compared.
    pub compared: u64,
    /// Snapshots that equal a state of the book.
    pub equal: u64,
    /// The book at the end is crossed.
    pub crossed: bool,
    /// The book at the end is not to be trusted.
    pub stale: bool,
}

/// A total by the ticks, and by the last snapshot.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct Total {
    /// By the ticks.
    pub ticks: u64,
    /// By the last snapshot, where there is one that counts it.
    pub snapshot: Option<u64>,
}

impl Total {
    fn agrees(&self) -> bool {
        self.snapshot.is_none_or(|said| said == self.ticks)
    }
}

/// A snapshot that equals no state of the book with its volume.
#[derive(Clone, Debug, Serialize)]
pub struct Difference {
    /// The security.
    pub symbol: String,
    /// Its stamp, nanoseconds since 1970 UTC.
    pub time_ns: u64,
    /// Its cumulative volume.
    pub volume: u64,
    /// States of the book with that volume.
    pub states: u64,
    /// Levels of the snapshot and of the state that comes closest: side, number, then price (in
    /// 1/10,000) and quantity of each.
    pub levels: Vec<LevelPair>,
}

/// One level, side by side.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct LevelPair {
    /// `bid` or `ask`.
    pub side: &'static str,
    /// 1 for the best.
    pub level: usize,
    /// Price and quantity in the snapshot.
    pub snapshot: (i64, u64),
    /// Price and quantity in the book.
    pub book: (i64, u64),
}

impl VerifyReport {
    /// One JSON object.
    pub fn to_json(&self) -> String {
        serde_json::to_string_pretty(self).unwrap_or_default()
    }

    /// Whether everything agrees.
    ///
    /// # Errors
    /// What does not.
    pub fn verdict(&self) -> Result<(), Failure> {
        let wrong = |text: String| Err(Failure::wrong(text));
        if self.equal < self.compared {
            let n = self.compared - self.equal;
            return wrong(format!("{n} snapshots equal no state of the book"));
        }
        for row in &self.securities {
            let symbol = &row.symbol;
            if !row.volume.agrees() || !row.trades.agrees() {
                return wrong(format!("{symbol}: volume or trades differ from the last snapshot"));
            }
            if row.cancels_wrong > 0 {
                let n = row.cancels_wrong;
                return wrong(format!(
                    "{symbol}: {n} cancels are not what was left of their order"
                ));
            }
            if row.unknown > 0 {
                let n = row.unknown;
                return wrong(format!("{symbol}: {n} events name orders that nobody added"));
            }
            if row.stale || row.crossed {
                return wrong(format!("{symbol}: the book at the end is stale or crossed"));
            }
        }
        Ok(())
    }
}

/// Verifies what `args` name.
///
/// # Errors
/// Bad configuration, a file that cannot be read. Differences are in the report.
pub fn run(args: &VerifyArgs) -> Result<VerifyReport, Failure> {
    let mut section = config::load(args.config.as_deref(), &args.set)?.ticks;
    section.map = args.ticks_map.clone().or(section.map);
    if let Some(symbol) = &args.symbol {
        section.symbols = vec![symbol.clone()];
    }
    let mut files = args.files.clone();
    // A file that holds both is read once.
    let known = |path: &PathBuf| args.files.iter().any(|file| file == path);
    files.extend(args.snapshots.iter().filter(|path| !known(path)).cloned());
    let file = ticks::load(&section, &files, args.quiet)?;
    let config = section.feed(&file)?;
    let snapshots = if args.snapshots.is_some() { file.snapshots.as_slice() } else { &[] };
    let feed = TickFeed::new(config).map_err(|e| Failure::usage(format!("ticks: {e}")))?;
    let mut verifier = Verifier::new(&file, snapshots)?;
    verifier.replay(&file, feed, args.quiet);
    Ok(verifier.report(&file))
}

struct Books(LevelBooks);

impl EventSink for Books {
    #[inline]
    fn on_event(&mut self, event: &BookEvent) {
        self.0.apply(event);
    }

    fn on_definition(&mut self, instrument: &Instrument) {
        self.0.define(instrument);
    }
}

struct Verifier<'a> {
    books: Books,
    market: Market,
    checks: Vec<Check<'a>>,
    /// What is left of each order, by a count of its own.
    left: HashMap<(Symbol, OrderRef), u64>,
}

impl<'a> Verifier<'a> {
    fn new(file: &TickFile, snapshots: &'a [Snapshot]) -> Result<Verifier<'a>, Failure> {
        let adds = file.ticks.iter().filter(|t| matches!(t.kind, TickKind::Order { .. })).count();
        let sizes = LevelConfig {
            instruments: file.symbols.len().max(1) as u32,
            live_orders: adds.clamp(1, 1 << 23) as u32,
            ..LevelConfig::default()
        };
        let mut books = LevelBooks::new(&sizes).map_err(Failure::usage)?;
        books.set_unknown_is_stale(true);
        let of = |symbol| snapshots.iter().filter(move |s| s.symbol == symbol);
        let check = |info: &nofx_ticks::SymbolInfo| Check::new(info.symbol, of(info.symbol));
        Ok(Verifier {
            books: Books(books),
            market: file.market().map_err(Failure::input)?,
            checks: file.symbols.iter().map(check).collect(),
            left: HashMap::with_capacity(adds),
        })
    }

    fn replay(&mut self, file: &TickFile, mut feed: TickFeed, quiet: bool) {
        // Defined in the order of the checks, so that ids are their indices.
        for info in &file.symbols {
            feed.define(&ticks::instrument(info), &mut self.books);
        }
        let bar = progress::steps(file.ticks.len() as u64, quiet, "ticks");
        let mut holes = file.holes.iter().peekable();
        for (at, tick) in file.ticks.iter().enumerate() {
            while let Some(hole) = holes.next_if(|hole| hole.before <= at) {
                feed.lost(hole.symbol, tick, tick.exch_ns, &mut self.books);
            }
            feed.on_tick(tick, tick.exch_ns, &mut self.books);
            self.count(tick, &feed);
            if at % (1 << 14) == 0 {
                bar.set_position(at as u64);
            }
        }
        bar.finish_and_clear();
    }

    fn count(&mut self, tick: &Tick, feed: &TickFeed) {
        let Some(id) = feed.instrument(tick.symbol) else { return };
        let Some(check) = self.checks.get_mut(id.index()) else { return };
        let unknown = tally(tick, self.market, &mut self.left, &mut check.out);
        check.out.unknown += unknown;
        if check.done < check.snapshots.len() {
            check.compare(&self.books.0, id);
        }
    }

    fn report(self, file: &TickFile) -> VerifyReport {
        let mut report = VerifyReport {
            ticks: file.ticks.len() as u64,
            bad_rows: file.bad.by_reason().collect(),
            bad_first: file.bad.first().iter().map(ToString::to_string).collect(),
            ..VerifyReport::default()
        };
        let mut first: Option<Difference> = None;
        for (index, mut check) in self.checks.into_iter().enumerate() {
            let id = InstrumentId(index as u32);
            check.finish();
            check.out.crossed = self.books.0.is_crossed(id);
            check.out.stale = self.books.0.stale(id).is_some();
            report.compared += check.out.compared;
            report.equal += check.out.equal;
            if let Some(found) = check.difference
                && first.as_ref().is_none_or(|first| found.time_ns < first.time_ns)
            {
                first = Some(found);
            }
            report.securities.push(check.out);
        }
        report.difference = first;
        report
    }
}

/// Counts a tick, and keeps what is left of its orders; returns how many orders were unknown.
fn tally(
    tick: &Tick,
    market: Market,
    left: &mut HashMap<(Symbol, OrderRef), u64>,
    out: &mut Verified,
) -> u64 {
    let qty = tick.qty.0;
    let mut take = |side: Side| {
        let key = (tick.symbol, tick.order(side));
        match left.get_mut(&key) {
            None => 1,
            Some(rest) if *rest > qty => {
                *rest -= qty;
                0
            }
            Some(_) => {
                left.remove(&key);
                0
            }
        }
    };
    match tick.kind {
        TickKind::Order { side, .. } => {
            out.orders += 1;
            left.insert((tick.symbol, tick.order(side)), qty);
            0
        }
        TickKind::Cancel { side } => {
            out.cancels += 1;
            match left.remove(&(tick.symbol, tick.order(side))) {
                None => 1,
                Some(rest) => {
                    out.cancels_wrong += u64::from(rest != qty);
                    0
                }
            }
        }
        TickKind::Trade { aggressor } => {
            out.trades.ticks += 1;
            out.volume.ticks += qty;
            match aggressor {
                Some(aggressor) if market == Market::Sse => take(aggressor.opposite()),
                _ => take(Side::Buy) + take(Side::Sell),
            }
        }
        TickKind::Phase(_) => 0,
    }
}

type Levels = [[Level; DEPTH]; 2];

/// One security against its snapshots.
struct Check<'a> {
    out: Verified,
    /// Of the continuous session, by time.
    snapshots: Vec<&'a Snapshot>,
    /// How many of them are decided.
    done: usize,
    /// For the undecided ones with the book's volume: equal, or the closest state so far.
    open: Vec<Open>,
    difference: Option<Difference>,
}

#[derive(Clone, Copy)]
struct Open {
    states: u64,
    /// Levels that agree in the closest state; all of them: equal.
    agree: usize,
    closest: Levels,
}

/// 09:30:00 to 14:57:00 by the market's clock.
const CONTINUOUS_NS: std::ops::Range<u64> = 34_200_000_000_000..53_820_000_000_000;

impl<'a> Check<'a> {
    fn new(symbol: Symbol, snapshots: impl Iterator<Item = &'a Snapshot> + Clone) -> Check<'a> {
        let last = snapshots.clone().last();
        let midnight = |ns| Date::of_ns(ns, Market::HOURS_EAST).midnight_ns(Market::HOURS_EAST);
        let continuous = |s: &&Snapshot| {
            CONTINUOUS_NS.contains(&s.exch_ns.0.saturating_sub(midnight(s.exch_ns.0)))
        };
        let total = |said: Option<u64>| Total { ticks: 0, snapshot: said };
        Check {
            out: Verified {
                symbol: symbol.to_string(),
                volume: total(last.map(|s| s.volume.0)),
                trades: total(last.map(|s| s.num_trades).filter(|n| *n > 0)),
                ..Verified::default()
            },
            snapshots: snapshots.filter(continuous).collect(),
            done: 0,
            open: Vec::new(),
            difference: None,
        }
    }

    /// Compares the book as it stands with the snapshots of its volume.
    fn compare(&mut self, books: &LevelBooks, id: InstrumentId) {
        let volume = Qty(self.out.volume.ticks);
        while self.snapshots.get(self.done).is_some_and(|s| s.volume < volume) {
            self.decide();
        }
        let waiting = self.snapshots.get(self.done..).unwrap_or_default();
        if waiting.first().is_none_or(|s| s.volume != volume) {
            return;
        }
        let mut state = Levels::default();
        for (side, levels) in Side::BOTH.into_iter().zip(&mut state) {
            books.book(id).levels(side, levels);
        }
        for (at, snapshot) in waiting.iter().take_while(|s| s.volume == volume).enumerate() {
            if self.open.len() == at {
                self.open.push(Open { states: 0, agree: 0, closest: Levels::default() });
            }
            if let Some(open) = self.open.get_mut(at) {
                open.see(snapshot, &state);
            }
        }
    }

    /// No later state can equal the first undecided snapshot.
    fn decide(&mut self) {
        let Some(snapshot) = self.snapshots.get(self.done) else { return };
        let none = Open { states: 0, agree: 0, closest: Levels::default() };
        let open = if self.open.is_empty() { none } else { self.open.remove(0) };
        self.done += 1;
        self.out.compared += 1;
        if open.is_equal() {
            self.out.equal += 1;
        } else if self.difference.is_none() {
            self.difference = Some(Difference::new(snapshot, &open));
        }
    }

    fn finish(&mut self) {
        while self.done < self.snapshots.len() {
            self.decide();
        }
    }
}

impl Open {
    fn see(&mut self, snapshot: &Snapshot, state: &Levels) {
        self.states += 1;
        let pairs = snapshot.levels.iter().flatten().zip(state.iter().flatten());
        let agree = pairs.filter(|(a, b)| (a.price, a.qty) == (b.price, b.qty)).count();
        if agree > self.agree || self.states == 1 {
            (self.agree, self.closest) = (agree, *state);
        }
    }

    fn is_equal(&self) -> bool {
        self.states > 0 && self.agree == 2 * DEPTH
    }
}

impl Difference {
    fn new(snapshot: &Snapshot, open: &Open) -> Difference {
        let cell = |level: &Level| (level.price.0, level.qty.0);
        let mut levels = Vec::new();
        for (name, (said, book)) in
            ["bid", "ask"].into_iter().zip(snapshot.levels.iter().zip(&open.closest))
        {
            for (level, (said, book)) in (1..).zip(said.iter().zip(book)) {
                let (snapshot, book) = (cell(said), cell(book));
                levels.push(LevelPair { side: name, level, snapshot, book });
            }
        }
        Difference {
            symbol: snapshot.symbol.to_string(),
            time_ns: snapshot.exch_ns.0,
            volume: snapshot.volume.0,
            states: open.states,
            levels,
        }
    }
}

impl fmt::Display for VerifyReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{} ticks, {} bad rows",
            self.ticks,
            self.bad_rows.iter().map(|r| r.1).sum::<u64>()
        )?;
        self.bad_first.iter().take(5).try_for_each(|row| writeln!(f, "  {row}"))?;
        writeln!(
            f,
            "{:<8} {:>8} {:>8} {:>12} {:>8} {:>7} {:>7} {:>9} {:>7}",
            "code",
            "orders",
            "trades",
            "volume",
            "cancels",
            "wrong",
            "unknown",
            "snapshots",
            "equal"
        )?;
        for row in &self.securities {
            let mark = |total: &Total| if total.agrees() { "" } else { "!" };
            writeln!(
                f,
                "{:<8} {:>8} {:>8} {:>12} {:>8} {:>7} {:>7} {:>9} {:>7}{}",
                row.symbol,
                row.orders,
                format!("{}{}", row.trades.ticks, mark(&row.trades)),
                format!("{}{}", row.volume.ticks, mark(&row.volume)),
                row.cancels,
                row.cancels_wrong,
                row.unknown,
                row.compared,
                row.equal,
                if row.stale {
                    "  stale"
                } else if row.crossed {
                    "  crossed"
                } else {
                    ""
                },
            )?;
        }
        write!(f, "{} snapshots compared, {} equal", self.compared, self.equal)?;
        match &self.difference {
            Some(difference) => write!(f, "\n{difference}"),
            None => Ok(()),
        }
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let of_day = self.time_ns.wrapping_add(Market::HOURS_EAST * 3_600_000_000_000)
            % 86_400_000_000_000
            / 1_000_000_000;
        let (hours, minutes, seconds) = (of_day / 3_600, of_day / 60 % 60, of_day % 60);
        writeln!(
            f,
            "first difference: {} {hours:02}:{minutes:02}:{seconds:02}, volume {}, closest of {} states",
            self.symbol, self.volume, self.states
        )?;
        write!(f, "{:>6} {:>12} {:>10} | {:>12} {:>10}", "", "snapshot", "", "book", "")?;
        for pair in &self.levels {
            let price = |price: i64| Price(price).decimal(PRICE_DECIMALS).to_string();
            let mark = if pair.snapshot == pair.book { "" } else { "  <" };
            write!(
                f,
                "\n{:>3} {:>2} {:>12} {:>10} | {:>12} {:>10}{mark}",
                pair.side,
                pair.level,
                price(pair.snapshot.0),
                pair.snapshot.1,
                price(pair.book.0),
                pair.book.1
            )?;
        }
        Ok(())
    }
}
