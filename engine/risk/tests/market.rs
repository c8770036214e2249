//! Market rules one by one at their boundaries, and the state they keep over a day.

use nofx_gate::{Rejects, Rule};
use nofx_risk::market::{MarketFacts, MarketRules};
use nofx_rules::{Commission, DayRules, Listing, RuleBook, VcmClass};
use nofx_types::{
    AccountId, BookEvent, ClOrdId, Date, EventKind, Instrument, InstrumentId, IntentKind, Market,
    Nanos, OrderIntent, OrderRef, OrderUpdate, Phase, Price, Qty, Side, Symbol, TimeInForce, Touch,
    TradeKind, UpdateKind,
};

const ID: InstrumentId = InstrumentId(3);
const ACCOUNT: AccountId = AccountId(0);

fn day(market: Market, date: &str) -> DayRules {
    RuleBook::builtin(market).on(date.parse().expect("a day")).expect("covered")
}

/// One security with its rules, at times of its day.
struct Desk {
    market: MarketRules,
    date: Date,
    touch: Touch,
    phase: Phase,
}

impl Desk {
    fn new(market: Market, date: &str, symbol: &str, listing: Listing) -> Desk {
        let day = day(market, date);
        let rules = day.instrument(symbol, &listing).expect("known");
        let commission = Commission { rate: 250_000, minimum: 0 };
        let mut market = MarketRules::new(day, 2, 8, commission);
        market.define(ID, rules, true);
        let date = date.parse().expect("a day");
        Desk { market, date, touch: Touch::default(), phase: Phase::Continuous }
    }

    /// 600000 of Shanghai with a previous close of 10.00, and 10,000 shares to sell.
    fn shanghai(date: &str) -> Desk {
        let listing = Listing { previous_close: Price(100_000), ..Listing::default() };
        let mut desk = Desk::new(Market::Sse, date, "600000", listing);
        desk.market.hold(ACCOUNT, ID, Qty(10_000), Qty(10_000));
        desk
    }

    fn hong_kong(date: &str) -> Desk {
        let previous_close = Price(1_000_000);
        let vcm = Some(VcmClass::Large);
        let listing = Listing { previous_close, lot: 500, short: true, vcm, ..Listing::default() };
        let mut desk = Desk::new(Market::Hkex, date, "700", listing);
        desk.market.hold(ACCOUNT, ID, Qty(10_000), Qty(10_000));
        desk
    }

    /// `HH:MM:SS` of the day.
    fn at(&self, time: &str) -> Nanos {
        let part = |n: usize| time.split(':').nth(n).map_or(0, |t| t.parse::<u64>().expect("t"));
        let seconds = part(0) * 3_600 + part(1) * 60 + part(2);
        Nanos(self.date.midnight_ns(8) + seconds * 1_000_000_000)
    }

    fn order(&self, time: &str, side: Side, price: i64, qty: u64) -> OrderIntent {
        let mut order = OrderIntent::new(ID, side, Price(price), Qty(qty));
        order.now_ns = self.at(time);
        order
    }

    fn facts(&self) -> MarketFacts {
        MarketFacts { phase: self.phase, touch: self.touch, sweep: false }
    }

    fn check(&self, order: &OrderIntent) -> Rejects {
        let rejects = self.market.check(order, &self.facts());
        let explained = self.market.explain(order, &self.facts()).map(|refusal| refusal.rule);
        let explained = explained.fold(Rejects::NONE, |set, rule| set.with(rule, true));
        assert_eq!(explained, rejects, "what is refused is explained: {order:?}");
        rejects
    }

    fn buy(&self, time: &str, price: i64, qty: u64) -> Rejects {
        self.check(&self.order(time, Side::Buy, price, qty))
    }

    fn sell(&self, time: &str, price: i64, qty: u64) -> Rejects {
        self.check(&self.order(time, Side::Sell, price, qty))
    }

    fn event(&mut self, kind: EventKind) {
        let event = BookEvent {
            instrument: ID,
            seq: 1,
            exch_ns: Nanos(0),
            capture_ns: Nanos(0),
            last: true,
            kind,
        };
        self.market.on_event(&event, self.touch, self.phase);
    }

    fn last(&mut self, price: i64) {
        let (price, qty) = (Price(price), Qty(100));
        let kind = TradeKind::Print;
        self.event(EventKind::Trade { price, qty, aggressor: None, match_id: 1, kind });
    }

