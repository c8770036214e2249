//! Engines, seen and steered through their mailboxes.
//!
//! Model: one thread per configured engine ([`follower`]). It attaches to the mapped file, reads
//! everything twenty times a second into a [`View`], follows the event ring into a bounded ring of
//! recent events, and does whatever needs the writing end ([`Link::steer`], [`Link::command`]), so
//! that mapped memory and its single writer stay on one thread. Handlers see the newest view, wait
//! for the next one, or subscribe to events. A file that is absent, of another ABI, silent or made
//! anew is a state that the API shows, not an error that ends the thread: control may start before
//! the engine or after it, and either may be started again.
//!
//! Worst case: a view is 50 ms old while the thread runs; when it does not, [`Link::standing`] says
//! silent after a second, whatever was last seen. Memory: 4,096 events and some twenty looks per engine.
//! An answer that does not come in time is unknown, never "did not happen".

mod events;
mod follower;
mod helm;
mod view;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use nofx_mailbox::{ControlCommand, Reply};
use nofx_mailbox::{MailboxError, Steering, Watcher};
use nofx_shot::Shot;
use tokio::sync::{broadcast, oneshot, watch};

pub use events::{EventJson, Recent};
pub use view::{Standing, View};

use crate::config::EngineConfig;
use crate::failure::Failure;
use crate::problem::Problem;
use follower::{Follower, Job};

/// Every configured engine.
pub struct Engines {
    links: Vec<Arc<Link>>,
}

/// One engine.
pub struct Link {
    name: String,
    mailbox: PathBuf,
    journal: Option<PathBuf>,
    shared: Arc<Shared>,
    jobs: std::sync::mpsc::SyncSender<Job>,
}

/// What the engine's thread writes and everybody reads.
struct Shared {
    view: watch::Sender<Arc<View>>,
    watcher: Mutex<Option<Arc<Watcher>>>,
    recent: Mutex<Recent>,
    events: broadcast::Sender<Arc<[EventJson]>>,
}

impl Shared {
    fn watcher(&self) -> Option<Arc<Watcher>> {
        self.watcher.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Batches of events that a slow subscriber may be behind before it loses some.
const BATCHES: usize = 256;
/// Jobs that may wait for the engine's thread.
const JOBS: usize = 64;

impl Engines {
    /// Begins to follow them.
    ///
    /// # Errors
    /// A thread cannot be started.
    pub fn start(config: &[EngineConfig]) -> Result<Engines, Failure> {
        let links: Result<Vec<_>, _> =
            config.iter().map(|one| Link::start(one).map(Arc::new)).collect();
        Ok(Engines { links: links? })
    }

    /// Their names, as configured.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.links.iter().map(|link| link.name.as_str())
    }

    /// Every engine.
    pub fn all(&self) -> impl Iterator<Item = &Arc<Link>> {
        self.links.iter()
    }

    /// The engine of this name.
    ///
    /// # Errors
    /// None is configured.
    pub fn get(&self, name: &str) -> Result<&Arc<Link>, Problem> {
        self.links.iter().find(|link| link.name == name).ok_or_else(|| {
            let names: Vec<_> = self.names().collect();
            Problem::not_found(format!("no engine {name:?} is configured"))
                .todo(format!("name one of: {}", names.join(", ")))
        })
    }

    /// What an engine showed last: see [`Link::shot`].
    ///
    /// # Errors
    /// As there, and no such engine.
    pub fn shot(&self, name: &str) -> Result<Arc<Shot>, Problem> {
        self.get(name)?.shot()
    }

    /// The newest view, and each that follows.
    ///
    /// # Errors
    /// No such engine.
    pub fn watch(&self, name: &str) -> Result<watch::Receiver<Arc<View>>, Problem> {
        Ok(self.get(name)?.watch())
    }

    /// Events from now on, in batches.
    ///
    /// # Errors
    /// No such engine.
    pub fn events(&self, name: &str) -> Result<broadcast::Receiver<Arc<[EventJson]>>, Problem> {
        Ok(self.get(name)?.events())
    }

    /// The mailbox itself, read-only.
    ///
    /// # Errors
    /// No such engine, or none is attached.
    pub fn watcher(&self, name: &str) -> Result<Arc<Watcher>, Problem> {
        self.get(name)?.watcher()
    }

    /// Does something with the writing end: see [`Link::steer`].
    ///
    /// # Errors
    /// As there, and no such engine.
    pub async fn steer<T: Send + 'static>(
        &self,
        name: &str,
        act: impl FnOnce(&mut Steering, &Watcher) -> Result<T, MailboxError> + Send + 'static,
    ) -> Result<T, Problem> {
        self.get(name)?.steer(act).await
    }

    /// Sends a command and waits for its answer: see [`Link::command`].
    ///
    /// # Errors
    /// As there, and no such engine.
    pub async fn command(
        &self,
        name: &str,
        id: u64,
        command: ControlCommand,
        wait: Duration,
    ) -> Result<Option<Reply>, Problem> {
        self.get(name)?.command(id, command, wait).await
    }

    /// The answer to a command sent earlier: see [`Link::reply`].
    ///
    /// # Errors
    /// As there, and no such engine.
    pub async fn reply(&self, name: &str, id: u64) -> Result<Option<Reply>, Problem> {
        self.get(name)?.reply(id).await
    }
}

