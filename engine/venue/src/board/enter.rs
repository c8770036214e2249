//! Requests: new orders, amendments, cancels.

use nofx_types::{Nanos, OrderRef, Price, Pricing, Qty, Side, Symbol};

use super::course::Stage;
use super::law::Fate;
use super::line::OddLot;
use super::orders::{Entry, Kind, Order, Owner, State};
use super::said::What;
use super::trade::{Cut, Fills, price_in_book};
use super::voice::public;
use super::{Board, Place, priceless};
use crate::gateway::{self, Ask, Ended, Tell, Why};

/// What becomes of the part that finds nobody.
#[derive(Clone, Copy)]
enum Rest {
    /// It joins the book at a price.
    At(Price),
    /// It joins at the price of the last trade.
    AtLast,
    /// It is cancelled.
    Nowhere,
}

impl Board {
    /// Serves a request of `owner` at `now`.
    pub fn ask(&mut self, owner: Owner, now: Nanos, ask: &Ask) {
        self.follow(now);
        if self.stage == Stage::Pause && self.session().orders {
            return self.waiting.push((owner, *ask)); // taken, and served when trading begins
        }
        match *ask {
            Ask::New(entry) => {
                let done = self.neutral(owner, &entry).and_then(|entry| self.enter(&entry));
                if let Err(why) = done {
                    self.tell(owner, Tell::Rejected { id: entry.id, why });
                }
            }
            Ask::Amend { id, orig, price, qty } => {
                if let Err(why) = self.amend(owner, id, orig, price, qty) {
                    self.tell(owner, Tell::AmendRejected { request: id, orig, why });
                }
            }
            Ask::Cancel { id, orig } => {
                if let Err(why) = self.cancel(owner, id, orig) {
                    self.tell(owner, Tell::CancelRejected { request: id, orig, why });
                }
            }
            Ask::MassCancel { id, symbol, side } => self.mass_cancel(owner, id, symbol, side),
        }
    }

    fn neutral(&mut self, owner: Owner, entry: &gateway::Entry) -> Result<Entry, Why> {
        let row = self.row_of(entry.symbol).ok_or(Why::Symbol)?;
        let qty = u32::try_from(entry.qty.0).ok().filter(|qty| *qty > 0).ok_or(Why::Size)?;
        let account = self.accounts.named(entry.account.as_str());
        let gateway::Entry { id: client, side, kind, short, .. } = *entry;
        let price = if kind.has_price() { entry.price } else { Price(0) };
        Ok(Entry { owner, client, account, row, side, kind, price, qty, short })
    }

    /// A new order comes in, or is refused; the flow enters here.
    pub(super) fn enter(&mut self, entry: &Entry) -> Result<OrderRef, Why> {
        if self.orders.find(entry.owner, entry.client).is_some() {
            return Err(Why::Duplicate);
        }
        let fate = self.judge(entry, 0)?;
        let channel = self.channel_of(entry.row);
        let key = self.voice.next_key(channel);
        let state = if fate == Fate::Park { State::Parked } else { State::Open };
        let (at, leaves, filled) = (self.voice.now, entry.qty, 0);
        self.orders.push(Order { key, entry: *entry, at, leaves, filled, state });
        if entry.side == Side::Sell && !entry.short {
            self.accounts.freeze(entry.account, entry.row, entry.qty, true);
        }
        let pricing = match entry.kind {
            Kind::OwnBest => Pricing::OwnBest,
            kind if kind.has_price() => Pricing::Limit,
            _ => Pricing::Market,
        };
        let (order, side, price, qty) = (public(key), entry.side, entry.price, entry.qty);
        self.say(entry.row, What::OrderIn { order, side, pricing, price, qty });
        self.tell(entry.owner, Tell::Accepted { id: entry.client, order });
        match fate {
            Fate::Park => self.park(key),
            Fate::In => self.come_in(key),
        }
        self.settle(entry.row);
        Ok(key)
    }

