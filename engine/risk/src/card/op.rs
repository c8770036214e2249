//! The operations of the card's one stream, and how intents and updates become operations.

pub use nofx_gate::KillScope;
use nofx_types::{
    AccountId, InstrumentId, IntentKind, OrderIntent, OrderUpdate, Price, Qty, Side, UpdateKind,
};

use super::{AccountRegs, SymbolRegs};

/// One operation. Each fits a 64-byte line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CardOp {
    /// A new order.
    New(OrderOp),
    /// A replacement: judged and reserved like a new order, on top of the one it replaces.
    Replace(OrderOp),
    /// A cancel: only counted.
    Cancel(CancelOp),
    /// A report of the venue.
    Update(UpdateOp),
    /// Engages or releases a kill.
    Kill {
        /// What it stops.
        scope: KillScope,
        /// Engage, or release.
        engaged: bool,
    },
    /// Halts a symbol or resumes it.
    Halt {
        /// The symbol.
        symbol: InstrumentId,
        /// Halt, or resume.
        halted: bool,
    },
    /// Raises the fencing epoch; a lower one changes nothing.
    Epoch(u32),
    /// Writes the limits of a symbol.
    SetSymbol {
        /// The symbol.
        symbol: InstrumentId,
        /// Its limits.
        regs: SymbolRegs,
    },
    /// Writes the limits of an account.
    SetAccount {
        /// The account.
        account: AccountId,
        /// Its limits.
        regs: AccountRegs,
    },
}

/// An order to be judged; fields still have the width of the host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OrderOp {
    /// The account.
    pub account: AccountId,
    /// The symbol.
    pub symbol: InstrumentId,
    /// The side.
    pub side: Side,
    /// Limit price.
    pub price: Price,
    /// Quantity; of a replacement, the open quantity wanted afterwards.
    pub qty: Qty,
    /// Fencing epoch it is stamped with.
    pub epoch: u32,
    /// The engine's time.
    pub now_ns: u64,
}

/// A cancel to be counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CancelOp {
    /// The account.
    pub account: AccountId,
    /// The symbol.
    pub symbol: InstrumentId,
    /// The engine's time.
    pub now_ns: u64,
}

/// What a report says about a trade.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FillEffect {
    /// No trade.
    None,
    /// A fill: leaves the open quantity, enters the position.
    Fill,
    /// A past fill taken back: leaves the position, does not reopen the order.
    Break,
}

/// A report of the venue: first its trade, then what it releases, then whether the order ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UpdateOp {
    /// The account.
    pub account: AccountId,
    /// The symbol.
    pub symbol: InstrumentId,
    /// Side of the order.
    pub side: Side,
    /// Whether it is a trade, or one taken back.
    pub effect: FillEffect,
    /// Price at which the traded quantity was reserved.
    pub price: Price,
    /// Price of the trade.
    pub fill_price: Price,
    /// Quantity of the trade.
    pub fill_qty: Qty,
    /// Price at which `released_qty` was reserved.
    pub released_price: Price,
    /// Open quantity that will never trade.
    pub released_qty: Qty,
    /// Whether one reserved order ends here.
    pub ends: bool,
}

impl CardOp {
    /// The operation that asks for `intent`.
    #[inline]
    pub fn from_intent(intent: &OrderIntent) -> CardOp {
        let order = OrderOp {
            account: intent.account,
            symbol: intent.instrument,
            side: intent.side,
            price: intent.price,
            qty: intent.qty,
            epoch: intent.epoch,
            now_ns: intent.now_ns.0,
        };
        match intent.kind {
            IntentKind::New => CardOp::New(order),
            IntentKind::Replace => CardOp::Replace(order),
            IntentKind::Cancel => CardOp::Cancel(CancelOp {
                account: intent.account,
                symbol: intent.instrument,
                now_ns: intent.now_ns.0,
            }),
        }
    }

    /// The operation that reports `update`. What the gate itself refused reserved nothing: `None`.
    #[inline]
    pub fn from_update(update: &OrderUpdate) -> Option<CardOp> {
        if update.kind == UpdateKind::RefusedByGate {
            return None;
        }
        let (side, effect) = match update.kind {
            UpdateKind::Filled => (update.side, FillEffect::Fill),
            UpdateKind::Broken => (update.side, FillEffect::Break),
            // It moves the position only: the opposite of a fill taken back.
            UpdateKind::Unreserved => (update.side.opposite(), FillEffect::Break),
            _ => (update.side, FillEffect::None),
        };
        Some(CardOp::Update(UpdateOp {
            account: update.account,
            symbol: update.instrument,
            side,
            effect,
            price: update.price,
            fill_price: update.fill_price,
            fill_qty: update.fill_qty,
            released_price: update.released_price,
            released_qty: match update.kind {
                UpdateKind::Unreserved => Qty(0), // of this side there is nothing to release
                _ => update.released_qty,
            },
            ends: ends(update),
        }))
    }
}

/// Whether `update` ends exactly one reserved order.
///
/// A refused replace ends the replacement whatever became of `orig`, whose end is told by its own
/// update. A refused cancel, a broken trade or one that nothing was reserved for may find the order closed
/// long ago: they end nothing.
/// An acceptance ends an order only where it also releases it (accepted and dead at once).
#[inline]
fn ends(update: &OrderUpdate) -> bool {
    match update.kind {
        UpdateKind::Rejected | UpdateKind::ReplaceRejected => true,
        UpdateKind::Filled | UpdateKind::Canceled | UpdateKind::Replaced => update.closed,
        UpdateKind::Accepted => update.closed && update.released_qty.0 > 0,
        UpdateKind::RefusedByGate
        | UpdateKind::CancelRejected
        | UpdateKind::Broken
        | UpdateKind::Unreserved => false,
    }
}
