//! Orders that exactly a chosen set of rules refuses.
//!
//! Model: every rule has a knob of its own in the limits, the kills or what came before, so any set of
//! rules (but too long with too short) can be made to refuse one order, and no other rule does. The
//! model says whether that worked; what is counted is what both said.

use nofx_fpga::OpLine;
use nofx_fpga::regs::rule;
use nofx_risk::card::{
    AccountLimits, AccountRegs, CancelOp, CardOp, FillEffect, KillScope, OrderOp, SymbolLimits,
    SymbolRegs, UpdateOp,
};
use nofx_rt::rng::Rng;
use nofx_types::{AccountId, InstrumentId, Price, Qty, Side};

use super::traffic::encode;

/// Price of every order here.
const PRICE: u32 = 1_000;
/// Quantity: odd, so a lot of two refuses it.
const QTY: u32 = 301;
/// The fencing epoch in force.
pub const EPOCH: u32 = 9;

/// A set of rules with at most one of the two position rules; singles and pairs mostly.
pub fn draw(rng: &mut Rng) -> u64 {
    let one = |rng: &mut Rng| rule::KILL_GLOBAL << rng.below(20);
    let rules = match rng.below(8) {
        0 => one(rng),
        1 => rng.next() & (((1 << 20) - 1) << rule::KILL_GLOBAL.trailing_zeros()),
        _ => one(rng) | one(rng),
    };
    let both = rule::POSITION_LONG | rule::POSITION_SHORT;
    if rules & both == both { rules & !rule::POSITION_SHORT } else { rules }
}

/// The lines that lead to an order refused by `rules` and undo everything after it. The row holds no
/// position and no open order before and after.
pub fn lines(rules: u64, account: AccountId, symbol: InstrumentId, now_ns: u64) -> Vec<OpLine> {
    let has = |rule: u64| rules & rule != 0;
    let side = if has(rule::POSITION_SHORT) || (!has(rule::POSITION_LONG) && now_ns & 1 == 1) {
        Side::Sell
    } else {
        Side::Buy
    };
    let order = OrderOp {
        account,
        symbol,
        side,
        price: Price(PRICE.into()),
        qty: Qty(QTY.into()),
        epoch: if has(rule::EPOCH) { EPOCH - 1 } else { EPOCH },
        now_ns,
    };
    let opposite = OrderOp { side: side.opposite(), qty: Qty(QTY as u64 + 1), ..order };
    let kill = |scope, engaged| encode(&CardOp::Kill { scope, engaged });
    let scopes = [
        (rule::KILL_GLOBAL, KillScope::Global),
        (rule::KILL_ACCOUNT, KillScope::Account(account)),
        (rule::KILL_SYMBOL, KillScope::Symbol(symbol)),
    ];
    let halt = |halted| encode(&CardOp::Halt { symbol, halted });

    let mut lines = vec![symbol_limits(rules, side, symbol), account_limits(rules, account)];
    if has(rule::DUPLICATE) {
        lines.push(OpLine::restore(&order, 0, 0, 0));
        lines.push(undo(&order));
    }
    if has(rule::SELF_MATCH) {
        lines.push(OpLine::restore(&opposite, 0, 0, 0));
    }
    if has(rule::RATE) {
        lines.push(encode(&CardOp::Cancel(CancelOp { account, symbol, now_ns })));
    }
    lines.extend(scopes.iter().filter(|(rule, _)| has(*rule)).map(|(_, scope)| kill(*scope, true)));
    if has(rule::HALT) {
        lines.push(halt(true));
    }
    lines.push(encode(&CardOp::New(order)));
    lines
        .extend(scopes.iter().filter(|(rule, _)| has(*rule)).map(|(_, scope)| kill(*scope, false)));
    if has(rule::HALT) {
        lines.push(halt(false));
    }
    if has(rule::SELF_MATCH) {
        lines.push(undo(&opposite));
    }
    if rules == 0 {
        lines.push(undo(&order));
    }
    lines
}

/// Everything of `order` is released.
fn undo(order: &OrderOp) -> OpLine {
    encode(&CardOp::Update(UpdateOp {
        account: order.account,
        symbol: order.symbol,
        side: order.side,
        effect: FillEffect::None,
        price: Price(0),
        fill_price: Price(0),
        fill_qty: Qty(0),
        released_price: order.price,
        released_qty: order.qty,
        ends: true,
    }))
}

fn symbol_limits(rules: u64, side: Side, symbol: InstrumentId) -> OpLine {
    let has = |rule: u64| rules & rule != 0;
    let notional = u64::from(PRICE) * u64::from(QTY);
    let wide = (1 << 47) - 1;
    let permitted = !has(rule::PERMISSION);
    let limits = SymbolLimits {
        buy: permitted || side == Side::Sell,
        sell: permitted || side == Side::Buy,
        lot: if has(rule::LOT) { 2 } else { 1 },
        qty_max: if has(rule::MAX_QTY) { QTY - 1 } else { QTY },
        notional_max: if has(rule::MAX_NOTIONAL) { notional - 1 } else { notional },
        price_low: PRICE,
        price_high: if has(rule::PRICE_BAND) { PRICE - 1 } else { PRICE },
        long_max: if has(rule::POSITION_LONG) { u64::from(QTY) - 1 } else { wide },
        short_max: if has(rule::POSITION_SHORT) { u64::from(QTY) - 1 } else { wide },
        open_orders_max: if has(rule::OPEN_ORDERS) { 0 } else { u32::MAX },
    };
    let regs = SymbolRegs::new(&limits).expect("within the widths");
    encode(&CardOp::SetSymbol { symbol, regs })
}

fn account_limits(rules: u64, account: AccountId) -> OpLine {
    let has = |rule: u64| rules & rule != 0;
    let limits = AccountLimits {
        open_orders_max: u32::MAX,
        gross_max: if has(rule::GROSS) { 1 } else { (1 << 62) - 1 },
        net_max: if has(rule::NET) { 1 } else { (1 << 62) - 1 },
        rate_per_s: 1,
        rate_burst: if has(rule::RATE) { 1 } else { 1 << 20 },
        per_second_max: if has(rule::PER_SECOND) { 0 } else { u32::MAX },
        per_day_max: if has(rule::PER_DAY) { 0 } else { u32::MAX },
        duplicate_window_ns: if has(rule::DUPLICATE) { 1_000_000 } else { 0 },
    };
    let regs = AccountRegs::new(&limits).expect("within the widths");
    encode(&CardOp::SetAccount { account, regs })
}
