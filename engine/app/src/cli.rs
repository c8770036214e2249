//! The command line: what each command takes, in words that teach.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::stamps::StampMode;
use crate::venue::VenueArgs;

/// NOFX: market data in, risk-checked orders out, every nanosecond attributed.
#[derive(Debug, Parser)]
#[command(name = "nofx", version, about, propagate_version = true)]
#[command(
    after_help = "Exit codes: 0 done; 1 the run found something wrong (a twin that differs, an \
    output lost); 2 usage or configuration; 3 input cannot be read; 4 an output cannot be written; \
    5 doctor has warnings and no failure; 130 interrupted (the partial report is printed)."
)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run captures through the whole hot path: feed, book, strategy, risk, orders, venue.
    Replay(Box<ReplayArgs>),
    /// Run live: real sockets, pinned cores, recovery, an order session, a journal.
    Run(Box<crate::live::RunArgs>),
    /// Validate the configuration of a live run and print its layout, without running.
    Check(Box<crate::live::RunArgs>),
    /// Stop orders of a running engine (all, an account, a symbol) and see them cancelled.
    Kill(crate::kill::KillArgs),
    /// Watch a running engine: tiles, feeds, books, orders, positions, latencies.
    Top(crate::top::TopArgs),
    /// Look whether this machine is fit for a live run, say what to change, measure its jitter.
    Doctor(crate::doctor::DoctorArgs),
    /// Make a seeded trading day of a market, as files that a correct reader can be checked against.
    Gen(GenArgs),
    /// Turn the output folder of a replay into one self-contained HTML page.
    Report(ReportArgs),
    /// Rebuild a day of ticks and compare it with the exchange's own snapshots and totals.
    Verify(crate::verify::VerifyArgs),
    /// Look at a card with the risk gate, bring it up, test it, follow an order through it.
    Fpga(crate::fpga::FpgaArgs),
    /// Be a venue (US, Shanghai, Shenzhen, Hong Kong): match orders, publish, serve what was missed.
    Venue(VenueArgs),
}

/// Arguments of `nofx replay`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    nofx replay day.pcap --line-b day-b.pcap --strategy maker --out run\n  \
    nofx replay 12302019.NASDAQ_ITCH50.gz --bbo touch.csv --twin\n  \
    nofx replay esh4.mbo.dbn.zst --json | jq .messages.total\n  \
    nofx replay SHorders.zip SHtrans.zip --strategy maker\n  \
    nofx replay hk/line-a.pcap --line-b hk/line-b.pcap --set market.rules=hkex\n  \
    nofx replay --journal journal/2026-01-15\n\n\
    Container (pcap, pcapng, BinaryFILE, DBN, files of ticks; plain, gzip, zstd or zip) and feed are \
    recognised by content, never by file name.")]
