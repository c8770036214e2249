//! The naive twin: books in std maps, written to be obviously right. The oracle of property tests
//! and of `replay --twin`; the baseline of the benchmarks.
//!
//! What an event means to any book of this crate is decided here:
//!
//! - An order is named by instrument and reference; references of two instruments never collide.
//! - An id that is live already is not added again; the book is marked [`StaleReason::Inconsistent`].
//!   A replace by such an id only removes the old order.
//! - Quantities of orders are 1 to `u32::MAX`; others are out of range, the order is dropped and the
//!   book is inconsistent. A replace by quantity 0 is a delete.
//! - What is executed or reduced beyond the order's quantity is clamped; the book is inconsistent.
//! - An order without a price ([`Pricing::Market`], or [`Pricing::OwnBest`] on an empty side) is
//!   remembered and shows at no level until a replace gives it a price.
//! - [`Priority::Kept`] keeps the place in the queue while the price is the same, whatever happens to
//!   the quantity; at another price, or for a new order, it is [`Priority::Back`]. A rank beyond the
//!   end of the level is its back. Ranks count after the old order has left.
//! - A book holds orders or levels, decided by the first of either since it was last cleared; the
//!   other kind is dropped, counted as `mixed`, and the book is inconsistent.
//! - A clear of one side forgets its orders, also those without a price. A clear of both sides ends
//!   staleness, except [`StaleReason::Exhausted`]: the memory is as small as it was.
//! - `Exhausted` outranks `Inconsistent`, and that a `Gap`: a recovery ends gaps, and nothing else.
//!
//! Worst case: allocates, and an event walks the queue of its level. Never panics.

use std::collections::{BTreeMap, HashMap};

use nofx_types::{
    BookEvent, Change, EventKind, Instrument, InstrumentId, Ladder, Level, OrderRef, Price,
    Pricing, Priority, Qty, Side, StaleReason, Touch,
};

use crate::counts::BookCounts;
use crate::touch_hash::touch_hash;

/// All books, each by order and by level.
#[derive(Clone, Debug, Default)]
pub struct TwinBooks {
    books: HashMap<InstrumentId, TwinBook>,
    /// What books that nobody has named yet are.
    stale: Option<StaleReason>,
    counts: BookCounts,
}

impl TwinBooks {
    /// No books; they come with the events.
    pub fn new() -> TwinBooks {
        TwinBooks::default()
    }

    /// Makes the book of an instrument; nothing of the definition matters to it.
    pub fn define(&mut self, instrument: &Instrument) {
        self.book_mut(instrument.id);
    }

    /// Takes one event and says what it changed.
    pub fn apply(&mut self, event: &BookEvent) -> Change {
        if event.instrument != InstrumentId::ALL {
            let mut counts = self.counts;
            let change = self.book_mut(event.instrument).apply(&event.kind, &mut counts);
            self.counts = counts;
            return change;
        }
        match event.kind {
            EventKind::Clear { side: None } => self.stale = None,
            EventKind::Stale(reason) => self.stale = worse(self.stale, reason),
            EventKind::Recovered => self.stale = recovered(self.stale),
            EventKind::Clear { .. } => {}
            _ => return Change::NONE,
        }
        self.books.values_mut().fold(Change::NONE, |sum, book| {
            let change = book.apply(&event.kind, &mut self.counts);
            Change { touch: sum.touch | change.touch, levels: sum.levels | change.levels }
        })
    }

    fn book_mut(&mut self, id: InstrumentId) -> &mut TwinBook {
        let stale = self.stale;
        self.books.entry(id).or_insert_with(|| TwinBook { stale, ..TwinBook::default() })
    }

    /// The book of an instrument, if it was ever named.
    pub fn book(&self, id: InstrumentId) -> Option<&TwinBook> {
        self.books.get(&id)
    }

    /// Best bid and ask.
    pub fn touch(&self, id: InstrumentId) -> Touch {
        self.books.get(&id).map_or(Touch::default(), TwinBook::touch)
    }

