//! From a packet in memory to the bytes of an order, through every stage, with everything in cache.
//!
//! One instrument, one message a packet. Each packet moves the best bid by one tick, so that the
//! strategy moves its quote: frame, MoldUDP64, ITCH, book, strategy, order manager, host rules,
//! software gate, OUCH replace. Two strategies: `Follow` is next to nothing, the maker is the
//! reference. Between packets, outside the time that is measured, the simulated venue
//! answers. The time is the engine's own `total`: one stamp when the packet is at hand, one when
//! the bytes are.

use std::error::Error;

use nofx_app::hot_path::{HotPath, OrderPort, Parts};
use nofx_app::phases::Phases;
use nofx_app::record::{Recorder, Wanted};
use nofx_app::stamps::{Stage, StampMode, Stamps};
use nofx_book::{LevelBooks, LevelConfig};
use nofx_feed::{FeedConfig, ItchMold, PacketFeed};
use nofx_gate::GateKey;
use nofx_net::capture::{Frame, LinkType};
use nofx_net::frame::{self, DecodeOptions, FrameCounts};
use nofx_order::{OrderConfig, OrderManager, Positions, Reconcile};
use nofx_risk::host::HostRules;
use nofx_risk::{CardConfig, SoftwareGate};
use nofx_rt::clock::CycleClock;
use nofx_signal::{Context, InstrumentSet, Maker, MakerConfig, Strategy};
use nofx_types::{
    AccountId, BookEvent, Change, ClOrdId, EventSink, Instrument, InstrumentFlags, InstrumentId,
    Instruments, Intents, Ladder, Nanos, OrderIntent, OrderUpdate, Phase, Qty, Side, Symbol,
    UpdateKind,
};
use nofx_venue::{MarketKind, ReplayVenue, VenueConfig};

use super::{Measured, Setup};
use crate::harness::Figure;
use crate::row::{Row, Target};

/// One line.
pub const ABOUT: &str =
    "packet in memory to order bytes, in cache: percentiles of the engine's total";

const PACKETS: u64 = 200_000;
const WARM_UP: u64 = 20_000;
/// A row for each order of a round: the ask rests all day, and its row cannot be taken again.
const ORDERS: u32 = 1 << 18;
pub(super) const ID: InstrumentId = InstrumentId(1);
pub(super) const CAPACITY: u32 = 16;
/// Ten in the morning; a packet each millisecond from there on.
pub(super) const START_NS: u64 = 36_000_000_000_000;
pub(super) const STEP_NS: u64 = 1_000_000;
/// Ticks that the best bid climbs before it falls again.
const CLIMB: u64 = 8;
const LOWEST_BID: u32 = 1_000_000;
const ASK: u32 = LOWEST_BID + 10_000;
const TICK: u32 = 100;

/// Keeps one bid at the best bid.
#[derive(Default)]
struct Follow {
    resting: ClOrdId,
    in_flight: bool,
}

impl Strategy for Follow {
    fn name(&self) -> &'static str {
        "follow"
    }

    fn instruments(&self) -> &[InstrumentId] {
        &[ID]
    }

    #[inline]
    fn on_event<L: Ladder>(
        &mut self,
        _: &Context,
        _: &BookEvent,
        book: &L,
        change: Change,
        out: &mut Intents,
    ) {
        let touch = book.touch();
        if !change.touch || self.in_flight || !touch.is_two_sided() {
            return;
        }
        let (price, qty) = (touch.bid_px, Qty(100));
        self.in_flight = true;
        out.push(match self.resting {
            ClOrdId::NONE => OrderIntent::new(ID, Side::Buy, price, qty),
            resting => OrderIntent::replace(ID, resting, Side::Buy, price, qty),
        });
    }

    fn on_order(&mut self, _: &Context, update: &OrderUpdate, _: &mut Intents) {
        self.in_flight = false;
        if matches!(update.kind, UpdateKind::Accepted | UpdateKind::Replaced) {
            self.resting = update.cl_ord_id;
        }
    }
}

/// Takes the bytes of the orders.
#[derive(Default)]
struct Sent {
    bytes: Vec<u8>,
    messages: u64,
}

impl OrderPort for Sent {
    fn send(&mut self, _: Nanos, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
        self.messages += 1;
    }
}

/// The engine, as the feed sees it.
struct Engine<S> {
    path: HotPath<S, SoftwareGate>,
    sent: Sent,
    /// The last event, for the venue.
    event: Option<BookEvent>,
}

impl<S: Strategy> EventSink for Engine<S> {
    #[inline(always)]
    fn on_event(&mut self, event: &BookEvent) {
        self.path.stamps.mark(Stage::Decode);
        self.path.on_event(event, &mut self.sent);
        self.event = Some(*event);
    }

    /// What the feed names is defined already; its word alone would make it not tradable.
    fn on_definition(&mut self, _: &Instrument) {}
}

