//! Answers for people: lists as tables, records as lines.

use serde_json::{Map, Value};

/// Widest cell; the rest is in `--json`.
const WIDE: usize = 48;

/// Any answer.
pub fn of(body: &Value) -> String {
    match body {
        Value::Object(record) => match record.get("items").and_then(Value::as_array) {
            Some(items) => listed(items, record),
            None => lines(record),
        },
        Value::Array(items) => rows(items),
        other => cell("", other),
    }
}

/// A problem: what happened, with what, and what to do.
pub fn problem(body: &Value) -> String {
    let text = |key: &str| body.get(key).and_then(Value::as_str).unwrap_or("").to_owned();
    let mut said = format!("{}: {}", text("title"), text("detail"));
    for error in body.get("errors").and_then(Value::as_array).into_iter().flatten() {
        let of = |key: &str| error.get(key).and_then(Value::as_str).unwrap_or("");
        said += &format!("\n  {}: {}", of("field"), of("problem"));
    }
    for (key, label) in [("todo", "to do"), ("correlation", "correlation")] {
        let value = text(key);
        if !value.is_empty() {
            said += &format!("\n{label}: {value}");
        }
    }
    said
}

fn listed(items: &[Value], record: &Map<String, Value>) -> String {
    let mut text = if items.is_empty() { "nothing".to_owned() } else { rows(items) };
    for (key, value) in record {
        match (key.as_str(), value) {
            ("items", _) | (_, Value::Null) => {}
            ("next", Value::String(cursor)) => text += &format!("\nmore: --cursor {cursor}"),
            (_, Value::Array(more)) if more.is_empty() => {}
            (_, Value::Array(more)) => text += &format!("\n\n{key}\n{}", rows(more)),
            (_, value) => text += &format!("\n{key}: {}", cell(key, value)),
        }
    }
    text
}

fn lines(record: &Map<String, Value>) -> String {
    let width = record.keys().map(String::len).max().unwrap_or(0);
    let line = |(key, value): (&String, &Value)| match value {
        Value::Array(items) if items.first().is_some_and(Value::is_object) => {
            format!("{key}\n{}", indented(&rows(items)))
        }
        Value::Object(inner) if !inner.is_empty() => format!("{key}\n{}", indented(&lines(inner))),
        value => format!("{key:width$}  {}", cell(key, value)),
    };
    record.iter().map(line).collect::<Vec<_>>().join("\n")
}

fn indented(text: &str) -> String {
    text.lines().map(|line| format!("  {line}")).collect::<Vec<_>>().join("\n")
}

/// A row whose records are columns of their own: `all.p50`.
fn spread(item: &Value) -> Value {
    let Some(record) = item.as_object() else { return item.clone() };
    let mut flat = Map::new();
    for (key, value) in record {
        match value.as_object() {
            Some(inner) => {
                flat.extend(inner.iter().map(|(k, v)| (format!("{key}.{k}"), v.clone())))
            }
            None => _ = flat.insert(key.clone(), value.clone()),
        }
    }
    Value::Object(flat)
}

fn rows(items: &[Value]) -> String {
    let items: Vec<Value> = items.iter().map(spread).collect();
    let mut columns: Vec<&str> = Vec::new();
    for (key, _) in items.iter().filter_map(Value::as_object).flatten() {
        if !columns.contains(&key.as_str()) {
            columns.push(key);
        }
    }
    // Where a row lacks the record that others have, its columns stay empty.
    let of_record = |column: &str| {
        let inside =
            |key: &&str| key.strip_prefix(column).is_some_and(|rest| rest.starts_with('.'));
        columns.iter().any(inside)
    };
    let columns: Vec<&str> = columns.iter().copied().filter(|column| !of_record(column)).collect();
    if columns.is_empty() {
        return items.iter().map(|item| cell("", item)).collect::<Vec<_>>().join("\n");
    }
    let head = columns.iter().map(|column| (*column).to_owned()).collect();
    let row = |item: &Value| {
        let of =
            |column: &&str| item.get(column).map_or_else(String::new, |value| cell(column, value));
        columns.iter().map(of).collect::<Vec<String>>()
    };
    let table: Vec<Vec<String>> = std::iter::once(head).chain(items.iter().map(row)).collect();
    let width = |column| {
        let cells = table.iter().filter_map(|row: &Vec<String>| row.get(column));
        cells.map(|cell: &String| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns.len()).map(width).collect();
    let line = |row: &Vec<String>| {
        let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}"));
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    table.iter().map(line).collect::<Vec<_>>().join("\n")
}

fn cell(key: &str, value: &Value) -> String {
    let text = match value {
        Value::Null => "-".to_owned(),
        Value::String(text) => text.replace(['\n', '\r', '\t', '\u{1b}'], " "),
        Value::Number(number) => match number.as_u64() {
            Some(ns) if key.ends_with("_ns") && ns > 1_000_000_000_000_000_000 => time(ns),
            _ => number.to_string(),
        },
        Value::Array(items) if !items.iter().any(|item| item.is_object() || item.is_array()) => {
            items.iter().map(|item| cell("", item)).collect::<Vec<_>>().join(", ")
        }
        other => other.to_string(),
    };
    match text.chars().count() {
        0..=WIDE => text,
        _ if key == "detail" || key == "todo" || key == "fingerprint" => text,
        _ => text.chars().take(WIDE - 1).chain(['…']).collect(),
    }
}

/// Nanoseconds since 1970 as RFC 3339, UTC.
fn time(ns: u64) -> String {
    let (seconds, millis) = (ns / 1_000_000_000, ns / 1_000_000 % 1_000);
    let date = rcgen::date_time_ymd(1970, 1, 1) + std::time::Duration::from_secs(seconds);
    let (hour, minute, second) = date.time().as_hms();
    format!("{}T{hour:02}:{minute:02}:{second:02}.{millis:03}Z", date.date())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn lists_are_tables() {
        let text = of(&json!({"items": [
            {"name": "alpha", "at_ns": 1_700_000_000_000_000_000_u64},
            {"name": "b", "more": ["x", "y"]},
        ], "next": "17"}));
        let want = "name   at_ns                     more\n\
                    alpha  2023-11-14T22:13:20.000Z\n\
                    b                                x, y\n\
                    more: --cursor 17";
        assert_eq!(text, want);
        assert_eq!(of(&json!({"items": []})), "nothing");
    }

    #[test]
    fn records_in_a_row_are_columns() {
        let text = of(&json!([
            {"name": "total", "all": {"count": 7, "p50": 2_687}, "recent": null},
            {"name": "book", "all": {"count": 0, "p50": 0}, "recent": {"p50": 1}},
        ]));
        let want = "name   all.count  all.p50  recent.p50\n\
                    total  7          2687\n\
                    book   0          0        1";
        assert_eq!(text, want);
    }

    #[test]
    fn a_terminal_is_not_steered_by_what_others_wrote() {
        assert_eq!(of(&json!("a\u{1b}[2Jb")), "a [2Jb");
    }

    #[test]
    fn problems_say_what_to_do() {
        let body = json!({"title": "T", "detail": "d", "todo": "do it", "errors": [
            {"field": "scope", "problem": "none"}], "correlation": ""});
        assert_eq!(problem(&body), "T: d\n  scope: none\nto do: do it");
    }
}
