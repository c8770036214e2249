//! Each card rule alone: passes at the limit, refuses one beyond, with its own bit and no other.

mod common;

use common::*;
use nofx_gate::{Rejects, Rule};
use nofx_risk::card::{AccountLimits, CardOp, CardState, KillScope, SymbolLimits};
use nofx_types::Side::{Buy, Sell};
use nofx_types::{AccountId, ClOrdId, InstrumentId, OrderIntent, Price, Qty, UpdateKind};

const SECOND: u64 = 1_000_000_000;
const DAY: u64 = 86_400 * SECOND;

fn wide() -> CardState {
    card(WIDE_SYMBOL, WIDE_ACCOUNT)
}

fn with_symbol(limits: SymbolLimits) -> CardState {
    card(limits, WIDE_ACCOUNT)
}

fn with_account(limits: AccountLimits) -> CardState {
    card(WIDE_SYMBOL, limits)
}

#[test]
fn range_is_the_width_of_price_and_quantity() {
    let card = wide();
    let widest = i64::from(u32::MAX);
    check(&card, Rule::Range, &order(Buy, widest, 1), &order(Buy, widest + 1, 1));
    check(&card, Rule::Range, &order(Buy, 0, 1), &order(Buy, -1, 1));
    check(&card, Rule::Range, &order(Sell, 1, widest as u64), &order(Sell, 1, widest as u64 + 1));
    for (price, qty) in [(i64::MIN, 1), (i64::MAX, 1), (1, u64::MAX), (i64::MIN, u64::MAX)] {
        assert_eq!(probe(&card, &order(Buy, price, qty)), only(Rule::Range));
    }
}

#[test]
fn index_outside_the_tables_is_range_and_touches_no_row() {
    let mut card = wide();
    let before = format!("{card:?}");
    for (account, symbol) in [
        (ACCOUNTS, 0),
        (u16::MAX, 0),
        (0, SYMBOLS), // would be the first row of account 1 in a flat table
        (0, u32::MAX),
        (ACCOUNTS, SYMBOLS),
    ] {
        let mut outside = order(Buy, 1, 1);
        (outside.account, outside.instrument) = (AccountId(account), InstrumentId(symbol));
        assert_eq!(ask(&mut card, &outside), only(Rule::Range));
        let mut cancel = OrderIntent::cancel(InstrumentId(symbol), ClOrdId(1), Buy);
        cancel.account = AccountId(account);
        assert_eq!(ask(&mut card, &cancel), only(Rule::Range));
    }
    for scope in [KillScope::Account(AccountId(ACCOUNTS)), KillScope::Symbol(InstrumentId(SYMBOLS))]
    {
        assert_eq!(kill(&mut card, scope, true), only(Rule::Range));
    }
    let halt = CardOp::Halt { symbol: InstrumentId(SYMBOLS), halted: true };
    assert_eq!(card.judge(&halt), only(Rule::Range));
    assert_eq!(format!("{card:?}"), before);
}

#[test]
fn each_kill_stops_its_own_scope_and_only_that() {
    let here = order(Buy, 1, 1);
    let (mut other_account, mut other_symbol) = (here, here);
    other_account.account = AccountId(1);
    other_symbol.instrument = InstrumentId(1);
    let everything = [here, other_account, other_symbol];
    for (scope, rule, stopped) in [
        (KillScope::Global, Rule::KillGlobal, [true, true, true]),
        (KillScope::Account(AccountId(0)), Rule::KillAccount, [true, false, true]),
        (KillScope::Symbol(InstrumentId(0)), Rule::KillSymbol, [true, true, false]),
    ] {
        let mut card = wide();
        assert_eq!(kill(&mut card, scope, true), Rejects::NONE);
        for (intent, stopped) in everything.iter().zip(stopped) {
            let want = if stopped { only(rule) } else { Rejects::NONE };
            assert_eq!(probe(&card, intent), want, "{scope:?}");
            assert_eq!(probe(&card, &replace_of(*intent)), want, "{scope:?}");
        }
        kill(&mut card, scope, false);
        assert!(everything.iter().all(|intent| probe(&card, intent).is_pass()), "{scope:?}");
    }
}

