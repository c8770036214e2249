//! The session: login, sequence, heartbeats, streams cut anywhere, bytes that are no protocol.

mod common;

use common::far::{self, Say};
use common::{Client, NOW, buy, config, manager, up};
use nofx_order::{ConfigError, OrderConfig, OrderManager, Protocol, SessionState};
use nofx_rt::guard::{self, CountingAlloc, OnSealed};
use nofx_rt::rng::Rng;
use nofx_types::{ClOrdId, InstrumentId, Nanos, OrderIntent, OrderUpdate, Side};
use nofx_wire::soup;

#[global_allocator]
static ALLOC: CountingAlloc = CountingAlloc;

const SECOND: u64 = 1_000_000_000;

fn anomaly(orders: &OrderManager, name: &str) -> u64 {
    orders.anomalies().find(|(at, _)| *at == name).map_or(0, |(_, count)| count)
}

fn accept(id: u32) -> Say {
    Say::Accepted { id, side: Side::Buy, qty: 10, price: 900, order_ref: 7, dead: false }
}

fn fill(id: u32, qty: u32, match_number: u64) -> Say {
    Say::Executed { id, qty, price: 900, flag: b'A', match_number }
}

/// A login request as SoupBinTCP 3.00 lays it out: user 6, password 10, session 10, sequence 20.
fn login(session: &str, sequence: u64) -> Vec<u8> {
    format!("\0\x2fL{:<6}{:<10}{session:>10}{sequence:>20}", "NOFX", "NOFX").into_bytes()
}

fn drain(orders: &mut OrderManager) -> Vec<OrderUpdate> {
    std::iter::from_fn(|| orders.poll_update()).collect()
}

#[test]
fn login_asks_for_all_of_the_day_and_after_a_drop_for_what_was_not_seen() {
    let mut orders = manager(&config(Protocol::Ouch50));
    assert_eq!(orders.login(NOW), login("", 1));
    assert_eq!((orders.session(), orders.is_up()), (SessionState::LoggingIn, false));
    let session = soup::session_name("DAY1").expect("short");
    orders.receive(NOW, &soup::login_accepted(session, 1));
    assert!(orders.is_up());
    for _ in 0..3 {
        orders.receive(NOW, &far::frame(Protocol::Ouch50, &Say::Day));
    }
    assert_eq!(orders.next_seq(), 4);
    orders.disconnected(NOW);
    assert!(!orders.is_up());
    assert_eq!(orders.login(NOW), login("DAY1", 4));
    // The server starts one message earlier, then later than asked.
    orders.receive(NOW, &soup::login_accepted(session, 3));
    orders.receive(NOW, &far::frame(Protocol::Ouch50, &Say::Day));
    assert_eq!((orders.next_seq(), anomaly(&orders, "replayed")), (4, 1));
    orders.login(NOW);
    orders.receive(NOW, &soup::login_accepted(session, 9));
    assert_eq!((orders.next_seq(), anomaly(&orders, "missed")), (9, 5));
    // Another session counts anew.
    orders.login(NOW);
    orders.receive(NOW, &soup::login_accepted(soup::session_name("DAY2").expect("short"), 1));
    assert_eq!((orders.next_seq(), anomaly(&orders, "missed")), (1, 5));
}

