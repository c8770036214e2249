//! Operations as lines, and lines as operations.
//!
//! Model: [`LineOp`] is what a line can ask for: the operations of the card's stream, and what only a
//! line knows (restore, snapshot, barrier). Decoding never fails on a field that any pattern fits;
//! what has no meaning is a [`Misfit`] and the card says what happens then.

use nofx_gate::KillScope;
use nofx_risk::card::{
    AccountRegs, AccountWords, CancelOp, CardOp, FillEffect, OrderOp, SymbolRegs, SymbolWords,
    UpdateOp, Windows,
};
use nofx_types::{AccountId, InstrumentId, Price, Qty, Side};

use crate::line::OpLine;
use crate::regs::{effect, kind, op, scope, table};

/// What a line asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LineOp {
    /// An operation of the stream.
    Card(CardOp),
    /// An order sent before a restart.
    Restore(OrderOp),
    /// A row is read.
    Snapshot(Snapshot),
    /// Nothing changes.
    Barrier,
}

/// Which 256 bits of which row a snapshot reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// The table.
    pub table: Table,
    /// The account, where the table has one.
    pub account: AccountId,
    /// The symbol, where the table has one.
    pub symbol: InstrumentId,
    /// Which 256 bits, from 0; beyond the row they are zero.
    pub part: u8,
}

/// What a snapshot reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Table {
    /// A symbol row.
    Symbol,
    /// An account row.
    Account,
    /// A holding row.
    Holding,
    /// The words that belong to no row.
    Globals,
}

/// Why a line is no operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Misfit {
    /// Its kind is none: the card latches an error.
    Kind,
    /// Its scope or table is none: out of range.
    Range,
}

impl OpLine {
    /// The line that asks for `op`. The windows of a message are those of its time and
    /// `day_start_ns`, since a card has no dividers.
    #[inline]
    pub fn encode(op: &CardOp, tag: u32, seq: u32, day_start_ns: u64) -> OpLine {
        let line = OpLine::ZERO;
        let line = match op {
            CardOp::New(order) => order_line(line, kind::NEW, order, day_start_ns),
            CardOp::Replace(order) => order_line(line, kind::REPLACE, order, day_start_ns),
            CardOp::Cancel(cancel) => {
                let line = row(line, kind::CANCEL, cancel.account, cancel.symbol);
                message(line, cancel.now_ns, day_start_ns)
            }
            CardOp::Update(update) => update_line(line, update),
            CardOp::Kill { scope, engaged } => kill_line(line, *scope, *engaged),
            CardOp::Halt { symbol, halted } => {
                row(line, kind::HALT, AccountId(0), *symbol).with(op::FLAGS, u64::from(*halted))
            }
            CardOp::Epoch(epoch) => {
                line.with(op::KIND, kind::EPOCH.into()).with(op::EPOCH, u64::from(*epoch))
            }
            CardOp::SetSymbol { symbol, regs } => {
                symbol_line(row(line, kind::SET_SYMBOL, AccountId(0), *symbol), &regs.words())
            }
            CardOp::SetAccount { account, regs } => {
                account_line(row(line, kind::SET_ACCOUNT, *account, InstrumentId(0)), &regs.words())
            }
        };
        line.numbered(tag, seq)
    }

    /// The line that restores `order`.
    #[inline]
    pub fn restore(order: &OrderOp, tag: u32, seq: u32, day_start_ns: u64) -> OpLine {
        order_line(OpLine::ZERO, kind::RESTORE, order, day_start_ns).numbered(tag, seq)
    }

    /// The line that reads a row.
    #[inline]
    pub fn snapshot(snapshot: &Snapshot, tag: u32, seq: u32) -> OpLine {
        let table = match snapshot.table {
            Table::Symbol => table::SYMBOL,
            Table::Account => table::ACCOUNT,
            Table::Holding => table::HOLDING,
            Table::Globals => table::GLOBALS,
        };
        row(OpLine::ZERO, kind::SNAPSHOT, snapshot.account, snapshot.symbol)
            .with(op::TABLE, table.into())
            .with(op::PART, snapshot.part.into())
            .numbered(tag, seq)
    }

    /// The line that changes nothing.
    #[inline]
    pub fn barrier(tag: u32, seq: u32) -> OpLine {
        OpLine::ZERO.with(op::KIND, kind::BARRIER.into()).numbered(tag, seq)
    }

    /// This line with another tag and sequence.
    #[inline]
    #[must_use]
    pub fn numbered(self, tag: u32, seq: u32) -> OpLine {
        self.with(op::TAG, tag.into()).with(op::SEQ, seq.into())
    }

