//! Mainland days through `nofx verify` and `nofx replay`, against what the exchange published.

mod common;

use std::fs;
use std::path::{Path, PathBuf};

use clap::Parser;
use common::{capture, replay, summary, text};
use nofx_app::cli::{Cli, Command};
use nofx_app::failure::Failure;
use nofx_app::verify::{self, VerifyReport};
use nofx_rt::guard::CountingAlloc;
use nofx_ticks::{SnapshotWriter, TickFile, TickOptions, TickWriter};
use nofx_types::{Market, Side, TickKind};

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
