//! What each message means for a book: vectors packed from the specifications by Python `struct`.

mod common;

use common::{Log, by_type, mold, segment, unhex};
use nofx_feed::{
    DbnMbo, FeedConfig, FeedReport, IexDeep, IexDeepPlus, IexTops, ItchFile, ItchMold, PacketFeed,
};
use nofx_types::{BookEvent, Instrument, InstrumentId, Nanos};

const VECTORS: &str = include_str!("vectors/translate.txt");
const RTYPE_MBO: u8 = 0xA0;

/// The rows of one feed: message, and expectation as text.
fn rows(feed: &str) -> Vec<(Vec<u8>, &'static str)> {
    let rows: Vec<_> = VECTORS
        .lines()
        .filter_map(|line| line.strip_prefix(feed)?.strip_prefix('\t')?.split_once('\t'))
        .map(|(message, want)| (unhex(message), want))
        .collect();
    assert!(rows.len() > 10, "no vectors of {feed}");
    rows
}

fn config() -> FeedConfig {
    FeedConfig { instruments: 1_000, ..FeedConfig::default() }
}

fn who(id: InstrumentId) -> String {
    if id == InstrumentId::ALL { "all".into() } else { format!("#{}", id.0) }
}

fn event_text(event: &BookEvent) -> String {
    let last = if event.last { "last" } else { "part" };
    format!("{} {} {last} {:?}", who(event.instrument), event.exch_ns.0, event.kind)
}

fn definition_text(instrument: &Instrument) -> String {
    let Instrument { id, symbol, lot, previous_close, flags, .. } = instrument;
    let mut text = format!("{} is {symbol} lot {lot} close {}", who(*id), previous_close.0);
    for (flag, name) in
        [(flags.test, " test"), (flags.round_lots_only, " round"), (flags.defined, " defined")]
    {
        text += if flag { name } else { "" };
    }
    text
}

/// Runs the rows of a feed; `each` takes number and bytes of a message.
fn check(feed: &str, mut each: impl FnMut(u64, &[u8], &mut Log)) {
    for (number, (message, want)) in (1..).zip(rows(feed)) {
        let mut log = Log::default();
        each(number, &message, &mut log);
        let definitions = log.definitions.iter().map(definition_text);
        let got: Vec<String> = definitions.chain(log.events.iter().map(event_text)).collect();
        assert_eq!(got.join(" ; "), want, "row {number} of {feed}");
        assert!(log.events.iter().all(|event| event.seq == number), "row {number} of {feed}");
    }
}

fn faults(report: &FeedReport) -> String {
    let rows: Vec<_> = report.malformed.iter().map(|(name, n)| format!("{name} {n}")).collect();
    rows.join(" ")
}

#[test]
fn itch_of_a_file_and_of_datagrams_means_what_the_sheet_says() {
    let mut file = ItchFile::new(config()).unwrap();
    check("itch", |_, message, log| {
        file.on_message(message, log);
        assert!(log.events.iter().all(|event| event.capture_ns == event.exch_ns));
    });
    let mut datagrams = ItchMold::new(config()).unwrap();
    check("itch", |number, message, log| {
        let at = Nanos(number * 1_000);
        datagrams.on_packet(0, number, at, &mold(number, &[message]), log);
        assert!(log.events.iter().all(|event| event.capture_ns == at));
    });
    let types = "A 5 B 1 C 2 D 2 E 2 F 2 H 7 I 5 J 1 K 1 L 1 N 1 O 1 P 1 Q 2 R 2 S 7 U 1 V 1 W 2 \
                 X 2 Y 1 h 3";
    for report in [file.report(), datagrams.report()] {
        assert_eq!(by_type(&report), types);
        assert_eq!((report.total, report.unknown), (rows("itch").len() as u64, 1));
        assert_eq!(faults(&report), "short_message 4 side 1 code 2 instruments_full 1");
        assert!(report.memory_bytes > 0);
    }
}

#[test]
fn the_three_iex_feeds_mean_what_the_sheet_says() {
    fn run<F: PacketFeed>(name: &str, protocol: u16, mut feed: F) -> FeedReport {
        check(name, |number, message, log| {
            let packet = segment(protocol, number, &[message]);
            feed.on_packet(0, number, Nanos(number), &packet, log);
        });
        feed.report()
    }
    let deep = run("deep", 0x8004, IexDeep::new(config()).unwrap());
    assert_eq!(faults(&deep), "short_message 3 code 2");
    assert_eq!((deep.unknown, deep.implicit_closes), (2, 4));
    let deep_plus = run("deep+", 0x8005, IexDeepPlus::new(config()).unwrap());
    assert_eq!(
        (faults(&deep_plus).as_str(), deep_plus.unknown),
        ("short_message 2 side 1 code 2", 2)
    );
    for protocol in [0x8002, 0x8003] {
        let tops = run("tops", protocol, IexTops::new(config()).unwrap());
        assert_eq!((faults(&tops).as_str(), tops.unknown), ("short_message 2 code 2", 1));
    }
}

