//! Shanghai's trading gateway.

use nofx_types::{OrderRef, Price, Qty, Side, Symbol};
use nofx_venue::gateway::tdgw::{Tdgw, TdgwConfig};
use nofx_venue::gateway::{Ask, Ended, Entry, Gateway, Kind, Tell, Why};
use nofx_wire::num::{Be16, Be32, Be64};
use nofx_wire::tdgw::client::{CancelFrame, Fixed, NewFrame};
use nofx_wire::tdgw::codes::{ord_type, session, side, state};
use nofx_wire::tdgw::{
    Frame, HEARTBEAT, InfoForm, Logon, Logout, Message, Scale, SyncRow, next_frame, put_frame,
    put_sync,
};
use nofx_wire::text::id_digits;

use crate::{AT, Board, SECOND, answers, drain};

pub fn gateway() -> Tdgw {
    Tdgw::new(&TdgwConfig::default()).expect("it fits")
}

fn put(sequence: u64, kind: u32, body: &[u8]) -> Vec<u8> {
    let mut out = vec![0; body.len() + 20];
    assert_eq!(put_frame(&mut out, kind, sequence, body), Some(out.len()));
    out
}

fn text<const N: usize>(text: &str) -> [u8; N] {
    nofx_wire::text::padded(text.as_bytes(), b' ').expect("it fits")
}

pub fn logon(sequence: u64, target: &str) -> Vec<u8> {
    let logon = Logon {
        sender_comp_id: text("CLIENT"),
        target_comp_id: text(target),
        heart_bt_int: Be16::new(10),
        prtcl_version: text("0.57"),
        trade_date: Be32::new(20_261_126),
        q_size: Be32::new(64),
    };
    put(sequence, Logon::TYPE, logon.bytes())
}

pub fn sync(sequence: u64, rows: &[(u32, u64)]) -> Vec<u8> {
    let row = |(set, begin): &(u32, u64)| SyncRow {
        pbu: *b"12345678",
        set_id: Be32::new(*set),
        begin_report_index: Be64::new(*begin),
    };
    let rows: Vec<_> = rows.iter().map(row).collect();
    let mut out = vec![0; 22 + 20 * rows.len()];
    assert_eq!(put_sync(&mut out, sequence, &rows), Some(out.len()));
    out
}

fn fixed() -> Fixed {
    Fixed::new("12345678", "A123456789", "00001", 1).expect("it fits")
}

fn frame(id: u32, security: &str) -> NewFrame {
    let (mut frame, scale) = (NewFrame::new(&fixed()), Scale::default());
    frame.order.security_id = text(security);
    frame.order.cl_ord_id = id_digits(id);
    frame.order.side = side::BUY;
    frame.order.order_qty = scale.qty_out(Qty(100)).expect("a quantity");
    frame.order.price = scale.price_out(Price(186_400)).expect("a price");
    frame
}

pub fn order(sequence: u64, id: u32, security: &str) -> Vec<u8> {
    frame(id, security).seal(sequence).to_vec()
}

pub fn cancel(sequence: u64, request: u32, id: u32, security: &str) -> Vec<u8> {
    let mut frame = CancelFrame::new(&fixed());
    frame.order.security_id = text(security);
    frame.order.cl_ord_id = id_digits(request);
    frame.order.orig_cl_ord_id = id_digits(id);
    frame.order.side = side::BUY;
    frame.seal(sequence).to_vec()
}

