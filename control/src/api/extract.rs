//! Extractors whose refusals are [`Problem`]s.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::{FromRequest, FromRequestParts, RawPathParams, Request};
use axum::http::request::Parts;
use axum::http::{StatusCode, Uri, header};
use serde::de::DeserializeOwned;

use crate::app::App;
use crate::denials;
use crate::identity::Caller;
use crate::policy::{Action, Resource};
use crate::problem::Problem;

/// A caller who may look at the engine that the path or the query names; where none is named, at what
/// belongs to none. A list over several engines leaves out those that the caller may not look at.
pub struct CanRead(pub Caller);

impl FromRequestParts<Arc<App>> for CanRead {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<CanRead, Problem> {
        let caller = Caller::from_request_parts(parts, app).await?;
        let on = engine_of(parts).await?.map_or_else(Resource::all, Resource::engine);
        match app.policy.check(&caller, Action::Read, &on) {
            Ok(()) => Ok(CanRead(caller)),
            Err(denied) => Err(denials::refuse(app, &caller, "", denied).await),
        }
    }
}

impl CanRead {
    /// Whether the caller may look at this engine.
    pub fn sees(&self, app: &App, engine: &str) -> bool {
        app.policy.check(&self.0, Action::Read, &Resource::engine(engine)).is_ok()
    }
}

/// The engine that the path names, else the query.
async fn engine_of(parts: &mut Parts) -> Result<Option<String>, Problem> {
    #[derive(serde::Deserialize)]
    struct Named {
        engine: Option<String>,
    }
    let path = RawPathParams::from_request_parts(parts, &()).await;
    let path = path.map_err(|e| Problem::not_found(format!("path: {}", e.body_text())))?;
    match path.iter().find(|(name, _)| ["e", "engine"].contains(name)) {
        Some((_, engine)) => Ok(Some(engine.to_owned())),
        None => Query::<Named>::of(&parts.uri).map(|named| named.0.engine),
    }
}

/// The query string as a record. Its keys are those that the document names: [`super::keys`].
pub struct Query<T>(pub T);

impl<T: DeserializeOwned, S: Sync> FromRequestParts<S> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Query<T>, Problem> {
        Query::of(&parts.uri)
    }
}

impl<T: DeserializeOwned> Query<T> {
    /// The query of an address.
    ///
    /// # Errors
    /// 400: it is not such a record.
    pub fn of(uri: &Uri) -> Result<Query<T>, Problem> {
        axum::extract::Query::try_from_uri(uri)
            .map(|query: axum::extract::Query<T>| Query(query.0))
            .map_err(|e| Problem::bad_request(format!("query: {}", e.body_text())))
    }
}

/// The parameters of the path.
pub struct Path<T>(pub T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Path<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Path<T>, Problem> {
        let path = axum::extract::Path::<T>::from_request_parts(parts, state).await;
        path.map(|path| Path(path.0))
            .map_err(|e| Problem::not_found(format!("path: {}", e.body_text())))
    }
}

/// The body as JSON; give the record `#[serde(deny_unknown_fields)]`.
pub struct Body<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Body<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Body<T>, Problem> {
        from_json(&json_bytes(request, state).await?).map(Body)
    }
}

/// Longest time for the body of a request, far below `server.request_timeout_ms`: a body that does
/// not come is the client's fault, and surely nothing was done.
const BODY_WITHIN: Duration = Duration::from_secs(5);

/// The bytes of a body that says it is JSON.
///
/// # Errors
/// It is of another kind, or too long.
pub async fn json_bytes<S: Send + Sync>(request: Request, state: &S) -> Result<Bytes, Problem> {
    let kind = request.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    let kind = kind.and_then(|kind| kind.split(';').next()).unwrap_or("").trim();
    if !kind.eq_ignore_ascii_case("application/json") {
        let detail = format!("the body is {kind:?}, want application/json");
        let title = "Another kind of body is needed";
        return Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "media_type", title, detail)
            .todo("send JSON, with Content-Type: application/json"));
    }
    let read = tokio::time::timeout(BODY_WITHIN, Bytes::from_request(request, state));
    let Ok(read) = read.await else {
        let title = "The body did not come";
        let detail = format!("not all of it within {} s", BODY_WITHIN.as_secs());
        return Err(Problem::new(StatusCode::REQUEST_TIMEOUT, "slow_body", title, detail)
            .todo("nothing was done: send it again"));
    };
    read.map_err(|e| match e.status() {
        StatusCode::PAYLOAD_TOO_LARGE => Problem::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "too_large",
            "The body is too long",
            e.body_text(),
        )
        .todo("send less, or raise server.body_max_bytes"),
        _ => Problem::bad_request(e.body_text()),
    })
}

/// JSON bytes as a record.
///
/// # Errors
/// 400 for what is not JSON, 422 for JSON of another shape.
pub fn from_json<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    serde_json::from_slice(bytes).map_err(|e| match e.classify() {
        serde_json::error::Category::Data => Problem::invalid(format!("body: {e}")),
        _ => Problem::bad_request(format!("body: {e}")),
    })
}
