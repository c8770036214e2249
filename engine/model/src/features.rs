//! The features: what each is, in which unit, from where.
//!
//! | feature | unit | what |
//! |---|---|---|
//! | `touch_imbalance` | -1 to 1 | `(bid - ask) / (bid + ask)` of the quantities at the touch |
//! | `depth_imbalance` | -1 to 1 | the same over the best [`DEPTH_LEVELS`] levels |
//! | `microprice` | ticks | microprice minus mid: the mid weighted by the opposite quantities, the first step of Stoikov, "The micro-price: a high-frequency estimator of future prices" (2018) |
//! | `spread` | ticks | ask minus bid |
//! | `trade_sign` | -1 to 1 | bought minus sold over all traded quantity, half-life 1.07 s |
//! | `return_8ev`, `return_32ev` | ticks | change of the mid over the last 8 and 32 touch updates |
//! | `return_134ms`, `return_1s` | ticks | change of the mid over 134 ms and 1.07 s (up to 1/8 more) |
//! | `volatility` | ticks | root of the mean squared mid change per touch update, weight 1/32 each |
//! | `ofi_134ms`, `ofi_1s` | touch quantities | order flow imbalance, half-lives 134 ms and 1.07 s, over the mean quantity of one side of the touch |
//!
//! Order flow imbalance is `e_n` of Cont, Kukanov and Stoikov, "The price impact of order book
//! events" (2014), equation 2: quantity that joins the bid or leaves the ask counts up. They find price
//! changes proportional to it and inverse to depth, hence the unit.
//!
//! A *touch update* is a change of price or quantity at the touch, seen when an atomic event ends,
//! with both sides there and not locked or crossed; other moments are passed over. A trade's sign is the
//! feed's where it sends one. Else a trade with a price is a buy above the mid and a sell below it
//! (quote rule of Lee and Ready, 1991); an execution at its order's own price hit the side whose
//! touch shrank with it. What stays undecided counts as traded, not as signed.

use nofx_types::{BookEvent, EventKind, Ladder, Level, Nanos, Price, Qty, Side, Touch, TradeKind};

use crate::decay::Decayed;
use crate::history::{ClockHistory, EventHistory};

/// How many features there are.
pub const FEATURES: usize = 12;

/// Levels of each side that `depth_imbalance` looks at.
pub const DEPTH_LEVELS: usize = 5;

/// No feature is larger than this, whatever the market sends.
pub const FEATURE_BOUND: f64 = 1e6;

/// One value per feature, in the order of [`FEATURE_NAMES`].
pub type Vector = [f64; FEATURES];

/// The names, in the order of the vector.
pub const FEATURE_NAMES: [&str; FEATURES] = [
    "touch_imbalance",
    "depth_imbalance",
    "microprice",
    "spread",
    "trade_sign",
    "return_8ev",
    "return_32ev",
    "return_134ms",
    "return_1s",
    "volatility",
    "ofi_134ms",
    "ofi_1s",
];

/// Raise it when the meaning of a feature changes under the same name: old models then stop loading.
const SCHEMA_VERSION: u64 = 1;

/// Names and meaning of the vector in one number (FNV-1a); a model fitted for another is refused.
pub const fn schema_hash() -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325 ^ SCHEMA_VERSION;
    let mut feature = 0;
    while feature < FEATURES {
        let name = FEATURE_NAMES[feature].as_bytes();
        let mut at = 0;
        while at <= name.len() {
            let byte = if at < name.len() { name[at] } else { b'\n' };
            hash = (hash ^ byte as u64).wrapping_mul(0x0100_0000_01b3);
            at += 1;
        }
        feature += 1;
    }
    hash
}

/// log2 of the short half-life (134 ms) and of the long one (1.07 s), in nanoseconds.
const SHORT_LG: u32 = 27;
const LONG_LG: u32 = 30;
/// Clock returns look back eight slots.
const SLOTS_LG: u32 = 3;
/// Weight of the newest squared mid change in `volatility`.
const VARIANCE_WEIGHT: f64 = 1.0 / 32.0;
/// Weight of the newest touch in the mean quantity that order flow is measured in.
const DEPTH_WEIGHT: f64 = 1.0 / 64.0;

/// What one instrument's features remember. About 700 bytes, all of it inline.
#[derive(Clone, Debug)]
pub struct FeatureState {
    /// Ticks per unit of doubled price.
    per_mid2: f64,
    tick: i64,
    past: Option<Past>,
}

