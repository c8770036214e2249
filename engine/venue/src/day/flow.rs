//! Order flow: what traders do to the books, one action at a time.
//!
//! Model: each instrument has a fair price that walks, and orders follow it. Adds stand at a
//! geometric distance behind their own touch with a tail out to 500 ticks; where the touch lags the
//! fair price they step in front of it, and quotes on its wrong side are pulled or taken. Three of
//! four changes hit one of the youngest orders of the instrument. Shares of the actions follow a
//! Nasdaq day: 48 % adds, 41 % deletes, 5 % replaces, 4 % executions.
//!
//! An instrument's displayed orders hover around what it opened with: above that a tenth of the
//! adds become deletes, a quarter above it all of them do, which bounds the memory of the day.
//!
//! The books belong to the caller, who may let others trade in them: a flow touches its own orders,
//! and hits whatever stands in front of a queue.
//!
//! Worst case: a sweep executes one order after the other up to its quantity, 20,000 shares.

use nofx_types::{OrderRef, Price, Side, Symbol};

use super::draw::Draw;
use super::tape::wire_price;
use crate::matching::{MatchSink, Matching, Resting};
use crate::publisher::Happening;

/// Price step, a cent.
pub(crate) const TICK: i64 = 100;
/// Lowest fair price, a dollar.
const FAIR_MIN: i64 = 10_000;
/// Highest fair price, 5,000 dollars.
const FAIR_MAX: i64 = 50_000_000;
/// An order of others is taken within so many ticks of the fair price.
const FOREIGN_TICKS: i64 = 100;
/// Firms that sign orders and make markets.
pub(crate) const FIRMS: [[u8; 4]; 4] = [*b"ALFA", *b"BETA", *b"GAMM", *b"DELT"];
/// What an incoming order that never rests is called.
const TAKER: OrderRef = OrderRef(0);

/// What an instrument accepts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Cancels only.
    Halted,
    /// Orders, no executions.
    Quoting,
    /// Everything.
    Trading,
}

/// An instrument of the day.
#[derive(Clone, Debug)]
pub(crate) struct Stock {
    /// What its orders follow, in 1/10,000.
    pub fair: i64,
    /// What stands between fair price and a quote, in 1/10,000.
    pub half_spread: i64,
    /// How many displayed orders it has when the day is quiet.
    pub target: usize,
    /// What it accepts.
    pub phase: Phase,
    /// Their references, young ones at the end; those that were filled are dropped when met.
    orders: Vec<OrderRef>,
}

impl Stock {
    pub fn new(fair: i64, half_spread: i64, target: usize) -> Stock {
        let orders = Vec::with_capacity(2 * most_orders(target));
        Stock { fair, half_spread, target, phase: Phase::Trading, orders }
    }
}

/// Most displayed orders of an instrument that hovers around `target`.
pub(crate) fn most_orders(target: usize) -> usize {
    target + target / 4 + 1
}

/// What a trader does.
#[derive(Clone, Copy, Debug)]
enum Action {
    Add,
    AddSigned,
    Delete,
    Replace,
    Take,
    Hidden,
    Cancel,
    Retail,
}

/// Actions and how many of 10,000 they are.
const MIX: [(Action, u64); 8] = [
    (Action::Add, 4_675),
    (Action::AddSigned, 140),
    (Action::Delete, 4_055),
    (Action::Replace, 490),
    (Action::Take, 400),
    (Action::Hidden, 140),
    (Action::Cancel, 95),
    (Action::Retail, 5),
];

/// Where a flow acts: hears the matching, says the rest, and keeps count.
pub(crate) trait Floor: MatchSink {
    /// Symbol of a row.
    fn symbol(&self, row: usize) -> Symbol;
    /// Says something about an instrument.
    fn say(&mut self, row: usize, what: &Happening);
    /// A fill of hidden orders.
    fn hidden_trade(&mut self, row: usize, price: u32, shares: u32);
    /// Who signs the next order to rest.
    fn sign(&mut self, mpid: Option<[u8; 4]>);
    /// Price of the coming executions, if not the order's, and whether they print.
    fn reprice(&mut self, priced: Option<(Price, bool)>);
    /// A new reference, `gap` numbers behind the next one.
    fn order_ref(&mut self, gap: u64) -> OrderRef;
    /// Whether a resting order is the flow's own.
    fn owns(&self, order: OrderRef) -> bool;
    /// How many orders of the flow rest in an instrument.
    fn live(&self, row: usize) -> usize;
}

