//! Mainland days through `nofx verify` and `nofx replay`, against what the exchange published.

mod common;

use std::fs;
use std::path::{Path, PathBuf};

use clap::Parser;
use common::{capture, generate, replay, summary, text};
use nofx_app::cli::{Cli, Command};
use nofx_app::failure::Failure;
use nofx_app::verify::{self, VerifyReport};
use nofx_net::capture::Capture;
use nofx_net::frame::segment;
use nofx_rt::guard::CountingAlloc;
use nofx_ticks::{DEPTH, Snapshot, SnapshotWriter, TickFile, TickOptions, TickWriter};
use nofx_types::{
    Level, Market, OrderRef, Phase, Price, Pricing, Qty, Side, Symbol, Tick, TickKind,
};
use nofx_wire::szse;

#[global_allocator]
static ALLOC: CountingAlloc = CountingAlloc;

const MAOTAI: &str = "a-share/sse-600519-20230207/AX_sbe_sse_600519.zip";
const ORDERS: &str = "a-share/sse-5sym-20230711/SHorders.zip";
const TRADES: &str = "a-share/sse-5sym-20230711/SHtrans.zip";
const SHENZHEN: &str = "a-share/szse-000001-sse-600000-trades-20230201/tradeData.zip";

fn verified(args: &[&str]) -> Result<VerifyReport, Failure> {
    let line = ["nofx", "verify", "--quiet"].into_iter().chain(args.iter().copied());
    match Cli::try_parse_from(line).expect("a valid command line").command {
        Command::Verify(args) => verify::run(&args),
        _ => unreachable!("the command is verify"),
    }
}

#[test]
fn every_snapshot_of_600519_equals_a_state_of_the_book() {
    let Some(file) = capture(MAOTAI) else { return };
    let report = verified(&[&file, "--snapshots", &file]).expect("readable");
    assert_eq!((report.compared, report.equal), (4_858, 4_858), "{report}");
    let [row] = report.securities.as_slice() else { panic!("one security") };
    assert_eq!((row.volume.ticks, row.volume.snapshot), (2_432_171, Some(2_432_171)));
    assert_eq!((row.trades.ticks, row.trades.snapshot), (18_685, Some(18_685)));
    assert_eq!((row.orders, row.cancels), (31_612, 14_152));
    assert_eq!((row.cancels_wrong, row.unknown, row.stale, row.crossed), (0, 0, false, false));
    report.verdict().expect("all agrees");
    let json: serde_json::Value = serde_json::from_str(&report.to_json()).expect("JSON");
    assert_eq!((&json["equal"], &json["difference"]), (&4_858.into(), &serde_json::Value::Null));
}

#[test]
fn every_cancel_of_five_securities_takes_what_is_left() {
    let (Some(orders), Some(trades)) = (capture(ORDERS), capture(TRADES)) else { return };
    let report = verified(&[&orders, &trades]).expect("readable");
    let sum = |of: fn(&verify::Verified) -> u64| report.securities.iter().map(of).sum::<u64>();
    assert_eq!((report.securities.len(), report.ticks), (5, 258_975));
    assert_eq!((sum(|row| row.cancels), sum(|row| row.cancels_wrong)), (39_588, 0));
    assert_eq!((sum(|row| row.unknown), sum(|row| row.trades.ticks)), (0, 109_616));
    assert!(report.securities.iter().all(|row| !row.crossed && !row.stale), "{report}");
    report.verdict().expect("all agrees");
    let one = verified(&[&orders, &trades, "--symbol", "601825"]).expect("readable");
    assert_eq!((one.securities.len(), one.ticks), (1, 7_283 + 5_370));
}

#[test]
fn trades_of_shenzhen_have_the_days_totals_and_name_orders_that_nobody_published() {
    let Some(file) = capture(SHENZHEN) else { return };
    let error = verified(&[&file]).expect_err("two markets").to_string();
    assert!(error.contains("ticks.market"), "{error}");
    let report = verified(&[&file, "--set", "ticks.market=\"szse\""]).expect("readable");
    let [row] = report.securities.as_slice() else { panic!("one security") };
    assert_eq!((row.symbol.as_str(), row.orders), ("000001", 0));
    assert_eq!((row.trades.ticks, row.cancels, row.volume.ticks), (133_815, 32_996, 165_342_148));
    assert_eq!(report.verdict().expect_err("no orders, no book").code(), 1);
}

