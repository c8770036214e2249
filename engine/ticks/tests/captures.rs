//! Real days of both mainland exchanges against figures that were counted by another parser.

mod common;

use std::collections::BTreeMap;

use common::capture;
use nofx_ticks::{TickFile, TickOptions, open};
use nofx_types::{Market, Phase, Price, Qty, Side, Symbol, Tick, TickKind};

fn read(names: &[&str], options: &TickOptions) -> Option<TickFile> {
    let paths: Option<Vec<_>> = names.iter().map(|name| capture(name)).collect();
    let file = open(&paths?, options).expect("readable");
    assert_eq!(file.bad.total(), 0, "{:?}", file.bad.first());
    assert!(file.holes.is_empty());
    Some(file)
}

/// Orders, cancels, trades.
fn kinds<'a>(ticks: impl IntoIterator<Item = &'a Tick>) -> [usize; 3] {
    let mut counts = [0; 3];
    for tick in ticks {
        match tick.kind {
            TickKind::Order { .. } => counts[0] += 1,
            TickKind::Cancel { .. } => counts[1] += 1,
            TickKind::Trade { .. } => counts[2] += 1,
            TickKind::Phase(_) => panic!("no status in these files"),
        }
    }
    counts
}

fn aggressors(ticks: &[Tick]) -> [usize; 3] {
    let of = |want: Option<Side>| {
        ticks.iter().filter(|t| t.kind == TickKind::Trade { aggressor: want }).count()
    };
    [of(Some(Side::Buy)), of(Some(Side::Sell)), of(None)]
}

fn volume<'a>(ticks: impl IntoIterator<Item = &'a Tick>) -> u64 {
    let trades = ticks.into_iter().filter(|tick| matches!(tick.kind, TickKind::Trade { .. }));
    trades.map(|tick| tick.qty.0).sum()
}

fn rising(ticks: &[Tick]) -> bool {
    let mut last = BTreeMap::new();
    ticks.iter().all(|tick| last.insert(tick.channel, tick.seq).is_none_or(|was| was < tick.seq))
}

#[test]
fn the_log_of_600519_has_its_counts_and_totals() {
    let name = "a-share/sse-600519-20230207/AX_sbe_sse_600519.zip";
    let Some(file) = read(&[name], &TickOptions::default()) else { return };
    assert_eq!(file.layouts, ["sse-log"]);
    assert_eq!(kinds(&file.ticks), [31_612, 14_152, 18_685]);
    assert_eq!(aggressors(&file.ticks), [7_713, 10_426, 546]);
    assert_eq!((volume(&file.ticks), file.snapshots.len()), (2_432_171, 5_146));
    assert!(rising(&file.ticks) && file.unsorted > 0, "the lines are not in order");
    assert_eq!(file.market().expect("one market"), Market::Sse);
    let info = file.symbols.first().expect("one security");
    assert_eq!((info.symbol.as_str(), info.previous_close), ("600519", Price(17_950_000)));
    let last = file.snapshots.last().expect("snapshots");
    assert_eq!((last.num_trades, last.volume), (18_685, Qty(2_432_171)));
    assert!(file.ticks.iter().all(|tick| tick.channel == 6));
    let first = file.ticks.first().expect("ticks");
    assert_eq!(first.exch_ns.0, 1_675_732_500_000_000_000, "2023-02-07 09:15:00 at UTC+8");
    assert_eq!(file.snapshots.iter().filter(|s| s.phase == Phase::Continuous).count(), 4_865);
}

