//! Whatever firms, flow and operator do, everybody hears the same: the published stream read by
//! itself, the reports of each firm, the snapshot and the dump describe one market.

mod common;
mod market;

use common::*;
use market::{Bench, Reader, SECOND, be, config};
use nofx_rt::rng::Rng;
use nofx_types::Nanos;
use nofx_venue::exchange::FlowConfig;

/// A request of a firm, mostly a sensible one.
fn request(rng: &mut Rng, next: &mut u32) -> Vec<u8> {
    let old = 1 + rng.below(u64::from(*next).max(1)) as u32;
    let extra = Extra {
        symbol: ["AAA", "BBB"][rng.below(2) as usize],
        tif: [b'0', b'0', b'0', b'3'][rng.below(4) as usize],
        display: [b'Y', b'A', b'P'][rng.below(3) as usize],
        tags: &[],
    };
    let (qty, price) = (1 + rng.below(300) as u32, 100_000 + 100 * rng.below(12));
    let mut new = || {
        *next += 1;
        *next
    };
    match rng.below(20) {
        0..10 => enter(new(), b"BS"[rng.below(2) as usize], qty, price, extra),
        10..14 => replace(old, new(), qty, price, extra),
        14..16 => cancel(old, 0),
        16..18 => cancel(old, rng.below(200) as u32),
        18 if rng.chance(1, 6) => mass_cancel(new(), extra.symbol, &[]),
        _ => {
            let mut body = vec![b'M'];
            body.extend(old.to_be_bytes());
            body.push(b"BST"[rng.below(3) as usize]);
            body.extend((rng.below(200) as u32).to_be_bytes());
            frame(b'U', &body)
        }
    }
}

fn play(seed: u64, rate: u32) -> Bench {
    let mut rng = Rng::new(seed);
    let mut config = config();
    config.market.seed = seed;
    config.flow = FlowConfig { rate, resting: 20, ..FlowConfig::default() };
    config.course.continuous_s = 8;
    config.course.imbalance_s = 1;
    config.firms[0].self_trade = false;
    config.firms[1].cancel_on_disconnect = true;
    let mut bench = Bench::new(&config);
    let mut next = [0; 2];
    let mut away = [false; 2];
    for step in 0..1_500 {
        let firm = rng.below(2) as usize;
        match rng.below(100) {
            0 => {
                bench.hear(firm);
                if away[firm] {
                    bench.connect(firm, bench.reports[firm].sequenced + 1);
                } else {
                    bench.disconnect(firm);
                }
                away[firm] = !away[firm];
            }
            1 if rng.chance(1, 3) => _ = bench.exchange.halt("AAA"),
            2 => _ = bench.exchange.resume("AAA"),
            3..12 => bench.pass(rng.below(60_000_000)),
            _ if !away[firm] => {
                let bytes = request(&mut rng, &mut next[firm]);
                bench.send(firm, &bytes);
                bench.reader.check_uncrossed();
            }
            _ => {}
        }
        (0..2).for_each(|firm| _ = bench.hear(firm));
        if step % 100 == 0 && away == [false; 2] {
            bench.agreed();
        }
    }
    for (firm, away) in away.into_iter().enumerate().filter(|(_, away)| *away) {
        assert!(away);
        bench.connect(firm, bench.reports[firm].sequenced + 1);
    }
    bench
}

/// Shares by match number.
fn sums(fills: impl Iterator<Item = (u64, u64, u64)>) -> std::collections::BTreeMap<u64, u64> {
    let mut sums = std::collections::BTreeMap::new();
    fills.for_each(|(number, shares, _)| *sums.entry(number).or_default() += shares);
    sums
}

