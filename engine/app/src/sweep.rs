//! Cancelling everything, or everything of an account or an instrument, in bounded steps.
//!
//! Model: a sweep walks the table of open orders once and cancels what its scope covers; after each
//! input it does one step. Scopes asked for meanwhile wait in a short list; when that is full they
//! become one sweep of everything, which is never wrong, only more than was asked. A sweep that met an
//! order in flight is made again when there is news of an order. A cancel may be lost or refused: while
//! a kill is in force or the run stops ([`Engaged`]), what that covers is walked again, at most once a
//! second.

mod engaged;

pub use engaged::Engaged;
use nofx_gate::KillScope;
use nofx_types::{AccountId, InstrumentId, Nanos};

/// Cancels of one step, at most.
pub const SWEEP_STEP: usize = 16;
/// Time between two cancels of one order, at least.
const RETRY_NS: u64 = 1_000_000_000;
/// Scopes that can wait.
const WAITING_MAX: usize = 8;

/// What a walk cancels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Extent {
    /// What was asked for.
    Scope(KillScope),
    /// What is to stay without orders.
    Engaged,
}

/// A short list of scopes, each once.
#[derive(Clone, Debug, Default)]
struct Scopes([Option<KillScope>; WAITING_MAX]);

impl Scopes {
    fn add(&mut self, scope: KillScope) {
        if self.0.contains(&Some(scope)) {
            return;
        }
        match self.0.iter_mut().find(|place| place.is_none()) {
            Some(place) => *place = Some(scope),
            None => {
                self.0 = [None; WAITING_MAX];
                self.0[0] = Some(KillScope::Global);
            }
        }
    }

    fn take_first(&mut self) -> Option<KillScope> {
        let first = self.0[0].take();
        self.0.rotate_left(1);
        first
    }

    fn is_empty(&self) -> bool {
        self.0[0].is_none()
    }
}

/// The sweeps that are under way and waiting.
#[derive(Clone, Debug)]
pub struct Sweeps {
    /// The walk under way.
    walk: Option<Extent>,
    /// Row at which it goes on.
    row: usize,
    /// It met an order that could not be cancelled yet.
    again: bool,
    waiting: Scopes,
    /// Walked, but for orders in flight.
    unfinished: Scopes,
    retried_at: Nanos,
    /// A sweep of everything was asked for and has not begun.
    everything: bool,
    /// What is to stay without orders.
    pub engaged: Engaged,
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
    /// None; instruments are `0..instruments`.
    pub fn new(instruments: u32) -> Sweeps {
        Sweeps {
            walk: None,
            row: 0,
            again: false,
            waiting: Scopes::default(),
            unfinished: Scopes::default(),
            retried_at: Nanos(0),
            everything: false,
            engaged: Engaged::new(instruments),
            done: 0,
            cancels: 0,
            cancelled_at: Nanos(0),
            confirmed_at: Nanos(0),
        }
    }

    /// Asks for a sweep.
    pub fn ask(&mut self, scope: KillScope) {
        self.everything |= scope == KillScope::Global;
        self.add(scope);
    }

    fn add(&mut self, scope: KillScope) {
        // One that has begun may be past an order that is new since: it is asked for again.
        if self.row > 0 || self.walk != Some(Extent::Scope(scope)) {
            self.waiting.add(scope);
        }
        if self.walk.is_none() {
            self.next();
        }
    }

    fn next(&mut self) {
        self.row = 0;
        self.walk = self.waiting.take_first().map(Extent::Scope);
    }

    /// Whether a sweep is under way.
    #[inline]
    pub fn is_active(&self) -> bool {
        self.walk.is_some()
    }

    /// Whether it is a repetition: a cancel that is still unanswered is taken as lost.
    #[inline]
    pub fn is_retry(&self) -> bool {
        self.walk == Some(Extent::Engaged)
    }

    /// Whether a sweep of everything begins, once for each that was asked for.
    #[inline]
    pub fn begins_everything(&mut self) -> bool {
        std::mem::take(&mut self.everything)
    }

    /// The row at which the walk goes on.
    #[inline]
    pub fn row(&self) -> usize {
        self.row
    }

