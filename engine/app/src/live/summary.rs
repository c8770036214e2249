//! The closing report of a live run.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use nofx_gate::Rule;
use nofx_risk::LimitGate;
use nofx_rt::clock::CycleClock;
use nofx_rt::guard;
use nofx_rt::hist::Histogram;
use nofx_rt::tile::TileStats;
use nofx_signal::Strategy;
use nofx_types::{InstrumentId, Ladder, Level, Side, UpdateKind};
use serde::Serialize;

use super::restart::Restored;
use super::split::ReceiveTile;
use super::tile::TradeTile;
use super::views::mid;
use crate::decision::DecisionCounts;
use crate::gate::GateReport;
use crate::market_desk::MarketReport;
use crate::outputs::latency_summary;
use crate::record::label;
use crate::stamps::Stage;
use crate::summary::{LatencySummary, PositionSummary};

/// What is reported when a run is over.
#[derive(Clone, Debug, Serialize)]
pub struct LiveSummary {
    /// Version of the engine.
    pub version: &'static str,
    /// Seconds from start to end.
    pub wall_s: f64,
    /// From the start of the process to books that were trusted, milliseconds.
    pub live_after_ms: Option<f64>,
    /// From the start of the process to a session and books that allowed orders, milliseconds.
    pub trading_after_ms: Option<f64>,
    /// Folder of the journal.
    pub journal: PathBuf,
    /// Records in it.
    pub journal_last: u64,
    /// Inputs taken.
    pub inputs: u64,
    /// What was brought back from former runs.
    pub restored: Restored,
    /// Tiles, with what they did.
    pub tiles: Vec<TileSummary>,
    /// Ports, with what they counted.
    pub ports: Vec<PortSummary>,
    /// Lines A and B.
    pub lines: Vec<LiveLine>,
    /// State of the channel at the end, and what recovery did.
    pub feed: FeedSummary,
    /// State of the order session at the end.
    pub session: String,
    /// Orders by what became of them.
    pub orders: BTreeMap<&'static str, u64>,
    /// Orders that are still open, by id: instrument, side, price, open quantity.
    pub open: Vec<OpenSummary>,
    /// Refusals by rule.
    pub rejects: BTreeMap<&'static str, u64>,
    /// Books of the traded instruments, ten levels a side.
    pub books: Vec<BookSummary>,
    /// Positions.
    pub positions: Vec<PositionSummary>,
    /// Rules of the exchange, where it has some: refusals, holdings, fees.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub market: Option<MarketReport>,
    /// What should not happen, by name.
    pub anomalies: BTreeMap<String, u64>,
    /// The card that judged, where one did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gate: Option<GateReport>,
    /// Latencies in nanoseconds.
    pub latency_ns: BTreeMap<&'static str, LatencySummary>,
    /// Allocations while sealed.
    pub sealed_allocations: u64,
    /// Records of the decision log.
    pub decisions: DecisionCounts,
    /// Hash of the decision log.
    pub decision_hash: String,
}

/// One port.
#[derive(Clone, Debug, Serialize)]
pub struct PortSummary {
    /// What it is.
    pub name: String,
    /// Packets handed out.
    pub packets: u64,
    /// Bytes handed out.
    pub bytes: u64,
    /// Errors of the system.
    pub errors: u64,
    /// Lost or not for us, by reason.
    pub drops: BTreeMap<&'static str, u64>,
    /// Bursts of 1, 2-3, 4-7, .. 64 packets.
    pub bursts: [u64; 7],
}

/// One tile.
#[derive(Clone, Debug, Serialize)]
pub struct TileSummary {
    /// `trade` or `receive`, by what it does.
    pub name: &'static str,
    /// Turns of its loop.
    pub turns: u64,
    /// Turns that took something.
    pub busy: u64,
    /// Turns that waited for room downstream.
    pub stalls: u64,
    /// Most items of one turn.
    pub high_water: u64,
    /// Commands taken.
    pub commands: u64,
    /// A turn in nanoseconds, waits left out.
    pub turn_ns: LatencySummary,
}

/// One line.
#[derive(Clone, Debug, Serialize)]
pub struct LiveLine {
    /// `A` or `B`.
    pub name: &'static str,
    /// Datagrams.
    pub packets: u64,
    /// Messages brought first.
    pub first: u64,
    /// Messages that the other line had brought.
    pub duplicate: u64,
    /// Messages that it never carried.
    pub missing: u64,
    /// Whether it was silent at the end.
    pub silent: bool,
}

