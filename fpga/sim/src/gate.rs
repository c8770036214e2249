//! The harness round the simulated gate.
//!
//! Model: lines wait in a queue until the gate takes them, verdicts in another until the caller
//! does; every call clocks both streams and the register bus together, so a register access
//! happens in the midst of traffic. Which cycles offer a line or take a verdict is drawn from a
//! seeded generator by [`Pattern`].

use std::collections::VecDeque;
use std::path::{Path, PathBuf};

use nofx_fpga::{OpLine, VerdictLine};

use super::model::{Build, BusState, Model, OpenError, Run};

/// Verdicts that may wait for the caller; behind them the gate sees an output that is not ready.
const WAITING_MAX: usize = 4096;
/// Cycles after which a register access counts as unanswered.
const BUS_CYCLES_MAX: u64 = 1 << 20;

/// In how many of 256 cycles the streams move, in the long run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pattern {
    /// A waiting line is offered (and stays offered until it is accepted).
    pub offer: u32,
    /// A verdict is taken.
    pub take: u32,
}

impl Pattern {
    /// Every cycle.
    pub const ALWAYS: Pattern = Pattern { offer: 256, take: 256 };
}

/// A register access, with cycles that the master waits before each of its steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bus {
    /// Write this, or read.
    pub write: Option<u32>,
    /// Byte address.
    pub address: u32,
    /// Before the address, the data, the answer is taken.
    pub waits: [u32; 3],
}

/// A verdict and when it and its line crossed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamped {
    /// The verdict.
    pub line: VerdictLine,
    /// Cycle in which the operation was accepted.
    pub accepted: u64,
    /// Cycle in which the verdict was taken.
    pub taken: u64,
}

/// Which promise of its ports the gate broke, or which of its own assertions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Broken {
    /// A verdict that was not taken changed or went away.
    Verdict,
    /// An answer on the register bus likewise.
    Bus,
    /// An assertion of the RTL: where.
    Assertion(String),
}

/// Cycles of which waveforms are wanted.
struct Window {
    from: u64,
    to: u64,
    path: PathBuf,
    open: bool,
}

/// The simulated gate.
pub struct Gate {
    model: Model,
    /// In which cycles the streams move.
    pub pattern: Pattern,
    mutant: u32,
    random: u64,
    lines: Vec<OpLine>,
    line_cycles: Vec<u64>,
    lines_done: usize,
    /// When the lines whose verdicts the caller has not seen were accepted.
    in_flight: VecDeque<u64>,
    verdicts: Vec<VerdictLine>,
    verdict_cycles: Vec<u64>,
    verdicts_taken: usize,
    bus: BusState,
    accepted: u64,
    cycle: u64,
    killed: bool,
    broken: u32,
    window: Option<Window>,
}

impl Gate {
    /// A gate of `build`, reset for a few cycles; it is still scrubbing its tables.
    pub fn open(build: Build, seed: u64) -> Result<Gate, OpenError> {
        Model::take_failure();
        let mut gate = Gate {
            model: Model::open(build)?,
            pattern: Pattern::ALWAYS,
            mutant: 0,
            random: seed | 1,
            lines: Vec::new(),
            line_cycles: Vec::new(),
            lines_done: 0,
            in_flight: VecDeque::new(),
            verdicts: vec![VerdictLine::ZERO; WAITING_MAX],
            verdict_cycles: vec![0; WAITING_MAX],
            verdicts_taken: 0,
            bus: BusState::default(),
            accepted: 0,
            cycle: 0,
            killed: true,
            broken: 0,
            window: None,
        };
        gate.verdicts.clear();
        gate.verdict_cycles.clear();
        gate.reset(4);
        Ok(gate)
    }

    /// Plants the fault `mutant` (of the build `Dv`; 0 is none).
    pub fn plant(&mut self, mutant: u8) {
        self.mutant = u32::from(mutant);
    }

    /// Writes waveforms from here on, or stops; false where the build cannot.
    pub fn trace(&mut self, path: Option<&Path>) -> bool {
        self.model.trace(path)
    }

