//! The end of a replay: every count becomes the closing report, every file gets its final name.

use std::collections::BTreeMap;
use std::path::PathBuf;

use nofx_feed::FeedReport;
use nofx_gate::Rule;
use nofx_rt::mem::Pages;
use nofx_rt::usage::{peak_rss_bytes, process_cpu_ns};
use nofx_signal::Strategy;
use nofx_types::{InstrumentId, Price, Side, Symbol, Touch, UpdateKind};

use super::Outcome;
use super::drive::{Drive, Ended};
use super::market::Market;
use super::source::ItemFeed;
use crate::cli::FeedName;
use crate::failure::Failure;
use crate::gate::TradeGate;
use crate::hot_path::HotPath;
use crate::outputs::latency_summary;
use crate::record::label;
use crate::stamps::Stage;
use crate::summary::{
    BookSummary, GapEntry, GapSummary, InputSummary, LineSummary, MemorySummary, MessageSummary,
    OrderSummary, PositionSummary, ProfitSummary, Summary, ThroughputSummary,
};

const UPDATES: [(UpdateKind, &str); UpdateKind::COUNT] = [
    (UpdateKind::Accepted, "accepted"),
    (UpdateKind::RefusedByGate, "refused_by_gate"),
    (UpdateKind::Rejected, "rejected"),
    (UpdateKind::Filled, "filled"),
    (UpdateKind::Canceled, "canceled"),
    (UpdateKind::Replaced, "replaced"),
    (UpdateKind::ReplaceRejected, "replace_rejected"),
    (UpdateKind::CancelRejected, "cancel_rejected"),
    (UpdateKind::Broken, "broken"),
    (UpdateKind::Unreserved, "unreserved"),
];

/// Makes the report, publishes the files, and says whether all was in order.
pub fn outcome<S: Strategy, M: Market>(
    drive: Drive<'_, S, M>,
    feed: &impl ItemFeed,
    mut ended: Ended,
    feed_name: FeedName,
    files: &[PathBuf],
    line_b: Option<&PathBuf>,
) -> Result<Outcome, Failure> {
    let report = feed.report();
    let path = &drive.path;
    let positions = positions(path);
    let profit = ProfitSummary {
        realised_e4: positions.iter().fold(0, |sum, p| sum.saturating_add(p.realised_e4)),
        open_e4: positions.iter().fold(0, |sum, p| sum.saturating_add(p.open_e4)),
    };
    let gross = profit.realised_e4.saturating_add(profit.open_e4);
    let market = path.market.as_ref().map(|market| market.report(&path.instruments, gross));
    let summary = Summary {
        version: env!("CARGO_PKG_VERSION"),
        interrupted: ended.interrupted,
        input: input(&drive, &ended, feed_name, files, line_b),
        messages: messages(&report),
        lines: lines(&report),
        gaps: gaps(&report),
        books: books(&drive),
        orders: orders(&drive),
        rejects: rejects(path),
        profit,
        market,
        positions,
        throughput: throughput(&drive, &report, &ended),
        memory: memory(&drive, &report),
        stamps: mode_name(path.stamps.mode()).into(),
        latency_ns: latency(&drive),
        strategy: path.strategy.name(),
        gate: path.gate.report(),
        decisions: path.log.counts(),
        decision_hash: path.log.hex(),
    };
    let lost = path.recorder.lost();
    let verdict = verdict(&summary, &mut ended, lost, drive.twin.as_deref());
    let path = &drive.path;
    drive.outputs.finish(&summary, &path.stamps, &path.instruments, &drive.clock)?;
    Ok(Outcome { summary, verdict })
}

fn verdict(
    summary: &Summary,
    ended: &mut Ended,
    lost: u64,
    twin: Option<&super::twin::Twin>,
) -> Result<(), Failure> {
    if let Some(failure) = ended.broken.take() {
        return Err(failure);
    }
    let understood = summary.messages.total - summary.messages.unknown;
    let refused: u64 = summary.messages.malformed.values().sum();
    let unknown = summary.messages.unknown;
    if unknown > understood || (understood == 0 && refused > 0) {
        let feed = &summary.input.feed;
        return Err(Failure::input(format!(
            "the input is not of feed {feed}: {understood} messages were understood, {unknown} are of \
             unknown types, {refused} could not be read; see --feed"
        )));
    }
    if let Some(difference) = twin.and_then(super::twin::Twin::difference) {
        return Err(Failure::wrong(format!("twin: {difference}")));
    }
    if let Some(broken) = summary.books.broken.first() {
        return Err(Failure::wrong(format!("a book broke an invariant: {broken}")));
    }
    if lost > 0 {
        return Err(Failure::wrong(format!("{lost} rows found no room in the output buffers")));
    }
    if ended.interrupted { Err(Failure::interrupted()) } else { Ok(()) }
}

