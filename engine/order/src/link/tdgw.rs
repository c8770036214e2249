//! The client end of a session with Shanghai's trading gateway.
//!
//! Model: as Shenzhen's ([`super::tgw`]), but for the frame, which is numbered from 1 in each session,
//! and the synchronisation of reports: they are counted per unit and set, asked for from the first
//! one missing, and the answer says up to where they will come. An end of stream says the same where
//! a gateway sends it.

use nofx_types::{Nanos, OrderIntent, TimeInForce};
use nofx_wire::num::{Be16, Be32, Be64};
use nofx_wire::tdgw::client::{CancelFrame, Fixed, NewFrame};
use nofx_wire::tdgw::codes::tif;
use nofx_wire::tdgw::{
    self, HEADER_LEN, HEARTBEAT, Header, InfoForm, Logon, Logout, Message, OVERHEAD, ReportInfo,
    Scale, SyncRow, TimeForm,
};
use nofx_wire::text::{ChinaTime, id_digits};

use super::sync::Sync;
use super::tgw::{closed, seconds, side_letter, spaced};
use super::{Ear, FRAME_MAX, Heard, Opened, Ours, Taken, mainland_logged_out};
use crate::anomaly::Anomaly;
use crate::config::OrderConfig;
use crate::frames::Wire;
use crate::report::{self, Report};
use crate::seen::{PARTITIONS_MAX, Partition, Seen};
use crate::state::SessionState;

const CONTROL_MAX: usize = OVERHEAD + 2 + PARTITIONS_MAX * 20;

#[derive(Clone, Debug)]
pub(crate) struct Tdgw {
    new: NewFrame,
    cancel: CancelFrame,
    logon: Logon,
    clock: ChinaTime,
    form: TimeForm,
    info: InfoForm,
    scale: Scale,
    /// Credit tag of a short sale; all spaces where there is none.
    short_tag: [u8; 2],
    limit_ioc: bool,
    platform: u16,
    await_open: bool,
    /// State of our platform, once it was said.
    state: Option<u16>,
    opened: bool,
    /// Number of our next message.
    out_seq: u64,
    sync: Sync,
    control: [u8; CONTROL_MAX],
}

impl Tdgw {
    /// With `rescue`, the second session.
    pub fn new(config: &OrderConfig, rescue: bool) -> Tdgw {
        let own = &config.tdgw;
        let named = rescue && !own.rescue_comp_id.is_empty();
        let sender = if named { &own.rescue_comp_id } else { &own.sender_comp_id };
        let fixed = Fixed {
            biz_id: own.biz_id,
            pbu: spaced(&own.pbu),
            account: spaced(&own.account),
            branch: spaced(&own.branch),
            clearing_firm: spaced(&own.clearing_firm),
            owner_type: own.owner_type,
            user_info: spaced(&own.user_info),
        };
        Tdgw {
            new: NewFrame::new(&fixed),
            cancel: CancelFrame::new(&fixed),
            logon: Logon {
                sender_comp_id: spaced(sender),
                target_comp_id: spaced(&own.target_comp_id),
                heart_bt_int: Be16::new(seconds(config.heartbeat_ns)),
                prtcl_version: spaced(&own.version),
                trade_date: Be32::new(0),
                q_size: Be32::new(0),
            },
            clock: ChinaTime::default(),
            form: if own.full_time { TimeForm::Stamp } else { TimeForm::OfDay },
            info: if own.nested_info { InfoForm::Nested } else { InfoForm::Flat },
            scale: Scale::new(own.price_decimals, own.qty_decimals).unwrap_or_default(),
            short_tag: spaced(&own.short_tag),
            limit_ioc: own.limit_ioc,
            platform: own.platform,
            await_open: own.await_open,
            state: None,
            opened: false,
            out_seq: 1,
            sync: Sync::new(own.await_finished),
            control: [0; CONTROL_MAX],
        }
    }

    #[inline]
    fn number(&mut self) -> u64 {
        let seq = self.out_seq;
        self.out_seq = seq.saturating_add(1);
        seq
    }

