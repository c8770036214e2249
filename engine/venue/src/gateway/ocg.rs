//! OCG-C: one session, its messages numbered all day in both directions.
//!
//! Whatever was sent can be asked for again: reports as they were (marked as possible duplicates),
//! messages of the session as gaps that are filled. A logon says which message the client expects;
//! the answer says which one we expect, and both sides send what the other lacks. What comes under a
//! number too high is dropped and asked for; under one too low and unmarked it ends the session.

use std::collections::HashMap;

use nofx_types::{Nanos, Side, Symbol};
use nofx_wire::ocg::codes::{
    business, cancel_reject, exec, kind, mass_cancel, order_reject, reject, restated, session,
    side, status, tif,
};
use nofx_wire::ocg::{
    AmendOrder, BusinessReject, CancelOrder, ExecutionReport, Fields, Frame, Head, Heartbeat,
    Logon, Logout, LookupResponse, MassCancel, MassCancelReport, Message, NewOrder, OcgError,
    Reject, ResendRequest, SequenceReset, TestRequest, Text, Var, mark_dup, next_frame, price_in,
    price_out, put, qty_in, qty_out,
};
use nofx_wire::text::{UtcText, padded};

use super::orders::{Orders, Placed};
use super::stream::{Stream, WAITING_MAX};
use super::{Ask, Ended, Entry, Gateway, Kind, Label, Tell, Why};

/// Bytes that any message of ours fits.
const FRAME_ROOM: usize = 2_048;
/// Silent heartbeats after which a client is asked whether it lives, and after which it is cut off.
const ASK_AFTER: u64 = 2;
const CUT_AFTER: u64 = 3;

/// An OCG-C session of the venue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OcgConfig {
    /// The client's comp id.
    pub comp_id: String,
    /// Its password as it goes over the wire; empty takes any.
    pub password: String,
    /// Nanoseconds between heartbeats, 0 for none.
    pub heartbeat_ns: u64,
    /// Orders, amends and cancels in a second; 0 for no limit.
    pub throttle: u32,
    /// Whether open orders are cancelled when the session ends.
    pub cancel_on_disconnect: bool,
}

impl Default for OcgConfig {
    fn default() -> Self {
        OcgConfig {
            comp_id: "CO99999902".into(),
            password: String::new(),
            heartbeat_ns: 20_000_000_000,
            throttle: 0,
            cancel_on_disconnect: true,
        }
    }
}

/// The fields that every request has, as they came.
#[derive(Clone, Copy)]
struct Party {
    broker: [u8; 12],
    security: [u8; 21],
    exchange: Option<[u8; 5]>,
    location: Option<[u8; 11]>,
    side: u8,
}

/// The rest of a new order, as it came.
#[derive(Clone, Copy)]
struct Form {
    party: Party,
    order_type: u8,
    time_in_force: Option<u8>,
    max_price_levels: Option<u8>,
    capacity: Option<u8>,
    lot_type: Option<u8>,
}

/// A mass cancel, as it came.
#[derive(Clone, Copy)]
enum Request {
    One(Party),
    Mass { broker: [u8; 12], request_type: u8 },
}

/// What a report names: ids, and of a trade its match and (taken back) the report that told it.
#[derive(Clone, Copy)]
struct Names {
    text: Label,
    orig: Option<Label>,
    order: u64,
    trade: Option<u64>,
    reference: Option<u64>,
}

impl Names {
    const fn of(text: Label, orig: Option<Label>) -> Names {
        Names { text, orig, order: 0, trade: None, reference: None }
    }
}

/// One OCG-C session.
pub struct Ocg {
    config: OcgConfig,
    comp_id: [u8; 12],
    stream: Stream,
    orders: Orders<Form, Request>,
    /// All messages that were sent, by number; `None` for messages of the session.
    history: Vec<Option<Box<[u8]>>>,
    next_in: u32,
    /// Whether what is missing has been asked for.
    gap_asked: bool,
    /// Whether a test request waits for its heartbeat.
    tested: bool,
    clock: UtcText,
    executions: u64,
    /// Execution ids of trades, by order and match.
    trades: HashMap<(u64, u64), u64>,
    second: u64,
    in_second: u32,
    scratch: Box<[u8]>,
}

