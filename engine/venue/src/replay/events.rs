//! Events of the market: what they do to the real books, and which own orders they fill.

use nofx_types::{BookEvent, EventKind, InstrumentId, OrderRef, Phase, Price, Side, TradeKind};

use super::taken::{Key, Spot};
use super::traded::Trading;
use super::{MarketKind, ReplayVenue, before, crosses};
use crate::own::Place;

impl ReplayVenue {
    /// An event of a traded row.
    pub(super) fn on_traded(&mut self, row: usize, event: &BookEvent) {
        self.serve(before(event.capture_ns));
        self.clock = self.clock.max(event.capture_ns);
        self.traded.note_event(row, event.capture_ns, event.last);
        let rests = self.desk.own.rests(row);
        if !rests && self.taken.is_empty() {
            self.market.apply(row, event);
        } else if let EventKind::LevelSet { side, price, .. } = event.kind {
            let before = self.market.shown(row, side, price);
            self.market.apply(row, event);
            self.on_level(row, side, price, before);
        } else {
            let trades = rests && self.can_trade(row);
            if trades {
                self.fill_by(row, &event.kind);
            }
            self.market.apply(row, event);
            self.settle(row, &event.kind);
            if trades {
                self.fill_by_arrival(row, &event.kind);
            }
        }
        self.after_event(row, event);
    }

    /// An event of the whole stream.
    pub(super) fn on_market(&mut self, event: &BookEvent) {
        self.serve(before(event.capture_ns));
        self.clock = self.clock.max(event.capture_ns);
        self.market.apply_to_all(event);
        match event.kind {
            EventKind::Phase(phase) => self.traded.set_market_phase(phase),
            EventKind::Clear { .. } | EventKind::Stale(_) => self.traded.forget_events(),
            _ => {}
        }
        for row in 0..self.traded.len() {
            self.after_event(row, event);
        }
        if event.kind == EventKind::Phase(Phase::Closed) && !self.day_ended && self.desk.can_fill()
        {
            self.day_ended = true;
            self.desk.acceptor.system_event(self.clock, b'E');
        }
    }

    /// What an event means beyond the book: phases, lost queues.
    #[inline]
    fn after_event(&mut self, row: usize, event: &BookEvent) {
        let whole_stream = event.instrument == InstrumentId::ALL;
        match event.kind {
            EventKind::Phase(phase) => {
                if !whole_stream {
                    self.traded.set_phase(row, phase);
                }
                if self.traded.trading(row) == Trading::Over {
                    self.desk.close_row(self.clock, row);
                }
            }
            // On a feed of the best level every quote begins by clearing its instrument; what we know
            // of places and taken levels holds, and the levels that follow tell the rest.
            EventKind::Clear { side } if whole_stream || self.kind == MarketKind::Orders => {
                self.on_clear(row, side);
            }
            _ => {}
        }
        let stale = self.market.is_stale(row);
        if let Some(state) = self.traded.row_mut(row)
            && std::mem::replace(&mut state.stale, stale) != stale
            && stale
        {
            Side::BOTH.into_iter().for_each(|side| self.lose_places(row, side));
        }
    }

    /// A book was emptied: whoever comes back first, it is not known who is before us.
    fn on_clear(&mut self, row: usize, side: Option<Side>) {
        for cleared in Side::BOTH.into_iter().filter(|s| side.is_none_or(|side| side == *s)) {
            self.taken.forget(row, cleared);
            self.lose_places(row, cleared);
        }
    }

    fn lose_places(&mut self, row: usize, side: Side) {
        let mut next = self.desk.own.first(row, side);
        while let Some(slot) = next {
            next = self.desk.own.next(slot);
            if let Some(order) = self.desk.own.get_mut(slot) {
                self.desk.counts.places_lost += u64::from(order.place.after != Place::LOST);
                order.place.after = Place::LOST;
            }
        }
    }

    /// Fills by what trades, asked before the book applies it.
    fn fill_by(&mut self, row: usize, kind: &EventKind) {
        match *kind {
            EventKind::Execute { order, qty, printable: true, .. } => {
                self.fill_by_execution(row, order, qty.0);
            }
            EventKind::Trade { price, qty, aggressor, kind: TradeKind::Print, .. } => {
                self.fill_by_print(row, price, qty.0, aggressor, true);
            }
            EventKind::Trade { price, qty, aggressor, kind: TradeKind::Hidden, .. }
                if self.rules.hidden_prints_fill =>
            {
                self.fill_by_print(row, price, qty.0, aggressor, false);
            }
            _ => {}
        }
    }

    /// A resting real order trades: who is before it trades first.
    fn fill_by_execution(&mut self, row: usize, order: OrderRef, qty: u64) {
        let Some(real) = self.market.order(row, order) else { return };
        let mut left = qty.min(real.qty.0);
        let mut next = self.desk.own.first(row, real.side);
        while left > 0
            && let Some(slot) = next
        {
            next = self.desk.own.next(slot);
            let Some(own) = self.desk.own.get(slot) else { return };
            let at_price = own.price == real.price && own.place.after < real.arrival;
            if at_price || real.side.better(own.price, real.price) {
                left -= self.desk.fill_maker(self.clock, slot, left);
            } else if own.price != real.price {
                return; // worse, and so are the rest
            }
        }
    }

