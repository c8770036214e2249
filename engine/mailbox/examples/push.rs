//! Nanoseconds of one journal push, of one view written and of one read: `cargo run --release -p
//! nofx-mailbox --example push`. Rounds are short enough to fit the ring, which is drained between them
//! outside the measured time; the median round is told.

use std::hint::black_box;
use std::time::Instant;

use nofx_mailbox::journal::{Consumer, Producer};
use nofx_mailbox::view::BookView;
use nofx_mailbox::{Engine, Spec, Watcher};
use nofx_types::{AccountId, InstrumentId, Nanos};

const ROUNDS: usize = 401;
const STEPS: u64 = 1_000;

/// Median nanoseconds of one step over all rounds.
fn measure(mut step: impl FnMut(u64), mut after_round: impl FnMut()) -> f64 {
    let mut rounds: Vec<f64> = (0..ROUNDS)
        .map(|_| {
            let start = Instant::now();
            (0..STEPS).for_each(&mut step);
            let took = start.elapsed().as_nanos() as f64 / STEPS as f64;
            after_round();
            took
        })
        .collect();
    rounds.sort_by(f64::total_cmp);
    rounds[ROUNDS / 2]
}

fn drain(ring: &mut Consumer) {
    while ring.next().is_some() {}
    ring.release();
}

fn push(producer: &mut Producer, ring: &mut Consumer, bytes: usize, pieces: usize) -> f64 {
    let payload = vec![7u8; bytes];
    let parts: Vec<&[u8]> = payload.chunks(bytes.div_ceil(pieces)).collect();
    let step = |n| _ = black_box(producer.push(1, Nanos(n), black_box(&parts)).expect("room"));
    measure(step, || drain(ring))
}

fn main() {
    let path = std::env::temp_dir().join(format!("nofx-push-{}", std::process::id()));
    let path = if std::path::Path::new("/dev/shm").is_dir() {
        std::path::Path::new("/dev/shm").join(path.file_name().expect("a name"))
    } else {
        path
    };
    let spec = Spec { book_rows: 1, instruments: 100, journal_bytes: 4 << 20, ..Spec::default() };
    let mut engine = Engine::create(&path, &spec).expect("a mailbox");
    let (mut producer, mut ring) = (engine.journal(), engine.journal_consumer());
    let (producer, ring) = (producer.as_mut().expect("one"), ring.as_mut().expect("one"));
    for (bytes, pieces) in [(1, 1), (32, 1), (128, 1), (128, 3), (1_400, 1), (1_401, 4)] {
        println!(
            "push of {bytes:>5} bytes in {pieces}: {:7.1} ns",
            push(producer, ring, bytes, pieces)
        );
    }
    let watcher = Watcher::attach(&path).expect("attached");
    let (mut views, view) = (engine.views(), BookView::default());
    println!(
        "book view written:   {:7.1} ns",
        measure(|n| views.book(Nanos(n), 0, black_box(&view)), || {})
    );
    println!("book view read:      {:7.1} ns", measure(|_| _ = black_box(watcher.book(0)), || {}));
    let kill = engine.kill_words();
    let engaged = |n| _ = black_box(kill.engaged(AccountId(0), InstrumentId(n as u32 % 100)));
    println!("kill words, an order:{:7.1} ns", measure(engaged, || {}));
    println!(
        "kill words, a turn:  {:7.1} ns",
        measure(|_| _ = black_box(kill.generation()), || {})
    );
    println!(
        "counter:             {:7.1} ns",
        measure(|_| black_box(&engine).beat(0, Nanos(1)), || {})
    );
    drop(engine);
    _ = std::fs::remove_file(&path);
    _ = std::fs::remove_file(path.with_added_extension("lock"));
}
