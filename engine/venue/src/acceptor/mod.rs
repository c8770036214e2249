//! The order-entry server: OUCH 5.0 over SoupBinTCP, one client, from bytes to requests and from
//! reports to bytes.
//!
//! Model: [`Acceptor::on_bytes`] takes what the client sent, gives it its latency and queues it;
//! [`Acceptor::next_request`] takes one message that has arrived, answers what the session alone can
//! answer (logins, queries, requests that no venue would accept) and hands the rest to the venue;
//! the venue speaks through one method per report; [`Acceptor::poll_out`] gives bytes when they
//! reach the client. There is no socket and no clock here, so the same code serves a replay and a
//! process on a network.
//!
//! `UserRefNum` must rise: a request whose number is not above the last one is ignored silently, as
//! OUCH says, which makes blind resends after a reconnect safe. A number is used up by its
//! first message, whatever became of it.
//!
//! Worst case: all memory is there from the start. The inbox full: no further byte is taken. The
//! outbox full: [`Acceptor::room`] says so before anything is lost.

mod inbox;
mod outbox;
mod report;
mod request;

use nofx_types::Nanos;
use nofx_wire::ouch50::{Appendage, Inbound};
use nofx_wire::soup::{self, LoginRequest};

use crate::config::{ConfigError, SessionConfig, VenueConfig};
use crate::latency::{Line, Topic};
use inbox::{Arrival, Inbox};
use outbox::Outbox;

pub use inbox::InboxDrops;
pub use report::{Fill, Placed};
pub use request::{Enter, Replace, Request, Sweep, Terms, book_side};

/// What the session dropped or refused by itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SessionStats {
    /// Logins accepted.
    pub logins: u64,
    /// Logins refused.
    pub logins_refused: u64,
    /// Requests whose UserRefNum did not rise: ignored silently.
    pub stale_refs: u64,
    /// Messages that are not OUCH, or are cut.
    pub malformed: u64,
    /// Requests before a login.
    pub not_logged_in: u64,
    /// Frames of a type no client sends.
    pub unknown_frames: u64,
    /// Orders and replaces refused by the session.
    pub refused: u64,
    /// Reports that did not fit: always 0 while the venue asks for room first.
    pub unsent: u64,
}

/// Frames that an answer of the session itself may take: at least this much room is left before a
/// message is taken from the inbox.
const ANSWER_FRAMES: usize = 2;

/// The server end of one order session.
pub struct Acceptor {
    inbox: Inbox,
    outbox: Outbox,
    session: soup::Session,
    username: [u8; 6],
    password: [u8; 10],
    open_to_all: bool,
    heartbeat_ns: u64,
    silence_ns: u64,
    midnight_ns: u64,
    logged_in: bool,
    day_started: bool,
    entry_enabled: bool,
    /// Whether a client that reads too slowly is cut off instead of being waited for.
    cuts_slow: bool,
    last_ref: u32,
    last_heard: Nanos,
    stats: SessionStats,
}

impl Acceptor {
    /// A server with the sizes and latencies of `config`; the client is connected and not logged
    /// in. `read` gives the text of latency files. Fails on a value that cannot be used.
    pub fn new(
        config: &VenueConfig,
        read: &mut dyn FnMut(&str) -> std::io::Result<String>,
    ) -> Result<Acceptor, ConfigError> {
        config.check()?;
        let (latency, sizes, seed) = (&config.latency, &config.sizes, config.seed);
        let to_venue = Line::new(&latency.to_venue, "venue.latency.to_venue", seed, read)?;
        let from_venue = Line::new(&latency.from_venue, "venue.latency.from_venue", !seed, read)?;
        // One slot for each open order besides: its end can always be told.
        let outbox = sizes.outbox as usize + sizes.open_orders as usize;
        let SessionConfig { name, username, password, .. } = &config.session;
        Ok(Acceptor {
            inbox: Inbox::new(sizes.inbox as usize, to_venue),
            outbox: Outbox::new(outbox, sizes.history as usize, from_venue),
            session: soup::session_name(name).unwrap_or(soup::ANY_SESSION),
            username: padded(username),
            password: padded(password),
            open_to_all: username.is_empty(),
            heartbeat_ns: config.session.heartbeat_ns,
            silence_ns: config.session.silence_ns,
            midnight_ns: config.midnight_ns,
            logged_in: false,
            day_started: false,
            entry_enabled: true,
            cuts_slow: false,
            last_ref: 0,
            last_heard: Nanos(0),
            stats: SessionStats::default(),
        })
    }

    /// From now on a report that finds no room is kept in the history only, and the client that
    /// read too slowly is cut off: for a venue that serves others meanwhile.
    pub fn cut_when_full(&mut self) {
        self.cuts_slow = true;
    }

    /// Takes bytes that the client sent at `sent`, cut anywhere; returns how many were taken, fewer
    /// than all only while the inbox is full.
    #[must_use = "bytes that were not taken must be offered again"]
    pub fn on_bytes(&mut self, sent: Nanos, bytes: &[u8]) -> usize {
        self.inbox.push(sent, bytes)
    }

