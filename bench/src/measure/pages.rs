//! A page of 64 numbers that one thread changes and another reads: what a turn of the tile pays.
//!
//! Each read ends with the sum of the 64 numbers of the latest page, and proves that all belong to one
//! publication. Two threads on two cores, the writer at 1 kHz or flat out; a stamp of the clock
//! stands between batches of 16 reads, since it can cost more than a read: quantiles are those of the
//! batches, by 16. Ours is the mailbox as the engine and control use it: the mapped file,
//! the checksum of each new page, a private copy that is summed while nothing is new. A writer of ours
//! asks the system after each publication whether its file is still the current one, so flat out it
//! publishes less often than the others; how often stands in the row.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering, fence};
use std::time::Duration;

use arc_swap::ArcSwap;
use left_right::{Absorb, ReadHandle};
use nofx_mailbox::{Engine, Spec, Steering, Taken};
use nofx_rt::clock::{CycleClock, cycles};
use nofx_rt::hist::Histogram;
use nofx_rt::tile::{self, Placement, Tile};
use nofx_types::Nanos;

use super::{Measured, Setup};
use crate::harness::Figure;
use crate::row::Row;

/// One line.
pub const ABOUT: &str =
    "a page of 64 numbers under a writer: mailbox, arc-swap, left-right, one seqlock";

const WORDS: usize = 64;
/// Reads between two stamps.
const BATCH: u64 = 16;
const BATCHES: u64 = 200_000;
/// A lap ends early after so long.
const LAP: Duration = Duration::from_millis(400);

/// Of publication `n`: all 64 follow from it.
fn page(n: u64) -> [u64; WORDS] {
    std::array::from_fn(|at| n + at as u64)
}

/// One more than the publication that all words belong to; 0 when they do not belong together.
#[inline]
fn sum(words: &[u64]) -> u64 {
    let first = words.first().copied().unwrap_or(0);
    let total = words.iter().fold(0, |sum: u64, word| sum.wrapping_add(*word));
    let of_one = WORDS as u64 * first + (WORDS * (WORDS - 1) / 2) as u64;
    if total == of_one { first + 1 } else { 0 }
}

/// How fast the writer goes.
#[derive(Clone, Copy)]
enum Pace {
    Thousand,
    FlatOut,
}

/// A contender: a writer for the other core, and a reader.
type Pair = (Box<dyn FnMut(u64) + Send>, Box<dyn FnMut() -> u64>);

/// Mapped file, as engine and control use it; the folder lives as long as the reader.
fn mailbox() -> Pair {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("mailbox");
    let spec = Spec { model_words: WORDS as u32, ..Spec::default() };
    let mut engine = Engine::create(&path, &spec).expect("a mailbox");
    let mut models = engine.models().expect("not taken yet");
    let mut control = Steering::open(&path).expect("the lock is free");
    let write = move |n| {
        control.publish_model(n, 0, Nanos(n), 0, &page(n)).expect("room");
    };
    let mut copy = page(0);
    let read = move || {
        let _alive = (&folder, &engine);
        match models.take() {
            Taken::Nothing | Taken::Lapped => {}
            Taken::Page(_, words) => copy.copy_from_slice(words),
            Taken::Refused(..) => return 0,
        }
        sum(&copy)
    };
    (Box::new(write), Box::new(read))
}

fn arc_swap() -> Pair {
    let shared = Arc::new(ArcSwap::from_pointee(page(0)));
    let writer = Arc::clone(&shared);
    let write = move |n| writer.store(Arc::new(page(n)));
    (Box::new(write), Box::new(move || sum(&**shared.load())))
}

/// The operation of left-right: a whole page.
struct Whole([u64; WORDS]);

/// What both of its copies are.
#[derive(Clone)]
struct Copies([u64; WORDS]);

impl Absorb<Whole> for Copies {
    fn absorb_first(&mut self, operation: &mut Whole, _: &Copies) {
        self.0 = operation.0;
    }

    fn sync_with(&mut self, first: &Copies) {
        self.0 = first.0;
    }
}

fn left_right() -> Pair {
    let (mut writer, reader): (_, ReadHandle<Copies>) =
        left_right::new_from_empty::<Copies, Whole>(Copies(page(0)));
    let write = move |n| {
        writer.append(Whole(page(n)));
        writer.publish();
    };
    let read = move || reader.enter().map_or(1, |copies| sum(&copies.0)); // gone with its writer
    (Box::new(write), Box::new(read))
}

/// One sequence word, odd while the words change: a reader waits for the writer's second half.
fn seqlock() -> Pair {
    struct Shared {
        sequence: AtomicU64,
        words: [AtomicU64; WORDS],
    }
    let words = page(0).map(AtomicU64::new);
    let shared = Arc::new(Shared { sequence: AtomicU64::new(0), words });
    let writer = Arc::clone(&shared);
    let write = move |n| {
        let sequence = writer.sequence.load(Ordering::Relaxed);
        writer.sequence.store(sequence + 1, Ordering::Relaxed);
        fence(Ordering::Release);
        for (word, value) in writer.words.iter().zip(page(n)) {
            word.store(value, Ordering::Relaxed);
        }
        writer.sequence.store(sequence + 2, Ordering::Release);
    };
    let read = move || loop {
        let before = shared.sequence.load(Ordering::Acquire);
        let copy: [u64; WORDS] = std::array::from_fn(|at| shared.words[at].load(Ordering::Relaxed));
        fence(Ordering::Acquire);
        if before.is_multiple_of(2) && shared.sequence.load(Ordering::Relaxed) == before {
            break sum(&copy);
        }
    };
    (Box::new(write), Box::new(read))
}

