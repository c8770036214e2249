//! The live engine on the markets of Hong Kong and Shenzhen, against the venue's own account of it.
//!
//! The oracle is the board: its dump names every order, execution and resting order by its own code.

mod rig;

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader};
use std::process::Command;
use std::time::Duration;

use nofx_app::live::record::Kind;
use nofx_mailbox::journal::Reader;
use rig::{NOFX, Rig, assert_runs_again, count, last_report, positions, report, terminate};
use serde_json::Value;

/// The lab's files with the addresses and the interface of a test's namespaces.
fn here(text: &str) -> String {
    let mut text = text.to_owned();
    for (from, to) in [
        ("10.71.1.1", "10.77.0.2"),
        ("10.71.2.1", "10.77.0.2"),
        ("10.71.3.1", "10.77.0.2"),
        ("@lineA", "@nofx0"),
        ("@lineB", "@nofx0"),
        ("@orders", "@nofx0"),
        ("port = \"xsk\"", "port = \"udp\""),
    ] {
        text = text.replace(from, to);
    }
    text
}

fn start(what: &str, market: &str) -> Option<Rig> {
    let lab = concat!(env!("CARGO_MANIFEST_DIR"), "/../../scripts/lab.d");
    let file = |name: String| fs::read_to_string(format!("{lab}/{name}")).expect("in the lab");
    let definitions = format!("{market}.csv");
    let rig = Rig::start(
        what,
        &[
            ("venue.toml", &here(&file(format!("venue-{market}.toml")))),
            ("engine.toml", &here(&file(format!("engine-{market}.toml")))),
            (&definitions, &file(definitions.clone())),
        ],
    )?;
    // The re-run reads the definitions from another folder.
    let path = rig.path(&definitions);
    change(&rig, &format!("\"{definitions}\""), &format!("{path:?}"));
    Some(rig)
}

/// Changes the engine's configuration.
fn change(rig: &Rig, from: &str, to: &str) {
    let text = fs::read_to_string(rig.path("engine.toml")).expect("written");
    assert!(text.contains(from), "{from}");
    fs::write(rig.path("engine.toml"), text.replace(from, to)).expect("written");
}

/// Shares bought less shares sold, by symbol, of the firm's own executions.
fn venue_positions(dump: &Value) -> BTreeMap<String, i64> {
    let orders = dump["orders"].as_array().expect("rows");
    let mut positions = BTreeMap::new();
    for order in orders.iter().filter(|order| order["owner"] == 0) {
        let filled = order["filled"].as_i64().expect("shares");
        let sign = if order["side"] == "B" { 1 } else { -1 };
        let symbol = order["symbol"].as_str().expect("a symbol").to_owned();
        *positions.entry(symbol).or_insert(0) += sign * filled;
    }
    positions.retain(|_, n| *n != 0);
    positions
}

fn open_orders(dump: &Value) -> usize {
    let orders = dump["orders"].as_array().expect("rows").iter();
    orders.filter(|order| order["owner"] == 0 && order["leaves"] != 0).count()
}

/// The firm's own orders that reached the board, by the id the engine gave them.
fn by_our_id(dump: &Value) -> BTreeMap<u64, &Value> {
    let orders = dump["orders"].as_array().expect("rows");
    let ids = dump["client_ids"].as_array().expect("rows");
    let own = orders.iter().filter(|order| order["owner"] == 0);
    let id = |order: &Value| {
        let row = ids.iter().find(|row| row["client"] == order["client"]).expect("named");
        row["text"].as_str().and_then(|text| text.parse::<u64>().ok()).expect("our id")
    };
    own.map(|order| (id(order), order)).collect()
}

/// Nothing is left at the board, and what the engine cannot account for never got there: the gateway
/// does not say whether an order that was on its way when the session ended arrived.
fn assert_nothing_left(report: &Value, dump: &Value) {
    assert_eq!(open_orders(dump), 0, "left at the board");
    let arrived = by_our_id(dump);
    assert!(arrived.len() >= 3, "orders reached the board");
    for open in report["open"].as_array().expect("rows") {
        let id = open["id"].as_u64().expect("an id");
        assert!(!arrived.contains_key(&id), "{open} is {}", arrived[&id]);
    }
}

