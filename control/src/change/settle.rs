//! What a crash, a silent engine or a full disk left unfinished.
//!
//! Model: a row of the store that did not end is a change of which one of four things is true: its
//! effect never began, the engine took it, the engine refused it, or nobody can tell yet. The
//! engine's mailbox tells which; a row that it cannot tell stays and is looked at again. The result
//! goes into the audit log like any other, under the correlation id of its request, and under the
//! idempotency key goes the answer: a repeated request gets what the first one came to.
//!
//! A version whose acknowledgement did not come in time is looked up likewise, later, for as long as
//! its publication is the engine's last.

use std::sync::Arc;

use nofx_mailbox::Watcher;

use super::effect::{self, Effect, Outcome, Verdict};
use super::{Record, conclude, rollout};
use crate::app::App;
use crate::problem::Problem;
use crate::store::{Kind, Operation, Step, StoreError, VersionState};

/// Settles what is under way on an engine. The turn of the engine is the caller's.
///
/// # Errors
/// The store or the audit log cannot be written, or a change cannot be settled before the engine
/// can be seen.
pub async fn settle(app: &Arc<App>, engine: &str) -> Result<(), Problem> {
    for operation in app.store.unended().await.map_err(super::store_failed)? {
        let Ok(record) = serde_json::from_str::<Record>(&operation.record) else {
            tracing::error!(id = operation.id, "a change of another release cannot be settled");
            continue;
        };
        if record.effect.engine() == Some(engine) {
            settle_one(app, &operation, &record).await?;
        }
    }
    Ok(())
}

/// Settles what is under way on configurations: after what it is made of on the engines. The turn of
/// each configuration is taken here. One that cannot be settled yet does not hold up the others.
///
/// # Errors
/// As for [`settle`], of the first that failed.
pub(super) async fn configurations(app: &Arc<App>) -> Result<(), Problem> {
    let mut all = Ok(());
    for operation in app.store.unended().await.map_err(super::store_failed)? {
        let Ok(record) = serde_json::from_str::<Record>(&operation.record) else { continue };
        let settled = configuration(app, operation.id, &record).await;
        all = all.and(settled);
    }
    all
}

async fn configuration(app: &Arc<App>, change: u64, record: &Record) -> Result<(), Problem> {
    let turn = match record.effect {
        Effect::Transit { configuration, .. } => format!("configuration {configuration}"),
        Effect::Draft { .. } => "configurations".into(),
        _ => return Ok(()),
    };
    let _turn = app.store.turn(&turn).await;
    // While its turn was awaited its own process may have ended it.
    let still = app.store.unended().await.map_err(super::store_failed)?;
    let still = still.into_iter().find(|other| other.id == change);
    let Some(operation) = still else { return Ok(()) };
    // What it is made of first: each engine in its turn.
    if let Effect::Transit { configuration, .. } = record.effect {
        for engine in rollout::read(app, configuration).await?.engines {
            let _turn = app.store.turn(&format!("engine {engine}")).await;
            settle(app, &engine).await?;
        }
    }
    settle_one(app, &operation, record).await
}

async fn settle_one(app: &Arc<App>, operation: &Operation, record: &Record) -> Result<(), Problem> {
    let outcome = match (operation.step, &operation.outcome) {
        (Step::Known, Some(outcome)) => serde_json::from_str(outcome)
            .unwrap_or_else(|_| Outcome::unknown("its outcome was not readable")),
        _ => found(app, operation, record).await?,
    };
    tracing::info!(id = operation.id, verdict = ?outcome.verdict, "settled a change");
    conclude(app, operation.id, record, outcome).await.map(|_| ())
}

async fn found(app: &Arc<App>, operation: &Operation, record: &Record) -> Result<Outcome, Problem> {
    match &record.effect {
        Effect::MakeCurrent { engine, kind, version, publication, base } => {
            let watcher = app.engines.watcher(engine)?;
            let current = published(&watcher, *kind, *version, *publication);
            let Some(current) = current else {
                let refused = refused(&watcher, *kind, *version, *publication);
                return Ok(refused.unwrap_or_else(|| not_in_force(&watcher, operation)));
            };
            let outcome = effect::await_ack(app, engine, *kind, current).await;
            match outcome.verdict {
                Verdict::Refused => Ok(effect::restore(app, engine, *kind, *base, outcome).await),
                _ => Ok(outcome),
            }
        }
        Effect::Transit { configuration, .. } => {
            rollout::found(app, operation.id, *configuration).await
        }
        Effect::Draft { .. } => rollout::drafted(app, operation.id).await,
        Effect::Send { engine, .. } => {
            let reply = app.engines.reply(engine, operation.id).await?;
            let why = "the process ended while it was being sent, and the engine's answer is gone";
            Ok(reply.map_or_else(|| Outcome::unknown(why), |reply| effect::replied(&reply)))
        }
    }
}

/// The publication above `before` that is current and is of this version.
pub(super) fn published(watcher: &Watcher, kind: Kind, version: u64, before: u64) -> Option<u64> {
    let head = current(watcher, kind)?;
    (head.version == version && head.publication > before).then_some(head.publication)
}

/// A refusal after which the version before was made current again already.
fn refused(watcher: &Watcher, kind: Kind, version: u64, before: u64) -> Option<Outcome> {
    let ack = effect::ack(watcher, kind)?;
    let is_it = ack.refused > before && ack.refused_version == version;
    let outcome = effect::acknowledged(watcher, kind, ack.refused).filter(|_| is_it)?;
    let restored = current(watcher, kind).map(|head| head.publication);
    Some(Outcome { restored, ..outcome })
}

fn not_in_force(watcher: &Watcher, operation: &Operation) -> Outcome {
    let why = match watcher.identity().started.0 > operation.started_ns {
        true => "the process ended while it was under way, and the engine started anew without it",
        false => "the process ended before it was published",
    };
    Outcome::not_done(why)
}

/// What is current in an engine's mailbox.
pub(super) fn current(watcher: &Watcher, kind: Kind) -> Option<nofx_mailbox::param::PageHead> {
    match kind {
        Kind::Params => watcher.current_params().map(|(head, _)| head),
        Kind::Model => watcher.current_model().map(|(head, _)| head),
    }
}

/// Judges what is current by an acknowledgement that came late.
///
/// # Errors
/// The store fails.
pub(super) async fn late(app: &App, engine: &str, kind: Kind) -> Result<(), StoreError> {
    let seen = app.engines.watcher(engine).ok().and_then(|watcher| {
        let head = current(&watcher, kind)?;
        effect::acknowledged(&watcher, kind, head.publication).map(|outcome| (head, outcome))
    });
    let Some((head, outcome)) = seen else { return Ok(()) };
    let kept = app.store.version(engine, kind, head.version).await?;
    let state = kept.map_or(VersionState::Applied, |kept| kept.state);
    let judged = match (outcome.verdict, &outcome.ack) {
        (Verdict::Applied, Some(ack)) => {
            let known = app.store.in_force(engine, kind).await? == head.version;
            let news = !known || state == VersionState::Unknown;
            news.then_some((VersionState::Applied, Some(ack.applied_at_ns)))
        }
        (Verdict::Refused, _) if state == VersionState::Unknown => {
            Some((VersionState::Refused, None))
        }
        _ => None,
    };
    let Some((state, at)) = judged else { return Ok(()) };
    tracing::info!(engine, version = head.version, state = state.name(), "acknowledged late");
    app.store.judge(engine, kind, head.version, state, at, &outcome.why).await
}