#[test]
fn refusal_end_and_logout_are_states() {
    let mut orders = manager(&config(Protocol::Ouch50));
    orders.login(NOW);
    orders.receive(NOW, &soup::login_rejected(b'A'));
    assert_eq!(orders.session(), SessionState::Refused(b'A'));
    assert_eq!(anomaly(&orders, "login_rejected"), 1);
    let mut orders = up(&config(Protocol::Ouch50));
    orders.receive(NOW, &soup::END_OF_SESSION);
    assert_eq!(orders.session(), SessionState::Ended);
    let mut orders = up(&config(Protocol::Ouch50));
    assert_eq!(orders.logout(), b"\x00\x01O");
    assert!(!orders.is_up());
    let mut orders = up(&config(Protocol::Ouch50));
    orders.receive(NOW, b"\x00\x00rest of a broken stream");
    assert_eq!(orders.session(), SessionState::Broken);
    assert_eq!(anomaly(&orders, "broken_stream"), 1);
    let session = soup::session_name("DAY1").expect("short");
    orders.receive(NOW, &soup::login_accepted(session, 1));
    assert_eq!(orders.session(), SessionState::Broken, "only a login mends it");
    orders.login(NOW);
    orders.receive(NOW, &soup::login_accepted(session, 1));
    assert!(orders.is_up());
}

#[test]
fn frames_at_the_wrong_time_change_nothing() {
    let session = soup::session_name("DAY1").expect("short");
    let mut orders = manager(&config(Protocol::Ouch50));
    orders.receive(NOW, &far::frame(Protocol::Ouch50, &Say::Day)); // before any login
    orders.receive(NOW, &soup::login_accepted(session, 5)); // not asked for
    assert_eq!((orders.session(), orders.next_seq()), (SessionState::Down, 1));
    let mut orders = up(&config(Protocol::Ouch50));
    orders.receive(NOW, &soup::login_accepted(session, 900));
    orders.receive(NOW, &soup::login_rejected(b'S'));
    orders.receive(NOW, b"\x00\x02UX\x00\x01R\x00\x01?");
    assert_eq!((orders.session(), orders.next_seq()), (SessionState::Up, 1));
    assert_eq!(anomaly(&orders, "unexpected_frame"), 5);
    // What the venue still says after our logout is read: it may be a fill.
    orders.logout();
    orders.receive(NOW, &far::frame(Protocol::Ouch50, &Say::Day));
    assert_eq!(orders.next_seq(), 2);
}

#[test]
fn heartbeats_follow_own_silence_and_the_session_ends_after_the_servers() {
    let mut orders = up(&config(Protocol::Ouch50));
    let at = |ns: u64| Nanos(NOW.0 + ns);
    assert_eq!(orders.keep_alive(at(SECOND - 1)), None);
    assert_eq!(orders.keep_alive(at(SECOND)), Some(&b"\x00\x01R"[..]));
    assert_eq!(orders.keep_alive(at(2 * SECOND - 1)), None);
    orders.receive(at(14 * SECOND), &soup::SERVER_HEARTBEAT);
    assert!(orders.keep_alive(at(28 * SECOND)).is_some());
    assert_eq!(orders.keep_alive(at(29 * SECOND)), None);
    assert_eq!((orders.session(), anomaly(&orders, "silence")), (SessionState::Down, 1));
    let mut quiet = config(Protocol::Ouch50);
    (quiet.heartbeat_ns, quiet.silence_ns) = (0, 0);
    let mut orders = up(&quiet);
    assert_eq!(orders.keep_alive(at(1_000 * SECOND)), None);
    assert!(orders.is_up());
}

/// A client with three orders out, and the bytes that answer them.
fn conversation(protocol: Protocol) -> (Client, Vec<u8>) {
    let mut client = Client::new(up(&config(protocol)));
    for _ in 1..=3 {
        client.send(buy(0, 900, 10)).expect("sent");
    }
    let says = [
        accept(1),
        accept(2),
        Say::Rejected { id: 3 },
        Say::Day,
        fill(1, 4, 1),
        Say::Canceled { id: 2, qty: 10, reason: b'H' },
        fill(1, 6, 2),
        Say::Broken { id: 1, match_number: 1 },
    ];
    let mut bytes: Vec<u8> = says.iter().flat_map(|say| far::frame(protocol, say)).collect();
    bytes.extend(soup::SERVER_HEARTBEAT);
    bytes.extend(b"\x00\x05+text");
    (client, bytes)
}

