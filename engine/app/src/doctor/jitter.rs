//! `--jitter`: what a thread that only spins loses, and to whom.
//!
//! Model: a pinned thread reads the cycle counter without end; two readings far apart are a gap in
//! which it did not run (as oslat of rt-tests measures). Interrupts of its core, its context
//! switches, the steal time of its core, all before and after, say who had the core. The gaps of a
//! virtual machine that its host makes show in none of them but steal, and often not there either.
//! The other figures need a second core: how far its counter is off, and what a shared line costs.

use std::collections::BTreeMap;
use std::fs;
use std::hint::{black_box, spin_loop};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use nofx_rt::clock::{CycleClock, cycles};
use nofx_rt::hist::Histogram;
use nofx_rt::tile::{self, Placement};
use serde::Serialize;

use crate::failure::Failure;

/// Where the counts over a gap length begin, nanoseconds.
const STEPS: [u64; 6] = [1_000, 10_000, 100_000, 1_000_000, 10_000_000, 100_000_000];
const ROUNDS: usize = 20_000;
/// The two-core part ends after this long, whether or not the other side answers.
const EXCHANGE_WITHIN: Duration = Duration::from_millis(500);

/// What was measured.
#[derive(Clone, Debug, Serialize)]
pub struct Jitter {
    /// The core.
    pub core: usize,
    /// Whether it ran SCHED_FIFO.
    pub fifo: bool,
    /// How long, seconds.
    pub seconds: f64,
    /// Readings of the counter.
    pub readings: u64,
    /// Gaps between two readings, nanoseconds.
    pub gap_ns: Gaps,
    /// Gaps at least so long: (nanoseconds, how many).
    pub over: Vec<(u64, u64)>,
    /// Time in gaps of a microsecond and more, parts per million.
    pub lost_ppm: f64,
    /// Who had the core.
    pub who: Who,
    /// A system call that does nothing (`getppid`), nanoseconds.
    pub system_call_ns: f64,
    /// What needs a second core; `None` on one.
    pub pair: Option<Pair>,
}

/// Gaps, nanoseconds, at 1.6 % precision; the largest exact.
#[derive(Clone, Debug, Serialize)]
pub struct Gaps {
    /// Smallest: what a reading costs.
    pub min: u64,
    /// Median.
    pub p50: u64,
    /// One of a thousand is longer.
    pub p999: u64,
    /// One of a hundred thousand is longer.
    pub p99999: u64,
    /// Largest.
    pub max: u64,
}

/// What the kernel counted over the same stretch.
#[derive(Clone, Debug, Serialize)]
pub struct Who {
    /// Interrupts of the core, by name, the most first.
    pub interrupts: Vec<(String, u64)>,
    /// Times the thread lost its core against its will.
    pub preempted: u64,
    /// Times it gave it up.
    pub gave_up: u64,
    /// Time the host took from the core, milliseconds, in steps of 10; `None` where it is not known.
    pub stolen_ms: Option<u64>,
}

/// Two cores.
#[derive(Clone, Debug, Serialize)]
pub struct Pair {
    /// The other core.
    pub with: usize,
    /// Its counter minus ours, nanoseconds, from the fastest exchange each way.
    pub offset_ns: f64,
    /// The offset is known to within this, nanoseconds: half an exchange, and how far both ways differ.
    pub within_ns: f64,
    /// A line there and back, one counter reading included, nanoseconds: fastest and median.
    pub round_trip_ns: (u64, u64),
}

/// Measures on `core` for `length`, then with `other`.
///
/// # Errors
/// The core or the class cannot be had.
pub fn measure(
    core: usize,
    other: Option<usize>,
    fifo: bool,
    length: Duration,
) -> Result<Jitter, Failure> {
    let place = |name: &str, core, fifo| Placement { name: name.into(), core: Some(core), fifo };
    let spun = tile::spawn(place("jitter", core, fifo), move || spin(core, fifo, length));
    let died = || Failure::wrong("the measuring thread died");
    let mut jitter = spun.map_err(Failure::usage)?.join().ok_or_else(died)?;
    let Some(with) = other else { return Ok(jitter) };
    let (ours, theirs) = (exchange(core, with)?, exchange(with, core)?);
    jitter.pair = ours.zip(theirs).map(|(ours, theirs)| ours.joined(&theirs));
    Ok(jitter)
}

/// `core` asks, `with` answers; `None` when it did not in time.
fn exchange(core: usize, with: usize) -> Result<Option<Pair>, Failure> {
    // Not real-time: two that spin would keep both cores from everybody.
    let place = |name: &str, core| Placement { name: name.into(), core: Some(core), fifo: false };
    let line = Arc::new(Line::default());
    let far = Arc::clone(&line);
    let echo = tile::spawn(place("echo", with), move || far.answer()).map_err(Failure::usage)?;
    let near = Arc::clone(&line);
    let asking = tile::spawn(place("ask", core), move || near.ask(with));
    let pair = asking.map(|asking| asking.join().flatten());
    line.over.0.store(1, Ordering::Relaxed);
    echo.join();
    pair.map_err(Failure::usage)
}

