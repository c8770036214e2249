//! OUCH 5.0 against the Python encoder and captured frames.

mod support;

use nofx_wire::num::{Be32, Be64};
use nofx_wire::ouch50::codes::{cancel, liquidity, reject};
use nofx_wire::ouch50::{
    Accepted, CancelOrder, EnterOrder, Inbound, OuchError, Outbound, ReplaceOrder, TagValue,
    aiq_strategy, client, put_with_appendage, tag,
};
use nofx_wire::soup::{Frame, next_frame};
use proptest::prelude::*;
use support::{order_checks as checks, unhex, vectors};

const VECTORS: &str = include_str!("vectors/ouch50.txt");

fn read(name: &str, body: &[u8]) -> checks::Read {
    if name.starts_with('<') { checks::inbound50(body) } else { checks::outbound50(body) }
}

fn size(name: &str) -> usize {
    let sizes = if name.starts_with('<') { checks::INBOUND50 } else { checks::OUTBOUND50 };
    let letter = name.as_bytes()[1];
    sizes.iter().find(|(kind, _)| *kind == letter).expect("a known letter").1
}

#[test]
fn messages_read_as_the_python_encoder_wrote_them_and_write_back_equal() {
    let rows = vectors(VECTORS);
    let mut kinds: Vec<&str> = rows.iter().map(|(name, ..)| *name).collect();
    kinds.sort_unstable();
    kinds.dedup();
    assert_eq!(kinds.len(), 26);
    for (name, body, expected) in rows {
        let (text, bytes) = read(name, &body).expect(name);
        assert_eq!(text, expected);
        assert_eq!(bytes, body, "{expected}");
    }
}

#[test]
fn a_message_cut_anywhere_is_refused_with_the_reason() {
    for (name, body, expected) in vectors(VECTORS) {
        let kind = body[0];
        let mut fixed = size(name);
        for length in 0..fixed {
            let reason = if length == 0 { OuchError::Empty } else { OuchError::Short(kind) };
            assert_eq!(read(name, &body[..length]), Err(reason), "{expected} cut to {length}");
        }
        assert!(read(name, &body[..fixed]).is_ok(), "the length of no options may be absent");
        if name == ">D" {
            fixed += usize::from(aiq_strategy(&body).is_some());
        }
        for length in fixed + 1..body.len() {
            let reason = OuchError::Appendage(kind);
            assert_eq!(read(name, &body[..length]), Err(reason), "{expected} cut to {length}");
        }
        // Bytes behind the optional fields are ignored: venues append.
        if body.len() > fixed {
            let longer = [&body[..], b"more"].concat();
            assert_eq!(read(name, &longer).expect(name).0, expected);
        }
    }
}

#[test]
fn letters_of_no_message_are_unknown_in_each_direction() {
    for (sizes, read) in [
        (checks::INBOUND50, checks::inbound50 as fn(&[u8]) -> checks::Read),
        (checks::OUTBOUND50, checks::outbound50),
    ] {
        for letter in 0..=255 {
            let mut body = [0; 100];
            body[0] = letter;
            let known = sizes.iter().any(|(kind, _)| *kind == letter);
            match read(&body) {
                Ok(_) => assert!(known, "{letter}"),
                Err(error) => assert_eq!((error, known), (OuchError::UnknownType(letter), false)),
            }
        }
    }
}

fn vector(name: &str, ends: &str) -> Vec<u8> {
    let row = vectors(VECTORS).into_iter().find(|(n, _, text)| *n == name && text.ends_with(ends));
    row.expect("a vector").1
}

/// The frame of a client message: unsequenced, and the length of an empty list where it has one.
fn framed(body: &[u8]) -> Vec<u8> {
    let length = u16::try_from(body.len() + 1).expect("short").to_be_bytes();
    [&length[..], b"U", body].concat()
}

#[test]
fn client_frames_are_the_vectors_in_a_frame() {
    let enter = vector("<O", "|");
    let order = EnterOrder::parse(&enter).expect("whole");
    assert_eq!(client::EnterFrame::new(*order).bytes(), framed(&enter));
    let replace = vector("<U", "|");
    let order = ReplaceOrder::parse(&replace).expect("whole");
    assert_eq!(client::ReplaceFrame::new(*order).bytes(), framed(&replace));
    let body = vector("<X", "|");
    let order = CancelOrder::parse(&body).expect("whole");
    assert_eq!(client::CancelFrame::new(*order).bytes(), framed(&body));
}

