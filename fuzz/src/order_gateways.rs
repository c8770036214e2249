//! Sessions of OCG-C, TGW and TDGW as a state machine: whatever a gateway, a clock and a user do in
//! whatever order, on one connection or two, a reserved share is released once, orders go out only
//! where that is allowed, ids rise, and a restart finds what was there.

use nofx_gate::GateKey;
use nofx_order::{OrderConfig, OrderManager, Protocol, Reconcile, SessionState};
use nofx_types::{
    ClOrdId, Instrument, InstrumentId, IntentKind, Nanos, OrderIntent, OrderUpdate, Price, Qty,
    Side, Symbol, TimeInForce, UpdateKind,
};
use nofx_wire::num::{Be16, Be32, Be64, BeI32, BeI64};
use nofx_wire::text::{id_digits, padded};
use nofx_wire::{ocg, tdgw, tgw};

/// A play of OCG-C.
pub fn order_ocg(data: &[u8]) {
    play(Protocol::Ocg, data);
}

/// A play of TGW.
pub fn order_tgw(data: &[u8]) {
    play(Protocol::Tgw, data);
}

/// A play of TDGW.
pub fn order_tdgw(data: &[u8]) {
    play(Protocol::Tdgw, data);
}

/// What a journal holds; the flag names the second session.
#[derive(Clone)]
enum Record {
    Sent(OrderIntent),
    Control(bool, Nanos, Vec<u8>),
    Received(bool, Nanos, Vec<u8>),
}

struct Play {
    key: GateKey,
    config: OrderConfig,
    orders: OrderManager,
    now: Nanos,
    record: Vec<Record>,
    /// A login was sent and the connection not closed since: bytes come. First, second session.
    connected: [bool; 2],
    /// Shares sent and not released.
    reserved: i64,
    last_id: u32,
    /// Number of the gateway's next frame.
    seq: u32,
}

/// `data` as a play: a byte of configuration, then acts of six bytes.
fn play(protocol: Protocol, data: &[u8]) {
    let Some((first, mut rest)) = data.split_first() else { return };
    let config = config(protocol, *first);
    let orders = manager(&config);
    let (key, now, record) = (GateKey::issue(), Nanos(1_000), Vec::new());
    let (connected, reserved, last_id, seq) = ([false; 2], 0, 0, 1);
    let mut play = Play { key, config, orders, now, record, connected, reserved, last_id, seq };
    while let Some((act, tail)) = rest.split_first() {
        rest = play.act(*act, tail);
        play.check();
    }
}

fn config(protocol: Protocol, byte: u8) -> OrderConfig {
    let mut config = OrderConfig {
        protocol,
        reconcile: if byte & 1 != 0 { Reconcile::Off } else { protocol.reconcile() },
        resend: byte & 3 == 2 && protocol == Protocol::Ocg,
        cancel_in_flight: byte & 4 != 0,
        cancel_on_disconnect: byte & 8 != 0,
        rescue: byte & 16 != 0 && protocol != Protocol::Ocg,
        rescue_after_ns: 1_000,
        throttle_max: u32::from(byte >> 7) * 8,
        instruments: 2,
        orders_max: 16,
        fills_max: 64,
        ..OrderConfig::default()
    };
    (config.tgw.await_finished, config.tdgw.await_finished) = (byte & 32 == 0, byte & 32 == 0);
    (config.tgw.limit_ioc, config.tdgw.limit_ioc) = (byte & 64 != 0, byte & 64 != 0);
    config
}

fn manager(config: &OrderConfig) -> OrderManager {
    let mut orders = OrderManager::new(config).expect("a good configuration");
    for (id, name) in (0..).zip(["700", "600519"]) {
        let mut instrument = Instrument::unknown(InstrumentId(id));
        instrument.symbol = Symbol::new(name).expect("short");
        orders.define(&instrument);
    }
    orders
}

