//! Boards with a seeded flow, played from settled moment to settled moment.
#![allow(dead_code)] // each test binary uses its part

use nofx_rules::{RuleBook, VcmClass};
use nofx_types::{Date, Market, Nanos};
use nofx_venue::board::{
    Board, BoardConfig, BoardFlowConfig, CourseConfig, Said, SecurityConfig, Stage,
};

/// Time between two moments.
const STEP_NS: u64 = 20_000_000;

/// A board whose whole day takes some tens of seconds.
pub fn board(market: Market, seed: u64, securities: u32, rate: u32) -> Board {
    let code = |n: u32| match market {
        Market::Sse => format!("{:06}", 600_000 + n),
        Market::Szse => format!("{:06}", 1 + n),
        Market::Hkex => format!("{}", 1 + n),
    };
    let security = |n| SecurityConfig {
        symbol: code(n),
        previous_close: ["10.00", "25.00", "4.50", "120.00"][n as usize % 4].into(),
        lot: if market == Market::Hkex { 500 } else { 0 },
        vcm: (market == Market::Hkex).then_some(VcmClass::Mid),
        ..SecurityConfig::default()
    };
    let date = Date::new(2026, 1, 15).expect("a day");
    let config = BoardConfig {
        seed,
        securities: (0..securities).map(security).collect(),
        course: CourseConfig { speed: 600, ..CourseConfig::default() },
        flow: BoardFlowConfig { rate, resting: 40, ..BoardFlowConfig::default() },
        ..BoardConfig::default()
    };
    let rules = RuleBook::builtin(market).on(date).expect("rules of the day");
    let start = Nanos(date.midnight_ns(Market::HOURS_EAST) + 9 * 3_600_000_000_000);
    Board::new(config, rules, Some(start)).expect("a good configuration")
}

/// Plays the day up to its last moment before the books are emptied; `settled` gets what was said
/// since the last moment, and the board as it is then.
pub fn drive(board: &mut Board, mut settled: impl FnMut(Nanos, &[Said], &Board)) {
    let end = board.periods().iter().find(|period| period.stage == Stage::DayClosed);
    let end = end.or(board.periods().last()).map_or(Nanos(0), |p| Nanos(p.from.0 - 1));
    let mut now = board.now();
    while now < end {
        now = now.plus(STEP_NS).min(end);
        board.turn(now);
        let said: Vec<Said> = std::iter::from_fn(|| board.next_said()).collect();
        settled(now, &said, board);
    }
}
