//! The simulator process as a host sees it: greeting, lines, what goes wrong, its death.
#![cfg(feature = "fpga-sim")]

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use nofx_fpga::backend::Shm;
use nofx_fpga::backend::shm::HELLO;
use nofx_fpga::regs::{kind, op, parameter, reg, rule, sticky};
use nofx_fpga::{Capacity, CardModel, Device, Lines, OpLine, Registers, VerdictLine};
use nofx_fpga_sim::cosim::{Mix, Rows, Traffic, Values};
use nofx_fpga_sim::serve::OTHER_VERSION;
use nofx_fpga_sim::{Build, Gate};
use nofx_rt::rng::Rng;

/// Looks at the ring before a verdict counts as lost: seconds, on any machine.
const LOOKS: u32 = 200_000_000;

struct Simulator {
    child: Child,
    _folder: tempfile::TempDir,
    socket: PathBuf,
}

impl Simulator {
    fn start(arguments: &[&str]) -> Simulator {
        let folder = tempfile::tempdir().expect("a folder");
        let socket = folder.path().join("card");
        let mut child = Command::new(env!("CARGO_BIN_EXE_nofx-fpga-sim"))
            .arg("--socket")
            .arg(&socket)
            .args(arguments)
            .stdout(Stdio::piped())
            .spawn()
            .expect("it starts");
        let mut line = String::new();
        let output = child.stdout.take().expect("piped");
        BufReader::new(output).read_line(&mut line).expect("it speaks");
        assert!(line.starts_with("listening at"), "{line}");
        Simulator { child, _folder: folder, socket }
    }

    fn open(&self) -> Shm {
        Shm::open(&self.socket).expect("connected")
    }
}

