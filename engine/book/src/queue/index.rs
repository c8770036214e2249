//! From an order's name to its row: open addressing at a load of at most one half.
//!
//! A slot holds 32 bits of the hash and the row, so a lookup reads one line here and then the row
//! itself, which the caller wants anyway. Any 64-bit reference will do: memory depends on how many
//! orders live. Removal shifts the run back, so there are no tombstones.

use std::io;

use bytemuck::Zeroable;
use nofx_rt::mem::HugeSlice;

use super::pool::NIL;

#[derive(Clone, Copy, Zeroable)]
#[repr(C)]
struct Slot {
    hash: u32,
    /// [`NIL`]: the slot is free.
    row: u32,
}

/// The table.
pub(super) struct Index {
    slots: HugeSlice<Slot>,
    mask: usize,
    /// `hash >> shift` is the slot where a row wants to be.
    shift: u32,
}

impl Index {
    /// Room for `capacity` orders.
    pub fn new(capacity: u32) -> io::Result<Index> {
        let len = (capacity.max(2) as usize * 2).next_power_of_two();
        Ok(Index {
            slots: HugeSlice::zeroed(len)?,
            mask: len - 1,
            shift: 32 - len.trailing_zeros(),
        })
    }

    /// Hash of an order's name.
    #[inline]
    pub fn hash(instrument: u32, order: u64) -> u32 {
        const ODD: u64 = 0x9e37_79b9_7f4a_7c15; // 2^64 over the golden ratio
        let word = order ^ u64::from(instrument).wrapping_mul(ODD);
        ((word ^ (word >> 32)).wrapping_mul(ODD) >> 32) as u32
    }

    /// The row with this hash that `is` the wanted one; [`NIL`] when there is none.
    #[inline]
    pub fn find(&self, hash: u32, is: impl Fn(u32) -> bool) -> u32 {
        let mut at = self.home(hash);
        loop {
            let slot = self.slots[at];
            if slot.row == NIL || (slot.hash == hash && is(slot.row)) {
                return slot.row;
            }
            at = (at + 1) & self.mask;
        }
    }

    /// Enters a row; the caller enters no more rows than the capacity.
    #[inline]
    pub fn insert(&mut self, hash: u32, row: u32) {
        let mut at = self.home(hash);
        while self.slots[at].row != NIL {
            at = (at + 1) & self.mask;
        }
        self.slots[at] = Slot { hash, row };
    }

    /// Takes a row out that was entered with this hash.
    #[inline]
    pub fn remove(&mut self, hash: u32, row: u32) {
        let mut hole = self.home(hash);
        while self.slots[hole].row != row {
            if self.slots[hole].row == NIL {
                return;
            }
            hole = (hole + 1) & self.mask;
        }
        let mut at = hole;
        loop {
            at = (at + 1) & self.mask;
            let slot = self.slots[at];
            if slot.row == NIL {
                break;
            }
            // A row may move back into the hole unless its home lies behind the hole.
            let home = self.home(slot.hash);
            if (at.wrapping_sub(home) & self.mask) >= (at.wrapping_sub(hole) & self.mask) {
                self.slots[hole] = slot;
                hole = at;
            }
        }
        self.slots[hole].row = NIL;
    }

    #[inline]
    fn home(&self, hash: u32) -> usize {
        (hash >> self.shift) as usize & self.mask
    }

    /// Bytes it occupies.
    pub fn bytes(&self) -> u64 {
        self.slots.bytes() as u64
    }
}
