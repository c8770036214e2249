//! The adaptor that matches at once and lets the exchange confirm.
//!
//! Model: a [`Waiting`] adaptor whose sink is a tee: the books kept here and the sink behind. In front
//! of it stands the foresight: a limit order that crosses in the continuous phase trades at once, and
//! the trades foreseen wait for those of the channel. A trade that was foreseen is swallowed. Anything
//! else takes back, last first, what was not confirmed: passive orders return to the head of their
//! level, the order itself is held as if nothing had been foreseen, and the truth goes on from there.

use nofx_types::{
    BookEvent, EventKind, EventSink, Instrument, InstrumentId, OrderRef, Price, Pricing, Priority,
    Qty, Side, StaleReason, Touch, TradeKind,
};

use super::cage::Cage;
use super::held::{Held, HeldOrder};
use super::waiting::{Over, Waiting};
use super::{RebuildConfig, RebuildCounts};
use crate::{ConfigError, QueueBooks, QueueConfig};

/// Channels in which trades may be foreseen at once.
const OUTSTANDING_MAX: usize = 64;
/// Trades that one order may be foreseen to make; an order that would make more is waited for.
const TRADES_MAX: usize = 1_024;

/// Matches limit orders at once; see the module.
pub struct Simulated {
    waiting: Waiting,
    books: QueueBooks,
    outstanding: Box<[Foreseen]>,
    /// First half of a trade, while its other half is awaited.
    leg: Option<BookEvent>,
}

/// What an order is foreseen to do.
struct Foreseen {
    /// `None`: free.
    channel: Option<u16>,
    instrument: InstrumentId,
    order: Held,
    /// What is left of it rests.
    rests: bool,
    trades: Vec<Foretold>,
    confirmed: usize,
    /// Number of the message that brought the order: its trades follow it.
    seq: u64,
}

#[derive(Clone, Copy)]
struct Foretold {
    passive: OrderRef,
    price: Price,
    qty: u64,
}

/// The books kept here, and the sink.
struct Tee<'a, S> {
    books: &'a mut QueueBooks,
    sink: &'a mut S,
    unknown: u64,
}

impl<S: EventSink> EventSink for Tee<'_, S> {
    fn on_event(&mut self, event: &BookEvent) {
        if let EventKind::Execute { order, .. } | EventKind::Reduce { order, .. } = event.kind
            && self.books.order(event.instrument, order).is_none()
        {
            self.unknown += 1;
            let kind = EventKind::Stale(StaleReason::Inconsistent);
            self.sink.on_event(&BookEvent { kind, ..*event });
            return;
        }
        self.books.apply(event);
        self.sink.on_event(event);
    }

    fn on_definition(&mut self, instrument: &Instrument) {
        self.sink.on_definition(instrument);
    }

    fn touch(&self, instrument: InstrumentId) -> Touch {
        self.books.touch(instrument)
    }
}

impl<S: EventSink> EventSink for Over<'_, Simulated, S> {
    fn on_event(&mut self, event: &BookEvent) {
        self.adaptor.take(self.channel, event, self.sink);
    }

    fn on_definition(&mut self, instrument: &Instrument) {
        self.adaptor.books.define(instrument);
        self.sink.on_definition(instrument);
    }

    fn touch(&self, instrument: InstrumentId) -> Touch {
        self.adaptor.books.touch(instrument)
    }
}

impl Simulated {
    /// An adaptor with empty books.
    ///
    /// # Errors
    /// A size outside its range; the error names its key.
    pub fn new(config: &RebuildConfig, books: &QueueConfig) -> Result<Simulated, ConfigError> {
        let free = |_| Foreseen {
            channel: None,
            instrument: InstrumentId(0),
            order: Held::NONE,
            rests: false,
            trades: Vec::with_capacity(TRADES_MAX),
            confirmed: 0,
            seq: 0,
        };
        Ok(Simulated {
            waiting: Waiting::new(config)?,
            books: QueueBooks::new(books)?,
            outstanding: (0..OUTSTANDING_MAX).map(free).collect(),
            leg: None,
        })
    }

    /// The sink for the events of a channel.
    pub fn over<'a, S>(&'a mut self, channel: u16, sink: &'a mut S) -> Over<'a, Simulated, S> {
        Over { adaptor: self, channel, sink }
    }

    /// Parks orders of an instrument outside `cage` from here on.
    pub fn set_cage(&mut self, instrument: InstrumentId, cage: Option<Cage>) {
        self.waiting.set_cage(instrument, cage);
    }

