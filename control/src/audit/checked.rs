//! What is checked before a log is written to again: that it has what was signed last.

use super::key::Verifier;
use super::merkle::range_root;
use super::note::Checkpoint;
use super::second_place::SecondPlace;
use super::{AuditError, Settings, db};

/// Compares the log with its last signed head, the size of which is returned (0 if there is none). A
/// log that is shorter, or has another root there, is not written to.
pub fn against_second_place(
    settings: &Settings,
    place: &SecondPlace,
    key: &Verifier,
) -> Result<u64, AuditError> {
    let wrong = |why: String| AuditError::Checkpoint { path: settings.checkpoint.clone(), why };
    place.heal().map_err(|error| wrong(error.to_string()))?;
    let Some(note) = place.last().map_err(|error| wrong(error.to_string()))? else { return Ok(0) };
    let signed = Checkpoint::open(&note, key).map_err(|why| {
        wrong(format!(
            "its last head does not belong to this log and key: {why}. If the log or the key was \
             replaced on purpose, move the file aside"
        ))
    })?;
    let connection = db::open_to_read(&settings.path)?;
    let size = db::size(&connection)?;
    let head = signed.head;
    if size < head.size {
        return Err(AuditError::Tampered(format!(
            "{} records were signed, the log has {size}: records from {size} on are missing. If this \
             is a restored copy, move {} aside and keep it",
            head.size,
            settings.checkpoint.display()
        )));
    }
    if range_root(&db::StoredNodes(&connection), 0, head.size)? != head.root {
        return Err(AuditError::Tampered(format!(
            "its first {} records are not those that were signed: run `nofx-control audit verify`",
            head.size
        )));
    }
    Ok(head.size)
}
