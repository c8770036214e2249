//! The course of the day: what happens when one period ends and the next begins.

use nofx_rules::{PriceRule, Session};
use nofx_types::{Market, Nanos, Phase, Side};

use super::Board;
use super::course::{Period, Stage};
use super::said::What;
use super::trade::Cut;
use crate::gateway::Ended;

impl Board {
    /// Does everything that is due by `now`: the course of the day, and the flow.
    pub fn turn(&mut self, now: Nanos) {
        loop {
            let flow = self.flow_due().filter(|at| *at <= now);
            let period = self.course.next_due(now).map(|period| period.from);
            match (flow, period) {
                (Some(flow), period) if period.is_none_or(|period| flow < period) => {
                    self.follow(flow);
                    self.flow_step();
                }
                (_, Some(period)) => self.follow(period),
                _ => break,
            }
        }
        self.follow(now);
    }

    /// The course alone, up to `now`; time never goes back.
    pub(super) fn follow(&mut self, now: Nanos) {
        let now = now.max(self.voice.now);
        while let Some(period) = self.course.next_due(now) {
            self.voice.now = period.from.max(self.voice.now);
            self.snapshot_nominal();
            self.end_coolings(true);
            self.end_period();
            self.course.advance();
            self.begin_period(&period);
        }
        self.voice.now = now;
        self.snapshot_nominal();
        self.end_coolings(false);
        self.indicate();
    }

    /// The session that the rules know for the current period.
    pub(super) fn session(&self) -> &Session {
        self.sessions.get(self.course.at()).unwrap_or(&self.no_session)
    }

    /// Whether orders are collected for one price.
    pub(super) fn collects(&self) -> bool {
        self.stage.is_call()
    }

    fn end_period(&mut self) {
        if self.session().uncross {
            self.uncross_all();
        }
    }

    fn begin_period(&mut self, period: &Period) {
        self.stage = period.stage;
        let Period { stage, from, to, .. } = *period;
        let what = What::Stage { stage, phase: stage.phase(), from, to };
        if self.market == Market::Sse {
            for row in 0..self.lines.len() as u32 {
                self.say(row, what);
            }
        } else {
            self.voice.say_all(what);
        }
        if stage == Stage::ClosingCall && self.market == Market::Hkex {
            self.fix_references();
        }
        self.draw_bands();
        self.flow_wait();
        match stage {
            Stage::Continuous => self.resume(),
            Stage::ClosingCall | Stage::ClosingFixed => self.settle_all(),
            Stage::Closed => self.close(),
            Stage::DayClosed => self.expire(),
            _ => {}
        }
    }

    /// The prices that this session takes, besides the day's limits.
    fn draw_bands(&mut self) {
        let rule = self.session().price;
        for row in 0..self.lines.len() as u32 {
            let touch = self.touch(row);
            let best = touch.best(Side::Sell).zip(touch.best(Side::Buy));
            let closing = self.stage.phase() == Phase::ClosingAuction;
            let Some(line) = self.lines.get_mut(row as usize) else { continue };
            let reference = if closing { line.reference } else { line.security.previous_close };
            let band = rule.band(reference, best, &line.security.rules.tick.rule);
            line.session_band = band.filter(|_| !matches!(rule, PriceRule::Fixed));
            let Some(band) = line.session_band else { continue };
            let (low, high) = (band.low, band.high);
            self.say(row, What::Reference { price: reference, low, high });
            if closing && matches!(rule, PriceRule::Around(_)) {
                self.drop_outside(row);
            }
        }
    }

    fn resume(&mut self) {
        for line in &mut self.lines {
            line.triggers = 0;
        }
        for (owner, ask) in std::mem::take(&mut self.waiting) {
            self.ask(owner, self.voice.now, &ask);
        }
    }

    fn settle_all(&mut self) {
        for row in 0..self.lines.len() as u32 {
            self.settle(row);
        }
    }

    fn close(&mut self) {
        for row in 0..self.lines.len() as u32 {
            let Some(line) = self.lines.get_mut(row as usize) else { continue };
            if line.totals.close == nofx_types::Price(0) {
                line.totals.close = line.nominal();
                let close = line.totals.close;
                self.say(row, What::Closing(close));
            }
        }
    }

    /// Day orders end; the public hears the end of the day, not of each order.
    fn expire(&mut self) {
        let open: Vec<_> = self.orders.open().map(|order| order.key).collect();
        for key in open {
            self.take_off(key, Cut { why: Ended::Expired, request: 0, silent: true });
        }
    }

    /// Halts a security or lets it go on; whether that changes anything.
    pub fn halt(&mut self, row: u32, halted: bool) -> bool {
        let Some(line) = self.lines.get_mut(row as usize) else { return false };
        let changes = line.halted != halted;
        line.halted = halted;
        if changes {
            self.say(row, What::Halted(halted));
        }
        changes
    }

    /// Says the day's references and limits; before the first period.
    pub(super) fn open_day(&mut self) {
        for row in 0..self.lines.len() as u32 {
            let security = self.lines[row as usize].security;
            let price = security.previous_close;
            let (low, high) = (security.limit_low, security.limit_high);
            self.say(row, What::Reference { price, low, high });
        }
    }
}
