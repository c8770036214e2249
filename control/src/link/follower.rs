//! [`Follower`]: the thread of one engine.

use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use nofx_mailbox::EventReader;
use nofx_mailbox::{ControlCommand, Reply};
use nofx_mailbox::{MailboxError, Steering, Watcher};
use nofx_shot::Looks;
use tokio::sync::oneshot;

use super::Shared;
use super::events::EventJson;
use super::helm::Helm;
use super::view::{self, Standing, View};

/// Something to do on the engine's thread.
pub(super) type Job = Box<dyn FnOnce(&mut Follower) + Send>;

/// Time between two looks.
const LOOK: Duration = Duration::from_millis(50);
/// Time between two looks for an answer, while somebody waits for one.
const ANSWER: Duration = Duration::from_millis(1);
/// Events taken at one look.
const EVENTS: usize = 1_024;

/// Follows the engines that make the mailbox at one path, one after the other.
pub(super) struct Follower {
    path: PathBuf,
    shared: Arc<Shared>,
    attached: Option<Attached>,
    /// Why nothing is attached.
    trouble: (Standing, String),
    helm: Helm,
    count: u64,
}

/// One mailbox.
struct Attached {
    /// Device and number of its file.
    file: (u64, u64),
    watcher: Arc<Watcher>,
    looks: Looks,
    events: EventReader,
}

impl Follower {
    pub(super) fn new(path: PathBuf, shared: Arc<Shared>) -> Follower {
        let trouble = (Standing::Absent, "not looked at yet".to_owned());
        Follower { path, shared, attached: None, trouble, helm: Helm::default(), count: 0 }
    }

    /// Follows until nobody can ask any more.
    pub(super) fn run(mut self, jobs: &Receiver<Job>) {
        let mut next = Instant::now();
        loop {
            if Instant::now() >= next {
                self.look();
                next = Instant::now() + LOOK;
            }
            let somebody_waits = self.helm.take_replies();
            let left = next.saturating_duration_since(Instant::now());
            let wait = if somebody_waits { left.min(ANSWER) } else { left };
            match jobs.recv_timeout(wait) {
                // A job that panics fails its asker, not the engine's thread.
                Ok(job) => _ = catch_unwind(AssertUnwindSafe(|| job(&mut self))),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
        }
    }

    /// Does something with the writing end.
    pub(super) fn steer<T>(
        &mut self,
        act: impl FnOnce(&mut Steering, &Watcher) -> Result<T, MailboxError>,
    ) -> Result<T, MailboxError> {
        let watcher = self.current()?;
        act(self.helm.at(&self.path)?, &watcher)
    }

    /// Sends a command.
    pub(super) fn command(
        &mut self,
        id: u64,
        command: ControlCommand,
        answer: oneshot::Sender<Reply>,
    ) -> Result<(), MailboxError> {
        let watcher = self.current()?;
        self.helm.send(&self.path, &watcher, (id, command), answer)
    }

    /// The answer to a command sent earlier, also by a process before this one.
    pub(super) fn reply(&mut self, id: u64) -> Result<Option<Reply>, MailboxError> {
        self.current()?;
        self.helm.at(&self.path)?;
        self.helm.take_replies();
        Ok(self.helm.reply(id))
    }

    /// The map of the file that is at the path now.
    fn current(&mut self) -> Result<Arc<Watcher>, MailboxError> {
        self.follow();
        match &self.attached {
            Some(attached) => Ok(attached.watcher.clone()),
            None => Watcher::attach(&self.path).map(Arc::new), // for its error
        }
    }

    /// Looks, and tells everybody.
    fn look(&mut self) {
        self.follow();
        let now = crate::time::now();
        let mailbox = self.path.display().to_string();
        let shot = self
            .attached
            .as_mut()
            .map(|attached| Arc::new(attached.looks.shot(&attached.watcher, &mailbox, now)));
        let (standing, detail) = match &shot {
            Some(shot) => view::standing(shot),
            None => self.trouble.clone(),
        };
        let (at, attached) = (Instant::now(), self.count);
        self.shared.view.send_replace(Arc::new(View { standing, detail, shot, at, attached }));
        self.take_events();
    }

    /// Attaches to the file at the path, when it is not the one attached.
    fn follow(&mut self) {
        let file = match fs::metadata(&self.path) {
            Ok(found) => (found.dev(), found.ino()),
            Err(e) => {
                let detail = format!("{}: {e}", self.path.display());
                let standing = match e.kind() {
                    ErrorKind::NotFound => Standing::Absent,
                    _ => Standing::Problem,
                };
                return self.detach(standing, detail);
            }
        };
        // The number of a file that is still mapped is not given to another.
        if self.attached.as_ref().is_some_and(|attached| attached.file == file) {
            return;
        }
        match Watcher::attach(&self.path) {
            Ok(watcher) => self.attach(file, watcher),
            Err(e) => self.detach(Standing::Problem, e.to_string()),
        }
    }

    fn attach(&mut self, file: (u64, u64), watcher: Watcher) {
        self.helm.let_go();
        self.count += 1;
        let watcher = Arc::new(watcher);
        let identity = watcher.identity();
        let text = format!("{} process {}", identity.engine, identity.pid);
        self.tell(vec![EventJson::own("attached", identity.started, self.count as i64, &text)]);
        *self.shared.watcher.lock().unwrap_or_else(PoisonError::into_inner) = Some(watcher.clone());
        let events = watcher.events();
        self.attached = Some(Attached { file, watcher, looks: Looks::default(), events });
    }

    fn detach(&mut self, standing: Standing, detail: String) {
        self.trouble = (standing, detail);
        if self.attached.take().is_some() {
            self.helm.let_go();
            *self.shared.watcher.lock().unwrap_or_else(PoisonError::into_inner) = None;
        }
    }

    fn take_events(&mut self) {
        let Some(attached) = &mut self.attached else { return };
        let next = || attached.events.next();
        let events = std::iter::from_fn(next).take(EVENTS).map(|event| match event {
            Ok(event) => EventJson::of(&event),
            Err(lost) => EventJson::own("lost", crate::time::now(), lost as i64, "overwritten"),
        });
        let events: Vec<_> = events.collect();
        if !events.is_empty() {
            self.tell(events);
        }
    }

    fn tell(&self, mut events: Vec<EventJson>) {
        self.shared.recent.lock().unwrap_or_else(PoisonError::into_inner).take(&mut events);
        _ = self.shared.events.send(events.into()); // nobody subscribed: fine
    }
}