    /// What the line asks for.
    pub fn decode(&self) -> Result<LineOp, Misfit> {
        Ok(LineOp::Card(match self.kind() {
            kind::NEW => CardOp::New(self.order()),
            kind::REPLACE => CardOp::Replace(self.order()),
            kind::CANCEL => CardOp::Cancel(CancelOp {
                account: self.account(),
                symbol: self.symbol(),
                now_ns: self.get(op::NOW_NS),
            }),
            kind::UPDATE => CardOp::Update(self.update()),
            kind::RESTORE => return Ok(LineOp::Restore(self.order())),
            kind::KILL => CardOp::Kill { scope: self.scope()?, engaged: self.flag() },
            kind::HALT => CardOp::Halt { symbol: self.symbol(), halted: self.flag() },
            kind::EPOCH => CardOp::Epoch(self.get(op::EPOCH) as u32),
            kind::SET_SYMBOL => CardOp::SetSymbol {
                symbol: self.symbol(),
                regs: SymbolRegs::from_words(&self.symbol_words()).map_err(|_| Misfit::Range)?,
            },
            kind::SET_ACCOUNT => CardOp::SetAccount {
                account: self.account(),
                regs: AccountRegs::from_words(&self.account_words()).map_err(|_| Misfit::Range)?,
            },
            kind::SNAPSHOT => return self.snapshot_of().map(LineOp::Snapshot),
            kind::BARRIER => return Ok(LineOp::Barrier),
            _ => return Err(Misfit::Kind),
        }))
    }

    /// The account.
    #[inline]
    pub fn account(&self) -> AccountId {
        AccountId(self.get(op::ACCOUNT) as u16)
    }

    /// The symbol.
    #[inline]
    pub fn symbol(&self) -> InstrumentId {
        InstrumentId(self.get(op::SYMBOL) as u32)
    }

    /// The second and day that the line names, whatever its time says.
    #[inline]
    pub fn windows(&self) -> Windows {
        Windows { second: self.get(op::SECOND), day: self.get(op::DAY) }
    }

    fn flag(&self) -> bool {
        self.get(op::FLAGS) & 1 != 0
    }

    fn side(&self) -> Side {
        if self.flag() { Side::Sell } else { Side::Buy }
    }

    fn order(&self) -> OrderOp {
        OrderOp {
            account: self.account(),
            symbol: self.symbol(),
            side: self.side(),
            price: Price(self.get(op::PRICE) as i64),
            qty: Qty(self.get(op::QTY)),
            epoch: self.get(op::EPOCH) as u32,
            now_ns: self.get(op::NOW_NS),
        }
    }

    fn update(&self) -> UpdateOp {
        UpdateOp {
            account: self.account(),
            symbol: self.symbol(),
            side: self.side(),
            effect: match self.get(op::EFFECT) as u8 {
                effect::FILL => FillEffect::Fill,
                effect::BREAK => FillEffect::Break,
                _ => FillEffect::None,
            },
            price: Price(self.get(op::PRICE) as i64),
            fill_price: Price(self.get(op::FILL_PRICE) as i64),
            fill_qty: Qty(self.get(op::FILL_QTY)),
            released_price: Price(self.get(op::RELEASED_PRICE) as i64),
            released_qty: Qty(self.get(op::RELEASED_QTY)),
            ends: self.get(op::ENDS) != 0,
        }
    }

    fn scope(&self) -> Result<KillScope, Misfit> {
        match self.get(op::SCOPE) as u8 {
            scope::GLOBAL => Ok(KillScope::Global),
            scope::ACCOUNT => Ok(KillScope::Account(self.account())),
            scope::SYMBOL => Ok(KillScope::Symbol(self.symbol())),
            _ => Err(Misfit::Range),
        }
    }

    fn snapshot_of(&self) -> Result<Snapshot, Misfit> {
        let table = match self.get(op::TABLE) as u8 {
            table::SYMBOL => Table::Symbol,
            table::ACCOUNT => Table::Account,
            table::HOLDING => Table::Holding,
            table::GLOBALS => Table::Globals,
            _ => return Err(Misfit::Range),
        };
        let part = self.get(op::PART) as u8;
        Ok(Snapshot { table, account: self.account(), symbol: self.symbol(), part })
    }

    fn symbol_words(&self) -> SymbolWords {
        SymbolWords {
            notional_max: self.get(op::NOTIONAL_MAX),
            long_max: self.get(op::LONG_MAX),
            short_max: self.get(op::SHORT_MAX),
            lot_inverse: self.get(op::LOT_INVERSE) as u32,
            lot_shift: self.get(op::LOT_SHIFT) as u32,
            lot_quotient: self.get(op::LOT_QUOTIENT) as u32,
            qty_max: self.get(op::QTY_MAX) as u32,
            price_low: self.get(op::PRICE_LOW) as u32,
            price_high: self.get(op::PRICE_HIGH) as u32,
            open_orders_max: self.get(op::SYMBOL_ORDERS_MAX) as u32,
            permitted: self.get(op::PERMITTED) as u8,
        }
    }