/// A contender's name and how it is made.
type Contender = (&'static str, fn() -> Pair);

const CONTENDERS: [Contender; 4] = [
    ("mailbox", mailbox),
    ("arc-swap", arc_swap),
    ("left-right", left_right),
    ("seqlock", seqlock),
];

/// What one lap showed: p50, p99 and worst batch in ns a read, and publications per second.
struct Lap {
    reads: [f64; 3],
    rate: f64,
}

fn lap(make: fn() -> Pair, pace: Pace, clock: CycleClock, other: usize) -> Result<Lap, String> {
    let (write, mut read) = make();
    let stop = Arc::new(AtomicBool::new(false));
    let writing = writer(write, pace, other, Arc::clone(&stop));
    let mut times = Histogram::new();
    let (began, mut last, mut torn, mut back) = (cycles(), 0, 0u64, 0u64);
    let late = began + clock.cycles_of(LAP.as_nanos() as u64);
    let mut start = began;
    while times.count() < BATCHES && start < late {
        for _ in 0..BATCH {
            let seen = read();
            torn += u64::from(seen == 0);
            back += u64::from(seen < last);
            last = seen;
        }
        let end = cycles();
        times.record(end - start);
        start = end;
    }
    stop.store(true, Ordering::Relaxed);
    let published = writing.join().ok_or("the writer's thread ended")?;
    if torn + back > 0 {
        return Err(format!("{torn} reads were torn, {back} went back"));
    }
    let ns = |cycles: u64| cycles as f64 * clock.ns_per_cycle();
    let seconds = ns(start - began) / 1e9;
    let reads = [times.quantile(0.5), times.quantile(0.99), times.max()];
    let reads = reads.map(|batch| ns(batch) / BATCH as f64);
    Ok(Lap { reads, rate: published as f64 / seconds })
}

fn writer(
    mut write: Box<dyn FnMut(u64) + Send>,
    pace: Pace,
    other: usize,
    stop: Arc<AtomicBool>,
) -> Tile<u64> {
    let placement = Placement { name: "control".into(), core: Some(other), fifo: false };
    let body = move || {
        let mut n = 0;
        while !stop.load(Ordering::Relaxed) {
            n += 1;
            write(n);
            if let Pace::Thousand = pace {
                std::thread::sleep(Duration::from_millis(1));
            }
        }
        n
    };
    tile::spawn(placement, body).expect("a second core")
}

/// Measures.
///
/// # Errors
/// A read was torn or went back.
pub fn run(setup: &Setup) -> Measured {
    let clock = CycleClock::calibrate(Duration::from_millis(20));
    let other = usize::from(setup.core == 0);
    let mut rows = Vec::new();
    for (pace, says) in [(Pace::Thousand, "writer at 1 kHz"), (Pace::FlatOut, "writer flat out")] {
        let mut laps: [Vec<Lap>; CONTENDERS.len()] = Default::default();
        for round in 0..=setup.rounds {
            for ((name, make), laps) in CONTENDERS.iter().zip(&mut laps) {
                let lap = lap(*make, pace, clock, other).map_err(|e| format!("{name}: {e}"))?;
                if round > 0 {
                    laps.push(lap);
                }
            }
        }
        rows.extend(table(says, &laps));
    }
    Ok(rows)
}

fn table(says: &str, laps: &[Vec<Lap>; CONTENDERS.len()]) -> Vec<Row> {
    let [ours, others @ ..] = laps;
    let of = |laps: &[Lap], at: usize| laps.iter().map(|lap| lap.reads[at]).collect::<Vec<_>>();
    let rate = |laps: &[Lap]| {
        Figure::of(&laps.iter().map(|lap| lap.rate).collect::<Vec<_>>()).median.round()
    };
    let mut rows = Vec::new();
    for (at, quantile) in ["p50", "p99", "max"].into_iter().enumerate() {
        for (theirs, (name, _)) in others.iter().zip(&CONTENDERS[1..]) {
            let (value, base) = (Figure::of(&of(ours, at)), Figure::of(&of(theirs, at)));
            let ratios: Vec<f64> = of(ours, at)
                .iter()
                .zip(of(theirs, at))
                .map(|(ours, theirs)| ours / theirs)
                .collect();
            rows.push(Row {
                measurement: "pages".into(),
                what: format!(
                    "{says}: {quantile} of a read ({} publications/s against {})",
                    rate(ours),
                    rate(theirs)
                ),
                unit: "ns".into(),
                value: [value.min, value.median],
                baseline: Some(((*name).to_owned(), [base.min, base.median])),
                ratio: Some([value.min / base.min, Figure::of(&ratios).median]),
                target: None,
            });
        }
    }
    rows
}
