//! `nofx verify`: a day of ticks against what the exchange itself published of it.
//!
//! Three questions, per security. Does each ten-level snapshot of the continuous session equal some
//! state of the book with the same cumulative volume, at all levels of both sides (its stamp is too
//! coarse to be a place)? Do volume and number of trades equal the last snapshot's? Does each cancel
//! take exactly what is left of its order (Shanghai), by a count that knows nothing of the book?
//! Shenzhen's ticks go through the rebuild of clean books first, as in a replay.

mod check;
mod report;

use std::collections::HashMap;
use std::path::PathBuf;

use clap::Args;
use nofx_book::{LevelBooks, LevelConfig};
use nofx_feed::TickFeed;
use nofx_ticks::{Hole, Snapshot, TickFile};
use nofx_types::{
    BookEvent, EventSink, Instrument, InstrumentId, Market, OrderRef, Side, Symbol, Tick, TickKind,
    Touch,
};

use crate::failure::Failure;
use crate::feeds::{Rebuild, RebuildName};
use crate::{config, progress, ticks};
use check::Check;
pub use report::{Difference, LevelPair, Total, Verified, VerifyReport};

/// Arguments of `nofx verify`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    nofx verify 20230207/AX_sbe_sse_600519.zip --snapshots 20230207/AX_sbe_sse_600519.zip\n  \
    nofx verify SHorders.zip SHtrans.zip --json\n\n\
    Exit code 1 on any difference, and where --snapshots left nothing to compare. Layouts, containers \
    and options: docs/ticks.md.")]
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
    /// Configuration (TOML); section [ticks] matters, and szse.rebuild.
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

/// Verifies what `args` name.
///
/// # Errors
/// Bad configuration, a file that cannot be read. Differences are in the report.
pub fn run(args: &VerifyArgs) -> Result<VerifyReport, Failure> {
    let config = config::load(args.config.as_deref(), &args.set)?;
    let mut section = config.ticks.clone();
    section.map = args.ticks_map.clone().or(section.map);
    if let Some(symbol) = &args.symbol {
        section.symbols = vec![symbol.clone()];
    }
    let mut files = args.files.clone();
    // A file that holds both is read once.
    let known = |path: &PathBuf| args.files.iter().any(|file| file == path);
    files.extend(args.snapshots.iter().filter(|path| !known(path)).cloned());
    let file = ticks::load(&section, &files, args.quiet)?;
    let feed = TickFeed::new(section.feed(&file)?);
    let feed = feed.map_err(|e| Failure::usage(format!("ticks: {e}")))?;
    let snapshots = args.snapshots.as_ref().map(|_| file.snapshots.as_slice());
    let mut verifier = Verifier::new(&file, snapshots.unwrap_or_default(), config.szse.rebuild)?;
    verifier.replay(&file, feed, args.quiet);
    let snapshots = snapshots.map(|all| all.len() as u64);
    Ok(VerifyReport { snapshots, ..verifier.report(&file) })
}

/// The books, and the checks that look at each of their states.
struct Judged<'a> {
    books: LevelBooks,
    /// By instrument id.
    checks: Vec<Check<'a>>,
}

impl Judged<'_> {
    /// Compares the book as it stands, if that was not done.
    fn look(&mut self, id: InstrumentId) {
        if let Some(check) = self.checks.get_mut(id.index()) {
            check.look(&self.books, id);
        }
    }
}

impl EventSink for Judged<'_> {
    #[inline]
    fn on_event(&mut self, event: &BookEvent) {
        // A tick may end the wait of an order, in a book that is not its own: what stood before each
        // event is a state, not only what stands behind a tick.
        self.look(event.instrument);
        self.books.apply(event);
        if let Some(check) = self.checks.get_mut(event.instrument.index()) {
            check.due = event.last;
        }
    }

    fn on_definition(&mut self, instrument: &Instrument) {
        self.books.define(instrument);
    }

    fn touch(&self, instrument: InstrumentId) -> Touch {
        self.books.touch(instrument)
    }
}

