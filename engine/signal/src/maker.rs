//! Two-sided quoting with inventory skew.
//!
//! Both quotes rest at the touch, or some ticks behind it, and lean against the position: each lot
//! held moves both of them down, each lot short up, so that the side that brings the position back
//! is filled first. A quote never meets the other side's touch, and a side at its inventory limit is
//! not quoted. Outside continuous trading, on a stale, one-sided, locked or crossed book, nothing is.
//!
//! The touch is taken as displayed: on a live venue it shows our own orders too, and a quote that is
//! alone at its price holds it until the other side or the skew moves it.

use serde::Deserialize;

use nofx_types::{
    BookEvent, Change, InstrumentId, Intents, Key, Ladder, OrderUpdate, Parameter, Price, Qty,
    Side, Touch, bool_key, int_key,
};

use crate::{ConfigError, Context, InstrumentSet, Pace, Quoter, State, Strategy};

/// How a [`Maker`] quotes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct MakerConfig {
    /// Round lots per quote. Default 1.
    pub size_lots: u32,
    /// Ticks behind the touch; 0 joins it. Default 0.
    pub offset_ticks: u32,
    /// Largest position either way, in round lots. Default 10.
    pub max_inventory_lots: u32,
    /// How far both quotes lean per round lot of position, in hundredths of a tick. Default 20: one
    /// tick per five lots.
    pub skew_centiticks_per_lot: u32,
    /// A quote this close to its wanted price stays, in ticks. Default 0.
    pub hysteresis_ticks: u32,
    /// Shortest time between two moves of one quote, in ns. Default 1,000,000 (1 ms).
    pub requote_ns: u64,
    /// Pause after a refusal, doubling, in ns. Default 10,000,000 (10 ms).
    pub retry_ns: u64,
    /// Quotes are moved by a replace; else cancelled and entered anew. Default true; where the
    /// venue has no replace it is not asked.
    pub replace: bool,
    /// Quotes must not take liquidity. Default true; where the order protocol cannot say so it is not
    /// asked for, and a quote that meets the other side trades.
    pub post_only: bool,
}

impl Default for MakerConfig {
    fn default() -> MakerConfig {
        let Pace { requote_ns, retry_ns, replace } = Pace::default();
        MakerConfig {
            size_lots: 1,
            offset_ticks: 0,
            max_inventory_lots: 10,
            skew_centiticks_per_lot: 20,
            hysteresis_ticks: 0,
            requote_ns,
            retry_ns,
            replace,
            post_only: true,
        }
    }
}

/// What may be changed while a maker quotes.
const KEYS: [Key<MakerConfig>; 9] = [
    int_key!(size_lots: u32, "lots", "per quote", 1, LOTS_MAX),
    int_key!(offset_ticks: u32, "ticks", "behind the touch; 0 joins it", 0, TICKS_MAX),
    int_key!(max_inventory_lots: u32, "lots", "largest position either way", 1, LOTS_MAX),
    int_key!(skew_centiticks_per_lot: u32, "ticks/100", "lean of both quotes per lot held", 0, TICKS_MAX),
    int_key!(hysteresis_ticks: u32, "ticks", "a quote this close to its wanted price stays", 0, TICKS_MAX),
    int_key!(requote_ns: u64, "ns", "shortest time between two moves of one quote", 0, i64::MAX),
    int_key!(retry_ns: u64, "ns", "pause after a refusal, doubling", 1, i64::MAX),
    bool_key!(replace, "quotes are moved by a replace"),
    bool_key!(post_only, "quotes must not take liquidity"),
];
const LOTS_MAX: i64 = 1_000_000;
const TICKS_MAX: i64 = 10_000;

impl MakerConfig {
    fn check(&self) -> Result<(), ConfigError> {
        let MakerConfig { size_lots, max_inventory_lots, .. } = *self;
        let small = |ticks: u32| ticks <= 10_000;
        ConfigError::unless(size_lots >= 1, "size_lots", size_lots, "at least 1")?;
        ConfigError::unless(
            max_inventory_lots >= size_lots && max_inventory_lots <= 1_000_000,
            "max_inventory_lots",
            max_inventory_lots,
            "from size_lots to 1000000",
        )?;
        let range = "0 to 10000";
        let ticks = self.offset_ticks;
        ConfigError::unless(small(ticks), "offset_ticks", ticks, range)?;
        let ticks = self.hysteresis_ticks;
        ConfigError::unless(small(ticks), "hysteresis_ticks", ticks, range)?;
        let skew = self.skew_centiticks_per_lot;
        ConfigError::unless(small(skew), "skew_centiticks_per_lot", skew, range)?;
        let retry = self.retry_ns;
        ConfigError::unless(retry > 0, "retry_ns", retry, "above 0: a refusal must not loop")
    }

    fn pace(&self) -> Pace {
        let MakerConfig { requote_ns, retry_ns, replace, .. } = *self;
        Pace { requote_ns, retry_ns, replace }
    }
}

/// Quotes both sides of its instruments.
#[derive(Clone, Debug)]
pub struct Maker {
    config: MakerConfig,
    quoter: Quoter,
}