    /// Writes waveforms of the cycles from `from` to `to` (of the build `Dv`).
    pub fn trace_window(&mut self, from: u64, to: u64, path: PathBuf) {
        self.window = Some(Window { from, to, path, open: false });
    }

    /// Cycles since the model was opened.
    pub fn cycle(&self) -> u64 {
        self.cycle
    }

    /// The level of the port `killed`.
    pub fn killed(&self) -> bool {
        self.killed
    }

    /// Lines accepted since the model was opened.
    pub fn accepted(&self) -> u64 {
        self.accepted
    }

    /// Lines that wait to be accepted.
    pub fn queued(&self) -> usize {
        self.lines.len() - self.lines_done
    }

    /// What the gate broke so far, if anything.
    pub fn broken(&mut self) -> Option<Broken> {
        match self.broken {
            0 => None,
            bits if bits & 4 != 0 => {
                Some(Broken::Assertion(Model::take_failure().unwrap_or_default()))
            }
            bits if bits & 1 != 0 => Some(Broken::Verdict),
            _ => Some(Broken::Bus),
        }
    }

    /// Asserts reset for `cycles`. Lines that wait and verdicts not yet taken are forgotten.
    pub fn reset(&mut self, cycles: u64) {
        self.lines.clear();
        self.line_cycles.clear();
        self.lines_done = 0;
        self.in_flight.clear();
        self.verdicts.clear();
        self.verdict_cycles.clear();
        self.verdicts_taken = 0;
        self.bus = BusState::default();
        self.run(cycles, true, false);
    }

    /// Puts lines into the queue.
    pub fn offer(&mut self, lines: &[OpLine]) {
        // What crossed is dropped here, so the queue stays as long as what waits.
        self.lines.drain(..self.lines_done);
        self.line_cycles.drain(..self.lines_done);
        self.lines_done = 0;
        self.lines.extend_from_slice(lines);
        self.line_cycles.resize(self.lines.len(), 0);
    }

    /// When the lines were accepted whose verdicts the caller has not taken, oldest first.
    pub fn in_flight(&self) -> &VecDeque<u64> {
        &self.in_flight
    }

    /// Clocks `cycles`; returns how many it did (fewer when the verdicts have no more room).
    pub fn clock(&mut self, cycles: u64) -> u64 {
        self.run(cycles, false, false)
    }

    /// Clocks until `verdicts` wait, at most `cycles_max`; whether they do.
    pub fn clock_until(&mut self, verdicts: usize, cycles_max: u64) -> bool {
        let from = self.cycle;
        while self.waiting() < verdicts && self.cycle - from < cycles_max {
            // Fewer come than are asked for now: no more room than that.
            let chunk = ((verdicts - self.waiting()) as u64).min(cycles_max - (self.cycle - from));
            self.run(chunk, false, false);
        }
        self.waiting() >= verdicts
    }

    /// Verdicts that wait for the caller.
    pub fn waiting(&self) -> usize {
        self.verdicts.len() - self.verdicts_taken
    }

    /// Takes the next verdict.
    pub fn take(&mut self) -> Option<Stamped> {
        let line = *self.verdicts.get(self.verdicts_taken)?;
        let taken = self.verdict_cycles[self.verdicts_taken];
        self.verdicts_taken += 1;
        Some(Stamped { line, accepted: self.in_flight.pop_front().unwrap_or(0), taken })
    }

    /// Starts a register access; false while another is under way.
    pub fn start(&mut self, access: Bus) -> bool {
        if self.bus.kind != 0 {
            return false;
        }
        let [address_wait, data_wait, answer_wait] = access.waits;
        self.bus = BusState {
            kind: if access.write.is_some() { 1 } else { 2 },
            address: access.address,
            data: access.write.unwrap_or(0),
            strobe: if access.write.is_some() { 0xf } else { 0 },
            address_wait,
            data_wait,
            answer_wait,
            ..BusState::default()
        };
        true
    }

    /// Whether a register access is under way.
    pub fn bus_busy(&self) -> bool {
        self.bus.kind != 0
    }

