//! The day by the clock.

use nofx_types::{Date, Market, Nanos, Phase};

use super::CLOCK_SLACK_NS;

const MINUTE_NS: u64 = 60_000_000_000;

/// When phases begin: minutes of the market's day, rising.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Schedule {
    starts: Vec<(u64, Phase)>,
}

impl Schedule {
    /// Phases by the minutes of the day at which they begin; sorted here.
    pub fn new(starts: &[(u32, Phase)]) -> Schedule {
        let mut starts: Vec<_> =
            starts.iter().map(|(minute, phase)| (u64::from(*minute) * MINUTE_NS, *phase)).collect();
        starts.sort_by_key(|(start, _)| *start);
        Schedule { starts }
    }

    /// The usual day of Shanghai (since 2018-08) and Shenzhen (`[[sessions]]` in
    /// `rules/*.toml`).
    pub fn mainland() -> Schedule {
        let at = |hour: u32, minute: u32| hour * 60 + minute;
        Schedule::new(&[
            (0, Phase::Closed),
            (at(9, 15), Phase::OpeningAuction),
            (at(9, 25), Phase::PreOpen),
            (at(9, 30), Phase::Continuous),
            (at(11, 30), Phase::Break),
            (at(13, 0), Phase::Continuous),
            (at(14, 57), Phase::ClosingAuction),
            (at(15, 0), Phase::Closed),
        ])
    }

    /// The phase at a time of the day.
    pub fn at(&self, of_day_ns: u64) -> Phase {
        let begun = self.starts.iter().rev().find(|(start, _)| *start <= of_day_ns);
        begun.map_or(Phase::Unknown, |(_, phase)| *phase)
    }
}

/// A schedule laid on the days of the stream.
pub(super) struct Calendar {
    schedule: Schedule,
    midnight: u64,
    /// Index of the next start.
    next: usize,
    /// When it is due.
    due: u64,
    /// The phase that has begun last.
    current: Phase,
}

impl Calendar {
    pub fn new(schedule: Schedule) -> Calendar {
        Calendar { schedule, midnight: 0, next: 0, due: 0, current: Phase::Unknown }
    }

    #[inline]
    pub fn is_due(&self, now: Nanos) -> bool {
        now.0 >= self.due
    }

    /// The phase that has begun last.
    pub fn current(&self) -> Phase {
        self.current
    }

    /// The next phase that has begun by `now`, and when; of several the last one only.
    pub fn next(&mut self, now: Nanos) -> Option<(Nanos, Phase)> {
        let midnight = midnight(now);
        if midnight != self.midnight {
            (self.midnight, self.next) = (midnight, 0);
        }
        let begun = self.schedule.starts.iter().skip(self.next);
        let mut begun = begun.take_while(|(start, _)| midnight + start <= now.0).enumerate();
        let last = begun.by_ref().last().map(|(skip, start)| (self.next + skip + 1, *start));
        if let Some((next, _)) = last {
            self.next = next;
        }
        let following = self.schedule.starts.get(self.next);
        self.due = following.map_or(midnight + DAY_NS, |(start, _)| midnight + start);
        let (_, (start, phase)) = last?;
        self.current = phase;
        Some((Nanos(midnight + start), phase))
    }

    /// Whether the schedule has another phase at that time, give or take the slack.
    pub fn contradicts(&self, at: Nanos, phase: Phase) -> bool {
        let of_day = at.0.saturating_sub(midnight(at));
        let times = [of_day.saturating_sub(CLOCK_SLACK_NS), of_day, of_day + CLOCK_SLACK_NS];
        let expected = |time: &u64| self.schedule.at(*time);
        // A halt may come at any time; the pause before the open has two names.
        let free = matches!(phase, Phase::Halted | Phase::Paused | Phase::QuoteOnly);
        let same = |expected: Phase| match (phase, expected) {
            (Phase::PreOpen, Phase::Closed | Phase::Break) => true,
            (Phase::Closed, Phase::AfterHours) => true,
            (phase, expected) => phase == expected,
        };
        !free && !times.iter().map(expected).any(same)
    }
}

const DAY_NS: u64 = 86_400_000_000_000;

fn midnight(now: Nanos) -> u64 {
    Date::of_ns(now.0, Market::HOURS_EAST).midnight_ns(Market::HOURS_EAST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn phases_begin_once_and_in_order_however_far_the_clock_jumps() {
        let day = Date::new(2023, 2, 7).expect("a day").midnight_ns(8);
        let at = |h: u64, m: u64, s: u64| Nanos(day + (h * 3_600 + m * 60 + s) * 1_000_000_000);
        let mut calendar = Calendar::new(Schedule::mainland());
        let mut seen = Vec::new();
        for now in
            [at(8, 45, 0), at(9, 15, 0), at(9, 15, 1), at(9, 31, 0), at(14, 57, 0), at(15, 30, 0)]
        {
            if calendar.is_due(now) {
                while let Some((_, phase)) = calendar.next(now) {
                    seen.push(phase);
                }
            }
        }
        use Phase::{Closed, ClosingAuction, Continuous, OpeningAuction};
        assert_eq!(seen, [Closed, OpeningAuction, Continuous, ClosingAuction, Closed]);
        let tomorrow = Nanos(day + DAY_NS);
        assert!(calendar.is_due(tomorrow));
        assert_eq!(calendar.next(tomorrow).map(|(_, phase)| phase), Some(Closed));
        assert!(!calendar.contradicts(at(9, 29, 57), Continuous));
        assert!(calendar.contradicts(at(9, 20, 0), Continuous));
        assert!(!calendar.contradicts(at(10, 0, 0), Phase::Halted));
    }
}
