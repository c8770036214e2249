//! Replays of the home markets: captures of Hong Kong and Shenzhen, files of Shanghai, from the
//! command line to the closing report.

mod common;

use std::collections::HashMap;
use std::fs;
use std::path::Path;

use common::{capture, generate, summary, text};
use nofx_app::summary::Summary;
use serde_json::{Value, json};

const DAY: [&str; 6] = ["--securities", "12", "--messages", "20000", "--seed", "7"];
const MAOTAI: &str = "a-share/sse-600519-20230207/AX_sbe_sse_600519.zip";
const FIVE: [&str; 2] =
    ["a-share/sse-5sym-20230711/SHorders.zip", "a-share/sse-5sym-20230711/SHtrans.zip"];

fn made(market: &str, more: &[&str]) -> (tempfile::TempDir, Value) {
    let dir = tempfile::tempdir().expect("a folder");
    generate(dir.path(), &[&["--market", market], &DAY[..], more].concat());
    let truth = fs::read_to_string(dir.path().join("truth.json")).expect("truth");
    (dir, serde_json::from_str(&truth).expect("JSON"))
}

/// Loss that leaves each message on one line at least, and the patience to wait for it.
const LOSS: [&str; 3] = ["--loss", "0.002", "--no-outage"];
const PATIENT: [&str; 2] = ["--set", "feed.gap_timeout_ns=1000000000"];
/// A generated day of Shenzhen takes seconds: its snapshots tell the phases, not the clock.
const NO_HOURS: [&str; 2] = ["--set", "szse.phases_by_clock=false"];

/// The last state of each book that `--book` wrote: what stands there since its last change.
fn last_books(path: &Path) -> HashMap<String, [Vec<Value>; 2]> {
    let mut books: HashMap<String, (String, [Vec<Value>; 2])> = HashMap::new();
    for row in fs::read_to_string(path).expect("rows").lines().skip(1) {
        let fields: Vec<&str> = row.split(',').collect();
        let [seq, _, symbol, side, _, px, qty, orders] = fields[..] else { panic!("{row}") };
        let (last, sides) = books.entry(symbol.to_owned()).or_default();
        if last != seq {
            (*last, *sides) = (seq.to_owned(), Default::default());
        }
        let price = (px.parse::<f64>().expect("a price") * 10_000.0).round() as i64;
        let number = |text: &str| text.parse::<u64>().expect("a number");
        let side = usize::from(side != "bid" && side != "buy");
        sides[side].push(json!([price, number(qty), number(orders)]));
    }
    books.into_iter().map(|(symbol, (_, sides))| (symbol, sides)).collect()
}

/// Every security's book is that of the truth, as deep as `--book` goes.
fn assert_truth(path: &Path, truth: &Value) {
    let books = last_books(path);
    let securities = truth["securities"].as_array().expect("an array");
    let mut levels = 0;
    for security in securities {
        let symbol = security["symbol"].as_str().expect("text");
        for (side, key) in ["bids", "asks"].into_iter().enumerate() {
            let want = security[key].as_array().expect("an array");
            let want = &want[..want.len().min(50)];
            let none = Default::default();
            assert_eq!(books.get(symbol).unwrap_or(&none)[side], want, "{symbol} {key}");
            levels += want.len();
        }
    }
    assert!(levels > 100, "{levels} levels are hardly a market");
}

fn with_books(dir: &Path, args: &[&str], truth: &Value) -> Summary {
    let book = text(dir, "book.csv");
    let more = ["--book", &book, "--depth", "50"];
    let run = summary(&[args, &more, &PATIENT, &NO_HOURS].concat());
    assert_truth(Path::new(&book), truth);
    assert_eq!((run.gaps.missing, run.books.stale), (0, 0), "{run}");
    run
}

#[test]
fn lines_of_hong_kong_are_recognised_and_their_books_are_the_truth() {
    let (dir, truth) = made("hkex", &LOSS);
    let (a, b) = (text(dir.path(), "line-a.pcap"), text(dir.path(), "line-b.pcap"));
    let run = with_books(dir.path(), &[&a, "--line-b", &b], &truth);
    assert_eq!(run.input.feed, "omdc");
    assert!(run.lines.iter().all(|line| line.missing > 10), "{run}");
    // Both lines in one capture: told apart by their packets, without --lines.
    let merged = with_books(dir.path(), &[&a, &b, "--merge"], &truth);
    assert_eq!(merged.lines.len(), 2);
    assert_eq!(merged.books.touch_hash, run.books.touch_hash);
    assert!(merged.input.warnings.iter().any(|w| w.contains("OMD-C channel")), "{merged}");
    let twin = summary(&[&a, "--line-b", &b, "--twin"]);
    assert!(twin.books.twin_compared > 10_000);
}

