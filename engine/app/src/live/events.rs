//! What happens, told as it happens: orders and their news, kills, commands, pages, states.
//!
//! Model: events go into a ring of the mailbox over the oldest ones, and nobody is waited for; what a
//! reader missed it is told of. They are for people: everything in them stands in the journal too.
//! An order's event is written when its bytes have left.
//!
//! Worst case: some 20 stores for an event; symbols are looked up by one load.

use nofx_gate::{KillScope, Rejects};
use nofx_mailbox::{ControlCommand, EngineState, Event, EventKind, EventWriter, Scope};
use nofx_types::{
    AccountId, Instrument, InstrumentId, Nanos, OrderIntent, OrderUpdate, Symbol, UpdateKind,
};

use super::record::{Answer, Command};
use crate::gate::failure_name;
use crate::params::page::{PageKind, Taken};

/// See the module.
pub struct Events {
    ring: EventWriter,
    /// Symbol and decimals of each instrument.
    names: Box<[(Symbol, u8)]>,
}

impl Events {
    /// Into `ring`, of so many instruments.
    pub fn new(ring: EventWriter, instruments: u32) -> Events {
        let names = vec![(Symbol::NONE, 0); instruments as usize].into_boxed_slice();
        Events { ring, names }
    }

    /// Number of the last event.
    pub fn last(&self) -> u64 {
        self.ring.last()
    }

    /// An instrument was defined or redefined.
    pub fn defined(&mut self, instrument: &Instrument) {
        if let Some(name) = self.names.get_mut(instrument.id.index()) {
            *name = (instrument.symbol, instrument.decimals);
        }
    }

    fn in_instrument(&self, event: Event, id: InstrumentId) -> Event {
        let name = self.names.get(id.index());
        let (symbol, decimals) = name.map_or((Symbol::NONE, 0), |name| *name);
        Event { instrument: id.0, symbol: symbol.0, decimals, ..event }
    }

    fn of_intent(&self, kind: EventKind, intent: &OrderIntent) -> Event {
        let event = Event {
            side: intent.side.index() as u8,
            code: intent.kind as u16,
            account: intent.account.0,
            cl_ord_id: intent.cl_ord_id.0,
            price: intent.price.0,
            qty: intent.qty.0,
            leaves: intent.qty.0,
            value: intent.orig.0.into(),
            ..Event::new(kind, intent.now_ns.0)
        };
        self.in_instrument(event, intent.instrument)
    }

    /// An order, replace or cancel has left.
    #[inline]
    pub fn sent(&mut self, intent: &OrderIntent) {
        let event = self.of_intent(EventKind::Sent, intent);
        self.ring.put(&event);
    }

    /// One went no further; by no rule: the session was down.
    pub fn refused(&mut self, intent: &OrderIntent, rejects: Rejects) {
        let rule = rejects.rules().next().map_or("session down", |rule| rule.name());
        let event = self.of_intent(EventKind::Refused, intent).saying(rule);
        self.ring.put(&Event { rejects: rejects.0, ..event });
    }

    /// News of an order; `position` is what its account then holds. What never left us is no news.
    pub fn heard(&mut self, update: &OrderUpdate, position: i64) {
        let (kind, price, qty) = match update.kind {
            UpdateKind::RefusedByGate => return,
            UpdateKind::Accepted => (EventKind::Accepted, update.price, update.leaves),
            UpdateKind::Rejected => (EventKind::Rejected, update.price, update.released_qty),
            UpdateKind::Replaced => (EventKind::Replaced, update.price, update.leaves),
            UpdateKind::Canceled => (EventKind::Canceled, update.price, update.released_qty),
            UpdateKind::Filled | UpdateKind::Unreserved => {
                (EventKind::Filled, update.fill_price, update.fill_qty)
            }
            UpdateKind::Broken => (EventKind::Broken, update.fill_price, update.fill_qty),
            UpdateKind::CancelRejected | UpdateKind::ReplaceRejected => {
                (EventKind::CancelRejected, update.price, update.leaves)
            }
        };
        let event = Event {
            side: update.side.index() as u8,
            code: update.closed.into(),
            account: update.account.0,
            cl_ord_id: update.cl_ord_id.0,
            order_ref: update.order_ref.0,
            price: price.0,
            qty: qty.0,
            leaves: update.leaves.0,
            value: position,
            ..Event::new(kind, update.now_ns.0)
        };
        self.ring.put(&self.in_instrument(event, update.instrument));
    }

