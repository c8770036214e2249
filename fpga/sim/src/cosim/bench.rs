//! One gate and one model, fed with the same lines and compared word by word.
//!
//! Model: every verdict is compared with what the model answers to the same line. What reaches the
//! gate beside the stream (a kill, a cleared error, a commit, a scrub, by register) is put between the
//! two operations where the gate must have seen it: the cycle in which a register was written and the
//! one in which an operation is executed are known, so nothing is guessed. Errors that latch by
//! themselves (silence, stall, parity) are taken from the verdict that first shows them, where the run
//! allows that bit.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;

use nofx_fpga::regs::{counter, kind, op, parameter, reg, rule, verdict};
use nofx_fpga::{Capacity, CardModel, OpLine, Snapshot, Table, VerdictLine};
use nofx_types::{AccountId, InstrumentId};

use crate::gate::{Bus, Gate, Pattern};
use crate::model::Build;

use super::cover::Cover;

/// From acceptance to execution: two cycles before the verdict stands at the output.
const EXECUTED: u64 = parameter::LATENCY as u64 - 2;
/// From the write of a register to the first cycle in which an operation is executed under it.
const COMMAND: u64 = 2;
/// From the write of CONTROL to the first cycle in which a line is no longer accepted before a
/// commit or a scrub.
const ENTERS: u64 = 2;
/// Cycles in which a verdict must come.
const PATIENCE: u64 = 20_000;
/// Cycles of one call: events are placed and verdicts compared in between.
const CHUNK: u64 = 256;

/// Bits of CONTROL.
mod control {
    pub const SCRUB: u32 = 1 << 0;
    pub const KILL: u32 = 1 << 1;
    pub const COPY: u32 = 1 << 2;
    pub const COMMIT: u32 = 1 << 3;
    pub const FLIP: u32 = 1 << 4;
}

/// What a run is made with.
#[derive(Clone, Debug)]
pub struct Setup {
    /// Which model of the RTL.
    pub build: Build,
    /// The planted fault; 0 is none.
    pub mutant: u8,
    /// The seed of everything.
    pub seed: u64,
    /// Operations, about.
    pub operations: u64,
    /// Waveforms of the cycles round this one, into this file.
    pub window: Option<(u64, std::path::PathBuf)>,
}

/// Where gate and model parted.
#[derive(Clone, Debug)]
pub struct Failure {
    /// Operations compared before.
    pub operations: u64,
    /// The cycle.
    pub cycle: u64,
    /// What differs.
    pub what: String,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "after {} operations, cycle {}: {}", self.operations, self.cycle, self.what)
    }
}

/// Something that reaches the gate beside the stream.
#[derive(Clone, Debug)]
enum Event {
    Kill,
    Clear(u16),
    Commit(Box<OpLine>),
    Scrub(u32, u32),
    /// Nothing that the model needs to know.
    Quiet,
}

/// The pair.
pub struct Bench {
    /// The gate.
    pub gate: Gate,
    /// The model.
    pub model: CardModel,
    /// What was met.
    pub cover: Cover,
    /// Cycles from acceptance to verdict, where the output was never held back.
    pub latency: BTreeMap<u64, u64>,
    /// Errors that may latch by themselves.
    pub may_latch: u16,
    /// Lines and verdicts of the last pump, for the generator.
    pub seen: Vec<(OpLine, VerdictLine)>,
    /// Operations compared.
    pub operations: u64,
    sent: VecDeque<OpLine>,
    waiting: Vec<OpLine>,
    seq: u32,
    access: Option<Event>,
    /// Events by the first cycle of execution that sees them.
    events: Vec<(u64, Event)>,
    calm_since: u64,
    sizes: (u32, u32),
    /// Some lines did not go through the model.
    counters_differ: bool,
}