#[test]
fn cancels_pass_under_every_kill_and_every_exhausted_limit() {
    let nothing = SymbolLimits { buy: false, sell: false, qty_max: 0, ..WIDE_SYMBOL };
    let no_messages =
        AccountLimits { per_second_max: 0, per_day_max: 0, rate_burst: 1, ..WIDE_ACCOUNT };
    let mut card = card(nothing, no_messages);
    for scope in
        [KillScope::Global, KillScope::Account(AccountId(0)), KillScope::Symbol(InstrumentId(0))]
    {
        kill(&mut card, scope, true);
    }
    let _ = card.judge(&CardOp::Halt { symbol: InstrumentId(0), halted: true });
    let _ = card.judge(&CardOp::Epoch(9));
    for sent in 1..=5 {
        let cancel = OrderIntent::cancel(InstrumentId(0), ClOrdId(1), Buy);
        assert_eq!(ask(&mut card, &cancel), Rejects::NONE);
        let account = card.account(AccountId(0)).unwrap();
        assert_eq!((account.second_cnt, account.day_cnt), (sent, sent), "cancels are counted");
    }
    // All kills at once are all reported, next to everything else that is wrong.
    let rejects = ask(&mut card, &order(Buy, 1, 1));
    for rule in [
        Rule::KillGlobal,
        Rule::KillAccount,
        Rule::KillSymbol,
        Rule::Epoch,
        Rule::Permission,
        Rule::Halt,
        Rule::MaxQty,
        Rule::Rate,
        Rule::PerSecond,
        Rule::PerDay,
    ] {
        assert!(rejects.has(rule), "{rule:?} is missing in {rejects:?}");
    }
    assert_eq!(rejects.rules().count(), 10, "{rejects:?}");
}

#[test]
fn older_epoch_is_refused_and_the_epoch_never_falls() {
    let mut card = wide();
    let stamped = |epoch| OrderIntent { epoch, ..order(Buy, 1, 1) };
    assert_eq!(probe(&card, &stamped(0)), Rejects::NONE);
    for raise in [7, 3] {
        let _ = card.judge(&CardOp::Epoch(raise));
        assert_eq!(card.epoch(), 7);
        check(&card, Rule::Epoch, &stamped(7), &stamped(6));
        assert_eq!(probe(&card, &stamped(8)), Rejects::NONE, "a newer lease is not an older one");
    }
    let _ = card.judge(&CardOp::Epoch(u32::MAX));
    check(&card, Rule::Epoch, &stamped(u32::MAX), &stamped(u32::MAX - 1));
}

#[test]
fn permission_is_per_side() {
    let card = with_symbol(SymbolLimits { sell: false, ..WIDE_SYMBOL });
    check(&card, Rule::Permission, &order(Buy, 1, 1), &order(Sell, 1, 1));
    let card = with_symbol(SymbolLimits { buy: false, ..WIDE_SYMBOL });
    check(&card, Rule::Permission, &order(Sell, 1, 1), &order(Buy, 1, 1));
}

#[test]
fn halt_stops_one_symbol() {
    let mut card = wide();
    let _ = card.judge(&CardOp::Halt { symbol: InstrumentId(0), halted: true });
    let mut elsewhere = order(Buy, 1, 1);
    elsewhere.instrument = InstrumentId(1);
    check(&card, Rule::Halt, &elsewhere, &order(Buy, 1, 1));
    let _ = card.judge(&CardOp::Halt { symbol: InstrumentId(0), halted: false });
    assert_eq!(probe(&card, &order(Buy, 1, 1)), Rejects::NONE);
}

#[test]
fn lot_refuses_zero_and_odd_quantities() {
    for lot in [1u32, 2, 3, 100, 200, 400, 1_000, 65_536, 100_000, u32::MAX - 1, u32::MAX] {
        let card = with_symbol(SymbolLimits { lot, ..WIDE_SYMBOL });
        check(&card, Rule::Lot, &order(Buy, 1, u64::from(lot)), &order(Buy, 1, 0));
        for qty in [lot / 2, lot - 1, lot + u32::from(lot < u32::MAX)] {
            let want = if qty == 0 || qty % lot != 0 { only(Rule::Lot) } else { Rejects::NONE };
            assert_eq!(probe(&card, &order(Buy, 1, u64::from(qty))), want, "{qty} of lot {lot}");
        }
    }
}

