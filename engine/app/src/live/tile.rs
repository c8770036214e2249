//! The trade tile: polls what brings inputs, writes each into the journal and gives it to the core.
//!
//! Model: one turn takes a burst of each line, what the streams have, then the time when a timer
//! asks for it. Everything else (commands, kill words, views) has its own, slower places. The tile
//! makes the system calls of its ports and streams, and none besides.

use std::net::SocketAddrV4;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use nofx_mailbox::ControlCommand;
use nofx_net::port::{Port, PortCounters};
use nofx_net::stream::StreamState;
use nofx_order::RECEIVE_MAX;
use nofx_risk::LimitGate;
use nofx_rt::clock::monotonic_ns;
use nofx_rt::hist::Histogram;
use nofx_rt::tile::{Poll, TileStats, Work};
use nofx_signal::Strategy;
use nofx_types::Nanos;

use super::clock::EngineClock;
use super::core::{Core, Ending, Input};
use super::door::{Door, Knock};
use super::record::{Command, EndRecord, Kind};
use super::shared::Shared;
use super::tape::Tape;
use super::views::{Seen, ViewWriter, channel_code};
use crate::params::page::PageKind;

/// Bytes of a stream taken as one input, at most.
const STREAM_BYTES: usize = if RECEIVE_MAX < 16_384 { RECEIVE_MAX } else { 16_384 };
/// Polls between two looks at a recovery socket that is not waited for.
const IDLE_LOOK: u32 = 256;
/// Part of the journal's ring, in 1/255, at which new orders stop: the rest is for cancels.
const RING_STOP: u8 = 128;
/// And at which they may go on.
const RING_GO: u8 = 64;

/// A turn that took so long left packets waiting: until they are taken, new orders would be decided on
/// a market that is gone.
const STALL_NS: u64 = 250_000_000;
/// Stops new orders.
const HOLD: Input<'static> = Input::Command(Command::Journal { broken: true });
/// Pages taken before the first turn: of parameters and models, those of the engine before, then those
/// published since.
const INHERITED_MAX: usize = 4;
/// How long the streams are still served after the logout.
const LOGOUT_NS: u64 = 10_000_000;

/// Paces of the tile, in nanoseconds.
#[derive(Clone, Copy, Debug)]
pub struct Paces {
    /// The time is taken at least this often.
    pub tick: u64,
    /// The end of a run takes at most this long.
    pub stop: u64,
}

/// Which stream.
#[derive(Clone, Copy)]
enum Channel {
    Orders,
    Rescue,
    Snapshot,
}

/// See the module.
pub struct TradeTile<S, G> {
    /// The engine.
    pub core: Core<S, G>,
    /// Its outside.
    pub tape: Tape,
    ports: Vec<Box<dyn Port + Send>>,
    lines: Vec<SocketAddrV4>,
    clock: EngineClock,
    shared: Arc<Shared>,
    views: ViewWriter,
    door: Door,
    /// Snapshots that the views have made, when the last was asked for.
    snapshots: u64,
    paces: Paces,
    buffer: Box<[u8]>,
    order_state: StreamState,
    rescue_state: StreamState,
    snapshot_state: StreamState,
    looks: u32,
    /// The feed lives on its stream.
    streams: bool,
    timed: Nanos,
    /// When the last turn ended.
    turned: Nanos,
    /// Packets from before a stall may still be waiting.
    behind: bool,
    stopping: Option<Nanos>,
    logged_out: Option<Nanos>,
    held: bool,
    gate_failed: bool,
    /// Nanoseconds from the driver hook to the tile, where a port stamps it.
    pub hook: Histogram,
    /// Packets that came to an address that is no line.
    pub foreign: u64,
    id_limit: u32,
    port_counts: Vec<(String, PortCounters)>,
    ended: bool,
}

/// What a tile is made of.
pub struct TileParts<S, G> {
    /// The engine.
    pub core: Core<S, G>,
    /// Its outside.
    pub tape: Tape,
    /// Where packets come from.
    pub ports: Vec<Box<dyn Port + Send>>,
    /// Group and port of each line.
    pub lines: Vec<SocketAddrV4>,
    /// The engine's time.
    pub clock: EngineClock,
    /// Words shared with the other threads.
    pub shared: Arc<Shared>,
    /// Writes the pages that others read.
    pub views: ViewWriter,
    /// Where control comes in.
    pub door: Door,
    /// Paces.
    pub paces: Paces,
}

