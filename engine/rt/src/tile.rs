//! A tile: one thread, one loop, usually one core.
//!
//! Each turn takes a bounded burst of work, at most one command, and does house-keeping when its
//! interval has passed. A turn costs one clock read (two when the tile yields or sleeps). The loop
//! allocates nothing and, with [`Idle::Spin`] or [`Idle::Pause`], makes no system call.

use std::io;
use std::sync::mpsc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crate::clock::cycles;
use crate::hist::Histogram;
use crate::sched;

/// What a poll did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Poll {
    /// There was nothing to do.
    Idle,
    /// So many items were taken.
    Busy(usize),
    /// There is work, but a link downstream has no credit for it.
    Stalled,
}

/// What a tile does. Nothing in here blocks.
pub trait Work {
    /// Takes at most `burst` items.
    fn poll(&mut self, burst: usize) -> Poll;

    /// Takes at most one command; returns whether there was one.
    fn command(&mut self) -> bool {
        false
    }

    /// What is done at a slow pace: heartbeats, counters, views. `now` is a [`cycles`] stamp.
    fn house_keeping(&mut self, now: u64, stats: &TileStats) {
        let _ = (now, stats);
    }

    /// Whether the loop is to end; asked once a turn.
    fn stop(&self) -> bool;
}

/// What a tile does when a turn found nothing to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Idle {
    /// Turn again at once: for a tile with a core of its own.
    Spin,
    /// Tell the processor that this is a wait loop, then turn again.
    Pause,
    /// Offer the core to others (`sched_yield`).
    Yield,
    /// Sleep so many nanoseconds.
    Sleep(u64),
}

impl Idle {
    /// Waits; returns whether the thread may have lost its core meanwhile.
    #[inline]
    fn wait(self) -> bool {
        match self {
            Idle::Spin => false,
            Idle::Pause => {
                core::hint::spin_loop();
                false
            }
            Idle::Yield => {
                thread::yield_now();
                true
            }
            Idle::Sleep(ns) => {
                thread::sleep(Duration::from_nanos(ns));
                true
            }
        }
    }
}

/// The pace of a tile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TileConfig {
    /// What it does when there is nothing to do.
    pub idle: Idle,
    /// Items per turn, at most.
    pub burst: usize,
    /// Cycles between the starts of two house-keepings, at least.
    pub house_keeping: u64,
}

/// What a tile did since it started. Written by the tile alone.
#[derive(Clone, Default)]
pub struct TileStats {
    /// Turns of the loop.
    pub turns: u64,
    /// Turns that took items.
    pub busy_turns: u64,
    /// Items taken.
    pub items: u64,
    /// Most items taken in one turn.
    pub high_water: u64,
    /// Turns that could not go on for want of credit downstream.
    pub stalls: u64,
    /// Commands taken.
    pub commands: u64,
    /// House-keepings done.
    pub house_keepings: u64,
    /// Cycles per turn, waits of the idle policy left out.
    pub loop_time: Histogram,
}

/// Runs `work` until it says stop; one last house-keeping follows the last turn.
pub fn run<W: Work>(work: &mut W, config: &TileConfig, stats: &mut TileStats) {
    let mut start = cycles();
    let mut kept = start;
    while !work.stop() {
        let idle = turn(work, config, stats);
        if start.wrapping_sub(kept) >= config.house_keeping {
            kept = start;
            stats.house_keepings += 1;
            work.house_keeping(start, stats);
        }
        let end = cycles();
        stats.loop_time.record(end.wrapping_sub(start));
        start = if idle && config.idle.wait() { cycles() } else { end };
    }
    stats.house_keepings += 1;
    work.house_keeping(start, stats);
}

/// One burst and at most one command; returns whether there was neither.
#[inline(always)]
fn turn<W: Work>(work: &mut W, config: &TileConfig, stats: &mut TileStats) -> bool {
    let poll = work.poll(config.burst);
    let commanded = work.command();
    stats.turns += 1;
    stats.commands += u64::from(commanded);
    match poll {
        Poll::Idle => {}
        Poll::Stalled => stats.stalls += 1,
        Poll::Busy(items) => {
            stats.busy_turns += 1;
            stats.items += items as u64;
            stats.high_water = stats.high_water.max(items as u64);
        }
    }
    !commanded && !matches!(poll, Poll::Busy(_))
}

/// Where a tile's thread is to run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placement {
    /// Name of the thread, at most 15 bytes are shown by the kernel.
    pub name: String,
    /// Core it is pinned to; without one it runs where its starter may run.
    pub core: Option<usize>,
    /// Whether it asks for SCHED_FIFO.
    pub fifo: bool,
}

/// A tile's thread.
#[derive(Debug)]
pub struct Tile<T>(JoinHandle<Option<T>>);

