//! The real engine against the real venue, each a process of its own.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use nofx_control::identity::Role;
use nofx_mailbox::Watcher;
use serde_json::{Value, json};

use crate::common::{now, until};
use crate::day_of_a_report;
use crate::desk::{Desk, office};

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
    let [p0, p1, p2, p3, p4] = [0, 1, 2, 3, 4].map(|n| port + n);
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
    "#
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
    "#
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
