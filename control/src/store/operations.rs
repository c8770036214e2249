//! Changes under way, written ahead, and the answers that idempotency keys bring back.
//!
//! Model: a change is one row from before its effect until its answer is known; its [`Step`] says how
//! far it came. What the process finds unfinished when it starts is settled by looking at the
//! engine. A row with an idempotency key keeps its answer for [`KEY_LIFE_NS`].
//!
//! Worst case: [`ROWS`] rows. Ended ones are dropped after their life; when the table is full of
//! younger ones, new changes are refused rather than old answers forgotten: a forgotten key would
//! let a repeated request act twice.

use rusqlite::{Connection, OptionalExtension, Row, params};

use super::{Store, StoreError};

/// How long a key brings the same answer back.
pub const KEY_LIFE_NS: u64 = 24 * 3_600 * 1_000_000_000;
/// Most rows: more than one change a second, all day.
const ROWS: u32 = 100_000;

/// How far a change came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    /// Written down; the effect may or may not have begun.
    Intended = 0,
    /// The effect's outcome is known (or known to be unknown) and written down.
    Known = 1,
    /// Its result is in the audit log and its answer is kept.
    Ended = 2,
}

/// A change that did not end.
#[derive(Clone, Debug, PartialEq)]
pub struct Operation {
    /// Its number: id of a command, too.
    pub id: u64,
    /// How far it came.
    pub step: Step,
    /// What it is: JSON of the change.
    pub record: String,
    /// JSON of the outcome, from [`Step::Known`] on.
    pub outcome: Option<String>,
    /// When it began.
    pub started_ns: u64,
}

/// An answer as it was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    /// HTTP status.
    pub status: u16,
    /// JSON.
    pub body: String,
}

/// What a key means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Claim {
    /// It was not used.
    New,
    /// It was used for the same request, which ended.
    Answered(Stored),
    /// It was used for the same request, which is not settled yet.
    UnderWay,
    /// It was used for another request.
    OtherRequest,
}

impl Store {
    /// Looks up an idempotency key of a person.
    ///
    /// # Errors
    /// The store fails.
    pub async fn claim(
        &self,
        person: &str,
        key: &str,
        fingerprint: [u8; 32],
    ) -> Result<Claim, StoreError> {
        let (person, key) = (person.to_owned(), key.to_owned());
        self.run(move |db| {
            let sql = "SELECT fingerprint, step, status, body FROM operation
                WHERE person = ?1 AND key = ?2";
            let found = db.query_row(sql, params![person, key], |row| {
                let print: Option<Vec<u8>> = row.get(0)?;
                let (step, status): (u8, Option<u16>) = (row.get(1)?, row.get(2)?);
                let body: Option<String> = row.get(3)?;
                Ok((print, step, status.zip(body)))
            });
            Ok(match found.optional()? {
                None => Claim::New,
                Some((print, ..)) if print.as_deref() != Some(&fingerprint[..]) => {
                    Claim::OtherRequest
                }
                Some((_, step, Some((status, body)))) if step == Step::Ended as u8 => {
                    Claim::Answered(Stored { status, body })
                }
                Some(_) => Claim::UnderWay,
            })
        })
        .await
    }

    /// Writes a change down before its effect; returns its number.
    ///
    /// # Errors
    /// The table is full, the store fails, or the key is in use.
    pub async fn begin(
        &self,
        person: &str,
        key: Option<(String, [u8; 32])>,
        record: String,
        now_ns: u64,
    ) -> Result<u64, StoreError> {
        let person = person.to_owned();
        self.run(move |db| {
            forget(db, now_ns)?;
            let count: u32 =
                db.query_row("SELECT count(*) FROM operation", [], |row| row.get(0))?;
            if count >= ROWS {
                return Err(StoreError::Full("too many changes in a day: wait, or ask less often"));
            }
            let (key, print) = key.map(|(key, print)| (key, print.to_vec())).unzip();
            db.execute(
                "INSERT INTO operation (person, key, fingerprint, step, record, started_ns)
                 VALUES (?1, ?2, ?3, 0, ?4, ?5)",
                params![person, key, print, record, now_ns as i64],
            )?;
            Ok(db.last_insert_rowid() as u64)
        })
        .await
    }

