//! A real day of the Shanghai exchange with its real book: 600519 on 2023-02-07, 45,764 orders and
//! trades by the tick, and snapshots of ten levels that the exchange published beside them.
//!
//! The exchange publishes an order that trades at once as an add of what is left, after the trades:
//! so a trade acts on the order that rested, which is the side that was not the aggressor, and on
//! both in an auction. A snapshot is stamped by the second and late: it is right when it equals, at
//! all ten levels of both sides, some state of the book with the same volume traded.

mod truth;

use std::collections::HashMap;
use std::io::Read;

use flate2::read::DeflateDecoder;
use nofx_book::{LevelBooks, LevelConfig, QueueBooks, QueueConfig, TwinBooks};
use nofx_types::{
    BookEvent, EventKind, Instrument, Nanos, OrderRef, Price, Pricing, Priority, Qty, Side,
};
use truth::{Books, DEPTH, ID, captures};

/// Quantities of the file count 1/1,000 share.
const QTY_SCALE: u64 = 1_000;
/// Opening auction over, and the closing one not begun: HHMMSS.
const CONTINUOUS: std::ops::RangeInclusive<u64> = 93_000..=145_659;

/// The text of the capture: one deflated file in a zip archive.
fn text() -> Option<String> {
    let path = captures().join("a-share/sse-600519-20230207/AX_sbe_sse_600519.zip");
    let Ok(zip) = std::fs::read(&path) else {
        println!("SKIPPED sse_600519: no capture at {}", path.display());
        return None;
    };
    // Local file header: 30 bytes, then name and extra field (APPNOTE 4.3.7).
    let u16_at = |at: usize| usize::from(u16::from_le_bytes([zip[at], zip[at + 1]]));
    let data = &zip[30 + u16_at(26) + u16_at(28)..];
    let mut text = String::new();
    DeflateDecoder::new(data).read_to_string(&mut text).expect("deflated text");
    Some(text)
}

/// One line: its numbers by name.
type Line<'a> = HashMap<&'a str, u64>;

fn line(text: &str) -> Line<'_> {
    text.trim_start_matches("//")
        .split_whitespace()
        .filter_map(|field| field.split_once('='))
        .filter_map(|(key, value)| Some((key, value.parse().ok()?)))
        .collect()
}

/// The events of an order or a trade, and what it traded.
fn translate(line: &Line) -> (Vec<EventKind>, u64) {
    let order = |key| OrderRef(line[key]);
    if line["MsgType"] == 192 {
        let side = if line["Side"] == u64::from(b'B') { Side::Buy } else { Side::Sell };
        let (order, price) = (order("OrderNo"), Price(line["Price"] as i64));
        let (priority, pricing) = (Priority::Back, Pricing::Limit);
        let qty = Qty(line["OrderQty"] / QTY_SCALE);
        let kind = match line["OrdType"] as u8 {
            b'A' => EventKind::Add { order, side, price, qty, priority, pricing },
            _ => EventKind::Delete { order },
        };
        return (vec![kind], 0);
    }
    let (qty, match_id) = (Qty(line["LastQty"] / QTY_SCALE), line["ApplSeqNum"]);
    let hit = |key| {
        let order = order(key);
        EventKind::Execute { order, qty, price: None, printable: true, match_id }
    };
    let kinds = match line["ExecType"] as u8 {
        b'B' => vec![hit("OfferApplSeqNum")],
        b'S' => vec![hit("BidApplSeqNum")],
        _ => vec![hit("BidApplSeqNum"), hit("OfferApplSeqNum")],
    };
    (kinds, qty.0)
}

/// Ten levels of each side, bids first.
type Picture = [Vec<(Price, Qty)>; 2];

fn published(line: &Line) -> Picture {
    ["Bid", "Ask"].map(|side| {
        let at = |n: usize, what: &str| line[format!("{side}Level[{n}].{what}").as_str()];
        let level = |n| (Price(at(n, "Price") as i64), Qty(at(n, "Qty") / QTY_SCALE));
        (0..DEPTH).map(level).filter(|(_, qty)| qty.0 > 0).collect()
    })
}

