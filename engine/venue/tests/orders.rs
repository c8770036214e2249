//! Requests: what is refused, what races, what ends. And feeds of levels.

mod common;

use std::collections::BTreeSet;

use common::*;
use nofx_types::{EventKind, InstrumentId, Nanos, Phase, Side, TradeKind};
use nofx_venue::config::ConfigError;
use nofx_venue::latency::{Direction, Latency};
use nofx_venue::queue::QueueModel;
use nofx_venue::{MarketKind, ReplayVenue, VenueConfig};

const NOTHING: [&str; 0] = [];

#[test]
fn immediate_post_only_and_self_matching_orders_end_as_they_must() {
    let mut stage = Stage::plain();
    stage.add(1, Side::Sell, 100, 100_000);
    stage.add(2, Side::Buy, 100, 99_000);
    let took = ["A 1 B 150@100000 L", "E 1 100@100000 R", "C 1 50 I"];
    assert_eq!(stage.ask(&enter(1, b'B', 150, 100_000, IOC)), took);
    assert_eq!(stage.ask(&enter(2, b'B', 10, 99_900, IOC)), ["A 2 B 10@99900 L", "C 2 10 I"]);
    // All of order 1 is ours already, so a post-only order does not take at 10.00.
    let rests = stage.ask(&enter(3, b'B', 10, 100_000, POST_ONLY));
    assert_eq!(rests, ["A 3 B 10@100000 L"]);
    stage.add(3, Side::Sell, 100, 100_500);
    let ends = ["A 4 B 10@100500 L", "C 4 10 G"];
    assert_eq!(stage.ask(&enter(4, b'B', 10, 100_500, POST_ONLY)), ends);
    let tag = [2, 12, b'P']; // the same by appendage
    let ends = stage.ask(&enter(5, b'B', 10, 100_500, Extra { tags: &tag, ..PLAIN }));
    assert_eq!(ends, ["A 5 B 10@100500 L", "C 5 10 G"]);
    // A sale at 9.90 would first meet our own bid at 10.00.
    assert_eq!(stage.ask(&enter(6, b'S', 10, 99_000, PLAIN)), ["A 6 S 10@99000 L", "C 6 10 Q"]);
    stage.ask(&cancel(3, 0));
    assert_eq!(
        stage.ask(&enter(7, b'T', 10, 99_000, PLAIN)),
        ["A 7 T 10@99000 L", "E 7 10@99000 R"]
    );
    assert_eq!(stage.venue.open_orders(), 0);
}

#[test]
fn a_sale_takes_better_bids_before_it_meets_our_own() {
    let mut stage = Stage::plain();
    stage.ask(&enter(1, b'B', 10, 99_000, PLAIN));
    stage.add(1, Side::Buy, 5, 99_500);
    stage.add(2, Side::Buy, 5, 98_000);
    let ends = ["A 2 S 20@98000 L", "E 2 5@99500 R", "C 2 15 Q"];
    assert_eq!(stage.ask(&enter(2, b'S', 20, 98_000, PLAIN)), ends);
    assert_eq!(stage.venue.open_orders(), 1);
}

#[test]
fn what_is_wrong_is_refused_with_its_reason() {
    let mut config = config(0, 0);
    config.max_quantity = 1_000;
    config.sizes.open_orders = 8;
    let mut stage = Stage::new(&config, MarketKind::Orders);
    let ccc = Extra { symbol: "CCC", ..PLAIN };
    for (user_ref, message, want) in [
        (1, enter(1, b'B', 0, 100_000, PLAIN), "J 1 0x13"),
        (2, enter(2, b'B', 1_001, 100_000, PLAIN), "J 2 0x1e"),
        (3, enter(3, b'B', 1, 100_050, PLAIN), "J 3 0x1d"), // half a cent
        (4, enter(4, b'B', 1, 0, PLAIN), "J 4 0x1d"),
        (5, enter(5, b'B', 1, 0x7fff_ffff, PLAIN), "J 5 0x1d"),
        (6, enter(6, b'B', 1, u64::MAX - 7, PLAIN), "J 6 0x1d"),
        (7, enter(7, b'B', 1, 100_000, ccc), "J 7 0x17"),
        (8, enter(8, b'?', 1, 100_000, PLAIN), "J 8 0x09"),
        (9, replace(77, 9, 1, 100_000, PLAIN), "J 9 0x15"),
        (10, cancel(77, 0), "I 77"),
    ] {
        assert_eq!(stage.ask(&message), [want], "{user_ref}");
    }
    for user_ref in 11..19 {
        stage.ask(&enter(user_ref, b'B', 1, 100, PLAIN));
    }
    assert_eq!(stage.ask(&enter(19, b'B', 1, 100, PLAIN)), ["J 19 0x0a"], "no room");
    assert_eq!(stage.ask(&replace(18, 20, 2, 200, PLAIN)), ["U 18>20 2@200"]);
    assert_eq!(stage.ask(&cancel(18, 0)), ["I 18"], "that name is gone");
    assert_eq!(stage.ask(&cancel(20, 5)), ["I 20"], "a cut only cuts");
    assert_eq!(stage.ask(&cancel(20, 1)), ["C 20 1 U"]);
    assert_eq!(stage.ask(&cancel(20, 0)), ["C 20 1 U"]);
    assert_eq!(stage.venue.open_orders(), 7);
}

