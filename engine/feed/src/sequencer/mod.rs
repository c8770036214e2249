//! Line arbitration: one stream of numbered messages out of one or two lossy lines.
//!
//! Model: each datagram says "I hold messages `seq .. seq + count` of session X". The sequencer
//! keeps one number, `expected`, and hands blocks on in order: a datagram at `expected` goes
//! straight through, one behind it is a copy, one ahead of it is parked in a slot that was allocated
//! at start. Arbitration is per message, because the two lines may cut the stream differently
//! (IEX-TP, MoldUDP64): a datagram that straddles `expected` has its first blocks skipped.
//!
//! ```text
//!          delivered            hole        parked        parked
//!  ... ------------------)  . . . . . . [===========) [======)
//!                         ^ expected                          ^ known_end
//! ```
//!
//! A hole becomes a gap when it can no longer be filled in time: every line has passed it (with an
//! allowance of `reorder_packets` for datagrams that overtake each other inside a line), or the
//! park is full, or `gap_timeout_ns` went by, or the input ended. Heartbeats advance `known_end`
//! and so reveal a hole behind the last message.
//!
//! Worst case: one datagram releases the whole park (`park_packets` datagrams). Nothing allocates
//! after construction, and no number that a datagram claims makes the work or the memory grow: a
//! jump beyond `jump_max` is believed only when a second datagram continues it.

mod arrivals;
mod back;
mod hold;
mod park;

use nofx_rt::hist::Histogram;
use nofx_types::Nanos;

use crate::{ConfigError, FeedConfig};
use arrivals::Arrivals;
use back::{Back, Shown};
use hold::Hold;
pub(crate) use hold::{Answer, Holes};
use park::{Park, Parked};

/// Most lines of a stream.
pub const LINES_MAX: usize = 2;
/// Largest `reorder_packets`: the history kept per line.
pub const REORDER_MAX: usize = 63;
/// How many gaps are kept for the report; further ones are only counted.
pub const GAPS_KEPT: usize = 64;
/// How many former sessions are remembered, so that a lagging line cannot bring one back.
const PAST_SESSIONS: usize = 4;
/// A line that was silent in this incarnation may lag: its "sequence 1" means a restart only when
/// it was sent this much later than anything accepted (one heartbeat interval).
const RESTART_MARGIN_NS: u64 = 1_000_000_000;

/// Where a stream starts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Start {
    /// At the first sequence number seen: a mid-day join.
    #[default]
    Live,
    /// At 1: everything before the first datagram is a hole.
    FromOne,
}

/// Whether sequence numbers are believed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sequencing {
    /// Arbitrate, reorder and find gaps.
    #[default]
    On,
    /// Take every datagram as it comes and number its messages on: for captures whose transport
    /// headers were blanked (sequence 0 in each).
    Off,
}

/// What a transport header says, with the blocks it holds. The blocks have been walked: `count` of
/// them lie whole in `blocks`.
#[derive(Clone, Copy, Debug)]
pub struct Datagram<'a> {
    /// Which stream and incarnation; equal for both lines.
    pub session: u128,
    /// Sequence of the first block; without blocks: the next one to be sent.
    pub seq: u64,
    /// Blocks; 0 is a heartbeat.
    pub count: u16,
    /// The session is over (MoldUDP64 count 0xFFFF).
    pub end_of_session: bool,
    /// The stream starts here (IEX-TP stream offset 0).
    pub stream_start: bool,
    /// When it was sent, 0 where the transport does not say.
    pub send_ns: u64,
    /// The blocks.
    pub blocks: &'a [u8],
}

/// Blocks to be handed on: those of one datagram from `skip` on.
#[derive(Clone, Copy, Debug)]
pub struct Run<'a> {
    /// Sequence of the block after the skipped ones.
    pub seq: u64,
    /// Blocks at the front that were delivered before.
    pub skip: u16,
    /// Blocks in all, the skipped ones included.
    pub count: u16,
    /// The blocks.
    pub blocks: &'a [u8],
    /// The engine's time at which they are released.
    pub now: Nanos,
    /// The datagram they came in.
    pub packet_no: u64,
    /// When it was sent, 0 where the transport does not say.
    pub send_ns: u64,
}

