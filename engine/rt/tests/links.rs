//! Links: what is lost is counted, what has credit is not lost, marks say how full they were.

use std::thread;

use nofx_rt::link::{self, LinkStats};
use nofx_rt::ring::{bulk, hop};
use nofx_rt::rng::Rng;

#[test]
fn an_overrun_link_loses_the_newest_and_both_ends_know_how_many() {
    let (mut sender, mut receiver) = link::overrun(hop(8));
    let lost: Vec<u32> = (0..20).filter_map(|n| sender.send(n)).collect();
    assert_eq!(lost, (8..20).collect::<Vec<_>>());
    assert_eq!(receiver.lost(), 12);
    assert_eq!(sender.stats(), LinkStats { sent: 8, refused: 12, high_water: 8 });
    assert_eq!(receiver.waiting(), 8);
    assert!((0..8).all(|n| receiver.receive() == Some(n)));
    assert_eq!((receiver.receive(), receiver.received()), (None, 8));
    assert_eq!(sender.send(20), None);
}

#[test]
fn a_credit_link_says_no_and_keeps_everything() {
    let (mut sender, mut receiver) = link::credit(bulk(4));
    assert_eq!(sender.credit(), 4);
    let kept: Vec<u32> = (0..6).filter_map(|n| sender.send(n).err()).map(|full| full.0).collect();
    assert_eq!((kept, sender.credit(), receiver.lost()), (vec![4, 5], 0, 0));
    assert_eq!(sender.stats(), LinkStats { sent: 4, refused: 2, high_water: 4 });
    assert!((0..4).all(|n| receiver.receive() == Some(n)));
    assert_eq!(sender.credit(), 4);
}

#[test]
fn a_producer_that_asks_for_credit_loses_nothing_between_threads() {
    let items = if cfg!(miri) { 100 } else { 20_000u64 };
    let (mut sender, mut receiver) = link::credit(hop(16));
    let sending = thread::spawn(move || {
        for n in 0..items {
            while sender.credit() == 0 {
                thread::yield_now();
            }
            sender.send(n).expect("there was credit");
        }
        sender.stats()
    });
    let mut next = 0;
    while next < items {
        match receiver.receive() {
            Some(n) => {
                assert_eq!(n, next);
                next += 1;
            }
            None => thread::yield_now(),
        }
    }
    let stats = sending.join().expect("no panic");
    assert_eq!((stats.sent, stats.refused), (items, 0));
    assert!((1..=16).contains(&stats.high_water));
}

#[test]
fn the_mark_is_at_most_a_sixteenth_of_the_depth_short() {
    for seed in 0..if cfg!(miri) { 2 } else { 100 } {
        let mut rng = Rng::new(seed);
        let depth = 1u64 << (1 + rng.below(8));
        let (mut sender, mut receiver) = link::overrun(hop::<u64>(depth as usize));
        let (mut waiting, mut highest) = (0u64, 0);
        for n in 0..1_000 {
            if rng.chance(1, 2) && waiting < depth - 1 {
                assert_eq!(sender.send(n), None);
                waiting += 1;
                highest = highest.max(waiting);
            } else if receiver.receive().is_some() {
                waiting -= 1;
            }
        }
        let mark = sender.stats().high_water;
        assert!(mark <= highest && highest <= mark + depth / 16, "seed {seed}: {mark} {highest}");
    }
}
