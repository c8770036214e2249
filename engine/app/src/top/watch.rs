//! Watching the mailbox at a path, whichever engine makes it.

use std::path::{Path, PathBuf};

use nofx_mailbox::{MailboxError, Watcher};
use nofx_types::Nanos;

use nofx_shot::{Looks, Shot};

/// Follows the engines that make the mailbox at one path, one after the other.
pub struct Watch {
    path: PathBuf,
    watcher: Watcher,
    looks: Looks,
}

impl Watch {
    /// Begins with the mailbox that is there.
    ///
    /// # Errors
    /// As for [`Watcher::attach`].
    pub fn attach(path: &Path) -> Result<Watch, MailboxError> {
        let watcher = Watcher::attach(path)?;
        Ok(Watch { path: path.to_owned(), watcher, looks: Looks::default() })
    }

    /// Looks. When the engine is gone and another has made the file anew, it is that one's.
    pub fn shot(&mut self, now: Nanos) -> Shot {
        if !self.watcher.is_alive(now) {
            self.follow();
        }
        self.looks.shot(&self.watcher, &self.path.display().to_string(), now)
    }

    /// A file that cannot be read is not there yet: what was last seen stays.
    fn follow(&mut self) {
        let next = Watcher::attach(&self.path);
        if let Some(next) = next.ok().filter(|next| next.identity() != self.watcher.identity()) {
            self.watcher = next;
            self.looks.clear();
        }
    }
}
