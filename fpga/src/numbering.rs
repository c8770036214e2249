//! The card's numbers for instruments.
//!
//! Model: a venue numbers tens of thousands of instruments, a card has rows for as many as are traded.
//! An instrument gets the next free row when it is first named by an order, a report or a restore;
//! until then its limits, halts and kills are kept here. When rows run out, later instruments stand
//! outside the card's tables, and every order in them is refused by range.
//!
//! Worst case: one look into a table per operation; memory is 64 bytes an instrument.

use nofx_risk::card::SymbolRegs;
use nofx_types::InstrumentId;

/// Outside every table.
pub(crate) const OUTSIDE: InstrumentId = InstrumentId(u32::MAX);

/// What is known of an instrument.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Known {
    pub regs: SymbolRegs,
    pub halted: bool,
    pub killed: bool,
    /// Its row, once it has one.
    pub row: Option<InstrumentId>,
}

#[derive(Debug)]
pub(crate) struct Numbering {
    known: Box<[Known]>,
    next: u32,
    rows: u32,
}

impl Numbering {
    /// `rows` rows for `capacity` instruments.
    pub fn new(capacity: u32, rows: u32) -> Numbering {
        let closed = Known { regs: SymbolRegs::CLOSED, halted: false, killed: false, row: None };
        Numbering { known: vec![closed; capacity as usize].into_boxed_slice(), next: 0, rows }
    }

    /// What is known of an instrument.
    #[inline]
    pub fn known(&mut self, instrument: InstrumentId) -> Option<&mut Known> {
        self.known.get_mut(instrument.index())
    }

    /// Gives `instrument` a row if it has none: the row, and what is known of it where it is new.
    #[inline]
    pub fn row(&mut self, instrument: InstrumentId) -> (InstrumentId, Option<Known>) {
        let Some(known) = self.known.get_mut(instrument.index()) else { return (OUTSIDE, None) };
        if let Some(row) = known.row {
            return (row, None);
        }
        if self.next == self.rows {
            return (OUTSIDE, None);
        }
        let row = InstrumentId(self.next);
        self.next += 1;
        known.row = Some(row);
        (row, Some(*known))
    }

    /// Rows in use, and rows there are.
    pub fn used(&self) -> (u32, u32) {
        (self.next, self.rows)
    }
}
