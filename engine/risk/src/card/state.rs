//! The state of the card: three tables, a few words, and the one function that moves them.

use alloc::boxed::Box;
use alloc::vec;
use core::fmt;

use nofx_gate::{Rejects, Rule};
use nofx_types::{AccountId, InstrumentId, Price, Qty};

use super::op::{CancelOp, CardOp, FillEffect, KillScope, OrderOp, UpdateOp};
use super::rows::{self, AccountRow, CardOrder, Holding, SymbolRow};
use super::rules;

const SECOND_NS: u64 = 1_000_000_000;
const DAY_NS: u64 = 86_400 * SECOND_NS;

/// How large the tables are and when the day turns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CardSize {
    /// Accounts `0..accounts`.
    pub accounts: u16,
    /// Symbols `0..symbols`.
    pub symbols: u32,
    /// Most rows `accounts * symbols` (128 bytes each) that may be allocated.
    pub holdings_max: u32,
    /// Nanoseconds after midnight UTC at which a new day of message counts begins.
    pub day_start_ns: u64,
}

/// The tables would be empty or larger than allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SizeError {
    /// What was asked for.
    pub size: CardSize,
}

impl fmt::Display for SizeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let CardSize { accounts, symbols, holdings_max, .. } = self.size;
        write!(
            f,
            "{accounts} `accounts` times {symbols} symbols must be between 1 and \
             `holdings_max` = {holdings_max} rows: lower the one or raise the other"
        )
    }
}

impl core::error::Error for SizeError {}

/// Second of the clock and trading day in which a message is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Windows {
    /// The second, since 1970 UTC.
    pub second: u64,
    /// The day, from `day_start_ns` to `day_start_ns`.
    pub day: u64,
}

impl Windows {
    /// The windows of `now_ns`. Divisions by constants: two multiplications, ahead of every row. A
    /// card has no dividers, so its host puts them into the line.
    #[inline]
    pub fn of(now_ns: u64, day_start_ns: u64) -> Windows {
        Windows { second: now_ns / SECOND_NS, day: now_ns.saturating_sub(day_start_ns) / DAY_NS }
    }
}

/// Everything the card rules remember.
#[derive(Clone, Debug)]
pub struct CardState {
    symbols: Box<[SymbolRow]>,
    accounts: Box<[AccountRow]>,
    /// `[account][symbol]`, dense.
    holdings: Box<[Holding]>,
    epoch: u32,
    killed: bool,
    faults: u64,
    day_start_ns: u64,
}

impl CardState {
    /// Tables of the given size in which nothing is permitted until limits are written.
    pub fn new(size: CardSize) -> Result<CardState, SizeError> {
        let rows = u64::from(size.accounts) * u64::from(size.symbols);
        if rows == 0 || rows > u64::from(size.holdings_max) {
            return Err(SizeError { size });
        }
        Ok(CardState {
            symbols: vec![SymbolRow::CLOSED; size.symbols as usize].into_boxed_slice(),
            accounts: vec![AccountRow::CLOSED; usize::from(size.accounts)].into_boxed_slice(),
            holdings: vec![Holding::EMPTY; rows as usize].into_boxed_slice(),
            epoch: 0,
            killed: false,
            faults: 0,
            day_start_ns: size.day_start_ns,
        })
    }

