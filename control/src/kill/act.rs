//! Engaging, with its entry in the audit log: the effect first, the entry after.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use nofx_mailbox::Scope;
use serde_json::json;

use super::hold::{Hold, Looked};
use super::scope::Covered;
use super::target::{self, Outcome, Target};
use crate::app::App;
use crate::audit::Entry;
use crate::identity::Caller;
use crate::time;

/// Entries that may wait for a log that cannot be written.
const WAITING_MAX: usize = 64;
static WAITING: AtomicUsize = AtomicUsize::new(0);
/// Longest wait of the answer for its entry; the effect waits for nothing.
const GLANCE: Duration = Duration::from_millis(250);
/// Between tries to write an entry.
const PAUSE: Duration = Duration::from_secs(1);

/// Who engages.
#[derive(Clone, Debug)]
pub struct By {
    /// The person, or `system`.
    pub who: String,
    /// Their roles, or what in the system.
    pub role: String,
    /// Correlation id of the request.
    pub correlation: String,
}

impl By {
    /// A person, in the request at hand.
    pub fn caller(caller: &Caller) -> By {
        let (who, role) = (caller.person.clone(), caller.roles_text());
        By { who, role, correlation: crate::problem::correlation() }
    }

    /// A part of this process: `kill file`, `clock`.
    pub fn system(part: &str) -> By {
        By { who: "system".into(), role: part.into(), correlation: String::new() }
    }
}

/// What became of it.
#[derive(Clone, Debug)]
pub struct Engaged {
    /// Each engine.
    pub outcomes: Vec<Outcome>,
    /// Number of the entry, if it was written by the time of the answer.
    pub audit: Option<u64>,
}

impl Engaged {
    /// Whether every engine is engaged.
    pub fn is_whole(&self) -> bool {
        self.outcomes.iter().all(Outcome::is_engaged)
    }
}

/// Engages at once, then records it; a log that cannot be written delays nothing and is tried again
/// in the background. `None`: there is no such engine.
pub async fn engage(
    app: &Arc<App>,
    by: By,
    engine: &str,
    covered: &Covered,
    reason: &str,
) -> Option<Engaged> {
    let (app, engine) = (app.clone(), engine.to_owned());
    let (covered, reason) = (covered.clone(), reason.to_owned());
    let work = async move { engage_and_record(&app, by, &engine, &covered, &reason).await };
    // A task of its own: the entry is written although whoever asked hangs up.
    tokio::spawn(work).await.ok()?
}

async fn engage_and_record(
    app: &Arc<App>,
    by: By,
    engine: &str,
    covered: &Covered,
    reason: &str,
) -> Option<Engaged> {
    let when = time::now().0;
    let (mine, name, what) = (app.clone(), engine.to_owned(), covered.clone());
    let outcomes = apart(move || mine.kill.engage(&name, &what)).await??;
    let entry = entry(app, by, when, (engine, covered), &outcomes, reason);
    let writing = tokio::spawn(record(app.clone(), entry));
    let audit = tokio::time::timeout(GLANCE, writing).await;
    Some(Engaged { outcomes, audit: audit.ok().and_then(Result::ok).flatten() })
}

/// Keeps everything engaged on `targets`: all of them at the `first` look, then what says that it is
/// not. What is news is recorded as one entry, in the background. The engines that are not known to
/// be engaged.
pub async fn hold(
    app: &Arc<App>,
    by: By,
    hold: &mut Hold,
    (first, targets): (bool, Vec<Target>),
    reason: &str,
) -> Vec<Target> {
    let everything = Covered::Exactly(Scope::Global);
    let (when, what) = (time::now().0, everything.clone());
    let (mut mine, asked) = (hold.clone(), targets.clone());
    let looked = apart(move || {
        let looked = match first {
            true => mine.engage(&asked, &what),
            false => mine.look(&asked, &what),
        };
        (mine, looked)
    });
    let Some((after, Looked { news, open })) = looked.await else { return targets };
    *hold = after;
    if !news.is_empty() {
        let engine = match &news[..] {
            [one] if !first => one.engine.clone(),
            _ => "*".to_owned(),
        };
        let entry = entry(app, by, when, (&engine, &everything), &news, reason);
        tokio::spawn(record(app.clone(), entry));
    }
    open
}

/// Runs `work` on a thread of its own and not of tokio's pool, which others may have filled; where
/// none can be had, here.
async fn apart<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Option<T> {
    let (sender, done) = tokio::sync::oneshot::channel();
    if let Err(work) = target::on_a_thread("kill", move || _ = sender.send(work())) {
        work();
    }
    done.await.ok()
}

/// The entry of what was engaged.
fn entry(
    app: &App,
    by: By,
    when: u64,
    (engine, covered): (&str, &Covered),
    outcomes: &[Outcome],
    reason: &str,
) -> Entry {
    let all = |result: &str| outcomes.iter().all(|outcome| outcome.result == result);
    let result = match () {
        () if all("engaged") => "done",
        () if all("failed") => "failed",
        () => "unknown",
    };
    Entry {
        who: by.who,
        role: by.role,
        action: "kill".into(),
        object: format!("engine/{engine}/kill"),
        when,
        clock_error_ns: app.clock.error_ns(),
        before: serde_json::Value::Null,
        after: json!({
            "scope": covered.to_string(), "engines": outcomes, "recorded": "after the effect",
        }),
        reason: reason.to_owned(),
        correlation: by.correlation,
        result: result.into(),
        sensitive: true,
    }
}

/// Writes the entry, however long that takes; gives up when too many wait already.
async fn record(app: Arc<App>, mut entry: Entry) -> Option<u64> {
    if WAITING.fetch_add(1, Ordering::Relaxed) >= WAITING_MAX {
        WAITING.fetch_sub(1, Ordering::Relaxed);
        tracing::error!(who = entry.who, object = entry.object, after = %entry.after,
            "kill engaged, and too many audit entries wait already: this line is its only record");
        return None;
    }
    let mut tries = 1_u32;
    let number = loop {
        match app.audit.record(entry.clone()).await {
            Ok(number) => break number,
            Err(error) if tries == 1 => tracing::error!(%error, who = entry.who,
                object = entry.object, "kill engaged, its audit entry waits for the log"),
            Err(_) => {}
        }
        tries = tries.saturating_add(1);
        entry.after["recorded"] = json!(format!("after the effect, at try {tries}"));
        tokio::time::sleep(PAUSE).await;
    };
    WAITING.fetch_sub(1, Ordering::Relaxed);
    Some(number)
}
