//! Engines and what each shows: parts of the record of `nofx top --json`.
//!
//! Model: every answer is a part of the newest [`Shot`], the record that `nofx top --json` prints, so
//! the two never differ. Lists are pages. Each answer says in its headers how old it is and how the
//! engine stands (`x-engine-at-ns`, `x-engine-standing`): what is silent is never shown as live.
//!
//! Worst case: an answer is 50 ms old; without a mailbox it is 503 with the reason.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue};
use axum::response::{IntoResponse, Response};
use nofx_shot::{
    BookShot, FeedShot, LatencyShot, LinkShot, OrderShot, PositionShot, SessionShot, Shot, TileShot,
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{CanRead, Cursor, Page, Path, Query, list};
use crate::app::App;
use crate::link::{EventJson, Link, Standing};
use crate::problem::{Problem, ProblemBody};

/// Routes below `/api/v1`.
pub fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(engines))
        .routes(routes!(engine))
        .routes(routes!(tiles))
        .routes(routes!(links))
        .routes(routes!(feeds))
        .routes(routes!(sessions))
        .routes(routes!(latency))
        .routes(routes!(orders))
        .routes(routes!(positions))
        .routes(routes!(rejects))
        .routes(routes!(counters))
        .routes(routes!(books))
        .routes(routes!(book))
        .routes(routes!(events))
}

/// One configured engine.
#[derive(Clone, Debug, Serialize, ToSchema)]
struct EngineRow {
    /// Its name.
    name: String,
    /// How it stands.
    standing: Standing,
    /// Why, in words: its own state while it is live; both versions for a wrong ABI.
    detail: String,
    /// Its mapped file.
    mailbox: String,
    /// Whether its journal can be queried.
    has_journal: bool,
    /// Name and version of the program, while a mailbox is attached.
    engine: Option<String>,
    /// What it says it does.
    state: Option<String>,
    /// Its process.
    pid: Option<u32>,
    /// When it started: names the session.
    started_ns: Option<u64>,
    /// When its mailbox was looked at, nanoseconds since 1970.
    at_ns: Option<u64>,
    /// Kill words engaged.
    kill: Vec<String>,
    /// Mailboxes attached since this process started: rises when the engine is started again.
    attached: u64,
}

impl EngineRow {
    fn of(link: &Link) -> EngineRow {
        let view = link.view();
        let (standing, detail) = view.standing_now();
        let shot = view.shot.as_deref();
        EngineRow {
            name: link.name().into(),
            standing,
            detail,
            mailbox: link.mailbox().display().to_string(),
            has_journal: link.journal().is_some(),
            engine: shot.map(|shot| shot.engine.name.clone()),
            state: shot.map(|shot| shot.engine.state.clone()),
            pid: shot.map(|shot| shot.engine.pid),
            started_ns: shot.map(|shot| shot.engine.started_ns),
            at_ns: shot.map(|shot| shot.at_ns),
            kill: shot.map(|shot| shot.kill.clone()).unwrap_or_default(),
            attached: view.attached,
        }
    }
}

/// Configured engines and whether they live.
#[utoipa::path(get, path = "/engines", tag = "engines", params(Cursor), responses(
    (status = 200, body = Page<EngineRow>),
    (status = "4XX", description = "what is wrong", body = ProblemBody, content_type = "application/problem+json"),
))]
async fn engines(
    State(app): State<Arc<App>>,
    reader: CanRead,
    Query(page): Query<Cursor>,
) -> Result<Json<Page<EngineRow>>, Problem> {
    let seen = app.engines.all().filter(|link| reader.sees(&app, link.name()));
    let rows = seen.map(|link| EngineRow::of(link)).collect();
    Ok(Json(Page::of(rows, &page)?))
}

/// How an engine stands, and when its mailbox was looked at: headers of every answer about what it
/// shows.
pub(super) fn standing(link: &Link) -> HeaderMap {
    let view = link.view();
    let standing = match view.standing_now().0 {
        Standing::Live => "live",
        Standing::Silent => "silent",
        Standing::Gone => "gone",
        Standing::Absent => "absent",
        Standing::Problem => "problem",
    };
    let mut headers = HeaderMap::new();
    headers.insert("x-engine-standing", HeaderValue::from_static(standing));
    if let Some(shot) = &view.shot {
        headers.insert(AT, shot.at_ns.into());
    }
    headers
}

const AT: &str = "x-engine-at-ns";

/// A part of a shot, with its age and the engine's standing in the headers.
fn shown<T: Serialize>(link: &Link, shot: &Shot, part: T) -> Response {
    let mut headers = standing(link);
    headers.insert(AT, shot.at_ns.into());
    (headers, Json(part)).into_response()
}

fn part<T: Serialize>(
    app: &App,
    name: &str,
    page: &Cursor,
    of: impl FnOnce(&Shot) -> Vec<T>,
) -> Result<Response, Problem> {
    let link = app.engines.get(name)?;
    let shot = link.shot()?;
    Ok(shown(link, &shot, Page::of(of(&shot), page)?))
}

