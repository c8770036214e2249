//! Models: list, upload, go back.

use std::sync::Arc;

use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::asked::{self, Asked, ChangeBody, ChangeHeaders};
use super::limits::{BackTo, below};
use super::{CanRead, Cursor, Path, Query};
use crate::app::App;
use crate::change::models::{self, Present, Upload};
use crate::change::pages::etag;
use crate::change::{self, Ack, Answer, Ask};
use crate::policy::{Action, Resource};
use crate::problem::{Problem, ProblemBody};
use crate::store::{Kind, VersionState};

/// Routes below `/api/v1`.
pub fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(list, upload)).routes(routes!(roll_back))
}

/// One version of an engine's model.
#[derive(Clone, Debug, Serialize, ToSchema)]
struct ModelRow {
    /// Its number.
    version: u64,
    /// Its name.
    name: String,
    /// The version before.
    base: u64,
    /// What became of it.
    state: VersionState,
    /// Whether it is current.
    current: bool,
    /// Whether the engine's mailbox still holds it: going back is then one store.
    kept: bool,
    /// Hash of the features it was fitted for.
    schema: String,
    /// Who uploaded it.
    person: String,
    /// Why.
    reason: String,
    /// When.
    at_ns: u64,
    /// When the engine acknowledged it first.
    acknowledged_ns: Option<u64>,
    /// Why the engine refused it; empty: it did not.
    why: String,
    /// Its text.
    toml: String,
}

/// Models of an engine.
#[derive(Clone, Debug, Serialize, ToSchema)]
struct ModelsBody {
    /// Version that is current; 0: the model of the engine's configuration file.
    version: u64,
    /// Number of its publication.
    publication: u64,
    /// What to send as `If-Match`.
    etag: String,
    /// Hash of the features that the engine computes.
    schema: String,
    /// Kind of model its strategy takes: 0 none, 1 linear.
    kind: u32,
    /// The engine's word.
    ack: Option<Ack>,
    /// Versions, newest first.
    items: Vec<ModelRow>,
    /// What to send as `cursor` for the next page; null: this was the last.
    next: Option<String>,
}

/// Models of an engine, newest first.
#[utoipa::path(get, path = "/engines/{e}/models", tag = "models",
    params(("e" = String, Path, description = "engine"), Cursor), responses(
    (status = 200, body = ModelsBody),
    (status = "4XX", body = ProblemBody, content_type = "application/problem+json"),
    (status = "5XX", body = ProblemBody, content_type = "application/problem+json"),
))]
async fn list(
    State(app): State<Arc<App>>,
    _: CanRead,
    Path(engine): Path<String>,
    Query(page): Query<Cursor>,
) -> Result<Answer, Problem> {
    let watcher = app.engines.watcher(&engine)?;
    let (present, slots) = (Present::of(&watcher), watcher.models_kept());
    let (below, limit) = (below(&page)?, page.limit()?);
    let found = app.store.versions(&engine, Kind::Model, below, limit as u32 + 1).await;
    let mut found = found.map_err(change::store_failed)?;
    let more = found.len() > limit;
    found.truncate(limit);
    let next = found.last().filter(|_| more).map(|kept| kept.version.to_string());
    let items = found.into_iter().map(|kept| ModelRow {
        version: kept.version,
        name: kept.name,
        base: kept.base,
        state: kept.state,
        current: kept.version == present.version(),
        kept: slots.iter().any(|head| head.version == kept.version),
        schema: format!("{:016x}", kept.schema),
        person: kept.person,
        reason: kept.reason,
        at_ns: kept.at_ns,
        acknowledged_ns: kept.acknowledged_ns,
        why: kept.why,
        toml: kept.source,
    });
    let body = ModelsBody {
        version: present.version(),
        publication: present.head.map_or(0, |head| head.publication),
        etag: etag(present.version()),
        schema: format!("{:016x}", watcher.model_schema()),
        kind: watcher.model_kind(),
        ack: change::ack(&watcher, Kind::Model),
        items: items.collect(),
        next,
    };
    let body = serde_json::to_value(body).map_err(|e| Problem::internal(e.to_string()))?;
    Ok(Answer::ok(body))
}

/// A model to be swapped in.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ModelUpload {
    /// Its name, for people.
    name: String,
    /// The text of a model file: schema, bias and one line per feature.
    toml: String,
    /// Why.
    reason: String,
}

/// Gives an engine another model, which it takes between two inputs.
#[utoipa::path(post, path = "/engines/{e}/models", tag = "models",
    params(("e" = String, Path, description = "engine"), ChangeHeaders),
    request_body = ModelUpload, responses(
    (status = 200, body = ChangeBody),
    (status = 202, body = ChangeBody, description = "the engine has not said in time"),
    (status = "4XX", body = ProblemBody, content_type = "application/problem+json"),
    (status = "5XX", body = ProblemBody, content_type = "application/problem+json"),
))]
async fn upload(
    State(app): State<Arc<App>>,
    Path(engine): Path<String>,
    asked: Asked<ModelUpload>,
) -> Result<Answer, Problem> {
    let Asked { caller, if_match, key, body } = asked;
    let needs = vec![(Action::SwapModel, Resource::engine(engine.clone()))];
    let (turn, reason) = (format!("engine {engine}"), asked::reason(&body.reason)?);
    let ask = Ask { caller, action: Action::SwapModel, needs, turn, reason, key };
    let if_match = if_match.version();
    let upload = Upload { engine, name: body.name, toml: body.toml, if_match };
    let asking = ask.clone();
    change::perform(&app, ask, move |app| models::prepare(app, asking, upload)).await
}

/// Goes back to an earlier model.
#[utoipa::path(post, path = "/engines/{e}/models/rollback", tag = "models",
    params(("e" = String, Path, description = "engine"), ChangeHeaders),
    request_body = BackTo, responses(
    (status = 200, body = ChangeBody),
    (status = 202, body = ChangeBody, description = "the engine has not said in time"),
    (status = "4XX", body = ProblemBody, content_type = "application/problem+json"),
    (status = "5XX", body = ProblemBody, content_type = "application/problem+json"),
))]
async fn roll_back(
    State(app): State<Arc<App>>,
    Path(engine): Path<String>,
    asked: Asked<BackTo>,
) -> Result<Answer, Problem> {
    let Asked { caller, if_match, key, body } = asked;
    let needs = vec![(Action::SwapModel, Resource::engine(engine.clone()))];
    let (turn, reason) = (format!("engine {engine}"), asked::reason(&body.reason)?);
    let ask = Ask { caller, action: Action::SwapModel, needs, turn, reason, key };
    let (if_match, version) = (if_match.version(), body.version);
    let prepare = move |app| models::prepare_roll_back(app, engine, version, if_match);
    change::perform(&app, ask, prepare).await
}
