//! Each rule of a board at its boundary, and the course of the day, by hand.

mod boards;

use boards::*;
use nofx_types::{Market, OrderRef, Price, Side};
use nofx_venue::board::{Board, BoardConfig, HoldingConfig, Kind, SecurityConfig, Stage, What};
use nofx_venue::gateway::{Ask, Ended, Tell, Why};

use Side::{Buy, Sell};

fn quiet(market: Market, day: &str) -> Hand {
    let config =
        BoardConfig { securities: securities(market), levels: true, ..BoardConfig::default() };
    Hand::new(board_on(config, market, day))
}

fn holding(account: &str, symbol: &str, qty: u64) -> HoldingConfig {
    HoldingConfig { account: account.into(), symbol: symbol.into(), qty }
}

fn with_shares(market: Market, day: &str, holdings: Vec<HoldingConfig>) -> Hand {
    let securities = securities(market);
    let config = BoardConfig { securities, holdings, ..BoardConfig::default() };
    Hand::new(board_on(config, market, day))
}

fn traded(told: &[Tell]) -> Vec<(u64, u64, i64)> {
    let trade = |tell: &Tell| match *tell {
        Tell::Trade { id, qty, price, .. } => Some((id, qty.0, price.0)),
        _ => None,
    };
    told.iter().filter_map(trade).collect()
}

fn canceled(told: &[Tell]) -> Option<(u64, u64, Ended)> {
    told.iter().find_map(|tell| match *tell {
        Tell::Canceled { id, qty, why, .. } => Some((id, qty.0, why)),
        _ => None,
    })
}

#[test]
fn tick_limit_lot_and_size_are_refused_at_their_boundary() {
    let mut hand = quiet(Market::Sse, "2023-07-11");
    hand.at("09:16:00");
    let mut ask = |price, qty| why(&hand.new_order("600519", Buy, Kind::Limit, price, qty).1);
    // 18.60 +-10 %: 16.74 to 20.46.
    assert_eq!(ask(204_600, 100), None);
    assert_eq!(ask(204_700, 100), Some(Why::PriceLimit));
    assert_eq!(ask(167_400, 100), None);
    assert_eq!(ask(167_300, 100), Some(Why::PriceLimit));
    assert_eq!(ask(186_050, 100), Some(Why::Tick));
    assert_eq!(ask(186_000, 150), Some(Why::Lot));
    assert_eq!(ask(186_000, 1_000_000), None);
    assert_eq!(ask(186_000, 1_000_100), Some(Why::Size));
    let mut star = |qty| why(&hand.new_order("688111", Buy, Kind::Limit, 450_000, qty).1);
    assert_eq!((star(199), star(200), star(201)), (Some(Why::Lot), None, None));
    assert_eq!((star(100_000), star(100_001)), (None, Some(Why::Size)));
    let unknown = hand.new_order("999999", Buy, Kind::Limit, 10_000, 100).1;
    assert_eq!(why(&unknown), Some(Why::Symbol));
}

#[test]
fn each_stage_takes_what_it_should() {
    let mut hand = quiet(Market::Szse, "2023-07-11");
    let (symbol, close) = ("000001", 132_000);
    let ask = |hand: &mut Hand, kind| {
        let price = if kind == Kind::Limit { close } else { 0 };
        why(&hand.new_order(symbol, Buy, kind, price, 100).1)
    };
    assert_eq!(ask(hand.at("09:14:59"), Kind::Limit), Some(Why::Phase));
    assert_eq!(ask(hand.at("09:15:00"), Kind::Limit), None);
    assert_eq!(ask(&mut hand, Kind::OwnBest), Some(Why::Kind));
    let (id, told) = hand.new_order(symbol, Buy, Kind::Limit, close, 100);
    assert_eq!(why(&told), None);
    hand.at("09:19:59");
    assert!(canceled(&hand.cancel(id)).is_some());
    let (id, _) = hand.new_order(symbol, Buy, Kind::Limit, close, 100);
    hand.at("09:20:00");
    assert!(matches!(hand.cancel(id)[..], [Tell::CancelRejected { why: Why::NoCancel, .. }]));
    assert_eq!(ask(&mut hand, Kind::Limit), None);
    // Taken in the pause, served when trading begins.
    hand.at("09:26:00");
    assert_eq!(hand.cancel(id), []);
    assert_eq!(ask(&mut hand, Kind::Limit), None);
    let open_before = hand.board.orders().filter(|order| order.leaves > 0).count();
    hand.at("09:30:00");
    let told: Vec<_> = std::iter::from_fn(|| hand.board.next_tell()).collect();
    assert!(matches!(told[0].1, Tell::Canceled { why: Ended::Asked, .. }), "{told:?}");
    assert!(matches!(told[1].1, Tell::Accepted { .. }), "{told:?}");
    assert_eq!(hand.board.orders().filter(|order| order.leaves > 0).count(), open_before);
    assert_eq!(ask(hand.at("09:30:00"), Kind::OwnBest), None);
    assert_eq!(ask(&mut hand, Kind::BestFiveRest), Some(Why::Kind), "Shanghai's");
    assert_eq!(ask(hand.at("12:00:00"), Kind::Limit), Some(Why::Phase));
    let (id, _) = hand.at("14:56:59").new_order(symbol, Buy, Kind::Limit, close, 100);
    hand.at("14:57:00");
    assert!(matches!(hand.cancel(id)[..], [Tell::CancelRejected { why: Why::NoCancel, .. }]));
    assert_eq!(ask(&mut hand, Kind::Limit), None);
    assert_eq!(ask(hand.at("15:00:00"), Kind::Limit), Some(Why::Phase));
    assert_eq!(hand.board.stage(), Stage::Closed);
}

