//! The allocation guard: proves that a sealed loop does not allocate.
//!
//! Install [`CountingAlloc`] as the global allocator. Each thread counts its own allocations; after
//! [`seal`] they are counted apart, and with [`OnSealed::Abort`] the first one ends the process.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

thread_local! {
    static COUNT: Cell<u64> = const { Cell::new(0) };
    static SEALED: Cell<Option<OnSealed>> = const { Cell::new(None) };
    static SEALED_COUNT: Cell<u64> = const { Cell::new(0) };
}

/// What an allocation on a sealed thread does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnSealed {
    /// It is counted ([`sealed_allocations`]).
    Count,
    /// It ends the process.
    Abort,
}

/// The system allocator with a count per thread.
pub struct CountingAlloc;

// SAFETY: every call goes to `System` unchanged; counting touches only thread-local cells with
// const initialisers, which neither allocate nor run destructors.
unsafe impl GlobalAlloc for CountingAlloc {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        note();
        // SAFETY: the caller's contract is passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        note();
        // SAFETY: the caller's contract is passed on.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, ptr: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        note();
        // SAFETY: the caller's contract is passed on.
        unsafe { System.realloc(ptr, layout, new_size) }
    }

    unsafe fn dealloc(&self, ptr: *mut u8, layout: Layout) {
        // SAFETY: the caller's contract is passed on.
        unsafe { System.dealloc(ptr, layout) }
    }
}

#[inline]
fn note() {
    COUNT.with(|count| count.set(count.get() + 1));
    match SEALED.with(Cell::get) {
        None => {}
        Some(OnSealed::Count) => SEALED_COUNT.with(|count| count.set(count.get() + 1)),
        Some(OnSealed::Abort) => std::process::abort(),
    }
}

/// From here on, allocations of this thread are errors. Ends when the returned value is dropped.
#[must_use = "the seal ends when this value is dropped"]
pub fn seal(mode: OnSealed) -> Seal {
    SEALED.with(|sealed| sealed.set(Some(mode)));
    Seal { _not_send: core::marker::PhantomData }
}

/// A sealed stretch of this thread.
pub struct Seal {
    _not_send: core::marker::PhantomData<*const ()>,
}

impl Drop for Seal {
    fn drop(&mut self) {
        SEALED.with(|sealed| sealed.set(None));
    }
}

/// Allocations made by this thread while sealed.
pub fn sealed_allocations() -> u64 {
    SEALED_COUNT.with(Cell::get)
}

/// Allocations made by this thread, if [`CountingAlloc`] is installed.
pub fn allocations() -> u64 {
    COUNT.with(Cell::get)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[global_allocator]
    static ALLOC: CountingAlloc = CountingAlloc;

    #[test]
    fn the_counter_counts_and_only_while_sealed() {
        let before = sealed_allocations();
        let first = std::hint::black_box(vec![1u8; 100]);
        assert_eq!(sealed_allocations(), before);
        let seal = seal(OnSealed::Count);
        let second = std::hint::black_box(first.clone());
        drop(seal);
        assert_eq!(sealed_allocations(), before + 1);
        drop((first, second));
        assert!(allocations() >= 2);
    }
}
