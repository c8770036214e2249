//! OCG-C against the Python encoder, which has its own CRC-32C.

mod support;

use nofx_types::{Nanos, Price, Qty};
use nofx_wire::num::Le64;
use nofx_wire::ocg::client::{AmendFrame, CancelFrame, Fixed, MassCancelFrame, NewFrame};
use nofx_wire::ocg::{
    self, FRAME_MIN, Head, Heartbeat, Message, OcgError, Presence, codes, next_frame, price_in,
    price_out, qty_in, qty_out,
};
use nofx_wire::text::{UtcText, id_digits, padded};
use proptest::prelude::*;
use support::gateway_checks::{ocg as check, read_ocg};
use support::vectors;

const VECTORS: &str = include_str!("vectors/ocg.txt");
/// 2026-11-26 01:30:00.123 UTC.
const AT: Nanos = Nanos(1_795_656_600_123_000_000);

/// The message of the one frame that `bytes` are.
fn read(bytes: &[u8]) -> Result<(String, Vec<u8>), OcgError> {
    let (frame, used) = next_frame(bytes)?.expect("a whole frame");
    assert_eq!(used, bytes.len());
    read_ocg(&frame)
}

fn vector(name: &str) -> Vec<u8> {
    vectors(VECTORS).into_iter().find(|(row, ..)| *row == name).expect("a vector").1
}

/// `frame` with its length and checksum made right.
fn mended(mut frame: Vec<u8>) -> Vec<u8> {
    let (length, end) = ((frame.len() as u16).to_le_bytes(), frame.len() - 4);
    frame[1..3].copy_from_slice(&length);
    let sum = crc32c::crc32c(&frame[..end]).to_le_bytes();
    frame[end..].copy_from_slice(&sum);
    frame
}

#[test]
fn messages_read_as_the_python_encoder_wrote_them_and_write_back_equal() {
    let rows = vectors(VECTORS);
    for kind in 0..=15 {
        let name = kind.to_string();
        assert!(rows.iter().filter(|(row, ..)| *row == name).count() >= 4, "type {kind}");
    }
    for (name, bytes, expected) in rows {
        let (text, again) = read(&bytes).expect(name);
        assert_eq!(text, expected);
        if !expected.contains("Unread") {
            assert_eq!(again, bytes, "{expected}");
        }
    }
}

#[test]
fn a_frame_cut_anywhere_waits_for_more_and_a_stream_comes_out_whole() {
    for (_, bytes, expected) in vectors(VECTORS) {
        for length in 0..bytes.len() {
            assert_eq!(next_frame(&bytes[..length]), Ok(None), "{expected} cut to {length}");
        }
        let two = [&bytes[..], &bytes].concat();
        assert_eq!(next_frame(&two).expect("a frame").expect("whole").1, bytes.len());
    }
}

#[test]
fn each_byte_is_covered_by_the_checksum() {
    for (name, bytes, _) in vectors(VECTORS).into_iter().filter(|row| row.0.len() > 3) {
        for at in 0..bytes.len() {
            for flip in [0x01, 0x80, 0xff] {
                let mut bad = bytes.clone();
                bad[at] ^= flip;
                let seen = next_frame(&bad);
                assert!(matches!(seen, Err(_) | Ok(None)), "{name}: byte {at} with {flip:#x}");
            }
        }
    }
}

#[test]
fn what_breaks_the_stream_says_so() {
    let good = vector("cancel");
    let with = |at: usize, byte: u8| [&good[..at], &[byte], &good[at + 1..]].concat();
    assert_eq!(next_frame(&with(0, 3)), Err(OcgError::Start(3)));
    assert_eq!(next_frame(&[2, 57, 0]), Err(OcgError::Length(57)));
    let Err(OcgError::Checksum { sent, computed }) = next_frame(&with(60, b'x')) else { panic!() };
    assert_ne!(sent, computed);
    assert!(OcgError::Checksum { sent, computed }.breaks_stream());
    assert!(!OcgError::Body { kind: 1 }.breaks_stream());
    assert_eq!(FRAME_MIN, 58);
}

#[test]
fn fields_cut_anywhere_missing_or_strange_are_named() {
    for (name, bytes, expected) in vectors(VECTORS) {
        if name.len() > 3 || expected.contains("Unread") {
            continue;
        }
        let kind = bytes[3];
        for cut in 1..=bytes.len() - FRAME_MIN {
            let end = bytes.len() - 4 - cut;
            let short = mended([&bytes[..end], &[0; 4]].concat());
            let seen = read(&short).expect_err("it is cut");
            assert_eq!(seen, OcgError::Body { kind }, "{expected} cut by {cut}");
        }
        let longer = mended([&bytes[..], &[0]].concat());
        assert_eq!(read(&longer).expect_err("too long"), OcgError::Body { kind });
        let mut stray = bytes.clone();
        stray[22 + 31] |= 1;
        assert_eq!(read(&mended(stray)), Err(OcgError::Unknown { kind, bit: 255 }));
    }
    let mut cancel = vector("cancel");
    cancel[22] &= !0x40;
    assert_eq!(read(&mended(cancel)), Err(OcgError::Missing { kind: 13, bit: 1 }));
}

