//! [`Watcher`]: the reader's end of the mailbox, mapped read-only.

use std::fs::File;
use std::path::Path;

use nofx_types::Nanos;

use crate::command_ring::CommandCounts;
use crate::engine::{self, counters, histograms, kill_words, versions};
use crate::error::MailboxError;
use crate::event::EventReader;
use crate::journal::RingState;
use crate::kill::KillWords;
use crate::layout::{self, Identity, Kind, Layout};
use crate::metrics::{Counter, Counts, Histogram};
use crate::page::{Rows, Stamped};
use crate::param::{self, AckView, PageHead, ParamRow, ParamSpec};
use crate::process;
use crate::state::EngineState;
use crate::sync::acquire;
use crate::versions::Versions;
use crate::view::{BookView, FeedView, LinkView, OrderView, PositionView, SessionView, TileView};
use crate::views::Views;
use crate::words::Words;

/// Heartbeats older than this count as silence in [`Watcher::is_alive`].
pub const SILENCE: u64 = 1_000_000_000;

/// Something with a name, as stored in the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named<T> {
    /// Its name.
    pub name: String,
    /// What it is.
    pub value: T,
}

/// Everything a mailbox shows. The map is read-only: nothing done here can reach the engine.
///
/// An engine that starts again makes a new file: when [`Watcher::is_alive`] says no, attach again.
pub struct Watcher {
    words: Words,
    layout: Layout,
    identity: Identity,
    kill: KillWords,
    counters: Vec<Named<Counter>>,
    histograms: Vec<Named<Histogram>>,
    hearts: Vec<Named<Counter>>,
    links: Vec<String>,
    /// Pages; only read here, and the map would not let anything else pass.
    views: Views,
    schema: Vec<ParamSpec>,
    params: Versions,
    models: Versions,
    events: EventReader,
}

impl Watcher {
    /// Attaches to the mailbox at `path`.
    ///
    /// # Errors
    /// There is none, it is of another ABI version (both are named), cut off, damaged or foreign.
    pub fn attach(path: impl AsRef<Path>) -> Result<Watcher, MailboxError> {
        let path = path.as_ref();
        let file = File::open(path).map_err(|e| {
            MailboxError::io(path, "open", "start the engine, or name the file it made", e)
        })?;
        let (words, layout, identity) = engine::read(path, &file)?;
        Watcher::over(words, layout, identity, path)
    }

    /// Reads a copy of a mailbox file in memory: one that was kept for later, or a test's.
    ///
    /// # Errors
    /// As for [`Watcher::attach`]; `name` stands for the path in them.
    pub fn from_image(image: &[u8], name: &str) -> Result<Watcher, MailboxError> {
        let path = Path::new(name);
        let chunks = image.chunks_exact(8).map(|c| c.try_into().map_or(0, u64::from_le_bytes));
        let words = Words::plain(chunks);
        let (layout, identity) = layout::read(&words, path)?;
        Watcher::over(words, layout, identity, path)
    }

    fn over(
        words: Words,
        layout: Layout,
        identity: Identity,
        path: &Path,
    ) -> Result<Watcher, MailboxError> {
        let damaged = || MailboxError::Damaged {
            file: path.to_owned(),
            what: "a section is shorter than it must be".into(),
        };
        let names = |kind| layout.rows(&words, kind).map(|row| layout::name(&row));
        let named = |kind| named(names(kind), counters(&words, &layout, kind));
        Ok(Watcher {
            kill: kill_words(&words, &layout).ok_or_else(damaged)?,
            views: Views::new(&words, &layout).ok_or_else(damaged)?,
            counters: named(Kind::Counters),
            hearts: named(Kind::Tiles),
            histograms: self::named(names(Kind::Histograms), histograms(&words, &layout)),
            links: names(Kind::Links).collect(),
            schema: layout.rows(&words, Kind::Schema).map(|row| layout::record(&row)).collect(),
            params: versions(&words, 0, &layout, Kind::Params).ok_or_else(damaged)?,
            models: versions(&words, 0, &layout, Kind::Models).ok_or_else(damaged)?,
            events: layout
                .row(&words, Kind::Events, 0)
                .and_then(EventReader::new)
                .ok_or_else(damaged)?,
            words: words.clone(),
            layout: layout.clone(),
            identity,
        })
    }

    /// Who made the file, when, with which build.
    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    /// What the engine says it is doing; `None` for a number this program does not know.
    pub fn state(&self) -> Option<EngineState> {
        EngineState::from_word(acquire(self.words.get(layout::STATE)?))
    }

    /// Whether the engine's process is there and some tile beat within [`SILENCE`] of `now`. A file
    /// without tiles lives as long as its process.
    pub fn is_alive(&self, now: Nanos) -> bool {
        let beats = self.hearts.iter().map(|heart| Nanos(heart.value.get()));
        let fresh = beats.clone().any(|beat| now.since(beat) <= SILENCE);
        self.has_process() && (fresh || self.hearts.is_empty())
    }

    /// Whether the process that made the file still runs.
    pub fn has_process(&self) -> bool {
        self.identity.boot == process::boot()
            && process::ticks(self.identity.pid) == Some(self.identity.ticks)
    }

