//! The order session over real bytes: framing, login, numbers, reconnects.

mod common;

use common::*;
use nofx_types::{Nanos, Side};
use nofx_venue::acceptor::{Acceptor, Request};
use nofx_venue::{MarketKind, VenueConfig};

const NOTHING: [&str; 0] = [];

fn acceptor(config: &VenueConfig) -> Acceptor {
    Acceptor::new(config, &mut |_| Err(std::io::Error::other("no files"))).expect("usable")
}

fn drain(acceptor: &mut Acceptor) -> Vec<Vec<u8>> {
    let mut frames = Vec::new();
    while let Some((_, bytes)) = acceptor.poll_out(Nanos(u64::MAX)) {
        frames.push(bytes.to_vec());
    }
    frames
}

/// Written from the documents with Python's `struct`: login of `trader`/`secret`, then Enter Order
/// 258, buy 100 `AAA` at 12.34, day, visible, principal, client text `c1`, tag 24 = 7.
const LOGIN: &str = "002f4c7472616465727365637265742020202020202020202020202020202020\
    2020202020202020202020202020202031";
const ENTER: &str = "0034554f0000010242000000644141412020202020000000000001e208305950\
    4e4e6331202020202020202020202020000403180007";
/// Login Accepted: session `      NOFX`, sequence 1.
const LOGIN_ACCEPTED: &str = "001f412020202020204e4f465820202020202020202020202020202020202020\
    31";
/// System Event `S` at 5 ns after midnight.
const DAY_STARTS: &str = "000b5353000000000000000553";
/// Accepted at 7 ns after midnight, live, our order id 2^63 + 1.
const ACCEPTED: &str = "0041534100000000000000070000010242000000644141412020202020000000\
    000001e20830598000000000000001504e4e4c63312020202020202020202020\
    200000";

fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.bytes().filter(u8::is_ascii_hexdigit).collect();
    let byte =
        |pair: &[u8]| std::str::from_utf8(pair).ok().and_then(|p| u8::from_str_radix(p, 16).ok());
    digits.chunks(2).map(|pair| byte(pair).expect("two hex digits")).collect()
}

#[test]
fn a_login_and_an_order_byte_for_byte() {
    let mut config = config(2, 3);
    (config.session.username, config.session.password) = ("trader".into(), "secret".into());
    config.midnight_ns = 1_000;
    let mut read = |_: &str| Err(std::io::Error::other("no files"));
    let mut venue =
        nofx_venue::ReplayVenue::new(&config, &instruments(), MarketKind::Orders, &mut read)
            .expect("usable");
    let at = |venue: &mut nofx_venue::ReplayVenue, now: u64| {
        venue.on_time(Nanos(now));
        let mut heard = Vec::new();
        while let Some((when, bytes)) = venue.poll_out(Nanos(now)) {
            heard.push((when.0, bytes.to_vec()));
        }
        heard
    };
    assert_eq!(venue.on_bytes(Nanos(1_003), &hex(LOGIN)), 49);
    assert_eq!(at(&mut venue, 1_007), []);
    let answers = vec![(1_008, hex(LOGIN_ACCEPTED)), (1_008, hex(DAY_STARTS))];
    assert_eq!(at(&mut venue, 1_008), answers);
    venue.on_bytes(Nanos(1_005), &hex(ENTER));
    assert_eq!(at(&mut venue, 1_010), [(1_010, hex(ACCEPTED))]);
}

#[test]
fn who_may_log_in() {
    let mut config = config(0, 0);
    (config.session.username, config.session.password) = ("me".into(), "pw".into());
    let elsewhere = format!("{:<6}{:<10}{:<10}{:>20}", "me", "pw", "OTHER", 1);
    for (bytes, want) in [
        (login("me", "no", 1), &[0, 2, b'J', b'A'][..]),
        (login("", "", 1), &[0, 2, b'J', b'A']),
        (frame(b'L', elsewhere.as_bytes()), &[0, 2, b'J', b'S']),
        (login("me", "pw", 2), &[0, 2, b'J', b'S']), // a message nobody has sent
    ] {
        let mut acceptor = acceptor(&config);
        assert_eq!(acceptor.on_bytes(Nanos(1), &bytes), bytes.len());
        assert_eq!(acceptor.next_request(Nanos(9), 0), None);
        assert_eq!(drain(&mut acceptor), [want]);
        assert_eq!((acceptor.is_logged_in(), acceptor.stats().logins_refused), (false, 1));
        // Nothing is taken without a login.
        _ = acceptor.on_bytes(Nanos(2), &enter(1, b'B', 1, 100, PLAIN));
        assert_eq!(acceptor.next_request(Nanos(9), 0), None);
        assert_eq!((acceptor.stats().not_logged_in, drain(&mut acceptor).len()), (1, 0));
    }
}

