//! Whole frames from the client, ready to be patched and sent: SoupBinTCP header, message, and an
//! empty appendage where the message always carries its length.
//!
//! A frame is built once and patched in place, so that sending an order writes only the fields that
//! differ from the last one. On the client side only `order` may use this module: it takes nothing
//! but cleared intents, and a house test reads the sources for this path.

use super::inbound::{CancelOrder, EnterOrder, ReplaceOrder};
use crate::num::Be16;
use crate::record::record;
use crate::soup::Header;

record! {
    /// A frame with Enter Order and no optional fields.
    EnterFrame, 50 {
        0 header: Header,
        3 order: EnterOrder,
        48 appendage_length: Be16,
    }
}

record! {
    /// A frame with Replace Order and no optional fields.
    ReplaceFrame, 43 {
        0 header: Header,
        3 order: ReplaceOrder,
        41 appendage_length: Be16,
    }
}

record! {
    /// A frame with Cancel Order.
    CancelFrame, 12 {
        0 header: Header,
        3 order: CancelOrder,
    }
}

/// A frame with Account Query: it names nothing and uses up no number.
pub const QUERY_FRAME: [u8; 4] = [0, 2, b'U', b'Q'];

impl EnterFrame {
    /// The frame of `order`.
    pub const fn new(order: EnterOrder) -> EnterFrame {
        EnterFrame { header: Header::new(b'U', 47), order, appendage_length: Be16::new(0) }
    }
}

impl ReplaceFrame {
    /// The frame of `order`.
    pub const fn new(order: ReplaceOrder) -> ReplaceFrame {
        ReplaceFrame { header: Header::new(b'U', 40), order, appendage_length: Be16::new(0) }
    }
}

impl CancelFrame {
    /// The frame of `order`.
    pub const fn new(order: CancelOrder) -> CancelFrame {
        CancelFrame { header: Header::new(b'U', 9), order }
    }
}
