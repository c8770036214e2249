//! A card without a card: the model behind the interface of a device, with faults to order.
//!
//! Model: lines go through [`CardModel`] when they are put, verdicts wait in a queue. [`Fault`]s are
//! what buses and cards do on bad days, one at a time, counted in lines from now. It stands in for
//! hardware wherever a host has to be shown what it will meet.
//!
//! Worst case: a verdict is taken as late as `delay` polls after its line.

use std::collections::VecDeque;

use nofx_gate::Rule;

use crate::device::{DeviceError, Lines, Registers};
use crate::line::{OpLine, VerdictLine, WORDS};
use crate::model::{Capacity, CardModel};
use crate::regs::{ABI, BUILD_HASH, MAGIC, counter, kind, parameter, reg, rule, sticky, verdict};

/// Something that goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// A line never reaches the card.
    LoseLine,
    /// A verdict never reaches the host.
    LoseVerdict,
    /// A verdict arrives twice.
    DuplicateVerdict,
    /// A bit of a verdict is flipped.
    Flip(u32),
    /// From here on no verdict arrives.
    Stall,
    /// From here on no line is taken.
    Full,
    /// The card is reset: what is in flight comes to nothing.
    Reset,
    /// The card latches errors by itself.
    Latch(u16),
    /// Somebody engages the kill by register.
    Kill,
    /// From here on the card is gone: registers read as ones, no line is answered.
    Gone,
    /// From here on register accesses fail.
    Dead,
}

/// How honestly orders are judged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Judgement {
    /// As the rules say.
    #[default]
    Honest,
    /// Everything passes.
    PassAll,
    /// One rule answers the opposite.
    Inverted(Rule),
}

/// The card.
#[derive(Debug)]
pub struct SoftCard {
    /// What the identity registers read.
    pub magic: u32,
    /// Likewise.
    pub abi: u32,
    /// Likewise.
    pub build: u64,
    /// What the register `credits` reads.
    pub credits: u32,
    /// Polls before a verdict shows.
    pub delay: u64,
    /// How orders are judged.
    pub judgement: Judgement,
    /// Heartbeats written.
    pub heartbeats: u64,
    capacity: Capacity,
    model: CardModel,
    fault: Option<(u32, Fault)>,
    stalled: bool,
    full: bool,
    gone: bool,
    dead: bool,
    polls: u64,
    /// Verdicts and the poll from which on they show.
    ring: VecDeque<(u64, VerdictLine)>,
    accounts: u32,
    symbols: u32,
    heartbeat_cycles: u32,
    stall_cycles: u32,
    shadow: [u32; 2 * WORDS],
    copied: Vec<u64>,
    copied_rules: Vec<u32>,
}

impl SoftCard {
    /// A card of `capacity` after its reset.
    pub fn new(capacity: Capacity) -> SoftCard {
        let symbols = capacity.symbols.min(capacity.holdings);
        SoftCard {
            magic: MAGIC,
            abi: ABI,
            build: BUILD_HASH,
            credits: parameter::CREDITS,
            delay: 0,
            judgement: Judgement::Honest,
            heartbeats: 0,
            capacity,
            model: CardModel::new(capacity),
            fault: None,
            stalled: false,
            full: false,
            gone: false,
            dead: false,
            polls: 0,
            ring: VecDeque::with_capacity(2 * parameter::CREDITS as usize),
            accounts: 1,
            symbols,
            heartbeat_cycles: 0,
            stall_cycles: 0,
            shadow: [0; 2 * WORDS],
            copied: vec![0; counter::NAMES.len()],
            copied_rules: vec![0; rule::RULES.len()],
        }
    }

    /// Lets `fault` happen to the line after `lines` more.
    pub fn break_after(&mut self, lines: u32, fault: Fault) {
        self.fault = Some((lines, fault));
    }

    /// What the card really holds.
    pub fn model(&self) -> &CardModel {
        &self.model
    }

    /// The fault that is due at this line.
    fn due(&mut self) -> Option<Fault> {
        let (lines, fault) = self.fault?;
        self.fault = (lines > 0).then(|| (lines - 1, fault));
        (lines == 0).then_some(fault)
    }

    /// The faults that are of the card and not of one line.
    fn befall(&mut self, fault: Fault) {
        match fault {
            Fault::Stall => self.stalled = true,
            Fault::Full => self.full = true,
            Fault::Gone => self.gone = true,
            Fault::Dead => (self.dead, self.stalled) = (true, true),
            Fault::Latch(bits) => self.model.latch(bits),
            Fault::Kill => self.model.kill(),
            Fault::Reset => {
                self.model.reset();
                self.ring.clear();
            }
            _ => {}
        }
    }

    fn judged(&self, line: &OpLine, mut answer: VerdictLine) -> VerdictLine {
        let order = matches!(line.kind(), kind::NEW | kind::REPLACE);
        let rejects = match self.judgement {
            Judgement::PassAll if order => 0,
            Judgement::Inverted(rule) if order => answer.rejects().0 ^ rule.bit(),
            _ => answer.rejects().0,
        };
        answer.set(verdict::REJECTS, rejects);
        answer
    }

    fn answer(&mut self, fault: Option<Fault>, mut answer: VerdictLine) {
        let due = self.polls + self.delay;
        if let Some(Fault::Flip(bit)) = fault {
            answer.words[bit as usize / 64 % WORDS] ^= 1 << (bit % 64);
        }
        if fault != Some(Fault::LoseVerdict) {
            self.ring.push_back((due, answer));
        }
        if fault == Some(Fault::DuplicateVerdict) {
            self.ring.push_back((due, answer));
        }
    }

