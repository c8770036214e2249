//! DEEP+: order by order.
//!
//! There is no event flag; messages of one event share symbol and time. `last` is set when the next
//! message of the segment is of another symbol or time, or the segment ends: no more can be known
//! without waiting.

use nofx_types::{EventKind, EventSink, OrderRef, Pricing, Priority, Side, TradeKind};
use nofx_wire::iex::{
    AddOrder, ClearBook, Header, OrderDelete, OrderExecuted, OrderModify, Protocol, modify_flags,
};

use super::segments::{Feed, Iex, Segments, nanos};
use super::shared::{Prints, price, qty};
use crate::FeedConfig;
use crate::packet::{Stamp, split_block};

/// A fill in which no displayed order took part.
const PRINTS: Prints = Prints { kind: TradeKind::Hidden, last: true };

/// What DEEP+ adds: nothing to remember.
pub struct DeepPlus;

impl Feed for DeepPlus {
    const PROTOCOL: Protocol = Protocol::DeepPlus;

    fn new(_: &FeedConfig) -> DeepPlus {
        DeepPlus
    }

    fn is_ours(protocol: Protocol) -> bool {
        protocol == Protocol::DeepPlus
    }

    #[inline(always)]
    fn message<S: EventSink>(
        &mut self,
        segments: &mut Segments,
        at: Stamp,
        message: &[u8],
        rest: &[u8],
        sink: &mut S,
    ) -> Option<()> {
        let kind = match *message.first()? {
            AddOrder::KIND => add(AddOrder::parse(message)?)?,
            OrderModify::KIND => modify(OrderModify::parse(message)?),
            OrderDelete::KIND => {
                EventKind::Delete { order: OrderRef(OrderDelete::parse(message)?.order_id.get()) }
            }
            OrderExecuted::KIND => executed(OrderExecuted::parse(message)?),
            ClearBook::KIND => EventKind::Clear { side: None },
            _ => return segments.shared::<DeepPlus, S>(PRINTS, at, message, sink),
        };
        let header = Header::parse(message)?;
        if let Some(id) = segments.instrument(header.symbol, sink) {
            let last = !goes_on(header, rest);
            sink.on_event(&at.event(id, nanos(header.ts_ns), last, kind));
        }
        Some(())
    }

    fn changes_book(kind: u8) -> bool {
        matches!(kind, b'a' | b'M' | b'R' | b'L' | b'C')
    }
}

fn add(add: &AddOrder) -> Option<EventKind> {
    let side = match add.side {
        b'8' => Side::Buy,
        b'5' => Side::Sell,
        _ => return None,
    };
    Some(EventKind::Add {
        order: OrderRef(add.order_id.get()),
        side,
        price: price(add.price_e4),
        qty: qty(add.shares),
        priority: Priority::Back,
        pricing: Pricing::Limit,
    })
}

fn modify(modify: &OrderModify) -> EventKind {
    let order = OrderRef(modify.order_id.get());
    if modify.shares.get() == 0 {
        return EventKind::Delete { order };
    }
    let kept = modify.flags & modify_flags::PRIORITY_KEPT != 0;
    EventKind::Replace {
        old: order,
        new: order,
        price: Some(price(modify.price_e4)),
        qty: qty(modify.shares),
        priority: if kept { Priority::Kept } else { Priority::Back },
    }
}

fn executed(executed: &OrderExecuted) -> EventKind {
    EventKind::Execute {
        order: OrderRef(executed.order_id.get()),
        qty: qty(executed.shares),
        price: Some(price(executed.price_e4)),
        printable: true,
        match_id: executed.trade_id.get(),
    }
}

/// Whether the next message belongs to the same event of the same symbol and changes its book too.
#[inline]
fn goes_on(header: &Header, rest: &[u8]) -> bool {
    split_block::<Iex<DeepPlus>>(rest).and_then(|(next, _)| Header::parse(next)).is_some_and(
        |next| {
            DeepPlus::changes_book(next.kind)
                && next.symbol == header.symbol
                && next.ts_ns == header.ts_ns
        },
    )
}
