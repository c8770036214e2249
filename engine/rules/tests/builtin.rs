//! The rule files that the program is built with.

use nofx_rules::{DayKind, RuleBook, RuleError, Stage};
use nofx_types::{Date, Market};

fn day(text: &str) -> Date {
    text.parse().expect("a day")
}

#[test]
fn every_built_in_file_covers_each_day_of_its_calendar() {
    for market in Market::ALL {
        let book = RuleBook::builtin(market);
        let first = if market == Market::Hkex { 2022 } else { 2019 };
        let mut date = day(&format!("{first}-01-01"));
        let (mut full, mut half) = (0, 0);
        while date <= book.valid_through() {
            let rules = book.on(date).unwrap_or_else(|e| panic!("{e}"));
            match rules.kind() {
                DayKind::Full => full += 1,
                DayKind::Half => half += 1,
                DayKind::Closed => {}
            }
            for board in rules.boards() {
                assert!(board.sessions.iter().any(|s| s.stage == Stage::Continuous), "{date}");
                assert_eq!(board.half_day.is_empty(), market != Market::Hkex);
            }
            date = Date::of_ns(date.midnight_ns(0) + 86_400_000_000_000, 0);
        }
        let years = 2027 - first;
        assert!((240 * years..250 * years).contains(&(full + half)), "{market}: {full} + {half}");
        assert_eq!(half > 0, market == Market::Hkex);
    }
}

#[test]
fn a_day_behind_the_file_and_a_year_without_a_calendar_refuse() {
    for market in Market::ALL {
        let book = RuleBook::builtin(market);
        let until = book.valid_through();
        assert!(book.on(until).is_ok());
        let next = Date::of_ns(until.midnight_ns(0) + 86_400_000_000_000, 0);
        assert!(matches!(book.on(next), Err(RuleError::Expired { .. })), "{market}");
        assert!(
            matches!(book.on(day("2011-01-04")), Err(RuleError::NoCalendar { .. })),
            "{market}"
        );
    }
}

#[test]
fn a_section_without_effect_is_refused() {
    let text = include_str!("../../../rules/hkex.toml");
    let section = "[[throttle]]\neffective_from = \"2013-12-07\"\nmessages = 8\n";
    let error = RuleBook::parse("test", &format!("{text}\n{section}")).expect_err("no effect");
    assert!(error.to_string().contains("throttle"), "{error}");
}
