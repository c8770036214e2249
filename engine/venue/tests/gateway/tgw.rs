//! Shenzhen's trading gateway.

use nofx_types::{OrderRef, Price, Qty, Side, Symbol};
use nofx_venue::gateway::tgw::{Tgw, TgwConfig};
use nofx_venue::gateway::{Ask, Ended, Entry, Gateway, Kind, Tell, Why};
use nofx_wire::num::{BeI32, BeI64};
use nofx_wire::text::id_digits;
use nofx_wire::tgw::client::{CancelFrame, Fixed, NewFrame};
use nofx_wire::tgw::codes::{owner, side, state};
use nofx_wire::tgw::{
    Frame, HEARTBEAT_FRAME, Logon, Logout, Message, PartitionIndex, next_frame, price_out,
    put_frame, put_report_sync, qty_out,
};

use crate::{AT, Board, SECOND, answers, drain};

pub fn gateway() -> Tgw {
    Tgw::new(&TgwConfig { password: "secret".into(), ..TgwConfig::default() }).expect("it fits")
}

fn put(kind: u32, body: &[u8]) -> Vec<u8> {
    let mut out = vec![0; body.len() + 12];
    assert_eq!(put_frame(&mut out, kind, body), Some(out.len()));
    out
}

fn text<const N: usize>(text: &str) -> [u8; N] {
    nofx_wire::text::padded(text.as_bytes(), b' ').expect("it fits")
}

pub fn logon(password: &str) -> Vec<u8> {
    let logon = Logon {
        sender_comp_id: text("CLIENT"),
        target_comp_id: text("TGW"),
        heart_bt_int: BeI32::new(10),
        password: text(password),
        default_appl_ver_id: text("1.29"),
    };
    put(Logon::TYPE, logon.bytes())
}

pub fn sync(rows: &[(i32, i64)]) -> Vec<u8> {
    let row = |(partition, index): &(i32, i64)| PartitionIndex {
        partition_no: BeI32::new(*partition),
        report_index: BeI64::new(*index),
    };
    let rows: Vec<_> = rows.iter().map(row).collect();
    let mut out = vec![0; 16 + 12 * rows.len()];
    assert_eq!(put_report_sync(&mut out, &rows), Some(out.len()));
    out
}

fn fixed() -> Fixed {
    Fixed::new("123456", "0899000001", "0001", owner::OWN_ACCOUNT, "1").expect("it fits")
}

fn frame(id: u32, security: &str) -> NewFrame {
    let mut frame = NewFrame::new(&fixed());
    frame.order.security_id = text(security);
    frame.order.cl_ord_id = id_digits(id);
    frame.order.side = side::BUY;
    frame.order.order_qty = qty_out(Qty(100)).expect("a quantity");
    frame.order.price = price_out(Price(186_400));
    frame
}

pub fn order(id: u32, security: &str) -> Vec<u8> {
    frame(id, security).seal().to_vec()
}

