//! What the policy denies stands in the audit log: a change, a kill, a release, a look.
//!
//! Model: [`refuse`] is the one way from a [`Denied`] to an answer, so that no denial is told without
//! being written. [`Denials`] bounds what somebody who asks without end can write: of one person
//! [`A_SECOND`] entries a second. Those above are counted, and the number stands in the next entry;
//! when none comes, in one of its own after that second.
//!
//! Worst case: memory is one short record per person who was denied something within a second. A log
//! that cannot be written allows nothing: the denial is one either way.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::app::App;
use crate::audit::Entry;
use crate::identity::Caller;
use crate::policy::Denied;
use crate::problem::{self, Problem};
use crate::time;

/// Denials of one person that are written within [`SECOND`].
const A_SECOND: u32 = 5;
/// Characters of an object: the name of an engine comes from the request.
const OBJECT_MAX: usize = 200;
/// Characters of a text: nobody has looked yet how long the reason is, or the name in the `why`.
const TEXT_MAX: usize = 1_000;
/// The span that is counted over.
const SECOND: Duration = Duration::from_secs(1);

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
enum Note {
    /// Write it, with the number of those left out before.
    Write(u64),
    /// Leave it out; it is the first: ask for the number after [`SECOND`].
    First,
    /// Leave it out.
    LeftOut,
}

impl Denials {
    /// Something was denied to this person.
    fn note(&self, person: &str, now: Instant) -> Note {
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
    fn left_out(&self, person: &str) -> u64 {
        let mut people = self.locked();
        people.get_mut(person).map_or(0, |lately| std::mem::take(&mut lately.left_out))
    }

    fn locked(&self) -> MutexGuard<'_, HashMap<String, Lately>> {
        self.people.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Writes a denial down, and makes the answer of it; `reason` is what was given with the request.
pub async fn refuse(app: &Arc<App>, caller: &Caller, reason: &str, denied: Denied) -> Problem {
    record(app, caller, reason, &denied).await;
    let todo = denied.todo();
    Problem::forbidden(denied.to_string()).todo(todo)
}

/// Writes a denial down, or counts it.
pub async fn record(app: &Arc<App>, caller: &Caller, reason: &str, denied: &Denied) {
    let mut entry = entry(app, caller, reason, denied);
    match app.denials.note(&entry.who, Instant::now()) {
        Note::Write(left_out) => {
            if left_out > 0 {
                entry.after["left_out"] = left_out.into();
            }
            _ = app.audit.record(entry).await;
        }
        Note::First => {
            let app = app.clone();
            tokio::spawn(async move {
                tokio::time::sleep(SECOND).await;
                let left_out = app.denials.left_out(&entry.who);
                if left_out > 0 {
                    entry.when = time::now().0;
                    entry.after = json!({ "why": "as before", "left_out": left_out });
                    _ = app.audit.record(entry).await;
                }
            });
        }
        Note::LeftOut => {}
    }
}

fn entry(app: &App, caller: &Caller, reason: &str, denied: &Denied) -> Entry {
    let on = &denied.on;
    let mut object = format!("engine/{}", on.engine);
    if !on.what.is_empty() {
        object = format!("{object}/{}", on.what);
    }
    Entry {
        who: caller.person.clone(),
        role: caller.roles_text(),
        action: denied.action.name().into(),
        object: first(OBJECT_MAX, &object),
        when: time::now().0,
        clock_error_ns: app.clock.error_ns(),
        before: Value::Null,
        after: json!({ "why": first(TEXT_MAX, &denied.to_string()) }),
        reason: first(TEXT_MAX, reason),
        correlation: problem::correlation(),
        result: "refused".into(),
        sensitive: false,
    }
}

fn first(characters: usize, text: &str) -> String {
    text.chars().take(characters).collect()
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
