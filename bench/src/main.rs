//! `nofx-bench`: runs measurements, prints their table, keeps it in the page.
#![forbid(unsafe_code)]

use std::error::Error;
use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use nofx_bench::measure::{self, Measurement, Setup};
use nofx_bench::{machine, row};
use nofx_rt::usage;

#[derive(Parser)]
#[command(about = "Measures the engine against baselines in the same run")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Name every measurement.
    List,
    /// Run measurements and print their table.
    Run(Run),
    /// Put rows of earlier runs into the page.
    Publish(Publish),
}

#[derive(clap::Args)]
struct Run {
    /// Measurements; all of their kind when none is named.
    names: Vec<String>,
    /// Those of the live engine, which need namespaces of their own (root) and both cores.
    #[arg(long)]
    live: bool,
    /// Write the rows as JSON.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Rounds that count, after one to warm up.
    #[arg(long, default_value_t = 7, value_parser = clap::value_parser!(u16).range(5..=99))]
    rounds: u16,
    /// Folder of generated days; they are made when missing.
    #[arg(long, value_name = "DIR", default_value = "target/bench-days")]
    day: PathBuf,
    /// Core to pin to.
    #[arg(long, default_value_t = 1)]
    core: usize,
}

#[derive(clap::Args)]
struct Publish {
    /// Rows written by `run --json`, in the order of the table.
    #[arg(required = true)]
    rows: Vec<PathBuf>,
    /// Page with the marks `<!-- machine -->` and `<!-- table -->`.
    #[arg(long, default_value = "bench/README.md")]
    page: PathBuf,
    /// Use the marks `<!-- live machine -->` and `<!-- live table -->`.
    #[arg(long)]
    live: bool,
    /// When and how the figures were measured.
    #[arg(long)]
    note: String,
}

fn main() -> ExitCode {
    let done = match Cli::parse().command {
        Command::List => list(),
        Command::Run(args) => run(&args),
        Command::Publish(args) => publish(&args),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("nofx-bench: {error}");
            ExitCode::FAILURE
        }
    }
}

type Done = Result<(), Box<dyn Error>>;

fn list() -> Done {
    for (kind, measurements) in [("", measure::ALL), ("--live ", measure::live::ALL)] {
        for Measurement { name, about, .. } in measurements {
            println!("{kind}{name:18} {about}");
        }
    }
    Ok(())
}

fn run(args: &Run) -> Done {
    let all = if args.live { measure::live::ALL } else { measure::ALL };
    let chosen = chosen(all, &args.names)?;
    if args.live {
        // Its threads pin themselves; memory is locked, as that of a live run.
        usage::lock_memory().unwrap_or_else(|e| eprintln!("nofx-bench: memory not locked: {e}"));
    } else if let Err(error) = usage::pin_to_core(args.core) {
        eprintln!("nofx-bench: not pinned to core {}: {error}", args.core);
    }
    println!("{}", machine::describe());
    let setup = Setup { rounds: args.rounds.into(), days: args.day.clone(), core: args.core };
    let (mut rows, mut failed) = (Vec::new(), Vec::new());
    for Measurement { name, run, .. } in chosen {
        eprintln!("nofx-bench: {name}");
        match run(&setup) {
            Ok(measured) => rows.extend(measured),
            Err(error) => failed.push(format!("{name}: {error}")),
        }
    }
    print!("{}", row::markdown(&rows));
    if let Some(file) = &args.json {
        fs::write(file, serde_json::to_vec_pretty(&rows)?)?;
    }
    if failed.is_empty() { Ok(()) } else { Err(failed.join("; ").into()) }
}

fn chosen(
    all: &'static [Measurement],
    names: &[String],
) -> Result<Vec<&'static Measurement>, String> {
    if names.is_empty() {
        return Ok(all.iter().collect());
    }
    let find = |name: &String| {
        let found = all.iter().find(|m| m.name == *name);
        found.ok_or_else(|| format!("no measurement {name:?}: see `nofx-bench list`"))
    };
    names.iter().map(find).collect()
}

fn publish(args: &Publish) -> Done {
    let mut rows: Vec<row::Row> = Vec::new();
    for file in &args.rows {
        let more: Vec<row::Row> = serde_json::from_slice(&fs::read(file)?)
            .map_err(|error| format!("{}: {error}", file.display()))?;
        rows.extend(more);
    }
    let page = fs::read_to_string(&args.page)?;
    let machine = format!("{}. {}", machine::describe(), args.note);
    let kind = if args.live { "live " } else { "" };
    let page = row::between_marks(&page, &format!("{kind}machine"), &machine)?;
    let page = row::between_marks(&page, &format!("{kind}table"), &row::markdown(&rows))?;
    fs::write(&args.page, page)?;
    Ok(())
}
