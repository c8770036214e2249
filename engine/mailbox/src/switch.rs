//! [`Switch`]: what may be done to a running engine from outside without asking it.

use std::fs::File;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use crate::engine;
use crate::error::MailboxError;
use crate::kill::{KillWords, Scope};
use crate::words::Words;

const ADVICE: &str = "name the file that the engine made, and be allowed to write it";
/// Engines that may take the file over while one call is under way.
const TRIES: u32 = 100;

/// Kill words and fencing epoch of a mailbox, for whoever may stop trading. Works whether or not the
/// engine runs: a kill that is engaged while it is down holds when it starts again.
pub struct Switch {
    path: PathBuf,
    /// Which file the words are: device and number.
    file: (u64, u64),
    kill: KillWords,
}

impl Switch {
    /// Opens the mailbox for its kill words and epoch.
    ///
    /// # Errors
    /// There is no mailbox of this ABI version, or it may not be written.
    pub fn open(path: impl AsRef<Path>) -> Result<Switch, MailboxError> {
        let path = path.as_ref();
        let io = |doing| move |e| MailboxError::io(path, doing, ADVICE, e);
        let file = File::options().read(true).write(true).open(path).map_err(io("open"))?;
        let (_, layout, _) = engine::read(path, &file)?; // proves the file before it is writable
        let words = Words::map_writable(&file).map_err(io("map"))?;
        let damaged =
            || MailboxError::Damaged { file: path.to_owned(), what: "no kill words".into() };
        let kill = engine::kill_words(&words, &layout).ok_or_else(damaged)?;
        let file = identity(&file.metadata().map_err(io("look at"))?);
        Ok(Switch { path: path.to_owned(), file, kill })
    }

    /// Stops orders of this scope, from now on.
    ///
    /// # Errors
    /// The scope is outside the engine's tables, or a new engine took the file over and it cannot be
    /// opened. In the first case nothing changed.
    pub fn engage(&mut self, scope: Scope) -> Result<(), MailboxError> {
        self.on_the_current_file(|kill| kill.engage(scope).then_some(()), scope)
    }

    /// Lets orders of this scope pass again; other scopes that cover them stay as they are.
    ///
    /// # Errors
    /// As for [`Switch::engage`].
    pub fn release(&mut self, scope: Scope) -> Result<(), MailboxError> {
        self.on_the_current_file(|kill| kill.release(scope).then_some(()), scope)
    }

    /// Fences off all epochs below `epoch`; returns the epoch now, which may be higher.
    ///
    /// # Errors
    /// A new engine took the file over and it cannot be opened.
    pub fn raise_epoch(&mut self, epoch: u32) -> Result<u32, MailboxError> {
        self.on_the_current_file(|kill| Some(kill.raise_epoch(epoch)), Scope::Global)
    }

    /// The words, to look at.
    pub fn kill_words(&self) -> &KillWords {
        &self.kill
    }

    /// Does it, and does it again if the file at the path is another one by then.
    fn on_the_current_file<T>(
        &mut self,
        act: impl Fn(&KillWords) -> Option<T>,
        scope: Scope,
    ) -> Result<T, MailboxError> {
        for _ in 0..TRIES {
            let (accounts, instruments) = self.kill.table();
            let done = act(&self.kill).ok_or(MailboxError::NoSuchScope {
                scope,
                accounts,
                instruments,
            })?;
            match std::fs::metadata(&self.path) {
                Ok(found) if identity(&found) != self.file => *self = Switch::open(&self.path)?,
                // The same, or nothing at the path: no other engine took over.
                _ => return Ok(done),
            }
        }
        let e = io::Error::other("engines take the file over one after the other");
        Err(MailboxError::io(&self.path, "hold on to", "stop what restarts the engine", e))
    }
}

pub(crate) fn identity(metadata: &std::fs::Metadata) -> (u64, u64) {
    (metadata.dev(), metadata.ino())
}
