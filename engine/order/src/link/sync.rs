//! Synchronisation of reports by partition, as both mainland gateways do it: the gateway names the
//! partitions, we say up to where we have each, it sends what is missing and says where that ends.

use crate::seen::{PARTITIONS_MAX, Partition, Seen};

#[derive(Clone, Copy, Debug, Default)]
struct Row {
    of: Partition,
    /// Index of the last report that the gateway had; unknown before it says so.
    end: Option<u64>,
}

#[derive(Clone, Debug)]
pub(crate) struct Sync {
    rows: [Row; PARTITIONS_MAX],
    len: usize,
    /// The row behind the one that was found last.
    next: usize,
    /// The list has come, and the request is to be sent.
    due: bool,
    asked: bool,
    /// Ends are waited for; otherwise the request is all there is.
    await_ends: bool,
}

impl Sync {
    pub fn new(await_ends: bool) -> Sync {
        let rows = [Row::default(); PARTITIONS_MAX];
        Sync { rows, len: 0, next: 0, due: false, asked: false, await_ends }
    }

    /// A login goes out.
    pub fn clear(&mut self) {
        (self.len, self.next, self.due, self.asked) = (0, 0, false, false);
    }

    /// The gateway names its partitions; false when there are too many. A short message can name
    /// millions (each unit with each set): no more are looked at than there is room for.
    pub fn list(&mut self, mut named: impl Iterator<Item = Partition>) -> bool {
        self.due = true;
        named.by_ref().take(PARTITIONS_MAX).all(|of| self.add(of)) && named.next().is_none()
    }

    fn add(&mut self, of: Partition) -> bool {
        if self.rows().any(|row| row.of == of) {
            return true;
        }
        let Some(row) = self.rows.get_mut(self.len) else { return false };
        *row = Row { of, end: None };
        self.len += 1;
        true
    }

    /// Whether the request is to be sent.
    pub fn is_due(&self) -> bool {
        self.due
    }

    /// As [`Sync::is_due`], and it is sent now.
    pub fn take_due(&mut self) -> bool {
        let due = std::mem::take(&mut self.due);
        self.asked |= due;
        due
    }

    fn rows(&self) -> impl Iterator<Item = &Row> {
        self.rows.iter().take(self.len)
    }

    /// The partitions, and up to where each was seen.
    pub fn partitions<'a>(&'a self, seen: &'a Seen) -> impl Iterator<Item = (Partition, u64)> + 'a {
        self.rows().map(|row| (row.of, seen.last(row.of)))
    }

    /// The gateway has said `of` up to `end`; false when it was not asked for.
    pub fn ends(&mut self, of: Partition, end: u64) -> bool {
        // Answers come in the order of the request: the row behind the last is looked at first.
        let rows = self.rows.get_mut(..self.len).unwrap_or_default();
        let (front, back) = rows.split_at_mut(self.next.min(rows.len()));
        let mut behind = (self.next..).zip(back).chain((0..).zip(front));
        let Some((at, row)) = behind.find(|(_, row)| row.of == of).filter(|_| self.asked) else {
            return false;
        };
        row.end = Some(row.end.map_or(end, |had| had.max(end)));
        self.next = at + 1;
        true
    }

    /// Whether reports are missing that the gateway had at the login, or it has not said.
    pub fn is_behind(&self, seen: &Seen) -> bool {
        let missing = |row: &Row| row.end.is_none_or(|end| end > seen.last(row.of));
        !self.asked || self.await_ends && self.rows().any(missing)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_login_is_behind_until_every_partition_has_come() {
        let (one, two) = (
            Partition { set: 1, ..Partition::default() },
            Partition { set: 2, ..Partition::default() },
        );
        let (mut sync, mut seen) = (Sync::new(true), Seen::new());
        seen.is_new(one, 7);
        assert!(sync.is_behind(&seen) && !sync.take_due());
        assert!(sync.list([one, two, one].into_iter()));
        assert!(!sync.ends(one, 7), "not asked yet");
        assert!(sync.take_due() && !sync.take_due());
        assert_eq!(sync.partitions(&seen).collect::<Vec<_>>(), [(one, 7), (two, 0)]);
        assert!(sync.ends(two, 2) && sync.ends(one, 7) && sync.ends(one, 6), "in any order");
        assert!(!sync.ends(Partition { set: 3, ..one }, 1), "not named");
        assert!(sync.is_behind(&seen));
        seen.is_new(two, 2);
        assert!(!sync.is_behind(&seen));
        sync.clear();
        assert!(sync.is_behind(&seen));
    }

    #[test]
    fn a_list_is_read_no_further_than_there_is_room() {
        let of = |set| Partition { set, ..Partition::default() };
        let most = PARTITIONS_MAX as u32;
        let mut sync = Sync::new(true);
        assert!(sync.list((0..most).map(of)) && sync.list((0..most).map(of)), "said again");
        for sets in
            [(0..1_000_000).map(|_| of(0)).collect::<Vec<_>>(), (0..=most).map(of).collect()]
        {
            let (mut sync, mut read) = (Sync::new(true), 0);
            assert!(!sync.list(sets.into_iter().inspect(|_| read += 1)), "too many");
            assert!(read <= PARTITIONS_MAX + 1, "{read} were read");
        }
    }
}