    /// A client connected (again): it has to log in.
    pub fn connect(&mut self, now: Nanos) {
        self.inbox.connect();
        self.last_heard = now;
    }

    /// The connection ended at the client at `sent`.
    pub fn disconnect(&mut self, sent: Nanos) {
        self.inbox.hang_up(sent);
    }

    /// Whether the connection lasts: a client that is not connected, logged out, broke the framing
    /// or fell silent has none.
    pub fn is_connected(&self) -> bool {
        self.inbox.is_connected()
    }

    /// Whether this login names the user of this port and its password.
    pub fn knows(&self, login: &LoginRequest) -> bool {
        let known = login.username == self.username && login.password == self.password;
        self.open_to_all || known
    }

    /// Tells the end of the session; the connection then ends.
    pub fn end_session(&mut self, at: Nanos) {
        if self.logged_in {
            self.control(at, &soup::END_OF_SESSION);
        }
    }

    /// The next UserRefNum that is not ignored.
    pub fn next_user_ref(&self) -> u32 {
        self.last_ref.saturating_add(1)
    }

    /// Number of the next sequenced message.
    pub fn next_seq(&self) -> u64 {
        self.outbox.next_seq()
    }

    /// The next request that has arrived by `until`, and when it did. Stops early, with `None`,
    /// when the outbox has no room left for an answer besides `reserve` frames.
    pub fn next_request(&mut self, until: Nanos, reserve: usize) -> Option<(Nanos, Request)> {
        while self.outbox.room() >= reserve + ANSWER_FRAMES {
            let arrival = self.inbox.pop(until)?;
            if let Some(request) = self.on_arrival(&arrival, reserve) {
                return Some((arrival.due, request));
            }
        }
        None
    }

    /// Keeps the session alive: heartbeats of the venue, and the end of a client that fell silent.
    pub fn keep_alive(&mut self, now: Nanos, reserve: usize) {
        if !self.logged_in {
            return;
        }
        if self.silence_ns > 0 && now.since(self.last_heard) >= self.silence_ns {
            self.inbox.hang_up(now);
        }
        let quiet = now.since(self.outbox.last_sent());
        if self.heartbeat_ns > 0 && quiet >= self.heartbeat_ns && self.outbox.room() > reserve {
            // At the second it was due, not when we came to look: the same however often we look.
            let at = self.outbox.last_sent().plus(quiet - quiet % self.heartbeat_ns);
            self.control(at, &soup::SERVER_HEARTBEAT);
        }
    }

    /// The next bytes that have reached the client by `now`, and when they did.
    #[inline]
    pub fn poll_out(&mut self, now: Nanos) -> Option<(Nanos, &[u8])> {
        self.outbox.pop(now)
    }

    /// When the next message arrives at either end, or the next heartbeat is due.
    pub fn next_due(&self) -> Option<Nanos> {
        let beats = self.logged_in && self.heartbeat_ns > 0;
        let heartbeat = beats.then(|| self.outbox.last_sent().plus(self.heartbeat_ns));
        [self.inbox.next_due(), self.outbox.next_due(), heartbeat].into_iter().flatten().min()
    }

    /// Frames that may still be sent before the client has taken any.
    #[inline]
    pub fn room(&self) -> usize {
        self.outbox.room()
    }

    /// Whether a client is logged in.
    pub fn is_logged_in(&self) -> bool {
        self.logged_in
    }

    /// What the session dropped or refused by itself.
    pub fn stats(&self) -> SessionStats {
        self.stats
    }

    /// Bytes of its queues.
    pub fn memory(&self) -> u64 {
        self.inbox.memory() + self.outbox.memory()
    }

    /// What never became a message.
    pub fn inbox_drops(&self) -> InboxDrops {
        self.inbox.drops
    }

    fn on_arrival(&mut self, arrival: &Arrival, reserve: usize) -> Option<Request> {
        let (at, payload) = (arrival.due, arrival.payload());
        self.last_heard = at;
        match arrival.packet_type {
            b'U' if self.logged_in => return self.on_message(at, payload),
            b'U' => self.stats.not_logged_in += 1,
            b'L' => self.on_login(at, payload, reserve),
            b'O' | inbox::GONE => {
                self.inbox.hang_up(at);
                let was_in = std::mem::take(&mut self.logged_in);
                self.outbox.disconnect();
                return was_in.then_some(Request::ClientGone);
            }
            b'R' | b'+' => {}
            _ => self.stats.unknown_frames += 1,
        }
        None
    }

    fn on_login(&mut self, at: Nanos, payload: &[u8], reserve: usize) {
        let Some(login) = LoginRequest::parse(payload) else {
            self.stats.malformed += 1;
            return;
        };
        let refused = self.check_login(login, reserve);
        if let Err(reason) = refused {
            self.stats.logins_refused += 1;
            self.control(at, &soup::login_rejected(reason));
            return;
        }
        let from = refused.unwrap_or(0);
        self.logged_in = true;
        self.outbox.connect();
        self.stats.logins += 1;
        self.control(at, &soup::login_accepted(self.session, from));
        for seq in from..self.outbox.next_seq() {
            let sent = self.outbox.push_again(at, seq);
            self.count_unsent(sent);
        }
        if !std::mem::replace(&mut self.day_started, true) {
            self.system_event(at, b'S');
        }
    }

