//! Memory sized at start, on 2 MiB pages where the system gives them, zeroed and touched at once.

mod frames;
mod map;

use std::io;
use std::ops::{Deref, DerefMut};
use std::ptr::NonNull;

use bytemuck::Zeroable;

pub use frames::FrameMemory;
pub(crate) use map::Mapping;
pub use map::Pages;

/// A fixed-size slice of zeroed `T` in its own mapping. It never moves and never grows.
pub struct HugeSlice<T> {
    map: Mapping,
    base: NonNull<T>,
    len: usize,
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
            .ok_or_else(|| io::Error::other("size overflows the address space"))?;
        let map = Mapping::touched(bytes)?;
        Ok(HugeSlice { base: map.base().cast(), map, len })
    }
}

impl<T> HugeSlice<T> {
    /// Which pages back it.
    pub fn pages(&self) -> Pages {
        self.map.pages()
    }

    /// Bytes mapped.
    pub fn bytes(&self) -> usize {
        self.map.bytes()
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
        assert_eq!(slice.bytes() % map::HUGE_PAGE, 0);
    }

    #[test]
    #[cfg_attr(miri, ignore)] // no huge pages there
    fn impossible_size_is_an_error() {
        assert!(HugeSlice::<u64>::zeroed(usize::MAX / 4).is_err());
    }
}
