//! The gate over a card: the same answers as the software gate, and closed for good by whatever goes
//! wrong.

mod common;

use common::*;
use nofx_fpga::regs::sticky;
use nofx_fpga::{
    Alone, Capacity, DeviceError, Fault, FpgaGate, FpgaOptions, Lines, OpLine, OpenError,
    Registers, SoftCard, Sticky, VerdictLine,
};
use nofx_gate::{Gate, GateKey, KillScope, Rejects, Rule};
use nofx_risk::card::AccountLimits;
use nofx_risk::{CardConfig, VERDICTS_MAX};
use nofx_types::{
    AccountId, ClOrdId, InstrumentId, IntentKind, Nanos, OrderIntent, Price, Qty, Side,
};

type Gated = FpgaGate<SoftCard, Alone>;

fn open(card: SoftCard) -> Gated {
    FpgaGate::open(card, GateKey::issue(), config(), &options(), &instruments()).expect("opens")
}

fn refusal(card: SoftCard) -> OpenError {
    refusal_with(card, config(), &options())
}

fn refusal_with(card: SoftCard, config: CardConfig, options: &FpgaOptions) -> OpenError {
    Gated::open(card, GateKey::issue(), config, options, &instruments()).expect_err("refused")
}

#[test]
fn random_traffic_is_answered_as_the_software_answers_it() {
    for seed in 0..SEEDS {
        let mut traffic = Traffic::new(seed);
        let mut slow = card();
        slow.delay = seed * 7 % 100;
        let (mut ours, mut theirs) = (open(slow), software());
        let (mut passed, mut refused) = (0, 0);
        for _ in 0..400 {
            // The intents of one event travel together, reports between them.
            for _ in 0..1 + traffic.rng.below(20) {
                let act = traffic.act();
                perform(&mut ours, &act);
                perform(&mut theirs, &act);
            }
            let answers = answers(&mut theirs);
            assert_eq!(common::answers(&mut ours), answers);
            passed += answers.iter().filter(|(_, rejects)| rejects.is_pass()).count();
            refused += answers.iter().filter(|(_, rejects)| !rejects.is_pass()).count();
        }
        assert_eq!(ours.failure(), None);
        assert!(passed > 300 && refused > 300, "{passed} passed, {refused} refused");
        assert_eq!(ours.passed(), theirs.passed());
        for rule in Rule::ALL {
            assert_eq!(ours.refused(rule), theirs.refused(rule), "{rule:?}");
        }
        assert_eq!(ours.definitions_refused(), theirs.definitions_refused());
        for account in (0..=ACCOUNTS).map(AccountId) {
            assert_eq!(ours.account_exposure(account), theirs.account_exposure(account));
            for id in TRADED.into_iter().chain([5, 6, 70_000]).map(InstrumentId) {
                assert_eq!(ours.exposure(account, id), theirs.exposure(account, id), "{id:?}");
            }
        }
        assert_eq!(u64::from(ours.faults()), theirs.card().faults());
        assert!(ours.symbols_used().0 >= SYMBOLS);
    }
}

/// Acts until the gate fails or `acts` are done: no answer but the software's until then.
fn run_until_failure(gate: &mut Gated, traffic: &mut Traffic, acts: u32) {
    let mut theirs = software();
    for _ in 0..acts {
        for _ in 0..1 + traffic.rng.below(4) {
            let act = traffic.act();
            perform(gate, &act);
            perform(&mut theirs, &act);
        }
        for (ours, theirs) in answers(gate).into_iter().zip(answers(&mut theirs)) {
            assert_eq!(ours.0, theirs.0, "in order");
            // Before the failure as the software; from it on shut but for cancels.
            let shut = match ours.0.kind {
                IntentKind::Cancel => Rejects::NONE,
                _ => Rejects(Rule::KillGlobal.bit()),
            };
            assert!(ours.1 == theirs.1 || gate.failure().is_some() && ours.1 == shut);
        }
        if gate.failure().is_some() {
            return;
        }
    }
}

