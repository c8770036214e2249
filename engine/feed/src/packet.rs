//! A packet feed: arbitration and one protocol's decoder joined.

use nofx_types::{BookEvent, EventKind, EventSink, InstrumentId, Nanos, Phase, StaleReason};

use crate::report::FeedReport;
use crate::sequencer::{Datagram, Gap, Receiver, Reset, Run, Sequencer};
use crate::tally::Tally;
use crate::{ConfigError, FeedConfig};

/// Number and time of a message, for the events it becomes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    /// Sequence number of the message in its stream.
    pub seq: u64,
    /// The engine's time; `None` where it is the venue's, so that nothing is read twice.
    pub capture_ns: Nanos,
}

impl Stamp {
    /// As `capture_ns`: the engine's time is the venue's own of each message.
    pub const VENUE: Nanos = Nanos(u64::MAX);

    /// The event of this message.
    #[inline(always)]
    pub(crate) fn event(
        &self,
        instrument: InstrumentId,
        exch_ns: Nanos,
        last: bool,
        kind: EventKind,
    ) -> BookEvent {
        let venue = self.capture_ns == Stamp::VENUE;
        let capture_ns = if venue { exch_ns } else { self.capture_ns };
        BookEvent { instrument, seq: self.seq, exch_ns, capture_ns, last, kind }
    }
}

/// What a protocol adds to the arbitration: how its datagrams are framed, and what its messages
/// mean.
pub trait Decoder: Sized {
    /// Sized by a configuration that was checked.
    fn new(config: &FeedConfig) -> Self;

    /// Reads the transport header and proves the lengths of all blocks; counts why there is none.
    fn datagram<'a>(&mut self, payload: &'a [u8]) -> Option<Datagram<'a>>;

    /// The length that stands before each block.
    fn block_length(prefix: [u8; 2]) -> u16;

    /// The first message of `rest`, and what follows it.
    #[inline(always)]
    fn split(rest: &[u8]) -> Option<(&[u8], &[u8])> {
        let (prefix, behind) = rest.split_first_chunk::<2>()?;
        behind.split_at_checked(usize::from(Self::block_length(*prefix)))
    }

    /// The messages that follow were sent at `send_ns`, 0 where the transport does not say.
    #[inline(always)]
    fn sent(&mut self, send_ns: u64) {
        let _ = send_ns;
    }

    /// Translates one message. `rest` is what follows it in its datagram, prefixes included.
    fn message<S: EventSink>(&mut self, at: Stamp, message: &[u8], rest: &[u8], sink: &mut S);

    /// Tells the sink which order a message concerns, where that is cheap to know.
    #[inline]
    fn hint<S: EventSink>(&self, message: &[u8], sink: &mut S) {
        let _ = (message, sink);
    }

    /// The venue's time of a message, zero where it has none.
    fn exch_ns(message: &[u8]) -> Nanos;

    /// The venue's time after `last` was translated; not its own where only packets bear one.
    #[inline]
    fn stamp(&self, last: &[u8]) -> Nanos {
        Self::exch_ns(last)
    }

    /// Closes what is open, before messages are lost or the input ends.
    fn interrupt<S: EventSink>(&mut self, at: Stamp, sink: &mut S);

    /// Forgets the state of the stream: it begins anew.
    fn reset(&mut self);

    /// As [`Decoder::reset`], for the image of a snapshot.
    fn begin_image(&mut self) {
        self.reset();
    }

    /// Counts by message type.
    fn tally(&self) -> &Tally;

    /// Whether the protocol has messages of type `kind`.
    fn knows(kind: u8) -> bool;

    /// What reports call messages of type `kind`, which the protocol has.
    fn kind_name(kind: u8) -> String {
        char::from(kind).to_string()
    }

    /// Counts of its own, by name.
    fn notes(&self) -> Vec<(&'static str, u64)> {
        Vec::new()
    }

    /// Atomic events closed without their flag.
    fn implicit_closes(&self) -> u64 {
        0
    }

    /// Bytes of its tables.
    fn memory_bytes(&self) -> u64;
}