    fn in_scope(&self, event: Event, scope: KillScope) -> Event {
        match scope {
            KillScope::Global => event.saying("everything"),
            KillScope::Account(AccountId(account)) => {
                Event { code: 1, account, ..event }.saying("account")
            }
            KillScope::Symbol(id) => {
                self.in_instrument(Event { code: 2, ..event }, id).saying("symbol")
            }
        }
    }

    /// A command that somebody should see.
    pub fn commanded(&mut self, now: Nanos, command: &Command) {
        let event = match *command {
            Command::Kill(scope) => self.in_scope(Event::new(EventKind::KillEngaged, now.0), scope),
            Command::Release(scope) => {
                self.in_scope(Event::new(EventKind::KillReleased, now.0), scope)
            }
            Command::GateFailed { why, .. } => {
                let event = Event::new(EventKind::GateFailed, now.0);
                Event { code: why.into(), ..event }.saying(failure_name(why))
            }
            Command::Journal { broken } => {
                let text = if broken { "new orders held" } else { "orders may go on" };
                Event { code: broken.into(), ..Event::new(EventKind::Journal, now.0) }.saying(text)
            }
            Command::Epoch(_) | Command::IdLimit(_) | Command::Stop => return,
        };
        self.ring.put(&event);
    }

    /// A page is in force, or was refused.
    pub fn taken(&mut self, now: Nanos, taken: &Taken) {
        let kind = match (taken.kind, taken.is_applied()) {
            (PageKind::Params, true) => EventKind::ParamsApplied,
            (PageKind::Params, false) => EventKind::ParamsRefused,
            (PageKind::Model, true) => EventKind::ModelApplied,
            (PageKind::Model, false) => EventKind::ModelRefused,
        };
        self.ring.put(&Event {
            code: taken.refused.why as u16,
            qty: taken.head.version,
            value: taken.head.publication as i64,
            ..Event::new(kind, now.0)
        });
    }

    /// A request was taken, or refused.
    pub fn answered(&mut self, now: Nanos, answer: &Answer) {
        let event = Event {
            code: answer.result() as u16,
            value: answer.request.id as i64,
            ..Event::new(EventKind::Command, now.0)
        };
        let event = match answer.request.command {
            Some(ControlCommand::CancelAll(Scope::Account(account))) => Event { account, ..event },
            Some(ControlCommand::CancelAll(Scope::Symbol(id))) => {
                self.in_instrument(event, InstrumentId(id))
            }
            _ => event,
        };
        self.ring.put(&event.saying(name_of(answer.request.command)));
    }

    /// The engine does something else.
    pub fn engine(&mut self, now: Nanos, state: EngineState, name: &str) {
        let event = Event { code: state as u16, ..Event::new(EventKind::EngineState, now.0) };
        self.ring.put(&event.saying(name));
    }

    /// A session or a feed stands elsewhere.
    pub fn state(&mut self, now: Nanos, kind: EventKind, code: u8, name: &str) {
        let event = Event { code: code.into(), ..Event::new(kind, now.0) };
        self.ring.put(&event.saying(name));
    }
}

/// A command in a word or two.
fn name_of(command: Option<ControlCommand>) -> &'static str {
    match command {
        None => "unknown",
        Some(ControlCommand::Halt) => "halt",
        Some(ControlCommand::Resume) => "resume",
        Some(ControlCommand::CancelAll(Scope::Global)) => "cancel all",
        Some(ControlCommand::CancelAll(Scope::Account(_))) => "cancel all of the account",
        Some(ControlCommand::CancelAll(Scope::Symbol(_))) => "cancel all of the symbol",
        Some(ControlCommand::SetLimits { .. }) => "set limits",
        Some(ControlCommand::SwapModel { .. }) => "swap model",
        Some(ControlCommand::Snapshot) => "snapshot",
        Some(ControlCommand::RotateJournal) => "rotate journal",
    }
}
