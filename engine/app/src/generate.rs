//! `nofx gen`: a synthetic trading day as files, and the truth about it.
//!
//! Without `--market`, or with `--market us`, ITCH; see [`market`] for the others.
//!
//! | file | content |
//! |---|---|
//! | `day.itch` | BinaryFILE: every message of the day |
//! | `line-a.pcap`, `line-b.pcap` | MoldUDP64 on two multicast groups, each with its own losses |
//! | `truth.json` | what a correct reader must find; written last |
//!
//! Times of capture are the venue's times plus the delay of a line, in UTC of the trading date. The
//! keys of `truth.json` are the fields of [`TruthFile`]; prices there count 1/10,000.

mod hkex;
pub mod market;
mod sse;
mod szse;

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use indicatif::ProgressBar;
use nofx_book::touch_hash;
use nofx_net::atomic::AtomicFile;
use nofx_net::write::{BinaryFileWriter, Link, PcapWriter};
use nofx_types::{InstrumentId, Nanos, Price, Qty, Touch};
use nofx_venue::day::{
    self, Date, DayConfig, DaySink, Faults, LINES, Listed, Losses, Share, Truth,
};
use nofx_wire::itch;
use serde::Serialize;

use crate::cli::GenArgs;
use crate::failure::Failure;
use crate::progress;

/// Multicast group and port of lines A and B.
pub const GROUPS: [([u8; 4], u16); LINES] = [([239, 1, 1, 1], 26_400), ([239, 1, 1, 2], 26_401)];
const PCAPS: [&str; LINES] = ["line-a.pcap", "line-b.pcap"];
const ITCH: &str = "day.itch";
const TRUTH: &str = "truth.json";

type WriteError = Box<nofx_net::Error>;

/// What was made; shown as a few lines of text.
#[derive(Debug)]
pub struct GenReport {
    /// Files written, with their bytes.
    pub files: Vec<(PathBuf, u64)>,
    /// What a correct reader must find.
    pub truth: Truth,
    /// Hash over the touches of all books at the end.
    pub touch_hash: u64,
    /// How long it took.
    pub elapsed: Duration,
}

/// What was made, of whichever market.
#[derive(Debug)]
pub enum Report {
    /// ITCH.
    Us(Box<GenReport>),
    /// Shanghai, Shenzhen, Hong Kong.
    Market(Box<market::MarketReport>),
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Report::Us(report) => report.fmt(f),
            Report::Market(report) => report.fmt(f),
        }
    }
}

/// Makes the day that `args` describe.
///
/// # Errors
/// An argument that cannot be used, or that the market does not have; a file that cannot be written.
pub fn run(args: &GenArgs) -> Result<Report, Failure> {
    let us = args.market.market().is_none();
    if args.only_binaryfile && !us {
        return Err(Failure::usage("--only-binaryfile: only --market us writes a BinaryFILE"));
    }
    if args.seconds.is_some() && us {
        return Err(Failure::usage("--seconds: not for --market us: its day has its own hours"));
    }
    match args.market.market() {
        Some(market) => Ok(Report::Market(Box::new(market::run(args, market)?))),
        None => Ok(Report::Us(Box::new(itch_day(args)?))),
    }
}

fn itch_day(args: &GenArgs) -> Result<GenReport, Failure> {
    let started = Instant::now();
    let date = Date::parse(&args.date).ok_or_else(|| {
        let given = &args.date;
        Failure::usage(format!("--date {given:?}: want a date from 2007 to 2105, YYYY-MM-DD"))
    })?;
    let config = config_of(args);
    config.check().map_err(Failure::usage)?;
    let unwritable = |error| Failure::output(format!("{}: {error}", args.out.display()));
    fs::create_dir_all(&args.out).map_err(unwritable)?;

    let bar = progress::steps(args.messages, args.quiet, "messages");
    let mut files = Files::create(args, date, bar).map_err(Failure::output)?;
    let truth = day::generate(&config, &mut files).map_err(Failure::output)?;
    let written = files.finish().map_err(Failure::output)?;
    let touch_hash = hash_of(&truth.instruments);
    let truth_path = args.out.join(TRUTH);
    write_truth(&truth_path, &TruthFile::new(args, &truth, touch_hash))?;

    let paths = written.into_iter().chain([truth_path]);
    let size = |path: PathBuf| {
        let bytes = fs::metadata(&path).map_or(0, |found| found.len());
        (path, bytes)
    };
    let files = paths.map(size).collect();
    Ok(GenReport { files, truth, touch_hash, elapsed: started.elapsed() })
}

