//! Real captures: the counts and invariants that were counted in them by other programs.

mod common;

use std::collections::BTreeMap;

use common::{Log, by_type, capture, config, payloads, pcaps, replay};
use nofx_feed::{
    DbnMbo, FeedConfig, IexDeep, IexDeepPlus, ItchFile, ItchMold, PacketFeed, PacketFeedKind,
    Sequencing, detect_packet_feed,
};
use nofx_net::records::{BinaryFile, Dbn};
use nofx_types::{EventKind, InstrumentId, Nanos, OrderRef, Price, Side, StaleReason};

#[test]
fn itch_in_moldudp64_has_the_counts_of_the_readme() {
    let Some(folder) = capture("omi-data-packets/Nasdaq/Nasdaq.Equities.TotalView.Itch.v5.0")
    else {
        return;
    };
    let mut singles = Vec::new();
    for file in pcaps(&folder) {
        let (mut feed, mut log) = (ItchMold::new(config()).unwrap(), Log::default());
        assert_eq!(replay(&file, &mut feed, &mut log), [""; 0]);
        let report = feed.report();
        assert_eq!((report.malformed.len(), report.unknown, report.stream.sessions), (0, 0, 1));
        payloads(&file, |_, _, payload| {
            assert_eq!(detect_packet_feed(payload), Some(PacketFeedKind::ItchMold));
        });
        if file.ends_with("Multiple.Packets.pcap") {
            assert_eq!((report.total, by_type(&report).as_str()), (39, "A 36 D 1 F 2"));
        } else {
            singles.push(by_type(&report));
        }
    }
    singles.sort();
    assert_eq!(singles, ["A 1", "D 1", "E 1", "H 1", "I 1", "L 1", "U 1"]);
}

#[test]
fn itch_with_blanked_headers_is_read_without_its_sequence_numbers() {
    let folder = "omi-data-packets/Nasdaq/Nasdaq.Equities.TotalView.Itch.v5.0.20230822";
    let Some(folder) = capture(folder) else { return };
    let unsequenced = FeedConfig { sequencing: Sequencing::Off, ..config() };
    let mut kinds = String::new();
    for file in pcaps(&folder) {
        let (mut feed, mut log) = (ItchMold::new(unsequenced).unwrap(), Log::default());
        replay(&file, &mut feed, &mut log);
        let report = feed.report();
        let packets = if file.ends_with("SystemEvent.pcap") { 1 } else { 5 };
        assert_eq!((report.total, report.lines[0].packets), (packets, packets), "{file:?}");
        assert_eq!((report.unknown, report.malformed.len()), (0, 0), "{file:?}");
        assert_eq!(report.by_type.len(), 1);
        kinds.push_str(&report.by_type[0].0);
        for event in &log.events {
            assert!(event.last && (1..=5).contains(&event.seq));
            let hour = event.exch_ns.0 / 3_600_000_000_000;
            assert!((4..20).contains(&hour), "{event:?} is outside the day");
        }
    }
    let mut kinds: Vec<char> = kinds.chars().collect();
    kinds.sort_unstable();
    assert_eq!(String::from_iter(kinds), "ACDEFHIJLPQSUXY");
}

#[test]
fn the_binary_file_that_starts_at_the_opening_has_the_counts_of_the_readme() {
    let Some(path) = capture("nasdaq-itch50/12302019_SNIPPET.NASDAQ_ITCH50") else { return };
    let (mut feed, mut log) = (ItchFile::new(config()).unwrap(), Log::default());
    let mut file = BinaryFile::open(path).unwrap();
    while let Some(record) = file.next().unwrap() {
        feed.on_message(record.data, &mut log);
    }
    let report = feed.report();
    assert_eq!((report.total, report.unknown, report.malformed.len()), (1000, 0, 0));
    let types = "A 367 C 1 D 167 E 28 F 193 I 4 P 4 Q 4 S 1 U 225 X 6";
    assert_eq!(by_type(&report), types);
    let first = log.events.first().expect("events").exch_ns;
    let last = log.events.last().expect("events").exch_ns;
    assert_eq!((first, last), (Nanos(34_200_000_000_230), Nanos(34_200_002_364_611)));
    assert!(log.events.is_sorted_by_key(|event| event.exch_ns));
    assert!(log.events.iter().all(|event| event.capture_ns == event.exch_ns));
    assert_eq!(unknown_orders(&log), 394);
    assert_eq!(log.definitions.len(), named(&log));
    assert!(log.definitions.iter().all(|i| !i.flags.defined && !i.symbol.as_str().is_empty()));
}

