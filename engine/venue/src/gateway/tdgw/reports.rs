//! Reports as records: of an order as it came, with where it stands.

use nofx_types::{Nanos, Price, Qty};
use nofx_wire::num::{Be32, Be64, BeI64};
use nofx_wire::tdgw::codes::{exec, status};
use nofx_wire::tdgw::{CancelOrder, CancelReject, Confirm, Execution, NewOrder};

use super::Tdgw;
use crate::gateway::Why;
use crate::gateway::ids::digits;

impl Tdgw {
    /// A confirmation of an order as it came; nothing filled, nothing open.
    pub(super) fn confirm(&mut self, now: Nanos, order: &NewOrder) -> Confirm {
        Confirm {
            pbu: self.pbu,
            set_id: Be32::new(0),
            report_index: Be64::new(0),
            biz_id: order.biz_id,
            exec_type: exec::NEW,
            biz_pbu: order.biz_pbu,
            cl_ord_id: order.cl_ord_id,
            security_id: order.security_id,
            account: order.account,
            owner_type: order.owner_type,
            side: order.side,
            price: order.price,
            order_qty: order.order_qty,
            leaves_qty: BeI64::new(0),
            cxl_qty: BeI64::new(0),
            ord_type: order.ord_type,
            time_in_force: order.time_in_force,
            ord_status: status::NEW,
            credit_tag: order.credit_tag,
            orig_cl_ord_id: [b' '; 10],
            clearing_firm: order.clearing_firm,
            branch_id: order.branch_id,
            ord_rej_reason: Be32::new(0),
            ord_cnfm_id: [b' '; 16],
            orig_ord_cnfm_id: [b' '; 16],
            trade_date: Be32::new(self.clock.date(now)),
            transact_time: self.times.write(&mut self.clock, now),
            user_info: order.user_info,
        }
    }

    /// A cancel that found nothing to cancel.
    pub(super) fn cancel_reject(
        &mut self,
        now: Nanos,
        cancel: &CancelOrder,
        why: Why,
    ) -> CancelReject {
        CancelReject {
            pbu: self.pbu,
            set_id: Be32::new(0),
            report_index: Be64::new(0),
            biz_id: cancel.biz_id,
            biz_pbu: cancel.biz_pbu,
            cl_ord_id: cancel.cl_ord_id,
            security_id: cancel.security_id,
            orig_cl_ord_id: cancel.orig_cl_ord_id,
            branch_id: cancel.branch_id,
            cxl_rej_reason: Be32::new(u32::from(why.number())),
            trade_date: Be32::new(self.clock.date(now)),
            transact_time: self.times.write(&mut self.clock, now),
            user_info: cancel.user_info,
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
        self.executions += 1;
        let placed = self.desk.orders.get(id)?;
        let form = placed.form;
        let amount = Price(price.0.saturating_mul(i64::try_from(qty.0).unwrap_or(i64::MAX)));
        let done = placed.leaves.0 == 0;
        Some(Execution {
            pbu: self.pbu,
            set_id: Be32::new(0),
            report_index: Be64::new(0),
            biz_id: form.biz_id,
            exec_type: exec::TRADE,
            biz_pbu: form.biz_pbu,
            cl_ord_id: form.cl_ord_id,
            security_id: form.security_id,
            account: form.account,
            owner_type: form.owner_type,
            order_entry_time: form.transact_time,
            last_px: self.scale.price_out(price).unwrap_or(BeI64::new(0)),
            last_qty: self.wire(qty),
            gross_trade_amt: self.scale.price_out(amount).unwrap_or(BeI64::new(0)),
            side: form.side,
            order_qty: form.order_qty,
            leaves_qty: self.wire(placed.leaves),
            ord_status: if done { status::FILLED } else { status::PARTIAL },
            credit_tag: form.credit_tag,
            clearing_firm: form.clearing_firm,
            branch_id: form.branch_id,
            trd_cnfm_id: digits(self.executions),
            ord_cnfm_id: digits(placed.order.0),
            trade_date: Be32::new(self.clock.date(now)),
            transact_time: self.times.write(&mut self.clock, now),
            user_info: form.user_info,
        })
    }

    /// A quantity of the engine on the wire.
    pub(super) fn wire(&self, qty: Qty) -> BeI64 {
        self.scale.qty_out(qty).unwrap_or(BeI64::new(i64::MAX))
    }
}
