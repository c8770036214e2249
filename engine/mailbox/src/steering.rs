//! [`Steering`]: control's writing end of the mailbox.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use nofx_types::Nanos;

use crate::command::{Reply, Request};
use crate::command_ring::{Busy, CommandWriter};
use crate::engine::{self, versions};
use crate::error::MailboxError;
use crate::layout::{self, Kind, Layout};
use crate::lock::Lock;
use crate::page::Page;
use crate::param::{AckView, PageHead, ParamRow};
use crate::switch::identity;
use crate::versions::VersionWriter;
use crate::views;
use crate::words::Words;

const ADVICE: &str = "name the file that the engine made, and be allowed to write it";

/// Publishes pages and sends commands. Who holds one is the only writer: the lock file
/// `<mailbox>.control.lock` sees to that, and the system drops it with the process.
///
/// Only the pages of memory that belong to control are mapped for writing. When a new engine takes the
/// mailbox over, what is published to the old file is lost: [`MailboxError::Moved`] says so, and
/// [`Steering::is_current`] tells before; open it again then.
pub struct Steering {
    path: PathBuf,
    /// Which file this is: device and number.
    file: (u64, u64),
    params: Section,
    models: Section,
    commands: CommandWriter,
    _lock: Lock,
}

/// Pages of one kind with what the engine says of them.
struct Section {
    what: &'static str,
    schema: u64,
    writer: VersionWriter,
    ack: Page<AckView>,
}

impl Steering {
    /// Takes the lock and opens the mailbox at `path`.
    ///
    /// # Errors
    /// Another process steers this engine; there is no mailbox of this ABI version; it may not be
    /// written.
    pub fn open(path: impl AsRef<Path>) -> Result<Steering, MailboxError> {
        let path = path.as_ref();
        let io = |doing| move |e| MailboxError::io(path, doing, ADVICE, e);
        let file = File::options().read(true).write(true).open(path).map_err(io("open"))?;
        let lock = Lock::take(&lock_of(path))?;
        let (words, layout, _) = engine::read(path, &file)?; // proves the file before it is writable
        let damaged =
            |what: &str| MailboxError::Damaged { file: path.to_owned(), what: what.into() };
        let from = layout.steered_from();
        let from =
            from.ok_or_else(|| damaged("control's sections are not apart from the engine's"))?;
        let own = Words::map_writable_from(&file, from).map_err(io("map"))?;
        let absent = || damaged("a section of control is shorter than it must be");
        let section =
            |row, kind, what| Section::new(&words, &own, from, &layout, (row, kind, what));
        Ok(Steering {
            path: path.to_owned(),
            file: identity(&file.metadata().map_err(io("look at"))?),
            params: section(0, Kind::Params, "parameters").ok_or_else(absent)?,
            models: section(1, Kind::Models, "models").ok_or_else(absent)?,
            commands: commands(&words, &own, from, &layout).ok_or_else(absent)?,
            _lock: lock,
        })
    }

    /// Publishes a page of parameters: all of them that differ from the configuration. Returns the
    /// number of the publication, by which the engine acknowledges it.
    ///
    /// # Errors
    /// The rows do not fit; or a new engine took the file over, and whether it took this page along is
    /// to be seen in the new file.
    pub fn publish_params(
        &mut self,
        version: u64,
        epoch: u32,
        at: Nanos,
        rows: &[ParamRow],
    ) -> Result<u64, MailboxError> {
        let schema = self.params.schema;
        let head = PageHead { version, schema, epoch, at, ..PageHead::default() };
        let done = self.params.publish(&head, bytemuck::cast_slice(rows))?;
        self.on_the_current_file(done)
    }

    /// Makes the kept page of parameters `version` current again, on behalf of `epoch`: one store.
    /// Returns the number of the publication.
    ///
    /// # Errors
    /// No such page is kept; or as for [`Steering::publish_params`].
    pub fn roll_back_params(&mut self, version: u64, epoch: u32) -> Result<u64, MailboxError> {
        let done = self.params.roll_back(version, epoch)?;
        self.on_the_current_file(done)
    }

