//! Whatever control is (absent, hung, stopped half way through a publication, killed, followed by
//! another), the engine decides the same and pays the same number of instructions per knock.
//!
//! The engine is a child of this test: it lets in what was published, then takes a fixed stream of
//! inputs, before each a knock at the door of the trade tile, and prints a hash over what it decided
//! under the page in force. Under callgrind only the knocks are counted.

use std::env;
use std::fs;
use std::hint::black_box;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::thread;

use nofx_app::live::door::{Door, Knock};
use nofx_app::params::page::{Page, PageKind};
use nofx_mailbox::param::{kind, table};
use nofx_mailbox::{Engine, ParamRow, ParamSpec, Spec, Steering, Watcher};
use nofx_rt::rng::Rng;
use nofx_types::Nanos;

const ROLE: &str = "NOFX_TEST_ROLE";
const FOLDER: &str = "NOFX_TEST_FOLDER";
const TEST: &str = "whatever_control_does_the_engine_decides_the_same_at_the_same_cost";
/// Knocks of one engine, each before one input.
const TURNS: u64 = 20_000;
/// Words of a model: long, so that a stop finds a publication half way.
const WORDS: usize = 4_096;
/// What models are made for.
const MODEL: u64 = 0x4D0D_E100;

/// A child of ours, which does not outlive a test that fails.
struct Running {
    child: Child,
    input: ChildStdin,
    lines: BufReader<std::process::ChildStdout>,
}

