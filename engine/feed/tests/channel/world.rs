//! The network between a venue and a channel, as a queue of events in time.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::ops::Range;

use nofx_feed::{Action, ChannelState, FeedConfig, Join, RecoveringFeed, RecoveryConfig};
use nofx_rt::rng::Rng;
use nofx_types::Nanos;
use nofx_wire::{glimpse, soup};

use super::day::Day;
use super::truth::{Checked, START, hashes};

const US: u64 = 1_000;
const MS: u64 = 1_000_000;
/// How long the lines are watched once everything works that ever will.
const AFTER: u64 = 300 * MS;

/// Something that reaches the channel.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Input {
    Packet(usize, Vec<u8>),
    Reply(usize, Vec<u8>),
    Opened,
    Bytes(Vec<u8>),
    Closed,
    Time,
}

/// What a server does with a request, or the snapshot server with a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mood {
    Good,
    Dead,
    Mixed,
}

struct Line {
    /// Packets lost of a thousand.
    loss: u64,
    copies: u64,
    delay: u64,
    jitter: u64,
    dead: Range<u64>,
}

/// A packet as the venue sent it.
struct Sent {
    at: u64,
    session: usize,
    /// Messages of that session that were published by then.
    count: usize,
    bytes: Vec<u8>,
}

pub struct World {
    seed: u64,
    rng: Rng,
    days: Vec<Day>,
    /// What a server that was not restarted still tells.
    yesterday: Day,
    sent: Vec<Sent>,
    queue: BinaryHeap<Reverse<(u64, u64, u64, Input)>>,
    number: u64,
    connection: u64,
    servers: Vec<Mood>,
    glimpse: Mood,
    /// From here on everything works that ever will.
    heal: u64,
    end: u64,
    /// Both lines are dead from here on.
    cut: Option<u64>,
    /// Time is told at deadlines only.
    sparse: bool,
    pub feed: RecoveringFeed,
    pub configs: (FeedConfig, RecoveryConfig),
    pub sink: Checked,
    /// What reached the channel, and when.
    pub inputs: Vec<(Nanos, Input)>,
    /// What it asked for, as text.
    pub actions: Vec<String>,
}

/// How a run ended.
#[derive(Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Books are those of the whole lossless stream.
    Whole,
    /// Books are marked.
    Stale,
}

impl World {
    pub fn new(seed: u64) -> World {
        let mut rng = Rng::new(seed);
        let sessions = if rng.chance(1, 5) { 2 } else { 1 };
        let names = [*b"MONDAY    ", *b"TUESDAY   "];
        let days: Vec<Day> = (0..sessions)
            .map(|n| Day::new(seed * 2 + n as u64, names[n], 150 + rng.below(500) as usize))
            .collect();
        let pick = |rng: &mut Rng| match rng.below(5) {
            0 => Mood::Dead,
            1 | 2 => Mood::Good,
            _ => Mood::Mixed,
        };
        let servers: Vec<Mood> = (0..rng.below(4)).map(|_| pick(&mut rng)).collect();
        let with_glimpse = rng.chance(3, 4);
        let glimpse = if with_glimpse { pick(&mut rng) } else { Mood::Dead };
        let join = match rng.below(4) {
            0 => Join::FromOne,
            _ if with_glimpse => Join::Snapshot,
            _ => Join::FromOne,
        };
        let feed = FeedConfig {
            lines: 2,
            instruments: 16,
            gap_timeout_ns: 100 * US,
            reorder_packets: rng.below(6) as usize,
            packet_bytes: if rng.chance(1, 4) { 128 } else { 512 },
            ..FeedConfig::default()
        };
        let recovery = RecoveryConfig {
            join,
            buffer_packets: [2, 8, 40, 1024][rng.below(4) as usize],
            servers: servers.len(),
            request_max_messages: [1, 5, 40][rng.below(3) as usize],
            requests_in_flight: 1 + rng.below(4) as usize,
            request_interval_ns: 20 * US,
            request_timeout_ns: MS,
            attempts: 1 + rng.below(5) as u32,
            retransmission_timeout_ns: 20 * MS,
            retransmission_max_messages: [10, 100, 10_000][rng.below(3) as usize],
            snapshot: with_glimpse,
            snapshot_user: "NOFX".into(),
            snapshot_password: "secret".into(),
            snapshot_same_session: true,
            snapshot_timeout_ns: 20 * MS,
            retry_ns: 5 * MS,
            silence_ns: 8 * MS,
            request_user: String::new(),
        };
        let sink = Checked::new(days.iter().map(hashes).collect());
        let mut world = World {
            seed,
            rng,
            days,
            yesterday: Day::new(seed * 2 + 0x1000_0000, *b" YESTERDAY", 200),
            sent: Vec::new(),
            queue: BinaryHeap::new(),
            number: 0,
            connection: 0,
            servers,
            glimpse,
            heal: 0,
            end: 0,
            cut: None,
            sparse: false,
            feed: RecoveringFeed::new(feed, recovery.clone()).expect("a channel"),
            configs: (feed, recovery),
            sink,
            inputs: Vec::new(),
            actions: Vec::new(),
        };
        world.publish();
        world.carry();
        world
    }

