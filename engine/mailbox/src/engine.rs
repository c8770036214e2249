//! [`Engine`]: the writer's end of the mailbox.
//!
//! Making one takes the lock, writes a whole new file beside the old one, and renames it into place:
//! programs that still look at the old file keep a valid one (a mailbox is never truncated under its
//! readers) and find the new one by attaching again. What must not be lost with the old file comes
//! over (`old`): kill words, fencing epoch, pages of parameters and models; its undrained journal must
//! have been recovered before.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use nofx_types::Nanos;

use crate::command_ring::CommandReader;
use crate::error::MailboxError;
use crate::event::EventWriter;
use crate::journal::{Consumer, Producer, ring};
use crate::kill::{KillWords, Scope};
use crate::layout::{self, Identity, Kind, Layout, NAMED};
use crate::lock::Lock;
use crate::metrics::{Counter, Histogram};
use crate::old::Old;
use crate::pages::PageReader;
use crate::param::{ROW_WORDS, schema_hash};
use crate::process;
use crate::spec::Spec;
use crate::state::EngineState;
use crate::sync::Ordering;
use crate::versions::Versions;
use crate::views::Views;
use crate::words::Words;

pub(crate) const ADVICE: &str = "the mailbox belongs on a memory file system such as /dev/shm; check that it is \
                      writable and has space left";

/// A heartbeat: one word that its tile sets to the time, once per house-keeping turn.
#[derive(Clone)]
pub struct Heart {
    beat: Counter,
}

impl Heart {
    /// Lives at `now`.
    #[inline]
    pub fn beat(&self, now: Nanos) {
        self.beat.set(now.0);
    }
}

/// The writer's end of a mailbox. Handles taken from it go to the threads that use them.
pub struct Engine {
    words: Words,
    layout: Layout,
    identity: Identity,
    hearts: Vec<Heart>,
    counters: Vec<Counter>,
    histograms: Vec<Histogram>,
    kill: KillWords,
    producer: Option<Producer>,
    consumer: Option<Consumer>,
    params: Option<PageReader>,
    models: Option<PageReader>,
    commands: Option<CommandReader>,
    events: Option<EventWriter>,
    _lock: Lock,
}

impl Engine {
    /// Makes the mailbox of a starting engine, in place of the one before.
    ///
    /// # Errors
    /// Another engine holds it; the file there is not a mailbox of this ABI version, or holds journal
    /// records that nobody recovered; the specification cannot be laid out; the system refuses.
    pub fn create(path: impl AsRef<Path>, spec: &Spec) -> Result<Engine, MailboxError> {
        let path = path.as_ref();
        spec.check()?;
        let lock = Lock::take(path)?;
        let old = Old::read(path, spec.first_number)?;
        let layout = Layout::of(spec);
        let (pid, ticks) = process::this();
        let identity = Identity {
            pid,
            ticks,
            started: spec.started,
            boot: process::boot(),
            engine: spec.engine.clone(),
        };
        let fresh = Fresh::make(path, layout.bytes())?;
        write_all(&fresh.words, &layout, &identity, spec);
        let engine = Engine::over(fresh.words.clone(), layout, identity, spec, old.as_ref(), lock)
            .ok_or_else(|| MailboxError::Spec { key: "engine", problem: "layout".into() })?;
        engine.kill.raise_epoch(spec.epoch);
        if old.is_none() {
            // What this engine has no word for becomes everything.
            let missing = spec.kills.iter().filter(|scope| !engine.kill.engage(**scope)).count();
            if missing > 0 {
                engine.kill.engage(Scope::Global);
            }
        }
        let inherit = || old.iter().for_each(|old| engine.kill.inherit(&old.kill));
        inherit();
        fresh.publish(path)?;
        // Again: a switch that engaged the old file meanwhile looks afterwards whether the file is
        // still the same. Either it sees the new one, or its bit is here by now.
        inherit();
        Ok(engine)
    }

