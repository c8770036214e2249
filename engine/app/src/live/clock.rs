//! The engine's time in a live run: the wall clock at start, moved on by the monotonic clock.
//!
//! Model: a wall clock that is stepped (by hand, by a time daemon) must not move orders, throttles or
//! timers backwards, so the engine reads the wall once and the monotonic clock from then on, both
//! without a system call. [`EngineClock::drift_ns`] says how far the wall has gone elsewhere: more
//! than a slew can explain is an alarm, not a jump.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use nofx_types::Nanos;

/// The clock of one run.
#[derive(Clone, Copy, Debug)]
pub struct EngineClock {
    wall: Nanos,
    start: Instant,
}

impl EngineClock {
    /// Starts now, but not before `after`, the last time of a former run.
    pub fn start(after: Nanos) -> EngineClock {
        EngineClock { wall: wall().max(after), start: Instant::now() }
    }

    /// The engine's time, nanoseconds since 1970; never goes back.
    #[inline]
    pub fn now(&self) -> Nanos {
        Nanos(self.wall.0 + as_nanos(self.start.elapsed()))
    }

    /// How far the wall clock is ahead of the engine's time; negative when it is behind.
    pub fn drift_ns(&self) -> i64 {
        let (wall, now) = (wall().0 as i128, self.now().0 as i128);
        (wall - now).clamp(i64::MIN.into(), i64::MAX.into()) as i64
    }
}

/// The wall clock.
pub fn wall() -> Nanos {
    Nanos(SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, as_nanos))
}

fn as_nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_never_starts_before_the_last_time_of_the_former() {
        let late = Nanos(wall().0 + 1_000_000_000_000);
        let clock = EngineClock::start(late);
        let (first, second) = (clock.now(), clock.now());
        assert!(late <= first && first <= second);
        assert!(clock.drift_ns() < -900_000_000_000);
    }
}
