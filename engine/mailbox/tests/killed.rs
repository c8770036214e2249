//! Processes that are killed with -9 at random instants: no committed record is lost, no view is ever
//! seen torn, a kill holds, and the other side goes on.
//!
//! The children are this test itself, started again with a role in the environment.

mod common;

use std::env;
use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use nofx_mailbox::journal::{self, Fsync, Reader, SegmentConfig, SegmentWriter};
use nofx_mailbox::param::{self, table};
use nofx_mailbox::view::{BookView, LevelView, OrderView};
use nofx_mailbox::{Engine, PageReader, ParamRow, Spec, Steering, Taken, Watcher};
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
    let (mut pushed, mut in_ring, mut kills) = (0, 0, 0);
    let began = Instant::now();
    // Until a kill left something in the ring: without it the test proves nothing.
    while kills < 20 || in_ring == 0 {
        assert!(began.elapsed() < PATIENCE, "{kills} kills, and the ring was empty");
        let engine = child(test, "journal", folder.path());
        thread::sleep(Duration::from_micros(rng.below(60_000)));
        kill(engine);
        let seen = Watcher::attach(folder.path().join("box")).expect("the file is whole");
        assert!(!seen.has_process() && seen.journal().last >= pushed);
        pushed = seen.journal().last;
        in_ring += seen.journal().waiting;
        kills += 1;
    }
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
    println!("{number} records over {kills} kills");
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

/// Words of a page of parameters that a version has: both ways round, so that a mix shows.
fn page(version: u64) -> [ParamRow; 32] {
    std::array::from_fn(|at| ParamRow {
        table: table::ACCOUNT,
        key: at as u16,
        scope: version as u32,
        value: (version.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ at as u64) as i64,
    })
}

/// A controller that publishes and rolls back, flat out. It goes on where the one before was killed.
fn run_control(folder: &Path) -> ! {
    let path = folder.join("box");
    let mut control = Steering::open(&path).expect("the dead one's lock is free");
    let watcher = Watcher::attach(&path).expect("attached");
    let mut version = watcher.current_params().map_or(0, |(head, _)| head.publication);
    println!("ready");
    loop {
        let kept = version;
        version += 1;
        control.publish_params(version, 0, Nanos(version), &page(version)).expect("room");
        if version.is_multiple_of(3) {
            _ = control.roll_back_params(kept, 0); // not kept at the very first
        }
    }
}

/// What the engine's end of the pages saw.
#[derive(Debug, Default)]
struct Looks {
    looks: u64,
    pages: u64,
    lapped: u64,
}

/// Looks `looks` times; every page must be whole, of the version it says, and newer than the last.
fn look(params: &mut PageReader, looks: u64, last: &mut u64, seen: &mut Looks) {
    for _ in 0..looks {
        match params.take() {
            Taken::Nothing => {}
            Taken::Lapped => seen.lapped += 1,
            Taken::Page(head, words) => {
                let whole = param::rows(words) == page(head.version) && head.at.0 == head.version;
                assert!(whole, "torn: {head:?}");
                assert!(head.publication > *last, "back from {last}: {head:?}");
                *last = head.publication;
                seen.pages += 1;
            }
            Taken::Refused(head, why) => panic!("{head:?}: {why}"),
        }
    }
    seen.looks += looks;
}

#[test]
fn no_page_is_torn_when_controllers_are_killed_and_stopped_under_the_engine() {
    if let Some(folder) = role("control") {
        run_control(&folder);
    }
    let folder = tempfile::tempdir().expect("a folder");
    let test = "no_page_is_torn_when_controllers_are_killed_and_stopped_under_the_engine";
    let path = folder.path().join("box");
    let mut engine = common::engine(&path);
    let mut params = engine.params().expect("not taken yet");
    let watcher = Watcher::attach(&path).expect("attached");
    let (mut last, mut seen, mut rng) = (0, Looks::default(), Rng::new(7));
    for round in 0..40 {
        let control = child(test, "control", folder.path());
        let (began, time) = (Instant::now(), Duration::from_micros(rng.below(60_000)));
        let enough = seen.pages + 1 + rng.below(100); // however little the controller may run
        while began.elapsed() < time || seen.pages < enough {
            look(&mut params, 1_000, &mut last, &mut seen);
            assert!(began.elapsed() < PATIENCE, "too little is published: {seen:?}");
        }
        if round % 4 == 0 {
            // Stopped at a random instant, lock in hand: the engine still has the last publication,
            // at every look, and nobody else gets the lock.
            stop(&control);
            look(&mut params, 1_000, &mut last, &mut seen);
            let before = last;
            look(&mut params, 100_000, &mut last, &mut seen);
            assert_eq!(last, before, "a stopped controller published");
            assert!(common::refused(Steering::open(&path)).contains("in use"));
        }
        kill(control);
        look(&mut params, 1_000, &mut last, &mut seen);
        let (head, rows) = watcher.current_params().expect("the last publication stays readable");
        assert_eq!((head.publication, rows.as_slice()), (last, &page(head.version)[..]));
        assert!(watcher.params_kept().iter().all(|kept| kept.publication < last));
    }
    println!("{seen:?}");
}

