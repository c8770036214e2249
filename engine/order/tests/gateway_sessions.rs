//! Sessions of OCG-C, TGW and TDGW case by case: what is refused, what a gateway can say, streams cut
//! anywhere, and that nothing allocates.

mod common;

use common::far::{Asked, Say};
use common::gateway::Gateway;
use common::{Client, NOW, buy, config, manager, up};
use nofx_gate::{GateKey, Rejects, Rule};
use nofx_order::{ConfigError, OrderConfig, OrderManager, Protocol, SessionState, Unreconciled};
use nofx_rt::guard::{self, CountingAlloc, OnSealed};
use nofx_types::{
    ClOrdId, InstrumentId, IntentKind, Nanos, OrderIntent, Price, Qty, Side, TimeInForce,
    UpdateKind,
};
use nofx_wire::text::id_digits;
use nofx_wire::{ocg, tdgw, tgw};

#[global_allocator]
static ALLOC: CountingAlloc = CountingAlloc;

const MS: u64 = 1_000_000;
const NEW_PROTOCOLS: [Protocol; 3] = [Protocol::Ocg, Protocol::Tgw, Protocol::Tdgw];

fn session_config(protocol: Protocol) -> OrderConfig {
    OrderConfig {
        reconcile: protocol.reconcile(),
        reconcile_quiet_ns: 10 * MS,
        reconcile_wait_ns: 500 * MS,
        heartbeat_ns: 0,
        ..config(protocol)
    }
}

/// A client, and its far end.
struct Pair {
    client: Client,
    far: Gateway,
    said: Vec<Say>,
}

impl Pair {
    fn new(config: &OrderConfig) -> Pair {
        let far = Gateway::new(config.protocol, 2);
        Pair { client: Client::new(manager(config)), far, said: Vec::new() }
    }

    fn up(config: &OrderConfig) -> Pair {
        let mut pair = Pair::new(config);
        pair.log_in();
        assert!(pair.client.orders.is_up(), "{}", pair.client.orders.session());
        pair
    }

    fn log_in(&mut self) {
        let login = self.client.login();
        self.far.read(0, &login);
        self.settle();
    }

    /// Everything under way arrives, and enough time passes.
    fn settle(&mut self) {
        for _ in 0..4 {
            self.deliver();
            while let Some(bytes) = self.client.keep_alive() {
                self.far.read(0, &bytes);
            }
            self.client.now.0 += 10 * MS;
        }
        self.client.keep_alive();
    }

    /// Brings the second session up.
    fn rescue_up(&mut self) {
        let login = self.client.rescue_login();
        self.far.read(1, &login);
        for _ in 0..3 {
            let bytes: Vec<u8> = self.far.sessions[1].out.drain(..).collect();
            self.client.rescue_receive(&bytes);
            while let Some(bytes) = self.client.rescue_keep_alive() {
                self.far.read(1, &bytes);
            }
        }
        assert_eq!(self.client.orders.rescue_session(), Some(SessionState::Up));
    }

    fn deliver(&mut self) {
        self.far.pump(&self.said);
        let bytes: Vec<u8> = self.far.sessions[0].out.drain(..).collect();
        self.client.receive(&bytes);
    }

    fn send(&mut self, intent: OrderIntent) -> Option<Asked> {
        let bytes = self.client.send(intent)?;
        self.far.read(0, &bytes).pop()
    }

    fn say(&mut self, say: Say) {
        self.said.push(say);
        self.deliver();
    }

    /// A buy of 100 at 1,000 that is accepted.
    fn live(&mut self) -> u32 {
        let Some(Asked::Enter { id, .. }) = self.send(buy(0, 1_000, 100)) else { panic!() };
        self.say(accepted(id, 100));
        id
    }

    fn cut(&mut self) {
        self.client.orders.disconnected(self.client.now);
        self.far.hang_up(0);
    }

    fn last(&self) -> (UpdateKind, u32) {
        self.client.told.last().map(|news| (news.kind, news.cl_ord_id.0)).expect("news")
    }

