//! Query keys: one that an operation does not have is refused, whatever the operation is.
//!
//! Model: the OpenAPI document names the keys of every operation, and is made from the same
//! descriptions as the router; so a layer can ask it, and no handler must. What a key may say is the
//! handler's to judge.
//!
//! Worst case: two look-ups and a walk over the keys of a request; without a query nothing.

use std::collections::HashMap;
use std::sync::Arc;

use axum::extract::{MatchedPath, Request, State};
use axum::http::Method;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use utoipa::openapi::OpenApi;

use super::Query;
use crate::problem::Problem;

/// Most characters of a key that an answer repeats.
const SHOWN: usize = 80;

/// The keys of each operation: by path, then by method in lower case.
pub(super) struct Keys(HashMap<String, HashMap<String, Vec<String>>>);

impl Keys {
    /// Those that the document names.
    pub(super) fn of(document: &OpenApi) -> Arc<Keys> {
        let document = serde_json::to_value(document).unwrap_or_default();
        let object = |value: &serde_json::Value| value.as_object().cloned().unwrap_or_default();
        let path = |(path, operations): (String, serde_json::Value)| {
            let of = |(method, operation): (String, serde_json::Value)| (method, keys(&operation));
            (path, object(&operations).into_iter().map(of).collect())
        };
        Arc::new(Keys(object(&document["paths"]).into_iter().map(path).collect()))
    }

    fn known(&self, path: &str, method: &Method) -> Option<&[String]> {
        // What answers GET answers HEAD.
        let method = if method == Method::HEAD { &Method::GET } else { method };
        let operations = self.0.get(path)?;
        operations.get(&method.as_str().to_lowercase()).map(Vec::as_slice)
    }

    fn check(&self, request: &Request) -> Result<(), Problem> {
        let path = request.extensions().get::<MatchedPath>().map(MatchedPath::as_str);
        let known = path.and_then(|path| self.known(path, request.method()));
        let (Some(known), Some(_)) = (known, request.uri().query()) else { return Ok(()) };
        let Query(given) = Query::<Vec<(String, String)>>::of(request.uri())?;
        match given.into_iter().find(|(key, _)| !known.contains(key)) {
            Some((key, _)) => Err(unknown(&key, known)),
            None => Ok(()),
        }
    }
}

fn keys(operation: &serde_json::Value) -> Vec<String> {
    let parameters = operation["parameters"].as_array().into_iter().flatten();
    let of_query = parameters.filter(|parameter| parameter["in"] == "query");
    of_query.filter_map(|parameter| parameter["name"].as_str().map(str::to_owned)).collect()
}

fn unknown(key: &str, known: &[String]) -> Problem {
    let key: String = key.chars().take(SHOWN).collect();
    let problem = match known {
        [] => "there is none here: leave it out".to_owned(),
        known => format!("want one of: {}", known.join(", ")),
    };
    Problem::bad_request(format!("query: {key:?} is no key of this path")).field(key, problem)
}

/// The layer: for routes, so that the path is matched.
pub(super) async fn known(State(keys): State<Arc<Keys>>, request: Request, next: Next) -> Response {
    match keys.check(&request) {
        Ok(()) => next.run(request).await,
        Err(problem) => problem.into_response(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_document_names_the_keys_of_every_operation() {
        let keys = Keys::of(&crate::api::openapi::document());
        let known = |path: &str, method: Method| {
            keys.known(&format!("/api/v1{path}"), &method).map(|known| known.join(" "))
        };
        assert_eq!(known("/whoami", Method::GET).as_deref(), Some(""));
        assert_eq!(known("/engines", Method::HEAD).as_deref(), Some("limit cursor"));
        assert_eq!(known("/stream", Method::GET).as_deref(), Some("engine book"));
        assert_eq!(known("/engines/{e}/limits", Method::PATCH).as_deref(), Some("dry_run"));
        assert!(known("/audit", Method::GET).is_some_and(|keys| keys.contains("type")));
        assert_eq!(known("/engines", Method::PUT), None);
    }
}
