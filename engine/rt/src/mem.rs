//! Memory sized at start, on 2 MiB pages where the system gives them, zeroed and touched at once.

use std::io;
use std::ops::{Deref, DerefMut};
use std::ptr::NonNull;

use bytemuck::Zeroable;

const HUGE_PAGE: usize = 2 << 20;

/// Which pages back a [`HugeSlice`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pages {
    /// Reserved 2 MiB pages (`vm.nr_hugepages`).
    Reserved,
    /// Transparent 2 MiB pages were asked for and the kernel may give them.
    Transparent,
    /// 4 KiB pages: slower by 1.4 to 1.8 times on large books.
    Small,
}

/// A fixed-size slice of zeroed `T` in its own mapping. It never moves and never grows.
pub struct HugeSlice<T> {
    base: NonNull<T>,
    len: usize,
    mapped: usize,
    pages: Pages,
}

// SAFETY: the mapping is owned by this value alone, like a Box<[T]>.
unsafe impl<T: Send> Send for HugeSlice<T> {}
// SAFETY: shared access only hands out &[T], like a Box<[T]>.
unsafe impl<T: Sync> Sync for HugeSlice<T> {}

impl<T: Zeroable + Copy> HugeSlice<T> {
    /// Maps `len` zeroed values and touches every page, so that the loop never faults on them.
    pub fn zeroed(len: usize) -> io::Result<HugeSlice<T>> {
        const { assert!(size_of::<T>() > 0 && align_of::<T>() <= 4096) };
        let bytes = len
            .checked_mul(size_of::<T>())
            .and_then(|bytes| bytes.checked_next_multiple_of(HUGE_PAGE))
            .ok_or_else(|| io::Error::other("size overflows the address space"))?
            .max(HUGE_PAGE);
        let (base, pages) = map(bytes)?;
        let mut slice = HugeSlice { base: base.cast(), len, mapped: bytes, pages };
        slice.touch();
        Ok(slice)
    }

    fn touch(&mut self) {
        let base = self.base.as_ptr().cast::<u8>();
        for offset in (0..self.mapped).step_by(4096) {
            // SAFETY: `offset` is inside the mapping, which this value owns.
            unsafe { base.add(offset).write_volatile(0) };
        }
    }
}

impl<T> HugeSlice<T> {
    /// Which pages back it.
    pub fn pages(&self) -> Pages {
        self.pages
    }

    /// Bytes mapped.
    pub fn bytes(&self) -> usize {
        self.mapped
    }
}

fn map(bytes: usize) -> io::Result<(NonNull<u8>, Pages)> {
    if let Some(base) = mmap(bytes, libc::MAP_HUGETLB) {
        return Ok((base, Pages::Reserved));
    }
    // Transparent huge pages want an aligned start: map one page more and give the ends back.
    let raw = mmap(bytes + HUGE_PAGE, 0).ok_or_else(io::Error::last_os_error)?;
    let start = raw.as_ptr() as usize;
    let head = start.next_multiple_of(HUGE_PAGE) - start;
    // SAFETY: `head` is below HUGE_PAGE and the mapping is `bytes + HUGE_PAGE` long; the two ends
    // that are unmapped lie outside `[head, head + bytes)`, which nobody has seen yet.
    let base = unsafe {
        if head > 0 {
            libc::munmap(raw.as_ptr().cast(), head);
        }
        let base = raw.as_ptr().add(head);
        if HUGE_PAGE > head {
            libc::munmap(base.add(bytes).cast(), HUGE_PAGE - head);
        }
        base
    };
    // SAFETY: advice on a mapping we own; it cannot invalidate memory.
    let advised = unsafe { libc::madvise(base.cast(), bytes, libc::MADV_HUGEPAGE) } == 0;
    let base = NonNull::new(base).ok_or_else(|| io::Error::other("mapping at address zero"))?;
    Ok((base, if advised { Pages::Transparent } else { Pages::Small }))
}

fn mmap(bytes: usize, extra_flags: libc::c_int) -> Option<NonNull<u8>> {
    let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | extra_flags;
    let prot = libc::PROT_READ | libc::PROT_WRITE;
    // SAFETY: an anonymous private mapping at an address the kernel chooses aliases nothing.
    let base = unsafe { libc::mmap(std::ptr::null_mut(), bytes, prot, flags, -1, 0) };
    if base == libc::MAP_FAILED { None } else { NonNull::new(base.cast()) }
}

impl<T> Drop for HugeSlice<T> {
    fn drop(&mut self) {
        // SAFETY: base and length are those of the mapping this value owns; T is Copy by
        // construction, so nothing needs dropping.
        unsafe { libc::munmap(self.base.as_ptr().cast(), self.mapped) };
    }
}

impl<T> Deref for HugeSlice<T> {
    type Target = [T];
    #[inline]
    fn deref(&self) -> &[T] {
        // SAFETY: `len` values of T lie in the mapping, zeroed (valid for Zeroable) or written since.
        unsafe { std::slice::from_raw_parts(self.base.as_ptr(), self.len) }
    }
}

impl<T> DerefMut for HugeSlice<T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut [T] {
        // SAFETY: as in `deref`, and `&mut self` makes the access unique.
        unsafe { std::slice::from_raw_parts_mut(self.base.as_ptr(), self.len) }
    }
}

/// Asks the processor to bring `slice[index]` near; does nothing when the index is outside.
#[inline]
pub fn prefetch<T>(slice: &[T], index: usize) {
    #[cfg(all(target_arch = "x86_64", not(miri)))]
    if let Some(value) = slice.get(index) {
        use core::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        // SAFETY: a prefetch reads nothing architecturally, and the address is a valid reference.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(std::ptr::from_ref(value).cast()) };
    }
    #[cfg(not(all(target_arch = "x86_64", not(miri))))]
    let _ = (slice, index);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg_attr(miri, ignore)] // no huge pages there
    fn slice_is_zeroed_writable_and_of_the_asked_length() {
        let mut slice = HugeSlice::<u64>::zeroed(300_001).expect("2.4 MB of memory");
        assert_eq!(slice.len(), 300_001);
        assert!(slice.iter().all(|v| *v == 0));
        slice[300_000] = 7;
        prefetch(&slice, 300_000);
        prefetch(&slice, usize::MAX);
        assert_eq!(slice.iter().sum::<u64>(), 7);
        assert_eq!(slice.bytes() % HUGE_PAGE, 0);
    }

    #[test]
    #[cfg_attr(miri, ignore)] // no huge pages there
    fn impossible_size_is_an_error() {
        assert!(HugeSlice::<u64>::zeroed(usize::MAX / 4).is_err());
    }
}
