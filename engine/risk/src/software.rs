//! The software gate: the card rules behind the gate contract, answering at once.
//!
//! Model: `submit` judges the intent and queues the answer, `poll` takes answers out in order, so a
//! caller cannot tell this gate from a slow card. A passing intent becomes `Cleared` only when it
//! is polled, by the key this gate was given.
//!
//! Worst case: the queue holds [`VERDICTS_MAX`] answers; a caller that does not poll gets `Busy`,
//! and the intent is not judged and reserves nothing.

use nofx_gate::{Busy, Gate, GateKey, Rejects, Rule, Verdict};
use nofx_types::{
    AccountId, INTENTS_MAX, Instrument, InstrumentId, Instruments, OrderIntent, OrderUpdate, Price,
    Qty, Side,
};

use crate::card::{
    AccountRegs, CardOp, CardState, KillScope, LimitError, SymbolLimits, SymbolRegs,
};
use crate::config::{CardConfig, ConfigError};
use crate::limits::LimitGate;

/// Answers that wait to be polled: the intents of one event, and as many again for a caller that
/// polls after the next event.
pub const VERDICTS_MAX: usize = 2 * INTENTS_MAX;
const _: () = assert!(VERDICTS_MAX.is_power_of_two()); // indices wrap by mask

const RULE_BITS: usize = 64;

/// The card rules in software.
#[derive(Debug)]
pub struct SoftwareGate {
    card: CardState,
    /// Judged intents, oldest at `head`; both ends count up and wrap by mask.
    verdicts: [(OrderIntent, Rejects); VERDICTS_MAX],
    head: usize,
    tail: usize,
    passed: u64,
    refused: [u64; RULE_BITS],
    definitions_refused: u64,
    config: CardConfig,
    key: GateKey,
}

impl Gate for SoftwareGate {
    #[inline]
    fn submit(&mut self, intent: &OrderIntent) -> Result<(), Busy> {
        if self.tail - self.head == VERDICTS_MAX {
            return Err(Busy);
        }
        let rejects = self.card.judge(&CardOp::from_intent(intent));
        self.count(rejects);
        self.verdicts[self.tail % VERDICTS_MAX] = (*intent, rejects);
        self.tail += 1;
        Ok(())
    }

    #[inline]
    fn poll(&mut self) -> Option<Verdict> {
        if self.head == self.tail {
            return None;
        }
        let (intent, rejects) = self.verdicts[self.head % VERDICTS_MAX];
        self.head += 1;
        if self.head == self.tail {
            // Empty: start again in front, where the slots are warm.
            (self.head, self.tail) = (0, 0);
        }
        Some(match rejects.is_pass() {
            true => Verdict::Pass(self.key.clear(intent)),
            false => Verdict::Reject(intent, rejects),
        })
    }

    fn on_definition(&mut self, instrument: &Instrument) {
        let misfit = self.define(instrument).is_err();
        self.definitions_refused = self.definitions_refused.saturating_add(u64::from(misfit));
    }

    fn on_halt(&mut self, instrument: InstrumentId, halted: bool) {
        // An instrument outside the table takes no order anyway, by `Rule::Range`.
        let _ = self.set_halt(instrument, halted);
    }

    fn on_kill(&mut self, scope: KillScope, engaged: bool) {
        // One outside the tables takes no order anyway, by `Rule::Range`.
        let _ = self.set_kill(scope, engaged);
    }

    fn on_epoch(&mut self, epoch: u32) {
        self.set_epoch(epoch);
    }

    fn restore(&mut self, sent: &OrderIntent) {
        // Outside the tables it could not have been cleared: then the configuration shrank, and its
        // reports latch the kill.
        let _ = self.card.restore(&CardOp::from_intent(sent));
        self.passed = self.passed.saturating_add(1);
    }

    #[inline]
    fn on_update(&mut self, update: &OrderUpdate) {
        if let Some(op) = CardOp::from_update(update) {
            // Outside the tables it is a fault, which the card counts and latches.
            let _ = self.card.judge(&op);
        }
    }
}

impl LimitGate for SoftwareGate {
    fn set_account(&mut self, account: AccountId, regs: &AccountRegs) {
        let _ = self.command(&CardOp::SetAccount { account, regs: *regs });
    }

    fn set_symbol(&mut self, symbol: InstrumentId, regs: &SymbolRegs) {
        let _ = self.command(&CardOp::SetSymbol { symbol, regs: *regs });
    }
}

/// What one account has in one instrument, for reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exposure {
    /// Shares held, negative when short.
    pub position: i64,
    /// Cash paid for the position since it was last zero, negative when received; notional units.
    pub held: i64,
    /// Open quantity of buys and of sells.
    pub open_qty: [Qty; 2],
    /// Open orders.
    pub open_orders: u32,
    /// Most aggressive own price of buys and of sells since that side was last empty.
    pub self_match: [Option<Price>; 2],
}

/// What one account has at stake in all, for reports. Money in notional units.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AccountExposure {
    /// Held costs by size, plus open orders of both sides.
    pub gross: u64,
    /// Sum of held costs.
    pub net_held: i64,
    /// Open buys and open sells at order price.
    pub open_notional: [u64; 2],
    /// Open orders.
    pub open_orders: u32,
    /// Messages counted today.
    pub day_cnt: u32,
    /// Whether the account's kill is engaged, by hand or by a fault.
    pub killed: bool,
}