/// Published pictures of continuous trading that no state was equal to yet, by volume traded.
#[derive(Default)]
struct Pending {
    by_volume: HashMap<u64, Vec<Picture>>,
    seen: usize,
    right: usize,
}

impl Pending {
    fn add(&mut self, line: &Line) {
        if CONTINUOUS.contains(&line["DataTimeStamp"]) {
            let volume = line["TotalVolumeTrade"] / QTY_SCALE;
            self.by_volume.entry(volume).or_default().push(published(line));
            self.seen += 1;
        }
    }

    fn compare(&mut self, volume: u64, books: &impl Books) {
        let Some(pictures) = self.by_volume.get_mut(&volume).filter(|p| !p.is_empty()) else {
            return;
        };
        let (now, before) = (Side::BOTH.map(|side| books.shown(side)), pictures.len());
        pictures.retain(|picture| *picture != now);
        self.right += before - pictures.len();
    }
}

/// What a replay of the day gave.
#[derive(Debug, Default)]
struct Day {
    snapshots: usize,
    right: usize,
    trades: u64,
    traded: u64,
    /// Executions in continuous trading, and those of the order that was served next at the touch.
    executions: u64,
    in_turn: u64,
}

fn replay(books: &mut impl Books) -> Option<Day> {
    let text = text()?;
    let (mut pending, mut day, mut ticks) = (Pending::default(), Day::default(), Vec::new());
    for line in text.lines().filter(|text| !text.trim().is_empty()).map(line) {
        match line["MsgType"] {
            111 => pending.add(&line),
            _ => ticks.push(line),
        }
    }
    // Lines are not written in the order of the channel; BizIndex is that order.
    ticks.sort_by_key(|line| line["BizIndex"]);
    for line in &ticks {
        let (kinds, traded) = translate(line);
        day.trades += u64::from(traded > 0);
        day.traded += traded;
        let continuous = CONTINUOUS.contains(&(line["TransactTime"] / 100));
        for (nth, kind) in kinds.iter().enumerate() {
            if let EventKind::Execute { order, .. } = kind
                && continuous
            {
                day.executions += 1;
                day.in_turn += u64::from(books.next_served(*order) == Some(*order));
            }
            let (exch_ns, capture_ns, kind) = (Nanos(0), Nanos(0), *kind);
            let (seq, last) = (line["BizIndex"], nth + 1 == kinds.len());
            let event = BookEvent { instrument: ID, seq, exch_ns, capture_ns, last, kind };
            let touch = books.touch();
            let change = books.apply(&event);
            assert_eq!(change.touch, books.touch() != touch, "{event:?}");
        }
        pending.compare(day.traded, books);
    }
    books.check();
    (day.snapshots, day.right) = (pending.seen, pending.right);
    println!("{day:?}");
    Some(day)
}

fn assert_real(day: &Day) {
    assert_eq!((day.snapshots, day.right), (4_858, 4_858));
    assert_eq!((day.trades, day.traded), (18_685, 2_432_171));
}

#[test]
fn the_queue_book_is_the_real_book_and_orders_are_executed_in_turn() {
    let config = QueueConfig { instruments: 8, live_orders: 20_000, levels: 10_000 };
    let mut books = QueueBooks::new(&config).expect("sizes are good");
    let Some(day) = replay(&mut books) else { return };
    assert_real(&day);
    assert_eq!(day.in_turn, day.executions);
    assert_eq!(books.counts(), nofx_book::BookCounts::default());
}

#[test]
fn the_level_book_is_the_real_book() {
    let config =
        LevelConfig { instruments: 8, live_orders: 20_000, window_ticks: 1_024, limit_ticks: 0 };
    let mut books = LevelBooks::new(&config).expect("sizes are good");
    // Prices count 1/1,000 yuan, the tick is a fen.
    books.define(&Instrument { decimals: 3, tick: 10, ..Instrument::unknown(ID) });
    let Some(day) = replay(&mut books) else { return };
    assert_real(&day);
}

#[test]
fn the_twin_is_the_real_book() {
    let Some(day) = replay(&mut TwinBooks::new()) else { return };
    assert_real(&day);
}
