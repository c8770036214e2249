//! What this process counts about itself.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::spread::{Durations, Sizes};

/// Kinds of request that are told apart; routes are those of the router, so this is never reached.
const KINDS: usize = 2_048;

/// One kind of request: route, method, status.
pub(super) type Asked = (String, &'static str, u16);

/// Counts of this process.
#[derive(Default)]
pub struct Metrics {
    requests: Mutex<BTreeMap<Asked, u64>>,
    pub(super) durations: Durations,
    connections: Arc<AtomicU64>,
    accepted: AtomicU64,
    refused: AtomicU64,
    /// Seconds since 1970; 0: none.
    crl_due: AtomicU64,
}

/// Commits of the audit log.
#[derive(Debug, Default)]
pub struct Commits {
    pub(super) took: Durations,
    pub(super) records: Sizes,
}

impl Commits {
    /// Counts one: how long the disk took, and how many records went at once.
    pub fn record(&self, took: Duration, records: usize) {
        self.took.record(took);
        self.records.record(records);
    }
}

/// One open connection; gone when it is dropped.
pub struct Connected(Arc<AtomicU64>);

impl Drop for Connected {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Metrics {
    /// An empty one.
    pub fn new() -> Metrics {
        Metrics::default()
    }

    /// Counts an answered request. `route` is the router's pattern, not the path that was asked.
    pub fn answered(&self, route: &str, method: &str, status: u16, took: Duration) {
        let key = (route.to_owned(), known(method), status);
        let mut requests = self.requests.lock().unwrap_or_else(PoisonError::into_inner);
        if requests.len() < KINDS || requests.contains_key(&key) {
            *requests.entry(key).or_default() += 1;
        }
        drop(requests);
        self.durations.record(took);
    }

    /// Counts a connection that is open until the guard goes.
    pub fn connected(&self) -> Connected {
        self.accepted.fetch_add(1, Ordering::Relaxed);
        self.connections.fetch_add(1, Ordering::Relaxed);
        Connected(self.connections.clone())
    }

    /// Counts a connection that was closed at once, since there are too many.
    pub fn turned_away(&self) {
        self.refused.fetch_add(1, Ordering::Relaxed);
    }

    /// Says when the revocation list in force wants to be replaced, seconds since 1970.
    pub fn crl_is_due(&self, at: Option<u64>) {
        self.crl_due.store(at.unwrap_or(0), Ordering::Relaxed);
    }

    pub(super) fn crl_due(&self) -> Option<u64> {
        Some(self.crl_due.load(Ordering::Relaxed)).filter(|at| *at > 0)
    }

    /// Connections open now, accepted so far, closed at once so far.
    pub(super) fn connections(&self) -> [u64; 3] {
        [&*self.connections, &self.accepted, &self.refused].map(|n| n.load(Ordering::Relaxed))
    }

    pub(super) fn requests(&self) -> Vec<(Asked, u64)> {
        let requests = self.requests.lock().unwrap_or_else(PoisonError::into_inner);
        requests.iter().map(|(key, n)| (key.clone(), *n)).collect()
    }
}

/// The method, if it is one of the standard's: a client may invent any.
fn known(method: &str) -> &'static str {
    const METHODS: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];
    METHODS.into_iter().find(|known| *known == method).unwrap_or("other")
}

/// Resident memory in bytes and open files of this process, as /proc tells them.
pub(super) fn process() -> (Option<u64>, Option<u64>) {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages = statm.split(' ').nth(1).and_then(|pages| pages.parse::<u64>().ok());
    let files = std::fs::read_dir("/proc/self/fd").ok().map(|files| files.count() as u64);
    (pages.map(|pages| pages.saturating_mul(4_096)), files)
}
