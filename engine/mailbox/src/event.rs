//! Events: what happened to orders and to the engine, in the order it happened.
//!
//! ```text
//! word 0    number of the last event             (a line pair of its own)
//! word 16   2^k events of 16 words; an event's first word is its number, 0 while it is written
//! ```
//!
//! A broadcast ring: the engine overwrites the oldest event and knows no reader. A reader copies an
//! event and looks at its number again; when the writer came round in between, the reader counts what
//! it lost and goes on with the oldest that is left. The journal is the complete record; this is for
//! screens and reports.
//!
//! Worst case for the engine: 19 stores per event. A reader does 18 loads per event, one try per call.

use std::fmt;

use crate::sync::{AtomicU64, Ordering, acquire, fence};
use crate::text;
use crate::view::record;
use crate::words::Words;

record! {
    /// One thing that happened. Fields that a kind has no use for are 0.
    Event: 128 {
        /// Its running number, from 1; given by the ring.
        number: u64,
        /// When, in nanoseconds since 1970 UTC.
        at_ns: u64,
        /// What, as the number of an [`EventKind`].
        kind: u8,
        /// 0 buy, 1 sell.
        side: u8,
        /// More about the kind: a reason, a state, a command, a rule.
        code: u16,
        /// The account.
        account: u16,
        /// Decimals of the price.
        decimals: u8,
        /// Zero.
        reserved: u8,
        /// The instrument.
        instrument: u32,
        /// Our id of the order.
        cl_ord_id: u32,
        /// The venue's id of the order.
        order_ref: u64,
        /// Price.
        price: i64,
        /// Quantity.
        qty: u64,
        /// Quantity still open.
        leaves: u64,
        /// Rules that refused it, a bit each.
        rejects: u64,
        /// A number that the kind needs: a version, a publication, a count.
        value: i64,
        /// Words for people, zero padded.
        text: [u8; 40],
        /// Symbol, space padded.
        symbol: [u8; 8],
    }
}

impl Event {
    /// An event of this kind at this time, and nothing else said.
    pub fn new(kind: EventKind, at_ns: u64) -> Event {
        Event { kind: kind as u8, at_ns, ..Event::default() }
    }

    /// With this text, cut to what fits.
    pub fn saying(self, text: &str) -> Event {
        Event { text: text::bytes(text), ..self }
    }

    /// What happened; `None` for a number that this program does not know.
    pub fn kind(&self) -> Option<EventKind> {
        EventKind::from_number(self.kind)
    }

    /// Its text.
    pub fn text(&self) -> String {
        text::text(&self.text)
    }

    /// The symbol without its padding.
    pub fn symbol(&self) -> String {
        text::text(&self.symbol).trim_end().to_owned()
    }
}

/// What an event is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum EventKind {
    /// An order went out.
    Sent = 1,
    /// The gate or the host refused an order.
    Refused = 2,
    /// The venue accepted an order.
    Accepted = 3,
    /// The venue rejected an order.
    Rejected = 4,
    /// The venue replaced an order.
    Replaced = 5,
    /// An order is canceled.
    Canceled = 6,
    /// An order was filled, in part or whole.
    Filled = 7,
    /// The venue rejected a cancel or replace.
    CancelRejected = 8,
    /// The venue broke a trade.
    Broken = 9,
    /// A kill was engaged.
    KillEngaged = 16,
    /// A kill was released.
    KillReleased = 17,
    /// A command was taken.
    Command = 18,
    /// A page of parameters came into force.
    ParamsApplied = 19,
    /// A page of parameters was refused.
    ParamsRefused = 20,
    /// A model came into use.
    ModelApplied = 21,
    /// A model was refused.
    ModelRefused = 22,
    /// The engine's state changed.
    EngineState = 23,
    /// An order session's state changed.
    SessionState = 24,
    /// A feed's state changed.
    FeedState = 25,
    /// The gate failed.
    GateFailed = 26,
    /// Something about the journal.
    Journal = 27,
}

impl EventKind {
    /// Every kind.
    pub const ALL: [EventKind; 21] = [
        EventKind::Sent,
        EventKind::Refused,
        EventKind::Accepted,
        EventKind::Rejected,
        EventKind::Replaced,
        EventKind::Canceled,
        EventKind::Filled,
        EventKind::CancelRejected,
        EventKind::Broken,
        EventKind::KillEngaged,
        EventKind::KillReleased,
        EventKind::Command,
        EventKind::ParamsApplied,
        EventKind::ParamsRefused,
        EventKind::ModelApplied,
        EventKind::ModelRefused,
        EventKind::EngineState,
        EventKind::SessionState,
        EventKind::FeedState,
        EventKind::GateFailed,
        EventKind::Journal,
    ];

    /// From its number; `None` for one that this program does not know.
    pub fn from_number(number: u8) -> Option<EventKind> {
        EventKind::ALL.into_iter().find(|kind| *kind as u8 == number)
    }
}