/// Messages that no line brought in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gap {
    /// First lost sequence number.
    pub first: u64,
    /// How many were lost.
    pub count: u64,
    /// The datagram at which the loss was declared.
    pub packet_no: u64,
}

/// Why a stream begins anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reset {
    /// Another session id.
    Session,
    /// The sequence starts at 1 again under the same session id (HIST captures of IEX), or all
    /// lines have gone back.
    Restart,
}

/// Takes what a [`Sequencer`] releases, in order.
pub trait Receiver {
    /// The next blocks of the stream.
    fn run(&mut self, run: &Run<'_>);
    /// Messages were lost; the stream goes on behind them.
    fn gap(&mut self, gap: &Gap, now: Nanos);
    /// The stream begins anew.
    fn reset(&mut self, reset: Reset, now: Nanos);
}

/// What one line brought. `messages = first + duplicate + late`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LineCounters {
    /// Datagrams, heartbeats included.
    pub packets: u64,
    /// Datagrams without a message.
    pub heartbeats: u64,
    /// Messages in them.
    pub messages: u64,
    /// Messages this line brought before any other.
    pub first: u64,
    /// Messages that had been brought before, by the other line or by this one.
    pub duplicate: u64,
    /// Messages that nobody had brought, but that came after they had been given up (or before the
    /// stream's start).
    pub late: u64,
    /// Sequence numbers this line never carried.
    pub missing: u64,
    /// Datagrams of a session or incarnation that is over.
    pub old_session: u64,
    /// Datagrams that ran ahead by more than `jump_max` without a witness: dropped.
    pub jumps: u64,
}

/// By how much a line led when it led.
#[derive(Clone, Default)]
pub struct Skew {
    /// Nanoseconds between the first copy, on this line, and the second, on the other; one value per
    /// pair of datagrams.
    pub lead_ns: Histogram,
    sum_ns: u128,
    count: u64,
}

impl Skew {
    /// Mean lead in nanoseconds, 0 when there was none.
    pub fn mean_ns(&self) -> u64 {
        (self.sum_ns / u128::from(self.count.max(1))) as u64
    }

    fn record(&mut self, lead_ns: u64) {
        self.lead_ns.record(lead_ns);
        self.sum_ns += u128::from(lead_ns);
        self.count += 1;
    }
}

/// What the stream as a whole went through.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StreamCounters {
    /// Messages handed on.
    pub delivered: u64,
    /// Holes that were given up.
    pub gaps: u64,
    /// Messages lost in them.
    pub missing: u64,
    /// The first [`GAPS_KEPT`] gaps.
    pub gap_list: Vec<Gap>,
    /// Sessions seen (the first one included).
    pub sessions: u64,
    /// Restarts at sequence 1 under one session id.
    pub restarts: u64,
    /// End-of-session datagrams.
    pub ends: u64,
    /// Datagrams that had to wait behind a hole.
    pub parked: u64,
    /// Most datagrams that waited at once.
    pub parked_max: u64,
    /// Holes given up because the park was full.
    pub park_full: u64,
    /// Holes given up because time ran out.
    pub timeouts: u64,
    /// Datagrams on a line that the configuration does not have.
    pub unknown_line: u64,
}

/// Where one line stands in the present incarnation.
struct Line {
    /// The largest first numbers the line has shown: a ring that rises up to `at`.
    largest: [u64; REORDER_MAX + 1],
    at: usize,
    /// The end of what it has shown.
    end: u64,
    /// Where a datagram that ran too far ahead says the stream goes on.
    witness: u64,
}

impl Line {
    const fn new() -> Line {
        Line { largest: [0; REORDER_MAX + 1], at: 0, end: 0, witness: u64::MAX }
    }

