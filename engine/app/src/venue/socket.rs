//! Non-blocking reads and writes as they are used here.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, SocketAddrV4, TcpListener, TcpStream, UdpSocket};

use crate::failure::Failure;

/// What became of a read or a write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moved {
    /// So many bytes; 0: nothing now.
    Bytes(usize),
    /// The connection ended.
    Ended,
}

/// Reads what is there into `buffer`.
pub fn read(mut stream: &TcpStream, buffer: &mut [u8]) -> Moved {
    match stream.read(buffer) {
        Ok(0) => Moved::Ended,
        Ok(len) => Moved::Bytes(len),
        Err(error) => nothing_or_ended(error.kind()),
    }
}

/// Writes as much of `bytes` as the socket takes.
pub fn write(mut stream: &TcpStream, bytes: &[u8]) -> Moved {
    if bytes.is_empty() {
        return Moved::Bytes(0);
    }
    match stream.write(bytes) {
        Ok(len) => Moved::Bytes(len),
        Err(error) => nothing_or_ended(error.kind()),
    }
}

fn nothing_or_ended(kind: ErrorKind) -> Moved {
    match kind {
        ErrorKind::WouldBlock | ErrorKind::Interrupted => Moved::Bytes(0),
        _ => Moved::Ended,
    }
}

/// The next client, ready for polling.
pub fn accept(listener: &TcpListener) -> Option<TcpStream> {
    let (stream, _) = listener.accept().ok()?;
    stream.set_nonblocking(true).ok()?;
    stream.set_nodelay(true).ok()?;
    Some(stream)
}

/// A listener at `at`, which the configuration calls `key`.
pub fn listen(key: &str, at: SocketAddrV4) -> Result<TcpListener, Failure> {
    let opened = TcpListener::bind(at).and_then(|l| l.set_nonblocking(true).map(|()| l));
    opened.map_err(|e| Failure::usage(format!("{key}: {at}: {e}")))
}

/// A datagram socket at `at`, which the configuration calls `key`.
pub fn datagrams(key: &str, at: SocketAddrV4) -> Result<UdpSocket, Failure> {
    let opened = UdpSocket::bind(at).and_then(|s| s.set_nonblocking(true).map(|()| s));
    opened.map_err(|e| Failure::usage(format!("{key}: {at}: {e}")))
}

/// An address as text, for the line of readiness.
pub fn text(address: std::io::Result<SocketAddr>) -> String {
    address.map_or_else(|_| String::new(), |address| address.to_string())
}