    /// A frame of OCG-C that the far end does not say by itself.
    fn ocg<M: ocg::Fields>(&mut self, seq: u32, message: &M) {
        let mut out = vec![0; 1_500];
        let head = ocg::Head { sequence: seq, poss_dup: false, comp_id: [0; 12] };
        let used = ocg::put(&mut out, &head, message).expect("room");
        self.client.receive(&out[..used]);
    }
}

fn accepted(id: u32, qty: u32) -> Say {
    Say::Accepted { id, side: Side::Buy, qty, price: 1_000, order_ref: 77, dead: false }
}

fn fill(id: u32, qty: u32, match_number: u64) -> Say {
    Say::Executed { id, qty, price: 1_000, flag: b'A', match_number }
}

fn cancel(id: u32) -> OrderIntent {
    OrderIntent::cancel(InstrumentId(0), ClOrdId(id), Side::Buy)
}

fn replace(id: u32, price: i64, qty: u64) -> OrderIntent {
    OrderIntent::replace(InstrumentId(0), ClOrdId(id), Side::Buy, Price(price), Qty(qty))
}

fn stopped(why: Unreconciled) -> SessionState {
    SessionState::Unreconciled(why)
}

#[test]
fn an_order_lives_and_ends_with_every_protocol() {
    for protocol in NEW_PROTOCOLS {
        let mut pair = Pair::up(&session_config(protocol));
        let asked = pair.send(buy(0, 1_234_500, 258)).expect("sent");
        let symbol = *b"AAA     ";
        let want =
            Asked::Enter { id: 1, side: Side::Buy, qty: 258, price: 1_234_500, symbol, ioc: false };
        assert_eq!(asked, want, "{protocol:?}");
        pair.say(Say::Accepted {
            id: 1,
            side: Side::Buy,
            qty: 258,
            price: 1_234_500,
            order_ref: 4_711,
            dead: false,
        });
        let order = pair.client.orders.order(ClOrdId(1)).expect("open");
        assert_eq!((order.order_ref.0, order.leaves), (4_711, Qty(258)), "{protocol:?}");
        pair.say(fill(1, 58, 1));
        pair.say(fill(1, 58, 1));
        assert_eq!(pair.client.anomaly("duplicate_fill"), 1);
        assert_eq!(pair.send(cancel(1)), Some(Asked::Cancel { id: 1, down_to: 0 }));
        pair.say(Say::CancelRejected { id: 1 });
        assert_eq!(pair.last(), (UpdateKind::CancelRejected, 1));
        assert!(pair.send(cancel(1)).is_some(), "another");
        pair.say(Say::Canceled { id: 1, qty: 200, reason: b'U' });
        assert_eq!(pair.last(), (UpdateKind::Canceled, 1));
        // Refused, and taken off by the venue.
        pair.send(buy(1, 1_000, 10)).expect("sent");
        pair.say(Say::Rejected { id: 2 });
        let id = pair.live();
        pair.say(Say::Canceled { id, qty: 100, reason: b'H' });
        pair.client.assert_released(&format!("{protocol:?}"));
        assert_eq!(pair.client.positions.position(common::ACCOUNT, InstrumentId(0)), 58);
        let (price, quantity) = (pair.client.told[0].price, pair.client.told[0].leaves);
        assert_eq!((price, quantity), (Price(1_234_500), Qty(258)));
    }
}