/// Levels (price, shares, orders) of one side, as the board's resting orders make them.
fn levels(standing: &Value) -> Vec<(i64, i64, i64)> {
    let mut levels: Vec<(i64, i64, i64)> = Vec::new();
    for order in standing.as_array().expect("rows") {
        let (price, qty) = (order["price"].as_i64(), order["qty"].as_i64());
        let (price, qty) = price.zip(qty).expect("numbers");
        match levels.last_mut().filter(|level| level.0 == price) {
            Some(level) => (level.1, level.2) = (level.1 + qty, level.2 + 1),
            None => levels.push((price, qty, 1)),
        }
    }
    levels.truncate(10);
    levels
}

/// The engine's last books are the board's.
fn assert_books(report: &Value, dump: &Value) {
    let securities = dump["securities"].as_array().expect("rows");
    let books = report["books"].as_array().expect("rows");
    assert!(!books.is_empty());
    for book in books {
        let board = securities.iter().find(|s| s["symbol"] == book["instrument"]).expect("listed");
        assert_eq!(book["stale"], false, "{}", book["instrument"]);
        for side in ["bids", "asks"] {
            let ours: Vec<(i64, i64, i64)> =
                serde_json::from_value(book[side].clone()).expect("levels");
            assert_eq!(ours, levels(&board[side]), "{} {side}", book["instrument"]);
        }
    }
}

#[test]
fn hong_kong_trades_under_loss_and_agrees_with_the_board_to_the_last_book() {
    let Some(mut rig) = start("Hong Kong", "hkex") else { return };
    let engine = rig.engine(&[]);
    rig.until("orders.filled", |n| n >= 20);
    rig.until("feed.recovered", |n| n >= 1);
    rig.tell_venue("line a down");
    rig.until("orders.filled", |n| n >= 40);
    // Nothing moves any more, so both show the same last moment.
    rig.tell_venue("loss b 0");
    let kill = Command::new(NOFX)
        .args(["kill", "--json", "--wait", "30000", "--mailbox"])
        .arg(rig.path("mailbox"))
        .output();
    assert!(kill.expect("runs").status.success());
    let dump = rig.dump();
    std::thread::sleep(Duration::from_millis(500));
    terminate(&engine);
    let report = report(engine);
    assert!(count(&report, "fills") >= 40, "{report}");
    assert_eq!(report["sealed_allocations"], 0);
    assert_eq!(positions(&report), venue_positions(&dump));
    assert_eq!(open_orders(&dump), 0);
    assert_books(&report, &dump);
    assert_runs_again(&rig.path("journal"), 1);
}

#[test]
fn hong_kong_comes_back_after_kill_minus_9_with_orders_and_positions() {
    let Some(mut rig) = start("Hong Kong restarts", "hkex") else { return };
    for _ in 0..2 {
        let mut engine = rig.engine(&[]);
        rig.until("orders.accepted", |n| n >= 10);
        engine.kill().expect("ours");
        engine.wait().expect("ours");
    }
    let engine = rig.engine(&[]);
    rig.until("orders.filled", |n| n >= 5);
    terminate(&engine);
    let report = report(engine);
    let dump = rig.dump();
    assert_eq!(report["restored"]["misfits"], 0);
    assert_eq!(positions(&report), venue_positions(&dump));
    assert_eq!(open_orders(&dump), 0);
    assert_runs_again(&rig.path("journal"), 3);
}

#[test]
fn shenzhen_trades_over_its_gateway_and_comes_back_when_that_is_lost() {
    let Some(mut rig) = start("Shenzhen", "szse") else { return };
    let engine = rig.engine(&[]);
    rig.until("orders.filled", |n| n >= 10);
    rig.tell_venue("disconnect market_data");
    rig.until("feed.stale_episodes", |n| n >= 1);
    let filled = rig.until("orders.filled", |_| true);
    rig.until("orders.filled", |n| n >= filled + 10);
    terminate(&engine);
    let report = report(engine);
    let dump = rig.dump();
    assert_eq!(report["sealed_allocations"], 0);
    assert_eq!(positions(&report), venue_positions(&dump));
    assert_eq!(open_orders(&dump), 0);
    assert_runs_again(&rig.path("journal"), 1);
}

