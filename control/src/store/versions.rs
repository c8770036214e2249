//! Versions of parameter pages and models, per engine.
//!
//! Model: every page or model that control published, or was about to, is a row under a number that
//! is given once. Version 0 is the engine's configuration file and has no row. `in_force` names what
//! the engine acknowledged last: what it gets again should it come up without it.
//!
//! Worst case: [`KEPT`] versions of each engine and kind; the oldest are dropped, never the one in
//! force.

use rusqlite::{Connection, OptionalExtension, Row, params};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Store, StoreError};

/// Versions kept of each engine and kind.
const KEPT: u32 = 1_000;

/// What has versions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A page of limits and parameters.
    Params = 0,
    /// A model.
    Model = 1,
}

/// What became of a version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum VersionState {
    /// Written down, not published yet.
    Intended,
    /// The engine acknowledged it.
    Applied,
    /// The engine refused it and kept what it had.
    Refused,
    /// The engine has not said; it may still.
    Unknown,
    /// It was never published.
    NotPublished,
}

impl VersionState {
    const ALL: [VersionState; 5] = [
        VersionState::Intended,
        VersionState::Applied,
        VersionState::Refused,
        VersionState::Unknown,
        VersionState::NotPublished,
    ];

    /// The name in JSON.
    pub const fn name(self) -> &'static str {
        match self {
            VersionState::Intended => "intended",
            VersionState::Applied => "applied",
            VersionState::Refused => "refused",
            VersionState::Unknown => "unknown",
            VersionState::NotPublished => "not_published",
        }
    }
}

/// One version.
#[derive(Clone, Debug, PartialEq)]
pub struct Kept {
    /// Its number; 0 lets [`Store::keep`] give one.
    pub version: u64,
    /// The version it was made from.
    pub base: u64,
    /// Hash of the schema its rows mean.
    pub schema: u64,
    /// Rows or numbers as the mailbox holds them.
    pub words: Vec<u64>,
    /// Name of a model.
    pub name: String,
    /// TOML of a model.
    pub source: String,
    /// Who made it.
    pub person: String,
    /// Why.
    pub reason: String,
    /// The configuration it belongs to.
    pub configuration: Option<u64>,
    /// When it was made.
    pub at_ns: u64,
    /// What became of it.
    pub state: VersionState,
    /// When the engine acknowledged it.
    pub acknowledged_ns: Option<u64>,
    /// Why it was refused, in words.
    pub why: String,
}

const COLUMNS: &str = "version, base, schema, words, name, source, person, reason, configuration,
    at_ns, state, acknowledged_ns, why";

impl Store {
    /// Writes a version down under the next number, which is above `above`; returns it.
    ///
    /// # Errors
    /// The store fails.
    pub async fn keep(
        &self,
        engine: &str,
        kind: Kind,
        above: u64,
        kept: Kept,
    ) -> Result<u64, StoreError> {
        let engine = engine.to_owned();
        self.run(move |db| {
            let db = db.transaction()?;
            let sql = "SELECT coalesce(max(version), 0) FROM version
                WHERE engine = ?1 AND kind = ?2";
            let last: i64 = db.query_row(sql, params![engine, kind as u8], |row| row.get(0))?;
            let version = (last as u64).max(above) + 1;
            insert(&db, &engine, kind, &Kept { version, ..kept })?;
            let sql = "DELETE FROM version WHERE engine = ?1 AND kind = ?2
                AND version NOT IN (SELECT version FROM in_force WHERE engine = ?1 AND kind = ?2)
                AND version <= (SELECT version FROM version WHERE engine = ?1 AND kind = ?2
                    ORDER BY version DESC LIMIT 1 OFFSET ?3)";
            db.execute(sql, params![engine, kind as u8, KEPT])?;
            db.commit()?;
            Ok(version)
        })
        .await
    }

    /// One version.
    ///
    /// # Errors
    /// The store fails.
    pub async fn version(
        &self,
        engine: &str,
        kind: Kind,
        version: u64,
    ) -> Result<Option<Kept>, StoreError> {
        let engine = engine.to_owned();
        self.run(move |db| {
            let sql = format!(
                "SELECT {COLUMNS} FROM version WHERE engine = ?1 AND kind = ?2 AND version = ?3"
            );
            let mut rows = db.prepare_cached(&sql)?;
            let mut rows = rows.query(params![engine, kind as u8, version as i64])?;
            rows.next()?.map(kept).transpose()
        })
        .await
    }

    /// Versions below `below`, newest first.
    ///
    /// # Errors
    /// The store fails.
    pub async fn versions(
        &self,
        engine: &str,
        kind: Kind,
        below: u64,
        limit: u32,
    ) -> Result<Vec<Kept>, StoreError> {
        let engine = engine.to_owned();
        self.run(move |db| {
            let sql = format!(
                "SELECT {COLUMNS} FROM version WHERE engine = ?1 AND kind = ?2 AND version < ?3
                 ORDER BY version DESC LIMIT ?4"
            );
            let mut rows = db.prepare_cached(&sql)?;
            let below = i64::try_from(below).unwrap_or(i64::MAX);
            let mut rows = rows.query(params![engine, kind as u8, below, limit])?;
            let mut found = Vec::new();
            while let Some(row) = rows.next()? {
                found.push(kept(row)?);
            }
            Ok(found)
        })
        .await
    }

