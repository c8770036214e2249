//! Which instruments a strategy trades, and where their rows are.

use std::fmt;

use nofx_types::InstrumentId;

/// Marks an instrument without a row.
const ABSENT: u16 = u16::MAX;

/// A few instruments of a large table, each with a dense row number: 50 of 8,000, say.
///
/// Two bytes per instrument of the table; a look-up is one load.
#[derive(Clone, Debug)]
pub struct InstrumentSet {
    ids: Box<[InstrumentId]>,
    rows: Box<[u16]>,
}

/// Why instruments make no set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SetError {
    /// The id is outside the instrument table.
    Outside {
        /// The id.
        id: InstrumentId,
        /// How many instruments the table holds.
        capacity: u32,
    },
    /// The id is there twice.
    Twice(InstrumentId),
    /// More instruments than a set holds.
    TooMany(usize),
}

impl fmt::Display for SetError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SetError::Outside { id, capacity } => write!(
                f,
                "instrument {} is outside a table of {capacity}: raise `instruments`",
                id.0
            ),
            SetError::Twice(id) => write!(f, "instrument {} is listed twice: remove one", id.0),
            SetError::TooMany(count) => {
                write!(f, "{count} instruments for one strategy: at most {ABSENT}")
            }
        }
    }
}

impl std::error::Error for SetError {}

impl InstrumentSet {
    /// The instruments `ids`, in this order, of a table of `capacity`.
    pub fn new(ids: &[InstrumentId], capacity: u32) -> Result<InstrumentSet, SetError> {
        let mut rows = vec![ABSENT; capacity as usize].into_boxed_slice();
        for (row, id) in ids.iter().enumerate() {
            let row = u16::try_from(row).ok().filter(|row| *row != ABSENT);
            let row = row.ok_or(SetError::TooMany(ids.len()))?;
            match rows.get_mut(id.index()) {
                None => return Err(SetError::Outside { id: *id, capacity }),
                Some(slot) if *slot != ABSENT => return Err(SetError::Twice(*id)),
                Some(slot) => *slot = row,
            }
        }
        Ok(InstrumentSet { ids: ids.into(), rows })
    }

    /// The row of `id`, if it is in the set.
    #[inline]
    pub fn row(&self, id: InstrumentId) -> Option<usize> {
        self.rows.get(id.index()).filter(|row| **row != ABSENT).map(|row| usize::from(*row))
    }

    /// The instruments, in the order of their rows.
    #[inline]
    pub fn ids(&self) -> &[InstrumentId] {
        &self.ids
    }

    /// How many rows there are.
    pub fn len(&self) -> usize {
        self.ids.len()
    }

    /// Whether the set is empty.
    pub fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_follow_the_order_given_and_others_have_none() {
        let ids = [InstrumentId(7999), InstrumentId(0), InstrumentId(12)];
        let set = InstrumentSet::new(&ids, 8000).expect("inside the table");
        assert_eq!(ids.map(|id| set.row(id)), [Some(0), Some(1), Some(2)]);
        for absent in [InstrumentId(1), InstrumentId(8000), InstrumentId::ALL] {
            assert_eq!(set.row(absent), None);
        }
    }

    #[test]
    fn impossible_sets_are_refused_by_reason() {
        let check = |ids: &[u32], want: SetError| {
            let ids: Vec<_> = ids.iter().copied().map(InstrumentId).collect();
            assert_eq!(InstrumentSet::new(&ids, 10).map(|_| ()), Err(want));
        };
        check(&[1, 10], SetError::Outside { id: InstrumentId(10), capacity: 10 });
        check(&[1, 2, 1], SetError::Twice(InstrumentId(1)));
        let many: Vec<_> = (0..70_000).map(InstrumentId).collect();
        let error = InstrumentSet::new(&many, 70_000).map(|_| ());
        assert_eq!(error, Err(SetError::TooMany(70_000)));
    }
}