impl<S: Strategy, G: LimitGate> TradeTile<S, G> {
    /// Joins the parts.
    pub fn new(parts: TileParts<S, G>) -> TradeTile<S, G> {
        let TileParts { core, tape, ports, lines, clock, shared, views, door, paces } = parts;
        let streams = core.feed.lives_on_its_stream();
        TradeTile {
            core,
            tape,
            ports,
            lines,
            clock,
            shared,
            views,
            door,
            snapshots: 0,
            paces,
            buffer: vec![0; STREAM_BYTES].into_boxed_slice(),
            order_state: StreamState::Closed,
            rescue_state: StreamState::Closed,
            snapshot_state: StreamState::Closed,
            looks: 0,
            streams,
            timed: Nanos(0),
            turned: Nanos(u64::MAX),
            behind: false,
            stopping: None,
            logged_out: None,
            held: false,
            gate_failed: false,
            hook: Histogram::default(),
            foreign: 0,
            id_limit: 0,
            port_counts: Vec::new(),
            ended: false,
        }
    }

    /// After the last turn: what the ports counted, and the last record of the run.
    pub fn close(&mut self) {
        let ports = self.ports.iter_mut();
        self.port_counts =
            ports.map(|port| (port.describe().to_string(), port.counters())).collect();
        let end = EndRecord {
            hash: self.core.path.log.hex(),
            records: self.core.path.log.counts().total(),
            open_orders: self.core.path.orders.open_orders() as u64,
            lost: self.tape.counters.lost,
        };
        let json = serde_json::to_vec(&end).unwrap_or_default();
        self.tape.put(Kind::End, self.clock.now(), &[&json]);
        self.tape.orders.close();
    }

    /// When the books were first trusted.
    pub fn live_at(&self) -> Option<Instant> {
        self.views.since[0]
    }

    /// When orders could first go out.
    pub fn trading_at(&self) -> Option<Instant> {
        self.views.since[1]
    }

    /// What the ports are and counted, once the tile is closed.
    pub fn port_counts(&self) -> &[(String, PortCounters)] {
        &self.port_counts
    }

    #[inline]
    fn input(&mut self, now: Nanos, input: Input<'_>) {
        self.tape.note(now, &input);
        self.core.take(now, input, &mut self.tape);
    }

    /// One burst of every line.
    #[inline]
    fn packets(&mut self) -> usize {
        let mut taken = 0;
        for port in &mut self.ports {
            for index in 0..port.poll() {
                let arrival = port.arrival(index);
                let datagram = &arrival.datagram;
                let place = |l: &SocketAddrV4| {
                    l.port() == datagram.dst_port && l.ip().octets() == datagram.dst
                };
                let Some(line) = self.lines.iter().position(place) else {
                    self.foreign += 1;
                    continue;
                };
                if arrival.at.hook != Nanos(0) {
                    self.hook.record(monotonic_ns().saturating_sub(arrival.at.hook.0));
                }
                let now = self.clock.now();
                if now.since(self.turned) >= STALL_NS && !self.behind {
                    (self.behind, self.held) = (true, true);
                    self.tape.note(now, &HOLD);
                    self.core.take(now, HOLD, &mut self.tape);
                }
                let input = Input::Packet { line: line as u8, payload: datagram.payload };
                self.tape.note(now, &input);
                self.core.take(now, input, &mut self.tape);
                taken += 1;
            }
        }
        self.behind &= taken > 0;
        taken
    }

    fn replies(&mut self) -> usize {
        let Some(port) = &mut self.tape.replies else { return 0 };
        let packets = port.poll();
        for index in 0..packets {
            // Copied: the port also sends, while the core takes this.
            let Some(port) = &self.tape.replies else { break };
            let datagram = port.arrival(index).datagram;
            let from = SocketAddrV4::new(datagram.src.into(), datagram.src_port);
            let server = self.tape.servers.iter().position(|s| *s == from);
            let (Some(server), Some(place)) =
                (server, self.buffer.get_mut(..datagram.payload.len()))
            else {
                self.foreign += 1;
                continue;
            };
            place.copy_from_slice(datagram.payload);
            let len = place.len();
            let buffer = std::mem::take(&mut self.buffer);
            let payload = buffer.get(..len).unwrap_or(&[]);
            self.input(self.clock.now(), Input::Reply { server: server as u8, payload });
            self.buffer = buffer;
        }
        packets
    }

    fn order_stream(&mut self) -> usize {
        let now = self.clock.now();
        if std::mem::take(&mut self.tape.orders_asked) {
            self.order_state = StreamState::Connecting;
        }
        let state = self.tape.orders.poll(now);
        let mut taken = self.stream_bytes(now, Channel::Orders);
        if state != self.order_state {
            let before = std::mem::replace(&mut self.order_state, state);
            taken += 1;
            match (before, state) {
                (_, StreamState::Open) => self.input(now, Input::OrderOpened),
                (_, StreamState::Closed) => self.input(now, Input::OrderClosed),
                (_, StreamState::Connecting) => {}
            }
        }
        taken
    }

