//! Engine and venue as processes of their own, each in a network namespace of its own.

#![allow(dead_code)] // each test binary uses a part

pub mod us;

use std::cell::Cell;
use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::{Mutex, MutexGuard};
use std::thread::sleep;
use std::time::{Duration, Instant};

use nofx_app::live::rerun::rerun;
use nofx_mailbox::Watcher;
use nofx_net::netns::Lab;
use serde_json::Value;

/// Two processes and their ports want both cores: one test at a time.
static ALONE: Mutex<()> = Mutex::new(());

pub const NOFX: &str = env!("CARGO_BIN_EXE_nofx");
/// Far longer than anything here takes on a busy machine.
pub const PATIENCE: Duration = Duration::from_secs(60);

pub struct Rig {
    pub lab: Lab,
    dir: tempfile::TempDir,
    venue: Child,
    /// The engine that was started last: the mailbox may still be that of the one before.
    engine: Cell<u32>,
    _alone: MutexGuard<'static, ()>,
}

impl Rig {
    /// A venue that trades, by `venue.toml` among `files`; `None`, and said so, where there are no namespaces.
    pub fn start(what: &str, files: &[(&str, &str)]) -> Option<Rig> {
        let alone = ALONE.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        let lab = Lab::or_skip(what)?;
        let dir = tempfile::tempdir().expect("a folder");
        for (name, text) in files {
            fs::write(dir.path().join(name), text).expect("written");
        }
        let mut command = Command::new(NOFX);
        command.args(["venue", "--ready-json", "--config", "venue.toml", "--dump", "dump.json"]);
        command.current_dir(dir.path()).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut venue = lab.far.within(|| command.spawn()).expect("the venue starts");
        let mut ready = String::new();
        let mut lines = BufReader::new(venue.stdout.as_mut().expect("piped"));
        lines.read_line(&mut ready).expect("a line");
        assert!(ready.contains("\"ready\":true"), "{ready}");
        Some(Rig { lab, dir, venue, engine: Cell::new(0), _alone: alone })
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub fn engine(&self, arguments: &[&str]) -> Child {
        let mut command = Command::new(NOFX);
        command.args(["run", "--config", "engine.toml", "--json"]).args(arguments);
        command.current_dir(self.dir.path()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let engine = self.lab.near.within(|| command.spawn()).expect("the engine starts");
        self.engine.set(engine.id());
        engine
    }

    pub fn tell_venue(&mut self, line: &str) {
        let stdin = self.venue.stdin.as_mut().expect("piped");
        writeln!(stdin, "{line}").and_then(|()| stdin.flush()).expect("the venue listens");
    }

    /// Ends the venue and reads what it dumped.
    pub fn dump(&mut self) -> Value {
        self.tell_venue("quit");
        assert!(wait(&mut self.venue).success());
        serde_json::from_slice(&fs::read(self.path("dump.json")).expect("dumped")).expect("JSON")
    }

    /// Waits until a counter of the mailbox fulfils `wanted`.
    pub fn until(&self, counter: &str, wanted: impl Fn(u64) -> bool) -> u64 {
        let start = Instant::now();
        loop {
            if let Ok(watcher) = Watcher::attach(self.path("mailbox"))
                && watcher.identity().pid == self.engine.get()
                && let Some(value) = watcher.counter(counter).filter(|value| wanted(*value))
            {
                return value;
            }
            assert!(start.elapsed() < PATIENCE, "{counter} does not come");
            sleep(Duration::from_millis(20));
        }
    }

    /// Waits until a counter of the mailbox has not moved for so long.
    pub fn until_still(&self, counter: &str, long: Duration) -> u64 {
        let (mut last, mut since) = (self.until(counter, |_| true), Instant::now());
        while since.elapsed() < long {
            sleep(Duration::from_millis(20));
            let now = self.until(counter, |_| true);
            if now != last {
                (last, since) = (now, Instant::now());
            }
        }
        last
    }
}

impl Drop for Rig {
    fn drop(&mut self) {
        let _ = self.venue.kill();
        if std::thread::panicking() && self.engine.get() != 0 {
            // A test that failed leaves nothing running behind.
            let _ = Command::new("kill").args(["-9", &self.engine.get().to_string()]).status();
        }
        let _ = self.venue.wait();
    }
}

pub fn wait(child: &mut Child) -> std::process::ExitStatus {
    let start = Instant::now();
    loop {
        if let Some(status) = child.try_wait().expect("ours") {
            return status;
        }
        assert!(start.elapsed() < PATIENCE, "a process does not end");
        sleep(Duration::from_millis(10));
    }
}

/// Waits for an engine that ends in order, and reads its closing report.
pub fn report(engine: Child) -> Value {
    let output = engine.wait_with_output().expect("ours");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    parsed(&output)
}

/// As [`report`], of one that may end with orders it cannot account for.
pub fn last_report(engine: Child) -> Value {
    parsed(&engine.wait_with_output().expect("ours"))
}

fn parsed(output: &Output) -> Value {
    let errors = String::from_utf8_lossy(&output.stderr);
    serde_json::from_slice(&output.stdout).unwrap_or_else(|e| panic!("{e}: {errors}"))
}

pub fn terminate(child: &Child) {
    let killed = Command::new("kill").args(["-TERM", &child.id().to_string()]).status();
    assert!(killed.expect("kill is there").success());
}

/// Positions by symbol, without those that are flat.
pub fn positions(report: &Value) -> BTreeMap<String, i64> {
    let rows = report["positions"].as_array().expect("rows");
    let row = |row: &Value| {
        (row["instrument"].as_str().expect("a symbol").to_owned(), row["position"].as_i64())
    };
    let rows = rows.iter().map(row).map(|(symbol, n)| (symbol, n.expect("shares")));
    rows.filter(|(_, n)| *n != 0).collect()
}

pub fn count(report: &Value, name: &str) -> u64 {
    report["orders"][name].as_u64().unwrap_or_else(|| panic!("{name} in {report}"))
}

#[track_caller]
pub fn assert_runs_again(journal: &Path, runs: usize) {
    let again = rerun(journal).expect("the journal can be read");
    assert_eq!(again.runs.len(), runs);
    assert!(again.is_equal(), "{again}");
}