/// References to orders that no Add or Replace of the log made.
fn unknown_orders(log: &Log) -> usize {
    let mut live = std::collections::BTreeSet::new();
    let mut unknown = 0;
    for event in &log.events {
        match event.kind {
            EventKind::Add { order, .. } => _ = live.insert(order),
            EventKind::Delete { order }
            | EventKind::Execute { order, .. }
            | EventKind::Reduce { order, .. } => unknown += usize::from(!live.contains(&order)),
            EventKind::Replace { old, new, .. } => {
                unknown += usize::from(!live.contains(&old));
                live.insert(new);
            }
            _ => {}
        }
    }
    unknown
}

/// Instruments with a message that carries a symbol.
fn named(log: &Log) -> usize {
    let carries = |kind| {
        use EventKind::{Add, Auction, Trade};
        matches!(kind, Add { .. } | Auction(_) | Trade { .. })
    };
    let mut ids: Vec<_> =
        log.events.iter().filter(|e| carries(e.kind)).map(|e| e.instrument).collect();
    ids.sort();
    ids.dedup();
    ids.len()
}

#[test]
fn deep10_restarts_eleven_times_and_has_no_gap() {
    let Some(path) = capture("iex-hist/DEEP10.pcap.gz") else { return };
    let (mut feed, mut log) = (IexDeep::new(config()).unwrap(), Log::default());
    let (mut runs, mut before) = (Vec::new(), 0);
    let mut last = (0, Nanos(0));
    let warnings = payloads(&path, |number, at, payload| {
        let restarts = feed.sequencer().counters().restarts;
        let delivered = feed.sequencer().counters().delivered;
        feed.on_packet(0, number, at, payload, &mut log);
        if feed.sequencer().counters().restarts > restarts {
            runs.push(delivered - before);
            before = delivered;
        }
        last = (number, at);
    });
    feed.finish(last.0, last.1, &mut log);
    assert_eq!(warnings.len(), 1);
    assert!(warnings[0].contains("121315"), "{}", warnings[0]);
    runs.push(feed.sequencer().counters().delivered - before);
    assert_eq!(
        runs,
        [
            28_140, 23_438, 25_192, 26_922, 26_400, 29_251, 29_349, 26_418, 23_415, 24_852, 23_412,
            105_210
        ]
    );

    let report = feed.report();
    assert_eq!((report.total, report.unknown, report.malformed.len()), (391_999, 0, 0));
    let types = "5 14627 8 12941 B 73 E 59 H 93638 O 93638 P 93636 S 44 T 83343";
    assert_eq!(by_type(&report), types);
    assert_eq!((report.stream.restarts, report.stream.gaps, report.stream.sessions), (11, 0, 1));
    assert_eq!((report.lines[0].packets, report.lines[0].heartbeats), (121_314, 7_937));
    assert_eq!((report.lines[0].first, report.lines[0].missing), (391_999, 0));

    let of = |want: fn(&EventKind) -> bool| log.events.iter().filter(|e| want(&e.kind)).count();
    assert_eq!(of(|kind| matches!(kind, EventKind::LevelSet { .. })), 14_627 + 12_941);
    assert_eq!(of(|kind| matches!(kind, EventKind::Trade { .. })), 83_343 + 73);
    assert_eq!(of(|kind| matches!(kind, EventKind::Stale(_))), 0);
    assert_eq!(of(|kind| matches!(kind, EventKind::Clear { side: None })), 11);
    assert_eq!(log.definitions.len(), 7_802);
    check_event_ends(&log, report.implicit_closes);
}