    /// The cycle in which the access started last was taken by the gate (address, and data of a
    /// write); it may not be answered yet.
    pub fn bus_taken(&self) -> Option<u64> {
        let write_or_none = self.bus.data_taken != 0 || self.bus.strobe == 0;
        (self.bus.address_taken != 0 && write_or_none).then_some(self.bus.taken_at)
    }

    /// Writes a register, clocking until it is answered; false where it never is.
    pub fn write(&mut self, address: u32, value: u32) -> bool {
        self.access(Bus { write: Some(value), address, waits: [0; 3] }).is_some()
    }

    /// Reads a register, clocking until it is answered.
    pub fn read(&mut self, address: u32) -> Option<u32> {
        self.access(Bus { write: None, address, waits: [0; 3] })
    }

    fn access(&mut self, access: Bus) -> Option<u32> {
        self.finish_bus()?;
        self.start(access);
        self.finish_bus()?;
        (self.bus.response == 0).then_some(self.bus.value)
    }

    fn finish_bus(&mut self) -> Option<()> {
        let from = self.cycle;
        while self.bus.kind != 0 {
            if self.cycle - from > BUS_CYCLES_MAX {
                return None;
            }
            self.run(1, false, true);
        }
        Some(())
    }

    /// Opens and closes the waveforms at about the cycles asked for.
    fn step_window(&mut self, cycles: u64) {
        let Some(window) = &mut self.window else { return };
        if !window.open && self.cycle + cycles >= window.from {
            window.open = self.model.trace(Some(&window.path));
        }
        if self.cycle > window.to {
            self.model.trace(None);
            self.window = None;
        }
    }

    /// `deaf`: the output is not taken where there is no room, instead of ending the call.
    fn run(&mut self, cycles: u64, reset: bool, deaf: bool) -> u64 {
        self.make_room();
        let room = WAITING_MAX - self.verdicts.len();
        if room == 0 && !deaf {
            return 0;
        }
        let cycles = if deaf { cycles } else { cycles.min(room as u64) };
        self.step_window(cycles);
        let (taken, len) = (self.lines_done, self.verdicts.len());
        let mut run = Run {
            cycles_max: cycles,
            offer_chance: self.pattern.offer,
            take_chance: self.pattern.take,
            reset: u32::from(reset),
            mutant: self.mutant,
            reserved: [0; 2],
            random: self.random,
            lines: self.lines.as_ptr().cast(),
            lines_len: self.lines.len() as u64,
            lines_done: taken as u64,
            verdicts: self.verdicts.as_mut_ptr().cast(),
            verdicts_len: WAITING_MAX as u64,
            verdicts_done: len as u64,
            line_cycles: self.line_cycles.as_mut_ptr(),
            verdict_cycles: self.verdict_cycles.as_mut_ptr(),
            bus: &raw mut self.bus,
            cycles_done: 0,
            cycle: 0,
            killed: 0,
            broken: self.broken,
        };
        // SAFETY: both queues are as long as told (the verdicts' by capacity, and cycles beside
        // them), `bus` is ours alone, and a line that was offered stays in front of the queue until
        // it was accepted or a reset forgot it.
        unsafe { self.model.run(&mut run) };
        self.lines_done = run.lines_done as usize;
        let verdicts = (run.verdicts_done as usize).min(WAITING_MAX);
        // SAFETY: the shim wrote every verdict and cycle below that count; capacity is WAITING_MAX.
        unsafe {
            self.verdicts.set_len(verdicts);
            self.verdict_cycles.set_len(verdicts);
        }
        self.accepted += (self.lines_done - taken) as u64;
        self.in_flight.extend(&self.line_cycles[taken..self.lines_done]);
        self.random = run.random;
        self.cycle = run.cycle;
        self.killed = run.killed != 0;
        self.broken = run.broken;
        run.cycles_done
    }

    fn make_room(&mut self) {
        if self.verdicts_taken == self.verdicts.len() {
            self.verdicts.clear();
            self.verdict_cycles.clear();
        } else if self.verdicts_taken > WAITING_MAX / 2 {
            self.verdicts.drain(..self.verdicts_taken);
            self.verdict_cycles.drain(..self.verdicts_taken);
        } else {
            return;
        }
        self.verdicts_taken = 0;
    }
}
