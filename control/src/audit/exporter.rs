//! The thread that signs heads and brings them to the second place, once a second; and that looks
//! once an hour whether retention has something to drop.
//!
//! Model: only a head that is on the disk is signed, so the log is never behind a signature. A second
//! place that fails is counted and tried again; it does not stop the log. One line per head also goes
//! to the system's log if that is configured (RFC 3164, facility 13: log audit), never waiting for it:
//! one that does not take it gets the newest head as soon as it does, and after each start, as what
//! it took before is not known. The two places do not depend on each other.

use std::io;
use std::os::unix::net::UnixDatagram;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use super::key::Signer;
use super::note::Checkpoint;
use super::second_place::SecondPlace;
use super::writer::{Message, Shared};
use super::{AuditError, db, retention};

const EVERY: Duration = Duration::from_secs(1);
const RETENTION_EVERY: Duration = Duration::from_secs(3600);
const NS_PER_DAY: u64 = 86_400_000_000_000;
/// Facility 13, severity 6 (informational).
const PRIORITY: u8 = 13 * 8 + 6;

/// The thread's own.
pub struct Exporter {
    /// State of the log.
    pub shared: Arc<Shared>,
    /// Signs.
    pub signer: Arc<Signer>,
    /// Where to.
    pub place: SecondPlace,
    /// Size of the last exported head.
    pub exported: u64,
    /// The log, for retention.
    pub path: PathBuf,
    /// Days that bodies are kept; 0 keeps them for ever.
    pub retention_days: u32,
    /// The system's log.
    pub syslog: Option<SystemLog>,
}

/// The socket of the system's log, and what it took.
pub struct SystemLog {
    path: PathBuf,
    /// Size of the last head that it took.
    taken: u64,
    /// Whether it did not take the last one.
    failing: bool,
}

impl Exporter {
    /// Runs until `stop` is closed; the last head is exported then.
    pub fn run(mut self, stop: Receiver<()>) {
        let mut look = Instant::now();
        while let Err(RecvTimeoutError::Timeout) = stop.recv_timeout(EVERY) {
            self.export();
            if self.retention_days > 0 && Instant::now() >= look {
                look = Instant::now() + RETENTION_EVERY;
                self.retain(now_ns());
            }
        }
        self.export();
    }

    fn export(&mut self) {
        let head = self.shared.head();
        let untold = self.syslog.as_ref().is_some_and(|log| log.taken != head.size);
        if head.size == self.exported && !untold {
            return;
        }
        let note = Checkpoint { origin: self.signer.name().to_owned(), head }.sign(&self.signer);
        if head.size != self.exported {
            self.write_down(&note, head.size);
        }
        if let Some(log) = self.syslog.as_mut().filter(|_| untold) {
            log.tell(&note, head.size, &self.shared.counts.syslog_failures);
        }
    }

    fn write_down(&mut self, note: &str, size: u64) {
        let counts = &self.shared.counts;
        match self.place.append(note) {
            Ok(()) => {
                self.exported = size;
                counts.exported.fetch_add(1, Ordering::Relaxed);
            }
            Err(error) => {
                counts.export_failures.fetch_add(1, Ordering::Relaxed);
                tracing::error!(%error, "audit: cannot write the signed head to audit.checkpoint");
            }
        }
    }

    /// Announces and starts the dropping of what is older than retention allows.
    fn retain(&self, now: u64) {
        let cutoff = now.saturating_sub(u64::from(self.retention_days) * NS_PER_DAY);
        if let Err(error) = drop_before(&self.shared, &self.path, cutoff, now) {
            tracing::error!(%error, "audit: retention could not drop old records");
        }
    }
}

impl SystemLog {
    /// The one at this socket, of which nothing is known yet.
    pub fn new(path: PathBuf) -> SystemLog {
        SystemLog { path, taken: 0, failing: false }
    }

    /// Offers the head of this size; a failure is counted each time and said once.
    fn tell(&mut self, note: &str, size: u64, failures: &AtomicU64) {
        match self.send(note) {
            Ok(()) => (self.taken, self.failing) = (size, false),
            Err(error) => {
                failures.fetch_add(1, Ordering::Relaxed);
                if !std::mem::replace(&mut self.failing, true) {
                    tracing::error!(%error, socket = %self.path.display(),
                        "audit: the system's log does not take the signed head: it is offered again");
                }
            }
        }
    }

    fn send(&self, note: &str) -> io::Result<()> {
        let line = note.split('\n').filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ");
        let text = format!("<{PRIORITY}>nofx-control: audit {line}");
        let socket = UnixDatagram::unbound()?;
        socket.set_nonblocking(true)?;
        socket.send_to(text.as_bytes(), &self.path).map(|_| ())
    }
}

/// Announces in the log that records older than `cutoff` lose their bodies, then has them dropped.
/// Returns the number below which they are.
pub fn drop_before(
    shared: &Shared,
    path: &std::path::Path,
    cutoff: u64,
    now: u64,
) -> Result<Option<u64>, AuditError> {
    let connection = db::open_to_read(path)?;
    let Some((entry, below)) = retention::due(&connection, cutoff, now)? else { return Ok(None) };
    if let (_, Some(waiting)) = shared.submit(entry)? {
        waiting.blocking_recv().map_err(|_| AuditError::Stopped)??;
    }
    shared.tell(Message::Drop { below });
    Ok(Some(below))
}

/// Nanoseconds since 1970 UTC.
pub fn now_ns() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}
