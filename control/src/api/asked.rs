//! [`Asked`]: a request that changes something: who, from which version, under which key, what; and
//! [`Keyed`], the same where there is no version.

use std::sync::Arc;

use aws_lc_rs::digest;
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, header};
use serde::Serialize;
use serde::de::DeserializeOwned;
use utoipa::openapi::path::{Parameter, ParameterIn};
use utoipa::{IntoParams, ToSchema};

use super::extract::{from_json, json_bytes};
use crate::app::App;
use crate::change::{Ack, Difference, Key, Verdict};
use crate::identity::Caller;
use crate::problem::Problem;

/// Longest reason.
const REASON_MAX: usize = 1_000;
/// Longest key.
const KEY_MAX: usize = 128;

/// A request that changes something.
pub struct Asked<T> {
    /// Who.
    pub caller: Caller,
    /// The version it was made from.
    pub if_match: IfMatch,
    /// So that it does not act twice.
    pub key: Option<Key>,
    /// What.
    pub body: T,
}

impl<T> Asked<T> {
    /// With another body.
    pub fn map<U>(self, of: impl FnOnce(T) -> U) -> Asked<U> {
        let Asked { caller, if_match, key, body } = self;
        Asked { caller, if_match, key, body: of(body) }
    }
}

/// What `If-Match` says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IfMatch {
    /// Nothing.
    Absent,
    /// `*`: whatever is current.
    Any,
    /// A version.
    Version(u64),
}

impl IfMatch {
    /// The version to compare.
    pub fn version(self) -> Option<u64> {
        match self {
            IfMatch::Version(version) => Some(version),
            IfMatch::Absent | IfMatch::Any => None,
        }
    }
}

/// Header of a request that changes a version, for the API's description.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
#[allow(dead_code)] // read from the request itself
struct MatchHeader {
    /// Etag of what was read before: the change is refused (412) when something else is current.
    #[param(rename = "If-Match", example = "\"7\"")]
    if_match: Option<String>,
}

/// Header of a request that is done once, for the API's description.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
#[allow(dead_code)] // read from the request itself
pub struct KeyHeader {
    /// Sent again with the same request it brings the same answer, and nothing is done twice; kept for
    /// a day.
    #[param(rename = "Idempotency-Key", max_length = 128)]
    idempotency_key: Option<String>,
}

/// Headers of a request that changes a version once, for the API's description.
pub struct ChangeHeaders;

impl IntoParams for ChangeHeaders {
    fn into_params(parameter_in: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        [MatchHeader::into_params(&parameter_in), KeyHeader::into_params(&parameter_in)].concat()
    }
}

/// What became of a change of a page or a model.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ChangeBody {
    /// The version that was made current, or was to be.
    pub version: u64,
    /// Etag of what is current now.
    pub etag: String,
    /// Number of the publication.
    pub publication: u64,
    /// What became of it; `dry_run` where that was asked for.
    #[schema(value_type = String, example = "applied")]
    pub result: Verdict,
    /// The engine's word.
    pub ack: Option<Ack>,
    /// What it changes (limits and parameters).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub diff: Option<Vec<Difference>>,
}

impl<T: DeserializeOwned> FromRequest<Arc<App>> for Asked<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, app: &Arc<App>) -> Result<Asked<T>, Problem> {
        let if_match = if_match(request.headers())?;
        let Keyed { caller, key, body } = Keyed::from_request(request, app).await?;
        Ok(Asked { caller, if_match, key, body })
    }
}

/// A request that is done once.
pub struct Keyed<T> {
    /// Who.
    pub caller: Caller,
    /// So that it does not act twice.
    pub key: Option<Key>,
    /// What.
    pub body: T,
}

impl<T: DeserializeOwned> FromRequest<Arc<App>> for Keyed<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, app: &Arc<App>) -> Result<Keyed<T>, Problem> {
        let (mut parts, body) = request.into_parts();
        let caller = Caller::from_request_parts(&mut parts, app).await?;
        let begun = BegunKey::of(&parts)?;
        let bytes = json_bytes(Request::from_parts(parts, body), app).await?;
        Ok(Keyed { caller, key: begun.map(|key| key.with(&bytes)), body: from_json(&bytes)? })
    }
}