impl Bench {
    /// A pair, both just reset.
    pub fn new(setup: &Setup) -> Result<Bench, Failure> {
        let nothing = |what| Failure { operations: 0, cycle: 0, what };
        let mut gate =
            Gate::open(setup.build, setup.seed).map_err(|error| nothing(error.to_string()))?;
        gate.plant(setup.mutant);
        if let Some((cycle, path)) = &setup.window {
            gate.trace_window(cycle.saturating_sub(300), cycle + 16, path.clone());
        }
        let sizes = (1, parameter::SYMBOLS.min(parameter::HOLDINGS));
        let mut bench = Bench {
            gate,
            model: CardModel::new(Capacity::default()),
            cover: Cover::default(),
            latency: BTreeMap::new(),
            may_latch: 0,
            seen: Vec::new(),
            operations: 0,
            sent: VecDeque::new(),
            waiting: Vec::new(),
            seq: 0,
            access: None,
            events: Vec::new(),
            calm_since: u64::MAX,
            sizes,
            counters_differ: false,
        };
        bench.wait_ready()?;
        Ok(bench)
    }

    /// Resets both; what is under way comes to nothing.
    pub fn reset(&mut self, cycles: u64) -> Result<(), Failure> {
        self.gate.reset(cycles);
        self.sent.clear();
        self.waiting.clear();
        self.access = None;
        self.events.clear();
        self.sizes = (1, parameter::SYMBOLS.min(parameter::HOLDINGS));
        self.model.reset();
        self.counters_differ = false;
        self.seq = 0;
        self.wait_ready()
    }

    /// Takes other sizes over and clears the tables; lines may be under way.
    pub fn scrub(&mut self, accounts: u32, symbols: u32) -> Result<(), Failure> {
        self.write(reg::ACCOUNTS, accounts)?;
        self.write(reg::SYMBOLS, symbols)?;
        self.sizes = (accounts, symbols);
        self.begin(reg::CONTROL, control::SCRUB, Event::Scrub(accounts, symbols));
        self.settle_bus()
    }

    /// Waits until no scrub is under way; the next line is number 1.
    pub fn wait_ready(&mut self) -> Result<(), Failure> {
        for _ in 0..64 {
            let Some(status) = self.gate.read(reg::STATUS) else { break };
            if status & 1 != 0 {
                self.drain()?;
                self.seq = 0;
                return Ok(());
            }
            self.pump(CHUNK)?;
        }
        Err(self.failure("never ready".into()))
    }

    /// Lines of the tables in use: accounts and symbols.
    pub fn sizes(&self) -> (u32, u32) {
        self.sizes
    }

    /// Cycles since the model was opened.
    pub fn cycle(&self) -> u64 {
        self.gate.cycle()
    }

    /// Lines that were sent and not answered.
    pub fn in_flight(&self) -> usize {
        self.sent.len()
    }

    /// Sends a line, numbered as the successor of the last.
    pub fn send(&mut self, line: &OpLine) {
        self.send_numbered(line, self.seq.wrapping_add(1));
    }

    /// Sends a line with that number.
    pub fn send_numbered(&mut self, line: &OpLine, seq: u32) {
        self.seq = seq;
        let line = line.with(op::SEQ, seq.into()).with(op::TAG, (seq ^ 0x5a5a).into());
        self.sent.push_back(line);
        self.waiting.push(line);
    }

    /// The number of the last line sent.
    pub fn seq(&self) -> u32 {
        self.seq
    }

    /// Sets in which cycles the streams move. With [`Pattern::ALWAYS`] everything under way is
    /// awaited first, so that latencies count.
    pub fn set_pattern(&mut self, pattern: Pattern) -> Result<(), Failure> {
        self.calm_since = u64::MAX;
        if pattern.take >= 256 {
            self.gate.pattern = Pattern::ALWAYS;
            self.drain()?;
            self.calm_since = self.gate.cycle();
        }
        self.gate.pattern = pattern;
        Ok(())
    }

    /// Clocks `cycles` and compares what comes.
    pub fn pump(&mut self, cycles: u64) -> Result<(), Failure> {
        self.seen.clear();
        let mut left = cycles;
        while left > 0 {
            let step = left.min(CHUNK);
            self.step(step)?;
            left -= step;
        }
        Ok(())
    }

