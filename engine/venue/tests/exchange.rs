//! The venue that stands alone: what each kind of order, phase and firm gets, byte by byte.

mod common;
mod market;

use common::*;
use market::{Bench, SECOND, be, config};
use nofx_types::Nanos;
use nofx_venue::exchange::{FlowConfig, GlimpseSession, HaltConfig, Stage};

const MARKET: u64 = 0x7fff_ffff;
const BBB: Extra<'static> = Extra { symbol: "BBB", ..PLAIN };
const NOTHING: [&str; 0] = [];

#[test]
fn each_kind_of_order_gets_what_it_asks_for() {
    let mut bench = Bench::open(&config());
    assert_eq!(bench.ask(0, &enter(1, b'B', 300, 100_000, PLAIN)), ["A 1 B 300@100000 L"]);
    assert_eq!(bench.ask(0, &enter(2, b'B', 100, 100_000, PLAIN)), ["A 2 B 100@100000 L"]);
    assert_eq!(bench.ask(0, &enter(3, b'B', 100, 100_100, PLAIN)), ["A 3 B 100@100100 L"]);
    // Best price first, then time; the trade is at the resting price.
    let heard = bench.ask(1, &enter(1, b'S', 350, 100_000, IOC));
    assert_eq!(heard, ["A 1 S 350@100000 L", "E 1 100@100100 R", "E 1 250@100000 R"]);
    assert_eq!(bench.hear(0), ["E 3 100@100100 A", "E 1 250@100000 A"]);
    // The rest of an immediate-or-cancel order is cancelled.
    let heard = bench.ask(1, &enter(2, b'S', 500, 100_000, IOC));
    let want = ["A 2 S 500@100000 L", "E 2 50@100000 R", "E 2 100@100000 R", "C 2 350 I"];
    assert_eq!(heard, want);
    assert_eq!(bench.hear(0), ["E 1 50@100000 A", "E 2 100@100000 A"]);
    // Post-only.
    assert_eq!(bench.ask(0, &enter(4, b'S', 100, 110_000, POST_ONLY)), ["A 4 S 100@110000 L"]);
    let heard = bench.ask(1, &enter(3, b'B', 100, 110_000, POST_ONLY));
    assert_eq!(heard, ["A 3 B 100@110000 L", "C 3 100 F"]);
    // Market: only where it does not rest.
    assert_eq!(bench.ask(1, &enter(4, b'B', 100, MARKET, PLAIN)), ["J 4 0x1d"]);
    let heard = bench.ask(1, &enter(5, b'B', 150, MARKET, IOC));
    assert_eq!(heard, ["A 5 B 150@2147483647 L", "E 5 100@110000 R", "C 5 50 I"]);
    assert_eq!(bench.hear(0), ["E 4 100@110000 A"]);
    let dump = bench.agreed();
    assert_eq!(dump.executions.len(), 5);
    assert!(bench.reader.books.values().all(Vec::is_empty));
}

#[test]
fn what_cannot_be_is_rejected_with_its_reason() {
    let mut config = config();
    config.market.max_quantity = 1_000;
    let mut bench = Bench::open(&config);
    for (at, (quantity, price, extra, reason)) in [
        (0, 100_000, PLAIN, "0x13"),
        (1_001, 100_000, PLAIN, "0x1e"),
        (100, 0, PLAIN, "0x1d"),
        (100, 100_050, PLAIN, "0x1d"),
        (100, 2_000_000_000, PLAIN, "0x1d"),
        (100, u64::MAX, PLAIN, "0x1d"),
        (100, 100_000, Extra { symbol: "CCC", ..PLAIN }, "0x17"),
        (100, 100_000, Extra { display: b'N', ..PLAIN }, "0x03"),
        (100, 100_000, Extra { tif: b'6', ..PLAIN }, "0x0f"),
    ]
    .into_iter()
    .enumerate()
    {
        let user_ref = at as u32 + 1;
        let heard = bench.ask(0, &enter(user_ref, b'B', quantity, price, extra));
        assert_eq!(heard, [format!("J {user_ref} {reason}")]);
    }
    assert_eq!(bench.ask(0, &replace(1, 20, 100, 100_000, PLAIN)), ["J 20 0x15"]);
    assert_eq!(bench.ask(0, &cancel(1, 0)), ["I 1"]);
    // A number that does not rise is ignored silently; below a dollar every price is a tick.
    assert_eq!(bench.ask(0, &enter(20, b'B', 100, 100_000, PLAIN)), NOTHING);
    assert_eq!(bench.ask(0, &enter(21, b'B', 100, 9_999, PLAIN)), ["A 21 B 100@9999 L"]);
    assert_eq!(bench.ask(0, &frame(b'U', b"Q")), ["Q 22"]);
    bench.agreed();
}

