//! The three messages that change a book.

use nofx_types::{
    EventKind, EventSink, InstrumentId, OrderRef, Price, Pricing, Priority, Qty, Side,
};
use nofx_wire::omdc::{
    AddOrder, DeleteOrder, ModifyOrder, Trade, order_type, side_of, split_message, type_of,
};

use super::config::{ModifyPlace, PositionMeaning};
use super::follow::Ahead;
use super::{Omdc, order_ref};
use crate::packet::Stamp;
use crate::tally::Fault;

impl Omdc {
    #[inline(always)]
    pub(super) fn add<S: EventSink>(
        &mut self,
        at: Stamp,
        message: &[u8],
        rest: &[u8],
        sink: &mut S,
    ) -> Option<()> {
        let add = AddOrder::parse(message)?;
        let Some(side) = side_of(add.side.get()) else {
            return self.bad(Fault::Side, at, message, sink);
        };
        let Some(order) = order_ref(side, add.order_id.get()) else {
            return self.bad(Fault::OrderId, at, message, sink);
        };
        let price_e3 = add.price_e3.get();
        let (pricing, price_e3) = match add.order_type {
            order_type::LIMIT if price_e3 > 0 => (Pricing::Limit, price_e3),
            order_type::LIMIT => return self.bad(Fault::Price, at, message, sink),
            order_type::MARKET => (Pricing::Market, 0),
            _ => return self.bad(Fault::Code, at, message, sink),
        };
        let code = add.security_code.get();
        let Some(id) = self.instrument(code, sink) else { return Some(()) };
        let ahead =
            if self.follow.follows(id) { self.follow_add(id, order, side, add, at) } else { None };
        let kind = EventKind::Add {
            order,
            side,
            price: Price(i64::from(price_e3) * 10),
            qty: Qty(u64::from(add.quantity.get())),
            priority: self.priority(add.order_book_position.get(), ahead),
            pricing,
        };
        let last = !goes_on(code, rest);
        sink.on_event(&at.event(id, self.now(), last, kind));
        Some(())
    }

    #[inline(always)]
    pub(super) fn modify<S: EventSink>(
        &mut self,
        at: Stamp,
        message: &[u8],
        rest: &[u8],
        sink: &mut S,
    ) -> Option<()> {
        let modify = ModifyOrder::parse(message)?;
        let Some(side) = side_of(modify.side.get()) else {
            return self.bad(Fault::Side, at, message, sink);
        };
        let Some(order) = order_ref(side, modify.order_id.get()) else {
            return self.bad(Fault::OrderId, at, message, sink);
        };
        let code = modify.security_code.get();
        let Some(id) = self.instrument(code, sink) else { return Some(()) };
        let qty = modify.quantity.get();
        let had = if self.follow.follows(id) { self.follow.modify(id, order, qty) } else { None };
        let priority = match self.config.modify {
            ModifyPlace::ByQuantity if had.is_some_and(|had| qty > had) => {
                self.notes.modifies_up += 1;
                Priority::Back
            }
            ModifyPlace::ByQuantity | ModifyPlace::Kept => Priority::Kept,
            ModifyPlace::ByRank => self.priority(modify.order_book_position.get(), None),
        };
        let qty = Qty(u64::from(qty));
        let kind = EventKind::Replace { old: order, new: order, price: None, qty, priority };
        let last = !goes_on(code, rest);
        sink.on_event(&at.event(id, self.now(), last, kind));
        Some(())
    }

    #[inline(always)]
    pub(super) fn delete<S: EventSink>(
        &mut self,
        at: Stamp,
        message: &[u8],
        rest: &[u8],
        sink: &mut S,
    ) -> Option<()> {
        let delete = DeleteOrder::parse(message)?;
        let Some(side) = side_of(delete.side.get()) else {
            return self.bad(Fault::Side, at, message, sink);
        };
        let Some(order) = order_ref(side, delete.order_id.get()) else {
            return self.bad(Fault::OrderId, at, message, sink);
        };
        let code = delete.security_code.get();
        let Some(id) = self.instrument(code, sink) else { return Some(()) };
        if self.follow.follows(id) {
            self.follow.delete(id, order, side);
        }
        let last = !goes_on(code, rest);
        sink.on_event(&at.event(id, self.now(), last, EventKind::Delete { order }));
        Some(())
    }

    /// Orders of an image have no turn of their own to be checked.
    #[inline(never)]
    fn follow_add(
        &mut self,
        id: InstrumentId,
        order: OrderRef,
        side: Side,
        add: &AddOrder,
        at: Stamp,
    ) -> Option<Ahead> {
        let price = (add.order_type == order_type::LIMIT).then_some(add.price_e3.get());
        let position = (at.seq > 0).then_some(add.order_book_position.get());
        self.follow.add(id, order, side, price, add.quantity.get(), position)
    }

    /// Where a position puts an order, if `ahead` is what rests before the back of its level.
    #[inline(always)]
    fn priority(&mut self, position: i32, ahead: Option<Ahead>) -> Priority {
        let meaning = self.config.position;
        let rank = i64::from(position) - meaning.first();
        match meaning {
            PositionMeaning::Ignore => return Priority::Back,
            _ if rank < 0 => {}
            PositionMeaning::LevelRank1Based | PositionMeaning::LevelRank0Based => {
                return Priority::At(rank as u32); // an i32 that is not negative
            }
            PositionMeaning::SideRank1Based | PositionMeaning::SideRank0Based => {
                let Some(ahead) = ahead else { return Priority::Back };
                if let Ok(rank) = u32::try_from(rank - i64::from(ahead.better)) {
                    return Priority::At(rank);
                }
            }
        }
        self.tally.fault(Fault::Rank);
        Priority::Back
    }
}

/// Whether the next message of the packet is about the same security and changes its book, or says
/// why it changed.
#[inline(always)]
pub(super) fn goes_on(code: u32, rest: &[u8]) -> bool {
    let Ok((next, _)) = split_message(rest) else { return false };
    let same = next.get(4..).and_then(|rest| rest.first_chunk::<4>());
    same == Some(&code.to_le_bytes())
        && matches!(
            type_of(next),
            Some(AddOrder::KIND | ModifyOrder::KIND | DeleteOrder::KIND | Trade::KIND)
        )
}