    /// Clocks until every line is answered.
    pub fn drain(&mut self) -> Result<(), Failure> {
        let mut since = self.gate.cycle();
        let mut before = self.sent.len();
        while !self.sent.is_empty() {
            self.step(16)?;
            if self.sent.len() < before {
                (before, since) = (self.sent.len(), self.gate.cycle());
            } else if self.gate.cycle() - since > PATIENCE {
                return Err(self.failure(format!("{before} lines without an answer")));
            }
        }
        self.settle_events();
        Ok(())
    }

    /// Engages the kill by register, between two operations.
    pub fn kill(&mut self) -> bool {
        self.begin(reg::CONTROL, control::KILL, Event::Kill)
    }

    /// Clears latched errors by register.
    pub fn clear(&mut self, bits: u16) -> bool {
        self.begin(reg::STICKY, bits.into(), Event::Clear(bits))
    }

    /// Stores `line` into the shadow, word by word, and commits it.
    pub fn commit(&mut self, line: &OpLine) -> Result<(), Failure> {
        self.settle_bus()?;
        for (at, word) in (0..).zip(halves(line)) {
            self.write(reg::SHADOW + 4 * at, word)?;
        }
        self.begin(reg::CONTROL, control::COMMIT, Event::Commit(Box::new(*line)));
        Ok(())
    }

    /// Has a bit of the next rows read go wrong.
    pub fn flip(&mut self) -> bool {
        self.begin(reg::CONTROL, control::FLIP, Event::Quiet)
    }

    /// Writes a register, traffic going on.
    pub fn write(&mut self, address: u32, value: u32) -> Result<(), Failure> {
        self.settle_bus()?;
        self.begin(address, value, Event::Quiet);
        self.settle_bus()
    }

    /// Reads a register, traffic going on.
    pub fn read(&mut self, address: u32) -> Result<u32, Failure> {
        self.settle_bus()?;
        let value = self.gate.read(address);
        self.compare_all()?;
        value.ok_or_else(|| self.failure(format!("register {address:#x} does not answer")))
    }

    /// Whether a register may be written now.
    pub fn bus_idle(&self) -> bool {
        self.access.is_none() && !self.gate.bus_busy()
    }

    /// Waits until the last register access is answered.
    pub fn settle_bus(&mut self) -> Result<(), Failure> {
        let from = self.gate.cycle();
        while !self.bus_idle() {
            self.step(1)?;
            if self.gate.cycle() - from > PATIENCE {
                return Err(self.failure("a register does not answer".into()));
            }
        }
        Ok(())
    }

    fn begin(&mut self, address: u32, value: u32, event: Event) -> bool {
        if !self.bus_idle() {
            return false;
        }
        // Waits of the master vary with the cycle: no access order is special.
        let cycle = self.gate.cycle();
        let waits = [cycle % 3, cycle / 3 % 3, cycle / 9 % 4].map(|wait| wait as u32);
        self.gate.start(Bus { write: Some(value), address, waits });
        self.access = Some(event);
        true
    }

    fn step(&mut self, cycles: u64) -> Result<(), Failure> {
        if !self.waiting.is_empty() {
            self.gate.offer(&self.waiting);
            self.waiting.clear();
        }
        let done = self.gate.clock(cycles);
        debug_assert!(done == cycles, "verdicts are taken in between");
        self.compare_all()
    }

    fn compare_all(&mut self) -> Result<(), Failure> {
        self.place_access();
        while let Some(stamped) = self.gate.take() {
            self.compare(&stamped.line, stamped.accepted, stamped.taken)?;
        }
        match self.gate.broken() {
            None => Ok(()),
            Some(broken) => Err(self.failure(format!("{broken:?}"))),
        }
    }

    /// A register write that the gate has taken becomes an event with its cycle.
    fn place_access(&mut self) {
        if self.access.is_none() {
            return;
        }
        let Some(taken) = self.gate.bus_taken() else { return };
        let Some(event) = self.access.take() else { return };
        let from = match event {
            Event::Kill | Event::Clear(_) => taken + COMMAND,
            // Their own cycle of the stream is theirs.
            Event::Commit(_) | Event::Scrub(..) => taken + ENTERS + EXECUTED,
            Event::Quiet => return,
        };
        let at = self.events.partition_point(|(other, _)| *other <= from);
        self.events.insert(at, (from, event));
    }

