//! A live engine steered through its mailbox: pages of parameters, models, requests.
//!
//! The oracle is the journal: what every decision behind a page was, and that the run comes out the
//! same when it is run again, with the pages, by the software alone.

mod rig;

use std::fs;
use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};

use nofx_app::config::Config;
use nofx_app::live::record::{Decision, Kind, decode_request};
use nofx_app::params::Params;
use nofx_gate::{Rejects, Rule};
use nofx_mailbox::journal::Reader;
use nofx_mailbox::param::table;
use nofx_mailbox::{
    AckView, ControlCommand, EngineState, EventKind, ParamRow, ParamSpec, Refusal, Request, Scope,
    Steering, Switch, Watcher, Why,
};
use nofx_model::{FEATURES, LinearModel, Term, schema_hash};
use nofx_rt::rng::Rng;
use nofx_signal::{InstrumentSet, Maker};
use nofx_types::{
    Instrument, InstrumentId, Instruments, IntentKind, Nanos, OrderIntent, Price, Side, Symbol,
};
use rig::us::{ENGINE, VENUE};
use rig::{PATIENCE, Rig, assert_runs_again, report, terminate};

/// An engine in a rig, and the hand that steers it.
struct Pilot {
    rig: Rig,
    steering: Steering,
    asked: u64,
}

impl Pilot {
    fn of(rig: Rig) -> Pilot {
        rig.until("orders.accepted", |n| n >= 5);
        let steering = Steering::open(rig.path("mailbox")).expect("an engine");
        Pilot { rig, steering, asked: 0 }
    }

    fn watcher(&self) -> Watcher {
        Watcher::attach(self.rig.path("mailbox")).expect("an engine")
    }

    /// The row of a key, by its name.
    fn row(&self, table: u16, scope: u32, name: &str, value: i64) -> ParamRow {
        let watcher = self.watcher();
        let spec = watcher.schema().iter().find(|s| s.table == table && s.name() == name);
        let key = spec.unwrap_or_else(|| panic!("no key {name}")).key;
        ParamRow { table, key, scope, value }
    }

    fn until(&self, what: &str, wanted: impl Fn(&Watcher) -> bool) {
        let start = Instant::now();
        while !wanted(&self.watcher()) {
            assert!(start.elapsed() < PATIENCE, "{what} does not come");
            sleep(Duration::from_millis(5));
        }
    }

    fn params_ack(&self) -> AckView {
        self.watcher().params_ack().expect("written").value
    }

    fn publish(&mut self, version: u64, rows: &[ParamRow]) -> u64 {
        let done = self.steering.publish_params(version, 0, Nanos(1), rows);
        done.expect("this engine")
    }

    /// Publishes a page and waits until it is in force.
    fn apply(&mut self, version: u64, rows: &[ParamRow]) -> u64 {
        let publication = self.publish(version, rows);
        self.applied(publication);
        assert_eq!(self.params_ack().applied_version, version);
        publication
    }

    fn applied(&self, publication: u64) {
        self.until("the acknowledgement", |watcher| {
            let ack = watcher.params_ack().expect("written").value;
            let refused = ack.refused == publication;
            assert!(!refused, "refused: {:?}, row {}", Why::from_number(ack.why), ack.row);
            ack.applied == publication
        });
    }

    /// Publishes a page and waits until it is refused; nothing else may change.
    fn refused(&mut self, why: Why, row: u32, rows: &[ParamRow]) {
        let before = (self.params_ack(), self.in_force());
        let publication = self.publish(99, rows);
        self.until("the refusal", |watcher| {
            let ack = watcher.params_ack().expect("written").value;
            assert_ne!(ack.applied, publication, "{why} was taken");
            ack.refused == publication
        });
        let ack = self.params_ack();
        assert_eq!((Why::from_number(ack.why), ack.row), (Some(why), row));
        assert_eq!(ack.value, rows.get(row as usize).map_or(0, |row| row.value));
        assert_eq!((ack.applied, ack.seen), (before.0.applied, publication));
        assert_eq!(self.in_force(), before.1, "{why}");
    }

    fn in_force(&self) -> Vec<ParamRow> {
        let rows = self.watcher().in_force().expect("written").value;
        assert_eq!(rows.total, rows.rows.len() as u64);
        rows.rows
    }

