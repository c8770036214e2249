//! What a venue can say of an order, whatever protocol says it.

mod mainland;
mod ocg;

use nofx_wire::ouch42::{self, Token, token_id};
use nofx_wire::ouch50::codes::{cancel, liquidity, state};
use nofx_wire::ouch50::{self, OuchError};
use nofx_wire::text;

use crate::anomaly::Anomaly;
use crate::cancels::Cancels;

pub(crate) use mainland::{from_tdgw, from_tgw};
pub(crate) use ocg::{THROTTLED, from_ocg, from_ocg_reject, is_throttle};

/// How an order was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Placed {
    pub id: u32,
    pub order_ref: u64,
    pub price: u64,
    pub qty: u32,
    /// Taken, and cancelled at once.
    pub dead: bool,
}

/// A trade as the venue states it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Trade {
    pub id: u32,
    pub qty: u32,
    pub price: u64,
    pub maker: bool,
    pub match_number: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Report {
    Accepted(Placed),
    Replaced {
        orig: u32,
        placed: Placed,
    },
    /// `qty` was taken off; `asked` when we wanted that.
    Canceled {
        id: u32,
        qty: u32,
        asked: bool,
    },
    /// All that was left was taken off; `asked` when we wanted that.
    Gone {
        id: u32,
        asked: bool,
    },
    /// Shares of the chain were cut to `qty` in place.
    Modified {
        id: u32,
        qty: u32,
    },
    Executed(Trade),
    Broken {
        id: u32,
        match_number: u64,
    },
    Corrected(Trade),
    Rejected {
        id: u32,
        /// The venue's code; in 4.2 its letter.
        reason: u16,
    },
    CancelRejected {
        id: u32,
    },
    /// The order has another reference at the venue.
    Referenced {
        id: u32,
        order_ref: u64,
    },
    /// The answer to an account query: the lowest id that the venue will take.
    NextId(u32),
    /// Moves no order: day events, a cancel that waits, restated display.
    Note,
}

impl Report {
    /// The id that the venue took in with this report, for an order, a replacement or a refusal.
    #[inline]
    pub fn taken(&self) -> Option<u32> {
        match *self {
            Report::Accepted(placed) | Report::Replaced { placed, .. } => Some(placed.id),
            Report::Rejected { id, .. } => Some(id),
            _ => None,
        }
    }
}

/// Why a body is no report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NoReport {
    /// Not a message.
    Malformed,
    /// It names a token that we did not write.
    ForeignToken,
}

impl From<NoReport> for Anomaly {
    fn from(why: NoReport) -> Anomaly {
        match why {
            NoReport::Malformed => Anomaly::Malformed,
            NoReport::ForeignToken => Anomaly::ForeignToken,
        }
    }
}

impl From<OuchError> for NoReport {
    fn from(_: OuchError) -> NoReport {
        NoReport::Malformed
    }
}

/// Whom a client order id names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Named {
    /// The order.
    Order(u32),
    /// The order that a cancel was for.
    Cancel(u32),
}

impl Named {
    /// The order that `field` names; `None` when the id is not ours, or that of a cancel forgotten.
    fn of(field: &[u8], cancels: &Cancels) -> Option<Named> {
        let id = text::id_of(field)?;
        match Cancels::is_cancel(id) {
            false => Some(Named::Order(id)),
            true => cancels.order_of(id).map(Named::Cancel),
        }
    }

    fn order(self) -> u32 {
        match self {
            Named::Order(id) | Named::Cancel(id) => id,
        }
    }
}

/// The order of a report that names the order, or a request for it: `orig`, where it is there.
fn order_of(orig: &[u8], own: &[u8], cancels: &Cancels) -> Result<u32, NoReport> {
    let named = Named::of(orig, cancels).or_else(|| Named::of(own, cancels));
    named.map(Named::order).ok_or(NoReport::ForeignToken)
}

/// Whether an id field says nothing.
fn is_blank(field: &[u8]) -> bool {
    text::trimmed(field).is_empty()
}

/// An id of the venue as a number: as it stands where it is one, else scrambled (FNV-1a), so that two
/// ids are most likely two numbers.
fn tag(field: &[u8]) -> u64 {
    let text = text::trimmed(field);
    let digits = text.len() <= 19 && text.iter().all(u8::is_ascii_digit);
    let step = |hash: u64, byte: &u8| match digits {
        true => hash * 10 + u64::from(byte - b'0'), // below 10^19
        false => (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3),
    };
    text.iter().fold(if digits { 0 } else { 0xcbf2_9ce4_8422_2325 }, step)
}

