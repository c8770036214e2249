//! The audit log: who did what to what, when, why and how it went; nobody can change it unseen.
//!
//! ```text
//!  record() ──► bounded queue ──► one writer ──► SQLite (WAL, fsync): record, node
//!     ▲                              │ head: size, root
//!     └── waits if sensitive ◄───────┤
//!                                    ▼
//!                       exporter: signs the head (Ed25519) ──► second place, system's log
//! ```
//!
//! Model: every entry is a leaf of a Merkle tree (RFC 9162) and a link of a hash chain. The chain says
//! which record was touched first; the tree proves single records, and that an older log is the
//! beginning of a newer one, to people who have nothing but a signed head. A head that has left the
//! machine cannot be taken back: cutting off the end, or writing the whole file anew, contradicts it.
//!
//! Sensitive entries wait for the fsync of their batch, and what cannot be written is refused: the
//! caller must not act. Other entries return when they are queued and are on the disk `group` later.
//!
//! What this does not do: somebody who has the machine and the signing key can write a new history
//! from the last head that left the machine on, not before it.

mod checked;
pub mod cli;
mod db;
mod entry;
mod error;
mod exporter;
mod hash;
mod key;
mod log;
mod merkle;
mod note;
mod proof;
mod query;
mod retention;
mod second_place;
mod verify;
mod writer;

use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use serde::Serialize;

use crate::config::AuditConfig;
use crate::failure::Failure;
use crate::metrics::Commits;

pub use entry::{Entry, MAX_BYTES, Record, encode, outcome};
pub use error::AuditError;
pub use hash::{Hash, chain_hash, chain_start, empty_root, leaf_hash, node_hash};
pub use key::{Signer, Verifier};
pub use merkle::{
    Frontier, Head, Nodes, check_consistency, check_inclusion, consistency, inclusion, range_root,
};
pub use note::{Checkpoint, open as open_note};
pub use proof::Proof;
pub use query::{Activity, Filter, Page};
pub use second_place::SecondPlace;
pub use verify::{Finding, Report, Verify, verify_file};

use exporter::{Exporter, SystemLog};
use log::Log;
use writer::{Message, Shared, Waiting, Writer};

/// How long a caller waits for the disk before it is told that it is not known whether the entry is
/// written. Whoever is told that must not act.
const PATIENCE: Duration = Duration::from_secs(10);

/// What the log is told at the start.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The SQLite file.
    pub path: PathBuf,
    /// The file of signed heads: the second place.
    pub checkpoint: PathBuf,
    /// Ed25519 private key, PKCS#8 PEM.
    pub key: PathBuf,
    /// Days that bodies are kept; 0 keeps them for ever.
    pub retention_days: u32,
    /// The longest that an entry nobody waits for stays in memory.
    pub group: Duration,
    /// Entries that may be queued.
    pub queue: usize,
    /// Name of a new log; `None` makes one of the host's name and a random number.
    pub origin: Option<String>,
    /// Socket of the system's log, such as `/dev/log`.
    pub syslog: Option<PathBuf>,
}

impl Settings {
    /// With the usual group commit (20 ms) and queue (16,384), no retention and no system's log.
    pub fn new(path: &Path, checkpoint: &Path, key: &Path) -> Settings {
        Settings {
            path: path.to_owned(),
            checkpoint: checkpoint.to_owned(),
            key: key.to_owned(),
            retention_days: 0,
            group: Duration::from_millis(20),
            queue: 16_384,
            origin: None,
            syslog: None,
        }
    }
}

impl From<&AuditConfig> for Settings {
    fn from(config: &AuditConfig) -> Settings {
        let beside = || config.path.with_extension("checkpoints");
        let checkpoint = config.checkpoint.clone().unwrap_or_else(beside);
        Settings {
            retention_days: config.retention_days,
            group: Duration::from_millis(config.group_ms),
            syslog: config.syslog.clone(),
            ..Settings::new(&config.path, &checkpoint, &config.key)
        }
    }
}

/// How the log does.
#[derive(Clone, Debug, Serialize)]
pub struct Status {
    /// Records on the disk.
    pub size: u64,
    /// Entries waiting for the disk.
    pub queued: u64,
    /// Batches written since the start.
    pub batches: u64,
    /// Entries turned away since the start.
    pub refused: u64,
    /// Commits that failed since the start.
    pub failures: u64,
    /// Heads exported since the start.
    pub exported: u64,
    /// Heads that could not be exported since the start.
    pub export_failures: u64,
    /// Times that the system's log did not take a head since the start.
    pub syslog_failures: u64,
    /// Why sensitive entries are refused now, if they are.
    pub failure: Option<String>,
}

