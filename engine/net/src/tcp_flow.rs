//! One direction of captured TCP connections as a byte stream.
//!
//! Model: segments go in as the capture shows them, pieces of the stream come out in order. What
//! comes twice or overlaps is cut; what is ahead waits in a ring indexed by the place in the stream.
//! A capture may have lost what the connection did not: then the hole is never filled, the ring runs
//! full (or the connection ends), and the flow is broken, since a byte stream has no other place to
//! begin again. The next connection (SYN) begins a new stream.
//!
//! Worst case: a segment that fills a hole delivers everything that waited
//! ([`FlowConfig::park_bytes`]). Nothing allocates after construction.

use crate::frame::{Segment, tcp_flags};

/// Which direction is followed, and how much may wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FlowConfig {
    /// Port of the side whose bytes are wanted.
    pub src_port: u16,
    /// Address of that side, where several have the port.
    pub src: Option<[u8; 4]>,
    /// Bytes that may wait behind a hole: a power of two.
    pub park_bytes: usize,
    /// Begin with the first segment seen where the capture has no SYN. The stream then begins anywhere;
    /// framing with a checksum finds out.
    pub adopt: bool,
}

impl Default for FlowConfig {
    fn default() -> FlowConfig {
        FlowConfig { src_port: 0, src: None, park_bytes: 1 << 20, adopt: true }
    }
}

/// A piece of the stream, or what happened to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Piece<'a> {
    /// A connection begins; whatever was cut of the last one is void.
    Opened,
    /// The next bytes.
    Bytes(&'a [u8]),
    /// So many bytes are missing, and nothing behind them will come until the next connection.
    Broken {
        /// Bytes that the capture does not have, as far as they are known.
        missing: u64,
    },
    /// The connection is over.
    Closed,
}

/// Counts of a flow.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FlowCounts {
    /// Connections.
    pub opened: u64,
    /// Segments with bytes of the flow.
    pub segments: u64,
    /// Bytes delivered.
    pub bytes: u64,
    /// Segments that brought nothing new.
    pub duplicate: u64,
    /// Segments that waited behind a hole.
    pub parked: u64,
    /// Connections that broke.
    pub broken: u64,
    /// Segments of the port that belong to another connection, or to one that broke.
    pub other: u64,
}

/// Ranges of bytes that may wait apart from each other.
const RANGES_MAX: usize = 64;

#[derive(Clone, Copy, PartialEq)]
enum State {
    Idle,
    Open,
    Broken,
}

/// The other end, as far as it tells connections apart.
type Peer = ([u8; 4], u16, [u8; 4]);

/// The reassembly.
pub struct TcpFlow {
    config: FlowConfig,
    state: State,
    peer: Peer,
    /// Number of the first byte of the last connection.
    first: u32,
    /// Place in the stream of the byte that comes next; its low 32 bits are the sequence number.
    next: u64,
    /// Where the stream ends, once a FIN told it.
    end: Option<u64>,
    ring: Box<[u8]>,
    /// What waits: disjoint, rising.
    ranges: Vec<(u64, u64)>,
    counts: FlowCounts,
}

impl TcpFlow {
    /// A flow that waits for a connection; `None` when `park_bytes` is no power of two from 1 KiB to
    /// 1 GiB.
    pub fn new(config: FlowConfig) -> Option<TcpFlow> {
        let fits =
            config.park_bytes.is_power_of_two() && (1 << 10..=1 << 30).contains(&config.park_bytes);
        fits.then(|| TcpFlow {
            config,
            state: State::Idle,
            peer: ([0; 4], 0, [0; 4]),
            first: 0,
            next: 0,
            end: None,
            ring: vec![0; config.park_bytes].into(),
            ranges: Vec::with_capacity(RANGES_MAX),
            counts: FlowCounts::default(),
        })
    }

    /// Counts so far.
    pub fn counts(&self) -> FlowCounts {
        self.counts
    }

    /// Whether bytes wait behind a hole.
    pub fn waits(&self) -> bool {
        !self.ranges.is_empty()
    }

    /// Whether segments of this port and address are wanted.
    pub fn wants(&self, segment: &Segment<'_>) -> bool {
        let FlowConfig { src_port, src, .. } = self.config;
        segment.src_port == src_port && src.is_none_or(|src| src == segment.src)
    }

