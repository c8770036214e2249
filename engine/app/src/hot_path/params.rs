//! Pages of parameters and models, put into force between two inputs.

use nofx_mailbox::param::{ParamRow, Why};
use nofx_risk::LimitGate;
use nofx_risk::card::{AccountRegs, SymbolRegs};
use nofx_signal::Strategy;
use nofx_types::{Instrument, InstrumentId};

use super::HotPath;
use crate::params::{Params, Refused};

impl<S: Strategy, G: LimitGate> HotPath<S, G> {
    /// Lets parameters be changed from here on.
    pub fn open_params(&mut self, params: Params) {
        self.params = params;
    }

    /// Puts a page of parameters into force, all of it or nothing.
    ///
    /// # Errors
    /// Why not: then what was in force stays so.
    pub fn take_params(
        &mut self,
        rows: impl Iterator<Item = ParamRow> + Clone,
    ) -> Result<(), Refused> {
        let params = &mut self.params;
        params.read(rows.clone(), &self.traded, &self.instruments)?;
        // The last that can refuse, and refuses before it changes anything.
        let words = params.strategy_words();
        let strategy = self.strategy.set_parameters(&words);
        strategy.map_err(|index| params.blame_strategy(index, rows))?;
        params.turn();
        self.host = params.host();
        self.limit_accounts();
        self.limit_symbols();
        Ok(())
    }

    fn limit_accounts(&mut self) {
        for (account, limits) in self.params.changed_accounts() {
            if let Ok(regs) = AccountRegs::new(&limits) {
                self.gate.set_account(account, &regs);
            }
        }
    }

    fn limit_symbols(&mut self) {
        for row in 0..self.traded.len() {
            let (limits, halt) = self.params.changed_symbol(row);
            let Some(id) = self.traded.ids().get(row).copied().filter(|_| limits) else { continue };
            if let Some(instrument) = self.instruments.get(id).copied() {
                self.limit(&instrument, true);
            }
            if halt {
                self.tell_halt(id);
            }
        }
    }

    /// Gives an instrument the limits of the page in force, if it names some; with `anew` also those
    /// of the configuration where it names none.
    pub(super) fn limit(&mut self, instrument: &Instrument, anew: bool) {
        let Some(row) = self.traded.row(instrument.id) else { return };
        match self.params.symbol_in_force(row, instrument) {
            // Until it is defined it takes no order.
            Some(limits) if instrument.flags.defined => {
                if let Ok(regs) = SymbolRegs::new(&limits) {
                    self.gate.set_symbol(instrument.id, &regs);
                }
            }
            None if anew => self.gate.on_definition(instrument),
            _ => {}
        }
    }

    /// Tells the gate whether an instrument is halted: by its venue, or by the page in force.
    pub(super) fn tell_halt(&mut self, id: InstrumentId) {
        let halted = self.traded.row(id).is_some_and(|row| self.params.halts(row));
        self.gate.on_halt(id, halted || self.phases.is_halted(id));
    }

    /// Trades by another model.
    ///
    /// # Errors
    /// Why not: then the one before stays.
    pub fn take_model(&mut self, words: &[u64]) -> Result<(), Refused> {
        if self.strategy.model().is_none() {
            return Err(Refused::whole(Why::NotSupported));
        }
        self.strategy.set_model(words).map_err(|word| Refused {
            why: Why::OutOfBounds,
            row: word as u32,
            value: words.get(word).map_or(0, |word| *word as i64),
        })
    }
}