    /// A datagram `seq..end` came, on a line where `allowance` others may overtake one.
    #[inline]
    fn show(&mut self, seq: u64, end: u64, allowance: usize) {
        self.end = self.end.max(end);
        if seq <= self.passed(allowance) {
            return;
        }
        // At most `allowance` steps: the number before those is smaller.
        let mut place = self.at.wrapping_add(1);
        self.at = place;
        loop {
            let before = self.largest[place.wrapping_sub(1) & REORDER_MAX];
            if before <= seq {
                break;
            }
            self.largest[place & REORDER_MAX] = before;
            place = place.wrapping_sub(1);
        }
        self.largest[place & REORDER_MAX] = seq;
    }

    /// Numbers below this one will not come on this line any more: more than `allowance` datagrams
    /// overtook them.
    #[inline]
    fn passed(&self, allowance: usize) -> u64 {
        self.largest[self.at.wrapping_sub(allowance) & REORDER_MAX]
    }
}

/// Arbitrates the lines of one stream; the module says how.
pub struct Sequencer {
    config: FeedConfig,
    /// The next sequence number to hand on.
    expected: u64,
    /// One past the largest number known to exist.
    known_end: u64,
    started: bool,
    session: u128,
    lines: [Line; LINES_MAX],
    park: Park,
    /// First number of this incarnation that we answer for.
    origin: u64,
    /// Send time at which this incarnation began, and the latest one of a datagram that was no copy:
    /// a datagram that overtakes the restart it belongs to looks like one.
    incarnation_ns: u64,
    last_send_ns: u64,
    /// Send time of the datagram that showed that this incarnation had begun, 0 for the first.
    begun_ns: u64,
    past: [u128; PAST_SESSIONS],
    /// The `expected` of the hole whose age is measured, and since when it is open.
    hole_at: u64,
    hole_since: Nanos,
    /// One past the last gap of this incarnation.
    gap_end: u64,
    arrivals: Arrivals,
    line_counters: [LineCounters; LINES_MAX],
    counters: StreamCounters,
    /// Numbers answered for in former incarnations.
    span_closed: u64,
    hold: Hold,
    back: Back,
    /// Where the session is said to end; 0 before that.
    end_at: u64,
}

impl Sequencer {
    /// Sized by `config`; fails on a value outside its range.
    pub fn new(config: FeedConfig) -> Result<Sequencer, ConfigError> {
        config.check()?;
        Ok(Sequencer {
            config,
            expected: 1,
            known_end: 1,
            started: false,
            session: 0,
            lines: [Line::new(), Line::new()],
            park: Park::new(config.park_packets, config.packet_bytes),
            origin: 1,
            incarnation_ns: 0,
            last_send_ns: 0,
            begun_ns: 0,
            past: [0; PAST_SESSIONS],
            hole_at: 0,
            hole_since: Nanos(0),
            gap_end: 0,
            arrivals: Arrivals::new(config.lines),
            line_counters: [LineCounters::default(); LINES_MAX],
            counters: StreamCounters {
                gap_list: Vec::with_capacity(GAPS_KEPT),
                ..StreamCounters::default()
            },
            span_closed: 0,
            hold: Hold::default(),
            back: Back::default(),
            end_at: 0,
        })
    }

    /// Takes one datagram that came on `line` at `now`, and releases whatever it makes possible.
    pub fn on_packet<R: Receiver>(
        &mut self,
        line: usize,
        packet_no: u64,
        now: Nanos,
        datagram: &Datagram<'_>,
        receiver: &mut R,
    ) {
        if line >= self.config.lines {
            self.counters.unknown_line += 1;
            return;
        }
        let tally = &mut self.line_counters[line & 1];
        tally.packets += 1;
        tally.heartbeats += u64::from(datagram.count == 0);
        if self.config.sequencing == Sequencing::Off {
            return self.take_unnumbered(line, packet_no, now, datagram, receiver);
        }
        if !self.enter(line, packet_no, now, datagram, receiver) {
            self.line_counters[line & 1].old_session += 1;
            return;
        }
        let Some(end) = self.believable_end(line, datagram) else {
            self.line_counters[line & 1].jumps += 1;
            return;
        };
        if self.hold.keeps() && self.went_back(line, datagram, end, now) {
            self.counters.restarts += 1;
            self.begin(datagram);
            self.begun_ns = datagram.send_ns;
            receiver.reset(Reset::Restart, now);
        }
        if datagram.end_of_session && end >= self.known_end {
            self.end_at = end;
        }
        self.lines[line & 1].show(datagram.seq, end, self.config.reorder_packets);
        self.known_end = self.known_end.max(end);
        if end >= self.expected {
            self.last_send_ns = self.last_send_ns.max(datagram.send_ns);
        }
        self.counters.ends += u64::from(datagram.end_of_session);
        if datagram.count > 0 {
            self.tally(line, datagram.seq, end, now);
            self.take(packet_no, now, datagram, end, receiver);
        }
        if self.expected < self.known_end {
            self.settle(packet_no, now, receiver);
        }
    }