    pub fn login(&mut self, now: Nanos) -> &[u8] {
        self.begin();
        self.logon.trade_date = Be32::new(self.clock.date(now));
        let logon = self.logon;
        self.put(Logon::TYPE, logon.bytes())
    }

    fn begin(&mut self) {
        (self.opened, self.state, self.out_seq) = (false, None, 1);
        self.sync.clear();
    }

    fn put(&mut self, kind: u32, body: &[u8]) -> &[u8] {
        let seq = self.number();
        let length = tdgw::put_frame(&mut self.control, kind, seq, body).unwrap_or(0);
        self.control.get(..length).unwrap_or(&[])
    }

    pub fn logout(&mut self) -> &[u8] {
        let logout = Logout { session_status: Be32::new(0), text: [b' '; 64] };
        self.put(Logout::TYPE, logout.bytes())
    }

    pub fn heartbeat(&mut self) -> &[u8] {
        self.put(HEARTBEAT, &[])
    }

    pub fn has_words(&self) -> bool {
        self.sync.is_due()
    }

    /// The request for reports.
    pub fn say(&mut self, seen: &Seen) -> &[u8] {
        self.sync.take_due();
        let blank = SyncRow { pbu: [0; 8], set_id: Be32::new(0), begin_report_index: Be64::new(0) };
        let mut rows = [blank; PARTITIONS_MAX];
        let mut count = 0;
        for (row, (of, last)) in rows.iter_mut().zip(self.sync.partitions(seen)) {
            (row.pbu, row.set_id) = (of.unit, Be32::new(of.set));
            row.begin_report_index = Be64::new(last.saturating_add(1));
            count += 1;
        }
        let seq = self.number();
        let rows = rows.get(..count).unwrap_or(&[]);
        let length = tdgw::put_sync(&mut self.control, seq, rows).unwrap_or(0);
        self.control.get(..length).unwrap_or(&[])
    }

    pub fn is_behind(&self, seen: &Seen) -> bool {
        !self.opened || self.sync.is_behind(seen)
    }

    /// The state of the platform, when it takes no orders.
    pub fn closed(&self) -> Option<u8> {
        closed(self.await_open, self.state)
    }

    /// Whether the wire has room for `price`.
    #[inline]
    pub fn takes(&self, price: u64) -> bool {
        i64::try_from(price)
            .is_ok_and(|price| self.scale.price_out(nofx_types::Price(price)).is_some())
    }

    #[inline]
    pub fn says(&self, intent: &OrderIntent) -> bool {
        let ioc = self.limit_ioc && intent.tif == TimeInForce::Ioc;
        let short = !intent.short || self.short_tag != *b"  ";
        !intent.post_only && short && (intent.tif == TimeInForce::Day || ioc)
    }

    #[inline]
    pub fn enter(&mut self, intent: &OrderIntent, wire: &Wire) -> &[u8] {
        let seq = self.number();
        let order = &mut self.new.order;
        order.cl_ord_id = id_digits(intent.cl_ord_id.0);
        order.security_id = wide(wire.symbol);
        order.side = side_letter(intent.side);
        // `takes` was asked, and quantities of 32 bits always fit.
        let price = nofx_types::Price(wire.price.cast_signed());
        order.price = self.scale.price_out(price).unwrap_or_default();
        let qty = nofx_types::Qty(wire.quantity.into());
        order.order_qty = self.scale.qty_out(qty).unwrap_or_default();
        order.time_in_force = if intent.tif == TimeInForce::Day { tif::DAY } else { tif::IOC };
        order.transact_time = self.form.write(&mut self.clock, intent.now_ns);
        order.credit_tag = if intent.short { self.short_tag } else { *b"  " };
        self.new.seal(seq)
    }

    #[inline]
    pub fn cancel(&mut self, intent: &OrderIntent, wire: &Wire) -> &[u8] {
        let seq = self.number();
        let order = &mut self.cancel.order;
        order.cl_ord_id = id_digits(wire.cancel);
        order.orig_cl_ord_id = id_digits(intent.orig.0);
        order.security_id = wide(wire.symbol);
        order.side = side_letter(intent.side);
        order.transact_time = self.form.write(&mut self.clock, intent.now_ns);
        self.cancel.seal(seq)
    }

