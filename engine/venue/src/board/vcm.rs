//! Hong Kong's volatility control (market-rules 7).
//!
//! A trade further from the price of five minutes ago than its class allows does not happen: the
//! incoming order trades up to the bound, its rest is cancelled, and a cooling-off begins in which
//! buys above the band and sells below it are refused. No source says what becomes of the order
//! that triggers; cancelling its rest is this venue's choice.

use nofx_types::{Price, Side};

use super::Board;
use super::line::Cooling;
use super::orders::Entry;
use super::said::What;

/// How far an order may trade.
#[derive(Clone, Copy)]
pub(super) struct Reach {
    /// Up to this price.
    pub price: Price,
    /// It is the volatility control that says so.
    pub braked: bool,
}

impl Board {
    /// Cuts the reach of an order down to where no trade would trigger.
    pub(super) fn brake(&self, entry: &Entry, limit: Price) -> Reach {
        let free = Reach { price: limit, braked: false };
        let Some(line) = self.lines.get(entry.row as usize) else { return free };
        let Some(vcm) = line.security.rules.vcm.map(|vcm| vcm.rule) else { return free };
        let day_time = self.course.day_time(self.voice.now);
        let spent = vcm.triggers_max > 0 && line.triggers >= vcm.triggers_max;
        if spent || line.cooling.is_some() || !self.session().watches(day_time) {
            return free;
        }
        let Some(reference) = line.volatility_reference(day_time) else { return free };
        let band = vcm.band(reference, &line.security.rules.tick.rule);
        let bound = if entry.side == Side::Buy { band.high } else { band.low };
        if entry.side.better(limit, bound) { Reach { price: bound, braked: true } } else { free }
    }

    /// Whether the book would trade with an order of this limit.
    pub(super) fn would_trade(&self, entry: &Entry, limit: Price) -> bool {
        let best = self.touch(entry.row).best(entry.side.opposite());
        best.is_some_and(|best| !entry.side.better(best, limit))
    }

    /// Begins a cooling-off.
    pub(super) fn cool(&mut self, row: u32) {
        let day_time = self.course.day_time(self.voice.now);
        let Some(line) = self.lines.get_mut(row as usize) else { return };
        let reference = line.volatility_reference(day_time);
        let (Some(vcm), Some(reference)) = (line.security.rules.vcm, reference) else { return };
        let band = vcm.rule.band(reference, &line.security.rules.tick.rule);
        let to = self.course.real_time(day_time + vcm.rule.cooling_ns);
        line.cooling = Some(Cooling { to, band });
        line.triggers = line.triggers.saturating_add(1);
        let (from, low, high) = (self.voice.now, band.low, band.high);
        self.say(row, What::Cooling { from, to, reference, low, high });
    }

    /// Ends what has cooled off, or with `all` whatever is cooling: the continuous session is over.
    pub(super) fn end_coolings(&mut self, all: bool) {
        for row in 0..self.lines.len() {
            let now = self.voice.now;
            let line = &mut self.lines[row];
            if line.cooling.is_some_and(|cooling| all || cooling.to <= now) {
                line.cooling = None;
                self.say(row as u32, What::Cooled);
            }
        }
    }
}