/// After a failure nothing passes but cancels, whatever is done.
fn stays_shut(gate: &mut Gated, traffic: &mut Traffic) {
    let failure = gate.failure();
    for _ in 0..200 {
        let act = match traffic.act() {
            Act::Kill(scope, _) => Act::Kill(scope, false),
            act => act,
        };
        perform(gate, &act);
        gate.heartbeat();
        for (intent, rejects) in answers(gate) {
            match intent.kind {
                IntentKind::Cancel => assert!(rejects.is_pass()),
                _ => assert_eq!(rejects, Rejects(Rule::KillGlobal.bit())),
            }
        }
    }
    assert_eq!(gate.failure(), failure, "the first failure is the one that is told");
    assert!(gate.killed() && gate.exposure(AccountId(0), InstrumentId(TRADED[0])).is_none());
}

#[test]
fn every_fault_of_bus_and_card_shuts_the_gate_under_its_name() {
    let cases: [(Fault, &[&str]); 14] = [
        // The card sees the gap in the next line, unless there is none.
        (Fault::LoseLine, &["error_latched", "stalled"]),
        (Fault::LoseVerdict, &["verdict_lost", "stalled"]),
        (Fault::DuplicateVerdict, &["verdict_repeated"]),
        (Fault::Stall, &["stalled", "out_of_credits"]),
        (Fault::Full, &["window_full"]),
        (Fault::Reset, &["reset_in_flight"]),
        (Fault::Latch(sticky::PARITY), &["error_latched"]),
        (Fault::Latch(sticky::HEARTBEAT | sticky::STALL), &["error_latched"]),
        (Fault::Gone, &["device_lost"]),
        (Fault::Dead, &["device_error"]),
        (Fault::Flip(0), &["verdict_wrong"]),
        (Fault::Flip(64 + 5), &["verdict_wrong"]),
        (Fault::Flip(64 * 6 + 3), &["verdict_wrong"]),
        (Fault::Flip(64 * 7), &["verdict_wrong"]),
    ];
    for (fault, names) in cases {
        for seed in 0..SEEDS {
            let mut traffic = Traffic::new(seed);
            let mut slow = card();
            slow.delay = seed % 3 * 60;
            let mut gate = open(slow);
            gate.device().break_after(traffic.rng.below(60) as u32, fault);
            run_until_failure(&mut gate, &mut traffic, 200);
            let failure = gate.failure().unwrap_or_else(|| panic!("{fault:?}: no failure"));
            assert!(names.contains(&failure.name()), "{fault:?}: {failure}");
            assert!(failure.to_string().starts_with("risk gate: "), "{failure}");
            let dead = [Fault::Gone, Fault::Dead].contains(&fault);
            assert!(dead || gate.device().model().killed(), "the card is told to close: {fault:?}");
            stays_shut(&mut gate, &mut traffic);
        }
    }
}

#[test]
fn a_lost_line_and_a_lost_verdict_are_told_apart() {
    for (fault, name) in [
        (Fault::LoseLine, "error_latched"),
        (Fault::LoseVerdict, "verdict_lost"),
        (Fault::DuplicateVerdict, "verdict_repeated"),
    ] {
        let mut gate = open(card());
        answers_of(&mut gate, &[order(1)]); // the instrument has its row
        gate.device().break_after(1, fault);
        answers_of(&mut gate, &[order(2), order(3), order(4), order(5)]);
        assert_eq!(gate.failure().map(|failure| failure.name()), Some(name));
    }
}

fn order(id: u32) -> OrderIntent {
    let qty = Qty(10 + 10 * u64::from(id % 40));
    let mut intent =
        OrderIntent::new(InstrumentId(TRADED[0]), Side::Buy, Price(900 + i64::from(id)), qty);
    intent.cl_ord_id = ClOrdId(id);
    intent.now_ns = Nanos(1_700_000_000_000_000_000 + 100_000_000 * u64::from(id));
    intent
}

fn answers_of(gate: &mut Gated, intents: &[OrderIntent]) -> Vec<Answer> {
    intents.iter().for_each(|intent| gate.submit(intent).expect("room"));
    answers(gate)
}

#[test]
fn a_kill_from_elsewhere_refuses_and_an_operator_may_release_it() {
    let mut gate = open(card());
    assert!(answers_of(&mut gate, &[order(1)])[0].1.is_pass());
    gate.device().break_after(0, Fault::Kill);
    assert_eq!(answers_of(&mut gate, &[order(2)])[0].1, Rejects(Rule::KillGlobal.bit()));
    assert!(gate.killed() && gate.failure().is_none());
    gate.on_kill(KillScope::Global, false);
    assert!(answers_of(&mut gate, &[order(3)])[0].1.is_pass());
    assert!(!gate.killed());
}