impl fmt::Display for EventKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            EventKind::Sent => "sent",
            EventKind::Refused => "refused",
            EventKind::Accepted => "accepted",
            EventKind::Rejected => "rejected",
            EventKind::Replaced => "replaced",
            EventKind::Canceled => "canceled",
            EventKind::Filled => "filled",
            EventKind::CancelRejected => "cancel_rejected",
            EventKind::Broken => "broken",
            EventKind::KillEngaged => "kill_engaged",
            EventKind::KillReleased => "kill_released",
            EventKind::Command => "command",
            EventKind::ParamsApplied => "params_applied",
            EventKind::ParamsRefused => "params_refused",
            EventKind::ModelApplied => "model_applied",
            EventKind::ModelRefused => "model_refused",
            EventKind::EngineState => "engine_state",
            EventKind::SessionState => "session_state",
            EventKind::FeedState => "feed_state",
            EventKind::GateFailed => "gate_failed",
            EventKind::Journal => "journal",
        })
    }
}

const LAST: usize = 0;
const RING_HEAD: usize = 16;
#[cfg(not(loom))]
const WORDS: usize = size_of::<Event>() / 8;
/// Number, time and one word more: enough to be torn.
#[cfg(loom)]
const WORDS: usize = 3;
/// The number of an event that is being written, or never was.
const FILLING: u64 = 0;

const _: () = assert!(std::mem::offset_of!(Event, number) == 0 && RING_HEAD * 8 == 128);

/// Words of a ring of `slots`, a power of two or none.
pub(crate) const fn event_words(slots: usize) -> usize {
    RING_HEAD + slots * WORDS
}

fn slots(words: &[AtomicU64]) -> Option<u64> {
    let slots = words.len().checked_sub(RING_HEAD)? / WORDS;
    (slots == 0 || slots.is_power_of_two()).then_some(slots as u64)
}

/// The words of event `number`.
#[inline]
fn slot(words: &[AtomicU64], slots: u64, number: u64) -> Option<&[AtomicU64]> {
    let at = RING_HEAD + (number & slots.checked_sub(1)?) as usize * WORDS;
    words.get(at..at + WORDS)
}

/// The engine's end of the ring.
pub struct EventWriter {
    words: Words,
    slots: u64,
    last: u64,
}

impl EventWriter {
    /// `None` when `words` are no ring.
    pub(crate) fn new(words: Words) -> Option<EventWriter> {
        let last = words.first()?.load(Ordering::Relaxed);
        Some(EventWriter { slots: slots(&words)?, words, last })
    }

    /// Appends `event` under the next number, over the oldest.
    #[inline]
    pub fn put(&mut self, event: &Event) {
        let number = self.last + 1;
        let Some(slot) = slot(&self.words, self.slots, number) else { return };
        let Some((stamp, rest)) = slot.split_first() else { return };
        stamp.store(FILLING, Ordering::Relaxed);
        // Who sees a word of this event sees FILLING: pairs with the second fence of `next`.
        fence(Ordering::Release);
        let values: &[u64] = bytemuck::cast_slice(std::slice::from_ref(event));
        for (word, value) in rest.iter().zip(values.iter().skip(1)) {
            word.store(*value, Ordering::Relaxed);
        }
        stamp.store(number, Ordering::Release);
        self.last = number;
        if let Some(last) = self.words.get(LAST) {
            last.store(number, Ordering::Release);
        }
    }

    /// Number of the last event.
    pub fn last(&self) -> u64 {
        self.last
    }
}

/// A reader of the ring; any number of them.
#[derive(Clone)]
pub struct EventReader {
    words: Words,
    slots: u64,
    /// Number of the event to read next.
    next: u64,
}

impl EventReader {
    /// Begins at the oldest event that is left. `None` when `words` are no ring.
    pub(crate) fn new(words: Words) -> Option<EventReader> {
        Some(EventReader { slots: slots(&words)?, words, next: 1 }.again())
    }

    /// The same ring, from the oldest event that is left now.
    pub(crate) fn again(self) -> EventReader {
        EventReader { next: self.oldest(self.last()).max(1), ..self }
    }

    /// Number of the last event written.
    pub fn last(&self) -> u64 {
        self.words.first().map_or(0, acquire)
    }

    /// The oldest event that the writer is not about to overwrite.
    fn oldest(&self, last: u64) -> u64 {
        last.saturating_add(2).saturating_sub(self.slots)
    }

    /// The next event, `None` when there is none now. `Err` when the writer came round: how many
    /// events were lost; the call after goes on with the oldest that is left.
    #[allow(clippy::should_implement_trait)] // never ends: more may come
    pub fn next(&mut self) -> Option<Result<Event, u64>> {
        let last = self.last();
        if last < self.next || last == u64::MAX {
            return None; // no engine counts that far
        }
        if self.next >= self.oldest(last)
            && let Some(event) = self.copy()
        {
            self.next = self.next.saturating_add(1);
            return Some(Ok(event));
        }
        // Lapped: the newest number may have moved on since.
        let resume = self.oldest(self.last()).max(self.next.saturating_add(1));
        let lost = resume.saturating_sub(self.next);
        self.next = resume;
        Some(Err(lost))
    }

    /// The event `next`, unless it is not whole.
    fn copy(&self) -> Option<Event> {
        let words = slot(&self.words, self.slots, self.next)?;
        let stamp = words.first()?;
        if acquire(stamp) != self.next {
            return None;
        }
        let mut event = Event::default();
        let values: &mut [u64] = bytemuck::cast_slice_mut(std::slice::from_mut(&mut event));
        for (value, word) in values.iter_mut().zip(words) {
            *value = word.load(Ordering::Relaxed);
        }
        fence(Ordering::Acquire);
        (stamp.load(Ordering::Relaxed) == self.next && event.number == self.next).then_some(event)
    }
}
