//! An own order enters the market: it takes what it crosses, then rests or ends.

use std::ops::ControlFlow;

use nofx_types::{Nanos, Price, Side};
use nofx_wire::ouch50::codes::{cancel, tif};

use super::taken::Spot;
use super::traded::Trading;
use super::{MarketKind, ReplayVenue, crosses};
use crate::own::{OwnOrder, Place};
use crate::queue::LevelPlace;

impl ReplayVenue {
    /// The order in `slot` was accepted (or moved) and does not rest yet.
    pub(super) fn on_incoming(&mut self, at: Nanos, slot: u32) {
        let Some(&order) = self.desk.own.get(slot) else { return };
        let ends = match self.can_trade(order.row) {
            false => None,
            true if order.post_only && self.would_take(&order) => Some(cancel::POST_ONLY_DISPLAYED),
            true => self.take(at, slot, &order),
        };
        let ioc = order.terms.time_in_force == tif::IOC;
        match ends.or(ioc.then_some(cancel::IOC)) {
            _ if self.desk.own.get(slot).is_none() => {} // filled
            Some(reason) => self.desk.cancel(at, slot, reason),
            None => self.rest(slot),
        }
    }

    /// Whether trades happen in the row now, and we know its book.
    #[inline]
    pub(super) fn can_trade(&self, row: usize) -> bool {
        self.traded.trading(row) == Trading::Open && !self.market.is_stale(row)
    }

    /// Whether real orders that are not taken yet, or own ones, stand in its way.
    fn would_take(&self, order: &OwnOrder) -> bool {
        let mut takes = self.own_in_the_way(order).is_some();
        self.market.offers(order.row, order.side.opposite(), order.price, |key, _, shown| {
            takes |= self.taken.left(key, shown) > 0;
            if takes { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        });
        takes
    }

    /// Price of the best own order of the other side that the order crosses.
    fn own_in_the_way(&self, order: &OwnOrder) -> Option<Price> {
        let first = self.desk.own.first(order.row, order.side.opposite())?;
        self.desk.own.get(first).map(|own| own.price).filter(|price| crosses(order, *price))
    }

    /// Takes real orders, best price and first come first. Returns why what is left may not rest.
    fn take(&mut self, at: Nanos, slot: u32, order: &OwnOrder) -> Option<u8> {
        let own_price = self.own_in_the_way(order);
        let (row, side) = (order.row, order.side.opposite());
        let (market, taken, desk) = (&self.market, &mut self.taken, &mut self.desk);
        let mut ends = None;
        market.offers(row, side, order.price, |key, price, shown| {
            if own_price.is_some_and(|own| !side.better(price, own)) {
                return ControlFlow::Break(()); // we would trade with ourselves first
            }
            let left = taken.left(key, shown);
            if left > 0 {
                if !taken.make_room(key, market) || !desk.can_fill() {
                    desk.counts.missed_fills += 1;
                    ends = Some(cancel::SYSTEM);
                    return ControlFlow::Break(());
                }
                let filled = desk.fill_taker(at, slot, price, left);
                let noted = taken.take(key, Spot { row, side, price }, filled);
                debug_assert!(noted.is_ok(), "there was room");
            }
            match desk.own.get(slot) {
                None => ControlFlow::Break(()),
                Some(_) => ControlFlow::Continue(()),
            }
        });
        let self_match = own_price.is_some().then_some(cancel::SELF_MATCH);
        ends.or(self_match)
    }

    /// Joins the queue of its price, behind what rests there.
    fn rest(&mut self, slot: u32) {
        let Some(&order) = self.desk.own.get(slot) else { return };
        let place = self.back_of(order.row, order.side, order.price);
        if let Some(order) = self.desk.own.get_mut(slot) {
            order.place = place;
        }
        self.desk.own.rest(slot);
    }

    fn back_of(&self, row: usize, side: Side, price: Price) -> Place {
        if self.market.is_stale(row) {
            return Place { after: Place::LOST, level: LevelPlace::default() };
        }
        match self.kind {
            MarketKind::Orders => {
                Place { after: self.market.back(row, side, price), level: LevelPlace::default() }
            }
            MarketKind::Levels => {
                let level = LevelPlace::back_of(self.market.shown(row, side, price));
                Place { after: 0, level }
            }
        }
    }
}
