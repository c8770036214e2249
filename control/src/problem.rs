//! [`Problem`]: every error the API answers with.
//!
//! Model: one record of RFC 9457 (`application/problem+json`) that says what is wrong, with what, and
//! what to do about it. `type` is `urn:nofx:problem:<code>`; a program looks at `code`. Each answer
//! carries the correlation id of its request, which stands in the logs and in the audit log too.

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

tokio::task_local! {
    /// Correlation id of the request that this task works on.
    static CORRELATION: String;
}

/// Runs `work` as the request `id`.
pub async fn correlated<F: Future>(id: String, work: F) -> F::Output {
    CORRELATION.scope(id, work).await
}

/// Correlation id of the request at hand; empty outside of one.
pub fn correlation() -> String {
    CORRELATION.try_with(Clone::clone).unwrap_or_default()
}

/// One field that is wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FieldError {
    /// Its place: `set[2].value`, `limit`.
    pub field: String,
    /// What is wrong with it.
    pub problem: String,
}

/// What went wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Status of the answer.
    pub status: StatusCode,
    /// Its name for programs: `not_found`, `stale_version`.
    pub code: &'static str,
    /// Its name for people.
    pub title: &'static str,
    /// What happened this time.
    pub detail: String,
    /// What to do about it.
    pub todo: String,
    /// Fields that are wrong.
    pub errors: Vec<FieldError>,
}

/// The answer's body, RFC 9457.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ProblemBody {
    /// `urn:nofx:problem:<code>`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Its name for people.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// Its name for programs.
    pub code: String,
    /// What happened this time.
    pub detail: String,
    /// What to do about it.
    pub todo: String,
    /// Fields that are wrong.
    pub errors: Vec<FieldError>,
    /// Correlation id of the request.
    pub correlation: String,
}

impl Problem {
    /// A problem of this status.
    pub fn new(
        status: StatusCode,
        code: &'static str,
        title: &'static str,
        detail: impl Into<String>,
    ) -> Problem {
        let (detail, todo) = (detail.into(), String::new());
        Problem { status, code, title, detail, todo, errors: Vec::new() }
    }

    /// Says what to do about it.
    #[must_use]
    pub fn todo(mut self, todo: impl Into<String>) -> Problem {
        self.todo = todo.into();
        self
    }

    /// Names a field that is wrong.
    #[must_use]
    pub fn field(mut self, field: impl Into<String>, problem: impl Into<String>) -> Problem {
        self.errors.push(FieldError { field: field.into(), problem: problem.into() });
        self
    }

    /// 400: the request cannot be understood.
    pub fn bad_request(detail: impl Into<String>) -> Problem {
        Problem::new(StatusCode::BAD_REQUEST, "bad_request", "The request is malformed", detail)
    }

    /// 401: no certificate, or one that names nobody.
    pub fn unauthenticated(detail: impl Into<String>) -> Problem {
        let title = "A client certificate is needed";
        Problem::new(StatusCode::UNAUTHORIZED, "unauthenticated", title, detail).todo(
            "connect with a certificate of this installation: `nofx-control pki issue` makes one",
        )
    }

    /// 403: the policy does not allow it.
    pub fn forbidden(detail: impl Into<String>) -> Problem {
        Problem::new(StatusCode::FORBIDDEN, "forbidden", "Not allowed", detail)
            .todo("ask somebody whose role allows it")
    }

    /// 404: there is no such thing.
    pub fn not_found(detail: impl Into<String>) -> Problem {
        Problem::new(StatusCode::NOT_FOUND, "not_found", "There is no such thing", detail)
    }

    /// 409: it does not fit the state of things.
    pub fn conflict(detail: impl Into<String>) -> Problem {
        Problem::new(StatusCode::CONFLICT, "conflict", "Not in this state", detail)
    }

    /// 412: the version named is not the one in force.
    pub fn stale_version(detail: impl Into<String>) -> Problem {
        let title = "Somebody changed it meanwhile";
        Problem::new(StatusCode::PRECONDITION_FAILED, "stale_version", title, detail)
            .todo("read it again, look at what changed, and send If-Match with its new etag")
    }

    /// 422: understood, and not possible; name the fields.
    pub fn invalid(detail: impl Into<String>) -> Problem {
        let title = "A value cannot be";
        Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid", title, detail)
    }

    /// 503: a part that is needed is not there now.
    pub fn unavailable(code: &'static str, detail: impl Into<String>) -> Problem {
        Problem::new(StatusCode::SERVICE_UNAVAILABLE, code, "Not available now", detail)
    }

    /// 500: our own fault; the detail is for the log as well.
    pub fn internal(detail: impl Into<String>) -> Problem {
        let title = "The control process failed";
        let problem =
            Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", title, detail.into());
        problem.todo("look into the log for the correlation id")
    }

    /// The body as it is sent, with the correlation id of the request at hand.
    pub fn body(&self) -> ProblemBody {
        ProblemBody {
            kind: format!("urn:nofx:problem:{}", self.code),
            title: self.title.into(),
            status: self.status.as_u16(),
            code: self.code.into(),
            detail: self.detail.clone(),
            todo: self.todo.clone(),
            errors: self.errors.clone(),
            correlation: correlation(),
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = (self.status, Json(self.body())).into_response();
        let kind = HeaderValue::from_static("application/problem+json");
        response.headers_mut().insert(header::CONTENT_TYPE, kind);
        response
    }
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.title, self.detail)?;
        if !self.todo.is_empty() {
            write!(f, " ({})", self.todo)?;
        }
        Ok(())
    }
}

impl std::error::Error for Problem {}
