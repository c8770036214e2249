//! [`Places`]: how many changes may wait or run, in all and of one person.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use axum::http::StatusCode;

use crate::problem::Problem;

/// Changes that may wait or run at one time.
const AT_ONCE: usize = 64;
/// The same of one person: whoever sends many leaves room for the halt of another.
const OF_ONE: usize = 8;

/// Changes that wait or run, by person.
#[derive(Default)]
pub struct Places {
    held: Arc<Mutex<HashMap<String, usize>>>,
}

/// The right to one change; given back when dropped.
#[derive(Debug)]
pub(super) struct Place {
    held: Arc<Mutex<HashMap<String, usize>>>,
    person: String,
}

impl Places {
    /// A place for a change of this person.
    ///
    /// # Errors
    /// There are too many, of this person or in all.
    pub(super) fn take(&self, person: &str) -> Result<Place, Problem> {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        if held.get(person).is_some_and(|of_one| *of_one >= OF_ONE) {
            let (status, title) = (StatusCode::TOO_MANY_REQUESTS, "Too many at once");
            let detail = format!("{OF_ONE} changes of {person} are waiting");
            return Err(Problem::new(status, "too_many_changes", title, detail)
                .todo("wait for their answers, then send it with the same Idempotency-Key"));
        }
        if held.values().sum::<usize>() >= AT_ONCE {
            return Err(Problem::unavailable("busy", format!("{AT_ONCE} changes are waiting"))
                .todo("wait a moment and send it again with the same Idempotency-Key"));
        }
        *held.entry(person.to_owned()).or_default() += 1;
        Ok(Place { held: self.held.clone(), person: person.to_owned() })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(of_one) = held.get_mut(&self.person) {
            *of_one = of_one.saturating_sub(1);
            if *of_one == 0 {
                held.remove(&self.person);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_person_cannot_take_every_place() {
        let places = Places::default();
        let mut held: Vec<Place> = (0..OF_ONE).map(|_| places.take("eve").expect("free")).collect();
        assert_eq!(places.take("eve").expect_err("too many").code, "too_many_changes");
        held.extend((OF_ONE..AT_ONCE).map(|n| places.take(&format!("p{n}")).expect("free")));
        assert_eq!(places.take("alice").expect_err("all taken").code, "busy");
        held.clear();
        assert!(places.held.lock().expect("whole").is_empty());
        places.take("eve").expect("given back");
    }
}
