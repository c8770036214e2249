//! One multicast line as the publisher sees it: up or down, with seeded loss.

use nofx_rt::rng::Rng;

const MILLION: u64 = 1_000_000;

/// A line.
#[derive(Clone, Debug)]
pub struct Line {
    rng: Rng,
    loss_ppm: u64,
    up: bool,
    /// Packets that left, and that did not.
    pub sent: u64,
    /// Packets lost on purpose.
    pub lost: u64,
}

impl Line {
    /// A line that is up and loses so many of a million packets.
    pub fn new(seed: u64, loss_ppm: u32) -> Line {
        Line { rng: Rng::new(seed), loss_ppm: loss_ppm.into(), up: true, sent: 0, lost: 0 }
    }

    /// Whether the next packet passes; counts it.
    pub fn passes(&mut self) -> bool {
        let passes = self.up && !self.rng.chance(self.loss_ppm, MILLION);
        self.sent += u64::from(passes);
        self.lost += u64::from(!passes);
        passes
    }

    /// Cuts the line or joins it again.
    pub fn set_up(&mut self, up: bool) {
        self.up = up;
    }

    /// Whether it is up.
    pub fn is_up(&self) -> bool {
        self.up
    }

    /// Loses so many of a million packets from now on.
    pub fn set_loss(&mut self, ppm: u32) {
        self.loss_ppm = ppm.into();
    }
}
