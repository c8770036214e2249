//! The gate contract over a card.
//!
//! Model: every intent, report, halt, kill, epoch and limit becomes one line of the card's stream, in
//! the order in which it happened; verdicts come back in that order. `submit` stores a line and does
//! not wait, so the intents of one event travel together; `poll` waits for the verdict that is due, no
//! longer than `spin_max` looks at the ring. Anything that is not as it should be is a
//! [`GateFailure`]: from then on new orders and replacements are refused by the global kill and cancels
//! are cleared by this gate's own key, so that open orders can be taken off the market.
//!
//! Worst case: an instrument's first order costs up to three lines of configuration. No allocation
//! after `open`, but for what [`FpgaGate::dump`] collects after a difference.

use nofx_gate::{Busy, Gate, GateKey, KillScope, Rejects, Rule, Verdict};
use nofx_risk::card::{AccountRegs, CardOp, LimitError, SymbolLimits, SymbolRegs};
use nofx_risk::{AccountExposure, CardConfig, ConfigError, Exposure, LimitGate, VERDICTS_MAX};
use nofx_types::{
    AccountId, ClOrdId, Instrument, InstrumentId, Instruments, IntentKind, OrderIntent,
    OrderUpdate, Price, Qty, Side,
};

use crate::codec::{Snapshot, Table};
use crate::device::Device;
use crate::failure::{GateFailure, OpenError};
use crate::image::RowImage;
use crate::info::{CardInfo, Counters};
use crate::line::{OpLine, VerdictLine};
use crate::lockstep::{Alone, Beside, Difference, Dump, Witness};
use crate::numbering::{Known, Numbering, OUTSIDE};
use crate::open;
use crate::options::FpgaOptions;
use crate::port::{Port, Purpose, Sent, refused};
use crate::regs::{account_row, holding_row, reg};

const RULE_BITS: usize = 64;

/// A card and the software side by side: the first difference stops trading.
pub type Lockstep<D> = FpgaGate<D, Beside>;

/// The risk gate on a card. Dropped, it leaves the card killed.
#[derive(Debug)]
pub struct FpgaGate<D: Device, W = Alone> {
    port: Port<D>,
    witness: W,
    numbers: Numbering,
    /// Intents in the order of submission; those before `judged` have their answer.
    answers: [(OrderIntent, Rejects); VERDICTS_MAX],
    head: usize,
    judged: usize,
    tail: usize,
    /// The latest verdict.
    latest: VerdictLine,
    failure: Option<GateFailure>,
    passed: u64,
    refused: [u64; RULE_BITS],
    reached: u64,
    definitions_refused: u64,
    config: CardConfig,
    info: CardInfo,
    key: GateKey,
}

impl<D: Device, W: Witness> FpgaGate<D, W> {
    /// Brings a card up for the instruments of a run: checks whose it is, empties it, sends the limits
    /// of the accounts and releases the kill. Limits of instruments follow with their first order.
    pub fn open(
        mut device: D,
        key: GateKey,
        config: CardConfig,
        options: &FpgaOptions,
        instruments: &Instruments,
    ) -> Result<FpgaGate<D, W>, OpenError> {
        let fit = open::fit(&mut device, &config, options, instruments.capacity())?;
        open::scrub(&mut device, &fit, options)?;
        let mut witness = W::new(fit.info.capacity, fit.info.credits);
        witness.scrubbed(fit.accounts.into(), fit.symbols);
        let blank = OrderIntent::new(InstrumentId(0), Side::Buy, Price(0), Qty(0));
        let mut gate = FpgaGate {
            port: Port::new(device, fit.info.credits, options.spin_max),
            witness,
            numbers: Numbering::new(instruments.capacity(), fit.symbols),
            answers: [(blank, Rejects::NONE); VERDICTS_MAX],
            head: 0,
            judged: 0,
            tail: 0,
            latest: VerdictLine::ZERO,
            failure: None,
            passed: 0,
            refused: [0; RULE_BITS],
            reached: 0,
            definitions_refused: 0,
            config,
            info: fit.info,
            key,
        };
        // What fails from here on drops the gate, and with it kills the card.
        gate.configure(instruments)?;
        open::watch(&mut gate.port.device, options)?;
        Ok(gate)
    }

