//! What the control plane tells the seam, as register writes.
//!
//! Model: each type turns into `(address, value)` pairs, given to whatever writes registers (the
//! card's AXI4-Lite window, a simulation). Nothing is read back here.

use std::net::Ipv4Addr;

use crate::regs;
use crate::symbols::{Row, Symbols};

/// Seconds of a trading day.
const DAY_S: u64 = 86_400;
const SECOND_NS: u64 = 1_000_000_000;

/// An order session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Session {
    /// The host's address.
    pub host: Ipv4Addr,
    /// The host's port; 0 for whichever connected last.
    pub host_port: u16,
    /// The venue's address.
    pub venue: Ipv4Addr,
    /// The venue's port.
    pub venue_port: u16,
    /// The account that its orders are charged to.
    pub account: u16,
    /// Fencing epoch that its orders are stamped with.
    pub epoch: u32,
}

impl Session {
    /// Writes it as session `at`; the word that puts it in use comes last.
    pub fn write(&self, at: u32, mut write: impl FnMut(u32, u32)) {
        let base = regs::REG_SESSION + 32 * at;
        write(base, self.host.into());
        write(base + 4, self.venue.into());
        write(base + 8, u32::from(self.host_port) << 16 | u32::from(self.venue_port));
        write(base + 16, self.epoch);
        write(base + 12, 1 << 31 | u32::from(self.account));
    }
}

/// What passes although it belongs to no session; nothing by default.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Policy {
    /// Address resolution.
    pub arp: bool,
    /// IPv4 that is not TCP.
    pub ipv4: bool,
    /// Neither IPv4 nor ARP.
    pub other: bool,
    /// TCP to ports of no session.
    pub tcp: bool,
}

impl Policy {
    /// As the register has it.
    pub const fn bits(self) -> u32 {
        self.arp as u32
            | (self.ipv4 as u32) << 1
            | (self.other as u32) << 2
            | (self.tcp as u32) << 3
    }
}

/// The card's time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Clock {
    /// Nanoseconds since 1970 UTC.
    pub now_ns: u64,
    /// Seconds after midnight UTC at which a trading day begins; the software gate's `day_start_ns`
    /// must be a whole number of seconds.
    pub day_start_s: u32,
    /// Clock cycles a second.
    pub hertz: u32,
}

impl Clock {
    /// Sets it. Second and day are those of the software gate: before the first day start of the
    /// epoch the day is 0, as there.
    pub fn write(&self, mut write: impl FnMut(u32, u32)) {
        let second = self.now_ns / SECOND_NS;
        let of_days = second.saturating_sub(self.day_start_s.into());
        let (low, high) = (|word: u64| word as u32, |word: u64| (word >> 32) as u32);
        write(regs::REG_NOW_LO, low(self.now_ns));
        write(regs::REG_NOW_HI, high(self.now_ns));
        write(regs::REG_SECOND_LO, low(second));
        write(regs::REG_SECOND_HI, high(second));
        write(regs::REG_DAY, low(of_days / DAY_S));
        write(regs::REG_SECOND_OF_DAY, low(of_days % DAY_S));
        write(regs::REG_NS_OF_SECOND, low(self.now_ns % SECOND_NS));
        let step = (u128::from(SECOND_NS) << 24) / u128::from(self.hertz.max(1));
        write(regs::REG_STEP, u32::try_from(step).unwrap_or(u32::MAX));
        write(regs::REG_CONTROL, 2);
    }
}

/// Writes one row of the symbol table.
pub fn write_row(row: &Row, mut write: impl FnMut(u32, u32)) {
    let [a, b, c, d, e, f, g, h] = row.key;
    write(regs::REG_SYMBOL_KEY_LO, u32::from_le_bytes([a, b, c, d]));
    write(regs::REG_SYMBOL_KEY_HI, u32::from_le_bytes([e, f, g, h]));
    write(regs::REG_SYMBOL_INDEX, row.index.into());
    write(regs::REG_SYMBOL_SLOT, 1 << 31 | (row.way as u32) << 30 | row.row as u32);
    write(regs::REG_CONTROL, 4);
}

/// Writes the whole table.
pub fn write_symbols(symbols: &Symbols, mut write: impl FnMut(u32, u32)) {
    symbols.rows().for_each(|row| write_row(&row, &mut write));
}
