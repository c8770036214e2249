//! `nofx-control`: the command line. Every command is a module's `run`.

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use nofx_control::{Failure, api, audit, check, ctl, kill, pki, server};

/// Steers, records and shows trading engines.
#[derive(Debug, Parser)]
#[command(
    name = "nofx-control",
    version,
    about = "Steers, records and shows trading engines: API over HTTPS with client certificates",
    after_help = "First steps: `nofx-control pki init --dir pki`, then `nofx-control pki issue` for a \
        person, then `nofx-control serve --config control.toml` (docs/control.md explains each key).\n\n\
        Exit codes: 0 done; 1 something was found, refused or failed; 2 usage or configuration; \
        3 something cannot be read, attached or connected to."
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the control process until SIGTERM or Ctrl-C.
    Serve(server::ServeArgs),
    /// Read a configuration and everything it names, and say what is wrong with it.
    Check(check::CheckArgs),
    /// Ask a running control process: a client of its API.
    Ctl(Box<ctl::Args>),
    /// Verify, prove or export an audit log, offline.
    Audit(audit::cli::Args),
    /// A private certificate authority: make it, issue, revoke, list.
    Pki(pki::Args),
    /// Engage the kill switch of a mailbox, with or without a running control process.
    Kill(kill::cli::Args),
    /// Print the OpenAPI document of the API.
    Openapi,
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    match run(cli.command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("nofx-control: {failure}");
            ExitCode::from(failure.code())
        }
    }
}

fn run(command: Command) -> Result<(), Failure> {
    match command {
        Command::Serve(args) => server::serve(&args),
        Command::Check(args) => check::run(&args),
        Command::Ctl(args) => ctl::run(*args),
        Command::Audit(args) => audit::cli::run(args),
        Command::Pki(args) => pki::run(args),
        Command::Kill(args) => kill::cli::run(args),
        Command::Openapi => api::openapi::print(),
    }
}
