//! The adaptor that waits for the messages of an order.

use nofx_types::{
    BookEvent, EventKind, EventSink, Instrument, InstrumentId, OrderRef, Phase, Price, Pricing,
    Qty, Side, StaleReason, Touch,
};

use super::cage::Cage;
use super::held::{Held, HeldOrder, crosses};
use super::parked::{List, Pool};
use super::{RebuildConfig, RebuildCounts};
use crate::ConfigError;

/// Holds orders that cross or have no price; see the module.
pub struct Waiting {
    rows: Box<[Row]>,
    /// By channel: one more than the id of the instrument whose order is held; 0 for none.
    open: Box<[u32]>,
    /// The first half of a trade, while an order is held.
    leg: Option<BookEvent>,
    /// Whether any instrument has a cage.
    caged: bool,
    pool: Pool,
    parked_join_auction: bool,
    pub(super) counts: RebuildCounts,
}

#[derive(Clone, Copy)]
struct Row {
    held: Held,
    phase: Phase,
    cage: Option<Cage>,
    /// Price of the last trade, kept where there is a cage.
    last: Price,
    parked: List,
    /// What the touch was when the parked orders were last looked at.
    seen: Touch,
}

/// No touch that a book can have.
const UNSEEN: Touch =
    Touch { bid_px: Price(i64::MIN), bid_qty: Qty(0), ask_px: Price(0), ask_qty: Qty(0) };

/// The adaptor at work: what it passes on goes to `sink`.
pub struct Over<'a, A, S> {
    pub(super) adaptor: &'a mut A,
    pub(super) channel: u16,
    pub(super) sink: &'a mut S,
}

impl<S: EventSink> EventSink for Over<'_, Waiting, S> {
    #[inline(always)]
    fn on_event(&mut self, event: &BookEvent) {
        self.adaptor.take(self.channel, event, self.sink);
    }

    fn on_definition(&mut self, instrument: &Instrument) {
        self.sink.on_definition(instrument);
    }

    #[inline]
    fn touch(&self, instrument: InstrumentId) -> Touch {
        self.sink.touch(instrument)
    }

    #[inline]
    fn hint(&mut self, instrument: InstrumentId, order: OrderRef) {
        self.sink.hint(instrument, order);
    }
}

impl Waiting {
    /// An adaptor that holds nothing.
    ///
    /// # Errors
    /// A size outside its range; the error names its key.
    pub fn new(config: &RebuildConfig) -> Result<Waiting, ConfigError> {
        config.check()?;
        let row = Row {
            held: Held::NONE,
            phase: Phase::Unknown,
            cage: None,
            last: Price(0),
            parked: List::EMPTY,
            seen: Touch::default(),
        };
        Ok(Waiting {
            rows: vec![row; config.instruments as usize].into(),
            open: vec![0; 1 << 16].into(),
            leg: None,
            caged: false,
            pool: Pool::new(config.parked),
            parked_join_auction: config.parked_join_auction,
            counts: RebuildCounts::default(),
        })
    }

    /// The sink for the events of a channel.
    #[inline]
    pub fn over<'a, S>(&'a mut self, channel: u16, sink: &'a mut S) -> Over<'a, Waiting, S> {
        Over { adaptor: self, channel, sink }
    }

    /// Parks orders of an instrument outside `cage` from here on.
    pub fn set_cage(&mut self, instrument: InstrumentId, cage: Option<Cage>) {
        if let Some(row) = self.rows.get_mut(instrument.index()) {
            row.cage = cage;
            self.caged |= cage.is_some();
        }
    }

    /// The order of an instrument that is held: not in the book yet.
    pub fn held(&self, instrument: InstrumentId) -> Option<HeldOrder> {
        self.rows.get(instrument.index())?.held.public()
    }

    /// What was out of the ordinary so far.
    pub fn counts(&self) -> RebuildCounts {
        self.counts
    }

    /// Bytes of its tables, fixed at construction.
    pub fn memory_bytes(&self) -> u64 {
        (size_of_val(&*self.rows) + size_of_val(&*self.open)) as u64 + self.pool.bytes()
    }

    #[inline(always)]
    pub(super) fn take<S: EventSink>(&mut self, channel: u16, event: &BookEvent, sink: &mut S) {
        if self.opened(channel).is_none() {
            self.pass(channel, event, sink);
        } else {
            self.wait(channel, event, sink);
        }
    }

    /// The instrument whose order the channel waits for.
    #[inline(always)]
    pub(super) fn opened(&self, channel: u16) -> Option<InstrumentId> {
        let open = self.open.get(usize::from(channel)).copied().unwrap_or(0);
        open.checked_sub(1).map(InstrumentId)
    }