impl Ocg {
    /// A session before its first logon of the day; `None` when the comp id exceeds 12 characters.
    pub fn new(config: OcgConfig) -> Option<Ocg> {
        let comp_id = padded(config.comp_id.as_bytes(), 0)?;
        Some(Ocg {
            config,
            comp_id,
            stream: Stream::default(),
            orders: Orders::default(),
            history: Vec::new(),
            next_in: 1,
            gap_asked: false,
            tested: false,
            clock: UtcText::default(),
            executions: 0,
            trades: HashMap::new(),
            second: 0,
            in_second: 0,
            scratch: vec![0; FRAME_ROOM].into(),
        })
    }

    /// Number of the next message that is sent.
    pub fn next_out(&self) -> u32 {
        self.history.len() as u32 + 1
    }

    fn on_frame(&mut self, now: Nanos, frame: &Frame<'_>) {
        let message = Message::parse(frame);
        self.tested = false;
        if !self.stream.logged_on {
            return match message {
                Ok(Message::Logon(logon)) => self.on_logon(now, frame, &logon),
                _ => self.stream.end(), // nobody we know: no answer
            };
        }
        let sequence = frame.sequence();
        // A reset, unlike a gap that is filled, holds whatever its own number is.
        if let Ok(Message::SequenceReset(reset)) = &message
            && reset.gap_fill == Some(b'N')
        {
            return self.reset(now, reset.new_sequence);
        }
        if sequence > self.next_in {
            return self.ask_again(now);
        }
        if sequence < self.next_in {
            if !frame.is_dup() {
                self.log_out(now, session::OTHER, b"sequence number too low");
            }
            return;
        }
        if !self.count(now) {
            return;
        }
        self.gap_asked = false;
        match message {
            Ok(message) => self.on_message(now, frame, &message),
            Err(error) => self.on_unreadable(now, frame, error),
        }
    }

    /// Counts a message in its turn. A day that has used up its numbers has no next one.
    fn count(&mut self, now: Nanos) -> bool {
        let next = self.next_in.checked_add(1);
        match next {
            Some(next) => self.next_in = next,
            None => self.log_out(now, session::OTHER, b"no number left"),
        }
        next.is_some()
    }

    /// The client goes on with `next`, which is never lower than what it had.
    fn reset(&mut self, now: Nanos, next: u32) {
        if next == u32::MAX {
            return self.log_out(now, session::OTHER, b"no number left");
        }
        self.next_in = self.next_in.max(next);
    }

    fn ask_again(&mut self, now: Nanos) {
        if !std::mem::replace(&mut self.gap_asked, true) {
            let start = self.next_in;
            self.send_session(now, &ResendRequest { start, end: 0 });
        }
    }

    fn on_logon(&mut self, now: Nanos, frame: &Frame<'_>, logon: &Logon<'_>) {
        let password = logon.password.map_or(&[][..], |password| password.get());
        let wanted = self.config.password.as_bytes();
        if frame.header.comp_id != self.comp_id || (!wanted.is_empty() && password != wanted) {
            return self.log_out(now, session::BAD_LOGIN, b"bad user or password");
        }
        if logon.next_expected > self.next_out() || logon.next_expected == 0 {
            return self.log_out(now, session::OTHER, b"next expected number too high");
        }
        if frame.sequence() < self.next_in {
            return self.log_out(now, session::OTHER, b"sequence number too low");
        }
        if frame.sequence() > self.next_in {
            self.gap_asked = true; // our answer says what is missing
        } else if !self.count(now) {
            return;
        }
        self.stream.logged_on = true;
        self.stream.beat_ns = self.config.heartbeat_ns;
        let last = self.next_out() - 1;
        self.send_session(
            now,
            &Logon {
                password: None,
                new_password: None,
                next_expected: self.next_in,
                session_status: Some(session::ACTIVE),
                text: None,
                test: None,
            },
        );
        self.send_again(now, logon.next_expected, last);
    }

    /// Sends messages `from..=to` once more.
    fn send_again(&mut self, now: Nanos, from: u32, to: u32) {
        let mut at = from.max(1);
        while at <= to.min(self.history.len() as u32) {
            let sent = self.history.get(at as usize - 1).cloned().flatten();
            match sent {
                Some(mut frame) => {
                    mark_dup(&mut frame);
                    self.stream.send(now, &frame);
                    at += 1;
                }
                None => {
                    let behind = self.history.iter().skip(at as usize);
                    let session = behind.take_while(|sent| sent.is_none()).count() as u32;
                    let next = (at + 1 + session).min(to + 1);
                    self.fill_gap(now, at, next);
                    at = next;
                }
            }
        }
    }

