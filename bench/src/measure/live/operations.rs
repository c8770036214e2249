//! What an operator waits for: the kill switch, a restart, a join by snapshot. `nofx run` and
//! `nofx venue`, each a process of its own, as they are shipped.
//!
//! A round: the engine trades; the kill word is engaged and, when nothing is open, released; the
//! engine trades again and is killed (-9); it is started again, and trades again. Figures are those
//! that `nofx kill --json` and `nofx run --json` print. Three processes share two cores, and the
//! trade tile yields its core when it has nothing to do.

use std::error::Error;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use nofx_mailbox::Watcher;
use nofx_net::netns::NetNs;
use serde_json::Value;

use super::network::Network;
use super::{Measured, Setup, with_network};
use crate::harness::Figure;
use crate::measure::replay::program;
use crate::row::Row;

/// One line.
pub const ABOUT: &str = "kill switch to last cancel, restart to trading, join by snapshot";

const PATIENCE: Duration = Duration::from_secs(60);
/// Orders that are open before the kill: two for each instrument that is traded.
const OPEN: u64 = 16;

/// The processes of a round, and their folder. None of them outlives it.
struct Round {
    network: Arc<Network>,
    folder: tempfile::TempDir,
    venue: Child,
    engine: Option<Child>,
}

type Result<T> = std::result::Result<T, Box<dyn Error>>;

impl Round {
    fn new(network: &Arc<Network>) -> Result<Round> {
        let folder = tempfile::tempdir()?;
        fs::write(folder.path().join("venue.toml"), VENUE)?;
        fs::write(folder.path().join("engine.toml"), ENGINE)?;
        let venue = ["venue", "--ready-json", "--config", "venue.toml"];
        let mut venue = start(&network.far, folder.path(), &venue)?;
        let mut ready = String::new();
        BufReader::new(venue.stdout.as_mut().ok_or("no output")?).read_line(&mut ready)?;
        if !ready.contains("\"ready\":true") {
            return Err(format!("the venue does not start: {ready}").into());
        }
        Ok(Round { network: Arc::clone(network), folder, venue, engine: None })
    }

    fn mailbox(&self) -> PathBuf {
        self.folder.path().join("mailbox")
    }

    /// Starts an engine, and waits until it has its orders in the market.
    fn trade(&mut self) -> Result<()> {
        let run = ["run", "--quiet", "--json", "--config", "engine.toml"];
        self.engine = Some(start(&self.network.near, self.folder.path(), &run)?);
        self.until_open()
    }

