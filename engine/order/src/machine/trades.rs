//! Fills, and fills that are taken back or stated anew.
//!
//! A trade that no reservation covers (more shares than were open, a fill of an ended order, a
//! corrected trade) is told as [`UpdateKind::Unreserved`]: it moves the position and releases nothing.

use nofx_types::{ClOrdId, OrderRef, OrderUpdate, Price, Qty, UpdateKind};

use super::Machine;
use crate::anomaly::Anomaly;
use crate::fills::Fill;
use crate::orders::{Order, State};
use crate::report::Trade;

impl Machine {
    #[inline]
    pub(super) fn executed(&mut self, trade: &Trade) {
        let Some(order) = self.find(trade.id) else { return };
        if trade.qty == 0 {
            return self.anomalies.count(Anomaly::Contradiction);
        }
        if self.fills.get(trade.id, trade.match_number).is_some() {
            return self.anomalies.count(Anomaly::DuplicateFill);
        }
        let fill = fill_of(&order, trade);
        if !self.fills.remember(fill) {
            self.anomalies.count(Anomaly::FillForgotten);
        }
        let order = if order.is_open() { self.in_place(&order) } else { order };
        let filled = trade.qty.min(order.leaves);
        if filled > 0 {
            self.filled(&order, filled, fill.price, trade.maker);
        }
        if trade.qty > filled {
            self.anomalies.count(Anomaly::Overfill);
            let beyond = Fill { qty: trade.qty - filled, ..fill };
            self.tell_trade(UpdateKind::Unreserved, &beyond);
        }
    }

    /// `qty` of the open shares of `order` were filled.
    #[inline]
    fn filled(&mut self, order: &Order, qty: u32, price: Price, maker: bool) {
        let ends = qty == order.leaves;
        let (taken, next_price) = self.take_from_next(order, qty);
        self.set(order.id, |row| {
            row.leaves -= qty; // at most `leaves`
            row.executed = row.executed.saturating_add(qty);
        });
        let was = if ends { self.orders.end(order.id) } else { None };
        self.tell(UpdateKind::Filled, order.id, |update| {
            (update.fill_price, update.fill_qty, update.maker) = (price, Qty(qty.into()), maker);
            (update.released_qty, update.released_price) = (Qty(taken.into()), next_price);
        });
        if let Some(was) = was {
            self.end_next(&was);
        }
    }

    /// Takes `qty` filled shares from the replacement in flight: how many it had, and its price.
    #[inline]
    fn take_from_next(&mut self, order: &Order, qty: u32) -> (u32, Price) {
        if order.state != State::PendingReplace {
            return (0, Price(0));
        }
        let Some(next) = self.orders.get_mut(order.peer) else { return (0, Price(0)) };
        let taken = qty.min(next.leaves);
        next.leaves -= taken;
        next.executed = next.executed.saturating_add(qty);
        (taken, next.price)
    }

    pub(super) fn broken(&mut self, id: u32, match_number: u64) {
        let Some(fill) = self.past_fill(id, match_number) else { return };
        if fill.qty == 0 {
            return self.anomalies.count(Anomaly::Duplicate);
        }
        self.fills.correct(Fill { qty: 0, ..fill });
        self.tell_trade(UpdateKind::Broken, &fill);
    }

    pub(super) fn corrected(&mut self, trade: &Trade) {
        let Some(fill) = self.past_fill(trade.id, trade.match_number) else { return };
        let corrected = Fill { qty: trade.qty, price: price_of(trade.price), ..fill };
        if corrected == fill {
            return self.anomalies.count(Anomaly::Duplicate);
        }
        self.fills.correct(corrected);
        self.tell_trade(UpdateKind::Broken, &fill);
        self.tell_trade(UpdateKind::Unreserved, &corrected);
    }

    fn past_fill(&mut self, id: u32, match_number: u64) -> Option<Fill> {
        let fill = self.fills.get(id, match_number);
        if fill.is_none() {
            self.anomalies.count(Anomaly::UnknownFill);
        }
        fill
    }

    /// News of a trade alone; its order may have ended long ago.
    fn tell_trade(&mut self, kind: UpdateKind, fill: &Fill) {
        if fill.qty == 0 {
            return;
        }
        let order = self.orders.get(fill.id);
        self.updates.push(OrderUpdate {
            kind,
            side: fill.side,
            maker: false,
            account: fill.account,
            instrument: fill.instrument,
            cl_ord_id: ClOrdId(fill.id),
            orig: ClOrdId::NONE,
            order_ref: OrderRef(order.map_or(0, |order| order.order_ref)),
            price: order.map_or(Price(0), |order| order.price),
            leaves: Qty(order.map_or(0, |order| order.leaves.into())),
            fill_price: fill.price,
            fill_qty: Qty(fill.qty.into()),
            released_qty: Qty(0),
            released_price: Price(0),
            closed: order.is_none_or(|order| !order.is_open()),
            now_ns: self.now,
        });
    }
}

/// A price of the wire; one that no order can have is the highest.
#[inline]
fn price_of(price: u64) -> Price {
    Price(i64::try_from(price).unwrap_or(i64::MAX))
}

#[inline]
fn fill_of(order: &Order, trade: &Trade) -> Fill {
    Fill {
        match_number: trade.match_number,
        price: price_of(trade.price),
        id: order.id,
        qty: trade.qty,
        instrument: order.instrument,
        account: order.account,
        side: order.side,
    }
}
