//! Limits of accounts, symbols and host: read, change; and the versions of an engine's page.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::asked::{self, Asked, ChangeBody, ChangeHeaders, IfMatch};
use super::engines::standing;
use super::{CanRead, Cursor, Page, Path, Query};
use crate::app::App;
use crate::change::pages::{self, PageBody, Present};
use crate::change::{self, Answer, Ask, Difference, Overlay, Setting, Side, Target};
use crate::policy::{Action, Resource};
use crate::problem::{Problem, ProblemBody};
use crate::store::{Kind, VersionState};

/// Routes below `/api/v1`.
pub fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(limits, set_limits))
        .routes(routes!(versions))
        .routes(routes!(roll_back))
}

/// What is to be changed, and why.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PageChange {
    /// Values to set; the rest of the page stays.
    #[serde(default)]
    pub set: Vec<Setting>,
    /// Places that go back to the engine's configuration file.
    #[serde(default)]
    pub unset: Vec<Target>,
    /// Why.
    pub reason: String,
}

/// How a change is to be taken.
#[derive(Clone, Copy, Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub struct How {
    /// Only tell what it would change.
    pub dry_run: bool,
}

/// Limits of an engine: what may be changed, what is in force, what the page sets.
#[utoipa::path(get, path = "/engines/{e}/limits", tag = "limits",
    params(("e" = String, Path, description = "engine")), responses(
    (status = 200, body = PageBody),
    (status = "4XX", body = ProblemBody, content_type = "application/problem+json"),
    (status = "5XX", body = ProblemBody, content_type = "application/problem+json"),
))]
async fn limits(
    State(app): State<Arc<App>>,
    _: CanRead,
    Path(engine): Path<String>,
) -> Result<Response, Problem> {
    show(&app, &engine, Side::Limits)
}

/// Changes limits. All of it holds at once between two decisions, or nothing does.
#[utoipa::path(patch, path = "/engines/{e}/limits", tag = "limits",
    params(("e" = String, Path, description = "engine"), How, ChangeHeaders),
    request_body = PageChange, responses(
    (status = 200, body = ChangeBody, description = "in force, or what would be changed"),
    (status = 202, body = ChangeBody, description = "the engine has not said in time"),
    (status = "4XX", body = ProblemBody, content_type = "application/problem+json"),
    (status = "5XX", body = ProblemBody, content_type = "application/problem+json"),
))]
async fn set_limits(
    State(app): State<Arc<App>>,
    Path(engine): Path<String>,
    Query(how): Query<How>,
    asked: Asked<PageChange>,
) -> Result<Answer, Problem> {
    change_page(&app, engine, Side::Limits, how, asked).await
}

/// The answer of a page's GET.
pub(super) fn show(app: &App, engine: &str, side: Side) -> Result<Response, Problem> {
    let page = pages::show(app, engine, side)?;
    let body = serde_json::to_value(page).map_err(|e| Problem::internal(e.to_string()))?;
    Ok((standing(app.engines.get(engine)?), Answer::ok(body)).into_response())
}

/// PATCH of either side.
pub(super) async fn change_page(
    app: &Arc<App>,
    engine: String,
    side: Side,
    how: How,
    asked: Asked<PageChange>,
) -> Result<Answer, Problem> {
    let (action, what) = match side {
        Side::Strategy => (Action::SetParameters, "parameters"),
        _ => (Action::SetLimits, "limits"),
    };
    let Asked { caller, if_match, key, body } = asked;
    let PageChange { set, unset, reason } = body;
    let reason = asked::reason(&reason)?;
    if if_match == IfMatch::Absent && !how.dry_run {
        return Err(pages::version_needed(&format!("/engines/{engine}/{what}")));
    }
    let ask = Ask {
        caller,
        action,
        needs: vec![(action, Resource::engine(engine.clone()))],
        turn: format!("engine {engine}"),
        reason,
        key: key.filter(|_| !how.dry_run),
    };
    let if_match = if_match.version();
    let change = pages::Change { engine, side, set, unset, if_match, dry_run: how.dry_run };
    let asking = ask.clone();
    change::perform(app, ask, move |app| pages::prepare(app, asking, change)).await
}