/// The day of 600519 in our own form, damaged.
fn damaged(dir: &Path, damage: impl FnOnce(&mut TickFile)) -> Option<[String; 2]> {
    let file = PathBuf::from(capture(MAOTAI)?);
    let mut day = nofx_ticks::open(&[file], &TickOptions::default()).expect("readable");
    damage(&mut day);
    let [ticks, snapshots] = ["ticks.csv", "snapshots.csv"].map(|name| dir.join(name));
    let mut writer = TickWriter::create(&ticks, Market::Sse).expect("a file");
    day.ticks.iter().for_each(|tick| writer.write(tick).expect("written"));
    writer.finish().expect("whole");
    let mut writer = SnapshotWriter::create(&snapshots, Market::Sse).expect("a file");
    day.snapshots.iter().for_each(|snapshot| writer.write(snapshot).expect("written"));
    writer.finish().expect("whole");
    Some(["ticks.csv", "snapshots.csv"].map(|name| text(dir, name)))
}

/// A generated day; the folder, and its files as `name` says.
fn made<const N: usize>(args: &[&str], names: [&str; N]) -> (tempfile::TempDir, [String; N]) {
    let dir = tempfile::tempdir().expect("a folder");
    generate(dir.path(), args);
    let files = names.map(|name| text(dir.path(), name));
    (dir, files)
}

#[test]
fn nothing_compared_is_a_failure_that_says_why() {
    let day = ["--market", "sse", "--securities", "4", "--messages", "4000"];
    let (_dir, [ticks, snapshots]) = made(&day, ["ticks.csv", "snapshots.csv"]);
    let good = verified(&[&ticks, "--snapshots", &snapshots]).expect("readable");
    assert!(good.compared > 100 && good.snapshots > Some(good.compared), "{good}");
    good.verdict().expect("all agrees");
    let without = verified(&[&ticks]).expect("readable");
    assert_eq!((without.compared, without.snapshots), (0, None));
    without.verdict().expect("nobody asked for a comparison");
    // A file without snapshots, and snapshots outside the continuous session.
    let none = verified(&[&ticks, "--snapshots", &ticks]).expect("readable");
    let failure = none.verdict().expect_err("nothing was compared");
    assert_eq!((failure.code(), none.snapshots), (1, Some(0)));
    assert!(failure.to_string().contains("holds no snapshot"), "{failure}");
    let (_dir, [ticks, snapshots]) =
        made(&[&day[..], &["--seconds", "30"]].concat(), ["ticks.csv", "snapshots.csv"]);
    let early = verified(&[&ticks, "--snapshots", &snapshots]).expect("readable");
    assert!(early.snapshots > Some(0), "{early}");
    let failure = early.verdict().expect_err("the day was over before 09:30").to_string();
    assert!(failure.contains("0 snapshots") && failure.contains("09:30:00"), "{failure}");
}

#[test]
fn no_ticks_are_a_failure() {
    let day = ["--market", "sse", "--securities", "4", "--messages", "4000"];
    let (_dir, [ticks]) = made(&day, ["ticks.csv"]);
    let verdict = verified(&[&ticks, "--symbol", "999999"]).and_then(|report| report.verdict());
    assert!(verdict.is_err(), "nothing was read");
}

