//! Processes that are killed with -9 at random instants: no committed record is lost, no view is ever
//! seen torn, a kill holds, and the other side goes on.
//!
//! The children are this test itself, started again with a role in the environment.

mod common;

use std::env;
use std::io::{BufRead, BufReader};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use nofx_mailbox::journal::{self, Fsync, Reader, SegmentConfig, SegmentWriter};
use nofx_mailbox::view::{BookView, LevelView, OrderView};
use nofx_mailbox::{Engine, Spec, Watcher};
use nofx_rt::rng::Rng;
use nofx_types::Nanos;

const ROLE: &str = "NOFX_TEST_ROLE";
const FOLDER: &str = "NOFX_TEST_FOLDER";

/// Starts this test as a child in a role, and waits for its first line.
fn child(test: &str, role: &str, folder: &Path) -> Running {
    let child = Command::new(env::current_exe().expect("this test"))
        .args(["--exact", test, "--nocapture"])
        .env(ROLE, role)
        .env(FOLDER, folder)
        .stdout(Stdio::piped())
        .spawn()
        .expect("a child");
    let mut running = Running(child);
    let lines = BufReader::new(running.0.stdout.take().expect("a pipe")).lines();
    let ready = lines.map_while(Result::ok).find(|line| line.contains("ready"));
    ready.unwrap_or_else(|| panic!("{role} did not start"));
    running
}

/// A child that does not outlive a test that fails.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        _ = self.0.kill().and_then(|()| self.0.wait());
    }
}

/// Kills it; a child that has died of something else has found an error.
fn kill(mut child: Running) {
    child.0.kill().expect("kill -9");
    let died = child.0.wait().expect("dead");
    assert_eq!(died.signal(), Some(9), "{died}");
}

fn role(test_role: &str) -> Option<PathBuf> {
    (env::var(ROLE).ok()? == test_role).then(|| PathBuf::from(env::var_os(FOLDER).expect("set")))
}

fn files(folder: &Path) -> SegmentWriter {
    let config =
        SegmentConfig { segment_bytes: 1 << 20, fsync: Fsync::Never, ..SegmentConfig::default() };
    SegmentWriter::open(folder.join("journal"), config).expect("a folder")
}

/// The payload that record `number` must have.
fn payload(number: u64) -> Vec<u8> {
    let length = (number.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 56) as usize; // 0 to 255
    (0..length).map(|at| (number as usize + at) as u8).collect()
}

/// An engine that starts as one should: recovers, goes on, and journals as fast as it can on one
/// thread while another drains.
fn run_engine(folder: &Path) -> ! {
    let path = folder.join("box");
    let mut files = files(folder);
    if let Some(mut ring) = journal::recover(&path).expect("recovers") {
        while journal::drain(&mut ring, &mut files, Nanos(0)).expect("room") > 0 {}
    }
    let first_number = files.last().map_or(1, |last| last + 1);
    let spec = Spec { first_number, journal_bytes: 1 << 18, ..common::spec() };
    let mut engine = Engine::create(&path, &spec).expect("takes over");
    let mut producer = engine.journal().expect("journal");
    let mut ring = engine.journal_consumer().expect("journal");
    println!("ready");
    thread::spawn(move || {
        loop {
            if let Err(e) = journal::drain(&mut ring, &mut files, Nanos(0)) {
                eprintln!("{e}");
                std::process::exit(3);
            }
            thread::yield_now();
        }
    });
    let mut number = first_number;
    loop {
        let payload = payload(number);
        let (front, back) = payload.split_at(payload.len() / 3);
        match producer.push(number as u8, Nanos(number), &[front, back]) {
            Some(pushed) => {
                assert_eq!(pushed, number);
                number += 1;
            }
            None => thread::yield_now(),
        }
    }
}

#[test]
fn no_committed_record_is_lost_or_there_twice_however_often_the_engine_is_killed() {
    if let Some(folder) = role("journal") {
        run_engine(&folder);
    }
    let folder = tempfile::tempdir().expect("a folder");
    let test = "no_committed_record_is_lost_or_there_twice_however_often_the_engine_is_killed";
    let mut rng = Rng::new(5);
    let (mut pushed, mut in_ring) = (0, 0);
    for _ in 0..20 {
        let engine = child(test, "journal", folder.path());
        thread::sleep(Duration::from_micros(rng.below(60_000)));
        kill(engine);
        let seen = Watcher::attach(folder.path().join("box")).expect("the file is whole");
        assert!(!seen.has_process() && seen.journal().last >= pushed);
        pushed = seen.journal().last;
        in_ring += seen.journal().waiting;
    }
    assert!(in_ring > 0, "no kill left anything in the ring: the test proves nothing");
    let mut files = files(folder.path());
    let mut ring = journal::recover(folder.path().join("box")).expect("recovers").expect("a ring");
    while journal::drain(&mut ring, &mut files, Nanos(0)).expect("room") > 0 {}
    // The number is stored before the head, so a kill between the two may show one more than committed.
    let last = files.last().expect("records");
    assert!(last == pushed || last + 1 == pushed, "{last} in the files, {pushed} pushed");
    drop(files);
    let mut reader = Reader::open(folder.path().join("journal")).expect("opens");
    let mut number = 0;
    while let Some(record) = reader.next().expect("no hole, no damage") {
        number += 1;
        let want = (number, number as u8, Nanos(number), payload(number));
        assert_eq!((record.number, record.kind, record.at, record.payload.to_vec()), want);
    }
    assert_eq!((number, reader.cut()), (last, None));
    println!("{number} records over 20 kills");
}

