//! Which reports were seen, where the venue numbers them per partition: shared by all sessions that
//! the same reports come to, so that each moves the state machine once.
//!
//! Every session brings the reports of a partition in their order and without holes from the place
//! up to which it was synchronised, so what is above the last one seen is new, whoever brings it.

/// Partitions that are told apart; a real gateway has a few.
pub(crate) const PARTITIONS_MAX: usize = 64;

/// A partition: whose reports, and which set of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Partition {
    /// Trading unit, where sets are numbered per unit.
    pub unit: [u8; 8],
    pub set: u32,
}

#[derive(Clone, Debug)]
pub(crate) struct Seen {
    rows: [(Partition, u64); PARTITIONS_MAX],
    len: usize,
}

impl Seen {
    pub fn new() -> Seen {
        Seen { rows: [(Partition::default(), 0); PARTITIONS_MAX], len: 0 }
    }

    fn rows(&self) -> &[(Partition, u64)] {
        self.rows.get(..self.len).unwrap_or(&[])
    }

    /// Index of the last report seen; 0 when there was none.
    pub fn last(&self, of: Partition) -> u64 {
        self.rows().iter().find(|row| row.0 == of).map_or(0, |row| row.1)
    }

    /// Numbers a report; `Some(false)` when it was seen, `None` when there are too many partitions.
    #[inline]
    pub fn is_new(&mut self, of: Partition, index: u64) -> Option<bool> {
        let at = self.rows().iter().position(|row| row.0 == of).unwrap_or(self.len);
        let row = self.rows.get_mut(at)?;
        self.len = self.len.max(at + 1);
        row.0 = of;
        let new = index > row.1;
        row.1 = row.1.max(index);
        Some(new)
    }

    /// Sum of the last indices: it rises with every report that is new.
    pub fn total(&self) -> u64 {
        self.rows().iter().fold(0, |sum, row| sum.saturating_add(row.1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_partition_counts_alone() {
        let of = |unit: u8, set| Partition { unit: [unit; 8], set };
        let mut seen = Seen::new();
        assert_eq!(
            [1, 2, 2, 1, 5].map(|n| seen.is_new(of(1, 1), n).unwrap()),
            [true, true, false, false, true]
        );
        assert_eq!(seen.is_new(of(2, 1), 1), Some(true));
        assert_eq!((seen.last(of(1, 1)), seen.last(of(1, 2)), seen.total()), (5, 0, 6));
        for set in 2..64 {
            assert_eq!(seen.is_new(of(1, set), 1), Some(true));
        }
        assert_eq!(seen.is_new(of(1, 64), 1), None);
        assert_eq!(seen.is_new(of(1, 63), 1), Some(false));
    }
}