#[test]
fn modify_changes_the_kind_of_sale_in_place() {
    let modify = |user_ref: u32, side, down_to: u32| {
        let (user_ref, down_to) = (user_ref.to_be_bytes(), down_to.to_be_bytes());
        frame(b'U', &[&[b'M'][..], &user_ref, &[side], &down_to].concat())
    };
    let mut stage = Stage::plain();
    stage.ask(&enter(1, b'S', 100, 100_000, PLAIN));
    assert_eq!(stage.ask(&modify(1, b'T', 100)), ["M 1 T 100"]);
    assert_eq!(stage.ask(&modify(1, b'E', 40)), ["M 1 E 40"]);
    assert_eq!(stage.ask(&modify(1, b'B', 40)), ["I 1"]);
    assert_eq!(stage.ask(&modify(1, b'S', 41)), ["I 1"]);
    assert_eq!(stage.ask(&modify(1, b'S', 0)), ["C 1 40 U"]);
}

#[test]
fn a_cancel_races_a_fill_by_latency() {
    for (wait, want) in [(9_000, ["E 1 100@100000 A", "I 1"]), (11_000, ["C 1 100 U", ""])] {
        let mut stage = Stage::new(&config(10_000, 5_000), MarketKind::Orders);
        stage.send(&enter(1, b'B', 100, 100_000, PLAIN));
        stage.pass(14_999);
        assert_eq!(stage.hear(), NOTHING, "there in 10 us, back in 5");
        stage.pass(1);
        assert_eq!(stage.hear(), ["A 1 B 100@100000 L"]);
        stage.send(&cancel(1, 0));
        stage.pass(wait - 1_000);
        stage.add(1, Side::Sell, 100, 100_000);
        stage.pass(30_000);
        let want: Vec<&str> = want.into_iter().filter(|text| !text.is_empty()).collect();
        assert_eq!(stage.hear(), want, "the sale arrives {wait} ns after the cancel was sent");
    }
}

#[test]
fn each_kind_of_request_has_its_own_latency_and_none_overtakes() {
    let mut config = config(10_000, 0);
    config.latency.to_venue =
        Direction { cancel: Latency::Fixed { ns: 1_000 }, ..Direction::fixed(10_000) };
    let mut stage = Stage::new(&config, MarketKind::Orders);
    stage.send(&enter(1, b'B', 100, 100_000, PLAIN));
    stage.pass(2_000);
    stage.send(&cancel(1, 0)); // would be there after 3 us
    assert_eq!(stage.venue.next_due(), Some(Nanos(stage.now + 8_000)));
    stage.pass(8_000);
    assert_eq!(stage.hear(), ["A 1 B 100@100000 L", "C 1 100 U"]);
    stage.send(&cancel(1, 0));
    assert_eq!(stage.venue.next_due(), Some(Nanos(stage.now + 1_000)));
}