    /// The venue's side: packets, heartbeats, the ends of sessions.
    fn publish(&mut self) {
        let mut at = START.0;
        let ends = self.rng.chance(1, 2);
        for session in 0..self.days.len() {
            let (mut count, total) = (0, self.days[session].messages.len());
            while count < total {
                let take = (1 + self.rng.below(5) as usize).min(total - count);
                let day = &self.days[session];
                let blocks: Vec<&[u8]> =
                    day.messages[count..count + take].iter().map(Vec::as_slice).collect();
                let bytes = mold(&day.session, count as u64 + 1, blocks.len() as u16, &blocks);
                count += take;
                self.sent.push(Sent { at, session, count, bytes });
                at += self.rng.below(200 * US);
                if self.rng.chance(1, 60) {
                    let idle = self.rng.below(6 * MS);
                    at = self.beats(session, count, at, at + idle, 0);
                }
            }
            if session + 1 < self.days.len() {
                at = self.beats(session, count, at, at + 3 * MS, u16::MAX);
            }
        }
        self.heal = at + 2 * MS;
        self.end = self.heal + AFTER;
        let last = self.days.len() - 1;
        let total = self.days[last].messages.len();
        let kind = if ends { u16::MAX } else { 0 };
        self.beats(last, total, at, self.end, kind);
    }

    /// Packets without messages until `to`.
    fn beats(&mut self, session: usize, count: usize, from: u64, to: u64, kind: u16) -> u64 {
        let mut at = from;
        while at < to {
            let bytes = mold(&self.days[session].session, count as u64 + 1, kind, &[]);
            self.sent.push(Sent { at, session, count, bytes });
            at += 2 * MS;
        }
        at.min(to.max(from))
    }

    /// What the lines do to it.
    fn carry(&mut self) {
        let span = self.heal - START.0;
        let rng = &mut self.rng;
        let outage = |rng: &mut Rng, most: u64| {
            let from = START.0 + rng.below(span);
            from..from + rng.below(most)
        };
        let both = if rng.chance(1, 2) { outage(rng, 15 * MS) } else { 0..0 };
        // A channel that is started in the middle of the day.
        let late = if rng.chance(1, 3) { START.0 + rng.below(span) } else { 0 };
        self.cut = rng.chance(1, 10).then(|| START.0 + rng.below(span));
        let lines: Vec<Line> = (0..2)
            .map(|_| Line {
                loss: [0, 5, 50, 300][rng.below(4) as usize],
                copies: [0, 100][rng.below(2) as usize],
                delay: rng.below(30 * US),
                jitter: [0, 20 * US, 400 * US][rng.below(3) as usize],
                dead: if rng.chance(1, 3) { outage(rng, span) } else { 0..0 },
            })
            .collect();
        for (number, line) in lines.iter().enumerate() {
            for at in 0..self.sent.len() {
                let Sent { at, ref bytes, .. } = self.sent[at];
                let bytes = bytes.clone();
                let out = both.contains(&at) || line.dead.contains(&at);
                let lost = at < self.heal && (out || self.rng.chance(line.loss, 1_000));
                if lost || at < late || self.cut.is_some_and(|cut| at >= cut) {
                    continue;
                }
                let arrives = at + line.delay + self.rng.below(line.jitter + 1);
                if self.rng.chance(line.copies, 1_000) {
                    let again = arrives + self.rng.below(500 * US);
                    self.push(again, 0, Input::Packet(number, bytes.clone()));
                }
                self.push(arrives, 0, Input::Packet(number, bytes));
            }
        }
        self.sparse = self.rng.chance(1, 3);
        let mut at = START.0;
        self.push(at, 0, Input::Time);
        self.push(self.end, 0, Input::Time);
        while at < self.end && !self.sparse {
            self.push(at, 0, Input::Time);
            at += 1 + self.rng.below(150 * US);
        }
    }

