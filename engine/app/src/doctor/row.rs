//! One finding, and how bad it is.

use serde::Serialize;

/// How bad a finding is, rising.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// As wanted.
    Ok,
    /// Worth knowing; nothing to do, or nothing that can be known.
    Note,
    /// Costs latency, or the even course of it.
    Warn,
    /// An engine so configured does not run, or not as it is meant to.
    Fail,
}

impl Level {
    /// All, rising.
    pub const ALL: [Level; 4] = [Level::Ok, Level::Note, Level::Warn, Level::Fail];

    /// Name in the table.
    pub const fn name(self) -> &'static str {
        match self {
            Level::Ok => "ok",
            Level::Note => "note",
            Level::Warn => "warn",
            Level::Fail => "fail",
        }
    }
}

/// A file below the root and what `--apply` writes into it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Setting {
    /// File, without a slash in front.
    pub path: String,
    /// What is written.
    pub value: String,
}

/// One finding.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Row {
    /// Stable name, as `cpu.isolated`.
    pub id: String,
    /// How bad it is.
    pub level: Level,
    /// What is there.
    pub found: String,
    /// What is wanted.
    pub wanted: String,
    /// Why.
    pub why: &'static str,
    /// What to do; empty where nothing is to be done.
    pub fix: String,
    /// What `--apply` writes; empty where it can do nothing.
    pub settings: Vec<Setting>,
}

impl Row {
    /// A finding that is as wanted, until it is said otherwise.
    pub fn new(id: impl Into<String>, why: &'static str) -> Row {
        let (found, wanted, fix) = Default::default();
        Row { id: id.into(), level: Level::Ok, found, wanted, why, fix, settings: Vec::new() }
    }

    /// What is there; a file may be empty.
    pub fn found(mut self, found: impl Into<String>) -> Row {
        self.found = found.into();
        if self.found.is_empty() {
            self.found = "nothing".into();
        }
        self
    }

    /// Nobody says what is there: a note.
    pub fn unknown(self) -> Row {
        self.found("not known").level(Level::Note)
    }

    /// What is wanted.
    pub fn wanted(mut self, wanted: impl Into<String>) -> Row {
        self.wanted = wanted.into();
        self
    }

    /// How bad it is.
    pub fn level(mut self, level: Level) -> Row {
        self.level = level;
        self
    }

    /// How bad it is, with what to do, when `bad`.
    pub fn when(self, bad: bool, level: Level, fix: impl Into<String>) -> Row {
        match bad {
            true => Row { level, fix: fix.into(), ..self },
            false => self,
        }
    }

    /// What `--apply` would write, when the row is not as wanted.
    pub fn set(mut self, path: impl Into<String>, value: impl Into<String>) -> Row {
        if self.level > Level::Ok {
            self.settings.push(Setting { path: path.into(), value: value.into() });
        }
        self
    }
}
