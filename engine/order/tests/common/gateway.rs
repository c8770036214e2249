//! The far end of OCG-C, TGW and TDGW: sessions, numbering, missed reports sent again; written from
//! the documents in plain code on the records of `wire`, which the codec vectors prove on their
//! own.

use std::collections::{BTreeMap, VecDeque};

use nofx_order::Protocol;
use nofx_types::{Price, Qty, Side};
use nofx_wire::num::{Be16, Be32, Be64, BeI32, BeI64};
use nofx_wire::text::{id_digits, id_of, padded};
use nofx_wire::{ocg, tdgw, tgw};

use super::far::{Asked, Say};

/// One connection.
#[derive(Default)]
pub struct Session {
    pub logged_in: bool,
    /// Missed reports were asked for: news go out as they come.
    pub live: bool,
    /// Bytes on their way to the client.
    pub out: VecDeque<u8>,
    inbox: Vec<u8>,
    /// Number of our next frame (TDGW).
    seq: u64,
    /// Reports that this connection was sent.
    cursor: usize,
}

/// A report as it was first written.
#[derive(Clone)]
struct Told {
    say: Say,
    /// The cancel that it answers, 0 for none.
    request: u32,
    partition: u32,
    index: u64,
}

pub struct Gateway {
    pub protocol: Protocol,
    pub sessions: Vec<Session>,
    /// What the platform says of itself.
    pub platform: u16,
    /// Leaves out what the client must be able to do without.
    pub terse: bool,
    /// Answers no request for reports.
    pub mute: bool,
    told: Vec<Told>,
    last: BTreeMap<u32, u64>,
    /// The last cancel of each order.
    requests: BTreeMap<u32, u32>,
    /// OCG: what each of our numbers was, from 1: the place of a report, or a message of the session.
    numbers: Vec<Option<usize>>,
    /// OCG: the client's next number.
    pub expected: u32,
    /// The order that each amend was for.
    amends: BTreeMap<u32, u32>,
}

impl Gateway {
    pub fn new(protocol: Protocol, sessions: usize) -> Gateway {
        Gateway {
            protocol,
            sessions: (0..sessions).map(|_| Session::default()).collect(),
            platform: tgw::codes::state::OPEN,
            terse: false,
            mute: false,
            told: Vec::new(),
            last: BTreeMap::new(),
            requests: BTreeMap::new(),
            numbers: Vec::new(),
            expected: 1,
            amends: BTreeMap::new(),
        }
    }

    /// Takes bytes of a connection: the requests they hold.
    pub fn read(&mut self, at: usize, bytes: &[u8]) -> Vec<Asked> {
        self.sessions[at].inbox.extend(bytes);
        let inbox = std::mem::take(&mut self.sessions[at].inbox);
        let (mut rest, mut asked) = (&inbox[..], Vec::new());
        loop {
            let used = match self.protocol {
                Protocol::Ocg => self.read_ocg(at, rest, &mut asked),
                Protocol::Tgw => self.read_tgw(at, rest, &mut asked),
                Protocol::Tdgw => self.read_tdgw(at, rest, &mut asked),
                other => panic!("{other:?}"),
            };
            let Some(used) = used else { break };
            rest = &rest[used..];
        }
        self.sessions[at].inbox = rest.to_vec();
        asked
    }

    /// Numbers what the venue said since, and sends it to whoever is live.
    pub fn pump(&mut self, reports: &[Say]) {
        for say in reports.iter().skip(self.told.len()) {
            let (id, request) = match *say {
                Say::Canceled { id, reason: b'U', .. } | Say::CancelRejected { id } => {
                    (id, self.requests.get(&id).copied().unwrap_or(0))
                }
                Say::Accepted { id, .. }
                | Say::Replaced { id, .. }
                | Say::Canceled { id, .. }
                | Say::Executed { id, .. }
                | Say::Broken { id, .. }
                | Say::Rejected { id } => (id, 0),
                other => panic!("{other:?}"),
            };
            let partition = 1 + id % 2;
            let last = self.last.entry(partition).or_default();
            *last += 1;
            self.told.push(Told { say: *say, request, partition, index: *last });
        }
        if self.protocol == Protocol::Ocg {
            // Numbered as it is said, whether anybody listens or not.
            let numbered = self.numbers.iter().flatten().count();
            (numbered..self.told.len()).for_each(|place| self.report(0, place));
            return;
        }
        for at in 0..self.sessions.len() {
            while self.sessions[at].live && self.sessions[at].cursor < self.told.len() {
                let place = self.sessions[at].cursor;
                self.sessions[at].cursor += 1;
                self.report(at, place);
            }
        }
    }

