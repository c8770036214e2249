//! `nofx replay`: captures through the live code, against the simulated venue.
//!
//! Model: configuration and the start of the input say which feed, which instruments and which
//! strategy; from then on everything is generic, so that each combination is one straight walk.
//! A strategy that sends nothing runs without a venue.

mod drive;
mod finish;
mod market;
mod places;
mod prelude;
mod source;
mod szse;
mod twin;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use nofx_feed::{
    DbnMbo, FeedConfig, IexDeep, IexDeepPlus, IexTops, ItchFile, ItchMold, OmdcLines, Sequencing,
    Start, TickFeed,
};
use nofx_order::{Protocol, Reconcile};
use nofx_rt::clock::CycleClock;
use nofx_rt::guard::OnSealed;
use nofx_signal::{Maker, Strategy};
use nofx_ticks::TickFile;
use nofx_types::{Instrument, InstrumentId, Instruments, Nanos, Symbol};
use nofx_venue::{MarketKind, ReplayVenue};

use crate::assemble::{Assembly, WithStrategy, with_strategy};
use crate::cli::{FeedName, ReplayArgs, StrategyName};
use crate::config::{self, Config, Trade};
use crate::definitions::Definitions;
use crate::failure::Failure;
use crate::feeds::{self, Rebuild};
use crate::gate::TradeGate;
use crate::hot_path::HotPath;
use crate::input::{Content, InputOptions, Reader, parse_lines};
use crate::market_desk;
use crate::outputs::{self, OutputPaths, Outputs, complain};
use crate::progress;
use crate::record::Wanted;
use crate::stamps::StampMode;
use crate::summary::Summary;
use crate::ticks;
use drive::{Drive, Wire};
use market::{Market, Nobody, Simulated};
use places::Places;
use source::{ItemFeed, TickReplay};
use szse::SzseReplay;

/// What a replay came to.
#[derive(Debug)]
pub struct Outcome {
    /// The closing report.
    pub summary: Summary,
    /// Whether the run was in order: interrupted, broken inputs and differences are failures.
    pub verdict: Result<(), Failure>,
}

/// Runs a replay. `stop` ends it early, with a partial report.
///
/// # Errors
/// Bad configuration, an input that cannot be opened, an output that cannot be written.
pub fn run(args: &ReplayArgs, stop: &AtomicBool) -> Result<Outcome, Failure> {
    run_sealed(args, stop, OnSealed::Count)
}

/// As [`run`]; `on_sealed` says what an allocation in the sealed loop does.
///
/// # Errors
/// As [`run`].
pub fn run_sealed(
    args: &ReplayArgs,
    stop: &AtomicBool,
    on_sealed: OnSealed,
) -> Result<Outcome, Failure> {
    if let Some(core) = args.pin {
        nofx_rt::usage::pin_to_core(core).map_err(|e| {
            Failure::usage(format!("--pin {core}: {e}: name a core of this machine"))
        })?;
    }
    let setup = Setup::new(args, stop, on_sealed)?;
    with_strategy(&setup.config, &setup.traded, Replaying(&setup))
}

struct Replaying<'a, 'b>(&'b Setup<'a>);

impl WithStrategy for Replaying<'_, '_> {
    type Output = Outcome;

    fn with<S: Strategy + Send + 'static>(self, strategy: S) -> Result<Outcome, Failure> {
        match self.0.config.strategy.name {
            StrategyName::Null => self.0.with(strategy, Nobody),
            _ => self.0.with(strategy, self.0.venue()?),
        }
    }
}

/// Everything that is known before the first packet.
struct Setup<'a> {
    args: &'a ReplayArgs,
    stop: &'a AtomicBool,
    on_sealed: OnSealed,
    config: Config,
    input: InputOptions,
    definitions: Definitions,
    feed: FeedName,
    omdc: nofx_feed::OmdcConfig,
    /// Get their ids in this order, where the feed has none of its own.
    named: Vec<Symbol>,
    traded: Vec<InstrumentId>,
}