    /// Fees of the day.
    fn paid(&self) -> i64 {
        self.market.holding(ACCOUNT, ID).map_or(0, |holding| holding.fees_e4)
    }

    fn send(&mut self, order: &OrderIntent) {
        self.market.reserve(order);
        self.market.on_sent(order);
    }

    fn update(&mut self, kind: UpdateKind, side: Side, fill: u64, released: u64) {
        self.market.on_update(&OrderUpdate {
            kind,
            side,
            maker: false,
            account: ACCOUNT,
            instrument: ID,
            cl_ord_id: ClOrdId(1),
            orig: ClOrdId::NONE,
            order_ref: OrderRef(0),
            price: Price(100_000),
            leaves: Qty(0),
            fill_price: Price(100_000),
            fill_qty: Qty(fill),
            released_qty: Qty(released),
            released_price: Price(100_000),
            closed: true,
            now_ns: Nanos(0),
        });
    }
}

fn only(rule: Rule) -> Rejects {
    Rejects(rule.bit())
}

const OPEN: &str = "10:00:00";
const DAY: &str = "2023-07-11";

fn touch(bid: i64, ask: i64) -> Touch {
    Touch {
        bid_px: Price(bid),
        bid_qty: Qty(u64::from(bid > 0)),
        ask_px: Price(ask),
        ask_qty: Qty(u64::from(ask > 0)),
    }
}

#[test]
fn the_clock_says_when_orders_are_taken() {
    let desk = Desk::shanghai(DAY);
    for (time, taken) in [
        ("09:14:59", false),
        ("09:15:00", true),
        ("09:24:59", true),
        ("09:25:00", false),
        ("09:30:00", true),
        ("11:29:59", true),
        ("11:30:00", false),
        ("13:00:00", true),
        ("14:59:59", true),
        ("15:00:00", false),
    ] {
        let want = if taken { Rejects::NONE } else { only(Rule::Phase) };
        assert_eq!(desk.buy(time, 100_000, 100), want, "{time}");
    }
    let half = Desk::hong_kong("2024-12-24");
    assert_eq!(half.buy("11:59:59", 1_000_000, 500), Rejects::NONE);
    assert_eq!(half.buy("13:30:00", 1_000_000, 500), only(Rule::Phase), "a half day");
    let holiday = Desk::shanghai("2023-07-08");
    assert_eq!(holiday.buy(OPEN, 100_000, 100), only(Rule::Phase));
}

#[test]
fn price_limits_ticks_and_sizes_refuse_just_outside() {
    let desk = Desk::shanghai("2023-04-07"); // before the cage
    for (price, want) in [
        (110_000, Rejects::NONE),
        (110_100, only(Rule::PriceLimit)),
        (90_000, Rejects::NONE),
        (89_900, only(Rule::PriceLimit)),
        (100_050, only(Rule::Tick)),
        (110_050, only(Rule::PriceLimit).with(Rule::Tick, true)),
    ] {
        assert_eq!(desk.buy(OPEN, price, 100), want, "{price}");
        assert_eq!(desk.sell(OPEN, price, 100), want, "{price}");
    }
    assert_eq!(desk.buy(OPEN, 100_000, 1_000_000), Rejects::NONE);
    assert_eq!(desk.buy(OPEN, 100_000, 1_000_100), only(Rule::OrderSize));
    assert_eq!(desk.buy(OPEN, 100_000, 150), only(Rule::BoardLot));
    assert_eq!(desk.buy(OPEN, 100_000, 0), only(Rule::BoardLot));
}

#[test]
fn limits_that_the_exchange_announces_replace_the_computed_ones() {
    let mut desk = Desk::shanghai("2023-04-07");
    let (reference, low, high) = (Price(100_000), Price(80_000), Price(120_000));
    desk.event(EventKind::Band { reference, low, high });
    assert_eq!(desk.buy(OPEN, 120_000, 100), Rejects::NONE);
    assert_eq!(desk.buy(OPEN, 120_100, 100), only(Rule::PriceLimit));
}

