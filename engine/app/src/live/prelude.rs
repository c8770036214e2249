//! Which instruments `strategy.trade` means, before the engine is built: asked of the snapshot
//! service, as a replay reads the start of its input.
//!
//! Model: one login to the snapshot service with the feed's own client, read until its end; only the
//! definitions are kept. Names that a definition file resolves, and `locate:N`, need no asking.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use nofx_net::stream::StreamState;
use nofx_types::{BookEvent, EventSink, Instrument, InstrumentId, Symbol};
use nofx_wire::soup::{self, Frame};

use super::clock::wall;
use super::config::{FeedKind, RecoverySection};
use super::ports::stream_to;
use super::rerun::starts;
use crate::config::{self, Config, Trade};
use crate::definitions::Definitions;
use crate::failure::Failure;
use crate::outputs::complain;

/// How long one attempt may take.
const WITHIN: Duration = Duration::from_secs(20);
/// Pause between two attempts.
const PAUSE: Duration = Duration::from_millis(500);

/// The instruments that are meant, in the order of their ids (first:N) or of their names.
///
/// # Errors
/// A name that nobody knows, no snapshot service to ask, or a stop while asking.
pub fn traded(
    config: &Config,
    definitions: &Definitions,
    stop: &AtomicBool,
) -> Result<Vec<InstrumentId>, Failure> {
    let capacity = config.instruments.capacity;
    if config.network.feed != FeedKind::Itch {
        return named(config, definitions);
    }
    let names = match &config.strategy.trade {
        Trade::All => return Ok((0..capacity).map(InstrumentId).collect()),
        Trade::Named(names) => names.clone(),
        Trade::First(_) => Vec::new(),
    };
    let known = known(definitions, capacity);
    if let Trade::Named(_) = &config.strategy.trade
        && let Ok(found) = resolve(&names, &known, capacity)
    {
        return Ok(found);
    }
    let directory = match ask(config, definitions, stop)? {
        Answer::Directory(directory) => directory,
        Answer::Former(traded) => return Ok(traded),
    };
    match &config.strategy.trade {
        Trade::First(n) => {
            let tradable = directory.iter().filter(|i| i.flags.defined && !i.flags.test);
            let ids: BTreeSet<u32> = tradable.map(|i| i.id.0).filter(|id| *id < capacity).collect();
            Ok(ids.into_iter().take(*n).map(InstrumentId).collect())
        }
        _ => resolve(&names, &directory, capacity).map_err(|name| {
            Failure::usage(format!(
                "strategy.trade: the snapshot service names no {name:?}: give locate:N, or a symbol \
                 that it has"
            ))
        }),
    }
}

/// Feeds that give ids of their own give them to the definitions first, in the order of the file.
fn named(config: &Config, definitions: &Definitions) -> Result<Vec<InstrumentId>, Failure> {
    let capacity = config.instruments.capacity;
    let symbols = definitions.symbols();
    let all = symbols.len().min(capacity as usize) as u32;
    let place = |name: &String| {
        let found = symbols.iter().take(all as usize).position(|s| s.as_str() == name.trim());
        found.map(|at| InstrumentId(at as u32)).ok_or_else(|| {
            Failure::usage(format!(
                "strategy.trade: {name:?} is not in instruments.definitions, which names what may be \
                 traded on this feed"
            ))
        })
    };
    match &config.strategy.trade {
        Trade::All => Ok((0..all).map(InstrumentId).collect()),
        Trade::First(n) => Ok((0..all).map(InstrumentId).take(*n).collect()),
        Trade::Named(names) => names.iter().map(place).collect(),
    }
}

fn known(definitions: &Definitions, capacity: u32) -> Vec<Instrument> {
    let mut table = nofx_types::Instruments::new(capacity);
    definitions.start(&mut table);
    table.iter().filter(|i| i.flags.defined).copied().collect()
}

/// Ids of `names`; the first that is not known otherwise.
fn resolve(
    names: &[String],
    known: &[Instrument],
    capacity: u32,
) -> Result<Vec<InstrumentId>, String> {
    let find = |name: &String| {
        let text = name.trim();
        if let Some(locate) = text.strip_prefix("locate:") {
            return locate.parse().ok().filter(|id| *id < capacity).map(InstrumentId);
        }
        let symbol = Symbol::new(text)?;
        known.iter().find(|i| i.symbol == symbol).map(|i| i.id)
    };
    names.iter().map(|name| find(name).ok_or_else(|| name.clone())).collect()
}

/// What is known of the instruments.
enum Answer {
    /// By the snapshot service.
    Directory(Vec<Instrument>),
    /// By the run before, which was told to trade the same.
    Former(Vec<InstrumentId>),
}