fn input<S: Strategy, M: Market>(
    drive: &Drive<'_, S, M>,
    ended: &Ended,
    feed: FeedName,
    files: &[PathBuf],
    line_b: Option<&PathBuf>,
) -> InputSummary {
    InputSummary {
        files: files.iter().chain(line_b).map(|f| f.display().to_string()).collect(),
        container: drive.reader.content().to_string().to_lowercase(),
        feed: feed.name().into(),
        packets: drive.reader.items(),
        frames_dropped: drive.reader.dropped().collect(),
        warnings: warnings(drive, ended),
        first_ns: ended.first.0,
        last_ns: ended.last.0,
    }
}

fn warnings<S: Strategy, M: Market>(drive: &Drive<'_, S, M>, ended: &Ended) -> Vec<String> {
    let mut warnings = drive.reader.warnings();
    warnings.extend(drive.places.lines());
    if ended.disbelieved > 0 {
        warnings.push(format!(
            "{} capture times were more than a day from their neighbours and were not believed",
            ended.disbelieved
        ));
    }
    warnings
}

fn messages(report: &FeedReport) -> MessageSummary {
    MessageSummary {
        total: report.total,
        by_type: report.by_type.iter().filter(|(_, n)| *n > 0).cloned().collect(),
        unknown: report.unknown,
        malformed: report
            .malformed
            .iter()
            .filter(|(_, n)| *n > 0)
            .map(|(name, n)| ((*name).to_owned(), *n))
            .collect(),
    }
}

fn lines(report: &FeedReport) -> Vec<LineSummary> {
    let names = ["A", "B"];
    let rows = report.lines.iter().zip(names);
    rows.map(|(line, name)| LineSummary {
        name: name.into(),
        packets: line.packets,
        messages: line.messages,
        first: line.first,
        first_share: line.first as f64 / report.total.max(1) as f64,
        duplicate: line.duplicate,
        late: line.late,
        missing: line.missing,
        lead_mean_ns: line.lead_mean_ns,
        lead_max_ns: line.lead_max_ns,
    })
    .collect()
}

fn gaps(report: &FeedReport) -> GapSummary {
    let stream = &report.stream;
    let list = stream.gap_list.iter().map(|gap| GapEntry {
        from: gap.first,
        to: gap.first.saturating_add(gap.count),
        packet: gap.packet_no,
    });
    GapSummary {
        count: stream.gaps,
        missing: stream.missing,
        restarts: stream.restarts,
        sessions: stream.sessions,
        list: list.collect(),
    }
}

fn books<S: Strategy, M: Market>(drive: &Drive<'_, S, M>) -> BookSummary {
    let path = &drive.path;
    let ids = || (0..path.instruments.capacity()).map(InstrumentId);
    let named = |id| path.instruments.get(id).is_some_and(|i| i.symbol != Symbol::NONE);
    let broken = path.books.check_all();
    BookSummary {
        instruments: path.books.seen().into(),
        live_orders: path.books.live_orders(),
        counts: path.books.counts().iter().map(|(name, n)| (name.to_owned(), n)).collect(),
        checked: path.books.seen().into(),
        broken: broken.iter().map(ToString::to_string).collect(),
        crossed: path.counters.crossed,
        stale: ids().filter(|id| named(*id) && path.books.stale(*id).is_some()).count() as u64,
        twin_compared: drive.twin.as_ref().map_or(0, |twin| twin.compared()),
        touch_hash: format!("{:016x}", path.books.touch_hash()),
    }
}

fn orders<S: Strategy, M: Market>(drive: &Drive<'_, S, M>) -> OrderSummary {
    let path = &drive.path;
    let counters = &path.counters;
    let update = |kind: UpdateKind| counters.updates.get(kind as usize).copied().unwrap_or(0);
    let [bought, sold] = counters.filled;
    let extra = [("gate_busy", counters.gate_busy), ("session_down", counters.session_down)];
    let anomalies = path.orders.anomalies().chain(extra);
    let named = |counts: &mut dyn Iterator<Item = (&'static str, u64)>| {
        counts.filter(|(_, n)| *n > 0).map(|(name, n)| (name.to_owned(), n)).collect()
    };
    OrderSummary {
        intents: counters.intents,
        intents_dropped: path.intents_dropped(),
        sent: path.orders.sent(),
        updates: UPDATES.iter().map(|(kind, name)| (*name, update(*kind))).collect(),
        fills: update(UpdateKind::Filled),
        bought,
        sold,
        maker_share: counters.maker_qty as f64 / (bought + sold).max(1) as f64,
        open: path.orders.open_orders() as u64,
        anomalies: named(&mut { anomalies }),
        venue: named(&mut drive.market.counts()),
    }
}

