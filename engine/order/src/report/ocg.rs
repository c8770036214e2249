//! OCG-C: execution reports by execution type.

use nofx_wire::ocg::codes::{business, exec, status};
use nofx_wire::ocg::{ExecutionReport, Text, price_in, qty_in};

use super::{Named, NoReport, Placed, Report, Trade, is_blank, order_of, tag};
use crate::cancels::Cancels;
use crate::machine::Machine;

/// The reason under which the venue's throttle refuses: a business reject has codes of its own.
pub(crate) const THROTTLED: u16 = u16::MAX;

type Id<'a> = Option<Text<'a, 21>>;

fn bytes<'a, const N: usize>(field: Option<Text<'a, N>>) -> &'a [u8] {
    field.map_or(&[], |text| text.0)
}

fn shares(qty: Option<u64>) -> Result<u32, NoReport> {
    let qty = qty.and_then(qty_in).ok_or(NoReport::Malformed)?;
    u32::try_from(qty.0).map_err(|_| NoReport::Malformed)
}

fn price(price: Option<u64>) -> Result<u64, NoReport> {
    let price = price.and_then(price_in).ok_or(NoReport::Malformed)?;
    u64::try_from(price.0).map_err(|_| NoReport::Malformed)
}

/// How an order stands; what the report leaves out is as we asked.
fn placed(m: &ExecutionReport<'_>, id: u32, machine: &Machine) -> Result<Placed, NoReport> {
    let order = machine.orders.get(id);
    let asked_price = order.and_then(|order| u64::try_from(order.price.0).ok()).unwrap_or(0);
    let asked_qty = order.map_or(0, |order| order.leaves.saturating_add(order.executed));
    Ok(Placed {
        id,
        order_ref: tag(bytes(m.order_id)),
        price: if m.price.is_some() { price(m.price)? } else { asked_price },
        qty: if m.quantity.is_some() { shares(m.quantity)? } else { asked_qty },
        dead: matches!(m.order_status, Some(status::CANCELLED | status::EXPIRED)),
    })
}

/// What an execution report says.
pub(crate) fn from_ocg(
    m: &ExecutionReport<'_>,
    cancels: &Cancels,
    machine: &Machine,
) -> Result<Report, NoReport> {
    let (own, orig) = (bytes(m.client_order_id), bytes(m.original_client_order_id));
    let named = |field| Named::of(field, cancels).map(Named::order).ok_or(NoReport::ForeignToken);
    let pending = matches!(
        m.order_status,
        Some(status::PENDING_NEW | status::PENDING_AMEND | status::PENDING_CANCEL)
    );
    Ok(match m.exec_type.ok_or(NoReport::Malformed)? {
        exec::NEW if pending => Report::Note,
        exec::NEW => Report::Accepted(placed(m, named(own)?, machine)?),
        exec::AMEND => {
            Report::Replaced { orig: named(orig)?, placed: placed(m, named(own)?, machine)? }
        }
        exec::CANCEL | exec::EXPIRE => {
            Report::Gone { id: order_of(orig, own, cancels)?, asked: !is_blank(orig) }
        }
        exec::TRADE => Report::Executed(Trade {
            id: named(own)?,
            qty: shares(m.execution_quantity)?,
            price: price(m.execution_price)?,
            maker: m.aggressor == Some(0),
            match_number: tag(bytes(m.execution_id)),
        }),
        exec::TRADE_CANCEL => {
            Report::Broken { id: named(own)?, match_number: tag(bytes(m.reference_execution_id)) }
        }
        exec::REJECT => {
            Report::Rejected { id: named(own)?, reason: m.order_reject_code.unwrap_or(0) }
        }
        exec::AMEND_REJECT => {
            Report::Rejected { id: named(own)?, reason: m.amend_reject_code.unwrap_or(0) }
        }
        exec::CANCEL_REJECT => Report::CancelRejected { id: order_of(orig, own, cancels)? },
        _ => Report::Note,
    })
}

/// A message of ours that the session (`code` from a reject) or the application refused: the one with
/// this client order id, or else the one that the link remembers under the number.
pub(crate) fn from_ocg_reject(
    id: Id<'_>,
    remembered: Option<u32>,
    throttled: bool,
    code: u16,
    cancels: &Cancels,
) -> Result<Report, NoReport> {
    let by_number = || {
        let id = remembered.filter(|id| *id > 0)?;
        match Cancels::is_cancel(id) {
            true => cancels.order_of(id).map(Named::Cancel),
            false => Some(Named::Order(id)),
        }
    };
    let named = Named::of(bytes(id), cancels).or_else(by_number);
    Ok(match named {
        // What was refused was of the session itself.
        None if is_blank(bytes(id)) => Report::Note,
        None => return Err(NoReport::ForeignToken),
        Some(Named::Cancel(id)) => Report::CancelRejected { id },
        Some(Named::Order(id)) => {
            Report::Rejected { id, reason: if throttled { THROTTLED } else { code } }
        }
    })
}

/// Whether a business reject is that of the throttle.
pub(crate) fn is_throttle(code: u16) -> bool {
    code == business::THROTTLE
}
