//! The state machine of orders: a request opens or marks rows, a report moves them and makes news.
//!
//! | state | our request | report: next state |
//! |---|---|---|
//! | pending new | | `A`: live; `A` dead, `J`: ended |
//! | live | `U`: pending replace; `X`: pending cancel | |
//! | pending replace | | `U`: ended, the replacement is live; `J` of the replacement: live |
//! | replacing | | `U`: live; `J`, or the end of the order it is for: ended |
//! | pending cancel | | `I`: live; `C`: ended; `P`: it waits |
//! | canceling new, canceling replace | | as pending new and replacing, then pending cancel |
//! | any but ended | | `E`, `C`, `D`, `M` take shares off; at none: ended |
//!
//! Exposure. An order reserves its shares at its price when it is sent; so does a replacement, on top
//! of the order it replaces, for it is not known which of the two will be filled. A fill of the old
//! order takes the same number of shares from the new one, since the venue counts the quantity of a
//! chain with what has executed: that part of the new reservation is released with the fill. When
//! the old order ends first, the replacement can only be refused or ignored, and its reservation is
//! released at once. When the replacement takes its place, what is left of the old reservation is.

mod cancels;
mod placing;
mod trades;

use nofx_types::{
    ClOrdId, IntentKind, Nanos, OrderIntent, OrderRef, OrderUpdate, Price, Qty, UpdateKind,
};

use crate::anomaly::{Anomalies, Anomaly};
use crate::fills::Fills;
use crate::orders::{Order, Orders, State};
use crate::report::Report;
use crate::updates::Updates;

#[derive(Debug)]
pub(crate) struct Machine {
    pub orders: Orders,
    pub fills: Fills,
    pub updates: Updates,
    pub anomalies: Anomalies,
    now: Nanos,
    never_arrived: u32,
    /// Cancels may follow an order that is not answered.
    cancel_in_flight: bool,
}

impl Machine {
    pub fn new(orders_max: u32, fills_max: u32, cancel_in_flight: bool) -> Machine {
        Machine {
            orders: Orders::new(orders_max),
            fills: Fills::new(fills_max as usize),
            updates: Updates::new(),
            anomalies: Anomalies::default(),
            now: Nanos(0),
            never_arrived: 0,
            cancel_in_flight,
        }
    }

    // Requests.

    /// The order that a replace or cancel is for, when it may be touched.
    #[inline]
    pub fn touchable(&self, intent: &OrderIntent) -> Option<&Order> {
        self.orders.get(intent.orig.0).filter(|order| {
            let cancels = intent.kind == IntentKind::Cancel;
            (order.state == State::Live || cancels && self.is_cancellable(order))
                && (order.instrument, order.side) == (intent.instrument, intent.side)
        })
    }

    /// Whether a cancel may be sent: the order is open with nothing in flight, or not yet answered
    /// where a cancel may follow it.
    #[inline]
    pub fn is_cancellable(&self, order: &Order) -> bool {
        let early = matches!(order.state, State::PendingNew | State::Replacing);
        order.state == State::Live || early && self.cancel_in_flight
    }

    /// Marks what `intent` asks for as sent. The shares to be named on the wire, of a cancel those of
    /// the whole order, or `None` when it cannot be sent any more.
    #[inline]
    pub fn request(&mut self, intent: &OrderIntent) -> Option<u32> {
        if intent.kind == IntentKind::Cancel {
            let state = match self.touchable(intent)?.state {
                State::PendingNew => State::CancelingNew,
                State::Replacing => State::CancelingReplace,
                _ => State::PendingCancel,
            };
            let order = self.orders.get_mut(intent.orig.0)?;
            order.state = state;
            return Some(order.executed.saturating_add(order.leaves));
        }
        let qty = u32::try_from(intent.qty.0).ok().filter(|qty| *qty > 0)?;
        if !self.orders.is_free(intent.cl_ord_id.0) {
            return None;
        }
        let mut order = Order::of(intent, qty);
        if intent.kind == IntentKind::Replace {
            let executed = self.touchable(intent)?.executed;
            order.state = State::Replacing;
            order.peer = intent.orig.0;
            order.executed = executed;
            executed.checked_add(qty)?;
            let orig = self.orders.get_mut(intent.orig.0)?;
            (orig.state, orig.peer) = (State::PendingReplace, intent.cl_ord_id.0);
        }
        self.orders.open(order);
        Some(order.executed + order.leaves)
    }

