//! The conversation with a card: lines out, each answered by the verdict that belongs to it.
//!
//! Model: what was sent and not yet answered stands in a ring as long as the card has credits.
//! Verdicts come in the order of the lines, so the oldest of the ring is always the one that is due:
//! a verdict with another sequence, tag, kind or credit is a failure, not a puzzle. Nothing is sent
//! without a credit, so the card never has to hold a line back.
//!
//! Worst case: waiting is bounded by `polls_max` looks at the ring. No allocation after construction.

use nofx_gate::Rejects;

use crate::device::{Device, DeviceError};
use crate::failure::GateFailure;
use crate::info::CONTROL_KILL;
use crate::line::{OpLine, Sticky, VerdictLine};
use crate::regs::{MAGIC, reg, rule, sticky};

/// Why a line was sent, so that its answer finds its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// An intent waits for the verdict.
    Intent,
    /// A report, or an order restored: the card's answer is its own business.
    Report,
    /// Configuration or control: a refusal is a failure.
    Command,
    /// A row is read.
    Read,
}

/// A line in flight.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sent {
    pub line: OpLine,
    pub purpose: Purpose,
}

#[derive(Debug)]
pub(crate) struct Port<D: Device> {
    pub device: D,
    /// Lines in flight, oldest at `answered`; both ends count up and wrap.
    ring: Box<[Sent]>,
    sent: u32,
    answered: u32,
    next_seq: u32,
    polls_max: u32,
}

impl<D: Device> Port<D> {
    pub fn new(device: D, credits: u32, polls_max: u32) -> Port<D> {
        let blank = Sent { line: OpLine::ZERO, purpose: Purpose::Read };
        let ring = vec![blank; credits as usize].into_boxed_slice();
        Port { device, ring, sent: 0, answered: 0, next_seq: 1, polls_max: polls_max.max(1) }
    }

    /// Engages the card's kill by register, so that a seam on the wire side closes too. A card that
    /// cannot be reached has its own watchdog.
    pub fn kill(&mut self) {
        let _ = self.device.write(reg::CONTROL, CONTROL_KILL);
    }

    /// Lines without a verdict.
    #[inline]
    pub fn in_flight(&self) -> u32 {
        self.sent.wrapping_sub(self.answered)
    }

    /// Whether the card has a credit.
    #[inline]
    pub fn has_credit(&self) -> bool {
        (self.in_flight() as usize) < self.ring.len()
    }

    /// The failure of waiting in vain for a credit.
    pub fn out_of_credits(&mut self) -> GateFailure {
        let failure =
            GateFailure::OutOfCredits { in_flight: self.in_flight(), polls: self.polls_max };
        self.diagnose(failure)
    }

    /// Sends a line under the next sequence; there must be a credit. Returns the line as sent.
    #[inline]
    pub fn put(&mut self, line: OpLine, purpose: Purpose) -> Result<OpLine, GateFailure> {
        let line = line.numbered(line.tag(), self.next_seq);
        let mut tries = 0;
        while !self.device.put(&line) {
            tries += 1;
            if tries >= self.polls_max {
                return Err(self.diagnose(GateFailure::WindowFull { tries }));
            }
            std::hint::spin_loop();
        }
        let slot = self.sent as usize % self.ring.len();
        if let Some(place) = self.ring.get_mut(slot) {
            *place = Sent { line, purpose };
        }
        self.sent = self.sent.wrapping_add(1);
        self.next_seq = self.next_seq.wrapping_add(1);
        Ok(line)
    }

    /// The next verdict if it has arrived, with the line it answers.
    #[inline]
    pub fn take(&mut self) -> Result<Option<(Sent, VerdictLine)>, GateFailure> {
        if self.in_flight() == 0 {
            return Ok(None);
        }
        let Some(verdict) = self.device.take() else { return Ok(None) };
        let slot = self.answered as usize % self.ring.len();
        let Some(sent) = self.ring.get(slot).copied() else { return Ok(None) };
        check(&sent.line, &verdict, self.in_flight(), self.answered.wrapping_add(1))?;
        self.answered = self.answered.wrapping_add(1);
        Ok(Some((sent, verdict)))
    }

