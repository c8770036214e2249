//! Frames and messages, written byte by byte.

use std::net::Ipv4Addr;

pub const HOST: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 1);
pub const VENUE: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 2);
pub const HOST_PORT: u16 = 40_000;
pub const VENUE_PORT: u16 = 15_000;

pub const FIN: u8 = 1;
pub const SYN: u8 = 2;
pub const RST: u8 = 4;
pub const PSH: u8 = 8;
pub const ACK: u8 = 16;
pub const URG: u8 = 32;

/// The Internet checksum of RFC 1071, word by word.
pub fn checksum(bytes: &[u8]) -> u16 {
    let mut sum = 0u64;
    for pair in bytes.chunks(2) {
        sum += u64::from(pair[0]) << 8 | u64::from(pair.get(1).copied().unwrap_or(0));
    }
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !(sum as u16)
}

/// A TCP segment in its frame.
#[derive(Clone, Debug)]
pub struct Segment {
    pub vlan: Option<u16>,
    pub src: (Ipv4Addr, u16),
    pub dst: (Ipv4Addr, u16),
    pub seq: u32,
    pub ack: u32,
    pub flags: u8,
    pub options: Vec<u8>,
    pub payload: Vec<u8>,
}

impl Segment {
    pub fn host(seq: u32, flags: u8, payload: &[u8]) -> Segment {
        Segment {
            vlan: None,
            src: (HOST, HOST_PORT),
            dst: (VENUE, VENUE_PORT),
            seq,
            ack: 7,
            flags,
            options: Vec::new(),
            payload: payload.to_vec(),
        }
    }

    /// Data of the host.
    pub fn data(seq: u32, payload: &[u8]) -> Segment {
        Segment::host(seq, ACK | PSH, payload)
    }

    /// The venue's answer to a SYN with sequence number `syn`.
    pub fn syn_ack(syn: u32) -> Segment {
        Segment {
            src: (VENUE, VENUE_PORT),
            dst: (HOST, HOST_PORT),
            ack: syn.wrapping_add(1),
            ..Segment::host(90_000, SYN | ACK, &[])
        }
    }

    pub fn bytes(&self) -> Vec<u8> {
        let mut tcp = Vec::new();
        tcp.extend(self.src.1.to_be_bytes());
        tcp.extend(self.dst.1.to_be_bytes());
        tcp.extend(self.seq.to_be_bytes());
        tcp.extend(self.ack.to_be_bytes());
        tcp.push((5 + self.options.len() as u8 / 4) << 4);
        tcp.push(self.flags);
        tcp.extend([0x20, 0, 0, 0, 0, 0]);
        tcp.extend(&self.options);
        tcp.extend(&self.payload);
        let mut pseudo = Vec::new();
        pseudo.extend(self.src.0.octets());
        pseudo.extend(self.dst.0.octets());
        pseudo.extend([0, 6]);
        pseudo.extend((tcp.len() as u16).to_be_bytes());
        pseudo.extend(&tcp);
        let sum = checksum(&pseudo);
        tcp[16..18].copy_from_slice(&sum.to_be_bytes());
        ethernet(self.vlan, 0x0800, &ipv4(self.src.0, self.dst.0, 6, &tcp))
    }
}

pub fn ipv4(src: Ipv4Addr, dst: Ipv4Addr, protocol: u8, payload: &[u8]) -> Vec<u8> {
    let mut ip = vec![0x45, 0];
    ip.extend((20 + payload.len() as u16).to_be_bytes());
    ip.extend([0x12, 0x34, 0x40, 0, 64, protocol, 0, 0]);
    ip.extend(src.octets());
    ip.extend(dst.octets());
    let sum = checksum(&ip);
    ip[10..12].copy_from_slice(&sum.to_be_bytes());
    ip.extend(payload);
    ip
}

