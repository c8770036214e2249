//! Two lossy lines: what becomes of each packet on its way to the capture.
//!
//! Model: each line has its own seed, delay and jitter. It loses packets in runs of one to three,
//! sends some twice, and holds some back behind up to four later packets of the same line. Beside
//! the losses of each line there is one common outage a day, so that a receiver meets a hole that
//! no line fills even where the shares make that unlikely. Packets of one line leave with rising
//! times. What was lost is written down per line and for both ([`Losses`]).
//!
//! Worst case: a packet is held back for [`LATE_NS`], also where none overtakes it.

use nofx_types::Nanos;

use super::draw::Draw;

/// Lines of a stream.
pub const LINES: usize = 2;
/// Longest that a packet is held back.
pub const LATE_NS: u64 = 100_000;
/// Ranges lost on both lines that are listed; further ones are only counted.
pub const RANGES_KEPT: usize = 10_000;
/// Packets of the common outage.
const OUTAGE_PACKETS: u64 = 3;
/// Most packets lost in a row by one line's own chance.
const RUN_MAX: u64 = 3;
/// Between a packet and its copy.
const COPY_NS: u64 = 1_000;
/// Delay and mean jitter by line.
const DELAYS: [(u64, u64); LINES] = [(5_000, 800), (5_600, 1_500)];

/// A share of packets, in parts of 2^32.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Share(pub u32);

impl Share {
    /// Never.
    pub const NEVER: Share = Share(0);

    /// From a fraction in 0..1; outside of it the nearest share.
    pub fn of(fraction: f64) -> Share {
        Share((fraction * 4_294_967_296.0) as u32) // the cast saturates
    }

    fn falls(self, draw: &mut Draw) -> bool {
        draw.chance(u64::from(self.0), 1 << 32)
    }
}

/// How often what happens to packets, on each line on its own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Faults {
    /// Lost.
    pub loss: Share,
    /// Sent twice.
    pub duplicate: Share,
    /// Overtaken by later ones.
    pub reorder: Share,
    /// When both lines go out for three packets, since midnight; `None` for never.
    pub outage: Option<Nanos>,
}

/// Messages `first..=last` of the stream.
pub type Range = (u64, u64);

/// What the lines lost.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Losses {
    /// Packets with messages that were sent.
    pub packets: u64,
    /// Of these, lost on line A and on line B.
    pub packets_lost: [u64; LINES],
    /// Messages lost on line A and on line B.
    pub messages_lost: [u64; LINES],
    /// Messages lost on both lines.
    pub messages_lost_both: u64,
    /// Runs of messages lost on both lines, adjacent packets joined.
    pub ranges_lost_both: u64,
    /// The first [`RANGES_KEPT`] of these runs.
    pub ranges: Vec<Range>,
    /// The last message lost on both lines.
    last_lost: u64,
}

impl Losses {
    fn note(&mut self, messages: Range, lost: [bool; LINES]) {
        let (first, last) = messages;
        let count = last - first + 1;
        self.packets += 1;
        for (line, lost) in lost.iter().enumerate().filter(|(_, lost)| **lost) {
            self.packets_lost[line] += u64::from(*lost);
            self.messages_lost[line] += count;
        }
        if lost == [true; LINES] {
            self.messages_lost_both += count;
            self.note_both(messages);
        }
    }

    fn note_both(&mut self, (first, last): Range) {
        let adjoins = self.ranges_lost_both > 0 && self.last_lost + 1 == first;
        self.last_lost = last;
        if adjoins {
            let open = self.ranges.last_mut().filter(|(_, end)| *end + 1 == first);
            open.into_iter().for_each(|(_, end)| *end = last);
            return;
        }
        self.ranges_lost_both += 1;
        if self.ranges.len() < RANGES_KEPT {
            self.ranges.push((first, last));
        }
    }
}

/// Takes what a line carries: line, time of capture since midnight, payload.
pub trait Wire {
    /// What can go wrong there.
    type Error;
    /// A datagram arrived.
    fn datagram(&mut self, line: usize, at: Nanos, payload: &[u8]) -> Result<(), Self::Error>;
}

/// Lines A and B.
#[derive(Debug)]
pub struct Lines {
    faults: Faults,
    lines: [Line; LINES],
    outage_left: u64,
    /// What was lost so far.
    pub losses: Losses,
}

impl Lines {
    /// Lines that misbehave as `faults` says, each by its own chance.
    pub fn new(seed: u64, faults: Faults) -> Lines {
        let lines = [0, 1].map(|line| Line::new(line, seed));
        let outage_left = if faults.outage.is_some() { OUTAGE_PACKETS } else { 0 };
        Lines { faults, lines, outage_left, losses: Losses::default() }
    }