    fn push(&mut self, at: u64, connection: u64, input: Input) {
        self.number += 1;
        self.queue.push(Reverse((at, self.number, connection, input)));
    }

    /// Runs to the end; an error is a wrong book that nobody marked, or no way back where there was
    /// one.
    pub fn run(&mut self) -> Result<Outcome, String> {
        let mut packet_no = 0;
        while let Some(Reverse((at, number, connection, input))) = self.queue.pop() {
            if let Some(due) = self.feed.next_deadline().filter(|due| self.sparse && due.0 < at) {
                self.queue.push(Reverse((at, number, connection, input)));
                let before = self.inputs.last().map_or(0, |(at, _)| at.0);
                self.one(due.0.max(before), packet_no, Input::Time)?;
                let next = self.feed.next_deadline();
                if next.is_some_and(|next| next.0 <= due.0.max(before)) {
                    return Err(format!("seed {}: a deadline that stays: {next:?}", self.seed));
                }
                continue;
            }
            if connection != 0 && connection != self.connection {
                continue; // of a connection that is closed
            }
            packet_no += 1;
            self.one(at, packet_no, input)?;
        }
        self.outcome()
    }

    /// One input, and what must hold behind it.
    fn one(&mut self, at: u64, packet_no: u64, input: Input) -> Result<(), String> {
        let now = Nanos(at);
        let before = self.sink.events;
        give(&mut self.feed, now, packet_no, &input, &mut self.sink);
        self.inputs.push((now, input));
        if self.sink.events > before {
            self.sink.check(self.feed.expected() - 1, &self.inputs.last());
        }
        if let Some(wrong) = &self.sink.wrong {
            if std::env::var_os("NOFX_TRACE").is_some() {
                self.trace();
            }
            return Err(format!("seed {}: {wrong}, state {:?}", self.seed, self.feed.state()));
        }
        if self.feed.is_trusted() == self.sink.market.is_stale() {
            return Err(format!(
                "seed {}: {now:?} trusted {}, state {:?}, stale {}, {:?} {:?}",
                self.seed,
                self.feed.is_trusted(),
                self.feed.state(),
                self.sink.market.why_stale(),
                self.configs,
                self.feed.report().malformed,
            ));
        }
        self.act(at);
        Ok(())
    }

    /// What came last, for people.
    fn trace(&self) {
        for (at, input) in self.inputs.iter().rev().take(60).rev() {
            let text = match input {
                Input::Packet(line, bytes) => {
                    format!("line {line} {} {:?}", bytes[..10].escape_ascii(), &bytes[10..20])
                }
                Input::Reply(server, bytes) => {
                    format!("server {server} {:?}", bytes.get(10..20))
                }
                Input::Time => continue,
                Input::Bytes(bytes) => format!("bytes {}", bytes.escape_ascii()),
                other => format!("{other:?}"),
            };
            println!("{} {text}", at.0);
        }
        let actions = self.actions.iter().rev().take(6).rev();
        actions.for_each(|action| println!("{action}"));
        println!("{:?} {:?}", self.configs, self.days.len());
    }

