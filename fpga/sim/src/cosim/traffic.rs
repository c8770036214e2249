//! Operations at random, as a host would send them or as it never should.
//!
//! Model: [`Traffic`] draws kind, row and values from a seeded generator. It knows the orders that
//! passed (from the verdicts it is shown), so that reports name live orders; a scenario may ask for
//! reports of anything. Kills and halts that the verdicts show are lifted again after a while, so that
//! a run does not spend itself refusing.

use std::collections::VecDeque;

use nofx_fpga::regs::{effect, kind, op, rule, scope};
use nofx_fpga::{OpLine, Snapshot, Table, VerdictLine};
use nofx_risk::card::{
    AccountLimits, AccountRegs, CancelOp, CardOp, FillEffect, KillScope, OrderOp, SymbolLimits,
    SymbolRegs, UpdateOp,
};
use nofx_rt::rng::Rng;
use nofx_types::{AccountId, InstrumentId, Price, Qty, Side};

/// How large the numbers are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Values {
    /// As in trading.
    Plain,
    /// Below ten, limits too: every comparison meets limit - 1, limit and limit + 1.
    Tiny,
    /// The ends of every width, and negative prices.
    Extreme,
}

/// What traffic is made of.
#[derive(Clone, Debug)]
pub struct Mix {
    /// How large the numbers are.
    pub values: Values,
    /// Reports of orders that are not live, unknown kinds and rows outside the tables, of 256.
    pub wild: u64,
    /// Global kills by operation.
    pub kills: bool,
    /// Rows in use.
    pub rows: Rows,
}

/// Which rows operations name.
#[derive(Clone, Debug)]
pub struct Rows {
    /// Accounts of the tables.
    pub accounts: u16,
    /// Symbols of the tables.
    pub symbols: u32,
    /// Three of each, or all.
    pub hot: Option<([u16; 3], [u32; 3])>,
}

impl Rows {
    /// Three accounts and three symbols of tables of that size.
    pub fn hot(accounts: u16, symbols: u32, rng: &mut Rng) -> Rows {
        let account = |rng: &mut Rng| rng.below(u64::from(accounts)) as u16;
        let symbol = |rng: &mut Rng| rng.below(u64::from(symbols)) as u32;
        let hot = Some(([(); 3].map(|()| account(rng)), [(); 3].map(|()| symbol(rng))));
        Rows { accounts, symbols, hot }
    }

    /// Every row.
    pub fn all(accounts: u16, symbols: u32) -> Rows {
        Rows { accounts, symbols, hot: None }
    }

    /// The accounts that operations name.
    pub fn account_list(&self) -> Vec<u16> {
        self.hot.map_or_else(|| (0..self.accounts).collect(), |(accounts, _)| accounts.to_vec())
    }

    /// The symbols that operations name.
    pub fn symbol_list(&self) -> Vec<u32> {
        self.hot.map_or_else(|| (0..self.symbols).collect(), |(_, symbols)| symbols.to_vec())
    }

    fn draw(&self, rng: &mut Rng) -> (AccountId, InstrumentId) {
        match &self.hot {
            Some((accounts, symbols)) => {
                (AccountId(pick(rng, accounts)), InstrumentId(pick(rng, symbols)))
            }
            None => (
                AccountId(rng.below(u64::from(self.accounts)) as u16),
                InstrumentId(rng.below(u64::from(self.symbols)) as u32),
            ),
        }
    }
}

#[derive(Clone, Copy)]
struct Live {
    account: AccountId,
    symbol: InstrumentId,
    side: Side,
    price: u32,
    open: u32,
}

/// The generator.
pub struct Traffic {
    rng: Rng,
    mix: Mix,
    live: Vec<Live>,
    traded: Vec<(Live, u32, u32)>,
    remedies: VecDeque<CardOp>,
    now_ns: u64,
    epoch: u32,
}

/// Most live orders that are remembered.
const LIVE_MAX: usize = 256;
const BITS: [u64; 16] = [
    0,
    1,
    2,
    3,
    (1 << 31) - 1,
    1 << 31,
    (1 << 32) - 2,
    (1 << 32) - 1,
    1 << 32,
    (1 << 47) - 2,
    (1 << 47) - 1,
    1 << 47,
    (1 << 62) - 1,
    (1 << 63) - 1,
    1 << 63,
    u64::MAX,
];