#[test]
fn dbn_records_mean_what_their_vendor_says() {
    let mut feed = DbnMbo::new(config()).unwrap();
    check("dbn", |number, record, log| {
        feed.on_record(number, RTYPE_MBO, record, log);
        let recv = 1_700_000_000_000_000_010;
        assert!(log.events.iter().all(|event| event.capture_ns == Nanos(recv)));
    });
    feed.on_record(0, 0x16, &[0; 80], &mut Log::default());
    feed.on_record(0, RTYPE_MBO, &[0; 55], &mut Log::default());
    let report = feed.report();
    let records = rows("dbn").len() as u64;
    assert_eq!((report.total, report.unknown), (records + 1, 1));
    assert_eq!(faults(&report), "short_message 1 side 1 price_scale 2 not_an_order 1");
}

#[test]
fn dbn_names_an_instrument_once_and_leaves_a_long_symbol_out() {
    let (mut feed, mut log) = (DbnMbo::new(config()).unwrap(), Log::default());
    feed.name(17_077, "ESH4", &mut log);
    feed.name(5, "ESH4-ESM4", &mut log);
    let named: Vec<String> = log.definitions.iter().map(definition_text).collect();
    assert_eq!(named, ["#0 is ESH4 lot 100 close 0"]);
    assert_eq!(faults(&feed.report()), "long_symbol 1");
}

#[test]
fn full_tables_drop_and_count() {
    let small = FeedConfig { instruments: 1, ..config() };
    let mut feed = IexDeep::new(small).unwrap();
    let mut log = Log::default();
    let message = |symbol: &[u8; 8]| {
        let ts = 5u64.to_le_bytes();
        [b"8\x01".as_slice(), &ts, symbol, &[1, 0, 0, 0], &[1, 0, 0, 0, 0, 0, 0, 0]].concat()
    };
    let (one, two) = (message(b"ONE     "), message(b"TWO     "));
    feed.on_packet(0, 1, Nanos(1), &segment(0x8004, 1, &[&one, &two, &one]), &mut log);
    assert_eq!((log.events.len(), log.definitions.len()), (2, 1));
    assert_eq!(faults(&feed.report()), "instruments_full 1");

    let mut dbn = DbnMbo::new(small).unwrap();
    let mut log = Log::default();
    rows("dbn").iter().for_each(|(record, _)| dbn.on_record(1, RTYPE_MBO, record, &mut log));
    assert!(log.events.iter().all(|event| event.instrument == InstrumentId(0)));
    assert_eq!(dbn.report().malformed.last(), Some(&("not_an_order", 1)));
}

#[test]
fn deep_plus_ends_an_event_where_symbol_or_time_changes_or_the_segment_ends() {
    let order = |id: u64, ts: u64, symbol: &[u8; 8]| {
        let tail = [id.to_le_bytes().as_slice(), &[1, 0, 0, 0], &[1; 8]].concat();
        [b"a8".as_slice(), &ts.to_le_bytes(), symbol, &tail].concat()
    };
    let (a, b) = (b"AAA     ", b"BBB     ");
    let messages = [
        order(1, 5, a),
        order(2, 5, a), // the time changes
        order(3, 6, a), // the symbol changes
        order(4, 6, b),
        order(5, 6, b), // no book message follows
        [b"I ".as_slice(), &6u64.to_le_bytes(), b].concat(),
        order(6, 7, b),
        order(7, 7, b), // the segment ends
    ];
    let slices: Vec<&[u8]> = messages.iter().map(Vec::as_slice).collect();
    let (mut feed, mut log) = (IexDeepPlus::new(config()).unwrap(), Log::default());
    feed.on_packet(0, 1, Nanos(1), &segment(0x8005, 1, &slices), &mut log);
    let ends: Vec<bool> = log.events.iter().map(|event| event.last).collect();
    assert_eq!(ends, [false, true, true, false, true, false, true]);
}

#[test]
fn the_sink_is_told_of_messages_at_hand_before_they_come() {
    let delete = |locate: u16, order: u64| {
        let head = [b"D".as_slice(), &locate.to_be_bytes(), &[0; 8]].concat();
        [head, order.to_be_bytes().to_vec()].concat()
    };
    let messages: Vec<Vec<u8>> = (1..=5).map(|n| delete(n, 100 + u64::from(n))).collect();
    let slices: Vec<&[u8]> = messages.iter().map(Vec::as_slice).collect();
    for (look_ahead, want) in [(0, 0), (2, 4), (16, 5)] {
        let config = FeedConfig { look_ahead, ..config() };
        let (mut feed, mut log) = (ItchMold::new(config).unwrap(), Log::default());
        feed.on_packet(0, 1, Nanos(1), &mold(1, &slices), &mut log);
        assert_eq!((log.events.len(), log.hints.len()), (5, want), "{look_ahead}");
        let hinted = log.hints.iter().map(|(id, order)| (id.0, order.0));
        assert!(hinted.eq((1..=want as u32).map(|n| (n, 100 + u64::from(n)))));
        // A message that is alone has nothing behind it to look at.
        feed.on_packet(0, 2, Nanos(2), &mold(6, &slices[..1]), &mut log);
        assert_eq!(log.hints.len(), want);
    }
}
