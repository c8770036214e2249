//! How a card is used; part of the configuration file.

use serde::Deserialize;

use crate::regs::BUILD_HASH;

/// How a card is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct FpgaOptions {
    /// How often the ring is looked at for one verdict, or the window tried for one line, before the
    /// card counts as stalled and the gate closes.
    pub spin_max: u32,
    /// How often the status is read before a scrub counts as failed.
    pub ready_max: u32,
    /// Cycles of silence after which the card closes by itself; 0 never. The engine writes a
    /// heartbeat in every turn.
    pub heartbeat_cycles: u32,
    /// Cycles for which a verdict may wait for the host's ring before the card closes; 0 never.
    pub stall_cycles: u32,
    /// Hash of the sources that the card must have been built from.
    pub build: u64,
}

impl Default for FpgaOptions {
    fn default() -> Self {
        FpgaOptions {
            spin_max: 20_000_000,
            ready_max: 1_000_000,
            heartbeat_cycles: 0,
            stall_cycles: 0,
            build: BUILD_HASH,
        }
    }
}
