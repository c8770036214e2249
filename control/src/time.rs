//! The wall clock, for stamps; timeouts use [`std::time::Instant`].

use std::time::{SystemTime, UNIX_EPOCH};

use nofx_types::Nanos;

/// Nanoseconds since 1970, UTC.
pub fn now() -> Nanos {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_nanos());
    Nanos(u64::try_from(since).unwrap_or(u64::MAX))
}
