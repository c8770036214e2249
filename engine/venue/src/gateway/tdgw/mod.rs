//! Shanghai's trading gateway: one PBU over several sessions.
//!
//! Reports are numbered per set. After a logon the gateway names the sets, the client asks for each
//! from an index on ([`Sync`]); it is answered, gets what it lacks and the word that this was all, and
//! from then on every report of that set as it comes, whichever session the order came on. A session
//! may cancel what another one sent. Orders stay when sessions are lost. Messages are numbered per
//! session and direction; a client whose numbers have a hole is cut off.
//!
//! What the gateway itself refuses (platform not open, another PBU or business) is an order reject
//! without an index; what the rules refuse is a confirmation. What no source says and is decided
//! here: reasons of refusals are the venue's own numbers ([`super::Why::number`]); a confirmation that
//! nobody asked for names the order as `cl_ord_id` and nothing as `orig_cl_ord_id`.

mod reports;

use nofx_types::{Nanos, Price, Qty, Side};
use nofx_wire::num::{Be16, Be32, Be64};
use nofx_wire::tdgw::codes::{
    biz, exec, ord_type, platform, session as ends, side, state, status, tif,
};
use nofx_wire::tdgw::{
    CancelOrder, CancelReject, Confirm, EndOfStream, Execution, Frame, FrameError, HEARTBEAT,
    Logon, Logout, Message, NewOrder, OrderReject, PlatformState, Scale, Sync, SyncResponseRow,
    TimeForm, next_frame, put_frame, put_report_info, put_sync_response,
};
use nofx_wire::text::{ChinaTime, padded};

use super::ids::{digits, symbol};
use super::orders::Placed;
use super::sessions::{Cut, Desk, Unit};
use super::{Entry, Kind, Label, Tell, Why};

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

/// What an order reject echoes of the message that it refuses.
struct Refused {
    biz_id: Be32,
    biz_pbu: [u8; 8],
    cl_ord_id: [u8; 10],
    security_id: [u8; 12],
    user_info: [u8; 32],
}

/// [`Refused`] of a new order or a cancel: two records with the same fields.
macro_rules! refused {
    ($order:expr) => {
        Refused {
            biz_id: $order.biz_id,
            biz_pbu: $order.biz_pbu,
            cl_ord_id: $order.cl_ord_id,
            security_id: $order.security_id,
            user_info: $order.user_info,
        }
    };
}

/// One PBU.
pub struct Tdgw {
    comp_id: [u8; 32],
    pbu: [u8; 8],
    scale: Scale,
    times: TimeForm,
    desk: Desk<NewOrder, CancelOrder>,
    platform_state: u16,
    clock: ChinaTime,
    executions: u64,
}

