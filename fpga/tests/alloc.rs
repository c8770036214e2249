//! Once open, a gate allocates nothing: not for an order, a report, a halt, a limit or its own failure.

mod common;

use common::*;
use nofx_fpga::{Fault, FpgaGate, Lockstep, SoftCard};
use nofx_gate::{Gate, GateKey};
use nofx_rt::guard::{self, CountingAlloc, OnSealed};

#[global_allocator]
static ALLOC: CountingAlloc = CountingAlloc;

#[test]
fn the_way_of_an_order_through_a_card_allocates_nothing() {
    let mut traffic = Traffic::new(5);
    let mut gate: Lockstep<SoftCard> =
        FpgaGate::open(card(), GateKey::issue(), config(), &options(), &instruments())
            .expect("opens");
    let acts: Vec<Act> = (0..20_000).map(|_| traffic.act()).collect();
    gate.device().break_after(18_000, Fault::LoseVerdict);
    let sealed = guard::seal(OnSealed::Abort);
    let mut answered = 0;
    for act in &acts {
        perform(&mut gate, act);
        gate.heartbeat();
        while gate.poll().is_some() {
            answered += 1;
        }
    }
    drop(sealed);
    assert!(answered > 10_000 && gate.failure().is_some(), "{answered}");
}
