//! Holes that are held open, for a channel that can recover.
//!
//! Model: a sequencer that keeps holes never gives one up. It says up to which number the lines have
//! nothing more to bring ([`Sequencer::is_due`]), takes what a re-request server answers, and can be
//! frozen: then everything waits, until [`Sequencer::join`] says at which number a snapshot ends.
//! While a snapshot is on its way the oldest datagrams make room for new ones, else the newest are
//! let go: in both cases there is one more hole, to be filled like the others.

use nofx_types::Nanos;

use super::{Datagram, Receiver, Sequencer};

/// What becomes of a hole that no line can fill.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Holes {
    /// It is a gap: the stream goes on behind it.
    #[default]
    GiveUp,
    /// It stays open.
    Keep,
    /// As `Keep`, and a stream that is not seen from its first message on starts frozen.
    KeepAndJoin,
}

/// State of a sequencer that keeps holes.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Hold {
    pub holes: Holes,
    /// Everything waits.
    pub frozen: bool,
    /// The oldest make room.
    evicts: bool,
    /// A session that was seen once.
    witness: u128,
    /// The lines have passed all numbers below.
    due_to: u64,
    /// Datagrams that found no room, or had to give theirs.
    pub full: u64,
}

/// What an answer of a re-request server was good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// So many of its messages were missing.
    New(u64),
    /// All of it was there.
    Known,
    /// Of another session, empty, or beyond what the lines have shown.
    Refused,
}

impl Hold {
    pub fn keeps(&self) -> bool {
        self.holes != Holes::GiveUp
    }

    /// Whether a datagram of another session may begin it: one alone may be a stray, and to follow it
    /// would shut the true session out.
    pub fn believes(&mut self, session: u128) -> bool {
        !self.keeps() || std::mem::replace(&mut self.witness, session) == session
    }

    /// A stream begins with a datagram at `seq`.
    pub fn begin(&mut self, seq: u64) {
        self.frozen = self.holes == Holes::KeepAndJoin && seq != 1;
        self.evicts = false;
        self.due_to = 0;
    }

    pub fn due(&mut self, to: u64) {
        self.due_to = self.due_to.max(to);
    }
}

impl Sequencer {
    /// Chooses what becomes of holes; before the first datagram.
    pub(crate) fn keep(&mut self, holes: Holes) {
        self.hold.holes = holes;
    }

    /// Whether a stream was seen.
    pub(crate) fn is_started(&self) -> bool {
        self.started
    }

    /// Changes when the stream begins anew.
    pub(crate) fn incarnation(&self) -> u64 {
        self.counters.sessions + self.counters.restarts
    }

    /// The session, as the decoder named it.
    pub(crate) fn session(&self) -> u128 {
        self.session
    }

    /// Whether everything that is known to exist was handed on.
    #[inline]
    pub(crate) fn is_level(&self) -> bool {
        self.expected == self.known_end && !self.hold.frozen
    }

    /// Whether the session is said to end at the end of what is known.
    pub(crate) fn is_over(&self) -> bool {
        self.end_at > 0 && self.end_at == self.known_end
    }

    /// Whether the last datagram of `line` was of the past: no sign of life.
    #[inline]
    pub(crate) fn is_back(&self, line: usize) -> bool {
        self.back.is_back(line)
    }

    /// Whether everything waits for a snapshot.
    pub(crate) fn is_frozen(&self) -> bool {
        self.hold.frozen
    }

    /// Whether something is missing that the lines will not bring any more.
    pub(crate) fn is_due(&self) -> bool {
        !self.hold.frozen && self.expected < self.known_end.min(self.hold.due_to)
    }

    /// Whether a snapshot ended beyond what the lines have shown.
    pub(crate) fn is_ahead(&self) -> bool {
        !self.hold.frozen && self.expected > self.known_end
    }

    /// Messages of the first hole.
    pub(crate) fn hole_len(&self) -> u64 {
        self.hole_end().saturating_sub(self.expected)
    }