/// What recovery did.
#[derive(Clone, Debug, Serialize)]
pub struct FeedSummary {
    /// State of the channel at the end.
    pub state: String,
    /// Sequence number of the next message.
    pub next_seq: u64,
    /// Messages delivered.
    pub delivered: u64,
    /// Holes that no line filled.
    pub holes: u64,
    /// Requests sent.
    pub requests: u64,
    /// Messages that they brought.
    pub recovered: u64,
    /// Snapshots begun and joined.
    pub snapshots: [u64; 2],
    /// Times the books were not trusted.
    pub stale_episodes: u64,
    /// From distrust to trust, nanoseconds: p50 and max.
    pub recover_ns: [u64; 2],
}

/// An order that is still open.
#[derive(Clone, Debug, Serialize)]
pub struct OpenSummary {
    /// Our id.
    pub id: u32,
    /// The instrument.
    pub instrument: u32,
    /// `buy` or `sell`.
    pub side: &'static str,
    /// Price, in 1/10,000.
    pub price: i64,
    /// Open quantity.
    pub leaves: u64,
}

/// A book at the end.
#[derive(Clone, Debug, Serialize)]
pub struct BookSummary {
    /// Symbol.
    pub instrument: String,
    /// Whether it may be wrong.
    pub stale: bool,
    /// Price in 1/10,000, quantity, orders; best first.
    pub bids: Vec<(i64, u64, u32)>,
    /// As the bids.
    pub asks: Vec<(i64, u64, u32)>,
    /// The order whose messages may still come: in no level yet.
    pub held: Option<HeldSummary>,
}

/// An order that waits for its messages.
#[derive(Clone, Debug, Serialize)]
pub struct HeldSummary {
    /// Its side.
    pub side: &'static str,
    /// Where it would rest, in 1/10,000; `null` for an order without a price that has not traded.
    pub price: Option<i64>,
    /// What it has left.
    pub qty: u64,
}

/// What a summary is made of.
pub struct Parts<'a, S, G> {
    /// The tile, ended.
    pub tile: &'a TradeTile<S, G>,
    /// Its counts.
    pub stats: &'a TileStats,
    /// The receive tile and its counts, where there was one.
    pub received: Option<(ReceiveTile, TileStats)>,
    /// What was restored.
    pub restored: Restored,
    /// When it began.
    pub begun: Instant,
    /// The journal.
    pub journal: PathBuf,
}

impl LiveSummary {
    /// Gathers everything.
    pub fn of<S: Strategy, G: LimitGate>(parts: Parts<'_, S, G>) -> LiveSummary {
        let Parts { tile, stats, received, restored, begun, journal } = parts;
        let (tiles, ports) = ends(tile, stats, received);
        let wall = begun.elapsed();
        let path = &tile.core.path;
        let positions = positions(tile);
        let gross = positions
            .iter()
            .fold(0i64, |sum, p| sum.saturating_add(p.realised_e4).saturating_add(p.open_e4));
        let market = path.market.as_ref().map(|market| market.report(&path.instruments, gross));
        LiveSummary {
            gate: None, // the one who holds the tile fills it in
            version: env!("CARGO_PKG_VERSION"),
            wall_s: wall.as_secs_f64(),
            live_after_ms: tile.live_at().map(|at| (at - begun).as_secs_f64() * 1e3),
            trading_after_ms: tile.trading_at().map(|at| (at - begun).as_secs_f64() * 1e3),
            journal,
            journal_last: tile.tape.journal_last(),
            inputs: tile.tape.counters.inputs,
            restored,
            tiles,
            ports,
            lines: lines(tile),
            feed: feed(tile),
            session: path.orders.session().to_string(),
            orders: orders(tile),
            open: path.orders.open().map(|order| open(&order)).collect(),
            rejects: rejects(tile),
            books: path.traded().ids().iter().map(|id| book(tile, *id)).collect(),
            positions,
            market,
            anomalies: anomalies(tile),
            latency_ns: latency(tile),
            sealed_allocations: guard::sealed_allocations(),
            decisions: path.log.counts(),
            decision_hash: path.log.hex(),
        }
    }

    /// As one JSON object.
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).unwrap_or_else(|e| format!("{{\"error\":\"{e}\"}}"))
    }
}

/// Tiles and ports, those of the receive tile first.
fn ends<S: Strategy, G: LimitGate>(
    tile: &TradeTile<S, G>,
    stats: &TileStats,
    received: Option<(ReceiveTile, TileStats)>,
) -> (Vec<TileSummary>, Vec<PortSummary>) {
    let (mut tiles, mut ports) = (Vec::new(), Vec::new());
    if let Some((mut receive, stats)) = received {
        ports.extend(receive.port_counts().iter().map(port));
        tiles.push(tile_summary("receive", &stats));
    }
    ports.extend(tile.port_counts().iter().map(port));
    tiles.push(tile_summary("trade", stats));
    (tiles, ports)
}

fn tile_summary(name: &'static str, stats: &TileStats) -> TileSummary {
    let clock = CycleClock::calibrate(Duration::from_millis(5));
    TileSummary {
        name,
        turns: stats.turns,
        busy: stats.busy_turns,
        stalls: stats.stalls,
        high_water: stats.high_water,
        commands: stats.commands,
        turn_ns: latency_summary(&stats.loop_time, &clock),
    }
}

