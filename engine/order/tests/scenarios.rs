//! Races one by one: what is sent, and what each report tells.

mod common;

use common::far::{self, Asked, Say};
use common::{ACCOUNT, Client, buy, config, instrument, up};
use nofx_gate::{Gate, Rejects, Rule};
use nofx_order::Protocol;
use nofx_types::{
    ClOrdId, Instrument, InstrumentId, OrderIntent, OrderUpdate, Price, Qty, Side, TimeInForce,
    UpdateKind,
};

const AAA: InstrumentId = InstrumentId(0);

fn client() -> Client {
    Client::new(up(&config(Protocol::Ouch50)))
}

impl Client {
    fn say(&mut self, say: Say) -> Vec<OrderUpdate> {
        let from = self.told.len();
        self.receive(&far::frame(Protocol::Ouch50, &say));
        self.told[from..].to_vec()
    }

    /// Sends a buy of 100 at 1,000 and has it accepted.
    fn live(&mut self) -> u32 {
        let bytes = self.send(buy(0, 1_000, 100)).expect("sent");
        let Asked::Enter { id, .. } = far::read(Protocol::Ouch50, &bytes) else { panic!() };
        let told = self.say(accepted(id, 100, 1_000));
        assert_eq!((told.len(), told[0].kind, told[0].leaves.0), (1, UpdateKind::Accepted, 100));
        id
    }

    fn replace(&mut self, orig: u32, price: i64, qty: u64) -> Asked {
        let intent = replace(orig, price, qty);
        far::read(Protocol::Ouch50, &self.send(intent).expect("sent"))
    }

    fn stage(&mut self, mut intent: OrderIntent) -> Result<OrderIntent, Rejects> {
        intent.now_ns = self.now;
        self.orders.stage(&mut intent).map(|()| intent)
    }
}

fn accepted(id: u32, qty: u32, price: u64) -> Say {
    Say::Accepted { id, side: Side::Buy, qty, price, order_ref: 77, dead: false }
}

fn replaced(orig: u32, id: u32, qty: u32, price: u64) -> Say {
    Say::Replaced { orig, id, side: Side::Buy, qty, price, order_ref: 78, dead: false }
}

fn fill(id: u32, qty: u32, match_number: u64) -> Say {
    Say::Executed { id, qty, price: 1_000, flag: b'A', match_number }
}

fn replace(orig: u32, price: i64, qty: u64) -> OrderIntent {
    OrderIntent::replace(AAA, ClOrdId(orig), Side::Buy, Price(price), Qty(qty))
}

fn cancel(orig: u32) -> OrderIntent {
    OrderIntent::cancel(AAA, ClOrdId(orig), Side::Buy)
}

/// What matters of updates: kind, id, leaves, filled, released, at, closed.
fn brief(told: &[OrderUpdate]) -> Vec<(UpdateKind, u32, u64, u64, u64, i64, bool)> {
    let one = |u: &OrderUpdate| {
        let released_price = if u.released_qty.0 > 0 { u.released_price.0 } else { 0 };
        let (id, leaves) = (u.cl_ord_id.0, u.leaves.0);
        (u.kind, id, leaves, u.fill_qty.0, u.released_qty.0, released_price, u.closed)
    };
    told.iter().map(one).collect()
}

use UpdateKind::*;

