//! Quoting at the touch of real markets: whatever fills us must have happened. Each fill carries the
//! time of the event that made it; the fills of an instant never exceed what traded or arrived then.

mod common;

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};

use common::*;
use nofx_book::TwinBooks;
use nofx_feed::{DbnMbo, FeedConfig, IexDeep, PacketFeed};
use nofx_net::capture::Capture;
use nofx_net::frame::{DecodeOptions, FrameCounts, decode};
use nofx_net::records::Dbn;
use nofx_types::{
    BookEvent, EventKind, EventSink, Instrument, InstrumentId, Nanos, Side, TradeKind,
};
use nofx_venue::config::Sizes;
use nofx_venue::queue::QueueModel;
use nofx_venue::{MarketKind, ReplayVenue};

fn capture(path: &str) -> Option<PathBuf> {
    let root = std::env::var_os("NOFX_CAPTURES").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/captures"),
        PathBuf::from,
    );
    let path = root.join(path);
    if !path.exists() {
        println!("SKIPPED captures not found ({}; set NOFX_CAPTURES)", path.display());
        return None;
    }
    Some(path)
}

#[derive(Default)]
struct Log {
    events: Vec<BookEvent>,
    instruments: HashMap<InstrumentId, Instrument>,
}

impl EventSink for Log {
    fn on_event(&mut self, event: &BookEvent) {
        self.events.push(*event);
    }

    fn on_definition(&mut self, instrument: &Instrument) {
        self.instruments.insert(instrument.id, *instrument);
    }
}

fn feed_config() -> FeedConfig {
    FeedConfig { instruments: 1 << 16, ..FeedConfig::default() }
}

/// IEX's sample of DEEP.
fn deep10() -> Option<Log> {
    let mut capture = Capture::open(&capture("iex-hist/DEEP10.pcap.gz")?).expect("readable");
    let (mut feed, mut log) = (IexDeep::new(feed_config()).expect("usable"), Log::default());
    let mut counts = FrameCounts::default();
    while let Some(frame) = capture.next().expect("whole") {
        if let Some(datagram) = decode(&frame, &DecodeOptions::default(), &mut counts) {
            feed.on_packet(0, frame.number, datagram.ts_ns, datagram.payload, &mut log);
        }
    }
    Some(log)
}

/// A day of the S&P future, order by order.
fn esh4() -> Option<Log> {
    let path = capture("databento/esh4-glbx-mdp3-20231225.mbo.dbn.zst")?;
    let mut file = Dbn::open(path).expect("readable");
    let (mut feed, mut log) = (DbnMbo::new(feed_config()).expect("usable"), Log::default());
    for (id, symbol) in file.metadata().symbols.clone() {
        feed.name(id, &symbol, &mut log);
    }
    while let Some((rtype, record)) = file.next().expect("whole") {
        feed.on_record(record.number, rtype, record.data, &mut log);
    }
    Some(log)
}

impl Log {
    /// The instruments in whose books most happens.
    fn busiest(&self, most: usize) -> Vec<Instrument> {
        let mut busy: BTreeMap<InstrumentId, usize> = BTreeMap::new();
        for event in &self.events {
            let of_book = matches!(event.kind, EventKind::Add { .. } | EventKind::LevelSet { .. });
            *busy.entry(event.instrument).or_default() += usize::from(of_book);
        }
        let mut ids: Vec<_> = busy.into_iter().filter(|(_, count)| *count > 0).collect();
        ids.sort_by_key(|(id, count)| (std::cmp::Reverse(*count), *id));
        ids.iter().take(most).map(|(id, _)| self.instruments[id]).collect()
    }

    /// Shares that traded or arrived at an instant, by capture time.
    fn offered(&self, of: &[Instrument]) -> HashMap<u64, u64> {
        let mut offered: HashMap<u64, u64> = HashMap::new();
        for event in self.events.iter().filter(|e| of.iter().any(|i| i.id == e.instrument)) {
            let qty = match event.kind {
                EventKind::Trade { qty, kind: TradeKind::Print | TradeKind::Hidden, .. }
                | EventKind::Add { qty, .. }
                | EventKind::Replace { qty, .. }
                | EventKind::LevelSet { qty, .. } => qty.0,
                _ => 0,
            };
            *offered.entry(event.capture_ns.0).or_default() += qty;
        }
        offered
    }
}

