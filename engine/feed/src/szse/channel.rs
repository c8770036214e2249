//! One channel: its ticks in the order of their numbers.
//!
//! Model: `expected` is the number that comes next. A tick ahead of it waits in a ring indexed by
//! number; `high` is the highest number that is known to exist. While `expected <= high` there is a
//! hole: it is asked for, piece by piece, and given up when nobody can be asked, or answers bring
//! nothing.

use nofx_types::Nanos;
use nofx_wire::szse::{Resend, put_frame, resend_status};

use super::config::{SzseConfig, SzseJoin};
use super::counters::SzseCounters;
use super::session::RESEND_LEN;
use super::tick::Item;

/// What is known of a channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChannelView {
    /// Its number.
    pub channel: u16,
    /// The number of the tick that comes next.
    pub expected: u64,
    /// The highest number that is known to exist.
    pub high: u64,
    /// Ticks that wait behind a hole.
    pub waiting: u32,
    /// Ticks given up.
    pub lost: u64,
    /// The server said that nothing more comes.
    pub ended: bool,
    /// It said something since the connection was last lost.
    pub spoke: bool,
}

pub(super) struct Channel {
    pub no: u16,
    expected: u64,
    high: u64,
    parked: Box<[Option<Item>]>,
    waiting: u32,
    lost: u64,
    ended: bool,
    spoke: bool,
    /// Since when there is a hole, or since when nobody can be asked.
    since: Nanos,
    asked: Option<Asked>,
    tries: u32,
    join: SzseJoin,
}

#[derive(Clone, Copy)]
struct Asked {
    /// `expected` when it was asked.
    from: u64,
    last: u64,
    at: Nanos,
    answered: bool,
}

/// What became of an arrival.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Arrival {
    /// It is next: deliver it, then what [`Channel::next_parked`] gives.
    Next,
    /// It waits.
    Waits,
    /// It had been delivered or given up.
    Known,
}

impl Channel {
    pub fn new(no: u16, config: &SzseConfig) -> Channel {
        Channel {
            no,
            expected: 0,
            high: 0,
            parked: vec![None; config.park_ticks as usize].into(),
            waiting: 0,
            lost: 0,
            ended: false,
            spoke: false,
            since: Nanos(0),
            asked: None,
            tries: 0,
            join: config.join,
        }
    }

    pub fn view(&self) -> ChannelView {
        ChannelView {
            channel: self.no,
            expected: self.expected,
            high: self.high,
            waiting: self.waiting,
            lost: self.lost,
            ended: self.ended,
            spoke: self.spoke,
        }
    }

    pub fn bytes(&self) -> u64 {
        size_of_val(&*self.parked) as u64
    }

    /// Whether numbers are missing.
    #[inline]
    pub fn has_hole(&self) -> bool {
        self.expected <= self.high && self.expected > 0
    }

    /// Whether an answer is awaited, so that numbers may come out of turn.
    pub fn is_asking(&self) -> bool {
        self.asked.is_some()
    }

    /// Starts at the first number seen, if nothing was seen before.
    #[inline]
    fn begin(&mut self, seq: u64) {
        if self.expected == 0 {
            self.expected = if self.join == SzseJoin::FromOne { 1 } else { seq };
        }
    }

    #[inline]
    pub fn arrive(&mut self, now: Nanos, item: &Item, counters: &mut SzseCounters) -> Arrival {
        let seq = item.tick.seq;
        self.begin(seq);
        self.spoke = true;
        if seq == self.expected {
            self.expected += 1;
            self.high = self.high.max(seq);
            return Arrival::Next;
        }
        if seq < self.expected {
            return Arrival::Known;
        }
        self.ahead(now, item, counters)
    }

    #[cold]
    #[inline(never)]
    fn ahead(&mut self, now: Nanos, item: &Item, counters: &mut SzseCounters) -> Arrival {
        let seq = item.tick.seq;
        self.reached(now, seq, counters);
        if seq - self.expected >= self.parked.len() as u64 {
            counters.park_full += 1; // it is part of the hole, and will be asked for
            return Arrival::Waits;
        }
        let at = self.slot(seq);
        let Some(slot) = self.parked.get_mut(at) else { return Arrival::Waits };
        if slot.is_some_and(|old| old.tick.seq == seq) {
            return Arrival::Known;
        }
        *slot = Some(*item);
        self.waiting += 1;
        Arrival::Waits
    }

