//! The two multicast lines, and the server that sends lost messages again.

use std::net::{Ipv4Addr, SocketAddrV4, UdpSocket};

use nofx_types::Nanos;
use nofx_venue::exchange::{Exchange, ExchangeConfig, Line};

use super::socket;
use super::wire::Wire;
use crate::failure::Failure;

/// Requests answered in a round, at most.
const REQUESTS_MAX: usize = 32;
/// Longest request that is looked at; the right length is 20.
const REQUEST_MAX: usize = 64;
/// The end of the stream is told again after so long.
const END_EVERY: u64 = 100_000_000;
const ANSWER_MAX: usize = nofx_venue::exchange::ANSWER_MAX;

/// Lines and re-request server.
pub struct Stream {
    wires: Vec<Wire>,
    requests: UdpSocket,
    answers_lost: u64,
    /// The last packet of the stream, to be repeated once it has ended.
    last: Vec<u8>,
    last_sent: Nanos,
}

impl Stream {
    /// Opens the sockets.
    pub fn open(config: &ExchangeConfig) -> Result<Stream, Failure> {
        let seed = |at: usize| config.market.seed ^ (0x4c49_4e45 << at);
        let wires = config.lines.iter().enumerate().map(|(at, line)| Wire::open(line, seed(at)));
        let wires = wires.collect::<Result<_, _>>()?;
        let requests = socket::datagrams("rerequest.listen", config.rerequest.listen)?;
        Ok(Stream { wires, requests, answers_lost: 0, last: Vec::new(), last_sent: Nanos(0) })
    }

    /// Sends what the venue has said on every line.
    pub fn send(&mut self, exchange: &mut Exchange, now: Nanos) -> bool {
        let mut sent = false;
        while let Some(packet) = exchange.next_packet() {
            self.wires.iter_mut().for_each(|wire| wire.send(packet));
            self.last.clear();
            self.last.extend_from_slice(packet);
            sent = true;
        }
        if sent {
            self.last_sent = now;
        }
        sent
    }

    /// Tells the end of the stream again, now and then.
    pub fn repeat_end(&mut self, now: Nanos) {
        if now.since(self.last_sent) >= END_EVERY {
            self.wires.iter_mut().for_each(|wire| wire.send(&self.last));
            self.last_sent = now;
        }
    }

    /// Answers requests for messages.
    pub fn answer(&mut self, exchange: &mut Exchange) -> bool {
        let (mut request, mut answer) = ([0; REQUEST_MAX], [0; ANSWER_MAX]);
        for round in 0..REQUESTS_MAX {
            let Ok((len, from)) = self.requests.recv_from(&mut request) else { return round > 0 };
            let request = request.get(..len).unwrap_or(&[]);
            if let Some(packet) = exchange.answer(request, &mut answer) {
                let sent = self.requests.send_to(packet, from);
                self.answers_lost += u64::from(sent.is_err());
            }
        }
        true
    }

    /// The line with this number, to be changed.
    pub fn line(&mut self, index: usize) -> Option<&mut Line> {
        self.wires.get_mut(index).map(|wire| &mut wire.line)
    }

    /// Group and interface of each line, and where requests are taken.
    pub fn addresses(&self) -> (Vec<(SocketAddrV4, Ipv4Addr)>, String) {
        let lines = self.wires.iter().map(|wire| (wire.to, wire.interface())).collect();
        (lines, socket::text(self.requests.local_addr()))
    }

    /// Packets sent, lost on purpose and refused by the kernel, by line.
    pub fn counts(&self) -> Vec<[u64; 3]> {
        self.wires.iter().map(Wire::counts).collect()
    }

    /// Answers that the kernel did not take.
    pub fn answers_lost(&self) -> u64 {
        self.answers_lost
    }
}
