//! Engines and what each shows.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{CanRead, Cursor, Page, Query};
use crate::app::App;
use crate::problem::{Problem, ProblemBody};

/// Routes below `/api/v1`.
pub fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(list))
}

/// One configured engine.
#[derive(Clone, Debug, Serialize, ToSchema)]
struct EngineRow {
    /// Its name.
    name: String,
    /// `live`, `silent`, `gone`, `absent` or `problem`.
    state: String,
}

/// Configured engines and whether they live.
#[utoipa::path(get, path = "/engines", tag = "engines", params(Cursor), responses(
    (status = 200, body = Page<EngineRow>),
    (status = "4XX", description = "what is wrong", body = ProblemBody, content_type = "application/problem+json"),
))]
async fn list(
    State(app): State<Arc<App>>,
    _: CanRead,
    Query(page): Query<Cursor>,
) -> Result<Json<Page<EngineRow>>, Problem> {
    let row = |name: &str| EngineRow { name: name.into(), state: "absent".into() };
    let rows = app.engines.names().map(row).collect();
    Ok(Json(Page::of(rows, &page)?))
}
