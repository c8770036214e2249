//! What the tests of this crate share: limits that refuse nothing, short constructors, a seed.
#![allow(dead_code)] // each test file uses its own part

use nofx_gate::{Rejects, Rule};
use nofx_risk::card::{
    AccountLimits, AccountRegs, CardOp, CardSize, CardState, EXPOSURE_LIMIT_MAX, KillScope,
    POSITION_MAX, SymbolLimits, SymbolRegs,
};
use nofx_types::{
    AccountId, ClOrdId, InstrumentId, IntentKind, Nanos, OrderIntent, OrderRef, OrderUpdate, Price,
    Qty, Side, UpdateKind,
};

pub const ACCOUNTS: u16 = 3;
pub const SYMBOLS: u32 = 4;
pub const DAY_START_NS: u64 = 3_600_000_000_000;

/// Every limit at the end of its width.
pub const WIDE_SYMBOL: SymbolLimits = SymbolLimits {
    buy: true,
    sell: true,
    lot: 1,
    qty_max: u32::MAX,
    notional_max: u64::MAX,
    price_low: 0,
    price_high: u32::MAX,
    long_max: POSITION_MAX as u64,
    short_max: POSITION_MAX as u64,
    open_orders_max: u32::MAX,
};

/// Every limit at the end of its width; duplicates allowed.
pub const WIDE_ACCOUNT: AccountLimits = AccountLimits {
    open_orders_max: u32::MAX,
    gross_max: EXPOSURE_LIMIT_MAX,
    net_max: EXPOSURE_LIMIT_MAX,
    rate_per_s: 1_000_000_000,
    rate_burst: 1 << 20,
    per_second_max: u32::MAX,
    per_day_max: u32::MAX,
    duplicate_window_ns: 0,
};

pub fn only(rule: Rule) -> Rejects {
    Rejects(rule.bit())
}

/// A card whose accounts and symbols all have the given limits.
pub fn card(symbol: SymbolLimits, account: AccountLimits) -> CardState {
    let size = CardSize {
        accounts: ACCOUNTS,
        symbols: SYMBOLS,
        holdings_max: 64,
        day_start_ns: DAY_START_NS,
    };
    let mut card = CardState::new(size).expect("12 rows of 64");
    for id in 0..SYMBOLS {
        set_symbol(&mut card, id, symbol);
    }
    for id in 0..ACCOUNTS {
        set_account(&mut card, id, account);
    }
    card
}

pub fn set_symbol(card: &mut CardState, id: u32, limits: SymbolLimits) {
    let regs = SymbolRegs::new(&limits).expect("limits of the test fit");
    let op = CardOp::SetSymbol { symbol: InstrumentId(id), regs };
    assert_eq!(card.judge(&op), Rejects::NONE);
}

pub fn set_account(card: &mut CardState, id: u16, limits: AccountLimits) {
    let regs = AccountRegs::new(&limits).expect("limits of the test fit");
    let op = CardOp::SetAccount { account: AccountId(id), regs };
    assert_eq!(card.judge(&op), Rejects::NONE);
}

/// A new order of account 0 in symbol 0.
pub fn order(side: Side, price: i64, qty: u64) -> OrderIntent {
    OrderIntent::new(InstrumentId(0), side, Price(price), Qty(qty))
}

pub fn at(mut intent: OrderIntent, now_ns: u64) -> OrderIntent {
    intent.now_ns = Nanos(now_ns);
    intent
}

pub fn ask(card: &mut CardState, intent: &OrderIntent) -> Rejects {
    card.judge(&CardOp::from_intent(intent))
}

/// Asks on a copy: does not reserve.
pub fn probe(card: &CardState, intent: &OrderIntent) -> Rejects {
    ask(&mut card.clone(), intent)
}

pub fn replace_of(mut intent: OrderIntent) -> OrderIntent {
    intent.kind = IntentKind::Replace;
    intent.orig = ClOrdId(1);
    intent
}

/// `pass` passes and `refuse` is refused by `rule` alone; a replacement is judged like a new order.
#[track_caller]
pub fn check(card: &CardState, rule: Rule, pass: &OrderIntent, refuse: &OrderIntent) {
    for (pass, refuse) in [(*pass, *refuse), (replace_of(*pass), replace_of(*refuse))] {
        assert_eq!(probe(card, &pass), Rejects::NONE, "{rule:?} {pass:?}");
        assert_eq!(probe(card, &refuse), only(rule), "{rule:?} {refuse:?}");
    }
}

pub fn kill(card: &mut CardState, scope: KillScope, engaged: bool) -> Rejects {
    card.judge(&CardOp::Kill { scope, engaged })
}

/// News of an order of account 0 in symbol 0 that changes nothing yet.
pub fn news(kind: UpdateKind, side: Side) -> OrderUpdate {
    OrderUpdate {
        kind,
        side,
        maker: true,
        account: AccountId(0),
        instrument: InstrumentId(0),
        cl_ord_id: ClOrdId(1),
        orig: ClOrdId::NONE,
        order_ref: OrderRef(0),
        price: Price(0),
        leaves: Qty(0),
        fill_price: Price(0),
        fill_qty: Qty(0),
        released_qty: Qty(0),
        released_price: Price(0),
        closed: false,
        now_ns: Nanos(0),
    }
}

/// A fill that closes its order.
pub fn filled(side: Side, price: i64, fill_price: i64, qty: u64) -> OrderUpdate {
    OrderUpdate {
        price: Price(price),
        fill_price: Price(fill_price),
        fill_qty: Qty(qty),
        closed: true,
        ..news(UpdateKind::Filled, side)
    }
}

/// A report that releases `qty` at `price` and closes the order.
pub fn closed(kind: UpdateKind, side: Side, price: i64, qty: u64) -> OrderUpdate {
    OrderUpdate {
        price: Price(price),
        released_price: Price(price),
        released_qty: Qty(qty),
        closed: true,
        ..news(kind, side)
    }
}

pub fn tell(card: &mut CardState, update: &OrderUpdate) -> Rejects {
    CardOp::from_update(update).map_or(Rejects::NONE, |op| card.judge(&op))
}

/// Buys or sells `qty` at `price` at once, leaving nothing open.
pub fn hold(card: &mut CardState, side: Side, price: i64, qty: u64) {
    assert_eq!(ask(card, &order(side, price, qty)), Rejects::NONE);
    assert_eq!(tell(card, &filled(side, price, price, qty)), Rejects::NONE);
    assert_eq!(card.faults(), 0);
}

/// SplitMix64: a seed is the whole state.
pub struct Rng(pub u64);

impl Rng {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// Below `n`.
    pub fn below(&mut self, n: u64) -> u64 {
        self.next() % n
    }

    /// True once in `n` times.
    pub fn one_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }

    pub fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len() as u64) as usize]
    }

    pub fn side(&mut self) -> Side {
        self.pick(&Side::BOTH)
    }
}
