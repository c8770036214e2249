//! From a captured frame to the UDP payload in it, or to the reason why there is none.
//!
//! ```text
//!  Ethernet 12 + type 2   | 8100 or 88A8: tag 2 + type 2, up to TAGS_MAX times |
//!  Linux cooked v1 16, v2 20                                                   +-> IPv4 -> UDP -> payload
//!  raw IP 0                                                                    |
//! ```
//!
//! Model: one fast path for what nearly every packet of a market-data capture is: Ethernet with at
//! most one VLAN tag, IPv4 without options, not a fragment, UDP, whole. It proves all lengths with
//! a few comparisons and returns. Anything else walks the headers one by one, and what cannot be
//! used is counted under its [`DropReason`]. Lengths are believed from the inside out: the IP total
//! length bounds the datagram, so Ethernet padding and appliance trailers are never payload.
//! Checksums are not verified: capturing hosts see them before the card fills them in.
//!
//! [`segment`] is the same walk for TCP; [`crate::tcp_flow`] makes a byte stream of what it finds.
//!
//! Worst case: [`TAGS_MAX`] tags and one IPv4 header with options, about forty comparisons.

use nofx_types::Nanos;

use crate::capture::{Frame, LinkType};

/// VLAN tags that may be stacked; more are counted as [`DropReason::BadVlan`].
pub const TAGS_MAX: usize = 4;

const TYPE_IPV4: u16 = 0x0800;
const TYPE_ARP: u16 = 0x0806;
const TYPE_VLAN: u16 = 0x8100; // 802.1Q
const TYPE_IPV6: u16 = 0x86DD;
const TYPE_QINQ: u16 = 0x88A8; // 802.1ad
const PROTOCOL_TCP: u8 = 6;
const PROTOCOL_UDP: u8 = 17;
const IPV4_HEADER: usize = 20;
const TCP_HEADER: usize = 20;
const UDP_HEADER: usize = 8;
const FRAGMENT: u16 = 0x3FFF; // more-fragments bit and fragment offset

/// A UDP datagram, lent from its frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Datagram<'a> {
    /// Source address.
    pub src: [u8; 4],
    /// Destination address: the multicast group.
    pub dst: [u8; 4],
    /// Source port.
    pub src_port: u16,
    /// Destination port.
    pub dst_port: u16,
    /// What UDP carries.
    pub payload: &'a [u8],
    /// Capture time, or the wire time when [`DecodeOptions::wire_stamp`] found one; ns since 1970.
    pub ts_ns: Nanos,
}

/// What [`decode`] does beyond the standards.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DecodeOptions {
    /// Take the time from a trailer that the capture appliance wrote behind the IP datagram.
    pub wire_stamp: Option<TrailerStamp>,
}

/// Where an appliance puts its time stamp. Vendors differ, and some change it by configuration:
/// look at one packet of the capture in a dissector before switching this on.
///
/// A trailer of 12 bytes (stamp, flags, device, port) has the stamp 12 from the end, or 16 when the
/// frame check sequence was captured too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TrailerStamp {
    /// Distance of the stamp's first byte from the end of the frame.
    pub bytes_from_end: usize,
    /// What the stamp looks like.
    pub format: StampFormat,
}

/// What a time stamp in a trailer looks like.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum StampFormat {
    /// Eight bytes: seconds since 1970 and nanoseconds, both u32 big-endian.
    #[default]
    SecondsNanos32,
}

/// A stamp further than this from the capture time is not believed: one day.
const STAMP_TOLERANCE_NS: u64 = 86_400_000_000_000;

/// Why a frame carries no datagram for us.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum DropReason {
    /// The capture kept less than the wire carried: the packet is lost.
    Snapped,
    /// The frame ends inside its headers.
    Truncated,
    /// Not Ethernet, Linux cooked or raw IP.
    UnknownLink,
    /// More tags than [`TAGS_MAX`].
    BadVlan,
    /// ARP.
    Arp,
    /// IPv6.
    Ipv6,
    /// Neither IP nor ARP.
    OtherEthertype,
    /// Said to be IPv4, but its version or header length is not.
    NotIpv4,
    /// A fragment.
    Fragment,
    /// Another protocol than UDP.
    NotUdp,
    /// The IP total length exceeds the frame or does not hold its headers.
    BadIpLength,
    /// The UDP length exceeds the IP datagram or does not hold its header.
    BadUdpLength,
}