impl SoftwareGate {
    /// A gate over the instruments of a run. Instruments that are not defined yet take no order
    /// until [`SoftwareGate::define`].
    pub fn new(
        key: GateKey,
        config: CardConfig,
        instruments: &Instruments,
    ) -> Result<SoftwareGate, ConfigError> {
        config.check()?;
        let size = config.size(instruments.capacity());
        let blank = OrderIntent::new(InstrumentId(0), Side::Buy, Price(0), Qty(0));
        let mut gate = SoftwareGate {
            card: CardState::new(size).map_err(ConfigError::Size)?,
            verdicts: [(blank, Rejects::NONE); VERDICTS_MAX],
            head: 0,
            tail: 0,
            passed: 0,
            refused: [0; RULE_BITS],
            definitions_refused: 0,
            config,
            key,
        };
        for account in (0..gate.config.accounts).map(AccountId) {
            let limits = gate.config.account_limits(account);
            let section = "risk.account".into();
            let regs =
                AccountRegs::new(&limits).map_err(|error| ConfigError::Limit { section, error })?;
            let _ = gate.card.judge(&CardOp::SetAccount { account, regs }); // inside by the range
        }
        for instrument in instruments.iter().filter(|instrument| instrument.flags.defined) {
            gate.define(instrument).map_err(|error| ConfigError::Limit {
                section: instrument.symbol.as_str().into(),
                error,
            })?;
        }
        Ok(gate)
    }

    /// Writes the limits of an instrument that was defined or redefined. One that is not defined,
    /// or whose lot or limits do not fit, takes no order from here on.
    pub fn define(&mut self, instrument: &Instrument) -> Result<(), LimitError> {
        let limits = self.config.symbol_limits(instrument);
        let regs = match instrument.flags.defined {
            true => SymbolRegs::new(&limits),
            false => Ok(SymbolRegs::CLOSED),
        };
        let op = |regs| CardOp::SetSymbol { symbol: instrument.id, regs };
        // An instrument outside the table is refused order by order, by `Rule::Range`.
        let _ = self.card.judge(&op(*regs.as_ref().unwrap_or(&SymbolRegs::CLOSED)));
        regs.map(|_| ())
    }

    /// Engages or releases a kill. `Err` when it names an account or symbol outside the tables.
    pub fn set_kill(&mut self, scope: KillScope, engaged: bool) -> Result<(), Rejects> {
        self.command(&CardOp::Kill { scope, engaged })
    }

    /// Halts an instrument or resumes it. `Err` when it is outside the table.
    pub fn set_halt(&mut self, symbol: InstrumentId, halted: bool) -> Result<(), Rejects> {
        self.command(&CardOp::Halt { symbol, halted })
    }

    /// Raises the fencing epoch: orders stamped with an older one are refused from here on. A lower
    /// epoch than the current changes nothing.
    pub fn set_epoch(&mut self, epoch: u32) {
        let _ = self.card.judge(&CardOp::Epoch(epoch)); // names no row, cannot be refused
    }

    /// The limits that an instrument gets from the configuration.
    pub fn symbol_limits(&self, instrument: &Instrument) -> SymbolLimits {
        self.config.symbol_limits(instrument)
    }

    /// What `account` has in `instrument`; `None` outside the tables.
    pub fn exposure(&self, account: AccountId, instrument: InstrumentId) -> Option<Exposure> {
        let holding = self.card.holding(account, instrument)?;
        let price = |side| holding.self_match_price(side).map(|price| Price(i64::from(price)));
        Some(Exposure {
            position: holding.position,
            held: holding.held,
            open_qty: holding.open_qty.map(Qty),
            open_orders: holding.open_orders,
            self_match: Side::BOTH.map(price),
        })
    }

    /// What `account` has at stake in all; `None` outside the table.
    pub fn account_exposure(&self, account: AccountId) -> Option<AccountExposure> {
        let row = self.card.account(account)?;
        let [buys, sells] = row.open_notional;
        Some(AccountExposure {
            gross: row.gross_held.saturating_add(buys).saturating_add(sells),
            net_held: row.net_held,
            open_notional: row.open_notional,
            open_orders: row.open_orders,
            day_cnt: row.day_cnt,
            killed: row.killed,
        })
    }

    /// Intents that passed, cancels included.
    pub fn passed(&self) -> u64 {
        self.passed
    }

    /// Intents that `rule` refused, alone or with others.
    pub fn refused(&self, rule: Rule) -> u64 {
        self.refused[rule as usize % RULE_BITS]
    }

    /// Definitions whose lot or limits did not fit the card: those instruments take no order.
    pub fn definitions_refused(&self) -> u64 {
        self.definitions_refused
    }

    /// The card rules and their state.
    pub fn card(&self) -> &CardState {
        &self.card
    }

    fn command(&mut self, op: &CardOp) -> Result<(), Rejects> {
        let rejects = self.card.judge(op);
        if rejects.is_pass() { Ok(()) } else { Err(rejects) }
    }

    #[inline]
    fn count(&mut self, rejects: Rejects) {
        self.passed = self.passed.saturating_add(u64::from(rejects.is_pass()));
        let mut bits = rejects.0;
        while bits != 0 {
            let refused = &mut self.refused[bits.trailing_zeros() as usize % RULE_BITS];
            *refused = refused.saturating_add(1);
            bits &= bits - 1;
        }
    }
}
