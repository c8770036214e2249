//! Requests of the firms: new orders, replaces, cuts, mass cancels, the end of a connection.
//!
//! | order | in continuous trading | in a call | halted, closed |
//! |---|---|---|---|
//! | day limit | trades, then rests | rests | refused: 7 halted, 2 closed |
//! | immediate or cancel | trades, the rest is cancelled (`I`) | cancelled (`I`) | refused |
//! | market (price 0x7FFFFFFF) | as immediate or cancel at any price; else refused (price) | cancelled | refused |
//! | post-only | cancelled (`F`) where it would trade | rests | refused |
//!
//! A replace always loses its turn, as ITCH says; one whose total has been filled already cancels.
//! Cancels are taken at any time while the order is open.

use nofx_types::{Nanos, OrderRef, Price, Side};
use nofx_wire::ouch50::MARKET_PRICE;
use nofx_wire::ouch50::codes::{cancel, display, reject, tif};

use super::Exchange;
use super::course::Trading;
use super::desk::Owner;
use super::firm::{Order, OrderState};
use crate::acceptor::{Enter, Replace, Request, Sweep, book_side};
use crate::latency::Topic;

/// Frames kept free in an outbox while a request is served.
const RESERVE: usize = 64;
/// The venue's port is closed for the day.
const CLOSED: u16 = 0x02;
/// Highest price, 199,999.99 dollars, as in TotalView-ITCH 5.0.
const PRICE_MAX: i64 = 1_999_999_900;
/// From here on prices are whole ticks.
const DOLLAR: i64 = 10_000;

/// An order on its way into the books.
#[derive(Clone, Copy)]
struct Incoming {
    owner: Owner,
    order: OrderRef,
    row: u32,
    side: Side,
    price: Price,
    qty: u32,
    ioc: bool,
    post_only: bool,
    attributable: bool,
}

impl Exchange {
    /// Serves what a firm has sent by `now`.
    pub fn serve(&mut self, firm: usize, now: Nanos) {
        self.desk.now = self.desk.now.max(now);
        let now = self.desk.now;
        while let Some(port) = self.desk.firms.get_mut(firm)
            && let Some((_, request)) = port.acceptor.next_request(now, RESERVE)
        {
            self.on_request(firm, request);
        }
        if let Some(port) = self.desk.firms.get_mut(firm) {
            port.acceptor.keep_alive(now, 0);
        }
    }

    fn on_request(&mut self, firm: usize, request: Request) {
        match request {
            Request::Enter(enter) => {
                if let Err(reason) = self.on_enter(firm, &enter) {
                    self.refuse(firm, Topic::New, enter.user_ref, reason, &enter.terms.clordid);
                }
            }
            Request::Replace(replace) => {
                if let Err(reason) = self.on_replace(firm, &replace) {
                    self.refuse(firm, Topic::Replace, replace.user_ref, reason, &replace.clordid);
                }
            }
            Request::Cancel { user_ref, down_to } => self.on_cut(firm, user_ref, down_to, None),
            Request::Modify { user_ref, side, down_to } => {
                self.on_cut(firm, user_ref, down_to, Some(side));
            }
            Request::MassCancel(sweep) => self.on_mass_cancel(firm, &sweep),
            Request::ClientGone => self.on_gone(firm),
        }
    }

    fn refuse(&mut self, firm: usize, topic: Topic, user_ref: u32, why: u16, text: &[u8; 14]) {
        let now = self.desk.now;
        if let Some(port) = self.desk.firms.get_mut(firm) {
            port.acceptor.rejected(now, topic, user_ref, why, text);
        }
    }

    /// The error is the reject reason.
    fn on_enter(&mut self, firm: usize, enter: &Enter) -> Result<(), u16> {
        let row = self.row_of_symbol(enter.terms.symbol).ok_or(reject::SYMBOL)?;
        let side = book_side(enter.terms.side).ok_or(reject::OTHER)?;
        let ioc = enter.terms.time_in_force == tif::IOC;
        let price = self.check(firm, row, side, enter.quantity, enter.price, ioc)?;
        let order = self.desk.next_order();
        let entry = Order {
            user_ref: enter.user_ref,
            order_ref: order,
            row,
            side,
            price: Price(i64::try_from(enter.price).unwrap_or(price.0)),
            state: OrderState::Live,
            leaves: enter.quantity,
            filled: 0,
            chain: 0,
            post_only: enter.post_only,
            group: enter.group,
            terms: enter.terms,
        };
        let now = self.desk.now;
        let port = self.desk.firms.get_mut(firm).ok_or(reject::OTHER)?;
        let index = port.accept(now, entry);
        self.incoming(&Incoming {
            owner: (firm, index),
            order,
            row,
            side,
            price,
            qty: enter.quantity,
            ioc,
            post_only: enter.post_only,
            attributable: is_attributable(enter.terms.display),
        });
        Ok(())
    }

