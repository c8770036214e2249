//! Building a live engine, running it, and ending it.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use clap::Args;
use nofx_feed::{FeedConfig, RecoveringFeed};
use nofx_mailbox::{Engine, IdFile, Settled, Spec};
use nofx_order::{Reconcile, SessionState};
use nofx_risk::SoftwareGate;
use nofx_rt::budget::Budget;
use nofx_rt::clock::CycleClock;
use nofx_rt::guard::{self, OnSealed};
use nofx_rt::sched::allowed_cores;
use nofx_rt::tile::{self, Idle, TileConfig, TileStats};
use nofx_rt::topology::{Stage, Topology};
use nofx_rt::usage;
use nofx_signal::{Maker, Strategy};
use nofx_types::{InstrumentId, Instruments, Nanos};
use serde::{Deserialize, Serialize};

use super::clock::EngineClock;
use super::core::Core;
use super::record::Kind;
use super::shared::Shared;
use super::split::{ReceiveTile, split};
use super::summary::{LiveSummary, Parts as SummaryParts};
use super::tape::{KillWatch, Tape};
use super::tile::{Paces, TileParts, TradeTile};
use super::views::{CHANNEL_STATES, ViewParts, ViewWriter, counter_names, histogram_names};
use super::writer::{Files, Writer};
use super::{config as live_config, journal, ports, prelude};
use crate::assemble::{Assembly, WithStrategy, recovery_config, with_strategy};
use crate::cli::StrategyName;
use crate::config::{self, Config, OuchVersion};
use crate::definitions::Definitions;
use crate::failure::Failure;
use crate::hot_path::HotPath;
use crate::outputs::complain;
use crate::record::Wanted;
use crate::stamps::StampMode;

/// Arguments of `nofx run`.
#[derive(Clone, Debug, Args)]
#[command(
    after_help = "Ends on SIGTERM or Ctrl-C: every order is cancelled, the session logged out, \
    the journal flushed, exit code 0. Watch it with `nofx top`, stop its orders with `nofx kill`, run \
    it again with `nofx replay --journal DIR`."
)]
pub struct RunArgs {
    /// Configuration (TOML); every key is explained in docs/config.md.
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Change one configuration key, e.g. --set network.port=xsk.
    #[arg(long, value_name = "KEY=VALUE")]
    pub set: Vec<String>,
    /// Strategy that trades; overrides the configuration.
    #[arg(long, value_enum)]
    pub strategy: Option<StrategyName>,
    /// Which time stamps to take.
    #[arg(long, value_enum, default_value_t = StampMode::Total)]
    pub stamps: StampMode,
    /// End by itself after so many seconds.
    #[arg(long, value_name = "SECONDS")]
    pub run_for: Option<f64>,
    /// Print the closing report as one JSON object on standard output.
    #[arg(long)]
    pub json: bool,
    /// Print no start-up table.
    #[arg(long, short)]
    pub quiet: bool,
}

/// What the first record of a run says.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct StartRecord {
    /// Version of the engine.
    pub version: String,
    /// The configuration, as TOML.
    pub config: String,
    /// Ids of the traded instruments.
    pub traded: Vec<u32>,
    /// Id of the first order.
    pub first_id: u32,
    /// Ids up to this may be used.
    pub id_limit: u32,
    /// Fencing epoch of its orders.
    pub epoch: u32,
    /// Orders of former runs that were open.
    pub open_orders: u64,
}

/// Reads the configuration of a live run, and refuses one that cannot run.
fn load(args: &RunArgs) -> Result<(Config, String), Failure> {
    let mut settings = args.set.clone();
    if let Some(name) = args.strategy {
        settings.push(format!("strategy.name={}", name.name()));
    }
    let (config, text) = config::load_with_text(args.config.as_deref(), &settings)?;
    live_config::check(&config.live, &config.network)?;
    Maker::new(config.strategy.maker, &[], 1).map_err(Failure::usage)?;
    Ok((config, text))
}

/// The layout of the tiles, and what is unwise about it.
fn layout(config: &Config) -> Result<(Topology, Vec<String>), Failure> {
    let cores = allowed_cores().map_err(|e| Failure::usage(format!("cores: {e}")))?;
    let topology = config.layout(&cores);
    let warnings = topology.check(&cores).map_err(Failure::usage)?;
    let trade = topology.tile_of(Stage::Feed);
    let together = Stage::WAY[1..].iter().all(|stage| topology.tile_of(*stage) == trade);
    if !together {
        return Err(Failure::usage(
            "tile.stages: feed, book, signal, risk and order run on one tile; receive may have its \
             own",
        ));
    }
    Ok((topology, warnings.iter().map(ToString::to_string).collect()))
}