    /// An accepted order meets its book in the way of the stage.
    pub(super) fn come_in(&mut self, key: OrderRef) {
        let Some(entry) = self.orders.get(key).map(|order| order.entry) else { return };
        if entry.kind == Kind::OddLot {
            return self.show_odd_lot(key, &entry);
        }
        if self.collects() {
            let price = if entry.kind.has_price() { entry.price } else { priceless(entry.side) };
            return self.rest(key, price);
        }
        let Some((limit, rest)) = self.reach(&entry) else {
            return self.take_off(key, Cut::by_venue(Ended::Unfilled));
        };
        let reach = self.brake(&entry, limit);
        let short = entry.kind == Kind::LimitFok && !self.has_enough(&entry, reach.price);
        let left = if short { entry.qty } else { self.meet(key, reach.price) };
        if left == 0 {
            return;
        }
        if reach.braked && self.would_trade(&entry, limit) {
            self.cool(entry.row);
            return self.take_off(key, Cut::by_venue(Ended::Venue));
        }
        let last = self.totals(entry.row).last;
        match rest {
            Rest::At(price) => self.rest(key, price),
            Rest::AtLast => self.rest(key, last),
            Rest::Nowhere => self.take_off(key, Cut::by_venue(Ended::Unfilled)),
        }
    }

    fn show_odd_lot(&mut self, key: OrderRef, entry: &Entry) {
        let Entry { row, side, price, qty, .. } = *entry;
        if let Some(line) = self.lines.get_mut(row as usize) {
            line.odd_lots.push(OddLot { key, side });
        }
        self.say(row, What::OddLot { order: public(key), side, price, qty });
    }

    /// Up to which price an order trades, and what becomes of its rest; `None` where there is nothing
    /// to take a price from, or not enough of it.
    fn reach(&self, entry: &Entry) -> Option<(Price, Rest)> {
        let Entry { row, side, price, .. } = *entry;
        let others = side.opposite();
        let best = |side| self.levels(row, side).next().map(|level| level.price);
        let fifth = || self.levels(row, others).take(5).last().map(|level| level.price);
        let any = priceless(side);
        let enough = |limit| self.has_enough(entry, limit);
        Some(match entry.kind {
            Kind::LimitIoc => (price, Rest::Nowhere),
            Kind::LimitFok => enough(price).then_some((price, Rest::Nowhere))?,
            Kind::OppositeBest => best(others).map(|price| (price, Rest::At(price)))?,
            Kind::OwnBest => best(side).map(|price| (price, Rest::At(price)))?,
            Kind::BestFive => (fifth()?, Rest::Nowhere),
            Kind::BestFiveRest => (fifth()?, Rest::AtLast),
            Kind::AnyPrice => best(others).map(|_| (any, Rest::Nowhere))?,
            Kind::AllOrNone => enough(any).then_some((any, Rest::Nowhere))?,
            _ => (price, Rest::At(price)),
        })
    }

    /// Whether the other side has the whole quantity up to `limit`.
    fn has_enough(&self, entry: &Entry, limit: Price) -> bool {
        let others = self.levels(entry.row, entry.side.opposite());
        let reached = others.take_while(|level| !entry.side.better(level.price, limit));
        reached.map(|level| level.qty.0).sum::<u64>() >= u64::from(entry.qty)
    }

    /// The owner's open order.
    fn open_order(&self, owner: Owner, client: u64) -> Result<Order, Why> {
        let order = self.orders.find(owner, client).ok_or(Why::Unknown)?;
        if order.leaves == 0 {
            return Err(Why::TooLate);
        }
        Ok(*order)
    }

    fn cancel(&mut self, owner: Owner, request: u64, orig: u64) -> Result<(), Why> {
        let order = self.open_order(owner, orig)?;
        if !self.session().cancels {
            return Err(Why::NoCancel);
        }
        self.take_off(order.key, Cut { why: Ended::Asked, request, silent: false });
        self.settle(order.entry.row);
        Ok(())
    }

    /// The flow's cancel.
    pub(super) fn cancel_key(&mut self, key: OrderRef) -> bool {
        let row = self.orders.get(key).filter(|order| order.leaves > 0).map(|o| o.entry.row);
        let Some(row) = row.filter(|_| self.session().cancels) else { return false };
        self.take_off(key, Cut { why: Ended::Asked, request: 0, silent: false });
        self.settle(row);
        true
    }