    /// An order or cancel that was sent, as the record has it.
    pub fn replay_sent(&mut self) {
        self.number();
    }

    /// A frame of ours that was no order, from the record.
    pub fn replay(&mut self, bytes: &[u8]) -> Option<(usize, Ours)> {
        let (frame, used) = tdgw::next_frame(bytes).ok()??;
        let ours = match Message::parse(frame) {
            Ok(Message::Logon(_)) => {
                self.begin();
                Ours::Login
            }
            Ok(Message::Logout(_)) => Ours::Logout,
            Ok(Message::Sync(_)) => {
                self.sync.take_due();
                Ours::Other
            }
            _ => Ours::Other,
        };
        self.out_seq = frame.sequence.saturating_add(1);
        Some((used, ours))
    }

    /// Bytes of the frame whose front is `cut`, as far as they tell.
    pub fn want(cut: &[u8]) -> usize {
        let body = |header: &Header| header.msg_body_len.get() as usize;
        Header::parse(cut).map_or(HEADER_LEN, |header| OVERHEAD.saturating_add(body(header)))
    }

    #[inline]
    pub fn take(&mut self, ear: &mut Ear<'_>, bytes: &[u8]) -> Taken {
        match tdgw::next_frame(bytes) {
            Ok(None) if Tdgw::want(bytes) > FRAME_MAX => Taken::Broken,
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
            Message::ReportInfo(m) if m.platform_id == self.platform => {
                if !self.list(m) {
                    ear.machine.anomalies.count(Anomaly::UnexpectedFrame);
                }
                return Heard::Nothing;
            }
            Message::SyncResponse(m) => {
                ear.session.news(ear.now);
                let known = m.rows.iter().all(|row| {
                    let of = Partition { unit: row.pbu, set: row.set_id.get() };
                    row.rej_reason.get() == 0 && self.sync.ends(of, row.end_report_index.get())
                });
                if known {
                    return Heard::Nothing;
                }
            }
            Message::EndOfStream(m) => {
                ear.session.news(ear.now);
                let of = Partition { unit: m.pbu, set: m.set_id.get() };
                if self.sync.ends(of, m.end_report_index.get()) {
                    return Heard::Nothing;
                }
            }
            Message::Execution(m) => {
                return self.report(ear, message, m.pbu, m.set_id, m.report_index);
            }
            Message::Confirm(m) => {
                return self.report(ear, message, m.pbu, m.set_id, m.report_index);
            }
            Message::CancelReject(m) => {
                return self.report(ear, message, m.pbu, m.set_id, m.report_index);
            }
            Message::OrderReject(_) => {
                ear.session.news(ear.now);
                return ear.heard(report::from_tdgw(message, self.scale, ear.cancels));
            }
            Message::PlatformState(_) | Message::ReportInfo(_) | Message::Other(_) => {
                return Heard::Report(Report::Note);
            }
            _ => {}
        }
        ear.machine.anomalies.count(Anomaly::UnexpectedFrame);
        Heard::Nothing
    }

    /// Takes the list of units and sets; false when it is not of our form or too long.
    fn list(&mut self, info: &ReportInfo<'_>) -> bool {
        let Some(pairs) = info.pairs(self.info) else { return false };
        self.sync.list(pairs.map(|(unit, set)| Partition { unit, set }))
    }

    #[inline]
    fn report(
        &self,
        ear: &mut Ear<'_>,
        message: &Message<'_>,
        unit: [u8; 8],
        set: Be32,
        index: Be64,
    ) -> Heard {
        match ear.is_new(Partition { unit, set: set.get() }, index.get()) {
            true => ear.heard(report::from_tdgw(message, self.scale, ear.cancels)),
            false => Heard::Nothing,
        }
    }
}

#[inline]
fn wide([a, b, c, d, e, f, g, h]: [u8; 8]) -> [u8; 12] {
    [a, b, c, d, e, f, g, h, b' ', b' ', b' ', b' ']
}