    /// Writes a report for the first time on this connection, or again.
    pub fn report(&mut self, at: usize, place: usize) {
        let told = self.told[place].clone();
        match self.protocol {
            Protocol::Ocg => {
                self.numbers.push(Some(place));
                let seq = self.numbers.len() as u32;
                let bytes = self.ocg_report(&told, seq, false);
                if self.sessions[at].live {
                    self.sessions[at].out.extend(bytes);
                }
            }
            Protocol::Tgw => {
                let bytes = self.tgw_report(&told);
                self.sessions[at].out.extend(bytes);
            }
            _ => self.tdgw_report(at, &told),
        }
    }

    pub fn heartbeat(&mut self, at: usize) {
        if !self.sessions[at].logged_in {
            return;
        }
        match self.protocol {
            Protocol::Ocg => {
                self.ocg_admin(at, &ocg::Heartbeat { reference_test_request_id: None })
            }
            Protocol::Tgw => self.sessions[at].out.extend(tgw::HEARTBEAT_FRAME),
            _ => self.tdgw_frame(at, tdgw::HEARTBEAT, &[]),
        }
    }

    /// The platform opens or closes.
    pub fn set_platform(&mut self, state: u16) {
        self.platform = state;
        if self.protocol == Protocol::Ocg {
            return;
        }
        for at in 0..self.sessions.len() {
            if self.sessions[at].logged_in {
                self.say_platform(at);
            }
        }
    }

    fn say_platform(&mut self, at: usize) {
        let state = self.platform;
        if self.protocol == Protocol::Tgw {
            let body =
                tgw::PlatformState { platform_id: Be16::new(1), platform_state: Be16::new(state) };
            self.tgw_frame(at, tgw::PlatformState::TYPE, body.bytes());
        } else {
            let body =
                tdgw::PlatformState { platform_id: Be16::new(0), platform_state: Be16::new(state) };
            self.tdgw_frame(at, tdgw::PlatformState::TYPE, body.bytes());
        }
    }

    /// The connection is gone.
    pub fn hang_up(&mut self, at: usize) {
        self.sessions[at] = Session::default();
    }

    // OCG-C.

    fn ocg_head(seq: u32, poss_dup: bool) -> ocg::Head {
        ocg::Head { sequence: seq, poss_dup, comp_id: *b"NOFX\0\0\0\0\0\0\0\0" }
    }

    fn ocg_put<M: ocg::Fields>(seq: u32, dup: bool, message: &M) -> Vec<u8> {
        let mut out = vec![0; 2_000];
        let used = ocg::put(&mut out, &Gateway::ocg_head(seq, dup), message).expect("room");
        out.truncate(used);
        out
    }

    fn ocg_admin<M: ocg::Fields>(&mut self, at: usize, message: &M) {
        self.numbers.push(None);
        let bytes = Gateway::ocg_put(self.numbers.len() as u32, false, message);
        self.sessions[at].out.extend(bytes);
    }

