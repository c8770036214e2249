//! After construction the venue allocates nothing, whatever happens.

mod common;

use common::market::Market;
use common::*;
use nofx_rt::guard::{CountingAlloc, OnSealed, seal, sealed_allocations};
use nofx_rt::rng::Rng;
use nofx_types::{BookEvent, EventKind, InstrumentId, Nanos, Phase, StaleReason};
use nofx_venue::MarketKind;

#[global_allocator]
static ALLOC: CountingAlloc = CountingAlloc;

/// Events with the requests that are sent after them.
fn script() -> Vec<(BookEvent, Option<Vec<u8>>)> {
    let (mut market, mut rng) = (Market::new(3), Rng::new(4));
    let mut script = Vec::new();
    for step in 0..20_000u64 {
        let at = Nanos(10_000_000 + step * 1_000);
        let mut events = market.step();
        match step {
            9_000 => events.push((ID, EventKind::Phase(Phase::Halted))),
            9_500 => events.push((ID, EventKind::Phase(Phase::Continuous))),
            15_000 => events.push((InstrumentId::ALL, EventKind::Stale(StaleReason::Gap))),
            15_500 => events.push((InstrumentId::ALL, EventKind::Clear { side: None })),
            19_999 => events.push((InstrumentId::ALL, EventKind::Phase(Phase::Closed))),
            _ => {}
        }
        for (instrument, kind) in events {
            let (seq, last) = (step, true);
            let event = BookEvent { instrument, seq, exch_ns: at, capture_ns: at, last, kind };
            let user_ref = step as u32 + 1;
            let target = user_ref.saturating_sub(rng.below(30) as u32);
            let price = 99_500 + 100 * rng.below(11);
            let request = match rng.below(6) {
                0 => Some(enter(user_ref, b'B', 50, price, PLAIN)),
                1 => Some(enter(user_ref, b'S', 50, price, POST_ONLY)),
                2 => Some(replace(target, user_ref, 60, price, PLAIN)),
                3 => Some(cancel(target, 0)),
                4 if rng.chance(1, 50) => Some(mass_cancel(user_ref, "AAA", &[])),
                _ => None,
            };
            script.push((event, request));
        }
    }
    script
}

#[test]
fn a_sealed_venue_never_allocates() {
    let script = script();
    let mut config = config(3_000, 2_000);
    config.session.heartbeat_ns = 1_000_000_000;
    let mut stage = Stage::new(&config, MarketKind::Orders);
    let (mut bytes_out, before) = (0, sealed_allocations());
    let sealed = seal(OnSealed::Count);
    for (event, request) in &script {
        while let Some((_, bytes)) = stage.venue.poll_out(event.capture_ns) {
            bytes_out += bytes.len();
        }
        stage.venue.on_event(event);
        if let Some(bytes) = request {
            stage.venue.on_bytes(event.capture_ns, bytes);
        }
    }
    stage.venue.on_time(Nanos(40_000_000));
    drop(sealed);
    assert_eq!(sealed_allocations(), before);
    assert!(bytes_out > 100_000, "{bytes_out}");
    for name in ["accepted", "replaced", "canceled", "maker_fills", "taker_fills", "places_lost"] {
        assert!(stage.count(name) > 0, "{name} never happened");
    }
}
