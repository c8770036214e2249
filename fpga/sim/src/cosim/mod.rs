//! Co-simulation: the RTL and the word-level model, the same lines, every word compared.
//!
//! Model: a [`Scenario`] is a generator of stimulus with a seed; [`run`] plays it on one pair
//! ([`Bench`]) and ends with a comparison of the whole state. The same scenario and seed give the same
//! cycles on every build of the model, so a failure is played again with waveforms of the cycles round
//! it, and a planted fault is told from the RTL as it is.

mod bench;
mod cover;
mod events;
mod sets;
mod traffic;

pub use bench::{Bench, Failure, Setup};
pub use cover::{Cover, FAR, RULES};
pub use traffic::{Mix, Rows, Traffic, Values};

use nofx_fpga::OpLine;
use nofx_fpga::regs::{kind, op};
use nofx_risk::card::{CardOp, KillScope};
use nofx_rt::rng::Rng;
use nofx_types::{AccountId, InstrumentId};

use std::path::{Path, PathBuf};

use crate::gate::{Gate, Pattern};
use crate::model::{Build, OpenError};

/// A generator of stimulus.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scenario {
    /// Three accounts and three symbols, numbers as in trading.
    Hot,
    /// Every row of the tables.
    Uniform,
    /// Limit - 1, limit, limit + 1: three accounts and symbols, numbers and limits below ten.
    Tiny,
    /// The ends of every width, negative prices.
    Extreme,
    /// Reports that contradict the state, unknown kinds, rows outside, gaps in the sequence.
    Wild,
    /// Every rule alone and every pair of rules.
    Sets,
    /// Kills, commits, errors and scrubs by register in the midst of traffic.
    Events,
    /// Resets at any cycle, and what they leave.
    Resets,
    /// Silence, an output that is not taken, rows with wrong bits.
    Watch,
}

impl Scenario {
    /// All of them, in the order in which planted faults are tried.
    pub const ALL: [Scenario; 9] = [
        Scenario::Hot,
        Scenario::Tiny,
        Scenario::Sets,
        Scenario::Events,
        Scenario::Wild,
        Scenario::Watch,
        Scenario::Resets,
        Scenario::Extreme,
        Scenario::Uniform,
    ];

    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Scenario::Hot => "hot",
            Scenario::Uniform => "uniform",
            Scenario::Tiny => "tiny",
            Scenario::Extreme => "extreme",
            Scenario::Wild => "wild",
            Scenario::Sets => "sets",
            Scenario::Events => "events",
            Scenario::Resets => "resets",
            Scenario::Watch => "watch",
        }
    }

    /// Of a hundred operations of all scenarios together, how many are its own.
    pub const fn share(self) -> u64 {
        match self {
            Scenario::Hot => 24,
            Scenario::Uniform => 16,
            Scenario::Tiny => 20,
            Scenario::Extreme => 10,
            Scenario::Wild => 8,
            Scenario::Sets => 8,
            Scenario::Events => 8,
            Scenario::Resets => 3,
            Scenario::Watch => 3,
        }
    }
}

/// Plays `scenario`; the pair comes back for what it has met.
pub fn run(scenario: Scenario, setup: &Setup) -> Result<Bench, Failure> {
    let mut bench = Bench::new(setup)?;
    let mut rng = Rng::new(setup.seed);
    while bench.operations < setup.operations {
        match scenario {
            Scenario::Sets => sets_round(&mut bench, &mut rng, setup)?,
            Scenario::Events => events::commands(&mut bench, &mut rng)?,
            Scenario::Resets => events::resets(&mut bench, &mut rng)?,
            Scenario::Watch => events::watch(&mut bench, &mut rng)?,
            _ => round(scenario, &mut bench, &mut rng, setup)?,
        }
    }
    Ok(bench)
}

/// Plays a failed run again with waveforms of the cycles round the failure, into `folder`; the file.
pub fn waveform(
    scenario: Scenario,
    setup: &Setup,
    failure: &Failure,
    folder: &Path,
) -> Result<PathBuf, OpenError> {
    let path = folder.join(format!("{}-{}.fst", scenario.name(), setup.seed));
    Gate::open(Build::Dv, 1)?;
    let window = Some((failure.cycle, path.clone()));
    let again = run(scenario, &Setup { build: Build::Dv, window, ..setup.clone() });
    drop(again);
    Ok(path)
}