    fn value(&self, table: u16, scope: u32, name: &str) -> i64 {
        let wanted = self.row(table, scope, name, 0);
        let same = |row: &&ParamRow| (row.table, row.key, row.scope) == (table, wanted.key, scope);
        self.in_force().iter().find(same).expect("it is shown").value
    }

    /// Ids of the traded instruments.
    fn traded(&self) -> Vec<u32> {
        let mut ids: Vec<_> =
            self.in_force().iter().filter(|r| r.table == table::SYMBOL).map(|r| r.scope).collect();
        ids.dedup();
        ids
    }

    /// Sends a command; what it came to.
    fn ask(&mut self, epoch: u32, command: Option<ControlCommand>) -> (u32, u64) {
        self.asked += 1;
        let id = self.asked;
        self.steering.send(&Request { id, epoch, at: Nanos(id), command }).expect("room");
        let start = Instant::now();
        loop {
            if let Some(reply) = self.steering.next_reply() {
                assert_eq!(reply.id, id);
                return (reply.result, reply.value);
            }
            assert!(start.elapsed() < PATIENCE, "{command:?} is not answered");
            sleep(Duration::from_millis(1));
        }
    }

    fn more(&self, counter: &str, by: u64) {
        let before = self.rig.until(counter, |_| true);
        self.rig.until(counter, |n| n >= before + by);
    }
}

/// What the journal says, in order.
#[derive(Debug)]
enum Step {
    Started,
    /// Publication, and why it was refused.
    Taken(u64, Option<Why>),
    Decided(OrderIntent, Rejects),
    Asked(Option<ControlCommand>),
}

fn steps(journal: &Path) -> Vec<Step> {
    let mut reader = Reader::open(journal).expect("there");
    let mut steps = Vec::new();
    while let Some(record) = reader.next().expect("sound") {
        let bytes = |at: usize| record.payload[at..at + 8].try_into().expect("eight");
        match Kind::of(record.kind) {
            Some(Kind::Start) => steps.push(Step::Started),
            Some(Kind::Taken) => {
                let why = u64::from_le_bytes(bytes(24)) as u32;
                steps.push(Step::Taken(u64::from_le_bytes(bytes(8)), Why::from_number(why)));
            }
            Some(Kind::Request) => {
                let request = decode_request(record.payload).expect("whole");
                steps.push(Step::Asked(request.command));
            }
            Some(Kind::Decision) => {
                let decision = Decision::decode(record.payload).expect("whole");
                steps.push(Step::Decided(decision.intent, decision.rejects));
            }
            _ => {}
        }
    }
    steps
}

/// New orders and replaces that were decided under each publication, in the order of the pages.
fn under_pages(steps: &[Step]) -> Vec<(u64, Vec<(OrderIntent, Rejects)>)> {
    let mut pages = vec![(0, Vec::new())];
    for step in steps {
        match step {
            Step::Taken(publication, Some(Why::None)) => pages.push((*publication, Vec::new())),
            Step::Decided(intent, rejects) if intent.kind != IntentKind::Cancel => {
                pages.last_mut().expect("one").1.push((*intent, *rejects));
            }
            _ => {}
        }
    }
    pages
}

/// How many decisions passed between the first halt and the first resume, by whether they cancel.
fn passed_while_halted(steps: &[Step]) -> [usize; 2] {
    let asked = |wanted| move |step: &Step| matches!(step, Step::Asked(c) if *c == Some(wanted));
    let halt = steps.iter().position(asked(ControlCommand::Halt)).expect("a halt");
    let resume = steps.iter().position(asked(ControlCommand::Resume)).expect("a resume");
    let mut passed = [0; 2];
    for step in &steps[halt..resume] {
        if let Step::Decided(intent, rejects) = step
            && rejects.is_pass()
        {
            passed[usize::from(intent.kind == IntentKind::Cancel)] += 1;
        }
    }
    passed
}

fn start(what: &str) -> Option<Rig> {
    // Refusals are what is looked at: quotes come back soon, and no event is overwritten.
    let engine = ENGINE.replace("[live]", "[live]\nevents = 65536")
        + "[strategy.maker]\nretry_ns = 100000\n[strategy.imbalance]\nretry_ns = 100000\n";
    Rig::start(what, &[("venue.toml", VENUE), ("engine.toml", &engine)])
}

