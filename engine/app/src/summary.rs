//! The closing report of a run: one value that is printed as a table and as JSON.
//!
//! `docs/json.md` fixes the keys: this file and that page change together.

use std::collections::BTreeMap;
use std::fmt::{self, Write as _};

use serde::Serialize;

use crate::decision::DecisionCounts;
use crate::gate::GateReport;
use crate::market_desk::MarketReport;

/// Everything a replay ends with.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Summary {
    /// Version of the engine.
    pub version: &'static str,
    /// Whether the run was interrupted and this is a partial report.
    pub interrupted: bool,
    /// What was read.
    pub input: InputSummary,
    /// Feed messages.
    pub messages: MessageSummary,
    /// Lines, in order A, B.
    pub lines: Vec<LineSummary>,
    /// Sequence gaps.
    pub gaps: GapSummary,
    /// Books.
    pub books: BookSummary,
    /// Orders and fills.
    pub orders: OrderSummary,
    /// Refused intents by rule.
    pub rejects: BTreeMap<&'static str, u64>,
    /// Positions that are open or were traded.
    pub positions: Vec<PositionSummary>,
    /// Profit over all instruments, in 1/10,000 of the currency.
    pub profit: ProfitSummary,
    /// Rules of the exchange, where it has some: refusals, holdings, fees.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub market: Option<MarketReport>,
    /// Speed.
    pub throughput: ThroughputSummary,
    /// Memory.
    pub memory: MemorySummary,
    /// Which stamps were taken.
    pub stamps: String,
    /// Nanoseconds per stage.
    pub latency_ns: BTreeMap<&'static str, LatencySummary>,
    /// Strategy that traded.
    pub strategy: &'static str,
    /// The card that judged, where one did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gate: Option<GateReport>,
    /// Records that the decision hash covers.
    pub decisions: DecisionCounts,
    /// Hash of the decision log, hexadecimal.
    pub decision_hash: String,
}

/// What was read.
#[derive(Clone, Debug, Default, Serialize)]
pub struct InputSummary {
    /// Files, in order.
    pub files: Vec<String>,
    /// Container that was recognised.
    pub container: String,
    /// Feed that was recognised or given.
    pub feed: String,
    /// Packets or records read.
    pub packets: u64,
    /// Frames that carried no datagram of the feed, by reason.
    pub frames_dropped: BTreeMap<String, u64>,
    /// Cut files and the like, each naming file, packet and offset.
    pub warnings: Vec<String>,
    /// Engine time of the first packet, nanoseconds.
    pub first_ns: u64,
    /// Engine time of the last packet, nanoseconds.
    pub last_ns: u64,
}

/// Feed messages.
#[derive(Clone, Debug, Default, Serialize)]
pub struct MessageSummary {
    /// Messages delivered, each sequence number once.
    pub total: u64,
    /// By type, as the venue names it.
    pub by_type: BTreeMap<String, u64>,
    /// Types the protocol does not have, skipped by length.
    pub unknown: u64,
    /// Packets and messages that could not be read, by reason.
    pub malformed: BTreeMap<String, u64>,
}

/// One line.
#[derive(Clone, Debug, Default, Serialize)]
pub struct LineSummary {
    /// A or B.
    pub name: String,
    /// Packets on this line.
    pub packets: u64,
    /// Messages it carried.
    pub messages: u64,
    /// Messages it brought first.
    pub first: u64,
    /// Share of all messages that it brought first.
    pub first_share: f64,
    /// Copies that came after the other line's.
    pub duplicate: u64,
    /// Messages that came after their gap was given up.
    pub late: u64,
    /// Messages it never carried.
    pub missing: u64,
    /// Mean lead over the other line where it was first, nanoseconds.
    pub lead_mean_ns: u64,
    /// Largest lead, nanoseconds.
    pub lead_max_ns: u64,
}

/// Sequence gaps that no line filled.
#[derive(Clone, Debug, Default, Serialize)]
pub struct GapSummary {
    /// Gaps.
    pub count: u64,
    /// Messages lost in them.
    pub missing: u64,
    /// Sequence restarts under one session.
    pub restarts: u64,
    /// Session changes.
    pub sessions: u64,
    /// The first gaps: first sequence, one past the last, packet number.
    pub list: Vec<GapEntry>,
}