#[test]
fn the_cage_measures_from_the_first_price_there_is() {
    let mut desk = Desk::shanghai(DAY);
    // Touch, last trade; highest buy and lowest sell: 2 %, or ten ticks where that is wider.
    for ((bid, ask), last, (buy, sell)) in [
        ((99_900, 100_000), 0, (102_000, 97_900)), // 99,900 * 0.98 = 97,902
        ((0, 101_000), 0, (103_000, 99_000)),      // 103,020 and 98,980 to the tick
        ((99_000, 0), 0, (101_000, 97_000)),       // 100,980 and 97,020
        ((0, 0), 104_000, (106_100, 101_900)),
        ((0, 0), 0, (102_000, 98_000)),
    ] {
        desk = Desk::shanghai(DAY);
        desk.touch = touch(bid, ask);
        if last > 0 {
            desk.last(last);
        }
        let name = format!("{bid} {ask} {last}");
        assert_eq!(desk.buy(OPEN, buy, 100), Rejects::NONE, "{name}");
        assert_eq!(desk.buy(OPEN, buy + 100, 100), only(Rule::Cage), "{name}");
        assert_eq!(desk.sell(OPEN, sell, 100), Rejects::NONE, "{name}");
        assert_eq!(desk.sell(OPEN, sell - 100, 100), only(Rule::Cage), "{name}");
        assert_eq!(desk.buy(OPEN, 90_000, 100), Rejects::NONE, "passive: {name}");
    }
    // Not in call auctions.
    assert_eq!(desk.buy("09:16:00", 110_000, 100), Rejects::NONE);
    assert_eq!(desk.buy("14:58:00", 110_000, 100), Rejects::NONE);
    // Ten ticks are wider than 2 % below 5.00.
    let listing = Listing { previous_close: Price(30_000), ..Listing::default() };
    let cheap = Desk::new(Market::Sse, DAY, "600000", listing);
    assert_eq!(cheap.buy(OPEN, 31_000, 100), Rejects::NONE);
    assert_eq!(cheap.buy(OPEN, 31_100, 100), only(Rule::Cage));
}

#[test]
fn hong_kong_prices_stay_near_the_market() {
    let far = only(Rule::PriceLimit);
    // Nothing traded and nobody there: 24 spreads of 0.05 and, above 100.00, of 0.10.
    let mut desk = Desk::hong_kong("2024-01-03");
    assert_eq!(desk.buy(OPEN, 1_024_000, 500), Rejects::NONE);
    assert_eq!(desk.buy(OPEN, 1_025_000, 500), far);
    assert_eq!(desk.sell(OPEN, 988_000, 500), Rejects::NONE);
    assert_eq!(desk.sell(OPEN, 987_500, 500), far);
    // Not in a call, which has a band of its own.
    assert_eq!(desk.buy("09:16:00", 1_100_000, 500), Rejects::NONE);
    // A limit order does not reach through the best price of the other side.
    desk.touch = touch(999_500, 1_000_000);
    assert_eq!(desk.buy(OPEN, 1_000_000, 500), Rejects::NONE);
    assert_eq!(desk.buy(OPEN, 1_001_000, 500), far);
    assert_eq!(desk.sell(OPEN, 999_500, 500), Rejects::NONE);
    assert_eq!(desk.sell(OPEN, 999_000, 500), far);
    let order = desk.order(OPEN, Side::Buy, 1_001_000, 500);
    let limits: Vec<_> =
        desk.market.explain(&order, &desk.facts()).map(|r| r.breach.limit).collect();
    assert_eq!(limits, [1_000_000]);
    // What is not filled at once is cancelled: such an order reaches any distance.
    for tif in [TimeInForce::Ioc, TimeInForce::Fok] {
        let special = OrderIntent { tif, ..desk.order(OPEN, Side::Buy, 1_100_000, 500) };
        assert_eq!(desk.check(&special), Rejects::NONE, "{tif:?}");
        let special = OrderIntent { tif, ..desk.order(OPEN, Side::Buy, 9_005_000, 500) };
        assert_eq!(desk.check(&special), far, "nine times the nominal price");
    }
    // An enhanced limit order reaches nine spreads: 0.10 up, 0.05 down.
    desk.market = desk.market.with_enhanced_limits(true);
    assert_eq!(desk.buy(OPEN, 1_009_000, 500), Rejects::NONE);
    assert_eq!(desk.buy(OPEN, 1_010_000, 500), far);
    assert_eq!(desk.sell(OPEN, 995_000, 500), Rejects::NONE);
    assert_eq!(desk.sell(OPEN, 994_500, 500), far);
}

