//! The naive twin of the card, written from the definitions of the issue with maps, lists and
//! 128-bit numbers. It shares no code with the card: own prices are a list per side, duplicates are
//! looked up in the whole history, sums are clamped to the widths at which the card saturates.

use std::collections::{BTreeMap, BTreeSet};

use nofx_gate::{Rejects, Rule};
use nofx_risk::card::{AccountLimits, CardState, KillScope, SymbolLimits};
use nofx_types::{
    AccountId, InstrumentId, IntentKind, OrderIntent, OrderUpdate, Price, Qty, Side, UpdateKind,
};

use crate::common::{ACCOUNTS, DAY_START_NS, SYMBOLS};

type Row = (u16, u32);

pub const U32: i128 = u32::MAX as i128;
pub const POSITION: i128 = (1 << 47) - 1;
pub const HELD: i128 = (1 << 62) - 1;

#[derive(Clone, Default)]
struct Open {
    qty: i128,
    /// Every own price on the side since it was last empty.
    prices: Vec<i128>,
}

#[derive(Default)]
pub struct Naive {
    pub symbol_limits: BTreeMap<u32, SymbolLimits>,
    pub account_limits: BTreeMap<u16, AccountLimits>,
    pub halted: BTreeSet<u32>,
    killed_symbols: BTreeSet<u32>,
    killed_accounts: BTreeSet<u16>,
    killed: bool,
    pub epoch: u32,
    faults: u64,
    position: BTreeMap<Row, i128>,
    held: BTreeMap<Row, i128>,
    open: BTreeMap<(Row, bool), Open>,
    open_orders: BTreeMap<Row, i128>,
    accepted: BTreeMap<Row, Vec<(bool, i128, i128, i128)>>,
    open_money: BTreeMap<(u16, bool), i128>,
    gross: BTreeMap<u16, i128>,
    net: BTreeMap<u16, i128>,
    arrival: BTreeMap<u16, i128>,
    /// Messages per account and window; a stamp that steps back counts in the latest window.
    seconds: BTreeMap<u16, BTreeMap<i128, i128>>,
    days: BTreeMap<u16, BTreeMap<i128, i128>>,
}

fn get<K: Ord, V: Copy + Default>(map: &BTreeMap<K, V>, key: K) -> V {
    map.get(&key).copied().unwrap_or_default()
}

fn latest(windows: Option<&BTreeMap<i128, i128>>, window: i128) -> (i128, i128) {
    let last = windows.and_then(|w| w.last_key_value());
    match last {
        Some((at, count)) if *at >= window => (*at, *count),
        _ => (window, 0),
    }
}

impl Naive {
    fn inside(account: AccountId, symbol: InstrumentId) -> bool {
        account.0 < ACCOUNTS && symbol.0 < SYMBOLS
    }

    fn count(&mut self, account: u16, now_ns: u64) {
        let limits = self.account_limits[&account];
        let (now, rate) = (i128::from(now_ns), i128::from(limits.rate_per_s));
        let interval = (1_000_000_000 + rate - 1) / rate;
        let from = get(&self.arrival, account).max(now);
        self.arrival.insert(account, (from + interval).min(u64::MAX.into()));
        for (windows, window) in [
            (&mut self.seconds, now / 1_000_000_000),
            (&mut self.days, (now - i128::from(DAY_START_NS)).max(0) / 86_400_000_000_000),
        ] {
            let (at, count) = latest(windows.get(&account), window);
            windows.entry(account).or_default().insert(at, count + 1);
        }
    }

