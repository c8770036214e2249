//! The low-latency layout: item and announcement in one cache line.
//!
//! ```text
//!        slot 0            slot 1                          consumer's line
//!  ┌────────┬───────┐┌────────┬───────┐               ┌────────┐
//!  │sequence│ item  ││sequence│ item  │  ...          │  head  │
//!  └────────┴───────┘└────────┴───────┘               └────────┘
//!   written by the producer only                       written by the consumer only
//! ```
//!
//! The item of position `p` (0, 1, 2, …) lies in slot `p % depth`. The producer writes the item,
//! then stores `p + 1` into the slot's sequence (release). The consumer, waiting for `p`, reads
//! that one word (acquire) until it is `p + 1`: flag and data come in the same line transfer. It
//! moves the item out and stores `p + 1` into `head` (release), which gives the slot back. The
//! producer looks at `head` (acquire) only when its last look left it no room, once in `depth`
//! items when the consumer keeps up.
//!
//! Why nothing races: a slot's item is written only after `head` said it was moved out of that
//! slot, and read only after its sequence said it was written; both are release/acquire pairs.
//! Sequences are 64 bits, so a slot never announces the same number twice.
//!
//! A slot of up to 64 bytes (an item of up to 56, aligned to 8) starts at a multiple of its size,
//! rounded up to a power of two, so it never straddles two lines. Small slots share a line: the next
//! one then mostly lies in the line that both threads just used (8-byte round trip on our machine:
//! 131 ns; 151 to 161 with a line per slot). Longer items span lines that move independently.

use core::marker::PhantomData;
use core::ptr::NonNull;
use std::alloc::{Layout, alloc, dealloc, handle_alloc_error};

use core::mem::MaybeUninit;

use super::{Full, Pop, Push, rounded};
use crate::sync::{Apart, Arc, AtomicU64, Ordering, UnsafeCell};

#[repr(C)]
struct Slot<T> {
    sequence: AtomicU64,
    item: UnsafeCell<MaybeUninit<T>>,
}

/// The slots, each [`Slots::STRIDE`] bytes behind the one before; their number is a power of two.
struct Slots<T> {
    base: NonNull<u8>,
    count: usize,
    slots: PhantomData<Slot<T>>,
}

impl<T> Slots<T> {
    const STRIDE: usize = match size_of::<Slot<T>>() {
        small @ ..=64 => small.next_power_of_two(),
        large => large.next_multiple_of(64),
    };

    fn new(count: usize) -> Slots<T> {
        let layout = Self::layout(count);
        // SAFETY: a slot has at least 8 bytes and there are at least two.
        let base = NonNull::new(unsafe { alloc(layout) });
        let Some(base) = base else { handle_alloc_error(layout) };
        for index in 0..count {
            let sequence = AtomicU64::new(0);
            let item = UnsafeCell::new(MaybeUninit::uninit());
            // SAFETY: inside the allocation, and aligned: the stride is a multiple of the alignment.
            unsafe { base.add(index * Self::STRIDE).cast().write(Slot::<T> { sequence, item }) };
        }
        Slots { base, count, slots: PhantomData }
    }

    fn layout(count: usize) -> Layout {
        const {
            assert!(align_of::<T>() <= 64 && Self::STRIDE.is_multiple_of(align_of::<Slot<T>>()));
        }
        let bytes = count.checked_mul(Self::STRIDE).expect("a ring fits the address space");
        Layout::from_size_align(bytes, 128).expect("a ring fits the address space")
    }

    #[inline(always)]
    fn get(&self, position: u64) -> &Slot<T> {
        let index = position as usize & (self.count - 1);
        // SAFETY: `count` is a power of two, so the mask keeps `index` below it, and the slot was
        // written in `new`.
        unsafe { self.base.add(index * Self::STRIDE).cast().as_ref() }
    }
}

impl<T> Drop for Slots<T> {
    fn drop(&mut self) {
        for index in 0..self.count {
            // SAFETY: as in `get`; each slot is dropped once, its item was moved out before.
            unsafe { self.base.add(index * Self::STRIDE).cast::<Slot<T>>().drop_in_place() };
        }
        // SAFETY: allocated in `new` with this layout.
        unsafe { dealloc(self.base.as_ptr(), Self::layout(self.count)) };
    }
}

struct Ring<T> {
    slots: Slots<T>,
    head: Apart<AtomicU64>,
}

// SAFETY: an item is moved in by the one producer and out by the one consumer, never touched by
// both (see the protocol above), so sharing the ring moves items between threads: T: Send.
unsafe impl<T: Send> Sync for Ring<T> {}
// SAFETY: as above; the ring owns what was pushed and not popped.
unsafe impl<T: Send> Send for Ring<T> {}

impl<T> Ring<T> {
    /// Whether the item of `position` is there.
    #[inline(always)]
    fn holds(&self, position: u64) -> bool {
        self.slots.get(position).sequence.load(Ordering::Acquire) == position + 1
    }

