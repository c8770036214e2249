//! `nofx top` over a mailbox that is filled by hand: screens, plain text and JSON, compared with what
//! was put in; and the program itself in a terminal of its own.

use std::collections::BTreeSet;
use std::fs;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Output, Stdio};

use nofx_app::live::views::{counter_names, histogram_names};
use nofx_app::top::screen::draw;
use nofx_app::top::terminal::Screen;
use nofx_app::top::{Cursor, Look, Plain, Shot, Watch};
use nofx_mailbox::view::{
    BookView, FeedView, LevelView, LinkView, OrderView, PositionView, SessionView, TileView,
};
use nofx_mailbox::{Engine, EngineState, Scope, Spec, Switch, Watcher};
use nofx_types::{Nanos, Symbol};
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use serde_json::Value;

const NOFX: &str = env!("CARGO_BIN_EXE_nofx");
/// 14:00:00 UTC of some day.
const START: Nanos = Nanos(1_768_485_600_000_000_000);
const SECOND: u64 = 1_000_000_000;

struct Rig {
    engine: Engine,
    dir: tempfile::TempDir,
}

impl Rig {
    fn start() -> Rig {
        let dir = tempfile::tempdir().expect("a folder");
        let engine = Engine::create(dir.path().join("mailbox"), &spec()).expect("a mailbox");
        Rig { engine, dir }
    }

    fn path(&self) -> PathBuf {
        self.dir.path().join("mailbox")
    }

    /// Two seconds of an engine that trades.
    fn trade(&self) {
        self.engine.set_state(EngineState::Trading);
        for second in 1..=2 {
            self.publish(START.plus(second * SECOND), second);
        }
    }

    fn publish(&self, now: Nanos, n: u64) {
        self.engine.beat(0, now);
        self.engine.beat(1, now);
        let mut views = self.engine.views();
        let tile = TileView {
            core: 1,
            turns: n * 2_000_000,
            busy: n * 500_000,
            stalls: 3,
            turn_ns_max: 81_300,
            ..TileView::default()
        };
        views.tile(now, 0, &tile);
        let link =
            LinkView { depth: 1_024, high_water: 800, carried: 5_000, ..LinkView::default() };
        views.link(now, 0, &link);
        for line in 0..2 {
            views.feed(now, line, &feed(now, line as u64, n));
        }
        let session = SessionView {
            name: name("orders"),
            state: 3,
            next_in: 121,
            sent: 64,
            accepted: 60,
            rejected: 1,
            refused: 12,
            canceled: 40,
            fills: 17,
            open: 2,
            ..SessionView::default()
        };
        views.session(now, 0, &session);
        (0..2).for_each(|row| views.book(now, row, &book(row as u32 + 1)));
        views.orders(now, [order(7, 1, 0, 1_000_100), order(8, 2, 1, 2_003_300)]);
        views.positions(now, [position(1, -300, 1_234_500, -20_000), position(2, 100, 0, 15_000)]);
        let set = |counter: &str, value: u64| {
            let at = counter_names().iter().position(|name| name == counter).expect("a counter");
            self.engine.counter(at).set(value);
        };
        set("reject.stale_book", 9);
        set("reject.rate", 2_500_000);
        set("control.pages", 7);
        set("control.requests", 12_500);
        set("control.refused", 2);
        for at in 0..histogram_names().len() {
            (0..1_000).for_each(|value| self.engine.histogram(at).record((value + 1) * n));
        }
    }

    fn watcher(&self) -> Watcher {
        Watcher::attach(self.path()).expect("the mailbox")
    }

    /// A shot of the second second, compared with a look at the first.
    fn shot(&self) -> Shot {
        self.engine.set_state(EngineState::Trading);
        let mut switch = Switch::open(self.path()).expect("the mailbox");
        switch.raise_epoch(3).expect("it rises");
        self.publish(START.plus(SECOND), 1);
        let watcher = self.watcher();
        let before = Look::take(&watcher, START.plus(SECOND));
        self.publish(START.plus(2 * SECOND), 2);
        let now = START.plus(2 * SECOND + 50_000_000);
        let mut shot = Shot::take(
            &watcher,
            "/dev/shm/nofx.mailbox",
            &Look::take(&watcher, now),
            Some(&before),
        );
        shot.engine.pid = 4_242;
        shot
    }
}