#[test]
fn numbers_rise_or_are_ignored() {
    let mut stage = Stage::plain();
    assert_eq!(stage.ask(&enter(5, b'B', 1, 100, PLAIN)), ["A 5 B 1@100 L"]);
    assert_eq!(stage.ask(&enter(5, b'B', 1, 100, PLAIN)), NOTHING, "a blind resend");
    assert_eq!(stage.ask(&enter(4, b'B', 1, 100, PLAIN)), NOTHING);
    assert_eq!(stage.ask(&replace(5, 3, 1, 200, PLAIN)), NOTHING);
    assert_eq!(stage.ask(&frame(b'U', b"Q")), ["Q 6"]);
    // A refused order used its number up.
    assert_eq!(stage.ask(&enter(9, b'B', 0, 100, PLAIN)), ["J 9 0x13"]);
    assert_eq!(stage.ask(&enter(9, b'B', 1, 100, PLAIN)), NOTHING);
    assert_eq!(stage.ask(&enter(10, b'B', 1, 100, PLAIN)), ["A 10 B 1@100 L"]);
    assert_eq!(stage.count("stale_refs"), 4);
}

#[test]
fn entry_may_be_disabled_and_enabled() {
    let switch = |kind: u8, user_ref: u32| {
        let body = [&[kind][..], &user_ref.to_be_bytes(), b"FIRM", &[0, 0]].concat();
        frame(b'U', &body)
    };
    let mut stage = Stage::plain();
    stage.ask(&enter(1, b'B', 1, 100, PLAIN));
    assert_eq!(stage.ask(&switch(b'D', 2)), ["G 2"]);
    assert_eq!(stage.ask(&enter(3, b'B', 1, 100, PLAIN)), ["J 3 0x0c"]);
    assert_eq!(stage.ask(&cancel(1, 0)), ["C 1 1 U"]);
    assert_eq!(stage.ask(&switch(b'E', 4)), ["K 4"]);
    assert_eq!(stage.ask(&enter(5, b'B', 1, 100, PLAIN)), ["A 5 B 1@100 L"]);
}

#[test]
fn a_reconnecting_client_hears_what_it_missed() {
    let mut stage = Stage::plain();
    stage.ask(&enter(1, b'B', 100, 100_000, PLAIN));
    stage.venue.disconnect(Nanos(stage.now));
    stage.add(1, Side::Sell, 30, 100_000);
    assert_eq!(stage.hear(), NOTHING, "nobody is there");
    stage.pass(10);
    stage.venue.connect(Nanos(stage.now));
    // It has heard number 1 (the day starts) and 2 (accepted), and asks for 3.
    assert_eq!(stage.ask(&login("", "", 3)), ["login 3", "E 1 30@100000 A"]);
    stage.add(2, Side::Sell, 30, 100_000);
    assert_eq!(stage.hear(), ["E 1 30@100000 A"]);
    // From the start, on a new connection; blind resends change nothing.
    stage.send(&[0, 1, b'O']);
    stage.pass(10);
    assert_eq!(stage.hear(), NOTHING);
    stage.venue.connect(Nanos(stage.now));
    let all = ["login 1", "S S", "A 1 B 100@100000 L", "E 1 30@100000 A", "E 1 30@100000 A"];
    assert_eq!(stage.ask(&login("", "", 1)), all);
    assert_eq!(stage.ask(&enter(1, b'B', 100, 100_000, PLAIN)), NOTHING);
    // Only what is new.
    stage.venue.disconnect(Nanos(stage.now));
    stage.pass(10);
    stage.hear();
    stage.venue.connect(Nanos(stage.now));
    assert_eq!(stage.ask(&login("", "", 0)), ["login 5"]);
    assert_eq!(stage.venue.open_orders(), 1);
}

#[test]
fn a_connection_that_ends_may_cancel() {
    for (cancels, open) in [(false, 1), (true, 0)] {
        let mut config = config(100, 0);
        config.session.cancel_on_disconnect = cancels;
        let mut stage = Stage::new(&config, MarketKind::Orders);
        stage.ask(&enter(1, b'B', 100, 100_000, PLAIN));
        stage.venue.disconnect(Nanos(stage.now));
        stage.pass(1_000);
        stage.hear();
        assert_eq!(stage.venue.open_orders(), open);
        stage.venue.connect(Nanos(stage.now));
        let heard = stage.ask(&login("", "", 3));
        assert_eq!(heard[1..], ["C 1 100 Z"][..1 - open]);
    }
}

