//! What must hold in every book, looked at from the outside of the fast path.

use nofx_types::{InstrumentId, Side};

use super::LevelBooks;
use super::depth::{SideOf, covered};
use super::side::{HalfBook, Kind, NOTHING, Place, flip};
use super::spill::{Key, Order};
use super::window::word;
use crate::Broken;

/// An order and whose it is.
struct Held {
    half: usize,
    order: Order,
}

impl LevelBooks {
    /// Proves the invariants of one book. Walks every order: for tests and reports.
    pub fn check(&self, id: InstrumentId) -> Result<(), Broken> {
        self.check_book(id, &self.held(|book| book == id.index()))
    }

    /// Proves the invariants of every book that an event named, in one walk over the orders; says
    /// which broke.
    pub fn check_all(&self) -> Vec<Broken> {
        let orders = self.held(|_| true);
        let books = self.depth.books.iter().enumerate();
        let seen = books.filter(|(_, book)| book.half[0].seen);
        let ids = seen.map(|(book, _)| InstrumentId(book as u32));
        ids.filter_map(|id| self.check_book(id, &orders).err()).collect()
    }

    /// The orders of the wanted books, by side and price.
    fn held(&self, wanted: impl Fn(usize) -> bool) -> Vec<Held> {
        let orders = self.orders.iter(&self.depth.books);
        let orders = orders.filter(|(key, _)| wanted(key.instrument as usize));
        let half = |key: Key, side| SideOf { book: key.instrument as usize, side }.index();
        let held = orders.map(|(key, order)| Held { half: half(key, order.side), order });
        let mut held: Vec<_> = held.collect();
        held.sort_unstable_by_key(|held| (held.half, held.order.price));
        held
    }

    fn check_book(&self, id: InstrumentId, orders: &[Held]) -> Result<(), Broken> {
        let broken = |rule| Broken { instrument: id, rule };
        let Some(book) = self.depth.books.get(id.index()) else { return Ok(()) };
        for side in Side::BOTH {
            let of = SideOf { book: id.index(), side };
            let half = &book.half[side.index()];
            self.check_shape(of, half).map_err(broken)?;
            if book.kind() == Some(Kind::Orders) {
                let from = orders.partition_point(|held| held.half < of.index());
                let to = orders.partition_point(|held| held.half <= of.index());
                let mine = orders.get(from..to).unwrap_or(&[]);
                self.check_orders(of, half, mine).map_err(broken)?;
            } else if half.orders != 0 {
                return Err(broken("a book of levels has no orders"));
            }
        }
        Ok(())
    }

    fn check_shape(&self, of: SideOf, half: &HalfBook) -> Result<(), &'static str> {
        let slab = half.place == Place::Slab;
        let flat = self.depth.flats.parts_of(of.index());
        let (bits, words) = if slab { (flat.1, flat.2) } else { (&half.bits[..], &half.words[..]) };
        steps(words, bits)?;
        if slab {
            steps(bits, flat.0)?;
            steps(flat.0, &[half.summary])?;
        } else {
            steps(bits, &[half.summary])?;
            must(flat.2.iter().all(|word| *word == 0), "a flat array out of use is empty")?;
        }
        let outside = words.iter().skip(half.width as usize);
        must(outside.sum::<u64>() == 0, "no level is outside window or limits")?;
        let occupied = words.iter().filter(|word| **word != 0).count();
        must(self.depth.walk(of, half).count() == occupied, "the walk meets every level")?;
        must(half.best == NOTHING || occupied > 0, "an empty side has no best")?;
        let highest = words.iter().rposition(|word| *word != 0);
        let best = (half.best != NOTHING).then(|| half.offset_of(half.best));
        must(best == highest, "best is the highest level")?;
        let shown = half.words.get(half.index(half.best)).copied();
        let best = best.and_then(|at| words.get(at).copied());
        must(best.is_none_or(|best| shown == Some(best)), "the header's block shows the best")?;
        let far = self.depth.far.of(of.index());
        must(far.iter().all(|far| far.level != 0), "no far level is empty")?;
        must(far.is_sorted_by(|a, b| a.rank < b.rank), "far levels are sorted and distinct")?;
        let inside = |price| covered(half, of.side, price).is_some();
        must(
            !far.iter().any(|far| inside(far.rank ^ flip(of.side))),
            "no far level belongs into the window",
        )?;
        let over =
            far.last().map_or(NOTHING, |far| half.floor_rank(of.side, far.rank ^ flip(of.side)));
        must(half.over == over, "over follows the best far level")?;
        let open = half.span.iter().any(|span| *span > 0);
        must(
            !open || half.best > over || far.is_empty(),
            "the fast path runs only where the window has the best",
        )
    }

    fn check_orders(&self, of: SideOf, half: &HalfBook, mine: &[Held]) -> Result<(), &'static str> {
        must(mine.iter().all(|held| held.order.qty > 0), "no order is empty")?;
        must(mine.len() as u64 == u64::from(half.orders), "the order count is that of the orders")?;
        let mut levels = 0;
        for level in mine.chunk_by(|a, b| a.order.price == b.order.price) {
            let Some(price) = level.first().and_then(|held| held.order.price) else { continue };
            let sum: u64 = level.iter().map(|held| word(u64::from(held.order.qty), 1)).sum();
            must(self.depth.word(of, price) == sum, "a level is the sum of its orders")?;
            levels += 1;
        }
        let near = self.depth.walk(of, half).count();
        must(near + self.depth.far.of(of.index()).len() == levels, "every level has orders")
    }
}

/// Each bit of `bits` tells whether the word of its index is something.
fn steps(words: &[u64], bits: &[u64]) -> Result<(), &'static str> {
    let told = |at: usize| bits.get(at / 64).is_some_and(|bits| bits >> (at % 64) & 1 == 1);
    let exact = words.iter().enumerate().all(|(at, word)| told(at) == (*word != 0));
    must(exact, "a bit of the bitmap tells whether what it stands for is there")
}

fn must(holds: bool, rule: &'static str) -> Result<(), &'static str> {
    if holds { Ok(()) } else { Err(rule) }
}
