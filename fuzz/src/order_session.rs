//! The order session as a state machine: whatever a venue, a clock and a user do in whatever order, a
//! reserved share is released once, orders go out only where that is allowed, and ids rise.

use nofx_gate::GateKey;
use nofx_order::{OrderConfig, OrderManager, Protocol, Reconcile, SessionState};
use nofx_types::{
    ClOrdId, Instrument, InstrumentId, IntentKind, Nanos, OrderIntent, OrderUpdate, Price, Qty,
    Side, Symbol, UpdateKind,
};
use nofx_wire::num::{Be16, Be32, Be64};
use nofx_wire::{ouch50, soup};

/// What a journal holds.
#[derive(Clone)]
enum Record {
    Sent(OrderIntent),
    Control(Nanos, Vec<u8>),
    Received(Nanos, Vec<u8>),
}

struct Play {
    key: GateKey,
    config: OrderConfig,
    orders: OrderManager,
    now: Nanos,
    record: Vec<Record>,
    /// A login was sent and the connection not closed since: bytes come.
    connected: bool,
    /// Shares sent and not released.
    reserved: i64,
    last_id: u32,
}

/// `data` as a play: a byte of configuration, then acts.
pub fn order_session(data: &[u8]) {
    let Some((first, mut rest)) = data.split_first() else { return };
    let config = config(*first);
    let orders = manager(&config);
    let key = GateKey::issue();
    let now = Nanos(1_000);
    let (record, connected, reserved, last_id) = (Vec::new(), false, 0, 0);
    let mut play = Play { key, config, orders, now, record, connected, reserved, last_id };
    while let Some((act, tail)) = rest.split_first() {
        rest = play.act(*act, tail);
        play.check();
    }
}

fn config(byte: u8) -> OrderConfig {
    let old = byte & 1 != 0;
    OrderConfig {
        protocol: if old { Protocol::Ouch42 } else { Protocol::Ouch50 },
        reconcile: match (byte >> 1 & 3, old) {
            (0, _) => Reconcile::Off,
            (_, false) => Reconcile::Query,
            (_, true) => Reconcile::Quiet,
        },
        resend: byte & 15 == 10, // with a query only
        cancel_in_flight: byte & 16 != 0,
        cancel_on_disconnect: byte & 32 != 0,
        throttle_max: u32::from(byte >> 6) * 8,
        throttle_reason: 3,
        instruments: 2,
        orders_max: 16,
        fills_max: 64,
        ..OrderConfig::default()
    }
}

fn manager(config: &OrderConfig) -> OrderManager {
    let mut orders = OrderManager::new(config).expect("a good configuration");
    for (id, name) in (0..).zip(["AAA", "BBB"]) {
        let mut instrument = Instrument::unknown(InstrumentId(id));
        instrument.symbol = Symbol::new(name).expect("short");
        orders.define(&instrument);
    }
    orders
}

