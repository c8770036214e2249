//! Checking a log, and naming the first record that is wrong.
//!
//! Model: one pass in the order of numbers. Each record is held against what came before it: its
//! number, its leaf hash against its body, its link, the tree nodes that it completes, and the signed
//! heads of its size. The pass stops at the first contradiction. What is left over then, indexes and
//! surplus nodes, is checked at the end. Memory does not grow with the log.
//!
//! Limit: the end of the log can only be vouched for with a signed head; without one, records cut off
//! at the end leave no trace. Somebody who recomputed every hash from a record on is caught by the
//! first head after it: the record is then one of those since the head before.

use std::io;
use std::iter::Peekable;
use std::path::Path;

use rusqlite::Connection;
use serde::Serialize;
use utoipa::ToSchema;

use super::db::{self, Stored, StoredNodes};
use super::hash::{Hash, chain_hash, chain_start, leaf_hash};
use super::key::Verifier;
use super::merkle::{Frontier, Nodes};
use super::note::Checkpoint;
use super::{AuditError, second_place};

/// What is wrong, and where first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Finding {
    /// Number of the first bad record; `None` if no single record can be named.
    pub seq: Option<u64>,
    /// A word for it: `missing`, `inserted`, `body`, `link`, `malformed`, `dropped`, `node`, `index`,
    /// `truncated`, `rewritten`, `head`, `file`.
    pub kind: &'static str,
    /// What was expected and what was found.
    pub detail: String,
}

/// What came out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = AuditReport)] // a day's report has the other name
pub struct Report {
    /// Whether nothing is wrong.
    pub ok: bool,
    /// The name of the log.
    pub origin: String,
    /// Records that are right, from the beginning.
    pub size: u64,
    /// The root over them.
    #[schema(value_type = String)]
    pub root: Hash,
    /// How many of them have no body any more, by retention.
    pub dropped: u64,
    /// Signed heads that were checked and are right.
    pub heads: u64,
    /// Size of the largest of them: up to there also the end of the log is vouched for.
    pub vouched: u64,
    /// What is wrong first.
    pub finding: Option<Finding>,
}

/// Notes and the lines that they begin at.
type Notes = Box<dyn Iterator<Item = io::Result<(u64, String)>>>;

/// A file of signed heads to check against.
pub struct Verify {
    notes: Peekable<Notes>,
    key: Verifier,
}

impl Verify {
    /// The heads in `file`, signed with `key`.
    pub fn heads(file: &Path, key: Verifier) -> Result<Verify, AuditError> {
        let notes = second_place::open(file).map_err(|error| AuditError::Checkpoint {
            path: file.to_owned(),
            why: error.to_string(),
        })?;
        let notes: Notes = Box::new(notes);
        Ok(Verify { notes: notes.peekable(), key })
    }

    /// Whether there is no head at all.
    pub fn is_empty(&mut self) -> bool {
        self.notes.peek().is_none()
    }
}

/// Checks the log behind `connection`, and against signed heads if there are any.
pub fn run(connection: &Connection, heads: Option<Verify>) -> Result<Report, AuditError> {
    // One transaction: one state of the log, while another process may be appending.
    let transaction = connection.unchecked_transaction()?;
    let origin = db::origin(&transaction)?;
    // The heads that were signed after this moment are beyond what is seen here.
    let mut pass = Pass::new(&transaction, origin, heads)?;
    let finding = pass.all().err();
    let finding = match finding {
        Some(Stop::Cannot(error)) => return Err(error),
        Some(Stop::Found(finding)) => Some(finding),
        None => None,
    };
    Ok(pass.report(finding))
}

/// Checks the log in a file that no process need have open.
pub fn verify_file(file: &Path, heads: Option<Verify>) -> Result<Report, AuditError> {
    run(&db::open_to_read(file)?, heads)
}

enum Stop {
    Found(Finding),
    Cannot(AuditError),
}

impl From<AuditError> for Stop {
    fn from(error: AuditError) -> Stop {
        Stop::Cannot(error)
    }
}

