//! What tests against real books share: where captures are, and what they ask of a set of books.

use std::path::PathBuf;

use nofx_book::{LevelBooks, QueueBooks, TwinBooks};
use nofx_types::{
    BookEvent, Change, InstrumentId, Ladder, Level, OrderRef, Price, Qty, Side, Touch,
};

/// The instrument of the test; not the first row of the tables.
pub const ID: InstrumentId = InstrumentId(7);
/// Levels that the files show.
pub const DEPTH: usize = 10;

/// Where the captures are.
pub fn captures() -> PathBuf {
    std::env::var_os("NOFX_CAPTURES").map_or_else(
        || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/captures")),
        PathBuf::from,
    )
}

/// A set of books of which [`ID`] is tested.
pub trait Books {
    fn apply(&mut self, event: &BookEvent) -> Change;
    fn touch(&self) -> Touch;
    fn levels(&self, side: Side, out: &mut [Level]) -> usize;
    /// The order that is served first at the touch of the order's side; books of levels do not know.
    fn next_served(&self, order: OrderRef) -> Option<OrderRef>;
    fn check(&self) {}

    /// The ten best levels of a side.
    fn shown(&self, side: Side) -> Vec<(Price, Qty)> {
        let mut levels = [Level::default(); DEPTH];
        let count = self.levels(side, &mut levels);
        levels[..count].iter().map(|level| (level.price, level.qty)).collect()
    }
}

impl Books for TwinBooks {
    fn apply(&mut self, event: &BookEvent) -> Change {
        self.apply(event)
    }
    fn touch(&self) -> Touch {
        self.touch(ID)
    }
    fn levels(&self, side: Side, out: &mut [Level]) -> usize {
        self.levels(ID, side, out)
    }
    fn next_served(&self, order: OrderRef) -> Option<OrderRef> {
        let (side, ..) = self.book(ID)?.order(order)?;
        self.queue(ID, side, self.touch(ID).best(side)?).next().map(|(order, _)| order)
    }
}

impl Books for LevelBooks {
    fn apply(&mut self, event: &BookEvent) -> Change {
        self.apply(event)
    }
    fn touch(&self) -> Touch {
        self.touch(ID)
    }
    fn levels(&self, side: Side, out: &mut [Level]) -> usize {
        self.book(ID).levels(side, out)
    }
    fn next_served(&self, _: OrderRef) -> Option<OrderRef> {
        None
    }
    fn check(&self) {
        assert_eq!(self.check(ID), Ok(()));
    }
}

impl Books for QueueBooks {
    fn apply(&mut self, event: &BookEvent) -> Change {
        self.apply(event)
    }
    fn touch(&self) -> Touch {
        self.touch(ID)
    }
    fn levels(&self, side: Side, out: &mut [Level]) -> usize {
        self.book(ID).levels(side, out)
    }
    fn next_served(&self, order: OrderRef) -> Option<OrderRef> {
        let side = self.order(ID, order)?.side;
        self.front(ID, side, self.touch(ID).best(side)?).map(|front| front.order)
    }
    fn check(&self) {
        assert_eq!(self.check(ID), Ok(()));
    }
}
