//! `--apply` and `--undo`: files that are written while the machine runs, and their old values.
//!
//! Model: before a file is written, its value is on disk in the state file. So whatever ends the
//! program, `--undo` knows what to restore; a file that was written twice keeps the value from
//! before the first time. What a reboot resets needs no undo: the state file names its boot.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::host::{Host, parse_mask};
use super::row::{Level, Row, Setting};
use crate::failure::Failure;

/// Where old values are kept, below the root.
pub const STATE: &str = "run/nofx/doctor.json";
const BOOT: &str = "proc/sys/kernel/random/boot_id";

/// What was done with one file, or why nothing could be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Done {
    /// The row it belongs to, or the file.
    pub what: String,
    /// In words.
    pub result: String,
    /// Whether it is as it was to be.
    pub ok: bool,
}

#[derive(Debug, Default, Deserialize, Serialize)]
struct State {
    boot: String,
    /// In the order in which they were written.
    changes: Vec<Change>,
}

#[derive(Clone, Debug, Deserialize, Serialize)]
struct Change {
    path: String,
    old: String,
    new: String,
}

/// Writes what the rows that are not as wanted ask for.
///
/// # Errors
/// The state file cannot be read or written: then nothing more is changed.
pub fn apply(host: &Host, rows: &[Row]) -> Result<Vec<Done>, Failure> {
    let mut keeper = Keeper::open(host)?;
    let mut done = Vec::new();
    for row in rows.iter().filter(|row| row.level > Level::Ok) {
        if row.settings.is_empty() && row.level > Level::Note {
            let result =
                format!("not changed, it is not a switch of a running kernel: {}", row.fix);
            done.push(Done { what: row.id.clone(), result, ok: false });
        }
        for setting in &row.settings {
            let what = format!("{} /{}", row.id, setting.path);
            let (ok, result) = match change(host, &mut keeper, setting)? {
                Ok(words) => (true, words),
                Err(words) => (false, words),
            };
            done.push(Done { what, result, ok });
        }
    }
    Ok(done)
}

/// One file: outer error, the state cannot be kept; inner, the kernel refused.
fn change(
    host: &Host,
    keeper: &mut Keeper<'_>,
    setting: &Setting,
) -> Result<Result<String, String>, Failure> {
    let Setting { path, value } = setting;
    let Some(old) = current(host, path) else {
        return Ok(Err("cannot be read".into()));
    };
    keeper.keep(path, &old, value)?;
    if let Err(error) = host.write(path, value) {
        keeper.forget_if_unchanged(path)?;
        return Ok(Err(format!("stays {old}: the kernel refuses {value}: {error}")));
    }
    let now = current(host, path).unwrap_or_default();
    Ok(match same(&now, value) {
        true => Ok(format!("{old} -> {value}")),
        false => Err(format!("asked for {value}, it became {now} (was {old})")),
    })
}

/// Restores everything that the state file holds, the last change first.
///
/// # Errors
/// There is no state file, or it is not ours.
pub fn undo(host: &Host) -> Result<Vec<Done>, Failure> {
    let mut keeper = Keeper::open(host)?;
    if keeper.state.changes.is_empty() {
        return Err(Failure::usage(format!("nothing to undo: no /{STATE} of this boot")));
    }
    let mut done = Vec::new();
    for change in keeper.state.changes.clone().into_iter().rev() {
        let (ok, result) = restore(host, &change);
        if ok {
            keeper.forget(&change.path)?;
        }
        done.push(Done { what: format!("/{}", change.path), result, ok });
    }
    Ok(done)
}

fn restore(host: &Host, change: &Change) -> (bool, String) {
    let Change { path, old, new } = change;
    let before = current(host, path).unwrap_or_default();
    let between = match same(&before, new) || same(&before, old) {
        true => String::new(),
        false => format!(" (somebody had set {before} since)"),
    };
    match host.write(path, old) {
        Err(error) => (false, format!("cannot be set back to {old}: {error}")),
        Ok(()) => {
            let now = current(host, path).unwrap_or_default();
            match same(&now, old) {
                true => (true, format!("{old} again{between}")),
                false => (false, format!("asked for {old}, it became {now}")),
            }
        }
    }
}

/// Value of a file: the word in brackets where there is a choice.
fn current(host: &Host, path: &str) -> Option<String> {
    let text = host.read(path)?;
    Some(if text.contains('[') { host.chosen(path)? } else { text })
}

/// The kernel writes a mask with its own leading zeros.
fn same(a: &str, b: &str) -> bool {
    a == b || parse_mask(a).is_some_and(|mask| Some(mask) == parse_mask(b))
}

/// The state file: on disk before the change it speaks of.
struct Keeper<'a> {
    host: &'a Host,
    file: PathBuf,
    state: State,
}

impl<'a> Keeper<'a> {
    fn open(host: &'a Host) -> Result<Keeper<'a>, Failure> {
        let file = host.path(STATE);
        let boot = host.read(BOOT).unwrap_or_default();
        let state = match fs::read_to_string(&file) {
            Err(_) => State::default(),
            Ok(text) => serde_json::from_str(&text).map_err(|error| {
                Failure::input(format!("{}: not a state of doctor: {error}", file.display()))
            })?,
        };
        // A reboot has undone the rest.
        let changes = if state.boot == boot { state.changes } else { Vec::new() };
        Ok(Keeper { host, file, state: State { boot, changes } })
    }

    fn keep(&mut self, path: &str, old: &str, new: &str) -> Result<(), Failure> {
        let changes = &mut self.state.changes;
        match changes.iter_mut().find(|change| change.path == path) {
            Some(change) => change.new = new.into(),
            None => {
                let (path, old, new) = (path.into(), old.into(), new.into());
                changes.push(Change { path, old, new });
            }
        }
        self.save()
    }

    fn forget(&mut self, path: &str) -> Result<(), Failure> {
        self.state.changes.retain(|change| change.path != path);
        self.save()
    }

    /// After a refusal: a file that still has its old value needs no undo.
    fn forget_if_unchanged(&mut self, path: &str) -> Result<(), Failure> {
        let now = current(self.host, path);
        self.state
            .changes
            .retain(|change| change.path != path || Some(&change.old) != now.as_ref());
        self.save()
    }

    fn save(&self) -> Result<(), Failure> {
        let failed = |error| Failure::output(format!("{}: {error}", self.file.display()));
        if self.state.changes.is_empty() {
            return match fs::remove_file(&self.file) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(failed(error)),
                _ => Ok(()),
            };
        }
        let text = serde_json::to_string_pretty(&self.state).map_err(Failure::output)?;
        replace(&self.file, text.as_bytes()).map_err(failed)
    }
}

/// Puts `bytes` in place of the file, whole or not at all.
fn replace(file: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let folder = file.parent().unwrap_or(Path::new("/"));
    fs::create_dir_all(folder)?;
    let new = file.with_extension("new");
    let mut out = fs::File::create(&new)?;
    out.write_all(bytes)?;
    out.sync_all()?;
    fs::rename(&new, file)
}
