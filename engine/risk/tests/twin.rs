//! The card against its naive twin, over random streams: bitmap and state after every operation.

mod common;
mod naive;

use std::collections::BTreeMap;

use common::{ACCOUNTS, DAY_START_NS, Rng, SYMBOLS, WIDE_ACCOUNT, WIDE_SYMBOL};
use naive::{HELD, Naive, POSITION, U32};
use nofx_gate::{Rejects, Rule};
use nofx_risk::card::{AccountLimits, CardOp, CardState, KillScope, SymbolLimits};
use nofx_types::{
    AccountId, InstrumentId, IntentKind, Nanos, OrderIntent, OrderUpdate, Price, Qty, Side,
    UpdateKind,
};

/// An order that passed and is not closed yet.
#[derive(Clone, Copy)]
struct Live {
    intent: OrderIntent,
    leaves: u64,
    /// The id of the order that this one waits to replace.
    replaces: Option<u32>,
}

/// How a stream is made.
struct Mix {
    prices: &'static [i64],
    qtys: &'static [u64],
    symbol: fn(&mut Rng) -> SymbolLimits,
    account: fn(&mut Rng) -> AccountLimits,
    /// One report in this many contradicts the state; 0 for none.
    wrong: u64,
}

struct Stream {
    rng: Rng,
    card: CardState,
    naive: Naive,
    live: Vec<Live>,
    past_fills: Vec<OrderUpdate>,
    now_ns: u64,
    next_id: u32,
    passed: u64,
    /// How often each rule refused alone.
    alone: BTreeMap<&'static str, u64>,
    trace: String,
}

impl Stream {
    fn new(seed: u64, mix: &Mix) -> Stream {
        let mut stream = Stream {
            rng: Rng(seed),
            card: common::card(WIDE_SYMBOL, WIDE_ACCOUNT),
            naive: Naive::default(),
            live: Vec::new(),
            past_fills: Vec::new(),
            now_ns: 20_000 * 86_400_000_000_000 + DAY_START_NS,
            next_id: 1,
            passed: 0,
            alone: BTreeMap::new(),
            trace: String::new(),
        };
        for id in 0..SYMBOLS {
            stream.set_symbol(id, (mix.symbol)(&mut Rng(seed ^ u64::from(id))));
        }
        for id in 0..ACCOUNTS {
            stream.set_account(id, (mix.account)(&mut Rng(seed ^ u64::from(id))));
        }
        stream
    }

    fn set_symbol(&mut self, id: u32, limits: SymbolLimits) {
        common::set_symbol(&mut self.card, id, limits);
        self.naive.symbol_limits.insert(id, limits);
    }

    fn set_account(&mut self, id: u16, limits: AccountLimits) {
        common::set_account(&mut self.card, id, limits);
        self.naive.account_limits.insert(id, limits);
    }

    #[track_caller]
    fn agree(&mut self, card: Rejects, naive: Rejects) {
        assert_eq!(card, naive, "{}", self.trace);
        self.naive.compare(&self.card, &self.trace);
    }

    fn step(&mut self, mix: &Mix) {
        self.advance();
        match self.rng.below(100) {
            0..45 => self.order(mix),
            45..53 => self.replace(mix),
            53..60 => self.cancel(),
            60..95 => self.report(mix),
            95..97 => self.kill_or_halt(),
            97 => self.configure(mix),
            _ => self.wrong_report(mix),
        }
    }

    fn advance(&mut self) {
        let step = match self.rng.below(2_000) {
            0 => 86_400_000_000_000,
            1..20 => 1_000_000_000,
            20..300 => self.rng.below(200_000_000),
            300..1_900 => self.rng.below(2_000),
            _ => {
                self.now_ns -= self.rng.below(1_000_000); // the clock steps back
                0
            }
        };
        self.now_ns += step;
    }

    fn account(&mut self) -> AccountId {
        let outside = self.rng.one_in(200);
        AccountId(self.rng.below(ACCOUNTS.into()) as u16 + if outside { ACCOUNTS } else { 0 })
    }

    fn symbol(&mut self) -> InstrumentId {
        let outside = self.rng.one_in(200);
        InstrumentId(self.rng.below(SYMBOLS.into()) as u32 + if outside { SYMBOLS } else { 0 })
    }