    fn fill_gap(&mut self, now: Nanos, sequence: u32, new_sequence: u32) {
        let head = Head { sequence, poss_dup: true, comp_id: self.comp_id };
        let reset = SequenceReset { gap_fill: Some(b'Y'), new_sequence };
        if let Some(length) = put(&mut self.scratch, &head, &reset)
            && let Some(frame) = self.scratch.get(..length)
        {
            self.stream.send(now, frame);
        }
    }

    fn on_message(&mut self, now: Nanos, frame: &Frame<'_>, message: &Message<'_>) {
        match message {
            Message::Heartbeat(_) | Message::Reject(_) => {}
            Message::TestRequest(test) => {
                let reference_test_request_id = Some(test.test_request_id);
                self.send_session(now, &Heartbeat { reference_test_request_id });
            }
            Message::ResendRequest(request) => {
                let last = self.next_out() - 1;
                let end = if request.end == 0 { last } else { request.end.min(last) };
                self.send_again(now, request.start, end);
            }
            Message::SequenceReset(reset) => self.reset(now, reset.new_sequence),
            Message::Logout(_) => {
                self.log_out(now, session::LOGOUT, b"");
            }
            Message::New(_) | Message::Amend(_) | Message::Cancel(_) | Message::MassCancel(_)
                if !self.admit(now) =>
            {
                self.throttled(now, frame, message);
            }
            Message::New(order) => self.on_new(now, frame, order),
            Message::Amend(order) => self.on_amend(now, frame, order),
            Message::Cancel(order) => self.on_cancel(now, frame, order),
            Message::MassCancel(request) => self.on_mass_cancel(now, frame, request),
            _ => self.refuse(now, frame, reject::MESSAGE_TYPE, "message type", None),
        }
    }

    fn on_unreadable(&mut self, now: Nanos, frame: &Frame<'_>, error: OcgError) {
        let code = match error {
            OcgError::Missing { .. } => reject::FIELD_MISSING,
            OcgError::Unknown { .. } => reject::FIELD_NOT_DEFINED,
            _ => reject::OTHER,
        };
        self.refuse(now, frame, code, &error.to_string(), None);
    }

    /// Whether the client may send one more in this second.
    fn admit(&mut self, now: Nanos) -> bool {
        let second = now.0 / 1_000_000_000;
        if second != self.second {
            (self.second, self.in_second) = (second, 0);
        }
        self.in_second = self.in_second.saturating_add(1);
        self.config.throttle == 0 || self.in_second <= self.config.throttle
    }

    fn throttled(&mut self, now: Nanos, frame: &Frame<'_>, message: &Message<'_>) {
        let reference_id = match message {
            Message::New(order) => Some(order.client_order_id),
            Message::Amend(order) => Some(order.client_order_id),
            Message::Cancel(order) => Some(order.client_order_id),
            Message::MassCancel(request) => Some(request.client_order_id),
            _ => None,
        };
        let rejected = BusinessReject {
            code: business::THROTTLE,
            reason: Some(Var(b"throttle limit exceeded")),
            reference_type: Some(frame.kind()),
            reference_field: None,
            reference_sequence: Some(frame.sequence()),
            reference_id,
        };
        self.send(now, &rejected);
    }

    fn on_new(&mut self, now: Nanos, frame: &Frame<'_>, order: &NewOrder<'_>) {
        let id_text = Some(order.client_order_id);
        let Some(kind) = kind_of(order) else {
            return self.refuse(now, frame, reject::VALUE, "order type", id_text);
        };
        let Some((side, short)) = side_of(order.side) else {
            return self.refuse(now, frame, reject::VALUE, "side", id_text);
        };
        if kind.has_price() && order.price.is_none() {
            return self.refuse(now, frame, reject::FIELD_MISSING, "price", id_text);
        }
        let form = Form {
            party: Party {
                broker: *order.submitting_broker.0,
                security: *order.security_id.0,
                exchange: order.security_exchange.map(|text| *text.0),
                location: order.broker_location.map(|text| *text.0),
                side: order.side,
            },
            order_type: order.order_type,
            time_in_force: order.time_in_force,
            max_price_levels: order.max_price_levels,
            capacity: order.capacity,
            lot_type: order.lot_type,
        };
        let text = label(order.client_order_id);
        let price = order.price.filter(|_| kind.has_price()).unwrap_or(0);
        let symbol = symbol(order.security_id);
        let (price, qty) = (price_in(price), qty_in(order.quantity));
        let id = match self.orders.number(text) {
            Ok(id) => id,
            Err(why) => return self.reject_new(now, text, &form, why),
        };
        let (Some(symbol), Some(price), Some(qty)) = (symbol, price, qty) else {
            let why = match (symbol, price) {
                (None, _) => Why::Symbol,
                (_, None) => Why::Tick,
                _ => Why::Lot,
            };
            return self.reject_new(now, text, &form, why);
        };
        let account = Label::of(order.submitting_broker.0).unwrap_or(Label::NONE);
        let programme = false; // Hong Kong has no such mark
        let entry = Entry { id, symbol, side, kind, price, qty, short, account, programme };
        self.orders.place(entry, form);
    }