    fn read_ocg(&mut self, at: usize, bytes: &[u8], asked: &mut Vec<Asked>) -> Option<usize> {
        let (frame, used) = ocg::next_frame(bytes).expect("a client's frames")?;
        let (seq, message) = (frame.sequence(), ocg::Message::parse(&frame).expect("a message"));
        if let ocg::Message::Logon(logon) = message {
            self.ocg_logon(at, seq, logon.next_expected);
            return Some(used);
        }
        assert!(self.sessions[at].logged_in, "a message before the login");
        if let ocg::Message::SequenceReset(fill) = message {
            assert!(frame.is_dup() && fill.gap_fill == Some(b'Y') && seq == self.expected);
            self.expected = fill.new_sequence;
            return Some(used);
        }
        assert_eq!(seq, self.expected, "numbers without a hole: {message:?}");
        self.expected += 1;
        let id = |text: &ocg::Text<'_, 21>| id_of(text.0).expect("our id");
        let shares = |qty: u64| ocg::qty_in(qty).expect("whole shares").0 as u32;
        let price = |price: u64| ocg::price_in(price).expect("whole units").0 as u64;
        let symbol = |text: ocg::Text<'_, 21>| padded::<8>(text.get(), b' ').expect("short");
        match message {
            ocg::Message::New(m) => {
                asked.push(Asked::Enter {
                    id: id(&m.client_order_id),
                    side: if m.side == 1 { Side::Buy } else { Side::Sell },
                    qty: shares(m.quantity),
                    price: price(m.price.expect("a limit")),
                    symbol: symbol(m.security_id),
                    ioc: m.time_in_force == Some(3),
                });
            }
            ocg::Message::Amend(m) => {
                let id = (id(&m.original_client_order_id), id(&m.client_order_id));
                self.amends.insert(id.1, id.0);
                asked.push(Asked::Replace {
                    orig: id.0,
                    id: id.1,
                    qty: shares(m.quantity.expect("a total")),
                    price: price(m.price.expect("a limit")),
                    ioc: m.time_in_force == Some(3),
                });
            }
            ocg::Message::Cancel(m) => {
                let orig = id(&m.original_client_order_id);
                self.requests.insert(orig, id(&m.client_order_id));
                asked.push(Asked::Cancel { id: orig, down_to: 0 });
            }
            ocg::Message::TestRequest(m) => {
                let id = Some(m.test_request_id);
                self.ocg_admin(at, &ocg::Heartbeat { reference_test_request_id: id });
            }
            ocg::Message::ResendRequest(m) => {
                let end = self.numbers.len() as u32 + 1;
                self.ocg_again(at, m.start, end);
            }
            ocg::Message::Heartbeat(_) | ocg::Message::Logout(_) | ocg::Message::MassCancel(_) => {}
            other => panic!("{other:?}"),
        }
        Some(used)
    }

    fn ocg_logon(&mut self, at: usize, seq: u32, wanted: u32) {
        if seq == self.expected {
            self.expected += 1;
        }
        self.sessions[at].logged_in = true;
        self.sessions[at].live = true;
        let logon = ocg::Logon {
            password: None,
            new_password: None,
            next_expected: self.expected,
            session_status: Some(0),
            text: None,
            test: None,
        };
        self.ocg_admin(at, &logon);
        let answer = self.numbers.len() as u32;
        self.ocg_again(at, wanted, answer);
    }

    /// Sends `from..to` again: reports as they were, the rest as gaps that are filled.
    fn ocg_again(&mut self, at: usize, from: u32, to: u32) {
        let mut seq = from;
        while seq < to {
            if let Some(place) = self.numbers[seq as usize - 1] {
                let bytes = self.ocg_report(&self.told[place].clone(), seq, true);
                self.sessions[at].out.extend(bytes);
                seq += 1;
                continue;
            }
            let mut end = seq;
            while end < to && self.numbers[end as usize - 1].is_none() {
                end += 1;
            }
            let fill = ocg::SequenceReset { gap_fill: Some(b'Y'), new_sequence: end };
            self.sessions[at].out.extend(Gateway::ocg_put(seq, true, &fill));
            seq = end;
        }
    }