#[test]
fn stream_reports_snapshot_and_dump_describe_one_market() {
    let (mut fills, mut crosses, mut fed) = (0, 0, 0);
    for seed in 0..24 {
        let mut bench = play(seed, if seed % 2 == 0 { 0 } else { 2_000 });
        let dump = bench.agreed();
        println!("seed {seed}: {} messages, {} executions", dump.next_seq, dump.executions.len());
        // Every execution of the dump is a print of the stream, at its price.
        for execution in &dump.executions {
            let (shares, price) = bench.reader.prints[&execution.match_number];
            assert!(u64::from(execution.qty) <= shares, "seed {seed}: {execution:?}");
            assert_eq!(execution.price as u64, price, "seed {seed}: {execution:?}");
        }
        // And each firm was told of exactly its part.
        for (firm, reports) in dump.firms.iter().zip(&bench.reports) {
            let of_firm = dump.executions.iter().flat_map(|e| {
                [&e.buyer, &e.seller]
                    .into_iter()
                    .filter(|end| end.firm == firm.name)
                    .map(|_| (e.match_number, u64::from(e.qty), 0))
            });
            assert_eq!(sums(of_firm), sums(reports.fills.iter().copied()), "seed {seed}");
            fills += reports.fills.len();
        }
        crosses += bench.reader.crosses.iter().filter(|cross| cross.1 > 0).count();
        fed += usize::from(dump.flow_positions.iter().any(|p| p.bought + p.sold > 0));
        image_is_the_book(&mut bench, seed);
        requests_are_answered_with_the_same_bytes(&mut bench, seed);
        bench.exchange.end_day();
        bench.agreed();
    }
    assert!(fills > 2_000 && crosses > 20 && fed >= 12, "{fills} {crosses} {fed}");
}

/// The snapshot, read like a stream, is what the stream has built up to the marker.
fn image_is_the_book(bench: &mut Bench, seed: u64) {
    let mut image = Vec::new();
    bench.exchange.image(&mut image);
    let (mut reader, mut at, mut marker) = (Reader::default(), 33, None);
    assert_eq!((image[2], be(&image, 0, 2)), (b'A', 31), "login accepted");
    while at < image.len() {
        assert!(marker.is_none() && image[at + 2] == b'S');
        let end = at + 2 + be(&image, at, 2) as usize;
        match &image[at + 3..end] {
            [b'G', digits @ ..] => {
                let text = std::str::from_utf8(digits).expect("ASCII");
                assert_eq!(text.len(), 20);
                marker = Some(text.trim().parse::<u64>().expect("a number"));
            }
            message => reader.read(message),
        }
        at = end;
    }
    assert_eq!(marker, Some(bench.reader.messages.len() as u64 + 1), "seed {seed}");
    assert_eq!(reader.states, bench.reader.states);
    assert_eq!(reader.system.last(), bench.reader.system.last());
    for locate in [1, 2] {
        for side in [b'B', b'S'] {
            let (got, want) = (reader.side(locate, side), bench.reader.side(locate, side));
            assert_eq!(got, want, "seed {seed}");
        }
    }
}

fn requests_are_answered_with_the_same_bytes(bench: &mut Bench, seed: u64) {
    let all = bench.reader.messages.clone();
    let (mut rng, mut out) = (Rng::new(seed), [0; 1_400]);
    for _ in 0..50 {
        let (from, count) = (1 + rng.below(all.len() as u64), 1 + rng.below(80));
        let mut request = b"NOFX      ".to_vec();
        request.extend(from.to_be_bytes());
        request.extend((count as u16).to_be_bytes());
        let packet = bench.exchange.answer(&request, &mut out).expect("all is kept");
        assert!(packet.len() <= 1_400 && packet.starts_with(&request[..18]));
        let mut at = 20;
        for message in all[from as usize - 1..].iter().take(be(packet, 18, 2) as usize) {
            assert_eq!(&packet[at + 2..at + 2 + message.len()], message, "seed {seed}");
            at += 2 + message.len();
        }
        assert_eq!(at, packet.len());
    }
}

#[test]
fn garbage_at_an_order_port_ends_its_connection_and_nothing_else() {
    for seed in 0..200 {
        let mut rng = Rng::new(seed);
        let mut bench = Bench::open(&config());
        bench.ask(0, &enter(1, b'B', 100, 100_000, PLAIN));
        for _ in 0..40 {
            let mut bytes: Vec<u8> = (0..rng.below(60)).map(|_| rng.next() as u8).collect();
            if rng.chance(1, 2) {
                bytes = frame(b"ULRO+SZ"[rng.below(7) as usize], &bytes);
            }
            let port = bench.exchange.port(1).expect("a firm");
            if !port.is_connected() {
                port.connect(Nanos(bench.now));
            }
            let _ = port.on_bytes(Nanos(bench.now), &bytes);
            bench.pass(SECOND / 100);
            while bench.exchange.port(1).expect("a firm").poll_out(Nanos(bench.now)).is_some() {}
        }
        assert_eq!(bench.ask(0, &cancel(1, 0)).last().map(String::as_str), Some("C 1 100 U"));
    }
}
