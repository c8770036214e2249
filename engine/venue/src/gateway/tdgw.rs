//! Shanghai's trading gateway: one PBU over several sessions.
//!
//! Reports are numbered per set. After a logon the gateway names the sets, the client asks for each
//! from an index on ([`Sync`]); it is answered, gets what it lacks and the word that this was all, and
//! from then on every report of that set as it comes, whichever session the order came on. A session
//! may cancel what another one sent. Orders stay when sessions are lost. Messages are numbered per
//! session and direction; a client whose numbers have a hole is cut off.
//!
//! What the gateway itself refuses (platform not open, another PBU or business) is an order reject
//! without an index; what the rules refuse is a confirmation. What the sheet leaves open and is decided
//! here: reasons of refusals are the venue's own numbers ([`super::Why::number`]); a confirmation that
//! nobody asked for names the order as `cl_ord_id` and nothing as `orig_cl_ord_id`.

use nofx_types::{Nanos, Price, Qty, Side, Symbol};
use nofx_wire::num::{Be16, Be32, Be64, BeI64};
use nofx_wire::tdgw::codes::{
    biz, exec, ord_type, platform, session as ends, side, state, status, tif,
};
use nofx_wire::tdgw::{
    CancelOrder, CancelReject, Confirm, EndOfStream, Execution, Frame, FrameError, HEARTBEAT,
    Logon, Logout, Message, NewOrder, OrderReject, PlatformState, Scale, Sync, SyncResponseRow,
    TimeForm, next_frame, put_frame, put_report_info, put_sync_response,
};
use nofx_wire::text::{ChinaTime, padded, trimmed};

use super::orders::{Orders, Placed};
use super::reports::Reports;
use super::stream::{Stream, WAITING_MAX};
use super::{Ask, Ended, Entry, Gateway, Kind, Label, SESSIONS_MAX, Tell, Why};

/// Silent heartbeats after which a client is cut off.
const CUT_AFTER: u64 = 3;
/// Reason of a logout or order reject that has no other.
const REFUSED: u32 = 99;

/// A PBU at Shanghai's gateway.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TdgwConfig {
    /// The gateway's comp id.
    pub comp_id: String,
    /// The trading unit.
    pub pbu: String,
    /// Sessions that may be open at one time.
    pub sessions: usize,
    /// Sets of reports.
    pub sets: Vec<u32>,
    /// Decimals of prices and quantities.
    pub scale: Scale,
    /// Form of times.
    pub times: TimeForm,
}

impl Default for TdgwConfig {
    fn default() -> Self {
        TdgwConfig {
            comp_id: "TDGW".into(),
            pbu: "12345678".into(),
            sessions: 2,
            sets: vec![1, 2],
            scale: Scale::default(),
            times: TimeForm::default(),
        }
    }
}

/// One PBU.
pub struct Tdgw {
    comp_id: [u8; 32],
    pbu: [u8; 8],
    scale: Scale,
    times: TimeForm,
    streams: Vec<Stream>,
    orders: Orders<NewOrder, CancelOrder>,
    reports: Reports,
    platform_state: u16,
    clock: ChinaTime,
    executions: u64,
}

impl Tdgw {
    /// A gateway that is open; `None` when a text exceeds its field, there is no set, or the sessions
    /// are none or more than [`SESSIONS_MAX`].
    pub fn new(config: &TdgwConfig) -> Option<Tdgw> {
        if !(1..=SESSIONS_MAX).contains(&config.sessions) || config.sets.is_empty() {
            return None;
        }
        Some(Tdgw {
            comp_id: padded(config.comp_id.as_bytes(), b' ')?,
            pbu: padded(config.pbu.as_bytes(), b' ')?,
            scale: config.scale,
            times: config.times,
            streams: (0..config.sessions).map(|_| Stream::default()).collect(),
            orders: Orders::default(),
            reports: Reports::new(&config.sets),
            platform_state: state::OPEN,
            clock: ChinaTime::default(),
            executions: 0,
        })
    }