    fn reject_new(&mut self, now: Nanos, text: Label, form: &Form, why: Why) {
        self.report(now, &form.party, exec::REJECT, Names::of(text, None), |report| {
            ExecutionReport {
                order_status: Some(status::REJECTED),
                order_reject_code: Some(order_code(why)),
                reason: Some(Var(why.name().as_bytes())),
                ..report
            }
        });
    }

    fn on_amend(&mut self, now: Nanos, frame: &Frame<'_>, order: &AmendOrder<'_>) {
        let (text, orig_text) =
            (label(order.client_order_id), label(order.original_client_order_id));
        let party = Party {
            broker: *order.submitting_broker.0,
            security: *order.security_id.0,
            exchange: order.security_exchange.map(|text| *text.0),
            location: order.broker_location.map(|text| *text.0),
            side: order.side,
        };
        let (price, qty) = (order.price.map(price_in), order.quantity.map(qty_in));
        if price == Some(None) || qty == Some(None) {
            let id_text = Some(order.client_order_id);
            return self.refuse(now, frame, reject::VALUE, "price or quantity", id_text);
        }
        let orig = self.orders.find(orig_text);
        let names = Names::of(text, Some(orig_text));
        let id = match self.orders.number(text) {
            Ok(id) => id,
            Err(why) => {
                return self.reject_request(now, &party, exec::AMEND_REJECT, names, why);
            }
        };
        if orig == 0 {
            return self.reject_request(now, &party, exec::AMEND_REJECT, names, Why::Unknown);
        }
        let ask = Ask::Amend { id, orig, price: price.flatten(), qty: qty.flatten() };
        self.orders.request(id, Request::One(party), ask);
    }

    fn on_cancel(&mut self, now: Nanos, _: &Frame<'_>, order: &CancelOrder<'_>) {
        let (text, orig_text) =
            (label(order.client_order_id), label(order.original_client_order_id));
        let party = Party {
            broker: *order.submitting_broker.0,
            security: *order.security_id.0,
            exchange: order.security_exchange.map(|text| *text.0),
            location: order.broker_location.map(|text| *text.0),
            side: order.side,
        };
        let orig = self.orders.find(orig_text);
        let names = Names::of(text, Some(orig_text));
        let id = match self.orders.number(text) {
            Ok(id) => id,
            Err(why) => {
                return self.reject_request(now, &party, exec::CANCEL_REJECT, names, why);
            }
        };
        if orig == 0 {
            return self.reject_request(now, &party, exec::CANCEL_REJECT, names, Why::Unknown);
        }
        self.orders.request(id, Request::One(party), Ask::Cancel { id, orig });
    }

    fn reject_request(&mut self, now: Nanos, party: &Party, exec_type: u8, names: Names, why: Why) {
        let code = Some(request_code(why));
        self.report(now, party, exec_type, names, |report| {
            let report = ExecutionReport { reason: Some(Var(why.name().as_bytes())), ..report };
            match exec_type {
                exec::AMEND_REJECT => ExecutionReport { amend_reject_code: code, ..report },
                _ => ExecutionReport { cancel_reject_code: code, ..report },
            }
        });
    }

