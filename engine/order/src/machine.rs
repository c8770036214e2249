//! The state machine of orders: a request opens or marks rows, a report moves them and makes news.
//!
//! ```text
//!                A live                    U sent                       J of the new one
//!   PendingNew ---------> Live <---------------------> PendingReplace --------------------> Live
//!       | J, A dead        |  X sent                       | U: ended, the new one is Live
//!       v                  v            I                  v
//!     Ended <---- PendingCancel ---------------------> Live          E, C to zero: Ended, always
//! ```
//!
//! Exposure. An order reserves its shares at its price when it is sent; so does a replacement, on top
//! of the order it replaces, for it is not known which of the two will be filled. A fill of the old
//! order takes the same number of shares from the new one, since the venue counts the quantity of a
//! chain with what has executed: that part of the new reservation is released with the fill. When
//! the old order ends first, the replacement can only be refused or ignored, and its reservation is
//! released at once. When the replacement takes its place, what is left of the old reservation is.
//!
//! A trade that no reservation covers (more shares than were open, a fill of an ended order, a
//! corrected trade) is told as [`UpdateKind::Broken`] of the other side: it moves the position and
//! releases nothing.

use nofx_types::{
    ClOrdId, IntentKind, Nanos, OrderIntent, OrderRef, OrderUpdate, Price, Qty, UpdateKind,
};

use crate::anomaly::{Anomalies, Anomaly};
use crate::fills::{Fill, Fills};
use crate::orders::{Order, Orders, State};
use crate::report::{Placed, Report, Trade};
use crate::updates::Updates;

#[derive(Debug)]
pub(crate) struct Machine {
    pub orders: Orders,
    pub fills: Fills,
    pub updates: Updates,
    pub anomalies: Anomalies,
    now: Nanos,
}

impl Machine {
    pub fn new(orders_max: u32, fills_max: u32) -> Machine {
        Machine {
            orders: Orders::new(orders_max),
            fills: Fills::new(fills_max as usize),
            updates: Updates::new(),
            anomalies: Anomalies::default(),
            now: Nanos(0),
        }
    }

    // Requests.

    /// The order that a replace or cancel is for, when it may be touched.
    #[inline]
    pub fn touchable(&self, intent: &OrderIntent) -> Option<&Order> {
        self.orders.get(intent.orig.0).filter(|order| {
            order.state == State::Live
                && (order.instrument, order.side) == (intent.instrument, intent.side)
        })
    }

