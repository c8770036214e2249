//! Parameters of the strategy: read, change.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::asked::{Asked, ChangeBody, ChangeHeaders};
use super::limits::{How, PageChange, change_page, show};
use super::{CanRead, Path, Query};
use crate::app::App;
use crate::change::pages::PageBody;
use crate::change::{Answer, Side};
use crate::problem::{Problem, ProblemBody};

/// Routes below `/api/v1`.
pub fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(parameters, set_parameters))
}

/// Parameters of an engine's strategy.
#[utoipa::path(get, path = "/engines/{e}/parameters", tag = "parameters",
    params(("e" = String, Path, description = "engine")), responses(
    (status = 200, body = PageBody),
    (status = "4XX", body = ProblemBody, content_type = "application/problem+json"),
    (status = "5XX", body = ProblemBody, content_type = "application/problem+json"),
))]
async fn parameters(
    State(app): State<Arc<App>>,
    _: CanRead,
    Path(engine): Path<String>,
) -> Result<Response, Problem> {
    show(&app, &engine, Side::Strategy)
}

/// Changes parameters of the strategy.
#[utoipa::path(patch, path = "/engines/{e}/parameters", tag = "parameters",
    params(("e" = String, Path, description = "engine"), How, ChangeHeaders),
    request_body = PageChange, responses(
    (status = 200, body = ChangeBody, description = "in force, or what would be changed"),
    (status = 202, body = ChangeBody, description = "the engine has not said in time"),
    (status = "4XX", body = ProblemBody, content_type = "application/problem+json"),
    (status = "5XX", body = ProblemBody, content_type = "application/problem+json"),
))]
async fn set_parameters(
    State(app): State<Arc<App>>,
    Path(engine): Path<String>,
    Query(how): Query<How>,
    asked: Asked<PageChange>,
) -> Result<Answer, Problem> {
    change_page(&app, engine, Side::Strategy, how, asked).await
}
