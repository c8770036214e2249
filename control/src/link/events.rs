//! Events of an engine as control keeps and sends them.

use std::collections::VecDeque;

use nofx_mailbox::{Event, EventKind};
use nofx_types::Nanos;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Events kept for each engine.
const KEPT: usize = 4_096;

/// One event of an engine.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct EventJson {
    /// Control's own number: rises over restarts of engine and control; the `after` of queries.
    pub seq: u64,
    /// The engine's number, from 1 since it started; 0 for `lost` and `attached`.
    pub number: u64,
    /// When, nanoseconds since 1970.
    pub at_ns: u64,
    /// `sent`, `refused`, `accepted`, `rejected`, `replaced`, `canceled`, `filled`,
    /// `cancel_rejected`, `broken`, `kill_engaged`, `kill_released`, `command`, `params_applied`,
    /// `params_refused`, `model_applied`, `model_refused`, `engine_state`, `session_state`,
    /// `feed_state`, `gate_failed`, `journal`; of control: `attached` (another run of the engine
    /// begins), `lost` (`value` events were overwritten before they were read).
    pub kind: String,
    /// `buy` or `sell`, for orders.
    pub side: Option<String>,
    /// A number that depends on the kind.
    pub code: u16,
    /// The account.
    pub account: u16,
    /// Symbol, or `locate:N`; null where none is meant.
    pub instrument: Option<String>,
    /// Its index.
    pub id: u32,
    /// Our id of the order; 0: none.
    pub cl_ord_id: u32,
    /// The venue's id of the order.
    pub order_ref: u64,
    /// Decimals of the price.
    pub decimals: u8,
    /// Price, counting 10^-decimals.
    pub price: i64,
    /// Quantity.
    pub qty: u64,
    /// Open quantity after it.
    pub leaves: u64,
    /// Bits of the rules that refused.
    pub rejects: u64,
    /// A value that depends on the kind: position after a fill, publication, id of a command.
    pub value: i64,
    /// More about it: a state, a rule, a command.
    pub text: String,
}

impl EventJson {
    /// An event of the engine.
    pub(super) fn of(event: &Event) -> EventJson {
        let kind = event.kind();
        let is_order = kind.is_some_and(|kind| (kind as u8) < EventKind::KillEngaged as u8);
        let symbol = Some(event.symbol()).filter(|symbol| !symbol.is_empty());
        let by_number = || is_order.then(|| format!("locate:{}", event.instrument));
        let side = if event.side == 0 { "buy" } else { "sell" };
        EventJson {
            seq: 0,
            number: event.number,
            at_ns: event.at_ns,
            kind: kind.map_or_else(|| format!("kind {}", event.kind), |kind| kind.to_string()),
            side: is_order.then(|| side.to_owned()),
            code: event.code,
            account: event.account,
            instrument: symbol.or_else(by_number),
            id: event.instrument,
            cl_ord_id: event.cl_ord_id,
            order_ref: event.order_ref,
            decimals: event.decimals,
            price: event.price,
            qty: event.qty,
            leaves: event.leaves,
            rejects: event.rejects,
            value: event.value,
            text: event.text(),
        }
    }

    /// An event of control itself.
    pub(super) fn own(kind: &str, at: Nanos, value: i64, text: &str) -> EventJson {
        let (kind, text) = (kind.to_owned(), text.to_owned());
        EventJson { at_ns: at.0, kind, value, text, ..EventJson::default() }
    }
}

/// The newest events of an engine, over its restarts.
pub struct Recent {
    events: VecDeque<EventJson>,
    next: u64,
}

impl Recent {
    /// Numbers begin with the microseconds since 1970, so that they rise over restarts of control as
    /// long as there is less than an event a microsecond.
    pub(super) fn begin(now: Nanos) -> Recent {
        Recent { events: VecDeque::new(), next: now.0 / 1_000 }
    }

    /// Numbers and keeps them, over the oldest.
    pub(super) fn take(&mut self, events: &mut [EventJson]) {
        for event in events.iter_mut() {
            event.seq = self.next;
            self.next += 1;
        }
        let more = (self.events.len() + events.len()).saturating_sub(KEPT);
        self.events.drain(..more.min(self.events.len()));
        let from = events.len().saturating_sub(KEPT);
        self.events.extend(events.iter().skip(from).cloned());
    }

    /// At most `limit` events above `after`, oldest first.
    pub fn after(&self, after: u64, limit: usize) -> Vec<EventJson> {
        let from = self.events.partition_point(|event| event.seq <= after);
        self.events.iter().skip(from).take(limit).cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_rise_and_the_oldest_go_first() {
        let mut recent = Recent::begin(Nanos(5_000));
        let mut batch = vec![EventJson::default(); 3_000];
        recent.take(&mut batch);
        recent.take(&mut batch);
        let all = recent.after(0, usize::MAX);
        assert_eq!(all.len(), KEPT);
        assert!(all.windows(2).all(|pair| pair[1].seq == pair[0].seq + 1));
        assert_eq!(all.last().map(|event| event.seq), Some(5 + 5_999));
        assert_eq!(recent.after(6_002, 10).len(), 2);
        recent.take(&mut vec![EventJson::default(); KEPT + 7]);
        assert_eq!(recent.after(0, usize::MAX).len(), KEPT);
    }
}
