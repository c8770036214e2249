//! The gate word by word, in Rust: what the RTL must answer to every line.
//!
//! Model: [`CardModel`] puts the frame of the gate (sequence, latched errors, credits, configuration
//! epoch, payload, snapshots, scrub) round `nofx_risk::card::CardState`, which holds the rules; so
//! there is one meaning of risk, and the software gate, this model and the RTL can be compared bit for
//! bit. What happens beside the stream (a kill by register, a latched heartbeat, a commit, a scrub) is
//! placed between two lines by whoever drives it.
//!
//! - A gap in the sequence latches `sequence` before the operation is performed; the operation is
//!   performed, but an order then meets an engaged kill.
//! - An unknown kind latches `illegal` and is refused by range.
//! - While an error is latched every order is refused by the global kill, among whatever else refuses
//!   it.
//! - Illegal sizes: no row exists, and whatever names one is refused by range; a report is a fault.
//! - The payload is zero where range refuses.
//!
//! Worst case: as the software's card, plus one copy of a row for a snapshot. A scrub allocates.

use nofx_gate::{KillScope, Rejects, Rule};
use nofx_risk::card::{CardOp, CardSize, CardState, OrderOp, Windows};
use nofx_types::{AccountId, InstrumentId};

use crate::codec::{LineOp, Misfit, Snapshot, Table};
use crate::image::RowImage;
use crate::line::{OpLine, Sticky, VerdictLine};
use crate::regs::{counter, parameter, rule, sticky, verdict};

const RANGE: Rejects = Rejects(Rule::Range.bit());

/// What a core is built for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Capacity {
    /// Rows of the symbol table.
    pub symbols: u32,
    /// Rows of the account table.
    pub accounts: u32,
    /// Rows of the holding table.
    pub holdings: u32,
}

impl Default for Capacity {
    fn default() -> Self {
        Capacity {
            symbols: parameter::SYMBOLS,
            accounts: parameter::ACCOUNTS,
            holdings: parameter::HOLDINGS,
        }
    }
}

impl Capacity {
    /// Whether tables of these sizes can be addressed.
    pub fn holds(self, accounts: u32, symbols: u32) -> bool {
        let rows = u64::from(accounts) * u64::from(symbols);
        (1..=self.accounts).contains(&accounts)
            && (1..=self.symbols).contains(&symbols)
            && rows <= u64::from(self.holdings)
    }
}

/// The gate.
#[derive(Clone, Debug)]
pub struct CardModel {
    capacity: Capacity,
    card: CardState,
    /// Sizes are legal: rows exist.
    legal: bool,
    next_seq: u32,
    sticky: Sticky,
    cfg_epoch: u32,
    performed: u32,
    commits: u32,
    commit_rejects: Rejects,
    counters: [u64; counter::NAMES.len()],
    rule_counters: [u32; rule::RULES.len()],
}

impl CardModel {
    /// A gate of `capacity` after its reset.
    pub fn new(capacity: Capacity) -> CardModel {
        let mut model = CardModel {
            capacity,
            card: card(1, 1),
            legal: false,
            next_seq: 1,
            sticky: Sticky::NONE,
            cfg_epoch: 0,
            performed: 0,
            commits: 0,
            commit_rejects: Rejects::NONE,
            counters: [0; counter::NAMES.len()],
            rule_counters: [0; rule::RULES.len()],
        };
        model.scrub(1, capacity.symbols.min(capacity.holdings));
        model
    }

    /// The gate is reset: as [`CardModel::new`].
    pub fn reset(&mut self) {
        *self = CardModel::new(self.capacity);
    }

    /// Tables of new sizes are cleared, the kill is engaged and sequences begin anew. Latched errors
    /// stay and `reset` is added to them.
    pub fn scrub(&mut self, accounts: u32, symbols: u32) {
        self.legal = self.capacity.holds(accounts, symbols);
        self.card = if self.legal { card(accounts, symbols) } else { card(1, 1) };
        self.kill();
        (self.next_seq, self.cfg_epoch, self.performed) = (1, 0, 0);
        self.latch(sticky::RESET);
        self.count(counter::SCRUBS);
    }

    /// Latches errors, bits of [`mod@crate::regs::sticky`].
    pub fn latch(&mut self, bits: u16) {
        self.sticky.0 |= bits;
    }

    /// Clears latched errors.
    pub fn clear(&mut self, bits: u16) {
        self.sticky.0 &= !bits;
    }

    /// Engages the global kill, as the register does.
    pub fn kill(&mut self) {
        self.set_killed(true);
    }

