//! Shenzhen binary Level-2: ticks, snapshots, status and the session that carries them.
//!
//! Model: every message is one frame. The frames of a publisher go as they are into the byte stream
//! of each session, or one by one into datagrams, as appliances send them. Orders (300192) and
//! executions (300191) of a channel share the board's numbers, and the number of an order's message
//! is its id; they are kept for re-transmission (390094). Snapshots (300111), channel heartbeats
//! (390095), market status (390019) and security status (390013) have no number. Times of ticks
//! have steps of 10 ms, as observed. Codes that no public source gives (market, segment, session)
//! are options.

mod session;
mod words;

pub use session::{SzseSession, SzseSessionConfig};

use nofx_types::{Level, Nanos, Side};
use nofx_wire::num::BeI64;
use nofx_wire::szse::{self, Entry};

use super::{Outlet, channels_of};
use crate::board::{ALL, Board, Said, Security, Stage, What};
use crate::kept::Kept;

/// Levels of a snapshot.
const DEPTH: usize = 10;
/// Orders of the best level that a snapshot lists.
const QUEUE: usize = 50;

/// How the feed is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SzseConfig {
    /// Time between snapshots of a security that changed, 0 for none.
    pub snapshot_ns: u64,
    /// Silence after which a channel tells its last number.
    pub heartbeat_ns: u64,
    /// Ticks of a channel that are kept for re-transmission.
    pub kept: u64,
    /// MarketID of 390019; its codes are not public.
    pub market: String,
    /// MarketSegmentID of 390019.
    pub segment: String,
}

impl Default for SzseConfig {
    /// Snapshots every 3 s, channel heartbeats after 3 s (the interval is not public).
    fn default() -> SzseConfig {
        SzseConfig {
            snapshot_ns: 3_000_000_000,
            heartbeat_ns: 3_000_000_000,
            kept: 1 << 20,
            market: "XSHE".into(),
            segment: "01".into(),
        }
    }
}

/// A channel of ticks.
struct Channel {
    id: u16,
    /// Its ticks as frames, by number.
    kept: Kept,
    told: Nanos,
    ended: bool,
}

/// What was shown of a security.
#[derive(Clone, Copy, Default)]
struct Shown {
    touched: bool,
    halted: bool,
}

/// The publisher of one market.
pub struct SzsePublisher {
    config: SzseConfig,
    channels: Vec<Channel>,
    shown: Vec<Shown>,
    snapshots_at: Nanos,
    buffer: Box<[u8]>,
}

impl SzsePublisher {
    /// The channels of a board's securities; nothing is sent yet.
    pub fn new(config: SzseConfig, board: &Board) -> SzsePublisher {
        let told = board.now();
        let channel = |id: u16| Channel { id, kept: Kept::new(config.kept), told, ended: false };
        SzsePublisher {
            channels: channels_of(board.securities()).into_iter().map(channel).collect(),
            shown: vec![Shown::default(); board.securities().len()],
            snapshots_at: told,
            buffer: vec![0; 4096].into_boxed_slice(),
            config,
        }
    }

