//! What the venue tells the client: one method per OUCH message.
//!
//! A report is stamped with the venue's time and leaves at that time; its latency is that of the
//! request it answers. Reports about fills, and what the venue says of its own, go as `other`.

use nofx_types::Nanos;
use nofx_wire::num::{Be16, Be32, Be64};
use nofx_wire::ouch50::codes::state;
use nofx_wire::ouch50::{
    Accepted, AiqCanceled, CancelReject, Canceled, DisableEntry, DisableResponse, EnableEntry,
    EnableResponse, Executed, FIXED_MAX, MassCancel, MassCancelResponse, Modified, QueryResponse,
    Rejected, Replaced, SystemEvent, put_with_appendage,
};

use super::{Acceptor, Terms};
use crate::latency::Topic;

/// An order as it was placed.
#[derive(Clone, Copy, Debug)]
pub struct Placed<'a> {
    /// UserRefNum.
    pub user_ref: u32,
    /// The venue's id.
    pub order_ref: u64,
    /// Shares, as asked for.
    pub quantity: u32,
    /// Limit price, four decimals.
    pub price: u64,
    /// The rest, echoed.
    pub terms: &'a Terms,
}

/// A fill.
#[derive(Clone, Copy, Debug)]
pub struct Fill {
    /// UserRefNum.
    pub user_ref: u32,
    /// Shares filled now.
    pub quantity: u32,
    /// At this price, four decimals.
    pub price: u64,
    /// `A` added, `R` removed.
    pub liquidity: u8,
    /// The venue's id of the match.
    pub match_number: u64,
}

impl Acceptor {
    /// `A`: the order lives.
    pub fn accepted(&mut self, at: Nanos, order: Placed<'_>) {
        let terms = order.terms;
        let message = Accepted {
            kind: b'A',
            timestamp: self.stamp(at),
            user_ref_num: Be32::new(order.user_ref),
            side: terms.side,
            quantity: Be32::new(order.quantity),
            symbol: terms.symbol,
            price: Be64::new(order.price),
            time_in_force: terms.time_in_force,
            display: terms.display,
            order_reference_number: Be64::new(order.order_ref),
            capacity: terms.capacity,
            sweep: terms.sweep,
            cross_type: terms.cross_type,
            order_state: state::LIVE,
            clordid: terms.clordid,
        };
        self.send_listed(at, Topic::New, message.bytes());
    }

    /// `U`: the order took the place of `orig`.
    pub fn replaced(&mut self, at: Nanos, orig: u32, order: Placed<'_>) {
        let terms = order.terms;
        let message = Replaced {
            kind: b'U',
            timestamp: self.stamp(at),
            orig_user_ref_num: Be32::new(orig),
            user_ref_num: Be32::new(order.user_ref),
            side: terms.side,
            quantity: Be32::new(order.quantity),
            symbol: terms.symbol,
            price: Be64::new(order.price),
            time_in_force: terms.time_in_force,
            display: terms.display,
            order_reference_number: Be64::new(order.order_ref),
            capacity: terms.capacity,
            sweep: terms.sweep,
            cross_type: terms.cross_type,
            order_state: state::LIVE,
            clordid: terms.clordid,
        };
        self.send_listed(at, Topic::Replace, message.bytes());
    }

    /// `J`: the new order or the replace was refused.
    pub fn rejected(
        &mut self,
        at: Nanos,
        topic: Topic,
        user_ref: u32,
        reason: u16,
        clordid: &[u8; 14],
    ) {
        let message = Rejected {
            kind: b'J',
            timestamp: self.stamp(at),
            user_ref_num: Be32::new(user_ref),
            reason: Be16::new(reason),
            clordid: *clordid,
        };
        self.send(at, topic, message.bytes());
    }

    /// `C`: `quantity` was taken off.
    pub fn canceled(&mut self, at: Nanos, user_ref: u32, quantity: u32, reason: u8) {
        let message = Canceled {
            kind: b'C',
            timestamp: self.stamp(at),
            user_ref_num: Be32::new(user_ref),
            quantity: Be32::new(quantity),
            reason,
        };
        self.send(at, Topic::Cancel, message.bytes());
    }

