//! From a tick of the wire to the neutral one.

use nofx_types::{Nanos, OrderRef, Pricing, Side, Symbol, Tick, TickKind};
use nofx_wire::szse::{
    Execution, LocalTime, Order, exec_type, ord_type, price_of, shares_of, side as codes,
};

use super::counters::SzseCounters;

/// What a numbered message says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Says {
    /// Something about a book.
    Tick,
    /// Nothing about a book: another stream, securities lending.
    Nothing,
    /// Something that cannot be read: the book of its security is not to be trusted.
    Unreadable,
}

/// A numbered message, read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Item {
    pub tick: Tick,
    pub says: Says,
}

/// Reads ticks; remembers the clock.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Reader {
    clock: LocalTime,
    last_ns: Nanos,
}

impl Reader {
    #[inline]
    fn time(&mut self, stamp: nofx_wire::num::BeI64, counters: &mut SzseCounters) -> Nanos {
        match self.clock.nanos(stamp) {
            Some(at) => self.last_ns = at,
            None => counters.time += 1, // the last good one stands in
        }
        self.last_ns
    }

    /// `None` when it has no number.
    #[inline]
    pub fn order(
        &mut self,
        order: &Order,
        stream: [u8; 3],
        counters: &mut SzseCounters,
    ) -> Option<Item> {
        let seq = number(order.appl_seq_num.get(), counters)?;
        let side = match order.side {
            codes::BUY => Some(Side::Buy),
            codes::SELL => Some(Side::Sell),
            _ => None,
        };
        let pricing = match order.ord_type {
            ord_type::LIMIT => Some(Pricing::Limit),
            ord_type::MARKET => Some(Pricing::Market),
            ord_type::OWN_BEST => Some(Pricing::OwnBest),
            _ => None,
        };
        let qty = shares_of(order.order_qty).filter(|qty| qty.0 > 0);
        let lending = matches!(order.side, codes::BORROW | codes::LEND);
        let price = price_of(order.price);
        let good_price = pricing != Some(Pricing::Limit) || price.0 > 0;
        let says = if order.md_stream_id != stream || lending {
            counters.other_stream += 1;
            Says::Nothing
        } else if side.is_none() || pricing.is_none() {
            counters.code += 1;
            Says::Unreadable
        } else if qty.is_none() || !good_price {
            counters.value += 1;
            Says::Unreadable
        } else {
            Says::Tick
        };
        let side = side.unwrap_or(Side::Buy);
        let own = |of: Side| OrderRef(if of == side { seq } else { 0 });
        Some(Item {
            tick: Tick {
                channel: order.channel_no.get(),
                seq,
                symbol: Symbol(order.security_id),
                exch_ns: self.time(order.transact_time, counters),
                kind: TickKind::Order { side, pricing: pricing.unwrap_or(Pricing::Limit) },
                bid: own(Side::Buy),
                offer: own(Side::Sell),
                price,
                qty: qty.unwrap_or_default(),
            },
            says,
        })
    }

    /// `None` when it has no number.
    #[inline]
    pub fn execution(
        &mut self,
        execution: &Execution,
        stream: [u8; 3],
        counters: &mut SzseCounters,
    ) -> Option<Item> {
        let seq = number(execution.appl_seq_num.get(), counters)?;
        let ids = [execution.bid_appl_seq_num.get(), execution.offer_appl_seq_num.get()];
        let [bid, offer] = ids.map(|id| u64::try_from(id).unwrap_or(0));
        let kind = match execution.exec_type {
            exec_type::TRADE => {
                // The younger order is the aggressor (rule 5); the phase says where there is none.
                let aggressor = if bid > offer { Side::Buy } else { Side::Sell };
                (bid > 0 && offer > 0 && bid != offer)
                    .then_some(TickKind::Trade { aggressor: Some(aggressor) })
            }
            exec_type::CANCEL => {
                let side = if bid > 0 { Side::Buy } else { Side::Sell };
                ((bid == 0) != (offer == 0)).then_some(TickKind::Cancel { side })
            }
            _ => None,
        };
        let qty = shares_of(execution.last_qty).filter(|qty| qty.0 > 0);
        let price = price_of(execution.last_px);
        let says = if execution.md_stream_id != stream {
            counters.other_stream += 1;
            Says::Nothing
        } else if kind.is_none() {
            counters.code += 1;
            Says::Unreadable
        } else if qty.is_none() || price.0 < 0 {
            counters.value += 1;
            Says::Unreadable
        } else {
            Says::Tick
        };
        Some(Item {
            tick: Tick {
                channel: execution.channel_no.get(),
                seq,
                symbol: Symbol(execution.security_id),
                exch_ns: self.time(execution.transact_time, counters),
                kind: kind.unwrap_or(TickKind::Cancel { side: Side::Buy }),
                bid: OrderRef(bid),
                offer: OrderRef(offer),
                price,
                qty: qty.unwrap_or_default(),
            },
            says,
        })
    }
}

#[inline]
fn number(seq: i64, counters: &mut SzseCounters) -> Option<u64> {
    let seq = u64::try_from(seq).ok().filter(|seq| *seq > 0 && *seq < i64::MAX as u64);
    counters.value += u64::from(seq.is_none());
    seq
}
