//! Whole frames from the client, ready to be patched and sent; see [`crate::ouch50::client`] for
//! the rule on who may use them.

use super::inbound::{CancelOrder, EnterOrder, ReplaceOrder};
use crate::record::record;
use crate::soup::Header;

record! {
    /// A frame with Enter Order.
    EnterFrame, 52 {
        0 header: Header,
        3 order: EnterOrder,
    }
}

record! {
    /// A frame with Replace Order.
    ReplaceFrame, 50 {
        0 header: Header,
        3 order: ReplaceOrder,
    }
}

record! {
    /// A frame with Cancel Order.
    CancelFrame, 22 {
        0 header: Header,
        3 order: CancelOrder,
    }
}

impl EnterFrame {
    /// The frame of `order`.
    pub const fn new(order: EnterOrder) -> EnterFrame {
        EnterFrame { header: Header::new(b'U', 49), order }
    }
}

impl ReplaceFrame {
    /// The frame of `order`.
    pub const fn new(order: ReplaceOrder) -> ReplaceFrame {
        ReplaceFrame { header: Header::new(b'U', 47), order }
    }
}

impl CancelFrame {
    /// The frame of `order`.
    pub const fn new(order: CancelOrder) -> CancelFrame {
        CancelFrame { header: Header::new(b'U', 19), order }
    }
}
