//! Every interleaving of writer and reader, as far as the memory model allows it (`scripts/loom`).
#![cfg(loom)]

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use loom::thread;
use nofx_mailbox::Scope;
use nofx_mailbox::under_loom::{commands, events, kill, page, pages, ring, stopped};
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

/// Takes twice while the writer does `steer`, having published 1 and 2; counts the publications taken,
/// of which each must be one of `may`, as (publication, version).
fn steer_under_a_reader(
    may: &'static [(u64, u64)],
    steer: impl Fn(&mut nofx_mailbox::under_loom::Pages) + Sync + Send + 'static,
) {
    let seen: Arc<[AtomicU64; 8]> = Arc::default();
    let counts = seen.clone();
    loom::model(move || {
        let (mut control, mut take) = pages();
        (1..=2).for_each(|version| assert_eq!(control.publish(version), version));
        let counts = counts.clone();
        let reading = thread::spawn(move || {
            let mut last = 0;
            for _ in 0..2 {
                let Some(taken) = take() else {
                    counts[0].fetch_add(1, Relaxed);
                    continue;
                };
                assert!(may.contains(&taken), "{taken:?}");
                assert!(taken.0 > last, "back from {last} to {taken:?}");
                last = taken.0;
                counts[last as usize].fetch_add(1, Relaxed);
            }
            take
        });
        steer(&mut control);
        let mut take = reading.join().expect("no panic");
        // Whatever was taken before, now the last is there to be taken, or was.
        assert!(take().is_none_or(|taken| Some(&taken) == may.last()));
    });
    let seen = seen.each_ref().map(|count| count.load(Relaxed));
    println!("takes by publication, 0: nothing or lapped: {seen:?}");
    let publications = may.iter().map(|(publication, _)| *publication as usize);
    assert!(publications.chain([0]).all(|at| seen[at] > 100), "explored too little: {seen:?}");
}

/// Of three slots the third publication fills the one that the reader may be copying.
#[test]
fn the_engine_takes_whole_pages_in_their_order_though_control_comes_round() {
    steer_under_a_reader(&[(2, 2), (3, 3), (4, 4), (5, 5)], |control| {
        (3..=5).for_each(|version| assert_eq!(control.publish(version), version));
    });
}

#[test]
fn a_roll_back_under_the_reader_is_a_publication_like_any_other() {
    steer_under_a_reader(&[(2, 2), (3, 1), (4, 4), (5, 5)], |control| {
        assert_eq!(control.roll_back(1), 3);
        (4..=5).for_each(|version| assert_eq!(control.publish(version), version));
    });
}

#[test]
fn commands_and_replies_come_whole_and_in_order_and_their_room_is_used_again() {
    loom::model(|| {
        let (mut send, mut take) = commands();
        let engine = thread::spawn(move || {
            for id in 1..=3 {
                loop {
                    match take() {
                        Some(taken) => break assert_eq!(taken, id),
                        None => thread::yield_now(),
                    }
                }
            }
        });
        for id in 1..=3 {
            while !send(id) {
                thread::yield_now();
            }
        }
        engine.join().expect("no panic");
    });
}

#[test]
fn a_reader_of_events_sees_whole_ones_and_counts_those_it_lost() {
    let seen: Arc<[AtomicU64; 3]> = Arc::default();
    let counts = seen.clone();
    loom::model(move || {
        let (mut put, mut reader) = events();
        put();
        let counts = counts.clone();
        let reading = thread::spawn(move || {
            let mut accounted = 0;
            for _ in 0..3 {
                match reader.next() {
                    None => _ = counts[0].fetch_add(1, Relaxed),
                    Some(Ok(event)) => {
                        accounted += 1;
                        let word = (event.number, event.at_ns, u64::from(event.code));
                        assert_eq!(word, (accounted, accounted, accounted), "torn, or one missing");
                        counts[1].fetch_add(1, Relaxed);
                    }
                    Some(Err(lost)) => {
                        accounted += lost;
                        assert!(lost > 0 && accounted <= 4, "{lost} lost before {accounted}");
                        counts[2].fetch_add(1, Relaxed);
                    }
                }
            }
        });
        (0..3).for_each(|_| put());
        reading.join().expect("no panic");
    });
    let seen = seen.each_ref().map(|count| count.load(Relaxed));
    println!("looks that saw nothing, an event, a loss: {seen:?}");
    assert!(seen.into_iter().all(|count| count > 100), "explored too little: {seen:?}");
}