    fn over(
        words: Words,
        layout: Layout,
        identity: Identity,
        spec: &Spec,
        old: Option<&Old>,
        lock: Lock,
    ) -> Option<Engine> {
        let journal = layout.row(&words, Kind::Journal, 0)?;
        let kill = kill_words(&words, &layout)?;
        let reader = |kind: Kind, schema: u64, unit: usize| {
            let pages = versions(&words, 0, &layout, kind)?;
            pages.begin();
            let inherited = old.and_then(|old| old.hand_over(kind, &pages, schema));
            Some(PageReader::new(pages, kill.clone(), schema, unit, inherited))
        };
        let replies = layout.row(&words, Kind::Replies, 0)?;
        Some(Engine {
            params: Some(reader(Kind::Params, schema_hash(&spec.schema), ROW_WORDS)?),
            models: Some(reader(Kind::Models, spec.model_schema, 1)?),
            commands: Some(CommandReader::new(layout.row(&words, Kind::Commands, 0)?, replies)?),
            events: Some(EventWriter::new(layout.row(&words, Kind::Events, 0)?)?),
            hearts: counters(&words, &layout, Kind::Tiles).map(|beat| Heart { beat }).collect(),
            counters: counters(&words, &layout, Kind::Counters).collect(),
            histograms: histograms(&words, &layout).collect(),
            kill,
            producer: Some(Producer::new(journal.clone())?),
            consumer: Some(Consumer::new(journal)?),
            words,
            layout,
            identity,
            _lock: lock,
        })
    }

    /// Tile `tile` lives at `now`. A tile's own thread takes its [`Engine::heart`] instead.
    #[inline]
    pub fn beat(&self, tile: usize, now: Nanos) {
        if let Some(heart) = self.hearts.get(tile) {
            heart.beat(now);
        }
    }

    /// The heartbeat of a tile, for its thread.
    ///
    /// # Panics
    /// The specification has no such tile.
    pub fn heart(&self, tile: usize) -> Heart {
        self.hearts[tile].clone()
    }

    /// Counter `index` of the specification; clone it for the thread that writes it.
    ///
    /// # Panics
    /// The specification has no such counter.
    pub fn counter(&self, index: usize) -> &Counter {
        &self.counters[index]
    }

    /// Histogram `index` of the specification; clone it for the thread that writes it.
    ///
    /// # Panics
    /// The specification has no such histogram.
    pub fn histogram(&self, index: usize) -> &Histogram {
        &self.histograms[index]
    }

    /// Kill words and fencing epoch; clone them for the gate and the tile.
    pub fn kill_words(&self) -> &KillWords {
        &self.kill
    }

    /// The fencing epoch.
    pub fn epoch(&self) -> u32 {
        self.kill.epoch()
    }

    /// The view pages; each page has one writer.
    pub fn views(&self) -> Views {
        Views::new(&self.words, &self.layout).expect("a layout made here has all pages")
    }

    /// Says what the engine is doing.
    pub fn set_state(&self, state: EngineState) {
        if let Some(word) = self.words.get(layout::STATE) {
            word.store(state as u64, Ordering::Release);
        }
    }

    /// The tile's end of the journal ring; `None` when it was taken already.
    pub fn journal(&mut self) -> Option<Producer> {
        self.producer.take()
    }

    /// The house-keeping thread's end of the journal ring; `None` when it was taken already.
    pub fn journal_consumer(&mut self) -> Option<Consumer> {
        self.consumer.take()
    }

    /// The tile's end of the pages of parameters; `None` when it was taken already.
    pub fn params(&mut self) -> Option<PageReader> {
        self.params.take()
    }

    /// The tile's end of the models; `None` when it was taken already.
    pub fn models(&mut self) -> Option<PageReader> {
        self.models.take()
    }

    /// The tile's end of the commands; `None` when it was taken already.
    pub fn commands(&mut self) -> Option<CommandReader> {
        self.commands.take()
    }

    /// The tile's end of the events; `None` when it was taken already.
    pub fn events(&mut self) -> Option<EventWriter> {
        self.events.take()
    }

    /// Who this engine says it is.
    pub fn identity(&self) -> &Identity {
        &self.identity
    }
}

/// Fills a fresh file: header, names, first number.
fn write_all(words: &Words, layout: &Layout, identity: &Identity, spec: &Spec) {
    layout::write(words, layout, identity);
    let named = [
        (Kind::Tiles, &spec.tiles),
        (Kind::Links, &spec.links),
        (Kind::Counters, &spec.counters),
        (Kind::Histograms, &spec.histograms),
    ];
    for (kind, names) in named {
        layout.rows(words, kind).zip(names).for_each(|(row, name)| layout::put_name(&row, name));
    }
    if let Some(journal) = layout.row(words, Kind::Journal, 0) {
        ring::begin(&journal, spec.first_number);
    }
    for (row, one) in layout.rows(words, Kind::Schema).zip(&spec.schema) {
        layout::put_record(&row, one);
    }
    let constants = [(schema_hash(&spec.schema), 0), (spec.model_schema, spec.model_kind)];
    for (row, (schema, kind)) in layout.rows(words, Kind::Acks).zip(constants) {
        layout::put_record(&row, &[schema, u64::from(kind)]);
    }
}

