//! A private certificate authority for those who have none.

use crate::failure::Failure;

/// Arguments of `nofx-control pki`.
#[derive(Debug, clap::Args)]
pub struct Args {}

/// Runs it.
///
/// # Errors
/// A file cannot be read or written.
pub fn run(_args: Args) -> Result<(), Failure> {
    Err(Failure::usage("pki: nothing to do"))
}