    /// Performs one operation. The answer of an order is the set of rules that refuse it; other
    /// operations answer [`Rule::Range`] when they name an account or symbol outside the tables
    /// (they then change nothing), else nothing.
    #[inline]
    #[must_use = "an operation outside the tables has no effect"]
    pub fn judge(&mut self, op: &CardOp) -> Rejects {
        match op {
            CardOp::New(order) | CardOp::Replace(order) => {
                self.order(order, Windows::of(order.now_ns, self.day_start_ns))
            }
            CardOp::Cancel(cancel) => {
                self.cancel(cancel, Windows::of(cancel.now_ns, self.day_start_ns))
            }
            CardOp::Update(update) => self.update(update),
            CardOp::Kill { scope, engaged } => self.kill(*scope, *engaged),
            CardOp::Halt { symbol, halted } => {
                in_table(self.symbols.get_mut(symbol.index()), |row| row.halted = *halted)
            }
            CardOp::Epoch(epoch) => {
                self.epoch = self.epoch.max(*epoch);
                Rejects::NONE
            }
            CardOp::SetSymbol { symbol, regs } => {
                in_table(self.symbols.get_mut(symbol.index()), |row| row.regs = *regs)
            }
            CardOp::SetAccount { account, regs } => {
                in_table(self.accounts.get_mut(account.index()), |row| row.regs = *regs)
            }
        }
    }

    /// As [`CardState::judge`], a message counted in `windows` whatever its time says: a line of a
    /// card names them.
    #[must_use = "an operation outside the tables has no effect"]
    pub fn judge_in(&mut self, op: &CardOp, windows: Windows) -> Rejects {
        match op {
            CardOp::New(order) | CardOp::Replace(order) => self.order(order, windows),
            CardOp::Cancel(cancel) => self.cancel(cancel, windows),
            other => self.judge(other),
        }
    }

    /// Performs `op`; an order is not judged but reserved and counted, as when it was first cleared.
    /// Where that fills a sum to its end it is a fault.
    #[must_use = "an operation outside the tables has no effect"]
    pub fn restore(&mut self, op: &CardOp) -> Rejects {
        match op {
            CardOp::New(order) | CardOp::Replace(order) => {
                self.restore_in(order, Windows::of(order.now_ns, self.day_start_ns))
            }
            other => self.judge(other),
        }
    }

    /// Restores an order, its message counted in `windows`.
    #[must_use = "an order outside the tables has no effect"]
    pub fn restore_in(&mut self, op: &OrderOp, windows: Windows) -> Rejects {
        let refused = Rejects(Rule::Range.bit());
        let Some(index) = self.holding_index(op.account, op.symbol) else { return refused };
        let (Ok(price), Ok(qty)) = (u32::try_from(op.price.0), u32::try_from(op.qty.0)) else {
            return refused;
        };
        let (Some(account), Some(holding)) =
            (self.accounts.get_mut(op.account.index()), self.holdings.get_mut(index))
        else {
            return refused;
        };
        let notional = rules::notional(price, qty);
        let order = CardOrder { side: op.side, price, qty, notional, now_ns: op.now_ns };
        if rows::reserve(account, holding, &order) {
            self.faults = self.faults.saturating_add(1);
            account.killed = true;
        }
        account.count_message(op.now_ns, windows.second, windows.day);
        Rejects::NONE
    }

    /// The row of an account.
    pub fn account(&self, account: AccountId) -> Option<&AccountRow> {
        self.accounts.get(account.index())
    }

    /// The row of a symbol.
    pub fn symbol(&self, symbol: InstrumentId) -> Option<&SymbolRow> {
        self.symbols.get(symbol.index())
    }

    /// What `account` has in `symbol`.
    pub fn holding(&self, account: AccountId, symbol: InstrumentId) -> Option<&Holding> {
        let index = self.holding_index(account, symbol)?;
        self.holdings.get(index)
    }

    /// The current fencing epoch.
    pub fn epoch(&self) -> u32 {
        self.epoch
    }

    /// Whether the global kill is engaged.
    pub fn killed(&self) -> bool {
        self.killed
    }

    /// Reports that contradicted the state; each latched a kill.
    pub fn faults(&self) -> u64 {
        self.faults
    }

    /// Bytes of the tables.
    pub fn bytes(&self) -> usize {
        size_of_val(&*self.symbols) + size_of_val(&*self.accounts) + size_of_val(&*self.holdings)
    }