    fn on_mass_cancel(&mut self, now: Nanos, frame: &Frame<'_>, request: &MassCancel<'_>) {
        let id_text = Some(request.client_order_id);
        let symbol = request.security_id.map(symbol);
        let symbol = match request.request_type {
            mass_cancel::SECURITY if symbol.flatten().is_some() => symbol.flatten(),
            mass_cancel::SECURITY => {
                return self.refuse(now, frame, reject::FIELD_MISSING, "security id", id_text);
            }
            // One segment is all that the venue trades.
            mass_cancel::ALL | mass_cancel::SEGMENT => None,
            _ => return self.refuse(now, frame, reject::VALUE, "mass cancel type", id_text),
        };
        let side = request.side.and_then(side_of).map(|(side, _)| side);
        let Ok(id) = self.orders.number(label(request.client_order_id)) else {
            return self.refuse(now, frame, reject::VALUE, "client order id", id_text);
        };
        let (broker, request_type) = (*request.submitting_broker.0, request.request_type);
        let form = Request::Mass { broker, request_type };
        self.orders.request(id, form, Ask::MassCancel { id, symbol, side });
    }

    fn mass_canceled(&mut self, now: Nanos, request: u64) {
        let Some(Request::Mass { broker, request_type }) = self.orders.asked(request).copied()
        else {
            return; // a lost session asked
        };
        self.executions += 1;
        let report_id = Label::of(self.executions.to_string().as_bytes()).unwrap_or(Label::NONE);
        let (client, report_id) = (self.orders.text(request).field(0), report_id.field(0));
        let time = self.clock.write(now);
        self.send(
            now,
            &MassCancelReport {
                client_order_id: Some(Text(&client)),
                submitting_broker: Some(Text(&broker)),
                security_id: None,
                security_id_source: None,
                security_exchange: None,
                broker_location: None,
                transaction_time: Text(&time),
                request_type,
                owning_broker: None,
                report_id: Text(&report_id),
                response: request_type,
                reject_code: None,
                reason: None,
            },
        );
    }

    /// A message that breaks the rules of the protocol.
    fn refuse(
        &mut self,
        now: Nanos,
        frame: &Frame<'_>,
        code: u16,
        what: &str,
        client_order_id: Option<Text<'_, 21>>,
    ) {
        let reason = what.as_bytes();
        let rejected = Reject {
            code,
            reason: Some(Var(reason.get(..reason.len().min(74)).unwrap_or(reason))),
            reference_type: Some(frame.kind()),
            reference_field: None,
            reference_sequence: frame.sequence(),
            client_order_id,
        };
        self.send_session(now, &rejected);
    }