fn config_of(args: &GenArgs) -> DayConfig {
    let faults = faults_of(args);
    DayConfig {
        seed: args.seed,
        instruments: args.instruments as usize,
        messages: args.messages,
        lines: (!args.only_binaryfile).then_some(faults),
        ..DayConfig::default()
    }
}

/// What the lines do to packets.
fn faults_of(args: &GenArgs) -> Faults {
    let [loss, duplicate, reorder] = [args.loss, args.duplicate, args.reorder].map(Share::of);
    let mut faults = DayConfig::faults(args.seed, loss, duplicate, reorder);
    faults.outage = faults.outage.filter(|_| !args.no_outage);
    faults
}

/// The files while the day is made.
struct Files {
    midnight: Nanos,
    itch: BinaryFileWriter,
    pcaps: Option<[PcapWriter; LINES]>,
    paths: Vec<PathBuf>,
    bar: ProgressBar,
}

impl Files {
    fn create(args: &GenArgs, date: Date, bar: ProgressBar) -> Result<Files, WriteError> {
        let mut paths = vec![args.out.join(ITCH)];
        let itch = BinaryFileWriter::create(&paths[0])?;
        let mut line = |index: usize| {
            let path = args.out.join(PCAPS[index]);
            let link = Link { src: [10, 1, index as u8, 1], ..Link::default() };
            let writer = PcapWriter::create(&path, link)?;
            paths.push(path);
            Ok::<_, WriteError>(writer)
        };
        let pcaps = if args.only_binaryfile { None } else { Some([line(0)?, line(1)?]) };
        Ok(Files { midnight: date.midnight(), itch, pcaps, paths, bar })
    }

    fn finish(self) -> Result<Vec<PathBuf>, WriteError> {
        self.bar.finish_and_clear();
        self.itch.finish()?;
        for pcap in self.pcaps.into_iter().flatten() {
            pcap.finish()?;
        }
        Ok(self.paths)
    }
}

impl DaySink for Files {
    type Error = WriteError;

    fn message(&mut self, message: &[u8]) -> Result<(), WriteError> {
        self.itch.message(message)
    }

    fn datagram(&mut self, line: usize, at: Nanos, payload: &[u8]) -> Result<(), WriteError> {
        let writer = self.pcaps.as_mut().and_then(|pcaps| pcaps.get_mut(line));
        let (Some(writer), Some((group, port))) = (writer, GROUPS.get(line)) else {
            return Ok(());
        };
        writer.datagram(self.midnight.plus(at.0), *group, *port, payload)
    }

    fn progress(&mut self, messages: u64) {
        self.bar.set_position(messages);
    }
}

/// Hash over the final touches, as the books of a correct reader give it.
fn hash_of(instruments: &[Listed]) -> u64 {
    let touch = |listed: &Listed| {
        let part = |best: Option<(u32, u64)>| best.unwrap_or_default();
        let ((bid_px, bid_qty), (ask_px, ask_qty)) = (part(listed.bid), part(listed.ask));
        let [bid_px, ask_px] = [bid_px, ask_px].map(|price| Price(i64::from(price)));
        let [bid_qty, ask_qty] = [bid_qty, ask_qty].map(Qty);
        (InstrumentId(u32::from(listed.locate)), Touch { bid_px, bid_qty, ask_px, ask_qty })
    };
    touch_hash(instruments.iter().map(touch))
}

/// The content of `truth.json`.
#[derive(Debug, Serialize)]
pub struct TruthFile<'a> {
    /// Seed of the day.
    pub seed: u64,
    /// Trading date, `YYYY-MM-DD`.
    pub date: &'a str,
    /// Messages of the stream.
    pub messages: MessageCounts,
    /// Shares printed: `E`, printable `C`, `P`, `Q`, less `B`.
    pub volume: u64,
    /// Trades printed.
    pub trades: u64,
    /// Displayed orders at the end.
    pub live_orders: u64,
    /// Most displayed orders at any moment.
    pub live_orders_max: u64,
    /// Largest order reference.
    pub order_ref_max: u64,
    /// Hash over the touches of all books at the end, in hexadecimal.
    pub touch_hash: String,
    /// What the lines lost; absent without pcap files.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lines: Option<LineTruth>,
    /// Every instrument, the most active first.
    pub instruments: Vec<InstrumentTruth<'a>>,
}

/// How many messages there are.
#[derive(Debug, Serialize)]
pub struct MessageCounts {
    /// Of all types.
    pub total: u64,
    /// By type letter; types that do not occur are 0.
    pub by_type: BTreeMap<char, u64>,
}

