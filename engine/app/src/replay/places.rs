//! Where in the input each kind of fault was first seen.
//!
//! Model: after each item the sum of all fault counts is compared with the sum before; only where it
//! changed are they looked at by name. No allocation.

use crate::input::Item;

/// Kinds of faults whose place is kept.
const KINDS: usize = 64;

/// The places; see the module.
pub struct Places {
    sum: u64,
    rows: [Row; KINDS],
    used: usize,
}

#[derive(Clone, Copy, Default)]
struct Row {
    name: &'static str,
    count: u64,
    place: Place,
}

/// One item of the input.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Place {
    /// The end of the input.
    #[default]
    End,
    /// A packet, counted over all files from 1.
    Packet(u64),
    /// A tick: its channel and number.
    Tick(u16, u64),
}

impl Place {
    /// Where an item stands.
    #[inline]
    pub fn of(item: &Item<'_>) -> Place {
        match item {
            Item::Packet { number, .. } | Item::Segment { number, .. } => Place::Packet(*number),
            Item::Tick(tick, _) => Place::Tick(tick.channel, tick.seq),
            Item::Skipped | Item::Message(_) | Item::Mbo(..) => Place::End,
        }
    }
}

impl Default for Places {
    fn default() -> Places {
        Places { sum: 0, rows: [Row::default(); KINDS], used: 0 }
    }
}

impl Places {
    /// After the item at `place` the counts are `faults`.
    #[inline]
    pub fn look(
        &mut self,
        place: Place,
        faults: impl Iterator<Item = (&'static str, u64)> + Clone,
    ) {
        let sum = faults.clone().fold(0, |sum: u64, (_, count)| sum.wrapping_add(count));
        if sum != self.sum {
            self.sum = sum;
            self.note(place, faults);
        }
    }

    #[cold]
    fn note(&mut self, place: Place, faults: impl Iterator<Item = (&'static str, u64)>) {
        for (name, count) in faults.filter(|(_, count)| *count > 0) {
            let known = self.rows.iter_mut().take(self.used).find(|row| row.name == name);
            if let Some(row) = known {
                row.count = count;
            } else if let Some(row) = self.rows.get_mut(self.used) {
                *row = Row { name, count, place };
                self.used += 1;
            }
        }
    }

    /// The faults, in the order in which they came.
    pub fn lines(&self) -> impl Iterator<Item = String> + '_ {
        self.rows.iter().take(self.used).map(|Row { name, count, place }| match place {
            Place::End => format!("{name}: {count}"),
            Place::Packet(number) => format!("{name}: {count}, first at packet {number}"),
            Place::Tick(channel, seq) => {
                format!("{name}: {count}, first at number {seq} of channel {channel}")
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_place_of_each_kind_is_kept_with_the_last_count() {
        let mut places = Places::default();
        places.look(Place::Packet(1), [("a", 0), ("b", 0)].into_iter());
        assert_eq!(places.lines().count(), 0);
        places.look(Place::Packet(2), [("a", 0), ("b", 1)].into_iter());
        places.look(Place::Tick(6, 9), [("a", 2), ("b", 3)].into_iter());
        let lines: Vec<_> = places.lines().collect();
        assert_eq!(lines, ["b: 3, first at packet 2", "a: 2, first at number 9 of channel 6"]);
    }
}
