//! Reconnect, reconciliation and restart, case by case.

mod common;

use common::far::{self, Say};
use common::{Client, NOW, Record, buy, config, manager};
use nofx_gate::{Gate, GateKey, Rule};
use nofx_order::{
    ConfigError, OrderConfig, OrderManager, OrderState, Protocol, Reconcile, SessionState,
    Unreconciled,
};
use nofx_rt::guard::{self, CountingAlloc, OnSealed};
use nofx_types::{ClOrdId, InstrumentId, Nanos, OrderIntent, Price, Qty, Side, UpdateKind};
use nofx_wire::soup;

#[global_allocator]
static ALLOC: CountingAlloc = CountingAlloc;

const QUERY: [u8; 4] = [0, 2, b'U', b'Q'];
const MS: u64 = 1_000_000;

fn session_config() -> OrderConfig {
    OrderConfig {
        reconcile: Reconcile::Query,
        reconcile_wait_ns: 500 * MS,
        heartbeat_ns: 0,
        retry_min_ns: 100 * MS,
        retry_max_ns: 400 * MS,
        ..config(Protocol::Ouch50)
    }
}

fn say(client: &mut Client, say: &Say) {
    client.receive(&far::frame(Protocol::Ouch50, say));
}

fn accept(id: u32) -> Say {
    Say::Accepted { id, side: Side::Buy, qty: 10, price: 900, order_ref: 7, dead: false }
}

/// Logs in; the server goes on at `from` in `session`.
fn log_in(client: &mut Client, session: &str, from: u64) {
    client.login();
    client.receive(&soup::login_accepted(soup::session_name(session).expect("short"), from));
}

/// A client that came up: message 1 was the answer to its query.
fn up(config: &OrderConfig) -> Client {
    let mut client = Client::new(manager(config));
    log_in(&mut client, "DAY1", 1);
    prove(&mut client, 1);
    assert!(client.orders.is_up(), "{}", client.orders.session());
    client
}

/// Asks, and is answered.
fn prove(client: &mut Client, next: u32) {
    assert_eq!(client.keep_alive().as_deref(), Some(&QUERY[..]));
    assert_eq!(client.keep_alive(), None, "one query at a time");
    say(client, &Say::NextId { id: next });
}

fn wait(client: &mut Client, ns: u64) {
    client.now.0 += ns;
    client.keep_alive();
}

fn cut(client: &mut Client) {
    client.orders.disconnected(client.now);
}

fn stopped(why: Unreconciled) -> SessionState {
    SessionState::Unreconciled(why)
}

#[test]
fn nothing_goes_out_before_the_query_is_answered() {
    let mut client = Client::new(manager(&session_config()));
    log_in(&mut client, "DAY1", 1);
    assert_eq!(client.orders.session(), SessionState::Reconciling);
    assert_eq!(client.send(buy(0, 900, 10)), None);
    assert_eq!(client.anomaly("session_down"), 1);
    prove(&mut client, 1);
    assert!(client.send(buy(0, 900, 10)).is_some());
    assert_eq!(client.orders.reconciliation().next_id, ClOrdId(1));
}

#[test]
fn an_order_that_never_arrived_is_released_and_one_that_did_goes_on() {
    let mut client = up(&session_config());
    for _ in 1..=3 {
        client.send(buy(0, 900, 10)).expect("sent");
    }
    say(&mut client, &accept(1)); // 2 arrived, 3 did not
    cut(&mut client);
    log_in(&mut client, "DAY1", 3);
    say(&mut client, &accept(2));
    prove(&mut client, 3);
    assert!(client.orders.is_up());
    assert_eq!(client.reserved(InstrumentId(0), Side::Buy), 20);
    let last = client.told.last().expect("news");
    let (kind, id) = (last.kind, last.cl_ord_id);
    assert_eq!((kind, id, last.released_qty), (UpdateKind::Rejected, ClOrdId(3), Qty(10)));
    let found = client.orders.reconciliation();
    assert_eq!((found.proven, found.never_arrived, found.still_open), (2, 1, 2));
    let states: Vec<_> = client.orders.open().map(|order| (order.id.0, order.state)).collect();
    assert_eq!(states, [(1, OrderState::Live), (2, OrderState::Live)]);
    // Should the venue report it all the same, trading stops.
    say(&mut client, &accept(3));
    assert_eq!(client.orders.session(), stopped(Unreconciled::Ghost(3)));
}