    /// The order of an instrument that is held: not in the book yet.
    pub fn held(&self, instrument: InstrumentId) -> Option<HeldOrder> {
        self.waiting.held(instrument)
    }

    /// Whether trades of an instrument are foreseen and not confirmed.
    pub fn is_ahead(&self, instrument: InstrumentId) -> bool {
        self.outstanding.iter().any(|f| f.channel.is_some() && f.instrument == instrument)
    }

    /// Its books, order by order.
    pub fn books(&self) -> &QueueBooks {
        &self.books
    }

    /// What was out of the ordinary so far.
    pub fn counts(&self) -> RebuildCounts {
        self.waiting.counts
    }

    /// Bytes of its tables, fixed at construction.
    pub fn memory_bytes(&self) -> u64 {
        let trades = OUTSTANDING_MAX * TRADES_MAX * size_of::<Foretold>();
        let books: u64 = self.books.memory().map(|(_, bytes)| bytes).sum();
        self.waiting.memory_bytes() + trades as u64 + books
    }

    fn take<S: EventSink>(&mut self, channel: u16, event: &BookEvent, sink: &mut S) {
        if matches!(event.kind, EventKind::Clear { .. }) {
            self.forget(event.instrument);
        }
        let ahead = self.outstanding.iter().position(|f| f.channel == Some(channel));
        let done = match ahead {
            _ if is_aside(event) => false,
            Some(at) => self.is_confirmed(at, channel, event, sink),
            None => self.foresees(channel, event, sink),
        };
        if !done {
            let mut tee = Tee { books: &mut self.books, sink, unknown: 0 };
            self.waiting.take(channel, event, &mut tee);
            self.waiting.counts.unknown_order += tee.unknown;
        }
    }

    /// Whether the event is what was foreseen, or half of it. If not, the foresight is taken back.
    fn is_confirmed<S: EventSink>(
        &mut self,
        at: usize,
        channel: u16,
        event: &BookEvent,
        sink: &mut S,
    ) -> bool {
        let Some(foreseen) = self.outstanding.get_mut(at) else { return false };
        if matches!(event.kind, EventKind::Execute { .. }) && !event.last && self.leg.is_none() {
            self.leg = Some(*event);
            return true;
        }
        let mut tee = Tee { books: &mut self.books, sink, unknown: 0 };
        let leg = self.leg.take();
        if let Some(price) = foreseen.confirms(leg.as_ref(), event) {
            let last = foreseen.channel.is_none();
            self.waiting.counts.confirmed += 1;
            self.waiting.traded(channel, price, last, event, &mut tee);
            return true;
        }
        self.waiting.counts.contradicted += 1;
        foreseen.take_back(event, &mut tee);
        let first = BookEvent { instrument: foreseen.instrument, ..*event };
        foreseen.channel = None;
        self.waiting.hold(channel, &first, foreseen.order, &mut tee);
        if let Some(leg) = leg {
            self.waiting.take(channel, &leg, &mut tee);
        }
        self.waiting.counts.unknown_order += tee.unknown;
        false
    }

    /// Books are emptied: nothing is foreseen in them.
    fn forget(&mut self, id: InstrumentId) {
        for foreseen in &mut self.outstanding {
            if id == InstrumentId::ALL || foreseen.instrument == id {
                foreseen.channel = None;
            }
        }
        self.leg = None;
    }

    /// Matches the order of the event at once, if it may be.
    fn foresees<S: EventSink>(&mut self, channel: u16, event: &BookEvent, sink: &mut S) -> bool {
        let Some(order) = Held::of(&event.kind).filter(|o| o.pricing == Pricing::Limit) else {
            return false;
        };
        let mut tee = Tee { books: &mut self.books, sink, unknown: 0 };
        // The order ends any wait in its channel, and does so before it is matched.
        while self.waiting.opened(channel).is_some() {
            self.waiting.settle(channel, event, &mut tee);
        }
        let touch = tee.touch(event.instrument);
        if !order.crosses(&touch) || !self.waiting.matches_at_once(event.instrument, &order, &touch)
        {
            return false;
        }
        let Some(foreseen) = self.outstanding.iter_mut().find(|f| f.channel.is_none()) else {
            return false;
        };
        foreseen.channel = Some(channel);
        (foreseen.instrument, foreseen.order) = (event.instrument, order);
        (foreseen.confirmed, foreseen.seq) = (0, event.seq);
        foreseen.trades.clear();
        let whole = foreseen.foretell(&tee);
        if !whole {
            foreseen.channel = None;
            return false;
        }
        foreseen.play(event, &mut tee);
        true
    }
}

