//! What the tests of the seam share.
#![allow(dead_code)]

pub mod card;
pub mod frames;
pub mod twin;

use nofx_fpga_wire::control::{self, Clock, Policy, Session};
use nofx_fpga_wire::regs;
use nofx_fpga_wire::rig::Rig;
use nofx_fpga_wire::sim::Top;
use nofx_fpga_wire::symbols::Symbols;

use card::{Card, DAY_START_S, SYMBOLS};
use frames::{HOST, HOST_PORT, SYN, Segment, VENUE, VENUE_PORT, text8};

pub const ACCOUNT: u16 = 1;
pub const EPOCH: u32 = 5;
/// First sequence number of the SYN.
pub const ISN: u32 = 1_000;
/// The first byte of the stream.
pub const FIRST: u32 = ISN + 1;
/// Optional fields that the tests permit: post-only, MinQty, MPID.
pub const TAGS: u32 = 1 << 12 | 1 << 3 | 1 << 2;

pub fn session() -> Session {
    Session {
        host: HOST,
        host_port: HOST_PORT,
        venue: VENUE,
        venue_port: VENUE_PORT,
        account: ACCOUNT,
        epoch: EPOCH,
    }
}

pub fn clock() -> Clock {
    Clock { now_ns: 1_790_000_000_123_456_789, day_start_s: DAY_START_S, hertz: 322_265_625 }
}

/// Symbol `n` of the tests.
pub fn symbol(n: u32) -> String {
    format!("SY{n}")
}

/// The session, the symbols, the clock.
pub fn configure(rig: &mut Rig) {
    let mut symbols = Symbols::new(rig.read(regs::REG_SYMBOL_ROWS) as usize);
    for n in 0..SYMBOLS {
        symbols.insert(text8(&symbol(n)), n as u16).expect("room");
    }
    control::write_symbols(&symbols, |address, value| rig.write(address, value));
    session().write(0, |address, value| rig.write(address, value));
    clock().write(|address, value| rig.write(address, value));
    rig.write(regs::REG_TAGS, TAGS);
    rig.write(regs::REG_POLICY, Policy::default().bits());
}

/// A seam that is configured, and a core.
pub fn seam(seed: u32) -> (Rig, Card) {
    let mut rig = Rig::new(Top::Seam, seed);
    configure(&mut rig);
    (rig, Card::new())
}

/// Opens the connection of session 0.
pub fn open(rig: &mut Rig, core: &mut Card) {
    let syn = Segment::host(ISN, SYN, &[]).bytes();
    assert_eq!(rig.pass(&syn, core).as_deref(), Some(&syn[..]), "the SYN passes");
    rig.listen(&Segment::syn_ack(ISN).bytes());
}