#[test]
fn what_a_protocol_has_no_words_for_is_refused() {
    let rules = |client: &mut Client, mut intent: OrderIntent| {
        intent.now_ns = client.now;
        let refused = client.orders.stage(&mut intent).err().unwrap_or(Rejects::NONE);
        refused.rules().collect::<Vec<_>>()
    };
    let tif = |tif| OrderIntent { tif, ..buy(0, 1_000, 100) };
    let mut short = buy(0, 1_000, 100);
    (short.side, short.short) = (Side::Sell, true);
    let post = OrderIntent { post_only: true, ..buy(0, 1_000, 100) };
    let (yes, no) = (vec![], vec![Rule::Range]);
    type Row = (Protocol, [bool; 5]);
    // IOC, all or nothing, at crossing, short, must not take.
    let table: [Row; 5] = [
        (Protocol::Ouch50, [true, false, false, true, true]),
        (Protocol::Ouch42, [true, false, false, true, true]),
        (Protocol::Ocg, [true, true, true, true, false]),
        (Protocol::Tgw, [false, false, false, true, false]),
        (Protocol::Tdgw, [false, false, false, false, false]),
    ];
    for (protocol, said) in table {
        let mut client = match protocol {
            Protocol::Ouch50 | Protocol::Ouch42 => Client::new(up(&config(protocol))),
            _ => Pair::up(&session_config(protocol)).client,
        };
        let intents = [
            tif(TimeInForce::Ioc),
            tif(TimeInForce::Fok),
            tif(TimeInForce::AtCrossing),
            short,
            post,
        ];
        for (intent, says) in intents.into_iter().zip(said) {
            let want = if says { &yes } else { &no };
            assert_eq!(&rules(&mut client, intent), want, "{protocol:?} {intent:?}");
        }
    }
    let mut config = session_config(Protocol::Tdgw);
    (config.tdgw.limit_ioc, config.tdgw.short_tag) = (true, "RQ".into());
    let mut pair = Pair::up(&config);
    assert!(matches!(pair.send(tif(TimeInForce::Ioc)), Some(Asked::Enter { ioc: true, .. })));
    assert_eq!(rules(&mut pair.client, short), yes);
    // The mainland knows no replace.
    for protocol in [Protocol::Tgw, Protocol::Tdgw] {
        let mut pair = Pair::up(&session_config(protocol));
        let id = pair.live();
        assert_eq!(rules(&mut pair.client, replace(id, 900, 5)), no);
    }
    // A short sale says so.
    let mut client = Client::new(up(&common::config(Protocol::Ouch50)));
    let bytes = client.send(short).expect("sent");
    assert_eq!(bytes[8], b'T');
}

#[test]
fn ocg_amends_and_takes_trades_back() {
    let mut pair = Pair::up(&session_config(Protocol::Ocg));
    let id = pair.live();
    pair.say(fill(id, 30, 9));
    // 50 open wanted: the total is 80 with what was filled.
    let asked = pair.send(replace(id, 990, 50));
    assert_eq!(asked, Some(Asked::Replace { orig: 1, id: 2, qty: 80, price: 990, ioc: false }));
    pair.say(Say::Rejected { id: 2 });
    assert_eq!(pair.last(), (UpdateKind::ReplaceRejected, 2));
    pair.send(replace(id, 990, 50)).expect("sent");
    let (side, order_ref) = (Side::Buy, 78);
    pair.say(Say::Replaced { orig: 1, id: 3, side, qty: 80, price: 990, order_ref, dead: false });
    assert_eq!(pair.last(), (UpdateKind::Replaced, 3));
    pair.say(Say::Broken { id: 1, match_number: 9 });
    assert_eq!(pair.last(), (UpdateKind::Broken, 1));
    assert_eq!(pair.client.positions.position(common::ACCOUNT, InstrumentId(0)), 0);
    pair.send(cancel(3)).expect("sent");
    pair.say(Say::Canceled { id: 3, qty: 50, reason: b'U' });
    pair.client.assert_released("amended");
}

#[test]
fn the_throttle_of_ocg_refuses_and_holds_ours() {
    let mut pair =
        Pair::up(&OrderConfig { throttle_window_ns: 1_000 * MS, ..session_config(Protocol::Ocg) });
    let id = pair.live();
    pair.send(buy(0, 1_000, 10)).expect("sent");
    let own = nofx_wire::text::padded::<21>(&id_digits(2), 0).expect("short");
    let mut reject = ocg::BusinessReject {
        code: 8,
        reason: Some(ocg::Var(b"throttle")),
        reference_type: Some(11),
        reference_field: None,
        reference_sequence: Some(4),
        reference_id: Some(ocg::Text(&own)),
    };
    let seq = pair.client.orders.next_seq() as u32;
    pair.ocg(seq, &reject);
    assert_eq!(pair.last(), (UpdateKind::Rejected, 2));
    assert_eq!(pair.client.anomaly("venue_throttle"), 1);
    assert_eq!(pair.client.send(buy(0, 1_000, 10)), None, "ours holds");
    // A cancel that is refused: by its number alone, and it may be sent again.
    let bytes = pair.client.send(cancel(id)).expect("never held");
    let number = u32::from_le_bytes(bytes[4..8].try_into().expect("four"));
    (reject.reference_id, reject.reference_sequence, reject.code) = (None, Some(number), 99);
    pair.ocg(seq + 1, &reject);
    assert_eq!(pair.last(), (UpdateKind::CancelRejected, id));
    assert!(pair.client.send(cancel(id)).is_some());
}