fn spec() -> Spec {
    Spec {
        engine: "nofx 0.1.0".into(),
        started: START,
        tiles: vec!["trade".into(), "house".into()],
        links: vec!["receive_trade".into()],
        counters: counter_names(),
        histograms: histogram_names(),
        accounts: 4,
        instruments: 8,
        book_rows: 3,
        orders: 4,
        positions: 4,
        lines: 2,
        sessions: 1,
        ..Spec::default()
    }
}

fn name(text: &str) -> [u8; 16] {
    let mut name = [0; 16];
    name[..text.len()].copy_from_slice(text.as_bytes());
    name
}

fn feed(now: Nanos, line: u64, n: u64) -> FeedView {
    FeedView {
        name: name(if line == 0 { "line A" } else { "line B" }),
        state: 1,
        alive: 1 - line as u8,
        packets: n * 30_000 - line,
        messages: n * 90_000,
        first: n * 45_000,
        gaps: 5 * line,
        recovered: 21,
        skew_ns: if line == 0 { -4_200 } else { 4_200 },
        next_seq: 90_001,
        last_ns: now.0 - line * 3 * SECOND,
        ..FeedView::default()
    }
}

fn symbol(id: u32) -> [u8; 8] {
    Symbol::new(if id == 1 { "AAAA" } else { "BBBB" }).expect("short").0
}

fn book(id: u32) -> BookView {
    let price = i64::from(id) * 1_000_000;
    let mut view = BookView {
        symbol: symbol(id),
        instrument: id,
        phase: 3,
        stale: (id == 2).into(),
        decimals: 4,
        bid_levels: 10,
        ask_levels: 4,
        ..BookView::default()
    };
    for (at, n) in (0..10).enumerate() {
        view.bids[at] = LevelView { price: price + 100 - n * 100, qty: 300, orders: 2 };
        view.asks[at] = LevelView { price: price + 200 + n * 100, qty: 12_500, orders: 41 };
    }
    view
}

fn order(id: u32, instrument: u32, side: u8, price: i64) -> OrderView {
    OrderView {
        cl_ord_id: id,
        instrument,
        account: 1,
        side,
        state: if id == 7 { 2 } else { 1 },
        order_ref: if id == 7 { 90_017 } else { 0 },
        price,
        qty: 200,
        leaves: 200,
        ..OrderView::default()
    }
}

fn position(id: u32, position: i64, realised_e4: i64, open_e4: i64) -> PositionView {
    PositionView {
        symbol: symbol(id),
        instrument: id,
        account: 1,
        decimals: 4,
        position,
        realised_e4,
        open_e4,
        fills: 17,
        ..PositionView::default()
    }
}

fn screen(shot: &Shot, cursor: &Cursor, width: u16, height: u16) -> String {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).expect("no device");
    terminal.draw(|frame| draw(frame, shot, cursor)).expect("no device");
    let buffer = terminal.backend().buffer().clone();
    let rows = buffer.content().chunks(usize::from(width));
    let rows = rows.map(|row| row.iter().map(|cell| cell.symbol()).collect::<String>());
    rows.map(|row| row.trim_end().to_owned() + "\n").collect()
}

/// Compares with a file of `tests/top`; with `NOFX_UPDATE` set, writes it instead.
#[track_caller]
fn assert_is(name: &str, text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/top").join(name);
    if std::env::var_os("NOFX_UPDATE").is_some() {
        fs::write(&path, text).expect("written");
    }
    let wanted = fs::read_to_string(&path).expect("a screen");
    assert!(text == wanted, "{name} differs; it is now\n{text}");
}

fn press(cursor: &mut Cursor, shot: &Shot, code: KeyCode, times: usize) {
    let key = KeyEvent::new(code, KeyModifiers::NONE);
    (0..times).for_each(|_| {
        cursor.key(key, shot.books.len(), usize::MAX);
    });
}

#[test]
fn screens_of_three_sizes_show_what_was_put_in() {
    let shot = Rig::start().shot();
    let mut cursor = Cursor::default();
    assert_is("80x24.txt", &screen(&shot, &cursor, 80, 24));
    assert_is("100x70.txt", &screen(&shot, &cursor, 100, 70));
    assert_is("160x45.txt", &screen(&shot, &cursor, 160, 45));
    press(&mut cursor, &shot, KeyCode::Tab, 5);
    press(&mut cursor, &shot, KeyCode::Down, 1);
    assert_is("80x24-levels.txt", &screen(&shot, &cursor, 80, 24));
}

