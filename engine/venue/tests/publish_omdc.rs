//! The OMD-C publisher: what it says rebuilds the board's books, packets are strict, refresh and
//! retransmission agree with the live stream.

mod publish;

use std::collections::BTreeMap;

use nofx_types::{Level, Market, Nanos, Price, Qty, Side};
use nofx_venue::board::Board;
use nofx_venue::publish::omdc::{
    OmdcConfig, OmdcPublisher, Position, Retransmission, RetransmissionConfig,
    RetransmissionSession,
};
use nofx_wire::omdc::{
    self, AddOrder, DeleteOrder, Logon, LogonResponse, ModifyOrder, PACKET_MAX, Packet,
    PacketWriter, RefreshComplete, RetransmissionRequest, RetransmissionResponse, SequenceReset,
    Trade, stream_packet_len, type_of,
};
use publish::{board, drive};

/// Orders by security, side and id, with price and quantity; kept by the messages alone.
#[derive(Default)]
struct Reader {
    orders: BTreeMap<(u32, u16, u64), (i32, u32)>,
    volume: BTreeMap<u32, u64>,
    positions_wrong: u64,
    messages: Vec<Vec<u8>>,
    next: u32,
}

impl Reader {
    fn packet(&mut self, bytes: &[u8]) {
        assert!(bytes.len() <= PACKET_MAX, "{} bytes", bytes.len());
        let packet = Packet::parse(bytes).expect("a packet that uses its bytes exactly");
        assert_eq!(packet.seq(), self.next, "numbers without holes");
        self.next = packet.next_seq();
        for message in packet.messages() {
            self.message(message);
            self.messages.push(message.to_vec());
        }
    }

    fn message(&mut self, bytes: &[u8]) {
        let kind = type_of(bytes).expect("a type");
        let fixed = omdc::min_length_of(kind).expect("a known type");
        assert_eq!(bytes.len(), fixed, "no groups are published: type {kind}");
        match kind {
            AddOrder::KIND => {
                let add = AddOrder::parse(bytes).expect("whole");
                assert_eq!((add.filler, add.order_type == b'1'), (0, add.price_e3.get() == 0));
                let key = (add.security_code.get(), add.side.get(), add.order_id.get());
                // Alone, an order's rank is the number of its level's orders.
                let level = self.orders.iter().filter(|(k, (price, _))| {
                    (k.0, k.1) == (key.0, key.1) && *price == add.price_e3.get()
                });
                let last = level.count() as i32 + 1;
                self.positions_wrong += u64::from(add.order_book_position.get() != last);
                let row = (add.price_e3.get(), add.quantity.get());
                assert!(self.orders.insert(key, row).is_none(), "{key:?} is there already");
            }
            ModifyOrder::KIND => {
                let modify = ModifyOrder::parse(bytes).expect("whole");
                let key = (modify.security_code.get(), modify.side.get(), modify.order_id.get());
                let row = self.orders.get_mut(&key).expect("a known order");
                assert!(modify.quantity.get() > 0 && row.1 != modify.quantity.get());
                row.1 = modify.quantity.get();
            }
            DeleteOrder::KIND => {
                let delete = DeleteOrder::parse(bytes).expect("whole");
                let key = (delete.security_code.get(), delete.side.get(), delete.order_id.get());
                self.orders.remove(&key).expect("a known order");
            }
            Trade::KIND => {
                let trade = Trade::parse(bytes).expect("whole");
                *self.volume.entry(trade.security_code.get()).or_default() +=
                    u64::from(trade.quantity.get());
            }
            _ => {}
        }
    }

    fn levels(&self, code: u32, side: Side) -> Vec<Level> {
        let mut levels: BTreeMap<i64, Level> = BTreeMap::new();
        for (key, (price, qty)) in &self.orders {
            if key.0 == code && key.1 == side as u16 && *price != 0 {
                let price = Price(i64::from(*price) * 10);
                let level = levels.entry(price.0).or_insert(Level { price, ..Level::default() });
                level.qty = Qty(level.qty.0 + u64::from(*qty));
                level.orders += 1;
            }
        }
        match side {
            Side::Buy => levels.into_values().rev().collect(),
            Side::Sell => levels.into_values().collect(),
        }
    }