#[test]
fn nothing_is_cancelled_in_a_no_cancel_period_but_a_sweep_tries() {
    let desk = Desk::shanghai(DAY);
    let cancel = |desk: &Desk, time: &str| {
        let mut cancel = OrderIntent::cancel(ID, ClOrdId(1), Side::Buy);
        cancel.now_ns = desk.at(time);
        cancel
    };
    for (time, refused) in [
        ("09:19:59", false),
        ("09:20:00", true),
        ("09:24:59", true),
        ("09:30:00", false),
        ("12:00:00", false), // for the venue to say
        ("14:57:00", true),
        ("15:00:00", false),
    ] {
        let want = if refused { only(Rule::NoCancel) } else { Rejects::NONE };
        assert_eq!(desk.check(&cancel(&desk, time)), want, "{time}");
        let sweep = MarketFacts { sweep: true, ..desk.facts() };
        assert_eq!(desk.market.check(&cancel(&desk, time), &sweep), Rejects::NONE, "{time}");
    }
    let hong_kong = Desk::hong_kong("2024-01-03");
    for (time, refused) in
        [("09:14:59", false), ("09:15:00", true), ("16:07:00", true), ("16:05:00", false)]
    {
        let want = if refused { only(Rule::NoCancel) } else { Rejects::NONE };
        assert_eq!(hong_kong.check(&cancel(&hong_kong, time)), want, "{time}");
        let mut replace = hong_kong.order(time, Side::Buy, 1_000_000, 500);
        replace.kind = IntentKind::Replace;
        assert_eq!(hong_kong.check(&replace).has(Rule::NoCancel), refused, "{time}");
    }
}

#[test]
fn what_is_bought_today_is_sold_tomorrow() {
    let mut desk = Desk::shanghai(DAY);
    desk.market.hold(ACCOUNT, ID, Qty(500), Qty(300));
    let buy = desk.order(OPEN, Side::Buy, 100_000, 200);
    desk.send(&buy);
    desk.update(UpdateKind::Filled, Side::Buy, 200, 0);
    assert_eq!(desk.sell(OPEN, 100_000, 300), Rejects::NONE);
    assert_eq!(
        desk.sell(OPEN, 100_000, 400),
        only(Rule::Sellable),
        "bought today, or not sellable"
    );
    let sell = desk.order(OPEN, Side::Sell, 100_000, 200);
    desk.send(&sell);
    assert_eq!(desk.sell(OPEN, 100_000, 200), only(Rule::Sellable), "200 of 300 are frozen");
    assert_eq!(desk.sell(OPEN, 100_000, 100), Rejects::NONE);
    desk.update(UpdateKind::Filled, Side::Sell, 100, 0);
    desk.update(UpdateKind::Canceled, Side::Sell, 0, 100);
    assert_eq!(desk.market.sellable(ACCOUNT, ID), 200);
    assert_eq!(desk.sell(OPEN, 100_000, 200), Rejects::NONE);
    assert_eq!(
        desk.market.holding(ACCOUNT, ID).map(|h| (h.bought, h.sold, h.frozen)),
        Some((200, 100, 0))
    );
    // The next day: 500 + 200 - 100.
    let mut next = Desk::shanghai("2023-07-12");
    next.market.hold(ACCOUNT, ID, Qty(600), Qty(600));
    assert_eq!(next.sell(OPEN, 100_000, 600), Rejects::NONE);
    assert_eq!(next.sell(OPEN, 100_000, 700), only(Rule::Sellable));
    // In Hong Kong what is bought is sold at once.
    let mut hong_kong = Desk::hong_kong("2024-01-03");
    hong_kong.market.hold(ACCOUNT, ID, Qty(0), Qty(0));
    assert_eq!(hong_kong.sell(OPEN, 1_000_000, 500), only(Rule::Sellable), "nothing to sell");
    hong_kong.update(UpdateKind::Filled, Side::Buy, 500, 0);
    assert_eq!(hong_kong.sell(OPEN, 1_000_000, 500), Rejects::NONE);
    hong_kong.update(UpdateKind::Broken, Side::Buy, 500, 0);
    assert_eq!(hong_kong.sell(OPEN, 1_000_000, 500), only(Rule::Sellable), "taken back");
}

