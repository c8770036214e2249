//! The web console: static files inside the binary.

use std::sync::Arc;

use axum::Router;

use crate::app::App;

/// Routes of the console; none when the feature is absent.
pub fn routes() -> Router<Arc<App>> {
    Router::new()
}
