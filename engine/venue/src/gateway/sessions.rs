//! What the two exchanges of the mainland share: a trading unit (PBU) with several sessions.
//!
//! Model: reports are numbered per set (Shenzhen: partition). A session that asks for a set gets what
//! it lacks and from then on each report of it as it comes, whichever session the order came on.
//! Orders belong to the unit: they stay when sessions are lost, and any session may cancel them.
//! [`Unit`] is what differs, the bytes; whoever has them is a [`Gateway`].

use nofx_types::{Nanos, Qty};

use super::ids::symbol;
use super::orders::Orders;
use super::reports::Reports;
use super::stream::{Stream, WAITING_MAX};
use super::{Ask, Ended, Entry, Gateway, Label, SESSIONS_MAX, Tell, Why};

/// Silent heartbeats after which a client is cut off.
const CUT_AFTER: u64 = 3;

/// What a unit has: its sessions, its orders as they came (`N`), its cancels (`C`), its reports.
pub(super) struct Desk<N, C> {
    streams: Vec<Stream>,
    pub orders: Orders<N, C>,
    pub reports: Reports,
}

impl<N, C> Desk<N, C> {
    /// `None` without a set, and when the sessions are none or more than [`SESSIONS_MAX`].
    pub fn new(sessions: usize, sets: &[u32]) -> Option<Desk<N, C>> {
        let fit = (1..=SESSIONS_MAX).contains(&sessions) && !sets.is_empty();
        fit.then(|| Desk {
            streams: (0..sessions).map(|_| Stream::default()).collect(),
            orders: Orders::default(),
            reports: Reports::new(sets),
        })
    }

    /// A session.
    pub fn stream(&mut self, session: usize) -> Option<&mut Stream> {
        self.streams.get_mut(session)
    }

    /// Sends a frame to one session.
    pub fn send(&mut self, session: usize, now: Nanos, frame: &[u8]) {
        if let Some(stream) = self.stream(session) {
            stream.send(now, frame);
        }
    }

    /// The client of a session is in.
    pub fn log_on(&mut self, session: usize, beat_ns: u64) {
        if let Some(stream) = self.stream(session) {
            (stream.logged_on, stream.beat_ns) = (true, beat_ns);
        }
    }

    /// A session is to end when what waits has been sent.
    pub fn end(&mut self, session: usize) {
        if let Some(stream) = self.stream(session) {
            stream.end();
        }
    }

    /// Sessions that are logged on.
    pub fn logged_on(&self) -> Vec<usize> {
        self.sessions(|stream| stream.logged_on)
    }

    /// Sessions that have had all reports of the set at `place`.
    fn hearing(&self, place: usize) -> Vec<usize> {
        self.sessions(|stream| stream.live.get(place).copied().unwrap_or(false))
    }

    fn sessions(&self, meant: impl Fn(&Stream) -> bool) -> Vec<usize> {
        let all = self.streams.iter().enumerate();
        all.filter(|(_, stream)| meant(stream)).map(|(session, _)| session).collect()
    }
}

/// Why the unit ends a session by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cut {
    /// A frame that is longer than any message.
    TooLong,
    /// No heartbeat.
    Silent,
}

/// A trading unit in the bytes of its exchange.
pub(super) trait Unit {
    /// A new order as it came.
    type New: Copy;
    /// A cancel as it came.
    type Cancel: Copy;

    /// What it has.
    fn desk(&self) -> &Desk<Self::New, Self::Cancel>;
    /// To change it.
    fn desk_mut(&mut self) -> &mut Desk<Self::New, Self::Cancel>;
    /// Takes the first frame and says how long it was; `None` when it is not whole. Ends the session
    /// where there is none to be found.
    fn take_frame(&mut self, session: usize, now: Nanos, bytes: &[u8]) -> Option<usize>;
    /// Sends a message to one session.
    fn send(&mut self, session: usize, now: Nanos, kind: u32, body: &[u8]);
    /// Sends a heartbeat.
    fn beat(&mut self, session: usize, now: Nanos);
    /// Logs a session out.
    fn cut(&mut self, session: usize, now: Nanos, why: Cut);
    /// What stands in a report before set and index.
    fn report_front(&self) -> &[u8];
    /// The neutral order that these fields make.
    fn entry(&self, id: u64, order: &Self::New) -> Result<Entry, Why>;
    /// Reports an order that the board took.
    fn accepted(&mut self, now: Nanos, id: u64);
    /// Reports an order that never came in.
    fn rejected(&mut self, now: Nanos, order: &Self::New, why: Why);
    /// Reports an order that is over; `request` is the cancel that asked for it, `qty` left unfilled.
    fn ended(&mut self, now: Nanos, id: u64, request: u64, qty: Qty);
    /// Reports a cancel of `orig` that found nothing to cancel.
    fn cancel_rejected(&mut self, now: Nanos, cancel: &Self::Cancel, orig: u64, why: Why);
    /// Reports a trade that is counted already.
    fn traded(&mut self, now: Nanos, tell: &Tell);

    /// A new order of the unit.
    fn take_order(&mut self, now: Nanos, cl_ord_id: &[u8], order: &Self::New) {
        let number = self.desk_mut().orders.number(label(cl_ord_id));
        match number.and_then(|id| self.entry(id, order)) {
            Ok(entry) => self.desk_mut().orders.place(entry, *order),
            Err(why) => self.rejected(now, order, why),
        }
    }

