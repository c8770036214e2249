//! What reaches the gate beside the stream, at any cycle of the traffic.

use nofx_fpga::regs::{kind, reg, sticky};
use nofx_risk::card::{CardOp, KillScope};
use nofx_rt::rng::Rng;
use nofx_types::{AccountId, InstrumentId};

use super::bench::{Bench, Failure};
use super::traffic::{Mix, Rows, Traffic, Values, encode, pick};
use super::{feed, open, pattern};
use crate::gate::Pattern;

const ACCOUNTS: u16 = 5;
const SYMBOLS: u32 = 9;

fn traffic(rng: &mut Rng, kills: bool) -> Traffic {
    let rows = Rows::hot(ACCOUNTS, SYMBOLS, rng);
    Traffic::new(rng.next(), Mix { values: Values::Plain, wild: 0, kills, rows })
}

fn begin(bench: &mut Bench, traffic: &mut Traffic) -> Result<(), Failure> {
    open(bench, ACCOUNTS.into(), SYMBOLS)?;
    for line in traffic.opening() {
        bench.send(&line);
    }
    bench.drain()
}

/// Kills, cleared errors, commits and scrubs by register.
pub(super) fn commands(bench: &mut Bench, rng: &mut Rng) -> Result<(), Failure> {
    let mut traffic = traffic(rng, true);
    begin(bench, &mut traffic)?;
    for _ in 0..100 {
        bench.set_pattern(pattern(rng))?;
        feed(bench, &mut traffic, 1 + rng.below(120))?;
        match rng.below(8) {
            0..2 => {
                bench.kill();
            }
            2..7 => {
                let line = if rng.chance(1, 2) {
                    traffic.set_symbol(InstrumentId(rng.below(SYMBOLS.into()) as u32))
                } else {
                    traffic.set_account(AccountId(rng.below(ACCOUNTS.into()) as u16))
                };
                let line = match rng.below(6) {
                    0 => encode(&CardOp::Halt { symbol: line.symbol(), halted: rng.chance(1, 2) }),
                    _ => line,
                };
                bench.commit(&line)?;
            }
            _ => {
                let seq = bench.seq().wrapping_add(2);
                bench.send_numbered(&traffic.draw(), seq);
                feed(bench, &mut traffic, 1 + rng.below(40))?;
                bench.settle_bus()?;
                bench.clear(sticky::SEQUENCE);
            }
        }
        feed(bench, &mut traffic, 1 + rng.below(120))?;
    }
    // A scrub in the midst of traffic: what was accepted before is answered, what comes after meets
    // empty tables, a kill, and a sequence that begins anew.
    bench.scrub(ACCOUNTS.into(), SYMBOLS)?;
    feed(bench, &mut traffic, 400)?;
    bench.drain()?;
    bench.compare_state()?;
    refuse_illegal_sizes(bench, rng)
}

/// Sizes that do not fit: every row is out of range, whatever is asked.
fn refuse_illegal_sizes(bench: &mut Bench, rng: &mut Rng) -> Result<(), Failure> {
    if !rng.chance(1, 4) {
        return Ok(());
    }
    let (accounts, symbols) =
        pick(rng, &[(0, 5), (5, 0), (257, 1), (1, 8_193), (256, 33), (65_536, 65_536)]);
    open(bench, accounts, symbols)?;
    let mut traffic = traffic(rng, false);
    bench.send(&encode(&CardOp::Kill { scope: KillScope::Global, engaged: false }));
    feed(bench, &mut traffic, 100)?;
    bench.drain()?;
    let status = bench.read(reg::STATUS)?;
    if status & 0b1_0010 != 0b0_0010 || !bench.gate.killed() {
        return Err(bench.failure(format!("status {status:#x} under sizes that are not legal")));
    }
    Ok(())
}

/// Resets with operations in every stage.
pub(super) fn resets(bench: &mut Bench, rng: &mut Rng) -> Result<(), Failure> {
    if rng.chance(1, 4) {
        last_row(bench, rng)?;
    }
    let mut traffic = traffic(rng, true);
    begin(bench, &mut traffic)?;
    bench.set_pattern(pattern(rng))?;
    feed(bench, &mut traffic, 100 + rng.below(200))?;
    bench.reset(1 + rng.below(4))?;
    // What a write in flight left behind is seen by snapshots of every row that was in use.
    if rng.chance(1, 2) {
        begin(bench, &mut traffic)?;
        feed(bench, &mut traffic, 60)?;
        return bench.compare_state();
    }
    bench.gate.pattern = Pattern::ALWAYS;
    for _ in 0..64 {
        bench.send(&traffic.draw());
    }
    bench.compare_rows(1, 64)
}

