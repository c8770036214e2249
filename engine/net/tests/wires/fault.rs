//! The bad wire does what it counts, and nothing else.

use nofx_net::fault::{Fault, FaultCounts, Faults};
use nofx_net::loopback::{self, Loopback};
use nofx_net::port::{FramePort, PortCounters};

const FRAMES: u32 = 20_000;

/// Numbered frames through a wire with `faults`, 40 between two polls; what came out.
fn through(seed: u64, faults: Faults) -> (Vec<Vec<u8>>, FaultCounts, PortCounters) {
    let (near, mut far) = loopback::pair(4_096, 64);
    let mut near = Fault::new(near, seed, faults, Faults::default());
    let mut got = Vec::new();
    for number in 0..FRAMES {
        far.send(&frame(number)).expect("room");
        if number % 40 == 39 {
            far.flush();
            take(&mut near, &mut got);
        }
    }
    (0..5_000).for_each(|_| take(&mut near, &mut got));
    (got, near.counts().0, near.counters())
}

fn frame(number: u32) -> Vec<u8> {
    [number.to_be_bytes(), (!number).to_be_bytes()].concat()
}

fn take(port: &mut Fault<Loopback>, got: &mut Vec<Vec<u8>>) {
    let burst = port.poll();
    got.extend((0..burst).map(|index| port.frame(index).bytes.to_vec()));
}

/// The number of a frame whose two halves agree.
fn number(frame: &[u8]) -> Option<u32> {
    let half = |at: usize| u32::from_be_bytes(frame[at..at + 4].try_into().expect("four bytes"));
    (half(0) == !half(4)).then(|| half(0))
}

fn about(count: u64, ppm: u64) -> bool {
    let want = u64::from(FRAMES) * ppm / 1_000_000;
    count.abs_diff(want) < want / 5
}

#[test]
fn loss_is_what_it_counts() {
    let (got, counts, counters) = through(1, Faults::loss(50_000));
    assert!(about(counts.dropped, 50_000), "{counts:?}");
    assert_eq!(got.len() as u64 + counts.dropped, u64::from(FRAMES));
    assert!(got.windows(2).all(|pair| number(&pair[0]) < number(&pair[1])), "order is kept");
    assert_eq!(counters.rx_packets, got.len() as u64);
    assert!(counters.drops.contains(&("fault_drop", counts.dropped)));
}

#[test]
fn duplicates_are_what_they_count() {
    let faults = Faults { duplicate_ppm: 50_000, ..Faults::default() };
    let (got, counts, _) = through(2, faults);
    assert!(about(counts.duplicated, 50_000), "{counts:?}");
    assert_eq!(got.len() as u64, u64::from(FRAMES) + counts.duplicated);
    let twice = got.windows(2).filter(|pair| pair[0] == pair[1]).count() as u64;
    assert_eq!(twice, counts.duplicated);
}

#[test]
fn reordering_loses_nothing_and_moves_no_further_than_it_may() {
    let faults = Faults { reorder_ppm: 100_000, reorder_depth: 5, ..Faults::default() };
    let (got, counts, _) = through(3, faults);
    assert!(about(counts.reordered, 100_000), "{counts:?}");
    let numbers: Vec<_> = got.iter().map(|frame| number(frame).expect("whole")).collect();
    let mut sorted = numbers.clone();
    sorted.sort_unstable();
    assert!(sorted.iter().copied().eq(0..FRAMES));
    assert!(numbers.is_sorted_by(|a, b| *a < b + 6) && !numbers.is_sorted());
}

#[test]
fn a_corrupt_frame_differs_in_one_bit() {
    let faults = Faults { corrupt_ppm: 50_000, ..Faults::default() };
    let (got, counts, _) = through(4, faults);
    assert!(about(counts.corrupted, 50_000), "{counts:?}");
    let bits = |(index, got): (usize, &Vec<u8>)| -> u32 {
        got.iter().zip(frame(index as u32)).map(|(a, b)| (a ^ b).count_ones()).sum()
    };
    let differing: Vec<_> = got.iter().enumerate().map(bits).filter(|bits| *bits > 0).collect();
    assert_eq!(differing.len() as u64, counts.corrupted);
    assert!(differing.iter().all(|bits| *bits == 1));
}

#[test]
fn delays_and_stalls_lose_nothing() {
    let delay = Faults { delay_ppm: 50_000, delay_polls: 7, ..Faults::default() };
    let stall = Faults { stall_ppm: 20_000, stall_polls: 9, ..Faults::default() };
    for (seed, faults) in [(5, delay), (6, stall)] {
        let (got, counts, _) = through(seed, faults);
        assert!(counts.delayed + counts.stalls > 0 && counts.overrun == 0, "{counts:?}");
        let mut numbers: Vec<_> = got.iter().filter_map(|frame| number(frame)).collect();
        assert_eq!(numbers.is_sorted(), faults.delay_ppm == 0);
        numbers.sort_unstable();
        assert!(numbers.into_iter().eq(0..FRAMES));
    }
}

#[test]
fn everything_at_once_adds_up_and_the_seed_decides() {
    let faults = Faults {
        drop_ppm: 10_000,
        duplicate_ppm: 10_000,
        reorder_ppm: 10_000,
        reorder_depth: 3,
        corrupt_ppm: 10_000,
        delay_ppm: 10_000,
        delay_polls: 3,
        stall_ppm: 5_000,
        stall_polls: 3,
    };
    let (got, counts, _) = through(7, faults);
    let came = u64::from(FRAMES) - counts.dropped + counts.duplicated;
    assert_eq!((got.len() as u64, counts.overrun), (came, 0));
    assert!(through(7, faults).0 == got, "the same seed, the same run");
    assert!(through(8, faults).0 != got, "another seed, another run");
}

#[test]
fn what_is_sent_suffers_the_same() {
    let (near, mut far) = loopback::pair(4_096, 64);
    let faults = Faults { duplicate_ppm: 100_000, ..Faults::loss(100_000) };
    let mut near = Fault::new(near, 9, Faults::default(), faults);
    let mut got = 0;
    for number in 0..FRAMES {
        near.send(&frame(number)).expect("room");
        near.flush();
        got += far.poll() as u64;
    }
    let counts = near.counts().1;
    assert!(about(counts.dropped, 100_000) && about(counts.duplicated, 90_000), "{counts:?}");
    assert_eq!(got, u64::from(FRAMES) - counts.dropped + counts.duplicated);
}