impl Traffic {
    /// Traffic of that mix.
    pub fn new(seed: u64, mix: Mix) -> Traffic {
        Traffic {
            rng: Rng::new(seed),
            mix,
            live: Vec::new(),
            traded: Vec::new(),
            remedies: VecDeque::new(),
            now_ns: 1_700_000_000_000_000_000,
            epoch: 0,
        }
    }

    /// Operations that permit trading in every row in use, and release the kill.
    pub fn opening(&mut self) -> Vec<OpLine> {
        let mut lines = Vec::new();
        for symbol in self.mix.rows.symbol_list() {
            lines.push(self.set_symbol(InstrumentId(symbol)));
        }
        for account in self.mix.rows.account_list() {
            lines.push(self.set_account(AccountId(account)));
        }
        lines.push(encode(&CardOp::Kill { scope: KillScope::Global, engaged: false }));
        self.live.clear();
        self.traded.clear();
        self.remedies.clear();
        lines
    }

    /// The next operation, not numbered.
    pub fn draw(&mut self) -> OpLine {
        self.step_time();
        if self.rng.chance(1, 3)
            && let Some(remedy) = self.remedies.pop_front()
        {
            return encode(&remedy);
        }
        if self.rng.below(256) < self.mix.wild {
            return self.wild();
        }
        let crowded = self.live.len() as u64 * 128 / LIVE_MAX as u64;
        match self.rng.below(256 + crowded) {
            0..90 => self.order(kind::NEW),
            90..110 => self.order(kind::REPLACE),
            110..128 => self.cancel(),
            128..140 => self.order(kind::RESTORE),
            140..143 if self.mix.kills => self.kill(),
            143..146 => self.halt(),
            146..148 => self.raise_epoch(),
            148..160 => self.configure(),
            160..168 => self.snapshot(),
            168..171 => OpLine::barrier(0, 0),
            171..178 => self.broken_trade(),
            _ => self.report(),
        }
    }

    /// Learns what became of an operation.
    pub fn observe(&mut self, line: &OpLine, verdict: &VerdictLine) {
        let rejects = verdict.rejects().0;
        let crowded = self.remedies.len() > 3;
        if verdict.killed() && self.mix.kills && !crowded && self.rng.chance(1, 8) {
            self.remedies.push_back(CardOp::Kill { scope: KillScope::Global, engaged: false });
        }
        let (account, symbol) = (line.account(), line.symbol());
        match line.kind() {
            kind::NEW | kind::REPLACE | kind::RESTORE if rejects == 0 => self.add(Live {
                account,
                symbol,
                side: side_of(line),
                price: line.get(op::PRICE) as u32,
                open: line.get(op::QTY) as u32,
            }),
            kind::NEW | kind::REPLACE => self.remedy(account, symbol, rejects),
            _ => {}
        }
    }

    fn remedy(&mut self, account: AccountId, symbol: InstrumentId, rejects: u64) {
        if self.remedies.len() > 3 || !self.rng.chance(1, 2) {
            return;
        }
        let release = |scope| CardOp::Kill { scope, engaged: false };
        if rejects & rule::KILL_ACCOUNT != 0 {
            self.remedies.push_back(release(KillScope::Account(account)));
        }
        if rejects & rule::KILL_SYMBOL != 0 {
            self.remedies.push_back(release(KillScope::Symbol(symbol)));
        }
        if rejects & rule::HALT != 0 {
            self.remedies.push_back(CardOp::Halt { symbol, halted: false });
        }
    }

    /// One order more than can be remembered drives another off the market.
    fn add(&mut self, order: Live) {
        if self.live.len() < LIVE_MAX {
            return self.live.push(order);
        }
        let at = self.rng.below(LIVE_MAX as u64) as usize;
        let gone = std::mem::replace(&mut self.live[at], order);
        self.remedies.push_back(CardOp::Update(report(&gone, None, gone.open, true)));
    }

    fn step_time(&mut self) {
        let tiny = self.mix.values == Values::Tiny;
        let step = if tiny { self.rng.below(4) } else { self.rng.below(2_000) };
        self.now_ns = match self.rng.below(1024) {
            0..2 => self.now_ns.saturating_add(86_400_000_000_000),
            2..18 => self.now_ns.saturating_add(1_000_000_000),
            _ => self.now_ns.saturating_add(step),
        };
    }