    /// Performs the next line of the stream.
    pub fn line(&mut self, line: &OpLine) -> VerdictLine {
        self.performed = self.performed.wrapping_add(1);
        self.count(counter::LINES);
        self.count(counter::VERDICTS);
        if line.seq() != self.next_seq {
            self.latch(sticky::SEQUENCE);
        }
        self.next_seq = line.seq().wrapping_add(1);
        let faults = self.card.faults();
        let (rejects, payload) = self.perform(line);
        let mut answer = VerdictLine::ZERO
            .with(verdict::KIND, line.kind().into())
            .with(verdict::STICKY, self.sticky.0.into())
            .with(verdict::CFG_EPOCH, self.cfg_epoch.into())
            .with(verdict::REJECTS, rejects.0)
            .with(verdict::CREDITS, self.performed.into())
            .with(verdict::FAULTS, self.faults().into())
            .with(verdict::TAG, line.tag().into())
            .with(verdict::SEQ, line.seq().into());
        answer.set_payload(payload);
        let fault = self.card.faults() > faults;
        answer.set_status(self.killed(), !self.sticky.is_none(), fault);
        answer
    }

    /// Performs a line out of the shadow registers: its sequence is ignored and nothing is answered
    /// but the register.
    pub fn commit(&mut self, line: &OpLine) -> Rejects {
        let (rejects, _) = self.perform(line);
        self.commits = self.commits.wrapping_add(1);
        self.commit_rejects = rejects;
        rejects
    }

    /// The rules' state.
    pub fn card(&self) -> &CardState {
        &self.card
    }

    /// Whether the sizes are legal.
    pub fn legal(&self) -> bool {
        self.legal
    }

    /// Whether no order can pass for whatever reason.
    pub fn killed(&self) -> bool {
        self.card.killed() || !self.sticky.is_none() || !self.legal
    }

    /// The latched errors.
    pub fn sticky(&self) -> Sticky {
        self.sticky
    }

    /// Configuration operations applied.
    pub fn cfg_epoch(&self) -> u32 {
        self.cfg_epoch
    }

    /// The sequence that the next line should have.
    pub fn next_seq(&self) -> u32 {
        self.next_seq
    }

    /// Faults so far, saturating.
    pub fn faults(&self) -> u32 {
        self.card.faults().min(u64::from(u32::MAX)) as u32
    }

    /// Commits performed, and what the last one was answered.
    pub fn commits(&self) -> (u32, Rejects) {
        (self.commits, self.commit_rejects)
    }

    /// Counters by their places in [`mod@crate::regs::counter`]; `cycles` and `waiting` stay 0, since
    /// a model has no clock.
    pub fn counters(&self) -> &[u64] {
        &self.counters
    }

    /// Orders refused by each card rule, in the order of their bits.
    pub fn rule_counters(&self) -> &[u32] {
        &self.rule_counters
    }

    /// The row that a snapshot reads; `None` outside the tables.
    pub fn image(&self, of: &Snapshot) -> Option<RowImage> {
        if of.table == Table::Globals {
            let (epoch, killed) = (self.card.epoch(), self.card.killed());
            return Some(RowImage::of_globals(epoch, self.faults(), self.cfg_epoch, killed));
        }
        match of.table {
            _ if !self.legal => None,
            Table::Symbol => self.card.symbol(of.symbol).map(RowImage::of_symbol),
            Table::Account => self.card.account(of.account).map(RowImage::of_account),
            _ => self.card.holding(of.account, of.symbol).map(RowImage::of_holding),
        }
    }

    fn perform(&mut self, line: &OpLine) -> (Rejects, [u64; 4]) {
        match line.decode() {
            Ok(LineOp::Card(op)) => self.judge(&op, line.windows()),
            Ok(LineOp::Restore(order)) => {
                let order = if self.legal { order } else { nowhere_order(&order) };
                let before = self.card.faults();
                let rejects = self.card.restore_in(&order, line.windows());
                self.count_faults(before);
                (rejects, self.left_behind(rejects, order.account, order.symbol))
            }
            Ok(LineOp::Snapshot(snapshot)) => match self.image(&snapshot) {
                Some(row) => (Rejects::NONE, row.part(snapshot.part)),
                None => (RANGE, [0; 4]),
            },
            Ok(LineOp::Barrier) => (Rejects::NONE, [0; 4]),
            Err(Misfit::Range) => (RANGE, [0; 4]),
            Err(Misfit::Kind) => {
                self.latch(sticky::ILLEGAL);
                (RANGE, [0; 4])
            }
        }
    }

