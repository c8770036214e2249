//! Configurations: drafts, validation, canary, roll-out, roll back.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::asked::{self, Asked, ChangeHeaders, IfMatch};
use super::limits::below;
use super::{CanRead, Cursor, Page, Path, Query};
use crate::app::App;
use crate::change::pages::{etag, version_needed};
use crate::change::rollout::{self, Move};
use crate::change::{self, Answer, Ask, Difference, Setting, Target, now};
use crate::identity::Caller;
use crate::policy::{Action, Resource};
use crate::problem::{Problem, ProblemBody};
use crate::store::{Configuration, Entry, Stage, Transition};

/// Routes below `/api/v1`.
pub fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(list, draft))
        .routes(routes!(read))
        .routes(routes!(diff))
        .routes(routes!(validate))
        .routes(routes!(canary))
        .routes(routes!(apply))
        .routes(routes!(roll_back))
}

/// Configurations, newest first.
#[utoipa::path(get, path = "/configurations", tag = "configurations", params(Cursor), responses(
    (status = 200, body = Page<Configuration>),
    (status = "4XX", body = ProblemBody, content_type = "application/problem+json"),
    (status = "5XX", body = ProblemBody, content_type = "application/problem+json"),
))]
async fn list(
    State(app): State<Arc<App>>,
    _: CanRead,
    Query(page): Query<Cursor>,
) -> Result<Json<Page<Configuration>>, Problem> {
    let (below, limit) = (below(&page)?, page.limit()?);
    let found = app.store.configurations(below, limit as u32 + 1).await;
    let mut items = found.map_err(change::store_failed)?;
    let more = items.len() > limit;
    items.truncate(limit);
    let next = items.last().filter(|_| more).map(|last| last.id.to_string());
    Ok(Json(Page { items, next }))
}

/// A draft.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Draft {
    /// Its name.
    #[schema(max_length = 64)]
    name: String,
    /// The engines it is for, in the order in which they get it.
    engines: Vec<String>,
    /// Values to set.
    #[serde(default)]
    set: Vec<Setting>,
    /// Places that go back to the engine's configuration file.
    #[serde(default)]
    unset: Vec<Target>,
    /// Why.
    reason: String,
}

/// Writes a draft. Nothing reaches an engine.
#[utoipa::path(post, path = "/configurations", tag = "configurations", params(ChangeHeaders),
    request_body = Draft, responses(
    (status = 201, body = Configuration),
    (status = "4XX", body = ProblemBody, content_type = "application/problem+json"),
    (status = "5XX", body = ProblemBody, content_type = "application/problem+json"),
))]
async fn draft(State(app): State<Arc<App>>, asked: Asked<Draft>) -> Result<Answer, Problem> {
    let Asked { caller, key, body, .. } = asked;
    let Draft { name, engines, set, unset, reason } = body;
    let name = name.trim().to_owned();
    if name.is_empty() || name.chars().count() > 64 || name.chars().any(char::is_control) {
        return Err(Problem::invalid("the configuration needs a name")
            .field("name", "want 1 to 64 characters that can be printed"));
    }
    let reason = asked::reason(&reason)?;
    let entry = Entry {
        revision: 1,
        stage: Stage::Draft,
        change: 0,
        person: caller.person.clone(),
        at_ns: now(),
        text: reason.clone(),
    };
    let draft = Configuration {
        id: 0,
        revision: 0,
        name,
        stage: Stage::Draft,
        doing: None,
        set,
        unset,
        engines,
        members: BTreeMap::new(),
        history: vec![entry],
    };
    let mut ask = ask(caller, "draft", "configurations".into(), reason, key);
    let named = app.engines.names().filter(|name| draft.engines.iter().any(|e| e == name));
    let each = Resource::all().what("draft").on_each(named);
    ask.needs.extend(each.into_iter().map(|on| (Action::Configure, on)));
    let answer = change::perform(&app, ask, move |app| rollout::prepare_draft(app, draft)).await?;
    Ok(match answer.status {
        StatusCode::OK => Answer { status: StatusCode::CREATED, ..answer },
        _ => answer,
    })
}

fn ask(caller: Caller, what: &str, turn: String, reason: String, key: Option<change::Key>) -> Ask {
    let needs = vec![(Action::Configure, Resource::all().what(what))];
    Ask { caller, action: Action::Configure, needs, turn, reason, key }
}

/// One configuration: its stage, and what each engine has of it.
#[utoipa::path(get, path = "/configurations/{id}", tag = "configurations",
    params(("id" = u64, Path, description = "its number")), responses(
    (status = 200, body = Configuration),
    (status = "4XX", body = ProblemBody, content_type = "application/problem+json"),
    (status = "5XX", body = ProblemBody, content_type = "application/problem+json"),
))]
async fn read(
    State(app): State<Arc<App>>,
    _: CanRead,
    Path(id): Path<u64>,
) -> Result<Answer, Problem> {
    let found = rollout::read(&app, id).await?;
    let mut body = serde_json::to_value(&found).map_err(|e| Problem::internal(e.to_string()))?;
    body["etag"] = etag(found.revision).into();
    Ok(Answer::ok(body))
}