pub fn ethernet(vlan: Option<u16>, kind: u16, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1];
    if let Some(vlan) = vlan {
        frame.extend([0x81, 0]);
        frame.extend(vlan.to_be_bytes());
    }
    frame.extend(kind.to_be_bytes());
    frame.extend(payload);
    frame.resize(frame.len().max(60), 0);
    frame
}

/// The payload of a frame made by [`Segment`], padding left out.
pub fn payload(frame: &[u8]) -> &[u8] {
    let ip = if frame[12..14] == [0x81, 0] { 18 } else { 14 };
    let total = usize::from(u16::from_be_bytes([frame[ip + 2], frame[ip + 3]]));
    let tcp = ip + 20;
    &frame[tcp + usize::from(frame[tcp + 12] >> 4) * 4..ip + total]
}

/// Whether both checksums of a frame are right.
pub fn sums_are_right(frame: &[u8]) -> bool {
    let ip = if frame[12..14] == [0x81, 0] { 18 } else { 14 };
    let total = usize::from(u16::from_be_bytes([frame[ip + 2], frame[ip + 3]]));
    let tcp = &frame[ip + 20..ip + total];
    let mut pseudo = frame[ip + 12..ip + 20].to_vec();
    pseudo.extend([0, 6]);
    pseudo.extend((tcp.len() as u16).to_be_bytes());
    pseudo.extend(tcp);
    checksum(&frame[ip..ip + 20]) == 0 && checksum(&pseudo) == 0
}

/// A SoupBinTCP message.
pub fn soup(kind: u8, body: &[u8]) -> Vec<u8> {
    let mut bytes = (body.len() as u16 + 1).to_be_bytes().to_vec();
    bytes.push(kind);
    bytes.extend(body);
    bytes
}

pub fn text8(symbol: &str) -> [u8; 8] {
    let mut key = [b' '; 8];
    key.iter_mut().zip(symbol.bytes()).for_each(|(slot, byte)| *slot = byte);
    key
}

/// Enter Order with optional fields (entries; `None` leaves their length out).
pub fn enter(
    user_ref: u32,
    side: u8,
    qty: u32,
    symbol: &str,
    price: u64,
    list: Option<&[u8]>,
) -> Vec<u8> {
    let mut body = vec![b'O'];
    body.extend(user_ref.to_be_bytes());
    body.push(side);
    body.extend(qty.to_be_bytes());
    body.extend(text8(symbol));
    body.extend(price.to_be_bytes());
    body.extend(*b"0YPNN");
    body.extend(*b"seam-test     ");
    with_list(&mut body, list);
    soup(b'U', &body)
}

pub fn replace(orig: u32, user_ref: u32, qty: u32, price: u64, list: Option<&[u8]>) -> Vec<u8> {
    let mut body = vec![b'U'];
    body.extend(orig.to_be_bytes());
    body.extend(user_ref.to_be_bytes());
    body.extend(qty.to_be_bytes());
    body.extend(price.to_be_bytes());
    body.extend(*b"0YN");
    body.extend(*b"seam-test     ");
    with_list(&mut body, list);
    soup(b'U', &body)
}

fn with_list(body: &mut Vec<u8>, list: Option<&[u8]>) {
    if let Some(list) = list {
        body.extend((list.len() as u16).to_be_bytes());
        body.extend(list);
    }
}

pub fn cancel(user_ref: u32, qty: u32) -> Vec<u8> {
    let mut body = vec![b'X'];
    body.extend(user_ref.to_be_bytes());
    body.extend(qty.to_be_bytes());
    soup(b'U', &body)
}

pub fn modify(user_ref: u32, side: u8, qty: u32) -> Vec<u8> {
    let mut body = vec![b'M'];
    body.extend(user_ref.to_be_bytes());
    body.push(side);
    body.extend(qty.to_be_bytes());
    soup(b'U', &body)
}

pub fn mass_cancel(user_ref: u32) -> Vec<u8> {
    let mut body = vec![b'C'];
    body.extend(user_ref.to_be_bytes());
    body.extend(*b"FIRM        ");
    body.extend([0, 0]);
    soup(b'U', &body)
}
