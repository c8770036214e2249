//! [`Target`]: the kill words of one engine, and engaging many at once.
//!
//! Each engine is engaged on a thread of its own: a mailbox that cannot be opened, or hangs on its
//! file system, does not hold up the others, and is named in the outcome.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use nofx_mailbox::{Scope, Switch, Watcher};
use serde::Serialize;
use utoipa::ToSchema;

use super::scope::{self, Covered};

/// Longest wait for a mailbox.
const PATIENCE: Duration = Duration::from_secs(2);
/// Most threads that may hang on one mailbox.
const HANGING_MAX: usize = 16;

/// One engine.
#[derive(Clone, Debug)]
pub struct Target {
    /// Its name.
    pub name: String,
    /// Its mapped file.
    pub mailbox: PathBuf,
    /// Threads at work on it now.
    at_work: Arc<AtomicUsize>,
}

/// What became of one engine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Outcome {
    /// Its name.
    pub engine: String,
    /// `engaged` or `released`; `failed`: it was not; `unknown`: its mailbox did not answer in time.
    pub result: &'static str,
    /// What is wrong, where something is.
    pub detail: String,
    /// What to do about it.
    pub todo: String,
    /// Whether its process runs; a kill holds for the next one too.
    pub alive: bool,
    /// Everything that is engaged now.
    pub engaged: Vec<String>,
}

/// What identifies a state of the kill words: another engine, or another change, is another state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark {
    started: u64,
    pid: u32,
    generation: u64,
}

impl Mark {
    /// The state that this watcher shows.
    pub fn of(watcher: &Watcher) -> Mark {
        let identity = watcher.identity();
        let generation = watcher.kill_words().generation();
        Mark { started: identity.started.0, pid: identity.pid, generation }
    }

    /// Whether `later` is the same engine after exactly one change from outside.
    fn is_one_before(self, later: Mark) -> bool {
        // The top bit says that everything is killed; the count is below it.
        let count = |mark: Mark| mark.generation << 1 >> 1;
        (self.started, self.pid) == (later.started, later.pid) && count(later) == count(self) + 1
    }
}

impl Target {
    /// The engine `name` with this mailbox.
    pub fn new(name: impl Into<String>, mailbox: impl Into<PathBuf>) -> Target {
        Target { name: name.into(), mailbox: mailbox.into(), at_work: Arc::default() }
    }

    /// Engages; blocks as long as the file system does.
    pub fn engage(&self, covered: &Covered) -> Outcome {
        self.act("engaged", || {
            let mut switch = Switch::open(&self.mailbox).map_err(text)?;
            let scope = self.scope(covered)?;
            switch.engage(scope).map_err(text)
        })
    }

    /// Lets orders of the scope pass again, if the state is still the one of `mark`. Should somebody
    /// engage it at that very moment, it is engaged again at once.
    pub fn release(&self, covered: &Covered, mark: Mark) -> Outcome {
        self.act("released", || {
            let mut switch = Switch::open(&self.mailbox).map_err(text)?;
            let watcher = Watcher::attach(&self.mailbox).map_err(text)?;
            let scope = self.scope(covered)?;
            let changed =
                "somebody engaged it again meanwhile, or the engine started anew: it stays";
            if Mark::of(&watcher) != mark {
                return Err(changed.into());
            }
            switch.release(scope).map_err(text)?;
            let now = Watcher::attach(&self.mailbox).map_err(text)?;
            if mark.is_one_before(Mark::of(&now)) {
                return Ok(());
            }
            switch.engage(scope).map_err(text)?;
            Err(changed.into())
        })
    }

    /// Whether exactly this scope is engaged now.
    ///
    /// # Errors
    /// The mailbox cannot be read, or shows no such symbol.
    pub fn is_engaged(&self, covered: &Covered) -> Result<bool, String> {
        let watcher = Watcher::attach(&self.mailbox).map_err(text)?;
        let scope = self.scope(covered)?;
        Ok(watcher.kill_words().is_engaged(scope))
    }

    fn scope(&self, covered: &Covered) -> Result<Scope, String> {
        if let Covered::Exactly(scope) = covered {
            return Ok(*scope); // works when the views are damaged
        }
        let watcher = Watcher::attach(&self.mailbox).map_err(text)?;
        covered
            .within(&watcher)
            .ok_or_else(|| format!("shows no {covered}: name its instrument, or engage everything"))
    }

    fn act(&self, done: &'static str, act: impl FnOnce() -> Result<(), String>) -> Outcome {
        let (result, detail) = match act() {
            Ok(()) => (done, String::new()),
            Err(detail) => ("failed", detail),
        };
        let mut outcome = self.outcome(result, detail);
        if let Ok(watcher) = Watcher::attach(&self.mailbox) {
            outcome.alive = watcher.has_process();
            outcome.engaged = engaged(&watcher);
        }
        outcome
    }

    fn outcome(&self, result: &'static str, detail: String) -> Outcome {
        let todo = match result {
            "failed" | "unknown" => format!(
                "run `nofx kill --mailbox {}` on the engine's machine, or stop the engine's process",
                self.mailbox.display()
            ),
            _ => String::new(),
        };
        let engine = self.name.clone();
        Outcome { engine, result, detail, todo, alive: false, engaged: Vec::new() }
    }
}

/// Everything that is engaged, as people write it.
pub fn engaged(watcher: &Watcher) -> Vec<String> {
    let all = watcher.kill_words().all_engaged();
    all.into_iter().map(|scope| scope::name(scope, watcher)).collect()
}

fn text(error: nofx_mailbox::MailboxError) -> String {
    error.to_string()
}

/// Does `act` to every target at once; who does not answer in time is `unknown`.
pub fn on_all(
    targets: &[Target],
    act: impl Fn(&Target) -> Outcome + Clone + Send + 'static,
) -> Vec<Outcome> {
    let waiting: Vec<_> =
        targets.iter().map(|target| (target, begin(target, act.clone()))).collect();
    let until = Instant::now() + PATIENCE;
    let outcome = |(target, begun): (&Target, Result<mpsc::Receiver<Outcome>, String>)| match begun
    {
        Err(detail) => target.outcome("failed", detail),
        Ok(answer) => answer
            .recv_timeout(until.saturating_duration_since(Instant::now()))
            .unwrap_or_else(|_| target.outcome("unknown", "its mailbox does not answer".into())),
    };
    waiting.into_iter().map(outcome).collect()
}

fn begin(
    target: &Target,
    act: impl FnOnce(&Target) -> Outcome + Send + 'static,
) -> Result<mpsc::Receiver<Outcome>, String> {
    if target.at_work.fetch_add(1, Ordering::Relaxed) >= HANGING_MAX {
        target.at_work.fetch_sub(1, Ordering::Relaxed);
        return Err("its mailbox does not answer, and others wait for it already".into());
    }
    let (sender, answer) = mpsc::sync_channel(1);
    let mine = target.clone();
    let work = move || {
        let outcome = act(&mine);
        mine.at_work.fetch_sub(1, Ordering::Relaxed);
        _ = sender.send(outcome); // nobody waits any more: it was answered as unknown
    };
    let name = format!("kill {}", target.name);
    std::thread::Builder::new().name(name.chars().take(15).collect()).spawn(work).map_err(|e| {
        target.at_work.fetch_sub(1, Ordering::Relaxed);
        format!("no thread for it: {e}")
    })?;
    Ok(answer)
}
