//! Days of Shanghai, Shenzhen and Hong Kong as `nofx gen` writes them: what a reader of the files
//! has at the end is what the truth file says, and the same arguments give the same bytes.

mod common;

use std::collections::HashMap;
use std::fs;
use std::path::Path;

use clap::Parser;
use common::generate;
use nofx_app::cli::{Cli, Command};
use nofx_book::rebuild::{RebuildConfig, Waiting};
use nofx_book::{LevelBooks, LevelConfig};
use nofx_feed::szse::{ChannelSink, SzseConfig, SzseFeed};
use nofx_feed::ticks::{TickConfig, TickFeed};
use nofx_feed::{FeedConfig, OmdcLines, PacketFeed};
use nofx_net::capture::Capture;
use nofx_net::frame::{DecodeOptions, FrameCounts, decode, segment};
use nofx_types::{
    BookEvent, EventSink, Instrument, InstrumentId, Ladder, Level, Market, Nanos, Side, Touch,
};
use serde_json::Value;

const DAY: [&str; 6] = ["--securities", "12", "--messages", "20000", "--seed", "7"];

/// Level books that remember which id a code has.
struct Books {
    levels: LevelBooks,
    ids: HashMap<String, InstrumentId>,
}

impl Books {
    fn new() -> Books {
        let config = LevelConfig { instruments: 64, live_orders: 1 << 16, ..Default::default() };
        Books { levels: LevelBooks::new(&config).expect("sizes"), ids: HashMap::new() }
    }

    /// Every level of every security is that of the truth.
    fn assert_is(&self, truth: &Value) {
        let securities = truth["securities"].as_array().expect("an array");
        assert_eq!(securities.len(), 12);
        let mut levels = 0;
        for security in securities {
            let id = self.ids[security["symbol"].as_str().expect("text")];
            for (side, key) in [(Side::Buy, "bids"), (Side::Sell, "asks")] {
                let want = security[key].as_array().expect("an array");
                let mut got = vec![Level::default(); want.len() + 1];
                let filled = self.levels.book(id).levels(side, &mut got);
                let level =
                    |level: &Level| serde_json::json!([level.price.0, level.qty.0, level.orders]);
                let got: Vec<Value> = got[..filled].iter().map(level).collect();
                assert_eq!(&got, want, "{} {side:?}", security["symbol"]);
                levels += filled;
            }
        }
        assert!(levels > 100, "{levels} levels are hardly a market");
        assert!(self.levels.check_all().is_empty());
        assert_eq!(self.levels.counts().unknown_order, 0);
    }
}

impl EventSink for Books {
    fn on_event(&mut self, event: &BookEvent) {
        self.levels.apply(event);
    }

    fn on_definition(&mut self, instrument: &Instrument) {
        self.ids.insert(instrument.symbol.as_str().to_owned(), instrument.id);
        self.levels.define(instrument);
    }

    fn touch(&self, instrument: InstrumentId) -> Touch {
        self.levels.touch(instrument)
    }
}

fn made(market: &str, more: &[&str]) -> (tempfile::TempDir, Value) {
    let dir = tempfile::tempdir().expect("tempdir");
    let args = [&["--market", market], &DAY[..], more].concat();
    generate(dir.path(), &args);
    let truth = fs::read_to_string(dir.path().join("truth.json")).expect("truth");
    let truth: Value = serde_json::from_str(&truth).expect("JSON");
    for key in ["trades", "volume", "live_orders"] {
        assert!(truth[key].as_u64().expect("a number") > 100, "{key}: {}", truth[key]);
    }
    (dir, truth)
}

#[test]
fn lines_of_hong_kong_carry_the_books_of_the_truth() {
    let (dir, truth) = made("hkex", &["--loss", "0.002", "--no-outage"]);
    let config = FeedConfig {
        lines: 2,
        gap_timeout_ns: 1_000_000_000,
        instruments: 64,
        ..FeedConfig::default()
    };
    let mut feed = OmdcLines::new(config).expect("a good configuration");
    let mut books = Books::new();
    let mut lines = ["line-a.pcap", "line-b.pcap"]
        .map(|name| Capture::open(dir.path().join(name)).expect("a capture"));
    let mut heads: [Option<(Nanos, Vec<u8>)>; 2] = Default::default();
    let (mut counts, options) = (FrameCounts::default(), DecodeOptions::default());
    for packet in 0.. {
        for (head, line) in heads.iter_mut().zip(&mut lines).filter(|(head, _)| head.is_none()) {
            if let Some(frame) = line.next().expect("good") {
                let datagram = decode(&frame, &options, &mut counts).expect("a datagram");
                *head = Some((datagram.ts_ns, datagram.payload.to_vec()));
            }
        }
        let time = |line: usize| heads[line].as_ref().map_or(u64::MAX, |(at, _)| at.0);
        let line = usize::from(time(1) < time(0));
        let Some((at, payload)) = heads[line].take() else { break };
        feed.on_packet(line, packet, at, &payload, &mut books);
    }
    assert!(truth["lines"]["packets_lost"][0].as_u64() > Some(10), "line A lost some");
    assert_eq!(feed.report().stream.missing, 0, "line B had them");
    books.assert_is(&truth);
}

/// Books behind the adaptor that Shenzhen needs.
struct Rebuilt {
    waiting: Waiting,
    books: Books,
}

impl ChannelSink for Rebuilt {
    fn on_event(&mut self, channel: u16, event: &BookEvent) {
        self.waiting.over(channel, &mut self.books).on_event(event);
    }

    fn on_definition(&mut self, instrument: &Instrument) {
        self.books.on_definition(instrument);
    }
}