    /// Fills `out` with the best levels of a side, best first; returns how many there were.
    pub fn levels(&self, id: InstrumentId, side: Side, out: &mut [Level]) -> usize {
        self.books.get(&id).map_or(0, |book| book.levels(side, out))
    }

    /// The orders at a price, head of the queue first.
    pub fn queue(
        &self,
        id: InstrumentId,
        side: Side,
        price: Price,
    ) -> impl Iterator<Item = (OrderRef, Qty)> + '_ {
        self.books.get(&id).into_iter().flat_map(move |book| book.queue(side, price))
    }

    /// Why the book is not to be trusted, if so.
    pub fn stale(&self, id: InstrumentId) -> Option<StaleReason> {
        self.books.get(&id).map_or(self.stale, |book| book.stale)
    }

    /// Orders in all books, those without a price included.
    pub fn live_orders(&self) -> u64 {
        self.books.values().map(|book| book.orders.len() as u64).sum()
    }

    /// Every instrument that was named, by rising id.
    pub fn instruments(&self) -> impl Iterator<Item = InstrumentId> + use<> {
        let mut ids: Vec<_> = self.books.keys().copied().collect();
        ids.sort_unstable();
        ids.into_iter()
    }

    /// Events that did not fit.
    pub fn counts(&self) -> BookCounts {
        self.counts
    }

    /// One number for all touches, see [`touch_hash`].
    pub fn touch_hash(&self) -> u64 {
        touch_hash(self.books.iter().map(|(id, book)| (*id, book.touch())))
    }
}

/// Which of two reasons a book shows.
pub(crate) fn worse(old: Option<StaleReason>, new: StaleReason) -> Option<StaleReason> {
    let rank = |reason| match reason {
        StaleReason::Gap => 0,
        StaleReason::Inconsistent => 1,
        StaleReason::Exhausted => 2,
    };
    Some(old.filter(|old| rank(*old) >= rank(new)).unwrap_or(new))
}

/// The reason that a recovery leaves.
pub(crate) fn recovered(old: Option<StaleReason>) -> Option<StaleReason> {
    old.filter(|reason| *reason != StaleReason::Gap)
}

/// One book.
#[derive(Clone, Debug, Default)]
pub struct TwinBook {
    sides: [BTreeMap<Price, TwinLevel>; 2],
    orders: HashMap<OrderRef, TwinOrder>,
    holds: Option<Holds>,
    stale: Option<StaleReason>,
}

/// What a book is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Holds {
    Orders,
    Levels,
}

#[derive(Clone, Copy, Debug)]
struct TwinOrder {
    side: Side,
    /// `None`: it shows at no level.
    price: Option<Price>,
    qty: u32,
}

#[derive(Clone, Debug, Default)]
struct TwinLevel {
    qty: u64,
    orders: u32,
    /// Head first; empty where the feed sends levels.
    queue: Vec<OrderRef>,
}

/// Where in the queue a joining order goes.
type Rank = Option<usize>;

impl TwinBook {
    fn apply(&mut self, kind: &EventKind, counts: &mut BookCounts) -> Change {
        let before = self.touch();
        let levels = self.update(kind, counts);
        Change { touch: self.touch() != before, levels }
    }