#[test]
fn limits_and_strategy_follow_the_pages_on_card_and_software_alike() {
    let Some(rig) = start("pages") else { return };
    let card = ["--gate", "lockstep", "--gate-device", "model"];
    let engine = rig.engine(&card);
    let mut pilot = Pilot::of(rig);
    let (all, held) = (ParamRow::ALL, pilot.in_force());
    let traded = pilot.traded();
    let [one, other] = [traded[0], traded[1]];
    let symbol =
        |pilot: &Pilot, scope, name: &str, value| pilot.row(table::SYMBOL, scope, name, value);
    assert_eq!(pilot.params_ack(), AckView::default());

    // Every order is above the limit: none passes from the next decision on.
    let small = [symbol(&pilot, all, "qty_max", 50)];
    let no_qty = pilot.apply(1, &small);
    pilot.more("reject.max_qty", 20);
    assert_eq!(pilot.value(table::SYMBOL, one, "qty_max"), 50);
    assert!(pilot.params_ack().first_used_ns >= pilot.params_ack().applied_at_ns);

    // What the page before said of quantities is gone; one symbol may not be bought, one is halted.
    let shut = [symbol(&pilot, one, "buy", 0), symbol(&pilot, other, "halted", 1)];
    let no_buys = pilot.apply(2, &shut);
    pilot.more("reject.permission", 20);
    pilot.more("reject.halt", 20);
    assert_eq!(pilot.value(table::SYMBOL, one, "qty_max"), 10_000);

    let poor = [pilot.row(table::ACCOUNT, 0, "gross_max", 1)];
    let no_money = pilot.apply(3, &poor);
    pilot.more("reject.gross", 20);

    let near = [pilot.row(table::HOST, all, "distance_ticks_max", 0)];
    let near = [&near[..], &[pilot.row(table::HOST, all, "distance_bps_max", 0)]].concat();
    let style = [
        pilot.row(table::STRATEGY, all, "size_lots", 3),
        pilot.row(table::STRATEGY, all, "offset_ticks", 2),
    ];
    let other_style = pilot.apply(4, &[&near[..], &style].concat());
    pilot.more("reject.distance", 20);
    assert_eq!(pilot.value(table::STRATEGY, all, "size_lots"), 3);

    // A roll back is a page like any other.
    let back = pilot.steering.roll_back_params(1, 0).expect("kept");
    pilot.applied(back);
    pilot.more("reject.max_qty", 20);

    let no_key = ParamRow { table: table::SYMBOL, key: 40, scope: all, value: 1 };
    let good = symbol(&pilot, one, "qty_max", 7);
    let bad = [
        (Why::UnknownKey, 1, vec![good, no_key]),
        (Why::UnknownKey, 0, vec![ParamRow { table: 9, ..no_key }]),
        (Why::UnknownScope, 0, vec![symbol(&pilot, 60, "qty_max", 1)]),
        (Why::UnknownScope, 1, vec![good, ParamRow { scope: 9, ..poor[0] }]),
        (Why::UnknownScope, 0, vec![ParamRow { scope: 0, ..near[0] }]),
        (Why::OutOfBounds, 1, vec![good, symbol(&pilot, one, "lot", 0)]),
        (Why::OutOfBounds, 0, vec![symbol(&pilot, one, "buy", 2)]),
        (Why::OutOfBounds, 0, vec![symbol(&pilot, one, "long_max", -1)]),
        (Why::Contradiction, 1, vec![good, good]),
        (
            Why::Contradiction,
            0,
            vec![symbol(&pilot, one, "price_low", 9), symbol(&pilot, one, "price_high", 8)],
        ),
        (
            Why::Contradiction,
            0,
            vec![
                pilot.row(table::STRATEGY, all, "max_inventory_lots", 1),
                pilot.row(table::STRATEGY, all, "size_lots", 2),
            ],
        ),
    ];
    let refusals = bad.len() as u64;
    for (why, row, rows) in bad {
        pilot.refused(why, row, &rows);
    }
    let refused = pilot.rig.until("control.refused", |n| n == refusals);
    assert_eq!(refused, refusals);

    let free = pilot.apply(5, &[]);
    assert_eq!(pilot.in_force(), held, "the configuration again");
    pilot.more("orders.accepted", 5);
    let again = pilot.apply(2, &shut); // the refused pages took its place among those kept
    pilot.more("reject.permission", 5);
    let free_again = pilot.apply(5, &[]);
    pilot.more("orders.accepted", 2);

    let mut switch = Switch::open(pilot.rig.path("mailbox")).expect("an engine");
    switch.raise_epoch(7).expect("higher");
    drop(switch);
    pilot.until("the epoch", |watcher| watcher.kill_words().epoch() == 7);
    pilot.refused(Why::Fenced, 0, &[]);
    let kept = pilot.steering.roll_back_params(2, 7).expect("kept");
    pilot.applied(kept);
    pilot.more("reject.permission", 20);

    terminate(&engine);
    let closing = report(engine);
    assert!(closing["gate"]["failure"].is_null(), "{}", closing["gate"]);
    assert_eq!(closing["sealed_allocations"], 0);
    let steps = steps(&pilot.rig.path("journal"));
    let pages = under_pages(&steps);
    let order: Vec<u64> = pages.iter().map(|(publication, _)| *publication).collect();
    let wanted = [0, no_qty, no_buys, no_money, other_style, back, free, again, free_again, kept];
    assert_eq!(order, wanted);
    for (publication, decisions) in &pages {
        assert!(!decisions.is_empty(), "publication {publication}");
        let all = |holds: &dyn Fn(&OrderIntent, Rejects) -> bool| {
            for (intent, rejects) in decisions {
                assert!(holds(intent, *rejects), "{publication}: {intent:?} {rejects:?}");
            }
        };
        let broke = |rejects: Rejects, rule| rejects.is_pass() || !rejects.has(rule);
        let any = |rule| decisions.iter().any(|(_, rejects)| rejects.has(rule));
        match *publication {
            p if p == no_qty || p == back => all(&|_, rejects| !rejects.is_pass()),
            p if p == no_buys || p == again || p == kept => {
                let shut = |intent: &OrderIntent| {
                    intent.instrument.0 == other
                        || intent.instrument.0 == one && intent.side == Side::Buy
                };
                all(&|intent, rejects| !shut(intent) || !rejects.is_pass());
                assert!(any(Rule::Permission));
            }
            p if p == no_money => all(&|_, rejects| !rejects.is_pass()),
            p if p == other_style => {
                assert!(decisions.iter().any(|(intent, _)| intent.qty.0 == 300), "three lots");
                assert!(any(Rule::Distance));
            }
            _ => all(&|intent, rejects| broke(rejects, Rule::MaxQty) && intent.qty.0 <= 100),
        }
    }

    // The page in force is the first thing that the next engine is told.
    let engine = pilot.rig.engine(&card);
    drop(pilot.steering);
    pilot.rig.until("reject.permission", |n| n >= 10);
    let watcher = Watcher::attach(pilot.rig.path("mailbox")).expect("an engine");
    let ack = watcher.params_ack().expect("written").value;
    assert_eq!((ack.applied, ack.applied_version), (kept, 2));
    terminate(&engine);
    report(engine);
    let again = self::steps(&pilot.rig.path("journal"));
    let second = again.iter().rposition(|step| matches!(step, Step::Started)).expect("two runs");
    assert!(matches!(again[second + 1], Step::Taken(page, Some(Why::None)) if page == kept));
    assert_runs_again(&pilot.rig.path("journal"), 2);
}

