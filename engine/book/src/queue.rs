//! Books order by order: every order with its place in the queue of its price.
//!
//! Model: one header for each instrument, and three pools that all instruments share: orders, levels
//! and sorted price arrays. An order is found by its name through a hash table of row numbers; it
//! names its level; a level names the head and tail of its queue. The header keeps the best level of
//! each side, so the touch is two reads. An instrument that has no events costs its header (64
//! bytes) and nothing else. What each event means is written at [`crate::TwinBooks`].
//!
//! Arrival numbers order a queue: an order with a smaller number at the same price is served first.
//! They rise as orders join; a participant who remembers the number of the last order before him
//! knows later which orders are ahead. A join between two orders takes a number half way; only when
//! that was done 32 times between the same two do orders of that level get other numbers (counted).
//!
//! Worst case: a delete that empties a level moves the better prices of its side by 16 bytes each;
//! a join at a given rank walks that far; a clear walks the orders of the side. When an order or a
//! level finds no room, it is dropped and counted, and the book is marked
//! [`StaleReason::Exhausted`] for good. Nothing allocates after construction.

mod blocks;
mod check;
mod fifo;
mod index;
mod ladder;
mod levels;
mod pool;
mod update;
mod view;

use std::io;

use nofx_types::{BookEvent, Change, EventKind, Instrument, InstrumentId, Pricing, StaleReason};

use crate::counts::{BookCounts, ConfigError};
use crate::twin::{recovered, worse};
use fifo::{Owner, Queues};
use index::Index;
use ladder::{Ladder, Ladders};
use pool::{NIL, Pool};
use update::{Place, Replacement};
pub use view::{QueueBook, QueuedOrder};

/// Sizes of the books.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QueueConfig {
    /// Instrument ids are below this.
    pub instruments: u32,
    /// Orders that live at once, over all instruments.
    pub live_orders: u32,
    /// Prices with orders at once, over all instruments and both sides; one more for each side that
    /// has orders without a price.
    pub levels: u32,
}

impl Default for QueueConfig {
    fn default() -> QueueConfig {
        QueueConfig { instruments: 8_192, live_orders: 1 << 20, levels: 1 << 18 }
    }
}

/// All books of a run.
pub struct QueueBooks {
    books: Box<[Book]>,
    queues: Queues,
    index: Index,
    ladders: Ladders,
    counts: BookCounts,
}

/// The header of one book.
#[derive(Clone, Copy, Debug, Default)]
#[repr(align(64))]
struct Book {
    /// Best level of each side; nil while the side is empty.
    best: [u32; 2],
    ladders: [Ladder; 2],
    /// Orders of each side that have no price; nil while there are none.
    unpriced: [u32; 2],
    holds: Holds,
    stale: Option<StaleReason>,
}

/// What a book is made of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Holds {
    #[default]
    Nothing,
    Orders,
    Levels,
}

impl QueueBooks {
    /// Books of this size, empty; all memory is taken here.
    pub fn new(config: &QueueConfig) -> Result<QueueBooks, ConfigError> {
        let QueueConfig { instruments, live_orders, levels } = *config;
        positive("instruments", instruments, Owner::INSTRUMENTS)?;
        positive("live_orders", live_orders, 1 << 30)?;
        positive("levels", levels, 1 << 28)?;
        let memory = |key| move |error: io::Error| ConfigError::new(key, error.to_string());
        let orders = Pool::new(live_orders).map_err(memory("live_orders"))?;
        let rows = Pool::new(levels).map_err(memory("levels"))?;
        Ok(QueueBooks {
            books: vec![Book::default(); instruments as usize].into_boxed_slice(),
            queues: Queues::new(orders, rows),
            index: Index::new(live_orders).map_err(memory("live_orders"))?,
            ladders: Ladders::new(levels, 2 * instruments).map_err(memory("levels"))?,
            counts: BookCounts::default(),
        })
    }

    /// Nothing of a definition matters to these books: any price has a level of its own.
    pub fn define(&mut self, instrument: &Instrument) {
        let _ = instrument;
    }

    /// Takes one event and says what it changed.
    #[inline]
    pub fn apply(&mut self, event: &BookEvent) -> Change {
        if event.instrument.index() >= self.books.len() {
            return self.apply_elsewhere(event);
        }
        self.apply_to(event.instrument.0, &event.kind)
    }