    /// The platform entered this state ([`state`]): told to every session.
    pub fn set_platform_state(&mut self, now: Nanos, platform_state: u16) {
        self.platform_state = platform_state;
        for session in 0..self.streams.len() {
            if self.is_logged_on(session) {
                self.send_platform_state(session, now);
            }
        }
    }

    /// Sends what `put` writes under the session's next number into a buffer of `room` bytes.
    fn send_with(
        &mut self,
        session: usize,
        now: Nanos,
        room: usize,
        put: impl FnOnce(&mut [u8], u64) -> Option<usize>,
    ) {
        let Some(stream) = self.streams.get_mut(session) else { return };
        let mut out = vec![0; room];
        if let Some(length) = put(&mut out, stream.sent + 1) {
            stream.sent += 1;
            stream.send(now, out.get(..length).unwrap_or(&[]));
        }
    }

    fn send(&mut self, session: usize, now: Nanos, kind: u32, body: &[u8]) {
        self.send_with(session, now, body.len() + 20, |out, sequence| {
            put_frame(out, kind, sequence, body)
        });
    }

    fn log_out(&mut self, session: usize, now: Nanos, session_status: u32, text: &str) {
        let text = padded(text.as_bytes(), b' ').unwrap_or([b' '; 64]);
        let logout = Logout { session_status: Be32::new(session_status), text };
        self.send(session, now, Logout::TYPE, logout.bytes());
        if let Some(stream) = self.streams.get_mut(session) {
            stream.end();
        }
    }

    fn send_platform_state(&mut self, session: usize, now: Nanos) {
        let message = PlatformState {
            platform_id: Be16::new(platform::AUCTION),
            platform_state: Be16::new(self.platform_state),
        };
        self.send(session, now, PlatformState::TYPE, message.bytes());
    }

    fn on_frame(&mut self, session: usize, now: Nanos, frame: Frame<'_>) {
        let Some(stream) = self.streams.get_mut(session) else { return };
        stream.came += 1;
        if frame.sequence != stream.came {
            return self.log_out(session, now, REFUSED, "sequence number");
        }
        let message = Message::parse(frame);
        if !self.is_logged_on(session) {
            return match message {
                Ok(Message::Logon(logon)) => self.on_logon(session, now, logon),
                _ => self.log_out(session, now, REFUSED, "log on first"),
            };
        }
        match message {
            Ok(Message::Heartbeat) => {}
            Ok(Message::Logout(_)) => self.log_out(session, now, ends::NORMAL, ""),
            Ok(Message::Sync(sync)) => self.on_sync(session, now, &sync),
            Ok(Message::New(order)) => self.on_new(session, now, order),
            Ok(Message::Cancel(order)) => self.on_cancel(session, now, order),
            Ok(_) => self.log_out(session, now, REFUSED, "unknown message"),
            Err(_) => self.log_out(session, now, REFUSED, "message is cut"),
        }
    }

    fn on_logon(&mut self, session: usize, now: Nanos, logon: &Logon) {
        if logon.target_comp_id != self.comp_id {
            return self.log_out(session, now, REFUSED, "not this gateway");
        }
        let answer = Logon {
            sender_comp_id: self.comp_id,
            target_comp_id: logon.sender_comp_id,
            trade_date: Be32::new(self.clock.date(now)),
            ..*logon
        };
        if let Some(stream) = self.streams.get_mut(session) {
            stream.logged_on = true;
            stream.beat_ns = u64::from(logon.heart_bt_int.get()) * 1_000_000_000;
        }
        self.send(session, now, Logon::TYPE, answer.bytes());
        self.send_platform_state(session, now);
        let sets: Vec<u32> = self.reports.numbers().collect();
        let pbu = self.pbu;
        self.send_with(session, now, 64 + 4 * sets.len(), |out, sequence| {
            put_report_info(out, sequence, platform::AUCTION, &[pbu], &sets)
        });
    }