#[test]
fn the_chosen_panel_is_on_every_screen_and_no_size_panics() {
    let shot = Rig::start().shot();
    for (width, height) in [(80, 24), (100, 30), (200, 50), (80, 10)] {
        let mut cursor = Cursor::default();
        for _ in 0..10 {
            let text = screen(&shot, &cursor, width, height);
            assert!(text.contains(" > "), "{width}x{height} {:?}\n{text}", cursor.panel());
            press(&mut cursor, &shot, KeyCode::Tab, 1);
        }
    }
    for (width, height) in [(1, 1), (2, 3), (20, 4), (79, 5), (500, 200)] {
        let mut cursor = Cursor::default();
        for _ in 0..10 {
            screen(&shot, &cursor, width, height);
            screen(&Shot::default(), &cursor, width, height);
            press(&mut cursor, &shot, KeyCode::Down, 3);
            press(&mut cursor, &shot, KeyCode::Tab, 1);
        }
    }
}

#[test]
fn plain_text_holds_everything() {
    assert_is("plain.txt", &Plain(&Rig::start().shot()).to_string());
}

#[test]
fn the_object_reads_back_and_says_what_was_put_in() {
    let shot = Rig::start().shot();
    let json = shot.to_json();
    assert_eq!(serde_json::from_str::<Shot>(&json).expect("JSON"), shot);
    let value: Value = serde_json::from_str(&json).expect("JSON");
    let at = |pointer: &str| value.pointer(pointer).unwrap_or_else(|| panic!("{pointer}: {json}"));
    assert_eq!(at("/engine/state"), "trading");
    assert_eq!(at("/engine/epoch"), 3);
    assert_eq!(at("/engine/heartbeat_age_ns"), 50_000_000);
    assert_eq!(at("/tiles/0/turns_per_s"), 2e6);
    assert_eq!(at("/tiles/0/busy_share"), 0.25);
    assert_eq!(at("/tiles/1/core"), &Value::Null);
    assert_eq!(at("/links/0/high_water"), 800);
    assert_eq!(at("/feeds/1/packets_per_s"), 30_000.0);
    assert_eq!(at("/feeds/1/alive"), false);
    assert_eq!(at("/feeds/1/silence_ns"), 3_050_000_000u64);
    assert_eq!(at("/sessions/0/state"), "up");
    assert_eq!(at("/books/1/state"), "stale: gap");
    assert_eq!(at("/books/0/bids/9/price"), 999_200);
    assert_eq!(at("/books/0/asks").as_array().map(Vec::len), Some(4));
    assert_eq!(at("/orders/rows/1/instrument"), "BBBB");
    assert_eq!(at("/positions/realised_e4"), 1_234_500);
    assert_eq!(at("/positions/open_e4"), -5_000);
    assert_eq!(at("/rejects/rate"), 2_500_000);
    assert_eq!(at("/latency_ns/0/name"), "decode");
    // 1..=1000 in the first second, 2, 4 ..= 2000 in the second.
    assert_eq!(at("/latency_ns/0/all/count"), 2_000);
    assert_eq!(at("/latency_ns/0/recent/count"), 1_000);
    let median = at("/latency_ns/0/recent/p50").as_u64().expect("a number");
    assert!((1_000..=1_016).contains(&median), "{median}");
}

/// Every key of the object stands in the table of docs/json.md, and every row there is a key.
#[test]
fn docs_and_object_have_the_same_keys() {
    let mut keys = BTreeSet::new();
    let value = serde_json::to_value(Rig::start().shot()).expect("JSON");
    leaves(&value, String::new(), &mut keys);
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/json.md");
    let docs = fs::read_to_string(docs).expect("the page");
    let table = docs.split("# `nofx top --json`").nth(1).expect("a chapter");
    let table = table.split("\n# ").next().unwrap_or_default();
    let rows = table.lines().filter(|line| line.starts_with("| `"));
    let named = rows
        .flat_map(|row| row.split('|').nth(1).unwrap_or_default().split('`').skip(1).step_by(2));
    let named: BTreeSet<String> = named.map(str::to_owned).collect();
    assert_eq!(named, keys);
}