    /// An order of that kind.
    pub fn order(&mut self, kind: u8) -> OpLine {
        let (account, symbol) = self.mix.rows.draw(&mut self.rng);
        let side = self.side();
        let order = OrderOp {
            account,
            symbol,
            side,
            price: Price(self.order_price(side)),
            qty: Qty(self.qty()),
            epoch: self.stamp(),
            now_ns: self.now(),
        };
        let line = match kind {
            kind::RESTORE => OpLine::restore(&order, 0, 0, 0),
            kind::REPLACE => encode(&CardOp::Replace(order)),
            _ => encode(&CardOp::New(order)),
        };
        self.windows(line)
    }

    fn cancel(&mut self) -> OpLine {
        let (account, symbol) = self.mix.rows.draw(&mut self.rng);
        let line = encode(&CardOp::Cancel(CancelOp { account, symbol, now_ns: self.now() }));
        self.windows(line)
    }

    /// At the ends of the widths a line may name a second and a day that its time does not.
    fn windows(&mut self, mut line: OpLine) -> OpLine {
        if self.mix.values == Values::Extreme && self.rng.chance(1, 8) {
            line.set(op::SECOND, self.any());
            line.set(op::DAY, self.any());
        }
        line
    }

    fn report(&mut self) -> OpLine {
        if self.live.is_empty() {
            return self.order(kind::NEW);
        }
        let at = self.rng.below(self.live.len() as u64) as usize;
        let mut order = self.live[at];
        let trades = self.rng.chance(1, 2);
        let qty = match self.rng.below(3) {
            0 => order.open,
            _ => self.rng.below(u64::from(order.open) + 1) as u32,
        };
        let fill_price = self.near(order.price);
        let (fill, released) = if trades { (qty, 0) } else { (0, order.open) };
        order.open -= fill + released;
        if trades && self.traded.len() < LIVE_MAX {
            self.traded.push((order, fill_price, fill));
        }
        if order.open == 0 {
            self.live.swap_remove(at);
        } else {
            self.live[at] = order;
        }
        let trade = trades.then_some((FillEffect::Fill, fill_price, fill));
        encode(&CardOp::Update(report(&order, trade, released, order.open == 0)))
    }

    fn broken_trade(&mut self) -> OpLine {
        if self.traded.is_empty() {
            return self.report();
        }
        let at = self.rng.below(self.traded.len() as u64) as usize;
        let (order, price, qty) = self.traded.swap_remove(at);
        let trade = Some((FillEffect::Break, price, qty));
        encode(&CardOp::Update(report(&order, trade, 0, false)))
    }

    fn kill(&mut self) -> OpLine {
        let (account, symbol) = self.mix.rows.draw(&mut self.rng);
        let scope = match self.rng.below(4) {
            0 => KillScope::Global,
            1 => KillScope::Account(account),
            _ => KillScope::Symbol(symbol),
        };
        encode(&CardOp::Kill { scope, engaged: self.rng.chance(1, 3) })
    }

    fn halt(&mut self) -> OpLine {
        let (_, symbol) = self.mix.rows.draw(&mut self.rng);
        encode(&CardOp::Halt { symbol, halted: self.rng.chance(1, 3) })
    }

    fn raise_epoch(&mut self) -> OpLine {
        let epoch = match self.rng.below(4) {
            0 => self.epoch.saturating_sub(1),
            _ => self.epoch.saturating_add(1),
        };
        self.epoch = self.epoch.max(epoch);
        encode(&CardOp::Epoch(epoch))
    }

    fn configure(&mut self) -> OpLine {
        let (account, symbol) = self.mix.rows.draw(&mut self.rng);
        if self.rng.chance(1, 2) { self.set_symbol(symbol) } else { self.set_account(account) }
    }

