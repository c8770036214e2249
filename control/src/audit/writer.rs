//! The one thread that writes: a bounded queue in, batches out.
//!
//! Model: the queue gives every entry its number. The thread takes what is there, up to a full batch:
//! at once if somebody waits for one of them, otherwise `group` after the first came. While a batch is
//! on its way to the disk the next collects, so that any number of waiting callers cost one fsync.
//!
//! When the disk refuses: callers who wait are told so and do not act; entries whose callers were told
//! "queued" stay, and so do the refused ones, marked `unacknowledged`. New entries that need the disk
//! are refused at the door, others queue until the queue is full. The thread tries again every half
//! second, and everything goes on when the disk is back.
//!
//! Worst case: memory is two queues of entries and [`QUEUE_BYTES`].

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use super::entry;
use super::log::Log;
use super::merkle::Head;
use super::retention::CHUNK;
use super::{AuditError, Entry};
use crate::metrics::Commits;

/// Bytes of entries that may be queued.
pub const QUEUE_BYTES: u64 = 64 << 20;
const BATCH: usize = 4096;
const RETRY: Duration = Duration::from_millis(500);
const IDLE: Duration = Duration::from_millis(250);

/// What a caller waits for.
pub type Waiting = oneshot::Receiver<Result<u64, AuditError>>;

/// What goes through the queue.
pub enum Message {
    /// An entry with its number.
    Entry(Queued),
    /// Bodies below this number may go: the announcement is on the disk.
    Drop { below: u64 },
    /// Write what is queued, then end.
    Stop,
}

/// An entry on its way.
pub struct Queued {
    seq: u64,
    body: String,
    since: Instant,
    waiter: Option<oneshot::Sender<Result<u64, AuditError>>>,
    refused: bool,
}

/// What callers and the threads share.
pub struct Shared {
    door: Mutex<Door>,
    head: Mutex<Head>,
    failure: Mutex<Option<AuditError>>,
    queued_bytes: AtomicU64,
    capacity: usize,
    /// Counters for the status.
    pub counts: Counts,
}

struct Door {
    next: u64,
    queue: SyncSender<Message>,
}

/// What happened so far.
#[derive(Debug, Default)]
pub struct Counts {
    /// Batches on the disk.
    pub batches: AtomicU64,
    /// The same, by time and size.
    pub commits: Arc<Commits>,
    /// Entries turned away: queue full, too large, disk.
    pub refused: AtomicU64,
    /// Commits that failed.
    pub failures: AtomicU64,
    /// Heads exported.
    pub exported: AtomicU64,
    /// Heads that could not be exported.
    pub export_failures: AtomicU64,
    /// Times that the system's log did not take a head.
    pub syslog_failures: AtomicU64,
}

impl Shared {
    /// For a log with this head.
    pub fn new(head: Head, queue: SyncSender<Message>, capacity: usize) -> Arc<Shared> {
        Arc::new(Shared {
            door: Mutex::new(Door { next: head.size, queue }),
            head: Mutex::new(head),
            failure: Mutex::new(None),
            queued_bytes: AtomicU64::new(0),
            capacity,
            counts: Counts::default(),
        })
    }

    /// Size and root of what is on the disk.
    pub fn head(&self) -> Head {
        *held(&self.head)
    }

    /// Why the disk refuses, while it does.
    pub fn failure(&self) -> Option<AuditError> {
        held(&self.failure).clone()
    }

    /// Entries given a number and not yet on the disk.
    pub fn queued(&self) -> u64 {
        held(&self.door).next.saturating_sub(self.head().size)
    }

    /// Queues an entry: its number, and what to wait for if it is sensitive.
    pub fn submit(&self, entry: Entry) -> Result<(u64, Option<Waiting>), AuditError> {
        let submitted = self.try_submit(entry);
        if submitted.is_err() {
            self.counts.refused.fetch_add(1, Ordering::Relaxed);
        }
        submitted
    }