impl Pair {
    /// With the exchange the other way round. The processor reads its counter somewhat before it has
    /// seen the question: an error of the same sign both ways, which falls out of the difference.
    fn joined(self, back: &Pair) -> Pair {
        let early = (self.offset_ns + back.offset_ns).abs() / 2.0;
        Pair {
            offset_ns: (self.offset_ns - back.offset_ns) / 2.0,
            within_ns: self.within_ns.max(back.within_ns) + early,
            ..self
        }
    }
}

fn spin(core: usize, fifo: bool, length: Duration) -> Jitter {
    let clock = CycleClock::calibrate(Duration::from_millis(20));
    let mut gaps = Histogram::new();
    let before = Counts::read(core);
    let first = cycles();
    let end = first + clock.cycles_of(length.as_nanos() as u64);
    let mut last = first;
    while last < end {
        let now = cycles();
        gaps.record(now.saturating_sub(last));
        last = now;
    }
    let who = Counts::read(core).since(&before);
    let ns = |cycles: u64| clock.ns(cycles);
    let at_least = |step: u64| {
        let long = gaps.iter().filter(|(gap, _)| clock.ns(*gap) >= step);
        (step, long.map(|(_, n)| n).sum())
    };
    let long = gaps.iter().filter(|(gap, _)| clock.ns(*gap) >= STEPS[0]);
    let lost: f64 = long.map(|(gap, n)| gap.min(gaps.max()) as f64 * n as f64).sum();
    Jitter {
        core,
        fifo,
        seconds: ns(last - first) as f64 / 1e9,
        readings: gaps.count(),
        gap_ns: Gaps {
            min: ns(gaps.min()),
            p50: ns(gaps.quantile(0.5)),
            p999: ns(gaps.quantile(0.999)),
            p99999: ns(gaps.quantile(0.99999)),
            max: ns(gaps.max()),
        },
        over: STEPS.into_iter().map(at_least).collect(),
        lost_ppm: lost / (last - first).max(1) as f64 * 1e6,
        who,
        system_call_ns: system_call(&clock),
        pair: None,
    }
}

/// Median of batches, so that an interruption does not show.
fn system_call(clock: &CycleClock) -> f64 {
    const BATCH: u64 = 2_000;
    let mut batches = [0u64; 25];
    for batch in &mut batches {
        let first = cycles();
        (0..BATCH).for_each(|_| {
            black_box(std::os::unix::process::parent_id());
        });
        *batch = cycles() - first;
    }
    batches.sort_unstable();
    clock.ns(batches[batches.len() / 2]) as f64 / BATCH as f64
}

/// A word alone on its line, and on the one that is fetched with it.
#[derive(Debug, Default)]
#[repr(align(128))]
struct Alone(AtomicU64);

/// Two words: the number of the question, and the counter of the one who answers.
#[derive(Debug, Default)]
struct Line {
    asked: Alone,
    answer: Alone,
    over: Alone,
}

impl Line {
    fn answer(&self) {
        let mut last = 0;
        while self.over.0.load(Ordering::Relaxed) == 0 {
            let asked = self.asked.0.load(Ordering::Acquire);
            if asked != last {
                last = asked;
                self.answer.0.store(cycles(), Ordering::Release);
            }
            spin_loop();
        }
    }

    /// As a time server is asked: the fastest exchange bounds the offset best.
    fn ask(&self, with: usize) -> Option<Pair> {
        let clock = CycleClock::calibrate(Duration::from_millis(5));
        let end = cycles() + clock.cycles_of(EXCHANGE_WITHIN.as_nanos() as u64);
        let mut trips = Histogram::new();
        let mut best: Option<(u64, f64)> = None;
        for round in 1..=ROUNDS as u64 {
            let before = self.answer.0.load(Ordering::Relaxed);
            let sent = cycles();
            self.asked.0.store(round, Ordering::Release);
            let Some((answered, back)) = self.wait(before, end) else { break };
            let trip = back.saturating_sub(sent);
            trips.record(trip);
            let offset = (answered as f64 - sent as f64) - trip as f64 / 2.0;
            if best.is_none_or(|(fastest, _)| trip < fastest) {
                best = Some((trip, offset));
            }
        }
        let (fastest, offset) = best?;
        let ns = clock.ns_per_cycle();
        Some(Pair {
            with,
            offset_ns: offset * ns,
            within_ns: fastest as f64 / 2.0 * ns,
            round_trip_ns: (clock.ns(fastest), clock.ns(trips.quantile(0.5))),
        })
    }

    fn wait(&self, before: u64, end: u64) -> Option<(u64, u64)> {
        loop {
            let answered = self.answer.0.load(Ordering::Acquire);
            let now = cycles();
            if answered != before {
                return Some((answered, now));
            }
            if now > end {
                return None;
            }
        }
    }
}

