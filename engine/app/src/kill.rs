//! `nofx kill`: stops orders of a running engine, and watches until everything open is cancelled.
//!
//! Model: engaging is one store into the mapped file, and holds from then on, whether the engine
//! notices or not: its gate reads the word on every order. The rest of the command only watches.

use std::fmt;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use clap::Args;
use nofx_mailbox::view::OrderView;
use nofx_mailbox::{MailboxError, Scope, Switch, Watcher, steered_by};
use nofx_types::{Nanos, Symbol};
use serde::Serialize;

use crate::failure::Failure;
use crate::live::clock::wall;

/// Arguments of `nofx kill`.
#[derive(Clone, Debug, Args)]
#[command(
    after_help = "Without --account or --symbol everything is stopped. The word stays engaged \
    until --release, also over restarts of the engine. Where nofx-control steers the engine a release \
    takes two people, by nofx-control.\n\n\
    Exit codes: 0 nothing of it is open; 1 something was still open when the wait was over, or no \
    engine runs (the kill holds all the same, and for the next start); 2 usage; 3 no mailbox."
)]
pub struct KillArgs {
    /// The mapped file of the engine (live.mailbox).
    #[arg(long, value_name = "FILE", default_value = "/dev/shm/nofx.mailbox")]
    pub mailbox: PathBuf,
    /// Only orders of this account.
    #[arg(long, value_name = "N", conflicts_with = "symbol")]
    pub account: Option<u16>,
    /// Only orders in this instrument: a symbol that has a book page, or locate:N.
    #[arg(long, value_name = "SYMBOL|locate:N")]
    pub symbol: Option<String>,
    /// Let orders pass again: a separate operation, which cancels nothing; refused while nofx-control
    /// steers the engine.
    #[arg(long)]
    pub release: bool,
    /// How long to watch, milliseconds.
    #[arg(long, default_value_t = 2_000, value_name = "MS")]
    pub wait: u64,
    /// One JSON object instead of a line.
    #[arg(long)]
    pub json: bool,
}

/// What came of it.
#[derive(Clone, Debug, Serialize)]
pub struct Outcome {
    /// What was stopped or released.
    pub scope: String,
    /// `engaged` or `released`.
    pub done: &'static str,
    /// Whether an engine runs.
    pub engine_alive: bool,
    /// From the store to the engine's turn that saw it, nanoseconds.
    pub seen_after_ns: Option<u64>,
    /// From the store to the last cancel that was sent, nanoseconds.
    pub last_cancel_sent_ns: Option<u64>,
    /// From the store to the last cancel that the venue confirmed, nanoseconds.
    pub last_cancel_confirmed_ns: Option<u64>,
    /// Orders of the scope that are open.
    pub open: Option<u64>,
}

impl Outcome {
    /// Whether nothing of the scope is open, as far as the engine says.
    pub fn is_clear(&self) -> bool {
        self.done == "released" || (self.engine_alive && self.open == Some(0))
    }

    /// As one JSON object.
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }
}

/// Engages or releases.
///
/// # Errors
/// No mailbox, one of another ABI, or a scope that the engine does not have.
pub fn run(args: &KillArgs) -> Result<Outcome, Failure> {
    let mut switch = Switch::open(&args.mailbox).map_err(unusable)?;
    let scope = scope(args)?;
    if args.release {
        if let Some(pid) = steered_by(&args.mailbox) {
            return Err(Failure::usage(format!(
                "nofx-control (process {pid}) steers this engine: there a release is recorded and \
                 takes two people, `nofx-control ctl release` and `approve`"
            )));
        }
        switch.release(scope).map_err(Failure::usage)?;
        return Ok(outcome(args, scope, "released"));
    }
    let mut pulse = Pulse::of(&Watcher::attach(&args.mailbox).map_err(unusable)?);
    let trigger = pulse.engine_time(wall());
    switch.engage(scope).map_err(Failure::usage)?;
    let until = Instant::now() + Duration::from_millis(args.wait);
    let mut outcome = outcome(args, scope, "engaged");
    while Instant::now() < until {
        look(args, scope, trigger, &mut pulse, &mut outcome)?;
        if outcome.is_clear() || !outcome.engine_alive {
            break;
        }
        std::thread::sleep(Duration::from_millis(2));
    }
    Ok(outcome)
}

fn unusable(error: MailboxError) -> Failure {
    Failure::input(error)
}

fn scope(args: &KillArgs) -> Result<Scope, Failure> {
    let Some(name) = &args.symbol else {
        return Ok(args.account.map_or(Scope::Global, Scope::Account));
    };
    if let Some(locate) = name.strip_prefix("locate:") {
        let locate = locate.parse();
        return locate.map(Scope::Symbol).map_err(|_| wrong_symbol(name, "is no locate:N"));
    }
    let symbol = Symbol::new(name).ok_or_else(|| wrong_symbol(name, "is longer than 8"))?;
    let watcher = Watcher::attach(&args.mailbox).map_err(unusable)?;
    let mut books = watcher.books().flatten();
    let found = books.find(|book| book.value.symbol == symbol.0);
    found
        .map(|book| Scope::Symbol(book.value.instrument))
        .ok_or_else(|| wrong_symbol(name, "has no book page in this engine: give locate:N"))
}

