//! The OpenAPI document: made from the same routes as the router.

use utoipa::openapi::{InfoBuilder, OpenApi, OpenApiBuilder};

use crate::failure::Failure;

/// What stands before the paths.
pub fn head() -> OpenApi {
    let info = InfoBuilder::new()
        .title("NOFX control")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(
            "Steers, records and shows trading engines. Needs a client certificate. Times named \
             `*_ns` are nanoseconds since 1970 UTC; prices are integers with `decimals`. Errors are \
             application/problem+json (RFC 9457).",
        ));
    OpenApiBuilder::new().info(info.build()).build()
}

/// The whole document.
pub fn document() -> OpenApi {
    super::described().split_for_parts().1
}

/// As JSON.
pub fn json() -> String {
    document().to_pretty_json().unwrap_or_default()
}

/// `nofx-control openapi`.
///
/// # Errors
/// Standard output is closed.
pub fn print() -> Result<(), Failure> {
    use std::io::Write;
    let printed = writeln!(std::io::stdout(), "{}", json());
    printed.map_err(|e| Failure::input(format!("standard output: {e}")))
}
