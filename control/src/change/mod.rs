//! The one way in which anything is changed.
//!
//! ```text
//!  policy ─> key ─> turn ─> version ─> validation ─> write-ahead ─> audit: intended ─> effect
//!                                                                                        │
//!             answer <─ kept under the key <─ audit: result <─ outcome written <─ acknowledgement
//! ```
//!
//! Model: an endpoint says who asks for what ([`Ask`]) and gives a function that looks at the present
//! state and either answers at once or names an effect ([`Prepared`]). An effect is data, not code
//! ([`Effect`]): it is written down before it happens, so that whatever process comes next can look
//! at the engine and tell what became of it ([`mod@settle`]).
//!
//! - One change of an engine at a time, in its turn; nobody publishes between the look at the
//!   version and the effect.
//! - What is refused before its effect leaves no trace under its idempotency key; from the effect on
//!   the answer is kept, and the same request again gets it without a second effect.
//! - A change goes on when whoever asked has gone: the caller's connection carries the answer only.
//! - An engine that does not acknowledge in time makes the outcome unknown, never "it did not
//!   happen". The next look at the engine may still settle it.
//!
//! Worst case: a bounded number of changes wait or run, in all and of one person ([`Places`]), and
//! only of those who may; further ones are refused. One takes a handful of fsyncs and at most
//! [`ACK_WAIT`].

mod effect;
pub mod models;
mod page;
pub mod pages;
mod places;
mod record;
pub mod rollout;
mod schema;
mod settle;
pub mod upkeep;

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::Value as Json_;

use crate::app::App;
use crate::audit::AuditError;
use crate::denials;
use crate::identity::Caller;
use crate::policy::{Action, Resource};
use crate::problem::{self, Problem};
use crate::store::{Claim, StoreError, Stored};

pub use effect::{Ack, CommandName, Effect, Outcome, Verdict};
pub use effect::{ack, schema};
pub use page::{Difference, Overlay, Setting, Side, Target, Value, words};
pub use places::Places;
pub use record::Record;
pub use schema::{Schema, SpecRow};
pub use settle::settle;

/// How long an engine may take to acknowledge: a thousand times what it needs.
pub const ACK_WAIT: Duration = Duration::from_secs(3);
/// An idempotency key and the request it stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    /// As the caller sent it.
    pub text: String,
    /// SHA-256 over method, path and body.
    pub fingerprint: [u8; 32],
}

/// Who asks for what.
#[derive(Clone, Debug)]
pub struct Ask {
    /// Who.
    pub caller: Caller,
    /// What it is called in the audit log.
    pub action: Action,
    /// What the policy must allow before anything is looked at.
    pub needs: Vec<(Action, Resource)>,
    /// What is changed one at a time: `engine a`, `configuration 3`.
    pub turn: String,
    /// Why, in the caller's words.
    pub reason: String,
    /// So that a repeated request does not act twice.
    pub key: Option<Key>,
}

/// What a look at the present state came to.
pub enum Prepared {
    /// Nothing is to be done.
    Answer(Answer),
    /// This is.
    Intent(Box<Intent>),
}

/// A change that is possible.
#[derive(Clone, Debug)]
pub struct Intent {
    /// What is to happen.
    pub effect: Effect,
    /// Object of the audit entries: `engine/a/limits`.
    pub object: String,
    /// Values before, for the audit log.
    pub before: Json_,
    /// Values after.
    pub after: Json_,
    /// What else the answer says.
    pub detail: Json_,
    /// Whether the values stand nowhere in the audit log yet. Those of a version that was made before
    /// do: where they are too long for an entry once more, its number stands for them.
    pub new_values: bool,
}

/// An answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// The status.
    pub status: StatusCode,
    /// The body; its `etag`, if any, becomes the header.
    pub body: Json_,
    /// Whether it is one that was given before.
    pub replayed: bool,
}

impl Answer {
    /// 200.
    pub fn ok(body: Json_) -> Answer {
        Answer { status: StatusCode::OK, body, replayed: false }
    }

    /// As it is kept under a key.
    pub(crate) fn stored(&self) -> Stored {
        Stored { status: self.status.as_u16(), body: self.body.to_string() }
    }

