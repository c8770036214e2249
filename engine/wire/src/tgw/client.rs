//! Whole frames from the client, ready to be patched and sent.
//!
//! A frame is built once and patched in place. It is sealed last: the checksum is a plain sum of
//! its bytes, one pass over 117 or 94 of them. On the client side only `order` may use this module:
//! it takes nothing but cleared intents, and a house test reads the sources for this path.

use super::codes::{cash_margin, ord_type, tif};
use super::{CancelOrder, NewOrder, SPOT};
use crate::num::{Be16, Be32};
use crate::record::record;
use crate::szse::frame::{Header, checksum};
use crate::text::padded;

/// What is the same in every order of a session, padded with spaces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fixed {
    /// The trading unit.
    pub pbu: [u8; 6],
    /// The account.
    pub account: [u8; 12],
    /// The branch.
    pub branch: [u8; 4],
    /// The clearing firm.
    pub clearing_firm: [u8; 2],
    /// See [`super::codes::owner`].
    pub owner_type: u16,
    /// See [`super::codes::restriction`].
    pub restrictions: [u8; 4],
}

impl Fixed {
    /// From text; `None` when one is too long for its field. `restrictions` are up to four letters,
    /// `1` for programme trading.
    pub fn new(
        pbu: &str,
        account: &str,
        branch: &str,
        owner_type: u16,
        restrictions: &str,
    ) -> Option<Fixed> {
        Some(Fixed {
            pbu: padded(pbu.as_bytes(), b' ')?,
            account: padded(account.as_bytes(), b' ')?,
            branch: padded(branch.as_bytes(), b' ')?,
            clearing_firm: *b"  ",
            owner_type,
            restrictions: padded(restrictions.as_bytes(), b' ')?,
        })
    }
}

record! {
    /// A frame with New Order.
    NewFrame, 121 {
        0 header: Header,
        8 order: NewOrder,
        117 checksum: Be32,
    }
}

record! {
    /// A frame with Cancel Request.
    CancelFrame, 98 {
        0 header: Header,
        8 order: CancelOrder,
        94 checksum: Be32,
    }
}

impl NewFrame {
    /// A limit day order of nothing.
    pub fn new(fixed: &Fixed) -> NewFrame {
        let mut frame: NewFrame = bytemuck::Zeroable::zeroed();
        frame.header = Header { msg_type: NewOrder::TYPE.into(), body_length: Be32::new(109) };
        let order = &mut frame.order;
        order.appl_id = SPOT;
        order.submitting_pbu = fixed.pbu;
        order.security_id = [b' '; 8];
        order.security_id_source = *b"102 ";
        order.owner_type = Be16::new(fixed.owner_type);
        order.clearing_firm = fixed.clearing_firm;
        order.user_info = [b' '; 8];
        order.account_id = fixed.account;
        order.branch_id = fixed.branch;
        order.order_restrictions = fixed.restrictions;
        order.ord_type = ord_type::LIMIT;
        order.time_in_force = tif::DAY;
        order.cash_margin = cash_margin::CASH;
        frame
    }

    /// The whole frame with its checksum.
    #[inline]
    pub fn seal(&mut self) -> &[u8] {
        signed(bytemuck::bytes_of_mut(self))
    }
}

impl CancelFrame {
    /// A cancel of nothing.
    pub fn new(fixed: &Fixed) -> CancelFrame {
        let mut frame: CancelFrame = bytemuck::Zeroable::zeroed();
        frame.header = Header { msg_type: CancelOrder::TYPE.into(), body_length: Be32::new(86) };
        let order = &mut frame.order;
        order.appl_id = SPOT;
        order.submitting_pbu = fixed.pbu;
        order.security_id = [b' '; 8];
        order.security_id_source = *b"102 ";
        order.owner_type = Be16::new(fixed.owner_type);
        order.clearing_firm = fixed.clearing_firm;
        order.user_info = [b' '; 8];
        order.order_id = [b' '; 16];
        frame
    }

    /// The whole frame with its checksum.
    #[inline]
    pub fn seal(&mut self) -> &[u8] {
        signed(bytemuck::bytes_of_mut(self))
    }
}

/// `frame`, its last four bytes made the sum of those before.
#[inline]
pub(crate) fn signed(frame: &mut [u8]) -> &[u8] {
    if let Some((covered, sum)) = frame.split_last_chunk_mut::<4>() {
        *sum = checksum(covered).to_be_bytes();
    }
    frame
}
