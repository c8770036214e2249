//! Books that are compared with those of the lossless stream at each event.

use std::collections::BTreeMap;

use nofx_book::{LevelBooks, LevelConfig, TwinBooks};
use nofx_feed::{FeedConfig, OmdcLines, PacketFeed, Start};
use nofx_types::{
    BookEvent, EventKind, EventSink, Instrument, InstrumentId, Nanos, Phase, Side, Touch,
};

use super::day::{CODES, Day, packet};

/// What is known of the market: books in two ways, and phases.
pub struct Market {
    twin: TwinBooks,
    levels: LevelBooks,
    phases: BTreeMap<u32, Phase>,
    /// Ids by symbol: they are given in the order in which securities appear.
    ids: BTreeMap<String, InstrumentId>,
}

fn ids() -> impl Iterator<Item = InstrumentId> {
    (0..CODES.len() as u32).map(InstrumentId)
}

impl Market {
    pub fn new() -> Market {
        let config = LevelConfig {
            instruments: CODES.len() as u32,
            live_orders: 256,
            window_ticks: 64,
            ..LevelConfig::default()
        };
        let levels = LevelBooks::new(&config).expect("small books");
        let ids = BTreeMap::new();
        Market { twin: TwinBooks::new(), levels, phases: BTreeMap::new(), ids }
    }

    fn apply(&mut self, event: &BookEvent) {
        self.twin.apply(event);
        self.levels.apply(event);
        if let EventKind::Phase(phase) = event.kind {
            if phase == Phase::Unknown && event.instrument == InstrumentId::ALL {
                self.phases.clear();
            }
            self.phases.insert(event.instrument.0, phase);
        }
    }

    /// Whether any book may not be trusted; both builders must say the same.
    pub fn is_stale(&self) -> bool {
        ids().for_each(|id| assert_eq!(self.twin.stale(id), self.levels.stale(id)));
        ids().any(|id| self.levels.stale(id).is_some())
    }

    /// One number for every queue of every level, every touch, and every phase.
    pub fn hash(&self) -> u64 {
        use std::hash::{DefaultHasher, Hash, Hasher};
        let mut hasher = DefaultHasher::new();
        assert_eq!(self.twin.touch_hash(), self.levels.touch_hash());
        self.twin.live_orders().hash(&mut hasher);
        for (symbol, &id) in &self.ids {
            let orders = self.twin.touch(id) != Touch::default();
            let phase = self.phases.get(&id.0).filter(|phase| **phase != Phase::Unknown);
            if orders || phase.is_some() {
                (symbol, phase).hash(&mut hasher);
            }
            for side in Side::BOTH {
                let levels = self.twin.book(id).into_iter().flat_map(|book| book.ladder(side));
                for level in levels {
                    level.price.hash(&mut hasher);
                    for (order, qty) in self.twin.queue(id, side, level.price) {
                        (order, qty).hash(&mut hasher);
                    }
                }
            }
        }
        hasher.finish()
    }
}

impl EventSink for Market {
    fn on_event(&mut self, event: &BookEvent) {
        self.apply(event);
    }

    fn on_definition(&mut self, instrument: &Instrument) {
        self.ids.insert(instrument.symbol.as_str().into(), instrument.id);
    }
}

/// Sizes of all feeds of these tests.
pub fn feed_config() -> FeedConfig {
    FeedConfig { instruments: 8, start: Start::FromOne, ..FeedConfig::default() }
}

/// The hash after each number of messages of a day, 0 first.
pub fn hashes(day: &Day) -> Vec<u64> {
    let (mut feed, mut market) = (OmdcLines::new(feed_config()).expect("a feed"), Market::new());
    let mut hashes = vec![market.hash()];
    for (seq, message) in (1..).zip(&day.messages) {
        let packet = packet(seq, u64::from(seq), std::slice::from_ref(message));
        feed.on_packet(0, u64::from(seq), Nanos(u64::from(seq)), &packet, &mut market);
        assert!(!market.is_stale());
        hashes.push(market.hash());
    }
    hashes
}

/// Takes the events of a channel and finds the first that leaves a wrong book unmarked.
pub struct Checked {
    pub market: Market,
    /// By incarnation.
    pub truth: Vec<Vec<u64>>,
    pub wrong: Option<String>,
    pub stales: u64,
    pub recoveries: u64,
    pub events: u64,
}

impl Checked {
    pub fn new(truth: Vec<Vec<u64>>) -> Checked {
        let market = Market::new();
        Checked { market, truth, wrong: None, stales: 0, recoveries: 0, events: 0 }
    }

    /// Whether the books are right after `count` messages of some incarnation, or marked.
    pub fn check(&mut self, count: u64, what: &dyn std::fmt::Debug) {
        if self.wrong.is_some() || self.market.is_stale() {
            return;
        }
        let hash = self.market.hash();
        let known = self.truth.iter().filter_map(|truth| truth.get(count as usize));
        if !known.into_iter().any(|truth| *truth == hash) {
            self.wrong = Some(format!("wrong books after {count} messages, at {what:?}"));
        }
    }
}

impl EventSink for Checked {
    fn on_definition(&mut self, instrument: &Instrument) {
        self.market.on_definition(instrument);
    }

    fn on_event(&mut self, event: &BookEvent) {
        self.events += 1;
        self.market.apply(event);
        if !event.last {
            return;
        }
        match event.kind {
            EventKind::Stale(_) => self.stales += 1,
            EventKind::Recovered => {
                self.recoveries += 1;
                self.check(event.seq - 1, event);
            }
            // Books are empty, phases are told next; a phase is told instrument by instrument.
            EventKind::Clear { .. } | EventKind::Phase(_) => {}
            _ => self.check(event.seq, event),
        }
    }
}