    /// `D`: a resting order left before it would have traded with one of its own firm; `fill` is what
    /// would have been.
    pub fn self_trade_prevented(&mut self, at: Nanos, fill: Fill, removed: u32, reason: u8) {
        let message = AiqCanceled {
            kind: b'D',
            timestamp: self.stamp(at),
            user_ref_num: Be32::new(fill.user_ref),
            decrement_shares: Be32::new(removed),
            reason,
            quantity_prevented: Be32::new(fill.quantity),
            execution_price: Be64::new(fill.price),
            liquidity_flag: fill.liquidity,
        };
        self.send(at, Topic::Cancel, message.bytes());
    }

    /// `E`: a fill.
    pub fn executed(&mut self, at: Nanos, fill: Fill) {
        let message = Executed {
            kind: b'E',
            timestamp: self.stamp(at),
            user_ref_num: Be32::new(fill.user_ref),
            quantity: Be32::new(fill.quantity),
            price: Be64::new(fill.price),
            liquidity_flag: fill.liquidity,
            match_number: Be64::new(fill.match_number),
        };
        self.send_listed(at, Topic::Other, message.bytes());
    }

    /// `M`: kind of sale or total changed in place.
    pub fn modified(&mut self, at: Nanos, user_ref: u32, side: u8, quantity: u32) {
        let message = Modified {
            kind: b'M',
            timestamp: self.stamp(at),
            user_ref_num: Be32::new(user_ref),
            side,
            quantity: Be32::new(quantity),
        };
        self.send(at, Topic::Cancel, message.bytes());
    }

    /// `I`: the cancel or modify cannot be done.
    pub fn cancel_rejected(&mut self, at: Nanos, user_ref: u32) {
        let message = CancelReject {
            kind: b'I',
            timestamp: self.stamp(at),
            user_ref_num: Be32::new(user_ref),
        };
        self.send(at, Topic::Cancel, message.bytes());
    }

    /// `S`: `S` the day starts, `E` it ends.
    pub fn system_event(&mut self, at: Nanos, event_code: u8) {
        let message = SystemEvent { kind: b'S', timestamp: self.stamp(at), event_code };
        self.send(at, Topic::Other, message.bytes());
    }

    pub(super) fn query_response(&mut self, at: Nanos, next: u32) {
        let message = QueryResponse {
            kind: b'Q',
            timestamp: self.stamp(at),
            next_user_ref_num: Be32::new(next),
        };
        self.send(at, Topic::Other, message.bytes());
    }

    pub(super) fn mass_cancel_response(&mut self, at: Nanos, request: &MassCancel) {
        let message = MassCancelResponse {
            kind: b'X',
            timestamp: self.stamp(at),
            user_ref_num: request.user_ref_num,
            firm: request.firm,
            symbol: request.symbol,
        };
        self.send_listed(at, Topic::Cancel, message.bytes());
    }

    pub(super) fn disable_response(&mut self, at: Nanos, request: &DisableEntry) {
        let message = DisableResponse {
            kind: b'G',
            timestamp: self.stamp(at),
            user_ref_num: request.user_ref_num,
            firm: request.firm,
        };
        self.send_listed(at, Topic::Other, message.bytes());
    }

    pub(super) fn enable_response(&mut self, at: Nanos, request: &EnableEntry) {
        let message = EnableResponse {
            kind: b'K',
            timestamp: self.stamp(at),
            user_ref_num: request.user_ref_num,
            firm: request.firm,
        };
        self.send_listed(at, Topic::Other, message.bytes());
    }

    /// Nanoseconds since the venue's midnight.
    fn stamp(&self, at: Nanos) -> Be64 {
        Be64::new(at.0.saturating_sub(self.midnight_ns))
    }

    fn send(&mut self, at: Nanos, topic: Topic, message: &[u8]) {
        let sent = self.outbox.push_sequenced(at, topic, message);
        self.count_unsent(sent);
    }

    /// A message that always carries the length of its optional fields, of which we send none.
    fn send_listed(&mut self, at: Nanos, topic: Topic, message: &[u8]) {
        let mut bytes = [0; FIXED_MAX];
        if let Some(len) = put_with_appendage(&mut bytes, message, &[]) {
            self.send(at, topic, bytes.get(..len).unwrap_or(&[]));
        }
    }
}
