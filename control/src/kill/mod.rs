//! The kill switch: engaged by one person, released by two.

pub mod cli;

use crate::config::Config;
use crate::failure::Failure;

/// Engagements and pending releases.
pub struct KillDesk {}

impl KillDesk {
    /// Opens the desk.
    ///
    /// # Errors
    /// The configuration names checks that do not exist.
    pub fn open(_config: &Config) -> Result<KillDesk, Failure> {
        Ok(KillDesk {})
    }
}
