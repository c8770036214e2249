//! Messages from the venue to the client. The size in each declaration excludes the appendage
//! length; the lengths of the specification include it where the message always carries one.

use super::{Appendage, OuchError};
use crate::num::{Be16, Be32, Be64};
use crate::record::record;

record! {
    /// System Event, `S`: 10 bytes.
    SystemEvent, 10, b'S' {
        0 kind: u8,
        /// Nanoseconds since midnight, US Eastern, as in every outbound message.
        1 timestamp: Be64,
        /// `S` start of day, `E` end of day.
        9 event_code: u8,
    }
}

record! {
    /// Order Accepted, `A`: 62 bytes, then the appendage (64 with its length).
    Accepted, 62, b'A' {
        0 kind: u8,
        1 timestamp: Be64,
        9 user_ref_num: Be32,
        13 side: u8,
        14 quantity: Be32,
        18 symbol: [u8; 8],
        /// Four decimals.
        26 price: Be64,
        34 time_in_force: u8,
        35 display: u8,
        /// The venue's id, equal to the ITCH id when displayed.
        36 order_reference_number: Be64,
        44 capacity: u8,
        45 sweep: u8,
        46 cross_type: u8,
        /// `L` live, `D` dead: accepted, then cancelled at once.
        47 order_state: u8,
        48 clordid: [u8; 14],
    }
}

record! {
    /// Order Replaced, `U`: 66 bytes, then the appendage (68 with its length).
    Replaced, 66, b'U' {
        0 kind: u8,
        1 timestamp: Be64,
        9 orig_user_ref_num: Be32,
        13 user_ref_num: Be32,
        17 side: u8,
        18 quantity: Be32,
        22 symbol: [u8; 8],
        /// Four decimals.
        30 price: Be64,
        38 time_in_force: u8,
        39 display: u8,
        40 order_reference_number: Be64,
        48 capacity: u8,
        49 sweep: u8,
        50 cross_type: u8,
        /// `L` live, `D` dead.
        51 order_state: u8,
        52 clordid: [u8; 14],
    }
}

record! {
    /// Order Canceled, `C`: 18 bytes.
    Canceled, 18, b'C' {
        0 kind: u8,
        1 timestamp: Be64,
        9 user_ref_num: Be32,
        /// Shares removed now; may be a part.
        13 quantity: Be32,
        /// See [`super::codes::cancel`].
        17 reason: u8,
    }
}

record! {
    /// AIQ (self-trade) Canceled, `D`: 31 bytes; a newer issue appends a strategy byte (32).
    AiqCanceled, 31, b'D' {
        0 kind: u8,
        1 timestamp: Be64,
        9 user_ref_num: Be32,
        /// Shares removed from the order.
        13 decrement_shares: Be32,
        17 reason: u8,
        /// Shares that would have matched.
        18 quantity_prevented: Be32,
        /// Four decimals.
        22 execution_price: Be64,
        30 liquidity_flag: u8,
    }
}

record! {
    /// Order Executed, `E`: 34 bytes, then the appendage (36 with its length).
    Executed, 34, b'E' {
        0 kind: u8,
        1 timestamp: Be64,
        9 user_ref_num: Be32,
        13 quantity: Be32,
        /// Four decimals.
        17 price: Be64,
        /// See [`super::codes::liquidity`].
        25 liquidity_flag: u8,
        /// Equal to the ITCH match number.
        26 match_number: Be64,
    }
}

record! {
    /// Broken Trade, `B`: 36 bytes.
    Broken, 36, b'B' {
        0 kind: u8,
        1 timestamp: Be64,
        9 user_ref_num: Be32,
        13 match_number: Be64,
        /// `E` erroneous, `C` consent, `S` supervisory, `X` external.
        21 reason: u8,
        22 clordid: [u8; 14],
    }
}

record! {
    /// Trade Correction, `F`: 49 bytes.
    Correction, 49, b'F' {
        0 kind: u8,
        1 timestamp: Be64,
        9 user_ref_num: Be32,
        13 quantity: Be32,
        /// Four decimals.
        17 price: Be64,
        25 liquidity_flag: u8,
        26 match_number: Be64,
        /// `N` adjusted to net asset value.
        34 reason: u8,
        35 clordid: [u8; 14],
    }
}

record! {
    /// Rejected, `J`: 29 bytes. For a replace, `user_ref_num` is the new id.
    Rejected, 29, b'J' {
        0 kind: u8,
        1 timestamp: Be64,
        9 user_ref_num: Be32,
        /// See [`super::codes::reject`].
        13 reason: Be16,
        15 clordid: [u8; 14],
    }
}

record! {
    /// Cancel Pending, `P`: 13 bytes. The order is in a cross; the cancel waits.
    CancelPending, 13, b'P' {
        0 kind: u8,
        1 timestamp: Be64,
        9 user_ref_num: Be32,
    }
}

record! {
    /// Cancel Reject, `I`: 13 bytes.
    CancelReject, 13, b'I' {
        0 kind: u8,
        1 timestamp: Be64,
        9 user_ref_num: Be32,
    }
}

record! {
    /// Priority Update, `T`: 30 bytes.
    PriorityUpdate, 30, b'T' {
        0 kind: u8,
        1 timestamp: Be64,
        9 user_ref_num: Be32,
        /// Four decimals.
        13 price: Be64,
        21 display: u8,
        22 order_reference_number: Be64,
    }
}

record! {
    /// Order Modified, `M`: 18 bytes.
    Modified, 18, b'M' {
        0 kind: u8,
        1 timestamp: Be64,
        9 user_ref_num: Be32,
        13 side: u8,
        14 quantity: Be32,
    }
}