impl Play {
    /// One act; what is left of the play.
    fn act<'a>(&mut self, act: u8, rest: &'a [u8]) -> &'a [u8] {
        let (args, tail) = rest.split_at(rest.len().min(5));
        let arg = |at: usize| args.get(at).copied().unwrap_or(0);
        let second = act & 16 != 0 && self.config.rescue;
        match act % 16 {
            0 => return self.raw(rest, second, None),
            1 => return self.raw(rest, second, Some(arg(0))),
            2 => {
                let bytes = self.logon(arg(0).into(), arg(1).into());
                self.receive(second, &bytes);
            }
            3 => {
                let bytes = self.logout(arg(0));
                self.receive(second, &bytes);
            }
            4..=8 => {
                let bytes = self.report(arg(0), arg(1), arg(2), arg(3), arg(4));
                self.receive(second, &bytes);
            }
            9 => self.time(u64::from(arg(0)) << (arg(1) % 32)),
            10 => self.connect(arg(0), second),
            11 => self.submit(IntentKind::New, arg(0), arg(1), arg(2), arg(3)),
            12 => self.submit(IntentKind::Replace, arg(0), arg(1), arg(2), arg(3)),
            13 => self.submit(IntentKind::Cancel, arg(0), arg(1), arg(2), arg(3)),
            14 => self.restart(),
            _ => {
                let bytes = self.session(arg(0), arg(1), arg(2), arg(3));
                self.receive(second, &bytes);
            }
        }
        tail
    }

    /// Bytes as they are, or as the body of a frame.
    fn raw<'a>(&mut self, rest: &'a [u8], second: bool, kind: Option<u8>) -> &'a [u8] {
        let rest = rest.get(usize::from(kind.is_some())..).unwrap_or(&[]);
        let Some((len, rest)) = rest.split_first() else { return &[] };
        let (bytes, tail) = rest.split_at(rest.len().min(usize::from(*len)));
        let bytes = match (kind, self.config.protocol) {
            (None, _) => bytes.to_vec(),
            (Some(kind), Protocol::Tdgw) => self.tdgw(kind.into(), bytes),
            (Some(kind), _) => self.tgw(kind.into(), bytes),
        };
        self.receive(second, &bytes);
        tail
    }

    fn receive(&mut self, second: bool, bytes: &[u8]) {
        if !self.connected[usize::from(second)] {
            return;
        }
        self.record.push(Record::Received(second, self.now, bytes.to_vec()));
        match second {
            false => self.orders.receive(self.now, bytes),
            true => self.orders.rescue().expect("a rescue").receive(self.now, bytes),
        }
        self.hear();
    }

    fn time(&mut self, ns: u64) {
        self.now = self.now.plus(ns);
        let mut asked = 0;
        while let Some(bytes) = self.orders.keep_alive(self.now) {
            self.record.push(Record::Control(false, self.now, bytes.to_vec()));
            asked += 1;
            assert!(asked < 8, "the session never stops talking");
        }
        while let Some(mut rescue) = self.orders.rescue()
            && let Some(bytes) = rescue.keep_alive(self.now)
        {
            self.record.push(Record::Control(true, self.now, bytes.to_vec()));
            asked += 1;
            assert!(asked < 16, "the second session never stops talking");
        }
        self.hear();
        if let Some(resend) = self.orders.poll_resend(self.now) {
            assert!(resend.intent.cl_ord_id.0 <= self.last_id);
            self.release(&resend.release);
            self.send(resend.intent);
        }
        self.hear();
        if self.orders.should_disconnect() {
            self.disconnect(false);
        }
        if self.orders.rescue().is_some_and(|mut rescue| rescue.should_disconnect()) {
            self.disconnect(true);
        }
        let stranded = self.orders.stranded().count();
        assert!(stranded == 0 || !self.orders.may_cancel());
        if self.orders.should_rescue(self.now) {
            self.cancel_all();
        }
    }

    fn disconnect(&mut self, second: bool) {
        match self.orders.rescue().filter(|_| second) {
            Some(mut rescue) => rescue.disconnected(self.now),
            None => self.orders.disconnected(self.now),
        }
        self.connected[usize::from(second)] = false;
    }

    fn connect(&mut self, how: u8, second: bool) {
        match how % 4 {
            0 => self.disconnect(second),
            1 if how >= 0xf0 && !second => {
                let bytes = self.orders.logout().to_vec();
                self.record.push(Record::Control(false, self.now, bytes));
            }
            2 => {
                if let Some(bytes) = self.orders.cancel_all(self.now) {
                    self.record.push(Record::Control(false, self.now, bytes.to_vec()));
                }
            }
            _ => {
                let bytes = match self.orders.rescue().filter(|_| second) {
                    Some(mut rescue) => rescue.login(self.now).to_vec(),
                    None => self.orders.login(self.now).to_vec(),
                };
                self.connected[usize::from(second)] = true;
                self.record.push(Record::Control(second, self.now, bytes));
            }
        }
    }

    fn submit(&mut self, kind: IntentKind, id: u8, qty: u8, price: u8, flags: u8) {
        let side = Side::BOTH[usize::from(qty & 1)];
        let instrument = InstrumentId(u32::from(price) % 3);
        let (qty, price) = (Qty(qty.into()), Price(price.into()));
        let mut intent = OrderIntent::new(instrument, side, price, qty);
        (intent.kind, intent.now_ns) = (kind, self.now);
        let tifs = [TimeInForce::Day, TimeInForce::Ioc, TimeInForce::Fok, TimeInForce::AtCrossing];
        if kind == IntentKind::New && flags & 8 != 0 {
            intent.tif = tifs[usize::from(flags & 3)];
            (intent.short, intent.post_only) = (flags & 16 != 0, flags & 32 != 0);
        }
        if kind != IntentKind::New {
            intent.orig = ClOrdId(id.into());
            // Most requests fit the order that they name.
            if let Some(order) = self.orders.order(intent.orig).filter(|_| flags & 64 == 0) {
                (intent.instrument, intent.side) = (order.instrument, order.side);
            }
        }
        self.send(intent);
    }

    fn cancel_all(&mut self) {
        let cancels: Vec<_> = self.orders.open().map(|order| order.cancel()).collect();
        for mut cancel in cancels {
            cancel.now_ns = self.now;
            self.send(cancel);
        }
    }

    fn send(&mut self, mut intent: OrderIntent) {
        if self.orders.stage(&mut intent).is_err() {
            return;
        }
        let places = intent.kind != IntentKind::Cancel;
        assert!(!places || !intent.post_only, "no words for it");
        let state = self.orders.session();
        let by_rescue = self.orders.goes_by_rescue(intent.kind);
        self.reserved += if places { intent.qty.0 as i64 } else { 0 }; // as the gate does
        if let Some(bytes) = self.orders.encode(self.key.clear(intent)) {
            assert!(!bytes.is_empty());
            let stopped = matches!(state, SessionState::Unreconciled(_) | SessionState::Waiting(_));
            let cancels = !places && (stopped || by_rescue);
            assert!(state == SessionState::Up || cancels, "sent in {state:?}");
            if places && !self.config.resend {
                assert!(intent.cl_ord_id.0 > self.last_id, "an id was used twice");
            }
            if places {
                self.last_id = self.last_id.max(intent.cl_ord_id.0);
            }
            self.record.push(Record::Sent(intent));
        }
        self.hear();
    }

    fn hear(&mut self) {
        while let Some(update) = self.orders.poll_update() {
            self.release(&update);
        }
    }

    fn release(&mut self, update: &OrderUpdate) {
        self.reserved -= released(update);
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
                Record::Control(false, at, bytes) => orders.replay_control(*at, bytes),
                Record::Received(false, at, bytes) => orders.receive(*at, bytes),
                Record::Control(true, at, bytes) => {
                    orders.rescue().expect("a rescue").replay_control(*at, bytes);
                }
                Record::Received(true, at, bytes) => {
                    orders.rescue().expect("a rescue").receive(*at, bytes);
                }
            }
            while let Some(update) = orders.poll_update() {
                reserved -= released(&update);
            }
        }
        orders.replay_ended(self.now);
        assert_eq!(orders.next_seq(), self.orders.next_seq());
        assert!(orders.first_free_id() > self.last_id);
        (self.orders, self.reserved, self.connected) = (orders, reserved, [false; 2]);
    }

    fn check(&self) {
        let open: u64 = self.orders.open().map(|order| order.leaves.0).sum();
        assert_eq!(self.reserved, open as i64, "shares reserved, and shares of open orders");
        assert_eq!(self.orders.open().count(), self.orders.open_orders());
    }

    // What the gateway says.

    fn ocg<M: ocg::Fields>(&mut self, message: &M) -> Vec<u8> {
        let head = ocg::Head { sequence: self.seq, poss_dup: false, comp_id: [0; 12] };
        let mut out = vec![0; 1_500];
        let used = ocg::put(&mut out, &head, message).expect("room");
        out.truncate(used);
        self.seq = self.seq.wrapping_add(1);
        out
    }

    fn tgw(&self, kind: u32, body: &[u8]) -> Vec<u8> {
        let mut out = vec![0; body.len() + 12];
        tgw::put_frame(&mut out, kind, body).expect("room");
        out
    }

    fn tdgw(&self, kind: u32, body: &[u8]) -> Vec<u8> {
        let mut out = vec![0; body.len() + tdgw::OVERHEAD];
        tdgw::put_frame(&mut out, kind, self.seq.into(), body).expect("room");
        out
    }

    fn logon(&mut self, seq: u32, next_expected: u32) -> Vec<u8> {
        match self.config.protocol {
            Protocol::Ocg => {
                if seq > 0 {
                    self.seq = seq;
                }
                let logon = ocg::Logon {
                    password: None,
                    new_password: None,
                    next_expected,
                    session_status: Some((next_expected == 99) as u8 * 5),
                    text: None,
                    test: None,
                };
                self.ocg(&logon)
            }
            Protocol::Tgw => self.tgw(tgw::Logon::TYPE, &[b' '; 92]),
            _ => self.tdgw(tdgw::Logon::TYPE, &[b' '; 82]),
        }
    }

    fn logout(&mut self, status: u8) -> Vec<u8> {
        match self.config.protocol {
            Protocol::Ocg => self.ocg(&ocg::Logout { text: None, session_status: Some(status) }),
            Protocol::Tgw => self.tgw(tgw::Logout::TYPE, &[status % 128; 204]),
            _ => self.tdgw(tdgw::Logout::TYPE, &[status; 68]),
        }
    }

    /// A message of the session with small numbers.
    fn session(&mut self, kind: u8, a: u8, b: u8, c: u8) -> Vec<u8> {
        match (self.config.protocol, kind % 5) {
            (Protocol::Ocg, 0) => self.ocg(&ocg::TestRequest { test_request_id: a.into() }),
            (Protocol::Ocg, 1) => self.ocg(&ocg::ResendRequest { start: a.into(), end: b.into() }),
            (Protocol::Ocg, 2) => {
                let gap_fill = Some(if c & 1 == 0 { b'Y' } else { b'N' });
                self.ocg(&ocg::SequenceReset { gap_fill, new_sequence: a.into() })
            }
            (Protocol::Ocg, 3) => {
                self.seq = a.into();
                self.ocg(&ocg::Heartbeat { reference_test_request_id: None })
            }
            (Protocol::Ocg, _) => {
                let id = padded::<21>(&id_digits(b.into()), 0).expect("short");
                self.ocg(&ocg::BusinessReject {
                    code: c.into(),
                    reason: None,
                    reference_type: None,
                    reference_field: None,
                    reference_sequence: Some(a.into()),
                    reference_id: (b > 0).then_some(ocg::Text(&id)),
                })
            }
            (Protocol::Tgw, 0) => {
                let (platform_id, platform_state) = (Be16::new(1), Be16::new((a % 5).into()));
                let state = tgw::PlatformState { platform_id, platform_state };
                self.tgw(tgw::PlatformState::TYPE, state.bytes())
            }
            (Protocol::Tgw, 1) => {
                let mut out = [0; 64];
                let list = [a.into(), b.into(), c.into()];
                let used = tgw::put_partition_list(&mut out, 1, &list).expect("room");
                out[..used].to_vec()
            }
            (Protocol::Tgw, 2 | 3) => {
                let finished = tgw::ReportFinished {
                    partition_no: BeI32::new(a.into()),
                    report_index: BeI64::new(b.into()),
                    platform_id: Be16::new(1),
                };
                self.tgw(tgw::ReportFinished::TYPE, finished.bytes())
            }
            (Protocol::Tgw, _) => {
                let reject = tgw::BusinessReject {
                    ref_seq_num: BeI64::new(0),
                    ref_msg_type: Be32::new(0),
                    reject_ref_id: id_digits(self.id(a)),
                    reason: Be16::new(b.into()),
                    text: [b' '; 50],
                };
                self.tgw(4, reject.bytes())
            }
            (_, 0) => {
                let (platform_id, platform_state) = (Be16::new(0), Be16::new((a % 5).into()));
                let state = tdgw::PlatformState { platform_id, platform_state };
                self.tdgw(tdgw::PlatformState::TYPE, state.bytes())
            }
            (_, 1) => {
                let sets = [0, 2, 0, 0, 0, a, 0, 0, 0, b];
                let body = [&[0, 0, 0, 1][..], b"00000001", &sets].concat();
                self.tdgw(tdgw::ReportInfo::TYPE, &body)
            }
            (_, 2) => {
                let row = tdgw::SyncResponseRow {
                    pbu: *b"00000001",
                    set_id: Be32::new(a.into()),
                    begin_report_index: Be64::new(1),
                    end_report_index: Be64::new(b.into()),
                    rej_reason: Be32::new((c / 200).into()),
                    text: [b' '; 64],
                };
                self.tdgw(tdgw::SyncResponse::TYPE, &[&[0, 1], row.bytes()].concat())
            }
            (_, 3) => {
                let end = tdgw::EndOfStream {
                    pbu: *b"00000001",
                    set_id: Be32::new(a.into()),
                    end_report_index: Be64::new(b.into()),
                };
                self.tdgw(tdgw::EndOfStream::TYPE, end.bytes())
            }
            _ => {
                let mut reject = *tdgw::OrderReject::parse(&[0; 82]).expect("its size");
                reject.cl_ord_id = id_digits(self.id(a));
                self.tdgw(tdgw::OrderReject::TYPE, reject.bytes())
            }
        }
    }

    /// An order's id, or from 128 on that of a cancel.
    fn id(&self, arg: u8) -> u32 {
        if arg < 128 { arg.into() } else { u32::MAX - u32::from(arg - 128) }
    }

    /// A report with small numbers, so that it meets the orders of the play.
    fn report(&mut self, kind: u8, id: u8, qty: u8, other: u8, index: u8) -> Vec<u8> {
        let (own, orig) = (self.id(id), self.id(other));
        match self.config.protocol {
            Protocol::Ocg => self.ocg_report(kind, own, orig, qty, other),
            Protocol::Tgw => {
                let (kind, body) = tgw_report(kind, own, orig, qty, index);
                self.tgw(kind, &body)
            }
            _ => {
                let (kind, body) = tdgw_report(kind, own, orig, qty, index);
                self.tdgw(kind, &body)
            }
        }
    }

    fn ocg_report(&mut self, kind: u8, own: u32, orig: u32, qty: u8, other: u8) -> Vec<u8> {
        let field = |id: u32| padded::<21>(&id_digits(id), 0).expect("short");
        let (own, orig, exec) = (field(own), field(orig), field(other.into()));
        let types = [b'0', b'4', b'5', b'8', b'C', b'F', b'H', b'X', b'Y', b'L'];
        let report = ocg::ExecutionReport {
            client_order_id: Some(ocg::Text(&own)),
            original_client_order_id: (kind & 64 != 0).then_some(ocg::Text(&orig)),
            execution_id: Some(ocg::Text(&exec)),
            reference_execution_id: Some(ocg::Text(&exec)),
            exec_type: Some(types[usize::from(kind) % types.len()]),
            order_status: (kind & 128 != 0).then_some(qty),
            quantity: (kind & 32 != 0).then_some(u64::from(qty) * ocg::SHARE_UNITS),
            execution_quantity: Some(u64::from(qty) * ocg::SHARE_UNITS),
            execution_price: Some(u64::from(other) * ocg::PRICE_UNITS),
            ..ocg::ExecutionReport::default()
        };
        self.ocg(&report)
    }
}