/// One gap.
#[derive(Clone, Debug, Default, Serialize)]
pub struct GapEntry {
    /// First sequence number lost.
    pub from: u64,
    /// One past the last sequence number lost.
    pub to: u64,
    /// Packet at which it was given up.
    pub packet: u64,
}

/// Books.
#[derive(Clone, Debug, Default, Serialize)]
pub struct BookSummary {
    /// Instruments that had an event.
    pub instruments: u64,
    /// Orders resting at the end.
    pub live_orders: u64,
    /// Events and anomalies, by name.
    pub counts: BTreeMap<String, u64>,
    /// Books whose invariants were checked at the end.
    pub checked: u64,
    /// Books that broke one.
    pub broken: Vec<String>,
    /// Event ends at which a book in continuous trading was crossed.
    pub crossed: u64,
    /// Books not to be trusted at the end.
    pub stale: u64,
    /// Events compared with the naive twin, 0 without --twin.
    pub twin_compared: u64,
    /// Hash over all touches, hexadecimal.
    pub touch_hash: String,
}

/// Orders and fills.
#[derive(Clone, Debug, Default, Serialize)]
pub struct OrderSummary {
    /// Intents of the strategy.
    pub intents: u64,
    /// Intents that found no room in their queue.
    pub intents_dropped: u64,
    /// Messages sent.
    pub sent: u64,
    /// News by kind.
    pub updates: BTreeMap<&'static str, u64>,
    /// Fills.
    pub fills: u64,
    /// Quantity bought.
    pub bought: u64,
    /// Quantity sold.
    pub sold: u64,
    /// Share of filled quantity that rested.
    pub maker_share: f64,
    /// Orders still open.
    pub open: u64,
    /// Anomalies of the order session, by name.
    pub anomalies: BTreeMap<String, u64>,
    /// What the simulated venue did, by name.
    pub venue: BTreeMap<String, u64>,
}

/// One position.
#[derive(Clone, Debug, Default, Serialize)]
pub struct PositionSummary {
    /// Symbol.
    pub instrument: String,
    /// Signed shares.
    pub position: i64,
    /// Realised profit, 1/10,000 of the currency.
    pub realised_e4: i64,
    /// Open profit at the mid, 1/10,000 of the currency.
    pub open_e4: i64,
}

/// Profit in 1/10,000 of the currency.
#[derive(Clone, Debug, Default, Serialize)]
pub struct ProfitSummary {
    /// Realised.
    pub realised_e4: i64,
    /// Open, at the mid of the last touch.
    pub open_e4: i64,
}

/// Speed.
#[derive(Clone, Debug, Default, Serialize)]
pub struct ThroughputSummary {
    /// Wall time of the loop, seconds.
    pub wall_s: f64,
    /// CPU time of the process from its start, seconds.
    pub cpu_s: f64,
    /// Messages per second of process CPU time, start-up included.
    pub messages_per_cpu_s: f64,
    /// Messages per second of the loop's wall time.
    pub messages_per_s: f64,
    /// Packets per second of the loop's wall time.
    pub packets_per_s: f64,
    /// Allocations inside the sealed loop; null where the guard is not installed.
    pub sealed_allocations: Option<u64>,
}

/// Memory.
#[derive(Clone, Debug, Default, Serialize)]
pub struct MemorySummary {
    /// Bytes by holder, fixed at start.
    pub holders: BTreeMap<String, u64>,
    /// Sum of the holders.
    pub planned_bytes: u64,
    /// Largest resident size of the process.
    pub peak_rss_bytes: u64,
    /// Pages behind the books.
    pub pages: String,
}

/// Percentiles of one stage.
#[derive(Clone, Debug, Default, Serialize)]
#[allow(missing_docs)]
pub struct LatencySummary {
    pub count: u64,
    pub min: u64,
    pub p50: u64,
    pub p90: u64,
    pub p99: u64,
    pub p999: u64,
    pub p9999: u64,
    pub max: u64,
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.interrupted {
            writeln!(f, "INTERRUPTED: this report covers what was read until then")?;
        }
        self.fmt_input(f)?;
        self.fmt_lines(f)?;
        self.fmt_books(f)?;
        self.fmt_orders(f)?;
        if let Some(market) = &self.market {
            write!(f, "{market}")?;
        }
        self.fmt_latency(f)?;
        self.fmt_speed(f)?;
        writeln!(
            f,
            "decisions   {} records ({} intents, {} verdicts, {} sent, {} received)",
            thousands(self.decisions.total()),
            thousands(self.decisions.intents),
            thousands(self.decisions.verdicts),
            thousands(self.decisions.sent),
            thousands(self.decisions.received)
        )?;
        writeln!(f, "hash        {}", self.decision_hash)
    }
}

