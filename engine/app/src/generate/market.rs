//! A seeded day of Shanghai, Shenzhen or Hong Kong: board, background flow, publisher, files, truth.
//!
//! | market | files |
//! |---|---|
//! | `hkex` | `line-a.pcap`, `line-b.pcap`: OMD-C on two multicast groups, each with its own losses |
//! | `szse` | `tcp.pcap`: the whole TCP conversation with a market data gateway |
//! | `sse` | `ticks.csv`, `snapshots.csv`: neutral records (docs/ticks.md) |
//!
//! The keys of `truth.json` are the fields of [`MarketTruth`]; prices there count 1/10,000. The day
//! ends before the exchange empties its books, so they are the last thing that a reader sees.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use nofx_net::atomic::AtomicFile;
use nofx_rt::rng::Rng;
use nofx_rules::{DayRules, RuleBook, VcmClass};
use nofx_types::{Date, Market, Nanos, Side};
use nofx_venue::board::{
    Board, BoardConfig, BoardFlowConfig, CourseConfig, Said, SecurityConfig, Stage,
};
use nofx_venue::day::Losses;
use serde::Serialize;

use super::LineTruth;
use super::{hkex, sse, szse};
use crate::cli::GenArgs;
use crate::failure::Failure;
use crate::progress;

const TRUTH: &str = "truth.json";
/// The day goes on in steps of this; what is said has its own times.
const STEP_NS: u64 = 50_000_000;
/// Public messages that one request of the flow makes, in tenths: about.
const MESSAGES_PER_REQUEST_X10: u64 = 15;

/// What a day is written to.
pub(super) trait Tape {
    /// The day begins.
    fn open(&mut self, board: &Board);
    /// A public fact.
    fn said(&mut self, said: &Said, board: &Board);
    /// Everything up to `now` was said.
    fn turn(&mut self, now: Nanos, board: &Board);
    /// The first error of the files.
    fn check(&mut self) -> Result<(), Failure>;
    /// Ends the files.
    fn finish(self: Box<Self>, at: Nanos) -> Result<Written, Failure>;
}

/// What was written.
#[derive(Debug, Default)]
pub(super) struct Written {
    pub paths: Vec<PathBuf>,
    /// Messages by their name.
    pub messages: BTreeMap<String, u64>,
    pub losses: Option<Losses>,
}

/// What was made; shown as a few lines of text.
#[derive(Debug)]
pub struct MarketReport {
    /// Files written, with their bytes.
    pub files: Vec<(PathBuf, u64)>,
    /// What a correct reader must find.
    pub truth: MarketTruth,
    elapsed: Duration,
}

/// Makes the day that `args` describe.
pub fn run(args: &GenArgs, market: Market) -> Result<MarketReport, Failure> {
    let started = Instant::now();
    let date: Date =
        args.date.parse().map_err(|e| Failure::usage(format!("--date {:?}: {e}", args.date)))?;
    let rules = RuleBook::builtin(market).on(date);
    let rules = rules.map_err(|e| Failure::usage(format!("--date {:?}: {e}", args.date)))?;
    let config = config_of(args, market);
    check_codes(&config.securities, &rules)?;
    let mut board = Board::new(config, rules, None).map_err(Failure::usage)?;
    let unwritable = |error| Failure::output(format!("{}: {error}", args.out.display()));
    fs::create_dir_all(&args.out).map_err(unwritable)?;
    let mut tape: Box<dyn Tape> = match market {
        Market::Hkex => Box::new(hkex::Lines::create(args, &board)?),
        Market::Szse => Box::new(szse::Conversation::create(args, &board)?),
        Market::Sse => Box::new(sse::Records::create(args, &board)?),
    };
    let end = play(args, &mut board, tape.as_mut())?;
    let written = tape.finish(end)?;
    let truth = MarketTruth::new(args, market, &board, &written);
    let truth_path = args.out.join(TRUTH);
    write_truth(&truth_path, &truth)?;
    let size = |path: PathBuf| {
        let bytes = fs::metadata(&path).map_or(0, |found| found.len());
        (path, bytes)
    };
    let files = written.paths.into_iter().chain([truth_path]).map(size).collect();
    Ok(MarketReport { files, truth, elapsed: started.elapsed() })
}