fn released(update: &OrderUpdate) -> i64 {
    let filled = if update.kind == UpdateKind::Filled { update.fill_qty.0 } else { 0 };
    (update.released_qty.0 + filled) as i64
}

fn tgw_report(kind: u8, own: u32, orig: u32, qty: u8, index: u8) -> (u32, Vec<u8>) {
    let (partition_no, report_index) =
        (BeI32::new((index % 3).into()), BeI64::new((index / 3).into()));
    let orig_cl_ord_id = if kind & 64 != 0 { id_digits(orig) } else { [b' '; 10] };
    let shares = BeI64::new(i64::from(qty) * 100);
    match kind % 5 {
        0 | 1 => {
            let mut trade = *tgw::Execution::parse(&[0; 163]).expect("its size");
            (trade.partition_no, trade.report_index) = (partition_no, report_index);
            (trade.cl_ord_id, trade.exec_type) = (id_digits(own), b'F');
            (trade.last_qty, trade.last_px) = (shares, BeI64::new(i64::from(orig as u16)));
            trade.exec_id[..10].copy_from_slice(&id_digits(orig));
            (tgw::Execution::TYPE, trade.bytes().to_vec())
        }
        2 | 3 => {
            let mut confirm = *tgw::Confirm::parse(&[0; 199]).expect("its size");
            (confirm.partition_no, confirm.report_index) = (partition_no, report_index);
            (confirm.cl_ord_id, confirm.orig_cl_ord_id) = (id_digits(own), orig_cl_ord_id);
            confirm.exec_type = [b'0', b'0', b'4', b'8'][usize::from(kind >> 3 & 3)];
            confirm.order_qty = shares;
            (tgw::Confirm::TYPE, confirm.bytes().to_vec())
        }
        _ => {
            let mut reject = *tgw::CancelReject::parse(&[0; 115]).expect("its size");
            (reject.partition_no, reject.report_index) = (partition_no, report_index);
            (reject.cl_ord_id, reject.orig_cl_ord_id) = (id_digits(own), orig_cl_ord_id);
            (tgw::CancelReject::TYPE, reject.bytes().to_vec())
        }
    }
}

