//! Shanghai's trading gateway against the Python encoder.

mod support;

use nofx_types::{Nanos, Price, Qty};
use nofx_wire::tdgw::client::{CancelFrame, Fixed, NewFrame};
use nofx_wire::tdgw::codes::side;
use nofx_wire::tdgw::{
    EXPERIMENTAL, InfoForm, Message, Scale, Short, TimeForm, next_frame, put_frame, put_report_info,
};
use nofx_wire::text::{ChinaTime, id_digits, trimmed};
use proptest::prelude::*;
use support::gateway_checks::{read_tdgw, tdgw as check};
use support::vectors;

const VECTORS: &str = include_str!("vectors/tdgw.txt");
/// 2026-11-26 09:30:00.123 in China.
const AT: Nanos = Nanos(1_795_656_600_123_000_000);

fn vector(name: &str) -> Vec<u8> {
    vectors(VECTORS).into_iter().find(|(row, ..)| *row == name).expect("a vector").1
}

fn put(kind: u32, body: &[u8]) -> Vec<u8> {
    let mut out = vec![0; body.len() + 20];
    assert_eq!(put_frame(&mut out, kind, 1, body), Some(out.len()));
    out
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
        let (text, again) = read_tdgw(frame).expect(name);
        if name == "208" {
            continue; // its form is not a part of it
        }
        assert_eq!(text, expected);
        if !expected.contains("Other") {
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
fn a_body_cut_anywhere_is_refused() {
    for (name, bytes, expected) in vectors(VECTORS) {
        if expected.contains("Other") || name == "33" || name == "208" {
            continue;
        }
        let (frame, _) = next_frame(&bytes).expect(name).expect("a whole frame");
        let msg_type = frame.msg_type;
        for cut in 0..frame.body.len() {
            let short = put(msg_type, &frame.body[..cut]);
            let (frame, _) = next_frame(&short).expect("sound").expect("whole");
            assert_eq!(Message::parse(frame), Err(Short { msg_type, got: cut }), "{expected}");
        }
    }
}

/// The pairs of a report information frame as text.
fn pairs(bytes: &[u8], form: InfoForm) -> Option<String> {
    let (frame, _) = next_frame(bytes).expect("sound").expect("whole");
    let Ok(Message::ReportInfo(info)) = Message::parse(frame) else { return None };
    let pair = |(pbu, set): ([u8; 8], u32)| format!(" {}/{set}", trimmed(&pbu).escape_ascii());
    Some(info.pairs(form)?.map(pair).collect())
}

#[test]
fn report_information_is_read_in_the_form_that_is_asked_for() {
    let rows: Vec<_> = vectors(VECTORS).into_iter().filter(|(name, ..)| *name == "208").collect();
    assert_eq!(rows.len(), 6);
    for (_, bytes, expected) in &rows {
        let (form, want) = match expected.split_once(' ').expect("a form") {
            ("flat", want) => (InfoForm::Flat, want),
            (_, want) => (InfoForm::Nested, want),
        };
        assert_eq!(pairs(bytes, form).expect(expected).trim(), want);
        let body = &bytes[16..bytes.len() - 4];
        for cut in 0..body.len() {
            assert_eq!(pairs(&put(208, &body[..cut]), form), None, "{expected} cut to {cut}");
        }
    }
    assert_eq!(pairs(&rows[1].1, InfoForm::Nested), None, "flat, with two PBUs");
    assert_eq!(pairs(&rows[0].1, InfoForm::Nested), pairs(&rows[0].1, InfoForm::Flat));
    let mut out = [0; 100];
    let pbus = [*b"12345678", *b"PBU2    "];
    let used = put_report_info(&mut out, 3, 3, &pbus, &[1, 2, 20]).expect("room");
    assert_eq!(out[..used], rows[1].1);
}

#[test]
fn client_frames_are_those_of_the_python_encoder() {
    let fixed = Fixed::new("12345678", "A123456789", "00001", 1).expect("it fits");
    let (mut clock, scale) = (ChinaTime::default(), Scale::default());
    let mut frame = NewFrame::new(&fixed);
    frame.order.security_id = *b"600519      ";
    frame.order.cl_ord_id = id_digits(7);
    frame.order.side = side::BUY;
    frame.order.price = scale.price_out(Price(18_000_000)).expect("a price");
    frame.order.order_qty = scale.qty_out(Qty(100)).expect("a quantity");
    frame.order.transact_time = TimeForm::OfDay.write(&mut clock, AT);
    assert_eq!(frame.seal(12), vector("order"));

    let mut frame = CancelFrame::new(&fixed);
    frame.order.security_id = *b"600519      ";
    frame.order.cl_ord_id = id_digits(9);
    frame.order.orig_cl_ord_id = id_digits(7);
    frame.order.side = side::BUY;
    frame.order.transact_time = TimeForm::OfDay.write(&mut clock, AT);
    assert_eq!(frame.seal(13), vector("cancel"));
    assert_eq!(TimeForm::Stamp.write(&mut clock, AT).get(), 20_261_126_093_000_123);
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
