//! What a session speaks: the one seam between orders and the protocols that carry them.
//!
//! A [`Link`] finds frames, logs in, numbers what is said either way, writes requests and reads
//! reports; it holds no order. Each protocol is a file of this folder, and everything else (state of
//! orders, reconnects, reconciliation) is the same for all.

mod ocg;
mod soup;
mod sync;
mod tdgw;
mod tgw;

use nofx_types::{ClOrdId, Nanos, OrderIntent};
use nofx_wire::ouch50::client::QUERY_FRAME;

use crate::anomaly::Anomaly;
use crate::cancels::Cancels;
use crate::config::{OrderConfig, Protocol};
use crate::frames::Wire;
use crate::machine::Machine;
use crate::report::{NoReport, Report};
use crate::seen::{Partition, Seen};
use crate::session::Session;
use crate::state::SessionState;

use ocg::Ocg;
use soup::Soup;
pub(crate) use soup::SoupHeard;
use tdgw::Tdgw;
use tgw::Tgw;

/// Bytes of the longest frame of the mainland's gateways that is believed: ten times what their
/// longest message takes.
const FRAME_MAX: usize = 1 << 16;

/// What a link sees of the rest while it takes a frame.
pub(crate) struct Ear<'a> {
    pub now: Nanos,
    pub session: &'a mut Session,
    pub machine: &'a mut Machine,
    pub cancels: &'a Cancels,
    pub seen: &'a mut Seen,
}

impl Ear<'_> {
    /// Numbers a report of a partition; false when it was seen before.
    #[inline]
    fn is_new(&mut self, of: Partition, index: u64) -> bool {
        self.session.news(self.now);
        match self.seen.is_new(of, index) {
            Some(true) => true,
            Some(false) => {
                self.machine.anomalies.count(Anomaly::Replayed);
                false
            }
            None => {
                self.machine.anomalies.count(Anomaly::UnexpectedFrame);
                false
            }
        }
    }

    #[inline]
    fn heard(&mut self, read: Result<Report, NoReport>) -> Heard {
        match read {
            Ok(report) => Heard::Report(report),
            Err(no_report) => {
                self.machine.anomalies.count(no_report.into());
                Heard::Nothing
            }
        }
    }
}

/// What the front of a stream holds.
pub(crate) enum Taken {
    /// A frame that is cut.
    Cut,
    /// No frame: nothing can be found behind it.
    Broken,
    /// A frame of `used` bytes.
    Frame { used: usize, heard: Heard },
}

/// What a frame comes to, as far as orders are concerned.
pub(crate) enum Heard {
    Nothing,
    /// A report that was not seen before.
    Report(Report),
    /// The login was accepted.
    Opened(Opened),
    /// The platform opened or closed.
    Platform,
    /// Reports that were not seen will not come.
    Missed,
}

/// What a login found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Opened {
    /// Another session than the one of the last login.
    pub changed: bool,
    /// Messages that were not seen are gone.
    pub missed: bool,
    /// The server's numbers end before those that were seen.
    pub lost: bool,
    /// The server has this number of ours next, which was never sent.
    pub foreign: Option<u32>,
    /// The lowest id that never arrived, where the login says it.
    pub next_id: Option<u32>,
}

/// What a frame of ours was that was no order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ours {
    Login,
    Query,
    Logout,
    /// It used the id of a cancel.
    CancelAll,
    Other,
}

#[derive(Clone, Debug)]
#[allow(clippy::large_enum_variant)] // there is one, and the hot path should not look it up
pub(crate) enum Link {
    Soup(Soup),
    Ocg(Box<Ocg>),
    Tgw(Box<Tgw>),
    Tdgw(Box<Tdgw>),
}

impl Link {
    /// Of the first session, or of the one that stands in for it.
    pub fn new(config: &OrderConfig, rescue: bool) -> Link {
        match config.protocol {
            Protocol::Ouch50 | Protocol::Ouch42 => Link::Soup(Soup::new(config)),
            Protocol::Ocg => Link::Ocg(Box::new(Ocg::new(config))),
            Protocol::Tgw => Link::Tgw(Box::new(Tgw::new(config, rescue))),
            Protocol::Tdgw => Link::Tdgw(Box::new(Tdgw::new(config, rescue))),
        }
    }

    /// Bytes of the longest frame that may be cut.
    pub fn frame_max(&self) -> usize {
        match self {
            Link::Soup(_) => nofx_wire::soup::FRAME_MAX,
            Link::Ocg(_) | Link::Tgw(_) | Link::Tdgw(_) => FRAME_MAX,
        }
    }