fn wrong_symbol(name: &str, what: &str) -> Failure {
    Failure::usage(format!("--symbol {name}: {what}"))
}

fn outcome(args: &KillArgs, scope: Scope, done: &'static str) -> Outcome {
    let alive = Watcher::attach(&args.mailbox).is_ok_and(|watcher| watcher.has_process());
    Outcome {
        scope: scope.to_string(),
        done,
        engine_alive: alive,
        seen_after_ns: None,
        last_cancel_sent_ns: None,
        last_cancel_confirmed_ns: None,
        open: None,
    }
}

/// An engine without a heartbeat for so long does not run, nanoseconds.
const SILENCE_NS: u64 = 1_000_000_000;

/// The heartbeat of the engine, whose clock goes on when the wall clock is stepped.
struct Pulse {
    last: Nanos,
    heard: Instant,
}

impl Pulse {
    fn of(watcher: &Watcher) -> Pulse {
        let last = watcher.heartbeats().map(|heart| heart.value).max();
        Pulse { last: last.unwrap_or_default(), heard: Instant::now() }
    }

    /// The wall clock's time on the engine's clock: as exact as a heartbeat where the two differ.
    fn engine_time(&self, wall: Nanos) -> Nanos {
        match wall.0.abs_diff(self.last.0) <= SILENCE_NS {
            true => wall,
            false => self.last,
        }
    }

    /// Whether there was a heartbeat lately.
    fn beats(&mut self, watcher: &Watcher) -> bool {
        let now = Pulse::of(watcher);
        if now.last != self.last {
            *self = now;
        }
        self.heard.elapsed() < Duration::from_nanos(SILENCE_NS)
    }
}

/// Brings the outcome up to date with what the engine shows.
fn look(
    args: &KillArgs,
    scope: Scope,
    trigger: Nanos,
    pulse: &mut Pulse,
    outcome: &mut Outcome,
) -> Result<(), Failure> {
    let watcher = Watcher::attach(&args.mailbox).map_err(unusable)?;
    outcome.engine_alive = watcher.has_process() && pulse.beats(&watcher);
    let after = |counter| {
        let at = watcher.counter(counter).unwrap_or(0);
        (at >= trigger.0).then(|| at - trigger.0)
    };
    outcome.seen_after_ns = after("kill.taken_at_ns");
    outcome.last_cancel_sent_ns = after("sweep.cancelled_at_ns");
    outcome.last_cancel_confirmed_ns = after("sweep.confirmed_at_ns");
    // A page from before the engine saw the kill says nothing.
    let seen = outcome.seen_after_ns.map(|after| Nanos(trigger.0 + after));
    let page = watcher.orders().filter(|page| seen.is_some_and(|seen| page.at > seen));
    outcome.open =
        page.map(|page| page.value.rows.iter().filter(|order| covers(scope, order)).count() as u64);
    Ok(())
}

fn covers(scope: Scope, order: &OrderView) -> bool {
    match scope {
        Scope::Global => true,
        Scope::Account(account) => order.account == account,
        Scope::Symbol(symbol) => order.instrument == symbol,
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.scope, self.done)?;
        if self.done == "released" {
            return Ok(());
        }
        if !self.engine_alive {
            return write!(f, "; no engine runs: it holds when the next one starts");
        }
        let us = |ns: Option<u64>| {
            ns.map_or_else(|| "-".to_owned(), |ns| format!("{:.1} us", ns as f64 / 1e3))
        };
        write!(f, "; seen after {}", us(self.seen_after_ns))?;
        write!(f, ", last cancel sent after {}", us(self.last_cancel_sent_ns))?;
        write!(f, ", last confirmed after {}", us(self.last_cancel_confirmed_ns))?;
        match self.open {
            Some(open) => write!(f, "; {open} open"),
            None => write!(f, "; the engine has not shown its orders since"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stepped_wall_clock_is_not_taken_for_the_engines() {
        let pulse = Pulse { last: Nanos(7_200_000_000_000), heard: Instant::now() };
        let time = |wall: u64| pulse.engine_time(Nanos(wall)).0;
        assert_eq!(time(7_200_000_300_000), 7_200_000_300_000, "the same clock");
        assert_eq!(time(3_600_000_000_000), 7_200_000_000_000, "set back by an hour");
        assert_eq!(time(10_800_000_000_000), 7_200_000_000_000, "set on by an hour");
    }
}
