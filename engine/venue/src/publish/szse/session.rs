//! One client's session on the market data gateway: logon, heartbeats, re-transmission.
//!
//! The gateway echoes the logon, then the client gets every frame from there on. A request for ticks
//! is answered with those that are kept and then the request itself with its status.

use nofx_types::Nanos;
use nofx_wire::szse::{
    Frame, HEARTBEAT_FRAME, Logon, Logout, Message, Resend, SessionStatus, next_frame, put_frame,
    resend_status, resend_type, text,
};

use super::SzsePublisher;

/// What the gateway asks of its clients.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SzseSessionConfig {
    /// SenderCompID that may log on; empty: all.
    pub sender: String,
    /// Its password; empty: any.
    pub password: String,
    /// Most ticks of one request.
    pub resend_max: u64,
}

impl Default for SzseSessionConfig {
    fn default() -> SzseSessionConfig {
        SzseSessionConfig { sender: String::new(), password: String::new(), resend_max: 100_000 }
    }
}

/// A session.
#[derive(Debug)]
pub struct SzseSession {
    config: SzseSessionConfig,
    /// Bytes that are no whole frame yet.
    rest: Vec<u8>,
    logged_on: bool,
    closed: bool,
    heartbeat_ns: u64,
    told: Nanos,
    heard: Nanos,
}

impl SzseSession {
    /// A connection that was just accepted.
    pub fn new(config: SzseSessionConfig, now: Nanos) -> SzseSession {
        SzseSession {
            config,
            rest: Vec::new(),
            logged_on: false,
            closed: false,
            heartbeat_ns: 0,
            told: now,
            heard: now,
        }
    }

    /// Whether frames of the publisher belong into this session.
    pub fn is_logged_on(&self) -> bool {
        self.logged_on && !self.closed
    }

    /// Whether the gateway ends the connection once its bytes are sent.
    pub fn is_closed(&self) -> bool {
        self.closed
    }

    /// A frame of the publisher.
    pub fn send(&mut self, now: Nanos, frame: &[u8], out: &mut Vec<u8>) {
        if self.is_logged_on() {
            out.extend_from_slice(frame);
            self.told = now;
        }
    }

    /// Takes bytes of the client, cut anywhere, and appends the answers to `out`.
    pub fn answer(
        &mut self,
        publisher: &SzsePublisher,
        now: Nanos,
        bytes: &[u8],
        out: &mut Vec<u8>,
    ) {
        self.heard = now;
        let mut rest = std::mem::take(&mut self.rest);
        rest.extend_from_slice(bytes);
        let mut at = 0;
        while !self.closed {
            match next_frame(rest.get(at..).unwrap_or(&[])) {
                Ok(Some((frame, length))) => {
                    at += length;
                    self.take(frame, publisher, now, out);
                }
                Ok(None) => break,
                Err(_) => self.log_out(SessionStatus::InvalidMessage, out),
            }
        }
        rest.drain(..at);
        self.rest = rest;
    }

    /// Sends a heartbeat where one is due; a client that is silent for two of them is cut off.
    pub fn turn(&mut self, now: Nanos, out: &mut Vec<u8>) {
        if !self.is_logged_on() {
            return;
        }
        if now.since(self.heard) > 2 * self.heartbeat_ns {
            return self.log_out(SessionStatus::Other, out);
        }
        if now.since(self.told) >= self.heartbeat_ns {
            out.extend_from_slice(&HEARTBEAT_FRAME);
            self.told = now;
        }
    }

    /// Ends the session.
    pub fn log_out(&mut self, status: SessionStatus, out: &mut Vec<u8>) {
        let logout = Logout { session_status: status.to_wire().into(), text: [b' '; 200] };
        append(out, Logout::TYPE, logout.bytes());
        self.closed = true;
    }

    fn take(&mut self, frame: Frame<'_>, publisher: &SzsePublisher, now: Nanos, out: &mut Vec<u8>) {
        match Message::parse(frame) {
            Ok(Message::Logon(logon)) if !self.logged_on => self.log_on(logon, now, out),
            Ok(Message::Heartbeat) if self.logged_on => {}
            Ok(Message::Resend(resend)) if self.logged_on => self.resend(resend, publisher, out),
            Ok(Message::Logout(_)) => self.log_out(SessionStatus::LoggedOut, out),
            _ => self.log_out(SessionStatus::InvalidMessage, out),
        }
        self.told = now;
    }

    fn log_on(&mut self, logon: &Logon, now: Nanos, out: &mut Vec<u8>) {
        let is = |field: &[u8], wanted: &str| {
            let given = String::from_utf8_lossy(field);
            wanted.is_empty() || given.trim_end_matches([' ', '\0']) == wanted
        };
        let seconds = logon.heart_bt_int.get();
        if !is(&logon.sender_comp_id, &self.config.sender)
            || !is(&logon.password, &self.config.password)
        {
            return self.log_out(SessionStatus::BadPassword, out);
        }
        if !(1..=3_600).contains(&seconds) {
            return self.log_out(SessionStatus::InvalidMessage, out);
        }
        self.heartbeat_ns = seconds as u64 * 1_000_000_000;
        (self.logged_on, self.heard) = (true, now);
        append(out, Logon::TYPE, logon.bytes());
    }

    fn resend(&mut self, asked: &Resend, publisher: &SzsePublisher, out: &mut Vec<u8>) {
        let (channel, first) = (asked.channel_no.get(), asked.appl_beg_seq_num.get());
        let known = publisher.next_seq(channel);
        let status = match known {
            _ if asked.resend_type != resend_type::TICKS => resend_status::NOT_AVAILABLE,
            None => resend_status::NO_RIGHT,
            Some(next) => {
                let last = match asked.appl_end_seq_num.get() {
                    0 => next.saturating_sub(1),
                    last => u64::try_from(last).unwrap_or(0),
                };
                let first = u64::try_from(first).unwrap_or(0);
                self.ticks(publisher, channel, (first, last), out)
            }
        };
        let answer =
            Resend { resend_status: status, reject_text: text("").unwrap_or([b' '; 16]), ..*asked };
        append(out, Resend::TYPE, answer.bytes());
    }

    fn ticks(
        &self,
        publisher: &SzsePublisher,
        channel: u16,
        (first, last): (u64, u64),
        out: &mut Vec<u8>,
    ) -> u8 {
        let mut sent = 0;
        let most = last.saturating_add(1).saturating_sub(first);
        for seq in (first..=last).take(self.config.resend_max as usize) {
            let Some(frame) = publisher.tick(channel, seq) else { continue };
            out.extend_from_slice(frame);
            sent += 1;
        }
        match sent {
            0 => resend_status::NOT_AVAILABLE,
            sent if sent < most => resend_status::PARTIAL,
            _ => resend_status::DONE,
        }
    }
}

/// Appends a frame.
fn append(out: &mut Vec<u8>, msg_type: u32, body: &[u8]) {
    let at = out.len();
    out.resize(at + body.len() + nofx_wire::szse::OVERHEAD, 0);
    let length = out.get_mut(at..).and_then(|room| put_frame(room, msg_type, body));
    debug_assert_eq!(length, Some(out.len() - at));
}