    fn ocg_report(&self, told: &Told, seq: u32, dup: bool) -> Vec<u8> {
        let field = |id: u32| padded::<21>(&id_digits(id), 0).expect("short");
        let text = |of: u64| padded::<21>(of.to_string().as_bytes(), 0).expect("short");
        let (own, orig, order) = (field(named(told)), field(of(&told.say)), text(77));
        let exec = text(u64::from(seq) + 5_000_000);
        let mut m = ocg::ExecutionReport {
            client_order_id: Some(ocg::Text(&own)),
            execution_id: Some(ocg::Text(&exec)),
            order_id: Some(ocg::Text(&order)),
            ..ocg::ExecutionReport::default()
        };
        if told.request > 0 {
            m.original_client_order_id = Some(ocg::Text(&orig));
        }
        let (old, ref_number, reference);
        match told.say {
            Say::Accepted { side, qty, price, order_ref, .. } => {
                ref_number = text(order_ref);
                m.order_id = Some(ocg::Text(&ref_number));
                (m.exec_type, m.side) = (Some(b'0'), Some(if side == Side::Buy { 1 } else { 2 }));
                m.quantity = ocg::qty_out(Qty(qty.into()));
                m.price = ocg::price_out(Price(price as i64));
            }
            Say::Replaced { orig, qty, price, order_ref, .. } => {
                (old, ref_number) = (field(orig), text(order_ref));
                m.original_client_order_id = Some(ocg::Text(&old));
                m.order_id = Some(ocg::Text(&ref_number));
                m.exec_type = Some(b'5');
                m.quantity = ocg::qty_out(Qty(qty.into()));
                m.price = ocg::price_out(Price(price as i64));
            }
            Say::Executed { qty, price, match_number, flag, .. } => {
                reference = text(match_number);
                m.execution_id = Some(ocg::Text(&reference));
                m.exec_type = Some(b'F');
                m.execution_quantity = ocg::qty_out(Qty(qty.into()));
                m.execution_price = ocg::price_out(Price(price as i64));
                m.aggressor = Some(u8::from(flag == b'R'));
            }
            Say::Broken { match_number, .. } => {
                reference = text(match_number);
                m.exec_type = Some(b'H');
                m.reference_execution_id = Some(ocg::Text(&reference));
            }
            Say::Canceled { .. } => m.exec_type = Some(b'4'),
            Say::Rejected { id } if self.amends.contains_key(&id) => {
                old = field(self.amends[&id]);
                m.original_client_order_id = Some(ocg::Text(&old));
                (m.exec_type, m.amend_reject_code) = (Some(b'Y'), Some(99));
            }
            Say::Rejected { .. } => (m.exec_type, m.order_reject_code) = (Some(b'8'), Some(99)),
            Say::CancelRejected { .. } => {
                (m.exec_type, m.cancel_reject_code) = (Some(b'X'), Some(0));
            }
            other => panic!("{other:?}"),
        }
        Gateway::ocg_put(seq, dup, &m)
    }

    // TGW.

    fn tgw_frame(&mut self, at: usize, kind: u32, body: &[u8]) {
        let mut out = vec![0; body.len() + 12];
        assert_eq!(tgw::put_frame(&mut out, kind, body), Some(out.len()));
        self.sessions[at].out.extend(out);
    }

