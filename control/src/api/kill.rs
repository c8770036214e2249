//! The kill switch: its state, engaging (one person, one call), releasing (two people).
//!
//! Whatever leads to a release is done once under its idempotency key ([`kill::once`]). Engaging asks
//! for no key: it depends on nothing, and doing it again is harmless.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::asked::{KeyHeader, Keyed, SentKey};
use super::{Body, CanRead, Path};
use crate::app::App;
use crate::audit::Entry;
use crate::change::{Answer, store_failed};
use crate::denials;
use crate::identity::{Caller, Peer};
use crate::kill::{
    self, By, Covered, Engaged, EngineKill, Finding, NotReleased, Outcome, Proposal, Wanted,
};
use crate::policy::{Action, Denied, Resource};
use crate::problem::{self, FieldError, Problem, ProblemBody};
use crate::store::Kind;
use crate::time;

/// Longest reason.
const REASON_MAX: usize = 1_000;

/// Routes below `/api/v1`.
pub fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(state, engage))
        .routes(routes!(propose))
        .routes(routes!(approve))
        .routes(routes!(withdraw))
}

/// The kill switch as it is.
#[derive(Serialize, ToSchema)]
struct KillState {
    /// Every engine.
    items: Vec<EngineKill>,
    /// Whether the kill file is there; null: none is watched.
    file: Option<bool>,
    /// Releases that wait for a second person.
    proposals: Vec<Proposed>,
    /// How long the second person has, seconds.
    window_s: u64,
}

/// A release that waits for a second person.
#[derive(Serialize, ToSchema)]
struct Proposed {
    /// Its id.
    id: String,
    /// The engine, or `*`.
    engine: String,
    /// What is to be released.
    scope: String,
    /// Why.
    reason: String,
    /// Who asked.
    by: String,
    /// When, nanoseconds since 1970.
    at_ns: u64,
    /// Until when, nanoseconds since 1970.
    expires_ns: u64,
    /// What the checks found when it was proposed; in the answer to the proposal only.
    checks: Vec<Finding>,
}

impl Proposed {
    fn of(proposal: Proposal, checks: Vec<Finding>) -> Proposed {
        Proposed {
            id: proposal.id,
            engine: proposal.engine,
            scope: proposal.covered.to_string(),
            reason: proposal.reason,
            by: proposal.by.person,
            at_ns: proposal.at,
            expires_ns: proposal.expires,
            checks,
        }
    }
}

/// What is engaged where, and which releases wait.
#[utoipa::path(get, path = "/kill", tag = "kill", responses(
    (status = 200, body = KillState),
    (status = "4XX", description = "what is wrong", body = ProblemBody, content_type = "application/problem+json"),
))]
async fn state(State(app): State<Arc<App>>, reader: CanRead) -> Result<Json<KillState>, Problem> {
    blocking(move || KillState {
        items: app.kill.state().into_iter().filter(|e| reader.sees(&app, &e.engine)).collect(),
        file: app.kill.file().map(kill::file::is_there),
        proposals: app.kill.proposals().into_iter().map(|p| Proposed::of(p, Vec::new())).collect(),
        window_s: app.kill.window().as_secs(),
    })
    .await
    .map(Json)
}

/// Stops orders. An empty object stops everything everywhere.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Engage {
    /// Name of the engine, or `*` for all of them.
    #[serde(default = "all")]
    engine: String,
    /// `everything`, `account N`, `symbol X` or `instrument N`.
    #[serde(default = "everything")]
    scope: String,
    /// Why; may be left out.
    #[serde(default)]
    reason: String,
}

fn all() -> String {
    "*".into()
}

fn everything() -> String {
    "everything".into()
}

/// What became of it.
#[derive(Serialize, ToSchema)]
struct EngagedBody {
    /// `engaged`; `partial`: not on every engine, see each; `failed`: on none.
    result: &'static str,
    /// What was engaged.
    scope: String,
    /// Each engine.
    engines: Vec<Outcome>,
    /// Number of the entry in the audit log, the first where each engine has its own; null: the log
    /// could not be written yet, it is tried again. Engaging does not wait for it.
    audit: Option<u64>,
}

