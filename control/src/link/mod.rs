//! Engines, seen and steered through their mailboxes.

use std::sync::Arc;

use nofx_shot::Shot;

use crate::config::EngineConfig;
use crate::failure::Failure;
use crate::problem::Problem;

/// Every configured engine.
pub struct Engines {
    names: Vec<String>,
}

impl Engines {
    /// Begins to follow them.
    ///
    /// # Errors
    /// A thread cannot be started.
    pub fn start(config: &[EngineConfig]) -> Result<Engines, Failure> {
        Ok(Engines { names: config.iter().map(|engine| engine.name.clone()).collect() })
    }

    /// Their names, as configured.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.names.iter().map(String::as_str)
    }

    /// What an engine showed last.
    ///
    /// # Errors
    /// There is no such engine, or it was not seen yet.
    pub fn shot(&self, name: &str) -> Result<Arc<Shot>, Problem> {
        Err(Problem::not_found(format!("no engine {name:?} is configured")))
    }
}
