use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use nofx_mailbox::{Engine, Spec, Watcher};
use nofx_shot::{
    BookShot, EngineShot, FeedShot, LinkShot, PositionShot, PositionsShot, SessionShot, Shot,
    TileShot,
};
use nofx_types::Nanos;

use super::*;

/// An engine with one of everything, names as bad as names may be.
fn shot() -> Shot {
    let name = || "a\"\\ b".to_owned();
    Shot {
        engine: EngineShot { state: "trading".into(), heartbeat_age_ns: Some(1), ..<_>::default() },
        kill: vec!["account 7".into()],
        tiles: vec![TileShot {
            name: name(),
            busy_share: Some(0.5),
            heartbeat_age_ns: Some(2),
            ..<_>::default()
        }],
        links: vec![LinkShot { name: name(), ..<_>::default() }],
        feeds: vec![FeedShot { name: name(), silence_ns: Some(5), skew_ns: -3, ..<_>::default() }],
        sessions: vec![SessionShot { name: name(), blocked: true, ..<_>::default() }],
        books: vec![BookShot { state: "stale: gap".into(), ..<_>::default() }],
        positions: PositionsShot {
            realised_e4: -12_345,
            rows: vec![PositionShot {
                instrument: "AAPL".into(),
                position: -300,
                ..<_>::default()
            }],
            ..<_>::default()
        },
        rejects: BTreeMap::from([("price_band".into(), 3)]),
        counters: BTreeMap::from([("journal.last".into(), 9), ("reject.price_band".into(), 3)]),
        ..<_>::default()
    }
}

fn seen(live: bool, histograms: Vec<(String, nofx_mailbox::Counts)>) -> Seen {
    Seen {
        name: "alpha".into(),
        standing: if live { "live" } else { "silent" }.into(),
        live,
        age_ns: 20_000_000,
        attached: 2,
        shot: live.then(|| Arc::new(shot())),
        histograms,
    }
}

fn own() -> Metrics {
    let own = Metrics::new();
    own.answered("/api/v1/limits", "PATCH", 409, Duration::from_micros(90));
    own.answered("/api/v1/limits", "BREW", 405, Duration::from_micros(90));
    own.crl_is_due(Some(1_700_000_000));
    own
}

/// A mailbox with a histogram, filled with `values`.
fn recorded(values: &[u64]) -> (tempfile::TempDir, Vec<(String, nofx_mailbox::Counts)>) {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("engine.mailbox");
    let spec = Spec {
        engine: "test 1".into(),
        started: Nanos(1),
        tiles: vec!["trade".into()],
        histograms: vec!["latency.decode".into()],
        accounts: 1,
        ..Spec::default()
    };
    let engine = Engine::create(&path, &spec).expect("created");
    let histogram = engine.histogram(0);
    values.iter().for_each(|value| histogram.record(*value));
    let watcher = Watcher::attach(&path).expect("attached");
    let all = watcher.histograms().map(|(name, counts)| (name.to_owned(), counts)).collect();
    drop(engine);
    (dir, all)
}

fn whole() -> String {
    let (_dir, histograms) = recorded(&[5, 90, 700, 1_500, 2_000_000]);
    document(
        &[seen(true, histograms), seen(false, vec![])],
        &AuditFigures::default(),
        &ClockState::default(),
        &own(),
    )
}

/// Sample name with labels -> value.
fn samples(text: &str) -> BTreeMap<String, f64> {
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    let pairs = lines.map(|line| line.rsplit_once(' ').expect("a value"));
    pairs.map(|(name, value)| (name.into(), value.parse().expect("a number"))).collect()
}

#[test]
fn promtool_finds_nothing_wrong() {
    let mut promtool = Command::new("promtool");
    promtool.args(["check", "metrics"]).stdin(Stdio::piped()).stdout(Stdio::piped());
    let spawned = promtool.stderr(Stdio::piped()).spawn();
    let Ok(mut promtool) = spawned else {
        eprintln!("SKIPPED: promtool is not installed (package prometheus)");
        return;
    };
    let one = document(
        &[seen(true, recorded(&[5, 90]).1)],
        &AuditFigures::default(),
        &ClockState::default(),
        &own(),
    );
    let mut stdin = promtool.stdin.take().expect("piped");
    stdin.write_all(one.as_bytes()).expect("written");
    drop(stdin);
    let said = promtool.wait_with_output().expect("ended");
    let errors = String::from_utf8_lossy(&said.stderr);
    assert!(said.status.success() && errors.trim().is_empty(), "{errors}\n{one}");
}

#[test]
fn an_engine_that_is_not_live_shows_no_old_numbers() {
    let text = document(
        &[seen(false, vec![])],
        &AuditFigures::default(),
        &ClockState::default(),
        &Metrics::new(),
    );
    let with_engine: Vec<_> =
        samples(&text).into_keys().filter(|k| k.contains("engine=")).collect();
    assert_eq!(with_engine.len(), 4, "{with_engine:?}");
    assert_eq!(samples(&text)["nofx_engine_up{engine=\"alpha\"}"], 0.0);
}

