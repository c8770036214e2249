//! `[metrics] listen`: plain HTTP for a scraper on this host.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use axum::routing::get;
use tokio::net::TcpListener;
use tower::limit::GlobalConcurrencyLimitLayer;

use crate::app::App;
use crate::failure::Failure;

/// Scrapes at a time; more wait.
const AT_A_TIME: usize = 2;

/// Serves `/metrics` at the configured address until the process ends; nothing without one. The
/// configuration refuses addresses that are not loopback. Must be called inside a runtime.
///
/// # Errors
/// The address is taken.
pub fn listen(app: &Arc<App>) -> Result<Option<SocketAddr>, Failure> {
    let Some(at) = app.config.metrics.listen else { return Ok(None) };
    let failed = |e| Failure::input(format!("metrics.listen: {at}: {e}"));
    let listener = std::net::TcpListener::bind(at).map_err(failed)?;
    listener.set_nonblocking(true).map_err(failed)?;
    let at = listener.local_addr().map_err(failed)?;
    let listener = TcpListener::from_std(listener).map_err(failed)?;
    let router = Router::new()
        .route("/metrics", get(metrics))
        .layer(GlobalConcurrencyLimitLayer::new(AT_A_TIME))
        .with_state(app.clone());
    tokio::spawn(async move { axum::serve(listener, router).await });
    Ok(Some(at))
}

async fn metrics(State(app): State<Arc<App>>) -> impl IntoResponse {
    ([(CONTENT_TYPE, super::CONTENT_TYPE)], super::scrape(app).await)
}
