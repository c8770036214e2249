//! Rules change on their day and not before; calendars, sessions, fees, and files that are refused.

use nofx_rules::{
    Commission, DayKind, DayRules, Listing, OutOfCage, PriceRule, RuleBook, RuleError, Session,
    Stage, Status, VcmClass,
};
use nofx_types::{Date, Market, Phase, Price, Qty, Side};

fn day(text: &str) -> Date {
    text.parse().expect("a day")
}

fn rules(market: Market, date: &str) -> DayRules {
    RuleBook::builtin(market).on(day(date)).expect("covered")
}

fn close(price: i64) -> Listing<'static> {
    Listing { previous_close: Price(price), ..Listing::default() }
}

fn at(rules: &DayRules, symbol: &str, time: &str) -> Session {
    let (hour, minute) = time.split_once(':').expect("HH:MM");
    let number = |text: &str| text.parse::<u64>().expect("a number");
    let ns = (number(hour) * 60 + number(minute)) * 60_000_000_000;
    rules.session_at(rules.board_of(symbol).expect("a board"), ns)
}

#[test]
fn the_spread_table_of_hong_kong_changes_in_two_steps() {
    // At 15.00, 25.00 and 5.00: before, in phase 1, in phase 2.
    for (date, want) in [
        ("2025-08-01", [200, 500, 100]),
        ("2025-08-04", [100, 200, 100]),
        ("2026-06-30", [100, 200, 100]),
        ("2026-07-02", [100, 200, 50]),
    ] {
        let rules =
            rules(Market::Hkex, date).instrument("700", &Listing::default()).expect("known");
        let ticks = [150_000, 250_000, 50_000].map(|price| rules.tick.rule.at(Price(price)));
        assert_eq!(ticks, want, "{date}");
    }
    // Every step of the exchange's spread table, Part A, at its upper boundary and just above it.
    let today = rules(Market::Hkex, "2024-01-03");
    let old = today.tick_table("01").expect("Part A").rule;
    for (upper, below, above) in [
        (2_500, 10, 50),
        (5_000, 50, 100),
        (100_000, 100, 200),
        (200_000, 200, 500),
        (500_000, 500, 500),
        (1_000_000, 500, 1_000),
        (2_000_000, 1_000, 2_000),
        (5_000_000, 2_000, 5_000),
        (10_000_000, 5_000, 10_000),
        (20_000_000, 10_000, 20_000),
        (50_000_000, 20_000, 50_000),
    ] {
        assert_eq!((old.at(Price(upper)), old.at(Price(upper + 1))), (below, above), "{upper}");
        assert!(old.holds(Price(upper)) && old.holds(Price(upper + above)));
        assert!(!old.holds(Price(upper + above - 1)) || above == 1);
        assert_eq!(old.above(Price(upper)), Price(upper + above));
        assert_eq!(old.below(Price(upper + above)), Price(upper));
    }
    assert!(old.holds(Price(99_950_000)) && !old.holds(Price(100_000_000)));
    let structured = rules(Market::Hkex, "2025-09-01").instrument("12345", &Listing::default());
    assert_eq!(structured.expect("known").tick.rule.at(Price(150_000)), 200, "Part E");
}

#[test]
fn limits_follow_board_status_and_day() {
    let band = |market, date: &str, symbol: &str, listing: Listing| {
        let rules = rules(market, date).instrument(symbol, &listing).expect("known");
        rules.band.rule.map(|band| (band.low.0, band.high.0))
    };
    let ten = close(100_000);
    let special = Listing { status: Status::Special, ..ten };
    let new = |day| Listing { status: Status::New(day), ..ten };
    assert_eq!(band(Market::Sse, "2023-07-11", "600519", ten), Some((90_000, 110_000)));
    assert_eq!(band(Market::Sse, "2023-07-11", "600519", special), Some((95_000, 105_000)));
    assert_eq!(band(Market::Sse, "2023-07-11", "688001", special), Some((80_000, 120_000)));
    assert_eq!(band(Market::Sse, "2023-04-07", "600519", new(1)), Some((90_000, 110_000)));
    assert_eq!(band(Market::Sse, "2023-04-10", "600519", new(5)), None);
    assert_eq!(band(Market::Sse, "2023-04-10", "600519", new(6)), Some((90_000, 110_000)));
    assert_eq!(band(Market::Szse, "2020-08-21", "300750", ten), Some((90_000, 110_000)));
    assert_eq!(band(Market::Szse, "2020-08-24", "300750", ten), Some((80_000, 120_000)));
    assert_eq!(band(Market::Sse, "2023-07-11", "588000", close(10_005)), Some((8_000, 12_010)));
    let tracker = Listing { board: Some("chinext_fund"), ..close(10_000) };
    assert_eq!(band(Market::Szse, "2023-07-11", "159915", tracker), Some((8_000, 12_000)));
    assert_eq!(band(Market::Hkex, "2023-07-11", "700", ten), None);
}

