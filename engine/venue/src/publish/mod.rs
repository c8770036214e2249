//! What a board says, as the bytes of its market: OMD-C in Hong Kong, binary Level-2 in Shenzhen,
//! ticks and snapshots in Shanghai.
//!
//! Model: a publisher hears each [`Said`](crate::board::Said) once and in order, picks the facts
//! that its market publishes and numbers them as the market does. It keeps what it sent for those
//! who missed some. What it shows of a whole book (refresh, snapshots) it reads from the board, so
//! that is asked for only when every fact has been said: then the board is exactly where the
//! numbered stream is. Neither socket nor clock: bytes go to an [`Outlet`].
//!
//! Worst case: a refresh or a round of snapshots walks all books; the kept messages grow up to a
//! stated number.

pub mod omdc;
pub mod sse;
pub mod szse;

use nofx_types::Nanos;

/// Where a publisher's packets go.
pub trait Outlet {
    /// A packet (Hong Kong: a datagram; Shenzhen: one frame) of a channel that left at `at`.
    fn packet(&mut self, at: Nanos, channel: u16, bytes: &[u8]);
}

impl<F: FnMut(Nanos, u16, &[u8])> Outlet for F {
    fn packet(&mut self, at: Nanos, channel: u16, bytes: &[u8]) {
        self(at, channel, bytes)
    }
}

/// The channels that securities stand on, each once, in rising order.
fn channels_of(securities: &[crate::board::Security]) -> Vec<u16> {
    let mut channels: Vec<u16> = securities.iter().map(|security| security.channel).collect();
    channels.sort_unstable();
    channels.dedup();
    channels
}