    fn try_submit(&self, entry: Entry) -> Result<(u64, Option<Waiting>), AuditError> {
        let sensitive = entry.sensitive;
        if let Some(failure) = self.failure().filter(|_| sensitive) {
            return Err(failure);
        }
        let body = entry::encode(entry)?;
        let bytes = body.len() as u64;
        let (waiter, waiting) = match sensitive.then(oneshot::channel) {
            Some((waiter, waiting)) => (Some(waiter), Some(waiting)),
            None => (None, None),
        };
        if self.queued_bytes.fetch_add(bytes, Ordering::Relaxed) + bytes > QUEUE_BYTES {
            self.queued_bytes.fetch_sub(bytes, Ordering::Relaxed);
            return Err(AuditError::QueueFull);
        }
        let seq = self.enqueue(body, waiter).inspect_err(|_| {
            self.queued_bytes.fetch_sub(bytes, Ordering::Relaxed);
        })?;
        Ok((seq, waiting))
    }

    /// The order of the queue is the order of the numbers, hence the lock around both.
    fn enqueue(
        &self,
        body: String,
        waiter: Option<oneshot::Sender<Result<u64, AuditError>>>,
    ) -> Result<u64, AuditError> {
        let mut door = held(&self.door);
        let seq = door.next;
        let entry = Queued { seq, body, since: Instant::now(), waiter, refused: false };
        match door.queue.try_send(Message::Entry(entry)) {
            Ok(()) => door.next += 1,
            Err(TrySendError::Full(_)) => return Err(AuditError::QueueFull),
            Err(TrySendError::Disconnected(_)) => return Err(AuditError::Stopped),
        }
        Ok(seq)
    }

    /// Sends what is not an entry; waits if the queue is full.
    pub fn tell(&self, message: Message) {
        let queue = held(&self.door).queue.clone();
        // Fails only if the writer has ended, and then there is nobody to tell.
        let _ = queue.send(message);
    }
}

/// No thread panics with one of these locks held; if it did, the value would still be whole.
fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The thread's own.
pub struct Writer {
    log: Log,
    inbox: Receiver<Message>,
    shared: Arc<Shared>,
    group: Duration,
    batch: Vec<Queued>,
    dropping: std::ops::Range<u64>,
    stopping: bool,
}

impl Writer {
    /// Takes the log over.
    pub fn new(
        log: Log,
        inbox: Receiver<Message>,
        shared: Arc<Shared>,
        group: Duration,
    ) -> Result<Writer, AuditError> {
        let dropping = log.left_to_drop()?;
        Ok(Writer { log, inbox, shared, group, batch: Vec::new(), dropping, stopping: false })
    }

    /// Runs until told to stop.
    pub fn run(mut self) {
        while !self.stopping {
            self.collect();
            if !self.batch.is_empty() {
                self.commit();
            }
            self.drop_some();
            self.log.tidy(self.batch.is_empty());
        }
    }

    /// Fills the batch: until it is full, or its time is over, or somebody waits and nothing is left.
    fn collect(&mut self) {
        let first = if self.dropping.is_empty() { IDLE } else { Duration::ZERO };
        let mut deadline = Instant::now() + first;
        while self.batch.len() < BATCH && !self.stopping {
            let Some(message) = self.receive(deadline) else { break };
            self.take(message);
            let urgent = self.batch.iter().rev().take(1).any(|entry| entry.waiter.is_some());
            if urgent {
                deadline = Instant::now();
            } else if self.batch.len() == 1 {
                deadline = self.batch[0].since + self.group;
            }
        }
    }

    /// The next message, waiting for it until `deadline` at the latest.
    fn receive(&mut self, deadline: Instant) -> Option<Message> {
        let wait = deadline.saturating_duration_since(Instant::now());
        match self.inbox.recv_timeout(wait) {
            Ok(message) => Some(message),
            Err(RecvTimeoutError::Timeout) => None,
            Err(RecvTimeoutError::Disconnected) => Some(Message::Stop),
        }
    }

