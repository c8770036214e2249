//! A disk that fills up while the journal is drained: an error, nothing lost, and it goes on when there
//! is room again.
//!
//! The limit is the system's on the size of a file. It holds for a whole process, so the test runs
//! itself again as a child under it.

mod common;

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use common::engine;
use nofx_mailbox::Engine;
use nofx_mailbox::journal::{self, Fsync, Reader, SegmentConfig, SegmentWriter};
use nofx_types::Nanos;

/// Set for the child: the folder that it writes to.
const FOLDER: &str = "NOFX_TEST_FULL_DISK";
/// Records that the parent's ring holds: more bytes than the limit.
const RECORDS: u64 = 200;
const PAYLOAD: usize = 1_000;
/// 512-byte blocks of the largest file, as `ulimit -f` counts in `dash` (`bash`: 1,024 bytes).
const BLOCKS: &str = "128";

fn files(folder: &Path) -> SegmentWriter {
    let config = SegmentConfig { fsync: Fsync::Never, ..SegmentConfig::default() };
    SegmentWriter::open(folder.join("journal"), config).expect("a folder")
}

/// What the child does: drains what the dead engine left, as far as the disk allows.
fn drain_into_a_full_disk(folder: &Path) {
    let mut ring = journal::recover(folder.join("box")).expect("recovers").expect("a ring");
    let mut files = files(folder);
    for _ in 0..3 {
        let refused =
            journal::drain(&mut ring, &mut files, Nanos(0)).expect_err("the disk is full");
        let said = refused.to_string();
        assert!(said.contains(".journal: cannot write") && said.contains("space left"), "{said}");
    }
    assert_eq!(files.written(), None);
    let refused = Engine::create(folder.join("large"), &common::spec()).err().expect("too large");
    assert!(refused.to_string().contains(".new: cannot write"), "{refused}");
    let left = std::fs::read_dir(folder).expect("list").flatten().map(|entry| entry.file_name());
    let left: Vec<_> = left.filter(|name| name.to_string_lossy().starts_with("large")).collect();
    assert_eq!(left, ["large.lock"]);
    std::process::exit(0); // as killed: nothing is flushed on the way out
}

#[test]
fn full_disk_is_an_error_and_what_is_in_the_ring_stays_there() {
    if let Some(folder) = env::var_os(FOLDER) {
        return drain_into_a_full_disk(&PathBuf::from(folder));
    }
    let folder = tempfile::tempdir().expect("a folder");
    let mut engine = engine(&folder.path().join("box"));
    let mut producer = engine.journal().expect("journal");
    for number in 1..=RECORDS {
        let payload = [number as u8; PAYLOAD];
        assert_eq!(producer.push(1, Nanos(number), &[&payload]), Some(number));
    }
    drop(engine);
    // The signal would end the child: ignored, the write fails as on a full disk.
    let script = format!("trap '' XFSZ; ulimit -f {BLOCKS}; exec \"$0\" \"$@\"");
    let child = Command::new("sh")
        .args(["-c", &script])
        .arg(env::current_exe().expect("this test"))
        .args([
            "--exact",
            "full_disk_is_an_error_and_what_is_in_the_ring_stays_there",
            "--nocapture",
        ])
        .env(FOLDER, folder.path())
        .output()
        .expect("a shell");
    let said = String::from_utf8_lossy(&child.stdout) + String::from_utf8_lossy(&child.stderr);
    assert!(child.status.success(), "{said}");

    // Now there is room: whatever half of it the child wrote, every record is there once.
    let mut ring = journal::recover(folder.path().join("box")).expect("recovers").expect("a ring");
    let mut files = files(folder.path());
    let before = files.last().unwrap_or(0);
    let new = journal::drain(&mut ring, &mut files, Nanos(0)).expect("room");
    assert_eq!(before + new, RECORDS);
    let mut reader = Reader::open(folder.path().join("journal")).expect("opens");
    for number in 1..=RECORDS {
        let record = reader.next().expect("whole").expect("there");
        assert_eq!((record.number, record.payload), (number, &[number as u8; PAYLOAD][..]));
    }
    assert!(reader.next().expect("whole").is_none());
}
