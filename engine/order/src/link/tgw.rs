//! The client end of a session with Shenzhen's trading gateway.
//!
//! Model: nothing is numbered on the wire but reports, per partition, and several sessions get the
//! same ones; so what was seen is kept outside ([`Seen`]). A logon is echoed, the gateway names its
//! partitions, we say up to where we have each, it sends the rest and says where that ends. It cannot
//! say which orders arrived.

use nofx_types::{OrderIntent, Side, TimeInForce};
use nofx_wire::num::{BeI32, BeI64};
use nofx_wire::szse::{OVERHEAD, frame_len};
use nofx_wire::text::{ChinaTime, id_digits, padded};
use nofx_wire::tgw::client::{CancelFrame, Fixed, NewFrame};
use nofx_wire::tgw::codes::{cash_margin, side, state, tif};
use nofx_wire::tgw::{self, HEARTBEAT_FRAME, Logon, Logout, Message, PartitionIndex};

use super::sync::Sync;
use super::{Ear, FRAME_MAX, Heard, Opened, Ours, Taken, mainland_logged_out};
use crate::anomaly::Anomaly;
use crate::config::OrderConfig;
use crate::frames::Wire;
use crate::report::{self, Report};
use crate::seen::{PARTITIONS_MAX, Partition, Seen};
use crate::state::SessionState;

const CONTROL_MAX: usize = OVERHEAD + 4 + PARTITIONS_MAX * 12;

#[derive(Clone, Debug)]
pub(crate) struct Tgw {
    new: NewFrame,
    cancel: CancelFrame,
    logon: Logon,
    clock: ChinaTime,
    limit_ioc: bool,
    platform: u16,
    await_open: bool,
    /// State of our platform, once it was said.
    state: Option<u16>,
    opened: bool,
    sync: Sync,
    control: [u8; CONTROL_MAX],
}

impl Tgw {
    /// With `rescue`, the second session.
    pub fn new(config: &OrderConfig, rescue: bool) -> Tgw {
        let own = &config.tgw;
        let named = rescue && !own.rescue_comp_id.is_empty();
        let sender = if named { &own.rescue_comp_id } else { &own.sender_comp_id };
        let fixed = fixed(config);
        let mut new = NewFrame::new(&fixed);
        let mut cancel = CancelFrame::new(&fixed);
        let application = spaced(&own.application);
        (new.order.appl_id, cancel.order.appl_id) = (application, application);
        Tgw {
            new,
            cancel,
            logon: Logon {
                sender_comp_id: spaced(sender),
                target_comp_id: spaced(&own.target_comp_id),
                heart_bt_int: BeI32::new(seconds(config.heartbeat_ns).into()),
                password: spaced(&own.password),
                default_appl_ver_id: spaced(&own.version),
            },
            clock: ChinaTime::default(),
            limit_ioc: own.limit_ioc,
            platform: own.platform,
            await_open: own.await_open,
            state: None,
            opened: false,
            sync: Sync::new(own.await_finished),
            control: [0; CONTROL_MAX],
        }
    }

    pub fn login(&mut self) -> &[u8] {
        self.begin();
        let logon = self.logon;
        self.put(Logon::TYPE, logon.bytes())
    }

    fn begin(&mut self) {
        (self.opened, self.state) = (false, None);
        self.sync.clear();
    }

    fn put(&mut self, kind: u32, body: &[u8]) -> &[u8] {
        let length = tgw::put_frame(&mut self.control, kind, body).unwrap_or(0);
        self.control.get(..length).unwrap_or(&[])
    }

    pub fn logout(&mut self) -> &[u8] {
        let logout = Logout { session_status: BeI32::new(4), text: [b' '; 200] };
        self.put(Logout::TYPE, logout.bytes())
    }

