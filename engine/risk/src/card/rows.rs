//! The rows of the card's tables and how they move. `core` only, no row knows another.
//!
//! Model: every step is an add or a compare on values that were multiplied before the row is read;
//! steps that could contradict the state return whether they did (a fault), and clamp.

use nofx_types::Side;

use super::{AccountRegs, HELD_MAX, OPEN_MAX, POSITION_MAX, RecentWords, SymbolRegs, rules};

/// How many accepted orders a holding remembers.
pub(super) const RECENT: usize = 4;

/// What is allowed in a symbol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(align(64))]
pub struct SymbolRow {
    pub(super) regs: SymbolRegs,
    /// Halted: no order passes.
    pub halted: bool,
    /// Killed: no order passes.
    pub killed: bool,
}

impl SymbolRow {
    pub(super) const CLOSED: SymbolRow =
        SymbolRow { regs: SymbolRegs::CLOSED, halted: false, killed: false };

    /// Its limits.
    pub fn regs(&self) -> &SymbolRegs {
        &self.regs
    }
}

/// What an account may do and has at stake, all symbols together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(align(64))]
pub struct AccountRow {
    pub(super) regs: AccountRegs,
    /// Sum of the sizes of the held costs of all symbols.
    pub gross_held: u64,
    /// Sum of the held costs of all symbols.
    pub net_held: i64,
    /// Open buys and open sells at order price.
    pub open_notional: [u64; 2],
    /// Theoretical arrival time of the next message (GCRA).
    pub arrival_ns: u64,
    /// The second in which messages are counted, since the epoch of the clock.
    pub second: u64,
    /// The trading day in which messages are counted.
    pub day: u64,
    /// Messages in `second`.
    pub second_cnt: u32,
    /// Messages in `day`.
    pub day_cnt: u32,
    /// Open orders.
    pub open_orders: u32,
    /// Killed: no order passes.
    pub killed: bool,
}

impl AccountRow {
    pub(super) const CLOSED: AccountRow = AccountRow {
        regs: AccountRegs::CLOSED,
        gross_held: 0,
        net_held: 0,
        open_notional: [0; 2],
        arrival_ns: 0,
        second: 0,
        day: 0,
        second_cnt: 0,
        day_cnt: 0,
        open_orders: 0,
        killed: false,
    };

    /// Its limits.
    pub fn regs(&self) -> &AccountRegs {
        &self.regs
    }

    /// Counts one message that leaves for the venue.
    #[inline]
    pub(super) fn count_message(&mut self, now_ns: u64, second: u64, day: u64) {
        self.arrival_ns = rules::next_arrival(self.arrival_ns, now_ns, self.regs.rate_interval_ns);
        self.second_cnt = rules::counted(second, self.second, self.second_cnt).saturating_add(1);
        self.second = self.second.max(second);
        self.day_cnt = rules::counted(day, self.day, self.day_cnt).saturating_add(1);
        self.day = self.day.max(day);
    }

    /// Moves one held cost from `old` to `new`.
    #[inline]
    fn shift_held(&mut self, old: i64, new: i64) -> bool {
        // Both are within HELD_MAX, so neither difference can overflow 64 bits.
        let (net, grown) = (new - old, new.abs() - old.abs());
        let fault = self.net_held.checked_add(net).is_none()
            | self.gross_held.checked_add_signed(grown).is_none();
        self.net_held = self.net_held.saturating_add(net);
        self.gross_held = self.gross_held.saturating_add_signed(grown);
        fault
    }
}

/// What one account has in one symbol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(align(64))]
pub struct Holding {
    /// Price and quantity of the last four accepted orders, see [`Holding::key`].
    pub(super) recent_key: [u64; RECENT],
    /// When they were accepted.
    pub(super) recent_ns: [u64; RECENT],
    /// Shares held, negative when short.
    pub position: i64,
    /// Cash paid for the position since it was last zero, negative when received.
    pub held: i64,
    /// Open quantity of buys and of sells.
    pub open_qty: [u64; 2],
    /// Most aggressive price of buys and of sells since that side was last empty; means nothing
    /// while the side is empty.
    pub best: [u32; 2],
    /// Open orders.
    pub open_orders: u32,
    /// Bit per slot of `recent_key`: in use.
    pub(super) recent_used: u8,
    /// Bit per slot of `recent_key`: a sell.
    pub(super) recent_sells: u8,
    /// The slot to be overwritten next.
    recent_next: u8,
}

const _: () = {
    assert!(size_of::<SymbolRow>() == 64);
    assert!(size_of::<AccountRow>() == 128);
    assert!(size_of::<Holding>() == 128);
};

impl Holding {
    pub(super) const EMPTY: Holding = Holding {
        recent_key: [0; RECENT],
        recent_ns: [0; RECENT],
        position: 0,
        held: 0,
        open_qty: [0; 2],
        best: [0; 2],
        open_orders: 0,
        recent_used: 0,
        recent_sells: 0,
        recent_next: 0,
    };

    /// Price and quantity as one word to compare.
    #[inline]
    pub(super) const fn key(price: u32, qty: u32) -> u64 {
        (price as u64) << 32 | qty as u64
    }