#[test]
fn replaces_and_cuts_count_the_chain() {
    let mut bench = Bench::open(&config());
    bench.ask(0, &enter(1, b'B', 300, 100_000, PLAIN));
    bench.ask(1, &enter(1, b'S', 100, 100_000, IOC));
    assert_eq!(bench.hear(0), ["E 1 100@100000 A"]);
    // Total 500 of which 100 are filled: 400 stay open, at another price and behind others.
    assert_eq!(bench.ask(0, &replace(1, 2, 500, 100_100, PLAIN)), ["U 1>2 500@100100"]);
    assert_eq!(bench.reader.kinds.last(), Some(&b'U'));
    assert_eq!(bench.ask(0, &cancel(1, 0)), ["I 1"], "it is not there any more");
    assert_eq!(bench.ask(0, &cancel(2, 350)), ["C 2 150 U"]);
    assert_eq!(bench.ask(0, &cancel(2, 350)), ["I 2"], "no more to take off");
    // A replace that crosses comes in like a new order.
    bench.ask(1, &enter(2, b'S', 100, 100_200, PLAIN));
    let heard = bench.ask(0, &replace(2, 3, 300, 100_200, PLAIN));
    assert_eq!(heard, ["U 2>3 300@100200", "E 3 100@100200 R"]);
    let kinds = &bench.reader.kinds;
    assert_eq!(kinds[kinds.len() - 3..], *b"DEA");
    // A total that is filled already cancels; a post-only replace that crosses ends.
    assert_eq!(bench.ask(0, &replace(3, 4, 200, 100_000, PLAIN)), ["C 3 100 U"]);
    bench.ask(0, &enter(5, b'B', 100, 100_000, PLAIN));
    bench.ask(1, &enter(3, b'S', 100, 100_300, PLAIN));
    let heard = bench.ask(0, &replace(5, 6, 100, 100_300, POST_ONLY));
    assert_eq!(heard, ["U 5>6 100@100300", "C 6 100 F"]);
    bench.agreed();
}

#[test]
fn a_call_collects_and_ends_at_one_price() {
    let mut bench = Bench::new(&config());
    bench.hear(0);
    bench.hear(1);
    let orders = [(b'B', 200, 101_000), (b'B', 100, 100_500), (b'B', 100, 99_000)];
    for (id, (side, qty, price)) in (1..).zip(orders) {
        assert_eq!(bench.ask(0, &enter(id, side, qty, price, PLAIN)).len(), 1);
    }
    for (id, (side, qty, price)) in (1..).zip([(b'S', 150, 100_000), (b'S', 150, 100_500)]) {
        assert_eq!(bench.ask(1, &enter(id, side, qty, price, PLAIN)).len(), 1);
    }
    assert_eq!(bench.ask(1, &enter(3, b'S', 100, 1, IOC)), ["A 3 S 100@1 L", "C 3 100 I"]);
    assert_eq!(bench.ask(1, &replace(2, 4, 250, 100_500, PLAIN)), ["U 2>4 250@100500"]);
    bench.pass(SECOND);
    // At 100,500: 300 to buy, 400 to sell.
    let fills = ["E 1 150@100500 O", "E 1 50@100500 O", "E 2 100@100500 O"];
    assert_eq!(bench.hear(0), fills);
    assert_eq!(bench.hear(1), ["E 1 150@100500 O", "E 4 50@100500 O", "E 4 100@100500 O"]);
    assert_eq!(bench.reader.crosses, [(1, 300, 100_500, b'O'), (2, 0, 0, b'O')]);
    assert_eq!(bench.reader.states, [(1, b'T'), (2, b'T')].into());
    let dump = bench.agreed();
    assert!(dump.executions.iter().all(|e| e.cross && e.price == 100_500));
    assert_eq!(dump.books[0].asks.iter().map(|o| o.qty).collect::<Vec<_>>(), [100]);
    bench.reader.check_uncrossed();
}

