//! The files of a run: CSV of touches and levels, Parquet tables, HdrHistogram logs, JSON.
//!
//! Every file is written beside its final name and renamed when it is whole, so an interrupted run
//! or a full disk leaves nothing half-written under a name that someone may read.

use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use hdrhistogram::serialization::V2DeflateSerializer;
use hdrhistogram::serialization::interval_log::IntervalLogWriterBuilder;
use nofx_net::atomic::AtomicFile;
use nofx_rt::clock::CycleClock;
use nofx_rt::hist::Histogram;
use nofx_types::{Instrument, InstrumentId, Instruments, Price, Qty, Side, UpdateKind};
use serde::Serialize;

use crate::columns::{Column, ColumnKind, TableWriter};
use crate::record::{MarketRow, Recorder, Said, label};
use crate::stamps::{SlowEvent, Stage, Stamps};
use crate::summary::{LatencySummary, Summary};

/// A file that cannot be written.
#[derive(Debug, thiserror::Error)]
#[error("{}: cannot be written: {reason}; nothing was left under this name", path.display())]
pub struct OutputError {
    /// The file.
    pub path: PathBuf,
    /// Why.
    pub reason: String,
}

impl OutputError {
    fn new(path: &Path, reason: impl ToString) -> OutputError {
        OutputError { path: path.to_owned(), reason: reason.to_string() }
    }
}

type Result<T> = std::result::Result<T, OutputError>;

/// Where the rows of a run go.
#[derive(Default)]
pub struct Outputs {
    bbo: Option<Csv>,
    book: Option<Csv>,
    tables: Option<Tables>,
}

/// What is to be written.
#[derive(Clone, Debug, Default)]
pub struct OutputPaths {
    /// Touches as CSV.
    pub bbo: Option<PathBuf>,
    /// Levels as CSV.
    pub book: Option<PathBuf>,
    /// Folder of report data.
    pub dir: Option<PathBuf>,
}

impl Outputs {
    /// Opens every file that is wanted, so that a folder without room or right fails at once.
    ///
    /// # Errors
    /// A file cannot be made, or two tables shall have one file.
    pub fn open(paths: &OutputPaths) -> Result<Outputs> {
        if let Some(path) = paths.bbo.as_ref().filter(|path| paths.book.as_ref() == Some(path)) {
            return Err(OutputError::new(path, "--bbo and --book name the same file"));
        }
        let csv = |path: &Option<PathBuf>, header| {
            path.as_ref().map(|path| Csv::open(path, header)).transpose()
        };
        Ok(Outputs {
            bbo: csv(&paths.bbo, "seq,ts_ns,instrument,bid_px,bid_qty,ask_px,ask_qty")?,
            book: csv(&paths.book, "seq,ts_ns,instrument,side,level,px,qty,orders")?,
            tables: paths.dir.as_deref().map(Tables::open).transpose()?,
        })
    }

    /// Writes the rows gathered so far and empties the buffers.
    ///
    /// # Errors
    /// A file cannot be written.
    pub fn flush(
        &mut self,
        recorder: &mut Recorder,
        instruments: &Instruments,
        clock: &CycleClock,
    ) -> Result<()> {
        let names = Names { instruments };
        if let Some(csv) = &mut self.bbo {
            csv.touches(recorder, &names)?;
        }
        if let Some(csv) = &mut self.book {
            csv.levels(recorder, &names)?;
        }
        if let Some(tables) = &mut self.tables {
            tables.append(recorder, &names, clock)?;
        }
        recorder.orders.clear();
        recorder.updates.clear();
        recorder.touches.clear();
        recorder.levels.clear();
        recorder.market.clear();
        Ok(())
    }

    /// Gives every file its final name, with the summary and the latency data in the folder.
    ///
    /// # Errors
    /// A file cannot be written.
    pub fn finish(
        self,
        summary: &Summary,
        stamps: &Stamps,
        instruments: &Instruments,
        clock: &CycleClock,
    ) -> Result<()> {
        self.bbo.map(Csv::finish).transpose()?;
        self.book.map(Csv::finish).transpose()?;
        if let Some(tables) = self.tables {
            tables.finish(summary, stamps, &Names { instruments }, clock)?;
        }
        Ok(())
    }
}