#[test]
fn a_captured_cancel_reads_and_writes() {
    let bytes = unhex("000a 55 58 00752e71 00000000");
    let Ok(Some((Frame::Unsequenced(body), 12))) = next_frame(&bytes) else { panic!() };
    let (Inbound::Cancel(cancel), tags) = Inbound::parse(body).expect("a request") else {
        panic!()
    };
    assert!(tags.is_empty());
    assert_eq!((cancel.user_ref_num.get(), cancel.quantity.get()), (7_679_601, 0));
    let order =
        CancelOrder { kind: b'X', user_ref_num: Be32::new(7_679_601), quantity: Be32::new(0) };
    assert_eq!(client::CancelFrame::new(order).bytes(), bytes);
}

#[test]
fn captured_reports_read_as_the_sheet_states() {
    let bytes = unhex("0013 53 43 0000289b4d681317 00753a8d 00000028 55");
    let Ok(Some((Frame::Sequenced(body), 21))) = next_frame(&bytes) else { panic!() };
    let (Outbound::Canceled(report), _) = Outbound::parse(body).expect("a report") else {
        panic!()
    };
    assert_eq!((report.user_ref_num.get(), report.quantity.get()), (0x00753a8d, 40));
    assert_eq!(cancel::name(report.reason), "user");

    let bytes = unhex(
        "004a 53 41 0000289b4d64af87 00753a8d 42 00000028 4144424520202020 000000000048e748 35 59 \
         000000000f56b4f5 41 4e 4e 4c 37363832373031202020202020 20 0009 05 02 4d4c4e52 02 12 30",
    );
    let Ok(Some((Frame::Sequenced(body), used))) = next_frame(&bytes) else { panic!() };
    assert_eq!(used, bytes.len());
    let (Outbound::Accepted(report), tags) = Outbound::parse(body).expect("a report") else {
        panic!()
    };
    let want = Accepted {
        kind: b'A',
        timestamp: Be64::new(0x289b_4d64_af87),
        user_ref_num: Be32::new(0x00753a8d),
        side: b'B',
        quantity: Be32::new(40),
        symbol: *b"ADBE    ",
        price: Be64::new(4_777_800),
        time_in_force: b'5',
        display: b'Y',
        order_reference_number: Be64::new(0x0f56_b4f5),
        capacity: b'A',
        sweep: b'N',
        cross_type: b'N',
        order_state: b'L',
        clordid: *b"7682701       ",
    };
    assert_eq!(*report, want);
    // Tag 0x12 (18), BBO weight, is the last entry.
    let entries: Vec<_> = tags.iter().collect();
    let firm = TagValue { tag: tag::FIRM, value: b"MLNR" };
    assert_eq!(entries, [firm, TagValue { tag: tag::BBO_WEIGHT, value: b"0" }]);
    let mut list = [0; 9];
    let at = entries[0].put(&mut list).expect("room");
    entries[1].put(&mut list[at..]).expect("room");
    let mut out = vec![0; body.len()];
    assert_eq!(put_with_appendage(&mut out, want.bytes(), &list), Some(body.len()));
    assert_eq!(out, body);
}

