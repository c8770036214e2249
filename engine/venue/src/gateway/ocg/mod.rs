//! OCG-C: one session, its messages numbered all day in both directions.
//!
//! Whatever was sent can be asked for again: reports as they were (marked as possible duplicates),
//! messages of the session as gaps that are filled. A logon says which message the client expects;
//! the answer says which one we expect, and both sides send what the other lacks. What comes under a
//! number too high is dropped and asked for; under one too low and unmarked it ends the session.

mod reports;
mod requests;
mod session;

use std::collections::HashMap;

use nofx_types::Nanos;
use nofx_wire::ocg::codes::{exec, session as ends};
use nofx_wire::ocg::{Heartbeat, TestRequest, next_frame};
use nofx_wire::text::{UtcText, padded};

use super::orders::Orders;
use super::stream::{Stream, WAITING_MAX};
use super::{Ask, Gateway, Label, Tell};
use reports::Names;
use requests::{Form, Request};

/// Bytes that any message of ours fits.
const FRAME_ROOM: usize = 2_048;
/// Silent heartbeats after which a client is asked whether it lives, and after which it is cut off.
const ASK_AFTER: u64 = 2;
const CUT_AFTER: u64 = 3;

/// An OCG-C session of the venue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OcgConfig {
    /// The client's comp id.
    pub comp_id: String,
    /// Its password as it goes over the wire; empty takes any.
    pub password: String,
    /// Nanoseconds between heartbeats, 0 for none.
    pub heartbeat_ns: u64,
    /// Orders, amends and cancels in a second; 0 for no limit.
    pub throttle: u32,
    /// Whether open orders are cancelled when the session ends.
    pub cancel_on_disconnect: bool,
}

impl Default for OcgConfig {
    fn default() -> Self {
        OcgConfig {
            comp_id: "CO99999902".into(),
            password: String::new(),
            heartbeat_ns: 20_000_000_000,
            throttle: 0,
            cancel_on_disconnect: true,
        }
    }
}

/// One OCG-C session.
pub struct Ocg {
    config: OcgConfig,
    comp_id: [u8; 12],
    stream: Stream,
    orders: Orders<Form, Request>,
    /// All messages that were sent, by number; `None` for messages of the session.
    history: Vec<Option<Box<[u8]>>>,
    next_in: u32,
    /// Whether what is missing has been asked for.
    gap_asked: bool,
    /// Whether a test request waits for its heartbeat.
    tested: bool,
    clock: UtcText,
    executions: u64,
    /// Execution ids of trades, by order and match.
    trades: HashMap<(u64, u64), u64>,
    second: u64,
    in_second: u32,
    scratch: Box<[u8]>,
}

impl Ocg {
    /// A session before its first logon of the day; `None` when the comp id exceeds 12 characters.
    pub fn new(config: OcgConfig) -> Option<Ocg> {
        let comp_id = padded(config.comp_id.as_bytes(), 0)?;
        Some(Ocg {
            config,
            comp_id,
            stream: Stream::default(),
            orders: Orders::default(),
            history: Vec::new(),
            next_in: 1,
            gap_asked: false,
            tested: false,
            clock: UtcText::default(),
            executions: 0,
            trades: HashMap::new(),
            second: 0,
            in_second: 0,
            scratch: vec![0; FRAME_ROOM].into(),
        })
    }

    /// Number of the next message that is sent.
    pub fn next_out(&self) -> u32 {
        self.history.len() as u32 + 1
    }
}

impl Gateway for Ocg {
    fn sessions(&self) -> usize {
        1
    }

    fn connected(&mut self, _: usize, now: Nanos) {
        self.stream.connect(now, 0);
        self.gap_asked = false;
        self.tested = false;
    }

    fn receive(&mut self, _: usize, now: Nanos, bytes: &[u8]) {
        if !self.stream.open {
            return;
        }
        let waiting = self.stream.take(now, bytes);
        let (mut used, was_in) = (0, self.stream.logged_on);
        while self.stream.open {
            match next_frame(waiting.get(used..).unwrap_or(&[])) {
                Ok(Some((frame, length))) => {
                    used += length;
                    self.on_frame(now, &frame);
                }
                Ok(None) if waiting.len() - used < WAITING_MAX => break,
                Ok(None) => self.log_out(now, ends::OTHER, b"message too long"),
                Err(error) => self.log_out(now, ends::OTHER, error.to_string().as_bytes()),
            }
        }
        self.stream.give_back(waiting, used);
        if was_in && !self.stream.open {
            self.lose();
        }
    }

    fn disconnected(&mut self, _: usize, _: Nanos) {
        if self.stream.logged_on || std::mem::take(&mut self.stream.cut) {
            self.lose();
        }
        self.stream.lost();
    }

    fn next_ask(&mut self) -> Option<Ask> {
        self.orders.next_ask()
    }

    fn tell(&mut self, now: Nanos, tell: &Tell) {
        match *tell {
            Tell::Accepted { id, order } => {
                self.orders.accept(id, order);
                let names = Names::of(self.orders.text(id), None);
                self.report_order(now, id, exec::NEW, names, |report| report);
            }
            Tell::Rejected { id, why } => {
                let Some(form) = self.orders.get(id).map(|placed| placed.form) else { return };
                self.orders.close(id);
                self.reject_new(now, self.orders.text(id), &form, why);
            }
            Tell::Canceled { id, request, why, .. } => self.ended(now, id, request, why),
            Tell::CancelRejected { request, orig, why } => {
                self.request_rejected(now, exec::CANCEL_REJECT, request, orig, why);
            }
            Tell::AmendRejected { request, orig, why } => {
                self.request_rejected(now, exec::AMEND_REJECT, request, orig, why);
            }
            Tell::Amended { id, orig, price, qty } => {
                let names = Names::of(self.orders.text(id), Some(self.orders.text(orig)));
                self.orders.amend(orig, id, price, qty);
                self.report_order(now, id, exec::AMEND, names, |report| report);
            }
            Tell::Trade { .. } => self.traded(now, tell),
            Tell::TradeCanceled { .. } => self.untraded(now, tell),
            Tell::MassCanceled { request, .. } => self.mass_canceled(now, request),
        }
    }

    fn output(&self, _: usize) -> &[u8] {
        self.stream.output()
    }

    fn sent(&mut self, _: usize, bytes: usize) {
        self.stream.drop_sent(bytes);
    }

    fn keep_alive(&mut self, now: Nanos) {
        if self.stream.late(now) {
            self.stream.end();
        }
        if self.stream.silent(now, CUT_AFTER) {
            self.log_out(now, ends::OTHER, b"no heartbeat");
            return self.lose();
        }
        if self.stream.silent(now, ASK_AFTER) && !std::mem::replace(&mut self.tested, true) {
            self.send_session(now, &TestRequest { test_request_id: 1 });
        }
        if self.stream.beat_due(now) {
            self.send_session(now, &Heartbeat { reference_test_request_id: None });
        }
    }

    fn is_open(&self, _: usize) -> bool {
        self.stream.open
    }

    fn is_logged_on(&self, _: usize) -> bool {
        self.stream.logged_on
    }

    fn text(&self, id: u64) -> Label {
        self.orders.text(id)
    }
}
