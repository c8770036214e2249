//! One security: its book, state by state, against its snapshots.

use nofx_book::LevelBooks;
use nofx_ticks::{DEPTH, Snapshot};
use nofx_types::{Date, InstrumentId, Ladder, Level, Market, Qty, Side, Symbol};

use super::report::{Difference, Total, Verified};

pub(super) type Levels = [[Level; DEPTH]; 2];

/// One security against its snapshots.
pub(super) struct Check<'a> {
    /// What it comes to.
    pub out: Verified,
    /// Of the continuous session, by time.
    snapshots: Vec<&'a Snapshot>,
    /// How many of them are decided.
    done: usize,
    /// The book, or the volume, is not the one that was compared last.
    pub due: bool,
    /// For the undecided ones with the book's volume: equal, or the closest state so far.
    open: Vec<Open>,
    /// The first snapshot that equals no state.
    pub difference: Option<Difference>,
}

#[derive(Clone, Copy)]
pub(super) struct Open {
    pub states: u64,
    /// Levels that agree in the closest state; all of them: equal.
    agree: usize,
    pub closest: Levels,
}

/// 09:30:00 to 14:57:00 by the market's clock.
const CONTINUOUS_NS: std::ops::Range<u64> = 34_200_000_000_000..53_820_000_000_000;

impl<'a> Check<'a> {
    pub fn new(symbol: Symbol, snapshots: impl Iterator<Item = &'a Snapshot> + Clone) -> Check<'a> {
        let last = snapshots.clone().last();
        let midnight = |ns| Date::of_ns(ns, Market::HOURS_EAST).midnight_ns(Market::HOURS_EAST);
        let continuous = |s: &&Snapshot| {
            CONTINUOUS_NS.contains(&s.exch_ns.0.saturating_sub(midnight(s.exch_ns.0)))
        };
        let total = |said: Option<u64>| Total { ticks: 0, snapshot: said };
        Check {
            out: Verified {
                symbol: symbol.to_string(),
                volume: total(last.map(|s| s.volume.0)),
                trades: total(last.map(|s| s.num_trades).filter(|n| *n > 0)),
                ..Verified::default()
            },
            snapshots: snapshots.filter(continuous).collect(),
            done: 0,
            due: false,
            open: Vec::new(),
            difference: None,
        }
    }

    /// Compares the book as it stands, if there is still something to compare it with.
    pub fn look(&mut self, books: &LevelBooks, id: InstrumentId) {
        if std::mem::take(&mut self.due) && self.done < self.snapshots.len() {
            self.compare(books, id);
        }
    }

    /// Compares the book as it stands with the snapshots of its volume.
    fn compare(&mut self, books: &LevelBooks, id: InstrumentId) {
        let volume = Qty(self.out.volume.ticks);
        while self.snapshots.get(self.done).is_some_and(|s| s.volume < volume) {
            self.decide();
        }
        let waiting = self.snapshots.get(self.done..).unwrap_or_default();
        if waiting.first().is_none_or(|s| s.volume != volume) {
            return;
        }
        let mut state = Levels::default();
        for (side, levels) in Side::BOTH.into_iter().zip(&mut state) {
            books.book(id).levels(side, levels);
        }
        for (at, snapshot) in waiting.iter().take_while(|s| s.volume == volume).enumerate() {
            if self.open.len() == at {
                self.open.push(Open { states: 0, agree: 0, closest: Levels::default() });
            }
            if let Some(open) = self.open.get_mut(at) {
                open.see(snapshot, &state);
            }
        }
    }

    /// No later state can equal the first undecided snapshot.
    fn decide(&mut self) {
        let Some(snapshot) = self.snapshots.get(self.done) else { return };
        let none = Open { states: 0, agree: 0, closest: Levels::default() };
        let open = if self.open.is_empty() { none } else { self.open.remove(0) };
        self.done += 1;
        self.out.compared += 1;
        if open.is_equal() {
            self.out.equal += 1;
        } else if self.difference.is_none() {
            self.difference = Some(Difference::new(snapshot, &open));
        }
    }

    /// No state follows.
    pub fn finish(&mut self) {
        while self.done < self.snapshots.len() {
            self.decide();
        }
    }
}

impl Open {
    fn see(&mut self, snapshot: &Snapshot, state: &Levels) {
        self.states += 1;
        let pairs = snapshot.levels.iter().flatten().zip(state.iter().flatten());
        let agree = pairs.filter(|(a, b)| (a.price, a.qty) == (b.price, b.qty)).count();
        if agree > self.agree || self.states == 1 {
            (self.agree, self.closest) = (agree, *state);
        }
    }

    fn is_equal(&self) -> bool {
        self.states > 0 && self.agree == 2 * DEPTH
    }
}