#[test]
fn calls_end_at_the_price_of_their_market() {
    // 10.00 to 10.03 all trade 500; previous close 9.95.
    let price = |market: Market, symbol: &str| {
        let rows = vec![security(symbol, "9.95")];
        let holdings = vec![holding("A1", symbol, 10_000)];
        let config = BoardConfig { securities: rows, holdings, ..BoardConfig::default() };
        let mut hand = Hand::new(board_on(config, market, "2023-07-11"));
        hand.at("09:16:00");
        hand.new_order(symbol, Buy, Kind::Limit, 100_300, 500);
        hand.new_order(symbol, Sell, Kind::Limit, 100_000, 500);
        hand.at("09:25:00");
        let found = hand.board.uncrossed(0, false).expect("it has ended");
        assert_eq!((found.volume, found.imbalance, found.side), (500, 0, None));
        assert_eq!(hand.board.totals(0).open, found.price);
        found.price.0
    };
    assert_eq!(price(Market::Sse, "600000"), 100_200); // the middle, 10.015, upward
    assert_eq!(price(Market::Szse, "000001"), 100_000); // the nearest to 9.95
}

#[test]
fn what_was_bought_today_is_sold_tomorrow() {
    let start = vec![holding("A1", "600000", 1_250), holding("B1", "600000", 50_000)];
    let mut hand = with_shares(Market::Sse, "2023-07-11", start);
    hand.at("09:31:00");
    let sell = |hand: &mut Hand, qty| hand.new_order("600000", Sell, Kind::Limit, 74_000, qty);
    assert_eq!(why(&sell(&mut hand, 1_300).1), Some(Why::Sellable));
    assert_eq!(why(&sell(&mut hand, 30).1), Some(Why::Lot), "a part of the odd remainder");
    let (id, told) = sell(&mut hand, 1_200);
    assert_eq!(why(&told), None);
    assert_eq!(why(&sell(&mut hand, 100).1), Some(Why::Sellable), "the rest is frozen");
    assert_eq!(why(&sell(&mut hand, 50).1), None, "the odd remainder, whole");
    assert!(canceled(&hand.cancel(id)).is_some());
    let (row, account) = (2, hand.board.account("A1"));
    assert_eq!(hand.board.holding(account, row).sellable(false), 1_200);
    // It buys 500 from B1 and may not sell them today.
    hand.account = "B1";
    sell(&mut hand, 500);
    hand.account = "A1";
    let told = hand.new_order("600000", Buy, Kind::Limit, 74_000, 500).1;
    assert_eq!(traded(&told).iter().map(|trade| trade.1).sum::<u64>(), 1_000, "both sides hear it");
    // Its own odd lot was sold first: 50 of them traded with itself, which nobody prevents.
    let held = hand.board.holding(account, row);
    assert_eq!((held.bought, held.sold, held.sellable(false)), (500, 50, 1_200));
    assert_eq!(why(&sell(&mut hand, 1_300).1), Some(Why::Sellable));
    hand.at("15:02:00");
    let config = BoardConfig {
        securities: securities(Market::Sse),
        holdings: hand.board.holdings(),
        ..BoardConfig::default()
    };
    let mut next = Hand::new(board_on(config, Market::Sse, "2023-07-12"));
    next.at("09:31:00");
    assert_eq!(why(&sell(&mut next, 1_700).1), None);
    assert_eq!(why(&sell(&mut next, 100).1), Some(Why::Sellable));
}

#[test]
fn the_cage_refuses_or_parks() {
    let cage = |day: &str, symbol: &str, close: i64| {
        let start = vec![holding("A1", symbol, 10_000)];
        let mut hand = with_shares(Market::Szse, day, start);
        hand.at("09:31:00");
        hand.new_order(symbol, Sell, Kind::Limit, close, 300);
        hand
    };
    // Main board, 13.20: buys up to 13.46 (13.464).
    let mut hand = cage("2023-07-11", "000001", 132_000);
    let buy = |hand: &mut Hand, price| hand.new_order("000001", Buy, Kind::Limit, price, 100).1;
    assert_eq!(why(&buy(&mut hand, 134_700)), Some(Why::Cage));
    assert_eq!(traded(&buy(&mut hand, 134_600)).len(), 2);
    assert_eq!(why(&buy(hand.at("14:58:00"), 134_700)), None, "no cage in a call");
    // ChiNext before 2023, 22.50: above 22.95 it waits.
    let mut hand = cage("2022-06-01", "300750", 225_000);
    let (far, told) = hand.new_order("300750", Buy, Kind::Limit, 230_000, 100);
    assert!(matches!(told[..], [Tell::Accepted { .. }]));
    let (later, _) = hand.new_order("300750", Buy, Kind::Limit, 229_600, 200);
    assert_eq!(hand.board.parked(0).count(), 2);
    assert_eq!(hand.board.levels(0, Buy).count(), 0);
    // The ask is raised to 22.60: 102 % are 23.05; both come in, the older first.
    let (_, _) = hand.new_order("300750", Sell, Kind::Limit, 226_000, 200);
    hand.said();
    let told = hand.new_order("300750", Buy, Kind::Limit, 225_000, 300).1;
    let mine: Vec<_> = traded(&told).into_iter().filter(|trade| trade.2 == 226_000).collect();
    assert_eq!(mine.iter().filter(|t| t.0 == far).map(|t| t.1).sum::<u64>(), 100);
    assert_eq!(mine.iter().filter(|t| t.0 == later).map(|t| t.1).sum::<u64>(), 100);
    assert_eq!(hand.board.parked(0).count(), 0);
    let unparked = |what: &What| matches!(what, What::Unparked { .. });
    assert_eq!(hand.said().iter().filter(|said| unparked(&said.what)).count(), 2);
    // A parked order can be cancelled, and is said to be.
    let (id, _) = hand.new_order("300750", Buy, Kind::Limit, 240_000, 100);
    assert_eq!(hand.board.parked(0).count(), 1);
    assert!(canceled(&hand.cancel(id)).is_some());
    let said = hand.said();
    let gone = said.iter().find(|said| matches!(said.what, What::Canceled { rested: false, .. }));
    assert!(gone.is_some_and(|said| said.number > 0), "{said:?}");
    assert_eq!(hand.board.parked(0).count(), 0);
}