    #[inline]
    fn order(&mut self, op: &OrderOp, windows: Windows) -> Rejects {
        let refused = Rejects(Rule::Range.bit());
        let Some(index) = self.holding_index(op.account, op.symbol) else { return refused };
        let (Ok(price), Ok(qty)) = (u32::try_from(op.price.0), u32::try_from(op.qty.0)) else {
            return refused;
        };
        let (Some(symbol), Some(account), Some(holding)) = (
            self.symbols.get(op.symbol.index()),
            self.accounts.get_mut(op.account.index()),
            self.holdings.get_mut(index),
        ) else {
            return refused;
        };
        let notional = rules::notional(price, qty);
        let order = CardOrder { side: op.side, price, qty, notional, now_ns: op.now_ns };
        let Windows { second, day } = windows;
        let of_all = Rejects::NONE
            .with(Rule::KillGlobal, rules::engaged(self.killed))
            .with(Rule::Epoch, rules::epoch(op.epoch, self.epoch));
        let rejects = Rejects(
            of_all.0
                | of_symbol(symbol, holding, &order).0
                | of_account(account, holding, &order).0
                | of_messages(account, op.now_ns, second, day).0,
        );
        if rejects.is_pass() {
            let fault = rows::reserve(account, holding, &order);
            debug_assert!(!fault, "the rules keep every sum in its width");
            account.count_message(op.now_ns, second, day);
        }
        rejects
    }

    #[inline]
    fn cancel(&mut self, op: &CancelOp, windows: Windows) -> Rejects {
        if self.symbols.get(op.symbol.index()).is_none() {
            return Rejects(Rule::Range.bit());
        }
        in_table(self.accounts.get_mut(op.account.index()), |account| {
            account.count_message(op.now_ns, windows.second, windows.day);
        })
    }

    #[inline]
    fn update(&mut self, op: &UpdateOp) -> Rejects {
        let index = self.holding_index(op.account, op.symbol);
        let (Some(account), Some(holding)) = (
            self.accounts.get_mut(op.account.index()),
            index.and_then(|index| self.holdings.get_mut(index)),
        ) else {
            // Somebody trades under our name where no limit can be kept.
            self.faults = self.faults.saturating_add(1);
            self.killed = true;
            return Rejects(Rule::Range.bit());
        };
        if report(account, holding, op) {
            self.faults = self.faults.saturating_add(1);
            account.killed = true;
        }
        Rejects::NONE
    }

    fn kill(&mut self, scope: KillScope, engaged: bool) -> Rejects {
        match scope {
            KillScope::Global => {
                self.killed = engaged;
                Rejects::NONE
            }
            KillScope::Account(account) => {
                in_table(self.accounts.get_mut(account.index()), |row| row.killed = engaged)
            }
            KillScope::Symbol(symbol) => {
                in_table(self.symbols.get_mut(symbol.index()), |row| row.killed = engaged)
            }
        }
    }

    /// Both indices are checked: a symbol outside the table must not reach the next account's row.
    #[inline]
    fn holding_index(&self, account: AccountId, symbol: InstrumentId) -> Option<usize> {
        let inside = account.index() < self.accounts.len() && symbol.index() < self.symbols.len();
        inside.then(|| account.index() * self.symbols.len() + symbol.index())
    }
}