    /// As [`Self::order_stream`], for the second session.
    fn rescue_stream(&mut self) -> usize {
        let now = self.clock.now();
        let Some(stream) = &mut self.tape.rescue else { return 0 };
        if std::mem::take(&mut self.tape.rescue_asked) {
            self.rescue_state = StreamState::Connecting;
        }
        let state = stream.poll(now);
        let mut taken = self.stream_bytes(now, Channel::Rescue);
        if state != self.rescue_state {
            self.rescue_state = state;
            taken += 1;
            match state {
                StreamState::Open => self.input(now, Input::RescueOpened),
                StreamState::Closed => self.input(now, Input::RescueClosed),
                StreamState::Connecting => {}
            }
        }
        taken
    }

    fn snapshot_stream(&mut self) -> usize {
        let now = self.clock.now();
        let Some(stream) = &mut self.tape.snapshot else { return 0 };
        if std::mem::take(&mut self.tape.snapshot_asked) {
            self.snapshot_state = StreamState::Connecting;
        }
        let state = stream.poll(now);
        let mut taken = 0;
        if state == StreamState::Open && self.snapshot_state != StreamState::Open {
            taken += 1;
            self.snapshot_state = state;
            self.input(now, Input::SnapshotOpened);
        }
        taken += self.stream_bytes(now, Channel::Snapshot);
        if state == StreamState::Closed && self.snapshot_state != StreamState::Closed {
            taken += 1;
            self.snapshot_state = state;
            self.input(now, Input::SnapshotClosed);
        }
        taken
    }

    /// Takes one piece of a stream as an input: copied, since the stream also sends meanwhile.
    fn stream_bytes(&mut self, now: Nanos, channel: Channel) -> usize {
        let source = match channel {
            Channel::Orders => Some(&mut self.tape.orders),
            Channel::Rescue => self.tape.rescue.as_mut(),
            Channel::Snapshot => self.tape.snapshot.as_mut(),
        };
        let Some(source) = source else { return 0 };
        let len = source.received().len().min(self.buffer.len());
        if len == 0 {
            return 0;
        }
        if let Some((place, bytes)) = self.buffer.get_mut(..len).zip(source.received().get(..len)) {
            place.copy_from_slice(bytes);
        }
        source.consume(len);
        let buffer = std::mem::take(&mut self.buffer);
        let bytes = buffer.get(..len).unwrap_or(&[]);
        match channel {
            Channel::Orders => self.input(now, Input::OrderBytes(bytes)),
            Channel::Rescue => self.input(now, Input::RescueBytes(bytes)),
            Channel::Snapshot => self.input(now, Input::SnapshotBytes(bytes)),
        }
        self.buffer = buffer;
        1
    }

    /// Whether recovery servers may be talking.
    fn is_recovering(&self) -> bool {
        use nofx_feed::ChannelState as C;
        !matches!(self.core.feed.state(), C::Live | C::Gap | C::Ended)
    }

    /// The time, when a timer asks for it.
    fn time(&mut self) {
        let now = self.clock.now();
        if now.since(self.turned) >= STALL_NS && !self.behind {
            (self.behind, self.held) = (true, true);
            self.input(now, HOLD);
        }
        self.turned = now;
        let due = self.core.next_deadline().is_some_and(|at| at <= now);
        if due || now.since(self.timed) >= self.paces.tick {
            self.timed = now;
            self.core.path.gate.heartbeat();
            self.input(now, Input::Time);
        }
    }

    /// The next command, if there is one: kill words first.
    #[inline]
    fn next_command(&mut self) -> Option<Command> {
        if let Some((scope, engaged)) = self.tape.kill().next_change() {
            return Some(if engaged { Command::Kill(scope) } else { Command::Release(scope) });
        }
        if let Some(epoch) = self.tape.kill().new_epoch() {
            return Some(Command::Epoch(epoch));
        }
        if let Some(failed) = self.core.path.gate.failed().filter(|_| !self.gate_failed) {
            self.gate_failed = true;
            self.shared.set_gate_failed(failed.why);
            let verdicts = u32::try_from(failed.verdicts).unwrap_or(u32::MAX);
            return Some(Command::GateFailed { verdicts, why: failed.why });
        }
        if self.stopping.is_none() && Shared::is(&self.shared.stop) {
            self.stopping = Some(self.clock.now());
            return Some(Command::Stop);
        }
        let limit = self.shared.id_limit.load(Ordering::Acquire);
        if limit > self.id_limit {
            self.id_limit = limit;
            return Some(Command::IdLimit(limit));
        }
        None
    }

    /// Before the first turn: pages that the engine before ran under are in force before anything
    /// is decided.
    pub fn inherit(&mut self) {
        for _ in 0..INHERITED_MAX {
            let Some(knock) = self.door.page() else { break };
            self.let_in(knock);
        }
    }

