//! Changes from the request to the engine's word, over real mailboxes.
//!
//! The engines of most tests are loops of a few lines over the engine's end of a mailbox: they check
//! pages by the schema that they published, refuse what a real engine would refuse, and say so. One
//! test runs the real engine against the real venue. Requests go through the router, as a person
//! whose certificate was proven.

mod common;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Body;
use axum::http::{Request, StatusCode};
use common::{Office, now, until};
use http_body_util::BodyExt;
use nofx_control::audit::MAX_BYTES;
use nofx_control::identity::Role;
use nofx_control::{App, Caller, Config, api};
use nofx_mailbox::param::{kind, rows, table};
use nofx_mailbox::view::BookView;
use nofx_mailbox::{
    AckView, Engine, EngineState, PageReader, ParamRow, ParamSpec, Reply, Spec, Taken, Watcher, Why,
};
use nofx_model::load;
use serde_json::{Value, json};
use tower::ServiceExt;

/// What the loop does not like, though the schema allows it.
const UNLUCKY: i64 = 13;

fn specs() -> Vec<ParamSpec> {
    let spec =
        |table, key, name| ParamSpec::new(table, key, kind::INT, [name, "shares", "a test's"]);
    vec![
        spec(table::ACCOUNT, 0, "net_max").within(0, 1_000_000, 500),
        spec(table::SYMBOL, 0, "qty_max").within(1, 10_000, 100),
        spec(table::STRATEGY, 0, "size_lots").within(1, 50, 1),
    ]
}

/// The engine's end of a mailbox and a thread that works it.
struct Floor {
    deaf: Arc<AtomicBool>,
    pages: Arc<AtomicU64>,
    stop: Arc<AtomicBool>,
    tile: Option<JoinHandle<()>>,
}

impl Floor {
    fn start(mailbox: &Path) -> Floor {
        Floor::of_size(mailbox, 8, 64)
    }

    fn of_size(mailbox: &Path, instruments: u32, param_rows: u32) -> Floor {
        let spec = Spec {
            engine: "nofx test".into(),
            started: now(),
            tiles: vec!["trade".into()],
            accounts: 2,
            instruments,
            book_rows: 1,
            journal_bytes: 1 << 12,
            schema: specs(),
            param_rows,
            model_words: 1 + 3 * nofx_model::FEATURES as u32,
            model_schema: nofx_model::schema_hash(),
            model_kind: 1,
            commands: 4,
            events: 8,
            in_force: 16,
            ..Spec::default()
        };
        let engine = Engine::create(mailbox, &spec).expect("a mailbox");
        engine.set_state(EngineState::Trading);
        let (deaf, pages, stop) = <(Arc<AtomicBool>, Arc<AtomicU64>, Arc<AtomicBool>)>::default();
        let (ears, count, end) = (deaf.clone(), pages.clone(), stop.clone());
        let tile = std::thread::spawn(move || work(engine, &ears, &count, &end));
        until("it lives", || Watcher::attach(mailbox).is_ok_and(|w| w.in_force().is_some()));
        Floor { deaf, pages, stop, tile: Some(tile) }
    }

    fn end(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        self.tile.take().map(JoinHandle::join);
    }
}

impl Drop for Floor {
    fn drop(&mut self) {
        self.end();
    }
}

fn work(mut engine: Engine, deaf: &AtomicBool, pages: &AtomicU64, stop: &AtomicBool) {
    let mut views = engine.views();
    let (mut params, mut models) = (engine.params().expect("once"), engine.models().expect("once"));
    let mut commands = engine.commands().expect("once");
    let (mut params_ack, mut model_ack) = (AckView::default(), AckView::default());
    let mut overlay = Vec::new();
    views.book(now(), 0, &BookView { symbol: *b"AAPL    ", instrument: 3, ..BookView::default() });
    views.in_force(now(), in_force(&overlay));
    while !stop.load(Ordering::Relaxed) {
        engine.beat(0, now());
        if !deaf.load(Ordering::Relaxed) {
            if take(&mut params, &mut params_ack, check, |words| overlay = rows(words).to_vec()) {
                pages.fetch_add(1, Ordering::Relaxed);
                views.in_force(now(), in_force(&overlay));
                views.params_ack(now(), &params_ack);
            }
            if take(&mut models, &mut model_ack, |_| None, |_| {}) {
                views.model_ack(now(), &model_ack);
            }
            if let Some(request) = commands.next() {
                let result = u32::from(request.command.is_none());
                commands.answer(&Reply { id: request.id, result, at: now(), cycles: 7, value: 0 });
            }
        }
        std::thread::sleep(Duration::from_micros(500));
    }
}

fn in_force(overlay: &[ParamRow]) -> Vec<ParamRow> {
    let places = [(1, 0), (1, 1), (2, 3), (4, ParamRow::ALL)];
    let value = |table: u16, scope| {
        let set = |wanted| overlay.iter().find(|row| row.table == table && row.scope == wanted);
        let default = specs().into_iter().find(|spec| spec.table == table).map_or(0, |s| s.default);
        set(scope).or_else(|| set(ParamRow::ALL)).map_or(default, |row| row.value)
    };
    let row = |(table, scope)| ParamRow { table, key: 0, scope, value: value(table, scope) };
    places.into_iter().map(row).collect()
}

fn check(words: &[u64]) -> Option<(Why, u32, i64)> {
    let known = specs();
    let wrong =
        |row: &ParamRow| match known.iter().find(|s| (s.table, s.key) == (row.table, row.key)) {
            None => Some(Why::UnknownKey),
            Some(spec) if !spec.allows(row.value) => Some(Why::OutOfBounds),
            Some(_) if row.value == UNLUCKY => Some(Why::Contradiction),
            Some(_) => None,
        };
    rows(words)
        .iter()
        .enumerate()
        .find_map(|(at, row)| wrong(row).map(|why| (why, at as u32, row.value)))
}