#[test]
fn max_qty_max_notional_and_price_band_are_inclusive() {
    let card = with_symbol(SymbolLimits { qty_max: 500, ..WIDE_SYMBOL });
    check(&card, Rule::MaxQty, &order(Buy, 1, 500), &order(Buy, 1, 501));
    let card = with_symbol(SymbolLimits { notional_max: 1_000_000, ..WIDE_SYMBOL });
    check(&card, Rule::MaxNotional, &order(Buy, 10_000, 100), &order(Buy, 10_000, 101));
    check(&card, Rule::MaxNotional, &order(Sell, 1_000_000, 1), &order(Sell, 1_000_001, 1));
    let card = with_symbol(SymbolLimits { price_low: 900, price_high: 1_100, ..WIDE_SYMBOL });
    check(&card, Rule::PriceBand, &order(Buy, 900, 1), &order(Buy, 899, 1));
    check(&card, Rule::PriceBand, &order(Sell, 1_100, 1), &order(Sell, 1_101, 1));
}

#[test]
fn long_position_counts_held_and_open_and_ignores_sells() {
    let mut card = with_symbol(SymbolLimits { long_max: 1_000, ..WIDE_SYMBOL });
    check(&card, Rule::PositionLong, &order(Buy, 1, 1_000), &order(Buy, 1, 1_001));
    hold(&mut card, Buy, 10, 300);
    assert_eq!(ask(&mut card, &order(Buy, 10, 200)), Rejects::NONE);
    check(&card, Rule::PositionLong, &order(Buy, 10, 500), &order(Buy, 10, 501));
    // Open sells may never fill: they make no room. Neither does a filled one more than it sold.
    assert_eq!(ask(&mut card, &order(Sell, 11, 5_000)), Rejects::NONE);
    check(&card, Rule::PositionLong, &order(Buy, 10, 500), &order(Buy, 10, 501));
    tell(&mut card, &filled(Sell, 11, 11, 5_000));
    check(&card, Rule::PositionLong, &order(Buy, 10, 5_500), &order(Buy, 10, 5_501));
    // A fill moves open to held: the worst case stands where it stood.
    tell(&mut card, &filled(Buy, 10, 9, 200));
    check(&card, Rule::PositionLong, &order(Buy, 10, 5_500), &order(Buy, 10, 5_501));
}

#[test]
fn short_position_counts_held_and_open_and_ignores_buys() {
    let mut card = with_symbol(SymbolLimits { short_max: 1_000, ..WIDE_SYMBOL });
    check(&card, Rule::PositionShort, &order(Sell, 1, 1_000), &order(Sell, 1, 1_001));
    hold(&mut card, Sell, 10, 300);
    assert_eq!(ask(&mut card, &order(Sell, 10, 200)), Rejects::NONE);
    check(&card, Rule::PositionShort, &order(Sell, 10, 500), &order(Sell, 10, 501));
    assert_eq!(ask(&mut card, &order(Buy, 9, 5_000)), Rejects::NONE);
    check(&card, Rule::PositionShort, &order(Sell, 10, 500), &order(Sell, 10, 501));
    tell(&mut card, &filled(Buy, 9, 9, 5_000));
    check(&card, Rule::PositionShort, &order(Sell, 10, 5_500), &order(Sell, 10, 5_501));
}

#[test]
fn open_orders_are_limited_per_symbol_and_per_account() {
    let mut card = with_symbol(SymbolLimits { open_orders_max: 2, ..WIDE_SYMBOL });
    let mut elsewhere = order(Buy, 1, 1);
    elsewhere.instrument = InstrumentId(1);
    ask(&mut card, &order(Buy, 1, 1));
    assert_eq!(ask(&mut card, &order(Buy, 1, 1)), Rejects::NONE);
    check(&card, Rule::OpenOrders, &elsewhere, &order(Buy, 1, 1));
    tell(&mut card, &closed(UpdateKind::Canceled, Buy, 1, 1));
    assert_eq!(probe(&card, &order(Buy, 1, 1)), Rejects::NONE);

    let mut card = with_account(AccountLimits { open_orders_max: 2, ..WIDE_ACCOUNT });
    ask(&mut card, &order(Buy, 1, 1));
    assert_eq!(ask(&mut card, &elsewhere), Rejects::NONE);
    let mut other_account = elsewhere;
    other_account.account = AccountId(1);
    check(&card, Rule::OpenOrders, &other_account, &elsewhere);
}

