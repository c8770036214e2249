//! Drives the streams and registers of a simulated seam.
//!
//! Model: frames of the host, frames of the venue (listened to) and lines wait in queues; a cycle
//! offers the first of each and keeps what comes out. With a [`Core`] the lines are the seam's own
//! operations, answered after a fixed number of cycles, as the gate would. Ready signals may stall
//! at random, by seed.

use std::collections::VecDeque;

use crate::regs;
use crate::sim::{In, Out, Sim, Top};

/// A line of 64 bytes.
pub type Line = [u8; 64];

/// Cycles from an operation to its verdict, as in the gate.
const LATENCY: u64 = 9;
/// More cycles than any frame takes: a seam that needs more hangs.
const PATIENCE: u64 = 20_000;

/// Who judges.
pub trait Core {
    /// The verdict on an operation; `None` for a core that does not answer.
    fn judge(&mut self, line: &Line) -> Option<Line>;
}

/// A simulated seam with its queues.
pub struct Rig {
    sim: Sim,
    inputs: In,
    cycle: u64,
    /// Beats of host frames to come: data, bytes, last.
    to_send: VecDeque<(Line, usize, bool)>,
    heard: VecDeque<(Line, bool)>,
    /// Lines to give in: verdicts for the seam alone (with the cycle they are due), else the host's.
    lines_in: VecDeque<(u64, Line)>,
    half: Vec<u8>,
    /// Frames that came out and were not taken.
    pub out: VecDeque<Vec<u8>>,
    /// Lines that came out: operations of the seam alone, else verdicts for the host.
    pub lines: VecDeque<Line>,
    stalls: Option<u64>,
    bus: u8,
}

impl Rig {
    /// A seam after reset and scrub, with `seed` for what reset does not reach.
    pub fn new(top: Top, seed: u32) -> Rig {
        let mut rig = Rig {
            sim: Sim::new(top, seed),
            inputs: In::default(),
            cycle: 0,
            to_send: VecDeque::new(),
            heard: VecDeque::new(),
            lines_in: VecDeque::new(),
            half: Vec::new(),
            out: VecDeque::new(),
            lines: VecDeque::new(),
            stalls: None,
            bus: 0,
        };
        rig.inputs.rst = 1;
        (0..4).for_each(|_| _ = rig.step(&mut None));
        rig.inputs.rst = 0;
        // Before the first edge of the reset anything may have stood at the outputs.
        rig.lines.clear();
        rig.out.clear();
        rig.half.clear();
        while rig.read(regs::REG_STATUS) & 1 == 0 {
            (0..1000).for_each(|_| _ = rig.step(&mut None));
        }
        rig
    }

    /// From now on ready and valid falter, by `seed`.
    pub fn stall(&mut self, seed: u64) {
        self.stalls = Some(seed | 1);
    }

    /// Cycles clocked so far.
    pub fn cycles(&self) -> u64 {
        self.cycle
    }

    /// xorshift64: enough for a coin.
    fn coin(&mut self) -> bool {
        let Some(state) = &mut self.stalls else { return true };
        *state ^= *state << 13;
        *state ^= *state >> 7;
        *state ^= *state << 17;
        *state >> 40 & 3 != 0
    }

    /// One cycle; `core` answers operations of the seam alone.
    pub fn step(&mut self, core: &mut Option<&mut dyn Core>) -> Out {
        let mut inputs = self.inputs;
        // A beat that was offered stays: only a new one may hesitate.
        if let Some((data, bytes, last)) = self.to_send.front().filter(|_| self.inputs.rst == 0) {
            inputs.s_data = *data;
            inputs.s_keep = if *bytes >= 64 { u64::MAX } else { (1 << bytes) - 1 };
            inputs.s_last = u8::from(*last);
            inputs.s_valid = 1;
        }
        if let Some((data, last)) = self.heard.front() {
            (inputs.rx_data, inputs.rx_last, inputs.rx_valid) = (*data, u8::from(*last), 1);
        }
        if let Some((_, line)) = self.lines_in.front().filter(|(due, _)| *due <= self.cycle) {
            (inputs.line_data, inputs.line_valid) = (*line, 1);
        }
        inputs.m_ready = u8::from(self.coin());
        inputs.line_ready = u8::from(self.coin());
        let out = self.sim.cycle(&inputs);
        self.cycle += 1;
        if inputs.s_valid & out.s_ready == 1 {
            self.to_send.pop_front();
        }
        if inputs.rx_valid == 1 {
            self.heard.pop_front();
        }
        if inputs.line_valid & out.line_ready == 1 {
            self.lines_in.pop_front();
        }
        if out.m_valid & inputs.m_ready == 1 {
            let bytes = out.m_keep.trailing_ones() as usize;
            self.half.extend(out.m_data.iter().take(bytes));
            if out.m_last == 1 {
                self.out.push_back(std::mem::take(&mut self.half));
            }
        }
        if out.line_valid & inputs.line_ready == 1 {
            if let Some(core) = core
                && let Some(verdict) = core.judge(&out.line_data)
            {
                self.lines_in.push_back((self.cycle + LATENCY - 1, verdict));
            }
            self.lines.push_back(out.line_data);
        }
        out
    }

