//! The ring against a naive twin: a queue of owned records, under random pushes, reads, releases,
//! rewinds and crashes.

mod common;

use std::collections::VecDeque;
use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::path::Path;

use nofx_mailbox::journal::{
    self, Consumer, PAYLOAD_MAX, Producer, Record, SegmentConfig, SegmentWriter,
};
use nofx_mailbox::{Engine, Spec};
use nofx_rt::rng::Rng;
use nofx_types::Nanos;
use proptest::prelude::*;

/// What a record was made of.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Owned {
    number: u64,
    kind: u8,
    at: Nanos,
    payload: Vec<u8>,
}

fn owned(record: Record<'_>) -> Owned {
    let Record { number, kind, at, payload } = record;
    Owned { number, kind, at, payload: payload.to_vec() }
}

/// Words that a record takes, as the ring's drawing says.
fn words(payload: usize) -> usize {
    3 + payload.div_ceil(8)
}

fn start(path: &Path, first_number: u64) -> (Engine, Producer, Consumer) {
    let spec = Spec { first_number, journal_bytes: 0, ..common::spec() };
    let mut engine = Engine::create(path, &spec).expect("a mailbox");
    let (producer, consumer) = (engine.journal(), engine.journal_consumer());
    (engine, producer.expect("one"), consumer.expect("one"))
}

fn bytes(rng: &mut Rng) -> Vec<u8> {
    let length = match rng.below(10) {
        0 => rng.below(PAYLOAD_MAX as u64 + 1),
        1 => PAYLOAD_MAX as u64 + rng.below(2),
        2..5 => rng.below(2_000),
        _ => rng.below(40),
    };
    (0..length).map(|_| rng.next() as u8).collect()
}

fn run(seed: u64, steps: u32) -> [u64; 4] {
    println!("seed {seed}"); // shown when it fails
    let mut rng = Rng::new(seed);
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("box");
    let (mut engine, mut producer, mut consumer) = start(&path, 1);
    let capacity = consumer.state().capacity as usize / 8;
    // Records not released; the first `read` of them are read.
    let (mut twin, mut read, mut number) = (VecDeque::<Owned>::new(), 0, 0);
    let [mut pushed, mut full, mut too_long, mut crashes] = [0; 4];
    for _ in 0..steps {
        match rng.below(100) {
            0..60 => {
                let payload = bytes(&mut rng);
                let (kind, at) = (rng.next() as u8, Nanos(rng.next()));
                let cut = rng.below(payload.len() as u64 + 1) as usize;
                let (front, back) = payload.split_at(cut);
                let used: usize = twin.iter().map(|record| words(record.payload.len())).sum();
                let fits = used + words(payload.len()) <= capacity;
                let got = producer.push(kind, at, &[front, &[], back]);
                if payload.len() > PAYLOAD_MAX {
                    assert_eq!(got, None);
                    too_long += 1;
                } else if fits {
                    number += 1;
                    assert_eq!(got, Some(number));
                    twin.push_back(Owned { number, kind, at, payload });
                    pushed += 1;
                } else {
                    assert_eq!(got, None);
                    full += 1;
                }
            }
            60..90 => {
                for _ in 0..rng.below(4) {
                    let next = consumer.next().map(owned);
                    assert_eq!(next.as_ref(), twin.get(read));
                    read += usize::from(next.is_some());
                }
            }
            90..97 => {
                consumer.release();
                twin.drain(..read);
                read = 0;
            }
            97 | 98 => {
                consumer.rewind();
                read = 0;
            }
            _ => {
                // The process is gone; the next one reads what is there and goes on.
                drop((engine, producer, consumer));
                let mut ring = journal::recover(&path).expect("recovers").expect("a ring");
                for want in twin.drain(..) {
                    assert_eq!(ring.next().map(owned), Some(want));
                }
                assert_eq!(ring.next(), None);
                assert!(!ring.is_damaged());
                ring.release();
                drop(ring);
                (engine, producer, consumer) = start(&path, number + 1);
                read = 0;
                crashes += 1;
                (full, too_long) = (0, 0);
            }
        }
        let state = consumer.state();
        assert_eq!((state.last, state.full, state.too_long), (number, full, too_long));
    }
    drop(engine);
    [pushed, full, too_long, crashes]
}

#[test]
fn the_ring_is_the_queue_that_it_should_be() {
    let mut seen = [0; 4];
    for seed in 1..=8 {
        for (sum, n) in seen.iter_mut().zip(run(seed, 1_000)) {
            *sum += n;
        }
    }
    println!("pushed, full, too long, crashes: {seen:?}");
    assert!(seen.iter().all(|n| *n > 0), "{seen:?}");
}

#[test]
fn a_ring_that_a_foreign_hand_wrote_into_is_told_and_nothing_behind_it_taken() {
    for (offset, foreign) in [(-24, u64::MAX), (-24, 1 << 20), (-16, 7), (-16, 2)] {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("box");
        let (engine, mut producer, _) = start(&path, 1);
        for payload in [&b"first record"[..], b"second one: here", b"third"] {
            producer.push(1, Nanos(1), &[payload]).expect("room");
        }
        drop((engine, producer));
        let bytes = fs::read(&path).expect("bytes");
        let at = bytes.windows(16).position(|w| w == b"second one: here").expect("in the ring");
        let file = File::options().write(true).open(&path).expect("opens");
        let place = at.checked_add_signed(offset).expect("inside") as u64;
        file.write_all_at(&foreign.to_le_bytes(), place).expect("written");
        let mut ring = journal::recover(&path).expect("recovers").expect("a ring");
        let mut files =
            SegmentWriter::open(folder.path().join("journal"), SegmentConfig::default())
                .expect("opens");
        let drained = journal::drain(&mut ring, &mut files, Nanos(0));
        if (offset, foreign) == (-16, 2) {
            assert_eq!(drained.expect("its own number"), 3);
        } else {
            let told = drained.expect_err("damaged").to_string();
            assert!(told.contains("damaged behind record 1"), "{told}");
            assert_eq!(files.last(), Some(1));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_payload_is_its_parts_however_they_are_cut(
        parts in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..40), 0..12),
    ) {
        let folder = tempfile::tempdir().expect("a folder");
        let (_engine, mut producer, mut consumer) = start(&folder.path().join("box"), 1);
        let slices: Vec<&[u8]> = parts.iter().map(Vec::as_slice).collect();
        prop_assert_eq!(producer.push(9, Nanos(9), &slices), Some(1));
        prop_assert_eq!(producer.push(9, Nanos(9), &[&[0xFF; 9]]), Some(2));
        prop_assert_eq!(consumer.next().map(|record| record.payload.to_vec()), Some(parts.concat()));
        prop_assert_eq!(consumer.next().map(|record| record.payload.to_vec()), Some(vec![0xFF; 9]));
    }
}
