//! What the replay tests share: a generated day, captures, and a run in this process.
#![allow(dead_code)] // each test binary uses its part

use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use clap::Parser;
use nofx_app::cli::{Cli, Command};
use nofx_app::failure::Failure;
use nofx_app::replay::{self, Outcome};
use nofx_app::summary::Summary;
use nofx_rt::guard::OnSealed;

/// Runs `nofx replay ARGS` in this process; an allocation in the sealed loop ends it.
pub fn replay(args: &[&str]) -> Result<Outcome, Failure> {
    let line = ["nofx", "replay", "--quiet"].into_iter().chain(args.iter().copied());
    match Cli::try_parse_from(line).expect("a valid command line").command {
        Command::Replay(args) => {
            replay::run_sealed(&args, &AtomicBool::new(false), OnSealed::Abort)
        }
        _ => unreachable!("the command is replay"),
    }
}

/// A replay that must be in order.
pub fn summary(args: &[&str]) -> Summary {
    let outcome = replay(args).unwrap_or_else(|e| panic!("{args:?}: {e}"));
    outcome.verdict.unwrap_or_else(|e| panic!("{args:?}: {e}"));
    outcome.summary
}

/// Runs `nofx gen DIR ARGS`.
pub fn generate(dir: &Path, args: &[&str]) {
    let dir = dir.to_str().expect("UTF-8");
    let line = ["nofx", "gen", "--quiet", dir].into_iter().chain(args.iter().copied());
    match Cli::try_parse_from(line).expect("a valid command line").command {
        Command::Gen(args) => {
            nofx_app::generate::run(&args).unwrap_or_else(|e| panic!("{e}"));
        }
        _ => unreachable!("the command is gen"),
    }
}

/// A path below `dir` as text.
pub fn text(dir: &Path, name: &str) -> String {
    dir.join(name).to_str().expect("UTF-8").to_owned()
}

/// A file of the captures; `None`, said loudly, where they are absent.
pub fn capture(name: &str) -> Option<String> {
    let below = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/captures");
    let root = std::env::var_os("NOFX_CAPTURES").map_or(below, PathBuf::from);
    let path = root.join(name);
    if path.exists() {
        return path.to_str().map(str::to_owned);
    }
    println!("SKIPPED {name}: no captures at {} (set NOFX_CAPTURES)", root.display());
    None
}