pub struct ReplayArgs {
    /// Captures, in order; several are one stream.
    #[arg(required_unless_present = "journal", value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// Run the live runs of this journal again, from what they wrote down, and compare every
    /// decision; takes no other input.
    #[arg(long, value_name = "DIR", conflicts_with = "files")]
    pub journal: Option<PathBuf>,
    /// Feed protocol; recognised from the content unless given.
    #[arg(long, value_enum)]
    pub feed: Option<FeedName>,
    /// Layout of files of ticks (TOML); the built-in ones are recognised, see docs/ticks.md.
    #[arg(long, value_name = "FILE")]
    pub ticks_map: Option<PathBuf>,
    /// Line B of the same stream, in its own file: line A is FILE.
    #[arg(long, value_name = "FILE")]
    pub line_b: Option<PathBuf>,
    /// Lines A and B as two multicast groups of one capture.
    #[arg(long, value_name = "GROUP:PORT,GROUP:PORT", conflicts_with = "line_b")]
    pub lines: Option<String>,
    /// Join several files by time instead of one after the other.
    #[arg(long)]
    pub merge: bool,
    /// Configuration (TOML); every key has a default, see docs/config.md.
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Change one configuration key, e.g. --set strategy.maker.size_lots=2.
    #[arg(long, value_name = "KEY=VALUE")]
    pub set: Vec<String>,
    /// Instrument definitions (CSV) for feeds that send none.
    #[arg(long, value_name = "FILE")]
    pub definitions: Option<PathBuf>,
    /// As fast as possible, at the speed of the capture, or a multiple of it.
    #[arg(long, default_value = "max", value_parser = parse_speed, value_name = "max|1x|10x")]
    pub speed: Speed,
    /// Strategy that trades; overrides the configuration.
    #[arg(long, value_enum)]
    pub strategy: Option<StrategyName>,
    /// Keep a naive book beside ours and stop at the first difference.
    #[arg(long)]
    pub twin: bool,
    /// Write report data (JSON, HdrHistogram logs, Parquet) into this folder.
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Print the closing report as one JSON object (docs/json.md) on standard output.
    #[arg(long)]
    pub json: bool,
    /// Write every change of a touch as CSV.
    #[arg(long, value_name = "FILE")]
    pub bbo: Option<PathBuf>,
    /// Write the best N levels (--depth) at every change as CSV.
    #[arg(long, value_name = "FILE")]
    pub book: Option<PathBuf>,
    /// Levels per side for --book, 1 to 50.
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u8).range(1..=50), value_name = "N")]
    pub depth: u8,
    /// Which time stamps to take: a stamp costs about 10 ns on a virtual machine.
    #[arg(long, value_enum, default_value_t = StampMode::All)]
    pub stamps: StampMode,
    /// Take the capture time from a vendor trailer behind the IP packet: its u32 seconds and u32
    /// nanoseconds begin this many bytes before the end of the frame.
    #[arg(long, value_name = "BYTES")]
    pub trailer_stamp: Option<u16>,
    /// Who judges.
    #[command(flatten)]
    pub gate: crate::gate::GateArgs,
    /// Pin the replay to this core.
    #[arg(long, value_name = "CORE")]
    pub pin: Option<usize>,
    /// No progress bar.
    #[arg(long, short)]
    pub quiet: bool,
}

/// Arguments of `nofx gen`.
#[derive(Debug, Args)]
#[command(after_help = "Markets and what they write:\n  \
    us    day.itch (BinaryFILE), line-a.pcap, line-b.pcap (ITCH 5.0 over MoldUDP64)\n  \
    hkex  line-a.pcap, line-b.pcap (OMD-C 1.45)\n  \
    szse  tcp.pcap (binary Level-2: logon, heartbeats, ticks, snapshots, logout)\n  \
    sse   ticks.csv, snapshots.csv (neutral records; read by nofx verify and nofx replay)\n\n\
    Each writes truth.json: totals, auction prices and final books; it is written last.\n\n\
    Examples:\n  \
    nofx gen day --messages 100000 --loss 0.01\n  \
    nofx gen hk --market hkex --securities 50 --seconds 60\n  \
    nofx gen sh --market sse && nofx verify sh/ticks.csv --snapshots sh/snapshots.csv\n\n\
    The same arguments give the same bytes on every machine.")]
pub struct GenArgs {
    /// Folder to write into; made if it is missing.
    #[arg(value_name = "DIR")]
    pub out: PathBuf,
    /// Which market's day.
    #[arg(long, value_enum, default_value_t = GenMarket::Us)]
    pub market: GenMarket,
    /// Seed of everything random.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Instruments (securities), with Zipf activity; sse has codes for 2000, szse for 4000.
    #[arg(long, visible_alias = "securities", default_value_t = 100,
        value_parser = clap::value_parser!(u32).range(1..=65_000))]
    pub instruments: u32,
    /// Play the day in about so many seconds instead of its own hours (hkex, szse, sse).
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..=16_200))]
    pub seconds: Option<u64>,
    /// Messages of the continuous session, about.
    #[arg(long, default_value_t = 1_000_000)]
    pub messages: u64,
    /// Trading date, YYYY-MM-DD.
    #[arg(long, default_value = "2026-01-15")]
    pub date: String,
    /// Share of packets lost, on each line on its own (us, hkex: the others have no lines).
    #[arg(long, default_value_t = 0.001, value_parser = parse_share)]
    pub loss: f64,
    /// Share of packets sent twice (us, hkex).
    #[arg(long, default_value_t = 0.001, value_parser = parse_share)]
    pub duplicate: f64,
    /// Share of packets that arrive late, behind later ones (us, hkex).
    #[arg(long, default_value_t = 0.001, value_parser = parse_share)]
    pub reorder: f64,
    /// Leave out the late outage of both lines at once, which a day with losses has (us, hkex).
    #[arg(long)]
    pub no_outage: bool,
    /// Write the BinaryFILE form only (us; refused for the others).
    #[arg(long)]
    pub only_binaryfile: bool,
    /// No progress bar.
    #[arg(long, short)]
    pub quiet: bool,
}