/// `nofx check`: everything that can be known without running.
///
/// # Errors
/// What cannot be used, by its key.
pub fn check(args: &RunArgs) -> Result<String, Failure> {
    let (config, _) = load(args)?;
    let (topology, warnings) = layout(&config)?;
    let path = Assembly {
        config: &config,
        instruments: Instruments::new(config.instruments.capacity),
        traded: &[],
        wanted: Wanted::default(),
        stamps: StampMode::None,
        first_id: 1,
        reconcile: reconcile(&config),
    }
    .path(nofx_signal::Null)?;
    let feed = feed(&config)?;
    let budget = memory(&config, &path, &feed);
    let mut text = format!("{topology}\nmemory\n{budget}");
    for line in &config.network.lines {
        text += &format!("\nline    {line} by {}", config.network.port);
    }
    if let Some(orders) = config.network.orders {
        text += &format!("\norders  {orders}");
    }
    warnings.iter().for_each(|warning| text += &format!("\nwarning {warning}"));
    Ok(text)
}

/// What the engine holds in memory, by name: all of it is there before the first packet.
fn memory<S, G>(config: &Config, path: &HotPath<S, G>, feed: &RecoveringFeed) -> Budget {
    let mut budget = Budget::new();
    for (name, bytes) in path.books.memory().chain(path.orders.memory()) {
        budget = budget.add(name, bytes);
    }
    budget
        .add("positions", path.positions.bytes())
        .add("feed", feed.report().memory_bytes)
        .add("journal ring", u64::from(config.live.journal_ring_mib) << 20)
}

/// The feed that the configuration describes.
pub(super) fn feed(config: &Config) -> Result<RecoveringFeed, Failure> {
    let section = &config.feed;
    let feed = FeedConfig {
        lines: config.network.lines.len().max(1),
        reorder_packets: section.reorder_packets as usize,
        gap_timeout_ns: section.gap_timeout_ns,
        instruments: config.instruments.capacity,
        ..FeedConfig::default()
    };
    RecoveringFeed::new(feed, recovery_config(&config.recovery))
        .map_err(|e| Failure::usage(format!("feed, recovery: {e}")))
}

/// The stages of a run that begins as `start` says.
pub(super) fn path<S: Strategy>(
    config: &Config,
    definitions: &Definitions,
    start: &StartRecord,
    stamps: StampMode,
    strategy: S,
) -> Result<HotPath<S, SoftwareGate>, Failure> {
    let mut instruments = Instruments::new(config.instruments.capacity);
    definitions.start(&mut instruments);
    let traded: Vec<InstrumentId> = start.traded.iter().map(|id| InstrumentId(*id)).collect();
    let assembly = Assembly {
        config,
        instruments,
        traded: &traded,
        wanted: Wanted::default(),
        stamps,
        first_id: start.first_id,
        reconcile: reconcile(config),
    };
    let mut path = assembly.path(strategy)?;
    path.orders.set_epoch(start.epoch);
    path.orders.set_id_limit(start.id_limit);
    path.gate.set_epoch(start.epoch);
    Ok(path)
}

/// What a login must prove, as far as the protocol can.
fn reconcile(config: &Config) -> Reconcile {
    match config.session.protocol {
        OuchVersion::Ouch50 => Reconcile::Query,
        OuchVersion::Ouch42 => Reconcile::Quiet,
    }
}

/// The definitions that the configuration names.
pub(super) fn definitions(config: &Config) -> Result<Definitions, Failure> {
    match &config.instruments.definitions {
        Some(file) => Definitions::load(file, &config.instruments.date).map_err(Failure::usage),
        None => Ok(Definitions::default()),
    }
}

/// Runs until `stop` is set or the time is over.
///
/// # Errors
/// What kept it from starting, or a journal that is not whole.
pub fn run(
    args: &RunArgs,
    stop: &Arc<AtomicBool>,
    on_sealed: OnSealed,
) -> Result<LiveSummary, Failure> {
    let (config, text) = load(args)?;
    let (topology, warnings) = layout(&config)?;
    if !args.quiet {
        complain(format_args!("layout\n{topology}"));
    }
    warnings.iter().for_each(|warning| complain(format_args!("warning: {warning}")));
    let begun = Instant::now();
    let opened = journal::open(&config.live, &config.network, super::clock::wall())?;
    if opened.completed {
        complain("the journal of the run before was completed from its ring");
    }
    let definitions = definitions(&config)?;
    let traded = match config.strategy.name {
        StrategyName::Null => Vec::new(),
        _ => prelude::traded(&config, &definitions, stop)?,
    };
    let starting = Starting {
        args,
        config: &config,
        text,
        topology: &topology,
        files: opened.files,
        first_number: opened.next,
        definitions,
        traded: traded.clone(),
        stop,
        on_sealed,
        begun,
    };
    with_strategy(&config, &traded, starting)
}

