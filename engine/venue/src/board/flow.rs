//! Background orders: a random but plausible day through the same door as everybody's orders.
//!
//! Model: each security has a fair price that wanders by ticks and now and then jumps (news). Orders
//! rest around it, some cross, some come without a price, some break a rule on purpose; as more rest
//! than wanted, cancels win over orders. Waiting times are exponential, activity over securities is
//! Zipf's. The seed decides everything.

use nofx_types::{Market, Nanos, OrderRef, Phase, Price, Side};

use super::Board;
use super::orders::{Entry, Kind, Owner};
use super::said::What;
use crate::day::draw::{Draw, Zipf};

/// Mean distance of a resting order from the fair price, in ticks.
const SPREAD_TICKS: u64 = 6;

pub(super) struct Flow {
    draw: Draw,
    zipf: Zipf,
    /// Between two requests, on average.
    mean_ns: u64,
    next_at: Nanos,
    /// Orders sent so far.
    sent: u64,
    accounts: u32,
    rows: Box<[Row]>,
}

struct Row {
    fair: Price,
    /// Orders that may still be open.
    open: Vec<OrderRef>,
}

impl Flow {
    /// Opens its accounts; `None` without a rate.
    pub fn new(board: &mut Board, draw: &mut Draw) -> Option<Flow> {
        let config = board.config.flow;
        if config.rate == 0 {
            return None;
        }
        let accounts = config.accounts.max(1);
        for index in 0..accounts {
            // The flow's accounts are the first, so that index and number are the same.
            let account = board.accounts.named(&format!("FLOW{index:04}"));
            for row in 0..board.lines.len() as u32 {
                let odd = draw.below(100);
                let start = config.holding / 2 + draw.below(config.holding + 1) + odd;
                if let Some(holding) = board.accounts.holding_mut(account, row) {
                    holding.start += start;
                }
            }
        }
        let fair = |security: &super::Security| security.previous_close.max(Price(100));
        let row = |security| Row { fair: fair(security), open: Vec::new() };
        Some(Flow {
            draw: Draw::new(draw.below(u64::MAX)),
            zipf: Zipf::new(board.securities.len(), config.zipf_quarters),
            mean_ns: (1_000_000_000 / u64::from(config.rate)).max(1),
            next_at: board.voice.now,
            sent: 0,
            accounts,
            rows: board.securities.iter().map(row).collect(),
        })
    }

    fn wait(&mut self) -> u64 {
        1 + self.draw.exponential(self.mean_ns)
    }
}

/// What the flow is about to do.
enum Deed {
    Cancel(OrderRef),
    Amend(OrderRef),
    Enter(Entry),
    Nothing,
}

impl Board {
    /// When the flow acts next; never while no orders are taken.
    pub(super) fn flow_due(&self) -> Option<Nanos> {
        let flow = self.flow.as_ref()?;
        let trades = self.stage.is_call() || self.stage.phase() == Phase::Continuous;
        (trades && self.session().orders).then_some(flow.next_at)
    }

    /// A period begins: nothing was due before it.
    pub(super) fn flow_wait(&mut self) {
        if let Some(flow) = &mut self.flow {
            flow.next_at = self.voice.now.plus(flow.wait());
        }
    }

    /// One request.
    pub(super) fn flow_step(&mut self) {
        let Some(mut flow) = self.flow.take() else { return };
        flow.next_at = self.voice.now.plus(flow.wait());
        let row = flow.zipf.rank(&mut flow.draw);
        let deed = self.deed(&mut flow, row);
        match deed {
            Deed::Cancel(key) => _ = self.cancel_key(key),
            Deed::Amend(key) => self.amend_some(&mut flow.draw, key),
            Deed::Enter(entry) => {
                flow.sent += 1;
                if let (Ok(key), Some(row)) = (self.enter(&entry), flow.rows.get_mut(row)) {
                    row.open.push(key);
                }
            }
            Deed::Nothing => {}
        }
        self.flow = Some(flow);
    }