/// What a run of quoting gave.
#[derive(Debug, Default, PartialEq, Eq)]
struct Run {
    /// Maker shares by the time of the event that filled them.
    filled: BTreeMap<u64, u64>,
    counts: Vec<(&'static str, u64)>,
    open: usize,
}

/// Quotes both sides of the touch anew at every `pace`-th event end, three orders deep in time.
fn quote(
    log: &Log,
    traded: &[Instrument],
    kind: MarketKind,
    model: QueueModel,
    pace: usize,
) -> Run {
    let mut config = config(50_000, 50_000);
    (config.queue, config.sizes) = (model, Sizes::default());
    let mut read = |_: &str| Err(std::io::Error::other("no files"));
    let mut venue = ReplayVenue::new(&config, traded, kind, &mut read).expect("usable");
    let (mut books, mut run, mut ends, mut user_ref) = (TwinBooks::new(), Run::default(), 0, 0u32);
    let start = log.events[0].capture_ns;
    venue.on_bytes(start, &login("", "", 1));
    for event in &log.events {
        let now = event.capture_ns;
        while let Some((_, frame)) = venue.poll_out(now) {
            note(frame, &mut run);
        }
        venue.on_event(event);
        let Some(instrument) = traded.iter().find(|i| i.id == event.instrument) else { continue };
        books.apply(event);
        ends += usize::from(event.last);
        if !event.last || ends % pace != 0 {
            continue;
        }
        let touch = books.touch(instrument.id);
        if touch.is_crossed() {
            continue; // the sample of DEEP is a test system's
        }
        for (side, letter) in [(Side::Buy, b'B'), (Side::Sell, b'S')] {
            let Some(price) = touch.best(side) else { continue };
            user_ref += 1;
            let extra = Extra { symbol: instrument.symbol.as_str(), ..PLAIN };
            venue.on_bytes(now, &enter(user_ref, letter, 10, price.0 as u64, extra));
            if user_ref > 6 {
                venue.on_bytes(now, &cancel(user_ref - 6, 0));
            }
        }
    }
    while let Some((_, frame)) = venue.poll_out(Nanos(u64::MAX)) {
        note(frame, &mut run);
    }
    run.counts = venue.counts().collect();
    run.open = venue.open_orders();
    run
}

fn note(frame: &[u8], run: &mut Run) {
    let text = text(frame);
    // The sample of DEEP runs through phases in which nothing trades.
    assert!(!text.starts_with('J') || text.ends_with(" 0x07"), "{text}");
    if let Some(rest) = text.strip_prefix("E ").and_then(|rest| rest.strip_suffix(" A")) {
        let qty = rest.split([' ', '@']).nth(1).and_then(|qty| qty.parse::<u64>().ok());
        let stamp: [u8; 8] = frame[4..12].try_into().expect("eight bytes");
        *run.filled.entry(u64::from_be_bytes(stamp)).or_default() += qty.expect("a quantity");
    }
}

fn check(log: &Log, traded: &[Instrument], kind: MarketKind, model: QueueModel, pace: usize) {
    let run = quote(log, traded, kind, model, pace);
    let offered = log.offered(traded);
    for (at, filled) in &run.filled {
        let most = offered.get(at).copied().unwrap_or(0);
        assert!(*filled <= most, "{filled} filled at {at}, where {most} traded or arrived");
    }
    let count = |name| run.counts.iter().find(|(key, _)| *key == name).expect("counted").1;
    assert_eq!(run.filled.values().sum::<u64>(), count("maker_shares"));
    assert!(count("maker_fills") > 20 && count("canceled") > 20, "{:?}", run.counts);
    for never in ["missed_fills", "unsent", "malformed", "stale_refs"] {
        assert_eq!(count(never), 0, "{never}");
    }
    assert_eq!(run, quote(log, traded, kind, model, pace), "two runs differ");
    println!("{model:?}: {:?}", run.counts.iter().filter(|c| c.1 > 0).collect::<Vec<_>>());
}

#[test]
fn quoting_on_deep_fills_from_what_traded_under_every_model() {
    let Some(log) = deep10() else { return };
    let traded = log.busiest(8);
    for model in
        [QueueModel::Conservative, QueueModel::Proportional, QueueModel::Probabilistic { n: 2 }]
    {
        check(&log, &traded, MarketKind::Levels, model, 3);
    }
}

#[test]
fn quoting_a_future_order_by_order_fills_from_what_traded() {
    let Some(log) = esh4() else { return };
    let traded = log.busiest(1);
    check(&log, &traded, MarketKind::Orders, QueueModel::Conservative, 20);
}