/// The log, open for recording and reading. Clones share it; the last one closes it.
#[derive(Clone)]
pub struct Audit {
    inner: Arc<Inner>,
}

struct Inner {
    settings: Settings,
    shared: Arc<Shared>,
    signer: Arc<Signer>,
    threads: Vec<JoinHandle<()>>,
    stop_exporter: Option<SyncSender<()>>,
    verifying: Mutex<()>,
}

impl Audit {
    /// Opens the log that `[audit]` of the configuration names.
    ///
    /// # Errors
    /// As for [`Audit::start`].
    pub fn open(config: &AuditConfig) -> Result<Audit, Failure> {
        let settings = Settings::from(config);
        let log = |error: &AuditError| tracing::error!(%error, "audit: the log is not opened");
        Ok(Audit::start(settings).inspect_err(log)?)
    }

    /// Opens the log, or makes it; refuses one that contradicts its last signed head. Entries are
    /// recorded from now on.
    ///
    /// # Errors
    /// The key, the log or the file of heads cannot be read, or the log contradicts its heads.
    pub fn start(settings: Settings) -> Result<Audit, AuditError> {
        let fresh = settings.origin.clone().map_or_else(fresh_origin, Ok)?;
        let log = Log::open(&settings.path, &fresh)?;
        let signer = Arc::new(Signer::load(&settings.key, log.origin())?);
        let place = SecondPlace::new(&settings.checkpoint);
        let exported = checked::against_second_place(&settings, &place, &signer.verifier())?;
        let (queue, inbox) = sync_channel(settings.queue.max(1));
        let shared = Shared::new(log.head(), queue, settings.queue.max(1));
        let writer = Writer::new(log, inbox, shared.clone(), settings.group)?;
        let exporter = Exporter {
            shared: shared.clone(),
            signer: signer.clone(),
            place,
            exported,
            path: settings.path.clone(),
            retention_days: settings.retention_days,
            syslog: settings.syslog.clone().map(SystemLog::new),
        };
        let (stop_exporter, stop) = sync_channel(0);
        let threads = vec![
            spawn("audit-writer", move || writer.run())?,
            spawn("audit-export", move || exporter.run(stop))?,
        ];
        let inner = Inner {
            settings,
            shared,
            signer,
            threads,
            stop_exporter: Some(stop_exporter),
            verifying: Mutex::new(()),
        };
        Ok(Audit { inner: Arc::new(inner) })
    }

    /// Records an entry and returns its number. A sensitive one is on the disk then; any other is
    /// queued, and on the disk within the group time. An error means: do not act.
    pub async fn record(&self, entry: Entry) -> Result<u64, AuditError> {
        match self.inner.shared.submit(entry)? {
            (seq, None) => Ok(seq),
            (_, Some(waiting)) => match tokio::time::timeout(PATIENCE, waiting).await {
                Ok(answer) => answer.map_err(|_| AuditError::Stopped)?,
                Err(_) => Err(AuditError::Timeout),
            },
        }
    }

    /// [`Audit::record`] for threads that are not of tokio; waits without end for a sensitive one.
    pub fn record_blocking(&self, entry: Entry) -> Result<u64, AuditError> {
        let (seq, waiting) = self.inner.shared.submit(entry)?;
        let wait = |waiting: Waiting| waiting.blocking_recv().map_err(|_| AuditError::Stopped)?;
        waiting.map_or(Ok(seq), wait)
    }

    /// Size and root of what is on the disk.
    pub fn head(&self) -> Head {
        self.inner.shared.head()
    }

    /// How the log does.
    pub fn status(&self) -> Status {
        let shared = &self.inner.shared;
        let count = |counter: &std::sync::atomic::AtomicU64| counter.load(Ordering::Relaxed);
        Status {
            size: shared.head().size,
            queued: shared.queued(),
            batches: count(&shared.counts.batches),
            refused: count(&shared.counts.refused),
            failures: count(&shared.counts.failures),
            exported: count(&shared.counts.exported),
            export_failures: count(&shared.counts.export_failures),
            syslog_failures: count(&shared.counts.syslog_failures),
            failure: shared.failure().map(|error| error.to_string()),
        }
    }

