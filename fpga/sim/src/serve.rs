//! The simulator process: a card behind a socket, with the window and the ring of a real one.
//!
//! Model: one loop of one thread. It looks into the window as the write side of PCIe would, clocks the
//! gate, writes verdicts into the host's ring, and now and then looks at its sockets: the host's, and
//! those of others that opened the registers only. A host that hangs up leaves a gate that is reset.
//! For tests of hosts, lines and verdicts can be late, lost, doubled or wrong ([`Fault`]).
//!
//! Worst case: a register access waits for [`LOOK`] turns of the loop; an idle loop sleeps between
//! looks, so the first line after silence waits longer.

use std::collections::VecDeque;
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use nofx_fpga::backend::CardLines;
use nofx_fpga::backend::shm::{HELLO, Message, packet_socket, receive, refusal, send, slots, what};
use nofx_fpga::regs::{self, op, reg, verdict};
use nofx_fpga::{OpLine, VerdictLine};
use rustix::event::{EventfdFlags, eventfd};
use rustix::net::{RecvFlags, SocketAddrUnix, SocketFlags, accept_with, bind, listen};

use crate::gate::Gate;

/// Turns of the loop between two looks at the sockets.
const LOOK: u64 = 64;
/// Turns without a line after which the loop sleeps between looks.
const IDLE: u64 = 200_000;
/// Cycles of a waveform: a line's way through the pipe, and what comes behind it.
const WAVE_CYCLES: u64 = 48;
/// Cycles of a turn in which nothing is under way.
const IDLE_CYCLES: u64 = 16;

/// What goes wrong, at the line or verdict of that number since the host connected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The line never reaches the gate.
    LoseLine(u64),
    /// It reaches it twice.
    DoubleLine(u64),
    /// A bit of its quantity is wrong.
    FlipLine(u64),
    /// The verdict never reaches the ring.
    LoseVerdict(u64),
    /// A bit of its payload is wrong.
    FlipVerdict(u64),
    /// From this line on nothing is taken and nothing answered.
    Stall(u64),
    /// The card is reset when this line arrives.
    Reset(u64),
}

impl FromStr for Fault {
    type Err = String;

    fn from_str(text: &str) -> Result<Fault, String> {
        let (name, at) = text.split_once('=').ok_or("write it as NAME=NUMBER")?;
        let at = at.parse().map_err(|_| format!("`{at}` is no number of a line"))?;
        match name {
            "lose-line" => Ok(Fault::LoseLine(at)),
            "double-line" => Ok(Fault::DoubleLine(at)),
            "flip-line" => Ok(Fault::FlipLine(at)),
            "lose-verdict" => Ok(Fault::LoseVerdict(at)),
            "flip-verdict" => Ok(Fault::FlipVerdict(at)),
            "stall" => Ok(Fault::Stall(at)),
            "reset" => Ok(Fault::Reset(at)),
            _ => Err("name one of lose-line, double-line, flip-line, lose-verdict, flip-verdict, \
                      stall, reset"
                .to_owned()),
        }
    }
}

/// What stands behind window and ring.
pub enum Card {
    /// The simulated gate.
    Gate(Box<Gate>),
    /// No gate: each line is answered at once by its kind, tag and sequence. For measuring the way.
    Echo(VecDeque<VerdictLine>),
}

impl Card {
    /// No gate.
    pub fn echo() -> Card {
        Card::Echo(VecDeque::new())
    }

    fn offer(&mut self, line: &OpLine) {
        match self {
            Card::Gate(gate) => gate.offer(std::slice::from_ref(line)),
            Card::Echo(queue) => queue.push_back(
                VerdictLine::ZERO
                    .with(verdict::KIND, line.kind().into())
                    .with(verdict::CREDITS, line.seq().into())
                    .with(verdict::TAG, line.tag().into())
                    .with(verdict::SEQ, line.seq().into()),
            ),
        }
    }

