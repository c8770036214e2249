//! The atomics of the protocols: the machine's, or loom's under `--cfg loom`.

#[cfg(loom)]
pub(crate) use loom::sync::atomic::{AtomicU64, Ordering, fence};
#[cfg(not(loom))]
pub(crate) use std::sync::atomic::{AtomicU64, Ordering, fence};

/// A load that pairs with a `Release` store, in the form that is also allowed on memory mapped
/// read-only: relaxed load, then fence (`core::sync::atomic`, "Atomic accesses to read-only memory").
#[inline]
pub(crate) fn acquire(word: &AtomicU64) -> u64 {
    let value = word.load(Ordering::Relaxed);
    fence(Ordering::Acquire);
    value
}
