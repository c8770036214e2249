//! Tables, and how an older file becomes one of this release.

use std::path::Path;

use rusqlite::Connection;

use super::StoreError;

/// One step from each schema to the next; the number of the schema is SQLite's `user_version`.
const STEPS: &[&str] = &["
-- A change, from before its effect until its answer is known.
CREATE TABLE operation (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    person      TEXT NOT NULL,
    key         TEXT,               -- idempotency key
    fingerprint BLOB,               -- SHA-256 of the request
    step        INTEGER NOT NULL,   -- operations::Step
    record      TEXT NOT NULL,      -- change::Record as JSON
    outcome     TEXT,               -- change::Outcome as JSON
    status      INTEGER,            -- the answer
    body        TEXT,
    started_ns  INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX operation_key ON operation (person, key) WHERE key IS NOT NULL;
CREATE INDEX operation_step ON operation (step, id);

-- Pages and models that were published, or were to be.
CREATE TABLE version (
    engine        TEXT NOT NULL,
    kind          INTEGER NOT NULL, -- versions::Kind
    version       INTEGER NOT NULL,
    base          INTEGER NOT NULL, -- the version it was made from
    schema        INTEGER NOT NULL, -- hash, its bits
    words         BLOB NOT NULL,
    name          TEXT NOT NULL,
    source        TEXT NOT NULL,    -- TOML of a model
    person        TEXT NOT NULL,
    reason        TEXT NOT NULL,
    configuration INTEGER,
    at_ns         INTEGER NOT NULL,
    state         TEXT NOT NULL,    -- versions::VersionState
    acknowledged_ns INTEGER,
    why           TEXT NOT NULL,
    PRIMARY KEY (engine, kind, version)
) STRICT;

-- What each engine acknowledged last: it gets this again when it comes up without it.
CREATE TABLE in_force (
    engine  TEXT NOT NULL,
    kind    INTEGER NOT NULL,
    version INTEGER NOT NULL,
    PRIMARY KEY (engine, kind)
) STRICT;

CREATE TABLE configuration (
    id       INTEGER PRIMARY KEY AUTOINCREMENT,
    revision INTEGER NOT NULL,
    stage    TEXT NOT NULL,
    doing    TEXT,                  -- transition that was begun and not ended
    record   TEXT NOT NULL          -- configurations::Configuration as JSON
) STRICT;

-- Counters of an engine's session on one day, first and last seen.
CREATE TABLE day (
    engine     TEXT NOT NULL,
    day        TEXT NOT NULL,       -- YYYY-MM-DD, UTC
    session_ns INTEGER NOT NULL,    -- start of the engine
    record     TEXT NOT NULL,       -- days::DaySession as JSON
    PRIMARY KEY (engine, day, session_ns)
) STRICT;
"];

/// Brings the file to the newest schema.
pub(super) fn migrate(connection: &mut Connection, file: &Path) -> Result<(), StoreError> {
    let found: u32 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    let known = STEPS.len() as u32;
    if found > known {
        return Err(StoreError::Later { file: file.to_owned(), found, known });
    }
    for (number, step) in STEPS.iter().enumerate().skip(found as usize) {
        let transaction = connection.transaction()?;
        transaction.execute_batch(step)?;
        transaction.pragma_update(None, "user_version", number as u32 + 1)?;
        transaction.commit()?;
    }
    Ok(())
}
