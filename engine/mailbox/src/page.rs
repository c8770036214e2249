//! Typed pages over the [slot protocol](crate::slots): one value, or a bounded list of rows.

use std::marker::PhantomData;

use bytemuck::Pod;
use nofx_types::Nanos;

use crate::slots;
use crate::sync::{AtomicU64, Ordering};
use crate::words::Words;

/// What was read from a page, and when its writer wrote it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamped<T> {
    /// Publications of the page so far: rises by one with each.
    pub sequence: u64,
    /// The engine's time when it was written.
    pub at: Nanos,
    /// The content.
    pub value: T,
}

impl<T> Stamped<T> {
    /// Nanoseconds since it was written.
    pub fn age(&self, now: Nanos) -> u64 {
        now.since(self.at)
    }
}

/// Rows of a list page.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rows<T> {
    /// The rows that fit.
    pub rows: Vec<T>,
    /// How many there were to show; more than `rows.len()` when the page was too short.
    pub total: u64,
}

/// Words of a `T`: checked at compile time to be whole and aligned.
pub(crate) const fn words_of<T>() -> usize {
    assert!(size_of::<T>().is_multiple_of(8) && align_of::<T>() <= 8, "a page holds whole words");
    size_of::<T>() / 8
}

fn store(into: &[AtomicU64], value: &[u64]) {
    for (word, value) in into.iter().zip(value) {
        word.store(*value, Ordering::Relaxed);
    }
}

fn load(from: &[AtomicU64], value: &mut [u64]) {
    for (value, word) in value.iter_mut().zip(from) {
        *value = word.load(Ordering::Relaxed);
    }
}

/// A page that holds one `T`. One writer; any number of readers.
#[derive(Clone)]
pub(crate) struct Page<T> {
    words: Words,
    holds: PhantomData<fn(T) -> T>,
}

impl<T: Pod> Page<T> {
    /// Words of such a page.
    pub(crate) const WORDS: usize = slots::page_words(1 + words_of::<T>());

    /// The page at the front of `words`.
    pub(crate) fn new(words: &Words) -> Option<Page<T>> {
        Some(Page { words: words.part(0..Self::WORDS)?, holds: PhantomData })
    }

    /// Publishes `value`, stamped.
    #[inline]
    pub(crate) fn write(&mut self, at: Nanos, value: &T) {
        slots::write(&self.words, |slot| {
            let Some((stamp, words)) = slot.split_first() else { return };
            stamp.store(at.0, Ordering::Relaxed);
            store(words, bytemuck::cast_slice(std::slice::from_ref(value)));
        });
    }

    /// The latest value; `None` when none was written yet.
    pub(crate) fn read(&self) -> Option<Stamped<T>> {
        let (sequence, (at, value)) = slots::read(&self.words, |slot| {
            let mut value = T::zeroed();
            let Some((stamp, words)) = slot.split_first() else { return (0, value) };
            load(words, bytemuck::cast_slice_mut(std::slice::from_mut(&mut value)));
            (stamp.load(Ordering::Relaxed), value)
        })?;
        Some(Stamped { sequence, at: Nanos(at), value })
    }
}

/// Words of a list's slot before its rows: stamp, rows, total.
const LIST_HEAD: usize = 3;

/// A page that holds up to `capacity` rows of `T`. One writer; any number of readers.
#[derive(Clone)]
pub(crate) struct List<T> {
    words: Words,
    holds: PhantomData<fn(T) -> T>,
}

impl<T: Pod> List<T> {
    /// Words of such a page.
    pub(crate) const fn words(capacity: usize) -> usize {
        slots::page_words(LIST_HEAD + capacity * words_of::<T>())
    }

    /// The page that `words` are.
    pub(crate) fn new(words: Words) -> List<T> {
        List { words, holds: PhantomData }
    }

    /// Publishes as many of `rows` as fit, and how many there were.
    #[inline]
    pub(crate) fn write(&mut self, at: Nanos, rows: impl IntoIterator<Item = T>) {
        slots::write(&self.words, |slot| {
            let Some((head, room)) = slot.split_at_checked(LIST_HEAD) else { return };
            let mut places = room.chunks_exact(words_of::<T>());
            let (mut shown, mut total) = (0, 0);
            for row in rows {
                total += 1;
                if let Some(place) = places.next() {
                    store(place, bytemuck::cast_slice(&[row]));
                    shown += 1;
                }
            }
            store(head, &[at.0, shown, total]);
        });
    }

    /// The latest rows; `None` when none were written yet.
    pub(crate) fn read(&self) -> Option<Stamped<Rows<T>>> {
        let (sequence, (at, value)) = slots::read(&self.words, |slot| {
            let Some((head, room)) = slot.split_at_checked(LIST_HEAD) else {
                return (0, Rows::none());
            };
            let [mut at, mut shown, mut total] = [0; LIST_HEAD];
            for (value, word) in [&mut at, &mut shown, &mut total].into_iter().zip(head) {
                *value = word.load(Ordering::Relaxed);
            }
            let places = room.chunks_exact(words_of::<T>()).take(shown as usize);
            let rows = places.map(|place| {
                let mut row = T::zeroed();
                load(place, bytemuck::cast_slice_mut(std::slice::from_mut(&mut row)));
                row
            });
            (at, Rows { rows: rows.collect(), total })
        })?;
        Some(Stamped { sequence, at: Nanos(at), value })
    }
}

impl<T> Rows<T> {
    fn none() -> Rows<T> {
        Rows { rows: Vec::new(), total: 0 }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_empty_until_written_and_then_holds_the_latest() {
        let mut page = Page::<[u64; 3]>::new(&Words::plain(vec![0; 64])).expect("room");
        assert_eq!(page.read(), None);
        for n in 1..10 {
            page.write(Nanos(n * 5), &[n, n + 1, n + 2]);
            let want = Stamped { sequence: n, at: Nanos(n * 5), value: [n, n + 1, n + 2] };
            assert_eq!(page.read(), Some(want));
            assert_eq!(want.age(Nanos(50)), 50 - n * 5);
        }
    }

    #[test]
    fn a_list_shows_what_fits_and_says_how_many_there_were() {
        let mut list = List::<u64>::new(Words::plain(vec![0; List::<u64>::words(4)]));
        assert_eq!(list.read(), None);
        for (count, shown) in [(0, 0), (3, 3), (4, 4), (9, 4), (1, 1)] {
            list.write(Nanos(count), 0..count);
            let read = list.read().expect("written");
            assert_eq!(read.value, Rows { rows: (0..shown).collect(), total: count });
            assert_eq!(read.at, Nanos(count));
        }
    }
}