/// The directory of the snapshot service; tries until it answers or the run is stopped. Orders of a
/// run before do not wait for that: where there was one, its instruments are taken.
fn ask(config: &Config, definitions: &Definitions, stop: &AtomicBool) -> Result<Answer, Failure> {
    let recovery = &config.recovery;
    if recovery.snapshot.is_none() {
        return Err(Failure::usage(
            "strategy.trade: symbols need a directory: set recovery.snapshot, or \
             instruments.definitions with locates, or name locate:N",
        ));
    }
    let mut complaint = String::new();
    let mut asked = false;
    loop {
        match ask_once(recovery, definitions, stop) {
            Ok(directory) if !directory.is_empty() => return Ok(Answer::Directory(directory)),
            Ok(_) => complain_once(&mut complaint, "the snapshot service names no instrument yet"),
            Err(reason) => complain_once(&mut complaint, &reason),
        }
        if stop.load(Ordering::Relaxed) {
            return Err(Failure::stopped("stopped while waiting for the snapshot service"));
        }
        if !std::mem::replace(&mut asked, true)
            && let Some(traded) = former(config)?
        {
            complain("the instruments of the run before are traded");
            return Ok(Answer::Former(traded));
        }
        std::thread::sleep(PAUSE);
    }
}

/// What the last run of the journal traded, if it was told to trade the same.
fn former(config: &Config) -> Result<Option<Vec<InstrumentId>>, Failure> {
    let Some((_, start)) = starts(&config.live.journal)?.pop() else { return Ok(None) };
    let same = config::from_text(&start.config)?.strategy.trade == config.strategy.trade;
    let traded = start.traded.iter().map(|id| InstrumentId(*id));
    let known = traded.clone().all(|id| id.0 < config.instruments.capacity);
    Ok((same && known && !start.traded.is_empty()).then(|| traded.collect()))
}

fn complain_once(said: &mut String, reason: &str) {
    if said != reason {
        complain(format_args!("waiting for the snapshot service: {reason}"));
        reason.clone_into(said);
    }
}

fn ask_once(
    recovery: &RecoverySection,
    definitions: &Definitions,
    stop: &AtomicBool,
) -> Result<Vec<Instrument>, String> {
    let Some(remote) = recovery.snapshot else { return Ok(Vec::new()) };
    let mut stream = stream_to(remote);
    let login = soup::login_request(&recovery.username, &recovery.password, soup::ANY_SESSION, 1)
        .ok_or("recovery.username or recovery.password is too long")?;
    let mut directory = Directory::new(definitions);
    let start = Instant::now();
    let mut asked = false;
    stream.connect(wall());
    while start.elapsed() < WITHIN && !stop.load(Ordering::Relaxed) {
        match stream.poll(wall()) {
            StreamState::Closed => return Err(format!("{remote}: {}", stream.reason())),
            StreamState::Open if !asked => {
                stream
                    .send(&login)
                    .map_err(|_| format!("{remote}: the login could not be sent"))?;
                asked = true;
            }
            _ => {}
        }
        let used = directory.take(stream.received())?;
        stream.consume(used);
        if directory.ended {
            stream.close();
            return Ok(directory.found);
        }
        if used == 0 {
            std::thread::sleep(Duration::from_micros(200));
        }
    }
    match stop.load(Ordering::Relaxed) {
        true => Err(format!("{remote}: stopped while asking")),
        false => Err(format!("{remote}: the image did not end within {} s", WITHIN.as_secs())),
    }
}

/// Collects definitions out of an image.
struct Directory<'a> {
    definitions: &'a Definitions,
    feed: nofx_feed::ItchFile,
    found: Vec<Instrument>,
    ended: bool,
}

impl<'a> Directory<'a> {
    fn new(definitions: &'a Definitions) -> Directory<'a> {
        let feed = nofx_feed::ItchFile::new(nofx_feed::FeedConfig {
            instruments: 1 << 16,
            ..nofx_feed::FeedConfig::default()
        });
        let feed = feed.unwrap_or_else(|_| unreachable!("the default configuration is sound"));
        Directory { definitions, feed, found: Vec::new(), ended: false }
    }

    /// Takes whole frames; how many bytes they were.
    fn take(&mut self, bytes: &[u8]) -> Result<usize, String> {
        let mut used = 0;
        while let Some(rest) = bytes.get(used..)
            && let Some((frame, len)) =
                soup::next_frame(rest).map_err(|e| format!("no SoupBinTCP: {e}"))?
        {
            used += len;
            match frame {
                Frame::Sequenced(body) if body.first() == Some(&b'G') => {
                    self.ended = true;
                    break;
                }
                Frame::Sequenced(body) => {
                    let mut names = Names { definitions: self.definitions, found: &mut self.found };
                    self.feed.on_message(body, &mut names);
                }
                Frame::LoginRejected(reason) => {
                    return Err(format!("login refused with `{}`", reason.escape_ascii()));
                }
                Frame::EndOfSession => return Err("the session is over".into()),
                _ => {}
            }
        }
        Ok(used)
    }
}

struct Names<'a> {
    definitions: &'a Definitions,
    found: &'a mut Vec<Instrument>,
}

impl EventSink for Names<'_> {
    fn on_event(&mut self, _: &BookEvent) {}

    fn on_definition(&mut self, instrument: &Instrument) {
        self.found.push(self.definitions.complete(instrument));
    }
}