impl Maker {
    /// A maker of the instruments `ids`, of a table of `capacity`.
    pub fn new(
        config: MakerConfig,
        ids: &[InstrumentId],
        capacity: u32,
    ) -> Result<Maker, ConfigError> {
        config.check()?;
        let set = InstrumentSet::new(ids, capacity)?;
        Ok(Maker { config, quoter: Quoter::new(set, config.pace(), config.post_only) })
    }

    /// Its working orders.
    pub fn quoter(&self) -> &Quoter {
        &self.quoter
    }

    /// The quote of `side`, if there is to be one.
    fn quote(&self, ctx: &Context, touch: &Touch, side: Side) -> Option<(Price, Qty)> {
        let qty = self.qty(ctx, side)?;
        let price = self.price(ctx, touch, side)?;
        Some((self.steady(ctx, touch, side, price), qty))
    }

    /// Whole lots, as many as the position leaves room for.
    fn qty(&self, ctx: &Context, side: Side) -> Option<Qty> {
        let lot = i64::from(ctx.instrument.lot);
        let most = lot * i64::from(self.config.max_inventory_lots);
        let size = lot * i64::from(self.config.size_lots);
        let room = most.saturating_sub(ctx.position.saturating_mul(side.sign())).min(size);
        let lots = room.checked_div(lot).filter(|lots| *lots > 0)?;
        Some(Qty((lots * lot) as u64))
    }

    /// Behind the touch, leaning against the position, on a tick, and short of the other side.
    fn price(&self, ctx: &Context, touch: &Touch, side: Side) -> Option<Price> {
        let tick = ctx.instrument.tick;
        let (own, other) = (touch.best(side)?, touch.best(side.opposite())?);
        let behind = tick.checked_mul(i64::from(self.config.offset_ticks) * side.sign())?;
        let price = own.0.checked_sub(behind)?.checked_sub(self.lean(ctx)?)?;
        let last = other.0.checked_sub(tick * side.sign())?;
        let price = match side {
            Side::Buy => price.min(last),
            Side::Sell => price.max(last),
        };
        // A price that falls to zero or below while the touch stands above it is no quote.
        passive_tick(price, tick, side).filter(|price| price.0 > 0 || own.0 <= 0)
    }

    /// How far the position moves both quotes down, in price units.
    fn lean(&self, ctx: &Context) -> Option<i64> {
        let per_lot =
            i64::from(self.config.skew_centiticks_per_lot).checked_mul(ctx.instrument.tick)?;
        let whole = i64::from(ctx.instrument.lot).checked_mul(100)?;
        ctx.position.checked_mul(per_lot)?.checked_div(whole)
    }

    /// The price of the resting quote where that is close enough and still short of the other side.
    fn steady(&self, ctx: &Context, touch: &Touch, side: Side, price: Price) -> Price {
        let near = ctx.instrument.tick.saturating_mul(i64::from(self.config.hysteresis_ticks));
        let keep = |resting: &Price| {
            let passive = touch.best(side.opposite()).is_some_and(|o| side.better(o, *resting));
            passive && resting.0.abs_diff(price.0) <= near.unsigned_abs()
        };
        let resting = self.quoter.working(ctx.instrument.id, side);
        let resting = resting.filter(|order| order.state == State::Live).map(|order| order.price);
        resting.filter(keep).unwrap_or(price)
    }
}

/// The nearest whole tick away from the other side.
fn passive_tick(price: i64, tick: i64, side: Side) -> Option<Price> {
    let over = price.checked_rem_euclid(tick)?;
    Some(Price(match side {
        Side::Buy => price.checked_sub(over)?,
        Side::Sell if over > 0 => price.checked_add(tick - over)?,
        Side::Sell => price,
    }))
}

impl Strategy for Maker {
    fn name(&self) -> &'static str {
        "maker"
    }

    fn instruments(&self) -> &[InstrumentId] {
        self.quoter.set().ids()
    }

    #[inline]
    fn on_event<L: Ladder>(
        &mut self,
        ctx: &Context,
        _: &BookEvent,
        book: &L,
        _: Change,
        out: &mut Intents,
    ) {
        let touch = book.touch();
        let apart = touch.spread().is_some_and(|spread| spread > 0);
        for side in Side::BOTH {
            let quote = if apart { self.quote(ctx, &touch, side) } else { None };
            self.quoter.want(ctx, side, quote, out);
        }
    }

    #[inline]
    fn on_order(&mut self, ctx: &Context, update: &OrderUpdate, out: &mut Intents) {
        self.quoter.on_order(ctx, update, out);
    }

    fn parameters(&self) -> Vec<Parameter> {
        KEYS.iter().map(|key| key.parameter).collect()
    }

    fn parameter(&self, index: usize) -> i64 {
        KEYS.get(index).map_or(0, |key| (key.get)(&self.config))
    }

    fn set_parameters(&mut self, words: &[i64]) -> Result<(), usize> {
        let mut config = self.config;
        KEYS.iter().zip(words).for_each(|(key, word)| (key.set)(&mut config, *word));
        config.check().map_err(|error| error.position(KEYS.iter().map(|key| &key.parameter)))?;
        self.config = config;
        self.quoter.set_pace(config.pace(), config.post_only);
        Ok(())
    }
}
