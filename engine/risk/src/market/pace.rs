//! Orders and cancels of an account against the thresholds of programme trading.
//!
//! A second is any span of a second, not one of the clock: a ring of the last sending times answers
//! "would this one be the N-th within a second" by looking at one entry.

use alloc::boxed::Box;
use alloc::vec;
use alloc::vec::Vec;

use nofx_rules::{Dated, Programme};
use nofx_types::{AccountId, Nanos};

use super::refusal::Breach;

const SECOND_NS: u64 = 1_000_000_000;

/// What an account sent today.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PaceCounts {
    /// Orders, replaces and cancels.
    pub day: u64,
    /// Of these, those at or above the warning of the second.
    pub second_warned: u64,
    /// Of these, those at or above the warning of the day.
    pub day_warned: u64,
}

#[derive(Clone, Debug)]
struct Pace {
    /// Sending times, the oldest at `next`; 0 for none.
    sent: Box<[u64]>,
    next: usize,
    counts: PaceCounts,
}

/// The paces of all accounts.
#[derive(Clone, Debug)]
pub(super) struct Paces {
    rule: Option<Dated<Programme>>,
    rows: Box<[Pace]>,
}

impl Paces {
    pub fn new(accounts: u16, rule: Option<Dated<Programme>>) -> Paces {
        let size =
            rule.map_or(1, |dated| dated.rule.second_hard.max(dated.rule.second_warn).max(1));
        let sent = vec![0; size as usize].into_boxed_slice();
        let row = Pace { sent, next: 0, counts: PaceCounts::default() };
        let rows: Vec<_> = (0..accounts).map(|_| row.clone()).collect();
        Paces { rule, rows: rows.into_boxed_slice() }
    }

    /// What refuses one more order at this time.
    #[inline]
    pub fn breach(&self, account: AccountId, now: Nanos) -> Option<Breach> {
        let Dated { rule, since } = self.rule?;
        let row = self.rows.get(account.index())?;
        let breach = |limit: u32| {
            let limit = i64::from(limit);
            Some(Breach { limit, value: limit, since })
        };
        if row.reaches(rule.second_hard, now) {
            breach(rule.second_hard)
        } else if rule.day_hard > 0 && row.counts.day + 1 >= u64::from(rule.day_hard) {
            breach(rule.day_hard)
        } else {
            None
        }
    }

    /// An order or cancel was sent.
    #[inline]
    pub fn count(&mut self, account: AccountId, now: Nanos) {
        let (Some(dated), Some(row)) = (self.rule, self.rows.get_mut(account.index())) else {
            return;
        };
        let rule = dated.rule;
        let second = row.reaches(rule.second_warn, now);
        row.counts.second_warned += u64::from(second);
        row.counts.day = row.counts.day.saturating_add(1);
        let day = rule.day_warn > 0 && row.counts.day >= u64::from(rule.day_warn);
        row.counts.day_warned += u64::from(day);
        if let Some(slot) = row.sent.get_mut(row.next) {
            *slot = now.0;
        }
        row.next = (row.next + 1) % row.sent.len();
    }

    pub fn counts(&self, account: AccountId) -> PaceCounts {
        self.rows.get(account.index()).map_or(PaceCounts::default(), |row| row.counts)
    }
}

impl Pace {
    /// Whether one more at `now` would be the `count`-th within a second.
    #[inline]
    fn reaches(&self, count: u32, now: Nanos) -> bool {
        let (count, size) = (count as usize, self.sent.len());
        match count {
            0 => false,
            1 => true,
            _ => {
                // Sent `count - 1` ago.
                let at = (self.next + size + 1 - count.min(size)) % size;
                let sent = self.sent.get(at).copied().unwrap_or(0);
                sent > 0 && sent.saturating_add(SECOND_NS) > now.0
            }
        }
    }
}