    /// Last heartbeat of each tile.
    pub fn heartbeats(&self) -> impl Iterator<Item = Named<Nanos>> + '_ {
        let beat = |heart: &Named<Counter>| Nanos(heart.value.get());
        self.hearts.iter().map(move |heart| Named { name: heart.name.clone(), value: beat(heart) })
    }

    /// Every counter.
    pub fn counters(&self) -> impl Iterator<Item = (&str, u64)> {
        self.counters.iter().map(|counter| (counter.name.as_str(), counter.value.get()))
    }

    /// The counter of this name.
    pub fn counter(&self, name: &str) -> Option<u64> {
        self.counters().find(|(found, _)| *found == name).map(|(_, value)| value)
    }

    /// Every histogram, copied.
    pub fn histograms(&self) -> impl Iterator<Item = (&str, Counts)> {
        self.histograms.iter().map(|named| (named.name.as_str(), named.value.counts()))
    }

    /// The histogram of this name, copied.
    pub fn histogram(&self, name: &str) -> Option<Counts> {
        let found = self.histograms.iter().find(|named| named.name == name);
        found.map(|named| named.value.counts())
    }

    /// Kill words and fencing epoch.
    pub fn kill_words(&self) -> &KillWords {
        &self.kill
    }

    /// Counts and fill of the journal ring.
    pub fn journal(&self) -> RingState {
        let ring = self.layout.row(&self.words, Kind::Journal, 0);
        ring.map_or(RingState::default(), |ring| RingState::read(&ring))
    }

    /// Rows with a book view; a row is `None` until it is written.
    pub fn books(&self) -> impl Iterator<Item = Option<Stamped<BookView>>> + '_ {
        self.views.books.iter().map(|page| page.read())
    }

    /// The book view in this row.
    pub fn book(&self, row: usize) -> Option<Stamped<BookView>> {
        self.views.books.get(row)?.read()
    }

    /// Working orders.
    pub fn orders(&self) -> Option<Stamped<Rows<OrderView>>> {
        self.views.orders.read()
    }

    /// Positions.
    pub fn positions(&self) -> Option<Stamped<Rows<PositionView>>> {
        self.views.positions.read()
    }

    /// Feed lines; `None` until written.
    pub fn feeds(&self) -> impl Iterator<Item = Option<Stamped<FeedView>>> + '_ {
        self.views.lines.iter().map(|page| page.read())
    }

    /// Order sessions; `None` until written.
    pub fn sessions(&self) -> impl Iterator<Item = Option<Stamped<SessionView>>> + '_ {
        self.views.sessions.iter().map(|page| page.read())
    }

    /// Tiles by name; `None` until written.
    pub fn tiles(&self) -> impl Iterator<Item = (&str, Option<Stamped<TileView>>)> {
        let names = self.hearts.iter().map(|heart| heart.name.as_str());
        names.zip(self.views.tiles.iter().map(|page| page.read()))
    }

    /// The parameters that may be changed.
    pub fn schema(&self) -> &[ParamSpec] {
        &self.schema
    }

    /// What pages of parameters must be made for.
    pub fn schema_hash(&self) -> u64 {
        self.constants(0)[0]
    }

    /// What models must be made for.
    pub fn model_schema(&self) -> u64 {
        self.constants(1)[0]
    }

    /// Kind of model, as the application numbers it; 0: none.
    pub fn model_kind(&self) -> u32 {
        self.constants(1)[1] as u32
    }

    fn constants(&self, row: usize) -> [u64; 2] {
        self.layout.row(&self.words, Kind::Acks, row).map_or([0; 2], |row| layout::record(&row))
    }

    /// What became of the pages of parameters; `None` until the engine said so.
    pub fn params_ack(&self) -> Option<Stamped<AckView>> {
        self.views.acks[0].read()
    }

    /// What became of the models; `None` until the engine said so.
    pub fn model_ack(&self) -> Option<Stamped<AckView>> {
        self.views.acks[1].read()
    }

    /// All parameters with the values that hold now.
    pub fn in_force(&self) -> Option<Stamped<Rows<ParamRow>>> {
        self.views.in_force.read()
    }

    /// Pages of parameters that can be rolled back to, the latest in force first.
    pub fn params_kept(&self) -> Vec<PageHead> {
        self.params.kept()
    }

    /// Models that can be rolled back to, the latest in force first.
    pub fn models_kept(&self) -> Vec<PageHead> {
        self.models.kept()
    }

    /// The page of parameters published last, whatever the engine made of it.
    pub fn current_params(&self) -> Option<(PageHead, Vec<ParamRow>)> {
        let (head, words) = self.params.current()?;
        Some((head, param::rows(&words).to_vec()))
    }

    /// The model published last, whatever the engine made of it.
    pub fn current_model(&self) -> Option<(PageHead, Vec<u64>)> {
        self.models.current()
    }

    /// A reader of the events, from the oldest that is left.
    pub fn events(&self) -> EventReader {
        self.events.clone().again()
    }

    /// Counts of the command ring.
    pub fn commands(&self) -> CommandCounts {
        let row = |kind| self.layout.row(&self.words, kind, 0);
        let (control, engine) = (row(Kind::Commands), row(Kind::Replies));
        control.zip(engine).map_or(CommandCounts::default(), |(control, engine)| {
            CommandCounts::read(&control, &engine)
        })
    }

    /// Links by name; `None` until written.
    pub fn links(&self) -> impl Iterator<Item = (&str, Option<Stamped<LinkView>>)> {
        let names = self.links.iter().map(String::as_str);
        names.zip(self.views.links.iter().map(|page| page.read()))
    }
}

fn named<T>(names: impl Iterator<Item = String>, of: impl Iterator<Item = T>) -> Vec<Named<T>> {
    names.zip(of).map(|(name, value)| Named { name, value }).collect()
}