    /// Gives up holes that are older than the timeout at `now`; for a live loop between datagrams.
    pub fn on_time<R: Receiver>(&mut self, now: Nanos, receiver: &mut R) {
        if self.expected < self.known_end {
            self.settle(0, now, receiver);
        }
    }

    /// Ends the input: every hole is a gap now, and what waits behind it is handed on.
    pub fn finish<R: Receiver>(&mut self, packet_no: u64, now: Nanos, receiver: &mut R) {
        while self.expected < self.known_end {
            let to = self.hole_end();
            self.give_up(to, packet_no, now, receiver);
            self.drain(now, receiver);
        }
    }

    /// The next sequence number to hand on.
    pub fn expected(&self) -> u64 {
        self.expected
    }

    /// Counters of the stream.
    pub fn counters(&self) -> &StreamCounters {
        &self.counters
    }

    /// Counters of a line; zeros for a line that does not exist.
    pub fn line(&self, line: usize) -> LineCounters {
        let Some(tally) = self.line_counters.get(line).filter(|_| line < self.config.lines) else {
            return LineCounters::default();
        };
        let span = self.span_closed.saturating_add(self.known_end - self.origin);
        let carried = self.arrivals.distinct(line);
        LineCounters { missing: span.saturating_sub(carried), ..*tally }
    }

    /// Bytes held for waiting datagrams and for the bookkeeping of arrivals.
    pub fn memory_bytes(&self) -> u64 {
        (self.config.park_packets * self.config.packet_bytes) as u64 + self.arrivals.memory_bytes()
    }

    /// How many lines there are.
    pub fn lines(&self) -> usize {
        self.config.lines
    }

    /// By how much `line` led the other one, when it led.
    pub fn skew(&self, line: usize) -> Option<&Skew> {
        self.arrivals.skew(line)
    }

    fn take_unnumbered<R: Receiver>(
        &mut self,
        line: usize,
        packet_no: u64,
        now: Nanos,
        datagram: &Datagram<'_>,
        receiver: &mut R,
    ) {
        let count = u64::from(datagram.count);
        let tally = &mut self.line_counters[line & 1];
        tally.messages += count;
        tally.first += count;
        if count > 0 {
            let Datagram { count, blocks, send_ns, .. } = *datagram;
            let seq = self.expected;
            receiver.run(&Run { seq, skip: 0, count, blocks, now, packet_no, send_ns });
        }
        self.counters.delivered += count;
        self.expected = self.expected.saturating_add(count);
    }

    /// Whether the datagram belongs to the present incarnation, after beginning a new one if it
    /// opens one.
    #[inline]
    fn enter<R: Receiver>(
        &mut self,
        line: usize,
        packet_no: u64,
        now: Nanos,
        datagram: &Datagram<'_>,
        receiver: &mut R,
    ) -> bool {
        if self.started && datagram.session == self.session {
            if datagram.send_ns == 0 {
                return true;
            }
            if self.is_restart(line, datagram) {
                self.end_incarnation(packet_no, now, receiver);
                self.counters.restarts += 1;
                self.begin(datagram);
                self.incarnation_ns = datagram.send_ns;
                self.begun_ns = datagram.send_ns;
                receiver.reset(Reset::Restart, now);
            }
            return datagram.send_ns >= self.incarnation_ns;
        }
        self.enter_session(packet_no, now, datagram, receiver)
    }

