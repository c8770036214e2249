//! Random streams of events that know what lives, so that most events hit something.

use nofx_book::TwinBooks;
use nofx_rt::rng::Rng;
use nofx_types::{
    AuctionInfo, BookEvent, EventKind, InstrumentId, Nanos, OrderRef, Phase, Price, Pricing,
    Priority, Qty, Side, StaleReason, TradeKind,
};

/// An event of which only instrument and kind matter.
pub fn event(id: InstrumentId, kind: EventKind) -> BookEvent {
    let (seq, exch_ns, capture_ns) = (0, Nanos(0), Nanos(0));
    BookEvent { instrument: id, seq, exch_ns, capture_ns, last: true, kind }
}

/// What a stream is made of.
#[derive(Clone, Copy)]
pub struct Shape {
    /// Instruments; the same references occur in all of them.
    pub instruments: u32,
    /// Orders per instrument around which the stream hovers.
    pub orders: usize,
    /// Prices per side.
    pub prices: u64,
    /// Whether instrument 0 is a book of levels.
    pub levels: bool,
    /// Whether contradictions, market-wide events and mixed books occur.
    pub wild: bool,
}

/// A seeded stream.
pub struct Stream {
    pub shape: Shape,
    pub rng: Rng,
    /// References that were added, by instrument; some are gone.
    named: Vec<Vec<OrderRef>>,
    next: u64,
}

impl Stream {
    pub fn new(seed: u64, shape: Shape) -> Stream {
        let named = vec![Vec::new(); shape.instruments as usize];
        Stream { shape, rng: Rng::new(seed), named, next: 0 }
    }

    /// The next event.
    pub fn draw(&mut self) -> BookEvent {
        let id = InstrumentId(self.rng.below(self.shape.instruments.into()) as u32);
        if self.shape.wild && self.rng.chance(1, 200) {
            return self.rare(id);
        }
        if self.shape.levels && id.0 == 0 && !(self.shape.wild && self.rng.chance(1, 100)) {
            return event(id, self.level_set());
        }
        let grow = self.named[id.index()].len() < self.shape.orders;
        let kind = match self.rng.below(100) {
            0..40 if grow || self.rng.chance(1, 4) => self.add(id),
            40..50 => EventKind::Execute {
                order: self.known(id),
                qty: self.part(),
                price: None,
                printable: true,
                match_id: 1,
            },
            50..60 => EventKind::Reduce { order: self.known(id), qty: self.part() },
            60..80 => self.replace(id),
            _ => {
                let order = self.known(id);
                self.named[id.index()].retain(|o| *o != order);
                EventKind::Delete { order }
            }
        };
        event(id, kind)
    }

    fn add(&mut self, id: InstrumentId) -> EventKind {
        let order = match self.rng.below(if self.shape.wild { 50 } else { u64::MAX }) {
            0 => self.known(id),
            _ => self.fresh(id),
        };
        let pricing = match self.rng.below(20) {
            0 => Pricing::Market,
            1 => Pricing::OwnBest,
            _ => Pricing::Limit,
        };
        let (side, price) = self.side_price();
        EventKind::Add { order, side, price, qty: self.qty(), priority: self.priority(), pricing }
    }

    fn replace(&mut self, id: InstrumentId) -> EventKind {
        let old = self.known(id);
        let new = if self.rng.chance(1, 2) { old } else { self.fresh(id) };
        let price = self.rng.chance(1, 2).then(|| self.side_price().1);
        EventKind::Replace { old, new, price, qty: self.qty(), priority: self.priority() }
    }

    fn level_set(&mut self) -> EventKind {
        let (side, price) = self.side_price();
        let qty = Qty(self.rng.below(4) * 100);
        EventKind::LevelSet { side, price, qty, orders: self.rng.below(3) as u32 }
    }

    fn rare(&mut self, id: InstrumentId) -> BookEvent {
        let id = if self.rng.chance(1, 10) { InstrumentId::ALL } else { id };
        let side = Side::BOTH.get(self.rng.below(3) as usize).copied();
        let reasons = [StaleReason::Gap, StaleReason::Inconsistent];
        let (price, qty) = (Price(1), Qty(1));
        let kind = match self.rng.below(9) {
            0..3 => EventKind::Clear { side },
            3 if self.rng.below(3) == 0 => EventKind::Recovered,
            3 => EventKind::Stale(reasons[self.rng.below(2) as usize]),
            4 => EventKind::Phase(Phase::Halted),
            5 => EventKind::Band { reference: price, low: price, high: price },
            6 => EventKind::EndOfEvent,
            7 => EventKind::Auction(AuctionInfo { price, paired: qty, imbalance: qty, side }),
            _ => EventKind::Trade {
                price,
                qty,
                aggressor: side,
                match_id: 1,
                kind: TradeKind::Hidden,
            },
        };
        event(id, kind)
    }

    /// A reference that was named before; once in a while one that never was.
    fn known(&mut self, id: InstrumentId) -> OrderRef {
        let named = &self.named[id.index()];
        match named.get(self.rng.below(named.len() as u64) as usize) {
            Some(order) if !self.rng.chance(1, 50) => *order,
            _ => OrderRef(self.rng.next()),
        }
    }

    /// A new reference: rising, near 2^63, at the ends of the range, or anywhere.
    fn fresh(&mut self, id: InstrumentId) -> OrderRef {
        self.next += 1;
        let order = OrderRef(match self.next % 5 {
            0 => self.next,
            1 => (1 << 63) - 2_000 + self.next,
            2 => u64::MAX - self.next,
            3 => self.next << 44,
            _ => self.rng.next(),
        });
        self.named[id.index()].push(order);
        order
    }

    fn side_price(&mut self) -> (Side, Price) {
        let side = Side::BOTH[self.rng.below(2) as usize];
        let step = self.rng.below(self.shape.prices) as i64;
        match self.rng.below(if self.shape.wild { 400 } else { u64::MAX }) {
            0 => (side, Price(i64::MIN + step)),
            1 => (side, Price(i64::MAX - step)),
            _ => (side, Price(10_000 - side.sign() * (50 * step - 60))), // may cross
        }
    }

    fn qty(&mut self) -> Qty {
        match self.rng.below(if self.shape.wild { 300 } else { u64::MAX }) {
            0 => Qty(0),
            1 => Qty(1 << 32),
            2 => Qty(u32::MAX.into()),
            _ => Qty(1 + self.rng.below(5) * 100),
        }
    }

    fn part(&mut self) -> Qty {
        let top = if self.shape.wild { 600 } else { 101 };
        Qty(self.rng.below(top))
    }

    fn priority(&mut self) -> Priority {
        match self.rng.below(4) {
            0 => Priority::Kept,
            1 => Priority::At(self.rng.below(6) as u32),
            _ => Priority::Back,
        }
    }

    /// Forgets the names that no longer live, so that the stream keeps hitting.
    pub fn prune(&mut self, twin: &TwinBooks) {
        for (id, named) in self.named.iter_mut().enumerate() {
            if let Some(book) = twin.book(InstrumentId(id as u32)) {
                named.retain(|order| book.order(*order).is_some());
            }
        }
    }
}
