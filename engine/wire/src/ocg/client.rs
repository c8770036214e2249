//! Whole frames from the client, ready to be patched and sent.
//!
//! The presence map of each frame is fixed when it is built, so that every field that differs from
//! order to order stands at a constant offset; what varies in presence (the limit on price levels)
//! stands behind all of them. A frame is sealed last: its checksum runs over all of it, which costs
//! one CRC-32C of 150 to 190 bytes (some 20 steps of eight bytes where the processor has the
//! instruction). On the client side only `order` may use this module: it takes nothing but cleared
//! intents, and a house test reads the sources for this path.

use super::CHECKSUM_LEN;
use super::codes::{kind, mass_cancel};
use super::frame::{Header, Presence, START};
use crate::num::{Le16, Le32, Le64};
use crate::record::record;
use crate::text::padded;

/// What is the same in every order of a session, padded with NUL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fixed {
    /// The session.
    pub comp_id: [u8; 12],
    /// The broker.
    pub broker: [u8; 12],
    /// XHKG.
    pub exchange: [u8; 5],
    /// See [`super::codes::capacity`].
    pub capacity: u8,
    /// Disclosure instructions; bit 0 says that there are none.
    pub disclosure: u16,
}

impl Fixed {
    /// From text; `None` when one is too long for its field.
    pub fn new(comp_id: &str, broker: &str, capacity: u8) -> Option<Fixed> {
        Some(Fixed {
            comp_id: padded(comp_id.as_bytes(), 0)?,
            broker: padded(broker.as_bytes(), 0)?,
            exchange: *b"XHKG\0",
            capacity,
            disclosure: 1,
        })
    }

    /// Capacity and disclosure, as they stand behind the fields of constant place.
    fn close(&self) -> [u8; 3] {
        let [low, high] = self.disclosure.to_le_bytes();
        [self.capacity, low, high]
    }

    fn header(&self, message_type: u8, bits: &[u8], length: usize) -> Header {
        Header {
            start_of_message: START,
            length: Le16::new(length as u16),
            message_type,
            sequence_number: Le32::new(0),
            poss_dup: 0,
            poss_resend: 0,
            comp_id: self.comp_id,
            presence: Presence::of(bits),
        }
    }
}

record! {
    /// New Order up to its last field of constant place; behind it [`NewFrame`] keeps max price
    /// levels (where it is there), capacity and disclosure.
    NewFields, 158 {
        0 header: Header,
        54 client_order_id: [u8; 21],
        75 submitting_broker: [u8; 12],
        87 security_id: [u8; 21],
        108 security_id_source: u8,
        109 security_exchange: [u8; 5],
        114 transaction_time: [u8; 25],
        139 side: u8,
        140 order_type: u8,
        /// Eight decimals.
        141 price: Le64,
        /// Eight decimals.
        149 quantity: Le64,
        157 time_in_force: u8,
    }
}

record! {
    /// Amend Order up to its last field of constant place, like [`NewFields`].
    AmendFields, 179 {
        0 header: Header,
        54 client_order_id: [u8; 21],
        75 submitting_broker: [u8; 12],
        87 security_id: [u8; 21],
        108 security_id_source: u8,
        109 security_exchange: [u8; 5],
        114 transaction_time: [u8; 25],
        139 side: u8,
        140 original_client_order_id: [u8; 21],
        161 order_type: u8,
        162 price: Le64,
        /// Total of the order, with what has executed.
        170 quantity: Le64,
        178 time_in_force: u8,
    }
}

record! {
    /// Cancel Order without its checksum.
    CancelFields, 161 {
        0 header: Header,
        54 client_order_id: [u8; 21],
        75 submitting_broker: [u8; 12],
        87 security_id: [u8; 21],
        108 security_id_source: u8,
        109 security_exchange: [u8; 5],
        114 transaction_time: [u8; 25],
        139 side: u8,
        140 original_client_order_id: [u8; 21],
    }
}