    /// The channel has given this number.
    pub fn reached(&mut self, now: Nanos, seq: u64, counters: &mut SzseCounters) {
        self.begin(seq.saturating_add(1));
        self.spoke = true;
        let whole = !self.has_hole();
        self.high = self.high.max(seq);
        if whole && self.has_hole() {
            counters.gaps += 1;
            (self.since, self.tries) = (now, 0);
        }
    }

    /// A hole was filled; if another is left, its time begins.
    pub fn filled(&mut self, now: Nanos) {
        self.since = now;
    }

    pub fn end(&mut self) {
        self.ended = true;
    }

    #[inline]
    fn slot(&self, seq: u64) -> usize {
        seq as usize & (self.parked.len() - 1) // as many as a power of two
    }

    /// The tick that comes next, if it waits.
    #[inline]
    pub fn next_parked(&mut self) -> Option<Item> {
        if self.waiting == 0 {
            return None;
        }
        let at = self.slot(self.expected);
        let slot = self.parked.get_mut(at)?;
        let item = slot.take_if(|item| item.tick.seq == self.expected)?;
        self.waiting -= 1;
        self.expected += 1;
        Some(item)
    }

    /// The last number of the hole in front.
    fn hole_end(&self) -> u64 {
        let window = self.expected.saturating_add(self.parked.len() as u64);
        let reach = self.high.min(window);
        let parked = |seq: &u64| {
            let slot = self.parked.get(self.slot(*seq)).copied().flatten();
            slot.is_some_and(|item| item.tick.seq == *seq)
        };
        match (self.expected..=reach).find(parked) {
            Some(first) if self.waiting > 0 => first - 1,
            _ => self.high,
        }
    }

    /// The frame that asks for the hole, when it is time to.
    pub fn request(&mut self, now: Nanos, config: &SzseConfig) -> Option<[u8; RESEND_LEN]> {
        if !self.has_hole() || self.tries >= config.resend_tries {
            return None;
        }
        if let Some(asked) = self.asked {
            let progress = self.expected > asked.from;
            let over = asked.answered || now.since(asked.at) >= config.resend_timeout_ns;
            if !over && self.expected <= asked.last {
                return None;
            }
            self.tries = if progress { 0 } else { self.tries + 1 };
            self.asked = None;
            if self.tries >= config.resend_tries {
                return None;
            }
        }
        let last = self.hole_end().min(self.expected.saturating_add(config.resend_max - 1));
        let asked = Asked { from: self.expected, last, at: now, answered: false };
        self.asked = Some(asked);
        let words = Resend::ticks(self.no, asked.from as i64, asked.last as i64);
        let mut frame = [0; RESEND_LEN];
        put_frame(&mut frame, Resend::TYPE, words.bytes())?;
        Some(frame)
    }

    /// The server has said what it sent of a range.
    pub fn answered(&mut self, answer: &Resend, config: &SzseConfig, counters: &mut SzseCounters) {
        let Some(asked) = &mut self.asked else { return };
        asked.answered = true;
        match answer.resend_status {
            resend_status::DONE => {}
            resend_status::PARTIAL => counters.request_failures += 1,
            // No right, not available, or a word nobody specified: asking again is of no use.
            _ => {
                counters.request_failures += 1;
                self.tries = config.resend_tries;
            }
        }
        if self.expected > self.high {
            (self.asked, self.tries) = (None, 0);
        }
    }

    /// The connection is gone: what was asked will not be answered.
    pub fn unasked(&mut self, now: Nanos) {
        self.spoke = false;
        (self.asked, self.tries, self.since) = (None, 0, now);
    }

    /// Whether the hole in front is to be given up.
    pub fn is_hopeless(&self, now: Nanos, up: bool, config: &SzseConfig) -> bool {
        let exhausted = self.tries >= config.resend_tries;
        let alone = !up && now.since(self.since) >= config.gap_timeout_ns;
        self.has_hole() && (exhausted || alone)
    }

    /// Gives the hole in front up; the numbers that are lost.
    pub fn give_up(&mut self, now: Nanos) -> (u64, u64) {
        let (first, last) = (self.expected, self.hole_end());
        self.expected = last + 1; // numbers end far below the range
        self.lost += last + 1 - first;
        (self.asked, self.tries, self.since) = (None, 0, now);
        (first, last)
    }

    /// When there is something to do about a hole.
    pub fn deadline(&self, up: bool, config: &SzseConfig) -> Option<Nanos> {
        if !self.has_hole() {
            return None;
        }
        match self.asked {
            Some(asked) => Some(asked.at.plus(config.resend_timeout_ns)),
            None if up => Some(Nanos(0)),
            None => Some(self.since.plus(config.gap_timeout_ns)),
        }
    }
}
