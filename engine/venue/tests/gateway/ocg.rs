//! OCG-C.

use nofx_types::{OrderRef, Price, Qty, Side, Symbol};
use nofx_venue::gateway::ocg::{Ocg, OcgConfig};
use nofx_venue::gateway::{Ask, Ended, Gateway, Kind, Tell, Why};
use nofx_wire::num::Le64;
use nofx_wire::ocg::client::{AmendFrame, CancelFrame, Fixed, MassCancelFrame, NewFrame};
use nofx_wire::ocg::codes::{exec, reject, restated, session, side, status, tif};
use nofx_wire::ocg::{
    Fields, Frame, Head, Heartbeat, Logon, Logout, Message, ResendRequest, SequenceReset,
    TestRequest, Text, next_frame, put,
};
use nofx_wire::text::{id_digits, padded};

use crate::{AT, Board, SECOND, answers, drain};

const COMP: [u8; 12] = *b"CO99999902\0\0";

pub fn gateway() -> Ocg {
    Ocg::new(OcgConfig { throttle: 0, ..OcgConfig::default() }).expect("a configuration")
}

pub fn message<M: Fields>(sequence: u32, message: &M) -> Vec<u8> {
    let mut out = vec![0; 2_048];
    let length = put(&mut out, &Head::new(sequence, COMP), message).expect("room");
    out.truncate(length);
    out
}

pub fn logon(sequence: u32, next_expected: u32) -> Vec<u8> {
    let (password, new_password, session_status, text, test) = (None, None, None, None, None);
    message(sequence, &Logon { password, new_password, next_expected, session_status, text, test })
}

fn id(id: u32) -> [u8; 21] {
    padded(&id_digits(id), 0).expect("ten digits")
}

fn fixed() -> Fixed {
    Fixed::new("CO99999902", "5501", 2).expect("it fits")
}

pub fn order(sequence: u32, order_id: u32) -> Vec<u8> {
    let mut frame = NewFrame::new(&fixed());
    let fields = frame.fields();
    fields.client_order_id = id(order_id);
    fields.security_id = padded(b"700", 0).expect("it fits");
    fields.side = side::BUY;
    fields.price = Le64::new(345_2000_0000);
    fields.quantity = Le64::new(100_0000_0000);
    frame.seal(sequence, Some(1)).to_vec()
}

pub fn cancel(sequence: u32, request: u32, order_id: u32) -> Vec<u8> {
    let mut frame = CancelFrame::new(&fixed());
    let fields = frame.fields();
    fields.client_order_id = id(request);
    fields.original_client_order_id = id(order_id);
    fields.security_id = padded(b"700", 0).expect("it fits");
    fields.side = side::BUY;
    frame.seal(sequence).to_vec()
}

/// The frames of `bytes` as (number, possible duplicate, text).
fn shown(bytes: &[u8]) -> Vec<(u32, bool, String)> {
    frames(bytes, |frame| {
        let message = Message::parse(frame).expect("a message of the venue");
        (frame.sequence(), frame.is_dup(), format!("{message:?}"))
    })
}

