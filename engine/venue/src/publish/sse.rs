//! Shanghai: merged ticks and ten-level snapshots as neutral records.
//!
//! Model: Shanghai publishes what rests, after the trades that came before it: an order that trades
//! whole at once never shows as an order (UA5803). So [`What::Rested`] is the
//! order, [`What::OrderIn`] nothing. The board numbers exactly these messages. Ticks carry times of
//! 1/100 s.

use nofx_types::{Nanos, OrderRef, Phase, Price, Pricing, Qty, Side, Symbol, Tick, TickKind};

use crate::board::{ALL, Board, Said, What};

/// Step of the times on the wire.
const STEP_NS: u64 = 10_000_000;

/// The tick that says this fact; `None` where Shanghai publishes none. A stage of the whole market
/// is one tick without a security.
pub fn tick(said: &Said, board: &Board) -> Option<Tick> {
    let symbol = match said.row {
        ALL => Symbol::NONE,
        row => board.securities().get(row as usize)?.symbol,
    };
    let blank = Tick {
        channel: said.channel,
        seq: said.number,
        symbol,
        exch_ns: Nanos(said.at.0 - said.at.0 % STEP_NS),
        kind: TickKind::Phase(Phase::Unknown),
        bid: OrderRef(0),
        offer: OrderRef(0),
        price: Price(0),
        qty: Qty(0),
    };
    let of = |side: Side, order: OrderRef| match side {
        Side::Buy => (order, OrderRef(0)),
        Side::Sell => (OrderRef(0), order),
    };
    if said.number == 0 {
        return None;
    }
    match said.what {
        What::Rested { order, .. } => {
            let (bid, offer) = of(order.side, order.order);
            let (price, qty) = (order.price, Qty(order.qty.into()));
            let kind = TickKind::Order { side: order.side, pricing: Pricing::Limit };
            Some(Tick { kind, bid, offer, price, qty, ..blank })
        }
        What::Canceled { order, by, rested: true } => {
            let (bid, offer) = of(order.side, order.order);
            let kind = TickKind::Cancel { side: order.side };
            Some(Tick { kind, bid, offer, qty: Qty(by.into()), ..blank })
        }
        What::Trade { bid, offer, price, qty, aggressor, .. } => Some(Tick {
            kind: TickKind::Trade { aggressor },
            bid: bid.order,
            offer: offer.order,
            price,
            qty: Qty(qty.into()),
            ..blank
        }),
        What::Stage { phase, .. } => Some(Tick { kind: TickKind::Phase(phase), ..blank }),
        _ => None,
    }
}
