//! What control saw of each engine on each day (UTC): the ground of reports.
//!
//! Model: the engine's counters only grow within a session (one start of the engine), so the first
//! and the last sight of a session on a day tell exactly what happened between them, however few
//! looks there were; what an event stream would lose, a difference of counters keeps. What happened
//! while control was down is in the difference as well; before its first sight of the day it is in
//! there when the session began on that day.
//!
//! Worst case: [`DAYS`] days of each engine.

use std::collections::BTreeMap;

use nofx_shot::{LatencyShot, PositionShot};
use rusqlite::{OptionalExtension, params};
use serde::{Deserialize, Serialize};

use super::{Store, StoreError, json, text};

/// Days kept of each engine.
const DAYS: u32 = 400;

/// One session of an engine on one day.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct DaySession {
    /// When the engine started: names the session.
    pub session_ns: u64,
    /// First and last sight on the day.
    pub seen_ns: (u64, u64),
    /// Counters at the first sight; empty when the session began on the day: they began at 0.
    pub first: BTreeMap<String, u64>,
    /// Counters at the last.
    pub last: BTreeMap<String, u64>,
    /// Realised profit at the first and the last sight, 1/10,000 of the currency.
    pub realised_e4: (i64, i64),
    /// Profit of open positions at the last sight.
    pub open_e4: i64,
    /// Latencies since the session began, at the last sight.
    pub latency_ns: Vec<LatencyShot>,
    /// Positions at the last sight.
    pub positions: Vec<PositionShot>,
    /// Why the engine was silent at the last sight; empty: it was not.
    pub silent: String,
}

/// A day of an engine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Day {
    /// The engine.
    pub engine: String,
    /// `YYYY-MM-DD`, UTC.
    pub day: String,
    /// Sessions seen.
    pub sessions: u32,
}

impl Store {
    /// Writes what is known of a session on a day, in place of what was.
    ///
    /// # Errors
    /// The store fails.
    pub async fn put_day(
        &self,
        engine: &str,
        day: &str,
        session: DaySession,
    ) -> Result<(), StoreError> {
        let (engine, day) = (engine.to_owned(), day.to_owned());
        self.run(move |db| {
            let db = db.transaction()?;
            let sql = "INSERT INTO day VALUES (?1, ?2, ?3, ?4)
                ON CONFLICT DO UPDATE SET record = excluded.record";
            let record = text(&session)?;
            db.execute(sql, params![engine, day, session.session_ns as i64, record])?;
            let sql = "DELETE FROM day WHERE engine = ?1 AND day <= (SELECT day FROM
                (SELECT DISTINCT day FROM day WHERE engine = ?1)
                ORDER BY day DESC LIMIT 1 OFFSET ?2)";
            db.execute(sql, params![engine, DAYS])?;
            Ok(db.commit()?)
        })
        .await
    }

    /// The newest record of a session up to a day, with its day.
    ///
    /// # Errors
    /// The store fails.
    pub async fn session(
        &self,
        engine: &str,
        session_ns: u64,
        day: &str,
    ) -> Result<Option<(String, DaySession)>, StoreError> {
        let (engine, day) = (engine.to_owned(), day.to_owned());
        self.run(move |db| {
            let sql = "SELECT day, record FROM day WHERE engine = ?1 AND session_ns = ?2
                AND day <= ?3 ORDER BY day DESC LIMIT 1";
            let found = db.query_row(sql, params![engine, session_ns as i64, day], |row| {
                Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?))
            });
            let Some((day, record)) = found.optional()? else { return Ok(None) };
            Ok(Some((day, json("day", &record)?)))
        })
        .await
    }

    /// The sessions of an engine on a day, in order.
    ///
    /// # Errors
    /// The store fails.
    pub async fn day(&self, engine: &str, day: &str) -> Result<Vec<DaySession>, StoreError> {
        let (engine, day) = (engine.to_owned(), day.to_owned());
        self.run(move |db| {
            let sql = "SELECT record FROM day WHERE engine = ?1 AND day = ?2 ORDER BY session_ns";
            let mut rows = db.prepare_cached(sql)?;
            let found: Vec<String> = rows
                .query_map(params![engine, day], |row| row.get(0))?
                .collect::<Result<_, _>>()?;
            found.iter().map(|record| json("day", record)).collect()
        })
        .await
    }

    /// Days before `(day, engine)`, newest first.
    ///
    /// # Errors
    /// The store fails.
    pub async fn days(
        &self,
        before: Option<(String, String)>,
        limit: u32,
    ) -> Result<Vec<Day>, StoreError> {
        self.run(move |db| {
            let sql = "SELECT engine, day, count(*) FROM day
                WHERE (day, engine) < (?1, ?2) GROUP BY day, engine
                ORDER BY day DESC, engine DESC LIMIT ?3";
            // Above every day of four-digit years.
            let (day, engine) = before.unwrap_or_else(|| ("A".into(), String::new()));
            let mut rows = db.prepare_cached(sql)?;
            let rows = rows.query_map(params![day, engine, limit], |row| {
                Ok(Day { engine: row.get(0)?, day: row.get(1)?, sessions: row.get(2)? })
            })?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn days_are_kept_by_session_and_listed_newest_first() {
        let dir = tempfile::tempdir().expect("a folder");
        let store = Store::at(dir.path().join("store")).expect("a store");
        let session = |session_ns, n| DaySession {
            session_ns,
            last: [("orders.sent".to_owned(), n)].into(),
            ..DaySession::default()
        };
        for (engine, day, start, n) in
            [("a", "2026-01-15", 1, 5), ("a", "2026-01-15", 1, 9), ("a", "2026-01-15", 2, 1)]
        {
            store.put_day(engine, day, session(start, n)).await.expect("written");
        }
        store.put_day("b", "2026-01-16", session(3, 1)).await.expect("written");
        let read = store.day("a", "2026-01-15").await.expect("read");
        assert_eq!(read, [session(1, 9), session(2, 1)]);
        let all = store.days(None, 9).await.expect("read");
        let row = |engine: &str, day: &str, sessions| Day {
            engine: engine.into(),
            day: day.into(),
            sessions,
        };
        assert_eq!(all, [row("b", "2026-01-16", 1), row("a", "2026-01-15", 2)]);
        let before = Some(("2026-01-16".to_owned(), "b".to_owned()));
        assert_eq!(store.days(before, 9).await.expect("read"), [row("a", "2026-01-15", 2)]);
    }
}