/// SQLite's own checks fail on a damaged file: a finding, not an inability.
impl From<rusqlite::Error> for Stop {
    fn from(error: rusqlite::Error) -> Stop {
        use rusqlite::ErrorCode::{CannotOpen, DatabaseBusy, PermissionDenied, SystemIoFailure};
        match error.sqlite_error_code() {
            Some(CannotOpen | DatabaseBusy | PermissionDenied | SystemIoFailure) => {
                Stop::Cannot(error.into())
            }
            _ => found(None, "file", format!("the file is damaged: {error}")),
        }
    }
}

fn found(seq: Option<u64>, kind: &'static str, detail: impl Into<String>) -> Stop {
    Stop::Found(Finding { seq, kind, detail: detail.into() })
}

struct Pass<'a> {
    connection: &'a Connection,
    origin: String,
    heads: Option<Verify>,
    chain: Hash,
    frontier: Frontier,
    nodes: u64,
    dropped: u64,
    dropped_below: u64,
    checked: u64,
    vouched: u64,
}

impl<'a> Pass<'a> {
    fn new(
        connection: &'a Connection,
        origin: String,
        heads: Option<Verify>,
    ) -> Result<Pass<'a>, AuditError> {
        // Bodies that are no JSON make this fail: the pass then says which.
        let dropped_below = db::dropped_below(connection).unwrap_or(0);
        Ok(Pass {
            connection,
            chain: chain_start(&origin),
            origin,
            heads,
            frontier: Frontier::default(),
            nodes: 0,
            dropped: 0,
            dropped_below,
            checked: 0,
            vouched: 0,
        })
    }

    fn all(&mut self) -> Result<(), Stop> {
        let sql = format!("SELECT {} FROM record ORDER BY seq", Stored::COLUMNS);
        let connection = self.connection;
        let mut statement = connection.prepare(&sql)?;
        let mut rows = statement.query([])?;
        self.heads_here()?;
        loop {
            let row = match rows.next() {
                Ok(Some(row)) => row,
                Ok(None) => break,
                Err(error) => return Err(self.damaged(error)),
            };
            let stored = Stored::read(row).map_err(|error| self.damaged(error))?;
            self.record(&stored)?;
            self.heads_here()?;
        }
        self.end()
    }

    /// A row that cannot be read is the first bad one.
    fn damaged(&self, error: rusqlite::Error) -> Stop {
        match Stop::from(error) {
            Stop::Found(finding) => {
                Stop::Found(Finding { seq: Some(self.frontier.size()), ..finding })
            }
            cannot => cannot,
        }
    }

    fn record(&mut self, row: &Stored) -> Result<(), Stop> {
        let seq = self.frontier.size();
        match row.seq.cmp(&(seq as i64)) {
            std::cmp::Ordering::Greater => {
                let detail = format!("the next record is number {}", row.seq);
                return Err(found(Some(seq), "missing", detail));
            }
            std::cmp::Ordering::Less => {
                let detail = format!("a record with number {}", row.seq);
                return Err(found(Some(seq), "inserted", detail));
            }
            std::cmp::Ordering::Equal => (),
        }
        let (Some(leaf), Some(chain)) = (Hash::from_slice(&row.leaf), Hash::from_slice(&row.chain))
        else {
            return Err(found(Some(seq), "malformed", "a stored hash has not 32 bytes"));
        };
        self.body(seq, row.body.as_deref(), leaf)?;
        if chain != chain_hash(self.chain, leaf) {
            let detail = "its link does not follow from the record before and its leaf hash: \
                          changed, swapped, inserted, or a record before it was taken out";
            return Err(found(Some(seq), "link", detail));
        }
        self.chain = chain;
        let mut completed = Vec::new();
        self.frontier.push(leaf, |level, at, hash| completed.push((level, at, hash)));
        completed.into_iter().try_for_each(|(level, at, hash)| self.node(seq, level, at, hash))
    }

    fn body(&mut self, seq: u64, body: Option<&str>, leaf: Hash) -> Result<(), Stop> {
        match body {
            Some(body) if leaf_hash(body.as_bytes()) != leaf => {
                Err(found(Some(seq), "body", "its body does not have the stored leaf hash"))
            }
            Some(_) => Ok(()),
            None if seq < self.dropped_below => {
                self.dropped += 1;
                Ok(())
            }
            None => Err(found(
                Some(seq),
                "dropped",
                format!(
                    "its body is missing, and retention dropped only those below {}",
                    self.dropped_below
                ),
            )),
        }
    }

    fn node(&mut self, seq: u64, level: u32, at: u64, hash: Hash) -> Result<(), Stop> {
        self.nodes += 1;
        match StoredNodes(self.connection).node(level, at) {
            Ok(stored) if stored == hash => Ok(()),
            _ => {
                let detail =
                    format!("node {at} of level {level} of the tree is missing or changed");
                Err(found(Some(seq), "node", detail))
            }
        }
    }

    /// Checks the signed heads of the size that the pass has reached.
    fn heads_here(&mut self) -> Result<(), Stop> {
        while let Some((line, head)) = self.next_head(self.frontier.size())? {
            if head.head.root != self.frontier.root() {
                let detail = format!(
                    "the head of {} records signed at line {line} has another root: records between \
                     {} and {} were written anew",
                    head.head.size, self.vouched, head.head.size
                );
                return Err(found(Some(self.vouched), "rewritten", detail));
            }
            self.checked += 1;
            self.vouched = head.head.size;
        }
        Ok(())
    }

    /// The next head, if it is of at most `size` records.
    fn next_head(&mut self, size: u64) -> Result<Option<(u64, Checkpoint)>, Stop> {
        let Some(heads) = &mut self.heads else { return Ok(None) };
        let (line, note) = match heads.notes.peek() {
            None => return Ok(None),
            Some(Err(error)) => {
                return Err(found(
                    None,
                    "head",
                    format!("the file of heads cannot be read: {error}"),
                ));
            }
            Some(Ok((line, note))) => (*line, note),
        };
        let head = Checkpoint::open(note, &heads.key)
            .map_err(|why| found(None, "head", format!("the head at line {line}: {why}")))?;
        if head.origin != self.origin {
            let detail = format!("the head at line {line} is of the log {}", head.origin);
            return Err(found(None, "head", detail));
        }
        if head.head.size < self.vouched {
            let detail = format!("the head at line {line} is of fewer records than the one before");
            return Err(found(None, "head", detail));
        }
        if head.head.size > size {
            return Ok(None);
        }
        heads.notes.next();
        Ok(Some((line, head)))
    }

    /// What is only seen when all records were.
    fn end(&mut self) -> Result<(), Stop> {
        let size = self.frontier.size();
        if let Some((line, head)) = self.next_head(u64::MAX)? {
            let detail = format!(
                "the log ends with {size} records, and {} were signed at line {line}",
                head.head.size
            );
            return Err(found(Some(size), "truncated", detail));
        }
        let nodes: i64 =
            self.connection.query_row("SELECT count(*) FROM node", [], |row| row.get(0))?;
        if nodes != self.nodes as i64 {
            let detail = format!("{nodes} nodes of the tree are stored instead of {}", self.nodes);
            return Err(found(None, "node", detail));
        }
        let check: String =
            self.connection.query_row("PRAGMA integrity_check(1)", [], |row| row.get(0))?;
        match check.as_str() {
            "ok" => Ok(()),
            other => Err(found(None, "index", format!("SQLite finds: {other}"))),
        }
    }

    fn report(self, finding: Option<Finding>) -> Report {
        Report {
            ok: finding.is_none(),
            origin: self.origin,
            size: self.frontier.size(),
            root: self.frontier.root(),
            dropped: self.dropped,
            heads: self.checked,
            vouched: self.vouched,
            finding,
        }
    }
}