fn rejects<S: Strategy>(path: &HotPath<S, TradeGate>) -> BTreeMap<&'static str, u64> {
    let count = |rule: Rule| path.counters.rejects.get(rule as usize).copied().unwrap_or(0);
    Rule::ALL.iter().map(|r| (r.name(), count(*r))).filter(|(_, n)| *n > 0).collect()
}

fn positions<S: Strategy>(path: &HotPath<S, TradeGate>) -> Vec<PositionSummary> {
    let rows = path.positions.rows().map(|row| {
        let touch = path.books.touch(row.instrument);
        let instrument = path.instruments.get(row.instrument).copied();
        PositionSummary {
            instrument: instrument.map_or_else(String::new, |i| label(&i)),
            position: row.position,
            realised_e4: row.realised_e4,
            open_e4: mid(&touch).map_or(0, |mid| row.open_e4(mid)),
        }
    });
    let mut rows: Vec<_> = rows.collect();
    rows.sort_by_key(|row| std::cmp::Reverse(row.position.unsigned_abs()));
    rows
}

/// The mid, rounded down to a price unit; of a one-sided book the side that is there.
fn mid(touch: &Touch) -> Option<Price> {
    match (touch.best(Side::Buy), touch.best(Side::Sell)) {
        (Some(bid), Some(ask)) => Some(Price(bid.0.saturating_add(ask.0).div_euclid(2))),
        (bid, ask) => bid.or(ask),
    }
}

fn throughput<S: Strategy, M: Market>(
    drive: &Drive<'_, S, M>,
    report: &FeedReport,
    ended: &Ended,
) -> ThroughputSummary {
    let (wall_s, cpu_s) = (ended.wall.as_secs_f64(), process_cpu_ns() as f64 / 1e9);
    let per = |n: u64, s: f64| if s > 0.0 { n as f64 / s } else { 0.0 };
    ThroughputSummary {
        wall_s,
        cpu_s,
        messages_per_cpu_s: per(report.total, cpu_s),
        messages_per_s: per(report.total, wall_s),
        packets_per_s: per(drive.reader.items(), wall_s),
        sealed_allocations: ended.sealed_allocations,
    }
}

fn memory<S: Strategy, M: Market>(drive: &Drive<'_, S, M>, report: &FeedReport) -> MemorySummary {
    let path = &drive.path;
    let mut holders = BTreeMap::new();
    let mut add = |part: &str, name: &str, bytes: u64| {
        *holders.entry(format!("{part}.{name}")).or_default() += bytes;
    };
    path.books.memory().for_each(|(name, bytes)| add("book", name, bytes));
    path.orders.memory().for_each(|(name, bytes)| add("order", name, bytes));
    drive.market.memory().for_each(|(name, bytes)| add("venue", name, bytes));
    add("feed", "park", report.memory_bytes);
    add("order", "positions", path.positions.bytes());
    add("app", "recorder", path.recorder.bytes());
    MemorySummary {
        planned_bytes: holders.values().sum(),
        holders,
        peak_rss_bytes: peak_rss_bytes(),
        pages: match path.books.pages() {
            Pages::Reserved => "reserved",
            Pages::Transparent => "transparent",
            Pages::Small => "small",
        }
        .into(),
    }
}

fn latency<S: Strategy, M: Market>(
    drive: &Drive<'_, S, M>,
) -> BTreeMap<&'static str, crate::summary::LatencySummary> {
    let stamped = Stage::ALL.iter().map(|stage| (stage, drive.path.stamps.histogram(*stage)));
    stamped
        .filter(|(_, histogram)| histogram.count() > 0)
        .map(|(stage, histogram)| (stage.name(), latency_summary(histogram, &drive.clock)))
        .collect()
}

const fn mode_name(mode: crate::stamps::StampMode) -> &'static str {
    match mode {
        crate::stamps::StampMode::All => "all",
        crate::stamps::StampMode::Total => "total",
        crate::stamps::StampMode::None => "none",
    }
}
