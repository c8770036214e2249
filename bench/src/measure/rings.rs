//! Rings between two cores: round trips against the bare line transfer, and one way back to back.
//!
//! A round trip goes over two rings of the same make, one each way, between two pinned threads that
//! spin without a pause. Each trip is one clock read long, about 10 ns of which is the read itself;
//! a lap is the p50 of its trips, so that a preemption does not count. The bare ping-pong is one
//! cache line with one word that the two threads answer each other in: no queue can do better.
//! One way, a lap is the p50 of chunks of 4,096 items at the consumer.

use nofx_rt::clock::{CycleClock, cycles};
use nofx_rt::hist::Histogram;
use nofx_rt::ring::{Pop, Push, bulk, hop};
use nofx_rt::sched;
use nofx_rt::tile::{self, Placement, Tile};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use super::{Measured, Setup};
use crate::harness::{Contest, Lap};
use crate::row::{Row, Target};

/// One line.
pub const ABOUT: &str = "rings between two cores: hop and rtrb against a bare line ping-pong";

const DEPTH: usize = 1_024;
const TRIPS: u64 = 100_000;
const CHUNK: u64 = 4_096;
const CHUNKS: u64 = 256;
/// A lap ends early after so long: where the two threads seldom run at the same moment, the trips of
/// those moments have to do.
const LAP: Duration = Duration::from_millis(400);
/// The number that ends the other thread.
const LAST: u64 = u64::MAX;
/// Rounds that the targets ask for at least.
const ROUNDS: usize = 7;

/// What travels: its number, and what else fills it up.
trait Message: Copy + Send + 'static {
    fn of(number: u64) -> Self;
    fn number(self) -> u64;
}

impl Message for u64 {
    fn of(number: u64) -> u64 {
        number
    }

    fn number(self) -> u64 {
        self
    }
}

impl Message for [u64; 8] {
    fn of(number: u64) -> [u64; 8] {
        [number; 8]
    }

    fn number(self) -> u64 {
        self[0] ^ self[3] ^ self[7]
    }
}

/// The clock, and the core of the other thread.
#[derive(Clone, Copy)]
struct Bench {
    clock: CycleClock,
    other: usize,
}

impl Bench {
    fn other_core<T: Send + 'static>(self, body: impl FnOnce() -> T + Send + 'static) -> Tile<T> {
        let placement = Placement { name: "other".into(), core: Some(self.other), fifo: false };
        tile::spawn(placement, body).expect("the core was tried before")
    }

    /// The p50 of `times` in cycles, each of so many operations, as a lap.
    fn lap(self, times: &Histogram, each: u64, wrong: u64) -> Lap {
        let ns = times.quantile(0.5) as f64 * self.clock.ns_per_cycle();
        Lap::typical(ns / each as f64, times.count() * each, wrong)
    }

    /// Times `trip` again and again, which is given its number and returns the one that came back.
    fn trips(self, most: u64, mut trip: impl FnMut(u64) -> u64) -> (Histogram, u64) {
        let (mut times, mut wrong) = (Histogram::new(), 0);
        let mut start = cycles();
        let late = start + self.clock.cycles_of(LAP.as_nanos() as u64);
        for number in 0..most {
            wrong += u64::from(trip(number) != number);
            let end = cycles();
            times.record(end - start);
            start = end;
            if end > late {
                break;
            }
        }
        (times, wrong)
    }

    /// Two threads, one line, one word: odd is a ping, even a pong.
    fn bare(self) -> Lap {
        #[repr(align(128))]
        struct Line(AtomicU64);
        let line = Arc::new(Line(AtomicU64::new(0)));
        let pong = Arc::clone(&line);
        let other = self.other_core(move || {
            loop {
                let seen = pong.0.load(Ordering::Acquire);
                if seen == LAST {
                    break;
                }
                if !seen.is_multiple_of(2) {
                    pong.0.store(seen + 1, Ordering::Release);
                }
            }
        });
        let (times, wrong) = self.trips(TRIPS, |number| {
            line.0.store(2 * number + 1, Ordering::Release);
            loop {
                let seen = line.0.load(Ordering::Acquire);
                if seen.is_multiple_of(2) {
                    break seen / 2 - 1;
                }
            }
        });
        line.0.store(LAST, Ordering::Release);
        other.join().expect("the other thread answers all pings");
        self.lap(&times, 1, wrong)
    }

    fn round_trip<T, P, C>(self, ring: fn(usize) -> (P, C)) -> Lap
    where
        T: Message,
        P: Push<T> + Send + 'static,
        C: Pop<T> + Send + 'static,
    {
        let ((mut ping, mut pinged), (mut pong, mut ponged)) = (ring(DEPTH), ring(DEPTH));
        let other = self.other_core(move || {
            loop {
                let item = pop(&mut pinged);
                if item.number() == LAST {
                    break;
                }
                push(&mut pong, item);
            }
        });
        let (times, wrong) = self.trips(TRIPS, |number| {
            push(&mut ping, T::of(number));
            pop(&mut ponged).number()
        });
        push(&mut ping, T::of(LAST));
        other.join().expect("the other thread answers all pings");
        self.lap(&times, 1, wrong)
    }

    fn one_way<T, P, C>(self, ring: fn(usize) -> (P, C)) -> Lap
    where
        T: Message,
        P: Push<T> + Send + 'static,
        C: Pop<T> + Send + 'static,
    {
        let (mut producer, mut consumer) = ring(DEPTH);
        let enough = Arc::new(AtomicBool::new(false));
        let stop = Arc::clone(&enough);
        let other = self.other_core(move || {
            for number in 0.. {
                let mut item = T::of(number);
                while let Err(full) = producer.try_push(item) {
                    if stop.load(Ordering::Relaxed) {
                        return;
                    }
                    item = full.0;
                }
            }
        });
        let (times, wrong) = self.trips(CHUNKS, |chunk| {
            let expected = chunk * CHUNK..(chunk + 1) * CHUNK;
            let right = expected.filter(|number| pop(&mut consumer).number() == *number).count();
            if right as u64 == CHUNK { chunk } else { LAST }
        });
        enough.store(true, Ordering::Relaxed);
        other.join().expect("the other thread sends until the ring stays full");
        self.lap(&times, CHUNK, wrong)
    }
}

