//! Ids in blocks: none is handed out twice, whatever dies when.

use std::env;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use nofx_mailbox::IdFile;
use nofx_rt::rng::Rng;

const FILE: &str = "NOFX_TEST_IDS";

fn open(path: &Path) -> IdFile {
    IdFile::open(path).expect("opens")
}

#[test]
fn blocks_follow_each_other_over_restarts_and_a_floor_lifts_them() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("ids");
    let mut ids = open(&path);
    assert_eq!(
        (ids.reserve(100).expect("room"), ids.reserve(1).expect("room")),
        (1..101, 101..102)
    );
    assert!(IdFile::open(&path).is_err(), "one process at a time");
    drop(ids);
    let mut ids = open(&path);
    assert_eq!(ids.reserve(10).expect("room"), 102..112);
    assert_eq!(ids.reserve_from(1_000, 10).expect("room"), 1_000..1_010);
    assert_eq!(ids.reserve_from(5, 10).expect("room"), 1_010..1_020);
    assert!(ids.reserve(u64::MAX).is_err());
    assert_eq!(ids.next(), 1_020);
}

#[test]
fn a_damaged_file_is_an_error_and_not_a_fresh_start() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("ids");
    open(&path).reserve(1_000).expect("room");
    let good = fs::read(&path).expect("bytes");
    for cut in 0..good.len() {
        fs::write(&path, &good[..cut]).expect("write");
        assert!(IdFile::open(&path).is_err(), "cut at {cut}");
    }
    for at in 0..good.len() {
        let mut spoiled = good.clone();
        spoiled[at] ^= 1 << (at % 8);
        fs::write(&path, spoiled).expect("write");
        let said = IdFile::open(&path).err().expect("refused").to_string();
        assert!(said.contains("reserved ids"), "{said}");
    }
    fs::write(&path, good).expect("write");
    assert_eq!(open(&path).next(), 1_001);
}

#[test]
fn a_full_disk_reserves_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("ids");
    let mut ids = open(&path);
    ids.reserve(5).expect("room");
    fs::create_dir(path.with_added_extension("new")).expect("in the way");
    assert!(ids.reserve(5).is_err());
    fs::remove_dir(path.with_added_extension("new")).expect("gone");
    assert_eq!(ids.reserve(5).expect("room"), 6..11);
}

/// What the child does until it is killed: reserves, and says what it got.
fn reserve_and_say(path: &Path) -> ! {
    let mut ids = open(path);
    let mut out = std::io::stdout();
    loop {
        let block = ids.reserve(3).expect("room");
        _ = writeln!(out, "block {}", block.start).and_then(|()| out.flush());
    }
}

#[test]
fn no_block_is_handed_out_twice_when_processes_are_killed() {
    if let Some(path) = env::var_os(FILE) {
        reserve_and_say(&PathBuf::from(path));
    }
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("ids");
    let mut rng = Rng::new(11);
    let mut highest = 0;
    for _ in 0..12 {
        let mut child = Command::new(env::current_exe().expect("this test"))
            .args([
                "--exact",
                "no_block_is_handed_out_twice_when_processes_are_killed",
                "--nocapture",
            ])
            .env(FILE, &path)
            .stdout(Stdio::piped())
            .spawn()
            .expect("a child");
        let wanted = 1 + rng.below(40);
        let mut lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
        for _ in 0..wanted {
            let line =
                lines.by_ref().map(|line| line.expect("text")).find(|l| l.contains("block "));
            let line = line.expect("the child goes on until it is killed");
            let block: u64 =
                line.rsplit(' ').next().and_then(|n| n.parse().ok()).expect("a number");
            assert!(block >= highest + 3 || highest == 0, "{block} after {highest}");
            highest = block;
        }
        child.kill().expect("kill -9");
        for line in lines.map_while(Result::ok).filter(|line| line.starts_with("block ")) {
            highest = highest.max(line[6..].parse().unwrap_or(0)); // said before it died
        }
        child.wait().expect("dead");
        assert!(open(&path).next() >= highest + 3, "handed out before it was on the disk");
    }
}