    pub fn heartbeat() -> &'static [u8] {
        &HEARTBEAT_FRAME
    }

    pub fn has_words(&self) -> bool {
        self.sync.is_due()
    }

    /// The request for reports.
    pub fn say(&mut self, seen: &Seen) -> &[u8] {
        self.sync.take_due();
        let blank = PartitionIndex { partition_no: BeI32::new(0), report_index: BeI64::new(0) };
        let mut rows = [blank; PARTITIONS_MAX];
        let mut count = 0;
        for (row, (of, last)) in rows.iter_mut().zip(self.sync.partitions(seen)) {
            row.partition_no = BeI32::new(of.set.cast_signed());
            row.report_index = BeI64::new(last.cast_signed());
            count += 1;
        }
        let rows = rows.get(..count).unwrap_or(&[]);
        let length = tgw::put_report_sync(&mut self.control, rows).unwrap_or(0);
        self.control.get(..length).unwrap_or(&[])
    }

    pub fn is_behind(&self, seen: &Seen) -> bool {
        !self.opened || self.sync.is_behind(seen)
    }

    /// The state of the platform, when it takes no orders.
    pub fn closed(&self) -> Option<u8> {
        closed(self.await_open, self.state)
    }

    #[inline]
    pub fn says(&self, intent: &OrderIntent) -> bool {
        let ioc = self.limit_ioc && intent.tif == TimeInForce::Ioc;
        !intent.post_only && (intent.tif == TimeInForce::Day || ioc)
    }

    #[inline]
    pub fn enter(&mut self, intent: &OrderIntent, wire: &Wire) -> &[u8] {
        let order = &mut self.new.order;
        order.security_id = wire.symbol;
        order.transact_time = BeI64::new(self.clock.timestamp(intent.now_ns));
        order.cl_ord_id = id_digits(intent.cl_ord_id.0);
        order.side = side_letter(intent.side);
        order.order_qty = hundredths(wire.quantity);
        order.price = BeI64::new(wire.price.cast_signed()); // `takes` was asked
        order.time_in_force = if intent.tif == TimeInForce::Day { tif::DAY } else { tif::IOC };
        order.cash_margin = if intent.short { cash_margin::OPEN } else { cash_margin::CASH };
        self.new.seal()
    }

    #[inline]
    pub fn cancel(&mut self, intent: &OrderIntent, wire: &Wire) -> &[u8] {
        let order = &mut self.cancel.order;
        order.security_id = wire.symbol;
        order.transact_time = BeI64::new(self.clock.timestamp(intent.now_ns));
        order.cl_ord_id = id_digits(wire.cancel);
        order.orig_cl_ord_id = id_digits(intent.orig.0);
        order.side = side_letter(intent.side);
        order.order_qty = hundredths(wire.quantity);
        self.cancel.seal()
    }

    /// A frame of ours that was no order, from the record.
    pub fn replay(&mut self, bytes: &[u8]) -> Option<(usize, Ours)> {
        let (frame, used) = tgw::next_frame(bytes).ok()??;
        let ours = match Message::parse(frame) {
            Ok(Message::Logon(_)) => {
                self.begin();
                Ours::Login
            }
            Ok(Message::Logout(_)) => Ours::Logout,
            Ok(Message::ReportSync(_)) => {
                self.sync.take_due();
                Ours::Other
            }
            _ => Ours::Other,
        };
        Some((used, ours))
    }

    /// Bytes of the frame whose front is `cut`, as far as they tell.
    pub fn want(cut: &[u8]) -> usize {
        frame_len(cut)
    }

    #[inline]
    pub fn take(&mut self, ear: &mut Ear<'_>, bytes: &[u8]) -> Taken {
        match tgw::next_frame(bytes) {
            Ok(None) if Tgw::want(bytes) > FRAME_MAX => Taken::Broken,
            Ok(None) => Taken::Cut,
            Ok(Some((frame, used))) => {
                let heard = match Message::parse(frame) {
                    Ok(message) => self.on_message(ear, &message),
                    Err(_) => {
                        ear.machine.anomalies.count(Anomaly::Malformed);
                        Heard::Nothing
                    }
                };
                Taken::Frame { used, heard }
            }
            Err(_) => Taken::Broken,
        }
    }

    fn on_message(&mut self, ear: &mut Ear<'_>, message: &Message<'_>) -> Heard {
        match message {
            Message::Logon(_) if ear.session.state == SessionState::LoggingIn => {
                ear.session.news(ear.now);
                self.opened = true;
                return Heard::Opened(Opened::default());
            }
            Message::Logout(m) => {
                mainland_logged_out(ear, i64::from(m.session_status.get()));
                return Heard::Nothing;
            }
            Message::Heartbeat => return Heard::Nothing,
            _ if !self.opened => {}
            Message::PlatformState(m) if m.platform_id.get() == self.platform => {
                self.state = Some(m.platform_state.get());
                return Heard::Platform;
            }
            Message::PartitionList(m) if m.platform_id == self.platform => {
                let of = |set: i32| Partition { unit: [0; 8], set: set.cast_unsigned() };
                if !self.sync.list(m.partitions().map(of)) {
                    ear.machine.anomalies.count(Anomaly::UnexpectedFrame);
                }
                return Heard::Nothing;
            }
            Message::ReportFinished(m) => {
                let of = Partition { unit: [0; 8], set: m.partition_no.get().cast_unsigned() };
                let end = u64::try_from(m.report_index.get()).unwrap_or(0);
                if self.sync.ends(of, end) || m.platform_id.get() != self.platform {
                    ear.session.news(ear.now);
                    return Heard::Nothing;
                }
            }
            Message::Execution(m) => {
                return self.report(ear, message, m.partition_no, m.report_index);
            }
            Message::Confirm(m) => {
                return self.report(ear, message, m.partition_no, m.report_index);
            }
            Message::CancelReject(m) => {
                return self.report(ear, message, m.partition_no, m.report_index);
            }
            Message::BusinessReject(_) => {
                ear.session.news(ear.now);
                return ear.heard(report::from_tgw(message, ear.cancels));
            }
            Message::PlatformState(_)
            | Message::PartitionList(_)
            | Message::TradingSession(_)
            | Message::Other(_) => return Heard::Report(Report::Note),
            _ => {}
        }
        ear.machine.anomalies.count(Anomaly::UnexpectedFrame);
        Heard::Nothing
    }

    #[inline]
    fn report(
        &self,
        ear: &mut Ear<'_>,
        message: &Message<'_>,
        partition: BeI32,
        index: BeI64,
    ) -> Heard {
        let of = Partition { unit: [0; 8], set: partition.get().cast_unsigned() };
        let index = u64::try_from(index.get()).unwrap_or(0);
        match ear.is_new(of, index) {
            true => ear.heard(report::from_tgw(message, ear.cancels)),
            false => Heard::Nothing,
        }
    }
}

