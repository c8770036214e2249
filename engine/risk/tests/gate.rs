//! The software gate behind the gate contract, and the limits it reads.

mod common;

use common::{Rng, closed, filled, order};
use nofx_gate::{Busy, Gate, GateKey, Rejects, Rule, Verdict};
use nofx_risk::card::{AccountLimits, KillScope, SymbolLimits};
use nofx_risk::{CardConfig, ConfigError, SoftwareGate, VERDICTS_MAX};
use nofx_rt::guard::{self, CountingAlloc, OnSealed};
use nofx_types::Side::Buy;
use nofx_types::{
    AccountId, ClOrdId, Instrument, InstrumentId, Instruments, OrderIntent, Price, Qty, Symbol,
    UpdateKind,
};

#[global_allocator]
static ALLOC: CountingAlloc = CountingAlloc;

const SYMBOL: InstrumentId = InstrumentId(0);
const ACCOUNT: AccountId = AccountId(0);

fn instrument(id: u32, name: &str) -> Instrument {
    let mut instrument = Instrument::unknown(InstrumentId(id));
    instrument.symbol = Symbol::new(name).expect("at most eight characters");
    instrument.flags.defined = true;
    instrument
}

fn gate_with(config: CardConfig) -> SoftwareGate {
    let mut instruments = Instruments::new(4);
    instruments.set(instrument(0, "AAPL")).expect("inside");
    instruments.set(instrument(1, "MSFT")).expect("inside");
    SoftwareGate::new(GateKey::issue(), config, &instruments).expect("limits fit")
}

fn gate() -> SoftwareGate {
    gate_with(CardConfig::default())
}

fn verdict(gate: &mut SoftwareGate, intent: &OrderIntent) -> Verdict {
    gate.submit(intent).expect("not busy");
    gate.poll().expect("an instant answer")
}

#[track_caller]
fn refused(gate: &mut SoftwareGate, intent: &OrderIntent) -> Rejects {
    match verdict(gate, intent) {
        Verdict::Reject(asked, rejects) => {
            assert_eq!(asked, *intent);
            rejects
        }
        Verdict::Pass(cleared) => panic!("{cleared:?} passed"),
    }
}

#[track_caller]
fn passes(gate: &mut SoftwareGate, intent: &OrderIntent) {
    match verdict(gate, intent) {
        Verdict::Pass(cleared) => assert_eq!(cleared.get(), intent),
        Verdict::Reject(_, rejects) => panic!("refused by {rejects:?}"),
    }
}

#[test]
fn verdicts_come_in_order_and_only_passes_are_cleared() {
    let mut gate = gate();
    assert!(gate.poll().is_none());
    for round in 0..5u64 {
        for n in 1..=20 {
            let qty = if n % 3 == 0 { 0 } else { 20 * round + n };
            gate.submit(&order(Buy, 100, qty)).expect("room");
        }
        for n in 1..=20 {
            match gate.poll().expect("one for each") {
                Verdict::Pass(cleared) => {
                    let qty = cleared.get().qty.0;
                    assert!(qty == 20 * round + n && n % 3 != 0);
                    gate.on_update(&closed(UpdateKind::Canceled, Buy, 100, qty));
                }
                Verdict::Reject(intent, rejects) => {
                    assert_eq!((intent.qty.0, n % 3), (0, 0));
                    assert!(rejects.has(Rule::Lot));
                }
            }
        }
        assert!(gate.poll().is_none());
    }
    assert_eq!((gate.passed(), gate.refused(Rule::Lot)), (5 * 14, 5 * 6));
    assert_eq!(gate.card().faults(), 0);
}

