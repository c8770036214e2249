//! Shenzhen's trading gateway: one PBU over several sessions.
//!
//! Reports are numbered per partition. After a logon the client says up to where it has each
//! partition ([`ReportSync`]); it then gets what it lacks, the word that this was all, and from then
//! on every report of that partition as it comes, whichever session the order came on. A session
//! may cancel what another one sent. Orders stay when sessions are lost.
//!
//! What no source says and is decided here: reasons of refusals are the venue's own numbers
//! ([`super::Why::number`]); a confirmation that nobody asked for (the rest of an order that does not
//! rest) names the order as `cl_ord_id` and nothing as `orig_cl_ord_id`.

mod reports;

use nofx_types::{Nanos, OrderRef, Price, Qty, Side};
use nofx_wire::num::{Be16, BeI32, BeI64};
use nofx_wire::szse::SessionStatus;
use nofx_wire::text::{ChinaTime, padded, trimmed};
use nofx_wire::tgw::codes::{
    cash_margin, exec, ord_type, platform, restriction, side, state, status, tif,
};
use nofx_wire::tgw::{
    BusinessReject, CancelOrder, CancelReject, Confirm, Execution, Frame, HEARTBEAT_FRAME, Logon,
    Logout, Message, NewOrder, PlatformState, ReportFinished, ReportSync, SPOT, next_frame,
    price_of, put_business_reject, put_frame, put_partition_list, shares_of,
};

use super::ids::{digits, symbol};
use super::orders::Placed;
use super::sessions::{Cut, Desk, Unit};
use super::{Entry, Gateway, Kind, Label, Tell, Why};
use reports::wire;

/// Reason of a business reject that has no other.
const REFUSED: u16 = 99;

/// A PBU at Shenzhen's gateway.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TgwConfig {
    /// The gateway's comp id.
    pub comp_id: String,
    /// The password of its clients; empty takes any.
    pub password: String,
    /// The trading unit.
    pub pbu: String,
    /// Sessions that may be open at one time.
    pub sessions: usize,
    /// Partitions of reports.
    pub partitions: Vec<u32>,
}

impl Default for TgwConfig {
    fn default() -> Self {
        TgwConfig {
            comp_id: "TGW".into(),
            password: String::new(),
            pbu: "123456".into(),
            sessions: 2,
            partitions: vec![1, 2],
        }
    }
}

/// One PBU.
pub struct Tgw {
    comp_id: [u8; 20],
    password: Vec<u8>,
    pbu: [u8; 6],
    desk: Desk<NewOrder, CancelOrder>,
    platform_state: u16,
    clock: ChinaTime,
    executions: u64,
}

impl Tgw {
    /// A gateway that is open; `None` when a text exceeds its field, there is no partition, or the
    /// sessions are none or more than [`super::SESSIONS_MAX`].
    pub fn new(config: &TgwConfig) -> Option<Tgw> {
        // Numbers of partitions are signed on the wire.
        let small = config.partitions.iter().all(|number| i32::try_from(*number).is_ok());
        Some(Tgw {
            desk: Desk::new(config.sessions, &config.partitions).filter(|_| small)?,
            comp_id: padded(config.comp_id.as_bytes(), b' ')?,
            password: config.password.clone().into_bytes(),
            pbu: padded(config.pbu.as_bytes(), b' ')?,
            platform_state: state::OPEN,
            clock: ChinaTime::default(),
            executions: 0,
        })
    }

    /// The platform entered this state ([`state`]): told to every session.
    pub fn set_platform_state(&mut self, now: Nanos, platform_state: u16) {
        self.platform_state = platform_state;
        for session in self.desk.logged_on() {
            self.send_platform_state(session, now);
        }
    }

    fn log_out(&mut self, session: usize, now: Nanos, why: SessionStatus, text: &str) {
        let text = padded(text.as_bytes(), b' ').unwrap_or([b' '; 200]);
        let logout = Logout { session_status: BeI32::new(why.to_wire()), text };
        self.send(session, now, Logout::TYPE, logout.bytes());
        self.desk.end(session);
    }

    fn send_platform_state(&mut self, session: usize, now: Nanos) {
        let message = PlatformState {
            platform_id: Be16::new(platform::SPOT),
            platform_state: Be16::new(self.platform_state),
        };
        self.send(session, now, PlatformState::TYPE, message.bytes());
    }

    fn on_frame(&mut self, session: usize, now: Nanos, frame: Frame<'_>) {
        let message = Message::parse(frame);
        if !self.is_logged_on(session) {
            return match message {
                Ok(Message::Logon(logon)) => self.on_logon(session, now, logon),
                _ => self.log_out(session, now, SessionStatus::InvalidMessage, "log on first"),
            };
        }
        match message {
            Ok(Message::Heartbeat) => {}
            Ok(Message::Logout(_)) => self.log_out(session, now, SessionStatus::LoggedOut, ""),
            Ok(Message::ReportSync(sync)) => self.on_sync(session, now, &sync),
            Ok(Message::New(order)) => self.on_new(session, now, order),
            Ok(Message::Cancel(order)) => self.on_cancel(session, now, order),
            Ok(_) => self.refuse(session, now, frame.msg_type, &[b' '; 10], "unknown message"),
            Err(_) => self.refuse(session, now, frame.msg_type, &[b' '; 10], "message is cut"),
        }
    }

