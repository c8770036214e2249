//! What a card says of itself: identity, sizes, state, counters.

use crate::device::{DeviceError, Registers, read_wide};
use crate::failure::OpenError;
use crate::line::Sticky;
use crate::model::Capacity;
use crate::regs::{ABI, MAGIC, counter, reg, rule};

/// Bit of the register `status`: not scrubbing.
pub const STATUS_READY: u32 = 1 << 0;
/// Bit of the register `status`: the global kill is engaged for whatever reason.
pub const STATUS_KILLED: u32 = 1 << 1;
/// Bit of the register `status`: sizes are legal.
pub const STATUS_LEGAL: u32 = 1 << 4;
/// Bit of the register `control`: scrub.
pub const CONTROL_SCRUB: u32 = 1 << 0;
/// Bit of the register `control`: engage the global kill.
pub const CONTROL_KILL: u32 = 1 << 1;
/// Bit of the register `control`: copy the counters.
pub const CONTROL_COPY: u32 = 1 << 2;
/// Bit of the register `control`: commit the shadow.
pub const CONTROL_COMMIT: u32 = 1 << 3;

/// The read-only registers of a card.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CardInfo {
    /// "NFXG" as a number.
    pub magic: u32,
    /// Version of the words.
    pub abi: u32,
    /// Bit 0: fault injection. Bit 1: a wire-side seam.
    pub caps: u32,
    /// Hash over the sources it was built from.
    pub build: u64,
    /// Its tables.
    pub capacity: Capacity,
    /// Cycles from line to verdict.
    pub latency: u32,
    /// Lines that may be in flight.
    pub credits: u32,
    /// See the register.
    pub status: u32,
    /// Latched errors.
    pub sticky: Sticky,
    /// Accounts in use.
    pub accounts: u32,
    /// Symbols in use.
    pub symbols: u32,
    /// Configuration operations applied.
    pub cfg_epoch: u32,
    /// Commits performed.
    pub commits: u32,
}

impl CardInfo {
    /// Reads them all.
    pub fn read<R: Registers + ?Sized>(card: &mut R) -> Result<CardInfo, DeviceError> {
        Ok(CardInfo {
            magic: card.read(reg::MAGIC)?,
            abi: card.read(reg::ABI)?,
            caps: card.read(reg::CAPS)?,
            build: read_wide(card, reg::BUILD_LO)?,
            capacity: Capacity {
                symbols: card.read(reg::SYMBOLS_MAX)?,
                accounts: card.read(reg::ACCOUNTS_MAX)?,
                holdings: card.read(reg::HOLDINGS_MAX)?,
            },
            latency: card.read(reg::LATENCY)?,
            credits: card.read(reg::CREDITS)?,
            status: card.read(reg::STATUS)?,
            sticky: Sticky(card.read(reg::STICKY)? as u16),
            accounts: card.read(reg::ACCOUNTS)?,
            symbols: card.read(reg::SYMBOLS)?,
            cfg_epoch: card.read(reg::CFG_EPOCH)?,
            commits: card.read(reg::COMMITS)?,
        })
    }

    /// Whether it is a gate of our version, built from the sources with hash `build`.
    pub fn check(&self, build: u64) -> Result<(), OpenError> {
        if self.magic != MAGIC {
            return Err(OpenError::Magic { found: self.magic });
        }
        if self.abi != ABI {
            return Err(OpenError::Abi { found: self.abi, ours: ABI });
        }
        if self.build != build {
            return Err(OpenError::Build { found: self.build, ours: build });
        }
        Ok(())
    }
}

/// The counters of a card, all of the same moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counters {
    /// By the places of [`mod@crate::regs::counter`].
    pub counters: [u64; counter::NAMES.len()],
    /// Orders refused by each card rule, in the order of their bits.
    pub rules: [u32; rule::RULES.len()],
}

impl Counters {
    /// Lets the card copy them and reads the copy.
    pub fn read<R: Registers + ?Sized>(card: &mut R) -> Result<Counters, DeviceError> {
        card.write(reg::CONTROL, CONTROL_COPY)?;
        let mut all =
            Counters { counters: [0; counter::NAMES.len()], rules: [0; rule::RULES.len()] };
        for (at, counter) in (reg::COUNTERS..).step_by(8).zip(&mut all.counters) {
            *counter = read_wide(card, at)?;
        }
        for (at, refused) in (reg::RULE_COUNTERS..).step_by(4).zip(&mut all.rules) {
            *refused = card.read(at)?;
        }
        Ok(all)
    }

    /// Name and value of each counter.
    pub fn named(&self) -> impl Iterator<Item = (&'static str, u64)> {
        counter::NAMES.into_iter().zip(self.counters)
    }

    /// Name of each rule and how many orders it refused.
    pub fn named_rules(&self) -> impl Iterator<Item = (&'static str, u32)> {
        rule::RULES.into_iter().map(|(name, _)| name).zip(self.rules)
    }
}