#[inline]
pub(crate) fn from_ouch50(body: &[u8]) -> Result<Report, NoReport> {
    use ouch50::Outbound::*;
    let (message, _) = ouch50::Outbound::parse(body)?;
    Ok(match message {
        Executed(m) => Report::Executed(Trade {
            id: m.user_ref_num.get(),
            qty: m.quantity.get(),
            price: m.price.get(),
            maker: liquidity::adds(m.liquidity_flag),
            match_number: m.match_number.get(),
        }),
        Accepted(m) => Report::Accepted(Placed {
            id: m.user_ref_num.get(),
            order_ref: m.order_reference_number.get(),
            price: m.price.get(),
            qty: m.quantity.get(),
            dead: m.order_state == state::DEAD,
        }),
        Replaced(m) => Report::Replaced {
            orig: m.orig_user_ref_num.get(),
            placed: Placed {
                id: m.user_ref_num.get(),
                order_ref: m.order_reference_number.get(),
                price: m.price.get(),
                qty: m.quantity.get(),
                dead: m.order_state == state::DEAD,
            },
        },
        Canceled(m) => Report::Canceled {
            id: m.user_ref_num.get(),
            qty: m.quantity.get(),
            asked: m.reason == cancel::USER,
        },
        AiqCanceled(m) => Report::Canceled {
            id: m.user_ref_num.get(),
            qty: m.decrement_shares.get(),
            asked: false,
        },
        Rejected(m) => Report::Rejected { id: m.user_ref_num.get(), reason: m.reason.get() },
        CancelReject(m) => Report::CancelRejected { id: m.user_ref_num.get() },
        Broken(m) => {
            Report::Broken { id: m.user_ref_num.get(), match_number: m.match_number.get() }
        }
        Correction(m) => Report::Corrected(Trade {
            id: m.user_ref_num.get(),
            qty: m.quantity.get(),
            price: m.price.get(),
            maker: liquidity::adds(m.liquidity_flag),
            match_number: m.match_number.get(),
        }),
        Modified(m) => Report::Modified { id: m.user_ref_num.get(), qty: m.quantity.get() },
        PriorityUpdate(m) => Report::Referenced {
            id: m.user_ref_num.get(),
            order_ref: m.order_reference_number.get(),
        },
        QueryResponse(m) => Report::NextId(m.next_user_ref_num.get()),
        CancelPending(_)
        | Restated(_)
        | SystemEvent(_)
        | MassCancelResponse(_)
        | DisableResponse(_)
        | EnableResponse(_) => Report::Note,
    })
}

#[inline]
fn id_of(token: &Token) -> Result<u32, NoReport> {
    token_id(token).ok_or(NoReport::ForeignToken)
}

pub(crate) fn from_ouch42(body: &[u8]) -> Result<Report, NoReport> {
    use ouch42::Outbound::*;
    Ok(match ouch42::Outbound::parse(body)? {
        Executed(m) => Report::Executed(Trade {
            id: id_of(&m.token)?,
            qty: m.shares.get(),
            price: m.price.get().into(),
            maker: liquidity::adds(m.liquidity_flag),
            match_number: m.match_number.get(),
        }),
        ExecutedReference(m) => Report::Executed(Trade {
            id: id_of(&m.token)?,
            qty: m.shares.get(),
            price: m.price.get().into(),
            maker: liquidity::adds(m.liquidity_flag),
            match_number: m.match_number.get(),
        }),
        Accepted(m) => Report::Accepted(Placed {
            id: id_of(&m.token)?,
            order_ref: m.order_reference_number.get(),
            price: m.price.get().into(),
            qty: m.shares.get(),
            dead: m.order_state == state::DEAD,
        }),
        Replaced(m) => Report::Replaced {
            orig: id_of(&m.previous_token)?,
            placed: Placed {
                id: id_of(&m.replacement_token)?,
                order_ref: m.order_reference_number.get(),
                price: m.price.get().into(),
                qty: m.shares.get(),
                dead: m.order_state == state::DEAD,
            },
        },
        Canceled(m) => Report::Canceled {
            id: id_of(&m.token)?,
            qty: m.decrement_shares.get(),
            asked: m.reason == cancel::USER,
        },
        AiqCanceled(m) => {
            Report::Canceled { id: id_of(&m.token)?, qty: m.decrement_shares.get(), asked: false }
        }
        Rejected(m) => Report::Rejected { id: id_of(&m.token)?, reason: m.reason.into() },
        CancelReject(m) => Report::CancelRejected { id: id_of(&m.token)? },
        Broken(m) => Report::Broken { id: id_of(&m.token)?, match_number: m.match_number.get() },
        Correction(m) => Report::Corrected(Trade {
            id: id_of(&m.token)?,
            qty: m.shares.get(),
            price: m.price.get().into(),
            maker: liquidity::adds(m.liquidity_flag),
            match_number: m.match_number.get(),
        }),
        Modified(m) => Report::Modified { id: id_of(&m.token)?, qty: m.shares.get() },
        PriorityUpdate(m) => {
            Report::Referenced { id: id_of(&m.token)?, order_ref: m.order_reference_number.get() }
        }
        CancelPending(_) | TradeNowAck(_) | SystemEvent(_) => Report::Note,
    })
}