impl Foreseen {
    /// Lists the trades by price and time; false when there are too many.
    fn foretell<S>(&mut self, tee: &Tee<'_, S>) -> bool {
        let (id, side) = (self.instrument, self.order.side.opposite());
        let mut left = self.order.qty;
        for level in tee.books.book(id).ladder(side) {
            let reached = match self.order.side {
                Side::Buy => level.price <= self.order.price,
                Side::Sell => level.price >= self.order.price,
            };
            if left == 0 || !reached {
                break;
            }
            for resting in tee.books.queue(id, side, level.price) {
                let qty = left.min(resting.qty.0);
                if self.trades.len() == TRADES_MAX {
                    return false;
                }
                let (passive, price) = (resting.order, level.price);
                self.trades.push(Foretold { passive, price, qty });
                left -= qty;
                if left == 0 {
                    break;
                }
            }
        }
        self.rests = left > 0;
        true
    }

    /// Sends the trades, and the order's rest.
    fn play<S: EventSink>(&self, event: &BookEvent, tee: &mut Tee<'_, S>) {
        let mut left = self.order.qty;
        for (trade, nth) in self.trades.iter().zip(1..) {
            left -= trade.qty;
            let kind = EventKind::Execute {
                order: trade.passive,
                qty: Qty(trade.qty),
                price: Some(trade.price),
                printable: true,
                match_id: self.seq + nth,
            };
            tee.on_event(&BookEvent { last: left == 0, kind, ..*event });
        }
        if self.rests {
            tee.on_event(&Held { qty: left, ..self.order }.joins(event, self.instrument));
        }
    }

    /// The price of the trade if it is the next one foreseen; the last of them frees the row.
    fn confirms(&mut self, leg: Option<&BookEvent>, event: &BookEvent) -> Option<Price> {
        let trade = *self.trades.get(self.confirmed)?;
        let says = |event: &BookEvent, who: OrderRef| match event.kind {
            EventKind::Execute { order, qty, price, .. } => {
                order == who && qty.0 == trade.qty && price.is_none_or(|p| p == trade.price)
            }
            _ => false,
        };
        let own = self.order.order;
        let both = leg.is_some_and(|leg| {
            (says(leg, trade.passive) && says(event, own))
                || (says(leg, own) && says(event, trade.passive))
        });
        if !both || event.instrument != self.instrument {
            return None;
        }
        self.confirmed += 1;
        self.order.qty -= trade.qty;
        if self.confirmed == self.trades.len() {
            self.channel = None;
        }
        Some(trade.price)
    }

    /// Undoes what was not confirmed, last first; the order has its quantity again.
    fn take_back<S: EventSink>(&self, event: &BookEvent, tee: &mut Tee<'_, S>) {
        let id = self.instrument;
        let at = |last, kind| BookEvent { instrument: id, last, kind, ..*event };
        if self.rests {
            tee.on_event(&at(false, EventKind::Delete { order: self.order.order }));
        }
        let side = self.order.side.opposite();
        for (nth, trade) in self.trades.iter().enumerate().skip(self.confirmed).rev() {
            let (order, price) = (trade.passive, trade.price);
            let kind = match tee.books.order(id, order) {
                Some(resting) => EventKind::Replace {
                    old: order,
                    new: order,
                    price: None,
                    qty: Qty(resting.qty.0 + trade.qty),
                    priority: Priority::Kept,
                },
                None => EventKind::Add {
                    order,
                    side,
                    price,
                    qty: Qty(trade.qty),
                    priority: Priority::At(0),
                    pricing: Pricing::Limit,
                },
            };
            tee.on_event(&at(false, kind));
            let broken = EventKind::Trade {
                price,
                qty: Qty(trade.qty),
                aggressor: Some(self.order.side),
                match_id: self.seq + 1 + nth as u64,
                kind: TradeKind::Broken,
            };
            tee.on_event(&at(nth == self.confirmed, broken));
        }
    }
}

/// Events that neither confirm nor contradict.
fn is_aside(event: &BookEvent) -> bool {
    matches!(
        event.kind,
        EventKind::Phase(_)
            | EventKind::Auction(_)
            | EventKind::Band { .. }
            | EventKind::Stale(_)
            | EventKind::Recovered
            | EventKind::EndOfEvent
    )
}
