//! The strategy contract.

use nofx_types::{
    BookEvent, Change, Instrument, InstrumentId, Intents, Ladder, Nanos, OrderUpdate, Parameter,
    Phase,
};

/// What a strategy may know besides the book, at the moment of a call.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    /// The engine's time.
    pub now: Nanos,
    /// The instrument that the call is about.
    pub instrument: &'a Instrument,
    /// Its trading phase, the market's included.
    pub phase: Phase,
    /// Whether messages of its book were lost.
    pub stale: bool,
    /// Our account's position in it, in shares, short below 0; fills reported so far are in it.
    pub position: i64,
}

impl Context<'_> {
    /// Whether orders may be sent: continuous trading, a whole book, a known tick and lot.
    #[inline]
    pub fn may_trade(&self) -> bool {
        self.phase == Phase::Continuous && !self.stale && self.instrument.flags.defined
    }
}

/// Turns what the book shows into intents.
///
/// The caller guarantees:
/// - `on_event` is called for each event of an instrument of [`instruments`](Strategy::instruments)
///   that ends an atomic event (`event.last`), after the book took it; `on_part` for the others.
/// - An event of [`InstrumentId::ALL`] (a market-wide phase, gap or clear) is delivered once per
///   instrument of the strategy, each with its own context and book.
/// - `on_order` is called for each update of an order of this strategy, oldest first, after the
///   position in the context took it.
/// - Intents are taken out after each call.
pub trait Strategy {
    /// Short name for tables and configuration.
    fn name(&self) -> &'static str;

    /// The instruments it trades; events of others need not be delivered.
    fn instruments(&self) -> &[InstrumentId];

    /// An atomic event ended: `book` is current and may be acted on.
    fn on_event<L: Ladder>(
        &mut self,
        ctx: &Context,
        event: &BookEvent,
        book: &L,
        change: Change,
        out: &mut Intents,
    );

    /// An event inside an atomic event: for what it says of trades; the book is between two states.
    #[inline]
    fn on_part(&mut self, ctx: &Context, event: &BookEvent) {
        let _ = (ctx, event);
    }

    /// Something happened to one of our orders.
    fn on_order(&mut self, ctx: &Context, update: &OrderUpdate, out: &mut Intents);

    /// An instrument was defined or redefined; it may be one the strategy does not trade.
    fn on_definition(&mut self, instrument: &Instrument) {
        let _ = instrument;
    }

    /// What may be changed while it runs, between two calls; at most [`PARAMETERS_MAX`].
    fn parameters(&self) -> Vec<Parameter> {
        Vec::new()
    }

    /// The word of parameter `index`, as [`Parameter`] says; 0 where there is none.
    fn parameter(&self, index: usize) -> i64 {
        let _ = index;
        0
    }

    /// Takes a word for each of its parameters, all of them or none. Each is one that its parameter
    /// takes; where they contradict each other nothing changes, and `Err` names one of those that do.
    fn set_parameters(&mut self, words: &[i64]) -> Result<(), usize> {
        let _ = words;
        Ok(())
    }

    /// What model it trades by, if one that may be exchanged while it runs.
    fn model(&self) -> Option<ModelShape> {
        None
    }

    /// Trades by another model from here on, by the one it began with where there are no words; what
    /// was learned of the market so far stays. `Err` names the first word that cannot be used: then the
    /// one before stays.
    fn set_model(&mut self, words: &[u64]) -> Result<(), usize> {
        let _ = words;
        Err(0)
    }
}

/// Most parameters of a strategy.
pub const PARAMETERS_MAX: usize = 16;

/// What the words of a model are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ModelShape {
    /// 1: [linear](nofx_model::LinearModel::from_words).
    pub kind: u32,
    /// How many words it has.
    pub words: usize,
    /// The features it reads.
    pub schema: u64,
}

/// Wants nothing: measures everything around a strategy.
#[derive(Clone, Copy, Debug, Default)]
pub struct Null;

impl Strategy for Null {
    fn name(&self) -> &'static str {
        "null"
    }

    fn instruments(&self) -> &[InstrumentId] {
        &[]
    }

    #[inline]
    fn on_event<L: Ladder>(
        &mut self,
        _: &Context,
        _: &BookEvent,
        _: &L,
        _: Change,
        _: &mut Intents,
    ) {
    }

    #[inline]
    fn on_order(&mut self, _: &Context, _: &OrderUpdate, _: &mut Intents) {}
}