    /// What became of a version. Applied also means: in force. One that was applied once stays so,
    /// whatever becomes of a roll back to it.
    ///
    /// # Errors
    /// The store fails.
    pub async fn judge(
        &self,
        engine: &str,
        kind: Kind,
        version: u64,
        state: VersionState,
        at_ns: Option<u64>,
        why: &str,
    ) -> Result<(), StoreError> {
        let (engine, why) = (engine.to_owned(), why.to_owned());
        self.run(move |db| {
            let db = db.transaction()?;
            let sql = "UPDATE version SET
                state = CASE state WHEN 'applied' THEN state ELSE ?4 END,
                why = CASE state WHEN 'applied' THEN why ELSE ?6 END,
                acknowledged_ns = coalesce(?5, acknowledged_ns)
                WHERE engine = ?1 AND kind = ?2 AND version = ?3";
            let at_ns = at_ns.map(|at| at as i64);
            let version = version as i64;
            db.execute(sql, params![engine, kind as u8, version, state.name(), at_ns, why])?;
            if state == VersionState::Applied {
                let sql = "INSERT INTO in_force VALUES (?1, ?2, ?3)
                    ON CONFLICT DO UPDATE SET version = excluded.version";
                db.execute(sql, params![engine, kind as u8, version])?;
            }
            Ok(db.commit()?)
        })
        .await
    }

    /// The version an engine acknowledged last; 0: its configuration file, or none was seen.
    ///
    /// # Errors
    /// The store fails.
    pub async fn in_force(&self, engine: &str, kind: Kind) -> Result<u64, StoreError> {
        let engine = engine.to_owned();
        self.run(move |db| {
            let sql = "SELECT version FROM in_force WHERE engine = ?1 AND kind = ?2";
            let found = db.query_row(sql, params![engine, kind as u8], |row| row.get::<_, i64>(0));
            Ok(found.optional()?.unwrap_or(0) as u64)
        })
        .await
    }
}

fn insert(db: &Connection, engine: &str, kind: Kind, kept: &Kept) -> Result<(), StoreError> {
    let words: Vec<u8> = kept.words.iter().flat_map(|word| word.to_le_bytes()).collect();
    db.execute(
        "INSERT INTO version (engine, kind, version, base, schema, words, name, source, person,
         reason, configuration, at_ns, state, acknowledged_ns, why)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)",
        params![
            engine,
            kind as u8,
            kept.version as i64,
            kept.base as i64,
            kept.schema as i64,
            words,
            kept.name,
            kept.source,
            kept.person,
            kept.reason,
            kept.configuration.map(|id| id as i64),
            kept.at_ns as i64,
            kept.state.name(),
            kept.acknowledged_ns.map(|at| at as i64),
            kept.why,
        ],
    )?;
    Ok(())
}

fn kept(row: &Row<'_>) -> Result<Kept, StoreError> {
    let number = |at: usize| row.get::<_, i64>(at).map(|n| n as u64);
    let optional = |at: usize| row.get::<_, Option<i64>>(at).map(|n| n.map(|n| n as u64));
    let words: Vec<u8> = row.get(3)?;
    let words = words.chunks_exact(8).map(|b| b.try_into().map_or(0, u64::from_le_bytes));
    let state: String = row.get(10)?;
    let state = VersionState::ALL.into_iter().find(|known| known.name() == state);
    Ok(Kept {
        version: number(0)?,
        base: number(1)?,
        schema: number(2)?,
        words: words.collect(),
        name: row.get(4)?,
        source: row.get(5)?,
        person: row.get(6)?,
        reason: row.get(7)?,
        configuration: optional(8)?,
        at_ns: number(9)?,
        state: state.ok_or_else(|| StoreError::Damaged("state of a version".into()))?,
        acknowledged_ns: optional(11)?,
        why: row.get(12)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(person: &str) -> Kept {
        Kept {
            version: 0,
            base: 0,
            schema: u64::MAX - 1,
            words: vec![1, u64::MAX],
            name: String::new(),
            source: String::new(),
            person: person.into(),
            reason: "r".into(),
            configuration: Some(3),
            at_ns: 7,
            state: VersionState::Intended,
            acknowledged_ns: None,
            why: String::new(),
        }
    }

    #[tokio::test]
    async fn numbers_are_given_once_and_what_is_in_force_is_never_dropped() {
        let dir = tempfile::tempdir().expect("a folder");
        let store = Store::at(dir.path().join("store")).expect("a store");
        let kind = Kind::Params;
        let first = store.keep("a", kind, 0, page("alice")).await.expect("written");
        let above = store.keep("a", kind, 41, page("bob")).await.expect("written");
        let other = store.keep("b", kind, 0, page("alice")).await.expect("written");
        assert_eq!((first, above, other), (1, 42, 1));
        store.judge("a", kind, 1, VersionState::Applied, Some(9), "").await.expect("written");
        assert_eq!(store.in_force("a", kind).await.expect("read"), 1);
        assert_eq!(store.in_force("b", kind).await.expect("read"), 0);
        let read = store.version("a", kind, 1).await.expect("read").expect("there");
        let want = Kept { version: 1, acknowledged_ns: Some(9), ..page("alice") };
        assert_eq!(read, Kept { state: VersionState::Applied, ..want });
        // A thousand more push the others out, in one transaction to save fsyncs.
        store
            .run(|db| {
                let db = db.transaction()?;
                (43..=1_043).try_for_each(|version| {
                    insert(&db, "a", Kind::Params, &Kept { version, ..page("eve") })
                })?;
                Ok(db.commit()?)
            })
            .await
            .expect("written");
        store.keep("a", kind, 0, page("eve")).await.expect("written");
        let all = store.versions("a", kind, u64::MAX, 5_000).await.expect("read");
        assert_eq!(all.len(), 1_001);
        assert_eq!(all.last().map(|kept| kept.version), Some(1));
        assert_eq!(all.first().map(|kept| kept.version), Some(1_044));
    }
}