impl<T> Tile<T> {
    /// Waits for its end and takes what it gave back; `None` when it panicked.
    pub fn join(self) -> Option<T> {
        self.0.join().ok().flatten()
    }

    /// Whether it has ended.
    pub fn is_finished(&self) -> bool {
        self.0.is_finished()
    }
}

/// Starts a thread, and returns when it stands where it is to stand. It pins itself, so its
/// starter stays where it was and the next threads it makes inherit nothing; nor do those that a
/// real-time tile makes inherit its class.
///
/// # Errors
/// The thread could not be made, pinned or given its class; the message names tile and core.
pub fn spawn<T: Send + 'static>(
    placement: Placement,
    body: impl FnOnce() -> T + Send + 'static,
) -> io::Result<Tile<T>> {
    let (told, placed) = mpsc::channel();
    let thread = thread::Builder::new().name(placement.name.clone()).spawn(move || {
        let done = placement.take();
        let stands = done.is_ok();
        let _ = told.send(done);
        stands.then(body)
    })?;
    match placed.recv() {
        Ok(done) => done.map(|()| Tile(thread)),
        Err(_) => Err(io::Error::other("the thread ended before it was placed")),
    }
}

impl Placement {
    fn take(&self) -> io::Result<()> {
        let Placement { name, core, fifo } = self;
        if let Some(core) = *core {
            let failed = |e| io::Error::other(format!("tile {name} cannot have core {core}: {e}"));
            sched::pin_to_core(core).map_err(failed)?;
        }
        if *fifo {
            let failed = |e| io::Error::other(format!("tile {name} cannot have SCHED_FIFO: {e}"));
            sched::become_fifo().map_err(failed)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Items that come in bursts, as many commands, an end after so many polls.
    struct Script {
        waiting: usize,
        commands: usize,
        polls: usize,
        ends_at: usize,
        kept: Vec<u64>,
    }

    impl Work for Script {
        fn poll(&mut self, burst: usize) -> Poll {
            self.polls += 1;
            if self.polls.is_multiple_of(50) {
                return Poll::Stalled;
            }
            let taken = self.waiting.min(burst);
            self.waiting -= taken;
            if taken == 0 { Poll::Idle } else { Poll::Busy(taken) }
        }

        fn command(&mut self) -> bool {
            let some = self.commands > 0;
            self.commands -= usize::from(some);
            some
        }

        fn house_keeping(&mut self, _: u64, stats: &TileStats) {
            self.kept.push(stats.turns);
        }

        fn stop(&self) -> bool {
            self.polls == self.ends_at
        }
    }

    fn script() -> Script {
        Script { waiting: 1_000, commands: 3, polls: 0, ends_at: 500, kept: Vec::new() }
    }

    #[test]
    fn bursts_are_bounded_and_every_turn_is_counted() {
        for idle in [Idle::Spin, Idle::Pause, Idle::Yield, Idle::Sleep(1)] {
            let (mut work, mut stats) = (script(), TileStats::default());
            run(&mut work, &TileConfig { idle, burst: 64, house_keeping: u64::MAX }, &mut stats);
            assert_eq!((stats.turns, stats.items, stats.high_water), (500, 1_000, 64));
            assert_eq!((stats.busy_turns, stats.stalls, stats.commands), (16, 10, 3));
            assert_eq!(stats.loop_time.count(), 500);
            assert_eq!(work.kept, [500], "the last house-keeping sees the last turn");
        }
    }

    #[test]
    fn house_keeping_has_its_own_pace() {
        let (mut work, mut stats) = (script(), TileStats::default());
        run(&mut work, &TileConfig { idle: Idle::Spin, burst: 1, house_keeping: 0 }, &mut stats);
        assert_eq!(stats.house_keepings, 501, "no interval: every turn, and one at the end");
        assert_eq!(work.kept.len(), 501);
    }

    #[test]
    #[cfg_attr(miri, ignore)] // no /proc there
    fn a_tile_is_pinned_and_nobody_inherits_it() {
        let cores = sched::allowed_cores().expect("/proc");
        let core = *cores.last().expect("a core");
        let placement = |core| Placement { name: "t".into(), core, fifo: false };
        let pinned = spawn(placement(Some(core)), sched::allowed_cores).expect("placed");
        let free = spawn(placement(None), sched::allowed_cores).expect("placed");
        assert_eq!(pinned.join().expect("no panic").expect("/proc"), [core]);
        assert_eq!(free.join().expect("no panic").expect("/proc"), cores);
        assert_eq!(sched::allowed_cores().expect("/proc"), cores);
    }

    #[test]
    #[cfg_attr(miri, ignore)]
    fn a_core_that_does_not_exist_is_refused_by_name() {
        let placement = Placement { name: "trade".into(), core: Some(1_023), fifo: false };
        let error = spawn(placement, || ()).expect_err("no such core").to_string();
        assert!(error.contains("trade") && error.contains("1023"), "{error}");
    }
}