    // What we say.

    /// The bytes that log in, from the first report that was not seen.
    pub fn login(&mut self, now: Nanos) -> &[u8] {
        match self {
            Link::Soup(soup) => soup.login(),
            Link::Ocg(ocg) => ocg.login(),
            Link::Tgw(tgw) => tgw.login(),
            Link::Tdgw(tdgw) => tdgw.login(now),
        }
    }

    /// Whether the protocol can say what `intent` asks for.
    #[inline]
    pub fn says(&self, intent: &OrderIntent) -> bool {
        match self {
            Link::Soup(soup) => soup.frames.says(intent),
            Link::Ocg(_) => !intent.post_only,
            Link::Tgw(tgw) => intent.orig == ClOrdId::NONE && tgw.says(intent),
            Link::Tdgw(tdgw) => intent.orig == ClOrdId::NONE && tdgw.says(intent),
        }
    }

    /// Whether the protocol can say `price` as a limit.
    #[inline]
    pub fn takes(&self, price: u64) -> bool {
        match self {
            Link::Soup(soup) => soup.frames.takes(price),
            Link::Ocg(_) => price <= u64::MAX / nofx_wire::ocg::PRICE_UNITS,
            Link::Tgw(_) => i64::try_from(price).is_ok(),
            Link::Tdgw(tdgw) => tdgw.takes(price),
        }
    }

    /// A new order.
    #[inline]
    pub fn enter(&mut self, intent: &OrderIntent, wire: &Wire) -> &[u8] {
        match self {
            Link::Soup(soup) => soup.frames.enter(intent, wire),
            Link::Ocg(ocg) => ocg.enter(intent, wire),
            Link::Tgw(tgw) => tgw.enter(intent, wire),
            Link::Tdgw(tdgw) => tdgw.enter(intent, wire),
        }
    }

    /// A replace; nothing where there are none, which `says` tells.
    #[inline]
    pub fn replace(&mut self, intent: &OrderIntent, wire: &Wire) -> &[u8] {
        match self {
            Link::Soup(soup) => soup.frames.replace(intent, wire),
            Link::Ocg(ocg) => ocg.replace(intent, wire),
            Link::Tgw(_) | Link::Tdgw(_) => &[],
        }
    }

    /// A cancel of all that is left.
    #[inline]
    pub fn cancel(&mut self, intent: &OrderIntent, wire: &Wire) -> &[u8] {
        match self {
            Link::Soup(soup) => soup.frames.cancel(intent.orig.0),
            Link::Ocg(ocg) => ocg.cancel(intent, wire),
            Link::Tgw(tgw) => tgw.cancel(intent, wire),
            Link::Tdgw(tdgw) => tdgw.cancel(intent, wire),
        }
    }

    /// One message that cancels every order of the session, where the protocol has it.
    pub fn cancel_all(&mut self, now: Nanos, id: u32) -> Option<&[u8]> {
        match self {
            Link::Ocg(ocg) => Some(ocg.cancel_all(now, id)),
            Link::Soup(_) | Link::Tgw(_) | Link::Tdgw(_) => None,
        }
    }

