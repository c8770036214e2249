//! Books that are compared with those of the lossless stream at each event.

use std::collections::BTreeMap;

use nofx_book::{LevelBooks, LevelConfig, TwinBooks};
use nofx_feed::{FeedConfig, ItchFile};
use nofx_types::{BookEvent, EventKind, EventSink, InstrumentId, Nanos, Phase, Side};

use super::day::{Day, INSTRUMENTS};

/// What is known of the market: books in two ways, and phases.
pub struct Market {
    twin: TwinBooks,
    levels: LevelBooks,
    phases: BTreeMap<u32, Phase>,
}

impl Market {
    pub fn new() -> Market {
        let instruments = u32::from(INSTRUMENTS) + 1;
        let config =
            LevelConfig { instruments, live_orders: 256, window_ticks: 64, limit_ticks: 0 };
        Market {
            twin: TwinBooks::new(),
            levels: LevelBooks::new(&config).expect("small books"),
            phases: BTreeMap::new(),
        }
    }

    fn ids() -> impl Iterator<Item = InstrumentId> {
        (1..=u32::from(INSTRUMENTS)).map(InstrumentId)
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
        for id in Market::ids() {
            assert_eq!(self.twin.stale(id), self.levels.stale(id));
        }
        Market::ids().any(|id| self.levels.stale(id).is_some())
    }

    /// The reasons, for people.
    pub fn why_stale(&self) -> String {
        let reasons = Market::ids().map(|id| format!("{:?}", self.twin.stale(id)));
        reasons.collect::<Vec<_>>().join(" ")
    }

    /// One number for every queue of every level, every touch, and every phase.
    pub fn hash(&self) -> u64 {
        use std::hash::{DefaultHasher, Hash, Hasher};
        let mut hasher = DefaultHasher::new();
        assert_eq!(self.twin.touch_hash(), self.levels.touch_hash());
        for id in Market::ids() {
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
        let told = self.phases.iter().filter(|(_, phase)| **phase != Phase::Unknown);
        told.for_each(|row| row.hash(&mut hasher));
        hasher.finish()
    }
}

impl EventSink for Market {
    fn on_event(&mut self, event: &BookEvent) {
        self.apply(event);
    }
}

/// The hash after each number of messages of a day, 0 first.
pub fn hashes(day: &Day) -> Vec<u64> {
    let config = FeedConfig { instruments: 16, ..FeedConfig::default() };
    let (mut feed, mut market) = (ItchFile::new(config).expect("a feed"), Market::new());
    let mut hashes = vec![market.hash()];
    for message in &day.messages {
        feed.on_message(message, &mut market);
        assert!(!market.is_stale());
        hashes.push(market.hash());
    }
    hashes
}

/// Takes the events of a channel and finds the first that leaves a wrong book unmarked.
pub struct Checked {
    pub market: Market,
    /// By session.
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

    /// Whether the books are right after `count` messages of some session, or marked.
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
            // Books are empty, phases are told next.
            EventKind::Clear { .. } => {}
            _ => self.check(event.seq, event),
        }
    }
}

/// Nothing is told of books before there are any.
pub const START: Nanos = Nanos(1_000_000);