#[test]
fn ocg_answers_asks_and_closes_gaps() {
    let mut pair = Pair::up(&session_config(Protocol::Ocg));
    let next = pair.client.orders.next_seq() as u32;
    pair.ocg(next, &ocg::TestRequest { test_request_id: 77 });
    let answer = pair.client.keep_alive().expect("an answer");
    let (frame, _) = ocg::next_frame(&answer).expect("a frame").expect("whole");
    let Ok(ocg::Message::Heartbeat(beat)) = ocg::Message::parse(&frame) else { panic!() };
    assert_eq!(beat.reference_test_request_id, Some(77));
    // Two numbers are missing: asked for once, and what is behind them is dropped.
    let beat = ocg::Heartbeat { reference_test_request_id: None };
    pair.ocg(next + 3, &beat);
    pair.ocg(next + 4, &beat);
    let ask = pair.client.keep_alive().expect("a resend request");
    let (frame, _) = ocg::next_frame(&ask).expect("a frame").expect("whole");
    let Ok(ocg::Message::ResendRequest(ask)) = ocg::Message::parse(&frame) else { panic!() };
    assert_eq!((ask.start, ask.end), (next + 1, 0));
    assert_eq!(pair.client.keep_alive(), None, "once");
    assert_eq!(pair.client.anomaly("gap"), 2);
    pair.ocg(next + 1, &ocg::SequenceReset { gap_fill: Some(b'Y'), new_sequence: next + 5 });
    assert_eq!(pair.client.orders.next_seq() as u32, next + 5);
    pair.ocg(next + 2, &beat);
    assert_eq!(pair.client.anomaly("replayed"), 1);
    assert!(pair.client.orders.is_up());
    // A reset that fills nothing: reports are gone.
    pair.ocg(next + 5, &ocg::SequenceReset { gap_fill: Some(b'N'), new_sequence: next + 9 });
    assert_eq!(pair.client.orders.session(), stopped(Unreconciled::Missed));
}

#[test]
fn ocg_logins_prove_what_arrived() {
    // An order that never arrived, behind one that did.
    let mut pair = Pair::up(&session_config(Protocol::Ocg));
    pair.live();
    pair.client.send(buy(0, 1_000, 7)).expect("sent, and lost");
    pair.cut();
    pair.log_in();
    assert!(pair.client.orders.is_up());
    assert_eq!(pair.last(), (UpdateKind::Rejected, 2));
    let found = pair.client.orders.reconciliation();
    assert_eq!((found.never_arrived, found.still_open, found.next_id), (1, 1, ClOrdId(2)));
    assert!(pair.send(buy(0, 1_000, 8)).is_some(), "numbers go on without a hole");
    // An order that arrived and is not answered: late, then trading is stopped.
    pair.cut();
    pair.log_in();
    assert_eq!(pair.client.orders.session(), SessionState::Reconciling);
    pair.client.now.0 += 500 * MS;
    pair.client.keep_alive();
    assert_eq!(pair.client.orders.session(), stopped(Unreconciled::Unanswered(3)));
    assert!(pair.client.orders.may_cancel());
    // The gateway wants a number that was never sent; its own numbers went back.
    let logon = |next_expected| ocg::Logon {
        password: None,
        new_password: None,
        next_expected,
        session_status: None,
        text: None,
        test: None,
    };
    for (seq, next, why) in
        [(2, 90, Unreconciled::ForeignIds(90)), (1, 3, Unreconciled::LostHistory)]
    {
        let mut pair = Pair::up(&session_config(Protocol::Ocg));
        pair.cut();
        pair.client.login();
        pair.ocg(seq, &logon(next));
        assert_eq!(pair.client.orders.session(), stopped(why));
    }
}