#[inline(always)]
fn push<T: Message>(producer: &mut impl Push<T>, item: T) {
    while producer.try_push(item).is_err() {}
}

#[inline(always)]
fn pop<T: Message>(consumer: &mut impl Pop<T>) -> T {
    loop {
        if let Some(item) = consumer.try_pop() {
            return item;
        }
    }
}

/// One step of the clock in ns: the smallest difference that two reads show.
fn clock_step(clock: CycleClock) -> f64 {
    let reads: Vec<u64> = (0..10_000).map(|_| cycles()).collect();
    let steps = reads.windows(2).filter_map(|pair| pair[1].checked_sub(pair[0]));
    steps.filter(|step| *step > 0).min().unwrap_or(1) as f64 * clock.ns_per_cycle()
}

/// A core for the other thread, where it may run.
fn other_core(core: usize) -> Result<usize, Box<dyn std::error::Error>> {
    let other = usize::from(core == 0);
    std::thread::spawn(move || sched::pin_to_core(other))
        .join()
        .map_err(|_| "the thread that tries core {other} ended")?
        .map_err(|error| format!("rings need a second core, and core {other}: {error}"))?;
    Ok(other)
}

/// Measures.
///
/// # Errors
/// There is no second core, or items were lost.
pub fn run(setup: &Setup) -> Measured {
    let clock = CycleClock::calibrate(Duration::from_millis(20));
    let bench = Bench { clock, other: other_core(setup.core)? };
    let rounds = setup.rounds.max(ROUNDS);
    let (bare, ours, rtrb) = ("bare line ping-pong", "hop", "rtrb");

    let small = Contest::new()
        .enter(bare, || bench.bare())
        .enter(ours, || bench.round_trip::<u64, _, _>(hop))
        .enter(rtrb, || bench.round_trip::<u64, _, _>(bulk))
        .run(rounds)?;
    let large = Contest::new()
        .enter(ours, || bench.round_trip::<[u64; 8], _, _>(hop))
        .enter(rtrb, || bench.round_trip::<[u64; 8], _, _>(bulk))
        .run(rounds)?;
    let small_flow = Contest::new()
        .enter(ours, || bench.one_way::<u64, _, _>(hop))
        .enter(rtrb, || bench.one_way::<u64, _, _>(bulk))
        .run(rounds)?;
    let large_flow = Contest::new()
        .enter(ours, || bench.one_way::<[u64; 8], _, _>(hop))
        .enter(rtrb, || bench.one_way::<[u64; 8], _, _>(bulk))
        .run(rounds)?;

    if [&small, &large, &small_flow, &large_flow].iter().any(|contest| contest.proof() != 0) {
        return Err("items arrived that were not the next ones".into());
    }
    let row = |what: &str, unit, results, names, target| Row {
        target,
        ..Row::versus("rings", what.into(), unit, results, names, None)
    };
    let step = clock_step(clock);
    let (trip, way) = ("round trip", "item");
    Ok(vec![
        row("hop, 8 bytes", trip, &small, [ours, bare], Some(Target::MedianRatio(1.2))),
        row("hop, 8 bytes", trip, &small, [ours, rtrb], Some(Target::MedianAbove(step))),
        row("hop, 64 bytes", trip, &large, [ours, rtrb], None),
        row("hop, 8 bytes, one way, back to back", way, &small_flow, [ours, rtrb], None),
        row("hop, 64 bytes, one way, back to back", way, &large_flow, [ours, rtrb], None),
    ])
}
