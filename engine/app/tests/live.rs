//! The live engine against the venue, each a process of its own in a network namespace of its own.
//!
//! The oracle is the venue: positions and orders in its dump come from its own code, and are compared
//! with what the engine believes; and the journal, which is run again and must give every decision.

mod rig;

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::process::{Child, Command};
use std::thread::sleep;
use std::time::{Duration, Instant};

use nofx_app::live::record::{Command as LiveCommand, Kind as LiveKind};
use nofx_app::live::rerun::rerun;
use nofx_mailbox::journal::Reader;
use nofx_mailbox::{Scope, Steering, Switch};
use rig::us::{ENGINE, VENUE};
use rig::{NOFX, PATIENCE, Rig, assert_runs_again, count, positions, report, terminate, wait};
use serde_json::Value;

/// The US venue and an engine for it.
fn start(what: &str, venue: &str) -> Option<Rig> {
    Rig::start(what, &[("venue.toml", &format!("{VENUE}\n{venue}")), ("engine.toml", ENGINE)])
}

/// What the venue says the firm holds.
fn venue_positions(dump: &Value) -> BTreeMap<String, i64> {
    let mut positions = BTreeMap::new();
    for row in dump["executions"].as_array().expect("rows") {
        let qty = row["qty"].as_i64().expect("shares");
        let symbol = row["symbol"].as_str().expect("a symbol");
        for (side, sign) in [("buyer", 1), ("seller", -1)] {
            if row[side]["firm"] == "NOFX" {
                *positions.entry(symbol.to_owned()).or_insert(0) += sign * qty;
            }
        }
    }
    positions.retain(|_, n| *n != 0);
    positions
}

#[test]
fn it_trades_ends_in_order_agrees_with_the_venue_and_runs_again_the_same() {
    let Some(mut rig) = start("live", "") else { return };
    let engine = rig.engine(&[]);
    rig.until("orders.filled", |n| n >= 5);
    terminate(&engine);
    let report = report(engine);
    let dump = rig.dump();
    assert!(count(&report, "fills") >= 5);
    assert_eq!(count(&report, "open"), 0, "everything was cancelled");
    assert_eq!(report["sealed_allocations"], 0);
    assert_eq!(positions(&report), venue_positions(&dump));
    let open = dump["firms"][0]["orders"].as_array().expect("rows").iter();
    assert_eq!(open.filter(|order| order["leaves"] != 0).count(), 0, "the venue agrees");
    assert_runs_again(&rig.path("journal"), 1);
}

#[test]
fn killed_again_and_again_it_comes_back_with_its_orders_and_positions() {
    let Some(mut rig) = start("kill -9", "") else { return };
    for _ in 0..3 {
        let mut engine = rig.engine(&[]);
        rig.until("orders.accepted", |n| n >= 10);
        engine.kill().expect("ours");
        engine.wait().expect("ours");
    }
    let engine = rig.engine(&[]);
    rig.until("orders.accepted", |n| n >= 10);
    terminate(&engine);
    let report = report(engine);
    let dump = rig.dump();
    assert_eq!(report["restored"]["runs"], 3);
    assert_eq!(report["restored"]["misfits"], 0);
    assert_eq!(positions(&report), venue_positions(&dump));
    assert_eq!(count(&report, "open"), 0);
    let orders = dump["firms"][0]["orders"].as_array().expect("rows");
    let mut ids: Vec<u64> = orders.iter().filter_map(|o| o["user_ref"].as_u64()).collect();
    let all = ids.len();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), all, "no id was used twice");
    assert_runs_again(&rig.path("journal"), 4);
}

