//! Building a live engine: from what is known before the strategy to threads that wait to begin.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use nofx_gate::Gate;
use nofx_mailbox::journal::{Consumer, Producer};
use nofx_mailbox::{Engine, IdFile, Spec};
use nofx_rt::clock::CycleClock;
use nofx_rt::tile::Idle;
use nofx_rt::topology::{LinkSpec, Stage, TileSpec, Topology};
use nofx_rt::usage;
use nofx_signal::Strategy;
use nofx_types::{InstrumentId, Nanos};

use super::acks::Acks;
use super::clock::EngineClock;
use super::core::Core;
use super::door::Door;
use super::events::Events;
use super::market_feed::MarketFeed;
use super::record::Kind;
use super::restart::Restored;
use super::run::{RunArgs, StartRecord, feed, memory, path};
use super::shared::Shared;
use super::split::{ReceivePages, ReceiveTile, split};
use super::tape::{KillWatch, Tape, to_mailbox};
use super::tile::{Paces, TileParts};
use super::views::{ViewParts, ViewWriter, counter_names, histogram_names};
use super::writer::{Files, Writer};
use super::{journal, ports};
use crate::config::Config;
use crate::definitions::Definitions;
use crate::failure::Failure;
use crate::gate::TradeGate;
use crate::hot_path::HotPath;
use crate::outputs::complain;

/// Everything that is known before the strategy is.
pub struct Starting<'a> {
    /// The command line.
    pub args: &'a RunArgs,
    /// The configuration.
    pub config: &'a Config,
    /// The configuration as text, for the first record.
    pub text: String,
    /// The layout of the tiles.
    pub topology: &'a Topology,
    /// The journal.
    pub files: Files,
    /// Number of its next record.
    pub first_number: u64,
    /// Instruments known from a file.
    pub definitions: Definitions,
    /// What is traded.
    pub traded: Vec<InstrumentId>,
}

/// An engine that waits for its threads.
pub struct Built<S> {
    /// What the trade tile is made of.
    pub tile: TileParts<S, TradeGate>,
    /// The receive tile, where the layout has one.
    pub receive: Option<ReceiveTile>,
    /// The journal writer.
    pub writer: Writer,
    /// The mailbox.
    pub engine: Arc<Engine>,
    /// Words of the threads.
    pub shared: Arc<Shared>,
    /// The engine's time.
    pub clock: EngineClock,
    /// What former runs left.
    pub restored: Restored,
}

/// Order ids of this run.
struct Ids {
    file: IdFile,
    first: u32,
    limit: u32,
}

/// Requests of control that may wait.
const COMMANDS: u32 = 64;

/// The mailbox, and the ends of it that threads take.
struct Mailbox {
    engine: Engine,
    producer: Producer,
    consumer: Consumer,
    door: Door,
    events: Events,
}

/// The stages as the runs before left them.
struct Revived<S> {
    path: HotPath<S, TradeGate>,
    feed: MarketFeed,
    restored: Restored,
}