fn take(
    reader: &mut PageReader,
    ack: &mut AckView,
    check: impl Fn(&[u64]) -> Option<(Why, u32, i64)>,
    mut apply: impl FnMut(&[u64]),
) -> bool {
    let (head, wrong) = match reader.take() {
        Taken::Nothing | Taken::Lapped => return false,
        Taken::Refused(head, why) => (head, Some((why, 0, 0))),
        Taken::Page(head, words) => match check(words) {
            None => {
                apply(words);
                (head, None)
            }
            wrong => (head, wrong),
        },
    };
    ack.seen = head.publication;
    match wrong {
        None => {
            (ack.applied, ack.applied_version) = (head.publication, head.version);
            (ack.applied_at_ns, ack.first_used_ns) = (now().0, now().0);
        }
        Some((why, row, value)) => {
            (ack.refused, ack.refused_version, ack.refused_at_ns) =
                (head.publication, head.version, now().0);
            (ack.why, ack.row, ack.value) = (why as u32, row, value);
        }
    }
    true
}

/// Control, in this process.
struct Desk {
    office: Office,
    app: Arc<App>,
    router: Router,
}

fn office(engines: &[&str]) -> Office {
    furnished(engines, "")
}

/// With rules beside the built-in ones.
fn ruled(engines: &[&str], rules: &str) -> Office {
    let office = furnished(engines, "[policy]\nfile = \"own.cedar\"");
    let rules = format!("{}\n{rules}", nofx_control::policy::BUILT_IN);
    std::fs::write(office.path("own.cedar"), rules).expect("written");
    office
}

fn furnished(engines: &[&str], more: &str) -> Office {
    let office = Office::new();
    let files: Vec<_> = engines.iter().map(|name| (*name, office.path(name))).collect();
    let files: Vec<_> = files.iter().map(|(name, path)| (*name, path.as_path())).collect();
    office.configure(&files, more);
    office
}

impl Desk {
    fn open(office: Office) -> Desk {
        let config = Config::load(&office.path("control.toml")).expect("good");
        // A process that was killed a moment ago may not be gone yet.
        let app = App::open(config).expect("opens");
        let router = api::routes().with_state(app.clone());
        Desk { office, app, router }
    }