#[test]
fn a_kill_word_cancels_everything_and_nothing_passes_until_it_is_released() {
    let Some(mut rig) = start("kill word", "") else { return };
    let engine = rig.engine(&[]);
    rig.until("orders.open", |n| n >= 4);
    let mut kill = Command::new(NOFX);
    kill.args(["kill", "--json", "--wait", "30000", "--mailbox"]).arg(rig.path("mailbox"));
    let killed = kill.output().expect("runs");
    assert!(killed.status.success(), "{killed:?}");
    let killed: Value = serde_json::from_slice(&killed.stdout).expect("JSON");
    assert_eq!(killed["open"], 0);
    let ns = |name: &str| killed[name].as_u64().unwrap_or_else(|| panic!("{name} in {killed}"));
    assert!(ns("seen_after_ns") <= ns("last_cancel_sent_ns"));
    assert!(ns("last_cancel_sent_ns") <= ns("last_cancel_confirmed_ns"));
    let mut switch = Switch::open(rig.path("mailbox")).expect("an engine");
    let sent = rig.until("orders.sent", |_| true);
    rig.until("reject.kill_global", |n| n > 10);
    assert_eq!(rig.until("orders.sent", |_| true), sent, "nothing passes");
    switch.release(Scope::Global).expect("inside");
    rig.until("orders.sent", |n| n > sent);
    terminate(&engine);
    let report = report(engine);
    assert_eq!(positions(&report), venue_positions(&rig.dump()));
    assert_runs_again(&rig.path("journal"), 1);
}

#[test]
fn a_kill_outlives_the_memory_that_held_it_and_is_not_released_past_control() {
    let Some(mut rig) = start("kill and reboot", "") else { return };
    let engine = rig.engine(&[]);
    rig.until("orders.open", |n| n >= 4);
    Switch::open(rig.path("mailbox")).and_then(|mut s| s.engage(Scope::Global)).expect("an engine");
    rig.until("reject.kill_global", |n| n > 10);
    terminate(&engine);
    let sent = count(&report(engine), "sent");
    fs::remove_file(rig.path("mailbox")).expect("as after a start of the machine");

    let engine = rig.engine(&[]);
    rig.until("reject.kill_global", |n| n > 10);
    assert_eq!(rig.until("orders.sent", |_| true), sent, "nothing passes");
    let release = || {
        let mut kill = Command::new(NOFX);
        kill.args(["kill", "--release", "--mailbox"]).arg(rig.path("mailbox"));
        kill.output().expect("runs")
    };
    let steering = Steering::open(rig.path("mailbox")).expect("an engine");
    let refused = release();
    assert_eq!(refused.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("two people"), "{refused:?}");
    assert_eq!(rig.until("orders.sent", |_| true), sent, "nothing passes");
    drop(steering);
    assert!(release().status.success());
    rig.until("orders.sent", |n| n > sent);
    terminate(&engine);
    let report = report(engine);
    assert_eq!(positions(&report), venue_positions(&rig.dump()));
    assert_runs_again(&rig.path("journal"), 2);
}

#[test]
fn a_card_beside_the_software_trades_live_and_the_software_alone_runs_it_again() {
    let Some(mut rig) = start("lockstep", "") else { return };
    let engine = rig.engine(&["--gate", "lockstep", "--gate-device", "model"]);
    rig.until("orders.filled", |n| n >= 5);
    terminate(&engine);
    let report = report(engine);
    let gate = &report["gate"];
    assert!(gate["compared"].as_u64() > gate["reached"].as_u64(), "{gate}");
    assert!(gate["failure"].is_null(), "{gate}");
    assert_eq!(report["sealed_allocations"], 0);
    assert_eq!(count(&report, "open"), 0);
    assert_eq!(positions(&report), venue_positions(&rig.dump()));
    assert_runs_again(&rig.path("journal"), 1);
}

