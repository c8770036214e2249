//! Pools against std collections, and blocks that go to another thread and come back.

use std::collections::HashMap;
use std::thread;

use nofx_rt::pool::{Blocks, Handle, Pool};
use nofx_rt::ring::{Pop, Push, bulk, hop};
use nofx_rt::rng::Rng;

#[test]
fn a_pool_agrees_with_a_map() {
    for seed in 0..if cfg!(miri) { 1 } else { 20 } {
        let mut rng = Rng::new(seed);
        let mut pool = Pool::new(16);
        let mut twin: HashMap<Handle, String> = HashMap::new();
        for step in 0..if cfg!(miri) { 200 } else { 5_000 } {
            let held: Vec<Handle> = twin.keys().copied().collect();
            match held.get(rng.below(32) as usize) {
                Some(handle) if rng.chance(1, 2) => {
                    assert_eq!(pool.remove(*handle), twin.remove(handle), "seed {seed}");
                }
                Some(handle) => {
                    pool.get_mut(*handle).expect("held").push('x');
                    twin.get_mut(handle).expect("held").push('x');
                }
                None => match pool.insert(step.to_string()) {
                    Ok(handle) => assert!(twin.insert(handle, step.to_string()).is_none()),
                    Err(back) => assert_eq!((back, twin.len()), (step.to_string(), 16)),
                },
            }
            assert_eq!((pool.len(), pool.is_empty()), (twin.len(), twin.is_empty()));
            assert!(twin.iter().all(|(handle, text)| pool.get(*handle) == Some(text)));
        }
    }
}

#[test]
#[cfg(debug_assertions)]
fn a_dead_handle_is_noticed_in_debug_builds() {
    let mut pool = Pool::new(1);
    let first = pool.insert(1).expect("room");
    assert_eq!(pool.remove(first), Some(1));
    let second = pool.insert(2).expect("room");
    assert_eq!(first.raw() & 0xff_ffff, second.raw() & 0xff_ffff, "the same place");
    let dead = std::panic::catch_unwind(|| pool.get(first).copied());
    assert!(dead.is_err() && pool.get(second) == Some(&2));
}

#[test]
fn blocks_are_distinct_and_come_back() {
    let mut blocks = Blocks::new(100, 3).expect("memory");
    assert_eq!((blocks.block_bytes(), blocks.capacity(), blocks.free()), (128, 3, 3));
    let view = blocks.view();
    let mut held: Vec<_> = std::iter::from_fn(|| blocks.take()).collect();
    assert_eq!((held.len(), blocks.free()), (3, 0));
    for (n, block) in held.iter_mut().enumerate() {
        view.bytes_mut(block).fill(n as u8);
    }
    for (n, block) in held.iter().enumerate() {
        assert!(view.bytes(block).iter().all(|byte| *byte == n as u8));
        assert_eq!(view.bytes(block).as_ptr() as usize % 64, 0);
    }
    held.into_iter().for_each(|block| blocks.give(block));
    assert_eq!(blocks.free(), 3);
}

#[test]
fn a_block_of_another_pool_opens_nothing() {
    let (mut mine, mut other) =
        (Blocks::new(64, 1).expect("memory"), Blocks::new(64, 1).expect("memory"));
    let foreign = other.take().expect("a block");
    let bytes = std::panic::catch_unwind(|| mine.view().bytes(&foreign).len());
    assert!(if cfg!(debug_assertions) { bytes.is_err() } else { bytes.ok() == Some(0) });
    if !cfg!(debug_assertions) {
        mine.give(foreign);
        assert_eq!(mine.free(), 1);
    }
}

#[test]
fn impossible_pools_are_refused() {
    assert!(Blocks::new(64, (1 << 20) + 1).is_err());
    assert!(Blocks::new(usize::MAX, 2).is_err());
    assert!(Blocks::new(usize::MAX / 2, 2).is_err());
}

/// Packets go to another thread in blocks over one ring, the empty blocks come back over another:
/// the receiver reads the very bytes that the sender wrote, at the same address.
#[test]
fn packets_go_to_another_thread_without_a_copy() {
    let packets = if cfg!(miri) { 50 } else { 20_000u64 };
    let mut blocks = Blocks::new(64, 8).expect("memory");
    let (mut filled, mut arriving) = hop(8);
    let (mut empty, mut returned) = bulk(8);
    let view = blocks.view();
    let reading = thread::spawn(move || {
        for n in 0..packets {
            let (block, address) = loop {
                match arriving.try_pop() {
                    Some(packet) => break packet,
                    None => thread::yield_now(),
                }
            };
            let bytes = view.bytes(&block);
            assert_eq!((bytes.as_ptr() as usize, &bytes[..8]), (address, &n.to_le_bytes()[..]));
            empty.try_push(block).expect("as many slots as blocks");
        }
    });
    let view = blocks.view();
    for n in 0..packets {
        let mut block = loop {
            while let Some(block) = returned.try_pop() {
                blocks.give(block);
            }
            match blocks.take() {
                Some(block) => break block,
                None => thread::yield_now(),
            }
        };
        let bytes = view.bytes_mut(&mut block);
        bytes[..8].copy_from_slice(&n.to_le_bytes());
        let address = bytes.as_ptr() as usize;
        filled.try_push((block, address)).expect("as many slots as blocks");
    }
    reading.join().expect("no panic");
    while let Some(block) = returned.try_pop() {
        blocks.give(block);
    }
    assert_eq!(blocks.free(), 8, "no block was lost");
}
