//! What happens on an engine, as server-sent events.
//!
//! Model: a task per stream wakes ten times a second, takes the newest view (frames in between are
//! skipped, never queued) and all events since, and hands them to the connection. `shot` is the record
//! of `nofx top --json` without its books, with the touch of each; `order` a batch of events, whose
//! last `seq` is the id that a client sends as `Last-Event-ID` to get what it missed; `kill` and
//! `clock` come when they change; `gone` once a second while the engine is not live.
//!
//! Worst case: a client that does not read is dropped after some seconds; there are at most
//! [`STREAMS`] of them. Events are lost only behind 256 batches, which is said (`lost`).

use std::convert::Infallible;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::IntoResponse;
use axum::response::sse::{Event, KeepAlive, Sse};
use nofx_shot::{BookShot, LevelShot, Shot};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::sync::broadcast::{self, error::TryRecvError};
use tokio::sync::{Semaphore, mpsc};
use tokio_stream::wrappers::ReceiverStream;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{CanRead, Query};
use crate::app::App;
use crate::link::{EventJson, Link, Standing, View};
use crate::problem::{Problem, ProblemBody};

/// Streams at a time.
pub const STREAMS: usize = 256;
static OPEN: Semaphore = Semaphore::const_new(STREAMS);

/// Time between two frames.
const FRAME: Duration = Duration::from_millis(100);
/// Time between two signs of life of an engine that is not live.
const GONE: Duration = Duration::from_secs(1);
/// A client that takes nothing for this long is dropped.
const PATIENCE: Duration = Duration::from_secs(10);
/// Events of the past that a new stream begins with.
const PAST: usize = 100;

/// Routes below `/api/v1`.
pub fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(stream))
}

/// What to follow.
#[derive(Clone, Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Follow {
    /// Name of the engine.
    engine: String,
    /// Symbol whose ladder comes with every frame.
    book: Option<String>,
}

/// Events `shot` (at most ten a second), `order`, `kill`, `clock`, `gone`: see docs/control.md.
#[utoipa::path(get, path = "/stream", tag = "engines", params(Follow), responses(
    (status = 200, description = "server-sent events", content_type = "text/event-stream", body = String),
    (status = "4XX", description = "what is wrong", body = ProblemBody, content_type = "application/problem+json"),
    (status = 503, description = "too many streams", body = ProblemBody, content_type = "application/problem+json"),
))]
async fn stream(
    State(app): State<Arc<App>>,
    _: CanRead,
    Query(follow): Query<Follow>,
    headers: HeaderMap,
) -> Result<impl IntoResponse, Problem> {
    let link = app.engines.get(&follow.engine)?.clone();
    let permit = OPEN.try_acquire().map_err(|_| {
        let detail = format!("{STREAMS} streams are open");
        Problem::unavailable("too_many_streams", detail).todo("close another one first")
    })?;
    let last = headers.get("last-event-id").and_then(|id| id.to_str().ok()?.parse().ok());
    let (send, receive) = mpsc::channel(8);
    tokio::spawn(async move {
        let _permit = permit;
        _ = Stream::new(app, link, follow.book, last, send).run().await;
    });
    let keep_alive = KeepAlive::new().interval(Duration::from_secs(1));
    Ok(Sse::new(ReceiverStream::new(receive)).keep_alive(keep_alive))
}

/// The client is gone, or the process ends.
struct Gone;

struct Stream {
    app: Arc<App>,
    link: Arc<Link>,
    book: Option<String>,
    events: broadcast::Receiver<Arc<[EventJson]>>,
    /// Last event that was sent.
    last: u64,
    to: mpsc::Sender<Result<Event, Infallible>>,
    kill: Option<Value>,
    clock: Option<Value>,
    said_gone: Option<Instant>,
}

impl Stream {
    fn new(
        app: Arc<App>,
        link: Arc<Link>,
        book: Option<String>,
        last: Option<u64>,
        to: mpsc::Sender<Result<Event, Infallible>>,
    ) -> Stream {
        // Subscribed before the past is read: nothing falls in between, and `last` sorts out twins.
        let events = link.events();
        let past = link.recent(0, usize::MAX);
        let begin = past.len().saturating_sub(PAST).checked_sub(1);
        let begin = begin.and_then(|at| past.get(at)).map_or(0, |event| event.seq);
        let last = last.unwrap_or(begin);
        let (kill, clock, said_gone) = (None, None, None);
        Stream { app, link, book, events, last, to, kill, clock, said_gone }
    }