    fn read_tgw(&mut self, at: usize, bytes: &[u8], asked: &mut Vec<Asked>) -> Option<usize> {
        let (frame, used) = tgw::next_frame(bytes).expect("a client's frames")?;
        let message = tgw::Message::parse(frame).expect("a message");
        let id = |text: &[u8]| id_of(text).expect("our id");
        match message {
            tgw::Message::Logon(logon) => {
                self.sessions[at].logged_in = true;
                self.tgw_frame(at, tgw::Logon::TYPE, logon.bytes());
                self.say_platform(at);
                let mut out = [0; 64];
                let length = tgw::put_partition_list(&mut out, 1, &[1, 2]).expect("room");
                self.sessions[at].out.extend(&out[..length]);
            }
            tgw::Message::Heartbeat | tgw::Message::Logout(_) => {}
            tgw::Message::ReportSync(sync) if !self.mute => {
                let has: BTreeMap<u32, u64> = sync
                    .partitions
                    .iter()
                    .map(|row| (row.partition_no.get() as u32, row.report_index.get() as u64))
                    .collect();
                self.again(at, &has);
                for partition in has.keys() {
                    let last = self.last.get(partition).copied().unwrap_or(0);
                    let finished = tgw::ReportFinished {
                        partition_no: BeI32::new(*partition as i32),
                        report_index: BeI64::new(last as i64),
                        platform_id: Be16::new(1),
                    };
                    self.tgw_frame(at, tgw::ReportFinished::TYPE, finished.bytes());
                }
            }
            tgw::Message::ReportSync(_) => {}
            _ if !self.sessions[at].live => panic!("before the reports: {message:?}"),
            tgw::Message::New(m) => asked.push(Asked::Enter {
                id: id(&m.cl_ord_id),
                side: if m.side == b'1' { Side::Buy } else { Side::Sell },
                qty: tgw::shares_of(m.order_qty).expect("whole shares").0 as u32,
                price: m.price.get() as u64,
                symbol: m.security_id,
                ioc: m.time_in_force == b'3',
            }),
            tgw::Message::Cancel(m) => {
                let orig = id(&m.orig_cl_ord_id);
                self.requests.insert(orig, id(&m.cl_ord_id));
                asked.push(Asked::Cancel { id: orig, down_to: 0 });
            }
            other => panic!("{other:?}"),
        }
        Some(used)
    }

    /// Sends every report above what the client has of its partition; from now on it is live.
    fn again(&mut self, at: usize, has: &BTreeMap<u32, u64>) {
        for place in 0..self.told.len() {
            let Told { partition, index, .. } = self.told[place];
            if has.get(&partition).is_some_and(|last| index > *last) {
                self.report(at, place);
            }
        }
        self.sessions[at].live = true;
        self.sessions[at].cursor = self.told.len();
    }

    fn tgw_report(&self, told: &Told) -> Vec<u8> {
        let (partition_no, report_index) =
            (BeI32::new(told.partition as i32), BeI64::new(told.index as i64));
        let cl_ord_id = id_digits(named(told));
        let orig_cl_ord_id = if told.request > 0 { id_digits(of(&told.say)) } else { [b' '; 10] };
        let mut confirm = *tgw::Confirm::parse(&[0; 199]).expect("its size");
        (confirm.partition_no, confirm.report_index) = (partition_no, report_index);
        (confirm.cl_ord_id, confirm.orig_cl_ord_id) = (cl_ord_id, orig_cl_ord_id);
        let (kind, body) = match told.say {
            Say::Accepted { qty, price, order_ref, .. } => {
                confirm.exec_type = b'0';
                confirm.order_qty = tgw::qty_out(Qty(qty.into())).expect("small");
                confirm.price = BeI64::new(price as i64);
                confirm.order_id = padded(order_ref.to_string().as_bytes(), b' ').expect("short");
                (tgw::Confirm::TYPE, confirm.bytes().to_vec())
            }
            Say::Canceled { .. } => {
                confirm.exec_type = b'4';
                (tgw::Confirm::TYPE, confirm.bytes().to_vec())
            }
            Say::Rejected { .. } => {
                confirm.exec_type = b'8';
                (tgw::Confirm::TYPE, confirm.bytes().to_vec())
            }
            Say::CancelRejected { .. } => {
                let mut reject = *tgw::CancelReject::parse(&[0; 115]).expect("its size");
                (reject.partition_no, reject.report_index) = (partition_no, report_index);
                (reject.cl_ord_id, reject.orig_cl_ord_id) = (cl_ord_id, orig_cl_ord_id);
                (tgw::CancelReject::TYPE, reject.bytes().to_vec())
            }
            Say::Executed { qty, price, match_number, .. } => {
                let mut trade = *tgw::Execution::parse(&[0; 163]).expect("its size");
                (trade.partition_no, trade.report_index) = (partition_no, report_index);
                (trade.cl_ord_id, trade.exec_type) = (cl_ord_id, b'F');
                trade.exec_id = padded(match_number.to_string().as_bytes(), b' ').expect("short");
                trade.last_px = BeI64::new(price as i64);
                trade.last_qty = tgw::qty_out(Qty(qty.into())).expect("small");
                (tgw::Execution::TYPE, trade.bytes().to_vec())
            }
            other => panic!("{other:?}"),
        };
        let mut out = vec![0; body.len() + 12];
        assert_eq!(tgw::put_frame(&mut out, kind, &body), Some(out.len()));
        out
    }