fn tdgw_report(kind: u8, own: u32, orig: u32, qty: u8, index: u8) -> (u32, Vec<u8>) {
    let (pbu, set_id, report_index) =
        (*b"00000001", Be32::new((index % 3).into()), Be64::new((index / 3).into()));
    let orig_cl_ord_id = if kind & 64 != 0 { id_digits(orig) } else { [b' '; 10] };
    let shares = BeI64::new(i64::from(qty) * 1_000);
    match kind % 5 {
        0 | 1 => {
            let mut trade = *tdgw::Execution::parse(&[0; 213]).expect("its size");
            (trade.pbu, trade.set_id, trade.report_index) = (pbu, set_id, report_index);
            (trade.cl_ord_id, trade.exec_type) = (id_digits(own), b'F');
            (trade.last_qty, trade.last_px) = (shares, BeI64::new(i64::from(orig as u16) * 10));
            trade.trd_cnfm_id[..10].copy_from_slice(&id_digits(orig));
            (tdgw::Execution::TYPE, trade.bytes().to_vec())
        }
        2 | 3 => {
            let mut confirm = *tdgw::Confirm::parse(&[0; 213]).expect("its size");
            (confirm.pbu, confirm.set_id, confirm.report_index) = (pbu, set_id, report_index);
            (confirm.cl_ord_id, confirm.orig_cl_ord_id) = (id_digits(own), orig_cl_ord_id);
            confirm.exec_type = [b'0', b'0', b'4', b'8'][usize::from(kind >> 3 & 3)];
            confirm.order_qty = shares;
            (tdgw::Confirm::TYPE, confirm.bytes().to_vec())
        }
        _ => {
            let mut reject = *tdgw::CancelReject::parse(&[0; 120]).expect("its size");
            (reject.pbu, reject.set_id, reject.report_index) = (pbu, set_id, report_index);
            (reject.cl_ord_id, reject.orig_cl_ord_id) = (id_digits(own), orig_cl_ord_id);
            (tdgw::CancelReject::TYPE, reject.bytes().to_vec())
        }
    }
}
