//! Reading the log: pages of records, what people did, and a copy of it all.
//!
//! Model: records come the newest first; a cursor is the number below which the next page goes on, so
//! that pages do not shift while the log grows. SQLite walks down the log, or down an index that is in
//! the log's order (correlation, action, result); whether a record fits is decided here, so that each
//! one looked at counts. Text is looked for in the canonical bytes without regard to case.
//!
//! Worst case: one call looks at [`SCAN`] records, fitting or not, and parses them; the page may then
//! be short, or empty, and its cursor goes on.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::Path;

use rusqlite::backup::{Backup, StepResult};
use rusqlite::types::Value as Sql;
use rusqlite::{Connection, params_from_iter};
use serde::Serialize;
use utoipa::ToSchema;

use super::entry::Record;
use super::{AuditError, db, outcome};

/// Records in a page, unless asked otherwise, and at most.
pub const LIMIT: usize = 100;
const MAX_LIMIT: usize = 1000;
/// Records that one call looks at.
const SCAN: usize = 100_000;
/// People in an activity report at most.
const MAX_PEOPLE: usize = 1000;

/// What to look for. Every part that is given must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// The person, exactly.
    pub user: Option<String>,
    /// The part of the object before `/`.
    pub kind: Option<String>,
    /// The action, exactly.
    pub action: Option<String>,
    /// The result, exactly.
    pub result: Option<String>,
    /// The correlation id, exactly.
    pub correlation: Option<String>,
    /// Not older than this, nanoseconds since 1970.
    pub from: Option<u64>,
    /// Older than this, nanoseconds since 1970.
    pub to: Option<u64>,
    /// Somewhere in the record, in any case.
    pub text: Option<String>,
    /// Records of a page; 0 is the usual 100, and 1000 the most.
    pub limit: usize,
    /// Only records with smaller numbers: the cursor.
    pub below: Option<u64>,
}

/// A page of records.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Page {
    /// The newest first.
    pub items: Vec<Record>,
    /// Where the next page goes on; `None` at the end.
    pub next: Option<u64>,
}

/// A page of what `filter` asks for.
pub fn page(connection: &Connection, filter: &Filter) -> Result<Page, AuditError> {
    page_of(connection, filter, SCAN)
}

/// The same, looking at `scan` records at most.
fn page_of(connection: &Connection, filter: &Filter, scan: usize) -> Result<Page, AuditError> {
    let limit = if filter.limit == 0 { LIMIT } else { filter.limit.min(MAX_LIMIT) };
    let (way, values) = way(filter);
    let mut statement = connection.prepare(&format!("SELECT seq, body FROM record {way}"))?;
    let mut rows = statement.query(params_from_iter(values))?;
    let text = filter.text.as_ref().map(|text| text.to_lowercase());
    let mut page = Page::default();
    let mut last = None;
    for _ in 0..scan {
        if page.items.len() == limit {
            break;
        }
        let Some(row) = rows.next()? else { return Ok(page) };
        let (seq, body): (i64, Option<String>) = (row.get(0)?, row.get(1)?);
        let seq = u64::try_from(seq).unwrap_or(0);
        last = Some(seq);
        let Some(body) = body else { continue };
        if text.as_ref().is_none_or(|text| body.to_lowercase().contains(text)) {
            page.items.extend(Some(Record::parse(seq, &body)?).filter(|found| fits(filter, found)));
        }
    }
    page.next = last.filter(|_| matches!(rows.next(), Ok(Some(_))));
    Ok(page)
}

