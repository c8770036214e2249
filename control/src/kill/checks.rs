//! What must be true of an engine before its orders may pass again.
//!
//! Each check reads the engine's own pages. What is not there, too old or not understood has not been
//! shown to be good, and is not.

use std::str::FromStr;

use nofx_mailbox::{AckView, EngineState, Watcher};
use nofx_types::Nanos;
use serde::Serialize;
use utoipa::ToSchema;

use super::target::Target;

/// A page older than this says nothing, nanoseconds.
const FRESH: u64 = 5_000_000_000;
/// Symbols that a detail names.
const NAMED: usize = 5;

/// A check; that the engine runs and its state is known is always looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Check {
    /// Sessions up and reconciled with the venue, no order of unknown fate, pages fresh.
    Positions,
    /// The page of limits that was published last is in force and is the one that the store says;
    /// without one in either, the configuration file is.
    Limits,
    /// Every book that the engine shows is live.
    Books,
}

impl FromStr for Check {
    type Err = String;

    fn from_str(name: &str) -> Result<Check, String> {
        match name {
            "positions" => Ok(Check::Positions),
            "limits" => Ok(Check::Limits),
            "books" => Ok(Check::Books),
            _ => Err(format!("{name:?} is no check: positions, limits, books")),
        }
    }
}

/// What a check found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Finding {
    /// The engine.
    pub engine: String,
    /// The check: `engine`, `positions`, `limits`, `books`, `file`.
    pub name: &'static str,
    /// Whether it is good.
    pub ok: bool,
    /// What was found.
    pub detail: String,
}

type Verdict = Result<String, String>;

/// Looks at one engine, which should run version `wanted` of its limits; 0: the configuration file,
/// or nothing is known.
pub fn look(target: &Target, checks: &[Check], wanted: u64, now: Nanos) -> Vec<Finding> {
    let finding = |name, verdict: Verdict| {
        let (ok, detail) = match verdict {
            Ok(detail) => (true, detail),
            Err(detail) => (false, detail),
        };
        Finding { engine: target.name.clone(), name, ok, detail }
    };
    let watcher = match Watcher::attach(&target.mailbox) {
        Ok(watcher) => watcher,
        Err(error) => return vec![finding("engine", Err(error.to_string()))],
    };
    let mut findings = vec![finding("engine", engine(&watcher, now))];
    findings.extend(checks.iter().map(|check| match check {
        Check::Positions => finding("positions", positions(&watcher, now)),
        Check::Limits => finding("limits", limits(&watcher, wanted)),
        Check::Books => finding("books", books(&watcher, now)),
    }));
    findings
}

fn engine(watcher: &Watcher, now: Nanos) -> Verdict {
    if !watcher.is_alive(now) {
        return Err("does not run: no process, or no heartbeat within a second".into());
    }
    match watcher.state() {
        None => Err("is in a state that this program does not know".into()),
        Some(state @ (EngineState::Trading | EngineState::Stopped)) => Ok(format!("runs: {state}")),
        Some(state) => Err(format!("is {state}: wait until it trades or is stopped")),
    }
}

fn positions(watcher: &Watcher, now: Nanos) -> Verdict {
    let page = watcher.positions().ok_or("it shows no positions yet")?;
    fresh("positions", page.at, now)?;
    let orders = watcher.orders().ok_or("it shows no orders yet")?;
    fresh("orders", orders.at, now)?;
    let mut sessions = 0;
    for session in watcher.sessions() {
        let session = session.ok_or("a session was never shown")?;
        fresh("session", session.at, now)?;
        let view = session.value;
        if view.blocked != 0 {
            return Err("its order session is not up and reconciled with the venue".into());
        }
        if view.unknown != 0 {
            return Err(format!("the fate of {} orders is not known", view.unknown));
        }
        sessions += 1;
    }
    match sessions {
        0 => Err("it has no order session".into()),
        _ => Ok(format!("reconciled; {} rows", page.value.rows.len())),
    }
}

fn limits(watcher: &Watcher, should: u64) -> Verdict {
    let ack = watcher.params_ack().map(|ack| ack.value);
    let Some((page, _)) = watcher.current_params() else {
        return no_page(ack.unwrap_or_default(), should);
    };
    let ack = ack.ok_or("it acknowledged no page of limits yet")?;
    let (wanted, version) = (page.publication, page.version);
    match () {
        () if ack.refused == wanted => {
            Err(format!("it refused version {version}; publish a good one, or roll back"))
        }
        () if ack.applied != wanted => {
            Err(format!("version {version} is published and not in force yet"))
        }
        () if should != 0 && should != version => Err(format!(
            "version {version} is in force, and {should} should be; publish the limits wanted"
        )),
        () => Ok(format!("version {version} is in force")),
    }
}

/// No page can be read: one that was refused, or is lost, is not the configuration file's word.
fn no_page(ack: AckView, should: u64) -> Verdict {
    let (applied, refused, version) = (ack.applied, ack.refused, ack.refused_version);
    match () {
        () if applied != 0 => {
            Err(format!("publication {applied} is in force, and its page is gone"))
        }
        () if refused != 0 => {
            Err(format!("it refused version {version}, and its page is gone; publish a good one"))
        }
        () if should != 0 => Err(format!(
            "version {should} was in force and is lost: the configuration file is; publish the \
             limits wanted"
        )),
        () => Ok("the configuration file is in force".into()),
    }
}

fn books(watcher: &Watcher, now: Nanos) -> Verdict {
    let shown: Vec<_> = watcher.books().flatten().collect();
    let newest = shown.iter().map(|book| book.at).max().ok_or("it shows no book yet")?;
    fresh("books", newest, now)?;
    let stale: Vec<String> = shown
        .iter()
        .filter(|book| book.value.stale != 0)
        .map(|book| String::from_utf8_lossy(&book.value.symbol).trim_end().to_owned())
        .collect();
    match stale.len() {
        0 => Ok(format!("{} live", shown.len())),
        n => Err(format!("{n} of {} stale: {}", shown.len(), stale[..n.min(NAMED)].join(", "))),
    }
}

fn fresh(what: &str, at: Nanos, now: Nanos) -> Result<(), String> {
    match now.0.abs_diff(at.0) {
        age if age <= FRESH => Ok(()),
        age => Err(format!("its page of {what} is {} s old", age / 1_000_000_000)),
    }
}
