//! [`LevelBooks`]: all books by level, for strategies.
//!
//! Model: an event names an order; [`orders`] tells its side, rank and quantity; the rank is a word
//! in the side's window ([`window`]), found through the side's header ([`side`]). That is three
//! cache lines, and [`fast`] is all of it. Whatever it cannot do (other prices, spilled orders,
//! first events, bad events) is behind one branch in [`slow`], which may take any event at any
//! time. Worst case of an event: moving a window (see [`depth`]), or a clear of a book that holds
//! orders, which walks the order table.

use std::io;

use nofx_rt::mem::{HugeSlice, Pages, prefetch};
use nofx_types::{
    BookEvent, Change, EventKind, Instrument, InstrumentId, Ladder, Level, OrderRef, Price,
    Pricing, Side, StaleReason, Touch,
};

use crate::{BookCounts, ConfigError, touch_hash};
use depth::{Depth, SideOf};
use orders::Orders;
use side::{NOTHING, Place, RANK_LIMIT, Shape, TICK_LIMIT, flip};
use window::{WINDOW, level};

mod check;
mod depth;
mod far;
mod fast;
mod flat;
mod orders;
mod side;
mod slow;
mod spill;
mod wide;
mod window;

/// How large the books are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LevelConfig {
    /// Instruments: ids `0..instruments` have a book.
    pub instruments: u32,
    /// Orders that may be live at once, all books together.
    pub live_orders: u32,
    /// Ticks that each side keeps in its window: a power of two, 64 to 2,048. Memory is
    /// taken for 2,048 in any case.
    pub window_ticks: u32,
    /// Ticks between lower and upper price limit, summed over the books whose day has limits wider
    /// than 2,048 ticks: room for their flat arrays, 17 bytes a tick. A book that finds none left
    /// keeps its window, see [`LevelBooks::without_flat`].
    pub limit_ticks: u64,
}

impl Default for LevelConfig {
    /// The US market: 8,192 instruments, two million orders, windows of 2,048 ticks; room for the
    /// flat arrays of some expensive mainland stocks (4 MiB).
    fn default() -> LevelConfig {
        LevelConfig {
            instruments: 8_192,
            live_orders: 2_000_000,
            window_ticks: 2_048,
            limit_ticks: 1 << 18,
        }
    }
}

/// Tick of an instrument that nobody defined.
const DEFAULT_TICK: i64 = Instrument::unknown(InstrumentId(0)).tick;

/// Levels outside windows that there is room for, however small the books are.
const FAR_LEVELS_MIN: usize = 1 << 16;

/// Most ticks of all flat arrays.
const LIMIT_TICKS_MAX: u64 = 1 << 30;

/// What a definition says of the prices of a book.
#[derive(Clone, Copy, Debug)]
struct Defined {
    tick: i64,
    /// Ticks of the lower limit.
    low: i32,
    /// Ticks from the lower to the upper limit, both included; 0: the day has no limits.
    width: u32,
}

impl Defined {
    fn of(tick: i64, low: i64, high: i64) -> Option<Defined> {
        if !(1..=TICK_LIMIT).contains(&tick) {
            return None;
        }
        let limited = 0 < low && low <= high && high / tick < RANK_LIMIT;
        let (low, high) = (low / tick, high / tick);
        let width = if limited { (high - low + 1) as u32 } else { 0 };
        Some(Defined { tick, low: if limited { low as i32 } else { 0 }, width })
    }
}

/// Widest limits that the memory of a window holds.
const PINNED_TICKS: u32 = WINDOW as u32;

/// All books of a run, by level.
pub struct LevelBooks {
    orders: Orders,
    depth: Depth,
    counts: BookCounts,
    /// Ticks and limits as defined; a book takes them over when nothing rests in it.
    defined: Box<[Defined]>,
    window_ticks: u32,
    /// Why a book is not to be trusted: side by side, since a gap marks all of them at once.
    stale: Box<[Option<StaleReason>]>,
    /// An event on an order that nobody added marks the book.
    unknown_is_stale: bool,
}