/// The ticks and snapshots of a captured conversation with Shenzhen's gateway, in our own form.
fn tape_of_shenzhen(pcap: &str, ticks: &Path, snapshots: &Path) -> [u64; 2] {
    let mut capture = Capture::open(pcap).expect("a capture");
    let mut stream = Vec::new();
    while let Some(frame) = capture.next().expect("good") {
        let segment = segment(&frame).expect("a segment");
        if segment.src_port == 9_016 {
            stream.extend_from_slice(segment.payload);
        }
    }
    let mut ticks = TickWriter::create(ticks, Market::Szse).expect("a file");
    let mut snapshots = SnapshotWriter::create(snapshots, Market::Szse).expect("a file");
    let (mut clock, mut counts, mut rest) = (szse::LocalTime::default(), [0; 2], &stream[..]);
    while let Some((frame, len)) = szse::next_frame(rest).expect("right sums") {
        rest = &rest[len..];
        match szse::Message::parse(frame).expect("whole") {
            szse::Message::Order(order) => {
                ticks.write(&order_of(order, &mut clock)).expect("written");
                counts[0] += 1;
            }
            szse::Message::Execution(execution) => {
                ticks.write(&execution_of(execution, &mut clock)).expect("written");
                counts[0] += 1;
            }
            szse::Message::Snapshot(snapshot) => {
                snapshots.write(&snapshot_of(&snapshot, &mut clock)).expect("written");
                counts[1] += 1;
            }
            _ => (),
        }
    }
    ticks.finish().expect("whole");
    snapshots.finish().expect("whole");
    counts
}

fn order_of(order: &szse::Order, clock: &mut szse::LocalTime) -> Tick {
    let side = if order.side == b'1' { Side::Buy } else { Side::Sell };
    let pricing = match order.ord_type {
        b'1' => Pricing::Market,
        b'U' => Pricing::OwnBest,
        _ => Pricing::Limit,
    };
    let seq = order.appl_seq_num.get() as u64;
    let own = |of| OrderRef(if of == side { seq } else { 0 });
    Tick {
        channel: order.channel_no.get(),
        seq,
        symbol: Symbol(order.security_id),
        exch_ns: clock.nanos(order.transact_time).expect("a time"),
        kind: TickKind::Order { side, pricing },
        bid: own(Side::Buy),
        offer: own(Side::Sell),
        price: Price(if pricing == Pricing::Limit { order.price.get() } else { 0 }),
        qty: Qty(order.order_qty.get() as u64 / 100),
    }
}

fn execution_of(execution: &szse::Execution, clock: &mut szse::LocalTime) -> Tick {
    let ids = [execution.bid_appl_seq_num.get(), execution.offer_appl_seq_num.get()];
    let [bid, offer] = ids.map(|id| OrderRef(id as u64));
    let kind = if execution.exec_type == b'F' {
        TickKind::Trade { aggressor: None }
    } else {
        TickKind::Cancel { side: if bid.0 > 0 { Side::Buy } else { Side::Sell } }
    };
    Tick {
        channel: execution.channel_no.get(),
        seq: execution.appl_seq_num.get() as u64,
        symbol: Symbol(execution.security_id),
        exch_ns: clock.nanos(execution.transact_time).expect("a time"),
        kind,
        bid,
        offer,
        price: Price(execution.last_px.get()),
        qty: Qty(execution.last_qty.get() as u64 / 100),
    }
}

fn snapshot_of(snapshot: &szse::Snapshot<'_>, clock: &mut szse::LocalTime) -> Snapshot {
    let head = snapshot.head;
    let mut levels = [[Level::default(); DEPTH]; 2];
    for entry in snapshot.entries() {
        let side = match &entry.head.md_entry_type {
            b"0 " => 0,
            b"1 " => 1,
            _ => continue,
        };
        levels[side][usize::from(entry.head.md_price_level.get()) - 1] = Level {
            price: Price(entry.head.md_entry_px.get() / 100),
            qty: Qty(entry.head.md_entry_size.get() as u64 / 100),
            orders: entry.head.number_of_orders.get() as u32,
        };
    }
    Snapshot {
        symbol: Symbol(head.security_id),
        exch_ns: clock.nanos(head.orig_time).expect("a time"),
        num_trades: head.num_trades.get() as u64,
        volume: Qty(head.total_volume_trade.get() as u64 / 100),
        value_e4: head.total_value_trade.get() as u64,
        last: Price(0),
        previous_close: Price(head.prev_close_px.get()),
        limit_low: Price(0),
        limit_high: Price(0),
        phase: Phase::Unknown,
        levels,
    }
}

