//! Queue position on a feed of orders, by scripts whose outcome follows from price-time priority.

mod common;

use common::*;
use nofx_types::{EventKind, Phase, Side, StaleReason, TradeKind};
use nofx_venue::MarketKind;

const NOTHING: [&str; 0] = [];

/// Orders 1 (200) and 2 (100) bid 10.00, order 9 offers 10.05; we bid 100 at 10.00 as order 1.
fn behind_300() -> Stage {
    let mut stage = Stage::plain();
    stage.add(1, Side::Buy, 200, 100_000);
    stage.add(2, Side::Buy, 100, 100_000);
    stage.add(9, Side::Sell, 500, 100_500);
    assert_eq!(stage.ask(&enter(1, b'B', 100, 100_000, PLAIN)), ["A 1 B 100@100000 L"]);
    stage
}

#[test]
fn what_rests_before_us_trades_or_leaves_before_us() {
    let mut stage = behind_300();
    stage.add(3, Side::Buy, 50, 100_000);
    stage.execute(1, 200);
    stage.reduce(2, 60);
    stage.execute(2, 10);
    assert_eq!(stage.hear(), NOTHING);
    stage.delete(2); // the last 30 before us
    assert_eq!(stage.hear(), NOTHING);
    stage.execute(3, 30); // behind us, so we were first
    assert_eq!(stage.hear(), ["E 1 30@100000 A"]);
    stage.execute(3, 20);
    stage.add(4, Side::Buy, 500, 100_000);
    stage.execute(4, 500);
    assert_eq!(stage.hear(), ["E 1 20@100000 A", "E 1 50@100000 A"]);
    stage.add(5, Side::Buy, 500, 100_000);
    stage.execute(5, 500);
    assert_eq!(stage.hear(), NOTHING);
    assert_eq!((stage.venue.open_orders(), stage.count("maker_shares")), (0, 100));
}

#[test]
fn an_order_that_moves_loses_its_turn_to_us() {
    let mut stage = behind_300();
    stage.event(replace_real(1, 11, 100_000, 200)); // same price, new turn
    stage.execute(2, 100);
    assert_eq!(stage.hear(), NOTHING);
    stage.execute(11, 40);
    assert_eq!(stage.hear(), ["E 1 40@100000 A"]);
}

#[test]
fn a_trade_at_a_worse_price_went_through_us() {
    let mut stage = behind_300();
    stage.add(3, Side::Buy, 70, 99_900);
    stage.execute(3, 70);
    assert_eq!(stage.hear(), ["E 1 70@100000 A"]);
    stage.add(4, Side::Buy, 70, 100_100);
    stage.execute(4, 70); // better than we are
    assert_eq!(stage.hear(), NOTHING);
}

#[test]
fn one_execution_fills_our_orders_in_turn_and_no_more_than_itself() {
    let mut stage = Stage::plain();
    stage.add(1, Side::Sell, 10, 100_100);
    stage.ask(&enter(1, b'B', 60, 99_900, PLAIN));
    stage.ask(&enter(2, b'B', 60, 100_000, PLAIN));
    stage.ask(&enter(3, b'B', 60, 100_000, PLAIN));
    stage.add(2, Side::Buy, 100, 99_900);
    stage.execute(2, 100);
    assert_eq!(stage.hear(), ["E 2 60@100000 A", "E 3 40@100000 A"]);
    // Others may still fill us: 20 of order 3 and 60 of order 1 are left.
    stage.add(3, Side::Buy, 100, 99_900);
    stage.execute(3, 100);
    assert_eq!(stage.hear(), ["E 3 20@100000 A", "E 1 60@99900 A"]);
}

#[test]
fn what_is_not_printable_fills_nobody() {
    let mut stage = behind_300();
    stage.add(3, Side::Buy, 70, 99_900);
    let EventKind::Execute { order, qty, price, match_id, .. } = execute(3, 70) else {
        unreachable!()
    };
    stage.event(EventKind::Execute { order, qty, price, printable: false, match_id });
    assert_eq!(stage.hear(), NOTHING);
}