    /// The account query, where the protocol has one.
    pub fn query(&self) -> Option<&'static [u8]> {
        match self {
            Link::Soup(soup) if soup.has_query() => Some(&QUERY_FRAME),
            _ => None,
        }
    }

    /// Whether the session itself has something to say besides logins and heartbeats.
    #[inline]
    pub fn has_words(&self) -> bool {
        match self {
            Link::Soup(_) => false,
            Link::Ocg(ocg) => ocg.has_words(),
            Link::Tgw(tgw) => tgw.has_words(),
            Link::Tdgw(tdgw) => tdgw.has_words(),
        }
    }

    /// The next of it, one message.
    pub fn say(&mut self, seen: &Seen) -> &[u8] {
        match self {
            Link::Soup(_) => &[],
            Link::Ocg(ocg) => ocg.say(),
            Link::Tgw(tgw) => tgw.say(seen),
            Link::Tdgw(tdgw) => tdgw.say(seen),
        }
    }

    /// The server has been silent for half of what is borne.
    pub fn is_still(&mut self) {
        if let Link::Ocg(ocg) = self {
            ocg.is_still();
        }
    }

    /// A heartbeat.
    pub fn heartbeat(&mut self) -> &[u8] {
        match self {
            Link::Soup(_) => &nofx_wire::soup::CLIENT_HEARTBEAT,
            Link::Ocg(ocg) => ocg.heartbeat(),
            Link::Tgw(_) => Tgw::heartbeat(),
            Link::Tdgw(tdgw) => tdgw.heartbeat(),
        }
    }

    /// The bytes that log out.
    pub fn logout(&mut self) -> &[u8] {
        match self {
            Link::Soup(_) => &nofx_wire::soup::LOGOUT,
            Link::Ocg(ocg) => ocg.logout(),
            Link::Tgw(tgw) => tgw.logout(),
            Link::Tdgw(tdgw) => tdgw.logout(),
        }
    }

    // The record.

    /// An order (`places`) or cancel that was sent: its number is used. `id` is its client order id.
    pub fn replay_sent(&mut self, places: bool, id: u32) {
        match self {
            Link::Soup(_) | Link::Tgw(_) => {}
            Link::Ocg(ocg) => ocg.replay_sent(places, id),
            Link::Tdgw(tdgw) => tdgw.replay_sent(),
        }
    }

    /// Takes the first frame of ours that was no order from the record.
    pub fn replay(&mut self, bytes: &[u8]) -> Option<(usize, Ours)> {
        match self {
            Link::Soup(soup) => soup.replay(bytes),
            Link::Ocg(ocg) => ocg.replay(bytes),
            Link::Tgw(tgw) => tgw.replay(bytes),
            Link::Tdgw(tdgw) => tdgw.replay(bytes),
        }
    }

    // What the venue says.

    /// Bytes of the frame whose front is `cut`, as far as that tells.
    #[inline]
    pub fn want(&self, cut: &[u8]) -> usize {
        match self {
            Link::Soup(_) => Soup::want(cut),
            Link::Ocg(_) => Ocg::want(cut),
            Link::Tgw(_) => Tgw::want(cut),
            Link::Tdgw(_) => Tdgw::want(cut),
        }
    }

    /// Takes the first frame of `bytes`; of SoupBinTCP [`Soup::hear`] does.
    pub fn take(&mut self, ear: &mut Ear<'_>, bytes: &[u8]) -> Taken {
        match self {
            Link::Soup(_) => Taken::Broken,
            Link::Ocg(ocg) => ocg.take(ear, bytes),
            Link::Tgw(tgw) => tgw.take(ear, bytes),
            Link::Tdgw(tdgw) => tdgw.take(ear, bytes),
        }
    }

    /// Whether reports are missing that the server is known to have said.
    pub fn is_behind(&self, seen: &Seen) -> bool {
        match self {
            Link::Soup(soup) => soup.is_behind(),
            Link::Ocg(ocg) => ocg.is_behind(),
            Link::Tgw(tgw) => tgw.is_behind(seen),
            Link::Tdgw(tdgw) => tdgw.is_behind(seen),
        }
    }

    /// The state of the platform, when it takes no orders.
    pub fn closed(&self) -> Option<u8> {
        match self {
            Link::Soup(_) | Link::Ocg(_) => None,
            Link::Tgw(tgw) => tgw.closed(),
            Link::Tdgw(tdgw) => tdgw.closed(),
        }
    }

    /// First report of the venue that has not been seen.
    pub fn next_seq(&self, seen: &Seen) -> u64 {
        match self {
            Link::Soup(soup) => soup.next_seq(),
            Link::Ocg(ocg) => ocg.next_seq(),
            Link::Tgw(_) | Link::Tdgw(_) => seen.total().saturating_add(1),
        }
    }

    pub fn bytes(&self) -> u64 {
        match self {
            Link::Soup(_) => 0,
            Link::Ocg(ocg) => ocg.bytes() + size_of::<Ocg>() as u64,
            Link::Tgw(_) => size_of::<Tgw>() as u64,
            Link::Tdgw(_) => size_of::<Tdgw>() as u64,
        }
    }
}

/// A mainland gateway logged us out: a refusal where a login was under way.
fn mainland_logged_out(ear: &mut Ear<'_>, status: i64) {
    if ear.session.state == SessionState::LoggingIn {
        ear.machine.anomalies.count(Anomaly::LoginRejected);
        ear.session.state = SessionState::Refused(match status {
            5 | 6 | 8 => SessionState::NOT_AUTHORISED,
            other => u8::try_from(other).ok().filter(|code| *code < b'A').unwrap_or(b'?'),
        });
    } else if ear.session.is_open() {
        ear.session.state = SessionState::Down;
    }
}
