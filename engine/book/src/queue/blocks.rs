//! Which parts of a shared array are free: a buddy allocator over blocks of 2^class units.
//!
//! A block is split in halves until one fits, and joins its other half again when both are free, so
//! what grew and shrank all day leaves no crumbs. Nothing here knows what the units are.
//!
//! Worst case: one step for each class, at most 32.

const CLASSES: usize = 32;

/// No unit.
const NONE: u32 = u32::MAX;

#[derive(Clone, Copy)]
struct Unit {
    /// Neighbours in the list of free blocks of this class.
    prev: u32,
    next: u32,
    /// Class of the free block that starts here, if one does.
    free: Option<u8>,
}

/// The allocator.
pub(super) struct Blocks {
    units: Box<[Unit]>,
    /// First free block of each class.
    heads: [u32; CLASSES],
}

impl Blocks {
    /// All `units` are free.
    pub fn new(units: u32) -> Blocks {
        let blank = Unit { prev: NONE, next: NONE, free: None };
        let mut blocks = Blocks {
            units: vec![blank; units as usize].into_boxed_slice(),
            heads: [NONE; CLASSES],
        };
        let mut start = 0;
        while start < units {
            // A block starts at a multiple of its size; 0 is one of every size.
            let class = (units - start).ilog2().min(start.trailing_zeros());
            blocks.link(start, class as usize);
            start += 1 << class;
        }
        blocks
    }

    /// A block of 2^class units; the smallest that is free and large enough serves.
    pub fn take(&mut self, class: usize) -> Option<u32> {
        let mut have = (class..CLASSES).find(|class| self.heads[*class] != NONE)?;
        let start = self.heads[have];
        self.unlink(start, have);
        while have > class {
            have -= 1;
            self.link(start + (1 << have), have);
        }
        Some(start)
    }

    /// Gives a block, or a half of one, back.
    pub fn give(&mut self, start: u32, class: usize) {
        let (mut start, mut class) = (start, class);
        while class + 1 < CLASSES && self.is_free(start ^ (1 << class), class) {
            self.unlink(start ^ (1 << class), class);
            start &= !(1 << class);
            class += 1;
        }
        self.link(start, class);
    }

    fn is_free(&self, start: u32, class: usize) -> bool {
        self.units.get(start as usize).is_some_and(|unit| unit.free == Some(class as u8))
    }

    fn link(&mut self, start: u32, class: usize) {
        let next = std::mem::replace(&mut self.heads[class], start);
        self.units[start as usize] = Unit { prev: NONE, next, free: Some(class as u8) };
        if next != NONE {
            self.units[next as usize].prev = start;
        }
    }

    fn unlink(&mut self, start: u32, class: usize) {
        let Unit { prev, next, .. } = self.units[start as usize];
        self.units[start as usize].free = None;
        match prev {
            NONE => self.heads[class] = next,
            prev => self.units[prev as usize].next = next,
        }
        if next != NONE {
            self.units[next as usize].prev = prev;
        }
    }

    /// Units in free blocks; walks them all.
    pub fn free_units(&self) -> u64 {
        let free = self.units.iter().filter_map(|unit| unit.free);
        free.map(|class| 1 << class).sum()
    }

    /// Bytes it occupies.
    pub fn bytes(&self) -> u64 {
        size_of_val(&*self.units) as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nofx_rt::rng::Rng;

    #[test]
    fn blocks_never_overlap_and_join_again_when_all_are_given_back() {
        for units in [1, 7, 64, 1_000] {
            let (mut rng, mut blocks) = (Rng::new(units.into()), Blocks::new(units));
            let (mut held, mut used) = (Vec::new(), vec![false; units as usize]);
            for step in 0..20_000 {
                let class = rng.below(6) as usize;
                if rng.chance(1, 2) {
                    let Some(start) = blocks.take(class) else { continue };
                    assert_eq!(start % (1 << class), 0, "units {units} step {step}");
                    let block = &mut used[start as usize..][..1 << class];
                    assert!(!block.contains(&true), "units {units} step {step}");
                    block.fill(true);
                    held.push((start, class));
                } else if !held.is_empty() {
                    let (start, class) = held.swap_remove(rng.below(held.len() as u64) as usize);
                    used[start as usize..][..1 << class].fill(false);
                    blocks.give(start, class);
                }
            }
            held.into_iter().for_each(|(start, class)| blocks.give(start, class));
            assert_eq!(blocks.free_units(), u64::from(units));
            let largest = units.ilog2() as usize;
            assert!(blocks.take(largest).is_some(), "units {units}");
        }
    }
}
