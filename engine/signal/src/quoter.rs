//! What we want against what is there: one order per side and instrument, one step in flight.
//!
//! ```text
//!            want(Some)              Accepted                want(other price)
//!   Idle ---------------> PendingNew --------> Live --------------------------> PendingReplace
//!    ^  <- refused, rejected -'                | ^ ^ <- Replaced, refused, rejected -'
//!    |                                         | | '--- CancelRejected, refused -----.
//!    |  <- filled, cancelled (any state) ------' '- want(None) --------------> PendingCancel
//! ```
//!
//! A step is taken only from `Idle` and `Live`: while an answer is out, wishes wait, and the next event
//! states them again. Answers are matched by order id, so news of an order that is already gone
//! (a cancel-reject after its fill, a refused replace of a filled order) finds nothing and does nothing.
//! When an order ends while its replacement is in flight, the replacement is dead with it: it takes
//! the place of an open order or of none, so the side is free at once, whether or not the venue
//! still answers. An order that could not be moved is cancelled: it rests where we do not want it.
//!
//! Worst case per call: one intent per side, two slots of one row looked at.

use nofx_types::{
    ClOrdId, InstrumentId, Intents, Nanos, OrderIntent, OrderUpdate, Price, Qty, Side, TimeInForce,
    UpdateKind,
};

use crate::{Context, InstrumentSet};

/// How often an order may be touched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// At least so long between two new orders or replaces of one side, in ns. Cancels never wait.
    pub requote_ns: u64,
    /// Pause after a refusal, in ns; it doubles with each further one, up to 1,024 times. A refused
    /// cancel is asked for again after one pause.
    pub retry_ns: u64,
    /// Orders are moved by a replace. Without it they are cancelled and, once gone, entered anew:
    /// for venues that have no replace.
    pub replace: bool,
}

impl Default for Pace {
    /// 1 ms between quotes, 10 ms after a refusal, moved by a replace.
    fn default() -> Pace {
        Pace { requote_ns: 1_000_000, retry_ns: 10_000_000, replace: true }
    }
}

/// What is known of the order of one side.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum State {
    /// No order, and none in flight.
    #[default]
    Idle,
    /// Sent, not yet answered.
    PendingNew,
    /// Open at the venue.
    Live,
    /// Open, with a replacement in flight.
    PendingReplace,
    /// Open, with a cancel in flight.
    PendingCancel,
}

/// The order of one side.
#[derive(Clone, Copy, Debug, Default)]
pub struct Working {
    /// Where it stands.
    pub state: State,
    /// Its id, [`ClOrdId::NONE`] when idle.
    pub id: ClOrdId,
    /// Its price.
    pub price: Price,
    /// Its open quantity.
    pub leaves: Qty,
    /// Id of the replacement in flight.
    next: ClOrdId,
    /// Most aggressive price since the side was last empty, the one in flight included: a gate's
    /// self-match rule remembers no more, and holds the other side against it.
    reach: Price,
    ioc: bool,
    /// The last wish was to have no order.
    leaving: bool,
    quote_at: Nanos,
    retry_at: Nanos,
    cancel_at: Nanos,
    refusals: u32,
}

/// The working orders of a strategy, and the steps towards what it wants.
#[derive(Clone, Debug)]
pub struct Quoter {
    set: InstrumentSet,
    rows: Box<[[Working; 2]]>,
    pace: Pace,
    post_only: bool,
}

impl Quoter {
    /// No orders yet. `post_only` marks quotes that must not take liquidity.
    pub fn new(set: InstrumentSet, pace: Pace, post_only: bool) -> Quoter {
        let rows = vec![[Working::default(); 2]; set.len()].into_boxed_slice();
        Quoter { set, rows, pace, post_only }
    }

    /// Another pace and kind of quote from here on; what rests stays as it was entered. The pauses after
    /// refusals end: who sets this has changed what was refused for, or may have.
    pub fn set_pace(&mut self, pace: Pace, post_only: bool) {
        (self.pace, self.post_only) = (pace, post_only);
        for working in self.rows.iter_mut().flatten() {
            (working.refusals, working.retry_at) = (0, Nanos(0));
        }
    }

