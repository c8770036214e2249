//! Trades what a linear model predicts from the features of the book.
//!
//! The model predicts a move of the mid in ticks. At or above `enter_ticks` the strategy wants to be
//! long, at or below the negative short: it takes the other side's touch with an IOC order, or rests at
//! its own touch, up to a position cap. A position whose prediction has faded to `exit_ticks` or turned
//! is taken back with IOC orders. One order per side is open or in flight at any time.

use std::path::PathBuf;

use serde::Deserialize;

use nofx_model::{FeatureState, LinearModel, schema_hash};
use nofx_types::{
    BookEvent, Change, EventKind, InstrumentId, Intents, Key, Ladder, OrderUpdate, Parameter,
    Price, Qty, Side, Touch, bool_key, float_key, int_key,
};

use crate::{ConfigError, Context, InstrumentSet, ModelShape, Pace, Quoter, Strategy};

/// [`ModelShape::kind`] of a linear model.
const LINEAR: u32 = 1;

/// How an [`Imbalance`] opens a position.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Entry {
    /// IOC at the other side's touch.
    #[default]
    Take,
    /// Rests at its own side's touch while the prediction holds.
    Join,
}

/// When an [`Imbalance`] trades.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ImbalanceConfig {
    /// File of the model's weights, read by the application (`nofx_model::load`). No default.
    pub weights: PathBuf,
    /// `take` or `join`. Default `take`.
    pub entry: Entry,
    /// Predicted move that opens a position, in ticks, above 0. Default 0.5.
    pub enter_ticks: f64,
    /// Predicted move in favour of a position at or below which it is closed, in ticks, below
    /// `enter_ticks`. Default 0.
    pub exit_ticks: f64,
    /// Round lots per order. Default 1.
    pub size_lots: u32,
    /// Largest position either way, in round lots. Default 5.
    pub max_position_lots: u32,
    /// Shortest time between two orders of one side, in ns. Default 100,000,000 (100 ms).
    pub pause_ns: u64,
    /// Pause after a refusal, doubling, in ns. Default 10,000,000 (10 ms).
    pub retry_ns: u64,
    /// Orders are moved by a replace; else cancelled and entered anew. Default true; where the venue
    /// has no replace it is not asked.
    pub replace: bool,
}

impl Default for ImbalanceConfig {
    fn default() -> ImbalanceConfig {
        ImbalanceConfig {
            weights: PathBuf::new(),
            entry: Entry::Take,
            enter_ticks: 0.5,
            exit_ticks: 0.0,
            size_lots: 1,
            max_position_lots: 5,
            pause_ns: 100_000_000,
            retry_ns: Pace::default().retry_ns,
            replace: Pace::default().replace,
        }
    }
}

/// What may be changed while it trades. `weights` is not among them: that is the model.
const KEYS: [Key<ImbalanceConfig>; 8] = [
    Key {
        parameter: Parameter::int("entry", "", "0 take (IOC), 1 join the touch", 0, 1),
        get: |config| i64::from(config.entry == Entry::Join),
        set: |config, word| config.entry = if word == 0 { Entry::Take } else { Entry::Join },
    },
    float_key!(
        enter_ticks,
        "ticks",
        "predicted move that opens a position",
        f64::MIN_POSITIVE,
        1e6
    ),
    float_key!(exit_ticks, "ticks", "predicted move at which it is closed", -1e6, 1e6),
    int_key!(size_lots: u32, "lots", "per order", 1, LOTS_MAX),
    int_key!(max_position_lots: u32, "lots", "largest position either way", 1, LOTS_MAX),
    int_key!(pause_ns: u64, "ns", "shortest time between two orders of a side", 0, i64::MAX),
    int_key!(retry_ns: u64, "ns", "pause after a refusal, doubling", 1, i64::MAX),
    bool_key!(replace, "orders are moved by a replace"),
];
const LOTS_MAX: i64 = 1_000_000;

impl ImbalanceConfig {
    fn check(&self) -> Result<(), ConfigError> {
        let ImbalanceConfig { enter_ticks, exit_ticks, size_lots, max_position_lots, .. } = *self;
        let enters = enter_ticks > 0.0 && enter_ticks.is_finite();
        ConfigError::unless(enters, "enter_ticks", enter_ticks, "a number above 0")?;
        let exits = exit_ticks.is_finite() && exit_ticks < enter_ticks;
        ConfigError::unless(exits, "exit_ticks", exit_ticks, "a number below enter_ticks")?;
        ConfigError::unless(size_lots >= 1, "size_lots", size_lots, "at least 1")?;
        ConfigError::unless(
            max_position_lots >= size_lots && max_position_lots <= 1_000_000,
            "max_position_lots",
            max_position_lots,
            "from size_lots to 1000000",
        )?;
        let retry = self.retry_ns;
        ConfigError::unless(retry > 0, "retry_ns", retry, "above 0: a refusal must not loop")
    }

    fn pace(&self) -> Pace {
        Pace { requote_ns: self.pause_ns, retry_ns: self.retry_ns, replace: self.replace }
    }
}

/// Trades a model's prediction.
#[derive(Clone, Debug)]
pub struct Imbalance {
    config: ImbalanceConfig,
    model: LinearModel,
    /// The model it began with.
    first: LinearModel,
    quoter: Quoter,
    features: Box<[FeatureState]>,
}