    fn again(stored: &Stored) -> Result<Answer, Problem> {
        let body = serde_json::from_str(&stored.body);
        let status = StatusCode::from_u16(stored.status);
        let wrong = |_| Problem::internal("the answer kept under this key cannot be read");
        let (body, status) = (body.map_err(|_| wrong(())), status.map_err(|_| wrong(())));
        Ok(Answer { status: status?, body: body?, replayed: true })
    }
}

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        let etag = self.body.get("etag").and_then(Json_::as_str);
        let etag = etag.and_then(|etag| HeaderValue::from_str(etag).ok());
        let failed = self.status.is_client_error() || self.status.is_server_error();
        let mut response = match self.status {
            StatusCode::NO_CONTENT => self.status.into_response(),
            status => (status, Json(self.body)).into_response(),
        };
        let headers = response.headers_mut();
        if failed {
            let kind = HeaderValue::from_static("application/problem+json");
            headers.insert(header::CONTENT_TYPE, kind);
        }
        etag.map(|etag| headers.insert(header::ETAG, etag));
        if self.replayed {
            let name = HeaderName::from_static("idempotent-replayed");
            headers.insert(name, HeaderValue::from_static("true"));
        }
        response
    }
}

/// Does what is asked, or says why not. `prepare` looks at the present state once it is the
/// request's turn.
///
/// # Errors
/// Not allowed; the key stands for another request; whatever `prepare` refuses; the audit log or the
/// store cannot be written. A problem means that nothing was changed, but for one of code
/// `outcome_unknown`.
pub async fn perform<P, F>(app: &Arc<App>, ask: Ask, prepare: P) -> Result<Answer, Problem>
where
    P: FnOnce(Arc<App>) -> F + Send + 'static,
    F: Future<Output = Result<Prepared, Problem>> + Send + 'static,
{
    // The policy first: who may not takes nobody's place.
    allow(app, &ask, &ask.needs).await?;
    let place = app.places.take(&ask.caller.person)?;
    let app = app.clone();
    let work = async move {
        let _place = place;
        in_turn(&app, ask, prepare).await
    };
    to_its_end(work).await
}

/// Does `work` to its end, as a task of its own: also when the caller hangs up.
///
/// # Errors
/// Those of `work`; it was broken off.
pub(crate) async fn to_its_end<F>(work: F) -> Result<Answer, Problem>
where
    F: Future<Output = Result<Answer, Problem>> + Send + 'static,
{
    let work = tokio::spawn(problem::correlated(problem::correlation(), work));
    work.await.unwrap_or_else(|_| Err(unknown("the change was broken off")))
}

async fn in_turn<P, F>(app: &Arc<App>, ask: Ask, prepare: P) -> Result<Answer, Problem>
where
    P: FnOnce(Arc<App>) -> F,
    F: Future<Output = Result<Prepared, Problem>>,
{
    let _same_key = match &ask.key {
        Some(key) => Some(app.store.turn(&format!("key {} {}", ask.caller.person, key.text)).await),
        None => None,
    };
    if let Some(answer) = replay(app, &ask).await? {
        return Ok(answer);
    }
    let _turn = app.store.turn(&ask.turn).await;
    match prepare(app.clone()).await? {
        Prepared::Answer(answer) => Ok(answer),
        Prepared::Intent(intent) => carry(app, &ask, *intent).await,
    }
}

/// Asks the policy; a denial goes into the audit log, so many a second of one person.
///
/// # Errors
/// It is denied.
pub(crate) async fn allow(
    app: &Arc<App>,
    ask: &Ask,
    needs: &[(Action, Resource)],
) -> Result<(), Problem> {
    for (action, on) in needs {
        if let Err(denied) = app.policy.check(&ask.caller, *action, on) {
            return Err(denials::refuse(app, &ask.caller, &ask.reason, denied).await);
        }
    }
    Ok(())
}

async fn replay(app: &Arc<App>, ask: &Ask) -> Result<Option<Answer>, Problem> {
    let Some(key) = &ask.key else { return Ok(None) };
    let claim = app.store.claim(&ask.caller.person, &key.text, key.fingerprint).await;
    answered(claim.map_err(store_failed)?, key)
}

/// What a key that was claimed brings back; `None`: it is new.
///
/// # Errors
/// It stands for another request, or for one that is not settled.
pub(crate) fn answered(claim: Claim, key: &Key) -> Result<Option<Answer>, Problem> {
    match claim {
        Claim::New => Ok(None),
        Claim::Answered(stored) => Answer::again(&stored).map(Some),
        Claim::UnderWay => Err(unknown("the first request with this key is not settled yet")),
        Claim::OtherRequest => Err(Problem::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "key_reused",
            "The Idempotency-Key stands for another request",
            format!("the key {:?} was sent with another method, path or body", key.text),
        )
        .todo("send a new key with each new request, and the old one only to repeat")),
    }
}

