//! [`Asked`]: a request that changes something: who, from which version, under which key, what.

use std::sync::Arc;

use aws_lc_rs::digest;
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::{HeaderMap, HeaderName, header};
use serde::Serialize;
use serde::de::DeserializeOwned;
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

/// Headers of a request that changes something, for the API's description.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
#[allow(dead_code)] // read from the request itself
pub struct ChangeHeaders {
    /// Etag of what was read before: the change is refused (412) when something else is current.
    #[param(rename = "If-Match", example = "\"7\"")]
    if_match: Option<String>,
    /// Sent again with the same request it brings the same answer, and nothing is done twice; kept for
    /// a day.
    #[param(rename = "Idempotency-Key", max_length = 128)]
    idempotency_key: Option<String>,
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
        let (mut parts, body) = request.into_parts();
        let caller = Caller::from_request_parts(&mut parts, app).await?;
        let if_match = if_match(&parts.headers)?;
        let name = key(&parts.headers)?;
        let what = format!("{} {}\n", parts.method, parts.uri);
        let bytes = json_bytes(Request::from_parts(parts, body), app).await?;
        let key = name.map(|text| {
            let mut hash = digest::Context::new(&digest::SHA256);
            hash.update(what.as_bytes());
            hash.update(&bytes);
            let mut fingerprint = [0; 32];
            fingerprint.copy_from_slice(hash.finish().as_ref());
            Key { text, fingerprint }
        });
        Ok(Asked { caller, if_match, key, body: from_json(&bytes)? })
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