#[test]
fn every_snapshot_of_a_shenzhen_day_equals_a_state_of_the_rebuilt_book() {
    let day = ["--market", "szse", "--securities", "6", "--messages", "20000", "--seed", "5"];
    let (dir, [pcap]) = made(&day, ["tcp.pcap"]);
    let files = ["ticks.csv", "snapshots.csv"].map(|name| text(dir.path(), name));
    let [ticks, snapshots] = &files;
    let [told, shown] = tape_of_shenzhen(&pcap, Path::new(ticks), Path::new(snapshots));
    for rebuild in ["waiting", "simulated"] {
        let rebuild = format!("szse.rebuild={rebuild}");
        let args = [ticks, "--snapshots", snapshots, "--set", &rebuild];
        let report = verified(&args).expect("readable");
        assert_eq!((report.ticks, report.snapshots), (told, Some(shown)));
        assert!(report.compared > 1_000, "{report}");
        report.verdict().unwrap_or_else(|failure| panic!("{rebuild}: {failure}\n{report}"));
    }
}

#[test]
fn one_wrong_tick_is_found_with_its_levels_side_by_side() {
    let dir = tempfile::tempdir().expect("a folder");
    let Some([ticks, snapshots]) = damaged(dir.path(), |_| ()) else { return };
    let whole = verified(&[&ticks, "--snapshots", &snapshots]).expect("readable");
    assert_eq!((whole.compared, whole.equal), (4_858, 4_858), "our own form loses nothing");
    // An order of 100 shares more in the morning, at a price that is shown.
    let larger = |day: &mut TickFile| {
        let mut adds = day.ticks.iter_mut().filter(|tick| {
            matches!(tick.kind, TickKind::Order { side: Side::Buy, .. }) && tick.seq > 1_000_000
        });
        let add = adds.find(|tick| tick.price.0 > 18_000_000).expect("an order");
        add.qty.0 += 100;
    };
    let [ticks, snapshots] = damaged(dir.path(), larger).expect("there");
    let report = verified(&[&ticks, "--snapshots", &snapshots]).expect("readable");
    assert!(report.equal < report.compared, "{report}");
    assert_eq!(report.verdict().expect_err("differs").code(), 1);
    let difference = report.difference.as_ref().expect("the first one");
    assert!(difference.states > 0 && difference.levels.len() == 20);
    assert!(difference.levels.iter().any(|pair| pair.snapshot != pair.book));
    assert!(report.to_string().contains("first difference: 600519"), "{report}");
}

#[test]
fn bad_rows_make_the_security_stale_and_the_run_goes_on() {
    let dir = tempfile::tempdir().expect("a folder");
    let Some([ticks, _]) = damaged(dir.path(), |_| ()) else { return };
    let rows = fs::read_to_string(&ticks).expect("written");
    let broken: Vec<String> = rows
        .lines()
        .enumerate()
        .map(
            |(n, row)| {
                if n == 30_000 { row.replacen(",600519,", ",600519,no", 1) } else { row.into() }
            },
        )
        .collect();
    fs::write(&ticks, broken.join("\n")).expect("a file");
    let run = summary(&[&ticks]);
    assert_eq!((run.input.feed.as_str(), run.messages.total), ("ticks", 64_448));
    assert_eq!(run.messages.malformed.get("lost_row"), Some(&1));
    assert_eq!(run.books.stale, 1);
    let [row, count, faults @ ..] = run.input.warnings.as_slice() else {
        panic!("{:?}", run.input.warnings)
    };
    assert!(row.contains("ticks.csv:30001") && row.contains("kind"), "{row}");
    assert_eq!(count, "1 rows: code");
    assert!(faults.iter().any(|fault| fault.starts_with("lost_row: 1, first at")), "{faults:?}");
}

const TRADE: [&str; 2] = ["--strategy", "maker"];

