//! Time stamps at every arrow of the walk, and what is kept of them.
//!
//! Model: one cycle-counter read per arrow; the difference to the previous read goes into the flat
//! histogram of that stage. Besides, the slowest events are kept with what was different about
//! them, and the total latency is kept over engine time. Everything is sized at start. A read costs
//! about 10 ns on a virtual machine, so [`StampMode::Total`] reads twice per order and
//! [`StampMode::None`] never.

use nofx_rt::clock::cycles;
use nofx_rt::hist::Histogram;
use nofx_rt::usage::ThreadUsage;
use nofx_types::{BookEvent, Nanos};

/// A stage of the walk, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// Frame or record to event: framing, line arbitration, translation.
    Decode,
    /// Event to book.
    Book,
    /// Book to intents.
    Signal,
    /// Intent to verdict.
    Risk,
    /// Verdict to bytes.
    Encode,
    /// Packet in memory to order bytes.
    Total,
}

impl Stage {
    /// All stages, in the order of the walk.
    pub const ALL: [Stage; 6] =
        [Stage::Decode, Stage::Book, Stage::Signal, Stage::Risk, Stage::Encode, Stage::Total];

    /// Name in tables and JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Stage::Decode => "decode",
            Stage::Book => "book",
            Stage::Signal => "signal",
            Stage::Risk => "risk",
            Stage::Encode => "encode",
            Stage::Total => "total",
        }
    }
}

/// Which stamps are taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum StampMode {
    /// At every arrow of every event.
    #[default]
    All,
    /// Packet in and order out only.
    Total,
    /// None: for throughput.
    None,
}

/// How many of the slowest events are kept.
pub const SLOWEST: usize = 24;
const TIMELINE_BINS: usize = 256;
const TIMELINE_START_NS: u64 = 1_000_000;
/// Packets between two readings of the kernel's counts: the window in which a fault is attributed.
const USAGE_EVERY: u64 = 4_096;

/// One of the slowest events.
#[derive(Clone, Copy, Debug, Default)]
pub struct SlowEvent {
    /// Cycles from the end of the previous event (or packet start) to the end of this one.
    pub cycles: u64,
    /// Cycles per stage.
    pub stages: [u64; 5],
    /// Packet (or record) number, from 1.
    pub packet: u64,
    /// Sequence of the message.
    pub seq: u64,
    /// Engine time.
    pub at: Nanos,
    /// Instrument index.
    pub instrument: u32,
    /// Kind of event.
    pub kind: &'static str,
    /// Which event of its packet it was, from 1.
    pub depth: u32,
    /// Whether the book left its fast path.
    pub overflow: bool,
    /// What the kernel did to the thread since the last reading, at most 4,096 packets before.
    pub usage: ThreadUsage,
}

/// Latency of one stretch of engine time.
#[derive(Clone)]
pub struct TimeBin {
    /// Total (packet to order) in cycles.
    pub total: Histogram,
}

/// Takes and keeps the stamps.
pub struct Stamps {
    mode: StampMode,
    stages: [Histogram; 6],
    rx: u64,
    last: u64,
    event: [u64; 5],
    packet: u64,
    depth: u32,
    slowest: [SlowEvent; SLOWEST],
    slow_floor: u64,
    usage: ThreadUsage,
    timeline: Timeline,
}

impl Stamps {
    /// Sized for a run; stamps as `mode` says.
    pub fn new(mode: StampMode) -> Stamps {
        Stamps {
            mode,
            stages: std::array::from_fn(|_| Histogram::new()),
            rx: 0,
            last: 0,
            event: [0; 5],
            packet: 0,
            depth: 0,
            slowest: [SlowEvent::default(); SLOWEST],
            slow_floor: 0,
            usage: ThreadUsage::default(),
            timeline: Timeline::new(if mode == StampMode::None { 0 } else { TIMELINE_BINS }),
        }
    }

    /// A packet (or record) is in memory: `t_rx`.
    #[inline]
    pub fn packet(&mut self, number: u64) {
        if self.mode == StampMode::None {
            return;
        }
        self.packet = number;
        self.depth = 0;
        if self.mode == StampMode::All && (number == 1 || number.is_multiple_of(USAGE_EVERY)) {
            self.usage = ThreadUsage::now();
        }
        self.rx = cycles();
        self.last = self.rx;
    }

    /// The stage that ends here; the first of an event is [`Stage::Decode`].
    #[inline]
    pub fn mark(&mut self, stage: Stage) {
        if self.mode != StampMode::All {
            return;
        }
        let now = cycles();
        let spent = now.wrapping_sub(self.last);
        self.stages[stage as usize].record(spent);
        if let Some(slot) = self.event.get_mut(stage as usize) {
            *slot += spent;
        }
        self.last = now;
    }

    /// Work that is not the engine's (the simulated venue, an output) begins; with every arrow
    /// stamped the mark before it says when.
    #[inline]
    pub fn pause(&mut self) {
        if self.mode == StampMode::Total {
            self.last = cycles();
        }
    }

    /// Work that is not the engine's ends: it is attributed to no stage and not to the total.
    #[inline]
    pub fn resume(&mut self) {
        if self.mode != StampMode::None {
            let now = cycles();
            self.rx = self.rx.wrapping_add(now.wrapping_sub(self.last));
            self.last = now;
        }
    }