    /// A print that names no order. Strictly through an own price, it would have met us first. At an
    /// own price (`at_price`) what rests before us does, or the queue model, if it traded on our side:
    /// the aggressor says so, or else the level that rests there.
    fn fill_by_print(
        &mut self,
        row: usize,
        price: Price,
        qty: u64,
        aggressor: Option<Side>,
        at_price: bool,
    ) {
        let mut used = 0;
        for side in Side::BOTH.into_iter().filter(|side| aggressor != Some(*side)) {
            let on_our_side = aggressor.is_some() || self.market.shown(row, side, price) > 0;
            let mut next = self.desk.own.first(row, side);
            while let Some(slot) = next {
                next = self.desk.own.next(slot);
                let Some(own) = self.desk.own.get_mut(slot) else { return };
                let after = own.place.after;
                let reached = if side.better(own.price, price) {
                    qty
                } else if own.price != price || !at_price || !on_our_side {
                    break;
                } else if after == Place::LOST {
                    continue;
                } else if self.kind == MarketKind::Levels {
                    own.place.level.on_trade(qty)
                } else {
                    qty.saturating_sub(self.market.ahead(row, side, price, after))
                };
                used += self.desk.fill_maker(self.clock, slot, reached.saturating_sub(used));
            }
        }
    }

    /// A real order joined the book: if it crosses own orders and the real book lets it, it would
    /// have met us.
    fn fill_by_arrival(&mut self, row: usize, kind: &EventKind) {
        let arrived = match *kind {
            EventKind::Add { order, .. } => order,
            EventKind::Replace { new, .. } => new,
            _ => return,
        };
        if let Some(real) = self.market.order(row, arrived) {
            let key = Key::order(row, arrived);
            let left = self.taken.left(key, real.qty.0);
            self.fill_by_offer(row, real.side, real.price, left, key);
        }
    }

    fn fill_by_offer(&mut self, row: usize, side: Side, price: Price, qty: u64, key: Key) {
        let ours = side.opposite();
        let meets = |best: Price| !ours.better(price, best);
        if self.market.best(row, ours).is_some_and(meets) {
            return; // feeds that show an aggressor before its executions: those come next
        }
        let mut left = qty;
        let mut next = self.desk.own.first(row, ours);
        while left > 0
            && let Some(slot) = next
        {
            next = self.desk.own.next(slot);
            if self.desk.own.get(slot).is_none_or(|own| !crosses(own, price)) {
                return;
            }
            if !self.taken.make_room(key, &self.market) {
                self.desk.counts.missed_fills += 1;
                return;
            }
            let filled = self.desk.fill_maker(self.clock, slot, left);
            let noted = self.taken.take(key, Spot { row, side, price }, filled);
            debug_assert!(noted.is_ok(), "there was room");
            left -= filled;
        }
    }

    /// A level shows a new total: own orders there move, and what came new may cross us.
    fn on_level(&mut self, row: usize, side: Side, price: Price, before: u64) {
        let total = self.market.shown(row, side, price);
        let key = Key::level(row, side, price);
        let untaken = self.taken.left(key, before);
        self.taken.settle(key, total);
        self.move_up(row, side, price, total);
        if total > before && self.can_trade(row) {
            let new = self.taken.left(key, total).saturating_sub(untaken);
            self.fill_by_offer(row, side, price, new, key);
        }
    }

    /// Own orders at `price` see its new total; nothing rests before those better than the best.
    fn move_up(&mut self, row: usize, side: Side, price: Price, total: u64) {
        let best = self.market.best(row, side);
        let mut next = self.desk.own.first(row, side);
        while let Some(slot) = next {
            next = self.desk.own.next(slot);
            let Some(own) = self.desk.own.get_mut(slot) else { return };
            if own.price == price {
                own.place.level.on_total(total, self.rules.queue, &mut self.queue_rng);
            } else if best.is_none_or(|best| side.better(own.price, best)) {
                own.place.level.on_total(0, self.rules.queue, &mut self.queue_rng);
            }
        }
    }

    /// What we have taken of an order shrinks and moves with it.
    fn settle(&mut self, row: usize, kind: &EventKind) {
        if self.taken.is_empty() {
            return;
        }
        let shown = |order| self.market.order(row, order).map_or(0, |real| real.qty.0);
        match *kind {
            EventKind::Execute { order, .. }
            | EventKind::Reduce { order, .. }
            | EventKind::Delete { order } => {
                self.taken.settle(Key::order(row, order), shown(order));
            }
            EventKind::Replace { old, new, .. } if old != new => {
                self.taken.carry(Key::order(row, old), Key::order(row, new), shown(new));
            }
            EventKind::Replace { new, .. } => {
                self.taken.settle(Key::order(row, new), shown(new));
            }
            _ => {}
        }
    }
}