/// A feed that takes datagrams.
pub trait PacketFeed {
    /// Takes one UDP payload that came on `line` at `at`.
    fn on_packet<S: EventSink>(
        &mut self,
        line: usize,
        packet_no: u64,
        at: Nanos,
        payload: &[u8],
        sink: &mut S,
    );

    /// Gives up holes that are too old at `now`; for a live loop between datagrams.
    fn on_time<S: EventSink>(&mut self, now: Nanos, sink: &mut S);

    /// Ends the input: holes become gaps, what waits behind them is delivered.
    fn finish<S: EventSink>(&mut self, packet_no: u64, now: Nanos, sink: &mut S);

    /// The counts so far.
    fn report(&self) -> FeedReport;
}

/// One stream of one protocol over one or two lines.
pub struct LineFeed<D> {
    sequencer: Sequencer,
    decoder: D,
    /// The venue's time of the last message: stamps the events of the stream as a whole.
    exch_ns: Nanos,
    look_ahead: usize,
}

impl<D: Decoder> LineFeed<D> {
    /// Sized by `config`; fails on a value outside its range, naming its key.
    pub fn new(config: FeedConfig) -> Result<LineFeed<D>, ConfigError> {
        Ok(LineFeed {
            sequencer: Sequencer::new(config)?,
            decoder: D::new(&config),
            exch_ns: Nanos(0),
            look_ahead: config.look_ahead,
        })
    }

    /// The arbitration, for its counters.
    pub fn sequencer(&self) -> &Sequencer {
        &self.sequencer
    }

    /// The protocol, for what it remembers.
    pub fn decoder(&self) -> &D {
        &self.decoder
    }

    pub(crate) fn sequencer_mut(&mut self) -> &mut Sequencer {
        &mut self.sequencer
    }

    /// The protocol, for naming instruments beforehand.
    pub fn decoder_mut(&mut self) -> &mut D {
        &mut self.decoder
    }

    #[inline]
    pub(crate) fn split<'a, S>(
        &'a mut self,
        sink: &'a mut S,
    ) -> (&'a mut Sequencer, Delivery<'a, D, S>) {
        let LineFeed { sequencer, decoder, exch_ns, look_ahead } = self;
        (sequencer, Delivery { decoder, sink, exch_ns, look_ahead: *look_ahead })
    }
}

impl<D: Decoder> PacketFeed for LineFeed<D> {
    #[inline]
    fn on_packet<S: EventSink>(
        &mut self,
        line: usize,
        packet_no: u64,
        at: Nanos,
        payload: &[u8],
        sink: &mut S,
    ) {
        let Some(datagram) = self.decoder.datagram(payload) else { return };
        let (sequencer, mut delivery) = self.split(sink);
        sequencer.on_packet(line, packet_no, at, &datagram, &mut delivery);
    }

    fn on_time<S: EventSink>(&mut self, now: Nanos, sink: &mut S) {
        let (sequencer, mut delivery) = self.split(sink);
        sequencer.on_time(now, &mut delivery);
    }

    fn finish<S: EventSink>(&mut self, packet_no: u64, now: Nanos, sink: &mut S) {
        let (sequencer, mut delivery) = self.split(sink);
        sequencer.finish(packet_no, now, &mut delivery);
        let at = Stamp { seq: sequencer.expected(), capture_ns: now };
        delivery.decoder.interrupt(at, delivery.sink);
    }

    fn report(&self) -> FeedReport {
        let mut report = FeedReport::of_kinds(self.decoder.tally(), |kind| {
            D::knows(kind).then(|| D::kind_name(kind))
        });
        report.notes = self.decoder.notes();
        report.implicit_closes = self.decoder.implicit_closes();
        report.memory_bytes = self.decoder.memory_bytes();
        report.with_stream(&self.sequencer)
    }
}