/// The rules that look at the symbol and at what the account has in it.
#[inline]
fn of_symbol(symbol: &SymbolRow, holding: &Holding, order: &CardOrder) -> Rejects {
    let (regs, side) = (&symbol.regs, order.side);
    let CardOrder { price, qty, notional, .. } = *order;
    let ([open_buy, open_sell], position) = (holding.open_qty, holding.position);
    let opposite = side.opposite().index();
    Rejects::NONE
        .with(Rule::KillSymbol, rules::engaged(symbol.killed))
        .with(Rule::Permission, rules::permission(regs.permitted, side))
        .with(Rule::Halt, rules::engaged(symbol.halted))
        .with(Rule::Lot, rules::lot(qty, regs.lot))
        .with(Rule::MaxQty, rules::max_qty(qty, regs.qty_max))
        .with(Rule::MaxNotional, rules::max_notional(notional, regs.notional_max))
        .with(Rule::PriceBand, rules::price_band(price, regs.price_low, regs.price_high))
        .with(
            Rule::PositionLong,
            rules::position_long(side, position, open_buy, qty, regs.long_max),
        )
        .with(
            Rule::PositionShort,
            rules::position_short(side, position, open_sell, qty, regs.short_max),
        )
        .with(Rule::OpenOrders, rules::open_orders(holding.open_orders, regs.open_orders_max))
        .with(
            Rule::SelfMatch,
            rules::self_match(side, price, holding.open_qty[opposite], holding.best[opposite]),
        )
}

/// The rules that look at the account.
#[inline]
fn of_account(account: &AccountRow, holding: &Holding, order: &CardOrder) -> Rejects {
    let regs = &account.regs;
    let CardOrder { side, price, qty, notional, now_ns } = *order;
    let (held, net, open) = (account.gross_held, account.net_held, account.open_notional);
    Rejects::NONE
        .with(Rule::KillAccount, rules::engaged(account.killed))
        .with(Rule::OpenOrders, rules::open_orders(account.open_orders, regs.open_orders_max))
        .with(Rule::Gross, rules::gross(held, open, notional, regs.gross_max))
        .with(Rule::Net, rules::net(side, net, open, notional, regs.net_max))
        .with(
            Rule::Duplicate,
            rules::duplicate(holding, side, price, qty, now_ns, regs.duplicate_window_ns),
        )
}

/// The rules that count messages.
#[inline]
fn of_messages(account: &AccountRow, now_ns: u64, second: u64, day: u64) -> Rejects {
    let (rate, per_second, per_day) = rules::message_rules(account, now_ns, second, day);
    Rejects::NONE
        .with(Rule::Rate, rate)
        .with(Rule::PerSecond, per_second)
        .with(Rule::PerDay, per_day)
}

/// Applies a report to its rows; true when it contradicts them.
#[inline]
fn report(account: &mut AccountRow, holding: &mut Holding, op: &UpdateOp) -> bool {
    let mut fault = false;
    if op.effect != FillEffect::None {
        let (fill_price, misfit) = clamp(op.fill_price, op.fill_qty);
        fault |= misfit;
        let fill_qty = clamp_qty(op.fill_qty);
        let side = match op.effect {
            FillEffect::Break => op.side.opposite(),
            _ => {
                let (price, misfit) = clamp(op.price, op.fill_qty);
                fault |= misfit | rows::release(account, holding, op.side, price, fill_qty);
                op.side
            }
        };
        fault |= rows::trade(account, holding, side, fill_price, fill_qty);
    }
    let (price, misfit) = clamp(op.released_price, op.released_qty);
    fault |= misfit | rows::release(account, holding, op.side, price, clamp_qty(op.released_qty));
    fault | (op.ends && rows::end_order(account, holding))
}

/// The price in 32 bits, and whether price or quantity had to be clamped. The event happened
/// whether it fits or not, so it is applied as well as it can be and counted as a fault.
#[inline]
fn clamp(price: Price, qty: Qty) -> (u32, bool) {
    let fits = u32::try_from(price.0).is_ok() & u32::try_from(qty.0).is_ok();
    (price.0.clamp(0, i64::from(u32::MAX)) as u32, !fits)
}

#[inline]
fn clamp_qty(qty: Qty) -> u32 {
    qty.0.min(u64::from(u32::MAX)) as u32
}

/// Applies `change` to a row of a table, or refuses where there is none.
#[inline]
fn in_table<T>(row: Option<&mut T>, change: impl FnOnce(&mut T)) -> Rejects {
    match row {
        Some(row) => {
            change(row);
            Rejects::NONE
        }
        None => Rejects(Rule::Range.bit()),
    }
}
