//! The outside of a live engine: journal, order stream, recovery servers, kill words.
//!
//! Model: whatever the engine does passes here on its way out, and is in the journal before it
//! leaves. When the ring of the journal has no room, a new order or replace does not leave: the order
//! stream is closed, and the session's own reconciliation finds out, after the next login, that the
//! order never arrived. A cancel leaves all the same, since keeping an order open for want of disk
//! would be the greater risk; it is counted.

use std::net::SocketAddrV4;

use nofx_feed::Action;
use nofx_gate::{KillScope, Rejects};
use nofx_mailbox::journal::Producer;
use nofx_mailbox::{KillWords, Scope};
use nofx_net::port::Port;
use nofx_net::stream::{Stream, StreamState};
use nofx_types::{
    AccountId, Instrument, InstrumentId, IntentKind, Nanos, OrderIntent, OrderUpdate,
};

use super::acks::Acks;
use super::core::{Input, Outside};
use super::events::Events;
use super::record::{Answer, KillSeen, Kind, encode_instrument, encode_intent, encode_request};
use crate::hot_path::OrderPort;
use crate::params::page::Taken;

/// What the tape counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TapeCounters {
    /// Inputs taken.
    pub inputs: u64,
    /// Inputs and outputs that found no room in the journal.
    pub lost: u64,
    /// Cancels that left without a journal record.
    pub unjournaled: u64,
    /// Orders that did not leave because they could not be journaled.
    pub withheld: u64,
    /// Messages that the order stream did not take.
    pub unsent: u64,
    /// Requests that a port did not take.
    pub requests_unsent: u64,
    /// Intents that a kill word stopped before its command came.
    pub kills_seen: u64,
    /// Pages that control published, of parameters and models.
    pub pages: u64,
    /// Requests of control.
    pub requests: u64,
    /// Pages and requests that were refused.
    pub steering_refused: u64,
}

/// See the module.
pub struct Tape {
    journal: Producer,
    /// The order stream.
    pub orders: Box<dyn Stream + Send>,
    /// Whether it was told to connect since the last look: it may be refused before it is looked at.
    pub orders_asked: bool,
    /// The stream of the second order session, where there is one.
    pub rescue: Option<Box<dyn Stream + Send>>,
    /// As `orders_asked`.
    pub rescue_asked: bool,
    /// The feed's stream beside its lines, where there is a service.
    pub snapshot: Option<Box<dyn Stream + Send>>,
    /// As `orders_asked`.
    pub snapshot_asked: bool,
    /// The port of the re-request servers, where there are some.
    pub replies: Option<Box<dyn Port + Send>>,
    /// Their addresses.
    pub servers: Vec<SocketAddrV4>,
    kill: KillWatch,
    /// What happens, for those who watch.
    pub events: Events,
    /// What became of control's pages.
    pub acks: Acks,
    /// What the last request came to, until it is answered.
    pub answer: Option<Answer>,
    intents: u32,
    /// What was counted.
    pub counters: TapeCounters,
    /// When the last order message left.
    pub last_order: Nanos,
}

impl Tape {
    /// An outside made of its parts.
    pub fn new(
        journal: Producer,
        kill: KillWatch,
        (events, acks): (Events, Acks),
        orders: Box<dyn Stream + Send>,
        rescue: Option<Box<dyn Stream + Send>>,
        snapshot: Option<Box<dyn Stream + Send>>,
        replies: Option<Box<dyn Port + Send>>,
        servers: Vec<SocketAddrV4>,
    ) -> Tape {
        Tape {
            journal,
            orders,
            orders_asked: false,
            rescue,
            rescue_asked: false,
            snapshot,
            snapshot_asked: false,
            replies,
            servers,
            kill,
            events,
            acks,
            answer: None,
            intents: 0,
            counters: TapeCounters::default(),
            last_order: Nanos(0),
        }
    }