    fn on_sync(&mut self, session: usize, now: Nanos, sync: &Sync<'_>) {
        let answers: Vec<_> = sync
            .rows
            .iter()
            .map(|row| {
                let place = self.reports.place(row.set_id.get()).filter(|_| row.pbu == self.pbu);
                let rejected = place.is_none() || row.begin_report_index.get() == 0;
                let text = if rejected { "no such set or index" } else { "" };
                SyncResponseRow {
                    pbu: row.pbu,
                    set_id: row.set_id,
                    begin_report_index: row.begin_report_index,
                    end_report_index: Be64::new(place.map_or(0, |place| self.reports.last(place))),
                    rej_reason: Be32::new(if rejected { REFUSED } else { 0 }),
                    text: padded(text.as_bytes(), b' ').unwrap_or([b' '; 64]),
                }
            })
            .collect();
        self.send_with(session, now, 64 + 96 * answers.len(), |out, sequence| {
            put_sync_response(out, sequence, &answers)
        });
        for row in answers.iter().filter(|row| row.rej_reason.get() == 0) {
            self.replay(session, now, row);
        }
    }

    /// The reports that were asked for, and the word that these were all.
    fn replay(&mut self, session: usize, now: Nanos, row: &SyncResponseRow) {
        let Some(place) = self.reports.place(row.set_id.get()) else { return };
        let missing = self.reports.after(place, row.begin_report_index.get() - 1);
        let missing: Vec<_> = missing.iter().map(|r| (r.kind, r.body.clone())).collect();
        missing.iter().for_each(|(kind, body)| self.send(session, now, *kind, body));
        let end = EndOfStream {
            pbu: row.pbu,
            set_id: row.set_id,
            end_report_index: Be64::new(self.reports.last(place)),
        };
        self.send(session, now, EndOfStream::TYPE, end.bytes());
        let live = self.streams.get_mut(session).and_then(|stream| stream.live.get_mut(place));
        if let Some(live) = live {
            *live = true;
        }
    }

    /// A message that the gateway does not take: told to its session only, without an index.
    fn refuse(&mut self, session: usize, now: Nanos, reject: OrderReject) {
        self.send(session, now, OrderReject::TYPE, reject.bytes());
    }

    fn on_new(&mut self, session: usize, now: Nanos, order: &NewOrder) {
        let ours = order.biz_pbu == self.pbu && order.biz_id.get() == biz::AUCTION;
        if !ours || self.platform_state != state::OPEN {
            let why = if ours { Why::Phase } else { Why::Other };
            let reject = OrderReject {
                biz_id: order.biz_id,
                biz_pbu: order.biz_pbu,
                cl_ord_id: order.cl_ord_id,
                security_id: order.security_id,
                ord_rej_reason: Be32::new(u32::from(why.number())),
                trade_date: Be32::new(self.clock.date(now)),
                transact_time: self.times.write(&mut self.clock, now),
                user_info: order.user_info,
            };
            return self.refuse(session, now, reject);
        }
        let text = Label::of(&order.cl_ord_id).unwrap_or(Label::NONE);
        let id = match self.orders.number(text) {
            Ok(id) => id,
            Err(why) => return self.reject_new(now, order, why),
        };
        match self.entry(id, order) {
            Ok(entry) => self.orders.place(entry, *order),
            Err(why) => self.reject_new(now, order, why),
        }
    }

    fn on_cancel(&mut self, session: usize, now: Nanos, order: &CancelOrder) {
        if order.biz_pbu != self.pbu || order.biz_id.get() != biz::AUCTION {
            let reject = OrderReject {
                biz_id: order.biz_id,
                biz_pbu: order.biz_pbu,
                cl_ord_id: order.cl_ord_id,
                security_id: order.security_id,
                ord_rej_reason: Be32::new(u32::from(Why::Other.number())),
                trade_date: Be32::new(self.clock.date(now)),
                transact_time: self.times.write(&mut self.clock, now),
                user_info: order.user_info,
            };
            return self.refuse(session, now, reject);
        }
        let orig = self.orders.find(Label::of(&order.orig_cl_ord_id).unwrap_or(Label::NONE));
        let text = Label::of(&order.cl_ord_id).unwrap_or(Label::NONE);
        let id = match self.orders.number(text) {
            Ok(id) => id,
            Err(why) => return self.reject_cancel(now, order, why),
        };
        if orig == 0 {
            return self.reject_cancel(now, order, Why::Unknown);
        }
        self.orders.request(id, *order, Ask::Cancel { id, orig });
    }

