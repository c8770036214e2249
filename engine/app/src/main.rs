//! The binary: parses the command line, runs a command, turns its end into an exit code.
#![forbid(unsafe_code)]

use std::io::IsTerminal;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use clap::Parser;
use nofx_app::cli::{Cli, Command};
use nofx_app::doctor::table::Coloured;
use nofx_app::failure::Failure;
use nofx_app::{doctor, fpga, generate, kill, live, outputs, replay, report, top, venue, verify};
use nofx_rt::guard::{CountingAlloc, OnSealed};

#[global_allocator]
static ALLOC: CountingAlloc = CountingAlloc;

fn main() -> ExitCode {
    let cli = Cli::parse();
    match run(&cli.command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            outputs::complain(&failure);
            ExitCode::from(failure.code())
        }
    }
}

fn run(command: &Command) -> Result<(), Failure> {
    match command {
        Command::Replay(args) if args.journal.is_some() => {
            let again = live::rerun::rerun(args.journal.as_deref().unwrap_or(Path::new(".")))?;
            print(if args.json { again.to_json() } else { again.to_string() })?;
            match again.is_equal() {
                true => Ok(()),
                false => Err(Failure::wrong("the re-run of the journal differs")),
            }
        }
        Command::Run(args) => {
            let summary = live::run(args, &stop_on_signal(), OnSealed::Count)?;
            print(if args.json { summary.to_json() } else { summary.to_string() })?;
            if let Some(failure) = summary.gate.as_ref().and_then(|gate| gate.failure.as_ref()) {
                return Err(Failure::wrong(failure));
            }
            match summary.open.len() {
                0 => Ok(()),
                open => Err(Failure::wrong(format!(
                    "{open} orders may still be open at the venue: the session was not up at the end"
                ))),
            }
        }
        Command::Kill(args) => {
            let outcome = kill::run(args)?;
            print(if args.json { outcome.to_json() } else { outcome.to_string() })?;
            match outcome.is_clear() {
                true => Ok(()),
                false => Err(Failure::wrong("the kill holds; that nothing is open is not shown")),
            }
        }
        Command::Check(args) => print(live::check(args)?),
        Command::Top(args) => top::run(args),
        Command::Replay(args) => {
            let outcome = replay::run(args, &stop_on_signal())?;
            let text =
                if args.json { outcome.summary.to_json() } else { outcome.summary.to_string() };
            print(text.trim_end())?;
            outcome.verdict
        }
        Command::Doctor(args) => {
            let report = doctor::run(args)?;
            match (args.json, std::io::stdout().is_terminal()) {
                (true, _) => print(report.to_json())?,
                (_, true) => print(Coloured(&report))?,
                _ => print(&report)?,
            }
            report.verdict()
        }
        Command::Gen(args) => print(generate::run(args)?),
        Command::Verify(args) => {
            let report = verify::run(args)?;
            print(if args.json { report.to_json() } else { report.to_string() })?;
            report.verdict()
        }
        Command::Fpga(args) => print(fpga::run(args)?),
        Command::Venue(args) => venue::run(args, &stop_on_signal()),
        Command::Report(args) => {
            let page = args.output.clone().unwrap_or_else(|| args.dir.join("report.html"));
            report::write_page(&args.dir, &page)?;
            print(page.display())
        }
    }
}

fn print(text: impl std::fmt::Display) -> Result<(), Failure> {
    outputs::print(text).map_err(|e| Failure::output(format!("standard output: {e}")))
}

/// A flag that Ctrl-C and SIGTERM set; the second one ends the process at once.
fn stop_on_signal() -> Arc<AtomicBool> {
    let stop = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&stop);
    let installed = ctrlc::set_handler(move || {
        if flag.swap(true, Ordering::Relaxed) {
            std::process::exit(130);
        }
    });
    if let Err(error) = installed {
        outputs::complain(format_args!("Ctrl-C will end the run without a report: {error}"));
    }
    stop
}