    /// A cancel of the order `orig`, 0 for none.
    fn take_cancel(&mut self, now: Nanos, cl_ord_id: &[u8], orig: u64, cancel: &Self::Cancel) {
        match self.desk_mut().orders.number(label(cl_ord_id)) {
            Err(why) => self.cancel_rejected(now, cancel, orig, why),
            Ok(_) if orig == 0 => self.cancel_rejected(now, cancel, 0, Why::Unknown),
            Ok(id) => self.desk_mut().orders.request(id, *cancel, Ask::Cancel { id, orig }),
        }
    }

    /// Keeps a report under the next number of the security's set and sends it to every session that
    /// has had those before it.
    fn report(&mut self, now: Nanos, security: &[u8], kind: u32, body: &[u8]) {
        let mut body = body.to_vec();
        let reports = &self.desk().reports;
        let place = symbol(security).map_or(0, |symbol| reports.set_of(symbol));
        let (number, index) = reports.next(place);
        let numbers = number.to_be_bytes().into_iter().chain(index.to_be_bytes());
        let front = self.report_front().iter().copied().chain(numbers);
        body.iter_mut().zip(front).for_each(|(to, from)| *to = from);
        self.desk_mut().reports.push(place, kind, &body);
        for session in self.desk().hearing(place) {
            self.send(session, now, kind, &body);
        }
    }

    /// Sends the reports of a set behind the index `seen`; the session hears the others as they come.
    fn catch_up(&mut self, session: usize, now: Nanos, place: usize, seen: u64) {
        let missing = self.desk().reports.after(place, seen).iter();
        let missing: Vec<_> = missing.map(|report| (report.kind, report.body.clone())).collect();
        missing.iter().for_each(|(kind, body)| self.send(session, now, *kind, body));
        let stream = self.desk_mut().stream(session);
        if let Some(live) = stream.and_then(|stream| stream.live.get_mut(place)) {
            *live = true;
        }
    }

    /// Reports an order that never came in, after all.
    fn refused(&mut self, now: Nanos, id: u64, why: Why) {
        self.desk_mut().orders.close(id);
        let form = self.desk().orders.get(id).map(|placed| placed.form);
        if let Some(form) = form {
            self.rejected(now, &form, why);
        }
    }
}

fn label(field: &[u8]) -> Label {
    Label::of(field).unwrap_or(Label::NONE)
}

impl<U: Unit> Gateway for U {
    fn sessions(&self) -> usize {
        self.desk().streams.len()
    }

    fn connected(&mut self, session: usize, now: Nanos) {
        let sets = self.desk().reports.sets();
        if let Some(stream) = self.desk_mut().stream(session) {
            stream.connect(now, sets);
        }
    }

    fn receive(&mut self, session: usize, now: Nanos, bytes: &[u8]) {
        let stream = self.desk_mut().stream(session);
        let Some(stream) = stream.filter(|stream| stream.open) else { return };
        let waiting = stream.take(now, bytes);
        let mut used = 0;
        while self.is_open(session) {
            let rest = waiting.get(used..).unwrap_or(&[]);
            match self.take_frame(session, now, rest) {
                Some(length) => used += length,
                None if rest.len() < WAITING_MAX => break,
                None => self.cut(session, now, Cut::TooLong),
            }
        }
        if let Some(stream) = self.desk_mut().stream(session) {
            stream.give_back(waiting, used);
        }
    }

    fn disconnected(&mut self, session: usize, _: Nanos) {
        if let Some(stream) = self.desk_mut().stream(session) {
            stream.lost();
        }
    }

    fn next_ask(&mut self) -> Option<Ask> {
        self.desk_mut().orders.next_ask()
    }

    fn tell(&mut self, now: Nanos, tell: &Tell) {
        match *tell {
            Tell::Accepted { id, order } => {
                self.desk_mut().orders.accept(id, order);
                self.accepted(now, id);
            }
            Tell::Rejected { id, why } => self.refused(now, id, why),
            Tell::Canceled { id, request, qty, why } => {
                debug_assert!(why != Ended::Disconnect, "orders stay when sessions are lost");
                self.desk_mut().orders.close(id);
                self.ended(now, id, request, qty);
            }
            Tell::CancelRejected { request, orig, why } => {
                if let Some(cancel) = self.desk().orders.asked(request).copied() {
                    self.cancel_rejected(now, &cancel, orig, why);
                }
            }
            Tell::Trade { id, qty, .. } => {
                self.desk_mut().orders.trade(id, qty);
                self.traded(now, tell);
            }
            // Nothing here asks for these, and trades are not taken back.
            Tell::Amended { .. }
            | Tell::AmendRejected { .. }
            | Tell::TradeCanceled { .. }
            | Tell::MassCanceled { .. } => {}
        }
    }

    fn output(&self, session: usize) -> &[u8] {
        self.desk().streams.get(session).map_or(&[], Stream::output)
    }

    fn sent(&mut self, session: usize, bytes: usize) {
        if let Some(stream) = self.desk_mut().stream(session) {
            stream.drop_sent(bytes);
        }
    }

    fn keep_alive(&mut self, now: Nanos) {
        for session in 0..self.sessions() {
            let Some(stream) = self.desk_mut().stream(session) else { continue };
            if stream.late(now) {
                stream.end();
            } else if stream.silent(now, CUT_AFTER) {
                self.cut(session, now, Cut::Silent);
            } else if stream.beat_due(now) {
                self.beat(session, now);
            }
        }
    }

    fn is_open(&self, session: usize) -> bool {
        self.desk().streams.get(session).is_some_and(|stream| stream.open)
    }

    fn is_logged_on(&self, session: usize) -> bool {
        self.desk().streams.get(session).is_some_and(|stream| stream.logged_on)
    }

    fn text(&self, id: u64) -> Label {
        self.desk().orders.text(id)
    }
}
