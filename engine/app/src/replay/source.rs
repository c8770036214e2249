//! Feeds as takers of input items: one shape for packets, messages and records.

use nofx_feed::{
    DbnMbo, FeedReport, IexDeep, IexDeepPlus, IexTops, ItchFile, ItchMold, PacketFeed,
};
use nofx_types::{EventSink, Nanos};

use crate::input::Item;

/// A feed that takes items of the input and sends events to a sink.
pub trait ItemFeed {
    /// Takes one item; one of a kind that this feed does not have is ignored (the input was opened
    /// for this feed, so there is none).
    fn take<S: EventSink>(&mut self, item: &Item<'_>, sink: &mut S);

    /// A file names an instrument in its head; feeds that name them in messages ignore it.
    fn name<S: EventSink>(&mut self, id: u32, symbol: &str, sink: &mut S) {
        let _ = (id, symbol, sink);
    }

    /// The input is at its end: gives up what is still missing.
    fn finish<S: EventSink>(&mut self, packet_no: u64, now: Nanos, sink: &mut S);

    /// What was counted.
    fn report(&self) -> FeedReport;
}

macro_rules! packet_feeds {
    ($($feed:ty),*) => {$(
        impl ItemFeed for $feed {
            #[inline]
            fn take<S: EventSink>(&mut self, item: &Item<'_>, sink: &mut S) {
                if let Item::Packet { line, number, at, payload } = *item {
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
