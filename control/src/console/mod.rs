//! The web console: files of one page, sent to everybody who can connect.
//!
//! Model: a fixed set of files inside the binary (`control/web/dist`, feature `console`). They hold no
//! data, so they need no certificate: the page itself asks the API and explains what is missing.
//! Names under `assets/` carry a hash of their content and may be kept for ever; `index.html` is asked
//! for again each time and answered by 304 when it is the same.
//! Worst case: a request costs one look-up in a sorted list and one copy of a file of some 100 KiB.

mod assets;

use axum::Router;
use axum::body::Body;
use axum::extract::Path;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, IF_NONE_MATCH, REFERRER_POLICY,
    X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;

use assets::{Asset, find};

/// Nothing from elsewhere, nothing inline, in nobody's frame, and no form that leaves the page.
pub const CSP: &str = "default-src 'self'; base-uri 'none'; form-action 'none'; \
     frame-ancestors 'none'; object-src 'none'; require-trusted-types-for 'script'; trusted-types 'none'";

/// What every answer of the console carries. HSTS is not among them: control often runs on a name
/// (`localhost`, a host's) that other services share.
const SECURITY: [(HeaderName, &str); 7] = [
    (CONTENT_SECURITY_POLICY, CSP),
    (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (X_FRAME_OPTIONS, "DENY"),
    (REFERRER_POLICY, "no-referrer"),
    (HeaderName::from_static("permissions-policy"), "camera=(), geolocation=(), microphone=()"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
];

/// The routes of the console: `/`, `/favicon.svg`, `/assets/…`. They ask for no certificate.
pub fn routes<S: Clone + Send + Sync + 'static>() -> Router<S> {
    Router::new()
        .route("/", get(|headers: HeaderMap| async move { send("index.html", &headers) }))
        .route(
            "/favicon.svg",
            get(|headers: HeaderMap| async move { send("favicon.svg", &headers) }),
        )
        .route("/assets/{name}", get(asset))
}

async fn asset(Path(name): Path<String>, headers: HeaderMap) -> Response {
    send(&format!("assets/{name}"), &headers)
}

fn send(name: &str, headers: &HeaderMap) -> Response {
    let mut response = match find(name) {
        Some(asset) => found(name, asset, headers),
        None => (StatusCode::NOT_FOUND, "no such file\n").into_response(),
    };
    for (name, value) in SECURITY {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}

fn found(name: &str, asset: Asset, headers: &HeaderMap) -> Response {
    let keep = match name.starts_with("assets/") {
        true => "public, max-age=31536000, immutable",
        false => "no-cache",
    };
    let facts = [(ETAG, asset.etag.clone()), (CACHE_CONTROL, keep.into())];
    match is_known(headers, &asset.etag) {
        true => (StatusCode::NOT_MODIFIED, facts).into_response(),
        false => (facts, [(CONTENT_TYPE, asset.mime)], Body::from(asset.body)).into_response(),
    }
}

/// `If-None-Match` names what we would send (RFC 9110, 13.1.2: compared weakly).
fn is_known(headers: &HeaderMap, etag: &str) -> bool {
    let lists = headers.get_all(IF_NONE_MATCH).iter().filter_map(|list| list.to_str().ok());
    let mut tags = lists.flat_map(|list| list.split(',')).map(str::trim);
    tags.any(|tag| tag == "*" || tag.trim_start_matches("W/") == etag)
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::Request;
    use http_body_util::BodyExt;
    use tower::ServiceExt;

    async fn ask(path: &str, known: Option<&str>) -> Response {
        let mut request = Request::get(path);
        if let Some(etag) = known {
            request = request.header(IF_NONE_MATCH, etag);
        }
        let request = request.body(Body::empty()).expect("a request");
        routes::<()>().oneshot(request).await.expect("an answer")
    }

    #[tokio::test]
    async fn the_page_is_sent_once_and_then_known_by_its_tag() {
        let first = ask("/", None).await;
        assert_eq!(first.status(), StatusCode::OK);
        assert_eq!(first.headers()[CONTENT_TYPE], "text/html; charset=utf-8");
        let etag = first.headers()[ETAG].to_str().expect("text").to_owned();
        let body = first.into_body().collect().await.expect("a body").to_bytes();
        assert!(body.starts_with(b"<!doctype html>"));
        for known in [etag.clone(), format!("\"x\", W/{etag}"), "*".into()] {
            assert_eq!(ask("/", Some(&known)).await.status(), StatusCode::NOT_MODIFIED, "{known}");
        }
        assert_eq!(ask("/", Some("\"other\"")).await.status(), StatusCode::OK);
    }

    #[tokio::test]
    async fn every_answer_carries_the_policy_and_nothing_outside_is_found() {
        for path in ["/", "/assets/none.js", "/assets/..%2f..%2fCargo.toml", "/assets/%00"] {
            let answer = ask(path, None).await;
            assert_eq!(answer.headers()[CONTENT_SECURITY_POLICY], CSP, "{path}");
            assert_eq!(answer.headers()[X_CONTENT_TYPE_OPTIONS], "nosniff", "{path}");
            assert_eq!(answer.status() == StatusCode::OK, path == "/", "{path}");
        }
    }

    #[cfg(feature = "console")]
    #[tokio::test]
    async fn every_file_the_page_names_is_there_with_its_type() {
        let page = find("index.html").expect("embedded");
        let page = String::from_utf8(page.body.into_owned()).expect("text");
        let named: Vec<_> = page.split('"').filter(|text| text.starts_with("/assets/")).collect();
        assert!(named.len() >= 2, "script and style: {page}");
        for name in named.into_iter().chain(["/favicon.svg"]) {
            let answer = ask(name, None).await;
            assert_eq!(answer.status(), StatusCode::OK, "{name}");
            assert_ne!(answer.headers()[CONTENT_TYPE], "application/octet-stream", "{name}");
        }
        assert!(!page.contains("<style") && !page.contains(" style="), "the policy forbids it");
        assert!(!page.split("<script").skip(1).any(|s| !s.contains("src=")), "nothing inline");
    }
}
