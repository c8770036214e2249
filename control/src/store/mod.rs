//! What the process remembers: versions, configurations, idempotency keys.

use crate::config::StoreConfig;
use crate::failure::Failure;

/// The SQLite file.
pub struct Store {}

impl Store {
    /// Opens or makes it.
    ///
    /// # Errors
    /// It cannot be opened, or is of another version.
    pub fn open(_config: &StoreConfig) -> Result<Store, Failure> {
        Ok(Store {})
    }
}