    /// The neutral order that these fields make; order types from memory in our sheet.
    fn entry(&self, id: u64, order: &NewOrder) -> Result<Entry, Why> {
        let kind = match (order.ord_type, order.time_in_force) {
            (ord_type::LIMIT, tif::DAY) => Kind::Limit,
            (ord_type::MARKET, _) => Kind::BestFive,
            (ord_type::MARKET_TO_LIMIT, _) => Kind::BestFiveRest,
            (ord_type::OPPOSITE_BEST, _) => Kind::OppositeBest,
            (ord_type::OWN_BEST, _) => Kind::OwnBest,
            _ => return Err(Why::Kind),
        };
        let side = match order.side {
            side::BUY => Side::Buy,
            side::SELL => Side::Sell,
            _ => return Err(Why::Kind),
        };
        let price = self.scale.price_in(order.price).ok_or(Why::Tick)?;
        Ok(Entry {
            id,
            symbol: symbol(&order.security_id).ok_or(Why::Symbol)?,
            side,
            kind,
            price: if kind.has_price() { price } else { Price(0) },
            qty: self.scale.qty_in(order.order_qty).ok_or(Why::Lot)?,
            short: false, // the sheet lists no value of CreditTag that says so
            account: Label::of(&order.account).unwrap_or(Label::NONE),
            programme: false,
        })
    }

    /// Keeps a report under the next number of the security's set and sends it to every session that
    /// has had those before it. All reports begin with PBU, set and index.
    fn report(&mut self, now: Nanos, security: &[u8; 12], kind: u32, body: &[u8]) {
        let mut body = body.to_vec();
        let place = symbol(security).map_or(0, |symbol| self.reports.set_of(symbol));
        let (number, index) = self.reports.next(place);
        let numbers = number.to_be_bytes().into_iter().chain(index.to_be_bytes());
        body.iter_mut().zip(self.pbu.into_iter().chain(numbers)).for_each(|(to, from)| *to = from);
        self.reports.push(place, kind, &body);
        for session in 0..self.streams.len() {
            let stream = self.streams.get(session);
            if stream.and_then(|stream| stream.live.get(place)).copied().unwrap_or(false) {
                self.send(session, now, kind, &body);
            }
        }
    }

    /// A confirmation of an order as it came; nothing filled, nothing open.
    fn confirm(&mut self, now: Nanos, order: &NewOrder) -> Confirm {
        Confirm {
            pbu: self.pbu,
            set_id: Be32::new(0),
            report_index: Be64::new(0),
            biz_id: order.biz_id,
            exec_type: exec::NEW,
            biz_pbu: order.biz_pbu,
            cl_ord_id: order.cl_ord_id,
            security_id: order.security_id,
            account: order.account,
            owner_type: order.owner_type,
            side: order.side,
            price: order.price,
            order_qty: order.order_qty,
            leaves_qty: BeI64::new(0),
            cxl_qty: BeI64::new(0),
            ord_type: order.ord_type,
            time_in_force: order.time_in_force,
            ord_status: status::NEW,
            credit_tag: order.credit_tag,
            orig_cl_ord_id: [b' '; 10],
            clearing_firm: order.clearing_firm,
            branch_id: order.branch_id,
            ord_rej_reason: Be32::new(0),
            ord_cnfm_id: [b' '; 16],
            orig_ord_cnfm_id: [b' '; 16],
            trade_date: Be32::new(self.clock.date(now)),
            transact_time: self.times.write(&mut self.clock, now),
            user_info: order.user_info,
        }
    }

    fn reject_new(&mut self, now: Nanos, order: &NewOrder, why: Why) {
        let mut confirm = self.confirm(now, order);
        confirm.exec_type = exec::REJECT;
        confirm.ord_status = status::REJECTED;
        confirm.ord_rej_reason = Be32::new(u32::from(why.number()));
        self.report(now, &order.security_id, Confirm::TYPE, confirm.bytes());
    }