    /// A set of limits; also what commits of the shadow carry.
    pub fn set_symbol(&mut self, symbol: InstrumentId) -> OpLine {
        let tight = |rng: &mut Rng| rng.chance(1, 6);
        let rng = &mut self.rng;
        let mut limits = SymbolLimits {
            buy: !rng.chance(1, 12),
            sell: !rng.chance(1, 12),
            lot: if rng.chance(1, 2) { 1 } else { pick(rng, &[100, 50, 100, 3]) },
            qty_max: u32::MAX,
            notional_max: u64::MAX,
            price_low: 0,
            price_high: u32::MAX,
            long_max: (1 << 47) - 1,
            short_max: (1 << 47) - 1,
            open_orders_max: 1_000,
        };
        match self.mix.values {
            Values::Plain => {
                if tight(rng) {
                    limits.qty_max = 300;
                }
                if tight(rng) {
                    limits.notional_max = 3_000_000;
                }
                if tight(rng) {
                    (limits.price_low, limits.price_high) = (9_970, 10_020);
                }
                if tight(rng) {
                    (limits.long_max, limits.short_max) = (2_000, 2_000);
                }
                if tight(rng) {
                    limits.open_orders_max = rng.below(20) as u32;
                }
            }
            Values::Tiny => {
                limits.lot = pick(rng, &[1, 1, 1, 2, 3]);
                limits.qty_max = seldom(rng, u32::MAX, &[2, 3, 4]);
                limits.notional_max = seldom(rng, u64::MAX, &[4, 6, 9]);
                limits.price_low = seldom(rng, 0, &[1, 2]);
                limits.price_high = seldom(rng, u32::MAX, &[2, 3, 4]);
                limits.long_max = pick(rng, &[limits.long_max, 6, 9, 30]);
                limits.short_max = pick(rng, &[limits.short_max, 6, 9, 30]);
                limits.open_orders_max = seldom(rng, 1_000, &[1, 2, 4, 8]);
            }
            Values::Extreme => {
                limits.lot = pick(rng, &[1, 1, 1, 2, 3, u32::MAX, 1 << 31]);
                limits.qty_max = seldom(rng, u32::MAX, &[u32::MAX - 1, 1 << 31, 2, 0]);
                limits.notional_max = seldom(rng, u64::MAX, &BITS);
                limits.price_low = seldom(rng, 0, &[1, 2, u32::MAX]);
                limits.price_high = seldom(rng, u32::MAX, &[u32::MAX - 1, 1 << 31, 1]);
                limits.long_max = seldom(rng, limits.long_max, &[(1 << 47) - 2, 1 << 33, 2]);
                limits.short_max = seldom(rng, limits.short_max, &[(1 << 47) - 2, 1 << 33, 2]);
                limits.open_orders_max = seldom(rng, u32::MAX, &[0, 1, 30]);
            }
        }
        let regs = SymbolRegs::new(&limits).expect("within the widths");
        let line = encode(&CardOp::SetSymbol { symbol, regs });
        self.scrambled(line, &[op::LOT_SHIFT, op::LOT_INVERSE, op::LOT_QUOTIENT])
    }

    /// A set of limits of an account.
    pub fn set_account(&mut self, account: AccountId) -> OpLine {
        let tight = |rng: &mut Rng| rng.chance(1, 6);
        let rng = &mut self.rng;
        let mut limits = AccountLimits {
            open_orders_max: 10_000,
            gross_max: (1 << 62) - 1,
            net_max: (1 << 62) - 1,
            rate_per_s: 1_000_000,
            rate_burst: 1 << 10,
            per_second_max: u32::MAX,
            per_day_max: u32::MAX,
            duplicate_window_ns: pick(rng, &[0, 1_000, 10_000]),
        };
        match self.mix.values {
            Values::Plain => {
                if tight(rng) {
                    limits.open_orders_max = rng.below(30) as u32;
                }
                if tight(rng) {
                    limits.gross_max = 40_000_000;
                }
                if tight(rng) {
                    limits.net_max = 20_000_000;
                }
                if tight(rng) {
                    limits.rate_burst = 1 + rng.below(4) as u32;
                }
                if tight(rng) {
                    limits.per_second_max = rng.below(200) as u32;
                }
                if tight(rng) {
                    limits.per_day_max = rng.below(2_000) as u32;
                }
            }
            Values::Tiny => {
                limits.open_orders_max = seldom(rng, 10_000, &[2, 4, 7, 12]);
                limits.gross_max = seldom(rng, limits.gross_max, &[20, 40, 80]);
                limits.net_max = seldom(rng, limits.net_max, &[5, 10, 20]);
                limits.rate_per_s = pick(rng, &[1_000_000_000, 500_000_000, 250_000_000]);
                limits.rate_burst = seldom(rng, 1 << 20, &[1, 2, 4, 8]);
                limits.per_second_max = seldom(rng, u32::MAX, &[3, 10, 20]);
                limits.per_day_max = seldom(rng, u32::MAX, &[30, 60]);
                limits.duplicate_window_ns = seldom(rng, 0, &[1, 2, 5, 12]);
            }
            Values::Extreme => {
                limits.open_orders_max = seldom(rng, u32::MAX, &[0, 1, 30]);
                limits.gross_max = seldom(rng, limits.gross_max, &BITS) >> 2;
                limits.net_max = seldom(rng, limits.net_max, &BITS) >> 2;
                limits.rate_per_s = pick(rng, &[1, 1_000_000_000, 1_000_000_000]);
                limits.rate_burst = pick(rng, &[1, 1 << 20, 1 << 20]);
                limits.per_second_max = seldom(rng, u32::MAX, &[0, 1, 40]);
                limits.per_day_max = seldom(rng, u32::MAX, &[0, 1, 400]);
                limits.duplicate_window_ns = seldom(rng, 0, &BITS);
            }
        }
        let regs = AccountRegs::new(&limits).expect("within the widths");
        let line = encode(&CardOp::SetAccount { account, regs });
        self.scrambled(line, &[op::RATE_INTERVAL_NS, op::RATE_TOLERANCE_NS])
    }