/// Who trades, and where prices go.
pub(crate) struct Flow {
    pub draw: Draw,
    pub stocks: Vec<Stock>,
}

impl Flow {
    pub fn new(draw: Draw, stocks: Vec<Stock>) -> Flow {
        Flow { draw, stocks }
    }

    /// Most orders that rest at one time.
    pub fn orders_max(&self) -> usize {
        self.stocks.iter().map(|stock| most_orders(stock.target)).sum()
    }

    /// Something happens in the instrument, unless it is halted.
    pub fn step<F: Floor>(&mut self, row: usize, market: &mut Matching, floor: &mut F) {
        self.walk(row);
        self.act(row, market, floor);
    }

    fn act<F: Floor>(&mut self, row: usize, market: &mut Matching, floor: &mut F) {
        match (self.stocks[row].phase, self.action()) {
            (Phase::Halted, Action::Delete) => self.delete(row, market, floor),
            (Phase::Halted, _) => {}
            (_, Action::Add) => self.add(row, None, market, floor),
            (_, Action::AddSigned) => self.add_signed(row, market, floor),
            (_, Action::Delete) => self.delete(row, market, floor),
            (_, Action::Replace) => self.replace(row, market, floor),
            (_, Action::Cancel) => self.cancel(row, market, floor),
            (_, Action::Retail) => self.retail(row, floor),
            (Phase::Trading, Action::Take) => self.take(row, market, floor),
            (Phase::Trading, Action::Hidden) => self.hidden(row, market, floor),
            (Phase::Quoting, Action::Take | Action::Hidden) => self.delete(row, market, floor),
        }
    }

    /// An order joins, before the day is open.
    pub fn seed<F: Floor>(&mut self, row: usize, market: &mut Matching, floor: &mut F) {
        let side = self.side();
        let distance = match self.draw.below(4) {
            0 => self.far(9),
            _ => self.draw.exponential(12),
        };
        let price = self.anchor(row, side) - side.sign() * distance as i64 * TICK;
        self.join(row, side, price, None, market, floor);
    }

    /// An order for a call that may cross: up to three ticks through the fair price.
    pub fn call_order<F: Floor>(&mut self, row: usize, market: &mut Matching, floor: &mut F) {
        let (side, through) = (self.side(), self.draw.between(0, 3) as i64 * TICK);
        let price = Price((self.anchor(row, side) + side.sign() * through).max(TICK));
        let (order, shares) = (self.next_order(floor), self.shares());
        if market.rest(row as u32, order, side, price, shares, floor).is_ok() {
            self.list(row, order, market);
        }
    }

    /// The fair price jumps by up to 40 ticks.
    pub fn news(&mut self, row: usize) {
        let jump = self.draw.between(1, 40) as i64 * TICK * self.side().sign();
        self.shift(row, jump);
    }

    /// A price between bid and ask, or the fair price where a side is empty.
    pub fn middle(&self, row: usize, market: &Matching) -> Price {
        let best = |side| market.best(row as u32, side).map(|level| level.price.0);
        let middle = match (best(Side::Buy), best(Side::Sell)) {
            (Some(bid), Some(ask)) => (bid + ask) / 2,
            _ => self.stocks[row].fair / TICK * TICK,
        };
        Price(middle)
    }

    fn action(&mut self) -> Action {
        let mut at = self.draw.below(10_000);
        for (action, part) in MIX {
            match at.checked_sub(part) {
                Some(rest) => at = rest,
                None => return action,
            }
        }
        Action::Add
    }

    fn add_signed<F: Floor>(&mut self, row: usize, market: &mut Matching, floor: &mut F) {
        let firm = FIRMS[self.draw.below(FIRMS.len() as u64) as usize];
        self.add(row, Some(firm), market, floor);
    }

    fn add<F: Floor>(
        &mut self,
        row: usize,
        mpid: Option<[u8; 4]>,
        market: &mut Matching,
        floor: &mut F,
    ) {
        let stock = &self.stocks[row];
        let (count, target) = (floor.live(row), stock.target);
        if count >= most_orders(target) || (count > target && self.draw.chance(1, 10)) {
            return self.delete(row, market, floor);
        }
        let side = self.side();
        let price = self.quote(row, side, market);
        self.join(row, side, price, mpid, market, floor);
    }

