//! Metrics in Prometheus form.

use std::sync::Arc;

use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
use crate::identity::Caller;
use crate::metrics as all;
use crate::problem::ProblemBody;

/// Routes below `/api/v1`.
pub fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(metrics))
}

/// Engines, audit, clock and this process, in Prometheus' text format 0.0.4.
#[utoipa::path(get, path = "/metrics", tag = "system", responses(
    (status = 200, body = String, content_type = "text/plain"),
    (status = 401, description = "no certificate", body = ProblemBody, content_type = "application/problem+json"),
))]
async fn metrics(_: Caller, State(app): State<Arc<App>>) -> impl IntoResponse {
    ([(CONTENT_TYPE, all::CONTENT_TYPE)], all::scrape(app).await)
}