    async fn run(mut self) -> Result<(), Gone> {
        let past = self.link.recent(self.last, usize::MAX);
        self.send_events(&past, 0).await?;
        let mut ticks = tokio::time::interval(FRAME);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            if self.to.is_closed() || *self.app.ending.borrow() {
                return Err(Gone);
            }
            let view = self.link.view();
            let (batch, lost) = self.drain();
            self.send_events(&batch, lost).await?;
            self.send_changes(&view).await?;
            self.send_view(&view).await?;
        }
    }

    /// Events since the last frame, and how many this stream was too slow for.
    fn drain(&mut self) -> (Vec<EventJson>, u64) {
        let (mut batch, mut lost) = (Vec::new(), 0);
        loop {
            match self.events.try_recv() {
                Ok(events) => batch.extend(events.iter().filter(|e| e.seq > self.last).cloned()),
                Err(TryRecvError::Lagged(batches)) => lost += batches,
                Err(TryRecvError::Empty | TryRecvError::Closed) => return (batch, lost),
            }
        }
    }

    async fn send_events(&mut self, batch: &[EventJson], lost: u64) -> Result<(), Gone> {
        if lost > 0 {
            let lost = EventJson {
                kind: "lost".into(),
                at_ns: crate::time::now().0,
                value: i64::try_from(lost).unwrap_or(i64::MAX),
                text: "batches that this stream was too slow for".into(),
                ..EventJson::default()
            };
            self.send("order", &[lost], None).await?;
        }
        let Some(last) = batch.last().map(|event| event.seq) else { return Ok(()) };
        self.last = last;
        self.send("order", batch, Some(last)).await
    }

    /// Kill words, halt and clock, when they are not what was sent last.
    async fn send_changes(&mut self, view: &View) -> Result<(), Gone> {
        let kill = view.shot.as_ref().map(
            |shot| json!({ "engine": self.link.name(), "kill": shot.kill, "halted": shot.halted }),
        );
        if kill.is_some() && kill != self.kill {
            self.send("kill", &kill, None).await?;
            self.kill = kill;
        }
        let clock = self.app.clock.now();
        // The bound grows with every look: what counts as a change is the standing.
        let standing = json!([clock.state, clock.alarm, clock.looks]);
        if self.clock.as_ref() != Some(&standing) {
            self.send("clock", &clock, None).await?;
            self.clock = Some(standing);
        }
        Ok(())
    }

    async fn send_view(&mut self, view: &View) -> Result<(), Gone> {
        let (standing, detail) = view.standing_now();
        match &view.shot {
            Some(shot) if standing == Standing::Live => {
                self.said_gone = None;
                self.send("shot", &frame(shot, self.book.as_deref()), None).await
            }
            _ if self.said_gone.is_some_and(|said| said.elapsed() < GONE) => Ok(()),
            _ => {
                self.said_gone = Some(Instant::now());
                let engine = self.link.name();
                let gone = json!({ "engine": engine, "standing": standing, "detail": detail });
                self.send("gone", &gone, None).await
            }
        }
    }

    async fn send<T: Serialize + ?Sized>(
        &self,
        name: &str,
        data: &T,
        id: Option<u64>,
    ) -> Result<(), Gone> {
        let data = serde_json::to_string(data).map_err(|_| Gone)?;
        let event = Event::default().event(name).data(data);
        let event = id.map_or(event.clone(), |id| event.id(id.to_string()));
        let sent = tokio::time::timeout(PATIENCE, self.to.send(Ok(event))).await;
        sent.map_err(|_| Gone)?.map_err(|_| Gone)
    }
}

/// A shot without its books, with the touch of each and one ladder.
fn frame(shot: &Shot, book: Option<&str>) -> Value {
    let mut frame = serde_json::to_value(shot).unwrap_or_default();
    if let Some(map) = frame.as_object_mut() {
        map.remove("books");
        map.insert("touch".into(), shot.books.iter().map(touch).collect());
        if let Some(symbol) = book {
            let ladder = shot.books.iter().find(|book| book.instrument == symbol);
            map.insert("book".into(), serde_json::to_value(ladder).unwrap_or_default());
        }
    }
    frame
}

/// Symbol, bid, its quantity, ask, its quantity, decimals, state.
fn touch(book: &BookShot) -> Value {
    let price = |side: Option<&LevelShot>| side.map(|level| level.price);
    let qty = |side: Option<&LevelShot>| side.map(|level| level.qty);
    let (bid, ask) = (book.bids.first(), book.asks.first());
    let name = &book.instrument;
    json!([name, price(bid), qty(bid), price(ask), qty(ask), book.decimals, book.state])
}
