//! Host rules: what the market says about an order, checked in software before any gate.
//!
//! Model: each rule is a pure function that answers "refuse?"; [`HostRules::check`] evaluates all of
//! them and sets their bits, so a refusal names every reason. Cancels pass: that the order to be
//! cancelled is known is for the order manager to say (`Rule::UnknownOrder`).
//!
//! Worst case: one 64-bit remainder for the tick; no loop, no state.

use nofx_gate::{Rejects, Rule};
use nofx_types::{Instrument, IntentKind, OrderIntent, Phase, Price, Side, Touch};

/// What the host rules ask for; part of the configuration file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Deserialize), serde(default, deny_unknown_fields))]
pub struct HostRules {
    /// How many ticks a price may lie outside the touch.
    pub distance_ticks_max: u32,
    /// How many hundredths of a percent of the touch a price may lie outside it. The wider of the
    /// two distances counts, as in the price cage of the mainland exchanges.
    pub distance_bps_max: u32,
    /// Orders are allowed before the opening.
    pub pre_open: bool,
    /// Orders are allowed in the opening and closing auction.
    pub auctions: bool,
    /// Orders are allowed in trading after the close.
    pub after_hours: bool,
}

impl Default for HostRules {
    fn default() -> Self {
        HostRules {
            distance_ticks_max: 100,
            distance_bps_max: 500,
            pre_open: false,
            auctions: false,
            after_hours: false,
        }
    }
}

/// What is known of the market when an order is judged.
#[derive(Clone, Copy, Debug)]
pub struct HostFacts<'a> {
    /// The instrument of the order.
    pub instrument: &'a Instrument,
    /// Its trading phase.
    pub phase: Phase,
    /// Best bid and ask of its book.
    pub touch: Touch,
    /// Whether messages of its book were lost.
    pub stale: bool,
}

impl HostRules {
    /// The host rules that refuse `intent`. Never refuses a cancel.
    #[inline]
    pub fn check(&self, intent: &OrderIntent, facts: &HostFacts) -> Rejects {
        if intent.kind == IntentKind::Cancel {
            return Rejects::NONE;
        }
        Rejects::NONE
            .with(Rule::NotTradable, not_tradable(facts.instrument))
            .with(Rule::Phase, phase(facts.phase, self))
            .with(Rule::Tick, tick(facts.instrument, intent.price))
            .with(Rule::Distance, distance(facts, intent.price, self))
            .with(Rule::StaleBook, facts.stale)
    }
}

/// Refuses an instrument whose tick, lot and limits are not known.
#[inline]
pub fn not_tradable(instrument: &Instrument) -> bool {
    !instrument.flags.defined
}

/// Refuses in every phase but continuous trading and those that `rules` open. No word from the
/// venue ([`Phase::Unknown`]) is a refusal.
#[inline]
pub fn phase(phase: Phase, rules: &HostRules) -> bool {
    !match phase {
        Phase::Continuous => true,
        Phase::PreOpen => rules.pre_open,
        Phase::OpeningAuction | Phase::ClosingAuction => rules.auctions,
        Phase::AfterHours => rules.after_hours,
        Phase::Unknown
        | Phase::Halted
        | Phase::Paused
        | Phase::QuoteOnly
        | Phase::Break
        | Phase::Closed => false,
    }
}

/// Refuses a price that is not a whole number of ticks.
#[inline]
pub fn tick(instrument: &Instrument, price: Price) -> bool {
    !instrument.on_tick(price)
}

/// Refuses a price below the bid or above the ask by more than the allowance. An empty side is
/// stood in for by the other, an empty book by the previous close; with none of them there is
/// nothing to measure from and every price is refused.
///
/// One band serves both sides: a bid may be as far below the touch (harmless, but a waste of
/// queue) as an offer (through the market) may.
#[inline]
pub fn distance(facts: &HostFacts, price: Price, rules: &HostRules) -> bool {
    let close = Some(facts.instrument.previous_close).filter(|close| close.0 > 0);
    let (bid, ask) = (facts.touch.best(Side::Buy), facts.touch.best(Side::Sell));
    let (Some(low), Some(high)) = (bid.or(ask).or(close), ask.or(bid).or(close)) else {
        return true;
    };
    let floor = low.0.saturating_sub(allowance(low, facts.instrument.tick, rules));
    let ceiling = high.0.saturating_add(allowance(high, facts.instrument.tick, rules));
    price.0 < floor || price.0 > ceiling
}

