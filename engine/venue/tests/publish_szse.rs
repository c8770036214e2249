//! The Shenzhen publisher: numbers, ids and sums of its stream, snapshots, and the session.

mod publish;

use std::collections::{BTreeMap, HashMap};

use nofx_types::{Market, Nanos, Side};
use nofx_venue::board::Board;
use nofx_venue::publish::szse::{SzseConfig, SzsePublisher, SzseSession, SzseSessionConfig};
use nofx_wire::szse::{
    HEARTBEAT_FRAME, Logon, Logout, Message, Resend, entry_type, exec_type, next_frame, put_frame,
    resend_status, text,
};
use publish::{board, drive};

/// What one client gets in a whole day.
struct Day {
    board: Board,
    publisher: SzsePublisher,
    session: SzseSession,
    bytes: Vec<u8>,
}

fn framed(msg_type: u32, body: &[u8]) -> Vec<u8> {
    let mut frame = vec![0; body.len() + 12];
    put_frame(&mut frame, msg_type, body).expect("fits");
    frame
}

fn logon(sender: &str, password: &str) -> Vec<u8> {
    let logon = Logon {
        sender_comp_id: text(sender).expect("short"),
        target_comp_id: text("MDGW").expect("short"),
        heart_bt_int: 3.into(),
        password: text(password).expect("short"),
        default_appl_ver_id: text("1.17").expect("short"),
    };
    framed(Logon::TYPE, logon.bytes())
}

fn day(seed: u64) -> Day {
    let mut board = board(Market::Szse, seed, 4, 60);
    let mut publisher = SzsePublisher::new(SzseConfig::default(), &board);
    let mut session = SzseSession::new(SzseSessionConfig::default(), board.now());
    let mut bytes = Vec::new();
    session.answer(&publisher, board.now(), &logon("NOFX", ""), &mut bytes);
    drive(&mut board, |now, said, board| {
        for fact in said {
            let out = &mut |at, _: u16, frame: &[u8]| session.send(at, frame, &mut bytes);
            publisher.say(fact, board, out);
        }
        let out = &mut |at, _: u16, frame: &[u8]| session.send(at, frame, &mut bytes);
        publisher.turn(now, board, out);
        session.turn(now, &mut bytes);
        session.answer(&publisher, now, &HEARTBEAT_FRAME, &mut bytes);
    });
    Day { board, publisher, session, bytes }
}