    /// Takes a segment, and hands over the pieces it makes; others than the wanted are ignored.
    pub fn take(&mut self, segment: &Segment<'_>, mut deliver: impl FnMut(Piece<'_>)) {
        if !self.wants(segment) {
            return;
        }
        let peer = (segment.dst, segment.dst_port, segment.src);
        let syn = segment.flags & tcp_flags::SYN != 0;
        let first = segment.seq.wrapping_add(u32::from(syn));
        // A SYN may come more than once; another connection has another first number.
        let again = self.counts.opened > 0 && (self.peer, self.first) == (peer, first);
        if syn && !again {
            self.close(&mut deliver);
            self.open(peer, first, &mut deliver);
        } else if self.config.adopt && self.counts.opened == 0 && !segment.payload.is_empty() {
            self.open(peer, first, &mut deliver);
        }
        if self.state != State::Open || self.peer != peer {
            self.counts.other += u64::from(!segment.payload.is_empty());
            return;
        }
        self.bytes(first, segment.payload, &mut deliver);
        let over = segment.flags & tcp_flags::RST != 0;
        if segment.flags & tcp_flags::FIN != 0 {
            self.end = Some(self.place(first).saturating_add(segment.payload.len() as u64));
        }
        if self.state == State::Open && (over || self.end.is_some_and(|end| end <= self.next)) {
            self.close(&mut deliver);
        }
    }

    /// Ends the input: a hole that is open stays one.
    pub fn finish(&mut self, mut deliver: impl FnMut(Piece<'_>)) {
        self.close(&mut deliver);
    }

    fn open(&mut self, peer: Peer, first: u32, deliver: &mut impl FnMut(Piece<'_>)) {
        (self.state, self.end) = (State::Open, None);
        (self.peer, self.first) = (peer, first);
        // Far from zero, so that what lies before the start has a place too.
        self.next = (1 << 32) + u64::from(first);
        self.ranges.clear();
        self.counts.opened += 1;
        deliver(Piece::Opened);
    }

    fn close(&mut self, deliver: &mut impl FnMut(Piece<'_>)) {
        if self.state == State::Open && !self.ranges.is_empty() {
            self.broke(deliver);
        }
        if self.state != State::Idle {
            self.state = State::Idle;
            deliver(Piece::Closed);
        }
    }

    fn broke(&mut self, deliver: &mut impl FnMut(Piece<'_>)) {
        let missing = self.ranges.first().map_or(0, |(start, _)| start.saturating_sub(self.next));
        self.state = State::Broken;
        self.ranges.clear();
        self.counts.broken += 1;
        deliver(Piece::Broken { missing });
    }

    /// The place of a sequence number that is less than 2 GiB away.
    fn place(&self, seq: u32) -> u64 {
        let distance = seq.wrapping_sub(self.next as u32) as i32;
        self.next.saturating_add_signed(i64::from(distance))
    }

    fn bytes(&mut self, seq: u32, payload: &[u8], deliver: &mut impl FnMut(Piece<'_>)) {
        if payload.is_empty() {
            return;
        }
        self.counts.segments += 1;
        let start = self.place(seq);
        let known = self.next.saturating_sub(start);
        let Some(new) = payload.get(known.min(payload.len() as u64) as usize..) else { return };
        if new.is_empty() {
            self.counts.duplicate += 1;
        } else if start > self.next {
            self.park(start, new, deliver);
        } else {
            self.next += new.len() as u64;
            self.counts.bytes += new.len() as u64;
            deliver(Piece::Bytes(new));
            self.drain(deliver);
        }
    }

    /// Keeps bytes that are ahead.
    fn park(&mut self, start: u64, bytes: &[u8], deliver: &mut impl FnMut(Piece<'_>)) {
        let end = start + bytes.len() as u64; // far below the range
        let known = self.ranges.iter().any(|(from, to)| *from <= start && end <= *to);
        if known {
            self.counts.duplicate += 1;
            return;
        }
        let fits = end - self.next <= self.ring.len() as u64;
        if !fits || !self.note(start, end) {
            if self.ranges.is_empty() {
                self.ranges.push((start, end));
            }
            return self.broke(deliver);
        }
        self.counts.parked += 1;
        let mask = self.ring.len() - 1;
        for (byte, place) in bytes.iter().zip(start..) {
            if let Some(slot) = self.ring.get_mut(place as usize & mask) {
                *slot = *byte;
            }
        }
    }

    /// Joins a range with those it touches; false when there is no room for one more.
    fn note(&mut self, start: u64, end: u64) -> bool {
        let (mut start, mut end) = (start, end);
        self.ranges.retain(|(from, to)| {
            let apart = *to < start || *from > end;
            if !apart {
                (start, end) = (start.min(*from), end.max(*to));
            }
            apart
        });
        if self.ranges.len() == RANGES_MAX {
            return false;
        }
        let at = self.ranges.partition_point(|(from, _)| *from < start);
        self.ranges.insert(at, (start, end));
        true
    }

    /// Delivers what waited for the byte that comes next.
    fn drain(&mut self, deliver: &mut impl FnMut(Piece<'_>)) {
        while let Some((_, end)) = self.ranges.first().copied().filter(|r| r.0 <= self.next) {
            self.ranges.remove(0);
            while self.next < end {
                let at = self.next as usize & (self.ring.len() - 1);
                let length = ((end - self.next) as usize).min(self.ring.len() - at);
                let Some(piece) = self.ring.get(at..at + length) else { return };
                self.next += length as u64;
                self.counts.bytes += length as u64;
                deliver(Piece::Bytes(piece));
            }
        }
    }
}
