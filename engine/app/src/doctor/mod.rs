//! `nofx doctor`: is this machine fit for an engine so configured, and if not, what to do.
//!
//! Model: [`host`] reads a tree, [`asked`] is what the engine wants of it, and each of the files
//! [`cpu`], [`kernel`], [`memory`], [`nic`], [`probe`] turns both into [`row`]s: found, wanted, why,
//! fix. Nothing is changed without `--apply`; [`change`] keeps the old values for `--undo`.
//!
//! Worst case: a tree of which nothing can be read gives a report of what is not known.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use serde::Serialize;

use crate::failure::Failure;

pub mod asked;
pub mod change;
pub mod cpu;
pub mod host;
pub mod jitter;
pub mod kernel;
pub mod memory;
pub mod nic;
pub mod probe;
pub mod row;
pub mod table;

use asked::Asked;
use change::Done;
use host::Host;
use jitter::Jitter;
use row::{Level, Row};

/// Arguments of `nofx doctor`.
#[derive(Clone, Debug, Args)]
#[command(
    after_help = "Changes nothing without --apply. Old values are kept in /run/nofx/doctor.json; a \
    reboot resets everything that --apply can change.\n\n\
    Exit codes: 0 nothing worse than a note; 5 warnings: it runs, and not as evenly as it could; 1 \
    failures: an engine so configured does not run or not as it is meant to; after --undo 0 or 1: \
    whether all was set back; 2 usage or configuration; 3 the state file is not readable; 4 nor \
    writable."
)]
pub struct DoctorArgs {
    /// Configuration of the live run: its tiles, interfaces and ports are what is checked.
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Change one configuration key, e.g. --set network.port=xsk.
    #[arg(long, value_name = "KEY=VALUE")]
    pub set: Vec<String>,
    /// Cores on which the engine spins, e.g. 2-3,6; instead of those of the configuration.
    #[arg(long, value_name = "LIST")]
    pub cores: Option<String>,
    /// An interface to look at, besides those of the configuration.
    #[arg(long, value_name = "NAME")]
    pub interface: Vec<String>,
    /// Pages of 2 MiB that are to be free.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(..=1 << 24))]
    pub hugepages: Option<u64>,
    /// One JSON object instead of the table.
    #[arg(long)]
    pub json: bool,
    /// Look at a copied tree instead of this machine; programs are then not run.
    #[arg(long, value_name = "DIR", default_value = "/")]
    pub root: PathBuf,
    /// Set what is not as wanted and can be set while the machine runs.
    #[arg(long, conflicts_with = "undo")]
    pub apply: bool,
    /// Set everything back to what it was before --apply.
    #[arg(long)]
    pub undo: bool,
    /// Measure what a spinning thread loses, for so long: 3s, 500ms.
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    pub jitter: Option<Duration>,
    /// Core of the measurement; without it the engine's first.
    #[arg(long, value_name = "N", requires = "jitter")]
    pub core: Option<usize>,
}

fn parse_time(text: &str) -> Result<Duration, String> {
    let (number, unit) = match text.strip_suffix("ms") {
        Some(number) => (number, 1e-3),
        None => (text.strip_suffix('s').unwrap_or(text), 1.0),
    };
    let seconds = number.parse::<f64>().map(|number| number * unit);
    let seconds = seconds.ok().filter(|seconds| (0.001..=3_600.0).contains(seconds));
    seconds
        .map(Duration::from_secs_f64)
        .ok_or_else(|| format!("{text:?} is not a time: write 3s or 500ms, up to an hour"))
}

/// What was found, changed and measured.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// Of the engine that looked.
    pub version: &'static str,
    /// Kernel release, or empty.
    pub kernel: String,
    /// Name of the processor, or empty.
    pub processor: String,
    /// Cores on which the engine spins.
    pub cores: Vec<usize>,
    /// The worst level of all rows.
    pub worst: Level,
    /// Findings; after `--apply` and `--undo` those that hold then.
    pub rows: Vec<Row>,
    /// What `--apply` or `--undo` did.
    pub changes: Vec<Done>,
    /// What `--jitter` measured.
    pub jitter: Option<Jitter>,
    /// Whether `changes` are those of `--undo`.
    #[serde(skip)]
    pub undone: bool,
}