#[test]
fn the_bytes_are_those_of_the_sheet() {
    let mut client = client();
    let mut ioc = buy(0, 1_234_500, 258);
    ioc.tif = TimeInForce::Ioc;
    let enter = client.send(ioc).expect("sent");
    let want = b"\x00\x30UO\x00\x00\x00\x01B\x00\x00\x01\x02AAA     \x00\x00\x00\x00\x00\x12\xd6\x443YPNN              \x00\x00";
    assert_eq!(enter, want);
    client.say(accepted(1, 258, 1_234_500));
    let mut post = replace(1, 1_234_600, 3);
    post.post_only = true;
    let bytes = client.send(post).expect("sent");
    let want = b"\x00\x29UU\x00\x00\x00\x01\x00\x00\x00\x02\x00\x00\x00\x03\x00\x00\x00\x00\x00\x12\xd6\xa80PN              \x00\x00";
    assert_eq!(bytes, want);
    client.say(replaced(1, 2, 3, 1_234_600));
    let bytes = client.send(cancel(2)).expect("sent");
    assert_eq!(bytes, b"\x00\x0aUX\x00\x00\x00\x02\x00\x00\x00\x00");
    // A field that one order set does not stay for the next.
    let mut plain = OrderIntent::new(InstrumentId(1), Side::Sell, Price(2_000_000), Qty(1));
    plain.cl_ord_id = ClOrdId(0x00752e71);
    let bytes = client.send(plain).expect("sent");
    let want = b"\x00\x30UO\x00\x75\x2e\x71S\x00\x00\x00\x01BBB     \x00\x00\x00\x00\x00\x1e\x84\x800YPNN              \x00\x00";
    assert_eq!(bytes, want);
    assert_eq!(client.orders.sent(), 4);
}

#[test]
fn the_bytes_of_4_2_are_those_of_the_sheet() {
    let mut client = Client::new(up(&config(Protocol::Ouch42)));
    let enter = client.send(buy(0, 1_234_500, 258)).expect("sent");
    let want = b"\x00\x32UO0000000001    B\x00\x00\x01\x02AAA     \x00\x12\xd6\x44\x00\x01\x86\x9eNOFXYPN\x00\x00\x00\x00N ";
    assert_eq!(enter, want);
    client.receive(&far::frame(Protocol::Ouch42, &accepted(1, 258, 1_234_500)));
    let bytes = client.send(replace(1, 1_234_600, 3)).expect("sent");
    let want = b"\x00\x30UU0000000001    0000000002    \x00\x00\x00\x03\x00\x12\xd6\xa8\x00\x01\x86\x9eYN\x00\x00\x00\x00";
    assert_eq!(bytes, want);
    client.receive(&far::frame(Protocol::Ouch42, &replaced(1, 2, 3, 1_234_600)));
    let bytes = client.send(cancel(2)).expect("sent");
    assert_eq!(bytes, b"\x00\x14UX0000000002    \x00\x00\x00\x00");
    // Above the highest price of the protocol nothing is sent, and nothing stays reserved.
    assert_eq!(client.send(buy(1, 1_999_999_901, 1)), None);
    assert_eq!(client.reserved(InstrumentId(1), Side::Buy), 0);
    assert_eq!(client.anomaly("not_sendable"), 1);
}

#[test]
fn a_fill_while_a_replace_is_in_flight_shrinks_the_replacement() {
    let mut client = client();
    let id = client.live();
    client.say(fill(id, 30, 1));
    // 50 open wanted: the chain is 80 with what was filled.
    let asked = client.replace(id, 990, 50);
    assert_eq!(asked, Asked::Replace { orig: 1, id: 2, qty: 80, price: 990, ioc: false });
    assert_eq!(client.reserved(AAA, Side::Buy), 70 + 50);
    let told = client.say(fill(id, 20, 2));
    assert_eq!(brief(&told), [(Filled, 1, 50, 20, 20, 990, false)]);
    assert_eq!(client.reserved(AAA, Side::Buy), 50 + 30);
    let told = client.say(replaced(1, 2, 80, 990));
    assert_eq!(brief(&told), [(Replaced, 2, 30, 0, 50, 1_000, true)]);
    assert_eq!((told[0].orig, told[0].order_ref.0), (ClOrdId(1), 78));
    let told = client.say(fill(2, 30, 3));
    assert_eq!(brief(&told), [(Filled, 2, 0, 30, 0, 0, true)]);
    client.assert_released("replace against fill");
    assert_eq!(client.orders.anomalies().count(), 0);
}