    /// The next verdict, waited for no longer than the bound.
    #[inline]
    pub fn wait(&mut self) -> Result<(Sent, VerdictLine), GateFailure> {
        for _ in 0..self.polls_max {
            if let Some(answer) = self.take()? {
                return Ok(answer);
            }
            std::hint::spin_loop();
        }
        let seq = self.next_seq.wrapping_sub(self.in_flight());
        Err(self.diagnose(GateFailure::Stalled { seq, polls: self.polls_max }))
    }

    /// What the registers say of a card that does not answer: something more exact than `failure`,
    /// or that.
    fn diagnose(&mut self, failure: GateFailure) -> GateFailure {
        let mut look = || -> Result<(u32, Sticky), DeviceError> {
            Ok((self.device.read(reg::MAGIC)?, Sticky(self.device.read(reg::STICKY)? as u16)))
        };
        match look() {
            Err(error) => GateFailure::Device(error),
            Ok((magic, _)) if magic != MAGIC => GateFailure::Lost { magic },
            Ok((_, latched)) => latched_failure(latched).unwrap_or(failure),
        }
    }
}

/// Whoever stops trading leaves a card that lets nothing pass.
impl<D: Device> Drop for Port<D> {
    fn drop(&mut self) {
        self.kill();
    }
}

/// The failure that latched errors are.
fn latched_failure(latched: Sticky) -> Option<GateFailure> {
    match latched {
        Sticky::NONE => None,
        _ if latched.0 & sticky::RESET != 0 => Some(GateFailure::Reset),
        _ => Some(GateFailure::Latched(latched)),
    }
}

/// Bits of the card rules.
const RULES: u64 = {
    let (mut bits, mut index) = (0, 0);
    while index < rule::RULES.len() {
        bits |= 1 << rule::RULES[index].1;
        index += 1;
    }
    bits
};

/// Whether `verdict` is the answer to `line`, the `nth` since the scrub, with `in_flight` waiting.
#[inline]
fn check(
    line: &OpLine,
    verdict: &VerdictLine,
    in_flight: u32,
    nth: u32,
) -> Result<(), GateFailure> {
    // One branch where all is well: what is wrong is found out below.
    let same = verdict.words[7] == line.words[7]
        && verdict.kind() == line.kind()
        && verdict.credits() == nth
        && verdict.rejects().0 & !RULES == 0
        && verdict.sticky().is_none();
    if same { Ok(()) } else { Err(blame(line, verdict, in_flight, nth)) }
}

#[cold]
fn blame(line: &OpLine, verdict: &VerdictLine, in_flight: u32, nth: u32) -> GateFailure {
    if let Some(failure) = latched_failure(verdict.sticky()) {
        return failure;
    }
    let (due, came) = (line.seq(), verdict.seq());
    let (ahead, behind) = (came.wrapping_sub(due), due.wrapping_sub(came));
    if ahead != 0 && ahead < in_flight {
        return GateFailure::VerdictLost { due, came };
    }
    if behind != 0 && behind < nth {
        return GateFailure::VerdictRepeated { due, came };
    }
    let fields = [
        ("seq", u64::from(due), u64::from(came)),
        ("tag", line.tag().into(), verdict.tag().into()),
        ("kind", line.kind().into(), verdict.kind().into()),
        ("credits", nth.into(), verdict.credits().into()),
        ("rejects", verdict.rejects().0 & RULES, verdict.rejects().0),
    ];
    let wrong = fields.into_iter().find(|(_, due, came)| due != came);
    let (field, due, came) = wrong.unwrap_or(("words", 0, 0));
    GateFailure::VerdictWrong { field, due, came }
}

/// The answer of an operation that range can refuse only when sizes changed.
pub(crate) fn refused(line: &OpLine, rejects: Rejects) -> Result<(), GateFailure> {
    let refused = GateFailure::Refused { kind: line.kind(), rejects: rejects.0 };
    if rejects.is_pass() { Ok(()) } else { Err(refused) }
}
