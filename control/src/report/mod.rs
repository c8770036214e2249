//! What happened on a day, per engine: orders, fills, rejects by rule, profit, latencies, losses,
//! changes.
//!
//! Model: every ten seconds [`sample`] writes the engine's counters and profit into the store, per
//! day (UTC) and session (one start of the engine). Counters only grow within a session, so the
//! difference of the first and last sight counts exactly, also what happened while nobody looked; an
//! engine that died keeps its last counters in its mailbox. What was changed comes from the audit
//! log, as far as whoever asks may read it. [`Report`] adds the sessions of a day up; it says from when
//! to when it saw the engine.
//!
//! Worst case: one row of some kilobytes per engine and session of a day; a report reads a day's, and
//! [`PAGES`] pages of the audit log.

mod page;

use std::collections::BTreeMap;

use nofx_shot::{LatencyShot, PositionShot, Shot};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::app::App;
use crate::audit::{Audit, AuditError, Filter, Record, outcome};
use crate::store::{DaySession, StoreError};

pub use page::html;

/// Most changes of a report.
const CHANGES: usize = 1_000;
/// Pages of the audit log that are looked at for them, each bounded by itself.
const PAGES: usize = 4;
const DAY_NS: u64 = 86_400_000_000_000;

/// Writes what an engine shows now into its day; whether there was anything to write.
///
/// # Errors
/// The store fails.
pub async fn sample(app: &App, engine: &str) -> Result<bool, StoreError> {
    let Ok(shot) = app.engines.shot(engine) else { return Ok(false) };
    let session_ns = shot.engine.started_ns;
    let day = day_of(shot.at_ns);
    let earlier = app.store.session(engine, session_ns, &day).await?;
    let today = earlier.as_ref().filter(|(on, _)| *on == day).map(|(_, session)| session);
    if today.is_none() && !shot.engine.alive {
        return Ok(false); // it did nothing today
    }
    let session = match today {
        Some(session) => session.clone(),
        None => begin(&shot, &day, earlier.map(|(_, before)| before)),
    };
    app.store.put_day(engine, &day, update(session, &shot)).await.map(|()| true)
}

/// A session's first sight on a day: where the day before left it, or its own beginning.
fn begin(shot: &Shot, day: &str, before: Option<DaySession>) -> DaySession {
    let session_ns = shot.engine.started_ns;
    let (first, realised) = match before {
        Some(before) => (before.last, before.realised_e4.1),
        None if day_of(session_ns) == day => (BTreeMap::new(), 0),
        None => (shot.counters.clone(), shot.positions.realised_e4),
    };
    DaySession {
        session_ns,
        seen_ns: (shot.at_ns, shot.at_ns),
        first,
        realised_e4: (realised, realised),
        ..DaySession::default()
    }
}

fn update(mut session: DaySession, shot: &Shot) -> DaySession {
    if shot.engine.alive {
        session.seen_ns.1 = shot.at_ns;
    }
    session.last = shot.counters.clone();
    session.realised_e4.1 = shot.positions.realised_e4;
    session.open_e4 = shot.positions.open_e4;
    session.latency_ns = shot.latency_ns.clone();
    session.positions = shot.positions.rows.clone();
    session.silent = match shot.engine.alive {
        true => String::new(),
        false => format!("{}, it did not beat", shot.engine.state),
    };
    session
}

/// A report.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Report {
    /// The engine.
    pub engine: String,
    /// `YYYY-MM-DD`, UTC.
    pub day: String,
    /// Sessions of the engine on the day: starts, and from when to when each was seen.
    pub sessions: Vec<Session>,
    /// Orders: sent, accepted, rejected by the venue, refused before they left, filled, canceled, ...
    pub orders: BTreeMap<String, u64>,
    /// Intents refused, by rule.
    pub rejects: BTreeMap<String, u64>,
    /// Profit realised on the day, 1/10,000 of the currency.
    pub realised_e4: i64,
    /// Profit of positions open at the last sight, at the mid, 1/10,000 of the currency.
    pub open_e4: i64,
    /// Positions at the last sight.
    pub positions: Vec<PositionShot>,
    /// Latencies of the day's last session since it began, nanoseconds.
    pub latency_ns: Vec<LatencyShot>,
    /// What was lost, late or cut: records, packets, holes; all 0 on a good day.
    pub losses: BTreeMap<String, u64>,
    /// What was changed, from the audit log, oldest first; the newest 1000.
    pub changes: Vec<Changed>,
    /// Whose changes these are: `everybody`'s, or the caller's `own` where they may not read the whole
    /// audit log, or `nobody`'s where they may not read any of it.
    pub changes_of: String,
    /// Whether there may be more changes than these.
    pub changes_more: bool,
}