/// Counts of the kernel, for a core and the calling thread.
struct Counts {
    interrupts: BTreeMap<String, u64>,
    preempted: u64,
    gave_up: u64,
    stolen: Option<u64>,
}

impl Counts {
    fn read(core: usize) -> Counts {
        let text = |path| fs::read_to_string(path).unwrap_or_default();
        let status = text("/proc/thread-self/status");
        let field = |key: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(key));
            line.and_then(|rest| rest.trim().parse().ok()).unwrap_or(0)
        };
        Counts {
            interrupts: interrupts(&text("/proc/interrupts"), core),
            preempted: field("nonvoluntary_ctxt_switches:"),
            gave_up: field("voluntary_ctxt_switches:"),
            stolen: stolen(&text("/proc/stat"), core),
        }
    }

    fn since(self, before: &Counts) -> Who {
        let more = |(name, count): (String, u64)| {
            let more = count.saturating_sub(before.interrupts.get(&name).copied().unwrap_or(0));
            (more > 0).then_some((name, more))
        };
        let mut interrupts: Vec<_> = self.interrupts.into_iter().filter_map(more).collect();
        interrupts.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        Who {
            interrupts,
            preempted: self.preempted.saturating_sub(before.preempted),
            gave_up: self.gave_up.saturating_sub(before.gave_up),
            stolen_ms: self
                .stolen
                .zip(before.stolen)
                .map(|(now, then)| now.saturating_sub(then) * 10),
        }
    }
}

/// The column of `core` in `/proc/interrupts`, by number and last word of each line.
pub fn interrupts(text: &str, core: usize) -> BTreeMap<String, u64> {
    let mut lines = text.lines();
    let head = lines.next().unwrap_or_default();
    let column = format!("CPU{core}");
    let Some(at) = head.split_whitespace().position(|name| name == column) else {
        return BTreeMap::new();
    };
    let row = |line: &str| {
        let (id, rest) = line.split_once(':')?;
        let count = rest.split_whitespace().nth(at)?.parse().ok()?;
        let name = rest.split_whitespace().next_back()?;
        let counted = name.bytes().all(|b| b.is_ascii_digit());
        let id = id.trim();
        Some((if counted { id.to_owned() } else { format!("{id} {name}") }, count))
    };
    lines.filter_map(row).collect()
}

/// Steal time of `core`, the eighth count of its line, in hundredths of a second.
pub fn stolen(text: &str, core: usize) -> Option<u64> {
    let name = format!("cpu{core}");
    let words = text.lines().map(|line| line.split_whitespace());
    let mut line = words
        .into_iter()
        .find_map(|mut words| (words.next() == Some(name.as_str())).then_some(words))?;
    line.nth(7)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_column_of_a_core_is_read_and_garbage_is_not() {
        let text = "           CPU0       CPU2\n 24:   1   7  IO-APIC 5-edge  ACPI:Ged\n\
            LOC:  10  20  Local timer interrupts\nERR:  3\nMIS\n x: y z w\n";
        let counts = interrupts(text, 2);
        let want = [("24 ACPI:Ged", 7), ("LOC interrupts", 20)];
        assert_eq!(counts, want.map(|(name, n)| (name.to_owned(), n)).into());
        assert!(interrupts(text, 1).is_empty() && interrupts("", 0).is_empty());
        let stat = "cpu 1 2 3\ncpu0 1 2 3 4 5 6 7 88 9 10\ncpu1 1\n";
        assert_eq!((stolen(stat, 0), stolen(stat, 1), stolen(stat, 2)), (Some(88), None, None));
    }

    #[test]
    fn an_error_of_the_same_sign_both_ways_falls_out() {
        let pair =
            |offset_ns| Pair { with: 1, offset_ns, within_ns: 40.0, round_trip_ns: (80, 90) };
        let joined = pair(30.0 - 70.0).joined(&pair(-30.0 - 70.0));
        assert_eq!((joined.offset_ns, joined.within_ns), (30.0, 110.0));
    }

    #[test]
    fn what_is_measured_adds_up() {
        let core = nofx_rt::sched::allowed_cores().expect("/proc")[0];
        let length = Duration::from_millis(20);
        let jitter = measure(core, None, false, length).expect("a core of ours");
        let gaps = &jitter.gap_ns;
        assert!(jitter.seconds >= 0.019 && jitter.readings > 0, "{jitter:?}");
        assert!(gaps.min <= gaps.p50 && gaps.p50 <= gaps.p999 && gaps.p999 <= gaps.max);
        assert!(jitter.over.windows(2).all(|pair| pair[0].1 >= pair[1].1), "{:?}", jitter.over);
        assert!(jitter.over[0].1 <= jitter.readings && jitter.system_call_ns > 0.0);
    }
}