#[test]
fn a_card_that_fails_passes_nothing_more_is_named_and_what_is_open_is_cancelled() {
    let short = ["--set", "gate.card.spin_max=1000"];
    for (mode, drill) in [
        ("fpga", "model:stall@300"),
        ("fpga", "model:gone@300"),
        ("lockstep", "model:flip_verdict@300"),
    ] {
        let Some(mut rig) = start(drill, "") else { return };
        let card = ["--gate", mode, "--gate-device", drill];
        let mut engine = rig.engine(&[&card[..], &short].concat());
        rig.until("reject.kill_global", |n| n > 10);
        rig.until("orders.open", |n| n == 0);
        let sent = rig.until("orders.sent", |_| true);
        rig.until("reject.kill_global", |n| n > 50);
        assert_eq!(rig.until("orders.sent", |_| true), sent, "{drill}: something passed");
        terminate(&engine);
        let mut errors = String::new();
        let mut pipe = engine.stderr.take().expect("piped");
        let output = engine.wait_with_output().expect("ours");
        std::io::Read::read_to_string(&mut pipe, &mut errors).expect("text");
        assert_eq!(output.status.code(), Some(1), "{drill}: {errors}");
        assert!(errors.contains("ALARM: the risk gate failed"), "{drill}: {errors}");
        let report: Value = serde_json::from_slice(&output.stdout).expect("JSON");
        assert!(report["gate"]["failure"].is_string(), "{report}");
        assert_eq!(count(&report, "open"), 0, "{drill}");
        let dump = rig.dump();
        let open = dump["firms"][0]["orders"].as_array().expect("rows").iter();
        assert_eq!(
            open.filter(|order| order["leaves"] != 0).count(),
            0,
            "{drill}: the venue agrees"
        );
        assert_runs_again(&rig.path("journal"), 1);
    }
}

#[test]
fn a_line_that_dies_under_loss_is_recovered_by_requests() {
    let loss = "[[halts]]\nsymbol = \"AAAA\"\nat_s = 1000\nfor_s = 1\n";
    let Some(mut rig) = start("recovery", loss) else { return };
    rig.tell_venue("loss a 0.02");
    rig.tell_venue("loss b 0.02");
    let engine = rig.engine(&[]);
    rig.until("orders.accepted", |n| n >= 5);
    rig.tell_venue("line a down");
    rig.until("feed.recovered", |n| n >= 10);
    terminate(&engine);
    let report = report(engine);
    assert!(report["feed"]["requests"].as_u64() >= Some(1));
    assert_eq!(positions(&report), venue_positions(&rig.dump()));
    assert_runs_again(&rig.path("journal"), 1);
}

#[test]
fn every_port_and_the_split_layout_trade_and_run_again_the_same() {
    let Some(mut rig) = start("ports", "") else { return };
    let split = ENGINE.split("[[tile]]").next().unwrap_or_default().to_owned() + SPLIT;
    let layouts = [("xsk", ENGINE), ("packet", ENGINE), ("udp", &split)];
    for (done, (port, layout)) in layouts.into_iter().enumerate() {
        fs::write(rig.path("engine.toml"), layout).expect("written");
        let engine = rig.engine(&["--set", &format!("network.port={port}")]);
        rig.until("orders.filled", |n| n >= 2);
        terminate(&engine);
        let report = report(engine);
        assert_eq!(report["sealed_allocations"], 0, "{port}");
        assert!(report["ports"][0]["packets"].as_u64() > Some(100), "{port}: {report}");
        assert_runs_again(&rig.path("journal"), done + 1);
        if done == 2 {
            assert_eq!(positions(&report), venue_positions(&rig.dump()));
        }
    }
}

#[test]
fn orders_go_by_a_tcp_of_our_own_as_well() {
    let Some(mut rig) = start("own TCP", "") else { return };
    // The kernel at the other end must not send frames longer than a frame.
    rig.lab.far.ip("link set peer0 gso_max_segs 1").expect("iproute2");
    let own = ["--set", "network.own_tcp=10.77.0.9/24@nofx0", "--set", "network.xsk.mode=generic"];
    let engine = rig.engine(&own);
    rig.until("orders.filled", |n| n >= 2);
    terminate(&engine);
    let report = report(engine);
    assert_eq!(count(&report, "open"), 0);
    assert_eq!(report["sealed_allocations"], 0);
    assert_eq!(positions(&report), venue_positions(&rig.dump()));
    assert_runs_again(&rig.path("journal"), 1);
}

