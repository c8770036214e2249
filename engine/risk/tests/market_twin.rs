//! Seeded orders against a slow reference that reads the rule file itself and follows it.

use nofx_gate::{Rejects, Rule};
use nofx_risk::market::{MarketFacts, MarketRules};
use nofx_rt::rng::Rng;
use nofx_rules::{Commission, DayRules, Listing, RuleBook, Status};
use nofx_types::{
    AccountId, InstrumentId, Market, Nanos, OrderIntent, Phase, Price, Qty, Side, Touch,
};
use toml::{Table, Value};

/// The rule file as text, and a day.
struct Sheet {
    root: Table,
    date: String,
}

impl Sheet {
    fn new(market: Market, date: &str) -> Sheet {
        let path = format!("{}/../../rules/{market}.toml", env!("CARGO_MANIFEST_DIR"));
        let text = std::fs::read_to_string(path).expect("a rule file");
        Sheet { root: text.parse().expect("TOML"), date: date.to_owned() }
    }

    /// Days of this form sort as text.
    fn newest(&self, section: &str, board: &str) -> Option<&Table> {
        let rows = self.root.get(section)?.as_array()?.iter().filter_map(Value::as_table);
        let holds = rows.filter(|row| {
            let since = row["effective_from"].as_str().expect("text");
            let boards = row.get("boards").and_then(Value::as_array);
            let ours = boards.is_none_or(|all| all.iter().any(|b| b.as_str() == Some(board)));
            since <= self.date.as_str() && ours
        });
        holds.max_by_key(|row| (row["effective_from"].as_str(), row.contains_key("boards")))
    }

    fn number(&self, section: &str, board: &str, key: &str) -> i64 {
        let row = self.newest(section, board);
        row.and_then(|row| row.get(key)).and_then(Value::as_integer).unwrap_or(0)
    }
}

/// One security and order, in cents and shares.
#[derive(Debug)]
struct Case {
    board: &'static str,
    code: &'static str,
    close: i64,
    special: bool,
    bid: Option<i64>,
    ask: Option<i64>,
    buy: bool,
    price: i64,
    /// A price that is no whole cent.
    off: bool,
    qty: i64,
    sellable: i64,
    auction: bool,
}

impl Case {
    fn random(rng: &mut Rng) -> Case {
        const BOARDS: [(&str, &str); 2] = [("main", "600519"), ("star", "688001")];
        let (board, code) = BOARDS[rng.below(2) as usize];
        let close = 2 + rng.below(3_000) as i64;
        let near = |rng: &mut Rng, spread: i64| {
            (close + rng.below(2 * spread as u64 + 1) as i64 - spread).max(1)
        };
        let spread = close / 20 + 2;
        let (first, second) = (near(rng, spread), near(rng, spread));
        let bid = (rng.below(4) > 0).then_some(first.min(second));
        let ask = (rng.below(4) > 0).then_some(first.max(second) + 1);
        let round = 100 * rng.below(20) as i64;
        let odd = rng.below(250) as i64;
        let sellable = if rng.below(2) == 0 { round } else { round + odd };
        let qty = match rng.below(5) {
            0 => sellable,
            1 => odd,
            2 => (sellable - round).max(0),
            3 => 100 * (1 + rng.below(20_000) as i64),
            _ => 100 * (1 + rng.below(10) as i64),
        };
        Case {
            board,
            code,
            close,
            special: rng.below(5) == 0,
            bid,
            ask,
            buy: rng.below(2) == 0,
            price: near(rng, close / 4 + 3),
            off: rng.below(20) == 0,
            qty,
            sellable,
            auction: rng.below(4) == 0,
        }
    }