#[test]
fn a_request_waits_for_the_end_of_an_atomic_event() {
    let mut stage = Stage::new(&config(500, 0), MarketKind::Orders);
    stage.add(1, Side::Sell, 10, 100_000);
    stage.send(&enter(1, b'B', 20, 100_100, IOC)); // there in 500 ns
    stage.pass(400);
    stage.event_of(ID, add(2, Side::Sell, 5, 99_900), false);
    stage.pass(400);
    assert_eq!(stage.hear(), NOTHING);
    stage.event_of(ID, execute(1, 10), true);
    let took = ["A 1 B 20@100100 L", "E 1 5@99900 R", "C 1 15 I"];
    assert_eq!(stage.hear(), took, "the book as it was when the event had ended");
    // Without latency: what arrives with an event comes after it.
    let mut stage = Stage::plain();
    stage.send(&enter(1, b'B', 20, 100_100, IOC));
    stage.event_of(ID, add(1, Side::Sell, 10, 100_000), true);
    let took = ["A 1 B 20@100100 L", "E 1 10@100000 R", "C 1 10 I"];
    assert_eq!(stage.hear(), took);
}

#[test]
fn rates_and_chance_refuse() {
    let mut limited = config(0, 0);
    (limited.rejects.throttle_messages, limited.rejects.throttle_reason) = (2, 0x0b);
    limited.rejects.throttle_window_ns = 1_000_000;
    let mut stage = Stage::new(&limited, MarketKind::Orders);
    let order = |stage: &mut Stage, user_ref| stage.ask(&enter(user_ref, b'B', 1, 100, PLAIN));
    order(&mut stage, 1);
    assert_eq!(order(&mut stage, 2), ["A 2 B 1@100 L"]);
    assert_eq!(order(&mut stage, 3), ["J 3 0x0b"]);
    stage.pass(1_000_000);
    assert_eq!(order(&mut stage, 4), ["A 4 B 1@100 L"]);

    let refused = |seed| {
        let mut random = config(0, 0);
        (random.seed, random.rejects.random_ppm) = (seed, 250_000);
        let mut stage = Stage::new(&random, MarketKind::Orders);
        let heard = (1..=800).map(|user_ref| order(&mut stage, user_ref).concat());
        heard.map(|text| text.ends_with("0x0f")).collect::<Vec<bool>>()
    };
    let (first, again, other) = (refused(1), refused(1), refused(2));
    let share = first.iter().filter(|refused| **refused).count();
    assert!((150..250).contains(&share), "{share} of 800 at a quarter");
    assert!(first == again && first != other);
}

#[test]
fn mass_cancels_filter_and_an_unreadable_filter_takes_nothing() {
    let group = |id: u8| [3, 24, 0, id];
    let (one, two) = (group(1), group(2));
    let fill = |stage: &mut Stage| {
        let bbb = Extra { symbol: "BBB", tags: &two, ..PLAIN };
        stage.ask(&enter(1, b'B', 10, 100_000, Extra { tags: &one, ..PLAIN }));
        stage.ask(&enter(2, b'S', 10, 200_000, Extra { tags: &two, ..PLAIN }));
        stage.ask(&enter(3, b'S', 10, 200_000, bbb));
    };
    for (symbol, tags, gone) in [
        ("", &[][..], &["C 1 10 U", "C 2 10 U", "C 3 10 U"][..]),
        ("AAA", &[], &["C 1 10 U", "C 2 10 U"]),
        ("", &two, &["C 2 10 U", "C 3 10 U"]),
        ("BBB", &one, &[]),
        ("", &[2, 27, b'S'], &["C 2 10 U", "C 3 10 U"]),
        ("", &[2, 27, b'?'], &[]),
        ("ZZZ", &[], &[]),
    ] {
        let mut stage = Stage::plain();
        fill(&mut stage);
        let heard = stage.ask(&mass_cancel(4, symbol, tags));
        let want: Vec<&str> = [&["X 4"], gone].concat();
        assert_eq!(heard, want, "{symbol} {tags:?}");
    }
}

