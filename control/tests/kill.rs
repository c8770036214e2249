//! The kill switch against a running server and real mailboxes: one person engages, two release.

mod common;

use std::process::{Child, Command, Stdio};
use std::sync::atomic::Ordering;
use std::time::Duration;

use common::{BINARY, Floor, Office, Server, good, program, run, text, until};
use nofx_control::policy::BUILT_IN;
use nofx_control::store::{Kept, Kind, Store, VersionState};
use nofx_mailbox::{Scope, Switch, Watcher};
use serde_json::{Value, json};

/// An office with people, engines `alpha` and `beta`, and a server.
struct Desk {
    office: Office,
    alpha: Floor,
    beta: Floor,
    server: Server,
}

impl Desk {
    fn open(more: &str) -> Desk {
        Desk::open_with(more, |_| ())
    }

    /// With rules beside the built-in ones.
    fn ruled(rules: &str) -> Desk {
        let rules = format!("{BUILT_IN}\n{rules}");
        Desk::open_with("[policy]\nfile = \"own.cedar\"", |office| {
            std::fs::write(office.path("own.cedar"), rules).unwrap();
        })
    }

    /// The same after something was made.
    fn open_with(more: &str, make: impl FnOnce(&Office)) -> Desk {
        let office = Office::new();
        make(&office);
        office.issue("viewer", "victor", &["viewer"]);
        office.issue("alice", "alice", &["risk"]);
        office.issue("alice2", "Alice", &["admin"]);
        office.issue("bob", "bob", &["admin"]);
        let alpha = Floor::start(office.path("alpha.mailbox"));
        let beta = Floor::start(office.path("beta.mailbox"));
        let engines = [("alpha", &*alpha.mailbox), ("beta", &*beta.mailbox)];
        office.configure(&engines, more);
        let server = office.serve();
        Desk { office, alpha, beta, server }
    }

    fn ask(&self, who: &str, method: &str, path: &str, body: Value) -> (u16, Value) {
        let body = body.to_string();
        let path = format!("/api/v1{path}");
        self.office.ask(&self.server, Some(who), method, &path, (method == "POST").then_some(&body))
    }

    fn kill(&self, who: &str, body: Value) -> (u16, Value) {
        self.ask(who, "POST", "/kill", body)
    }

    /// A change under a key: status, body, and whether it is an answer that was given before.
    fn under(&self, key: &str, who: &str, change: &Change) -> (u16, Value, bool) {
        let (method, path, body) = change;
        let (body, path) = (body.to_string(), format!("/api/v1{path}"));
        let body = (*method == "POST").then_some(&*body);
        let headers = tempfile::NamedTempFile::new().unwrap();
        let key = format!("Idempotency-Key: {key}");
        let more = ["-H", &*key, "-D", text(headers.path())];
        let (status, said) =
            self.office.ask_with(&self.server, Some(who), method, &path, body, &more);
        let headers = std::fs::read_to_string(headers.path()).unwrap().to_lowercase();
        (status, said, headers.contains("idempotent-replayed: true"))
    }

    /// Entries of the audit log with this action.
    fn entries(&self, action: &str) -> usize {
        let path = format!("/audit?action={action}");
        self.ask("bob", "GET", &path, json!(null)).1["items"].as_array().unwrap().len()
    }

    /// Proposes to release everything on `alpha`; the id.
    fn propose(&self, who: &str) -> String {
        let body = json!({"engine": "alpha", "scope": "everything", "reason": "looked into"});
        let (status, said) = self.ask(who, "POST", "/kill/releases", body);
        assert_eq!(status, 201, "{said}");
        said["id"].as_str().unwrap().to_owned()
    }

    fn approve(&self, who: &str, id: &str) -> (u16, Value) {
        self.ask(who, "POST", &format!("/kill/releases/{id}/approve"), json!({}))
    }

    /// Begins a request that the test ends; its correlation id is `mine`.
    fn begin(&self, who: &str, path: &str, body: Value) -> Child {
        let (path, body) = (format!("/api/v1{path}"), body.to_string());
        let more = ["-H", "X-Request-Id: mine"];
        let mut curl = self.office.curl(&self.server, Some(who), "POST", &path, Some(&body), &more);
        curl.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
    }

    /// Entries of the audit log that fit, the newest first.
    fn log(&self, query: &str) -> Vec<Value> {
        let (status, said) = self.ask("bob", "GET", &format!("/audit?{query}"), json!(null));
        assert_eq!(status, 200, "{said}");
        said["items"].as_array().unwrap().clone()
    }