#[test]
fn requests_are_carried_out_and_answered_and_a_halt_outlives_the_engine() {
    let Some(rig) = start("requests") else { return };
    let engine = rig.engine(&[]);
    let mut pilot = Pilot::of(rig);
    let mut events = pilot.watcher().events();
    let done = (0, 0);
    assert_eq!(pilot.ask(0, Some(ControlCommand::Halt)), done);
    pilot.more("reject.held", 20);
    assert_eq!(pilot.rig.until("control.halted", |n| n == 1), 1);
    pilot.until("the state", |watcher| watcher.state() == Some(EngineState::Stopped));
    assert_eq!(pilot.ask(0, Some(ControlCommand::CancelAll(Scope::Global))), done);
    pilot.rig.until("orders.open", |n| n == 0);
    pilot.more("reject.held", 20);
    assert_eq!(pilot.ask(0, Some(ControlCommand::Resume)), done);
    pilot.rig.until("orders.open", |n| n >= 2);

    let symbol = pilot.traded()[0];
    for scope in [Scope::Account(0), Scope::Account(3), Scope::Symbol(symbol)] {
        assert_eq!(pilot.ask(0, Some(ControlCommand::CancelAll(scope))), done);
    }
    let unknown = (Refusal::UnknownScope as u32, 0);
    for scope in [Scope::Account(4), Scope::Symbol(64)] {
        assert_eq!(pilot.ask(0, Some(ControlCommand::CancelAll(scope))), unknown);
    }
    assert_eq!(pilot.ask(0, None), (Refusal::UnknownCommand as u32, 0));

    let before = pilot.watcher().orders().expect("written").sequence;
    assert_eq!(pilot.ask(0, Some(ControlCommand::Snapshot)), done);
    assert!(pilot.watcher().orders().expect("written").sequence > before);
    let files = |pilot: &Pilot| {
        let names = fs::read_dir(pilot.rig.path("journal")).expect("the folder");
        let name = |entry: std::io::Result<fs::DirEntry>| entry.expect("there").path();
        names.map(name).filter(|p| p.extension().is_some_and(|e| e == "journal")).count()
    };
    let segments = files(&pilot);
    assert_eq!(pilot.ask(0, Some(ControlCommand::RotateJournal)), done);
    pilot.until("a new segment", |_| files(&pilot) > segments);

    // The page that was published is the one meant, whether it was taken by then or not.
    let good = [pilot.row(table::SYMBOL, symbol, "qty_max", 9)];
    let publication = pilot.publish(1, &good);
    assert_eq!(pilot.ask(0, Some(ControlCommand::SetLimits { publication })), done);
    let publication = pilot.publish(2, &[ParamRow { scope: 63, ..good[0] }]);
    let refused = (Refusal::PageRefused as u32, Why::UnknownScope as u64);
    assert_eq!(pilot.ask(0, Some(ControlCommand::SetLimits { publication })), refused);
    let later = ControlCommand::SetLimits { publication: publication + 1 };
    assert_eq!(pilot.ask(0, Some(later)), (Refusal::NotCurrent as u32, publication));
    let model = ControlCommand::SwapModel { publication: 1 };
    assert_eq!(pilot.ask(0, Some(model)), (Refusal::NotCurrent as u32, 0));

    let mut switch = Switch::open(pilot.rig.path("mailbox")).expect("an engine");
    switch.raise_epoch(3).expect("higher");
    pilot.until("the epoch", |watcher| watcher.kill_words().epoch() == 3);
    assert_eq!(pilot.ask(2, Some(ControlCommand::Halt)), (Refusal::Fenced as u32, 3));
    assert_eq!(pilot.ask(3, Some(ControlCommand::Halt)), done);
    pilot.more("reject.held", 5);
    drop(switch);

    let mut seen = Vec::new();
    while let Some(event) = events.next() {
        seen.push(event.expect("the ring is long enough"));
    }
    let texts: Vec<String> = seen
        .iter()
        .filter(|event| event.kind() == Some(EventKind::Command) && event.code == 0)
        .map(|event| event.text())
        .collect();
    assert_eq!(texts[..3], ["halt", "cancel all", "resume"]);
    for kind in [EventKind::Sent, EventKind::Refused, EventKind::Accepted, EventKind::Canceled] {
        let of_kind = seen.iter().find(|event| event.kind() == Some(kind)).expect("some");
        assert!(!of_kind.symbol().is_empty() && of_kind.price > 0, "{of_kind:?}");
    }
    for kind in [EventKind::ParamsApplied, EventKind::ParamsRefused, EventKind::EngineState] {
        assert!(seen.iter().any(|event| event.kind() == Some(kind)), "{kind}");
    }
    terminate(&engine);
    assert_eq!(report(engine)["sealed_allocations"], 0);
    let [orders, cancels] = passed_while_halted(&steps(&pilot.rig.path("journal")));
    assert!(orders == 0 && cancels > 0, "{orders} orders and {cancels} cancels");

    // Only a resume ends a halt.
    drop(pilot.steering);
    let engine = pilot.rig.engine(&[]);
    pilot.rig.until("reject.held", |n| n >= 10);
    assert_eq!(pilot.rig.until("orders.accepted", |_| true), 0);
    pilot.steering = Steering::open(pilot.rig.path("mailbox")).expect("an engine");
    assert_eq!(pilot.ask(3, Some(ControlCommand::Resume)), done);
    pilot.rig.until("orders.accepted", |n| n >= 1);
    terminate(&engine);
    report(engine);
    assert_runs_again(&pilot.rig.path("journal"), 2);
}