#[test]
fn a_stream_cut_anywhere_tells_the_same() {
    for protocol in [Protocol::Ouch50, Protocol::Ouch42] {
        let (mut whole, bytes) = conversation(protocol);
        whole.receive(&bytes);
        assert_eq!(whole.told.len(), 7);
        whole.assert_released("a stream in one piece");
        for first in 0..=bytes.len() {
            let second = first + (bytes.len() - first) / 2;
            let (mut client, _) = conversation(protocol);
            for part in [&bytes[..first], &bytes[first..second], &bytes[second..]] {
                client.receive(part);
            }
            assert_eq!(client.told, whole.told, "cut at {first} and {second}");
        }
        let (mut client, _) = conversation(protocol);
        bytes.chunks(1).for_each(|byte| client.receive(byte));
        assert_eq!(client.told, whole.told, "byte by byte");
    }
}

#[test]
fn frames_of_the_longest_kind_pass_in_pieces() {
    let mut long = vec![0xff, 0xff, b'+'];
    long.resize(soup::FRAME_MAX, b'x');
    let mut orders = up(&config(Protocol::Ouch50));
    long.extend(far::frame(Protocol::Ouch50, &Say::Day));
    for piece in long.chunks(1_000) {
        orders.receive(NOW, piece);
    }
    assert_eq!((orders.next_seq(), orders.anomalies().count()), (2, 0));
}

#[test]
fn the_bound_of_the_queue_holds_for_the_frames_that_make_most_news() {
    // Replacing orders that are cancelled: two updates for 21 bytes.
    let mut big = config(Protocol::Ouch50);
    big.orders_max = 16_384;
    let mut orders = up(&big);
    let key = nofx_gate::GateKey::issue();
    let send = |orders: &mut OrderManager, mut intent: OrderIntent| {
        orders.stage(&mut intent).expect("passes");
        assert!(orders.encode(key.clear(intent)).is_some());
        intent.cl_ord_id
    };
    let pairs = (65_536 + 65_536) / 21;
    let mut bytes = Vec::new();
    for _ in 0..pairs {
        let id = send(&mut orders, buy(0, 900, 10));
        orders.receive(NOW, &far::frame(Protocol::Ouch50, &accept(id.0)));
        drain(&mut orders);
        let replace = OrderIntent::replace(
            InstrumentId(0),
            id,
            Side::Buy,
            nofx_types::Price(901),
            nofx_types::Qty(5),
        );
        send(&mut orders, replace);
        let cancel = Say::Canceled { id: id.0, qty: 10, reason: b'H' };
        bytes.extend(far::frame(Protocol::Ouch50, &cancel));
    }
    orders.receive(NOW, &bytes);
    assert_eq!(drain(&mut orders).len(), 2 * pairs);
    assert_eq!((orders.open_orders(), orders.anomalies().count()), (0, 0));
}

#[test]
fn no_bytes_make_it_panic() {
    for seed in 0..400 {
        let mut rng = Rng::new(seed);
        let protocol = [Protocol::Ouch50, Protocol::Ouch42][seed as usize % 2];
        let (mut client, good) = conversation(protocol);
        for _ in 0..30 {
            // Good bytes with some changed, so that most frames are found; sometimes noise.
            let mut bytes = good.clone();
            for _ in 0..rng.below(8) {
                let at = rng.below(bytes.len() as u64) as usize;
                bytes[at] = rng.next() as u8;
            }
            if rng.chance(1, 5) {
                bytes = (0..rng.below(300)).map(|_| rng.next() as u8).collect();
            }
            client.receive(&bytes);
            if client.orders.session() == SessionState::Broken || rng.chance(1, 20) {
                client.orders.login(NOW);
                let session = soup::session_name("DAY1").expect("short");
                client.receive(&soup::login_accepted(session, 1 + rng.below(40)));
            }
            client.send(buy(0, 900, 10));
        }
    }
}

