//! `nofx-control check`: everything the configuration names, looked at without changing anything.
//!
//! Model: a list of [`Finding`]s, each with the key that leads to it, what is wrong and how bad.
//! `wrong` would stop or cripple the process, `look` deserves a person's eye. Exit code 1 when one is
//! wrong, else 0; the configuration itself is read before (exit codes 2 and 3).
//!
//! Worst case: one look at the clock, up to four seconds.

use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use nofx_mailbox::Watcher;
use serde::Serialize;
use x509_parser::pem::Pem;

use crate::clock::{ClockWatch, Source};
use crate::config::Config;
use crate::failure::Failure;
use crate::identity::Gate;
use crate::kill::KillDesk;
use crate::policy::Policy;
use crate::{telemetry, time};

/// Certificates that end sooner than this deserve a look.
const SOON_DAYS: i64 = 30;
const DAY_S: i64 = 86_400;

/// Arguments of `nofx-control check`.
#[derive(Clone, Debug, clap::Args)]
pub struct CheckArgs {
    /// The configuration (docs/control.md).
    #[arg(long, value_name = "FILE", default_value = "control.toml")]
    pub config: PathBuf,
    /// One JSON object a finding.
    #[arg(long)]
    pub json: bool,
}

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Weight {
    /// It works; somebody should know.
    Look,
    /// It does not work.
    Wrong,
}

/// One thing that was found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// How bad it is.
    pub weight: Weight,
    /// The key that leads to it.
    pub key: String,
    /// What is wrong, and what to do.
    pub text: String,
}

/// `nofx-control check`.
///
/// # Errors
/// The configuration, or something it names.
pub fn run(args: &CheckArgs) -> Result<(), Failure> {
    let config = Config::load(&args.config)?;
    let found = findings(&config);
    let mut out = std::io::stdout().lock();
    for finding in &found {
        let Finding { weight, key, text } = finding;
        let line = match args.json {
            true => serde_json::to_string(finding).unwrap_or_default(),
            false => format!("{}  {key}: {text}", format!("{weight:?}").to_lowercase()),
        };
        _ = writeln!(out, "{line}"); // a closed pipe wants no more lines
    }
    let wrong = found.iter().filter(|finding| finding.weight == Weight::Wrong).count();
    match wrong {
        0 => {
            if !args.json {
                _ = writeln!(out, "{}: good", args.config.display());
            }
            Ok(())
        }
        _ => Err(Failure::wrong(format!("{}: {wrong} wrong", args.config.display()))),
    }
}

/// Everything that is found.
pub fn findings(config: &Config) -> Vec<Finding> {
    let mut list = List::default();
    list.parts(config);
    list.certificates(config);
    list.files(config);
    list.engines(config);
    list.clock(config);
    list.0
}

#[derive(Default)]
struct List(Vec<Finding>);

impl List {
    fn add(&mut self, weight: Weight, key: impl Into<String>, text: impl Into<String>) {
        self.0.push(Finding { weight, key: key.into(), text: text.into() });
    }

    fn must<T>(&mut self, key: &str, result: Result<T, impl std::fmt::Display>) {
        if let Err(e) = result {
            self.add(Weight::Wrong, key, e.to_string());
        }
    }

    fn parts(&mut self, config: &Config) {
        self.must("server", Gate::open(&config.server));
        self.must("policy.file", Policy::open(config.policy.file.as_deref()));
        self.must("kill", KillDesk::open(config));
        self.must("telemetry.otlp", telemetry::check(&config.telemetry));
        if config.engine.is_empty() {
            self.add(Weight::Look, "engine", "no engine is named: nothing to show or to steer");
        }
        if config.audit.checkpoint.is_none() {
            let text = "no second place for tree heads: who owns the log could write another one";
            self.add(Weight::Look, "audit.checkpoint", text);
        }
    }

    fn certificates(&mut self, config: &Config) {
        let now = i64::try_from(time::now().0 / 1_000_000_000).unwrap_or(i64::MAX);
        let server = &config.server;
        for (key, path) in
            [("server.certificate", &server.certificate), ("server.client_ca", &server.client_ca)]
        {
            match ends(path) {
                Ok(end) if end <= now => {
                    self.add(Weight::Wrong, key, "it has expired: issue another")
                }
                Ok(end) if end - now < SOON_DAYS * DAY_S => {
                    let text = format!("it expires in {} days", (end - now) / DAY_S);
                    self.add(Weight::Look, key, text);
                }
                Ok(_) => {}
                Err(text) => self.add(Weight::Wrong, key, text),
            }
        }
        match &server.crl {
            None => self.add(
                Weight::Look,
                "server.crl",
                "not set: a lost certificate cannot be revoked",
            ),
            Some(path) => match list_ends(path) {
                Ok(Some(end)) if end <= now => {
                    let text = "the list of revoked certificates is past its next update";
                    self.add(Weight::Wrong, "server.crl", text);
                }
                Ok(_) => {}
                Err(text) => self.add(Weight::Wrong, "server.crl", text),
            },
        }
    }

