//! An intent's way to the wire, and the way of its news back.
//!
//! Worst case: an intent is judged once by each of order manager, host rules, market rules and gate;
//! intents that news cause wait in their queue until the next event or the next bytes.

use nofx_gate::{Rejects, Rule, Verdict};
use nofx_risk::LimitGate;
use nofx_risk::host::HostFacts;
use nofx_risk::market::{MarketFacts, MarketRules};
use nofx_signal::{Context, Strategy};
use nofx_types::{
    BookEvent, ClOrdId, INTENTS_MAX, InstrumentId, IntentKind, Nanos, OrderIntent, OrderRef,
    OrderUpdate, Price, Qty, UpdateKind,
};

use super::{HotPath, OrderPort};
use crate::record::{OrderRow, UpdateRow};
use crate::stamps::Stage;

/// Orders that intents without an answer touch or make.
pub(super) struct Batch {
    ids: [ClOrdId; 2 * INTENTS_MAX],
    len: usize,
}

impl Batch {
    pub(super) const EMPTY: Batch = Batch { ids: [ClOrdId::NONE; 2 * INTENTS_MAX], len: 0 };

    /// Whether the order that `intent` touches has an answer to wait for, or there is no more room.
    #[inline]
    fn depends(&self, intent: &OrderIntent) -> bool {
        let waiting = self.ids.get(..self.len).unwrap_or(&[]);
        let touches = intent.kind != IntentKind::New && waiting.contains(&intent.orig);
        touches || self.len + 2 > self.ids.len()
    }

    #[inline]
    fn push(&mut self, intent: &OrderIntent) {
        for id in [intent.cl_ord_id, intent.orig] {
            if let Some(place) = self.ids.get_mut(self.len) {
                *place = id;
                self.len += 1;
            }
        }
    }

    #[inline]
    fn clear(&mut self) {
        self.len = 0;
    }
}

impl<S: Strategy, G: LimitGate> HotPath<S, G> {
    /// Walks the intents that are queued now; those that refusals cause wait for the next event, so
    /// that the work per event is bounded.
    #[inline]
    pub(super) fn submit_intents(&mut self, event: &BookEvent, port: &mut impl OrderPort) {
        if self.intents.is_empty() {
            return; // then the gate has nothing to answer
        }
        for _ in 0..self.intents.len() {
            let Some(mut intent) = self.intents.pop() else { break };
            intent.cause_seq = event.seq;
            intent.now_ns = event.capture_ns;
            self.hand_over(intent, port);
        }
        self.on_verdicts(port);
    }

    /// One intent, and its answer.
    pub(super) fn submit(&mut self, intent: OrderIntent, port: &mut impl OrderPort) {
        self.hand_over(intent, port);
        self.on_verdicts(port);
    }

    /// Hands an intent to the gate. Its answer is not waited for, so that the intents of one event
    /// cross the bus to a card together; but whatever it depends on is answered first, so that it is
    /// completed and checked as if each had been answered at once.
    fn hand_over(&mut self, mut intent: OrderIntent, port: &mut impl OrderPort) {
        if self.batch.depends(&intent) || self.market.is_some() {
            self.on_verdicts(port);
        }
        self.counters.intents += 1;
        let staged = self.orders.stage(&mut intent);
        let rejects = staged.err().unwrap_or_else(|| {
            let blocked = match intent.kind {
                IntentKind::Cancel => Rejects::NONE,
                IntentKind::New | IntentKind::Replace => {
                    let blocked = port.blocked(&intent).with(Rule::Busy, self.held);
                    blocked.with(Rule::Held, self.halted)
                }
            };
            Rejects(self.host_rules(&intent).0 | blocked.0)
        });
        if !rejects.is_pass() {
            self.on_verdicts(port); // news in the order of the intents
            self.stamps.mark(Stage::Risk);
            return self.refused(&intent, rejects, port);
        }
        if self.gate.submit(&intent).is_err() {
            self.on_verdicts(port);
            self.counters.gate_busy += 1;
            return self.refused(&intent, Rejects::NONE.with(Rule::Busy, true), port);
        }
        self.batch.push(&intent);
    }

    fn host_rules(&self, intent: &OrderIntent) -> Rejects {
        let id = intent.instrument;
        let Some(instrument) = self.instruments.get(id) else {
            return Rejects::NONE.with(Rule::NotTradable, true);
        };
        let facts = HostFacts {
            instrument,
            phase: self.phases.of(id),
            touch: self.books.touch(id),
            stale: self.books.stale(id).is_some(),
        };
        let refused = self.host.check(intent, &facts);
        match &self.market {
            None => refused,
            Some(market) => market.rules.check_after(refused, intent, &self.market_facts(id)),
        }
    }

    fn market_facts(&self, id: InstrumentId) -> MarketFacts {
        let (phase, touch) = (self.phases.of(id), self.books.touch(id));
        MarketFacts { phase, touch, sweep: self.sweeping }
    }

    /// What the market's rules keep of an intent that passed them all.
    #[inline]
    pub(super) fn reserve(&mut self, intent: &OrderIntent) {
        if let Some(market) = &mut self.market {
            market.rules.reserve(intent);
        }
    }

