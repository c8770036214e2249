//! Watching the mailbox at a path, whichever engine makes it.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::time::Duration;

use nofx_mailbox::{MailboxError, Watcher};
use nofx_types::Nanos;

use super::shot::{Look, Shot};

/// Rates and recent latencies are those of about this time.
const WINDOW: Duration = Duration::from_secs(5);

/// Follows the engines that make the mailbox at one path, one after the other.
pub struct Watch {
    path: PathBuf,
    watcher: Watcher,
    looks: VecDeque<Look>,
}

impl Watch {
    /// Begins with the mailbox that is there.
    ///
    /// # Errors
    /// As for [`Watcher::attach`].
    pub fn attach(path: &Path) -> Result<Watch, MailboxError> {
        let watcher = Watcher::attach(path)?;
        Ok(Watch { path: path.to_owned(), watcher, looks: VecDeque::new() })
    }

    /// Looks. When the engine is gone and another has made the file anew, it is that one's.
    pub fn shot(&mut self, now: Nanos) -> Shot {
        if !self.watcher.is_alive(now) {
            self.follow();
        }
        while self.looks.get(1).is_some_and(|next| next.age(now) >= WINDOW) {
            self.looks.pop_front();
        }
        let mailbox = self.path.display().to_string();
        let look = Look::take(&self.watcher, now);
        let shot = Shot::take(&self.watcher, &mailbox, &look, self.looks.front());
        self.looks.push_back(look);
        shot
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