/// Paths of everything that is no object, maps of counts as their name.
fn leaves(value: &Value, path: String, into: &mut BTreeSet<String>) {
    let below = |key: &str| if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") };
    match value {
        Value::Object(_) if path == "rejects" || path == "counters" => {
            into.insert(path);
        }
        Value::Object(map) => map.iter().for_each(|(key, value)| leaves(value, below(key), into)),
        Value::Array(rows) if rows.iter().any(Value::is_object) => {
            rows.iter().for_each(|row| leaves(row, format!("{path}[]"), into));
        }
        Value::Null if path.ends_with("turn_ns") => {} // an object elsewhere
        _ => {
            into.insert(path);
        }
    }
}

#[test]
fn kills_and_silence_are_said_at_once() {
    let rig = Rig::start();
    rig.shot();
    let mut switch = Switch::open(rig.path()).expect("the mailbox");
    switch.engage(Scope::Account(2)).expect("inside");
    let look = |ns: u64| {
        let watcher = rig.watcher();
        Shot::take(&watcher, "here", &Look::take(&watcher, START.plus(2 * SECOND + ns)), None)
    };
    let text = screen(&look(1), &Cursor::default(), 80, 24);
    assert!(text.contains("KILLED account 2"), "{text}");
    let text = screen(&look(SECOND + 1), &Cursor::default(), 80, 24);
    assert!(text.contains("DOES NOT BEAT"), "{text}");
}

#[test]
fn the_next_engine_is_followed() {
    let rig = Rig::start();
    rig.trade();
    let mut watch = Watch::attach(&rig.path()).expect("the mailbox");
    assert_eq!(watch.shot(START.plus(2 * SECOND)).engine.started_ns, START.0);
    let Rig { engine, dir } = rig;
    drop(engine);
    let later = START.plus(60 * SECOND);
    let shot = watch.shot(later);
    assert!(!shot.engine.alive && shot.engine.started_ns == START.0, "what was there stays");
    let next = Engine::create(dir.path().join("mailbox"), &Spec { started: later, ..spec() });
    next.expect("a mailbox").beat(0, later);
    assert_eq!(watch.shot(later).engine.started_ns, later.0);
}

fn top(arguments: &[&str], mailbox: &Path) -> Output {
    let mut command = Command::new(NOFX);
    command.arg("top").args(arguments).arg("--mailbox").arg(mailbox);
    command.output().expect("the binary runs")
}

#[track_caller]
fn assert_refused(mailbox: &Path, words: &[&str]) {
    for arguments in [&["--once"][..], &["--json"], &[]] {
        let output = top(arguments, mailbox);
        let text = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(3), "{text}");
        assert!(words.iter().all(|word| text.contains(word)), "{text}");
    }
}

#[test]
fn what_is_no_mailbox_is_refused_in_words() {
    let rig = Rig::start();
    assert_refused(&rig.dir.path().join("absent"), &["absent", "start the engine"]);
    let other = rig.dir.path().join("other");
    fs::write(&other, [7; 8_192]).expect("written");
    assert_refused(&other, &["not a mailbox"]);
    let mut image = fs::read(rig.path()).expect("readable");
    let abi = nofx_mailbox::ABI.to_le_bytes();
    let at = image.windows(4).position(|bytes| bytes == abi).expect("its version");
    image[at] = 99;
    fs::write(&other, &image).expect("written");
    assert_refused(&other, &["99", &nofx_mailbox::ABI.to_string(), "nofx 0.1.0"]);
}

#[test]
fn without_a_terminal_everything_is_printed_once() {
    let rig = Rig::start();
    rig.trade();
    // The heartbeats are of long ago: no engine runs, as far as can be seen.
    for arguments in [&[][..], &["--once"]] {
        let output = top(arguments, &rig.path());
        assert_eq!(output.status.code(), Some(1), "{output:?}");
        let text = String::from_utf8_lossy(&output.stdout);
        assert!(text.contains("DOES NOT BEAT") && text.contains("profit 122.95"), "{text}");
    }
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("later");
    rig.engine.beat(0, Nanos(now.as_nanos() as u64 + 30 * SECOND));
    let output = top(&["--json"], &rig.path());
    assert!(output.status.success(), "{output:?}");
    let shot: Shot = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(shot.orders.total, 2);
}

