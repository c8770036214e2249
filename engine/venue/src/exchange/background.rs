//! Background orders from a seeded generator: the flow of the synthetic day, paced by a clock.
//!
//! Model: during the opening call the books fill up evenly, every eighth order through the fair
//! price, so that there is something to uncross. In continuous trading messages come in clusters on
//! one instrument, with exponential waiting times, as in [`day`](crate::day). Worst case of a turn:
//! [`STEPS_MAX`] actions; a clock that jumped is followed, not caught up with.

use nofx_types::Nanos;

use super::config::FlowConfig;
use super::course::Trading;
use super::desk::Desk;
use crate::day::draw::{Draw, Zipf};
use crate::day::flow::{Flow, Phase, Stock};
use crate::day::session::stock;
use crate::matching::Matching;

/// Actions of one turn, at most.
pub const STEPS_MAX: u32 = 512;
/// Mean size of a cluster.
const CLUSTER: u64 = 4;
/// One of so many clusters is a burst.
const BURST_EVERY: u64 = 400;
/// One of so many orders of the opening call may cross.
const CALL_EVERY: u64 = 8;
/// A clock that is this far ahead jumped.
const BEHIND_MAX: u64 = 1_000_000_000;

pub(super) struct Background {
    flow: Flow,
    draw: Draw,
    zipf: Zipf,
    /// Between two messages, on average.
    mean_ns: u64,
    /// Orders seeded so far, of how many.
    seeded: u64,
    seeds: u64,
    round: usize,
    row: usize,
    next_at: Nanos,
    left: u64,
    /// How many of 100 messages of this cluster stay with their instrument.
    stay: u64,
}

impl Background {
    /// For so many instruments, the most active first; `None` without messages.
    pub fn new(config: &FlowConfig, rows: usize, seed: u64) -> Option<Background> {
        let rate = u64::from(config.rate) * u64::from(config.speed_percent) / 100;
        if rate == 0 || rows == 0 {
            return None;
        }
        let (mut draw, zipf) = (Draw::new(seed), Zipf::new(rows, config.zipf_quarters));
        let all = rows as u64 * u64::from(config.resting);
        let target = |rank| (all / 2 / rows as u64 + zipf.share(rank, all / 2)).clamp(4, 3_000);
        let stocks: Vec<Stock> =
            (0..rows).map(|rank| stock(rank, target(rank) as usize, &mut draw)).collect();
        let seeds = stocks.iter().map(|stock| stock.target as u64).sum();
        let flow = Flow::new(Draw::new(draw.below(u64::MAX)), stocks);
        let mean_ns = (1_000_000_000 / rate).max(1);
        let (next_at, left, stay) = (Nanos(0), 0, 0);
        let (seeded, round, row) = (0, 0, 0);
        Some(Background {
            flow,
            draw,
            zipf,
            mean_ns,
            seeded,
            seeds,
            round,
            row,
            next_at,
            left,
            stay,
        })
    }

    /// Most orders that rest at one time.
    pub fn orders_max(&self) -> usize {
        self.flow.orders_max()
    }

    /// What stands for the last price before anything traded.
    pub fn fair(&self, row: usize) -> i64 {
        self.flow.stocks.get(row).map_or(0, |stock| stock.fair)
    }

    /// An instrument takes orders differently from now on.
    pub fn set_trading(&mut self, row: usize, trading: Trading) {
        if let Some(stock) = self.flow.stocks.get_mut(row) {
            stock.phase = match trading {
                Trading::Continuous => Phase::Trading,
                Trading::Call(_) => Phase::Quoting,
                Trading::Halted(_) | Trading::Closed => Phase::Halted,
            };
        }
    }

    /// The opening call: `done` of `whole` is over.
    pub fn fill_books(&mut self, done: u64, whole: u64, market: &mut Matching, desk: &mut Desk) {
        let part = u128::from(self.seeds) * u128::from(done.min(whole)) / u128::from(whole.max(1));
        let goal = if whole == 0 { self.seeds } else { part as u64 };
        while self.seeded < goal {
            self.seed_one(market, desk);
        }
        self.next_at = desk.now;
    }

    fn seed_one(&mut self, market: &mut Matching, desk: &mut Desk) {
        // Rounds over the instruments: each has one order more after each, until it has its own.
        loop {
            if self.row == self.flow.stocks.len() {
                (self.row, self.round) = (0, self.round + 1);
            }
            let row = self.row;
            self.row += 1;
            if self.flow.stocks.get(row).is_some_and(|stock| self.round < stock.target) {
                if self.draw.chance(1, CALL_EVERY) {
                    self.flow.call_order(row, market, desk);
                } else {
                    self.flow.seed(row, market, desk);
                }
                self.seeded += 1;
                return;
            }
        }
    }

    /// Continuous trading: what is due at the desk's time. Returns whether anything was.
    pub fn step(&mut self, market: &mut Matching, desk: &mut Desk) -> bool {
        if desk.now.since(self.next_at) > BEHIND_MAX {
            self.next_at = desk.now;
        }
        let mut steps = 0;
        while self.next_at <= desk.now && steps < STEPS_MAX {
            if self.left == 0 {
                self.start_cluster();
                continue;
            }
            self.left -= 1;
            if !self.draw.chance(self.stay, 100) {
                self.row = self.zipf.rank(&mut self.draw);
            }
            self.flow.step(self.row, market, desk);
            steps += 1;
        }
        steps > 0
    }

    /// Draws the next cluster and the time until it begins.
    fn start_cluster(&mut self) {
        if self.draw.chance(1, BURST_EVERY) {
            self.row = self.zipf.rank(&mut self.draw);
            self.flow.news(self.row);
            (self.left, self.stay) = (self.draw.between(50, 400), 90);
        } else {
            (self.left, self.stay) = (1 + self.draw.exponential(CLUSTER), 35);
        }
        let wait = self.draw.exponential(self.mean_ns.saturating_mul(self.left));
        self.next_at = self.next_at.plus(wait);
    }
}
