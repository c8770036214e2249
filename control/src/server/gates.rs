//! [`Gates`]: the certificate of the server and the authority of its clients, as their files are now.

use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, SystemTime};

use crate::app::App;
use crate::config::ServerConfig;
use crate::failure::Failure;
use crate::identity::Gate;

/// Time between two looks at the files.
const LOOK: Duration = Duration::from_secs(1);

/// The gate for new connections.
pub(super) struct Gates {
    config: ServerConfig,
    gate: RwLock<Arc<Gate>>,
}

impl Gates {
    pub(super) fn open(config: &ServerConfig) -> Result<Arc<Gates>, Failure> {
        let gate = Gate::open(config).map_err(Failure::input)?;
        Ok(Arc::new(Gates { config: config.clone(), gate: RwLock::new(gate) }))
    }

    /// The gate as of now.
    pub(super) fn current(&self) -> Arc<Gate> {
        self.gate.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Opens another gate whenever a file changed. One that cannot be opened changes nothing: half
    /// written files are ordinary. Tells the metrics of the revocation list in force.
    pub(super) async fn watch(self: Arc<Gates>, app: Arc<App>) {
        let mut lists = tokio::spawn(self.current().watch());
        let mut seen = self.stamps();
        let mut ticks = tokio::time::interval(LOOK);
        loop {
            ticks.tick().await;
            app.metrics.crl_is_due(self.current().crl_due());
            let now = self.stamps();
            if now == seen {
                continue;
            }
            match Gate::open(&self.config) {
                Ok(gate) => {
                    seen = now;
                    lists.abort();
                    lists = tokio::spawn(gate.clone().watch());
                    *self.gate.write().unwrap_or_else(PoisonError::into_inner) = gate;
                    tracing::info!("certificates were read again");
                }
                Err(e) => tracing::warn!(error = %e, "certificates changed, those before stay"),
            }
        }
    }

    /// When each file changed last, and how long it is.
    fn stamps(&self) -> [Option<(SystemTime, u64)>; 3] {
        let stamp = |path: &PathBuf| {
            let found = std::fs::metadata(path).ok()?;
            Some((found.modified().ok()?, found.len()))
        };
        let ServerConfig { certificate, key, client_ca, .. } = &self.config;
        [certificate, key, client_ca].map(stamp)
    }
}
