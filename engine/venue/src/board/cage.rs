//! Orders outside the price cage that the exchange keeps aside (ChiNext before 2023).
//!
//! They are accepted and published, but stand in no book. Whenever the book or the last price has
//! changed, the oldest one that is inside by now comes in like a new order, and so on until none is.
//! A call has no cage, so all of them come in when it begins.

use nofx_types::OrderRef;

use super::Board;
use super::orders::State;
use super::said::What;
use super::voice::public;

impl Board {
    pub(super) fn park(&mut self, key: OrderRef) {
        let Some(row) = self.orders.get(key).map(|order| order.entry.row) else { return };
        if let Some(line) = self.lines.get_mut(row as usize) {
            line.parked.push(key);
        }
        self.say(row, What::Parked { order: public(key) });
    }

    /// Lets in what is inside the cage by now.
    pub(super) fn settle(&mut self, row: u32) {
        while let Some(key) = self.first_inside(row) {
            if let Some(line) = self.lines.get_mut(row as usize) {
                line.forget(key);
            }
            if let Some(order) = self.orders.get_mut(key) {
                order.state = State::Open;
            }
            self.say(row, What::Unparked { order: public(key) });
            self.come_in(key);
        }
    }

    fn first_inside(&self, row: u32) -> Option<OrderRef> {
        let line = self.lines.get(row as usize)?;
        let trades = self.stage.is_call() || self.session().orders;
        let inside = |key: &OrderRef| {
            self.orders
                .get(*key)
                .is_some_and(|order| self.in_cage(row, line, order.entry.side, order.entry.price))
        };
        line.parked.iter().copied().find(|key| trades && inside(key))
    }
}
