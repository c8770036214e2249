//! Reports of a day.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::{Html, IntoResponse, Response};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{CanRead, Cursor, Page, Path, Query, audit};
use crate::app::App;
use crate::audit::Audit;
use crate::change::store_failed;
use crate::problem::{Problem, ProblemBody};
use crate::report::{self, Report, span_of};

/// Routes below `/api/v1`.
pub fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(read))
}

/// A day of an engine that has a report.
#[derive(Clone, Debug, Serialize, ToSchema)]
struct DayRow {
    /// The engine.
    engine: String,
    /// `YYYY-MM-DD`, UTC.
    day: String,
    /// Sessions of the engine that were seen.
    sessions: u32,
}

/// Days that have a report, newest first.
#[utoipa::path(get, path = "/reports", tag = "reports", params(Cursor), responses(
    (status = 200, body = Page<DayRow>),
    (status = "4XX", body = ProblemBody, content_type = "application/problem+json"),
    (status = "5XX", body = ProblemBody, content_type = "application/problem+json"),
))]
async fn list(
    State(app): State<Arc<App>>,
    reader: CanRead,
    Query(page): Query<Cursor>,
) -> Result<Json<Page<DayRow>>, Problem> {
    let limit = page.limit()?;
    let before = match page.cursor.as_deref() {
        None => None,
        Some(cursor) => Some(
            cursor
                .split_once('/')
                .map(|(day, engine)| (day.to_owned(), engine.to_owned()))
                .ok_or_else(|| {
                    Problem::invalid("cursor: not one that a page gave")
                        .field("cursor", "take `next` of the page before, as it is")
                })?,
        ),
    };
    let found = app.store.days(before, limit as u32 + 1).await.map_err(store_failed)?;
    let more = found.len() > limit;
    let row = |day: crate::store::Day| DayRow {
        engine: day.engine,
        day: day.day,
        sessions: day.sessions,
    };
    let mut items: Vec<DayRow> = found.into_iter().take(limit).map(row).collect();
    let last = items.last().filter(|_| more);
    let next = last.map(|last| format!("{}/{}", last.day, last.engine));
    items.retain(|row| reader.sees(&app, &row.engine));
    Ok(Json(Page { items, next }))
}

/// The form of a report.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum Format {
    /// A JSON object.
    #[default]
    Json,
    /// A page for people that needs nothing else.
    Html,
}

/// How it is wanted.
#[derive(Clone, Copy, Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
struct Wanted {
    /// `json` or `html`.
    #[param(inline)]
    format: Format,
}

/// The report of an engine's day. Its changes are those that the caller may see in the audit log.
#[utoipa::path(get, path = "/reports/{engine}/{day}", tag = "reports",
    params(
        ("engine" = String, Path, description = "engine"),
        ("day" = String, Path, description = "YYYY-MM-DD, UTC"),
        Wanted,
    ), responses(
    (status = 200, content((Report = "application/json"), (String = "text/html"))),
    (status = "4XX", body = ProblemBody, content_type = "application/problem+json"),
    (status = "5XX", body = ProblemBody, content_type = "application/problem+json"),
))]
async fn read(
    State(app): State<Arc<App>>,
    CanRead(caller): CanRead,
    Path((engine, day)): Path<(String, String)>,
    Query(wanted): Query<Wanted>,
) -> Result<Response, Problem> {
    let Some(span) = span_of(&day) else {
        return Err(Problem::invalid(format!("{day:?} is no day"))
            .field("day", "want YYYY-MM-DD, such as 2026-01-15"));
    };
    if day == report::day_of(crate::change::now()) {
        // What was seen up to now.
        report::sample(&app, &engine).await.map_err(store_failed)?;
    }
    let sessions = app.store.day(&engine, &day).await.map_err(store_failed)?;
    if sessions.is_empty() {
        return Err(Problem::not_found(format!("engine {engine} was not seen on {day}"))
            .todo("GET /reports lists the days that have one"));
    }
    let mut report = Report::of(&engine, &day, &sessions);
    let whose = audit::whose(&app, &caller, None);
    report.changes_of = match &whose {
        Ok(None) => "everybody".into(),
        Ok(Some(_)) => "own".into(),
        Err(_) => "nobody".into(),
    };
    if let Ok(user) = whose {
        let read = move |audit: &Audit| report::changes(audit, &engine, user, span);
        (report.changes, report.changes_more) = audit::off_thread(&app, read).await?;
    }
    Ok(match wanted.format {
        Format::Json => Json(report).into_response(),
        Format::Html => Html(report::html(&report)).into_response(),
    })
}
