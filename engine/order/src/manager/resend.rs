//! Orders that never arrived, sent again under their old ids. Off unless `resend` is set.
//!
//! After the fence the venue takes nothing below its next id, and what lies at or above it never
//! reached it: sent again under the same id it can take effect once. But it is judged again, for the
//! market, the limits and the kill switch may have moved: the order leaves the table and comes out as
//! an intent ([`OrderManager::poll_resend`]) that goes the way of any intent. An old one is released
//! instead. All are handed out, one a turn in the order of ids, before a newer order may go.

use nofx_types::{ClOrdId, IntentKind, Nanos, OrderIntent, OrderUpdate, Qty, TimeInForce};

use super::OrderManager;
use crate::config::OrderConfig;
use crate::orders::Order;

/// Ids that are looked at in one turn: those that were never sent lie between.
const RESEND_STEP: usize = 64;

/// An order to be judged and sent again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Resend {
    /// What was sent, under its old id: to be staged, judged and encoded. Refused, it has ended.
    pub intent: OrderIntent,
    /// Releases what was reserved for it: for the gate, before the intent is judged, and for nobody
    /// else.
    pub release: OrderUpdate,
}

/// What an order's row does not hold.
#[derive(Clone, Copy, Debug, Default)]
struct Sent {
    at: Nanos,
    tif: TimeInForce,
    post_only: bool,
}

#[derive(Debug, Default)]
pub(super) struct Resends {
    /// By row of the order; empty when off.
    sent: Box<[Sent]>,
    /// Ids that are still to be looked at.
    next: u32,
    end: u32,
    /// The id handed out last.
    out: u32,
    /// The highest id that was sent.
    top: u32,
}

impl Resends {
    pub fn new(config: &OrderConfig) -> Resends {
        let rows = if config.resend { config.orders_max as usize } else { 0 };
        Resends { sent: vec![Sent::default(); rows].into_boxed_slice(), ..Resends::default() }
    }

    /// Remembers an order as it is sent.
    #[inline]
    pub fn sent(&mut self, intent: &OrderIntent) {
        if self.sent.is_empty() {
            return;
        }
        self.top = self.top.max(intent.cl_ord_id.0);
        let row = intent.cl_ord_id.0 as usize & (self.sent.len() - 1);
        if let Some(place) = self.sent.get_mut(row) {
            *place = Sent { at: intent.now_ns, tif: intent.tif, post_only: intent.post_only };
        }
    }

    /// Orders from `first` on are to be handed out; whether that may be any.
    pub fn open(&mut self, first: u32) -> bool {
        if self.sent.is_empty() || first > self.top {
            return false;
        }
        (self.next, self.end) = (first, self.top.saturating_add(1));
        true
    }

    pub fn clear(&mut self) {
        (self.next, self.end, self.out) = (0, 0, 0);
    }

    /// Whether `id` was handed out last.
    #[inline]
    pub fn is_out(&self, id: u32) -> bool {
        id == self.out && id != 0
    }

    /// Whether an order with this id may go: all are handed out, or it is one of them.
    #[inline]
    pub fn gives_way(&self, id: u32) -> bool {
        !self.is_pending() || id < self.end
    }

    /// Whether orders wait to be handed out.
    #[inline]
    pub fn is_pending(&self) -> bool {
        self.next < self.end
    }

    fn of(&self, id: u32) -> Sent {
        let row = id as usize & self.sent.len().saturating_sub(1);
        self.sent.get(row).copied().unwrap_or_default()
    }

    pub fn bytes(&self) -> u64 {
        size_of_val(&*self.sent) as u64
    }
}

impl OrderManager {
    /// The next order to be sent again, once the state of orders is proven: to be called once a turn
    /// until [`OrderManager::is_up`]. It looks at a few ids, and may find none of them open. Those that
    /// are too old are released: news may be waiting afterwards.
    pub fn poll_resend(&mut self, now: Nanos) -> Option<Resend> {
        for _ in 0..RESEND_STEP {
            if !self.line.session.is_up() || !self.resends.is_pending() {
                break;
            }
            let Some(order) = self.next_resend() else { continue };
            let sent = self.resends.of(order.id);
            let intent = self.again(&order, sent, now);
            if now.since(sent.at) > self.config.resend_age_ns {
                self.machine.never_arrived(order.id);
                continue;
            }
            let release = self.machine.withdraw(order.id)?;
            self.resends.out = order.id;
            return Some(Resend { intent, release });
        }
        None
    }

    /// The next id, and its order if it is still unanswered.
    fn next_resend(&mut self) -> Option<Order> {
        let id = self.resends.next;
        self.resends.next += 1;
        self.machine.orders.get(id).copied().filter(|order| order.state.is_unanswered())
    }

    fn again(&self, order: &Order, sent: Sent, now: Nanos) -> OrderIntent {
        let (qty, price) = (Qty(order.leaves.into()), order.price);
        let mut intent = OrderIntent::new(order.instrument, order.side, price, qty);
        if order.state.is_replacing() {
            intent.kind = IntentKind::Replace;
            intent.orig = ClOrdId(order.peer);
        }
        (intent.cl_ord_id, intent.account) = (ClOrdId(order.id), order.account);
        (intent.tif, intent.post_only, intent.now_ns) = (sent.tif, sent.post_only, now);
        intent
    }

    /// The record shows an order with this id sent: those before it that were to be sent again were
    /// refused, and it is taken out itself.
    pub(super) fn replay_resends(&mut self, id: u32) {
        while self.resends.is_pending() && self.resends.next <= id {
            if let Some(order) = self.next_resend() {
                self.machine.never_arrived(order.id);
                self.machine.orders.vacate(order.id);
            }
        }
    }
}