#[test]
fn market_orders_take_their_price_from_the_book() {
    let start = vec![holding("A1", "000001", 1_000_000)];
    let mut hand = with_shares(Market::Szse, "2023-07-11", start);
    hand.at("09:31:00");
    let ask = |hand: &mut Hand, side, kind, price, qty| {
        hand.new_order("000001", side, kind, price, qty).1
    };
    for kind in [Kind::OppositeBest, Kind::OwnBest, Kind::BestFive, Kind::AnyPrice] {
        let told = ask(&mut hand, Buy, kind, 0, 100);
        assert!(canceled(&told).is_some_and(|gone| gone.2 == Ended::Unfilled), "{kind:?} {told:?}");
    }
    for tick in 0..7 {
        ask(&mut hand, Sell, Kind::Limit, 132_000 + tick * 100, 100);
    }
    let told = ask(&mut hand, Buy, Kind::AllOrNone, 0, 800);
    assert!(traded(&told).is_empty() && canceled(&told).is_some());
    let told = ask(&mut hand, Buy, Kind::OppositeBest, 0, 300);
    assert_eq!(traded(&told).len(), 2, "both sides of one trade");
    assert_eq!(hand.board.touch(1).bid_px, Price(132_000), "the rest stays at its price");
    ask(&mut hand, Buy, Kind::OwnBest, 0, 100);
    assert_eq!(hand.board.touch(1).bid_qty.0, 300);
    let told = ask(&mut hand, Buy, Kind::BestFive, 0, 900);
    assert_eq!(canceled(&told).map(|gone| gone.1), Some(400), "five levels of 100");
    let told = ask(&mut hand, Buy, Kind::AnyPrice, 0, 900);
    assert_eq!(canceled(&told).map(|gone| gone.1), Some(800));
    let standing: Vec<_> = hand.board.standing(1, Buy).map(|order| order.qty).collect();
    assert_eq!(standing, [200, 100]);
}

/// Hong Kong with a touch of 352.40 / 352.60 of account B.
fn hong_kong(clock: &str) -> Hand {
    let mut hand = quiet(Market::Hkex, "2025-09-01");
    hand.at(clock);
    hand.account = "B1";
    hand.new_order("700", Buy, Kind::Limit, 3_524_000, 1_000);
    hand.new_order("700", Sell, Kind::Limit, 3_526_000, 1_000);
    hand.account = "A1";
    hand
}

#[test]
fn hong_kong_knows_its_kinds_and_spreads() {
    let mut hand = hong_kong("09:31:00");
    let ask = |hand: &mut Hand, kind, price, qty| hand.new_order("700", Buy, kind, price, qty).1;
    assert_eq!(why(&ask(&mut hand, Kind::Limit, 3_525_000, 100)), Some(Why::Tick));
    assert_eq!(why(&ask(&mut hand, Kind::Limit, 3_524_000, 150)), Some(Why::Lot));
    assert_eq!(why(&ask(&mut hand, Kind::Limit, 3_524_000, 300_100)), Some(Why::Size));
    assert_eq!(why(&ask(&mut hand, Kind::AtAuction, 0, 100)), Some(Why::Kind));
    assert_eq!(why(&ask(&mut hand, Kind::PlainLimit, 3_528_000, 100)), Some(Why::PriceLimit));
    assert_eq!(traded(&ask(&mut hand, Kind::PlainLimit, 3_526_000, 100)).len(), 2);
    // Nine spreads of 0.20 through 352.60 are 354.40.
    assert_eq!(why(&ask(&mut hand, Kind::Limit, 3_546_000, 100)), Some(Why::PriceLimit));
    assert_eq!(traded(&ask(&mut hand, Kind::Limit, 3_544_000, 100)).len(), 2);
    let told = ask(&mut hand, Kind::LimitIoc, 3_560_000, 1_000);
    assert_eq!(canceled(&told).map(|gone| gone.1), Some(200), "{told:?}");
    // Odd lots stand on their own board.
    let (id, told) = hand.new_order("700", Buy, Kind::OddLot, 3_524_000, 30);
    assert_eq!(why(&told), None);
    assert_eq!(hand.board.touch(0).bid_qty.0, 1_000);
    hand.said();
    assert!(canceled(&hand.cancel(id)).is_some());
    assert!(hand.said().iter().any(|said| matches!(said.what, What::OddLotGone { .. })));
}

