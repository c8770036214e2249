//! One anonymous mapping, on the largest pages the system gives, touched at once.

use std::io;
use std::ptr::NonNull;

pub(super) const HUGE_PAGE: usize = 2 << 20;
pub(super) const SMALL_PAGE: usize = 4 << 10;

/// Which pages back a mapping.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pages {
    /// Reserved 2 MiB pages (`vm.nr_hugepages`).
    Reserved,
    /// Transparent 2 MiB pages were asked for and the kernel may give them.
    Transparent,
    /// 4 KiB pages: slower by 1.4 to 1.8 times on large books.
    Small,
}

impl std::fmt::Display for Pages {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Pages::Reserved => "reserved 2 MiB pages",
            Pages::Transparent => "transparent 2 MiB pages (asked for; none reserved were free)",
            Pages::Small => "4 KiB pages (no 2 MiB pages to be had)",
        })
    }
}

/// Owns a private mapping of zeroed bytes, a multiple of 2 MiB long and aligned to 2 MiB. It never
/// moves and never grows.
#[derive(Debug)]
pub(crate) struct Mapping {
    base: NonNull<u8>,
    bytes: usize,
    pages: Pages,
}

// SAFETY: the mapping is plain memory owned by this value alone; it hands out only its address.
unsafe impl Send for Mapping {}
// SAFETY: as above: a shared Mapping gives its address and length, no access.
unsafe impl Sync for Mapping {}

impl Mapping {
    /// Maps at least `bytes` and touches every page, so that nothing faults on them later.
    pub(crate) fn touched(bytes: usize) -> io::Result<Mapping> {
        let bytes = bytes
            .checked_next_multiple_of(HUGE_PAGE)
            .ok_or_else(|| io::Error::other("size overflows the address space"))?
            .max(HUGE_PAGE);
        let (base, pages) = map(bytes)?;
        for offset in (0..bytes).step_by(SMALL_PAGE) {
            // SAFETY: `offset` is inside the mapping just made, which nobody else has seen.
            unsafe { base.as_ptr().add(offset).write_volatile(0) };
        }
        Ok(Mapping { base, bytes, pages })
    }

    pub(crate) fn base(&self) -> NonNull<u8> {
        self.base
    }

    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    pub(crate) fn pages(&self) -> Pages {
        self.pages
    }

    /// Keeps the pages in memory.
    pub(super) fn lock(&self) -> io::Result<()> {
        // SAFETY: base and length are those of this mapping; locking changes no content.
        let rc = unsafe { libc::mlock(self.base.as_ptr().cast(), self.bytes) };
        if rc == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: base and length are those of the mapping this value owns; who hands out
        // references into it borrows from its owner.
        #[cfg(not(miri))]
        unsafe {
            libc::munmap(self.base.as_ptr().cast(), self.bytes)
        };
        // SAFETY: as above, and the layout is that of `map`.
        #[cfg(miri)]
        unsafe {
            let layout = std::alloc::Layout::from_size_align_unchecked(self.bytes, HUGE_PAGE);
            std::alloc::dealloc(self.base.as_ptr(), layout);
        }
    }
}

/// The interpreter knows no huge pages: plain memory of the same alignment.
#[cfg(miri)]
fn map(bytes: usize) -> io::Result<(NonNull<u8>, Pages)> {
    let layout = std::alloc::Layout::from_size_align(bytes, HUGE_PAGE).map_err(io::Error::other)?;
    // SAFETY: the length is not zero.
    let base = unsafe { std::alloc::alloc_zeroed(layout) };
    NonNull::new(base).map(|base| (base, Pages::Small)).ok_or(io::ErrorKind::OutOfMemory.into())
}

#[cfg(not(miri))]
fn map(bytes: usize) -> io::Result<(NonNull<u8>, Pages)> {
    if let Some(base) = mmap(bytes, libc::MAP_HUGETLB) {
        return Ok((base, Pages::Reserved));
    }
    // Transparent huge pages want an aligned start: map one page more and give the ends back.
    let room = bytes
        .checked_add(HUGE_PAGE)
        .ok_or_else(|| io::Error::other("size overflows the address space"))?;
    let raw = mmap(room, 0).ok_or_else(io::Error::last_os_error)?;
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

#[cfg(not(miri))]
fn mmap(bytes: usize, extra_flags: libc::c_int) -> Option<NonNull<u8>> {
    let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | extra_flags;
    let prot = libc::PROT_READ | libc::PROT_WRITE;
    // SAFETY: an anonymous private mapping at an address the kernel chooses aliases nothing.
    let base = unsafe { libc::mmap(std::ptr::null_mut(), bytes, prot, flags, -1, 0) };
    if base == libc::MAP_FAILED { None } else { NonNull::new(base.cast()) }
}
