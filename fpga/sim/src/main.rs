//! `nofx-fpga-sim`: the risk gate's RTL as a process that looks like a card.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use nofx_fpga_sim::serve::{Behaviour, Card, Fault, Server};
use nofx_fpga_sim::{Build, Gate};

/// Simulates the FPGA risk gate and serves it as a card: lines through shared memory, registers over a
/// socket.
///
/// Start it, then let the engine (backend `shm`) or `nofx fpga info` connect to the same socket. The
/// verdicts are those of the RTL that is synthesised, clock by clock; only time differs: a cycle takes
/// about a microsecond here.
///
/// One host at a time has the lines; it greets with its version, and another version is refused.
/// Others may open the registers at any moment, to look or to kill. A host that hangs up, or dies,
/// leaves a gate that is reset, and killed.
///
/// Examples:
///   nofx-fpga-sim --socket /tmp/card
///   nofx-fpga-sim --socket /tmp/card --delay 200
///   nofx-fpga-sim --socket /tmp/card --fault lose-line=1000 --fault stall=5000
#[derive(Parser)]
#[command(version, verbatim_doc_comment)]
struct Arguments {
    /// Unix socket to listen at.
    #[arg(long, value_name = "PATH")]
    socket: PathBuf,
    /// Cycles that a line takes to the gate and a verdict back: the way over PCIe.
    #[arg(long, value_name = "CYCLES", default_value_t = 0)]
    delay: u64,
    /// What goes wrong and at which line or verdict since the host connected: lose-line, double-line,
    /// flip-line, lose-verdict, flip-verdict, stall, reset. May be given again.
    #[arg(long = "fault", value_name = "NAME=NUMBER")]
    faults: Vec<Fault>,
    /// A planted fault of hw/gate/dv/mutants.toml, by number (needs a build with feature dv).
    #[arg(long, value_name = "NUMBER", default_value_t = 0)]
    mutant: u8,
    /// Write waveforms (FST, for surfer or gtkwave) of the 48 cycles from line `--wave-line` on (needs a
    /// build with feature dv).
    #[arg(long, value_name = "FILE")]
    wave: Option<PathBuf>,
    /// The line of the waveforms, counted from when the host connected.
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    wave_line: u64,
    /// No gate: every line is answered at once. Measures the way.
    #[arg(long)]
    echo: bool,
    /// Never sleep, however long no line comes: steadier latencies for a whole core.
    #[arg(long)]
    spin: bool,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match run(arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("nofx-fpga-sim: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: Arguments) -> Result<(), Box<dyn std::error::Error>> {
    let Arguments { socket, delay, faults, mutant, wave, wave_line, echo, spin } = arguments;
    let card = if echo {
        Card::echo()
    } else {
        let build = if mutant == 0 && wave.is_none() { Build::Fast } else { Build::Dv };
        let mut gate = Gate::open(build, 1)?;
        gate.plant(mutant);
        Card::Gate(Box::new(gate))
    };
    let wave = wave.map(|path| (wave_line, path));
    let behaviour = Behaviour { delay, faults, spin, wave };
    let mut server = Server::bind(&socket, card, behaviour)
        .map_err(|error| format!("{}: {error}", socket.display()))?;
    println!("listening at {}", socket.display());
    server.serve(|| true)?;
    Ok(())
}