    /// The file, section by section.
    fn refused(&self, sheet: &Sheet) -> Rejects {
        let number = |section: &str, key: &str| sheet.number(section, self.board, key);
        let bps = number("limit", if self.special { "special_bps" } else { "normal_bps" });
        // Tenths of thousandths of a cent, halves upward; at least one cent away.
        let half_up = |scaled: i64| (scaled + 5_000).div_euclid(10_000);
        let high = half_up(self.close * (10_000 + bps)).max(self.close + 1);
        let low = half_up(self.close * (10_000 - bps)).min(self.close - 1).max(1);
        let price = 100 * self.price + i64::from(self.off);
        let outside = price < 100 * low || price > 100 * high;

        let (opposite, own) = if self.buy { (self.ask, self.bid) } else { (self.bid, self.ask) };
        let reference = opposite.or(own).unwrap_or(self.close);
        let caged = !self.auction && sheet.newest("cage", self.board).is_some();
        let ticks = number("cage", "ticks_min");
        let cage = if self.buy {
            let bound =
                half_up(reference * (10_000 + number("cage", "buy_bps"))).max(reference + ticks);
            price > 100 * bound
        } else {
            let bound =
                half_up(reference * (10_000 - number("cage", "sell_bps"))).min(reference - ticks);
            price < 100 * bound
        };

        let (min, step) = (number("lot", "min"), number("lot", "step"));
        let whole = self.qty >= min && (self.qty - min) % step == 0;
        // A holding of 250 may be sold as 50, 150, 250 and whole lots; one of 150 on a board of 200
        // and 1 only whole.
        let remainder = self.qty > 0
            && self.qty <= self.sellable
            && (self.qty == self.sellable || step > 1 && (self.sellable - self.qty) % step == 0);
        let sellable = !self.buy && (self.qty > self.sellable || !whole && !remainder);
        Rejects::NONE
            .with(Rule::Tick, self.off)
            .with(Rule::PriceLimit, outside)
            .with(Rule::Cage, caged && cage)
            .with(Rule::BoardLot, self.buy && !whole)
            .with(Rule::OrderSize, self.qty > number("size", "limit_max"))
            .with(Rule::Sellable, sellable)
    }

    fn judged(&self, day: &DayRules) -> Rejects {
        let (id, date, day) = (InstrumentId(0), day.date(), day.clone());
        let listing = Listing {
            previous_close: Price(100 * self.close),
            status: if self.special { Status::Special } else { Status::Normal },
            ..Listing::default()
        };
        let rules = day.instrument(self.code, &listing).expect("known");
        let mut market = MarketRules::new(day, 1, 1, Commission::default());
        market.define(id, rules, true);
        let shares = Qty(self.sellable as u64);
        market.hold(AccountId(0), id, shares, shares);
        let side = if self.buy { Side::Buy } else { Side::Sell };
        let price = Price(100 * self.price + i64::from(self.off));
        let mut order = OrderIntent::new(id, side, price, Qty(self.qty as u64));
        let seconds = if self.auction { 9 * 3_600 + 16 * 60 } else { 10 * 3_600 };
        order.now_ns = Nanos(date.midnight_ns(8) + seconds * 1_000_000_000);
        let touch = Touch {
            bid_px: Price(100 * self.bid.unwrap_or(0)),
            bid_qty: Qty(u64::from(self.bid.is_some())),
            ask_px: Price(100 * self.ask.unwrap_or(0)),
            ask_qty: Qty(u64::from(self.ask.is_some())),
        };
        let phase = if self.auction { Phase::OpeningAuction } else { Phase::Continuous };
        market.check(&order, &MarketFacts { phase, touch, sweep: false })
    }
}

#[test]
fn refuses_what_the_sheet_refuses() {
    let mut seen = [0u32; 64];
    let mut passed = 0;
    for date in ["2023-02-07", "2023-07-11", "2025-07-07"] {
        let sheet = Sheet::new(Market::Sse, date);
        let day = RuleBook::builtin(Market::Sse).on(date.parse().expect("a day")).expect("covered");
        for seed in 0..3_000u64 {
            let case = Case::random(&mut Rng::new(seed));
            let (want, got) = (case.refused(&sheet), case.judged(&day));
            assert_eq!(got, want, "{date} seed {seed}: {case:?}");
            passed += u32::from(got.is_pass());
            got.rules().for_each(|rule| seen[rule as usize] += 1);
        }
    }
    for rule in
        [Rule::Tick, Rule::PriceLimit, Rule::Cage, Rule::BoardLot, Rule::OrderSize, Rule::Sellable]
    {
        assert!(seen[rule as usize] > 50, "{rule:?} was hardly met: {}", seen[rule as usize]);
    }
    assert!(passed > 300, "{passed} passed");
}
