//! What is on the timetable of a day besides order flow: halts, pauses, crosses, listings.
//!
//! Model: the whole day is planned before it starts, as a list sorted by time. Halts and pauses are
//! drawn over distinct instruments as long as there are enough.

use nofx_types::Nanos;

use super::draw::Draw;

const SECOND: u64 = 1_000_000_000;
const MINUTE: u64 = 60 * SECOND;

/// A time of day.
pub(super) const fn clock(hours: u64, minutes: u64, seconds: u64) -> Nanos {
    Nanos(((hours * 60 + minutes) * 60 + seconds) * SECOND)
}

/// Start of messages; the real one is hours earlier and says nothing more.
pub(super) const START: Nanos = clock(9, 20, 0);
/// Start of system hours: orders are accepted.
pub(super) const SYSTEM: Nanos = clock(9, 22, 0);
/// Imbalances before the opening cross.
pub(super) const OPEN_IMBALANCE: Nanos = clock(9, 28, 0);
/// Start of market hours, opening cross.
pub(super) const OPEN: Nanos = clock(9, 30, 0);
/// Imbalances before the closing cross.
pub(super) const CLOSE_IMBALANCE: Nanos = clock(15, 50, 0);
/// End of market hours, closing cross.
pub(super) const CLOSE: Nanos = clock(16, 0, 0);
/// End of system hours.
pub(super) const SYSTEM_END: Nanos = clock(16, 4, 0);
/// End of messages.
pub(super) const END: Nanos = clock(16, 5, 0);

/// Something that happens to one instrument, or to all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Item {
    /// Trading state and reason.
    State(usize, u8, [u8; 4]),
    /// A cross of this type.
    Cross(usize, u8),
    /// Imbalance before a cross of this type.
    Imbalance(usize, u8),
    /// Collars of the auction after a pause.
    Collar(usize),
    /// Halted (`H`) or resumed (`T`) on this market.
    Operational(usize, u8),
    /// Short sales are restricted from here on.
    Restrict(usize),
    /// Release of a new listing.
    Release(usize),
    /// Price range of a direct listing.
    DirectListing(usize),
    /// The last trade is taken back.
    Break,
    /// The market-wide breaker was hit at this level: everything halts.
    Breaker(u8),
    /// Everything resumes.
    BreakerOver,
}

/// The timetable, latest item first.
#[derive(Debug, Default)]
pub(super) struct Agenda {
    items: Vec<(Nanos, Item)>,
}

impl Agenda {
    /// Plans a day of these instruments; the last two are new listings where there are at least 8.
    pub fn plan(instruments: usize, breaker: bool, draw: &mut Draw) -> Agenda {
        let mut agenda = Agenda::default();
        let listings = if instruments >= 8 { 2 } else { 0 };
        let rows = instruments - listings;
        let mut offset = draw.below(rows as u64) as usize;
        let mut next_row = || {
            offset += 1;
            offset % rows
        };
        for _ in 0..1 + rows / 400 {
            agenda.halt(next_row(), clock(10, 0, 0).plus(draw.below(100 * MINUTE)));
            agenda.pause(next_row(), clock(12, 0, 0).plus(draw.below(150 * MINUTE)));
            agenda.at(clock(11, 0, 0).plus(draw.below(240 * MINUTE)), Item::Restrict(next_row()));
            agenda.at(clock(10, 0, 0).plus(draw.below(300 * MINUTE)), Item::Break);
        }
        let row = next_row();
        agenda.at(clock(14, 45, 0), Item::Operational(row, b'H'));
        agenda.at(clock(14, 48, 0), Item::Operational(row, b'T'));
        if listings > 0 {
            agenda.at(clock(10, 20, 0), Item::Release(instruments - 1));
            agenda.list(instruments - 1, clock(10, 30, 0));
            agenda.at(clock(10, 35, 0), Item::DirectListing(instruments - 2));
            agenda.list(instruments - 2, clock(10, 40, 0));
        }
        if breaker {
            agenda.at(clock(15, 0, 0), Item::Breaker(b'1'));
            agenda.at(clock(15, 15, 0), Item::BreakerOver);
        }
        agenda.items.sort_by_key(|(at, _)| std::cmp::Reverse(*at));
        agenda
    }

    /// The next item that is due at `now`, and its time.
    #[inline]
    pub fn due(&mut self, now: Nanos) -> Option<(Nanos, Item)> {
        self.items.pop_if(|(at, _)| *at <= now)
    }

    /// News is pending: ten minutes, the last two of them for quotes, then a re-opening cross.
    fn halt(&mut self, row: usize, at: Nanos) {
        self.at(at, Item::State(row, b'H', *b"T1  "));
        self.at(at.plus(7 * MINUTE), Item::State(row, b'H', *b"T2  "));
        self.reopen(row, at.plus(8 * MINUTE), *b"T3  ");
    }

    /// A limit-up limit-down pause of five minutes.
    fn pause(&mut self, row: usize, at: Nanos) {
        self.at(at, Item::State(row, b'P', *b"LUDP"));
        self.at(at.plus(SECOND), Item::Collar(row));
        self.reopen(row, at.plus(3 * MINUTE), *b"LUDP");
    }

    /// A new listing is quoted, then opens with a cross.
    fn list(&mut self, row: usize, at: Nanos) {
        self.reopen(row, at, *b"IPOQ");
    }

    fn reopen(&mut self, row: usize, at: Nanos, reason: [u8; 4]) {
        self.at(at, Item::State(row, b'Q', reason));
        self.at(at.plus(MINUTE), Item::Imbalance(row, b'H'));
        self.at(at.plus(2 * MINUTE), Item::Cross(row, b'H'));
        self.at(at.plus(2 * MINUTE + 1_000), Item::State(row, b'T', *b"    "));
    }

    fn at(&mut self, at: Nanos, item: Item) {
        self.items.push((at, item));
    }
}