    /// Sends the limits of the accounts, learns those of the instruments and releases the kill.
    fn configure(&mut self, instruments: &Instruments) -> Result<(), OpenError> {
        let limit = |section: &str| {
            let section = section.to_owned();
            move |error| OpenError::Config(ConfigError::Limit { section, error })
        };
        for account in (0..self.config.accounts).map(AccountId) {
            let limits = self.config.account_limits(account);
            let regs = AccountRegs::new(&limits).map_err(limit("risk.account"))?;
            self.command(&CardOp::SetAccount { account, regs })?;
        }
        for instrument in instruments.iter().filter(|instrument| instrument.flags.defined) {
            self.define(instrument).map_err(limit(instrument.symbol.as_str()))?;
        }
        self.command(&CardOp::Kill { scope: KillScope::Global, engaged: false })?;
        self.ask(OpLine::barrier(0, 0), Purpose::Command)?;
        Ok(())
    }

    /// Learns the limits of an instrument that was defined or redefined. One that is not defined, or
    /// whose lot or limits do not fit, takes no order from here on.
    pub fn define(&mut self, instrument: &Instrument) -> Result<(), LimitError> {
        let limits = self.config.symbol_limits(instrument);
        let made = match instrument.flags.defined {
            true => SymbolRegs::new(&limits),
            false => Ok(SymbolRegs::CLOSED),
        };
        self.set_symbol(instrument.id, made.as_ref().unwrap_or(&SymbolRegs::CLOSED));
        made.map(|_| ())
    }

    /// Remembers a change of an instrument and tells the card if it has a row for it.
    fn tell_symbol(
        &mut self,
        instrument: InstrumentId,
        change: impl FnOnce(&mut Known),
        op: impl FnOnce(InstrumentId) -> CardOp,
    ) {
        let Some(known) = self.numbers.known(instrument) else { return };
        change(known);
        if let Some(row) = known.row {
            self.attempt(|gate| gate.command(&op(row)));
        }
    }

    /// Says that the host lives; call it in every idle turn.
    pub fn heartbeat(&mut self) {
        self.attempt(|gate| gate.port.device.write(reg::HEARTBEAT, 1).map_err(GateFailure::Device));
    }

    /// Waits for the verdicts of all that was sent: reports are else only looked at when the next intent
    /// comes.
    pub fn catch_up(&mut self) {
        self.attempt(|gate| {
            while gate.port.in_flight() > 0 {
                let (sent, verdict) = gate.port.wait()?;
                gate.settle(&sent, verdict)?;
            }
            Ok(())
        });
    }

    /// Why the gate no longer trades.
    pub fn failure(&self) -> Option<GateFailure> {
        self.failure
    }

    /// What the card said of itself when it was opened.
    pub fn info(&self) -> &CardInfo {
        &self.info
    }

    /// The card's own counters.
    pub fn counters(&mut self) -> Result<Counters, GateFailure> {
        Counters::read(&mut self.port.device).map_err(GateFailure::Device)
    }

    /// The limits that an instrument gets from the configuration.
    pub fn symbol_limits(&self, instrument: &Instrument) -> SymbolLimits {
        self.config.symbol_limits(instrument)
    }

    /// Intents that passed, cancels included.
    pub fn passed(&self) -> u64 {
        self.passed
    }

    /// Intents that `rule` refused, alone or with others.
    pub fn refused(&self, rule: Rule) -> u64 {
        self.refused[rule as usize % RULE_BITS]
    }

    /// Intents that the card has answered.
    pub fn reached(&self) -> u64 {
        self.reached
    }

    /// Definitions whose lot or limits did not fit the card: those instruments take no order.
    pub fn definitions_refused(&self) -> u64 {
        self.definitions_refused
    }

    /// Rows of the symbol table in use, and rows there are.
    pub fn symbols_used(&self) -> (u32, u32) {
        self.numbers.used()
    }

    /// Whether the card's global kill was engaged at its latest verdict.
    pub fn killed(&self) -> bool {
        self.latest.killed() || self.failure.is_some()
    }

    /// Faults that the card has counted.
    pub fn faults(&self) -> u32 {
        self.latest.faults()
    }

    /// The device, for control and inspection; lines must not be put or taken behind the gate's back.
    pub fn device(&mut self) -> &mut D {
        &mut self.port.device
    }

