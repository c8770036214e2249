//! The sockets of one order gateway: as many connections as the gateway has sessions.
//!
//! A connection takes the first session that is free; when none is, it is closed at once. What the
//! gateway has to say before it ends a session is still sent.

use std::net::{SocketAddrV4, TcpListener, TcpStream};

use nofx_types::Nanos;
use nofx_venue::gateway::Gateway;

use crate::failure::Failure;
use crate::venue::socket::{self, Moved};

/// Bytes taken from a connection in a round, at most.
const TAKE_MAX: usize = 16_384;

/// A listener, its gateway, and the connections of its sessions.
pub struct GatewayPort {
    /// What the bytes mean.
    pub gateway: Box<dyn Gateway>,
    listener: TcpListener,
    sessions: Vec<Option<TcpStream>>,
    /// Connections that found no session free.
    pub turned_away: u64,
}

impl GatewayPort {
    /// Listens at `at`, which the configuration calls `key`.
    ///
    /// # Errors
    /// The address is in use, or not of this machine.
    pub fn open(
        key: &str,
        at: SocketAddrV4,
        gateway: Box<dyn Gateway>,
    ) -> Result<GatewayPort, Failure> {
        let listener = socket::listen(key, at)?;
        let sessions = (0..gateway.sessions()).map(|_| None).collect();
        Ok(GatewayPort { gateway, listener, sessions, turned_away: 0 })
    }

    /// Where it listens.
    pub fn address(&self) -> String {
        socket::text(self.listener.local_addr())
    }

    /// Takes new connections.
    pub fn accept(&mut self, now: Nanos) {
        while let Some(stream) = socket::accept(&self.listener) {
            let free = self.sessions.iter_mut().enumerate().find(|(_, slot)| slot.is_none());
            let Some((session, slot)) = free else {
                self.turned_away += 1;
                continue;
            };
            *slot = Some(stream);
            self.gateway.connected(session, now);
        }
    }

    /// Takes what has come on every session; whether anything has.
    pub fn take(&mut self, now: Nanos) -> bool {
        let mut buffer = [0; TAKE_MAX];
        let mut busy = false;
        for session in 0..self.sessions.len() {
            let Some(Some(stream)) = self.sessions.get(session) else { continue };
            match socket::read(stream, &mut buffer) {
                Moved::Bytes(0) => {}
                Moved::Bytes(len) => {
                    self.gateway.receive(session, now, buffer.get(..len).unwrap_or(&[]));
                    busy = true;
                }
                Moved::Ended => {
                    self.hang_up(session, now);
                }
            }
        }
        busy
    }

    /// Gives what the gateway has to say; whether there was anything.
    pub fn give(&mut self, now: Nanos) -> bool {
        self.gateway.keep_alive(now);
        let mut busy = false;
        for session in 0..self.sessions.len() {
            let Some(Some(stream)) = self.sessions.get(session) else { continue };
            let output = self.gateway.output(session);
            let waiting = output.len();
            match socket::write(stream, output) {
                Moved::Bytes(len) => {
                    self.gateway.sent(session, len);
                    busy |= len > 0;
                    if len == waiting && !self.gateway.is_open(session) {
                        self.hang_up(session, now);
                    }
                }
                // What the client sent before it went is still to be read: `take` finds the end.
                Moved::Ended => self.gateway.sent(session, waiting),
            }
        }
        busy
    }

    /// Ends all connections; whether there was one.
    pub fn hang_up_all(&mut self, now: Nanos) -> bool {
        (0..self.sessions.len()).fold(false, |any, session| self.hang_up(session, now) | any)
    }

    /// Ends one connection; the gateway hears of it. Whether there was one.
    pub fn hang_up(&mut self, session: usize, now: Nanos) -> bool {
        let was = self.sessions.get_mut(session).and_then(Option::take).is_some();
        if was {
            self.gateway.disconnected(session, now);
        }
        was
    }
}