/// Half up to the tick, checked against the definition in wider numbers, and at least one tick.
#[test]
fn limits_are_rounded_half_up_and_at_least_a_tick_away() {
    let main = rules(Market::Sse, "2023-07-11");
    for cents in 1..30_000i64 {
        let close = cents * 100;
        let listing = Listing { previous_close: Price(close), ..Listing::default() };
        let band = main.instrument("600000", &listing).expect("known").band.rule.expect("limits");
        // In tenths of a cent: the tenth part of a cent decides.
        let half_up = |tenths: i64| (tenths + 5) / 10 * 100;
        let (low, high) = (half_up(cents * 9), half_up(cents * 11));
        assert_eq!(band.low.0, low.min(close - 100).max(100), "{close}");
        assert_eq!(band.high.0, high.max(close + 100), "{close}");
    }
}

#[test]
fn the_cage_began_on_its_day_and_parking_ended() {
    let cage = |market, date: &str, symbol: &str| {
        rules(market, date).instrument(symbol, &close(100_000)).expect("known").cage
    };
    assert!(cage(Market::Sse, "2023-04-07", "600519").is_none());
    let main = cage(Market::Sse, "2023-04-10", "600519").expect("a cage");
    assert_eq!((main.rule.ticks_min, main.rule.out), (10, OutOfCage::Reject));
    assert_eq!(main.since, day("2023-04-10"));
    let parked = cage(Market::Szse, "2022-06-01", "300750").expect("a cage");
    assert_eq!((parked.rule.ticks_min, parked.rule.out), (0, OutOfCage::Park));
    let later = cage(Market::Szse, "2023-07-11", "300750").expect("a cage");
    assert_eq!((later.rule.ticks_min, later.rule.out), (10, OutOfCage::Reject));
    assert!(cage(Market::Szse, "2022-06-01", "000001").is_none());
    assert!(cage(Market::Hkex, "2023-07-11", "700").is_none());
}

#[test]
fn sessions_say_what_is_taken() {
    let shanghai = rules(Market::Sse, "2023-07-11");
    for (time, phase, orders, cancels) in [
        ("09:14", Phase::Closed, false, false),
        ("09:15", Phase::OpeningAuction, true, true),
        ("09:19", Phase::OpeningAuction, true, true),
        ("09:20", Phase::OpeningAuction, true, false),
        ("09:25", Phase::Break, false, false),
        ("09:30", Phase::Continuous, true, true),
        ("11:29", Phase::Continuous, true, true),
        ("11:30", Phase::Break, false, false),
        ("13:00", Phase::Continuous, true, true),
        ("14:56", Phase::Continuous, true, true),
        ("14:57", Phase::ClosingAuction, true, false),
        ("15:00", Phase::Closed, false, false),
        ("15:10", Phase::Closed, false, false),
    ] {
        let session = at(&shanghai, "600519", time);
        assert_eq!(
            (session.phase, session.orders, session.cancels),
            (phase, orders, cancels),
            "{time}"
        );
    }
    assert_eq!(at(&shanghai, "688001", "15:10").price, PriceRule::Fixed);
    assert!(at(&rules(Market::Szse, "2023-07-11"), "000001", "09:26").orders, "held until 09:30");
    assert_eq!(at(&rules(Market::Szse, "2020-08-21"), "300750", "15:10").phase, Phase::Closed);

    let (full, half) = (rules(Market::Hkex, "2024-12-23"), rules(Market::Hkex, "2024-12-24"));
    assert_eq!((full.kind(), half.kind()), (DayKind::Full, DayKind::Half));
    for (time, stage, half_stage) in [
        ("09:00", Stage::Input, Stage::Input),
        ("09:15", Stage::NoCancel, Stage::NoCancel),
        ("09:21", Stage::Matching, Stage::Matching),
        ("09:22", Stage::Blocking, Stage::Blocking),
        ("11:59", Stage::Continuous, Stage::Continuous),
        ("12:00", Stage::Blocking, Stage::Fixing),
        ("12:01", Stage::Blocking, Stage::Input),
        ("12:08", Stage::Blocking, Stage::Matching),
        ("13:00", Stage::Continuous, Stage::Closed),
        ("16:00", Stage::Fixing, Stage::Closed),
        ("16:06", Stage::NoCancel, Stage::Closed),
        ("16:10", Stage::Closed, Stage::Closed),
    ] {
        assert_eq!(at(&full, "700", time).stage, stage, "{time}");
        assert_eq!(at(&half, "700", time).stage, half_stage, "{time} of a half day");
    }
    let minutes = |text: &str| {
        let (hour, minute) = text.split_once(':').expect("HH:MM");
        (hour.parse::<u64>().expect("h") * 60 + minute.parse::<u64>().expect("m")) * 60_000_000_000
    };
    for (time, watched) in [
        ("09:44", false),
        ("09:45", true),
        ("11:59", true),
        ("13:14", false),
        ("13:15", true),
        ("15:39", true),
        ("15:40", false),
    ] {
        assert_eq!(at(&full, "700", time).watches(minutes(time)), watched, "{time}");
    }
    let closed = rules(Market::Sse, "2023-07-08");
    assert_eq!(
        (closed.kind(), at(&closed, "600519", "10:00").stage),
        (DayKind::Closed, Stage::Closed)
    );
}

