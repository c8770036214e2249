//! The most new orders and replaces that a venue takes in a window.

use nofx_types::Nanos;

/// New orders and replaces in the window that runs now; windows follow one another.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Throttle {
    since: Nanos,
    messages: u32,
}

impl Throttle {
    /// Counts a message; whether it is one too many. `most` 0 sets no limit.
    pub fn exceeds(&mut self, at: Nanos, most: u32, window_ns: u64) -> bool {
        if at.since(self.since) >= window_ns {
            *self = Throttle { since: at, messages: 0 };
        }
        self.messages = self.messages.saturating_add(1);
        most > 0 && self.messages > most
    }
}