    fn control(&mut self, bits: u32) {
        if bits & 1 << 0 != 0 {
            self.model.scrub(self.accounts, self.symbols);
            self.ring.clear();
        }
        if bits & 1 << 1 != 0 {
            self.model.kill();
        }
        if bits & 1 << 2 != 0 {
            self.copied.copy_from_slice(self.model.counters());
            self.copied_rules.copy_from_slice(self.model.rule_counters());
        }
        if bits & 1 << 3 != 0 {
            let _ = self.model.commit(&self.shadow_line()); // its answer stands in a register
        }
    }

    fn shadow_line(&self) -> OpLine {
        let mut line = OpLine::ZERO;
        for (word, halves) in line.words.iter_mut().zip(self.shadow.chunks_exact(2)) {
            *word = u64::from(halves[0]) | u64::from(halves[1]) << 32;
        }
        line
    }

    fn status(&self) -> u32 {
        let latched = !self.model.sticky().is_none();
        let bits = [true, self.model.killed(), latched, false, self.model.legal()];
        bits.iter().rev().fold(0, |word, bit| word << 1 | u32::from(*bit))
    }

    fn check(&self, doing: &'static str, at: u32) -> Result<(), DeviceError> {
        let advice = "see whether the card is still there";
        if self.dead { Err(DeviceError { doing, at, os_error: 5, advice }) } else { Ok(()) }
    }

    /// The word of a register that is one of several.
    fn indexed(&self, at: u32) -> u32 {
        let within = |base: u32, count: u32| {
            (base..base + 4 * count).contains(&at).then(|| ((at - base) / 4) as usize)
        };
        if let Some(index) = within(reg::SHADOW, reg::SHADOW_COUNT) {
            return self.shadow.get(index).copied().unwrap_or(0);
        }
        if let Some(index) = within(reg::COUNTERS, reg::COUNTERS_COUNT) {
            let counter = self.copied.get(index / 2).copied().unwrap_or(0);
            return (counter >> (32 * (index % 2))) as u32;
        }
        let index = within(reg::RULE_COUNTERS, reg::RULE_COUNTERS_COUNT);
        index.and_then(|index| self.copied_rules.get(index)).copied().unwrap_or(0)
    }
}

impl Registers for SoftCard {
    fn read(&mut self, at: u32) -> Result<u32, DeviceError> {
        self.check("read register", at)?;
        if self.gone {
            return Ok(u32::MAX);
        }
        Ok(match at {
            reg::MAGIC => self.magic,
            reg::ABI => self.abi,
            reg::BUILD_LO => self.build as u32,
            reg::BUILD_HI => (self.build >> 32) as u32,
            reg::SYMBOLS_MAX => self.capacity.symbols,
            reg::ACCOUNTS_MAX => self.capacity.accounts,
            reg::HOLDINGS_MAX => self.capacity.holdings,
            reg::LATENCY => parameter::LATENCY,
            reg::CREDITS => self.credits,
            reg::STATUS => self.status(),
            reg::STICKY => self.model.sticky().0.into(),
            reg::HEARTBEAT_CYCLES => self.heartbeat_cycles,
            reg::STALL_CYCLES => self.stall_cycles,
            reg::ACCOUNTS => self.accounts,
            reg::SYMBOLS => self.symbols,
            reg::CFG_EPOCH => self.model.cfg_epoch(),
            reg::COMMITS => self.model.commits().0,
            reg::COMMIT_REJECTS => (self.model.commits().1.0 >> 16) as u32,
            _ => self.indexed(at),
        })
    }

    fn write(&mut self, at: u32, value: u32) -> Result<(), DeviceError> {
        self.check("write register", at)?;
        match at {
            _ if self.gone => {}
            reg::STICKY => self.model.clear(value as u16),
            reg::CONTROL => self.control(value),
            reg::HEARTBEAT => self.heartbeats += 1,
            reg::HEARTBEAT_CYCLES => self.heartbeat_cycles = value,
            reg::STALL_CYCLES => self.stall_cycles = value,
            reg::ACCOUNTS => self.accounts = value,
            reg::SYMBOLS => self.symbols = value,
            _ => {
                let index = at.wrapping_sub(reg::SHADOW) as usize / 4;
                if let Some(word) = self.shadow.get_mut(index) {
                    *word = value;
                }
            }
        }
        Ok(())
    }
}

impl Lines for SoftCard {
    fn put(&mut self, line: &OpLine) -> bool {
        let fault = self.due();
        fault.into_iter().for_each(|fault| self.befall(fault));
        if self.full {
            return false;
        }
        if self.gone || fault == Some(Fault::LoseLine) {
            return true;
        }
        if self.ring.len() >= self.credits as usize {
            self.model.latch(sticky::OVERFLOW); // a card has no room for it and loses it
            return true;
        }
        let answer = self.model.line(line);
        let answer = self.judged(line, answer);
        self.answer(fault, answer);
        true
    }

    fn take(&mut self) -> Option<VerdictLine> {
        self.polls += 1;
        if self.stalled || self.gone {
            return None;
        }
        let (due, _) = self.ring.front()?;
        if *due < self.polls { self.ring.pop_front().map(|(_, answer)| answer) } else { None }
    }
}