    /// A packet left the venue at `at` with this run of messages, or `None` for a packet without.
    pub fn send<W: Wire>(
        &mut self,
        at: Nanos,
        payload: &[u8],
        messages: Option<Range>,
        wire: &mut W,
    ) -> Result<(), W::Error> {
        let out = messages.is_some() && self.is_out(at);
        let faults = self.faults;
        let mut lost = [out; LINES];
        for (line, lost) in self.lines.iter_mut().zip(&mut lost) {
            *lost |= line.loses(faults.loss);
            line.offer(at, (!*lost).then_some(payload), &faults, wire)?;
        }
        if let Some(messages) = messages {
            self.losses.note(messages, lost);
        }
        Ok(())
    }

    /// Lets go what is still held back.
    pub fn finish<W: Wire>(&mut self, wire: &mut W) -> Result<(), W::Error> {
        self.lines.iter_mut().try_for_each(|line| line.release(Nanos(0), wire))
    }

    fn is_out(&mut self, at: Nanos) -> bool {
        let out = self.outage_left > 0 && self.faults.outage.is_some_and(|from| at >= from);
        self.outage_left -= u64::from(out);
        out
    }
}

/// A packet that is being overtaken.
#[derive(Debug)]
struct Held {
    payload: Vec<u8>,
    /// How many more packets overtake it.
    overtakers: u64,
    /// When it comes at the latest, overtaken or not.
    due: Nanos,
}

#[derive(Debug)]
struct Line {
    index: usize,
    draw: Draw,
    /// Packets that the present run of losses still takes.
    losing: u64,
    /// Time of the last datagram.
    last: Nanos,
    held: Option<Held>,
    /// Memory of the packet held last.
    spare: Vec<u8>,
}

impl Line {
    fn new(index: usize, seed: u64) -> Line {
        let draw = Draw::new(seed ^ (index as u64 + 1).wrapping_mul(0xa076_1d64_78bd_642f));
        Line { index, draw, losing: 0, last: Nanos(0), held: None, spare: Vec::new() }
    }

    /// Runs are two packets long on average, so half as many begin as packets are lost.
    fn loses(&mut self, loss: Share) -> bool {
        if self.losing == 0 && Share(loss.0 / 2).falls(&mut self.draw) {
            self.losing = self.draw.between(1, RUN_MAX);
        }
        let lost = self.losing > 0;
        self.losing -= u64::from(lost);
        lost
    }

    /// A packet passes here at `sent`; `None` when it was lost on the way.
    fn offer<W: Wire>(
        &mut self,
        sent: Nanos,
        payload: Option<&[u8]>,
        faults: &Faults,
        wire: &mut W,
    ) -> Result<(), W::Error> {
        let (delay, jitter) = DELAYS[self.index];
        let at = sent.plus(delay + self.draw.exponential(jitter));
        if let Some(due) = self.held.as_ref().map(|held| held.due).filter(|due| *due < at) {
            self.release(due, wire)?;
        }
        let Some(payload) = payload else { return Ok(()) };
        if self.held.is_none() && faults.reorder.falls(&mut self.draw) {
            self.hold(at, payload);
            return Ok(());
        }
        self.emit(at, payload, wire)?;
        if faults.duplicate.falls(&mut self.draw) {
            self.emit(at.plus(COPY_NS), payload, wire)?;
        }
        self.overtake(at, wire)
    }

    fn hold(&mut self, at: Nanos, payload: &[u8]) {
        let mut copy = std::mem::take(&mut self.spare);
        copy.clear();
        copy.extend_from_slice(payload);
        let overtakers = self.draw.between(1, 4);
        self.held = Some(Held { payload: copy, overtakers, due: at.plus(LATE_NS) });
    }

    fn overtake<W: Wire>(&mut self, at: Nanos, wire: &mut W) -> Result<(), W::Error> {
        let Some(held) = &mut self.held else { return Ok(()) };
        held.overtakers -= 1;
        if held.overtakers == 0 { self.release(at, wire) } else { Ok(()) }
    }

    fn release<W: Wire>(&mut self, at: Nanos, wire: &mut W) -> Result<(), W::Error> {
        let Some(held) = self.held.take() else { return Ok(()) };
        self.emit(at, &held.payload, wire)?;
        self.spare = held.payload;
        Ok(())
    }

    fn emit<W: Wire>(&mut self, at: Nanos, payload: &[u8], wire: &mut W) -> Result<(), W::Error> {
        self.last = at.max(self.last.plus(1));
        wire.datagram(self.index, self.last, payload)
    }
}