    fn files(&mut self, config: &Config) {
        for (key, path) in [("server.key", &config.server.key), ("audit.key", &config.audit.key)] {
            match fs::metadata(path) {
                Ok(file) if file.permissions().mode() & 0o077 != 0 => {
                    let text = format!("{} is open to others: chmod 600", path.display());
                    self.add(Weight::Look, key, text);
                }
                Ok(_) => {}
                Err(e) => self.add(Weight::Wrong, key, format!("{}: {e}", path.display())),
            }
        }
        let files =
            [("store.path", Some(&config.store.path)), ("audit.path", Some(&config.audit.path))];
        let more = [
            ("audit.checkpoint", config.audit.checkpoint.as_ref()),
            ("kill.file", config.kill.file.as_ref()),
        ];
        for (key, path) in files.into_iter().chain(more) {
            let Some(folder) = path.and_then(|path| path.parent()) else { continue };
            if !folder.is_dir() {
                let text = format!("there is no folder {}: make it", folder.display());
                self.add(Weight::Wrong, key, text);
            }
        }
    }

    fn engines(&mut self, config: &Config) {
        for engine in &config.engine {
            let key = |name: &str| format!("engine.{}.{name}", engine.name);
            match Watcher::attach(&engine.mailbox) {
                Ok(watcher) if !watcher.has_process() => {
                    let text = "its mailbox is there, its process is not";
                    self.add(Weight::Look, key("mailbox"), text);
                }
                Ok(_) => {}
                // Control may start before the engine.
                Err(e) if !engine.mailbox.exists() => {
                    self.add(Weight::Look, key("mailbox"), e.to_string());
                }
                Err(e) => self.add(Weight::Wrong, key("mailbox"), e.to_string()),
            }
            if engine.journal.as_ref().is_some_and(|folder| !folder.is_dir()) {
                self.add(Weight::Look, key("journal"), "there is no such folder yet");
            }
        }
    }

    fn clock(&mut self, config: &Config) {
        if config.clock.source == Source::None {
            let text = "\"none\": times in the audit log have no error bound";
            return self.add(Weight::Look, "clock.source", text);
        }
        let clock = ClockWatch::new(config.clock.clone());
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        match runtime {
            Ok(runtime) => runtime.block_on(clock.look()),
            Err(e) => return self.add(Weight::Wrong, "clock", e.to_string()),
        }
        let trouble = clock.trouble();
        let state = clock.now();
        let weight = if config.clock.stop_trading { Weight::Wrong } else { Weight::Look };
        match trouble {
            Some(text) => self.add(weight, "clock", text),
            None if state.alarm => self.add(weight, "clock", state.detail),
            None => {}
        }
    }
}

/// When the first certificate of a PEM file ends, seconds since 1970.
fn ends(path: &Path) -> Result<i64, String> {
    let bytes = fs::read(path).map_err(|e| format!("{}: {e}", path.display()))?;
    let ends = Pem::iter_from_buffer(&bytes).filter_map(|pem| {
        let pem = pem.ok().filter(|pem| pem.label == "CERTIFICATE")?;
        Some(pem.parse_x509().ok()?.validity().not_after.timestamp())
    });
    ends.min().ok_or_else(|| format!("{}: no certificate in it", path.display()))
}

/// When the first revocation list of a PEM file wants to be replaced.
fn list_ends(path: &Path) -> Result<Option<i64>, String> {
    let bytes = fs::read(path).map_err(|e| format!("{}: {e}", path.display()))?;
    let mut blocks = Pem::iter_from_buffer(&bytes).flatten();
    let list = blocks.find(|pem| pem.label == "X509 CRL");
    let list = list.ok_or_else(|| format!("{}: no revocation list in it", path.display()))?;
    let (_, list) = x509_parser::parse_x509_crl(&list.contents)
        .map_err(|e| format!("{}: {e}", path.display()))?;
    Ok(list.next_update().map(|at| at.timestamp()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_that_is_not_there_is_a_finding_of_its_own() {
        let text = "[server]\ncertificate = \"no/s.pem\"\nkey = \"no/s.key\"\nclient_ca = \"no/ca.pem\"\n\
            crl = \"no/crl.pem\"\n[store]\npath = \"no/store.db\"\n[audit]\npath = \"no/audit.db\"\n\
            key = \"no/audit.key\"\n[[engine]]\nname = \"alpha\"\nmailbox = \"no/engine.mailbox\"\n\
            journal = \"no/journal\"\n[clock]\nsource = \"chrony\"\ncommand = \"/nowhere/chronyc\"\n\
            stop_trading = true\n";
        let dir = tempfile::tempdir().expect("a folder");
        let config = Config::parse(text, dir.path()).expect("a configuration");
        let found = findings(&config);
        let wrong: Vec<&str> = found
            .iter()
            .filter(|finding| finding.weight == Weight::Wrong)
            .map(|finding| finding.key.as_str())
            .collect();
        for key in [
            "server",
            "server.certificate",
            "server.client_ca",
            "server.crl",
            "server.key",
            "audit.key",
            "store.path",
            "audit.path",
            "clock",
        ] {
            assert!(wrong.contains(&key), "{key}: {found:#?}");
        }
        let looks: Vec<&str> = found
            .iter()
            .filter(|finding| finding.weight == Weight::Look)
            .map(|finding| finding.key.as_str())
            .collect();
        assert!(looks.contains(&"engine.alpha.mailbox"), "{found:#?}");
    }
}
