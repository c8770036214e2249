//! The slot protocol: how a page changes under a reader without either waiting for the other.
//!
//! ```text
//! word 0        publications so far, n; slot n mod 2 is the current one      (a line of its own)
//! word 8        version of slot 0, then its words
//! word 8 + 1+W  version of slot 1, then its words
//! ```
//!
//! The writer fills the slot that is not current, then makes it current with one release store. A
//! reader copies the current slot and then looks whether the slot's version is still the publication
//! it went for; only a writer that published twice in the meantime (it lapped the reader) makes it
//! try again. A writer that dies or is preempted half way leaves the current slot alone: readers
//! never wait for it. One seqlock does not have this: there a reader waits for the writer's second
//! half.
//!
//! Worst case: the writer does W + 3 stores, whatever readers do. A reader does W + 3 loads per try,
//! at most [`TRIES`] tries.

use crate::sync::{AtomicU64, Ordering, acquire, fence};

/// Words before the first slot.
pub(crate) const PAGE_HEAD: usize = 8;

/// Tries of one read; a view is written some 20 times a second, so a second try is already rare.
#[cfg(not(loom))]
const TRIES: u32 = 10_000;
#[cfg(loom)]
const TRIES: u32 = 2;

/// The version of a slot that is being filled; publications count from 1.
const FILLING: u64 = 0;

/// Words of a page whose slots hold `words` words each.
pub(crate) const fn page_words(words: usize) -> usize {
    PAGE_HEAD + 2 * (1 + words)
}

/// The slot of publication `n`: its version and its words.
#[inline]
fn slot(page: &[AtomicU64], n: u64) -> Option<(&AtomicU64, &[AtomicU64])> {
    let slots = page.get(PAGE_HEAD..)?;
    let (even, odd) = slots.split_at(slots.len() / 2);
    (if n & 1 == 0 { even } else { odd }).split_first()
}

/// Publishes what `fill` puts into the slot. The caller is the page's only writer.
#[inline]
pub(crate) fn write(page: &[AtomicU64], fill: impl FnOnce(&[AtomicU64])) {
    let Some(current) = page.first() else { return };
    let n = current.load(Ordering::Relaxed).wrapping_add(1);
    let Some((version, words)) = slot(page, n) else { return };
    version.store(FILLING, Ordering::Relaxed);
    // Whoever sees one of the new words sees FILLING as well: pairs with the fence of `read`.
    fence(Ordering::Release);
    fill(words);
    version.store(n, Ordering::Relaxed);
    current.store(n, Ordering::Release); // words and version before it: pairs with `acquire` in `read`
}

/// The latest publication as (its number, what `copy` made of its words). `None` when there is none
/// yet, or when the writer lapped every try. `copy` may be shown a torn slot, and must get along with
/// it; what it makes of one is thrown away.
#[inline]
pub(crate) fn read<T>(
    page: &[AtomicU64],
    mut copy: impl FnMut(&[AtomicU64]) -> T,
) -> Option<(u64, T)> {
    for _ in 0..TRIES {
        let n = acquire(page.first()?);
        if n == 0 {
            return None;
        }
        let (version, words) = slot(page, n)?;
        if version.load(Ordering::Relaxed) != n {
            continue;
        }
        let copied = copy(words);
        fence(Ordering::Acquire);
        if version.load(Ordering::Relaxed) == n {
            return Some((n, copied));
        }
    }
    None
}
