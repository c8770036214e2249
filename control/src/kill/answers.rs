//! [`Answers`]: what was answered about releases, kept by idempotency key.
//!
//! Model: a key belongs to a person and stands for one request. From the effect on its answer is kept
//! for [`LIFE`] in memory, like the proposals it is about: a process that starts anew knows neither,
//! and a request that is repeated then finds its proposal gone. What is refused before its effect
//! leaves no trace. Engaging asks nothing of this: it is done again each time.
//!
//! Worst case: [`OF_ONE`] keys of a person and [`OF_ALL`] together. When they are younger than their
//! life, another key is refused rather than an old answer forgotten.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use axum::http::StatusCode;

use crate::app::App;
use crate::change::{self, Answer, Key};
use crate::problem::Problem;
use crate::store::{Claim, KEY_LIFE_NS, Stored};

/// How long a key brings the same answer back: as those of other changes.
const LIFE: Duration = Duration::from_nanos(KEY_LIFE_NS);
/// Keys of one person.
const OF_ONE: usize = 256;
/// Keys of everybody.
const OF_ALL: usize = 4_096;

/// Answers by person and key.
#[derive(Default)]
pub struct Answers {
    kept: Mutex<HashMap<(String, String), Kept>>,
}

/// What stands under a key.
struct Kept {
    fingerprint: [u8; 32],
    since: Instant,
    /// `None`: the request is not settled.
    answer: Option<Stored>,
}

impl Answers {
    /// Takes the key for a request; `None`: there is no room.
    fn claim(&self, person: &str, key: &Key, now: Instant) -> Option<Claim> {
        let mut kept = self.locked();
        kept.retain(|_, kept| now.saturating_duration_since(kept.since) < LIFE);
        let place = (person.to_owned(), key.text.clone());
        if let Some(found) = kept.get(&place) {
            return Some(match &found.answer {
                _ if found.fingerprint != key.fingerprint => Claim::OtherRequest,
                Some(answer) => Claim::Answered(answer.clone()),
                None => Claim::UnderWay,
            });
        }
        let of_one = kept.keys().filter(|(of, _)| of == person).count();
        if of_one >= OF_ONE || kept.len() >= OF_ALL {
            return None;
        }
        kept.insert(place, Kept { fingerprint: key.fingerprint, since: now, answer: None });
        Some(Claim::New)
    }

    /// Keeps the answer of a request that had an effect, or frees its key.
    fn settle(&self, person: &str, key: &Key, answer: Option<&Answer>) {
        let mut kept = self.locked();
        let place = (person.to_owned(), key.text.clone());
        match answer {
            None => _ = kept.remove(&place),
            Some(answer) => {
                kept.entry(place).and_modify(|kept| kept.answer = Some(answer.stored()));
            }
        }
    }

    fn locked(&self) -> MutexGuard<'_, HashMap<(String, String), Kept>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Does `work` to its end, once under the key: the same request again gets the same answer. A problem
/// means that it had no effect.
///
/// # Errors
/// Those of `work`; the key stands for another request, or there are too many keys.
pub async fn once<F>(
    app: &Arc<App>,
    person: &str,
    key: Option<Key>,
    work: F,
) -> Result<Answer, Problem>
where
    F: Future<Output = Result<Answer, Problem>> + Send + 'static,
{
    let Some(key) = key else { return change::to_its_end(work).await };
    let (app, person) = (app.clone(), person.to_owned());
    change::to_its_end(async move {
        let _same_key = app.store.turn(&format!("key {person} {}", key.text)).await;
        let answers = app.kill.answers();
        let claim = answers.claim(&person, &key, Instant::now()).ok_or_else(full)?;
        if let Some(answer) = change::answered(claim, &key)? {
            return Ok(answer);
        }
        let answer = work.await;
        answers.settle(&person, &key, answer.as_ref().ok());
        answer
    })
    .await
}

fn full() -> Problem {
    let title = "Too many idempotency keys";
    let detail = format!("{OF_ONE} of one person, or {OF_ALL} of all, are kept for a day");
    Problem::new(StatusCode::TOO_MANY_REQUESTS, "too_many_keys", title, detail)
        .todo("send it without an Idempotency-Key: a release is done once in any case")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(text: &str, print: u8) -> Key {
        Key { text: text.into(), fingerprint: [print; 32] }
    }

    #[test]
    fn a_key_brings_its_answer_back_until_its_life_ends() {
        let (answers, now) = (Answers::default(), Instant::now());
        let claim = |person: &str, print| answers.claim(person, &key("k", print), now);
        assert_eq!(claim("alice", 1), Some(Claim::New));
        assert_eq!(claim("alice", 1), Some(Claim::UnderWay));
        let answer = Answer::ok(serde_json::json!({ "id": 1 }));
        answers.settle("alice", &key("k", 1), Some(&answer));
        assert_eq!(claim("alice", 1), Some(Claim::Answered(answer.stored())));
        assert_eq!(claim("alice", 2), Some(Claim::OtherRequest));
        assert_eq!(claim("bob", 2), Some(Claim::New), "another person's key is another key");
        answers.settle("bob", &key("k", 2), None);
        assert_eq!(claim("bob", 3), Some(Claim::New), "what was refused leaves no trace");
        assert_eq!(answers.claim("alice", &key("k", 2), now + LIFE), Some(Claim::New));
    }

    #[test]
    fn a_full_table_forgets_nothing() {
        let (answers, now) = (Answers::default(), Instant::now());
        let claim = |person: &str, n: usize, at| answers.claim(person, &key(&n.to_string(), 1), at);
        assert!((0..OF_ONE).all(|n| claim("alice", n, now) == Some(Claim::New)));
        assert_eq!(claim("alice", OF_ONE, now), None);
        assert_eq!(claim("alice", 0, now), Some(Claim::UnderWay), "the first is still there");
        let others = (OF_ONE..OF_ALL).all(|n| claim(&n.to_string(), n, now) == Some(Claim::New));
        assert!(others);
        assert_eq!(claim("bob", 0, now), None);
        assert_eq!(claim("bob", 0, now + LIFE), Some(Claim::New));
    }
}
