//! Once made, market rules allocate nothing: not for a definition, an order, a refusal or a fill.

use nofx_gate::Rejects;
use nofx_risk::market::{MarketFacts, MarketRules};
use nofx_rt::guard::{self, CountingAlloc, OnSealed};
use nofx_rules::{Commission, Listing, RuleBook};
use nofx_types::{
    AccountId, Date, InstrumentId, Market, Nanos, OrderIntent, Phase, Price, Qty, Side, Touch,
};

#[global_allocator]
static ALLOC: CountingAlloc = CountingAlloc;

#[test]
fn the_way_of_an_order_through_the_rules_allocates_nothing() {
    let date: Date = "2025-07-07".parse().expect("a day");
    let day = RuleBook::builtin(Market::Szse).on(date).expect("covered");
    let mut market = MarketRules::new(day, 2, 16, Commission::default());
    let listing = Listing { previous_close: Price(100_000), ..Listing::default() };
    let facts = MarketFacts { phase: Phase::Continuous, touch: Touch::default(), sweep: false };
    let (mut passed, mut refused) = (0, 0);
    let sealed = guard::seal(OnSealed::Abort);
    for n in 0..20_000u64 {
        let id = InstrumentId((n % 8) as u32);
        let rules = market.day().instrument_or_none("000001", &listing);
        assert!(market.day().instrument_or_none("AAPL", &listing).is_none());
        if let Some(rules) = rules {
            market.define(id, rules, true);
        }
        market.hold(AccountId(0), id, Qty(1_000), Qty(1_000));
        let side = if n % 2 == 0 { Side::Buy } else { Side::Sell };
        let price = Price(80_000 + (n % 400) as i64 * 100);
        let mut order = OrderIntent::new(id, side, price, Qty(100 + n % 3 * 50));
        order.now_ns = Nanos(date.midnight_ns(8) + 36_000_000_000_000 + n * 5_000_000);
        let rejects = market.check_after(Rejects::NONE, &order, &facts);
        if rejects.is_pass() {
            passed += 1;
            market.reserve(&order);
            market.on_sent(&order);
        } else {
            refused += 1;
            market.note(&order, &facts);
        }
    }
    drop(sealed);
    assert!(passed > 1_000 && refused > 1_000, "{passed} passed, {refused} refused");
}