/// The instrument of the market.
pub(super) fn instrument() -> Instrument {
    let flags = InstrumentFlags { defined: true, ..InstrumentFlags::default() };
    let symbol = Symbol::new("BENCH").unwrap_or_default();
    Instrument { symbol, flags, ..Instrument::unknown(ID) }
}

/// The stages, for one instrument, with the limits of the default configuration.
pub(super) fn path<S: Strategy>(strategy: S) -> Result<HotPath<S, SoftwareGate>, Box<dyn Error>> {
    let capacity = CAPACITY;
    let mut instruments = Instruments::new(capacity);
    instruments.set(instrument())?;
    let books = LevelConfig { instruments: capacity, live_orders: 1_024, ..LevelConfig::default() };
    let orders = OrderConfig {
        instruments: capacity,
        orders_max: ORDERS,
        reconcile: Reconcile::Off,
        ..OrderConfig::default()
    };
    let mut path = HotPath::new(Parts {
        books: LevelBooks::new(&books)?,
        phases: Phases::new(capacity as usize, Phase::Continuous),
        strategy,
        gate: SoftwareGate::new(GateKey::issue(), CardConfig::default(), &instruments)?,
        host: HostRules::default(),
        orders: OrderManager::new(&orders)?,
        positions: Positions::new(1, capacity),
        stamps: Stamps::new(StampMode::Total),
        recorder: Recorder::new(
            Wanted { orders: false, touches: false, depth: 0 },
            capacity as usize,
        ),
        traded: InstrumentSet::new(&[ID], capacity)?,
        account: AccountId(0),
        instruments,
        first_id: 1,
    });
    path.on_definition(&instrument());
    Ok(path)
}

fn engine<S: Strategy>(strategy: S) -> Result<Engine<S>, Box<dyn Error>> {
    Ok(Engine { path: path(strategy)?, sent: Sent::default(), event: None })
}

/// Packet `number` (from 0) of the market: an ask and a bid, then bids that climb and fall.
pub(super) fn message(number: u64) -> Vec<u8> {
    let step = number.saturating_sub(2) % (2 * CLIMB);
    let cycle = number.saturating_sub(2) / (2 * CLIMB);
    let level = if step < CLIMB { step } else { 2 * CLIMB - 1 - step };
    let order_ref = if number < 2 { number + 1 } else { 3 + cycle * CLIMB + level };
    let (kind, side, price) = match number {
        0 => (b'A', b'S', ASK),
        1 => (b'A', b'B', LOWEST_BID),
        _ => (if step < CLIMB { b'A' } else { b'D' }, b'B', LOWEST_BID + TICK * (1 + level as u32)),
    };
    let mut message = vec![kind, 0, ID.0 as u8, 0, 0];
    message.extend(&(START_NS + number * STEP_NS).to_be_bytes()[2..]);
    message.extend(order_ref.to_be_bytes());
    if kind == b'A' {
        message.push(side);
        message.extend(300u32.to_be_bytes());
        message.extend(instrument().symbol.0);
        message.extend(price.to_be_bytes());
    }
    message
}

/// A message in MoldUDP64.
pub(super) fn mold(sequence: u64, message: &[u8]) -> Vec<u8> {
    let mut mold = b"0000000001".to_vec();
    mold.extend(sequence.to_be_bytes());
    mold.extend(1u16.to_be_bytes());
    mold.extend((message.len() as u16).to_be_bytes());
    mold.extend(message);
    mold
}

/// The message in MoldUDP64, UDP, IPv4, Ethernet.
fn packet(number: u64) -> Vec<u8> {
    let mold = mold(number + 1, &message(number));
    let udp = 8 + mold.len() as u16;
    let mut packet = vec![1, 0, 0x5e, 1, 1, 1, 2, 0, 10, 0, 0, 1, 8, 0];
    packet.extend([0x45, 0]);
    packet.extend((20 + udp).to_be_bytes());
    packet.extend([0, 0, 0x40, 0, 16, 17, 0, 0, 10, 0, 0, 1, 239, 1, 1, 1]);
    packet.extend([0x9c, 0x40, 0x67, 0x20]);
    packet.extend(udp.to_be_bytes());
    packet.extend([0, 0]);
    packet.extend(mold);
    packet
}

/// Both ends of the wire.
struct Bench<S> {
    engine: Engine<S>,
    venue: ReplayVenue,
    feed: ItchMold,
    frames: FrameCounts,
}

impl<S: Strategy> Bench<S> {
    fn new(strategy: S) -> Result<Bench<S>, Box<dyn Error>> {
        let mut read = |path: &str| std::fs::read_to_string(path);
        let config = VenueConfig::default();
        let venue = ReplayVenue::new(&config, &[instrument()], MarketKind::Orders, &mut read)?;
        let feed = ItchMold::new(FeedConfig { instruments: CAPACITY, ..FeedConfig::default() })?;
        let mut bench =
            Bench { engine: engine(strategy)?, venue, feed, frames: FrameCounts::default() };
        bench.engine.path.log_in(Nanos(START_NS - 1_000_000_000), &mut bench.engine.sent);
        bench.deliver(Nanos(START_NS - 1_000_000_000));
        Ok(bench)
    }

