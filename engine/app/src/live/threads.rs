//! The threads of a live run: begun, watched, ended.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use nofx_mailbox::{KillWords, Settled};
use nofx_order::SessionState;
use nofx_rt::clock::CycleClock;
use nofx_rt::guard::{self, OnSealed};
use nofx_rt::tile::{self, Idle, Tile, TileConfig, TileStats};
use nofx_rt::topology::{Stage, TileSpec, Topology};
use nofx_signal::Strategy;

use super::clock::EngineClock;
use super::config::LiveSection;
use super::service::Service;
use super::shared::Shared;
use super::split::ReceiveTile;
use super::start::Built;
use super::summary::{LiveSummary, Parts as SummaryParts};
use super::tile::{TileParts, TradeTile};
use super::writer::Writer;
use crate::failure::Failure;
use crate::gate::{TradeGate, failure_name};
use crate::notify::Notify;
use crate::outputs::complain;

/// How a run is watched and ended.
pub struct Terms<'a> {
    /// The layout of the tiles.
    pub topology: &'a Topology,
    /// The section `[live]`.
    pub live: &'a LiveSection,
    /// Set from outside to end the run.
    pub stop: &'a AtomicBool,
    /// When it ends by itself.
    pub until: Option<Instant>,
    /// What an allocation on the sealed tile does.
    pub on_sealed: OnSealed,
    /// When the process began.
    pub begun: Instant,
}

type Traded<S> = (Box<TradeTile<S, TradeGate>>, Box<TileStats>);

impl<S: Strategy + Send + 'static> Built<S> {
    /// Begins the threads, watches until the trade tile has ended, and gathers what they did.
    ///
    /// # Errors
    /// A thread that cannot stand where it is to stand, or a journal that is not whole.
    pub fn run(self, terms: &Terms<'_>) -> Result<LiveSummary, Failure> {
        let Built { tile, receive, writer, engine, shared, clock, restored } = self;
        let writing = spawn_writer(writer, terms.topology)?;
        let receiving = receive.map(|work| spawn_receive(work, terms.topology)).transpose()?;
        let trading = spawn_trade(tile, terms)?;
        let mut watch = Watch::new(terms, clock, engine.kill_words().clone());
        while !trading.is_finished() {
            watch.look(&shared);
            std::thread::sleep(WATCH_EVERY);
        }
        watch.look(&shared);
        let ended = trading.join();
        shared.stop.store(true, Ordering::Release);
        shared.tile_ended.store(true, Ordering::Release);
        let received = receiving.and_then(Tile::join);
        let written = writing.join().unwrap_or_else(|| Err("the journal writer failed".into()));
        let Some((mut tile, stats)) = ended else {
            return Err(Failure::wrong(
                "the trade tile ended by a defect: its journal is whole up to there; orders at the \
                 venue may be open",
            ));
        };
        let (begun, journal) = (terms.begun, terms.live.journal.clone());
        tile.core.path.gate.catch_up();
        let gate = tile.core.path.gate.report();
        let told = tile.core.path.gate.explain();
        told.iter().for_each(complain);
        let (tile, stats) = (&*tile, &*stats);
        let parts = SummaryParts { tile, stats, received, restored, begun, journal };
        let summary = LiveSummary { gate, ..LiveSummary::of(parts) };
        written.map(|()| summary.clone()).map_err(|reason| {
            complain(&summary);
            Failure::output(reason)
        })
    }
}

/// How long orders are out of reach before the operator is told.
const STRANDED_FOR: Duration = Duration::from_secs(2);

/// How often the waiting thread looks.
const WATCH_EVERY: Duration = Duration::from_millis(5);

/// What the waiting thread looks at.
struct Watch<'a> {
    terms: &'a Terms<'a>,
    clock: EngineClock,
    kill: KillWords,
    service: Service,
    settled: Settled,
    told: Told,
    drift_told: bool,
}

impl<'a> Watch<'a> {
    fn new(terms: &'a Terms<'a>, clock: EngineClock, kill: KillWords) -> Watch<'a> {
        let (settled, told) = (Settled::default(), Told::default());
        let trade = terms.topology.tile_of(Stage::Feed).map_or("", |tile| tile.name.as_str());
        let service = Service::new(Notify::from_env(), &terms.live.mailbox, trade);
        Watch { terms, clock, kill, service, settled, told, drift_told: false }
    }

    fn look(&mut self, shared: &Arc<Shared>) {
        let over = self.terms.until.is_some_and(|until| Instant::now() >= until);
        if over || self.terms.stop.load(Ordering::Relaxed) {
            shared.stop.store(true, Ordering::Release);
            self.service.stopping();
        }
        self.service.look();
        self.told.look(shared);
        self.kill.settle(&mut self.settled);
        let drift = self.clock.drift_ns().unsigned_abs() / 1_000_000;
        if drift >= u64::from(self.terms.live.clock_step_ms) && !self.drift_told {
            self.drift_told = true;
            complain(format_args!(
                "ALARM: the wall clock was stepped by {drift} ms; the engine's time goes on without \
                 the step (live.clock_step_ms)"
            ));
        }
    }
}

/// States of a channel that last for moments: gap and retransmission.
const PASSING_STATES: [u8; 2] = [2, 3];