/// Stops a child of ours, and waits until it is.
fn stop(child: &Running) {
    let pid = child.0.id().to_string();
    let sent = Command::new("kill").args(["-s", "STOP", &pid]).status().expect("kill(1)");
    assert!(sent.success());
    let state = || fs::read_to_string(format!("/proc/{pid}/stat")).expect("it lives");
    while !state().contains(") T ") {
        thread::yield_now();
    }
}

/// An engine that does nothing but look at its pages until it is killed.
fn run_looker(folder: &Path) -> ! {
    let mut engine = Engine::create(folder.join("box"), &common::spec()).expect("takes over");
    let mut params = engine.params().expect("not taken yet");
    let (mut last, mut seen) = (0, Looks::default());
    println!("ready");
    loop {
        look(&mut params, 1_000, &mut last, &mut seen);
    }
}

#[test]
fn control_goes_on_when_engines_are_killed_and_each_next_one_has_the_page() {
    if let Some(folder) = role("looker") {
        run_looker(&folder);
    }
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("box");
    let test = "control_goes_on_when_engines_are_killed_and_each_next_one_has_the_page";
    let (mut version, mut rng) = (0, Rng::new(11));
    for _ in 0..10 {
        let engine = child(test, "looker", folder.path());
        let mut control = Steering::open(&path).expect("the lock is free");
        for _ in 0..1 + rng.below(5_000) {
            version += 1;
            let publication = control.publish_params(version, 0, Nanos(version), &page(version));
            assert_eq!(publication.expect("room"), version, "numbers go on over engines");
        }
        kill(engine);
        assert!(control.is_current());
        let watcher = Watcher::attach(&path).expect("attached");
        let (head, rows) = watcher.current_params().expect("a page");
        assert_eq!((head.version, rows.as_slice()), (version, &page(version)[..]));
    }
    let mut last = 0;
    look(&mut common::engine(&path).params().expect("there"), 10, &mut last, &mut Looks::default());
    assert_eq!(last, version);
}

/// Copies of a page, each with its checksum, as many as [`SECONDS`] allow; `NOFX_PAGE_READS` asks for
/// a number instead, as `scripts/soak-mailbox` does. The controller is killed and another takes over
/// all the while.
#[test]
fn many_reads_of_a_page_that_changes_all_the_time_and_none_is_torn() {
    if let Some(folder) = role("often") {
        run_control(&folder);
    }
    let folder = tempfile::tempdir().expect("a folder");
    let test = "many_reads_of_a_page_that_changes_all_the_time_and_none_is_torn";
    let path = folder.path().join("box");
    let mut engine = common::engine(&path);
    let mut params = engine.params().expect("not taken yet");
    let watcher = Watcher::attach(&path).expect("attached");
    let wanted = env::var("NOFX_PAGE_READS").ok().map(|reads| reads.parse().expect("a number"));
    let (mut reads, mut kills) = (0u64, 0);
    let (mut last, mut seen) = (0, Looks::default());
    let (began, mut rng) = (Instant::now(), Rng::new(13));
    let more = |reads, pages, kills| {
        let time = wanted.map_or(began.elapsed() < SECONDS, |wanted| reads < wanted);
        time || reads < 1_000_000 || pages < 1_000 || kills < 2
    };
    // 10 us a read asked for: some twenty times what one takes.
    let patience = PATIENCE + Duration::from_micros(10 * wanted.unwrap_or(0));
    while more(reads, seen.pages, kills) {
        assert!(began.elapsed() < patience, "{reads} reads, {seen:?}");
        let control = child(test, "often", folder.path());
        for _ in 0..100_000 + rng.below(1_000_000) {
            look(&mut params, 1, &mut last, &mut seen);
            let Some((head, rows)) = watcher.current_params() else { continue };
            assert!(rows == page(head.version) && head.at.0 == head.version, "torn: {head:?}");
            reads += 1;
        }
        kill(control);
        kills += 1;
    }
    println!("MEASURED {reads} reads, {seen:?}, {kills} kills in {:?}", began.elapsed());
}

/// How long one run of the tests reads, at least.
const SECONDS: Duration = Duration::from_secs(3);
/// By when a child has done its part, however busy the machine is.
const PATIENCE: Duration = Duration::from_secs(120);