#[test]
fn lots_sizes_and_volatility_classes_are_those_of_the_security() {
    let hong_kong = rules(Market::Hkex, "2024-01-03");
    let listing = Listing { lot: 500, vcm: Some(VcmClass::Mid), short: true, ..Listing::default() };
    let rules_700 = hong_kong.instrument("700", &listing).expect("known");
    assert_eq!((rules_700.lot.rule.min, rules_700.lot.rule.step), (500, 500));
    assert_eq!(rules_700.size.rule.most(false), 1_500_000);
    assert_eq!(rules_700.vcm.map(|vcm| vcm.rule.trigger_bps), Some(1_500));
    assert!(rules_700.designated && !rules_700.next_day_only());
    let shanghai = rules(Market::Sse, "2023-07-11");
    let star = shanghai.instrument("688001", &Listing::default()).expect("known");
    assert_eq!(
        (star.lot.rule.min, star.lot.rule.step, star.size.rule.most(true)),
        (200, 1, 50_000)
    );
    assert!(star.next_day_only());
    let fund = Listing { same_day: true, ..Listing::default() };
    assert!(!shanghai.instrument("510300", &fund).expect("known").next_day_only());
    assert!(matches!(
        shanghai.instrument("430001", &Listing::default()),
        Err(RuleError::NoBoard { .. })
    ));
    let absent = Listing { board: Some("nasdaq"), ..Listing::default() };
    let error = shanghai.instrument("600519", &absent).expect_err("no such board").to_string();
    assert!(error.contains("nasdaq"), "{error}");
}

#[test]
fn programme_thresholds_began_in_july_2025() {
    assert!(rules(Market::Sse, "2025-07-04").programme().is_none());
    let programme = rules(Market::Szse, "2025-07-07").programme().expect("in force");
    assert_eq!((programme.rule.second_threshold, programme.rule.day_threshold), (300, 20_000));
    assert_eq!((programme.rule.second_warn, programme.rule.day_warn), (240, 16_000));
    assert!(rules(Market::Hkex, "2025-07-07").programme().is_none());
}

#[test]
fn fees_follow_side_and_day() {
    // 1,000,000.00 of turnover: 10,000 shares at 100.00.
    let (qty, price) = (Qty(10_000), Price(1_000_000));
    let fees = |market, date: &str, symbol: &str, stamp, side| {
        let rules = rules(market, date);
        let board = rules.board_of(symbol).expect("a board");
        rules.fees(board, stamp, Commission::default()).of(side, qty, price)
    };
    let yuan = |cents: i64| cents * 100;
    // Transfer 10.00, handling 48.70, regulation 20.00; sales 1,000.00 on top until 2023-08-27.
    assert_eq!(fees(Market::Sse, "2023-08-25", "600519", true, Side::Buy), yuan(7_870));
    assert_eq!(fees(Market::Sse, "2023-08-25", "600519", true, Side::Sell), yuan(107_870));
    // Then 500.00, and handling 34.10.
    assert_eq!(fees(Market::Sse, "2023-08-28", "600519", true, Side::Buy), yuan(6_410));
    assert_eq!(fees(Market::Szse, "2023-08-28", "000001", true, Side::Sell), yuan(56_410));
    assert_eq!(
        fees(Market::Sse, "2022-04-28", "600519", true, Side::Buy),
        yuan(8_870),
        "transfer 20.00"
    );
    assert_eq!(fees(Market::Sse, "2023-08-28", "510300", true, Side::Sell), yuan(4_000), "a fund");
    // Hong Kong, both sides: 1,000.00, levies 27.00 and 1.50, trading 56.50, settlement 42.00.
    assert_eq!(fees(Market::Hkex, "2025-07-02", "700", true, Side::Buy), yuan(112_700));
    assert_eq!(fees(Market::Hkex, "2025-07-02", "700", false, Side::Sell), yuan(12_700));
    assert_eq!(
        fees(Market::Hkex, "2023-11-16", "700", true, Side::Buy),
        yuan(140_500),
        "1,300.00; 20.00"
    );
    // Stamp duty is rounded up to the dollar, settlement was between 2 and 100.
    let before = rules(Market::Hkex, "2025-06-27");
    let board = before.board_of("700").expect("a board");
    let fees = before.fees(board, true, Commission { rate: 1_000_000, minimum: 30_000 });
    let parts: Vec<_> = fees.parts(Side::Buy, Qty(1), Price(10_100)).collect();
    assert_eq!(parts.first(), Some(&("commission", 30_000)));
    assert!(parts.contains(&("stamp_duty", 10_000)) && parts.contains(&("settlement", 20_000)));
    let parts: Vec<_> = fees.parts(Side::Buy, Qty(10_000_000), Price(1_000_000)).collect();
    assert!(parts.contains(&("settlement", 1_000_000)), "{parts:?}");
}