    fn outcome(&self) -> Result<Outcome, String> {
        let day = self.days.last().expect("a day");
        let truth = self.sink.truth.last().expect("a day").last();
        let whole = self.feed.expected() == day.messages.len() as u64 + 1
            && Some(&self.sink.market.hash()) == truth;
        let state = self.feed.state();
        let of = format!(
            "seed {}: {state:?} at {} of {}, servers {:?}, glimpse {:?}, {:?}",
            self.seed,
            self.feed.expected() - 1,
            day.messages.len(),
            self.servers,
            self.glimpse,
            self.configs.1,
        );
        // Lines that died between two sessions: the first one is over, and whole.
        let former = self.cut.is_some()
            && state == ChannelState::Ended
            && self.days.iter().any(|day| day.messages.len() as u64 + 1 == self.feed.expected());
        if self.feed.is_trusted() {
            if !whole && !former {
                return Err(format!("{of}: believed, and not whole"));
            }
            return Ok(Outcome::Whole);
        }
        let fillable = self.servers.iter().any(|mood| *mood != Mood::Dead)
            && self.configs.1.retransmission_max_messages > 9_999
            && self.configs.1.join == Join::FromOne;
        let alive = self.cut.is_none() && (fillable || self.glimpse != Mood::Dead);
        if alive { Err(format!("{of}: stays stale")) } else { Ok(Outcome::Stale) }
    }

    fn act(&mut self, now: u64) {
        loop {
            let Some(action) = self.feed.poll_action() else { return };
            self.actions.push(format!("{action:?}"));
            match action {
                Action::Request { server, bytes } => {
                    let bytes = bytes.to_vec();
                    self.on_request(now, server, &bytes);
                }
                Action::SnapshotConnect => {
                    self.connection += 1;
                    self.on_connect(now);
                }
                Action::SnapshotSend(bytes) if bytes.get(2) == Some(&b'L') => self.on_login(now),
                Action::SnapshotSend(_) => {}
                Action::SnapshotClose => self.connection += 1,
                other => panic!("not of this protocol: {other:?}"),
            }
        }
    }

    /// How much of which session is published at `now`.
    fn published(&self, now: u64) -> (usize, usize) {
        let behind = self.sent.partition_point(|sent| sent.at <= now);
        behind
            .checked_sub(1)
            .map_or((0, 0), |last| (self.sent[last].session, self.sent[last].count))
    }

    fn on_request(&mut self, now: u64, server: usize, request: &[u8]) {
        let seq = u64::from_be_bytes(request[10..18].try_into().expect("eight")) as usize;
        let count = u16::from_be_bytes(request[18..20].try_into().expect("two")) as usize;
        assert_eq!(request.len(), 20);
        let (session, published) = self.published(now);
        let mood = self.servers[server];
        let healed = now >= self.heal;
        if mood == Mood::Dead || self.days[session].session != request[..10] {
            return;
        }
        let mut day = &self.days[session];
        let end = (seq - 1 + count).min(published);
        let mut first = seq - 1;
        let mut most = 20;
        let mut delay = 50 * US;
        let mut copies = 1;
        let mut damage = 0;
        if mood == Mood::Mixed && !healed {
            match self.rng.below(12) {
                0 | 1 => return,
                2 => delay = self.rng.below(5 * MS),
                3 => day = &self.yesterday,
                4 => damage = 1 + self.rng.below(3),
                5 => most = 1,
                6 => copies = 3,
                7 if published > 200 => first = first.max(published - 200),
                8 => most = 0,
                9 => first = first.saturating_sub(self.rng.below(10) as usize),
                10 => return self.push(now + delay, 0, Input::Reply(server + 9, vec![0; 20])),
                _ => {}
            }
        }
        let end = end.min(first + most).max(first);
        let blocks: Vec<&[u8]> =
            day.messages.get(first..end).unwrap_or(&[]).iter().map(Vec::as_slice).collect();
        let mut reply = mold(&day.session, first as u64 + 1, blocks.len() as u16, &blocks);
        match damage {
            1 => reply.truncate(self.rng.below(reply.len() as u64) as usize),
            2 => reply[18] = 0xEE,
            3 => reply[10] = 0x7F,
            _ => {}
        }
        for _ in 0..copies {
            self.push(now + delay, 0, Input::Reply(server, reply.clone()));
            delay += self.rng.below(100 * US);
        }
    }

