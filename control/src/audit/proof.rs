//! A proof that others can check without the log: of one record, and of the log only growing.
//!
//! Model: the record's canonical bytes (or, if retention dropped them, its leaf hash alone), the audit
//! path to the root of a head, and perhaps the proof that an older head is its beginning. It says
//! nothing of other records. It is worth as much as the head: [`Proof::check`] wants a signed one.

use rusqlite::Connection;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::AuditError;
use super::db::{self, StoredNodes};
use super::hash::{Hash, leaf_hash};
use super::key::Verifier;
use super::merkle::{
    Head, Nodes, check_consistency, check_inclusion, consistency, inclusion, range_root,
};
use super::note::Checkpoint;

/// Name of the format.
const FORMAT: &str = "nofx-audit-proof-1";

/// A proof as JSON; hashes are base64.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Proof {
    /// `nofx-audit-proof-1`.
    pub format: String,
    /// The name of the log.
    pub origin: String,
    /// Number of the record: index of its leaf.
    pub seq: u64,
    /// Canonical bytes of the record (RFC 8785 JSON); null if retention dropped them.
    pub record: Option<String>,
    /// Leaf hash: `SHA-256(0x00 || record)`.
    #[schema(value_type = String)]
    pub leaf: Hash,
    /// Size of the tree that is proved against.
    pub size: u64,
    /// Its root.
    #[schema(value_type = String)]
    pub root: Hash,
    /// Audit path from the leaf up (RFC 9162, 2.1.3).
    #[schema(value_type = Vec<String>)]
    pub inclusion: Vec<Hash>,
    /// That an older tree is the beginning of this one, if that was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub consistency: Option<Consistency>,
    /// The signed head of `size` records, if it was at hand.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checkpoint: Option<String>,
}

/// Proof that the tree of `size` leaves with `root` is the beginning of a larger one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Consistency {
    /// Size of the older tree.
    pub size: u64,
    /// Its root.
    #[schema(value_type = String)]
    pub root: Hash,
    /// The path (RFC 9162, 2.1.4).
    #[schema(value_type = Vec<String>)]
    pub path: Vec<Hash>,
}

/// Proves record `seq` in the tree of `size`, and that the tree of `old` is its beginning.
pub fn prove(
    connection: &Connection,
    seq: u64,
    size: u64,
    old: Option<u64>,
) -> Result<Proof, AuditError> {
    let has = db::size(connection)?;
    let missing = |what: String| Err(AuditError::NotFound(what));
    if size > has {
        return missing(format!("the log has {has} records, not {size}"));
    }
    if seq >= size {
        return missing(format!("there is no record {seq} among the first {size}"));
    }
    if let Some(old) = old.filter(|&old| old == 0 || old > size) {
        return missing(format!("an older log of {old} records: it must have 1 to {size}"));
    }
    let nodes = StoredNodes(connection);
    let stored = db::stored(connection, seq)?;
    let consistency = |old: u64| -> Result<Consistency, AuditError> {
        let (root, path) = (range_root(&nodes, 0, old)?, consistency(&nodes, old, size)?);
        Ok(Consistency { size: old, root, path })
    };
    Ok(Proof {
        format: FORMAT.into(),
        origin: db::origin(connection)?,
        seq,
        record: stored.and_then(|row| row.body),
        leaf: nodes.node(0, seq)?,
        size,
        root: range_root(&nodes, 0, size)?,
        inclusion: inclusion(&nodes, seq, size)?,
        consistency: old.map(consistency).transpose()?,
        checkpoint: None,
    })
}

impl Proof {
    /// Checks the proof against a signed head; `heads` are the notes at hand, one of which must be of
    /// the proof's size. The error says what is wrong.
    pub fn check(&self, heads: impl Iterator<Item = String>, key: &Verifier) -> Result<(), String> {
        if self.format != FORMAT {
            return Err(format!("the format is {:?}, not {FORMAT}", self.format));
        }
        self.check_path()?;
        let older = self.consistency.as_ref();
        let (mut new_signed, mut why) = (false, "no signed head of this size");
        for note in heads {
            let point = match Checkpoint::open(&note, key) {
                Ok(point) if point.origin == self.origin => point,
                Ok(_) => continue,
                Err(wrong) => {
                    why = wrong;
                    continue;
                }
            };
            if point.head.size == self.size {
                if point.head.root != self.root {
                    return Err("the signed head of this size has another root".into());
                }
                new_signed = true;
            }
            if older.is_some_and(|old| old.size == point.head.size && old.root != point.head.root) {
                return Err("the signed head of the older size has another root".into());
            }
        }
        if new_signed { Ok(()) } else { Err(format!("not vouched for by {}: {why}", self.size)) }
    }

    /// Checks everything but the signature.
    fn check_path(&self) -> Result<(), String> {
        let record = self.record.as_deref();
        if record.is_some_and(|record| leaf_hash(record.as_bytes()) != self.leaf) {
            return Err("the record does not have this leaf hash".into());
        }
        if !check_inclusion(self.leaf, self.seq, self.size, &self.inclusion, self.root) {
            return Err("the path does not lead from the record to the root".into());
        }
        let new = Head { size: self.size, root: self.root };
        match &self.consistency {
            Some(old) => {
                let head = Head { size: old.size, root: old.root };
                match check_consistency(head, new, &old.path) {
                    true => Ok(()),
                    false => Err("the older log is not shown to be its beginning".into()),
                }
            }
            None => Ok(()),
        }
    }
}