    fn judge(&mut self, op: &CardOp, windows: Windows) -> (Rejects, [u64; 4]) {
        let op = if self.legal { *op } else { nowhere(op) };
        let before = self.card.faults();
        let rejects = match op {
            CardOp::New(_) | CardOp::Replace(_) => self.order(&op, windows),
            _ => self.card.judge_in(&op, windows),
        };
        self.count_faults(before);
        self.count_op(&op, rejects);
        let payload = match op {
            CardOp::New(o) | CardOp::Replace(o) => self.left_behind(rejects, o.account, o.symbol),
            CardOp::Cancel(c) => self.left_behind(rejects, c.account, c.symbol),
            CardOp::Update(u) => self.left_behind(rejects, u.account, u.symbol),
            _ => [0; 4],
        };
        (rejects, payload)
    }

    /// A latched error stands in for the kill while an order is judged.
    fn order(&mut self, op: &CardOp, windows: Windows) -> Rejects {
        let by_hand = self.card.killed();
        self.set_killed(by_hand || !self.sticky.is_none());
        let rejects = self.card.judge_in(op, windows);
        self.set_killed(by_hand);
        rejects
    }

    fn set_killed(&mut self, engaged: bool) {
        let scope = KillScope::Global;
        let _ = self.card.judge(&CardOp::Kill { scope, engaged }); // names no row: never refused
    }

    /// Position, held, gross held and net held after an operation that range did not refuse.
    fn left_behind(&self, rejects: Rejects, account: AccountId, symbol: InstrumentId) -> [u64; 4] {
        let rows = (self.card.account(account), self.card.holding(account, symbol));
        match rows {
            (Some(account), Some(holding)) if !rejects.has(Rule::Range) => [
                holding.position as u64,
                holding.held as u64,
                account.gross_held,
                account.net_held as u64,
            ],
            _ => [0; 4],
        }
    }

    fn count(&mut self, counter: u32) {
        if let Some(count) = self.counters.get_mut(counter as usize) {
            *count += 1;
        }
    }

    fn count_faults(&mut self, before: u64) {
        if self.card.faults() > before {
            self.count(counter::FAULTS);
        }
    }

    fn count_op(&mut self, op: &CardOp, rejects: Rejects) {
        match op {
            CardOp::New(_) | CardOp::Replace(_) => {
                self.count(if rejects.is_pass() { counter::PASSED } else { counter::REFUSED });
                for (count, (_, bit)) in self.rule_counters.iter_mut().zip(rule::RULES) {
                    *count = count.saturating_add((rejects.0 >> bit & 1) as u32);
                }
            }
            CardOp::Cancel(_) if rejects.is_pass() => self.count(counter::CANCELS),
            CardOp::Update(_) if rejects.is_pass() => self.count(counter::UPDATES),
            CardOp::SetSymbol { .. } | CardOp::SetAccount { .. } if rejects.is_pass() => {
                self.cfg_epoch = self.cfg_epoch.wrapping_add(1);
            }
            _ => {}
        }
    }
}

/// Cleared tables of a legal size.
fn card(accounts: u32, symbols: u32) -> CardState {
    let accounts = accounts.min(u16::MAX.into()) as u16;
    let size = CardSize { accounts, symbols, holdings_max: u32::MAX, day_start_ns: 0 };
    CardState::new(size).expect("sizes were checked")
}

/// `op` with what it names moved outside every table.
fn nowhere(op: &CardOp) -> CardOp {
    let (away, far) = (AccountId(u16::MAX), InstrumentId(u32::MAX));
    let mut op = *op;
    match &mut op {
        CardOp::New(order) | CardOp::Replace(order) => *order = nowhere_order(order),
        CardOp::Cancel(cancel) => (cancel.account, cancel.symbol) = (away, far),
        CardOp::Update(update) => (update.account, update.symbol) = (away, far),
        CardOp::Kill { scope: KillScope::Account(account), .. } => *account = away,
        CardOp::Kill { scope: KillScope::Symbol(symbol), .. } => *symbol = far,
        CardOp::Halt { symbol, .. } | CardOp::SetSymbol { symbol, .. } => *symbol = far,
        CardOp::SetAccount { account, .. } => *account = away,
        CardOp::Kill { scope: KillScope::Global, .. } | CardOp::Epoch(_) => {}
    }
    op
}

fn nowhere_order(order: &OrderOp) -> OrderOp {
    OrderOp { account: AccountId(u16::MAX), symbol: InstrumentId(u32::MAX), ..*order }
}