impl DropReason {
    /// Every reason.
    pub const ALL: [DropReason; 12] = [
        DropReason::Snapped,
        DropReason::Truncated,
        DropReason::UnknownLink,
        DropReason::BadVlan,
        DropReason::Arp,
        DropReason::Ipv6,
        DropReason::OtherEthertype,
        DropReason::NotIpv4,
        DropReason::Fragment,
        DropReason::NotUdp,
        DropReason::BadIpLength,
        DropReason::BadUdpLength,
    ];

    /// Short name for tables and JSON.
    pub const fn name(self) -> &'static str {
        match self {
            DropReason::Snapped => "snapped",
            DropReason::Truncated => "truncated",
            DropReason::UnknownLink => "unknown_link",
            DropReason::BadVlan => "bad_vlan",
            DropReason::Arp => "arp",
            DropReason::Ipv6 => "ipv6",
            DropReason::OtherEthertype => "other_ethertype",
            DropReason::NotIpv4 => "not_ipv4",
            DropReason::Fragment => "fragment",
            DropReason::NotUdp => "not_udp",
            DropReason::BadIpLength => "bad_ip_length",
            DropReason::BadUdpLength => "bad_udp_length",
        }
    }
}

/// What became of the frames: datagrams, and drops by reason.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FrameCounts {
    datagrams: u64,
    drops: [u64; DropReason::ALL.len()],
    unstamped: u64,
}

impl FrameCounts {
    /// Frames that gave a datagram.
    pub fn datagrams(&self) -> u64 {
        self.datagrams
    }

    /// Frames dropped for `reason`.
    pub fn dropped(&self, reason: DropReason) -> u64 {
        self.drops.get(reason as usize).copied().unwrap_or(0)
    }

    /// Frames dropped, whatever the reason.
    pub fn dropped_all(&self) -> u64 {
        self.drops.iter().sum()
    }

    /// Datagrams that kept the capture time because no plausible wire stamp was found.
    pub fn unstamped(&self) -> u64 {
        self.unstamped
    }

    /// Every reason with its count, zeros included.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, u64)> + '_ {
        DropReason::ALL.iter().map(|reason| (reason.name(), self.dropped(*reason)))
    }

    /// Adds the counts of another walk.
    pub fn add(&mut self, other: &FrameCounts) {
        self.datagrams += other.datagrams;
        self.unstamped += other.unstamped;
        for (mine, theirs) in self.drops.iter_mut().zip(other.drops) {
            *mine += theirs;
        }
    }

    #[cold]
    fn drop(&mut self, reason: DropReason) {
        if let Some(count) = self.drops.get_mut(reason as usize) {
            *count += 1;
        }
    }
}

/// The UDP datagram of `frame`; `None` when there is none that can be used, which is counted.
#[inline]
pub fn decode<'a>(
    frame: &Frame<'a>,
    options: &DecodeOptions,
    counts: &mut FrameCounts,
) -> Option<Datagram<'a>> {
    let (mut datagram, ip_end) = match fast(frame) {
        Some(found) => found,
        None => slow(frame, counts)?,
    };
    counts.datagrams += 1;
    if let Some(stamp) = options.wire_stamp {
        match stamp.read(frame, ip_end) {
            Some(ts_ns) => datagram.ts_ns = ts_ns,
            None => counts.unstamped += 1,
        }
    }
    Some(datagram)
}

/// A datagram, and where its IP packet ends in the frame: trailers begin there.
type Found<'a> = (Datagram<'a>, usize);

/// Ethernet with at most one tag, a plain IPv4 header, UDP, all of it there; else `None`.
#[inline(always)]
fn fast<'a>(frame: &Frame<'a>) -> Option<Found<'a>> {
    let data = frame.data;
    let link = data.first_chunk::<18>()?;
    let tagged = u16::from_be_bytes([link[12], link[13]]) == TYPE_VLAN;
    let (ethertype, ip_at) = if tagged {
        (u16::from_be_bytes([link[16], link[17]]), 18)
    } else {
        (u16::from_be_bytes([link[12], link[13]]), 14)
    };
    let packet = data.get(ip_at..)?;
    let head = packet.first_chunk::<{ IPV4_HEADER + UDP_HEADER }>()?;
    let total = usize::from(u16::from_be_bytes([head[2], head[3]]));
    let udp_len = usize::from(u16::from_be_bytes([head[24], head[25]]));
    let fragment = u16::from_be_bytes([head[6], head[7]]) & FRAGMENT;
    let usual = (frame.link == LinkType::ETHERNET)
        & (ethertype == TYPE_IPV4)
        & (head[0] == 0x45)
        & (fragment == 0)
        & (head[9] == PROTOCOL_UDP)
        & (frame.orig_len as usize <= data.len())
        & (total <= packet.len())
        & (udp_len >= UDP_HEADER)
        & (udp_len + IPV4_HEADER <= total);
    if !usual {
        return None;
    }
    let payload = packet.get(IPV4_HEADER + UDP_HEADER..IPV4_HEADER + udp_len)?;
    let datagram = Datagram {
        src: [head[12], head[13], head[14], head[15]],
        dst: [head[16], head[17], head[18], head[19]],
        src_port: u16::from_be_bytes([head[20], head[21]]),
        dst_port: u16::from_be_bytes([head[22], head[23]]),
        payload,
        ts_ns: frame.ts_ns,
    };
    Some((datagram, ip_at + total))
}