#[test]
fn strategies_run_over_a_day_and_decide_the_same_twice() {
    let Some(file) = capture(MAOTAI) else { return };
    let mut args = vec![file.as_str(), "--twin"];
    args.extend(TRADE);
    let first = summary(&args);
    assert_eq!((first.input.feed.as_str(), first.input.container.as_str()), ("ticks", "ticks"));
    assert!(first.orders.sent > 0, "{first}");
    assert_eq!((first.books.stale, first.books.crossed), (0, 0));
    args.retain(|arg| *arg != "--twin");
    args.extend(["--stamps", "none"]);
    let second = summary(&args);
    assert_eq!(second.decision_hash, first.decision_hash);
    assert_eq!(second.throughput.sealed_allocations, Some(0));
}

#[test]
fn five_securities_replay_like_their_twin() {
    let (Some(orders), Some(trades)) = (capture(ORDERS), capture(TRADES)) else { return };
    let run = summary(&[&orders, &trades, "--twin"]);
    assert_eq!((run.messages.total, run.books.instruments), (258_975, 5));
    assert_eq!(run.messages.by_type.get("D"), Some(&39_588));
    assert!(run.books.counts.iter().all(|(name, n)| name == "overflow" || *n == 0));
}

#[test]
fn trades_without_orders_leave_stale_books_and_a_clear_report() {
    let Some(file) = capture(SHENZHEN) else { return };
    let run = summary(&[&file, "--set", "ticks.market=\"szse\""]);
    assert_eq!((run.messages.total, run.books.stale), (166_811, 1));
    let error = replay(&[&file]).expect_err("two markets").to_string();
    assert!(error.contains("ticks.market"), "{error}");
}

#[test]
fn no_output_takes_the_place_of_an_input() {
    let day = ["--market", "sse", "--securities", "4", "--messages", "4000"];
    let (dir, [ticks, map, orders]) = made(&day, ["ticks.csv", "map.toml", "orders.parquet"]);
    let layouts = Path::new(env!("CARGO_MANIFEST_DIR")).join("../ticks/layouts");
    fs::copy(layouts.join("neutral.toml"), &map).expect("a layout");
    fs::copy(&ticks, &orders).expect("a copy");
    let config = text(dir.path(), "config.toml");
    fs::write(&config, format!("[ticks]\nmap = {map:?}\n")).expect("a file");
    let refused = |args: &[&str]| {
        let failure = replay(args).expect_err("an output over an input");
        assert_eq!(failure.code(), 2, "{failure}");
        failure.to_string()
    };
    let folder = dir.path().to_str().expect("UTF-8");
    let aloud = |said: String, path: &str| assert!(said.contains(path), "{said}");
    aloud(refused(&[&ticks, "--ticks-map", &map, "--bbo", &map]), "map.toml");
    aloud(refused(&[&ticks, "--ticks-map", &map, "--book", &map]), "map.toml");
    aloud(refused(&[&ticks, "--config", &config, "--bbo", &map]), "map.toml");
    let weights = format!("strategy.imbalance.weights={map:?}");
    aloud(refused(&[&ticks, "--set", &weights, "--bbo", &map]), "map.toml");
    let entry = format!("{ticks}#ticks.csv");
    aloud(refused(&[&entry, "--bbo", &ticks]), "ticks.csv");
    aloud(refused(&[&orders, "--out", folder]), "orders.parquet");
    let other = text(dir.path(), "touch.csv");
    let out = text(dir.path(), "out");
    summary(&[&ticks, "--ticks-map", &map, "--bbo", &other, "--out", &out]);
    // Every file of a run is one of those that are looked at.
    let names: Vec<String> = nofx_app::outputs::names().collect();
    let written: Vec<_> = fs::read_dir(&out).expect("a folder").flatten().collect();
    assert!(written.len() > 5);
    for file in written {
        let name = file.file_name().into_string().expect("UTF-8");
        assert!(names.contains(&name), "{name} may take the place of an input");
    }
    assert!(fs::read_to_string(&map).expect("still there").contains("[ticks]"));
}