    /// What was sent reaches the venue.
    fn deliver(&mut self, now: Nanos) {
        self.venue.on_bytes(now, &self.engine.sent.bytes);
        self.engine.sent.bytes.clear();
    }

    /// What the venue said by `now` reaches the engine.
    fn hear(&mut self, now: Nanos) {
        let Engine { path, sent, .. } = &mut self.engine;
        while let Some((at, bytes)) = self.venue.poll_out(now) {
            path.on_order_bytes(at, bytes, sent);
        }
        self.deliver(now);
    }

    fn step(&mut self, number: u64) {
        let now = Nanos(START_NS + number * STEP_NS);
        self.hear(now);
        let packet = packet(number);
        let frame = Frame {
            data: std::hint::black_box(&packet),
            ts_ns: now,
            orig_len: packet.len() as u32,
            number: number + 1,
            offset: 0,
            link: LinkType::ETHERNET,
        };
        self.engine.path.stamps.packet(number + 1);
        if let Some(datagram) = frame::decode(&frame, &DecodeOptions::default(), &mut self.frames) {
            self.feed.on_packet(0, number + 1, now, datagram.payload, &mut self.engine);
        }
        self.deliver(now);
        if let Some(event) = self.engine.event.take() {
            self.venue.on_event(&event);
        }
    }

    /// Orders per packet must be one, else the figure is of something else.
    fn run(&mut self, from: u64, packets: u64) -> Result<(), String> {
        let before = self.engine.sent.messages;
        (from..from + packets).for_each(|number| self.step(number));
        let sent = self.engine.sent.messages - before;
        if sent == packets {
            return Ok(());
        }
        Err(format!("{sent} orders for {packets} packets: {:?}", self.engine.path.counters))
    }
}

const QUANTILES: [(&str, f64); 6] =
    [("p50", 0.5), ("p90", 0.9), ("p99", 0.99), ("p99.9", 0.999), ("p99.99", 0.9999), ("max", 1.0)];

/// One round with stamps as `mode` says.
fn round(strategy: impl Strategy, mode: StampMode) -> Result<Stamps, Box<dyn Error>> {
    let mut bench = Bench::new(strategy)?;
    (0..WARM_UP).for_each(|number| bench.step(number));
    bench.engine.path.stamps = Stamps::new(mode);
    bench.run(WARM_UP, PACKETS)?;
    Ok(bench.engine.path.stamps)
}

/// A quantile of a stage over the rounds, in ns.
fn figure(rounds: &[Stamps], stage: Stage, quantile: f64, clock: &CycleClock) -> Figure {
    let ns = |stamps: &Stamps| stamps.histogram(stage).quantile(quantile) as f64;
    let values: Vec<f64> = rounds.iter().map(|s| ns(s) * clock.ns_per_cycle()).collect();
    Figure::of(&values)
}

/// Rows of one strategy: the total with its two stamps alone, then, with a stamp at every arrow,
/// where it goes.
fn measure<S: Strategy>(
    setup: &Setup,
    clock: &CycleClock,
    name: &str,
    strategy: impl Fn() -> Result<S, Box<dyn Error>>,
) -> Measured {
    let rounds =
        |mode| (0..setup.rounds).map(|_| round(strategy()?, mode)).collect::<Result<Vec<_>, _>>();
    let row = |what: String, value, target| {
        Row::alone("packet_to_order", format!("{name}: {what}"), "ns", value, target)
    };
    let stamped = rounds(StampMode::Total)?;
    let mut rows = Vec::new();
    for (quantile_name, quantile) in QUANTILES {
        let target = (quantile_name == "p50").then_some(Target::AtMost(100.0));
        let value = figure(&stamped, Stage::Total, quantile, clock);
        rows.push(row(format!("{quantile_name}, two stamps included"), value, target));
    }
    let stamped = rounds(StampMode::All)?;
    for stage in Stage::ALL.into_iter().filter(|stage| *stage != Stage::Total) {
        let value = figure(&stamped, stage, 0.5, clock);
        rows.push(row(format!("p50 of {}, one stamp included", stage.name()), value, None));
    }
    Ok(rows)
}

/// The reference strategy, that moves a quote as often as the market does.
pub(super) fn maker() -> Result<Maker, Box<dyn Error>> {
    let pace = MakerConfig { requote_ns: 0, ..MakerConfig::default() };
    Ok(Maker::new(pace, &[ID], CAPACITY)?)
}

/// Measures.
///
/// # Errors
/// A stage cannot be made, or a packet did not become exactly one order.
pub fn run(setup: &Setup) -> Measured {
    let clock = CycleClock::calibrate(std::time::Duration::from_millis(20));
    let mut rows = measure(setup, &clock, "follow", || Ok(Follow::default()))?;
    rows.extend(measure(setup, &clock, "maker", maker)?);
    Ok(rows)
}
