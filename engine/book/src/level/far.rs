//! Levels outside the windows: one sorted array per side, all from one pool sized at start.
//!
//! Shape: most sides have none or a few (stub quotes), so an array of 16-byte rows in two cache
//! lines beats any tree. Arrays have the capacities 8, 16, 32, ...; freed ones wait in a list per
//! capacity, and a larger one is split when the wanted list is empty.
//! Worst case: an insert moves the rows that are better than the new one; nothing is ever merged,
//! so a pool can refuse a large array although enough small ones are free. Refusing is counted.

use bytemuck::Zeroable;
use nofx_rt::mem::{HugeSlice, Pages};

/// One level. A larger `rank` is better: the price for bids, its bitwise complement for asks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Zeroable)]
#[repr(C)]
pub(crate) struct Far {
    /// Order of the array.
    pub rank: i64,
    /// Quantity and orders, see [`super::window`].
    pub level: u64,
}

/// The array of one side: rows by rising rank, best last.
#[derive(Clone, Copy, Debug, Default)]
struct Run {
    start: u32,
    len: u32,
    /// 0: no array, else 1 + its size class.
    class: u8,
}

const SMALLEST: usize = 8;
const CLASSES: usize = 24;

/// The far levels of all sides.
pub(crate) struct FarLevels {
    rows: HugeSlice<Far>,
    runs: Box<[Run]>,
    /// Per class 1 + first row of the first free array; the link to the next is in that row.
    free: [u32; CLASSES],
    /// Rows from here on were never used.
    fresh: usize,
}

impl FarLevels {
    /// Room for `rows` levels of `sides` sides.
    pub fn new(sides: usize, rows: usize) -> std::io::Result<FarLevels> {
        let runs = vec![Run::default(); sides].into();
        Ok(FarLevels { rows: HugeSlice::zeroed(rows)?, runs, free: [0; CLASSES], fresh: 0 })
    }

    /// Bytes held.
    pub fn bytes(&self) -> usize {
        self.rows.bytes() + size_of_val(&*self.runs)
    }

    /// Which pages back the rows.
    pub fn pages(&self) -> Pages {
        self.rows.pages()
    }

    fn run(&self, side: usize) -> Run {
        self.runs.get(side).copied().unwrap_or_default()
    }

    /// The rows of a side.
    #[inline]
    pub fn of(&self, side: usize) -> &[Far] {
        let Run { start, len, .. } = self.run(side);
        self.rows.get(start as usize..(start + len) as usize).unwrap_or(&[])
    }

    /// The rows of a side, to change levels or to sort.
    pub fn of_mut(&mut self, side: usize) -> &mut [Far] {
        let Run { start, len, .. } = self.run(side);
        self.rows.get_mut(start as usize..(start + len) as usize).unwrap_or(&mut [])
    }

    /// Where `rank` is, or would go.
    pub fn find(&self, side: usize, rank: i64) -> Result<usize, usize> {
        self.of(side).binary_search_by_key(&rank, |far| far.rank)
    }

    /// Makes room for `more` rows; false when the pool has none left (the side is as it was).
    pub fn reserve(&mut self, side: usize, more: usize) -> bool {
        let old = self.run(side);
        let need = old.len as usize + more;
        if need <= old.capacity() {
            return true;
        }
        let class = need.div_ceil(SMALLEST).next_power_of_two().trailing_zeros() as usize;
        let Some(start) = self.allocate(class) else { return false };
        self.rows.copy_within(old.start as usize..(old.start + old.len) as usize, start);
        self.release(old);
        self.set_run(side, Run { start: start as u32, len: old.len, class: class as u8 + 1 });
        true
    }

    /// Puts a row at `at`; room must have been reserved.
    pub fn insert(&mut self, side: usize, at: usize, far: Far) {
        let run = self.run(side);
        self.set_run(side, Run { len: run.len + 1, ..run });
        let rows = self.of_mut(side);
        let last = rows.len().saturating_sub(1);
        rows.copy_within(at..last, at + 1);
        if let Some(row) = rows.get_mut(at) {
            *row = far;
        }
    }

    /// Takes the row at `at` out.
    pub fn remove(&mut self, side: usize, at: usize) {
        let rows = self.of_mut(side);
        rows.copy_within(at + 1.., at);
        let left = rows.len() - 1;
        self.truncate(side, left);
    }

    /// Keeps the first `len` rows.
    pub fn truncate(&mut self, side: usize, len: usize) {
        let run = self.run(side);
        if len == 0 {
            self.release(run);
            self.set_run(side, Run::default());
        } else {
            self.set_run(side, Run { len: run.len.min(len as u32), ..run });
        }
    }

    fn set_run(&mut self, side: usize, run: Run) {
        if let Some(slot) = self.runs.get_mut(side) {
            *slot = run;
        }
    }

    fn allocate(&mut self, class: usize) -> Option<usize> {
        if let Some(start) = self.pop(class) {
            return Some(start);
        }
        let size = SMALLEST << class;
        if self.fresh + size <= self.rows.len() {
            self.fresh += size;
            return Some(self.fresh - size);
        }
        let larger = (class + 1..CLASSES).find(|larger| self.free[*larger] != 0)?;
        let start = self.pop(larger)?;
        for half in class..larger {
            self.push(half, start + (SMALLEST << half));
        }
        Some(start)
    }

    fn release(&mut self, run: Run) {
        if run.class > 0 {
            self.push(usize::from(run.class) - 1, run.start as usize);
        }
    }

    fn pop(&mut self, class: usize) -> Option<usize> {
        let head = self.free.get_mut(class)?;
        let start = (*head as usize).checked_sub(1)?;
        *head = self.rows.get(start)?.level as u32;
        Some(start)
    }

    fn push(&mut self, class: usize, start: usize) {
        if let (Some(head), Some(row)) = (self.free.get_mut(class), self.rows.get_mut(start)) {
            row.level = u64::from(*head);
            *head = start as u32 + 1;
        }
    }
}

impl Run {
    fn capacity(&self) -> usize {
        if self.class == 0 { 0 } else { SMALLEST << (self.class - 1) }
    }
}

#[cfg(test)]
mod tests {
    use nofx_rt::rng::Rng;

    use super::*;

    #[test]
    fn runs_stay_sorted_and_apart_until_the_pool_is_full() {
        for seed in 0..50 {
            let (mut rng, mut pool) = (Rng::new(seed), FarLevels::new(6, 512).expect("memory"));
            let mut twins: [std::collections::BTreeMap<i64, u64>; 6] = Default::default();
            let mut refused = 0;
            for step in 0..4_000 {
                let side = rng.below(6) as usize;
                let twin = &mut twins[side];
                let rank = rng.below(200) as i64 - 100;
                match pool.find(side, rank) {
                    Ok(at) => {
                        pool.remove(side, at);
                        twin.remove(&rank);
                    }
                    Err(_) if !pool.reserve(side, 1) => refused += 1,
                    Err(at) => {
                        pool.insert(side, at, Far { rank, level: step });
                        twin.insert(rank, step);
                    }
                }
                for (side, twin) in twins.iter().enumerate() {
                    let rows = pool.of(side).iter().map(|far| (far.rank, far.level));
                    assert!(rows.eq(twin.iter().map(|(r, l)| (*r, *l))), "seed {seed}");
                }
            }
            assert!(refused > 0, "seed {seed}: 600 rows never met a pool of 512");
        }
    }
}