impl Summary {
    /// The one JSON object of `--json` and `run.json`.
    pub fn to_json(&self) -> String {
        serde_json::to_string_pretty(self).unwrap_or_else(|e| format!("{{\"error\":\"{e}\"}}"))
    }

    fn fmt_input(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (input, messages) = (&self.input, &self.messages);
        writeln!(
            f,
            "input       {} ({}, {})",
            input.files.join(" + "),
            input.container,
            input.feed
        )?;
        writeln!(
            f,
            "packets     {}{}",
            thousands(input.packets),
            tail(input.frames_dropped.iter().map(|(k, v)| (k.as_str(), *v)))
        )?;
        writeln!(f, "messages    {}", thousands(messages.total))?;
        let by_type = messages.by_type.iter().map(|(name, n)| format!("{name} {}", thousands(*n)));
        for row in by_type.collect::<Vec<_>>().chunks(8) {
            writeln!(f, "            {}", row.join("  "))?;
        }
        if messages.unknown > 0 {
            writeln!(
                f,
                "unknown     {} messages of types the protocol does not have",
                messages.unknown
            )?;
        }
        rows(f, "malformed", messages.malformed.iter().map(|(name, n)| (name.as_str(), *n)))?;
        input.warnings.iter().try_for_each(|warning| writeln!(f, "warning     {warning}"))
    }

    fn fmt_lines(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for line in &self.lines {
            writeln!(
                f,
                "line {}      {} packets, first {:.1} %, duplicate {}, late {}, missing {}, lead mean {} ns max {} ns",
                line.name,
                thousands(line.packets),
                100.0 * line.first_share,
                thousands(line.duplicate),
                thousands(line.late),
                thousands(line.missing),
                thousands(line.lead_mean_ns),
                thousands(line.lead_max_ns)
            )?;
        }
        let gaps = &self.gaps;
        writeln!(
            f,
            "gaps        {} ({} messages lost), restarts {}, sessions {}",
            gaps.count,
            thousands(gaps.missing),
            gaps.restarts,
            gaps.sessions
        )?;
        for gap in gaps.list.iter().take(5) {
            writeln!(f, "            {}..{} given up at packet {}", gap.from, gap.to, gap.packet)?;
        }
        Ok(())
    }

    fn fmt_books(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let books = &self.books;
        writeln!(
            f,
            "books       {} instruments, {} live orders, {} checked, {} broken, {} crossed, {} stale",
            thousands(books.instruments),
            thousands(books.live_orders),
            thousands(books.checked),
            books.broken.len(),
            thousands(books.crossed),
            thousands(books.stale)
        )?;
        rows(f, "", books.counts.iter().map(|(name, n)| (name.as_str(), *n)))?;
        if books.twin_compared > 0 {
            let n = thousands(books.twin_compared);
            writeln!(f, "twin        {n} events compared, all equal")?;
        }
        Ok(())
    }

    fn fmt_orders(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let orders = &self.orders;
        if orders.intents == 0 {
            let (stale, strategy) = (self.books.stale, self.strategy);
            return match stale {
                0 => writeln!(f, "orders      none (strategy {strategy})"),
                _ => writeln!(
                    f,
                    "orders      none (strategy {strategy}; no order passes on a book that missed messages)"
                ),
            };
        }
        let updates = orders.updates.iter().map(|(k, v)| (*k, *v));
        writeln!(
            f,
            "orders      {} intents of {}, {} sent{}",
            thousands(orders.intents),
            self.strategy,
            thousands(orders.sent),
            tail(updates)
        )?;
        writeln!(
            f,
            "fills       {} (bought {}, sold {}, {:.1} % as maker), {} orders open",
            thousands(orders.fills),
            thousands(orders.bought),
            thousands(orders.sold),
            100.0 * orders.maker_share,
            orders.open
        )?;
        if self.rejects.is_empty() {
            writeln!(f, "rejects     none")?;
        }
        rows(f, "rejects", self.rejects.iter().map(|(name, n)| (*name, *n)))?;
        rows(f, "session", orders.anomalies.iter().map(|(name, n)| (name.as_str(), *n)))?;
        for position in self.positions.iter().take(8) {
            writeln!(
                f,
                "position    {:8} {:>9} shares, realised {}, open {}",
                position.instrument,
                thousands_signed(position.position),
                money(position.realised_e4),
                money(position.open_e4)
            )?;
        }
        if let Some(more) = self.positions.len().checked_sub(8).filter(|n| *n > 0) {
            writeln!(f, "            and {more} more")?;
        }
        let profit = &self.profit;
        let total = profit.realised_e4.saturating_add(profit.open_e4);
        writeln!(
            f,
            "profit      {} (realised {}, open {})",
            money(total),
            money(profit.realised_e4),
            money(profit.open_e4)
        )
    }