#[test]
fn waiting_is_bounded() {
    // As slow as the bound allows, and one poll slower.
    for (delay, fails) in [(199, false), (200, true)] {
        let mut slow = card();
        slow.delay = 0;
        let mut gate = open(slow);
        gate.device().delay = delay;
        gate.submit(&order(1)).expect("room"); // with the lines that introduce its instrument
        assert_eq!(answers(&mut gate).len(), 1);
        assert_eq!(gate.failure().is_some(), fails, "{delay}: {:?}", gate.failure());
    }
}

#[test]
fn a_caller_that_does_not_poll_is_told_busy_and_nothing_is_reserved() {
    let mut gate = open(card());
    for id in 1..=VERDICTS_MAX as u32 {
        gate.submit(&order(id)).expect("room");
    }
    let lines = gate.device().model().next_seq();
    assert!(gate.submit(&order(1_000)).is_err());
    assert_eq!(gate.device().model().next_seq(), lines, "no line was sent");
    assert_eq!(answers(&mut gate).len(), VERDICTS_MAX);
    assert!(gate.poll().is_none() && gate.failure().is_none());
    gate.submit(&order(1_000)).expect("room again");
}

#[test]
fn reports_wait_for_credits_and_intents_keep_their_order() {
    let mut narrow = card();
    narrow.credits = 4;
    narrow.delay = 3;
    let (mut ours, mut theirs) = (open(narrow), software());
    let mut traffic = Traffic::new(99);
    for _ in 0..200 {
        for _ in 0..30 {
            let act = traffic.act();
            perform(&mut ours, &act);
            perform(&mut theirs, &act);
        }
        assert_eq!(answers(&mut ours), answers(&mut theirs));
    }
    assert_eq!(ours.failure(), None);
}

#[test]
fn a_card_that_is_not_ours_is_not_opened() {
    assert_eq!(refusal(card_with(|card| card.magic = 1)), OpenError::Magic { found: 1 });
    assert_eq!(refusal(card_with(|card| card.abi = 2)), OpenError::Abi { found: 2, ours: 1 });
    let ours = nofx_fpga::regs::BUILD_HASH;
    let build = OpenError::Build { found: !ours, ours };
    assert_eq!(refusal(card_with(|card| card.build = !ours)), build);
    let credits = OpenError::Credits { credits: 3, least: 4 };
    assert_eq!(refusal(card_with(|card| card.credits = 3)), credits);
    let small = SoftCard::new(Capacity { symbols: 8, accounts: 1, holdings: 16 });
    assert_eq!(refusal(small), OpenError::Accounts { accounts: 2, most: 1, rows: 16 });
    let few = SoftCard::new(Capacity { symbols: 8, accounts: 4, holdings: 1 });
    assert_eq!(refusal(few), OpenError::Accounts { accounts: 2, most: 4, rows: 1 });
    // Expecting another build is a matter of configuration.
    let options = FpgaOptions { build: 7, ..options() };
    let card = card_with(|card| card.build = 7);
    assert!(Gated::open(card, GateKey::issue(), config(), &options, &instruments()).is_ok());
}

#[test]
fn a_card_that_fails_while_it_is_opened_is_not_opened() {
    for (fault, named) in [
        (Fault::Stall, "no verdict for operation 1"),
        (Fault::Full, "the window took no line"),
        (Fault::Gone, "the device is gone"),
        (Fault::Latch(sticky::PARITY), "latched {\"parity\"}"),
        (Fault::Reset, "was reset"),
    ] {
        let mut card = card();
        card.break_after(0, fault);
        let error = refusal(card);
        assert!(error.to_string().contains(named), "{fault:?}: {error}");
    }
    let bad = CardConfig {
        account: AccountLimits { rate_per_s: 0, ..AccountLimits::default() },
        ..config()
    };
    let error = refusal_with(card(), bad, &options()).to_string();
    assert!(error.contains("rate_per_s"), "{error}");
}

/// A card that outlives its gate.
#[derive(Clone)]
struct Lasting(std::rc::Rc<std::cell::RefCell<SoftCard>>);

