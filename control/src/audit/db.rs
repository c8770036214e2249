//! The file of the log: its tables, how it is opened, and reading single rows and nodes.
//!
//! Model: `record` has a row per entry: the leaf hash, the link of the chain and the body. The body
//! is the only place where an entry stands: the columns one searches by are computed from it, so they
//! cannot say something else. `node` has the inner nodes of the Merkle tree. Triggers refuse every
//! change but the dropping of a body; they are for accidents, the hashes are for intent.

use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, OptionalExtension, Row, Transaction};

use super::AuditError;
use super::hash::Hash;
use super::merkle::{Frontier, Nodes};

/// `application_id` of the file: "NOFA".
const APPLICATION: i32 = 0x4e4f_4641;

const SCHEMA: &str = "
CREATE TABLE meta(origin TEXT NOT NULL) STRICT;
CREATE TABLE record(
  seq INTEGER PRIMARY KEY,
  leaf BLOB NOT NULL,
  chain BLOB NOT NULL,
  body TEXT,
  when_ns INTEGER AS (CAST(body ->> 'when_ns' AS INTEGER)),
  who TEXT AS (body ->> 'who'),
  action TEXT AS (body ->> 'action'),
  result TEXT AS (body ->> 'result'),
  correlation TEXT AS (body ->> 'correlation'),
  type TEXT AS (substr(body ->> 'object', 1, instr((body ->> 'object') || '/', '/') - 1))
) STRICT;
CREATE TABLE node(
  level INTEGER NOT NULL,
  at INTEGER NOT NULL,
  hash BLOB NOT NULL,
  PRIMARY KEY(level, at)
) STRICT, WITHOUT ROWID;
CREATE INDEX by_when ON record(when_ns) WHERE body IS NOT NULL;
CREATE INDEX by_who ON record(who, action, result, when_ns) WHERE body IS NOT NULL;
CREATE INDEX by_action ON record(action) WHERE body IS NOT NULL;
CREATE INDEX by_result ON record(result) WHERE body IS NOT NULL;
CREATE INDEX by_correlation ON record(correlation) WHERE body IS NOT NULL;
CREATE TRIGGER record_stays BEFORE DELETE ON record
  BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
CREATE TRIGGER record_fixed BEFORE UPDATE ON record
  WHEN new.seq <> old.seq OR new.leaf <> old.leaf OR new.chain <> old.chain OR new.body IS NOT NULL
  BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
CREATE TRIGGER node_stays BEFORE DELETE ON node
  BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
CREATE TRIGGER node_fixed BEFORE UPDATE ON node
  BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
";

/// A row as it is stored; nothing in it is checked yet.
pub struct Stored {
    /// Number of the record.
    pub seq: i64,
    /// Leaf hash, 32 bytes if nobody touched it.
    pub leaf: Vec<u8>,
    /// Link of the chain, likewise.
    pub chain: Vec<u8>,
    /// Canonical bytes of the entry; `None` after retention dropped them.
    pub body: Option<String>,
}

impl Stored {
    /// The columns that [`Stored::read`] takes.
    pub const COLUMNS: &'static str = "seq, leaf, chain, body";

    /// From a row with [`Stored::COLUMNS`].
    pub fn read(row: &Row<'_>) -> rusqlite::Result<Stored> {
        Ok(Stored { seq: row.get(0)?, leaf: row.get(1)?, chain: row.get(2)?, body: row.get(3)? })
    }
}

/// Opens the log for writing, and makes it if the file does not exist or is empty.
pub fn open_to_write(path: &Path, origin: &str) -> Result<Connection, AuditError> {
    let mut connection = Connection::open(path)?;
    connection.busy_timeout(Duration::from_secs(5))?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    // Pages go from the log of SQLite to the file when the writer is idle, see `writer`.
    connection.pragma_update(None, "wal_autocheckpoint", 0)?;
    connection.pragma_update(None, "journal_size_limit", 64 << 20)?;
    connection.pragma_update(None, "cache_size", -16_000)?;
    // What retention drops is overwritten, not only unlinked.
    connection.pragma_update(None, "secure_delete", true)?;
    let transaction = connection.transaction()?;
    if transaction
        .query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))
        .map(|tables: i64| tables == 0)?
    {
        create(&transaction, origin)?;
    }
    transaction.commit()?;
    check_kind(&connection, path)?;
    Ok(connection)
}

fn create(transaction: &Transaction<'_>, origin: &str) -> Result<(), AuditError> {
    transaction.execute_batch(SCHEMA)?;
    transaction.pragma_update(None, "application_id", APPLICATION)?;
    transaction.execute("INSERT INTO meta(origin) VALUES (?1)", [origin])?;
    Ok(())
}

