//! `nofx run` and `nofx check`: the command line, the configuration, and what follows from it.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use clap::Args;
use nofx_feed::{FeedConfig, RecoveringFeed, RecoveringOmdc};
use nofx_gate::Gate;
use nofx_order::Reconcile;
use nofx_rt::budget::Budget;
use nofx_rt::guard::OnSealed;
use nofx_rt::sched::allowed_cores;
use nofx_rt::topology::{Stage, Topology};
use nofx_signal::{Maker, Strategy};
use nofx_types::InstrumentId;
use serde::{Deserialize, Serialize};

use super::config::FeedKind;
use super::market_feed::MarketFeed;
use super::start::Starting;
use super::summary::LiveSummary;
use super::szse_feed::SzseLive;
use super::threads::Terms;
use super::{config as live_config, journal, prelude};
use crate::assemble::{Assembly, WithStrategy, omdc_recovery, recovery_config, with_strategy};
use crate::cli::StrategyName;
use crate::config::{self, Config};
use crate::definitions::Definitions;
use crate::failure::Failure;
use crate::feeds;
use crate::gate::{GateSection, TradeGate};
use crate::hot_path::HotPath;
use crate::market_desk::{self, MarketDesk};
use crate::outputs::complain;
use crate::params::Params;
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
    /// Who judges.
    #[command(flatten)]
    pub gate: crate::gate::GateArgs,
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
    settings.extend(args.gate.settings());
    let (mut config, mut text) = config::load_with_text(args.config.as_deref(), &settings)?;
    let today = market_desk::of_today(&config.market, super::clock::wall());
    if !today.is_empty() {
        // In the text as well: a re-run of the journal obeys the rules of the same day and hour.
        settings.extend(today);
        (config, text) = config::load_with_text(args.config.as_deref(), &settings)?;
    }
    live_config::check(&config.live, &config.network, &config.recovery)?;
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
        definitions: &definitions(&config)?,
        traded: &[],
        wanted: Wanted::default(),
        stamps: StampMode::None,
        first_id: 1,
        reconcile: reconcile(&config),
        gate: &GateSection::default(), // a check touches no card
    }
    .path(nofx_signal::Null)?;
    let feed = feed(&config)?;
    let budget = memory(&config, &path, &feed);
    let mut text = format!("{topology}\nmemory\n{budget}");
    if config.session.protocol.is_experimental() {
        text += "\nEXPERIMENTAL: the message layouts of this order protocol rest on a single public source";
    }
    for line in config.network.heard() {
        text += &format!("\nline    {line} by {}", config.network.port);
    }
    if let Some(orders) = config.network.orders {
        text += &format!("\norders  {orders}");
    }
    let rules = MarketDesk::describe(&config)?;
    if !rules.is_empty() {
        text += &format!("\n{rules}");
    }
    warnings.iter().for_each(|warning| text += &format!("\nwarning {warning}"));
    Ok(text)
}

/// What the engine holds in memory, by name: all of it is there before the first packet.
pub(super) fn memory<S, G>(config: &Config, path: &HotPath<S, G>, feed: &MarketFeed) -> Budget {
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
pub(super) fn feed(config: &Config) -> Result<MarketFeed, Failure> {
    let (section, network) = (&config.feed, &config.network);
    let lines = network.lines.len().max(1);
    let feed = FeedConfig {
        lines,
        reorder_packets: section.reorder_packets as usize,
        gap_timeout_ns: section.gap_timeout_ns,
        instruments: config.instruments.capacity,
        ..FeedConfig::default()
    };
    let failed = |e: nofx_feed::ConfigError| Failure::usage(format!("feed, recovery: {e}"));
    Ok(match network.feed {
        FeedKind::Itch => {
            let feed = RecoveringFeed::new(feed, recovery_config(&config.recovery));
            MarketFeed::Itch(Box::new(feed.map_err(failed)?))
        }
        FeedKind::Omdc => {
            let feed = FeedConfig { omdc: config.omdc.feed().map_err(Failure::usage)?, ..feed };
            let recovery = omdc_recovery(&config.recovery, network.refresh.is_some());
            let feed = RecoveringOmdc::new(feed, recovery).map_err(failed)?;
            MarketFeed::Omdc { feed: Box::new(feed), lines }
        }
        FeedKind::Szse => {
            let (feed, rebuild) = feeds::szse(config)?;
            MarketFeed::Szse(Box::new(SzseLive::new(feed, rebuild)))
        }
    })
}

/// The stages of a run that begins as `start` says.
pub(super) fn path<S: Strategy>(
    config: &Config,
    gate: &GateSection,
    definitions: &Definitions,
    start: &StartRecord,
    stamps: StampMode,
    strategy: S,
) -> Result<HotPath<S, TradeGate>, Failure> {
    let traded: Vec<InstrumentId> = start.traded.iter().map(|id| InstrumentId(*id)).collect();
    let assembly = Assembly {
        config,
        definitions,
        traded: &traded,
        wanted: Wanted::default(),
        stamps,
        first_id: start.first_id,
        reconcile: reconcile(config),
        gate,
    };
    let mut path = assembly.path(strategy)?;
    path.open_params(Params::new(config, path.traded().len(), &path.strategy));
    path.orders.set_epoch(start.epoch);
    path.orders.set_id_limit(start.id_limit);
    path.gate.on_epoch(start.epoch);
    Ok(path)
}

/// What a login must prove, as far as the protocol can.
fn reconcile(config: &Config) -> Reconcile {
    config.session.protocol.reconcile()
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
    if config.session.protocol.is_experimental() {
        complain(
            "EXPERIMENTAL: the message layouts of this order protocol rest on a single public source",
        );
    }
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
    };
    // A time that no clock can show is as good as none.
    let end = |seconds: f64| begun.checked_add(Duration::try_from_secs_f64(seconds.max(0.0)).ok()?);
    let terms = Terms {
        topology: &topology,
        live: &config.live,
        stop,
        until: args.run_for.and_then(end),
        on_sealed,
        begun,
    };
    with_strategy(&config, &traded, Go { starting, terms })
}

struct Go<'a> {
    starting: Starting<'a>,
    terms: Terms<'a>,
}

impl WithStrategy for Go<'_> {
    type Output = LiveSummary;

    fn with<S: Strategy + Send + 'static>(self, strategy: S) -> Result<LiveSummary, Failure> {
        self.starting.build(strategy)?.run(&self.terms)
    }
}