/// Codes are given in a row: a market has only so many.
fn check_codes(securities: &[SecurityConfig], rules: &DayRules) -> Result<(), Failure> {
    let most = securities.iter().position(|row| rules.board_of(&row.symbol).is_none());
    most.map_or(Ok(()), |most| {
        let (asked, market) = (securities.len(), rules.market());
        let want = format!("want at most {most}: {market} has no more codes for generated shares");
        Err(Failure::usage(format!("--securities {asked}: {want}")))
    })
}

/// Plays the day up to the moment at which the books are emptied; returns it.
fn play(args: &GenArgs, board: &mut Board, tape: &mut dyn Tape) -> Result<Nanos, Failure> {
    let periods = board.periods();
    let begin = periods.first().map_or(Nanos(0), |period| period.from);
    let end = periods.iter().find(|period| period.stage == Stage::DayClosed);
    let end = end.or(periods.last()).map_or(begin, |period| Nanos(period.from.0 - 1));
    let bar = progress::steps(end.since(begin) / 1_000_000_000, args.quiet, "seconds of the day");
    tape.open(board);
    let mut now = begin;
    while now < end {
        now = now.plus(STEP_NS).min(end);
        board.turn(now);
        while let Some(said) = board.next_said() {
            tape.said(&said, board);
        }
        tape.turn(now, board);
        tape.check()?;
        bar.set_position(now.since(begin) / 1_000_000_000);
    }
    bar.finish_and_clear();
    Ok(end)
}

fn config_of(args: &GenArgs, market: Market) -> BoardConfig {
    let mut rng = Rng::new(args.seed ^ 0x6d61_726b_6574);
    let securities = (0..args.instruments).map(|n| security(market, n, &mut rng)).collect();
    // Orders are taken for about four and a half hours in all three markets.
    let taking = args.seconds.unwrap_or(16_200).max(1);
    let requests = args.messages * 10 / MESSAGES_PER_REQUEST_X10;
    let speed = args.seconds.map_or(0, |seconds| (16_200 / seconds.max(1)).max(1));
    BoardConfig {
        seed: args.seed,
        securities,
        course: CourseConfig { speed: speed as u32, ..CourseConfig::default() },
        flow: BoardFlowConfig {
            rate: u32::try_from(requests / taking).unwrap_or(u32::MAX).max(1),
            ..BoardFlowConfig::default()
        },
        ..BoardConfig::default()
    }
}

/// A security with a code and a previous close such as the market has.
fn security(market: Market, n: u32, rng: &mut Rng) -> SecurityConfig {
    let blank = SecurityConfig { previous_close: close(market, rng), ..SecurityConfig::default() };
    match market {
        // One in four of the STAR board, one in four of ChiNext.
        Market::Sse if n % 4 == 3 => {
            SecurityConfig { symbol: format!("{:06}", 688_001 + n / 4), ..blank }
        }
        Market::Sse => SecurityConfig { symbol: format!("{:06}", 600_000 + n), ..blank },
        Market::Szse if n % 4 == 3 => {
            SecurityConfig { symbol: format!("{:06}", 300_001 + n / 4), ..blank }
        }
        Market::Szse => SecurityConfig { symbol: format!("{:06}", 1 + n), ..blank },
        Market::Hkex => SecurityConfig {
            symbol: format!("{}", 1 + n),
            lot: [100, 500, 1_000, 2_000][n as usize % 4],
            short: n % 3 != 2,
            vcm: n.is_multiple_of(2).then_some(VcmClass::Mid),
            ..blank
        },
    }
}

/// A previous close of 3 to 300, most of them small, on a tick of every table that was ever in force.
fn close(market: Market, rng: &mut Rng) -> String {
    let cents = 300 << rng.below(7);
    let cents = cents + rng.below(cents / 2);
    let step = match (market, cents) {
        (Market::Hkex, 1_000..2_000) => 2,
        (Market::Hkex, 2_000..10_000) => 5,
        (Market::Hkex, 10_000..20_000) => 10,
        (Market::Hkex, 20_000..) => 20,
        _ => 1,
    };
    let cents = cents / step * step;
    format!("{}.{:02}", cents / 100, cents % 100)
}

