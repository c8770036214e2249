//! Market rules: what the exchange would refuse, refused here first.
//!
//! Model: [`MarketRules`] holds the day's compiled rules of every instrument (`nofx_rules`), what an
//! account may still sell today ([`Holdings`]), what it sent (pace), and of each instrument the
//! last trade and the band that the exchange announced. Each rule is a function that answers with a
//! [`Breach`] (limit, value, day of the rule) or none; [`MarketRules::check`] keeps of that which
//! rules refused, [`MarketRules::explain`] the rest, so that the two cannot disagree.
//!
//! These rules stand between [`HostRules`](crate::HostRules) and the gate. Where a card rule covers
//! the same thing the day's value is written into the instrument ([`MarketRules::complete`]), and
//! from there into the card: price limits into its static band, the board lot of Hong Kong into its
//! lot. The card's own counts per second and day, and its largest quantity, are the firm's limits;
//! those here are the exchange's.
//!
//! A cancel is refused by one rule only, `no_cancel`, and not even by that when it belongs to a
//! sweep: the venue shall say no, not we.
//!
//! Worst case: an order reads one instrument row (seven cache lines), one holding, one account's
//! ring, and walks the day's sessions (at most 16). Nothing allocates after construction.

mod holdings;
mod pace;
mod refusal;
mod rows;
mod rules;

use alloc::boxed::Box;
use alloc::vec;
use alloc::vec::Vec;

use nofx_gate::{Rejects, Rule};
use nofx_rules::{Commission, DayRules, Fees, InstrumentRules, Session};
use nofx_types::{
    AccountId, BookEvent, Instrument, InstrumentId, IntentKind, Market, Nanos, OrderIntent,
    OrderUpdate, Phase, Price, Qty, Side, Touch, UpdateKind,
};

pub use holdings::Holding;
use holdings::Holdings;
pub use pace::PaceCounts;
use pace::Paces;
pub use refusal::{Breach, Refusal, Refusals};
use rows::Row;

/// What is known of the market and of the caller when an intent is judged.
#[derive(Clone, Copy, Debug)]
pub struct MarketFacts {
    /// Trading phase, as the feed says.
    pub phase: Phase,
    /// Best prices.
    pub touch: Touch,
    /// A cancel of a sweep (a kill, a stop, a stale book, a lost session).
    pub sweep: bool,
}

/// The market rules of one market and day, with the state they need.
#[derive(Debug)]
pub struct MarketRules {
    day: DayRules,
    midnight: Nanos,
    /// Sessions by board.
    sessions: Box<[Box<[Session]>]>,
    /// Fees by board, without and with stamp duty.
    fees: Box<[[Fees; 2]]>,
    rows: Box<[Option<Row>]>,
    /// Day orders are Hong Kong's enhanced limit orders.
    enhanced: bool,
    holdings: Holdings,
    paces: Paces,
    refusals: Refusals,
}

impl MarketRules {
    /// Whether any of `rejects` is a market rule.
    #[inline]
    pub fn refuses(rejects: Rejects) -> bool {
        const BITS: u64 = Rule::Phase.bit()
            | Rule::Tick.bit()
            | Rule::PriceLimit.bit()
            | Rule::Cage.bit()
            | Rule::BoardLot.bit()
            | Rule::OrderSize.bit()
            | Rule::NoCancel.bit()
            | Rule::Sellable.bit()
            | Rule::ShortSale.bit()
            | Rule::Volatility.bit()
            | Rule::Programme.bit();
        rejects.0 & BITS != 0
    }

    /// The rules of `day` for `accounts` and a table of `instruments`, none of them known yet.
    pub fn new(
        day: DayRules,
        accounts: u16,
        instruments: u32,
        commission: Commission,
    ) -> MarketRules {
        let boards = 0..day.boards().len();
        let id = |board: usize| nofx_rules::BoardId(u8::try_from(board).unwrap_or(u8::MAX));
        let sessions = boards.clone().map(|board| day.sessions(id(board)).into());
        let fees =
            boards.map(|board| [false, true].map(|stamp| day.fees(id(board), stamp, commission)));
        let (sessions, fees): (Vec<_>, Vec<_>) = (sessions.collect(), fees.collect());
        MarketRules {
            midnight: Nanos(day.date().midnight_ns(Market::HOURS_EAST)),
            sessions: sessions.into_boxed_slice(),
            fees: fees.into_boxed_slice(),
            rows: vec![None; instruments as usize].into_boxed_slice(),
            enhanced: false,
            holdings: Holdings::new(accounts, instruments),
            paces: Paces::new(accounts, day.programme()),
            refusals: Refusals::default(),
            day,
        }
    }

    /// The same rules where the day's midnight is `midnight` by the intents' clock: a venue may play
    /// a day at any hour.
    pub fn with_midnight(self, midnight: Nanos) -> MarketRules {
        MarketRules { midnight, ..self }
    }