impl LevelBooks {
    /// Books of the size asked for; all memory is taken and touched here.
    pub fn new(config: &LevelConfig) -> Result<LevelBooks, ConfigError> {
        let LevelConfig { instruments, live_orders, window_ticks, limit_ticks } = *config;
        let outside = |key, problem: &str| Err(ConfigError::new(key, problem));
        if !(1..=1 << 22).contains(&instruments) {
            return outside("instruments", "want 1 to 4194304");
        }
        if !(1..=1 << 23).contains(&live_orders) {
            return outside("live_orders", "want 1 to 8388608");
        }
        if !window_ticks.is_power_of_two() || !(64..=WINDOW as u32).contains(&window_ticks) {
            return outside("window_ticks", "want a power of two, 64 to 2048");
        }
        if limit_ticks > LIMIT_TICKS_MAX {
            return outside("limit_ticks", "want 0 to 1073741824");
        }
        let count = instruments as usize;
        // Each order may be alone at its level; books of levels and split arrays want some more.
        let far_levels = (count * 64 + live_orders as usize).max(FAR_LEVELS_MIN);
        let memory = |key| move |error: io::Error| ConfigError::new(key, error.to_string());
        let mut books = LevelBooks {
            orders: Orders::new(instruments, live_orders).map_err(memory("live_orders"))?,
            depth: Depth {
                books: HugeSlice::zeroed(count).map_err(memory("instruments"))?,
                far: far::FarLevels::new(count * 2, far_levels).map_err(memory("live_orders"))?,
                flats: flat::Flats::new(count * 2, limit_ticks).map_err(memory("limit_ticks"))?,
            },
            counts: BookCounts::default(),
            defined: vec![Defined { tick: DEFAULT_TICK, low: 0, width: 0 }; count].into(),
            window_ticks,
            stale: vec![None; count].into(),
            unknown_is_stale: false,
        };
        books.depth.lay_out(Shape::window(DEFAULT_TICK, window_ticks));
        Ok(books)
    }

    /// Whether an event on an unknown order makes its book inconsistent, for streams that are whole
    /// from their start. Off at first: streams that are joined mid-day name older orders.
    pub fn set_unknown_is_stale(&mut self, stale: bool) {
        self.unknown_is_stale = stale;
    }

    /// Learns an instrument's tick and the day's price limits. They matter to speed only: prices off
    /// tick or outside the limits work, more slowly. A book in which something rests takes them
    /// over when it is next empty and cleared.
    #[inline]
    pub fn define(&mut self, instrument: &Instrument) {
        let Instrument { id, tick, limit_low, limit_high, .. } = *instrument;
        // Numbers, not the instrument: a feed that makes one up need not build it in memory.
        self.learn(id, tick, limit_low.0, limit_high.0);
    }

    #[cold]
    #[inline(never)]
    fn learn(&mut self, id: InstrumentId, tick: i64, low: i64, high: i64) {
        let book = id.index();
        let now = Defined::of(tick, low, high);
        let (Some(defined), Some(now)) = (self.defined.get_mut(book), now) else { return };
        *defined = now;
        self.adopt(book);
    }

    /// Takes one event and says what it changed.
    #[inline(always)]
    pub fn apply(&mut self, event: &BookEvent) -> Change {
        let id = event.instrument;
        match event.kind {
            EventKind::Add { order, side, price, qty, pricing: Pricing::Limit, .. } => {
                self.add(id, order, side, price, qty)
            }
            EventKind::Execute { order, qty, .. } | EventKind::Reduce { order, qty } => {
                self.reduce(id, order, qty)
            }
            EventKind::Delete { order } => self.delete(id, order),
            EventKind::Replace { old, new, price, qty, .. } => {
                self.replace(id, old, new, price, qty)
            }
            EventKind::LevelSet { side, price, qty, orders } => {
                self.set_level(id, side, price, qty, orders)
            }
            EventKind::Add { .. }
            | EventKind::Clear { .. }
            | EventKind::Stale(_)
            | EventKind::Recovered => self.rare(event),
            EventKind::Trade { .. }
            | EventKind::Phase(_)
            | EventKind::Auction(_)
            | EventKind::Band { .. }
            | EventKind::EndOfEvent => Change::NONE,
        }
    }