    /// As in the HIST captures of IEX: sequence 1 at stream offset 0, sent later than anything
    /// accepted, while we are past it. A late copy of the first segment fails the send time.
    fn is_restart(&self, line: usize, datagram: &Datagram<'_>) -> bool {
        if !(datagram.stream_start && datagram.seq == 1 && self.expected > 1) {
            return false;
        }
        let spoke = self.lines[line & 1].end > 1;
        let margin = if spoke { 0 } else { RESTART_MARGIN_NS };
        datagram.send_ns > self.last_send_ns.saturating_add(margin)
    }

    /// Whether the datagram shows that all lines have gone back.
    #[inline]
    fn went_back(&mut self, line: usize, datagram: &Datagram<'_>, end: u64, now: Nanos) -> bool {
        let (seq, line_end, known_end) = (datagram.seq, self.lines[line & 1].end, self.known_end);
        let allowance = self.config.reorder_packets as u64;
        self.back.note(line, &Shown { seq, end, line_end, known_end, allowance }, now)
    }

    #[cold]
    fn enter_session<R: Receiver>(
        &mut self,
        packet_no: u64,
        now: Nanos,
        datagram: &Datagram<'_>,
        receiver: &mut R,
    ) -> bool {
        let known = (self.counters.sessions.saturating_sub(1) as usize).min(PAST_SESSIONS);
        if self.started && self.past.iter().take(known).any(|past| *past == datagram.session) {
            return false;
        }
        let first = !self.started;
        if !first && !self.hold.believes(datagram.session) {
            return false;
        }
        if !first {
            self.end_incarnation(packet_no, now, receiver);
            self.past.rotate_right(1);
            self.past[0] = self.session;
        }
        self.session = datagram.session;
        self.counters.sessions += 1;
        self.begin(datagram);
        if !first {
            receiver.reset(Reset::Session, now);
        }
        true
    }

    /// What waits behind a hole that was kept is not handed on any more: books are about to be
    /// cleared.
    fn end_incarnation<R: Receiver>(&mut self, packet_no: u64, now: Nanos, receiver: &mut R) {
        if !self.hold.keeps() {
            self.finish(packet_no, now, receiver);
        }
    }

    fn begin(&mut self, datagram: &Datagram<'_>) {
        self.span_closed = self.span_closed.saturating_add(self.known_end - self.origin);
        self.gap_end = 0;
        self.started = true;
        self.origin = match self.config.start {
            Start::Live => datagram.seq,
            Start::FromOne => 1,
        };
        self.expected = self.origin;
        self.known_end = self.origin;
        self.incarnation_ns = 0; // a session id of its own tells its datagrams apart
        self.last_send_ns = datagram.send_ns;
        self.lines = [Line::new(), Line::new()];
        self.back = Back::default();
        self.end_at = 0;
        self.park.clear();
        self.arrivals.restart(self.origin);
        self.hold.begin(datagram.seq);
    }

    /// The end of the datagram, unless it lies too far ahead to be believed at once.
    #[inline]
    fn believable_end(&mut self, line: usize, datagram: &Datagram<'_>) -> Option<u64> {
        let end = datagram.seq.checked_add(u64::from(datagram.count))?;
        let ahead = datagram.seq.saturating_sub(self.known_end);
        if ahead > self.config.jump_max {
            let line = &mut self.lines[line & 1];
            if core::mem::replace(&mut line.witness, end) != datagram.seq {
                return None;
            }
        }
        Some(end)
    }

    /// Counts who brought what first.
    #[inline]
    fn tally(&mut self, line: usize, seq: u64, end: u64, now: Nanos) {
        let count = end - seq;
        let start = seq.max(self.origin).min(end);
        let marked = self.arrivals.mark(line, start, end, self.expected, now);
        let tally = &mut self.line_counters[line & 1];
        tally.messages += count;
        tally.first += marked.first;
        tally.duplicate += marked.duplicate;
        tally.late += count - marked.first - marked.duplicate;
    }

