//! What the codes of the view pages mean, and how numbers are written for people.

const UNKNOWN: &str = "unknown";

/// Names of the states of a channel, by code.
pub const CHANNEL_STATES: [&str; 7] =
    ["waiting", "live", "gap", "retransmission", "snapshot", "stale", "ended"];
/// Names of the states of an order session, by code.
pub const SESSION_STATES: [&str; 10] = [
    "down",
    "logging in",
    "reconciling",
    "up",
    "trading stopped",
    "login refused",
    "ended",
    "logged out",
    "broken",
    "platform closed",
];

/// States of an order, in the order of `nofx_order::State`.
const ORDER_STATES: [&str; 8] =
    ["ended", "pending", "live", "replaced", "canceling", "replacing", "canceling", "canceling"];
const IDLE: [&str; 4] = ["spin", "pause", "yield", "sleep"];
/// Phases, in the order of `nofx_types::Phase`.
const PHASES: [&str; 11] = [
    UNKNOWN,
    "pre-open",
    "opening",
    "continuous",
    "closing",
    "after hours",
    "halted",
    "paused",
    "quote only",
    "break",
    "closed",
];
/// Live, then reasons in the order of `nofx_types::StaleReason`.
const BOOK_STATES: [&str; 4] = ["live", "stale: gap", "stale: full", "stale: broken"];

fn of(names: &[&'static str], code: u8) -> &'static str {
    names.get(usize::from(code)).copied().unwrap_or(UNKNOWN)
}

/// State of a feed's channel.
pub fn channel(code: u8) -> &'static str {
    of(&CHANNEL_STATES, code)
}

/// State of an order session.
pub fn session(code: u8) -> &'static str {
    of(&SESSION_STATES, code)
}

/// State of an order.
pub fn order(code: u8) -> &'static str {
    of(&ORDER_STATES, code)
}

/// Idle policy of a tile.
pub fn idle(code: u8) -> &'static str {
    of(&IDLE, code)
}

/// Trading phase.
pub fn phase(code: u8) -> &'static str {
    of(&PHASES, code)
}

/// State of a book.
pub fn stale(code: u8) -> &'static str {
    of(&BOOK_STATES, code)
}

/// A count in at most six characters: `999`, `12.3k`, `4.57M`.
pub fn count(n: u64) -> String {
    if n < 10_000 {
        return n.to_string();
    }
    scaled(n as f64, &[(1e3, "k"), (1e6, "M"), (1e9, "G"), (1e12, "T"), (1e15, "P"), (1e18, "E")])
}

/// A span of time in at most seven characters: `131ns`, `1.24us`, `12.0ms`, `3.10s`, `5m02s`.
pub fn span(ns: u64) -> String {
    let seconds = ns / 1_000_000_000;
    match seconds {
        0 if ns < 1_000 => format!("{ns}ns"),
        0..60 => scaled(ns as f64, &[(1e3, "us"), (1e6, "ms"), (1e9, "s")]),
        60..3_600 => format!("{}m{:02}s", seconds / 60, seconds % 60),
        3_600..360_000 => format!("{}h{:02}m", seconds / 3_600, seconds / 60 % 60),
        _ => format!("{}d{:02}h", seconds / 86_400, seconds / 3_600 % 24),
    }
}

/// Three figures of `value` in the largest unit that it fills.
fn scaled(value: f64, units: &[(f64, &str)]) -> String {
    let mut fits = units.iter().rev();
    // 0.9995: what would be written as 1000 of a unit is one of the next.
    let unit = fits.find(|(size, _)| value >= size * 0.9995).or(units.first());
    let Some((size, unit)) = unit else { return String::new() };
    let scaled = value / size;
    let places = if scaled < 9.995 { 2 } else { usize::from(scaled < 99.95) };
    format!("{scaled:.places$}{unit}")
}

/// Time of day of an instant, UTC.
pub fn clock(ns: u64) -> String {
    let seconds = ns / 1_000_000_000 % 86_400;
    format!("{:02}:{:02}:{:02}", seconds / 3_600, seconds / 60 % 60, seconds % 60)
}

/// Money counted in 1/10,000, to the cent.
pub fn money(e4: i64) -> String {
    let cents = (i128::from(e4) + if e4 < 0 { -50 } else { 50 }) / 100;
    let sign = if cents < 0 { "-" } else { "" };
    format!("{sign}{}.{:02}", cents.abs() / 100, cents.abs() % 100)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_short() {
        let cases = [
            (0, "0"),
            (9_999, "9999"),
            (10_000, "10.0k"),
            (999_499, "999k"),
            (999_999, "1.00M"),
            (12_345_678, "12.3M"),
            (u64::MAX, "18.4E"),
        ];
        cases.iter().for_each(|(n, text)| assert_eq!(count(*n), *text));
    }

    #[test]
    fn spans_are_short() {
        let cases = [
            (0, "0ns"),
            (999, "999ns"),
            (1_000, "1.00us"),
            (131_400, "131us"),
            (999_999, "1.00ms"),
            (3_100_000_000, "3.10s"),
            (59_999_999_999, "60.0s"),
            (302_000_000_000, "5m02s"),
            (3_600_000_000_000, "1h00m"),
            (u64::MAX, "213503d23h"),
        ];
        cases.iter().for_each(|(ns, text)| assert_eq!(span(*ns), *text));
    }

    #[test]
    fn money_is_rounded_away_from_zero() {
        let cases = [(0, "0.00"), (149, "0.01"), (150, "0.02"), (-12_350, "-1.24"), (-49, "0.00")];
        cases.iter().for_each(|(e4, text)| assert_eq!(money(*e4), *text));
        assert!(money(i64::MIN).starts_with("-9223"));
    }

    #[test]
    fn codes_nobody_knows_are_said_to_be_so() {
        for of in [channel, session, order, idle, phase, stale] {
            assert_eq!(of(255), UNKNOWN);
        }
    }
}
