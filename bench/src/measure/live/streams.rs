//! Round trips of one message over an open connection: our own TCP over AF_XDP at both ends against
//! the kernel's TCP at both ends, between two spinning threads.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use nofx_app::live::config::{PortKind, XskMode};
use nofx_net::stream::StreamState;
use nofx_rt::clock::{CycleClock, cycles, monotonic_ns};
use nofx_rt::tile::Tile;
use nofx_types::Nanos;

use super::network::{Network, Wiring};
use super::{Measured, Outcome, Setup, Times, against, cores, spawn, text, with_network};
use crate::row::Target;

/// One line.
pub const ABOUT: &str = "TCP round trip of 64 bytes: own stack over AF_XDP against the kernel's";

const BYTES: usize = 64;
const TRIPS: usize = 20_000;
const WARM_UP: usize = 2_000;
/// The own stack's p50 is to be at most so much of the kernel's.
const RATIO: f64 = 0.7;
const PATIENCE: Duration = Duration::from_secs(20);

const fn wiring(name: &'static str, mode: XskMode, own_tcp: bool) -> Wiring {
    Wiring { name, port: PortKind::Xsk, mode, own_tcp }
}

const KERNEL: Wiring = wiring("kernel TCP", XskMode::Generic, false);
const OWN: [Wiring; 2] = [
    wiring("smoltcp over AF_XDP, generic, both ends", XskMode::Generic, true),
    wiring("smoltcp over AF_XDP, native, both ends", XskMode::Native, true),
];

/// The far end asks, the near end sends back.
fn lap(network: &Arc<Network>, setup: &Setup, wiring: Wiring) -> Outcome<Times> {
    let (far_core, near_core) = cores(setup);
    let mut gateway = network.gateway(wiring)?;
    let (stop, net) = (Arc::new(AtomicBool::new(false)), Arc::clone(network));
    let ended = Arc::clone(&stop);
    let near: Tile<Outcome<()>> = spawn("near", near_core, move || {
        net.near.enter().map_err(text)?;
        let mut stream = net.client(wiring)?;
        stream.connect(Nanos(monotonic_ns()));
        while !ended.load(Ordering::Relaxed) {
            let closed = stream.poll(Nanos(monotonic_ns())) == StreamState::Closed;
            if closed && stream.counters().opened > 0 {
                break; // the far end is done
            }
            if closed {
                return Err(format!("{}: near: {}", stream.describe(), stream.reason()));
            }
            if stream.received().len() >= BYTES {
                stream.consume(BYTES);
                stream.send(&[2; BYTES]).map_err(|e| format!("near: {e:?}"))?;
            }
        }
        stream.close();
        while stream.unsent() > 0 && stream.poll(Nanos(monotonic_ns())) != StreamState::Closed {}
        Ok(())
    })?;
    let far = spawn("far", far_core, move || {
        let begin = Instant::now();
        while !gateway.poll() {
            if begin.elapsed() > PATIENCE {
                return Err(format!("{}: no connection", wiring.name));
            }
        }
        let clock = CycleClock::calibrate(Duration::from_millis(5));
        let mut ns = Vec::with_capacity(TRIPS);
        for trip in 0..WARM_UP + TRIPS {
            let start = cycles();
            if !gateway.send(&[1; BYTES]) {
                return Err("far: a message was not taken".to_owned());
            }
            while gateway.received().len() < BYTES {
                gateway.poll();
                if cycles() - start > clock.cycles_of(PATIENCE.as_nanos() as u64) {
                    return Err("no answer".to_owned());
                }
            }
            let end = cycles();
            gateway.consume_all();
            if trip >= WARM_UP {
                ns.push((end - start) as f64 * clock.ns_per_cycle());
            }
        }
        Ok(Times::new(ns))
    })?;
    let times = far.join().unwrap_or_else(|| Err("the far end panicked".into()));
    stop.store(true, Ordering::Relaxed);
    near.join().unwrap_or_else(|| Err("the near end panicked".into())).and(times)
}

/// Measures.
///
/// # Errors
/// An end cannot be opened, or does not answer.
pub fn run(setup: &Setup) -> Measured {
    with_network("tcp_trip", |network| {
        let mut laps = [const { Vec::new() }; 3];
        for round in 0..=setup.rounds {
            for (wiring, laps) in [KERNEL, OWN[0], OWN[1]].into_iter().zip(&mut laps) {
                let times = lap(network, setup, wiring)?;
                if round > 0 {
                    laps.push(times);
                }
            }
        }
        let [kernel, own @ ..] = &laps;
        let rows = OWN.iter().zip(own).flat_map(|(wiring, laps)| {
            let target = Target::MedianRatio(RATIO);
            against("tcp_trip", wiring.name, laps, (KERNEL.name, kernel), target)
        });
        Ok(rows.collect())
    })
}