struct Names<'a> {
    instruments: &'a Instruments,
}

impl Names<'_> {
    fn instrument(&self, id: InstrumentId) -> Instrument {
        self.instruments.get(id).copied().unwrap_or(Instrument::unknown(id))
    }

    fn label(&self, id: InstrumentId) -> String {
        if id == InstrumentId::ALL { "all".into() } else { label(&self.instrument(id)) }
    }
}

struct Csv {
    path: PathBuf,
    file: BufWriter<AtomicFile>,
}

impl Csv {
    fn open(path: &Path, header: &str) -> Result<Csv> {
        let file = AtomicFile::create(path).map_err(|e| OutputError::new(path, e))?;
        let mut csv = Csv { path: path.to_owned(), file: BufWriter::with_capacity(1 << 20, file) };
        csv.line(format_args!("{header}"))?;
        Ok(csv)
    }

    fn line(&mut self, line: std::fmt::Arguments<'_>) -> Result<()> {
        writeln!(self.file, "{line}").map_err(|e| OutputError::new(&self.path, e))
    }

    fn touches(&mut self, recorder: &Recorder, names: &Names<'_>) -> Result<()> {
        for row in recorder.touches.rows() {
            let instrument = names.instrument(row.instrument);
            let price = |px: Price, qty: Qty| match qty.0 {
                0 => String::new(),
                _ => px.decimal(instrument.decimals).to_string(),
            };
            let touch = &row.touch;
            self.line(format_args!(
                "{},{},{},{},{},{},{}",
                row.seq,
                row.ts_ns.0,
                label(&instrument),
                price(touch.bid_px, touch.bid_qty),
                touch.bid_qty.0,
                price(touch.ask_px, touch.ask_qty),
                touch.ask_qty.0
            ))?;
        }
        Ok(())
    }

    fn levels(&mut self, recorder: &Recorder, names: &Names<'_>) -> Result<()> {
        for row in recorder.levels.rows() {
            let instrument = names.instrument(row.instrument);
            self.line(format_args!(
                "{},{},{},{},{},{},{},{}",
                row.seq,
                row.ts_ns.0,
                label(&instrument),
                side_name(row.side),
                row.rank,
                row.level.price.decimal(instrument.decimals),
                row.level.qty.0,
                row.level.orders
            ))?;
        }
        Ok(())
    }

    fn finish(self) -> Result<()> {
        let path = self.path;
        let file = self.file.into_inner().map_err(|e| OutputError::new(&path, e.error()))?;
        file.finish().map_err(|e| OutputError::new(&path, e))
    }
}

/// Side of a book in outputs.
pub const fn side_name(side: Side) -> &'static str {
    match side {
        Side::Buy => "bid",
        Side::Sell => "ask",
    }
}

struct Table {
    path: PathBuf,
    writer: TableWriter<BufWriter<AtomicFile>>,
}

impl Table {
    fn open(dir: &Path, name: &str, columns: &[(&str, ColumnKind)]) -> Result<Table> {
        let path = dir.join(name);
        let file = AtomicFile::create(&path).map_err(|e| OutputError::new(&path, e))?;
        let writer = TableWriter::new(BufWriter::new(file), columns)
            .map_err(|e| OutputError::new(&path, e))?;
        Ok(Table { path, writer })
    }

    fn append(&mut self, columns: Vec<Column>) -> Result<()> {
        self.writer.append(columns).map_err(|e| OutputError::new(&self.path, e))
    }

    fn finish(self) -> Result<()> {
        let path = self.path;
        let error = |e: &dyn std::fmt::Display| OutputError::new(&path, e.to_string());
        let buffer = self.writer.finish().map_err(|e| error(&e))?;
        let file = buffer.into_inner().map_err(|e| error(e.error()))?;
        file.finish().map_err(|e| error(&e))
    }
}

/// The Parquet tables, see docs/json.md.
struct Tables {
    dir: PathBuf,
    orders: Table,
    fills: Table,
    touches: Table,
    latencies: Table,
    market: Table,
}

