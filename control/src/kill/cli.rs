//! `nofx-control kill`: works with the process dead.

use crate::failure::Failure;

/// Arguments of `nofx-control kill`.
#[derive(Debug, clap::Args)]
pub struct Args {}

/// Runs it.
///
/// # Errors
/// The mailbox cannot be opened.
pub fn run(_args: Args) -> Result<(), Failure> {
    Err(Failure::usage("kill: nothing to do"))
}