#[test]
fn refused_logins_say_why_and_some_are_final() {
    for (status, again) in [(5u8, false), (6, false), (7, true)] {
        for protocol in [Protocol::Ocg, Protocol::Tgw] {
            let mut client = Client::new(manager(&session_config(protocol)));
            client.login();
            let mut out = vec![0; 1_000];
            let used = if protocol == Protocol::Ocg {
                let logout = ocg::Logout { text: None, session_status: Some(status) };
                let head = ocg::Head { sequence: 1, poss_dup: false, comp_id: [0; 12] };
                ocg::put(&mut out, &head, &logout)
            } else {
                let mut body = [b' '; 204];
                body[..4].copy_from_slice(&[0, 0, 0, status]);
                tgw::put_frame(&mut out, tgw::Logout::TYPE, &body)
            };
            client.receive(&out[..used.expect("room")]);
            assert!(client.orders.should_disconnect());
            assert!(matches!(client.orders.session(), SessionState::Refused(_)));
            client.orders.disconnected(client.now);
            let much_later = Nanos(1 << 60);
            assert_eq!(client.orders.should_connect(much_later), again, "{protocol:?} {status}");
        }
    }
}

#[test]
fn orders_wait_for_the_platform_and_for_missed_reports() {
    for protocol in [Protocol::Tgw, Protocol::Tdgw] {
        let mut pair = Pair::new(&session_config(protocol));
        pair.far.platform = 0;
        pair.log_in();
        assert_eq!(pair.client.orders.session(), SessionState::Waiting(0));
        assert_eq!(pair.client.send(buy(0, 1_000, 10)), None);
        pair.far.set_platform(2);
        pair.deliver();
        let id = pair.live();
        pair.far.set_platform(3);
        pair.deliver();
        assert!(!pair.client.orders.is_up() && pair.client.orders.may_cancel());
        assert!(pair.client.send(cancel(id)).is_some());
        // A gateway that does not synchronise.
        let mut pair = Pair::new(&session_config(protocol));
        pair.far.mute = true;
        pair.log_in();
        assert_eq!(pair.client.orders.session(), SessionState::Reconciling);
        pair.client.now.0 += 500 * MS;
        pair.client.keep_alive();
        assert_eq!(pair.client.orders.session(), stopped(Unreconciled::NoAnswer));
        // One that says the end of reports at the end of the day only.
        let mut config = session_config(protocol);
        (config.tgw.await_finished, config.tdgw.await_finished) = (false, false);
        let mut pair = Pair::new(&config);
        pair.far.mute = true;
        pair.log_in();
        assert_eq!(pair.client.orders.session(), SessionState::Up);
    }
}

#[test]
fn refusals_without_an_index_reach_their_order() {
    // Shanghai's gateway, of an order and of a cancel, which only its id names.
    let mut pair = Pair::up(&session_config(Protocol::Tdgw));
    let id = pair.live();
    pair.client.send(cancel(id)).expect("sent");
    pair.client.send(buy(0, 1_000, 10)).expect("sent");
    let mut reject = *tdgw::OrderReject::parse(&[0; 82]).expect("its size");
    for (own, news) in
        [(u32::MAX, (UpdateKind::CancelRejected, id)), (2, (UpdateKind::Rejected, 2))]
    {
        reject.cl_ord_id = id_digits(own);
        let mut out = [0; 128];
        let used = tdgw::put_frame(&mut out, tdgw::OrderReject::TYPE, 9, reject.bytes());
        pair.client.receive(&out[..used.expect("room")]);
        assert_eq!(pair.last(), news);
    }
    // Shenzhen's business reject.
    let mut pair = Pair::up(&session_config(Protocol::Tgw));
    pair.client.send(buy(0, 1_000, 10)).expect("sent");
    let mut body = [b' '; 80]; // some fields in front of the common end
    body[6 + 12..6 + 22].copy_from_slice(&id_digits(1));
    let mut out = [0; 128];
    let used = tgw::put_frame(&mut out, 4, &body).expect("room");
    pair.client.receive(&out[..used]);
    assert_eq!(pair.last(), (UpdateKind::Rejected, 1));
    // Nobody's order.
    body[6 + 12..6 + 22].copy_from_slice(b"STRANGER  ");
    let used = tgw::put_frame(&mut out, 4, &body).expect("room");
    pair.client.receive(&out[..used]);
    assert_eq!(pair.client.anomaly("foreign_token"), 1);
}