#[test]
fn gross_exposure_counts_both_sides_and_all_symbols() {
    let mut card = with_account(AccountLimits { gross_max: 10_000, ..WIDE_ACCOUNT });
    check(&card, Rule::Gross, &order(Buy, 100, 100), &order(Buy, 10_001, 1));
    hold(&mut card, Buy, 100, 10); // 1,000 held
    assert_eq!(ask(&mut card, &order(Buy, 100, 20)), Rejects::NONE); // 2,000 open
    let mut elsewhere = order(Sell, 300, 10); // 3,000 open in another symbol
    elsewhere.instrument = InstrumentId(1);
    assert_eq!(ask(&mut card, &elsewhere), Rejects::NONE);
    check(&card, Rule::Gross, &order(Sell, 4_000, 1), &order(Sell, 4_001, 1));
    // Short elsewhere at a better price than asked: 3,100 in size, not netted against the long.
    let mut fill = filled(Sell, 300, 310, 10);
    fill.instrument = InstrumentId(1);
    tell(&mut card, &fill);
    check(&card, Rule::Gross, &order(Sell, 3_900, 1), &order(Sell, 3_901, 1));
}

#[test]
fn net_exposure_counts_the_side_of_the_order_only() {
    let mut card = with_account(AccountLimits { net_max: 10_000, ..WIDE_ACCOUNT });
    hold(&mut card, Buy, 100, 30); // 3,000 long
    check(&card, Rule::Net, &order(Buy, 7_000, 1), &order(Buy, 7_001, 1));
    check(&card, Rule::Net, &order(Sell, 13_000, 1), &order(Sell, 13_001, 1));
    assert_eq!(ask(&mut card, &order(Buy, 100, 20)), Rejects::NONE); // 2,000 open
    check(&card, Rule::Net, &order(Buy, 5_000, 1), &order(Buy, 5_001, 1));
    check(&card, Rule::Net, &order(Sell, 13_000, 1), &order(Sell, 13_001, 1));
    let mut short = order(Sell, 9_000, 1); // in another symbol it does net
    short.instrument = InstrumentId(1);
    ask(&mut card, &short);
    let mut fill = filled(Sell, 9_000, 9_000, 1);
    fill.instrument = InstrumentId(1);
    tell(&mut card, &fill); // now 6,000 short with 2,000 of buys open
    check(&card, Rule::Net, &order(Buy, 14_000, 1), &order(Buy, 14_001, 1));
    check(&card, Rule::Net, &order(Sell, 4_000, 1), &order(Sell, 4_001, 1));
}

#[test]
fn rate_refuses_beyond_the_burst_and_frees_one_message_an_interval() {
    let limits = AccountLimits { rate_per_s: 1_000, rate_burst: 3, ..WIDE_ACCOUNT };
    let mut card = with_account(limits);
    let start = 50 * DAY;
    for _ in 0..3 {
        assert_eq!(ask(&mut card, &at(order(Buy, 1, 1), start)), Rejects::NONE);
    }
    let (late, early) = (at(order(Buy, 1, 1), start + 1_000_000), start + 999_999);
    check(&card, Rule::Rate, &late, &at(order(Buy, 1, 1), early));
    // A refused order was never sent: it does not use up the rate.
    assert_eq!(ask(&mut card, &at(order(Buy, 1, 1), early)), only(Rule::Rate));
    assert_eq!(ask(&mut card, &late), Rejects::NONE);
}