/// Engages the kill switch: holds from the answer on, over restarts of engine and control.
///
/// `*` stops every engine that the caller may stop; the others are named as failed.
///
/// An `Idempotency-Key` is not looked at: sent again, it engages again. That is harmless, and a kill
/// is never answered from memory.
#[utoipa::path(post, path = "/kill", tag = "kill", request_body = Engage, responses(
    (status = 200, description = "engaged everywhere", body = EngagedBody),
    (status = 207, description = "not on every engine: each is named", body = EngagedBody),
    (status = 503, description = "on no engine: each is named", body = EngagedBody),
    (status = "4XX", description = "what is wrong; nothing was engaged", body = ProblemBody, content_type = "application/problem+json"),
))]
async fn engage(
    State(app): State<Arc<App>>,
    caller: Caller,
    Body(asked): Body<Engage>,
) -> Result<Response, Problem> {
    let spared = match spared(&app, &caller, &asked.engine) {
        Ok(spared) => spared,
        Err(denied) => {
            return Err(denials::refuse(&app, &caller, &asked.reason, denied).await);
        }
    };
    let covered = covered(&asked.scope)?;
    let reason = reason(&asked.reason)?;
    let by = By::caller(&caller);
    let engaged = match spared.is_empty() {
        true => kill::engage(&app, by, &asked.engine, &covered, reason).await,
        false => Some(engage_the_rest(&app, &caller, spared, &covered, reason).await),
    };
    let engaged = engaged.ok_or_else(|| no_engine(&asked.engine))?;
    let some = engaged.outcomes.iter().any(|outcome| outcome.result != "failed");
    let (status, result) = match (engaged.is_whole(), some) {
        (true, _) => (StatusCode::OK, "engaged"),
        (false, true) => (StatusCode::MULTI_STATUS, "partial"),
        (false, false) => (StatusCode::SERVICE_UNAVAILABLE, "failed"),
    };
    let (engines, audit) = (engaged.outcomes, engaged.audit);
    let body = EngagedBody { result, scope: covered.to_string(), engines, audit };
    Ok((status, Json(body)).into_response())
}

/// Of the engines that `engine` means those that the caller may not stop. Stopping is the safe
/// direction: who may stop some of all is not refused, but stops those.
fn spared(app: &App, caller: &Caller, engine: &str) -> Result<Vec<Denied>, Denied> {
    let on = Resource::engine(engine);
    let each = if engine == "*" { on.on_each(app.engines.names()) } else { Vec::new() };
    if each.is_empty() {
        return app.policy.check(caller, Action::Kill, &on).map(|()| Vec::new());
    }
    let may = |on: &Resource| app.policy.check(caller, Action::Kill, on);
    let mut denied: Vec<Denied> = each.iter().filter_map(|on| may(on).err()).collect();
    match denied.len() == each.len() {
        true => Err(denied.swap_remove(0)),
        false => Ok(denied),
    }
}

/// Engages on every engine but those that are denied, at once, and names these too.
async fn engage_the_rest(
    app: &Arc<App>,
    caller: &Caller,
    spared: Vec<Denied>,
    covered: &Covered,
    reason: &str,
) -> Engaged {
    let others = app.engines.names().filter(|name| spared.iter().all(|no| no.on.engine != **name));
    let engage = |name: &str| {
        let (app, by, covered) = (app.clone(), By::caller(caller), covered.clone());
        let (name, reason) = (name.to_owned(), reason.to_owned());
        tokio::spawn(async move { kill::engage(&app, by, &name, &covered, &reason).await })
    };
    let tasks: Vec<_> = others.map(engage).collect();
    let mut all = Engaged { outcomes: Vec::new(), audit: None };
    for task in tasks {
        let Ok(Some(one)) = task.await else { continue };
        all.outcomes.extend(one.outcomes);
        all.audit = all.audit.or(one.audit);
    }
    all.outcomes.extend(spared.iter().map(|denied| not_allowed(app, denied)));
    for denied in &spared {
        denials::record(app, caller, reason, denied).await;
    }
    all
}