pub fn cancel(request: u32, id: u32, security: &str) -> Vec<u8> {
    let mut frame = CancelFrame::new(&fixed());
    frame.order.security_id = text(security);
    frame.order.cl_ord_id = id_digits(request);
    frame.order.orig_cl_ord_id = id_digits(id);
    frame.order.side = side::BUY;
    frame.seal().to_vec()
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

/// Short words for what a session heard: reports with partition/index, type and ids.
fn heard(gateway: &mut Tgw, session: usize) -> Vec<String> {
    let out = drain(gateway, session);
    frames(&out, |frame| match Message::parse(frame).expect("a message of the venue") {
        Message::Logon(_) => "logon".into(),
        Message::Heartbeat => "heartbeat".into(),
        Message::Logout(logout) => format!("logout {}", logout.session_status.get()),
        Message::PlatformState(now) => format!("state {}", now.platform_state.get()),
        Message::PartitionList(list) => format!("{:?}", list.partitions().collect::<Vec<_>>()),
        Message::ReportFinished(done) => {
            format!("finished {}/{}", done.partition_no.get(), done.report_index.get())
        }
        Message::BusinessReject(reject) => format!(
            "refused {} {} {}",
            reject.ref_msg_type.get(),
            reject.reject_ref_id.escape_ascii(),
            reject.text.trim_ascii().escape_ascii()
        ),
        Message::Confirm(c) => format!(
            "{}/{} confirm {} of {} was {} leaves {} cum {}",
            c.partition_no.get(),
            c.report_index.get(),
            char::from(c.exec_type),
            c.cl_ord_id.trim_ascii().escape_ascii(),
            c.orig_cl_ord_id.trim_ascii().escape_ascii(),
            c.leaves_qty.get(),
            c.cum_qty.get()
        ),
        Message::Execution(e) => format!(
            "{}/{} trade {} of {} status {}",
            e.partition_no.get(),
            e.report_index.get(),
            e.last_qty.get(),
            e.cl_ord_id.escape_ascii(),
            char::from(e.ord_status)
        ),
        Message::CancelReject(r) => format!(
            "{}/{} cancel reject {} of {}: {}",
            r.partition_no.get(),
            r.report_index.get(),
            r.cl_ord_id.escape_ascii(),
            r.orig_cl_ord_id.escape_ascii(),
            r.reject_text.trim_ascii().escape_ascii()
        ),
        other => format!("{other:?}"),
    })
}

/// A gateway with a client on session 0 that has asked for both partitions from the start.
fn ready() -> Tgw {
    let mut gateway = gateway();
    join(&mut gateway, 0, &[(1, 0), (2, 0)]);
    let words = heard(&mut gateway, 0);
    assert_eq!(words, ["logon", "state 2", "[1, 2]", "finished 1/0", "finished 2/0"]);
    gateway
}

fn join(gateway: &mut Tgw, session: usize, rows: &[(i32, i64)]) {
    gateway.connected(session, AT);
    gateway.receive(session, AT, &logon("secret"));
    gateway.receive(session, AT, &sync(rows));
    assert!(gateway.is_logged_on(session));
}

#[test]
fn an_order_is_read_reported_and_cancelled() {
    let (mut gateway, mut board) = (ready(), Board::default());
    gateway.receive(0, AT, &order(7, "000001"));
    board.serve(&mut gateway, AT);
    let Ask::New(Entry { symbol, side, kind, price, qty, short, account, programme, .. }) =
        board.asked[0]
    else {
        panic!()
    };
    assert_eq!(symbol, Symbol::new("000001").expect("a code"));
    assert_eq!((side, kind, price, qty), (Side::Buy, Kind::Limit, Price(186_400), Qty(100)));
    assert_eq!((short, account.as_str(), programme), (false, "0899000001", true));
    gateway.receive(0, AT, &cancel(9, 7, "000001"));
    board.serve(&mut gateway, AT);
    // 000001 of two partitions: the second.
    let want = [
        "2/1 confirm 0 of 0000000007 was  leaves 10000 cum 0",
        "2/2 trade 4000 of 0000000007 status 1",
        "2/3 confirm 4 of 0000000009 was 0000000007 leaves 0 cum 4000",
    ];
    assert_eq!(heard(&mut gateway, 0), want);
}

#[test]
fn every_session_hears_everything_and_may_cancel_what_another_sent() {
    let (mut gateway, mut board) = (ready(), Board::default());
    join(&mut gateway, 1, &[(2, 0)]);
    heard(&mut gateway, 1);
    gateway.receive(0, AT, &order(7, "000001"));
    gateway.receive(0, AT, &order(8, "000002"));
    board.serve(&mut gateway, AT);
    // The first session is lost: its orders stay.
    gateway.disconnected(0, AT);
    assert_eq!(gateway.next_ask(), None);
    gateway.receive(1, AT, &cancel(9, 7, "000001"));
    board.serve(&mut gateway, AT);
    let second = [
        "2/1 confirm 0 of 0000000007 was  leaves 10000 cum 0",
        "2/2 trade 4000 of 0000000007 status 1",
        "2/3 confirm 4 of 0000000009 was 0000000007 leaves 0 cum 4000",
    ];
    assert_eq!(heard(&mut gateway, 1), second, "of the partition that it asked for");
    // Back again, with two reports of partition 2 and none of 1.
    join(&mut gateway, 0, &[(2, 2), (1, 0)]);
    let want = [
        "logon",
        "state 2",
        "[1, 2]",
        second[2],
        "finished 2/3",
        "1/1 confirm 0 of 0000000008 was  leaves 10000 cum 0",
        "1/2 trade 4000 of 0000000008 status 1",
        "finished 1/2",
    ];
    assert_eq!(heard(&mut gateway, 0), want);
}

#[test]
fn an_order_may_be_named_by_the_exchanges_id() {
    let (mut gateway, mut board) = (ready(), Board::default());
    gateway.receive(0, AT, &order(7, "000001"));
    board.serve(&mut gateway, AT);
    let mut frame = CancelFrame::new(&fixed());
    frame.order.security_id = text("000001");
    frame.order.cl_ord_id = id_digits(9);
    frame.order.orig_cl_ord_id = [b' '; 10];
    frame.order.order_id = *b"0000000000000001";
    gateway.receive(0, AT, frame.seal());
    assert_eq!(gateway.next_ask(), Some(Ask::Cancel { id: 2, orig: 1 }));
}

#[test]
fn a_blank_reference_names_no_order() {
    for order_id in [[b' '; 16], [0; 16], *b"0000000000000000"] {
        for blank in [[b' '; 10], [0; 10]] {
            let mut gateway = ready();
            // The board has not answered yet: the order has no id of the exchange.
            gateway.receive(0, AT, &order(7, "000001"));
            assert!(matches!(gateway.next_ask(), Some(Ask::New(_))));
            let mut frame = CancelFrame::new(&fixed());
            frame.order.security_id = text("000001");
            frame.order.cl_ord_id = id_digits(9);
            frame.order.orig_cl_ord_id = blank;
            frame.order.order_id = order_id;
            gateway.receive(0, AT, frame.seal());
            assert_eq!(gateway.next_ask(), None);
            let words = heard(&mut gateway, 0);
            assert!(words[0].ends_with(": unknown order") && words.len() == 1, "{words:?}");
        }
    }
}

#[test]
fn an_order_without_an_id_is_refused_and_never_found() {
    let mut gateway = ready();
    let mut frame = frame(7, "000001");
    frame.order.cl_ord_id = [b' '; 10];
    gateway.receive(0, AT, frame.seal());
    assert_eq!(gateway.next_ask(), None);
    assert_eq!(heard(&mut gateway, 0), ["2/1 confirm 8 of  was  leaves 0 cum 0"]);
}

#[test]
fn refusals_say_why() {
    let mut gateway = ready();
    gateway.receive(0, AT, &order(7, "000001"));
    assert!(matches!(gateway.next_ask(), Some(Ask::New(_))));
    gateway.tell(AT, &Tell::Rejected { id: 1, why: Why::Cage });
    gateway.receive(0, AT, &order(7, "000001")); // an id that was used
    gateway.receive(0, AT, &cancel(9, 4711, "000001")); // an order that never was
    gateway.receive(0, AT, &order(10, "000001"));
    gateway.tell(AT, &Tell::Accepted { id: 3, order: OrderRef(2) });
    gateway.receive(0, AT, &cancel(11, 10, "000001"));
    gateway.tell(AT, &Tell::CancelRejected { request: 4, orig: 3, why: Why::NoCancel });
    let (qty, why) = (Qty(100), Ended::Expired);
    gateway.tell(AT, &Tell::Canceled { id: 3, request: 0, qty, why });
    let want = [
        "2/1 confirm 8 of 0000000007 was  leaves 0 cum 0",
        "2/2 confirm 8 of 0000000007 was  leaves 0 cum 0",
        "2/3 cancel reject 0000000009 of 0000004711: unknown order",
        "2/4 confirm 0 of 0000000010 was  leaves 10000 cum 0",
        "2/5 cancel reject 0000000011 of 0000000010: no cancels now",
        "2/6 confirm 4 of 0000000010 was  leaves 0 cum 0",
    ];
    assert_eq!(heard(&mut gateway, 0), want);
}

#[test]
fn orders_wait_for_the_platform_and_name_the_pbu() {
    let mut gateway = ready();
    gateway.set_platform_state(AT, state::HALT);
    gateway.receive(0, AT, &order(7, "000001"));
    gateway.set_platform_state(AT, state::OPEN);
    let mut foreign = frame(8, "000001");
    foreign.order.submitting_pbu = *b"654321";
    gateway.receive(0, AT, foreign.seal());
    let mut other = frame(9, "000001");
    other.order.appl_id = *b"060";
    gateway.receive(0, AT, other.seal());
    let want = [
        "state 3",
        "refused 100101 0000000007 the platform is not open",
        "state 2",
        "refused 100101 0000000008 not the PBU of this session",
        "refused 100101 0000000009 not the spot auction",
    ];
    assert_eq!(heard(&mut gateway, 0), want);
    assert_eq!(gateway.next_ask(), None);
}

#[test]
fn kinds_of_orders_are_those_of_the_table() {
    for (ord_type, tif, levels, min, want) in [
        (b'2', b'0', 0, 0, Some(Kind::Limit)),
        (b'U', b'0', 0, 0, Some(Kind::OwnBest)),
        (b'1', b'0', 1, 0, Some(Kind::OppositeBest)),
        (b'1', b'3', 5, 0, Some(Kind::BestFive)),
        (b'1', b'3', 0, 0, Some(Kind::AnyPrice)),
        (b'1', b'3', 0, 10_000, Some(Kind::AllOrNone)),
        (b'1', b'3', 0, 5_000, None),
        (b'2', b'3', 0, 0, None),
        (b'9', b'0', 0, 0, None),
    ] {
        let mut gateway = ready();
        let mut frame = frame(7, "000001");
        frame.order.ord_type = ord_type;
        frame.order.time_in_force = tif;
        frame.order.max_price_levels = levels.into();
        frame.order.min_qty = BeI64::new(min);
        frame.order.side = side::SELL;
        frame.order.cash_margin = b'2';
        gateway.receive(0, AT, frame.seal());
        let kind = gateway.next_ask().map(|ask| match ask {
            Ask::New(entry) => {
                assert!(entry.short && entry.side == Side::Sell);
                assert_eq!(entry.price.0 != 0, entry.kind.has_price());
                entry.kind
            }
            other => panic!("{other:?}"),
        });
        assert_eq!(kind, want);
        assert_eq!(heard(&mut gateway, 0).len(), usize::from(want.is_none()));
    }
}

#[test]
fn a_session_cut_at_any_byte_is_answered_the_same() {
    let orders = [order(7, "000001"), order(8, "300002"), cancel(9, 7, "000001")].concat();
    let script = [logon("secret"), sync(&[(1, 0), (2, 0)]), orders, order(7, "000001")].concat();
    let whole = answers(gateway(), &script, script.len());
    assert_eq!(whole.1.len(), 3);
    for cut in 0..script.len() {
        assert_eq!(answers(gateway(), &script, cut), whole, "cut {cut}");
    }
}

#[test]
fn logons_are_checked_and_broken_streams_ended() {
    let mut gateway = gateway();
    gateway.connected(0, AT);
    gateway.receive(0, AT, &logon("wrong"));
    assert_eq!(heard(&mut gateway, 0), ["logout 5"]);
    assert!(!gateway.is_open(0));
    gateway.connected(0, AT);
    gateway.receive(0, AT, &order(7, "000001"));
    assert_eq!(heard(&mut gateway, 0), ["logout 102"], "log on first");

    let mut gateway = ready();
    let mut broken = order(7, "000001");
    broken[40] ^= 1;
    gateway.receive(0, AT, &[broken, order(8, "000001")].concat());
    assert_eq!(heard(&mut gateway, 0), ["logout 102"]);
    assert_eq!((gateway.is_open(0), gateway.next_ask()), (false, None));

    let mut gateway = ready();
    gateway.receive(0, AT, &put(4711, b"?"));
    gateway.receive(0, AT, &put(100_101, b"short"));
    gateway.receive(0, AT, &sync(&[(9, 0), (1, -1)]));
    let refused = heard(&mut gateway, 0);
    assert!(refused[0].ends_with("unknown message") && refused[1].ends_with("message is cut"));
    assert!(refused[2].ends_with("no such partition") && refused[3] == refused[2]);
    assert!(gateway.is_logged_on(0));
    let logout = Logout { session_status: BeI32::new(0), text: [b' '; 200] };
    gateway.receive(0, AT, &put(Logout::TYPE, logout.bytes()));
    assert_eq!(heard(&mut gateway, 0), ["logout 4"]);
    assert!(Tgw::new(&TgwConfig { pbu: "1234567".into(), ..TgwConfig::default() }).is_none());
    assert!(Tgw::new(&TgwConfig { partitions: vec![], ..TgwConfig::default() }).is_none());
}

#[test]
fn either_side_keeps_the_session_alive() {
    let mut gateway = ready();
    gateway.keep_alive(AT.plus(10 * SECOND));
    assert_eq!(heard(&mut gateway, 0), ["heartbeat"]);
    gateway.receive(0, AT.plus(15 * SECOND), &HEARTBEAT_FRAME);
    gateway.keep_alive(AT.plus(44 * SECOND));
    assert_eq!(heard(&mut gateway, 0), ["heartbeat"]);
    gateway.keep_alive(AT.plus(45 * SECOND));
    assert_eq!(heard(&mut gateway, 0), ["logout 101"]);
    assert_eq!(gateway.next_ask(), None, "orders stay");
}

#[test]
fn a_client_that_does_not_log_on_is_cut_off() {
    let mut gateway = gateway();
    gateway.connected(1, AT);
    gateway.receive(1, AT.plus(9 * SECOND), &logon("secret")[..40]);
    gateway.keep_alive(AT.plus(9 * SECOND));
    assert!(gateway.is_open(1));
    gateway.keep_alive(AT.plus(10 * SECOND));
    assert!(!gateway.is_open(1));
}
