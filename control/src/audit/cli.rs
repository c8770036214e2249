//! `nofx-control audit`: the log offline.

use crate::failure::Failure;

/// Arguments of `nofx-control audit`.
#[derive(Debug, clap::Args)]
pub struct Args {}

/// Runs it.
///
/// # Errors
/// The log cannot be read or does not verify.
pub fn run(_args: Args) -> Result<(), Failure> {
    Err(Failure::usage("audit: nothing to do"))
}
