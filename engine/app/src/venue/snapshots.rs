//! The snapshot port: several clients at a time, each with an image of its own.

use std::net::{TcpListener, TcpStream};

use nofx_types::Nanos;
use nofx_venue::exchange::{Exchange, GlimpseConfig, GlimpseSession};

use super::socket::{self, Moved};
use crate::failure::Failure;

/// Bytes taken from a client in a round, at most.
const TAKE_MAX: usize = 256;

/// The port and its clients.
pub struct Snapshots {
    listener: TcpListener,
    clients: Vec<(TcpStream, GlimpseSession)>,
    clients_max: usize,
    /// Images given.
    pub served: u64,
    /// Clients turned away or cut off without one.
    pub turned_away: u64,
}

impl Snapshots {
    /// Opens the port.
    pub fn open(config: &GlimpseConfig) -> Result<Snapshots, Failure> {
        let listener = socket::listen("glimpse.listen", config.listen)?;
        let clients_max = config.clients as usize;
        Ok(Snapshots { listener, clients: Vec::new(), clients_max, served: 0, turned_away: 0 })
    }

    /// Where it listens.
    pub fn address(&self) -> String {
        socket::text(self.listener.local_addr())
    }

    /// Takes new connections.
    pub fn accept(&mut self, now: Nanos) {
        while let Some(stream) = socket::accept(&self.listener) {
            if self.clients.len() < self.clients_max {
                self.clients.push((stream, GlimpseSession::new(now)));
            } else {
                self.turned_away += 1;
            }
        }
    }

    /// Serves every client once; everything said before is packed already, so an image and the
    /// number behind it agree.
    pub fn serve(&mut self, exchange: &mut Exchange, now: Nanos) -> bool {
        let mut busy = false;
        let (served, turned_away) = (&mut self.served, &mut self.turned_away);
        self.clients.retain_mut(|(stream, session)| {
            let before = session.was_served();
            let lasts = step(stream, session, exchange, now, &mut busy);
            *served += u64::from(!before && session.was_served());
            *turned_away += u64::from(!lasts && !session.was_served());
            lasts
        });
        busy
    }
}

/// One round of a client; whether its connection lasts.
fn step(
    stream: &TcpStream,
    session: &mut GlimpseSession,
    exchange: &mut Exchange,
    now: Nanos,
    busy: &mut bool,
) -> bool {
    let mut buffer = [0; TAKE_MAX];
    match socket::read(stream, &mut buffer) {
        Moved::Ended => return false,
        Moved::Bytes(0) => {}
        Moved::Bytes(len) => {
            session.on_bytes(buffer.get(..len).unwrap_or(&[]), exchange);
            *busy = true;
        }
    }
    session.on_time(now);
    match socket::write(stream, session.output()) {
        Moved::Ended => return false,
        Moved::Bytes(0) => {}
        Moved::Bytes(len) => session.sent(now, len),
    }
    session.is_open()
}