#[test]
fn one_message_cancels_all_where_that_is_wanted() {
    let mut config = session_config(Protocol::Ocg);
    assert_eq!(Pair::up(&config).client.orders.cancel_all(NOW), None);
    config.ocg.mass_cancel = true;
    let mut pair = Pair::up(&config);
    let (one, two) = (pair.live(), pair.live());
    let bytes = pair.client.orders.cancel_all(pair.client.now).expect("a message").to_vec();
    let (frame, _) = ocg::next_frame(&bytes).expect("a frame").expect("whole");
    let Ok(ocg::Message::MassCancel(all)) = ocg::Message::parse(&frame) else { panic!() };
    assert_eq!(all.request_type, ocg::codes::mass_cancel::ALL);
    pair.far.read(0, &bytes);
    for id in [one, two] {
        pair.say(Say::Canceled { id, qty: 100, reason: b'Z' });
    }
    pair.client.assert_released("all");
    assert!(pair.send(buy(0, 1_000, 1)).is_some(), "the number was used");
}

#[test]
fn silence_is_asked_about_before_it_ends_the_session() {
    let mut config = session_config(Protocol::Ocg);
    config.silence_ns = 1_000 * MS;
    let mut pair = Pair::up(&config);
    pair.client.now.0 += 600 * MS;
    let ask = pair.client.keep_alive().expect("a test request");
    pair.far.read(0, &ask);
    assert_eq!(pair.client.keep_alive(), None, "once");
    pair.deliver();
    pair.client.now.0 += 400 * MS;
    assert!(pair.client.orders.is_up());
    pair.client.keep_alive();
    pair.client.now.0 += 1_000 * MS;
    pair.client.keep_alive();
    assert_eq!(pair.client.orders.session(), SessionState::Down);
}

/// A login and a conversation, as the bytes of the far end.
fn conversation(protocol: Protocol) -> (Pair, Vec<u8>) {
    let mut pair = Pair::up(&session_config(protocol));
    for _ in 1..=3 {
        pair.send(buy(0, 1_000, 10)).expect("sent");
    }
    pair.said.extend([accepted(1, 10), accepted(2, 10), Say::Rejected { id: 3 }]);
    pair.said.extend([fill(1, 4, 1), Say::Canceled { id: 2, qty: 10, reason: b'H' }]);
    pair.said.push(fill(1, 6, 2));
    pair.far.pump(&pair.said);
    pair.far.heartbeat(0);
    let bytes = pair.far.sessions[0].out.drain(..).collect();
    (pair, bytes)
}

#[test]
fn a_stream_cut_anywhere_tells_the_same() {
    for protocol in NEW_PROTOCOLS {
        let (mut whole, bytes) = conversation(protocol);
        whole.client.receive(&bytes);
        assert_eq!(whole.client.told.len(), 6);
        whole.client.assert_released("a stream in one piece");
        for first in (0..=bytes.len()).step_by(3) {
            let second = first + (bytes.len() - first) / 2;
            let (mut pair, _) = conversation(protocol);
            for part in [&bytes[..first], &bytes[first..second], &bytes[second..]] {
                pair.client.receive(part);
            }
            assert_eq!(pair.client.told, whole.client.told, "{protocol:?} {first} {second}");
        }
        let (mut pair, _) = conversation(protocol);
        bytes.chunks(1).for_each(|byte| pair.client.receive(byte));
        assert_eq!(pair.client.told, whole.client.told, "{protocol:?} byte by byte");
        // Any byte that is damaged ends the stream: nothing is taken from it.
        for at in (0..bytes.len()).step_by(7) {
            let (mut pair, mut bytes) = conversation(protocol);
            bytes[at] ^= 0x40;
            pair.client.receive(&bytes);
            let known = pair.client.told.iter().all(|news| whole.client.told.contains(news));
            let in_report = at + 60 < bytes.len(); // the last frame is a heartbeat
            let fewer = pair.client.told.len() < 6 || !in_report;
            assert!(known && fewer, "{protocol:?}: byte {at}");
        }
    }
}

