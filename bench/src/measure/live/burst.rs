//! Floods: what a port holds while nobody looks, what it says about the rest, and how many packets a
//! second it brings through feed and books.
//!
//! Three laps of each port. *Held, room*: 100,000 packets are sent back to back while the tile does
//! not turn, into a port with room for all: none may be lost; then the tile drains them, which is the
//! rate of the engine's side alone. *Held, little room*: the same into a small port: what was not
//! taken must be counted by the port, at the place where it was lost, to the packet. *Sustained*: the
//! packets are sent as fast as the sender can while the tile turns. The session is logged in, the
//! strategy trades nothing, and every packet is journaled into the mapped ring.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use nofx_app::live::config::{PortKind, XskMode};
use nofx_app::live::shared::Shared;
use nofx_app::live::tile::TradeTile;
use nofx_net::port::PortCounters;
use nofx_risk::LimitGate;
use nofx_rt::clock::{CycleClock, cycles};
use nofx_rt::tile::{self, Poll, TileStats, Work};
use nofx_signal::{Null, Strategy};

use super::client::Client;
use super::engine::Engine;
use super::network::{Network, Wiring};
use super::{Measured, Outcome, Setup, cores, spawn, text, with_network};
use crate::harness::Figure;
use crate::row::{Row, Target};

/// One line.
pub const ABOUT: &str = "100,000 packets back to back: loss, where it is counted, packets a second";

const PACKETS: u64 = 100_000;
/// Packets that a port with room for all is opened for, and a small one: powers of two.
const ROOM: u32 = 1 << 17;
const LITTLE: u32 = 1 << 13;
/// Packets that come after the flood, one by one: some ports tell of losses only with the next packet.
const AFTER: u64 = 4;

const fn wiring(name: &'static str, port: PortKind, mode: XskMode) -> Wiring {
    Wiring { name, port, mode, own_tcp: false }
}

const WIRINGS: [Wiring; 4] = [
    wiring("udp", PortKind::Udp, XskMode::Auto),
    wiring("packet", PortKind::Packet, XskMode::Auto),
    wiring("xsk generic", PortKind::Xsk, XskMode::Generic),
    wiring("xsk native", PortKind::Xsk, XskMode::Native),
];

/// What the two threads tell each other.
#[derive(Default)]
struct Words {
    /// The tile is not to turn.
    held: AtomicBool,
    /// Packets that the tile has taken.
    taken: AtomicU64,
    /// Cycles from the first packet to the last since the tile was last held, or began.
    span: AtomicU64,
}

/// The tile, with a brake.
struct Braked<S, G> {
    tile: Box<TradeTile<S, G>>,
    words: Arc<Words>,
    first: u64,
}

impl<S: Strategy, G: LimitGate> Work for Braked<S, G> {
    fn poll(&mut self, burst: usize) -> Poll {
        if self.words.held.load(Ordering::Acquire) {
            self.first = 0;
            return Poll::Idle;
        }
        let (before, start) = (self.tile.core.packets(), cycles());
        let poll = self.tile.poll(burst);
        let packets = self.tile.core.packets();
        if packets > before {
            if self.first == 0 {
                self.first = start;
            }
            self.words.span.store(cycles() - self.first, Ordering::Release);
            self.words.taken.store(packets, Ordering::Release);
        }
        poll
    }

    fn command(&mut self) -> bool {
        self.tile.command()
    }

    fn house_keeping(&mut self, now: u64, stats: &TileStats) {
        self.tile.house_keeping(now, stats);
    }

    fn stop(&self) -> bool {
        self.tile.stop()
    }
}

/// One flood.
struct Flood {
    sent: u64,
    taken: u64,
    /// Packets a second that the sender sent, and that the tile took.
    rates: [f64; 2],
    counters: PortCounters,
}

impl Flood {
    /// Packets lost, where the port counts each once, with the place.
    fn lost(&self) -> (u64, &'static str) {
        const PLACES: [&str; 4] =
            ["socket_full", "ring_full", "xsk_rx_dropped", "xsk_rx_ring_full"];
        let counted = self.counters.drops.iter().filter(|(place, _)| PLACES.contains(place));
        let place = counted.clone().max_by_key(|(_, n)| *n).map_or("", |(place, _)| *place);
        (counted.map(|(_, n)| n).sum(), place)
    }

    /// Packets that neither came nor were counted as lost (or were counted twice).
    fn unaccounted(&self) -> u64 {
        self.sent.abs_diff(self.taken + self.lost().0)
    }
}

fn flood(
    network: &Arc<Network>,
    setup: &Setup,
    wiring: Wiring,
    room: u32,
    held: bool,
) -> Outcome<Flood> {
    let (client_core, engine_core) = cores(setup);
    let mut client = Client::open(network, wiring)?;
    let (shared, net) = (Arc::new(Shared::default()), Arc::clone(network));
    let words = Arc::new(Words::default());
    let (theirs, brake) = (Arc::clone(&shared), Arc::clone(&words));
    let engine = spawn("engine", engine_core, move || {
        let counters = turn(&net, wiring, room, &theirs, brake);
        theirs.tile_ended.store(true, Ordering::Release);
        counters
    })?;
    let client = spawn("client", client_core, move || {
        let done = client.connected().and_then(|()| send(&mut client, &words, held));
        shared.stop.store(true, Ordering::Release);
        while !Shared::is(&shared.tile_ended) {
            client.serve();
        }
        done
    })?;
    let done = client.join().unwrap_or_else(|| Err("the client panicked".into()));
    let counters = engine.join().unwrap_or_else(|| Err("the engine panicked".into()))?;
    let (sent, taken, rates) = done?;
    Ok(Flood { sent, taken, rates, counters })
}

