//! `nofx-control ctl`: a client of the API.

use crate::failure::Failure;

/// Arguments of `nofx-control ctl`.
#[derive(Debug, clap::Args)]
pub struct Args {}

/// Runs it.
///
/// # Errors
/// The process cannot be reached, or refuses.
pub fn run(_args: Args) -> Result<(), Failure> {
    Err(Failure::usage("ctl: nothing to do"))
}
