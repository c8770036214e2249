//! What we wish for ([`OrderIntent`]) and what became of it ([`OrderUpdate`]).

use crate::{AccountId, ClOrdId, InstrumentId, Nanos, OrderRef, Price, Qty, Side};

/// What an intent asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum IntentKind {
    /// A new order.
    New = 0,
    /// Replace `orig` by `cl_ord_id` with another price or quantity.
    Replace = 1,
    /// Cancel what is left of `orig`.
    Cancel = 2,
}

/// How long an order lives.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum TimeInForce {
    /// Until the close.
    #[default]
    Day = 0,
    /// Immediate or cancel.
    Ioc = 1,
    /// All of it at once, or nothing.
    Fok = 2,
    /// In the auction that is under way, or never.
    AtCrossing = 3,
}

/// A wish for an order, made by a strategy, completed by the order manager, judged by the gate.
///
/// Flat, so that it maps onto one 64-byte operation of a card. A strategy fills `kind`,
/// `instrument`, `side`, `price`, `qty`, `tif`, `post_only` and `orig`; the order manager fills
/// `cl_ord_id`, `account`, `epoch`, `cause_seq`, `now_ns` and what it knows of `orig`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct OrderIntent {
    /// New, replace or cancel.
    pub kind: IntentKind,
    /// Side of the order.
    pub side: Side,
    /// How long it lives.
    pub tif: TimeInForce,
    /// Must not take liquidity.
    pub post_only: bool,
    /// Sells what was borrowed: marked as such where the venue asks for it.
    pub short: bool,
    /// The account it is for.
    pub account: AccountId,
    /// The instrument.
    pub instrument: InstrumentId,
    /// Our id of the order that results (new, replace); the id to be cancelled (cancel).
    pub cl_ord_id: ClOrdId,
    /// The order that is replaced or cancelled; [`ClOrdId::NONE`] for a new order.
    pub orig: ClOrdId,
    /// Limit price.
    pub price: Price,
    /// New: quantity. Replace: open quantity wanted afterwards. Cancel: 0.
    pub qty: Qty,
    /// Price of `orig`.
    pub orig_price: Price,
    /// Open quantity of `orig` as far as we know.
    pub orig_leaves: Qty,
    /// Fencing epoch of the lease this engine trades under.
    pub epoch: u32,
    /// Sequence of the market-data message that caused it.
    pub cause_seq: u64,
    /// The engine's time.
    pub now_ns: Nanos,
}

impl OrderIntent {
    /// A new day order at `price`.
    pub const fn new(instrument: InstrumentId, side: Side, price: Price, qty: Qty) -> OrderIntent {
        OrderIntent {
            kind: IntentKind::New,
            side,
            tif: TimeInForce::Day,
            post_only: false,
            short: false,
            account: AccountId(0),
            instrument,
            cl_ord_id: ClOrdId::NONE,
            orig: ClOrdId::NONE,
            price,
            qty,
            orig_price: Price(0),
            orig_leaves: Qty(0),
            epoch: 0,
            cause_seq: 0,
            now_ns: Nanos(0),
        }
    }

    /// Moves `orig` to `price` with `qty` open.
    pub const fn replace(
        instrument: InstrumentId,
        orig: ClOrdId,
        side: Side,
        price: Price,
        qty: Qty,
    ) -> OrderIntent {
        let mut intent = OrderIntent::new(instrument, side, price, qty);
        intent.kind = IntentKind::Replace;
        intent.orig = orig;
        intent
    }

    /// Cancels what is left of `orig`.
    pub const fn cancel(instrument: InstrumentId, orig: ClOrdId, side: Side) -> OrderIntent {
        let mut intent = OrderIntent::new(instrument, side, Price(0), Qty(0));
        intent.kind = IntentKind::Cancel;
        intent.orig = orig;
        intent
    }
}

/// Most intents that one event may cause; further ones are counted and dropped.
pub const INTENTS_MAX: usize = 32;

/// The intents of one event, in order: bounded, reused, never allocates.
///
/// `push` hands out the [`ClOrdId`] of the order that will result, so that a strategy can follow
/// it through [`OrderUpdate`]s from the start.
#[derive(Clone, Debug)]
pub struct Intents {
    rows: [OrderIntent; INTENTS_MAX],
    head: usize,
    tail: usize,
    next_id: u32,
    dropped: u64,
}

impl Intents {
    /// Empty; the first order gets `first_id` (at least 1).
    pub fn new(first_id: u32) -> Intents {
        let blank = OrderIntent::new(InstrumentId(0), Side::Buy, Price(0), Qty(0));
        Intents {
            rows: [blank; INTENTS_MAX],
            head: 0,
            tail: 0,
            next_id: first_id.max(1),
            dropped: 0,
        }
    }