    pub fn intent(&mut self, intent: &OrderIntent) -> Rejects {
        let (account, symbol) = (intent.account.0, intent.instrument.0);
        let mut out = Rejects::NONE;
        if !Naive::inside(intent.account, intent.instrument) {
            return out.with(Rule::Range, true);
        }
        if intent.kind == IntentKind::Cancel {
            self.count(account, intent.now_ns.0);
            return out;
        }
        let (price, qty) = (i128::from(intent.price.0), i128::from(intent.qty.0));
        if !(0..=U32).contains(&price) || qty > U32 {
            return out.with(Rule::Range, true);
        }
        let (row, buy) = ((account, symbol), intent.side == Side::Buy);
        let (limits, of_all) = (self.symbol_limits[&symbol], self.account_limits[&account]);
        let money = price * qty;
        let mut refuse = |rule, refused| out = out.with(rule, refused);

        refuse(Rule::KillGlobal, self.killed);
        refuse(Rule::KillAccount, self.killed_accounts.contains(&account));
        refuse(Rule::KillSymbol, self.killed_symbols.contains(&symbol));
        refuse(Rule::Epoch, intent.epoch < self.epoch);
        refuse(Rule::Permission, if buy { !limits.buy } else { !limits.sell });
        refuse(Rule::Halt, self.halted.contains(&symbol));
        refuse(Rule::Lot, qty == 0 || qty % i128::from(limits.lot) != 0);
        refuse(Rule::MaxQty, qty > limits.qty_max.into());
        refuse(Rule::MaxNotional, money > limits.notional_max.into());
        let band = i128::from(limits.price_low)..=i128::from(limits.price_high);
        refuse(Rule::PriceBand, !band.contains(&price));

        let open = |buy| self.open.get(&(row, buy)).cloned().unwrap_or_default();
        let position = get(&self.position, row);
        let (longest, shortest) =
            (position + open(true).qty + qty, position - open(false).qty - qty);
        refuse(Rule::PositionLong, buy && longest > limits.long_max.into());
        refuse(Rule::PositionShort, !buy && -shortest > limits.short_max.into());

        let account_orders: i128 =
            (0..SYMBOLS).map(|symbol| get(&self.open_orders, (account, symbol))).sum();
        refuse(
            Rule::OpenOrders,
            get(&self.open_orders, row) >= limits.open_orders_max.into()
                || account_orders >= of_all.open_orders_max.into(),
        );

        let open_money = |buy| get(&self.open_money, (account, buy));
        let gross = get(&self.gross, account) + open_money(true) + open_money(false) + money;
        refuse(Rule::Gross, gross > of_all.gross_max.into());
        let net = get(&self.net, account);
        let reach = if buy { net } else { -net } + open_money(buy) + money;
        refuse(Rule::Net, reach > of_all.net_max.into());

        let (now, rate) = (i128::from(intent.now_ns.0), i128::from(of_all.rate_per_s));
        let interval = (1_000_000_000 + rate - 1) / rate;
        let tolerance = interval * (i128::from(of_all.rate_burst) - 1);
        refuse(Rule::Rate, get(&self.arrival, account) - now > tolerance);
        let (_, second) = latest(self.seconds.get(&account), now / 1_000_000_000);
        refuse(Rule::PerSecond, second >= of_all.per_second_max.into());
        let day = (now - i128::from(DAY_START_NS)).max(0) / 86_400_000_000_000;
        let (_, day) = latest(self.days.get(&account), day);
        refuse(Rule::PerDay, day >= of_all.per_day_max.into());

        let history = self.accepted.get(&row).map_or(&[][..], Vec::as_slice);
        let same = |(b, p, q, at): &(bool, i128, i128, i128)| {
            let age = (now - at).max(0);
            (*b, *p, *q) == (buy, price, qty) && age < of_all.duplicate_window_ns.into()
        };
        refuse(Rule::Duplicate, history.iter().rev().take(4).any(same));

        let against = open(!buy);
        let matches = |own: &i128| if buy { price >= *own } else { price <= *own };
        refuse(Rule::SelfMatch, against.qty > 0 && against.prices.iter().any(matches));

        if out.is_pass() {
            let side = self.open.entry((row, buy)).or_default();
            side.qty += qty;
            side.prices.push(price);
            *self.open_orders.entry(row).or_default() += 1;
            *self.open_money.entry((account, buy)).or_default() += money;
            self.accepted.entry(row).or_default().push((buy, price, qty, now));
            self.count(account, intent.now_ns.0);
        }
        out
    }

