//! The audit log: records, what people did, proofs, the signed head, verification.
//!
//! Model: everybody sees what they did themselves, the policy says who sees the rest. Whoever may not
//! see everything and names no user is shown their own. Reading is done off the request threads.
//!
//! Worst case: a search looks at a bounded number of records and may answer a short page with a
//! cursor; [`READS`] reads run at a time, others wait; verification reads the whole log, one at a time.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use tokio::sync::Semaphore;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::places::at_a_place;
use super::{Page, Path, Query, list};
use crate::app::App;
use crate::audit::{Activity, Audit, AuditError, Filter, Hash, Proof, Record, Report};
use crate::denials;
use crate::identity::Caller;
use crate::policy::{Action, Denied, Resource};
use crate::problem::{Problem, ProblemBody};

/// Reads at a time.
const READS: usize = 4;
static READING: Semaphore = Semaphore::const_new(READS);

/// Routes below `/api/v1`.
pub fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(search))
        .routes(routes!(activity))
        .routes(routes!(checkpoint))
        .routes(routes!(verify))
        .routes(routes!(one))
        .routes(routes!(proof))
}

impl From<AuditError> for Problem {
    fn from(error: AuditError) -> Problem {
        let detail = error.to_string();
        match error {
            AuditError::NotFound(_) => Problem::not_found(detail),
            AuditError::Busy => Problem::conflict(detail).todo("ask again when it has ended"),
            AuditError::TooLarge { .. } => {
                Problem::invalid(detail).todo("change less at a time: the log keeps every value")
            }
            AuditError::Tampered(_) => Problem::unavailable("audit_damaged", detail)
                .todo("keep the files as they are and run `nofx-control audit verify`"),
            _ => Problem::unavailable("audit_unavailable", detail)
                .todo("look at the disk of audit.path; nothing sensitive is done without it"),
        }
    }
}

/// Runs `work` where it may wait for the disk, when a place is free.
pub(super) async fn off_thread<T: Send + 'static>(
    app: &App,
    work: impl FnOnce(&Audit) -> Result<T, AuditError> + Send + 'static,
) -> Result<T, Problem> {
    let audit = app.audit.clone();
    Ok(at_a_place(&READING, move || work(&audit)).await??)
}

/// Whether the caller may see what `who` did; of `None`, what everybody did.
fn may_see(app: &App, caller: &Caller, who: Option<&str>) -> Result<(), Denied> {
    let resource = match who {
        Some(who) if who == caller.person => Resource::all().own(),
        _ => Resource::all(),
    };
    app.policy.check(caller, Action::ReadAudit, &resource)
}

/// What was found out about a caller, or the answer that they may not.
async fn told<T>(app: &Arc<App>, caller: &Caller, found: Result<T, Denied>) -> Result<T, Problem> {
    match found {
        Ok(found) => Ok(found),
        Err(denied) => Err(denials::refuse(app, caller, "", denied).await),
    }
}

/// Whose records are shown: those of the user asked for, or of everybody if the caller may see them,
/// or the caller's own.
pub(super) fn whose(
    app: &App,
    caller: &Caller,
    user: Option<String>,
) -> Result<Option<String>, Denied> {
    if user.is_none() && may_see(app, caller, None).is_ok() {
        return Ok(None);
    }
    let user = user.unwrap_or_else(|| caller.person.clone());
    may_see(app, caller, Some(&user))?;
    Ok(Some(user))
}

/// What to look for; every part that is given must hold.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
struct Search {
    /// The person, exactly.
    user: Option<String>,
    /// Type of the object: what stands before its first `/`.
    r#type: Option<String>,
    /// The action, exactly.
    action: Option<String>,
    /// The result, exactly.
    result: Option<String>,
    /// Correlation id of a request.
    correlation: Option<String>,
    /// Not older than this, nanoseconds since 1970.
    from: Option<u64>,
    /// Older than this, nanoseconds since 1970.
    to: Option<u64>,
    /// Somewhere in the record, upper or lower case.
    text: Option<String>,
    /// Most items on the page, 1 to 1000; 100 when left out.
    limit: Option<u32>,
    /// `next` of the page before.
    cursor: Option<String>,
}

/// Records, the newest first.
///
/// Whoever may not see all is shown their own. A page may be short and still have a `next`.
#[utoipa::path(get, path = "/audit", tag = "audit", params(Search), responses(
    (status = 200, body = Page<Record>),
    (status = "4XX", description = "what is wrong", body = ProblemBody, content_type = "application/problem+json"),
))]
async fn search(
    State(app): State<Arc<App>>,
    caller: Caller,
    Query(asked): Query<Search>,
) -> Result<Json<Page<Record>>, Problem> {
    let below = match &asked.cursor {
        Some(cursor) => Some(list::position(Some(cursor))?),
        None => None,
    };
    let filter = Filter {
        user: told(&app, &caller, whose(&app, &caller, asked.user)).await?,
        kind: asked.r#type,
        action: asked.action,
        result: asked.result,
        correlation: asked.correlation,
        from: asked.from,
        to: asked.to,
        text: asked.text,
        limit: list::limit(asked.limit)?,
        below,
    };
    let page = off_thread(&app, move |audit| audit.query(&filter)).await?;
    let next = page.next.map(|below| below.to_string());
    Ok(Json(Page { items: page.items, next }))
}

