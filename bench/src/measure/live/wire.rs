//! Wire to wire: from the packet that triggers an order to the order's bytes, against an echo.
//!
//! The trip begins before the client's call that sends the packet and ends when the client has the
//! whole order: two ways over the network, and between them the trade tile with everything it does in
//! a live run: journal, recovering feed, book, the reference maker, risk, order session, kill words,
//! pages. The echo receives on the same port and sends a fixed message of the same length on the same
//! stream. One packet at a time, so far apart that the default limits of the risk card hold.

use std::path::PathBuf;
use std::sync::atomic::Ordering;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use nofx_app::live::config::{PortKind, XskMode};
use nofx_app::live::shared::Shared;
use nofx_rt::tile::{self, TileStats};

use super::client::{Client, MISSED, Trips};
use super::control::{Control, Hand};
use super::engine::{Closed, Engine, echo};
use super::network::{Network, Wiring};
use super::{Measured, Outcome, Setup, Times, against, cores, spawn, text, with_network};
use crate::measure::packet_to_order::maker;
use crate::row::{Row, Target};

/// One line.
pub const ABOUT: &str = "packet on a veth pair to order back, against an echo: every kind of port";

const TRIPS: usize = 10_000;
const WARM_UP: usize = 1_000;
/// Beyond the 100 us in which the risk card takes an order for a duplicate.
const APART: Duration = Duration::from_micros(120);
/// The engine may be so much slower than the echo, ns.
const ABOVE: f64 = 1_000.0;
/// Room for packets in the port.
const PACKETS: u32 = 4_096;

const WIRINGS: [Wiring; 5] = [
    Wiring { name: "udp, kernel TCP", port: PortKind::Udp, mode: XskMode::Auto, own_tcp: false },
    Wiring {
        name: "packet, kernel TCP",
        port: PortKind::Packet,
        mode: XskMode::Auto,
        own_tcp: false,
    },
    Wiring {
        name: "xsk generic, kernel TCP",
        port: PortKind::Xsk,
        mode: XskMode::Generic,
        own_tcp: false,
    },
    Wiring {
        name: "xsk generic, own TCP",
        port: PortKind::Xsk,
        mode: XskMode::Generic,
        own_tcp: true,
    },
    Wiring {
        name: "xsk native, own TCP",
        port: PortKind::Xsk,
        mode: XskMode::Native,
        own_tcp: true,
    },
];

/// Who answers.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Who {
    Engine,
    /// By messages of so many bytes: as long as the engine's orders were.
    Echo(usize),
}

/// A message of SoupBinTCP that is not sequenced, as orders are.
fn answer(len: usize) -> Vec<u8> {
    let body = (len.saturating_sub(2) as u16).to_be_bytes();
    let mut message = vec![b' '; len.max(3)];
    message.splice(..3, [body[0], body[1], b'U']);
    message
}

/// One side on one core, the other on the other; ends when the trips are done. `control`, where there
/// is to be one, acts before each trip.
pub(super) fn lap(
    network: &Arc<Network>,
    setup: &Setup,
    wiring: Wiring,
    who: Who,
    control: Option<Control>,
) -> Outcome<Trips> {
    let (client_core, engine_core) = cores(setup);
    let mut client = Client::open(network, wiring)?;
    let (shared, net) = (Arc::new(Shared::default()), Arc::clone(network));
    let (theirs, mailbox) = (Arc::clone(&shared), Arc::new(OnceLock::new()));
    let made = Arc::clone(&mailbox);
    let engine = spawn("engine", engine_core, move || {
        let entered = net.near.enter().map_err(text);
        let closed = entered.and_then(|()| answerer(&net, wiring, who, &theirs, &made));
        theirs.tile_ended.store(true, Ordering::Release);
        closed
    })?;
    let client = spawn("client", client_core, move || {
        let trips = client.connected().and_then(|()| {
            let mailbox = mailbox.get().map(PathBuf::as_path);
            let mut hand = control.map(|control| Hand::open(control, mailbox)).transpose()?;
            let trips = trips(&mut client, || hand.iter_mut().for_each(Hand::act))?;
            hand.iter().try_for_each(Hand::check)?;
            Ok(trips)
        });
        shared.stop.store(true, Ordering::Release);
        while !Shared::is(&shared.tile_ended) {
            client.serve();
        }
        trips
    })?;
    let trips = client.join().unwrap_or_else(|| Err("the client panicked".into()));
    let closed = engine.join().unwrap_or_else(|| Err("the engine panicked".into()))?;
    let trips = trips?;
    if trips.missed * MISSED > TRIPS as u64 {
        return Err(format!(
            "{}: {} packets without an order: {}",
            wiring.name, trips.missed, closed.told
        ));
    }
    Ok(trips)
}

fn answerer(
    network: &Network,
    wiring: Wiring,
    who: Who,
    shared: &Arc<Shared>,
    mailbox: &OnceLock<PathBuf>,
) -> Outcome<Closed> {
    let (ports, orders) = (network.feed(wiring, PACKETS)?, network.client(wiring)?);
    if let Who::Echo(len) = who {
        return echo(ports, orders, &answer(len), shared);
    }
    let strategy = maker().map_err(text)?;
    let mut engine = Box::new(Engine::new(strategy, ports, orders, Arc::clone(shared))?);
    _ = mailbox.set(engine.mailbox());
    let mut stats = Box::new(TileStats::default());
    let pace = engine.pace;
    tile::run(&mut *engine.tile, &pace, &mut stats);
    engine.close()
}

/// The first packets make the market: an order may follow on the answer to another there.
fn trips(client: &mut Client, mut before: impl FnMut()) -> Outcome<Trips> {
    for _ in 0..4 {
        client.speak()?;
        client.serve_for(Duration::from_millis(2));
    }
    let warm = client.trips(WARM_UP, APART, &mut before)?;
    if warm.missed * MISSED > WARM_UP as u64 {
        return Ok(Trips { missed: TRIPS as u64, ..warm });
    }
    client.trips(TRIPS, APART, before)
}

/// Rounds of one wiring, engine and echo in turn.
fn rounds(network: &Arc<Network>, setup: &Setup, wiring: Wiring) -> Outcome<Vec<Row>> {
    let (mut ours, mut theirs, mut missed) = (Vec::new(), Vec::new(), 0);
    for round in 0..=setup.rounds {
        let engine = lap(network, setup, wiring, Who::Engine, None)?;
        let echo = lap(network, setup, wiring, Who::Echo(engine.order_bytes), None)?;
        if round > 0 {
            missed += engine.missed + echo.missed;
            ours.push(Times::new(engine.ns));
            theirs.push(Times::new(echo.ns));
        }
    }
    if missed > 0 {
        eprintln!("nofx-bench: {}: {missed} trips were missed and do not count", wiring.name);
    }
    Ok(against("wire_to_wire", wiring.name, &ours, ("echo", &theirs), Target::MedianAbove(ABOVE)))
}

/// Measures.
///
/// # Errors
/// A port cannot be opened, an end does not answer, or packets went without an order.
pub fn run(setup: &Setup) -> Measured {
    with_network("wire_to_wire", |network| {
        let mut rows = Vec::new();
        for wiring in WIRINGS {
            rows.extend(rounds(network, setup, wiring)?);
            eprintln!("nofx-bench: {} done", wiring.name);
        }
        Ok(rows)
    })
}
