//! Shenzhen's trading gateway against the Python encoder.

mod support;

use nofx_types::{Nanos, Price, Qty};
use nofx_wire::num::BeI64;
use nofx_wire::text::{ChinaTime, id_digits};
use nofx_wire::tgw::client::{CancelFrame, Fixed, NewFrame};
use nofx_wire::tgw::codes::{owner, side};
use nofx_wire::tgw::{
    BusinessReject, EXPERIMENTAL, Message, ReportSync, Short, next_frame, price_out, put_frame,
    qty_out,
};
use proptest::prelude::*;
use support::gateway_checks::{read_tgw, tgw as check};
use support::vectors;

const VECTORS: &str = include_str!("vectors/tgw.txt");
/// 2026-11-26 09:30:00.123 in China.
const AT: Nanos = Nanos(1_795_656_600_123_000_000);

fn vector(name: &str) -> Vec<u8> {
    vectors(VECTORS).into_iter().find(|(row, ..)| *row == name).expect("a vector").1
}

#[test]
fn messages_read_as_the_python_encoder_wrote_them_and_write_back_equal() {
    let rows = vectors(VECTORS);
    for (kind, name) in EXPERIMENTAL {
        assert!(rows.iter().any(|(row, ..)| *row == kind.to_string()), "{name}");
    }
    for (name, bytes, expected) in rows {
        let (frame, used) = next_frame(&bytes).expect(name).expect("a whole frame");
        assert_eq!(used, bytes.len());
        let (text, again) = read_tgw(frame).expect(name);
        assert_eq!(text, expected);
        if !expected.starts_with("Other") {
            assert_eq!(again, bytes, "{expected}");
        }
    }
}

#[test]
fn a_frame_cut_anywhere_waits_and_a_damaged_one_is_refused() {
    for (name, bytes, _) in vectors(VECTORS) {
        for at in 0..bytes.len() {
            assert_eq!(next_frame(&bytes[..at]), Ok(None), "{name} cut to {at}");
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
fn a_body_cut_anywhere_is_refused_and_a_longer_one_read() {
    for (name, bytes, expected) in vectors(VECTORS) {
        if expected.starts_with("Other") || name == "3" {
            continue;
        }
        let (frame, _) = next_frame(&bytes).expect(name).expect("a whole frame");
        let (kind, body) = (frame.msg_type, frame.body);
        let mut out = vec![0; bytes.len() + 8];
        let shortest = if kind == BusinessReject::TYPE { 74 } else { body.len() };
        for cut in 0..shortest {
            let used = put_frame(&mut out, kind, &body[..cut]).expect("room");
            let (frame, _) = next_frame(&out[..used]).expect("sound").expect("whole");
            assert_eq!(
                Message::parse(frame),
                Err(Short { msg_type: kind, got: cut }),
                "{expected}"
            );
        }
        if kind != BusinessReject::TYPE {
            let longer = [body, b"more"].concat();
            let used = put_frame(&mut out, kind, &longer).expect("room");
            let (frame, _) = next_frame(&out[..used]).expect("sound").expect("whole");
            assert_eq!(read_tgw(frame).expect("appended fields").0, expected);
        }
    }
    let frame = put(ReportSync::TYPE, &[0xff; 4]);
    let (frame, _) = next_frame(&frame).expect("sound").expect("whole");
    assert_eq!(
        Message::parse(frame),
        Err(Short { msg_type: 5, got: 4 }),
        "rows that are not there"
    );
}

fn put(kind: u32, body: &[u8]) -> Vec<u8> {
    let mut out = vec![0; body.len() + 12];
    assert_eq!(put_frame(&mut out, kind, body), Some(out.len()));
    out
}

#[test]
fn client_frames_are_those_of_the_python_encoder() {
    let fixed = Fixed::new("123456", "0899000001", "0001", owner::OWN_ACCOUNT, "1").expect("fits");
    let mut clock = ChinaTime::default();
    let mut frame = NewFrame::new(&fixed);
    frame.order.security_id = *b"000001  ";
    frame.order.transact_time = BeI64::new(clock.timestamp(AT));
    frame.order.cl_ord_id = id_digits(7);
    frame.order.side = side::BUY;
    frame.order.order_qty = qty_out(Qty(100)).expect("a quantity");
    frame.order.price = price_out(Price(186_400));
    assert_eq!(frame.seal(), vector("order"));

    let mut frame = CancelFrame::new(&fixed);
    frame.order.security_id = *b"000001  ";
    frame.order.transact_time = BeI64::new(clock.timestamp(AT));
    frame.order.cl_ord_id = id_digits(9);
    frame.order.orig_cl_ord_id = id_digits(7);
    frame.order.side = side::BUY;
    assert_eq!(frame.seal(), vector("cancel"));
    assert!(qty_out(Qty(u64::MAX)).is_none());
    assert!(Fixed::new("1234567", "", "", 1, "").is_none(), "a PBU of seven characters");
}

proptest! {
    #[test]
    fn no_bytes_make_the_decoder_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        check(&bytes);
    }

    #[test]
    fn damaged_messages_are_refused_or_write_back_equal(
        row in 0..VECTORS.lines().count(),
        at in any::<prop::sample::Index>(),
        value in any::<u8>(),
    ) {
        let bytes = vectors(VECTORS).swap_remove(row).1;
        let (frame, _) = next_frame(&bytes).expect("sound").expect("whole");
        let mut body = frame.body.to_vec();
        if !body.is_empty() {
            let at = at.index(body.len());
            body[at] = value;
        }
        check(&put(frame.msg_type, &body));
    }
}
