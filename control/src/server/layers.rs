//! What stands round every handler.
//!
//! From the outside in: the correlation id (taken from `x-request-id` when it is a plain one, else
//! made), one log line and span per request, a word when the connection ends with the answer, headers
//! that tell browsers to be careful, a panic or a request that takes too long as a problem, the
//! caller's certificate, no change from another site (browsers send client certificates along, so a
//! foreign page could act in somebody's name), and the bound on the body.

use std::any::Any;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::{DefaultBodyLimit, Request};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;
use tracing::Instrument;

use super::unread;
use crate::app::App;
use crate::identity::{self, Caller};
use crate::problem::{self, Problem};
use crate::{api, console, metrics};

/// Name of the correlation id.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Everything that is served.
pub(super) fn router(app: Arc<App>) -> Router {
    let server = &app.config.server;
    let patience = Duration::from_millis(server.request_timeout_ms);
    let largest = server.body_max_bytes;
    let body_max = DefaultBodyLimit::max(largest);
    let mut all = Router::new().merge(api::routes());
    if app.config.console.enabled {
        all = all.merge(console::routes());
    }
    all.fallback(nothing_there)
        .layer(body_max)
        .layer(from_fn(move |request, next| in_size(largest, request, next)))
        .layer(from_fn(same_site))
        .layer(from_fn(identity::require))
        .layer(from_fn(move |request, next| in_time(patience, request, next)))
        .layer(CatchPanicLayer::custom(panicked))
        .layer(CompressionLayer::new())
        .layer(from_fn(careful))
        .layer(from_fn_with_state(app.clone(), metrics::track))
        .layer(from_fn(unread::told))
        .layer(from_fn(correlated))
        .with_state(app)
}

async fn nothing_there(request: Request) -> Problem {
    let path: String = request.uri().path().chars().take(200).collect();
    Problem::not_found(format!("nothing is at {path}")).todo("look into /api/v1/openapi.json")
}

/// Gives the request its correlation id, a span and a line in the log.
async fn correlated(request: Request, next: Next) -> Response {
    let id = given_id(request.headers()).unwrap_or_else(new_id);
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let person = tracing::field::Empty;
    let span = tracing::info_span!("request", correlation = %id, %method, %path, person);
    let work = async {
        let begin = Instant::now();
        let mut response = next.run(request).await;
        if let Ok(value) = HeaderValue::from_str(&problem::correlation()) {
            response.headers_mut().insert(REQUEST_ID, value);
        }
        let micros = u64::try_from(begin.elapsed().as_micros()).unwrap_or(u64::MAX);
        tracing::info!(status = response.status().as_u16(), micros, "answered");
        response
    };
    problem::correlated(id, work.instrument(span)).await
}

/// The id that the client gave, when it is a plain one.
fn given_id(headers: &HeaderMap) -> Option<String> {
    let id = headers.get(&REQUEST_ID)?.to_str().ok()?;
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    ((1..=64).contains(&id.len()) && id.bytes().all(plain)).then(|| id.to_owned())
}

fn new_id() -> String {
    let mut bytes = [0; 16];
    // Without randomness the ids repeat, which nothing depends on.
    _ = aws_lc_rs::rand::fill(&mut bytes);
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Headers for browsers; what a handler set stays.
async fn careful(request: Request, next: Next) -> Response {
    let is_api = request.uri().path().starts_with("/api");
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    let mut set = |name: HeaderName, value: &'static str| {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    };
    set(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    set(header::X_FRAME_OPTIONS, "DENY");
    set(header::REFERRER_POLICY, "no-referrer");
    set(header::STRICT_TRANSPORT_SECURITY, "max-age=31536000");
    if is_api {
        set(header::CACHE_CONTROL, "no-store");
        set(header::CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'");
    }
    response
}

fn panicked(_: Box<dyn Any + Send + 'static>) -> Response {
    Problem::internal("a defect stopped this request").into_response()
}

/// Ends a request that takes too long. The answer of a stream begins at once: it is not one.
async fn in_time(patience: Duration, request: Request, next: Next) -> Response {
    let changes = !is_look(request.method());
    match tokio::time::timeout(patience, next.run(request)).await {
        Ok(response) => response,
        Err(_) => {
            let detail = format!("no answer within {} ms", patience.as_millis());
            let todo = match changes {
                true => {
                    "whether it happened is not known: look, then send it again under the same Idempotency-Key"
                }
                false => "ask for less, or later; server.request_timeout_ms is the bound",
            };
            let title = "It took too long";
            Problem::new(StatusCode::GATEWAY_TIMEOUT, "timeout", title, detail)
                .todo(todo)
                .into_response()
        }
    }
}

/// Refuses a body by the length it announces, before any of it is read.
async fn in_size(largest: usize, request: Request, next: Next) -> Response {
    let length = request.headers().get(header::CONTENT_LENGTH);
    let length = length.and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    if length.is_some_and(|length| length > largest as u64) {
        let title = "The body is too large";
        let detail = format!("more than {largest} bytes");
        return Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", title, detail)
            .todo("send less, or raise server.body_max_bytes")
            .into_response();
    }
    next.run(request).await
}

fn is_look(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS)
}

/// Refuses changes that a page of another site sends with the certificate of whoever looks at it.
async fn same_site(request: Request, next: Next) -> Response {
    if let Some(caller) = request.extensions().get::<Caller>() {
        tracing::Span::current().record("person", caller.person.as_str());
    }
    if !is_look(request.method()) && is_foreign(&request) {
        let detail = "the request comes from a page of another site";
        let title = "Not from this site";
        return Problem::new(StatusCode::FORBIDDEN, "cross_site", title, detail)
            .todo("use the console of this process, or a client that is no browser")
            .into_response();
    }
    next.run(request).await
}

fn is_foreign(request: &Request) -> bool {
    let text = |name: &str| request.headers().get(name).and_then(|value| value.to_str().ok());
    if text("sec-fetch-site").is_some_and(|site| site != "same-origin" && site != "none") {
        return true;
    }
    let host = request.uri().authority().map(|host| host.as_str()).or(text("host"));
    let origin = request.headers().get(header::ORIGIN).map(|origin| origin.to_str().unwrap_or(""));
    origin.is_some_and(|origin| origin.strip_prefix("https://") != host)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_of_clients_are_taken_when_they_are_plain() {
        let given = |id: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(REQUEST_ID, HeaderValue::from_str(id).expect("a value"));
            given_id(&headers)
        };
        assert_eq!(given("7f-A_b.9").as_deref(), Some("7f-A_b.9"));
        for bad in ["", "a b", "a\"b", &"x".repeat(65)] {
            assert_eq!(given(bad), None, "{bad:?}");
        }
        assert_eq!((new_id().len(), new_id() == new_id()), (32, false));
    }

    #[test]
    fn a_change_from_another_site_is_foreign() {
        let foreign = |headers: &[(&str, &str)]| {
            let mut request = Request::builder().uri("/api/v1/kill").header("host", "desk:8443");
            for (name, value) in headers {
                request = request.header(*name, *value);
            }
            is_foreign(&request.body(axum::body::Body::empty()).expect("a request"))
        };
        assert!(!foreign(&[]) && !foreign(&[("sec-fetch-site", "same-origin")]));
        assert!(!foreign(&[("origin", "https://desk:8443")]));
        assert!(foreign(&[("sec-fetch-site", "cross-site")]));
        assert!(foreign(&[("sec-fetch-site", "same-site")]));
        assert!(foreign(&[("origin", "https://evil:8443")]) && foreign(&[("origin", "null")]));
        assert!(foreign(&[("origin", "http://desk:8443")]));
    }
}