impl Play {
    /// One act; what is left of the play.
    fn act<'a>(&mut self, act: u8, rest: &'a [u8]) -> &'a [u8] {
        let (args, tail) = rest.split_at(rest.len().min(4));
        let arg = |at: usize| args.get(at).copied().unwrap_or(0);
        match act % 16 {
            0 => return self.raw(rest, |bytes| bytes.to_vec()),
            1 => return self.raw(rest, |bytes| framed(b'S', bytes)),
            2 => {
                let name = ["DAY1", "DAY2"][usize::from(arg(1) & 1)];
                let name = soup::session_name(name).expect("short");
                self.receive(&soup::login_accepted(name, arg(0).into()));
            }
            3 => self.receive(&soup::login_rejected(arg(0))),
            4..=8 => self.receive(&framed(b'S', &report(arg(0), arg(1), arg(2), arg(3)))),
            9 => self.time(u64::from(arg(0)) << (arg(1) % 32)),
            10 => self.connect(arg(0)),
            11 => self.submit(IntentKind::New, arg(0), arg(1), arg(2)),
            12 => self.submit(IntentKind::Replace, arg(0), arg(1), arg(2)),
            13 => self.submit(IntentKind::Cancel, arg(0), arg(1), arg(2)),
            14 => self.restart(),
            _ => self
                .receive(&[soup::SERVER_HEARTBEAT, soup::END_OF_SESSION][usize::from(arg(0) & 1)]),
        }
        tail
    }

    fn raw<'a>(&mut self, rest: &'a [u8], make: impl Fn(&[u8]) -> Vec<u8>) -> &'a [u8] {
        let Some((len, rest)) = rest.split_first() else { return &[] };
        let (bytes, tail) = rest.split_at(rest.len().min(usize::from(*len)));
        self.receive(&make(bytes));
        tail
    }

    fn receive(&mut self, bytes: &[u8]) {
        if !self.connected {
            return;
        }
        self.record.push(Record::Received(self.now, bytes.to_vec()));
        self.orders.receive(self.now, bytes);
        self.hear();
    }

    fn time(&mut self, ns: u64) {
        self.now = self.now.plus(ns);
        let mut asked = 0;
        while let Some(bytes) = self.orders.keep_alive(self.now) {
            self.record.push(Record::Control(self.now, bytes.to_vec()));
            asked += 1;
            assert!(asked < 4, "one query and one heartbeat are enough");
        }
        self.hear();
        self.resend();
        if self.orders.should_disconnect() {
            self.disconnect();
        }
    }

    fn disconnect(&mut self) {
        self.orders.disconnected(self.now);
        self.connected = false;
    }

    fn connect(&mut self, how: u8) {
        match how % 4 {
            0 => self.disconnect(),
            1 if how >= 0xf0 => {
                let bytes = self.orders.logout().to_vec();
                self.record.push(Record::Control(self.now, bytes));
            }
            2 => assert!(!self.orders.should_connect(self.now) || !self.orders.is_up()),
            _ => {
                let bytes = self.orders.login(self.now).to_vec();
                self.connected = true;
                self.record.push(Record::Control(self.now, bytes));
            }
        }
    }

    fn submit(&mut self, kind: IntentKind, id: u8, qty: u8, price: u8) {
        let side = Side::BOTH[usize::from(qty & 1)];
        let instrument = InstrumentId(u32::from(price) % 3);
        let (qty, price) = (Qty(qty.into()), Price(price.into()));
        let mut intent = OrderIntent::new(instrument, side, price, qty);
        (intent.kind, intent.now_ns) = (kind, self.now);
        if kind != IntentKind::New {
            intent.orig = ClOrdId(id.into());
        }
        self.send(intent);
    }

    fn send(&mut self, mut intent: OrderIntent) {
        if self.orders.stage(&mut intent).is_err() {
            return;
        }
        let state = self.orders.session();
        let places = intent.kind != IntentKind::Cancel;
        let qty = if places { intent.qty.0 as i64 } else { 0 };
        self.reserved += qty; // as the gate does
        if self.orders.encode(self.key.clear(intent)).is_some() {
            let stopped = matches!(state, SessionState::Unreconciled(_)) && !places;
            assert!(state == SessionState::Up || stopped, "sent in {state:?}");
            if places && !self.config.resend {
                assert!(intent.cl_ord_id.0 > self.last_id, "an id was used twice");
            }
            self.last_id = self.last_id.max(intent.cl_ord_id.0);
            self.record.push(Record::Sent(intent));
        }
        self.hear();
    }

    fn resend(&mut self) {
        if let Some(resend) = self.orders.poll_resend(self.now) {
            assert!(resend.intent.cl_ord_id.0 <= self.last_id);
            self.release(&resend.release);
            self.send(resend.intent);
        }
        self.hear();
    }

    fn hear(&mut self) {
        while let Some(update) = self.orders.poll_update() {
            self.release(&update);
        }
    }

    fn release(&mut self, update: &OrderUpdate) {
        self.reserved -= update.released_qty.0 as i64;
        if update.kind == UpdateKind::Filled {
            self.reserved -= update.fill_qty.0 as i64;
        }
    }

    /// Killed, and started again from the journal.
    fn restart(&mut self) {
        let mut orders = manager(&self.config);
        let mut reserved = 0;
        for entry in &self.record {
            match entry {
                Record::Sent(intent) => {
                    orders.replay_sent(intent);
                    let places = intent.kind != IntentKind::Cancel;
                    reserved += if places { intent.qty.0 as i64 } else { 0 };
                }
                Record::Control(at, bytes) => orders.replay_control(*at, bytes),
                Record::Received(at, bytes) => orders.receive(*at, bytes),
            }
            while let Some(update) = orders.poll_update() {
                reserved -= update.released_qty.0 as i64;
                if update.kind == UpdateKind::Filled {
                    reserved -= update.fill_qty.0 as i64;
                }
            }
        }
        orders.replay_ended(self.now);
        assert_eq!(orders.next_seq(), self.orders.next_seq());
        assert!(orders.first_free_id() > self.last_id);
        // What waits to be sent again, and silence, are not in the record.
        if self.config.reconcile == Reconcile::Query && !self.config.resend {
            let ids = |orders: &OrderManager| orders.open().map(|o| o.id.0).collect::<Vec<_>>();
            assert_eq!(ids(&orders), ids(&self.orders));
            assert_eq!(reserved, self.reserved);
        }
        (self.orders, self.reserved, self.connected) = (orders, reserved, false);
    }

    fn check(&self) {
        let open: u64 = self.orders.open().map(|order| order.leaves.0).sum();
        assert_eq!(self.reserved, open as i64, "shares reserved, and shares of open orders");
        assert_eq!(self.orders.open().count(), self.orders.open_orders());
    }
}