    fn compare(&mut self, got: &VerdictLine, accepted: u64, taken: u64) -> Result<(), Failure> {
        let Some(line) = self.sent.pop_front() else {
            return Err(self.failure(format!("a verdict that nobody asked for: {}", show(got))));
        };
        self.apply_events(accepted + EXECUTED);
        let latched = got.sticky().0 & self.may_latch & !self.model.sticky().0;
        if latched != 0 {
            self.model.latch(latched);
        }
        let want = self.model.line(&line);
        if want != *got {
            return Err(self.failure(differences(&line, &want, got)));
        }
        self.count(&line, got, accepted);
        if accepted >= self.calm_since {
            *self.latency.entry(taken - accepted).or_default() += 1;
        }
        self.seen.push((line, *got));
        Ok(())
    }

    fn count(&mut self, line: &OpLine, got: &VerdictLine, accepted: u64) {
        self.operations += 1;
        self.cover.count(line, got, accepted);
    }

    fn apply_events(&mut self, executed: u64) {
        while self.events.first().is_some_and(|(from, _)| *from <= executed) {
            let (_, event) = self.events.remove(0);
            self.apply(event);
        }
    }

    /// Events that no operation has seen are seen by the next.
    fn settle_events(&mut self) {
        if self.events.first().is_some_and(|(from, _)| *from < self.gate.cycle()) {
            self.apply_events(self.gate.cycle());
        }
    }

    fn apply(&mut self, event: Event) {
        match event {
            Event::Kill => self.model.kill(),
            Event::Clear(bits) => self.model.clear(bits),
            Event::Commit(line) => {
                let _ = self.model.commit(&line);
            }
            Event::Scrub(accounts, symbols) => {
                self.model.scrub(accounts, symbols);
            }
            Event::Quiet => {}
        }
    }

    /// Sends orders after a row went wrong: what they are answered cannot be told from the model, but
    /// none may pass and each must say `latched`. The tables have to be written anew then.
    pub fn expect_closed(&mut self, orders: &[OpLine], latched: u16) -> Result<(), Failure> {
        self.drain()?;
        for line in orders {
            self.send(line);
        }
        self.gate.offer(&self.waiting);
        self.waiting.clear();
        if !self.gate.clock_until(orders.len(), PATIENCE) {
            return Err(self.failure("orders without an answer".into()));
        }
        while let Some(stamped) = self.gate.take() {
            let (got, line) = (stamped.line, self.sent.pop_front().unwrap_or(OpLine::ZERO));
            self.count(&line, &got, stamped.accepted);
            let refused = got.rejects().0 & rule::KILL_GLOBAL != 0;
            let order = matches!(line.kind(), kind::NEW | kind::REPLACE);
            if got.sticky().0 & latched == 0 || (order && !refused) {
                let text = format!("{:?} {:?}", got.sticky(), got.rejects());
                return Err(self.failure(format!("kind {} with a wrong row: {text}", line.kind())));
            }
        }
        self.model.latch(latched);
        self.counters_differ = true;
        Ok(())
    }

    /// Reads every row in use, and the words that belong to none, and compares them; then the
    /// counters.
    pub fn compare_state(&mut self) -> Result<(), Failure> {
        let (accounts, symbols) = self.sizes;
        self.compare_rows(accounts, symbols)?;
        self.compare_counters()
    }

    /// Reads the rows of the first accounts and symbols and compares them.
    pub fn compare_rows(&mut self, accounts: u32, symbols: u32) -> Result<(), Failure> {
        self.drain()?;
        self.send(&row(Table::Globals, 0, 0, 0));
        for symbol in 0..symbols {
            (0..2).for_each(|part| self.send(&row(Table::Symbol, 0, symbol, part)));
        }
        for account in 0..accounts {
            (0..4).for_each(|part| self.send(&row(Table::Account, account, 0, part)));
            for symbol in 0..symbols {
                (0..4).for_each(|part| self.send(&row(Table::Holding, account, symbol, part)));
            }
            self.drain()?;
        }
        self.drain()
    }

