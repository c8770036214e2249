//! Card and software side by side: nothing to see with an honest card, and the first difference stops
//! trading with any other.

mod common;

use common::*;
use nofx_fpga::{Fault, FpgaGate, GateFailure, Judgement, Lockstep, SoftCard, Table};
use nofx_gate::{Gate, GateKey, Rejects, Rule};
use nofx_risk::card::{AccountRegs, SymbolRegs};
use nofx_risk::{LimitGate, SoftwareGate};
use nofx_types::{AccountId, InstrumentId, IntentKind};

fn open(card: SoftCard) -> Lockstep<SoftCard> {
    FpgaGate::open(card, GateKey::issue(), config(), &options(), &instruments()).expect("opens")
}

#[test]
fn an_honest_card_differs_in_nothing() {
    for seed in 0..SEEDS {
        let mut traffic = Traffic::new(seed);
        let (mut ours, mut theirs) = (open(card()), software());
        let mut asked = 0;
        for _ in 0..300 {
            for _ in 0..1 + traffic.rng.below(8) {
                let act = traffic.act();
                asked += u64::from(matches!(act, Act::Ask(_)));
                perform(&mut ours, &act);
                perform(&mut theirs, &act);
            }
            assert_eq!(answers(&mut ours), answers(&mut theirs));
        }
        for account in (0..ACCOUNTS).map(AccountId) {
            for id in TRADED.map(InstrumentId) {
                assert_eq!(ours.exposure(account, id), theirs.exposure(account, id));
            }
        }
        assert_eq!((ours.failure(), ours.difference()), (None, None));
        assert!(ours.dump().is_none());
        assert_eq!(ours.reached(), asked, "every intent reached the card and was compared");
        assert!(ours.compared() > asked);
    }
}

/// Limits from a seed, of the order of those that random traffic meets.
fn any_limits(traffic: &mut Traffic) -> (AccountRegs, SymbolRegs) {
    let config = config();
    let (mut account, mut symbol) = (config.account, config.symbol);
    account.gross_max = traffic.rng.below(4_000_000);
    account.open_orders_max = traffic.rng.below(12) as u32;
    symbol.qty_max = traffic.rng.below(500) as u32;
    (symbol.buy, symbol.sell) = (traffic.rng.chance(3, 4), traffic.rng.chance(3, 4));
    (symbol.price_low, symbol.long_max) = (850 + traffic.rng.below(100) as u32, 1_000);
    (AccountRegs::new(&account).expect("fits"), SymbolRegs::new(&symbol).expect("fits"))
}

#[test]
fn limits_that_change_between_orders_change_alike_on_card_and_software() {
    for seed in 0..SEEDS {
        let mut traffic = Traffic::new(seed);
        let (mut ours, mut theirs) = (open(card()), software());
        for _ in 0..300 {
            for _ in 0..1 + traffic.rng.below(8) {
                let act = traffic.act();
                perform(&mut ours, &act);
                perform(&mut theirs, &act);
            }
            if traffic.rng.chance(1, 4) {
                let (account, symbol) = any_limits(&mut traffic);
                // Now and then of what there is not.
                let of = AccountId(traffic.rng.below(u64::from(ACCOUNTS) + 1) as u16);
                let id = traffic.symbol();
                for gate in [&mut ours as &mut dyn LimitGate, &mut theirs] {
                    gate.set_account(of, &account);
                    gate.set_symbol(id, &symbol);
                }
            }
            assert_eq!(answers(&mut ours), answers(&mut theirs));
        }
        assert_eq!((ours.failure(), ours.difference()), (None, None));
    }
}

#[test]
fn limits_that_were_set_judge_as_those_that_were_configured() {
    for seed in 0..SEEDS {
        let mut traffic = Traffic::new(seed);
        let mut tight = config();
        (tight.symbol.qty_max, tight.symbol.sell) = (200, false);
        (tight.account.gross_max, tight.account.per_second_max) = (600_000, 20);
        let mut configured =
            SoftwareGate::new(GateKey::issue(), tight.clone(), &instruments()).expect("limits fit");
        let (mut set, mut ours) = (software(), open(card()));
        let account = AccountRegs::new(&tight.account).expect("fits");
        let symbol = SymbolRegs::new(&tight.symbol).expect("fits");
        for gate in [&mut set as &mut dyn LimitGate, &mut ours] {
            (0..ACCOUNTS).for_each(|of| gate.set_account(AccountId(of), &account));
            TRADED.into_iter().for_each(|id| gate.set_symbol(InstrumentId(id), &symbol));
        }
        for _ in 0..300 {
            let act = traffic.act();
            if matches!(act, Act::Define(_)) {
                continue; // brings the configuration back
            }
            perform(&mut configured, &act);
            perform(&mut set, &act);
            perform(&mut ours, &act);
            let wanted = answers(&mut configured);
            assert_eq!(answers(&mut set), wanted, "seed {seed}");
            assert_eq!(answers(&mut ours), wanted, "seed {seed}");
        }
    }
}

