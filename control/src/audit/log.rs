//! The appending side of the log: one batch, one transaction, one fsync.
//!
//! Model: [`Log`] holds the connection and the state after the last commit: number of records, last
//! link of the chain, frontier of the tree. A batch is computed on a copy, which replaces the state
//! when the commit has returned. After an error the file is opened again and asked how much of the
//! batch it has: all or nothing, as a commit that reported an error may have reached the disk.

use std::fs::{File, TryLockError};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rusqlite::{Connection, OptionalExtension, TransactionBehavior};

use super::hash::{Hash, chain_hash, chain_start, leaf_hash};
use super::merkle::{Frontier, Head};
use super::{AuditError, db};
use crate::lock::Lock;

/// Pages of SQLite's log after which they are moved to the file when there is time, or in any case.
const TIDY_PAGES: u64 = 1_000;
const FORCED_PAGES: u64 = 16_000;

/// The state after a commit.
#[derive(Clone, Debug, PartialEq, Eq)]
struct State {
    chain: Hash,
    frontier: Frontier,
}

/// A log open for appending. One process at a time has it.
pub struct Log {
    path: PathBuf,
    origin: String,
    connection: Connection,
    state: State,
    /// About how many pages SQLite's log has that the file has not.
    loose_pages: u64,
    _lock: Lock,
}

impl Log {
    /// Opens the log, or makes one named `origin`.
    pub fn open(path: &Path, origin: &str) -> Result<Log, AuditError> {
        let lock = lock(path)?;
        let connection = db::open_to_write(path, origin)?;
        let origin = db::origin(&connection)?;
        let state = State::load(&connection, &origin)?;
        let path = path.to_owned();
        Ok(Log { path, origin, connection, state, loose_pages: TIDY_PAGES, _lock: lock })
    }

    /// The name of the log.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// Size and root.
    pub fn head(&self) -> Head {
        Head { size: self.state.frontier.size(), root: self.state.frontier.root() }
    }

    /// Appends the bodies and returns when they are on the disk, all of them or none; and how long
    /// the disk took.
    pub fn append<'a>(
        &mut self,
        bodies: impl IntoIterator<Item = &'a str>,
    ) -> Result<Duration, AuditError> {
        let mut state = self.state.clone();
        let behavior = TransactionBehavior::Immediate;
        let transaction = self.connection.transaction_with_behavior(behavior)?;
        for body in bodies {
            insert(&transaction, &mut state, body)?;
            self.loose_pages += 4 + body.len() as u64 / 4096;
        }
        let begun = Instant::now();
        transaction.commit()?;
        self.state = state;
        Ok(begun.elapsed())
    }

    /// After an error: opens the file again. `true` if it turns out that the batch is in it after all.
    pub fn reopen<'a>(
        &mut self,
        batch: impl IntoIterator<Item = &'a str>,
    ) -> Result<bool, AuditError> {
        let connection = db::open_to_write(&self.path, &self.origin)?;
        let found = State::load(&connection, &self.origin)?;
        let mut expected = self.state.clone();
        for body in batch {
            expected.push(body, |_, _, _| ());
        }
        self.connection = connection;
        if found != expected && found != self.state {
            return Err(AuditError::Tampered("the log changed under its writer".into()));
        }
        let there = found == expected && expected != self.state;
        self.state = found;
        Ok(there)
    }

    /// Moves pages from SQLite's log to the file, if there are many and `idle`, or far too many.
    pub fn tidy(&mut self, idle: bool) {
        let limit = if idle { TIDY_PAGES } else { FORCED_PAGES };
        if self.loose_pages >= limit {
            // What fails here fails again, and visibly, at the next commit.
            let _ = self.connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()));
            self.loose_pages = 0;
        }
    }

    /// Drops the bodies of records `from..to`.
    pub fn drop_bodies(&mut self, from: u64, to: u64) -> Result<(), AuditError> {
        let sql = "UPDATE record SET body = NULL WHERE seq >= ?1 AND seq < ?2 AND body IS NOT NULL";
        let dropped = self.connection.execute(sql, (from as i64, to as i64))?;
        self.loose_pages += dropped as u64;
        Ok(())
    }

    /// Which records had been announced to lose their bodies and still have them.
    pub fn left_to_drop(&self) -> Result<Range<u64>, AuditError> {
        let below = db::dropped_below(&self.connection)?;
        let sql = "SELECT seq FROM record WHERE body IS NOT NULL ORDER BY seq LIMIT 1";
        let first = self.connection.query_row(sql, [], |row| row.get::<_, i64>(0)).optional()?;
        Ok(first.and_then(|seq| u64::try_from(seq).ok()).unwrap_or(below)..below)
    }
}

impl State {
    fn load(connection: &Connection, origin: &str) -> Result<State, AuditError> {
        let size = db::size(connection)?;
        let chain = match size.checked_sub(1) {
            None => chain_start(origin),
            Some(last) => db::link(connection, last)?,
        };
        Ok(State { chain, frontier: db::frontier(connection, size)? })
    }

    /// Leaf and link of a further record; `node` is told of the nodes that it completes.
    fn push(&mut self, body: &str, node: impl FnMut(u32, u64, Hash)) -> Hash {
        let leaf = leaf_hash(body.as_bytes());
        self.chain = chain_hash(self.chain, leaf);
        self.frontier.push(leaf, node);
        leaf
    }
}

fn insert(connection: &Connection, state: &mut State, body: &str) -> Result<(), AuditError> {
    let seq = state.frontier.size();
    let mut nodes = Vec::new();
    let leaf = state.push(body, |level, at, hash| nodes.push((level, at, hash)));
    connection
        .prepare_cached("INSERT INTO record(seq, leaf, chain, body) VALUES (?1, ?2, ?3, ?4)")?
        .execute((seq as i64, leaf.0, state.chain.0, body))?;
    let mut insert =
        connection.prepare_cached("INSERT INTO node(level, at, hash) VALUES (?1, ?2, ?3)")?;
    for (level, at, hash) in nodes {
        insert.execute((level, at as i64, hash.0))?;
    }
    Ok(())
}

/// Takes the lock that says who appends.
fn lock(path: &Path) -> Result<Lock, AuditError> {
    let mut name = path.as_os_str().to_owned();
    name.push(".lock");
    let file = File::options().create(true).append(true).open(&name)?;
    Lock::take(file).map_err(|error| match error {
        TryLockError::WouldBlock => AuditError::InUse(path.to_owned()),
        TryLockError::Error(error) => error.into(),
    })
}
