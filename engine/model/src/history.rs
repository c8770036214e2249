//! Where the mid was: some updates ago, and some time ago.
//!
//! Mids are kept doubled (`bid + ask`), so that they stay integers in price units. Both rings are
//! arrays inside the state: a lookup is one masked index.

use nofx_types::Nanos;

/// Longest lag of [`EventHistory`] in updates.
pub const EVENTS: usize = 32;

/// Slots of a [`ClockHistory`]; the horizon takes 8 of them, and one holds the mid before it.
const SLOTS: usize = 16;
const HORIZON_SLOTS: u64 = 8;

/// The mids before the last [`EVENTS`] updates.
#[derive(Clone, Debug)]
pub struct EventHistory {
    mids: [i64; EVENTS],
    next: usize,
}

impl EventHistory {
    /// A past in which the mid was always `mid2`.
    pub fn new(mid2: i64) -> EventHistory {
        EventHistory { mids: [mid2; EVENTS], next: 0 }
    }

    /// An update replaced `previous` as the current mid.
    #[inline]
    pub fn push(&mut self, previous: i64) {
        self.mids[self.next % EVENTS] = previous;
        self.next = (self.next + 1) % EVENTS;
    }

    /// The mid `lag` updates ago, 1 to [`EVENTS`].
    #[inline]
    pub fn ago(&self, lag: usize) -> i64 {
        self.mids[(self.next + EVENTS - lag) % EVENTS]
    }
}

/// The mid at least `2^(LG + 3)` ns ago, and at most an eighth longer.
///
/// Time is cut into slots of `2^LG` ns; slot `s` holds the mid that stood when `s` ended. The mid a
/// horizon ago is the one that stood at the last slot boundary at or before `now - horizon`.
#[derive(Clone, Debug)]
pub struct ClockHistory<const LG: u32> {
    mids: [i64; SLOTS],
    slot: u64,
}

impl<const LG: u32> ClockHistory<LG> {
    /// A past in which the mid was always `mid2`.
    pub fn new(now: Nanos, mid2: i64) -> ClockHistory<LG> {
        ClockHistory { mids: [mid2; SLOTS], slot: now.0 >> LG }
    }

    /// The mid becomes `mid2` at `now`; until then it was what was set last.
    #[inline]
    pub fn set(&mut self, now: Nanos, mid2: i64) {
        let slot = (now.0 >> LG).max(self.slot);
        let standing = self.mids[index(self.slot)];
        // Slots that passed in silence saw the standing mid; a full turn of the ring is enough.
        for passed in 1..=(slot - self.slot).min(SLOTS as u64) {
            self.mids[index(slot.wrapping_sub(passed))] = standing;
        }
        self.mids[index(slot)] = mid2;
        self.slot = slot;
    }

    /// The mid a horizon before `now`.
    #[inline]
    pub fn ago(&self, now: Nanos) -> i64 {
        let slot = (now.0 >> LG).max(self.slot);
        // Before slot 9 of the epoch the subtraction wraps; the masked index stays right.
        let age = slot - self.slot;
        match age > HORIZON_SLOTS {
            true => self.mids[index(self.slot)],
            false => self.mids[index(slot.wrapping_sub(HORIZON_SLOTS + 1))],
        }
    }
}

#[inline]
fn index(slot: u64) -> usize {
    slot as usize % SLOTS
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn event_history_counts_back_through_the_whole_ring() {
        let mut history = EventHistory::new(7);
        assert_eq!(history.ago(EVENTS), 7);
        (0..100).for_each(|mid| history.push(mid));
        assert_eq!((history.ago(1), history.ago(8), history.ago(EVENTS)), (99, 92, 68));
    }

    proptest! {
        /// The twin keeps every (time, mid) and searches for the one that stood at the boundary.
        #[test]
        fn clock_history_is_what_a_full_record_says(
            start in 0u64..1 << 40,
            steps in prop::collection::vec((0u64..1 << 29, -1000i64..1000), 1..200),
            wait in 0u64..1 << 29,
        ) {
            const LG: u32 = 24;
            let mut history = ClockHistory::<LG>::new(Nanos(start), 5);
            let (mut record, mut now) = (vec![(0, 5)], start);
            for (step, mid) in steps {
                // Most steps are short against a slot, some span many.
                now += if step % 3 == 0 { step } else { step >> 8 };
                history.set(Nanos(now), mid);
                record.push((now, mid));
            }
            now += wait;
            let boundary = ((now >> LG) as i64 - HORIZON_SLOTS as i64) << LG;
            let stood = record.iter().rev().find(|(at, _)| (*at as i64) < boundary);
            prop_assert_eq!(history.ago(Nanos(now)), stood.map_or(5, |(_, mid)| *mid));
        }
    }
}