    /// The same rules where day orders go out as Hong Kong's enhanced limit orders, which may reach
    /// through the best price, or not.
    pub fn with_enhanced_limits(self, enhanced: bool) -> MarketRules {
        MarketRules { enhanced, ..self }
    }

    /// The day's rules.
    pub fn day(&self) -> &DayRules {
        &self.day
    }

    /// Gives an instrument its rules; `stamp`: its fills pay stamp duty. Outside the table nothing
    /// happens: such orders are refused anyway.
    pub fn define(&mut self, id: InstrumentId, rules: InstrumentRules, stamp: bool) {
        if let Some(slot) = self.rows.get_mut(id.index()) {
            match slot {
                Some(row) => (row.rules, row.stamp) = (rules, stamp),
                None => *slot = Some(Row::new(rules, stamp)),
            }
        }
    }

    /// An instrument has no rules any more: it takes no order.
    pub fn forget(&mut self, id: InstrumentId) {
        if let Some(slot) = self.rows.get_mut(id.index()) {
            *slot = None;
        }
    }

    /// The rules of an instrument.
    pub fn rules(&self, id: InstrumentId) -> Option<&InstrumentRules> {
        self.row(id).map(|row| &row.rules)
    }

    /// `instrument` with what its rules say of tick, lot and limits: what books, strategies and the
    /// gate's card go by. One without rules is not tradable.
    #[must_use]
    pub fn complete(&self, instrument: &Instrument) -> Instrument {
        let mut whole = *instrument;
        let Some(row) = self.row(instrument.id) else {
            whole.flags.defined = false;
            return whole;
        };
        let rules = &row.rules;
        if rules.previous_close.0 > 0 {
            whole.previous_close = rules.previous_close;
            whole.tick = rules.tick.rule.at(rules.previous_close);
        } else {
            whole.tick = rules.tick.rule.bands().map(|(_, tick)| tick).min().unwrap_or(whole.tick);
        }
        whole.lot = rules.lot.rule.min;
        // An odd remainder may be sold on the mainland: the card must not know of lots there.
        whole.flags.round_lots_only = rules.lot.rule.odd == nofx_rules::OddLots::Refused;
        if let Some(band) = rules.band.rule {
            (whole.limit_low, whole.limit_high) = (band.low, band.high);
        }
        whole.flags.defined = true;
        whole
    }

    /// What an account held when the day began, and how much of it may be sold.
    pub fn hold(&mut self, account: AccountId, id: InstrumentId, qty: Qty, sellable: Qty) {
        self.holdings.start(account, id, qty.0, sellable.0);
    }

    /// The market rules that refuse `intent`.
    #[inline]
    pub fn check(&self, intent: &OrderIntent, facts: &MarketFacts) -> Rejects {
        match self.view(intent, facts) {
            _ if intent.kind == IntentKind::Cancel && facts.sweep => Rejects::NONE,
            None if intent.kind == IntentKind::Cancel => Rejects::NONE,
            None => Rejects(Rule::NotTradable.bit()),
            Some(view) => {
                let all = view.breaches().into_iter();
                all.fold(Rejects::NONE, |set, (rule, breach)| set.with(rule, breach.is_some()))
            }
        }
    }

    /// As [`MarketRules::check`], together with what the host rules said of the same intent: the
    /// tick table of the market stands in for the instrument's one tick.
    #[inline]
    pub fn check_after(&self, host: Rejects, intent: &OrderIntent, facts: &MarketFacts) -> Rejects {
        Rejects(host.0 & !Rule::Tick.bit() | self.check(intent, facts).0)
    }

    /// Limit, value and day of every market rule that refuses `intent`. For reports.
    ///
    /// ```
    /// use nofx_gate::Rule;
    /// use nofx_risk::market::{MarketFacts, MarketRules};
    /// use nofx_rules::{Commission, Listing, RuleBook};
    /// use nofx_types::*;
    /// let day = RuleBook::builtin(Market::Sse).on("2023-07-11".parse().unwrap()).unwrap();
    /// let listing = Listing { previous_close: Price(100_000), ..Listing::default() };
    /// let rules = day.instrument("600000", &listing).unwrap();
    /// let mut market = MarketRules::new(day, 1, 8, Commission::default());
    /// market.define(InstrumentId(3), rules, true);
    /// let mut order = OrderIntent::new(InstrumentId(3), Side::Buy, Price(110_100), Qty(100));
    /// order.now_ns = Nanos("2023-07-11".parse::<Date>().unwrap().midnight_ns(8) + 34_560_000_000_000);
    /// let facts = MarketFacts { phase: Phase::OpeningAuction, touch: Touch::default(), sweep: false };
    /// let refusal = market.explain(&order, &facts).next().expect("above the limit");
    /// assert_eq!(refusal.rule, Rule::PriceLimit);
    /// assert_eq!((refusal.breach.limit, refusal.breach.value), (110_000, 110_100));
    /// assert_eq!(refusal.to_string(), "price_limit: limit 11.0000 value 11.0100, rule of 2023-04-10");
    /// ```
    pub fn explain(
        &self,
        intent: &OrderIntent,
        facts: &MarketFacts,
    ) -> impl Iterator<Item = Refusal> + use<> {
        let sweep = intent.kind == IntentKind::Cancel && facts.sweep;
        let all = self.view(intent, facts).filter(|_| !sweep).map(|view| view.breaches());
        let all = all.into_iter().flatten();
        all.filter_map(|(rule, breach)| breach.map(|breach| Refusal { rule, breach }))
    }