    fn intent(&mut self, intent: OrderIntent, replaces: Option<u32>) {
        self.trace = format!("{intent:?}");
        let card = self.card.judge(&CardOp::from_intent(&intent));
        let naive = self.naive.intent(&intent);
        self.agree(card, naive);
        if card.is_pass() && intent.kind != IntentKind::Cancel {
            self.passed += 1;
            self.live.push(Live { intent, leaves: intent.qty.0, replaces });
        }
        let mut rules = card.rules();
        if let (Some(rule), None) = (rules.next(), rules.next()) {
            *self.alone.entry(rule.name()).or_default() += 1;
        }
    }

    fn order(&mut self, mix: &Mix) {
        let (symbol, side) = (self.symbol(), self.rng.side());
        let (price, qty) = (self.rng.pick(mix.prices), self.rng.pick(mix.qtys));
        let mut intent = OrderIntent::new(symbol, side, Price(price), Qty(qty));
        intent.account = self.account();
        if let (Some(again), true) = (self.live.last(), self.rng.one_in(6)) {
            intent = OrderIntent { kind: IntentKind::New, ..again.intent };
        }
        self.stamp(&mut intent);
        self.intent(intent, None);
    }

    fn stamp(&mut self, intent: &mut OrderIntent) {
        intent.now_ns = Nanos(self.now_ns);
        intent.cl_ord_id.0 = self.next_id;
        self.next_id += 1;
        intent.epoch = self.naive.epoch;
        match self.rng.below(100) {
            0 => intent.epoch = intent.epoch.saturating_sub(1),
            1 => intent.epoch += 1,
            _ => {}
        }
    }

    fn replace(&mut self, mix: &Mix) {
        let Some(old) = self.any_live() else { return };
        let (price, qty) = (self.rng.pick(mix.prices), self.rng.pick(mix.qtys));
        let mut intent = self.live[old].intent;
        (intent.kind, intent.orig) = (IntentKind::Replace, intent.cl_ord_id);
        (intent.price, intent.qty) = (Price(price), Qty(qty));
        self.stamp(&mut intent);
        let orig = intent.orig.0;
        self.intent(intent, Some(orig));
    }

    fn cancel(&mut self) {
        let mut intent = OrderIntent::cancel(self.symbol(), nofx_types::ClOrdId(1), Side::Buy);
        intent.account = self.account();
        intent.now_ns = Nanos(self.now_ns);
        self.intent(intent, None);
    }

    fn any_live(&mut self) -> Option<usize> {
        let len = self.live.len() as u64;
        (len > 0).then(|| self.rng.below(len) as usize)
    }

    fn update(&mut self, update: OrderUpdate) {
        self.trace = format!("{update:?}");
        let card = CardOp::from_update(&update).map_or(Rejects::NONE, |op| self.card.judge(&op));
        let naive = self.naive.update(&update);
        self.agree(card, naive);
    }

    fn news(&self, live: &Live, kind: UpdateKind) -> OrderUpdate {
        OrderUpdate {
            account: live.intent.account,
            instrument: live.intent.instrument,
            cl_ord_id: live.intent.cl_ord_id,
            price: live.intent.price,
            leaves: Qty(live.leaves),
            ..common::news(kind, live.intent.side)
        }
    }

    fn release(&self, live: &Live, kind: UpdateKind, qty: u64, closed: bool) -> OrderUpdate {
        OrderUpdate {
            released_qty: Qty(qty),
            released_price: live.intent.price,
            closed,
            ..self.news(live, kind)
        }
    }