    /// Nothing is held in the channel.
    #[inline(always)]
    fn pass<S: EventSink>(&mut self, channel: u16, event: &BookEvent, sink: &mut S) {
        match event.kind {
            EventKind::Add { side, price, pricing: Pricing::Limit, .. }
                if !self.caged && !crosses(side, price, &sink.touch(event.instrument)) =>
            {
                sink.on_event(event);
            }
            EventKind::Add { .. } => self.enter(channel, event, sink),
            EventKind::Execute { .. } | EventKind::Reduce { .. } | EventKind::Delete { .. }
                if self.caged =>
            {
                self.pass_caged(channel, event, sink);
            }
            EventKind::Phase(_) | EventKind::Clear { .. } => self.rare(channel, event, sink),
            _ => sink.on_event(event),
        }
    }

    /// An order comes: it joins, is parked, or is held.
    #[inline(never)]
    fn enter<S: EventSink>(&mut self, channel: u16, event: &BookEvent, sink: &mut S) {
        let id = event.instrument;
        let (Some(order), Some(row)) = (Held::of(&event.kind), self.rows.get_mut(id.index()))
        else {
            self.counts.out_of_range += 1;
            return sink.on_event(event);
        };
        let touch = sink.touch(id);
        match order.pricing {
            Pricing::Limit if row.is_outside(&order, &touch) => {
                return self.park(event, order, sink);
            }
            Pricing::Limit if row.is_auction() || !order.crosses(&touch) => sink.on_event(event),
            Pricing::OwnBest if touch.best(order.side).is_some() => {
                let price = touch.best(order.side).unwrap_or_default();
                sink.on_event(&Held { price, ..order }.joins(event, id));
            }
            Pricing::Limit | Pricing::Market | Pricing::OwnBest => {
                return self.hold(channel, event, order, sink);
            }
        }
        self.release(channel, id, event, sink);
    }

    pub(super) fn hold<S: EventSink>(
        &mut self,
        channel: u16,
        at: &BookEvent,
        order: Held,
        sink: &mut S,
    ) {
        let id = at.instrument;
        let (Some(row), Some(open)) =
            (self.rows.get_mut(id.index()), self.open.get_mut(usize::from(channel)))
        else {
            return;
        };
        let before = std::mem::replace(&mut row.held, order);
        *open = id.0 + 1;
        self.counts.held += 1;
        // An instrument that comes on two channels.
        if before.qty > 0 {
            sink.on_event(&before.joins(at, id));
        }
    }

    /// An order is held in the channel: the event is about it, or ends the wait.
    #[inline(never)]
    fn wait<S: EventSink>(&mut self, channel: u16, event: &BookEvent, sink: &mut S) {
        // Each turn settles one order; another is held only when a parked one enters.
        while let Some(id) = self.opened(channel) {
            if self.absorbs(channel, id, event, sink) {
                return;
            }
            self.settle(channel, event, sink);
        }
        if let Some(leg) = self.leg.take() {
            self.pass(channel, &leg, sink);
        }
        self.pass(channel, event, sink);
    }

    /// Whether the event leaves the order held in peace, or is about it and was dealt with.
    fn absorbs<S: EventSink>(
        &mut self,
        channel: u16,
        id: InstrumentId,
        event: &BookEvent,
        sink: &mut S,
    ) -> bool {
        let Some(held) = self.rows.get(id.index()).map(|row| row.held) else { return false };
        let same = event.instrument == id;
        match event.kind {
            EventKind::Execute { .. } if same && !event.last && self.leg.is_none() => {
                self.leg = Some(*event);
                true
            }
            EventKind::Execute { order, .. } if same && event.last => {
                let leg_is_his = self.leg.as_ref().is_some_and(|leg| held.is(order_of(leg)));
                if !leg_is_his && !held.is(order) {
                    return false;
                }
                match self.leg.take() {
                    Some(leg) if leg_is_his => self.executed(channel, &leg, Some(event), sink),
                    other => self.executed(channel, event, other.as_ref(), sink),
                }
                true
            }
            EventKind::Reduce { order, qty } if same && held.is(order) => {
                self.withdrawn(channel, qty, event, sink);
                true
            }
            EventKind::Delete { order } if same && held.is(order) => {
                self.withdrawn(channel, Qty(held.qty), event, sink);
                true
            }
            EventKind::Phase(_) => {
                self.rare(channel, event, sink);
                true
            }
            // What was lost, if anything, the next message of the channel will tell.
            EventKind::Auction(_)
            | EventKind::Band { .. }
            | EventKind::Stale(_)
            | EventKind::Recovered
            | EventKind::EndOfEvent => {
                sink.on_event(event);
                true
            }
            _ => false,
        }
    }