    /// An execution report, and the number of its execution id.
    fn report(
        &mut self,
        now: Nanos,
        party: &Party,
        exec_type: u8,
        names: Names,
        complete: impl for<'r> FnOnce(ExecutionReport<'r>) -> ExecutionReport<'r>,
    ) -> u64 {
        self.executions += 1;
        let (client, orig) = (names.text.field(0), names.orig.map(|orig| orig.field(0)));
        let (order_id, execution_id) = (decimal(names.order), decimal(self.executions));
        let reference = names.reference.map(decimal);
        let trade = names.trade.map(decimal);
        let time = self.clock.write(now);
        let report = complete(ExecutionReport {
            client_order_id: Some(Text(&client)),
            submitting_broker: Some(Text(&party.broker)),
            security_id: Some(Text(&party.security)),
            security_id_source: Some(8),
            security_exchange: party.exchange.as_ref().map(Text),
            broker_location: party.location.as_ref().map(Text),
            transaction_time: Some(Text(&time)),
            side: Some(party.side),
            original_client_order_id: orig.as_ref().map(Text),
            order_id: Some(Text(&order_id)),
            execution_id: Some(Text(&execution_id)),
            exec_type: Some(exec_type),
            reference_execution_id: reference.as_ref().map(Text),
            trade_match_id: trade.as_ref().map(Text),
            ..ExecutionReport::default()
        });
        self.send(now, &report);
        self.executions
    }

    /// A report about an order that the board took: with its terms and how far it is filled.
    fn report_order(
        &mut self,
        now: Nanos,
        id: u64,
        exec_type: u8,
        names: Names,
        complete: impl for<'r> FnOnce(ExecutionReport<'r>) -> ExecutionReport<'r>,
    ) -> u64 {
        let Some(placed) = self.orders.get(id) else { return 0 };
        let Placed { form, entry, order, price, total, filled, leaves } = placed;
        let (form, done) = (*form, leaves.0 == 0);
        let names = Names { order: order.0, ..names };
        let price = price_out(*price).filter(|_| entry.kind.has_price());
        let (quantity, cumulative, leaves) = (qty_out(*total), qty_out(*filled), qty_out(*leaves));
        let filled = match (filled.0, done) {
            (0, _) => status::NEW,
            (_, true) => status::FILLED,
            _ => status::PARTIAL,
        };
        self.report(now, &form.party, exec_type, names, |report| {
            complete(ExecutionReport {
                order_type: Some(form.order_type),
                price,
                quantity,
                time_in_force: form.time_in_force,
                max_price_levels: form.max_price_levels,
                capacity: form.capacity,
                lot_type: form.lot_type,
                order_status: Some(filled),
                cumulative,
                leaves,
                ..report
            })
        })
    }

    /// A report of an order that is over.
    fn ended(&mut self, now: Nanos, id: u64, request: u64, why: Ended) {
        self.orders.close(id);
        let own = self.orders.text(id);
        let names = match why {
            Ended::Asked if request != 0 => Names::of(self.orders.text(request), Some(own)),
            _ => Names::of(own, None),
        };
        let (exec_type, order_status, restatement_reason) = match why {
            Ended::Asked => (exec::CANCEL, status::CANCELLED, None),
            Ended::MassCancel => (exec::CANCEL, status::CANCELLED, Some(restated::MASS_CANCEL)),
            Ended::Disconnect => (exec::CANCEL, status::CANCELLED, Some(restated::DISCONNECT)),
            Ended::Venue => (exec::CANCEL, status::CANCELLED, Some(restated::MARKET_OPERATION)),
            Ended::Unfilled | Ended::Expired => (exec::EXPIRE, status::EXPIRED, None),
        };
        self.report_order(now, id, exec_type, names, |report| ExecutionReport {
            order_status: Some(order_status),
            restatement_reason,
            ..report
        });
    }

    fn traded(&mut self, now: Nanos, tell: &Tell) {
        let Tell::Trade { id, qty, price, match_id, maker } = *tell else { return };
        self.orders.trade(id, qty);
        let names = Names { trade: Some(match_id), ..Names::of(self.orders.text(id), None) };
        let report = self.report_order(now, id, exec::TRADE, names, |report| ExecutionReport {
            execution_quantity: qty_out(qty),
            execution_price: price_out(price),
            aggressor: Some(u8::from(!maker)),
            ..report
        });
        self.trades.insert((id, match_id), report);
    }

    fn untraded(&mut self, now: Nanos, tell: &Tell) {
        let Tell::TradeCanceled { id, qty, price, match_id } = *tell else { return };
        self.orders.untrade(id, qty);
        let reference = self.trades.get(&(id, match_id)).copied();
        let names = Names::of(self.orders.text(id), None);
        let names = Names { trade: Some(match_id), reference, ..names };
        self.report_order(now, id, exec::TRADE_CANCEL, names, |report| ExecutionReport {
            execution_quantity: qty_out(qty),
            execution_price: price_out(price),
            ..report
        });
    }

    /// Sends a report, or keeps it for the next logon.
    fn send<M: Fields>(&mut self, now: Nanos, message: &M) {
        self.put(now, message, true);
    }

    /// Sends a message of the session, which is not sent again.
    fn send_session<M: Fields>(&mut self, now: Nanos, message: &M) {
        self.put(now, message, false);
    }

    fn put<M: Fields>(&mut self, now: Nanos, message: &M, again: bool) {
        let head = Head::new(self.next_out(), self.comp_id);
        let Some(length) = put(&mut self.scratch, &head, message) else { return };
        let Some(frame) = self.scratch.get(..length) else { return };
        self.history.push(again.then(|| frame.into()));
        if self.stream.open && (self.stream.logged_on || !again) {
            self.stream.send(now, frame);
        }
    }

    fn log_out(&mut self, now: Nanos, session_status: u8, text: &[u8]) {
        let text = Some(Var(text)).filter(|text| !text.0.is_empty());
        self.send_session(now, &Logout { text, session_status: Some(session_status) });
        self.stream.end();
    }

    /// The session is over, however it ended.
    fn lose(&mut self) {
        if self.config.cancel_on_disconnect {
            self.orders.ask(Ask::MassCancel { id: 0, symbol: None, side: None });
        }
    }
}

impl Gateway for Ocg {
    fn sessions(&self) -> usize {
        1
    }

    fn connected(&mut self, _: usize, now: Nanos) {
        self.stream.connect(now, 0);
        self.gap_asked = false;
        self.tested = false;
    }