    /// Marks what `intent` asks for as sent. The shares to be named on the wire, or `None` when it
    /// cannot be sent any more.
    #[inline]
    pub fn request(&mut self, intent: &OrderIntent) -> Option<u32> {
        if intent.kind == IntentKind::Cancel {
            self.touchable(intent)?;
            self.orders.get_mut(intent.orig.0)?.state = State::PendingCancel;
            return Some(0);
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
            Report::Modified { id, qty } => self.modified(id, qty),
            Report::Executed(trade) => self.executed(&trade),
            Report::Broken { id, match_number } => self.broken(id, match_number),
            Report::Corrected(trade) => self.corrected(&trade),
            Report::Rejected { id } => self.rejected(id),
            Report::CancelRejected { id } => self.cancel_rejected(id),
            Report::Referenced { id, order_ref } => match self.orders.get_mut(id) {
                Some(order) => order.order_ref = order_ref,
                None => self.anomalies.count(Anomaly::UnknownOrder),
            },
            Report::Note => {}
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

    fn accepted(&mut self, placed: &Placed) {
        let Some(order) = self.find_open(placed.id) else { return };
        if order.state != State::PendingNew {
            if order.order_ref == 0 && order.state != State::Replacing {
                // A fill came first: what is new is the reference.
                self.set(placed.id, |row| row.order_ref = placed.order_ref);
            }
            return self.anomalies.count(Anomaly::Duplicate);
        }
        let cut = self.place(placed);
        self.tell(UpdateKind::Accepted, placed.id, |update| update.released_qty = Qty(cut.into()));
    }

    /// Writes into the row how the venue took the order; how many of its shares are gone.
    fn place(&mut self, placed: &Placed) -> u32 {
        let Some(order) = self.orders.get(placed.id).copied() else { return 0 };
        let (leaves, executed) = (order.leaves, order.executed);
        // The quantity may be the chain's or what is open: only what is less than both is taken off.
        let as_asked = placed.qty == leaves || placed.qty == leaves.saturating_add(executed);
        if !as_asked {
            self.anomalies.count(Anomaly::QuantityDiffers);
        }
        if i64::try_from(placed.price) != Ok(order.price.0) {
            self.anomalies.count(Anomaly::PriceDiffers);
        }
        let kept = match placed.dead {
            true => 0,
            // An order of no shares is no order we know of: keep it until it is cancelled.
            false if placed.qty == 0 => leaves,
            false => leaves.min(placed.qty),
        };
        self.set(placed.id, |row| {
            (row.state, row.leaves, row.peer) = (State::Live, kept, 0);
            row.order_ref = placed.order_ref;
        });
        if kept == 0 {
            self.orders.end(placed.id);
        }
        leaves - kept
    }

    fn replaced(&mut self, orig: u32, placed: &Placed) {
        let Some(order) = self.find_open(placed.id) else { return };
        if order.state != State::Replacing {
            return self.anomalies.count(Anomaly::Duplicate);
        }
        if order.peer != orig {
            self.anomalies.count(Anomaly::Contradiction);
        }
        self.set(placed.id, |row| row.order_ref = placed.order_ref);
        self.take_place(&order);
        let cut = self.place(placed);
        let ended = self.orders.get(placed.id).is_some_and(|row| !row.is_open());
        if ended || cut > 0 {
            self.tell_off(placed.id, cut);
        }
    }

    /// `order` takes the place of its peer, which ends.
    fn take_place(&mut self, order: &Order) {
        let old = self.orders.end(order.peer);
        self.set(order.id, |row| (row.state, row.peer) = (State::Live, 0));
        let (left, price) = old.map_or((0, Price(0)), |old| (old.leaves, old.price));
        let orig = ClOrdId(order.peer);
        self.tell(UpdateKind::Replaced, order.id, |update| {
            update.orig = orig;
            (update.released_qty, update.released_price) = (Qty(left.into()), price);
            update.closed = old.is_some();
        });
    }

    /// A fill or cancel of an order says that it is in place, if that has not been said.
    #[inline]
    fn in_place(&mut self, order: &Order) -> Order {
        match order.state {
            State::PendingNew => {
                self.anomalies.count(Anomaly::ImpliedAccept);
                self.set(order.id, |row| row.state = State::Live);
            }
            State::Replacing => {
                self.anomalies.count(Anomaly::ImpliedReplace);
                self.take_place(order);
            }
            _ => return *order,
        }
        self.orders.get(order.id).copied().unwrap_or(*order)
    }

    fn executed(&mut self, trade: &Trade) {
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
            self.unreserved(&Fill { qty: trade.qty - filled, ..fill });
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

    /// `order` ended: a replacement that was in flight ends with it.
    #[inline]
    fn end_next(&mut self, order: &Order) {
        if order.state == State::PendingReplace {
            self.refuse_replace(order.peer);
        }
    }

    fn refuse_replace(&mut self, id: u32) {
        let Some(was) = self.orders.end(id) else { return };
        let orig_open = self.orders.get(was.peer).is_some_and(Order::is_open);
        self.tell(UpdateKind::ReplaceRejected, id, |update| {
            update.orig = ClOrdId(was.peer);
            update.released_qty = Qty(was.leaves.into());
            update.closed = !orig_open;
        });
    }

    fn canceled(&mut self, id: u32, qty: u32, asked: bool) {
        let Some(order) = self.find_open(id) else { return };
        if qty == 0 {
            return self.anomalies.count(Anomaly::Contradiction);
        }
        let order = self.in_place(&order);
        if qty > order.leaves {
            self.anomalies.count(Anomaly::Overcancel);
        }
        self.take_off(&order, qty.min(order.leaves), asked);
    }

    fn modified(&mut self, id: u32, qty: u32) {
        let Some(order) = self.find_open(id) else { return };
        let order = self.in_place(&order);
        let kept = qty.saturating_sub(order.executed).min(order.leaves);
        if kept < order.leaves {
            self.take_off(&order, order.leaves - kept, false);
        }
    }

    /// `qty` of the open shares will never trade.
    fn take_off(&mut self, order: &Order, qty: u32, asked: bool) {
        self.set(order.id, |row| {
            row.leaves -= qty; // at most `leaves`
            if asked && row.state == State::PendingCancel {
                row.state = State::Live;
            }
        });
        let was = if qty == order.leaves { self.orders.end(order.id) } else { None };
        self.tell_off(order.id, qty);
        if was.is_some() {
            self.end_next(order);
        }
    }

    fn tell_off(&mut self, id: u32, qty: u32) {
        self.tell(UpdateKind::Canceled, id, |update| update.released_qty = Qty(qty.into()));
    }

    fn rejected(&mut self, id: u32) {
        let Some(order) = self.find_open(id) else { return };
        match order.state {
            State::PendingNew => {
                self.orders.end(id);
                self.tell(UpdateKind::Rejected, id, |update| {
                    update.released_qty = Qty(order.leaves.into());
                });
            }
            State::Replacing => {
                self.set(order.peer, |row| {
                    if row.state == State::PendingReplace {
                        (row.state, row.peer) = (State::Live, 0);
                    }
                });
                self.refuse_replace(id);
            }
            _ => self.anomalies.count(Anomaly::Contradiction),
        }
    }

    fn cancel_rejected(&mut self, id: u32) {
        let Some(order) = self.find_open(id) else { return };
        if order.state != State::PendingCancel {
            return self.anomalies.count(Anomaly::Contradiction);
        }
        self.set(id, |row| row.state = State::Live);
        self.tell(UpdateKind::CancelRejected, id, |_| {});
    }

    fn broken(&mut self, id: u32, match_number: u64) {
        let Some(fill) = self.past_fill(id, match_number) else { return };
        if fill.qty == 0 {
            return self.anomalies.count(Anomaly::Duplicate);
        }
        self.fills.correct(Fill { qty: 0, ..fill });
        self.take_back(&fill);
    }

    fn corrected(&mut self, trade: &Trade) {
        let Some(fill) = self.past_fill(trade.id, trade.match_number) else { return };
        let corrected = Fill { qty: trade.qty, price: price_of(trade.price), ..fill };
        if corrected == fill {
            return self.anomalies.count(Anomaly::Duplicate);
        }
        self.fills.correct(corrected);
        self.take_back(&fill);
        self.unreserved(&corrected);
    }

    fn past_fill(&mut self, id: u32, match_number: u64) -> Option<Fill> {
        let fill = self.fills.get(id, match_number);
        if fill.is_none() {
            self.anomalies.count(Anomaly::UnknownFill);
        }
        fill
    }

    /// A trade happened that no reservation covers: the opposite of one that did not.
    fn unreserved(&mut self, fill: &Fill) {
        self.take_back(&Fill { side: fill.side.opposite(), ..*fill });
    }

    /// A past trade did not happen; its order may have ended long ago.
    fn take_back(&mut self, fill: &Fill) {
        if fill.qty == 0 {
            return;
        }
        let order = self.orders.get(fill.id);
        self.updates.push(OrderUpdate {
            kind: UpdateKind::Broken,
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