    /// What both kinds of order have to satisfy; gives the price they match at.
    fn check(
        &mut self,
        firm: usize,
        row: u32,
        side: Side,
        quantity: u32,
        price: u64,
        ioc: bool,
    ) -> Result<Price, u16> {
        let now = self.desk.now;
        let port = self.desk.firms.get_mut(firm).ok_or(reject::OTHER)?;
        let limits = &port.config;
        let (most, window_ns) = (limits.throttle_messages, limits.throttle_window_ns);
        if port.throttle.exceeds(now, most, window_ns) {
            return Err(limits.throttle_reason);
        }
        if !port.has_room() {
            return Err(reject::PROCESSING_ERROR);
        }
        match quantity {
            0 => return Err(reject::QUANTITY),
            _ if quantity > self.config.market.max_quantity => return Err(reject::SHARES),
            _ => {}
        }
        match self.trading.get(row as usize) {
            Some(Trading::Continuous | Trading::Call(_)) => {}
            Some(Trading::Halted(_)) => return Err(reject::HALTED),
            Some(Trading::Closed) | None => return Err(CLOSED),
        }
        if price == MARKET_PRICE {
            let any = if side == Side::Buy { Price(i64::MAX) } else { Price(0) };
            return if ioc { Ok(any) } else { Err(reject::PRICE) };
        }
        let price = i64::try_from(price).ok().filter(|price| (1..=PRICE_MAX).contains(price));
        let on_tick =
            |price: &i64| *price < DOLLAR || price % i64::from(self.config.market.tick) == 0;
        price.filter(on_tick).map(Price).ok_or(reject::PRICE)
    }

    /// An order that was accepted meets the books.
    fn incoming(&mut self, new: &Incoming) {
        let continuous = self.trading.get(new.row as usize) == Some(&Trading::Continuous);
        if new.ioc && !continuous {
            return self.cut_off(new, cancel::IOC);
        }
        if new.post_only && continuous && self.crosses(new) {
            return self.cut_off(new, cancel::POST_ONLY);
        }
        let may = self.desk.firms.get(new.owner.0).is_none_or(|firm| firm.config.self_trade);
        if continuous && !may {
            self.prevent_self_trades(new);
        }
        let Incoming { order, row, side, price, qty, .. } = *new;
        self.desk.own(order, new.owner);
        self.desk.sign_for(new.owner.0, new.attributable);
        self.desk.taker = Some(new.owner);
        let desk = &mut self.desk;
        let done = match (continuous, new.ioc) {
            (true, true) => self.market.take(row, order, side, price, qty, desk).map(|_| ()),
            (true, false) => self.market.add(row, order, side, price, qty, desk).map(|_| ()),
            (false, _) => self.market.rest(row, order, side, price, qty, desk),
        };
        self.desk.taker = None;
        self.desk.sign_for(usize::MAX, false);
        if self.market.order(order).is_none() {
            self.desk.disown(order);
            // Nothing is left of an order that was filled.
            self.cut_off(new, if done.is_ok() { cancel::IOC } else { cancel::SYSTEM });
        }
    }

    /// Takes what is left off an order that does not rest.
    fn cut_off(&mut self, new: &Incoming, reason: u8) {
        let (now, (firm, index)) = (self.desk.now, new.owner);
        let Some(port) = self.desk.firms.get_mut(firm) else { return };
        if port.orders.get(index).is_some_and(|order| order.leaves > 0) {
            port.cut(now, index, u32::MAX, reason);
        }
    }

    fn crosses(&self, new: &Incoming) -> bool {
        let best = self.market.best(new.row, new.side.opposite());
        best.is_some_and(|best| !new.side.better(best.price, new.price))
    }

    /// Cancels the resting orders of the same firm that the order would come to.
    fn prevent_self_trades(&mut self, new: &Incoming) {
        let (mut reach, mut own) = (new.qty, Vec::new());
        for resting in self.market.resting_orders(new.row, new.side.opposite()) {
            if reach == 0 || new.side.better(resting.price, new.price) {
                break;
            }
            match self.desk.owner(resting.order).filter(|owner| owner.0 == new.owner.0) {
                Some((_, index)) => own.push((resting.order, index, reach)),
                None => reach -= reach.min(resting.qty),
            }
        }
        let now = self.desk.now;
        for (order, index, qty) in own {
            let _ = self.market.delete(order, &mut self.desk); // it rests
            self.desk.counts.self_trades_prevented += 1;
            if let Some(port) = self.desk.firms.get_mut(new.owner.0) {
                port.prevent(now, index, qty);
            }
        }
    }