#[test]
fn a_session_of_shenzhen_is_found_and_both_rebuilds_make_the_books_of_the_truth() {
    let (dir, truth) = made("szse", &[]);
    let tcp = text(dir.path(), "tcp.pcap");
    let waited = with_books(dir.path(), &[&tcp, "--twin"], &truth);
    assert_eq!(waited.input.feed, "szse");
    assert!(waited.input.frames_dropped["other_session"] > 0, "the client's side is left out");
    let simulated = with_books(dir.path(), &[&tcp, "--set", "szse.rebuild=simulated"], &truth);
    assert_eq!(simulated.messages.total, waited.messages.total);
    assert!(waited.messages.malformed.is_empty(), "{waited}");
}

#[test]
fn a_maker_trades_shenzhen_and_hong_kong_by_symbol_and_decides_the_same_again() {
    for market in ["szse", "hkex"] {
        let (dir, truth) = made(market, &LOSS);
        let file = |name| text(dir.path(), name);
        let mut args = match market {
            "szse" => vec![file("tcp.pcap")],
            _ => vec![file("line-a.pcap"), "--line-b".into(), file("line-b.pcap")],
        };
        let symbol = truth["securities"][0]["symbol"].as_str().expect("text");
        args.extend(["--strategy".into(), "maker".into()]);
        for set in [format!("strategy.trade={symbol}"), format!("market.rules={market}")] {
            args.extend(["--set".into(), set]);
        }
        let args: Vec<&str> =
            args.iter().map(String::as_str).chain(PATIENT).chain(NO_HOURS).collect();
        let run = summary(&args);
        assert!(run.orders.intents > 0, "{market}: {run}");
        let rules = run.market.as_ref().expect("rules of the day");
        assert_eq!(rules.market, market);
        assert_eq!(summary(&args).decision_hash, run.decision_hash, "{market}");
    }
}

#[test]
fn a_damaged_session_of_shenzhen_is_told_by_packet_and_its_books_are_stale() {
    let (dir, _) = made("szse", &[]);
    let mut bytes = fs::read(dir.path().join("tcp.pcap")).expect("a capture");
    // An order (type 300192) somewhere in the middle of the day.
    let kind = 300_192u32.to_be_bytes();
    let half = bytes.len() / 2;
    let at = bytes[half..].windows(4).position(|four| four == kind).expect("an order") + half;
    bytes[at + 40] ^= 0x55;
    let file = text(dir.path(), "damaged.pcap");
    fs::write(&file, bytes).expect("a file");
    let run =
        summary(&[&[file.as_str()], &NO_HOURS[..], &["--set", "szse.gap_timeout_ns=1"]].concat());
    for fault in ["checksum: 1, first at packet", "session_broken: 1, first", "ticks_lost: "] {
        let told = run.input.warnings.iter().any(|warning| warning.contains(fault));
        assert!(told, "{fault}: {run}");
    }
    assert!(run.books.stale > 0 && run.messages.total > 30_000, "{run}");
}

