//! Writing one TCP connection as a pcap file: handshake, segments, acknowledgements, end.
//!
//! Model: both ends are ours, nothing is lost and nobody waits: data goes out as segments of at most
//! [`TCP_PAYLOAD_MAX`] bytes, the other end acknowledges every second one, and the window is never
//! full. Sources: RFC 9293 (3.1 header, 3.5 handshake, 3.6 end), RFC 1071 (sum).

use std::net::SocketAddrV4;
use std::path::Path;

use nofx_types::Nanos;

use super::pcap::{file_header, mac_of};
use crate::atomic::AtomicFile;
use crate::datagrams::build::{FRAME_MIN, fold, sum};
use crate::{Error, Problem, Result};

/// Most payload of a segment: an Ethernet frame without the headers of IPv4 and TCP.
pub const TCP_PAYLOAD_MAX: usize = 1_460;

const WINDOW: u16 = 65_535;
const TTL: u8 = 64;
const FIN: u8 = 1;
const SYN: u8 = 2;
const PSH: u8 = 8;
const ACK: u8 = 16;

/// One end of the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// Who connected.
    Client,
    /// Who accepted.
    Server,
}

impl End {
    const fn other(self) -> End {
        match self {
            End::Client => End::Server,
            End::Server => End::Client,
        }
    }
}

/// What an end has said and heard.
#[derive(Clone, Copy, Debug)]
struct State {
    address: SocketAddrV4,
    /// Number of its next byte.
    next: u32,
    /// Its bytes that the other end has not acknowledged yet.
    unacknowledged: usize,
    packets: u16,
}

/// Writes both directions of a connection as packets of a capture.
pub struct TcpPcapWriter {
    out: AtomicFile,
    client: State,
    server: State,
    packets: u64,
}

impl TcpPcapWriter {
    /// Begins the file `path` with the handshake.
    ///
    /// # Errors
    /// The file cannot be created or written.
    pub fn create(
        path: impl AsRef<Path>,
        client: SocketAddrV4,
        server: SocketAddrV4,
        ts_ns: Nanos,
    ) -> Result<TcpPcapWriter> {
        // The first numbers are arbitrary; these make a capture easy to read.
        let state = |address, next| State { address, next, unacknowledged: 0, packets: 0 };
        let mut writer = TcpPcapWriter {
            out: AtomicFile::create(path)?,
            client: state(client, 1_000_000),
            server: state(server, 2_000_000),
            packets: 0,
        };
        writer.out.put(&file_header())?;
        writer.segment(ts_ns, End::Client, SYN, &[])?;
        writer.segment(ts_ns, End::Server, SYN | ACK, &[])?;
        writer.segment(ts_ns, End::Client, ACK, &[])?;
        Ok(writer)
    }

    /// Appends bytes that `from` sent at `ts_ns` (since 1970), as one segment or more.
    ///
    /// # Errors
    /// The time is beyond 2106, or the file cannot be written.
    pub fn send(&mut self, ts_ns: Nanos, from: End, bytes: &[u8]) -> Result<()> {
        let mut chunks = bytes.chunks(TCP_PAYLOAD_MAX).peekable();
        while let Some(chunk) = chunks.next() {
            let push = if chunks.peek().is_none() { PSH } else { 0 };
            self.segment(ts_ns, from, ACK | push, chunk)?;
            if self.state(from).unacknowledged >= 2 * TCP_PAYLOAD_MAX {
                self.segment(ts_ns, from.other(), ACK, &[])?;
            }
        }
        Ok(())
    }

    /// Ends the connection, the server first, and publishes the file; returns the number of packets.
    ///
    /// # Errors
    /// The file cannot be written; it is not published then.
    pub fn finish(mut self, ts_ns: Nanos) -> Result<u64> {
        self.segment(ts_ns, End::Server, FIN | ACK, &[])?;
        self.segment(ts_ns, End::Client, FIN | ACK, &[])?;
        self.segment(ts_ns, End::Server, ACK, &[])?;
        self.out.finish()?;
        Ok(self.packets)
    }

    fn state(&self, end: End) -> &State {
        match end {
            End::Client => &self.client,
            End::Server => &self.server,
        }
    }