    /// What the venue may say of one of our orders.
    fn report(&mut self, mix: &Mix) {
        if self.live.len() < 8 && !self.rng.one_in(8) {
            return;
        }
        let Some(index) = self.any_live() else { return };
        let live = self.live[index];
        if let Some(orig) = live.replaces {
            return self.answer_replace(index, orig);
        }
        match self.rng.below(10) {
            0 => self.update(self.news(&live, UpdateKind::Accepted)),
            1 => self.update(self.news(&live, UpdateKind::CancelRejected)),
            2 => self.close(index, UpdateKind::Rejected),
            3..5 => self.close(index, UpdateKind::Canceled),
            5 => {
                let qty = self.rng.below(live.leaves.max(1));
                self.live[index].leaves -= qty;
                self.update(self.release(&live, UpdateKind::Canceled, qty, false));
            }
            6 if !self.past_fills.is_empty() => {
                let which = self.rng.below(self.past_fills.len() as u64) as usize;
                let mut broken = self.past_fills.swap_remove(which);
                broken.kind = UpdateKind::Broken;
                self.update(broken);
                if self.rng.one_in(2) {
                    // Stated anew.
                    broken.kind = UpdateKind::Unreserved;
                    broken.fill_qty.0 = 1 + self.rng.below(broken.fill_qty.0.max(1));
                    self.update(broken);
                }
            }
            _ => self.fill(index, mix),
        }
    }

    fn fill(&mut self, index: usize, mix: &Mix) {
        let live = self.live[index];
        let qty = if self.rng.one_in(2) { live.leaves } else { 1 + self.rng.below(live.leaves) };
        let limit = live.intent.price.0;
        let better = self.rng.pick(mix.prices).clamp(0, U32 as i64);
        let price = match live.intent.side {
            Side::Buy => better.min(limit),
            Side::Sell => better.max(limit),
        };
        let update = OrderUpdate {
            fill_price: Price(price),
            fill_qty: Qty(qty),
            closed: qty == live.leaves,
            ..self.news(&live, UpdateKind::Filled)
        };
        self.live[index].leaves -= qty;
        if qty == live.leaves {
            self.live.swap_remove(index);
        }
        self.past_fills.push(update);
        self.update(update);
    }

    fn close(&mut self, index: usize, kind: UpdateKind) {
        let live = self.live.swap_remove(index);
        self.update(self.release(&live, kind, live.leaves, true));
    }

    /// The replacement lives on and `orig`, if it still lives, is released; or the reverse.
    fn answer_replace(&mut self, index: usize, orig: u32) {
        let alive = self.live.iter().position(|live| live.intent.cl_ord_id.0 == orig);
        match alive {
            Some(old) if self.rng.one_in(2) => {
                self.live[index].replaces = None;
                let mut released = self.live[old];
                // The answer bears the new order's price; what it releases is the old one's.
                let (price, leaves) = (released.intent.price, released.leaves);
                released.intent.price = self.live[index].intent.price;
                let mut update = self.release(&released, UpdateKind::Replaced, leaves, true);
                update.released_price = price;
                self.live.swap_remove(old);
                self.update(update);
            }
            still => {
                let live = self.live.swap_remove(index);
                let gone = still.is_none();
                self.update(self.release(&live, UpdateKind::ReplaceRejected, live.leaves, gone));
            }
        }
    }

    fn kill_or_halt(&mut self) {
        let (account, symbol) = (self.account(), self.symbol());
        let on = self.rng.one_in(12); // more often released than engaged
        let scope = self.rng.pick(&[
            KillScope::Global,
            KillScope::Account(account),
            KillScope::Symbol(symbol),
        ]);
        self.trace = format!("{scope:?} {symbol:?} {on}");
        let (card, naive) = match self.rng.below(3) {
            0 => {
                let card = self.card.judge(&CardOp::Halt { symbol, halted: on });
                let inside = symbol.0 < SYMBOLS;
                let halted = &mut self.naive.halted;
                let _ =
                    inside && if on { halted.insert(symbol.0) } else { halted.remove(&symbol.0) };
                (card, Rejects::NONE.with(Rule::Range, !inside))
            }
            _ => {
                (self.card.judge(&CardOp::Kill { scope, engaged: on }), self.naive.kill(scope, on))
            }
        };
        self.agree(card, naive);
    }

    fn configure(&mut self, mix: &Mix) {
        match self.rng.below(3) {
            0 => {
                let epoch = (self.naive.epoch + 1).saturating_sub(self.rng.below(3) as u32);
                let _ = self.card.judge(&CardOp::Epoch(epoch));
                self.naive.epoch = self.naive.epoch.max(epoch);
            }
            1 => {
                let (id, limits) =
                    (self.rng.below(SYMBOLS.into()) as u32, (mix.symbol)(&mut self.rng));
                self.set_symbol(id, limits);
            }
            _ => {
                let (id, limits) =
                    (self.rng.below(ACCOUNTS.into()) as u16, (mix.account)(&mut self.rng));
                self.set_account(id, limits);
            }
        }
        self.agree(Rejects::NONE, Rejects::NONE);
    }

