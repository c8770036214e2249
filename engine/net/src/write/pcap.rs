//! Writing pcap: little-endian, nanoseconds, Ethernet frames that carry UDP over IPv4.

use std::net::Ipv4Addr;
use std::path::Path;

use nofx_types::Nanos;

use crate::atomic::AtomicFile;
use crate::datagrams::build::{FRAME_MIN, fold, group_mac, ipv4, sum};
use crate::{Error, Problem, Result};

const ETHERNET: usize = 14;
const TAG: usize = 4;
const IPV4: usize = 20;
const UDP: usize = 8;

/// Routers that a packet of ours may pass: it says so, though it only lies in a file.
const TTL: u8 = 16;

/// Most payload of a UDP datagram over IPv4.
const PAYLOAD_MAX: usize = 65_535 - IPV4 - UDP;

/// What all frames of a file have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Link {
    /// Source address.
    pub src: [u8; 4],
    /// Source port.
    pub src_port: u16,
    /// 802.1Q VLAN id (12 bits), if frames are tagged.
    pub vlan: Option<u16>,
}

impl Default for Link {
    fn default() -> Link {
        Link { src: [10, 0, 0, 1], src_port: 40_000, vlan: None }
    }
}

/// The bytes that open a capture file.
pub fn file_header() -> [u8; 24] {
    let mut header = [0u8; 24];
    header[0..4].copy_from_slice(&0xA1B2_3C4D_u32.to_le_bytes()); // nanoseconds
    header[4..6].copy_from_slice(&2u16.to_le_bytes());
    header[6..8].copy_from_slice(&4u16.to_le_bytes());
    header[16..20].copy_from_slice(&crate::capture::CAPLEN_MAX.to_le_bytes());
    header[20..24].copy_from_slice(&1u32.to_le_bytes()); // Ethernet
    header
}

/// Appends one datagram to `dst:port` as a packet record: for files that grow, where
/// [`PcapWriter`] makes whole ones. Returns where in `out` the payload begins; `None`, and nothing
/// appended, when payload or time do not fit (65,507 bytes, the year 2106).
pub fn append_datagram(
    out: &mut Vec<u8>,
    link: &Link,
    number: u64,
    ts_ns: Nanos,
    (dst, port): ([u8; 4], u16),
    payload: &[u8],
) -> Option<usize> {
    let seconds = u32::try_from(ts_ns.0 / 1_000_000_000).ok()?;
    if payload.len() > PAYLOAD_MAX {
        return None;
    }
    let (head, padding) = record_head(link, number, seconds, ts_ns, dst, port, payload.len());
    // No checksum: RFC 768 allows it over IPv4, and nobody sends this frame.
    out.extend_from_slice(head.bytes());
    let at = out.len();
    out.extend_from_slice(payload);
    out.extend_from_slice(&[0; FRAME_MIN][..padding]);
    Some(at)
}

/// Everything before the payload, and the padding behind it.
fn record_head(
    link: &Link,
    number: u64,
    seconds: u32,
    ts_ns: Nanos,
    dst: [u8; 4],
    port: u16,
    payload_len: usize,
) -> (Head, usize) {
    let tag = if link.vlan.is_some() { TAG } else { 0 };
    let used = ETHERNET + tag + IPV4 + UDP + payload_len;
    let padding = FRAME_MIN.saturating_sub(used);
    let length = (used + padding) as u32;
    let mut head = Head::default();
    head.put(&seconds.to_le_bytes());
    head.put(&((ts_ns.0 % 1_000_000_000) as u32).to_le_bytes());
    head.put(&length.to_le_bytes());
    head.put(&length.to_le_bytes());
    head.put(&mac_of(dst));
    head.put(&mac_of(link.src));
    if let Some(vlan) = link.vlan {
        head.put(&0x8100u16.to_be_bytes());
        head.put(&(vlan & 0x0FFF).to_be_bytes());
    }
    head.put(&0x0800u16.to_be_bytes());
    head.put(&ipv4(link.src.into(), dst.into(), TTL, number as u16, payload_len));
    head.put(&link.src_port.to_be_bytes());
    head.put(&port.to_be_bytes());
    head.put(&((UDP + payload_len) as u16).to_be_bytes());
    head.put(&[0, 0]); // the checksum, see [`Head::seal`]
    (head, padding)
}

