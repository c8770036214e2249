//! The re-request client: which missing messages are asked for, of whom, and when again.
//!
//! Model: a request under way is a slot; a slot is freed by an answer that holds its first message
//! (a partial answer: what is left is asked for anew), by the lines, or by its timeout, which
//! counts as a failure of the server and moves on to the next one. Any progress forgets failures.
//! No more than one request per `request_interval_ns` and `requests_in_flight` at once.

use nofx_types::Nanos;

use super::{IN_FLIGHT_MAX, RecoveryConfig, RecoveryCounters};
use crate::sequencer::Sequencer;

/// Bytes of a request packet.
pub const REQUEST_LEN: usize = 20;

/// A request under way for `first..end`.
#[derive(Clone, Copy)]
struct Slot {
    first: u64,
    end: u64,
    server: usize,
    sent: Nanos,
    /// Not handed out yet.
    waits: bool,
    bytes: [u8; REQUEST_LEN],
}

pub(super) struct Requester {
    servers: usize,
    in_flight: usize,
    max_messages: u64,
    interval_ns: u64,
    timeout_ns: u64,
    slots: [Option<Slot>; IN_FLIGHT_MAX],
    /// The slot that was handed out last lends its bytes from here.
    lent: [u8; REQUEST_LEN],
    server: usize,
    /// No request before this.
    next_at: Nanos,
    /// Something may be left to ask for then.
    wants: bool,
    /// Timeouts since the stream moved on.
    failures: u32,
    /// Where the stream stood then.
    reached: u64,
}

impl Requester {
    pub fn new(config: &RecoveryConfig) -> Requester {
        Requester {
            servers: config.servers,
            in_flight: config.requests_in_flight,
            max_messages: u64::from(config.request_max_messages),
            interval_ns: config.request_interval_ns,
            timeout_ns: config.request_timeout_ns,
            slots: [None; IN_FLIGHT_MAX],
            lent: [0; REQUEST_LEN],
            server: 0,
            next_at: Nanos(0),
            wants: false,
            failures: 0,
            reached: 0,
        }
    }

    /// Forgets what is under way. The rate limit and the choice of the server stay.
    pub fn clear(&mut self) {
        self.slots = [None; IN_FLIGHT_MAX];
        self.failures = 0;
        self.reached = 0;
    }

    /// Timeouts since anything was recovered.
    pub fn failures(&self) -> u32 {
        self.failures
    }

    /// Messages up to `end` were brought by an answer that begins at `first`.
    pub fn answered(&mut self, first: u64, end: u64) {
        let holds = |slot: &Slot| first <= slot.first && slot.first < end;
        self.slots.iter_mut().filter(|slot| slot.as_ref().is_some_and(holds)).for_each(free);
    }

    /// Frees what was filled or timed out.
    pub fn expire(&mut self, now: Nanos, sequencer: &Sequencer, counters: &mut RecoveryCounters) {
        let expected = sequencer.expected();
        if expected > self.reached {
            self.reached = expected;
            self.failures = 0;
        }
        for slot in &mut self.slots {
            let Some(held) = *slot else { continue };
            let timed_out = now.since(held.sent) >= self.timeout_ns;
            if held.end > expected && !timed_out {
                continue;
            }
            *slot = None;
            let missing = sequencer.missing_from(held.first);
            if missing.is_some_and(|(first, _)| first < held.end) {
                counters.request_timeouts += 1;
                self.failures = self.failures.saturating_add(1);
                if held.server == self.server {
                    self.server = (self.server + 1) % self.servers.max(1);
                }
            }
        }
    }

    /// Asks for the first messages that nobody was asked for, if rate and slots allow it.
    pub fn ask(
        &mut self,
        now: Nanos,
        sequencer: &Sequencer,
        request: impl Fn(u64, u16) -> [u8; REQUEST_LEN],
        counters: &mut RecoveryCounters,
    ) {
        self.wants = now < self.next_at;
        if self.wants {
            return;
        }
        let Some((first, end)) = self.next_range(sequencer) else { return };
        let Some(slot) = self.slots.iter_mut().take(self.in_flight).find(|slot| slot.is_none())
        else {
            return;
        };
        let bytes = request(first, (end - first) as u16); // at most `max_messages`
        *slot = Some(Slot { first, end, server: self.server, sent: now, waits: true, bytes });
        self.next_at = now.plus(self.interval_ns);
        self.wants = true;
        counters.requests += 1;
    }

    /// The first missing messages that nobody was asked for.
    fn next_range(&self, sequencer: &Sequencer) -> Option<(u64, u64)> {
        let mut from = sequencer.expected();
        // Each turn but the last passes a slot.
        for _ in 0..=IN_FLIGHT_MAX {
            let (first, end) = sequencer.missing_from(from)?;
            let held = || self.slots.iter().flatten();
            if let Some(slot) = held().find(|slot| slot.first <= first && first < slot.end) {
                from = slot.end;
                continue;
            }
            let next = held().map(|slot| slot.first).filter(|next| *next > first).min();
            let end =
                end.min(next.unwrap_or(u64::MAX)).min(first.saturating_add(self.max_messages));
            return Some((first, end));
        }
        None
    }

    /// A request that waits to be sent: server and bytes.
    pub fn poll(&mut self) -> Option<(usize, &[u8])> {
        let slot = self.slots.iter_mut().flatten().find(|slot| slot.waits)?;
        slot.waits = false;
        self.lent = slot.bytes;
        Some((slot.server, &self.lent))
    }

    /// When `turn` has something to do.
    pub fn deadline(&self) -> Option<Nanos> {
        let timeouts = self.slots.iter().flatten().map(|slot| slot.sent.plus(self.timeout_ns));
        let free = self.slots.iter().take(self.in_flight).any(Option::is_none);
        timeouts.chain((free && self.wants).then_some(self.next_at)).min()
    }
}

fn free(slot: &mut Option<Slot>) {
    *slot = None;
}
