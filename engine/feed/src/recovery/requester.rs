//! The re-request client: which missing messages are asked for, of whom, and when again.
//!
//! Model: a request under way is a slot. Where an answer is one datagram, a slot is freed by an
//! answer that holds its first message (a partial answer: what is left is asked for anew); in a
//! request session, where an answer is many packets, by the last of them. The lines free it too, and
//! so does its timeout, which counts as a failure of the server and moves on to the next one. Any
//! progress forgets failures. A server that serves us no more today is barred until the stream
//! begins anew. No more than one request per `request_interval_ns` and `requests_in_flight` at once.

use nofx_types::Nanos;

use super::{
    IN_FLIGHT_MAX, RecoveryConfig, RecoveryCounters, Refusal, Request, Requests, SERVERS_MAX,
};
use crate::sequencer::Sequencer;

/// A request under way for `first..end`.
#[derive(Clone, Copy)]
struct Slot {
    first: u64,
    end: u64,
    server: usize,
    sent: Nanos,
    /// Not handed out yet.
    waits: bool,
    request: Request,
}

pub(super) struct Requester {
    way: Requests,
    servers: usize,
    barred: [bool; SERVERS_MAX],
    in_flight: usize,
    max_messages: u64,
    attempts: u32,
    interval_ns: u64,
    timeout_ns: u64,
    slots: [Option<Slot>; IN_FLIGHT_MAX],
    /// The slot that was handed out last lends its bytes from here.
    lent: Request,
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
    pub fn new(config: &RecoveryConfig, way: Requests) -> Requester {
        let one = way == Requests::Stream; // a session answers one request at a time
        Requester {
            way,
            servers: config.servers,
            barred: [false; SERVERS_MAX],
            in_flight: if one { 1 } else { config.requests_in_flight },
            max_messages: u64::from(config.request_max_messages),
            attempts: config.attempts,
            interval_ns: config.request_interval_ns,
            timeout_ns: config.request_timeout_ns,
            slots: [None; IN_FLIGHT_MAX],
            lent: Request::EMPTY,
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

    /// Another stream: servers that were barred may serve us again.
    pub fn begin_anew(&mut self) {
        self.clear();
        self.barred = [false; SERVERS_MAX];
    }

    /// Whether there is anybody to be asked.
    pub fn has_server(&self) -> bool {
        self.barred.iter().take(self.servers).any(|barred| !barred)
    }

    /// Timeouts since anything was recovered.
    pub fn failures(&self) -> u32 {
        self.failures
    }

    /// Messages up to `end` were brought at `now` by an answer that begins at `first`.
    pub fn answered(&mut self, first: u64, end: u64, now: Nanos) {
        let holds = |slot: &Slot| first <= slot.first && slot.first < end;
        let way = self.way;
        for slot in &mut self.slots {
            let Some(held) = slot.as_mut().filter(|slot| holds(slot)) else { continue };
            (held.first, held.sent) = (end, now);
            if way == Requests::Datagrams || held.first >= held.end {
                *slot = None;
            }
        }
    }

    /// The server will send messages below `end` only.
    pub fn accepted(&mut self, end: u64) {
        for slot in self.slots.iter_mut().flatten().filter(|slot| !slot.waits) {
            slot.end = slot.end.min(end.max(slot.first + 1));
        }
    }

    /// The server that was asked said no.
    pub fn refused(&mut self, refusal: Refusal) {
        self.slots = [None; IN_FLIGHT_MAX];
        match refusal {
            Refusal::Range if self.max_messages > 1 => self.max_messages /= 2,
            Refusal::Barred => {
                if let Some(barred) = self.barred.get_mut(self.server) {
                    *barred = true;
                }
                self.next_server();
                if !self.has_server() {
                    self.failures = self.attempts;
                }
            }
            Refusal::Range | Refusal::Unavailable => {
                // Each server is asked once.
                let share = self.attempts.div_ceil(self.servers.max(1) as u32);
                self.failures = self.failures.saturating_add(share);
                self.next_server();
            }
        }
    }

    /// The session with the present server is gone, or never came to be.
    pub fn session_lost(&mut self) {
        if self.slots.iter().any(Option::is_some) {
            self.slots = [None; IN_FLIGHT_MAX];
            self.failures = self.failures.saturating_add(1);
            self.next_server();
        }
    }

    fn next_server(&mut self) {
        // Each turn passes a server that is barred.
        for _ in 0..SERVERS_MAX {
            self.server = (self.server + 1) % self.servers.max(1);
            if !self.barred.get(self.server).copied().unwrap_or(false) {
                return;
            }
        }
    }

    /// Frees what was filled or timed out; whether a request that was sent timed out.
    pub fn expire(
        &mut self,
        now: Nanos,
        sequencer: &Sequencer,
        counters: &mut RecoveryCounters,
    ) -> bool {
        let expected = sequencer.expected();
        if expected > self.reached {
            self.reached = expected;
            self.failures = 0;
        }
        let (mut moves_on, mut any) = (false, false);
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
                moves_on |= held.server == self.server;
                any = true;
            }
        }
        if moves_on {
            self.next_server();
        }
        any
    }

    /// Asks for the first messages that nobody was asked for, if rate and slots allow it.
    pub fn ask(
        &mut self,
        now: Nanos,
        sequencer: &Sequencer,
        request: impl Fn(u64, u16) -> Request,
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
        let request = request(first, (end - first) as u16); // at most `max_messages`
        *slot = Some(Slot { first, end, server: self.server, sent: now, waits: true, request });
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

    /// The server of a request that waits to be sent.
    pub fn waits_for(&self) -> Option<usize> {
        self.slots.iter().flatten().find(|slot| slot.waits).map(|slot| slot.server)
    }

    /// A request that waits to be sent: server and bytes.
    pub fn poll(&mut self) -> Option<(usize, &[u8])> {
        let slot = self.slots.iter_mut().flatten().find(|slot| slot.waits)?;
        slot.waits = false;
        self.lent = slot.request;
        Some((slot.server, self.lent.as_bytes()))
    }

    /// When `turn` has something to do.
    pub fn deadline(&self) -> Option<Nanos> {
        let timeouts = self.slots.iter().flatten().map(|slot| slot.sent.plus(self.timeout_ns));
        let free = self.slots.iter().take(self.in_flight).any(Option::is_none);
        timeouts.chain((free && self.wants).then_some(self.next_at)).min()
    }
}
