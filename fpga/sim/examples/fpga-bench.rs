//! Speed of the simulation, and the round trip of a line through shared memory.
//!
//! `cargo run --release -p nofx-fpga-sim --features fpga-sim --example fpga-bench [-- ROUNDS]`. Prints
//! rows. The simulation is measured in seconds of processor time, so that other load on the machine
//! counts less; the transport against a bare ping-pong of two threads over two lines, in the same run,
//! pinned to the same two cores (which should be idle otherwise).

use std::error::Error;
use std::fs::File;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Instant;

use nofx_fpga::backend::shm::slots;
use nofx_fpga::backend::{CardLines, HostLines, Shm, Stores};
use nofx_fpga::regs::{op, verdict};
use nofx_fpga::{Lines, OpLine, VerdictLine};
use nofx_fpga_sim::cosim::{Scenario, Setup, run};
use nofx_fpga_sim::serve::{Behaviour, Card, Server};
use nofx_fpga_sim::{Build, Gate};

fn main() -> Result<(), Box<dyn Error>> {
    let rounds = std::env::args().nth(1).map_or(Ok(200_000), |text| text.parse())?;
    unchecked()?;
    for scenario in [Scenario::Hot, Scenario::Tiny, Scenario::Uniform] {
        checked(scenario)?;
    }
    transport(rounds)
}

/// Processor time of this thread in seconds (wall time where the system does not tell).
fn processor_seconds(since: Instant) -> f64 {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let nanos = text.split(' ').next().and_then(|text| text.parse::<f64>().ok());
    nanos.map_or_else(|| since.elapsed().as_secs_f64(), |nanos| nanos / 1e9)
}

/// One line a cycle, verdicts counted and thrown away.
fn unchecked() -> Result<(), Box<dyn Error>> {
    let mut gate = Gate::open(Build::Fast, 1)?;
    gate.clock(4_096);
    gate.clock(4_096);
    gate.clock(4_096);
    let lines: Vec<OpLine> = (1..=500_000).map(|seq| OpLine::barrier(seq, seq)).collect();
    gate.offer(&lines);
    let start = Instant::now();
    let (from, began) = (gate.cycle(), processor_seconds(start));
    let mut verdicts = 0;
    while verdicts < lines.len() {
        gate.clock(4_000);
        while gate.take().is_some() {
            verdicts += 1;
        }
    }
    let seconds = processor_seconds(start) - began;
    let cycles = (gate.cycle() - from) as f64;
    println!("MEASURED fpga-sim unchecked: {:.2} M cycles/s", cycles / seconds / 1e6);
    Ok(())
}

fn checked(scenario: Scenario) -> Result<(), Box<dyn Error>> {
    let setup = Setup { build: Build::Fast, mutant: 0, seed: 3, operations: 300_000, window: None };
    let start = Instant::now();
    let began = processor_seconds(start);
    let bench = run(scenario, &setup).map_err(|failure| failure.to_string())?;
    let seconds = processor_seconds(start) - began;
    println!(
        "MEASURED fpga-sim checked, {}: {:.2} M operations/s, {:.2} M cycles/s",
        scenario.name(),
        bench.operations as f64 / seconds / 1e6,
        bench.cycle() as f64 / seconds / 1e6
    );
    Ok(())
}

/// By number: a list of cores would be that of the thread, pinned already.
fn pin(core: usize) {
    core_affinity::set_for_current(core_affinity::CoreId { id: core });
}

fn row(name: &str, mut nanos: Vec<u64>) -> (u64, u64) {
    nanos.sort_unstable();
    let at = |part: usize| nanos[nanos.len() * part / 1000];
    println!("MEASURED {name}: p50 {} ns, p99 {} ns, p99.9 {} ns", at(500), at(990), at(999));
    (at(500), at(990))
}