record! {
    /// Mass Cancel of all orders without its checksum.
    MassCancelFields, 113 {
        0 header: Header,
        54 client_order_id: [u8; 21],
        75 submitting_broker: [u8; 12],
        87 transaction_time: [u8; 25],
        112 request_type: u8,
    }
}

record! {
    NewWire, 166 {
        0 fields: NewFields,
        /// Levels where they are there, capacity, disclosure; then the checksum.
        158 tail: [u8; 8],
    }
}

record! {
    AmendWire, 187 {
        0 fields: AmendFields,
        179 tail: [u8; 8],
    }
}

record! {
    CancelWire, 165 {
        0 fields: CancelFields,
        161 checksum: Le32,
    }
}

record! {
    MassCancelWire, 117 {
        0 fields: MassCancelFields,
        113 checksum: Le32,
    }
}

/// Bytes of the longest new order frame.
pub const NEW_LEN: usize = size_of::<NewWire>();
/// Bytes of the longest amend frame.
pub const AMEND_LEN: usize = size_of::<AmendWire>();
/// Bytes of a cancel frame.
pub const CANCEL_LEN: usize = size_of::<CancelWire>();
/// Bytes of a mass cancel frame.
pub const MASS_CANCEL_LEN: usize = size_of::<MassCancelWire>();

/// A frame with New Order: limit or at-auction, short or not; every kind but odd lots.
#[derive(Clone, Copy, Debug)]
pub struct NewFrame {
    wire: NewWire,
    close: [u8; 3],
}

/// A frame with Amend Order.
#[derive(Clone, Copy, Debug)]
pub struct AmendFrame {
    wire: AmendWire,
    close: [u8; 3],
}

/// A frame with Cancel Order.
#[derive(Clone, Copy, Debug)]
pub struct CancelFrame {
    wire: CancelWire,
}

/// A frame with Mass Cancel of all orders of the session.
#[derive(Clone, Copy, Debug)]
pub struct MassCancelFrame {
    wire: MassCancelWire,
}

impl NewFrame {
    /// A limit day order of nothing.
    pub fn new(fixed: &Fixed) -> NewFrame {
        let mut wire: NewWire = bytemuck::Zeroable::zeroed();
        let fields = &mut wire.fields;
        fields.header = fixed.header(11, &[0, 1, 2, 3, 4, 6, 7, 8, 9, 10, 11, 15, 18], NEW_LEN);
        fields.submitting_broker = fixed.broker;
        fields.security_id_source = 8;
        fields.security_exchange = fixed.exchange;
        fields.order_type = kind::LIMIT;
        NewFrame { wire, close: fixed.close() }
    }

    /// The fields to be patched.
    #[inline]
    pub fn fields(&mut self) -> &mut NewFields {
        &mut self.wire.fields
    }

    /// The whole frame under `sequence`, with its checksum. `max_levels` 1 keeps the order from
    /// trading through the best price; `None` is an enhanced limit order.
    #[inline]
    pub fn seal(&mut self, sequence: u32, max_levels: Option<u8>) -> &[u8] {
        let header = &mut self.wire.fields.header;
        let length = patch(header, sequence, 14, max_levels, NEW_LEN);
        self.wire.tail = tail(max_levels, self.close);
        signed(bytemuck::bytes_of_mut(&mut self.wire), length)
    }
}

impl AmendFrame {
    /// An amend to a limit day order of nothing.
    pub fn new(fixed: &Fixed) -> AmendFrame {
        let mut wire: AmendWire = bytemuck::Zeroable::zeroed();
        let fields = &mut wire.fields;
        let bits = [0, 1, 2, 3, 4, 6, 7, 8, 10, 11, 12, 13, 17, 20];
        fields.header = fixed.header(12, &bits, AMEND_LEN);
        fields.submitting_broker = fixed.broker;
        fields.security_id_source = 8;
        fields.security_exchange = fixed.exchange;
        fields.order_type = kind::LIMIT;
        AmendFrame { wire, close: fixed.close() }
    }