#[test]
fn full_queue_is_busy_and_reserves_nothing() {
    let mut gate = gate();
    for offset in 0..3 {
        // Neither end of the queue stays at a slot: the indices wrap.
        for n in 0..VERDICTS_MAX as u64 {
            let cancel = OrderIntent::cancel(SYMBOL, ClOrdId(n as u32 + 1), Buy);
            assert_eq!(gate.submit(&cancel), Ok(()), "{n}");
        }
        assert_eq!(gate.submit(&order(Buy, 100, 1)), Err(Busy));
        assert_eq!(gate.exposure(ACCOUNT, SYMBOL).expect("inside").open_qty, [Qty(0); 2]);
        for n in 0..offset + 5 {
            assert!(gate.poll().is_some(), "{n}");
        }
        for n in 0..offset + 5 {
            let cancel = OrderIntent::cancel(SYMBOL, ClOrdId(1_000 + n), Buy);
            assert_eq!(gate.submit(&cancel), Ok(()));
        }
        assert_eq!(gate.submit(&order(Buy, 100, 1)), Err(Busy));
        let rest: Vec<_> = core::iter::from_fn(|| gate.poll()).collect();
        assert_eq!(rest.len(), VERDICTS_MAX);
        let Verdict::Pass(last) = rest.last().expect("some") else { panic!("a cancel passes") };
        assert_eq!(last.get().orig.0, 1_000 + offset + 4);
    }
    passes(&mut gate, &order(Buy, 100, 1));
}

#[test]
fn exposure_is_reserved_moved_and_released() {
    let mut gate = gate();
    passes(&mut gate, &order(Buy, 1_000, 300));
    let exposure = gate.exposure(ACCOUNT, SYMBOL).expect("inside");
    assert_eq!((exposure.open_qty, exposure.open_orders), ([Qty(300), Qty(0)], 1));
    assert_eq!(exposure.self_match, [Some(Price(1_000)), None]);
    assert_eq!(gate.account_exposure(ACCOUNT).expect("inside").gross, 300_000);

    let mut part = filled(Buy, 1_000, 990, 100);
    part.closed = false;
    gate.on_update(&part);
    let exposure = gate.exposure(ACCOUNT, SYMBOL).expect("inside");
    assert_eq!((exposure.position, exposure.held), (100, 99_000));
    assert_eq!((exposure.open_qty, exposure.open_orders), ([Qty(200), Qty(0)], 1));
    assert_eq!(gate.account_exposure(ACCOUNT).expect("inside").gross, 299_000);

    gate.on_update(&closed(UpdateKind::Canceled, Buy, 1_000, 200));
    let account = gate.account_exposure(ACCOUNT).expect("inside");
    assert_eq!((account.gross, account.net_held), (99_000, 99_000));
    assert_eq!((account.open_notional, account.open_orders, account.killed), ([0, 0], 0, false));
    assert_eq!(gate.exposure(ACCOUNT, SYMBOL).expect("inside").self_match, [None, None]);
    assert_eq!(gate.exposure(ACCOUNT, InstrumentId(4)), None);
    assert_eq!(gate.exposure(AccountId(4), SYMBOL), None);
    assert_eq!(gate.account_exposure(AccountId(4)), None);
}

#[test]
fn commands_reach_the_card() {
    let mut gate = gate();
    let ask = order(Buy, 100, 1);
    for (scope, rule) in [
        (KillScope::Global, Rule::KillGlobal),
        (KillScope::Account(ACCOUNT), Rule::KillAccount),
        (KillScope::Symbol(SYMBOL), Rule::KillSymbol),
    ] {
        gate.set_kill(scope, true).expect("inside");
        assert_eq!(refused(&mut gate, &ask), common::only(rule));
        passes(&mut gate, &OrderIntent::cancel(SYMBOL, ClOrdId(1), Buy));
        gate.set_kill(scope, false).expect("inside");
    }
    let outside = KillScope::Symbol(InstrumentId(4));
    assert_eq!(gate.set_kill(outside, true), Err(common::only(Rule::Range)));
    gate.on_halt(SYMBOL, true);
    gate.on_halt(InstrumentId(9), true);
    assert_eq!(refused(&mut gate, &ask), common::only(Rule::Halt));
    gate.on_halt(SYMBOL, false);
    gate.set_epoch(3);
    assert_eq!(refused(&mut gate, &ask), common::only(Rule::Epoch));
    passes(&mut gate, &OrderIntent { epoch: 3, ..ask });
    assert_eq!(gate.refused(Rule::Epoch), 1);
}