    fn fmt_latency(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.latency_ns.is_empty() {
            return Ok(());
        }
        writeln!(
            f,
            "{:<10}{:>13}{:>8}{:>8}{:>8}{:>8}{:>9}{:>10}{:>12}",
            "stage ns", "count", "min", "p50", "p90", "p99", "p99.9", "p99.99", "max"
        )?;
        for stage in crate::stamps::Stage::ALL {
            let Some(row) = self.latency_ns.get(stage.name()) else { continue };
            writeln!(
                f,
                "{:<10}{:>13}{:>8}{:>8}{:>8}{:>8}{:>9}{:>10}{:>12}",
                stage.name(),
                thousands(row.count),
                row.min,
                row.p50,
                row.p90,
                row.p99,
                row.p999,
                row.p9999,
                thousands(row.max)
            )?;
        }
        Ok(())
    }

    fn fmt_speed(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let speed = &self.throughput;
        writeln!(
            f,
            "speed       {} messages/s of CPU time ({:.2} s CPU with start-up, {:.2} s wall, stamps {})",
            thousands(speed.messages_per_cpu_s as u64),
            speed.cpu_s,
            speed.wall_s,
            self.stamps
        )?;
        let mib = |bytes: u64| bytes >> 20;
        writeln!(
            f,
            "memory      {} MiB planned on {} pages, {} MiB resident at most{}",
            mib(self.memory.planned_bytes),
            self.memory.pages,
            mib(self.memory.peak_rss_bytes),
            match speed.sealed_allocations {
                Some(n) => format!(", {n} allocations in the sealed loop"),
                None => String::new(),
            }
        )
    }
}

/// ", name n" for every count above zero.
fn tail<'a>(counts: impl Iterator<Item = (&'a str, u64)>) -> String {
    counts.filter(|(_, n)| *n > 0).fold(String::new(), |mut text, (name, n)| {
        let _ = write!(text, "{} {name} {}", if text.is_empty() { ":" } else { "," }, thousands(n));
        text
    })
}

/// Every count above zero as "name n", six a row, behind a label.
fn rows<'a>(
    f: &mut fmt::Formatter<'_>,
    label: &str,
    counts: impl Iterator<Item = (&'a str, u64)>,
) -> fmt::Result {
    let counts = counts.filter(|(_, n)| *n > 0);
    let texts: Vec<_> = counts.map(|(name, n)| format!("{name} {}", thousands(n))).collect();
    for (i, row) in texts.chunks(6).enumerate() {
        writeln!(f, "{:<12}{}", if i == 0 { label } else { "" }, row.join("  "))?;
    }
    Ok(())
}

/// Digits in groups of three.
pub fn thousands(n: u64) -> String {
    let digits = n.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

fn thousands_signed(n: i64) -> String {
    format!("{}{}", if n < 0 { "-" } else { "" }, thousands(n.unsigned_abs()))
}

/// Money of 1/10,000 as text with two decimals, halves rounded away from zero.
pub fn money(e4: i64) -> String {
    let cents = e4.unsigned_abs().saturating_add(50) / 100;
    let sign = if e4 < 0 && cents > 0 { "-" } else { "" };
    format!("{sign}{}.{:02}", thousands(cents / 100), cents % 100)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_readable() {
        assert_eq!([0, 999, 1_000, 1_234_567].map(thousands), ["0", "999", "1,000", "1,234,567"]);
        assert_eq!([-15_000, 12_345_650, -49].map(money), ["-1.50", "1,234.57", "0.00"]);
    }

    #[test]
    fn an_empty_run_prints_and_serialises() {
        let summary = Summary::default();
        assert!(summary.to_string().contains("messages    0"));
        let json = serde_json::to_value(&summary).expect("serialises");
        assert_eq!(json["messages"]["total"], 0);
        assert!(json["decision_hash"].is_string());
    }
}