fn not_allowed(app: &App, denied: &Denied) -> Outcome {
    let shot = app.engines.shot(&denied.on.engine).ok();
    Outcome {
        engine: denied.on.engine.clone(),
        result: "failed",
        detail: denied.to_string(),
        todo: denied.todo(),
        alive: shot.as_ref().is_some_and(|shot| shot.engine.alive),
        engaged: shot.map(|shot| shot.kill.clone()).unwrap_or_default(),
    }
}

/// Asks for a release.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Propose {
    /// Name of the engine, or `*` for all of them.
    engine: String,
    /// `everything`, `account N`, `symbol X` or `instrument N`.
    scope: String,
    /// Why orders may pass again.
    reason: String,
}

/// Proposes that orders pass again: another person must agree within the window.
///
/// Keys are kept in memory, like proposals: both end with this process.
#[utoipa::path(post, path = "/kill/releases", tag = "kill", params(KeyHeader), request_body = Propose, responses(
    (status = 201, body = Proposed),
    (status = "4XX", description = "what is wrong; it stays engaged", body = ProblemBody, content_type = "application/problem+json"),
    (status = 503, description = "the audit log cannot be written, or what became of it is not known", body = ProblemBody, content_type = "application/problem+json"),
))]
async fn propose(
    State(app): State<Arc<App>>,
    peer: Peer,
    asked: Keyed<Propose>,
) -> Result<Answer, Problem> {
    let Keyed { caller, key, body: asked } = asked;
    may_release(&app, &caller, &asked.engine, &asked.reason).await?;
    let covered = covered(&asked.scope)?;
    let why = reason(&asked.reason)?.to_owned();
    let (desk, person) = (app.clone(), caller.person.clone());
    let work = async move {
        propose_and_record(&app, (caller, peer), &asked.engine, &covered, &why).await
    };
    kill::once(&desk, &person, key, work).await
}

/// Makes the proposal, records it.
async fn propose_and_record(
    app: &Arc<App>,
    by: (Caller, Peer),
    engine: &str,
    covered: &Covered,
    why: &str,
) -> Result<Answer, Problem> {
    let entry = entry(app, &by.0, engine, covered, why, "release_propose");
    let (desk, on) = (app.clone(), engine.to_owned());
    let (what, because, wanted) = (covered.clone(), why.to_owned(), wanted(app).await?);
    let propose = move || desk.kill.propose((&by.0, &by.1), &on, &what, &because, &wanted);
    let proposed = blocking(propose).await?;
    let (proposal, checks) = match proposed {
        Ok(proposed) => proposed,
        Err(not) => return Err(refuse(app, entry, not).await),
    };
    let written = app.audit.record(Entry {
        after: json!({ "proposal": proposal.id, "scope": covered.to_string(), "checks": checks }),
        result: "done".into(),
        ..entry
    });
    if let Err(error) = written.await {
        app.kill.withdraw(&proposal.id);
        return Err(no_audit(&error));
    }
    answer(StatusCode::CREATED, &Proposed::of(proposal, checks))
}

/// Agrees to a release.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Approve {
    /// A remark; may be left out.
    #[serde(default)]
    reason: String,
}

/// What became of it.
#[derive(Serialize, ToSchema)]
struct Released {
    /// `released`; `partial`: not on every engine, see each; `failed`: on none.
    result: &'static str,
    /// What was released.
    scope: String,
    /// Each engine.
    engines: Vec<Outcome>,
    /// What the checks found.
    checks: Vec<Finding>,
    /// Number of the entry that was written before.
    audit: u64,
}

