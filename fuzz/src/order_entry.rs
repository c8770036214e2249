//! OUCH 5.0, OUCH 4.2 and SoupBinTCP: no byte string may make a decoder panic, and what a decoder
//! accepts must re-emit as it was.

use nofx_wire::ouch42;
use nofx_wire::ouch50::{self, Appendage, OuchError, TagValue};
use nofx_wire::soup::{self, Frame, SoupError};

/// A message as it was read: its text, and its bytes written anew.
pub type Read = Result<(String, Vec<u8>), OuchError>;

/// The record inside an enum of messages, as its bytes.
macro_rules! record_bytes {
    ($message:expr, $kind:ident: $($variant:ident)*) => {
        match $message { $($kind::$variant(record) => record.bytes(),)* }
    };
}

/// A message from a client of OUCH 5.0.
pub fn inbound50(body: &[u8]) -> Read {
    use ouch50::Inbound;
    let (message, tags) = Inbound::parse(body)?;
    let record = record_bytes!(message, Inbound:
        Enter Replace Cancel Modify MassCancel Disable Enable Query);
    Ok(with_tags(format!("{message:?}"), record, body, tags))
}

/// A message from a venue of OUCH 5.0.
pub fn outbound50(body: &[u8]) -> Read {
    use ouch50::Outbound;
    let (message, tags) = Outbound::parse(body)?;
    let record = record_bytes!(message, Outbound:
        SystemEvent Accepted Replaced Canceled AiqCanceled Executed Broken Correction Rejected
        CancelPending CancelReject PriorityUpdate Modified Restated QueryResponse
        MassCancelResponse DisableResponse EnableResponse);
    let mut fixed = record.to_vec();
    if matches!(message, Outbound::AiqCanceled(_)) {
        fixed.extend(ouch50::aiq_strategy(body));
    }
    Ok(with_tags(format!("{message:?}"), &fixed, body, tags))
}

/// Text and bytes of a message with optional fields. The length is written where `body` has one.
fn with_tags(
    mut text: String,
    fixed: &[u8],
    body: &[u8],
    tags: Appendage<'_>,
) -> (String, Vec<u8>) {
    let mut list = Vec::new();
    let mut separator = '|';
    for entry in tags {
        let mut out = [0; 256];
        let len = entry.put(&mut out).expect("an entry that was read fits one");
        list.extend(&out[..len]);
        let value: String = entry.value.iter().map(|byte| format!("{byte:02x}")).collect();
        text += &format!("{separator}{}={value}", entry.tag);
        separator = ',';
    }
    if separator == '|' {
        text.push('|');
    }
    let mut out = vec![0; fixed.len() + 2 + list.len()];
    let len = ouch50::put_with_appendage(&mut out, fixed, &list).expect("room for all");
    assert_eq!(len, out.len());
    if body.len() == fixed.len() {
        out.truncate(fixed.len());
    }
    (text, out)
}

/// A message from a client of OUCH 4.2.
pub fn inbound42(body: &[u8]) -> Read {
    use ouch42::Inbound;
    let message = Inbound::parse(body)?;
    let record = record_bytes!(message, Inbound: Enter Replace Cancel Modify TradeNow);
    Ok((format!("{message:?}"), record.to_vec()))
}

/// A message from a venue of OUCH 4.2.
pub fn outbound42(body: &[u8]) -> Read {
    use ouch42::Outbound;
    let message = Outbound::parse(body)?;
    let record = record_bytes!(message, Outbound:
        SystemEvent Accepted Replaced Canceled AiqCanceled Executed ExecutedReference Broken
        Correction Rejected CancelPending CancelReject PriorityUpdate Modified TradeNowAck);
    Ok((format!("{message:?}"), record.to_vec()))
}

/// Bytes of each letter without optional fields and their length (OUCH 5.0).
pub const INBOUND50: &[(u8, usize)] =
    &[(b'O', 45), (b'U', 38), (b'X', 9), (b'M', 10), (b'C', 17), (b'D', 9), (b'E', 9), (b'Q', 1)];