impl Running {
    /// Starts this test in a role, under `command` where it is not empty, and waits until it is ready.
    fn start(role: &str, folder: &Path, under: &[String]) -> Running {
        let test = env::current_exe().expect("this test");
        let mut words = under.iter().map(PathBuf::from).chain([test]);
        let mut child = Command::new(words.next().expect("a program"))
            .args(words)
            .args(["--exact", TEST, "--nocapture"])
            .env(ROLE, role)
            .env(FOLDER, folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("a child");
        let input = child.stdin.take().expect("a pipe");
        let lines = BufReader::new(child.stdout.take().expect("a pipe"));
        let mut running = Running { child, input, lines };
        running.said("ready");
        running
    }

    /// What follows `word` in the next line that has it.
    fn said(&mut self, word: &str) -> String {
        loop {
            let mut line = String::new();
            let bytes = self.lines.read_line(&mut line).expect("text");
            assert!(bytes > 0, "the child ended before it said {word}");
            if let Some((_, rest)) = line.split_once(word) {
                return rest.trim().to_owned();
            }
        }
    }

    fn go(&mut self) {
        self.input.write_all(b"go\n").expect("it listens");
    }

    /// Stops it, and waits until it is.
    fn stop(&self) {
        let pid = self.child.id().to_string();
        let sent = Command::new("kill").args(["-s", "STOP", &pid]).status().expect("kill(1)");
        assert!(sent.success());
        let state = || fs::read_to_string(format!("/proc/{pid}/stat")).expect("it lives");
        while !state().contains(") T ") {
            thread::yield_now();
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        _ = self.child.kill().and_then(|()| self.child.wait());
    }
}

fn wait_for_go() {
    let mut line = String::new();
    std::io::stdin().read_line(&mut line).expect("told");
}

fn spec() -> Spec {
    let limit = ParamSpec::new(table::ACCOUNT, 1, kind::INT, ["max_order_qty", "shares", ""]);
    Spec {
        engine: "nofx test".into(),
        schema: vec![limit.within(0, 1_000_000, 500)],
        param_rows: 8,
        model_words: WORDS as u32,
        model_schema: MODEL,
        model_kind: 1,
        commands: 4,
        ..Spec::default()
    }
}

/// All that is counted.
#[inline(never)]
fn knock_at_the_door(door: &mut Door) -> Option<Knock> {
    door.knock()
}

/// What the page that came in says of the limit.
fn limit_of(door: &mut Door, len: usize) -> Option<i64> {
    let bytes = door.lend();
    let limit = Page::decode(&bytes[..len]).and_then(|page| Some(page.rows().next()?.value));
    door.give_back(bytes);
    limit
}

fn run_engine(folder: &Path) -> ! {
    let mut engine = Engine::create(folder.join("box"), &spec()).expect("takes over");
    let mut door = Door::new(&mut engine, WORDS).expect("not taken yet");
    println!("ready");
    wait_for_go();
    // What was published before comes in; from here on there is nothing new.
    let mut limit = 500;
    while let Some(knock) = door.page() {
        if let Knock::Page(PageKind::Params, len) = knock {
            limit = limit_of(&mut door, len).unwrap_or(limit);
        }
    }
    let (mut rng, mut hash) = (Rng::new(3), 0xCBF2_9CE4_8422_2325u64);
    for _ in 0..TURNS {
        door.open();
        assert!(knock_at_the_door(black_box(&mut door)).is_none(), "something came");
        let passes = rng.below(1_000) < limit as u64;
        hash = (hash ^ u64::from(passes)).wrapping_mul(0x100_0000_01B3);
    }
    println!("hash {hash:016x}");
    std::process::exit(0);
}

/// The limit is always the configuration's, so that no state of control may change a decision.
const LIMIT: ParamRow = ParamRow { table: table::ACCOUNT, key: 1, scope: 0, value: 500 };

/// Takes the lock; publishes models flat out once told to, or does nothing for ever.
fn run_control(folder: &Path) -> ! {
    let mut control = Steering::open(folder.join("box")).expect("the lock is free");
    control.publish_params(1, 0, Nanos(1), &[LIMIT]).expect("room");
    println!("ready");
    wait_for_go();
    for version in 1.. {
        control.publish_model(version, 0, Nanos(0), MODEL, &[version; WORDS]).expect("room");
    }
    unreachable!()
}

/// Whether a slot of the models is being filled, by the words of the file (`versions`, `layout`).
fn is_half_way(path: &Path) -> bool {
    let bytes = fs::read(path).expect("bytes");
    let word = |at: usize| u64::from_le_bytes(bytes[at..at + 8].try_into().expect("eight"));
    let mut entries = (0..word(24) as usize).map(|index| 128 + index * 32);
    let models = entries.find(|entry| word(*entry) as u32 == 18).expect("models");
    let (start, slot) = (word(models + 8) as usize + 128, (8 + WORDS) * 8);
    word(start - 128) >> 8 > 8 && (0..8).any(|index| word(start + index * slot) == 0)
}

/// What control is while the engine takes its inputs.
#[derive(Clone, Copy, Debug, PartialEq)]
enum State {
    Absent,
    Hung,
    StoppedHalfWay,
    Killed,
    Upgraded,
}

/// One engine under this state: its decisions, and under valgrind the instructions of its knocks.
fn engine_under(state: State, count: bool) -> (String, Option<u64>) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("box");
    let out = folder.path().join("out");
    let valgrind = [
        "valgrind".to_owned(),
        "--tool=callgrind".into(),
        "--toggle-collect=*knock_at_the_door*".into(),
        format!("--callgrind-out-file={}", out.display()),
    ];
    let mut engine = Running::start("engine", folder.path(), if count { &valgrind } else { &[] });
    let start = || Running::start("control", folder.path(), &[]);
    let mut alive = Vec::new();
    match state {
        State::Absent => {}
        State::Hung => alive.push(start()),
        State::StoppedHalfWay => {
            for attempt in 0.. {
                let mut control = start();
                control.go();
                let at_least = (attempt + 1) * 40;
                let watcher = Watcher::attach(&path).expect("attached");
                let published = || watcher.current_model().map_or(0, |(head, _)| head.publication);
                while published() < at_least {
                    thread::yield_now();
                }
                control.stop();
                if is_half_way(&path) {
                    alive.push(control);
                    break;
                }
                assert!(attempt < 500, "never stopped half way");
            }
        }
        State::Killed | State::Upgraded => {
            let mut control = start();
            control.go();
            let watcher = Watcher::attach(&path).expect("attached");
            while watcher.current_model().is_none() {
                thread::yield_now();
            }
            drop(control); // kill -9
            if state == State::Upgraded {
                alive.push(start());
            }
        }
    }
    engine.go();
    let hash = engine.said("hash ");
    assert!(engine.child.wait().expect("ended").success());
    drop(alive);
    let instructions = count.then(|| {
        let told = fs::read_to_string(&out).expect("callgrind wrote");
        let total = told.lines().find_map(|line| {
            line.strip_prefix("summary: ").or_else(|| line.strip_prefix("totals: "))
        });
        total.and_then(|total| total.trim().parse().ok()).expect("a count")
    });
    (hash, instructions)
}

#[test]
fn whatever_control_does_the_engine_decides_the_same_at_the_same_cost() {
    let folder = || PathBuf::from(env::var_os(FOLDER).expect("set"));
    match env::var(ROLE).as_deref() {
        Ok("engine") => run_engine(&folder()),
        Ok("control") => run_control(&folder()),
        _ => {}
    }
    let found = Command::new("valgrind").arg("--version").output();
    let count = found.is_ok_and(|answer| answer.status.success());
    if !count {
        println!("no valgrind here: decisions are compared, instructions are not counted");
    }
    let states =
        [State::Hung, State::StoppedHalfWay, State::Killed, State::Upgraded, State::Absent];
    let absent = engine_under(State::Absent, count);
    for state in states {
        let found = engine_under(state, count);
        println!("{state:?}: {found:?}");
        assert_eq!(found, absent, "{state:?}, against no control at all");
    }
    if let Some(instructions) = absent.1 {
        println!("MEASURED instructions per knock {:.1}", instructions as f64 / TURNS as f64);
        assert!(instructions >= TURNS, "nothing was counted");
    }
}