    /// Order bytes are ready: `t_encode`, the end of packet-to-order. Returns its cycles, 0 when
    /// not stamped.
    #[inline]
    pub fn order_out(&mut self, at: Nanos) -> u64 {
        let now = match self.mode {
            StampMode::None => return 0,
            StampMode::All => self.last, // read a moment ago, at the end of `encode`
            StampMode::Total => cycles(),
        };
        self.last = now;
        let total = now.wrapping_sub(self.rx);
        self.stages[Stage::Total as usize].record(total);
        self.timeline.record(at, total);
        total
    }

    /// The event is done; `overflow` says whether the book left its fast path.
    #[inline]
    pub fn event_done(&mut self, event: &BookEvent, overflow: bool) {
        if self.mode != StampMode::All {
            return;
        }
        self.depth += 1;
        let spent: u64 = self.event.iter().sum();
        if spent > self.slow_floor {
            self.keep_slow(event, overflow, spent);
        }
        self.event = [0; 5];
    }

    #[cold]
    fn keep_slow(&mut self, event: &BookEvent, overflow: bool, spent: u64) {
        let usage = ThreadUsage::now();
        let slow = SlowEvent {
            cycles: spent,
            stages: self.event,
            packet: self.packet,
            seq: event.seq,
            at: event.capture_ns,
            instrument: event.instrument.0,
            kind: kind_name(event),
            depth: self.depth,
            overflow,
            usage: usage.since(self.usage),
        };
        self.usage = usage;
        if let Some(least) = self.slowest.iter_mut().min_by_key(|s| s.cycles) {
            *least = slow;
        }
        self.slow_floor = self.slowest.iter().map(|s| s.cycles).min().unwrap_or(0);
        self.last = cycles(); // keeping the record is not the next event's time
    }

    /// Which stamps were taken.
    pub fn mode(&self) -> StampMode {
        self.mode
    }

    /// Cycles of a stage.
    pub fn histogram(&self, stage: Stage) -> &Histogram {
        &self.stages[stage as usize]
    }

    /// The slowest events, slowest first.
    pub fn slowest(&self) -> Vec<SlowEvent> {
        let mut kept: Vec<_> = self.slowest.iter().filter(|s| s.cycles > 0).copied().collect();
        kept.sort_by_key(|s| std::cmp::Reverse(s.cycles));
        kept
    }

    /// Total latency over engine time.
    pub fn timeline(&self) -> &Timeline {
        &self.timeline
    }
}

/// A fixed number of bins over engine time; when it is full, neighbours merge and bins double.
pub struct Timeline {
    bins: Vec<TimeBin>,
    start: Option<Nanos>,
    width_ns: u64,
}

impl Timeline {
    fn new(bins: usize) -> Timeline {
        let bins = vec![TimeBin { total: Histogram::new() }; bins];
        Timeline { bins, start: None, width_ns: TIMELINE_START_NS }
    }

    #[inline]
    fn record(&mut self, at: Nanos, cycles: u64) {
        let elapsed = at.since(*self.start.get_or_insert(at));
        while elapsed / self.width_ns >= self.bins.len() as u64 && !self.bins.is_empty() {
            self.halve();
        }
        if let Some(bin) = self.bins.get_mut((elapsed / self.width_ns) as usize) {
            bin.total.record(cycles);
        }
    }

    /// Merges bin pairs in place: at most 64 times in a run, since the width doubles.
    #[cold]
    fn halve(&mut self) {
        self.width_ns = self.width_ns.saturating_mul(2);
        for pair in 0..self.bins.len() / 2 {
            let (head, tail) = self.bins.split_at_mut(2 * pair + 1);
            head[2 * pair].total.merge(&tail[0].total);
            self.bins.swap(pair, 2 * pair);
        }
        let kept = self.bins.len() / 2;
        self.bins[kept..].iter_mut().for_each(|bin| bin.total.clear());
    }

    /// (start of the bin, its histogram) for every bin with records.
    pub fn iter(&self) -> impl Iterator<Item = (Nanos, &Histogram)> {
        let start = self.start.unwrap_or_default();
        let bins = self.bins.iter().enumerate().filter(|(_, bin)| bin.total.count() > 0);
        bins.map(move |(i, bin)| (start.plus(i as u64 * self.width_ns), &bin.total))
    }
}

/// Name of an event's kind in tables.
pub fn kind_name(event: &BookEvent) -> &'static str {
    use nofx_types::EventKind as K;
    match event.kind {
        K::Add { .. } => "add",
        K::Execute { .. } => "execute",
        K::Reduce { .. } => "reduce",
        K::Replace { .. } => "replace",
        K::Delete { .. } => "delete",
        K::Clear { .. } => "clear",
        K::Trade { .. } => "trade",
        K::LevelSet { .. } => "level_set",
        K::Phase(_) => "phase",
        K::Auction(_) => "auction",
        K::Band { .. } => "band",
        K::Stale(_) => "stale",
        K::Recovered => "recovered",
        K::EndOfEvent => "end_of_event",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timeline_merges_neighbours_and_loses_no_record() {
        let mut timeline = Timeline::new(8);
        for i in 0..1_000u64 {
            timeline.record(Nanos(i * 500_000), i);
        }
        assert_eq!(timeline.iter().map(|(_, h)| h.count()).sum::<u64>(), 1_000);
        assert!(timeline.iter().count() <= 8);
        let starts: Vec<_> = timeline.iter().map(|(at, _)| at).collect();
        assert!(starts.is_sorted());
        let (_, first) = timeline.iter().next().expect("has bins");
        assert_eq!(first.min(), 0);
    }
}
