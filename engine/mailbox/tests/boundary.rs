//! Whatever control is (absent, hung, stopped half way through a publication, killed, followed by
//! another), the engine decides the same and pays the same number of instructions per look.
//!
//! The engine is a child of this test: it settles what was published, then takes a fixed stream of
//! inputs, one look at the door each (pages of parameters and models, commands: what a turn of the
//! trade tile looks at), and prints a hash over what it decided under the page in force. Under
//! callgrind only the looks are counted.

mod common;

use std::env;
use std::fs;
use std::hint::black_box;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::thread;

use common::{MODEL, spec};
use nofx_mailbox::param::{self, table};
use nofx_mailbox::{
    CommandReader, Engine, PageReader, ParamRow, Request, Spec, Steering, Taken, Watcher,
};
use nofx_rt::rng::Rng;
use nofx_types::Nanos;

const ROLE: &str = "NOFX_TEST_ROLE";
const FOLDER: &str = "NOFX_TEST_FOLDER";
const TEST: &str = "whatever_control_does_the_engine_decides_the_same_at_the_same_cost";
/// Looks of one engine, each before one input.
const TURNS: u64 = 20_000;
/// Words of a model: long, so that a stop finds a publication half way.
const WORDS: usize = 4_096;

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

/// What a turn of the tile looks at.
struct Door {
    params: PageReader,
    models: PageReader,
    commands: CommandReader,
}

/// The look: all that is counted.
#[inline(never)]
fn look_at_the_door(door: &mut Door) -> (bool, bool, Option<Request>) {
    (door.params.is_new(), door.models.is_new(), door.commands.next())
}

fn run_engine(folder: &Path) -> ! {
    let spec = Spec { model_words: WORDS as u32, ..spec() };
    let mut engine = Engine::create(folder.join("box"), &spec).expect("takes over");
    let mut door = Door {
        params: engine.params().expect("not taken yet"),
        models: engine.models().expect("not taken yet"),
        commands: engine.commands().expect("not taken yet"),
    };
    println!("ready");
    wait_for_go();
    // What was published before is taken; from here on nothing new comes.
    let mut limit = 500;
    if let Taken::Page(_, words) = door.params.take() {
        limit = param::rows(words).first().map_or(limit, |row| row.value as u64);
    }
    while door.models.is_new() {
        _ = door.models.take();
    }
    let (mut rng, mut hash) = (Rng::new(3), 0xCBF2_9CE4_8422_2325u64);
    for _ in 0..TURNS {
        let new = look_at_the_door(black_box(&mut door));
        assert_eq!(new, (false, false, None), "something came");
        let passes = rng.below(1_000) < limit;
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

/// One engine under this state: its decisions, and under valgrind the instructions of its looks.
fn engine_under(state: State, count: bool) -> (String, Option<u64>) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("box");
    let out = folder.path().join("out");
    let valgrind = [
        "valgrind".to_owned(),
        "--tool=callgrind".into(),
        "--toggle-collect=*look_at_the_door*".into(),
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
        println!("MEASURED instructions per look {:.1}", instructions as f64 / TURNS as f64);
        assert!(instructions >= TURNS, "nothing was counted");
    }
}