    /// The held order traded: `own` says so, `other` is the side that rests.
    fn executed<S: EventSink>(
        &mut self,
        channel: u16,
        own: &BookEvent,
        other: Option<&BookEvent>,
        sink: &mut S,
    ) {
        let (EventKind::Execute { qty, price, .. }, Some(row)) =
            (own.kind, self.rows.get_mut(own.instrument.index()))
        else {
            return;
        };
        let enough = row.held.fill(qty, price);
        row.last = price.unwrap_or(row.last);
        if let Some(BookEvent { kind: EventKind::Execute { order, qty, match_id, .. }, .. }) = other
        {
            let (order, qty, match_id) = (*order, *qty, *match_id);
            self.passive(
                own,
                EventKind::Execute { order, qty, price, printable: true, match_id },
                sink,
            );
        }
        self.after(channel, enough, own, sink);
    }

    /// The side of a trade that rests is executed; it may be parked, if the cage was wrong.
    fn passive<S: EventSink>(&mut self, at: &BookEvent, kind: EventKind, sink: &mut S) {
        if self.caged {
            self.let_in(at, order_of(&BookEvent { kind, ..*at }), sink);
        }
        sink.on_event(&BookEvent { last: true, kind, ..*at });
    }

    fn withdrawn<S: EventSink>(&mut self, channel: u16, qty: Qty, at: &BookEvent, sink: &mut S) {
        let Some(row) = self.rows.get_mut(at.instrument.index()) else { return };
        let enough = row.held.take(qty);
        self.after(channel, enough, at, sink);
    }

    /// Something was taken off the held order: is it done, or does it join?
    fn after<S: EventSink>(&mut self, channel: u16, enough: bool, at: &BookEvent, sink: &mut S) {
        let id = at.instrument;
        if !enough {
            self.counts.overfill += 1;
            let kind = EventKind::Stale(StaleReason::Inconsistent);
            sink.on_event(&BookEvent { last: true, kind, ..*at });
        }
        let Some(held) = self.rows.get(id.index()).map(|row| row.held) else { return };
        let waits = held.pricing != Pricing::Limit || held.crosses(&sink.touch(id));
        if held.qty == 0 || !waits {
            self.settle(channel, at, sink);
        }
    }

    /// What is left of the held order joins.
    #[inline(never)]
    pub(super) fn settle<S: EventSink>(&mut self, channel: u16, at: &BookEvent, sink: &mut S) {
        let Some(id) = self.opened(channel) else { return };
        if let Some(open) = self.open.get_mut(usize::from(channel)) {
            *open = 0;
        }
        let Some(row) = self.rows.get_mut(id.index()) else { return };
        let held = std::mem::replace(&mut row.held, Held::NONE);
        if held.qty > 0 {
            let crossing = held.pricing == Pricing::Limit && held.crosses(&sink.touch(id));
            self.counts.joined_crossing += u64::from(crossing);
            self.counts.unpriced += u64::from(!held.has_price());
            sink.on_event(&held.joins(at, id));
        }
        self.release(channel, id, at, sink);
    }

    fn park<S: EventSink>(&mut self, event: &BookEvent, order: Held, sink: &mut S) {
        let Some(row) = self.rows.get_mut(event.instrument.index()) else { return };
        if self.pool.push(&mut row.parked, order) {
            self.counts.parked += 1;
            return;
        }
        self.counts.parked_full += 1;
        let kind = EventKind::Stale(StaleReason::Exhausted);
        sink.on_event(&BookEvent { last: true, kind, ..*event });
    }

    /// An execution, a cancel: of a parked order, or of one in the book.
    #[inline(never)]
    fn pass_caged<S: EventSink>(&mut self, channel: u16, event: &BookEvent, sink: &mut S) {
        let Some(row) = self.rows.get_mut(event.instrument.index()) else {
            return sink.on_event(event);
        };
        match event.kind {
            EventKind::Execute { order, price, .. } => {
                row.last = price.unwrap_or(row.last);
                self.let_in(event, order, sink);
            }
            EventKind::Reduce { order, .. } | EventKind::Delete { order } => {
                if let Some(parked) = self.pool.find(row.parked, order) {
                    let gone = match event.kind {
                        EventKind::Reduce { qty, .. } => qty,
                        _ => Qty(parked.qty),
                    };
                    self.counts.overfill += u64::from(!parked.take(gone));
                    let _ = self.pool.take_first(&mut row.parked, |parked| parked.qty == 0);
                    return;
                }
            }
            _ => {}
        }
        sink.on_event(event);
        if event.last {
            self.release(channel, event.instrument, event, sink);
        }
    }

