//! Market rules as data: dated rule files, calendars, tick tables, lots, price limits, auctions, fees.
//!
//! Model: a [`RuleBook`] is one market's TOML file, parsed once: sections that each say since when
//! they hold, for which boards, and which of their values are not certain. [`RuleBook::on`] picks the
//! newest section of each kind that is not younger than a day and gives [`DayRules`]; a file that
//! does not reach the day, or knows no calendar for its year, refuses. [`DayRules::instrument`] joins
//! a board's rules with what is known of one security ([`Listing`]) into [`InstrumentRules`], a small
//! `Copy` value with the checks on it. The numbers stand in `rules/*.toml`, which are compiled in and
//! can be replaced by a file; the code holds none.
//!
//! The same functions serve both sides of the wire: the engine refuses by them before it sends, and
//! the simulated venue refuses by them when it receives.
//!
//! Prices and money count 1/10,000 of the currency, ratios hundredths of a percent (bps), fee rates
//! billionths, times nanoseconds since local midnight. Everything is integer arithmetic.
//!
//! Worst case: a check on [`InstrumentRules`] walks at most [`TICK_BANDS_MAX`] rows of a tick table;
//! an auction ([`auction::clear`]) is linear in the levels of both sides. Neither allocates. Parsing
//! and picking a day do, once, at start.
#![forbid(unsafe_code)]

pub mod auction;
mod band;
mod book;
mod cage;
mod calendar;
mod day;
mod error;
mod fees;
mod instrument;
mod lot;
mod quotation;
mod section;
mod session;
mod short;
mod text;
mod tick;
mod trading;
mod vcm;

pub use band::{Band, LimitRule, Rounding, Status};
pub use book::{RuleBook, Unverified};
pub use cage::{Cage, CageFacts, OutOfCage, Reference};
pub use calendar::DayKind;
pub use day::{BoardId, BoardRules, DayRules};
pub use error::RuleError;
pub use fees::{Commission, FEES_MAX, Fee, Fees};
pub use instrument::{InstrumentRules, Listing};
pub use lot::{LotRule, OddLots};
pub use quotation::{Quotation, Reach};
pub use section::{Certainty, Dated};
pub use session::{PriceRule, Session, Stage};
pub use short::{ShortFacts, ShortPrice, ShortRule, ShortScope};
pub use text::clock_ns;
pub use tick::{TICK_BANDS_MAX, TickTable};
pub use trading::{Programme, Settlement, SizeRule};
pub use vcm::{Vcm, VcmClass};