/// From the write-ahead on: intent into the log, effect, result. The turn is the caller's. New
/// values that are too long for an entry of the log are refused before their effect.
///
/// # Errors
/// As for [`perform`].
pub(crate) async fn carry(app: &Arc<App>, ask: &Ask, intent: Intent) -> Result<Answer, Problem> {
    let new_values = intent.new_values;
    let record = Record::new(ask, intent);
    let key = ask.key.as_ref().map(|key| (key.text.clone(), key.fingerprint));
    let begun = app.store.begin(&ask.caller.person, key, record.to_json(), now()).await;
    let id = begun.map_err(store_failed)?;
    step(id, "intended");
    if let Err(e) = log_intent(app, id, &record, new_values).await {
        abandon(app, id, &record).await?;
        if matches!(e, AuditError::TooLarge { .. }) {
            return Err(e.into());
        }
        return Err(Problem::unavailable("audit", format!("the audit log cannot be written: {e}"))
            .todo("nothing was changed; see to the disk of audit.path, then send it again"));
    }
    step(id, "audited");
    let outcome = effect::carry_out(app, id, &record).await;
    step(id, "acknowledged");
    conclude(app, id, &record, outcome).await
}

/// Writes the outcome down, into the log and under the key, and answers.
pub(crate) async fn conclude(
    app: &Arc<App>,
    id: u64,
    record: &Record,
    outcome: Outcome,
) -> Result<Answer, Problem> {
    let late = |e: StoreError| unknown(format!("its outcome cannot be written down: {e}"));
    app.store.know(id, outcome.to_json()).await.map_err(late)?;
    step(id, "known");
    effect::judge(app, record, &outcome).await.map_err(late)?;
    if let Err(e) = log_result(app, id, record, &outcome).await {
        // The row stays unended: the result goes into the log when it can be written again.
        return Err(unknown(format!("its result cannot be written to the audit log: {e}")));
    }
    step(id, "logged");
    let answer = effect::answer(record, &outcome);
    app.store.end(id, answer.stored()).await.map_err(late)?;
    step(id, "ended");
    Ok(answer)
}

/// Writes the intent into the log, in short where it is too long and its values stand there already.
async fn log_intent(
    app: &App,
    id: u64,
    record: &Record,
    new_values: bool,
) -> Result<u64, AuditError> {
    let clock = app.clock.error_ns();
    match app.audit.record(record.entry(clock, Phase::Intended, id)).await {
        Err(e @ AuditError::TooLarge { .. }) if !new_values => {
            app.audit.record(record.entry(clock, Phase::IntendedInShort(&e), id)).await
        }
        written => written,
    }
}

/// Writes the result into the log. One that is too long for an entry is written in short, so that
/// nothing that an engine or a configuration says keeps a change under way for ever.
async fn log_result(
    app: &App,
    id: u64,
    record: &Record,
    outcome: &Outcome,
) -> Result<u64, AuditError> {
    let clock = app.clock.error_ns();
    match app.audit.record(record.entry(clock, Phase::Result(outcome), id)).await {
        Err(e @ (AuditError::TooLarge { .. } | AuditError::Encoding(_))) => {
            app.audit.record(record.entry(clock, Phase::Short(outcome, &e), id)).await
        }
        written => written,
    }
}

/// Takes a change back whose effect did not begin.
async fn abandon(app: &Arc<App>, id: u64, record: &Record) -> Result<(), Problem> {
    let outcome = Outcome::not_done("the audit log could not be written");
    effect::judge(app, record, &outcome).await.map_err(store_failed)?;
    app.store.abandon(id).await.map_err(store_failed)
}

/// What an audit entry tells of.
pub(crate) enum Phase<'a> {
    Intended,
    /// The intent without the values, which cannot be written once more for this reason.
    IntendedInShort(&'a AuditError),
    Result(&'a Outcome),
    /// The result without the outcome, which cannot be written for this reason.
    Short(&'a Outcome, &'a AuditError),
}

/// A trace of how far a change came.
fn step(id: u64, step: &'static str) {
    tracing::debug!(id, step, "change");
}

pub(crate) fn now() -> u64 {
    crate::time::now().0
}

pub(crate) fn store_failed(error: StoreError) -> Problem {
    match error {
        StoreError::Full(_) => Problem::unavailable("store_full", error.to_string()),
        _ => Problem::unavailable("store", error.to_string())
            .todo("nothing was changed; see to the disk of store.path, then send it again"),
    }
}

pub(crate) fn unknown(detail: impl Into<String>) -> Problem {
    Problem::new(
        StatusCode::SERVICE_UNAVAILABLE,
        "outcome_unknown",
        "What became of it is not known",
        detail,
    )
    .todo(
        "it may have taken effect: look at the engine, or send it again with the same \
           Idempotency-Key; it is settled as soon as engine, store and audit log can be reached",
    )
}
