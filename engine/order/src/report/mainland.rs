//! Shenzhen's and Shanghai's gateways: confirmations, trades, refusals.

use nofx_types::{Price, Qty};
use nofx_wire::{tdgw, tgw};

use super::{Named, NoReport, Placed, Report, Trade, is_blank, order_of, tag};
use crate::cancels::Cancels;

/// What a confirmation says, whichever gateway says it.
struct Confirm<'a> {
    exec_type: u8,
    own: &'a [u8],
    orig: &'a [u8],
    order_id: &'a [u8],
    price: Option<Price>,
    qty: Option<Qty>,
    reason: u32,
}

fn shares(qty: Option<Qty>) -> Result<u32, NoReport> {
    qty.and_then(|qty| u32::try_from(qty.0).ok()).ok_or(NoReport::Malformed)
}

fn price(price: Option<Price>) -> Result<u64, NoReport> {
    price.and_then(|price| u64::try_from(price.0).ok()).ok_or(NoReport::Malformed)
}

fn reason(reason: u32) -> u16 {
    u16::try_from(reason).unwrap_or(u16::MAX)
}

fn named(field: &[u8], cancels: &Cancels) -> Result<Named, NoReport> {
    Named::of(field, cancels).ok_or(NoReport::ForeignToken)
}

/// A request was refused: an order, or a cancel.
fn refused(own: &[u8], why: u32, cancels: &Cancels) -> Result<Report, NoReport> {
    Ok(match named(own, cancels)? {
        Named::Order(id) => Report::Rejected { id, reason: reason(why) },
        Named::Cancel(id) => Report::CancelRejected { id },
    })
}

fn confirm(m: &Confirm<'_>, cancels: &Cancels) -> Result<Report, NoReport> {
    use tgw::codes::exec;
    Ok(match m.exec_type {
        exec::NEW => Report::Accepted(Placed {
            id: named(m.own, cancels)?.order(),
            order_ref: tag(m.order_id),
            price: price(m.price)?,
            qty: shares(m.qty)?,
            dead: false,
        }),
        exec::CANCELLED => {
            Report::Gone { id: order_of(m.orig, m.own, cancels)?, asked: !is_blank(m.orig) }
        }
        exec::REJECT => return refused(m.own, m.reason, cancels),
        _ => return Err(NoReport::Malformed),
    })
}

fn executed(
    own: &[u8],
    exec_id: &[u8],
    last_price: Option<Price>,
    last_qty: Option<Qty>,
    cancels: &Cancels,
) -> Result<Report, NoReport> {
    Ok(Report::Executed(Trade {
        id: named(own, cancels)?.order(),
        qty: shares(last_qty)?,
        price: price(last_price)?,
        maker: false, // neither gateway says who waited for whom
        match_number: tag(exec_id),
    }))
}

/// What a report of Shenzhen's gateway says; one of the session is a note.
pub(crate) fn from_tgw(message: &tgw::Message<'_>, cancels: &Cancels) -> Result<Report, NoReport> {
    use tgw::Message::*;
    match message {
        Execution(m) => executed(
            &m.cl_ord_id,
            &m.exec_id,
            Some(tgw::price_of(m.last_px)),
            tgw::shares_of(m.last_qty),
            cancels,
        ),
        Confirm(m) => confirm(
            &self::Confirm {
                exec_type: m.exec_type,
                own: &m.cl_ord_id,
                orig: &m.orig_cl_ord_id,
                order_id: &m.order_id,
                price: Some(tgw::price_of(m.price)),
                qty: tgw::shares_of(m.order_qty),
                reason: m.ord_rej_reason.get().into(),
            },
            cancels,
        ),
        CancelReject(m) => {
            let id = order_of(&m.orig_cl_ord_id, &m.cl_ord_id, cancels)?;
            Ok(Report::CancelRejected { id })
        }
        BusinessReject(m) => refused(&m.reject_ref_id, m.reason.get().into(), cancels),
        _ => Ok(Report::Note),
    }
}

/// What a report of Shanghai's gateway says; one of the session is a note.
pub(crate) fn from_tdgw(
    message: &tdgw::Message<'_>,
    scale: tdgw::Scale,
    cancels: &Cancels,
) -> Result<Report, NoReport> {
    use tdgw::Message::*;
    match message {
        Execution(m) => executed(
            &m.cl_ord_id,
            &m.trd_cnfm_id,
            scale.price_in(m.last_px),
            scale.qty_in(m.last_qty),
            cancels,
        ),
        Confirm(m) => confirm(
            &self::Confirm {
                exec_type: m.exec_type,
                own: &m.cl_ord_id,
                orig: &m.orig_cl_ord_id,
                order_id: &m.ord_cnfm_id,
                price: scale.price_in(m.price),
                qty: scale.qty_in(m.order_qty),
                reason: m.ord_rej_reason.get(),
            },
            cancels,
        ),
        CancelReject(m) => {
            let id = order_of(&m.orig_cl_ord_id, &m.cl_ord_id, cancels)?;
            Ok(Report::CancelRejected { id })
        }
        OrderReject(m) => refused(&m.cl_ord_id, m.ord_rej_reason.get(), cancels),
        _ => Ok(Report::Note),
    }
}
