//! Engines that come, go, fall silent and come again; what is steered; what the API shows of them.

mod common;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use common::{Office, Server, good, now, program, run, text, until};
use nofx_control::config::EngineConfig;
use nofx_control::link::{Engines, Standing};
use nofx_mailbox::journal::{Fsync, Record, SegmentConfig, SegmentWriter};
use nofx_mailbox::view::{BookView, FeedView, LevelView, OrderView, PositionView, TileView};
use nofx_mailbox::{
    ControlCommand, Engine, EngineState, Event, EventKind, ParamRow, ParamSpec, Refusal, Reply,
    Spec, Taken,
};
use nofx_shot::record::{Kind, encode_instrument, encode_intent};
use nofx_types::{
    AccountId, ClOrdId, Instrument, InstrumentFlags, InstrumentId, Nanos, OrderIntent, Price, Qty,
    Side, Symbol,
};
use serde_json::Value;
use tempfile::TempDir;

/// What the engine of a rig is told by the test.
enum Tell {
    Put(Event),
    Silence(bool),
    /// Whether requests are answered.
    Answer(bool),
    End,
}

/// An engine in this process: a real mailbox whose words a thread writes as a tile does.
struct Rig {
    tell: Sender<Tell>,
    tile: Option<JoinHandle<()>>,
}

impl Rig {
    fn start(mailbox: &Path) -> Rig {
        let spec = Spec {
            engine: "nofx rig".into(),
            started: now(),
            tiles: vec!["trade".into()],
            counters: vec!["reject.stale_book".into(), "control.halted".into()],
            histograms: vec!["latency.book".into()],
            accounts: 4,
            instruments: 8,
            book_rows: 2,
            orders: 4,
            positions: 4,
            lines: 1,
            journal_bytes: 1 << 12,
            schema: vec![
                ParamSpec::new(1, 0, 0, ["open_orders_max", "orders", ""]).within(0, 99, 9),
            ],
            param_rows: 8,
            commands: 8,
            events: 64,
            ..Spec::default()
        };
        let engine = Engine::create(mailbox, &spec).unwrap();
        engine.set_state(EngineState::Trading);
        pages(&engine);
        let (tell, told) = channel();
        let ready = AtomicBool::new(false);
        engine.beat(0, now());
        ready.store(true, Ordering::Relaxed);
        let tile = std::thread::spawn(move || live(engine, &told));
        Rig { tell, tile: Some(tile) }
    }

    fn tell(&self, what: Tell) {
        self.tell.send(what).unwrap();
    }
}

impl Drop for Rig {
    fn drop(&mut self) {
        _ = self.tell.send(Tell::End);
        self.tile.take().map(JoinHandle::join);
    }
}

/// Pages that do not change afterwards, so that two programs see the same.
fn pages(engine: &Engine) {
    let (at, mut views) = (now(), engine.views());
    let level = |price, qty| LevelView { price, qty, orders: 1 };
    for (row, symbol) in [(0, *b"AAPL    "), (1, *b"MSFT    ")] {
        let mut book = BookView { symbol, instrument: row as u32 + 3, ..BookView::default() };
        (book.decimals, book.bid_levels, book.ask_levels) = (4, 2, 1);
        (book.bids[0], book.bids[1]) = (level(1_000_000, 300), level(999_900, 100));
        book.asks[0] = level(1_000_100, 200);
        views.book(at, row, &book);
    }
    let order = |cl_ord_id, instrument, account| OrderView {
        cl_ord_id,
        instrument,
        account,
        state: 2,
        price: 1_000_000,
        leaves: 100,
        ..OrderView::default()
    };
    views.orders(at, [order(7, 3, 0), order(8, 4, 1), order(9, 3, 1)]);
    let position = PositionView {
        symbol: *b"AAPL    ",
        instrument: 3,
        position: -300,
        ..PositionView::default()
    };
    views.positions(at, [position]);
    views.feed(at, 0, &FeedView { packets: 12, ..FeedView::default() });
    views.tile(at, 0, &TileView { turns: 100, busy: 40, ..TileView::default() });
    engine.counter(0).set(5);
    (1..100).for_each(|value| engine.histogram(0).record(value));
}

