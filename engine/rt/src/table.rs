//! A hash table of fixed capacity: 64-bit keys, small values, no allocation after construction.
//!
//! Open addressing with linear probing at a load of at most one half; removal shifts the following
//! run back, so there are no tombstones and a table that lives all day stays as fast as a new one.
//! Worst case: one probe run, short while keys are scrambled (they are multiplied by an odd
//! constant; nobody outside chooses the keys of more than his own orders).

#[derive(Clone, Copy, Debug)]
struct Slot<V> {
    key: u64,
    value: Option<V>,
}

/// The table.
#[derive(Clone, Debug)]
pub struct Table<V> {
    slots: Box<[Slot<V>]>,
    shift: u32,
    len: usize,
    capacity: usize,
}

/// The table holds as many keys as it was made for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Full;

impl<V: Copy> Table<V> {
    /// Room for `capacity` keys.
    pub fn new(capacity: usize) -> Table<V> {
        let slots = (capacity.max(1) * 2).next_power_of_two().max(4);
        Table {
            slots: vec![Slot { key: 0, value: None }; slots].into_boxed_slice(),
            shift: 64 - slots.trailing_zeros(),
            len: 0,
            capacity: capacity.max(1),
        }
    }

    /// The value of `key`.
    #[inline]
    pub fn get(&self, key: u64) -> Option<V> {
        self.slots[self.find(key)].value
    }

    /// The value of `key`, to change in place.
    #[inline]
    pub fn get_mut(&mut self, key: u64) -> Option<&mut V> {
        let at = self.find(key);
        self.slots[at].value.as_mut()
    }

    /// Sets the value of `key`.
    #[inline]
    pub fn insert(&mut self, key: u64, value: V) -> Result<(), Full> {
        let at = self.find(key);
        if self.slots[at].value.is_none() {
            if self.len == self.capacity {
                return Err(Full);
            }
            self.len += 1;
        }
        self.slots[at] = Slot { key, value: Some(value) };
        Ok(())
    }

    /// Takes `key` out.
    #[inline]
    pub fn remove(&mut self, key: u64) -> Option<V> {
        let mut hole = self.find(key);
        let value = self.slots[hole].value.take()?;
        self.len -= 1;
        let mask = self.slots.len() - 1;
        let mut at = (hole + 1) & mask;
        while self.slots[at].value.is_some() {
            // A key may move back into the hole unless its home lies behind the hole.
            let home = self.home(self.slots[at].key);
            if (at.wrapping_sub(home) & mask) >= (at.wrapping_sub(hole) & mask) {
                self.slots[hole] = self.slots[at];
                self.slots[at].value = None;
                hole = at;
            }
            at = (at + 1) & mask;
        }
        Some(value)
    }

    /// Takes out what `keep` does not want; walks the whole table, so it is for rare events.
    pub fn retain(&mut self, mut keep: impl FnMut(u64, &V) -> bool) {
        let mut at = 0;
        while let Some(Slot { key, value }) = self.slots.get(at) {
            match value {
                // Removal may pull another key into this slot: look again.
                Some(value) if !keep(*key, value) => _ = self.remove(*key),
                _ => at += 1,
            }
        }
    }

    /// How many keys it holds.
    #[inline]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether it holds none.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Whether a new key would not fit.
    #[inline]
    pub fn is_full(&self) -> bool {
        self.len == self.capacity
    }

    /// Bytes of its slots.
    pub fn memory(&self) -> u64 {
        size_of_val(&*self.slots) as u64
    }

    #[inline]
    fn home(&self, key: u64) -> usize {
        (key.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> self.shift) as usize
    }

    /// Where `key` is, or the free slot where it would go; one half of the slots is always free.
    #[inline]
    fn find(&self, key: u64) -> usize {
        let mask = self.slots.len() - 1;
        let mut at = self.home(key);
        while self.slots[at].value.is_some() && self.slots[at].key != key {
            at = (at + 1) & mask;
        }
        at
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;
    use crate::rng::Rng;

    #[test]
    fn agrees_with_a_std_map_through_inserts_and_removals() {
        for seed in 0..20 {
            let (mut rng, mut table, mut twin) = (Rng::new(seed), Table::new(64), HashMap::new());
            for step in 0..20_000u64 {
                // Few distinct keys, some of them far apart, so that runs collide and shift.
                let key = rng.below(90) << (rng.below(2) * 57);
                if rng.chance(1, 2) {
                    let fits = twin.len() < 64 || twin.contains_key(&key);
                    assert_eq!(table.insert(key, step).is_ok(), fits, "seed {seed}");
                    if fits {
                        twin.insert(key, step);
                    }
                } else {
                    assert_eq!(table.remove(key), twin.remove(&key), "seed {seed} step {step}");
                }
                assert_eq!((table.len(), table.is_full()), (twin.len(), twin.len() == 64));
            }
            for key in (0..90).flat_map(|k| [k, k << 57]) {
                assert_eq!(table.get(key), twin.get(&key).copied(), "seed {seed}");
            }
            table.retain(|key, value| key % 3 == 0 && value % 2 == 0);
            twin.retain(|key, value| key % 3 == 0 && *value % 2 == 0);
            assert_eq!(table.len(), twin.len());
            assert!(twin.iter().all(|(key, value)| table.get(*key) == Some(*value)));
            table.retain(|_, _| false);
            assert!(table.is_empty() && table.get(1).is_none());
        }
    }
}