    /// The number of the first message that the client will get, or the letter of the refusal.
    fn check_login(&self, login: &LoginRequest, reserve: usize) -> Result<u64, u8> {
        if !self.knows(login) {
            return Err(soup::REJECT_NOT_AUTHORISED);
        }
        let named = login.session.trim_ascii();
        if !named.is_empty() && named != self.session.trim_ascii() {
            return Err(soup::REJECT_NO_SESSION);
        }
        let next = self.outbox.next_seq();
        let from = match login.next_sequence() {
            None => return Err(soup::REJECT_NO_SESSION),
            Some(0) => next,
            Some(from) => from,
        };
        let again = next.saturating_sub(from) as usize;
        let fits = again + ANSWER_FRAMES + reserve <= self.outbox.room();
        if self.outbox.keeps_from(from) && fits { Ok(from) } else { Err(soup::REJECT_NO_SESSION) }
    }

    fn on_message(&mut self, at: Nanos, body: &[u8]) -> Option<Request> {
        let Ok((message, tags)) = Inbound::parse(body) else {
            self.stats.malformed += 1;
            return None;
        };
        if let Some(user_ref) = consumed_ref(&message) {
            if user_ref <= self.last_ref {
                self.stats.stale_refs += 1;
                return None;
            }
            self.last_ref = user_ref;
        }
        self.request_of(at, message, tags)
    }

    fn request_of(
        &mut self,
        at: Nanos,
        message: Inbound<'_>,
        tags: Appendage<'_>,
    ) -> Option<Request> {
        match message {
            Inbound::Enter(order) => {
                let read = match self.entry_enabled {
                    true => request::enter(order, tags),
                    false => Err(FIRM_NOT_AUTHORISED),
                };
                match read {
                    Ok(enter) => return Some(Request::Enter(enter)),
                    Err(reason) => {
                        self.stats.refused += 1;
                        self.rejected(
                            at,
                            Topic::New,
                            order.user_ref_num.get(),
                            reason,
                            &order.clordid,
                        );
                    }
                }
            }
            Inbound::Replace(order) => match request::replace(order, tags) {
                Ok(replace) => return Some(Request::Replace(replace)),
                Err(reason) => {
                    self.stats.refused += 1;
                    let user_ref = order.user_ref_num.get();
                    self.rejected(at, Topic::Replace, user_ref, reason, &order.clordid);
                }
            },
            Inbound::Cancel(cancel) => {
                return Some(Request::Cancel {
                    user_ref: cancel.user_ref_num.get(),
                    down_to: cancel.quantity.get(),
                });
            }
            Inbound::Modify(modify) => {
                return Some(Request::Modify {
                    user_ref: modify.user_ref_num.get(),
                    side: modify.side,
                    down_to: modify.quantity.get(),
                });
            }
            Inbound::MassCancel(message) => {
                self.mass_cancel_response(at, message);
                return request::sweep(message, tags).map(Request::MassCancel);
            }
            Inbound::Disable(message) => {
                self.entry_enabled = false;
                self.disable_response(at, message);
            }
            Inbound::Enable(message) => {
                self.entry_enabled = true;
                self.enable_response(at, message);
            }
            Inbound::Query(_) => self.query_response(at, self.next_user_ref()),
        }
        None
    }

    fn control(&mut self, at: Nanos, frame: &[u8]) {
        let sent = self.outbox.push_control(at, frame);
        self.count_unsent(sent);
    }

    fn count_unsent(&mut self, sent: Result<(), outbox::NoRoom>) {
        debug_assert!(sent.is_ok() || self.cuts_slow, "the venue asks for room before it speaks");
        self.stats.unsent += u64::from(sent.is_err());
        if sent.is_err() && self.cuts_slow {
            self.inbox.hang_up(self.last_heard);
            self.outbox.disconnect();
        }
    }
}

const FIRM_NOT_AUTHORISED: u16 = 0x0c;

/// The number that a message uses up; `X`, `M` and `Q` use none.
fn consumed_ref(message: &Inbound<'_>) -> Option<u32> {
    match message {
        Inbound::Enter(m) => Some(m.user_ref_num.get()),
        Inbound::Replace(m) => Some(m.user_ref_num.get()),
        Inbound::MassCancel(m) => Some(m.user_ref_num.get()),
        Inbound::Disable(m) => Some(m.user_ref_num.get()),
        Inbound::Enable(m) => Some(m.user_ref_num.get()),
        Inbound::Cancel(_) | Inbound::Modify(_) | Inbound::Query(_) => None,
    }
}

/// Left-justified in spaces; the configuration was checked to fit.
fn padded<const N: usize>(text: &str) -> [u8; N] {
    let mut field = [b' '; N];
    for (slot, byte) in field.iter_mut().zip(text.bytes()) {
        *slot = byte;
    }
    field
}