/// One session.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Session {
    /// When the engine started.
    pub started_ns: u64,
    /// First and last time it was seen alive on the day.
    pub seen_ns: (u64, u64),
    /// Why it was silent at the last look; empty: it was not.
    pub silent: String,
}

/// One entry of the audit log.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Changed {
    /// Its number there.
    pub seq: u64,
    /// When.
    pub when_ns: u64,
    /// Who.
    pub who: String,
    /// What was done.
    pub action: String,
    /// To what.
    pub object: String,
    /// Why.
    pub reason: String,
    /// What came of it.
    pub result: String,
}

/// Counters that are 0 on a good day.
const LOSSES: [&str; 11] = [
    "journal.lost",
    "allocations",
    "orders.unsent",
    "orders.withheld",
    "packets.foreign",
    "feed.holes",
    "feed.stale_episodes",
    "feed.buffer_full",
    "books.crossed",
    "session.never_arrived",
    "control.refused",
];

impl Report {
    /// Of a day's sessions, in order.
    pub fn of(engine: &str, day: &str, sessions: &[DaySession]) -> Report {
        let mut report = Report { engine: engine.into(), day: day.into(), ..Report::default() };
        report.losses = LOSSES.iter().map(|name| ((*name).to_owned(), 0)).collect();
        sessions.iter().for_each(|session| report.add(session));
        report
    }

    fn add(&mut self, session: &DaySession) {
        for (name, last) in &session.last {
            let first = session.first.get(name).copied().unwrap_or(0);
            let grown = last.saturating_sub(first);
            if let Some(rule) = name.strip_prefix("reject.") {
                *self.rejects.entry(rule.to_owned()).or_default() += grown;
            } else if let Some(lost) = self.losses.get_mut(name) {
                *lost = lost.saturating_add(grown);
            } else if let Some(what) = name.strip_prefix("orders.") {
                // Open orders are a level, not a count.
                let sum = self.orders.entry(what.to_owned()).or_default();
                *sum = if what == "open" { *last } else { sum.saturating_add(grown) };
            }
        }
        let (before, after) = session.realised_e4;
        self.realised_e4 = self.realised_e4.saturating_add(after.saturating_sub(before));
        self.open_e4 = session.open_e4;
        self.positions = session.positions.clone();
        self.latency_ns = session.latency_ns.clone();
        self.sessions.push(Session {
            started_ns: session.session_ns,
            seen_ns: session.seen_ns,
            silent: session.silent.clone(),
        });
        self.rejects.retain(|_, n| *n > 0);
    }
}