    fn on_logon(&mut self, session: usize, now: Nanos, logon: &Logon) {
        let known = self.password.is_empty() || trimmed(&logon.password) == self.password;
        if !known || logon.target_comp_id != self.comp_id {
            return self.log_out(session, now, SessionStatus::BadPassword, "bad user or password");
        }
        let answer = Logon {
            sender_comp_id: self.comp_id,
            target_comp_id: logon.sender_comp_id,
            password: [b' '; 16],
            ..*logon
        };
        let seconds = u64::try_from(logon.heart_bt_int.get()).unwrap_or(0);
        self.desk.log_on(session, seconds.saturating_mul(1_000_000_000));
        self.send(session, now, Logon::TYPE, answer.bytes());
        self.send_platform_state(session, now);
        let partitions: Vec<i32> =
            self.desk.reports.numbers().map(|number| number as i32).collect();
        let mut out = vec![0; 18 + 4 * partitions.len()];
        if let Some(length) = put_partition_list(&mut out, platform::SPOT, &partitions) {
            self.desk.send(session, now, out.get(..length).unwrap_or(&[]));
        }
    }

    fn on_sync(&mut self, session: usize, now: Nanos, sync: &ReportSync<'_>) {
        for row in sync.partitions {
            let number = u32::try_from(row.partition_no.get()).unwrap_or(u32::MAX);
            let seen = u64::try_from(row.report_index.get()).ok();
            let (Some(place), Some(seen)) = (self.desk.reports.place(number), seen) else {
                self.refuse(session, now, ReportSync::TYPE, &[b' '; 10], "no such partition");
                continue;
            };
            self.catch_up(session, now, place, seen);
            let finished = ReportFinished {
                partition_no: row.partition_no,
                report_index: BeI64::new(self.desk.reports.last(place) as i64),
                platform_id: Be16::new(platform::SPOT),
            };
            self.send(session, now, ReportFinished::TYPE, finished.bytes());
        }
    }

    /// A message that the gateway does not take: told to its session only, without a number.
    fn refuse(&mut self, session: usize, now: Nanos, kind: u32, id: &[u8; 10], text: &str) {
        let reject = BusinessReject {
            ref_seq_num: BeI64::new(0),
            ref_msg_type: kind.into(),
            reject_ref_id: *id,
            reason: Be16::new(REFUSED),
            text: padded(text.as_bytes(), b' ').unwrap_or([b' '; 50]),
        };
        let mut out = [0; 128];
        if let Some(length) = put_business_reject(&mut out, &self.reject_front(now), &reject) {
            self.desk.send(session, now, out.get(..length).unwrap_or(&[]));
        }
    }

    /// What stands before the common end of a business reject (from memory): ApplID, time, PBU,
    /// security and its source.
    fn reject_front(&mut self, now: Nanos) -> [u8; 29] {
        let mut front = [b' '; 29];
        let time = self.clock.timestamp(now).to_be_bytes();
        let fields = SPOT.into_iter().chain(time).chain(self.pbu);
        front.iter_mut().zip(fields).for_each(|(place, byte)| *place = byte);
        front
    }

    fn on_new(&mut self, session: usize, now: Nanos, order: &NewOrder) {
        let refusal = if order.appl_id != SPOT {
            Some("not the spot auction")
        } else if order.submitting_pbu != self.pbu {
            Some("not the PBU of this session")
        } else if self.platform_state != state::OPEN {
            Some("the platform is not open")
        } else {
            None
        };
        if let Some(text) = refusal {
            return self.refuse(session, now, NewOrder::TYPE, &order.cl_ord_id, text);
        }
        self.take_order(now, &order.cl_ord_id, order);
    }

    fn on_cancel(&mut self, session: usize, now: Nanos, order: &CancelOrder) {
        if order.submitting_pbu != self.pbu {
            let text = "not the PBU of this session";
            return self.refuse(session, now, CancelOrder::TYPE, &order.cl_ord_id, text);
        }
        let named = Label::of(&order.orig_cl_ord_id).unwrap_or(Label::NONE);
        let orig = match named.is_empty() {
            true => self.desk.orders.by_ref(order_ref(&order.order_id)),
            false => self.desk.orders.find(named),
        };
        self.take_cancel(now, &order.cl_ord_id, orig, order);
    }
}

impl Unit for Tgw {
    type New = NewOrder;
    type Cancel = CancelOrder;

    fn desk(&self) -> &Desk<NewOrder, CancelOrder> {
        &self.desk
    }

    fn desk_mut(&mut self) -> &mut Desk<NewOrder, CancelOrder> {
        &mut self.desk
    }

    fn take_frame(&mut self, session: usize, now: Nanos, bytes: &[u8]) -> Option<usize> {
        match next_frame(bytes) {
            Ok(found) => {
                let (frame, length) = found?;
                self.on_frame(session, now, frame);
                Some(length)
            }
            Err(error) => {
                self.log_out(session, now, SessionStatus::InvalidMessage, &error.to_string());
                Some(0)
            }
        }
    }

