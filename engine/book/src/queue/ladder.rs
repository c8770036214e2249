//! Prices of a side in order: sorted arrays in one pool, the best price at the end.
//!
//! A new price near the touch moves few rungs, a far one moves the better ones by one copy; finding
//! a price is a binary search. An array that is full moves to a block of twice the size. Blocks are
//! powers of two; a block that was left serves another side, whole or split.
//!
//! Worst case: an insertion copies the side's rungs (16 bytes each), twice when the block is full.

use std::io;

use bytemuck::Zeroable;
use nofx_rt::mem::HugeSlice;
use nofx_types::{Price, Side};

/// A price as a key that rises towards the touch on either side.
#[inline]
pub(super) fn key(side: Side, price: Price) -> i64 {
    match side {
        Side::Buy => price.0,
        Side::Sell => !price.0,
    }
}

/// A price of a side and the level that stands there.
#[derive(Clone, Copy, Zeroable)]
#[repr(C)]
pub(super) struct Rung {
    pub key: i64,
    pub level: u32,
    pad: u32,
}

impl Rung {
    pub fn new(key: i64, level: u32) -> Rung {
        Rung { key, level, pad: 0 }
    }
}

/// The block of one side.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Ladder {
    start: u32,
    len: u32,
    /// Rungs in the block, 0 when there is none yet.
    room: u32,
}

impl Ladder {
    pub fn len(&self) -> u32 {
        self.len
    }
}

/// The smallest block: one cache line.
const SMALLEST: u32 = 4;
const CLASSES: usize = 32;

/// No block is free.
#[derive(Debug)]
pub(super) struct NoRoom;

/// The blocks of all sides.
pub(super) struct Ladders {
    rungs: HugeSlice<Rung>,
    /// Rungs from here on were never used.
    unused: u32,
    /// Start + 1 of a free block of 2^class rungs, 0 for none; the next one stands in its first rung.
    free: [u32; CLASSES],
}

impl Ladders {
    pub fn new(rungs: usize) -> io::Result<Ladders> {
        Ok(Ladders { rungs: HugeSlice::zeroed(rungs)?, unused: 0, free: [0; CLASSES] })
    }

    /// The rungs of a side, best last.
    #[inline]
    pub fn rungs(&self, ladder: &Ladder) -> &[Rung] {
        &self.rungs[ladder.start as usize..][..ladder.len as usize]
    }

    /// Where `key` stands, or where it would.
    #[inline]
    pub fn search(&self, ladder: &Ladder, key: i64) -> Result<usize, usize> {
        self.rungs(ladder).binary_search_by(|rung| rung.key.cmp(&key))
    }

    /// Puts a rung at `at`.
    #[inline]
    pub fn insert(&mut self, ladder: &mut Ladder, at: usize, rung: Rung) -> Result<(), NoRoom> {
        if ladder.len == ladder.room {
            self.grow(ladder)?;
        }
        let block = &mut self.rungs[ladder.start as usize..][..ladder.len as usize + 1];
        block.copy_within(at..ladder.len as usize, at + 1);
        block[at] = rung;
        ladder.len += 1;
        Ok(())
    }

    /// Takes the rung at `at` out.
    #[inline]
    pub fn remove(&mut self, ladder: &mut Ladder, at: usize) {
        let block = &mut self.rungs[ladder.start as usize..][..ladder.len as usize];
        block.copy_within(at + 1.., at);
        ladder.len -= 1;
    }

    /// Gives the block of a side back.
    pub fn release(&mut self, ladder: &mut Ladder) {
        if ladder.room > 0 {
            self.give(ladder.start, ladder.room.trailing_zeros() as usize);
        }
        *ladder = Ladder::default();
    }

    #[cold]
    fn grow(&mut self, ladder: &mut Ladder) -> Result<(), NoRoom> {
        let room = (ladder.room * 2).max(SMALLEST);
        let start = self.take(room.trailing_zeros() as usize)?;
        let old = ladder.start as usize..(ladder.start + ladder.len) as usize;
        self.rungs.copy_within(old, start as usize);
        let len = ladder.len;
        self.release(ladder);
        *ladder = Ladder { start, len, room };
        Ok(())
    }

    /// A block of 2^class rungs: one that was left, a new one, or half of a larger one.
    fn take(&mut self, class: usize) -> Result<u32, NoRoom> {
        if let Some(start) = self.free.get(class).and_then(|head| head.checked_sub(1)) {
            self.free[class] = self.rungs[start as usize].level;
            return Ok(start);
        }
        let end = u64::from(self.unused) + (1u64 << class);
        if end <= self.rungs.len() as u64 {
            let start = self.unused;
            self.unused = end as u32;
            return Ok(start);
        }
        if class + 1 >= CLASSES {
            return Err(NoRoom);
        }
        let start = self.take(class + 1)?;
        self.give(start + (1 << class), class);
        Ok(start)
    }

    fn give(&mut self, start: u32, class: usize) {
        self.rungs[start as usize].level = std::mem::replace(&mut self.free[class], start + 1);
    }

    /// Bytes it occupies.
    pub fn bytes(&self) -> u64 {
        self.rungs.bytes() as u64
    }
}
