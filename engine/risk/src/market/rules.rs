//! The market rules, each a function of one view that answers with what it found against the order.

use nofx_gate::Rule;
use nofx_rules::{OddLots, PriceRule, Reach, Session, Stage};
use nofx_types::{Date, IntentKind, OrderIntent, Phase, Price, Qty, Side, TimeInForce};

use super::MarketFacts;
use super::holdings::Holding;
use super::refusal::Breach;
use super::rows::Row;

/// Everything that the rules look at.
pub(super) struct View<'a> {
    pub intent: &'a OrderIntent,
    pub facts: &'a MarketFacts,
    pub row: &'a Row,
    /// `None` outside every session.
    pub session: Option<&'a Session>,
    pub time_ns: u64,
    pub holding: Option<&'a Holding>,
    pub pace: Option<Breach>,
    /// Day orders are enhanced limit orders.
    pub enhanced: bool,
    pub since: Date,
}

/// Rules of this module.
pub(super) const COUNT: usize = 11;

impl View<'_> {
    /// What each rule found, in the order of their bits.
    #[inline]
    pub fn breaches(&self) -> [(Rule, Option<Breach>); COUNT] {
        if self.intent.kind == IntentKind::Cancel {
            let mut all = [(Rule::NoCancel, None); COUNT];
            if let Some((_, first)) = all.first_mut() {
                *first = self.no_cancel();
            }
            return all;
        }
        let changes = self.intent.kind == IntentKind::Replace;
        [
            (Rule::Phase, self.phase()),
            (Rule::Tick, self.tick()),
            (Rule::PriceLimit, self.price_limit()),
            (Rule::Cage, self.cage()),
            (Rule::BoardLot, self.board_lot()),
            (Rule::OrderSize, self.order_size()),
            (Rule::NoCancel, if changes { self.no_cancel() } else { None }),
            (Rule::Sellable, self.sellable()),
            (Rule::ShortSale, self.short_sale()),
            (Rule::Volatility, self.volatility()),
            (Rule::Programme, self.pace),
        ]
    }

    /// The clock: a session that takes orders. Limit: its end, value: the time, in seconds of the day.
    fn phase(&self) -> Option<Breach> {
        let closed = self.session.is_none_or(|session| !session.orders);
        let limit = self.session.map_or(0, |session| session.until_ns);
        let since = self.session.map_or(self.since, |session| session.since);
        closed.then(|| Breach { limit: seconds(limit), value: seconds(self.time_ns), since })
    }

    /// A whole number of steps. Limit: the step.
    fn tick(&self) -> Option<Breach> {
        let table = &self.row.rules.tick;
        let price = self.intent.price;
        let limit = table.rule.at(price);
        (!table.rule.holds(price)).then_some(Breach { limit, value: price.0, since: table.since })
    }

    /// The day's limits; in auctions the prices they take; in Hong Kong the distance from the market.
    /// Limit: the bound that was passed.
    fn price_limit(&self) -> Option<Breach> {
        let (row, rules) = (self.row, &self.row.rules);
        let announced = match (self.auction(), row.rules.vcm) {
            (false, Some(_)) => None, // a band of the volatility control
            _ => row.announced(self.facts.phase),
        };
        let day = announced.or(rules.band.rule).map(|band| (band, rules.band.since));
        let session = self.session.and_then(|session| {
            let best = self.facts.touch;
            let best = best.best(Side::Sell).zip(best.best(Side::Buy));
            let band = session.price.band(
                row.auction_reference(self.facts.phase),
                best,
                &rules.tick.rule,
            )?;
            Some((band, session.since))
        });
        let session = session.filter(|_| self.fixes_prices());
        let far = rules.quotation.map(|quotation| {
            let (side, facts) = (self.intent.side, row.cage_facts(self.facts.touch));
            let band = quotation.rule.band(side, self.reach(), &facts, &rules.tick.rule);
            (band, quotation.since)
        });
        let price = self.intent.price;
        let bands = [day, session, far].into_iter().flatten();
        let mut outside = bands.filter(|(band, _)| !band.holds(price));
        outside.next().map(|(band, since)| {
            let limit = if price < band.low { band.low.0 } else { band.high.0 };
            Breach { limit, value: price.0, since }
        })
    }

    /// The cage of continuous trading. What an exchange would only keep aside is refused as well: it
    /// is not what was asked for.
    fn cage(&self) -> Option<Breach> {
        let caged = self.session.is_some_and(|session| session.price == PriceRule::Cage);
        let cage = self.row.rules.cage.filter(|_| caged)?;
        let (side, price) = (self.intent.side, self.intent.price);
        let facts = self.row.cage_facts(self.facts.touch);
        let bound = cage.rule.bound(side, &facts, &self.row.rules.tick.rule)?;
        let outside = side.better(price, bound);
        outside.then_some(Breach { limit: bound.0, value: price.0, since: cage.since })
    }

    /// Whole lots, and odd ones where the market takes none. Limit: the lot.
    fn board_lot(&self) -> Option<Breach> {
        let lot = &self.row.rules.lot;
        let whole = lot.rule.whole(self.intent.qty.0);
        let remainder = self.intent.side == Side::Sell && lot.rule.odd == OddLots::SellWhole;
        (!whole && !remainder).then(|| Breach {
            limit: i64::from(lot.rule.min),
            value: count(self.intent.qty),
            since: lot.since,
        })
    }

    /// The largest order.
    fn order_size(&self) -> Option<Breach> {
        let size = &self.row.rules.size;
        let most = size.rule.most(false);
        (!size.rule.takes(self.intent.qty.0, false)).then(|| Breach {
            limit: count(Qty(most)),
            value: count(self.intent.qty),
            since: size.since,
        })
    }

    /// A call auction that lets nothing be taken back. Limit: its end, value: the time, in seconds.
    fn no_cancel(&self) -> Option<Breach> {
        let session = self.session.filter(|session| {
            !session.cancels && matches!(session.stage, Stage::NoCancel | Stage::Matching)
        })?;
        let limit = seconds(session.until_ns);
        Some(Breach { limit, value: seconds(self.time_ns), since: session.since })
    }

    /// What may be sold today, and its odd remainder whole. Limit: the shares that may be sold.
    fn sellable(&self) -> Option<Breach> {
        let (intent, rules) = (self.intent, &self.row.rules);
        if intent.side == Side::Buy || intent.short {
            return None;
        }
        let holding = self.holding.copied().unwrap_or_default();
        // A replacement freezes its shares anew, and those it replaces are released.
        let back = if intent.kind == IntentKind::Replace { intent.orig_leaves.0 } else { 0 };
        let free = holding.free(rules.next_day_only()).saturating_add(back);
        let odd = rules.lot.rule.odd == OddLots::SellWhole
            && !rules.lot.rule.takes(Side::Sell, intent.qty.0, free);
        let refused = intent.qty.0 > free || odd || holding.mixes(false);
        let since = rules.settlement.since;
        refused.then(|| Breach { limit: count(Qty(free)), value: count(intent.qty), since })
    }

    /// Short sales. Limit: the lowest price; the largest price where none is taken at all.
    fn short_sale(&self) -> Option<Breach> {
        let (intent, rules) = (self.intent, &self.row.rules);
        if intent.side == Side::Buy || !intent.short {
            return None;
        }
        let facts = self.row.short_facts(self.facts.touch, self.facts.phase);
        let rule = &rules.short.rule;
        let any = rule.takes(rules.designated, Price(i64::MAX), self.facts.phase, &facts)
            && !self.holding.is_some_and(|holding| holding.mixes(true));
        let floor = rule.floor(self.facts.phase, &facts);
        let limit = if any { floor.0 } else { i64::MAX };
        let refused = !any || intent.price < floor;
        refused.then_some(Breach { limit, value: intent.price.0, since: rules.short.since })
    }

    /// The band of a cooling-off period.
    fn volatility(&self) -> Option<Breach> {
        let vcm = self.row.rules.vcm.filter(|_| !self.auction())?;
        let price = self.intent.price;
        let band = self.row.announced(self.facts.phase).filter(|band| !band.holds(price))?;
        let limit = if price < band.low { band.low.0 } else { band.high.0 };
        Some(Breach { limit, value: price.0, since: vcm.since })
    }

    /// How far the order reaches through the market of Hong Kong.
    fn reach(&self) -> Reach {
        match self.intent.tif {
            _ if self.auction() => Reach::Auction,
            TimeInForce::AtCrossing => Reach::Auction,
            TimeInForce::Ioc | TimeInForce::Fok => Reach::Any,
            TimeInForce::Day if self.enhanced => Reach::Spreads,
            TimeInForce::Day => Reach::Best,
        }
    }

    fn auction(&self) -> bool {
        self.session.is_some_and(|session| {
            matches!(session.phase, Phase::OpeningAuction | Phase::ClosingAuction)
        })
    }

    /// Whether the session draws a band of its own that our knowledge reaches: the price of trading
    /// after hours is the close, which no reference of ours is.
    fn fixes_prices(&self) -> bool {
        self.session.is_some_and(|session| session.price != PriceRule::Fixed)
    }
}

fn seconds(ns: u64) -> i64 {
    (ns / 1_000_000_000) as i64
}

fn count(qty: Qty) -> i64 {
    i64::try_from(qty.0).unwrap_or(i64::MAX)
}
