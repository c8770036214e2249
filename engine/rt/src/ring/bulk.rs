//! The packed layout: `rtrb`.

use super::{Full, Pop, Push, rounded};

/// The pushing end of a [`bulk`] ring.
#[derive(Debug)]
pub struct BulkProducer<T>(rtrb::Producer<T>);

/// The popping end of a [`bulk`] ring.
#[derive(Debug)]
pub struct BulkConsumer<T>(rtrb::Consumer<T>);

/// A ring of `depth` packed items.
pub fn bulk<T: Send>(depth: usize) -> (BulkProducer<T>, BulkConsumer<T>) {
    let (producer, consumer) = rtrb::RingBuffer::new(rounded(depth));
    (BulkProducer(producer), BulkConsumer(consumer))
}

impl<T: Send> Push<T> for BulkProducer<T> {
    #[inline]
    fn try_push(&mut self, item: T) -> Result<(), Full<T>> {
        self.0.push(item).map_err(|rtrb::PushError::Full(item)| Full(item))
    }

    #[inline]
    fn room(&mut self) -> usize {
        match self.0.cached_slots() {
            0 => self.0.slots(),
            known => known,
        }
    }

    fn len(&self) -> usize {
        self.capacity() - self.0.slots()
    }

    fn capacity(&self) -> usize {
        self.0.buffer().capacity()
    }
}

impl<T: Send> Pop<T> for BulkConsumer<T> {
    #[inline]
    fn try_pop(&mut self) -> Option<T> {
        self.0.pop().ok()
    }

    fn len(&self) -> usize {
        self.0.slots()
    }

    fn capacity(&self) -> usize {
        self.0.buffer().capacity()
    }
}