impl Registers for Lasting {
    fn read(&mut self, at: u32) -> Result<u32, DeviceError> {
        self.0.borrow_mut().read(at)
    }

    fn write(&mut self, at: u32, value: u32) -> Result<(), DeviceError> {
        self.0.borrow_mut().write(at, value)
    }
}

impl Lines for Lasting {
    fn put(&mut self, line: &OpLine) -> bool {
        self.0.borrow_mut().put(line)
    }

    fn take(&mut self) -> Option<VerdictLine> {
        self.0.borrow_mut().take()
    }
}

#[test]
fn whoever_goes_leaves_a_killed_card() {
    let lasting = Lasting(std::rc::Rc::new(std::cell::RefCell::new(card())));
    let open = || {
        FpgaGate::<_, Alone>::open(
            lasting.clone(),
            GateKey::issue(),
            config(),
            &options(),
            &instruments(),
        )
    };
    let gate = open().expect("opens");
    assert!(!lasting.0.borrow().model().killed());
    drop(gate);
    assert!(lasting.0.borrow().model().killed());
    // The barrier that ends the opening is lost: the kill was released before it.
    lasting.0.borrow_mut().break_after(3, Fault::LoseVerdict);
    assert!(open().is_err());
    assert!(lasting.0.borrow().model().killed());
}

#[test]
fn a_used_card_is_emptied_before_it_trades() {
    let mut gate = open(card());
    answers_of(&mut gate, &[order(1), order(2)]);
    let mut used = std::mem::replace(gate.device(), card());
    used.break_after(0, Fault::Latch(sticky::OVERFLOW));
    used.put(&OpLine::barrier(0, 12)); // left unread
    assert_ne!(used.model().sticky(), Sticky::NONE);
    let mut gate = open(used);
    let exposure = gate.account_exposure(AccountId(0)).expect("a row");
    assert_eq!((exposure.gross, exposure.open_orders), (0, 0));
    assert!(answers_of(&mut gate, &[order(3)])[0].1.is_pass());
}

#[test]
fn instruments_beyond_the_rows_of_the_card_are_out_of_range() {
    let mut gate = open(SoftCard::new(Capacity { symbols: 2, accounts: 4, holdings: 8 }));
    let of = |id: u32, symbol: u32| {
        let mut intent = order(id);
        intent.instrument = InstrumentId(symbol);
        intent
    };
    let answers = answers_of(
        &mut gate,
        &[of(1, TRADED[2]), of(2, TRADED[0]), of(3, TRADED[1]), of(4, TRADED[2])],
    );
    let rejects: Vec<_> = answers.iter().map(|(_, rejects)| *rejects).collect();
    let range = Rejects(Rule::Range.bit());
    assert_eq!(rejects, [Rejects::NONE, Rejects::NONE, range, Rejects::NONE]);
    assert_eq!(gate.symbols_used(), (2, 2));
}

#[test]
fn what_happened_before_an_instrument_has_a_row_holds_when_it_gets_one() {
    let mut gate = open(card());
    let symbol = InstrumentId(TRADED[0]);
    let lines = gate.device().model().next_seq();
    gate.on_halt(symbol, true);
    gate.on_kill(KillScope::Symbol(symbol), true);
    assert_eq!(gate.device().model().next_seq(), lines, "the card does not know it yet");
    let both = Rejects(Rule::Halt.bit() | Rule::KillSymbol.bit());
    assert_eq!(answers_of(&mut gate, &[order(1)])[0].1, both);
    gate.on_halt(symbol, false);
    gate.on_kill(KillScope::Symbol(symbol), false);
    assert!(answers_of(&mut gate, &[order(2)])[0].1.is_pass());
}

#[test]
fn heartbeats_and_counters_are_registers() {
    let mut gate = open(card());
    let before = gate.device().heartbeats;
    gate.heartbeat();
    assert_eq!(gate.device().heartbeats, before + 1);
    answers_of(&mut gate, &[order(1), order(2)]);
    let counters = gate.counters().expect("readable");
    let named = |name| counters.named().find(|(n, _)| *n == name).map(|(_, count)| count);
    assert_eq!((named("passed"), named("refused"), named("scrubs")), (Some(2), Some(0), Some(2)));
    assert!(counters.named_rules().all(|(_, refused)| refused == 0));
    assert_eq!(gate.info().credits, 64);
}
