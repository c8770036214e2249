//! Kills, the halt of new orders, and the cancels that follow: at most [`SWEEP_STEP`] after an input.

use nofx_gate::{Gate, KillScope};
use nofx_order::OrderState;
use nofx_signal::Strategy;
use nofx_types::Nanos;

use super::{HotPath, OrderPort};
use crate::sweep::SWEEP_STEP;

impl<S: Strategy, G: Gate> HotPath<S, G> {
    /// Engages or releases a kill; what it covers is cancelled, step by step.
    pub fn kill(&mut self, scope: KillScope, engaged: bool) {
        self.gate.on_kill(scope, engaged);
        if engaged {
            self.sweep(scope);
        }
    }

    /// Holds every new order and replace back, or lets them through again.
    pub fn hold(&mut self, held: bool) {
        self.held = held;
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
        for _ in 0..SWEEP_STEP {
            let Some((row, order)) = self.orders.next_open(self.sweeps.row()) else {
                return self.sweeps.end_of_table();
            };
            self.sweeps.passed(row);
            if !self.sweeps.covers(order.account, order.instrument) {
                continue;
            }
            if order.cancellable {
                self.sweeps.cancelled(now);
                let mut intent = order.cancel();
                intent.now_ns = now;
                self.sweeping = true;
                self.submit(intent, port);
                self.sweeping = false;
            } else if order.state == OrderState::PendingNew {
                self.sweeps.come_back();
            }
        }
    }
}