    fn on_connect(&mut self, now: u64) {
        let (connection, healed) = (self.connection, now >= self.heal);
        let (at, close) = (now + 100 * US, now + 300 * US);
        let refuses = self.glimpse == Mood::Dead
            || (self.glimpse == Mood::Mixed && !healed && self.rng.chance(1, 6));
        match (refuses, self.rng.chance(1, 2)) {
            (false, _) => self.push(at, connection, Input::Opened),
            (true, true) => self.push(close, connection, Input::Closed),
            (true, false) => {} // no answer at all
        }
    }

    fn on_login(&mut self, now: u64) {
        let (session, published) = self.published(now);
        let mood = if now >= self.heal { Mood::Good } else { self.glimpse };
        let case = if mood == Mood::Mixed { self.rng.below(12) } else { 99 };
        let day = if case == 1 { &self.yesterday } else { &self.days[session] };
        let old = if case == 0 { self.rng.below(300) as usize } else { 0 };
        let count = published.saturating_sub(old).min(day.messages.len());
        let mut bytes = soup::login_accepted(day.session, 1 + u64::from(case == 2)).to_vec();
        let image = day.image(count);
        let front = if case == 2 { image.len() / 2 } else { 0 }; // logged in behind them
        for message in image.into_iter().skip(front) {
            put(&mut bytes, &message);
            if self.rng.chance(1, 30) {
                bytes.extend(soup::SERVER_HEARTBEAT);
            }
        }
        match case {
            3 => put(&mut bytes, b"G                  xx"),
            4 => bytes.extend(soup::END_OF_SESSION),
            _ => put(&mut bytes, glimpse::SnapshotMark::new(count as u64 + 1).bytes()),
        }
        if case == 5 {
            bytes = soup::login_rejected(b'A').to_vec();
        }
        if matches!(case, 6 | 7) {
            bytes.truncate(self.rng.below(bytes.len() as u64) as usize);
        }
        if case == 8 {
            let at = self.rng.below(bytes.len() as u64) as usize;
            bytes.splice(at.., [0; 5]);
        }
        let slow = if self.rng.chance(1, 4) { 2 * MS } else { 100 * US };
        let most = [1, 7, 60, 5_000][self.rng.below(4) as usize];
        let (mut at, connection) = (now, self.connection);
        let mut rest = bytes.as_slice();
        let steps = bytes.len() as u64 / (most / 2 + 1) + 1;
        while !rest.is_empty() {
            let take = (1 + self.rng.below(most) as usize).min(rest.len());
            let (chunk, behind) = rest.split_at(take);
            at += self.rng.below(slow * 4 / steps + 1);
            self.push(at, connection, Input::Bytes(chunk.to_vec()));
            rest = behind;
        }
        if case != 7 {
            self.push(at + MS, connection, Input::Closed);
        }
    }
}

/// Gives a channel one input.
pub fn give<S: nofx_types::EventSink>(
    feed: &mut RecoveringFeed,
    now: Nanos,
    packet_no: u64,
    input: &Input,
    sink: &mut S,
) {
    match input {
        Input::Packet(line, bytes) => feed.on_packet(*line, packet_no, now, bytes, sink),
        Input::Reply(server, bytes) => feed.on_reply(*server, now, bytes, sink),
        Input::Opened => feed.on_snapshot_opened(now),
        Input::Bytes(bytes) => feed.on_snapshot_bytes(now, bytes, sink),
        Input::Closed => feed.on_snapshot_closed(now, sink),
        Input::Time => feed.on_time(now, sink),
    }
    let _: ChannelState = feed.state();
}

fn put(bytes: &mut Vec<u8>, message: &[u8]) {
    let mut frame = [0; 128];
    let length = soup::put_frame(&mut frame, b'S', message).expect("a short message");
    bytes.extend(&frame[..length]);
}

/// A MoldUDP64 packet.
pub fn mold(session: &[u8; 10], seq: u64, count: u16, blocks: &[&[u8]]) -> Vec<u8> {
    let mut packet = session.to_vec();
    packet.extend(seq.to_be_bytes());
    packet.extend(count.to_be_bytes());
    for block in blocks {
        packet.extend((block.len() as u16).to_be_bytes());
        packet.extend(*block);
    }
    packet
}