    fn until_open(&self) -> Result<()> {
        let (start, pid) = (Instant::now(), self.engine.as_ref().map_or(0, Child::id));
        loop {
            if let Ok(watcher) = Watcher::attach(self.mailbox())
                && watcher.identity().pid == pid
                && watcher.counter("orders.open").is_some_and(|open| open >= OPEN)
            {
                return Ok(());
            }
            if start.elapsed() > PATIENCE {
                return Err("the engine does not trade".into());
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    fn kill_switch(&self, more: &[&str]) -> Result<Value> {
        let mut command = Command::new(program()?);
        command.args(["kill", "--json", "--mailbox"]).arg(self.mailbox()).args(more);
        let output = command.output()?;
        if !output.status.success() {
            return Err(format!("nofx kill: {output:?}").into());
        }
        Ok(serde_json::from_slice(&output.stdout)?)
    }

    fn kill_engine(&mut self) -> Result<()> {
        let mut engine = self.engine.take().ok_or("no engine")?;
        engine.kill()?;
        engine.wait()?;
        Ok(())
    }

    /// Ends both in order; what the engine reports.
    fn report(mut self) -> Result<Value> {
        let engine = self.engine.take().ok_or("no engine")?;
        Command::new("kill").args(["-TERM", &engine.id().to_string()]).status()?;
        let output = engine.wait_with_output()?;
        if !output.status.success() {
            return Err(format!("nofx run: {}", String::from_utf8_lossy(&output.stderr)).into());
        }
        writeln!(self.venue.stdin.as_mut().ok_or("no input")?, "quit")?;
        self.venue.wait()?;
        Ok(serde_json::from_slice(&output.stdout)?)
    }
}

impl Drop for Round {
    fn drop(&mut self) {
        for child in self.engine.iter_mut().chain([&mut self.venue]) {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

fn start(side: &NetNs, folder: &Path, arguments: &[&str]) -> Result<Child> {
    let mut command = Command::new(program()?);
    command.args(arguments).current_dir(folder);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    Ok(side.within(|| command.spawn())?)
}

/// Where a figure stands in a report, what it is, and its unit with what it is divided by.
type Wanted = (&'static str, &'static str, &'static str, f64);

const OF_KILL: [Wanted; 3] = [
    ("/seen_after_ns", "kill word engaged to the tile's turn that saw it", "us", 1e3),
    ("/last_cancel_sent_ns", "kill word engaged to the last of 16 cancels sent", "us", 1e3),
    ("/last_cancel_confirmed_ns", "kill word engaged to the last cancel confirmed", "us", 1e3),
];
const OF_RUN: [Wanted; 3] = [
    ("/live_after_ms", "restart after kill -9: start of the process to trusted books", "ms", 1.0),
    ("/trading_after_ms", "restart after kill -9: start of the process to trading", "ms", 1.0),
    ("/feed/recover_ns/1", "join by snapshot: first packet to trusted books", "ms", 1e6),
];

fn rows(reports: &[Value], wanted: &[Wanted]) -> Vec<Row> {
    let row = |(place, what, unit, divisor): &Wanted| {
        let value = |report: &Value| report.pointer(place).and_then(Value::as_f64);
        let values: Vec<f64> =
            reports.iter().map(|r| value(r).unwrap_or(f64::NAN) / divisor).collect();
        Row::alone("operations", (*what).to_owned(), unit, Figure::of(&values), None)
    };
    wanted.iter().map(row).collect()
}

/// Measures.
///
/// # Errors
/// The program is not built, or does not do what it should.
pub fn run(setup: &Setup) -> Measured {
    with_network("operations", |network| {
        let (mut kills, mut runs) = (Vec::new(), Vec::new());
        for _ in 0..setup.rounds {
            let mut round = Round::new(network)?;
            round.trade()?;
            kills.push(round.kill_switch(&["--wait", "20000"])?);
            round.kill_switch(&["--release"])?;
            round.until_open()?;
            round.kill_engine()?;
            round.trade()?;
            runs.push(round.report()?);
        }
        let mut all = rows(&kills, &OF_KILL);
        all.extend(rows(&runs, &OF_RUN));
        Ok(all)
    })
}

const VENUE: &str = r#"
[process]
idle = "sleep"
[market]
instruments = 100
[course]
pre_open_s = 1
continuous_s = 0
after_close_s = 0
[flow]
rate = 5000
resting = 100
[[lines]]
group = "239.78.1.1:30001"
interface = "10.78.1.2"
[[lines]]
group = "239.78.1.2:30002"
interface = "10.78.1.2"
[rerequest]
listen = "10.78.2.2:31000"
[glimpse]
listen = "10.78.2.2:32000"
[[firms]]
name = "NOFX"
listen = "10.78.2.2:33000"
username = "NOFX"
password = "NOFX"
"#;

const ENGINE: &str = r#"
[instruments]
capacity = 128
[book]
live_orders = 65536
[strategy]
name = "maker"
trade = "first:8"
[live]
mailbox = "mailbox"
journal = "journal"
[network]
port = "udp"
lines = ["239.78.1.1:30001@feed0", "239.78.1.2:30002@feed0"]
orders = "10.78.2.2:33000"
[recovery]
servers = ["10.78.2.2:31000"]
snapshot = "10.78.2.2:32000"
[[tile]]
name = "trade"
stages = ["receive", "feed", "book", "signal", "risk", "order"]
idle = "yield"
[[tile]]
name = "house"
stages = ["house"]
idle = "sleep"
"#;