    /// News of an order, for gate, positions and the market's rules.
    #[inline]
    pub(super) fn settle(&mut self, update: &OrderUpdate) {
        self.gate.on_update(update);
        self.positions.on_update(update);
        if let Some(market) = &mut self.market {
            market.rules.on_update(update);
        }
    }

    /// Software gate and card answer here alike, so this code cannot tell them apart.
    pub fn on_verdicts(&mut self, port: &mut impl OrderPort) {
        self.batch.clear();
        while let Some(verdict) = self.gate.poll() {
            self.stamps.mark(Stage::Risk);
            match verdict {
                Verdict::Reject(intent, rejects) => self.refused(&intent, rejects, port),
                Verdict::Pass(cleared) => {
                    let intent = *cleared.get();
                    self.reserve(&intent);
                    let by_rescue = self.orders.goes_by_rescue(intent.kind);
                    let Some(bytes) = self.orders.encode(cleared) else {
                        self.log.decided(&intent, Rejects::NONE);
                        port.refused(&intent, Rejects::NONE);
                        self.counters.session_down += 1;
                        self.hear(port); // its exposure is released again
                        continue;
                    };
                    self.stamps.mark(Stage::Encode);
                    let cycles = self.stamps.order_out(intent.now_ns);
                    // The order first, then what is written about it here.
                    match by_rescue {
                        false => port.order(&intent, bytes),
                        true => port.order_by_rescue(&intent, bytes),
                    }
                    self.log.decided(&intent, Rejects::NONE);
                    self.log.sent(intent.now_ns, bytes);
                    if let Some(market) = &mut self.market {
                        market.rules.on_sent(&intent);
                    }
                    self.recorder.orders.push(OrderRow { intent, rejects: Rejects::NONE, cycles });
                    self.stamps.resume();
                }
            }
        }
    }

    #[cold]
    fn refused(&mut self, intent: &OrderIntent, rejects: Rejects, port: &mut impl OrderPort) {
        self.log.decided(intent, rejects);
        port.refused(intent, rejects);
        let facts = self.market_facts(intent.instrument);
        if let Some(market) = self.market.as_mut().filter(|_| MarketRules::refuses(rejects)) {
            market.rules.note(intent, &facts);
        }
        for rule in rejects.rules() {
            if let Some(count) = self.counters.rejects.get_mut(rule as usize) {
                *count += 1;
            }
        }
        self.recorder.orders.push(OrderRow { intent: *intent, rejects, cycles: 0 });
        let update = refusal(intent);
        self.tell(&update, port);
    }

    /// Bytes from the venue: news of our orders. Intents they cause are sent at once.
    pub fn on_order_bytes(&mut self, now: Nanos, bytes: &[u8], port: &mut impl OrderPort) {
        self.log.received(now, bytes);
        self.orders.receive(now, bytes);
        self.hear(port);
        self.react(now, port);
    }

    /// Sends the intents that news caused.
    #[inline]
    pub(super) fn react(&mut self, now: Nanos, port: &mut impl OrderPort) {
        for _ in 0..self.intents.len() {
            let Some(mut intent) = self.intents.pop() else { break };
            intent.now_ns = now;
            self.submit(intent, port);
        }
    }

    /// News of our orders, to whom they concern.
    pub(super) fn hear(&mut self, port: &mut impl OrderPort) {
        while let Some(update) = self.orders.poll_update() {
            self.settle(&update);
            self.tell(&update, port);
        }
    }

    /// Counts the news, keeps it for the outputs and tells the strategy.
    fn tell(&mut self, update: &OrderUpdate, port: &mut impl OrderPort) {
        if let Some(count) = self.counters.updates.get_mut(update.kind as usize) {
            *count += 1;
        }
        if update.kind == UpdateKind::Canceled {
            self.sweeps.confirmed_at = update.now_ns;
        }
        if !matches!(update.kind, UpdateKind::CancelRejected | UpdateKind::RefusedByGate) {
            self.sweeps.news();
        }
        if matches!(update.kind, UpdateKind::Filled | UpdateKind::Unreserved) {
            if let Some(filled) = self.counters.filled.get_mut(update.side.index()) {
                *filled += update.fill_qty.0;
            }
            self.counters.maker_qty += if update.maker { update.fill_qty.0 } else { 0 };
        }
        let id = update.instrument;
        let position = self.positions.position(update.account, id);
        port.heard(update, position);
        self.recorder.updates.push(UpdateRow { update: *update, position });
        let Some(instrument) = self.instruments.get(id) else { return };
        let ctx = Context {
            now: update.now_ns,
            instrument,
            phase: self.phases.of(id),
            stale: self.books.stale(id).is_some(),
            position,
        };
        self.strategy.on_order(&ctx, update, &mut self.intents);
    }
}

/// The news that an intent never left us.
fn refusal(intent: &OrderIntent) -> OrderUpdate {
    OrderUpdate {
        kind: UpdateKind::RefusedByGate,
        side: intent.side,
        maker: false,
        account: intent.account,
        instrument: intent.instrument,
        cl_ord_id: intent.cl_ord_id,
        orig: intent.orig,
        order_ref: OrderRef(0),
        price: intent.price,
        leaves: Qty(0),
        fill_price: Price(0),
        fill_qty: Qty(0),
        released_qty: Qty(0),
        released_price: Price(0),
        closed: intent.orig == nofx_types::ClOrdId::NONE,
        now_ns: intent.now_ns,
    }
}
