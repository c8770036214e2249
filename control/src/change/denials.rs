//! [`Denials`]: which denials are written into the audit log, when somebody asks without end.
//!
//! Model: of one person [`A_SECOND`] entries a second are written. Those above are counted, and the
//! number stands in the next entry; when none comes, in one of its own after that second.
//!
//! Worst case: memory is one short record per person who was denied something within a second.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Denials of one person that are written within [`SECOND`].
const A_SECOND: u32 = 5;
/// The span that is counted over.
pub(super) const SECOND: Duration = Duration::from_secs(1);

/// What was denied lately, by person.
#[derive(Default)]
pub struct Denials {
    people: Mutex<HashMap<String, Lately>>,
}

struct Lately {
    since: Instant,
    written: u32,
    left_out: u64,
}

/// What to do about a denial.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Note {
    /// Write it, with the number of those left out before.
    Write(u64),
    /// Leave it out; it is the first: ask for the number after [`SECOND`].
    First,
    /// Leave it out.
    LeftOut,
}

impl Denials {
    /// Something was denied to this person.
    pub(super) fn note(&self, person: &str, now: Instant) -> Note {
        let mut people = self.locked();
        let over = |lately: &Lately| now.saturating_duration_since(lately.since) >= SECOND;
        people.retain(|_, lately| lately.left_out > 0 || !over(lately));
        let new = || Lately { since: now, written: 0, left_out: 0 };
        let lately = people.entry(person.to_owned()).or_insert_with(new);
        if over(lately) {
            (lately.since, lately.written) = (now, 0);
        }
        if lately.written < A_SECOND {
            lately.written += 1;
            return Note::Write(std::mem::take(&mut lately.left_out));
        }
        lately.left_out += 1;
        if lately.left_out == 1 { Note::First } else { Note::LeftOut }
    }

    /// The number of those left out that no entry tells of yet.
    pub(super) fn left_out(&self, person: &str) -> u64 {
        let mut people = self.locked();
        people.get_mut(person).map_or(0, |lately| std::mem::take(&mut lately.left_out))
    }

    fn locked(&self) -> MutexGuard<'_, HashMap<String, Lately>> {
        self.people.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_many_denials_some_are_written_and_the_rest_are_counted() {
        let (denials, begun) = (Denials::default(), Instant::now());
        let note = |person: &str, after: u32| denials.note(person, begun + SECOND * after);
        for _ in 0..A_SECOND {
            assert_eq!(note("eve", 0), Note::Write(0));
        }
        assert_eq!(note("eve", 0), Note::First);
        assert_eq!(note("eve", 0), Note::LeftOut);
        assert_eq!(note("bob", 0), Note::Write(0), "somebody else");
        assert_eq!(note("eve", 1), Note::Write(2));
        for _ in 1..A_SECOND {
            assert_eq!(note("eve", 1), Note::Write(0));
        }
        assert_eq!((note("eve", 1), denials.left_out("eve")), (Note::First, 1));
        assert_eq!(denials.left_out("eve"), 0);
        // Only those of the last second are remembered.
        assert_eq!(note("alice", 9), Note::Write(0));
        assert_eq!(denials.locked().len(), 1);
    }
}
