//! Orders meet the books: trades, what rests, what is taken off.

use nofx_types::{Level, OrderRef, Price, Pricing, Qty, Side};

use super::dump::Execution;
use super::orders::{Kind, Order, State};
use super::said::{Party, Place, What};
use super::voice::public;
use super::{Board, is_priceless, priceless};
use crate::gateway::{Ended, Tell};
use crate::matching::{MatchSink, Resting, Trade};

/// How an order is taken off.
#[derive(Clone, Copy)]
pub(super) struct Cut {
    /// Why.
    pub why: Ended,
    /// The owner's request, 0 for none.
    pub request: u64,
    /// The public hears nothing of it: the day ended.
    pub silent: bool,
}

impl Cut {
    pub fn by_venue(why: Ended) -> Cut {
        Cut { why, request: 0, silent: false }
    }

    fn state(&self) -> State {
        match self.why {
            Ended::Asked | Ended::MassCancel | Ended::Disconnect => State::Canceled,
            Ended::Unfilled | Ended::Venue => State::Ended,
            Ended::Expired => State::Expired,
        }
    }
}

/// One fill as matching tells it.
#[derive(Clone, Copy)]
pub(super) enum Fill {
    /// An incoming order with a resting one.
    Taken(Trade),
    /// Two resting orders, at the end of a call.
    Crossed(Resting, Resting, u32),
}

/// Collects fills; what they mean is worked out when matching is done.
#[derive(Default)]
pub(super) struct Fills(pub Vec<Fill>);

impl MatchSink for Fills {
    fn rested(&mut self, _: &Resting) {}
    fn executed(&mut self, trade: &Trade) {
        self.0.push(Fill::Taken(*trade));
    }
    fn reduced(&mut self, _: &Resting, _: u32) {}
    fn deleted(&mut self, _: &Resting) {}
    fn replaced(&mut self, _: &Resting, _: &Resting) {}
    fn crossed(&mut self, bid: &Resting, ask: &Resting, qty: u32) {
        self.0.push(Fill::Crossed(*bid, *ask, qty));
    }
}

/// A trade as both its sides see it.
struct Done {
    row: u32,
    price: Price,
    qty: u32,
    /// The key of the incoming order, if one came.
    taker: Option<(OrderRef, Side)>,
    bid: (OrderRef, Party),
    offer: (OrderRef, Party),
}

impl Board {
    /// Lets an accepted order trade up to `limit`; returns what is left.
    pub(super) fn meet(&mut self, key: OrderRef, limit: Price) -> u32 {
        let Some(order) = self.orders.get(key) else { return 0 };
        let (row, side, qty) = (order.entry.row, order.entry.side, order.leaves);
        let mut shown = self.shown(row);
        let mut fills = Fills(std::mem::take(&mut self.fills));
        fills.0.clear();
        // An accepted order has a quantity, a book, and a key of its own.
        let _ = self.books.take(row, key, side, limit, qty, &mut fills);
        for fill in &fills.0 {
            if let Fill::Taken(trade) = fill {
                self.taken(row, side, trade);
                self.show_fill(row, &mut shown, &trade.maker, trade.qty);
            }
        }
        self.fills = fills.0;
        self.orders.get(key).map_or(0, |order| order.leaves)
    }

    fn taken(&mut self, row: u32, side: Side, trade: &Trade) {
        let taker = Party {
            order: public(trade.taker),
            left: trade.taker_left,
            resting: false,
            price: Price(0),
        };
        let maker = (trade.maker.order, resting_party(&trade.maker));
        let (bid, offer) = match side {
            Side::Buy => ((trade.taker, taker), maker),
            Side::Sell => (maker, (trade.taker, taker)),
        };
        let (price, qty) = (trade.maker.price, trade.qty);
        let taker = Some((trade.taker, side));
        self.traded(&Done { row, price, qty, taker, bid, offer });
    }

    /// Lets the fronts of both sides trade `volume` at `price`: the end of a call.
    pub(super) fn cross(&mut self, row: u32, price: Price, volume: u64) {
        let mut shown = self.shown(row);
        let mut fills = Fills::default();
        self.books.uncross(row, volume, &mut fills);
        for fill in &fills.0 {
            if let Fill::Crossed(bid, ask, qty) = fill {
                let sides = [(bid.order, resting_party(bid)), (ask.order, resting_party(ask))];
                let [bid_side, offer] = sides;
                let done = Done { row, price, qty: *qty, taker: None, bid: bid_side, offer };
                self.traded(&done);
                self.show_fill(row, &mut shown, bid, *qty);
                self.show_fill(row, &mut shown, ask, *qty);
            }
        }
    }

    /// Everything that follows from one trade.
    fn traded(&mut self, done: &Done) {
        let Done { row, price, qty, .. } = *done;
        let money = (price.0.max(0) as u64).saturating_mul(u64::from(qty));
        let at = self.course.day_time(self.voice.now);
        let Some(line) = self.lines.get_mut(row as usize) else { return };
        let trade = line.count_trade(price, qty, money, at);
        let aggressor = done.taker.map(|(_, side)| side);
        let (bid, offer, auction) = (done.bid.1, done.offer.1, done.taker.is_none());
        self.say(row, What::Trade { trade, bid, offer, price, qty, aggressor, auction });
        for (side, (key, _)) in [(Side::Buy, done.bid), (Side::Sell, done.offer)] {
            let maker = done.taker.is_some_and(|(taker, _)| taker != key);
            let Some(order) = self.orders.get_mut(key) else { continue };
            order.leaves -= qty.min(order.leaves);
            order.filled += qty;
            if order.leaves == 0 {
                order.state = State::Filled;
            }
            let order = *order;
            let (account, short) = (order.entry.account, order.entry.short);
            self.accounts.trade(account, row, side, qty, money, short);
            let (id, qty) = (order.entry.client, Qty(u64::from(qty)));
            self.tell(order.entry.owner, Tell::Trade { id, qty, price, match_id: trade, maker });
        }
        let (at, orders) = (self.voice.now, [done.bid.0, done.offer.0]);
        self.keep_execution(Execution { at, row, price, qty, trade, auction, orders });
    }

