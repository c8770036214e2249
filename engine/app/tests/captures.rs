//! Real captures through the whole hot path, against what is known of them.

mod common;

use common::{capture, replay, summary};
use nofx_rt::guard::CountingAlloc;

#[global_allocator]
static ALLOC: CountingAlloc = CountingAlloc;

const TRADE_ANYTHING: [&str; 4] =
    ["--set", "instruments.unknown_phase=continuous", "--set", "instruments.capacity=16384"];

#[test]
fn deep10_decodes_whole_with_its_twelve_runs_and_names_the_cut_packet() {
    let Some(file) = capture("iex-hist/DEEP10.pcap.gz") else { return };
    let run = summary(&[&file, "--twin"]);
    assert_eq!((run.input.feed.as_str(), run.input.container.as_str()), ("iex-deep", "pcap"));
    assert_eq!(run.messages.total, 391_999);
    let by_type = |kind: &str| run.messages.by_type.get(kind).copied().unwrap_or(0);
    for (kind, want) in [
        ("P", 93_636),
        ("H", 93_638),
        ("O", 93_638),
        ("T", 83_343),
        ("8", 12_941),
        ("5", 14_627),
        ("B", 73),
        ("E", 59),
        ("S", 44),
    ] {
        assert_eq!(by_type(kind), want, "type {kind}");
    }
    assert_eq!((run.gaps.count, run.gaps.missing, run.gaps.restarts), (0, 0, 11));
    assert_eq!(run.input.packets, 121_314);
    let [warning] = run.input.warnings.as_slice() else { panic!("{:?}", run.input.warnings) };
    assert!(warning.contains("121315") && warning.contains("DEEP10"), "{warning}");
    assert!(run.books.broken.is_empty() && run.books.twin_compared > 100_000, "{run}");
}

#[test]
fn deep10_with_a_maker_is_sealed_and_decides_the_same_twice() {
    let Some(file) = capture("iex-hist/DEEP10.pcap.gz") else { return };
    let dir = tempfile::tempdir().expect("a folder");
    let definitions = dir.path().join("d.csv");
    let symbols = ["AAPL", "SPY", "ZIEXT", "ZXIET", "MSFT", "IBM", "QQQ", "BAC"];
    let rows = symbols.map(|s| format!("2017-04-25,{s},0.01,100\n")).concat();
    std::fs::write(&definitions, format!("date,symbol,tick,lot\n{rows}")).expect("a file");
    let definitions = definitions.to_str().expect("UTF-8");
    let mut args = vec![file.as_str(), "--strategy", "maker", "--definitions", definitions];
    args.extend(TRADE_ANYTHING);
    args.extend(["--set", "strategy.trade=first:8"]);
    let first = summary(&args);
    assert_eq!(first.throughput.sealed_allocations, Some(0));
    assert!(first.orders.sent > 0, "{first}");
    args.extend(["--stamps", "none"]);
    assert_eq!(summary(&args).decision_hash, first.decision_hash);
}

#[test]
fn the_itch_snippet_starts_mid_day_and_corrupts_nothing() {
    let Some(file) = capture("nasdaq-itch50/12302019_SNIPPET.NASDAQ_ITCH50") else { return };
    let run = summary(&[&file, "--twin"]);
    assert_eq!((run.input.feed.as_str(), run.messages.total), ("itch-file", 1_000));
    let counts = [("A", 367), ("U", 225), ("F", 193), ("D", 167), ("E", 28), ("X", 6), ("C", 1)];
    for (kind, want) in counts {
        assert_eq!(run.messages.by_type.get(kind), Some(&want), "type {kind}");
    }
    assert!(
        run.books.counts.get("unknown_order").is_some_and(|n| *n > 0),
        "{:?}",
        run.books.counts
    );
    assert!(run.books.broken.is_empty());
}

#[test]
fn es_futures_by_order_have_no_unknown_cancel_and_cross_only_before_the_open() {
    let Some(file) = capture("databento/esh4-glbx-mdp3-20231225.mbo.dbn.zst") else { return };
    let dir = tempfile::tempdir().expect("a folder");
    let bbo = common::text(dir.path(), "bbo.csv");
    let run = summary(&[&file, "--twin", "--bbo", &bbo]);
    assert_eq!((run.input.feed.as_str(), run.messages.total), ("dbn", 68_792));
    let anomalies: u64 = ["unknown_order", "duplicate_add", "overfill", "exhausted"]
        .iter()
        .map(|name| run.books.counts.get(*name).copied().unwrap_or(0))
        .sum();
    assert_eq!(anomalies, 0, "{:?}", run.books.counts);
    assert_eq!(run.books.live_orders, 11_217);
    let rows = std::fs::read_to_string(&bbo).expect("written");
    let last: Vec<&str> = rows.lines().last().expect("rows").split(',').collect();
    assert_eq!((last[2], last[3], last[5]), ("ESH4", "4810.0000", "4810.2500"));
    // First trade 2023-12-25 23:00:00 UTC: crossed touches come before it, none after.
    let opening = 1_703_545_200_000_000_000u64;
    let crossed = rows.lines().skip(1).filter_map(|row| {
        let cells: Vec<&str> = row.split(',').collect();
        let price = |i: usize| cells[i].parse::<f64>().ok();
        (price(3)? >= price(5)?).then(|| cells[1].parse::<u64>().expect("time"))
    });
    let crossed: Vec<u64> = crossed.collect();
    assert!(!crossed.is_empty() && crossed.iter().all(|at| *at <= opening), "{:?}", crossed.last());
}

#[test]
fn every_itch_and_iex_packet_sample_is_recognised_and_decodes() {
    let mut seen = 0;
    for (folder, files) in [
        (
            "omi-data-packets/Nasdaq/Nasdaq.Equities.TotalView.Itch.v5.0",
            &[
                "AddOrderNoMpidAttributionMessage",
                "MarketParticipantPositionMessage",
                "Multiple.Packets",
                "NetOrderImbalanceIndicatorMessage",
                "OrderDeleteMessage",
                "OrderExecutedMessage",
                "OrderReplaceMessage",
                "StockTradingActionMessage",
            ][..],
        ),
        (
            "omi-data-packets/Iex/Deep.IexTp.v1.0",
            &["PriceLevelBuyUpdateMessage", "PriceLevelSellUpdateMessage"][..],
        ),
        (
            "omi-data-packets/Iex/DeepPlus.IexTp.1.0.2",
            &["all_message_types", "a_AddOrder", "L_OrderExecuted"][..],
        ),
    ] {
        for name in files {
            let Some(file) = capture(&format!("{folder}/{name}.pcap")) else { return };
            let run = summary(&[&file, "--twin"]);
            assert!(run.messages.total > 0 && run.messages.unknown == 0, "{name}: {run}");
            seen += 1;
        }
    }
    assert_eq!(seen, 13);
}

#[test]
fn a_feed_that_does_not_fit_its_file_is_refused() {
    let Some(file) = capture("iex-hist/DEEP10.pcap.gz") else { return };
    let error = replay(&[&file, "--feed", "dbn"]).expect_err("must be refused");
    assert!(error.code() == 2 && error.to_string().contains("holds pcap"), "{error}");
}