fn port((description, counters): &(String, nofx_net::port::PortCounters)) -> PortSummary {
    PortSummary {
        name: description.clone(),
        packets: counters.rx_packets,
        bytes: counters.rx_bytes,
        errors: counters.errors,
        drops: counters.drops.iter().filter(|(_, n)| *n > 0).copied().collect(),
        bursts: counters.bursts,
    }
}

fn lines<S: Strategy, G: LimitGate>(tile: &TradeTile<S, G>) -> Vec<LiveLine> {
    let Some(sequencer) = tile.core.feed.sequencer() else { return Vec::new() };
    let names = ["A", "B"];
    let rows = (0..sequencer.lines()).zip(names);
    rows.map(|(line, name)| {
        let counts = sequencer.line(line);
        LiveLine {
            name,
            packets: counts.packets,
            first: counts.first,
            duplicate: counts.duplicate,
            missing: counts.missing,
            silent: tile.core.feed.line_alarm(line).silent,
        }
    })
    .collect()
}

fn feed<S: Strategy, G: LimitGate>(tile: &TradeTile<S, G>) -> FeedSummary {
    let feed = &tile.core.feed;
    let recovery = feed.recovery();
    FeedSummary {
        state: format!("{:?}", feed.state()).to_lowercase(),
        next_seq: feed.expected(),
        delivered: feed.messages(),
        holes: recovery.holes,
        requests: recovery.requests,
        recovered: recovery.recovered,
        snapshots: [recovery.snapshots, recovery.snapshots_joined],
        stale_episodes: recovery.stale_episodes,
        recover_ns: [recovery.recover_ns.quantile(0.5), recovery.recover_ns.max()],
    }
}

fn orders<S: Strategy, G: LimitGate>(tile: &TradeTile<S, G>) -> BTreeMap<&'static str, u64> {
    let path = &tile.core.path;
    let count = |kind: UpdateKind| path.counters.updates.get(kind as usize).copied().unwrap_or(0);
    let [bought, sold] = path.counters.filled;
    BTreeMap::from([
        ("intents", path.counters.intents),
        ("sent", path.orders.sent()),
        ("accepted", count(UpdateKind::Accepted)),
        ("rejected", count(UpdateKind::Rejected)),
        ("fills", count(UpdateKind::Filled)),
        ("canceled", count(UpdateKind::Canceled)),
        ("replaced", count(UpdateKind::Replaced)),
        ("bought", bought),
        ("sold", sold),
        ("open", path.orders.open_orders() as u64),
    ])
}

fn open(order: &nofx_order::OpenOrder) -> OpenSummary {
    OpenSummary {
        id: order.id.0,
        instrument: order.instrument.0,
        side: side_name(order.side),
        price: order.price.0,
        leaves: order.leaves.0,
    }
}

fn rejects<S: Strategy, G: LimitGate>(tile: &TradeTile<S, G>) -> BTreeMap<&'static str, u64> {
    let counts = &tile.core.path.counters.rejects;
    let count = |rule: Rule| counts.get(rule as usize).copied().unwrap_or(0);
    Rule::ALL.iter().map(|r| (r.name(), count(*r))).filter(|(_, n)| *n > 0).collect()
}

fn book<S: Strategy, G: LimitGate>(tile: &TradeTile<S, G>, id: InstrumentId) -> BookSummary {
    let path = &tile.core.path;
    let book = path.books.book(id);
    let side = |side| {
        let mut levels = [Level::default(); 10];
        let count = book.levels(side, &mut levels);
        levels.iter().take(count).map(|l| (l.price.0, l.qty.0, l.orders)).collect()
    };
    BookSummary {
        instrument: path.instruments.get(id).map_or_else(String::new, label),
        stale: path.books.stale(id).is_some(),
        bids: side(Side::Buy),
        asks: side(Side::Sell),
        held: tile.core.feed.held(id).map(|held| HeldSummary {
            side: side_name(held.side),
            price: held.price.map(|price| price.0),
            qty: held.qty.0,
        }),
    }
}

fn side_name(side: Side) -> &'static str {
    match side {
        Side::Buy => "buy",
        Side::Sell => "sell",
    }
}

fn positions<S: Strategy, G: LimitGate>(tile: &TradeTile<S, G>) -> Vec<PositionSummary> {
    let path = &tile.core.path;
    let rows = path.positions.rows().map(|row| {
        let instrument = path.instruments.get(row.instrument).copied();
        PositionSummary {
            instrument: instrument.map_or_else(String::new, |i| label(&i)),
            position: row.position,
            realised_e4: row.realised_e4,
            open_e4: mid(&path.books.touch(row.instrument)).map_or(0, |mid| row.open_e4(mid)),
        }
    });
    rows.collect()
}