#[test]
fn second_and_day_counts_start_anew_at_their_boundaries() {
    // A burst of 2^20 seconds: the stamps that step back below are not too fast for the rate.
    let patient = AccountLimits { rate_per_s: 1, ..WIDE_ACCOUNT };
    let mut card = with_account(AccountLimits { per_second_max: 2, ..patient });
    let second = 1_000 * DAY + 7 * SECOND;
    let when = |now_ns| at(order(Buy, 1, 1), now_ns);
    assert_eq!(ask(&mut card, &when(second)), Rejects::NONE);
    assert_eq!(ask(&mut card, &when(second + SECOND - 1)), Rejects::NONE);
    check(&card, Rule::PerSecond, &when(second + SECOND), &when(second + SECOND - 1));
    // A stamp that steps back counts in the latest second.
    assert_eq!(ask(&mut card, &when(second + SECOND)), Rejects::NONE);
    assert_eq!(ask(&mut card, &when(second)), Rejects::NONE);
    check(&card, Rule::PerSecond, &when(second + 2 * SECOND), &when(second));

    let mut card = with_account(AccountLimits { per_day_max: 2, ..patient });
    let day = 1_000 * DAY + DAY_START_NS;
    assert_eq!(ask(&mut card, &when(day)), Rejects::NONE);
    assert_eq!(ask(&mut card, &when(day + DAY - 1)), Rejects::NONE);
    check(&card, Rule::PerDay, &when(day + DAY), &when(day + DAY - 1));
    assert_eq!(ask(&mut card, &when(day + DAY)), Rejects::NONE);
    assert_eq!(ask(&mut card, &when(day)), Rejects::NONE);
    check(&card, Rule::PerDay, &when(day + 2 * DAY), &when(day + 1));
}

#[test]
fn duplicate_is_any_of_the_last_four_accepted_within_the_window() {
    const T: u64 = 1_000;
    let mut card = with_account(AccountLimits { duplicate_window_ns: T, ..WIDE_ACCOUNT });
    let first = at(order(Buy, 10, 100), 5_000);
    assert_eq!(ask(&mut card, &first), Rejects::NONE);
    check(&card, Rule::Duplicate, &at(first, 5_000 + T), &at(first, 5_000 + T - 1));
    assert_eq!(probe(&card, &at(first, 4_000)), only(Rule::Duplicate), "a stamp that steps back");
    // Every field tells orders apart.
    let (mut account, mut symbol) = (first, first);
    account.account = AccountId(1);
    symbol.instrument = InstrumentId(1);
    for other in [
        OrderIntent { price: Price(11), ..first },
        OrderIntent { qty: Qty(101), ..first },
        OrderIntent { side: Sell, price: Price(10), ..account }, // a sell here would self-match
        account,
        symbol,
    ] {
        assert_eq!(probe(&card, &other), Rejects::NONE, "{other:?}");
    }
    // Refused orders are not remembered; the fourth accepted one after it pushes it out.
    for qty in 1..=3 {
        assert_eq!(ask(&mut card, &at(order(Buy, 10, qty), 5_000)), Rejects::NONE);
        assert_eq!(ask(&mut card, &first), only(Rule::Duplicate));
    }
    assert_eq!(ask(&mut card, &at(order(Buy, 10, 4), 5_000)), Rejects::NONE);
    assert_eq!(probe(&card, &first), Rejects::NONE);
    for qty in 1..=4 {
        assert_eq!(probe(&card, &at(order(Buy, 10, qty), 5_000)), only(Rule::Duplicate));
    }
}

#[test]
fn duplicate_compares_sides_and_ignores_empty_slots() {
    let limits = AccountLimits { duplicate_window_ns: u64::MAX, ..WIDE_ACCOUNT };
    let mut card = with_account(limits);
    // Nothing was accepted yet: an order of zeros at time zero equals no empty slot.
    assert_eq!(probe(&card, &order(Buy, 0, 0)), only(Rule::Lot));
    assert_eq!(probe(&card, &order(Sell, 0, 0)), only(Rule::Lot));
    hold(&mut card, Sell, 10, 100);
    assert_eq!(probe(&card, &order(Buy, 10, 100)), Rejects::NONE);
    assert_eq!(probe(&card, &order(Sell, 10, 100)), only(Rule::Duplicate));
    for qty in 1..=4 {
        hold(&mut card, Buy, 10, qty); // the slot of the sell is used again by a buy
    }
    assert_eq!(probe(&card, &order(Sell, 10, 4)), Rejects::NONE);
    assert_eq!(probe(&card, &order(Buy, 10, 4)), only(Rule::Duplicate));
}