    /// Puts an order into the book that was parked and yet trades.
    fn let_in<S: EventSink>(&mut self, at: &BookEvent, order: OrderRef, sink: &mut S) {
        let Some(row) = self.rows.get_mut(at.instrument.index()) else { return };
        if row.parked.is_empty() {
            return;
        }
        let parked = self.pool.take_first(&mut row.parked, |parked| parked.order == order);
        if let Some(parked) = parked {
            self.counts.parked_traded += 1;
            sink.on_event(&BookEvent { last: false, ..parked.joins(at, at.instrument) });
        }
    }

    /// Parked orders enter, where the touch has moved so that the cage holds them.
    #[inline]
    fn release<S: EventSink>(
        &mut self,
        channel: u16,
        id: InstrumentId,
        at: &BookEvent,
        sink: &mut S,
    ) {
        if self.caged {
            self.release_caged(channel, id, at, sink);
        }
    }

    fn release_caged<S: EventSink>(
        &mut self,
        channel: u16,
        id: InstrumentId,
        at: &BookEvent,
        sink: &mut S,
    ) {
        let join = self.parked_join_auction;
        // Each turn takes one order out.
        while let Some(row) = self.rows.get_mut(id.index()) {
            let touch = sink.touch(id);
            if row.parked.is_empty() || row.held.qty > 0 || row.seen == touch {
                return;
            }
            row.seen = touch;
            let (phase, auction, cage, last) = (row.phase, row.is_auction(), row.cage, row.last);
            let inside = |order: &Held| {
                cage.is_none_or(|cage| cage.holds(order.side, order.price, &touch, last))
            };
            let enters = |order: &mut Held| {
                (auction && join) || (phase == Phase::Continuous && inside(order))
            };
            let Some(order) = self.pool.take_first(&mut row.parked, enters) else { return };
            row.seen = UNSEEN; // look again
            if !auction && order.crosses(&touch) {
                return self.hold(channel, &BookEvent { instrument: id, ..*at }, order, sink);
            }
            sink.on_event(&order.joins(at, id));
        }
    }

    /// A trade that was foreseen came; with the `last` of an order the touch is that of the exchange.
    pub(super) fn traded<S: EventSink>(
        &mut self,
        channel: u16,
        price: Price,
        last: bool,
        at: &BookEvent,
        sink: &mut S,
    ) {
        if let Some(row) = self.rows.get_mut(at.instrument.index()) {
            row.last = price;
        }
        if last {
            self.release(channel, at.instrument, at, sink);
        }
    }

    /// Whether an order may be matched at once, as far as phase and cage go.
    pub(super) fn matches_at_once(&self, id: InstrumentId, order: &Held, touch: &Touch) -> bool {
        self.rows.get(id.index()).is_some_and(|row| {
            row.phase == Phase::Continuous && row.held.qty == 0 && !row.is_outside(order, touch)
        })
    }

    #[cold]
    #[inline(never)]
    fn rare<S: EventSink>(&mut self, channel: u16, event: &BookEvent, sink: &mut S) {
        let all = event.instrument == InstrumentId::ALL;
        if let EventKind::Clear { side } = event.kind {
            self.forget(event.instrument, side);
        }
        sink.on_event(event);
        if let EventKind::Phase(phase) = event.kind {
            let only = event.instrument.index();
            for row in if all { 0..self.rows.len() } else { only..only + 1 } {
                if let Some(row) = self.rows.get_mut(row) {
                    (row.phase, row.seen) = (phase, UNSEEN);
                }
                self.release(channel, InstrumentId(row as u32), event, sink);
            }
        }
    }

    /// Books are emptied: so are held and parked orders.
    fn forget(&mut self, id: InstrumentId, side: Option<Side>) {
        let all = id == InstrumentId::ALL;
        let cleared = |held: &Held| side.is_none_or(|side| held.side == side);
        for (row, open) in self.rows.iter_mut().zip(1u32..) {
            if !all && open != id.0 + 1 {
                continue;
            }
            while self.pool.take_first(&mut row.parked, |parked| cleared(parked)).is_some() {}
            if cleared(&row.held) {
                row.held = Held::NONE;
            }
        }
        for open in &mut self.open {
            let row = open.checked_sub(1).and_then(|row| self.rows.get(row as usize));
            if row.is_none_or(|row| row.held.qty == 0) {
                *open = 0;
            }
        }
        self.leg = None;
    }
}

impl Row {
    fn is_auction(&self) -> bool {
        matches!(self.phase, Phase::PreOpen | Phase::OpeningAuction | Phase::ClosingAuction)
    }

    fn is_outside(&self, order: &Held, touch: &Touch) -> bool {
        let Some(cage) = self.cage else { return false };
        self.phase == Phase::Continuous && !cage.holds(order.side, order.price, touch, self.last)
    }
}

#[inline]
fn order_of(event: &BookEvent) -> OrderRef {
    match event.kind {
        EventKind::Execute { order, .. } => order,
        _ => OrderRef(0),
    }
}
