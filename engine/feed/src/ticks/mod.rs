//! Mainland ticks ([`Tick`]) as book events.
//!
//! Model: each channel numbers its ticks; a security lives in one channel. [`sse`] and [`szse`] say
//! what a tick means to a book. What is the same for both is here: numbers of channels, ids of
//! securities, phases. Shanghai publishes phases as ticks; vendors often leave them out and
//! Shenzhen's ticks have none: then they come from a [`Schedule`], when the first tick behind a
//! boundary arrives.
//!
//! | what | becomes |
//! |---|---|
//! | number that came before | dropped, counted |
//! | number lower than the last | dropped, counted; the security is inconsistent |
//! | hole in the numbers (where they are [`TickConfig::contiguous`]) | every security of the channel is stale |
//! | rows lost in a file ([`TickFeed::lost`]) | the security (or all) is inconsistent |
//! | phase that contradicts the schedule by more than [`CLOCK_SLACK_NS`] | taken, counted |
//!
//! Worst case of a tick: a hole, which walks the table of securities. Nothing allocates after
//! construction but [`TickFeed::report`].

mod channels;
mod schedule;
mod sse;
mod szse;

use nofx_types::{
    BookEvent, EventKind, EventSink, Instrument, InstrumentId, Market, Nanos, Phase, StaleReason,
    Symbol, Tick, TickKind,
};

use crate::report::FeedReport;
use crate::symbols::{Found, Symbols};
use channels::{Channels, Step};
use schedule::Calendar;
pub use schedule::Schedule;

/// A phase may come so much before or behind its time.
pub const CLOCK_SLACK_NS: u64 = 5_000_000_000;

/// What a tick feed must know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TickConfig {
    /// Whose ticks they are: Shanghai or Shenzhen.
    pub market: Market,
    /// Securities: ids `0..instruments`.
    pub instruments: u32,
    /// The numbers of each channel have no holes: whole channels, not extracts of single
    /// securities. A hole then is a loss.
    pub contiguous: bool,
    /// Numbers begin at 1: anything before the first tick seen is lost too. Matters where they are
    /// contiguous.
    pub from_one: bool,
    /// Phases come from the ticks; otherwise from the schedule.
    pub phases_in_ticks: bool,
    /// The day by the clock.
    pub schedule: Schedule,
}

impl TickConfig {
    /// Extracts of `market`, phases by the market's usual day.
    pub fn of(market: Market, instruments: u32) -> TickConfig {
        TickConfig {
            market,
            instruments,
            contiguous: false,
            from_one: false,
            phases_in_ticks: false,
            schedule: Schedule::mainland(),
        }
    }
}

/// Ticks of one market's channels into book events.
pub struct TickFeed {
    market: Market,
    symbols: Symbols,
    /// Channel of each security, once a tick told it.
    channel_of: Box<[Option<u16>]>,
    channels: Channels,
    calendar: Calendar,
    phases_in_ticks: bool,
    kinds: [u64; 4],
    counts: Counts,
}

/// What was odd.
#[derive(Clone, Copy, Debug, Default)]
struct Counts {
    duplicate: u64,
    backward: u64,
    instruments_full: u64,
    phase_clock: u64,
    lost_rows: u64,
}

impl TickFeed {
    /// Sized by `config`.
    ///
    /// # Errors
    /// A value outside its range; names its key.
    pub fn new(config: TickConfig) -> Result<TickFeed, crate::ConfigError> {
        let bad = |key, want| Err(crate::ConfigError::Value { key, want });
        if !(1..=1 << 20).contains(&config.instruments) {
            return bad("instruments", "1 to 1048576");
        }
        if config.market == Market::Hkex {
            return bad("market", "sse or szse: Hong Kong sends no ticks");
        }
        Ok(TickFeed {
            market: config.market,
            symbols: Symbols::new(config.instruments),
            channel_of: vec![None; config.instruments as usize].into_boxed_slice(),
            channels: Channels::new(config.contiguous, config.from_one),
            calendar: Calendar::new(config.schedule),
            phases_in_ticks: config.phases_in_ticks,
            kinds: [0; 4],
            counts: Counts::default(),
        })
    }

    /// Tells the sink of a security before its first tick; its id is chosen here.
    pub fn define<S: EventSink>(&mut self, instrument: &Instrument, sink: &mut S) {
        if let Ok(Found::Known(id) | Found::New(id)) = self.symbols.id(instrument.symbol.key()) {
            sink.on_definition(&Instrument { id, ..*instrument });
        } else {
            self.counts.instruments_full += 1;
        }
    }

    /// The id of a security that was defined or seen.
    pub fn instrument(&self, symbol: Symbol) -> Option<InstrumentId> {
        self.symbols.find(symbol.key())
    }

    /// Takes one tick that came at `now`.
    #[inline]
    pub fn on_tick<S: EventSink>(&mut self, tick: &Tick, now: Nanos, sink: &mut S) {
        self.kinds[kind_index(tick.kind)] += 1;
        let Some(id) = self.id(tick.symbol, sink) else { return };
        let step = self.channels.step(tick.channel, tick.seq);
        let known = self.channel_of.get(id.index()) == Some(&Some(tick.channel));
        if (step != Step::Next || !known) && !self.odd(step, id, tick, now, sink) {
            return;
        }
        if self.calendar.is_due(tick.exch_ns) {
            self.turn(tick, now, sink);
        }
        let at = At { id, seq: tick.seq, exch_ns: tick.exch_ns, now };
        match (tick.kind, self.market) {
            (TickKind::Phase(phase), _) => self.phase(phase, &at, sink),
            (_, Market::Sse) => sse::translate(tick, &at, sink),
            _ => szse::translate(tick, &at, sink),
        }
    }

