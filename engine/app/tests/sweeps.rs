//! Kills, stops and their sweeps on the hot path, against a venue that refuses and forgets.

#[path = "../../order/tests/common/mod.rs"]
mod common;

use std::collections::VecDeque;

use common::far::{self, Asked, Say};
use common::gateway::Gateway;
use common::{ACCOUNT, INSTRUMENTS, buy, config, instrument};
use nofx_app::config::Config;
use nofx_app::hot_path::{HotPath, OrderPort, Parts};
use nofx_app::params::Params;
use nofx_app::phases::Phases;
use nofx_app::record::{Recorder, Wanted};
use nofx_app::stamps::{StampMode, Stamps};
use nofx_book::{LevelBooks, LevelConfig};
use nofx_gate::{KillScope, Rule};
use nofx_mailbox::ParamRow;
use nofx_mailbox::param::table;
use nofx_order::{OrderConfig, OrderManager, Positions, Protocol};
use nofx_risk::SoftwareGate;
use nofx_risk::host::HostRules;
use nofx_signal::{Context, InstrumentSet, Strategy};
use nofx_types::{
    AccountId, BookEvent, Change, ClOrdId, EventKind, Instrument, InstrumentId, Instruments,
    Intents, Ladder, Nanos, OrderIntent, OrderUpdate, Phase, Price, Qty, Side,
};
use nofx_wire::{ocg, soup};

const MS: u64 = 1_000_000;
const SECOND: u64 = 1_000 * MS;
const PRICE: i64 = 1_000;
const NONE: [u32; 0] = [];

/// Sends what the test wants, at the next event.
#[derive(Default)]
struct Told(VecDeque<OrderIntent>);

impl Strategy for Told {
    fn name(&self) -> &'static str {
        "told"
    }

    fn instruments(&self) -> &[InstrumentId] {
        &[InstrumentId(0)]
    }

    fn on_event<L: Ladder>(
        &mut self,
        _: &Context,
        _: &BookEvent,
        _: &L,
        _: Change,
        out: &mut Intents,
    ) {
        self.0.drain(..).for_each(|intent| {
            out.push(intent);
        });
    }

    fn on_order(&mut self, _: &Context, _: &OrderUpdate, _: &mut Intents) {}
}

#[derive(Default)]
struct Wire(Vec<u8>);

impl OrderPort for Wire {
    fn send(&mut self, _: Nanos, bytes: &[u8]) {
        self.0.extend(bytes);
    }
}

fn known(id: u32) -> Instrument {
    Instrument { previous_close: Price(PRICE), ..instrument(id) }
}

fn path(orders: &OrderConfig) -> HotPath<Told, SoftwareGate> {
    let mut instruments = Instruments::new(INSTRUMENTS);
    (0..INSTRUMENTS).for_each(|id| instruments.set(known(id)).expect("inside"));
    let books = LevelConfig { instruments: INSTRUMENTS, ..LevelConfig::default() };
    let traded = InstrumentSet::new(&[InstrumentId(0)], INSTRUMENTS).expect("inside");
    let wanted = Wanted { orders: false, touches: false, depth: 0 };
    let mut path = HotPath::new(Parts {
        books: LevelBooks::new(&books).expect("good"),
        phases: Phases::new(INSTRUMENTS as usize, Phase::Continuous),
        strategy: Told::default(),
        gate: common::gate(),
        host: HostRules::default(),
        orders: OrderManager::new(orders).expect("good"),
        positions: Positions::new(2, INSTRUMENTS),
        stamps: Stamps::new(StampMode::None),
        recorder: Recorder::new(wanted, INSTRUMENTS as usize),
        traded,
        account: ACCOUNT,
        instruments,
        first_id: 1,
    });
    (0..INSTRUMENTS).for_each(|id| path.on_definition(&known(id)));
    path
}

fn login_accepted() -> Vec<u8> {
    soup::login_accepted(soup::session_name("DAY1").expect("short"), 1).to_vec()
}

/// The stages, and the wire they write on.
struct Engine {
    path: HotPath<Told, SoftwareGate>,
    wire: Wire,
    now: Nanos,
    cause: u64,
}

impl Engine {
    fn new(orders: &OrderConfig) -> Engine {
        let now = Nanos(36_000 * SECOND);
        Engine { path: path(orders), wire: Wire::default(), now, cause: 0 }
    }

    /// Logged in at a venue of OUCH 5.0.
    fn up() -> Engine {
        let mut engine = Engine::new(&OrderConfig { heartbeat_ns: 0, ..config(Protocol::Ouch50) });
        engine.path.log_in(engine.now, &mut engine.wire);
        engine.wire.0.clear();
        engine.hear(&login_accepted());
        assert!(engine.path.orders.is_up());
        engine
    }