#[test]
fn optional_fields_have_the_values_of_the_table() {
    let body = vector("<O", &format!("201={}", "00".repeat(254)));
    let (_, tags) = Inbound::parse(&body).expect("a request");
    assert_eq!(tags.iter().count(), 30);
    let find = |tag| tags.find(tag).expect("it is there");
    assert_eq!(find(tag::SECONDARY_ORD_REF_NUM).u64(), Some(0x0f56_b4f5));
    assert_eq!(find(tag::FIRM).value, b"MLNR");
    assert_eq!(find(tag::MIN_QTY).u32(), Some(100));
    assert_eq!(find(tag::CUSTOMER_TYPE).byte(), Some(b'N'));
    assert_eq!(find(tag::MAX_FLOOR).u32(), Some(500));
    assert_eq!(find(tag::PRICE_TYPE).byte(), Some(b'L'));
    assert_eq!(find(tag::PEG_OFFSET).i32(), Some(-100));
    assert_eq!(find(tag::DISCRETION_PRICE).u64(), Some(4_777_800));
    assert_eq!(find(tag::DISCRETION_PRICE_TYPE).byte(), Some(b'P'));
    assert_eq!(find(tag::DISCRETION_PEG_OFFSET).i32(), Some(i32::MAX));
    assert_eq!(find(tag::POST_ONLY).byte(), Some(b'P'));
    assert_eq!(find(tag::RANDOM_RESERVES).u32(), Some(7));
    assert_eq!(find(tag::ROUTE).value, b"SCAN");
    assert_eq!(find(tag::EXPIRE_TIME).u32(), Some(86_399));
    assert_eq!(find(tag::TRADE_NOW).byte(), Some(b'Y'));
    assert_eq!(find(tag::HANDLE_INST).byte(), Some(b'I'));
    assert_eq!(find(tag::BBO_WEIGHT).byte(), Some(b'0'));
    assert_eq!(find(tag::REFERENCE_PRICE).u64(), Some(u64::MAX));
    assert_eq!(find(tag::REFERENCE_PRICE_TYPE).byte(), Some(b'I'));
    assert_eq!(find(tag::DISPLAY_QUANTITY).u32(), Some(u32::MAX));
    assert_eq!(find(tag::DISPLAY_PRICE).u64(), Some(1));
    assert_eq!(find(tag::GROUP_ID).u16(), Some(513));
    assert_eq!(find(tag::SHARES_LOCATED).byte(), Some(b'Y'));
    assert_eq!(find(tag::LOCATE_BROKER).value, b"BRKR");
    assert_eq!(find(tag::SIDE).byte(), Some(b'B'));
    assert_eq!(find(tag::USER_REF_IDX).byte(), Some(3));
    assert_eq!(find(tag::AIQ_STRATEGY).byte(), Some(b'd'));
    assert_eq!(find(tag::AIQ_GROUP_ID).value, b"AB");
    assert_eq!(tags.find(8), None);
    assert_eq!(find(tag::FIRM).byte(), None, "four bytes are not one");
}

#[test]
fn an_entry_too_long_or_without_room_is_not_written() {
    let long = [7; 255];
    let entry = |value| TagValue { tag: 1, value };
    assert_eq!(entry(&long).put(&mut [0; 300]), None);
    assert_eq!(entry(&long[..254]).put(&mut [0; 255]), None);
    assert_eq!(entry(&long[..254]).put(&mut [0; 256]), Some(256));
    assert_eq!(put_with_appendage(&mut [0; 5], b"abc", b"d"), None);
    assert_eq!(put_with_appendage(&mut [0; 70_000], b"abc", &[0; 65_536]), None);
}

#[test]
fn code_lists_are_those_of_the_sheet() {
    assert_eq!(reject::name(0x07), "halted");
    assert_eq!(reject::name(0x0f), "other");
    assert_eq!(reject::name(0x15), "replace_not_allowed");
    assert_eq!(reject::name(0x1f), "notional_exceeds_limit");
    assert_eq!((reject::name(0x20), reject::name(0x33)), ("risk", "risk"));
    assert_eq!((reject::name(0x00), reject::name(0x34)), ("unknown", "unknown"));
    let names: Vec<_> = b"UITSDQZCKHXEFG".iter().map(|letter| cancel::name(*letter)).collect();
    assert!(!names.contains(&"unknown"));
    assert_eq!(cancel::name(b'?'), "unknown");
    // Those that rested, of the liquidity flags of 5.0.
    let all = b"ARJkmNnOMLHKi078ejrqtp";
    let adds: Vec<u8> = all.iter().copied().filter(|flag| liquidity::adds(*flag)).collect();
    assert_eq!(adds, b"AJkN78ej");
}

proptest! {
    #[test]
    fn no_bytes_make_the_decoder_panic(bytes in prop::collection::vec(any::<u8>(), 0..120)) {
        checks::ouch50(&bytes);
    }

    #[test]
    fn a_damaged_message_is_refused_or_writes_back_equal(
        row in 0..VECTORS.lines().count(),
        at in any::<prop::sample::Index>(),
        value in any::<u8>(),
    ) {
        let mut body = vectors(VECTORS).swap_remove(row).1;
        let at = at.index(body.len());
        body[at] = value;
        checks::ouch50(&body);
    }
}