    /// Wants an order of `side` at a price with at most a quantity open, or none.
    ///
    /// An order that rests at the price with no more than the quantity is left alone, so that partial
    /// fills do not cost its place in the queue. Wants nothing while the context forbids trading, and
    /// holds back a price that our own order of the other side has reached: until that one has gone,
    /// which is asked for when only its past is in the way.
    #[inline]
    pub fn want(
        &mut self,
        ctx: &Context,
        side: Side,
        quote: Option<(Price, Qty)>,
        out: &mut Intents,
    ) {
        let (pace, post_only, instrument) = (self.pace, self.post_only, ctx.instrument.id);
        let Some((own, other)) = self.sides(instrument, side) else { return };
        let quote = quote.filter(|(_, qty)| qty.0 > 0 && ctx.may_trade());
        own.leaving = quote.is_none();
        let Some((price, qty)) = quote else { return own.cancel(ctx, side, out) };
        let mut intent = match own.state {
            State::Idle => OrderIntent::new(instrument, side, price, qty),
            State::Live if !own.ioc && (own.price != price || own.leaves > qty) => {
                if ctx.now < own.retry_at {
                    return own.cancel(ctx, side, out);
                }
                if !pace.replace {
                    if ctx.now >= own.quote_at {
                        own.cancel(ctx, side, out);
                    }
                    return;
                }
                OrderIntent::replace(instrument, own.id, side, price, qty)
            }
            _ => return,
        };
        if ctx.now < own.quote_at.max(own.retry_at) {
            return;
        }
        if other.meets(side, price) {
            if side.better(other.price, price) {
                other.cancel(ctx, side.opposite(), out);
            }
            return;
        }
        intent.post_only = post_only;
        own.send(intent, ctx.now.plus(pace.requote_ns), out);
    }

    /// Takes up to `qty` at `price` or better at once (IOC), if the side has no order and the
    /// context allows trading. The venue ends such an order by itself.
    #[inline]
    pub fn take(&mut self, ctx: &Context, side: Side, price: Price, qty: Qty, out: &mut Intents) {
        let (pace, instrument) = (self.pace, ctx.instrument.id);
        let Some((own, other)) = self.sides(instrument, side) else { return };
        let early = ctx.now < own.quote_at.max(own.retry_at);
        let idle = own.state == State::Idle && qty.0 > 0 && ctx.may_trade();
        if early || !idle || other.meets(side, price) {
            return;
        }
        let mut intent = OrderIntent::new(instrument, side, price, qty);
        intent.tif = TimeInForce::Ioc;
        own.send(intent, ctx.now.plus(pace.requote_ns), out);
    }

    /// Wants no order of either side.
    #[inline]
    pub fn leave(&mut self, ctx: &Context, out: &mut Intents) {
        for side in Side::BOTH {
            self.want(ctx, side, None, out);
        }
    }

    /// Takes news of an order. What should not be there any more is cancelled as soon as it can be.
    #[inline]
    pub fn on_order(&mut self, ctx: &Context, update: &OrderUpdate, out: &mut Intents) {
        let pace = self.pace;
        let Some((own, _)) = self.sides(update.instrument, update.side) else { return };
        own.on_update(update, pace);
        if own.leaving || !ctx.may_trade() {
            own.cancel(ctx, update.side, out);
        }
    }

    /// The order of one side, if the instrument is one of ours.
    #[inline]
    pub fn working(&self, instrument: InstrumentId, side: Side) -> Option<&Working> {
        self.rows.get(self.set.row(instrument)?)?.get(side.index())
    }

    /// The instruments and their rows.
    #[inline]
    pub fn set(&self) -> &InstrumentSet {
        &self.set
    }

    #[inline]
    fn sides(&mut self, id: InstrumentId, side: Side) -> Option<(&mut Working, &mut Working)> {
        let [buy, sell] = self.rows.get_mut(self.set.row(id)?)?;
        Some(match side {
            Side::Buy => (buy, sell),
            Side::Sell => (sell, buy),
        })
    }
}

impl Working {
    /// Whether an order may be open at the venue or become so.
    #[inline]
    pub fn is_open(&self) -> bool {
        self.state != State::Idle
    }

    /// Whether an order of `side` at `price` could match this one, of the other side, at a price it
    /// has, had or is moving to.
    fn meets(&self, side: Side, price: Price) -> bool {
        self.is_open() && !side.better(self.reach, price)
    }

    /// Queues a new order or a replace; a full queue leaves everything as it was.
    fn send(&mut self, intent: OrderIntent, quote_at: Nanos, out: &mut Intents) {
        let id = out.push(intent);
        if id == ClOrdId::NONE {
            return;
        }
        self.quote_at = quote_at;
        if self.state == State::Idle {
            self.state = State::PendingNew;
            self.id = id;
            self.price = intent.price;
            self.reach = intent.price;
            self.leaves = intent.qty;
            self.ioc = intent.tif == TimeInForce::Ioc;
        } else {
            self.state = State::PendingReplace;
            self.next = id;
            if intent.side.better(intent.price, self.reach) {
                self.reach = intent.price;
            }
        }
    }

    fn cancel(&mut self, ctx: &Context, side: Side, out: &mut Intents) {
        if self.state != State::Live || self.ioc || ctx.now < self.cancel_at {
            return;
        }
        let id = out.push(OrderIntent::cancel(ctx.instrument.id, self.id, side));
        if id != ClOrdId::NONE {
            self.state = State::PendingCancel;
        }
    }

    fn on_update(&mut self, update: &OrderUpdate, pace: Pace) {
        let next = self.state == State::PendingReplace && update.cl_ord_id == self.next;
        if next {
            self.on_replacement(update, pace);
        } else if self.is_open() && update.cl_ord_id == self.id {
            self.on_own(update, pace);
        }
    }