fn transport(rounds: u32) -> Result<(), Box<dyn Error>> {
    pin(0);
    let bare = row("line ping-pong, bare", bare(rounds)?);
    let memory = row("line round trip, window and ring", memory(rounds)?);
    let shm = row("line round trip, shm simulator (echo)", process(rounds)?);
    println!(
        "MEASURED shm against bare: window and ring {:.2}x, simulator {:.2}x at p50",
        memory.0 as f64 / bare.0 as f64,
        shm.0 as f64 / bare.0 as f64
    );
    Ok(())
}

/// Two lines of 64 bytes, a word of each the turn.
fn bare(rounds: u32) -> Result<Vec<u64>, Box<dyn Error>> {
    #[repr(align(64))]
    struct Cell(AtomicU32);
    let cells = [Cell(AtomicU32::new(0)), Cell(AtomicU32::new(0))];
    let mut nanos = Vec::with_capacity(rounds as usize);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            pin(1);
            for turn in 1..=rounds {
                while cells[0].0.load(Ordering::Acquire) != turn {
                    std::hint::spin_loop();
                }
                cells[1].0.store(turn, Ordering::Release);
            }
        });
        for turn in 1..=rounds {
            let start = Instant::now();
            cells[0].0.store(turn, Ordering::Release);
            while cells[1].0.load(Ordering::Acquire) != turn {
                std::hint::spin_loop();
            }
            nanos.push(start.elapsed().as_nanos() as u64);
        }
    });
    Ok(nanos)
}

fn line(seq: u32) -> OpLine {
    let mut line = OpLine::ZERO;
    line.words.fill(seq.into());
    line.with(op::SEQ, seq.into())
}

/// The host's and the card's half over two memfds, no simulator between them.
fn memory(rounds: u32) -> Result<Vec<u64>, Box<dyn Error>> {
    let files: [File; 2] = [slots("window")?, slots("ring")?];
    let mut host = HostLines::map(&files[0], 0, &files[1], Stores::Ordered)?;
    let mut card = CardLines::map(&files[0], &files[1])?;
    let mut nanos = Vec::with_capacity(rounds as usize);
    std::thread::scope(|scope| {
        scope.spawn(move || {
            pin(1);
            let mut left = rounds;
            while left > 0 {
                let Some(line) = card.take() else {
                    std::hint::spin_loop();
                    continue;
                };
                let answer = VerdictLine { words: line.words };
                card.put(&answer.with(verdict::SEQ, line.seq().into()));
                left -= 1;
            }
        });
        for seq in 1..=rounds {
            let start = Instant::now();
            assert!(host.put(&line(seq)));
            while host.take().is_none() {
                std::hint::spin_loop();
            }
            nanos.push(start.elapsed().as_nanos() as u64);
        }
    });
    Ok(nanos)
}

/// The loop of the simulator, without a gate.
fn process(rounds: u32) -> Result<Vec<u64>, Box<dyn Error>> {
    let path = std::env::temp_dir().join(format!("nofx-fpga-bench-{}", std::process::id()));
    let behaviour = Behaviour { spin: true, ..Behaviour::default() };
    let mut server = Server::bind(&path, Card::echo(), behaviour)?;
    let go_on = AtomicBool::new(true);
    let mut nanos = Vec::with_capacity(rounds as usize);
    std::thread::scope(|scope| -> Result<(), Box<dyn Error>> {
        scope.spawn(|| {
            pin(1);
            server.serve(|| go_on.load(Ordering::Relaxed)).ok();
        });
        let mut shm = Shm::open(&path)?;
        for seq in 1..=rounds {
            let start = Instant::now();
            assert!(shm.put(&line(seq)));
            while shm.take().is_none() {
                std::hint::spin_loop();
            }
            nanos.push(start.elapsed().as_nanos() as u64);
        }
        go_on.store(false, Ordering::Relaxed);
        Ok(())
    })?;
    std::fs::remove_file(&path).ok();
    Ok(nanos)
}