    fn segment(&mut self, ts_ns: Nanos, from: End, flags: u8, payload: &[u8]) -> Result<()> {
        let Ok(seconds) = u32::try_from(ts_ns.0 / 1_000_000_000) else {
            let (file, number) = (self.out.file().to_owned(), self.packets + 1);
            let problem = Problem::Time(ts_ns.0);
            return Err(Box::new(Error::Unwritable { file, number, problem }));
        };
        let (me, you) = match from {
            End::Client => (&mut self.client, &mut self.server),
            End::Server => (&mut self.server, &mut self.client),
        };
        let frame = frame(me, you, flags, payload);
        // SYN and FIN count as one byte each (RFC 9293, 3.4).
        let phantom = u32::from(flags & (SYN | FIN) != 0);
        me.next = me.next.wrapping_add(payload.len() as u32 + phantom);
        me.unacknowledged += payload.len();
        me.packets = me.packets.wrapping_add(1);
        if flags & ACK != 0 {
            you.unacknowledged = 0;
        }
        self.out.put(&seconds.to_le_bytes())?;
        self.out.put(&((ts_ns.0 % 1_000_000_000) as u32).to_le_bytes())?;
        let length = (frame.len() as u32).to_le_bytes();
        self.out.put(&length)?;
        self.out.put(&length)?;
        self.out.put(&frame)?;
        self.packets += 1;
        Ok(())
    }
}

/// Ethernet, IPv4, TCP, payload, padding.
fn frame(me: &State, you: &State, flags: u8, payload: &[u8]) -> Vec<u8> {
    let (from, to) = (me.address, you.address);
    let mut frame = Vec::with_capacity(FRAME_MIN.max(54 + 4 + payload.len()));
    frame.extend_from_slice(&mac_of(to.ip().octets()));
    frame.extend_from_slice(&mac_of(from.ip().octets()));
    frame.extend_from_slice(&[0x08, 0x00]);
    let tcp = segment(me, you, flags, payload);
    frame.extend_from_slice(&ip_header(me, you, tcp.len()));
    frame.extend_from_slice(&tcp);
    frame.resize(frame.len().max(FRAME_MIN), 0);
    frame
}

fn ip_header(me: &State, you: &State, tcp: usize) -> [u8; 20] {
    let mut header = [0; 20];
    header[0] = 0x45;
    header[2..4].copy_from_slice(&((20 + tcp) as u16).to_be_bytes());
    header[4..6].copy_from_slice(&me.packets.to_be_bytes());
    header[6] = 0x40; // do not fragment
    header[8] = TTL;
    header[9] = 6;
    header[12..16].copy_from_slice(&me.address.ip().octets());
    header[16..20].copy_from_slice(&you.address.ip().octets());
    let sum = fold(sum(&header));
    header[10..12].copy_from_slice(&sum.to_be_bytes());
    header
}

fn segment(me: &State, you: &State, flags: u8, payload: &[u8]) -> Vec<u8> {
    let mut segment = Vec::with_capacity(24 + payload.len());
    segment.extend_from_slice(&me.address.port().to_be_bytes());
    segment.extend_from_slice(&you.address.port().to_be_bytes());
    segment.extend_from_slice(&me.next.to_be_bytes());
    let heard = if flags & ACK != 0 { you.next } else { 0 };
    segment.extend_from_slice(&heard.to_be_bytes());
    let words = if flags & SYN != 0 { 6 } else { 5 };
    segment.extend_from_slice(&[words << 4, flags]);
    segment.extend_from_slice(&WINDOW.to_be_bytes());
    segment.extend_from_slice(&[0; 4]); // checksum, urgent
    if flags & SYN != 0 {
        let [a, b] = (TCP_PAYLOAD_MAX as u16).to_be_bytes();
        segment.extend_from_slice(&[2, 4, a, b]); // maximum segment size
    }
    segment.extend_from_slice(payload);
    let addresses = sum(&me.address.ip().octets()) + sum(&you.address.ip().octets());
    let sum = fold(addresses + 6 + segment.len() as u64 + sum(&segment));
    segment[16..18].copy_from_slice(&sum.to_be_bytes());
    segment
}