/// Agrees to a release as another person: checks again, records, lets orders pass.
///
/// Keys are kept in memory, like proposals: both end with this process.
#[utoipa::path(post, path = "/kill/releases/{id}/approve", tag = "kill",
    params(("id" = String, Path, description = "id of the proposal"), KeyHeader),
    request_body = Approve, responses(
    (status = 200, description = "released everywhere", body = Released),
    (status = 207, description = "not on every engine: each is named", body = Released),
    (status = "4XX", description = "what is wrong; it stays engaged", body = ProblemBody, content_type = "application/problem+json"),
    (status = 503, description = "the audit log cannot be written, or what became of it is not known", body = ProblemBody, content_type = "application/problem+json"),
))]
async fn approve(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
    asked: Keyed<Approve>,
) -> Result<Answer, Problem> {
    let Keyed { caller, key, body: asked } = asked;
    let remark = reason(&asked.reason)?.to_owned();
    let (desk, person) = (app.clone(), caller.person.clone());
    let work = async move {
        let found = proposed(&app, &caller, &id, &remark).await?;
        agree(&app, &caller, id, found, &remark).await
    };
    kill::once(&desk, &person, key, work).await
}

/// Agrees to the proposal, of which `found` is what it was before, and releases.
async fn agree(
    app: &Arc<App>,
    caller: &Caller,
    id: String,
    found: Option<Proposal>,
    remark: &str,
) -> Result<Answer, Problem> {
    let (desk, by, wanted) = (app.clone(), caller.clone(), wanted(app).await?);
    let agreed = blocking(move || desk.kill.agree(&id, &by, &desk.policy, &wanted)).await?;
    let (proposal, checks) = match agreed {
        Ok(agreed) => agreed,
        Err(not) => {
            let entry = match &found {
                Some(p) => entry(app, caller, &p.engine, &p.covered, remark, "release_approve"),
                None => plain(app, caller, "kill/releases", remark, "release_approve"),
            };
            return Err(refuse(app, entry, not).await);
        }
    };
    release(app, caller, proposal, checks, remark).await
}

/// Records the intent, releases, records what became of it.
async fn release(
    app: &Arc<App>,
    caller: &Caller,
    proposal: Proposal,
    checks: Vec<Finding>,
    remark: &str,
) -> Result<Answer, Problem> {
    let covered = proposal.covered.clone();
    let intent = Entry {
        before: json!({ "scope": covered.to_string(), "engaged": true }),
        after: json!({
            "scope": covered.to_string(), "engaged": false, "proposal": proposal.id,
            "proposed_by": proposal.by.person, "proposed_serial": proposal.by.serial,
            "proposed_reason": proposal.reason, "approved_by": caller.person,
            "approved_serial": caller.serial, "checks": checks,
        }),
        result: "intent".into(),
        ..entry(app, caller, &proposal.engine, &covered, remark, "release")
    };
    let audit = match app.audit.record(intent.clone()).await {
        Ok(number) => number,
        Err(error) => {
            app.kill.put_back(proposal);
            return Err(no_audit(&error));
        }
    };
    let desk = app.clone();
    let engines = blocking(move || desk.kill.release(&proposal)).await?;
    let count = |result: &str| engines.iter().filter(|outcome| outcome.result == result).count();
    let (status, result, recorded) = match (count("released"), count("failed")) {
        (n, _) if n == engines.len() => (StatusCode::OK, "released", "done"),
        (_, n) if n == engines.len() => (StatusCode::CONFLICT, "failed", "failed"),
        _ => (StatusCode::MULTI_STATUS, "partial", "unknown"),
    };
    let after = json!({ "intent": audit, "engines": engines });
    let outcome = Entry { after, result: recorded.into(), when: time::now().0, ..intent };
    if let Err(error) = app.audit.record(outcome).await {
        tracing::error!(%error, intent = audit, recorded, "the outcome of a release is not recorded");
    }
    if status == StatusCode::CONFLICT {
        let errors = engines.into_iter();
        let errors = errors.map(|o| FieldError { field: o.engine, problem: o.detail }).collect();
        let problem = problem_of(&NotReleased::Changed("every engine".into()));
        // An answer, to be kept: the proposal is used up.
        return answer(status, &Problem { errors, ..problem }.body());
    }
    answer(status, &Released { result, scope: covered.to_string(), engines, checks, audit })
}