    /// Rows were lost in front of the next tick: of `symbol`, or of anything.
    #[cold]
    pub fn lost<S: EventSink>(
        &mut self,
        symbol: Option<Symbol>,
        at: &Tick,
        now: Nanos,
        sink: &mut S,
    ) {
        self.counts.lost_rows += 1;
        let id = match symbol {
            None => Some(InstrumentId::ALL),
            Some(symbol) => self.id(symbol, sink),
        };
        if let Some(id) = id {
            let at = At { id, seq: at.seq, exch_ns: at.exch_ns, now };
            sink.on_event(&at.event(true, EventKind::Stale(StaleReason::Inconsistent)));
        }
    }

    /// What should not happen, with its name.
    pub fn faults(&self) -> impl Iterator<Item = (&'static str, u64)> + Clone + use<> {
        let counts = &self.counts;
        [
            ("duplicate_number", counts.duplicate),
            ("backward_number", counts.backward),
            ("instruments_full", counts.instruments_full),
            ("phase_clock", counts.phase_clock),
            ("lost_row", counts.lost_rows),
            ("channels_full", self.channels.without_room()),
        ]
        .into_iter()
    }

    /// The counts so far.
    pub fn report(&self) -> FeedReport {
        let names = ["A", "D", "T", "S"];
        let mut report = FeedReport {
            total: self.kinds.iter().sum(),
            by_type: names.iter().zip(self.kinds).map(|(name, n)| ((*name).into(), n)).collect(),
            malformed: self.faults().filter(|(_, n)| *n > 0).collect(),
            ..FeedReport::default()
        };
        report.stream.gaps = self.channels.gaps();
        report.stream.missing = self.channels.missing();
        report.memory_bytes = self.symbols.memory_bytes() + size_of_val(&*self.channel_of) as u64;
        report
    }

    #[inline]
    fn id<S: EventSink>(&mut self, symbol: Symbol, sink: &mut S) -> Option<InstrumentId> {
        match self.symbols.id(symbol.key()) {
            Ok(Found::Known(id)) => Some(id),
            Ok(Found::New(id)) => {
                sink.on_definition(&Instrument { symbol, ..Instrument::unknown(id) });
                Some(id)
            }
            Err(_) => {
                self.counts.instruments_full += 1;
                None
            }
        }
    }

    /// The number is not the next one, or the security is new to the channel. Whether the tick is
    /// taken.
    #[cold]
    fn odd<S: EventSink>(
        &mut self,
        step: Step,
        id: InstrumentId,
        tick: &Tick,
        now: Nanos,
        sink: &mut S,
    ) -> bool {
        let stale = |id, reason, sink: &mut S| {
            let at = At { id, seq: tick.seq, exch_ns: tick.exch_ns, now };
            sink.on_event(&at.event(true, EventKind::Stale(reason)));
        };
        match step {
            Step::Next => {}
            Step::Again => {
                self.counts.duplicate += 1;
                return false;
            }
            Step::Back => {
                self.counts.backward += 1;
                stale(id, StaleReason::Inconsistent, sink);
                return false;
            }
            Step::Gap => {
                for (other, channel) in self.channel_of.iter().enumerate() {
                    if *channel == Some(tick.channel) {
                        stale(InstrumentId(other as u32), StaleReason::Gap, sink);
                    }
                }
            }
        }
        if let Some(channel) = self.channel_of.get_mut(id.index())
            && *channel != Some(tick.channel)
        {
            let new = channel.is_none();
            *channel = Some(tick.channel);
            if new && !self.phases_in_ticks && !self.calendar.is_due(tick.exch_ns) {
                let at = At { id, seq: tick.seq, exch_ns: tick.exch_ns, now };
                sink.on_event(&at.event(true, EventKind::Phase(self.calendar.current())));
            }
            // What was lost before its first tick may have been its own.
            if self.channels.has_gap(tick.channel) {
                stale(id, StaleReason::Gap, sink);
            }
        }
        true
    }

    /// The clock passed a boundary of the schedule.
    #[cold]
    fn turn<S: EventSink>(&mut self, tick: &Tick, now: Nanos, sink: &mut S) {
        while let Some((exch_ns, phase)) = self.calendar.next(tick.exch_ns) {
            let known = if self.phases_in_ticks { 0 } else { self.symbols.len() };
            // To each by itself: a phase of the market alone opens no security.
            for id in (0..known).map(InstrumentId) {
                let at = At { id, seq: tick.seq, exch_ns, now };
                sink.on_event(&at.event(true, EventKind::Phase(phase)));
            }
        }
    }

    #[cold]
    fn phase<S: EventSink>(&mut self, phase: Phase, at: &At, sink: &mut S) {
        self.counts.phase_clock += u64::from(self.calendar.contradicts(at.exch_ns, phase));
        sink.on_event(&at.event(true, EventKind::Phase(phase)));
    }
}

const fn kind_index(kind: TickKind) -> usize {
    match kind {
        TickKind::Order { .. } => 0,
        TickKind::Cancel { .. } => 1,
        TickKind::Trade { .. } => 2,
        TickKind::Phase(_) => 3,
    }
}

/// Whose event it is, and when.
struct At {
    id: InstrumentId,
    seq: u64,
    exch_ns: Nanos,
    now: Nanos,
}

impl At {
    #[inline(always)]
    fn event(&self, last: bool, kind: EventKind) -> BookEvent {
        BookEvent {
            instrument: self.id,
            seq: self.seq,
            exch_ns: self.exch_ns,
            capture_ns: self.now,
            last,
            kind,
        }
    }
}
