//! Rows of fixed number that are taken and given back: orders and levels.
//!
//! Ids start at 1. Row 0 is nil: it is never handed out and stays zero, so that reading through an
//! absent link finds nothing (no price, no quantity) without a branch.

use std::io;
use std::ops;

use bytemuck::Zeroable;
use nofx_rt::mem::HugeSlice;

/// No row.
pub(super) const NIL: u32 = 0;

/// A row with a word that links it into the list of free rows while nobody holds it.
pub(super) trait Row: Zeroable + Copy {
    fn link(&mut self) -> &mut u32;
}

/// The rows.
pub(super) struct Pool<T> {
    rows: HugeSlice<T>,
    /// Rows given back, newest first.
    free: u32,
    /// Rows that were ever taken.
    used: u32,
    held: u32,
}

impl<T: Row> Pool<T> {
    /// Room for `capacity` rows besides nil.
    pub fn new(capacity: u32) -> io::Result<Pool<T>> {
        let rows = HugeSlice::zeroed(capacity as usize + 1)?;
        Ok(Pool { rows, free: NIL, used: 0, held: 0 })
    }

    /// A zeroed row; `None` when all are held.
    #[inline]
    pub fn take(&mut self) -> Option<u32> {
        let id = if self.free == NIL { self.fresh()? } else { self.free };
        let row = &mut self.rows[id as usize];
        self.free = *row.link();
        *row = T::zeroed();
        self.held += 1;
        Some(id)
    }

    /// A row that nobody held yet; its link is zero, so the free list stays empty.
    fn fresh(&mut self) -> Option<u32> {
        self.used = (self.used as usize + 1 < self.rows.len()).then_some(self.used + 1)?;
        Some(self.used)
    }

    /// Gives a row back.
    #[inline]
    pub fn give(&mut self, id: u32) {
        debug_assert_ne!(id, NIL);
        *self.rows[id as usize].link() = self.free;
        self.free = id;
        self.held -= 1;
    }

    /// How many rows are held.
    pub fn held(&self) -> u32 {
        self.held
    }

    /// Bytes it occupies.
    pub fn bytes(&self) -> u64 {
        self.rows.bytes() as u64
    }
}

impl<T> ops::Index<u32> for Pool<T> {
    type Output = T;
    #[inline]
    fn index(&self, id: u32) -> &T {
        &self.rows[id as usize]
    }
}

impl<T> ops::IndexMut<u32> for Pool<T> {
    #[inline]
    fn index_mut(&mut self, id: u32) -> &mut T {
        &mut self.rows[id as usize]
    }
}