#[test]
fn nothing_allocates_after_construction() {
    for protocol in NEW_PROTOCOLS {
        let config = OrderConfig {
            rescue: protocol != Protocol::Ocg,
            heartbeat_ns: 1,
            ..session_config(protocol)
        };
        let mut pair = Pair::up(&config);
        if config.rescue {
            let login = pair.client.rescue_login();
            pair.far.read(1, &login);
        }
        let mut answers = Vec::new();
        for n in 0..200u32 {
            let id = n + 1;
            pair.said.extend([accepted(id, 10), fill(id, 3, u64::from(id))]);
            pair.said.push(Say::Canceled { id, qty: 7, reason: b'H' });
            pair.far.pump(&pair.said);
            answers.push(pair.far.sessions[0].out.drain(..).collect::<Vec<u8>>());
        }
        let (mut orders, key) = (pair.client.orders, GateKey::issue());
        let before = guard::sealed_allocations();
        let seal = guard::seal(OnSealed::Count);
        let mut updates = 0;
        for bytes in &answers {
            let mut intent = buy(0, 1_000, 10);
            intent.now_ns = NOW;
            assert!(orders.stage(&mut intent).is_ok());
            assert!(orders.encode(key.clear(intent)).is_some());
            let (front, back) = bytes.split_at(bytes.len() / 3);
            orders.receive(NOW, front);
            let mut cancel = cancel(intent.cl_ord_id.0);
            cancel.now_ns = NOW;
            if orders.stage(&mut cancel).is_ok() {
                assert!(orders.encode(key.clear(cancel)).is_some());
            }
            orders.receive(NOW, back);
            orders.keep_alive(Nanos(NOW.0 + 1_000 * MS));
            if let Some(mut rescue) = orders.rescue() {
                rescue.receive(NOW, back);
                rescue.keep_alive(NOW);
            }
            while orders.poll_update().is_some() {
                updates += 1;
            }
        }
        orders.disconnected(NOW);
        orders.login(NOW);
        drop(seal);
        assert_eq!(guard::sealed_allocations() - before, 0, "{protocol:?}");
        assert_eq!((updates, orders.open_orders()), (600, 0), "{protocol:?}");
    }
}

#[test]
fn the_second_session_takes_cancels_only_while_the_first_takes_none() {
    for protocol in [Protocol::Tgw, Protocol::Tdgw] {
        let mut config = session_config(protocol);
        (config.rescue, config.rescue_after_ns) = (true, 100 * MS);
        let mut pair = Pair::up(&config);
        pair.rescue_up();
        let id = pair.live();
        assert!(!pair.client.orders.goes_by_rescue(IntentKind::Cancel));
        pair.client.send(cancel(id)).expect("sent, and lost");
        pair.cut();
        assert!(pair.client.orders.goes_by_rescue(IntentKind::Cancel));
        assert!(!pair.client.orders.goes_by_rescue(IntentKind::New));
        assert_eq!(pair.client.orders.stranded().count(), 0);
        assert!(!pair.client.orders.should_rescue(pair.client.now));
        pair.client.now.0 += 100 * MS;
        assert!(pair.client.orders.should_rescue(pair.client.now));
        assert!(!pair.client.orders.should_rescue(pair.client.now), "once");
        pair.client.rescue_keep_alive();
        assert_eq!(pair.last(), (UpdateKind::CancelRejected, id), "who waits for it is told");
        let bytes = pair.client.send(cancel(id)).expect("by the second");
        let asked = pair.far.read(1, &bytes).pop();
        assert_eq!(asked, Some(Asked::Cancel { id, down_to: 0 }));
        pair.said.push(Say::Canceled { id, qty: 100, reason: b'U' });
        pair.far.pump(&pair.said);
        let bytes: Vec<u8> = pair.far.sessions[1].out.drain(..).collect();
        pair.client.rescue_receive(&bytes);
        pair.client.assert_released("by the second session");
        // The first one comes back: it has nothing to say that was not heard.
        pair.log_in();
        assert!(pair.client.orders.is_up());
        // Both gone: the alarm names what is open.
        let id = pair.live();
        pair.cut();
        pair.client.orders.rescue().expect("a rescue").disconnected(pair.client.now);
        let named: Vec<_> = pair.client.orders.stranded().map(|order| order.id.0).collect();
        assert_eq!(named, [id]);
        // The second comes back alone, goes with its cancels, and comes back.
        pair.client.now.0 += 100 * MS;
        for _ in 0..2 {
            pair.far.hang_up(1);
            pair.rescue_up();
            assert!(pair.client.orders.should_rescue(pair.client.now));
            pair.client.orders.rescue().expect("a rescue").disconnected(pair.client.now);
        }
    }
}