/// Takes a proposal back; whoever may release may do so.
///
/// Keys are kept in memory, like proposals: both end with this process.
#[utoipa::path(delete, path = "/kill/releases/{id}", tag = "kill",
    params(("id" = String, Path, description = "id of the proposal"), KeyHeader), responses(
    (status = 204, description = "taken back"),
    (status = "4XX", description = "what is wrong", body = ProblemBody, content_type = "application/problem+json"),
    (status = 503, description = "what became of it is not known", body = ProblemBody, content_type = "application/problem+json"),
))]
async fn withdraw(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(id): Path<String>,
    SentKey(key): SentKey,
) -> Result<Answer, Problem> {
    let (desk, person) = (app.clone(), caller.person.clone());
    kill::once(&desk, &person, key, async move { take_back(&app, &caller, &id).await }).await
}

async fn take_back(app: &Arc<App>, caller: &Caller, id: &str) -> Result<Answer, Problem> {
    proposed(app, caller, id, "").await?;
    let taken = app.kill.withdraw(id).ok_or_else(|| problem_of(&NotReleased::NoProposal))?;
    let (engine, covered) = (&taken.engine, &taken.covered);
    let entry = entry(app, caller, engine, covered, "", "release_withdraw");
    let entry = Entry { result: "done".into(), sensitive: false, ..entry };
    // Taking back makes nothing looser: it holds without its entry.
    if let Err(error) = app.audit.record(entry).await {
        tracing::error!(%error, id, "a proposal was taken back, and that is not recorded");
    }
    Ok(Answer { status: StatusCode::NO_CONTENT, body: Value::Null, replayed: false })
}

fn answer(status: StatusCode, body: &impl Serialize) -> Result<Answer, Problem> {
    let body = serde_json::to_value(body).map_err(|e| Problem::internal(e.to_string()))?;
    Ok(Answer { status, body, replayed: false })
}

/// The proposal, if it is there; refuses who may not release what it is about. Of one that is not
/// there everything is asked for: who may not release learns nothing of proposals.
async fn proposed(
    app: &Arc<App>,
    caller: &Caller,
    id: &str,
    reason: &str,
) -> Result<Option<Proposal>, Problem> {
    let found = app.kill.proposals().into_iter().find(|proposal| proposal.id == id);
    let engine = found.as_ref().map_or("*", |proposal| proposal.engine.as_str());
    may_release(app, caller, engine, reason).await?;
    Ok(found)
}

async fn may_release(
    app: &Arc<App>,
    caller: &Caller,
    engine: &str,
    reason: &str,
) -> Result<(), Problem> {
    match app.may(caller, Action::Release, &Resource::engine(engine)) {
        Ok(()) => Ok(()),
        Err(denied) => Err(denials::refuse(app, caller, reason, denied).await),
    }
}

