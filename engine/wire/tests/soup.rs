//! SoupBinTCP against the Python encoder.

mod support;

use nofx_wire::soup::{
    ANY_SESSION, CLIENT_HEARTBEAT, END_OF_SESSION, FRAME_MAX, Frame, LOGOUT, LoginAccepted,
    LoginRequest, SERVER_HEARTBEAT, SoupError, login_accepted, login_rejected, login_request,
    next_frame, put_frame, session_name,
};
use proptest::prelude::*;
use support::{order_checks as checks, vectors};

const VECTORS: &str = include_str!("vectors/soup.txt");

fn vector(name: &str) -> Vec<u8> {
    vectors(VECTORS).into_iter().find(|(n, ..)| *n == name).expect(name).1
}

fn shown(bytes: &[u8]) -> String {
    match next_frame(bytes) {
        Ok(Some((frame, used))) => {
            assert_eq!(used, bytes.len());
            format!("{frame:?}")
        }
        Ok(None) => "cut".into(),
        Err(error) => format!("!{error:?}"),
    }
}

#[test]
fn frames_read_as_the_python_encoder_wrote_them() {
    let rows = vectors(VECTORS);
    assert_eq!(rows.len(), 20);
    for (name, bytes, expected) in rows {
        assert_eq!(shown(&bytes), expected, "{name}");
        checks::soup(&bytes);
    }
}

#[test]
fn a_frame_cut_anywhere_waits_and_what_follows_is_left() {
    for (name, bytes, expected) in
        vectors(VECTORS).into_iter().filter(|(.., e)| !e.starts_with('!'))
    {
        for length in 0..bytes.len() {
            assert_eq!(next_frame(&bytes[..length]), Ok(None), "{name} cut to {length}");
        }
        let two = [&bytes[..], b"\0\x01H"].concat();
        let (frame, used) = next_frame(&two).expect("a frame").expect("whole");
        assert_eq!((format!("{frame:?}").as_str(), used), (expected, bytes.len()));
    }
}

#[test]
fn writers_give_the_vectors() {
    assert_eq!(login_accepted(session_name("DAY1").expect("short"), 1)[..], vector("accepted"));
    let session = session_name("0123456789").expect("ten");
    assert_eq!(login_accepted(session, u64::MAX)[..], vector("accepted_last"));
    assert_eq!(login_rejected(b'A')[..], vector("rejected_authorised"));
    let first = login_request("NOFX", "SECRET", ANY_SESSION, 0).expect("fits");
    assert_eq!(first[..], vector("login"));
    let session = session_name("DAY1").expect("short");
    let again = login_request("SIXCHR", "TENLETTERS", session, 4_711).expect("fits");
    assert_eq!(again[..], vector("login_resume"));
    assert_eq!(SERVER_HEARTBEAT[..], vector("server_heartbeat"));
    assert_eq!(CLIENT_HEARTBEAT[..], vector("client_heartbeat"));
    assert_eq!(END_OF_SESSION[..], vector("end_of_session"));
    assert_eq!(LOGOUT[..], vector("logout"));
    assert_eq!(login_request("SEVENCH", "", ANY_SESSION, 0), None);
    assert_eq!(login_request("", "ELEVENCHARS", ANY_SESSION, 0), None);
    assert_eq!(session_name("ELEVENCHARS"), None);
}

#[test]
fn sequences_read_with_either_padding_and_nothing_else() {
    let login = |text: &[u8; 20]| {
        let mut request = *LoginRequest::parse(&vector("login")[3..]).expect("whole");
        request.sequence = *text;
        request.next_sequence()
    };
    assert_eq!(login(b"                    "), Some(0));
    assert_eq!(login(b"                  42"), Some(42));
    assert_eq!(login(b"42                  "), Some(42));
    assert_eq!(login(b"18446744073709551615"), Some(u64::MAX));
    assert_eq!(login(b"18446744073709551616"), None);
    assert_eq!(login(b"                 4 2"), None);
    assert_eq!(login(b"                  -1"), None);
    let mut accepted = *LoginAccepted::parse(&vector("accepted")[3..]).expect("whole");
    assert_eq!(accepted.next_sequence(), Some(1));
    accepted.sequence = *b"                   0";
    assert_eq!(accepted.next_sequence(), None, "messages count from 1");
}

#[test]
fn the_longest_frame_fits_and_a_longer_one_is_refused() {
    let payload = vec![7; 65_534];
    let mut out = vec![0; FRAME_MAX + 1];
    assert_eq!(put_frame(&mut out, b'S', &payload), Some(FRAME_MAX));
    let (frame, used) = next_frame(&out).expect("a frame").expect("whole");
    assert_eq!((frame, used), (Frame::Sequenced(&payload), FRAME_MAX));
    assert_eq!(put_frame(&mut out, b'S', &[7; 65_535]), None);
    assert_eq!(put_frame(&mut [0; 4], b'S', b"ab"), None);
}

#[test]
fn errors_say_what_is_wrong() {
    let error = next_frame(b"\0\0").expect_err("no type");
    assert_eq!(error, SoupError::ZeroLength);
    let error = next_frame(b"\0\x01J").expect_err("no reason").to_string();
    assert!(error.contains("`J`") && error.contains("needs 1"), "{error}");
}

proptest! {
    #[test]
    fn no_stream_makes_the_decoder_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        checks::soup(&bytes);
    }

    #[test]
    fn a_damaged_stream_adds_up(
        at in any::<prop::sample::Index>(),
        value in any::<u8>(),
    ) {
        let mut stream: Vec<u8> = vectors(VECTORS).into_iter().flat_map(|(_, b, _)| b).collect();
        let at = at.index(stream.len());
        stream[at] = value;
        checks::soup(&stream);
    }
}