impl Starting<'_> {
    /// Builds everything that can fail, so that the threads only have to run.
    ///
    /// # Errors
    /// What kept it from starting, in words.
    pub fn build<S: Strategy>(mut self, strategy: S) -> Result<Built<S>, Failure> {
        let mut ids = self.ids()?;
        let mut start = self.start_record(&ids);
        let Revived { mut path, feed, restored } = self.revive(&mut start, strategy)?;
        let clock = EngineClock::start(restored.last);
        let Mailbox { engine, producer, consumer, door, events } =
            self.mailbox(clock.now(), &path, &restored)?;
        start.epoch = engine.epoch();
        path.orders.set_epoch(start.epoch);
        path.gate.on_epoch(start.epoch);
        let ports = self.ports()?;
        let seen = (events, Acks::new(clock));
        let mut tape = self.tape(producer, &engine, start.epoch, seen)?;
        // Last of what can fail: a start that is refused again and again uses up no ids.
        let block = self.config.live.id_block;
        ids.file.reserve(block.into()).map_err(Failure::output)?;
        let json = serde_json::to_vec(&start).map_err(Failure::wrong)?;
        tape.put(Kind::Start, clock.now(), &[&json]);
        engine.set_state(nofx_mailbox::EngineState::Recovering);

        let engine = Arc::new(engine);
        let shared = Arc::new(Shared::default());
        shared.id_limit.store(ids.limit, Ordering::Release);
        shared.id_used.store(ids.first, Ordering::Release);
        let (ports, mut receive) = split(ports, self.topology)?;
        if let Some(receive) = &mut receive {
            receive.begin(Arc::clone(&shared), self.receive_pages(&engine, clock));
        }
        let clean_up = start.open_orders > 0;
        let known = std::mem::take(&mut self.definitions);
        let tile = TileParts {
            core: Core::new(path, feed, known, clean_up),
            tape,
            ports,
            lines: self.config.network.heard().map(|line| line.group).collect(),
            clock,
            shared: Arc::clone(&shared),
            views: self.views(&engine),
            door,
            paces: self.paces(),
        };
        let house = self.topology.tiles.iter().position(|tile| tile.stages.contains(&Stage::House));
        let heart = (engine.heart(house.unwrap_or(0)), clock);
        let writer = Writer::new(consumer, self.files, ids.file, block, Arc::clone(&shared), heart);
        Ok(Built { tile, receive, writer, engine, shared, clock, restored })
    }

    /// The ids that will be reserved: nobody else can, while the file is open here.
    fn ids(&self) -> Result<Ids, Failure> {
        let file = IdFile::open(self.config.live.journal.join("ids")).map_err(Failure::usage)?;
        let last = file.next().saturating_add(u64::from(self.config.live.id_block) - 1);
        let (first, last) = (u32::try_from(file.next()), u32::try_from(last));
        let (Ok(first), Ok(limit)) = (first, last) else {
            return Err(Failure::usage("order ids have run out: begin a new journal folder"));
        };
        Ok(Ids { file, first, limit })
    }

    fn start_record(&self, ids: &Ids) -> StartRecord {
        StartRecord {
            version: env!("CARGO_PKG_VERSION").into(),
            config: self.text.clone(),
            traded: self.traded.iter().map(|id| id.0).collect(),
            first_id: ids.first,
            id_limit: ids.limit,
            epoch: 0,
            open_orders: 0,
        }
    }

    /// The stages, with the orders and positions of former runs in them.
    fn revive<S: Strategy>(
        &self,
        start: &mut StartRecord,
        strategy: S,
    ) -> Result<Revived<S>, Failure> {
        let config = self.config;
        let mut path =
            path(config, &config.gate, &self.definitions, start, self.args.stamps, strategy)?;
        let restored = journal::restore(&config.live.journal, &mut path)?;
        start.open_orders = path.orders.open_orders() as u64;
        if restored.runs > 0 {
            complain(format_args!("restored from the journal: {restored}"));
        }
        let feed = feed(config)?;
        let locked = match usage::lock_memory() {
            Ok(()) => "locked".to_owned(),
            Err(error) => format!("not locked ({error}): pages may be taken away"),
        };
        if !self.args.quiet {
            let mib = memory(config, &path, &feed).total() >> 20;
            let pages = path.books.pages();
            complain(format_args!("memory {mib} MiB, books on {pages:?} pages, {locked}"));
        }
        Ok(Revived { path, feed, restored })
    }

    fn mailbox<S: Strategy>(
        &self,
        now: Nanos,
        path: &HotPath<S, TradeGate>,
        restored: &Restored,
    ) -> Result<Mailbox, Failure> {
        let config = self.config;
        let kills = restored.kills().map(to_mailbox).collect();
        let spec = Spec { kills, epoch: restored.epoch, ..self.spec(now, path) };
        let words = (2 * spec.param_rows).max(spec.model_words) as usize;
        let mut engine = Engine::create(&config.live.mailbox, &spec).map_err(Failure::usage)?;
        let ends = (engine.journal(), engine.journal_consumer(), engine.events());
        match (ends, Door::new(&mut engine, words)) {
            ((Some(producer), Some(consumer), Some(ring)), Some(door)) => {
                let events = Events::new(ring, config.instruments.capacity);
                Ok(Mailbox { engine, producer, consumer, door, events })
            }
            _ => Err(Failure::wrong("the mailbox lacks a part")),
        }
    }

    fn ports(&self) -> Result<Vec<ports::AnyPort>, Failure> {
        let ports = ports::open_lines(&self.config.network)?;
        if !self.args.quiet {
            ports.iter().for_each(|port| complain(port.describe()));
        }
        Ok(ports)
    }

    fn tape(
        &self,
        producer: Producer,
        engine: &Engine,
        epoch: u32,
        seen: (Events, Acks),
    ) -> Result<Tape, Failure> {
        let (network, recovery) = (&self.config.network, &self.config.recovery);
        Ok(Tape::new(
            producer,
            KillWatch::new(engine.kill_words().clone(), epoch),
            seen,
            ports::open_orders(network)?,
            self.config.session.rescue.map(ports::stream_to),
            network.stream(recovery).map(ports::stream_to),
            ports::open_replies(network, recovery)?,
            recovery.servers.clone(),
        ))
    }

    fn paces(&self) -> Paces {
        let ms = |ms: u32| u64::from(ms) * 1_000_000;
        Paces { tick: ms(self.config.live.tick_ms), stop: ms(self.config.live.stop_timeout_ms) }
    }

    fn spec<S: Strategy>(&self, started: Nanos, path: &HotPath<S, TradeGate>) -> Spec {
        let config = self.config;
        let model = path.strategy.model();
        let names = |names: Vec<&str>| names.into_iter().map(str::to_owned).collect::<Vec<_>>();
        Spec {
            engine: format!("nofx {}", env!("CARGO_PKG_VERSION")),
            started,
            tiles: names(self.topology.tiles.iter().map(|t| t.name.as_str()).collect()),
            links: names(self.topology.links.iter().map(|l| l.name.as_str()).collect()),
            counters: counter_names(),
            histograms: histogram_names(),
            accounts: config.risk.accounts.into(),
            instruments: config.instruments.capacity,
            book_rows: self.books().len() as u32,
            orders: config.session.orders_max.min(4_096),
            positions: self.traded.len().max(1) as u32,
            lines: config.network.lines.len() as u32,
            sessions: 1,
            journal_bytes: u64::from(config.live.journal_ring_mib) << 20,
            first_number: self.first_number,
            schema: path.params.schema().to_vec(),
            param_rows: config.live.params_rows,
            model_words: model.map_or(0, |model| model.words as u32),
            model_schema: model.map_or(0, |model| model.schema),
            model_kind: model.map_or(0, |model| model.kind),
            commands: COMMANDS,
            events: config.live.events,
            in_force: path.params.in_force_rows(path.traded().len()) as u32,
            ..Spec::default()
        }
    }

    /// Instruments with a page: those traded, or the first of the table where nothing is traded.
    fn books(&self) -> Vec<InstrumentId> {
        let most = self.config.live.views as usize;
        if self.traded.is_empty() {
            let capacity = self.config.instruments.capacity;
            return (1..capacity).map(InstrumentId).take(most).collect();
        }
        self.traded.iter().copied().take(most).collect()
    }

    fn receive_pages(&self, engine: &Engine, clock: EngineClock) -> ReceivePages {
        let spec = self.topology.tile_of(Stage::Receive);
        let name = |tile: &TileSpec| Some(tile) == spec;
        let tile = self.topology.tiles.iter().position(name).unwrap_or(0);
        let from = |link: &LinkSpec| {
            link.ends().zip(spec).is_some_and(|((from, _), spec)| from == spec.name)
        };
        ReceivePages {
            views: engine.views(),
            heart: engine.heart(tile),
            tile,
            link: self.topology.links.iter().position(from).unwrap_or(0),
            core: spec.and_then(|spec| spec.core),
            cycles: CycleClock::calibrate(Duration::from_millis(2)),
            clock,
        }
    }

    fn views(&self, engine: &Arc<Engine>) -> ViewWriter {
        let trade = self.topology.tile_of(Stage::Feed);
        let index = self.topology.tiles.iter().position(|tile| Some(tile) == trade).unwrap_or(0);
        let idle = trade.map_or(Idle::Yield, |tile| self.topology.idle(tile));
        let state = Arc::clone(engine);
        let parts = ViewParts {
            views: engine.views(),
            heart: engine.heart(index),
            counters: (0..counter_names().len()).map(|i| engine.counter(i).clone()).collect(),
            histograms: (0..histogram_names().len()).map(|i| engine.histogram(i).clone()).collect(),
            state: Box::new(move |now| state.set_state(now)),
            books: self.books(),
            row: index,
            core: trade.and_then(|tile| tile.core),
            idle: match idle {
                Idle::Spin => 0,
                Idle::Pause => 1,
                Idle::Yield => 2,
                Idle::Sleep(_) => 3,
            },
            cycles: CycleClock::calibrate(Duration::from_millis(10)),
        };
        ViewWriter::new(parts, 1_000_000_000 / u64::from(self.config.live.view_hz.max(1)))
    }
}