    /// The channels, in rising order.
    pub fn channels(&self) -> impl Iterator<Item = u16> + '_ {
        self.channels.iter().map(|channel| channel.id)
    }

    /// Number of the next tick of a channel.
    pub fn next_seq(&self, channel: u16) -> Option<u64> {
        self.channel(channel).map(|channel| channel.kept.next_seq())
    }

    /// The frame of a tick, if it is kept.
    pub fn tick(&self, channel: u16, seq: u64) -> Option<&[u8]> {
        self.channel(channel)?.kept.message(seq)
    }

    /// Puts one fact into bytes.
    pub fn say(&mut self, said: &Said, board: &Board, out: &mut impl Outlet) {
        if said.row == ALL {
            return self.say_all(said, out);
        }
        let row = said.row as usize;
        let Some(security) = board.securities().get(row) else { return };
        let Some(shown) = self.shown.get_mut(row) else { return };
        shown.touched = true;
        match said.what {
            What::Halted(halted) => {
                shown.halted = halted;
                let length = words::put_status(&mut self.buffer, security, said.at, halted);
                self.send(said.at, said.channel, length, out);
            }
            _ => {
                let length = words::put_tick(&mut self.buffer, security, said);
                self.send_tick(said, length, out);
            }
        }
    }

    /// Sends what is due: snapshots, channel heartbeats. Every fact must have been said.
    pub fn turn(&mut self, now: Nanos, board: &Board, out: &mut impl Outlet) {
        let every = self.config.snapshot_ns;
        if every > 0 && now.since(self.snapshots_at) >= every {
            self.snapshots_at = now;
            self.snapshots(now, board, out);
        }
        for index in 0..self.channels.len() {
            let channel = &mut self.channels[index];
            if now.since(channel.told) >= self.config.heartbeat_ns && !channel.ended {
                channel.told = now;
                channel.ended = board.stage() >= Stage::DayClosed;
                let (id, last) = (channel.id, channel.kept.next_seq() - 1);
                let length = words::put_heartbeat(&mut self.buffer, id, last, channel.ended);
                self.send(now, id, length, out);
            }
        }
    }

    fn channel(&self, id: u16) -> Option<&Channel> {
        self.channels.iter().find(|channel| channel.id == id)
    }

    fn say_all(&mut self, said: &Said, out: &mut impl Outlet) {
        let What::Stage { stage, from, to, .. } = said.what else { return };
        let SzseConfig { market, segment, .. } = &self.config;
        let names = (market.as_str(), segment.as_str());
        let times = [said.at, from, to];
        let length = words::put_market(&mut self.buffer, names, said.channel, stage, times);
        self.send(said.at, said.channel, length, out);
    }

    fn send(&mut self, at: Nanos, channel: u16, length: Option<usize>, out: &mut impl Outlet) {
        let frame = length.and_then(|length| self.buffer.get(..length));
        if let Some(frame) = frame {
            out.packet(at, channel, frame);
        }
    }

    fn send_tick(&mut self, said: &Said, length: Option<usize>, out: &mut impl Outlet) {
        let Some(frame) = length.and_then(|length| self.buffer.get(..length)) else { return };
        let channel = self.channels.iter_mut().find(|channel| channel.id == said.channel);
        let Some(channel) = channel else { return };
        channel.kept.push(frame);
        channel.told = said.at;
        debug_assert_eq!(channel.kept.next_seq(), said.number + 1, "the board's numbers");
        out.packet(said.at, said.channel, frame);
    }

    fn snapshots(&mut self, now: Nanos, board: &Board, out: &mut impl Outlet) {
        for row in 0..self.shown.len() {
            if !std::mem::take(&mut self.shown[row].touched) {
                continue;
            }
            let Some(security) = board.securities().get(row) else { continue };
            let halted = self.shown[row].halted;
            let length = self.snapshot(now, row as u32, security, halted, board);
            self.send(now, security.channel, length, out);
        }
    }

    fn snapshot(
        &mut self,
        now: Nanos,
        row: u32,
        security: &Security,
        halted: bool,
        board: &Board,
    ) -> Option<usize> {
        let totals = board.totals(row);
        let head = words::snapshot_head(security, board.stage(), halted, &totals, now);
        let queues = Side::BOTH.map(|side| queue(board, row, side));
        let mut entries = Vec::with_capacity(2 * DEPTH + 8);
        for (side, queue) in Side::BOTH.into_iter().zip(&queues) {
            let levels = board.levels(row, side).take(DEPTH).enumerate();
            entries.extend(levels.map(|(depth, level)| {
                let queue: &[BeI64] = if depth == 0 { queue } else { &[] };
                words::level_entry(side, depth, &level, queue)
            }));
        }
        words::totals_entries(security, &totals, |head| {
            entries.push(Entry { head, queue: &[] });
        });
        szse::put_snapshot(&mut self.buffer, &head, &entries)
    }
}

/// Quantities of the first orders of the best level.
fn queue(board: &Board, row: u32, side: Side) -> Vec<BeI64> {
    let Some(Level { price, .. }) = board.levels(row, side).next() else { return Vec::new() };
    let standing = board.standing(row, side).filter(|order| order.price == price);
    let shares = |order: crate::board::Standing| szse::qty_e2(nofx_types::Qty(order.qty.into()));
    standing.take(QUEUE).map(shares).collect()
}
