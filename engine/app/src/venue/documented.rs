//! Whether pages of configuration say the truth: every key is there, with its default.
//!
//! No list of keys is kept for this. A section that is given a key nobody knows is refused with the
//! list of those it takes; a key whose line can go without a change stands there with its default.
//! Where a page shows another value, the comment says `(default VALUE)`, `absent` where there is
//! none, or `needed`. What one page explains, the pages behind it may leave out.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;

use serde::de::DeserializeOwned;
use toml::{Table, Value};

/// A key that nobody knows.
const UNKNOWN: &str = "?";

/// Keys of tables and indices of arrays from the root to a section.
type Path = Vec<String>;

/// What is missing or untrue in pages that together show the whole of `T`.
pub fn faults<T: DeserializeOwned + Debug>(pages: &[&str]) -> Vec<String> {
    let (mut shown, mut taken) = (BTreeSet::new(), BTreeSet::new());
    let mut faults = Vec::new();
    for page in pages {
        let root = whole(page);
        let explained = shown.clone();
        for path in sections(&root) {
            let Some(keys) = keys_of::<T>(&root, &path) else { continue };
            taken.extend(keys.iter().map(|key| named(&path, key)));
            shown.extend(table(&mut root.clone(), &path).keys().map(|key| named(&path, key)));
        }
        for (path, key, comment) in lines(page) {
            let name = named(&path, key);
            let first = path.iter().all(|step| step.parse::<usize>().is_err() || step == "0");
            let meant = first && taken.contains(&name) && !explained.contains(&name);
            if meant && !is_true::<T>(&root, &path, key, comment) {
                faults.push(format!("{name}: its default is not said, or not right"));
            }
        }
    }
    faults.extend(taken.difference(&shown).map(|key| format!("{key}: is not shown")));
    faults
}

/// A page with the keys and sections that are commented out.
fn whole(page: &str) -> Value {
    let lines = page.lines().map(|line| uncommented(line).unwrap_or(line));
    Value::Table(lines.collect::<Vec<_>>().join("\n").parse().expect("a page of TOML"))
}

/// The key or section that a comment holds.
fn uncommented(line: &str) -> Option<&str> {
    let text = line.strip_prefix("# ")?;
    let word = |byte: u8| byte.is_ascii_lowercase() || byte == b'_';
    let key = text.split_once(" = ").is_some_and(|(key, _)| key.bytes().all(word));
    (key || text.starts_with("[[")).then_some(text)
}

/// All sections below `value`, itself first.
fn sections(value: &Value) -> Vec<Path> {
    let below = |step: String, value: &Value| -> Vec<Path> {
        let paths = sections(value).into_iter();
        paths.map(|path| std::iter::once(step.clone()).chain(path).collect()).collect()
    };
    match value {
        Value::Table(table) => {
            let inner = table.iter().flat_map(|(key, value)| below(key.clone(), value));
            std::iter::once(Path::new()).chain(inner).collect()
        }
        Value::Array(rows) => {
            rows.iter().enumerate().flat_map(|(row, value)| below(row.to_string(), value)).collect()
        }
        _ => Vec::new(),
    }
}

fn table<'a>(root: &'a mut Value, path: &[String]) -> &'a mut Table {
    let found = path.iter().fold(root, |value, step| match value {
        Value::Array(rows) => &mut rows[step.parse::<usize>().expect("an index")],
        Value::Table(table) => table.get_mut(step).expect("a key"),
        _ => panic!("{path:?} is no section"),
    });
    found.as_table_mut().expect("a section")
}

fn named(path: &[String], key: &str) -> String {
    let keys = path.iter().filter(|step| step.parse::<usize>().is_err());
    keys.map(|step| format!("{step}.")).collect::<String>() + key
}

/// The keys that a section takes; `None` where it takes any.
fn keys_of<T: DeserializeOwned>(root: &Value, path: &[String]) -> Option<Vec<String>> {
    let mut root = root.clone();
    table(&mut root, path).insert(UNKNOWN.into(), true.into());
    let refused = root.try_into::<T>().err()?.to_string();
    let (_, keys) = refused.lines().find_map(|line| line.split_once("`?`, expected "))?;
    Some(keys.split('`').skip(1).step_by(2).map(str::to_owned).collect())
}

/// The keys of a page as they stand there: section, key, comment.
fn lines(page: &str) -> Vec<(Path, &str, &str)> {
    let (mut path, mut rows) = (Path::new(), BTreeMap::<&str, usize>::new());
    let mut found = Vec::new();
    for line in page.lines().map(|line| uncommented(line).unwrap_or(line)) {
        let (text, comment) = line.split_once(" #").unwrap_or((line, ""));
        let text = text.trim();
        if let Some(name) = text.strip_prefix("[[").and_then(|text| text.strip_suffix("]]")) {
            let row = rows.entry(name).and_modify(|row| *row += 1).or_default();
            path = name.split('.').map(str::to_owned).chain([row.to_string()]).collect();
        } else if let Some(name) = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')) {
            path = name.split('.').map(str::to_owned).collect();
        } else if let Some((key, _)) = text.split_once(" = ") {
            found.push((path.clone(), key, comment));
        }
    }
    found
}

/// Whether a line shows the default of its key, or says it.
fn is_true<T: DeserializeOwned + Debug>(
    root: &Value,
    path: &[String],
    key: &str,
    comment: &str,
) -> bool {
    let read = |root: &Value| root.clone().try_into::<T>().ok().map(|read| format!("{read:?}"));
    let mut without = root.clone();
    table(&mut without, path).remove(key);
    let Some(default) = read(&without) else { return true }; // it has none
    if comment.contains("needed") || read(root).expect("a page that is read") == default {
        return true;
    }
    let said = comment.split_once("(default ").and_then(|(_, said)| said.split_once(')'));
    let Some((said, _)) = said else {
        return comment.contains("absent") && default.contains(&format!("{key}: None"));
    };
    let said: Table = format!("said = {said}").parse().expect("a value");
    table(&mut without, path).insert(key.into(), said["said"].clone());
    read(&without).is_some_and(|read| read == default)
}
