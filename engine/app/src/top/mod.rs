//! `nofx top`: what a running engine does, for people and for programs.
//!
//! Model: a [`Watch`] reads the mapped file that the engine keeps, and never writes; a [`Shot`] is
//! everything it shows at one moment, and is the JSON object. [`section`] turns a shot into tables,
//! once: [`screen`] draws them on a terminal, `plain` prints them. Rates and recent latencies come
//! from two looks.
//!
//! Worst case: a look copies every page and histogram, some hundred kilobytes; the engine notices
//! nothing of it.

mod cursor;
mod header;
mod plain;
pub mod screen;
pub mod section;
pub mod terminal;
mod watch;

use std::io::{IsTerminal, stdout};
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

pub use cursor::{After, Cursor};
pub use nofx_shot::{Look, Shot};
pub use plain::Plain;
pub use watch::Watch;

use crate::failure::Failure;
use crate::live::clock::wall;
use crate::outputs;

/// Arguments of `nofx top`.
#[derive(Clone, Debug, Args)]
#[command(after_help = "Keys: tab, left and right choose a panel; up and down a row, or the book \
    whose levels are shown; q ends. Where standard output is no terminal, one table is printed. \
    It only watches: `nofx kill` stops orders.\n\n\
    Exit codes: 0 done; 1 no engine runs (--once, --json: what the last one left is printed); 2 \
    usage; 3 no mailbox, or one of another version; 4 the terminal cannot be driven.")]
pub struct TopArgs {
    /// The mapped file of the engine (live.mailbox).
    #[arg(long, value_name = "FILE", default_value = "/dev/shm/nofx.mailbox")]
    pub mailbox: PathBuf,
    /// Print one JSON object (docs/json.md) and end.
    #[arg(long)]
    pub json: bool,
    /// Print everything once as plain text and end.
    #[arg(long)]
    pub once: bool,
    /// Time between two looks, milliseconds.
    #[arg(long, default_value_t = 250, value_name = "MS", value_parser = clap::value_parser!(u64).range(20..=60_000))]
    pub interval: u64,
}

/// Shows a mailbox.
///
/// # Errors
/// No mailbox, one of another ABI, a terminal that cannot be driven; when something is printed once,
/// also no engine.
pub fn run(args: &TopArgs) -> Result<(), Failure> {
    let mut watch = Watch::attach(&args.mailbox).map_err(Failure::input)?;
    let interval = Duration::from_millis(args.interval);
    if !args.json && !args.once && stdout().is_terminal() {
        let shown = terminal::show(&mut watch, interval);
        return shown.map_err(|e| Failure::output(format!("terminal: {e}; try --once")));
    }
    watch.shot(wall()); // the look that the next is compared with
    std::thread::sleep(interval);
    let shot = watch.shot(wall());
    let text =
        if args.json { shot.to_json() } else { Plain(&shot).to_string().trim_end().to_owned() };
    outputs::print(text).map_err(|e| Failure::output(format!("standard output: {e}")))?;
    match shot.engine.alive {
        true => Ok(()),
        false => Err(Failure::wrong(format!("no engine runs at {}", shot.mailbox))),
    }
}
