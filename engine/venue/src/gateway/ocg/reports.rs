//! Execution reports: what the board says, in the words of the order as it came.

use nofx_types::Nanos;
use nofx_wire::ocg::codes::{cancel_reject, exec, order_reject, restated, status};
use nofx_wire::ocg::{ExecutionReport, MassCancelReport, Text, Var, price_out, qty_out};
use nofx_wire::text::padded;

use super::Ocg;
use super::requests::{Form, Party, Request};
use crate::gateway::orders::Placed;
use crate::gateway::{Ended, Label, Tell, Why};

/// What a report names: ids, and of a trade its match and (taken back) the report that told it.
#[derive(Clone, Copy)]
pub(super) struct Names {
    pub text: Label,
    pub orig: Option<Label>,
    pub order: u64,
    pub trade: Option<u64>,
    pub reference: Option<u64>,
}

impl Names {
    pub const fn of(text: Label, orig: Option<Label>) -> Names {
        Names { text, orig, order: 0, trade: None, reference: None }
    }
}

impl Ocg {
    /// A new order that never came in.
    pub(super) fn reject_new(&mut self, now: Nanos, text: Label, form: &Form, why: Why) {
        self.report(now, &form.party, exec::REJECT, Names::of(text, None), |report| {
            ExecutionReport {
                order_status: Some(status::REJECTED),
                order_reject_code: Some(order_code(why)),
                reason: Some(Var(why.name().as_bytes())),
                ..report
            }
        });
    }

    /// An amend or a cancel that takes no effect.
    pub(super) fn reject_request(
        &mut self,
        now: Nanos,
        party: &Party,
        exec_type: u8,
        names: Names,
        why: Why,
    ) {
        let code = Some(request_code(why));
        self.report(now, party, exec_type, names, |report| {
            let report = ExecutionReport { reason: Some(Var(why.name().as_bytes())), ..report };
            match exec_type {
                exec::AMEND_REJECT => ExecutionReport { amend_reject_code: code, ..report },
                _ => ExecutionReport { cancel_reject_code: code, ..report },
            }
        });
    }

    /// The same by the board's word.
    pub(super) fn request_rejected(
        &mut self,
        now: Nanos,
        exec_type: u8,
        request: u64,
        orig: u64,
        why: Why,
    ) {
        let Some(Request::One(party)) = self.orders.asked(request).copied() else { return };
        let (text, orig_text) = (self.orders.text(request), self.orders.text(orig));
        let order = self.orders.get(orig).map_or(0, |placed| placed.order.0);
        let names = Names { order, ..Names::of(text, Some(orig_text)) };
        self.reject_request(now, &party, exec_type, names, why);
    }

    /// A mass cancel is done.
    pub(super) fn mass_canceled(&mut self, now: Nanos, request: u64) {
        let Some(Request::Mass { broker, request_type }) = self.orders.asked(request).copied()
        else {
            return; // a lost session asked
        };
        self.executions += 1;
        let report_id = Label::of(self.executions.to_string().as_bytes()).unwrap_or(Label::NONE);
        let (client, report_id) = (self.orders.text(request).field(0), report_id.field(0));
        let time = self.clock.write(now);
        self.send(
            now,
            &MassCancelReport {
                client_order_id: Some(Text(&client)),
                submitting_broker: Some(Text(&broker)),
                security_id: None,
                security_id_source: None,
                security_exchange: None,
                broker_location: None,
                transaction_time: Text(&time),
                request_type,
                owning_broker: None,
                report_id: Text(&report_id),
                response: request_type,
                reject_code: None,
                reason: None,
            },
        );
    }