    async fn seen(&self, engine: &str) {
        let begun = Instant::now();
        while self.app.engines.watcher(engine).is_err() {
            assert!(begun.elapsed() < Duration::from_secs(60), "{engine} is not seen");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    async fn ask(
        &self,
        role: Role,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Value,
    ) -> (StatusCode, Value) {
        let mut request = Request::builder().method(method).uri(format!("/api/v1{path}"));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let body = match body {
            Value::Null => Body::empty(),
            body => {
                request = request.header("Content-Type", "application/json");
                Body::from(body.to_string())
            }
        };
        let caller = Caller {
            person: role.name().into(),
            roles: vec![role],
            serial: "1".into(),
            fingerprint: "f".into(),
            peer: ([127, 0, 0, 1], 1).into(),
        };
        let request = request.extension(caller).body(body).expect("a request");
        let response = self.router.clone().oneshot(request).await.expect("infallible");
        let status = response.status();
        let bytes = response.into_body().collect().await.expect("whole").to_bytes();
        let text = String::from_utf8_lossy(&bytes).into_owned();
        (status, serde_json::from_slice(&bytes).unwrap_or(Value::String(text)))
    }

    async fn get(&self, path: &str) -> Value {
        let (status, body) = self.ask(Role::Viewer, "GET", path, &[], Value::Null).await;
        assert_eq!(status, 200, "{path}: {body}");
        body
    }

    /// A change by a risk officer.
    async fn change(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Value,
    ) -> (StatusCode, Value) {
        self.ask(Role::Risk, method, path, headers, body).await
    }
}

fn qty(value: i64) -> Value {
    json!({ "set": [{ "table": "symbol", "scope": "AAPL", "key": "qty_max", "value": value }], "reason": "test" })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_limit_is_changed_once_by_version_and_by_key_and_taken_back() {
    let office = office(&["a"]);
    let floor = Floor::start(&office.path("a"));
    let desk = Desk::open(office);
    desk.seen("a").await;
    let page = desk.get("/engines/a/limits").await;
    assert_eq!((page["version"].clone(), page["etag"].clone()), (json!(0), json!("\"0\"")));
    assert!(
        page["schema"].to_string().contains("qty_max")
            && !page["schema"].to_string().contains("size_lots")
    );

    // Who may not, what is wrong, and what is only looked at.
    let limits = "/engines/a/limits";
    let (status, body) =
        desk.ask(Role::Trader, "PATCH", limits, &[("If-Match", "\"0\"")], qty(50)).await;
    assert_eq!((status.as_u16(), body["code"].clone()), (403, json!("forbidden")));
    let (status, body) = desk.change("PATCH", limits, &[], qty(50)).await;
    assert_eq!((status.as_u16(), body["code"].clone()), (428, json!("version_needed")));
    let (status, body) = desk.change("PATCH", limits, &[("If-Match", "\"4\"")], qty(50)).await;
    assert_eq!((status.as_u16(), body["code"].clone()), (412, json!("stale_version")));
    assert!(body["todo"].as_str().is_some_and(|todo| todo.contains("\"0\"")), "{body}");
    let (status, body) = desk.change("PATCH", limits, &[("If-Match", "\"0\"")], qty(0)).await;
    assert_eq!(status, 422);
    assert_eq!(body["errors"][0]["field"], "set[0].value", "{body}");
    let (status, body) = desk.change("PATCH", "/engines/a/limits?dry_run=true", &[], qty(50)).await;
    assert_eq!((status.as_u16(), body["result"].clone()), (200, json!("dry_run")));
    let want = json!([{ "table": "symbol", "scope": "AAPL", "key": "qty_max", "before": 100, "after": 50 }]);
    assert_eq!(body["diff"], want);
    assert_eq!(floor.pages.load(Ordering::Relaxed), 0, "nothing reached the engine");

    // Eight times the same request at once: one page.
    let headers = [("If-Match", "\"0\""), ("Idempotency-Key", "k1")];
    let asks = (0..8).map(|_| desk.change("PATCH", limits, &headers, qty(50)));
    let mut answers = BTreeSet::new();
    for answer in futures(asks.collect()).await {
        assert_eq!(answer.0, 200, "{}", answer.1);
        answers.insert(answer.1.to_string());
    }
    assert_eq!(answers.len(), 1, "one answer");
    let answer: Value = serde_json::from_str(answers.first().expect("one")).expect("JSON");
    assert_eq!((answer["result"].clone(), answer["version"].clone()), (json!("applied"), json!(1)));
    assert_eq!(answer["diff"], want);
    assert_eq!(floor.pages.load(Ordering::Relaxed), 1);
    let (status, body) = desk.change("PATCH", limits, &headers, qty(51)).await;
    assert_eq!((status.as_u16(), body["code"].clone()), (422, json!("key_reused")));
    let page = desk.get(limits).await;
    let row = |value: i64| json!({ "table": "symbol", "scope": "AAPL", "key": "qty_max", "value": value });
    assert!(page["in_force"].as_array().is_some_and(|rows| rows.contains(&row(50))), "{page}");

    // What the engine refuses is named, and the page before is current again.
    let (status, body) = desk.change("PATCH", limits, &[("If-Match", "\"1\"")], qty(UNLUCKY)).await;
    assert_eq!((status.as_u16(), body["result"].clone()), (409, json!("refused")), "{body}");
    assert_eq!(body["code"], "refused_by_engine");
    assert_eq!(body["errors"][0]["field"], "symbol.AAPL.qty_max");
    let page = desk.get(limits).await;
    assert_eq!((page["version"].clone(), page["page"].clone()), (json!(1), json!([row(50)])));

    // Strategy and limits are one page, changed by different people.
    let lots = json!({ "set": [{ "table": "strategy", "scope": "*", "key": "size_lots", "value": 3 }], "reason": "more" });
    let (status, body) = desk
        .ask(Role::Trader, "PATCH", "/engines/a/parameters", &[("If-Match", "\"1\"")], lots)
        .await;
    assert_eq!((status.as_u16(), body["version"].clone()), (200, json!(3)), "{body}");
    let back = |version: u64| json!({ "version": version, "reason": "back" });
    let rollback = "/engines/a/versions/rollback";
    let (status, _) = desk.ask(Role::Trader, "POST", rollback, &[], back(0)).await;
    assert_eq!(status, 403, "it would change limits");
    let (status, body) = desk.ask(Role::Trader, "POST", rollback, &[], back(1)).await;
    assert_eq!((status.as_u16(), body["version"].clone()), (200, json!(1)), "{body}");
    let (status, body) = desk.change("POST", rollback, &[], back(0)).await;
    assert_eq!((status.as_u16(), body["result"].clone()), (200, json!("applied")), "{body}");
    assert_eq!(desk.get(limits).await["page"], json!([]));
    let (status, _) = desk.change("POST", rollback, &[], back(77)).await;
    assert_eq!(status, 404);

    let versions = desk.get("/engines/a/versions").await;
    let states: Vec<_> = versions["items"]
        .as_array()
        .expect("rows")
        .iter()
        .map(|row| (row["version"].clone(), row["state"].clone()))
        .collect();
    let want = [(3, "applied"), (2, "refused"), (1, "applied")].map(|(v, s)| (json!(v), json!(s)));
    assert_eq!(states, want);
}

async fn futures<T>(all: Vec<impl Future<Output = T>>) -> Vec<T> {
    let mut all: Vec<_> = all.into_iter().map(Box::pin).collect();
    let mut done: Vec<Option<T>> = all.iter().map(|_| None).collect();
    std::future::poll_fn(|context| {
        for (at, future) in all.iter_mut().enumerate() {
            if done[at].is_none()
                && let std::task::Poll::Ready(value) = future.as_mut().poll(context)
            {
                done[at] = Some(value);
            }
        }
        match done.iter().all(Option::is_some) {
            true => std::task::Poll::Ready(()),
            false => std::task::Poll::Pending,
        }
    })
    .await;
    done.into_iter().flatten().collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn silence_is_unknown_and_settled_late_and_a_lost_page_comes_back() {
    let office = office(&["a"]);
    let mut floor = Floor::start(&office.path("a"));
    let desk = Desk::open(office);
    desk.seen("a").await;
    floor.deaf.store(true, Ordering::Relaxed);
    let (status, body) =
        desk.change("PATCH", "/engines/a/limits", &[("If-Match", "\"0\"")], qty(50)).await;
    assert_eq!((status.as_u16(), body["result"].clone()), (202, json!("unknown")), "{body}");
    let (status, body) = desk
        .change("POST", "/engines/a/commands", &[], json!({ "command": "snapshot", "reason": "r" }))
        .await;
    assert_eq!((status.as_u16(), body["result"].clone()), (202, json!("unknown")), "{body}");
    floor.deaf.store(false, Ordering::Relaxed);
    let state = async || desk.get("/engines/a/versions").await["items"][0]["state"].clone();
    let begun = Instant::now();
    while state().await != "applied" {
        assert!(begun.elapsed() < Duration::from_secs(60));
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    // The machine starts anew: the file is gone, and with it the page.
    floor.end();
    let mailbox = desk.office.path("a");
    std::fs::remove_file(&mailbox).expect("there");
    let _floor = Floor::start(&mailbox);
    let begun = Instant::now();
    loop {
        let watcher = Watcher::attach(&mailbox).expect("there");
        if watcher
            .current_params()
            .is_some_and(|(head, rows)| head.version == 1 && rows[0].value == 50)
        {
            break;
        }
        assert!(begun.elapsed() < Duration::from_secs(60), "the page does not come back");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn models_and_commands_reach_the_engine_or_say_why_not() {
    let office = office(&["a"]);
    let _floor = Floor::start(&office.path("a"));
    let desk = Desk::open(office);
    desk.seen("a").await;
    let term = nofx_model::Term { weight: 0.25, mean: 0.5, scale: 2.0 };
    let toml = load::to_text(0.125, &[term; nofx_model::FEATURES]);
    let upload = |toml: &str| json!({ "name": "m", "toml": toml, "reason": "new fit" });
    let models = "/engines/a/models";
    let (status, body) =
        desk.change("POST", models, &[], upload(&toml.replace("scale = 2.0", "scale = 0.0"))).await;
    assert_eq!((status.as_u16(), body["errors"][0]["field"].clone()), (422, json!("toml")));
    assert!(body["errors"][0]["problem"].as_str().is_some_and(|p| p.contains("scale")), "{body}");
    let (status, body) = desk.change("POST", models, &[], upload(&toml)).await;
    assert_eq!((status.as_u16(), body["version"].clone()), (200, json!(1)), "{body}");
    let watcher = Watcher::attach(desk.office.path("a")).expect("there");
    let (_, words) = watcher.current_model().expect("a model");
    assert_eq!((f64::from_bits(words[0]), f64::from_bits(words[1])), (0.125, 0.25));
    let second = toml.replace("bias = 0.125", "bias = 0.5");
    let (_, body) = desk.change("POST", models, &[], upload(&second)).await;
    assert_eq!(body["version"], 2);
    let (_, body) = desk
        .change(
            "POST",
            "/engines/a/models/rollback",
            &[],
            json!({ "version": 1, "reason": "worse" }),
        )
        .await;
    assert_eq!(
        (body["result"].clone(), body["version"].clone()),
        (json!("applied"), json!(1)),
        "{body}"
    );
    let listed = desk.get(models).await;
    assert_eq!(
        (listed["version"].clone(), listed["items"][1]["current"].clone()),
        (json!(1), json!(true)),
        "{listed}"
    );

    let command =
        |name: &str, scope: Value| json!({ "command": name, "scope": scope, "reason": "test" });
    for (name, scope, want) in [
        ("halt", Value::Null, 200),
        ("resume", Value::Null, 200),
        ("cancel_all", json!("symbol AAPL"), 200),
        ("cancel_all", json!("account 9"), 422),
        ("snapshot", json!("everything"), 422),
        ("explode", Value::Null, 422),
    ] {
        let (status, body) =
            desk.change("POST", "/engines/a/commands", &[], command(name, scope)).await;
        assert_eq!(status.as_u16(), want, "{name}: {body}");
    }
    let (status, _) = desk
        .ask(Role::Trader, "POST", "/engines/a/commands", &[], command("resume", Value::Null))
        .await;
    assert_eq!(status, 403);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_configuration_goes_to_one_then_to_all_and_back_and_a_failure_names_who_has_it() {
    let office = office(&["a", "b"]);
    let (_a, b) = (Floor::start(&office.path("a")), Floor::start(&office.path("b")));
    let desk = Desk::open(office);
    desk.seen("a").await;
    desk.seen("b").await;
    let draft = |value: i64| {
        json!({ "name": "tighter", "engines": ["a", "b"], "reason": "test",
            "set": [{ "table": "account", "scope": "*", "key": "net_max", "value": value }] })
    };
    let step = async |role: Role, id: u64, step: &str, body: Value| {
        let now = desk.get(&format!("/configurations/{id}")).await;
        let etag = now["etag"].as_str().expect("text").to_owned();
        desk.ask(
            role,
            "POST",
            &format!("/configurations/{id}/{step}"),
            &[("If-Match", &etag)],
            body,
        )
        .await
    };
    let why = || json!({ "reason": "go" });
    let (status, body) =
        desk.change("POST", "/configurations", &[("Idempotency-Key", "d")], draft(400)).await;
    assert_eq!((status.as_u16(), body["id"].clone()), (201, json!(1)), "{body}");
    let (status, _) = step(Role::Admin, 1, "apply", why()).await;
    assert_eq!(status, 409, "not before the canary");
    let (status, body) = step(Role::Risk, 1, "validate", why()).await;
    assert_eq!((status.as_u16(), body["stage"].clone()), (200, json!("validated")), "{body}");
    let (status, _) = desk
        .change(
            "POST",
            "/configurations/1/canary",
            &[("If-Match", "\"1\"")],
            json!({ "engine": "a", "reason": "r" }),
        )
        .await;
    assert_eq!(status, 412);
    let (status, body) =
        step(Role::Risk, 1, "canary", json!({ "engine": "a", "reason": "r" })).await;
    assert_eq!((status.as_u16(), body["stage"].clone()), (200, json!("canary")), "{body}");
    assert_eq!(body["members"]["b"]["state"], "untouched");
    let (status, _) = step(Role::Risk, 1, "apply", why()).await;
    assert_eq!(status, 403, "an administrator's");
    let (status, body) = step(Role::Admin, 1, "apply", why()).await;
    assert_eq!((status.as_u16(), body["stage"].clone()), (200, json!("applied")), "{body}");
    let (status, body) = step(Role::Risk, 1, "rollback", why()).await;
    assert_eq!((status.as_u16(), body["stage"].clone()), (200, json!("rolled_back")), "{body}");
    for engine in ["a", "b"] {
        assert_eq!(desk.get(&format!("/engines/{engine}/limits")).await["page"], json!([]));
    }

    // The second engine does not answer: who has it and who not is named, and it can be taken back.
    let (_, body) = desk.change("POST", "/configurations", &[], draft(300)).await;
    let id = body["id"].as_u64().expect("a number");
    step(Role::Risk, id, "validate", why()).await;
    step(Role::Risk, id, "canary", json!({ "engine": "a", "reason": "r" })).await;
    b.deaf.store(true, Ordering::Relaxed);
    let (status, body) = step(Role::Admin, id, "apply", why()).await;
    assert_eq!((status.as_u16(), body["stage"].clone()), (409, json!("failed")), "{body}");
    assert_eq!(body["members"]["a"]["state"], "applied");
    assert_eq!(body["members"]["b"]["state"], "unknown");
    b.deaf.store(false, Ordering::Relaxed);
    let (status, body) = step(Role::Risk, id, "rollback", why()).await;
    assert_eq!((status.as_u16(), body["stage"].clone()), (200, json!("rolled_back")), "{body}");
    // What no engine takes stays a draft and names the field.
    let (_, body) = desk.change("POST", "/configurations", &[], draft(-1)).await;
    let id = body["id"].as_u64().expect("a number");
    let (status, body) = step(Role::Risk, id, "validate", why()).await;
    assert_eq!(status, 422);
    assert_eq!(body["errors"][0]["field"], "a: set[0].value", "{body}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rule_about_one_engine_holds_for_configurations_and_for_looks() {
    let office = ruled(
        &["a", "b"],
        r#"forbid (principal, action == Action::"set_limits", resource == Engine::"b");
        forbid (principal in Role::"viewer", action == Action::"read", resource == Engine::"b");
"#,
    );
    let (_a, b) = (Floor::start(&office.path("a")), Floor::start(&office.path("b")));
    let desk = Desk::open(office);
    desk.seen("a").await;
    desk.seen("b").await;
    let draft = json!({ "name": "n", "engines": ["a", "b"], "reason": "test",
        "set": [{ "table": "account", "scope": "*", "key": "net_max", "value": 400 }] });
    let (status, body) = desk.change("POST", "/configurations", &[], draft).await;
    assert_eq!(status, 201, "{body}");
    let step = async |role: Role, step: &str, body: Value| {
        let path = format!("/configurations/1/{step}");
        desk.ask(role, "POST", &path, &[("If-Match", "*")], body).await
    };
    let why = || json!({ "reason": "go" });
    assert_eq!(step(Role::Risk, "validate", why()).await.0, 200);
    let on = |engine: &str| json!({ "engine": engine, "reason": "go" });
    let (status, body) = step(Role::Risk, "canary", on("b")).await;
    assert_eq!((status.as_u16(), body["code"].clone()), (403, json!("forbidden")), "{body}");
    let (status, body) = step(Role::Risk, "canary", on("a")).await;
    assert_eq!(status, 200, "{body}");
    let (status, body) = step(Role::Admin, "apply", why()).await;
    assert_eq!((status.as_u16(), body["code"].clone()), (403, json!("forbidden")), "{body}");
    assert!(body["detail"].as_str().is_some_and(|why| why.contains("set_limits on b")), "{body}");
    assert_eq!(b.pages.load(Ordering::Relaxed), 0);
    assert_eq!(step(Role::Admin, "rollback", why()).await.0, 200);

    // Looks: by the engine that path or query names.
    let looks = [
        "/engines/b",
        "/engines/b/limits",
        "/engines/b/journal",
        "/reports/b/2026-01-15",
        "/configurations/1/diff?engine=b",
        "/stream?engine=b",
    ];
    for path in looks {
        let (status, body) = desk.ask(Role::Viewer, "GET", path, &[], Value::Null).await;
        assert_eq!((status.as_u16(), body["code"].clone()), (403, json!("forbidden")), "{path}");
    }
    desk.get("/engines/a/limits").await;
    let metrics = async |role: Role| desk.ask(role, "GET", "/metrics", &[], Value::Null).await;
    assert_eq!(metrics(Role::Viewer).await.0, 403, "they show every engine");
    let (status, text) = metrics(Role::Risk).await;
    assert!(status == 200 && text.as_str().is_some_and(|text| text.contains("nofx_engine")));
    for (path, name) in [("/engines", "name"), ("/kill", "engine"), ("/reports", "engine")] {
        let rows = desk.get(path).await["items"].as_array().expect("rows").clone();
        assert!(rows.iter().all(|row| row[name] == "a"), "{path}: {rows:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_shows_the_changes_that_its_reader_may_see_in_the_audit_log() {
    let office = ruled(
        &["a"],
        r#"forbid (principal in Role::"admin", action == Action::"read_audit", resource);"#,
    );
    let _floor = Floor::start(&office.path("a"));
    let desk = Desk::open(office);
    desk.seen("a").await;
    let halt = json!({ "command": "halt", "reason": "test" });
    for role in [Role::Risk, Role::Trader] {
        let (status, body) = desk.ask(role, "POST", "/engines/a/commands", &[], halt.clone()).await;
        assert_eq!(status, 200, "{body}");
    }
    let day = day_of_a_report(&desk).await;
    let cases = [
        (Role::Risk, "everybody", &["risk", "trader"][..]),
        (Role::Trader, "own", &["trader"]),
        (Role::Viewer, "own", &[]),
        (Role::Admin, "nobody", &[]),
    ];
    for (role, whose, people) in cases {
        let path = format!("/reports/a/{day}");
        let (status, report) = desk.ask(role, "GET", &path, &[], Value::Null).await;
        assert_eq!((status.as_u16(), report["changes_of"].clone()), (200, json!(whose)));
        let rows = report["changes"].as_array().expect("rows").iter();
        let told: Vec<_> = rows.map(|row| row["who"].as_str().expect("text")).collect();
        assert_eq!(told, people, "{role}: {report}");
    }
}

/// As many limits.
fn many(count: usize) -> Vec<Value> {
    limits_of(1_000..1_000 + count)
}

fn limits_of(instruments: std::ops::Range<usize>) -> Vec<Value> {
    let place = |n: usize| json!({ "table": "symbol", "scope": format!("instrument {n}"), "key": "qty_max", "value": 50 });
    instruments.map(place).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_came_to_be_in_parts_goes_back_as_a_whole() {
    let office = office(&["a"]);
    let _floor = Floor::of_size(&office.path("a"), 8_192, 4_096);
    let desk = Desk::open(office);
    desk.seen("a").await;
    for (etag, part) in [("\"0\"", 1_000..3_000), ("\"1\"", 3_000..5_000)] {
        let body = json!({ "set": limits_of(part), "reason": "test" });
        let (status, body) =
            desk.change("PATCH", "/engines/a/limits", &[("If-Match", etag)], body).await;
        assert_eq!(status, 200, "{}", body["detail"]);
    }
    let back = json!({ "version": 0, "reason": "back" });
    let (status, body) = desk.change("POST", "/engines/a/versions/rollback", &[], back).await;
    assert_eq!((status.as_u16(), body["result"].clone()), (200, json!("applied")), "{body}");
    let path = "/audit?action=roll_back&result=intent";
    let log = desk.change("GET", path, &[], Value::Null).await.1;
    let entry = &log["items"][0];
    assert_eq!(entry["before"], json!({ "version": 2 }));
    assert_eq!(entry["after"]["values"], json!({ "version": 0 }));
    assert!(entry["after"]["why"].as_str().is_some_and(|why| why.contains("left out")), "{entry}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_fits_into_the_audit_log_as_an_intent_comes_to_its_end() {
    let office = office(&["a"]);
    let _floor = Floor::of_size(&office.path("a"), 8_192, 4_096);
    let desk = Desk::open(office);
    desk.seen("a").await;
    // Too long for an entry: refused before anything is done; the answer says by how much.
    let change = async |reason: String| {
        let body = json!({ "set": many(3_520), "reason": reason });
        desk.change("PATCH", "/engines/a/limits", &[("If-Match", "\"0\"")], body).await
    };
    let (status, body) = change("\u{1}".repeat(1_000)).await;
    assert_eq!((status.as_u16(), body["code"].clone()), (422, json!("invalid")), "{body}");
    let detail = body["detail"].as_str().expect("text");
    let mut numbers = detail.split(|c: char| !c.is_ascii_digit());
    let bytes: usize = numbers.find_map(|digits| digits.parse().ok()).expect("a number");
    // The longest that fits, but for some bytes: such a letter takes six there, an x one.
    let short = (bytes - MAX_BYTES).div_ceil(5) + 1;
    let reason = "x".repeat(short) + &"\u{1}".repeat(1_000 - short);
    let (status, body) = change(reason).await;
    assert_eq!((status.as_u16(), body["result"].clone()), (200, json!("applied")), "{body}");
    let halt = json!({ "command": "halt", "reason": "test" });
    let (status, body) = desk.change("POST", "/engines/a/commands", &[], halt).await;
    assert_eq!(status, 200, "{body}");

    // A draft, whose answer shows all of it.
    let draft =
        || json!({ "name": "long", "engines": ["a"], "reason": "test", "set": many(2_800) });
    for _ in 0..2 {
        let key = [("Idempotency-Key", "long")];
        let (status, body) = desk.change("POST", "/configurations", &key, draft()).await;
        let set = body["set"].as_array().map(Vec::len);
        assert_eq!((status.as_u16(), set), (201, Some(2_800)), "{}", body["detail"]);
    }
    assert_eq!(desk.app.store.unended().await.expect("read"), []);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_not_waits_for_nothing_and_one_person_does_not_take_every_place() {
    let office = office(&["a"]);
    let _floor = Floor::start(&office.path("a"));
    let desk = Desk::open(office);
    desk.seen("a").await;
    let turn = desk.app.store.turn("engine a").await;
    let back = || json!({ "version": 0, "reason": "back" });
    let rollback = || desk.ask(Role::Viewer, "POST", "/engines/a/versions/rollback", &[], back());
    let in_time = Duration::from_secs(60);
    // Many denials: each is told at once, some are written, the number of the rest as well.
    let denied = tokio::time::timeout(in_time, futures((0..40).map(|_| rollback()).collect()));
    for (status, body) in denied.await.expect("no turn is waited for") {
        assert_eq!((status.as_u16(), body["code"].clone()), (403, json!("forbidden")), "{body}");
    }
    let begun = Instant::now();
    loop {
        let found = desk.ask(Role::Risk, "GET", "/audit?result=refused", &[], Value::Null).await.1;
        let rows = found["items"].as_array().expect("rows").clone();
        let itself = |row: &Value| u64::from(row["after"]["why"] != "as before");
        let told = rows.iter().map(|r| itself(r) + r["after"]["left_out"].as_u64().unwrap_or(0));
        if told.sum::<u64>() == 40 {
            assert!(rows.len() < 40, "{found}");
            break;
        }
        assert!(begun.elapsed() < in_time, "{found}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }

    // Somebody who may, and asks without end.
    let halt = || json!({ "command": "halt", "reason": "test" });
    let send = |role: Role| desk.ask(role, "POST", "/engines/a/commands", &[], halt());
    let waiting = futures((0..8).map(|_| send(Role::Risk)).collect());
    let others = async {
        let ninth = async {
            loop {
                let asked = tokio::time::timeout(Duration::from_millis(100), send(Role::Risk));
                if let Ok(answer) = asked.await {
                    break answer;
                }
            }
        };
        let (status, body) = tokio::time::timeout(in_time, ninth).await.expect("refused");
        assert_eq!((status.as_u16(), body["code"].clone()), (429, json!("too_many_changes")));
        drop(turn);
        send(Role::Trader).await
    };
    let (waited, (status, body)) = tokio::join!(waiting, others);
    assert_eq!(status, 200, "somebody else: {body}");
    assert!(waited.iter().all(|(status, _)| *status == 200), "{waited:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_step_that_cannot_be_settled_does_not_hold_up_the_others() {
    let desk = Desk::open(office(&["a"]));
    let left = |effect: Value| {
        let record = json!({
            "person": "risk", "role": "risk", "action": "configure", "object": "configuration/1",
            "effect": effect, "before": null, "after": null, "detail": null, "reason": "test",
            "correlation": "c",
        });
        desk.app.store.begin("risk", None, record.to_string(), now().0)
    };
    let nowhere = json!({ "effect": "transit", "configuration": 77, "to": "apply", "only": null });
    let never_written = json!({ "effect": "draft", "draft": {
        "id": 0, "revision": 0, "name": "n", "stage": "draft", "doing": null, "set": [],
        "unset": [], "engines": ["a"], "members": {}, "history": [],
    } });
    let stays = left(nowhere).await.expect("written");
    left(never_written).await.expect("written");
    let begun = Instant::now();
    loop {
        let open = desk.app.store.unended().await.expect("read");
        if open.iter().map(|one| one.id).eq([stays]) {
            break;
        }
        assert!(begun.elapsed() < Duration::from_secs(60), "{open:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// The child of the next test: stops at a step, and is killed there.
#[test]
fn child() {
    let (Ok(step), Ok(dir)) = (std::env::var("NOFX_STOP_AT"), std::env::var("NOFX_FOLDER")) else {
        return;
    };
    use tracing_subscriber::layer::SubscriberExt;
    let stop = StopAt { step, dir: PathBuf::from(&dir) };
    let filter = tracing_subscriber::filter::LevelFilter::DEBUG;
    tracing::subscriber::set_global_default(tracing_subscriber::registry().with(stop).with(filter))
        .expect("first");
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("runs");
    runtime.block_on(async {
        let config = Config::load(&Path::new(&dir).join("control.toml")).expect("good");
        let app = App::open(config).expect("opens");
        let router = api::routes().with_state(app.clone());
        let desk = Desk { office: Office::new(), app, router };
        desk.seen("a").await;
        let headers = [("If-Match", "\"0\""), ("Idempotency-Key", "k")];
        desk.change("PATCH", "/engines/a/limits", &headers, qty(50)).await;
        std::fs::write(Path::new(&dir).join("stopped"), "").expect("written");
        std::thread::sleep(Duration::from_secs(600));
    });
}

struct StopAt {
    step: String,
    dir: PathBuf,
}

impl<S: tracing::Subscriber> tracing_subscriber::Layer<S> for StopAt {
    fn on_event(&self, event: &tracing::Event<'_>, _: tracing_subscriber::layer::Context<'_, S>) {
        struct Find<'a>(&'a str, bool);
        impl tracing::field::Visit for Find<'_> {
            fn record_str(&mut self, field: &tracing::field::Field, value: &str) {
                self.1 |= field.name() == "step" && value == self.0;
            }
            fn record_debug(&mut self, _: &tracing::field::Field, _: &dyn std::fmt::Debug) {}
        }
        let mut find = Find(&self.step, false);
        event.record(&mut find);
        if find.1 {
            std::fs::write(self.dir.join("stopped"), "").expect("written");
            std::thread::sleep(Duration::from_secs(600));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_at_every_step_the_next_process_tells_what_became_of_it() {
    for step in ["intended", "audited", "published", "acknowledged", "known", "logged", "ended"] {
        let office = office(&["a"]);
        let floor = Floor::start(&office.path("a"));
        let mut child = Command::new(std::env::current_exe().expect("this"))
            .args(["--exact", "child", "--nocapture"])
            .env("NOFX_STOP_AT", step)
            .env("NOFX_FOLDER", office.dir.path())
            .stdout(Stdio::null())
            .spawn()
            .expect("starts");
        until(step, || office.path("stopped").exists());
        child.kill().expect("ours");
        child.wait().expect("ours");

        let desk = Desk::open(office);
        desk.seen("a").await;
        let reached = !matches!(step, "intended" | "audited");
        // The same request again: an answer that tells the truth, and no second page.
        let headers = [("If-Match", "\"0\""), ("Idempotency-Key", "k")];
        let begun = Instant::now();
        let (status, body) = loop {
            let answer = desk.change("PATCH", "/engines/a/limits", &headers, qty(50)).await;
            if answer.1["code"] != "outcome_unknown" {
                break answer;
            }
            assert!(begun.elapsed() < Duration::from_secs(60), "{step}: {}", answer.1);
            tokio::time::sleep(Duration::from_millis(20)).await;
        };
        let want = if reached { (200, json!("applied")) } else { (503, json!("not_done")) };
        assert_eq!((status.as_u16(), body["result"].clone()), want, "{step}: {body}");
        assert_eq!(floor.pages.load(Ordering::Relaxed), u64::from(reached), "{step}");
        let state = desk.get("/engines/a/versions").await["items"][0]["state"].clone();
        assert_eq!(state, if reached { "applied" } else { "not_published" }, "{step}");
        assert_eq!(desk.get("/engines/a/limits").await["version"], u64::from(reached), "{step}");
    }
}

/// The newest day that has a report; it is written down within a second or so of the engine's first
/// sight.
async fn day_of_a_report(desk: &Desk) -> String {
    let begun = Instant::now();
    loop {
        let list = desk.get("/reports").await;
        if let Some(day) = list["items"][0]["day"].as_str() {
            return day.to_owned();
        }
        assert!(begun.elapsed() < Duration::from_secs(60), "no day: {list}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// The engine's program: `NOFX`, or the one beside these tests.
fn nofx() -> Option<PathBuf> {
    let beside = || {
        let exe = std::env::current_exe().ok()?;
        Some(exe.parent()?.parent()?.join("nofx"))
    };
    let found = std::env::var_os("NOFX").map(PathBuf::from).or_else(beside);
    found.filter(|path| path.exists())
}

struct Ends(Child);

impl Drop for Ends {
    fn drop(&mut self) {
        _ = self.0.kill();
        _ = self.0.wait();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_limit_changed_over_the_api_stops_the_next_order_of_a_real_engine() {
    let Some(nofx) = nofx() else {
        eprintln!("SKIPPED: no engine: cargo build -p nofx-app, or name it in NOFX");
        return;
    };
    let office = office(&["mailbox"]);
    let port = 20_000 + (std::process::id() % 2_000) as u16 * 8;
    let write =
        |name: &str, text: String| std::fs::write(office.path(name), text).expect("written");
    write(
        "venue.toml",
        format!(
            r#"
        process.idle = "sleep"
        market.instruments = 12
        course = {{ pre_open_s = 1, continuous_s = 0, after_close_s = 0 }}
        flow = {{ rate = 1000, resting = 30 }}
        lines = [{{ group = "239.71.9.1:{p0}", interface = "127.0.0.1" }}, {{ group = "239.71.9.2:{p1}", interface = "127.0.0.1" }}]
        rerequest.listen = "127.0.0.1:{p2}"
        glimpse.listen = "127.0.0.1:{p3}"
        firms = [{{ name = "NOFX", listen = "127.0.0.1:{p4}", username = "NOFX", password = "NOFX" }}]
    "#,
            p0 = port,
            p1 = port + 1,
            p2 = port + 2,
            p3 = port + 3,
            p4 = port + 4
        ),
    );
    write(
        "engine.toml",
        format!(
            r#"
        instruments.capacity = 64
        book.live_orders = 65536
        strategy = {{ name = "maker", trade = "first:4" }}
        live = {{ mailbox = "mailbox", journal = "journal", journal_ring_mib = 16 }}
        network = {{ port = "udp", lines = ["239.71.9.1:{p0}@lo", "239.71.9.2:{p1}@lo"], orders = "127.0.0.1:{p4}" }}
        recovery = {{ servers = ["127.0.0.1:{p2}"], snapshot = "127.0.0.1:{p3}" }}
        [[tile]]
        name = "trade"
        stages = ["receive", "feed", "book", "signal", "risk", "order"]
        idle = "sleep"
        [[tile]]
        name = "house"
        stages = ["house"]
        idle = "sleep"
    "#,
            p0 = port,
            p1 = port + 1,
            p2 = port + 2,
            p3 = port + 3,
            p4 = port + 4
        ),
    );
    let start = |args: &[&str]| {
        let mut command = Command::new(&nofx);
        command.args(args).current_dir(office.dir.path());
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::inherit());
        Ends(command.spawn().expect("starts"))
    };
    let _venue = start(&["venue", "--config", "venue.toml"]);
    let _engine = start(&["run", "--config", "engine.toml", "--json"]);
    let mailbox = office.path("mailbox");
    let counter =
        |name: &str| Watcher::attach(&mailbox).ok().and_then(|w| w.counter(name)).unwrap_or(0);
    until("it trades", || counter("orders.sent") > 5);

    let desk = Desk::open(office);
    desk.seen("mailbox").await;
    let rejects =
        || Watcher::attach(&mailbox).map_or(0, |w| w.counter("reject.max_qty").unwrap_or(0));
    let before = rejects();
    let asked = now();
    let body = json!({ "set": [{ "table": "symbol", "scope": "*", "key": "qty_max", "value": 1 }], "reason": "test" });
    let (status, body) =
        desk.change("PATCH", "/engines/mailbox/limits", &[("If-Match", "\"0\"")], body).await;
    assert_eq!((status.as_u16(), body["result"].clone()), (200, json!("applied")), "{body}");
    let answered = now();
    until("a decision under the new page", || {
        Watcher::attach(&mailbox)
            .is_ok_and(|w| w.params_ack().is_some_and(|ack| ack.value.first_used_ns > 0))
    });
    let ack = Watcher::attach(&mailbox).expect("there").params_ack().expect("said").value;
    println!(
        "MEASURED change over the API: in force after {} us, first decision under it after {} us, answered after {} us",
        ack.applied_at_ns.saturating_sub(asked.0) / 1_000,
        ack.first_used_ns.saturating_sub(asked.0) / 1_000,
        answered.since(asked) / 1_000,
    );
    until("the gate refuses by the rule", || rejects() > before + 5);
    let sent = counter("orders.sent");
    until("more are refused", || rejects() > before + 20);
    // Cancels pass and count as sent; new orders do not.
    assert!(counter("orders.accepted") > 0);
    let accepted = counter("orders.accepted");
    let (status, body) = desk
        .change(
            "POST",
            "/engines/mailbox/versions/rollback",
            &[],
            json!({ "version": 0, "reason": "back" }),
        )
        .await;
    assert_eq!((status.as_u16(), body["result"].clone()), (200, json!("applied")), "{body}");
    until("orders pass again", || {
        counter("orders.accepted") > accepted && counter("orders.sent") > sent
    });

    let day = day_of_a_report(&desk).await;
    let path = format!("/reports/mailbox/{day}");
    let (_, report) = desk.ask(Role::Risk, "GET", &path, &[], Value::Null).await;
    assert!(report["orders"]["sent"].as_u64() > Some(0), "{report}");
    let changes = report["changes"].as_array().expect("rows");
    let told =
        |action: &str| changes.iter().any(|row| row["action"] == action && row["result"] == "done");
    assert!(told("set_limits") && told("roll_back"), "{report}");
    assert!(report["rejects"].as_object().is_some_and(|rules| !rules.is_empty()), "{report}");
}