    /// Queues an intent and returns the id its order will have ([`ClOrdId::NONE`] when the queue is
    /// full or ids have run out: the intent is dropped and counted). A cancel keeps the id of the
    /// order it cancels.
    #[inline]
    pub fn push(&mut self, mut intent: OrderIntent) -> ClOrdId {
        let exhausted = self.next_id == u32::MAX;
        let Some(row) = self.rows.get_mut(self.tail).filter(|_| !exhausted) else {
            self.dropped += 1;
            return ClOrdId::NONE;
        };
        intent.cl_ord_id = match intent.kind {
            IntentKind::Cancel => intent.orig,
            IntentKind::New | IntentKind::Replace => {
                let id = ClOrdId(self.next_id);
                self.next_id += 1;
                id
            }
        };
        *row = intent;
        self.tail += 1;
        intent.cl_ord_id
    }

    /// Takes the oldest intent out.
    #[inline]
    pub fn pop(&mut self) -> Option<OrderIntent> {
        let intent = *self.as_slice().first()?;
        self.head += 1;
        if self.head == self.tail {
            (self.head, self.tail) = (0, 0);
        }
        Some(intent)
    }

    /// Takes the queued intents out, oldest first.
    #[inline]
    pub fn drain(&mut self, mut take: impl FnMut(OrderIntent)) {
        while let Some(intent) = self.pop() {
            take(intent);
        }
    }

    /// How many are queued.
    #[inline]
    pub fn len(&self) -> usize {
        self.tail - self.head
    }

    /// Whether none is queued.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.head == self.tail
    }

    /// The queued intents, oldest first.
    #[inline]
    pub fn as_slice(&self) -> &[OrderIntent] {
        self.rows.get(self.head..self.tail).unwrap_or(&[])
    }

    /// How many were dropped because the queue was full.
    pub fn dropped(&self) -> u64 {
        self.dropped
    }
}

/// What happened to one of our orders.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum UpdateKind {
    /// It rests (or rested) at the venue.
    Accepted,
    /// The gate refused it: it never left us.
    RefusedByGate,
    /// The venue refused it.
    Rejected,
    /// Part or all of it was filled.
    Filled,
    /// What `released_qty` says was taken off, by us or by the venue.
    Canceled,
    /// It took the place of `orig`.
    Replaced,
    /// The replace was refused; `orig` lives on.
    ReplaceRejected,
    /// The cancel was refused, or went with its connection: another may be sent.
    CancelRejected,
    /// A past fill was taken back: `fill_qty` at `fill_price`.
    Broken,
    /// A trade that no reservation covers: more than was open, of an order that had ended, or a past
    /// one stated anew. `fill_qty` at `fill_price`, and nothing leaves the open quantity.
    Unreserved,
}

impl UpdateKind {
    /// How many there are.
    pub const COUNT: usize = UpdateKind::Unreserved as usize + 1;
}

/// News of one of our orders: for the strategy, for the gate's exposure, and for positions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct OrderUpdate {
    /// What happened.
    pub kind: UpdateKind,
    /// Side of the order.
    pub side: Side,
    /// Whether a fill added liquidity (rested) rather than took it.
    pub maker: bool,
    /// The account.
    pub account: AccountId,
    /// The instrument.
    pub instrument: InstrumentId,
    /// The order.
    pub cl_ord_id: ClOrdId,
    /// The order it replaces or wanted to replace, else [`ClOrdId::NONE`].
    pub orig: ClOrdId,
    /// The venue's id, 0 until accepted.
    pub order_ref: OrderRef,
    /// Limit price of the order.
    pub price: Price,
    /// Open quantity after this update.
    pub leaves: Qty,
    /// Price of the fill (filled, broken, unreserved), else 0.
    pub fill_price: Price,
    /// Quantity of the fill (filled, broken, unreserved), else 0.
    pub fill_qty: Qty,
    /// Open quantity that will never trade: released from the exposure at `released_price`.
    pub released_qty: Qty,
    /// Price at which `released_qty` was reserved.
    pub released_price: Price,
    /// Whether the order (for a replace: `orig`) is no longer open.
    pub closed: bool,
    /// The engine's time.
    pub now_ns: Nanos,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn buy() -> OrderIntent {
        OrderIntent::new(InstrumentId(1), Side::Buy, Price(1), Qty(1))
    }

    #[test]
    fn ids_rise_a_cancel_keeps_its_order_and_a_full_queue_counts() {
        let mut intents = Intents::new(7);
        let first = intents.push(buy());
        assert_eq!(
            intents.push(OrderIntent::cancel(InstrumentId(1), first, Side::Buy)),
            ClOrdId(7)
        );
        for _ in 2..INTENTS_MAX {
            assert_ne!(intents.push(buy()), ClOrdId::NONE);
        }
        assert_eq!(intents.push(buy()), ClOrdId::NONE);
        assert_eq!((intents.len(), intents.dropped()), (INTENTS_MAX, 1));
        assert_eq!(intents.pop().map(|i| i.cl_ord_id), Some(ClOrdId(7)));
        let mut rest = 0;
        intents.drain(|_| rest += 1);
        assert_eq!((rest, intents.len()), (INTENTS_MAX - 1, 0));
        assert_ne!(intents.push(buy()), ClOrdId::NONE);
    }

    #[test]
    fn ids_never_wrap() {
        let mut intents = Intents::new(u32::MAX - 1);
        assert_eq!(intents.push(buy()), ClOrdId(u32::MAX - 1));
        assert_eq!(intents.push(buy()), ClOrdId::NONE);
    }
}
