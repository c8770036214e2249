//! The program itself: `nofx replay` on a whole market's day, CPU time of the process from its start
//! to its end, and its memory.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::Command;

use nofx_rt::usage;
use serde_json::Value;

use super::{Measured, Setup};
use crate::days::{Day, Shape, vintage};
use crate::harness::{Contest, Lap};
use crate::row::{Row, Target};

/// One line.
pub const ABOUT: &str =
    "nofx replay, 8,000 instruments, 12 M messages: messages per CPU second, memory";

/// Sizes of the task: 8,000 instruments and two million live orders.
const SIZES: &[&str] = &["instruments.capacity=8192", "book.live_orders=2000000"];
const QUOTE_50: &[&str] = &["strategy.trade=\"first:50\""];
/// Everything traded: rows for every order and every queue of the market.
const QUOTE_ALL: &[&str] = &[
    "strategy.trade=\"first:8000\"",
    "venue.sizes.open_orders=65536",
    "venue.sizes.book_orders=1048576",
    "venue.sizes.book_levels=524288",
    "risk.account.open_orders_max=65536",
];

/// `nofx` of the same build.
pub(super) fn program() -> Result<PathBuf, Box<dyn Error>> {
    let path = std::env::current_exe()?.with_file_name("nofx");
    if path.exists() { Ok(path) } else { Err(format!("{} is not built", path.display()).into()) }
}

/// Runs a replay to its end: its report, and the CPU time of the process.
fn replay(
    input: &Path,
    core: usize,
    strategy: &str,
    settings: &[&str],
) -> Result<(Value, u64), Box<dyn Error>> {
    let mut command = Command::new(program()?);
    command.arg("replay").arg(input).args(["--json", "--quiet", "--stamps", "none"]);
    command.args(["--strategy", strategy, "--pin", &core.to_string()]);
    for setting in SIZES.iter().chain(settings) {
        command.args(["--set", setting]);
    }
    let before = usage::children_cpu_ns();
    let output = command.output()?;
    let cpu_ns = usage::children_cpu_ns() - before;
    if !output.status.success() {
        return Err(format!("{command:?}: {}", String::from_utf8_lossy(&output.stderr)).into());
    }
    Ok((serde_json::from_slice(&output.stdout)?, cpu_ns))
}

/// One kind of replay, run for its report first and then for its time.
struct Replay<'a> {
    what: &'a str,
    input: &'a Path,
    touches: u64,
    strategy: &'a str,
    settings: &'a [&'a str],
    target: Option<f64>,
}

impl Replay<'_> {
    fn measure(&self, setup: &Setup) -> Measured {
        let run = || replay(self.input, setup.core, self.strategy, self.settings);
        let (report, _) = run()?;
        check(&report, self.touches)?;
        let lap = || {
            let (report, cpu_ns) = run().expect("what ran before");
            let hash = report["decision_hash"].as_str().and_then(|hash| hash.get(..16));
            let proof = hash.and_then(|hash| u64::from_str_radix(hash, 16).ok()).unwrap_or(0);
            Lap { cpu_ns, ops: report["messages"]["total"].as_u64().unwrap_or(0), proof }
        };
        let mut figure = Contest::new().enter("replay", lap).run(setup.rounds)?.figure("replay");
        (figure.min, figure.median) = (1e3 / figure.min, 1e3 / figure.median);
        let what = format!("{}, {} orders sent", self.what, report["orders"]["sent"]);
        let target = self.target.map(Target::AtLeast);
        let mut rows = vec![Row::alone("replay", what, "M messages/CPU s", figure, target)];
        rows.extend(self.memory(&report));
        Ok(rows)
    }

    fn memory(&self, report: &Value) -> [Row; 2] {
        let row = |key: &str, name: &str, target| {
            let mebibytes = report["memory"][key].as_f64().unwrap_or(f64::NAN) / 1_048_576.0;
            let figure = crate::harness::Figure { min: mebibytes, median: mebibytes };
            Row::alone("replay", format!("{}: {name}", self.what), "MiB", figure, target)
        };
        [
            row("planned_bytes", "memory planned at start", Some(Target::AtMost(1_536.0))),
            row("peak_rss_bytes", "peak resident size, mapped input included", None),
        ]
    }
}

/// A run whose books are wrong or whose loop allocated is no result.
fn check(report: &Value, touches: u64) -> Result<(), String> {
    let hash = report["books"]["touch_hash"].as_str().unwrap_or_default();
    if u64::from_str_radix(hash, 16) != Ok(touches) {
        return Err(format!("touches hash to {hash}, the generator's to {touches:016x}"));
    }
    match report["throughput"]["sealed_allocations"].as_u64() {
        None | Some(0) => Ok(()),
        Some(n) => Err(format!("{n} allocations in the sealed loop")),
    }
}

/// The day as packets on one line, made by `nofx gen` when missing, and the hash of its touches.
fn pcap(folder: &Path) -> Result<(PathBuf, u64), Box<dyn Error>> {
    let folder = folder.join(format!("lines-{}", vintage()));
    let (path, truth) = (folder.join("line-a.pcap"), folder.join("truth.json"));
    if !truth.exists() {
        eprintln!("making {}", path.display());
        let Shape { instruments, messages } = Shape::MARKET;
        let mut command = Command::new(program()?);
        command.arg("gen").arg(&folder).arg("--quiet");
        command.args(["--instruments", &instruments.to_string()]);
        command.args(["--messages", &messages.to_string()]);
        command.args(["--loss", "0", "--duplicate", "0", "--reorder", "0"]);
        let output = command.output()?;
        if !output.status.success() {
            return Err(format!("{command:?}: {}", String::from_utf8_lossy(&output.stderr)).into());
        }
    }
    let truth: Value = serde_json::from_slice(&std::fs::read(truth)?)?;
    let touches = u64::from_str_radix(truth["touch_hash"].as_str().unwrap_or_default(), 16)?;
    Ok((path, touches))
}

/// Measures.
///
/// # Errors
/// The program is not built, fails, or its books are wrong.
pub fn run(setup: &Setup) -> Measured {
    let file = Shape::MARKET.file(&setup.days)?;
    let touches = Day::load(Shape::MARKET, &setup.days)?.touches;
    let (packets, as_packets) = pcap(&setup.days)?;
    let kinds = [
        ("null, no venue, BinaryFILE", (&file, touches), "null", &[][..], Some(8.0)),
        ("null, no venue, pcap of MoldUDP64", (&packets, as_packets), "null", &[], Some(8.0)),
        (
            "maker on 50, their queues kept, BinaryFILE",
            (&file, touches),
            "maker",
            QUOTE_50,
            Some(3.0),
        ),
        ("maker on all 8,000, BinaryFILE", (&file, touches), "maker", QUOTE_ALL, None),
    ];
    let mut rows = Vec::new();
    for (what, (input, touches), strategy, settings, target) in kinds {
        let replay = Replay { what, input, touches, strategy, settings, target };
        rows.extend(replay.measure(setup)?);
    }
    Ok(rows)
}
