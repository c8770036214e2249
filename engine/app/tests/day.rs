//! A generated day through the whole hot path: determinism, lines A and B, gaps, no allocation.

mod common;

use std::path::Path;
use std::sync::OnceLock;

use common::{generate, summary, text};
use nofx_app::summary::Summary;
use nofx_rt::guard::CountingAlloc;
use tempfile::TempDir;

#[global_allocator]
static ALLOC: CountingAlloc = CountingAlloc;

/// Limits so tight that the maker runs into several of them.
const TIGHT: [&str; 8] = [
    "--set",
    "risk.symbol.long_max=300",
    "--set",
    "risk.symbol.short_max=300",
    "--set",
    "risk.account.rate_per_s=40",
    "--set",
    "risk.account.rate_burst=8",
];
const WHOLE: [&str; 6] = ["--loss", "0", "--duplicate", "0", "--reorder", "0"];
const MAKER: [&str; 4] = ["--strategy", "maker", "--set", "strategy.trade=first:12"];

/// 40 instruments with losses on both lines, and the same day without any.
fn day() -> &'static Path {
    static DAY: OnceLock<TempDir> = OnceLock::new();
    DAY.get_or_init(|| {
        let dir = tempfile::tempdir().expect("a folder");
        let common = ["--seed", "5", "--instruments", "40", "--messages", "60000"];
        // So few losses that only the late outage of both lines makes a gap.
        let lossy = ["--loss", "0.001", "--duplicate", "0.01", "--reorder", "0.01"];
        generate(&dir.path().join("lossy"), &[&common[..], &lossy].concat());
        generate(&dir.path().join("whole"), &[&common[..], &WHOLE].concat());
        dir
    })
    .path()
}

fn lossy(more: &[&str]) -> Summary {
    let (a, b) = (text(day(), "lossy/line-a.pcap"), text(day(), "lossy/line-b.pcap"));
    summary(&[&[a.as_str(), "--line-b", &b], &MAKER[..], more].concat())
}

fn count(run: &Summary, kind: &str) -> u64 {
    run.orders.updates.get(kind).copied().unwrap_or(0)
}

/// What the determinism tests must have seen, else they prove nothing.
fn assert_eventful(run: &Summary) {
    assert!(run.orders.fills > 0, "no fills: {run}");
    assert!(count(run, "canceled") > 0, "no cancels: {run}");
    assert!(count(run, "replaced") > 0, "no replaces: {run}");
    assert!(run.gaps.count > 0, "no gap: {run}");
    assert!(run.rejects.len() >= 3, "rejects by fewer than three rules: {run}");
}

/// Changes only with the generator, the strategy, the rules, the venue or the wire: say why.
const GOLDEN: &str = "fdfbbb8f2eca9ce14d76e2e610a3f4f1";

#[test]
fn two_runs_agree_and_speed_stamps_and_outputs_change_nothing() {
    let first = lossy(&TIGHT);
    assert_eventful(&first);
    println!(
        "MEASURED decision hash over {} records ({} intents, {} sent, {} received)",
        first.decisions.total(),
        first.decisions.intents,
        first.decisions.sent,
        first.decisions.received
    );
    assert_eq!(first.throughput.sealed_allocations, Some(0));
    let out = tempfile::tempdir().expect("a folder");
    let dir = text(out.path(), "run");
    for more in [
        &[][..],
        &["--stamps", "none"],
        &["--stamps", "total"],
        &["--speed", "1000000x"],
        &["--out", &dir],
    ] {
        let again = lossy(&[&TIGHT[..], more].concat());
        assert_eq!(again.decision_hash, first.decision_hash, "{more:?}");
        assert_eq!(again.decisions, first.decisions, "{more:?}");
    }
    assert_eq!(first.decision_hash, GOLDEN);
}

#[test]
fn the_example_model_trades_and_decides_the_same_twice() {
    let weights = concat!(
        "strategy.imbalance.weights=",
        env!("CARGO_MANIFEST_DIR"),
        "/../../docs/imbalance.toml"
    );
    let file = text(day(), "whole/day.itch");
    let run = || {
        summary(&[
            &file,
            "--strategy",
            "imbalance",
            "--set",
            weights,
            "--set",
            "strategy.trade=first:5",
            "--set",
            "strategy.imbalance.enter_ticks=0.3",
        ])
    };
    let first = run();
    assert!(first.orders.fills > 0, "{first}");
    assert_eq!(first.throughput.sealed_allocations, Some(0));
    assert_eq!(run().decision_hash, first.decision_hash);
}

#[test]
fn another_configuration_decides_differently() {
    let (wide, tight) = (lossy(&[]), lossy(&TIGHT));
    assert_ne!(wide.decision_hash, tight.decision_hash);
}