    /// Writes an input, before it is acted on.
    #[inline]
    pub fn note(&mut self, now: Nanos, input: &Input<'_>) {
        self.intents = 0;
        self.counters.inputs += 1;
        match *input {
            Input::Packet { line, payload } => self.put(Kind::Packet, now, &[&[line], payload]),
            Input::OrderBytes(bytes) => self.put(Kind::OrderBytes, now, &[bytes]),
            Input::Reply { server, payload } => self.put(Kind::Reply, now, &[&[server], payload]),
            Input::SnapshotOpened => self.put(Kind::SnapshotOpened, now, &[]),
            Input::SnapshotBytes(bytes) => self.put(Kind::SnapshotBytes, now, &[bytes]),
            Input::SnapshotClosed => self.put(Kind::SnapshotClosed, now, &[]),
            Input::OrderOpened => self.put(Kind::OrderOpened, now, &[]),
            Input::OrderClosed => self.put(Kind::OrderClosed, now, &[]),
            Input::RescueOpened => self.put(Kind::RescueOpened, now, &[]),
            Input::RescueBytes(bytes) => self.put(Kind::RescueBytes, now, &[bytes]),
            Input::RescueClosed => self.put(Kind::RescueClosed, now, &[]),
            Input::Time => self.put(Kind::Time, now, &[]),
            Input::Command(command) => {
                self.events.commanded(now, &command);
                self.put(Kind::Command, now, &[&command.encode()])
            }
            Input::Params(page) => self.put(Kind::Params, now, &[page]),
            Input::Model(page) => self.put(Kind::Model, now, &[page]),
            Input::Request(request) => self.put(Kind::Request, now, &[&encode_request(&request)]),
        };
    }

    /// Writes a record; whether it found room.
    #[inline]
    pub fn put(&mut self, kind: Kind, now: Nanos, parts: &[&[u8]]) -> bool {
        let written = self.journal.push(kind as u8, now, parts).is_some();
        self.counters.lost += u64::from(!written);
        written
    }

    /// How full the ring of the journal is, in 1/255.
    pub fn journal_fill(&mut self) -> u8 {
        self.journal.fill()
    }

    /// Number of the last record.
    pub fn journal_last(&self) -> u64 {
        self.journal.last()
    }

    /// The kill words and what of them the engine has been told.
    pub fn kill(&mut self) -> &mut KillWatch {
        &mut self.kill
    }

    /// A cancel is no decision under limits.
    #[inline]
    fn decided(&mut self, intent: &OrderIntent) {
        if intent.kind != IntentKind::Cancel {
            self.acks.decided();
        }
    }

    fn transmit(&mut self, now: Nanos, bytes: &[u8]) {
        match self.orders.send(bytes) {
            Ok(()) => self.last_order = now,
            Err(_) => {
                // Half a session is worse than none: reconciliation sorts it out.
                self.counters.unsent += 1;
                self.orders.close();
            }
        }
    }
}

impl Tape {
    fn transmit_rescue(&mut self, now: Nanos, bytes: &[u8]) {
        let Some(rescue) = &mut self.rescue else { return };
        match rescue.send(bytes) {
            Ok(()) => self.last_order = now,
            Err(_) => {
                self.counters.unsent += 1;
                rescue.close();
            }
        }
    }
}

impl OrderPort for Tape {
    fn send(&mut self, now: Nanos, bytes: &[u8]) {
        self.put(Kind::Control, now, &[bytes]);
        self.transmit(now, bytes);
    }

    fn send_by_rescue(&mut self, now: Nanos, bytes: &[u8]) {
        self.put(Kind::RescueControl, now, &[bytes]);
        self.transmit_rescue(now, bytes);
    }

    fn order_by_rescue(&mut self, intent: &OrderIntent, bytes: &[u8]) {
        self.intents += 1;
        let parts: [&[u8]; 3] = [&encode_intent(intent), &Rejects::NONE.0.to_le_bytes(), bytes];
        if !self.put(Kind::RescueDecision, intent.now_ns, &parts) {
            self.counters.unjournaled += 1; // only cancels go this way
        }
        self.transmit_rescue(intent.now_ns, bytes);
        self.events.sent(intent);
    }