use ColumnKind::{Int, Text};

const ORDERS: &[(&str, ColumnKind)] = &[
    ("ts_ns", Int),
    ("cause_seq", Int),
    ("instrument", Text),
    ("kind", Text),
    ("cl_ord_id", Int),
    ("orig", Int),
    ("side", Text),
    ("price_e4", Int),
    ("qty", Int),
    ("verdict", Text),
];
const FILLS: &[(&str, ColumnKind)] = &[
    ("ts_ns", Int),
    ("instrument", Text),
    ("cl_ord_id", Int),
    ("side", Text),
    ("price_e4", Int),
    ("qty", Int),
    ("liquidity", Text),
    ("position", Int),
];
const TOUCHES: &[(&str, ColumnKind)] = &[
    ("seq", Int),
    ("ts_ns", Int),
    ("exch_ns", Int),
    ("instrument", Text),
    ("bid_px", Int),
    ("bid_qty", Int),
    ("ask_px", Int),
    ("ask_qty", Int),
    ("decimals", Int),
];
const LATENCIES: &[(&str, ColumnKind)] =
    &[("ts_ns", Int), ("cause_seq", Int), ("instrument", Text), ("total_ns", Int)];

const MARKET: &[(&str, ColumnKind)] = &[
    ("seq", Int),
    ("ts_ns", Int),
    ("exch_ns", Int),
    ("instrument", Text),
    ("what", Text),
    ("phase", Text),
    ("low_e4", Int),
    ("high_e4", Int),
    ("qty", Int),
];

/// Names of the files that `--out` may write into its folder.
pub fn names() -> impl Iterator<Item = String> {
    let fixed =
        ["orders", "fills", "touches", "latencies", "market"].map(|n| format!("{n}.parquet"));
    let json = ["run.json", "latency.json"].map(String::from);
    let stages = Stage::ALL.map(|stage| format!("latency-{}.hlog", stage.name()));
    fixed.into_iter().chain(json).chain(stages)
}

impl Tables {
    fn open(dir: &Path) -> Result<Tables> {
        std::fs::create_dir_all(dir).map_err(|e| OutputError::new(dir, e))?;
        Ok(Tables {
            dir: dir.to_owned(),
            orders: Table::open(dir, "orders.parquet", ORDERS)?,
            fills: Table::open(dir, "fills.parquet", FILLS)?,
            touches: Table::open(dir, "touches.parquet", TOUCHES)?,
            latencies: Table::open(dir, "latencies.parquet", LATENCIES)?,
            market: Table::open(dir, "market.parquet", MARKET)?,
        })
    }

    fn append(&mut self, recorder: &Recorder, names: &Names<'_>, clock: &CycleClock) -> Result<()> {
        self.append_orders(recorder, names)?;
        self.append_fills(recorder, names)?;
        self.append_touches(recorder, names)?;
        self.append_market(recorder, names)?;
        let sent: Vec<_> = recorder.orders.rows().iter().filter(|r| r.cycles > 0).collect();
        let int = |f: &dyn Fn(&crate::record::OrderRow) -> u64| {
            Column::Int(sent.iter().map(|r| f(r) as i64).collect())
        };
        if sent.is_empty() {
            return Ok(());
        }
        let symbols = sent.iter().map(|r| label(&names.instrument(r.intent.instrument))).collect();
        self.latencies.append(vec![
            int(&|r| r.intent.now_ns.0),
            int(&|r| r.intent.cause_seq),
            Column::Text(symbols),
            int(&|r| clock.ns(r.cycles)),
        ])
    }

