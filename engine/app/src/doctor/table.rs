//! The report for people: one line for what is well, all words for what is not.

use std::fmt::{self, Formatter};

use super::Report;
use super::jitter::Jitter;
use super::row::{Level, Row};

/// A report that is printed in colour.
pub struct Coloured<'a>(pub &'a Report);

impl fmt::Display for Coloured<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write(f, self.0, true)
    }
}

/// Writes the report; colours are for a terminal.
///
/// # Errors
/// The writer's.
pub fn write(f: &mut Formatter<'_>, report: &Report, coloured: bool) -> fmt::Result {
    writeln!(f, "{}, Linux {}", or_unknown(&report.processor), or_unknown(&report.kernel))?;
    let cores = super::host::list_of(&report.cores);
    writeln!(f, "the engine spins on core {cores}\n")?;
    let width = report.rows.iter().map(|row| row.id.len()).max().unwrap_or(0);
    for row in &report.rows {
        write_row(f, row, width, coloured)?;
    }
    if !report.changes.is_empty() {
        writeln!(f, "\nchanges")?;
    }
    for done in &report.changes {
        let mark = if done.ok { "done" } else { "NOT " };
        writeln!(f, "{mark}  {}: {}", done.what, done.result)?;
    }
    if let Some(jitter) = &report.jitter {
        write_jitter(f, jitter)?;
    }
    let count = |level: Level| format!("{} {}", report.count(level), level.name());
    let counts = Level::ALL.map(count);
    let settable = report.rows.iter().filter(|row| !row.settings.is_empty()).count();
    write!(f, "\n{}", counts.join(", "))?;
    match settable {
        0 => Ok(()),
        n => write!(f, "; --apply can change {n} of them, --undo sets them back"),
    }
}

fn or_unknown(text: &str) -> &str {
    if text.is_empty() { "unknown" } else { text }
}

fn paint(level: Level, coloured: bool) -> String {
    let colour = match level {
        Level::Ok => "32",
        Level::Note => "36",
        Level::Warn => "33",
        Level::Fail => "1;31",
    };
    let name = format!("{:<4}", level.name());
    if coloured { format!("\x1b[{colour}m{name}\x1b[0m") } else { name }
}

fn write_row(f: &mut Formatter<'_>, row: &Row, width: usize, coloured: bool) -> fmt::Result {
    let level = paint(row.level, coloured);
    writeln!(f, "{level}  {:<width$}  {}", row.id, row.found)?;
    if row.level == Level::Ok {
        return Ok(());
    }
    let mut more = |name: &str, text: &str| match text.is_empty() {
        true => Ok(()),
        false => writeln!(f, "      {:<width$}  {name:<6} {text}", ""),
    };
    more("wanted", &row.wanted)?;
    more("why", row.why)?;
    more("fix", &row.fix)
}

fn write_jitter(f: &mut Formatter<'_>, jitter: &Jitter) -> fmt::Result {
    let gaps = &jitter.gap_ns;
    let class = if jitter.fifo { "SCHED_FIFO" } else { "ordinary class" };
    writeln!(
        f,
        "\njitter of core {} over {:.1} s, {class}, {} readings",
        jitter.core, jitter.seconds, jitter.readings
    )?;
    writeln!(
        f,
        "  gap ns        min {}  p50 {}  p99.9 {}  p99.999 {}  max {}",
        gaps.min, gaps.p50, gaps.p999, gaps.p99999, gaps.max
    )?;
    let over = jitter.over.iter().filter(|(_, n)| *n > 0);
    let over: Vec<_> = over.map(|(ns, n)| format!("{n} over {} us", ns / 1_000)).collect();
    let over = if over.is_empty() { "none over 1 us".into() } else { over.join(", ") };
    writeln!(f, "  long gaps     {over}; {:.0} of a million parts of the time", jitter.lost_ppm)?;
    let who = &jitter.who;
    let interrupts = who.interrupts.iter().take(8).map(|(name, n)| format!("{name} {n}"));
    let interrupts: Vec<_> = interrupts.collect();
    let stolen = who.stolen_ms.map_or("not known".to_owned(), |ms| format!("{ms} ms"));
    writeln!(f, "  interrupts    {}", or_none(&interrupts.join(", ")))?;
    writeln!(
        f,
        "  switches      {} against its will, {} of its own; taken by the host: {stolen}",
        who.preempted, who.gave_up
    )?;
    writeln!(f, "  system call   {:.0} ns (getppid)", jitter.system_call_ns)?;
    let Some(pair) = &jitter.pair else { return Ok(()) };
    let (fastest, median) = pair.round_trip_ns;
    writeln!(
        f,
        "  core {}        shared line there and back {fastest} ns at best, {median} ns median; its \
         counter {:+.0} ns from ours, within {:.0} ns",
        pair.with, pair.offset_ns, pair.within_ns
    )
}

fn or_none(text: &str) -> &str {
    if text.is_empty() { "none" } else { text }
}