impl<'a> Setup<'a> {
    fn new(
        args: &'a ReplayArgs,
        stop: &'a AtomicBool,
        on_sealed: OnSealed,
    ) -> Result<Setup<'a>, Failure> {
        let mut config = config::load(args.config.as_deref(), &args.set)?;
        config.strategy.name = args.strategy.unwrap_or(config.strategy.name);
        args.gate.apply(&mut config.gate);
        let mut input = input_options(args)?;
        refuse_pipes(&input)?;
        refuse_overwriting(args, &config)?;
        input.ticks = load_ticks(args, &mut config)?;
        let file = args.definitions.as_ref().or(config.instruments.definitions.as_ref());
        let definitions = match file {
            Some(file) => {
                Definitions::load(file, &config.instruments.date).map_err(Failure::usage)?
            }
            None => Definitions::default(),
        };
        Maker::new(config.strategy.maker, &[], 1).map_err(Failure::usage)?; // checked though unused
        let feed = choose_feed(args, &input)?;
        prelude::choose(feed, &mut input)?;
        config.instruments.definitions = file.cloned();
        if config.market.rules.market().is_some() {
            let Nanos(first) = prelude::first_time(&input)?;
            market_desk::date_or(&mut config, market_desk::day_of(Nanos(first)));
        }
        let omdc = config.omdc.feed().map_err(Failure::usage)?;
        let named = definitions.symbols();
        let mut setup = Setup {
            args,
            stop,
            on_sealed,
            config,
            input,
            definitions,
            feed,
            omdc,
            named,
            traded: Vec::new(),
        };
        if setup.config.strategy.name != StrategyName::Null {
            setup.traded = setup.find_traded()?;
            setup.set_midnight()?;
        }
        Ok(setup)
    }

    fn capacity(&self) -> u32 {
        self.config.instruments.capacity
    }

    fn find_traded(&self) -> Result<Vec<InstrumentId>, Failure> {
        let found = match self.feed {
            FeedName::ItchMold => self.scout(ItchMold::new(self.feed_config())),
            FeedName::ItchFile => self.scout(ItchFile::new(self.feed_config())),
            FeedName::IexDeep => self.scout(IexDeep::new(self.feed_config())),
            FeedName::IexDeepPlus => self.scout(IexDeepPlus::new(self.feed_config())),
            FeedName::IexTops => self.scout(IexTops::new(self.feed_config())),
            FeedName::Dbn => self.scout(DbnMbo::new(self.feed_config())),
            FeedName::Ticks => self.scout(Ok(self.tick_feed()?)),
            FeedName::Omdc => self.scout(OmdcLines::new(self.feed_config())),
            FeedName::Szse => self.scout(Ok(self.szse_feed()?)),
        }?;
        if found.is_empty() {
            complain(
                "nothing is traded: the feed defines no instrument; give --definitions FILE, or \
                 strategy.trade = \"all\"",
            );
        }
        Ok(found)
    }

    fn scout<F: ItemFeed>(
        &self,
        feed: Result<F, nofx_feed::ConfigError>,
    ) -> Result<Vec<InstrumentId>, Failure> {
        let feed = feed.map_err(feed_error)?;
        let trade: &Trade = &self.config.strategy.trade;
        let (input, named) = (&self.input, &self.named);
        prelude::traded(trade, input, self.capacity(), &self.definitions, named, feed)
    }

    /// The venue stamps its messages from midnight; a BinaryFILE counts from there already, other
    /// captures are given the midnight (UTC) before their first packet unless one is configured.
    fn set_midnight(&mut self) -> Result<(), Failure> {
        const DAY_NS: u64 = 86_400_000_000_000;
        if self.config.venue.midnight_ns == 0 {
            let Nanos(first) = prelude::first_time(&self.input)?;
            self.config.venue.midnight_ns = first - first % DAY_NS;
        }
        Ok(())
    }

    fn feed_config(&self) -> FeedConfig {
        let section = &self.config.feed;
        FeedConfig {
            lines: if self.input.line_b.is_some() || self.input.groups.len() > 1 { 2 } else { 1 },
            reorder_packets: section.reorder_packets as usize,
            park_packets: section.park_packets as usize,
            gap_timeout_ns: section.gap_timeout_ns,
            start: if section.from_one { Start::FromOne } else { Start::Live },
            sequencing: if section.unsequenced { Sequencing::Off } else { Sequencing::On },
            instruments: self.capacity(),
            // In packets the books are told of too little too late: it costs more than it brings.
            look_ahead: if self.feed == FeedName::ItchFile { section.look_ahead } else { 0 },
            omdc: self.omdc,
            ..FeedConfig::default()
        }
    }

    fn szse_feed(&self) -> Result<SzseReplay, Failure> {
        let (feed, rebuild) = feeds::szse(&self.config)?;
        SzseReplay::new(feed, rebuild, self.input.session)
    }

    fn tick_feed(&self) -> Result<TickReplay, Failure> {
        let none = TickFile::default();
        let file = self.input.ticks.as_deref().unwrap_or(&none);
        let config = self.config.ticks.feed(file)?;
        let (name, live_orders) = (self.config.szse.rebuild, self.config.book.live_orders);
        let rebuild = (config.market == nofx_types::Market::Szse)
            .then(|| Rebuild::new(name, config.instruments, live_orders));
        let rebuild = rebuild.transpose()?;
        Ok(TickReplay::new(TickFeed::new(config).map_err(feed_error)?, rebuild))
    }

    fn venue(&self) -> Result<Simulated, Failure> {
        if self.config.session.protocol != Protocol::Ouch50 {
            return Err(Failure::usage("session.protocol: the simulated venue speaks ouch50 only"));
        }
        let levels = matches!(self.feed, FeedName::IexDeep | FeedName::IexTops);
        let kind = if levels { MarketKind::Levels } else { MarketKind::Orders };
        let instruments = self.instruments();
        let row =
            |id: &InstrumentId| instruments.get(*id).copied().unwrap_or(Instrument::unknown(*id));
        let traded: Vec<_> = self.traded.iter().map(row).collect();
        let mut read = |path: &str| std::fs::read_to_string(path);
        let venue = ReplayVenue::new(&self.config.venue, &traded, kind, &mut read)
            .map_err(Failure::usage)?;
        Ok(Simulated { venue, refused_bytes: 0 })
    }

    fn instruments(&self) -> Instruments {
        let mut instruments = Instruments::new(self.capacity());
        self.definitions.start(&mut instruments);
        instruments
    }

    fn path<S: Strategy>(&self, strategy: S) -> Result<HotPath<S, TradeGate>, Failure> {
        let wanted = Wanted {
            orders: self.args.out.is_some(),
            touches: self.args.out.is_some() || self.args.bbo.is_some(),
            depth: if self.args.book.is_some() { usize::from(self.args.depth) } else { 0 },
        };
        let assembly = Assembly {
            config: &self.config,
            definitions: &self.definitions,
            traded: &self.traded,
            wanted,
            stamps: self.args.stamps,
            first_id: 1,
            reconcile: Reconcile::Off, // the venue's connection does not break
            gate: &self.config.gate,
        };
        assembly.path(strategy)
    }

    /// Books of whole days of ticks are not to be trusted once an order is unknown.
    fn tick_path<S: Strategy>(&self, strategy: S) -> Result<HotPath<S, TradeGate>, Failure> {
        let mut path = self.path(strategy)?;
        let whole = self.feed == FeedName::Ticks && self.config.ticks.unknown_is_stale;
        path.books.set_unknown_is_stale(whole);
        Ok(path)
    }

    fn with<S: Strategy, M: Market>(&self, strategy: S, market: M) -> Result<Outcome, Failure> {
        let config = self.feed_config();
        match self.feed {
            FeedName::ItchMold => self.drive(ItchMold::new(config), strategy, market),
            FeedName::ItchFile => self.drive(ItchFile::new(config), strategy, market),
            FeedName::IexDeep => self.drive(IexDeep::new(config), strategy, market),
            FeedName::IexDeepPlus => self.drive(IexDeepPlus::new(config), strategy, market),
            FeedName::IexTops => self.drive(IexTops::new(config), strategy, market),
            FeedName::Dbn => self.drive(DbnMbo::new(config), strategy, market),
            FeedName::Ticks => self.drive(Ok(self.tick_feed()?), strategy, market),
            FeedName::Omdc => self.drive(OmdcLines::new(config), strategy, market),
            FeedName::Szse => self.drive(Ok(self.szse_feed()?), strategy, market),
        }
    }

    fn drive<S: Strategy, M: Market, F: ItemFeed>(
        &self,
        feed: Result<F, nofx_feed::ConfigError>,
        strategy: S,
        market: M,
    ) -> Result<Outcome, Failure> {
        let mut feed = feed.map_err(feed_error)?;
        let paths = OutputPaths {
            bbo: self.args.bbo.clone(),
            book: self.args.book.clone(),
            dir: self.args.out.clone(),
        };
        let reader = Reader::open(&self.input)?;
        let size = reader.progress().1;
        let stamped = self.args.stamps != StampMode::None;
        let mut drive = Drive {
            path: self.tick_path(strategy)?,
            market,
            reader,
            outputs: Outputs::open(&paths)?,
            clock: CycleClock::calibrate(std::time::Duration::from_millis(if stamped {
                10
            } else {
                1
            })),
            definitions: &self.definitions,
            twin: self.args.twin.then(Box::default),
            stop: self.stop,
            speed: self.args.speed,
            progress: progress::bytes(size, self.args.quiet),
            on_sealed: self.on_sealed,
            wire: Wire::new(self.config.feed.clock),
            named: &self.named,
            places: Places::default(),
        };
        drive.start(&mut feed);
        let ended = drive.run(&mut feed)?;
        finish::outcome(drive, &feed, ended, self.feed, &self.args.files, self.args.line_b.as_ref())
    }
}

