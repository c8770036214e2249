//! The loop of a replay: read, walk, deliver; house-keeping between sealed stretches.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use indicatif::ProgressBar;
use nofx_book::BookCounts;
use nofx_rt::clock::CycleClock;
use nofx_rt::guard::{self, OnSealed};
use nofx_signal::Strategy;
use nofx_types::{BookEvent, EventSink, Instrument, InstrumentId, Nanos, OrderRef, Symbol, Touch};

use super::market::{Frame, Market};
use super::places::{Place, Places};
use super::source::ItemFeed;
use super::twin::Twin;
use crate::cli::Speed;
use crate::config::EngineClock;
use crate::definitions::Definitions;
use crate::failure::Failure;
use crate::gate::TradeGate;
use crate::hot_path::HotPath;
use crate::input::{Item, Reader};
use crate::outputs::Outputs;
use crate::stamps::Stage;

/// Items of one sealed stretch, at most.
const STRETCH_ITEMS: u32 = 4_096;
/// The login goes out this long before the first packet.
const LOGIN_LEAD_NS: u64 = 1_000_000_000;
/// What the venue still says this long after the last packet is heard.
const LINGER_NS: u64 = 1_000_000_000;

/// A replay under way.
pub struct Drive<'a, S, M> {
    /// The stages.
    pub path: HotPath<S, TradeGate>,
    /// The other end of the wire.
    pub market: M,
    /// The files.
    pub reader: Reader,
    /// What is written.
    pub outputs: Outputs,
    /// Turns cycles into nanoseconds for the outputs.
    pub clock: CycleClock,
    /// Definitions from a file.
    pub definitions: &'a Definitions,
    /// Naive books beside ours.
    pub twin: Option<Box<Twin>>,
    /// Set when the user wants to stop.
    pub stop: &'a AtomicBool,
    /// Pace of the replay.
    pub speed: Speed,
    /// Shows how far it is.
    pub progress: ProgressBar,
    /// What an allocation inside the sealed stretch does.
    pub on_sealed: OnSealed,
    /// The wire to the market.
    pub wire: Wire,
    /// Instruments that get their ids in this order, where the feed has none of its own.
    pub named: &'a [Symbol],
    /// Where faults were first seen.
    pub places: Places,
}

/// How a replay ended.
#[derive(Debug, Default)]
pub struct Ended {
    /// The input broke: what was read until then counts.
    pub broken: Option<Failure>,
    /// The user stopped it.
    pub interrupted: bool,
    /// Engine time of the first and last item.
    pub first: Nanos,
    /// Engine time of the last item.
    pub last: Nanos,
    /// Items handed to the feed.
    pub items: u64,
    /// Capture times that were not believed.
    pub disbelieved: u64,
    /// Allocations inside sealed stretches; `None` where they are not counted.
    pub sealed_allocations: Option<u64>,
    /// Wall time of the loop.
    pub wall: Duration,
}

/// What one stretch came to.
enum Stretch {
    More,
    End,
    Broken(Failure),
}