    /// Applies the event; whether a level is not what it was.
    fn update(&mut self, kind: &EventKind, counts: &mut BookCounts) -> bool {
        match *kind {
            EventKind::Add { order, side, price, qty, priority, pricing } => {
                let price = match pricing {
                    Pricing::Limit => Some(price),
                    Pricing::Market => None,
                    Pricing::OwnBest => self.touch().best(side),
                };
                let rank = match priority {
                    Priority::At(rank) => Some(rank as usize),
                    Priority::Back | Priority::Kept => None,
                };
                self.add(order, TwinOrder { side, price, qty: 0 }, qty, rank, counts)
            }
            EventKind::Execute { order, qty, .. } | EventKind::Reduce { order, qty } => {
                self.reduce(order, qty, counts)
            }
            EventKind::Delete { order } => match self.remove(order) {
                Some((gone, _)) => gone.price.is_some(),
                None => {
                    counts.unknown_order += 1;
                    false
                }
            },
            EventKind::Replace { old, new, price, qty, priority } => {
                self.replace(old, new, price, qty, priority, counts)
            }
            EventKind::LevelSet { side, price, qty, orders } => {
                self.set_level(side, price, qty, orders, counts)
            }
            EventKind::Clear { side } => self.clear(side),
            EventKind::Stale(reason) => {
                self.stale = worse(self.stale, reason);
                false
            }
            EventKind::Recovered => {
                self.stale = recovered(self.stale);
                false
            }
            EventKind::Trade { .. }
            | EventKind::Phase(_)
            | EventKind::Auction(_)
            | EventKind::Band { .. }
            | EventKind::EndOfEvent => false,
        }
    }

    fn add(
        &mut self,
        order: OrderRef,
        terms: TwinOrder,
        qty: Qty,
        rank: Rank,
        counts: &mut BookCounts,
    ) -> bool {
        if !self.becomes(Holds::Orders, counts) {
            return false;
        }
        if self.orders.contains_key(&order) {
            counts.duplicate_add += 1;
            return self.contradicted();
        }
        let Some(qty) = u32::try_from(qty.0).ok().filter(|qty| *qty > 0) else {
            counts.out_of_range += 1;
            return self.contradicted();
        };
        self.orders.insert(order, TwinOrder { qty, ..terms });
        let Some(price) = terms.price else { return false };
        let level = self.sides[terms.side.index()].entry(price).or_default();
        level.qty += u64::from(qty);
        level.orders += 1;
        let at = rank.unwrap_or(level.queue.len()).min(level.queue.len());
        level.queue.insert(at, order);
        true
    }

    /// Takes an order out; returns it with the rank it had.
    fn remove(&mut self, order: OrderRef) -> Option<(TwinOrder, Rank)> {
        let gone = self.orders.remove(&order)?;
        let Some(price) = gone.price else { return Some((gone, None)) };
        let levels = &mut self.sides[gone.side.index()];
        let Some(level) = levels.get_mut(&price) else { return Some((gone, None)) };
        let rank = level.queue.iter().position(|o| *o == order);
        rank.map(|rank| level.queue.remove(rank));
        level.qty -= u64::from(gone.qty);
        level.orders -= 1;
        if level.orders == 0 {
            levels.remove(&price);
        }
        Some((gone, rank))
    }

    fn reduce(&mut self, order: OrderRef, qty: Qty, counts: &mut BookCounts) -> bool {
        let Some(held) = self.orders.get_mut(&order) else {
            counts.unknown_order += 1;
            return false;
        };
        let has = u64::from(held.qty);
        if qty.0 >= has {
            if qty.0 > has {
                counts.overfill += 1;
                self.contradicted();
            }
            return self.remove(order).is_some_and(|(gone, _)| gone.price.is_some());
        }
        held.qty -= qty.0 as u32;
        let Some(price) = held.price else { return false };
        if let Some(level) = self.sides[held.side.index()].get_mut(&price) {
            level.qty -= qty.0;
        }
        qty.0 > 0
    }

    fn replace(
        &mut self,
        old: OrderRef,
        new: OrderRef,
        price: Option<Price>,
        qty: Qty,
        priority: Priority,
        counts: &mut BookCounts,
    ) -> bool {
        let Some(held) = self.orders.get(&old).copied() else {
            counts.unknown_order += 1;
            return false;
        };
        let terms = TwinOrder { price: price.or(held.price), ..held };
        let look = |book: &TwinBook| {
            [held.price, terms.price].map(|price| price.and_then(|p| book.level(held.side, p)))
        };
        let before = look(self);
        let had = self.remove(old).and_then(|(_, rank)| rank);
        let rank = match priority {
            Priority::Back => None,
            Priority::Kept => had.filter(|_| terms.price == held.price),
            Priority::At(rank) => Some(rank as usize),
        };
        if qty.0 > 0 {
            self.add(new, terms, qty, rank, counts);
        }
        look(self) != before
    }

