//! Around every request: a count for the metrics.

use std::sync::Arc;
use std::time::Instant;

use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::Response;

use crate::app::App;

/// A layer for `axum::middleware::from_fn_with_state`. Paths that are no route count as one.
pub async fn track(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let begun = Instant::now();
    let route = request.extensions().get::<MatchedPath>().map_or("other", MatchedPath::as_str);
    let (route, method) = (route.to_owned(), request.method().clone());
    let response = next.run(request).await;
    let status = response.status().as_u16();
    app.metrics.answered(&route, method.as_str(), status, begun.elapsed());
    response
}