fn live(mut engine: Engine, told: &Receiver<Tell>) {
    let (mut events, mut commands) = (engine.events().unwrap(), engine.commands().unwrap());
    let mut params = engine.params().unwrap();
    let (mut silent, mut answers, mut taken) = (false, true, 0);
    loop {
        match told.recv_timeout(Duration::from_millis(2)) {
            Ok(Tell::Put(event)) => events.put(&event),
            Ok(Tell::Silence(on)) => silent = on,
            Ok(Tell::Answer(on)) => answers = on,
            Ok(Tell::End) => return,
            Err(_) => {}
        }
        if !silent {
            engine.beat(0, now());
        }
        if let Taken::Page(head, _) = params.take() {
            taken = head.publication;
        }
        while answers && let Some(request) = commands.next() {
            let result = match request.command {
                Some(ControlCommand::Halt) => 0,
                Some(ControlCommand::SetLimits { publication }) if publication == taken => 0,
                _ => Refusal::NotNow as u32,
            };
            let reply = Reply { id: request.id, result, at: now(), value: taken, cycles: 1 };
            assert!(commands.answer(&reply));
        }
    }
}

/// Engines followed in this process.
struct Followed {
    dir: TempDir,
    engines: Engines,
}

impl Followed {
    fn start(names: &[&str]) -> Followed {
        let dir = tempfile::tempdir().unwrap();
        let config: Vec<_> = names
            .iter()
            .map(|name| EngineConfig {
                name: (*name).to_owned(),
                mailbox: dir.path().join(name),
                journal: None,
            })
            .collect();
        Followed { engines: Engines::start(&config).unwrap(), dir }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn standing(&self, name: &str) -> (Standing, String) {
        self.engines.get(name).unwrap().standing()
    }

    fn wait(&self, name: &str, standing: Standing) {
        until(&format!("{name} {standing:?}"), || self.standing(name).0 == standing);
    }
}

#[test]
fn engines_start_after_control_fall_silent_and_come_again() {
    let followed = Followed::start(&["a", "b"]);
    followed.wait("a", Standing::Absent);
    until("the reason", || followed.standing("a").1.contains("No such file"));
    let problem = followed.engines.shot("a").unwrap_err();
    assert_eq!((problem.status.as_u16(), problem.code), (503, "engine_absent"));
    assert_eq!(followed.engines.shot("c").unwrap_err().status.as_u16(), 404);

    let a = Rig::start(&followed.path("a"));
    let b = Rig::start(&followed.path("b"));
    followed.wait("a", Standing::Live);
    followed.wait("b", Standing::Live);
    let first = followed.engines.shot("a").unwrap().engine.started_ns;
    a.tell(Tell::Silence(true));
    followed.wait("a", Standing::Silent);
    assert!(!followed.engines.shot("a").unwrap().engine.alive);
    a.tell(Tell::Silence(false));
    followed.wait("a", Standing::Live);

    a.tell(Tell::Put(Event::new(EventKind::Filled, 5).saying("first run")));
    let link = followed.engines.get("a").unwrap();
    let kinds = || link.recent(0, 99).into_iter().map(|event| event.kind).collect::<Vec<_>>();
    until("the fill", || kinds() == ["attached", "filled"]);
    let last = link.recent(0, 99).last().unwrap().seq;
    drop(a);
    let again = Rig::start(&followed.path("a"));
    until("the next run", || {
        followed.engines.shot("a").is_ok_and(|shot| shot.engine.started_ns > first)
    });
    assert_eq!(link.view().attached, 2);
    again.tell(Tell::Put(Event::new(EventKind::Sent, 6)));
    until("its events", || {
        let kinds: Vec<_> = link.recent(last, 99).into_iter().map(|event| event.kind).collect();
        kinds == ["attached", "sent"]
    });
    drop(b);
    std::fs::remove_file(followed.path("b")).unwrap();
    followed.wait("b", Standing::Absent);
    assert!(followed.engines.shot("b").is_err(), "no old numbers of a mailbox that is not there");
    assert_eq!(followed.standing("a").0, Standing::Live, "the other one goes on");
}

#[test]
fn another_abi_is_told_with_both_versions_and_never_read() {
    let followed = Followed::start(&["a"]);
    let rig = Rig::start(&followed.path("a"));
    followed.wait("a", Standing::Live);
    drop(rig);
    let mut image = std::fs::read(followed.path("a")).unwrap();
    let abi = nofx_mailbox::ABI.to_le_bytes();
    let at = image.windows(4).position(|bytes| bytes == abi).unwrap();
    image[at] = 99;
    let (other, path) = (followed.path("other"), followed.path("a"));
    std::fs::write(&other, &image).unwrap();
    std::fs::rename(&other, &path).unwrap();
    followed.wait("a", Standing::Problem);
    let problem = followed.engines.shot("a").unwrap_err();
    assert_eq!(problem.code, "engine_unreadable");
    for word in ["99", &nofx_mailbox::ABI.to_string(), "nofx rig"] {
        assert!(problem.detail.contains(word), "{problem}");
    }
    std::fs::write(&other, b"something else, longer than eight bytes").unwrap();
    std::fs::rename(&other, &path).unwrap();
    until("foreign", || followed.standing("a").1.contains("not a mailbox"));
}

#[test]
fn events_that_were_overwritten_are_counted() {
    let followed = Followed::start(&["a"]);
    let rig = Rig::start(&followed.path("a"));
    followed.wait("a", Standing::Live);
    (0..1_000).for_each(|n| rig.tell(Tell::Put(Event::new(EventKind::Sent, n))));
    let link = followed.engines.get("a").unwrap();
    let seen = || link.recent(0, usize::MAX);
    until("the last one", || seen().last().is_some_and(|event| event.number == 1_000));
    let (lost, came): (Vec<_>, Vec<_>) = seen()
        .into_iter()
        .filter(|event| event.kind != "attached")
        .partition(|event| event.kind == "lost");
    let lost: i64 = lost.iter().map(|event| event.value).sum();
    assert_eq!(came.len() as i64 + lost, 1_000, "{lost} lost");
}

#[tokio::test(flavor = "multi_thread")]
async fn commands_are_answered_or_their_fate_is_unknown() {
    let wait = Duration::from_secs(30);
    let followed = Followed::start(&["a"]);
    let refused = followed.engines.command("a", 1, ControlCommand::Halt, wait).await;
    assert_eq!(refused.unwrap_err().code, "engine_absent");
    let rig = Rig::start(&followed.path("a"));
    followed.wait("a", Standing::Live);
    let publish = |version, value| {
        let rows = [ParamRow { table: 1, key: 0, scope: 0, value }];
        followed.engines.steer("a", move |steering, watcher| {
            steering.publish_params(version, watcher.kill_words().epoch(), now(), &rows)
        })
    };
    publish(1, 5).await.unwrap();
    let publication = publish(2, 6).await.unwrap();
    assert_eq!(followed.engines.watcher("a").unwrap().current_params().unwrap().0.version, 2);
    until("the page before in the record", || {
        followed.engines.shot("a").is_ok_and(|shot| shot.params.kept == [1])
    });
    let set = ControlCommand::SetLimits { publication };
    let reply = followed.engines.command("a", 2, set, wait).await.unwrap().unwrap();
    assert_eq!((reply.id, reply.result, reply.value), (2, 0, publication));
    let no = followed.engines.command("a", 3, ControlCommand::Resume, wait).await.unwrap().unwrap();
    assert_eq!(Refusal::from_number(no.result), Some(Refusal::NotNow));
    assert_eq!(followed.engines.reply("a", 2).await.unwrap(), Some(reply), "asked for again");

    // Silence is neither yes nor no; the answer that comes late is found.
    rig.tell(Tell::Answer(false));
    let short = Duration::from_millis(300);
    assert_eq!(followed.engines.command("a", 4, ControlCommand::Halt, short).await.unwrap(), None);
    rig.tell(Tell::Answer(true));
    let mut late = None;
    while late.is_none() {
        late = followed.engines.reply("a", 4).await.unwrap();
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    // An engine that is started again while a command waits: unknown, long before the time is over.
    rig.tell(Tell::Answer(false));
    let waiting = followed.engines.command("a", 5, ControlCommand::Halt, Duration::from_secs(600));
    let path = followed.path("a");
    let again = async {
        tokio::time::sleep(Duration::from_millis(200)).await;
        tokio::task::spawn_blocking(move || {
            drop(rig);
            Rig::start(&path)
        })
        .await
        .unwrap()
    };
    let (unknown, _rig) = tokio::join!(waiting, again);
    assert_eq!(unknown.unwrap(), None);
    let reply = followed.engines.command("a", 6, ControlCommand::Halt, wait).await.unwrap();
    assert_eq!(reply.map(|reply| reply.result), Some(0), "the new file is steered");
    assert_eq!(
        followed.engines.watcher("a").unwrap().current_params().unwrap().0.publication,
        publication,
        "the page came along"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn two_processes_do_not_steer_one_engine() {
    let followed = Followed::start(&["a"]);
    let _rig = Rig::start(&followed.path("a"));
    followed.wait("a", Standing::Live);
    let other = nofx_mailbox::Steering::open(followed.path("a")).unwrap();
    let refused = followed.engines.steer("a", |_, _| Ok(())).await;
    assert_eq!(refused.unwrap_err().code, "steered_elsewhere");
    drop(other);
    followed.engines.steer("a", |_, _| Ok(())).await.unwrap();
}

/// A served rig, and a viewer.
struct Served {
    office: Office,
    server: Server,
    rig: Rig,
}

impl Served {
    fn start() -> Served {
        let office = Office::new();
        office.issue("viewer", "victor", &["viewer"]);
        let rig = Rig::start(&office.path("mailbox"));
        journal(&office.path("journal"));
        let more = format!(
            "[[engine]]\nname = \"a\"\nmailbox = \"mailbox\"\njournal = \"journal\"\n\
             [[engine]]\nname = \"absent\"\nmailbox = {:?}",
            text(&office.path("nothing"))
        );
        office.configure(&[], &more);
        let server = office.serve();
        let served = Served { office, server, rig };
        until("live", || served.get("/api/v1/engines").1["items"][0]["standing"] == "live");
        served
    }

    fn get(&self, path: &str) -> (u16, Value) {
        self.office.ask(&self.server, Some("viewer"), "GET", path, None)
    }

    fn items(&self, path: &str) -> Vec<Value> {
        let (status, page) = self.get(path);
        assert_eq!(status, 200, "{path}: {page}");
        page["items"].as_array().unwrap().clone()
    }

    /// The lines of a stream until `end` says enough.
    fn stream(&self, path: &str, end: impl Fn(&str) -> bool) -> String {
        use std::io::Read;
        let mut curl = std::process::Command::new("curl")
            .args(["-sSN", "--max-time", "60", "--cacert", text(&self.office.path("pki/ca.crt"))])
            .args(["--cert", text(&self.office.path("viewer.crt"))])
            .args(["--key", text(&self.office.path("viewer.key"))])
            .arg(format!("{}{path}", self.server.url))
            .stdout(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        let (mut said, mut room) = (String::new(), [0; 65_536]);
        let out = curl.stdout.as_mut().unwrap();
        while !end(&said) {
            let n = out.read(&mut room).unwrap();
            assert!(n > 0, "the stream ended: {said}");
            said += &String::from_utf8_lossy(&room[..n]);
        }
        curl.kill().unwrap();
        curl.wait().unwrap();
        said
    }
}

/// Decisions on two symbols, over several segments.
fn journal(folder: &Path) {
    let config = SegmentConfig {
        segment_bytes: 70_000,
        disk_max_bytes: 10 << 20,
        fsync: Fsync::Never,
        session: Nanos(1),
        engine: "nofx rig".into(),
    };
    let mut writer = SegmentWriter::open(folder, config).unwrap();
    for number in 1..=2_000u64 {
        let (kind, payload) = record(number);
        let record = Record { number, kind: kind as u8, at: Nanos(number * 10), payload: &payload };
        writer.append(&record).unwrap();
    }
    writer.sync(Nanos(1)).unwrap();
}

fn record(number: u64) -> (Kind, Vec<u8>) {
    if number <= 2 {
        let instrument = Instrument {
            id: InstrumentId(number as u32 + 2),
            symbol: Symbol(if number == 1 { *b"AAPL    " } else { *b"MSFT    " }),
            decimals: 4,
            tick: 100,
            lot: 100,
            previous_close: Price(0),
            limit_low: Price(0),
            limit_high: Price(0),
            flags: InstrumentFlags::default(),
        };
        return (Kind::Definition, encode_instrument(&instrument).to_vec());
    }
    if !number.is_multiple_of(3) {
        return (Kind::Time, Vec::new());
    }
    let id = InstrumentId(3 + (number % 2) as u32);
    let mut intent = OrderIntent::new(id, Side::Buy, Price(1_000_000), Qty(100));
    (intent.cl_ord_id, intent.account) = (ClOrdId(number as u32 / 6), AccountId(1));
    let mut payload = encode_intent(&intent).to_vec();
    payload.extend(u64::to_le_bytes(u64::from(number.is_multiple_of(5))));
    payload.extend(b"message".iter().filter(|_| !number.is_multiple_of(5)));
    (Kind::Decision, payload)
}

#[test]
fn the_api_shows_what_the_mailbox_shows() {
    let served = Served::start();
    lists_are_parts_of_the_shot(&served);
    bad_questions_are_told_so(&served);
    the_stream_brings_frames_and_events(&served);
    the_journal_is_found_page_by_page(&served);
    the_document_names_every_path(&served);
    it_is_what_nofx_top_says(&served);
}

fn lists_are_parts_of_the_shot(served: &Served) {
    let (_, shot) = served.get("/api/v1/engines/a");
    assert_eq!(shot["engine"]["name"], "nofx rig");
    for (part, of) in [("tiles", &shot["tiles"]), ("feeds", &shot["feeds"])] {
        let items = served.items(&format!("/api/v1/engines/a/{part}"));
        assert_eq!(items[0]["name"], of[0]["name"], "{part}");
    }
    assert_eq!(served.items("/api/v1/engines/a/latency")[0]["all"], shot["latency_ns"][0]["all"]);
    assert_eq!(served.items("/api/v1/engines/a/rejects")[0]["value"], 5);
    assert_eq!(served.items("/api/v1/engines/a/counters").len(), 2);
    let ids = |path: &str| {
        let ids = served.items(path).into_iter().map(|order| order["cl_ord_id"].as_u64().unwrap());
        ids.collect::<Vec<_>>()
    };
    assert_eq!(ids("/api/v1/engines/a/orders"), [7, 8, 9]);
    assert_eq!(ids("/api/v1/engines/a/orders?instrument=AAPL"), [7, 9]);
    assert_eq!(ids("/api/v1/engines/a/orders?instrument=AAPL&account=1"), [9]);
    let (_, page) = served.get("/api/v1/engines/a/orders?limit=2");
    assert_eq!((page["items"].as_array().unwrap().len(), &page["next"]), (2, &"8".into()));
    assert_eq!(ids("/api/v1/engines/a/orders?limit=2&cursor=8"), [9]);
    assert_eq!(served.items("/api/v1/engines/a/positions")[0]["position"], -300);
    let (_, book) = served.get("/api/v1/engines/a/books/AAPL?levels=1");
    assert_eq!(book["bids"].as_array().unwrap().len(), 1);
    assert_eq!(served.items("/api/v1/engines/a/books")[0]["bids"].as_array().unwrap().len(), 2);
}

fn bad_questions_are_told_so(served: &Served) {
    let office = &served.office;
    let cases = [
        ("/api/v1/engines/nobody", 404, "not_found"),
        ("/api/v1/engines/absent", 503, "engine_absent"),
        ("/api/v1/engines/absent/tiles", 503, "engine_absent"),
        ("/api/v1/engines/a/books/NONE", 404, "not_found"),
        ("/api/v1/engines/a/books/AAPL?levels=11", 422, "invalid"),
        ("/api/v1/engines/a/tiles?limit=0", 422, "invalid"),
        ("/api/v1/engines/a/tiles?limit=x", 400, "bad_request"),
        ("/api/v1/engines/a/tiles?cursor=-1", 422, "invalid"),
        ("/api/v1/engines/a/tiles?colour=red", 400, "bad_request"),
        ("/api/v1/engines/a?colour=red", 400, "bad_request"),
        ("/api/v1/engines/a/limits?colour=red", 400, "bad_request"),
        ("/api/v1/whoami?colour=red", 400, "bad_request"),
        ("/api/v1/stream?engine=a&colour=red", 400, "bad_request"),
        ("/api/v1/engines/a/journal?kind=none", 422, "invalid"),
        ("/api/v1/engines/absent/journal", 404, "not_found"),
        ("/api/v1/stream", 400, "bad_request"),
        ("/api/v1/stream?engine=nobody", 404, "not_found"),
        ("/api/v1/nothing", 404, "not_found"),
    ];
    for (path, want, code) in cases {
        let (status, problem) = served.get(path);
        assert_eq!((status, &problem["code"]), (want, &code.into()), "{path}: {problem}");
        assert_eq!(problem["type"], format!("urn:nofx:problem:{code}"));
        assert!(problem["correlation"].as_str().is_some_and(|id| id.len() == 32), "{problem}");
    }
    let (status, problem) =
        served.office.ask(&served.server, Some("viewer"), "PUT", "/api/v1/engines", None);
    assert_eq!((status, &problem["code"]), (405, &"method_not_allowed".into()));
    let (status, _) = served.office.ask(&served.server, None, "GET", "/api/v1/engines", None);
    assert_eq!(status, 401);
    let foreign = ["-H", "Origin: https://elsewhere.example"];
    let kill = ("POST", "/api/v1/kill", Some("{}"));
    let (status, problem) =
        served.office.ask_with(&served.server, Some("viewer"), kill.0, kill.1, kill.2, &foreign);
    assert_eq!((status, &problem["code"]), (403, &"cross_site".into()));
    let headers = ["-D", "-", "-o", "/dev/null", "--compressed", "-H", "X-Request-Id: mine-7"];
    let said = |path: &str| {
        let (served, who, path) = (&served.server, Some("viewer"), format!("/api/v1{path}"));
        let (_, said) = office.ask_with(served, who, "GET", &path, None, &headers);
        said.as_str().unwrap().to_lowercase()
    };
    for path in ["", "/limits", "/parameters", "/events"] {
        let said = said(&format!("/engines/a{path}"));
        for header in ["x-engine-standing: live", "x-engine-at-ns: "] {
            assert!(said.contains(header), "{path}: {header} in {said}");
        }
    }
    let said = said("/engines/a");
    for header in [
        "x-request-id: mine-7",
        "content-encoding: gzip",
        "cache-control: no-store",
        "x-content-type-options: nosniff",
    ] {
        assert!(said.contains(header), "{header} in {said}");
    }
}

fn the_stream_brings_frames_and_events(served: &Served) {
    let event =
        |n| Event { cl_ord_id: n, symbol: *b"AAPL    ", ..Event::new(EventKind::Filled, 9) };
    served.rig.tell(Tell::Put(event(41)));
    let said = served.stream("/api/v1/stream?engine=a&book=AAPL", |said| {
        said.contains("\"cl_ord_id\":41") && said.matches("event: shot").count() >= 3
    });
    for name in ["event: shot", "event: order", "event: kill", "event: clock"] {
        assert!(said.contains(name), "{name} in {said}");
    }
    let frame = said.split("event: shot\ndata: ").nth(1).and_then(|rest| rest.lines().next());
    let frame: Value = serde_json::from_str(frame.unwrap()).unwrap();
    assert_eq!(frame["touch"][0].to_string(), r#"["AAPL",1000000,300,1000100,200,4,"live"]"#);
    assert_eq!((&frame["book"]["instrument"], frame.get("books")), (&"AAPL".into(), None));
    // What was missed in between comes with the last id.
    let id =
        said.lines().filter_map(|line| line.strip_prefix("id: ")).next_back().unwrap().to_owned();
    let events = |after: &str| served.items(&format!("/api/v1/engines/a/events?after={after}"));
    assert_eq!(events(&id).len(), 0);
    served.rig.tell(Tell::Put(event(42)));
    until("the next event", || events(&id).len() == 1);
    assert_eq!(events(&id)[0]["instrument"], "AAPL");
    served.rig.tell(Tell::Silence(true));
    let said = served.stream("/api/v1/stream?engine=a", |said| said.contains("event: gone"));
    assert!(said.contains("\"standing\":\"silent\""), "{said}");
    served.rig.tell(Tell::Silence(false));
    until("live again", || served.get("/api/v1/engines").1["items"][0]["standing"] == "live");
}

/// All pages of a query, with a small page, against a naive walk.
fn the_journal_is_found_page_by_page(served: &Served) {
    let walk = |query: &str| {
        let (mut found, mut cursor) = (Vec::new(), String::new());
        loop {
            let path = format!("/api/v1/engines/a/journal?limit=700{query}{cursor}");
            let (status, page) = served.get(&path);
            assert_eq!(status, 200, "{path}: {page}");
            found.extend(page["items"].as_array().unwrap().clone());
            match page["next"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => return found,
            }
        }
    };
    let numbers =
        |rows: &[Value]| rows.iter().map(|row| row["number"].as_u64().unwrap()).collect::<Vec<_>>();
    let naive = |fits: &dyn Fn(u64) -> bool| (1..=2_000).filter(|n| fits(*n)).collect::<Vec<u64>>();
    let is_decision = |n: u64| n > 2 && n.is_multiple_of(3);
    assert_eq!(numbers(&walk("")), naive(&|_| true));
    assert_eq!(numbers(&walk("&kind=decision")), naive(&is_decision));
    assert_eq!(numbers(&walk("&from=5000&to=6000")), naive(&|n| (500..=600).contains(&n)));
    assert_eq!(numbers(&walk("&order=50")), naive(&|n| is_decision(n) && n / 6 == 50));
    let of_msft = walk("&instrument=MSFT&from=15000");
    assert_eq!(numbers(&of_msft), naive(&|n| is_decision(n) && n % 2 == 1 && n >= 1_500));
    let row = &of_msft[0];
    assert_eq!(
        (&row["side"], &row["price"], &row["account"]),
        (&"buy".into(), &1_000_000.into(), &1.into())
    );
    let refused: Vec<_> =
        walk("&kind=decision").into_iter().filter(|row| row["sent"] == false).collect();
    assert!(refused.iter().all(|row| row["rejects"].as_array().is_some_and(|r| r.len() == 1)));
    assert_eq!(refused.len(), (3..=2_000).filter(|n| n % 15 == 0).count());
}

fn the_document_names_every_path(served: &Served) {
    let (_, document) = served.get("/api/v1/openapi.json");
    let printed: Value = serde_json::from_slice(&good(&run(&["openapi"])).stdout).unwrap();
    assert_eq!(document, printed);
    let paths = document["paths"].as_object().unwrap();
    let mut seen = BTreeMap::new();
    for (path, methods) in paths.iter().filter(|(_, methods)| methods.get("get").is_some()) {
        let known = methods["get"]["responses"].as_object().unwrap();
        assert!(known.keys().any(|status| status == "200"), "{path}");
        if path.ends_with("/stream") {
            continue; // it does not end
        }
        let asked = path.replace("{e}", "a").replace("{symbol}", "AAPL");
        let (status, said) = served.get(&asked);
        assert!(status < 500 || said["code"].is_string(), "{asked}: {status} {said}");
        seen.insert(path.clone(), status);
    }
    for part in ["", "/tiles", "/books/{symbol}", "/journal", "/events"] {
        assert_eq!(seen.get(&format!("/api/v1/engines/{{e}}{part}")), Some(&200), "{part}");
    }
}

/// Ages and rates are of the moment of the look; everything else is the same record.
fn it_is_what_nofx_top_says(served: &Served) {
    let Some(nofx) = std::env::var_os("NOFX") else {
        return eprintln!("skipped: NOFX does not name the engine's binary");
    };
    let mailbox = served.office.path("mailbox");
    let top = program(nofx.to_str().unwrap(), &["top", "--json", "--mailbox", text(&mailbox)]);
    let mut top: Value = serde_json::from_slice(&good(&top).stdout).unwrap();
    plain(&mut top);
    until("the same", || {
        let (_, mut shot) = served.get("/api/v1/engines/a");
        plain(&mut shot);
        shot == top
    });
}

fn plain(value: &mut Value) {
    let of_the_moment = |key: &str| {
        key.ends_with("age_ns")
            || key.ends_with("_per_s")
            || ["at_ns", "uptime_ns", "silence_ns", "mailbox"].contains(&key)
    };
    match value {
        Value::Object(map) => {
            map.retain(|key, _| !of_the_moment(key));
            map.values_mut().for_each(plain);
        }
        Value::Array(rows) => rows.iter_mut().for_each(plain),
        _ => {}
    }
}