    /// What is left of an accepted order joins its book at `price`.
    pub(super) fn rest(&mut self, key: OrderRef, price: Price) {
        let Some(order) = self.orders.get_mut(key) else { return };
        order.entry.price = if is_priceless(order.entry.side, price) { Price(0) } else { price };
        order.state = State::Open;
        let (row, side, qty, executed) =
            (order.entry.row, order.entry.side, order.leaves, order.filled);
        if self.books.rest(row, key, side, price, qty, &mut Fills::default()).is_err() {
            return self.take_off(key, Cut::by_venue(Ended::Venue));
        }
        if let Some(place) = self.place(key) {
            self.say(row, What::Rested { order: place, executed });
        }
        self.show(row, side, price);
    }

    /// Takes what is left off an open order, wherever it is.
    pub(super) fn take_off(&mut self, key: OrderRef, cut: Cut) {
        let Some(order) = self.orders.get_mut(key).filter(|order| order.leaves > 0) else { return };
        let (entry, by) = (order.entry, order.leaves);
        order.leaves = 0;
        order.state = cut.state();
        let order = *order;
        let place = self.place(key);
        self.leave(key);
        if let Some(line) = self.lines.get_mut(entry.row as usize) {
            line.forget(key);
        }
        if entry.side == Side::Sell && !entry.short {
            self.accounts.freeze(entry.account, entry.row, by, false);
        }
        match (entry.kind, cut.silent) {
            (_, true) => {}
            (Kind::OddLot, _) => {
                self.say(entry.row, What::OddLotGone { order: public(key), side: entry.side });
            }
            _ => self.say_canceled(&order, place, by),
        }
        if cut.silent && !self.config.expiry_reports {
            return;
        }
        let (id, qty) = (entry.client, Qty(u64::from(by)));
        self.tell(entry.owner, Tell::Canceled { id, request: cut.request, qty, why: cut.why });
    }

    fn say_canceled(&mut self, order: &Order, place: Option<Place>, by: u32) {
        let entry = order.entry;
        let pricing = Pricing::Limit;
        let (order, side, price) = (public(order.key), entry.side, entry.price);
        let nowhere = Place { order, side, pricing, price, qty: 0, in_level: 0, in_side: 0 };
        let shown = Place { qty: 0, ..place.unwrap_or(nowhere) };
        let rested = place.is_some();
        self.say(entry.row, What::Canceled { order: shown, by, rested });
        if let Some(place) = place {
            self.show(entry.row, side, price_in_book(&place));
        }
    }

    /// Takes an order out of its book, if it rests.
    pub(super) fn leave(&mut self, key: OrderRef) {
        let _ = self.books.delete(key, &mut Fills::default()); // not found: it never rested
    }

    /// Where an order stands in its book.
    pub(super) fn place(&self, key: OrderRef) -> Option<Place> {
        let resting = self.books.order(key)?;
        let Resting { row, side, .. } = resting;
        let (mut in_level, mut in_side) = (0, 0);
        if self.ranks {
            let before = self.books.resting_orders(row, side).take_while(|o| o.order != key);
            for order in before {
                in_side += 1;
                in_level += u32::from(order.price == resting.price);
            }
        }
        let market = is_priceless(side, resting.price);
        let pricing = if market { Pricing::Market } else { Pricing::Limit };
        let price = if market { Price(0) } else { resting.price };
        let order = public(key);
        Some(Place { order, side, pricing, price, qty: resting.qty, in_level, in_side })
    }

    /// Says how a level is now, if that is asked for.
    pub(super) fn show(&mut self, row: u32, side: Side, price: Price) {
        if !self.config.levels || is_priceless(side, price) {
            return;
        }
        let found = self.books.levels(row, side).find(|level| level.price == price);
        let level = found.unwrap_or(Level { price, ..Level::default() });
        self.say(row, What::Level { side, level });
    }

    /// The levels as they stand before matching changes them all at once.
    fn shown(&self, row: u32) -> [Vec<Level>; 2] {
        if !self.config.levels {
            return [Vec::new(), Vec::new()];
        }
        Side::BOTH.map(|side| self.books.levels(row, side).collect())
    }

    /// The same after one more fill of `maker`.
    fn show_fill(&mut self, row: u32, shown: &mut [Vec<Level>; 2], maker: &Resting, qty: u32) {
        let side = maker.side;
        let found = shown[side.index()].iter_mut().find(|level| level.price == maker.price);
        let Some(level) = found else { return };
        level.qty.0 -= u64::from(qty).min(level.qty.0);
        level.orders -= u32::from(maker.qty == 0);
        let level = *level;
        if !is_priceless(side, level.price) {
            self.say(row, What::Level { side, level });
        }
    }
}

/// Price at which an order stands in matching.
pub(super) fn price_in_book(place: &Place) -> Price {
    if place.pricing == Pricing::Market { priceless(place.side) } else { place.price }
}

fn resting_party(order: &Resting) -> Party {
    let market = is_priceless(order.side, order.price);
    let price = if market { Price(0) } else { order.price };
    Party { order: public(order.order), left: order.qty, resting: true, price }
}