#[test]
fn a_replacement_dies_with_the_order_it_was_for() {
    for answers in [true, false] {
        let mut client = client();
        let id = client.live();
        client.replace(id, 990, 150);
        let told = client.say(fill(id, 100, 1));
        assert_eq!(
            brief(&told),
            [(Filled, 1, 0, 100, 100, 990, true), (ReplaceRejected, 2, 0, 0, 50, 990, true)]
        );
        client.assert_released("before the venue answers");
        if answers {
            assert_eq!(client.say(Say::Rejected { id: 2 }), []);
            assert_eq!(client.anomaly("late_answer"), 1);
        }
        // The same by a cancel of the venue.
        let id = client.live();
        client.replace(id, 990, 150);
        let told = client.say(Say::Canceled { id, qty: 100, reason: b'H' });
        assert_eq!(
            brief(&told),
            [
                (Canceled, id, 0, 0, 100, 1_000, true),
                (ReplaceRejected, id + 1, 0, 0, 150, 990, true)
            ]
        );
        client.assert_released("after a cancel");
    }
}

#[test]
fn a_refused_replace_leaves_the_order_as_it_is() {
    let mut client = client();
    let id = client.live();
    client.replace(id, 990, 50);
    let told = client.say(Say::Rejected { id: 2 });
    assert_eq!(brief(&told), [(ReplaceRejected, 2, 0, 0, 50, 990, false)]);
    assert_eq!((told[0].orig, client.reserved(AAA, Side::Buy)), (ClOrdId(id), 100));
    assert!(client.send(cancel(id)).is_some());
    client.say(Say::Canceled { id, qty: 100, reason: b'U' });
    client.assert_released("after the cancel");
}

#[test]
fn a_cancel_meets_a_fill() {
    let mut client = client();
    let id = client.live();
    client.send(cancel(id)).expect("sent");
    let told = client.say(fill(id, 40, 1));
    assert_eq!(brief(&told), [(Filled, id, 60, 40, 0, 0, false)]);
    let told = client.say(Say::Canceled { id, qty: 60, reason: b'U' });
    assert_eq!(brief(&told), [(Canceled, id, 0, 0, 60, 1_000, true)]);
    client.assert_released("part filled");

    let id = client.live();
    client.send(cancel(id)).expect("sent");
    client.say(fill(id, 100, 2));
    client.assert_released("all filled");
    assert_eq!(client.say(Say::CancelRejected { id }), []);
    assert_eq!(client.anomaly("late_answer"), 1);

    let id = client.live();
    client.send(cancel(id)).expect("sent");
    assert_eq!(client.say(Say::CancelPending { id }), []);
    assert!(client.stage(cancel(id)).is_err(), "one cancel at a time");
    let told = client.say(Say::CancelRejected { id });
    assert_eq!(brief(&told), [(CancelRejected, id, 100, 0, 0, 0, false)]);
    assert!(client.stage(cancel(id)).is_ok());
}

#[test]
fn dead_and_trimmed_acceptances_release_what_is_gone() {
    let mut client = client();
    client.send(buy(0, 1_000, 100)).expect("sent");
    let dead =
        Say::Accepted { id: 1, side: Side::Buy, qty: 100, price: 1_000, order_ref: 5, dead: true };
    let told = client.say(dead);
    assert_eq!(brief(&told), [(Accepted, 1, 0, 0, 100, 1_000, true)]);
    client.assert_released("dead on arrival");

    client.send(buy(0, 1_000, 100)).expect("sent");
    let told = client.say(accepted(2, 80, 999));
    assert_eq!(brief(&told), [(Accepted, 2, 80, 0, 20, 1_000, false)]);
    assert_eq!((client.anomaly("quantity_differs"), client.anomaly("price_differs")), (1, 1));
    client.replace(2, 990, 10);
    let dead = Say::Replaced {
        orig: 2,
        id: 3,
        side: Side::Buy,
        qty: 10,
        price: 990,
        order_ref: 6,
        dead: true,
    };
    let told = client.say(dead);
    assert_eq!(
        brief(&told),
        [(Replaced, 3, 10, 0, 80, 1_000, true), (Canceled, 3, 0, 0, 10, 990, true)]
    );
    client.assert_released("dead replacement");
}

