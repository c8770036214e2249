//! Whole frames from the client, ready to be patched and sent.
//!
//! A frame is built once and patched in place. It is sealed last: the checksum is a plain sum of
//! its bytes, one pass over 141 or 123 of them. On the client side only `order` may use this module:
//! it takes nothing but cleared intents, and a house test reads the sources for this path.

use super::codes::{biz, ord_type, tif};
use super::{CancelOrder, Header, NewOrder};
use crate::num::{Be32, Be64};
use crate::record::record;
use crate::text::padded;
use crate::tgw::client::signed;

/// What is the same in every order of a session, padded with spaces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fixed {
    /// Kind of business.
    pub biz_id: u32,
    /// The trading unit.
    pub pbu: [u8; 8],
    /// The account.
    pub account: [u8; 13],
    /// The branch.
    pub branch: [u8; 8],
    /// The clearing firm.
    pub clearing_firm: [u8; 8],
    /// Kind of owner.
    pub owner_type: u8,
    /// Free text of the client, echoed.
    pub user_info: [u8; 32],
}

impl Fixed {
    /// From text; `None` when one is too long for its field.
    pub fn new(pbu: &str, account: &str, branch: &str, owner_type: u8) -> Option<Fixed> {
        Some(Fixed {
            biz_id: biz::AUCTION,
            pbu: padded(pbu.as_bytes(), b' ')?,
            account: padded(account.as_bytes(), b' ')?,
            branch: padded(branch.as_bytes(), b' ')?,
            clearing_firm: [b' '; 8],
            owner_type,
            user_info: [b' '; 32],
        })
    }
}

record! {
    /// A frame with New Order Single.
    NewFrame, 145 {
        0 header: Header,
        16 order: NewOrder,
        141 checksum: Be32,
    }
}

record! {
    /// A frame with Order Cancel.
    CancelFrame, 127 {
        0 header: Header,
        16 order: CancelOrder,
        123 checksum: Be32,
    }
}

impl NewFrame {
    /// A limit day order of nothing.
    pub fn new(fixed: &Fixed) -> NewFrame {
        let mut frame: NewFrame = bytemuck::Zeroable::zeroed();
        frame.header.msg_type = Be32::new(NewOrder::TYPE);
        frame.header.msg_body_len = Be32::new(125);
        let order = &mut frame.order;
        order.biz_id = Be32::new(fixed.biz_id);
        order.biz_pbu = fixed.pbu;
        order.security_id = [b' '; 12];
        order.account = fixed.account;
        order.owner_type = fixed.owner_type;
        order.ord_type = ord_type::LIMIT;
        order.time_in_force = tif::DAY;
        order.credit_tag = *b"  ";
        order.clearing_firm = fixed.clearing_firm;
        order.branch_id = fixed.branch;
        order.user_info = fixed.user_info;
        frame
    }

    /// The whole frame under `sequence`, with its checksum.
    #[inline]
    pub fn seal(&mut self, sequence: u64) -> &[u8] {
        self.header.msg_seq_num = Be64::new(sequence);
        signed(bytemuck::bytes_of_mut(self))
    }
}

impl CancelFrame {
    /// A cancel of nothing.
    pub fn new(fixed: &Fixed) -> CancelFrame {
        let mut frame: CancelFrame = bytemuck::Zeroable::zeroed();
        frame.header.msg_type = Be32::new(CancelOrder::TYPE);
        frame.header.msg_body_len = Be32::new(107);
        let order = &mut frame.order;
        order.biz_id = Be32::new(fixed.biz_id);
        order.biz_pbu = fixed.pbu;
        order.security_id = [b' '; 12];
        order.account = fixed.account;
        order.owner_type = fixed.owner_type;
        order.branch_id = fixed.branch;
        order.user_info = fixed.user_info;
        frame
    }

    /// The whole frame under `sequence`, with its checksum.
    #[inline]
    pub fn seal(&mut self, sequence: u64) -> &[u8] {
        self.header.msg_seq_num = Be64::new(sequence);
        signed(bytemuck::bytes_of_mut(self))
    }
}
