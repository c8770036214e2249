//! The gate's modes over a generated day: a card, alone or beside the software, decides nothing
//! otherwise, and the first difference stops trading.

mod common;

use std::path::Path;
use std::sync::OnceLock;

use clap::Parser;
use common::{generate, replay, summary, text};
use nofx_app::cli::Cli;
use nofx_app::summary::Summary;
use tempfile::TempDir;

/// Limits so tight that the maker runs into several of them.
const TIGHT: [&str; 8] = [
    "--set",
    "risk.symbol.long_max=300",
    "--set",
    "risk.symbol.short_max=300",
    "--set",
    "risk.account.rate_per_s=40",
    "--set",
    "risk.account.rate_burst=8",
];
const MAKER: [&str; 4] = ["--strategy", "maker", "--set", "strategy.trade=first:12"];

fn day() -> &'static Path {
    static DAY: OnceLock<TempDir> = OnceLock::new();
    DAY.get_or_init(|| {
        let dir = tempfile::tempdir().expect("a folder");
        let options = ["--seed", "11", "--instruments", "40", "--messages", "60000"];
        generate(&dir.path().join("day"), &options);
        dir
    })
    .path()
}

fn run(more: &[&str]) -> Summary {
    let (a, b) = (text(day(), "day/line-a.pcap"), text(day(), "day/line-b.pcap"));
    summary(&[&[a.as_str(), "--line-b", &b], &MAKER[..], &TIGHT[..], more].concat())
}

/// The message of a run that must fail with `code`.
fn fails(args: &[&str], code: u8) -> String {
    let failure = match replay(args) {
        Ok(outcome) => outcome.verdict.expect_err("the run fails"),
        Err(failure) => failure,
    };
    assert_eq!(failure.code(), code, "{failure}");
    failure.to_string()
}

/// Message of a run that ends in a failure of the gate, and what was written about it.
fn broken(device: &str) -> (String, String) {
    let (a, b) = (text(day(), "day/line-a.pcap"), text(day(), "day/line-b.pcap"));
    let folder = tempfile::tempdir().expect("a folder");
    let dump = text(folder.path(), "difference.txt");
    let set = format!("gate.dump={dump}");
    let card = ["--gate", "lockstep", "--gate-device", device, "--set", &set];
    let all = [&[a.as_str(), "--line-b", &b], &MAKER[..], &TIGHT[..], &card[..]].concat();
    let message = fails(&all, 1);
    (message, std::fs::read_to_string(dump).unwrap_or_default())
}

#[test]
fn a_card_alone_or_beside_the_software_decides_what_the_software_decides() {
    let software = run(&[]);
    assert!(software.gate.is_none());
    println!("rejects {:?}", software.rejects);
    assert!(software.rejects.len() >= 3, "rejects by fewer than three rules: {software}");
    for mode in ["fpga", "lockstep"] {
        let card = run(&["--gate", mode, "--gate-device", "model"]);
        assert_eq!(card.decision_hash, software.decision_hash, "{mode}");
        assert_eq!(card.rejects, software.rejects, "{mode}");
        let report = card.gate.expect("a card judged");
        assert!(report.failure.is_none(), "{report:?}");
        assert!(report.reached > 100, "{report:?}");
        assert_eq!(report.compared.is_some_and(|lines| lines > report.reached), mode == "lockstep");
        println!("MEASURED {mode}: {} intents reached the card", report.reached);
    }
}

#[test]
fn lockstep_stops_at_the_first_difference() {
    for drill in ["model:pass_all", "model:position_long", "model:rate"] {
        println!("drill {drill}");
        let (message, dump) = broken(drill);
        assert!(message.contains("card and software differ"), "{drill}: {message}");
        assert!(dump.contains("software") && dump.contains("card"), "{drill}: {dump}");
    }
}

#[test]
fn a_card_that_is_not_named_is_refused() {
    let a = text(day(), "day/line-a.pcap");
    assert!(fails(&[&a, "--gate", "fpga"], 2).contains("gate.device"));
    assert!(
        fails(&[&a, "--gate", "fpga", "--gate-device", "shm:/nowhere"], 2).contains("/nowhere")
    );
    let unknown = Cli::try_parse_from(["nofx", "replay", &a, "--gate-device", "card"]);
    let message = unknown.expect_err("no such device").to_string();
    assert!(message.contains("model, inproc, shm:SOCKET, bar:FOLDER"), "{message}");
}