impl Link {
    fn start(config: &EngineConfig) -> Result<Link, Failure> {
        let shared = Arc::new(Shared {
            view: watch::Sender::new(Arc::new(View::begin())),
            watcher: Mutex::default(),
            recent: Mutex::new(Recent::begin(crate::time::now())),
            events: broadcast::Sender::new(BATCHES),
        });
        let (jobs, waiting) = std::sync::mpsc::sync_channel(JOBS);
        let follower = Follower::new(config.mailbox.clone(), shared.clone());
        let thread = std::thread::Builder::new().name(format!("link-{}", config.name));
        let started = thread.spawn(move || follower.run(&waiting));
        started.map_err(|e| Failure::input(format!("engine {}: thread: {e}", config.name)))?;
        let EngineConfig { name, mailbox, journal } = config.clone();
        Ok(Link { name, mailbox, journal, shared, jobs })
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its mapped file.
    pub fn mailbox(&self) -> &Path {
        &self.mailbox
    }

    /// Folder of its journal, where one is configured.
    pub fn journal(&self) -> Option<&Path> {
        self.journal.as_deref()
    }

    /// The newest view.
    pub fn view(&self) -> Arc<View> {
        self.shared.view.borrow().clone()
    }

    /// The newest view, and each that follows.
    pub fn watch(&self) -> watch::Receiver<Arc<View>> {
        self.shared.view.subscribe()
    }

    /// How the engine stands now, and why: a view that is too old counts as silence.
    pub fn standing(&self) -> (Standing, String) {
        self.view().standing_now()
    }

    /// What the engine showed last. It may be silent or gone since: `engine.alive` says so.
    ///
    /// # Errors
    /// No mailbox is attached; the reason is named, for a wrong ABI with both versions.
    pub fn shot(&self) -> Result<Arc<Shot>, Problem> {
        let view = self.view();
        view.shot.clone().ok_or_else(|| self.not_attached(&view))
    }

    /// The mailbox itself, read-only.
    ///
    /// # Errors
    /// As for [`Link::shot`].
    pub fn watcher(&self) -> Result<Arc<Watcher>, Problem> {
        self.shared.watcher().ok_or_else(|| self.not_attached(&self.view()))
    }

    fn not_attached(&self, view: &View) -> Problem {
        let (code, todo) = match view.standing {
            Standing::Problem => {
                ("engine_unreadable", "use programs of one release for engine and control")
            }
            _ => ("engine_absent", "start the engine, or correct engine.mailbox"),
        };
        Problem::unavailable(code, format!("engine {}: {}", self.name, view.detail)).todo(todo)
    }

    /// Events from now on, in batches.
    pub fn events(&self) -> broadcast::Receiver<Arc<[EventJson]>> {
        self.shared.events.subscribe()
    }

    /// Events that are kept, above `after`, oldest first.
    pub fn recent(&self, after: u64, limit: usize) -> Vec<EventJson> {
        self.shared.recent.lock().unwrap_or_else(PoisonError::into_inner).after(after, limit)
    }

    /// Does `act` with the writing end and the map of the same file, on the engine's thread. The end
    /// is opened when it is first needed and again when a new engine made the file anew.
    ///
    /// # Errors
    /// No engine is attached, another process steers it, or what `act` says.
    pub async fn steer<T: Send + 'static>(
        &self,
        act: impl FnOnce(&mut Steering, &Watcher) -> Result<T, MailboxError> + Send + 'static,
    ) -> Result<T, Problem> {
        let asked = self.ask(move |follower| follower.steer(act));
        asked.await?.map_err(steering_failed)
    }

    /// Sends a command under the epoch in force and waits for its answer; `None` when none came in
    /// time, or the engine was started again meanwhile: what became of it is then unknown. `id` must
    /// not repeat.
    ///
    /// # Errors
    /// It was certainly not sent.
    pub async fn command(
        &self,
        id: u64,
        command: ControlCommand,
        wait: Duration,
    ) -> Result<Option<Reply>, Problem> {
        let (answer, answered) = oneshot::channel();
        let asked = self.ask(move |follower| follower.command(id, command, answer));
        match tokio::time::timeout(wait, asked).await {
            Ok(sent) => sent?.map_err(steering_failed)?,
            Err(_) => return Ok(None), // it may still be sent
        }
        Ok(tokio::time::timeout(wait, answered).await.ok().and_then(Result::ok))
    }

    /// The answer to a command sent earlier, by this process or one before, if it came.
    ///
    /// # Errors
    /// The engine cannot be steered now.
    pub async fn reply(&self, id: u64) -> Result<Option<Reply>, Problem> {
        self.ask(move |follower| follower.reply(id)).await?.map_err(steering_failed)
    }

    /// Does something on the engine's thread.
    async fn ask<T: Send + 'static>(
        &self,
        act: impl FnOnce(&mut Follower) -> T + Send + 'static,
    ) -> Result<T, Problem> {
        let (done, result) = oneshot::channel();
        let job: Job = Box::new(move |follower| _ = done.send(act(follower)));
        let busy = || {
            let detail = format!("engine {}: {JOBS} changes wait already", self.name);
            Problem::unavailable("busy", detail).todo("send it again; nothing was changed")
        };
        self.jobs.try_send(job).map_err(|_| busy())?;
        let lost = |_| Problem::internal("the engine's thread dropped what it was asked");
        result.await.map_err(lost)
    }
}

/// Why a mailbox could not be steered.
fn steering_failed(error: MailboxError) -> Problem {
    let detail = error.to_string();
    match error {
        MailboxError::InUse { .. } => Problem::unavailable("steered_elsewhere", detail)
            .todo("one control process steers an engine: stop the other"),
        MailboxError::Moved { .. } => Problem::unavailable("engine_moved", detail)
            .todo("look at what is in force, then send it again"),
        MailboxError::NoSuchVersion { .. } | MailboxError::NoSuchScope { .. } => {
            Problem::invalid(detail)
        }
        MailboxError::PageTooLong { .. } => Problem::invalid(detail),
        _ => Problem::unavailable("engine_absent", detail)
            .todo("start the engine, or correct engine.mailbox"),
    }
}
