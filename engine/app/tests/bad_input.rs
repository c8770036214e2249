//! Bad input and bad configuration: a message that names the place, an exit code, nothing half-written.

use std::path::Path;
use std::process::{Command, Output};

fn nofx(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_nofx")).args(args).output().expect("the binary runs")
}

fn refused(args: &[&str], code: i32, want: &str) {
    let output = nofx(args);
    let text = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{args:?}: {text}");
    assert!(text.contains(want), "{args:?}: {want:?} is not in {text}");
}

/// One ITCH system event in a BinaryFILE.
fn itch_event() -> Vec<u8> {
    let mut bytes = vec![0, 12, b'S', 0, 0, 0, 0];
    bytes.extend([0, 0, 0, 0, 0, 9, b'O']);
    bytes
}

fn write(dir: &Path, name: &str, bytes: &[u8]) -> String {
    let path = dir.join(name);
    std::fs::write(&path, bytes).expect("a file");
    path.to_str().expect("UTF-8").to_owned()
}

#[test]
fn inputs_that_cannot_be_read_are_named() {
    let dir = tempfile::tempdir().expect("a folder");
    refused(&["replay", "absent.pcap"], 3, "absent.pcap");
    refused(&["replay", "/"], 3, "is a folder");
    refused(&["replay", "/dev/null"], 3, "is a pipe or device");
    let empty = write(dir.path(), "empty.pcap", b"");
    refused(&["replay", &empty], 3, "empty");
    let noise = write(dir.path(), "noise.pcap", b"this is no capture at all");
    refused(&["replay", &noise], 3, "unknown format");
    let itch = write(dir.path(), "day.itch", &itch_event().repeat(4));
    refused(&["replay", &itch, "--line-b", &itch], 2, "need packets");
    refused(&["replay", &itch, "--feed", "iex-deep"], 2, "holds BinaryFILE");
    let text = write(dir.path(), "text", &b"\0\x06zebras\0\x05quail\0\x0czzz sleeping".repeat(9));
    refused(&["replay", &text, "--feed", "itch-file"], 3, "27 are of unknown types");
    // A pcap whose second record claims an impossible length.
    let mut pcap =
        vec![0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0, 1, 0, 0, 0];
    pcap.extend([0; 8]);
    pcap.extend([4, 0, 0, 0, 4, 0, 0, 0, 1, 2, 3, 4]);
    pcap.extend([0; 8]);
    pcap.extend([0xff; 8]);
    let damaged = write(dir.path(), "damaged.pcap", &pcap);
    refused(&["replay", &damaged, "--feed", "itch-mold"], 3, "packet 2 at byte 44");
}

#[test]
fn bad_configuration_names_its_key() {
    let dir = tempfile::tempdir().expect("a folder");
    let itch = write(dir.path(), "day.itch", &itch_event().repeat(4));
    let config = write(dir.path(), "c.toml", b"[book]\nlive_order = 3\n");
    refused(&["replay", &itch, "--config", &config], 2, "live_order");
    refused(&["replay", &itch, "--set", "risk.symbol.lot=0"], 2, "lot");
    refused(&["replay", &itch, "--set", "feed.reorder_packets=99"], 2, "reorder_packets");
    refused(
        &["replay", &itch, "--strategy", "maker", "--set", "strategy.trade=NOSUCH"],
        2,
        "NOSUCH",
    );
    refused(&["replay", &itch, "--strategy", "imbalance"], 2, "strategy.imbalance.weights");
    refused(&["replay", &itch, "--speed", "fast"], 2, "fast");
    refused(&["replay", &itch, "--pin", "1023"], 2, "--pin 1023");
    let csv = write(dir.path(), "d.csv", b"date,symbol,tick,lot\n2026-01-15,AAA,none,1\n");
    refused(&["replay", &itch, "--definitions", &csv], 2, "line 2");
}

#[test]
fn a_cut_file_ends_cleanly_and_says_where() {
    let dir = tempfile::tempdir().expect("a folder");
    let mut bytes = itch_event().repeat(4);
    bytes.truncate(bytes.len() - 3);
    let cut = write(dir.path(), "cut.itch", &bytes);
    let output = nofx(&["replay", &cut, "--json"]);
    assert!(output.status.success());
    let run: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(run["messages"]["total"], 3);
    let warning = run["input"]["warnings"][0].as_str().expect("a warning");
    assert!(warning.contains("cut.itch") && warning.contains("42"), "{warning}");
}

#[test]
fn a_full_disk_leaves_nothing_under_a_final_name() {
    let dir = tempfile::tempdir().expect("a folder");
    let itch = write(dir.path(), "day.itch", &itch_event().repeat(4));
    let out = dir.path().join("run");
    // A limit on file sizes fails writes as a full disk does; SIGXFSZ is ignored so that they fail.
    let script = format!(
        "trap '' XFSZ; ulimit -f 0; exec {} replay {itch} --out {} --quiet",
        env!("CARGO_BIN_EXE_nofx"),
        out.display()
    );
    let output = Command::new("bash").args(["-c", &script]).output().expect("bash runs");
    assert_eq!(output.status.code(), Some(4), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(String::from_utf8_lossy(&output.stderr).contains("nothing was left"));
    let left: Vec<_> = std::fs::read_dir(&out).into_iter().flatten().flatten().collect();
    assert!(left.is_empty(), "{left:?}");
    refused(&["replay", &itch, "--bbo", "/proc/nofx/bbo.csv"], 4, "/proc/nofx/bbo.csv");
}

#[test]
fn help_teaches_and_a_report_needs_a_run() {
    let help = nofx(&["replay", "--help"]);
    let text = String::from_utf8_lossy(&help.stdout);
    assert!(help.status.success() && text.contains("Examples:") && text.contains("--line-b"));
    let dir = tempfile::tempdir().expect("a folder");
    refused(&["report", dir.path().to_str().expect("UTF-8")], 3, "nofx replay");
    refused(&["nonsense"], 2, "nonsense");
}
