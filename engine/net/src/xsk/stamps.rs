//! When frames left, as the kernel says with their completion.
#![allow(unsafe_code)] // reading a clock

use nofx_rt::hist::Histogram;
use nofx_types::Nanos;

/// Completion stamps since the port was opened. In copy mode the kernel reads CLOCK_TAI when it has
/// handed the frame on; with zero-copy the stamp is the card's own clock.
#[derive(Clone, Default)]
pub struct TxStamps {
    /// The last one; 0 before the first.
    pub last: Nanos,
    /// Frames that came back without one.
    pub missing: u64,
    /// Nanoseconds from `send` to the stamp, where both are of CLOCK_TAI.
    pub delay: Histogram,
    /// Whether the two are of one clock.
    pub(super) comparable: bool,
}

impl TxStamps {
    /// CLOCK_TAI, nanoseconds.
    pub(super) fn now(&self) -> u64 {
        let mut now = libc::timespec { tv_sec: 0, tv_nsec: 0 };
        // SAFETY: `now` is writable; the clock exists since Linux 3.10, and if not it stays 0.
        unsafe { libc::clock_gettime(libc::CLOCK_TAI, &mut now) };
        (now.tv_sec as u64).wrapping_mul(1_000_000_000).wrapping_add(now.tv_nsec as u64)
    }

    pub(super) fn record(&mut self, handed_over: u64, left: u64) {
        if left == 0 {
            self.missing += 1;
            return;
        }
        self.last = Nanos(left);
        if self.comparable {
            self.delay.record(left.saturating_sub(handed_over));
        }
    }
}