    fn set_level(
        &mut self,
        side: Side,
        price: Price,
        qty: Qty,
        orders: u32,
        counts: &mut BookCounts,
    ) -> bool {
        if !self.becomes(Holds::Levels, counts) {
            return false;
        }
        let before = self.level(side, price);
        if qty.0 == 0 {
            self.sides[side.index()].remove(&price);
        } else {
            let level = TwinLevel { qty: qty.0, orders, queue: Vec::new() };
            self.sides[side.index()].insert(price, level);
        }
        self.level(side, price) != before
    }

    fn clear(&mut self, side: Option<Side>) -> bool {
        let mut changed = false;
        for cleared in Side::BOTH.into_iter().filter(|s| side.is_none_or(|side| side == *s)) {
            changed |= !self.sides[cleared.index()].is_empty();
            self.sides[cleared.index()].clear();
            self.orders.retain(|_, order| order.side != cleared);
        }
        if side.is_none() {
            self.holds = None;
            self.stale = self.stale.filter(|reason| *reason == StaleReason::Exhausted);
        }
        changed
    }

    /// Whether the book is, or from now on becomes, one of `kind`.
    fn becomes(&mut self, kind: Holds, counts: &mut BookCounts) -> bool {
        let fits = *self.holds.get_or_insert(kind) == kind;
        if !fits {
            counts.mixed += 1;
            self.contradicted();
        }
        fits
    }

    fn contradicted(&mut self) -> bool {
        self.stale = worse(self.stale, StaleReason::Inconsistent);
        false
    }

    /// What rests at a price.
    pub fn level(&self, side: Side, price: Price) -> Option<Level> {
        let level = self.sides[side.index()].get(&price)?;
        Some(Level { price, qty: Qty(level.qty), orders: level.orders })
    }

    /// All levels of a side, best first.
    pub fn ladder(&self, side: Side) -> impl Iterator<Item = Level> + '_ {
        let levels = &self.sides[side.index()];
        let (bids, asks) = match side {
            Side::Buy => (Some(levels.iter().rev()), None),
            Side::Sell => (None, Some(levels.iter())),
        };
        let best_first = bids.into_iter().flatten().chain(asks.into_iter().flatten());
        best_first.map(|(price, level)| Level {
            price: *price,
            qty: Qty(level.qty),
            orders: level.orders,
        })
    }

    /// The orders at a price, head of the queue first.
    pub fn queue(&self, side: Side, price: Price) -> impl Iterator<Item = (OrderRef, Qty)> + '_ {
        let queue = self.sides[side.index()].get(&price).map_or(&[][..], |level| &level.queue);
        queue.iter().filter_map(|order| {
            self.orders.get(order).map(|held| (*order, Qty(u64::from(held.qty))))
        })
    }

    /// Side, price (if it has one) and quantity of an order.
    pub fn order(&self, order: OrderRef) -> Option<(Side, Option<Price>, Qty)> {
        self.orders.get(&order).map(|o| (o.side, o.price, Qty(u64::from(o.qty))))
    }
}

impl Ladder for TwinBook {
    fn touch(&self) -> Touch {
        let best = |side| self.ladder(side).next().unwrap_or_default();
        let (bid, ask) = (best(Side::Buy), best(Side::Sell));
        Touch { bid_px: bid.price, bid_qty: bid.qty, ask_px: ask.price, ask_qty: ask.qty }
    }

    fn levels(&self, side: Side, out: &mut [Level]) -> usize {
        let mut filled = 0;
        for (slot, level) in out.iter_mut().zip(self.ladder(side)) {
            *slot = level;
            filled += 1;
        }
        filled
    }
}