#[test]
fn a_journal_without_room_stops_orders_and_not_the_engine() {
    let Some(mut rig) = start("full disk", "") else { return };
    let small = ["--set", "live.segment_mib=1", "--set", "live.disk_max_mib=2"];
    let small = [&small[..], &["--set", "live.journal_ring_mib=2"]].concat();
    let mut engine = rig.engine(&small);
    let stderr = BufReader::new(engine.stderr.take().expect("piped"));
    let alarm =
        stderr.lines().map_while(Result::ok).find(|line| line.contains("ALARM: the journal"));
    assert!(alarm.is_some(), "an alarm");
    rig.until("reject.busy", |n| n > 10);
    rig.until("orders.open", |n| n == 0);
    let inputs = rig.until("inputs", |_| true);
    rig.until("inputs", |n| n > inputs + 100);
    terminate(&engine);
    let output = engine.wait_with_output().expect("ours");
    assert_eq!(output.status.code(), Some(4), "a journal that is not whole is a failure");
    rig.dump();
}

#[test]
fn a_gateway_that_is_not_there_yet_is_asked_again() {
    let Some(rig) = start("reconnect", "") else { return };
    let engine = rig.engine(&["--set", "network.orders=10.77.0.2:33001"]);
    rig.until("inputs", |n| n > 0);
    sleep(Duration::from_millis(300)); // it is refused at once, and again
    let gateway = || TcpListener::bind("10.77.0.2:33001");
    let gateway = rig.lab.far.within(gateway).expect("free");
    gateway.set_nonblocking(true).expect("a socket");
    let start = Instant::now();
    while gateway.accept().is_err() {
        assert!(start.elapsed() < PATIENCE, "nobody comes");
        sleep(Duration::from_millis(20));
    }
    drop(gateway);
    terminate(&engine);
    report(engine);
    assert_runs_again(&rig.path("journal"), 1);
}

#[test]
fn a_refused_login_does_not_outlive_its_run() {
    let Some(rig) = start("refused login", "") else { return };
    let engine = rig.engine(&["--set", "session.password=WRONG"]);
    let refused = |engine: &mut Child| {
        let lines = BufReader::new(engine.stderr.take().expect("piped")).lines();
        lines.map_while(Result::ok).any(|line| line.contains("login refused"))
    };
    let mut engine = engine;
    assert!(refused(&mut engine));
    terminate(&engine);
    assert!(wait(&mut engine).success());
    let engine = rig.engine(&[]);
    rig.until("orders.accepted", |n| n >= 1);
    terminate(&engine);
    report(engine);
    assert_runs_again(&rig.path("journal"), 2);
}

#[test]
fn packets_from_before_a_stall_bring_no_orders() {
    let Some(rig) = start("stall", "") else { return };
    let engine = rig.engine(&[]);
    rig.until("orders.accepted", |n| n >= 5);
    let signal = |name: &str| {
        let sent = Command::new("kill").args([name, &engine.id().to_string()]).status();
        assert!(sent.expect("kill is there").success());
    };
    signal("-STOP");
    sleep(Duration::from_secs(2));
    let before = rig.until("orders.sent", |_| true);
    signal("-CONT");
    rig.until("orders.sent", |n| n > before + 5);
    terminate(&engine);
    report(engine);
    let mut reader = Reader::open(rig.path("journal")).expect("there");
    let (mut last, mut stalled, mut held) = (None, false, false);
    while let Some(record) = reader.next().expect("sound") {
        let (kind, at) = (LiveKind::of(record.kind).expect("known"), record.at);
        if matches!(kind, LiveKind::Start | LiveKind::Definition) {
            continue;
        }
        stalled |= last.is_some_and(|last| at.since(last) >= 1_000_000_000);
        last = Some(at);
        if stalled {
            match kind {
                LiveKind::Command => {
                    held = LiveCommand::decode(record.payload)
                        == Some(LiveCommand::Journal { broken: true });
                    break;
                }
                LiveKind::Packet | LiveKind::Decision => break,
                _ => {}
            }
        }
    }
    assert!(stalled && held, "stalled {stalled}, held {held}");
    assert_runs_again(&rig.path("journal"), 1);
}

