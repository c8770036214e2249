//! Call auctions: what they would end with, and their end.

use nofx_rules::auction::{AuctionReference, clear};
use nofx_types::{Level, Market, Phase, Price, Side};

use super::Board;
use super::orders::Kind;
use super::said::{Auction, What};
use super::trade::Cut;
use crate::gateway::Ended;

impl Board {
    /// What the call of a security would end with now, by the market's own rule.
    pub fn clearing(&self, row: u32, closing: bool) -> Option<Auction> {
        let line = self.lines.get(row as usize)?;
        let rules = &line.security.rules;
        let board = self.rules.board(rules.board)?;
        let rule = if closing { board.closing } else { board.opening }?.rule;
        let reference = match rule.reference {
            AuctionReference::PreviousClose => line.security.previous_close,
            AuctionReference::Last => line.nominal(),
            AuctionReference::Fixed => line.reference,
        };
        let [bids, asks] =
            Side::BOTH.map(|side| self.books.levels(row, side).collect::<Vec<Level>>());
        let found = clear(&bids, &asks, &rule.tie(reference, rules.tick.rule))?;
        let (volume, imbalance) = (found.volume.0, found.imbalance.0);
        Some(Auction { price: found.price, volume, imbalance, side: found.side })
    }

    /// Ends the call of every security that takes part.
    pub(super) fn uncross_all(&mut self) {
        for row in 0..self.lines.len() as u32 {
            let closing = self.stage.phase() == Phase::ClosingAuction;
            let line = &self.lines[row as usize];
            if !line.halted && !self.sits_out(line) {
                self.uncross(row, closing);
            }
        }
    }

    fn uncross(&mut self, row: u32, closing: bool) {
        let found = self.clearing(row, closing).unwrap_or_default();
        self.cross(row, found.price, found.volume);
        if let Some(line) = self.lines.get_mut(row as usize) {
            line.uncrossed[usize::from(closing)] = Some(found);
            line.indicated = None;
        }
        self.say(row, What::Uncrossed(found));
        self.drop_auction_orders(row);
    }

    /// At-auction orders do not outlive their call; at-auction limits go on as limit orders.
    fn drop_auction_orders(&mut self, row: u32) {
        if self.market != Market::Hkex {
            return;
        }
        let ends = |kind| matches!(kind, Kind::AtAuction | Kind::AuctionOnly);
        let kind = |key| self.orders.get(key).map(|order| order.entry.kind);
        let keys = Side::BOTH.into_iter().flat_map(|side| self.books.resting_orders(row, side));
        let keys: Vec<_> = keys.map(|o| o.order).filter(|k| kind(*k).is_some_and(ends)).collect();
        for key in keys {
            self.take_off(key, Cut::by_venue(Ended::Expired));
        }
    }

    /// Says what calls would end with, where that changed.
    pub(super) fn indicate(&mut self) {
        let every = u64::from(self.config.indicative_ms) * 1_000_000;
        if every == 0 || !self.stage.is_call() || self.voice.now.since(self.indicated) < every {
            return;
        }
        self.indicated = self.voice.now;
        let closing = self.stage.phase() == Phase::ClosingAuction;
        for row in 0..self.lines.len() as u32 {
            let line = &self.lines[row as usize];
            if line.halted || self.sits_out(line) {
                continue;
            }
            let found = self.clearing(row, closing).unwrap_or_default();
            if line.indicated != Some(found) {
                self.lines[row as usize].indicated = Some(found);
                self.say(row, What::Indicative(found));
            }
        }
    }

    /// Hong Kong: looks at the nominal prices of the last minute before the closing auction.
    pub(super) fn snapshot_nominal(&mut self) {
        let Some(fixing) = self.fixing_from else { return };
        let day_time = self.course.day_time(self.voice.now);
        for (count, back) in [60u64, 45, 30, 15, 0].into_iter().enumerate() {
            if day_time < fixing.saturating_sub(back * 1_000_000_000) {
                return;
            }
            for line in self.lines.iter_mut().filter(|line| line.snapshots.len() <= count) {
                let nominal = line.nominal();
                line.snapshots.push(nominal);
            }
        }
    }

    /// The reference of the closing auction is the median of these prices, and orders too far from it
    /// leave (this venue's choice: no source says).
    pub(super) fn fix_references(&mut self) {
        for line in &mut self.lines {
            let mut seen = line.snapshots.clone();
            seen.sort_unstable();
            let median = seen.get(seen.len() / 2).copied().filter(|price| *price > Price(0));
            line.reference = median.unwrap_or(line.nominal());
        }
    }

    /// Orders of continuous trading that the closing auction does not take.
    pub(super) fn drop_outside(&mut self, row: u32) {
        let Some(band) = self.lines.get(row as usize).and_then(|line| line.session_band) else {
            return;
        };
        let resting = Side::BOTH.into_iter().flat_map(|side| self.books.resting_orders(row, side));
        let outside: Vec<_> = resting.filter(|o| !band.holds(o.price)).map(|o| o.order).collect();
        for key in outside {
            self.take_off(key, Cut::by_venue(Ended::Venue));
        }
    }
}
