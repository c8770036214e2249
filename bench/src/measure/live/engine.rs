//! The engine's side: the trade tile of a live run, and the echo it is measured against.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use nofx_app::config::Config;
use nofx_app::definitions::Definitions;
use nofx_app::live::acks::Acks;
use nofx_app::live::clock::EngineClock;
use nofx_app::live::core::Core;
use nofx_app::live::door::Door;
use nofx_app::live::events::Events;
use nofx_app::live::market_feed::MarketFeed;
use nofx_app::live::ports::AnyPort;
use nofx_app::live::shared::Shared;
use nofx_app::live::tape::{KillWatch, Tape};
use nofx_app::live::tile::{Paces, TileParts, TradeTile};
use nofx_app::live::views::{ViewParts, ViewWriter, counter_names, histogram_names};
use nofx_app::params::Params;
use nofx_feed::{FeedConfig, Join, RecoveringFeed, RecoveryConfig};
use nofx_gate::Rule;
use nofx_mailbox::{Engine as Mailbox, Spec};
use nofx_net::port::PortCounters;
use nofx_risk::SoftwareGate;
use nofx_rt::clock::CycleClock;
use nofx_rt::tile::{Idle, TileConfig};
use nofx_rt::topology::Rules;
use nofx_signal::Strategy;
use nofx_types::Nanos;

use super::network::{AnyStream, GROUP};
use super::{Outcome, text};
use crate::measure::packet_to_order::{CAPACITY, ID, path};

/// Bytes of the journal's ring: room for all that a lap brings.
const RING: u64 = 64 << 20;
/// Paces of a live run by default: time, pages.
const TICK_NS: u64 = 100_000_000;
const VIEWS_NS: u64 = 50_000_000;
/// Rows that a page of control may have.
const ROWS: u32 = 256;
/// How long the end of a lap may take.
const STOP_NS: u64 = 20_000_000;

/// A trade tile with the files it writes into.
pub struct Engine<S> {
    /// The tile, as in a live run.
    pub tile: Box<TradeTile<S, SoftwareGate>>,
    /// Its loop: spinning.
    pub pace: TileConfig,
    _mailbox: Mailbox,
    folder: tempfile::TempDir,
}

impl<S: Strategy> Engine<S> {
    /// The tile that hears `ports` and trades over `orders`.
    pub fn new(
        strategy: S,
        ports: Vec<AnyPort>,
        orders: AnyStream,
        shared: Arc<Shared>,
    ) -> Outcome<Engine<S>> {
        let folder = tempfile::tempdir_in("/dev/shm").map_err(text)?;
        let clock = EngineClock::start(Nanos(0));
        let mut path = path(strategy).map_err(text)?;
        path.open_params(Params::new(&Config::default(), path.traded().len(), &path.strategy));
        let spec = Spec {
            schema: path.params.schema().to_vec(),
            in_force: path.params.in_force_rows(path.traded().len()) as u32,
            ..spec(clock.now())
        };
        let mut mailbox = Mailbox::create(mailbox_in(&folder), &spec).map_err(text)?;
        path.orders.set_epoch(mailbox.epoch());
        path.gate.set_epoch(mailbox.epoch());
        let feed = RecoveringFeed::new(feed(), recovery()).map_err(text)?;
        let kill = KillWatch::new(mailbox.kill_words().clone(), mailbox.epoch());
        let journal = mailbox.journal().ok_or("the mailbox has no journal")?;
        let ring = mailbox.events().ok_or("the mailbox has no events")?;
        let seen = (Events::new(ring, CAPACITY), Acks::new(clock));
        let door = Door::new(&mut mailbox, 2 * ROWS as usize).ok_or("the mailbox has no door")?;
        shared.id_limit.store(u32::MAX, Ordering::Release);
        let views = ViewWriter::new(view_parts(&mailbox), VIEWS_NS);
        let rules = Rules::default();
        let cycles = CycleClock::calibrate(Duration::from_millis(2));
        let tile = Box::new(TradeTile::new(TileParts {
            core: Core::new(path, MarketFeed::Itch(Box::new(feed)), Definitions::default(), false),
            tape: Tape::new(journal, kill, seen, orders, None, None, None, Vec::new()),
            ports,
            lines: vec![GROUP],
            clock,
            shared,
            views,
            door,
            paces: Paces { tick: TICK_NS, stop: STOP_NS },
        }));
        let pace = TileConfig {
            idle: Idle::Spin,
            burst: rules.burst,
            house_keeping: cycles.cycles_of(rules.house_keeping_ns),
        };
        let mut engine = Engine { tile, pace, _mailbox: mailbox, folder };
        let TradeTile { core, tape, .. } = &mut *engine.tile;
        core.define_known(tape);
        Ok(engine)
    }

