//! `nofx fpga trace`: one order through a card, in words.

use std::fmt::Write as _;

use clap::{Args, ValueEnum};
use nofx_fpga::{Alone, FpgaGate, OpLine};
use nofx_gate::{Gate, Rejects, Verdict};
use nofx_risk::card::CardOp;
use nofx_types::{
    AccountId, ClOrdId, Instrument, InstrumentId, Instruments, Nanos, OrderIntent, Price, Qty,
    Side, Symbol,
};

use super::{CardArgs, leave_killed};
use crate::failure::Failure;
use crate::gate::{self, CardDevice};

/// Arguments of `nofx fpga trace`.
#[derive(Clone, Debug, Args)]
pub struct TraceArgs {
    /// Which card.
    #[command(flatten)]
    pub card: CardArgs,
    /// Side of the order.
    #[arg(long, value_enum, default_value_t = SideName::Buy)]
    pub side: SideName,
    /// Quantity.
    #[arg(long, default_value_t = 100, value_name = "N")]
    pub qty: u64,
    /// Limit price in 1/10,000 of the currency.
    #[arg(long, default_value_t = 100_000, allow_negative_numbers = true, value_name = "PRICE")]
    pub price: i64,
    /// The account.
    #[arg(long, default_value_t = 0, value_name = "N")]
    pub account: u16,
    /// Symbol whose limits hold ([risk.by_symbol.NAME]).
    #[arg(long, default_value = "TRACE", value_name = "NAME")]
    pub symbol: String,
    /// Send it so many times.
    #[arg(long, default_value_t = 1, value_name = "N")]
    pub times: u32,
}

/// Side of an order, on the command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum SideName {
    /// A bid.
    Buy,
    /// An offer.
    Sell,
}

/// Runs it.
///
/// # Errors
/// A card that cannot be opened or fails.
pub fn run(args: &TraceArgs) -> Result<String, Failure> {
    let config = args.card.config()?;
    let name = Symbol::new(&args.symbol)
        .ok_or_else(|| Failure::usage("--symbol: a symbol has one to eight characters"))?;
    let mut instrument = Instrument::unknown(InstrumentId(0));
    (instrument.symbol, instrument.flags.defined) = (name, true);
    let mut instruments = Instruments::new(1);
    instruments.set(instrument).map_err(Failure::usage)?;
    let mut card = gate::card::<Alone>(&config.gate, &config.risk, &instruments)?;
    let mut text = String::new();
    for id in 1..=args.times {
        let intent = intent(args, id);
        step(&mut card, &intent, config.risk.day_start_ns, &mut text);
    }
    leave_killed(&mut card)?;
    Ok(text)
}

fn intent(args: &TraceArgs, id: u32) -> OrderIntent {
    let side = match args.side {
        SideName::Buy => Side::Buy,
        SideName::Sell => Side::Sell,
    };
    let mut intent = OrderIntent::new(InstrumentId(0), side, Price(args.price), Qty(args.qty));
    intent.account = AccountId(args.account);
    intent.cl_ord_id = ClOrdId(id);
    // A millisecond apart, so that what is equal is not yet a duplicate.
    intent.now_ns = Nanos(1_000_000_000 + u64::from(id) * 1_000_000);
    intent
}

/// One order: its line, what the card says, what it then holds.
fn step(
    card: &mut FpgaGate<CardDevice, Alone>,
    intent: &OrderIntent,
    day_start_ns: u64,
    text: &mut String,
) {
    let OrderIntent { side, price, qty, account, cl_ord_id, .. } = intent;
    let op = CardOp::from_intent(intent);
    let line = OpLine::encode(&op, cl_ord_id.0, 0, day_start_ns);
    let _ = writeln!(
        text,
        "order {}: {side:?} {} at {}, account {}",
        cl_ord_id.0, qty.0, price.0, account.0
    );
    for (index, words) in line.words.chunks(4).enumerate() {
        let words: Vec<String> = words.iter().map(|word| format!("{word:016x}")).collect();
        let name = if index == 0 { "line" } else { "" };
        let _ = writeln!(text, "  {name:<9}{}", words.join(" "));
    }
    if card.submit(intent).is_err() {
        let _ = writeln!(text, "  the card takes no more");
        return;
    }
    let rejects = match card.poll() {
        None => return,
        Some(Verdict::Pass(_)) => Rejects::NONE,
        Some(Verdict::Reject(_, rejects)) => rejects,
    };
    let answer = match rejects.is_pass() {
        true => "passes".to_owned(),
        false => format!("refused by {rejects:?}"),
    };
    let _ = writeln!(text, "  verdict  {answer}");
    if let Some(holding) = card.exposure(intent.account, intent.instrument) {
        let _ = writeln!(
            text,
            "  holding  position {}, open {} to buy and {} to sell in {} orders",
            holding.position, holding.open_qty[0].0, holding.open_qty[1].0, holding.open_orders
        );
    }
    if let Some(stake) = card.account_exposure(intent.account) {
        let _ = writeln!(
            text,
            "  account  gross {}, open {:?}, {} messages today",
            stake.gross, stake.open_notional, stake.day_cnt
        );
    }
}
