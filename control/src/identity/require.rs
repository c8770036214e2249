//! [`require`]: no request without a person, and no stream that outlives its certificate.

use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::{Body, Bytes, HttpBody};
use axum::extract::{FromRequestParts, Request};
use axum::http::header::CONTENT_TYPE;
use axum::http::request::Parts;
use axum::http::{Method, Response};
use axum::middleware::Next;
use axum::response::IntoResponse;
use hyper::body::Frame;
use serde_json::json;

use super::gate::Peer;
use super::{Caller, Refusal};
use crate::problem::Problem;

impl<S: Sync> FromRequestParts<S> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Caller, Problem> {
        if let Some(caller) = parts.extensions.get::<Caller>() {
            return Ok(caller.clone());
        }
        let peer = parts.extensions.get::<Peer>().ok_or(Refusal::Missing)?;
        Ok(peer.caller()?)
    }
}

/// The connection itself, for what is judged again later.
impl<S: Sync> FromRequestParts<S> for Peer {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Peer, Problem> {
        Ok(parts.extensions.get::<Peer>().cloned().ok_or(Refusal::Missing)?)
    }
}

/// Layer for the whole router: judges the certificate and puts the [`Caller`] into the request.
/// Health and the console's files need none, so that the console can explain.
pub async fn require(mut request: Request, next: Next) -> Response<Body> {
    let peer = request.extensions().get::<Peer>().cloned();
    let caller = peer.as_ref().ok_or(Refusal::Missing).and_then(Peer::caller);
    match caller {
        Ok(caller) => _ = request.extensions_mut().insert(caller),
        Err(_) if is_open(&request) => {}
        Err(refusal) => return refusal.into_response(),
    }
    let response = next.run(request).await;
    match peer.filter(|_| is_stream(&response)) {
        Some(peer) => response.map(|body| Body::new(Guarded::new(body, peer))),
        None => response,
    }
}

fn is_open(request: &Request) -> bool {
    let path = request.uri().path();
    let looks = matches!(*request.method(), Method::GET | Method::HEAD);
    let closed = ["/api", "/metrics"].iter().any(|closed| path.starts_with(closed));
    looks && (!closed || path == "/api/v1/healthz")
}

fn is_stream(response: &Response<Body>) -> bool {
    let kind = response.headers().get(CONTENT_TYPE);
    kind.is_some_and(|kind| kind.as_bytes().starts_with(b"text/event-stream"))
}

/// A stream that ends with its certificate; its last event says why.
struct Guarded {
    body: Body,
    ended: Pin<Box<dyn Future<Output = Refusal> + Send>>,
    over: bool,
}

impl Guarded {
    fn new(body: Body, peer: Peer) -> Guarded {
        Guarded { body, ended: Box::pin(peer.ended()), over: false }
    }
}

impl HttpBody for Guarded {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        if self.over {
            return Poll::Ready(None);
        }
        if let Poll::Ready(refusal) = self.ended.as_mut().poll(context) {
            self.over = true;
            return Poll::Ready(Some(Ok(Frame::data(last_words(&refusal)))));
        }
        Pin::new(&mut self.body).poll_frame(context)
    }
}

fn last_words(refusal: &Refusal) -> Bytes {
    let what = json!({
        "code": refusal.code(), "detail": refusal.to_string(), "todo": refusal.todo(),
    });
    Bytes::from(format!("event: refused\ndata: {what}\n\n"))
}