#[test]
fn a_restart_does_not_wait_for_the_snapshot_service() {
    let Some(rig) = start("restart without snapshots", "") else { return };
    let mut engine = rig.engine(&[]);
    rig.until("orders.open", |n| n >= 4);
    engine.kill().expect("ours");
    engine.wait().expect("ours");
    let ids = |rig: &Rig| fs::read(rig.path("journal/ids")).expect("there");
    let reserved = ids(&rig);
    let absent = rig.engine(&["--set", "network.lines=[\"239.7.7.1:30001@absent0\"]"]);
    assert_eq!(absent.wait_with_output().expect("ours").status.code(), Some(2));
    assert_eq!(ids(&rig), reserved, "a start that is refused uses up no ids");
    let engine = rig.engine(&["--set", "recovery.snapshot=10.77.0.2:32001"]);
    rig.until("session.reconciled", |n| n >= 1);
    rig.until("orders.open", |n| n == 0);
    terminate(&engine);
    report(engine);
    assert_runs_again(&rig.path("journal"), 2);
}

#[test]
fn a_changed_record_is_found_by_the_re_run() {
    let Some(mut rig) = start("tampering", "") else { return };
    let engine = rig.engine(&[]);
    rig.until("orders.filled", |n| n >= 1);
    terminate(&engine);
    report(engine);
    rig.dump();
    let journal = rig.path("journal");
    assert_runs_again(&journal, 1);
    let segment = fs::read_dir(&journal)
        .expect("the folder")
        .filter_map(|entry| entry.ok().map(|entry| entry.path()))
        .find(|path| path.extension().is_some_and(|e| e == "journal"))
        .expect("a segment");
    let mut bytes = fs::read(&segment).expect("there");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&segment, &bytes).expect("written");
    let found = match rerun(&journal) {
        Err(error) => error.to_string(),
        Ok(again) => panic!("not noticed: {again}"),
    };
    assert!(found.contains(".journal") && found.contains("byte"), "{found}");
}

#[test]
fn what_cannot_run_is_refused_in_words() {
    let Some(rig) = start("refusals", "") else { return };
    let refused = |arguments: &[&str]| {
        let output = rig.engine(arguments).wait_with_output().expect("ours");
        assert_eq!(output.status.code(), Some(2), "{output:?}");
        String::from_utf8_lossy(&output.stderr).into_owned()
    };
    let absent = "network.lines=[\"239.7.7.1:30001@absent0\"]";
    assert!(refused(&["--set", absent]).contains("absent0"));
    assert!(refused(&["--set", "network.lines=[]"]).contains("network.lines"));
    assert!(refused(&["--set", "live.view_hz=0"]).contains("live.view_hz"));
    assert!(refused(&["--set", "network.port=fax"]).contains("fax"));
    let strict = "topology.strict=true";
    assert!(refused(&["--set", strict]).contains("strict"));
    fs::write(rig.path("foreign"), vec![7; 8_192]).expect("written");
    let foreign = format!("live.mailbox={}", rig.path("foreign").display());
    assert!(refused(&["--set", &foreign]).contains("not a mailbox"));
}

const SPLIT: &str = r#"
[[tile]]
name = "receive"
stages = ["receive"]
idle = "yield"
[[tile]]
name = "trade"
stages = ["feed", "book", "signal", "risk", "order"]
idle = "yield"
[[tile]]
name = "house"
stages = ["house"]
idle = "sleep"
[[link]]
name = "receive_trade"
depth = 1024
policy = "overrun"
"#;
