//! Retention: bodies older than so many days are dropped, leaf hashes and chain stay.
//!
//! Model: bodies go from the beginning of the log up to a number, `below`. That is recorded first, as
//! an entry of the log itself; the verifier lets a body be missing only below the highest such number.
//! Then bodies are dropped some at a time between batches, so that nobody waits long. A process that
//! dies in between goes on when it starts again. Every proof that could be made before can still be
//! made: for a dropped record, of its leaf hash.

use rusqlite::{Connection, OptionalExtension};
use serde_json::json;

use super::entry::{Entry, outcome};
use super::{AuditError, db};

/// The action of the entry that says what is dropped.
pub const ACTION: &str = "drop_old_records";

/// Bodies dropped between two batches.
pub const CHUNK: u64 = 500;

/// The entry that must be on the disk before the bodies of records older than `cutoff` go, and the
/// number below which they do; `None` if there is nothing to drop. Times in nanoseconds since 1970.
pub fn due(
    connection: &Connection,
    cutoff: u64,
    now: u64,
) -> Result<Option<(Entry, u64)>, AuditError> {
    let dropped = db::dropped_below(connection)?;
    let below = older_than(connection, dropped, cutoff)?;
    Ok((below > dropped).then(|| (announcement(dropped, below, cutoff, now), below)))
}

/// The first record from `from` on that is not older than `cutoff`: the size of the log if all are.
fn older_than(connection: &Connection, from: u64, cutoff: u64) -> Result<u64, AuditError> {
    let sql = "SELECT seq FROM record WHERE seq >= ?1 AND +when_ns >= ?2 ORDER BY seq LIMIT 1";
    let bind = |value| i64::try_from(value).unwrap_or(i64::MAX);
    let first = connection
        .query_row(sql, (bind(from), bind(cutoff)), |row| row.get::<_, i64>(0))
        .optional()?;
    match first.and_then(|seq| u64::try_from(seq).ok()) {
        Some(seq) => Ok(seq),
        None => db::size(connection),
    }
}

fn announcement(before: u64, below: u64, cutoff: u64, now: u64) -> Entry {
    Entry {
        who: "system".into(),
        role: "system".into(),
        action: ACTION.into(),
        object: "audit".into(),
        when: now,
        before: json!({ "below": before }),
        after: json!({ "below": below, "cutoff_ns": cutoff }),
        reason: "older than audit.retention_days".into(),
        result: outcome::DONE.into(),
        sensitive: true,
        ..Entry::default()
    }
}