#[test]
fn self_match_price_is_the_most_aggressive_since_the_side_was_last_empty() {
    for (side, away) in [(Buy, -1i64), (Sell, 1)] {
        let other = side.opposite();
        let mut card = wide();
        // Nothing rests: any price goes.
        assert_eq!(probe(&card, &order(other, 1_000, 1)), Rejects::NONE);
        ask(&mut card, &order(side, 1_000, 5));
        let (touches, misses) = (1_000, 1_000 - away);
        check(&card, Rule::SelfMatch, &order(other, misses, 1), &order(other, touches, 1));
        assert_eq!(probe(&card, &order(other, 1_000 + away, 1)), only(Rule::SelfMatch));
        // A shyer order does not move it, a bolder one does.
        ask(&mut card, &order(side, 1_000 + 10 * away, 5));
        check(&card, Rule::SelfMatch, &order(other, misses, 1), &order(other, touches, 1));
        ask(&mut card, &order(side, 1_000 - 10 * away, 5));
        let (touches, misses) = (1_000 - 10 * away, 1_000 - 11 * away);
        check(&card, Rule::SelfMatch, &order(other, misses, 1), &order(other, touches, 1));
        // It does not retreat while anything is open on the side ...
        tell(&mut card, &closed(UpdateKind::Canceled, side, 1_000 - 10 * away, 5));
        tell(&mut card, &filled(side, 1_000, 1_000, 5));
        check(&card, Rule::SelfMatch, &order(other, misses, 1), &order(other, touches, 1));
        // ... and is forgotten when the side runs empty.
        tell(&mut card, &closed(UpdateKind::Canceled, side, 1_000 + 10 * away, 5));
        assert_eq!(probe(&card, &order(other, touches, 1)), Rejects::NONE);
        ask(&mut card, &order(side, 900, 1));
        check(&card, Rule::SelfMatch, &order(other, 900 - away, 1), &order(other, 900, 1));
        // Other accounts and symbols have their own.
        let mut elsewhere = order(other, 900, 1);
        elsewhere.account = AccountId(1);
        assert_eq!(probe(&card, &elsewhere), Rejects::NONE);
        let mut elsewhere = order(other, 900, 1);
        elsewhere.instrument = InstrumentId(1);
        assert_eq!(probe(&card, &elsewhere), Rejects::NONE);
        assert_eq!(card.faults(), 0);
    }
}

#[test]
fn replace_reserves_on_top_until_the_venue_answers() {
    let limits = SymbolLimits { long_max: 250, ..WIDE_SYMBOL };
    for accepted in [true, false] {
        let mut card = with_symbol(limits);
        ask(&mut card, &order(Buy, 10, 100));
        check(&card, Rule::PositionLong, &order(Buy, 12, 150), &order(Buy, 12, 151));
        assert_eq!(ask(&mut card, &replace_of(order(Buy, 12, 150))), Rejects::NONE);
        let account = *card.account(AccountId(0)).unwrap();
        assert_eq!((account.open_notional, account.open_orders), ([1_000 + 1_800, 0], 2));
        let (left, mut answer) = match accepted {
            true => (1_800, closed(UpdateKind::Replaced, Buy, 10, 100)),
            false => (1_000, closed(UpdateKind::ReplaceRejected, Buy, 12, 150)),
        };
        answer.closed = accepted; // whether `orig` is gone
        tell(&mut card, &answer);
        let account = *card.account(AccountId(0)).unwrap();
        assert_eq!((account.open_notional, account.open_orders), ([left, 0], 1), "{accepted}");
        assert_eq!(card.faults(), 0);
    }
}

