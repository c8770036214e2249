//! `control.toml`: every key of the control process.
//!
//! Model: one struct per section, unknown keys are errors, a value that cannot be is refused with the
//! key's name and what to do. Paths that are not absolute are taken from the folder of the file.
//! `docs/control.md` explains each key.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::clock;
use crate::failure::Failure;

/// The whole file.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Where and how it listens.
    pub server: ServerConfig,
    /// Engines to attach to.
    #[serde(default)]
    pub engine: Vec<EngineConfig>,
    /// Versions, configurations, idempotency keys.
    pub store: StoreConfig,
    /// The audit log.
    pub audit: AuditConfig,
    /// The kill switch.
    #[serde(default)]
    pub kill: KillConfig,
    /// Who may do what.
    #[serde(default)]
    pub policy: PolicyConfig,
    /// Quality of the clock.
    #[serde(default)]
    pub clock: clock::Settings,
    /// Metrics for Prometheus.
    #[serde(default)]
    pub metrics: MetricsConfig,
    /// Logs and traces.
    #[serde(default)]
    pub telemetry: TelemetryConfig,
    /// The web console.
    #[serde(default)]
    pub console: ConsoleConfig,
}

/// `[server]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ServerConfig {
    /// Address of the API and the console.
    #[serde(default = "default_listen")]
    pub listen: SocketAddr,
    /// Certificate chain of the server, PEM.
    pub certificate: PathBuf,
    /// Its private key, PEM.
    pub key: PathBuf,
    /// Certificates that issue client certificates, PEM.
    pub client_ca: PathBuf,
    /// Revoked certificates, PEM; read again when it changes.
    pub crl: Option<PathBuf>,
    /// Most connections at a time; more are closed at once.
    #[serde(default = "default_connections")]
    pub max_connections: usize,
    /// Most connections of one address at a time.
    #[serde(default = "default_connections_per_peer")]
    pub max_connections_per_peer: usize,
    /// Longest TLS handshake, milliseconds.
    #[serde(default = "default_handshake")]
    pub handshake_timeout_ms: u64,
    /// Longest wait for the headers of a request, milliseconds.
    #[serde(default = "default_header")]
    pub header_timeout_ms: u64,
    /// Longest time for a request and its answer, milliseconds; streams are exempt.
    #[serde(default = "default_request")]
    pub request_timeout_ms: u64,
    /// Longest body of a request.
    #[serde(default = "default_body")]
    pub body_max_bytes: usize,
}

/// `[[engine]]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EngineConfig {
    /// Its name in the API: letters, digits, `-` and `_`.
    pub name: String,
    /// Its mapped file (`live.mailbox` of the engine).
    pub mailbox: PathBuf,
    /// Folder of its journal (`live.journal` of the engine); without it there are no journal queries.
    pub journal: Option<PathBuf>,
}

/// `[store]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StoreConfig {
    /// The SQLite file.
    pub path: PathBuf,
}

/// `[audit]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AuditConfig {
    /// The SQLite file.
    pub path: PathBuf,
    /// Where signed checkpoints are appended: another disk, best another machine. Without it they go
    /// beside the log, which protects from less.
    pub checkpoint: Option<PathBuf>,
    /// Ed25519 key that signs them, PEM; `pki init` makes one.
    pub key: PathBuf,
    /// Bodies of older entries are dropped, their hashes stay; 0 keeps all.
    #[serde(default)]
    pub retention_days: u32,
    /// Entries that need not wait for the disk are committed together, milliseconds.
    #[serde(default = "default_group")]
    pub group_ms: u64,
    /// Socket of the system's log, such as `/dev/log`, that also gets each signed head.
    pub syslog: Option<PathBuf>,
}

/// `[kill]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct KillConfig {
    /// When this file exists, everything is stopped on every engine.
    pub file: Option<PathBuf>,
    /// The second person must agree to a release within this time.
    pub release_window_s: u64,
    /// Checks before a release: `positions`, `limits`, `books`.
    pub release_checks: Vec<String>,
}

impl Default for KillConfig {
    fn default() -> KillConfig {
        let checks = ["positions", "limits", "books"];
        KillConfig {
            file: None,
            release_window_s: 300,
            release_checks: checks.map(str::to_owned).into(),
        }
    }
}

/// `[policy]`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PolicyConfig {
    /// Cedar policies in place of the built-in ones.
    pub file: Option<PathBuf>,
}

/// `[metrics]`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct MetricsConfig {
    /// Plain HTTP for a scraper without a certificate; loopback only.
    pub listen: Option<SocketAddr>,
}

