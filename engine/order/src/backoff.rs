//! When to connect again: each attempt doubles the wait for the next, up to a bound, counted from the
//! attempt and from its failure; a session that came up and broke is connected again at once. There
//! is one client per session, so nothing is gained by jitter.

use nofx_types::Nanos;

#[derive(Clone, Copy, Debug)]
pub(crate) struct Backoff {
    min_ns: u64,
    max_ns: u64,
    /// Wait that the next attempt begins.
    wait_ns: u64,
    /// Wait that the last attempt began; 0 when it brought the session up.
    pause_ns: u64,
    next: Nanos,
}

impl Backoff {
    pub fn new(min_ns: u64, max_ns: u64) -> Backoff {
        Backoff { min_ns, max_ns, wait_ns: min_ns, pause_ns: 0, next: Nanos(0) }
    }

    /// Whether an attempt may be made now; it is counted as made.
    pub fn attempt(&mut self, now: Nanos) -> bool {
        // No wait is longer than the bound: a clock that was set back must not make one.
        let due = now >= self.next || self.next.since(now) > self.max_ns;
        if due {
            self.pause_ns = self.wait_ns;
            self.next = now.plus(self.pause_ns);
            self.wait_ns = self.wait_ns.saturating_mul(2).min(self.max_ns);
        }
        due
    }

    /// The session came up.
    pub fn reset(&mut self) {
        (self.wait_ns, self.pause_ns) = (self.min_ns, 0);
    }

    /// The connection ended, or did not come.
    pub fn ended(&mut self, now: Nanos) {
        self.next = self.next.max(now.plus(self.pause_ns));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_the_bound_and_start_anew() {
        let mut backoff = Backoff::new(100, 500);
        let attempts = |backoff: &mut Backoff, from: u64, to: u64| -> Vec<u64> {
            (from..to).filter(|now| backoff.attempt(Nanos(*now))).collect()
        };
        assert_eq!(attempts(&mut backoff, 1, 2_000), [1, 101, 301, 701, 1_201, 1_701]);
        backoff.reset();
        assert_eq!(attempts(&mut backoff, 2_000, 2_800), [2_201, 2_301, 2_501]);
        backoff.ended(Nanos(4_000)); // the attempt took long to fail
        assert_eq!(attempts(&mut backoff, 4_000, 4_500), [4_400]);
        backoff.reset();
        backoff.ended(Nanos(9_000));
        assert!(backoff.attempt(Nanos(9_000)));
        assert!(!backoff.attempt(Nanos(9_001)));
        assert!(backoff.attempt(Nanos(1_000)), "the clock was set back");
    }
}