#[test]
fn short_sales_stand_at_the_best_ask_or_above() {
    let mut hand = hong_kong("09:31:00");
    assert_eq!(why(&hand.short("700", 3_524_000, 100)), Some(Why::Short));
    assert_eq!(why(&hand.short("700", 3_526_000, 100)), None);
    let mut rows = securities(Market::Hkex);
    rows[0].short = false;
    let config = BoardConfig { securities: rows, ..BoardConfig::default() };
    let mut hand = Hand::new(board_on(config, Market::Hkex, "2025-09-01"));
    hand.at("09:31:00");
    assert_eq!(why(&hand.short("700", 3_524_000, 100)), Some(Why::Short), "not designated");
}

#[test]
fn the_opening_call_of_hong_kong() {
    let mut hand = quiet(Market::Hkex, "2025-09-01");
    hand.at("09:01:00");
    let ask =
        |hand: &mut Hand, side, kind, price, qty| hand.new_order("700", side, kind, price, qty);
    assert_eq!(why(&ask(&mut hand, Buy, Kind::Limit, 3_524_000, 100).1), Some(Why::Kind));
    // 352.40 +-15 %, on ticks inside: 299.60 (of 299.54) to 405.20 (of 405.26).
    let limit = Kind::AtAuctionLimit;
    assert_eq!(why(&ask(&mut hand, Buy, limit, 4_052_000, 100).1), None);
    assert_eq!(why(&ask(&mut hand, Buy, limit, 4_054_000, 100).1), Some(Why::PriceLimit));
    assert_eq!(why(&ask(&mut hand, Sell, limit, 2_996_000, 100).1), None);
    assert_eq!(why(&ask(&mut hand, Sell, limit, 2_994_000, 100).1), Some(Why::PriceLimit));
    ask(&mut hand, Buy, Kind::AtAuction, 0, 500);
    let (stays, _) = ask(&mut hand, Buy, limit, 3_500_000, 200);
    ask(&mut hand, Sell, limit, 3_530_000, 300);
    // From 09:15 between the lowest ask and the highest bid, and no cancels.
    hand.at("09:15:00");
    assert_eq!(hand.board.session_band(0), Some((Price(2_996_000), Price(4_052_000))));
    assert!(matches!(hand.cancel(stays)[..], [Tell::CancelRejected { why: Why::NoCancel, .. }]));
    hand.said();
    hand.at("09:23:00");
    let found = hand.board.uncrossed(0, false).expect("it has ended");
    // 600 are bought without a price or at 405.20, 400 sold: at 353.00 or above. At 405.20 only
    // 100 of the better bids find nobody.
    assert_eq!((found.volume, found.imbalance, found.side), (400, 200, Some(Buy)));
    assert_eq!(found.price, Price(4_052_000), "where the fewest better bids are left");
    let first = hand.said().iter().find_map(|said| match said.what {
        What::Trade { bid, .. } => Some(bid),
        _ => None,
    });
    assert_eq!(first.map(|bid| bid.price), Some(Price(0)), "orders without a price come first");
    let left: Vec<_> =
        hand.board.standing(0, Buy).map(|order| (order.price.0, order.qty)).collect();
    assert_eq!(left, [(4_052_000, 100), (3_500_000, 200)], "what had no price is gone");
    hand.at("09:31:00");
    let told = hand.new_order("700", Sell, Kind::Limit, 3_500_000, 200).1;
    assert_eq!(traded(&told).len(), 4, "at-auction limits go on as limit orders: {told:?}");
}