    fn assert_is(&self, board: &Board, at: &str) {
        for (row, security) in board.securities().iter().enumerate() {
            let code: u32 = security.symbol.as_str().parse().expect("a code");
            for side in Side::BOTH {
                let want: Vec<Level> = board.levels(row as u32, side).collect();
                assert_eq!(self.levels(code, side), want, "{at} {code} {side:?}");
            }
            let volume = self.volume.get(&code).copied().unwrap_or(0);
            assert_eq!(volume, board.totals(row as u32).volume, "{at} {code}");
        }
    }
}

/// A day with its publisher; `each` looks at every settled moment.
fn day(seed: u64, mut each: impl FnMut(Nanos, &Board, &mut OmdcPublisher, &mut Reader)) -> Reader {
    let mut board = board(Market::Hkex, seed, 4, 30);
    let mut publisher = OmdcPublisher::new(OmdcConfig::default(), &board);
    let mut reader = Reader { next: 1, ..Reader::default() };
    publisher.open(board.now(), &board, &mut |_, _: u16, bytes: &[u8]| reader.packet(bytes));
    drive(&mut board, |now, said, board| {
        for fact in said {
            publisher.say(fact, board, &mut |_, _: u16, bytes: &[u8]| reader.packet(bytes));
        }
        publisher.turn(now, board, &mut |_, _: u16, bytes: &[u8]| reader.packet(bytes));
        publisher.flush(&mut |_, _: u16, bytes: &[u8]| reader.packet(bytes));
        each(now, board, &mut publisher, &mut reader);
    });
    reader
}

#[test]
fn a_reader_of_the_messages_has_the_boards_books_at_every_moment() {
    for seed in 1..4 {
        let mut moments = 0;
        let reader = day(seed, |now, board, _, reader| {
            moments += 1;
            reader.assert_is(board, &format!("seed {seed} at {}", now.0));
        });
        let count = |kind| reader.messages.iter().filter(|m| type_of(m) == Some(kind)).count();
        println!("seed {seed}: {} messages, {} trades", reader.messages.len(), count(Trade::KIND));
        assert!(moments > 100 && count(Trade::KIND) > 50, "seed {seed}");
        for kind in [10u16, 11, 20, 30, 31, 32, 40, 41, 43, 50, 56, 60, 62, 100] {
            assert!(count(kind) > 0, "seed {seed}: no message {kind}");
        }
        assert_eq!(reader.positions_wrong, 0, "seed {seed}: rank in the level, the head is 1");
        assert_eq!(type_of(&reader.messages[0]), Some(SequenceReset::KIND));
    }
}

#[test]
fn a_refresh_cycle_is_the_book_and_names_the_live_message_it_is_current_to() {
    let mut cycles = 0;
    let mut numbers = 1;
    day(5, |now, board, publisher, live| {
        if now.0 / 1_000_000_000 % 7 != 0 {
            return;
        }
        let mut image = Reader { next: numbers, ..Reader::default() };
        let mut cycle = |_: Nanos, channel: u16, bytes: &[u8]| {
            assert_eq!(channel, 1);
            image.packet(bytes);
        };
        publisher.refresh(now, 1, board, &mut cycle);
        numbers = image.next;
        let last = image.messages.last().expect("Refresh Complete");
        let complete = RefreshComplete::parse(last).expect("whole");
        assert_eq!((type_of(last), complete.last_seq_num.get()), (Some(203), live.next - 1));
        assert_eq!(image.orders, live.orders);
        cycles += 1;
    });
    assert!(cycles > 3, "{cycles}");
}

fn packet(message: &[u8]) -> Vec<u8> {
    let mut buffer = [0; PACKET_MAX];
    let mut writer = PacketWriter::new(&mut buffer, 0, 0).expect("room");
    writer.push(message).expect("fits");
    writer.finish().to_vec()
}

fn request(channel: u16, begin: u32, end: u32) -> Vec<u8> {
    let request = RetransmissionRequest {
        channel_id: channel.into(),
        begin_seq_num: begin.into(),
        end_seq_num: end.into(),
        ..RetransmissionRequest::blank()
    };
    packet(request.bytes())
}