    fn send(&mut self, session: usize, now: Nanos, kind: u32, body: &[u8]) {
        let mut out = vec![0; body.len() + 12];
        if let Some(length) = put_frame(&mut out, kind, body) {
            self.desk.send(session, now, out.get(..length).unwrap_or(&[]));
        }
    }

    fn beat(&mut self, session: usize, now: Nanos) {
        self.desk.send(session, now, &HEARTBEAT_FRAME);
    }

    fn cut(&mut self, session: usize, now: Nanos, why: Cut) {
        let (status, text) = match why {
            Cut::TooLong => (SessionStatus::InvalidMessage, "message too long"),
            Cut::Silent => (SessionStatus::Other, "no heartbeat"),
        };
        self.log_out(session, now, status, text);
    }

    fn report_front(&self) -> &[u8] {
        &[]
    }

    fn entry(&self, id: u64, order: &NewOrder) -> Result<Entry, Why> {
        entry(id, order)
    }

    fn rejected(&mut self, now: Nanos, order: &NewOrder, why: Why) {
        let mut confirm = self.confirm(now, order);
        confirm.exec_type = exec::REJECT;
        confirm.ord_status = status::REJECTED;
        confirm.ord_rej_reason = Be16::new(why.number());
        self.report(now, &order.security_id, Confirm::TYPE, confirm.bytes());
    }

    fn accepted(&mut self, now: Nanos, id: u64) {
        let Some(Placed { form, order, total, .. }) = self.desk.orders.get(id) else { return };
        let (form, order, total) = (*form, *order, *total);
        let mut confirm = self.confirm(now, &form);
        confirm.order_id = digits(order.0);
        confirm.leaves_qty = wire(total);
        self.report(now, &form.security_id, Confirm::TYPE, confirm.bytes());
    }

    fn ended(&mut self, now: Nanos, id: u64, request: u64, _: Qty) {
        let Some(Placed { form, order, filled, .. }) = self.desk.orders.get(id) else { return };
        let (form, order, filled) = (*form, *order, *filled);
        let mut confirm = self.confirm(now, &form);
        if let Some(cancel) = self.desk.orders.asked(request) {
            confirm.cl_ord_id = cancel.cl_ord_id;
            confirm.orig_cl_ord_id = form.cl_ord_id;
        }
        confirm.order_id = digits(order.0);
        confirm.exec_type = exec::CANCELLED;
        confirm.ord_status = status::CANCELLED;
        confirm.cum_qty = wire(filled);
        self.report(now, &form.security_id, Confirm::TYPE, confirm.bytes());
    }

    fn cancel_rejected(&mut self, now: Nanos, cancel: &CancelOrder, orig: u64, why: Why) {
        let reject = self.cancel_reject(now, cancel, orig, why);
        self.report(now, &cancel.security_id, CancelReject::TYPE, reject.bytes());
    }

    fn traded(&mut self, now: Nanos, tell: &Tell) {
        let Tell::Trade { id, qty, price, .. } = *tell else { return };
        let Some(execution) = self.execution(now, id, qty, price) else { return };
        self.report(now, &execution.security_id, Execution::TYPE, execution.bytes());
    }
}

/// The neutral order that these fields make; kinds of market orders from memory.
fn entry(id: u64, order: &NewOrder) -> Result<Entry, Why> {
    let levels = order.max_price_levels.get();
    let kind = match (order.ord_type, order.time_in_force, levels) {
        (ord_type::LIMIT, tif::DAY, 0) => Kind::Limit,
        (ord_type::OWN_BEST, tif::DAY, 0) => Kind::OwnBest,
        (ord_type::MARKET, tif::DAY, 1) => Kind::OppositeBest,
        (ord_type::MARKET, tif::IOC, 5) => Kind::BestFive,
        (ord_type::MARKET, tif::IOC, 0) if order.min_qty == order.order_qty => Kind::AllOrNone,
        (ord_type::MARKET, tif::IOC, 0) if order.min_qty.get() == 0 => Kind::AnyPrice,
        _ => return Err(Why::Kind),
    };
    let side = match order.side {
        side::BUY => Side::Buy,
        side::SELL => Side::Sell,
        _ => return Err(Why::Kind),
    };
    let price = price_of(order.price);
    Ok(Entry {
        id,
        symbol: symbol(&order.security_id).ok_or(Why::Symbol)?,
        side,
        kind,
        price: if kind.has_price() { price } else { Price(0) },
        qty: shares_of(order.order_qty).ok_or(Why::Lot)?,
        short: side == Side::Sell && order.cash_margin == cash_margin::OPEN,
        account: Label::of(&order.account_id).unwrap_or(Label::NONE),
        programme: order.order_restrictions.contains(&restriction::PROGRAMME),
    })
}

/// The board's id that a field states, 0 for none.
fn order_ref(field: &[u8; 16]) -> OrderRef {
    let text = std::str::from_utf8(trimmed(field)).ok();
    OrderRef(text.and_then(|text| text.parse().ok()).unwrap_or(0))
}