#[test]
fn on_levels_the_queue_model_decides() {
    let filled = |queue, seed| {
        let mut config = config(0, 0);
        (config.queue, config.seed) = (queue, seed);
        let mut stage = Stage::new(&config, MarketKind::Levels);
        stage.level(Side::Buy, 100_000, 300);
        stage.ask(&enter(1, b'B', 100, 100_000, PLAIN));
        stage.level(Side::Buy, 100_000, 400); // 100 behind us
        stage.trade(TradeKind::Print, 100_000, 150, None);
        stage.level(Side::Buy, 100_000, 250); // the trade: 150 before us
        stage.level(Side::Buy, 100_000, 210); // 40 cancelled
        stage.level(Side::Buy, 100_000, 170); // 40 cancelled
        stage.trade(TradeKind::Print, 100_000, 120, Some(Side::Sell));
        stage.hear().concat()
    };
    // 150 are before us and stay there: 120 do not reach.
    assert_eq!(filled(QueueModel::Conservative, 1), "");
    // 150, then 126 of 210, then 102 of 170: 18 reach.
    assert_eq!(filled(QueueModel::Proportional, 1), "E 1 18@100000 A");
    // None, one or both cancels were before us: 150, 110 or 70 are left.
    let seen: BTreeSet<String> =
        (0..64).map(|seed| filled(QueueModel::Probabilistic { n: 1 }, seed)).collect();
    assert!(seen.iter().eq(["", "E 1 10@100000 A", "E 1 50@100000 A"]), "{seen:?}");
}

#[test]
fn on_levels_too_nothing_is_taken_twice() {
    let mut stage = Stage::new(&config(0, 0), MarketKind::Levels);
    stage.level(Side::Sell, 100_000, 100);
    stage.level(Side::Sell, 100_100, 100);
    let took = ["A 1 B 150@100200 L", "E 1 100@100000 R", "E 1 50@100100 R"];
    assert_eq!(stage.ask(&enter(1, b'B', 150, 100_200, PLAIN)), took);
    let took = ["A 2 B 80@100200 L", "E 2 50@100100 R"];
    assert_eq!(stage.ask(&enter(2, b'B', 80, 100_200, PLAIN)), took);
    stage.level(Side::Sell, 100_000, 70); // 30 left: the rest is still what we took
    assert_eq!(stage.hear(), NOTHING);
    stage.level(Side::Sell, 100_000, 80); // 10 came
    assert_eq!(stage.hear(), ["E 2 10@100200 A"]);
    stage.level(Side::Sell, 100_000, 0);
    stage.level(Side::Sell, 100_000, 90); // all new
    assert_eq!(stage.hear(), ["E 2 20@100200 A"]);
    let took = ["A 3 B 99@100000 L", "E 3 70@100000 R", "C 3 29 I"];
    assert_eq!(stage.ask(&enter(3, b'B', 99, 100_000, IOC)), took);
}

#[test]
fn on_levels_a_print_counts_on_the_side_where_it_traded() {
    let mut stage = Stage::new(&config(0, 0), MarketKind::Levels);
    stage.level(Side::Sell, 100_000, 100);
    stage.ask(&enter(1, b'S', 50, 100_000, PLAIN));
    stage.ask(&enter(2, b'B', 50, 99_900, PLAIN)); // alone at its price
    stage.trade(TradeKind::Print, 99_900, 40, None); // hidden, or ours: nobody knows
    stage.trade(TradeKind::Print, 100_000, 200, Some(Side::Sell)); // not at our offer
    assert_eq!(stage.hear(), NOTHING);
    stage.trade(TradeKind::Print, 99_900, 40, Some(Side::Sell));
    assert_eq!(stage.hear(), ["E 2 40@99900 A"]);
    stage.trade(TradeKind::Print, 100_000, 120, None);
    assert_eq!(stage.hear(), ["E 1 20@100000 A"]);
    stage.trade(TradeKind::Print, 100_100, 5, None); // through it
    assert_eq!(stage.hear(), ["E 1 5@100000 A"]);
}

/// A quote of a feed of the best level: both sides are cleared, then said again.
fn quote(stage: &mut Stage, bid: (i64, u64), ask: (i64, u64)) {
    stage.pass(1_000);
    let level = |side, (price, qty)| {
        let (price, qty) = (nofx_types::Price(price), nofx_types::Qty(qty));
        EventKind::LevelSet { side, price, qty, orders: 0 }
    };
    stage.event_of(ID, EventKind::Clear { side: None }, false);
    stage.event_of(ID, level(Side::Buy, bid), false);
    stage.event_of(ID, level(Side::Sell, ask), true);
}

