//! The network between a venue and a channel, as a queue of events in time.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::ops::Range;

use nofx_feed::{Action, ChannelState, Join, LiveFeed, OmdcConfig, RecoveringOmdc, RecoveryConfig};
use nofx_rt::rng::Rng;
use nofx_types::{EventSink, Nanos};

use super::day::{Day, packet, sequence_reset};
use super::far::{Mood, Refresh, Said, Server};
use super::truth::{Checked, feed_config, hashes};

const US: u64 = 1_000;
const MS: u64 = 1_000_000;
const START: u64 = MS;
/// How long the lines are watched once everything works that ever will.
const AFTER: u64 = 250 * MS;
/// The same where a restart may have to be told by numbers: longer than a line has a say.
const AFTER_RESTART: u64 = 3_500 * MS;

/// Something that reaches the channel.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Input {
    Packet(usize, Vec<u8>),
    Opened,
    Bytes(Vec<u8>),
    Closed,
    Refresh(Vec<u8>),
    Time,
}

/// A packet as the venue sent it.
struct Sent {
    at: u64,
    day: usize,
    /// Messages of that day that were published by then.
    count: usize,
    bytes: Vec<u8>,
}

pub struct World {
    seed: u64,
    rng: Rng,
    days: Vec<Day>,
    sent: Vec<Sent>,
    queue: BinaryHeap<Reverse<(u64, u64, u64, Input)>>,
    number: u64,
    /// The connection to a retransmission server: its number, which one, its far side.
    connection: (u64, usize, Server),
    servers: Vec<Mood>,
    refresh: Mood,
    joined: bool,
    /// From here on everything works that ever will.
    heal: u64,
    end: u64,
    /// Both lines are dead from here on.
    cut: Option<u64>,
    pub feed: RecoveringOmdc,
    pub config: RecoveryConfig,
    pub sink: Checked,
    pub inputs: Vec<(Nanos, Input)>,
    pub heartbeats: u64,
    /// The day that the channel saw first.
    first_day: Option<usize>,
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
        let numbered = rng.chance(1, 2);
        // Packets bear no session: a restart that nobody saw is known by its numbers, as long as
        // they have not passed the former end.
        let first = 150 + rng.below(400) as usize;
        let mut days = vec![Day::new(seed * 2, first, false)];
        if rng.chance(1, 4) {
            let second = 50 + rng.below(first as u64 - 100) as usize;
            days.push(Day::new(seed * 2 + 1, second, numbered));
        }
        let pick = |rng: &mut Rng| match rng.below(5) {
            0 => Mood::Dead,
            1 | 2 => Mood::Good,
            _ => Mood::Mixed,
        };
        let servers: Vec<Mood> = (0..rng.below(4)).map(|_| pick(&mut rng)).collect();
        let with_refresh = rng.chance(3, 4);
        let refresh = if with_refresh { pick(&mut rng) } else { Mood::Dead };
        let from_one = !with_refresh || rng.chance(1, 4);
        let mut feed = feed_config();
        feed.lines = 2;
        feed.gap_timeout_ns = 100 * US;
        feed.reorder_packets = rng.below(6) as usize;
        feed.omdc = OmdcConfig { channel: 9, reset_is_numbered: numbered, ..feed.omdc };
        let config = RecoveryConfig {
            join: if from_one { Join::FromOne } else { Join::Snapshot },
            buffer_packets: [2, 8, 40, 1024][rng.below(4) as usize],
            servers: servers.len(),
            request_max_messages: [1, 5, 40][rng.below(3) as usize],
            request_interval_ns: 20 * US,
            request_timeout_ns: MS,
            attempts: 1 + rng.below(5) as u32,
            retransmission_timeout_ns: 20 * MS,
            retransmission_max_messages: [10, 100, 10_000][rng.below(3) as usize],
            request_user: "NOFX".into(),
            snapshot: with_refresh,
            snapshot_timeout_ns: 40 * MS,
            retry_ns: 5 * MS,
            silence_ns: 8 * MS,
            ..RecoveryConfig::omdc()
        };
        let mut world = World {
            seed,
            sink: Checked::new(days.iter().map(hashes).collect()),
            rng,
            days,
            sent: Vec::new(),
            queue: BinaryHeap::new(),
            number: 0,
            connection: (0, 0, Server::default()),
            servers,
            refresh,
            joined: false,
            heal: 0,
            end: 0,
            cut: None,
            feed: RecoveringOmdc::new(feed, config.clone()).expect("a channel"),
            config,
            inputs: Vec::new(),
            heartbeats: 0,
            first_day: None,
        };
        world.publish(numbered);
        world.carry();
        world.repeat_images();
        world
    }

    /// The venue's side: packets, heartbeats, resets.
    fn publish(&mut self, numbered: bool) {
        let mut at = START;
        for day in 0..self.days.len() {
            let (mut count, total) = (0, self.days[day].messages.len());
            if day > 0 && !numbered {
                let before = self.days[day - 1].messages.len() as u32;
                let bytes = packet(before + 1, at, &[sequence_reset()]);
                self.sent.push(Sent { at, day, count, bytes });
                at += 1 + self.rng.below(50 * US);
            }
            while count < total {
                let take = (1 + self.rng.below(5) as usize).min(total - count);
                let take = if day > 0 && count == 0 { 1 } else { take };
                let messages = &self.days[day].messages[count..count + take];
                let bytes = packet(count as u32 + 1, at, messages);
                count += take;
                self.sent.push(Sent { at, day, count, bytes });
                at += 1 + self.rng.below(200 * US);
                if self.rng.chance(1, 60) {
                    let idle = self.rng.below(6 * MS);
                    at = self.beats(day, count, at, at + idle);
                }
            }
            if day + 1 < self.days.len() {
                at = self.beats(day, count, at, at + 3 * MS);
            }
        }
        self.heal = at + 2 * MS;
        let last = self.days.len() - 1;
        self.end = self.heal + if last > 0 { AFTER_RESTART } else { AFTER };
        self.beats(last, self.days[last].messages.len(), at, self.end);
    }

    /// Packets without messages until `to`.
    fn beats(&mut self, day: usize, count: usize, from: u64, to: u64) -> u64 {
        let mut at = from;
        while at < to {
            let bytes = packet(count as u32 + 1, at, &[]);
            self.sent.push(Sent { at, day, count, bytes });
            at += 2 * MS;
        }
        at.min(to.max(from))
    }

    /// What the lines do to it.
    fn carry(&mut self) {
        let span = self.heal - START;
        let rng = &mut self.rng;
        let outage = |rng: &mut Rng, most: u64| -> Range<u64> {
            let from = START + rng.below(span);
            from..from + rng.below(most)
        };
        let both = if rng.chance(1, 2) { outage(rng, 15 * MS) } else { 0..0 };
        let late = if rng.chance(1, 3) { START + rng.below(span) } else { 0 };
        self.cut = rng.chance(1, 10).then(|| START + rng.below(span));
        for line in 0..2 {
            let loss = [0, 5, 50, 300][rng.below(4) as usize];
            let copies = [0, 100][rng.below(2) as usize];
            let delay = rng.below(30 * US);
            let jitter = [1, 20 * US, 400 * US][rng.below(3) as usize];
            let dead = if rng.chance(1, 3) { outage(rng, span) } else { 0..0 };
            for sent in &self.sent {
                let healthy = sent.at >= self.heal;
                let gone = dead.contains(&sent.at) || both.contains(&sent.at) || sent.at < late;
                let lost = !healthy && (gone || rng.below(1_000) < loss);
                if lost || self.cut.is_some_and(|cut| sent.at >= cut) {
                    continue;
                }
                let times = 1 + u64::from(rng.below(1_000) < copies);
                for _ in 0..times {
                    let at = sent.at + delay + rng.below(jitter);
                    self.number += 1;
                    let input = Input::Packet(line, sent.bytes.clone());
                    self.queue.push(Reverse((at, self.number, 0, input)));
                }
            }
        }
        let mut at = START;
        while at < self.end {
            self.push(at, 0, Input::Time);
            let step = if at < self.heal { 150 * US } else { 2 * MS };
            at += 1 + self.rng.below(step);
        }
        self.push(self.end, 0, Input::Time);
    }

    /// The refresh line: image after image, with losses until it heals.
    fn repeat_images(&mut self) {
        if self.refresh == Mood::Dead {
            return;
        }
        let mut line = Refresh::new(self.rng.chance(1, 2));
        let mut at = START + self.rng.below(3 * MS);
        while at < self.end {
            let bad = self.refresh == Mood::Mixed && at < self.heal;
            let (day, published) = self.published(at);
            let old = if bad { self.rng.below(60) as usize } else { 0 };
            let count = published.saturating_sub(old);
            let each = 2 + self.rng.below(8) as usize;
            for packet in line.image(&self.days[day], count, at, each) {
                at += 1 + self.rng.below(40 * US);
                if bad && self.rng.chance(1, 40) {
                    continue;
                }
                if bad && self.rng.chance(1, 20) {
                    let late = at + self.rng.below(30 * US);
                    self.push(late, 0, Input::Refresh(packet.clone()));
                }
                self.push(at, 0, Input::Refresh(packet));
            }
            let pause = if at < self.heal { 3 * MS } else { 20 * MS };
            at += 500 * US + self.rng.below(pause);
        }
    }

    fn push(&mut self, at: u64, connection: u64, input: Input) {
        self.number += 1;
        self.queue.push(Reverse((at, self.number, connection, input)));
    }

    /// How much of which day is published at `now`.
    fn published(&self, now: u64) -> (usize, usize) {
        let behind = self.sent.partition_point(|sent| sent.at <= now);
        behind.checked_sub(1).map_or((0, 0), |last| (self.sent[last].day, self.sent[last].count))
    }

    /// Runs to the end; an error is a wrong book that nobody marked, or no way back where there was
    /// one.
    pub fn run(&mut self) -> Result<Outcome, String> {
        let mut packet_no = 0;
        while let Some(Reverse((at, _, connection, input))) = self.queue.pop() {
            let of_before = connection != 0 && connection != self.connection.0;
            let refresh = matches!(input, Input::Refresh(_));
            if of_before || (refresh && !(self.joined && self.is_of_channel(at))) {
                continue;
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
        if let (None, Input::Packet(_, bytes)) = (self.first_day, &input) {
            self.first_day =
                self.sent.iter().find(|sent| sent.bytes == *bytes).map(|sent| sent.day);
        }
        give(&mut self.feed, now, packet_no, &input, &mut self.sink);
        self.inputs.push((now, input));
        if self.sink.events > before {
            self.sink.check(self.feed.expected() - 1, &self.inputs.last());
        }
        if let Some(wrong) = &self.sink.wrong {
            return Err(format!("seed {}: {wrong}, state {:?}", self.seed, self.feed.state()));
        }
        if self.feed.is_trusted() == self.sink.market.is_stale() {
            let (trusted, state) = (self.feed.is_trusted(), self.feed.state());
            return Err(format!("seed {}: {now:?} trusted {trusted}, {state:?}", self.seed));
        }
        self.act(at);
        Ok(())
    }

    fn outcome(&self) -> Result<Outcome, String> {
        let day = self.days.last().expect("a day");
        let truth = self.sink.truth.last().expect("a day").last();
        let whole = self.feed.expected() == day.messages.len() as u64 + 1
            && Some(&self.sink.market.hash()) == truth;
        let of = format!(
            "seed {}: {:?} at {} of {}, servers {:?}, refresh {:?}, {:?}",
            self.seed,
            self.feed.state(),
            self.feed.expected() - 1,
            day.messages.len(),
            self.servers,
            self.refresh,
            self.config,
        );
        if self.feed.is_trusted() {
            return if whole { Ok(Outcome::Whole) } else { Err(format!("{of}: believed")) };
        }
        let fillable = self.servers.contains(&Mood::Good)
            && self.config.retransmission_max_messages > 9_999
            && self.config.join == Join::FromOne
            && !self.config.snapshot; // else silence or a reset ends with an image, or never
        let alive = self.cut.is_none() && (fillable || self.refresh != Mood::Dead);
        if alive { Err(format!("{of}: stays stale")) } else { Ok(Outcome::Stale) }
    }

    fn act(&mut self, now: u64) {
        while let Some(action) = LiveFeed::poll_action(&mut self.feed) {
            match action {
                Action::RetransmitConnect { server } => {
                    self.connection = (self.connection.0 + 1, server, Server::default());
                    self.on_connect(now, server);
                }
                Action::RetransmitSend(bytes) => {
                    let bytes = bytes.to_vec();
                    self.on_bytes(now, &bytes);
                }
                Action::RetransmitClose => {
                    self.heartbeats += self.connection.2.heartbeats;
                    self.connection.0 += 1;
                }
                Action::RefreshJoin => {
                    assert!(!std::mem::replace(&mut self.joined, true));
                }
                Action::RefreshLeave => assert!(std::mem::replace(&mut self.joined, false)),
                other => panic!("not of this protocol: {other:?}"),
            }
        }
    }

    /// Neither answers nor images say which incarnation they are of. While the lines have not shown
    /// that one began, those of the next cannot be told: that is left out here.
    fn is_of_channel(&self, now: u64) -> bool {
        let restarts = self.feed.sequencer().counters().restarts as usize;
        self.first_day.is_none_or(|first| first + restarts == self.published(now).0)
    }

    fn on_connect(&mut self, now: u64, server: usize) {
        let (connection, mood) = (self.connection.0, self.servers[server]);
        let mixed = mood == Mood::Mixed && now < self.heal;
        let refuses = mood == Mood::Dead || (mixed && self.rng.chance(1, 6));
        match (refuses, self.rng.chance(1, 2)) {
            (false, _) => self.push(now + 100 * US, connection, Input::Opened),
            (true, true) => self.push(now + 300 * US, connection, Input::Closed),
            (true, false) => {} // no answer at all
        }
    }

    fn on_bytes(&mut self, now: u64, bytes: &[u8]) {
        let (day, published) = self.published(now);
        let published = if self.is_of_channel(now) { published } else { 0 };
        let mixed = self.servers[self.connection.1] == Mood::Mixed && now < self.heal;
        let rng = mixed.then_some(&mut self.rng);
        let said = self.connection.2.take(bytes, &self.days[day], published, now, rng);
        let Said { bytes, hangs_up } = said;
        let most = [1, 7, 60, 5_000][self.rng.below(4) as usize];
        let (mut at, mut rest, connection) = (now + 50 * US, bytes.as_slice(), self.connection.0);
        while !rest.is_empty() {
            let take = (1 + self.rng.below(most) as usize).min(rest.len());
            let (chunk, behind) = rest.split_at(take);
            self.push(at, connection, Input::Bytes(chunk.to_vec()));
            at += self.rng.below(if mixed { 2 * US } else { US });
            rest = behind;
        }
        if hangs_up {
            self.push(at, connection, Input::Closed);
        }
    }
}

/// Gives a channel one input.
pub fn give<F: LiveFeed, S: EventSink>(
    feed: &mut F,
    now: Nanos,
    packet_no: u64,
    input: &Input,
    sink: &mut S,
) {
    match input {
        Input::Packet(line, bytes) => feed.on_packet(*line, packet_no, now, bytes, sink),
        Input::Opened => feed.on_retransmit_opened(now),
        Input::Bytes(bytes) => feed.on_retransmit_bytes(now, bytes, sink),
        Input::Closed => feed.on_retransmit_closed(now, sink),
        Input::Refresh(bytes) => feed.on_refresh(now, bytes, sink),
        Input::Time => feed.on_time(now, sink),
    }
    let _: ChannelState = feed.state();
}
