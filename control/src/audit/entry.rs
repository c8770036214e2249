//! One entry of the audit log, and the bytes that stand for it.
//!
//! Model: an [`Entry`] says who did what to what, when (with what is known of the clock's error), what
//! was there before and after, why, under which correlation id, and how it went. Its canonical bytes
//! are RFC 8785 JSON of [`Body`]: whoever has them can compute the leaf hash. RFC 8785 knows doubles
//! only, so times, and integers that a double cannot hold, are written as decimal strings
//! (RFC 7493, 2.2).

use serde::{Deserialize, Serialize};
use serde_json::{Number, Value};
use utoipa::ToSchema;

use super::AuditError;

/// The most bytes that the canonical form of an entry may have.
pub const MAX_BYTES: usize = 256 * 1024;

/// The largest integer that every JSON reader keeps exactly: 2^53 - 1.
const MAX_SAFE: u64 = (1 << 53) - 1;

/// What is told to the log. `result` is one of [`outcome`] by convention.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Entry {
    /// The person (common name of the certificate), or `system`.
    pub who: String,
    /// The role or roles that the person acted in.
    pub role: String,
    /// What was done: the name of the policy's action, such as `set_limits`.
    pub action: String,
    /// To what: `class/name/…`, such as `engine/demo/limits`. The part before `/` is its type.
    pub object: String,
    /// When, in nanoseconds since 1970 UTC.
    pub when: u64,
    /// At most how far the clock was off, in nanoseconds; `None` if unknown.
    pub clock_error_ns: Option<u64>,
    /// The values before; `Null` if there are none.
    pub before: Value,
    /// The values after; `Null` if there are none.
    pub after: Value,
    /// Why, as the person wrote it.
    pub reason: String,
    /// Joins the entries of one request.
    pub correlation: String,
    /// How it went.
    pub result: String,
    /// Whether the caller waits until the entry is on the disk.
    pub sensitive: bool,
}

/// The values of `result`.
pub mod outcome {
    /// About to be done: written before the effect.
    pub const INTENT: &str = "intent";
    /// Done and confirmed.
    pub const DONE: &str = "done";
    /// Not done, because it was not allowed or not valid.
    pub const REFUSED: &str = "refused";
    /// Tried, and known not to have happened.
    pub const FAILED: &str = "failed";
    /// Tried, and not known whether it happened.
    pub const UNKNOWN: &str = "unknown";
}

/// The canonical form: what is hashed, stored and given out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Body {
    v: u8,
    who: String,
    role: String,
    action: String,
    object: String,
    #[serde(with = "decimal")]
    when_ns: u64,
    #[serde(with = "decimal_option")]
    clock_error_ns: Option<u64>,
    before: Value,
    after: Value,
    reason: String,
    correlation: String,
    result: String,
    sensitive: bool,
    /// The caller was told that the entry could not be written: an intended action was refused.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    unacknowledged: bool,
}

/// The canonical bytes of an entry.
pub fn encode(entry: Entry) -> Result<String, AuditError> {
    let text = canonical(&Body {
        v: 1,
        who: entry.who,
        role: entry.role,
        action: entry.action,
        object: entry.object,
        when_ns: entry.when,
        clock_error_ns: entry.clock_error_ns,
        before: safe(entry.before),
        after: safe(entry.after),
        reason: entry.reason,
        correlation: entry.correlation,
        result: entry.result,
        sensitive: entry.sensitive,
        unacknowledged: false,
    })?;
    match text.len() {
        bytes if bytes > MAX_BYTES => Err(AuditError::TooLarge { bytes }),
        _ => Ok(text),
    }
}

/// The same entry, marked as one whose caller was told that it could not be written.
pub fn unacknowledged(text: &str) -> Result<String, AuditError> {
    let body: Body = serde_json::from_str(text).map_err(AuditError::encoding)?;
    canonical(&Body { unacknowledged: true, ..body })
}

fn canonical(body: &Body) -> Result<String, AuditError> {
    serde_json_canonicalizer::to_string(body).map_err(AuditError::encoding)
}

/// `value` with every integer that a double cannot hold as a decimal string.
fn safe(value: Value) -> Value {
    match value {
        Value::Number(number) if !is_safe(&number) => Value::String(number.to_string()),
        Value::Array(items) => Value::Array(items.into_iter().map(safe).collect()),
        Value::Object(map) => {
            Value::Object(map.into_iter().map(|(key, value)| (key, safe(value))).collect())
        }
        other => other,
    }
}

fn is_safe(number: &Number) -> bool {
    match (number.as_u64(), number.as_i64()) {
        (Some(value), _) => value <= MAX_SAFE,
        (_, Some(value)) => value.unsigned_abs() <= MAX_SAFE,
        _ => true,
    }
}

/// An entry as it is given out, with its place in the log.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Record {
    /// Its number in the log, from 0: the index of its leaf.
    pub seq: u64,
    /// Nanoseconds since 1970 UTC.
    pub when_ns: u64,
    /// Bound of the clock's error in nanoseconds.
    pub clock_error_ns: Option<u64>,
    /// The person.
    pub who: String,
    /// The role.
    pub role: String,
    /// The type of the object: what stands before its first `/`.
    pub r#type: String,
    /// What was done.
    pub action: String,
    /// To what.
    pub object: String,
    /// How it went.
    pub result: String,
    /// Values before.
    pub before: Value,
    /// Values after.
    pub after: Value,
    /// Why.
    pub reason: String,
    /// Joins the entries of one request.
    pub correlation: String,
    /// Whether the caller waited for the disk.
    pub sensitive: bool,
    /// The caller was told that it could not be written.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unacknowledged: bool,
}

impl Record {
    /// From stored bytes; an error says what is wrong with them.
    pub fn parse(seq: u64, text: &str) -> Result<Record, AuditError> {
        let body: Body = serde_json::from_str(text).map_err(AuditError::encoding)?;
        let class = body.object.split('/').next().unwrap_or_default();
        Ok(Record {
            seq,
            when_ns: body.when_ns,
            clock_error_ns: body.clock_error_ns,
            who: body.who,
            role: body.role,
            r#type: class.to_owned(),
            action: body.action,
            object: body.object,
            result: body.result,
            before: body.before,
            after: body.after,
            reason: body.reason,
            correlation: body.correlation,
            sensitive: body.sensitive,
            unacknowledged: body.unacknowledged,
        })
    }
}

/// `u64` as a decimal string.
mod decimal {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub fn serialize<S: Serializer>(value: &u64, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(value)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

/// `Option<u64>` as a decimal string or null.
mod decimal_option {
    use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

    pub fn serialize<S: Serializer>(value: &Option<u64>, serializer: S) -> Result<S::Ok, S::Error> {
        value.map(|value| value.to_string()).serialize(serializer)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<Option<u64>, D::Error> {
        let text = Option::<String>::deserialize(d)?;
        text.map(|text| text.parse().map_err(D::Error::custom)).transpose()
    }
}
