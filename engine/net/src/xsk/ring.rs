//! The four rings of an AF_XDP socket, shared with the kernel.
//!
//! Model: one mapping holds producer index, consumer index, flags and the entries. Each side writes
//! its own index with release and reads the other's with acquire; indices run free and wrap at
//! 2^32. Our own index and the last seen foreign one are kept in ordinary fields, so a ring with
//! room or with entries at hand costs no shared cache line.
#![allow(unsafe_code)] // memory shared with the kernel

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU32, Ordering};

/// The mapping and the places in it.
struct Shared<T> {
    base: NonNull<u8>,
    mapped: usize,
    producer: NonNull<AtomicU32>,
    consumer: NonNull<AtomicU32>,
    flags: NonNull<AtomicU32>,
    entries: NonNull<T>,
    len: u32,
}

// SAFETY: the mapping belongs to this value alone and is reached through it only; the other party
// is the kernel, which does not care about threads.
unsafe impl<T: Send> Send for Shared<T> {}

impl<T: Copy> Shared<T> {
    /// Maps the ring of `len` entries (a power of two) at page offset `at` of the socket.
    fn map(
        socket: BorrowedFd<'_>,
        at: u64,
        offsets: libc::xdp_ring_offset,
        len: u32,
    ) -> io::Result<Shared<T>> {
        let mapped = offsets.desc as usize + len as usize * size_of::<T>();
        // SAFETY: a new mapping of the socket at an address the kernel chooses aliases nothing of
        // ours; offset and size are those that the kernel named.
        let base = unsafe {
            libc::mmap(
                std::ptr::null_mut(),
                mapped,
                libc::PROT_READ | libc::PROT_WRITE,
                libc::MAP_SHARED | libc::MAP_POPULATE,
                socket.as_raw_fd(),
                at as libc::off_t,
            )
        };
        if base == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        let base = NonNull::new(base.cast::<u8>())
            .ok_or_else(|| io::Error::other("mapping at address zero"))?;
        // SAFETY: the offsets come from XDP_MMAP_OFFSETS and lie inside the mapping, which was made
        // `offsets.desc` plus all entries long; the kernel aligns indices to 4, entries to 8 bytes.
        let place = |offset: u64| unsafe { base.add(offset as usize) };
        Ok(Shared {
            base,
            mapped,
            producer: place(offsets.producer).cast(),
            consumer: place(offsets.consumer).cast(),
            flags: place(offsets.flags).cast(),
            entries: place(offsets.desc).cast(),
            len,
        })
    }

    fn producer(&self) -> &AtomicU32 {
        // SAFETY: inside the mapping, aligned, and never reached but atomically.
        unsafe { self.producer.as_ref() }
    }

    fn consumer(&self) -> &AtomicU32 {
        // SAFETY: as `producer`.
        unsafe { self.consumer.as_ref() }
    }

    fn needs_wakeup(&self) -> bool {
        // SAFETY: as `producer`.
        let flags = unsafe { self.flags.as_ref() };
        flags.load(Ordering::Relaxed) & libc::XDP_RING_NEED_WAKEUP != 0
    }

    fn entry(&self, index: u32) -> NonNull<T> {
        // SAFETY: the masked index is below `len`, and so many entries are mapped.
        unsafe { self.entries.add((index & (self.len - 1)) as usize) }
    }
}

impl<T> Drop for Shared<T> {
    fn drop(&mut self) {
        // SAFETY: base and length are those of the mapping this value owns.
        unsafe { libc::munmap(self.base.as_ptr().cast(), self.mapped) };
    }
}

/// A ring that we fill: fill ring, transmit ring.
pub(super) struct Producer<T> {
    shared: Shared<T>,
    next: u32,
    /// The kernel's index, as last read.
    taken: u32,
}

impl<T: Copy> Producer<T> {
    pub(super) fn map(
        socket: BorrowedFd<'_>,
        at: u64,
        offsets: libc::xdp_ring_offset,
        len: u32,
    ) -> io::Result<Producer<T>> {
        Ok(Producer { shared: Shared::map(socket, at, offsets, len)?, next: 0, taken: 0 })
    }

    /// Puts one entry in its place; the kernel sees it after [`Producer::publish`].
    #[inline]
    pub(super) fn push(&mut self, value: T) -> bool {
        if self.next.wrapping_sub(self.taken) >= self.shared.len {
            self.taken = self.shared.consumer().load(Ordering::Acquire);
            if self.next.wrapping_sub(self.taken) >= self.shared.len {
                return false;
            }
        }
        // SAFETY: the entry is ours: the kernel has taken what stood there and sees nothing beyond
        // the published index.
        unsafe { self.shared.entry(self.next).write(value) };
        self.next = self.next.wrapping_add(1);
        true
    }

    /// Shows the kernel all entries put so far.
    #[inline]
    pub(super) fn publish(&mut self) {
        self.shared.producer().store(self.next, Ordering::Release);
    }

    /// Entries that the kernel has not taken yet.
    #[inline]
    pub(super) fn waiting(&self) -> u32 {
        self.next.wrapping_sub(self.shared.consumer().load(Ordering::Acquire))
    }

    /// Whether the kernel sleeps until a system call.
    #[inline]
    pub(super) fn needs_wakeup(&self) -> bool {
        self.shared.needs_wakeup()
    }
}

/// A ring that we empty: receive ring, completion ring.
pub(super) struct Consumer<T> {
    shared: Shared<T>,
    next: u32,
    /// The kernel's index, as last read.
    filled: u32,
}

impl<T: Copy> Consumer<T> {
    pub(super) fn map(
        socket: BorrowedFd<'_>,
        at: u64,
        offsets: libc::xdp_ring_offset,
        len: u32,
    ) -> io::Result<Consumer<T>> {
        Ok(Consumer { shared: Shared::map(socket, at, offsets, len)?, next: 0, filled: 0 })
    }

    /// The next entry; its place is the kernel's again after [`Consumer::release`].
    #[inline]
    pub(super) fn pop(&mut self) -> Option<T> {
        if self.next == self.filled {
            self.filled = self.shared.producer().load(Ordering::Acquire);
            if self.next == self.filled {
                return None;
            }
        }
        // SAFETY: the entry lies before the kernel's index, read with acquire, so it is written
        // whole and stays until we release it. T is plain old data.
        let value = unsafe { self.shared.entry(self.next).read() };
        self.next = self.next.wrapping_add(1);
        Some(value)
    }

    /// Gives the places of all entries popped so far back.
    #[inline]
    pub(super) fn release(&mut self) {
        self.shared.consumer().store(self.next, Ordering::Release);
    }
}