#[test]
fn a_conversation_of_shenzhen_carries_the_books_of_the_truth() {
    let (dir, truth) = made("szse", &[]);
    // A day in a few seconds has no hours to go by: its snapshots tell the phases.
    let config = SzseConfig { schedule: Vec::new(), ..SzseConfig::default() };
    let mut feed = SzseFeed::new(config).expect("a good configuration");
    let waiting = Waiting::new(&RebuildConfig::default()).expect("sizes");
    let mut rebuilt = Rebuilt { waiting, books: Books::new() };
    let mut capture = Capture::open(dir.path().join("tcp.pcap")).expect("a capture");
    let mut next = None;
    let mut last = Nanos(0);
    while let Some(frame) = capture.next().expect("good") {
        let segment = segment(&frame).expect("a segment");
        if segment.src_port != 9_016 || segment.payload.is_empty() {
            continue;
        }
        assert!(next.is_none_or(|next| next == segment.seq), "nothing is lost or twice");
        next = Some(segment.seq.wrapping_add(segment.payload.len() as u32));
        feed.overhear(segment.ts_ns, segment.payload, &mut rebuilt).expect("right sums");
        last = segment.ts_ns;
    }
    feed.finish(last, &mut rebuilt);
    rebuilt.books.assert_is(&truth);
    let report = feed.report();
    let malformed: u64 = report.malformed.iter().map(|(_, count)| count).sum();
    assert_eq!((report.stream.missing, malformed), (0, 0), "{:?}", report.malformed);
}

#[test]
fn records_of_shanghai_carry_the_books_of_the_truth() {
    let (dir, truth) = made("sse", &[]);
    let options = nofx_ticks::TickOptions::default();
    let file = nofx_ticks::open(&[dir.path().join("ticks.csv")], &options).expect("our own form");
    assert_eq!(file.bad.total(), 0);
    let config = TickConfig {
        contiguous: true,
        from_one: true,
        phases_in_ticks: true,
        ..TickConfig::of(Market::Sse, 64)
    };
    let mut feed = TickFeed::new(config).expect("a good configuration");
    let mut books = Books::new();
    for tick in &file.ticks {
        feed.on_tick(tick, tick.exch_ns, &mut books);
    }
    books.assert_is(&truth);
    assert_eq!(feed.report().stream.missing, 0);
    let wanted: u64 = ["order", "cancel", "trade", "phase"]
        .iter()
        .map(|name| truth["messages"][name].as_u64().expect("a number"))
        .sum();
    assert_eq!(file.ticks.len() as u64, wanted);
    let snapshots =
        nofx_ticks::open(&[dir.path().join("snapshots.csv")], &options).expect("our own form");
    assert_eq!(snapshots.snapshots.len() as u64, truth["messages"]["snapshot"].as_u64().unwrap());
}

/// What `nofx gen` says of arguments that it refuses.
fn refused(args: &[&str]) -> String {
    let dir = tempfile::tempdir().expect("tempdir");
    let out = dir.path().join("day");
    let line = ["nofx", "gen", "--quiet", out.to_str().expect("UTF-8")].into_iter();
    let line = line.chain(args.iter().copied());
    let Command::Gen(args) = Cli::try_parse_from(line).expect("a valid command line").command
    else {
        unreachable!("the command is gen")
    };
    let failure = nofx_app::generate::run(&args).expect_err("must be refused");
    assert_eq!(failure.code(), 2, "{failure}");
    assert!(!out.exists(), "refused before anything is written");
    failure.to_string()
}

#[test]
fn options_that_a_market_does_not_have_are_refused_by_name() {
    for market in ["hkex", "szse", "sse"] {
        let said = refused(&["--market", market, "--only-binaryfile"]);
        assert!(said.starts_with("--only-binaryfile: "), "{said}");
        let said = refused(&["--market", market, "--date", "2199-01-04"]);
        assert!(said.starts_with("--date "), "{said}");
    }
    let said = refused(&["--seconds", "60"]);
    assert!(said.starts_with("--seconds: "), "{said}");
}

#[test]
fn more_securities_than_a_market_has_codes_are_refused_by_name() {
    for market in ["szse", "sse"] {
        let said = refused(&["--market", market, "--securities", "65000"]);
        assert!(said.starts_with("--securities 65000: want at most "), "{said}");
        // What it says is true: so many are made, and not one more.
        let most: u32 = said
            .split([' ', ':'])
            .find_map(|n| n.parse().ok().filter(|n| *n < 65_000))
            .expect("a number");
        let one_more = refused(&["--market", market, "--securities", &(most + 1).to_string()]);
        assert!(one_more.starts_with("--securities "), "{one_more}");
        let dir = tempfile::tempdir().expect("tempdir");
        let most = most.to_string();
        let few = ["--messages", "1", "--seconds", "1"];
        generate(dir.path(), &[&["--market", market, "--securities", &most], &few[..]].concat());
    }
}

#[test]
fn the_same_arguments_give_the_same_bytes() {
    let files = |dir: &Path| -> Vec<(String, Vec<u8>)> {
        let mut names: Vec<_> = fs::read_dir(dir).expect("a folder").flatten().collect();
        names.sort_by_key(|entry| entry.file_name());
        let read = |entry: &fs::DirEntry| fs::read(entry.path()).expect("a file");
        names.iter().map(|e| (e.file_name().to_string_lossy().into_owned(), read(e))).collect()
    };
    for market in ["hkex", "szse", "sse"] {
        let (a, _) = made(market, &["--seconds", "30"]);
        let (b, _) = made(market, &["--seconds", "30"]);
        assert!(files(a.path()) == files(b.path()), "{market}");
    }
}