    fn accepted(&mut self, now: Nanos, id: u64) {
        let Some(Placed { form, order, total, .. }) = self.orders.get(id) else { return };
        let (form, order, total) = (*form, *order, *total);
        let mut confirm = self.confirm(now, &form);
        confirm.ord_cnfm_id = digits(order.0);
        confirm.leaves_qty = self.wire(total);
        self.report(now, &form.security_id, Confirm::TYPE, confirm.bytes());
    }

    fn ended(&mut self, now: Nanos, id: u64, request: u64, qty: Qty) {
        self.orders.close(id);
        let Some(Placed { form, order, .. }) = self.orders.get(id) else { return };
        let (form, order) = (*form, *order);
        let mut confirm = self.confirm(now, &form);
        confirm.ord_cnfm_id = digits(order.0);
        if let Some(cancel) = self.orders.asked(request).copied() {
            self.executions += 1;
            confirm.cl_ord_id = cancel.cl_ord_id;
            confirm.orig_cl_ord_id = form.cl_ord_id;
            confirm.ord_cnfm_id = digits(self.executions);
            confirm.orig_ord_cnfm_id = digits(order.0);
        }
        confirm.exec_type = exec::CANCELLED;
        confirm.ord_status = status::CANCELLED;
        confirm.cxl_qty = self.wire(qty);
        self.report(now, &form.security_id, Confirm::TYPE, confirm.bytes());
    }

    fn reject_cancel(&mut self, now: Nanos, cancel: &CancelOrder, why: Why) {
        let reject = CancelReject {
            pbu: self.pbu,
            set_id: Be32::new(0),
            report_index: Be64::new(0),
            biz_id: cancel.biz_id,
            biz_pbu: cancel.biz_pbu,
            cl_ord_id: cancel.cl_ord_id,
            security_id: cancel.security_id,
            orig_cl_ord_id: cancel.orig_cl_ord_id,
            branch_id: cancel.branch_id,
            cxl_rej_reason: Be32::new(u32::from(why.number())),
            trade_date: Be32::new(self.clock.date(now)),
            transact_time: self.times.write(&mut self.clock, now),
            user_info: cancel.user_info,
        };
        self.report(now, &cancel.security_id, CancelReject::TYPE, reject.bytes());
    }

    fn traded(&mut self, now: Nanos, tell: &Tell) {
        let Tell::Trade { id, qty, price, .. } = *tell else { return };
        self.orders.trade(id, qty);
        self.executions += 1;
        let Some(placed) = self.orders.get(id) else { return };
        let form = placed.form;
        let amount = Price(price.0.saturating_mul(i64::try_from(qty.0).unwrap_or(i64::MAX)));
        let done = placed.leaves.0 == 0;
        let execution = Execution {
            pbu: self.pbu,
            set_id: Be32::new(0),
            report_index: Be64::new(0),
            biz_id: form.biz_id,
            exec_type: exec::TRADE,
            biz_pbu: form.biz_pbu,
            cl_ord_id: form.cl_ord_id,
            security_id: form.security_id,
            account: form.account,
            owner_type: form.owner_type,
            order_entry_time: form.transact_time,
            last_px: self.scale.price_out(price).unwrap_or(BeI64::new(0)),
            last_qty: self.wire(qty),
            gross_trade_amt: self.scale.price_out(amount).unwrap_or(BeI64::new(0)),
            side: form.side,
            order_qty: form.order_qty,
            leaves_qty: self.wire(placed.leaves),
            ord_status: if done { status::FILLED } else { status::PARTIAL },
            credit_tag: form.credit_tag,
            clearing_firm: form.clearing_firm,
            branch_id: form.branch_id,
            trd_cnfm_id: digits(self.executions),
            ord_cnfm_id: digits(placed.order.0),
            trade_date: Be32::new(self.clock.date(now)),
            transact_time: self.times.write(&mut self.clock, now),
            user_info: form.user_info,
        };
        self.report(now, &form.security_id, Execution::TYPE, execution.bytes());
    }

    /// A quantity of the engine on the wire.
    fn wire(&self, qty: Qty) -> BeI64 {
        self.scale.qty_out(qty).unwrap_or(BeI64::new(i64::MAX))
    }
}

impl Gateway for Tdgw {
    fn sessions(&self) -> usize {
        self.streams.len()
    }