/// `[telemetry]`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TelemetryConfig {
    /// OTLP endpoint for traces, `http://host:4318/v1/traces`.
    pub otlp: Option<String>,
    /// Form of the logs.
    pub log: LogForm,
}

/// Form of the logs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogForm {
    /// One JSON object a line.
    #[default]
    Json,
    /// For people.
    Text,
}

/// `[console]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ConsoleConfig {
    /// Whether it is served.
    pub enabled: bool,
}

impl Default for ConsoleConfig {
    fn default() -> ConsoleConfig {
        ConsoleConfig { enabled: true }
    }
}

fn default_listen() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 8443))
}
fn default_connections() -> usize {
    1_000
}
fn default_connections_per_peer() -> usize {
    200
}
fn default_handshake() -> u64 {
    5_000
}
fn default_header() -> u64 {
    5_000
}
fn default_request() -> u64 {
    10_000
}
fn default_body() -> usize {
    1 << 20
}
fn default_group() -> u64 {
    5
}

impl Config {
    /// Reads and checks the file.
    ///
    /// # Errors
    /// It cannot be read, is not TOML, has an unknown key, or a value that cannot be.
    pub fn load(path: &Path) -> Result<Config, Failure> {
        let text = std::fs::read_to_string(path)
            .map_err(|e| Failure::input(format!("{}: cannot read: {e}", path.display())))?;
        // A bare file name has an empty parent, which is no folder.
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        let folder = folder.unwrap_or(Path::new("."));
        let config = Config::parse(&text, folder);
        config.map_err(|problem| Failure::usage(format!("{}: {problem}", path.display())))
    }

    /// Reads and checks the text of a file that stands in `folder`.
    ///
    /// # Errors
    /// As for [`Config::load`]; the message names the key.
    pub fn parse(text: &str, folder: &Path) -> Result<Config, String> {
        let mut config: Config = toml::from_str(text).map_err(|e| e.to_string())?;
        config.place(folder);
        config.check()?;
        Ok(config)
    }

    /// Makes every path one from the folder of the file.
    fn place(&mut self, folder: &Path) {
        let server = &mut self.server;
        let must = [&mut server.certificate, &mut server.key, &mut server.client_ca];
        let may = [
            &mut server.crl,
            &mut self.audit.checkpoint,
            &mut self.audit.syslog,
            &mut self.kill.file,
        ];
        let stores = [&mut self.store.path, &mut self.audit.path, &mut self.audit.key];
        let paths = must.into_iter().chain(may.into_iter().flatten()).chain(stores);
        let engines = self.engine.iter_mut();
        let engines = engines.flat_map(|e| std::iter::once(&mut e.mailbox).chain(&mut e.journal));
        for path in paths.chain(engines).chain(&mut self.policy.file) {
            *path = folder.join(&*path);
        }
    }

    fn check(&self) -> Result<(), String> {
        let server = &self.server;
        let positive = [
            ("server.max_connections", server.max_connections as u64),
            ("server.max_connections_per_peer", server.max_connections_per_peer as u64),
            ("server.handshake_timeout_ms", server.handshake_timeout_ms),
            ("server.header_timeout_ms", server.header_timeout_ms),
            ("server.request_timeout_ms", server.request_timeout_ms),
            ("server.body_max_bytes", server.body_max_bytes as u64),
            ("kill.release_window_s", self.kill.release_window_s),
        ];
        if let Some((key, _)) = positive.iter().find(|(_, value)| *value == 0) {
            return Err(format!("{key}: 0 cannot be; leave it out for the default"));
        }
        if let Some(listen) = self.metrics.listen.filter(|listen| !listen.ip().is_loopback()) {
            return Err(format!(
                "metrics.listen: {listen} is not a loopback address: it is served without \
                 certificates; name one, or scrape /metrics with a certificate"
            ));
        }
        self.clock.check()?;
        self.check_engines()
    }

    fn check_engines(&self) -> Result<(), String> {
        let (mut names, mut files) = (BTreeSet::new(), BTreeSet::new());
        for engine in &self.engine {
            let good = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
            let name = &engine.name;
            if name.is_empty() || name.len() > 32 || !name.chars().all(good) {
                return Err(format!(
                    "engine.name: {name:?} is not 1 to 32 letters, digits, '-' or '_'"
                ));
            }
            if !names.insert(name) {
                return Err(format!("engine.name: {name:?} stands twice"));
            }
            if !files.insert(&engine.mailbox) {
                return Err(format!(
                    "engine.mailbox: {} belongs to two engines; each has its own",
                    engine.mailbox.display()
                ));
            }
        }
        Ok(())
    }
}
