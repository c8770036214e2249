//! A random market made by matching orders, as events of a feed of orders.

use nofx_rt::rng::Rng;
use nofx_types::{EventKind, InstrumentId, OrderRef, Price, Side};
use nofx_venue::matching::{MatchSink, Matching, Resting, Trade};

use super::{ID, OTHER, add, execute, replace_real};
use nofx_types::Qty;

/// The instruments of its rows; the last one is not traded by the venue under test.
pub const ROWS: [InstrumentId; 3] = [ID, OTHER, InstrumentId(900)];

/// Events of one step.
#[derive(Default)]
struct Tape(Vec<(InstrumentId, EventKind)>);

impl Tape {
    fn push(&mut self, order: &Resting, kind: EventKind) {
        self.0.push((ROWS[order.row as usize], kind));
    }
}

fn added(order: &Resting) -> EventKind {
    add(order.order.0, order.side, order.qty.into(), order.price.0)
}

impl MatchSink for Tape {
    fn rested(&mut self, order: &Resting) {
        self.push(order, added(order));
    }
    fn executed(&mut self, trade: &Trade) {
        self.push(&trade.maker, execute(trade.maker.order.0, trade.qty.into()));
    }
    fn reduced(&mut self, order: &Resting, by: u32) {
        let kind = EventKind::Reduce { order: order.order, qty: Qty(by.into()) };
        self.push(order, kind);
    }
    fn deleted(&mut self, order: &Resting) {
        self.push(order, EventKind::Delete { order: order.order });
    }
    fn replaced(&mut self, old: &Resting, order: &Resting) {
        let kind = replace_real(old.order.0, order.order.0, order.price.0, order.qty.into());
        self.push(order, kind);
    }
}

/// The market.
pub struct Market {
    matching: Matching,
    tape: Tape,
    rng: Rng,
    next: u64,
}

impl Market {
    pub fn new(seed: u64) -> Market {
        let matching = Matching::new(ROWS.len(), 2_000, 200);
        Market { matching, tape: Tape::default(), rng: Rng::new(seed), next: 1 }
    }

    /// What happens next; prices wander within 20 ticks of 10.00.
    pub fn step(&mut self) -> Vec<(InstrumentId, EventKind)> {
        let rng = &mut self.rng;
        let (row, side) = (rng.below(3) as u32, Side::BOTH[rng.below(2) as usize]);
        let price = Price(100_000 + 100 * (rng.below(11) as i64 - 5 - 2 * side.sign()));
        let (order, qty) = (OrderRef(self.next << 40), 1 + rng.below(90) as u32);
        self.next += 1;
        let victims: Vec<Resting> = self.matching.resting_orders(row, side).collect();
        let victim = victims.get(rng.below(victims.len() as u64) as usize).map(|o| o.order);
        let (matching, tape) = (&mut self.matching, &mut self.tape);
        match (rng.below(10), victim) {
            (0..2, Some(victim)) => _ = matching.delete(victim, tape),
            (2, Some(victim)) => _ = matching.cancel(victim, qty, tape),
            (3, Some(victim)) => _ = matching.replace(victim, order, price, qty, tape),
            (4..6, _) => _ = matching.take(row, order, side, price, 2 * qty, tape),
            _ => _ = matching.add(row, order, side, price, qty, tape),
        }
        std::mem::take(&mut self.tape.0)
    }
}