    #[inline]
    fn order(&mut self, intent: &OrderIntent, bytes: &[u8]) {
        self.intents += 1;
        let parts: [&[u8]; 3] = [&encode_intent(intent), &Rejects::NONE.0.to_le_bytes(), bytes];
        if !self.put(Kind::Decision, intent.now_ns, &parts) {
            if intent.kind != IntentKind::Cancel {
                self.counters.withheld += 1;
                return self.orders.close();
            }
            self.counters.unjournaled += 1;
        }
        self.transmit(intent.now_ns, bytes);
        self.decided(intent);
        self.events.sent(intent);
    }

    fn refused(&mut self, intent: &OrderIntent, rejects: Rejects) {
        self.intents += 1;
        let parts: [&[u8]; 2] = [&encode_intent(intent), &rejects.0.to_le_bytes()];
        self.put(Kind::Decision, intent.now_ns, &parts);
        self.decided(intent);
        self.events.refused(intent, rejects);
    }

    fn heard(&mut self, update: &OrderUpdate, position: i64) {
        self.events.heard(update, position);
    }

    #[inline]
    fn blocked(&mut self, intent: &OrderIntent) -> Rejects {
        let Some(scope) = self.kill.news_for(intent.account, intent.instrument) else {
            return Rejects::NONE;
        };
        let rejects = Rejects::NONE.with(scope.rule(), true);
        let seen = KillSeen { intent: self.intents, rejects };
        self.counters.kills_seen += 1;
        self.put(Kind::KillSeen, intent.now_ns, &[&seen.encode()]);
        rejects
    }
}

impl Outside for Tape {
    fn defined(&mut self, instrument: &Instrument) {
        self.put(Kind::Definition, Nanos(0), &[&encode_instrument(instrument)]);
        self.events.defined(instrument);
        self.acks.defined();
    }

    fn taken(&mut self, now: Nanos, taken: &Taken) {
        self.put(Kind::Taken, now, &[&taken.encode()]);
        self.counters.pages += 1;
        self.counters.steering_refused += u64::from(!taken.is_applied());
        self.events.taken(now, taken);
        self.acks.take(taken);
    }

    fn answered(&mut self, now: Nanos, answer: &Answer) {
        self.put(Kind::Answered, now, &[&answer.encode()]);
        self.counters.requests += 1;
        self.counters.steering_refused += u64::from(answer.refusal.is_some());
        self.events.answered(now, answer);
        self.answer = Some(*answer);
    }

    fn connect_orders(&mut self, now: Nanos) {
        self.orders_asked = true;
        self.orders.connect(now);
    }

    fn close_orders(&mut self, _: Nanos) {
        self.orders.close();
    }

    fn connect_rescue(&mut self, now: Nanos) {
        if let Some(rescue) = &mut self.rescue {
            self.rescue_asked = true;
            rescue.connect(now);
        }
    }

    fn close_rescue(&mut self, _: Nanos) {
        if let Some(rescue) = &mut self.rescue {
            rescue.close();
        }
    }

    fn recover(&mut self, now: Nanos, action: Action<'_>) {
        match action {
            Action::Request { server, bytes } => {
                let sent = self.replies.as_mut().zip(self.servers.get(server)).map(|(port, to)| {
                    let sent = port.send(*to, bytes);
                    port.flush();
                    sent
                });
                self.counters.requests_unsent += u64::from(!matches!(sent, Some(Ok(()))));
            }
            Action::SnapshotConnect | Action::RetransmitConnect { .. } => {
                if let Some(stream) = &mut self.snapshot {
                    self.snapshot_asked = true;
                    stream.connect(now);
                }
            }
            Action::SnapshotSend(bytes) | Action::RetransmitSend(bytes) => {
                if let Some(stream) = &mut self.snapshot
                    && stream.send(bytes).is_err()
                {
                    stream.close();
                }
            }
            // The refresh line is always heard, and what comes unasked is dropped by the feed.
            Action::RefreshJoin | Action::RefreshLeave => {}
            Action::SnapshotClose | Action::RetransmitClose => {
                if let Some(stream) = &mut self.snapshot
                    && stream.state() != StreamState::Closed
                {
                    stream.close();
                }
            } // Of protocols that ask in a session or take images from a line.
        }
    }
}