impl Drop for Simulator {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// Empty tables of that size, no error latched.
fn bring_up<D: Device>(device: &mut D, accounts: u32, symbols: u32) {
    let mut write = |at, value| device.write(at, value).expect("written");
    write(reg::ACCOUNTS, accounts);
    write(reg::SYMBOLS, symbols);
    write(reg::CONTROL, 1);
    while device.read(reg::STATUS).expect("read") & 1 == 0 {}
    device.write(reg::STICKY, u32::MAX).expect("written");
}

fn wait<D: Lines>(device: &mut D, looks: u32) -> Option<VerdictLine> {
    for look in 0..looks {
        if let Some(verdict) = device.take() {
            return Some(verdict);
        }
        if look % 1024 == 1023 {
            std::thread::yield_now(); // the simulator may need this core
        }
    }
    None
}

/// Traffic of a few rows, numbered from 1.
fn stream(lines: usize) -> Vec<OpLine> {
    let rows = Rows::hot(4, 7, &mut Rng::new(5));
    let mix = Mix { values: Values::Plain, wild: 6, kills: true, rows };
    let mut traffic = Traffic::new(11, mix);
    let mut stream = traffic.opening();
    stream.extend((stream.len()..lines).map(|_| traffic.draw()));
    let numbered = (1..).zip(stream).map(|(seq, line)| line.numbered(seq ^ 77, seq));
    numbered.collect()
}

/// Sends a stream as fast as there is room; the answers, fewer where they end early.
fn play<D: Lines>(device: &mut D, stream: &[OpLine], looks: u32) -> Vec<VerdictLine> {
    let mut answers = Vec::new();
    let mut sent = 0;
    while answers.len() < stream.len() {
        while sent < stream.len() && sent - answers.len() < 60 && device.put(&stream[sent]) {
            sent += 1;
        }
        let Some(answer) = wait(device, looks) else { break };
        answers.push(answer);
    }
    answers
}

fn model_answers(stream: &[OpLine]) -> Vec<VerdictLine> {
    let mut model = CardModel::new(Capacity::default());
    model.scrub(4, 7);
    model.clear(u16::MAX);
    stream.iter().map(|line| model.line(line)).collect()
}

#[test]
fn the_same_words_come_through_memory_and_in_process() {
    let stream = stream(6_000);
    let mut inproc = Gate::open(Build::Fast, 1).expect("built");
    bring_up(&mut inproc, 4, 7);
    let here = play(&mut inproc, &stream, 1_000);
    let simulator = Simulator::start(&[]);
    let mut shm = simulator.open();
    bring_up(&mut shm, 4, 7);
    let there = play(&mut shm, &stream, LOOKS);
    assert_eq!(here.len(), stream.len());
    assert!(here == there, "the backends answer differently");
    assert!(here == model_answers(&stream), "and so does the model");
    // A scrub begins anew, with the window and the ring somewhere in a turn.
    bring_up(&mut shm, 4, 7);
    assert!(play(&mut shm, &stream[..500], LOOKS) == here[..500]);
}

#[test]
fn a_late_card_answers_the_same() {
    let stream = stream(600);
    let simulator = Simulator::start(&["--delay", "300"]);
    let mut shm = simulator.open();
    bring_up(&mut shm, 4, 7);
    assert!(play(&mut shm, &stream, LOOKS) == model_answers(&stream));
}

#[test]
fn a_greeting_of_another_kind_is_refused_by_name() {
    let simulator = Simulator::start(&[]);
    let refusal = |hello: [u32; 4]| {
        let refused = Shm::greet(&simulator.socket, &hello, true).expect_err("refused");
        refused.to_string()
    };
    assert!(refusal(OTHER_VERSION).contains("the simulator speaks version 1.1, this host"));
    let [hello, magic, version, slots] = HELLO;
    assert!(refusal([hello, magic, version, slots * 2]).contains("slots"));
    assert!(refusal([hello, !magic, version, slots]).contains("did not understand"));
    assert!(refusal([99, magic, version, slots]).contains("did not understand"));
    let nobody = Shm::open(Path::new("/nonexistent/card")).expect_err("nobody listens");
    assert!(nobody.to_string().contains("is nofx-fpga-sim running"), "{nobody}");
    // And it still serves whom it understands.
    let mut shm = simulator.open();
    assert_eq!(shm.read(reg::MAGIC), Ok(nofx_fpga::regs::MAGIC));
    assert_eq!(shm.read(reg::LATENCY), Ok(parameter::LATENCY));
    let busy = Shm::open(&simulator.socket).expect_err("one host at a time");
    assert!(busy.to_string().contains("another host"), "{busy}");
}

#[test]
fn a_second_process_can_kill() {
    let simulator = Simulator::start(&[]);
    let mut shm = simulator.open();
    bring_up(&mut shm, 4, 7);
    let stream = stream(200);
    play(&mut shm, &stream, LOOKS);
    let release = OpLine::ZERO.with(op::KIND, kind::KILL.into()).numbered(0, 201);
    assert!(shm.put(&release));
    let verdict = wait(&mut shm, LOOKS).expect("answered");
    assert!(!verdict.killed() || verdict.latched());
    shm.write(reg::STICKY, u32::MAX).expect("written");
    shm.kills();
    let mut other = Shm::open_registers(&simulator.socket).expect("connected");
    assert!(!other.put(&release), "it has no lines");
    other.write(reg::CONTROL, 2).expect("written");
    assert!(shm.put(&OpLine::barrier(0, 202)));
    assert!(wait(&mut shm, LOOKS).expect("answered").killed());
    assert_eq!(shm.kills(), 1, "and the event says so");
    assert_eq!(shm.kills(), 0);
}

#[test]
fn a_line_lost_or_doubled_latches() {
    let stream = stream(300);
    let wants = model_answers(&stream);
    for fault in ["lose-line=200", "double-line=200"] {
        let simulator = Simulator::start(&["--fault", fault]);
        let mut shm = simulator.open();
        bring_up(&mut shm, 4, 7);
        let got = play(&mut shm, &stream, 3_000_000);
        let first = (0..got.len()).find(|at| got[*at] != wants[*at]);
        match fault {
            // Its verdict never comes: nothing behind it is seen.
            "lose-line=200" => assert_eq!((got.len(), first), (199, None), "{fault}"),
            _ => assert!(first.is_some_and(|at| at >= 199), "{fault}: {first:?}"),
        }
        let latched = shm.read(reg::STICKY).expect("read") as u16;
        assert_ne!(latched & sticky::SEQUENCE, 0, "{fault}");
    }
}

#[test]
fn a_line_that_changed_on_its_way_is_answered_as_what_it_became() {
    let stream = stream(300);
    let at = stream.iter().rposition(|line| line.kind() == kind::NEW).expect("an order");
    let mut changed = stream.clone();
    changed[at].set(op::QTY, stream[at].get(op::QTY) ^ 1 << 7);
    let simulator = Simulator::start(&["--fault", &format!("flip-line={}", at + 1)]);
    let mut shm = simulator.open();
    bring_up(&mut shm, 4, 7);
    let got = play(&mut shm, &stream, LOOKS);
    assert!(got == model_answers(&changed));
    assert!(got != model_answers(&stream), "and the host can tell");
}

#[test]
fn a_changed_bit_is_told_from_the_model() {
    let stream = stream(300);
    let wants = model_answers(&stream);
    let simulator = Simulator::start(&["--fault", "flip-verdict=150"]);
    let mut shm = simulator.open();
    bring_up(&mut shm, 4, 7);
    let got = play(&mut shm, &stream, LOOKS);
    let different: Vec<_> = (0..300).filter(|at| got[*at] != wants[*at]).collect();
    assert_eq!(different, [149]);
}

#[test]
fn a_verdict_lost_a_stall_and_a_reset_end_the_answers_and_the_registers_say_why() {
    let stream = stream(300);
    let wants = model_answers(&stream);
    for fault in ["lose-verdict=200", "stall=200", "reset=200"] {
        let simulator = Simulator::start(&["--fault", fault]);
        let mut shm = simulator.open();
        bring_up(&mut shm, 4, 7);
        let got = play(&mut shm, &stream, 3_000_000);
        assert!(got.len() < 300 && got[..] == wants[..got.len()], "{fault}: {}", got.len());
        let latched = shm.read(reg::STICKY).expect("the registers answer") as u16;
        assert_eq!(latched & sticky::RESET != 0, fault.starts_with("reset"), "{fault}");
        // A scrub brings a card back that was reset; a stalled one stays as it is.
        if fault.starts_with("reset") {
            bring_up(&mut shm, 4, 7);
            assert!(play(&mut shm, &stream[..150], LOOKS) == wants[..150]);
        }
    }
}

#[test]
fn a_simulator_that_is_killed_is_told_at_once() {
    let mut simulator = Simulator::start(&[]);
    let mut shm = simulator.open();
    bring_up(&mut shm, 4, 7);
    let stream = stream(100);
    play(&mut shm, &stream, LOOKS);
    simulator.child.kill().expect("killed"); // SIGKILL
    simulator.child.wait().expect("dead");
    assert!(shm.put(&OpLine::barrier(0, 101)), "memory takes it");
    assert!(wait(&mut shm, 1_000_000).is_none(), "nobody answers");
    let error = shm.read(reg::STATUS).expect_err("nobody is there");
    assert!(error.to_string().contains("the simulator is gone"), "{error}");
}

#[test]
fn a_host_that_hangs_up_leaves_a_killed_gate() {
    let simulator = Simulator::start(&[]);
    let mut first = simulator.open();
    bring_up(&mut first, 4, 7);
    let stream = stream(300);
    play(&mut first, &stream, LOOKS);
    drop(first);
    // The next host may come before the socket's end was seen.
    let mut second = (0..1_000).find_map(|_| {
        std::thread::yield_now();
        Shm::open(&simulator.socket).ok()
    });
    let second = second.as_mut().expect("connected");
    while second.read(reg::STATUS).expect("read") & 1 == 0 {}
    let order = stream.iter().find(|line| line.kind() == kind::NEW).expect("an order");
    assert!(second.put(&order.numbered(1, 1)));
    let verdict = wait(second, LOOKS).expect("answered");
    assert!(verdict.killed() && verdict.rejects().0 & (rule::KILL_GLOBAL | rule::RANGE) != 0);
    assert_eq!(verdict.sticky().0, sticky::RESET);
}
