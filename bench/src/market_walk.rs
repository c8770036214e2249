//! The walk of each market: its feed, what its books need before them, and [`LevelBooks`].

use nofx_book::rebuild::{RebuildConfig, Waiting};
use nofx_book::{LevelBooks, LevelConfig};
use nofx_feed::szse::ChannelSink;
use nofx_feed::{
    FeedConfig, ItchMold, OmdcConfig, OmdcLines, PacketFeed, SzseConfig, SzseFeed, TickConfig,
    TickFeed,
};
use nofx_types::{
    BookEvent, EventSink, Instrument, InstrumentId, Market, Nanos, Symbol, Tick, Touch,
};

use crate::market_days::{Input, MarketDay};

/// Bytes that a stream gives at a time.
const PIECE: usize = 64 << 10;

/// Level books that know the instruments of a day beforehand: the definitions of these feeds have
/// neither tick nor limits.
pub struct Sink {
    /// The books.
    pub books: LevelBooks,
    touches: u64,
    known: Vec<Instrument>,
}

impl Sink {
    /// Books for the instruments of a day.
    ///
    /// # Panics
    /// There is no memory for them.
    pub fn new(known: &[Instrument]) -> Sink {
        let config = LevelConfig { instruments: 64, live_orders: 1 << 17, ..Default::default() };
        let books = LevelBooks::new(&config).expect("memory for books");
        Sink { books, touches: 0, known: known.to_vec() }
    }

    /// Touch of a security, once the feed has named it.
    pub fn touch_of(&self, symbol: Symbol) -> Touch {
        let found = self.known.iter().find(|known| known.symbol == symbol);
        found.map_or(Touch::default(), |known| self.books.touch(known.id))
    }
}

impl EventSink for Sink {
    #[inline(always)]
    fn on_event(&mut self, event: &BookEvent) {
        self.touches += u64::from(self.books.apply(event).touch);
    }

    #[inline(never)]
    fn on_definition(&mut self, instrument: &Instrument) {
        let known = self.known.iter_mut().find(|known| known.symbol == instrument.symbol);
        let learnt = known.map_or(*instrument, |known| {
            known.id = instrument.id;
            *known
        });
        self.books.define(&learnt);
    }

    #[inline]
    fn touch(&self, instrument: InstrumentId) -> Touch {
        self.books.touch(instrument)
    }
}

/// [`Waiting`] before the books.
struct Rebuilt<'a> {
    waiting: Waiting,
    sink: &'a mut Sink,
}

impl ChannelSink for Rebuilt<'_> {
    #[inline(always)]
    fn on_event(&mut self, channel: u16, event: &BookEvent) {
        self.waiting.over(channel, self.sink).on_event(event);
    }

    fn on_definition(&mut self, instrument: &Instrument) {
        self.sink.on_definition(instrument);
    }
}

/// A feed that is ready to walk a day.
pub enum Feed {
    /// Hong Kong.
    Omdc(Box<OmdcLines>),
    /// Shenzhen.
    Szse(Box<SzseFeed>),
    /// Shanghai.
    Ticks(Box<TickFeed>),
}

impl Feed {
    /// The feed of a day, and its books, which know the instruments. `followed`: of so many securities
    /// of Hong Kong the stated queue positions are checked, which costs a table of their orders.
    ///
    /// # Panics
    /// The default configurations are invalid.
    pub fn of(day: &MarketDay, followed: u32) -> (Feed, Sink) {
        let sink = Sink::new(&day.instruments);
        let feed = match day.market {
            Market::Hkex => {
                let omdc = OmdcConfig { followed, ..OmdcConfig::default() };
                let config = FeedConfig { instruments: 64, omdc, ..FeedConfig::default() };
                Feed::Omdc(Box::new(OmdcLines::new(config).expect("a valid default")))
            }
            Market::Szse => {
                Feed::Szse(Box::new(SzseFeed::new(SzseConfig::default()).expect("a valid default")))
            }
            Market::Sse => {
                let config = TickConfig { phases_in_ticks: true, ..TickConfig::of(day.market, 64) };
                Feed::Ticks(Box::new(TickFeed::new(config).expect("valid")))
            }
        };
        (feed, sink)
    }

    /// Walks a day; returns its messages.
    ///
    /// # Panics
    /// The default configurations are invalid.
    pub fn walk(&mut self, input: &Input, most: usize, sink: &mut Sink) -> u64 {
        match (self, input) {
            (Feed::Omdc(feed), Input::Packets(bytes, ends)) => {
                walk_omdc(feed, bytes, ends.get(..most).unwrap_or(ends), sink)
            }
            (Feed::Szse(feed), Input::Stream(bytes)) => {
                walk_szse(feed, bytes.get(..most).unwrap_or(bytes), sink)
            }
            (Feed::Ticks(feed), Input::Ticks(ticks)) => {
                walk_sse(feed, ticks.get(..most).unwrap_or(ticks), sink)
            }
            _ => 0,
        }
    }
}

#[inline(never)]
fn walk_omdc(feed: &mut OmdcLines, bytes: &[u8], ends: &[usize], sink: &mut Sink) -> u64 {
    let (mut from, mut packets) = (0, 0);
    for end in ends {
        let Some(packet) = bytes.get(from..*end) else { break };
        feed.on_packet(0, packets, Nanos(packets), packet, sink);
        (from, packets) = (*end, packets + 1);
    }
    std::hint::black_box(sink.touches);
    feed.report().total
}

#[inline(never)]
fn walk_szse(feed: &mut SzseFeed, bytes: &[u8], sink: &mut Sink) -> u64 {
    let waiting = Waiting::new(&RebuildConfig::default()).expect("a valid default");
    let mut rebuilt = Rebuilt { waiting, sink };
    for (at, piece) in bytes.chunks(PIECE).enumerate() {
        if feed.overhear(Nanos(at as u64), piece, &mut rebuilt).is_err() {
            break;
        }
    }
    std::hint::black_box(rebuilt.sink.touches);
    feed.report().total
}

#[inline(never)]
fn walk_sse(feed: &mut TickFeed, ticks: &[Tick], sink: &mut Sink) -> u64 {
    for tick in ticks {
        feed.on_tick(tick, tick.exch_ns, sink);
    }
    std::hint::black_box(sink.touches);
    feed.report().total
}

/// Walks MoldUDP64 packets; returns the messages.
#[inline(never)]
pub fn walk_mold(feed: &mut ItchMold, bytes: &[u8], ends: &[usize], sink: &mut Sink) -> u64 {
    let (mut from, mut packets) = (0, 0);
    for end in ends {
        let Some(packet) = bytes.get(from..*end) else { break };
        feed.on_packet(0, packets, Nanos(packets), packet, sink);
        (from, packets) = (*end, packets + 1);
    }
    std::hint::black_box(sink.touches);
    feed.report().total
}