    /// What `account` has in `instrument`, read from the card; `None` outside its tables or when the
    /// gate has failed.
    pub fn exposure(&mut self, account: AccountId, instrument: InstrumentId) -> Option<Exposure> {
        let symbol = self.numbers.known(instrument)?.row;
        let row = match symbol {
            Some(symbol) => self.read(Table::Holding, account, symbol)?,
            None if self.failure.is_some() || account.0 >= self.config.accounts => return None,
            None => RowImage::empty(Table::Holding), // nothing was ever asked for
        };
        let open = [row.get(holding_row::OPEN_BUY), row.get(holding_row::OPEN_SELL)];
        let best = [row.get(holding_row::BEST_BUY), row.get(holding_row::BEST_SELL)];
        Some(Exposure {
            position: row.get_signed(holding_row::POSITION),
            held: row.get_signed(holding_row::HELD),
            open_qty: open.map(Qty),
            open_orders: row.get(holding_row::OPEN_ORDERS) as u32,
            self_match: Side::BOTH
                .map(|side| side.index())
                .map(|side| (open[side] > 0).then_some(Price(best[side] as i64))),
        })
    }

    /// What `account` has at stake in all, read from the card; `None` outside its table or when the
    /// gate has failed.
    pub fn account_exposure(&mut self, account: AccountId) -> Option<AccountExposure> {
        let row = self.read(Table::Account, account, OUTSIDE)?;
        let open_notional =
            [row.get(account_row::OPEN_BUY_NOTIONAL), row.get(account_row::OPEN_SELL_NOTIONAL)];
        let held = row.get(account_row::GROSS_HELD);
        Some(AccountExposure {
            gross: held.saturating_add(open_notional[0]).saturating_add(open_notional[1]),
            net_held: row.get_signed(account_row::NET_HELD),
            open_notional,
            open_orders: row.get(account_row::OPEN_ORDERS) as u32,
            day_cnt: row.get(account_row::DAY_CNT) as u32,
            killed: row.get(account_row::KILLED) != 0,
        })
    }

    fn read(&mut self, table: Table, account: AccountId, symbol: InstrumentId) -> Option<RowImage> {
        self.attempt(|gate| gate.snapshot(table, account, symbol)).flatten()
    }

    /// A row as the card holds it after everything sent so far; `None` outside its tables.
    fn snapshot(
        &mut self,
        table: Table,
        account: AccountId,
        symbol: InstrumentId,
    ) -> Result<Option<RowImage>, GateFailure> {
        let mut row = RowImage::empty(table);
        for part in 0..table.parts() {
            let line = OpLine::snapshot(&Snapshot { table, account, symbol, part }, 0, 0);
            let verdict = self.ask(line, Purpose::Read)?;
            if !verdict.rejects().is_pass() {
                return Ok(None);
            }
            row.set_part(part, verdict.payload());
        }
        Ok(Some(row))
    }

    /// Does something with a card that has not failed; what goes wrong is its failure.
    fn attempt<T>(&mut self, act: impl FnOnce(&mut Self) -> Result<T, GateFailure>) -> Option<T> {
        if self.failure.is_some() {
            return None;
        }
        act(self).map_err(|failure| self.fail(failure)).ok()
    }

    #[cold]
    fn fail(&mut self, failure: GateFailure) {
        self.failure = Some(failure);
        self.port.kill();
    }

    /// Sends an operation that the card cannot refuse.
    fn command(&mut self, op: &CardOp) -> Result<(), GateFailure> {
        self.send(OpLine::encode(op, 0, 0, self.config.day_start_ns), Purpose::Command).map(|_| ())
    }

    /// Sends a line, waiting for a credit if it must. Returns its sequence.
    #[inline]
    fn send(&mut self, line: OpLine, purpose: Purpose) -> Result<u32, GateFailure> {
        while !self.port.has_credit() {
            match self.port.wait() {
                Ok((sent, verdict)) => self.settle(&sent, verdict)?,
                Err(GateFailure::Stalled { .. }) => return Err(self.port.out_of_credits()),
                Err(failure) => return Err(failure),
            }
        }
        let line = self.port.put(line, purpose)?;
        self.witness.sent(&line);
        Ok(line.seq())
    }