    fn hear(&mut self, bytes: &[u8]) {
        self.path.on_order_bytes(self.now, bytes, &mut self.wire);
        self.path.sweep_on(self.now, &mut self.wire);
    }

    fn say(&mut self, say: Say) {
        self.hear(&far::frame(Protocol::Ouch50, &say));
    }

    /// What was asked of the venue since.
    fn asked(&mut self) -> Vec<Asked> {
        let bytes = std::mem::take(&mut self.wire.0);
        let (mut rest, mut asked) = (&bytes[..], Vec::new());
        while let Some((_, used)) = soup::next_frame(rest).expect("frames") {
            asked.push(far::read(Protocol::Ouch50, rest));
            rest = &rest[used..];
        }
        asked
    }

    fn send(&mut self, intent: OrderIntent) {
        self.path.strategy.0.push_back(intent);
        self.cause += 1;
        let event = BookEvent {
            instrument: InstrumentId(0),
            seq: self.cause,
            exch_ns: self.now,
            capture_ns: self.now,
            last: true,
            kind: EventKind::EndOfEvent,
        };
        self.path.on_event(&event, &mut self.wire);
    }

    /// An order in `instrument` that is accepted.
    fn live(&mut self, instrument: u32) -> u32 {
        self.send(buy(instrument, PRICE, 100));
        let [Asked::Enter { id, .. }] = self.asked()[..] else { panic!("no order") };
        self.say(Say::Accepted {
            id,
            side: Side::Buy,
            qty: 100,
            price: PRICE as u64,
            order_ref: 70 + u64::from(id),
            dead: false,
        });
        id
    }

    /// A replace of `orig` that is under way.
    fn replace(&mut self, orig: u32) -> u32 {
        let (price, qty) = (Price(PRICE + 100), Qty(100));
        self.send(OrderIntent::replace(InstrumentId(0), ClOrdId(orig), Side::Buy, price, qty));
        let [Asked::Replace { id, .. }] = self.asked()[..] else { panic!("no replace") };
        id
    }

    fn replaced(&mut self, orig: u32, id: u32) {
        let (side, qty, price) = (Side::Buy, 100, PRICE as u64 + 100);
        self.say(Say::Replaced { orig, id, side, qty, price, order_ref: 90, dead: false });
    }

    fn kill(&mut self, scope: KillScope) {
        self.path.kill(scope, true);
        self.path.sweep_on(self.now, &mut self.wire);
    }

    /// Time passes, and is told.
    fn wait(&mut self, ns: u64) {
        self.now.0 += ns;
        self.path.keep_alive(self.now, &mut self.wire);
        (0..4).for_each(|_| self.path.sweep_on(self.now, &mut self.wire));
    }

    /// The orders that were asked to be cancelled since.
    fn cancels(&mut self) -> Vec<u32> {
        let cancel = |asked| match asked {
            Asked::Cancel { id, .. } => id,
            other => panic!("{other:?}"),
        };
        self.asked().into_iter().map(cancel).collect()
    }
}

#[test]
fn what_a_page_says_of_an_instrument_outlasts_its_definition_and_ends_with_the_page() {
    let mut engine = Engine::up();
    let params = Params::new(&Config::default(), 1, &engine.path.strategy);
    engine.path.open_params(params);
    let key = |name: &str| {
        let specs = engine.path.params.schema().iter();
        let spec = specs.clone().find(|s| s.table == table::SYMBOL && s.name() == name);
        spec.expect("a key").key
    };
    let (qty_max, halted) = (key("qty_max"), key("halted"));
    let row = |key, value| ParamRow { table: table::SYMBOL, key, scope: 0, value };
    let refused = |engine: &mut Engine, rule: Rule| {
        let count = |engine: &Engine| engine.path.counters.rejects[rule as usize];
        let before = count(engine);
        engine.send(buy(0, PRICE, 100));
        let sent = !engine.asked().is_empty();
        engine.wait(SECOND);
        assert_eq!(sent, count(engine) == before, "{rule:?}");
        !sent
    };
    assert!(!refused(&mut engine, Rule::MaxQty));
    engine.path.take_params([row(qty_max, 99)].into_iter()).expect("good");
    assert!(refused(&mut engine, Rule::MaxQty));
    engine.path.on_definition(&known(0));
    assert!(refused(&mut engine, Rule::MaxQty), "defined anew, the page's word still holds");
    let wrong = [row(qty_max, 200), row(qty_max, 200)].into_iter();
    assert!(engine.path.take_params(wrong).is_err());
    assert!(refused(&mut engine, Rule::MaxQty), "a refused page changes nothing");
    engine.path.take_params([row(halted, 1)].into_iter()).expect("good");
    assert!(refused(&mut engine, Rule::Halt));
    engine.path.take_params(std::iter::empty()).expect("good");
    assert!(!refused(&mut engine, Rule::Halt), "the configuration again");
    engine.path.halt(true);
    engine.path.hold(true);
    engine.path.hold(false);
    assert!(refused(&mut engine, Rule::Held), "a journal that is well again ends no halt");
    engine.path.halt(false);
    assert!(!refused(&mut engine, Rule::Held));
}

