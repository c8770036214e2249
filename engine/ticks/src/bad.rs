//! Rows that could not be read.

use std::fmt;
use std::path::PathBuf;

/// Why a row is bad.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Reason {
    /// The row ends before a column that is needed.
    Missing,
    /// Not a number.
    Number,
    /// A number that does not fit, or is negative where it may not be.
    Range,
    /// Not a whole number of units at the layout's scale: a wrong scale, or a price off its unit.
    Scale,
    /// A price that is no multiple of the security's tick.
    OffTick,
    /// A code that the layout does not list.
    Code,
    /// No date or time of the layout's form.
    Time,
    /// No security code: empty, too long, or of another market than the file's.
    Symbol,
    /// A number of the channel that came before with other content.
    Repeat,
    /// A number of the channel that came before with the same content: counted, nothing is lost.
    Duplicate,
}

impl Reason {
    /// All of them.
    pub const ALL: [Reason; 10] = [
        Reason::Missing,
        Reason::Number,
        Reason::Range,
        Reason::Scale,
        Reason::OffTick,
        Reason::Code,
        Reason::Time,
        Reason::Symbol,
        Reason::Repeat,
        Reason::Duplicate,
    ];

    /// Name, as in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Reason::Missing => "missing",
            Reason::Number => "number",
            Reason::Range => "range",
            Reason::Scale => "scale",
            Reason::OffTick => "off_tick",
            Reason::Code => "code",
            Reason::Time => "time",
            Reason::Symbol => "symbol",
            Reason::Repeat => "repeat",
            Reason::Duplicate => "duplicate",
        }
    }
}

/// One bad row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadRow {
    /// The file.
    pub file: PathBuf,
    /// Line of the file (row, in Parquet), from 1.
    pub line: u64,
    /// The column.
    pub column: String,
    /// What it says, shortened.
    pub value: String,
    /// Why that is bad.
    pub reason: Reason,
}

impl fmt::Display for BadRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let BadRow { file, line, column, value, reason } = self;
        write!(f, "{}:{line}: column {column}: {value:?}: {}", file.display(), reason.name())
    }
}

/// All bad rows of a reading: counted, the first of them kept.
#[derive(Clone, Debug, Default)]
pub struct BadRows {
    counts: [u64; Reason::ALL.len()],
    kept: Vec<BadRow>,
    keep: usize,
}

impl BadRows {
    pub(crate) fn new(keep: usize) -> BadRows {
        BadRows { keep, ..BadRows::default() }
    }

    pub(crate) fn note(&mut self, reason: Reason, row: impl FnOnce() -> BadRow) {
        if let Some(count) = self.counts.get_mut(reason as usize) {
            *count += 1;
        }
        if self.kept.len() < self.keep {
            self.kept.push(row());
        }
    }

    /// How many rows were bad.
    pub fn total(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// How many rows were bad for `reason`.
    pub fn of(&self, reason: Reason) -> u64 {
        self.counts.get(reason as usize).copied().unwrap_or(0)
    }

    /// Reasons that occurred, with their counts.
    pub fn by_reason(&self) -> impl Iterator<Item = (&'static str, u64)> + '_ {
        Reason::ALL.into_iter().map(|r| (r.name(), self.of(r))).filter(|(_, n)| *n > 0)
    }

    /// The first of them.
    pub fn first(&self) -> &[BadRow] {
        &self.kept
    }
}