#[test]
fn the_closing_call_of_hong_kong_and_a_half_day() {
    for (day, fixing, input, fixed, over) in [
        ("2025-09-01", "16:00:00", "16:01:00", "16:06:00", "16:10:00"),
        ("2025-12-24", "12:00:00", "12:01:00", "12:06:00", "12:10:00"),
    ] {
        let mut hand = quiet(Market::Hkex, day);
        hand.at("09:31:00");
        hand.new_order("700", Buy, Kind::Limit, 3_524_000, 200);
        hand.new_order("700", Sell, Kind::Limit, 3_524_000, 100);
        let (far, _) = hand.new_order("700", Buy, Kind::LimitIoc, 3_524_000, 100);
        let _ = far;
        hand.new_order("700", Buy, Kind::Limit, 3_300_000, 100); // too far for the call
        hand.at(fixing);
        assert_eq!(hand.board.stage(), Stage::Fixing, "{day}");
        let told = hand.new_order("700", Buy, Kind::Limit, 3_524_000, 100).1;
        assert_eq!(why(&told), Some(Why::Phase));
        hand.said();
        hand.at(input);
        // 352.40 +-5 %, on ticks inside: 334.80 (of 334.78) to 370.00 (of 370.02).
        assert_eq!(hand.board.session_band(0), Some((Price(3_348_000), Price(3_700_000))));
        let told: Vec<_> = std::iter::from_fn(|| hand.board.next_tell()).collect();
        assert!(matches!(told[..], [(_, Tell::Canceled { why: Ended::Venue, .. })]), "{told:?}");
        let limit = Kind::AtAuctionLimit;
        let mut ask = |side, price| why(&hand.new_order("700", side, limit, price, 100).1);
        assert_eq!(
            (ask(Buy, 3_702_000), ask(Sell, 3_346_000)),
            (Some(Why::PriceLimit), Some(Why::PriceLimit))
        );
        assert_eq!((ask(Sell, 3_530_000), ask(Sell, 3_700_000)), (None, None));
        hand.at(fixed);
        // Lowest ask 353.00, highest bid 352.40.
        assert_eq!(hand.board.session_band(0), Some((Price(3_524_000), Price(3_530_000))));
        let told = hand.new_order("700", Buy, limit, 3_532_000, 100).1;
        assert_eq!(why(&told), Some(Why::PriceLimit));
        assert_eq!(why(&hand.new_order("700", Buy, Kind::AtAuction, 0, 100).1), None);
        hand.at(over);
        let found = hand.board.uncrossed(0, true).expect("it has ended");
        assert_eq!((found.price, found.volume), (Price(3_530_000), 100));
        assert_eq!(hand.board.totals(0).close, Price(3_530_000));
    }
}

#[test]
fn the_volatility_control_starts_and_ends() {
    let mut hand = hong_kong("10:00:00");
    hand.new_order("700", Buy, Kind::Limit, 3_526_000, 100); // the reference, 352.60
    hand.new_order("700", Buy, Kind::LimitIoc, 3_526_000, 900);
    // +10 % are 387.86, on ticks inside 387.80.
    hand.at("10:06:00");
    hand.account = "B1";
    for price in [3_878_000, 3_880_000] {
        assert_eq!(why(&hand.new_order("700", Sell, Kind::Limit, price, 100).1), None);
    }
    hand.account = "A1";
    hand.said();
    let (id, told) = hand.new_order("700", Buy, Kind::LimitIoc, 3_900_000, 300);
    assert_eq!(traded(&told).iter().find(|t| t.0 == id), Some(&(id, 100, 3_878_000)));
    assert_eq!(canceled(&told), Some((id, 200, Ended::Venue)));
    let cooling = hand.said().into_iter().find_map(|said| match said.what {
        What::Cooling { from, to, reference, low, high } => Some((from, to, reference, low, high)),
        _ => None,
    });
    let (from, to, reference, low, high) = cooling.expect("it began");
    assert_eq!(to.since(from), 5 * MINUTE);
    assert_eq!((reference, low, high), (Price(3_526_000), Price(3_174_000), Price(3_878_000)));
    let ask = |hand: &mut Hand, side, price| {
        why(&hand.new_order("700", side, Kind::LimitIoc, price, 100).1)
    };
    assert_eq!(ask(&mut hand, Buy, 3_880_000), Some(Why::PriceLimit));
    assert_eq!(ask(&mut hand, Buy, 3_878_000), None);
    assert_eq!(ask(&mut hand, Sell, 3_172_000), Some(Why::PriceLimit));
    assert_eq!(ask(hand.at("10:10:59"), Buy, 3_880_000), Some(Why::PriceLimit));
    hand.at("10:11:00");
    assert!(hand.said().iter().any(|said| said.what == What::Cooled));
    // Five minutes on, 387.80 is the reference.
    assert_eq!(ask(&mut hand, Buy, 3_880_000), None);
    assert_eq!(hand.board.totals(0).last, Price(3_880_000));
    // A cooling-off does not outlive its session.
    hand.account = "B1";
    hand.at("11:58:00").new_order("700", Sell, Kind::Limit, 4_300_000, 100);
    hand.account = "A1";
    hand.new_order("700", Buy, Kind::LimitIoc, 4_300_000, 100);
    assert!(hand.board.cooling(0).is_some());
    hand.at("12:00:00");
    assert!(hand.board.cooling(0).is_none());
    // Nothing is watched in the first fifteen minutes.
    let mut early = hong_kong("09:31:00");
    early.new_order("700", Buy, Kind::LimitIoc, 3_526_000, 1_000);
    early.at("09:44:00");
    early.account = "B1";
    early.new_order("700", Sell, Kind::Limit, 3_950_000, 100);
    early.account = "A1";
    let told = early.new_order("700", Buy, Kind::LimitIoc, 3_950_000, 100).1;
    assert_eq!(traded(&told).len(), 2);
}

