//! [`Target`]: the kill words of one engine, and engaging many at once.
//!
//! Each engine is engaged on a thread of its own: a mailbox that cannot be opened, or hangs on its
//! file system, does not hold up the others, and is named in the outcome.

use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::sync::{Arc, Mutex, PoisonError};
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

impl Outcome {
    /// Whether the scope is engaged now.
    pub fn is_engaged(&self) -> bool {
        self.result == "engaged"
    }
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
    let outcome = |(target, answer): (&Target, Result<Outcome, NoAnswer>)| match answer {
        Ok(outcome) => outcome,
        Err(late @ NoAnswer::Late) => target.outcome("unknown", late.to_string()),
        Err(not) => target.outcome("failed", not.to_string()),
    };
    targets.iter().zip(ask_each(os_thread, targets, act)).map(outcome).collect()
}

/// Asks every target at once; an error says why one did not answer.
pub fn ask_all<T: Send + 'static>(
    targets: &[Target],
    ask: impl Fn(&Target) -> T + Clone + Send + 'static,
) -> Vec<Result<T, String>> {
    let answers = ask_each(os_thread, targets, ask);
    answers.into_iter().map(|answer| answer.map_err(|not| not.to_string())).collect()
}

/// Why a target did not answer.
#[derive(Debug, thiserror::Error)]
enum NoAnswer {
    #[error("its mailbox does not answer, and others wait for it already")]
    Crowded,
    #[error("its mailbox does not answer")]
    Late,
}

fn ask_each<T: Send + 'static>(
    spawn: Spawn,
    targets: &[Target],
    ask: impl Fn(&Target) -> T + Clone + Send + 'static,
) -> Vec<Result<T, NoAnswer>> {
    let begun: Vec<_> = targets.iter().map(|target| begin(spawn, target, ask.clone())).collect();
    let here = |(answer, not_begun): (mpsc::Receiver<T>, Option<Work>)| {
        not_begun.into_iter().for_each(|work| work());
        answer
    };
    // What got no thread is done here, after all others have begun: engaging needs no free thread.
    let begun: Vec<_> = begun.into_iter().map(|begun| begun.map(here)).collect();
    let until = Instant::now() + PATIENCE;
    let answer = |answer: mpsc::Receiver<T>| {
        let left = until.saturating_duration_since(Instant::now());
        answer.recv_timeout(left).map_err(|_| NoAnswer::Late)
    };
    begun.into_iter().map(|begun| begun.and_then(answer)).collect()
}

/// Begins to ask a target: where the answer comes, and the work itself if no thread was to be had.
fn begin<T: Send + 'static>(
    spawn: Spawn,
    target: &Target,
    ask: impl FnOnce(&Target) -> T + Send + 'static,
) -> Result<(mpsc::Receiver<T>, Option<Work>), NoAnswer> {
    if target.at_work.fetch_add(1, Ordering::Relaxed) >= HANGING_MAX {
        target.at_work.fetch_sub(1, Ordering::Relaxed);
        return Err(NoAnswer::Crowded);
    }
    let (sender, answer) = mpsc::sync_channel(1);
    let mine = target.clone();
    let work = move || {
        let answer = ask(&mine);
        mine.at_work.fetch_sub(1, Ordering::Relaxed);
        _ = sender.send(answer); // nobody waits any more: it was answered as unknown
    };
    let not_begun = spawned(spawn, &format!("kill {}", target.name), work).err();
    Ok((answer, not_begun))
}

/// Something to do.
pub type Work = Box<dyn FnOnce() + Send>;
/// What makes a thread.
type Spawn = fn(&str, Work) -> io::Result<()>;

/// Begins `work` on a thread of its own; gives it back where none can be had.
pub fn on_a_thread(name: &str, work: impl FnOnce() + Send + 'static) -> Result<(), Work> {
    spawned(os_thread, name, work)
}

fn os_thread(name: &str, work: Work) -> io::Result<()> {
    let name = name.chars().take(15).collect();
    std::thread::Builder::new().name(name).spawn(work).map(drop)
}

fn spawned(spawn: Spawn, name: &str, work: impl FnOnce() + Send + 'static) -> Result<(), Work> {
    // What runs takes it out; a thread that could not be had has not.
    let kept = Arc::new(Mutex::new(Some(work)));
    spawn(name, taken_out(kept.clone())).map_err(|_| taken_out(kept))
}

fn taken_out<W: FnOnce() + Send + 'static>(kept: Arc<Mutex<Option<W>>>) -> Work {
    Box::new(move || {
        let work = kept.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(work) = work {
            work();
        }
    })
}

#[cfg(test)]
mod tests {
    use nofx_mailbox::{Engine, Spec};

    use super::*;

    fn no_thread(_: &str, _: Work) -> io::Result<()> {
        Err(io::ErrorKind::WouldBlock.into())
    }

    #[test]
    fn engaging_needs_no_free_thread() {
        let dir = tempfile::tempdir().expect("a folder");
        let spec = Spec { engine: "test".into(), ..Spec::default() };
        let made = ["a", "b"].map(|name| {
            let mailbox = dir.path().join(name);
            (Engine::create(&mailbox, &spec).expect("a mailbox"), Target::new(name, mailbox))
        });
        let targets: Vec<Target> = made.iter().map(|(_, target)| target.clone()).collect();
        let everything = Covered::Exactly(Scope::Global);
        let scope = everything.clone();
        let outcomes = ask_each(no_thread, &targets, move |target| target.engage(&scope));
        assert!(outcomes.iter().all(|o| o.as_ref().is_ok_and(Outcome::is_engaged)), "{outcomes:?}");
        for target in targets {
            assert_eq!(target.is_engaged(&everything), Ok(true));
            assert_eq!(target.at_work.load(Ordering::Relaxed), 0);
        }
    }
}