    /// When the open hole becomes due by its age.
    pub(crate) fn hole_deadline(&self) -> Option<Nanos> {
        let open = self.expected < self.known_end && !self.hold.frozen && !self.is_due();
        open.then(|| self.hole_since.plus(self.config.gap_timeout_ns))
    }

    /// The first messages at or behind `from` that are due and not waiting already: `first..end`.
    pub(crate) fn missing_from(&self, from: u64) -> Option<(u64, u64)> {
        let (first, end) = self.park.hole_from(from.max(self.expected));
        let end = end.min(self.hold.due_to).min(self.known_end);
        (first < end && !self.hold.frozen).then_some((first, end))
    }

    /// Whether something sent at `send_ns`, 0 for unknown, can tell of this incarnation as a whole.
    pub(crate) fn is_of_now(&self, send_ns: u64) -> bool {
        send_ns == 0 || send_ns >= self.begun_ns
    }

    /// From now on everything waits.
    pub(crate) fn freeze(&mut self) {
        self.hold.frozen = self.hold.keeps();
    }

    /// From now on, or no longer, the oldest of what waits make room for the newest.
    pub(crate) fn evict_oldest(&mut self, evicts: bool) {
        self.hold.evicts = evicts;
    }

    /// Goes on at `next`, where a snapshot ended; false for a number nobody can believe.
    pub(crate) fn join<R: Receiver>(&mut self, next: u64, now: Nanos, receiver: &mut R) -> bool {
        if next == 0 || next > self.known_end.saturating_add(self.config.jump_max) {
            return false;
        }
        self.hold.frozen = false;
        self.hold.evicts = false;
        self.expected = next;
        self.drain(now, receiver);
        self.on_time(now, receiver);
        true
    }

    /// Takes a datagram of a re-request server. It says nothing about lines, and nothing is believed
    /// beyond what they have shown.
    pub(crate) fn on_answer<R: Receiver>(
        &mut self,
        now: Nanos,
        datagram: &Datagram<'_>,
        receiver: &mut R,
    ) -> Answer {
        let end = datagram.seq.saturating_add(u64::from(datagram.count));
        let sent = datagram.send_ns;
        let of_now = sent == 0 || sent >= self.incarnation_ns; // else of a server that did not notice
        let ours = self.started && datagram.session == self.session && datagram.seq > 0 && of_now;
        if !ours || datagram.count == 0 || end > self.known_end {
            return Answer::Refused;
        }
        if self.hold.frozen || end <= self.expected || self.park.covers(datagram.seq, end) {
            return Answer::Known;
        }
        let new = end - datagram.seq.max(self.expected);
        self.take(0, now, datagram, end, receiver);
        self.on_time(now, receiver);
        Answer::New(new)
    }

    /// Lets a datagram wait, whatever its number.
    #[cold]
    pub(super) fn wait(&mut self, packet_no: u64, now: Nanos, datagram: &Datagram<'_>, end: u64) {
        let Datagram { seq, blocks, .. } = *datagram;
        if self.park.covers(seq, end) {
            return;
        }
        let mut parked = self.park.push(datagram, now, packet_no);
        while !parked && self.make_room(seq, blocks.len()) {
            parked = self.park.push(datagram, now, packet_no);
        }
        self.hold.full += u64::from(!parked);
        self.counters.parked += u64::from(parked);
        self.counters.parked_max = self.counters.parked_max.max(self.park.len() as u64);
    }

    /// Lets the oldest go for a newer one of `bytes`; false when nothing is to be won by it.
    fn make_room(&mut self, seq: u64, bytes: usize) -> bool {
        let evicts = self.hold.evicts || self.hold.frozen;
        let older = self.park.first_seq().is_some_and(|first| first < seq);
        if !evicts || !older || bytes > self.config.packet_bytes {
            return false;
        }
        let Some(oldest) = self.park.pop_up_to(seq) else { return false };
        self.park.release(oldest);
        self.hold.full += 1;
        true
    }

    /// Whether messages of this incarnation were given up.
    pub(crate) fn lost_any(&self) -> bool {
        self.gap_end > 0
    }

    /// Datagrams that found no room.
    pub(crate) fn no_room(&self) -> u64 {
        self.hold.full
    }
}