/// Which states the operator was told of.
#[derive(Default)]
struct Told {
    session: Option<SessionState>,
    channel: u8,
    silent: [bool; 2],
    journal_room: u8,
    gate_failed: bool,
    stranded: u32,
    stranded_since: Option<Instant>,
}

impl Told {
    fn gate(&mut self, shared: &Shared) {
        let Some(why) = shared.gate_failed().filter(|_| !self.gate_failed) else { return };
        self.gate_failed = true;
        complain(format_args!(
            "ALARM: the risk gate failed ({}): no new orders, open ones are cancelled; start again \
             when the cause is mended",
            failure_name(why)
        ));
    }

    fn look(&mut self, shared: &Shared) {
        let room = shared.journal_room.load(Ordering::Acquire);
        if room != self.journal_room {
            self.journal_room = room;
            complain(match room {
                0 => "the journal has caught up: orders may go on",
                1 => "ALARM: the journal falls behind, no new orders are sent",
                _ => "ALARM: the journal had no room for records, no new orders until a restart",
            });
        }
        let session = shared.session();
        if session != self.session {
            self.session = session;
            if let Some(state) = session {
                complain(format_args!("order session {state}"));
            }
        }
        self.gate(shared);
        self.stranded(shared);
        let channel = shared.channel.load(Ordering::Acquire);
        // Holes come and go with every lost packet: counted, and shown by `nofx top`.
        if channel != self.channel && !PASSING_STATES.contains(&channel) {
            self.channel = channel;
            let name = nofx_shot::words::channel(channel);
            complain(format_args!("feed {name}"));
        }
        for (line, name) in ["A", "B"].into_iter().enumerate() {
            let silent = shared.silent(line);
            if self.silent.get(line).is_some_and(|told| *told != silent) {
                self.silent[line] = silent;
                let what = if silent { "ALARM: is silent" } else { "speaks again" };
                complain(format_args!("line {name}: {what}"));
            }
        }
    }
}

impl Told {
    /// Orders that a lost session left open, with nothing to cancel them by.
    fn stranded(&mut self, shared: &Shared) {
        let (count, ids) = shared.stranded();
        if count == self.stranded {
            self.stranded_since = None;
            return;
        }
        // A login that is under way strands nobody.
        let since = *self.stranded_since.get_or_insert_with(Instant::now);
        if count > 0 && since.elapsed() < STRANDED_FOR {
            return;
        }
        self.stranded_since = None;
        self.stranded = count;
        if count == 0 {
            return complain("no order is out of reach any more");
        }
        let named: Vec<String> = ids.iter().map(u32::to_string).collect();
        let more = if ids.len() < count as usize { ", and more" } else { "" };
        complain(format_args!(
            "ALARM: {count} orders are open at the venue and no session can cancel them: {}{more} \
             (a mainland gateway takes a second session: session.rescue)",
            named.join(", ")
        ));
    }
}

/// How a tile's loop turns.
fn pace(topology: &Topology, idle: Idle) -> TileConfig {
    let cycles = CycleClock::calibrate(Duration::from_millis(2));
    TileConfig {
        idle,
        burst: topology.rules.burst,
        house_keeping: cycles.cycles_of(topology.rules.house_keeping_ns),
    }
}

/// The tile that runs `stage`; the layout was checked to have one.
fn tile_of(topology: &Topology, stage: Stage) -> Result<&TileSpec, Failure> {
    let missing = || Failure::usage(format!("tile.stages: no tile runs {}", stage.name()));
    topology.tile_of(stage).ok_or_else(missing)
}

fn spawn_writer(writer: Writer, topology: &Topology) -> Result<Tile<Result<(), String>>, Failure> {
    let house = topology.placement(tile_of(topology, Stage::House)?);
    tile::spawn(house, move || writer.run()).map_err(Failure::usage)
}

fn spawn_trade<S: Strategy + Send + 'static>(
    parts: TileParts<S, TradeGate>,
    terms: &Terms<'_>,
) -> Result<Tile<Traded<S>>, Failure> {
    let spec = tile_of(terms.topology, Stage::Feed)?;
    let pace = pace(terms.topology, terms.topology.idle(spec));
    let on_sealed = terms.on_sealed;
    let place = terms.topology.placement(spec);
    tile::spawn(place, move || trade(parts, &pace, on_sealed)).map_err(Failure::usage)
}

/// The trade tile's thread: sealed from the first turn to the last.
fn trade<S: Strategy>(
    parts: TileParts<S, TradeGate>,
    pace: &TileConfig,
    on_sealed: OnSealed,
) -> Traded<S> {
    let mut tile = Box::new(TradeTile::new(parts));
    let mut stats = Box::new(TileStats::default());
    tile.core.define_known(&mut tile.tape);
    tile.inherit();
    {
        let _seal = guard::seal(on_sealed);
        tile::run(&mut *tile, pace, &mut stats);
    }
    tile.close();
    (tile, stats)
}

fn spawn_receive(
    mut work: ReceiveTile,
    topology: &Topology,
) -> Result<Tile<(ReceiveTile, TileStats)>, Failure> {
    let spec = tile_of(topology, Stage::Receive)?;
    let pace = pace(topology, topology.idle(spec));
    tile::spawn(topology.placement(spec), move || {
        let mut stats = TileStats::default();
        {
            let _seal = guard::seal(OnSealed::Count);
            tile::run(&mut work, &pace, &mut stats);
        }
        (work, stats)
    })
    .map_err(Failure::usage)
}