/// Everything that is known before the strategy is.
struct Starting<'a> {
    args: &'a RunArgs,
    config: &'a Config,
    text: String,
    topology: &'a Topology,
    files: Files,
    first_number: u64,
    definitions: Definitions,
    traded: Vec<InstrumentId>,
    stop: &'a Arc<AtomicBool>,
    on_sealed: OnSealed,
    begun: Instant,
}

impl WithStrategy for Starting<'_> {
    type Output = LiveSummary;

    fn with<S: Strategy + Send + 'static>(self, strategy: S) -> Result<LiveSummary, Failure> {
        self.start(strategy)
    }
}

/// Where the journal stands when a run begins.
struct Ids {
    file: IdFile,
    first: u32,
    limit: u32,
}

impl Starting<'_> {
    fn ids(&self) -> Result<Ids, Failure> {
        let mut file =
            IdFile::open(self.config.live.journal.join("ids")).map_err(Failure::usage)?;
        let block = file.reserve(self.config.live.id_block.into()).map_err(Failure::output)?;
        let (first, last) = (u32::try_from(block.start), u32::try_from(block.end - 1));
        let (Ok(first), Ok(limit)) = (first, last) else {
            return Err(Failure::usage("order ids have run out: begin a new journal folder"));
        };
        Ok(Ids { file, first, limit })
    }

    fn spec(&self, started: Nanos) -> Spec {
        let config = self.config;
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

    fn start<S: Strategy + Send + 'static>(mut self, strategy: S) -> Result<LiveSummary, Failure> {
        let config = self.config;
        let ids = self.ids()?;
        let mut start = StartRecord {
            version: env!("CARGO_PKG_VERSION").into(),
            config: self.text.clone(),
            traded: self.traded.iter().map(|id| id.0).collect(),
            first_id: ids.first,
            id_limit: ids.limit,
            epoch: 0,
            open_orders: 0,
        };
        let mut path = path(config, &self.definitions, &start, self.args.stamps, strategy)?;
        let restored = journal::restore(&config.live.journal, &mut path)?;
        start.open_orders = path.orders.open_orders() as u64;
        if restored.runs > 0 {
            complain(format_args!("restored from the journal: {restored}"));
        }
        let feed = feed(config)?;
        let budget = memory(config, &path, &feed);
        let locked = match usage::lock_memory() {
            Ok(()) => "locked".to_owned(),
            Err(error) => format!("not locked ({error}): pages may be taken away"),
        };
        if !self.args.quiet {
            let (mib, pages) = (budget.total() >> 20, path.books.pages());
            complain(format_args!("memory {mib} MiB, books on {pages:?} pages, {locked}"));
        }
        let clock = EngineClock::start(restored.last);
        let spec = self.spec(clock.now());
        let mut engine = Engine::create(&config.live.mailbox, &spec).map_err(Failure::usage)?;
        start.epoch = engine.epoch();
        path.orders.set_epoch(start.epoch);
        path.gate.set_epoch(start.epoch);
        let ports = ports::open_lines(&config.network)?;
        for port in &ports {
            if !self.args.quiet {
                complain(port.describe());
            }
        }
        let (Some(producer), Some(consumer)) = (engine.journal(), engine.journal_consumer()) else {
            return Err(Failure::wrong("the mailbox has no journal"));
        };
        let shared = Arc::new(Shared::default());
        shared.id_limit.store(ids.limit, Ordering::Release);
        shared.id_used.store(ids.first, Ordering::Release);
        let orders = config
            .network
            .orders
            .map(ports::stream_to)
            .ok_or_else(|| Failure::usage("network.orders: not set"))?;
        let mut tape = Tape::new(
            producer,
            KillWatch::new(engine.kill_words().clone(), start.epoch),
            orders,
            config.recovery.snapshot.map(ports::stream_to),
            ports::open_replies(&config.recovery)?,
            config.recovery.servers.clone(),
        );
        let clean_up = start.open_orders > 0;
        let core = Core::new(path, feed, std::mem::take(&mut self.definitions), clean_up);
        let json = serde_json::to_vec(&start).map_err(Failure::wrong)?;
        tape.put(Kind::Start, clock.now(), &[&json]);

        let engine = Arc::new(engine);
        let views = self.views(&engine);
        let traded_on = self.topology.tile_of(Stage::Feed);
        let Some(traded_on) = traded_on else { return Err(Failure::usage("tile: none trades")) };
        let (ports, receive) = split(ports, self.topology)?;
        let parts = TileParts {
            core,
            tape,
            ports,
            lines: config.network.lines.iter().map(|line| line.group).collect(),
            clock,
            shared: Arc::clone(&shared),
            views,
            paces: Paces {
                tick: u64::from(config.live.tick_ms) * 1_000_000,
                stop: u64::from(config.live.stop_timeout_ms) * 1_000_000,
            },
        };
        let writer =
            Writer::new(consumer, self.files, ids.file, config.live.id_block, Arc::clone(&shared));
        let house = self.topology.tile_of(Stage::House).map(|t| self.topology.placement(t));
        let house = house.unwrap_or_else(|| self.topology.placement(traded_on));
        let writing = tile::spawn(house, move || writer.run()).map_err(Failure::usage)?;
        let receiving =
            receive.map(|work| spawn_receive(work, self.topology, &shared)).transpose()?;
        let pace = pace(self.topology, self.topology.idle(traded_on));
        let on_sealed = self.on_sealed;
        let trading =
            tile::spawn(self.topology.placement(traded_on), move || trade(parts, &pace, on_sealed));
        let trading = trading.map_err(Failure::usage)?;

        let until = self.args.run_for.map(|s| self.begun + Duration::from_secs_f64(s.max(0.0)));
        let mut drift_told = false;
        let mut told = Told::default();
        let (kill, mut settled) = (engine.kill_words().clone(), Settled::default());
        while !trading.is_finished() {
            let over = until.is_some_and(|until| Instant::now() >= until);
            if over || self.stop.load(Ordering::Relaxed) {
                shared.stop.store(true, Ordering::Release);
            }
            told.look(&shared);
            kill.settle(&mut settled);
            let drift = clock.drift_ns().unsigned_abs() / 1_000_000;
            if drift >= u64::from(config.live.clock_step_ms) && !drift_told {
                drift_told = true;
                complain(format_args!(
                    "ALARM: the wall clock was stepped by {drift} ms; the engine's time goes on \
                     without the step (live.clock_step_ms)"
                ));
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        told.look(&shared);
        let ended = trading.join();
        shared.stop.store(true, Ordering::Release);
        shared.tile_ended.store(true, Ordering::Release);
        if let Some(receiving) = receiving {
            receiving.join();
        }
        let written = writing.join().unwrap_or_else(|| Err("the journal writer failed".into()));
        let Some((tile, stats)) = ended else {
            return Err(Failure::wrong(
                "the trade tile ended by a defect: its journal is whole up to there; orders at the \
                 venue may be open",
            ));
        };
        let summary = LiveSummary::of(SummaryParts {
            tile: &tile,
            stats: &stats,
            restored,
            begun: self.begun,
            journal: config.live.journal.clone(),
        });
        match written {
            Ok(()) => Ok(summary),
            Err(reason) => {
                complain(&summary);
                Err(Failure::output(reason))
            }
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

/// States of a channel that last for moments: gap and retransmission.
const PASSING_STATES: [u8; 2] = [2, 3];

/// Which states the operator was told of.
#[derive(Default)]
struct Told {
    session: Option<SessionState>,
    channel: u8,
    silent: [bool; 2],
}

impl Told {
    fn look(&mut self, shared: &Shared) {
        let session = shared.session();
        if session != self.session {
            self.session = session;
            if let Some(state) = session {
                complain(format_args!("order session {state}"));
            }
        }
        let channel = shared.channel.load(Ordering::Acquire);
        // Holes come and go with every lost packet: counted, and shown by `nofx top`.
        if channel != self.channel && !PASSING_STATES.contains(&channel) {
            self.channel = channel;
            let name = CHANNEL_STATES.get(usize::from(channel)).copied().unwrap_or("unknown");
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

/// How a tile's loop turns.
fn pace(topology: &Topology, idle: Idle) -> TileConfig {
    let cycles = CycleClock::calibrate(Duration::from_millis(2));
    TileConfig {
        idle,
        burst: topology.rules.burst,
        house_keeping: cycles.cycles_of(topology.rules.house_keeping_ns),
    }
}

/// The trade tile's thread: sealed from the first turn to the last.
fn trade<S: Strategy>(
    parts: TileParts<S, SoftwareGate>,
    pace: &TileConfig,
    on_sealed: OnSealed,
) -> (Box<TradeTile<S, SoftwareGate>>, Box<TileStats>) {
    let mut tile = Box::new(TradeTile::new(parts));
    let mut stats = Box::new(TileStats::default());
    tile.core.define_known(&mut tile.tape);
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
    shared: &Arc<Shared>,
) -> Result<tile::Tile<()>, Failure> {
    let Some(spec) = topology.tile_of(Stage::Receive) else {
        return Err(Failure::usage("tile: none receives"));
    };
    let pace = pace(topology, topology.idle(spec));
    work.ends_with(Arc::clone(shared));
    tile::spawn(topology.placement(spec), move || {
        let mut stats = TileStats::default();
        let _seal = guard::seal(OnSealed::Count);
        tile::run(&mut work, &pace, &mut stats);
    })
    .map_err(Failure::usage)
}
