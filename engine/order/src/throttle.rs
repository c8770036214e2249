//! The session's own limit of messages per window, as venues demand it.
//!
//! Virtual scheduling (GCRA): each message moves a theoretical arrival time on by one interval; a
//! message is early when that time lies more than a window, less one interval, ahead of now. So a
//! full window's worth may go at once after a quiet time, and never more in any window begun then.

use nofx_types::Nanos;

#[derive(Clone, Copy, Debug)]
pub(crate) struct Throttle {
    /// 0: no limit.
    interval_ns: u64,
    tolerance_ns: u64,
    arrival_ns: u64,
    held_until: Nanos,
}

impl Throttle {
    pub fn new(most: u32, window_ns: u64) -> Throttle {
        // Rounded up: a fraction of a nanosecond must not let one more message through.
        let interval_ns = window_ns.div_ceil(u64::from(most.max(1))) * u64::from(most > 0);
        let tolerance_ns = interval_ns * u64::from(most.saturating_sub(1));
        Throttle { interval_ns, tolerance_ns, arrival_ns: 0, held_until: Nanos(0) }
    }

    /// Whether a message may go now.
    #[inline]
    pub fn allows(&self, now: Nanos) -> bool {
        let room = self.arrival_ns <= now.plus(self.tolerance_ns).0 || self.interval_ns == 0;
        room && now >= self.held_until
    }

    /// The venue held a message: nothing for `window_ns`, even where there is no limit of ours.
    pub fn hold(&mut self, now: Nanos, window_ns: u64) {
        self.held_until = now.plus(window_ns);
    }

    /// A message goes now.
    #[inline]
    pub fn charge(&mut self, now: Nanos) {
        self.arrival_ns = self.arrival_ns.max(now.0).saturating_add(self.interval_ns);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_holds_the_burst_and_no_more() {
        let mut throttle = Throttle::new(3, 900);
        let mut sent = |now: u64| {
            let allowed = throttle.allows(Nanos(now));
            if allowed {
                throttle.charge(Nanos(now));
            }
            allowed
        };
        assert_eq!([sent(1_000), sent(1_000), sent(1_000), sent(1_000)], [true, true, true, false]);
        assert_eq!([sent(1_299), sent(1_300), sent(1_300)], [false, true, false]);
        assert_eq!([sent(9_000), sent(9_000), sent(9_000), sent(9_000)], [true, true, true, false]);
    }

    #[test]
    fn no_limit_is_no_limit() {
        let mut throttle = Throttle::new(0, 1_000_000_000);
        for _ in 0..1_000 {
            assert!(throttle.allows(Nanos(5)));
            throttle.charge(Nanos(5));
        }
        throttle.hold(Nanos(5), 10);
        assert_eq!([14, 15].map(|now| throttle.allows(Nanos(now))), [false, true]);
    }
}