/// The key of a request that has no body.
pub struct SentKey(pub Option<Key>);

impl<S: Sync> FromRequestParts<S> for SentKey {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<SentKey, Problem> {
        Ok(SentKey(BegunKey::of(parts)?.map(|key| key.with(&[]))))
    }
}

/// A key whose request is read up to its body.
struct BegunKey {
    text: String,
    hash: digest::Context,
}

impl BegunKey {
    fn of(parts: &Parts) -> Result<Option<BegunKey>, Problem> {
        let Some(text) = key(&parts.headers)? else { return Ok(None) };
        let mut hash = digest::Context::new(&digest::SHA256);
        hash.update(format!("{} {}\n", parts.method, parts.uri).as_bytes());
        Ok(Some(BegunKey { text, hash }))
    }

    fn with(mut self, body: &[u8]) -> Key {
        self.hash.update(body);
        let mut fingerprint = [0; 32];
        fingerprint.copy_from_slice(self.hash.finish().as_ref());
        Key { text: self.text, fingerprint }
    }
}

fn if_match(headers: &HeaderMap) -> Result<IfMatch, Problem> {
    let Some(value) = headers.get(header::IF_MATCH) else { return Ok(IfMatch::Absent) };
    let text = value.to_str().unwrap_or("").trim();
    if text == "*" {
        return Ok(IfMatch::Any);
    }
    let digits = text.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or(text);
    let plain = digits.bytes().all(|byte| byte.is_ascii_digit());
    digits.parse().ok().filter(|_| plain).map(IfMatch::Version).ok_or_else(|| {
        let problem = "want the etag of what was read before, such as \"7\", or *";
        Problem::bad_request("If-Match: not an etag of this API").field("If-Match", problem)
    })
}

fn key(headers: &HeaderMap) -> Result<Option<String>, Problem> {
    let Some(value) = headers.get(HeaderName::from_static("idempotency-key")) else {
        return Ok(None);
    };
    let text = value.to_str().unwrap_or("");
    let text = text.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or(text);
    if text.is_empty() || text.len() > KEY_MAX {
        let problem = format!("want 1 to {KEY_MAX} characters of ASCII, new for each request");
        return Err(Problem::bad_request("Idempotency-Key: cannot be used")
            .field("Idempotency-Key", problem));
    }
    Ok(Some(text.to_owned()))
}

/// A reason that is one.
///
/// # Errors
/// It is empty or too long.
pub fn reason(text: &str) -> Result<String, Problem> {
    let text = text.trim();
    if text.is_empty() || text.chars().count() > REASON_MAX {
        let problem = format!("want 1 to {REASON_MAX} characters: it stands in the audit log");
        return Err(Problem::invalid("a reason is needed").field("reason", problem));
    }
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    #[test]
    fn headers_are_described_where_they_are_looked_at() {
        let document = super::super::openapi::document();
        let document = serde_json::to_value(document).expect("JSON");
        let headers = |path: &str, method: &str| -> Vec<String> {
            let operation = &document["paths"][format!("/api/v1{path}")][method];
            let all = operation["parameters"].as_array().into_iter().flatten();
            let name = |header: &Value| header["name"].as_str().unwrap_or("").to_owned();
            all.filter(|parameter| parameter["in"] == "header").map(name).collect()
        };
        assert_eq!(headers("/engines/{e}/limits", "patch"), ["If-Match", "Idempotency-Key"]);
        assert_eq!(headers("/kill/releases", "post"), ["Idempotency-Key"]);
        assert_eq!(headers("/kill/releases/{id}/approve", "post"), ["Idempotency-Key"]);
        assert_eq!(headers("/kill/releases/{id}", "delete"), ["Idempotency-Key"]);
        assert!(headers("/kill", "post").is_empty());
    }
}