    /// An execution report, and the number of its execution id.
    fn report(
        &mut self,
        now: Nanos,
        party: &Party,
        exec_type: u8,
        names: Names,
        complete: impl for<'r> FnOnce(ExecutionReport<'r>) -> ExecutionReport<'r>,
    ) -> u64 {
        self.executions += 1;
        let (client, orig) = (names.text.field(0), names.orig.map(|orig| orig.field(0)));
        let (order_id, execution_id) = (decimal(names.order), decimal(self.executions));
        let reference = names.reference.map(decimal);
        let trade = names.trade.map(decimal);
        let time = self.clock.write(now);
        let report = complete(ExecutionReport {
            client_order_id: Some(Text(&client)),
            submitting_broker: Some(Text(&party.broker)),
            security_id: Some(Text(&party.security)),
            security_id_source: Some(8),
            security_exchange: party.exchange.as_ref().map(Text),
            broker_location: party.location.as_ref().map(Text),
            transaction_time: Some(Text(&time)),
            side: Some(party.side),
            original_client_order_id: orig.as_ref().map(Text),
            order_id: Some(Text(&order_id)),
            execution_id: Some(Text(&execution_id)),
            exec_type: Some(exec_type),
            reference_execution_id: reference.as_ref().map(Text),
            trade_match_id: trade.as_ref().map(Text),
            ..ExecutionReport::default()
        });
        self.send(now, &report);
        self.executions
    }

    /// A report about an order that the board took: with its terms and how far it is filled.
    pub(super) fn report_order(
        &mut self,
        now: Nanos,
        id: u64,
        exec_type: u8,
        names: Names,
        complete: impl for<'r> FnOnce(ExecutionReport<'r>) -> ExecutionReport<'r>,
    ) -> u64 {
        let Some(placed) = self.orders.get(id) else { return 0 };
        let Placed { form, entry, order, price, total, filled, leaves } = placed;
        let (form, done) = (*form, leaves.0 == 0);
        let names = Names { order: order.0, ..names };
        let price = price_out(*price).filter(|_| entry.kind.has_price());
        let (quantity, cumulative, leaves) = (qty_out(*total), qty_out(*filled), qty_out(*leaves));
        let filled = match (filled.0, done) {
            (0, _) => status::NEW,
            (_, true) => status::FILLED,
            _ => status::PARTIAL,
        };
        self.report(now, &form.party, exec_type, names, |report| {
            complete(ExecutionReport {
                order_type: Some(form.order_type),
                price,
                quantity,
                time_in_force: form.time_in_force,
                max_price_levels: form.max_price_levels,
                capacity: form.capacity,
                lot_type: form.lot_type,
                order_status: Some(filled),
                cumulative,
                leaves,
                ..report
            })
        })
    }

    /// A report of an order that is over.
    pub(super) fn ended(&mut self, now: Nanos, id: u64, request: u64, why: Ended) {
        self.orders.close(id);
        let own = self.orders.text(id);
        let names = match why {
            Ended::Asked if request != 0 => Names::of(self.orders.text(request), Some(own)),
            _ => Names::of(own, None),
        };
        let (exec_type, order_status, restatement_reason) = match why {
            Ended::Asked => (exec::CANCEL, status::CANCELLED, None),
            Ended::MassCancel => (exec::CANCEL, status::CANCELLED, Some(restated::MASS_CANCEL)),
            Ended::Disconnect => (exec::CANCEL, status::CANCELLED, Some(restated::DISCONNECT)),
            Ended::Venue => (exec::CANCEL, status::CANCELLED, Some(restated::MARKET_OPERATION)),
            Ended::Unfilled | Ended::Expired => (exec::EXPIRE, status::EXPIRED, None),
        };
        self.report_order(now, id, exec_type, names, |report| ExecutionReport {
            order_status: Some(order_status),
            restatement_reason,
            ..report
        });
    }

    /// A part traded.
    pub(super) fn traded(&mut self, now: Nanos, tell: &Tell) {
        let Tell::Trade { id, qty, price, match_id, maker } = *tell else { return };
        self.orders.trade(id, qty);
        let names = Names { trade: Some(match_id), ..Names::of(self.orders.text(id), None) };
        let report = self.report_order(now, id, exec::TRADE, names, |report| ExecutionReport {
            execution_quantity: qty_out(qty),
            execution_price: price_out(price),
            aggressor: Some(u8::from(!maker)),
            ..report
        });
        self.trades.insert((id, match_id), report);
    }

    /// A trade was taken back.
    pub(super) fn untraded(&mut self, now: Nanos, tell: &Tell) {
        let Tell::TradeCanceled { id, qty, price, match_id } = *tell else { return };
        self.orders.untrade(id, qty);
        let reference = self.trades.get(&(id, match_id)).copied();
        let names = Names::of(self.orders.text(id), None);
        let names = Names { trade: Some(match_id), reference, ..names };
        self.report_order(now, id, exec::TRADE_CANCEL, names, |report| ExecutionReport {
            execution_quantity: qty_out(qty),
            execution_price: price_out(price),
            ..report
        });
    }
}

fn decimal<const N: usize>(value: u64) -> [u8; N] {
    padded(value.to_string().as_bytes(), 0).unwrap_or([0; N])
}

fn order_code(why: Why) -> u16 {
    match why {
        Why::PriceLimit | Why::Cage => order_reject::PRICE_BAND,
        Why::Lot | Why::Size => order_reject::QUANTITY,
        Why::Sellable => order_reject::LIMIT,
        Why::Duplicate => order_reject::DUPLICATE,
        Why::NoReference => order_reject::NO_REFERENCE,
        _ => order_reject::OTHER,
    }
}

fn request_code(why: Why) -> u16 {
    match why {
        Why::TooLate => cancel_reject::TOO_LATE,
        Why::Unknown => cancel_reject::UNKNOWN,
        Why::Duplicate => cancel_reject::DUPLICATE,
        _ => cancel_reject::OTHER,
    }
}