impl Tdgw {
    /// A gateway that is open; `None` when a text exceeds its field, there is no set, or the sessions
    /// are none or more than [`super::SESSIONS_MAX`].
    pub fn new(config: &TdgwConfig) -> Option<Tdgw> {
        Some(Tdgw {
            desk: Desk::new(config.sessions, &config.sets)?,
            comp_id: padded(config.comp_id.as_bytes(), b' ')?,
            pbu: padded(config.pbu.as_bytes(), b' ')?,
            scale: config.scale,
            times: config.times,
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

    /// Sends what `put` writes under the session's next number into a buffer of `room` bytes.
    fn send_with(
        &mut self,
        session: usize,
        now: Nanos,
        room: usize,
        put: impl FnOnce(&mut [u8], u64) -> Option<usize>,
    ) {
        let Some(stream) = self.desk.stream(session) else { return };
        let mut out = vec![0; room];
        if let Some(length) = put(&mut out, stream.sent + 1) {
            stream.sent += 1;
            stream.send(now, out.get(..length).unwrap_or(&[]));
        }
    }

    fn log_out(&mut self, session: usize, now: Nanos, session_status: u32, text: &str) {
        let text = padded(text.as_bytes(), b' ').unwrap_or([b' '; 64]);
        let logout = Logout { session_status: Be32::new(session_status), text };
        self.send(session, now, Logout::TYPE, logout.bytes());
        self.desk.end(session);
    }

    fn send_platform_state(&mut self, session: usize, now: Nanos) {
        let message = PlatformState {
            platform_id: Be16::new(platform::AUCTION),
            platform_state: Be16::new(self.platform_state),
        };
        self.send(session, now, PlatformState::TYPE, message.bytes());
    }

    fn on_frame(&mut self, session: usize, now: Nanos, frame: Frame<'_>) {
        let Some(stream) = self.desk.stream(session) else { return };
        stream.came += 1;
        let (next, logged_on) = (stream.came, stream.logged_on);
        if frame.sequence != next {
            return self.log_out(session, now, REFUSED, "sequence number");
        }
        let message = Message::parse(frame);
        if !logged_on {
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
        self.desk.log_on(session, u64::from(logon.heart_bt_int.get()) * 1_000_000_000);
        self.send(session, now, Logon::TYPE, answer.bytes());
        self.send_platform_state(session, now);
        let sets: Vec<u32> = self.desk.reports.numbers().collect();
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
                let place =
                    self.desk.reports.place(row.set_id.get()).filter(|_| row.pbu == self.pbu);
                let rejected = place.is_none() || row.begin_report_index.get() == 0;
                let text = if rejected { "no such set or index" } else { "" };
                SyncResponseRow {
                    pbu: row.pbu,
                    set_id: row.set_id,
                    begin_report_index: row.begin_report_index,
                    end_report_index: Be64::new(
                        place.map_or(0, |place| self.desk.reports.last(place)),
                    ),
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
        let Some(place) = self.desk.reports.place(row.set_id.get()) else { return };
        // An index that was not refused is at least 1.
        let seen = row.begin_report_index.get().saturating_sub(1);
        self.catch_up(session, now, place, seen);
        let end = EndOfStream {
            pbu: row.pbu,
            set_id: row.set_id,
            end_report_index: Be64::new(self.desk.reports.last(place)),
        };
        self.send(session, now, EndOfStream::TYPE, end.bytes());
    }

    /// Why the gateway itself does not take a message.
    fn refusal(&self, biz_pbu: [u8; 8], biz_id: Be32, state: u16) -> Option<Why> {
        if biz_pbu != self.pbu || biz_id.get() != biz::AUCTION {
            return Some(Why::Other);
        }
        (state != state::OPEN).then_some(Why::Phase)
    }

    /// A message that the gateway does not take: told to its session only, without an index.
    fn refuse(&mut self, session: usize, now: Nanos, why: Why, of: &Refused) {
        let reject = OrderReject {
            biz_id: of.biz_id,
            biz_pbu: of.biz_pbu,
            cl_ord_id: of.cl_ord_id,
            security_id: of.security_id,
            ord_rej_reason: Be32::new(u32::from(why.number())),
            trade_date: Be32::new(self.clock.date(now)),
            transact_time: self.times.write(&mut self.clock, now),
            user_info: of.user_info,
        };
        self.send(session, now, OrderReject::TYPE, reject.bytes());
    }

    fn on_new(&mut self, session: usize, now: Nanos, order: &NewOrder) {
        match self.refusal(order.biz_pbu, order.biz_id, self.platform_state) {
            Some(why) => self.refuse(session, now, why, &refused!(order)),
            None => self.take_order(now, &order.cl_ord_id, order),
        }
    }

    /// Cancels are taken whatever the platform's state is: the board knows when there are none.
    fn on_cancel(&mut self, session: usize, now: Nanos, order: &CancelOrder) {
        if let Some(why) = self.refusal(order.biz_pbu, order.biz_id, state::OPEN) {
            return self.refuse(session, now, why, &refused!(order));
        }
        let orig = Label::of(&order.orig_cl_ord_id).unwrap_or(Label::NONE);
        let orig = self.desk.orders.find(orig);
        self.take_cancel(now, &order.cl_ord_id, orig, order);
    }
}

impl Unit for Tdgw {
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
                return Some(length);
            }
            Err(FrameError::Checksum { .. }) => {
                self.log_out(session, now, ends::CHECKSUM, "checksum");
            }
            Err(FrameError::TooLong { .. }) => self.cut(session, now, Cut::TooLong),
        }
        Some(0)
    }

    fn send(&mut self, session: usize, now: Nanos, kind: u32, body: &[u8]) {
        self.send_with(session, now, body.len() + 20, |out, sequence| {
            put_frame(out, kind, sequence, body)
        });
    }

    fn beat(&mut self, session: usize, now: Nanos) {
        self.send(session, now, HEARTBEAT, &[]);
    }

    fn cut(&mut self, session: usize, now: Nanos, why: Cut) {
        match why {
            Cut::TooLong => self.log_out(session, now, REFUSED, "message too long"),
            Cut::Silent => self.log_out(session, now, ends::SILENT, "no heartbeat"),
        }
    }

    fn report_front(&self) -> &[u8] {
        &self.pbu
    }

    /// Order types from memory.
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
            short: false, // no source lists a value of CreditTag that says so
            account: Label::of(&order.account).unwrap_or(Label::NONE),
            programme: false,
        })
    }

    fn rejected(&mut self, now: Nanos, order: &NewOrder, why: Why) {
        let mut confirm = self.confirm(now, order);
        confirm.exec_type = exec::REJECT;
        confirm.ord_status = status::REJECTED;
        confirm.ord_rej_reason = Be32::new(u32::from(why.number()));
        self.report(now, &order.security_id, Confirm::TYPE, confirm.bytes());
    }

    fn accepted(&mut self, now: Nanos, id: u64) {
        let Some(Placed { form, order, total, .. }) = self.desk.orders.get(id) else { return };
        let (form, order, total) = (*form, *order, *total);
        let mut confirm = self.confirm(now, &form);
        confirm.ord_cnfm_id = digits(order.0);
        confirm.leaves_qty = self.wire(total);
        self.report(now, &form.security_id, Confirm::TYPE, confirm.bytes());
    }

    fn ended(&mut self, now: Nanos, id: u64, request: u64, qty: Qty) {
        let Some(Placed { form, order, .. }) = self.desk.orders.get(id) else { return };
        let (form, order) = (*form, *order);
        let mut confirm = self.confirm(now, &form);
        confirm.ord_cnfm_id = digits(order.0);
        if let Some(cancel) = self.desk.orders.asked(request).copied() {
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

    fn cancel_rejected(&mut self, now: Nanos, cancel: &CancelOrder, _: u64, why: Why) {
        let reject = self.cancel_reject(now, cancel, why);
        self.report(now, &cancel.security_id, CancelReject::TYPE, reject.bytes());
    }

    fn traded(&mut self, now: Nanos, tell: &Tell) {
        let Tell::Trade { id, qty, price, .. } = *tell else { return };
        let Some(execution) = self.execution(now, id, qty, price) else { return };
        self.report(now, &execution.security_id, Execution::TYPE, execution.bytes());
    }
}
