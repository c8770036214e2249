//! [`App`]: everything the handlers of the API are given.
//!
//! Model: one value, made before the first connection and shared by reference count. Each part guards
//! itself; nothing here is locked as a whole. It is made in the order of need: what records (store,
//! audit) before what acts (engines, kill).
//!
//! Worst case: a part that cannot be opened ends the start with the key of the configuration that
//! names it; a control process without its audit log does not run.

use std::sync::Arc;

use crate::audit::Audit;
use crate::change::Places;
use crate::clock::ClockWatch;
use crate::config::Config;
use crate::denials::Denials;
use crate::failure::Failure;
use crate::identity::Caller;
use crate::kill::KillDesk;
use crate::link::Engines;
use crate::metrics::Metrics;
use crate::policy::{Action, Denied, Policy, Resource};
use crate::store::Store;

/// Every part of the process.
pub struct App {
    /// What the file says.
    pub config: Config,
    /// The engines, seen and steered through their mailboxes.
    pub engines: Engines,
    /// Versions, configurations, idempotency keys.
    pub store: Store,
    /// Who did what.
    pub audit: Audit,
    /// Who may do what.
    pub policy: Policy,
    /// Changes that wait or run.
    pub places: Places,
    /// What was denied lately.
    pub denials: Denials,
    /// Engaging and releasing the kill switch.
    pub kill: KillDesk,
    /// How far the clock may be off.
    pub clock: ClockWatch,
    /// Whether the process ends: streams stop by themselves then.
    pub ending: tokio::sync::watch::Sender<bool>,
    /// What Prometheus reads.
    pub metrics: Metrics,
}

impl App {
    /// Asks the policy for an action on what is named: an engine, or `*`, which means each of them.
    ///
    /// # Errors
    /// It is denied, on one of them.
    pub fn may(&self, caller: &Caller, action: Action, on: &Resource) -> Result<(), Denied> {
        self.policy.check_each(caller, action, on, self.engines.names())
    }

    /// Opens every part. Must be called inside a tokio runtime.
    ///
    /// # Errors
    /// A part cannot be opened; the message names the key.
    pub fn open(config: Config) -> Result<Arc<App>, Failure> {
        let app = App {
            store: Store::open(&config.store)?,
            audit: Audit::open(&config.audit)?,
            policy: Policy::open(config.policy.file.as_deref()).map_err(Failure::usage)?,
            places: Places::default(),
            denials: Denials::default(),
            clock: ClockWatch::new(config.clock.clone()),
            kill: KillDesk::open(&config)?,
            engines: Engines::start(&config.engine)?,
            metrics: Metrics::new(),
            ending: tokio::sync::watch::Sender::new(false),
            config,
        };
        tokio::spawn(app.clock.clone().run());
        let app = Arc::new(app);
        crate::change::upkeep::start(&app);
        crate::clock::enforce(&app);
        crate::metrics::listen(&app)?;
        Ok(app)
    }
}