fn fixed() -> Fixed {
    Fixed::new("CO99999902", "5501", codes::capacity::PRINCIPAL).expect("it fits")
}

fn id<const N: usize>(id: u32) -> [u8; N] {
    padded(&id_digits(id), 0).expect("ten digits")
}

#[test]
fn client_frames_are_those_of_the_python_encoder() {
    let mut clock = UtcText::default();
    let mut frame = NewFrame::new(&fixed());
    let mut place = |side, tif, levels| {
        let fields = frame.fields();
        fields.client_order_id = id(7);
        fields.security_id = padded(b"700", 0).expect("it fits");
        fields.transaction_time = clock.write(AT);
        fields.side = side;
        fields.price = Le64::new(price_out(Price(3_452_000)).expect("a price"));
        fields.quantity = Le64::new(qty_out(Qty(100)).expect("a quantity"));
        fields.time_in_force = tif;
        frame.seal(12, levels).to_vec()
    };
    let (buy, short) = (codes::side::BUY, codes::side::SHORT);
    // With and without the field whose presence varies, and back.
    for _ in 0..2 {
        assert_eq!(place(buy, codes::tif::DAY, None), vector("enhanced"));
        assert_eq!(place(buy, codes::tif::DAY, Some(1)), vector("limit"));
        assert_eq!(place(short, codes::tif::IOC, None), vector("special"));
    }

    let mut frame = AmendFrame::new(&fixed());
    let fields = frame.fields();
    fields.client_order_id = id(8);
    fields.original_client_order_id = id(7);
    fields.security_id = padded(b"700", 0).expect("it fits");
    fields.transaction_time = clock.write(AT);
    fields.side = buy;
    fields.price = Le64::new(345_2000_0000);
    fields.quantity = Le64::new(100_0000_0000);
    assert_eq!(frame.seal(12, Some(1)), vector("amend_limit"));
    assert_eq!(frame.seal(12, None), vector("amend"));

    let mut frame = CancelFrame::new(&fixed());
    let fields = frame.fields();
    fields.client_order_id = id(9);
    fields.original_client_order_id = id(7);
    fields.security_id = padded(b"700", 0).expect("it fits");
    fields.transaction_time = clock.write(AT);
    fields.side = buy;
    assert_eq!(frame.seal(12), vector("cancel"));

    let mut frame = MassCancelFrame::new(&fixed());
    frame.fields().client_order_id = id(10);
    frame.fields().transaction_time = clock.write(AT);
    assert_eq!(frame.seal(12), vector("mass_cancel"));
}

#[test]
fn numbers_go_out_and_come_back_or_are_refused() {
    assert_eq!(price_out(Price(12_300)), Some(123_000_000), "1.23");
    assert_eq!(price_in(123_000_000), Some(Price(12_300)));
    assert_eq!(qty_out(Qty(100)), Some(10_000_000_000));
    assert_eq!(qty_in(10_000_000_000), Some(Qty(100)));
    assert_eq!((price_in(123_000_001), qty_in(150_000_000)), (None, None));
    assert_eq!((price_out(Price(-1)), qty_out(Qty(u64::MAX))), (None, None));
}

#[test]
fn presence_counts_from_the_most_significant_bit() {
    let map = Presence::of(&[0, 9, 255]);
    assert_eq!((map.0[0], map.0[1], map.0[31]), (0x80, 0x40, 0x01));
    assert_eq!(map.iter().collect::<Vec<_>>(), [0, 9, 255]);
    assert_eq!(map.without(9).iter().collect::<Vec<_>>(), [0, 255]);
}

#[test]
fn a_frame_without_room_is_not_written() {
    let (head, message) = (Head::new(1, [0; 12]), Heartbeat { reference_test_request_id: Some(3) });
    for room in 0..60 {
        assert_eq!(ocg::put(&mut vec![0; room], &head, &message), None);
    }
    let mut out = [0; 60];
    assert_eq!(ocg::put(&mut out, &head, &message), Some(60));
    let (frame, _) = next_frame(&out).expect("a frame").expect("whole");
    assert_eq!(Message::parse(&frame), Ok(Message::Heartbeat(message)));
}

proptest! {
    #[test]
    fn no_bytes_make_the_decoder_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        check(&bytes);
    }

    #[test]
    fn damaged_fields_are_refused_or_read_the_same_again(
        row in 0..VECTORS.lines().count(),
        at in any::<prop::sample::Index>(),
        value in any::<u8>(),
    ) {
        let mut bytes = vectors(VECTORS).swap_remove(row).1;
        let covered = 3..bytes.len() - 4;
        bytes[covered.start + at.index(covered.len())] = value;
        check(&mended(bytes));
    }
}