/// Reads files of ticks whole: where `--feed` says so, else where the content does and nothing else
/// is said. The tables of the run need no more rows than there are securities.
fn load_ticks(args: &ReplayArgs, config: &mut Config) -> Result<Option<Arc<TickFile>>, Failure> {
    config.ticks.map = args.ticks_map.clone().or(config.ticks.map.take());
    let asked = args.feed == Some(FeedName::Ticks) || args.ticks_map.is_some();
    let open = args.feed.is_none() && args.line_b.is_none() && args.lines.is_none();
    let ours = asked || (open && ticks::recognised(&config.ticks, &args.files));
    if !ours {
        return Ok(None);
    }
    let file = ticks::load(&config.ticks, &args.files, args.quiet)?;
    let securities = u32::try_from(file.symbols.len()).unwrap_or(u32::MAX).max(1);
    if securities > config.instruments.capacity {
        return Err(Failure::usage(format!(
            "instruments.capacity: the files hold {securities} securities: raise it to that"
        )));
    }
    config.instruments.capacity = securities;
    Ok(Some(Arc::new(file)))
}

fn feed_error(error: nofx_feed::ConfigError) -> Failure {
    Failure::usage(format!("feed: {error}"))
}

fn input_options(args: &ReplayArgs) -> Result<InputOptions, Failure> {
    let groups = args.lines.as_deref().map(parse_lines).transpose();
    Ok(InputOptions {
        files: args.files.clone(),
        line_b: args.line_b.clone(),
        groups: groups.map_err(Failure::usage)?.into_iter().flatten().collect(),
        session: None,
        merge: args.merge,
        trailer_stamp: args.trailer_stamp,
        force_binary_file: args.feed == Some(FeedName::ItchFile),
        ticks: None,
        notes: Vec::new(),
    })
}

