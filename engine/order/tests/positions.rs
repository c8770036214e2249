//! Positions and profit against exact fractions.

use nofx_order::Positions;
use nofx_rt::rng::Rng;
use nofx_types::{
    AccountId, ClOrdId, Instrument, InstrumentId, Nanos, OrderRef, OrderUpdate, Price, Qty, Side,
    UpdateKind,
};

const ACCOUNT: AccountId = AccountId(1);
const ID: InstrumentId = InstrumentId(3);

fn update(kind: UpdateKind, side: Side, qty: u64, price: i64) -> OrderUpdate {
    OrderUpdate {
        kind,
        side,
        maker: false,
        account: ACCOUNT,
        instrument: ID,
        cl_ord_id: ClOrdId(1),
        orig: ClOrdId::NONE,
        order_ref: OrderRef(0),
        price: Price(price),
        leaves: Qty(0),
        fill_price: Price(price),
        fill_qty: Qty(qty),
        released_qty: Qty(0),
        released_price: Price(0),
        closed: true,
        now_ns: Nanos(0),
    }
}

fn positions(trades: &[(Side, u64, i64)]) -> Positions {
    let mut positions = Positions::new(2, 4);
    for (side, qty, price) in trades {
        positions.on_update(&update(UpdateKind::Filled, *side, *qty, *price));
    }
    positions
}

/// Position, realised and open profit at `mid`.
fn stand(positions: &Positions, mid: i64) -> (i64, i64, i64) {
    let row = positions.rows().next().expect("a trade");
    assert_eq!((row.account, row.instrument), (ACCOUNT, ID));
    assert_eq!(row.position, positions.position(ACCOUNT, ID));
    (row.position, row.realised_e4, row.open_e4(Price(mid)))
}

use Side::{Buy, Sell};

#[test]
fn average_price_accounting_by_hand() {
    // Bought 10 at 100 and 10 at 130: average 115. Sold 5 at 125: 50 made, 15 held at 115.
    let held = positions(&[(Buy, 10, 100), (Buy, 10, 130), (Sell, 5, 125)]);
    assert_eq!(stand(&held, 120), (15, 50, 75));
    // Through zero: 15 close at 110 (75 lost), 5 open short at 110.
    let short = positions(&[(Buy, 10, 100), (Buy, 10, 130), (Sell, 5, 125), (Sell, 20, 110)]);
    assert_eq!(stand(&short, 100), (-5, -25, 50));
    let flat = positions(&[(Sell, 3, 200), (Buy, 3, 190)]);
    assert_eq!(stand(&flat, 1), (0, 30, 0));
}

#[test]
fn rounding_moves_between_realised_and_open_and_is_never_lost() {
    // 3 shares for 100: a third each does not divide.
    let held = positions(&[(Buy, 1, 34), (Buy, 2, 33), (Sell, 1, 50)]);
    let (position, realised, open) = stand(&held, 40);
    assert_eq!((position, realised + open), (2, 50 - 100 + 80));
    assert_eq!(realised, 50 - 33); // the share of the cost is rounded towards zero
}

#[test]
fn a_broken_trade_is_taken_back_and_other_news_change_nothing() {
    let mut held = positions(&[(Buy, 10, 100), (Sell, 4, 130)]);
    held.on_update(&update(UpdateKind::Broken, Sell, 4, 130));
    let (position, realised, open) = stand(&held, 110);
    assert_eq!((position, realised + open), (10, 100));
    for kind in [UpdateKind::Accepted, UpdateKind::Canceled, UpdateKind::Replaced] {
        held.on_update(&update(kind, Buy, 5, 100));
    }
    assert_eq!(held.position(ACCOUNT, ID), 10);
    held.on_update(&update(UpdateKind::Unreserved, Sell, 4, 120));
    let (position, realised, open) = stand(&held, 110);
    assert_eq!((position, realised + open), (6, 10 * 10 + 4 * 10), "a trade like any other");
}