/// A model that always predicts a move of so many ticks.
fn always(ticks: f64) -> [u64; LinearModel::WORDS] {
    LinearModel::words_of(ticks, &[Term { weight: 0.0, mean: 0.0, scale: 1.0 }; FEATURES])
}

#[test]
fn a_model_is_exchanged_under_a_running_strategy() {
    let Some(rig) = start("models") else { return };
    let weights = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/imbalance.toml");
    let weights = format!("strategy.imbalance.weights=\"{weights}\"");
    let name = "strategy.name=\"imbalance\"";
    let slow = "strategy.imbalance.max_position_lots=1000";
    let engine = rig.engine(&["--set", name, "--set", &weights, "--set", slow]);
    let mut pilot = Pilot::of(rig);
    let watcher = pilot.watcher();
    assert_eq!((watcher.model_kind(), watcher.model_schema()), (1, schema_hash()));
    let models = |pilot: &Pilot| pilot.watcher().model_ack().expect("written").value;
    let publish = |pilot: &mut Pilot, version, schema, words: &[u64]| {
        let done = pilot.steering.publish_model(version, 0, Nanos(1), schema, words);
        let publication = done.expect("this engine");
        pilot.until("the model", |w| w.model_ack().expect("written").value.seen == publication);
        publication
    };
    let buys = publish(&mut pilot, 1, schema_hash(), &always(9.0));
    assert_eq!(models(&pilot).applied, buys);
    pilot.more("intents", 20);
    let sells = publish(&mut pilot, 2, schema_hash(), &always(-9.0));
    assert_eq!(models(&pilot).applied, sells);
    pilot.more("intents", 20);
    let mut broken = always(1.0);
    broken[3] = 0f64.to_bits(); // the scale of the first feature
    publish(&mut pilot, 3, schema_hash(), &broken);
    let ack = models(&pilot);
    assert_eq!((ack.applied, ack.row), (sells, 3));
    assert_eq!(Why::from_number(ack.why), Some(Why::OutOfBounds));
    publish(&mut pilot, 4, schema_hash() + 1, &always(1.0));
    assert_eq!(Why::from_number(models(&pilot).why), Some(Why::Schema));
    let file = publish(&mut pilot, 0, schema_hash(), &[]);
    assert_eq!(models(&pilot).applied, file);
    let take = [pilot.row(table::STRATEGY, ParamRow::ALL, "enter_ticks", 0.25f64.to_bits() as i64)];
    pilot.apply(1, &take);
    let no_number = ParamRow { value: f64::NAN.to_bits() as i64, ..take[0] };
    pilot.refused(Why::OutOfBounds, 0, &[no_number]);
    pilot.more("intents", 5);
    terminate(&engine);
    assert_eq!(report(engine)["sealed_allocations"], 0);
    let steps = steps(&pilot.rig.path("journal"));
    let pages = under_pages(&steps);
    let sides = |publication| {
        let page = pages.iter().find(|(page, _)| *page == publication).expect("taken");
        page.1.iter().map(|(intent, _)| intent.side).collect::<Vec<_>>()
    };
    assert!(sides(buys).iter().all(|side| *side == Side::Buy), "{:?}", sides(buys));
    assert!(sides(sells).iter().all(|side| *side == Side::Sell), "{:?}", sides(sells));
    assert_runs_again(&pilot.rig.path("journal"), 1);
}