    /// Takes `qty` at `price` off what is open; true when that was not there.
    fn release(&mut self, row: Row, buy: bool, price: i128, qty: i128) -> bool {
        let side = self.open.entry((row, buy)).or_default();
        let money = self.open_money.entry((row.0, buy)).or_default();
        let fault = qty > side.qty || price * qty > *money;
        side.qty = (side.qty - qty).max(0);
        *money = (*money - price * qty).max(0);
        if side.qty == 0 {
            side.prices.clear();
        }
        fault
    }

    fn trade(&mut self, row: Row, buy: bool, price: i128, qty: i128) -> bool {
        let sign = if buy { 1 } else { -1 };
        let position = get(&self.position, row) + sign * qty;
        let mut fault = position.abs() > POSITION;
        let position = position.clamp(-POSITION, POSITION);
        let old = get(&self.held, row);
        let mut held = old + sign * price * qty;
        if position == 0 {
            held = 0;
        }
        fault |= held.abs() > HELD;
        held = held.clamp(-HELD, HELD);
        let gross = get(&self.gross, row.0) + held.abs() - old.abs();
        let net = get(&self.net, row.0) + held - old;
        fault |= !(0..=i128::from(u64::MAX)).contains(&gross);
        fault |= !(i128::from(i64::MIN)..=i128::from(i64::MAX)).contains(&net);
        self.position.insert(row, position);
        self.held.insert(row, held);
        self.gross.insert(row.0, gross.clamp(0, u64::MAX.into()));
        self.net.insert(row.0, net.clamp(i64::MIN.into(), i64::MAX.into()));
        fault
    }

    pub fn update(&mut self, update: &OrderUpdate) -> Rejects {
        use UpdateKind::*;
        if update.kind == RefusedByGate {
            return Rejects::NONE;
        }
        if !Naive::inside(update.account, update.instrument) {
            (self.killed, self.faults) = (true, self.faults + 1);
            return Rejects::NONE.with(Rule::Range, true);
        }
        let (row, buy) = ((update.account.0, update.instrument.0), update.side == Side::Buy);
        let mut fault = false;
        let mut fit = |price: Price, qty: Qty| {
            let (price, qty) = (i128::from(price.0), i128::from(qty.0));
            fault |= !(0..=U32).contains(&price) || qty > U32;
            (price.clamp(0, U32), qty.min(U32))
        };
        let nothing = update.kind == Unreserved;
        let released_qty = if nothing { Qty(0) } else { update.released_qty };
        let released = fit(update.released_price, released_qty);
        let traded = match update.kind {
            Filled | Broken | Unreserved => Some(fit(update.fill_price, update.fill_qty)),
            _ => None,
        };
        let reserved = match update.kind {
            Filled => Some(fit(update.price, update.fill_qty)),
            _ => None,
        };
        if let Some((price, qty)) = reserved {
            fault |= self.release(row, buy, price, qty);
        }
        if let Some((price, qty)) = traded {
            fault |= self.trade(row, buy == (update.kind != Broken), price, qty);
        }
        fault |= self.release(row, buy, released.0, released.1);
        let ends = match update.kind {
            Rejected | ReplaceRejected => true,
            Filled | Canceled | Replaced => update.closed,
            Accepted => update.closed && update.released_qty.0 > 0,
            RefusedByGate | CancelRejected | Broken | Unreserved => false,
        };
        if ends {
            let orders = self.open_orders.entry(row).or_default();
            fault |= *orders == 0;
            *orders = (*orders - 1).max(0);
        }
        if fault {
            self.faults += 1;
            self.killed_accounts.insert(row.0);
        }
        Rejects::NONE
    }

