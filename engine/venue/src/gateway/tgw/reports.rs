//! Reports as records: of an order as it came, with where it stands.

use nofx_types::{Nanos, Price, Qty};
use nofx_wire::num::{Be16, BeI32, BeI64};
use nofx_wire::text::padded;
use nofx_wire::tgw::codes::{exec, status};
use nofx_wire::tgw::{CancelOrder, CancelReject, Confirm, Execution, NewOrder, qty_out};

use super::Tgw;
use crate::gateway::Why;
use crate::gateway::ids::digits;
use crate::gateway::orders::Placed;

impl Tgw {
    fn exec_id(&mut self) -> [u8; 16] {
        self.executions += 1;
        digits(self.executions)
    }

    /// A confirmation of an order as it came; nothing filled, nothing open.
    pub(super) fn confirm(&mut self, now: Nanos, order: &NewOrder) -> Confirm {
        Confirm {
            partition_no: BeI32::new(0),
            report_index: BeI64::new(0),
            appl_id: order.appl_id,
            reporting_pbu: self.pbu,
            submitting_pbu: order.submitting_pbu,
            security_id: order.security_id,
            security_id_source: order.security_id_source,
            owner_type: order.owner_type,
            clearing_firm: order.clearing_firm,
            transact_time: BeI64::new(self.clock.timestamp(now)),
            user_info: order.user_info,
            order_id: [b' '; 16],
            cl_ord_id: order.cl_ord_id,
            quote_msg_id: [b' '; 10],
            orig_cl_ord_id: [b' '; 10],
            exec_id: self.exec_id(),
            exec_type: exec::NEW,
            ord_status: status::NEW,
            ord_rej_reason: Be16::new(0),
            leaves_qty: BeI64::new(0),
            cum_qty: BeI64::new(0),
            side: order.side,
            ord_type: order.ord_type,
            order_qty: order.order_qty,
            price: order.price,
            account_id: order.account_id,
            branch_id: order.branch_id,
            order_restrictions: order.order_restrictions,
            stop_px: order.stop_px,
            min_qty: order.min_qty,
            max_price_levels: order.max_price_levels,
            time_in_force: order.time_in_force,
            cash_margin: order.cash_margin,
        }
    }

    /// A cancel of `orig` that found nothing to cancel.
    pub(super) fn cancel_reject(
        &mut self,
        now: Nanos,
        cancel: &CancelOrder,
        orig: u64,
        why: Why,
    ) -> CancelReject {
        let placed = self.desk.orders.get(orig);
        let (order, ord_status) =
            placed.map_or((0, status::REJECTED), |placed| (placed.order.0, standing(placed)));
        CancelReject {
            partition_no: BeI32::new(0),
            report_index: BeI64::new(0),
            appl_id: cancel.appl_id,
            reporting_pbu: self.pbu,
            submitting_pbu: cancel.submitting_pbu,
            security_id: cancel.security_id,
            security_id_source: cancel.security_id_source,
            owner_type: cancel.owner_type,
            clearing_firm: cancel.clearing_firm,
            transact_time: BeI64::new(self.clock.timestamp(now)),
            user_info: cancel.user_info,
            cl_ord_id: cancel.cl_ord_id,
            orig_cl_ord_id: cancel.orig_cl_ord_id,
            side: cancel.side,
            ord_status,
            cxl_rej_reason: Be16::new(why.number()),
            reject_text: padded(why.name().as_bytes(), b' ').unwrap_or([b' '; 16]),
            order_id: if order == 0 { [b' '; 16] } else { digits(order) },
        }
    }

    /// A part of an order that traded.
    pub(super) fn execution(
        &mut self,
        now: Nanos,
        id: u64,
        qty: Qty,
        price: Price,
    ) -> Option<Execution> {
        let exec_id = self.exec_id();
        let placed = self.desk.orders.get(id)?;
        let form = placed.form;
        Some(Execution {
            partition_no: BeI32::new(0),
            report_index: BeI64::new(0),
            appl_id: form.appl_id,
            reporting_pbu: self.pbu,
            submitting_pbu: form.submitting_pbu,
            security_id: form.security_id,
            security_id_source: form.security_id_source,
            owner_type: form.owner_type,
            clearing_firm: form.clearing_firm,
            transact_time: BeI64::new(self.clock.timestamp(now)),
            user_info: form.user_info,
            order_id: digits(placed.order.0),
            cl_ord_id: form.cl_ord_id,
            quote_msg_id: [b' '; 10],
            exec_id,
            exec_type: exec::TRADE,
            ord_status: standing(placed),
            last_px: BeI64::new(price.0),
            last_qty: wire(qty),
            leaves_qty: wire(placed.leaves),
            cum_qty: wire(placed.filled),
            side: form.side,
            account_id: form.account_id,
            branch_id: form.branch_id,
            cash_margin: form.cash_margin,
        })
    }
}

fn standing(placed: &Placed<NewOrder>) -> u8 {
    match (placed.filled.0, placed.leaves.0) {
        (0, 0) => status::CANCELLED,
        (0, _) => status::NEW,
        (filled, 0) if filled < placed.total.0 => status::CANCELLED,
        (_, 0) => status::FILLED,
        _ => status::PARTIAL,
    }
}

/// A quantity of the engine on the wire.
pub(super) fn wire(qty: Qty) -> BeI64 {
    qty_out(qty).unwrap_or(BeI64::new(i64::MAX))
}