    fn account_words(&self) -> AccountWords {
        AccountWords {
            gross_max: self.get(op::GROSS_MAX),
            net_max: self.get(op::NET_MAX),
            rate_interval_ns: self.get(op::RATE_INTERVAL_NS) as u32,
            rate_tolerance_ns: self.get(op::RATE_TOLERANCE_NS),
            duplicate_window_ns: self.get(op::DUPLICATE_WINDOW_NS),
            open_orders_max: self.get(op::ACCOUNT_ORDERS_MAX) as u32,
            per_second_max: self.get(op::PER_SECOND_MAX) as u32,
            per_day_max: self.get(op::PER_DAY_MAX) as u32,
        }
    }
}

#[inline]
fn row(line: OpLine, kind: u8, account: AccountId, symbol: InstrumentId) -> OpLine {
    line.with(op::KIND, kind.into())
        .with(op::ACCOUNT, account.0.into())
        .with(op::SYMBOL, symbol.0.into())
}

#[inline]
fn message(line: OpLine, now_ns: u64, day_start_ns: u64) -> OpLine {
    let Windows { second, day } = Windows::of(now_ns, day_start_ns);
    line.with(op::NOW_NS, now_ns).with(op::SECOND, second).with(op::DAY, day)
}

#[inline]
fn order_line(line: OpLine, kind: u8, order: &OrderOp, day_start_ns: u64) -> OpLine {
    let line = row(line, kind, order.account, order.symbol)
        .with(op::FLAGS, order.side as u64)
        .with(op::PRICE, order.price.0 as u64)
        .with(op::QTY, order.qty.0)
        .with(op::EPOCH, order.epoch.into());
    message(line, order.now_ns, day_start_ns)
}

#[inline]
fn update_line(line: OpLine, update: &UpdateOp) -> OpLine {
    let effect = match update.effect {
        FillEffect::None => effect::NONE,
        FillEffect::Fill => effect::FILL,
        FillEffect::Break => effect::BREAK,
    };
    row(line, kind::UPDATE, update.account, update.symbol)
        .with(op::FLAGS, update.side as u64)
        .with(op::PRICE, update.price.0 as u64)
        .with(op::FILL_PRICE, update.fill_price.0 as u64)
        .with(op::FILL_QTY, update.fill_qty.0)
        .with(op::RELEASED_PRICE, update.released_price.0 as u64)
        .with(op::RELEASED_QTY, update.released_qty.0)
        .with(op::EFFECT, effect.into())
        .with(op::ENDS, u64::from(update.ends))
}

fn kill_line(line: OpLine, scope: KillScope, engaged: bool) -> OpLine {
    let (code, account, symbol) = match scope {
        KillScope::Global => (scope::GLOBAL, AccountId(0), InstrumentId(0)),
        KillScope::Account(account) => (scope::ACCOUNT, account, InstrumentId(0)),
        KillScope::Symbol(symbol) => (scope::SYMBOL, AccountId(0), symbol),
    };
    row(line, kind::KILL, account, symbol)
        .with(op::SCOPE, code.into())
        .with(op::FLAGS, u64::from(engaged))
}

fn symbol_line(line: OpLine, words: &SymbolWords) -> OpLine {
    line.with(op::NOTIONAL_MAX, words.notional_max)
        .with(op::LONG_MAX, words.long_max)
        .with(op::SHORT_MAX, words.short_max)
        .with(op::LOT_SHIFT, words.lot_shift.into())
        .with(op::PERMITTED, words.permitted.into())
        .with(op::LOT_INVERSE, words.lot_inverse.into())
        .with(op::LOT_QUOTIENT, words.lot_quotient.into())
        .with(op::QTY_MAX, words.qty_max.into())
        .with(op::PRICE_LOW, words.price_low.into())
        .with(op::PRICE_HIGH, words.price_high.into())
        .with(op::SYMBOL_ORDERS_MAX, words.open_orders_max.into())
}

fn account_line(line: OpLine, words: &AccountWords) -> OpLine {
    line.with(op::GROSS_MAX, words.gross_max)
        .with(op::NET_MAX, words.net_max)
        .with(op::RATE_INTERVAL_NS, words.rate_interval_ns.into())
        .with(op::ACCOUNT_ORDERS_MAX, words.open_orders_max.into())
        .with(op::RATE_TOLERANCE_NS, words.rate_tolerance_ns)
        .with(op::DUPLICATE_WINDOW_NS, words.duplicate_window_ns)
        .with(op::PER_SECOND_MAX, words.per_second_max.into())
        .with(op::PER_DAY_MAX, words.per_day_max.into())
}