/// The limits that the engines should run. A store that cannot be read shows nothing to be good.
async fn wanted(app: &App) -> Result<Wanted, Problem> {
    let mut wanted = Wanted::new();
    for name in app.engines.names() {
        let version = app.store.in_force(name, Kind::Params).await.map_err(store_failed)?;
        wanted.insert(name.to_owned(), version);
    }
    Ok(wanted)
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Problem> {
    tokio::task::spawn_blocking(work).await.map_err(|e| Problem::internal(e.to_string()))
}

fn covered(text: &str) -> Result<Covered, Problem> {
    text.parse().map_err(|e: kill::NoSuchScope| {
        Problem::invalid(e.to_string()).field("scope", "no such scope")
    })
}

fn reason(text: &str) -> Result<&str, Problem> {
    match text.chars().count() {
        0..=REASON_MAX => Ok(text),
        n => Err(Problem::invalid(format!("the reason has {n} characters, at most {REASON_MAX}"))
            .field("reason", "too long")),
    }
}

fn no_engine(name: &str) -> Problem {
    let name: String = name.chars().take(80).collect();
    Problem::not_found(format!("there is no engine {name:?}"))
        .todo("GET /api/v1/engines lists them; `*` means all")
}

fn entry(
    app: &App,
    caller: &Caller,
    engine: &str,
    covered: &Covered,
    reason: &str,
    action: &str,
) -> Entry {
    let object = format!("engine/{engine}/kill/{covered}");
    plain(app, caller, &object.chars().take(200).collect::<String>(), reason, action)
}

fn plain(app: &App, caller: &Caller, object: &str, reason: &str, action: &str) -> Entry {
    Entry {
        who: caller.person.clone(),
        role: caller.roles_text(),
        action: action.to_owned(),
        object: object.to_owned(),
        when: time::now().0,
        clock_error_ns: app.clock.error_ns(),
        before: Value::Null,
        after: Value::Null,
        reason: reason.to_owned(),
        correlation: problem::correlation(),
        result: String::new(),
        sensitive: true,
    }
}

/// Records a refusal; it is one whether or not the log can be written.
async fn refuse(app: &App, entry: Entry, not: NotReleased) -> Problem {
    let after = json!({ "refused": not.to_string() });
    let entry = Entry { after, result: "refused".into(), sensitive: false, ..entry };
    if let Err(error) = app.audit.record(entry).await {
        tracing::error!(%error, refused = %not, "a refused release is not recorded");
    }
    problem_of(&not)
}

fn no_audit(error: &crate::audit::AuditError) -> Problem {
    Problem::unavailable("audit_unavailable", format!("not released: {error}")).todo(
        "make the audit log writable again (audit.path: disk full? permissions?); it stays engaged",
    )
}

fn problem_of(not: &NotReleased) -> Problem {
    let new = |status, code, title, todo: &str| {
        Problem::new(status, code, title, not.to_string()).todo(todo)
    };
    let conflict = StatusCode::CONFLICT;
    match not {
        NotReleased::NoEngine(name) => no_engine(name),
        NotReleased::NoReason => Problem::invalid(not.to_string()).field("reason", "is empty"),
        NotReleased::NotEngaged(..) => new(
            conflict,
            "not_engaged",
            "Nothing to release",
            "GET /api/v1/kill shows what is engaged; release exactly that scope",
        ),
        NotReleased::Checks(findings) => {
            let bad = findings.iter().filter(|finding| !finding.ok);
            let field = |f: &Finding| FieldError {
                field: format!("{}.{}", f.engine, f.name),
                problem: f.detail.clone(),
            };
            let problem = new(
                conflict,
                "checks_failed",
                "The engine is not fit to trade",
                "put right what the errors name, then try again",
            );
            Problem { errors: bad.map(field).collect(), ..problem }
        }
        NotReleased::NoProposal => new(
            StatusCode::NOT_FOUND,
            "no_proposal",
            "There is no such proposal",
            "propose again: POST /api/v1/kill/releases",
        ),
        NotReleased::WindowOver => new(
            StatusCode::GONE,
            "window_over",
            "Too late",
            "propose again; the second person has kill.release_window_s seconds",
        ),
        NotReleased::SamePerson(_) => new(
            StatusCode::FORBIDDEN,
            "same_person",
            "Two people are needed",
            "ask another person with role risk or admin to approve",
        ),
        NotReleased::ProposerOut(..) => new(
            conflict,
            "proposer_out",
            "The proposal is void",
            "find out why, then have somebody propose again who may release",
        ),
        NotReleased::Changed(_) => new(
            conflict,
            "state_changed",
            "The proposal is void",
            "look at GET /api/v1/kill, find out why it was engaged again, then propose again",
        ),
        NotReleased::TooMany => new(
            StatusCode::TOO_MANY_REQUESTS,
            "too_many_proposals",
            "Too many proposals",
            "withdraw some: DELETE /api/v1/kill/releases/{id}",
        ),
    }
}