/// As [`INBOUND50`].
pub const OUTBOUND50: &[(u8, usize)] = &[
    (b'S', 10),
    (b'A', 62),
    (b'U', 66),
    (b'C', 18),
    (b'D', 31),
    (b'E', 34),
    (b'B', 36),
    (b'F', 49),
    (b'J', 29),
    (b'P', 13),
    (b'I', 13),
    (b'T', 30),
    (b'M', 18),
    (b'R', 14),
    (b'Q', 13),
    (b'X', 25),
    (b'G', 17),
    (b'K', 17),
];
/// As [`INBOUND50`].
pub const INBOUND42: &[(u8, usize)] = &[(b'O', 49), (b'U', 47), (b'X', 19), (b'M', 20), (b'N', 15)];
/// As [`INBOUND50`].
pub const OUTBOUND42: &[(u8, usize)] = &[
    (b'S', 10),
    (b'A', 66),
    (b'U', 80),
    (b'C', 28),
    (b'D', 37),
    (b'E', 40),
    (b'G', 45),
    (b'B', 32),
    (b'F', 41),
    (b'J', 24),
    (b'P', 23),
    (b'I', 23),
    (b'T', 36),
    (b'M', 28),
    (b'N', 23),
];

/// What was read is the front of `body`; what was not read has a reason that is true.
fn holds(body: &[u8], read: Read, sizes: &[(u8, usize)]) {
    let kind = body.first().copied();
    let size = sizes.iter().find(|(letter, _)| Some(*letter) == kind).map(|(_, size)| *size);
    match read {
        Ok((_, bytes)) => {
            assert!(body.len() >= size.expect("a known letter"));
            // An empty list may have been two zero bytes or nothing.
            assert!(body.starts_with(&bytes), "{body:02x?} read as {bytes:02x?}");
        }
        Err(OuchError::Empty) => assert!(body.is_empty()),
        Err(OuchError::UnknownType(letter)) => assert_eq!((Some(letter), size), (kind, None)),
        Err(OuchError::Short(letter)) => {
            assert!(Some(letter) == kind && body.len() < size.expect("a known letter"));
        }
        Err(OuchError::Appendage(letter)) => {
            assert!(Some(letter) == kind && body.len() > size.expect("a known letter"));
        }
    }
}

/// `data` as an OUCH 5.0 message of either direction, and as a list of optional fields.
pub fn ouch50(data: &[u8]) {
    holds(data, inbound50(data), INBOUND50);
    holds(data, outbound50(data), OUTBOUND50);
    let Some(list) = Appendage::parse(data) else { return };
    for TagValue { tag, value } in list {
        let found = list.find(tag).expect("it is there");
        assert_eq!(found.tag, tag);
        let entry = TagValue { tag, value };
        assert_eq!(entry.byte().is_some(), value.len() == 1);
        assert_eq!(entry.u16().is_some(), value.len() == 2);
        assert_eq!(entry.u32().is_some(), value.len() == 4);
        assert_eq!(entry.i32().map(|v| v as u32), entry.u32());
        assert_eq!(entry.u64().is_some(), value.len() == 8);
    }
}

/// `data` as an OUCH 4.2 message of either direction.
pub fn ouch42(data: &[u8]) {
    holds(data, inbound42(data), INBOUND42);
    holds(data, outbound42(data), OUTBOUND42);
    if let Some(token) = data.first_chunk()
        && let Some(id) = ouch42::token_id(token)
    {
        assert_eq!(ouch42::token(id), *token);
    }
}

/// `data` as a stream of SoupBinTCP frames, each with an OUCH message inside.
pub fn soup(data: &[u8]) {
    let mut rest = data;
    loop {
        match soup::next_frame(rest) {
            Ok(Some((frame, used))) => {
                let (whole, after) = rest.split_at(used);
                soup_frame(whole, &frame);
                rest = after;
            }
            Ok(None) => {
                let [a, b, ..] = *rest else { break };
                break assert!(rest.len() < 2 + usize::from(u16::from_be_bytes([a, b])));
            }
            Err(SoupError::ZeroLength) => break assert!(rest.starts_with(&[0, 0])),
            Err(SoupError::Short { packet_type, need, got }) => {
                assert_eq!(rest.get(2), Some(&packet_type));
                break assert!(got < need);
            }
        }
    }
}

fn soup_frame(whole: &[u8], frame: &Frame<'_>) {
    let mut out = vec![0; whole.len()];
    let len = soup::put_frame(&mut out, whole[2], &whole[soup::HEADER_LEN..]);
    assert_eq!((len, out.as_slice()), (Some(whole.len()), whole));
    match frame {
        Frame::LoginRequest(login) => _ = login.next_sequence(),
        Frame::LoginAccepted(accepted) => assert_ne!(accepted.next_sequence(), Some(0)),
        Frame::Sequenced(body) | Frame::Unsequenced(body) => {
            ouch50(body);
            ouch42(body);
        }
        _ => {}
    }
}
