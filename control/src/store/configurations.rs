//! Configurations: named sets of changes on their way from a draft to every engine.
//!
//! ```text
//!  draft ──validate──> validated ──canary──> canary ──apply──> applied
//!                          │                   │                  │
//!                          └─────── a step that fails ──> failed  │
//!                                                  │              │
//!                                   roll back <────┴──────────────┘──> rolled_back
//! ```
//!
//! Model: one row with a revision that every write raises; a write names the revision it read and is
//! refused when another came first. `doing` stands in the row from before a transition's first effect
//! until its last, with the state of every engine, so a crash in the middle leaves a row that says
//! which engines have it.
//!
//! Worst case: [`ROWS`] rows, the oldest that are at rest are dropped; [`HISTORY`] entries in each.

use std::collections::BTreeMap;

use rusqlite::{OptionalExtension, params};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Store, StoreError, json, text};
use crate::change::{Setting, Target};

/// Configurations kept.
const ROWS: u32 = 1_000;
/// Entries kept in the history of one.
const HISTORY: usize = 64;

/// How far a configuration came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// Written, not looked at.
    Draft,
    /// Every engine's schema and present page take it.
    Validated,
    /// One engine has it and acknowledged.
    Canary,
    /// Every engine has it and acknowledged.
    Applied,
    /// Every engine has again what it had before.
    RolledBack,
    /// Some engine did not take it, or has not said; `members` names them.
    Failed,
}

impl Stage {
    /// The name in JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Stage::Draft => "draft",
            Stage::Validated => "validated",
            Stage::Canary => "canary",
            Stage::Applied => "applied",
            Stage::RolledBack => "rolled_back",
            Stage::Failed => "failed",
        }
    }
}

/// A transition that was begun.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Transition {
    /// A look at every engine.
    Validate,
    /// To one engine.
    Canary,
    /// To all engines.
    Apply,
    /// Back on all engines that have it.
    RollBack,
}

/// What one engine has of a configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum MemberState {
    /// Nothing was done to it.
    Untouched,
    /// It was about to be changed.
    UnderWay,
    /// It has the configuration and acknowledged.
    Applied,
    /// It refused and kept what it had.
    Refused,
    /// It has not said; it may have it.
    Unknown,
    /// It has again what it had before.
    RolledBack,
}

/// One engine of a configuration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Member {
    /// What it has.
    pub state: MemberState,
    /// Version of its page when the configuration was validated: what a rollback goes back to.
    pub base: u64,
    /// Version that the configuration became there; 0: none.
    pub version: u64,
    /// Why, in words, where something went wrong.
    pub detail: String,
}

/// One line of a configuration's history.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Entry {
    /// Revision that it made.
    pub revision: u64,
    /// Stage after it.
    pub stage: Stage,
    /// Number of the change that made it.
    pub change: u64,
    /// Who.
    pub person: String,
    /// When, nanoseconds since 1970.
    pub at_ns: u64,
    /// What was done, and why.
    pub text: String,
}

/// A configuration.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Configuration {
    /// Its number.
    pub id: u64,
    /// Resource version: raised by every write, named in `If-Match`.
    pub revision: u64,
    /// Its name.
    pub name: String,
    /// How far it came.
    pub stage: Stage,
    /// A transition that was begun and has not ended.
    pub doing: Option<Transition>,
    /// What it sets.
    pub set: Vec<Setting>,
    /// What goes back to the engine's configuration file.
    pub unset: Vec<Target>,
    /// The engines it is for, in the order in which they get it.
    pub engines: Vec<String>,
    /// What each of them has.
    pub members: BTreeMap<String, Member>,
    /// What happened, oldest first; the last 64.
    pub history: Vec<Entry>,
}

impl Configuration {
    /// Adds a line to the history and moves to its stage. The line is of the next revision.
    pub fn note(&mut self, entry: Entry) {
        self.stage = entry.stage;
        self.history.push(Entry { revision: self.revision + 1, ..entry });
        let over = self.history.len().saturating_sub(HISTORY);
        self.history.drain(..over);
    }
}

impl Store {
    /// Writes a new one; returns it with its number and first revision.
    ///
    /// # Errors
    /// The table is full of unfinished ones, or the store fails.
    pub async fn draft(&self, mut draft: Configuration) -> Result<Configuration, StoreError> {
        self.run(move |db| {
            let db = db.transaction()?;
            db.execute(
                "DELETE FROM configuration WHERE doing IS NULL
                 AND stage IN ('applied', 'rolled_back', 'draft', 'validated') AND id <=
                 (SELECT id FROM configuration ORDER BY id DESC LIMIT 1 OFFSET ?1)",
                [ROWS - 1],
            )?;
            let count: u32 =
                db.query_row("SELECT count(*) FROM configuration", [], |row| row.get(0))?;
            if count >= ROWS {
                let why = "a thousand configurations are unfinished: roll some of them back";
                return Err(StoreError::Full(why));
            }
            draft.revision = 1;
            let sql = "INSERT INTO configuration (revision, stage, doing, record)
                VALUES (1, ?1, NULL, '')";
            db.execute(sql, [draft.stage.name()])?;
            draft.id = db.last_insert_rowid() as u64;
            let sql = "UPDATE configuration SET record = ?2 WHERE id = ?1";
            db.execute(sql, params![draft.id as i64, text(&draft)?])?;
            db.commit()?;
            Ok(draft)
        })
        .await
    }