/// Which engine.
#[derive(Clone, Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct OnEngine {
    /// The engine.
    engine: String,
}

/// What a configuration would change on an engine now.
#[derive(Clone, Debug, Serialize, ToSchema)]
struct DiffBody {
    /// The engine.
    engine: String,
    /// Version of its page that it is compared with.
    version: u64,
    /// What would change.
    diff: Vec<Difference>,
}

/// What a configuration would change on an engine now.
#[utoipa::path(get, path = "/configurations/{id}/diff", tag = "configurations",
    params(("id" = u64, Path, description = "its number"), OnEngine), responses(
    (status = 200, body = DiffBody),
    (status = "4XX", body = ProblemBody, content_type = "application/problem+json"),
    (status = "5XX", body = ProblemBody, content_type = "application/problem+json"),
))]
async fn diff(
    State(app): State<Arc<App>>,
    _: CanRead,
    Path(id): Path<u64>,
    Query(on): Query<OnEngine>,
) -> Result<Json<DiffBody>, Problem> {
    let found = rollout::read(&app, id).await?;
    let (version, diff) = rollout::diff(&app, &found, &on.engine)?;
    Ok(Json(DiffBody { engine: on.engine, version, diff }))
}

/// Why a step is taken.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct StepBody {
    /// Why.
    reason: String,
}

/// A canary.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct CanaryBody {
    /// The engine that gets it first.
    engine: String,
    /// Why.
    reason: String,
}

/// Looks whether every engine takes it, and remembers what they have now.
#[utoipa::path(post, path = "/configurations/{id}/validate", tag = "configurations",
    params(("id" = u64, Path, description = "its number"), ChangeHeaders),
    request_body = StepBody, responses(
    (status = 200, body = Configuration),
    (status = "4XX", body = ProblemBody, content_type = "application/problem+json"),
    (status = "5XX", body = ProblemBody, content_type = "application/problem+json"),
))]
async fn validate(
    State(app): State<Arc<App>>,
    Path(id): Path<u64>,
    asked: Asked<StepBody>,
) -> Result<Answer, Problem> {
    step(&app, id, Transition::Validate, "validate", asked.map(|body| (None, body.reason))).await
}

/// Gives it to one engine.
#[utoipa::path(post, path = "/configurations/{id}/canary", tag = "configurations",
    params(("id" = u64, Path, description = "its number"), ChangeHeaders),
    request_body = CanaryBody, responses(
    (status = 200, body = Configuration),
    (status = "4XX", body = ProblemBody, content_type = "application/problem+json"),
    (status = "5XX", body = ProblemBody, content_type = "application/problem+json"),
))]
async fn canary(
    State(app): State<Arc<App>>,
    Path(id): Path<u64>,
    asked: Asked<CanaryBody>,
) -> Result<Answer, Problem> {
    let asked = asked.map(|body| (Some(body.engine), body.reason));
    step(&app, id, Transition::Canary, "canary", asked).await
}

/// Gives it to all engines. Where one does not take it, the rest keep what they have, and the answer
/// names who has it.
#[utoipa::path(post, path = "/configurations/{id}/apply", tag = "configurations",
    params(("id" = u64, Path, description = "its number"), ChangeHeaders),
    request_body = StepBody, responses(
    (status = 200, body = Configuration),
    (status = "4XX", body = ProblemBody, content_type = "application/problem+json"),
    (status = "5XX", body = ProblemBody, content_type = "application/problem+json"),
))]
async fn apply(
    State(app): State<Arc<App>>,
    Path(id): Path<u64>,
    asked: Asked<StepBody>,
) -> Result<Answer, Problem> {
    step(&app, id, Transition::Apply, "apply", asked.map(|body| (None, body.reason))).await
}

/// Takes it back where it is.
#[utoipa::path(post, path = "/configurations/{id}/rollback", tag = "configurations",
    params(("id" = u64, Path, description = "its number"), ChangeHeaders),
    request_body = StepBody, responses(
    (status = 200, body = Configuration),
    (status = "4XX", body = ProblemBody, content_type = "application/problem+json"),
    (status = "5XX", body = ProblemBody, content_type = "application/problem+json"),
))]
async fn roll_back(
    State(app): State<Arc<App>>,
    Path(id): Path<u64>,
    asked: Asked<StepBody>,
) -> Result<Answer, Problem> {
    step(&app, id, Transition::RollBack, "roll_back", asked.map(|body| (None, body.reason))).await
}

async fn step(
    app: &Arc<App>,
    id: u64,
    to: Transition,
    what: &str,
    asked: Asked<(Option<String>, String)>,
) -> Result<Answer, Problem> {
    let Asked { caller, if_match, key, body: (only, reason) } = asked;
    if if_match == IfMatch::Absent {
        return Err(version_needed(&format!("/configurations/{id}")));
    }
    let reason = asked::reason(&reason)?;
    let ask = ask(caller, what, format!("configuration {id}"), reason, key);
    let (step, asking) = (Move { id, to, only, if_match: if_match.version() }, ask.clone());
    change::perform(app, ask, move |app| rollout::prepare(app, asking, step)).await
}