/// Groups the level updates of a run by symbol and time, as another program did, and compares: each
/// group ends once, by the flag of its last update or by an EndOfEvent of ours.
fn check_event_ends(log: &Log, implicit_closes: u64) {
    let mut groups: BTreeMap<(u32, InstrumentId, Nanos), usize> = BTreeMap::new();
    let (mut run, mut flagged, mut implicit) = (0, 0, 0);
    for event in &log.events {
        let key = (run, event.instrument, event.exch_ns);
        match event.kind {
            EventKind::Clear { .. } => run += 1,
            EventKind::LevelSet { .. } => {
                *groups.entry(key).or_default() += usize::from(event.last);
                flagged += usize::from(event.last);
            }
            EventKind::EndOfEvent => {
                *groups.get_mut(&key).expect("an end follows its event") += 1;
                implicit += 1;
            }
            EventKind::Trade { kind: nofx_types::TradeKind::Print, .. } => assert!(!event.last),
            _ => assert!(event.last),
        }
    }
    assert!(groups.values().all(|ends| *ends == 1), "each event ends once");
    assert_eq!(groups.len(), flagged + implicit);
    assert_eq!(implicit as u64, implicit_closes);
    // That count has 27,037, 26,426 and 611: the cut packet holds one more, without a flag.
    assert_eq!((groups.len(), flagged, implicit), (27_036, 26_426, 610));
}

#[test]
fn small_iex_captures_have_the_counts_of_the_readme() {
    let Some(folder) = capture("omi-data-packets/Iex/Deep.IexTp.v1.0") else { return };
    let mut seen = Vec::new();
    for file in pcaps(&folder) {
        let (mut feed, mut log) = (IexDeep::new(config()).unwrap(), Log::default());
        replay(&file, &mut feed, &mut log);
        let report = feed.report();
        assert_eq!((report.malformed.len(), report.lines[0].packets), (0, 1));
        seen.push(format!("{} {:?}", by_type(&report), log.kinds()));
        payloads(&file, |_, _, payload| {
            assert_eq!(detect_packet_feed(payload), Some(PacketFeedKind::IexDeep));
        });
    }
    seen.sort();
    assert_eq!(
        seen,
        [
            " []",
            "5 1 [LevelSet { side: Sell, price: Price(3441400), qty: Qty(82), orders: 0 }]",
            "8 1 [LevelSet { side: Buy, price: Price(2027700), qty: Qty(190), orders: 0 }]",
        ]
    );

    let Some(folder) = capture("omi-data-packets/Iex/DeepPlus.IexTp.1.0.2") else { return };
    let unsequenced = FeedConfig { sequencing: Sequencing::Off, ..config() };
    let mut total = 0;
    for file in pcaps(&folder) {
        let (mut feed, mut log) = (IexDeepPlus::new(unsequenced).unwrap(), Log::default());
        replay(&file, &mut feed, &mut log);
        let report = feed.report();
        assert_eq!((report.unknown, report.malformed.len()), (0, 0), "{file:?}");
        if file.ends_with("all_message_types.pcap") {
            let types = "B 1 D 1 E 35 H 97 I 96 L 3 M 1 O 101 P 101 R 1 S 5 T 4 a 1";
            assert_eq!((report.total, by_type(&report).as_str()), (447, types));
        } else {
            total += report.total;
        }
    }
    assert_eq!(total, 447, "the thirteen files hold the same messages");
}

/// A book of one instrument, by the book.
#[derive(Default)]
struct Naive {
    orders: BTreeMap<OrderRef, (Side, Price, u64)>,
    levels: [BTreeMap<Price, u64>; 2],
}

impl Naive {
    fn add(&mut self, order: OrderRef, side: Side, price: Price, qty: u64) {
        assert_eq!(self.orders.insert(order, (side, price, qty)), None, "a duplicate add");
        *self.levels[side.index()].entry(price).or_default() += qty;
    }

    fn take(&mut self, order: OrderRef, qty: Option<u64>) -> (Side, Price) {
        let (side, price, open) = self.orders.remove(&order).expect("a known order");
        let qty = qty.unwrap_or(open);
        let left = open.checked_sub(qty).expect("no order below zero");
        if left > 0 {
            self.orders.insert(order, (side, price, left));
        }
        let level = self.levels[side.index()].get_mut(&price).expect("a level");
        *level = level.checked_sub(qty).expect("no level below zero");
        if *level == 0 {
            self.levels[side.index()].remove(&price);
        }
        (side, price)
    }