    fn take(&mut self) -> Option<VerdictLine> {
        match self {
            Card::Gate(gate) => gate.take().map(|stamped| stamped.line),
            Card::Echo(queue) => queue.pop_front(),
        }
    }

    /// Whether a line is under way.
    fn busy(&self) -> bool {
        match self {
            Card::Gate(gate) => gate.queued() > 0 || !gate.in_flight().is_empty(),
            Card::Echo(queue) => !queue.is_empty(),
        }
    }

    fn clock(&mut self, cycles: u64) {
        if let Card::Gate(gate) = self {
            gate.clock(cycles);
        }
    }

    fn cycle(&self) -> u64 {
        match self {
            Card::Gate(gate) => gate.cycle(),
            Card::Echo(_) => 0,
        }
    }

    fn killed(&self) -> bool {
        matches!(self, Card::Gate(gate) if gate.killed())
    }

    fn reset(&mut self) {
        match self {
            Card::Gate(gate) => gate.reset(4),
            Card::Echo(queue) => queue.clear(),
        }
    }

    fn read(&mut self, at: u32) -> Option<u32> {
        match self {
            Card::Gate(gate) => gate.read(at),
            Card::Echo(_) => Some(match at {
                reg::MAGIC => regs::MAGIC,
                reg::ABI => regs::ABI,
                _ => 0,
            }),
        }
    }

    fn write(&mut self, at: u32, value: u32) -> bool {
        match self {
            Card::Gate(gate) => gate.write(at, value),
            Card::Echo(_) => true,
        }
    }
}

/// How a simulator behaves.
#[derive(Clone, Debug, Default)]
pub struct Behaviour {
    /// Cycles that a line, and a verdict, is under way between host and gate.
    pub delay: u64,
    /// What goes wrong.
    pub faults: Vec<Fault>,
    /// Never sleep, however long nothing happens.
    pub spin: bool,
    /// Waveforms of the cycles round the line of that number since the host connected, into this file.
    pub wave: Option<(u64, PathBuf)>,
}

/// The host that has the lines.
struct Host {
    socket: OwnedFd,
    lines: CardLines,
    event: OwnedFd,
}

/// The simulator.
pub struct Server {
    listener: OwnedFd,
    card: Card,
    behaviour: Behaviour,
    host: Option<Host>,
    /// Sockets that have the registers only.
    others: Vec<OwnedFd>,
    inbound: VecDeque<(u64, OpLine)>,
    outbound: VecDeque<(u64, VerdictLine)>,
    lines: u64,
    verdicts: u64,
    stalled: bool,
    was_killed: bool,
    idle: u64,
}

impl Server {
    /// Listens at `path`; a socket that nobody listens at any more is replaced.
    pub fn bind(path: &Path, card: Card, behaviour: Behaviour) -> io::Result<Server> {
        let listener = packet_socket()?;
        let address = SocketAddrUnix::new(path)?;
        if path.exists() && rustix::net::connect(packet_socket()?, &address).is_err() {
            std::fs::remove_file(path)?;
        }
        bind(&listener, &address)?;
        listen(&listener, 4)?;
        rustix::io::ioctl_fionbio(&listener, true)?;
        Ok(Server {
            listener,
            card,
            behaviour,
            host: None,
            others: Vec::new(),
            inbound: VecDeque::new(),
            outbound: VecDeque::new(),
            lines: 0,
            verdicts: 0,
            stalled: false,
            was_killed: true,
            idle: 0,
        })
    }

    /// Serves until `go_on` says no; it is asked at every look at the sockets.
    pub fn serve(&mut self, go_on: impl Fn() -> bool) -> io::Result<()> {
        for turn in 0u64.. {
            if turn % LOOK == 0 {
                if !go_on() {
                    return Ok(());
                }
                self.look()?;
                if self.idle > IDLE && !self.behaviour.spin {
                    std::thread::sleep(Duration::from_micros(50));
                }
            }
            self.turn();
        }
        Ok(())
    }

