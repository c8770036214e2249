//! From captured frames to clean books without an allocation: gaps, cuts, broken streams included.

#[path = "szse/gateway.rs"]
#[allow(dead_code)] // each test binary uses a part
mod gateway;

use gateway::{at, channel_heartbeat, day, frame};
use nofx_book::rebuild::{Cage, RebuildConfig, Simulated, Waiting};
use nofx_book::{LevelBooks, LevelConfig, QueueConfig};
use nofx_feed::szse::{ChannelSink, SzseConfig, SzseFeed};
use nofx_rt::guard::{CountingAlloc, OnSealed, seal, sealed_allocations};
use nofx_rt::rng::Rng;
use nofx_types::{BookEvent, EventSink, InstrumentId, Price, Touch};
use nofx_wire::szse::Logon;

#[global_allocator]
static ALLOC: CountingAlloc = CountingAlloc;

struct Books {
    waiting: Waiting,
    simulated: Simulated,
    levels: Levels,
    others: Levels,
}

struct Levels(LevelBooks);

impl EventSink for Levels {
    fn on_event(&mut self, event: &BookEvent) {
        self.0.apply(event);
    }

    fn touch(&self, instrument: InstrumentId) -> Touch {
        self.0.touch(instrument)
    }
}

impl ChannelSink for Books {
    fn on_event(&mut self, channel: u16, event: &BookEvent) {
        self.waiting.over(channel, &mut self.levels).on_event(event);
        self.simulated.over(channel, &mut self.others).on_event(event);
    }
}

fn books() -> Books {
    let rebuild = RebuildConfig { instruments: 16, parked: 64, ..RebuildConfig::default() };
    let levels = LevelConfig { instruments: 16, live_orders: 4_096, ..LevelConfig::default() };
    let queues = QueueConfig { instruments: 16, live_orders: 4_096, levels: 1_024 };
    let made = || Levels(LevelBooks::new(&levels).expect("sizes in range"));
    let mut books = Books {
        waiting: Waiting::new(&rebuild).expect("sizes in range"),
        simulated: Simulated::new(&rebuild, &queues).expect("sizes in range"),
        levels: made(),
        others: made(),
    };
    let cage = Cage { ratio_e4: 200, ticks: 10, tick: 100, previous_close: Price(99_000) };
    for id in (0..3).map(InstrumentId) {
        books.waiting.set_cage(id, Some(cage));
        books.simulated.set_cage(id, Some(cage));
    }
    books
}

#[test]
fn nothing_allocates_after_construction() {
    for seed in 0..6 {
        let mut rng = Rng::new(seed);
        let day = day(&mut rng, 4_000);
        let config = SzseConfig {
            channels: 4,
            instruments: 16,
            park_ticks: 64,
            gap_timeout_ns: 40_000_000,
            ..SzseConfig::default()
        };
        let mut feed = SzseFeed::new(config).expect("values in range");
        let mut books = books();
        let beats: Vec<_> = (0..40).map(|n| channel_heartbeat(2_011, n * 50, false)).collect();
        let logon = frame(Logon::TYPE, &[b' '; 92]);
        let before = sealed_allocations();
        let guard = seal(OnSealed::Count);
        for (n, (_, seq, bytes)) in day.iter().enumerate() {
            let now = at(n as u64 * 1_000_000);
            if n % 500 == 0 {
                feed.disconnected(now);
                let _ = feed.login(now);
                feed.receive(now, &logon, &mut books);
            }
            let (front, back) = bytes.split_at(bytes.len() / 3);
            match rng.below(30) {
                0 => {} // lost
                1 => feed.receive(now, front, &mut books),
                2 => feed.on_datagram(now, bytes, &mut books),
                _ => {
                    feed.receive(now, front, &mut books);
                    feed.receive(now, back, &mut books);
                }
            }
            if let Some(beat) = beats.get(*seq as usize / 50).filter(|_| seq % 50 == 0) {
                feed.on_datagram(now, beat, &mut books);
            }
            while feed.poll_action(now).is_some() {}
        }
        feed.finish(at(9_000_000_000), &mut books);
        drop(guard);
        assert_eq!(sealed_allocations() - before, 0, "seed {seed}");
        assert!(feed.counters().gaps > 0 && feed.counters().lost > 0, "seed {seed}");
    }
}
