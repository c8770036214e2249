//! Feeds as takers of input items: one shape for packets, messages and records.

use nofx_feed::{
    DbnMbo, Decoder, FeedReport, IexDeep, IexDeepPlus, IexTops, ItchFile, ItchMold, OmdcLines,
    PacketFeed, TickFeed,
};
use nofx_ticks::Hole;
use nofx_types::{EventSink, Instrument, Nanos, Symbol, Tick};

use crate::feeds::Rebuild;
use crate::input::Item;

/// A feed that takes items of the input and sends events to a sink.
pub trait ItemFeed {
    /// Whether the run says where each fault was first seen.
    const TELLS_PLACES: bool = false;

    /// Takes one item; one of a kind that this feed does not have is ignored (the input was opened
    /// for this feed, so there is none).
    fn take<S: EventSink>(&mut self, item: &Item<'_>, sink: &mut S);

    /// A file names an instrument in its head; feeds that name them in messages ignore it.
    fn name<S: EventSink>(&mut self, id: u32, symbol: &str, sink: &mut S) {
        let _ = (id, symbol, sink);
    }

    /// The input knows a security before its first tick; feeds of other inputs ignore it.
    fn define<S: EventSink>(&mut self, instrument: &Instrument, sink: &mut S) {
        let _ = (instrument, sink);
    }

    /// An instrument gets its id, the next one, before the first packet; feeds with ids of their own
    /// ignore it.
    fn assign<S: EventSink>(&mut self, symbol: Symbol, sink: &mut S) {
        let _ = (symbol, sink);
    }

    /// The input is at its end: gives up what is still missing.
    fn finish<S: EventSink>(&mut self, packet_no: u64, now: Nanos, sink: &mut S);

    /// Counts of what should not happen, by name.
    fn faults(&self) -> impl Iterator<Item = (&'static str, u64)> + Clone {
        std::iter::empty()
    }

    /// What was counted.
    fn report(&self) -> FeedReport;
}

macro_rules! packet_feeds {
    ($($feed:ty),*) => {$(
        impl ItemFeed for $feed {
            #[inline]
            fn take<S: EventSink>(&mut self, item: &Item<'_>, sink: &mut S) {
                if let Item::Packet { line, number, at, payload, .. } = *item {
                    self.on_packet(line, number, at, payload, sink);
                }
            }

            fn finish<S: EventSink>(&mut self, packet_no: u64, now: Nanos, sink: &mut S) {
                PacketFeed::finish(self, packet_no, now, sink);
            }

            fn report(&self) -> FeedReport {
                PacketFeed::report(self)
            }
        }
    )*};
}

packet_feeds!(ItchMold, IexDeep, IexDeepPlus, IexTops);

impl ItemFeed for OmdcLines {
    const TELLS_PLACES: bool = true;

    #[inline]
    fn take<S: EventSink>(&mut self, item: &Item<'_>, sink: &mut S) {
        if let Item::Packet { line, number, at, payload, .. } = *item {
            self.on_packet(line, number, at, payload, sink);
        }
    }

    fn assign<S: EventSink>(&mut self, symbol: Symbol, sink: &mut S) {
        if let Ok(code) = symbol.as_str().parse() {
            self.decoder_mut().assign(code, sink);
        }
    }

    fn finish<S: EventSink>(&mut self, packet_no: u64, now: Nanos, sink: &mut S) {
        PacketFeed::finish(self, packet_no, now, sink);
    }

    fn faults(&self) -> impl Iterator<Item = (&'static str, u64)> + Clone {
        self.decoder().tally().faults().map(|(fault, count)| (fault.name(), count))
    }

    fn report(&self) -> FeedReport {
        PacketFeed::report(self)
    }
}

impl ItemFeed for ItchFile {
    #[inline]
    fn take<S: EventSink>(&mut self, item: &Item<'_>, sink: &mut S) {
        if let Item::Message(record) = item {
            self.look_ahead(record.data, record.ahead, sink);
            self.on_message(record.data, sink);
        }
    }

    fn finish<S: EventSink>(&mut self, _: u64, _: Nanos, sink: &mut S) {
        ItchFile::finish(self, sink);
    }

    fn report(&self) -> FeedReport {
        ItchFile::report(self)
    }
}

impl ItemFeed for DbnMbo {
    #[inline]
    fn take<S: EventSink>(&mut self, item: &Item<'_>, sink: &mut S) {
        if let Item::Mbo(rtype, record) = item {
            self.on_record(record.number, *rtype, record.data, sink);
        }
    }

    fn name<S: EventSink>(&mut self, id: u32, symbol: &str, sink: &mut S) {
        DbnMbo::name(self, id, symbol, sink);
    }

    fn finish<S: EventSink>(&mut self, _: u64, _: Nanos, sink: &mut S) {
        DbnMbo::finish(self, sink);
    }

    fn report(&self) -> FeedReport {
        DbnMbo::report(self)
    }
}

/// Mainland ticks; Shenzhen's go through the rebuild that makes clean books of them.
pub struct TickReplay {
    feed: TickFeed,
    rebuild: Option<Rebuild>,
}

impl TickReplay {
    /// `rebuild` stands between feed and book, for Shenzhen.
    pub fn new(feed: TickFeed, rebuild: Option<Rebuild>) -> TickReplay {
        TickReplay { feed, rebuild }
    }
}

#[inline]
fn walk<S: EventSink>(feed: &mut TickFeed, tick: &Tick, lost: &[Hole], sink: &mut S) {
    for hole in lost {
        feed.lost(hole.symbol, tick, tick.exch_ns, sink);
    }
    feed.on_tick(tick, tick.exch_ns, sink);
}

impl ItemFeed for TickReplay {
    const TELLS_PLACES: bool = true;

    #[inline]
    fn take<S: EventSink>(&mut self, item: &Item<'_>, sink: &mut S) {
        let Item::Tick(tick, lost) = item else { return };
        match &mut self.rebuild {
            None => walk(&mut self.feed, tick, lost, sink),
            Some(rebuild) => {
                walk(&mut self.feed, tick, lost, &mut rebuild.over(tick.channel, sink));
            }
        }
    }

    fn define<S: EventSink>(&mut self, instrument: &Instrument, sink: &mut S) {
        match &mut self.rebuild {
            None => self.feed.define(instrument, sink),
            Some(rebuild) => self.feed.define(instrument, &mut rebuild.over(0, sink)),
        }
    }

    fn finish<S: EventSink>(&mut self, _: u64, _: Nanos, _: &mut S) {}

    fn faults(&self) -> impl Iterator<Item = (&'static str, u64)> + Clone {
        self.feed.faults()
    }

    fn report(&self) -> FeedReport {
        let mut report = self.feed.report();
        if let Some(rebuild) = &self.rebuild {
            report.memory_bytes += rebuild.memory_bytes();
            report.notes.extend(rebuild.counts().iter().filter(|(_, n)| *n > 0));
        }
        report
    }
}