#[test]
fn a_feed_of_the_best_level_repeats_itself_and_we_keep_our_place() {
    let mut stage = Stage::new(&config(0, 0), MarketKind::Levels);
    quote(&mut stage, (99_000, 300), (100_000, 100));
    stage.ask(&enter(1, b'B', 50, 99_000, PLAIN));
    let took = ["A 2 B 60@100000 L", "E 2 60@100000 R"];
    assert_eq!(stage.ask(&enter(2, b'B', 60, 100_000, PLAIN)), took);
    quote(&mut stage, (99_000, 400), (100_000, 100)); // 100 behind us
    stage.trade(TradeKind::Print, 99_000, 250, None);
    quote(&mut stage, (99_000, 150), (100_000, 100)); // 50 are before us
    let took = ["A 3 B 99@100000 L", "E 3 40@100000 R", "C 3 59 I"];
    assert_eq!(stage.ask(&enter(3, b'B', 99, 100_000, IOC)), took);
    stage.trade(TradeKind::Print, 99_000, 60, None);
    assert_eq!(stage.hear(), ["E 1 10@99000 A"]);
    stage.ask(&enter(4, b'B', 50, 98_900, PLAIN)); // a level that does not show
    quote(&mut stage, (98_800, 70), (100_000, 100)); // and is not there
    stage.trade(TradeKind::Print, 98_900, 15, Some(Side::Sell));
    assert_eq!(stage.hear(), ["E 1 15@99000 A"]);
    stage.trade(TradeKind::Print, 98_900, 45, Some(Side::Sell));
    assert_eq!(stage.hear(), ["E 1 25@99000 A", "E 4 20@98900 A"]);
    assert_eq!(stage.count("places_lost"), 0);
}

#[test]
fn a_full_table_of_taken_levels_forgets_those_that_left() {
    let mut config = config(0, 0);
    config.sizes.taken = 8;
    let mut stage = Stage::new(&config, MarketKind::Levels);
    for step in 0..40 {
        let (price, user_ref) = (100_000 + 100 * i64::from(step), step + 1);
        quote(&mut stage, (90_000, 10), (price, 10));
        let heard = stage.ask(&enter(user_ref, b'B', 10, price as u64, IOC));
        assert_eq!(heard[1], format!("E {user_ref} 10@{price} R"), "step {step}");
    }
    // Orders do not leave unsaid: when their table is full, nothing more is taken.
    let mut stage = Stage::new(&config, MarketKind::Orders);
    for order in 1..=9 {
        stage.add(order, Side::Sell, 10, 100_000);
    }
    let heard = stage.ask(&enter(1, b'B', 90, 100_000, PLAIN));
    assert_eq!((heard.len(), heard[9].as_str()), (10, "C 1 10 Z"));
    stage.delete(3);
    let took = ["A 2 B 90@100000 L", "E 2 10@100000 R", "C 2 80 I"];
    assert_eq!(stage.ask(&enter(2, b'B', 90, 100_000, IOC)), took);
}

#[test]
fn untraded_instruments_and_bad_tables_are_refused() {
    let build = |config: &VenueConfig, traded: &[nofx_types::Instrument]| {
        let mut read = |_: &str| Err(std::io::Error::other("no such file"));
        let venue = ReplayVenue::new(config, traded, MarketKind::Orders, &mut read);
        venue.map(|_| ()).map_err(|error: ConfigError| error.to_string())
    };
    let [aaa, bbb] = instruments();
    assert_eq!(build(&config(0, 0), &[aaa, bbb]), Ok(()));
    assert_eq!(build(&config(0, 0), &[]), Ok(()));
    let twice = build(&config(0, 0), &[aaa, aaa]).expect_err("named twice");
    assert_eq!(twice, "traded: instrument 7 is named twice");
    let far = nofx_types::Instrument { id: InstrumentId::ALL, ..aaa };
    assert!(build(&config(0, 0), &[far]).expect_err("too large").starts_with("traded: "));
    let mut bad = config(0, 0);
    bad.sizes.inbox = 0;
    assert!(build(&bad, &[aaa]).expect_err("no inbox").starts_with("venue.sizes.inbox: "));

    let mut stage = Stage::plain();
    stage.pass(10);
    stage.event_of(InstrumentId(500), add(1, Side::Sell, 10, 100_000), true);
    stage.event_of(InstrumentId::ALL, EventKind::Phase(Phase::Continuous), true);
    assert_eq!(stage.ask(&enter(1, b'B', 1, 100_000, IOC)), ["A 1 B 1@100000 L", "C 1 1 I"]);
}
