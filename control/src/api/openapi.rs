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

#[cfg(test)]
mod tests {
    /// Any request may come with a certificate that may not, or of no role.
    #[test]
    fn a_refusal_is_described_everywhere() {
        let document = serde_json::to_value(super::document()).expect("JSON");
        let paths = document["paths"].as_object().expect("paths");
        let mut operations = 0;
        for (path, item) in paths.iter().filter(|(path, _)| !path.ends_with("/healthz")) {
            for (method, operation) in item.as_object().expect("operations") {
                let described = |status: &str| operation["responses"][status].is_object();
                assert!(described("4XX") || described("403"), "{method} {path}");
                operations += 1;
            }
        }
        assert!(operations > 40, "{operations}");
    }
}
