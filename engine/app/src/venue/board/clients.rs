//! Clients of a TCP service: each connection has a session that says what its bytes mean.

use std::net::{SocketAddrV4, TcpListener, TcpStream};

use crate::failure::Failure;
use crate::venue::socket::{self, Moved};

/// Bytes taken from a client in a round, at most.
const TAKE_MAX: usize = 16_384;
/// A client that leaves more than this unread is cut off: a slow reader must not hold the venue.
const BEHIND_MAX: usize = 64 << 20;

/// One connection.
struct Client<S> {
    stream: TcpStream,
    session: S,
    output: Vec<u8>,
    gone: bool,
}

/// A listener and its connections.
pub struct Clients<S> {
    listener: TcpListener,
    clients: Vec<Client<S>>,
    most: usize,
    /// Connections that were one too many.
    pub turned_away: u64,
    /// Connections that were cut off because they read too slowly.
    pub too_slow: u64,
}

impl<S> Clients<S> {
    /// Listens at `at`, which the configuration calls `key`, for at most `most` clients.
    ///
    /// # Errors
    /// The address is in use, or not of this machine.
    pub fn open(key: &str, at: SocketAddrV4, most: usize) -> Result<Clients<S>, Failure> {
        let listener = socket::listen(key, at)?;
        Ok(Clients { listener, clients: Vec::new(), most, turned_away: 0, too_slow: 0 })
    }

    /// Where it listens.
    pub fn address(&self) -> String {
        socket::text(self.listener.local_addr())
    }

    /// Takes new connections; `session` makes one of each.
    pub fn accept(&mut self, mut session: impl FnMut() -> S) {
        while let Some(stream) = socket::accept(&self.listener) {
            if self.clients.len() == self.most {
                self.turned_away += 1;
                continue;
            }
            let (session, output) = (session(), Vec::new());
            self.clients.push(Client { stream, session, output, gone: false });
        }
    }

    /// Takes what has come; `answer` gets session, bytes and the output. Whether anything has.
    pub fn take(&mut self, mut answer: impl FnMut(&mut S, &[u8], &mut Vec<u8>)) -> bool {
        let mut buffer = [0; TAKE_MAX];
        let mut busy = false;
        for client in &mut self.clients {
            match socket::read(&client.stream, &mut buffer) {
                Moved::Bytes(0) => {}
                Moved::Bytes(len) => {
                    let bytes = buffer.get(..len).unwrap_or(&[]);
                    answer(&mut client.session, bytes, &mut client.output);
                    busy = true;
                }
                Moved::Ended => client.gone = true,
            }
        }
        busy
    }

    /// Says something to everybody.
    pub fn tell(&mut self, mut say: impl FnMut(&mut S, &mut Vec<u8>)) {
        self.clients.iter_mut().for_each(|client| say(&mut client.session, &mut client.output));
    }

    /// Sends what waits, and lets go of whom is done; `ended` says whether a session is over, and
    /// `bye` hears of each connection that ends. Whether anything was sent.
    pub fn give(&mut self, ended: impl Fn(&S) -> bool, mut bye: impl FnMut(&mut S)) -> bool {
        let mut busy = false;
        for client in &mut self.clients {
            match socket::write(&client.stream, &client.output) {
                Moved::Bytes(len) => {
                    client.output.drain(..len);
                    busy |= len > 0;
                }
                Moved::Ended => client.gone = true,
            }
            let slow = client.output.len() > BEHIND_MAX;
            self.too_slow += u64::from(slow && !client.gone);
            client.gone |= slow || (client.output.is_empty() && ended(&client.session));
            if client.gone {
                bye(&mut client.session);
            }
        }
        self.clients.retain(|client| !client.gone);
        busy
    }

    /// Cuts every connection; whether there was one.
    pub fn hang_up_all(&mut self, mut bye: impl FnMut(&mut S)) -> bool {
        self.clients.iter_mut().for_each(|client| bye(&mut client.session));
        let any = !self.clients.is_empty();
        self.clients.clear();
        any
    }
}