/// Runs a dishonest card beside the software until it stops: how many orders were answered before.
fn stops_at_first(judgement: Judgement, seed: u64, differs: impl Fn(Rejects) -> bool) -> u64 {
    let mut traffic = Traffic::new(seed);
    let (mut ours, mut theirs) = (open(card_with(|card| card.judgement = judgement)), software());
    for _ in 0..3_000 {
        let act = traffic.act();
        perform(&mut ours, &act);
        perform(&mut theirs, &act);
        let Some((intent, honest)) = answers(&mut theirs).pop() else { continue };
        let ours_answer = answers(&mut ours).pop().expect("an answer");
        if intent.kind != IntentKind::Cancel && differs(honest) {
            assert_eq!(ours_answer, (intent, Rejects(Rule::KillGlobal.bit())));
            let failure = ours.failure().expect("stopped");
            let difference = *ours.difference().expect("kept");
            assert_eq!(failure, GateFailure::Difference { seq: difference.line.seq() });
            assert_eq!(difference.line.tag(), intent.cl_ord_id.0);
            assert_eq!(difference.software.rejects(), honest);
            assert_ne!(difference.card.rejects(), honest);
            check_dump(&mut ours);
            return ours.reached();
        }
        assert_eq!(ours_answer, (intent, honest), "as the software until then");
        assert_eq!(ours.failure(), None);
    }
    panic!("{judgement:?} was never caught");
}

/// Both hold the same rows, since only the answer was wrong.
fn check_dump(gate: &mut Lockstep<SoftCard>) {
    let dump = gate.dump().expect("a difference");
    assert!(dump.rows.iter().any(|(row, _)| row.table == Table::Globals));
    for (software, card) in &dump.rows {
        assert_eq!(Some(software), card.as_ref());
    }
    let text = dump.to_string();
    assert!(text.contains("software:") && text.contains("card:") && text.contains("operation"));
    assert_eq!(gate.dump().as_ref(), Some(&dump), "asked again it says the same");
}

#[test]
fn a_card_that_passes_everything_is_stopped_at_the_first_order_it_should_refuse() {
    for seed in 0..SEEDS {
        let before = stops_at_first(Judgement::PassAll, seed, |honest| !honest.is_pass());
        println!("{before} intents before the first difference");
    }
}

#[test]
fn a_card_with_one_inverted_rule_is_stopped_at_its_first_order() {
    for rule in Rule::ALL.into_iter().filter(|rule| rule.is_card()) {
        stops_at_first(Judgement::Inverted(rule), rule as u64, |_| true);
    }
}

#[test]
fn every_flipped_bit_of_a_verdict_is_found() {
    for bit in 0..512 {
        let mut gate = open(card());
        let mut traffic = Traffic::new(bit.into());
        gate.device().break_after(5, Fault::Flip(bit));
        for _ in 0..200 {
            perform(&mut gate, &traffic.act());
            answers(&mut gate);
        }
        assert!(gate.failure().is_some(), "bit {bit}");
        gate.submit(&traffic.intent()).expect("room");
        let (intent, rejects) = answers(&mut gate)[0];
        assert_eq!(rejects.is_pass(), intent.kind == IntentKind::Cancel);
    }
}

#[test]
fn a_dump_of_a_card_that_no_longer_answers_has_the_software_alone() {
    let mut gate = open(card_with(|card| card.judgement = Judgement::PassAll));
    let mut traffic = Traffic::new(3);
    while gate.failure().is_none() {
        perform(&mut gate, &traffic.act());
        answers(&mut gate);
    }
    gate.device().break_after(0, Fault::Stall);
    let dump = gate.dump().expect("a difference");
    assert!(dump.rows.iter().all(|(_, card)| card.is_none()) && !dump.rows.is_empty());
    assert!(dump.to_string().contains("card: no answer"));
}

#[test]
fn a_difference_in_the_last_line_is_found_when_the_run_ends() {
    let mut gate = open(card());
    gate.device().break_after(0, Fault::Flip(128)); // in the payload of the next verdict
    gate.on_epoch(7);
    assert_eq!(gate.failure(), None, "nobody has looked yet");
    gate.catch_up();
    assert!(matches!(gate.failure(), Some(GateFailure::Difference { .. })), "{:?}", gate.failure());
}