    /// Publishes a model made for `schema`. Returns the number of the publication.
    ///
    /// # Errors
    /// As for [`Steering::publish_params`].
    pub fn publish_model(
        &mut self,
        version: u64,
        epoch: u32,
        at: Nanos,
        schema: u64,
        words: &[u64],
    ) -> Result<u64, MailboxError> {
        let head = PageHead { version, schema, epoch, at, ..PageHead::default() };
        let done = self.models.publish(&head, words)?;
        self.on_the_current_file(done)
    }

    /// Makes the kept model `version` current again, on behalf of `epoch`: one store. Returns the
    /// number of the publication.
    ///
    /// # Errors
    /// As for [`Steering::roll_back_params`].
    pub fn roll_back_model(&mut self, version: u64, epoch: u32) -> Result<u64, MailboxError> {
        let done = self.models.roll_back(version, epoch)?;
        self.on_the_current_file(done)
    }

    /// Sends a command. That it was sent does not say that it is done: see [`Steering::next_reply`],
    /// and without a reply its fate is not known.
    ///
    /// # Errors
    /// As many commands as there is room for wait for the engine already.
    pub fn send(&mut self, request: &Request) -> Result<(), Busy> {
        self.commands.send(request)
    }

    /// The oldest reply not taken yet; it may answer a process that steered before this one.
    pub fn next_reply(&mut self) -> Option<Reply> {
        self.commands.next_reply()
    }

    /// Whether the path still names the file that this writes to.
    pub fn is_current(&self) -> bool {
        fs::metadata(&self.path).is_ok_and(|found| identity(&found) == self.file)
    }

    fn on_the_current_file(&self, publication: u64) -> Result<u64, MailboxError> {
        match self.is_current() {
            true => Ok(publication),
            false => Err(MailboxError::Moved { file: self.path.clone() }),
        }
    }
}

/// The process that steers the engine of the mailbox at `path`, 0 when it did not say who it is;
/// `None` when none does.
pub fn steered_by(path: impl AsRef<Path>) -> Option<u32> {
    Lock::holder(&lock_of(path.as_ref()))
}

fn lock_of(path: &Path) -> PathBuf {
    path.with_added_extension("control")
}

impl Section {
    fn new(
        words: &Words,
        own: &Words,
        from: u64,
        layout: &Layout,
        (row, kind, what): (usize, Kind, &'static str),
    ) -> Option<Section> {
        let [schema, _] = layout::record(&layout.row(words, Kind::Acks, row)?);
        Some(Section {
            what,
            schema,
            writer: VersionWriter::new(versions(own, from, layout, kind)?),
            ack: views::ack(words, layout, row)?,
        })
    }

    fn publish(&mut self, head: &PageHead, words: &[u64]) -> Result<u64, MailboxError> {
        let room = self.writer.versions().room();
        let applied = self.ack.read().map_or(0, |ack| ack.value.applied);
        let done = self.writer.publish(applied, head, words);
        done.ok_or(MailboxError::PageTooLong { what: self.what, words: words.len(), room })
    }

    fn roll_back(&mut self, version: u64, epoch: u32) -> Result<u64, MailboxError> {
        let done = self.writer.roll_back(version, epoch);
        done.ok_or_else(|| {
            let kept = self.writer.versions().kept().iter().map(|head| head.version).collect();
            MailboxError::NoSuchVersion { what: self.what, version, kept }
        })
    }
}

fn commands(words: &Words, own: &Words, from: u64, layout: &Layout) -> Option<CommandWriter> {
    let replies = layout.row(words, Kind::Replies, 0)?;
    CommandWriter::new(layout.row_behind(own, from, Kind::Commands, 0)?, replies)
}