#[test]
fn a_replacement_that_never_arrived_leaves_its_order_and_a_cancel_may_be_sent_again() {
    let mut client = up(&session_config());
    client.send(buy(0, 900, 10)).expect("sent");
    client.send(buy(0, 901, 10)).expect("sent");
    say(&mut client, &accept(1));
    say(&mut client, &accept(2));
    let (id, side) = (InstrumentId(0), Side::Buy);
    client.send(OrderIntent::replace(id, ClOrdId(1), side, Price(905), Qty(5))).expect("sent");
    let cancel = OrderIntent::cancel(id, ClOrdId(2), side);
    assert!(client.send(cancel).is_some());
    assert!(client.send(cancel).is_none(), "one is in flight");
    cut(&mut client);
    log_in(&mut client, "DAY1", 4);
    prove(&mut client, 3);
    let told: Vec<_> = client.told.iter().rev().take(2).map(|u| (u.kind, u.cl_ord_id.0)).collect();
    assert_eq!(told, [(UpdateKind::ReplaceRejected, 3), (UpdateKind::CancelRejected, 2)]);
    assert_eq!(client.reserved(id, side), 20);
    assert!(client.orders.open().all(|order| order.cancellable));
    assert!(client.send(cancel).is_some());
}

#[test]
fn an_order_the_venue_took_and_does_not_answer_stops_trading_but_not_cancels() {
    let mut client = up(&session_config());
    client.send(buy(0, 900, 10)).expect("sent");
    client.send(buy(0, 900, 11)).expect("sent");
    say(&mut client, &accept(1));
    cut(&mut client);
    log_in(&mut client, "DAY1", 3);
    prove(&mut client, 3); // it took 2
    assert_eq!(client.orders.session(), SessionState::Reconciling, "its answer may be late");
    wait(&mut client, 499 * MS);
    assert_eq!(client.orders.session(), SessionState::Reconciling);
    wait(&mut client, MS);
    assert_eq!(client.orders.session(), stopped(Unreconciled::Unanswered(2)));
    assert_eq!(
        client.orders.session().to_string(),
        "trading stopped: order 2 was sent and the venue does not say what became of it"
    );
    assert!(client.send(buy(0, 900, 12)).is_none());
    assert!(client.orders.may_cancel());
    assert!(client.send(OrderIntent::cancel(InstrumentId(0), ClOrdId(1), Side::Buy)).is_some());
    // Another login may prove it.
    cut(&mut client);
    log_in(&mut client, "DAY1", 4);
    say(&mut client, &accept(2));
    prove(&mut client, 3);
    assert!(client.orders.is_up());
}

#[test]
fn a_late_answer_within_the_wait_is_enough() {
    let mut client = up(&session_config());
    client.send(buy(0, 900, 10)).expect("sent");
    cut(&mut client);
    log_in(&mut client, "DAY1", 2);
    prove(&mut client, 2);
    wait(&mut client, 400 * MS);
    say(&mut client, &Say::Rejected { id: 1 });
    assert!(client.orders.is_up());
    client.assert_released("refused late");
}