/// Writes datagrams as packets of a capture.
pub struct PcapWriter {
    out: AtomicFile,
    link: Link,
    packets: u64,
}

impl PcapWriter {
    /// Begins the file `path`.
    ///
    /// # Errors
    /// The file cannot be created or written.
    pub fn create(path: impl AsRef<Path>, link: Link) -> Result<PcapWriter> {
        let mut writer = PcapWriter { out: AtomicFile::create(path)?, link, packets: 0 };
        writer.out.put(&file_header())?;
        Ok(writer)
    }

    /// Appends a datagram to `dst:port`, captured at `ts_ns` (since 1970).
    ///
    /// # Errors
    /// The payload exceeds 65,507 bytes, the time is beyond 2106, or the file cannot be written.
    pub fn datagram(
        &mut self,
        ts_ns: Nanos,
        dst: [u8; 4],
        port: u16,
        payload: &[u8],
    ) -> Result<()> {
        if payload.len() > PAYLOAD_MAX {
            return Err(self.unwritable(Problem::PayloadLength(payload.len())));
        }
        let Ok(seconds) = u32::try_from(ts_ns.0 / 1_000_000_000) else {
            return Err(self.unwritable(Problem::Time(ts_ns.0)));
        };
        let (mut head, padding) =
            record_head(&self.link, self.packets, seconds, ts_ns, dst, port, payload.len());
        head.seal(payload);
        self.out.put(head.bytes())?;
        self.out.put(payload)?;
        self.out.put(&[0; FRAME_MIN][..padding])?;
        self.packets += 1;
        Ok(())
    }

    /// Publishes the file; returns the number of packets.
    ///
    /// # Errors
    /// The file cannot be written; it is not published then.
    pub fn finish(self) -> Result<u64> {
        self.out.finish()?;
        Ok(self.packets)
    }

    fn unwritable(&self, problem: Problem) -> Box<Error> {
        let (file, number) = (self.out.file().to_owned(), self.packets + 1);
        Box::new(Error::Unwritable { file, number, problem })
    }
}

/// Packet header to UDP header, built in place.
struct Head {
    bytes: [u8; Head::MAX],
    len: usize,
}

impl Default for Head {
    fn default() -> Head {
        Head { bytes: [0; Head::MAX], len: 0 }
    }
}

impl Head {
    const MAX: usize = 16 + ETHERNET + TAG + IPV4 + UDP;

    fn put(&mut self, bytes: &[u8]) {
        self.bytes[self.len..self.len + bytes.len()].copy_from_slice(bytes);
        self.len += bytes.len();
    }

    fn bytes(&self) -> &[u8] {
        &self.bytes[..self.len]
    }

    /// Fills the UDP checksum in: pseudo header (addresses, protocol, length), header, payload.
    fn seal(&mut self, payload: &[u8]) {
        let udp = self.len - UDP;
        let addresses = sum(&self.bytes[udp - 8..udp]);
        let header = sum(&self.bytes[udp..self.len]);
        let pseudo = addresses + 17 + (UDP + payload.len()) as u64;
        let sum = match fold(pseudo + header + sum(payload)) {
            0 => 0xFFFF, // zero would say "no checksum"
            sum => sum,
        };
        self.bytes[self.len - 2..self.len].copy_from_slice(&sum.to_be_bytes());
    }
}

/// The group's address on Ethernet, or a locally administered one for a host.
pub(super) fn mac_of(ip: [u8; 4]) -> [u8; 6] {
    let [a, b, c, d] = ip;
    let group = Ipv4Addr::from(ip);
    if group.is_multicast() { group_mac(group) } else { [0x02, 0x00, a, b, c, d] }
}