    /// Sends a line and waits for its verdict.
    fn ask(&mut self, line: OpLine, purpose: Purpose) -> Result<VerdictLine, GateFailure> {
        let seq = self.send(line, purpose)?;
        loop {
            let (sent, verdict) = self.port.wait()?;
            self.settle(&sent, verdict)?;
            if sent.line.seq() == seq {
                return Ok(verdict);
            }
        }
    }

    /// Puts a verdict where it belongs.
    #[inline]
    fn settle(&mut self, sent: &Sent, verdict: VerdictLine) -> Result<(), GateFailure> {
        if !self.witness.agrees(&sent.line, &verdict) {
            return Err(GateFailure::Difference { seq: sent.line.seq() });
        }
        self.latest = verdict;
        match sent.purpose {
            Purpose::Intent => {
                self.answers[self.judged % VERDICTS_MAX].1 = verdict.rejects();
                self.judged += 1;
                self.reached += 1;
                Ok(())
            }
            Purpose::Command => refused(&sent.line, verdict.rejects()),
            Purpose::Report | Purpose::Read => Ok(()),
        }
    }

    /// The row of an instrument; one that is new to the card is configured first.
    #[inline]
    fn row(&mut self, instrument: InstrumentId) -> Result<InstrumentId, GateFailure> {
        let (symbol, new) = self.numbers.row(instrument);
        if let Some(known) = new {
            self.introduce(symbol, &known)?;
        }
        Ok(symbol)
    }

    #[cold]
    fn introduce(&mut self, symbol: InstrumentId, known: &Known) -> Result<(), GateFailure> {
        self.command(&CardOp::SetSymbol { symbol, regs: known.regs })?;
        if known.halted {
            self.command(&CardOp::Halt { symbol, halted: true })?;
        }
        if known.killed {
            self.command(&CardOp::Kill { scope: KillScope::Symbol(symbol), engaged: true })?;
        }
        Ok(())
    }

    /// `op` with the card's number of its instrument.
    #[inline]
    fn numbered(&mut self, mut op: CardOp) -> Result<CardOp, GateFailure> {
        let symbol = match &mut op {
            CardOp::New(order) | CardOp::Replace(order) => &mut order.symbol,
            CardOp::Cancel(cancel) => &mut cancel.symbol,
            CardOp::Update(update) => &mut update.symbol,
            _ => return Ok(op),
        };
        *symbol = self.row(*symbol)?;
        Ok(op)
    }