    fn refused(&self, who: &str, id: &str, status: u16, code: &str) {
        let (got, said) = self.approve(who, id);
        assert_eq!((got, &said["code"]), (status, &code.into()), "{said}");
        assert!(!said["todo"].as_str().unwrap().is_empty());
        assert!(engaged(&self.alpha, Scope::Global), "it stays engaged");
    }
}

/// Method, path, body.
type Change = (&'static str, String, Value);

fn proposal(engine: &str, reason: &str) -> Change {
    let body = json!({"engine": engine, "scope": "everything", "reason": reason});
    ("POST", "/kill/releases".into(), body)
}

fn approval(id: &str) -> Change {
    ("POST", format!("/kill/releases/{id}/approve"), json!({}))
}

fn text_of(value: &Value) -> &str {
    value.as_str().unwrap()
}

fn engaged(floor: &Floor, scope: Scope) -> bool {
    Watcher::attach(&floor.mailbox).unwrap().kill_words().is_engaged(scope)
}

#[test]
fn one_person_stops_one_engine_or_all_of_it() {
    let desk = Desk::open("");
    let (status, said) = desk.kill("viewer", json!({"engine": "alpha", "scope": "symbol AAPL"}));
    assert_eq!((status, &said["result"]), (200, &"engaged".into()), "{said}");
    assert!(engaged(&desk.alpha, Scope::Symbol(3)) && !engaged(&desk.beta, Scope::Symbol(3)));
    let (status, _) = desk.kill("viewer", json!({"engine": "beta", "scope": "account 2"}));
    assert_eq!(status, 200);
    assert!(engaged(&desk.beta, Scope::Account(2)) && !engaged(&desk.alpha, Scope::Account(2)));
    let (status, said) = desk.kill("viewer", json!({}));
    assert_eq!((status, said["engines"].as_array().unwrap().len()), (200, 2), "{said}");
    assert!(engaged(&desk.alpha, Scope::Global) && engaged(&desk.beta, Scope::Global));
    let (_, state) = desk.ask("viewer", "GET", "/kill", json!(null));
    assert_eq!(state["items"][0]["engaged"], json!(["everything", "symbol AAPL"]), "{state}");
    assert_eq!(state["items"][0]["alive"], true);
    let wrong = [
        (json!({"engine": "gamma"}), 404, "not_found"),
        (json!({"scope": "all of it"}), 422, "invalid"),
        (json!({"scpe": "everything"}), 422, "invalid"),
        (json!({"reason": "x".repeat(1_001)}), 422, "invalid"),
    ];
    for (body, status, code) in wrong {
        let (got, said) = desk.kill("viewer", body);
        assert_eq!((got, &said["code"]), (status, &code.into()), "{said}");
    }
}

#[test]
fn a_rule_about_one_engine_holds_when_all_are_meant() {
    let desk = Desk::ruled(
        r#"forbid (principal == Person::"victor", action == Action::"kill", resource == Engine::"alpha");
        forbid (principal, action == Action::"release", resource == Engine::"alpha");"#,
    );
    // Stopping: all that may be stopped is, and the rest is named.
    let (status, said) = desk.kill("viewer", json!({}));
    assert_eq!((status, &said["result"]), (207, &"partial".into()), "{said}");
    let rows = said["engines"].as_array().unwrap().iter();
    let rows: Vec<_> = rows.map(|row| (row["engine"].clone(), row["result"].clone())).collect();
    let want = [("beta", "engaged"), ("alpha", "failed")].map(|(e, r)| (json!(e), json!(r)));
    assert_eq!(rows, want, "{said}");
    assert!(engaged(&desk.beta, Scope::Global) && !engaged(&desk.alpha, Scope::Global));
    assert_eq!(desk.kill("viewer", json!({"engine": "alpha"})).0, 403);
    assert_eq!(desk.kill("alice", json!({})).0, 200);
    assert!(engaged(&desk.alpha, Scope::Global));
    // Releasing: all of it or nothing.
    let propose = |engine: &str| {
        let body = json!({"engine": engine, "scope": "everything", "reason": "good again"});
        desk.ask("alice", "POST", "/kill/releases", body)
    };
    assert_eq!((propose("*").0, propose("alpha").0), (403, 403));
    // What was denied is in the log, the spared one of all as well.
    let denied = |who: &str| {
        let (_, found) =
            desk.ask("bob", "GET", &format!("/audit?result=refused&user={who}"), json!(null));
        let rows = found["items"].as_array().unwrap().clone();
        assert!(rows.iter().all(|row| row["object"] == "engine/alpha"), "{found}");
        let why = |row: &Value| {
            row["after"]["why"].as_str().is_some_and(|why| why.contains("forbidden by"))
        };
        assert!(rows.iter().all(why), "{found}");
        rows.iter().map(|row| row["action"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    until("all four are in the log", || {
        let of = |who: &str, action: &str, n: usize| denied(who) == vec![action; n];
        of("victor", "kill", 2) && of("alice", "release", 2)
    });
    let (status, said) = propose("beta");
    assert_eq!(status, 201, "{said}");
    assert_eq!(desk.approve("bob", said["id"].as_str().unwrap()).0, 200);
    assert!(engaged(&desk.alpha, Scope::Global) && !engaged(&desk.beta, Scope::Global));
}

#[test]
fn a_mailbox_that_cannot_be_opened_is_named_and_the_others_are_engaged() {
    let mut desk = Desk::open("");
    desk.beta.end();
    std::fs::remove_file(&desk.beta.mailbox).unwrap(); // never truncated under its readers
    std::fs::write(&desk.beta.mailbox, "no mailbox at all").unwrap();
    let (status, said) = desk.kill("alice", json!({}));
    assert_eq!((status, &said["result"]), (207, &"partial".into()), "{said}");
    assert_eq!(said["engines"][0]["result"], "engaged");
    assert_eq!(said["engines"][1]["result"], "failed");
    assert!(!said["engines"][1]["detail"].as_str().unwrap().is_empty(), "{said}");
    assert!(engaged(&desk.alpha, Scope::Global));
    let (status, said) = desk.kill("alice", json!({"engine": "beta"}));
    assert_eq!((status, &said["result"]), (503, &"failed".into()), "{said}");
    // A scope outside the tables is no success either.
    let (status, _) = desk.kill("alice", json!({"engine": "alpha", "scope": "account 60000"}));
    assert_eq!(status, 503);
}

#[test]
fn a_dead_engine_is_engaged_for_its_next_start() {
    let mut desk = Desk::open("");
    desk.alpha.end();
    let (status, _) = desk.kill("alice", json!({"engine": "alpha"}));
    assert_eq!(status, 200);
    let again = Floor::start(desk.alpha.mailbox.clone());
    assert!(engaged(&again, Scope::Global));
}

#[test]
fn the_file_and_the_local_command_work_without_the_server() {
    let mut desk = Desk::open("[kill]\nfile = \"STOP\"");
    let stop = desk.office.path("STOP");
    std::fs::write(&stop, "").unwrap();
    until("the server sees the file", || engaged(&desk.beta, Scope::Global));
    until("on all", || engaged(&desk.alpha, Scope::Global));
    let body = json!({"engine": "alpha", "scope": "everything", "reason": "x"});
    let (status, said) = desk.ask("alice", "POST", "/kill/releases", body);
    assert_eq!(
        (status, &said["code"]),
        (409, &"checks_failed".into()),
        "the file is there: {said}"
    );
    std::fs::remove_file(&stop).unwrap();
    desk.server.kill();
    let release =
        |floor: &Floor| Switch::open(&floor.mailbox).unwrap().release(Scope::Global).unwrap();
    release(&desk.alpha);
    release(&desk.beta);
    let config = desk.office.path("control.toml");
    let output = good(&run(&["kill", "engage", "--json", "--config", text(&config)]));
    let said: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(said["engines"][1]["result"], "engaged", "{said}");
    assert!(engaged(&desk.alpha, Scope::Global) && engaged(&desk.beta, Scope::Global));
    release(&desk.alpha);
    let missing = desk.office.path("missing");
    let mailboxes = [text(&desk.alpha.mailbox), text(&missing)];
    let output = run(&["kill", "engage", "--mailbox", mailboxes[1], mailboxes[0]]);
    assert_eq!(output.status.code(), Some(1), "one of two");
    assert!(String::from_utf8_lossy(&output.stdout).contains(mailboxes[1]));
    assert!(engaged(&desk.alpha, Scope::Global), "the other one is engaged");
    release(&desk.alpha);
    let mut watch = Command::new(BINARY)
        .args(["kill", "watch", "--config", text(&config)])
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    std::fs::write(&stop, "").unwrap();
    until("the watch sees the file", || engaged(&desk.alpha, Scope::Global));
    _ = watch.kill();
    _ = watch.wait();
    for wrong in [&["kill", "engage"][..], &["kill", "engage", "--mailbox", "x", "--scope", "y"]] {
        assert_eq!(run(wrong).status.code(), Some(2));
    }
}

/// An engine whose mailbox is not there yet.
const ABSENT: &str = "[[engine]]\nname = \"absent\"\nmailbox = \"absent.mailbox\"";

/// Objects of the kills that the log has, the oldest first.
fn kills(desk: &Desk) -> Vec<String> {
    let mut objects: Vec<String> =
        desk.log("action=kill").iter().map(|e| e["object"].as_str().unwrap().to_owned()).collect();
    objects.reverse();
    objects
}

#[test]
fn the_file_engages_again_what_says_it_is_not_engaged_and_nothing_else() {
    let desk = Desk::open(&format!("[kill]\nfile = \"STOP\"\n{ABSENT}"));
    std::fs::write(desk.office.path("STOP"), "").unwrap();
    let (all, alpha, absent) = ("engine/*/kill", "engine/alpha/kill", "engine/absent/kill");
    until("it is recorded", || kills(&desk) == [all]);
    let generation = || Watcher::attach(&desk.beta.mailbox).unwrap().kill_words().generation();
    let before = generation();
    // Released beside this process, and engaged again: looks in between.
    for times in 1..=3 {
        Switch::open(&desk.alpha.mailbox).unwrap().release(Scope::Global).unwrap();
        until("it is engaged again", || engaged(&desk.alpha, Scope::Global));
        until("and recorded", || kills(&desk).len() == 1 + times);
    }
    let later = Floor::start(desk.office.path("absent.mailbox"));
    until("the one that came is engaged", || engaged(&later, Scope::Global));
    until("and recorded", || kills(&desk).len() == 5);
    assert_eq!(kills(&desk), [all, alpha, alpha, alpha, absent]);
    assert_eq!(generation(), before, "the one that was engaged was left alone");
}

#[test]
fn a_folder_that_is_gone_stops_everything_and_without_it_nothing_starts() {
    let mut desk = Desk::open_with("[kill]\nfile = \"ops/STOP\"", |office| {
        std::fs::create_dir(office.path("ops")).unwrap();
    });
    std::fs::remove_dir(desk.office.path("ops")).unwrap();
    until("everything is stopped", || engaged(&desk.alpha, Scope::Global));
    until("it is recorded", || !desk.log("action=kill").is_empty());
    let entry = &desk.log("action=kill")[0];
    assert!(entry["reason"].as_str().unwrap().contains("folder"), "{entry}");
    desk.server.kill();
    let config = desk.office.path("control.toml");
    for command in ["serve", "check"] {
        let output = run(&[command, "--config", text(&config)]);
        let said = [output.stdout, output.stderr].concat();
        let said = String::from_utf8_lossy(&said);
        assert!(!output.status.success() && said.contains("kill.file"), "{command}: {said}");
        assert!(said.contains("make it first"), "{command}: {said}");
    }
}

#[test]
fn the_clock_engages_an_engine_once_for_each_alarm() {
    let clock = "[clock]\nsource = \"chrony\"\ncommand = \"/bin/false\"\npoll_ms = 100\n\
        stop_trading = true";
    let desk = Desk::open(&format!("{clock}\n{ABSENT}"));
    until("the alarm stops trading", || engaged(&desk.alpha, Scope::Global));
    // People let it pass again; the alarm goes on, and another engine is still awaited.
    Switch::open(&desk.alpha.mailbox).unwrap().release(Scope::Global).unwrap();
    let later = Floor::start(desk.office.path("absent.mailbox"));
    until("the one that came is engaged", || engaged(&later, Scope::Global));
    until("and recorded", || kills(&desk).len() > 1);
    assert_eq!(kills(&desk), ["engine/*/kill", "engine/absent/kill"]);
    assert!(!engaged(&desk.alpha, Scope::Global) && engaged(&desk.beta, Scope::Global));
}

#[test]
fn a_release_takes_two_people() {
    let desk = Desk::open("");
    desk.kill("viewer", json!({"engine": "alpha"}));
    let body = json!({"engine": "alpha", "scope": "everything", "reason": " "});
    let (status, said) = desk.ask("alice", "POST", "/kill/releases", body);
    assert_eq!((status, &said["errors"][0]["field"]), (422, &"reason".into()), "{said}");
    let body = json!({"engine": "beta", "scope": "everything", "reason": "x"});
    let (status, said) = desk.ask("alice", "POST", "/kill/releases", body);
    assert_eq!((status, &said["code"]), (409, &"not_engaged".into()), "{said}");
    let id = desk.propose("alice");
    desk.refused("viewer", &id, 403, "forbidden");
    desk.refused("alice", &id, 403, "same_person");
    desk.refused("alice2", &id, 403, "same_person");
    desk.refused("bob", &"0".repeat(32), 404, "no_proposal");
    let (status, said) = desk.approve("bob", &id);
    assert_eq!((status, &said["result"]), (200, &"released".into()), "{said}");
    assert!(!engaged(&desk.alpha, Scope::Global));
    desk.kill("viewer", json!({"engine": "alpha"}));
    desk.refused("bob", &id, 404, "no_proposal");
    // Taken back.
    let id = desk.propose("alice");
    assert_eq!(desk.ask("bob", "DELETE", &format!("/kill/releases/{id}"), json!(null)).0, 204);
    desk.refused("bob", &id, 404, "no_proposal");
}

#[test]
fn a_release_is_done_once_under_its_key() {
    let desk = Desk::open("");
    let stop: Change = ("POST", "/kill".into(), json!({"engine": "alpha"}));
    assert_eq!(desk.under("k", "viewer", &stop).0, 200);
    // What is refused leaves no trace.
    assert_eq!(desk.under("b", "alice", &proposal("beta", "x")).0, 409, "not engaged");
    desk.kill("viewer", json!({"engine": "beta"}));
    let (status, beta, again) = desk.under("b", "alice", &proposal("beta", "x"));
    assert_eq!((status, again), (201, false), "{beta}");
    // Proposed once.
    let (status, first, again) = desk.under("p", "alice", &proposal("alpha", "looked into"));
    assert_eq!((status, again), (201, false), "{first}");
    let answer = desk.under("p", "alice", &proposal("alpha", "looked into"));
    assert_eq!(answer, (201, first.clone(), true));
    let id = first["id"].as_str().unwrap();
    for other in [proposal("alpha", "another reason"), approval(id)] {
        let (status, said, _) = desk.under("p", "alice", &other);
        assert_eq!((status, &said["code"]), (422, &"key_reused".into()), "{said}");
    }
    // Another person's key is another one.
    let (status, second, again) = desk.under("p", "bob", &proposal("alpha", "looked into"));
    assert!(status == 201 && !again && second["id"] != first["id"], "{second}");
    // Taken back once.
    let back = format!("/kill/releases/{}", text_of(&second["id"]));
    let back: Change = ("DELETE", back, json!(null));
    assert_eq!(desk.under("w", "bob", &back), (204, json!(""), false));
    assert_eq!(desk.under("w", "bob", &back), (204, json!(""), true));
    assert_eq!(desk.under("w2", "bob", &back).0, 404);
    until("it is recorded once", || desk.entries("release_withdraw") == 1);
    // Released once, and the answer stays true to what was done, not to what is.
    let (status, released, again) = desk.under("a", "bob", &approval(id));
    assert_eq!((status, &released["result"], again), (200, &"released".into(), false));
    assert!(!engaged(&desk.alpha, Scope::Global));
    assert_eq!(desk.under("a", "bob", &approval(id)), (200, released.clone(), true));
    // Engaging is not answered from memory: the same request engages again.
    let (status, said, again) = desk.under("k", "viewer", &stop);
    assert_eq!((status, &said["result"], again), (200, &"engaged".into(), false));
    assert!(engaged(&desk.alpha, Scope::Global));
    assert_eq!(desk.under("a", "bob", &approval(id)), (200, released, true));
    assert!(engaged(&desk.alpha, Scope::Global), "nothing is released twice");
    assert_eq!(desk.entries("release"), 2, "the intent and its outcome");
    assert_eq!(desk.entries("release_approve"), 0, "nothing was refused");
    // A key that cannot be one proposes nothing, and stops all the same.
    let wrong = "x".repeat(129);
    let (status, said, _) = desk.under(&wrong, "alice", &proposal("alpha", "x"));
    assert_eq!((status, &said["code"]), (400, &"bad_request".into()), "{said}");
    assert_eq!(desk.under(&wrong, "viewer", &stop).0, 200);
}

#[test]
fn of_requests_at_once_under_one_key_one_acts() {
    let desk = Desk::open("");
    desk.kill("viewer", json!({"engine": "alpha"}));
    let at_once = |who: &str, change: &Change| {
        let answers: Vec<(u16, Value, bool)> = std::thread::scope(|threads| {
            let asked: Vec<_> =
                (0..6).map(|_| threads.spawn(|| desk.under("k", who, change))).collect();
            asked.into_iter().map(|answer| answer.join().unwrap()).collect()
        });
        let (status, said, _) = answers[0].clone();
        assert!(answers.iter().all(|answer| (answer.0, &answer.1) == (status, &said)));
        assert_eq!(answers.iter().filter(|(_, _, again)| !again).count(), 1, "{answers:?}");
        (status, said)
    };
    let (status, said) = at_once("alice", &proposal("alpha", "looked into"));
    assert_eq!(status, 201, "{said}");
    let (_, state) = desk.ask("bob", "GET", "/kill", json!(null));
    assert_eq!(state["proposals"].as_array().unwrap().len(), 1, "{state}");
    let (status, said) = at_once("bob", &approval(text_of(&said["id"])));
    assert_eq!((status, &said["result"]), (200, &"released".into()), "{said}");
    assert_eq!(desk.entries("release"), 2, "the intent and its outcome");
    assert_eq!(desk.entries("release_approve"), 0, "nothing was refused");
}

#[test]
fn a_proposal_is_void_when_the_state_changed() {
    let mut desk = Desk::open("");
    desk.kill("viewer", json!({"engine": "alpha"}));
    // Engaged again, although it was engaged already: somebody wants it stopped.
    let id = desk.propose("alice");
    desk.kill("viewer", json!({"engine": "alpha"}));
    desk.refused("bob", &id, 409, "state_changed");
    desk.refused("bob", &id, 404, "no_proposal");
    // By somebody beside the server.
    let id = desk.propose("alice");
    Switch::open(&desk.alpha.mailbox).unwrap().engage(Scope::Account(1)).unwrap();
    desk.refused("bob", &id, 409, "state_changed");
    // Another engine took over.
    let id = desk.propose("alice");
    desk.alpha.end();
    desk.alpha = Floor::start(desk.alpha.mailbox.clone());
    desk.refused("bob", &id, 409, "state_changed");
    // The server started anew: it knows of no proposal.
    let id = desk.propose("alice");
    desk.server.kill();
    desk.server = desk.office.serve();
    desk.refused("bob", &id, 404, "no_proposal");
}

#[test]
fn whoever_lost_the_right_to_release_does_not_count_as_the_first_person() {
    let desk = Desk::open("");
    desk.kill("viewer", json!({"engine": "alpha"}));
    let stolen = desk.office.issue("stolen", "carol", &["risk"]);
    let id = desk.propose("stolen");
    desk.office.revoke(stolen["serial"].as_str().unwrap());
    desk.refused("bob", &id, 409, "proposer_out");
    desk.refused("bob", &id, 404, "no_proposal");
    until("both are recorded", || desk.log("action=release_approve").len() == 2);
    let entry = &desk.log("action=release_approve")[1];
    let refused = entry["after"]["refused"].as_str().unwrap();
    assert!(refused.contains("carol") && refused.contains("revoked"), "{entry}");
}

#[test]
fn the_second_person_has_a_time() {
    let desk = Desk::open("[kill]\nrelease_window_s = 1");
    desk.kill("viewer", json!({"engine": "alpha"}));
    let id = desk.propose("alice");
    std::thread::sleep(Duration::from_millis(1_100)); // the window itself
    let (status, said) = desk.approve("bob", &id);
    let code = said["code"].as_str().unwrap();
    assert!([(410, "window_over"), (404, "no_proposal")].contains(&(status, code)), "{said}");
    assert!(engaged(&desk.alpha, Scope::Global));
}

#[test]
fn an_engine_that_is_not_fit_stays_stopped() {
    let desk = Desk::open("");
    desk.kill("viewer", json!({"engine": "alpha"}));
    let id = desk.propose("alice");
    let knobs = &desk.alpha.knobs;
    let turns = [
        (&knobs.blocked, "alpha.positions"),
        (&knobs.stale, "alpha.books"),
        (&knobs.silent, "alpha.engine"),
    ];
    for (knob, check) in turns {
        knob.store(true, Ordering::Relaxed);
        until(check, || {
            let body = json!({"engine": "alpha", "scope": "everything", "reason": "x"});
            let (status, said) = desk.ask("alice", "POST", "/kill/releases", body);
            if status != 409 {
                return false; // not seen yet
            }
            assert_eq!(said["code"], "checks_failed", "{said}");
            let errors = said["errors"].as_array().unwrap();
            errors.iter().any(|error| error["field"] == check)
        });
        desk.refused("bob", &id, 409, "checks_failed");
        knob.store(false, Ordering::Relaxed);
    }
    until("it is fit again", || desk.approve("bob", &id).0 == 200);
    assert!(!engaged(&desk.alpha, Scope::Global));
}

/// A version that the store has in force on `alpha`, of a schema that its engine does not have.
async fn keep_a_version(office: &Office) {
    let store = Store::at(office.path("store.db")).unwrap();
    let kept = Kept {
        version: 0,
        base: 0,
        schema: 99,
        words: Vec::new(),
        name: String::new(),
        source: String::new(),
        person: "alice".into(),
        reason: String::new(),
        configuration: None,
        at_ns: 1,
        state: VersionState::Intended,
        acknowledged_ns: None,
        why: String::new(),
    };
    let version = store.keep("alpha", Kind::Params, 0, kept).await.unwrap();
    let applied = VersionState::Applied;
    store.judge("alpha", Kind::Params, version, applied, Some(1), "").await.unwrap();
}

#[test]
fn limits_that_were_lost_or_refused_are_not_those_of_the_file() {
    let mut desk = Desk::open("");
    desk.kill("viewer", json!({"engine": "alpha"}));
    let checked = |desk: &Desk| {
        let body = json!({"engine": "alpha", "scope": "everything", "reason": "x"});
        let (_, said) = desk.ask("alice", "POST", "/kill/releases", body);
        let errors = said["errors"].as_array().cloned().unwrap_or_default();
        let of_limits = errors.iter().find(|error| error["field"] == "alpha.limits");
        of_limits.map(|error| error["problem"].as_str().unwrap().to_owned())
    };
    assert_eq!(checked(&desk), None, "no version was ever made");
    desk.alpha.knobs.refused.store(true, Ordering::Relaxed);
    until("a page is refused", || checked(&desk).is_some_and(|why| why.contains("refused")));
    desk.alpha.knobs.refused.store(false, Ordering::Relaxed);
    until("it is not any more", || checked(&desk).is_none());
    // An engine of another schema came up without the version that was in force.
    desk.server.kill();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(keep_a_version(&desk.office));
    desk.server = desk.office.serve();
    let why = checked(&desk).expect("it is not good");
    assert!(why.contains("version 1") && why.contains("lost"), "{why}");
}

#[test]
fn without_the_audit_log_everybody_stops_and_nobody_releases() {
    let desk = Desk::open("");
    desk.kill("viewer", json!({"engine": "alpha"}));
    let id = desk.propose("alice");
    desk.server.disk_full(true);
    desk.refused("bob", &id, 503, "audit_unavailable");
    let body = json!({"engine": "alpha", "scope": "everything", "reason": "x"});
    let (status, said) = desk.ask("alice", "POST", "/kill/releases", body);
    assert_eq!((status, &said["code"]), (503, &"audit_unavailable".into()), "{said}");
    let (status, said) = desk.kill("viewer", json!({"engine": "beta", "reason": "disk is full"}));
    assert_eq!((status, &said["audit"]), (200, &Value::Null), "{said}");
    assert!(engaged(&desk.beta, Scope::Global), "stopping waits for no disk");
    desk.server.disk_full(false);
    until("the kill is recorded after all", || {
        let (_, log) = desk.ask("bob", "GET", "/audit?action=kill", json!(null));
        log.to_string().contains("disk is full")
    });
    until("the proposal holds", || desk.approve("bob", &id).0 == 200);
    assert!(!engaged(&desk.alpha, Scope::Global));
}

#[test]
fn a_kill_is_recorded_although_its_caller_hangs_up() {
    let desk = Desk::open("[[engine]]\nname = \"hung\"\nmailbox = \"hung.mailbox\"");
    good(&program("mkfifo", &[text(&desk.office.path("hung.mailbox"))])); // opening it takes for ever
    let mut asked = desk.begin("alice", "/kill", json!({"reason": "hangs up"}));
    until("it is engaged", || engaged(&desk.alpha, Scope::Global));
    _ = asked.kill();
    _ = asked.wait();
    until("it is recorded", || !desk.log("action=kill").is_empty());
    let entry = &desk.log("action=kill")[0];
    assert_eq!((&entry["reason"], &entry["correlation"]), (&"hangs up".into(), &"mine".into()));
    assert_eq!(entry["after"]["engines"][0]["result"], "unknown", "{entry}");
}

#[test]
fn a_release_is_ended_and_recorded_although_its_caller_hangs_up() {
    let desk = Desk::open("");
    desk.kill("viewer", json!({"engine": "alpha"}));
    let id = desk.propose("alice");
    // While the log is held the release waits for its intent.
    let log = rusqlite::Connection::open(desk.office.path("audit.db")).unwrap();
    log.busy_timeout(Duration::from_secs(5)).unwrap();
    log.execute_batch("BEGIN IMMEDIATE").unwrap();
    let mut asked = desk.begin("bob", &format!("/kill/releases/{id}/approve"), json!({}));
    let ask = |path: &str| desk.ask("bob", "GET", path, json!(null)).1;
    until("it is agreed to", || ask("/kill")["proposals"] == json!([]));
    _ = asked.kill();
    _ = asked.wait();
    until("the server saw that", || {
        let said = ask("/metrics");
        said.as_str().unwrap().lines().any(|line| line == "nofx_control_connections 1")
    });
    assert!(engaged(&desk.alpha, Scope::Global));
    log.execute_batch("ROLLBACK").unwrap();
    until("it is released", || !engaged(&desk.alpha, Scope::Global));
    until("what became of it is recorded", || {
        desk.log("action=release&correlation=mine").len() == 2
    });
    assert_eq!(desk.log("action=release")[0]["result"], "done");
}

#[test]
fn two_people_release_by_the_command_line() {
    let desk = Desk::open("");
    let path = |name: &str| text(&desk.office.path(name)).to_owned();
    let ctl = |who: &str, args: &[&str]| {
        let profile = format!(
            "server = {:?}\ncert = \"{who}.crt\"\nkey = \"{who}.key\"\nca = \"pki/ca.crt\"\n",
            desk.server.url
        );
        std::fs::write(path("ctl.toml"), profile).unwrap();
        let file = path("ctl.toml");
        let args: Vec<&str> = ["ctl", "--profile", &file].iter().chain(args).copied().collect();
        let output = run(&args);
        let said = String::from_utf8(output.stdout).unwrap();
        (output.status.code().unwrap(), said, String::from_utf8(output.stderr).unwrap())
    };
    let (code, said, _) = ctl("viewer", &["whoami"]);
    assert!(code == 0 && said.contains("victor"), "{said}");
    assert_eq!(ctl("viewer", &["kill", "--reason", "test"]).0, 0);
    assert!(engaged(&desk.alpha, Scope::Global) && engaged(&desk.beta, Scope::Global));
    let (code, _, said) = ctl("viewer", &["release", "alpha", "--reason", "x"]);
    assert!(code == 1 && said.contains("to do: "), "{said}");
    let release =
        ["release", "alpha", "--reason", "good again", "--json", "--idempotency-key", "r"];
    let (code, said, _) = ctl("alice", &release);
    assert_eq!(code, 0, "{said}");
    assert_eq!(ctl("alice", &release).1, said, "asked again under its key");
    let said: Value = serde_json::from_str(&said).unwrap();
    let id = said["id"].as_str().unwrap();
    assert_eq!(ctl("alice2", &["approve", id]).0, 1, "the same person");
    assert_eq!(ctl("bob", &["approve", id]).0, 0);
    assert!(!engaged(&desk.alpha, Scope::Global) && engaged(&desk.beta, Scope::Global));
    let (code, said, _) = ctl("bob", &["kill", "--show"]);
    assert!(code == 0 && said.contains("beta") && said.contains("everything"), "{said}");
    assert_eq!(ctl("bob", &["nothing"]).0, 2);
    assert_eq!(ctl("bob", &["--server", "https://127.0.0.1:1", "whoami"]).0, 3);
}