    fn take(&mut self, message: Message) {
        match message {
            Message::Entry(entry) => self.batch.push(entry),
            Message::Drop { below } => self.dropping.end = self.dropping.end.max(below),
            Message::Stop => self.stopping = true,
        }
    }

    fn commit(&mut self) {
        match self.log.append(self.batch.iter().map(|entry| entry.body.as_str())) {
            Ok(took) => self.appended(took),
            Err(error) => self.recover(error),
        }
    }

    /// All of the batch is on the disk, which took so long.
    fn appended(&mut self, took: Duration) {
        self.shared.counts.commits.record(took, self.batch.len());
        self.committed(self.batch.len());
    }

    /// The first `count` of the batch are on the disk.
    fn committed(&mut self, count: usize) {
        *held(&self.shared.head) = self.log.head();
        self.shared.counts.batches.fetch_add(1, Ordering::Relaxed);
        for entry in self.batch.drain(..count) {
            self.shared.queued_bytes.fetch_sub(entry.body.len() as u64, Ordering::Relaxed);
            if let Some(waiter) = entry.waiter {
                // A caller that no longer waits has its entry all the same.
                let _ = waiter.send(Ok(entry.seq));
            }
        }
    }

    /// Refuses and retries until the batch, or what became of it, is on the disk.
    fn recover(&mut self, mut error: AuditError) {
        loop {
            let attempted = self.batch.len();
            self.refuse(&error);
            self.wait_a_while(&error);
            match self.retry(attempted) {
                Ok(()) => break,
                Err(_) if self.stopping => break,
                Err(again) => error = again,
            }
        }
        *held(&self.shared.failure) = None;
    }

    fn retry(&mut self, attempted: usize) -> Result<(), AuditError> {
        let batch = self.batch.iter().take(attempted).map(|entry| entry.body.as_str());
        if self.log.reopen(batch)? {
            self.committed(attempted);
        }
        self.mark_refused();
        let took = self.log.append(self.batch.iter().map(|entry| entry.body.as_str()))?;
        self.appended(took);
        Ok(())
    }

    /// Tells everybody who waits, and those who come, that the disk refuses.
    fn refuse(&mut self, error: &AuditError) {
        *held(&self.shared.failure) = Some(error.clone());
        self.shared.counts.failures.fetch_add(1, Ordering::Relaxed);
        self.batch.iter_mut().for_each(|entry| entry.refuse(error));
    }

    /// Waits before the next try, and refuses what was let in before the door knew.
    fn wait_a_while(&mut self, error: &AuditError) {
        let deadline = Instant::now() + RETRY;
        while self.batch.len() < self.shared.capacity && !self.stopping {
            let Some(message) = self.receive(deadline) else { return };
            self.take(message);
            if let Some(entry) = self.batch.last_mut() {
                entry.refuse(error);
            }
        }
        if !self.stopping {
            std::thread::sleep(deadline.saturating_duration_since(Instant::now()));
        }
    }

    fn mark_refused(&mut self) {
        for entry in self.batch.iter_mut().filter(|entry| entry.refused) {
            let marked = entry::unacknowledged(&entry.body).unwrap_or_default();
            if !marked.is_empty() {
                let grown = marked.len().saturating_sub(entry.body.len()) as u64;
                self.shared.queued_bytes.fetch_add(grown, Ordering::Relaxed);
                entry.body = marked;
            }
            entry.refused = false;
        }
    }

    /// Drops some bodies that retention announced.
    fn drop_some(&mut self) {
        if self.dropping.is_empty() {
            return;
        }
        let to = self.dropping.end.min(self.dropping.start + CHUNK);
        match self.log.drop_bodies(self.dropping.start, to) {
            Ok(()) => self.dropping.start = to,
            // Not urgent: goes on at the next start, or with the next announcement.
            Err(_) => self.dropping = self.dropping.end..self.dropping.end,
        }
    }
}

impl Queued {
    fn refuse(&mut self, error: &AuditError) {
        if let Some(waiter) = self.waiter.take() {
            let _ = waiter.send(Err(error.clone()));
            self.refused = true;
        }
    }
}
