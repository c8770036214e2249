//! Prices of a side in order: sorted arrays in one pool, the best price at the end.
//!
//! A new price near the touch moves few rungs, a far one moves the better ones by one copy; finding
//! a price is a binary search. An array that is full moves to a block of twice the size, one that is
//! a quarter full gives half of its block back.
//!
//! Worst case: an insertion copies the side's rungs (16 bytes each), twice when the block is full.

use std::io;

use bytemuck::Zeroable;
use nofx_rt::mem::HugeSlice;
use nofx_types::{Price, Side};

use super::blocks::Blocks;

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

/// The array of one side.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Ladder {
    start: u32,
    len: u32,
    /// Rungs that fit its block, 0 when it has none yet.
    room: u32,
}

impl Ladder {
    pub fn len(&self) -> u32 {
        self.len
    }

    /// Rungs in its block.
    pub fn room(&self) -> u32 {
        self.room
    }
}

/// Rungs of the smallest block: one cache line.
const UNIT: u32 = 4;

/// No block is free.
#[derive(Debug)]
pub(super) struct NoRoom;

/// The arrays of all sides.
pub(super) struct Ladders {
    rungs: HugeSlice<Rung>,
    blocks: Blocks,
}

impl Ladders {
    /// For this many rungs over `sides` sides. A block has less than four times the rungs in it, or
    /// is the smallest.
    pub fn new(rungs: u32, sides: u32) -> io::Result<Ladders> {
        let units = rungs + sides;
        Ok(Ladders {
            rungs: HugeSlice::zeroed(units as usize * UNIT as usize)?,
            blocks: Blocks::new(units),
        })
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
        if ladder.len * 4 <= ladder.room && ladder.room > UNIT {
            self.shrink(ladder);
        }
    }

    /// Gives the block of a side back.
    pub fn release(&mut self, ladder: &mut Ladder) {
        if ladder.room > 0 {
            self.give(ladder.start, ladder.room);
        }
        *ladder = Ladder::default();
    }

    #[cold]
    fn grow(&mut self, ladder: &mut Ladder) -> Result<(), NoRoom> {
        let room = (ladder.room * 2).max(UNIT);
        let start = UNIT * self.blocks.take(class(room)).ok_or(NoRoom)?;
        let (old, len) = (ladder.start as usize, ladder.len);
        self.rungs.copy_within(old..old + len as usize, start as usize);
        self.release(ladder);
        *ladder = Ladder { start, len, room };
        Ok(())
    }

    #[cold]
    fn shrink(&mut self, ladder: &mut Ladder) {
        ladder.room /= 2;
        self.give(ladder.start + ladder.room, ladder.room);
    }

    fn give(&mut self, start: u32, room: u32) {
        self.blocks.give(start / UNIT, class(room));
    }

    /// Whether all rungs are free or in the blocks of sides, which have `held` in all.
    pub fn accounts_for(&self, held: u64) -> bool {
        self.blocks.free_units() * u64::from(UNIT) + held == self.rungs.len() as u64
    }

    /// Bytes it occupies.
    pub fn bytes(&self) -> u64 {
        self.rungs.bytes() as u64 + self.blocks.bytes()
    }
}

/// Class of a block of `room` rungs.
fn class(room: u32) -> usize {
    (room / UNIT).ilog2() as usize
}