    /// One of them.
    ///
    /// # Errors
    /// The store fails.
    pub async fn configuration(&self, id: u64) -> Result<Option<Configuration>, StoreError> {
        let Ok(id) = i64::try_from(id) else { return Ok(None) };
        self.run(move |db| {
            let sql = "SELECT record FROM configuration WHERE id = ?1";
            let found = db.query_row(sql, [id], |row| row.get::<_, String>(0)).optional()?;
            found.map(|record| json("configuration", &record)).transpose()
        })
        .await
    }

    /// Those below `below`, newest first.
    ///
    /// # Errors
    /// The store fails.
    pub async fn configurations(
        &self,
        below: u64,
        limit: u32,
    ) -> Result<Vec<Configuration>, StoreError> {
        self.run(move |db| {
            let sql = "SELECT record FROM configuration WHERE id < ?1 ORDER BY id DESC LIMIT ?2";
            let below = i64::try_from(below).unwrap_or(i64::MAX);
            let mut rows = db.prepare_cached(sql)?;
            let found: Vec<String> = rows
                .query_map(params![below, limit], |row| row.get(0))?
                .collect::<Result<_, _>>()?;
            found.iter().map(|record| json("configuration", record)).collect()
        })
        .await
    }

    /// The one that a change wrote first.
    ///
    /// # Errors
    /// The store fails.
    pub async fn drafted_by(&self, change: u64) -> Result<Option<Configuration>, StoreError> {
        self.run(move |db| {
            let sql = "SELECT record FROM configuration
                WHERE json_extract(record, '$.history[0].change') = ?1";
            let found = db.query_row(sql, [change as i64], |row| row.get::<_, String>(0));
            found.optional()?.map(|record| json("configuration", &record)).transpose()
        })
        .await
    }

    /// Writes one under the next revision; `None` when another write came first.
    ///
    /// # Errors
    /// The store fails.
    pub async fn put_configuration(
        &self,
        mut changed: Configuration,
    ) -> Result<Option<Configuration>, StoreError> {
        self.run(move |db| {
            let read = changed.revision;
            changed.revision = read + 1;
            let doing = changed.doing.as_ref().map(text).transpose()?;
            let sql = "UPDATE configuration SET revision = ?3, stage = ?4, doing = ?5, record = ?6
                WHERE id = ?1 AND revision = ?2";
            let (id, stage) = (changed.id as i64, changed.stage.name());
            let (read, next) = (read as i64, changed.revision as i64);
            let rows = db.execute(sql, params![id, read, next, stage, doing, text(&changed)?])?;
            Ok((rows == 1).then_some(changed))
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn of_two_writers_one_wins() {
        let dir = tempfile::tempdir().expect("a folder");
        let store = Store::at(dir.path().join("store")).expect("a store");
        let draft = Configuration {
            id: 0,
            revision: 0,
            name: "n".into(),
            stage: Stage::Draft,
            doing: None,
            set: Vec::new(),
            unset: Vec::new(),
            engines: vec!["a".into()],
            members: BTreeMap::new(),
            history: Vec::new(),
        };
        let draft = store.draft(draft).await.expect("written");
        assert_eq!((draft.id, draft.revision), (1, 1));
        let mut first = draft.clone();
        first.doing = Some(Transition::Canary);
        first.note(Entry {
            revision: 0,
            stage: Stage::Validated,
            change: 77,
            person: "alice".into(),
            at_ns: 1,
            text: "looked".into(),
        });
        let first = store.put_configuration(first).await.expect("written").expect("first");
        assert_eq!(first.history[0].revision, first.revision);
        assert_eq!(store.put_configuration(draft).await.expect("read"), None);
        assert_eq!(store.configuration(1).await.expect("read"), Some(first.clone()));
        assert_eq!(store.drafted_by(77).await.expect("read"), Some(first.clone()));
        assert_eq!(store.drafted_by(78).await.expect("read"), None);
        assert_eq!(store.configurations(u64::MAX, 9).await.expect("read"), [first]);
        assert_eq!(store.configurations(1, 9).await.expect("read"), []);
        assert_eq!(store.configuration(u64::MAX).await.expect("read"), None);
    }
}