    /// Where control finds it.
    pub fn mailbox(&self) -> PathBuf {
        mailbox_in(&self.folder)
    }

    /// Ends the tile. A lap in which the journal was not whole is no result.
    pub fn close(mut self) -> Outcome<Closed> {
        self.tile.close();
        let lost = self.tile.tape.counters.lost;
        if lost > 0 {
            return Err(format!("{lost} records found no room in the journal's ring"));
        }
        let (core, ports) = (&self.tile.core, self.tile.port_counts().to_vec());
        let counters = &core.path.counters;
        let rejects: Vec<_> = Rule::ALL
            .iter()
            .map(|rule| (rule.name(), counters.rejects.get(*rule as usize).copied().unwrap_or(0)))
            .filter(|(_, n)| *n > 0)
            .collect();
        let told = format!(
            "{} packets, feed {:?} at {}, {:?}, stale {:?}, {:?}, session {}, {} intents, {} orders, \
             refused {rejects:?}",
            core.packets(),
            core.feed.state(),
            core.feed.expected(),
            core.path.phases.of(ID),
            core.path.books.stale(ID),
            core.path.books.touch(ID),
            core.session_state(),
            counters.intents,
            core.path.orders.sent(),
        );
        Ok(Closed { told, ports })
    }
}

/// What a tile did.
pub struct Closed {
    /// For people, when something is wrong.
    pub told: String,
    /// What its ports are and counted.
    pub ports: Vec<(String, PortCounters)>,
}

fn mailbox_in(folder: &tempfile::TempDir) -> PathBuf {
    folder.path().join("mailbox")
}

fn spec(started: Nanos) -> Spec {
    Spec {
        engine: "nofx-bench".into(),
        started,
        tiles: vec!["trade".into()],
        counters: counter_names(),
        histograms: histogram_names(),
        instruments: CAPACITY,
        book_rows: 1,
        orders: 16,
        positions: 1,
        lines: 1,
        sessions: 1,
        journal_bytes: RING,
        param_rows: ROWS,
        commands: 64,
        events: 16_384,
        ..Spec::default()
    }
}

fn view_parts(mailbox: &Mailbox) -> ViewParts {
    ViewParts {
        views: mailbox.views(),
        row: 0,
        heart: mailbox.heart(0),
        counters: (0..counter_names().len()).map(|i| mailbox.counter(i).clone()).collect(),
        histograms: (0..histogram_names().len()).map(|i| mailbox.histogram(i).clone()).collect(),
        state: Box::new(|_| ()),
        books: vec![ID],
        core: None,
        idle: 0,
        cycles: CycleClock::calibrate(Duration::from_millis(2)),
    }
}

fn feed() -> FeedConfig {
    FeedConfig { lines: 1, instruments: CAPACITY, ..FeedConfig::default() }
}

/// Nobody to ask: the stream is whole, or the lap is about loss.
fn recovery() -> RecoveryConfig {
    RecoveryConfig {
        join: Join::FromOne,
        buffer_packets: 1_024,
        servers: 0,
        snapshot: false,
        silence_ns: 60_000_000_000,
        ..RecoveryConfig::default()
    }
}

/// Receives on the same ports and answers each packet by `answer` on the same stream, until told to
/// stop: the least that any engine has to do.
pub fn echo(
    mut ports: Vec<AnyPort>,
    mut orders: AnyStream,
    answer: &[u8],
    shared: &Shared,
) -> Outcome<Closed> {
    let clock = EngineClock::start(Nanos(0));
    let mut sent = 0;
    orders.connect(clock.now());
    while !Shared::is(&shared.stop) {
        for port in &mut ports {
            for index in 0..port.poll() {
                if std::hint::black_box(port.arrival(index)).datagram.payload.is_empty() {
                    continue;
                }
                orders.send(answer).map_err(|e| format!("the echo cannot send: {e:?}"))?;
                sent += 1;
            }
        }
        orders.poll(clock.now());
        orders.consume(orders.received().len());
    }
    let ports = ports.iter_mut().map(|p| (p.describe().to_string(), p.counters())).collect();
    Ok(Closed { told: format!("{sent} answers"), ports })
}