/// The start of the input is read before the run itself: a pipe would lose it.
fn refuse_pipes(input: &InputOptions) -> Result<(), Failure> {
    for path in input.files.iter().chain(&input.line_b) {
        let Ok(metadata) = std::fs::metadata(path) else { continue }; // opening it says why
        if !metadata.is_file() {
            let kind = if metadata.is_dir() { "a folder" } else { "a pipe or device" };
            return Err(Failure::input(format!(
                "{}: is {kind}; want a file, since its start is read twice",
                path.display()
            )));
        }
    }
    Ok(())
}

/// An output must not take the place of what is read.
fn refuse_overwriting(args: &ReplayArgs, config: &Config) -> Result<(), Failure> {
    let named = args.config.iter().chain(&args.definitions).chain(&args.ticks_map);
    let inner = [&config.instruments.definitions, &config.ticks.map, &config.market.rules_file];
    let inner = inner.into_iter().flatten().chain([&config.strategy.imbalance.weights]);
    let read = args.files.iter().chain(&args.line_b).chain(named).chain(inner);
    // An entry of an archive is read out of the archive.
    let read = read.filter_map(|path| nofx_ticks::content::split(path).0.canonicalize().ok());
    let read: Vec<PathBuf> = read.collect();
    let folder = args.out.iter().flat_map(|dir| outputs::names().map(|name| dir.join(name)));
    for path in args.bbo.iter().chain(&args.book).cloned().chain(folder) {
        if path.canonicalize().is_ok_and(|path| read.contains(&path)) {
            let path = path.display();
            return Err(Failure::usage(format!("{path}: is read by this run: write elsewhere")));
        }
    }
    Ok(())
}

/// The feed that was given, if it fits the container, else the one that is recognised.
fn choose_feed(args: &ReplayArgs, input: &InputOptions) -> Result<FeedName, Failure> {
    use nofx_net::detect::Container as C;
    let Some(feed) = args.feed else { return prelude::detect(input) };
    let content = Reader::open(input)?.content();
    let fits = match content {
        Content::Ticks => feed == FeedName::Ticks,
        Content::Container(C::BinaryFile) => feed == FeedName::ItchFile,
        Content::Container(C::Dbn) => feed == FeedName::Dbn,
        Content::Container(C::Pcap | C::PcapNg) => {
            !matches!(feed, FeedName::ItchFile | FeedName::Dbn | FeedName::Ticks)
        }
    };
    if fits {
        return Ok(feed);
    }
    Err(Failure::usage(format!("--feed {}: the input holds {content}", feed.name())))
}