fn canceled(id: u32) -> Say {
    Say::Canceled { id, qty: 100, reason: b'U' }
}

#[test]
fn a_replacement_that_is_confirmed_behind_the_kill_is_cancelled() {
    let mut engine = Engine::up();
    let old = engine.live(0);
    let new = engine.replace(old);
    engine.kill(KillScope::Global);
    assert_eq!(engine.cancels(), NONE, "both ends are in flight");
    engine.replaced(old, new);
    assert_eq!(engine.cancels(), [new]);
    engine.say(canceled(new));
    assert_eq!(engine.path.orders.open_orders(), 0);
    assert!(!engine.path.sweeps.is_active());
}

#[test]
fn an_order_whose_replacement_is_refused_behind_the_kill_is_cancelled() {
    let mut engine = Engine::up();
    let old = engine.live(0);
    let new = engine.replace(old);
    engine.kill(KillScope::Account(ACCOUNT));
    engine.say(Say::Rejected { id: new });
    assert_eq!(engine.cancels(), [old]);
}

#[test]
fn a_cancel_that_the_venue_refuses_is_sent_again_while_the_kill_is_engaged() {
    let mut engine = Engine::up();
    let id = engine.live(0);
    engine.kill(KillScope::Symbol(InstrumentId(0)));
    assert_eq!(engine.cancels(), [id]);
    for _ in 0..3 {
        engine.say(Say::CancelRejected { id });
        engine.wait(SECOND / 2);
        assert_eq!(engine.cancels(), NONE, "at most once a second");
        engine.wait(SECOND / 2);
        assert_eq!(engine.cancels(), [id]);
    }
    engine.say(Say::CancelRejected { id });
    engine.path.kill(KillScope::Symbol(InstrumentId(0)), false);
    engine.wait(2 * SECOND);
    assert_eq!(engine.cancels(), NONE, "released");
}

#[test]
fn a_cancel_that_the_venue_forgets_is_sent_again_while_the_kill_is_engaged() {
    let mut engine = Engine::up();
    let id = engine.live(0);
    engine.kill(KillScope::Global);
    assert_eq!(engine.cancels(), [id]);
    engine.wait(SECOND);
    assert_eq!(engine.cancels(), [id]);
    engine.say(canceled(id));
    engine.say(Say::CancelRejected { id }); // the answer to the second
    engine.wait(SECOND);
    assert_eq!((engine.cancels(), engine.path.orders.open_orders()), (vec![], 0));
}

#[test]
fn a_kill_is_repeated_for_its_scope_alone() {
    let mut engine = Engine::up();
    let (one, other) = (engine.live(0), engine.live(1));
    engine.kill(KillScope::Symbol(InstrumentId(1)));
    engine.kill(KillScope::Account(AccountId(0)));
    assert_eq!(engine.cancels(), [other]);
    engine.say(Say::CancelRejected { id: other });
    engine.wait(SECOND);
    assert_eq!(engine.cancels(), [other]);
    engine.kill(KillScope::Account(ACCOUNT));
    assert_eq!(engine.cancels(), [one]);
    engine.say(Say::CancelRejected { id: one });
    engine.wait(SECOND);
    assert_eq!(engine.cancels(), [one, other]);
}

#[test]
fn a_stop_is_repeated_until_nothing_is_open() {
    let mut engine = Engine::up();
    let id = engine.live(0);
    engine.path.stop();
    engine.path.sweep_on(engine.now, &mut engine.wire);
    assert_eq!(engine.cancels(), [id]);
    engine.say(Say::CancelRejected { id });
    engine.wait(SECOND);
    assert_eq!(engine.cancels(), [id]);
    engine.say(canceled(id));
    engine.wait(SECOND);
    assert_eq!(engine.cancels(), NONE);
    engine.path.hold(false);
    assert!(engine.path.is_held(), "a journal that is well again does not undo it");
}