    fn join<F: Floor>(
        &mut self,
        row: usize,
        side: Side,
        price: i64,
        mpid: Option<[u8; 4]>,
        market: &mut Matching,
        floor: &mut F,
    ) {
        let (order, shares) = (self.next_order(floor), self.shares());
        let price = Self::inside(row, side, price, market);
        floor.sign(mpid);
        let outcome = market.add(row as u32, order, side, price, shares, floor);
        floor.sign(None);
        if outcome.is_ok() {
            self.list(row, order, market);
        }
    }

    /// Lists a new order; a full list first drops the orders that were filled.
    fn list(&mut self, row: usize, order: OrderRef, market: &Matching) {
        let orders = &mut self.stocks[row].orders;
        if orders.len() == orders.capacity() {
            orders.retain(|order| market.order(*order).is_some());
        }
        orders.push(order);
    }

    fn delete<F: Floor>(&mut self, row: usize, market: &mut Matching, floor: &mut F) {
        // An order that is known to rest is never refused.
        let lagging = self.lagging(row, market).filter(|order| floor.owns(order.order));
        if let Some(order) = lagging.filter(|_| self.draw.chance(1, 2)) {
            let _ = market.delete(order.order, floor);
        } else if let Some((at, order)) = self.pick(row, market) {
            self.stocks[row].orders.swap_remove(at);
            let _ = market.delete(order.order, floor);
        }
    }

    fn cancel<F: Floor>(&mut self, row: usize, market: &mut Matching, floor: &mut F) {
        let Some((_, order)) = self.pick(row, market) else { return };
        let lot = if order.qty > 100 { 100 } else { 1 };
        let lots = u64::from(order.qty.saturating_sub(1) / lot);
        let shares = self.draw.between(1, lots) as u32 * lot;
        let _ = market.cancel(order.order, shares, floor);
    }

    fn replace<F: Floor>(&mut self, row: usize, market: &mut Matching, floor: &mut F) {
        let Some((at, old)) = self.pick(row, market) else { return };
        let (new, price) = (self.next_order(floor), self.quote(row, old.side, market));
        let price = Self::inside(row, old.side, price, market);
        let shares = if self.draw.chance(1, 3) { self.shares() } else { old.qty };
        if market.replace(old.order, new, price, shares, floor).is_ok() {
            self.stocks[row].orders[at] = new;
        }
    }

    /// An incoming order that executes: against the front order alone, or through several levels.
    fn take<F: Floor>(&mut self, row: usize, market: &mut Matching, floor: &mut F) {
        let middle = self.middle(row, market).0;
        let push = ((self.stocks[row].fair - middle) / TICK).clamp(-7, 7);
        let rests = match self.draw.chance((16 + 2 * push) as u64, 32) {
            true => Side::Sell,
            false => Side::Buy,
        };
        let Some(front) = market.front(row as u32, rests) else { return };
        let away = (front.price.0 - self.stocks[row].fair).abs();
        if away > FOREIGN_TICKS * TICK && !floor.owns(front.order) {
            return; // somebody else's order that is alone on its side, at no price to trade at
        }
        match self.draw.below(1_000) {
            0..45 => {
                // An order that is ranked at a better price than it shows.
                floor.reprice(Some((Price(middle), true)));
                self.hit(&front, front.price, front.qty, market, floor);
                floor.reprice(None);
            }
            45..120 => {
                let shares = front.qty.saturating_add(self.draw.exponential(800) as u32);
                let limit = Price(front.price.0 + rests.sign() * -3 * TICK);
                self.hit(&front, limit, shares, market, floor);
            }
            120..650 => self.hit(&front, front.price, front.qty, market, floor),
            _ => {
                let part = self.draw.between(1, u64::from(front.qty)) as u32;
                self.hit(&front, front.price, part, market, floor);
            }
        }
    }

    /// Takes what rests in front of a queue.
    pub fn hit<F: Floor>(
        &mut self,
        front: &Resting,
        limit: Price,
        shares: u32,
        market: &mut Matching,
        floor: &mut F,
    ) {
        let side = front.side.opposite();
        let _ = market.take(front.row, TAKER, side, limit, shares, floor);
    }

    fn hidden<F: Floor>(&mut self, row: usize, market: &mut Matching, floor: &mut F) {
        let (price, shares) = (self.middle(row, market), self.shares());
        floor.hidden_trade(row, wire_price(price), shares);
    }

