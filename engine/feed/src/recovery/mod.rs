//! A channel that recovers: what lines cannot bring is re-requested, or comes with a snapshot.
//!
//! Model: [`Recovering`] is a [`LineFeed`](crate::LineFeed) whose sequencer keeps its holes, with a
//! re-request client ([`requester`]), a snapshot session ([`snapshot`]) and an alarm clock per
//! line ([`silence`]) around it. Bytes and times go in; events go to the sink, and [`Action`]s are
//! picked up: the application owns every socket. All of it follows from the inputs and their times,
//! so a replay of the inputs takes the same turns.
//!
//! ```text
//!            first datagram        hole          lines have passed it
//!  Waiting ────────────────> Live ──────> Gap ───────────────────────> Retransmission
//!     │                       ^ ^          │ filled by a line            │ filled   │ no answer,
//!     │ not message 1         │ └──────────┴─────────────────────────────┘          │ too long
//!     └────────> Snapshot ────┘ joined, and reached by the lines                     v
//!                  ^  └──> Stale: rest, then again <── no snapshot server ── Snapshot
//! ```
//!
//! Books are trusted in `Live`, in `Gap`, and after the end of the session. Anything else begins with
//! [`Stale`](nofx_types::EventKind::Stale) on every instrument and ends with [`Recovered`](nofx_types::EventKind::Recovered), which is sent
//! only when nothing at all is missing. A snapshot clears the books and leaves them stale until the
//! lines have reached its marker: an image of another day never becomes a market. When all lines
//! are silent the books are stale too, since nobody knows what they missed. A stream whose lines have
//! all gone back began anew under its old name, and is joined like another session.
//!
//! A hole that is still open when recovery fails stays open: what waits behind it is not delivered,
//! so a book is either exactly the stream's up to one number, or marked. Worst case: one datagram
//! releases everything that waited ([`RecoveryConfig::buffer_packets`]), and a request walks over
//! what waits once. Nothing allocates after construction.

mod channel;
mod config;
mod counters;
mod requester;
mod silence;
mod snapshot;
mod stage;

use crate::itch;
use crate::packet::Decoder;

pub use channel::Recovering;
pub use config::{IN_FLIGHT_MAX, Join, RecoveryConfig, SERVERS_MAX};
pub use counters::{LineAlarm, RecoveryCounters};
pub use requester::REQUEST_LEN;

/// TotalView-ITCH 5.0 over MoldUDP64, recovered by MoldUDP64 requests and GLIMPSE 5.0.
pub type RecoveringFeed = Recovering<itch::Mold>;

/// What a protocol adds to be recovered.
pub trait Recoverable: Decoder {
    /// The packet that asks a re-request server for `count` messages from `first` on.
    fn request(session: u128, first: u64, count: u16) -> [u8; REQUEST_LEN];

    /// What a message of a snapshot says about its end.
    fn mark(message: &[u8]) -> Mark;

    /// Whether a snapshot session of this name is of the stream's session.
    fn is_session(session: u128, name: &[u8; 10]) -> bool;
}

/// Whether a message ends a snapshot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    /// It is part of the image.
    None,
    /// The image is whole; this is the first live message.
    Next(u64),
    /// It says so, but not with a number.
    Broken,
}

/// Where a channel stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChannelState {
    /// Nothing was seen yet.
    Waiting,
    /// Everything that is known to exist was delivered.
    Live,
    /// Something is missing that a line may still bring.
    Gap,
    /// Something is missing that re-request servers are asked for.
    Retransmission,
    /// A snapshot is under way, or was joined and the lines have not reached it.
    Snapshot,
    /// Nothing helped, or no line speaks: waiting to try again.
    Stale,
    /// The session is over and everything of it was delivered.
    Ended,
}

/// What the application is to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action<'a> {
    /// Send `bytes` to re-request server number `server`, from the socket that takes its answers.
    Request {
        /// Index below [`RecoveryConfig::servers`].
        server: usize,
        /// One datagram.
        bytes: &'a [u8],
    },
    /// Connect to the snapshot server.
    SnapshotConnect,
    /// Send these bytes on the snapshot connection.
    SnapshotSend(&'a [u8]),
    /// Close the snapshot connection.
    SnapshotClose,
}