#[test]
fn a_second_session_takes_over_some_orders_a_turn() {
    let mut config = session_config(Protocol::Tgw);
    (config.rescue, config.rescue_after_ns, config.orders_max) = (true, 1, 1 << 10);
    let mut pair = Pair::up(&config);
    pair.rescue_up();
    let ids: Vec<u32> = (0..200).map(|_| pair.live()).collect();
    for id in &ids {
        pair.client.send(cancel(*id)).expect("sent, and lost");
    }
    let told = pair.client.told.len();
    pair.cut();
    pair.client.now.0 += MS;
    let mut turns = vec![0];
    while *turns.last().unwrap() < ids.len() {
        assert!(!pair.client.orders.may_cancel(), "the sweep would pass those in flight by");
        assert!(!pair.client.orders.should_rescue(pair.client.now));
        assert_eq!(pair.client.orders.stranded().count(), 0, "and nothing is lost yet");
        pair.client.rescue_keep_alive();
        turns.push(pair.client.told.len() - told);
        assert!(turns.len() < 100, "it ends: {turns:?}");
    }
    assert!(turns.windows(2).all(|pair| pair[1] - pair[0] <= 128), "a bound: {turns:?}");
    let news = &pair.client.told[told..];
    assert!(news.iter().all(|update| update.kind == UpdateKind::CancelRejected));
    assert_eq!(news.iter().map(|update| update.cl_ord_id.0).collect::<Vec<_>>(), ids);
    pair.client.rescue_keep_alive();
    assert!(pair.client.orders.should_rescue(pair.client.now));
    assert!(pair.client.orders.open().all(|order| order.cancellable));
}

#[test]
fn bad_configuration_is_refused_by_key() {
    let refused = |protocol, change: fn(&mut OrderConfig), key: &str| {
        let mut config = session_config(protocol);
        change(&mut config);
        let error: ConfigError = OrderManager::new(&config).expect_err(key);
        assert_eq!(error.key, key);
        assert!(error.to_string().starts_with(key), "{error}");
    };
    use Protocol::{Ocg, Ouch50, Tdgw, Tgw};
    refused(Ocg, |c| c.ocg.comp_id = "TWELVECHARSX".into(), "session.ocg.comp_id");
    refused(Ocg, |c| c.ocg.password = "x".repeat(450), "session.ocg.password");
    refused(Ocg, |c| c.ocg.broker = "A B".into(), "session.ocg.broker");
    refused(Ocg, |c| c.rescue = true, "session.rescue");
    refused(Ouch50, |c| c.rescue = true, "session.rescue");
    refused(Tgw, |c| c.tgw.pbu = "SEVENCH".into(), "session.tgw.pbu");
    refused(Tgw, |c| c.tgw.application = "01".into(), "session.tgw.application");
    refused(Tgw, |c| c.tgw.restrictions = "12345".into(), "session.tgw.restrictions");
    refused(Tgw, |c| c.reconcile = nofx_order::Reconcile::Query, "session.reconcile");
    refused(Tdgw, |c| c.tdgw.price_decimals = 3, "session.tdgw.price_decimals");
    refused(Tdgw, |c| c.tdgw.qty_decimals = 7, "session.tdgw.qty_decimals");
    refused(Tdgw, |c| c.tdgw.short_tag = "RQX".into(), "session.tdgw.short_tag");
    assert!(Tgw.is_experimental() && Tdgw.is_experimental());
    assert!(!Ocg.is_experimental() && !Ouch50.is_experimental());
}