    // TDGW.

    fn tdgw_frame(&mut self, at: usize, kind: u32, body: &[u8]) {
        let session = &mut self.sessions[at];
        session.seq += 1;
        let mut out = vec![0; body.len() + tdgw::OVERHEAD];
        assert_eq!(tdgw::put_frame(&mut out, kind, session.seq, body), Some(out.len()));
        session.out.extend(out);
    }

    fn read_tdgw(&mut self, at: usize, bytes: &[u8], asked: &mut Vec<Asked>) -> Option<usize> {
        let (frame, used) = tdgw::next_frame(bytes).expect("a client's frames")?;
        let message = tdgw::Message::parse(frame).expect("a message");
        let scale = tdgw::Scale::default();
        let id = |text: &[u8]| id_of(text).expect("our id");
        match message {
            tdgw::Message::Logon(logon) => {
                self.sessions[at].logged_in = true;
                assert_eq!(frame.sequence, 1, "numbers begin with the session");
                self.tdgw_frame(at, tdgw::Logon::TYPE, logon.bytes());
                self.say_platform(at);
                let unit = *b"00000001";
                let mut out = [0; 128];
                self.sessions[at].seq += 1;
                let body = [&[0, 0, 0, 1][..], &unit, &[0, 2, 0, 0, 0, 1, 0, 0, 0, 2]].concat();
                let seq = self.sessions[at].seq;
                let length =
                    tdgw::put_frame(&mut out, tdgw::ReportInfo::TYPE, seq, &body).expect("room");
                self.sessions[at].out.extend(&out[..length]);
            }
            tdgw::Message::Heartbeat | tdgw::Message::Logout(_) => {}
            tdgw::Message::Sync(sync) if !self.mute => {
                let rows = sync.rows.iter();
                let has: BTreeMap<u32, u64> =
                    rows.map(|row| (row.set_id.get(), row.begin_report_index.get() - 1)).collect();
                let mut body = (has.len() as u16).to_be_bytes().to_vec();
                for row in sync.rows {
                    let last = self.last.get(&row.set_id.get()).copied().unwrap_or(0);
                    let answer = tdgw::SyncResponseRow {
                        pbu: row.pbu,
                        set_id: row.set_id,
                        begin_report_index: row.begin_report_index,
                        end_report_index: Be64::new(last),
                        rej_reason: Be32::new(0),
                        text: [b' '; 64],
                    };
                    body.extend(answer.bytes());
                }
                self.tdgw_frame(at, tdgw::SyncResponse::TYPE, &body);
                self.again(at, &has);
                if !self.terse {
                    for row in sync.rows {
                        let last = self.last.get(&row.set_id.get()).copied().unwrap_or(0);
                        let end = tdgw::EndOfStream {
                            pbu: row.pbu,
                            set_id: row.set_id,
                            end_report_index: Be64::new(last),
                        };
                        self.tdgw_frame(at, tdgw::EndOfStream::TYPE, end.bytes());
                    }
                }
            }
            tdgw::Message::Sync(_) => {}
            _ if !self.sessions[at].live => panic!("before the reports: {message:?}"),
            tdgw::Message::New(m) => asked.push(Asked::Enter {
                id: id(&m.cl_ord_id),
                side: if m.side == b'1' { Side::Buy } else { Side::Sell },
                qty: scale.qty_in(m.order_qty).expect("whole shares").0 as u32,
                price: scale.price_in(m.price).expect("whole units").0 as u64,
                symbol: padded(m.security_id.trim_ascii_end(), b' ').expect("short"),
                ioc: m.time_in_force == b'3',
            }),
            tdgw::Message::Cancel(m) => {
                let orig = id(&m.orig_cl_ord_id);
                self.requests.insert(orig, id(&m.cl_ord_id));
                asked.push(Asked::Cancel { id: orig, down_to: 0 });
            }
            other => panic!("{other:?}"),
        }
        Some(used)
    }