#[test]
fn amendments_keep_or_lose_their_place() {
    let mut hand = hong_kong("09:31:00");
    let amend = |hand: &mut Hand, id, orig, price: Option<i64>, qty: Option<u64>| {
        let (price, qty) = (price.map(Price), qty.map(nofx_types::Qty));
        hand.send(&Ask::Amend { id, orig, price, qty })
    };
    let (first, _) = hand.new_order("700", Buy, Kind::Limit, 3_522_000, 300);
    let (second, _) = hand.new_order("700", Buy, Kind::Limit, 3_522_000, 400);
    let queue = |hand: &Hand| -> Vec<u32> {
        let orders = hand.board.standing(0, Buy).filter(|order| order.price == Price(3_522_000));
        orders.map(|order| order.qty).collect()
    };
    let told = amend(&mut hand, 101, first, None, Some(200));
    assert!(matches!(told[..], [Tell::Amended { id: 101, orig: 1.., .. }]), "{told:?}");
    assert_eq!(queue(&hand), [200, 400]);
    amend(&mut hand, 102, 101, None, Some(500));
    assert_eq!(queue(&hand), [400, 500]);
    let told = amend(&mut hand, 103, second, Some(3_526_000), None);
    assert_eq!(traded(&told).len(), 2, "a better price trades: {told:?}");
    assert_eq!(queue(&hand), [500]);
    let told = amend(&mut hand, 104, second, None, Some(100));
    assert!(matches!(told[..], [Tell::AmendRejected { why: Why::TooLate, .. }]), "{told:?}");
    let told = amend(&mut hand, 105, 102, Some(3_521_000), None);
    assert!(matches!(told[..], [Tell::AmendRejected { why: Why::Tick, .. }]), "{told:?}");
    let mut mainland = quiet(Market::Szse, "2023-07-11");
    mainland.at("09:31:00");
    let (id, _) = mainland.new_order("000001", Buy, Kind::Limit, 132_000, 100);
    let told = amend(&mut mainland, 9, id, None, Some(200));
    assert!(matches!(told[..], [Tell::AmendRejected { .. }]), "no venue of the mainland amends");
}

#[test]
fn a_firm_cancels_all_of_its_own() {
    let mut hand = hong_kong("09:31:00");
    for qty in [100, 200] {
        hand.new_order("700", Buy, Kind::Limit, 3_522_000, qty);
    }
    hand.new_order("700", Sell, Kind::Limit, 3_528_000, 100);
    let told = hand.send(&Ask::MassCancel { id: 50, symbol: None, side: Some(Sell) });
    assert!(matches!(told.last(), Some(Tell::MassCanceled { request: 50, orders: 2 })), "{told:?}");
    let told = hand.send(&Ask::MassCancel { id: 0, symbol: None, side: None });
    assert_eq!(told.len(), 4, "{told:?}");
    assert!(told[..3].iter().all(|t| matches!(t, Tell::Canceled { why: Ended::Disconnect, .. })));
    assert_eq!(hand.board.standing(0, Buy).count() + hand.board.standing(0, Sell).count(), 0);
}

#[test]
fn halts_and_unknown_orders() {
    let mut hand = quiet(Market::Szse, "2023-07-11");
    hand.at("09:31:00");
    let (id, _) = hand.new_order("000001", Buy, Kind::Limit, 132_000, 100);
    assert!(hand.board.halt(1, true) && !hand.board.halt(1, true));
    assert_eq!(why(&hand.new_order("000001", Buy, Kind::Limit, 132_000, 100).1), Some(Why::Halted));
    assert!(canceled(&hand.cancel(id)).is_some(), "cancels are taken");
    assert!(matches!(hand.cancel(id)[..], [Tell::CancelRejected { why: Why::TooLate, .. }]));
    assert!(matches!(hand.cancel(99)[..], [Tell::CancelRejected { why: Why::Unknown, .. }]));
    assert!(hand.board.halt(1, false));
    assert_eq!(why(&hand.new_order("000001", Buy, Kind::Limit, 132_000, 100).1), None);
}

#[test]
fn shenzhen_numbers_orders_trades_and_cancels_in_one_series() {
    let start = vec![holding("A1", "000001", 1_000)];
    let mut hand = with_shares(Market::Szse, "2023-07-11", start);
    hand.at("09:31:00");
    hand.said();
    let (_, _) = hand.new_order("000001", Sell, Kind::Limit, 132_000, 300);
    let (id, told) = hand.new_order("000001", Buy, Kind::Limit, 132_000, 100);
    assert!(matches!(told[0], Tell::Accepted { order: OrderRef(2), .. }), "{told:?}");
    let _ = id;
    hand.new_order("000001", Buy, Kind::AllOrNone, 0, 900);
    let numbered: Vec<_> = hand.said().into_iter().filter(|said| said.number > 0).collect();
    let what = |at: usize| numbered[at].what;
    assert!(matches!(what(0), What::OrderIn { order: OrderRef(1), .. }));
    assert!(matches!(what(1), What::OrderIn { order: OrderRef(2), .. }));
    assert!(matches!(what(2), What::Trade { aggressor: Some(Buy), .. }));
    assert!(matches!(what(3), What::OrderIn { order: OrderRef(4), .. }));
    assert!(matches!(what(4), What::Canceled { by: 900, rested: false, .. }));
    let numbers: Vec<u64> = numbered.iter().map(|said| said.number).collect();
    assert_eq!(numbers, [1, 2, 3, 4, 5]);
}

#[test]
fn shanghai_says_the_rest_after_the_trades() {
    let start = vec![holding("A1", "600000", 1_000)];
    let mut hand = with_shares(Market::Sse, "2023-07-11", start);
    hand.at("09:31:00");
    hand.said();
    hand.new_order("600000", Sell, Kind::Limit, 73_500, 100);
    hand.new_order("600000", Buy, Kind::Limit, 73_500, 300);
    hand.new_order("600000", Buy, Kind::BestFive, 0, 100); // nobody there: not a word
    let numbered: Vec<What> =
        hand.said().into_iter().filter(|said| said.number > 0).map(|said| said.what).collect();
    assert!(matches!(numbered[0], What::Rested { executed: 0, .. }));
    assert!(matches!(numbered[1], What::Trade { .. }));
    let What::Rested { order, executed: 100 } = numbered[2] else { panic!("{numbered:?}") };
    assert_eq!((order.qty, numbered.len()), (200, 3));
}

