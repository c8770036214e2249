//! What should not happen, counted by name.

/// Something that contradicts what is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Anomaly {
    /// A report of an order that is not in the table: not ours, or so old that its row was taken.
    UnknownOrder,
    /// An answer that had been given already.
    Duplicate,
    /// An answer that came when its order had ended, as it does when a cancel or replace met a fill.
    LateAnswer,
    /// A report that its order's state rules out.
    Contradiction,
    /// A fill told twice.
    DuplicateFill,
    /// More shares filled than were open: the trade counts, nothing is released for it.
    Overfill,
    /// More shares cancelled than were open.
    Overcancel,
    /// A fill or cancel came before the acceptance.
    ImpliedAccept,
    /// A fill or cancel of a replacement came before it was said to be in place.
    ImpliedReplace,
    /// The venue took another quantity than we asked for.
    QuantityDiffers,
    /// The venue took another price than we asked for.
    PriceDiffers,
    /// A broken or corrected trade that is not remembered: positions are off by it.
    UnknownFill,
    /// A fill that could not be remembered.
    FillForgotten,
    /// A message that passed but was not sent: the session was down.
    SessionDown,
    /// A message that passed but was not sent: its row or its order was no longer free.
    NotSendable,
    /// Bytes that are not a message.
    Malformed,
    /// An order id of the venue that we did not write.
    ForeignToken,
    /// A stream that lost its frames: the session is down until the next login.
    BrokenStream,
    /// A frame that no server sends.
    UnexpectedFrame,
    /// A sequenced message that had been seen before a reconnect.
    Replayed,
    /// Sequenced messages that the server no longer had.
    Missed,
    /// The server fell silent.
    Silence,
    /// A login was refused.
    LoginRejected,
    /// An update found no room: exposure is reserved for ever, the session goes down.
    UpdateLost,
    /// An order that was sent and never reached the venue: released after a login.
    NeverArrived,
    /// An order that a disconnect should have cancelled, open after the next login.
    StillOpen,
    /// A login after which the state of our orders could not be proven.
    Unreconciled,
    /// An order that was taken as never arrived, and is reported.
    Ghost,
    /// An order that the venue's throttle held.
    VenueThrottle,
    /// A numbered message that came ahead of its turn, or that the venue misses.
    Gap,
}

const NAMES: [&str; 30] = [
    "unknown_order",
    "duplicate",
    "late_answer",
    "contradiction",
    "duplicate_fill",
    "overfill",
    "overcancel",
    "implied_accept",
    "implied_replace",
    "quantity_differs",
    "price_differs",
    "unknown_fill",
    "fill_forgotten",
    "session_down",
    "not_sendable",
    "malformed",
    "foreign_token",
    "broken_stream",
    "unexpected_frame",
    "replayed",
    "missed",
    "silence",
    "login_rejected",
    "update_lost",
    "never_arrived",
    "still_open",
    "unreconciled",
    "ghost",
    "venue_throttle",
    "gap",
];
const _: () = assert!(Anomaly::Gap as usize + 1 == NAMES.len());

/// Counts of each [`Anomaly`].
#[derive(Clone, Debug, Default)]
pub(crate) struct Anomalies {
    counts: [u64; NAMES.len()],
}

impl Anomalies {
    #[cold]
    pub fn count(&mut self, anomaly: Anomaly) {
        self.add(anomaly, 1);
    }

    #[cold]
    pub fn add(&mut self, anomaly: Anomaly, n: u64) {
        let count = &mut self.counts[anomaly as usize];
        *count = count.saturating_add(n);
    }

    /// Those that happened, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, u64)> {
        NAMES.into_iter().zip(self.counts).filter(|(_, count)| *count > 0)
    }
}