#[test]
fn an_order_that_is_never_answered_neither_holds_other_sweeps_up_nor_makes_a_storm() {
    let mut engine = Engine::up();
    let id = engine.live(1);
    engine.send(buy(0, PRICE, 100));
    let [Asked::Enter { id: silent, .. }] = engine.asked()[..] else { panic!("no order") };
    engine.path.sweep(KillScope::Symbol(InstrumentId(0)));
    engine.path.sweep_on(engine.now, &mut engine.wire);
    engine.kill(KillScope::Symbol(InstrumentId(1)));
    assert_eq!(engine.cancels(), [id], "another scope has its turn");
    for _ in 0..3 {
        engine.kill(KillScope::Global);
        engine.say(Say::CancelRejected { id });
        (0..10).for_each(|_| engine.wait(MS));
        assert_eq!(engine.cancels(), NONE, "no storm");
        engine.wait(SECOND);
        assert_eq!(engine.cancels(), [id], "once a second");
    }
    let (side, qty, price) = (Side::Buy, 100, PRICE as u64);
    engine.say(Say::Accepted { id: silent, side, qty, price, order_ref: 80, dead: false });
    assert!(engine.cancels().contains(&silent), "at once when it is answered");
}

#[test]
fn a_record_with_a_cancel_that_was_sent_twice_fits() {
    let mut engine = Engine::up();
    let id = engine.live(0);
    let mut order = buy(0, PRICE, 100);
    (order.cl_ord_id, order.account) = (ClOrdId(id), ACCOUNT);
    let mut cancel = OrderIntent::cancel(InstrumentId(0), ClOrdId(id), Side::Buy);
    (cancel.cl_ord_id, cancel.account, cancel.now_ns) = (ClOrdId(id), ACCOUNT, engine.now);
    let mut again = path(&config(Protocol::Ouch50));
    let login = again.orders.login(engine.now).to_vec();
    again.restore_control(engine.now, &login);
    again.restore_received(engine.now, &login_accepted());
    assert!(again.restore_sent(&order));
    let (side, qty, price) = (Side::Buy, 100, PRICE as u64);
    let say = Say::Accepted { id, side, qty, price, order_ref: 71, dead: false };
    again.restore_received(engine.now, &far::frame(Protocol::Ouch50, &say));
    assert!(again.restore_sent(&cancel) && again.restore_sent(&cancel));
}

/// The messages of an OCG session that a kill makes, by kind.
fn ocg_kill(mass_cancel: bool, scope: KillScope) -> (Vec<&'static str>, u64) {
    let mut orders = OrderConfig { heartbeat_ns: 0, ..config(Protocol::Ocg) };
    (orders.reconcile, orders.ocg.mass_cancel) = (Protocol::Ocg.reconcile(), mass_cancel);
    let (mut engine, mut venue) = (Engine::new(&orders), Gateway::new(Protocol::Ocg, 1));
    engine.path.log_in(engine.now, &mut engine.wire);
    venue.read(0, &std::mem::take(&mut engine.wire.0));
    let answer: Vec<u8> = venue.sessions[0].out.drain(..).collect();
    engine.hear(&answer);
    (0..4).for_each(|_| engine.wait(MS));
    assert!(engine.path.orders.is_up(), "{}", engine.path.orders.session());
    engine.send(buy(0, PRICE, 100));
    let bytes = std::mem::take(&mut engine.wire.0);
    let [Asked::Enter { id, .. }] = venue.read(0, &bytes)[..] else { panic!("no order") };
    let (side, qty, price) = (Side::Buy, 100, PRICE as u64);
    venue.pump(&[Say::Accepted { id, side, qty, price, order_ref: 71, dead: false }]);
    let report: Vec<u8> = venue.sessions[0].out.drain(..).collect();
    engine.hear(&report);
    let before = engine.path.log.counts().sent;
    engine.kill(scope);
    let (mut kinds, bytes) = (Vec::new(), std::mem::take(&mut engine.wire.0));
    let mut rest = &bytes[..];
    while let Some((frame, used)) = ocg::next_frame(rest).expect("frames") {
        kinds.push(match ocg::Message::parse(&frame).expect("a message") {
            ocg::Message::MassCancel(_) => "all",
            ocg::Message::Cancel(_) => "one",
            other => panic!("{other:?}"),
        });
        rest = &rest[used..];
    }
    (kinds, engine.path.log.counts().sent - before)
}

#[test]
fn a_sweep_of_everything_begins_with_one_message_where_that_is_wanted() {
    assert_eq!(ocg_kill(true, KillScope::Global), (vec!["all", "one"], 2));
    assert_eq!(ocg_kill(true, KillScope::Account(ACCOUNT)), (vec!["one"], 1));
    assert_eq!(ocg_kill(false, KillScope::Global), (vec!["one"], 1));
}