#[test]
fn a_halt_refuses_orders_takes_cancels_and_ends_in_a_call() {
    let mut config = config();
    config.halts = vec![HaltConfig { symbol: "BBB".into(), at_s: 2, for_s: 1 }];
    let mut bench = Bench::open(&config);
    bench.ask(0, &enter(1, b'B', 100, 100_000, PLAIN));
    bench.ask(0, &enter(2, b'B', 100, 100_100, PLAIN));
    assert!(bench.exchange.halt("AAA") && !bench.exchange.halt("AAA"));
    assert!(!bench.exchange.halt("CCC") && !bench.exchange.resume("BBB"));
    assert_eq!(bench.ask(1, &enter(1, b'S', 100, 100_000, PLAIN)), ["J 1 0x07"]);
    assert_eq!(bench.ask(0, &cancel(2, 0)), ["C 2 100 U"]);
    assert_eq!(bench.ask(0, &replace(1, 3, 100, 99_000, PLAIN)), ["J 3 0x07"]);
    assert_eq!(bench.reader.states[&1], b'H');
    assert!(bench.exchange.resume("AAA"));
    assert_eq!(bench.ask(1, &enter(2, b'S', 100, 99_000, PLAIN)), ["A 2 S 100@99000 L"]);
    assert_eq!(bench.reader.states[&1], b'Q');
    bench.pass(2 * SECOND);
    assert_eq!(bench.hear(0), ["E 1 100@99000 H"], "nothing traded before: the nearest to 0");
    // The scheduled one: halted, then called, then trading.
    assert_eq!((bench.reader.states[&1], bench.reader.states[&2]), (b'T', b'H'));
    bench.pass(SECOND);
    assert_eq!(bench.reader.states[&2], b'Q');
    bench.pass(2 * SECOND);
    assert_eq!(bench.reader.states[&2], b'T');
    bench.agreed();
}

#[test]
fn the_day_has_its_phases_and_ends() {
    let mut config = config();
    (config.course.continuous_s, config.course.imbalance_s) = (2, 1);
    let mut bench = Bench::open(&config);
    assert_eq!(bench.exchange.stage(), Stage::Open);
    bench.ask(0, &enter(1, b'B', 100, 100_000, PLAIN));
    bench.ask(0, &enter(2, b'B', 100, 90_000, BBB));
    bench.pass(2 * SECOND);
    assert_eq!(bench.exchange.stage(), Stage::ClosingCall);
    bench.hear(0);
    bench.hear(1);
    assert_eq!(bench.ask(1, &enter(1, b'S', 40, 100_000, PLAIN)), ["A 1 S 40@100000 L"]);
    bench.pass(2 * SECOND);
    assert_eq!(bench.hear(1), ["E 1 40@100000 L"]);
    let heard = bench.hear(0);
    assert_eq!(heard, ["E 1 40@100000 L", "C 1 60 E", "C 2 100 E"]);
    assert_eq!(bench.ask(0, &enter(3, b'B', 100, 100_000, PLAIN)), ["J 3 0x02"]);
    assert!(bench.reader.books.values().all(Vec::is_empty));
    bench.pass(SECOND);
    assert_eq!(bench.hear(0), ["S E", "Z"]);
    assert_eq!(bench.reader.system, *b"OSQMEC");
    assert_eq!(bench.reader.crosses[2..], [(1, 40, 100_000, b'C'), (2, 0, 0, b'C')]);
    let ends = bench.packets.iter().filter(|packet| be(packet, 18, 2) == 0xffff);
    assert_eq!(ends.count(), 3);
    bench.agreed();
}

#[test]
fn firms_are_apart_and_keep_what_they_have_while_away() {
    let mut config = config();
    config.firms[1].cancel_on_disconnect = true;
    let mut bench = Bench::open(&config);
    for firm in [0, 1] {
        let price = 100_000 + firm as u64 * 100;
        let heard = bench.ask(firm, &enter(1, b'B', 100, price, PLAIN));
        assert_eq!(heard, [format!("A 1 B 100@{price} L")]);
        assert_eq!(bench.ask(firm, &enter(2, b'S', 100, 200_000, BBB)).len(), 1);
    }
    bench.disconnect(0);
    bench.disconnect(1);
    // The second firm's orders ended with its connection; the first one's trade on.
    bench.connect(1, 4);
    assert_eq!(bench.hear(1), ["login 4", "C 1 100 Z", "C 2 100 Z"]);
    let heard = bench.ask(1, &enter(3, b'S', 40, 100_000, IOC));
    assert_eq!(heard, ["A 3 S 40@100000 L", "E 3 40@100000 R"]);
    // Exactly what was missed, then what is new.
    bench.connect(0, 4);
    assert_eq!(bench.hear(0), ["login 4", "E 1 40@100000 A"]);
    assert_eq!(bench.ask(0, &cancel(1, 0)), ["C 1 60 U"]);
    bench.agreed();
}

