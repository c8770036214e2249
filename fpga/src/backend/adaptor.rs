//! The registers of the PCIe adaptors. Generated from `hw/pcie/data/pcie.toml`: do not edit;
//! `NOFX_BLESS=1 cargo test -p nofx-fpga --test adaptor` writes it anew.

/// What the register `magic` reads: the bytes "NFXP".
pub const PCIE_MAGIC: u32 = 0x5058_464e;

/// The magic. (ro)
pub const MAGIC: u32 = 0x1000;

/// Slots of window and ring, 64 bytes each. (ro)
pub const SLOTS: u32 = 0x1004;

/// Bit 0: restart, every slot of the window empty and the next seq 1 while it is set. Bit 1: the ring takes verdicts. Bit 2: verdicts are drained, not written. After reset 1. (rw)
pub const CONTROL: u32 = 0x1008;

/// Bit 0: a byte of the window came twice. Bit 1: a line with another seq. Bit 2: a burst not understood. Bit 3: a write into the ring failed. Bit 4: a write into the ring is on its way. Bit 5: the kill is engaged. Bit 6: a verdict waits for the ring. Bits 0 to 2 go with restart, bit 3 with a reset of the card. (ro)
pub const STATUS: u32 = 0x100c;

/// Low half of the bus address of the ring, a multiple of its length; written while bit 1 of control is clear. (rw)
pub const RING_LOW: u32 = 0x1010;

/// High half of it. (rw)
pub const RING_HIGH: u32 = 0x1014;

/// The seq that the window lends next. (ro)
pub const NEXT_SEQ: u32 = 0x1018;