    /// The fields to be patched.
    #[inline]
    pub fn fields(&mut self) -> &mut AmendFields {
        &mut self.wire.fields
    }

    /// As [`NewFrame::seal`].
    #[inline]
    pub fn seal(&mut self, sequence: u32, max_levels: Option<u8>) -> &[u8] {
        let header = &mut self.wire.fields.header;
        let length = patch(header, sequence, 16, max_levels, AMEND_LEN);
        self.wire.tail = tail(max_levels, self.close);
        signed(bytemuck::bytes_of_mut(&mut self.wire), length)
    }
}

impl CancelFrame {
    /// A cancel of nothing.
    pub fn new(fixed: &Fixed) -> CancelFrame {
        let mut wire: CancelWire = bytemuck::Zeroable::zeroed();
        let fields = &mut wire.fields;
        fields.header = fixed.header(13, &[0, 1, 2, 3, 4, 6, 7, 8], CANCEL_LEN);
        fields.submitting_broker = fixed.broker;
        fields.security_id_source = 8;
        fields.security_exchange = fixed.exchange;
        CancelFrame { wire }
    }

    /// The fields to be patched.
    #[inline]
    pub fn fields(&mut self) -> &mut CancelFields {
        &mut self.wire.fields
    }

    /// The whole frame under `sequence`, with its checksum.
    #[inline]
    pub fn seal(&mut self, sequence: u32) -> &[u8] {
        self.wire.fields.header.sequence_number = Le32::new(sequence);
        signed(bytemuck::bytes_of_mut(&mut self.wire), CANCEL_LEN)
    }
}

impl MassCancelFrame {
    /// A mass cancel of all orders.
    pub fn new(fixed: &Fixed) -> MassCancelFrame {
        let mut wire: MassCancelWire = bytemuck::Zeroable::zeroed();
        let fields = &mut wire.fields;
        fields.header = fixed.header(14, &[0, 1, 6, 8], MASS_CANCEL_LEN);
        fields.submitting_broker = fixed.broker;
        fields.request_type = mass_cancel::ALL;
        MassCancelFrame { wire }
    }

    /// The fields to be patched.
    #[inline]
    pub fn fields(&mut self) -> &mut MassCancelFields {
        &mut self.wire.fields
    }

    /// The whole frame under `sequence`, with its checksum.
    #[inline]
    pub fn seal(&mut self, sequence: u32) -> &[u8] {
        self.wire.fields.header.sequence_number = Le32::new(sequence);
        signed(bytemuck::bytes_of_mut(&mut self.wire), MASS_CANCEL_LEN)
    }
}

/// Sets what the presence of max price levels changes, and returns the length of the frame.
#[inline]
fn patch(header: &mut Header, sequence: u32, bit: u8, levels: Option<u8>, longest: usize) -> usize {
    let length = longest - usize::from(levels.is_none());
    header.length = Le16::new(length as u16);
    header.sequence_number = Le32::new(sequence);
    header.presence = match levels {
        Some(_) => header.presence.with(bit),
        None => header.presence.without(bit),
    };
    length
}

#[inline]
fn tail(levels: Option<u8>, [a, b, c]: [u8; 3]) -> [u8; 8] {
    match levels {
        Some(levels) => [levels, a, b, c, 0, 0, 0, 0],
        None => [a, b, c, 0, 0, 0, 0, 0],
    }
}

/// The first `length` bytes, the last four of them made the checksum of those before.
#[inline]
fn signed(frame: &mut [u8], length: usize) -> &[u8] {
    let frame = frame.get_mut(..length).unwrap_or_default();
    if let Some((covered, sum)) = frame.split_last_chunk_mut::<CHECKSUM_LEN>() {
        *sum = crc32c::crc32c(covered).to_le_bytes();
    }
    frame
}