    /// News of the replacement in flight.
    fn on_replacement(&mut self, update: &OrderUpdate, pace: Pace) {
        match update.kind {
            UpdateKind::ReplaceRejected | UpdateKind::Rejected | UpdateKind::RefusedByGate => {
                self.refused(update.now_ns, pace);
                self.state = if update.closed { State::Idle } else { State::Live };
            }
            // A fill or cancel of the replacement says as well that it took its place. `closed`
            // of a `Replaced` speaks of the order before.
            UpdateKind::Replaced
            | UpdateKind::Accepted
            | UpdateKind::Filled
            | UpdateKind::Canceled => {
                self.id = self.next;
                self.refusals = 0;
                self.live(update);
            }
            UpdateKind::CancelRejected | UpdateKind::Broken | UpdateKind::Unreserved => {}
        }
    }

    /// News of the order itself.
    fn on_own(&mut self, update: &OrderUpdate, pace: Pace) {
        match (update.kind, self.state) {
            (UpdateKind::Accepted, State::PendingNew) => {
                self.refusals = 0;
                self.live(update);
            }
            (UpdateKind::Filled | UpdateKind::Canceled, _) => {
                self.leaves = update.leaves;
                if update.closed || update.leaves.0 == 0 {
                    self.state = State::Idle;
                } else if self.state == State::PendingNew {
                    self.live(update); // the fill overtook its acceptance
                }
            }
            (UpdateKind::RefusedByGate, State::PendingNew) | (UpdateKind::Rejected, _) => {
                self.refused(update.now_ns, pace);
                self.state = State::Idle;
            }
            (UpdateKind::RefusedByGate | UpdateKind::CancelRejected, State::PendingCancel) => {
                self.cancel_at = update.now_ns.plus(pace.retry_ns);
                self.state = if update.closed { State::Idle } else { State::Live };
            }
            _ => {}
        }
    }

    /// Open as the update says: the venue may have changed price and quantity.
    fn live(&mut self, update: &OrderUpdate) {
        self.price = update.price;
        self.leaves = update.leaves;
        self.state = if update.leaves.0 == 0 { State::Idle } else { State::Live };
    }

    fn refused(&mut self, now: Nanos, pace: Pace) {
        let pause = pace.retry_ns.saturating_mul(1 << self.refusals.min(10));
        self.retry_at = now.plus(pause);
        self.refusals = self.refusals.saturating_add(1);
    }
}

#[cfg(test)]
mod tests {
    use nofx_types::{AccountId, Instrument, InstrumentFlags, OrderRef, Phase};

    use super::*;

    const ID: InstrumentId = InstrumentId(1);

    fn refusal(intent: &OrderIntent, now_ns: Nanos) -> OrderUpdate {
        OrderUpdate {
            kind: UpdateKind::RefusedByGate,
            side: intent.side,
            maker: false,
            account: AccountId(0),
            instrument: intent.instrument,
            cl_ord_id: intent.cl_ord_id,
            orig: ClOrdId::NONE,
            order_ref: OrderRef(0),
            price: intent.price,
            leaves: Qty(0),
            fill_price: Price(0),
            fill_qty: Qty(0),
            released_qty: Qty(0),
            released_price: Price(0),
            closed: true,
            now_ns,
        }
    }

    #[test]
    fn pauses_after_refusals_double_and_end_with_another_pace() {
        let flags = InstrumentFlags { defined: true, ..InstrumentFlags::default() };
        let instrument = Instrument { flags, ..Instrument::unknown(ID) };
        let set = InstrumentSet::new(&[ID], 2).expect("one instrument");
        let pace = Pace { requote_ns: 0, ..Pace::default() };
        let mut quoter = Quoter::new(set, pace, false);
        let mut out = Intents::new(1);
        // Wants a quote at a time and has it refused; whether it was asked for.
        let mut refused_at = |quoter: &mut Quoter, now| {
            let (phase, now) = (Phase::Continuous, Nanos(now));
            let ctx = Context { now, instrument: &instrument, phase, stale: false, position: 0 };
            quoter.want(&ctx, Side::Buy, Some((Price(100), Qty(1))), &mut out);
            let mut asked = None;
            out.drain(|intent| asked = Some(intent));
            if let Some(intent) = asked {
                quoter.on_order(&ctx, &refusal(&intent, now), &mut out);
            }
            asked.is_some()
        };
        let ms = 1_000_000;
        assert!(refused_at(&mut quoter, 0));
        assert!(!refused_at(&mut quoter, 10 * ms - 1) && refused_at(&mut quoter, 10 * ms));
        assert!(!refused_at(&mut quoter, 30 * ms - 1) && refused_at(&mut quoter, 30 * ms));
        assert!(!refused_at(&mut quoter, 31 * ms));
        quoter.set_pace(pace, false);
        assert!(refused_at(&mut quoter, 31 * ms));
        assert!(!refused_at(&mut quoter, 41 * ms - 1) && refused_at(&mut quoter, 41 * ms));
    }
}
