//! What the tests of the gate share: a run's instruments and limits, and traffic from a seed.
#![allow(dead_code)] // each test file uses its own part

use nofx_fpga::{Capacity, FpgaOptions, SoftCard};
use nofx_gate::{Gate, GateKey, KillScope, Rejects, Verdict};
use nofx_risk::card::{AccountLimits, SymbolLimits};
use nofx_risk::{CardConfig, SoftwareGate};
use nofx_rt::rng::Rng;
use nofx_types::{
    AccountId, ClOrdId, Instrument, InstrumentId, Instruments, IntentKind, Nanos, OrderIntent,
    OrderRef, OrderUpdate, Price, Qty, Side, Symbol, UpdateKind,
};

pub const SEEDS: u64 = 12;
pub const ACCOUNTS: u16 = 2;
pub const SYMBOLS: u32 = 3;
/// The venue's numbers of the instruments that are traded.
pub const TRADED: [u32; SYMBOLS as usize] = [7, 4_000, 60_001];

pub fn capacity() -> Capacity {
    Capacity { symbols: 8, accounts: 4, holdings: 16 }
}

pub fn options() -> FpgaOptions {
    FpgaOptions { spin_max: 200, ready_max: 10, ..FpgaOptions::default() }
}

/// Limits that random traffic meets from both sides.
pub fn config() -> CardConfig {
    CardConfig {
        accounts: ACCOUNTS,
        account: AccountLimits {
            open_orders_max: 12,
            gross_max: 4_000_000,
            net_max: 2_000_000,
            rate_per_s: 1_000,
            rate_burst: 40,
            per_second_max: 60,
            per_day_max: 5_000,
            duplicate_window_ns: 2_000_000,
        },
        symbol: SymbolLimits {
            lot: 10,
            qty_max: 500,
            notional_max: 400_000,
            price_low: 900,
            price_high: 1_100,
            long_max: 2_000,
            short_max: 1_500,
            open_orders_max: 8,
            ..SymbolLimits::default()
        },
        ..CardConfig::default()
    }
}

pub fn instrument(id: u32) -> Instrument {
    let mut instrument = Instrument::unknown(InstrumentId(id));
    instrument.symbol = Symbol::new(&format!("S{id}")).expect("short");
    instrument.flags.defined = true;
    instrument
}

/// As many as a venue has, few of them defined.
pub fn instruments() -> Instruments {
    let mut instruments = Instruments::new(65_536);
    for id in TRADED {
        instruments.set(instrument(id)).expect("inside");
    }
    instruments
}

pub fn software() -> SoftwareGate {
    SoftwareGate::new(GateKey::issue(), config(), &instruments()).expect("limits fit")
}

pub fn card() -> SoftCard {
    SoftCard::new(capacity())
}

/// A card of which something is different.
pub fn card_with(change: impl FnOnce(&mut SoftCard)) -> SoftCard {
    let mut card = card();
    change(&mut card);
    card
}

/// What a run does, from a seed.
#[derive(Clone, Debug)]
pub enum Act {
    Ask(OrderIntent),
    Tell(OrderUpdate),
    Restore(OrderIntent),
    Halt(InstrumentId, bool),
    Kill(KillScope, bool),
    Epoch(u32),
    Define(Instrument),
}

pub struct Traffic {
    pub rng: Rng,
    now_ns: u64,
    next_id: u32,
    epoch: u32,
}

impl Traffic {
    pub fn new(seed: u64) -> Traffic {
        println!("seed {seed}");
        Traffic { rng: Rng::new(seed), now_ns: 1_700_000_000_000_000_000, next_id: 0, epoch: 0 }
    }

    fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.rng.below(from.len() as u64) as usize]
    }

    pub fn symbol(&mut self) -> InstrumentId {
        match self.rng.below(60) {
            0 => InstrumentId(5),      // inside the venue's table, not defined
            1 => InstrumentId(70_000), // outside it
            2 => InstrumentId(u32::MAX),
            _ => InstrumentId(self.pick(&TRADED)),
        }
    }

    fn account(&mut self) -> AccountId {
        if self.rng.chance(1, 60) {
            AccountId(ACCOUNTS)
        } else {
            AccountId(self.rng.below(2) as u16)
        }
    }

    fn side(&mut self) -> Side {
        self.pick(&Side::BOTH)
    }

    fn price(&mut self) -> Price {
        match self.rng.below(40) {
            0 => Price(self.pick(&[-1, 0, 899, 900, 1_100, 1_101, 1 << 32, i64::MAX, i64::MIN])),
            _ => Price(980 + self.rng.below(40) as i64),
        }
    }

    fn qty(&mut self) -> Qty {
        match self.rng.below(30) {
            0 => Qty(self.pick(&[0, 5, 500, 510, u64::from(u32::MAX), 1 << 32, u64::MAX])),
            _ => Qty(10 * (1 + self.rng.below(12))),
        }
    }

    pub fn intent(&mut self) -> OrderIntent {
        self.now_ns += self.rng.below(20_000_000);
        self.next_id += 1;
        let kind = match self.rng.below(10) {
            0 | 1 => IntentKind::Cancel,
            2 => IntentKind::Replace,
            _ => IntentKind::New,
        };
        let mut intent = OrderIntent::new(self.symbol(), self.side(), self.price(), self.qty());
        intent.kind = kind;
        intent.account = self.account();
        intent.cl_ord_id = ClOrdId(self.next_id);
        intent.epoch = self.epoch.saturating_sub(self.rng.chance(1, 50).into());
        intent.now_ns = Nanos(self.now_ns.saturating_sub(self.rng.below(1_000)));
        intent
    }

    fn update(&mut self) -> OrderUpdate {
        let kind = self.pick(&[
            UpdateKind::Accepted,
            UpdateKind::Rejected,
            UpdateKind::Filled,
            UpdateKind::Filled,
            UpdateKind::Filled,
            UpdateKind::Canceled,
            UpdateKind::Replaced,
            UpdateKind::Broken,
            UpdateKind::RefusedByGate,
        ]);
        let releases = self.rng.chance(1, 3);
        OrderUpdate {
            kind,
            side: self.side(),
            maker: true,
            account: self.account(),
            instrument: self.symbol(),
            cl_ord_id: ClOrdId(self.next_id),
            orig: ClOrdId::NONE,
            order_ref: OrderRef(0),
            price: self.price(),
            leaves: Qty(0),
            fill_price: self.price(),
            fill_qty: self.qty(),
            released_qty: if releases { self.qty() } else { Qty(0) },
            released_price: self.price(),
            closed: self.rng.chance(1, 2),
            now_ns: Nanos(self.now_ns),
        }
    }

    fn scope(&mut self) -> KillScope {
        match self.rng.below(3) {
            0 => KillScope::Global,
            1 => KillScope::Account(self.account()),
            _ => KillScope::Symbol(self.symbol()),
        }
    }

    pub fn act(&mut self) -> Act {
        match self.rng.below(100) {
            0..70 => Act::Ask(self.intent()),
            70..86 => Act::Tell(self.update()),
            86..88 => Act::Restore(self.intent()),
            88..90 => Act::Halt(self.symbol(), self.rng.chance(1, 3)),
            // Kills latch by faults too: most acts release them.
            90..97 => Act::Kill(self.scope(), self.rng.chance(1, 6)),
            97 => {
                self.epoch += 1;
                Act::Epoch(self.epoch)
            }
            _ => {
                let id = self.symbol();
                let mut instrument = instrument(id.0 % 65_536);
                instrument.flags.defined = self.rng.chance(9, 10);
                instrument.previous_close = Price(950 + self.rng.below(100) as i64);
                Act::Define(instrument)
            }
        }
    }
}

/// Does `act`; answers come out by [`answers`].
pub fn perform<G: Gate>(gate: &mut G, act: &Act) {
    match act {
        Act::Ask(intent) => gate.submit(intent).expect("room"),
        Act::Tell(update) => gate.on_update(update),
        Act::Restore(intent) => gate.restore(intent),
        Act::Halt(symbol, halted) => gate.on_halt(*symbol, *halted),
        Act::Kill(scope, engaged) => gate.on_kill(*scope, *engaged),
        Act::Epoch(epoch) => gate.on_epoch(*epoch),
        Act::Define(instrument) => gate.on_definition(instrument),
    }
}

pub type Answer = (OrderIntent, Rejects);

/// Takes every verdict out.
pub fn answers<G: Gate>(gate: &mut G) -> Vec<Answer> {
    std::iter::from_fn(|| gate.poll())
        .map(|verdict| match verdict {
            Verdict::Pass(cleared) => (*cleared.get(), Rejects::NONE),
            Verdict::Reject(intent, rejects) => (intent, rejects),
        })
        .collect()
}