/// Everything that needs a touch to begin with.
#[derive(Clone, Debug)]
struct Past {
    touch: Touch,
    /// Whether `touch` is the current one: the book is two-sided and not locked or crossed.
    current: bool,
    /// Executed in this atomic event at the orders' own price: signed when the event ends.
    unsigned: u64,
    bought: Decayed<LONG_LG>,
    traded: Decayed<LONG_LG>,
    flow_short: Decayed<SHORT_LG>,
    flow_long: Decayed<LONG_LG>,
    /// Mean quantity of one side of the touch.
    depth: f64,
    /// Mean squared change of the doubled mid, in price units squared.
    variance: f64,
    updates: EventHistory,
    short: ClockHistory<{ SHORT_LG - SLOTS_LG }>,
    long: ClockHistory<{ LONG_LG - SLOTS_LG }>,
}

impl FeatureState {
    /// An instrument of which nothing was seen. A `tick` below 1 counts as 1.
    pub fn new(tick: i64) -> FeatureState {
        let mut state = FeatureState { per_mid2: 0.0, tick: 0, past: None };
        state.set_tick(tick);
        state
    }

    /// Sets the tick that features in ticks are measured in; what was seen is kept.
    #[inline]
    pub fn set_tick(&mut self, tick: i64) {
        if self.tick != tick {
            self.tick = tick;
            self.per_mid2 = 0.5 / tick.max(1) as f64;
        }
    }

    /// Takes one event, with the touch after it, at the engine's time `now`.
    ///
    /// To be called for every event of the instrument, also inside an atomic event (`last` false):
    /// trades count then, the touch only when the event ends. A gap, a cleared book and a new phase
    /// start over: a return across them is none.
    #[inline]
    pub fn on_event(&mut self, event: &BookEvent, touch: &Touch, now: Nanos) {
        if let EventKind::Stale(_) | EventKind::Phase(_) | EventKind::Clear { side: None } =
            event.kind
        {
            self.past = None;
        }
        if let Some(past) = &mut self.past {
            past.on_trade(&event.kind, now);
        }
        if event.last {
            self.on_touch(touch, now);
        }
    }

    fn on_touch(&mut self, touch: &Touch, now: Nanos) {
        let current = touch.is_two_sided() && touch.bid_px < touch.ask_px;
        match &mut self.past {
            Some(past) => past.on_touch(touch, current, now),
            None if current => self.past = Some(Past::new(touch, now)),
            None => {}
        }
    }

    /// The features at `now`; `None` while the book has no two sides that stand apart.
    ///
    /// `book` is the one the last touch came from. Reading changes nothing.
    #[inline]
    pub fn vector(&self, book: &impl Ladder, now: Nanos) -> Option<Vector> {
        let past = self.past.as_ref().filter(|past| past.current)?;
        let touch = &past.touch;
        let spread2 = past.spread().saturating_mul(2) as f64 * self.per_mid2;
        let imbalance = balance(touch.bid_qty.0 as f64, touch.ask_qty.0 as f64);
        let mid2 = past.mid2();
        let ticks_since = |then: i64| bounded(mid2.saturating_sub(then) as f64 * self.per_mid2);
        let in_touches = |flow: f64| bounded(flow / past.depth.max(1.0));
        let traded = past.traded.read(now);
        Some([
            imbalance,
            depth_imbalance(book),
            bounded(0.5 * spread2 * imbalance),
            bounded(spread2),
            if traded > 0.0 { (past.bought.read(now) / traded).clamp(-1.0, 1.0) } else { 0.0 },
            ticks_since(past.updates.ago(8)),
            ticks_since(past.updates.ago(32)),
            ticks_since(past.short.ago(now)),
            ticks_since(past.long.ago(now)),
            bounded(past.variance.sqrt() * self.per_mid2),
            in_touches(past.flow_short.read(now)),
            in_touches(past.flow_long.read(now)),
        ])
    }
}

impl Past {
    fn new(touch: &Touch, now: Nanos) -> Past {
        let mid2 = mid2(touch);
        Past {
            touch: *touch,
            current: true,
            unsigned: 0,
            bought: Decayed::default(),
            traded: Decayed::default(),
            flow_short: Decayed::default(),
            flow_long: Decayed::default(),
            depth: mean_qty(touch),
            variance: 0.0,
            updates: EventHistory::new(mid2),
            short: ClockHistory::new(now, mid2),
            long: ClockHistory::new(now, mid2),
        }
    }

    fn mid2(&self) -> i64 {
        mid2(&self.touch)
    }

    fn spread(&self) -> i64 {
        self.touch.ask_px.0.saturating_sub(self.touch.bid_px.0)
    }