#[test]
fn histograms_rise_and_never_claim_what_may_lie_above() {
    let values = [5, 10, 11, 90, 700, 1_500, 2_000_000, 30_000_000_000];
    let (_dir, histograms) = recorded(&values);
    let spread = spread::Spread::of(&histograms[0].1);
    assert_eq!(spread.count, values.len() as u64);
    let mut last = 0;
    for (edge, below) in spread.buckets() {
        let exact = values.iter().filter(|value| **value <= edge).count() as u64;
        let surely = values.iter().filter(|value| **value + **value / 32 <= edge).count() as u64;
        assert!((surely..=exact).contains(&below), "{edge}: {below}, exact {exact}");
        assert!(below >= last && below <= spread.count);
        last = below;
    }
    let sum: u64 = values.iter().sum();
    assert!(spread.sum >= sum as f64 && spread.sum <= sum as f64 * 1.02);
}

#[test]
fn commits_of_the_audit_log_are_told_by_time_and_size() {
    let audit = AuditFigures::default();
    for (micros, records) in [(150, 1), (300, 3), (2_500, 4_096)] {
        audit.commits.record(Duration::from_micros(micros), records);
    }
    let mut text = Text::default();
    write_audit(&mut text, &audit);
    let told = samples(&text.into_string());
    let bucket =
        |of: &str, le: &str| told[&format!("nofx_audit_commit_{of}_bucket{{le=\"{le}\"}}")];
    let times = ["0.0001", "0.0002", "0.0005", "0.002", "0.005", "+Inf"];
    assert_eq!(times.map(|le| bucket("seconds", le)), [0.0, 1.0, 2.0, 2.0, 3.0, 3.0]);
    let sizes = ["1", "2", "4", "2048", "4096", "+Inf"];
    assert_eq!(sizes.map(|le| bucket("records", le)), [1.0, 1.0, 2.0, 2.0, 3.0, 3.0]);
    assert_eq!(told["nofx_audit_commit_records_sum"], 4_100.0);
    assert!((told["nofx_audit_commit_seconds_sum"] - 0.002_95).abs() < 1e-12);
}

#[test]
fn a_revocation_list_is_overdue_from_its_next_update_on() {
    let told = |due: Option<u64>| {
        let own = Metrics::new();
        own.crl_is_due(due);
        let mut text = Text::default();
        write_crl(&mut text, &own, 1_000);
        samples(&text.into_string()).into_values().collect::<Vec<_>>()
    };
    assert!(told(None).is_empty(), "no list, or it does not say");
    assert_eq!(told(Some(1_001)), [1_001.0, 0.0]);
    assert_eq!(told(Some(1_000)), [1_000.0, 1.0]);
}

#[test]
fn what_clients_ask_does_not_grow_the_table() {
    let own = Metrics::new();
    for n in 0..5_000 {
        own.answered(&format!("/{n}"), "GET", 404, Duration::ZERO);
    }
    assert_eq!(own.requests().len(), 2_048);
}

#[test]
fn connections_are_counted_while_they_last() {
    let own = Metrics::new();
    let (first, second) = (own.connected(), own.connected());
    assert_eq!(own.connections(), [2, 2, 0]);
    drop(first);
    own.turned_away();
    assert_eq!(own.connections(), [1, 2, 1]);
    drop(second);
}

#[test]
fn every_metric_of_the_dashboard_is_exported() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../deploy/grafana-nofx.json");
    let dashboard = std::fs::read_to_string(path).expect("the dashboard");
    let dashboard: serde_json::Value = serde_json::from_str(&dashboard).expect("JSON");
    let whole = whole();
    let exported: BTreeSet<&str> = whole
        .lines()
        .filter_map(|line| line.strip_prefix("# TYPE "))
        .filter_map(|line| line.split(' ').next())
        .collect();
    let mut named = BTreeSet::new();
    expressions(&dashboard, &mut named);
    assert!(named.len() >= 20, "{named:?}");
    for name in &named {
        let family = ["_bucket", "_sum", "_count"]
            .iter()
            .find_map(|end| name.strip_suffix(end).filter(|family| exported.contains(family)));
        let family = family.unwrap_or(name);
        assert!(exported.contains(family), "{name} is not exported");
        // A family nobody fills is a panel that stays empty; alarms aside, which this clock has not.
        let filled = whole.lines().any(|line| line.starts_with(family));
        assert!(filled || family.starts_with("nofx_clock_"), "{family} has no sample");
    }
}

/// Names of ours in every `expr` and `query` of the dashboard.
fn expressions(value: &serde_json::Value, named: &mut BTreeSet<String>) {
    match value {
        serde_json::Value::Object(object) => object.iter().for_each(|(key, value)| {
            match value.as_str().filter(|_| key == "expr" || key == "query") {
                Some(text) => {
                    let word = |c: char| !(c.is_ascii_alphanumeric() || c == '_');
                    let ours = ["nofx_", "process_"];
                    let words = text.split(word).filter(|w| ours.iter().any(|o| w.starts_with(o)));
                    named.extend(words.map(str::to_owned));
                }
                None => expressions(value, named),
            }
        }),
        serde_json::Value::Array(array) => array.iter().for_each(|value| expressions(value, named)),
        _ => {}
    }
}
