//! Mainland ticks into books: what each tick means, numbers of channels, phases, lost rows; and two
//! whole days of Shanghai against the naive twin.

use std::path::{Path, PathBuf};

use nofx_book::{LevelBooks, LevelConfig, TwinBooks};
use nofx_feed::{Schedule, TickConfig, TickFeed};
use nofx_ticks::{TickFile, TickOptions};
use nofx_types::{
    BookEvent, Date, EventKind, EventSink, Instrument, InstrumentId, Ladder, Level, Market, Nanos,
    OrderRef, Phase, Price, Pricing, Priority, Qty, Side, StaleReason, Symbol, Tick, TickKind,
    Touch,
};

#[derive(Default)]
struct Log {
    events: Vec<BookEvent>,
    defined: Vec<Instrument>,
}

impl EventSink for Log {
    fn on_event(&mut self, event: &BookEvent) {
        self.events.push(*event);
    }

    fn on_definition(&mut self, instrument: &Instrument) {
        self.defined.push(*instrument);
    }
}

impl Log {
    fn kinds(&mut self) -> Vec<(u32, bool, EventKind)> {
        let taken = std::mem::take(&mut self.events);
        taken.iter().map(|event| (event.instrument.0, event.last, event.kind)).collect()
    }
}

fn at(hour: u64, minute: u64, second: u64) -> Nanos {
    let day = Date::new(2023, 2, 7).expect("a day").midnight_ns(Market::HOURS_EAST);
    Nanos(day + (hour * 3_600 + minute * 60 + second) * 1_000_000_000)
}

fn tick(
    seq: u64,
    code: &str,
    kind: TickKind,
    [bid, offer]: [u64; 2],
    price: i64,
    qty: u64,
) -> Tick {
    let symbol = Symbol::new(code).expect("a code");
    let (bid, offer) = (OrderRef(bid), OrderRef(offer));
    let exch_ns = at(10, 0, 0);
    Tick { channel: 1, seq, symbol, exch_ns, kind, bid, offer, price: Price(price), qty: Qty(qty) }
}

const BUY: TickKind = TickKind::Order { side: Side::Buy, pricing: Pricing::Limit };
const SELL: TickKind = TickKind::Order { side: Side::Sell, pricing: Pricing::Limit };

fn feed(config: TickConfig) -> TickFeed {
    TickFeed::new(config).expect("valid")
}

fn quiet(market: Market) -> TickConfig {
    TickConfig { schedule: Schedule::new(&[]), ..TickConfig::of(market, 4) }
}

fn translate(market: Market, kind: TickKind) -> Vec<(u32, bool, EventKind)> {
    let (mut feed, mut log) = (feed(quiet(market)), Log::default());
    let id = tick(1, "600000", BUY, [1, 0], 100, 1);
    feed.on_tick(&id, id.exch_ns, &mut log);
    log.kinds();
    let tick = tick(2, "600000", kind, [7, 8], 123_400, 500);
    feed.on_tick(&tick, Nanos(5), &mut log);
    assert!(
        log.events
            .iter()
            .all(|e| e.seq == 2 && e.capture_ns == Nanos(5) && e.exch_ns == tick.exch_ns)
    );
    log.kinds()
}

fn filled(order: u64, printable: bool) -> EventKind {
    let price = Some(Price(123_400));
    EventKind::Execute { order: OrderRef(order), qty: Qty(500), price, printable, match_id: 2 }
}

#[test]
fn a_trade_of_shanghai_takes_from_the_order_that_rested() {
    let trade = |aggressor| TickKind::Trade { aggressor };
    let of = |kind| translate(Market::Sse, kind);
    assert_eq!(of(trade(Some(Side::Buy))), [(0, true, filled(8, true))]);
    assert_eq!(of(trade(Some(Side::Sell))), [(0, true, filled(7, true))]);
    assert_eq!(of(trade(None)), [(0, false, filled(7, true)), (0, true, filled(8, false))]);
}

#[test]
fn a_trade_of_shenzhen_takes_from_both() {
    for aggressor in [None, Some(Side::Buy), Some(Side::Sell)] {
        let events = translate(Market::Szse, TickKind::Trade { aggressor });
        assert_eq!(events, [(0, false, filled(7, true)), (0, true, filled(8, false))]);
    }
}

