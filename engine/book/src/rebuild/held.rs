//! An order that waits for its messages.

use nofx_types::{BookEvent, EventKind, OrderRef, Price, Pricing, Priority, Qty, Side, Touch};

/// An order that an adaptor holds: its messages may still come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HeldOrder {
    /// The order.
    pub order: OrderRef,
    /// Its side.
    pub side: Side,
    /// Where it would rest; `None` for an order without a price that has not traded.
    pub price: Option<Price>,
    /// What it has left.
    pub qty: Qty,
}

/// The order; quantity 0 for none.
#[derive(Clone, Copy, Debug)]
pub(super) struct Held {
    pub order: OrderRef,
    pub side: Side,
    /// Limit price; for orders without one the price of the last execution, 0 before it.
    pub price: Price,
    pub qty: u64,
    pub pricing: Pricing,
}

impl Held {
    pub const NONE: Held = Held {
        order: OrderRef(0),
        side: Side::Buy,
        price: Price(0),
        qty: 0,
        pricing: Pricing::Limit,
    };

    /// The order of an Add.
    #[inline]
    pub fn of(kind: &EventKind) -> Option<Held> {
        match *kind {
            EventKind::Add { order, side, price, qty, pricing, .. } => {
                let price = if pricing == Pricing::Limit { price } else { Price(0) };
                Some(Held { order, side, price, qty: qty.0, pricing })
            }
            _ => None,
        }
    }

    #[inline]
    pub fn is(&self, order: OrderRef) -> bool {
        self.qty > 0 && self.order == order
    }

    /// Whether it would trade with the opposite best.
    #[inline]
    pub fn crosses(&self, touch: &Touch) -> bool {
        crosses(self.side, self.price, touch)
    }

    /// Takes `qty` off; whether it had that much.
    #[inline]
    pub fn take(&mut self, qty: Qty) -> bool {
        let enough = qty.0 <= self.qty;
        self.qty = self.qty.saturating_sub(qty.0);
        enough
    }

    /// It is executed at `price`.
    #[inline]
    pub fn fill(&mut self, qty: Qty, price: Option<Price>) -> bool {
        if self.pricing != Pricing::Limit {
            self.price = price.unwrap_or(self.price);
        }
        self.take(qty)
    }

    /// The event by which what is left of it joins the book; a price makes it a limit order.
    pub fn joins(&self, at: &BookEvent, instrument: nofx_types::InstrumentId) -> BookEvent {
        let pricing = if self.has_price() { Pricing::Limit } else { self.pricing };
        let kind = EventKind::Add {
            order: self.order,
            side: self.side,
            price: self.price,
            qty: Qty(self.qty),
            priority: Priority::Back,
            pricing,
        };
        BookEvent { instrument, last: true, kind, ..*at }
    }

    /// What it is to those outside; `None` for none.
    pub fn public(&self) -> Option<HeldOrder> {
        let Held { order, side, qty, .. } = *self;
        let price = self.has_price().then_some(self.price);
        (qty > 0).then_some(HeldOrder { order, side, price, qty: Qty(qty) })
    }

    pub fn has_price(&self) -> bool {
        self.pricing == Pricing::Limit || self.price.0 > 0
    }
}

/// Whether an order of `side` at `price` would trade with the opposite best.
#[inline(always)]
pub(super) fn crosses(side: Side, price: Price, touch: &Touch) -> bool {
    match side {
        Side::Buy => touch.ask_qty.0 > 0 && price >= touch.ask_px,
        Side::Sell => touch.bid_qty.0 > 0 && price <= touch.bid_px,
    }
}
