//! OUCH 4.2 against the Python encoder.

mod support;

use nofx_wire::ouch42::{
    CancelOrder, EnterOrder, OuchError, ReplaceOrder, client, reject, token, token_id,
};
use proptest::prelude::*;
use support::{order_checks as checks, vectors};

const VECTORS: &str = include_str!("vectors/ouch42.txt");

fn read(name: &str, body: &[u8]) -> checks::Read {
    if name.starts_with('<') { checks::inbound42(body) } else { checks::outbound42(body) }
}

#[test]
fn messages_read_as_the_python_encoder_wrote_them_and_write_back_equal() {
    let rows = vectors(VECTORS);
    assert_eq!(rows.len(), 3 * 20);
    for (name, body, expected) in rows {
        let (text, bytes) = read(name, &body).expect(name);
        assert_eq!(text, expected);
        assert_eq!(bytes, body, "{expected}");
    }
}

#[test]
fn a_message_cut_anywhere_is_refused_and_a_longer_one_is_read() {
    for (name, body, expected) in vectors(VECTORS) {
        for length in 0..body.len() {
            let reason = if length == 0 { OuchError::Empty } else { OuchError::Short(body[0]) };
            assert_eq!(read(name, &body[..length]), Err(reason), "{expected} cut to {length}");
        }
        let longer = [&body[..], b"more"].concat();
        assert_eq!(read(name, &longer).expect(name).0, expected);
    }
}

#[test]
fn letters_of_no_message_are_unknown_in_each_direction() {
    for (sizes, read) in [
        (checks::INBOUND42, checks::inbound42 as fn(&[u8]) -> checks::Read),
        (checks::OUTBOUND42, checks::outbound42),
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

#[test]
fn client_frames_are_the_vectors_in_a_frame() {
    let vector = |name| vectors(VECTORS).into_iter().find(|(n, ..)| *n == name).expect(name).1;
    let framed = |body: &[u8]| [&[0, body.len() as u8 + 1, b'U'][..], body].concat();
    let (enter, replace, cancel) = (vector("<O"), vector("<U"), vector("<X"));
    let order = EnterOrder::parse(&enter).expect("whole");
    assert_eq!(client::EnterFrame::new(*order).bytes(), framed(&enter));
    let order = ReplaceOrder::parse(&replace).expect("whole");
    assert_eq!(client::ReplaceFrame::new(*order).bytes(), framed(&replace));
    let order = CancelOrder::parse(&cancel).expect("whole");
    assert_eq!(client::CancelFrame::new(*order).bytes(), framed(&cancel));
}

#[test]
fn tokens_spell_ids_and_read_back() {
    assert_eq!(&token(0), b"0000000000    ");
    assert_eq!(&token(7_679_601), b"0007679601    ");
    assert_eq!(&token(u32::MAX), b"4294967295    ");
    for foreign in [
        b"4294967296    ",
        b"9999999999    ",
        b"00000000001   ",
        b"000000001     ",
        b" 000000001    ",
        b"+000000001    ",
        b"ABCDEFGHIJKLMN",
    ] {
        assert_eq!(token_id(foreign), None, "{:?}", foreign.escape_ascii().to_string());
    }
}

#[test]
fn reject_letters_have_names() {
    assert_eq!((reject::name(b'T'), reject::name(b'X')), ("test", "price"));
    assert_eq!((reject::name(b'a'), reject::name(b'n')), ("risk", "risk"));
    assert_eq!((reject::name(b'o'), reject::name(b' ')), ("unknown", "unknown"));
}

proptest! {
    #[test]
    fn every_id_reads_back(id in any::<u32>()) {
        prop_assert_eq!(token_id(&token(id)), Some(id));
    }

    #[test]
    fn no_bytes_make_the_decoder_panic(bytes in prop::collection::vec(any::<u8>(), 0..120)) {
        checks::ouch42(&bytes);
    }
}