/// Header by header.
#[cold]
fn slow<'a>(frame: &Frame<'a>, counts: &mut FrameCounts) -> Option<Found<'a>> {
    let found = whole(frame).and_then(network).and_then(|packet| {
        let (datagram, total) = datagram(packet, frame.ts_ns)?;
        Ok((datagram, frame.data.len() - packet.len() + total))
    });
    match found {
        Ok(found) => Some(found),
        Err(reason) => {
            counts.drop(reason);
            None
        }
    }
}

type Step<T> = Result<T, DropReason>;

fn whole<'f, 'a>(frame: &'f Frame<'a>) -> Step<&'f Frame<'a>> {
    if (frame.data.len() as u64) < u64::from(frame.orig_len) {
        return Err(DropReason::Snapped);
    }
    Ok(frame)
}

/// What the link layer carries, if it is IPv4.
fn network<'a>(frame: &Frame<'a>) -> Step<&'a [u8]> {
    let data = frame.data;
    let (type_at, packet_at) = match frame.link {
        LinkType::ETHERNET => (12, 14),
        LinkType::LINUX_SLL => (14, 16),
        LinkType::LINUX_SLL2 => (0, 20),
        LinkType::RAW | LinkType::RAW_12 | LinkType::RAW_14 | LinkType::IPV4 => {
            return match data.first().ok_or(DropReason::Truncated)? >> 4 {
                6 => Err(DropReason::Ipv6),
                _ => Ok(data),
            };
        }
        _ => return Err(DropReason::UnknownLink),
    };
    let mut ethertype = be16(data, type_at)?;
    let mut packet = data.get(packet_at..).ok_or(DropReason::Truncated)?;
    for _ in 0..=TAGS_MAX {
        match ethertype {
            TYPE_IPV4 => return Ok(packet),
            TYPE_VLAN | TYPE_QINQ => {
                ethertype = be16(packet, 2)?;
                packet = packet.get(4..).ok_or(DropReason::Truncated)?;
            }
            TYPE_ARP => return Err(DropReason::Arp),
            TYPE_IPV6 => return Err(DropReason::Ipv6),
            _ => return Err(DropReason::OtherEthertype),
        }
    }
    Err(DropReason::BadVlan)
}

/// An IPv4 packet that is whole and no fragment.
struct Ip<'a> {
    src: [u8; 4],
    dst: [u8; 4],
    protocol: u8,
    body: &'a [u8],
    /// The packet's total length.
    total: usize,
}

fn ipv4(packet: &[u8]) -> Step<Ip<'_>> {
    let head = packet.first_chunk::<IPV4_HEADER>().ok_or(DropReason::Truncated)?;
    let header = usize::from(head[0] & 0x0F) * 4;
    if head[0] >> 4 != 4 || header < IPV4_HEADER {
        return Err(DropReason::NotIpv4);
    }
    let total = usize::from(u16::from_be_bytes([head[2], head[3]]));
    let body =
        packet.get(..total).and_then(|whole| whole.get(header..)).ok_or(DropReason::BadIpLength)?;
    if u16::from_be_bytes([head[6], head[7]]) & FRAGMENT != 0 {
        return Err(DropReason::Fragment);
    }
    Ok(Ip {
        src: [head[12], head[13], head[14], head[15]],
        dst: [head[16], head[17], head[18], head[19]],
        protocol: head[9],
        body,
        total,
    })
}