    fn append_orders(&mut self, recorder: &Recorder, names: &Names<'_>) -> Result<()> {
        let rows = recorder.orders.rows();
        if rows.is_empty() {
            return Ok(());
        }
        let int = |f: fn(&nofx_types::OrderIntent) -> i64| {
            Column::Int(rows.iter().map(|r| f(&r.intent)).collect())
        };
        let text = |f: &dyn Fn(&crate::record::OrderRow) -> String| {
            Column::Text(rows.iter().map(f).collect())
        };
        self.orders.append(vec![
            int(|i| i.now_ns.0 as i64),
            int(|i| i.cause_seq as i64),
            text(&|r| label(&names.instrument(r.intent.instrument))),
            text(&|r| format!("{:?}", r.intent.kind).to_lowercase()),
            int(|i| i64::from(i.cl_ord_id.0)),
            int(|i| i64::from(i.orig.0)),
            text(&|r| order_side(r.intent.side).to_owned()),
            int(|i| i.price.0),
            int(|i| i.qty.0 as i64),
            text(&|r| verdict(r.rejects)),
        ])
    }

    fn append_fills(&mut self, recorder: &Recorder, names: &Names<'_>) -> Result<()> {
        let is_fill = |r: &&crate::record::UpdateRow| {
            matches!(r.update.kind, UpdateKind::Filled | UpdateKind::Unreserved)
        };
        let rows: Vec<_> = recorder.updates.rows().iter().filter(is_fill).collect();
        if rows.is_empty() {
            return Ok(());
        }
        let int = |f: fn(&crate::record::UpdateRow) -> i64| {
            Column::Int(rows.iter().map(|r| f(r)).collect())
        };
        let text = |f: &dyn Fn(&crate::record::UpdateRow) -> String| {
            Column::Text(rows.iter().map(|r| f(r)).collect())
        };
        self.fills.append(vec![
            int(|r| r.update.now_ns.0 as i64),
            text(&|r| label(&names.instrument(r.update.instrument))),
            int(|r| i64::from(r.update.cl_ord_id.0)),
            text(&|r| order_side(r.update.side).to_owned()),
            int(|r| r.update.fill_price.0),
            int(|r| r.update.fill_qty.0 as i64),
            text(&|r| if r.update.maker { "maker" } else { "taker" }.to_owned()),
            int(|r| r.position),
        ])
    }

    fn append_touches(&mut self, recorder: &Recorder, names: &Names<'_>) -> Result<()> {
        let rows = recorder.touches.rows();
        if rows.is_empty() {
            return Ok(());
        }
        let int =
            |f: fn(&crate::record::TouchRow) -> i64| Column::Int(rows.iter().map(f).collect());
        let decimals = rows.iter().map(|r| i64::from(names.instrument(r.instrument).decimals));
        let symbols = rows.iter().map(|r| label(&names.instrument(r.instrument)));
        self.touches.append(vec![
            int(|r| r.seq as i64),
            int(|r| r.engine_ns.0 as i64),
            int(|r| r.ts_ns.0 as i64),
            Column::Text(symbols.collect()),
            int(|r| r.touch.bid_px.0),
            int(|r| r.touch.bid_qty.0 as i64),
            int(|r| r.touch.ask_px.0),
            int(|r| r.touch.ask_qty.0 as i64),
            Column::Int(decimals.collect()),
        ])
    }

    fn append_market(&mut self, recorder: &Recorder, names: &Names<'_>) -> Result<()> {
        let rows = recorder.market.rows();
        if rows.is_empty() {
            return Ok(());
        }
        let int = |f: &dyn Fn(&MarketRow) -> i64| Column::Int(rows.iter().map(f).collect());
        let text = |f: &dyn Fn(&MarketRow) -> String| Column::Text(rows.iter().map(f).collect());
        let band = |row: &MarketRow| match row.said {
            Said::Phase(_) => (Price(0), Price(0), Qty(0)),
            Said::Band { low, high } => (low, high, Qty(0)),
            Said::Indicative(price, qty) | Said::Auction(price, qty) => (price, price, qty),
        };
        self.market.append(vec![
            int(&|r| r.seq as i64),
            int(&|r| r.engine_ns.0 as i64),
            int(&|r| r.ts_ns.0 as i64),
            text(&|r| names.label(r.instrument)),
            text(&|r| said_name(r.said).to_owned()),
            text(&|r| match r.said {
                Said::Phase(phase) => format!("{phase:?}"),
                _ => String::new(),
            }),
            int(&|r| band(r).0.0),
            int(&|r| band(r).1.0),
            int(&|r| band(r).2.0 as i64),
        ])
    }

