//! The backend `inproc`: the simulated gate as a device in this process.
//!
//! Model: lines and registers of [`Gate`] behind the traits of a card. Time passes only in calls: a
//! `take` that finds no verdict clocks the gate until one comes, at most about as long as one could
//! need, and a single cycle while nothing is under way.

use nofx_fpga::{DeviceError, Lines, OpLine, Registers, VerdictLine};

use crate::gate::Gate;

/// Lines that may wait to be accepted.
const WINDOW: usize = 1024;
/// Cycles of one `take`: more than a verdict needs once its line is accepted.
const CYCLES: u64 = 32;

impl Lines for Gate {
    fn put(&mut self, line: &OpLine) -> bool {
        if self.queued() >= WINDOW {
            return false;
        }
        self.offer(std::slice::from_ref(line));
        true
    }

    fn take(&mut self) -> Option<VerdictLine> {
        if self.waiting() == 0 {
            let idle = self.queued() == 0 && self.in_flight().is_empty();
            self.clock_until(1, if idle { 1 } else { CYCLES });
        }
        Gate::take(self).map(|stamped| stamped.line)
    }
}

impl Registers for Gate {
    fn read(&mut self, at: u32) -> Result<u32, DeviceError> {
        Gate::read(self, at).ok_or_else(|| unanswered("read register", at))
    }

    fn write(&mut self, at: u32, value: u32) -> Result<(), DeviceError> {
        if Gate::write(self, at, value) { Ok(()) } else { Err(unanswered("write register", at)) }
    }
}

fn unanswered(doing: &'static str, at: u32) -> DeviceError {
    DeviceError { doing, at, os_error: 0, advice: "the simulated gate does not answer its bus" }
}