/// Runs a command line in a terminal of its own.
fn in_a_terminal(line: &str) -> Option<Child> {
    let mut script = Command::new("script");
    script.args(["-qefc", line, "/dev/null"]).env("TERM", "xterm-256color");
    script.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    let child = script.spawn().ok();
    if child.is_none() {
        println!("SKIPPED a terminal: no script(1)");
    }
    child
}

const ENTERED: &str = "\u{1b}[?1049h";
const LEFT: &str = "\u{1b}[?1049l";
const CURSOR: &str = "\u{1b}[?25h";

/// What it wrote until it ended.
fn ended(child: Child) -> String {
    let output = child.wait_with_output().expect("ours");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[track_caller]
fn assert_given_back(text: &str) {
    let entered = text.find(ENTERED).unwrap_or_else(|| panic!("never entered: {text:?}"));
    let left = text.rfind(LEFT).unwrap_or_else(|| panic!("never left: {text:?}"));
    assert!(entered < left, "{text:?}");
    assert!(text.rfind(CURSOR).is_some_and(|shown| shown > entered), "no cursor: {text:?}");
}

/// `nofx top` in a terminal of its own, and what it wrote until its first screen was whole.
struct Shown {
    script: Child,
    stdout: ChildStdout,
    text: String,
    pid: String,
}

impl Shown {
    fn start(rig: &Rig) -> Option<Shown> {
        rig.trade();
        let pid_file = rig.dir.path().join("pid");
        let line = format!(
            "stty rows 24 cols 80; echo $$ > {}; exec {NOFX} top --interval 20 --mailbox {}",
            pid_file.display(),
            rig.path().display()
        );
        let mut script = in_a_terminal(&line)?;
        let mut stdout = script.stdout.take().expect("piped");
        let (mut text, mut bytes) = (String::new(), [0; 4_096]);
        while !text.contains("q: quit") {
            let read = stdout.read(&mut bytes).expect("a terminal");
            assert!(read > 0, "it ended: {text:?}");
            text += &String::from_utf8_lossy(&bytes[..read]);
        }
        assert!(text.contains("trade") && text.contains("DOES NOT BEAT"), "{text:?}");
        let pid = fs::read_to_string(&pid_file).expect("written").trim().to_owned();
        Some(Shown { script, stdout, text, pid })
    }

    /// What it wrote to its end, by a signal or by keys.
    fn end(mut self, signal: Option<&str>) -> String {
        match signal {
            None => {
                let mut keys = self.script.stdin.take().expect("piped");
                keys.write_all(b"\t\t\x1b[Bkq").expect("a terminal");
            }
            Some(name) => send(name, &self.pid),
        }
        self.stdout.read_to_string(&mut self.text).expect("a terminal");
        assert!(self.script.wait().expect("ours").success(), "{signal:?}");
        self.text
    }
}

fn send(signal: &str, pid: &str) {
    let told = Command::new("kill").args([signal, pid]).status();
    assert!(told.expect("kill is there").success());
}

#[test]
fn a_terminal_is_given_back_after_a_key_and_after_a_signal() {
    let rig = Rig::start();
    for signal in [None, Some("-TERM"), Some("-HUP")] {
        let Some(shown) = Shown::start(&rig) else { return };
        assert_given_back(&shown.end(signal));
    }
}

#[test]
fn a_terminal_is_given_back_after_a_panic() {
    let this = std::env::current_exe().expect("ours");
    let line = format!("{} --ignored --exact --nocapture panics_on_the_screen", this.display());
    let Some(child) = in_a_terminal(&line) else { return };
    let text = ended(child);
    assert_given_back(&text);
    assert!(text.contains("on purpose"), "{text:?}");
}

#[test]
#[ignore = "run by another test, in a terminal of its own"]
fn panics_on_the_screen() {
    let mut screen = Screen::open().expect("a terminal");
    screen.draw(&Shot::default(), &Cursor::default()).expect("a terminal");
    std::mem::forget(screen); // as where a panic aborts: nothing is dropped
    panic!("on purpose");
}