    /// Lines in, cycles, verdicts out.
    fn turn(&mut self) {
        let Some(host) = &mut self.host else {
            self.idle += 1;
            return;
        };
        let now = self.card.cycle();
        let mut came = false;
        if !self.stalled
            && let Some(line) = host.lines.take()
        {
            came = true;
            self.arrive(line, now);
        }
        while let Some(line) = due(&mut self.inbound, now) {
            self.card.offer(&line);
        }
        let busy = self.card.busy() || !self.inbound.is_empty() || !self.outbound.is_empty();
        self.idle = if busy || came { 0 } else { self.idle + 1 };
        self.card.clock(if busy { 1 } else { IDLE_CYCLES });
        let now = self.card.cycle();
        while let Some(verdict) = self.card.take() {
            self.outbound.push_back((now + self.behaviour.delay, verdict));
        }
        while let Some(verdict) = due(&mut self.outbound, now) {
            self.answer(verdict);
        }
        self.tell_kill();
    }

    fn arrive(&mut self, line: OpLine, now: u64) {
        self.lines += 1;
        self.wave(now);
        let (at, due) = (self.lines, now + self.behaviour.delay);
        let has = |fault: Fault| self.behaviour.faults.contains(&fault);
        if has(Fault::Stall(at)) {
            self.stalled = true;
            return;
        }
        if has(Fault::Reset(at)) {
            self.reset();
            return;
        }
        let mut line = line;
        if has(Fault::FlipLine(at)) {
            line.set(op::QTY, line.get(op::QTY) ^ 1 << 7);
        }
        let times = match () {
            () if has(Fault::LoseLine(at)) => 0,
            () if has(Fault::DoubleLine(at)) => 2,
            () => 1,
        };
        (0..times).for_each(|_| self.inbound.push_back((due, line)));
    }

    /// Waveforms begin a little before the line for which they were asked, once.
    fn wave(&mut self, now: u64) {
        let here = |wave: &mut (u64, PathBuf)| wave.0 == self.lines;
        if let (Some((_, path)), Card::Gate(gate)) =
            (self.behaviour.wave.take_if(here), &mut self.card)
        {
            gate.trace_window(now, now + WAVE_CYCLES, path);
        }
    }

    fn answer(&mut self, verdict: VerdictLine) {
        self.verdicts += 1;
        let has = |fault: Fault| self.behaviour.faults.contains(&fault);
        if self.stalled || has(Fault::LoseVerdict(self.verdicts)) {
            return;
        }
        let mut verdict = verdict;
        if has(Fault::FlipVerdict(self.verdicts)) {
            verdict.words[2] ^= 1 << 7;
        }
        if let Some(host) = &mut self.host {
            host.lines.put(&verdict);
        }
    }

    /// The event counts how often the kill was engaged.
    fn tell_kill(&mut self) {
        let killed = self.card.killed();
        if killed
            && !self.was_killed
            && let Some(host) = &self.host
        {
            // A counter at its end loses a tick; the level is in the registers.
            rustix::io::write(&host.event, &1u64.to_ne_bytes()).ok();
        }
        self.was_killed = killed;
    }

    /// As after power-on: nothing under way, every slot empty.
    fn reset(&mut self) {
        self.card.reset();
        self.forget();
    }

    fn forget(&mut self) {
        self.inbound.clear();
        self.outbound.clear();
        if let Some(host) = &mut self.host {
            host.lines.restart();
        }
    }