impl<S: Strategy, M: Market> Drive<'_, S, M> {
    /// Replays everything, or what can be read.
    ///
    /// # Errors
    /// An output cannot be written.
    pub fn run(&mut self, feed: &mut impl ItemFeed) -> Result<Ended, Failure> {
        let mut turn = Turn {
            ended: Ended::default(),
            pacer: Pacer::new(self.speed),
            times: Times::default(),
        };
        let counted_before = guard::sealed_allocations();
        let mut counted = counted_before;
        let start = Instant::now();
        while !self.stop.load(Ordering::Relaxed) {
            let stretch = self.sealed_stretch(feed, &mut turn);
            if let Some(failure) = self.path.gate.explain() {
                turn.ended.broken = Some(Failure::wrong(failure));
                break;
            }
            match stretch {
                Stretch::Broken(failure) => turn.ended.broken = Some(failure),
                Stretch::More => {
                    counted = guard::sealed_allocations();
                    self.house_keeping()?;
                    continue;
                }
                Stretch::End => counted = guard::sealed_allocations(),
            }
            break;
        }
        turn.ended.interrupted = self.stop.load(Ordering::Relaxed);
        self.finish(feed, &mut turn);
        self.path.gate.catch_up();
        if let (None, Some(failure)) = (&turn.ended.broken, self.path.gate.explain()) {
            turn.ended.broken = Some(Failure::wrong(failure));
        }
        turn.ended.wall = start.elapsed();
        turn.ended.disbelieved = turn.times.disbelieved;
        let installed = guard::allocations() > 0 && self.twin.is_none();
        turn.ended.sealed_allocations = installed.then(|| counted - counted_before);
        self.outputs.flush(&mut self.path.recorder, &self.path.instruments, &self.clock)?;
        self.progress.finish_and_clear();
        Ok(turn.ended)
    }

    /// Before the first packet: symbols of the file's head, instruments of the definition file.
    pub fn start(&mut self, feed: &mut impl ItemFeed) {
        let known: Vec<_> =
            self.path.instruments.iter().filter(|i| i.flags.defined).copied().collect();
        let mut walk = self.walk();
        known.iter().for_each(|instrument| walk.on_definition(instrument));
        for (id, symbol) in self.reader.dbn_symbols() {
            feed.name(id, &symbol, &mut self.walk());
        }
        for symbol in self.named {
            feed.assign(*symbol, &mut self.walk());
        }
        for instrument in self.reader.tick_instruments() {
            feed.define(&instrument, &mut self.walk());
        }
    }

    fn sealed_stretch(&mut self, feed: &mut impl ItemFeed, turn: &mut Turn) -> Stretch {
        // The twin is made of standard maps: with it the loop allocates, and says so.
        let _seal = self.twin.is_none().then(|| guard::seal(self.on_sealed));
        for _ in 0..STRETCH_ITEMS {
            if self.path.recorder.is_filling() {
                break;
            }
            match self.step(feed, turn) {
                Ok(true) => {}
                Ok(false) => return Stretch::End,
                Err(failure) => return Stretch::Broken(failure),
            }
            if turn.pacer.is_paced() && self.stop.load(Ordering::Relaxed) {
                break;
            }
        }
        Stretch::More
    }

    /// One item through everything. `false` at the end of the input.
    #[inline]
    fn step(&mut self, feed: &mut impl ItemFeed, turn: &mut Turn) -> Result<bool, Failure> {
        let Some(mut item) = self.reader.next().map_err(unsealed_failure)? else {
            return Ok(false);
        };
        turn.ended.items += 1;
        if let Some(time) = item.time() {
            let at = turn.times.believe(time);
            item = item.at(at);
            turn.pacer.wait(at, self.stop);
            turn.ended.first = if turn.ended.first == Nanos(0) { at } else { turn.ended.first };
            turn.ended.last = turn.ended.last.max(at);
        }
        self.path.stamps.packet(turn.ended.items);
        // Not through `walk()`: the item borrows the reader, which stands beside the parts it needs.
        let mut walk = Walk {
            path: &mut self.path,
            market: &mut self.market,
            definitions: self.definitions,
            twin: self.twin.as_deref_mut(),
            wire: &mut self.wire,
        };
        feed.take(&item, &mut walk);
        note_faults(&mut self.places, &item, feed, self.path.books.counts());
        Ok(true)
    }

    fn finish(&mut self, feed: &mut impl ItemFeed, turn: &mut Turn) {
        self.path.stamps.packet(turn.ended.items);
        let mut walk = self.walk();
        feed.finish(turn.ended.items, turn.ended.last, &mut walk);
        if M::TAKES_ORDERS {
            let end = walk.wire.clock.plus(LINGER_NS);
            walk.advance(end);
        }
    }

    fn walk(&mut self) -> Walk<'_, S, M> {
        Walk {
            path: &mut self.path,
            market: &mut self.market,
            definitions: self.definitions,
            twin: self.twin.as_deref_mut(),
            wire: &mut self.wire,
        }
    }

    fn house_keeping(&mut self) -> Result<(), Failure> {
        self.path.log.settle();
        if self.path.recorder.is_filling() {
            self.outputs.flush(&mut self.path.recorder, &self.path.instruments, &self.clock)?;
        }
        self.progress.set_position(self.reader.progress().0);
        Ok(())
    }
}

/// Keeps the place of what was not seen before, where the feed tells.
#[inline]
fn note_faults<F: ItemFeed>(places: &mut Places, item: &Item<'_>, feed: &F, books: BookCounts) {
    if F::TELLS_PLACES {
        let counts = BookCounts { overflow: 0, ..books }; // slow is not wrong
        places.look(Place::of(item), feed.faults().chain(counts.iter()));
    }
}

/// An error ends the run: what it allocates is no allocation of the hot path.
#[cold]
fn unsealed_failure(error: crate::input::InputError) -> Failure {
    error.into()
}

/// What the loop carries from item to item.
struct Turn {
    ended: Ended,
    pacer: Pacer,
    times: Times,
}

/// Takes a jump of capture times over more than a day for a damaged stamp, unless the next item
/// confirms it; until then time stands still.
#[derive(Default)]
struct Times {
    last: Nanos,
    doubtful: Option<Nanos>,
    disbelieved: u64,
}

/// Further apart than this, two neighbours of a capture are a new day or a damaged stamp.
const JUMP_NS: u64 = 86_400_000_000_000;

impl Times {
    #[inline]
    fn believe(&mut self, at: Nanos) -> Nanos {
        let near = |other: Nanos| at.0.abs_diff(other.0) <= JUMP_NS;
        if self.last == Nanos(0) || near(self.last) {
            (self.last, self.doubtful) = (at, None);
            return at;
        }
        self.doubt(at, self.doubtful.is_some_and(near))
    }

