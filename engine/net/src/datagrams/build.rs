//! Ethernet, IPv4 and UDP headers around a payload.
//!
//! ```text
//!  to 6 | from 6 | 0800 2 || 45 00 total 2 | id 2 | 40 00 | ttl | 17 | sum 2 | src 4 | dst 4 ||
//!  src port 2 | dst port 2 | length 2 | sum 2 || payload | zeros up to 60 bytes
//! ```
//! Sources: IEEE 802.3, RFC 791, RFC 768, RFC 1071 (sum), RFC 1112 6.4 (address of a group).

use std::net::{Ipv4Addr, SocketAddrV4};

/// Headers before the payload.
pub const HEADERS: usize = ETHERNET + IPV4 + UDP;

/// Shortest Ethernet frame without its check sequence.
pub const FRAME_MIN: usize = 60;

const ETHERNET: usize = 14;
const IPV4: usize = 20;
const UDP: usize = 8;

/// The longest payload that fits a frame of `frame_max` bytes.
pub const fn payload_max(frame_max: usize) -> usize {
    let longest = 65_535 - IPV4 - UDP;
    let room = frame_max.saturating_sub(HEADERS);
    if room < longest { room } else { longest }
}

/// Bytes of the frame that carries `payload` bytes.
pub const fn frame_len(payload: usize) -> usize {
    let len = HEADERS + payload;
    if len < FRAME_MIN { FRAME_MIN } else { len }
}

/// What the headers say beyond the payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// Hardware address of this end.
    pub mac: [u8; 6],
    /// Hardware address of the next hop, or of the group.
    pub to_mac: [u8; 6],
    /// Source.
    pub from: SocketAddrV4,
    /// Destination.
    pub to: SocketAddrV4,
    /// Routers it may pass.
    pub ttl: u8,
    /// IP identification.
    pub id: u16,
}

impl Header {
    /// Writes headers, `payload` and padding into `frame`, which has [`frame_len`] bytes; does
    /// nothing when it is too short.
    pub fn write(&self, frame: &mut [u8], payload: &[u8]) {
        let Some((headers, body)) = frame.split_first_chunk_mut::<HEADERS>() else { return };
        if body.len() < payload.len() {
            return;
        }
        let (data, padding) = body.split_at_mut(payload.len());
        data.copy_from_slice(payload);
        padding.fill(0);
        *headers = self.headers(payload);
    }

    fn headers(&self, payload: &[u8]) -> [u8; HEADERS] {
        let mut h = [0; HEADERS];
        let udp_len = (UDP + payload.len()) as u16;
        h[0..6].copy_from_slice(&self.to_mac);
        h[6..12].copy_from_slice(&self.mac);
        h[12..14].copy_from_slice(&[0x08, 0x00]);
        let ip = ipv4(*self.from.ip(), *self.to.ip(), self.ttl, self.id, payload.len());
        h[14..34].copy_from_slice(&ip);
        h[34..36].copy_from_slice(&self.from.port().to_be_bytes());
        h[36..38].copy_from_slice(&self.to.port().to_be_bytes());
        h[38..40].copy_from_slice(&udp_len.to_be_bytes());
        // The pseudo header: addresses, protocol, length; then the UDP header and the payload.
        let pseudo = sum(&h[26..34]) + 17 + u64::from(udp_len);
        let udp_sum = match fold(pseudo + sum(&h[34..42]) + sum(payload)) {
            0 => 0xFFFF, // zero would say "no checksum"
            sum => sum,
        };
        h[40..42].copy_from_slice(&udp_sum.to_be_bytes());
        h
    }
}

/// The Ethernet address of a multicast group: 01-00-5E and the low 23 bits.
pub fn group_mac(group: Ipv4Addr) -> [u8; 6] {
    let [_, b, c, d] = group.octets();
    [0x01, 0x00, 0x5E, b & 0x7F, c, d]
}

/// The IPv4 header of a UDP datagram with `payload` bytes; not to be fragmented.
pub fn ipv4(from: Ipv4Addr, to: Ipv4Addr, ttl: u8, id: u16, payload: usize) -> [u8; IPV4] {
    let mut h = [0; IPV4];
    h[0] = 0x45;
    h[2..4].copy_from_slice(&((IPV4 + UDP + payload) as u16).to_be_bytes());
    h[4..6].copy_from_slice(&id.to_be_bytes());
    h[6] = 0x40; // do not fragment
    h[8] = ttl;
    h[9] = 17;
    h[12..16].copy_from_slice(&from.octets());
    h[16..20].copy_from_slice(&to.octets());
    let sum = fold(sum(&h));
    h[10..12].copy_from_slice(&sum.to_be_bytes());
    h
}

/// Sum of the 16-bit words, unfolded; an odd last byte is the high half of its word.
pub fn sum(bytes: &[u8]) -> u64 {
    // Four bytes at a time: 32-bit words add up to the same ones' complement sum (RFC 1071 2C).
    let (words, rest) = bytes.as_chunks::<4>();
    let wide: u64 = words.iter().map(|word| u64::from(u32::from_be_bytes(*word))).sum();
    let mut last = [0; 4];
    last[..rest.len()].copy_from_slice(rest);
    wide + u64::from(u32::from_be_bytes(last))
}

/// The complement of a sum, folded to 16 bits.
pub fn fold(sum: u64) -> u16 {
    let mut sum = sum;
    for _ in 0..4 {
        sum = (sum & 0xFFFF) + (sum >> 16);
    }
    !(sum as u16)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sums_are_those_of_the_rfc() {
        // RFC 1071, section 3: words 0001 f203 f4f5 f6f7 add up to ddf2, its complement is 220d.
        let bytes = [0x00, 0x01, 0xF2, 0x03, 0xF4, 0xF5, 0xF6, 0xF7];
        assert_eq!(fold(sum(&bytes)), 0x220D);
        for len in 0..9 {
            let slow = bytes[..len.min(8)].chunks(2).fold(0u64, |total, pair| {
                total + (u64::from(pair[0]) << 8) + pair.get(1).map_or(0, |low| u64::from(*low))
            });
            assert_eq!(fold(sum(&bytes[..len.min(8)])), fold(slow), "{len}");
        }
    }

    #[test]
    fn a_group_has_its_address_of_rfc_1112() {
        assert_eq!(group_mac(Ipv4Addr::new(224, 0, 0, 1)), [1, 0, 0x5E, 0, 0, 1]);
        assert_eq!(group_mac(Ipv4Addr::new(239, 255, 1, 2)), [1, 0, 0x5E, 0x7F, 1, 2]);
    }
}