pub fn frames<T>(bytes: &[u8], mut each: impl FnMut(Frame<'_>) -> T) -> Vec<T> {
    let (mut rest, mut all) = (bytes, vec![]);
    while let Some((frame, used)) = next_frame(rest).expect("frames of the venue") {
        all.push(each(frame));
        rest = &rest[used..];
    }
    assert!(rest.is_empty());
    all
}

/// Short words for what a session heard: number, and reports with set/index, type and ids.
fn heard(gateway: &mut Tdgw, session: usize) -> Vec<String> {
    let out = drain(gateway, session);
    frames(&out, |frame| {
        let words = words(Message::parse(frame).expect("a message of the venue"));
        format!("{} {words}", frame.sequence)
    })
}

fn words(message: Message<'_>) -> String {
    match message {
        Message::Logon(logon) => format!("logon {}", logon.trade_date.get()),
        Message::Heartbeat => "heartbeat".into(),
        Message::Logout(logout) => format!("logout {}", logout.session_status.get()),
        Message::PlatformState(now) => format!("state {}", now.platform_state.get()),
        Message::ReportInfo(info) => {
            let pairs = info.pairs(InfoForm::Flat).expect("flat");
            format!("sets {:?}", pairs.map(|(_, set)| set).collect::<Vec<_>>())
        }
        Message::SyncResponse(sync) => {
            let row = |row: &nofx_wire::tdgw::SyncResponseRow| {
                let (begin, end) = (row.begin_report_index.get(), row.end_report_index.get());
                format!(" {}/{begin}-{end}?{}", row.set_id.get(), row.rej_reason.get())
            };
            format!("sync{}", sync.rows.iter().map(row).collect::<String>())
        }
        Message::EndOfStream(end) => {
            format!("end {}/{}", end.set_id.get(), end.end_report_index.get())
        }
        Message::OrderReject(r) => {
            format!("order reject {} {}", r.cl_ord_id.escape_ascii(), r.ord_rej_reason.get())
        }
        Message::Confirm(c) => format!(
            "{}/{} confirm {} of {} was {} leaves {} taken off {}",
            c.set_id.get(),
            c.report_index.get(),
            char::from(c.exec_type),
            c.cl_ord_id.trim_ascii().escape_ascii(),
            c.orig_cl_ord_id.trim_ascii().escape_ascii(),
            c.leaves_qty.get(),
            c.cxl_qty.get()
        ),
        Message::Execution(e) => format!(
            "{}/{} trade {} for {} of {} status {}",
            e.set_id.get(),
            e.report_index.get(),
            e.last_qty.get(),
            e.gross_trade_amt.get(),
            e.cl_ord_id.escape_ascii(),
            char::from(e.ord_status)
        ),
        Message::CancelReject(r) => format!(
            "{}/{} cancel reject {} of {}: {}",
            r.set_id.get(),
            r.report_index.get(),
            r.cl_ord_id.escape_ascii(),
            r.orig_cl_ord_id.escape_ascii(),
            r.cxl_rej_reason.get()
        ),
        other => format!("{other:?}"),
    }
}

/// A gateway with a client on session 0 that has asked for both sets from the start; its next number
/// is 3.
fn ready() -> Tdgw {
    let mut gateway = gateway();
    join(&mut gateway, 0, &[(1, 1), (2, 1)]);
    let want = [
        "1 logon 20261126",
        "2 state 2",
        "3 sets [1, 2]",
        "4 sync 1/1-0?0 2/1-0?0",
        "5 end 1/0",
        "6 end 2/0",
    ];
    assert_eq!(heard(&mut gateway, 0), want);
    gateway
}

fn join(gateway: &mut Tdgw, session: usize, rows: &[(u32, u64)]) {
    gateway.connected(session, AT);
    gateway.receive(session, AT, &logon(1, "TDGW"));
    gateway.receive(session, AT, &sync(2, rows));
    assert!(gateway.is_logged_on(session));
}

#[test]
fn an_order_is_read_reported_and_cancelled() {
    let (mut gateway, mut board) = (ready(), Board::default());
    gateway.receive(0, AT, &order(3, 7, "600519"));
    board.serve(&mut gateway, AT);
    let Ask::New(Entry { symbol, side, kind, price, qty, account, .. }) = board.asked[0] else {
        panic!()
    };
    assert_eq!(symbol, Symbol::new("600519").expect("a code"));
    assert_eq!((side, kind, price, qty), (Side::Buy, Kind::Limit, Price(186_400), Qty(100)));
    assert_eq!(account.as_str(), "A123456789");
    gateway.receive(0, AT, &cancel(4, 9, 7, "600519"));
    board.serve(&mut gateway, AT);
    let want = [
        "7 2/1 confirm 0 of 0000000007 was  leaves 100000 taken off 0",
        "8 2/2 trade 40000 for 74560000 of 0000000007 status 1",
        "9 2/3 confirm 4 of 0000000009 was 0000000007 leaves 0 taken off 60000",
    ];
    assert_eq!(heard(&mut gateway, 0), want);
}

#[test]
fn every_session_hears_everything_and_may_cancel_what_another_sent() {
    let (mut gateway, mut board) = (ready(), Board::default());
    join(&mut gateway, 1, &[(2, 1)]);
    heard(&mut gateway, 1);
    gateway.receive(0, AT, &order(3, 7, "600519"));
    gateway.receive(0, AT, &order(4, 8, "600000"));
    board.serve(&mut gateway, AT);
    gateway.disconnected(0, AT);
    assert_eq!(gateway.next_ask(), None, "orders stay");
    gateway.receive(1, AT, &cancel(3, 9, 7, "600519"));
    board.serve(&mut gateway, AT);
    let third = "2/3 confirm 4 of 0000000009 was 0000000007 leaves 0 taken off 60000";
    let second = heard(&mut gateway, 1);
    assert_eq!(second.len(), 3, "of the set that it asked for");
    assert_eq!(second[2], format!("8 {third}"));
    // Back again, with two reports of set 2 and none of 1; numbers begin again.
    join(&mut gateway, 0, &[(2, 3), (1, 1)]);
    let want = [
        "1 logon 20261126",
        "2 state 2",
        "3 sets [1, 2]",
        "4 sync 2/3-3?0 1/1-2?0",
        &format!("5 {third}"),
        "6 end 2/3",
        "7 1/1 confirm 0 of 0000000008 was  leaves 100000 taken off 0",
        "8 1/2 trade 40000 for 74560000 of 0000000008 status 1",
        "9 end 1/2",
    ];
    assert_eq!(heard(&mut gateway, 0), want);
}

#[test]
fn a_blank_reference_names_no_order() {
    let mut gateway = ready();
    let mut nameless = frame(7, "600519");
    nameless.order.cl_ord_id = [b' '; 10];
    gateway.receive(0, AT, nameless.seal(3));
    let mut frame = CancelFrame::new(&fixed());
    frame.order.security_id = text("600519");
    frame.order.cl_ord_id = id_digits(9);
    frame.order.orig_cl_ord_id = [b' '; 10];
    gateway.receive(0, AT, frame.seal(4));
    assert_eq!(gateway.next_ask(), None);
    let want = [
        "7 2/1 confirm 8 of  was  leaves 0 taken off 0".into(),
        format!("8 2/2 cancel reject 0000000009 of           : {}", Why::Unknown.number()),
    ];
    assert_eq!(heard(&mut gateway, 0), want);
}

#[test]
fn refusals_say_why() {
    let mut gateway = ready();
    gateway.receive(0, AT, &order(3, 7, "600519"));
    assert!(matches!(gateway.next_ask(), Some(Ask::New(_))));
    gateway.tell(AT, &Tell::Rejected { id: 1, why: Why::Lot });
    gateway.receive(0, AT, &order(4, 7, "600519")); // an id that was used
    gateway.receive(0, AT, &cancel(5, 9, 4711, "600519")); // an order that never was
    gateway.receive(0, AT, &order(6, 10, "600519"));
    gateway.tell(AT, &Tell::Accepted { id: 3, order: OrderRef(2) });
    gateway.receive(0, AT, &cancel(7, 11, 10, "600519"));
    gateway.tell(AT, &Tell::CancelRejected { request: 4, orig: 3, why: Why::NoCancel });
    let (qty, why) = (Qty(100), Ended::Unfilled);
    gateway.tell(AT, &Tell::Canceled { id: 3, request: 0, qty, why });
    gateway.set_platform_state(AT, state::CLOSED);
    gateway.receive(0, AT, &order(8, 12, "600519"));
    gateway.set_platform_state(AT, state::OPEN);
    let mut foreign = frame(13, "600519");
    foreign.order.biz_pbu = *b"87654321";
    gateway.receive(0, AT, foreign.seal(9));
    let want = [
        "7 2/1 confirm 8 of 0000000007 was  leaves 0 taken off 0".into(),
        "8 2/2 confirm 8 of 0000000007 was  leaves 0 taken off 0".into(),
        format!("9 2/3 cancel reject 0000000009 of 0000004711: {}", Why::Unknown.number()),
        "10 2/4 confirm 0 of 0000000010 was  leaves 100000 taken off 0".into(),
        format!("11 2/5 cancel reject 0000000011 of 0000000010: {}", Why::NoCancel.number()),
        "12 2/6 confirm 4 of 0000000010 was  leaves 0 taken off 100000".into(),
        "13 state 4".into(),
        format!("14 order reject 0000000012 {}", Why::Phase.number()),
        "15 state 2".into(),
        format!("16 order reject 0000000013 {}", Why::Other.number()),
    ];
    assert_eq!(heard(&mut gateway, 0), want);
}

#[test]
fn kinds_of_orders_are_those_of_the_table() {
    for (ord_type, tif, want) in [
        (ord_type::LIMIT, b'0', Some(Kind::Limit)),
        (ord_type::LIMIT, b'3', None),
        (ord_type::MARKET, b'3', Some(Kind::BestFive)),
        (ord_type::MARKET_TO_LIMIT, b'0', Some(Kind::BestFiveRest)),
        (ord_type::OPPOSITE_BEST, b'0', Some(Kind::OppositeBest)),
        (ord_type::OWN_BEST, b'0', Some(Kind::OwnBest)),
        (b'9', b'0', None),
    ] {
        let mut gateway = ready();
        let mut frame = frame(7, "688001");
        (frame.order.ord_type, frame.order.time_in_force) = (ord_type, tif);
        gateway.receive(0, AT, frame.seal(3));
        let kind = gateway.next_ask().map(|ask| match ask {
            Ask::New(entry) => {
                assert_eq!(entry.price.0 != 0, entry.kind.has_price());
                entry.kind
            }
            other => panic!("{other:?}"),
        });
        assert_eq!(kind, want);
    }
}

#[test]
fn a_session_cut_at_any_byte_is_answered_the_same() {
    let orders = [order(3, 7, "600519"), cancel(4, 9, 7, "600519"), order(5, 7, "600519")].concat();
    let script = [logon(1, "TDGW"), sync(2, &[(1, 1), (2, 1)]), orders].concat();
    let whole = answers(gateway(), &script, script.len());
    assert_eq!(whole.1.len(), 2);
    for cut in 0..script.len() {
        assert_eq!(answers(gateway(), &script, cut), whole, "cut {cut}");
    }
}

#[test]
fn what_breaks_the_session_ends_it_with_the_reason() {
    let ends = |bytes: &[u8], status: u32| {
        let mut gateway = ready();
        gateway.receive(0, AT, bytes);
        let words = heard(&mut gateway, 0);
        assert_eq!(words.last().expect("a logout"), &format!("7 logout {status}"));
        assert!(!gateway.is_open(0));
        assert_eq!(gateway.next_ask(), None);
        gateway.receive(0, AT, &order(4, 8, "600519"));
        assert!(gateway.output(0).is_empty() && gateway.next_ask().is_none());
    };
    let mut broken = order(3, 7, "600519");
    broken[40] ^= 1;
    ends(&broken, session::CHECKSUM);
    ends(&order(4, 7, "600519"), 99); // a hole in its numbers
    ends(&order(2, 7, "600519"), 99);
    ends(&put(3, 4711, b"?"), 99);
    ends(&put(3, 58, b"short"), 99);
    let logout = Logout { session_status: Be32::new(0), text: [b' '; 64] };
    ends(&put(3, Logout::TYPE, logout.bytes()), session::NORMAL);

    for bytes in [logon(1, "OTHER"), order(1, 7, "600519"), logon(2, "TDGW")] {
        let mut gateway = gateway();
        gateway.connected(0, AT);
        gateway.receive(0, AT, &bytes);
        assert_eq!(heard(&mut gateway, 0), ["1 logout 99"]);
    }
    let mut gateway = ready();
    gateway.receive(0, AT, &sync(3, &[(9, 1), (1, 0)]));
    assert_eq!(heard(&mut gateway, 0), ["7 sync 9/1-0?99 1/0-0?99"], "no such set, no such index");
    assert!(Tdgw::new(&TdgwConfig { sessions: 0, ..TdgwConfig::default() }).is_none());
}

#[test]
fn either_side_keeps_the_session_alive() {
    let mut gateway = ready();
    gateway.keep_alive(AT.plus(10 * SECOND));
    assert_eq!(heard(&mut gateway, 0), ["7 heartbeat"]);
    gateway.receive(0, AT.plus(15 * SECOND), &put(3, HEARTBEAT, &[]));
    gateway.keep_alive(AT.plus(44 * SECOND));
    assert_eq!(heard(&mut gateway, 0), ["8 heartbeat"]);
    gateway.keep_alive(AT.plus(45 * SECOND));
    assert_eq!(heard(&mut gateway, 0), ["9 logout 5002"]);
}
