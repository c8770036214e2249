//! Quality of the clock.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
use crate::clock::ClockState;
use crate::identity::Caller;
use crate::problem::ProblemBody;

/// Routes below `/api/v1`.
pub fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(clock))
}

/// How far the clock may be from its reference now, and whether that is good.
#[utoipa::path(get, path = "/clock", tag = "system", responses(
    (status = 200, body = ClockState),
    (status = "4XX", description = "what is wrong", body = ProblemBody, content_type = "application/problem+json"),
))]
async fn clock(_: Caller, State(app): State<Arc<App>>) -> Json<ClockState> {
    Json(app.clock.now())
}