#[test]
fn an_odd_remainder_is_sold_whole() {
    let mut desk = Desk::shanghai(DAY);
    desk.market.hold(ACCOUNT, ID, Qty(250), Qty(250));
    for (qty, want) in [
        (50, Rejects::NONE),
        (150, Rejects::NONE),
        (250, Rejects::NONE),
        (100, Rejects::NONE),
        (30, only(Rule::Sellable)),
        (130, only(Rule::Sellable)),
        (300, only(Rule::Sellable)),
    ] {
        assert_eq!(desk.sell(OPEN, 100_000, qty), want, "{qty}");
    }
    let listing = Listing { previous_close: Price(100_000), ..Listing::default() };
    let mut star = Desk::new(Market::Sse, DAY, "688001", listing);
    star.market.hold(ACCOUNT, ID, Qty(150), Qty(150));
    assert_eq!(star.sell(OPEN, 100_000, 150), Rejects::NONE);
    assert_eq!(star.sell(OPEN, 100_000, 149), only(Rule::Sellable));
    assert_eq!(star.buy(OPEN, 100_000, 199), only(Rule::BoardLot));
    assert_eq!(star.buy(OPEN, 100_000, 201), Rejects::NONE);
    assert_eq!(star.buy(OPEN, 100_000, 100_001), only(Rule::OrderSize));
    let hong_kong = Desk::hong_kong("2024-01-03");
    assert_eq!(hong_kong.sell(OPEN, 1_000_000, 700), only(Rule::BoardLot));
    assert_eq!(hong_kong.buy(OPEN, 1_000_000, 1_500_000), Rejects::NONE);
    assert_eq!(hong_kong.buy(OPEN, 1_000_000, 1_500_500), only(Rule::OrderSize));
}

#[test]
fn a_replacement_may_use_what_its_order_froze() {
    let mut desk = Desk::hong_kong("2024-01-03");
    desk.market.hold(ACCOUNT, ID, Qty(1_000), Qty(1_000));
    let sell = desk.order(OPEN, Side::Sell, 1_000_000, 1_000);
    desk.send(&sell);
    let mut replace = desk.order(OPEN, Side::Sell, 1_001_000, 1_000);
    (replace.kind, replace.orig_leaves) = (IntentKind::Replace, Qty(1_000));
    assert_eq!(desk.check(&replace), Rejects::NONE);
    desk.send(&replace);
    assert_eq!(desk.sell(OPEN, 1_000_000, 500), only(Rule::Sellable));
    desk.update(UpdateKind::Replaced, Side::Sell, 0, 1_000);
    assert_eq!(desk.market.holding(ACCOUNT, ID).map(|h| h.frozen), Some(1_000));
    desk.update(UpdateKind::Canceled, Side::Sell, 0, 1_000);
    assert_eq!(desk.market.sellable(ACCOUNT, ID), 1_000);
}

#[test]
fn short_sales_need_a_designated_security_and_a_price() {
    let mut desk = Desk::hong_kong("2024-01-03");
    desk.touch = touch(999_500, 1_000_000);
    let short = |desk: &Desk, time: &str, price: i64| {
        let mut order = desk.order(time, Side::Sell, price, 500);
        order.short = true;
        order
    };
    assert_eq!(desk.check(&short(&desk, OPEN, 1_000_000)), Rejects::NONE, "at the best ask");
    assert_eq!(desk.check(&short(&desk, OPEN, 999_500)), only(Rule::ShortSale));
    desk.market.hold(ACCOUNT, ID, Qty(0), Qty(0));
    assert_eq!(desk.check(&short(&desk, OPEN, 1_000_000)), Rejects::NONE, "needs no shares");
    let order = short(&desk, OPEN, 1_000_000);
    desk.send(&order);
    assert_eq!(desk.market.holding(ACCOUNT, ID).map(|h| (h.frozen, h.short_open)), Some((0, 500)));
    desk.update(UpdateKind::Filled, Side::Buy, 500, 0);
    assert_eq!(desk.sell(OPEN, 1_000_000, 500), only(Rule::Sellable), "beside an open short sale");
    desk.update(UpdateKind::Filled, Side::Sell, 500, 0);
    assert_eq!(desk.market.holding(ACCOUNT, ID).map(|h| (h.sold, h.short_sold)), Some((0, 500)));
    assert_eq!(desk.sell(OPEN, 1_000_000, 500), Rejects::NONE);
    // Not designated, however high.
    let listing = Listing { previous_close: Price(100_000), ..Listing::default() };
    let plain = Desk::new(Market::Sse, DAY, "600000", listing);
    let refusal = plain.check(&{
        let mut order = plain.order(OPEN, Side::Sell, 100_000, 100);
        order.short = true;
        order
    });
    assert_eq!(refusal, only(Rule::ShortSale));
    // Mainland: not below the last trade, before it the previous close.
    let mut margin = Desk::new(Market::Sse, DAY, "600000", Listing { short: true, ..listing });
    let short = |margin: &Desk, price: i64| {
        let mut order = margin.order(OPEN, Side::Sell, price, 100);
        order.short = true;
        margin.check(&order)
    };
    assert_eq!(
        (short(&margin, 100_000), short(&margin, 99_900)),
        (Rejects::NONE, only(Rule::ShortSale))
    );
    margin.last(101_000);
    assert_eq!(
        (short(&margin, 101_000), short(&margin, 100_900)),
        (Rejects::NONE, only(Rule::ShortSale))
    );
}