/// Whose activity, and when.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
struct Span {
    /// The person, exactly.
    user: Option<String>,
    /// Not older than this, nanoseconds since 1970.
    from: Option<u64>,
    /// Older than this, nanoseconds since 1970.
    to: Option<u64>,
    /// Most items on the page, 1 to 1000; 100 when left out.
    limit: Option<u32>,
    /// `next` of the page before.
    cursor: Option<String>,
}

/// What people did: counts by action and result, first and last time; the busiest first.
#[utoipa::path(get, path = "/audit/activity", tag = "audit", params(Span), responses(
    (status = 200, body = Page<Activity>),
    (status = "4XX", description = "what is wrong", body = ProblemBody, content_type = "application/problem+json"),
))]
async fn activity(
    State(app): State<Arc<App>>,
    caller: Caller,
    Query(span): Query<Span>,
) -> Result<Json<Page<Activity>>, Problem> {
    let Span { user, from, to, limit, cursor } = span;
    let page = super::Cursor { limit, cursor };
    let user = told(&app, &caller, whose(&app, &caller, user)).await?;
    let read = move |audit: &Audit| audit.activity(user.as_deref(), from, to);
    let people = off_thread(&app, read).await?;
    Ok(Json(Page::of(people, &page)?))
}

/// One record.
#[utoipa::path(get, path = "/audit/{seq}", tag = "audit",
    params(("seq" = u64, Path, description = "number of the record")),
    responses(
        (status = 200, body = Record),
        (status = "4XX", description = "what is wrong", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
async fn one(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(seq): Path<u64>,
) -> Result<Json<Record>, Problem> {
    match seen(&app, &caller, seq).await? {
        Some(record) => Ok(Json(record)),
        None => {
            let detail = format!("retention dropped record {seq}; its hash is still in the log");
            let title = "It is no longer kept";
            Err(Problem::new(StatusCode::GONE, "dropped", title, detail)
                .todo("a proof of its leaf hash can still be had: /audit/{seq}/proof"))
        }
    }
}

/// A record that the caller may see; `None` if its body was dropped.
async fn seen(app: &Arc<App>, caller: &Caller, seq: u64) -> Result<Option<Record>, Problem> {
    // Who may see nothing but their own is not told which numbers exist.
    let all = may_see(app, caller, None);
    match off_thread(app, move |audit| audit.get(seq)).await {
        Ok(Some(record)) if record.who == caller.person => {
            told(app, caller, may_see(app, caller, Some(&record.who))).await?;
            Ok(Some(record))
        }
        other => told(app, caller, all).await.and(other),
    }
}

/// Which older log.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
struct Older {
    /// Prove also that the log of this many records is the beginning of today's.
    old: Option<u64>,
}

/// The proof of one record against the signed head, for `nofx-control audit check-proof` or others.
#[utoipa::path(get, path = "/audit/{seq}/proof", tag = "audit",
    params(("seq" = u64, Path, description = "number of the record"), Older),
    responses(
        (status = 200, body = Proof),
        (status = "4XX", description = "what is wrong", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
async fn proof(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(seq): Path<u64>,
    Query(older): Query<Older>,
) -> Result<Json<Proof>, Problem> {
    seen(&app, &caller, seq).await?;
    let prove = move |audit: &Audit| audit.proof(seq, older.old);
    Ok(Json(off_thread(&app, prove).await?))
}

/// The signed head of now.
#[derive(Clone, Debug, Serialize, ToSchema)]
struct SignedHead {
    /// C2SP checkpoint.
    note: String,
    /// The name of the log.
    origin: String,
    /// Number of records.
    size: u64,
    /// Root of the tree over them, base64.
    #[schema(value_type = String)]
    root: Hash,
    /// The key that checks it: name+id+base64.
    vkey: String,
    /// The same as PEM.
    public_key: String,
}

/// The head of the log as it is on the disk, signed; and the key that checks it.
#[utoipa::path(get, path = "/audit/checkpoint", tag = "audit", responses(
    (status = 200, body = SignedHead),
    (status = "4XX", description = "what is wrong", body = ProblemBody, content_type = "application/problem+json"),
))]
async fn checkpoint(
    State(app): State<Arc<App>>,
    caller: Caller,
) -> Result<Json<SignedHead>, Problem> {
    told(&app, &caller, may_see(&app, &caller, Some(&caller.person))).await?;
    let (head, note) = app.audit.checkpoint();
    let (origin, key) = (app.audit.origin().to_owned(), app.audit.verifier());
    Ok(Json(SignedHead {
        note,
        vkey: key.vkey(&origin),
        public_key: key.pem(),
        origin,
        size: head.size,
        root: head.root,
    }))
}

/// Checks the whole log, and the signed heads of the second place; names the first bad record.
#[utoipa::path(post, path = "/audit/verify", tag = "audit", responses(
    (status = 200, description = "what came out: `ok`, or the first that is wrong", body = Report),
    (status = "4XX", description = "what is wrong", body = ProblemBody, content_type = "application/problem+json"),
))]
async fn verify(State(app): State<Arc<App>>, caller: Caller) -> Result<Json<Report>, Problem> {
    told(&app, &caller, may_see(&app, &caller, None)).await?;
    Ok(Json(off_thread(&app, Audit::verify).await?))
}