#[test]
fn updates_that_end_nothing_leave_the_count_alone() {
    let mut card = wide();
    ask(&mut card, &order(Buy, 10, 100));
    let before = format!("{card:?}");
    for kind in [UpdateKind::Accepted, UpdateKind::CancelRejected, UpdateKind::RefusedByGate] {
        tell(&mut card, &closed(kind, Buy, 10, 0));
        assert_eq!(format!("{card:?}"), before, "{kind:?}");
    }
    // Accepted and dead at once; a reject always ends.
    tell(&mut card, &closed(UpdateKind::Accepted, Buy, 10, 100));
    assert_eq!(card.account(AccountId(0)).unwrap().open_orders, 0);
    ask(&mut card, &order(Buy, 10, 100));
    let mut rejected = closed(UpdateKind::Rejected, Buy, 10, 100);
    rejected.closed = false;
    tell(&mut card, &rejected);
    assert_eq!(card.account(AccountId(0)).unwrap().open_orders, 0);
    assert_eq!((card.faults(), card.account(AccountId(0)).unwrap().open_notional), (0, [0, 0]));
}

#[test]
fn broken_trade_leaves_the_position_and_reopens_nothing() {
    let mut card = wide();
    hold(&mut card, Buy, 10, 100);
    hold(&mut card, Buy, 12, 50);
    let mut broken = filled(Buy, 12, 12, 50);
    broken.kind = UpdateKind::Broken;
    tell(&mut card, &broken);
    let holding = card.holding(AccountId(0), InstrumentId(0)).unwrap();
    assert_eq!((holding.position, holding.held, holding.open_orders), (100, 1_000, 0));
    assert_eq!(card.faults(), 0);
}

#[test]
fn held_cost_is_cash_since_flat() {
    let mut card = wide();
    let held = |card: &CardState| {
        let holding = card.holding(AccountId(0), InstrumentId(0)).unwrap();
        let account = card.account(AccountId(0)).unwrap();
        assert_eq!(
            (account.gross_held, account.net_held),
            (holding.held.unsigned_abs(), holding.held)
        );
        (holding.position, holding.held)
    };
    hold(&mut card, Buy, 10, 100);
    assert_eq!(held(&card), (100, 1_000));
    hold(&mut card, Sell, 11, 40);
    assert_eq!(held(&card), (60, 560));
    hold(&mut card, Sell, 11, 60);
    assert_eq!(held(&card), (0, 0), "the profit of 100 is not exposure");
    hold(&mut card, Sell, 9, 10);
    assert_eq!(held(&card), (-10, -90));
}

#[test]
fn report_that_contradicts_the_state_is_a_fault_and_latches_the_account() {
    let wrong = [
        filled(Buy, 10, 10, 101),
        closed(UpdateKind::Canceled, Buy, 10, 101),
        closed(UpdateKind::Canceled, Buy, 11, 100), // more money than was reserved
        closed(UpdateKind::Canceled, Sell, 10, 1),
        filled(Buy, 10, -1, 100),
        filled(Buy, 10, 1 << 32, 100),
        filled(Buy, 10, 10, 1 << 32),
        filled(Buy, -10, 10, 100),
    ];
    for update in wrong {
        let mut card = wide();
        ask(&mut card, &order(Buy, 10, 100));
        tell(&mut card, &update);
        assert_eq!(card.faults(), 1, "{update:?}");
        assert_eq!(probe(&card, &order(Buy, 10, 1)), only(Rule::KillAccount), "{update:?}");
        kill(&mut card, KillScope::Account(AccountId(0)), false);
        assert_eq!(probe(&card, &order(Buy, 10, 1)), Rejects::NONE, "an operator releases it");
    }
    let mut card = wide();
    ask(&mut card, &order(Buy, 10, 100));
    tell(&mut card, &closed(UpdateKind::Canceled, Buy, 10, 100));
    tell(&mut card, &closed(UpdateKind::Canceled, Buy, 10, 0));
    assert_eq!(card.faults(), 1, "one order cannot end twice");
    // A report for rows that do not exist stops everything.
    let mut card = wide();
    let mut outside = filled(Buy, 10, 10, 1);
    outside.instrument = InstrumentId(SYMBOLS);
    assert_eq!(tell(&mut card, &outside), only(Rule::Range));
    assert_eq!(card.faults(), 1);
    assert_eq!(probe(&card, &order(Buy, 10, 1)), only(Rule::KillGlobal));
}