    /// What knocked at the door becomes an input.
    #[cold]
    fn let_in(&mut self, knock: Knock) {
        match knock {
            Knock::Page(kind, len) => self.page(kind, len),
            Knock::Request(request) => {
                // A page that the request may be about was published before it.
                for _ in 0..2 {
                    if let Some(Knock::Page(kind, len)) = self.door.page() {
                        self.page(kind, len);
                    }
                }
                self.input(self.clock.now(), Input::Request(request));
                self.answer();
            }
        }
    }

    fn page(&mut self, kind: PageKind, len: usize) {
        let page = self.door.lend();
        let bytes = page.get(..len).unwrap_or(&[]);
        let input = match kind {
            PageKind::Params => Input::Params(bytes),
            PageKind::Model => Input::Model(bytes),
        };
        self.input(self.clock.now(), input);
        self.door.give_back(page);
        self.views.steered(self.clock.now(), &self.core, &mut self.tape);
    }

    /// Answers the request at hand, or has it carried out.
    fn answer(&mut self) {
        let Some(answer) = self.tape.answer.take() else { return };
        match self.door.answer(self.clock.now(), &answer) {
            Some(ControlCommand::Snapshot) => {
                self.views.ask();
                self.snapshots = self.views.snapshots();
            }
            Some(ControlCommand::RotateJournal) => self.shared.ask_rotation(),
            _ => {}
        }
    }

    /// Answers what others have carried out by now.
    fn answer_late(&mut self, now: Nanos) {
        if self.views.snapshots() > self.snapshots {
            self.snapshots = self.views.snapshots();
            self.door.snapshot_done(now);
        }
        if self.door.is_rotating()
            && let Some(result) = self.shared.rotation()
        {
            self.door.rotation_done(now, result);
        }
    }

    /// Words for the other threads.
    fn tell(&self) {
        let (orders, feed) = (&self.core.path.orders, &self.core.feed);
        self.shared.id_used.store(orders.first_free_id(), Ordering::Release);
        self.shared.set_session(orders.session());
        self.shared.set_stranded(orders.stranded().map(|order| order.id.0));
        self.shared.channel.store(channel_code(feed.state()), Ordering::Release);
        let silent = |line| u8::from(feed.line_alarm(line).silent) << line;
        self.shared.set_silent((0..self.lines.len().min(8)).map(silent).sum());
    }

    /// Holds orders while the journal is in trouble.
    fn journal_trouble(&mut self) {
        let fill = self.tape.journal_fill();
        let broken = Shared::is(&self.shared.journal_broken);
        let lost = self.tape.counters.lost > 0;
        let lags = fill >= RING_STOP || (self.held && fill > RING_GO);
        self.shared.journal_room.store(if lost { 2 } else { lags.into() }, Ordering::Release);
        let hold = broken || lost || lags || self.behind;
        if hold != self.held && self.stopping.is_none() {
            self.held = hold;
            self.input(self.clock.now(), Input::Command(Command::Journal { broken: hold }));
        }
    }
}

impl<S: Strategy, G: LimitGate> Work for TradeTile<S, G> {
    fn poll(&mut self, _: usize) -> Poll {
        let mut taken = self.packets();
        taken += self.order_stream();
        self.looks = self.looks.wrapping_add(1);
        let idle_look = self.looks.is_multiple_of(IDLE_LOOK);
        if self.streams || idle_look || self.is_recovering() {
            taken += self.snapshot_stream();
        }
        if idle_look || self.is_recovering() {
            taken += self.replies();
        }
        if self.tape.rescue.is_some() && (idle_look || self.order_state != StreamState::Open) {
            taken += self.rescue_stream();
        }
        self.time();
        if taken == 0 { Poll::Idle } else { Poll::Busy(taken) }
    }

    fn command(&mut self) -> bool {
        if let Some(command) = self.next_command() {
            self.input(self.clock.now(), Input::Command(command));
            return true;
        }
        let Some(knock) = self.door.knock() else { return false };
        self.let_in(knock);
        true
    }

    fn house_keeping(&mut self, _: u64, stats: &TileStats) {
        let now = self.clock.now();
        self.core.path.log.settle();
        if self.tape.journal_fill() < RING_STOP {
            self.door.open();
        }
        self.journal_trouble();
        self.tell();
        let seen = Seen {
            core: &self.core,
            tape: &mut self.tape,
            stats,
            hook: &self.hook,
            foreign: self.foreign,
            drift_ns: self.clock.drift_ns(),
        };
        self.views.turn(now, seen);
        self.answer_late(now);
        let over = self.stopping.is_some_and(|since| now.since(since) >= self.paces.stop);
        if self.core.ending() == Ending::LoggedOut {
            let since = *self.logged_out.get_or_insert(now);
            self.ended |= now.since(since) >= LOGOUT_NS; // the logout itself still has to leave
        }
        self.ended |= over;
    }

    fn stop(&self) -> bool {
        self.ended
    }
}