/// Opens the log to read it: one that a process is writing, or a copy, also in a directory that
/// cannot be written to.
pub fn open_to_read(path: &Path) -> Result<Connection, AuditError> {
    if !path.is_file() {
        return Err(AuditError::NotALog { path: path.to_owned(), why: "no such file".into() });
    }
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(Duration::from_secs(5))?;
    match check_kind(&connection, path) {
        Err(AuditError::Disk(_)) if !wal(path).exists() => {
            // Next to it SQLite cannot make the files it wants; as nobody writes, it needs none.
            let connection = Connection::open_with_flags(uri(path), flags)?;
            check_kind(&connection, path)?;
            Ok(connection)
        }
        checked => checked.map(|()| connection),
    }
}

/// SQLite's own log beside the file.
pub fn wal(path: &Path) -> std::path::PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push("-wal");
    name.into()
}

/// The file as a URI that promises that nobody changes it.
fn uri(path: &Path) -> String {
    let escaped: String = path
        .to_string_lossy()
        .chars()
        .map(|c| match c {
            '%' | '?' | '#' => format!("%{:02X}", u32::from(c)),
            other => other.to_string(),
        })
        .collect();
    format!("file:{escaped}?immutable=1")
}

fn check_kind(connection: &Connection, path: &Path) -> Result<(), AuditError> {
    let kind = connection.query_row("PRAGMA application_id", [], |row| row.get::<_, i32>(0));
    let why = match kind {
        Ok(APPLICATION) => return Ok(()),
        Ok(_) => "an SQLite file, but not an audit log of nofx-control".to_owned(),
        Err(error) if error.sqlite_error_code() == Some(rusqlite::ErrorCode::NotADatabase) => {
            "not an SQLite file".to_owned()
        }
        Err(error) => return Err(error.into()),
    };
    Err(AuditError::NotALog { path: path.to_owned(), why })
}

/// The name of the log.
pub fn origin(connection: &Connection) -> Result<String, AuditError> {
    Ok(connection.query_row("SELECT origin FROM meta", [], |row| row.get(0))?)
}

/// Number of records, if none is missing: the last number plus one.
pub fn size(connection: &Connection) -> Result<u64, AuditError> {
    let last: Option<i64> =
        connection.query_row("SELECT max(seq) FROM record", [], |row| row.get(0))?;
    match last {
        None => Ok(0),
        Some(last) => u64::try_from(last.saturating_add(1)).map_err(|_| damaged("record", last)),
    }
}

/// A row by its number.
pub fn stored(connection: &Connection, seq: u64) -> Result<Option<Stored>, AuditError> {
    let sql = format!("SELECT {} FROM record WHERE seq = ?1", Stored::COLUMNS);
    let Ok(seq) = i64::try_from(seq) else { return Ok(None) };
    Ok(connection.prepare_cached(&sql)?.query_row([seq], Stored::read).optional()?)
}

/// The link of the chain after `seq`.
pub fn link(connection: &Connection, seq: u64) -> Result<Hash, AuditError> {
    let row = stored(connection, seq)?.ok_or_else(|| damaged("record", seq))?;
    Hash::from_slice(&row.chain).ok_or_else(|| damaged("record", seq))
}

/// Below which number bodies may be missing: what the newest record of retention says, else 0.
pub fn dropped_below(connection: &Connection) -> Result<u64, AuditError> {
    let sql = "SELECT max(CAST(body -> 'after' ->> 'below' AS INTEGER)) FROM record
               WHERE action = ?1 AND body IS NOT NULL";
    let below: Option<i64> =
        connection.query_row(sql, [super::retention::ACTION], |row| row.get(0))?;
    Ok(below.and_then(|below| u64::try_from(below).ok()).unwrap_or(0))
}

/// The nodes of the tree as stored.
pub struct StoredNodes<'a>(pub &'a Connection);

impl Nodes for StoredNodes<'_> {
    type Error = AuditError;

    fn node(&self, level: u32, index: u64) -> Result<Hash, AuditError> {
        let index = i64::try_from(index).map_err(|_| damaged("node", index))?;
        let sql = match level {
            0 => "SELECT leaf FROM record WHERE seq = ?2 AND ?1 = 0",
            _ => "SELECT hash FROM node WHERE level = ?1 AND at = ?2",
        };
        let mut statement = self.0.prepare_cached(sql)?;
        let row = statement.query_row((level, index), |row| row.get::<_, Vec<u8>>(0)).optional()?;
        row.and_then(|bytes| Hash::from_slice(&bytes))
            .ok_or_else(|| damaged(&format!("node {level}"), index))
    }
}

/// The frontier of the tree as stored.
pub fn frontier(connection: &Connection, size: u64) -> Result<Frontier, AuditError> {
    Frontier::load(&StoredNodes(connection), size)
}

fn damaged(what: &str, number: impl std::fmt::Display) -> AuditError {
    AuditError::Tampered(format!("{what} {number} is missing or malformed"))
}