/// Everything the engine shows: the object of `nofx top --json` (docs/json.md).
#[utoipa::path(get, path = "/engines/{e}", tag = "engines",
    params(("e" = String, Path, description = "name of the engine")), responses(
    (status = 200, body = Shot),
    (status = "4XX", description = "what is wrong", body = ProblemBody, content_type = "application/problem+json"),
    (status = 503, description = "no mailbox", body = ProblemBody, content_type = "application/problem+json"),
))]
async fn engine(
    State(app): State<Arc<App>>,
    _: CanRead,
    Path(name): Path<String>,
) -> Result<Response, Problem> {
    let link = app.engines.get(&name)?;
    let shot = link.shot()?;
    Ok(shown(link, &shot, &*shot))
}

/// A list that is one field of the shot.
macro_rules! part {
    ($name:ident, $path:literal, $what:literal, $row:ty, $of:expr) => {
        #[doc = $what]
        #[utoipa::path(get, path = $path, tag = "engines",
            params(("e" = String, Path, description = "name of the engine"), Cursor), responses(
            (status = 200, body = Page<$row>),
            (status = "4XX", description = "what is wrong", body = ProblemBody, content_type = "application/problem+json"),
            (status = 503, description = "no mailbox", body = ProblemBody, content_type = "application/problem+json"),
        ))]
        async fn $name(
            State(app): State<Arc<App>>,
            _: CanRead,
            Path(name): Path<String>,
            Query(page): Query<Cursor>,
        ) -> Result<Response, Problem> {
            let of: fn(&Shot) -> Vec<$row> = $of;
            part(&app, &name, &page, of)
        }
    };
}

part!(tiles, "/engines/{e}/tiles", "Tiles of the layout.", TileShot, |shot| shot.tiles.clone());
part!(links, "/engines/{e}/links", "Links between tiles.", LinkShot, |shot| shot.links.clone());
part!(feeds, "/engines/{e}/feeds", "Feed lines.", FeedShot, |shot| shot.feeds.clone());
part!(sessions, "/engines/{e}/sessions", "Order sessions.", SessionShot, |shot| {
    shot.sessions.clone()
});
part!(
    latency,
    "/engines/{e}/latency",
    "Latencies, in the order of a packet's way.",
    LatencyShot,
    |shot| { shot.latency_ns.clone() }
);
part!(rejects, "/engines/{e}/rejects", "Refused intents by rule.", Count, |shot| Count::all(
    &shot.rejects
));
part!(counters, "/engines/{e}/counters", "Every counter.", Count, |shot| Count::all(
    &shot.counters
));

/// One count.
#[derive(Clone, Debug, Serialize, ToSchema)]
struct Count {
    /// What is counted.
    name: String,
    /// How many.
    value: u64,
}

impl Count {
    fn all(counts: &std::collections::BTreeMap<String, u64>) -> Vec<Count> {
        counts.iter().map(|(name, value)| Count { name: name.clone(), value: *value }).collect()
    }
}

/// Which orders or positions.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
struct Held {
    /// Only this symbol, or `locate:N`.
    instrument: Option<String>,
    /// Only this account.
    account: Option<u16>,
    /// Most items on the page, 1 to 1000; 100 when left out.
    limit: Option<u32>,
    /// `next` of the page before.
    cursor: Option<String>,
}

impl Held {
    fn wants(&self, instrument: &str, account: u16) -> bool {
        self.instrument.as_deref().is_none_or(|wanted| wanted == instrument)
            && self.account.is_none_or(|wanted| wanted == account)
    }

    fn page(&self) -> Cursor {
        Cursor { limit: self.limit, cursor: self.cursor.clone() }
    }
}

/// Working orders, by our id: pages neither skip nor repeat one while others come and go.
#[utoipa::path(get, path = "/engines/{e}/orders", tag = "engines",
    params(("e" = String, Path, description = "name of the engine"), Held), responses(
    (status = 200, body = Page<OrderShot>),
    (status = "4XX", description = "what is wrong", body = ProblemBody, content_type = "application/problem+json"),
    (status = 503, description = "no mailbox", body = ProblemBody, content_type = "application/problem+json"),
))]
async fn orders(
    State(app): State<Arc<App>>,
    _: CanRead,
    Path(name): Path<String>,
    Query(held): Query<Held>,
) -> Result<Response, Problem> {
    let link = app.engines.get(&name)?;
    let shot = link.shot()?;
    let rows = shot.orders.rows.iter();
    let rows = rows.filter(|row| held.wants(&row.instrument, row.account)).cloned().collect();
    let page = Page::above(rows, &held.page(), |row: &OrderShot| row.cl_ord_id.into())?;
    Ok(shown(link, &shot, page))
}

/// Positions with their profit.
#[utoipa::path(get, path = "/engines/{e}/positions", tag = "engines",
    params(("e" = String, Path, description = "name of the engine"), Held), responses(
    (status = 200, body = Page<PositionShot>),
    (status = "4XX", description = "what is wrong", body = ProblemBody, content_type = "application/problem+json"),
    (status = 503, description = "no mailbox", body = ProblemBody, content_type = "application/problem+json"),
))]
async fn positions(
    State(app): State<Arc<App>>,
    _: CanRead,
    Path(name): Path<String>,
    Query(held): Query<Held>,
) -> Result<Response, Problem> {
    part(&app, &name, &held.page(), |shot| {
        let rows = shot.positions.rows.iter();
        rows.filter(|row| held.wants(&row.instrument, row.account)).cloned().collect()
    })
}