#[test]
fn a_strategy_without_a_model_refuses_every_one() {
    let Some(rig) = start("no model") else { return };
    let engine = rig.engine(&[]);
    let mut pilot = Pilot::of(rig);
    let publication = pilot.steering.publish_model(1, 0, Nanos(1), 0, &[]).expect("this engine");
    pilot.until("the refusal", |w| w.model_ack().expect("written").value.refused == publication);
    let ack = pilot.watcher().model_ack().expect("written").value;
    assert_eq!((Why::from_number(ack.why), ack.applied), (Some(Why::NotSupported), 0));
    terminate(&engine);
    report(engine);
    assert_runs_again(&pilot.rig.path("journal"), 1);
}

/// What a page comes to, from a list of its rows: those for all first, those of a scope over them.
fn naive(config: &[ParamRow], page: &[ParamRow]) -> Vec<ParamRow> {
    let mut rows = config.to_vec();
    for wide in [true, false] {
        for said in page.iter().filter(|said| (said.scope == ParamRow::ALL) == wide) {
            let same = |row: &&mut ParamRow| {
                (row.table, row.key) == (said.table, said.key) && (wide || row.scope == said.scope)
            };
            rows.iter_mut().filter(same).for_each(|row| row.value = said.value);
        }
    }
    rows
}

