//! The API, `/api/v1`: what can be asked and changed over HTTPS.
//!
//! Model: a module per kind of resource; each gives its `routes()`, from which the router and the
//! OpenAPI document are made together, so that no route is without its description. Handlers take
//! [`extract`]'s extractors, whose refusals are [`Problem`]s, and answer JSON. Reading is allowed by
//! the policy through [`extract::CanRead`]; whatever changes something goes through
//! [`crate::change`].
//!
//! Worst case: every list is cut into pages, every scan is bounded, every body has a limit; what is
//! not known is answered as an error that says what to do.

pub mod asked;
pub mod audit;
pub mod clock;
pub mod commands;
pub mod configurations;
pub mod engines;
pub mod extract;
pub mod journal;
mod keys;
pub mod kill;
pub mod limits;
pub mod list;
pub mod metrics;
pub mod models;
pub mod openapi;
pub mod parameters;
mod places;
pub mod reports;
pub mod stream;
pub mod system;

use std::sync::Arc;

use axum::Router;
use axum::http::StatusCode;
use axum::middleware::from_fn_with_state;
use utoipa_axum::router::OpenApiRouter;

pub use extract::{Body, CanRead, Path, Query};
pub use list::{Cursor, Page};

use crate::app::App;
use crate::problem::Problem;

/// Where the API stands.
pub const ROOT: &str = "/api/v1";

/// Every route with its description.
pub fn described() -> OpenApiRouter<Arc<App>> {
    let v1 = OpenApiRouter::new()
        .merge(system::routes())
        .merge(engines::routes())
        .merge(journal::routes())
        .merge(stream::routes())
        .merge(limits::routes())
        .merge(parameters::routes())
        .merge(models::routes())
        .merge(commands::routes())
        .merge(configurations::routes())
        .merge(reports::routes())
        .merge(kill::routes())
        .merge(audit::routes())
        .merge(clock::routes())
        .merge(metrics::routes());
    OpenApiRouter::with_openapi(openapi::head()).nest(ROOT, v1)
}

/// The router of the API. Unknown paths, methods and query keys below it are problems too.
pub fn routes() -> Router<Arc<App>> {
    let (router, document) = described().split_for_parts();
    let keys = from_fn_with_state(keys::Keys::of(&document), keys::known);
    router.route_layer(keys).method_not_allowed_fallback(wrong_method)
}

async fn wrong_method() -> Problem {
    let (status, title) = (StatusCode::METHOD_NOT_ALLOWED, "This cannot be done with it");
    Problem::new(status, "method_not_allowed", title, "the path exists, this method does not")
        .todo("look into /api/v1/openapi.json")
}
