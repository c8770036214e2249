//! Limits that change while a gate judges.

use nofx_gate::Gate;
use nofx_types::{AccountId, InstrumentId};

use crate::card::{AccountRegs, SymbolRegs};

/// A gate whose limits may be changed between two orders.
///
/// Limits come as registers, so they fit whatever the gate is. What is at stake already stays
/// reserved: a limit below it refuses what would add to it, and nothing is taken back.
///
/// Worst case: one row is written; on a card one line is sent, and a credit waited for if there is none.
pub trait LimitGate: Gate {
    /// Limits of an account from here on. One outside the table takes no order anyway.
    fn set_account(&mut self, account: AccountId, regs: &AccountRegs);

    /// Limits of an instrument from here on, until it is [defined](Gate::on_definition) anew. One
    /// outside the table takes no order anyway.
    fn set_symbol(&mut self, instrument: InstrumentId, regs: &SymbolRegs);
}