#[test]
fn what_contradicts_the_record_stops_trading_for_good() {
    type Case = (&'static str, fn(&mut Client), Unreconciled);
    let cases: [Case; 5] = [
        ("ids not ours", |c| prove_at(c, 3, 9), Unreconciled::ForeignIds(9)),
        ("an id below a report", |c| prove_at(c, 3, 1), Unreconciled::NextId(1)),
        ("reports are gone", |c| log_in(c, "DAY1", 4), Unreconciled::Missed),
        ("another session", |c| log_in(c, "DAY2", 1), Unreconciled::SessionChanged),
        (
            "numbers went back",
            |c| {
                log_in(c, "DAY1", 1);
                prove(c, 2); // its number has been seen: it counts for nothing
                wait(c, 500 * MS);
            },
            Unreconciled::LostHistory,
        ),
    ];
    for (what, act, why) in cases {
        let mut client = up(&session_config());
        client.send(buy(0, 900, 10)).expect("sent");
        say(&mut client, &accept(1));
        cut(&mut client);
        act(&mut client);
        assert_eq!(client.orders.session(), stopped(why), "{what}");
        assert!(client.send(buy(0, 900, 10)).is_none(), "{what}");
        cut(&mut client);
        client.now.0 += 1_000 * MS;
        assert!(client.orders.should_connect(client.now), "{what}: cancels may still go");
        let next = client.orders.next_seq();
        log_in(&mut client, "DAY1", next);
        assert_eq!(client.orders.session(), stopped(why), "{what}: after another login");
        // A restart does not forget it, but for what only time told.
        let record = client.record.clone();
        let mut again = Client::restored(&session_config(), client.now, &record);
        log_in(&mut again, "DAY1", next);
        let lost = why == Unreconciled::LostHistory;
        assert_eq!(again.orders.session() == stopped(why), !lost, "{what}: after a restart");
    }
}

fn prove_at(client: &mut Client, from: u64, next: u32) {
    log_in(client, "DAY1", from);
    prove(client, next);
}

#[test]
fn a_venue_that_does_not_answer_keeps_trading_stopped() {
    let mut client = Client::new(manager(&session_config()));
    log_in(&mut client, "DAY1", 1);
    client.keep_alive();
    wait(&mut client, 500 * MS);
    assert_eq!(client.orders.session(), stopped(Unreconciled::NoAnswer));
    assert_eq!(client.anomaly("unreconciled"), 1);
    cut(&mut client);
    // The old answer may come now: the one after it counts.
    log_in(&mut client, "DAY1", 1);
    prove(&mut client, 1);
    assert_eq!(client.orders.session(), SessionState::Reconciling);
    prove(&mut client, 1);
    assert!(client.orders.is_up());
}

#[test]
fn another_session_with_nothing_open_begins_anew() {
    let mut client = up(&session_config());
    client.send(buy(0, 900, 10)).expect("sent");
    say(&mut client, &accept(1));
    say(&mut client, &Say::Canceled { id: 1, qty: 10, reason: b'H' });
    cut(&mut client);
    client.login();
    client.receive(&soup::login_rejected(b'S')); // DAY1 is over
    cut(&mut client);
    assert_eq!(client.orders.session(), SessionState::Refused(b'S'));
    let login = client.login();
    assert_eq!(&login[19..29], b"          ", "any session");
    assert_eq!(&login[29..], b"                   1");
    client.receive(&soup::login_accepted(soup::session_name("DAY2").expect("short"), 1));
    prove(&mut client, 1);
    assert!(client.orders.is_up());
    assert!(client.send(buy(0, 900, 10)).is_some(), "ids go on rising");
}

#[test]
fn attempts_back_off_and_some_refusals_end_them() {
    let mut orders = manager(&session_config());
    let at = |ms: u64| Nanos(1_000 * MS + ms * MS);
    let attempts = |orders: &mut OrderManager, from: u64, to: u64| -> Vec<u64> {
        (from..to).filter(|ms| orders.should_connect(at(*ms))).collect()
    };
    assert_eq!(attempts(&mut orders, 0, 1_200), [0, 100, 300, 700, 1_100]);
    let session = soup::session_name("DAY1").expect("short");
    orders.login(at(1_200));
    assert!(!orders.should_disconnect());
    assert_eq!(attempts(&mut orders, 1_200, 9_000), [0u64; 0], "a login is under way");
    orders.receive(at(1_200), &soup::login_accepted(session, 1));
    assert!(orders.keep_alive(at(1_200)).is_some());
    orders.receive(at(1_200), &far::frame(Protocol::Ouch50, &Say::NextId { id: 1 }));
    while orders.poll_update().is_some() {}
    assert!(orders.is_up());
    orders.disconnected(at(2_000));
    assert_eq!(attempts(&mut orders, 2_000, 2_250), [2_000, 2_100], "at once, then anew");
    for (letter, again, words) in [
        (b'S', true, "login refused: session or sequence not available"),
        (b'A', false, "login refused: not authorised (user name, password or port)"),
    ] {
        orders.login(at(3_000));
        orders.receive(at(3_000), &soup::login_rejected(letter));
        assert!(orders.should_disconnect());
        orders.disconnected(at(3_000));
        assert_eq!(orders.session().to_string(), words);
        assert_eq!(!attempts(&mut orders, 9_000, 9_001).is_empty(), again, "{words}");
    }
}

#[test]
fn garbage_breaks_the_connection_and_the_next_one_mends_it() {
    let mut client = up(&session_config());
    client.receive(b"\x00\x00HTTP/1.1 400 Bad Request");
    assert!(client.orders.should_disconnect());
    assert_eq!(client.orders.session(), SessionState::Broken);
    assert!(client.send(buy(0, 900, 10)).is_none());
    cut(&mut client);
    assert!(client.orders.should_connect(client.now));
    log_in(&mut client, "DAY1", 2);
    prove(&mut client, 1);
    assert!(client.orders.is_up());
    client.orders.logout();
    assert!(client.orders.should_disconnect());
    assert!(!client.orders.should_connect(Nanos(u64::MAX)), "we left");
}

#[test]
fn a_disconnect_that_should_have_cancelled_and_did_not_is_counted() {
    let config = OrderConfig { cancel_on_disconnect: true, ..session_config() };
    let mut client = up(&config);
    for id in 1..=2 {
        client.send(buy(0, 900, 10)).expect("sent");
        say(&mut client, &accept(id));
    }
    cut(&mut client);
    log_in(&mut client, "DAY1", 4);
    say(&mut client, &Say::Canceled { id: 1, qty: 10, reason: b'S' });
    prove(&mut client, 3);
    assert!(client.orders.is_up());
    assert_eq!((client.anomaly("still_open"), client.orders.reconciliation().still_open), (1, 1));
    let left: Vec<_> = client.orders.open().map(|order| order.cancel()).collect();
    assert!(client.send(left[0]).is_some());
}

#[test]
fn a_cancel_follows_an_order_that_is_not_answered() {
    let config = OrderConfig { cancel_in_flight: true, ..session_config() };
    let (id, side) = (InstrumentId(0), Side::Buy);
    let cancel = |n: u32| OrderIntent::cancel(id, ClOrdId(n), side);
    let mut client = up(&config);
    client.send(buy(0, 900, 10)).expect("sent");
    client.send(cancel(1)).expect("a new order");
    assert!(client.send(cancel(1)).is_none(), "once");
    say(&mut client, &accept(1));
    assert_eq!(client.orders.order(ClOrdId(1)).map(|o| o.state), Some(OrderState::PendingCancel));
    say(&mut client, &Say::Canceled { id: 1, qty: 10, reason: b'U' });
    // A replacement: the cancel goes to the newer end, and the older one follows it.
    client.send(buy(0, 900, 10)).expect("sent");
    say(&mut client, &accept(2));
    client.send(OrderIntent::replace(id, ClOrdId(2), side, Price(901), Qty(9))).expect("sent");
    assert!(client.send(cancel(2)).is_none(), "a replace is in flight");
    let open: Vec<_> = client.orders.open().map(|o| (o.id.0, o.cancellable)).collect();
    assert_eq!(open, [(2, false), (3, true)]);
    client.send(cancel(3)).expect("the replacement");
    let (qty, price, order_ref) = (9, 901, 8);
    let placed = Say::Replaced { orig: 2, id: 3, side, qty, price, order_ref, dead: false };
    say(&mut client, &placed);
    assert_eq!(client.orders.order(ClOrdId(3)).map(|o| o.state), Some(OrderState::PendingCancel));
    say(&mut client, &Say::Canceled { id: 3, qty: 9, reason: b'U' });
    // A refused replacement: its cancel ends with it, the older order lives and can be cancelled.
    client.send(buy(0, 900, 10)).expect("sent");
    say(&mut client, &accept(4));
    client.send(OrderIntent::replace(id, ClOrdId(4), side, Price(901), Qty(9))).expect("sent");
    client.send(cancel(5)).expect("the replacement");
    say(&mut client, &Say::Rejected { id: 5 });
    say(&mut client, &Say::CancelRejected { id: 5 });
    client.send(cancel(4)).expect("live again");
    say(&mut client, &Say::Canceled { id: 4, qty: 10, reason: b'U' });
    client.assert_released("cancels in flight");
}

#[test]
fn a_restart_takes_up_the_middle_of_a_frame_and_the_numbers() {
    let config = session_config();
    let mut client = up(&config);
    client.send(buy(0, 900, 10)).expect("sent");
    let accepted = far::frame(Protocol::Ouch50, &accept(1));
    client.receive(&accepted[..20]);
    client.receive(&accepted[20..]);
    client.send(buy(1, 900, 7)).expect("sent");
    client.receive(&accepted[..9]); // the crash comes in the middle of a frame
    let record = client.record.clone();
    let mut again = Client::restored(&config, client.now, &record);
    assert_eq!(again.orders.next_seq(), 3);
    assert_eq!(again.orders.first_free_id(), 3);
    assert_eq!(again.reserved(InstrumentId(1), Side::Buy), 7);
    let login = again.login();
    assert_eq!(login, client.login(), "the same session, from the first report not seen");
    again.receive(&soup::login_accepted(soup::session_name("DAY1").expect("short"), 3));
    prove(&mut again, 2); // the second never left
    assert!(again.orders.is_up());
    assert_eq!(again.reserved(InstrumentId(1), Side::Buy), 0);
    assert_eq!(again.reserved(InstrumentId(0), Side::Buy), 10);
    // A record of an order twice does not fit.
    let sent = record.iter().find_map(|entry| match entry {
        Record::Sent(intent) => Some(*intent),
        _ => None,
    });
    assert!(!again.orders.replay_sent(&sent.expect("there")));
}

#[test]
fn ids_beyond_what_is_reserved_are_refused() {
    let mut client = up(&session_config());
    client.orders.set_id_limit(2);
    assert_eq!((client.orders.first_free_id(), client.orders.ids_left()), (1, 2));
    assert!(client.send(buy(0, 900, 10)).is_some());
    assert!(client.send(buy(0, 900, 11)).is_some());
    assert_eq!(client.orders.ids_left(), 0);
    let mut third = buy(0, 900, 12);
    assert!(client.orders.stage(&mut third).expect_err("not reserved").has(Rule::Busy));
    client.orders.set_id_limit(100);
    assert!(client.send(buy(0, 900, 12)).is_some());
}

#[test]
fn the_venues_throttle_holds_ours() {
    let config =
        OrderConfig { throttle_reason: 0x0c, throttle_window_ns: 1_000 * MS, ..session_config() };
    let mut client = up(&config);
    client.send(buy(0, 900, 10)).expect("sent");
    say(&mut client, &Say::RejectedFor { id: 1, reason: 0x0c });
    assert_eq!(client.anomaly("venue_throttle"), 1);
    assert!(client.send(buy(0, 900, 10)).is_none());
    client.now.0 += 1_000 * MS;
    assert!(client.send(buy(0, 900, 10)).is_some());
}

#[test]
fn an_old_order_is_not_sent_again() {
    let config = OrderConfig { resend: true, resend_age_ns: 50 * MS, ..session_config() };
    for (age, again) in [(50 * MS, true), (51 * MS, false)] {
        let mut client = up(&config);
        client.send(buy(0, 900, 10)).expect("sent");
        cut(&mut client);
        client.now.0 += age;
        log_in(&mut client, "DAY1", 2);
        prove(&mut client, 1);
        assert!(!client.orders.is_up(), "what never arrived goes first");
        client.resend();
        assert!(client.orders.is_up());
        let bytes = client.verdict();
        assert_eq!(bytes.is_some(), again);
        if let Some(bytes) = bytes {
            let asked = far::read(Protocol::Ouch50, &bytes);
            assert!(matches!(asked, far::Asked::Enter { id: 1, qty: 10, .. }), "{asked:?}");
        }
        assert_eq!(client.reserved(InstrumentId(0), Side::Buy), if again { 10 } else { 0 });
    }
}

#[test]
fn an_order_to_be_sent_again_is_judged_again() {
    let config = OrderConfig { resend: true, ..session_config() };
    let mut client = up(&config);
    client.send(buy(0, 900, 10)).expect("sent");
    cut(&mut client);
    client.gate.on_kill(nofx_gate::KillScope::Global, true);
    log_in(&mut client, "DAY1", 2);
    prove(&mut client, 1);
    client.resend();
    assert_eq!(client.verdict(), None, "the kill switch is engaged");
    assert_eq!(client.reserved(InstrumentId(0), Side::Buy), 0);
    assert_eq!(client.orders.open_orders(), 0);
}

#[test]
fn orders_are_sent_again_one_a_turn() {
    let config = OrderConfig { resend: true, ..session_config() };
    let mut client = up(&config);
    let ids = [1, 2, 2_000];
    for id in ids {
        let mut order = buy(0, 900, 10);
        order.cl_ord_id = ClOrdId(id);
        client.send(order).expect("sent");
    }
    cut(&mut client);
    log_in(&mut client, "DAY1", 2);
    prove(&mut client, 1);
    let (mut again, mut turns) = (Vec::new(), 0);
    while !client.orders.is_up() {
        // One call is one turn: it hands out one order or looks at so many ids that were not used.
        if let Some(resend) = client.orders.poll_resend(client.now) {
            again.push(resend.intent.cl_ord_id.0);
            client.gate.on_update(&resend.release);
            assert!(client.submit(resend.intent));
            assert!(client.verdict().is_some());
        }
        turns += 1;
        assert!(turns < 1_000, "it ends");
    }
    assert_eq!(again, ids);
    assert!(turns > 2_000 / 64, "{turns} turns");
    assert_eq!(client.reserved(InstrumentId(0), Side::Buy), 30);
}

#[test]
fn bad_recovery_settings_are_refused_by_key() {
    let refused = |change: fn(&mut OrderConfig), key: &str| {
        let mut config = OrderConfig::default();
        change(&mut config);
        let error: ConfigError = OrderManager::new(&config).expect_err(key);
        assert_eq!(error.key, key);
    };
    refused(|c| c.protocol = Protocol::Ouch42, "session.reconcile");
    refused(|c| c.reconcile_quiet_ns = 0, "session.reconcile_quiet_ns");
    refused(|c| c.reconcile_wait_ns = 0, "session.reconcile_wait_ns");
    refused(|c| c.retry_min_ns = 0, "session.retry_min_ns");
    refused(|c| c.retry_max_ns = c.retry_min_ns - 1, "session.retry_max_ns");
    let resend: fn(&mut OrderConfig) = |c| (c.resend, c.reconcile) = (true, Reconcile::Quiet);
    refused(resend, "session.resend");
}

#[test]
fn reconnects_and_restarts_allocate_nothing() {
    let config = OrderConfig { resend: true, cancel_in_flight: true, ..session_config() };
    let (mut orders, key) = (manager(&config), GateKey::issue());
    let mut restored = manager(&config);
    let accepted = soup::login_accepted(soup::session_name("DAY1").expect("short"), 1);
    let answers: Vec<Vec<u8>> =
        (1..=200).map(|id| far::frame(Protocol::Ouch50, &Say::NextId { id })).collect();
    let refusals: Vec<Vec<u8>> =
        (1..=200).map(|id| far::frame(Protocol::Ouch50, &Say::Rejected { id })).collect();
    let before = guard::sealed_allocations();
    let seal = guard::seal(OnSealed::Count);
    let mut news = 0;
    for ((round, answer), refusal) in (0u64..).zip(&answers).zip(&refusals) {
        let now = Nanos(NOW.0 + round * 1_000 * MS);
        assert!(orders.should_connect(now));
        orders.login(now);
        restored.replay_control(now, &[0, 1, b'R']);
        let from = soup::login_accepted(*b"      DAY1", orders.next_seq());
        orders.receive(now, if round == 0 { &accepted } else { &from });
        while orders.keep_alive(now).is_some() {}
        orders.receive(now, answer);
        while orders.poll_update().is_some() {
            news += 1;
        }
        while !orders.is_up() {
            orders.poll_resend(now);
        }
        let mut intent = buy(0, 900, 10);
        intent.now_ns = now;
        assert!(orders.stage(&mut intent).is_ok());
        assert!(orders.encode(key.clear(intent)).is_some());
        restored.replay_sent(&intent);
        assert!(orders.next_open(0).is_some());
        orders.disconnected(now);
        // The next answer says that it arrived: so it is answered first.
        orders.login(now);
        orders.receive(now, &soup::login_accepted(*b"      DAY1", orders.next_seq()));
        orders.receive(now, refusal);
        while orders.poll_update().is_some() {
            news += 1;
        }
        orders.disconnected(now);
    }
    drop(seal);
    assert_eq!(guard::sealed_allocations() - before, 0);
    assert_eq!(news, 200);
}