/// What the lines lost.
#[derive(Debug, Serialize)]
pub struct LineTruth {
    /// Packets with messages that were sent on each line, copies not counted.
    pub packets: u64,
    /// Of these, lost on lines A and B.
    pub packets_lost: [u64; LINES],
    /// Messages lost on lines A and B.
    pub messages_lost: [u64; LINES],
    /// Messages lost on both lines.
    pub messages_lost_both: u64,
    /// Runs of messages lost on both lines: the gaps a receiver must report.
    pub gaps: u64,
    /// The first of these runs, as first and last sequence number.
    pub gap_ranges: Vec<(u64, u64)>,
    /// Groups of lines A and B, as `address:port`.
    pub groups: [String; LINES],
}

/// An instrument and its touch at the end.
#[derive(Debug, Serialize)]
pub struct InstrumentTruth<'a> {
    /// Symbol.
    pub symbol: &'a str,
    /// Locate.
    pub locate: u16,
    /// Best bid: price in 1/10,000, shares.
    pub bid: Option<(u32, u64)>,
    /// Best ask.
    pub ask: Option<(u32, u64)>,
}

impl<'a> TruthFile<'a> {
    fn new(args: &'a GenArgs, truth: &'a Truth, touch_hash: u64) -> TruthFile<'a> {
        let count = |kind: &itch::Kind| (char::from(kind.kind), truth.by_type[kind.kind as usize]);
        let by_type = itch::NAMES.iter().map(count).collect();
        let lines = (!args.only_binaryfile).then(|| LineTruth::new(&truth.losses, GROUPS));
        let instrument = |listed: &'a Listed| InstrumentTruth {
            symbol: listed.symbol.as_str(),
            locate: listed.locate,
            bid: listed.bid,
            ask: listed.ask,
        };
        TruthFile {
            seed: args.seed,
            date: &args.date,
            messages: MessageCounts { total: truth.total(), by_type },
            volume: truth.volume,
            trades: truth.trades,
            live_orders: truth.live_orders,
            live_orders_max: truth.live_orders_max,
            order_ref_max: truth.order_ref_max,
            touch_hash: format!("{touch_hash:016x}"),
            lines,
            instruments: truth.instruments.iter().map(instrument).collect(),
        }
    }
}

impl LineTruth {
    fn new(losses: &Losses, groups: [([u8; 4], u16); LINES]) -> LineTruth {
        LineTruth {
            packets: losses.packets,
            packets_lost: losses.packets_lost,
            messages_lost: losses.messages_lost,
            messages_lost_both: losses.messages_lost_both,
            gaps: losses.ranges_lost_both,
            gap_ranges: losses.ranges.clone(),
            groups: groups.map(|([a, b, c, d], port)| format!("{a}.{b}.{c}.{d}:{port}")),
        }
    }
}

fn write_truth(path: &Path, truth: &TruthFile<'_>) -> Result<(), Failure> {
    let mut file = AtomicFile::create(path).map_err(Failure::output)?;
    serde_json::to_writer(&mut file, truth).map_err(Failure::output)?;
    file.put(b"\n").map_err(Failure::output)?;
    file.finish().map_err(Failure::output)
}

impl fmt::Display for GenReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Truth { losses, volume, trades, live_orders, instruments, .. } = &self.truth;
        let (total, seconds) = (self.truth.total(), self.elapsed.as_secs_f64());
        writeln!(f, "{total} messages of {} instruments in {seconds:.1} s", instruments.len())?;
        writeln!(f, "{trades} trades, {volume} shares; {live_orders} orders rest at the end")?;
        writeln!(f, "touch hash {:016x}", self.touch_hash)?;
        if losses.packets > 0 {
            let ([a, b], both) = (losses.packets_lost, losses.messages_lost_both);
            let (packets, gaps) = (losses.packets, losses.ranges_lost_both);
            writeln!(f, "{packets} packets; lost {a} on line A, {b} on line B")?;
            writeln!(f, "{both} messages lost on both lines, in {gaps} gaps")?;
        }
        list_files(f, &self.files)
    }
}

/// Each file with its bytes, a line each.
fn list_files(f: &mut fmt::Formatter<'_>, files: &[(PathBuf, u64)]) -> fmt::Result {
    let mut files = files.iter().peekable();
    while let Some((path, bytes)) = files.next() {
        write!(f, "{:>14}  {}", bytes, path.display())?;
        if files.peek().is_some() {
            writeln!(f)?;
        }
    }
    Ok(())
}
