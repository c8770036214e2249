//! The host's gate over the simulated RTL: the answers of the software gate, and shut by a reset.
#![cfg(feature = "fpga-sim")]

#[path = "../../tests/common/mod.rs"]
mod common;

use common::*;
use nofx_fpga::regs::reg;
use nofx_fpga::{Alone, Beside, FpgaGate, FpgaOptions, Witness};
use nofx_fpga_sim::{Build, Gate as Rtl};
use nofx_gate::{Gate, GateKey, KillScope, Rejects, Rule};
use nofx_types::{AccountId, InstrumentId, IntentKind};

fn open<W: Witness>(seed: u64) -> FpgaGate<Rtl, W> {
    let rtl = Rtl::open(Build::Fast, seed).expect("built with the model");
    let options = FpgaOptions { spin_max: 1_000, ready_max: 100_000, ..FpgaOptions::default() };
    FpgaGate::open(rtl, GateKey::issue(), config(), &options, &instruments()).expect("opens")
}

fn same_answers<W: Witness>(seed: u64, rounds: u32) -> FpgaGate<Rtl, W> {
    let mut traffic = Traffic::new(seed);
    let (mut ours, mut theirs) = (open::<W>(seed), software());
    for _ in 0..rounds {
        for _ in 0..1 + traffic.rng.below(20) {
            let act = traffic.act();
            perform(&mut ours, &act);
            perform(&mut theirs, &act);
        }
        assert_eq!(answers(&mut ours), answers(&mut theirs), "{:?}", ours.failure());
    }
    assert_eq!(ours.failure(), None);
    assert_eq!(ours.passed(), theirs.passed());
    for account in (0..=ACCOUNTS).map(AccountId) {
        assert_eq!(ours.account_exposure(account), theirs.account_exposure(account));
        for id in TRADED.into_iter().chain([5, 6, 70_000]).map(InstrumentId) {
            assert_eq!(ours.exposure(account, id), theirs.exposure(account, id), "{id:?}");
        }
    }
    ours
}

#[test]
fn the_rtl_answers_as_the_software_gate() {
    for seed in 0..4 {
        same_answers::<Alone>(seed, 1_000);
    }
}

#[test]
fn beside_the_software_no_word_differs() {
    for seed in 4..8 {
        let mut gate = same_answers::<Beside>(seed, 1_000);
        assert!(gate.compared() > 10_000 && gate.dump().is_none(), "{}", gate.compared());
    }
}

#[test]
fn a_reset_in_flight_shuts_the_gate() {
    for seed in 0..8 {
        let mut traffic = Traffic::new(seed);
        let mut gate = open::<Alone>(seed);
        for _ in 0..20 {
            perform(&mut gate, &traffic.act());
        }
        gate.device().reset(3);
        answers(&mut gate);
        for _ in 0..50 {
            perform(&mut gate, &traffic.act());
            for (intent, rejects) in answers(&mut gate) {
                assert!(intent.kind == IntentKind::Cancel || !rejects.is_pass());
            }
        }
        assert_eq!(gate.failure().map(|failure| failure.name()), Some("reset_in_flight"));
        assert!(gate.device().killed());
    }
}

#[test]
fn a_kill_by_register_refuses_until_it_is_released() {
    let mut traffic = Traffic::new(1);
    let mut gate = open::<Alone>(1);
    assert!(gate.device().write(reg::CONTROL, nofx_fpga::info::CONTROL_KILL));
    for _ in 0..50 {
        let intent = traffic.intent();
        gate.submit(&intent).expect("room");
        let rejects = answers(&mut gate)[0].1;
        let kill = rejects.has(Rule::KillGlobal) || rejects == Rejects(Rule::Range.bit());
        assert!(intent.kind == IntentKind::Cancel || kill, "{rejects:?}");
    }
    gate.on_kill(KillScope::Global, false);
    let passed = (0..50).any(|_| {
        gate.submit(&traffic.intent()).expect("room");
        answers(&mut gate)[0].1.is_pass()
    });
    assert!(passed && gate.failure().is_none());
}