#[test]
fn a_cooling_off_trades_inside_its_band() {
    let mut desk = Desk::hong_kong("2024-01-03");
    let (reference, low, high) = (Price(1_000_000), Price(900_000), Price(1_100_000));
    desk.last(1_000_000);
    assert_eq!(desk.buy(OPEN, 1_200_000, 500), Rejects::NONE);
    desk.event(EventKind::Band { reference, low, high });
    for (price, want) in [
        (1_100_000, Rejects::NONE),
        (1_101_000, only(Rule::Volatility)),
        (900_000, Rejects::NONE),
        (899_500, only(Rule::Volatility)),
    ] {
        assert_eq!(desk.buy(OPEN, price, 500), want, "{price}");
    }
    let zero = Price(0);
    desk.event(EventKind::Band { reference: zero, low: zero, high: zero });
    assert_eq!(desk.buy(OPEN, 1_200_000, 500), Rejects::NONE, "over");
}

#[test]
fn auctions_of_hong_kong_take_prices_around_their_reference() {
    let mut desk = Desk::hong_kong("2024-01-03");
    desk.last(1_000_000);
    // 15 % of 100.00 in the opening; nine times the price in continuous trading.
    for (time, price, want) in [
        ("09:05:00", 1_150_000, Rejects::NONE),
        ("09:05:00", 1_151_000, only(Rule::PriceLimit)),
        ("09:05:00", 850_000, Rejects::NONE),
        ("09:05:00", 849_500, only(Rule::PriceLimit)),
        (OPEN, 9_000_000, Rejects::NONE),
        (OPEN, 9_005_000, only(Rule::PriceLimit)),
        (OPEN, 111_200, Rejects::NONE), // 11.1111 to the tick of 0.02 above
        (OPEN, 111_000, only(Rule::PriceLimit)),
    ] {
        assert_eq!(desk.buy(time, price, 500), want, "{time} {price}");
    }
    // No cancellation: between the lowest ask and the highest bid.
    desk.phase = Phase::OpeningAuction;
    desk.touch = touch(1_010_000, 990_000);
    assert_eq!(desk.buy("09:16:00", 1_010_000, 500), Rejects::NONE);
    assert_eq!(desk.buy("09:16:00", 1_011_000, 500), only(Rule::PriceLimit));
    assert_eq!(desk.buy("09:21:00", 989_500, 500), only(Rule::PriceLimit));
    // What was announced for the opening ends with it.
    let (reference, low, high) = (Price(1_000_000), Price(950_000), Price(1_050_000));
    desk.event(EventKind::Band { reference, low, high });
    assert_eq!(desk.buy("09:05:00", 1_060_000, 500), only(Rule::PriceLimit));
    (desk.phase, desk.touch) = (Phase::Continuous, Touch::default());
    assert_eq!(desk.buy(OPEN, 1_060_000, 500), Rejects::NONE);
    desk.phase = Phase::ClosingAuction;
    // The closing auction: 5 % of the reference price that the exchange fixed.
    let (reference, low, high) = (Price(1_200_000), Price(1_140_000), Price(1_260_000));
    desk.event(EventKind::Band { reference, low, high });
    assert_eq!(desk.buy("16:02:00", 1_260_000, 500), Rejects::NONE);
    assert_eq!(desk.buy("16:02:00", 1_261_000, 500), only(Rule::PriceLimit));
    assert_eq!(desk.buy("16:00:30", 1_200_000, 500), only(Rule::Phase));
}