#[test]
fn history_that_is_gone_refuses_the_login() {
    let mut config = config(0, 0);
    config.sizes.history = 8;
    let mut stage = Stage::new(&config, MarketKind::Orders);
    for user_ref in 1..=8 {
        stage.ask(&enter(user_ref, b'B', 1, 100, PLAIN));
    }
    stage.venue.disconnect(Nanos(stage.now));
    stage.pass(10);
    stage.hear();
    stage.venue.connect(Nanos(stage.now));
    assert_eq!(stage.ask(&login("", "", 1)), ["J"], "number 1 fell out");
    assert_eq!(stage.ask(&login("", "", 2)).len(), 9);
}

#[test]
fn the_venue_beats_while_it_has_nothing_to_say_and_notices_silence() {
    let mut config = config(0, 0);
    (config.session.heartbeat_ns, config.session.silence_ns) = (1_000_000_000, 15_000_000_000);
    let mut stage = Stage::new(&config, MarketKind::Orders);
    let login = stage.now;
    stage.now = 1_000 + 1_500_000_000;
    assert_eq!(stage.hear(), ["H"]);
    assert_eq!(stage.hear(), NOTHING);
    stage.send(&[0, 1, b'R']);
    stage.now = login + 14_000_000_000;
    assert_eq!(stage.hear(), ["H"], "one, however long we looked away");
    assert_eq!(stage.ask(&enter(1, b'B', 1, 100, PLAIN)), ["A 1 B 1@100 L"]);
    stage.pass(15_000_000_000);
    stage.hear();
    stage.pass(1);
    stage.hear();
    stage.send(&enter(2, b'B', 1, 100, PLAIN));
    assert!(stage.count("unconnected_bytes") > 0);
}

#[test]
fn a_client_that_does_not_listen_stops_the_venue_but_loses_nothing() {
    let mut config = config(0, 0);
    (config.sizes.outbox, config.sizes.open_orders, config.sizes.inbox) = (8, 8, 8);
    let mut acceptor = acceptor(&config);
    _ = acceptor.on_bytes(Nanos(1), &login("", "", 1));
    assert_eq!(acceptor.next_request(Nanos(1), 0), None);
    drain(&mut acceptor);
    let mut served = 0;
    for user_ref in 1..=30 {
        _ = acceptor.on_bytes(Nanos(2), &frame(b'U', b"Q"));
        _ = acceptor.on_bytes(Nanos(2), &enter(user_ref, b'B', 1, 100, PLAIN));
        while let Some((_, Request::Enter(_))) = acceptor.next_request(Nanos(2), 4) {
            served += 1;
        }
    }
    assert!(served < 30 && acceptor.room() >= 4, "{served} served, {} free", acceptor.room());
    assert_eq!(acceptor.stats().unsent, 0);
    assert!(!drain(&mut acceptor).is_empty());
    assert!(acceptor.next_request(Nanos(2), 4).is_some(), "it goes on where it stopped");
}

#[test]
fn garbage_of_any_kind_panics_nobody() {
    for seed in 0..300 {
        let mut rng = nofx_rt::rng::Rng::new(seed);
        let mut stage = Stage::plain();
        for _ in 0..50 {
            let valid = match rng.below(4) {
                0 => enter(rng.next() as u32, rng.next() as u8, rng.next() as u32, rng.next(), IOC),
                1 => replace(1, rng.next() as u32, rng.next() as u32, rng.next(), PLAIN),
                2 => mass_cancel(rng.next() as u32, "AAA", &[2, 27, rng.next() as u8]),
                _ => cancel(rng.below(20) as u32, rng.next() as u32),
            };
            let mut bytes = valid;
            if rng.chance(1, 2) {
                let at = rng.below(bytes.len() as u64) as usize;
                bytes[at] ^= 1 << rng.below(8);
            }
            bytes.truncate(rng.below(bytes.len() as u64 + 20) as usize);
            stage.venue.on_bytes(Nanos(stage.now), &bytes);
            stage.pass(10);
            stage.venue.on_time(Nanos(stage.now));
            while stage.venue.poll_out(Nanos(stage.now)).is_some() {}
        }
        assert_eq!(stage.count("unsent"), 0, "seed {seed}");
    }
}