fn turn(
    network: &Network,
    wiring: Wiring,
    room: u32,
    shared: &Arc<Shared>,
    words: Arc<Words>,
) -> Outcome<PortCounters> {
    network.near.enter().map_err(text)?;
    let (ports, orders) = (network.feed(wiring, room)?, network.client(wiring)?);
    let mut engine = Engine::new(Null, ports, orders, Arc::clone(shared))?;
    let mut stats = Box::new(TileStats::default());
    let pace = engine.pace;
    let mut braked = Braked { tile: engine.tile, words, first: 0 };
    tile::run(&mut braked, &pace, &mut stats);
    engine.tile = braked.tile;
    let closed = engine.close()?;
    closed.ports.into_iter().next().map(|(_, counters)| counters).ok_or("no port".into())
}

/// Sends the flood; packets sent, packets taken, and both rates.
fn send(client: &mut Client, words: &Words, held: bool) -> Outcome<(u64, u64, [f64; 2])> {
    let clock = CycleClock::calibrate(Duration::from_millis(5));
    let rate = |packets: u64, cycles: u64| packets as f64 * 1e9 / clock.ns(cycles).max(1) as f64;
    words.held.store(held, Ordering::Release);
    std::thread::sleep(Duration::from_millis(2)); // a turn under way ends
    let payloads: Vec<Vec<u8>> = client.payloads(PACKETS);
    let start = cycles();
    client.send_all(&payloads)?;
    let spent = cycles() - start;
    words.held.store(false, Ordering::Release);
    settle(words);
    let (taken, span) = (words.taken.load(Ordering::Acquire), words.span.load(Ordering::Acquire));
    for _ in 0..AFTER {
        client.speak()?;
        client.serve_for(Duration::from_millis(5));
    }
    settle(words);
    let all = words.taken.load(Ordering::Acquire);
    Ok((client.sent, all, [rate(PACKETS, spent), rate(taken, span)]))
}

/// Waits until nothing more comes.
fn settle(words: &Words) {
    let mut before = u64::MAX;
    loop {
        std::thread::sleep(Duration::from_millis(50));
        let taken = words.taken.load(Ordering::Acquire);
        if taken == before {
            return;
        }
        before = taken;
    }
}

/// A count over the rounds: the worst, and the middle one.
fn worst(values: &[u64]) -> Figure {
    let values: Vec<f64> = values.iter().map(|n| *n as f64).collect();
    Figure { min: values.iter().copied().fold(0.0, f64::max), median: Figure::of(&values).median }
}

/// A rate over the rounds: the best, and the middle one.
fn millions(values: &[f64]) -> Figure {
    let best = values.iter().copied().fold(0.0, f64::max);
    Figure { min: best / 1e6, median: Figure::of(values).median / 1e6 }
}

fn rounds(network: &Arc<Network>, setup: &Setup, wiring: Wiring) -> Outcome<Vec<Row>> {
    let laps = |room, held| {
        let lap = |_| flood(network, setup, wiring, room, held);
        (0..setup.rounds).map(lap).collect::<Outcome<Vec<_>>>()
    };
    let (full, little, live) = (laps(ROOM, true)?, laps(LITTLE, true)?, laps(ROOM, false)?);
    let counts =
        |floods: &[Flood], of: fn(&Flood) -> u64| worst(&floods.iter().map(of).collect::<Vec<_>>());
    let rates = |floods: &[Flood], which: usize| {
        millions(&floods.iter().map(|f| f.rates[which]).collect::<Vec<_>>())
    };
    let (lost, place) = little.first().map_or((0, ""), Flood::lost);
    let name = wiring.name;
    let row = |what: String, unit, value, target| Row::alone("burst", what, unit, value, target);
    let none = Some(Target::AtMost(0.0));
    Ok(vec![
        row(
            format!("{name}: lost of 100,000 back to back, unread, room for all (worst, median)"),
            "packets",
            counts(&full, |f| f.sent - f.taken),
            none,
        ),
        row(
            format!("{name}: drained through feed and books"),
            "M packets/s",
            rates(&full, 1),
            None,
        ),
        row(
            format!(
                "{name}: neither taken nor counted, room for {LITTLE} ({lost} lost, counted as {place})"
            ),
            "packets",
            counts(&little, Flood::unaccounted),
            none,
        ),
        row(format!("{name}: sustained, books on"), "M packets/s", rates(&live, 1), None),
        row(
            format!("{name}: sent meanwhile by one kernel socket"),
            "M packets/s",
            rates(&live, 0),
            None,
        ),
        row(
            format!("{name}: lost meanwhile (worst, median)"),
            "packets",
            counts(&live, |f| f.sent - f.taken),
            None,
        ),
    ])
}

/// Measures.
///
/// # Errors
/// A port cannot be opened, or the journal's ring was too small.
pub fn run(setup: &Setup) -> Measured {
    with_network("burst", |network| {
        let mut rows = Vec::new();
        for wiring in WIRINGS {
            rows.extend(rounds(network, setup, wiring)?);
            eprintln!("nofx-bench: {} done", wiring.name);
        }
        Ok(rows)
    })
}
