//! Metrics in Prometheus form.

use std::sync::Arc;

use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::CanRead;
use crate::app::App;
use crate::denials;
use crate::metrics as all;
use crate::policy::{Action, Resource};
use crate::problem::{Problem, ProblemBody};

/// Routes below `/api/v1`.
pub fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(metrics))
}

/// Engines, audit, clock and this process, in Prometheus' text format 0.0.4. They show every engine:
/// the caller may look at each.
#[utoipa::path(get, path = "/metrics", tag = "system", responses(
    (status = 200, body = String, content_type = "text/plain"),
    (status = "4XX", description = "what is wrong", body = ProblemBody, content_type = "application/problem+json"),
))]
async fn metrics(
    State(app): State<Arc<App>>,
    CanRead(caller): CanRead,
) -> Result<impl IntoResponse, Problem> {
    if let Err(denied) = app.may(&caller, Action::Read, &Resource::all()) {
        return Err(denials::refuse(&app, &caller, "", denied).await);
    }
    Ok(([(CONTENT_TYPE, all::CONTENT_TYPE)], all::scrape(app).await))
}