    fn on_trade(&mut self, kind: &EventKind, now: Nanos) {
        match *kind {
            EventKind::Execute { qty, price: None, printable: true, .. } => {
                self.unsigned = self.unsigned.saturating_add(qty.0);
            }
            EventKind::Execute { qty, price: Some(price), printable: true, .. } => {
                self.traded(qty.0, self.quote_rule(price), now);
            }
            EventKind::Trade { kind: TradeKind::Hidden | TradeKind::Print, .. } => {
                let EventKind::Trade { price, qty, aggressor, .. } = *kind else { return };
                self.traded(qty.0, aggressor.or(self.quote_rule(price)), now);
            }
            _ => {}
        }
    }

    /// The side that took, judged by the mid before the trade.
    fn quote_rule(&self, price: Price) -> Option<Side> {
        match price.0.saturating_mul(2).cmp(&self.mid2()) {
            core::cmp::Ordering::Greater => Some(Side::Buy),
            core::cmp::Ordering::Less => Some(Side::Sell),
            core::cmp::Ordering::Equal => None,
        }
    }

    fn traded(&mut self, qty: u64, aggressor: Option<Side>, now: Nanos) {
        let sign = aggressor.map_or(0, Side::sign) as f64;
        self.traded.add(now, qty as f64);
        self.bought.add(now, sign * qty as f64);
    }

    fn on_touch(&mut self, touch: &Touch, current: bool, now: Nanos) {
        let executed = core::mem::take(&mut self.unsigned);
        if executed > 0 {
            self.traded(executed, hit_side(&self.touch, touch).map(Side::opposite), now);
        }
        self.current = current;
        if current && *touch != self.touch {
            self.update(touch, now);
        }
    }

    fn update(&mut self, touch: &Touch, now: Nanos) {
        let flow = order_flow(&self.touch, touch);
        self.flow_short.add(now, flow);
        self.flow_long.add(now, flow);
        let before = self.mid2();
        self.touch = *touch;
        let change = self.mid2().saturating_sub(before) as f64;
        self.variance += (change * change - self.variance) * VARIANCE_WEIGHT;
        self.depth += (mean_qty(touch) - self.depth) * DEPTH_WEIGHT;
        self.updates.push(before);
        self.short.set(now, self.mid2());
        self.long.set(now, self.mid2());
    }
}

/// Twice the mid: stays an integer.
#[inline]
fn mid2(touch: &Touch) -> i64 {
    touch.bid_px.0.saturating_add(touch.ask_px.0)
}

/// Mean quantity of one side of the touch.
#[inline]
fn mean_qty(touch: &Touch) -> f64 {
    0.5 * (touch.bid_qty.0 as f64 + touch.ask_qty.0 as f64)
}

/// The one side of the touch that shrank, if only one did.
fn hit_side(before: &Touch, after: &Touch) -> Option<Side> {
    let shrank = |side: Side| match (before.best(side), after.best(side)) {
        (Some(old), Some(new)) if old == new => after.qty(side) < before.qty(side),
        (Some(old), Some(new)) => side.better(old, new),
        (old, new) => old.is_some() && new.is_none(),
    };
    match (shrank(Side::Buy), shrank(Side::Sell)) {
        (true, false) => Some(Side::Buy),
        (false, true) => Some(Side::Sell),
        _ => None,
    }
}

/// `e_n` of Cont, Kukanov and Stoikov (2014), equation 2: what joined the bid or left the ask.
fn order_flow(before: &Touch, after: &Touch) -> f64 {
    let count = |holds: bool, qty: Qty| if holds { qty.0 as f64 } else { 0.0 };
    let bid = count(after.bid_px >= before.bid_px, after.bid_qty)
        - count(after.bid_px <= before.bid_px, before.bid_qty);
    let ask = count(after.ask_px <= before.ask_px, after.ask_qty)
        - count(after.ask_px >= before.ask_px, before.ask_qty);
    bid - ask
}

fn depth_imbalance(book: &impl Ladder) -> f64 {
    let sum = |side: Side| {
        let mut levels = [Level::default(); DEPTH_LEVELS];
        let count = book.levels(side, &mut levels);
        levels.iter().take(count).fold(0.0, |sum, level| sum + level.qty.0 as f64)
    };
    balance(sum(Side::Buy), sum(Side::Sell))
}

/// `(bid - ask) / (bid + ask)`, 0 when both are.
#[inline]
fn balance(bid: f64, ask: f64) -> f64 {
    let sum = bid + ask;
    if sum > 0.0 { (bid - ask) / sum } else { 0.0 }
}

#[inline]
fn bounded(value: f64) -> f64 {
    value.clamp(-FEATURE_BOUND, FEATURE_BOUND)
}