    /// The last four accepted orders.
    pub fn recent(&self) -> RecentWords {
        RecentWords {
            key: self.recent_key,
            ns: self.recent_ns,
            used: self.recent_used,
            sells: self.recent_sells,
            next: self.recent_next,
        }
    }

    /// Most aggressive own price of `side` since it was last empty; `None` while it is.
    #[inline]
    pub fn self_match_price(&self, side: Side) -> Option<u32> {
        (self.open_qty[side.index()] > 0).then_some(self.best[side.index()])
    }

    /// Remembers an accepted order in place of the oldest of four.
    #[inline]
    fn remember(&mut self, side: Side, price: u32, qty: u32, now_ns: u64) {
        let slot = usize::from(self.recent_next) % RECENT;
        self.recent_key[slot] = Holding::key(price, qty);
        self.recent_ns[slot] = now_ns;
        self.recent_used |= 1 << slot;
        self.recent_sells = self.recent_sells & !(1 << slot) | (side as u8) << slot;
        self.recent_next = (slot as u8 + 1) % RECENT as u8;
    }
}

/// An order in the widths of the card.
#[derive(Clone, Copy, Debug)]
pub(super) struct CardOrder {
    pub side: Side,
    pub price: u32,
    pub qty: u32,
    pub notional: u64,
    pub now_ns: u64,
}

/// Reserves an order; true when a sum reached its end. The rules have shown that none can of an order
/// that passed; one that is restored was not judged.
#[inline]
pub(super) fn reserve(account: &mut AccountRow, holding: &mut Holding, order: &CardOrder) -> bool {
    let side = order.side.index();
    let (open, best) = (holding.open_qty[side], holding.best[side]);
    holding.best[side] = match order.side {
        _ if open == 0 => order.price,
        Side::Buy => best.max(order.price),
        Side::Sell => best.min(order.price),
    };
    holding.remember(order.side, order.price, order.qty, order.now_ns);
    give(&mut holding.open_qty[side], u64::from(order.qty), OPEN_MAX)
        | give(&mut account.open_notional[side], order.notional, u64::MAX)
        | count_order(&mut holding.open_orders)
        | count_order(&mut account.open_orders)
}

/// Releases `qty` that was reserved at `price`; true when less than that was open.
#[inline]
pub(super) fn release(
    account: &mut AccountRow,
    holding: &mut Holding,
    side: Side,
    price: u32,
    qty: u32,
) -> bool {
    take(&mut holding.open_qty[side.index()], u64::from(qty))
        | take(&mut account.open_notional[side.index()], rules::notional(price, qty))
}

/// Ends one open order; true when none was open. The account's count moves with the holding's
/// only, so it stays the sum over its symbols whatever is reported.
#[inline]
pub(super) fn end_order(account: &mut AccountRow, holding: &mut Holding) -> bool {
    let open = u32::from(holding.open_orders > 0);
    holding.open_orders -= open;
    account.open_orders = account.open_orders.saturating_sub(open);
    open == 0
}

/// Trades `qty` on `side` at `price` into the position; true when a sum reached its end.
#[inline]
pub(super) fn trade(
    account: &mut AccountRow,
    holding: &mut Holding,
    side: Side,
    price: u32,
    qty: u32,
) -> bool {
    let moved = holding.position + side.sign() * i64::from(qty);
    let position = moved.clamp(-POSITION_MAX, POSITION_MAX);
    let cost = rules::notional(price, qty);
    let paid = match side {
        Side::Buy => holding.held.saturating_add_unsigned(cost),
        Side::Sell => holding.held.saturating_sub_unsigned(cost),
    };
    let held = if position == 0 { 0 } else { paid.clamp(-HELD_MAX, HELD_MAX) };
    let fault = (position != moved) | ((position != 0) & (held != paid));
    let shifted = account.shift_held(holding.held, held);
    holding.position = position;
    holding.held = held;
    fault | shifted
}

#[inline]
fn give(to: &mut u64, amount: u64, max: u64) -> bool {
    let sum = to.checked_add(amount).filter(|sum| *sum <= max);
    *to = sum.unwrap_or(max);
    sum.is_none()
}

#[inline]
fn count_order(open: &mut u32) -> bool {
    let full = *open == u32::MAX;
    *open = open.saturating_add(1);
    full
}

#[inline]
fn take(from: &mut u64, amount: u64) -> bool {
    let fault = amount > *from;
    *from = from.saturating_sub(amount);
    fault
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_count_of_orders_at_its_end_is_a_fault_and_stays() {
        let order = CardOrder { side: Side::Buy, price: 0, qty: 0, notional: 0, now_ns: 0 };
        let (mut account, mut holding) = (AccountRow::CLOSED, Holding::EMPTY);
        account.open_orders = u32::MAX - 1;
        holding.open_orders = u32::MAX - 2;
        assert!(!reserve(&mut account, &mut holding, &order));
        assert!(reserve(&mut account, &mut holding, &order), "the account is full");
        assert!(reserve(&mut account, &mut holding, &order), "and the holding");
        assert_eq!((account.open_orders, holding.open_orders), (u32::MAX, u32::MAX));
    }
}