/// Engine time is the venue's own, since the capture times of two lines differ.
#[test]
fn lines_that_carry_everything_together_decide_like_the_lossless_day() {
    let dir = tempfile::tempdir().expect("a folder");
    let common = ["--seed", "7", "--instruments", "30", "--messages", "20000"];
    // Seed 7 loses no packet on both lines at this size; the assertion below holds it to that.
    let lossy = ["--loss", "0.01", "--duplicate", "0.01", "--reorder", "0.01", "--no-outage"];
    generate(&dir.path().join("lossy"), &[&common[..], &lossy].concat());
    generate(&dir.path().join("whole"), &[&common[..], &WHOLE].concat());
    let clock = ["--set", "feed.clock=exchange"];
    let run = |day: &str| {
        let (a, b) = (
            text(dir.path(), &format!("{day}/line-a.pcap")),
            text(dir.path(), &format!("{day}/line-b.pcap")),
        );
        summary(&[&[a.as_str(), "--line-b", &b, "--twin"], &MAKER[..], &clock].concat())
    };
    let (lossy, whole) = (run("lossy"), run("whole"));
    assert_eq!((lossy.gaps.count, whole.gaps.count), (0, 0), "{lossy}");
    assert!(lossy.lines.iter().all(|line| line.missing > 0), "{lossy}");
    assert!(lossy.orders.fills > 0 && count(&lossy, "replaced") > 0, "{lossy}");
    assert_eq!(lossy.books.touch_hash, whole.books.touch_hash);
    assert_eq!(lossy.messages.total, whole.messages.total);
    assert_eq!(lossy.decision_hash, whole.decision_hash);
    // And like the same day as a file.
    let file = text(dir.path(), "whole/day.itch");
    let file = summary(&[file.as_str()]);
    assert_eq!(file.books.touch_hash, whole.books.touch_hash);
    assert_eq!(file.messages.total, whole.messages.total);
}

#[test]
fn a_packet_lost_on_both_lines_is_reported_and_no_order_passes_afterwards() {
    let out = tempfile::tempdir().expect("a folder");
    let dir = text(out.path(), "run");
    let run = lossy(&["--out", &dir]);
    let gap = run.gaps.list.first().expect("the lossy day has a gap");
    assert!(run.books.stale > 0);
    let truth = std::fs::read_to_string(day().join("lossy/truth.json")).expect("written");
    let truth: serde_json::Value = serde_json::from_str(&truth).expect("JSON");
    let lost = truth["lines"]["messages_lost_both"].as_u64().expect("a count");
    assert_eq!(run.gaps.missing, lost, "every message that neither line carried is in a gap");
    let mut sent_after = 0;
    let path = out.path().join("run/orders.parquet");
    nofx_app::columns::read_groups(&path, |columns| {
        use nofx_app::columns::Column;
        let (Column::Int(seq), Column::Text(kind), Column::Text(verdict)) =
            (&columns[1], &columns[3], &columns[9])
        else {
            panic!("columns moved")
        };
        for i in 0..seq.len() {
            let passed = verdict[i] == "pass" && kind[i] != "cancel";
            sent_after += u64::from(passed && seq[i] as u64 >= gap.to);
        }
    })
    .expect("reads");
    assert_eq!(sent_after, 0, "orders passed on books that missed messages");
}

#[test]
fn the_twin_agrees_over_the_whole_day() {
    let file = text(day(), "whole/day.itch");
    let run = summary(&[file.as_str(), "--twin"]);
    assert!(run.books.twin_compared > 50_000);
    assert_eq!((run.books.crossed, run.books.stale), (0, 0));
    let truth = std::fs::read_to_string(day().join("whole/truth.json")).expect("written");
    let truth: serde_json::Value = serde_json::from_str(&truth).expect("JSON");
    assert_eq!(Some(run.messages.total), truth["messages"]["total"].as_u64());
    assert_eq!(Some(run.books.live_orders), truth["live_orders"].as_u64());
    for (kind, n) in truth["messages"]["by_type"].as_object().expect("types") {
        assert_eq!(
            run.messages.by_type.get(kind).copied().unwrap_or(0),
            n.as_u64().expect("count")
        );
    }
}

#[test]
fn csv_files_hold_each_change_of_a_touch_in_decimal_text() {
    let out = tempfile::tempdir().expect("a folder");
    let (bbo, book) = (text(out.path(), "bbo.csv"), text(out.path(), "book.csv"));
    let file = text(day(), "whole/day.itch");
    summary(&[&file, "--bbo", &bbo, "--book", &book, "--depth", "3"]);
    let bbo = std::fs::read_to_string(bbo).expect("written");
    let mut rows = bbo.lines();
    assert_eq!(rows.next(), Some("seq,ts_ns,instrument,bid_px,bid_qty,ask_px,ask_qty"));
    let mut last = std::collections::HashMap::new();
    for row in rows {
        let cells: Vec<&str> = row.split(',').collect();
        let touch = cells[3..7].join(",");
        assert_ne!(last.insert(cells[2].to_owned(), touch.clone()), Some(touch), "{row}");
        for (px, qty) in [(cells[3], cells[4]), (cells[5], cells[6])] {
            assert_eq!(px.is_empty(), qty == "0", "{row}");
            assert!(
                px.is_empty() || px.split_once('.').is_some_and(|(_, d)| d.len() == 4),
                "{row}"
            );
        }
    }
    assert!(last.len() >= 35, "only {} instruments had a touch", last.len());
    let book = std::fs::read_to_string(book).expect("written");
    assert!(book.starts_with("seq,ts_ns,instrument,side,level,px,qty,orders\n"));
    assert!(book.lines().skip(1).all(|row| matches!(row.split(',').nth(4), Some("1" | "2" | "3"))));
}