#[test]
fn programme_trading_warns_at_240_and_stops_at_300_in_any_second() {
    let mut desk = Desk::shanghai("2025-07-07");
    let mut order = desk.order(OPEN, Side::Buy, 100_000, 100);
    let start = order.now_ns.0;
    // 299 in less than a second, across a full second of the clock.
    for n in 0..299u64 {
        order.now_ns = Nanos(start + 500_000_000 + n * 3_000_000);
        assert_eq!(desk.check(&order), Rejects::NONE, "{n}");
        desk.send(&order);
        let warned = desk.market.pace(ACCOUNT).second_warned;
        assert_eq!(warned, n.saturating_sub(238), "the 240th is the first");
    }
    order.now_ns = Nanos(start + 500_000_000 + 299 * 3_000_000);
    assert_eq!(desk.check(&order), only(Rule::Programme));
    let mut cancel = OrderIntent::cancel(ID, ClOrdId(1), Side::Buy);
    cancel.now_ns = order.now_ns;
    assert_eq!(desk.check(&cancel), Rejects::NONE, "a cancel never");
    // A second after the first one there is room for one.
    order.now_ns = Nanos(start + 1_500_000_000 - 1);
    assert_eq!(desk.check(&order), only(Rule::Programme));
    order.now_ns = Nanos(start + 1_500_000_000);
    assert_eq!(desk.check(&order), Rejects::NONE);
    let other = OrderIntent { account: AccountId(1), ..order };
    assert_eq!(desk.check(&other), Rejects::NONE, "another account");
    desk.send(&cancel);
    assert_eq!(desk.check(&order), only(Rule::Programme), "cancels count");
    // The day: 20,000.
    for n in desk.market.pace(ACCOUNT).day..19_999 {
        order.now_ns = Nanos(start + 10_000_000_000 + n * 10_000_000);
        assert_eq!(desk.check(&order), Rejects::NONE, "{n}");
        desk.send(&order);
    }
    order.now_ns = Nanos(start + 400_000_000_000);
    assert_eq!(desk.check(&order), only(Rule::Programme));
    assert_eq!(desk.market.pace(ACCOUNT).day_warned, 4_000);
    let mut before = Desk::shanghai("2025-07-04");
    for _ in 0..400 {
        let order = before.order(OPEN, Side::Buy, 100_000, 100);
        assert_eq!(before.check(&order), Rejects::NONE, "not in force");
        before.send(&order);
    }
}

#[test]
fn a_refusal_says_limit_value_and_day_of_the_rule() {
    let mut desk = Desk::shanghai(DAY);
    let order = desk.order(OPEN, Side::Buy, 110_100, 150);
    let texts: Vec<_> =
        desk.market.explain(&order, &desk.facts()).map(|refusal| refusal.to_string()).collect();
    assert_eq!(
        texts,
        [
            "price_limit: limit 11.0000 value 11.0100, rule of 2023-04-10",
            "cage: limit 10.2000 value 11.0100, rule of 2023-04-10",
            "board_lot: limit 100 value 150, rule of 1990-12-19",
        ]
    );
    let facts = desk.facts();
    desk.market.note(&order, &facts);
    desk.market.note(&desk.order(OPEN, Side::Buy, 110_200, 100), &facts);
    let rows: Vec<_> =
        desk.market.refusals().rows().map(|(n, _, r)| (n, r.rule, r.breach.value)).collect();
    assert_eq!(
        rows,
        [(2, Rule::PriceLimit, 110_200), (2, Rule::Cage, 110_200), (1, Rule::BoardLot, 150)]
    );
}

#[test]
fn fills_cost_fees_and_broken_fills_give_them_back() {
    let mut desk = Desk::shanghai(DAY);
    desk.update(UpdateKind::Filled, Side::Buy, 1_000, 0);
    // Of 10,000.00: commission 2.50, transfer 0.10, handling 0.49 (0.487), regulation 0.20.
    assert_eq!(desk.paid(), 32_900);
    desk.update(UpdateKind::Filled, Side::Sell, 1_000, 0);
    assert_eq!(desk.paid(), 2 * 32_900 + 100_000, "stamp duty 10.00");
    desk.update(UpdateKind::Broken, Side::Buy, 1_000, 0);
    assert_eq!(desk.paid(), 32_900 + 100_000);
}