    /// Keeps count and the last of each rule that refused `intent`.
    #[cold]
    pub fn note(&mut self, intent: &OrderIntent, facts: &MarketFacts) {
        for refusal in self.explain(intent, facts) {
            self.refusals.note(intent.instrument, refusal);
        }
    }

    /// What was refused so far.
    pub fn refusals(&self) -> &Refusals {
        &self.refusals
    }

    /// An intent was sent: it counts as a message.
    #[inline]
    pub fn on_sent(&mut self, intent: &OrderIntent) {
        self.paces.count(intent.account, intent.now_ns);
    }

    /// An intent passed every rule: a sell takes what it may sell, until updates release it.
    #[inline]
    pub fn reserve(&mut self, intent: &OrderIntent) {
        let opens = intent.kind != IntentKind::Cancel && intent.side == Side::Sell;
        if opens && let Some(holding) = self.holdings.get_mut(intent.account, intent.instrument) {
            holding.freeze(intent.qty.0, intent.short);
        }
    }

    /// News of an order: fills move what may be sold, and cost fees.
    #[inline]
    pub fn on_update(&mut self, update: &OrderUpdate) {
        if update.kind == UpdateKind::RefusedByGate {
            return; // it froze nothing
        }
        let row = self.rows.get(update.instrument.index()).and_then(Option::as_ref);
        let fees = row.and_then(|row| row.fees(&self.fees));
        if let Some(holding) = self.holdings.get_mut(update.account, update.instrument) {
            holding.on_update(update);
            if let Some(fees) = fees {
                holding.pay(update, fees);
            }
        }
    }

    /// An event of the market, after the book took it: `touch` is what the book shows now, `phase`
    /// the instrument's.
    #[inline]
    pub fn on_event(&mut self, event: &BookEvent, touch: Touch, phase: Phase) {
        if let Some(row) = self.rows.get_mut(event.instrument.index()).and_then(Option::as_mut) {
            row.on_event(event, touch, phase);
        }
    }

    /// What an account may sell of an instrument, and what it is made of.
    pub fn holding(&self, account: AccountId, id: InstrumentId) -> Option<&Holding> {
        self.holdings.get(account, id)
    }

    /// Every holding that is not empty or cost fees, by account, then instrument. For reports: walks
    /// the table.
    pub fn holdings(&self) -> impl Iterator<Item = (AccountId, InstrumentId, &Holding)> {
        self.holdings.used()
    }

    /// Shares of an instrument that the account may sell now.
    pub fn sellable(&self, account: AccountId, id: InstrumentId) -> u64 {
        let next_day = self.row(id).is_some_and(|row| row.rules.next_day_only());
        self.holdings.get(account, id).map_or(0, |holding| holding.free(next_day))
    }

    /// Messages of an account against the thresholds of programme trading.
    pub fn pace(&self, account: AccountId) -> PaceCounts {
        self.paces.counts(account)
    }

    #[inline]
    fn row(&self, id: InstrumentId) -> Option<&Row> {
        self.rows.get(id.index()).and_then(Option::as_ref)
    }

    /// The session of the instrument's board at the intent's time.
    #[inline]
    fn session(&self, row: &Row, now: Nanos) -> Option<&Session> {
        let sessions = self.sessions.get(usize::from(row.rules.board.0))?;
        let time = now.0.checked_sub(self.midnight.0)?;
        sessions.iter().find(|session| session.from_ns <= time && time < session.until_ns)
    }

    #[inline]
    fn view<'a>(
        &'a self,
        intent: &'a OrderIntent,
        facts: &'a MarketFacts,
    ) -> Option<rules::View<'a>> {
        let row = self.row(intent.instrument)?;
        Some(rules::View {
            intent,
            facts,
            row,
            session: self.session(row, intent.now_ns),
            time_ns: intent.now_ns.0.saturating_sub(self.midnight.0),
            holding: self.holdings.get(intent.account, intent.instrument),
            pace: self.paces.breach(intent.account, intent.now_ns),
            enhanced: self.enhanced,
            since: self.day.date(),
        })
    }

    /// The last trade of an instrument, as far as events told; 0 for none.
    pub fn last(&self, id: InstrumentId) -> Price {
        self.row(id).map_or(Price(0), |row| row.last)
    }
}
