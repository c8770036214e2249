//! Rings between two threads: one pushes, one pops.
//!
//! Two layouts behind one pair of traits. [`hop()`] puts each item into a cache line together with
//! the number that announces it, so an item costs one line transfer: for the lowest latency.
//! [`bulk()`] (`rtrb`) packs items and announces them by an index of its own: two transfers for one
//! item, few for many, so it has the higher throughput with small items. Neither waits, allocates
//! or fails after construction; a full ring gives the item back. Depths are powers of two; others
//! are rounded up.

mod bulk;
mod hop;

pub use bulk::{BulkConsumer, BulkProducer, bulk};
pub use hop::{HopConsumer, HopProducer, hop};

/// The ring had no room; here is the item again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Full<T>(pub T);

/// The pushing end.
#[allow(clippy::len_without_is_empty)] // a count for reports, not a collection
pub trait Push<T> {
    /// Pushes one item.
    ///
    /// # Errors
    /// No room: the item comes back.
    fn try_push(&mut self, item: T) -> Result<(), Full<T>>;

    /// How many items can be pushed now, at least. It looks at the other end only when it knows of
    /// no room, so it costs a line transfer once in a while.
    fn room(&mut self) -> usize;

    /// Items that were not popped yet; looks at the other end.
    fn len(&self) -> usize;

    /// Items that fit.
    fn capacity(&self) -> usize;
}

/// The popping end.
#[allow(clippy::len_without_is_empty)] // a count for reports, not a collection
pub trait Pop<T> {
    /// Pops the oldest item.
    fn try_pop(&mut self) -> Option<T>;

    /// Items that could be popped now, at least; looks at the other end.
    fn len(&self) -> usize;

    /// Items that fit.
    fn capacity(&self) -> usize;
}

fn rounded(depth: usize) -> usize {
    depth.max(2).next_power_of_two()
}
