//! Card and software side by side.
//!
//! Model: a [`Witness`] sees every line before it leaves and every verdict as it arrives.
//! [`Alone`] says nothing. [`Beside`] lets the software's card judge each line first and wants the
//! card's verdict to be the same in every bit; the first that is not is kept with both rows of
//! everything it touched, and trading stops.
//!
//! A kill engaged by register is a difference too, since the software was not told of it: in lockstep
//! kills go through the gate.
//!
//! Worst case: beside a card each line costs what the software gate costs, and one comparison of 64
//! bytes.

use std::collections::VecDeque;
use std::fmt;

use crate::image::RowImage;
use crate::line::{OpLine, VerdictLine};
use crate::model::{Capacity, CardModel};

/// Who looks on.
pub trait Witness {
    /// One that is ready for a card of `capacity` with so many lines in flight.
    fn new(capacity: Capacity, credits: u32) -> Self;

    /// The card was scrubbed, its errors cleared.
    fn scrubbed(&mut self, accounts: u32, symbols: u32);

    /// A line leaves.
    fn sent(&mut self, line: &OpLine);

    /// Its verdict arrived: whether it is the right one.
    fn agrees(&mut self, line: &OpLine, verdict: &VerdictLine) -> bool;
}

/// Nobody looks on.
#[derive(Clone, Copy, Debug)]
pub struct Alone;

impl Witness for Alone {
    fn new(_: Capacity, _: u32) -> Alone {
        Alone
    }

    #[inline]
    fn scrubbed(&mut self, _: u32, _: u32) {}

    #[inline]
    fn sent(&mut self, _: &OpLine) {}

    #[inline]
    fn agrees(&mut self, _: &OpLine, _: &VerdictLine) -> bool {
        true
    }
}

/// The software's card.
#[derive(Debug)]
pub struct Beside {
    model: CardModel,
    /// What is due, oldest first.
    due: VecDeque<VerdictLine>,
    compared: u64,
    difference: Option<Difference>,
}

/// Two answers to one operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The operation.
    pub line: OpLine,
    /// What the software answered.
    pub software: VerdictLine,
    /// What the card answered.
    pub card: VerdictLine,
}

impl Witness for Beside {
    fn new(capacity: Capacity, credits: u32) -> Beside {
        Beside {
            model: CardModel::new(capacity),
            due: VecDeque::with_capacity(credits as usize),
            compared: 0,
            difference: None,
        }
    }

    fn scrubbed(&mut self, accounts: u32, symbols: u32) {
        self.model.scrub(accounts, symbols);
        self.model.clear(u16::MAX);
        self.due.clear();
    }

    #[inline]
    fn sent(&mut self, line: &OpLine) {
        let due = self.model.line(line);
        self.due.push_back(due);
    }

    #[inline]
    fn agrees(&mut self, line: &OpLine, verdict: &VerdictLine) -> bool {
        let Some(due) = self.due.pop_front() else { return false };
        if due != *verdict {
            let difference = Difference { line: *line, software: due, card: *verdict };
            self.difference.get_or_insert(difference);
            return false;
        }
        self.compared += 1;
        true
    }
}

impl Beside {
    /// Lines whose verdicts were compared and found equal.
    pub fn compared(&self) -> u64 {
        self.compared
    }

    /// The first difference.
    pub fn difference(&self) -> Option<&Difference> {
        self.difference.as_ref()
    }

    /// The software's card.
    pub fn model(&self) -> &CardModel {
        &self.model
    }
}

/// The first difference and every row it touched, as both sides hold it after all that was sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dump {
    /// The difference.
    pub difference: Difference,
    /// Rows of the software and of the card; the card's is missing where it no longer answers.
    pub rows: Vec<(RowImage, Option<RowImage>)>,
}

impl fmt::Display for Dump {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Difference { line, software, card } = &self.difference;
        writeln!(f, "operation {}, tag {}: {:x?}", line.seq(), line.tag(), line.words)?;
        writeln!(f, "  asks {:?}", line.decode())?;
        for (who, verdict) in [("software", software), ("card", card)] {
            writeln!(f, "{who}: {:x?}", verdict.words)?;
            writeln!(
                f,
                "  rejects {:?}, killed {}, sticky {:?}, fault {}, faults {}, cfg_epoch {}, payload {:x?}",
                verdict.rejects(),
                verdict.killed(),
                verdict.sticky(),
                verdict.fault(),
                verdict.faults(),
                verdict.cfg_epoch(),
                verdict.payload()
            )?;
        }
        for (software, card) in &self.rows {
            writeln!(f, "software {software:?}")?;
            match card {
                None => writeln!(f, "card: no answer")?,
                Some(card) => {
                    for (name, software, card) in software.differences(card) {
                        writeln!(f, "  {name}: software {software:#x}, card {card:#x}")?;
                    }
                }
            }
        }
        Ok(())
    }
}