    fn deed(&self, flow: &mut Flow, row: usize) -> Deed {
        let config = &self.config.flow;
        let Flow { draw, rows, accounts, sent, .. } = flow;
        let Some(state) = rows.get_mut(row) else { return Deed::Nothing };
        self.wander(draw, row, &mut state.fair);
        let open = self.pick_open(draw, &mut state.open);
        let target = u64::from(config.resting.max(1));
        // As many cancels as orders when the book is as full as wanted.
        let crowd = (state.open.len() as u64).min(2 * target);
        match open {
            Some(key) if draw.chance(crowd, crowd + target) => {
                if self.market == Market::Hkex && draw.chance(1, 8) {
                    Deed::Amend(key)
                } else {
                    Deed::Cancel(key)
                }
            }
            _ => Deed::Enter(self.order(draw, row as u32, state.fair, *accounts, *sent)),
        }
    }

    /// The fair price goes its way, and stays within the day's limits and near what trades.
    fn wander(&self, draw: &mut Draw, row: usize, fair: &mut Price) {
        let Some(line) = self.lines.get(row) else { return };
        let tick = &line.security.rules.tick.rule;
        if draw.chance(u64::from(self.config.flow.news), 10_000) {
            // Hong Kong needs more than 10 % for a cooling-off.
            let most = if self.market == Market::Hkex { 1_400 } else { 350 };
            let bps = draw.below(2 * most + 1) as i64 - most as i64;
            *fair = tick.round(Price(fair.0 + fair.0 * bps / 10_000));
        } else if draw.chance(1, 20) {
            *fair = tick.step(*fair, if draw.chance(1, 2) { 1 } else { -1 });
        }
        let close = line.security.previous_close;
        let (mut low, mut high) = (line.security.limit_low, line.security.limit_high);
        if high == Price(0) {
            (low, high) = (Price(close.0 * 7 / 10), Price(close.0 * 13 / 10));
        }
        *fair = (*fair).clamp(tick.step(low, 1), tick.step(high, -1).max(tick.step(low, 1)));
    }

    /// Any of the orders that are still open.
    fn pick_open(&self, draw: &mut Draw, open: &mut Vec<OrderRef>) -> Option<OrderRef> {
        for _ in 0..8 {
            if open.is_empty() {
                return None;
            }
            let at = draw.below(open.len() as u64) as usize;
            let key = open[at];
            if self.orders.get(key).is_some_and(|order| order.leaves > 0) {
                return Some(key);
            }
            open.swap_remove(at);
        }
        None
    }

    fn order(&self, draw: &mut Draw, row: u32, fair: Price, accounts: u32, sent: u64) -> Entry {
        let side = Side::BOTH[draw.below(2) as usize];
        let account = draw.below(u64::from(accounts)) as u32;
        let kind = self.kind(draw);
        let price = self.price(draw, row, side, kind, fair);
        let mut entry = Entry {
            owner: Owner::FLOW,
            client: sent,
            account,
            row,
            side,
            kind,
            price,
            qty: 0,
            short: false,
        };
        entry.qty = self.quantity(draw, &entry);
        let Some(line) = self.lines.get(row as usize) else { return entry };
        if side == Side::Sell && line.security.rules.designated && draw.chance(1, 20) {
            entry.short = true;
        }
        if draw.chance(u64::from(self.config.flow.wrong), 10_000) {
            self.spoil(draw, line, &mut entry);
        }
        entry
    }

    fn kind(&self, draw: &mut Draw) -> Kind {
        use Kind::*;
        let call = self.stage.is_call();
        let percent = draw.below(100);
        match (self.market, call) {
            (Market::Hkex, true) => match percent {
                0..=19 => AtAuction,
                20..=24 => AuctionOnly,
                _ => AtAuctionLimit,
            },
            (Market::Hkex, false) => match percent {
                0..=9 => LimitIoc,
                10..=13 => LimitFok,
                14..=33 => PlainLimit,
                34..=36 => OddLot,
                _ => Limit,
            },
            (_, true) => Limit,
            (Market::Szse, false) => match percent {
                0..=2 => OppositeBest,
                3..=5 => OwnBest,
                6..=8 => BestFive,
                9..=10 => AnyPrice,
                11..=12 => AllOrNone,
                _ => Limit,
            },
            (Market::Sse, false) => match percent {
                0..=1 => OppositeBest,
                2..=3 => OwnBest,
                4..=7 => BestFive,
                8..=11 => BestFiveRest,
                _ => Limit,
            },
        }
    }