    #[inline]
    fn operate(&mut self, op: CardOp, tag: ClOrdId, purpose: Purpose) -> Result<(), GateFailure> {
        let op = self.numbered(op)?;
        self.send(OpLine::encode(&op, tag.0, 0, self.config.day_start_ns), purpose).map(|_| ())
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

impl<D: Device, W: Witness> Gate for FpgaGate<D, W> {
    #[inline]
    fn submit(&mut self, intent: &OrderIntent) -> Result<(), Busy> {
        if self.tail - self.head == VERDICTS_MAX {
            return Err(Busy);
        }
        let op = CardOp::from_intent(intent);
        self.attempt(|gate| gate.operate(op, intent.cl_ord_id, Purpose::Intent));
        self.answers[self.tail % VERDICTS_MAX] = (*intent, Rejects::NONE);
        self.tail += 1;
        Ok(())
    }

    #[inline]
    fn poll(&mut self) -> Option<Verdict> {
        if self.head == self.tail {
            return None;
        }
        // Each turn answers a line in flight, so there are no more turns than credits.
        while self.judged == self.head && self.failure.is_none() {
            self.attempt(|gate| {
                let (sent, verdict) = gate.port.wait()?;
                gate.settle(&sent, verdict)
            });
        }
        let (intent, answer) = self.answers[self.head % VERDICTS_MAX];
        self.head += 1;
        let rejects = match self.failure {
            None => answer,
            Some(_) if intent.kind == IntentKind::Cancel => Rejects::NONE,
            Some(_) => Rejects(Rule::KillGlobal.bit()),
        };
        self.count(rejects);
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
        self.tell_symbol(
            instrument,
            |known| known.halted = halted,
            |symbol| CardOp::Halt { symbol, halted },
        );
    }

    fn on_kill(&mut self, scope: KillScope, engaged: bool) {
        match scope {
            KillScope::Symbol(instrument) => self.tell_symbol(
                instrument,
                |known| known.killed = engaged,
                |symbol| CardOp::Kill { scope: KillScope::Symbol(symbol), engaged },
            ),
            // One outside the table takes no order anyway, by `Rule::Range`.
            KillScope::Account(account) if account.0 >= self.config.accounts => {}
            KillScope::Account(_) | KillScope::Global => {
                self.attempt(|gate| gate.command(&CardOp::Kill { scope, engaged }));
            }
        }
    }

    fn on_epoch(&mut self, epoch: u32) {
        self.attempt(|gate| gate.command(&CardOp::Epoch(epoch)));
    }

    fn restore(&mut self, sent: &OrderIntent) {
        let (op, tag) = (CardOp::from_intent(sent), sent.cl_ord_id);
        self.attempt(|gate| match gate.numbered(op)? {
            CardOp::New(order) | CardOp::Replace(order) => {
                let line = OpLine::restore(&order, tag.0, 0, gate.config.day_start_ns);
                gate.send(line, Purpose::Report).map(|_| ())
            }
            op => {
                let line = OpLine::encode(&op, tag.0, 0, gate.config.day_start_ns);
                gate.send(line, Purpose::Report).map(|_| ())
            }
        });
        self.passed = self.passed.saturating_add(1);
    }

    #[inline]
    fn on_update(&mut self, update: &OrderUpdate) {
        if let Some(op) = CardOp::from_update(update) {
            self.attempt(|gate| gate.operate(op, update.cl_ord_id, Purpose::Report));
        }
    }
}

impl<D: Device, W: Witness> LimitGate for FpgaGate<D, W> {
    fn set_account(&mut self, account: AccountId, regs: &AccountRegs) {
        // One outside the table would be a command that the card refuses, and so a failure.
        if account.0 < self.config.accounts {
            self.attempt(|gate| gate.command(&CardOp::SetAccount { account, regs: *regs }));
        }
    }

    fn set_symbol(&mut self, instrument: InstrumentId, regs: &SymbolRegs) {
        let regs = *regs;
        self.tell_symbol(
            instrument,
            |known| known.regs = regs,
            |symbol| CardOp::SetSymbol { symbol, regs },
        );
    }
}

impl<D: Device> FpgaGate<D, Beside> {
    /// Lines whose verdicts were compared and found equal; intents among them are
    /// [`FpgaGate::reached`].
    pub fn compared(&self) -> u64 {
        self.witness.compared()
    }

    /// The first difference.
    pub fn difference(&self) -> Option<&Difference> {
        self.witness.difference()
    }

    /// The first difference with both rows of everything it touched, the card's read from it now;
    /// `None` when there was no difference.
    pub fn dump(&mut self) -> Option<Dump> {
        let difference = *self.witness.difference()?;
        let (account, symbol) = (difference.line.account(), difference.line.symbol());
        let drained = self.drain().is_ok();
        let mut rows = Vec::new();
        for table in [Table::Symbol, Table::Account, Table::Holding, Table::Globals] {
            let of = Snapshot { table, account, symbol, part: 0 };
            let Some(mut software) = self.witness.model().image(&of) else { continue };
            if table == Table::Globals {
                // The card was killed by register when trading stopped.
                software.set_killed();
            }
            let card = if drained { self.look(table, account, symbol) } else { None };
            rows.push((software, card));
        }
        Some(Dump { difference, rows })
    }

    fn drain(&mut self) -> Result<(), GateFailure> {
        while self.port.in_flight() > 0 {
            self.port.wait()?;
        }
        Ok(())
    }

    /// A row of a card that no longer trades.
    fn look(&mut self, table: Table, account: AccountId, symbol: InstrumentId) -> Option<RowImage> {
        let mut row = RowImage::empty(table);
        for part in 0..table.parts() {
            let line = OpLine::snapshot(&Snapshot { table, account, symbol, part }, 0, 0);
            self.port.put(line, Purpose::Read).ok()?;
            let (_, verdict) = self.port.wait().ok()?;
            row.set_part(part, verdict.payload());
        }
        Some(row)
    }
}