    fn retail<F: Floor>(&mut self, row: usize, floor: &mut F) {
        let interest = [b'B', b'S', b'A', b'N'][self.draw.below(4) as usize];
        floor.say(row, &Happening::Retail { symbol: floor.symbol(row), interest });
    }

    /// An order to change, mostly a young one, and its place in the list. Orders that were filled
    /// are dropped on the way.
    fn pick(&mut self, row: usize, market: &Matching) -> Option<(usize, Resting)> {
        let recent = self.draw.chance(3, 4);
        let back = if recent { self.draw.exponential(6) } else { u64::MAX };
        let orders = &mut self.stocks[row].orders;
        while !orders.is_empty() {
            let count = orders.len() as u64;
            let at = if back < count { count - 1 - back } else { self.draw.below(count) } as usize;
            match market.order(orders[at]) {
                Some(order) => return Some((at, order)),
                None => _ = orders.swap_remove(at),
            }
        }
        None
    }

    /// The front order of a touch that the fair price has passed.
    fn lagging(&self, row: usize, market: &Matching) -> Option<Resting> {
        let fair = Price(self.stocks[row].fair);
        let passed = |order: &Resting| order.side.better(order.price, fair);
        Side::BOTH.iter().find_map(|side| market.front(row as u32, *side).filter(passed))
    }

    /// A price for a new order.
    fn quote(&mut self, row: usize, side: Side, market: &Matching) -> i64 {
        let anchor = self.anchor(row, side);
        let own = market.best(row as u32, side).map_or(anchor, |level| level.price.0);
        let lag = (anchor - own) * side.sign() / TICK; // ticks that the touch is behind
        let distance = match self.draw.below(100) {
            0..12 if lag > 0 => -1,
            12..40 if lag > 2 => -lag,
            0..92 => self.draw.exponential(3) as i64,
            _ => self.far(9) as i64,
        };
        own - side.sign() * distance * TICK
    }

    /// Where the best quote of a side belongs: fair price less half a spread, away from it.
    fn anchor(&self, row: usize, side: Side) -> i64 {
        let Stock { fair, half_spread, .. } = self.stocks[row];
        match side {
            Side::Buy => (fair - half_spread).div_euclid(TICK) * TICK,
            Side::Sell => -(-(fair + half_spread)).div_euclid(TICK) * TICK,
        }
    }

    /// The price, moved where it does not trade: behind the other touch, and at least one tick.
    fn inside(row: usize, side: Side, price: i64, market: &Matching) -> Price {
        let other = market.best(row as u32, side.opposite()).map(|level| level.price.0);
        let price = match (side, other) {
            (Side::Buy, Some(ask)) => price.min(ask - TICK),
            (Side::Sell, Some(bid)) => price.max(bid + TICK),
            (_, None) => price,
        };
        Price(price.max(TICK))
    }

    /// A distance that is as often between 1 and 2 ticks as between 256 and 512.
    fn far(&mut self, octaves: u64) -> u64 {
        let octave = 1 << self.draw.below(octaves);
        octave + self.draw.below(octave)
    }

    /// Mostly a round lot; odd lots, several lots and blocks.
    fn shares(&mut self) -> u32 {
        let shares = match self.draw.below(100) {
            0..65 => 100,
            65..80 => self.draw.between(2, 5) * 100,
            80..95 => self.draw.between(1, 99),
            95..99 => self.draw.between(6, 20) * 100,
            _ => self.draw.between(2, 20) * 1_000,
        };
        shares as u32
    }

    fn side(&mut self) -> Side {
        if self.draw.chance(1, 2) { Side::Buy } else { Side::Sell }
    }

    /// References rise by small steps over all instruments: other ports take numbers too.
    fn next_order<F: Floor>(&mut self, floor: &mut F) -> OrderRef {
        floor.order_ref(self.draw.exponential(1))
    }

    /// The fair price takes a step of up to a fifth of a tick.
    fn walk(&mut self, row: usize) {
        let step = self.draw.between(0, 40) as i64 - 20;
        self.shift(row, step);
    }

    fn shift(&mut self, row: usize, by: i64) {
        let fair = &mut self.stocks[row].fair;
        *fair = (*fair + by).clamp(FAIR_MIN, FAIR_MAX);
    }
}