    fn receive(&mut self, _: usize, now: Nanos, bytes: &[u8]) {
        if !self.stream.open {
            return;
        }
        let waiting = self.stream.take(now, bytes);
        let (mut used, was_in) = (0, self.stream.logged_on);
        while self.stream.open {
            match next_frame(waiting.get(used..).unwrap_or(&[])) {
                Ok(Some((frame, length))) => {
                    used += length;
                    self.on_frame(now, &frame);
                }
                Ok(None) if waiting.len() - used < WAITING_MAX => break,
                Ok(None) => self.log_out(now, session::OTHER, b"message too long"),
                Err(error) => self.log_out(now, session::OTHER, error.to_string().as_bytes()),
            }
        }
        self.stream.give_back(waiting, used);
        if was_in && !self.stream.open {
            self.lose();
        }
    }

    fn disconnected(&mut self, _: usize, _: Nanos) {
        if self.stream.logged_on || std::mem::take(&mut self.stream.cut) {
            self.lose();
        }
        self.stream.lost();
    }

    fn next_ask(&mut self) -> Option<Ask> {
        self.orders.next_ask()
    }

    fn tell(&mut self, now: Nanos, tell: &Tell) {
        match *tell {
            Tell::Accepted { id, order } => {
                self.orders.accept(id, order);
                let names = Names::of(self.orders.text(id), None);
                self.report_order(now, id, exec::NEW, names, |report| report);
            }
            Tell::Rejected { id, why } => {
                let Some(form) = self.orders.get(id).map(|placed| placed.form) else { return };
                self.orders.close(id);
                self.reject_new(now, self.orders.text(id), &form, why);
            }
            Tell::Canceled { id, request, why, .. } => self.ended(now, id, request, why),
            Tell::CancelRejected { request, orig, why } => {
                self.request_rejected(now, exec::CANCEL_REJECT, request, orig, why);
            }
            Tell::AmendRejected { request, orig, why } => {
                self.request_rejected(now, exec::AMEND_REJECT, request, orig, why);
            }
            Tell::Amended { id, orig, price, qty } => {
                let names = Names::of(self.orders.text(id), Some(self.orders.text(orig)));
                self.orders.amend(orig, id, price, qty);
                self.report_order(now, id, exec::AMEND, names, |report| report);
            }
            Tell::Trade { .. } => self.traded(now, tell),
            Tell::TradeCanceled { .. } => self.untraded(now, tell),
            Tell::MassCanceled { request, .. } => self.mass_canceled(now, request),
        }
    }

    fn output(&self, _: usize) -> &[u8] {
        self.stream.output()
    }

    fn sent(&mut self, _: usize, bytes: usize) {
        self.stream.drop_sent(bytes);
    }

    fn keep_alive(&mut self, now: Nanos) {
        if self.stream.late(now) {
            self.stream.end();
        }
        if self.stream.silent(now, CUT_AFTER) {
            self.log_out(now, session::OTHER, b"no heartbeat");
            return self.lose();
        }
        if self.stream.silent(now, ASK_AFTER) && !std::mem::replace(&mut self.tested, true) {
            self.send_session(now, &TestRequest { test_request_id: 1 });
        }
        if self.stream.beat_due(now) {
            self.send_session(now, &Heartbeat { reference_test_request_id: None });
        }
    }

    fn is_open(&self, _: usize) -> bool {
        self.stream.open
    }

    fn is_logged_on(&self, _: usize) -> bool {
        self.stream.logged_on
    }

    fn text(&self, id: u64) -> Label {
        self.orders.text(id)
    }
}

impl Ocg {
    fn request_rejected(&mut self, now: Nanos, exec_type: u8, request: u64, orig: u64, why: Why) {
        let Some(Request::One(party)) = self.orders.asked(request).copied() else { return };
        let (text, orig_text) = (self.orders.text(request), self.orders.text(orig));
        let order = self.orders.get(orig).map_or(0, |placed| placed.order.0);
        let names = Names { order, ..Names::of(text, Some(orig_text)) };
        self.reject_request(now, &party, exec_type, names, why);
    }
}

fn label(text: Text<'_, 21>) -> Label {
    Label::of(text.0).unwrap_or(Label::NONE)
}

fn symbol(text: Text<'_, 21>) -> Option<Symbol> {
    std::str::from_utf8(text.get()).ok().filter(|code| !code.is_empty()).and_then(Symbol::new)
}

fn decimal<const N: usize>(value: u64) -> [u8; N] {
    padded(value.to_string().as_bytes(), 0).unwrap_or([0; N])
}

