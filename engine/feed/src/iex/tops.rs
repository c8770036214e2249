//! TOPS 1.5 and 1.6: the touch, replaced whole by each quote.
//!
//! A quote empties the book of its symbol and sets both sides anew, so that it needs no memory of
//! the one before, and a book that became stale by a gap is good again after its next quote.

use nofx_types::{EventKind, EventSink, Side, TradeKind};
use nofx_wire::iex::{Protocol, QuoteUpdate};
use nofx_wire::num::{Le32, LeI64};

use super::segments::{Feed, Segments, nanos};
use super::shared::{Prints, price, qty};
use crate::FeedConfig;
use crate::packet::Stamp;

/// Each quote is complete, so the touch may be read at any time.
const PRINTS: Prints = Prints { kind: TradeKind::Print, last: true };

/// What TOPS adds: nothing to remember.
pub struct Tops;

impl Feed for Tops {
    const PROTOCOL: Protocol = Protocol::Tops16;

    fn new(_: &FeedConfig) -> Tops {
        Tops
    }

    fn is_ours(protocol: Protocol) -> bool {
        matches!(protocol, Protocol::Tops15 | Protocol::Tops16)
    }

    #[inline(always)]
    fn message<S: EventSink>(
        &mut self,
        segments: &mut Segments,
        at: Stamp,
        message: &[u8],
        _: &[u8],
        sink: &mut S,
    ) -> Option<()> {
        if *message.first()? != QuoteUpdate::KIND {
            return segments.shared::<Tops, S>(PRINTS, at, message, sink);
        }
        let quote = QuoteUpdate::parse(message)?;
        if let Some(id) = segments.instrument(quote.symbol, sink) {
            let bid = level(Side::Buy, quote.bid_price_e4, quote.bid_shares);
            let ask = level(Side::Sell, quote.ask_price_e4, quote.ask_shares);
            let ts = nanos(quote.ts_ns);
            let mut send = |last, kind| sink.on_event(&at.event(id, ts, last, kind));
            send(bid.is_none() && ask.is_none(), EventKind::Clear { side: None });
            if let Some(bid) = bid {
                send(ask.is_none(), bid);
            }
            if let Some(ask) = ask {
                send(true, ask);
            }
        }
        Some(())
    }

    fn changes_book(kind: u8) -> bool {
        kind == QuoteUpdate::KIND
    }
}

/// The level of one side, unless the side is empty.
fn level(side: Side, price_e4: LeI64, shares: Le32) -> Option<EventKind> {
    (shares.get() > 0).then(|| EventKind::LevelSet {
        side,
        price: price(price_e4),
        qty: qty(shares),
        orders: 0,
    })
}