#[test]
fn mass_cancels_take_what_they_name() {
    let mut bench = Bench::open(&config());
    let group = Extra { tags: &[3, 24, 0, 7], ..PLAIN };
    for (id, (side, price, extra)) in
        (1..).zip([(b'B', 100_000, PLAIN), (b'S', 110_000, BBB), (b'B', 100_000, group)])
    {
        assert_eq!(bench.ask(0, &enter(id, side, 100, price, extra)).len(), 1);
        assert_eq!(bench.ask(1, &enter(id, side, 100, price, extra)).len(), 1);
    }
    assert_eq!(bench.ask(0, &mass_cancel(4, "BBB", &[])), ["X 4", "C 2 100 U"]);
    assert_eq!(bench.ask(0, &mass_cancel(5, "", &[3, 24, 0, 7])), ["X 5", "C 3 100 U"]);
    assert_eq!(bench.ask(0, &mass_cancel(6, "", &[2, 27, b'S'])), ["X 6"]);
    assert_eq!(bench.ask(0, &mass_cancel(7, "CCC", &[])), ["X 7"]);
    assert_eq!(bench.ask(0, &mass_cancel(8, "", &[])), ["X 8", "C 1 100 U"]);
    let dump = bench.agreed();
    assert_eq!(dump.books.iter().map(|b| b.bids.len() + b.asks.len()).sum::<usize>(), 3);
}

#[test]
fn too_many_messages_are_rejected_until_the_window_is_over() {
    let mut config = config();
    (config.firms[0].throttle_messages, config.firms[0].throttle_reason) = (2, 0x0a);
    let mut bench = Bench::open(&config);
    let ask = |bench: &mut Bench, id| bench.ask(0, &enter(id, b'B', 100, 100_000, PLAIN));
    assert_eq!(ask(&mut bench, 1).len() + ask(&mut bench, 2).len(), 2);
    assert_eq!(ask(&mut bench, 3), ["J 3 0x0a"]);
    assert_eq!(bench.ask(0, &replace(1, 4, 50, 100_000, PLAIN)), ["J 4 0x0a"]);
    assert_eq!(bench.ask(0, &cancel(1, 0)), ["C 1 100 U"], "cancels are free");
    assert_eq!(bench.ask(1, &enter(1, b'B', 100, 100_000, PLAIN)).len(), 1, "another firm");
    bench.pass(SECOND);
    bench.hear(0);
    assert_eq!(ask(&mut bench, 5), ["A 5 B 100@100000 L"]);
}

#[test]
fn a_firm_trades_with_itself_only_where_it_may() {
    let mut config = config();
    config.firms[0].self_trade = false;
    let mut bench = Bench::open(&config);
    bench.ask(0, &enter(1, b'B', 100, 100_200, PLAIN));
    bench.ask(1, &enter(1, b'B', 100, 100_100, PLAIN));
    bench.ask(0, &enter(2, b'B', 100, 100_000, PLAIN));
    bench.ask(0, &enter(3, b'B', 100, 99_900, PLAIN));
    // 150: the own order in front ends, then 100 trade, then the own order that would be next ends.
    let heard = bench.ask(0, &enter(4, b'S', 150, 100_000, PLAIN));
    assert_eq!(heard, ["A 4 S 150@100000 L", "?D", "?D", "E 4 100@100100 R"]);
    let dump = bench.agreed();
    assert_eq!(
        dump.books[0].asks.iter().map(|o| (o.user_ref, o.qty)).collect::<Vec<_>>(),
        [(4, 50)]
    );
    assert_eq!(dump.books[0].bids.iter().map(|o| o.user_ref).collect::<Vec<_>>(), [3]);
    // The other firm may.
    let heard = bench.ask(1, &enter(2, b'B', 50, 100_000, PLAIN));
    assert_eq!(heard[1..], ["E 2 50@100000 R"]);
    bench.ask(1, &enter(3, b'S', 100, 120_000, PLAIN));
    let heard = bench.ask(1, &enter(4, b'B', 100, 120_000, PLAIN));
    assert_eq!(heard[1..], ["E 3 100@120000 A", "E 4 100@120000 R"]);
}