fn fixed(config: &OrderConfig) -> Fixed {
    let own = &config.tgw;
    Fixed {
        pbu: spaced(&own.pbu),
        account: spaced(&own.account),
        branch: spaced(&own.branch),
        clearing_firm: spaced(&own.clearing_firm),
        owner_type: own.owner_type,
        restrictions: spaced(&own.restrictions),
    }
}

/// Text that was checked to fit, padded with spaces.
pub(super) fn spaced<const N: usize>(text: &str) -> [u8; N] {
    padded(text.as_bytes(), b' ').unwrap_or([b' '; N])
}

/// Whole seconds of a heartbeat, at least one.
pub(super) fn seconds(ns: u64) -> u16 {
    u16::try_from(ns.div_ceil(1_000_000_000)).unwrap_or(u16::MAX).max(1)
}

/// The state of a platform, when it takes no orders.
pub(super) fn closed(await_open: bool, platform: Option<u16>) -> Option<u8> {
    let platform = platform.unwrap_or(u16::from(u8::MAX));
    let shown = u8::try_from(platform).unwrap_or(u8::MAX);
    (await_open && platform != state::OPEN).then_some(shown)
}

#[inline]
pub(super) fn side_letter(of: Side) -> u8 {
    match of {
        Side::Buy => side::BUY,
        Side::Sell => side::SELL,
    }
}

#[inline]
fn hundredths(shares: u32) -> BeI64 {
    BeI64::new(i64::from(shares) * 100)
}
