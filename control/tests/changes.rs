//! Changes from the request to the engine's word, over real mailboxes.
//!
//! The engines of most tests are loops of a few lines over the engine's end of a mailbox: they check
//! pages by the schema that they published, refuse what a real engine would refuse, and say so. One
//! test runs the real engine against the real venue. Requests go through the router, as a person
//! whose certificate was proven.

mod common;
#[path = "changes/desk.rs"]
mod desk;
#[path = "changes/floor.rs"]
mod floor;
#[path = "changes/real.rs"]
mod real;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use common::{Office, now, until};
use desk::{Desk, office, ruled};
use floor::{Floor, UNLUCKY};
use nofx_control::audit::MAX_BYTES;
use nofx_control::identity::Role;
use nofx_control::{App, Config, api};
use nofx_mailbox::Watcher;
use nofx_model::load;
use serde_json::{Value, json};

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
    let begun = Instant::now();
    loop {
        let tried = "/audit?user=viewer&result=refused&action=read";
        let (_, tried) = desk.ask(Role::Risk, "GET", tried, &[], Value::Null).await;
        let tried = tried["items"].as_array().expect("rows");
        assert!(tried.iter().all(|row| row["object"] == "engine/b"), "{tried:?}");
        if !tried.is_empty() {
            break;
        }
        assert!(begun.elapsed() < Duration::from_secs(60), "no look that was denied is in the log");
        tokio::time::sleep(Duration::from_millis(5)).await;
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