#[test]
fn a_crossing_order_takes_price_by_price_and_never_the_same_twice() {
    let mut stage = Stage::plain();
    stage.add(1, Side::Sell, 100, 100_000);
    stage.add(2, Side::Sell, 50, 100_000);
    stage.add(3, Side::Sell, 100, 100_100);
    stage.add(4, Side::Sell, 100, 100_300);
    let took = ["A 1 B 180@100200 L", "E 1 100@100000 R", "E 1 50@100000 R", "E 1 30@100100 R"];
    assert_eq!(stage.ask(&enter(1, b'B', 180, 100_200, PLAIN)), took);
    // They still show, but we had them: only 70 of order 3 are left, and the rest of ours rests.
    assert_eq!(
        stage.ask(&enter(2, b'B', 100, 100_200, PLAIN)),
        ["A 2 B 100@100200 L", "E 2 70@100100 R"]
    );
    stage.execute(3, 100); // they trade for real: an offer that is gone for us
    stage.execute(1, 100);
    assert_eq!(stage.hear(), NOTHING);
    stage.event(replace_real(2, 22, 100_100, 50)); // takes its debt along
    assert_eq!(stage.ask(&enter(3, b'B', 10, 100_100, IOC)), ["A 3 B 10@100100 L", "C 3 10 I"]);
    stage.add(5, Side::Sell, 20, 100_200); // meets order 2, which rests at 10.02
    assert_eq!(stage.hear(), ["E 2 20@100200 A"]);
    stage.add(6, Side::Sell, 40, 100_000); // at our price, not at its own
    assert_eq!(stage.hear(), ["E 2 10@100200 A"]);
    // Of order 6, 30 are left.
    let took = ["A 4 B 99@100000 L", "E 4 30@100000 R", "C 4 69 I"];
    assert_eq!(stage.ask(&enter(4, b'B', 99, 100_000, IOC)), took);
}

#[test]
fn arrivals_that_the_real_book_stops_do_not_reach_us() {
    let mut stage = behind_300();
    stage.add(10, Side::Sell, 50, 100_000); // a locked book: its executions would follow
    assert_eq!(stage.hear(), NOTHING);
}

#[test]
fn hidden_prints_fill_strictly_through_the_price() {
    for (fills, want) in [(true, &["E 1 40@100000 A"][..]), (false, &[])] {
        let mut config = config(0, 0);
        config.hidden_prints_fill = fills;
        let mut stage = Stage::new(&config, MarketKind::Orders);
        stage.ask(&enter(1, b'B', 100, 100_000, PLAIN));
        stage.trade(TradeKind::Hidden, 100_000, 40, None);
        stage.trade(TradeKind::Cross, 99_000, 40, None);
        stage.trade(TradeKind::Hidden, 99_900, 40, Some(Side::Buy)); // took an offer
        assert_eq!(stage.hear(), NOTHING);
        stage.trade(TradeKind::Hidden, 99_900, 40, None);
        assert_eq!(stage.hear(), want);
    }
}

#[test]
fn prints_that_name_no_order_reach_us_past_what_rests_before_us() {
    let mut stage = behind_300();
    stage.ask(&enter(2, b'B', 100, 100_000, PLAIN));
    stage.trade(TradeKind::Print, 100_000, 250, Some(Side::Sell));
    assert_eq!(stage.hear(), NOTHING);
    stage.reduce(1, 200); // the feed then takes what traded off the book
    stage.reduce(2, 50);
    stage.add(3, Side::Buy, 80, 100_000);
    stage.trade(TradeKind::Print, 100_000, 170, Some(Side::Sell)); // 50 before us
    assert_eq!(stage.hear(), ["E 1 100@100000 A", "E 2 20@100000 A"]);
    stage.trade(TradeKind::Print, 100_500, 170, Some(Side::Buy));
    assert_eq!(stage.hear(), NOTHING, "on the other side");
}

#[test]
fn replaces_and_cuts_keep_the_turn_only_when_nothing_grows() {
    for (message, keeps) in [
        (cancel(1, 60), true),
        (replace(1, 2, 60, 100_000, PLAIN), true),
        (replace(1, 2, 100, 100_000, PLAIN), true),
        (replace(1, 2, 101, 100_000, PLAIN), false),
        (replace(1, 2, 60, 100_000, POST_ONLY), false),
    ] {
        let mut stage = behind_300();
        stage.add(3, Side::Buy, 500, 100_000);
        stage.ask(&message);
        stage.delete(1);
        stage.delete(2);
        stage.execute(3, 500);
        assert_eq!(stage.hear().len(), usize::from(keeps), "{message:x?}");
    }
    // There and back is two moves.
    let mut stage = behind_300();
    stage.add(3, Side::Buy, 500, 100_000);
    assert_eq!(stage.ask(&replace(1, 2, 100, 99_900, PLAIN)), ["U 1>2 100@99900"]);
    assert_eq!(stage.ask(&replace(2, 3, 100, 100_000, PLAIN)), ["U 2>3 100@100000"]);
    stage.execute(1, 200);
    stage.execute(2, 100);
    stage.execute(3, 500);
    assert_eq!(stage.hear(), NOTHING);
}