    /// The book of an instrument; an empty one when the id is outside the table.
    #[inline]
    pub fn book(&self, id: InstrumentId) -> LevelBook<'_> {
        LevelBook { books: self, id }
    }

    /// Best bid and ask.
    #[inline]
    pub fn touch(&self, id: InstrumentId) -> Touch {
        self.depth.touch(id.index())
    }

    /// Whether the best bid is at or above the best ask.
    #[inline]
    pub fn is_crossed(&self, id: InstrumentId) -> bool {
        self.touch(id).is_crossed()
    }

    /// Why a book is not to be trusted, if so.
    #[inline]
    pub fn stale(&self, id: InstrumentId) -> Option<StaleReason> {
        self.stale.get(id.index()).copied().flatten()
    }

    /// Operations so far that left the fast path.
    #[inline(always)]
    pub fn overflow_count(&self) -> u64 {
        self.counts.overflow
    }

    /// An event on `order` is at hand: brings slot and header near.
    #[inline]
    pub fn hint(&self, instrument: InstrumentId, order: OrderRef) {
        prefetch(self.orders.ring(), self.orders.index(order));
        prefetch(&self.depth.books, instrument.index());
    }

    /// Events that did not fit, and operations that left the fast path.
    pub fn counts(&self) -> BookCounts {
        self.counts
    }

    /// Orders in all books, those without a price included.
    pub fn live_orders(&self) -> u64 {
        let halves = self.depth.books.iter().flat_map(|book| &book.half);
        halves.map(|half| u64::from(half.orders)).sum()
    }

    /// Books that are a flat array between the day's price limits.
    pub fn flat_books(&self) -> u32 {
        self.depth.books.iter().filter(|book| book.half[0].place != Place::Window).count() as u32
    }

    /// Books whose day has limits, and that keep a window all the same: `limit_ticks` is used up, or
    /// something rests in them.
    pub fn without_flat(&self) -> u32 {
        let limited = self.defined.iter().zip(self.depth.books.iter());
        let window = |book: &side::Sides| book.half[0].place == Place::Window;
        limited.filter(|(defined, book)| defined.width > 0 && window(book)).count() as u32
    }

    /// Instruments whose book an event named.
    pub fn seen(&self) -> u32 {
        self.depth.books.iter().filter(|book| book.half[0].seen).count() as u32
    }

    /// One number for all touches, see [`touch_hash`](fn@crate::touch_hash).
    pub fn touch_hash(&self) -> u64 {
        let ids = (0..self.depth.books.len() as u32).map(InstrumentId);
        touch_hash(ids.map(|id| (id, self.touch(id))))
    }

    /// Bytes by holder; fixed from construction on.
    pub fn memory(&self) -> impl Iterator<Item = (&'static str, u64)> + use<> {
        let depth = &self.depth;
        [
            ("order ring", self.orders.ring().bytes()),
            ("order spill", self.orders.table().memory().bytes()),
            ("windows and headers", depth.books.bytes()),
            ("ticks and states", size_of_val(&*self.defined) + size_of_val(&*self.stale)),
            ("flat arrays", depth.flats.bytes()),
            ("far levels", depth.far.bytes()),
        ]
        .map(|(holder, bytes)| (holder, bytes as u64))
        .into_iter()
    }

    /// The smallest pages that back any of the memory.
    pub fn pages(&self) -> Pages {
        let all = [
            self.orders.ring().pages(),
            self.orders.table().memory().pages(),
            self.depth.books.pages(),
            self.depth.far.pages(),
            self.depth.flats.pages().unwrap_or(Pages::Reserved),
        ];
        let worst = [Pages::Small, Pages::Transparent].into_iter().find(|page| all.contains(page));
        worst.unwrap_or(Pages::Reserved)
    }

    fn adopt(&mut self, book: usize) {
        let idle = self.depth.books.get(book).is_some_and(side::Sides::is_idle);
        let Some(defined) = self.defined.get(book).filter(|_| idle) else { return };
        let Defined { tick, low, width } = *defined;
        let shape = match width {
            0 => Shape::window(tick, self.window_ticks),
            1..=PINNED_TICKS => Shape::flat(tick, low, width, false),
            _ if self.depth.flats.reserve(book, width.into()) => {
                Shape::flat(tick, low, width, true)
            }
            _ => Shape::window(tick, self.window_ticks),
        };
        let Some(sides) = self.depth.books.get_mut(book).filter(|book| book.shape() != shape)
        else {
            return;
        };
        for side in Side::BOTH {
            sides.half[side.index()].set_shape(side, shape);
        }
    }
}

/// One book, borrowed.
#[derive(Clone, Copy)]
pub struct LevelBook<'a> {
    books: &'a LevelBooks,
    id: InstrumentId,
}

impl LevelBook<'_> {
    /// The level at a price, if anything rests there.
    pub fn level(&self, side: Side, price: Price) -> Option<Level> {
        let of = SideOf { book: self.id.index(), side };
        let word = self.books.depth.word(of, price.0);
        (word != 0).then(|| level(price.0, word))
    }
}

impl Ladder for LevelBook<'_> {
    #[inline]
    fn touch(&self) -> Touch {
        self.books.touch(self.id)
    }

    fn levels(&self, side: Side, out: &mut [Level]) -> usize {
        let of = SideOf { book: self.id.index(), side };
        let depth = &self.books.depth;
        let Some(half) = depth.half(of) else { return 0 };
        let price = |rank| half.price(side, rank);
        let mut near = depth.walk(of, half).map(|(r, w)| (price(r), w)).peekable();
        let far = depth.far.of(of.index()).iter().rev();
        let mut far = far.map(|far| (far.rank ^ flip(side), far.level)).peekable();
        let mut filled = 0;
        for slot in out {
            let nearer = match (near.peek(), far.peek()) {
                (Some(a), Some(b)) => side.better(Price(a.0), Price(b.0)),
                (a, _) => a.is_some(),
            };
            let next = if nearer { near.next() } else { far.next() };
            let Some((price, word)) = next else { break };
            *slot = level(price, word);
            filled += 1;
        }
        filled
    }
}

const _: () =
    assert!(NOTHING < -(side::RANK_LIMIT as i32) - 8192, "a window never reaches NOTHING");
