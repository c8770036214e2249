//! A channel that recovers: what lines cannot bring is re-requested, or comes with a snapshot.
//!
//! Model: [`Recovering`] is a [`LineFeed`](crate::LineFeed) whose sequencer keeps its holes, with a
//! re-request client ([`requester`]), a source of snapshots and an alarm clock per line
//! ([`silence`]) around it. A protocol ([`Recoverable`]) chooses how it asks, by datagrams or in a
//! session over a stream ([`request_session`]), and whence snapshots come, from a session
//! ([`snapshot`]) or from a line that repeats them ([`refresh`]); stages and what is told are the same. Bytes and times go in; events go to the sink, and [`Action`]s are
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
//! all gone back began anew under its old name, and is joined like another session. What a venue says
//! of its books, whatever the numbers are, counts as well ([`Recoverable::is_void`]).
//!
//! A hole that is still open when recovery fails stays open: what waits behind it is not delivered,
//! so a book is either exactly the stream's up to one number, or marked. Worst case: one datagram
//! releases everything that waited ([`RecoveryConfig::buffer_packets`]), and a request walks over
//! what waits once. Nothing allocates after construction.

mod channel;
mod config;
mod counters;
mod framer;
mod images;
mod live;
mod protocol;
mod refresh;
mod request_session;
mod requester;
mod servers;
mod silence;
mod snapshot;
mod stage;

use crate::{itch, omdc};

pub use channel::Recovering;
pub use config::{IN_FLIGHT_MAX, Join, RecoveryConfig, SERVERS_MAX};
pub use counters::{LineAlarm, RecoveryCounters};
pub use live::LiveFeed;
pub use protocol::{
    BrokenStream, Images, Mark, REQUEST_LEN, REQUEST_MAX, Recoverable, Refusal, Request, Requests,
    StreamPacket,
};

/// TotalView-ITCH 5.0 over MoldUDP64, recovered by MoldUDP64 requests and GLIMPSE 5.0.
pub type RecoveringFeed = Recovering<itch::Mold>;
/// OMD-C full tick, recovered by retransmission sessions and a refresh line.
pub type RecoveringOmdc = Recovering<omdc::Omdc>;

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
    /// Connect to re-request server number `server`, whose requests go through a session.
    RetransmitConnect {
        /// Index below [`RecoveryConfig::servers`].
        server: usize,
    },
    /// Send these bytes on the connection to it.
    RetransmitSend(&'a [u8]),
    /// Close the connection to it.
    RetransmitClose,
    /// Join the refresh line.
    RefreshJoin,
    /// Leave the refresh line.
    RefreshLeave,
}
