//! What is looked after without being asked.
//!
//! Model: once a second, per engine, in its turn: what a crash left is settled; an acknowledgement
//! that came late is written down; an engine that came up without the page or model that was in
//! force gets it again, as an audited change of the process itself. Only what the engine had
//! acknowledged comes back by itself, and only to an engine of the same schema: anything else is said
//! in the log and left to a person.
//!
//! An engine that starts on the same machine takes its page over from the file before; this is for a
//! file that is gone (a reboot empties `/dev/shm`).
//!
//! Worst case: a look costs some reads of maps and of the store; nothing is written unless something
//! is to be done, but for the day's record every [`SAMPLE`].

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::pages::{self, Present};
use super::{Ask, Effect, Intent, carry, models, settle};
use crate::app::App;
use crate::identity::Caller;
use crate::policy::Action;
use crate::problem::{self, Problem};
use crate::report;
use crate::store::Kind;

/// Time between two looks.
const LOOK: Duration = Duration::from_secs(1);
/// Time between two records of the day.
const SAMPLE: Duration = Duration::from_secs(10);
/// After a return that failed, the next one waits so long.
const AGAIN: Duration = Duration::from_secs(30);

/// Begins to look after the engines. Must be called inside a tokio runtime; ends with the process.
pub fn start(app: &Arc<App>) {
    let names: Vec<String> = app.engines.names().map(str::to_owned).collect();
    for name in names {
        tokio::spawn(engine(app.clone(), name));
    }
    tokio::spawn(configurations(app.clone()));
}

async fn configurations(app: Arc<App>) {
    loop {
        if let Err(problem) = super::settle::configurations(&app).await {
            tracing::debug!(%problem, "a configuration cannot be settled yet");
        }
        tokio::time::sleep(LOOK).await;
    }
}

async fn engine(app: Arc<App>, name: String) {
    let (mut sampled, mut not_before) = (None::<Instant>, Instant::now());
    loop {
        {
            let _turn = app.store.turn(&format!("engine {name}")).await;
            if let Err(problem) = look(&app, &name, &mut not_before).await {
                tracing::debug!(engine = name, %problem, "nothing to look after now");
            }
        }
        if sampled.is_none_or(|at| at.elapsed() >= SAMPLE) {
            // An engine that comes is written down at once, not after the pause.
            match report::sample(&app, &name).await {
                Ok(true) => sampled = Some(Instant::now()),
                Ok(false) => {}
                Err(error) => {
                    sampled = Some(Instant::now());
                    tracing::warn!(engine = name, %error, "the day's record cannot be written");
                }
            }
        }
        tokio::time::sleep(LOOK).await;
    }
}

/// One look. The turn is the caller's.
///
/// # Errors
/// The engine cannot be seen, or the store cannot be written.
async fn look(app: &Arc<App>, name: &str, not_before: &mut Instant) -> Result<(), Problem> {
    settle(app, name).await?;
    for kind in [Kind::Params, Kind::Model] {
        super::settle::late(app, name, kind).await.map_err(super::store_failed)?;
    }
    if Instant::now() < *not_before {
        return Ok(());
    }
    for kind in [Kind::Params, Kind::Model] {
        if let Some(intent) = lost(app, name, kind).await? {
            let answer = bring_back(app, name, intent).await;
            let applied = answer.as_ref().is_ok_and(|a| a.body["result"] == "applied");
            tracing::warn!(engine = name, applied, "the version in force before was put back");
            if !applied {
                *not_before = Instant::now() + AGAIN;
            }
        }
    }
    Ok(())
}

/// The intent that brings back what an engine came up without.
async fn lost(app: &App, name: &str, kind: Kind) -> Result<Option<Intent>, Problem> {
    let watcher = pages::running(app, name)?;
    let wanted = app.store.in_force(name, kind).await.map_err(super::store_failed)?;
    let has_one = super::settle::current(&watcher, kind).is_some();
    if has_one || wanted == 0 {
        return Ok(None);
    }
    if kind == Kind::Params {
        let present = Present::of(&watcher);
        let after = pages::rows_of(app, name, &present, wanted).await?;
        return Ok(Some(pages::intent(name, &present, wanted, &after)));
    }
    let kept = app.store.version(name, kind, wanted).await.map_err(super::store_failed)?;
    let same = kept.filter(|kept| kept.schema == watcher.model_schema());
    let present = models::Present::of(&watcher);
    Ok(same.map(|kept| models::intent(name, &present, wanted, &kept.name)))
}

async fn bring_back(app: &Arc<App>, name: &str, intent: Intent) -> Result<super::Answer, Problem> {
    let caller = Caller {
        person: "system".into(),
        roles: Vec::new(),
        serial: String::new(),
        fingerprint: String::new(),
        peer: ([0, 0, 0, 0], 0).into(),
    };
    let action = match intent.effect {
        Effect::MakeCurrent { kind: Kind::Model, .. } => Action::SwapModel,
        _ => Action::SetLimits,
    };
    let ask = Ask {
        caller,
        action,
        needs: Vec::new(),
        turn: format!("engine {name}"),
        reason: "the engine came up without the version that was in force".into(),
        key: None,
    };
    let correlation = format!("upkeep-{}", super::now());
    problem::correlated(correlation, carry(app, &ask, intent)).await
}