    fn on_replace(&mut self, firm: usize, replace: &Replace) -> Result<(), u16> {
        let port = self.desk.firms.get(firm).ok_or(reject::OTHER)?;
        let (old, order) = port.find(replace.orig).ok_or(reject::REPLACE_NOT_ALLOWED)?;
        let (before, index) = (*order, port.orders.len());
        let ioc = replace.time_in_force == tif::IOC;
        let price =
            self.check(firm, before.row, before.side, replace.quantity, replace.price, ioc)?;
        let leaves = replace.quantity.saturating_sub(before.chain);
        if leaves == 0 {
            self.cut_order((firm, old), u32::MAX, cancel::USER);
            return Ok(());
        }
        let mut after = before;
        after.order_ref = self.desk.next_order();
        (after.user_ref, after.leaves, after.filled) = (replace.user_ref, leaves, 0);
        after.price = Price(i64::try_from(replace.price).unwrap_or(price.0));
        after.post_only = replace.post_only;
        after.terms.time_in_force = replace.time_in_force;
        after.terms.display = replace.display;
        after.terms.sweep = replace.sweep;
        after.terms.clordid = replace.clordid;
        let new = Incoming {
            owner: (firm, index),
            order: after.order_ref,
            row: before.row,
            side: before.side,
            price,
            qty: leaves,
            ioc,
            post_only: replace.post_only,
            attributable: is_attributable(replace.display),
        };
        let comes_in = ioc || self.crosses(&new);
        self.exchange_orders(&new, before.order_ref, comes_in)?;
        let now = self.desk.now;
        if let Some(port) = self.desk.firms.get_mut(firm) {
            port.replace(now, old, after, replace.quantity);
        }
        if comes_in {
            self.incoming(&new);
        }
        Ok(())
    }

    /// In the books, the new order takes the place of the old one; or the old one just leaves,
    /// where the new one is to come in like any other.
    fn exchange_orders(
        &mut self,
        new: &Incoming,
        old: OrderRef,
        comes_in: bool,
    ) -> Result<(), u16> {
        if comes_in {
            let left = self.market.delete(old, &mut self.desk);
            return left.map_err(|_| reject::PROCESSING_ERROR);
        }
        self.desk.own(new.order, new.owner);
        let Incoming { order, price, qty, .. } = *new;
        let done = self.market.replace(old, order, price, qty, &mut self.desk);
        if done.is_err() {
            self.desk.disown(order);
        }
        done.map(|_| ()).map_err(|_| reject::PROCESSING_ERROR)
    }

    /// Takes `qty` off an open order, in the books and for its firm.
    pub(super) fn cut_order(&mut self, (firm, index): Owner, qty: u32, reason: u8) {
        let now = self.desk.now;
        let order = self.desk.firms.get(firm).and_then(|port| port.orders.get(index));
        let Some(order) = order.map(|order| order.order_ref) else { return };
        let _ = self.market.cancel(order, qty, &mut self.desk); // an open order rests
        if let Some(port) = self.desk.firms.get_mut(firm) {
            port.cut(now, index, qty, reason);
        }
    }

    /// Cuts an order down to a total of the chain; with a side letter, also changes the kind of sale.
    fn on_cut(&mut self, firm: usize, user_ref: u32, down_to: u32, letter: Option<u8>) {
        let now = self.desk.now;
        let Some(port) = self.desk.firms.get_mut(firm) else { return };
        let same_side = |order: &Order| letter.is_none_or(|l| book_side(l) == Some(order.side));
        let found = port.find(user_ref).filter(|(_, order)| same_side(order));
        let Some((index, order)) = found.map(|(index, order)| (index, *order)) else {
            return port.acceptor.cancel_rejected(now, user_ref);
        };
        let leaves = down_to.saturating_sub(order.chain);
        match letter {
            Some(letter) if (1..=order.leaves).contains(&leaves) => {
                if let Some(order) = port.orders.get_mut(index) {
                    (order.leaves, order.terms.side) = (leaves, letter);
                }
                port.acceptor.modified(now, user_ref, letter, down_to);
                let _ = self.market.cancel(order.order_ref, order.leaves - leaves, &mut self.desk);
            }
            _ if leaves < order.leaves => {
                self.cut_order((firm, index), order.leaves - leaves, cancel::USER);
            }
            _ => port.acceptor.cancel_rejected(now, user_ref),
        }
    }

    fn on_mass_cancel(&mut self, firm: usize, sweep: &Sweep) {
        let row = match sweep.symbol {
            None => None,
            Some(symbol) => match self.row_of_symbol(symbol) {
                Some(row) => Some(row),
                None => return,
            },
        };
        self.cancel_all(firm, cancel::USER, |order| {
            row.is_none_or(|row| row == order.row)
                && sweep.side.is_none_or(|side| side == order.side)
                && sweep.group.is_none_or(|group| group == order.group)
        });
    }

    fn on_gone(&mut self, firm: usize) {
        if self.desk.firms.get(firm).is_some_and(|port| port.config.cancel_on_disconnect) {
            self.cancel_all(firm, cancel::SYSTEM, |_| true);
        }
    }

    fn cancel_all(&mut self, firm: usize, reason: u8, which: impl Fn(&Order) -> bool) {
        let open = self.desk.firms.get(firm).map(|port| port.open_orders()).unwrap_or_default();
        for index in open {
            let order = self.desk.firms.get(firm).and_then(|port| port.orders.get(index));
            if order.is_some_and(&which) {
                self.cut_order((firm, index), u32::MAX, reason);
            }
        }
    }
}

const fn is_attributable(code: u8) -> bool {
    matches!(code, display::ATTRIBUTABLE | display::POST_ONLY_ATTRIBUTABLE)
}
