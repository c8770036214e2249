//! Every interleaving of a ring's two ends, as far as the memory model allows it (`scripts/loom`).
#![cfg(loom)]

use loom::thread;
use nofx_rt::link;
use nofx_rt::ring::{Pop, Push, hop};

fn push<T>(producer: &mut impl Push<T>, mut item: T) {
    while let Err(full) = producer.try_push(item) {
        item = full.0;
        thread::yield_now();
    }
}

fn pop<T>(consumer: &mut impl Pop<T>) -> T {
    loop {
        match consumer.try_pop() {
            Some(item) => return item,
            None => thread::yield_now(),
        }
    }
}

#[test]
fn items_arrive_in_order_around_the_ring() {
    loom::model(|| {
        // Two slots, four items: each slot is used twice, and both ends have to wait.
        let (mut producer, mut consumer) = hop::<u64>(2);
        let pushing = thread::spawn(move || (0..4).for_each(|n| push(&mut producer, n)));
        (0..4).for_each(|n| assert_eq!(pop(&mut consumer), n));
        assert!(consumer.try_pop().is_none());
        pushing.join().expect("no panic");
    });
}

#[test]
fn counts_stay_within_the_ring_while_the_other_end_moves() {
    loom::model(|| {
        let (mut producer, mut consumer) = hop::<u64>(2);
        let pushing = thread::spawn(move || {
            for n in 0..3 {
                let room = producer.room();
                let pushed = producer.try_push(n).is_ok();
                assert!(pushed || room == 0);
                assert!(producer.len() <= 2);
            }
        });
        for _ in 0..3 {
            let held = consumer.len();
            assert!(held <= 2 && (held == 0 || consumer.try_pop().is_some()));
        }
        pushing.join().expect("no panic");
    });
}

#[test]
fn the_last_end_drops_what_is_on_the_way() {
    loom::model(|| {
        let item = loom::sync::Arc::new(());
        let (mut producer, mut consumer) = hop(2);
        let sent = loom::sync::Arc::clone(&item);
        let pushing = thread::spawn(move || {
            assert!(producer.try_push(sent.clone()).is_ok() && producer.try_push(sent).is_ok());
        });
        drop(consumer.try_pop());
        drop(consumer);
        pushing.join().expect("no panic");
        assert_eq!(loom::sync::Arc::strong_count(&item), 1);
    });
}

#[test]
fn what_an_overrun_link_lost_is_what_did_not_arrive() {
    loom::model(|| {
        let (mut sender, mut receiver) = link::overrun(hop::<u64>(2));
        let sending = thread::spawn(move || {
            let lost = (0..4).filter(|n| sender.send(*n).is_some()).count() as u64;
            assert_eq!((sender.stats().sent, sender.stats().refused), (4 - lost, lost));
        });
        let early = receiver.receive();
        assert!(early.is_none_or(|n| n == 0));
        sending.join().expect("no panic");
        while receiver.receive().is_some() {}
        assert_eq!(receiver.received() + receiver.lost(), 4);
    });
}
