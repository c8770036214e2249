//! Cancelling everything, or everything of an account or an instrument, in bounded steps.
//!
//! Model: a sweep walks the table of open orders once and cancels what its scope covers; after each
//! input it does one step. Scopes asked for meanwhile wait in a short list; when that is full they
//! become one sweep of everything, which is never wrong, only more than was asked.

use nofx_gate::KillScope;
use nofx_types::{AccountId, InstrumentId, Nanos};

/// Cancels of one step, at most.
pub const SWEEP_STEP: usize = 16;
/// Scopes that can wait.
const WAITING_MAX: usize = 8;

/// The sweeps that are under way and waiting.
#[derive(Clone, Debug, Default)]
pub struct Sweeps {
    waiting: [Option<KillScope>; WAITING_MAX],
    /// Row at which the first waiting sweep goes on.
    row: usize,
    /// Something could not be cancelled yet: the walk is made again.
    again: bool,
    /// Sweeps that reached their end.
    pub done: u64,
    /// Cancels they asked for.
    pub cancels: u64,
    /// When the last of them was asked for.
    pub cancelled_at: Nanos,
    /// When the venue last confirmed a cancel, of a sweep or not.
    pub confirmed_at: Nanos,
}

impl Sweeps {
    /// Asks for a sweep.
    pub fn ask(&mut self, scope: KillScope) {
        // One that has begun may be past an order that is new since: it is asked for again.
        let begun = usize::from(self.row > 0);
        if self.waiting.iter().skip(begun).any(|waiting| *waiting == Some(scope)) {
            return;
        }
        match self.waiting.iter_mut().find(|place| place.is_none()) {
            Some(place) => *place = Some(scope),
            None => {
                self.waiting = [None; WAITING_MAX];
                self.waiting[0] = Some(KillScope::Global);
                self.row = 0;
            }
        }
    }

    /// Whether a sweep is under way.
    #[inline]
    pub fn is_active(&self) -> bool {
        self.waiting[0].is_some()
    }

    /// The row at which the walk goes on.
    #[inline]
    pub fn row(&self) -> usize {
        self.row
    }

    /// Whether the sweep under way covers an order of `account` in `instrument`.
    #[inline]
    pub fn covers(&self, account: AccountId, instrument: InstrumentId) -> bool {
        self.waiting[0].is_some_and(|scope| scope.covers(account, instrument))
    }

    /// The walk is past `row`.
    #[inline]
    pub fn passed(&mut self, row: usize) {
        self.row = row + 1;
    }

    /// An order was cancelled.
    pub fn cancelled(&mut self, now: Nanos) {
        self.cancels += 1;
        self.cancelled_at = now;
    }

    /// An order cannot be cancelled yet.
    pub fn come_back(&mut self) {
        self.again = true;
    }

    /// The walk is at its end: the next one begins, or the same again.
    pub fn end_of_table(&mut self) {
        self.row = 0;
        if std::mem::take(&mut self.again) {
            return;
        }
        self.waiting.rotate_left(1);
        self.waiting[WAITING_MAX - 1] = None;
        self.done += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_wait_their_turn_and_too_many_become_one() {
        let mut sweeps = Sweeps::default();
        let symbol = |n| KillScope::Symbol(InstrumentId(n));
        sweeps.ask(symbol(1));
        sweeps.ask(symbol(1));
        sweeps.ask(symbol(2));
        sweeps.come_back();
        sweeps.end_of_table();
        assert!(sweeps.covers(AccountId(0), InstrumentId(1)));
        sweeps.end_of_table();
        assert!(sweeps.covers(AccountId(0), InstrumentId(2)) && sweeps.is_active());
        sweeps.end_of_table();
        assert!(!sweeps.is_active());
        sweeps.ask(symbol(3));
        sweeps.passed(7);
        (0..20).for_each(|_| sweeps.ask(symbol(3)));
        assert!(!sweeps.covers(AccountId(0), InstrumentId(4)), "asked often is not everything");
        sweeps.end_of_table();
        assert!(sweeps.covers(AccountId(0), InstrumentId(3)), "once more, from the start");
        sweeps.end_of_table();
        assert!(!sweeps.is_active());
        (0..9).for_each(|n| sweeps.ask(symbol(n)));
        assert!(sweeps.covers(AccountId(9), InstrumentId(99)));
        sweeps.end_of_table();
        assert!(!sweeps.is_active());
    }
}