/// How SQLite walks down the log, and the values: no sorting, and no row looked at that is not given
/// out, so that the bound on rows is one on work.
fn way(filter: &Filter) -> (String, Vec<Sql>) {
    let indexes = [
        ("correlation", &filter.correlation),
        ("action", &filter.action),
        ("result", &filter.result),
    ];
    let index = indexes.into_iter().find_map(|(name, text)| Some((name, text.clone()?)));
    let (mut way, mut values) = match index {
        Some((name, text)) => {
            let way = format!("INDEXED BY by_{name} WHERE body IS NOT NULL AND {name} = ?");
            (way, vec![Sql::Text(text)])
        }
        None => ("NOT INDEXED WHERE true".to_owned(), Vec::new()),
    };
    if let Some(below) = filter.below {
        way += " AND seq < ?";
        values.push(Sql::Integer(i64::try_from(below).unwrap_or(i64::MAX)));
    }
    (way + " ORDER BY seq DESC", values)
}

/// Whether every part of the filter but the text and the cursor holds.
fn fits(filter: &Filter, record: &Record) -> bool {
    let texts = [
        (&filter.user, &record.who),
        (&filter.kind, &record.r#type),
        (&filter.action, &record.action),
        (&filter.result, &record.result),
        (&filter.correlation, &record.correlation),
    ];
    texts.into_iter().all(|(wanted, has)| wanted.as_ref().is_none_or(|wanted| wanted == has))
        && filter.from.is_none_or(|from| record.when_ns >= from)
        && filter.to.is_none_or(|to| record.when_ns < to)
}

/// The condition of SQL and its values, in order, for what reads all of it.
fn condition(filter: &Filter) -> (String, Vec<Sql>) {
    let mut conditions = vec!["body IS NOT NULL".to_owned()];
    let mut values = Vec::new();
    let texts = [
        ("who = ?", &filter.user),
        ("type = ?", &filter.kind),
        ("action = ?", &filter.action),
        ("result = ?", &filter.result),
        ("correlation = ?", &filter.correlation),
    ];
    for (condition, text) in texts {
        if let Some(text) = text {
            conditions.push(condition.to_owned());
            values.push(Sql::Text(text.clone()));
        }
    }
    let numbers =
        [("when_ns >= ?", filter.from), ("when_ns < ?", filter.to), ("seq < ?", filter.below)];
    for (condition, number) in numbers {
        if let Some(number) = number {
            conditions.push(condition.to_owned());
            values.push(Sql::Integer(i64::try_from(number).unwrap_or(i64::MAX)));
        }
    }
    (conditions.join(" AND "), values)
}

/// A record; `None` if its body was dropped, an error if there is none.
pub fn record(connection: &Connection, seq: u64) -> Result<Option<Record>, AuditError> {
    let stored = db::stored(connection, seq)?
        .ok_or_else(|| AuditError::NotFound(format!("there is no record {seq}")))?;
    stored.body.map(|body| Record::parse(seq, &body)).transpose()
}

/// Numbers of the first and the last record from `from` on and before `to` (nanoseconds since 1970):
/// looks at the times alone.
pub fn between(
    connection: &Connection,
    from: u64,
    to: u64,
) -> Result<Option<(u64, u64)>, AuditError> {
    let sql = "SELECT min(seq), max(seq) FROM record INDEXED BY by_when
         WHERE body IS NOT NULL AND when_ns >= ?1 AND when_ns < ?2";
    let times = [from, to].map(|time| i64::try_from(time).unwrap_or(i64::MAX));
    let number = |n: Option<i64>| n.and_then(|n| u64::try_from(n).ok());
    let found = connection.query_row(sql, times, |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(number(found.0).zip(number(found.1)))
}

/// Calls `each` for every record with a body between two times, the oldest first.
pub fn each(
    connection: &Connection,
    filter: &Filter,
    mut each: impl FnMut(Record) -> Result<(), AuditError>,
) -> Result<u64, AuditError> {
    let (condition, values) = condition(filter);
    let sql = format!("SELECT seq, body FROM record WHERE {condition} ORDER BY seq");
    let mut statement = connection.prepare(&sql)?;
    let mut rows = statement.query(params_from_iter(values))?;
    let mut count = 0;
    while let Some(row) = rows.next()? {
        let (seq, body): (i64, String) = (row.get(0)?, row.get(1)?);
        each(Record::parse(u64::try_from(seq).unwrap_or(0), &body)?)?;
        count += 1;
    }
    Ok(count)
}

/// What one person did.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct Activity {
    /// The person.
    pub user: String,
    /// Their records.
    pub entries: u64,
    /// Those that were refused or failed.
    pub refused: u64,
    /// Time of the first, nanoseconds since 1970.
    pub first_ns: u64,
    /// Time of the last, nanoseconds since 1970.
    pub last_ns: u64,
    /// How many of each action.
    pub actions: BTreeMap<String, u64>,
    /// How many of each result.
    pub results: BTreeMap<String, u64>,
}

/// What people did from `from` on and before `to` (nanoseconds since 1970), the busiest first.
pub fn activity(
    connection: &Connection,
    user: Option<&str>,
    from: Option<u64>,
    to: Option<u64>,
) -> Result<Vec<Activity>, AuditError> {
    let filter = Filter { user: user.map(str::to_owned), from, to, ..Filter::default() };
    let (condition, values) = condition(&filter);
    let sql = format!(
        "SELECT who, action, result, count(*), min(when_ns), max(when_ns) FROM record
         WHERE {condition} GROUP BY who, action, result"
    );
    let mut statement = connection.prepare(&sql)?;
    let mut rows = statement.query(params_from_iter(values))?;
    let mut people: BTreeMap<String, Activity> = BTreeMap::new();
    while let Some(row) = rows.next()? {
        let user: String = row.get(0)?;
        let numbers = [row.get::<_, i64>(3)?, row.get(4)?, row.get(5)?];
        let [count, first, last] = numbers.map(|number| u64::try_from(number).unwrap_or(0));
        let person = people.entry(user.clone()).or_insert_with(|| Activity {
            user,
            first_ns: u64::MAX,
            ..Activity::default()
        });
        person.add(row.get(1)?, row.get(2)?, count, first..last);
    }
    let mut people: Vec<_> = people.into_values().collect();
    people.sort_by_key(|person| std::cmp::Reverse(person.entries));
    people.truncate(MAX_PEOPLE);
    Ok(people)
}

impl Activity {
    fn add(&mut self, action: String, result: String, count: u64, span: std::ops::Range<u64>) {
        self.entries += count;
        if [outcome::REFUSED, outcome::FAILED].contains(&result.as_str()) {
            self.refused += count;
        }
        self.first_ns = self.first_ns.min(span.start);
        self.last_ns = self.last_ns.max(span.end);
        *self.actions.entry(action).or_default() += count;
        *self.results.entry(result).or_default() += count;
    }
}

/// Copies the log to a new file in one step: a state between two commits. Appending goes on.
pub fn back_up(connection: &Connection, to: &Path) -> Result<(), AuditError> {
    // A name of its own until all is on the disk: what bears the name asked for is whole.
    let mut part = to.as_os_str().to_owned();
    part.push(".part");
    let part = Path::new(&part);
    if to.exists() {
        return Err(AuditError::Disk(format!("{} exists: name a new file", to.display())));
    }
    let copied = copy(connection, part);
    if copied.is_err() {
        let _ = std::fs::remove_file(part);
        return copied;
    }
    std::fs::rename(part, to)?;
    let directory = to.parent().filter(|parent| !parent.as_os_str().is_empty());
    Ok(File::open(directory.unwrap_or(Path::new(".")))?.sync_all()?)
}

fn copy(connection: &Connection, to: &Path) -> Result<(), AuditError> {
    let mut copy = Connection::open(to)?;
    let backup = Backup::new(connection, &mut copy)?;
    match backup.step(-1)? {
        StepResult::Done => (),
        other => return Err(AuditError::Disk(format!("the copy did not end: {other:?}"))),
    }
    drop(backup);
    copy.close().map_err(|(_, error)| error)?;
    Ok(File::open(to)?.sync_all()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_records_of_a_span_are_named_by_the_first_and_the_last() {
        let (_dir, log) = log(10);
        let between = |from, to| between(&log, from, to).expect("read");
        assert_eq!(between(1_003, 1_007), Some((3, 6)));
        assert_eq!(between(0, u64::MAX), Some((0, 9)));
        assert_eq!((between(1_010, u64::MAX), between(1_005, 1_005)), (None, None));
    }

    /// A log of `count` records; the first one is of another person, type, action and result.
    fn log(count: u64) -> (tempfile::TempDir, Connection) {
        let dir = tempfile::tempdir().expect("a folder");
        let log = db::open_to_write(&dir.path().join("audit.db"), "test").expect("opens");
        for seq in 0..count {
            let [who, kind, action, result] = match seq {
                0 => ["ada", "clock", "set", "failed"],
                _ => ["bob", "engine", "kill", "done"],
            };
            let entry = crate::audit::Entry {
                who: who.into(),
                role: "risk".into(),
                action: action.into(),
                object: format!("{kind}/x"),
                when: 1_000 + seq,
                clock_error_ns: None,
                before: serde_json::Value::Null,
                after: serde_json::Value::Null,
                reason: String::new(),
                correlation: "same".into(),
                result: result.into(),
                sensitive: false,
            };
            let body = crate::audit::encode(entry).expect("encoded");
            let insert = "INSERT INTO record(seq, leaf, chain, body) VALUES (?1, ?2, ?2, ?3)";
            let row = (seq as i64, [0_u8; 32], body);
            log.execute(insert, row).expect("written");
        }
        (dir, log)
    }

    #[test]
    fn every_record_looked_at_counts_whatever_is_asked() {
        let (_dir, log) = log(50);
        let is = |text: &str| Some(text.to_owned());
        let filters = [
            Filter { user: is("ada"), ..Filter::default() },
            Filter { kind: is("clock"), ..Filter::default() },
            Filter { to: Some(1_001), ..Filter::default() },
            Filter { text: is("clock/x"), ..Filter::default() },
            Filter { correlation: is("same"), user: is("ada"), ..Filter::default() },
        ];
        for filter in filters {
            let (mut below, mut calls) = (None, 0);
            let found = loop {
                let asked = Filter { below, ..filter.clone() };
                let page = page_of(&log, &asked, 10).expect("read");
                (below, calls) = (page.next, calls + 1);
                if let Some(found) = page.items.first() {
                    break found.seq;
                }
                assert_eq!(below, Some(50 - 10 * calls), "{filter:?}");
            };
            assert_eq!((found, calls, below), (0, 5, None), "{filter:?}");
        }
    }

    #[test]
    fn no_way_down_the_log_sorts_or_looks_at_more_than_it_gives() {
        let (_dir, log) = log(2);
        let is = |text: &str| Some(text.to_owned());
        let filters = [
            (
                Filter { user: is("a"), kind: is("b"), from: Some(1), ..Filter::default() },
                "SCAN record",
            ),
            (Filter { user: is("a"), below: Some(7), ..Filter::default() }, "rowid<?"),
            (Filter { action: is("kill"), user: is("a"), ..Filter::default() }, "by_action"),
            (Filter { result: is("done"), below: Some(7), ..Filter::default() }, "by_result"),
            (
                Filter { correlation: is("c"), action: is("kill"), ..Filter::default() },
                "by_correlation",
            ),
        ];
        for (filter, by) in filters {
            let (way, values) = way(&filter);
            let sql = format!("EXPLAIN QUERY PLAN SELECT seq, body FROM record {way}");
            let mut statement = log.prepare(&sql).expect("good SQL");
            let steps =
                statement.query_map(params_from_iter(values), |row| row.get::<_, String>(3));
            let steps: Vec<String> =
                steps.expect("a plan").map(|step| step.expect("a row")).collect();
            assert!(steps.len() == 1 && steps[0].contains(by), "{filter:?}: {steps:?}");
        }
    }
}