    fn tdgw_report(&mut self, at: usize, told: &Told) {
        let scale = tdgw::Scale::default();
        let (pbu, set_id, report_index) =
            (*b"00000001", Be32::new(told.partition), Be64::new(told.index));
        let cl_ord_id = id_digits(named(told));
        let orig_cl_ord_id = if told.request > 0 { id_digits(of(&told.say)) } else { [b' '; 10] };
        let mut confirm = *tdgw::Confirm::parse(&[0; 213]).expect("its size");
        (confirm.pbu, confirm.set_id, confirm.report_index) = (pbu, set_id, report_index);
        (confirm.cl_ord_id, confirm.orig_cl_ord_id) = (cl_ord_id, orig_cl_ord_id);
        let (kind, body) = match told.say {
            Say::Accepted { qty, price, order_ref, .. } => {
                confirm.exec_type = b'0';
                confirm.order_qty = scale.qty_out(Qty(qty.into())).expect("small");
                confirm.price = scale.price_out(Price(price as i64)).expect("small");
                confirm.ord_cnfm_id =
                    padded(order_ref.to_string().as_bytes(), b' ').expect("short");
                (tdgw::Confirm::TYPE, confirm.bytes().to_vec())
            }
            Say::Canceled { .. } => {
                confirm.exec_type = b'4';
                (tdgw::Confirm::TYPE, confirm.bytes().to_vec())
            }
            Say::Rejected { .. } => {
                confirm.exec_type = b'8';
                (tdgw::Confirm::TYPE, confirm.bytes().to_vec())
            }
            Say::CancelRejected { .. } => {
                let mut reject = *tdgw::CancelReject::parse(&[0; 120]).expect("its size");
                (reject.pbu, reject.set_id, reject.report_index) = (pbu, set_id, report_index);
                (reject.cl_ord_id, reject.orig_cl_ord_id) = (cl_ord_id, orig_cl_ord_id);
                (tdgw::CancelReject::TYPE, reject.bytes().to_vec())
            }
            Say::Executed { qty, price, match_number, .. } => {
                let mut trade = *tdgw::Execution::parse(&[0; 213]).expect("its size");
                (trade.pbu, trade.set_id, trade.report_index) = (pbu, set_id, report_index);
                (trade.cl_ord_id, trade.exec_type) = (cl_ord_id, b'F');
                trade.trd_cnfm_id =
                    padded(match_number.to_string().as_bytes(), b' ').expect("short");
                trade.last_px = scale.price_out(Price(price as i64)).expect("small");
                trade.last_qty = scale.qty_out(Qty(qty.into())).expect("small");
                (tdgw::Execution::TYPE, trade.bytes().to_vec())
            }
            other => panic!("{other:?}"),
        };
        self.tdgw_frame(at, kind, &body);
    }
}

/// The order of a report.
fn of(say: &Say) -> u32 {
    match *say {
        Say::Accepted { id, .. }
        | Say::Replaced { id, .. }
        | Say::Canceled { id, .. }
        | Say::Executed { id, .. }
        | Say::Broken { id, .. }
        | Say::Rejected { id }
        | Say::CancelRejected { id } => id,
        other => panic!("{other:?}"),
    }
}

/// The client order id that a report names: the cancel's, where it answers one.
fn named(told: &Told) -> u32 {
    if told.request > 0 { told.request } else { of(&told.say) }
}