    fn apply(&mut self, kind: EventKind) {
        match kind {
            EventKind::Add { order, side, price, qty, .. } => self.add(order, side, price, qty.0),
            EventKind::Reduce { order, qty } => _ = self.take(order, Some(qty.0)),
            EventKind::Replace { old, new, price, qty, .. } => {
                let (side, old_price) = self.take(old, None);
                self.add(new, side, price.unwrap_or(old_price), qty.0);
            }
            EventKind::Clear { .. } => *self = Naive::default(),
            EventKind::Trade { .. } | EventKind::EndOfEvent => {}
            other => panic!("{other:?} is no event of this feed"),
        }
    }

    fn touch(&self) -> (Option<Price>, Option<Price>) {
        let [bids, asks] = &self.levels;
        (bids.last_key_value().map(|l| *l.0), asks.first_key_value().map(|l| *l.0))
    }
}

#[test]
fn esh4_keeps_the_invariants_of_the_readme() {
    let day = "databento/esh4-glbx-mdp3-20231225.mbo.dbn.zst";
    let Some((report, log)) = dbn(day) else { return };
    assert_eq!((report.total, report.unknown, report.malformed.len()), (68_792, 0, 0));
    assert_eq!(by_type(&report), "A 29216 C 17999 F 6371 M 12233 T 2973");
    let definition = log.definition(InstrumentId(0)).expect("a symbol");
    assert_eq!((definition.symbol.as_str(), definition.flags.defined), ("ESH4", false));

    let (mut book, mut ends, mut crossed) = (Naive::default(), 0, 0);
    let utc = |h: u64, m: u64, s: u64| (1_703_462_400 + h * 3_600 + m * 60 + s) * 1_000_000_000;
    for event in &log.events {
        assert_eq!(event.instrument, InstrumentId(0));
        book.apply(event.kind);
        ends += usize::from(event.last);
        if let (true, (Some(bid), Some(ask))) = (event.last, book.touch())
            && bid >= ask
        {
            crossed += 1;
            assert!((utc(22, 39, 55)..=utc(23, 0, 0)).contains(&event.exch_ns.0), "{event:?}");
        }
    }
    assert_eq!((ends, crossed), (47_022, 891));
    assert_eq!(book.orders.len(), 11_217);
    assert_eq!(book.touch(), (Some(Price(48_100_000)), Some(Price(48_102_500))));
}

#[test]
fn dbn_version_1_and_3_read_alike() {
    let Some((report, log)) = dbn("databento/esh4-glbx-mdp3-20231224.mbo.dbn.zst") else { return };
    assert_eq!((report.total, by_type(&report).as_str()), (8_725, "A 8725"));
    assert_eq!(log.events.iter().filter(|event| event.last).count(), 1);
    assert!(log.events.last().is_some_and(|event| event.last));
    for file in
        ["databento/XNAS.ITCH/test_data.mbo.dbn.zst", "databento/GLBX.MDP3/test_data.mbo.dbn.zst"]
    {
        let Some((report, log)) = dbn(file) else { return };
        assert_eq!((report.total, report.unknown, report.malformed.len()), (4, 0, 0), "{file}");
        let stale = EventKind::Stale(StaleReason::Inconsistent);
        assert!(!log.events.is_empty() && !log.kinds().contains(&stale));
    }
}

fn dbn(path: &str) -> Option<(nofx_feed::FeedReport, Log)> {
    let mut file = Dbn::open(capture(path)?).unwrap();
    let (mut feed, mut log) = (DbnMbo::new(config()).unwrap(), Log::default());
    for (id, symbol) in file.metadata().symbols.clone() {
        feed.name(id, &symbol, &mut log);
    }
    while let Some((rtype, record)) = file.next().unwrap() {
        feed.on_record(record.number, rtype, record.data, &mut log);
    }
    Some((feed.report(), log))
}