#[test]
fn orders_and_cancels_are_alike_in_both_markets() {
    for market in [Market::Sse, Market::Szse] {
        for pricing in [Pricing::Limit, Pricing::Market, Pricing::OwnBest] {
            let add = EventKind::Add {
                order: OrderRef(8),
                side: Side::Sell,
                price: Price(123_400),
                qty: Qty(500),
                priority: Priority::Back,
                pricing,
            };
            let kind = TickKind::Order { side: Side::Sell, pricing };
            assert_eq!(translate(market, kind), [(0, true, add)]);
        }
        let reduce = EventKind::Reduce { order: OrderRef(7), qty: Qty(500) };
        assert_eq!(translate(market, TickKind::Cancel { side: Side::Buy }), [(0, true, reduce)]);
    }
}

#[test]
fn a_hole_in_a_channel_makes_its_securities_stale_and_no_others() {
    let config = TickConfig { contiguous: true, ..quiet(Market::Sse) };
    let (mut feed, mut log) = (feed(config), Log::default());
    let mut send = |channel, seq, code| {
        let tick = Tick { channel, ..tick(seq, code, BUY, [seq, 0], 100, 1) };
        feed.on_tick(&tick, tick.exch_ns, &mut log);
        let stale = |event: &(u32, bool, EventKind)| match event.2 {
            EventKind::Stale(reason) => Some((event.0, reason)),
            _ => None,
        };
        log.kinds().iter().filter_map(stale).collect::<Vec<_>>()
    };
    for (channel, seq, code) in [(1, 1, "600000"), (2, 1, "600001"), (1, 2, "600002")] {
        assert_eq!(send(channel, seq, code), []);
    }
    let gap = StaleReason::Gap;
    assert_eq!(send(1, 4, "600000"), [(0, gap), (2, gap)]);
    assert_eq!(send(1, 5, "600003"), [(3, gap)], "what was lost may have been its first orders");
    assert_eq!(send(2, 2, "600001"), []);
    assert_eq!(send(1, 5, "600003"), [], "the same again is dropped");
    assert_eq!(send(1, 3, "600002"), [(2, StaleReason::Inconsistent)], "too late to be of use");
    let report = feed.report();
    assert_eq!((report.stream.gaps, report.stream.missing), (1, 1));
    assert_eq!(report.malformed, [("duplicate_number", 1), ("backward_number", 1)]);
}

#[test]
fn phases_come_from_the_clock_or_from_the_ticks() {
    let run = |phases_in_ticks| {
        let config = TickConfig { phases_in_ticks, ..TickConfig::of(Market::Sse, 4) };
        let (mut feed, mut log) = (feed(config), Log::default());
        let mut phases = Vec::new();
        for (seq, code, time, phase) in [
            (1, "600000", at(9, 15, 0), Some(Phase::OpeningAuction)),
            (2, "600000", at(9, 30, 1), None),
            (3, "600001", at(9, 30, 2), None),
            (4, "600000", at(10, 0, 0), Some(Phase::ClosingAuction)),
            (5, "600000", at(15, 0, 0), None),
        ] {
            let kind = phase.map_or(BUY, TickKind::Phase);
            let tick = Tick { exch_ns: time, ..tick(seq, code, kind, [seq, 0], 100, 1) };
            feed.on_tick(&tick, time, &mut log);
            for event in log.kinds() {
                if let (id, true, EventKind::Phase(phase)) = event {
                    phases.push((id, phase));
                }
            }
        }
        (phases, feed.report().malformed)
    };
    use Phase::{Closed, ClosingAuction, Continuous, OpeningAuction};
    let odd = vec![("phase_clock", 1)];
    assert_eq!(run(true), (vec![(0, OpeningAuction), (0, ClosingAuction)], odd.clone()));
    let all = [
        (0, OpeningAuction),
        (0, OpeningAuction),
        (0, Continuous),
        (1, Continuous),
        (0, ClosingAuction),
        (0, Closed),
        (1, Closed),
    ];
    assert_eq!(run(false), (all.to_vec(), odd));
}

#[test]
fn lost_rows_and_full_tables_are_said() {
    let (mut feed, mut log) =
        (feed(TickConfig { instruments: 1, ..quiet(Market::Sse) }), Log::default());
    let first = tick(1, "600000", BUY, [1, 0], 100, 1);
    feed.on_tick(&first, first.exch_ns, &mut log);
    log.kinds();
    let stale = EventKind::Stale(StaleReason::Inconsistent);
    feed.lost(Symbol::new("600000"), &first, first.exch_ns, &mut log);
    feed.lost(None, &first, first.exch_ns, &mut log);
    feed.on_tick(&tick(2, "600001", SELL, [0, 2], 100, 1), Nanos(0), &mut log);
    assert_eq!(log.kinds(), [(0, true, stale), (InstrumentId::ALL.0, true, stale)]);
    assert_eq!(feed.report().malformed, [("instruments_full", 1), ("lost_row", 2)]);
}