/// One version of an engine's page.
#[derive(Clone, Debug, Serialize, ToSchema)]
struct VersionRow {
    /// Its number.
    version: u64,
    /// The version it was made from.
    base: u64,
    /// What became of it.
    state: VersionState,
    /// Whether it is current.
    current: bool,
    /// Whether the engine's mailbox still holds it: going back is then one store.
    kept: bool,
    /// Who made it.
    person: String,
    /// Why.
    reason: String,
    /// When.
    at_ns: u64,
    /// When the engine acknowledged it first.
    acknowledged_ns: Option<u64>,
    /// Why the engine refused it; empty: it did not.
    why: String,
    /// The configuration it belongs to.
    configuration: Option<u64>,
    /// What it changes in the version it was made from; null when that one is not kept.
    diff: Option<Vec<Difference>>,
}

/// Versions of limits and parameters, newest first. Version 0, the engine's configuration file, is
/// not listed; it can be gone back to.
#[utoipa::path(get, path = "/engines/{e}/versions", tag = "limits",
    params(("e" = String, Path, description = "engine"), Cursor), responses(
    (status = 200, body = Page<VersionRow>),
    (status = "4XX", body = ProblemBody, content_type = "application/problem+json"),
    (status = "5XX", body = ProblemBody, content_type = "application/problem+json"),
))]
async fn versions(
    State(app): State<Arc<App>>,
    _: CanRead,
    Path(engine): Path<String>,
    Query(page): Query<Cursor>,
) -> Result<Json<Page<VersionRow>>, Problem> {
    let watcher = app.engines.watcher(&engine)?;
    let (present, slots) = (Present::of(&watcher), watcher.params_kept());
    let (below, limit) = (below(&page)?, page.limit()?);
    let found = app.store.versions(&engine, Kind::Params, below, limit as u32 + 1).await;
    let found = found.map_err(change::store_failed)?;
    let rows = |words: &[u64]| Overlay::of(nofx_mailbox::param::rows(words));
    let mut items = Vec::new();
    for kept in found.iter().take(limit) {
        let listed = found.iter().find(|other| other.version == kept.base);
        let base = match (kept.base, listed) {
            (0, _) => Some(Overlay::default()),
            (_, Some(base)) => Some(rows(&base.words)),
            (base, None) => {
                let base = app.store.version(&engine, Kind::Params, base).await;
                base.map_err(change::store_failed)?.map(|base| rows(&base.words))
            }
        };
        let base = base.filter(|_| kept.schema == present.hash);
        let diff = base
            .map(|base| base.differences(&rows(&kept.words), &Overlay::default(), &present.schema));
        items.push(VersionRow {
            version: kept.version,
            base: kept.base,
            state: kept.state,
            current: kept.version == present.version,
            kept: slots.iter().any(|head| head.version == kept.version),
            person: kept.person.clone(),
            reason: kept.reason.clone(),
            at_ns: kept.at_ns,
            acknowledged_ns: kept.acknowledged_ns,
            why: kept.why.clone(),
            configuration: kept.configuration,
            diff,
        });
    }
    let more = found.len() > limit;
    let next = items.last().filter(|_| more).map(|row| row.version.to_string());
    Ok(Json(Page { items, next }))
}

/// The cursor of a list that goes down.
pub(super) fn below(page: &Cursor) -> Result<u64, Problem> {
    Ok(match page.position()? {
        0 => u64::MAX,
        position => position,
    })
}

/// Which version to go back to, and why.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BackTo {
    /// The version; 0 is the engine's configuration file.
    pub version: u64,
    /// Why.
    pub reason: String,
}

/// Goes back to an earlier version of limits and parameters.
#[utoipa::path(post, path = "/engines/{e}/versions/rollback", tag = "limits",
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
    // Which sides it changes, and so who may, is known once it is looked at; nobody gets that far who
    // may change neither.
    let side = |what| (Action::RollBack, Resource::engine(&engine).what(what));
    let sides = ["strategy", "limits"].map(side);
    let may = |(action, on): &&(Action, Resource)| app.policy.check(&caller, *action, on).is_ok();
    let one = sides.iter().find(may).unwrap_or(&sides[0]).clone();
    let ask = Ask {
        caller,
        action: Action::RollBack,
        needs: vec![one],
        turn: format!("engine {engine}"),
        reason: asked::reason(&body.reason)?,
        key,
    };
    let (asking, if_match, version) = (ask.clone(), if_match.version(), body.version);
    let prepare = move |app| pages::prepare_roll_back(app, asking, engine, version, if_match);
    change::perform(&app, ask, prepare).await
}
