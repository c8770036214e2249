//! The other side of the wire: a market that speaks one packet at a time, and an order gateway.
//!
//! Model: both from one thread, so that a trip begins and ends on one clock: it begins before the
//! call that sends the packet, and ends when a whole message lies in the received bytes. The venue's
//! answers are made by the simulated venue after that, outside the time.

use std::net::UdpSocket;
use std::time::{Duration, Instant};

use nofx_rt::clock::{CycleClock, cycles};
use nofx_types::Nanos;
use nofx_venue::{MarketKind, ReplayVenue, VenueConfig};

use super::network::{GROUP, Gateway, Network, Wiring};
use super::{Outcome, text};
use crate::measure::packet_to_order::{ID, START_NS, instrument, message, mold};

/// How long anything may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(20);
/// After so long a trip counts as missed.
const TRIP: Duration = Duration::from_millis(20);

/// Packet `number` (from 0): the directory, then the market of `packet_to_order`.
fn payload(number: u64) -> Vec<u8> {
    match number.checked_sub(1) {
        None => mold(1, &directory()),
        Some(step) => mold(number + 1, &message(step)),
    }
}

/// ITCH 5.0, stock directory: without it an instrument is not traded.
fn directory() -> Vec<u8> {
    let mut message = vec![b'R', 0, ID.0 as u8, 0, 0];
    message.extend(&START_NS.to_be_bytes()[2..]);
    message.extend(instrument().symbol.0);
    message.extend(b"QN");
    message.extend(100u32.to_be_bytes());
    message.extend(b"NCZ PNN1N");
    message.extend(0u32.to_be_bytes());
    message.push(b'N');
    message
}

/// A lap with more than one missed trip in so many is no result.
pub const MISSED: u64 = 20;

/// See the module.
pub struct Client {
    market: UdpSocket,
    gateway: Gateway,
    venue: ReplayVenue,
    /// The venue's time.
    at: Nanos,
    begun: Instant,
    /// Packets of the market so far.
    pub sent: u64,
    clock: CycleClock,
}

/// What came of many trips.
#[derive(Default)]
pub struct Trips {
    /// From packet to order, ns.
    pub ns: Vec<f64>,
    /// Packets that no order answered.
    pub missed: u64,
    /// Bytes of the last order on the stream.
    pub order_bytes: usize,
}

impl Client {
    /// Opens its ends in the far namespace; from then on the engine can connect.
    pub fn open(network: &Network, wiring: Wiring) -> Outcome<Client> {
        let mut read = |path: &str| std::fs::read_to_string(path);
        let config = VenueConfig::default();
        let venue = ReplayVenue::new(&config, &[instrument()], MarketKind::Orders, &mut read);
        Ok(Client {
            market: network.market()?,
            gateway: network.gateway(wiring)?,
            venue: venue.map_err(text)?,
            at: Nanos(START_NS),
            begun: Instant::now(),
            sent: 0,
            clock: CycleClock::calibrate(Duration::from_millis(20)),
        })
    }

    /// Takes what arrived, and sends what the venue has to say by now.
    pub fn serve(&mut self) {
        self.gateway.poll();
        self.at = Nanos(START_NS + self.begun.elapsed().as_nanos() as u64);
        if !self.gateway.received().is_empty() {
            self.venue.on_bytes(self.at, self.gateway.received());
            self.gateway.consume_all();
        }
        while let Some((_, bytes)) = self.venue.poll_out(self.at) {
            self.gateway.send(bytes);
        }
    }

    /// Serves until the engine is connected and, where it logs in, has had the time for it.
    pub fn connected(&mut self) -> Outcome<()> {
        let start = Instant::now();
        while !self.gateway.poll() {
            if start.elapsed() > PATIENCE {
                return Err("the engine does not connect".into());
            }
        }
        self.serve_for(Duration::from_millis(100));
        Ok(())
    }

    /// Serves for so long.
    pub fn serve_for(&mut self, time: Duration) {
        let start = Instant::now();
        while start.elapsed() < time {
            self.serve();
        }
    }

    /// Sends the next packet of the market.
    pub fn speak(&mut self) -> Outcome<()> {
        self.market.send_to(&payload(self.sent), GROUP).map_err(text)?;
        self.sent += 1;
        Ok(())
    }

    /// The next `count` packets of the market.
    pub fn payloads(&self, count: u64) -> Vec<Vec<u8>> {
        (self.sent..self.sent + count).map(payload).collect()
    }

    /// Sends them back to back.
    pub fn send_all(&mut self, payloads: &[Vec<u8>]) -> Outcome<()> {
        for payload in payloads {
            self.market.send_to(payload, GROUP).map_err(text)?;
        }
        self.sent += payloads.len() as u64;
        Ok(())
    }

    /// Length of the message that begins what has arrived, when it is whole and not sequenced, as
    /// orders are.
    #[inline]
    fn order(&self) -> Option<usize> {
        let received = self.gateway.received();
        let [high, low, b'U', ..] = *received else { return None };
        let len = 2 + usize::from(u16::from_be_bytes([high, low]));
        (received.len() >= len).then_some(len)
    }

    /// One packet and its order: cycles between them, and its length; `None` when no order came.
    fn trip(&mut self) -> Outcome<Option<(u64, usize)>> {
        let payload = payload(self.sent);
        self.sent += 1;
        let start = cycles();
        self.market.send_to(&payload, GROUP).map_err(text)?;
        let late = start + self.clock.cycles_of(TRIP.as_nanos() as u64);
        loop {
            self.gateway.poll();
            let now = cycles();
            if let Some(len) = self.order() {
                return Ok(Some((now - start, len)));
            }
            if now > late {
                return Ok(None);
            }
        }
    }

    /// `count` trips, each so long after the one before; between them, orders are answered. `before`
    /// is called just before each.
    pub fn trips(
        &mut self,
        count: usize,
        apart: Duration,
        mut before: impl FnMut(),
    ) -> Outcome<Trips> {
        let mut trips = Trips { ns: Vec::with_capacity(count), ..Trips::default() };
        let apart = self.clock.cycles_of(apart.as_nanos() as u64);
        for _ in 0..count {
            before();
            match self.trip()? {
                Some((cycles, len)) => {
                    trips.ns.push(cycles as f64 * self.clock.ns_per_cycle());
                    trips.order_bytes = len;
                }
                None => trips.missed += 1,
            }
            if trips.missed * MISSED > count as u64 {
                return Ok(trips); // no use to go on
            }
            let next = cycles() + apart;
            while cycles() < next {
                self.serve();
            }
        }
        Ok(trips)
    }
}