    fn finish(
        self,
        summary: &Summary,
        stamps: &Stamps,
        names: &Names<'_>,
        clock: &CycleClock,
    ) -> Result<()> {
        self.orders.finish()?;
        self.fills.finish()?;
        self.touches.finish()?;
        self.latencies.finish()?;
        self.market.finish()?;
        write_json(&self.dir.join("run.json"), summary)?;
        write_json(&self.dir.join("latency.json"), &LatencyFile::new(stamps, names, clock))?;
        for stage in Stage::ALL {
            let histogram = stamps.histogram(stage);
            let path = self.dir.join(format!("latency-{}.hlog", stage.name()));
            if histogram.count() > 0 {
                write_hdr(&path, stage, histogram, clock)?;
            } else {
                remove_old(&path)?;
            }
        }
        Ok(())
    }
}

/// A log of an earlier run into the same folder would pass for one of this run.
fn remove_old(path: &Path) -> Result<()> {
    match std::fs::remove_file(path) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => Err(OutputError::new(path, e)),
        _ => Ok(()),
    }
}

const fn order_side(side: Side) -> &'static str {
    match side {
        Side::Buy => "buy",
        Side::Sell => "sell",
    }
}

const fn said_name(said: Said) -> &'static str {
    match said {
        Said::Phase(_) => "phase",
        Said::Band { .. } => "band",
        Said::Indicative(..) => "indicative",
        Said::Auction(..) => "auction",
    }
}

fn verdict(rejects: nofx_gate::Rejects) -> String {
    if rejects.is_pass() {
        return "pass".to_owned();
    }
    rejects.rules().map(nofx_gate::Rule::name).collect::<Vec<_>>().join("+")
}

/// Writes `value` as one JSON document.
///
/// # Errors
/// The file cannot be written.
pub fn write_json(path: &Path, value: &impl Serialize) -> Result<()> {
    let file = AtomicFile::create(path).map_err(|e| OutputError::new(path, e))?;
    let mut out = BufWriter::new(file);
    serde_json::to_writer_pretty(&mut out, value).map_err(|e| OutputError::new(path, e))?;
    let file = out.into_inner().map_err(|e| OutputError::new(path, e.error()))?;
    file.finish().map_err(|e| OutputError::new(path, e))
}

/// `latency.json`: the curves, the timeline and the slowest events of the report page.
#[derive(Serialize)]
struct LatencyFile {
    ns_per_cycle: f64,
    stages: Vec<Curve>,
    timeline: Vec<TimelineRow>,
    slowest: Vec<SlowRow>,
}

#[derive(Serialize)]
struct Curve {
    stage: &'static str,
    summary: LatencySummary,
    sum_ns: f64,
    /// (percentile, nanoseconds), denser towards 100.
    points: Vec<(f64, u64)>,
}

#[derive(Serialize)]
struct TimelineRow {
    ts_ns: u64,
    count: u64,
    p50: u64,
    p99: u64,
    max: u64,
}