/// Arguments by which a lost session is not tried again for a long time.
const STAYS_DOWN: [&str; 4] =
    ["--set", "session.retry_min_ns=60000000000", "--set", "session.retry_max_ns=60000000000"];

/// Cancels that went by the second session, of the strategy or of a sweep.
fn cancels_by_rescue(rig: &Rig) -> usize {
    let mut journal = Reader::open(rig.path("journal")).expect("a journal");
    let records = std::iter::from_fn(|| journal.next().expect("whole").map(|record| record.kind));
    records.filter(|kind| *kind == Kind::RescueDecision as u8).count()
}

/// What is not confirmed after so long without any news never will be.
const STILL: Duration = Duration::from_secs(3);

#[test]
fn a_lost_session_cancels_through_the_second_one() {
    let Some(mut rig) = start("rescue", "szse") else { return };
    let engine = rig.engine(&STAYS_DOWN);
    rig.until("orders.open", |n| n >= 3);
    rig.tell_venue("disconnect NOFX 0");
    rig.until_still("orders.open", STILL);
    terminate(&engine);
    let report = last_report(engine);
    let dump = rig.dump();
    assert_nothing_left(&report, &dump);
    assert_eq!(positions(&report), venue_positions(&dump));
    assert!(cancels_by_rescue(&rig) >= 1, "no cancel went by the second session");
    assert_runs_again(&rig.path("journal"), 1);
}

#[test]
fn the_kill_switch_cancels_through_the_second_session_while_the_first_is_down() {
    let Some(mut rig) = start("kill by rescue", "szse") else { return };
    let by_kill_alone = ["--set", "session.rescue_after_ns=0"];
    let mut engine = rig.engine(&[&STAYS_DOWN[..], &by_kill_alone].concat());
    let stderr = BufReader::new(engine.stderr.take().expect("piped"));
    rig.until("orders.open", |n| n >= 3);
    rig.tell_venue("disconnect NOFX 0");
    let mut lines = stderr.lines().map_while(Result::ok);
    assert!(lines.by_ref().any(|line| line.contains("order session down")));
    let mut kill = Command::new(NOFX);
    kill.args(["kill", "--json", "--wait", "0", "--mailbox"]).arg(rig.path("mailbox"));
    kill.output().expect("runs");
    rig.until_still("orders.open", STILL);
    terminate(&engine);
    let report = last_report(engine);
    assert_nothing_left(&report, &rig.dump());
    assert!(cancels_by_rescue(&rig) >= 1, "no cancel went by the second session");
    assert_runs_again(&rig.path("journal"), 1);
}

#[test]
fn without_a_second_session_the_alarm_names_the_open_orders() {
    let Some(mut rig) = start("stranded", "szse") else { return };
    change(&rig, "rescue = ", "# rescue = ");
    let mut engine = rig.engine(&STAYS_DOWN);
    let stderr = BufReader::new(engine.stderr.take().expect("piped"));
    rig.until("orders.open", |n| n >= 3);
    rig.tell_venue("disconnect NOFX");
    let alarm = stderr.lines().map_while(Result::ok).find(|line| line.contains("ALARM"));
    let alarm = alarm.expect("an alarm");
    terminate(&engine);
    engine.wait().expect("ours");
    let dump = rig.dump();
    let named = alarm.split("them: ").nth(1).and_then(|rest| rest.split(" (").next());
    let named: Vec<u64> =
        named.expect("ids").split(", ").map(|id| id.parse().expect("an id")).collect();
    assert!(alarm.contains(&format!("{} orders", named.len())), "{alarm}");
    // The market goes on: some of them traded before the dump, and none was cancelled. One that was on
    // its way may never have arrived.
    let ours = by_our_id(&dump);
    let arrived: Vec<_> = named.iter().filter_map(|id| ours.get(id)).collect();
    assert!(arrived.len() >= 2, "{} of {} arrived", arrived.len(), named.len());
    for order in arrived {
        let all = order["filled"].as_u64().zip(order["leaves"].as_u64()).map(|(a, b)| a + b);
        assert_eq!(all, order["qty"].as_u64(), "nobody cancelled {order}");
    }
    for (id, order) in ours.iter().filter(|(_, order)| order["leaves"] != 0) {
        assert!(named.contains(id), "{order} is not in {alarm}");
    }
}