impl Imbalance {
    /// Trades `model` in the instruments `ids`, of a table of `capacity`.
    pub fn new(
        config: ImbalanceConfig,
        model: LinearModel,
        ids: &[InstrumentId],
        capacity: u32,
    ) -> Result<Imbalance, ConfigError> {
        config.check()?;
        let set = InstrumentSet::new(ids, capacity)?;
        let features = vec![FeatureState::new(1); set.len()].into_boxed_slice();
        let quoter = Quoter::new(set, config.pace(), false);
        Ok(Imbalance { config, first: model.clone(), model, quoter, features })
    }

    /// Its working orders.
    pub fn quoter(&self) -> &Quoter {
        &self.quoter
    }

    fn act(&mut self, ctx: &Context, touch: &Touch, edge: f64, out: &mut Intents) {
        let enter = self.config.enter_ticks;
        if edge >= enter {
            self.enter(ctx, touch, Side::Buy, out);
        } else if edge <= -enter {
            self.enter(ctx, touch, Side::Sell, out);
        } else {
            self.quoter.leave(ctx, out);
            self.exit(ctx, touch, edge, out);
        }
    }

    fn enter(&mut self, ctx: &Context, touch: &Touch, side: Side, out: &mut Intents) {
        let cap = i64::from(ctx.instrument.lot) * i64::from(self.config.max_position_lots);
        let room = cap.saturating_sub(ctx.position.saturating_mul(side.sign()));
        let qty = self.whole_lots(ctx, room);
        self.quoter.want(ctx, side.opposite(), None, out);
        match self.config.entry {
            Entry::Take => self.take(ctx, touch, side, qty, out),
            Entry::Join => {
                let quote = tradable(ctx, touch, side).map(|price| (price, qty));
                self.quoter.want(ctx, side, quote, out);
            }
        }
    }

    fn exit(&mut self, ctx: &Context, touch: &Touch, edge: f64, out: &mut Intents) {
        let favour = edge * ctx.position.signum() as f64;
        if ctx.position == 0 || favour > self.config.exit_ticks {
            return;
        }
        let side = if ctx.position > 0 { Side::Sell } else { Side::Buy };
        let qty = self.whole_lots(ctx, ctx.position.saturating_abs());
        self.take(ctx, touch, side, qty, out);
    }

    fn take(&mut self, ctx: &Context, touch: &Touch, side: Side, qty: Qty, out: &mut Intents) {
        if let Some(price) = tradable(ctx, touch, side.opposite()) {
            self.quoter.take(ctx, side, price, qty, out);
        }
    }

    /// At most one order's size of `shares`, in whole lots: gates refuse odd ones.
    fn whole_lots(&self, ctx: &Context, shares: i64) -> Qty {
        let lot = i64::from(ctx.instrument.lot);
        let lots = shares.checked_div(lot).unwrap_or(0).clamp(0, i64::from(self.config.size_lots));
        Qty((lots * lot) as u64)
    }

    fn state(&mut self, ctx: &Context) -> Option<&mut FeatureState> {
        let row = self.quoter.set().row(ctx.instrument.id)?;
        let state = self.features.get_mut(row)?;
        state.set_tick(ctx.instrument.tick);
        Some(state)
    }
}

/// The touch of `side`, if an order may have its price: some venues show prices between ticks.
fn tradable(ctx: &Context, touch: &Touch, side: Side) -> Option<Price> {
    touch.best(side).filter(|price| ctx.instrument.on_tick(*price))
}

/// Whether the features may have moved.
fn is_news(event: &BookEvent, change: Change) -> bool {
    let traded = matches!(event.kind, EventKind::Execute { .. } | EventKind::Trade { .. });
    traded || change != Change::NONE
}

impl Strategy for Imbalance {
    fn name(&self) -> &'static str {
        "imbalance"
    }

    fn instruments(&self) -> &[InstrumentId] {
        self.quoter.set().ids()
    }

    #[inline]
    fn on_event<L: Ladder>(
        &mut self,
        ctx: &Context,
        event: &BookEvent,
        book: &L,
        change: Change,
        out: &mut Intents,
    ) {
        let touch = book.touch();
        let Some(state) = self.state(ctx) else { return };
        state.on_event(event, &touch, ctx.now);
        if !ctx.may_trade() {
            return self.quoter.leave(ctx, out);
        }
        if !is_news(event, change) {
            return;
        }
        match state.vector(book, ctx.now).map(|features| self.model.predict(&features)) {
            Some(edge) => self.act(ctx, &touch, edge, out),
            None => self.quoter.leave(ctx, out),
        }
    }

    #[inline]
    fn on_part(&mut self, ctx: &Context, event: &BookEvent) {
        if let Some(state) = self.state(ctx) {
            state.on_event(event, &Touch::default(), ctx.now);
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
        // Without the name of the file, which would have to be allocated.
        let mut config = ImbalanceConfig { weights: PathBuf::new(), ..self.config };
        KEYS.iter().zip(words).for_each(|(key, word)| (key.set)(&mut config, *word));
        config.check().map_err(|error| error.position(KEYS.iter().map(|key| &key.parameter)))?;
        config.weights = std::mem::take(&mut self.config.weights);
        self.config = config;
        self.quoter.set_pace(self.config.pace(), false);
        Ok(())
    }

    fn model(&self) -> Option<ModelShape> {
        Some(ModelShape { kind: LINEAR, words: LinearModel::WORDS, schema: schema_hash() })
    }

    fn set_model(&mut self, words: &[u64]) -> Result<(), usize> {
        self.model = match words {
            [] => self.first.clone(),
            words => LinearModel::from_words(words)?,
        };
        Ok(())
    }
}