/// A book in which every word follows from `n`: a sum over it shows a torn one.
fn book(n: u64) -> BookView {
    let level = |at: usize| LevelView { price: (n + at as u64) as i64, qty: n, orders: n };
    BookView {
        seq: n,
        exch_ns: n,
        capture_ns: !n,
        bids: std::array::from_fn(level),
        asks: std::array::from_fn(|at| level(at + 10)),
        ..BookView::default()
    }
}

fn orders(n: u64) -> impl Iterator<Item = OrderView> {
    (0..n % 10).map(move |at| OrderView {
        cl_ord_id: at as u32,
        qty: n,
        leaves: !n,
        ..OrderView::default()
    })
}

/// An engine that does nothing but publish, flat out.
fn run_views(folder: &Path) -> ! {
    let engine = Engine::create(folder.join("box"), &common::spec()).expect("takes over");
    let mut views = engine.views();
    for n in 1.. {
        views.book(Nanos(n), 0, &book(n));
        views.orders(Nanos(n), orders(n));
        if n == 1 {
            println!("ready");
        }
    }
    unreachable!()
}

/// Reads each of two pages `reads` times; returns how many reads saw something.
fn read_views(watcher: &Watcher, reads: u64) -> u64 {
    let mut good = 0;
    for _ in 0..reads {
        if let Some(seen) = watcher.book(0) {
            assert_eq!((seen.sequence, seen.value), (seen.at.0, book(seen.at.0)), "torn");
            good += 1;
        }
        if let Some(seen) = watcher.orders() {
            let n = seen.at.0;
            assert_eq!(seen.value.total, n % 10, "torn");
            assert!(seen.value.rows.iter().copied().eq(orders(n).take(8)), "torn");
            good += 1;
        }
    }
    good
}

#[test]
fn no_view_is_torn_when_writers_are_killed_under_their_readers() {
    if let Some(folder) = role("views") {
        run_views(&folder);
    }
    let folder = tempfile::tempdir().expect("a folder");
    let test = "no_view_is_torn_when_writers_are_killed_under_their_readers";
    let mut good = 0;
    for round in 0..10 {
        let engine = child(test, "views", folder.path());
        let watcher = Watcher::attach(folder.path().join("box")).expect("attached");
        good += read_views(&watcher, 150_000 + round * 1_000);
        kill(engine);
        assert!(!watcher.has_process() && !watcher.is_alive(Nanos(0)));
        // The dead engine's last publication stays readable, at every try.
        let last = watcher.book(0).map(|seen| seen.sequence);
        assert_eq!(read_views(&watcher, 1_000), 2_000);
        assert_eq!(watcher.book(0).map(|seen| seen.sequence), last);
    }
    println!("{good} good reads of 3,090,000, none torn");
    assert!(good >= 3_000_000, "{good}");
}

/// A reader that looks at everything until it is killed.
fn run_reader(folder: &Path) -> ! {
    let watcher = Watcher::attach(folder.join("box")).expect("attached");
    println!("ready");
    loop {
        read_views(&watcher, 100);
    }
}

#[test]
fn a_writer_goes_on_when_its_readers_are_killed() {
    if let Some(folder) = role("reader") {
        run_reader(&folder);
    }
    let folder = tempfile::tempdir().expect("a folder");
    let test = "a_writer_goes_on_when_its_readers_are_killed";
    let engine = common::engine(&folder.path().join("box"));
    let (mut views, mut n) = (engine.views(), 0);
    let mut publish = |times: u64| {
        for _ in 0..times {
            n += 1;
            views.book(Nanos(n), 0, &book(n));
            views.orders(Nanos(n), orders(n));
        }
        n
    };
    publish(1);
    let watcher = Watcher::attach(folder.path().join("box")).expect("attached");
    for _ in 0..5 {
        let reader = child(test, "reader", folder.path());
        publish(20_000);
        kill(reader);
        let n = publish(1);
        assert_eq!(watcher.book(0).map(|seen| seen.sequence), Some(n));
    }
}