    /// What its commits took, for the metrics.
    pub fn commits(&self) -> Arc<Commits> {
        self.inner.shared.counts.commits.clone()
    }

    /// The head that is on the disk, and its checkpoint signed now.
    pub fn checkpoint(&self) -> (Head, String) {
        let (origin, head) = (self.inner.signer.name().to_owned(), self.head());
        (head, Checkpoint { origin, head }.sign(&self.inner.signer))
    }

    /// The name of the log.
    pub fn origin(&self) -> &str {
        self.inner.signer.name()
    }

    /// The key that checks the signed heads.
    pub fn verifier(&self) -> Verifier {
        self.inner.signer.verifier()
    }

    /// A page of records, the newest first. Reads the disk.
    pub fn query(&self, filter: &Filter) -> Result<Page, AuditError> {
        query::page(&self.read()?, filter)
    }

    /// Numbers of the first and the last record between two times (nanoseconds since 1970). Reads the
    /// disk.
    pub fn between(&self, from: u64, to: u64) -> Result<Option<(u64, u64)>, AuditError> {
        query::between(&self.read()?, from, to)
    }

    /// A record, or `None` if its body was dropped. Reads the disk.
    pub fn get(&self, seq: u64) -> Result<Option<Record>, AuditError> {
        query::record(&self.read()?, seq)
    }

    /// What people did between two times (nanoseconds since 1970), the busiest first. Reads the disk.
    pub fn activity(
        &self,
        user: Option<&str>,
        from: Option<u64>,
        to: Option<u64>,
    ) -> Result<Vec<Activity>, AuditError> {
        query::activity(&self.read()?, user, from, to)
    }

    /// A proof of record `seq` against the head of now, signed, and that the log of `old` records is
    /// its beginning. Reads the disk.
    pub fn proof(&self, seq: u64, old: Option<u64>) -> Result<Proof, AuditError> {
        let (head, note) = self.checkpoint();
        let proof = proof::prove(&self.read()?, seq, head.size, old)?;
        Ok(Proof { checkpoint: Some(note), ..proof })
    }

    /// Checks the whole log and its signed heads. Reads all of the file.
    pub fn verify(&self) -> Result<Report, AuditError> {
        let _one = self.inner.verifying.try_lock().map_err(|_| AuditError::Busy)?;
        let place = &self.inner.settings.checkpoint;
        let heads = place.exists().then(|| Verify::heads(place, self.verifier())).transpose()?;
        verify::run(&self.read()?, heads)
    }

    /// Copies the log as it is now to a new file, while it is written to.
    pub fn back_up(&self, to: &Path) -> Result<(), AuditError> {
        query::back_up(&self.read()?, to)
    }

    /// Drops the bodies of records older than `cutoff` (nanoseconds since 1970); the number below
    /// which they are, if there are any. For threads that are not of tokio.
    pub fn drop_before(&self, cutoff: u64) -> Result<Option<u64>, AuditError> {
        let path = &self.inner.settings.path;
        exporter::drop_before(&self.inner.shared, path, cutoff, exporter::now_ns())
    }

    fn read(&self) -> Result<rusqlite::Connection, AuditError> {
        db::open_to_read(&self.inner.settings.path)
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.shared.tell(Message::Stop);
        let mut threads = self.threads.drain(..);
        // The writer first: the exporter then signs what it wrote last.
        let writer = threads.next().map(JoinHandle::join);
        self.stop_exporter = None;
        let exporter = threads.next().map(JoinHandle::join);
        if [writer, exporter].into_iter().flatten().any(|ended| ended.is_err()) {
            tracing::error!("audit: a thread of the log panicked");
        }
    }
}

fn spawn(name: &str, run: impl FnOnce() + Send + 'static) -> Result<JoinHandle<()>, AuditError> {
    Ok(std::thread::Builder::new().name(name.into()).spawn(run)?)
}

/// `host/nofx-audit/random`: two logs never have the same name.
fn fresh_origin() -> Result<String, AuditError> {
    let mut random = [0; 4];
    aws_lc_rs::rand::fill(&mut random)
        .map_err(|_| AuditError::Encoding("no random numbers for the name of the log".into()))?;
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let host: String = host.trim().chars().filter(|&c| c.is_ascii_graphic() && c != '+').collect();
    let host = if host.is_empty() { "localhost".to_owned() } else { host };
    Ok(format!("{host}/nofx-audit/{:08x}", u32::from_be_bytes(random)))
}