    /// At the ends of the widths a card holds any pattern, not only those that limits come to.
    fn scrambled(&mut self, mut line: OpLine, fields: &[nofx_fpga::Field]) -> OpLine {
        if self.mix.values == Values::Extreme && self.rng.chance(1, 4) {
            for field in fields {
                let value = if self.rng.chance(1, 2) { self.rng.next() } else { self.any() };
                line.set(*field, value);
            }
        }
        line
    }

    fn snapshot(&mut self) -> OpLine {
        let (account, symbol) = self.mix.rows.draw(&mut self.rng);
        let table =
            pick(&mut self.rng, &[Table::Symbol, Table::Account, Table::Holding, Table::Globals]);
        let part = self.rng.below(4) as u8;
        OpLine::snapshot(&Snapshot { table, account, symbol, part }, 0, 0)
    }

    /// What no host should send.
    fn wild(&mut self) -> OpLine {
        let mut line = match self.rng.below(8) {
            0 => {
                let mut line = OpLine::ZERO;
                line.words.fill_with(|| self.rng.next());
                line.set(op::KIND, self.rng.below(13));
                if line.kind() == kind::EPOCH {
                    line.set(op::EPOCH, u64::from(self.epoch)); // else no order passes any more
                }
                return line;
            }
            1 if self.rng.chance(1, 8) => {
                return self
                    .order(kind::NEW)
                    .with(op::KIND, pick(&mut self.rng, &[0, 13, 255, 128]));
            }
            2 => self.order(kind::NEW),
            3 => self.configure(),
            4 => self.kill().with(op::SCOPE, self.rng.below(5)),
            5 => {
                self.snapshot().with(op::TABLE, self.rng.below(6)).with(op::PART, self.rng.below(9))
            }
            6 => self.cancel(),
            _ => return self.wild_report(),
        };
        match self.rng.below(4) {
            0 => line.set(op::ACCOUNT, pick(&mut self.rng, &[256, 65_535, 257])),
            1 => line.set(op::ACCOUNT, u64::from(self.mix.rows.accounts)),
            2 => line.set(op::SYMBOL, u64::from(self.mix.rows.symbols)),
            _ => line.set(op::SYMBOL, pick(&mut self.rng, &[8_192, u64::from(u32::MAX), 8_193])),
        }
        if line.kind() == kind::KILL && line.get(op::SCOPE) as u8 == scope::GLOBAL {
            line.set(op::FLAGS, 0);
        }
        line
    }

    /// A report that contradicts the state, or whose numbers fit nothing.
    fn wild_report(&mut self) -> OpLine {
        let (account, symbol) = self.mix.rows.draw(&mut self.rng);
        let line = OpLine::ZERO
            .with(op::KIND, kind::UPDATE.into())
            .with(op::ACCOUNT, account.0.into())
            .with(op::SYMBOL, symbol.0.into())
            .with(op::FLAGS, self.rng.next())
            .with(op::PRICE, self.price() as u64)
            .with(op::FILL_PRICE, self.price() as u64)
            .with(op::FILL_QTY, self.qty())
            .with(op::RELEASED_PRICE, self.price() as u64)
            .with(op::RELEASED_QTY, self.qty())
            .with(op::ENDS, self.rng.below(2));
        let effect = pick(&mut self.rng, &[effect::NONE, effect::FILL, effect::BREAK, 3, 255]);
        let line = line.with(op::EFFECT, effect.into());
        match self.rng.below(32) {
            0 => line.with(op::SYMBOL, u64::from(self.mix.rows.symbols)),
            1 => line.with(op::ACCOUNT, u64::from(self.mix.rows.accounts)),
            _ => line,
        }
    }

