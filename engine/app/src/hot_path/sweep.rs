//! Kills, the stop, and the cancels that follow: at most [`SWEEP_STEP`] after an input.

use nofx_gate::KillScope;
use nofx_order::{OpenOrder, OrderState};
use nofx_risk::LimitGate;
use nofx_signal::Strategy;
use nofx_types::Nanos;

use super::{HotPath, OrderPort};
use crate::sweep::SWEEP_STEP;

impl<S: Strategy, G: LimitGate> HotPath<S, G> {
    /// Engages or releases a kill; what it covers is cancelled, step by step.
    pub fn kill(&mut self, scope: KillScope, engaged: bool) {
        self.gate.on_kill(scope, engaged);
        self.sweeps.engaged.set(scope, engaged);
        if engaged {
            self.sweep(scope);
        }
    }

    /// Holds every new order and replace back, or lets them through again; never once the run stops.
    pub fn hold(&mut self, held: bool) {
        self.held = held || self.sweeps.engaged.is_stopping();
    }

    /// Holds every new order and replace back by a command, or ends that; what the journal or the stop
    /// holds stays held.
    pub fn halt(&mut self, halted: bool) {
        self.halted = halted;
    }

    /// Holds everything back for good, and cancels it until nothing is open.
    pub fn stop(&mut self) {
        self.sweeps.engaged.stop();
        self.hold(true);
        self.sweep(KillScope::Global);
    }

    /// Asks for the cancel of every open order that `scope` covers.
    pub fn sweep(&mut self, scope: KillScope) {
        if self.orders.open_orders() > 0 {
            self.sweeps.ask(scope);
        }
    }

    /// One step of the sweep under way.
    #[inline]
    pub fn sweep_on(&mut self, now: Nanos, port: &mut impl OrderPort) {
        if self.sweeps.is_active() {
            self.sweep_step(now, port);
        }
    }

    #[cold]
    fn sweep_step(&mut self, now: Nanos, port: &mut impl OrderPort) {
        if !self.orders.may_cancel() {
            return; // the sweep goes on when the session does
        }
        if self.sweeps.begins_everything() {
            self.cancel_all(now, port);
        }
        for _ in 0..SWEEP_STEP {
            let Some((row, order)) = self.orders.next_open(self.sweeps.row()) else {
                return self.sweeps.end_of_table();
            };
            self.sweeps.passed(row);
            if self.sweeps.covers(order.account, order.instrument) {
                self.sweep_order(now, &order, port);
            }
        }
    }

    fn sweep_order(&mut self, now: Nanos, order: &OpenOrder, port: &mut impl OrderPort) {
        use OrderState::{PendingCancel, PendingNew, PendingReplace, Replacing};
        let lost = order.state == PendingCancel && self.sweeps.is_retry();
        if lost {
            self.orders.cancel_again(order.id);
            self.hear(port);
        }
        if order.cancellable || lost {
            self.sweeps.cancelled(now);
            let mut intent = order.cancel();
            intent.now_ns = now;
            self.sweeping = true;
            self.submit(intent, port);
            self.sweeping = false;
        } else if matches!(order.state, PendingNew | PendingReplace | Replacing) {
            self.sweeps.come_back();
        }
    }

    /// The one message that cancels all, where the protocol has it and the configuration wants it.
    fn cancel_all(&mut self, now: Nanos, port: &mut impl OrderPort) {
        if let Some(bytes) = self.orders.cancel_all(now) {
            self.log.sent(now, bytes);
            port.send(now, bytes);
        }
    }

    /// What kills in force and a stop cover is cancelled again now and then, while anything is open.
    #[inline]
    pub(super) fn sweep_again(&mut self, now: Nanos) {
        if self.orders.open_orders() > 0 {
            self.sweeps.retry(now);
        }
    }
}