fn anomalies<S: Strategy, G: LimitGate>(tile: &TradeTile<S, G>) -> BTreeMap<String, u64> {
    let (tape, path) = (&tile.tape.counters, &tile.core.path);
    let ours = [
        ("journal_lost", tape.lost),
        ("unjournaled_cancels", tape.unjournaled),
        ("withheld_orders", tape.withheld),
        ("unsent_messages", tape.unsent),
        ("unsent_requests", tape.requests_unsent),
        ("kills_seen_between_inputs", tape.kills_seen),
        ("foreign_packets", tile.foreign),
        ("intents_dropped", path.intents_dropped()),
        ("gate_busy", path.counters.gate_busy),
        ("crossed_books", path.counters.crossed),
    ];
    let all = path.orders.anomalies().chain(ours);
    all.filter(|(_, n)| *n > 0).map(|(name, n)| (name.to_owned(), n)).collect()
}

fn latency<S: Strategy, G: LimitGate>(
    tile: &TradeTile<S, G>,
) -> BTreeMap<&'static str, LatencySummary> {
    let clock = CycleClock::calibrate(Duration::from_millis(10));
    let plain = CycleClock::from_rate(1.0);
    let stamps = &tile.core.path.stamps;
    let stages = Stage::ALL.iter().map(|s| (s.name(), stamps.histogram(*s), &clock));
    let rest: [(&'static str, &Histogram, &CycleClock); 2] = [
        ("hook_to_tile", &tile.hook, &plain),
        ("recover", &tile.core.feed.recovery().recover_ns, &plain),
    ];
    let all = stages.chain(rest).filter(|(_, histogram, _)| histogram.count() > 0);
    all.map(|(name, histogram, clock)| (name, latency_summary(histogram, clock))).collect()
}

impl fmt::Display for LiveSummary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "nofx {}: live for {:.1} s", self.version, self.wall_s)?;
        writeln!(
            f,
            "journal        {}, records up to {}",
            self.journal.display(),
            self.journal_last
        )?;
        writeln!(f, "restored       {}", self.restored)?;
        if let Some(ms) = self.trading_after_ms {
            writeln!(f, "trading        {ms:.1} ms after the start of the process")?;
        }
        for tile in &self.tiles {
            let TileSummary { name, turns, busy, high_water, turn_ns, .. } = tile;
            writeln!(
                f,
                "tile {name:<10}{turns} turns, {busy} busy, at most {high_water} items; turn p50 {} \
                 p99 {} p99.9 {} max {} ns",
                turn_ns.p50, turn_ns.p99, turn_ns.p999, turn_ns.max
            )?;
        }
        for port in &self.ports {
            let drops: u64 = port.drops.values().sum();
            writeln!(f, "port           {}: {} packets, {drops} dropped", port.name, port.packets)?;
            for (reason, n) in &port.drops {
                writeln!(f, "                 {reason} {n}")?;
            }
        }
        for line in &self.lines {
            let LiveLine { name, packets, first, missing, silent, .. } = line;
            let silent = if *silent { ", silent" } else { "" };
            writeln!(
                f,
                "line {name}         {packets} packets, {first} messages first, {missing} missing{silent}"
            )?;
        }
        let FeedSummary { state, delivered, holes, recovered, requests, snapshots, .. } =
            &self.feed;
        writeln!(
            f,
            "feed           {state}: {delivered} messages; {holes} holes, {recovered} messages by \
             {requests} requests; {} of {} snapshots joined",
            snapshots[1], snapshots[0]
        )?;
        writeln!(f, "session        {}", self.session)?;
        let orders: Vec<String> =
            self.orders.iter().map(|(name, n)| format!("{name} {n}")).collect();
        writeln!(f, "orders         {}", orders.join(", "))?;
        for (rule, n) in &self.rejects {
            writeln!(f, "reject         {rule} {n}")?;
        }
        for row in &self.positions {
            let money = (row.realised_e4 + row.open_e4) as f64 / 1e4;
            writeln!(f, "position       {} {:+} ({money:+.2})", row.instrument, row.position)?;
        }
        if let Some(market) = &self.market {
            write!(f, "{market}")?;
        }
        for (name, n) in &self.anomalies {
            writeln!(f, "anomaly        {name} {n}")?;
        }
        for (name, l) in &self.latency_ns {
            writeln!(
                f,
                "latency        {name}: p50 {} p99 {} p99.9 {} max {} ns ({} samples)",
                l.p50, l.p99, l.p999, l.max, l.count
            )?;
        }
        writeln!(f, "allocations    {} while sealed", self.sealed_allocations)?;
        write!(f, "decisions      {} records, hash {}", self.decisions.total(), self.decision_hash)
    }
}
