//! What a gateway keeps of its firm's orders: how they came, since reports echo it, and what became
//! of them.

use std::collections::{HashMap, VecDeque};

use nofx_types::{OrderRef, Price, Qty};

use super::ids::{Ids, Label};
use super::{Ask, Entry, Why};

/// An order as it came in the protocol's form `F`, and as it stands.
pub(super) struct Placed<F> {
    /// The request.
    pub form: F,
    /// The neutral order.
    pub entry: Entry,
    /// The board's id, 0 until accepted.
    pub order: OrderRef,
    /// Limit price now.
    pub price: Price,
    /// Total, with what has traded.
    pub total: Qty,
    /// Traded.
    pub filled: Qty,
    /// Open.
    pub leaves: Qty,
}

/// The orders of a firm, its cancels and amends in the form `R`, and what waits for the board.
pub(super) struct Orders<F, R> {
    ids: Ids,
    placed: HashMap<u64, Placed<F>>,
    requests: HashMap<u64, R>,
    asks: VecDeque<Ask>,
}

impl<F, R> Default for Orders<F, R> {
    fn default() -> Self {
        Orders {
            ids: Ids::default(),
            placed: HashMap::new(),
            requests: HashMap::new(),
            asks: VecDeque::new(),
        }
    }
}

impl<F, R> Orders<F, R> {
    /// A number for a client order id that is not blank and was not used before.
    pub fn number(&mut self, text: Label) -> Result<u64, Why> {
        self.ids.take(text)
    }

    /// The number of an id that was used before; 0 for none.
    pub fn find(&self, text: Label) -> u64 {
        self.ids.find(text).unwrap_or(0)
    }

    /// The id with this number.
    pub fn text(&self, id: u64) -> Label {
        self.ids.text(id)
    }

    /// Keeps a new order and asks the board for it.
    pub fn place(&mut self, entry: Entry, form: F) {
        let (price, total) = (entry.price, entry.qty);
        let order = OrderRef(0);
        let (filled, leaves) = (Qty(0), total);
        let placed = Placed { form, entry, order, price, total, filled, leaves };
        self.placed.insert(entry.id, placed);
        self.asks.push_back(Ask::New(entry));
    }

    /// Keeps the request `id`, which came as `form`, and asks the board for `ask`.
    pub fn request(&mut self, id: u64, form: R, ask: Ask) {
        self.requests.insert(id, form);
        self.asks.push_back(ask);
    }

    /// Asks the board for something that nobody sent.
    pub fn ask(&mut self, ask: Ask) {
        self.asks.push_back(ask);
    }

    /// The next request.
    pub fn next_ask(&mut self) -> Option<Ask> {
        self.asks.pop_front()
    }

    /// An order.
    pub fn get(&self, id: u64) -> Option<&Placed<F>> {
        self.placed.get(&id)
    }

    /// The request with this number.
    pub fn asked(&self, request: u64) -> Option<&R> {
        self.requests.get(&request)
    }

    /// The number of the order that the board calls `order`; 0 for none. Orders that the board has
    /// not answered yet have no such name.
    pub fn by_ref(&self, order: OrderRef) -> u64 {
        let mut named = self.placed.iter().filter(|(_, placed)| placed.order != OrderRef(0));
        named.find(|(_, placed)| placed.order == order).map_or(0, |(id, _)| *id)
    }

    /// The board took the order.
    pub fn accept(&mut self, id: u64, order: OrderRef) {
        if let Some(placed) = self.placed.get_mut(&id) {
            placed.order = order;
        }
    }

    /// `qty` traded.
    pub fn trade(&mut self, id: u64, qty: Qty) {
        if let Some(placed) = self.placed.get_mut(&id) {
            placed.filled.0 = placed.filled.0.saturating_add(qty.0);
            placed.leaves.0 = placed.leaves.0.saturating_sub(qty.0);
        }
    }

    /// A trade of `qty` was taken back; the order does not open again.
    pub fn untrade(&mut self, id: u64, qty: Qty) {
        if let Some(placed) = self.placed.get_mut(&id) {
            placed.filled.0 = placed.filled.0.saturating_sub(qty.0);
        }
    }

    /// The order is no longer open.
    pub fn close(&mut self, id: u64) {
        if let Some(placed) = self.placed.get_mut(&id) {
            placed.leaves = Qty(0);
        }
    }

    /// `orig` is `id` from now on.
    pub fn amend(&mut self, orig: u64, id: u64, price: Price, total: Qty) {
        let Some(mut placed) = self.placed.remove(&orig) else { return };
        placed.entry.id = id;
        placed.price = price;
        placed.total = total;
        placed.leaves.0 = total.0.saturating_sub(placed.filled.0);
        self.placed.insert(id, placed);
    }
}