/// The section of pages of this kind; `words` begin at byte `from` of the file.
pub(crate) fn versions(words: &Words, from: u64, layout: &Layout, kind: Kind) -> Option<Versions> {
    let room = layout.section(kind)?.extra as usize;
    Versions::new(layout.row_behind(words, from, kind, 0)?, room)
}

/// The value words of named rows.
pub(crate) fn counters<'a>(
    words: &'a Words,
    layout: &'a Layout,
    kind: Kind,
) -> impl Iterator<Item = Counter> + 'a {
    layout.rows(words, kind).filter_map(|row| Some(Counter::new(row.part(0..1)?)))
}

/// The histograms.
pub(crate) fn histograms<'a>(
    words: &'a Words,
    layout: &'a Layout,
) -> impl Iterator<Item = Histogram> + 'a {
    let rows = layout.rows(words, Kind::Histograms);
    rows.filter_map(|row| Some(Histogram::new(row.part(0..1)?, row.part(NAMED..row.len())?)))
}

/// The kill words.
pub(crate) fn kill_words(words: &Words, layout: &Layout) -> Option<KillWords> {
    let section = layout.section(Kind::Kill)?;
    let words = layout.row(words, Kind::Kill, 0)?;
    Some(KillWords::new(words, section.count, section.extra))
}

/// Maps and proves a mailbox for loads.
pub(crate) fn read(path: &Path, file: &File) -> Result<(Words, Layout, Identity), MailboxError> {
    let io =
        |doing| move |e| MailboxError::io(path, doing, "name the file that the engine made", e);
    let bytes = file.metadata().map_err(io("look at"))?.len();
    if bytes < 8 {
        let want = layout::HEADER_BYTES as u64;
        return Err(MailboxError::Truncated { file: path.to_owned(), found: bytes, want });
    }
    let words = Words::map_readable(file).map_err(io("map"))?;
    let (layout, identity) = layout::read(&words, path)?;
    Ok((words, layout, identity))
}

/// The ring of the engine before: [`crate::journal::recover`].
pub(crate) fn recover(path: &Path) -> Result<Option<Consumer>, MailboxError> {
    let lock = Lock::take(path)?;
    let file = match File::options().read(true).write(true).open(path) {
        Ok(file) => file,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(MailboxError::io(path, "open", ADVICE, e)),
    };
    let (_, layout, identity) = read(path, &file)?; // proves the file before it is writable
    if identity.boot != process::boot() {
        return Ok(None);
    }
    let words = Words::map_writable(&file).map_err(|e| MailboxError::io(path, "map", ADVICE, e))?;
    let journal = layout.row(&words, Kind::Journal, 0).and_then(Consumer::new);
    let damaged =
        || MailboxError::Damaged { file: path.to_owned(), what: "no journal ring".into() };
    let mut consumer = journal.ok_or_else(damaged)?;
    consumer.lock = Some(lock);
    Ok(Some(consumer))
}

/// A new file that has no name yet, and leaves nothing behind when it gets none.
struct Fresh {
    words: Words,
    name: PathBuf,
}

impl Fresh {
    fn make(path: &Path, bytes: usize) -> Result<Fresh, MailboxError> {
        let name = path.with_added_extension(format!("{}.new", std::process::id()));
        let mapped = Fresh::map(&name, bytes);
        let words = mapped.map_err(|e| {
            _ = fs::remove_file(&name);
            MailboxError::io(&name, "write", ADVICE, e)
        })?;
        Ok(Fresh { words, name })
    }

    fn map(name: &Path, bytes: usize) -> io::Result<Words> {
        let options = File::options().read(true).write(true).create(true).truncate(true).open(name);
        let mut file = options?;
        // Written, not only sized: a full file system is an error here, and not SIGBUS on the tile.
        let zeros = vec![0; 1 << 20];
        let mut left = bytes;
        while left > 0 {
            let now = left.min(zeros.len());
            file.write_all(&zeros[..now])?;
            left -= now;
        }
        Words::map_writable(&file)
    }

    fn publish(&self, path: &Path) -> Result<(), MailboxError> {
        fs::rename(&self.name, path).map_err(|e| MailboxError::io(path, "rename to", ADVICE, e))
    }
}

impl Drop for Fresh {
    fn drop(&mut self) {
        _ = fs::remove_file(&self.name); // absent once published
    }
}
