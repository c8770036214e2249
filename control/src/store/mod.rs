//! What control itself remembers: changes under way, versions of pages and models, configurations,
//! days. One SQLite file.
//!
//! ```text
//!   request ──┐
//!   request ──┼── bounded queue ──> one thread ──> one connection (WAL, synchronous=FULL, exclusive)
//!   upkeep  ──┘                        │
//!             <── answer (oneshot) ────┘
//! ```
//!
//! Model: whoever needs the store sends a job, a closure over the connection, and awaits its answer.
//! Jobs run one after another, so a job is a transaction against everybody else; it opens one of its
//! own where it writes more than one row. A commit returns after its fsync.
//!
//! Shape: a single connection needs no pool, no busy retries and no lock order; SQLite allows one
//! writer anyway. The lock is exclusive: a second control process on the same file is refused at its
//! start, because two of them would give the same version number twice.
//!
//! Worst case: a job costs one fsync (some milliseconds); [`QUEUE`] jobs wait, then senders wait.
//! Tables are bounded where they are written: see each module.

mod configurations;
mod days;
mod operations;
mod schema;
mod versions;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::thread;
use std::time::Duration;

use rusqlite::Connection;
use tokio::sync::{OwnedMutexGuard, mpsc, oneshot};

use crate::config::StoreConfig;
use crate::failure::Failure;

pub use configurations::{Configuration, Entry, Member, MemberState, Stage, Transition};
pub use days::{Day, DaySession};
pub use operations::{Claim, KEY_LIFE_NS, Operation, Step, Stored};
pub use versions::{Kept, Kind, VersionState};

/// Jobs that may wait.
const QUEUE: usize = 256;

type Job = Box<dyn FnOnce(&mut Connection) + Send>;

/// Why the store could not do something.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// SQLite refused.
    #[error("store: {0}")]
    Sqlite(#[from] rusqlite::Error),
    /// Another process has the file.
    #[error("{}: another process uses this store: stop it first, or configure another store.path", .0.display())]
    InUse(PathBuf),
    /// The file was made by a later version of this program.
    #[error("{}: made by a later release (schema {found}, this program knows {known}): use that release", file.display())]
    Later {
        /// The file.
        file: PathBuf,
        /// Its schema.
        found: u32,
        /// The newest schema of this program.
        known: u32,
    },
    /// What stands in a row is not what this program writes.
    #[error("store: {0}; the file was changed by another program: restore it from a backup")]
    Damaged(String),
    /// A bounded table is full.
    #[error("store: {0}")]
    Full(&'static str),
    /// The thread is gone.
    #[error("store: its thread ended; start the process again")]
    Gone,
}

/// The store: clones share one thread, which ends with the last of them.
#[derive(Clone)]
pub struct Store {
    jobs: mpsc::Sender<Job>,
    turns: Arc<Turns>,
}

impl Store {
    /// Opens the configured file.
    ///
    /// # Errors
    /// As for [`Store::at`].
    pub fn open(config: &StoreConfig) -> Result<Store, Failure> {
        Store::at(&config.path).map_err(|e| Failure::input(format!("store.path: {e}")))
    }

    /// Opens the file, makes it where it is absent, and brings its tables up to date.
    ///
    /// # Errors
    /// The file cannot be written, another process has it, or a later release made it.
    pub fn at(path: impl AsRef<Path>) -> Result<Store, StoreError> {
        let mut connection = connect(path.as_ref())?;
        schema::migrate(&mut connection, path.as_ref())?;
        let (jobs, mut queue) = mpsc::channel::<Job>(QUEUE);
        let run = move || {
            while let Some(job) = queue.blocking_recv() {
                job(&mut connection);
            }
        };
        let spawned = thread::Builder::new().name("store".into()).spawn(run);
        spawned.map_err(|_| StoreError::Gone)?;
        Ok(Store { jobs, turns: Arc::default() })
    }

    /// Waits until nobody else has the turn of this name; it ends when it is dropped. Turns are of
    /// this process alone, and the only process that has the store.
    pub async fn turn(&self, name: &str) -> OwnedMutexGuard<()> {
        let turn = self.turns.of(name);
        turn.lock_owned().await
    }

    /// Runs a job on the store's thread and waits for its answer.
    ///
    /// # Errors
    /// Those of the job; the thread is gone.
    pub async fn run<T, F>(&self, job: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&mut Connection) -> Result<T, StoreError> + Send + 'static,
    {
        let (answer, answered) = oneshot::channel();
        let job: Job = Box::new(move |connection| _ = answer.send(job(connection)));
        self.jobs.send(job).await.map_err(|_| StoreError::Gone)?;
        answered.await.map_err(|_| StoreError::Gone)?
    }
}

/// Locks by name; a name that nobody holds or awaits is forgotten.
#[derive(Default)]
struct Turns {
    named: Mutex<HashMap<String, Weak<tokio::sync::Mutex<()>>>>,
}

impl Turns {
    fn of(&self, name: &str) -> Arc<tokio::sync::Mutex<()>> {
        let mut named = self.named.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(turn) = named.get(name).and_then(Weak::upgrade) {
            return turn;
        }
        named.retain(|_, turn| turn.strong_count() > 0);
        let turn = Arc::default();
        named.insert(name.to_owned(), Arc::downgrade(&turn));
        turn
    }
}

fn connect(path: &Path) -> Result<Connection, StoreError> {
    let connection = Connection::open(path)?;
    // A process that is just ending may still hold it.
    connection.busy_timeout(Duration::from_secs(2))?;
    let settings = "PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL;
        PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; BEGIN IMMEDIATE; COMMIT;";
    connection.execute_batch(settings).map_err(|e| match e.sqlite_error_code() {
        Some(rusqlite::ErrorCode::DatabaseBusy) => StoreError::InUse(path.to_owned()),
        _ => StoreError::Sqlite(e),
    })?;
    Ok(connection)
}

/// Text of a JSON column.
fn json<T: serde::de::DeserializeOwned>(what: &str, text: &str) -> Result<T, StoreError> {
    serde_json::from_str(text).map_err(|e| StoreError::Damaged(format!("{what}: {e}")))
}

/// A value as the text of a JSON column.
fn text(value: &impl serde::Serialize) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|e| StoreError::Damaged(e.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_second_process_is_refused_and_a_later_schema_too() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("store");
        let store = Store::at(&path).expect("a store");
        assert!(matches!(Store::at(&path), Err(StoreError::InUse(_))));
        store.run(|db| Ok(db.pragma_update(None, "user_version", 99)?)).await.expect("written");
        drop(store);
        let later = (0..100).find_map(|_| match Store::at(&path) {
            Err(StoreError::Later { found, .. }) => Some(found),
            _ => {
                std::thread::sleep(Duration::from_millis(20));
                None
            }
        });
        assert_eq!(later, Some(99));
    }
}