/// Our books and the twin's, compared after every event.
struct Books {
    ours: LevelBooks,
    twin: TwinBooks,
    crossed_continuous: u64,
    continuous: bool,
}

impl EventSink for Books {
    fn on_event(&mut self, event: &BookEvent) {
        let id = event.instrument;
        self.ours.apply(event);
        self.twin.apply(event);
        if let EventKind::Phase(phase) = event.kind {
            self.continuous = phase == Phase::Continuous;
        }
        let crossed = event.last && self.ours.is_crossed(id);
        self.crossed_continuous += u64::from(crossed && self.continuous);
        let touch: Touch = self.ours.touch(id);
        assert_eq!(touch, self.twin.touch(id), "{event:?}");
    }

    fn on_definition(&mut self, instrument: &Instrument) {
        self.ours.define(instrument);
        self.twin.define(instrument);
    }
}

fn capture(name: &str) -> Option<PathBuf> {
    let below = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/captures/a-share");
    let root =
        std::env::var_os("NOFX_CAPTURES").map_or(below, |root| Path::new(&root).join("a-share"));
    let path = root.join(name);
    if !path.exists() {
        println!("SKIPPED {name}: no captures at {} (set NOFX_CAPTURES)", root.display());
        return None;
    }
    Some(path)
}

fn day(names: &[&str], damage: impl FnOnce(&mut TickFile)) -> Option<Books> {
    let paths: Option<Vec<_>> = names.iter().map(|name| capture(name)).collect();
    let mut file = nofx_ticks::open(&paths?, &TickOptions::default()).expect("readable");
    damage(&mut file);
    let sizes = LevelConfig { instruments: 8, live_orders: 200_000, ..LevelConfig::default() };
    let mut ours = LevelBooks::new(&sizes).expect("memory");
    ours.set_unknown_is_stale(true);
    let mut books =
        Books { ours, twin: TwinBooks::new(), crossed_continuous: 0, continuous: false };
    let mut feed = feed(TickConfig::of(Market::Sse, 8));
    file.ticks.iter().for_each(|tick| feed.on_tick(tick, tick.exch_ns, &mut books));
    assert_eq!(feed.report().malformed, []);
    assert!(books.ours.check_all().is_empty());
    Some(books)
}

const DAYS: [&[&str]; 2] = [
    &["sse-600519-20230207/AX_sbe_sse_600519.zip"],
    &["sse-5sym-20230711/SHorders.zip", "sse-5sym-20230711/SHtrans.zip"],
];

#[test]
fn whole_days_of_shanghai_make_clean_books_that_are_the_twins() {
    for (names, securities) in DAYS.into_iter().zip([1, 5]) {
        let Some(books) = day(names, |_| ()) else { return };
        let counts = books.ours.counts();
        assert_eq!(counts.iter().filter(|(name, n)| *name != "overflow" && *n > 0).count(), 0);
        assert_eq!(books.crossed_continuous, 0, "no event of continuous trading ends crossed");
        for id in (0..securities).map(InstrumentId) {
            assert_eq!(books.ours.stale(id), None);
            assert!(books.ours.touch(id).is_two_sided() && !books.ours.is_crossed(id));
            for side in Side::BOTH {
                let (mut a, mut b) = ([Level::default(); 50], [Level::default(); 50]);
                let n = books.ours.book(id).levels(side, &mut a);
                assert_eq!((n, a), (books.twin.levels(id, side, &mut b), b));
            }
        }
        assert_eq!(books.ours.live_orders(), books.twin.live_orders());
    }
}

#[test]
fn an_order_that_is_missing_makes_the_book_stale() {
    let remove = |file: &mut TickFile| {
        // The first order that a trade takes from.
        let taken = file.ticks.iter().find_map(|tick| match tick.kind {
            TickKind::Trade { aggressor: Some(side) } => Some(tick.order(side.opposite())),
            _ => None,
        });
        let taken = taken.expect("trades");
        file.ticks.retain(|tick| match tick.kind {
            TickKind::Order { side, .. } => tick.order(side) != taken,
            _ => true,
        });
    };
    let Some(books) = day(DAYS[0], remove) else { return };
    assert_eq!(books.ours.stale(InstrumentId(0)), Some(StaleReason::Inconsistent));
    assert!(books.ours.counts().unknown_order > 0);
}