/// The opening and closing prices of 600519 on 2023-02-07 and fees are in the outputs; what was
/// bought today cannot be sold.
#[test]
fn a_real_shanghai_day_trades_under_its_rules() {
    let Some(day) = capture(MAOTAI) else { return };
    let dir = tempfile::tempdir().expect("a folder");
    let out = text(dir.path(), "run");
    let rules = ["--set", "market.rules=sse", "--set", "strategy.trade=600519"];
    let run_of = [&day, "--strategy", "maker", "--out", &out];
    let args = [&run_of[..], &rules].concat();
    let run = summary(&args);
    let rules = run.market.as_ref().expect("rules of the day");
    assert_eq!((rules.date.as_str(), run.books.stale), ("2023-02-07", 0), "{run}");
    for row in &rules.holdings {
        assert!(row.sold <= row.start, "bought today, sold today: {row:?}");
    }
    assert!(rules.refusals.iter().any(|row| row.rule == "sellable"), "{run}");
    assert!(rules.fees_e4 > 0, "{run}");
    let page = dir.path().join("report.html");
    nofx_app::report::write_page(Path::new(&out), &page).expect("a page");
    let page = fs::read_to_string(page).expect("a page");
    // Opening call at 09:25:00.80, closing call at 15:00:00.50.
    let calls = "\"auctions\":[[1675733100800000000,18";
    for word in [
        calls,
        "[1675753200500000000,17970000",
        "\"OpeningAuction\"",
        "\"ClosingAuction\"",
        "\"bands\":[[",
    ] {
        assert!(page.contains(word), "{word}");
    }
}

#[test]
fn five_real_stocks_of_shanghai_decide_the_same_again() {
    let Some(files) = FIVE.map(capture).into_iter().collect::<Option<Vec<_>>>() else { return };
    let args = [&files[0], &files[1], "--strategy", "maker", "--set", "market.rules=sse"];
    let run = summary(&args);
    assert_eq!(summary(&args).decision_hash, run.decision_hash);
    assert!(run.market.is_some() && run.orders.intents > 0, "{run}");
}

/// A damaged copy of a day of Shanghai: `damage` takes the fields of the first row that it accepts.
fn damaged(damage: impl Fn(&mut Vec<String>) -> bool) -> Summary {
    let (dir, _) = made("sse", &[]);
    let ticks = fs::read_to_string(dir.path().join("ticks.csv")).expect("rows");
    let mut rows: Vec<Vec<String>> =
        ticks.lines().map(|row| row.split(',').map(str::to_owned).collect()).collect();
    let done = rows.iter_mut().skip(5_000).any(damage);
    assert!(done, "a row to damage");
    let rows: Vec<String> = rows.iter().map(|row| row.join(",")).collect();
    let file = text(dir.path(), "bad.csv");
    fs::write(&file, rows.join("\n")).expect("a file");
    summary(&[&file])
}

const SEQ: usize = 2;
const KIND: usize = 5;
const FLAG: usize = 6;
const BID: usize = 7;
const PRICE: usize = 9;

/// Each kind of bad row is told with its place, makes one book stale at most, and ends nothing.
#[test]
fn bad_rows_of_shanghai_are_counted_and_told_and_the_run_goes_on() {
    let is = |row: &[String], kind: &str| row[KIND] == kind;
    let told = |run: &Summary, want: &[&str], stale: u64| {
        for want in want {
            assert!(run.input.warnings.iter().any(|w| w.contains(want)), "{want}: {run}");
        }
        assert_eq!(run.books.stale, stale, "{run}");
        assert!(run.messages.total > 17_000, "{run}");
    };
    let set = |kind: &'static str, field: usize, value: &'static str| {
        damaged(move |row| {
            let found = row[KIND] == kind;
            if found {
                row[field] = value.to_owned();
            }
            found
        })
    };
    told(&set("limit", PRICE, "7.12345"), &["column price", "scale", "lost_row: 1, first at"], 1);
    told(&set("limit", PRICE, "7.1234"), &["7.1234", "lost_row: 1, first at"], 1);
    told(&set("limit", FLAG, "X"), &["column flag", "lost_row: 1, first at"], 1);
    told(&set("trade", BID, "999999"), &["unknown_order: ", "first at number"], 1);
    let twice = damaged(|row| {
        let found = is(row, "limit");
        let seq: u64 = row[SEQ].parse().unwrap_or(0);
        row[SEQ] = if found { (seq - 1).to_string() } else { row[SEQ].clone() };
        found
    });
    told(&twice, &["number 4999\": repeat", "lost_row: 1, first at"], 1);
}

#[test]
fn a_full_table_is_told_and_the_run_goes_on() {
    let (dir, _) = made("hkex", &["--no-outage"]);
    let file = text(dir.path(), "line-a.pcap");
    let run = summary(&[&file, "--set", "instruments.capacity=4"]);
    let warned = |text: &str| run.input.warnings.iter().any(|w| w.contains(text));
    assert!(warned("instruments_full") && warned("first at packet"), "{run}");
}