    fn connected(&mut self, session: usize, now: Nanos) {
        let sets = self.reports.sets();
        if let Some(stream) = self.streams.get_mut(session) {
            stream.connect(now, sets);
        }
    }

    fn receive(&mut self, session: usize, now: Nanos, bytes: &[u8]) {
        let Some(stream) = self.streams.get_mut(session).filter(|stream| stream.open) else {
            return;
        };
        let waiting = stream.take(now, bytes);
        let mut used = 0;
        while self.is_open(session) {
            match next_frame(waiting.get(used..).unwrap_or(&[])) {
                Ok(Some((frame, length))) => {
                    used += length;
                    self.on_frame(session, now, frame);
                }
                Ok(None) if waiting.len() - used < WAITING_MAX => break,
                Ok(None) => self.log_out(session, now, REFUSED, "message too long"),
                Err(FrameError::Checksum { .. }) => {
                    self.log_out(session, now, ends::CHECKSUM, "checksum");
                }
                Err(FrameError::TooLong { .. }) => {
                    self.log_out(session, now, REFUSED, "message too long");
                }
            }
        }
        if let Some(stream) = self.streams.get_mut(session) {
            stream.give_back(waiting, used);
        }
    }

    fn disconnected(&mut self, session: usize, _: Nanos) {
        if let Some(stream) = self.streams.get_mut(session) {
            stream.lost();
        }
    }

    fn next_ask(&mut self) -> Option<Ask> {
        self.orders.next_ask()
    }

    fn tell(&mut self, now: Nanos, tell: &Tell) {
        match *tell {
            Tell::Accepted { id, order } => {
                self.orders.accept(id, order);
                self.accepted(now, id);
            }
            Tell::Rejected { id, why } => {
                self.orders.close(id);
                let form = self.orders.get(id).map(|placed| placed.form);
                if let Some(form) = form {
                    self.reject_new(now, &form, why);
                }
            }
            Tell::Canceled { id, request, qty, why } => {
                debug_assert!(why != Ended::Disconnect, "orders stay when sessions are lost");
                self.ended(now, id, request, qty);
            }
            Tell::CancelRejected { request, why, .. } => {
                if let Some(cancel) = self.orders.asked(request).copied() {
                    self.reject_cancel(now, &cancel, why);
                }
            }
            Tell::Trade { .. } => self.traded(now, tell),
            // Nothing here asks for these, and trades are not taken back.
            Tell::Amended { .. }
            | Tell::AmendRejected { .. }
            | Tell::TradeCanceled { .. }
            | Tell::MassCanceled { .. } => {}
        }
    }

    fn output(&self, session: usize) -> &[u8] {
        self.streams.get(session).map_or(&[], Stream::output)
    }

    fn sent(&mut self, session: usize, bytes: usize) {
        if let Some(stream) = self.streams.get_mut(session) {
            stream.drop_sent(bytes);
        }
    }

    fn keep_alive(&mut self, now: Nanos) {
        for session in 0..self.streams.len() {
            let Some(stream) = self.streams.get_mut(session) else { continue };
            if stream.late(now) {
                stream.end();
            } else if stream.silent(now, CUT_AFTER) {
                self.log_out(session, now, ends::SILENT, "no heartbeat");
            } else if stream.beat_due(now) {
                self.send(session, now, HEARTBEAT, &[]);
            }
        }
    }

    fn is_open(&self, session: usize) -> bool {
        self.streams.get(session).is_some_and(|stream| stream.open)
    }

    fn is_logged_on(&self, session: usize) -> bool {
        self.streams.get(session).is_some_and(|stream| stream.logged_on)
    }

    fn text(&self, id: u64) -> Label {
        self.orders.text(id)
    }
}

fn symbol(field: &[u8; 12]) -> Option<Symbol> {
    let code = std::str::from_utf8(trimmed(field)).ok()?;
    Symbol::new(code).filter(|_| !code.is_empty())
}

/// Sixteen digits.
fn digits(value: u64) -> [u8; 16] {
    padded(format!("{value:016}").as_bytes(), b' ').unwrap_or([b'9'; 16])
}