#[test]
fn a_trade_that_nothing_was_reserved_for_is_held_and_paid_like_any() {
    let shares = |desk: &Desk| {
        let holding = desk.market.holding(ACCOUNT, ID).expect("inside");
        (holding.bought, holding.sold, holding.frozen, desk.market.sellable(ACCOUNT, ID))
    };
    // Shanghai: what was bought today is not sold today, reserved or not.
    let mut desk = Desk::shanghai(DAY);
    desk.update(UpdateKind::Unreserved, Side::Buy, 1_000, 0);
    assert_eq!(shares(&desk), (1_000, 0, 0, 10_000));
    assert_eq!(desk.paid(), 32_900);
    let sell = desk.order(OPEN, Side::Sell, 100_000, 500);
    desk.send(&sell);
    desk.update(UpdateKind::Unreserved, Side::Sell, 1_000, 0);
    assert_eq!(shares(&desk), (1_000, 1_000, 500, 8_500), "the open order keeps its shares");
    assert_eq!(desk.paid(), 2 * 32_900 + 100_000, "stamp duty 10.00");
    // Stated anew: taken back as it was, and once more as it is.
    desk.update(UpdateKind::Broken, Side::Sell, 1_000, 0);
    desk.update(UpdateKind::Unreserved, Side::Sell, 200, 0);
    assert_eq!(shares(&desk), (1_000, 200, 500, 9_300));
    // Hong Kong: it may be sold at once.
    let mut hong_kong = Desk::hong_kong("2024-01-03");
    hong_kong.update(UpdateKind::Unreserved, Side::Buy, 500, 0);
    assert_eq!(shares(&hong_kong), (500, 0, 0, 10_500));
    // Beside an open short sale it is a short sale.
    let mut short = hong_kong.order(OPEN, Side::Sell, 1_000_000, 500);
    short.short = true;
    hong_kong.send(&short);
    hong_kong.update(UpdateKind::Unreserved, Side::Sell, 100, 0);
    let holding = hong_kong.market.holding(ACCOUNT, ID).expect("inside");
    assert_eq!((holding.sold, holding.short_open, holding.short_sold), (0, 500, 100));
}

#[test]
fn the_days_limits_reach_the_card_through_the_instrument() {
    let desk = Desk::shanghai(DAY);
    let symbol = Symbol::new("600000").expect("short");
    let whole = desk.market.complete(&Instrument { symbol, ..Instrument::unknown(ID) });
    assert_eq!((whole.limit_low, whole.limit_high), (Price(90_000), Price(110_000)));
    assert!(whole.flags.defined && !whole.flags.round_lots_only, "odd remainders are sold");
    let hong_kong = Desk::hong_kong("2024-01-03");
    let whole = hong_kong.market.complete(&Instrument::unknown(ID));
    assert_eq!((whole.tick, whole.lot, whole.flags.round_lots_only), (500, 500, true));
    let unknown = Instrument { id: InstrumentId(4), ..whole };
    assert!(!hong_kong.market.complete(&unknown).flags.defined, "no rules, no orders");
    let order = OrderIntent { instrument: InstrumentId(4), ..desk.order(OPEN, Side::Buy, 1, 1) };
    assert_eq!(desk.check_unknown(&order), only(Rule::NotTradable));
}

impl Desk {
    fn check_unknown(&self, order: &OrderIntent) -> Rejects {
        self.market.check(order, &self.facts())
    }
}

#[test]
fn the_tick_table_stands_in_for_the_one_tick_of_the_host_rules() {
    let desk = Desk::hong_kong("2024-01-03");
    let host = only(Rule::Tick).with(Rule::Distance, true);
    let order = desk.order(OPEN, Side::Buy, 1_000_000, 500);
    assert_eq!(desk.market.check_after(host, &order, &desk.facts()), only(Rule::Distance));
    let off = desk.order(OPEN, Side::Buy, 1_000_500, 500); // 0.10 above 100.00
    assert_eq!(desk.market.check_after(Rejects::NONE, &off, &desk.facts()), only(Rule::Tick));
}

#[test]
fn a_fill_without_a_price_traded_at_the_level_it_changed() {
    let mut desk = Desk::shanghai(DAY);
    desk.touch = touch(99_900, 100_100);
    desk.event(EventKind::EndOfEvent);
    desk.touch.ask_qty = Qty(5);
    let fill = EventKind::Execute {
        order: OrderRef(1),
        qty: Qty(1),
        price: None,
        printable: true,
        match_id: 1,
    };
    desk.event(fill);
    assert_eq!(desk.market.last(ID), Price(100_100));
    desk.touch = touch(99_800, 100_100);
    desk.touch.ask_qty = Qty(5);
    desk.event(fill);
    assert_eq!(desk.market.last(ID), Price(99_900));
}