#[test]
fn a_compressed_day_starts_when_told_and_shrinks_the_rules_clock() {
    let mut config = BoardConfig { securities: securities(Market::Hkex), ..BoardConfig::default() };
    config.course.speed = 60;
    let rules = nofx_rules::RuleBook::builtin(Market::Hkex).on(date("2025-09-01")).expect("rules");
    let start = nofx_types::Nanos(1_000 * MINUTE);
    let mut board = Board::new(config, rules, Some(start)).expect("a board");
    assert_eq!(board.now(), start);
    // 09:00 to 09:30 takes half a minute, and one second before it.
    board.turn(start.plus(MINUTE / 2 + 17_000_000 + 1));
    assert_eq!(board.stage(), Stage::Continuous);
    let wrong = BoardConfig {
        securities: vec![SecurityConfig { lot: 100, ..security("700", "352.401") }],
        ..BoardConfig::default()
    };
    let mut named = wrong.clone();
    named.course.lengths_ms.insert("lunch".into(), 1);
    let rules = nofx_rules::RuleBook::builtin(Market::Hkex).on(date("2025-09-01")).expect("rules");
    let error = Board::new(named, rules, None).err().expect("refused").to_string();
    assert!(error.starts_with("course.lengths_ms.lunch"), "{error}");
}

#[test]
fn a_configuration_that_cannot_be_used_names_its_key() {
    let error = |market: Market, day: &str, change: &dyn Fn(&mut BoardConfig)| {
        let mut config = BoardConfig { securities: securities(market), ..BoardConfig::default() };
        change(&mut config);
        let rules = nofx_rules::RuleBook::builtin(market).on(date(day)).expect("rules");
        Board::new(config, rules, None).err().expect("refused").to_string()
    };
    let (market, day) = (Market::Szse, "2023-07-11");
    let starts = |text: String, key: &str| assert!(text.starts_with(key), "{text}");
    starts(error(market, day, &|c| c.securities.clear()), "securities:");
    starts(error(market, day, &|c| c.securities[0].symbol = "600000".into()), "securities.symbol");
    starts(
        error(market, day, &|c| c.securities[0].previous_close = "x".into()),
        "securities.previous_close",
    );
    starts(error(market, day, &|c| c.securities[0].status = "old".into()), "securities.status");
    starts(
        error(market, day, &|c| c.securities[0].board = Some("none".into())),
        "securities.symbol",
    );
    starts(error(market, day, &|c| c.holdings.push(holding("A", "600000", 1))), "holdings.symbol");
    starts(error(market, "2023-07-09", &|_| ()), "date"); // a Sunday
    let unknown = toml::from_str::<BoardConfig>("[course]\nlengths = 1").expect_err("refused");
    assert!(unknown.to_string().contains("unknown field"), "{unknown}");
}

#[test]
fn numbers_out_of_range_are_refused_by_their_key() {
    let build = |text: &str| {
        let mut config: BoardConfig = toml::from_str(text).expect("known keys");
        config.securities = securities(Market::Szse);
        let rules = nofx_rules::RuleBook::builtin(Market::Szse).on(date("2023-07-11"));
        Board::new(config, rules.expect("rules"), None).map(|_| ()).map_err(|e| e.to_string())
    };
    let lengths = |ms: u64| {
        format!("[course.lengths_ms]\ncontinuous = {ms}\nclosed = {ms}\nopening_call = {ms}")
    };
    for (text, key) in [
        ("orders = 0", "orders"),
        ("orders = 7", "orders"),
        ("orders = 4_000_000_000", "orders"),
        ("executions = 4_000_000_000", "executions"),
        (&lengths(u64::MAX >> 1), "course.lengths_ms"),
        (&lengths(u64::MAX / 1_000_000), "course.lengths_ms"),
        (&lengths(400 * 86_400_000), "course.lengths_ms"),
        ("[flow]\naccounts = 0", "flow.accounts"),
        ("[flow]\naccounts = 4_000_000_000", "flow.accounts"),
        ("[flow]\nrate = 1\nholding = 9_223_372_036_854_775_807", "flow.holding"),
        ("[flow]\nzipf_quarters = 4_000_000_000", "flow.zipf_quarters"),
        ("[flow]\nwrong = 10_001", "flow.wrong"),
        ("[flow]\nnews = 10_001", "flow.news"),
        (
            "[[holdings]]\naccount = \"A\"\nsymbol = \"000001\"\nqty = 9_223_372_036_854_775_807",
            "holdings.qty",
        ),
    ] {
        let error = build(text).expect_err(text);
        assert!(error.starts_with(&format!("{key}: ")), "{text}: {error}");
    }
    for text in ["orders = 8", "[flow]\nrate = 1\nholding = 0", &lengths(1_000_000_000)] {
        build(text).unwrap_or_else(|e| panic!("{text}: {e}"));
    }
    let twice = BoardConfig {
        securities: vec![security("000001", "10.00"), security("000001", "11.00")],
        ..BoardConfig::default()
    };
    let rules = nofx_rules::RuleBook::builtin(Market::Szse).on(date("2023-07-11")).expect("rules");
    let error = Board::new(twice, rules, None).err().expect("refused").to_string();
    assert!(error.starts_with("securities.symbol of \"000001\""), "{error}");
}

