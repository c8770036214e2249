//! The order port of one firm: who is connected, and its bytes.
//!
//! A connection has to log in before it counts: until its first frame is here, and unless that is
//! the login of this firm, whoever is connected already stays. A login that is good takes over, so
//! that a client that lost its network need not wait for the old connection to time out.

use std::net::{TcpListener, TcpStream};

use nofx_types::Nanos;
use nofx_venue::acceptor::Acceptor;
use nofx_venue::exchange::{Exchange, FirmConfig};
use nofx_wire::soup::{self, Frame};

use super::socket::{self, Moved};
use crate::failure::Failure;

/// Connections that may wait for their login.
const WAITING_MAX: usize = 16;
/// How long they may.
const LOGIN_NS: u64 = 15_000_000_000;
/// Bytes taken in a round, at most.
const TAKE_MAX: usize = 16_384;
/// Bytes that may wait for the socket; the rest waits in the venue's outbox.
const OUTPUT_MAX: usize = 65_536;

/// A client.
struct Client {
    stream: TcpStream,
    /// Bytes that were not taken yet.
    input: Vec<u8>,
    output: Vec<u8>,
    since: Nanos,
}

impl Client {
    fn new(stream: TcpStream, since: Nanos) -> Client {
        Client { stream, input: Vec::new(), output: Vec::new(), since }
    }

    /// Reads what has come; false when the connection ended.
    fn read(&mut self) -> bool {
        let mut buffer = [0; TAKE_MAX];
        if self.input.len() >= TAKE_MAX {
            return true; // the venue has not taken what came before
        }
        match socket::read(&self.stream, &mut buffer) {
            Moved::Bytes(len) => {
                self.input.extend_from_slice(buffer.get(..len).unwrap_or(&[]));
                true
            }
            Moved::Ended => false,
        }
    }

    /// Writes what waits; false when the connection ended.
    fn write(&mut self) -> bool {
        match socket::write(&self.stream, &self.output) {
            Moved::Bytes(len) => {
                self.output.drain(..len);
                true
            }
            Moved::Ended => false,
        }
    }
}

/// What a waiting connection has shown so far.
enum First {
    Nothing,
    Login { known: bool },
    Garbage,
}

/// The port.
pub struct Port {
    firm: usize,
    listener: TcpListener,
    client: Option<Client>,
    waiting: Vec<Client>,
    /// Logins that had been refused when the present client connected.
    refused_before: u64,
    /// Connections cut off for what they sent first, or did not send.
    pub strangers: u64,
    /// Logins that took over from a connection that lasted.
    pub takeovers: u64,
}

impl Port {
    /// Opens the port of the firm with this number.
    pub fn open(firm: usize, config: &FirmConfig) -> Result<Port, Failure> {
        let listener = socket::listen("firms.listen", config.listen)?;
        let (client, waiting) = (None, Vec::new());
        Ok(Port { firm, listener, client, waiting, refused_before: 0, strangers: 0, takeovers: 0 })
    }

    /// Where it listens.
    pub fn address(&self) -> String {
        socket::text(self.listener.local_addr())
    }

    /// Takes new connections.
    pub fn accept(&mut self, now: Nanos) {
        while let Some(stream) = socket::accept(&self.listener) {
            if self.waiting.len() == WAITING_MAX {
                self.waiting.remove(0);
                self.strangers += 1;
            }
            self.waiting.push(Client::new(stream, now));
        }
    }

    /// Takes what has come; returns whether anything has.
    pub fn take(&mut self, exchange: &mut Exchange, now: Nanos) -> bool {
        self.meet(exchange, now);
        let Some(client) = &mut self.client else { return false };
        let alive = client.read();
        let Some(port) = exchange.port(self.firm) else { return false };
        let taken = port.on_bytes(now, &client.input);
        client.input.drain(..taken);
        if !alive {
            self.hang_up(exchange, now);
        }
        taken > 0
    }

    /// Gives what the venue has said; returns whether there was anything.
    pub fn give(&mut self, exchange: &mut Exchange, now: Nanos) -> bool {
        let Some(port) = exchange.port(self.firm) else { return false };
        let Some(client) = &mut self.client else { return false };
        let waited = client.output.len();
        while client.output.len() < OUTPUT_MAX
            && let Some((_, bytes)) = port.poll_out(now)
        {
            client.output.extend_from_slice(bytes);
        }
        let busy = client.output.len() > waited;
        let alive = client.write();
        if !alive || (client.output.is_empty() && is_over(port, self.refused_before)) {
            self.hang_up(exchange, now);
        }
        busy
    }

    /// Ends the connection; whether there was one.
    pub fn hang_up(&mut self, exchange: &mut Exchange, now: Nanos) -> bool {
        let was = self.client.take().is_some();
        if was && let Some(port) = exchange.port(self.firm) {
            port.disconnect(now);
        }
        // The end is served before anybody else connects.
        exchange.serve(self.firm, now);
        was
    }

    /// Looks at those who have not logged in yet.
    fn meet(&mut self, exchange: &mut Exchange, now: Nanos) {
        let mut at = 0;
        while let Some(client) = self.waiting.get_mut(at) {
            let alive = client.read();
            let late = now.since(client.since) >= LOGIN_NS;
            let first = exchange.port(self.firm).map(|port| first_frame(&client.input, port));
            match first {
                Some(First::Login { known }) if known || self.client.is_none() => {
                    let client = self.waiting.remove(at);
                    self.let_in(client, exchange, now);
                }
                Some(First::Login { .. }) => {
                    let reply = soup::login_rejected(soup::REJECT_NOT_AUTHORISED);
                    let _ = socket::write(&client.stream, &reply); // or it has gone
                    self.waiting.remove(at);
                    self.strangers += 1;
                }
                Some(First::Nothing) if alive && !late => at += 1,
                _ => {
                    self.waiting.remove(at);
                    self.strangers += 1;
                }
            }
        }
    }

    fn let_in(&mut self, client: Client, exchange: &mut Exchange, now: Nanos) {
        let was = self.hang_up(exchange, now);
        self.takeovers += u64::from(was);
        if let Some(port) = exchange.port(self.firm) {
            port.connect(now);
            self.refused_before = port.stats().logins_refused;
        }
        self.client = Some(client);
    }
}

/// Whether nothing more will come: the session ended, or the login was refused.
fn is_over(port: &Acceptor, refused_before: u64) -> bool {
    let refused = !port.is_logged_in() && port.stats().logins_refused > refused_before;
    !port.is_connected() || refused
}

fn first_frame(input: &[u8], port: &Acceptor) -> First {
    match soup::next_frame(input) {
        Ok(Some((Frame::LoginRequest(login), _))) => First::Login { known: port.knows(login) },
        Ok(None) if is_login_so_far(input) => First::Nothing,
        _ => First::Garbage,
    }
}

/// Whether these bytes may still become a login.
fn is_login_so_far(input: &[u8]) -> bool {
    let front = [0, (soup::LOGIN_REQUEST_LEN - 2) as u8, b'L'];
    input.iter().zip(front).all(|(byte, want)| *byte == want)
}
