//! After construction a feed does not allocate: not on loss, restarts, new symbols or bad bytes.

mod common;

use common::{capture, config, mold, payloads, segment};
use nofx_feed::{DbnMbo, FeedConfig, IexDeep, IexDeepPlus, IexTops, ItchMold, PacketFeed};
use nofx_rt::guard::{CountingAlloc, OnSealed, seal, sealed_allocations};
use nofx_types::{BookEvent, EventKind, EventSink, Nanos};

#[global_allocator]
static ALLOC: CountingAlloc = CountingAlloc;

/// Counts, and allocates nothing itself.
#[derive(Default)]
struct Counter {
    events: u64,
    stale: u64,
}

impl EventSink for Counter {
    fn on_event(&mut self, event: &BookEvent) {
        self.events += 1;
        self.stale += u64::from(matches!(event.kind, EventKind::Stale(_)));
    }
}

/// Runs datagrams `(line, payload)` sealed; the feed was made before.
fn sealed<F: PacketFeed>(mut feed: F, datagrams: &[(usize, Vec<u8>)]) -> Counter {
    let mut counter = Counter::default();
    let before = sealed_allocations();
    let guard = seal(OnSealed::Count);
    for (number, (line, payload)) in (1..).zip(datagrams) {
        feed.on_packet(*line, number, Nanos(number * 1_000), payload, &mut counter);
        feed.on_time(Nanos(number * 1_000 + 500), &mut counter);
    }
    feed.finish(0, Nanos(0), &mut counter);
    drop(guard);
    assert_eq!(sealed_allocations() - before, 0);
    counter
}

/// The vectors of one feed, one datagram each, with every seventh number lost and two copies of
/// each, the second cut short.
fn lossy(feed: &str, packet: impl Fn(u64, &[u8]) -> Vec<u8>) -> Vec<(usize, Vec<u8>)> {
    let rows = include_str!("vectors/translate.txt").lines();
    let rows = rows.filter_map(|line| line.strip_prefix(feed)?.strip_prefix('\t'));
    let messages = rows.map(|row| common::unhex(row.split('\t').next().expect("hex")));
    let messages: Vec<Vec<u8>> = messages.collect();
    let mut datagrams = Vec::new();
    for (number, message) in (1..).zip(messages.iter().cycle().take(5_000)) {
        if number % 7 != 0 {
            let datagram = packet(number, message);
            datagrams.push((1, datagram[..datagram.len() - 1].to_vec()));
            datagrams.push((0, datagram.clone()));
            datagrams.push((1, datagram));
        }
    }
    datagrams
}

#[test]
fn lossy_lines_of_every_feed_allocate_nothing() {
    let config = FeedConfig { lines: 2, ..config() };
    let itch = lossy("itch", |seq, message| mold(seq, &[message]));
    let counter = sealed(ItchMold::new(config).unwrap(), &itch);
    assert!(counter.events > 2_000 && counter.stale > 500);
    let deep = lossy("deep", |seq, message| segment(0x8004, seq, &[message]));
    assert!(sealed(IexDeep::new(config).unwrap(), &deep).stale > 500);
    let deep_plus = lossy("deep+", |seq, message| segment(0x8005, seq, &[message]));
    assert!(sealed(IexDeepPlus::new(config).unwrap(), &deep_plus).stale > 500);
    let tops = lossy("tops", |seq, message| segment(0x8003, seq, &[message]));
    assert!(sealed(IexTops::new(config).unwrap(), &tops).stale > 500);
}

#[test]
fn dbn_records_allocate_nothing() {
    let records = lossy("dbn", |_, record| record.to_vec());
    let (mut feed, mut counter) = (DbnMbo::new(config()).unwrap(), Counter::default());
    let before = sealed_allocations();
    let guard = seal(OnSealed::Count);
    for (number, (_, record)) in (1..).zip(&records) {
        feed.on_record(number, 0xA0, record, &mut counter);
    }
    drop(guard);
    assert_eq!(sealed_allocations() - before, 0);
    assert!(counter.events > 1_000);
}

#[test]
fn a_day_of_deep_allocates_nothing() {
    let Some(path) = capture("iex-hist/DEEP10.pcap.gz") else { return };
    let mut datagrams = Vec::new();
    payloads(&path, |_, _, payload| datagrams.push((0, payload.to_vec())));
    assert!(sealed(IexDeep::new(config()).unwrap(), &datagrams).events > 100_000);
}
