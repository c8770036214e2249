//! What a channel does follows from its inputs and their times, and takes no memory.

mod channel;
mod common;

use channel::world::{World, give};
use common::Log;
use nofx_feed::{Action, RecoveringFeed};
use nofx_rt::guard::{CountingAlloc, OnSealed, seal, sealed_allocations};
use nofx_types::{BookEvent, EventSink};

#[global_allocator]
static ALLOC: CountingAlloc = CountingAlloc;

/// Counts, and allocates nothing itself.
#[derive(Default)]
struct Counter(u64);

impl EventSink for Counter {
    fn on_event(&mut self, _: &BookEvent) {
        self.0 += 1;
    }
}

fn again(world: &World) -> RecoveringFeed {
    let (feed, recovery) = world.configs.clone();
    RecoveringFeed::new(feed, recovery).expect("it was made before")
}

#[test]
fn the_same_inputs_give_the_same_events_and_actions() {
    for seed in 1_000..1_020 {
        let mut world = World::new(seed);
        world.run().expect("a good run");
        let mut logs = Vec::new();
        for _ in 0..2 {
            let (mut feed, mut log, mut actions) = (again(&world), Log::default(), Vec::new());
            for (number, (at, input)) in (1..).zip(&world.inputs) {
                give(&mut feed, *at, number, input, &mut log);
                while let Some(action) = feed.poll_action() {
                    actions.push(format!("{action:?}"));
                }
            }
            assert!(actions == world.actions, "seed {seed}");
            assert_eq!(log.events.len() as u64, world.sink.events, "seed {seed}");
            logs.push(log);
        }
        assert!(logs[0] == logs[1], "seed {seed}");
    }
}

#[test]
fn recovery_allocates_nothing() {
    let (mut events, mut requests, mut joined) = (0, 0, 0);
    for seed in 1_000..1_040 {
        let mut world = World::new(seed);
        world.run().expect("a good run");
        let (mut feed, mut counter) = (again(&world), Counter::default());
        let before = sealed_allocations();
        let guard = seal(OnSealed::Count);
        for (number, (at, input)) in (1..).zip(&world.inputs) {
            give(&mut feed, *at, number, input, &mut counter);
            while let Some(action) = feed.poll_action() {
                requests += u64::from(matches!(action, Action::Request { .. }));
            }
        }
        drop(guard);
        assert_eq!(sealed_allocations() - before, 0, "seed {seed}");
        joined += feed.recovery().snapshots_joined;
        events += counter.0;
    }
    assert!(events > 10_000 && requests > 100 && joined > 5, "{events} {requests} {joined}");
}
