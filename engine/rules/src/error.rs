//! What makes a rule file unusable.

use nofx_types::{Date, Market};

/// A rule file that cannot be used, or not for this day.
#[derive(Debug, thiserror::Error)]
pub enum RuleError {
    /// The file cannot be read or is no TOML.
    #[error("{file}: {reason}")]
    File {
        /// The file.
        file: String,
        /// Why.
        reason: String,
    },
    /// A section or value cannot be used.
    #[error("{file}: [[{section}]] number {number}: {reason}")]
    Section {
        /// The file.
        file: String,
        /// Name of the section.
        section: String,
        /// Which of that name, from 1.
        number: usize,
        /// Why; names the key.
        reason: String,
    },
    /// The day lies behind the file's `valid_through`.
    #[error(
        "rules of {market} ({file}) were checked until {until} and do not reach {date}: \
         check them against the exchange and raise valid_through"
    )]
    Expired {
        /// The file.
        file: String,
        /// The market.
        market: Market,
        /// Last day it may be used for.
        until: Date,
        /// The day asked for.
        date: Date,
    },
    /// The file lists no holidays for the year.
    #[error("rules of {market} ({file}) have no calendar for the year of {date}")]
    NoCalendar {
        /// The file.
        file: String,
        /// The market.
        market: Market,
        /// The day asked for.
        date: Date,
    },
    /// No section of this kind holds on the day.
    #[error("rules of {market} ({file}) have no [[{section}]] for {board} on {date}")]
    Missing {
        /// The file.
        file: String,
        /// The market.
        market: Market,
        /// Name of the section.
        section: &'static str,
        /// The board, or the name asked for.
        board: String,
        /// The day asked for.
        date: Date,
    },
    /// No board's codes cover the security.
    #[error("rules of {market} name no board for security {symbol:?}")]
    NoBoard {
        /// The market.
        market: Market,
        /// The security.
        symbol: String,
    },
}
