//! `nofx fpga selftest`: seeded operations through a card, every verdict compared with the software.

use std::time::Instant;

use clap::Args;
use nofx_fpga::Beside;
use nofx_gate::{Gate, Verdict};
use nofx_rt::rng::Rng;
use nofx_types::{
    AccountId, ClOrdId, Instrument, InstrumentId, Instruments, IntentKind, Nanos, OrderIntent,
    OrderRef, OrderUpdate, Price, Qty, Side, UpdateKind,
};
use serde_json::json;

use super::{CardArgs, leave_killed};
use crate::failure::Failure;
use crate::{gate, progress};

/// Symbols that are traded: few, so that operations meet in the pipe.
const SYMBOLS: u32 = 8;
/// Operations between two looks at the bar.
const STRETCH: u64 = 1_000;

/// Arguments of `nofx fpga selftest`.
#[derive(Clone, Debug, Args)]
pub struct SelftestArgs {
    /// Which card.
    #[command(flatten)]
    pub card: CardArgs,
    /// Intents to send.
    #[arg(long, default_value_t = 100_000, value_name = "N")]
    pub ops: u64,
    /// Seed of everything random.
    #[arg(long, default_value_t = 1, value_name = "N")]
    pub seed: u64,
    /// No progress bar.
    #[arg(long, short)]
    pub quiet: bool,
}

/// Runs it.
///
/// # Errors
/// A card that cannot be opened, fails, or answers otherwise than the software.
pub fn run(args: &SelftestArgs) -> Result<String, Failure> {
    let config = args.card.config()?;
    let mut instruments = Instruments::new(SYMBOLS);
    for id in (0..SYMBOLS).map(InstrumentId) {
        let _ = instruments.set(named(id)); // there is room
    }
    let mut card = gate::card::<Beside>(&config.gate, &config.risk, &instruments)?;
    let mut stimulus = Stimulus::new(args.seed, config.risk.accounts);
    let bar = progress::steps(args.ops, args.quiet, "intents");
    let begun = Instant::now();
    let (mut passed, mut done) = (0u64, 0u64);
    while done < args.ops && card.failure().is_none() {
        for _ in 0..STRETCH.min(args.ops - done) {
            passed += u64::from(stimulus.step(&mut card));
            done += 1;
        }
        bar.set_position(done);
    }
    bar.finish_and_clear();
    let seconds = begun.elapsed().as_secs_f64();
    let (compared, difference) = (card.compared(), card.dump());
    if let Some(dump) = difference {
        return Err(Failure::wrong(format!("seed {}: {dump}", args.seed)));
    }
    leave_killed(&mut card)?;
    let rate = done as f64 / seconds.max(1e-9);
    Ok(match args.card.json {
        true => format!(
            "{}\n",
            json!({ "seed": args.seed, "intents": done, "passed": passed, "compared": compared,
                    "differences": 0, "intents_per_s": rate })
        ),
        false => format!(
            "seed {}: {done} intents, {passed} passed, {compared} verdicts equal the software's, none \
             differs; {rate:.0} intents a second; left killed\n",
            args.seed
        ),
    })
}

fn named(id: InstrumentId) -> Instrument {
    let mut instrument = Instrument::unknown(id);
    instrument.symbol =
        nofx_types::Symbol::new(&format!("T{}", id.0)).unwrap_or(nofx_types::Symbol::NONE);
    instrument.flags.defined = true;
    instrument
}

/// Orders, cancels and what becomes of them.
struct Stimulus {
    rng: Rng,
    accounts: u16,
    next: u32,
    now: u64,
    /// An order that passed and is open.
    open: Vec<OrderIntent>,
}

impl Stimulus {
    fn new(seed: u64, accounts: u16) -> Stimulus {
        Stimulus {
            rng: Rng::new(seed),
            accounts: accounts.max(1),
            next: 1,
            now: 1_700_000_000_000_000_000,
            open: Vec::new(),
        }
    }

    /// One intent with its answer, and now and then a report; whether it passed.
    fn step(&mut self, gate: &mut impl Gate) -> bool {
        self.now += self.rng.below(200_000);
        let intent = self.intent();
        if gate.submit(&intent).is_err() {
            return false;
        }
        let mut passed = false;
        while let Some(verdict) = gate.poll() {
            if let Verdict::Pass(cleared) = verdict {
                passed = true;
                if cleared.get().kind != IntentKind::Cancel {
                    self.open.push(*cleared.get());
                }
            }
        }
        if self.open.len() > 20 || self.rng.below(3) == 0 {
            self.report(gate);
        }
        passed
    }

    fn intent(&mut self) -> OrderIntent {
        let symbol = InstrumentId(self.rng.below(u64::from(SYMBOLS)) as u32);
        let side = if self.rng.below(2) == 0 { Side::Buy } else { Side::Sell };
        let price = Price(99_000 + self.rng.below(2_000) as i64);
        // Now and then one that no limit lets through.
        let qty = Qty(match self.rng.below(50) {
            0 => u64::from(u32::MAX),
            1 => 0,
            _ => 1 + self.rng.below(300),
        });
        let mut intent = OrderIntent::new(symbol, side, price, qty);
        if self.rng.below(10) == 0 {
            intent.kind = IntentKind::Cancel;
        }
        intent.account = AccountId(self.rng.below(u64::from(self.accounts)) as u16);
        intent.cl_ord_id = ClOrdId(self.next);
        intent.now_ns = Nanos(self.now);
        self.next = self.next.wrapping_add(1).max(1);
        intent
    }

    /// An open order fills in full, or is cancelled.
    fn report(&mut self, gate: &mut impl Gate) {
        if self.open.is_empty() {
            return;
        }
        let order = self.open.swap_remove(self.rng.below(self.open.len() as u64) as usize);
        let mut update = OrderUpdate {
            kind: UpdateKind::Canceled,
            side: order.side,
            maker: false,
            account: order.account,
            instrument: order.instrument,
            cl_ord_id: order.cl_ord_id,
            orig: ClOrdId::NONE,
            order_ref: OrderRef(0),
            price: order.price,
            leaves: Qty(0),
            fill_price: Price(0),
            fill_qty: Qty(0),
            released_qty: Qty(0),
            released_price: Price(0),
            closed: true,
            now_ns: order.now_ns,
        };
        if self.rng.below(2) == 0 {
            update.kind = UpdateKind::Filled;
            (update.fill_price, update.fill_qty) = (order.price, order.qty);
        } else {
            (update.released_price, update.released_qty) = (order.price, order.qty);
        }
        gate.on_update(&update);
    }
}
