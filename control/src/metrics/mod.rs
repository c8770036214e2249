//! What Prometheus reads.

/// The registry.
pub struct Metrics {}

impl Metrics {
    /// An empty one.
    pub fn new() -> Metrics {
        Metrics {}
    }
}

impl Default for Metrics {
    fn default() -> Metrics {
        Metrics::new()
    }
}