    fn price(&self, draw: &mut Draw, row: u32, side: Side, kind: Kind, fair: Price) -> Price {
        let Some(line) = self.lines.get(row as usize).filter(|_| kind.has_price()) else {
            return Price(0);
        };
        let tick = &line.security.rules.tick.rule;
        let inward = side.sign() as i32;
        let best = self.touch(row).best(side.opposite());
        let steps = draw.exponential(SPREAD_TICKS) as i32;
        let percent = draw.below(100);
        let takes = matches!(kind, Kind::LimitIoc | Kind::LimitFok);
        let price = match (percent, best) {
            // At the limits of the day.
            (0, _) if line.security.limit_high > Price(0) => match side {
                Side::Buy => line.security.limit_high,
                Side::Sell => line.security.limit_low,
            },
            (1, _) if line.security.limit_high > Price(0) => match side {
                Side::Buy => line.security.limit_low,
                Side::Sell => line.security.limit_high,
            },
            // About the edge of the cage.
            (2..=4, Some(best)) if self.market != Market::Hkex => {
                let edge = Price(best.0 + side.sign() * best.0 * 2 / 100);
                tick.step(tick.round(edge), draw.below(9) as i32 - 4)
            }
            // Through the other side.
            (5..=24, Some(best)) if kind != Kind::PlainLimit => {
                tick.step(best, inward * (draw.exponential(2) as i32))
            }
            (_, Some(best)) if takes || percent < 25 => best,
            _ if self.stage.is_call() && percent < 50 => tick.step(fair, inward * steps / 2),
            _ => tick.step(fair, -inward * (1 + steps)),
        };
        match line.session_band {
            Some(band) if band.low <= band.high => price.clamp(band.low, band.high),
            _ => price,
        }
    }

    fn quantity(&self, draw: &mut Draw, entry: &Entry) -> u32 {
        let Some(line) = self.lines.get(entry.row as usize) else { return 0 };
        let lot = line.security.rules.lot.rule;
        let many = 1 + draw.exponential(6) as u32;
        if entry.kind == Kind::OddLot {
            return 1 + draw.below(u64::from(lot.min.max(2) - 1)) as u32;
        }
        let held = self.accounts.holding(entry.account, entry.row);
        let sellable = held.sellable(!line.security.rules.next_day_only());
        let odd = (sellable % u64::from(lot.step.max(1))) as u32;
        let whole = lot.min + lot.step * (many - 1) + if lot.step == 1 { many * 50 } else { 0 };
        if entry.side == Side::Sell && odd > 0 && draw.chance(1, 25) {
            return odd + if draw.chance(1, 2) { whole } else { 0 };
        }
        whole
    }

    /// Breaks one rule.
    fn spoil(&self, draw: &mut Draw, line: &super::line::Line, entry: &mut Entry) {
        let rules = &line.security.rules;
        match draw.below(4) {
            0 if entry.kind.has_price() => entry.price.0 += 1,
            1 => entry.qty += rules.lot.rule.step / 2,
            2 if line.security.limit_high > Price(0) => {
                entry.price = rules.tick.rule.above(line.security.limit_high);
            }
            _ => entry.qty = entry.qty.saturating_mul(100_000),
        }
    }

    /// Another quantity for an order of Hong Kong.
    fn amend_some(&mut self, draw: &mut Draw, key: OrderRef) {
        let Some(order) = self.orders.get(key).copied() else { return };
        let lot = self.lines.get(order.entry.row as usize).map_or(1, |line| line.security.lot);
        let grows = draw.chance(1, 3);
        let leaves = if grows { order.leaves + lot } else { order.leaves.saturating_sub(lot) };
        let whole = order.entry.kind != Kind::OddLot && leaves > 0;
        if whole && self.session().cancels {
            self.change(&order, key, order.entry.price, leaves);
            self.settle(order.entry.row);
        }
    }

    /// Takes a trade back, as the exchange may (Hong Kong): only said, the books stay.
    pub fn cancel_trade(&mut self, row: u32, trade: u64) -> bool {
        let Some(done) = self.execution(row, trade) else { return false };
        self.say(row, What::TradeCanceled { trade });
        for (key, price, qty) in done {
            let Some(order) = self.orders.get(key).copied() else { continue };
            let (id, owner) = (order.entry.client, order.entry.owner);
            let qty = nofx_types::Qty(u64::from(qty));
            let match_id = trade;
            self.tell(owner, crate::gateway::Tell::TradeCanceled { id, qty, price, match_id });
        }
        true
    }
}