/// The datagram in an IPv4 packet, and the packet's total length.
fn datagram(packet: &[u8], ts_ns: Nanos) -> Step<(Datagram<'_>, usize)> {
    let Ip { src, dst, protocol, body, total } = ipv4(packet)?;
    if protocol != PROTOCOL_UDP {
        return Err(DropReason::NotUdp);
    }
    let udp = body.first_chunk::<UDP_HEADER>().ok_or(DropReason::BadIpLength)?;
    let udp_len = usize::from(u16::from_be_bytes([udp[4], udp[5]]));
    let payload = body
        .get(..udp_len)
        .and_then(|whole| whole.get(UDP_HEADER..))
        .ok_or(DropReason::BadUdpLength)?;
    let datagram = Datagram {
        src,
        dst,
        src_port: u16::from_be_bytes([udp[0], udp[1]]),
        dst_port: u16::from_be_bytes([udp[2], udp[3]]),
        payload,
        ts_ns,
    };
    Ok((datagram, total))
}

/// A TCP segment, lent from its frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Segment<'a> {
    /// Source address.
    pub src: [u8; 4],
    /// Destination address.
    pub dst: [u8; 4],
    /// Source port.
    pub src_port: u16,
    /// Destination port.
    pub dst_port: u16,
    /// Sequence number of the first byte of the payload, or of the SYN.
    pub seq: u32,
    /// The bits of [`tcp_flags`].
    pub flags: u8,
    /// What the segment carries.
    pub payload: &'a [u8],
    /// Capture time, ns since 1970.
    pub ts_ns: Nanos,
}

/// Bits of [`Segment::flags`].
pub mod tcp_flags {
    /// The sender has no more bytes.
    pub const FIN: u8 = 0x01;
    /// The connection begins.
    pub const SYN: u8 = 0x02;
    /// The connection is aborted.
    pub const RST: u8 = 0x04;
}

/// Why a frame carries no segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoSegment {
    /// The frame gives no IPv4 packet.
    Frame(DropReason),
    /// Another protocol than TCP.
    NotTcp,
    /// The TCP header exceeds the IP packet or is shorter than it must be.
    BadTcpLength,
}

/// The TCP segment of `frame`: its lengths are proven, its checksum is not (see the module).
pub fn segment<'a>(frame: &Frame<'a>) -> Result<Segment<'a>, NoSegment> {
    let found = whole(frame).and_then(network).and_then(ipv4);
    let Ip { src, dst, protocol, body, .. } = found.map_err(NoSegment::Frame)?;
    if protocol != PROTOCOL_TCP {
        return Err(NoSegment::NotTcp);
    }
    let tcp = body.first_chunk::<TCP_HEADER>().ok_or(NoSegment::BadTcpLength)?;
    let header = usize::from(tcp[12] >> 4) * 4;
    let payload =
        body.get(header..).filter(|_| header >= TCP_HEADER).ok_or(NoSegment::BadTcpLength)?;
    Ok(Segment {
        src,
        dst,
        src_port: u16::from_be_bytes([tcp[0], tcp[1]]),
        dst_port: u16::from_be_bytes([tcp[2], tcp[3]]),
        seq: u32::from_be_bytes([tcp[4], tcp[5], tcp[6], tcp[7]]),
        flags: tcp[13],
        payload,
        ts_ns: frame.ts_ns,
    })
}

fn be16(bytes: &[u8], at: usize) -> Step<u16> {
    let pair = bytes.get(at..).and_then(|from| from.first_chunk::<2>());
    pair.map(|pair| u16::from_be_bytes(*pair)).ok_or(DropReason::Truncated)
}

impl TrailerStamp {
    /// The stamp, if it lies behind the IP packet and names a time within a day of the capture.
    fn read(self, frame: &Frame<'_>, ip_end: usize) -> Option<Nanos> {
        let at = frame.data.len().checked_sub(self.bytes_from_end).filter(|at| *at >= ip_end)?;
        let StampFormat::SecondsNanos32 = self.format;
        let [s0, s1, s2, s3, n0, n1, n2, n3] = *frame.data.get(at..)?.first_chunk::<8>()?;
        let seconds = u64::from(u32::from_be_bytes([s0, s1, s2, s3]));
        let nanos = u64::from(u32::from_be_bytes([n0, n1, n2, n3]));
        let stamp = seconds * 1_000_000_000 + nanos;
        let plausible =
            nanos < 1_000_000_000 && stamp.abs_diff(frame.ts_ns.0) <= STAMP_TOLERANCE_NS;
        plausible.then_some(Nanos(stamp))
    }
}
