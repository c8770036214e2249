//! What a session speaks: the one seam between orders and the protocols that carry them.
//!
//! A [`Link`] finds frames, logs in, numbers what is said either way, writes requests and reads
//! reports; it holds no order. Each protocol is a file of this folder, and everything else (state of
//! orders, reconnects, reconciliation) is the same for all.

mod soup;

use nofx_types::{Nanos, OrderIntent};

use crate::config::OrderConfig;
use crate::frames::Wire;
use crate::machine::Machine;
use crate::report::Report;
use crate::session::Session;

pub(crate) use soup::Soup;

/// What a link sees of the rest while it takes a frame.
pub(crate) struct Ear<'a> {
    pub now: Nanos,
    pub session: &'a mut Session,
    pub machine: &'a mut Machine,
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
}

/// What a login found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Opened {
    /// Another session than the one of the last login.
    pub changed: bool,
    /// Messages that were not seen are gone.
    pub missed: bool,
}

#[derive(Clone, Debug)]
pub(crate) enum Link {
    Soup(Soup),
}

impl Link {
    pub fn new(config: &OrderConfig) -> Link {
        Link::Soup(Soup::new(config))
    }

    /// Bytes of the longest frame that may be cut.
    pub fn frame_max(&self) -> usize {
        match self {
            Link::Soup(_) => nofx_wire::soup::FRAME_MAX,
        }
    }

    /// The bytes that log in, from the first report that was not seen.
    pub fn login(&mut self) -> &[u8] {
        match self {
            Link::Soup(soup) => soup.login(),
        }
    }

    /// Bytes of the frame whose front is `cut`, as far as that tells.
    #[inline]
    pub fn want(&self, cut: &[u8]) -> usize {
        match self {
            Link::Soup(_) => Soup::want(cut),
        }
    }

    /// Takes the first frame of `bytes`.
    #[inline]
    pub fn take(&mut self, ear: &mut Ear<'_>, bytes: &[u8]) -> Taken {
        match self {
            Link::Soup(soup) => soup.take(ear, bytes),
        }
    }

    /// Whether the protocol can say what `intent` asks for.
    #[inline]
    pub fn says(&self, intent: &OrderIntent) -> bool {
        match self {
            Link::Soup(soup) => soup.frames.says(intent),
        }
    }

    /// Whether the protocol can say `price` as a limit.
    #[inline]
    pub fn takes(&self, price: u64) -> bool {
        match self {
            Link::Soup(soup) => soup.frames.takes(price),
        }
    }

    /// A new order.
    #[inline]
    pub fn enter(&mut self, intent: &OrderIntent, wire: &Wire) -> &[u8] {
        match self {
            Link::Soup(soup) => soup.frames.enter(intent, wire),
        }
    }

    /// A replace.
    #[inline]
    pub fn replace(&mut self, intent: &OrderIntent, wire: &Wire) -> &[u8] {
        match self {
            Link::Soup(soup) => soup.frames.replace(intent, wire),
        }
    }

    /// A cancel of all that is left.
    #[inline]
    pub fn cancel(&mut self, intent: &OrderIntent, wire: &Wire) -> &[u8] {
        let _ = wire;
        match self {
            Link::Soup(soup) => soup.frames.cancel(intent.orig.0),
        }
    }

    /// A heartbeat.
    pub fn heartbeat(&mut self) -> &[u8] {
        match self {
            Link::Soup(_) => &nofx_wire::soup::CLIENT_HEARTBEAT,
        }
    }

    /// The bytes that log out.
    pub fn logout(&mut self) -> &[u8] {
        match self {
            Link::Soup(_) => &nofx_wire::soup::LOGOUT,
        }
    }

    /// Whether reports are missing that the server is known to have said.
    pub fn is_behind(&self) -> bool {
        match self {
            Link::Soup(soup) => soup.is_behind(),
        }
    }

    /// First report of the venue that has not been seen.
    pub fn next_seq(&self) -> u64 {
        match self {
            Link::Soup(soup) => soup.next_seq(),
        }
    }
}