#[test]
fn the_quantity_of_a_replace_counts_what_is_filled() {
    let mut stage = Stage::plain();
    stage.ask(&enter(1, b'S', 100, 100_000, PLAIN));
    stage.add(1, Side::Buy, 30, 100_000);
    assert_eq!(stage.hear(), ["E 1 30@100000 A"]);
    assert_eq!(stage.ask(&replace(1, 2, 50, 100_000, PLAIN)), ["U 1>2 50@100000"]);
    stage.add(2, Side::Buy, 90, 100_000); // 20 are open
    assert_eq!(stage.hear(), ["E 2 20@100000 A"]);
    assert_eq!(stage.ask(&replace(2, 3, 90, 100_000, PLAIN)), ["J 3 0x15"]);
    stage.ask(&enter(4, b'S', 100, 100_100, PLAIN));
    stage.add(3, Side::Buy, 30, 100_100);
    stage.hear();
    // Down to what is filled: nothing is left to replace.
    assert_eq!(stage.ask(&replace(4, 5, 30, 100_100, PLAIN)), ["C 4 70 U"]);
}

#[test]
fn a_gap_ends_fills_and_loses_places() {
    let mut stage = behind_300();
    stage.event(EventKind::Stale(StaleReason::Gap));
    stage.delete(1);
    stage.delete(2);
    stage.add(3, Side::Buy, 50, 100_000);
    stage.execute(3, 50);
    // Nothing is known while it lasts: an order that crosses takes nothing.
    assert_eq!(stage.ask(&enter(2, b'B', 10, 100_500, IOC)), ["A 2 B 10@100500 L", "C 2 10 I"]);
    stage.event(EventKind::Clear { side: None });
    stage.add(4, Side::Buy, 50, 100_000);
    stage.execute(4, 50);
    assert_eq!((stage.hear(), stage.count("places_lost")), (vec![], 1));
    stage.add(5, Side::Buy, 50, 99_900);
    stage.execute(5, 50); // strictly through us
    assert_eq!(stage.hear(), ["E 1 50@100000 A"]);
    stage.ask(&replace(1, 3, 200, 100_000, PLAIN)); // a new place
    stage.add(6, Side::Buy, 50, 100_000);
    stage.execute(6, 50);
    assert_eq!(stage.hear(), ["E 3 50@100000 A"]);
}

#[test]
fn halts_wait_and_the_close_ends_everything() {
    let mut stage = behind_300();
    stage.phase(Phase::Halted);
    stage.execute(1, 200);
    stage.execute(2, 100);
    stage.add(3, Side::Buy, 50, 99_000);
    stage.execute(3, 50);
    assert_eq!(stage.hear(), NOTHING);
    assert_eq!(stage.ask(&enter(2, b'B', 10, 100_000, PLAIN)), ["J 2 0x07"]);
    stage.phase(Phase::Continuous);
    stage.add(4, Side::Buy, 50, 99_000);
    stage.execute(4, 50);
    assert_eq!(stage.hear(), ["E 1 50@100000 A"]);
    stage.pass(1);
    stage.event_of(nofx_types::InstrumentId::ALL, EventKind::Phase(Phase::Closed), true);
    assert_eq!(stage.hear(), ["C 1 50 E", "S E"]);
    assert_eq!(stage.ask(&enter(3, b'B', 10, 100_000, PLAIN)), ["J 3 0x07"]);
}

#[test]
fn orders_may_be_let_in_during_a_halt() {
    let mut config = config(0, 0);
    config.not_continuous = nofx_venue::config::NotContinuous::Rest;
    let mut stage = Stage::new(&config, MarketKind::Orders);
    stage.add(1, Side::Sell, 100, 100_000);
    stage.phase(Phase::Halted);
    let rests = stage.ask(&enter(1, b'B', 10, 100_000, PLAIN));
    assert_eq!(rests, ["A 1 B 10@100000 L"]);
    assert_eq!(stage.ask(&enter(2, b'B', 10, 1_000, IOC)), ["A 2 B 10@1000 L", "C 2 10 I"]);
    stage.phase(Phase::Continuous);
    stage.add(2, Side::Sell, 5, 100_000);
    assert_eq!(stage.hear(), ["E 1 5@100000 A"]);
}
