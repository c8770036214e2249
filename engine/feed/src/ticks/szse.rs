//! Shenzhen (300192, 300191 of its market data): the raw events of a tick, as the binary feed sends
//! them ([`crate::szse::raw_events`]).
//!
//! Every order is published when it arrives, before its trades, and a trade takes from both orders.
//! A book that takes these events is crossed between an order and its trades; the rebuild of the
//! book crate stands between this and a book that strategies see.

use nofx_types::{EventSink, Tick, TickKind};

use super::At;
use crate::szse::raw_events;

#[inline]
pub(super) fn translate<S: EventSink>(tick: &Tick, at: &At, sink: &mut S) {
    if !matches!(tick.kind, TickKind::Phase(_)) {
        raw_events(tick, |last, kind| sink.on_event(&at.event(last, kind)));
    }
}
