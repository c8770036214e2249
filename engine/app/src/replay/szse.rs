//! Shenzhen out of a capture: the gateway's side of a TCP session that somebody else held, or
//! datagrams of appliances.
//!
//! Model: [`TcpFlow`] makes bytes of segments, [`SzseFeed`] ticks in the order of each channel, and
//! [`Rebuild`] clean books. Where the capture lacks bytes or the session ended without a logout,
//! nobody knows what was missed: all books are stale until every channel has spoken again and lacks
//! nothing. A stream whose framing broke goes on with the next segment that begins with a whole
//! frame; the numbers of the ticks tell what is missing.

use nofx_feed::szse::SzseState;
use nofx_feed::{FeedReport, SzseFeed};
use nofx_net::tcp_flow::{FlowConfig, Piece, TcpFlow};
use nofx_types::{EventSink, Nanos, Symbol};
use nofx_wire::szse::{Message, next_frame};

use super::source::ItemFeed;
use crate::failure::Failure;
use crate::feeds::{Rebuild, mark_all_stale, recover, whole};
use crate::input::{Item, TcpEnds};

/// See the module.
pub struct SzseReplay {
    flow: Option<TcpFlow>,
    behind: Behind,
}

/// Everything behind the bytes.
struct Behind {
    feed: SzseFeed,
    rebuild: Rebuild,
    /// Framing broke, and no frame was found since.
    lost: bool,
    stale: bool,
    /// Connections that broke, by what the capture lacks or by their framing.
    broken: u64,
}

impl SzseReplay {
    /// `session` is the one to follow, where there is one.
    ///
    /// # Errors
    /// None of its own making.
    pub fn new(
        feed: SzseFeed,
        rebuild: Rebuild,
        session: Option<TcpEnds>,
    ) -> Result<SzseReplay, Failure> {
        let flow = |ends: TcpEnds| {
            let (address, port) = ends.from;
            let config = FlowConfig { src_port: port, src: Some(address), ..FlowConfig::default() };
            TcpFlow::new(config).ok_or_else(|| Failure::usage("szse: no room for the session"))
        };
        let flow = session.map(flow).transpose()?;
        let behind = Behind { feed, rebuild, lost: false, stale: false, broken: 0 };
        Ok(SzseReplay { flow, behind })
    }
}

impl Behind {
    #[inline]
    fn piece<S: EventSink>(&mut self, now: Nanos, piece: Piece<'_>, sink: &mut S) {
        match piece {
            Piece::Bytes(bytes) => self.bytes(now, bytes, sink),
            Piece::Opened => self.opened(now),
            Piece::Broken { .. } => self.broke(now, sink),
            Piece::Closed => self.closed(now, sink),
        }
    }

    #[inline]
    fn bytes<S: EventSink>(&mut self, now: Nanos, bytes: &[u8], sink: &mut S) {
        if self.lost {
            if !matches!(next_frame(bytes), Ok(Some(_))) {
                return;
            }
            self.opened(now);
        }
        if self.feed.overhear(now, bytes, &mut self.rebuild.clean(sink)).is_err() {
            self.lost = true;
            self.broke(now, sink);
        }
        self.feed.on_time(now, &mut self.rebuild.clean(sink));
        if self.stale && whole(&self.feed) {
            self.stale = false;
            recover(&self.feed, now, sink);
        }
    }

    fn opened(&mut self, now: Nanos) {
        self.lost = false;
        self.feed.disconnected(now);
    }

    #[cold]
    fn broke<S: EventSink>(&mut self, now: Nanos, sink: &mut S) {
        self.broken += 1;
        self.doubt(now, sink);
    }

    /// A session that ended with a logout has said everything.
    #[cold]
    fn closed<S: EventSink>(&mut self, now: Nanos, sink: &mut S) {
        if !matches!(self.feed.state(), SzseState::Ended(_)) {
            self.doubt(now, sink);
        }
        self.feed.disconnected(now);
    }

    fn doubt<S: EventSink>(&mut self, now: Nanos, sink: &mut S) {
        let known = self.feed.channels().next().is_some();
        if known && !self.feed.channels().all(|channel| channel.ended) && !self.stale {
            self.stale = true;
            mark_all_stale(now, sink);
        }
    }
}

impl ItemFeed for SzseReplay {
    const TELLS_PLACES: bool = true;

    #[inline]
    fn take<S: EventSink>(&mut self, item: &Item<'_>, sink: &mut S) {
        let SzseReplay { flow, behind } = self;
        match item {
            Item::Segment { segment, .. } => {
                if let Some(flow) = flow {
                    flow.take(segment, |piece| behind.piece(segment.ts_ns, piece, sink));
                }
            }
            Item::Packet { at, payload, .. } => {
                behind.feed.on_datagram(*at, payload, &mut behind.rebuild.clean(sink));
            }
            _ => {}
        }
    }

    fn assign<S: EventSink>(&mut self, symbol: Symbol, sink: &mut S) {
        self.behind.feed.assign(symbol, &mut self.behind.rebuild.clean(sink));
    }

    fn finish<S: EventSink>(&mut self, _: u64, now: Nanos, sink: &mut S) {
        let SzseReplay { flow, behind } = self;
        // A capture that ends before its session does has lost nothing.
        if let Some(flow) = flow.as_mut().filter(|flow| flow.waits()) {
            flow.finish(|piece| behind.piece(now, piece, sink));
        }
        behind.feed.finish(now, &mut behind.rebuild.clean(sink));
    }

    fn faults(&self) -> impl Iterator<Item = (&'static str, u64)> + Clone {
        let broken = [("session_broken", self.behind.broken)];
        self.behind.feed.counters().faults().chain(broken)
    }

    fn report(&self) -> FeedReport {
        let mut report = self.behind.feed.report();
        let counters = self.behind.feed.counters();
        report.malformed.extend(Some(("session_broken", self.behind.broken)));
        report.malformed.retain(|(_, count)| *count > 0);
        (report.stream.gaps, report.stream.missing) = (counters.gaps, counters.lost);
        report.notes.extend(self.behind.rebuild.counts().iter().filter(|(_, n)| *n > 0));
        report.memory_bytes += self.behind.rebuild.memory_bytes();
        report
    }
}

/// Whether `payload` holds what only a gateway sends, in whole frames.
pub fn is_gateway(payload: &[u8]) -> bool {
    let mut rest = payload;
    while let Ok(Some((frame, used))) = next_frame(rest) {
        match Message::parse(frame) {
            Ok(
                Message::Order(_)
                | Message::Execution(_)
                | Message::Snapshot(_)
                | Message::ChannelHeartbeat(_)
                | Message::SecurityStatus(_)
                | Message::MarketStatus(_),
            ) => return true,
            Ok(Message::Other(_)) | Err(_) => return false,
            Ok(_) => rest = rest.get(used..).unwrap_or(&[]),
        }
    }
    false
}