/// How much of the books.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
struct Depth {
    /// Levels of each side, 1 to 10; 10 when left out.
    levels: Option<usize>,
    /// Most items on the page, 1 to 1000; 100 when left out.
    limit: Option<u32>,
    /// `next` of the page before.
    cursor: Option<String>,
}

/// Levels of each side.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
struct Levels {
    /// Levels of each side, 1 to 10; 10 when left out.
    levels: Option<usize>,
}

fn levels(asked: Option<usize>) -> Result<usize, Problem> {
    match asked.unwrap_or(nofx_mailbox::view::LEVELS) {
        levels @ 1..=nofx_mailbox::view::LEVELS => Ok(levels),
        other => {
            let detail = format!("levels is {other}, want 1 to {}", nofx_mailbox::view::LEVELS);
            Err(Problem::invalid(detail.clone()).field("levels", detail))
        }
    }
}

fn cut(book: &BookShot, levels: usize) -> BookShot {
    let mut book = book.clone();
    book.bids.truncate(levels);
    book.asks.truncate(levels);
    book
}

/// Books that the engine shows.
#[utoipa::path(get, path = "/engines/{e}/books", tag = "engines",
    params(("e" = String, Path, description = "name of the engine"), Depth), responses(
    (status = 200, body = Page<BookShot>),
    (status = "4XX", description = "what is wrong", body = ProblemBody, content_type = "application/problem+json"),
    (status = 503, description = "no mailbox", body = ProblemBody, content_type = "application/problem+json"),
))]
async fn books(
    State(app): State<Arc<App>>,
    _: CanRead,
    Path(name): Path<String>,
    Query(depth): Query<Depth>,
) -> Result<Response, Problem> {
    let levels = levels(depth.levels)?;
    let page = Cursor { limit: depth.limit, cursor: depth.cursor };
    part(&app, &name, &page, |shot| shot.books.iter().map(|book| cut(book, levels)).collect())
}

/// The book of one symbol.
#[utoipa::path(get, path = "/engines/{e}/books/{symbol}", tag = "engines",
    params(("e" = String, Path, description = "name of the engine"),
        ("symbol" = String, Path, description = "symbol, or `locate:N`"), Levels), responses(
    (status = 200, body = BookShot),
    (status = "4XX", description = "what is wrong", body = ProblemBody, content_type = "application/problem+json"),
    (status = 503, description = "no mailbox", body = ProblemBody, content_type = "application/problem+json"),
))]
async fn book(
    State(app): State<Arc<App>>,
    _: CanRead,
    Path((name, symbol)): Path<(String, String)>,
    Query(depth): Query<Levels>,
) -> Result<Response, Problem> {
    let levels = levels(depth.levels)?;
    let link = app.engines.get(&name)?;
    let shot = link.shot()?;
    let book = shot.books.iter().find(|book| book.instrument == symbol);
    let book = book.ok_or_else(|| {
        Problem::not_found(format!("engine {name} shows no book of {symbol:?}"))
            .todo("GET .../books lists those it shows (live.views.books of the engine)")
    })?;
    Ok(shown(link, &shot, cut(book, levels)))
}

/// Which events.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
struct After {
    /// Only events above this `seq`.
    after: Option<u64>,
    /// Only this kind.
    kind: Option<String>,
    /// Only this symbol, or `locate:N`.
    instrument: Option<String>,
    /// Most items on the page, 1 to 1000; 100 when left out.
    limit: Option<u32>,
    /// `next` of the page before.
    cursor: Option<String>,
}

/// Recent events of orders and of the engine, oldest first. Some thousands are kept.
#[utoipa::path(get, path = "/engines/{e}/events", tag = "engines",
    params(("e" = String, Path, description = "name of the engine"), After), responses(
    (status = 200, body = Page<EventJson>),
    (status = "4XX", description = "what is wrong", body = ProblemBody, content_type = "application/problem+json"),
))]
async fn events(
    State(app): State<Arc<App>>,
    _: CanRead,
    Path(name): Path<String>,
    Query(asked): Query<After>,
) -> Result<Response, Problem> {
    let link = app.engines.get(&name)?;
    let limit = list::limit(asked.limit)?;
    let after = asked.after.unwrap_or(0).max(list::position(asked.cursor.as_deref())?);
    let wants = |event: &EventJson| {
        asked.kind.as_ref().is_none_or(|kind| *kind == event.kind)
            && asked.instrument.as_ref().is_none_or(|name| event.instrument.as_ref() == Some(name))
    };
    let mut items: Vec<_> = link.recent(after, usize::MAX).into_iter().filter(wants).collect();
    let more = items.len() > limit;
    items.truncate(limit);
    let next = items.last().filter(|_| more).map(|last| last.seq.to_string());
    Ok((standing(link), Json(Page { items, next })).into_response())
}