#[test]
fn a_trade_can_be_taken_back() {
    let mut hand = hong_kong("09:31:00");
    hand.new_order("700", Buy, Kind::Limit, 3_526_000, 100);
    hand.said();
    assert!(hand.board.cancel_trade(0, 1) && !hand.board.cancel_trade(0, 2));
    let told: Vec<_> = std::iter::from_fn(|| hand.board.next_tell()).collect();
    assert_eq!(told.len(), 2);
    assert!(told.iter().all(|(_, tell)| matches!(tell, Tell::TradeCanceled { match_id: 1, .. })));
    assert_eq!(hand.said().first().map(|said| said.what), Some(What::TradeCanceled { trade: 1 }));
}

#[test]
fn orders_end_with_the_day_and_owners_may_be_told() {
    for told in [true, false] {
        let mut config = BoardConfig { securities: securities(Market::Sse), ..Default::default() };
        config.expiry_reports = told;
        let mut hand = Hand::new(board_on(config, Market::Sse, "2023-07-11"));
        hand.at("09:31:00");
        let (id, _) = hand.new_order("600000", Buy, Kind::Limit, 73_500, 100);
        hand.said();
        hand.at("15:30:00");
        assert_eq!(hand.board.stage(), Stage::DayClosed);
        let heard: Vec<_> = std::iter::from_fn(|| hand.board.next_tell()).map(|t| t.1).collect();
        assert_eq!(canceled(&heard), told.then_some((id, 100, Ended::Expired)));
        assert!(!hand.said().iter().any(|said| matches!(said.what, What::Canceled { .. })));
        assert_eq!(hand.board.standing(2, Buy).count(), 0);
    }
}

#[test]
fn a_dump_is_the_board_in_json() {
    let mut board = board_on(busy(Market::Szse, 7), Market::Szse, "2022-06-01");
    board.turn(nofx_types::Nanos(board.now().0 + 20 * MINUTE));
    let dump = board.dump();
    let text = serde_json::to_string(&dump).expect("JSON");
    let json: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    for (row, security) in board.securities().iter().enumerate() {
        let said = &json["securities"][row];
        assert_eq!(said["symbol"], security.symbol.as_str());
        assert_eq!(said["volume"], board.totals(row as u32).volume);
        for (side, name) in [(Buy, "bids"), (Sell, "asks")] {
            let rows = said[name].as_array().expect("orders");
            let own: Vec<_> = board.standing(row as u32, side).collect();
            assert_eq!(rows.len(), own.len());
            for (place, order) in own.iter().enumerate() {
                let before = own[..place].iter().filter(|other| other.price == order.price).count();
                assert_eq!(rows[place]["order"], order.order.0);
                assert_eq!(rows[place]["price"], order.price.0);
                assert_eq!(
                    (&rows[place]["qty"], &rows[place]["place"]),
                    (&order.qty.into(), &before.into())
                );
            }
        }
    }
    assert_eq!(json["stage"], "continuous");
    assert!(dump.orders.len() > 500 && dump.executions.len() > 100 && !dump.accounts.is_empty());
}

#[test]
fn the_closing_reference_is_the_median_of_the_last_minute() {
    let mut hand = hong_kong("15:50:00");
    let mut trade = |clock: &str, side, price| {
        hand.at(clock);
        hand.new_order("700", side, Kind::LimitIoc, price, 100);
        assert_eq!(hand.board.totals(0).last, Price(price));
    };
    // Seen at 15:59:00, :15, :30, :45 and at the end: 352.60, 352.40 three times, 352.60.
    trade("15:55:00", Buy, 3_526_000);
    trade("15:59:10", Sell, 3_524_000);
    trade("15:59:50", Buy, 3_526_000);
    hand.said();
    hand.at("16:01:00");
    let reference = hand.said().into_iter().find_map(|said| match said.what {
        What::Reference { price, .. } if said.row == 0 => Some(price),
        _ => None,
    });
    assert_eq!(reference, Some(Price(3_524_000)));
}

#[test]
fn hong_kong_prices_stay_near_the_market() {
    // Nothing traded and nobody there: 24 spreads of 0.20 from 352.40.
    let first = |price| {
        let mut hand = quiet(Market::Hkex, "2025-09-01");
        hand.at("09:31:00");
        why(&hand.new_order("700", Buy, Kind::Limit, price, 100).1)
    };
    assert_eq!((first(3_572_000), first(3_574_000)), (None, Some(Why::PriceLimit)));
    assert_eq!((first(3_476_000), first(3_474_000)), (None, Some(Why::PriceLimit)));
    // Then up to nine times the nominal price: 3,171.60, in steps of 2.
    let mut hand = hong_kong("09:31:00");
    let mut sell = |price| why(&hand.new_order("700", Sell, Kind::Limit, price, 100).1);
    assert_eq!((sell(31_700_000), sell(31_720_000)), (None, Some(Why::PriceLimit)));
}