#[test]
fn a_trade_that_no_reservation_covers_still_reaches_the_position() {
    let mut client = client();
    let id = client.live();
    let told = client.say(fill(id, 130, 1));
    assert_eq!(
        brief(&told),
        [(Filled, id, 0, 100, 0, 0, true), (Unreserved, id, 0, 30, 0, 0, true)]
    );
    assert_eq!(told[1].side, Side::Buy, "it was bought");
    client.say(fill(id, 7, 2));
    assert_eq!(client.positions.position(ACCOUNT, AAA), 137);
    assert_eq!(client.anomaly("overfill"), 2);
    client.assert_released("overfilled");
    // Taken back and stated anew, all of it.
    client.say(Say::Broken { id, match_number: 1 });
    let told = client.say(Say::Corrected { id, qty: 9, price: 1_010, match_number: 2 });
    assert_eq!(brief(&told), [(Broken, id, 0, 7, 0, 0, true), (Unreserved, id, 0, 9, 0, 0, true)]);
    assert_eq!((told[0].side, told[1].side), (Side::Buy, Side::Buy));
    assert_eq!(client.positions.position(ACCOUNT, AAA), 9);
    assert_eq!(client.say(Say::Broken { id, match_number: 1 }), []);
    assert_eq!(client.say(Say::Broken { id, match_number: 8 }), []);
    assert_eq!((client.anomaly("duplicate"), client.anomaly("unknown_fill")), (1, 1));
    client.assert_released("taken back");
}

#[test]
fn reports_that_overtake_the_acceptance_are_taken() {
    let mut client = client();
    client.send(buy(0, 1_000, 100)).expect("sent");
    let told = client.say(fill(1, 40, 1));
    assert_eq!(brief(&told), [(Filled, 1, 60, 40, 0, 0, false)]);
    assert_eq!(client.say(accepted(1, 100, 1_000)), []);
    assert_eq!((client.anomaly("implied_accept"), client.anomaly("duplicate")), (1, 1));
    client.replace(1, 990, 50);
    let told = client.say(fill(2, 10, 2));
    assert_eq!(
        brief(&told),
        [(Replaced, 2, 50, 0, 60, 1_000, true), (Filled, 2, 40, 10, 0, 0, false)]
    );
    assert_eq!(client.say(replaced(1, 2, 90, 990)), []);
    client.say(Say::Canceled { id: 2, qty: 40, reason: b'U' });
    client.assert_released("overtaken");
}