/// The kill words, and which of them the engine has been told of.
pub struct KillWatch {
    words: KillWords,
    generation: u64,
    told: Box<[u64]>,
    global_told: bool,
    /// Where the walk over the words goes on; past the end when there is nothing to tell.
    cursor: usize,
    /// Generation at which the walk began.
    walked: u64,
    epoch: u32,
}

impl KillWatch {
    /// Nothing has been told yet, but for the epoch that the engine starts under.
    pub fn new(words: KillWords, epoch: u32) -> KillWatch {
        let (accounts, instruments) = words.table();
        let bits = accounts as usize + instruments as usize;
        KillWatch {
            // Not the current one: what is engaged at the start has to be told.
            generation: !words.generation(),
            told: vec![0; bits.div_ceil(64)].into_boxed_slice(),
            global_told: false,
            cursor: usize::MAX,
            walked: 0,
            epoch,
            words,
        }
    }

    /// The words.
    pub fn words(&self) -> &KillWords {
        &self.words
    }

    /// A kill that stands against an order and that the engine has not been told of: usually one
    /// load, since usually nothing has changed.
    #[inline]
    pub fn news_for(&self, account: AccountId, instrument: InstrumentId) -> Option<KillScope> {
        if self.words.generation() == self.generation {
            return None;
        }
        self.words.engaged(account, instrument).map(to_gate)
    }

    /// The epoch, when it was raised since the last call.
    #[inline]
    pub fn new_epoch(&mut self) -> Option<u32> {
        let epoch = self.words.epoch();
        let raised = epoch > self.epoch;
        self.epoch = self.epoch.max(epoch);
        raised.then_some(epoch)
    }

    /// The next kill that was engaged (`true`) or released since the engine was told. One load when
    /// nothing has changed, else a walk over all words.
    #[inline]
    pub fn next_change(&mut self) -> Option<(KillScope, bool)> {
        let generation = self.words.generation();
        if generation == self.generation && self.cursor == usize::MAX {
            return None;
        }
        self.walk(generation)
    }

    #[cold]
    fn walk(&mut self, generation: u64) -> Option<(KillScope, bool)> {
        if self.cursor == usize::MAX {
            (self.cursor, self.walked) = (0, generation);
        }
        let global = self.words.is_engaged(Scope::Global);
        if global != self.global_told {
            self.global_told = global;
            return Some((KillScope::Global, global));
        }
        let (accounts, instruments) = self.words.table();
        let all = accounts as usize + instruments as usize;
        while self.cursor < all {
            let at = self.cursor;
            self.cursor += 1;
            let scope = match at.checked_sub(accounts as usize) {
                None => Scope::Account(at as u16),
                Some(symbol) => Scope::Symbol(symbol as u32),
            };
            let engaged = self.words.is_engaged(scope);
            let (word, bit) = (self.told.get_mut(at / 64)?, 1u64 << (at % 64));
            if engaged != (*word & bit != 0) {
                *word ^= bit;
                return Some((to_gate(scope), engaged));
            }
        }
        // What changed during the walk has a later generation and is walked for again.
        self.cursor = usize::MAX;
        self.generation = self.walked;
        None
    }
}

fn to_gate(scope: Scope) -> KillScope {
    match scope {
        Scope::Global => KillScope::Global,
        Scope::Account(account) => KillScope::Account(AccountId(account)),
        Scope::Symbol(symbol) => KillScope::Symbol(InstrumentId(symbol)),
    }
}

/// The same, the other way.
pub fn to_mailbox(scope: KillScope) -> Scope {
    match scope {
        KillScope::Global => Scope::Global,
        KillScope::Account(AccountId(account)) => Scope::Account(account),
        KillScope::Symbol(InstrumentId(symbol)) => Scope::Symbol(symbol),
    }
}