    /// Events of the whole stream, and of instruments that have no book.
    #[cold]
    fn apply_elsewhere(&mut self, event: &BookEvent) -> Change {
        match event.kind {
            EventKind::Clear { .. } | EventKind::Stale(_) | EventKind::Recovered
                if event.instrument == InstrumentId::ALL =>
            {
                (0..self.books.len() as u32).fold(Change::NONE, |sum, id| {
                    let change = self.apply_to(id, &event.kind);
                    Change { touch: sum.touch | change.touch, levels: sum.levels | change.levels }
                })
            }
            EventKind::Add { .. }
            | EventKind::Execute { .. }
            | EventKind::Reduce { .. }
            | EventKind::Replace { .. }
            | EventKind::Delete { .. }
            | EventKind::LevelSet { .. }
                if event.instrument != InstrumentId::ALL =>
            {
                self.counts.out_of_range += 1;
                Change::NONE
            }
            _ => Change::NONE,
        }
    }

    #[inline]
    fn apply_to(&mut self, id: u32, kind: &EventKind) -> Change {
        match *kind {
            EventKind::Add { order, side, price, qty, priority, pricing } => {
                let price = match pricing {
                    Pricing::Limit => Some(price),
                    Pricing::Market => None,
                    Pricing::OwnBest => self.touch(InstrumentId(id)).best(side),
                };
                self.add(id, order, side, price, qty, Place::of(priority))
            }
            EventKind::Execute { order, qty, .. } | EventKind::Reduce { order, qty } => {
                self.reduce(id, order, qty)
            }
            EventKind::Delete { order } => match self.find(id, order) {
                NIL => self.unknown(),
                row => self.take_out(id, row),
            },
            EventKind::Replace { old, new, price, qty, priority } => {
                self.replace(id, &Replacement { old, new, price, qty, priority })
            }
            EventKind::LevelSet { side, price, qty, orders } => {
                self.set_level(id, side, price, qty, orders)
            }
            EventKind::Clear { side } => self.clear(id, side),
            EventKind::Stale(reason) => {
                self.mark(id, reason);
                Change::NONE
            }
            EventKind::Recovered => {
                let stale = &mut self.books[id as usize].stale;
                *stale = recovered(*stale);
                Change::NONE
            }
            EventKind::Trade { .. }
            | EventKind::Phase(_)
            | EventKind::Auction(_)
            | EventKind::Band { .. }
            | EventKind::EndOfEvent => Change::NONE,
        }
    }

    /// Whether the book is, or from now on becomes, one of `kind`.
    #[inline]
    fn becomes(&mut self, id: u32, kind: Holds) -> bool {
        let holds = &mut self.books[id as usize].holds;
        if *holds == Holds::Nothing {
            *holds = kind;
        }
        let fits = *holds == kind;
        if !fits {
            self.counts.mixed += 1;
            self.mark(id, StaleReason::Inconsistent);
        }
        fits
    }

    #[cold]
    fn mark(&mut self, id: u32, reason: StaleReason) {
        let stale = &mut self.books[id as usize].stale;
        *stale = worse(*stale, reason);
    }

    #[cold]
    fn unknown(&mut self) -> Change {
        self.counts.unknown_order += 1;
        Change::NONE
    }

    #[cold]
    fn duplicate(&mut self, id: u32) -> Change {
        self.counts.duplicate_add += 1;
        self.mark(id, StaleReason::Inconsistent);
        Change::NONE
    }

    #[cold]
    fn out_of_range(&mut self, id: u32) -> Change {
        self.counts.out_of_range += 1;
        self.mark(id, StaleReason::Inconsistent);
        Change::NONE
    }

    #[cold]
    fn exhausted(&mut self, id: u32) -> Change {
        self.counts.exhausted += 1;
        self.mark(id, StaleReason::Exhausted);
        Change::NONE
    }
}

fn positive(key: &'static str, value: u32, max: u32) -> Result<(), ConfigError> {
    if value == 0 || value > max {
        return Err(ConfigError::new(key, format!("is {value}, must be 1 to {max}")));
    }
    Ok(())
}