#[test]
fn what_is_not_known_or_not_free_is_refused() {
    let rules = |result: Result<OrderIntent, Rejects>| {
        result.err().map(|rejects| rejects.rules().collect::<Vec<_>>()).unwrap_or_default()
    };
    let mut client = client();
    assert_eq!(rules(client.stage(cancel(9))), [Rule::UnknownOrder]);
    assert_eq!(rules(client.stage(replace(9, 990, 5))), [Rule::UnknownOrder]);
    assert_eq!(rules(client.stage(cancel(0))), [Rule::UnknownOrder]);
    let id = {
        let bytes = client.send(buy(0, 1_000, 100)).expect("sent");
        let Asked::Enter { id, .. } = far::read(Protocol::Ouch50, &bytes) else { panic!() };
        id
    };
    assert_eq!(rules(client.stage(cancel(id))), [Rule::UnknownOrder], "in flight");
    client.say(accepted(id, 100, 1_000));
    let other = OrderIntent::cancel(InstrumentId(1), ClOrdId(id), Side::Buy);
    assert_eq!(rules(client.stage(other)), [Rule::UnknownOrder], "another instrument");
    let other = OrderIntent::cancel(AAA, ClOrdId(id), Side::Sell);
    assert_eq!(rules(client.stage(other)), [Rule::UnknownOrder], "another side");
    let staged = client.stage(cancel(id)).expect("known");
    assert_eq!((staged.orig_price, staged.orig_leaves), (Price(1_000), Qty(100)));
    assert_eq!((staged.account, staged.cl_ord_id), (ACCOUNT, ClOrdId(id)));
    client.say(fill(id, 1, 1));
    assert_eq!(rules(client.stage(replace(id, 990, u64::from(u32::MAX)))), [Rule::Range]);
    // The row of an id whose older order still lives.
    let mut taken = buy(0, 1_000, 1);
    taken.cl_ord_id = ClOrdId(id + 64);
    assert_eq!(rules(client.stage(taken)), [Rule::Busy]);
    // An instrument outside the table, one without a symbol, one of another price scale.
    assert_eq!(rules(client.stage(buy(2, 1_000, 1))), [Rule::NotTradable]);
    let cents = Instrument { decimals: 2, ..instrument(1) };
    client.orders.define(&cents);
    assert_eq!(rules(client.stage(buy(1, 1_000, 1))), [Rule::NotTradable]);
    client.orders.define(&Instrument::unknown(InstrumentId(1)));
    assert_eq!(rules(client.stage(buy(1, 1_000, 1))), [Rule::NotTradable]);
}

#[test]
fn what_cannot_be_sent_after_it_passed_is_released() {
    let mut client = client();
    let id = client.live();
    // Two requests for one order pass a slow gate: the second finds it in flight.
    assert!(client.submit(replace(id, 990, 50)));
    assert!(client.submit(cancel(id)));
    assert!(client.submit(replace(id, 980, 70)));
    assert!(client.verdict().is_some());
    assert_eq!(client.verdict(), None);
    assert_eq!(client.verdict(), None);
    assert_eq!(
        brief(&client.told[1..]),
        [(CancelRejected, id, 0, 0, 0, 0, false), (ReplaceRejected, 3, 0, 0, 70, 980, false)]
    );
    assert_eq!((client.reserved(AAA, Side::Buy), client.anomaly("not_sendable")), (150, 2));
    client.say(Say::Canceled { id, qty: 100, reason: b'H' });
    client.assert_released("after the end");
    // The session is down.
    client.orders.disconnected(client.now);
    assert_eq!(client.send(buy(0, 1_000, 10)), None);
    let last = client.told.last().expect("told");
    assert_eq!(brief(std::slice::from_ref(last)), [(Rejected, 4, 0, 0, 10, 1_000, true)]);
    assert_eq!(client.anomaly("session_down"), 1);
    client.assert_released("session down");
    assert!(client.gate.poll().is_none());
}

#[test]
fn the_throttle_holds_orders_and_never_cancels() {
    let mut config = config(Protocol::Ouch50);
    (config.throttle_max, config.throttle_window_ns) = (3, 3_000);
    let mut client = Client::new(up(&config));
    let id = client.live();
    assert!(client.send(buy(0, 1_000, 1)).is_some());
    assert!(client.send(cancel(id)).is_some());
    let held = client.stage(buy(0, 1_000, 1)).expect_err("held");
    assert_eq!(held.rules().collect::<Vec<_>>(), [Rule::Busy]);
    let id = 2;
    client.say(accepted(id, 1, 1_000));
    assert!(client.send(cancel(id)).is_some(), "a cancel is never held, but counts");
    client.now.0 += 1_000;
    assert!(client.stage(buy(0, 1_000, 1)).is_err());
    client.now.0 += 1_000;
    assert!(client.stage(buy(0, 1_000, 1)).is_ok());
}