    pub fn kill(&mut self, scope: KillScope, engaged: bool) -> Rejects {
        fn put<T: Ord>(set: &mut BTreeSet<T>, value: T, inside: bool, on: bool) -> Rejects {
            let _ = inside && if on { set.insert(value) } else { set.remove(&value) };
            Rejects::NONE.with(Rule::Range, !inside)
        }
        match scope {
            KillScope::Global => {
                self.killed = engaged;
                Rejects::NONE
            }
            KillScope::Account(AccountId(a)) => {
                put(&mut self.killed_accounts, a, a < ACCOUNTS, engaged)
            }
            KillScope::Symbol(InstrumentId(s)) => {
                put(&mut self.killed_symbols, s, s < SYMBOLS, engaged)
            }
        }
    }

    /// Every word of the card's state that the twin holds too.
    #[track_caller]
    pub fn compare(&self, card: &CardState, what: &str) {
        assert_eq!((card.epoch(), card.killed()), (self.epoch, self.killed), "{what}");
        assert_eq!(card.faults(), self.faults, "{what}");
        for id in 0..SYMBOLS {
            let row = card.symbol(InstrumentId(id)).expect("inside");
            let flags = (self.halted.contains(&id), self.killed_symbols.contains(&id));
            assert_eq!((row.halted, row.killed), flags, "{what}");
        }
        for id in 0..ACCOUNTS {
            let row = card.account(AccountId(id)).expect("inside");
            let window = |windows: &BTreeMap<u16, BTreeMap<i128, i128>>| {
                let last = windows.get(&id).and_then(|w| w.last_key_value());
                last.map_or((0, 0), |(at, count)| (*at, *count))
            };
            assert_eq!(i128::from(row.gross_held), get(&self.gross, id), "gross {what}");
            assert_eq!(i128::from(row.net_held), get(&self.net, id), "net {what}");
            let open = [true, false].map(|buy| get(&self.open_money, (id, buy)));
            assert_eq!(row.open_notional.map(i128::from), open, "open notional {what}");
            assert_eq!(i128::from(row.arrival_ns), get(&self.arrival, id), "arrival {what}");
            let second = (i128::from(row.second), i128::from(row.second_cnt));
            assert_eq!(second, window(&self.seconds), "second {what}");
            let day = (i128::from(row.day), i128::from(row.day_cnt));
            assert_eq!(day, window(&self.days), "day {what}");
            assert_eq!(row.killed, self.killed_accounts.contains(&id), "{what}");
            let mut orders = 0;
            for symbol in 0..SYMBOLS {
                let key = (id, symbol);
                let row = card.holding(AccountId(id), InstrumentId(symbol)).expect("inside");
                assert_eq!(i128::from(row.position), get(&self.position, key), "position {what}");
                assert_eq!(i128::from(row.held), get(&self.held, key), "held {what}");
                assert_eq!(i128::from(row.open_orders), get(&self.open_orders, key), "{what}");
                orders += get(&self.open_orders, key);
                for side in Side::BOTH {
                    let buy = side == Side::Buy;
                    let open = self.open.get(&(key, buy)).cloned().unwrap_or_default();
                    assert_eq!(i128::from(row.open_qty[side.index()]), open.qty, "open {what}");
                    let prices = open.prices.iter().copied();
                    let best = if buy { prices.max() } else { prices.min() };
                    let mine = row.self_match_price(side).map(i128::from);
                    let best = best.filter(|_| open.qty > 0);
                    assert_eq!(mine, best, "self-match price {what}");
                }
            }
            assert_eq!(i128::from(row.open_orders), orders, "open orders {what}");
        }
    }

    /// Without faults the account's sums are what adding its holdings up gives.
    pub fn sums_add_up(&self) {
        for account in 0..ACCOUNTS {
            let held = (0..SYMBOLS).map(|symbol| get(&self.held, (account, symbol)));
            assert_eq!(get(&self.gross, account), held.clone().map(i128::abs).sum());
            assert_eq!(get(&self.net, account), held.sum());
        }
    }
}
