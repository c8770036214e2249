//! Dated sections of a rule file, and how certain their values are.

use nofx_types::Date;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use toml::{Table, Value};

use crate::error::RuleError;

/// How far a value of a rule file can be trusted; what carries no mark was confirmed by several
/// sources.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Certainty {
    /// Confirmed.
    Certain,
    /// One source says so.
    OneSource,
    /// From memory, unverified.
    Memory,
    /// Sources differ; the value is the more careful one.
    Conflict,
}

impl Certainty {
    /// The word of the rule files.
    pub const fn name(self) -> &'static str {
        match self {
            Certainty::Certain => "certain",
            Certainty::OneSource => "one_source",
            Certainty::Memory => "memory",
            Certainty::Conflict => "conflict",
        }
    }
}

/// A rule, and the day since which it holds in this form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dated<T> {
    /// The rule.
    pub rule: T,
    /// First day of the section it came from.
    pub since: Date,
}

/// One section of a file.
#[derive(Clone, Debug)]
pub struct Section<T> {
    pub since: Date,
    /// Boards it is for; empty for all.
    pub boards: Vec<String>,
    pub marks: Vec<(String, Certainty)>,
    pub rule: T,
}

impl<T: Copy> Section<T> {
    pub fn dated(&self) -> Dated<T> {
        Dated { rule: self.rule, since: self.since }
    }
}

/// The newest section that holds on `date` for `board`, among those that `fits`.
pub fn newest<'a, T>(
    rows: &'a [Section<T>],
    date: Date,
    board: &str,
    fits: impl Fn(&T) -> bool,
) -> Option<&'a Section<T>> {
    rows.iter()
        .filter(|row| row.since <= date && (row.boards.is_empty() || row.covers(board)))
        .filter(|row| fits(&row.rule))
        .max_by_key(|row| (row.since, !row.boards.is_empty()))
}

impl<T> Section<T> {
    fn covers(&self, board: &str) -> bool {
        self.boards.iter().any(|name| name == board)
    }
}

/// Takes the sections `name` out of `root`.
pub fn take<T: DeserializeOwned>(
    file: &str,
    root: &mut Table,
    name: &str,
) -> Result<Vec<Section<T>>, RuleError> {
    let fail = |number, reason| RuleError::Section {
        file: file.to_owned(),
        section: name.to_owned(),
        number,
        reason,
    };
    let rows = match root.remove(name) {
        None => return Ok(Vec::new()),
        Some(Value::Array(rows)) => rows,
        Some(_) => return Err(fail(1, format!("want [[{name}]] sections"))),
    };
    let read = |(place, value): (usize, Value)| match value {
        Value::Table(table) => section(table).map_err(|reason| fail(place + 1, reason)),
        _ => Err(fail(place + 1, "want a table".to_owned())),
    };
    rows.into_iter().enumerate().map(read).collect()
}

/// The keys that every section has are taken out; the rest is the rule.
fn section<T: DeserializeOwned>(mut table: Table) -> Result<Section<T>, String> {
    let since = match table.remove("effective_from") {
        Some(Value::String(text)) => {
            text.parse().map_err(|e| format!("effective_from {text:?}: {e}"))?
        }
        Some(_) => return Err("effective_from: want \"YYYY-MM-DD\"".to_owned()),
        None => return Err("effective_from is missing".to_owned()),
    };
    let word = |error: toml::de::Error| error.message().to_owned();
    let boards = match table.remove("boards") {
        Some(value) => {
            Vec::<String>::deserialize(value).map_err(|e| format!("boards: {}", word(e)))?
        }
        None => Vec::new(),
    };
    let marks = match table.remove("unverified") {
        Some(value) => marks(value, &table)?,
        None => Vec::new(),
    };
    table.remove("note");
    let rule = T::deserialize(Value::Table(table)).map_err(word)?;
    Ok(Section { since, boards, marks, rule })
}

/// `unverified = { key = "memory" }`: each key must be one of the section.
fn marks(value: Value, table: &Table) -> Result<Vec<(String, Certainty)>, String> {
    let Value::Table(rows) = value else { return Err("unverified: want a table".to_owned()) };
    let read = |(key, value): (String, Value)| {
        if key != "effective_from" && !table.contains_key(&key) {
            return Err(format!("unverified.{key}: the section has no such key"));
        }
        let certainty = Certainty::deserialize(value);
        certainty
            .map(|mark| (key.clone(), mark))
            .map_err(|e| format!("unverified.{key}: {}", e.message()))
    };
    rows.into_iter().map(read).collect()
}