    /// Moves the item of `position` out.
    ///
    /// # Safety
    /// [`Ring::holds`] said so to the caller, who moves each item out once.
    #[inline(always)]
    unsafe fn take(&self, position: u64) -> T {
        // SAFETY: the item was written before its sequence was stored, and nobody writes this slot
        // before `head` has passed `position`.
        self.slots.get(position).item.with(|item| unsafe { (*item).assume_init_read() })
    }
}

impl<T> Drop for Ring<T> {
    fn drop(&mut self) {
        let mut position = self.head.0.load(Ordering::Acquire);
        while self.holds(position) {
            // SAFETY: it is there, both ends are gone, and each position is visited once.
            drop(unsafe { self.take(position) });
            position += 1;
        }
    }
}

/// The pushing end of a [`hop`] ring.
pub struct HopProducer<T> {
    ring: Arc<Ring<T>>,
    /// Position of the next item.
    tail: u64,
    /// The consumer's head when last looked at.
    head: u64,
}

/// The popping end of a [`hop`] ring.
pub struct HopConsumer<T> {
    ring: Arc<Ring<T>>,
    /// Position of the next item.
    head: u64,
}

/// A ring of `depth` items, each in a cache line with its announcement.
pub fn hop<T: Send>(depth: usize) -> (HopProducer<T>, HopConsumer<T>) {
    let ring = Arc::new(Ring { slots: Slots::new(rounded(depth)), head: Apart(AtomicU64::new(0)) });
    let consumer = HopConsumer { ring: Arc::clone(&ring), head: 0 };
    (HopProducer { ring, tail: 0, head: 0 }, consumer)
}

impl<T: Send> HopProducer<T> {
    #[inline(always)]
    fn known_room(&self) -> usize {
        self.ring.slots.count - (self.tail - self.head) as usize
    }
}

impl<T: Send> Push<T> for HopProducer<T> {
    #[inline]
    fn try_push(&mut self, item: T) -> Result<(), Full<T>> {
        if self.room() == 0 {
            return Err(Full(item));
        }
        let slot = self.ring.slots.get(self.tail);
        // SAFETY: `head` said that the item of one lap before was moved out, and only this end
        // writes items.
        slot.item.with_mut(|place| unsafe { (*place).write(item) });
        self.tail += 1;
        slot.sequence.store(self.tail, Ordering::Release);
        Ok(())
    }

    #[inline]
    fn room(&mut self) -> usize {
        if self.known_room() == 0 {
            self.head = self.ring.head.0.load(Ordering::Acquire);
        }
        self.known_room()
    }

    fn len(&self) -> usize {
        (self.tail - self.ring.head.0.load(Ordering::Acquire)) as usize
    }

    fn capacity(&self) -> usize {
        self.ring.slots.count
    }
}

impl<T: Send> Pop<T> for HopConsumer<T> {
    #[inline]
    fn try_pop(&mut self) -> Option<T> {
        if !self.ring.holds(self.head) {
            return None;
        }
        // SAFETY: it is there, and `head` moves on below.
        let item = unsafe { self.ring.take(self.head) };
        self.head += 1;
        self.ring.head.0.store(self.head, Ordering::Release);
        Some(item)
    }

    /// A search over the sequences, which are filled without gaps: no index of the producer's is
    /// shared, because writing it for each item would cost more than this.
    fn len(&self) -> usize {
        let (mut held, mut free) = (0, self.ring.slots.count + 1);
        while held + 1 < free {
            let middle = held.midpoint(free);
            if self.ring.holds(self.head + middle as u64 - 1) {
                held = middle;
            } else {
                free = middle;
            }
        }
        held
    }

    fn capacity(&self) -> usize {
        self.ring.slots.count
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Bytes between slots, and whether all slots of a ring of `T` lie within one line each.
    fn placed<T>() -> (usize, bool) {
        let slots = Slots::<T>::new(16);
        let within = |position| {
            let start = std::ptr::from_ref(slots.get(position)) as usize;
            start / 64 == (start + size_of::<Slot<T>>() - 1) / 64
        };
        (Slots::<T>::STRIDE, (0..16).all(within))
    }

    #[test]
    fn flag_and_data_share_a_line_up_to_56_bytes() {
        assert_eq!(placed::<u64>(), (16, true));
        assert_eq!(placed::<[u64; 2]>(), (32, true));
        assert_eq!(placed::<[u8; 33]>(), (64, true));
        assert_eq!(placed::<[u64; 7]>(), (64, true));
        assert_eq!(placed::<[u64; 8]>(), (128, false));
        assert_eq!(placed::<[u64; 16]>(), (192, false));
        assert_eq!((size_of::<Apart<AtomicU64>>(), align_of::<Apart<u8>>()), (128, 128));
    }
}