/// What was changed on an engine in a span of time, by everybody or by one person, from the audit log;
/// and whether there may be more. Reads the disk.
///
/// # Errors
/// The log cannot be read.
pub fn changes(
    audit: &Audit,
    engine: &str,
    user: Option<String>,
    (from, to): (u64, u64),
) -> Result<(Vec<Changed>, bool), AuditError> {
    let Some((first, last)) = audit.between(from, to)? else { return Ok((Vec::new(), false)) };
    let prefix = format!("engine/{engine}");
    let of_it = |object: &str| {
        object.strip_prefix(&*prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    let (kind, limit, mut below) = (Some("engine".to_owned()), CHANGES, Some(last + 1));
    let filter = Filter { user, kind, from: Some(from), to: Some(to), limit, ..Filter::default() };
    let mut found = Vec::new();
    for _ in 0..PAGES {
        let page = audit.query(&Filter { below, ..filter.clone() })?;
        // The intent stands beside its result.
        let wanted = page.items.into_iter().filter(|entry| of_it(&entry.object));
        found.extend(wanted.filter(|entry| entry.result != outcome::INTENT).map(changed));
        below = page.next.filter(|below| *below > first);
        if below.is_none() || found.len() >= CHANGES {
            break;
        }
    }
    let more = below.is_some() || found.len() > CHANGES;
    found.truncate(CHANGES);
    found.reverse();
    Ok((found, more))
}

fn changed(entry: Record) -> Changed {
    let Record { seq, when_ns, who, action, object, reason, result, .. } = entry;
    Changed { seq, when_ns, who, action, object, reason, result }
}

/// The day of a time: `YYYY-MM-DD`, UTC.
pub fn day_of(ns: u64) -> String {
    let (year, month, day) = date(ns / DAY_NS);
    format!("{year:04}-{month:02}-{day:02}")
}

/// From when to when a day lasts; `None`: not a day.
pub fn span_of(day: &str) -> Option<(u64, u64)> {
    let mut parts = day.split('-').map(|part| part.parse::<u64>().ok());
    let year = parts.next()??;
    if !(1970..=2500).contains(&year) {
        return None;
    }
    // The day of the year is found by walking: at most 366 steps.
    let first = (1970..year).map(|year| 365 + u64::from(is_leap(year))).sum::<u64>();
    let found = (first..first + 366).find(|at| day_of(at * DAY_NS) == day)?;
    Some((found * DAY_NS, (found + 1) * DAY_NS))
}

fn is_leap(year: u64) -> bool {
    year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
}

fn date(mut days: u64) -> (u64, u64, u64) {
    let mut year = 1970;
    while days >= 365 + u64::from(is_leap(year)) {
        days -= 365 + u64::from(is_leap(year));
        year += 1;
    }
    let february = 28 + u64::from(is_leap(year));
    let months = [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let mut month = 1;
    for length in months {
        if days < length {
            break;
        }
        days -= length;
        month += 1;
    }
    (year, month, days + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_those_of_the_calendar() {
        // `date -u -d @SECONDS +%F`
        let known = [
            (0, "1970-01-01"),
            (951_782_400, "2000-02-29"),
            (951_868_800, "2000-03-01"),
            (1_767_225_599, "2025-12-31"),
            (1_767_225_600, "2026-01-01"),
            (4_107_542_399, "2100-02-28"),
            (4_107_542_400, "2100-03-01"),
        ];
        for (seconds, day) in known {
            assert_eq!(day_of(seconds * 1_000_000_000), day);
            let (from, to) = span_of(day).expect("a day");
            assert!((from..to).contains(&(seconds * 1_000_000_000)), "{day}");
            assert_eq!(to - from, DAY_NS);
        }
        for wrong in ["", "2026", "2026-02-29", "2026-13-01", "2026-1-1", "1969-12-31", "x-01-01"] {
            assert_eq!(span_of(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_report_is_the_sum_of_what_the_counters_grew() {
        let counters = |sent: u64, lot: u64| -> BTreeMap<String, u64> {
            [("orders.sent", sent), ("orders.open", 3), ("reject.lot", lot), ("journal.lost", 1)]
                .map(|(name, n)| (name.to_owned(), n))
                .into()
        };
        let session = |first, last, realised_e4| DaySession {
            first,
            last,
            realised_e4,
            ..DaySession::default()
        };
        let sessions = [
            session(counters(10, 5), counters(25, 5), (100, 40)),
            session(BTreeMap::new(), counters(7, 2), (0, 11)),
        ];
        let report = Report::of("a", "2026-01-15", &sessions);
        assert_eq!(report.orders["sent"], 22);
        assert_eq!(report.orders["open"], 3);
        assert_eq!(report.rejects, [("lot".to_owned(), 2)].into());
        assert_eq!(report.losses["journal.lost"], 1);
        assert_eq!(report.realised_e4, -49);
        let page = html(&Report { engine: "<b>".into(), ..report });
        assert!(page.contains("&lt;b&gt;") && !page.contains("<b>"));
        assert!(page.contains("-0.0049"), "{page}");
    }
}
