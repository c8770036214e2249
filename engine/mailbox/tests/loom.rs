//! Every interleaving of writer and reader, as far as the memory model allows it (`scripts/loom`).
#![cfg(loom)]

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use loom::thread;
use nofx_mailbox::Scope;
use nofx_mailbox::under_loom::{kill, page, ring, stopped};
use nofx_types::Nanos;

/// The writer stands in the first thread: loom then takes the reader's steps back through every store.
/// (Run the other way round, the writer's own look at the page hides the reader's from loom, and it
/// explores one interleaving.) The counts prove that it did.
#[test]
fn a_reader_sees_whole_publications_in_their_order() {
    let seen: Arc<[AtomicU64; 4]> = Arc::default();
    let counts = seen.clone();
    loom::model(move || {
        let (mut write, read) = page();
        let counts = counts.clone();
        let reader = read.clone();
        let reading = thread::spawn(move || {
            let mut last = 0;
            for _ in 0..2 {
                // None: nothing yet, or lapped at every try; three publications can do that.
                let (sequence, at, value) = reader().unwrap_or_default();
                assert_eq!((at, value), (sequence, [sequence; 2]), "torn");
                assert!(sequence == 0 || sequence >= last, "back from {last} to {sequence}");
                last = sequence.max(last);
                counts[sequence as usize].fetch_add(1, Relaxed);
            }
        });
        (1..=3).for_each(&mut write);
        reading.join().expect("no panic");
        assert_eq!(read(), Some((3, 3, [3; 2])));
    });
    let seen = seen.each_ref().map(|count| count.load(Relaxed));
    println!("reads that saw publication 0 to 3: {seen:?}");
    assert!(seen.into_iter().all(|count| count > 100), "explored too little: {seen:?}");
}

#[test]
fn records_come_whole_and_in_order_and_room_is_used_again() {
    loom::model(|| {
        // Room for two records of one word: the third waits for a release.
        let (mut producer, mut consumer, _) = ring(8);
        let pushing = thread::spawn(move || {
            for n in 1..=3u64 {
                while producer.push(n as u8, Nanos(n), &[&n.to_le_bytes()]).is_none() {
                    thread::yield_now();
                }
            }
        });
        for n in 1..=3u64 {
            loop {
                if let Some(record) = consumer.next() {
                    assert_eq!((record.number, record.kind, record.at), (n, n as u8, Nanos(n)));
                    assert_eq!(record.payload, n.to_le_bytes());
                    break;
                }
                assert!(!consumer.is_damaged());
                thread::yield_now();
            }
            consumer.release();
        }
        pushing.join().expect("no panic");
    });
}

#[test]
fn a_crash_at_any_moment_leaves_whole_records_from_the_last_release_on() {
    loom::model(|| {
        let (mut producer, mut consumer, again) = ring(8);
        let pushing = thread::spawn(move || {
            for n in 1..=2u64 {
                assert!(producer.push(7, Nanos(n), &[&n.to_le_bytes()]).is_some());
            }
        });
        let released = u64::from(consumer.next().is_some());
        consumer.release();
        // Another process looks at the words as they are now.
        let mut after = again();
        let mut number = released;
        while let Some(record) = after.next() {
            number += 1;
            assert_eq!((record.number, record.payload), (number, &number.to_le_bytes()[..]));
        }
        assert!(!after.is_damaged());
        pushing.join().expect("no panic");
    });
}

#[test]
fn who_sees_the_generation_change_sees_the_kill() {
    for scope in [Scope::Global, Scope::Account(0), Scope::Symbol(0)] {
        loom::model(move || {
            let (engage, engine) = kill();
            let before = engine.generation();
            let switching = thread::spawn(move || engage(scope));
            if engine.generation() != before {
                assert!(stopped(&engine), "{scope}");
            }
            switching.join().expect("no panic");
            assert!(stopped(&engine) && engine.generation() != before);
        });
    }
}