record! {
    /// Order Restated, `R`: 14 bytes, then the appendage (16 with its length).
    Restated, 14, b'R' {
        0 kind: u8,
        1 timestamp: Be64,
        9 user_ref_num: Be32,
        /// `R` refresh of display, `P` displayed price updated.
        13 reason: u8,
    }
}

record! {
    /// Account Query Response, `Q`: 13 bytes.
    QueryResponse, 13, b'Q' {
        0 kind: u8,
        1 timestamp: Be64,
        /// Next id the venue will take.
        9 next_user_ref_num: Be32,
    }
}

record! {
    /// Mass Cancel Response, `X`: 25 bytes, then the appendage (27 with its length).
    MassCancelResponse, 25, b'X' {
        0 kind: u8,
        1 timestamp: Be64,
        9 user_ref_num: Be32,
        13 firm: [u8; 4],
        17 symbol: [u8; 8],
    }
}

record! {
    /// Disable Order Entry Response, `G`: 17 bytes, then the appendage (19 with its length).
    DisableResponse, 17, b'G' {
        0 kind: u8,
        1 timestamp: Be64,
        9 user_ref_num: Be32,
        13 firm: [u8; 4],
    }
}

record! {
    /// Enable Order Entry Response, `K`: 17 bytes, then the appendage (19 with its length).
    EnableResponse, 17, b'K' {
        0 kind: u8,
        1 timestamp: Be64,
        9 user_ref_num: Be32,
        13 firm: [u8; 4],
    }
}

/// A message from the venue, viewed in place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outbound<'a> {
    /// `S`
    SystemEvent(&'a SystemEvent),
    /// `A`
    Accepted(&'a Accepted),
    /// `U`
    Replaced(&'a Replaced),
    /// `C`
    Canceled(&'a Canceled),
    /// `D`
    AiqCanceled(&'a AiqCanceled),
    /// `E`
    Executed(&'a Executed),
    /// `B`
    Broken(&'a Broken),
    /// `F`
    Correction(&'a Correction),
    /// `J`
    Rejected(&'a Rejected),
    /// `P`
    CancelPending(&'a CancelPending),
    /// `I`
    CancelReject(&'a CancelReject),
    /// `T`
    PriorityUpdate(&'a PriorityUpdate),
    /// `M`
    Modified(&'a Modified),
    /// `R`
    Restated(&'a Restated),
    /// `Q`
    QueryResponse(&'a QueryResponse),
    /// `X`
    MassCancelResponse(&'a MassCancelResponse),
    /// `G`
    DisableResponse(&'a DisableResponse),
    /// `K`
    EnableResponse(&'a EnableResponse),
}

impl<'a> Outbound<'a> {
    /// Views `body` (the payload of an `S` frame) as a message and its appendage, which is empty
    /// where its length is absent. Every message may carry one: tag 28 follows the order.
    #[inline]
    pub fn parse(body: &'a [u8]) -> Result<(Outbound<'a>, Appendage<'a>), OuchError> {
        let kind = *body.first().ok_or(OuchError::Empty)?;
        let short = OuchError::Short(kind);
        let (message, fixed) = match kind {
            b'E' => (Outbound::Executed(Executed::parse(body).ok_or(short)?), 34),
            b'A' => (Outbound::Accepted(Accepted::parse(body).ok_or(short)?), 62),
            b'U' => (Outbound::Replaced(Replaced::parse(body).ok_or(short)?), 66),
            b'C' => (Outbound::Canceled(Canceled::parse(body).ok_or(short)?), 18),
            b'J' => (Outbound::Rejected(Rejected::parse(body).ok_or(short)?), 29),
            b'I' => (Outbound::CancelReject(CancelReject::parse(body).ok_or(short)?), 13),
            b'P' => (Outbound::CancelPending(CancelPending::parse(body).ok_or(short)?), 13),
            b'D' => {
                let aiq = AiqCanceled::parse(body).ok_or(short)?;
                (Outbound::AiqCanceled(aiq), aiq_len(body))
            }
            b'B' => (Outbound::Broken(Broken::parse(body).ok_or(short)?), 36),
            b'F' => (Outbound::Correction(Correction::parse(body).ok_or(short)?), 49),
            b'T' => (Outbound::PriorityUpdate(PriorityUpdate::parse(body).ok_or(short)?), 30),
            b'M' => (Outbound::Modified(Modified::parse(body).ok_or(short)?), 18),
            b'R' => (Outbound::Restated(Restated::parse(body).ok_or(short)?), 14),
            b'S' => (Outbound::SystemEvent(SystemEvent::parse(body).ok_or(short)?), 10),
            b'Q' => (Outbound::QueryResponse(QueryResponse::parse(body).ok_or(short)?), 13),
            b'X' => {
                (Outbound::MassCancelResponse(MassCancelResponse::parse(body).ok_or(short)?), 25)
            }
            b'G' => (Outbound::DisableResponse(DisableResponse::parse(body).ok_or(short)?), 17),
            b'K' => (Outbound::EnableResponse(EnableResponse::parse(body).ok_or(short)?), 17),
            other => return Err(OuchError::UnknownType(other)),
        };
        Ok((message, Appendage::after(body, fixed, kind)?))
    }
}

/// Where the appendage of an AIQ Canceled starts. The strategy byte of the newer issue is a letter;
/// the high byte of an appendage length is 0 for any list below 256 bytes.
#[inline]
fn aiq_len(body: &[u8]) -> usize {
    match body.get(31) {
        Some(strategy) if *strategy != 0 => 32,
        _ => 31,
    }
}

/// The strategy byte of an AIQ Canceled, where the venue's issue has one.
pub fn aiq_strategy(body: &[u8]) -> Option<u8> {
    (aiq_len(body) == 32).then(|| body.get(31).copied()).flatten()
}
