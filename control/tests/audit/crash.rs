//! Processes that are killed, and disks that are full. The child is this test program itself.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use nofx_control::audit::{Audit, Entry, Filter, Verifier, Verify, verify_file};

use crate::place::{Dice, Place, entry, settings};

/// A child that records entries in `folder`, numbers from `from` on, and prints what it was told.
fn child(folder: &Path, mode: &str, from: u64, shell: &str) -> Child {
    let program = std::env::current_exe().expect("this program");
    Command::new("sh")
        .args(["-c", &format!("{shell} exec \"$0\" \"$@\"")])
        .arg(program)
        .args(["--exact", "crash::the_child", "--ignored", "--nocapture"])
        .env("NOFX_AUDIT_CHILD", folder)
        .env("NOFX_AUDIT_MODE", mode)
        .env("NOFX_AUDIT_FROM", from.to_string())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("started")
}

/// Not a test: what the children run.
#[test]
#[ignore = "run by the tests of crashes"]
fn the_child() {
    let Some(folder) = std::env::var_os("NOFX_AUDIT_CHILD") else { return };
    println!();
    let from: u64 = std::env::var("NOFX_AUDIT_FROM").expect("set").parse().expect("a number");
    let audit = Audit::start(settings(Path::new(&folder))).expect("the log opens");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.expect("a runtime");
    match std::env::var("NOFX_AUDIT_MODE").expect("set").as_str() {
        "many" => runtime.block_on(append_many(audit, from)),
        _ => runtime.block_on(append_slowly(audit, from)),
    }
}

/// Half of the entries wait for the disk; those are printed when they are acknowledged.
async fn append_many(audit: Audit, from: u64) {
    let mut tasks = tokio::task::JoinSet::new();
    for lane in 0..64 {
        let audit = audit.clone();
        tasks.spawn(async move {
            for number in (from + lane..from + 10_000).step_by(64) {
                let sensitive = number % 2 == 0;
                let told = audit.record(Entry { sensitive, ..entry(number) }).await;
                if let (Ok(seq), true) = (told, sensitive) {
                    println!("ack {seq} {number}");
                }
            }
        });
    }
    while tasks.join_next().await.is_some() {}
    println!("end");
}

/// One entry after another that waits for the disk, until a number of them went well after trouble.
async fn append_slowly(audit: Audit, from: u64) {
    let (mut trouble, mut well) = (false, 0);
    for number in from.. {
        let big = Entry { reason: "x".repeat(8_000), sensitive: true, ..entry(number) };
        match audit.record(big).await {
            Ok(seq) => {
                println!("ack {seq} {number}");
                well += u32::from(trouble);
            }
            Err(error) => {
                println!("no {number} {error}");
                trouble = true;
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
        if well == 20 {
            println!("end");
            return;
        }
    }
}

/// A line `ack SEQ NUMBER`.
fn ack(line: &str) -> Option<(u64, u64)> {
    let (seq, number) = line.strip_prefix("ack ")?.split_once(' ')?;
    Some((seq.parse().ok()?, number.parse().ok()?))
}

/// Everything acknowledged is in the log, at its number, and the log is right.
fn all_there(place: &Place, acknowledged: &BTreeMap<u64, u64>) {
    let audit = place.open();
    for (&seq, number) in acknowledged {
        let record = audit.get(seq).expect("there").expect("with body");
        assert_eq!(record.correlation, format!("c-{number}"), "record {seq}");
    }
    let key: Verifier = audit.verifier();
    drop(audit);
    let heads = Verify::heads(&place.path("heads.txt"), key).expect("heads");
    let report = verify_file(&place.path("audit.db"), Some(heads)).expect("readable");
    assert!(report.ok, "{report:?}");
    assert_eq!(report.vouched, report.size);
}

#[test]
fn what_was_acknowledged_survives_kill_9() {
    let place = Place::new();
    let mut dice = Dice(std::process::id().into());
    println!("seed {:#x}", dice.0);
    let mut acknowledged = BTreeMap::new();
    for round in 0..3 {
        let mut child = child(place.folder.path(), "many", round * 10_000, "");
        let kill_at = if round == 2 { u64::MAX } else { 1 + dice.below(4_000) };
        let mut count = 0;
        for line in BufReader::new(child.stdout.take().expect("piped")).lines() {
            let line = line.expect("text");
            if let Some((seq, number)) = ack(&line) {
                assert_eq!(acknowledged.insert(seq, number), None, "{line}");
                count += 1;
            }
            if count == kill_at {
                child.kill().expect("killed");
            }
        }
        child.wait().expect("ended");
        println!("round {round}: {count} acknowledged");
        assert!(count >= kill_at.min(5_000));
        all_there(&place, &acknowledged);
    }
}

/// A file size limit stands in for a full disk: writes beyond it fail. It is raised while the child
/// runs.
#[test]
fn a_full_disk_refuses_and_goes_on_when_there_is_room() {
    let place = Place::new();
    drop(place.open());
    let shell = "trap '' XFSZ; ulimit -S -f 2048;";
    let mut child = child(place.folder.path(), "slow", 0, shell);
    let (mut acknowledged, mut refused) = (BTreeMap::new(), Vec::new());
    let give_up = Instant::now() + Duration::from_secs(60);
    for line in BufReader::new(child.stdout.take().expect("piped")).lines() {
        let line = line.expect("text");
        assert!(Instant::now() < give_up);
        if let Some((seq, number)) = ack(&line) {
            acknowledged.insert(seq, number);
        } else if let Some(rest) = line.strip_prefix("no ") {
            let (number, why) = rest.split_once(' ').expect("two parts");
            assert!(why.contains("cannot be read or written"), "{why}");
            refused.push(number.parse::<u64>().expect("a number"));
            if refused.len() == 5 {
                let status = Command::new("prlimit")
                    .args([&format!("--pid={}", child.id()), "--fsize=unlimited"])
                    .status();
                assert!(status.expect("prlimit runs").success());
            }
        }
    }
    assert!(child.wait().expect("ended").success());
    println!("{} acknowledged, {} refused", acknowledged.len(), refused.len());
    assert!(refused.len() >= 5 && acknowledged.len() >= 20);
    all_there(&place, &acknowledged);
    // What was refused is not in the log as if it had been acknowledged.
    let audit = place.open();
    for number in refused {
        let filter = Filter { correlation: Some(format!("c-{number}")), ..Filter::default() };
        let found = audit.query(&filter).expect("found").items;
        assert!(found.iter().all(|record| record.unacknowledged), "{found:?}");
    }
}