    /// New connections, and what those that stand ask.
    fn look(&mut self) -> io::Result<()> {
        match accept_with(&self.listener, SocketFlags::CLOEXEC) {
            Ok(socket) => self.greet(socket),
            Err(rustix::io::Errno::AGAIN | rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        if let Some(host) = self.host.take() {
            // Taken out while it is asked: a scrub empties its window.
            let asked = receive(&host.socket, RecvFlags::DONTWAIT);
            self.host = Some(host);
            self.hear(asked);
        }
        for socket in std::mem::take(&mut self.others) {
            match receive(&socket, RecvFlags::DONTWAIT) {
                Ok(None) => self.others.push(socket),
                Ok(Some((message, _))) => {
                    if send(&socket, &self.obey(&message), &[]).is_ok() {
                        self.others.push(socket);
                    }
                }
                Err(_) => {}
            }
        }
        Ok(())
    }

    fn hear(&mut self, asked: io::Result<Option<(Message, Vec<OwnedFd>)>>) {
        let gone = match asked {
            Ok(None) => return,
            Err(_) => true,
            Ok(Some((message, _))) => {
                let answer = self.obey(&message);
                self.host.as_ref().is_none_or(|host| send(&host.socket, &answer, &[]).is_err())
            }
        };
        if gone {
            self.host = None;
            self.reset();
        }
    }

    /// The first message of a connection: who does not greet as we do is told why, and hung up on.
    fn greet(&mut self, socket: OwnedFd) {
        let patience = Some(Duration::from_millis(200));
        let timeout = rustix::net::sockopt::Timeout::Recv;
        rustix::net::sockopt::set_socket_timeout(&socket, timeout, patience).ok();
        let Ok(Some((hello, fds))) = receive(&socket, RecvFlags::empty()) else { return };
        let [welcome, ring] = match self.judge(&hello, fds.len()) {
            Some(reason) => {
                let refused = [what::REFUSED, reason, HELLO[2], HELLO[3]];
                send(&socket, &refused, &[]).ok();
                return;
            }
            None => [what::WELCOME, fds.len() as u32],
        };
        let welcome = [welcome, HELLO[1], HELLO[2], HELLO[3]];
        if ring == 0 {
            if send(&socket, &welcome, &[]).is_ok() {
                self.others.push(socket);
            }
        } else if let Ok(host) = open_lines(socket, &welcome, fds) {
            self.host = Some(host);
            (self.lines, self.verdicts, self.stalled, self.idle) = (0, 0, false, 0);
            self.was_killed = self.card.killed();
        }
    }

    /// Why a greeting is refused.
    fn judge(&self, hello: &Message, descriptors: usize) -> Option<u32> {
        match *hello {
            [what::HELLO, magic, ..] if magic != HELLO[1] => Some(refusal::MAGIC),
            [what::HELLO, _, version, _] if version != HELLO[2] => Some(refusal::VERSION),
            [what::HELLO, _, _, slots] if slots != HELLO[3] => Some(refusal::SLOTS),
            [what::HELLO, ..] if descriptors > 0 && self.host.is_some() => Some(refusal::BUSY),
            [what::HELLO, ..] => None,
            _ => Some(refusal::MAGIC),
        }
    }

    fn obey(&mut self, message: &Message) -> Message {
        let [kind, at, value, _] = *message;
        match kind {
            what::READ => match self.card.read(at) {
                Some(value) => [kind, at, value, 0],
                None => [kind, at, 0, 1],
            },
            what::WRITE => {
                let written = self.card.write(at, value);
                if at == reg::CONTROL && value & 1 != 0 {
                    self.forget();
                }
                [kind, at, value, u32::from(!written)]
            }
            _ => [kind, at, value, 1],
        }
    }
}

fn open_lines(socket: OwnedFd, welcome: &Message, fds: Vec<OwnedFd>) -> io::Result<Host> {
    let ring = fds.into_iter().next().ok_or(io::ErrorKind::InvalidInput)?;
    let window = slots("nofx-window")?;
    let lines = CardLines::map(&window, &File::from(ring))?;
    let event = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?;
    send(&socket, welcome, &[window.as_fd(), event.as_fd()])?;
    Ok(Host { socket, lines, event })
}

fn due<T>(queue: &mut VecDeque<(u64, T)>, now: u64) -> Option<T> {
    let (at, _) = queue.front()?;
    if *at > now {
        return None;
    }
    queue.pop_front().map(|(_, line)| line)
}

/// The greeting of another version, for tests of the refusal.
pub const OTHER_VERSION: Message = [HELLO[0], HELLO[1], HELLO[2] + (1 << 16), HELLO[3]];