    /// Hands the datagram on, parks it, or lets it go as a copy.
    #[inline]
    fn take<R: Receiver>(
        &mut self,
        packet_no: u64,
        now: Nanos,
        datagram: &Datagram<'_>,
        end: u64,
        receiver: &mut R,
    ) {
        if self.hold.frozen {
            return self.wait(packet_no, now, datagram, end);
        }
        // Each turn either ends or moves `expected` up to the datagram or to a parked one.
        while end > self.expected {
            if datagram.seq <= self.expected {
                let skip = (self.expected - datagram.seq) as u16; // below `count`
                let Datagram { count, blocks, send_ns, .. } = *datagram;
                let seq = self.expected;
                self.counters.delivered += end - seq;
                self.expected = end;
                receiver.run(&Run { seq, skip, count, blocks, now, packet_no, send_ns });
                if !self.park.is_empty() {
                    self.drain(now, receiver);
                }
                return;
            }
            if self.hold.keeps() {
                return self.wait(packet_no, now, datagram, end);
            }
            if self.park.covers(datagram.seq, end) {
                return;
            }
            if self.park.push(datagram, now, packet_no) {
                self.counters.parked += 1;
                self.counters.parked_max = self.counters.parked_max.max(self.park.len() as u64);
                return;
            }
            self.counters.park_full += 1;
            let to = self.park.first_seq().unwrap_or(u64::MAX).min(datagram.seq);
            self.give_up(to, packet_no, now, receiver);
            self.drain(now, receiver);
        }
    }

    /// Releases what waits at `expected`.
    fn drain<R: Receiver>(&mut self, now: Nanos, receiver: &mut R) {
        while let Some(parked) = self.park.pop_up_to(self.expected) {
            let end = parked.end();
            if end > self.expected {
                let seq = self.expected;
                let skip = (seq - parked.seq) as u16; // below `count`
                self.counters.delivered += end - seq;
                self.expected = end;
                let blocks = self.park.bytes(&parked);
                let Parked { count, packet_no, send_ns, .. } = parked;
                receiver.run(&Run { seq, skip, count, blocks, now, packet_no, send_ns });
            }
            self.park.release(parked);
        }
    }

    /// Gives up the part of the hole at `expected` that nobody can fill any more.
    #[cold]
    fn settle<R: Receiver>(&mut self, packet_no: u64, now: Nanos, receiver: &mut R) {
        if self.hold.frozen {
            return;
        }
        while self.expected < self.known_end {
            if self.hole_at != self.expected {
                self.hole_at = self.expected;
                self.hole_since = self.park.first_at().unwrap_or(now);
            }
            let timed_out = now.since(self.hole_since) >= self.config.gap_timeout_ns;
            let hole_end = self.hole_end();
            let to = if timed_out { hole_end } else { hole_end.min(self.passed_by_all()) };
            if to <= self.expected {
                return;
            }
            if self.hold.keeps() {
                return self.hold.due(to.max(self.passed_by_all()));
            }
            self.counters.timeouts += u64::from(timed_out && self.passed_by_all() < to);
            self.give_up(to, packet_no, now, receiver);
            self.drain(now, receiver);
        }
    }

    fn hole_end(&self) -> u64 {
        self.park.first_seq().unwrap_or(self.known_end)
    }

    fn passed_by_all(&self) -> u64 {
        let lines = self.lines.iter().take(self.config.lines);
        lines.map(|line| line.passed(self.config.reorder_packets)).min().unwrap_or(0)
    }

    fn give_up<R: Receiver>(&mut self, to: u64, packet_no: u64, now: Nanos, receiver: &mut R) {
        let gap = Gap { first: self.expected, count: to - self.expected, packet_no };
        self.expected = to;
        self.counters.missing = self.counters.missing.saturating_add(gap.count);
        let continues = gap.first == self.gap_end; // the rest of a hole given up in parts
        self.gap_end = to;
        self.counters.gaps += u64::from(!continues);
        let kept = self.counters.gaps <= GAPS_KEPT as u64;
        match self.counters.gap_list.last_mut().filter(|_| continues) {
            Some(last) if kept => last.count += gap.count,
            None if kept => self.counters.gap_list.push(gap),
            _ => {}
        }
        receiver.gap(&gap, now);
    }
}