#[derive(Serialize)]
struct SlowRow {
    ns: u64,
    packet: u64,
    seq: u64,
    ts_ns: u64,
    instrument: String,
    message: &'static str,
    depth: u32,
    overflow: bool,
    page_faults: u64,
    preemptions: u64,
    stages_ns: Vec<(&'static str, u64)>,
}

impl LatencyFile {
    fn new(stamps: &Stamps, names: &Names<'_>, clock: &CycleClock) -> LatencyFile {
        let with_records = Stage::ALL.into_iter().filter(|s| stamps.histogram(*s).count() > 0);
        LatencyFile {
            ns_per_cycle: clock.ns_per_cycle(),
            stages: with_records.map(|s| curve(s, stamps.histogram(s), clock)).collect(),
            timeline: stamps
                .timeline()
                .iter()
                .map(|(at, total)| TimelineRow {
                    ts_ns: at.0,
                    count: total.count(),
                    p50: clock.ns(total.quantile(0.5)),
                    p99: clock.ns(total.quantile(0.99)),
                    max: clock.ns(total.max()),
                })
                .collect(),
            slowest: stamps.slowest().iter().map(|slow| slow_row(slow, names, clock)).collect(),
        }
    }
}

fn curve(stage: Stage, histogram: &Histogram, clock: &CycleClock) -> Curve {
    // 1 - 10^(-k/8): eight points for each further nine.
    let percentiles = (0..=48).map(|k| 100.0 * (1.0 - 10f64.powf(-f64::from(k) / 8.0)));
    let enough = 100.0 * (1.0 - 1.0 / histogram.count().max(1) as f64);
    let points = percentiles
        .take_while(|p| *p <= enough)
        .map(|p| (p, clock.ns(histogram.quantile(p / 100.0))))
        .chain([(100.0, clock.ns(histogram.max()))]);
    let sum: f64 = histogram.iter().map(|(value, n)| value as f64 * n as f64).sum();
    Curve {
        stage: stage.name(),
        summary: latency_summary(histogram, clock),
        sum_ns: sum * clock.ns_per_cycle(),
        points: points.collect(),
    }
}

fn slow_row(slow: &SlowEvent, names: &Names<'_>, clock: &CycleClock) -> SlowRow {
    let stages = Stage::ALL.iter().zip(slow.stages);
    SlowRow {
        ns: clock.ns(slow.cycles),
        packet: slow.packet,
        seq: slow.seq,
        ts_ns: slow.at.0,
        instrument: names.label(InstrumentId(slow.instrument)),
        message: slow.kind,
        depth: slow.depth,
        overflow: slow.overflow,
        page_faults: slow.usage.page_faults,
        preemptions: slow.usage.preemptions,
        stages_ns: stages.map(|(stage, cycles)| (stage.name(), clock.ns(cycles))).collect(),
    }
}

/// Percentiles in nanoseconds.
pub fn latency_summary(histogram: &Histogram, clock: &CycleClock) -> LatencySummary {
    let at = |quantile| clock.ns(histogram.quantile(quantile));
    LatencySummary {
        count: histogram.count(),
        min: clock.ns(histogram.min()),
        p50: at(0.5),
        p90: at(0.9),
        p99: at(0.99),
        p999: at(0.999),
        p9999: at(0.9999),
        max: clock.ns(histogram.max()),
    }
}

/// One HdrHistogram interval log per stage: three significant digits, nanoseconds.
fn write_hdr(path: &Path, stage: Stage, histogram: &Histogram, clock: &CycleClock) -> Result<()> {
    let error = |e: &dyn std::fmt::Display| OutputError::new(path, e.to_string());
    let mut hdr = hdrhistogram::Histogram::<u64>::new(3).map_err(|e| error(&e))?;
    for (cycles, n) in histogram.iter() {
        hdr.record_n(clock.ns(cycles), n).map_err(|e| error(&e))?;
    }
    let file = AtomicFile::create(path).map_err(|e| error(&e))?;
    let mut out = BufWriter::new(file);
    let mut serializer = V2DeflateSerializer::new();
    let start = std::time::UNIX_EPOCH;
    IntervalLogWriterBuilder::new()
        .add_comment(&format!("NOFX stage {} in nanoseconds", stage.name()))
        .with_start_time(start)
        .with_base_time(start)
        .begin_log_with(&mut out, &mut serializer)
        .map_err(|e| error(&e))?
        .write_histogram(&hdr, Duration::ZERO, Duration::from_secs(1), None)
        .map_err(|e| error(&format!("{e:?}")))?;
    let file = out.into_inner().map_err(|e| error(e.error()))?;
    file.finish().map_err(|e| error(&e))
}

/// Standard output as an error-checked writer: a closed pipe is not a panic.
///
/// # Errors
/// The pipe is closed or the device is full.
pub fn print(text: impl std::fmt::Display) -> io::Result<()> {
    writeln!(io::stdout().lock(), "{text}")
}

/// A line on standard error. Where that is closed or full nobody can be told, and nothing is done.
pub fn complain(text: impl std::fmt::Display) {
    let _ = writeln!(io::stderr().lock(), "nofx: {text}");
}
