//! The cycle counter and what a cycle lasts.

use std::time::{Duration, Instant};

/// Reads the cycle counter (x86-64: the invariant TSC; elsewhere: monotonic nanoseconds).
#[inline]
pub fn cycles() -> u64 {
    #[cfg(all(target_arch = "x86_64", not(miri)))]
    {
        // SAFETY: `rdtsc` exists on every x86-64 processor and touches no memory.
        unsafe { core::arch::x86_64::_rdtsc() }
    }
    #[cfg(not(all(target_arch = "x86_64", not(miri))))]
    {
        use std::sync::OnceLock;
        static START: OnceLock<Instant> = OnceLock::new();
        START.get_or_init(Instant::now).elapsed().as_nanos() as u64
    }
}

/// CLOCK_MONOTONIC in nanoseconds, as the kernel stamps it; no system call where the kernel offers
/// it to user space.
pub fn monotonic_ns() -> u64 {
    let mut now = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the kernel writes one timespec, which `now` is.
    unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &raw mut now) };
    now.tv_sec as u64 * 1_000_000_000 + now.tv_nsec as u64
}

/// Turns cycle counts into nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CycleClock {
    ns_per_cycle: f64,
}

impl CycleClock {
    /// Compares the counter with the kernel's monotonic clock over `window` (20 ms gives about
    /// 0.01 %): three windows, the median rate, so that one preemption does not spoil it.
    pub fn calibrate(window: Duration) -> CycleClock {
        let mut rates = [Self::rate(window), Self::rate(window), Self::rate(window)];
        rates.sort_by(f64::total_cmp);
        CycleClock { ns_per_cycle: rates[1] }
    }

    fn rate(window: Duration) -> f64 {
        let (start, first) = (Instant::now(), cycles());
        while start.elapsed() < window {
            core::hint::spin_loop();
        }
        let (elapsed, last) = (start.elapsed(), cycles());
        elapsed.as_nanos() as f64 / (last.wrapping_sub(first)).max(1) as f64
    }

    /// A clock of known rate, for tests and stored results.
    pub const fn from_rate(ns_per_cycle: f64) -> CycleClock {
        CycleClock { ns_per_cycle }
    }

    /// Nanoseconds of one cycle.
    pub const fn ns_per_cycle(&self) -> f64 {
        self.ns_per_cycle
    }

    /// Nanoseconds of `cycles`, rounded.
    pub fn ns(&self, cycles: u64) -> u64 {
        (cycles as f64 * self.ns_per_cycle).round() as u64
    }

    /// Cycles of `ns` nanoseconds, rounded: for intervals that a loop compares with [`cycles`].
    pub fn cycles_of(&self, ns: u64) -> u64 {
        (ns as f64 / self.ns_per_cycle).round() as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg_attr(miri, ignore)] // no counter there
    fn calibration_agrees_with_a_sleep() {
        let clock = CycleClock::calibrate(Duration::from_millis(5));
        let (start, first) = (Instant::now(), cycles());
        std::thread::sleep(Duration::from_millis(20));
        let (wall, counted) =
            (start.elapsed().as_nanos() as f64, clock.ns(cycles() - first) as f64);
        assert!((counted / wall - 1.0).abs() < 0.2, "counted {counted} ns of {wall} ns");
    }
}
