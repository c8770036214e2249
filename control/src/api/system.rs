//! The process itself: who calls, which version, alive or not, the document.

use std::sync::Arc;

use axum::Json;
use axum::http::header;
use axum::response::IntoResponse;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::openapi;
use crate::app::App;
use crate::identity::{Caller, Role};
use crate::problem::ProblemBody;

/// Routes below `/api/v1`.
pub fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(whoami))
        .routes(routes!(version))
        .routes(routes!(healthz))
        .routes(routes!(document))
}

/// Who the caller is, as the certificate says.
#[derive(Serialize, ToSchema)]
struct WhoAmI {
    /// Common name of the certificate.
    person: String,
    /// Roles it names.
    roles: Vec<Role>,
    /// Serial number of the certificate, hexadecimal.
    serial: String,
    /// SHA-256 of the certificate, hexadecimal.
    fingerprint: String,
    /// Where the connection comes from.
    peer: String,
}

/// Person and roles of the certificate.
#[utoipa::path(get, path = "/whoami", tag = "system", responses(
    (status = 200, body = WhoAmI),
    (status = "4XX", description = "what is wrong", body = ProblemBody, content_type = "application/problem+json"),
))]
async fn whoami(caller: Caller) -> Json<WhoAmI> {
    let Caller { person, roles, serial, fingerprint, peer } = caller;
    Json(WhoAmI { person, roles, serial, fingerprint, peer: peer.to_string() })
}

/// Versions of what answers.
#[derive(Serialize, ToSchema)]
struct Version {
    /// Of this program.
    version: &'static str,
    /// Of the mailbox layout it reads.
    abi: u32,
    /// Nanoseconds since 1970 now.
    now_ns: u64,
}

/// Versions of the program and of the mailbox layout.
#[utoipa::path(get, path = "/version", tag = "system", responses(
    (status = 200, body = Version),
    (status = "4XX", description = "what is wrong", body = ProblemBody, content_type = "application/problem+json"),
))]
async fn version(_: Caller) -> Json<Version> {
    let now_ns = crate::time::now().0;
    Json(Version { version: env!("CARGO_PKG_VERSION"), abi: nofx_mailbox::ABI, now_ns })
}

/// Answers while the process serves; needs no certificate.
#[utoipa::path(get, path = "/healthz", tag = "system", responses(
    (status = 200, description = "the process serves", body = String),
    (status = 400, description = "a query key", body = ProblemBody, content_type = "application/problem+json"),
))]
async fn healthz() -> &'static str {
    "ok\n"
}

/// This document.
#[utoipa::path(get, path = "/openapi.json", tag = "system", responses(
    (status = 200, description = "OpenAPI 3.1 document", content_type = "application/json", body = Object),
    (status = "4XX", description = "what is wrong", body = ProblemBody, content_type = "application/problem+json"),
))]
async fn document(_: Caller) -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "application/json")], openapi::json())
}
