//! The card at the ends of its widths: exact up to them, saturated and shut beyond.

mod common;

use common::*;
use nofx_gate::{Rejects, Rule};
use nofx_risk::card::{
    CardOp, CardState, EXPOSURE_LIMIT_MAX, HELD_MAX, KillScope, OPEN_MAX, POSITION_MAX,
    SymbolLimits,
};
use nofx_types::Side::{Buy, Sell};
use nofx_types::{AccountId, ClOrdId, InstrumentId, OrderIntent, Side};

fn wide() -> CardState {
    card(WIDE_SYMBOL, WIDE_ACCOUNT)
}

#[test]
fn largest_order_is_judged_exactly() {
    let card = wide();
    let widest = u64::from(u32::MAX);
    let rejects = probe(&card, &order(Buy, widest as i64, widest));
    assert_eq!(rejects, Rejects(Rule::Gross.bit() | Rule::Net.bit()));
    let notional: u64 = 18_446_744_065_119_617_025; // (2^32 - 1)^2, from Python
    for (notional_max, refused) in [(notional, false), (notional - 1, true)] {
        let card = common::card(SymbolLimits { notional_max, ..WIDE_SYMBOL }, WIDE_ACCOUNT);
        let rejects = probe(&card, &order(Buy, widest as i64, widest));
        assert_eq!(rejects.has(Rule::MaxNotional), refused);
    }
}

#[test]
fn position_limits_hold_at_the_width_of_the_position() {
    // 2^47-1 shares in orders of 2^32-1, first as open orders, then held.
    for fill in [false, true] {
        for (side, rule) in [(Buy, Rule::PositionLong), (Sell, Rule::PositionShort)] {
            let mut card = wide();
            let widest = u64::from(u32::MAX);
            let mut room = POSITION_MAX as u64;
            while room >= widest {
                assert_eq!(ask(&mut card, &order(side, 0, widest)), Rejects::NONE);
                if fill {
                    tell(&mut card, &filled(side, 0, 0, widest));
                }
                room -= widest;
            }
            check(&card, rule, &order(side, 0, room), &order(side, 0, room + 1));
            // From one end the other is 2^48-2 away.
            if fill {
                tell(&mut card, &filled(side, 0, 0, room + 1)); // unasked, and one too many
                let position = card.holding(AccountId(0), InstrumentId(0)).unwrap().position;
                assert_eq!(position, side.sign() * POSITION_MAX);
                assert_eq!(card.faults(), 1);
                kill(&mut card, KillScope::Account(AccountId(0)), false);
                assert_eq!(probe(&card, &order(side, 0, 1)), only(rule));
                assert_eq!(probe(&card, &order(side.opposite(), 0, widest)), Rejects::NONE);
            }
        }
    }
}

#[test]
fn exposure_limits_hold_at_their_widths() {
    let mut card = wide();
    let widest = i64::from(u32::MAX);
    // 2^62-1 = (2^31-1)(2^31+1) in open orders, exactly.
    assert_eq!(ask(&mut card, &order(Buy, (1 << 31) - 1, (1 << 31) + 1)), Rejects::NONE);
    assert_eq!(card.account(AccountId(0)).unwrap().open_notional[0], EXPOSURE_LIMIT_MAX);
    assert_eq!(probe(&card, &order(Buy, 0, 1)), Rejects::NONE);
    let both = Rejects(Rule::Gross.bit() | Rule::Net.bit());
    assert_eq!(probe(&card, &order(Buy, 1, 1)), both);
    assert_eq!(probe(&card, &order(Buy, widest, widest as u64)), both);
    assert_eq!(probe(&card, &order(Sell, widest, widest as u64)), both, "gross and net saturate");
}

#[test]
fn sums_saturate_at_their_ends_and_latch_the_kill() {
    let widest = u64::from(u32::MAX);
    for side in Side::BOTH {
        let mut card = wide();
        for symbol in 0..SYMBOLS {
            let mut fill = filled(side, 0, widest as i64, widest); // nobody asked for it
            fill.instrument = InstrumentId(symbol);
            tell(&mut card, &fill);
            let holding = card.holding(AccountId(0), InstrumentId(symbol)).unwrap();
            assert_eq!(holding.held, side.sign() * HELD_MAX);
        }
        let account = *card.account(AccountId(0)).unwrap();
        assert!(account.killed);
        assert_eq!(card.faults(), u64::from(SYMBOLS));
        assert_eq!(account.net_held, if side == Buy { i64::MAX } else { i64::MIN });
        assert_eq!(account.gross_held, 4 * HELD_MAX as u64, "just below its end");
        let rejects = probe(&card, &order(side, 1, 1));
        for rule in [Rule::KillAccount, Rule::Gross, Rule::Net] {
            assert!(rejects.has(rule), "{rejects:?}");
        }
        assert!(!card.account(AccountId(1)).unwrap().killed, "only the account that broke");
    }
}

#[test]
fn arrival_time_saturates() {
    let mut card = wide();
    let cancel = |now_ns| at(OrderIntent::cancel(InstrumentId(0), ClOrdId(1), Buy), now_ns);
    assert_eq!(ask(&mut card, &cancel(u64::MAX)), Rejects::NONE);
    assert_eq!(ask(&mut card, &cancel(u64::MAX)), Rejects::NONE);
    assert_eq!(card.account(AccountId(0)).unwrap().arrival_ns, u64::MAX);
}

#[test]
fn a_restore_that_fills_a_sum_to_its_end_is_a_fault() {
    let widest = u64::from(u32::MAX);
    let (account, symbol) = (AccountId(0), InstrumentId(0));
    let restore = |card: &mut CardState, intent: &OrderIntent| {
        assert_eq!(card.restore(&CardOp::from_intent(intent)), Rejects::NONE);
    };
    for side in Side::BOTH {
        let mut card = wide();
        // Twice (2^32-1)^2 is above 2^64-1, once is not.
        restore(&mut card, &order(side, widest as i64, widest));
        assert_eq!((card.faults(), card.account(account).unwrap().killed), (0, false));
        restore(&mut card, &order(side, widest as i64, widest));
        let row = card.account(account).unwrap();
        assert_eq!((card.faults(), row.killed, row.open_orders), (1, true, 2));
        assert_eq!(row.open_notional[side.index()], u64::MAX);
        assert!(probe(&card, &order(side, 1, 1)).has(Rule::KillAccount));

        let mut card = wide();
        // 65,536 times 2^32-1 leaves 2^16-1 below 2^48-1.
        for _ in 0..1 << 16 {
            restore(&mut card, &order(side, 0, widest));
        }
        restore(&mut card, &order(side, 0, (1 << 16) - 1));
        assert_eq!(card.faults(), 0);
        assert_eq!(card.holding(account, symbol).unwrap().open_qty[side.index()], OPEN_MAX);
        restore(&mut card, &order(side, 0, 1));
        assert_eq!((card.faults(), card.account(account).unwrap().killed), (1, true));
        assert_eq!(card.holding(account, symbol).unwrap().open_qty[side.index()], OPEN_MAX);
        kill(&mut card, KillScope::Account(account), false);
        let rule = if side == Buy { Rule::PositionLong } else { Rule::PositionShort };
        assert_eq!(probe(&card, &order(side, 0, 1)), only(rule), "the end is above any limit");
    }
}