pub fn frames<T>(bytes: &[u8], mut each: impl FnMut(&Frame<'_>) -> T) -> Vec<T> {
    let (mut rest, mut all) = (bytes, vec![]);
    while let Some((frame, used)) = next_frame(rest).expect("frames of the venue") {
        all.push(each(&frame));
        rest = &rest[used..];
    }
    assert!(rest.is_empty());
    all
}

/// A gateway with a client that is logged on and whose next number is 2; what it sent is gone.
fn logged_on(config: OcgConfig) -> Ocg {
    let mut gateway = Ocg::new(config).expect("a configuration");
    gateway.connected(0, AT);
    gateway.receive(0, AT, &logon(1, 1));
    assert!(gateway.is_logged_on(0));
    let out = drain(&mut gateway, 0);
    assert_eq!(
        shown(&out),
        [(1, false, "Logon(Logon { next_expected: 2, session_status: 0 })".into())]
    );
    gateway
}

/// What came of `bytes`.
fn send(gateway: &mut Ocg, bytes: &[u8]) -> Vec<(u32, bool, String)> {
    gateway.receive(0, AT, bytes);
    shown(&drain(gateway, 0))
}

#[test]
fn an_order_is_read_reported_and_cancelled() {
    let mut gateway = logged_on(OcgConfig::default());
    let mut board = Board::default();
    gateway.receive(0, AT, &order(2, 7));
    board.serve(&mut gateway, AT);
    let Ask::New(entry) = board.asked[0] else { panic!() };
    assert_eq!((entry.symbol, entry.side), (Symbol::new("700").expect("a code"), Side::Buy));
    assert_eq!((entry.kind, entry.price), (Kind::PlainLimit, Price(3_452_000)));
    assert_eq!((entry.qty, entry.short, entry.account.as_str()), (Qty(100), false, "5501"));

    let out = drain(&mut gateway, 0);
    let seen = frames(&out, |frame| {
        let Ok(Message::Execution(report)) = Message::parse(frame) else { panic!() };
        assert_eq!(report.client_order_id.map(Text::get), Some(&b"0000000007"[..]));
        assert_eq!(report.order_id.map(Text::get), Some(&b"1"[..]));
        assert_eq!(report.quantity, Some(100_0000_0000));
        (frame.sequence(), report.exec_type, report.order_status, report.leaves)
    });
    let (new, trade) = (Some(exec::NEW), Some(exec::TRADE));
    assert_eq!(
        seen,
        [
            (2, new, Some(status::NEW), Some(100_0000_0000)),
            (3, trade, Some(status::PARTIAL), Some(60_0000_0000))
        ]
    );
    gateway.receive(0, AT, &cancel(3, 9, 7));
    board.serve(&mut gateway, AT);
    assert_eq!(board.asked[1], Ask::Cancel { id: 2, orig: 1 });
    let out = drain(&mut gateway, 0);
    let (frame, _) = next_frame(&out).expect("sound").expect("whole");
    let Ok(Message::Execution(report)) = Message::parse(&frame) else { panic!() };
    assert_eq!(report.exec_type, Some(exec::CANCEL));
    assert_eq!(report.order_status, Some(status::CANCELLED));
    assert_eq!(report.client_order_id.map(Text::get), Some(&b"0000000009"[..]));
    assert_eq!(report.original_client_order_id.map(Text::get), Some(&b"0000000007"[..]));
    assert_eq!((report.leaves, report.cumulative), (Some(0), Some(40_0000_0000)));
    assert_eq!(report.restatement_reason, None);
}

#[test]
fn trades_amends_and_refusals_are_reported() {
    let mut gateway = logged_on(OcgConfig::default());
    gateway.receive(0, AT, &order(2, 7));
    assert!(matches!(gateway.next_ask(), Some(Ask::New(_))));
    gateway.tell(AT, &Tell::Accepted { id: 1, order: OrderRef(5) });
    let mut frame = AmendFrame::new(&fixed());
    let fields = frame.fields();
    fields.client_order_id = id(8);
    fields.original_client_order_id = id(7);
    fields.security_id = padded(b"700", 0).expect("it fits");
    fields.side = side::BUY;
    fields.price = Le64::new(346_0000_0000);
    fields.quantity = Le64::new(200_0000_0000);
    gateway.receive(0, AT, frame.seal(3, None));
    let (price, qty) = (Price(3_460_000), Qty(200));
    let want = Ask::Amend { id: 2, orig: 1, price: Some(price), qty: Some(qty) };
    assert_eq!(gateway.next_ask(), Some(want));
    gateway.tell(AT, &Tell::Amended { id: 2, orig: 1, price, qty });
    let (match_id, maker) = (77, true);
    gateway.tell(AT, &Tell::Trade { id: 2, qty, price, match_id, maker });
    gateway.tell(AT, &Tell::TradeCanceled { id: 2, qty, price, match_id });
    gateway.receive(0, AT, &cancel(4, 9, 8));
    gateway.tell(AT, &Tell::CancelRejected { request: 3, orig: 2, why: Why::TooLate });
    gateway.receive(0, AT, &cancel(5, 10, 4711)); // an order that never was
    gateway.receive(0, AT, &order(6, 7)); // an id that was used
    let out = drain(&mut gateway, 0);
    let types = frames(&out, |frame| {
        let Ok(Message::Execution(report)) = Message::parse(frame) else { panic!() };
        if report.exec_type == Some(exec::TRADE_CANCEL) {
            assert_eq!(report.reference_execution_id.map(Text::get), Some(&b"3"[..]));
            assert_eq!(report.trade_match_id.map(Text::get), Some(&b"77"[..]));
        }
        let codes = (report.cancel_reject_code, report.order_reject_code);
        (char::from(report.exec_type.unwrap_or(0)), report.cumulative, codes)
    });
    let none = (None, None);
    assert_eq!(
        types,
        [
            ('0', Some(0), none),
            ('5', Some(0), none),
            ('F', Some(200_0000_0000), none),
            ('H', Some(0), none),
            ('X', None, (Some(0), None)),
            ('X', None, (Some(1), None)),
            ('8', None, (None, Some(6))),
        ]
    );
    assert!(matches!(gateway.next_ask(), Some(Ask::Cancel { id: 3, orig: 2 })));
    assert_eq!(gateway.next_ask(), None, "what the session can answer never reaches the board");
}

#[test]
fn kinds_of_orders_are_those_of_the_table() {
    for (tif, levels, want) in [
        (tif::DAY, Some(1), Some(Kind::PlainLimit)),
        (tif::DAY, None, Some(Kind::Limit)),
        (tif::IOC, None, Some(Kind::LimitIoc)),
        (tif::FOK, None, Some(Kind::LimitFok)),
        (tif::AT_CROSSING, None, Some(Kind::AtAuctionLimit)),
        (7, None, None),
        (tif::DAY, Some(2), None),
    ] {
        let mut gateway = logged_on(OcgConfig::default());
        let mut frame = NewFrame::new(&fixed());
        let fields = frame.fields();
        fields.client_order_id = id(1);
        fields.security_id = padded(b"5", 0).expect("it fits");
        fields.side = side::SHORT;
        fields.price = Le64::new(10_0000_0000);
        fields.quantity = Le64::new(100_0000_0000);
        fields.time_in_force = tif;
        let answer = send(&mut gateway, frame.seal(2, levels));
        match (gateway.next_ask(), want) {
            (Some(Ask::New(entry)), Some(kind)) => {
                assert_eq!((entry.kind, entry.side, entry.short), (kind, Side::Sell, true));
                assert!(answer.is_empty());
            }
            (None, None) => assert!(answer[0].2.starts_with("Reject(Reject { code: 5")),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn a_session_cut_at_any_byte_is_answered_the_same() {
    let test = message(5, &TestRequest { test_request_id: 9 });
    let script = [logon(1, 1), order(2, 7), cancel(3, 9, 7), order(4, 7), test].concat();
    let whole = answers(gateway(), &script, script.len());
    // Logon, refusal of the id that was used, heartbeat; then new, trade and cancel.
    assert_eq!(frames(&whole.0, |frame| frame.kind()), [5, 10, 0, 10, 10, 10]);
    for cut in 0..script.len() {
        assert_eq!(answers(gateway(), &script, cut), whole, "cut {cut}");
    }
}

#[test]
fn a_logout_is_answered_and_cancels_like_a_lost_session() {
    let mut gateway = logged_on(OcgConfig::default());
    let answer = send(&mut gateway, &message(2, &Logout::default()));
    assert_eq!(answer[0].2, "Logout(Logout { session_status: 4 })");
    assert!(!gateway.is_open(0));
    assert!(matches!(gateway.next_ask(), Some(Ask::MassCancel { id: 0, .. })));
    gateway.disconnected(0, AT);
    assert_eq!(gateway.next_ask(), None, "once");
}

#[test]
fn what_a_client_missed_is_sent_again_at_its_logon() {
    let mut gateway = logged_on(OcgConfig::default());
    let mut board = Board::default();
    gateway.receive(0, AT, &order(2, 7));
    gateway.receive(0, AT, &message(3, &TestRequest { test_request_id: 1 }));
    board.serve(&mut gateway, AT);
    let first = shown(&drain(&mut gateway, 0));
    assert_eq!(first.iter().map(|row| row.0).collect::<Vec<_>>(), [2, 3, 4]);
    gateway.disconnected(0, AT);
    assert_eq!(gateway.next_ask(), Some(Ask::MassCancel { id: 0, symbol: None, side: None }));
    // The orders end while nobody listens.
    let (qty, why) = (Qty(60), Ended::Disconnect);
    gateway.tell(AT, &Tell::Canceled { id: 1, request: 0, qty, why });
    gateway.tell(AT, &Tell::MassCanceled { request: 0, orders: 1 });
    assert!(gateway.output(0).is_empty());

    gateway.connected(0, AT);
    gateway.receive(0, AT, &logon(4, 2));
    let out = drain(&mut gateway, 0);
    let again = shown(&out);
    let numbers: Vec<_> = again.iter().map(|row| (row.0, row.1)).collect();
    assert_eq!(numbers, [(6, false), (2, true), (3, true), (4, true), (5, true)]);
    // The heartbeat is a gap; the reports are what they were.
    assert_eq!(again[1].2, "SequenceReset(SequenceReset { gap_fill: 89, new_sequence: 3 })");
    assert_eq!((&again[2].2, &again[3].2), (&first[1].2, &first[2].2));
    let last = frames(&out, |frame| match Message::parse(frame) {
        Ok(Message::Execution(report)) => report.restatement_reason,
        _ => None,
    });
    assert_eq!(last.last(), Some(&Some(restated::DISCONNECT)));
    assert_eq!(again[0].2, "Logon(Logon { next_expected: 5, session_status: 0 })");
}

#[test]
fn a_client_may_ask_for_messages_again() {
    let mut gateway = logged_on(OcgConfig::default());
    let mut board = Board::default();
    gateway.receive(0, AT, &order(2, 7));
    board.serve(&mut gateway, AT);
    let first = shown(&drain(&mut gateway, 0));
    let again = send(&mut gateway, &message(3, &ResendRequest { start: 1, end: 0 }));
    assert_eq!(again.len(), 3);
    assert_eq!(
        again[0],
        (1, true, "SequenceReset(SequenceReset { gap_fill: 89, new_sequence: 2 })".into())
    );
    assert!(again[1..].iter().zip(&first).all(|(now, then)| now.1 && now.2 == then.2));
    let one = send(&mut gateway, &message(4, &ResendRequest { start: 3, end: 3 }));
    assert_eq!((one.len(), one[0].0), (1, 3));
    let none = send(&mut gateway, &message(5, &ResendRequest { start: 9, end: 20 }));
    assert!(none.is_empty(), "what was never sent");
}

#[test]
fn a_hole_is_asked_for_once_and_nothing_passes_it() {
    let mut gateway = logged_on(OcgConfig::default());
    let asked = send(&mut gateway, &order(4, 7));
    assert_eq!(asked[0].2, "ResendRequest(ResendRequest { start: 2, end: 0 })");
    assert!(send(&mut gateway, &order(5, 8)).is_empty(), "asked already");
    assert_eq!(gateway.next_ask(), None);
    // The client fills: a gap for what was of the session, its order again.
    let fill = SequenceReset { gap_fill: Some(b'Y'), new_sequence: 4 };
    assert!(send(&mut gateway, &message(2, &fill)).is_empty());
    send(&mut gateway, &order(4, 7));
    assert!(matches!(gateway.next_ask(), Some(Ask::New(_))));
    // A duplicate that is marked is ignored, one that is not ends the session.
    let mut dup = order(4, 7);
    nofx_wire::ocg::mark_dup(&mut dup);
    assert!(send(&mut gateway, &dup).is_empty() && gateway.is_open(0));
    let end = send(&mut gateway, &order(3, 7));
    assert!(end[0].2.contains("too low") && !gateway.is_open(0), "{end:?}");
    assert!(matches!(gateway.next_ask(), Some(Ask::MassCancel { id: 0, .. })));
    assert_eq!(gateway.next_ask(), None);
}

#[test]
fn numbers_end_with_the_session_and_never_wrap() {
    for gap_fill in [b'Y', b'N'] {
        let mut gateway = logged_on(OcgConfig::default());
        let last = SequenceReset { gap_fill: Some(gap_fill), new_sequence: u32::MAX };
        let end = send(&mut gateway, &message(2, &last));
        assert!(end[0].2.contains("no number left") && !gateway.is_open(0), "{end:?}");
        // It did not hold: the client may come back where it was.
        gateway.disconnected(0, AT);
        gateway.connected(0, AT);
        let number = if gap_fill == b'Y' { 3 } else { 2 };
        gateway.receive(0, AT, &logon(number, 3));
        assert!(gateway.is_logged_on(0));
    }
    let mut gateway = logged_on(OcgConfig::default());
    let reset = SequenceReset { gap_fill: Some(b'N'), new_sequence: u32::MAX - 1 };
    assert!(send(&mut gateway, &message(2, &reset)).is_empty());
    gateway.receive(0, AT, &order(u32::MAX - 1, 7));
    assert!(matches!(gateway.next_ask(), Some(Ask::New(_))));
    let end = send(&mut gateway, &order(u32::MAX, 8));
    assert!(end[0].2.contains("no number left") && !gateway.is_open(0), "{end:?}");
    // Neither does a logon count on.
    gateway.disconnected(0, AT);
    gateway.connected(0, AT);
    let end = send(&mut gateway, &logon(u32::MAX, 1));
    assert!(end[0].2.contains("no number left") && !gateway.is_open(0), "{end:?}");
}

#[test]
fn whatever_range_is_asked_for_only_what_was_sent_comes() {
    let mut gateway = logged_on(OcgConfig::default());
    for (sequence, (start, end)) in (2..).zip([(u32::MAX, 0), (u32::MAX, u32::MAX), (9, 1)]) {
        assert!(send(&mut gateway, &message(sequence, &ResendRequest { start, end })).is_empty());
    }
    let all = send(&mut gateway, &message(5, &ResendRequest { start: 0, end: u32::MAX }));
    assert_eq!(all.len(), 1, "{all:?}");
    gateway.disconnected(0, AT);
    gateway.connected(0, AT);
    let end = send(&mut gateway, &logon(6, u32::MAX));
    assert!(end[0].2.contains("too high") && !gateway.is_open(0), "{end:?}");
}

#[test]
fn a_logon_ahead_of_a_hole_says_what_is_missing_and_asks_for_nothing_else() {
    let mut gateway = gateway();
    gateway.connected(0, AT);
    let answer = send(&mut gateway, &logon(5, 1));
    assert_eq!(answer[0].2, "Logon(Logon { next_expected: 1, session_status: 0 })");
    assert!(send(&mut gateway, &order(6, 7)).is_empty(), "the answer said it");
    let fill = SequenceReset { gap_fill: Some(b'Y'), new_sequence: 6 };
    send(&mut gateway, &message(1, &fill));
    send(&mut gateway, &order(6, 7));
    assert!(matches!(gateway.next_ask(), Some(Ask::New(_))));
}

#[test]
fn more_than_the_throttle_is_refused_until_the_next_second() {
    let config = OcgConfig { throttle: 2, ..OcgConfig::default() };
    let mut gateway = logged_on(config);
    for (sequence, order_id) in [(2, 1), (3, 2)] {
        assert!(send(&mut gateway, &order(sequence, order_id)).is_empty());
    }
    let refused = send(&mut gateway, &order(4, 3));
    let want = "BusinessReject(BusinessReject { code: 8, reason: \"throttle limit exceeded\", \
                reference_type: 11, reference_sequence: 4, reference_id: \"0000000003\" })";
    assert_eq!(refused[0].2, want);
    gateway.receive(0, AT.plus(SECOND), &order(5, 3));
    let asks = std::iter::from_fn(|| gateway.next_ask()).count();
    assert_eq!(asks, 3, "the id of a refused message may be used");
}

#[test]
fn what_is_no_message_is_refused_and_a_broken_stream_ended() {
    let mut gateway = logged_on(OcgConfig::default());
    // A type that no client sends.
    let unknown = send(&mut gateway, &message(2, &nofx_wire::ocg::ExecutionReport::default()));
    assert!(unknown[0].2.starts_with("Reject(Reject { code: 11"), "{unknown:?}");
    assert!(unknown[0].2.contains("reference_type: 10, reference_sequence: 2"));
    // A cancel without its broker.
    let mut bad = cancel(3, 9, 7);
    bad[22] &= !0x40;
    nofx_wire::ocg::mark_dup(&mut bad); // makes the checksum right
    bad[8] = 0;
    let end = bad.len() - 4;
    let sum = crc(&bad[..end]);
    bad[end..].copy_from_slice(&sum);
    let missing = send(&mut gateway, &bad);
    let want = format!("Reject(Reject {{ code: {}", reject::FIELD_MISSING);
    assert!(missing[0].2.starts_with(&want), "{missing:?}");
    assert!(gateway.is_open(0), "the number counts, the session lasts");
    let mut broken = order(4, 8);
    broken[60] ^= 1;
    let end = send(&mut gateway, &[broken, order(5, 9)].concat());
    assert!(end[0].2.contains("checksum") && end.len() == 1, "{end:?}");
    assert!(!gateway.is_open(0) && !gateway.is_logged_on(0));
    assert!(matches!(gateway.next_ask(), Some(Ask::MassCancel { id: 0, .. })));
    gateway.receive(0, AT, &order(6, 9));
    assert!(gateway.output(0).is_empty(), "nobody listens any more");
}

fn crc(bytes: &[u8]) -> [u8; 4] {
    let mut value = u32::MAX;
    for byte in bytes {
        value ^= u32::from(*byte);
        for _ in 0..8 {
            value = (value >> 1) ^ (0x82f6_3b78 * (value & 1));
        }
    }
    (!value).to_le_bytes()
}

#[test]
fn logons_are_checked() {
    for (bytes, status) in [
        (logon(1, 99), session::OTHER), // expects what was never sent
        (logon(1, 0), session::OTHER),
        (
            {
                let mut out = vec![0; 512];
                let head = Head::new(1, *b"SOMEBODY\0\0\0\0");
                let (password, new_password, session_status) = (None, None, None);
                let logon = Logon {
                    password,
                    new_password,
                    next_expected: 1,
                    session_status,
                    text: None,
                    test: None,
                };
                let length = put(&mut out, &head, &logon).expect("room");
                out.truncate(length);
                out
            },
            session::BAD_LOGIN,
        ),
    ] {
        let mut gateway = gateway();
        gateway.connected(0, AT);
        let answer = send(&mut gateway, &bytes);
        assert!(answer[0].2.ends_with(&format!("session_status: {status} }})")), "{answer:?}");
        assert!(!gateway.is_open(0));
        assert_eq!(gateway.next_ask(), None, "nobody was logged on");
    }
    let mut gateway = gateway();
    gateway.connected(0, AT);
    assert!(send(&mut gateway, &order(1, 1)).is_empty() && !gateway.is_open(0));
    let config = OcgConfig { password: "secret".into(), ..OcgConfig::default() };
    let mut gateway = Ocg::new(config).expect("a configuration");
    gateway.connected(0, AT);
    send(&mut gateway, &logon(1, 1));
    assert!(!gateway.is_logged_on(0));
    assert!(Ocg::new(OcgConfig { comp_id: "X".repeat(13), ..OcgConfig::default() }).is_none());
}

#[test]
fn a_mass_cancel_is_reported_order_by_order_and_as_a_whole() {
    let mut gateway = logged_on(OcgConfig::default());
    gateway.receive(0, AT, &order(2, 7));
    gateway.next_ask();
    gateway.tell(AT, &Tell::Accepted { id: 1, order: OrderRef(1) });
    let mut frame = MassCancelFrame::new(&fixed());
    frame.fields().client_order_id = id(8);
    gateway.receive(0, AT, frame.seal(3));
    let want = Ask::MassCancel { id: 2, symbol: None, side: None };
    assert_eq!(gateway.next_ask(), Some(want));
    let (qty, why) = (Qty(100), Ended::MassCancel);
    gateway.tell(AT, &Tell::Canceled { id: 1, request: 2, qty, why });
    gateway.tell(AT, &Tell::MassCanceled { request: 2, orders: 1 });
    let out = drain(&mut gateway, 0);
    let rows = frames(&out, |frame| match Message::parse(frame) {
        Ok(Message::Execution(r)) => {
            (r.restatement_reason, r.client_order_id.map(Text::get).map(<[u8]>::to_vec))
        }
        Ok(Message::MassCancelReport(r)) => {
            assert_eq!((r.request_type, r.response), (7, 7));
            (None, r.client_order_id.map(Text::get).map(<[u8]>::to_vec))
        }
        other => panic!("{other:?}"),
    });
    let id = |text: &[u8]| Some(text.to_vec());
    let (seven, eight) = (id(b"0000000007"), id(b"0000000008"));
    let want = [(None, seven.clone()), (Some(restated::MASS_CANCEL), seven), (None, eight)];
    assert_eq!(rows, want);
}

#[test]
fn a_silent_client_is_asked_and_then_cut_off() {
    let config = OcgConfig { heartbeat_ns: 10 * SECOND, ..OcgConfig::default() };
    let mut gateway = logged_on(config);
    gateway.keep_alive(AT.plus(9 * SECOND));
    assert!(gateway.output(0).is_empty());
    gateway.keep_alive(AT.plus(10 * SECOND));
    assert_eq!(shown(&drain(&mut gateway, 0))[0].2, "Heartbeat(Heartbeat)");
    gateway.keep_alive(AT.plus(20 * SECOND));
    gateway.keep_alive(AT.plus(21 * SECOND));
    let asked = shown(&drain(&mut gateway, 0));
    assert_eq!(asked.len(), 1);
    assert_eq!(asked[0].2, "TestRequest(TestRequest { test_request_id: 1 })");
    let answer = Heartbeat { reference_test_request_id: Some(1) };
    gateway.receive(0, AT.plus(22 * SECOND), &message(2, &answer));
    gateway.keep_alive(AT.plus(50 * SECOND));
    assert!(gateway.is_open(0));
    gateway.keep_alive(AT.plus(52 * SECOND));
    assert!(!gateway.is_open(0));
    assert!(matches!(gateway.next_ask(), Some(Ask::MassCancel { id: 0, .. })));
}

#[test]
fn without_the_option_a_lost_session_leaves_its_orders() {
    let config = OcgConfig { cancel_on_disconnect: false, ..OcgConfig::default() };
    let mut gateway = logged_on(config);
    gateway.disconnected(0, AT);
    assert_eq!(gateway.next_ask(), None);
}