#[test]
fn a_client_that_does_not_read_is_cut_off_and_misses_nothing() {
    let mut config = config();
    config.market.history = 30_000;
    let mut bench = Bench::open(&config);
    // Each turn of the other firm fills one share of it; nobody takes the reports.
    bench.ask(0, &enter(1, b'B', 100_000, 100_000, PLAIN));
    let mut sent = 0;
    while bench.exchange.port(0).expect("a firm").is_connected() {
        sent += 1;
        bench.send(1, &enter(sent, b'S', 1, 100_000, IOC));
        bench.hear(1);
        assert!(sent < 60_000, "it is never cut off");
    }
    bench.turn();
    assert!(!bench.exchange.port(0).expect("a firm").is_logged_in());
    let next = bench.exchange.port(0).expect("a firm").next_seq();
    assert_eq!(u64::from(sent) + 3, next, "every fill has its number");
    // What is kept is served; what is not is refused.
    bench.connect(0, next - 30_001);
    assert_eq!(bench.hear(0), ["J"]);
    bench.send(0, &login("", "", next - 30_000));
    assert_eq!(bench.exchange.port(0).expect("a firm").stats().logins, 2);
    let port = bench.exchange.port(0).expect("a firm");
    let served = std::iter::from_fn(|| port.poll_out(Nanos(u64::MAX)).map(|_| ())).count();
    assert_eq!(served, 30_001, "login accepted and the history");
}

#[test]
fn snapshot_clients_get_an_image_or_a_reason() {
    let mut config = config();
    (config.glimpse.username, config.glimpse.password) = ("snap".into(), "shot".into());
    let mut bench = Bench::open(&config);
    bench.ask(0, &enter(1, b'B', 100, 100_000, PLAIN));
    let mut session = |bytes: &[&[u8]]| {
        let mut session = GlimpseSession::new(bench.exchange.now());
        bytes.iter().for_each(|bytes| session.on_bytes(bytes, &mut bench.exchange));
        session
    };
    let good = login("snap", "shot", 1);
    for cut in 0..good.len() {
        let (front, back) = good.split_at(cut);
        let served = session(&[front, back]);
        assert!(served.is_open() && served.was_served(), "cut at {cut}");
        assert!(served.output().ends_with(format!("G{:>20}", bench_next(&served)).as_bytes()));
    }
    for (bytes, want) in [
        (login("snap", "shut", 1), Some(b'A')),
        (login("snap", "shot", 0), Some(b'S')),
        (login("snap", "shot", 2), Some(b'S')),
        (frame(b'U', b"x"), None),
        (vec![0, 0], None),
        (vec![0xff; 200], None),
    ] {
        let turned_away = session(&[&bytes]);
        assert!(!turned_away.is_open() && !turned_away.was_served());
        let reason = want.map_or(vec![], |reason| vec![0, 2, b'J', reason]);
        assert_eq!(turned_away.output(), reason, "{bytes:?}");
    }
    let mut quiet = session(&[&good]);
    let len = quiet.output().len();
    quiet.sent(Nanos(5 * SECOND), len);
    quiet.on_time(Nanos(6 * SECOND));
    assert_eq!(quiet.output(), [0, 1, b'H']);
    quiet.on_time(Nanos(20 * SECOND));
    assert!(!quiet.is_open(), "silence ends it");
}

/// The number behind an image, from its own text.
fn bench_next(session: &GlimpseSession) -> u64 {
    let output = session.output();
    let digits = std::str::from_utf8(&output[output.len() - 20..]).expect("ASCII");
    digits.trim().parse().expect("a number")
}

#[test]
fn a_flow_that_does_not_fit_is_refused_with_its_key() {
    let mut config = config();
    config.flow = FlowConfig::default();
    config.market.orders = 100;
    let error = nofx_venue::exchange::Exchange::new(&config, &[], Nanos(0));
    assert!(error.err().expect("too small").to_string().starts_with("market.orders: 100"));
}