/// Sizes taken over, limits written, traffic, the whole state compared.
fn round(
    scenario: Scenario,
    bench: &mut Bench,
    rng: &mut Rng,
    setup: &Setup,
) -> Result<(), Failure> {
    let (accounts, symbols) = match scenario {
        Scenario::Uniform => traffic::pick(rng, &[(256, 32), (1, 8_192), (16, 512), (91, 90)]),
        _ => traffic::pick(rng, &[(3, 3), (8, 5), (5, 40), (7, 13)]),
    };
    let rows = match scenario {
        Scenario::Uniform => Rows::all(accounts, symbols),
        _ => Rows::hot(accounts, symbols, rng),
    };
    let values = match scenario {
        Scenario::Tiny => Values::Tiny,
        Scenario::Extreme => Values::Extreme,
        Scenario::Wild => traffic::pick(rng, &[Values::Plain, Values::Tiny, Values::Extreme]),
        _ => Values::Plain,
    };
    let wild = match scenario {
        Scenario::Wild => 32,
        Scenario::Extreme => 8,
        _ => 0,
    };
    let mix = Mix { values, wild, kills: true, rows };
    let operations = match scenario {
        Scenario::Uniform => 400_000,
        Scenario::Extreme => 4_000,
        Scenario::Wild => 8_000,
        Scenario::Tiny => 12_000,
        _ => 30_000,
    };
    let operations = operations.min(setup.operations);
    open(bench, u32::from(accounts), symbols)?;
    let mut traffic = Traffic::new(rng.next(), mix);
    for line in traffic.opening() {
        bench.send(&line);
    }
    bench.drain()?;
    let until = bench.operations + operations;
    while bench.operations < until {
        phase(bench, &mut traffic, rng)?;
        if scenario == Scenario::Wild && rng.chance(1, 8) {
            gap(bench, &mut traffic, rng);
        }
        let latched = bench.model.sticky().0;
        if latched != 0 && bench.bus_idle() {
            bench.clear(latched);
        }
    }
    bench.compare_state()
}

/// A stretch of traffic under one pattern.
fn phase(bench: &mut Bench, traffic: &mut Traffic, rng: &mut Rng) -> Result<(), Failure> {
    if rng.chance(1, 16) {
        bench.set_pattern(pattern(rng))?;
    }
    let cycles = 16 + rng.below(if bench.model.killed() { 48 } else { 240 });
    feed(bench, traffic, cycles)
}

/// Keeps the input busy for `cycles`.
fn feed(bench: &mut Bench, traffic: &mut Traffic, cycles: u64) -> Result<(), Failure> {
    let queued = bench.gate.queued() as u64;
    for _ in queued..cycles {
        bench.send(&traffic.draw());
    }
    bench.pump(cycles)?;
    for (line, verdict) in std::mem::take(&mut bench.seen) {
        traffic.observe(&line, &verdict);
    }
    Ok(())
}

fn pattern(rng: &mut Rng) -> Pattern {
    match rng.below(6) {
        0..3 => Pattern::ALWAYS,
        3 => Pattern { offer: 256, take: 1 + rng.below(256) as u32 },
        4 => Pattern { offer: 1 + rng.below(256) as u32, take: 256 },
        _ => Pattern { offer: 1 + rng.below(256) as u32, take: 1 + rng.below(256) as u32 },
    }
}

/// Tables of that size, empty; the reset known, nothing latched.
fn open(bench: &mut Bench, accounts: u32, symbols: u32) -> Result<(), Failure> {
    bench.drain()?;
    bench.scrub(accounts, symbols)?;
    bench.wait_ready()?;
    bench.settle_bus()?;
    bench.clear(u16::MAX);
    bench.settle_bus()?;
    bench.pump(4)
}

/// A line that is not the successor of the one before it.
fn gap(bench: &mut Bench, traffic: &mut Traffic, rng: &mut Rng) {
    let seq = match rng.below(4) {
        0 => bench.seq(),
        1 => bench.seq().wrapping_add(2),
        2 => rng.next() as u32,
        _ => u32::MAX - 3, // the next ones wrap
    };
    bench.send_numbered(&traffic.draw(), seq);
}

/// Orders that chosen sets of rules refuse.
fn sets_round(bench: &mut Bench, rng: &mut Rng, setup: &Setup) -> Result<(), Failure> {
    open(bench, 8, 16)?;
    bench.send(&traffic::encode(&CardOp::Kill { scope: KillScope::Global, engaged: false }));
    bench
        .send(&OpLine::ZERO.with(op::KIND, kind::EPOCH.into()).with(op::EPOCH, sets::EPOCH.into()));
    let until = bench.operations + setup.operations.min(50_000);
    let mut now_ns = 1_700_000_000_000_000_000;
    while bench.operations < until {
        if rng.chance(1, 64) {
            bench.set_pattern(pattern(rng))?;
        }
        let rules = sets::draw(rng);
        let account = AccountId(rng.below(8) as u16);
        let symbol = InstrumentId(rng.below(16) as u32);
        // Days apart: what was counted before counts no more.
        now_ns += 86_400_000_000_000 + rng.below(2);
        for line in sets::lines(rules, account, symbol, now_ns) {
            bench.send(&line);
        }
        bench.pump(12)?;
    }
    bench.compare_state()
}
