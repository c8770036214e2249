//! Bringing a card up: from whatever state it is in to one that judges.
//!
//! Model: identity first, so that nothing is written to what is no gate. Then sizes and a scrub, which
//! leaves the card empty, killed and with `reset` latched; the latch is cleared (the host knows), the
//! limits of the accounts are sent, and last of all the kill is released by an explicit operation.
//!
//! Worst case: `ready_max` reads of the status.

use nofx_risk::CardConfig;

use crate::device::{Device, DeviceError};
use crate::failure::OpenError;
use crate::info::{CONTROL_SCRUB, CardInfo, STATUS_LEGAL, STATUS_READY};
use crate::line::Sticky;
use crate::options::FpgaOptions;
use crate::regs::reg;

/// Least credits: an operation and the configuration it may need before it.
const CREDITS_MIN: u32 = 4;
/// Most credits that are believed.
const CREDITS_MAX: u32 = 1 << 16;

/// What a run uses of a card.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fit {
    pub info: CardInfo,
    pub accounts: u16,
    pub symbols: u32,
}

/// Checks that the card is ours and how much of it a run with `instruments` uses.
pub(crate) fn fit<D: Device>(
    device: &mut D,
    config: &CardConfig,
    options: &FpgaOptions,
    instruments: u32,
) -> Result<Fit, OpenError> {
    config.check().map_err(OpenError::Config)?;
    let info = CardInfo::read(device)?;
    info.check(options.build)?;
    let (accounts, card) = (config.accounts, info.capacity);
    let rows = card.holdings.checked_div(accounts.into()).unwrap_or(0);
    let symbols = instruments.max(1).min(card.symbols).min(rows);
    if !card.holds(accounts.into(), symbols) {
        return Err(OpenError::Accounts { accounts, most: card.accounts, rows: card.holdings });
    }
    let credits = info.credits;
    if !(CREDITS_MIN..=CREDITS_MAX).contains(&credits) {
        return Err(OpenError::Credits { credits, least: CREDITS_MIN });
    }
    Ok(Fit { info, accounts, symbols })
}

/// Empties the card: tables cleared, killed, no error latched, no verdict left over.
pub(crate) fn scrub<D: Device>(
    device: &mut D,
    fit: &Fit,
    options: &FpgaOptions,
) -> Result<(), OpenError> {
    for (at, value) in [
        (reg::HEARTBEAT_CYCLES, 0),
        (reg::STALL_CYCLES, 0),
        (reg::ACCOUNTS, fit.accounts.into()),
        (reg::SYMBOLS, fit.symbols),
        (reg::CONTROL, CONTROL_SCRUB),
    ] {
        device.write(at, value)?;
    }
    let ready = STATUS_READY | STATUS_LEGAL;
    let status = wait_for(device, ready, options.ready_max)?;
    if status & ready != ready {
        return Err(OpenError::NotReady { reads: options.ready_max, status });
    }
    // Verdicts of whoever used the card before.
    for _ in 0..2 * fit.info.credits {
        if device.take().is_none() {
            break;
        }
    }
    device.write(reg::STICKY, u32::MAX)?;
    match Sticky(device.read(reg::STICKY)? as u16) {
        Sticky::NONE => Ok(()),
        latched => Err(OpenError::Latched(latched)),
    }
}

/// Lets the card watch its host.
pub(crate) fn watch<D: Device>(device: &mut D, options: &FpgaOptions) -> Result<(), DeviceError> {
    device.write(reg::HEARTBEAT, 1)?;
    device.write(reg::HEARTBEAT_CYCLES, options.heartbeat_cycles)?;
    device.write(reg::STALL_CYCLES, options.stall_cycles)
}

/// The status as soon as it has all `bits`, or as it is at the end of the reads.
fn wait_for<D: Device>(device: &mut D, bits: u32, reads: u32) -> Result<u32, DeviceError> {
    let mut status = 0;
    for _ in 0..reads.max(1) {
        status = device.read(reg::STATUS)?;
        if status & bits == bits {
            break;
        }
    }
    Ok(status)
}