/// A scrub reaches the last row of every table.
fn last_row(bench: &mut Bench, rng: &mut Rng) -> Result<(), Failure> {
    let (accounts, symbols) = pick(rng, &[(1, 8_192), (256, 32)]);
    let (account, symbol) = (accounts - 1, symbols - 1);
    let rows = Rows { accounts, symbols, hot: Some(([account; 3], [symbol; 3])) };
    let mut traffic =
        Traffic::new(rng.next(), Mix { values: Values::Plain, wild: 0, kills: true, rows });
    open(bench, accounts.into(), symbols)?;
    for line in traffic.opening() {
        bench.send(&line);
    }
    bench.send(&traffic.order(kind::RESTORE));
    bench.send(&encode(&CardOp::Halt { symbol: InstrumentId(symbol), halted: true }));
    bench.drain()?;
    open(bench, accounts.into(), symbols)?;
    bench.compare_row(account.into(), symbol)
}

/// Silence, a stalled output, rows with wrong bits: each latches its error and nothing passes.
pub(super) fn watch(bench: &mut Bench, rng: &mut Rng) -> Result<(), Failure> {
    let mut traffic = traffic(rng, false);
    begin(bench, &mut traffic)?;
    bench.gate.pattern = Pattern::ALWAYS;
    match rng.below(3) {
        0 => silence(bench, &mut traffic, rng)?,
        1 => stall(bench, &mut traffic, rng)?,
        _ => wrong_bits(bench, &mut traffic, rng)?,
    }
    bench.may_latch = 0;
    bench.drain()
}

fn silence(bench: &mut Bench, traffic: &mut Traffic, rng: &mut Rng) -> Result<(), Failure> {
    let limit = 100 + rng.below(200);
    bench.write(reg::HEARTBEAT, 1)?;
    bench.write(reg::HEARTBEAT_CYCLES, limit as u32)?;
    // A register keeps it alive, and so does traffic.
    for _ in 0..4 {
        bench.pump(limit / 2)?;
        bench.write(reg::HEARTBEAT, 1)?;
    }
    feed(bench, traffic, 200)?;
    bench.drain()?;
    expect_sticky(bench, 0)?;
    bench.pump(limit + 8)?;
    expect_sticky(bench, sticky::HEARTBEAT)?;
    bench.may_latch = sticky::HEARTBEAT;
    feed(bench, traffic, 100)?;
    bench.drain()?;
    bench.write(reg::HEARTBEAT_CYCLES, 0)?;
    bench.pump(4)?;
    bench.clear(sticky::HEARTBEAT);
    bench.settle_bus()?;
    bench.pump(4)?;
    expect_sticky(bench, 0)?;
    feed(bench, traffic, 100)
}

fn stall(bench: &mut Bench, traffic: &mut Traffic, rng: &mut Rng) -> Result<(), Failure> {
    let limit = 60 + rng.below(200);
    bench.write(reg::STALL_CYCLES, limit as u32)?;
    feed(bench, traffic, 200)?;
    bench.drain()?;
    expect_sticky(bench, 0)?;
    bench.may_latch = sticky::STALL;
    bench.gate.pattern = Pattern { offer: 256, take: 0 };
    feed(bench, traffic, limit + 100)?;
    expect_sticky(bench, sticky::STALL)?;
    bench.gate.pattern = Pattern::ALWAYS;
    feed(bench, traffic, 100)?;
    bench.drain()?;
    bench.write(reg::STALL_CYCLES, 0)?;
    bench.clear(sticky::STALL);
    bench.settle_bus()?;
    bench.pump(4)?;
    expect_sticky(bench, 0)?;
    feed(bench, traffic, 100)
}

/// The rows may be wrong from here on: what is checked is that the error shows and that no order
/// passes until the tables are written anew.
fn wrong_bits(bench: &mut Bench, traffic: &mut Traffic, rng: &mut Rng) -> Result<(), Failure> {
    if bench.read(reg::CAPS)? & 1 == 0 {
        return Ok(());
    }
    feed(bench, traffic, rng.below(100))?;
    bench.drain()?;
    bench.flip();
    bench.settle_bus()?;
    bench.pump(16)?;
    let mut orders = vec![traffic.order(kind::NEW)];
    orders.extend((0..40).map(|_| traffic.draw()));
    bench.expect_closed(&orders, sticky::PARITY)?;
    open(bench, ACCOUNTS.into(), SYMBOLS)
}

fn expect_sticky(bench: &mut Bench, want: u16) -> Result<(), Failure> {
    let got = bench.read(reg::STICKY)?;
    if got != u32::from(want) {
        return Err(bench.failure(format!("sticky is {got:#x}, not {want:#x}")));
    }
    Ok(())
}