/// Hands what the sequencer releases to the decoder.
pub(crate) struct Delivery<'a, D, S> {
    decoder: &'a mut D,
    sink: &'a mut S,
    exch_ns: &'a mut Nanos,
    look_ahead: usize,
}

impl<D: Decoder, S: EventSink> Delivery<'_, D, S> {
    /// Tells the sink of the next messages at hand, all at once, so that their memory is fetched
    /// while the first of them is worked on.
    #[inline]
    fn look_ahead(&mut self, mut rest: &[u8]) {
        for _ in 0..self.look_ahead {
            let Some((message, behind)) = split_block::<D>(rest) else { return };
            self.decoder.hint(message, self.sink);
            rest = behind;
        }
    }

    pub(crate) fn stream_event(&mut self, seq: u64, now: Nanos, last: bool, kind: EventKind) {
        let at = Stamp { seq, capture_ns: now };
        self.sink.on_event(&at.event(InstrumentId::ALL, *self.exch_ns, last, kind));
    }

    /// A message of a snapshot, which has no number of its own.
    pub(crate) fn unnumbered(&mut self, now: Nanos, message: &[u8]) {
        let at = Stamp { seq: 0, capture_ns: now };
        self.decoder.message(at, message, &[], self.sink);
        *self.exch_ns = self.decoder.stamp(message);
    }

    /// The image of a snapshot begins: books are emptied, and are not whole until it was joined.
    pub(crate) fn begin_image(&mut self, now: Nanos) {
        let at = Stamp { seq: 0, capture_ns: now };
        self.decoder.interrupt(at, self.sink);
        self.decoder.begin_image();
        self.stream_event(0, now, false, EventKind::Clear { side: None });
        self.stream_event(0, now, false, EventKind::Phase(Phase::Unknown));
        self.stream_event(0, now, true, EventKind::Stale(StaleReason::Gap));
    }
}

impl<D: Decoder, S: EventSink> Receiver for Delivery<'_, D, S> {
    // Not inlined: it holds the code of every message type, and the sequencer calls it from two
    // places.
    #[inline(never)]
    fn run(&mut self, run: &Run<'_>) {
        let mut rest = run.blocks;
        for _ in 0..run.skip {
            let Some((_, behind)) = split_block::<D>(rest) else { return };
            rest = behind;
        }
        self.decoder.sent(run.send_ns);
        let mut at = Stamp { seq: run.seq, capture_ns: run.now };
        let mut hinted = 0usize;
        let mut last: &[u8] = &[];
        while let Some((message, behind)) = split_block::<D>(rest) {
            if hinted == 0 && self.look_ahead > 0 && !behind.is_empty() {
                self.look_ahead(rest);
                hinted = self.look_ahead;
            }
            hinted = hinted.saturating_sub(1);
            self.decoder.message(at, message, behind, self.sink);
            at.seq += 1; // the end was checked when the datagram was accepted
            (last, rest) = (message, behind);
        }
        *self.exch_ns = self.decoder.stamp(last);
    }

    #[cold]
    fn gap(&mut self, gap: &Gap, now: Nanos) {
        let at = Stamp { seq: gap.first, capture_ns: now };
        self.decoder.interrupt(at, self.sink);
        self.stream_event(gap.first, now, true, EventKind::Stale(StaleReason::Gap));
    }

    #[cold]
    fn reset(&mut self, _: Reset, now: Nanos) {
        let at = Stamp { seq: 0, capture_ns: now };
        self.decoder.interrupt(at, self.sink);
        self.decoder.reset();
        self.stream_event(0, now, true, EventKind::Clear { side: None });
        self.stream_event(0, now, true, EventKind::Phase(Phase::Unknown));
    }
}

/// The first block of `rest`, and what follows it.
#[inline(always)]
pub(crate) fn split_block<D: Decoder>(rest: &[u8]) -> Option<(&[u8], &[u8])> {
    D::split(rest)
}