/// Every message of a stream.
fn messages(mut bytes: &[u8], mut each: impl FnMut(Message<'_>)) {
    while let Some((frame, length)) = next_frame(bytes).expect("right sums") {
        each(Message::parse(frame).expect("whole"));
        bytes = &bytes[length..];
    }
    assert!(bytes.is_empty(), "{} bytes are no frame", bytes.len());
}

#[test]
fn ticks_are_numbered_without_holes_and_leave_what_the_board_has() {
    for seed in 1..4 {
        let day = day(seed);
        let mut next: HashMap<u16, i64> = HashMap::new();
        let mut open: BTreeMap<i64, (char, i64)> = BTreeMap::new();
        let (mut volume, mut snapshots, mut heartbeats, mut status) = (0, 0, 0, 0);
        let mut number = |channel: u16, seq: i64| {
            let next = next.entry(channel).or_insert(1);
            assert_eq!(seq, *next, "seed {seed}");
            *next += 1;
        };
        messages(&day.bytes, |message| match message {
            Message::Order(order) => {
                number(order.channel_no.get(), order.appl_seq_num.get());
                assert_eq!((&order.md_stream_id, &order.security_id_source), (b"011", b"102 "));
                let row = (char::from(order.side), order.order_qty.get());
                open.insert(order.appl_seq_num.get(), row);
            }
            Message::Execution(execution) => {
                number(execution.channel_no.get(), execution.appl_seq_num.get());
                let (bid, offer) =
                    (execution.bid_appl_seq_num.get(), execution.offer_appl_seq_num.get());
                let trade = execution.exec_type == exec_type::TRADE;
                assert_eq!(trade, bid != 0 && offer != 0, "a cancel names one order");
                assert_eq!(trade, execution.last_px.get() > 0);
                for (id, side) in [(bid, '1'), (offer, '2')].into_iter().filter(|(id, _)| *id > 0) {
                    let row = open.get_mut(&id).expect("an order that came before");
                    assert_eq!(row.0, side);
                    row.1 -= execution.last_qty.get();
                    assert!(row.1 >= 0, "seed {seed}: order {id} gave more than it had");
                }
                volume += if trade { execution.last_qty.get() / 100 } else { 0 };
            }
            Message::Snapshot(snapshot) => {
                snapshots += 1;
                let bids = snapshot.entries().filter(|e| e.head.md_entry_type == entry_type::BID);
                let prices: Vec<i64> = bids.map(|e| e.head.md_entry_px.get()).collect();
                assert!(prices.is_sorted_by(|a, b| a > b) && prices.len() <= 10);
            }
            Message::ChannelHeartbeat(_) => heartbeats += 1,
            Message::MarketStatus(_) => status += 1,
            _ => {}
        });
        open.retain(|_, row| row.1 > 0);
        let rows = 0..day.board.securities().len() as u32;
        let resting = rows.clone().flat_map(|row| {
            let board = &day.board;
            Side::BOTH.into_iter().flat_map(move |side| board.standing(row, side))
        });
        let mut want: BTreeMap<i64, i64> =
            resting.map(|order| (order.order.0 as i64, i64::from(order.qty) * 100)).collect();
        for row in rows.clone() {
            want.extend(day.board.parked(row).map(|order| (order.0 as i64, -1)));
        }
        let got: Vec<i64> = open.keys().copied().collect();
        assert_eq!(got, want.keys().copied().collect::<Vec<_>>(), "seed {seed}");
        let traded: u64 = rows.map(|row| day.board.totals(row).volume).sum();
        assert_eq!(volume as u64, traded, "seed {seed}");
        println!("seed {seed}: {next:?}, {snapshots} snapshots, {heartbeats} heartbeats");
        assert!(snapshots > 20 && heartbeats > 0 && status > 4, "seed {seed}");
    }
}

#[test]
fn ticks_are_sent_again_as_they_were() {
    let mut day = day(9);
    let channel = day.publisher.channels().next().expect("a channel");
    let next = day.publisher.next_seq(channel).expect("known") as i64;
    let now = day.board.now();
    let mut ask = |channel, first, last, step: usize| {
        let (mut out, mut ticks, mut answer) = (Vec::new(), Vec::new(), None);
        let resend = framed(Resend::TYPE, Resend::ticks(channel, first, last).bytes());
        for piece in resend.chunks(step) {
            day.session.answer(&day.publisher, now, piece, &mut out);
        }
        messages(&out, |message| match message {
            Message::Order(order) => ticks.push(order.appl_seq_num.get()),
            Message::Execution(execution) => ticks.push(execution.appl_seq_num.get()),
            Message::Resend(resend) => answer = Some(resend.resend_status),
            other => panic!("{other:?}"),
        });
        (answer.expect("an answer"), ticks)
    };
    assert_eq!(ask(channel, 5, 9, 1), (resend_status::DONE, vec![5, 6, 7, 8, 9]));
    assert_eq!(ask(channel, next - 2, 0, 7), (resend_status::DONE, vec![next - 2, next - 1]));
    assert_eq!(ask(channel, next - 1, next + 5, 99), (resend_status::PARTIAL, vec![next - 1]));
    assert_eq!(ask(channel, next, next + 5, 99), (resend_status::NOT_AVAILABLE, vec![]));
    assert_eq!(ask(channel, -9, -1, 99), (resend_status::NOT_AVAILABLE, vec![]));
    assert_eq!(ask(999, 1, 5, 99), (resend_status::NO_RIGHT, vec![]));
}

#[test]
fn a_session_is_opened_kept_and_ended_as_the_sheet_says() {
    let board = board(Market::Szse, 1, 1, 0);
    let publisher = SzsePublisher::new(SzseConfig::default(), &board);
    let config =
        SzseSessionConfig { sender: "A".into(), password: "secret".into(), ..Default::default() };
    let opened = |bytes: &[u8]| {
        let mut session = SzseSession::new(config.clone(), Nanos(0));
        let mut out = Vec::new();
        session.answer(&publisher, Nanos(0), bytes, &mut out);
        (session, out)
    };
    let (mut session, out) = opened(&logon("A", "secret"));
    assert_eq!((out, session.is_logged_on()), (logon("A", "secret"), true), "echoed");
    let mut out = Vec::new();
    session.turn(Nanos(2_999_999_999), &mut out);
    assert!(out.is_empty());
    session.turn(Nanos(3_000_000_000), &mut out);
    assert_eq!(out, HEARTBEAT_FRAME);
    session.turn(Nanos(6_000_000_001), &mut out);
    assert!(session.is_closed(), "two heartbeats of silence");

    let mut broken = logon("A", "secret");
    broken[20] ^= 1;
    for (bytes, status) in [(logon("B", "secret"), 5), (logon("A", "x"), 5), (broken, 102)] {
        let (session, out) = opened(&bytes);
        let mut given = None;
        messages(&out, |message| {
            if let Message::Logout(Logout { session_status, .. }) = message {
                given = Some(session_status.get());
            }
        });
        assert_eq!((given, session.is_closed()), (Some(status), true));
    }
}
