//! [`Record`]: a change as it is written down before its effect, and its audit entries.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::effect::{Effect, Verdict};
use super::{Ask, Intent, Phase};
use crate::audit::Entry;
use crate::problem;

/// Everything that is needed to end a change in another process than the one that began it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// Who.
    pub person: String,
    /// Their roles.
    pub role: String,
    /// Name of the policy's action.
    pub action: String,
    /// What it is about: `engine/a/limits`.
    pub object: String,
    /// What is to happen.
    pub effect: Effect,
    /// Values before.
    pub before: Value,
    /// Values after.
    pub after: Value,
    /// What else the answer says.
    pub detail: Value,
    /// Why, in the caller's words.
    pub reason: String,
    /// Of the request.
    pub correlation: String,
}

impl Record {
    pub(super) fn new(ask: &Ask, intent: Intent) -> Record {
        Record {
            person: ask.caller.person.clone(),
            role: ask.caller.roles_text(),
            action: ask.action.name().into(),
            object: intent.object,
            effect: intent.effect,
            before: safe(&intent.before),
            after: safe(&intent.after),
            detail: intent.detail,
            reason: ask.reason.clone(),
            correlation: problem::correlation(),
        }
    }

    pub(super) fn to_json(&self) -> String {
        // Nothing in it can fail: no maps with keys other than text.
        serde_json::to_string(self).unwrap_or_default()
    }

    /// Its entry in the audit log: the intent has the values, the result what is new since then.
    pub(super) fn entry(&self, clock_error_ns: Option<u64>, phase: Phase<'_>, id: u64) -> Entry {
        let (result, before, after) = match phase {
            Phase::Intended => {
                let after = json!({ "change": id, "values": self.after });
                ("intent", self.before.clone(), after)
            }
            Phase::IntendedInShort(why) => {
                let version = |values: &Value| json!({ "version": values["version"] });
                let why = format!("the values are left out, they stand where it was made: {why}");
                let after = json!({ "change": id, "values": version(&self.after), "why": why });
                ("intent", version(&self.before), after)
            }
            Phase::Result(outcome) => {
                let after = json!({ "change": id, "outcome": safe(&outcome.brief()) });
                (word(outcome.verdict), Value::Null, after)
            }
            Phase::Short(outcome, why) => {
                let left_out = format!("the outcome is left out: {why}");
                (word(outcome.verdict), Value::Null, json!({ "change": id, "why": left_out }))
            }
        };
        Entry {
            who: self.person.clone(),
            role: self.role.clone(),
            action: self.action.clone(),
            object: self.object.clone(),
            when: super::now(),
            clock_error_ns,
            before,
            after,
            reason: self.reason.clone(),
            correlation: self.correlation.clone(),
            result: result.into(),
            sensitive: true,
        }
    }
}

fn word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Applied => "done",
        Verdict::Refused | Verdict::NotDone => "failed",
        Verdict::Unknown => "unknown",
    }
}

/// Numbers that not every reader of JSON keeps exactly, as text: the log's canonical form
/// (RFC 8785) has no others.
pub(super) fn safe(value: &Value) -> Value {
    const MAX_SAFE: u64 = (1 << 53) - 1;
    match value {
        Value::Number(number) => {
            let whole = number.as_i64().map(i64::unsigned_abs).or(number.as_u64());
            match whole {
                Some(whole) if whole > MAX_SAFE => Value::String(number.to_string()),
                _ => value.clone(),
            }
        }
        Value::Array(items) => items.iter().map(safe).collect(),
        Value::Object(fields) => {
            fields.iter().map(|(name, field)| (name.clone(), safe(field))).collect()
        }
        _ => value.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::{MAX_BYTES, encode};
    use crate::change::{CommandName, Outcome};

    /// A record whose intent is as long as an entry may be.
    fn longest() -> Record {
        let record = |values: usize| Record {
            person: "risk".into(),
            role: "risk".into(),
            action: "set_limits".into(),
            object: "engine/a/limits".into(),
            effect: Effect::Send {
                engine: "a".into(),
                command: CommandName::Halt,
                scope: String::new(),
            },
            before: Value::Null,
            after: json!("x".repeat(values)),
            detail: Value::Null,
            reason: "\u{1}".repeat(1_000),
            correlation: "c".into(),
        };
        let empty = encode(record(0).entry(None, Phase::Intended, 1)).expect("short").len();
        record(MAX_BYTES - empty)
    }

    #[test]
    fn the_result_of_any_intent_that_fits_fits() {
        let record = longest();
        let intent = encode(record.entry(None, Phase::Intended, 1)).expect("fits");
        assert_eq!(intent.len(), MAX_BYTES);
        // An answer that repeats the values, as a configuration's does.
        let reply = json!({ "id": 7, "set": [record.after], "history": [record.after] });
        let outcome = Outcome { reply: Some(reply), ..Outcome::unknown("w".repeat(MAX_BYTES)) };
        let result = encode(record.entry(None, Phase::Result(&outcome), 1)).expect("fits");
        assert!(result.len() < 10_000 && result.contains("\"id\":7"), "{}", result.len());
        // Whatever else is in it: the short form fits.
        let outcome = Outcome { reply: Some(json!({ "members": record.after })), ..outcome };
        let long = encode(record.entry(None, Phase::Result(&outcome), 1)).expect_err("too large");
        let short = encode(record.entry(None, Phase::Short(&outcome, &long), 1)).expect("fits");
        assert!(short.contains("left out") && short.contains("\"result\":\"unknown\""), "{short}");
    }

    #[test]
    fn numbers_beyond_two_to_the_53_become_text() {
        let value = json!({ "a": [9_007_199_254_740_991u64, 9_007_199_254_740_992u64, -3, 0.5] });
        let want = json!({ "a": [9_007_199_254_740_991u64, "9007199254740992", -3, 0.5] });
        assert_eq!(safe(&value), want);
        assert_eq!(safe(&json!(i64::MIN)), json!("-9223372036854775808"));
    }
}
