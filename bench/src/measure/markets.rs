//! Decode and level books of Hong Kong, Shenzhen and Shanghai against those of ITCH, at equal
//! size: as many securities, about as many messages.
//!
//! The baseline is ITCH in MoldUDP64 packets. Packets of both are full, so that messages are what is
//! measured. Shanghai is measured from its neutral records: what its files cost to read is another
//! matter. Each feed has its own day; all laps of one run interleave.

use std::path::{Path, PathBuf};

use nofx_feed::{FeedConfig, ItchMold};
use nofx_ticks::Snapshot;
use nofx_types::{Instrument, InstrumentId, Market, Nanos, Side, Touch};
use nofx_venue::day::{DayConfig, DaySink, Faults, generate};
use nofx_venue::publisher::PublisherConfig;

use super::{Measured, Setup};
use crate::harness::{Contest, Lap, lap};
use crate::market_days::{Input, MarketDay};
use crate::market_walk::{Feed, Sink, walk_mold};
use crate::row::Row;

/// One line.
pub const ABOUT: &str = "decode and level books: OMD-C, Shenzhen, Shanghai against ITCH";

const SECURITIES: u32 = 50;
const MESSAGES: u64 = 2_000_000;
const TARGET: f64 = 1.3;

/// A day of ITCH as full MoldUDP64 packets.
struct ItchDay {
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl DaySink for ItchDay {
    type Error = std::convert::Infallible;

    fn message(&mut self, _: &[u8]) -> Result<(), Self::Error> {
        Ok(())
    }

    fn datagram(&mut self, line: usize, _: Nanos, payload: &[u8]) -> Result<(), Self::Error> {
        if line == 0 {
            self.bytes.extend_from_slice(payload);
            self.ends.push(self.bytes.len());
        }
        Ok(())
    }
}

fn itch_day() -> ItchDay {
    let publisher = PublisherConfig { slot_ns: 1_000_000_000, ..PublisherConfig::default() };
    let config = DayConfig {
        instruments: SECURITIES as usize,
        messages: MESSAGES,
        publisher,
        lines: Some(Faults::default()),
        ..DayConfig::default()
    };
    let mut day = ItchDay { bytes: Vec::new(), ends: Vec::new() };
    let Ok(_) = generate(&config, &mut day);
    day
}

fn itch_lap(day: &ItchDay) -> Lap {
    let config = FeedConfig { instruments: 64, ..FeedConfig::default() };
    let mut feed = ItchMold::new(config).expect("a valid default");
    let mut sink = Sink::new(&[]);
    lap(|| (walk_mold(&mut feed, &day.bytes, &day.ends, &mut sink), 1))
}

/// The proof is 1 where the books end as the exchange's own did, of which there is at least one.
fn market_lap(day: &MarketDay, followed: u32) -> Lap {
    let (mut feed, mut sink) = Feed::of(day, followed);
    let mut timed = lap(|| (feed.walk(&day.input, usize::MAX, &mut sink), 1));
    let right = !day.touches.is_empty()
        && day.touches.iter().all(|(symbol, touch)| sink.touch_of(*symbol) == *touch);
    timed.proof = u64::from(right);
    timed
}

/// Best bid and ask of a snapshot.
fn touch(snapshot: &Snapshot) -> Touch {
    let best = |side| {
        snapshot.side(side).first().map_or_else(Default::default, |level| (level.price, level.qty))
    };
    let ((bid_px, bid_qty), (ask_px, ask_qty)) = (best(Side::Buy), best(Side::Sell));
    Touch { bid_px, bid_qty, ask_px, ask_qty }
}

/// The real day of 600519, if the captures are there; its last snapshot says how its book ended.
fn real_day() -> Option<MarketDay> {
    let below = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/captures");
    let root = std::env::var_os("NOFX_CAPTURES").map_or(below, PathBuf::from);
    let path = root.join("a-share/sse-600519-20230207/AX_sbe_sse_600519.zip");
    let file = nofx_ticks::open(&[path], &nofx_ticks::TickOptions::default()).ok()?;
    let last = file.snapshots.last()?;
    let instrument = Instrument {
        symbol: last.symbol,
        limit_low: last.limit_low,
        limit_high: last.limit_high,
        ..Instrument::unknown(InstrumentId(0))
    };
    let touches = vec![(last.symbol, touch(last))];
    let (instruments, input) = (vec![instrument], Input::Ticks(file.ticks));
    Some(MarketDay { market: Market::Sse, instruments, input, touches })
}

/// Measures.
///
/// # Errors
/// A day cannot be made, or books end otherwise than the exchange's.
pub fn run(setup: &Setup) -> Measured {
    let itch = itch_day();
    let make = |market| MarketDay::make(market, SECURITIES, MESSAGES);
    let (hkex, szse, sse) = (make(Market::Hkex)?, make(Market::Szse)?, make(Market::Sse)?);
    let real = real_day();
    let mut contest = Contest::new()
        .enter("ITCH", || itch_lap(&itch))
        .enter("OMD-C", || market_lap(&hkex, 0))
        .enter("OMD-C, followed", || market_lap(&hkex, 16))
        .enter("Shenzhen", || market_lap(&szse, 0))
        .enter("Shanghai", || market_lap(&sse, 0));
    if let Some(real) = &real {
        contest = contest.enter("Shanghai 600519", || market_lap(real, 0));
    } else {
        println!("SKIPPED 600519 of 2023-02-07: no captures (set NOFX_CAPTURES)");
    }
    let results = contest.run(setup.rounds)?;
    if results.proof() != 1 {
        return Err("books end otherwise than the exchange's own".into());
    }
    let row = |name, what: &str, target| {
        let what = format!("{what}, {SECURITIES} securities");
        Row::versus("markets", what, "message", &results, [name, "ITCH"], target)
    };
    let mut rows = vec![
        row("OMD-C", "OMD-C full tick", Some(TARGET)),
        row("OMD-C, followed", "OMD-C full tick, positions of 16 securities checked", None),
        row("Shenzhen", "Shenzhen binary, Waiting, flat books", Some(TARGET)),
        row("Shanghai", "Shanghai ticks, flat books", Some(TARGET)),
    ];
    if real.is_some() {
        let what = "Shanghai 600519 of 2023-02-07, flat book of the slab".to_owned();
        let names = ["Shanghai 600519", "ITCH"];
        rows.push(Row::versus("markets", what, "message", &results, names, None));
    }
    Ok(rows)
}

#[cfg(test)]
mod tests {
    use super::*;
    use nofx_types::Qty;

    #[test]
    fn a_share_too_much_anywhere_is_no_proof() {
        let make = |market| MarketDay::make(market, 4, 20_000).expect("a day");
        let mut days: Vec<MarketDay> = Market::ALL.into_iter().map(make).collect();
        match real_day() {
            Some(real) => days.push(real),
            None => println!("SKIPPED 600519 of 2023-02-07: no captures (set NOFX_CAPTURES)"),
        }
        for mut day in days {
            assert_eq!(market_lap(&day, 0).proof, 1, "{}", day.market);
            for at in 0..day.touches.len() {
                let Qty(bid) = day.touches[at].1.bid_qty;
                day.touches[at].1.bid_qty = Qty(bid + 1);
                assert_eq!(market_lap(&day, 0).proof, 0, "{}", day.market);
                day.touches[at].1.bid_qty = Qty(bid);
            }
            day.touches.clear();
            assert_eq!(market_lap(&day, 0).proof, 0, "{}", day.market);
        }
    }
}