/// Arguments of `nofx report`.
#[derive(Debug, Args)]
pub struct ReportArgs {
    /// Output folder of a replay (--out).
    #[arg(value_name = "DIR")]
    pub dir: PathBuf,
    /// Page to write.
    #[arg(long, value_name = "FILE", help = "Page to write [default: DIR/report.html]")]
    pub output: Option<PathBuf>,
}

/// Feed protocols.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum FeedName {
    /// TotalView-ITCH 5.0 over MoldUDP64.
    ItchMold,
    /// TotalView-ITCH 5.0 in a BinaryFILE.
    ItchFile,
    /// IEX DEEP 1.0 over IEX-TP.
    IexDeep,
    /// IEX DEEP+ over IEX-TP.
    IexDeepPlus,
    /// IEX TOPS 1.5 and 1.6 over IEX-TP.
    IexTops,
    /// Databento market by order.
    Dbn,
    /// Files of Shanghai or Shenzhen ticks (docs/ticks.md).
    Ticks,
    /// HKEX OMD-C full tick.
    Omdc,
    /// Binary Level-2 of Shenzhen: a captured TCP session, or datagrams.
    Szse,
}

impl FeedName {
    /// Name as on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            FeedName::ItchMold => "itch-mold",
            FeedName::ItchFile => "itch-file",
            FeedName::IexDeep => "iex-deep",
            FeedName::IexDeepPlus => "iex-deep-plus",
            FeedName::IexTops => "iex-tops",
            FeedName::Dbn => "dbn",
            FeedName::Ticks => "ticks",
            FeedName::Omdc => "omdc",
            FeedName::Szse => "szse",
        }
    }
}

/// Strategies that come with the engine.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum, serde::Deserialize, serde::Serialize,
)]
#[serde(rename_all = "snake_case")]
pub enum StrategyName {
    /// Does nothing.
    #[default]
    Null,
    /// Quotes both sides, skewed by inventory.
    Maker,
    /// Follows a linear model of the order book.
    Imbalance,
}

impl StrategyName {
    /// Name as on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            StrategyName::Null => "null",
            StrategyName::Maker => "maker",
            StrategyName::Imbalance => "imbalance",
        }
    }
}

/// Pace of a replay.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Speed {
    /// No waiting.
    Max,
    /// This many times the speed of the capture.
    Times(f64),
}

fn parse_speed(text: &str) -> Result<Speed, String> {
    if text == "max" {
        return Ok(Speed::Max);
    }
    let factor = text.strip_suffix('x').and_then(|t| t.parse::<f64>().ok());
    factor
        .filter(|f| f.is_finite() && *f > 0.0)
        .map(Speed::Times)
        .ok_or_else(|| format!("{text:?} is not a speed: write max, 1x, 10x or 0.5x"))
}

fn parse_share(text: &str) -> Result<f64, String> {
    let share = text.parse::<f64>().ok().filter(|s| (0.0..1.0).contains(s));
    share.ok_or_else(|| format!("{text:?} is not a share: write a number from 0 to below 1"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn speeds_and_shares_are_checked() {
        assert_eq!(parse_speed("10x"), Ok(Speed::Times(10.0)));
        for text in ["", "x", "0x", "-1x", "infx", "NaNx", "fast"] {
            assert!(parse_speed(text).is_err(), "{text}");
        }
        assert!(parse_share("1").is_err() && parse_share("0.01").is_ok());
    }
}

/// Markets that `nofx gen` makes days of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum GenMarket {
    /// A US exchange: ITCH 5.0.
    Us,
    /// Shanghai.
    Sse,
    /// Shenzhen.
    Szse,
    /// Hong Kong.
    Hkex,
}

impl GenMarket {
    /// The market whose rules are meant; `None` for the ITCH day, which has its own generator.
    pub fn market(self) -> Option<nofx_types::Market> {
        match self {
            GenMarket::Us => None,
            GenMarket::Sse => Some(nofx_types::Market::Sse),
            GenMarket::Szse => Some(nofx_types::Market::Szse),
            GenMarket::Hkex => Some(nofx_types::Market::Hkex),
        }
    }
}
