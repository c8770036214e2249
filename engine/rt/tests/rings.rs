//! Both ring layouts against a `VecDeque`, between two threads, and in what they drop.

use std::collections::VecDeque;
use std::fmt::Debug;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use nofx_rt::ring::{Full, Pop, Push, bulk, hop};
use proptest::prelude::*;

/// Pushes and pops, some of them in runs, so that rings of a few slots go full and empty.
fn steps() -> impl Strategy<Value = (usize, Vec<(bool, u8)>)> {
    (0usize..20, prop::collection::vec((any::<bool>(), 0u8..12), 0..200))
}

/// Any item type: the largest that shares a line, one that does not, one with padding.
trait Item: Copy + Debug + PartialEq + Send {
    fn of(n: u64) -> Self;
}

impl Item for u64 {
    fn of(n: u64) -> u64 {
        n
    }
}

impl<const N: usize> Item for [u64; N] {
    fn of(n: u64) -> [u64; N] {
        std::array::from_fn(|i| n ^ (i as u64) << 56)
    }
}

impl Item for (u8, u32) {
    fn of(n: u64) -> (u8, u32) {
        (n as u8, n as u32)
    }
}

fn agrees<T: Item>(
    (mut producer, mut consumer): (impl Push<T>, impl Pop<T>),
    depth: usize,
    steps: &[(bool, u8)],
) -> Result<(), TestCaseError> {
    let capacity = depth.max(2).next_power_of_two();
    prop_assert_eq!((producer.capacity(), consumer.capacity()), (capacity, capacity));
    let (mut twin, mut next) = (VecDeque::new(), 0);
    for (push, times) in steps {
        for _ in 0..*times {
            if *push {
                next += 1;
                let item = T::of(next);
                let fits = twin.len() < capacity;
                prop_assert_eq!(producer.room() > 0, fits);
                prop_assert!(producer.room() <= capacity - twin.len());
                prop_assert_eq!(
                    producer.try_push(item),
                    if fits { Ok(()) } else { Err(Full(item)) }
                );
                if fits {
                    twin.push_back(item);
                }
            } else {
                prop_assert_eq!(consumer.try_pop(), twin.pop_front());
            }
            prop_assert_eq!((producer.len(), consumer.len()), (twin.len(), twin.len()));
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: if cfg!(miri) { 2 } else { 256 },
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn rings_agree_with_a_vecdeque((depth, steps) in steps()) {
        agrees::<u64>(hop(depth), depth, &steps)?;
        agrees::<u64>(bulk(depth), depth, &steps)?;
        agrees::<[u64; 7]>(hop(depth), depth, &steps)?;
        agrees::<[u64; 8]>(hop(depth), depth, &steps)?;
        agrees::<[u64; 8]>(bulk(depth), depth, &steps)?;
        agrees::<(u8, u32)>(hop(depth), depth, &steps)?;
    }
}

/// Every item arrives once, whole and in order, while both ends run free: many times around the
/// ring.
fn two_threads<T, P, C>((mut producer, mut consumer): (P, C))
where
    T: Item,
    P: Push<T> + Send,
    C: Pop<T> + Send,
{
    let items = producer.capacity() as u64 * if cfg!(miri) { 4 } else { 1_000 };
    thread::scope(|scope| {
        scope.spawn(move || {
            for n in 0..items {
                while producer.try_push(T::of(n)).is_err() {
                    thread::yield_now();
                }
                assert!(producer.len() <= producer.capacity());
            }
        });
        for n in 0..items {
            let item = loop {
                match consumer.try_pop() {
                    Some(item) => break item,
                    None => thread::yield_now(),
                }
            };
            assert_eq!(item, T::of(n));
            assert!(consumer.len() <= consumer.capacity());
        }
        assert!(consumer.try_pop().is_none());
    });
}

#[test]
fn items_arrive_whole_and_in_order_between_threads() {
    for depth in [2, 64] {
        two_threads::<u64, _, _>(hop(depth));
        two_threads::<[u64; 7], _, _>(hop(depth));
        two_threads::<[u64; 8], _, _>(hop(depth));
        two_threads::<[u64; 8], _, _>(bulk(depth));
    }
}

/// Counts the drops of its clones.
struct Dropped(Arc<AtomicUsize>);

impl Drop for Dropped {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

fn drops(ring: (impl Push<Dropped>, impl Pop<Dropped>)) {
    let count = Arc::new(AtomicUsize::new(0));
    let seen = || count.load(Ordering::Relaxed);
    let (mut producer, mut consumer) = ring;
    for _ in 0..6 {
        assert!(producer.try_push(Dropped(Arc::clone(&count))).is_ok());
        drop(consumer.try_pop());
    }
    assert_eq!(seen(), 6);
    for _ in 0..4 {
        assert!(producer.try_push(Dropped(Arc::clone(&count))).is_ok());
    }
    assert!(producer.try_push(Dropped(Arc::clone(&count))).is_err());
    drop(consumer.try_pop());
    assert_eq!(seen(), 8, "the refused and the popped one");
    drop(consumer);
    assert_eq!(seen(), 8);
    drop(producer);
    assert_eq!(seen(), 11, "what was on the way goes with the ring");
}

#[test]
fn each_item_is_dropped_once() {
    drops(hop(4));
    drops(bulk(4));
}