#[test]
fn a_price_scale_other_than_four_decimals_is_converted() {
    for (decimals, factor) in [(2, 100i64), (4, 1), (7, 1)] {
        let scale = if decimals == 7 { 1_000 } else { 1 };
        let trades = [(Buy, 10, 100 * scale), (Sell, 4, 130 * scale)];
        let mut held = positions(&trades);
        let mut instrument = Instrument::unknown(ID);
        instrument.decimals = decimals;
        held.define(&instrument);
        assert_eq!(stand(&held, 105 * scale), (6, 120 * factor, 30 * factor));
    }
}

#[test]
fn what_is_outside_the_table_is_counted_and_moves_no_other_row() {
    let mut held = positions(&[(Buy, 1, 1)]);
    for (account, id) in [(AccountId(0), InstrumentId(7)), (AccountId(2), InstrumentId(0))] {
        let mut stray = update(UpdateKind::Filled, Buy, 5, 5);
        (stray.account, stray.instrument) = (account, id);
        held.on_update(&stray);
        assert_eq!(held.position(account, id), 0);
    }
    assert_eq!((held.outside(), held.rows().count()), (2, 1));
}

#[test]
fn extremes_saturate_and_do_not_panic() {
    let mut held = positions(&[(Buy, u64::MAX, i64::MAX), (Buy, u64::MAX, i64::MAX)]);
    held.on_update(&update(UpdateKind::Filled, Sell, u64::MAX, i64::MIN));
    held.on_update(&update(UpdateKind::Broken, Buy, u64::MAX, i64::MIN));
    let row = held.rows().next().expect("a trade");
    let _ = row.open_e4(Price(i64::MIN));
}

/// An exact fraction; small numbers only.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Fraction(i128, i128);

impl Fraction {
    fn plus(self, n: i128, d: i128) -> Fraction {
        fn gcd(a: i128, b: i128) -> i128 {
            if b == 0 { a.abs().max(1) } else { gcd(b, a % b) }
        }
        let (n, d) = (self.0 * d + n * self.1, self.1 * d);
        let g = gcd(n, d);
        Fraction(n / g, d / g)
    }
}

#[test]
fn agrees_with_exact_average_prices_to_a_unit_a_trade() {
    for seed in 0..300 {
        let mut rng = Rng::new(seed);
        let mut held = Positions::new(2, 4);
        let (mut position, mut cash, mut realised) = (0i64, 0i64, Fraction(0, 1));
        let mut average = Fraction(0, 1);
        for step in 1..=12u64 {
            let side = Side::BOTH[rng.below(2) as usize];
            let (qty, price) = (1 + rng.below(9) as i64, 90 + rng.below(20) as i64);
            held.on_update(&update(UpdateKind::Filled, side, qty as u64, price));
            // The twin: close at the average, then open.
            let closing =
                if position.signum() == -side.sign() { qty.min(position.abs()) } else { 0 };
            let gain = i128::from(closing * position.signum());
            realised =
                realised.plus(gain * i128::from(price), 1).plus(-gain * average.0, average.1);
            let opening = qty - closing;
            let before = i128::from(position.abs() - closing);
            if opening > 0 {
                let (n, d) =
                    (average.0 * before + i128::from(price * opening) * average.1, average.1);
                average = Fraction(0, 1).plus(n, d * (before + i128::from(opening)));
            }
            position += side.sign() * qty;
            cash -= side.sign() * qty * price;

            let (at, made, open) = stand(&held, 101);
            assert_eq!(at, position, "seed {seed}");
            assert_eq!(made + open, cash + position * 101, "seed {seed}: nothing is lost");
            let off = Fraction(i128::from(made), 1).plus(-realised.0, realised.1);
            let most = i128::from(step) * off.1;
            assert!(off.0.abs() <= most, "seed {seed} step {step}: off by {off:?}");
            if position == 0 {
                assert_eq!((made, open), (cash, 0), "seed {seed}");
            }
        }
    }
}