impl Report {
    /// Rows of this level.
    pub fn count(&self, level: Level) -> usize {
        self.rows.iter().filter(|row| row.level == level).count()
    }

    /// What a script is told: by the worst row; after `--undo` whether all was set back, for the
    /// rest is as it was.
    ///
    /// # Errors
    /// There is something to tell.
    pub fn verdict(&self) -> Result<(), Failure> {
        let refused = self.changes.iter().filter(|done| !done.ok).count();
        let (fails, warns) = (self.count(Level::Fail), self.count(Level::Warn));
        match (self.undone, fails, warns) {
            (true, ..) if refused == 0 => Ok(()),
            (true, ..) => Err(Failure::wrong(format!("{refused} values were not set back"))),
            (_, 0, 0) => Ok(()),
            (_, 0, _) => Err(Failure::warned(format!("{warns} warnings"))),
            _ => Err(Failure::wrong(format!("{fails} checks failed, {warns} warnings"))),
        }
    }

    /// As one JSON object (docs/tuning.md).
    pub fn to_json(&self) -> String {
        serde_json::to_string_pretty(self).unwrap_or_default()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        table::write(f, self, false)
    }
}

/// Looks, and changes or measures what is asked for.
///
/// # Errors
/// A configuration, a core or a state file that cannot be used. What is found is never an error.
pub fn run(args: &DoctorArgs) -> Result<Report, Failure> {
    let host = Host::at(&args.root);
    let asked = Asked::of(args, &host)?;
    let mut rows = rows(&host, &asked);
    let changes = match (args.apply, args.undo) {
        (true, _) => change::apply(&host, &rows)?,
        (_, true) => change::undo(&host)?,
        _ => Vec::new(),
    };
    if args.apply || args.undo {
        rows = self::rows(&host, &asked);
    }
    let jitter = args.jitter.map(|length| measure(args, &host, &asked, length)).transpose()?;
    Ok(Report {
        version: env!("CARGO_PKG_VERSION"),
        kernel: host.read("proc/sys/kernel/osrelease").unwrap_or_default(),
        processor: host.field("proc/cpuinfo", "model name").unwrap_or_default(),
        cores: asked.cores.clone(),
        worst: rows.iter().map(|row| row.level).max().unwrap_or(Level::Ok),
        rows,
        changes,
        jitter,
        undone: args.undo,
    })
}

fn rows(host: &Host, asked: &Asked) -> Vec<Row> {
    let parts = [cpu::rows, kernel::rows, memory::rows, nic::rows, probe::rows];
    parts.into_iter().flat_map(|part| part(host, asked)).collect()
}

fn measure(
    args: &DoctorArgs,
    host: &Host,
    asked: &Asked,
    length: Duration,
) -> Result<Jitter, Failure> {
    if !host.is_this_one() {
        return Err(Failure::usage("--jitter measures this machine: leave --root out"));
    }
    let allowed = asked::allowed(host);
    let core = args.core.or(asked.cores.first().copied()).or(allowed.last().copied());
    let core = core.ok_or_else(|| Failure::usage("--core: which?"))?;
    let other = allowed.into_iter().find(|other| *other != core);
    jitter::measure(core, other, asked.fifo, length)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_and_nonsense_is_refused() {
        assert_eq!(parse_time("3s"), Ok(Duration::from_secs(3)));
        assert_eq!(parse_time("250ms"), Ok(Duration::from_millis(250)));
        for bad in ["", "s", "-1s", "0", "1h", "NaN", "inf", "1e9"] {
            assert!(parse_time(bad).is_err(), "{bad}");
        }
    }
}