    fn mass_cancel(
        &mut self,
        owner: Owner,
        request: u64,
        symbol: Option<Symbol>,
        side: Option<Side>,
    ) {
        let row = symbol.map(|symbol| self.row_of(symbol));
        let meant = |order: &&Order| {
            order.entry.owner == owner
                && row.is_none_or(|row| row == Some(order.entry.row))
                && side.is_none_or(|side| side == order.entry.side)
        };
        let why = if request == 0 { Ended::Disconnect } else { Ended::MassCancel };
        let allowed = self.session().cancels;
        let found: Vec<Order> =
            self.orders.open().filter(meant).filter(|_| allowed).copied().collect();
        for order in &found {
            self.take_off(order.key, Cut { why, request, silent: false });
            self.settle(order.entry.row);
        }
        self.tell(owner, Tell::MassCanceled { request, orders: found.len() as u32 });
    }

    /// Another price, or more shares: to the end of the queue, as a new order would be; fewer shares
    /// alone keep the place (hkex-omd-c, rule 3).
    fn amend(
        &mut self,
        owner: Owner,
        id: u64,
        orig: u64,
        price: Option<Price>,
        qty: Option<Qty>,
    ) -> Result<(), Why> {
        if self.market != nofx_types::Market::Hkex {
            return Err(Why::Kind);
        }
        let order = self.open_order(owner, orig)?;
        if !self.session().cancels {
            return Err(Why::NoCancel);
        }
        let total = match qty {
            Some(qty) => u32::try_from(qty.0).map_err(|_| Why::Size)?,
            None => order.filled + order.leaves,
        };
        let leaves =
            total.checked_sub(order.filled).filter(|left| *left > 0).ok_or(Why::TooLate)?;
        let price = price.unwrap_or(order.entry.price);
        let mut entry = Entry { price, qty: leaves, client: id, ..order.entry };
        if self.orders.find(owner, id).is_some() {
            return Err(Why::Duplicate);
        }
        if price != order.entry.price || leaves > order.leaves {
            self.judge(&entry, u64::from(order.leaves))?;
        } else if leaves < order.leaves {
            entry.price = order.entry.price;
            self.judge_less(&entry)?;
        }
        let key = order.key;
        self.orders.rename(key, id);
        let now = Qty(u64::from(total));
        self.tell(owner, Tell::Amended { id, orig, price, qty: now });
        self.change(&order, key, price, leaves);
        self.settle(order.entry.row);
        Ok(())
    }

    /// Fewer shares still have to be whole lots.
    fn judge_less(&self, entry: &Entry) -> Result<(), Why> {
        let line = self.lines.get(entry.row as usize).ok_or(Why::Symbol)?;
        let whole = line.security.rules.lot.rule.whole(u64::from(entry.qty));
        if whole || entry.kind == Kind::OddLot { Ok(()) } else { Err(Why::Lot) }
    }

    pub(super) fn change(&mut self, before: &Order, key: OrderRef, price: Price, leaves: u32) {
        let Entry { row, side, account, short, .. } = before.entry;
        if side == Side::Sell && !short {
            self.accounts.freeze(account, row, before.leaves, false);
            self.accounts.freeze(account, row, leaves, true);
        }
        let place = self.place(key);
        if let Some(order) = self.orders.get_mut(key) {
            (order.leaves, order.entry.price) = (leaves, price);
            order.entry.qty = order.filled + leaves;
        }
        if price != before.entry.price {
            self.leave(key);
            if let Some(place) = place {
                let gone = Place { qty: 0, ..place };
                self.say(row, What::Canceled { order: gone, by: before.leaves, rested: true });
                self.show(row, side, before.entry.price);
            }
            return self.come_in(key);
        }
        let stands = place.map_or(price, |place| price_in_book(&place));
        if leaves < before.leaves {
            let less = before.leaves - leaves;
            let _ = self.books.cancel(key, less, &mut Fills::default()); // it has so much
        } else if place.is_some() {
            self.leave(key);
            let qty = leaves;
            // The same book had room for it a moment ago.
            let _ = self.books.rest(row, key, side, stands, qty, &mut Fills::default());
        }
        if let Some(place) = self.place(key) {
            self.say(row, What::Amended { order: place });
        }
        self.show(row, side, stands);
    }
}
