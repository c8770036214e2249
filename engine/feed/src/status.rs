//! The trading state of each instrument, from the two kinds of messages that change it.
//!
//! Model: a venue tells the regulatory state (halted, paused, trading) and its own operational halt
//! apart, and either may end while the other lasts. The phase that events carry is the operational
//! halt if there is one, else the state.

use nofx_types::{InstrumentId, Phase};

#[derive(Clone, Copy, Default)]
struct Status {
    state: Phase,
    operational_halt: bool,
}

pub(crate) struct Statuses {
    rows: Box<[Status]>,
}

impl Statuses {
    pub fn new(instruments: u32) -> Statuses {
        Statuses { rows: vec![Status::default(); instruments as usize].into_boxed_slice() }
    }

    /// The state became `state`; returns the phase that holds now.
    pub fn set_state(&mut self, id: InstrumentId, state: Phase) -> Option<Phase> {
        let row = self.rows.get_mut(id.index())?;
        row.state = state;
        Some(row.phase())
    }

    /// The operational halt began or ended; returns the phase that holds now.
    pub fn set_halt(&mut self, id: InstrumentId, halted: bool) -> Option<Phase> {
        let row = self.rows.get_mut(id.index())?;
        row.operational_halt = halted;
        Some(row.phase())
    }

    /// Forgets everything: the stream begins anew and will tell.
    pub fn reset(&mut self) {
        self.rows.fill(Status::default());
    }

    pub fn memory_bytes(&self) -> u64 {
        size_of_val(&*self.rows) as u64
    }
}

impl Status {
    fn phase(self) -> Phase {
        if self.operational_halt { Phase::Halted } else { self.state }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn either_halt_outlasts_the_end_of_the_other() {
        let id = InstrumentId(1);
        let mut statuses = Statuses::new(2);
        assert_eq!(statuses.set_state(id, Phase::Continuous), Some(Phase::Continuous));
        assert_eq!(statuses.set_halt(id, true), Some(Phase::Halted));
        assert_eq!(statuses.set_state(id, Phase::Paused), Some(Phase::Halted));
        assert_eq!(statuses.set_halt(id, false), Some(Phase::Paused));
        assert_eq!(statuses.set_state(InstrumentId(2), Phase::Continuous), None);
        statuses.reset();
        assert_eq!(statuses.set_halt(id, false), Some(Phase::Unknown));
    }
}