fn side_of(value: u8) -> Option<(Side, bool)> {
    match value {
        side::BUY => Some((Side::Buy, false)),
        side::SELL => Some((Side::Sell, false)),
        side::SHORT => Some((Side::Sell, true)),
        _ => None,
    }
}

/// The kind of order that these fields make (from memory in our sheet).
fn kind_of(order: &NewOrder<'_>) -> Option<Kind> {
    let levels = order.max_price_levels;
    if order.lot_type == Some(1) {
        return (order.order_type == kind::LIMIT).then_some(Kind::OddLot);
    }
    match (order.order_type, order.time_in_force.unwrap_or(tif::DAY)) {
        (kind::LIMIT, tif::DAY) if levels == Some(1) => Some(Kind::PlainLimit),
        (kind::LIMIT, tif::DAY) if levels.is_none() => Some(Kind::Limit),
        (kind::LIMIT, tif::IOC) => Some(Kind::LimitIoc),
        (kind::LIMIT, tif::FOK) => Some(Kind::LimitFok),
        (kind::LIMIT, tif::AT_CROSSING) => Some(Kind::AtAuctionLimit),
        (kind::MARKET, tif::AT_CROSSING) => Some(Kind::AtAuction),
        _ => None,
    }
}

fn order_code(why: Why) -> u16 {
    match why {
        Why::PriceLimit | Why::Cage => order_reject::PRICE_BAND,
        Why::Lot | Why::Size => order_reject::QUANTITY,
        Why::Sellable => order_reject::LIMIT,
        Why::Duplicate => order_reject::DUPLICATE,
        Why::NoReference => order_reject::NO_REFERENCE,
        _ => order_reject::OTHER,
    }
}

fn request_code(why: Why) -> u16 {
    match why {
        Why::TooLate => cancel_reject::TOO_LATE,
        Why::Unknown => cancel_reject::UNKNOWN,
        Why::Duplicate => cancel_reject::DUPLICATE,
        _ => cancel_reject::OTHER,
    }
}

/// The lookup service: says where the gateway listens.
pub struct Lookup {
    /// Address and port of the gateway.
    pub primary: (String, u16),
    /// Address and port of its stand-in.
    pub secondary: (String, u16),
    waiting: Vec<u8>,
}

impl Lookup {
    /// A service that names these two.
    pub fn new(primary: (String, u16), secondary: (String, u16)) -> Lookup {
        Lookup { primary, secondary, waiting: Vec::new() }
    }

    /// The answers to what came from a client, cut anywhere; `Err` with those before it when the
    /// client is to be cut off.
    pub fn receive(&mut self, bytes: &[u8]) -> Result<Vec<u8>, Vec<u8>> {
        self.waiting.extend_from_slice(bytes);
        let waiting = std::mem::take(&mut self.waiting);
        let (mut used, mut out) = (0, Vec::new());
        loop {
            match next_frame(waiting.get(used..).unwrap_or(&[])) {
                Ok(Some((frame, length))) => {
                    used += length;
                    out.extend(self.answer(&frame));
                }
                Ok(None) => break,
                Err(_) => return Err(out),
            }
        }
        self.waiting = waiting.get(used..).unwrap_or(&[]).to_vec();
        Ok(out)
    }

    fn answer(&self, frame: &Frame<'_>) -> Vec<u8> {
        let host = |host: &str| padded::<16>(host.as_bytes(), 0).unwrap_or([0; 16]);
        let (first, second) = (host(&self.primary.0), host(&self.secondary.0));
        let known = matches!(Message::parse(frame), Ok(Message::LookupRequest(_)));
        let accepted = LookupResponse {
            status: 1,
            reject_code: None,
            reason: None,
            primary_ip: Some(Text(&first)),
            primary_port: Some(self.primary.1),
            secondary_ip: Some(Text(&second)),
            secondary_port: Some(self.secondary.1),
        };
        let rejected = LookupResponse {
            status: 0,
            reject_code: Some(4), // other
            reason: Some(Var(b"lookup requests only")),
            primary_ip: None,
            primary_port: None,
            secondary_ip: None,
            secondary_port: None,
        };
        let mut out = vec![0; 512];
        let head = Head::new(1, frame.header.comp_id);
        let response = if known { accepted } else { rejected };
        let length = put(&mut out, &head, &response).unwrap_or(0);
        out.truncate(length);
        out
    }
}