fn logon(name: &str) -> Vec<u8> {
    packet(Logon { username: omdc::text(name), ..Logon::blank() }.bytes())
}

/// The messages of a byte stream of packets, with their numbers.
fn stream(mut bytes: &[u8]) -> Vec<(u32, Vec<u8>)> {
    let mut messages = Vec::new();
    while let Some(length) = stream_packet_len(bytes).expect("a size") {
        let (front, rest) = bytes.split_at(length);
        let packet = Packet::parse(front).expect("a packet");
        let numbered = packet.messages().enumerate();
        messages.extend(numbered.map(|(k, m)| (packet.seq() + k as u32, m.to_vec())));
        bytes = rest;
    }
    messages
}

#[test]
fn retransmission_gives_what_was_sent_and_says_why_not() {
    let mut last = None;
    let reader = day(6, |_, _, _, _| {});
    let mut board = board(Market::Hkex, 6, 4, 30);
    let mut publisher = OmdcPublisher::new(OmdcConfig::default(), &board);
    let mut nowhere = |_: Nanos, _: u16, _: &[u8]| {};
    publisher.open(board.now(), &board, &mut nowhere);
    drive(&mut board, |now, said, board| {
        said.iter().for_each(|fact| publisher.say(fact, board, &mut nowhere));
        publisher.turn(now, board, &mut nowhere);
        publisher.flush(&mut nowhere);
        last = Some(now);
    });
    let now = last.expect("a day");
    let config = RetransmissionConfig {
        users: vec!["alice".into()],
        range_max: 5_000,
        requests_max: 5,
        ..RetransmissionConfig::default()
    };
    let mut server = Retransmission::new(config);
    let mut ask = |session: &mut RetransmissionSession, bytes: &[u8], step: usize| {
        let mut out = Vec::new();
        for piece in bytes.chunks(step) {
            server.answer(session, &publisher, now, piece, &mut out);
        }
        (stream(&out), session.is_closed())
    };

    let mut session = RetransmissionSession::new(now);
    let (answers, closed) = ask(&mut session, &logon("alice"), 3);
    let status = |message: &[u8]| LogonResponse::parse(message).expect("whole").session_status;
    assert_eq!((answers.len(), status(&answers[0].1), closed), (1, 0, false));
    for (name, want) in [("bob", 5), ("alice", 100)] {
        let (answers, closed) = ask(&mut RetransmissionSession::new(now), &logon(name), 99);
        assert_eq!((status(&answers[0].1), closed), (want, true), "{name}");
    }
    let kept = reader.messages.len() as u32;
    let mut served = |channel, begin, end, step| {
        let (answers, closed) = ask(&mut session, &request(channel, begin, end), step);
        let response = RetransmissionResponse::parse(&answers[0].1).expect("whole");
        assert!(!closed && type_of(&answers[0].1) == Some(202));
        assert_eq!((response.begin_seq_num.get(), response.end_seq_num.get()), (begin, end));
        (response.retrans_status, answers[1..].to_vec())
    };
    assert_eq!(served(9, 1, 2, 5), (1, vec![]), "no such channel");
    assert_eq!(served(1, kept, kept + 1, 99), (2, vec![]), "not sent yet");
    assert_eq!(served(1, 1, 5_001, 99), (100, vec![]), "too many");
    assert_eq!(served(1, 9, 8, 99), (100, vec![]), "upside down");
    for (begin, end) in [(1, 1), (7, 900)] {
        let (status, answers) = served(1, begin, end, 1);
        let want: Vec<_> =
            (begin..=end).map(|n| (n, reader.messages[n as usize - 1].clone())).collect();
        assert_eq!((status, answers), (0, want), "{begin}..={end}");
    }
    assert_eq!(served(1, 1, 1, 99), (101, vec![]), "too many requests today");
    let (_, closed) = ask(&mut session, &[2, 0], 99);
    assert!(closed, "a size that holds no header");
}

#[test]
fn positions_count_as_configured() {
    for (position, in_level, in_side, want) in [
        (Position::Level1, 2, 9, 3),
        (Position::Level0, 2, 9, 2),
        (Position::Side1, 2, 9, 10),
        (Position::Side0, 2, 9, 9),
    ] {
        assert_eq!(position.of(in_level, in_side), want);
    }
}
