//! Memory that packets land in (AF_XDP: the umem).

use std::fmt;
use std::io;
use std::ptr::NonNull;

use super::map::{Mapping, Pages};

/// Bytes of fixed length at a fixed, 2 MiB aligned address, touched and, where allowed, locked.
///
/// It lends no references by itself: a device may write here at any time. Its user knows which
/// frames the device has handed over, and makes slices of those from [`FrameMemory::as_ptr`].
#[derive(Debug)]
pub struct FrameMemory {
    map: Mapping,
    len: usize,
    locked: Result<(), i32>,
}

impl FrameMemory {
    /// Maps `len` bytes: on reserved 2 MiB pages, else transparent ones, else small ones. That
    /// they could not be locked is no error: see [`FrameMemory::locked`].
    ///
    /// # Errors
    /// There is no memory for them, or `len` is 0.
    pub fn new(len: usize) -> io::Result<FrameMemory> {
        if len == 0 {
            return Err(io::Error::other("frame memory of no bytes"));
        }
        let map = Mapping::touched(len)?;
        let locked = map.lock().map_err(|e| e.raw_os_error().unwrap_or(0));
        Ok(FrameMemory { map, len, locked })
    }

    /// The first byte; valid for reads and writes of [`FrameMemory::len`] bytes while `self` lives.
    #[inline]
    pub fn as_ptr(&self) -> *mut u8 {
        self.map.base().as_ptr()
    }

    /// Bytes asked for.
    #[inline]
    #[allow(clippy::len_without_is_empty)] // never empty
    pub fn len(&self) -> usize {
        self.len
    }

    /// Where `len` bytes at `offset` are; `None` when they are not all inside.
    #[inline]
    pub fn at(&self, offset: usize, len: usize) -> Option<NonNull<u8>> {
        let inside = offset.checked_add(len)? <= self.len;
        // SAFETY: `offset` is at most `self.len`, so the address is in the mapping or one past it.
        inside.then(|| unsafe { self.map.base().add(offset) })
    }

    /// The offset of `address`, if it lies inside: what proves that a slice was not copied.
    pub fn offset_of(&self, address: *const u8) -> Option<usize> {
        let offset = (address as usize).checked_sub(self.as_ptr() as usize)?;
        (offset < self.len).then_some(offset)
    }

    /// Which pages back it.
    pub fn pages(&self) -> Pages {
        self.map.pages()
    }

    /// Whether it is locked in memory, or the errno of the refusal (ENOMEM, EPERM: more than
    /// RLIMIT_MEMLOCK without CAP_IPC_LOCK).
    pub fn locked(&self) -> Result<(), i32> {
        self.locked
    }
}

impl fmt::Display for FrameMemory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} KiB on {}, ", self.len.div_ceil(1024), self.pages())?;
        match self.locked {
            Ok(()) => f.write_str("locked"),
            Err(errno) => write!(f, "not locked: {}", io::Error::from_raw_os_error(errno)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg_attr(miri, ignore)] // no huge pages there
    fn frames_are_aligned_writable_and_found_by_address() {
        let memory = FrameMemory::new(64 * 2048 + 1).expect("memory");
        assert_eq!(memory.as_ptr() as usize % 4096, 0);
        let frame = memory.at(63 * 2048, 2048).expect("inside").as_ptr();
        // SAFETY: the frame is inside, and no device knows of this memory.
        unsafe { frame.add(2047).write(7) };
        assert_eq!(memory.offset_of(frame), Some(63 * 2048));
        assert_eq!(memory.offset_of(std::ptr::from_ref(&memory).cast()), None);
        assert!(memory.at(63 * 2048, 2050).is_none() && memory.at(usize::MAX, 2).is_none());
        let said = memory.to_string();
        assert!(said.starts_with("129 KiB on ") && said.contains("locked"), "{said}");
    }

    #[test]
    #[cfg_attr(miri, ignore)]
    fn no_bytes_and_too_many_are_refused() {
        assert!(FrameMemory::new(0).is_err());
        assert!(FrameMemory::new(usize::MAX - 4096).is_err());
        assert!(FrameMemory::new(1 << 60).is_err());
    }
}