    /// Whether the sweep under way covers an order of `account` in `instrument`.
    #[inline]
    pub fn covers(&self, account: AccountId, instrument: InstrumentId) -> bool {
        match self.walk {
            Some(Extent::Scope(scope)) => scope.covers(account, instrument),
            Some(Extent::Engaged) => self.engaged.covers(account, instrument),
            None => false,
        }
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

    /// There is news of an order: one that was in flight may be open now.
    #[inline]
    pub fn news(&mut self) {
        if !self.unfinished.is_empty() {
            self.look_again();
        }
    }

    #[cold]
    fn look_again(&mut self) {
        while let Some(scope) = self.unfinished.take_first() {
            self.add(scope);
        }
    }

    /// What is engaged is walked again, when the last cancel of a sweep is a second old.
    pub fn retry(&mut self, now: Nanos) {
        let last = self.retried_at.max(self.cancelled_at);
        if self.is_active() || self.engaged.is_empty() || now.since(last) < RETRY_NS {
            return;
        }
        (self.row, self.walk, self.retried_at) = (0, Some(Extent::Engaged), now);
    }

    /// The walk is at its end: the next one begins.
    pub fn end_of_table(&mut self) {
        let again = std::mem::take(&mut self.again);
        match self.walk {
            Some(Extent::Scope(scope)) if again => self.unfinished.add(scope),
            Some(Extent::Scope(_)) => self.done += 1,
            Some(Extent::Engaged) | None => {}
        }
        self.next();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn symbol(n: u32) -> KillScope {
        KillScope::Symbol(InstrumentId(n))
    }

    fn covers(sweeps: &Sweeps, n: u32) -> bool {
        sweeps.covers(AccountId(0), InstrumentId(n))
    }

    #[test]
    fn scopes_wait_their_turn_and_too_many_become_one() {
        let mut sweeps = Sweeps::new(8);
        sweeps.ask(symbol(1));
        sweeps.ask(symbol(1));
        sweeps.ask(symbol(2));
        assert!(covers(&sweeps, 1));
        sweeps.end_of_table();
        assert!(covers(&sweeps, 2) && sweeps.is_active());
        sweeps.end_of_table();
        assert!(!sweeps.is_active());
        sweeps.ask(symbol(3));
        sweeps.passed(7);
        (0..20).for_each(|_| sweeps.ask(symbol(3)));
        assert!(!covers(&sweeps, 4), "asked often is not everything");
        sweeps.end_of_table();
        assert!(covers(&sweeps, 3), "once more, from the start");
        sweeps.end_of_table();
        assert!(!sweeps.is_active());
        (0..10).for_each(|n| sweeps.ask(symbol(n)));
        sweeps.end_of_table();
        assert!(covers(&sweeps, 99));
        sweeps.end_of_table();
        assert!(!sweeps.is_active());
        assert_eq!(sweeps.done, 6);
        assert!(!sweeps.begins_everything(), "only where it was asked for");
    }

    #[test]
    fn one_that_met_an_order_in_flight_lets_others_go_first_and_waits_for_news() {
        let mut sweeps = Sweeps::new(8);
        sweeps.ask(symbol(1));
        sweeps.ask(symbol(2));
        sweeps.come_back();
        sweeps.end_of_table();
        assert!(covers(&sweeps, 2) && sweeps.done == 0);
        sweeps.end_of_table();
        assert!(!sweeps.is_active() && sweeps.done == 1);
        sweeps.news();
        assert!(covers(&sweeps, 1));
        sweeps.end_of_table();
        sweeps.news();
        assert!(!sweeps.is_active() && sweeps.done == 2);
    }

    #[test]
    fn what_is_engaged_is_walked_again_once_a_second() {
        let (mut sweeps, second) = (Sweeps::new(8), RETRY_NS);
        sweeps.retry(Nanos(second));
        assert!(!sweeps.is_active(), "nothing is engaged");
        sweeps.engaged.set(symbol(1), true);
        sweeps.cancelled(Nanos(second));
        sweeps.retry(Nanos(2 * second - 1));
        assert!(!sweeps.is_active());
        sweeps.retry(Nanos(2 * second));
        assert!(sweeps.is_retry() && covers(&sweeps, 1) && !covers(&sweeps, 2));
        sweeps.ask(KillScope::Global);
        assert!(sweeps.begins_everything() && !sweeps.begins_everything());
        sweeps.end_of_table();
        assert!(!sweeps.is_retry() && covers(&sweeps, 2));
        sweeps.retry(Nanos(9 * second));
        sweeps.end_of_table();
        assert!(!sweeps.is_active(), "one that is under way is not disturbed");
    }
}