    /// The outcome of a change is known.
    ///
    /// # Errors
    /// The store fails.
    pub async fn know(&self, id: u64, outcome: String) -> Result<(), StoreError> {
        self.run(move |db| {
            let sql = "UPDATE operation SET step = 1, outcome = ?2 WHERE id = ?1";
            db.execute(sql, params![id as i64, outcome])?;
            Ok(())
        })
        .await
    }

    /// A change ended with this answer.
    ///
    /// # Errors
    /// The store fails.
    pub async fn end(&self, id: u64, answer: Stored) -> Result<(), StoreError> {
        self.run(move |db| {
            let sql = "UPDATE operation SET step = 2, status = ?2, body = ?3 WHERE id = ?1";
            db.execute(sql, params![id as i64, answer.status, answer.body])?;
            Ok(())
        })
        .await
    }

    /// Forgets a change whose effect did not begin, with its key.
    ///
    /// # Errors
    /// The store fails.
    pub async fn abandon(&self, id: u64) -> Result<(), StoreError> {
        self.run(move |db| {
            db.execute("DELETE FROM operation WHERE id = ?1", [id as i64])?;
            Ok(())
        })
        .await
    }

    /// Changes that did not end, oldest first.
    ///
    /// # Errors
    /// The store fails.
    pub async fn unended(&self) -> Result<Vec<Operation>, StoreError> {
        self.run(|db| {
            let sql = "SELECT id, step, record, outcome, started_ns FROM operation
                WHERE step < 2 ORDER BY id";
            let mut rows = db.prepare_cached(sql)?;
            let found = rows.query_map([], operation)?.collect::<Result<_, _>>()?;
            Ok(found)
        })
        .await
    }
}

fn operation(row: &Row<'_>) -> rusqlite::Result<Operation> {
    Ok(Operation {
        id: row.get::<_, i64>(0)? as u64,
        step: if row.get::<_, u8>(1)? == 0 { Step::Intended } else { Step::Known },
        record: row.get(2)?,
        outcome: row.get(3)?,
        started_ns: row.get::<_, i64>(4)? as u64,
    })
}

fn forget(db: &Connection, now_ns: u64) -> Result<(), StoreError> {
    let before = now_ns.saturating_sub(KEY_LIFE_NS) as i64;
    db.execute("DELETE FROM operation WHERE step = 2 AND started_ns < ?1", [before])?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn store() -> (Store, tempfile::TempDir) {
        let dir = tempfile::tempdir().expect("a folder");
        (Store::at(dir.path().join("store")).expect("a store"), dir)
    }

    #[tokio::test]
    async fn a_key_brings_its_answer_back_until_its_life_ends() {
        let (store, _dir) = store().await;
        let (print, other) = ([1; 32], [2; 32]);
        assert_eq!(store.claim("alice", "k", print).await.expect("read"), Claim::New);
        let key = || Some(("k".to_owned(), print));
        let id = store.begin("alice", key(), "{}".into(), 10).await.expect("written");
        assert_eq!(store.claim("alice", "k", print).await.expect("read"), Claim::UnderWay);
        assert!(store.begin("alice", key(), "{}".into(), 10).await.is_err(), "in use");
        assert_eq!(store.unended().await.expect("read").len(), 1);
        store.know(id, "{}".into()).await.expect("written");
        let answer = Stored { status: 200, body: "{\"a\":1}".into() };
        store.end(id, answer.clone()).await.expect("written");
        assert_eq!(store.unended().await.expect("read"), []);
        let again = store.claim("alice", "k", print).await.expect("read");
        assert_eq!(again, Claim::Answered(answer));
        assert_eq!(store.claim("alice", "k", other).await.expect("read"), Claim::OtherRequest);
        assert_eq!(store.claim("bob", "k", other).await.expect("read"), Claim::New);
        store.begin("bob", None, "{}".into(), 11 + KEY_LIFE_NS).await.expect("written");
        assert_eq!(store.claim("alice", "k", print).await.expect("read"), Claim::New);
    }
}