    /// A report that nothing led to expect, then the operator who releases the latch.
    fn wrong_report(&mut self, mix: &Mix) {
        if mix.wrong == 0 || !self.rng.one_in(mix.wrong) {
            return;
        }
        use UpdateKind::*;
        let kind = self.rng.pick(&[
            Accepted,
            RefusedByGate,
            Rejected,
            Filled,
            Canceled,
            Replaced,
            ReplaceRejected,
            CancelRejected,
            Broken,
            Unreserved,
        ]);
        let update = OrderUpdate {
            account: self.account(),
            instrument: self.symbol(),
            price: Price(self.rng.pick(mix.prices)),
            fill_price: Price(self.rng.pick(mix.prices)),
            fill_qty: Qty(self.rng.pick(mix.qtys)),
            released_price: Price(self.rng.pick(mix.prices)),
            released_qty: Qty(self.rng.pick(mix.qtys)),
            closed: self.rng.one_in(2),
            ..common::news(kind, self.rng.side())
        };
        self.update(update);
        for scope in [KillScope::Global, KillScope::Account(update.account)] {
            let card = self.card.judge(&CardOp::Kill { scope, engaged: false });
            let naive = self.naive.kill(scope, false);
            self.agree(card, naive);
        }
    }
}

fn tight_symbol(rng: &mut Rng) -> SymbolLimits {
    SymbolLimits {
        buy: !rng.one_in(20),
        sell: !rng.one_in(20),
        lot: rng.pick(&[1, 1, 5, 10, 100]),
        qty_max: rng.pick(&[400, 10_000, 10_000]),
        notional_max: rng.pick(&[400_000, 10_000_000, 10_000_000]),
        price_low: rng.pick(&[0, 0, 995, 998]),
        price_high: rng.pick(&[1_002, 1_005, u32::MAX, u32::MAX]),
        long_max: rng.pick(&[500, 2_000, 20_000, 20_000]),
        short_max: rng.pick(&[500, 2_000, 20_000, 20_000]),
        open_orders_max: rng.pick(&[2, 4, 50, 50]),
    }
}

fn tight_account(rng: &mut Rng) -> AccountLimits {
    AccountLimits {
        open_orders_max: rng.pick(&[8, 200, 200]),
        gross_max: rng.pick(&[5_000_000, 100_000_000, 100_000_000]),
        net_max: rng.pick(&[2_000_000, 100_000_000, 100_000_000]),
        rate_per_s: rng.pick(&[10, 1_000, 3_000_000, 3_000_000]),
        rate_burst: rng.pick(&[2, 10, 1_000, 1_000]),
        per_second_max: rng.pick(&[3, 20, 1_000, 1_000]),
        per_day_max: rng.pick(&[200, 100_000, 100_000]),
        duplicate_window_ns: rng.pick(&[0, 1_000, 100_000_000]),
    }
}

fn extreme_symbol(rng: &mut Rng) -> SymbolLimits {
    SymbolLimits {
        lot: rng.pick(&[1, 1, 3, u32::MAX]),
        notional_max: rng.pick(&[u64::MAX, u64::MAX, 1 << 62]),
        long_max: rng.pick(&[POSITION as u64, u64::from(u32::MAX)]),
        short_max: rng.pick(&[POSITION as u64, u64::from(u32::MAX)]),
        ..WIDE_SYMBOL
    }
}

fn extreme_account(rng: &mut Rng) -> AccountLimits {
    AccountLimits {
        gross_max: rng.pick(&[HELD as u64, HELD as u64 - 1]),
        net_max: rng.pick(&[HELD as u64, HELD as u64 - 1]),
        duplicate_window_ns: rng.pick(&[0, 0, 0, u64::MAX]),
        rate_per_s: rng.pick(&[1_000_000_000, 1_000_000_000, 1]),
        ..WIDE_ACCOUNT
    }
}