    /// Reads the rows of one account and symbol and compares them.
    pub fn compare_row(&mut self, account: u32, symbol: u32) -> Result<(), Failure> {
        for table in [Table::Symbol, Table::Account, Table::Holding] {
            (0..4).for_each(|part| self.send(&row(table, account, symbol, part)));
        }
        self.drain()
    }

    fn compare_counters(&mut self) -> Result<(), Failure> {
        if self.counters_differ {
            return Ok(());
        }
        self.write(reg::CONTROL, control::COPY)?;
        self.pump(4)?;
        let wants = self.model.counters().to_vec();
        for (at, want) in (0..).zip(wants) {
            if matches!(at, counter::CYCLES | counter::WAITING) {
                continue; // a model has no clock
            }
            let low = self.read(reg::COUNTERS + 8 * at)?;
            let high = self.read(reg::COUNTERS + 8 * at + 4)?;
            let got = u64::from(low) | u64::from(high) << 32;
            if got != want {
                let name = counter::NAMES[at as usize];
                return Err(self.failure(format!("counter {name} is {got}, not {want}")));
            }
        }
        let wants = self.model.rule_counters().to_vec();
        for (at, want) in (0..).zip(wants) {
            let got = self.read(reg::RULE_COUNTERS + 4 * at)?;
            if got != want {
                let name = rule::RULES[at as usize].0;
                return Err(self.failure(format!("rule counter {name} is {got}, not {want}")));
            }
        }
        let (commits, rejects) = self.model.commits();
        let rejects = (rejects.0 >> 16) as u32;
        let got = (self.read(reg::COMMITS)?, self.read(reg::COMMIT_REJECTS)?);
        if got != (commits, rejects) {
            let text = format!("commits {got:?}, not {:?}", (commits, rejects));
            return Err(self.failure(text));
        }
        Ok(())
    }

    /// A failure now.
    pub fn failure(&self, what: String) -> Failure {
        Failure { operations: self.operations, cycle: self.gate.cycle(), what }
    }
}

/// A line that reads part of a row.
fn row(table: Table, account: u32, symbol: u32, part: u8) -> OpLine {
    let (account, symbol) = (AccountId(account as u16), InstrumentId(symbol));
    OpLine::snapshot(&Snapshot { table, account, symbol, part }, 0, 0)
}

/// The 32-bit words of a line as the shadow holds them.
fn halves(line: &OpLine) -> [u32; 16] {
    std::array::from_fn(|at| (line.words[at / 2] >> (32 * (at % 2))) as u32)
}

fn show(verdict: &VerdictLine) -> String {
    format!("{:016x?}", verdict.words)
}

/// The fields in which two verdicts differ.
fn differences(line: &OpLine, want: &VerdictLine, got: &VerdictLine) -> String {
    let fields = [
        ("kind", verdict::KIND),
        ("status", verdict::STATUS),
        ("sticky", verdict::STICKY),
        ("cfg_epoch", verdict::CFG_EPOCH),
        ("rejects", verdict::REJECTS),
        ("credits", verdict::CREDITS),
        ("faults", verdict::FAULTS),
        ("tag", verdict::TAG),
        ("seq", verdict::SEQ),
    ];
    let mut text = format!("verdict of kind {} seq {}:", line.kind(), line.seq());
    for (name, field) in fields {
        let (want, got) = (want.get(field), got.get(field));
        if want != got {
            text += &format!(" {name} is {got:#x}, not {want:#x};");
        }
    }
    if want.rejects() != got.rejects() {
        text += &format!(" refused by {:?}, not {:?};", got.rejects(), want.rejects());
    }
    if want.payload() != got.payload() {
        text += &format!(" payload is {:x?}, not {:x?};", got.payload(), want.payload());
    }
    text + &format!(" line {:016x?}", line.words)
}