#[test]
fn the_pair_of_five_securities_has_its_counts() {
    let names = ["a-share/sse-5sym-20230711/SHorders.zip", "a-share/sse-5sym-20230711/SHtrans.zip"];
    let Some(file) = read(&names, &TickOptions::default()) else { return };
    assert_eq!(file.layouts, ["sse-pair"]);
    assert_eq!(kinds(&file.ticks), [109_771, 39_588, 109_616]);
    assert_eq!(aggressors(&file.ticks)[2], 1_590);
    assert!(rising(&file.ticks));
    for (code, orders, trades) in [
        ("600536", 49_583, 33_553),
        ("600761", 31_480, 24_760),
        ("600961", 35_476, 28_937),
        ("601825", 7_283, 5_370),
        ("605580", 25_537, 16_996),
    ] {
        let symbol = Symbol::new(code).expect("a code");
        let [adds, cancels, count] = kinds(file.ticks.iter().filter(|t| t.symbol == symbol));
        assert_eq!((adds + cancels, count), (orders, trades), "{code}");
    }
    assert!(file.ticks.iter().all(|tick| tick.price.0 % 100 == 0), "float noise is rounded away");
    let one = TickOptions {
        symbols: vec![Symbol::new("601825").expect("a code")],
        ..TickOptions::default()
    };
    let some = read(&names, &one).expect("there");
    assert_eq!((some.ticks.len(), some.symbols.len()), (7_283 + 5_370, 1));
}

#[test]
fn the_trades_of_both_exchanges_have_their_totals() {
    let names = ["a-share/szse-000001-sse-600000-trades-20230201/tradeData.zip"];
    let Some(file) = read(&names, &TickOptions::default()) else { return };
    assert!(file.market().is_err(), "two markets must be told apart");
    assert!(
        file.ticks.windows(2).all(|pair| pair[0].exch_ns <= pair[1].exch_ns.max(pair[0].exch_ns))
    );
    let of = |market| TickOptions { market: Some(market), ..TickOptions::default() };
    let shenzhen = read(&names, &of(Market::Szse)).expect("there");
    assert_eq!(kinds(&shenzhen.ticks), [0, 32_996, 133_815]);
    assert_eq!((volume(&shenzhen.ticks), rising(&shenzhen.ticks)), (165_342_148, true));
    let ends =
        [shenzhen.ticks.first(), shenzhen.ticks.last()].map(|t| t.map(|t| (t.channel, t.seq)));
    assert_eq!(ends, [Some((2_013, 1_845)), Some((2_013, 35_374_403))]);
    let shanghai = read(&names, &of(Market::Sse)).expect("there");
    assert_eq!((kinds(&shanghai.ticks), aggressors(&shanghai.ticks)[2]), ([0, 0, 14_872], 300));
}

#[test]
fn the_snapshots_of_five_securities_decode_and_are_sound() {
    let names = ["a-share/szse-5sym-snapshot-20220601/tick.zip"];
    let Some(file) = read(&names, &TickOptions::default()) else { return };
    assert_eq!((file.snapshots.len(), file.market().expect("one market")), (20_980, Market::Szse));
    for (code, want) in [
        ("000400", 4_921),
        ("300274", 4_919),
        ("300122", 4_906),
        ("300288", 3_423),
        ("300918", 2_811),
    ] {
        let symbol = Symbol::new(code).expect("a code");
        assert_eq!(file.snapshots.iter().filter(|s| s.symbol == symbol).count(), want, "{code}");
    }
    // In an auction both sides show the one price of the auction.
    let auction = |s: &&nofx_ticks::Snapshot| {
        matches!(s.phase, Phase::OpeningAuction | Phase::ClosingAuction)
    };
    let unsound: Vec<_> = file.snapshots.iter().filter(|s| !auction(s) && !s.is_sound()).collect();
    assert!(unsound.is_empty(), "{:?}", unsound.first());
    let outside = file.snapshots.iter().filter(|s| {
        let levels = s.levels.iter().flatten().filter(|l| l.qty.0 > 0 && !auction(s));
        levels
            .clone()
            .any(|l| l.price < s.limit_low || l.price > s.limit_high || l.price.0 % 100 != 0)
    });
    assert_eq!(outside.count(), 0, "levels stand on ticks inside the day's limits");
}
