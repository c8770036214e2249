//! The transport, the symbol table and the counts of an IEX feed.

use nofx_types::{EventSink, Instrument, InstrumentId, Nanos, Symbol};
use nofx_wire::iex::{self, Protocol, Segment, SegmentError, SystemEvent};
use nofx_wire::num::LeI64;

use crate::FeedConfig;
use crate::packet::{Decoder, Stamp};
use crate::sequencer::Datagram;
use crate::status::Statuses;
use crate::symbols::{Found, Symbols};
use crate::tally::{Fault, Tally};

/// What the three feeds have in common.
pub struct Segments {
    pub(super) tally: Tally,
    pub(super) statuses: Statuses,
    symbols: Symbols,
    /// The channel of the first segment: sequence numbers count within it.
    channel: Option<u32>,
}

impl Segments {
    fn new(config: &FeedConfig) -> Segments {
        Segments {
            tally: Tally::new(),
            statuses: Statuses::new(config.instruments),
            symbols: Symbols::new(config.instruments),
            channel: None,
        }
    }

    /// The instrument of a symbol; the sink is told of a new one. `None` when the table is full.
    #[inline]
    pub(super) fn instrument<S: EventSink>(
        &mut self,
        symbol: [u8; 8],
        sink: &mut S,
    ) -> Option<InstrumentId> {
        match self.symbols.id(Symbol(symbol).key()) {
            Ok(Found::Known(id)) => Some(id),
            Ok(Found::New(id)) => {
                let named = Instrument { symbol: Symbol(symbol), ..Instrument::unknown(id) };
                sink.on_definition(&named);
                Some(id)
            }
            Err(_) => {
                self.tally.fault(Fault::InstrumentsFull);
                None
            }
        }
    }

    #[inline]
    fn datagram<'a>(
        &mut self,
        ours: fn(Protocol) -> bool,
        payload: &'a [u8],
    ) -> Option<Datagram<'a>> {
        let segment = match Segment::parse(payload) {
            Ok(segment) => segment,
            Err(error) => {
                self.tally.fault(fault_of(error));
                return None;
            }
        };
        let header = segment.header();
        let (protocol, channel) = (header.protocol_id.get(), header.channel_id.get());
        if !Protocol::from_id(protocol).is_some_and(ours)
            || *self.channel.get_or_insert(channel) != channel
        {
            self.tally.fault(Fault::OtherStream);
            return None;
        }
        if segment.missing() > 0 {
            self.tally.fault(Fault::PacketOverrun);
        }
        if segment.trailing() > 0 {
            self.tally.fault(Fault::TrailingBytes);
        }
        let session = u128::from(header.session_id.get());
        Some(Datagram {
            session: u128::from(protocol) << 32 | session,
            seq: segment.seq(),
            count: segment.count(),
            end_of_session: false,
            stream_start: header.stream_offset.get() == 0,
            send_ns: nanos(header.send_ns).0,
            blocks: segment.blocks().rest(),
        })
    }
}

/// What one IEX feed adds to [`Segments`].
pub trait Feed {
    /// Sized by a configuration that was checked.
    fn new(config: &FeedConfig) -> Self;

    /// Whether a message protocol belongs to the feed.
    fn is_ours(protocol: Protocol) -> bool;

    /// The protocol whose message lengths hold.
    const PROTOCOL: Protocol;

    /// Translates one message whose length was proven. `rest` is what follows it in its segment.
    fn message<S: EventSink>(
        &mut self,
        segments: &mut Segments,
        at: Stamp,
        message: &[u8],
        rest: &[u8],
        sink: &mut S,
    ) -> Option<()>;

    /// Whether a message of `kind` changes a book.
    fn changes_book(kind: u8) -> bool;

    /// Closes atomic events that are open.
    fn interrupt<S: EventSink>(&mut self, at: Stamp, sink: &mut S) {
        let _ = (at, sink);
    }

    /// Atomic events closed without their flag.
    fn implicit_closes(&self) -> u64 {
        0
    }

    /// Bytes of its tables.
    fn memory_bytes(&self) -> u64 {
        0
    }
}

/// An IEX feed as a decoder.
pub struct Iex<F> {
    segments: Segments,
    feed: F,
}

impl<F: Feed> Decoder for Iex<F> {
    fn new(config: &FeedConfig) -> Iex<F> {
        Iex { segments: Segments::new(config), feed: F::new(config) }
    }

    #[inline]
    fn datagram<'a>(&mut self, payload: &'a [u8]) -> Option<Datagram<'a>> {
        self.segments.datagram(F::is_ours, payload)
    }

    #[inline(always)]
    fn block_length(prefix: [u8; 2]) -> u16 {
        u16::from_le_bytes(prefix)
    }

    #[inline(always)]
    fn message<S: EventSink>(&mut self, at: Stamp, message: &[u8], rest: &[u8], sink: &mut S) {
        let tally = &mut self.segments.tally;
        let Some(&kind) = message.first() else { return tally.fault(Fault::EmptyMessage) };
        tally.count(kind);
        if self.feed.message(&mut self.segments, at, message, rest, sink).is_none() {
            unreadable::<F, S>(&mut self.segments, kind, at, message, sink);
        }
    }

    fn exch_ns(message: &[u8]) -> Nanos {
        SystemEvent::parse(message).map_or(Nanos(0), |front| nanos(front.ts_ns))
    }

    fn interrupt<S: EventSink>(&mut self, at: Stamp, sink: &mut S) {
        self.feed.interrupt(at, sink);
    }

    fn reset(&mut self) {
        self.segments.statuses.reset(); // symbols keep their ids
    }

    fn tally(&self) -> &Tally {
        &self.segments.tally
    }

    fn knows(kind: u8) -> bool {
        iex::min_length_of(F::PROTOCOL, kind).is_some()
    }

    fn implicit_closes(&self) -> u64 {
        self.feed.implicit_closes()
    }

    fn memory_bytes(&self) -> u64 {
        let Segments { statuses, symbols, .. } = &self.segments;
        statuses.memory_bytes() + symbols.memory_bytes() + self.feed.memory_bytes()
    }
}

/// A message too short for its type, or with a side that is none. If it would have changed a book,
/// the book is not to be trusted any more.
#[cold]
fn unreadable<F: Feed, S: EventSink>(
    segments: &mut Segments,
    kind: u8,
    at: Stamp,
    message: &[u8],
    sink: &mut S,
) {
    let whole = iex::min_length_of(F::PROTOCOL, kind).is_some_and(|min| message.len() >= min);
    segments.tally.fault(if whole { Fault::Side } else { Fault::ShortMessage });
    if !F::changes_book(kind) {
        return;
    }
    let (id, ts) = match iex::Header::parse(message) {
        Some(header) => match segments.instrument(header.symbol, sink) {
            Some(id) => (id, nanos(header.ts_ns)),
            None => return, // no table holds it, so no book is wrong
        },
        None => (InstrumentId::ALL, Nanos(0)),
    };
    let stale = nofx_types::EventKind::Stale(nofx_types::StaleReason::Inconsistent);
    sink.on_event(&at.event(id, ts, true, stale));
}

/// A time before 1970 is none.
#[inline(always)]
pub(super) fn nanos(ts: LeI64) -> Nanos {
    Nanos(u64::try_from(ts.get()).unwrap_or(0))
}

fn fault_of(error: SegmentError) -> Fault {
    match error {
        SegmentError::PayloadOverrun => Fault::PacketOverrun,
        SegmentError::Short
        | SegmentError::Version(_)
        | SegmentError::CountMismatch
        | SegmentError::SeqRange => Fault::PacketHeader,
    }
}