    /// Queues a frame of the host.
    pub fn send(&mut self, frame: &[u8]) {
        let beats = frame.len().div_ceil(64);
        for (at, piece) in frame.chunks(64).enumerate() {
            let mut data = [0xEE; 64]; // what tkeep excludes is not zero
            data.iter_mut().zip(piece).for_each(|(slot, byte)| *slot = *byte);
            self.to_send.push_back((data, piece.len(), at + 1 == beats));
        }
    }

    /// Lets the seam listen to a frame of the venue.
    pub fn listen(&mut self, frame: &[u8]) {
        let beats = frame.len().div_ceil(64);
        for (at, piece) in frame.chunks(64).enumerate() {
            let mut data = [0xEE; 64];
            data.iter_mut().zip(piece).for_each(|(slot, byte)| *slot = *byte);
            self.heard.push_back((data, at + 1 == beats));
        }
        while !self.heard.is_empty() {
            self.step(&mut None);
        }
        (0..4).for_each(|_| _ = self.step(&mut None)); // heard, and taken over between two frames
    }

    /// Queues a line of the host (with the gate).
    pub fn give(&mut self, line: &Line) {
        self.lines_in.push_back((0, *line));
    }

    /// Clocks until everything queued has gone through; returns the frames that came out.
    ///
    /// # Panics
    /// Where the seam hangs.
    pub fn run(&mut self, core: &mut Option<&mut dyn Core>) -> Vec<Vec<u8>> {
        let until = self.cycle + PATIENCE * (1 + self.to_send.len() as u64);
        loop {
            let offered = !self.to_send.is_empty();
            let out = self.step(core);
            if !offered && self.lines_in.is_empty() && out.s_ready == 1 {
                return self.out.drain(..).collect();
            }
            assert!(self.cycle < until, "the seam hangs");
        }
    }

    /// One frame of the host, and what comes out of it.
    pub fn pass(&mut self, frame: &[u8], core: &mut dyn Core) -> Option<Vec<u8>> {
        self.send(frame);
        self.run(&mut Some(core)).pop()
    }

    /// Whose registers are meant: those of the seam (0) or of the gate (1).
    pub fn bus(&mut self, bus: u8) {
        self.bus = bus;
    }

    /// Writes a register.
    pub fn write(&mut self, address: u32, value: u32) {
        let inputs = &mut self.inputs;
        (inputs.bus, inputs.awaddr, inputs.wdata) = (self.bus, address, value);
        (inputs.awvalid, inputs.wvalid, inputs.bready) = (1, 1, 1);
        loop {
            let out = self.step(&mut None);
            if out.awready == 1 {
                self.inputs.awvalid = 0;
            }
            if out.wready == 1 {
                self.inputs.wvalid = 0;
            }
            if out.bvalid == 1 {
                break;
            }
        }
        self.inputs.bready = 0;
        (0..2).for_each(|_| _ = self.step(&mut None));
    }

    /// Reads a register.
    pub fn read(&mut self, address: u32) -> u32 {
        let inputs = &mut self.inputs;
        (inputs.bus, inputs.araddr, inputs.arvalid, inputs.rready) = (self.bus, address, 1, 1);
        loop {
            let out = self.step(&mut None);
            if out.arready == 1 {
                self.inputs.arvalid = 0;
            }
            if out.rvalid == 1 {
                self.inputs.rready = 0;
                return out.rdata;
            }
        }
    }

    /// A counter of the seam.
    pub fn count(&mut self, counter: u32) -> u32 {
        self.read(regs::REG_COUNTERS + 4 * counter)
    }
}