    fn side(&mut self) -> Side {
        if self.rng.chance(1, 2) { Side::Sell } else { Side::Buy }
    }

    /// Mostly on its own side of the market, so that not every order would match an own one.
    fn order_price(&mut self, side: Side) -> i64 {
        let apart = match (self.mix.values, side) {
            (_, Side::Buy) => 0,
            _ if self.rng.chance(1, 8) => 0,
            (Values::Plain, _) => 50,
            (Values::Tiny, _) => 3,
            (Values::Extreme, _) => 0,
        };
        let price = self.price();
        if self.mix.values == Values::Extreme { price } else { price + apart }
    }

    fn price(&mut self) -> i64 {
        match self.mix.values {
            Values::Plain => 9_950 + 5 * self.rng.below(10) as i64,
            Values::Tiny => self.rng.below(4) as i64,
            Values::Extreme => match self.rng.below(16) {
                0 => -(self.any() as i64 & i64::MAX),
                1 => self.any() as i64,
                2..5 => i64::from(u32::MAX) - self.rng.below(2) as i64,
                5..8 => i64::from(self.rng.next() as u32),
                _ => self.rng.below(3) as i64,
            },
        }
    }

    fn qty(&mut self) -> u64 {
        match self.mix.values {
            Values::Plain if self.rng.chance(1, 32) => self.rng.below(500),
            Values::Plain => 100 + 100 * self.rng.below(5),
            Values::Tiny => self.rng.below(6),
            Values::Extreme => match self.rng.below(8) {
                0 => self.any(),
                1..3 => u64::from(u32::MAX) - self.rng.below(2),
                3 => self.rng.next() >> 32,
                _ => 1 + self.rng.below(3),
            },
        }
    }

    fn near(&mut self, price: u32) -> u32 {
        match self.mix.values {
            Values::Extreme => self.any() as u32,
            _ => (price + self.rng.below(3) as u32).saturating_sub(1),
        }
    }

    fn now(&mut self) -> u64 {
        match self.rng.below(256) {
            0 if self.mix.values == Values::Extreme && self.rng.chance(1, 4) => self.any(),
            // A stamp may step back.
            0..4 => self.now_ns.saturating_sub(self.rng.below(3_000_000_000)),
            4..16 => self.now_ns.saturating_sub(self.rng.below(10)),
            _ => self.now_ns,
        }
    }

    fn stamp(&mut self) -> u32 {
        match self.rng.below(24) {
            0 => self.epoch.saturating_sub(1),
            1 => self.epoch.saturating_add(1),
            _ => self.epoch,
        }
    }

    fn any(&mut self) -> u64 {
        any(&mut self.rng)
    }
}

/// The line of an operation, not numbered; days begin at midnight.
pub fn encode(op: &CardOp) -> OpLine {
    OpLine::encode(op, 0, 0, 0)
}

/// A report of a trade (price and quantity), of what is released, and whether the order ends.
fn report(
    order: &Live,
    trade: Option<(FillEffect, u32, u32)>,
    released: u32,
    ends: bool,
) -> UpdateOp {
    let (effect, fill_price, fill_qty) = trade.unwrap_or((FillEffect::None, 0, 0));
    UpdateOp {
        account: order.account,
        symbol: order.symbol,
        side: order.side,
        effect,
        price: Price(order.price.into()),
        fill_price: Price(fill_price.into()),
        fill_qty: Qty(fill_qty.into()),
        released_price: Price(order.price.into()),
        released_qty: Qty(released.into()),
        ends,
    }
}

/// One of `from`.
pub fn pick<T: Copy>(rng: &mut Rng, from: &[T]) -> T {
    from[rng.below(from.len() as u64) as usize]
}

/// Mostly `wide`.
fn seldom<T: Copy>(rng: &mut Rng, wide: T, tight: &[T]) -> T {
    if rng.chance(1, 5) { pick(rng, tight) } else { wide }
}

fn any(rng: &mut Rng) -> u64 {
    pick(rng, &BITS)
}

fn side_of(line: &OpLine) -> Side {
    if line.get(op::FLAGS) & 1 != 0 { Side::Sell } else { Side::Buy }
}