    #[cold]
    fn doubt(&mut self, at: Nanos, confirmed: bool) -> Nanos {
        if confirmed {
            (self.last, self.doubtful) = (at, None);
        } else {
            self.doubtful = Some(at);
            self.disbelieved += 1;
        }
        self.last
    }
}

/// The wire to the market: how far its clock is, and a message on its way.
#[derive(Default)]
pub struct Wire {
    /// Engine time up to which the market was heard; 0 before the first event.
    clock: Nanos,
    frame: Frame,
    /// Engine time is the venue's own time of each message.
    exchange_clock: bool,
}

impl Wire {
    /// A wire before the first event.
    pub fn new(clock: EngineClock) -> Wire {
        Wire { exchange_clock: clock == EngineClock::Exchange, ..Wire::default() }
    }
}

/// A hot path with the market its orders go to: what a feed is connected to.
struct Walk<'a, S, M> {
    path: &'a mut HotPath<S, TradeGate>,
    market: &'a mut M,
    definitions: &'a Definitions,
    twin: Option<&'a mut Twin>,
    wire: &'a mut Wire,
}

impl<S: Strategy, M: Market> Walk<'_, S, M> {
    #[inline(always)]
    fn event(&mut self, event: &BookEvent) {
        self.path.stamps.mark(Stage::Decode);
        if M::TAKES_ORDERS && event.capture_ns > self.wire.clock {
            self.advance(event.capture_ns);
        }
        self.path.on_event(event, self.market);
        if M::TAKES_ORDERS {
            self.path.stamps.pause();
            self.market.on_event(event);
            self.path.stamps.resume();
        }
        if let Some(twin) = &mut self.twin {
            twin.check(event, &self.path.books);
        }
    }

    /// Time goes on: hears what the venue said until then, each message at its own time. The first
    /// time, it logs in, some time before.
    #[inline(never)]
    fn advance(&mut self, now: Nanos) {
        self.path.stamps.pause();
        if self.wire.clock == Nanos(0) {
            self.path.log_in(Nanos(now.0.saturating_sub(LOGIN_LEAD_NS)), self.market);
        }
        self.wire.clock = now;
        while let Some(at) = self.market.next_message(now, &mut self.wire.frame) {
            self.path.on_order_bytes(at, self.wire.frame.bytes(), self.market);
        }
        self.path.keep_alive(now, self.market);
        self.path.stamps.resume();
    }

    #[inline(never)]
    fn event_by_exchange_clock(&mut self, event: &BookEvent) {
        self.event(&BookEvent { capture_ns: event.exch_ns.max(self.wire.clock), ..*event });
    }
}

impl<S: Strategy, M: Market> EventSink for Walk<'_, S, M> {
    #[inline(always)]
    fn on_event(&mut self, event: &BookEvent) {
        if self.wire.exchange_clock {
            return self.event_by_exchange_clock(event);
        }
        self.event(event);
    }

    fn on_definition(&mut self, instrument: &Instrument) {
        let whole = self.definitions.complete(instrument);
        self.path.on_definition(&whole);
        self.market.define(&whole);
        if let Some(twin) = &mut self.twin {
            twin.define(&whole);
        }
    }

    #[inline]
    fn hint(&mut self, instrument: InstrumentId, order: OrderRef) {
        self.path.hint(instrument, order);
    }

    #[inline]
    fn touch(&self, instrument: InstrumentId) -> Touch {
        self.path.books.touch(instrument)
    }
}

/// Holds packets back until their time has come.
struct Pacer {
    factor: Option<f64>,
    start: Option<(Instant, Nanos)>,
}

/// How long a paced replay sleeps before it looks whether it should stop.
const NAP: Duration = Duration::from_millis(50);

impl Pacer {
    fn new(speed: Speed) -> Pacer {
        let factor = match speed {
            Speed::Max => None,
            Speed::Times(factor) => Some(factor),
        };
        Pacer { factor, start: None }
    }

    fn is_paced(&self) -> bool {
        self.factor.is_some()
    }

    #[inline]
    fn wait(&mut self, at: Nanos, stop: &AtomicBool) {
        if let Some(factor) = self.factor {
            let (start, first) = *self.start.get_or_insert((Instant::now(), at));
            let due = Duration::from_secs_f64(at.since(first) as f64 / 1e9 / factor);
            while let Some(left) = due.checked_sub(start.elapsed()).filter(|d| !d.is_zero()) {
                if stop.load(Ordering::Relaxed) {
                    return;
                }
                std::thread::sleep(left.min(NAP));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lone_jump_of_time_is_not_believed_and_a_new_day_is() {
        const DAY: u64 = JUMP_NS;
        let mut times = Times::default();
        let seen: Vec<u64> = [5, 7, 9 * DAY, 8, 6, 3 * DAY, 3 * DAY + 1, 3 * DAY]
            .map(|at| times.believe(Nanos(at)).0)
            .into();
        assert_eq!(seen, [5, 7, 7, 8, 6, 6, 3 * DAY + 1, 3 * DAY]);
        assert_eq!(times.disbelieved, 2);
    }
}
