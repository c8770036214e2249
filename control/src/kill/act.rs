//! Engaging, with its entry in the audit log: the effect first, the entry after.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::json;

use super::scope::Covered;
use super::target::Outcome;
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
        self.outcomes.iter().all(|outcome| outcome.result == "engaged")
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
    // A thread of its own and not tokio's pool, which others may have filled.
    let (sender, done) = tokio::sync::oneshot::channel();
    let work = move || _ = sender.send(mine.kill.engage(&name, &what));
    let outcomes = match std::thread::Builder::new().name("kill".into()).spawn(work) {
        Ok(_) => done.await.ok()?,
        Err(_) => app.kill.engage(engine, covered),
    }?;
    let results: Vec<&str> = outcomes.iter().map(|outcome| outcome.result).collect();
    let result = match () {
        () if results.iter().all(|result| *result == "engaged") => "done",
        () if results.iter().all(|result| *result == "failed") => "failed",
        () => "unknown",
    };
    let entry = Entry {
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
    };
    let writing = tokio::spawn(record(app.clone(), entry));
    let audit = tokio::time::timeout(GLANCE, writing).await;
    Some(Engaged { outcomes, audit: audit.ok().and_then(Result::ok).flatten() })
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