struct Verifier<'a> {
    judged: Judged<'a>,
    market: Market,
    /// What makes clean books of Shenzhen's raw events.
    rebuild: Option<Rebuild>,
    /// What is left of each order, by a count of its own.
    left: HashMap<(Symbol, OrderRef), u64>,
}

impl<'a> Verifier<'a> {
    fn new(
        file: &TickFile,
        snapshots: &'a [Snapshot],
        rebuild: RebuildName,
    ) -> Result<Verifier<'a>, Failure> {
        let adds = file.ticks.iter().filter(|t| matches!(t.kind, TickKind::Order { .. })).count();
        let sizes = LevelConfig {
            instruments: file.symbols.len().max(1) as u32,
            live_orders: adds.clamp(1, 1 << 23) as u32,
            ..LevelConfig::default()
        };
        let mut books = LevelBooks::new(&sizes).map_err(Failure::usage)?;
        books.set_unknown_is_stale(true);
        let market = file.market().map_err(Failure::input)?;
        let rebuild = (market == Market::Szse)
            .then(|| Rebuild::new(rebuild, sizes.instruments, sizes.live_orders));
        let of = |symbol| snapshots.iter().filter(move |s| s.symbol == symbol);
        let check = |info: &nofx_ticks::SymbolInfo| Check::new(info.symbol, of(info.symbol));
        Ok(Verifier {
            judged: Judged { books, checks: file.symbols.iter().map(check).collect() },
            market,
            rebuild: rebuild.transpose()?,
            left: HashMap::with_capacity(adds),
        })
    }

    fn replay(&mut self, file: &TickFile, mut feed: TickFeed, quiet: bool) {
        // Defined in the order of the checks, so that ids are their indices.
        for info in &file.symbols {
            let (instrument, judged) = (ticks::instrument(info), &mut self.judged);
            match &mut self.rebuild {
                None => feed.define(&instrument, judged),
                Some(rebuild) => feed.define(&instrument, &mut rebuild.over(0, judged)),
            }
        }
        let bar = progress::steps(file.ticks.len() as u64, quiet, "ticks");
        let mut holes = file.holes.as_slice();
        for (at, tick) in file.ticks.iter().enumerate() {
            let lost = holes.iter().take_while(|hole| hole.before <= at).count();
            let (lost, later) = holes.split_at(lost);
            holes = later;
            let judged = &mut self.judged;
            match &mut self.rebuild {
                None => walk(&mut feed, tick, lost, judged),
                Some(rebuild) => {
                    walk(&mut feed, tick, lost, &mut rebuild.over(tick.channel, judged));
                }
            }
            self.count(tick, &feed);
            if at % (1 << 14) == 0 {
                bar.set_position(at as u64);
            }
        }
        bar.finish_and_clear();
    }

    fn count(&mut self, tick: &Tick, feed: &TickFeed) {
        let Some(id) = feed.instrument(tick.symbol) else { return };
        let Some(check) = self.judged.checks.get_mut(id.index()) else { return };
        let unknown = tally(tick, self.market, &mut self.left, &mut check.out);
        check.out.unknown += unknown;
        check.due |= matches!(tick.kind, TickKind::Trade { .. });
        self.judged.look(id);
    }

    fn report(self, file: &TickFile) -> VerifyReport {
        let mut report = VerifyReport {
            ticks: file.ticks.len() as u64,
            bad_rows: file.bad.by_reason().collect(),
            bad_first: file.bad.first().iter().map(ToString::to_string).collect(),
            ..VerifyReport::default()
        };
        let mut first: Option<Difference> = None;
        let Judged { books, checks } = self.judged;
        for (index, mut check) in checks.into_iter().enumerate() {
            let id = InstrumentId(index as u32);
            check.finish();
            check.out.crossed = books.is_crossed(id);
            check.out.stale = books.stale(id).is_some();
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

/// What was lost in front of a tick, then the tick.
#[inline]
fn walk<S: EventSink>(feed: &mut TickFeed, tick: &Tick, lost: &[Hole], sink: &mut S) {
    for hole in lost {
        feed.lost(hole.symbol, tick, tick.exch_ns, sink);
    }
    feed.on_tick(tick, tick.exch_ns, sink);
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