/// Prices a few ticks apart, quantities near the limits: orders meet every rule.
const TIGHT: Mix = Mix {
    prices: &[994, 996, 997, 998, 999, 1_000, 1_001, 1_002, 1_003, 1_006],
    qtys: &[0, 1, 50, 100, 100, 200, 300, 400, 500],
    symbol: tight_symbol,
    account: tight_account,
    wrong: 0,
};

/// The same with reports that contradict the state.
const TIGHT_AND_WRONG: Mix = Mix { wrong: 1, ..TIGHT };

/// Everything at the ends of its width.
const EXTREME: Mix = Mix {
    prices: &[
        -1,
        0,
        0,
        0,
        1,
        1,
        1,
        1 << 31,
        U32 as i64 - 1,
        U32 as i64,
        1 << 32,
        i64::MAX,
        i64::MIN,
    ],
    qtys: &[0, 1, 1, 1, 3, 3, 1 << 31, U32 as u64 - 1, U32 as u64, U32 as u64, 1 << 32, u64::MAX],
    symbol: extreme_symbol,
    account: extreme_account,
    wrong: 1,
};

fn run(seed: u64, mix: &Mix, steps: u32) -> Stream {
    println!("seed {seed}");
    let mut stream = Stream::new(seed, mix);
    for _ in 0..steps {
        stream.step(mix);
    }
    stream
}

fn tally(into: &mut BTreeMap<&'static str, u64>, from: &Stream) {
    for (name, count) in &from.alone {
        *into.entry(name).or_default() += count;
    }
}

#[test]
fn card_agrees_with_the_twin_and_nothing_stays_open() {
    let (mut alone, mut passed) = (BTreeMap::new(), 0);
    for seed in 0..24 {
        let mut stream = run(seed, &TIGHT, 10_000);
        assert_eq!(stream.card.faults(), 0, "legal reports are never faults");
        stream.naive.sums_add_up();
        while let Some(index) = stream.live.len().checked_sub(1) {
            match stream.live[index].replaces {
                Some(orig) => stream.answer_replace(index, orig),
                None => stream.close(index, UpdateKind::Canceled),
            }
        }
        for account in (0..ACCOUNTS).map(AccountId) {
            let row = stream.card.account(account).expect("inside");
            assert_eq!((row.open_notional, row.open_orders), ([0, 0], 0), "seed {seed}");
            for symbol in (0..SYMBOLS).map(InstrumentId) {
                let row = stream.card.holding(account, symbol).expect("inside");
                assert_eq!((row.open_qty, row.open_orders), ([0, 0], 0), "seed {seed}");
            }
        }
        assert_eq!(stream.card.faults(), 0, "seed {seed}");
        tally(&mut alone, &stream);
        passed += stream.passed;
    }
    println!("passed {passed}, refused by one rule alone: {alone:?}");
    assert!(passed > 20_000, "{passed}");
    let card_rules = Rule::ALL.into_iter().filter(|rule| rule.is_card());
    for rule in card_rules {
        assert!(alone.get(rule.name()).is_some_and(|n| *n >= 10), "{rule:?}: {alone:?}");
    }
}

#[test]
fn card_agrees_with_the_twin_when_reports_contradict_the_state() {
    let mut faults = 0;
    for seed in 100..112 {
        faults += run(seed, &TIGHT_AND_WRONG, 6_000).card.faults();
    }
    assert!(faults > 500, "{faults}");
}

#[test]
fn card_agrees_with_the_twin_at_the_ends_of_all_widths() {
    let (mut passed, mut faults, mut saturated) = (0, 0, 0);
    for seed in 200..216 {
        let stream = run(seed, &EXTREME, 6_000);
        passed += stream.passed;
        faults += stream.card.faults();
        let rows = (0..ACCOUNTS).filter_map(|id| stream.card.account(AccountId(id)));
        saturated += rows.filter(|row| row.net_held.unsigned_abs() >= 1 << 62).count();
    }
    println!("passed {passed}, faults {faults}, accounts near an end {saturated}");
    assert!(passed > 1_000 && faults > 500 && saturated > 3, "{passed} {faults} {saturated}");
}

#[test]
fn same_stream_gives_the_same_state() {
    let text = |stream: Stream| format!("{:?}", stream.card);
    assert_eq!(text(run(7, &TIGHT, 2_000)), text(run(7, &TIGHT, 2_000)));
}