#[test]
fn random_pages_come_to_what_a_list_of_their_rows_says() {
    let ids: Vec<_> = [3, 9, 11].map(InstrumentId).to_vec();
    let traded = InstrumentSet::new(&ids, 16).expect("inside");
    let mut instruments = Instruments::new(16);
    let mut defined = Instrument::unknown(InstrumentId(9));
    (defined.symbol, defined.flags.defined) = (Symbol::new("NINE").expect("short"), true);
    (defined.limit_low, defined.limit_high) = (Price(50), Price(90));
    instruments.set(defined).expect("inside");
    let config = Config::default();
    let strategy = Maker::new(config.strategy.maker, &ids, 16).expect("defaults");
    let open = || Params::new(&config, traded.len(), &strategy);
    let mut params = open();
    let shown = |params: &Params| params.in_force(&traded, &instruments).collect::<Vec<_>>();
    let (seed, begin) = (20_261_126, shown(&params));
    let mut rng = Rng::new(seed);
    let (mut taken, mut refused) = (0, 0);
    for turn in 0..20_000 {
        let page: Vec<_> = (0..rng.below(6)).map(|_| any_row(&mut rng, params.schema())).collect();
        let before = shown(&params);
        match params.read(page.iter().copied(), &traded, &instruments) {
            Ok(()) => {
                params.turn();
                let same = shown(&params) == naive(&begin, &page);
                assert!(same, "seed {seed}, turn {turn}: {page:?}");
                taken += 1;
            }
            Err(why) => {
                assert_eq!(shown(&params), before, "seed {seed}, turn {turn}: {why:?}");
                let twice = |row: &ParamRow| {
                    let key = |row: &ParamRow| (row.table, row.key, row.scope);
                    page.iter().filter(|other| key(other) == key(row)).count() > 1
                };
                let row = page[why.row as usize];
                assert_eq!(row.value, why.value, "seed {seed}, turn {turn}: {why:?}");
                let spec =
                    params.schema().iter().find(|s| (s.table, s.key) == (row.table, row.key));
                let right = match why.why {
                    Why::UnknownKey => spec.is_none(),
                    Why::UnknownScope => {
                        ![ParamRow::ALL, 0, 1, 2, 3, 9, 11].contains(&row.scope)
                            || row.table != table::ACCOUNT
                    }
                    Why::OutOfBounds => !spec.expect("known").allows(row.value),
                    Why::Contradiction => twice(&row) || row.table == table::SYMBOL,
                    _ => false,
                };
                assert!(right, "seed {seed}, turn {turn}: {why:?} {page:?}");
                refused += 1;
            }
        }
    }
    assert!(taken > 2_000 && refused > 2_000, "{taken} taken, {refused} refused");
}

/// Mostly a good row, now and then one that is wrong in some way.
fn any_row(rng: &mut Rng, schema: &[ParamSpec]) -> ParamRow {
    let spec = schema[rng.below(schema.len() as u64) as usize];
    let wide = ParamRow::ALL;
    let scopes: &[u32] = match spec.table {
        table::ACCOUNT => &[wide, 0, 1, 2, 3],
        table::SYMBOL => &[wide, 3, 9, 11],
        _ => &[wide],
    };
    let mut row = ParamRow {
        table: spec.table,
        key: spec.key,
        scope: scopes[rng.below(scopes.len() as u64) as usize],
        value: match rng.below(3) {
            0 => spec.min,
            1 => spec.max,
            _ => spec.min + rng.below(100.min(spec.max.abs_diff(spec.min)) + 1) as i64,
        },
    };
    match rng.below(40) {
        0 => row.key = 90,
        1 => row.scope = 5,
        2 => row.value = spec.min.wrapping_sub(1),
        _ => {}
    }
    row
}