#[test]
fn instrument_takes_orders_from_its_definition_on() {
    let mut gate = gate();
    let mut ask = order(Buy, 100, 200);
    ask.instrument = InstrumentId(2);
    assert!(refused(&mut gate, &ask).has(Rule::Permission));
    let mut late = instrument(2, "NVDA");
    late.flags.round_lots_only = true;
    gate.on_definition(&late);
    passes(&mut gate, &ask);
    assert_eq!(refused(&mut gate, &OrderIntent { qty: Qty(150), ..ask }), common::only(Rule::Lot));
    // A lot of zero cannot be traded: refused, counted, closed.
    gate.on_definition(&Instrument { lot: 0, ..late });
    assert_eq!(gate.definitions_refused(), 1);
    assert!(refused(&mut gate, &ask).has(Rule::Permission));
    gate.on_definition(&late);
    passes(&mut gate, &OrderIntent { price: Price(101), ..ask });
    late.flags.defined = false;
    gate.on_definition(&late);
    assert!(refused(&mut gate, &ask).has(Rule::Permission));
    gate.on_definition(&instrument(77, "OUTSIDE")); // more instruments than the table holds
}

#[test]
fn symbol_limits_are_defaults_then_venue_then_exception() {
    let text = "
        band_bps = 1_000
        [symbol]
        qty_max = 500
        [by_symbol.AAPL]
        qty_max = 7
        price_high = 2_000_000
        [by_account.1]
        gross_max = 5
    ";
    let config: CardConfig = toml::from_str(text).expect("valid");
    let plain = instrument(1, "MSFT");
    let limits = config.symbol_limits(&plain);
    assert_eq!((limits.qty_max, limits.lot, limits.price_low), (500, 1, 1));
    assert_eq!(limits.price_high, u32::MAX);
    let known = Instrument { previous_close: Price(1_000_005), ..plain };
    let limits = config.symbol_limits(&known);
    assert_eq!((limits.price_low, limits.price_high), (900_005, 1_100_005));
    let limited = Instrument { limit_low: Price(950_000), limit_high: Price(1_200_000), ..known };
    let limits = config.symbol_limits(&limited);
    assert_eq!((limits.price_low, limits.price_high), (950_000, 1_100_005));
    let excepted = Instrument { symbol: Symbol::new("AAPL").expect("short"), ..known };
    let limits = config.symbol_limits(&excepted);
    assert_eq!((limits.qty_max, limits.price_low, limits.price_high), (7, 900_005, 2_000_000));
    assert_eq!(config.account_limits(AccountId(1)).gross_max, 5);
    assert_eq!(config.account_limits(AccountId(0)), AccountLimits::default());
    // Closes beyond the card's width leave no price that passes, and overflow nothing.
    for close in [i64::MAX, 1 << 40] {
        let limits = config.symbol_limits(&Instrument { previous_close: Price(close), ..plain });
        assert_eq!(limits.price_low, u32::MAX, "{close}");
    }
}

#[test]
fn bad_configuration_names_the_key_and_what_to_do() {
    let instruments = Instruments::new(4);
    let rows = [
        ("[symbol]\nlot = 0", "risk.symbol", "`lot`"),
        ("[account]\nrate_per_s = 0", "risk.account", "`rate_per_s`"),
        ("[by_symbol.AAPL]\nlong_max = 1_000_000_000_000_000", "risk.by_symbol.AAPL", "`long_max`"),
        ("[by_account.2]\nrate_burst = 0", "risk.by_account.2", "`rate_burst`"),
        ("[by_account.4]\ngross_max = 1", "risk.by_account.4", "`accounts` = 4"),
        ("[by_account.01]\ngross_max = 1", "risk.by_account.01", "`accounts` = 4"),
        ("[by_account.me]\ngross_max = 1", "risk.by_account.me", "`accounts` = 4"),
        ("[by_symbol.TOOLONGNAME]\nlot = 1", "risk.by_symbol.TOOLONGNAME", "eight"),
        ("accounts = 0", "risk:", "`accounts`"),
        ("holdings_max = 3", "risk:", "`holdings_max` = 3"),
    ];
    for (text, section, key) in rows {
        let config: CardConfig = toml::from_str(text).expect(text);
        let error: ConfigError =
            SoftwareGate::new(GateKey::issue(), config, &instruments).expect_err("cannot be used");
        let message = error.to_string();
        assert!(message.contains(section) && message.contains(key), "{text}: {message}");
    }
    for unknown in ["account_count = 3", "[symbol]\nqty = 1", "[by_symbol.A]\nmax = 1"] {
        let error = toml::from_str::<CardConfig>(unknown).expect_err("an unknown key");
        assert!(error.to_string().contains("unknown field"), "{error}");
    }
    let error = toml::from_str::<nofx_risk::HostRules>("distance = 1").expect_err("unknown");
    assert!(error.to_string().contains("unknown field"), "{error}");
    let empty: CardConfig = toml::from_str("").expect("defaults");
    assert_eq!(empty, CardConfig::default());
    assert_eq!(empty.symbol, SymbolLimits::default());
}