#[test]
fn nothing_allocates_after_construction() {
    for protocol in [Protocol::Ouch50, Protocol::Ouch42] {
        let mut orders = up(&config(protocol));
        let answers: Vec<Vec<u8>> = (0..500u32)
            .map(|n| {
                let id = n + 1;
                let says = [accept(id), fill(id, 3, id.into()), Say::Rejected { id: id + 900 }];
                let mut bytes: Vec<u8> =
                    says.iter().flat_map(|say| far::frame(protocol, say)).collect();
                bytes.extend(far::frame(protocol, &Say::Canceled { id, qty: 7, reason: b'U' }));
                bytes
            })
            .collect();
        let key = nofx_gate::GateKey::issue();
        let before = guard::sealed_allocations();
        let seal = guard::seal(OnSealed::Count);
        let mut updates = 0;
        for bytes in &answers {
            let mut intent = buy(0, 900, 10);
            assert!(orders.stage(&mut intent).is_ok());
            assert!(orders.encode(key.clear(intent)).is_some());
            let (front, back) = bytes.split_at(bytes.len() / 3);
            orders.receive(NOW, front);
            orders.receive(NOW, back);
            let _ = orders.keep_alive(Nanos(NOW.0 + SECOND));
            while orders.poll_update().is_some() {
                updates += 1;
            }
        }
        orders.disconnected(NOW);
        orders.login(NOW);
        drop(seal);
        assert_eq!(guard::sealed_allocations() - before, 0);
        assert_eq!((updates, orders.sent(), orders.open_orders()), (1_500, 500, 0));
    }
}

#[test]
fn bad_configuration_is_refused_by_key() {
    let refused = |change: fn(&mut OrderConfig), key: &str| {
        let mut config = OrderConfig::default();
        change(&mut config);
        let error: ConfigError = OrderManager::new(&config).expect_err(key);
        assert_eq!(error.key, key);
        assert!(error.to_string().starts_with(key), "{error}");
    };
    refused(|c| c.username = "SEVENCH".into(), "session.username");
    refused(|c| c.username = "A B".into(), "session.username");
    refused(|c| c.password = "ELEVENCHARS".into(), "session.password");
    refused(|c| c.firm = "FIRMS".into(), "session.firm");
    refused(|c| c.session = "ELEVENCHARS".into(), "session.session");
    refused(|c| c.capacity = 'X', "session.capacity");
    refused(|c| c.orders_max = 100, "session.orders_max");
    refused(|c| c.orders_max = 0, "session.orders_max");
    refused(|c| c.orders_max = 1 << 25, "session.orders_max");
    refused(|c| c.fills_max = 0, "session.fills_max");
    refused(|c| c.instruments = 0, "instruments.capacity");
    let throttle: fn(&mut OrderConfig) = |c| (c.throttle_max, c.throttle_window_ns) = (10, 9);
    refused(throttle, "session.throttle_window_ns");
    assert!(OrderManager::new(&OrderConfig::default()).is_ok());
}

#[test]
fn memory_is_stated_and_constant() {
    let (mut client, bytes) = conversation(Protocol::Ouch50);
    let before: Vec<_> = client.orders.memory().collect();
    client.receive(&bytes);
    assert_eq!(client.orders.memory().collect::<Vec<_>>(), before);
    assert!(before.iter().all(|(_, bytes)| *bytes > 0), "{before:?}");
}

#[test]
fn ids_that_do_not_rise_are_refused() {
    let mut orders = up(&config(Protocol::Ouch50));
    let mut intent = buy(0, 900, 10);
    intent.cl_ord_id = ClOrdId(5);
    assert!(orders.stage(&mut intent).is_ok());
    let mut again = buy(0, 900, 10);
    again.cl_ord_id = ClOrdId(5);
    assert!(orders.stage(&mut again).is_err());
    let mut next = buy(0, 900, 10);
    assert!(orders.stage(&mut next).is_ok());
    assert_eq!(next.cl_ord_id, ClOrdId(6));
}
