//! Requests of the client: new orders, replaces, cuts, mass cancels, the end of its connection.

use nofx_types::{Nanos, Price};
use nofx_wire::ouch50::MARKET_PRICE;
use nofx_wire::ouch50::codes::{cancel, reject, tif};

use super::ReplayVenue;
use super::traded::Trading;
use crate::acceptor::{Enter, Replace, Request, Sweep, book_side};
use crate::config::NotContinuous;
use crate::latency::Topic;
use crate::own::{OwnOrder, Place};

impl ReplayVenue {
    pub(super) fn on_request(&mut self, at: Nanos, request: Request) {
        match request {
            Request::Enter(enter) => {
                if let Err(reason) = self.on_enter(at, &enter) {
                    self.desk.counts.rejected += 1;
                    let clordid = &enter.terms.clordid;
                    self.desk.acceptor.rejected(at, Topic::New, enter.user_ref, reason, clordid);
                }
            }
            Request::Replace(replace) => {
                if let Err(reason) = self.on_replace(at, &replace) {
                    self.desk.counts.replaces_rejected += 1;
                    let (user_ref, clordid) = (replace.user_ref, &replace.clordid);
                    self.desk.acceptor.rejected(at, Topic::Replace, user_ref, reason, clordid);
                }
            }
            Request::Cancel { user_ref, down_to } => self.on_cut(at, user_ref, down_to, None),
            Request::Modify { user_ref, side, down_to } => {
                self.on_cut(at, user_ref, down_to, Some(side));
            }
            Request::MassCancel(sweep) => self.on_mass_cancel(at, &sweep),
            Request::ClientGone if self.rules.cancel_on_disconnect => {
                for row in 0..self.traded.len() {
                    self.desk.cancel_row(at, row, cancel::SYSTEM, |_| true);
                }
            }
            Request::ClientGone => {}
        }
    }

    /// The error is the reject reason.
    fn on_enter(&mut self, at: Nanos, enter: &Enter) -> Result<(), u16> {
        let row = self.traded.row_of_symbol(enter.terms.symbol).ok_or(reject::SYMBOL)?;
        let side = book_side(enter.terms.side).ok_or(reject::OTHER)?;
        let price = self.check(at, row, enter.quantity, enter.price)?;
        let order = OwnOrder {
            user_ref: enter.user_ref,
            order_ref: self.desk.order_id(),
            row,
            side,
            price,
            leaves: enter.quantity,
            executed: 0,
            post_only: enter.post_only,
            group: enter.group,
            terms: enter.terms,
            place: Place::default(),
        };
        let slot = self.desk.open(at, order).ok_or(reject::PROCESSING_ERROR)?;
        self.on_incoming(at, slot);
        Ok(())
    }

    /// What both kinds of order have to satisfy; gives the price.
    fn check(&mut self, at: Nanos, row: usize, quantity: u32, price: u64) -> Result<Price, u16> {
        let limits = &self.rules.rejects;
        if self.throttle.exceeds(at, limits.throttle_messages, limits.throttle_window_ns) {
            return Err(limits.throttle_reason);
        }
        if self.reject_rng.chance(u64::from(limits.random_ppm), 1_000_000) {
            return Err(limits.random_reason);
        }
        match quantity {
            0 => return Err(reject::QUANTITY),
            _ if quantity > self.rules.max_quantity => return Err(reject::SHARES),
            _ => {}
        }
        match (self.traded.trading(row), self.rules.not_continuous) {
            (Trading::Open, _) | (Trading::Waits, NotContinuous::Rest) => {}
            _ => return Err(reject::HALTED),
        }
        if price == MARKET_PRICE {
            return Err(reject::PRICE); // a displayed limit order has one
        }
        self.price_of(row, price).ok_or(reject::PRICE)
    }

    fn on_replace(&mut self, at: Nanos, replace: &Replace) -> Result<(), u16> {
        let slot = self.desk.own.find(replace.orig).ok_or(reject::REPLACE_NOT_ALLOWED)?;
        let old = *self.desk.own.get(slot).ok_or(reject::REPLACE_NOT_ALLOWED)?;
        let price = self.check(at, old.row, replace.quantity, replace.price)?;
        let leaves = replace.quantity.saturating_sub(old.executed);
        if leaves == 0 {
            // Its total is filled already: nothing is left that could take the old order's place.
            self.desk.cancel(at, slot, cancel::USER);
            return Ok(());
        }
        let order_ref = self.desk.order_id();
        let keeps_turn = price == old.price
            && leaves <= old.leaves
            && replace.post_only == old.post_only
            && replace.time_in_force != tif::IOC;
        if !keeps_turn {
            self.desk.own.lift(slot);
        }
        self.desk.own.rename(slot, replace.user_ref);
        if let Some(order) = self.desk.own.get_mut(slot) {
            (order.order_ref, order.price, order.leaves) = (order_ref, price, leaves);
            order.post_only = replace.post_only;
            order.terms.time_in_force = replace.time_in_force;
            order.terms.display = replace.display;
            order.terms.sweep = replace.sweep;
            order.terms.clordid = replace.clordid;
        }
        self.desk.replaced(at, replace.orig, slot, replace.quantity);
        if !keeps_turn {
            self.on_incoming(at, slot);
        }
        Ok(())
    }

    /// Cuts an order down to a total of the chain; with a side letter, also changes the kind of sale.
    fn on_cut(&mut self, at: Nanos, user_ref: u32, down_to: u32, side: Option<u8>) {
        let found = self.desk.own.find(user_ref);
        let order = found.and_then(|slot| Some((slot, *self.desk.own.get(slot)?)));
        let same_side = |order: &OwnOrder| side.is_none_or(|s| book_side(s) == Some(order.side));
        let Some((slot, order)) = order.filter(|(_, order)| same_side(order)) else {
            return self.cut_rejected(at, user_ref);
        };
        let leaves = down_to.saturating_sub(order.executed);
        match side {
            Some(letter) if (1..=order.leaves).contains(&leaves) => {
                if let Some(order) = self.desk.own.get_mut(slot) {
                    (order.leaves, order.terms.side) = (leaves, letter);
                }
                self.desk.acceptor.modified(at, user_ref, letter, down_to);
            }
            _ if leaves < order.leaves => {
                self.desk.cut(at, slot, order.leaves - leaves, cancel::USER);
            }
            _ => self.cut_rejected(at, user_ref),
        }
    }

    fn cut_rejected(&mut self, at: Nanos, user_ref: u32) {
        self.desk.counts.cancels_rejected += 1;
        self.desk.acceptor.cancel_rejected(at, user_ref);
    }

    fn on_mass_cancel(&mut self, at: Nanos, sweep: &Sweep) {
        let rows = match sweep.symbol {
            None => 0..self.traded.len(),
            Some(symbol) => match self.traded.row_of_symbol(symbol) {
                Some(row) => row..row + 1,
                None => return,
            },
        };
        for row in rows {
            self.desk.cancel_row(at, row, cancel::USER, |order| {
                sweep.side.is_none_or(|side| side == order.side)
                    && sweep.group.is_none_or(|group| group == order.group)
            });
        }
    }
}