/// The wider of the two distances at `reference`, in price units.
#[inline]
fn allowance(reference: Price, tick: i64, rules: &HostRules) -> i64 {
    let ticks = tick.max(0).saturating_mul(i64::from(rules.distance_ticks_max));
    // Split at 10,000 so that the product of a 64-bit price cannot overflow before the division.
    let (magnitude, bps) = (reference.0.unsigned_abs(), u64::from(rules.distance_bps_max));
    let share =
        (magnitude / 10_000).saturating_mul(bps).saturating_add(magnitude % 10_000 * bps / 10_000);
    ticks.max(i64::try_from(share).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use nofx_types::{ClOrdId, InstrumentId, Qty};

    fn instrument() -> Instrument {
        let mut instrument = Instrument::unknown(InstrumentId(1));
        instrument.flags.defined = true;
        instrument
    }

    fn touch(bid_px: i64, bid_qty: u64, ask_px: i64, ask_qty: u64) -> Touch {
        Touch {
            bid_px: Price(bid_px),
            bid_qty: Qty(bid_qty),
            ask_px: Price(ask_px),
            ask_qty: Qty(ask_qty),
        }
    }

    fn order(price: i64) -> OrderIntent {
        OrderIntent::new(InstrumentId(1), Side::Buy, Price(price), Qty(100))
    }

    const TICKS_10: HostRules = HostRules {
        distance_ticks_max: 10,
        distance_bps_max: 0,
        pre_open: false,
        auctions: false,
        after_hours: false,
    };

    #[test]
    fn each_host_rule_refuses_alone_and_with_its_own_bit() {
        let (good, undefined) = (instrument(), Instrument::unknown(InstrumentId(1)));
        let calm = HostFacts {
            instrument: &good,
            phase: Phase::Continuous,
            touch: touch(100_000, 1, 100_100, 1),
            stale: false,
        };
        assert_eq!(TICKS_10.check(&order(100_000), &calm), Rejects::NONE);
        let rows = [
            (HostFacts { instrument: &undefined, ..calm }, 100_000, Rule::NotTradable),
            (HostFacts { phase: Phase::Halted, ..calm }, 100_000, Rule::Phase),
            (calm, 100_001, Rule::Tick),
            (calm, 90_000, Rule::Distance),
            (HostFacts { stale: true, ..calm }, 100_000, Rule::StaleBook),
        ];
        for (facts, price, rule) in rows {
            assert_eq!(TICKS_10.check(&order(price), &facts), Rejects(rule.bit()), "{rule:?}");
            let cancel = OrderIntent::cancel(InstrumentId(1), ClOrdId(7), Side::Buy);
            assert_eq!(TICKS_10.check(&cancel, &facts), Rejects::NONE, "{rule:?}");
            let mut replace = order(price);
            replace.kind = IntentKind::Replace;
            assert_eq!(TICKS_10.check(&replace, &facts), Rejects(rule.bit()), "{rule:?}");
        }
    }

    #[test]
    fn only_phases_that_are_opened_take_orders() {
        let all = HostRules { pre_open: true, auctions: true, after_hours: true, ..TICKS_10 };
        for (phase_now, by_default, opened) in [
            (Phase::Unknown, false, false),
            (Phase::PreOpen, false, true),
            (Phase::OpeningAuction, false, true),
            (Phase::Continuous, true, true),
            (Phase::ClosingAuction, false, true),
            (Phase::AfterHours, false, true),
            (Phase::Halted, false, false),
            (Phase::Paused, false, false),
            (Phase::QuoteOnly, false, false),
            (Phase::Break, false, false),
            (Phase::Closed, false, false),
        ] {
            assert_eq!(!phase(phase_now, &TICKS_10), by_default, "{phase_now:?}");
            assert_eq!(!phase(phase_now, &all), opened, "{phase_now:?}");
        }
    }

    #[test]
    fn distance_is_measured_outwards_from_the_touch() {
        let mut closed_yesterday = instrument();
        closed_yesterday.previous_close = Price(50_000);
        let plain = instrument();
        // The touch, then the lowest and highest price that pass with 10 ticks of 100 units.
        let rows = [
            (&plain, touch(100_000, 1, 120_000, 1), Some((99_000, 121_000))),
            (&plain, touch(0, 0, 120_000, 1), Some((119_000, 121_000))),
            (&plain, touch(100_000, 1, 0, 0), Some((99_000, 101_000))),
            (&closed_yesterday, touch(0, 0, 0, 0), Some((49_000, 51_000))),
            (&plain, touch(0, 0, 0, 0), None),
            // Spreads of futures: prices below zero.
            (&plain, touch(-2_000, 1, -1_000, 1), Some((-3_000, 0))),
        ];
        for (instrument, touch, band) in rows {
            let facts = HostFacts { instrument, phase: Phase::Continuous, touch, stale: false };
            let refused = |price| distance(&facts, Price(price), &TICKS_10);
            match band {
                Some((low, high)) => {
                    assert!(!refused(low) && !refused(high), "{touch:?}");
                    assert!(refused(low - 1) && refused(high + 1), "{touch:?}");
                }
                None => assert!(refused(0) && refused(100_000)),
            }
        }
    }

    #[test]
    fn wider_of_ticks_and_share_counts() {
        let rules = HostRules { distance_ticks_max: 10, distance_bps_max: 200, ..TICKS_10 };
        // 2 % of 4.00 is 8 ticks: the ten ticks are wider. 2 % of 12.00 is 24 ticks.
        assert_eq!(allowance(Price(40_000), 100, &rules), 1_000);
        assert_eq!(allowance(Price(120_000), 100, &rules), 2_400);
        assert_eq!(allowance(Price(-120_000), 100, &rules), 2_400);
        assert_eq!(allowance(Price(99), 0, &rules), 1);
    }

    #[test]
    fn distance_does_not_overflow_at_the_ends_of_the_price_range() {
        let widest = HostRules {
            distance_ticks_max: u32::MAX,
            distance_bps_max: u32::MAX,
            ..HostRules::default()
        };
        let mut odd = instrument();
        odd.tick = i64::MAX;
        for reference in [i64::MIN, -1, 0, 1, i64::MAX] {
            let facts = HostFacts {
                instrument: &odd,
                phase: Phase::Continuous,
                touch: touch(reference, 1, reference, 1),
                stale: false,
            };
            assert!(!distance(&facts, Price(reference), &widest));
            let strict = HostRules { distance_ticks_max: 0, distance_bps_max: 0, ..widest };
            assert!(!distance(&facts, Price(reference), &strict));
            let beside = if reference == i64::MAX { reference - 1 } else { reference + 1 };
            assert!(distance(&facts, Price(beside), &strict));
        }
    }
}