/// The content of `truth.json`.
#[derive(Debug, Serialize)]
pub struct MarketTruth {
    /// Seed of the day.
    pub seed: u64,
    /// Trading date, `YYYY-MM-DD`.
    pub date: String,
    /// `sse`, `szse` or `hkex`.
    pub market: &'static str,
    /// Messages of the stream by name.
    pub messages: BTreeMap<String, u64>,
    /// Trades.
    pub trades: u64,
    /// Shares traded.
    pub volume: u64,
    /// Orders in all books at the end.
    pub live_orders: u64,
    /// What the lines lost; Hong Kong only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lines: Option<LineTruth>,
    /// Every security, the most active first.
    pub securities: Vec<SecurityTruth>,
}

/// A security at the end of the day.
#[derive(Debug, Serialize)]
pub struct SecurityTruth {
    /// Its code.
    pub symbol: String,
    /// Its channel.
    pub channel: u16,
    /// Previous close.
    pub previous_close: i64,
    /// Lowest and highest price of the day; 0 where there is no limit.
    pub limits: [i64; 2],
    /// Trades.
    pub trades: u64,
    /// Shares traded.
    pub volume: u64,
    /// Price times shares.
    pub turnover: u64,
    /// Opening, highest, lowest, last and closing price; 0 where there is none.
    pub prices: [i64; 5],
    /// Price and shares of the opening call.
    pub opening: Option<(i64, u64)>,
    /// Price and shares of the closing call.
    pub closing: Option<(i64, u64)>,
    /// Levels as price, shares, orders; best first.
    pub bids: Vec<(i64, u64, u32)>,
    /// The other side.
    pub asks: Vec<(i64, u64, u32)>,
}

impl MarketTruth {
    fn new(args: &GenArgs, market: Market, board: &Board, written: &Written) -> MarketTruth {
        let rows = 0..board.securities().len() as u32;
        let live = |row| Side::BOTH.iter().map(|s| board.standing(row, *s).count() as u64).sum();
        let live_orders = rows.clone().map(|row| -> u64 { live(row) }).sum();
        let securities: Vec<_> = rows.map(|row| SecurityTruth::new(board, row)).collect();
        MarketTruth {
            seed: args.seed,
            date: args.date.clone(),
            market: market.name(),
            messages: written.messages.clone(),
            trades: securities.iter().map(|security| security.trades).sum(),
            volume: securities.iter().map(|security| security.volume).sum(),
            live_orders,
            lines: written.losses.as_ref().map(|losses| LineTruth::new(losses, hkex::GROUPS)),
            securities,
        }
    }
}

impl SecurityTruth {
    fn new(board: &Board, row: u32) -> SecurityTruth {
        let security = &board.securities()[row as usize];
        let totals = board.totals(row);
        let call = |closing| board.uncrossed(row, closing).map(|call| (call.price.0, call.volume));
        let side = |side| {
            let levels = board.levels(row, side);
            levels.map(|level| (level.price.0, level.qty.0, level.orders)).collect()
        };
        SecurityTruth {
            symbol: security.symbol.as_str().to_owned(),
            channel: security.channel,
            previous_close: security.previous_close.0,
            limits: [security.limit_low.0, security.limit_high.0],
            trades: totals.trades,
            volume: totals.volume,
            turnover: totals.turnover,
            prices: [totals.open, totals.high, totals.low, totals.last, totals.close].map(|p| p.0),
            opening: call(false),
            closing: call(true),
            bids: side(Side::Buy),
            asks: side(Side::Sell),
        }
    }
}

fn write_truth(path: &Path, truth: &MarketTruth) -> Result<(), Failure> {
    let mut file = AtomicFile::create(path).map_err(Failure::output)?;
    serde_json::to_writer(&mut file, truth).map_err(Failure::output)?;
    file.put(b"\n").map_err(Failure::output)?;
    file.finish().map_err(Failure::output)
}

impl fmt::Display for MarketReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let MarketTruth {
            market, messages, trades, volume, live_orders, securities, lines, ..
        } = &self.truth;
        let (total, seconds) = (messages.values().sum::<u64>(), self.elapsed.as_secs_f64());
        let count = securities.len();
        writeln!(f, "{total} messages of {count} securities of {market} in {seconds:.1} s")?;
        writeln!(f, "{trades} trades, {volume} shares; {live_orders} orders rest at the end")?;
        if let Some(lines) = lines {
            let [a, b] = lines.packets_lost;
            writeln!(f, "{} packets; lost {a} on line A, {b} on line B", lines.packets)?;
        }
        super::list_files(f, &self.files)
    }
}