#[test]
fn nothing_is_allocated_after_construction() {
    let mut rng = Rng(1);
    let mut gate = gate();
    let late = instrument(2, "NVDA");
    let seal = guard::seal(OnSealed::Count);
    for n in 0..20_000u64 {
        let side = rng.side();
        let (price, qty) = (1_000 + rng.below(9) as i64, 100 * rng.below(4));
        let mut ask = order(side, price, qty);
        ask.instrument = InstrumentId(rng.below(6) as u32);
        ask.now_ns.0 = 1_000_000 * n;
        let _ = gate.submit(&ask);
        while let Some(answer) = gate.poll() {
            let Verdict::Pass(cleared) = answer else { continue };
            let sent = cleared.get();
            let mut update = match rng.one_in(2) {
                true => filled(sent.side, sent.price.0, sent.price.0, sent.qty.0),
                false => closed(UpdateKind::Canceled, sent.side, sent.price.0, sent.qty.0),
            };
            update.instrument = sent.instrument;
            gate.on_update(&update);
        }
        if n % 1_000 == 0 {
            gate.on_definition(&late);
            gate.on_halt(late.id, false);
            let _ = gate.set_kill(KillScope::Symbol(SYMBOL), n % 2_000 == 0);
        }
    }
    drop(seal);
    assert_eq!(guard::sealed_allocations(), 0);
    assert_eq!(gate.card().faults(), 0);
    assert!(gate.passed() > 1_000, "{}", gate.passed());
    for rule in [Rule::Lot, Rule::KillSymbol, Rule::Range, Rule::Permission] {
        assert!(gate.refused(rule) > 100, "{rule:?}: {}", gate.refused(rule));
    }
    for symbol in 0..3 {
        let exposure = gate.exposure(ACCOUNT, InstrumentId(symbol)).expect("inside");
        assert_eq!((exposure.open_qty, exposure.open_orders), ([Qty(0); 2], 0));
    }
    assert_eq!(gate.account_exposure(ACCOUNT).expect("inside").open_notional, [0, 0]);
}

#[test]
fn card_uses_core_and_tables_alone_use_alloc() {
    // The crate is `no_std` as a whole; inside the card, only the tables may ask for memory.
    assert!(include_str!("../src/lib.rs").contains("\n#![no_std]\n"));
    for (name, source) in [
        ("rules", include_str!("../src/card/rules.rs")),
        ("rows", include_str!("../src/card/rows.rs")),
        ("op", include_str!("../src/card/op.rs")),
        ("limits", include_str!("../src/card/limits.rs")),
    ] {
        for word in ["alloc::", "std::", "f32", "f64", "unsafe", "i128", "u128"] {
            let code = source.split("#[cfg(test)]").next().expect("some code");
            assert!(!code.contains(word), "card::{name} uses {word}");
        }
    }
}

#[test]
fn a_restored_order_is_reserved_as_it_was_whatever_the_limits_say_now() {
    let (mut before, mut after) = (gate(), gate());
    after.set_kill(KillScope::Global, true).expect("inside");
    for qty in [100, 200, 300] {
        let sent = order(Buy, 100, qty);
        passes(&mut before, &sent);
        after.restore(&sent);
    }
    let fill = filled(Buy, 100, 99, 100);
    before.on_update(&fill);
    after.on_update(&fill);
    assert_eq!(before.exposure(ACCOUNT, SYMBOL), after.exposure(ACCOUNT, SYMBOL));
    assert_eq!(before.account_exposure(ACCOUNT), after.account_exposure(ACCOUNT));
    assert_eq!(before.card().faults() + after.card().faults(), 0);
    assert!(refused(&mut after, &order(Buy, 100, 100)).has(Rule::KillGlobal));
}