fn framed(kind: u8, body: &[u8]) -> Vec<u8> {
    let mut frame = vec![0; body.len() + soup::HEADER_LEN];
    soup::put_frame(&mut frame, kind, body).expect("short");
    frame
}

/// A report with small numbers, so that it meets the orders of the play.
fn report(kind: u8, id: u8, qty: u8, other: u8) -> Vec<u8> {
    let (timestamp, clordid) = (Be64::new(1), [b' '; 14]);
    let (user_ref_num, quantity) = (Be32::new(id.into()), Be32::new(qty.into()));
    let (price, number) = (Be64::new(other.into()), Be64::new(other.into()));
    let (orig_user_ref_num, order_state) = (Be32::new(other.into()), b'L');
    match kind % 9 {
        0 => [
            ouch50::Accepted {
                kind: b'A',
                timestamp,
                user_ref_num,
                side: b'B',
                quantity,
                symbol: *b"AAA     ",
                price,
                time_in_force: b'0',
                display: b'Y',
                order_reference_number: number,
                capacity: b'P',
                sweep: b'N',
                cross_type: b'N',
                order_state,
                clordid,
            }
            .bytes(),
            &[0, 0],
        ]
        .concat(),
        1 => [
            ouch50::Replaced {
                kind: b'U',
                timestamp,
                orig_user_ref_num,
                user_ref_num,
                side: b'B',
                quantity,
                symbol: *b"AAA     ",
                price,
                time_in_force: b'0',
                display: b'Y',
                order_reference_number: number,
                capacity: b'P',
                sweep: b'N',
                cross_type: b'N',
                order_state,
                clordid,
            }
            .bytes(),
            &[0, 0],
        ]
        .concat(),
        2 => {
            let reason = if other & 1 == 0 { b'U' } else { b'H' };
            let kind = b'C';
            ouch50::Canceled { kind, timestamp, user_ref_num, quantity, reason }.bytes().to_vec()
        }
        3 | 4 => [
            ouch50::Executed {
                kind: b'E',
                timestamp,
                user_ref_num,
                quantity,
                price,
                liquidity_flag: b'A',
                match_number: number,
            }
            .bytes(),
            &[0, 0],
        ]
        .concat(),
        5 => {
            let (kind, reason) = (b'J', Be16::new(other.into()));
            ouch50::Rejected { kind, timestamp, user_ref_num, reason, clordid }.bytes().to_vec()
        }
        6 => ouch50::CancelReject { kind: b'I', timestamp, user_ref_num }.bytes().to_vec(),
        7 => {
            let (kind, reason) = (b'B', b'E');
            let broken = ouch50::Broken {
                kind,
                timestamp,
                user_ref_num,
                match_number: number,
                reason,
                clordid,
            };
            broken.bytes().to_vec()
        }
        _ => {
            let (kind, next_user_ref_num) = (b'Q', user_ref_num);
            ouch50::QueryResponse { kind, timestamp, next_user_ref_num }.bytes().to_vec()
        }
    }
}