/// A small file that is good, and what each change to it is refused for.
const GOOD: &str = r#"
market = "sse"
valid_through = "2024-12-31"
[[calendar]]
effective_from = "2024-01-01"
year = 2024
holidays = ["2024-01-01"]
[[board]]
effective_from = "2020-01-01"
name = "main"
codes = ["600000-609999"]
tick = "cent"
[[tick]]
effective_from = "2020-01-01"
name = "cent"
tick = "0.01"
[[lot]]
effective_from = "2020-01-01"
min = 100
step = 100
odd = "sell_whole"
[[limit]]
effective_from = "2020-01-01"
normal_bps = 1000
special_bps = 500
unverified = { special_bps = "memory" }
[[size]]
effective_from = "2020-01-01"
limit_max = 1000
[[settlement]]
effective_from = "2020-01-01"
sellable_after_days = 1
[[short]]
effective_from = "2020-01-01"
scope = "never"
continuous = "any"
auction = "any"
[[sessions]]
effective_from = "2020-01-01"
rows = [{ from = "09:30", until = "15:00", phase = "continuous", stage = "continuous" }]
"#;

#[test]
fn a_file_is_read_or_refused_with_section_and_key() {
    let book = RuleBook::parse("small.toml", GOOD).expect("good");
    assert!(book.on(day("2024-05-06")).is_ok());
    assert_eq!(book.unverified().len(), 1);
    assert!(matches!(book.on(day("2023-05-05")), Err(RuleError::NoCalendar { .. })));
    assert!(matches!(book.on(day("2025-01-02")), Err(RuleError::Expired { .. })));
    for (from, to, want) in [
        ("market = \"sse\"", "market = \"nyse\"", "market"),
        ("valid_through = \"2024-12-31\"", "", "valid_through"),
        ("[[lot]]\neffective_from = \"2020-01-01\"", "[[lot]]", "effective_from"),
        ("min = 100", "min = -1", "[[lot]] number 1"),
        ("odd = \"sell_whole\"", "odd = \"maybe\"", "[[lot]] number 1"),
        ("tick = \"0.01\"", "tick = \"0\"", "[[tick]] number 1"),
        ("tick = \"0.01\"", "tick = \"0.00001\"", "[[tick]] number 1"),
        ("[[lot]]", "[[lots]]", "unknown section or key \"lots\""),
        ("limit_max", "limit_mox", "[[size]] number 1"),
        ("unverified = { special_bps", "unverified = { spezial_bps", "spezial_bps"),
        ("\"memory\"", "\"hearsay\"", "unverified.special_bps"),
        ("until = \"15:00\"", "until = \"09:00\"", "[[sessions]] number 1"),
        ("holidays = [\"2024-01-01\"]", "holidays = [\"2024-01-06\"]", "2024-01-06"),
        ("holidays = [\"2024-01-01\"]", "holidays = [\"2023-01-02\"]", "2023-01-02"),
        ("codes = [\"600000-609999\"]", "codes = [\"609999-600000\"]", "codes"),
        ("[[size]]", "[[size]]\nboards = [\"star\"]", "no board \"star\""),
    ] {
        let text = GOOD.replacen(from, to, 1);
        assert_ne!(text, GOOD, "{from}");
        let error = RuleBook::parse("small.toml", &text).expect_err(want).to_string();
        assert!(error.contains("small.toml") && error.contains(want), "{to}: {error}");
    }
    let without = GOOD.replace("[[size]]\neffective_from = \"2020-01-01\"\nlimit_max = 1000\n", "");
    let error = RuleBook::parse("small.toml", &without).expect("parses").on(day("2024-05-06"));
    assert!(matches!(error, Err(RuleError::Missing { section: "size", .. })));
    assert!(RuleBook::load(std::path::Path::new("absent.toml")).is_err());
}

#[test]
fn a_file_cut_anywhere_never_panics() {
    for end in 0..GOOD.len() {
        let _ = RuleBook::parse("cut.toml", &GOOD[..end]);
    }
}
