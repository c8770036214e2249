//! `nofx-control ctl`: a client of the API for people and scripts.
//!
//! Model: a command is one request (a change reads the version first, so that nobody's change is
//! overwritten); the answer is a table for people or the JSON itself. It knows nothing that the API
//! does not say: what is allowed, valid or done is decided by the server.
//!
//! Worst case: the connection breaks after a change was sent. Its outcome is unknown then, and said
//! to be; the same command with the printed `--idempotency-key` asks again without doing it twice.

mod changes;
mod client;
mod commands;
mod profile;
mod table;

use std::io::Write;

use serde_json::Value;

use crate::failure::Failure;
use client::{Answer, Client};
use commands::Command;

/// Arguments of `nofx-control ctl`.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = "\
    Where to connect and as whom: --server, --cert, --key, --ca; or a profile, a TOML file with \
    server, cert, key, ca (paths from its folder): --profile, $NOFX_CTL_PROFILE, or \
    ~/.config/nofx/ctl.toml.\n\n\
    Examples:\n  \
    nofx-control ctl engines\n  \
    nofx-control ctl limits alpha --set symbol/AAPL/qty_max=500 --reason 'thin book' --dry-run\n  \
    nofx-control ctl kill                            # everything, everywhere\n  \
    nofx-control ctl release alpha --reason 'feed is back'; another person: ctl approve ID\n\n\
    Exit codes: 0 done; 1 refused, failed, partial or unknown; 2 usage; 3 no connection.")]
pub struct Args {
    #[command(flatten)]
    connection: profile::Connection,
    /// The server's JSON instead of a table.
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    command: Command,
}

/// Runs `nofx-control ctl`.
///
/// # Errors
/// Refused, failed, partial or unknown (1), usage (2), no connection (3).
pub fn run(args: Args) -> Result<(), Failure> {
    let target = args.connection.resolve()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|e| Failure::input(format!("runtime: {e}")))?;
    let answer = runtime.block_on(async {
        let client = Client::new(&target)?;
        args.command.perform(&client).await
    })?;
    show(&answer, args.json)?;
    verdict(&answer)
}

fn show(answer: &Answer, json: bool) -> Result<(), Failure> {
    let text = match (&answer.body, json) {
        (Value::Null, _) => return Ok(()),
        (Value::String(text), _) => text.trim_end().to_owned(),
        (body, true) => serde_json::to_string_pretty(body).unwrap_or_default(),
        (body, false) if answer.is_problem() => return Err(Failure::wrong(table::problem(body))),
        (body, false) => table::of(body),
    };
    let printed = writeln!(std::io::stdout(), "{text}");
    printed.map_err(|e| Failure::input(format!("standard output: {e}")))
}

/// Done only where the server says so: accepted is not done, and partly done is not done.
fn verdict(answer: &Answer) -> Result<(), Failure> {
    let result = answer.body.get("result").and_then(Value::as_str).unwrap_or("");
    match answer.status {
        200 | 201 | 204 if !matches!(result, "unknown" | "refused" | "failed") => Ok(()),
        202 => Err(Failure::wrong(
            "sent, and not confirmed: look at the engine before you send it again",
        )),
        207 => Err(Failure::wrong("not on every engine: each is named above")),
        status => Err(Failure::wrong(format!("status {status} {result}").trim_end())),
    }
}