    /// Says that what passed the gate did not leave: its exposure is released.
    #[cold]
    pub fn unsent(&mut self, intent: &OrderIntent) {
        let (kind, orig) = match intent.kind {
            IntentKind::New => (UpdateKind::Rejected, ClOrdId::NONE),
            IntentKind::Replace => (UpdateKind::ReplaceRejected, intent.orig),
            IntentKind::Cancel => (UpdateKind::CancelRejected, ClOrdId::NONE),
        };
        let orig_open = self.orders.get(intent.orig.0).is_some_and(Order::is_open);
        let released = if intent.kind == IntentKind::Cancel { Qty(0) } else { intent.qty };
        self.updates.push(OrderUpdate {
            kind,
            side: intent.side,
            maker: false,
            account: intent.account,
            instrument: intent.instrument,
            cl_ord_id: intent.cl_ord_id,
            orig,
            order_ref: OrderRef(0),
            price: intent.price,
            leaves: Qty(0),
            fill_price: Price(0),
            fill_qty: Qty(0),
            released_qty: released,
            released_price: intent.price,
            closed: intent.kind == IntentKind::New || !orig_open,
            now_ns: intent.now_ns,
        });
    }

    // Reports.

    /// Takes one report.
    #[inline]
    pub fn report(&mut self, now: Nanos, report: &Report) {
        self.now = now;
        match *report {
            Report::Accepted(placed) => self.accepted(&placed),
            Report::Replaced { orig, placed } => self.replaced(orig, &placed),
            Report::Canceled { id, qty, asked } => self.canceled(id, qty, asked),
            Report::Gone { id, asked } => self.gone(id, asked),
            Report::Modified { id, qty } => self.modified(id, qty),
            Report::Executed(trade) => self.executed(&trade),
            Report::Broken { id, match_number } => self.broken(id, match_number),
            Report::Corrected(trade) => self.corrected(&trade),
            Report::Rejected { id, .. } => self.rejected(id),
            Report::CancelRejected { id } => self.cancel_rejected(id),
            Report::Referenced { id, order_ref } => match self.orders.get_mut(id) {
                Some(order) => order.order_ref = order_ref,
                None => self.anomalies.count(Anomaly::UnknownOrder),
            },
            Report::NextId(_) | Report::Note => {}
        }
    }

    /// The order of a report, open or ended.
    #[inline]
    fn find(&mut self, id: u32) -> Option<Order> {
        let order = self.orders.get(id).copied();
        if order.is_none() {
            self.anomalies.count(Anomaly::UnknownOrder);
        }
        order
    }

    /// The order of a report that only an open one can have.
    #[inline]
    fn find_open(&mut self, id: u32) -> Option<Order> {
        let order = self.find(id)?;
        if !order.is_open() {
            self.anomalies.count(Anomaly::LateAnswer);
            return None;
        }
        Some(order)
    }

    #[inline]
    fn set(&mut self, id: u32, change: impl FnOnce(&mut Order)) {
        if let Some(row) = self.orders.get_mut(id) {
            change(row);
        }
    }

    /// Queues news of an order as its row stands now.
    #[inline]
    fn tell(&mut self, kind: UpdateKind, id: u32, fill_in: impl FnOnce(&mut OrderUpdate)) {
        let Some(order) = self.orders.get(id) else { return };
        let mut update = OrderUpdate {
            kind,
            side: order.side,
            maker: false,
            account: order.account,
            instrument: order.instrument,
            cl_ord_id: ClOrdId(order.id),
            orig: ClOrdId::NONE,
            order_ref: OrderRef(order.order_ref),
            price: order.price,
            leaves: Qty(order.leaves.into()),
            fill_price: Price(0),
            fill_qty: Qty(0),
            released_qty: Qty(0),
            released_price: order.price,
            closed: !order.is_open(),
            now_ns: self.now,
        };
        fill_in(&mut update);
        self.updates.push(update);
    }
}
