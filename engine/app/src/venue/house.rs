//! All sockets of the venue, and who may use them.

use nofx_types::Nanos;
use nofx_venue::exchange::{Dump, Exchange, ExchangeConfig};
use serde::Serialize;

use super::ports::Port;
use super::snapshots::Snapshots;
use super::stream::Stream;
use crate::failure::Failure;

/// Between two looks for new connections.
const ACCEPT_EVERY: u64 = 1_000_000;

/// Where the venue can be reached.
#[derive(Debug, Serialize)]
pub struct Ready {
    ready: bool,
    session: String,
    lines: Vec<ReadyLine>,
    rerequest: String,
    glimpse: String,
    firms: Vec<ReadyFirm>,
    process: u32,
}

#[derive(Debug, Serialize)]
struct ReadyLine {
    name: &'static str,
    group: String,
    port: u16,
    interface: String,
}

#[derive(Debug, Serialize)]
struct ReadyFirm {
    name: String,
    address: String,
}

/// The dump as it is written: what the venue holds, and what its sockets counted.
#[derive(Debug, Serialize)]
pub struct Dumped {
    /// The venue.
    #[serde(flatten)]
    pub venue: Dump,
    /// Packets by line.
    pub lines: Vec<LineCounts>,
    /// Counts of the sockets by name.
    pub sockets: Vec<(String, u64)>,
}

/// Packets of a line.
#[derive(Debug, Serialize)]
pub struct LineCounts {
    name: &'static str,
    sent: u64,
    lost: u64,
    errors: u64,
}

const NAMES: [&str; 2] = ["a", "b"];

/// The sockets.
pub struct House {
    stream: Stream,
    snapshots: Snapshots,
    ports: Vec<Port>,
    accepted: Nanos,
}

impl House {
    /// Opens all of them.
    pub fn open(config: &ExchangeConfig) -> Result<House, Failure> {
        let ports = config.firms.iter().enumerate().map(|(at, firm)| Port::open(at, firm));
        Ok(House {
            stream: Stream::open(config)?,
            snapshots: Snapshots::open(&config.glimpse)?,
            ports: ports.collect::<Result<_, _>>()?,
            accepted: Nanos(0),
        })
    }

    /// Takes what clients sent.
    pub fn take(&mut self, exchange: &mut Exchange, now: Nanos) -> bool {
        if now.since(self.accepted) >= ACCEPT_EVERY {
            self.accepted = now;
            self.ports.iter_mut().for_each(|port| port.accept(now));
            self.snapshots.accept(now);
        }
        self.ports.iter_mut().fold(false, |busy, port| port.take(exchange, now) | busy)
    }

    /// Gives what the venue has said, and answers those who missed something.
    pub fn give(&mut self, exchange: &mut Exchange, now: Nanos) -> bool {
        let mut busy = self.stream.send(exchange, now);
        for port in &mut self.ports {
            busy |= port.give(exchange, now);
        }
        busy |= self.stream.answer(exchange);
        busy | self.snapshots.serve(exchange, now)
    }

    /// Tells the end of the stream again.
    pub fn repeat_end(&mut self, now: Nanos) {
        self.stream.repeat_end(now);
    }

    /// Cuts a line or joins it again; whether there is such a line.
    pub fn set_line(&mut self, line: usize, up: bool) -> bool {
        self.stream.line(line).map(|line| line.set_up(up)).is_some()
    }

    /// Sets the loss of a line; whether there is such a line.
    pub fn set_loss(&mut self, line: usize, ppm: u32) -> bool {
        self.stream.line(line).map(|line| line.set_loss(ppm)).is_some()
    }

    /// Cuts a firm's connection; whether there was one.
    pub fn disconnect(&mut self, firm: &str, exchange: &mut Exchange, now: Nanos) -> bool {
        let port = exchange.firm(firm).and_then(|firm| self.ports.get_mut(firm));
        port.is_some_and(|port| port.hang_up(exchange, now))
    }

    /// Where everything is.
    pub fn ready(&self, config: &ExchangeConfig) -> Ready {
        let (lines, rerequest) = self.stream.addresses();
        let lines = NAMES.iter().zip(lines).map(|(name, (to, interface))| ReadyLine {
            name,
            group: to.ip().to_string(),
            port: to.port(),
            interface: interface.to_string(),
        });
        let firms = config
            .firms
            .iter()
            .zip(&self.ports)
            .map(|(firm, port)| ReadyFirm { name: firm.name.clone(), address: port.address() });
        Ready {
            ready: true,
            session: config.market.session.clone(),
            lines: lines.collect(),
            rerequest,
            glimpse: self.snapshots.address(),
            firms: firms.collect(),
            process: std::process::id(),
        }
    }

    /// Packets by line.
    pub fn line_counts(&self) -> Vec<LineCounts> {
        let named = NAMES.iter().zip(self.stream.counts());
        named.map(|(name, [sent, lost, errors])| LineCounts { name, sent, lost, errors }).collect()
    }

    /// Counts by name.
    pub fn counts(&self) -> Vec<(String, u64)> {
        let strangers: u64 = self.ports.iter().map(|port| port.strangers).sum();
        let takeovers: u64 = self.ports.iter().map(|port| port.takeovers).sum();
        [
            ("strangers", strangers),
            ("takeovers", takeovers),
            ("snapshots_served", self.snapshots.served),
            ("snapshots_turned_away", self.snapshots.turned_away),
            ("answers_lost", self.stream.answers_lost()),
        ]
        .map(|(name, count)| (name.to_owned(), count))
        .to_vec()
    }
}
