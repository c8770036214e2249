//! What a fill costs besides its price: commission, stamp duty, transfer, handling, levies.

use nofx_types::{Date, Price, Qty, Side};
use serde::Deserialize;

use crate::text;

/// Most kinds of fees of one fill, besides the commission.
pub const FEES_MAX: usize = 8;

/// What the user pays to the broker.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Commission {
    /// Billionths of the turnover.
    pub rate: i64,
    /// At least so much per fill, 1/10,000.
    pub minimum: i64,
}

/// One kind of fee, a share of the turnover.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fee {
    /// Its name, cut to 16 bytes.
    pub name: [u8; 16],
    /// The side that pays, `None` for both.
    pub side: Option<Side>,
    /// Billionths of the turnover.
    pub rate: i64,
    /// At least so much, 1/10,000.
    pub minimum: i64,
    /// At most so much, 1/10,000; 0 for no limit.
    pub maximum: i64,
    /// Rounded to a multiple of this, 1/10,000.
    pub unit: i64,
    /// Rounded up rather than to the nearest.
    pub up: bool,
    /// Only for securities that stamp duty applies to.
    pub stamp: bool,
    /// Since when.
    pub since: Date,
}

impl Fee {
    /// Its name as text.
    pub fn name(&self) -> &str {
        let end = self.name.iter().position(|b| *b == 0).unwrap_or(self.name.len());
        self.name.get(..end).and_then(|name| core::str::from_utf8(name).ok()).unwrap_or("")
    }

    /// What it takes of a fill of `side` with this turnover; money in 1/10,000.
    pub fn of(&self, side: Side, turnover: i128) -> i64 {
        if self.side.is_some_and(|payer| payer != side) || turnover <= 0 {
            return 0;
        }
        let (unit, billion) = (i128::from(self.unit.max(1)), 1_000_000_000i128);
        let share = turnover * i128::from(self.rate);
        let step = unit * billion;
        let steps = (share + if self.up { step - 1 } else { step / 2 }) / step;
        let least = (steps * unit).max(i128::from(self.minimum));
        let most = if self.maximum > 0 { least.min(i128::from(self.maximum)) } else { least };
        i64::try_from(most).unwrap_or(i64::MAX)
    }
}

/// All that a fill of one security costs.
///
/// ```
/// use nofx_rules::{Commission, RuleBook};
/// use nofx_types::{Market, Price, Qty, Side};
/// let day = RuleBook::builtin(Market::Sse).on("2023-07-11".parse().expect("a day")).expect("covered");
/// let board = day.board_of("600519").expect("a board");
/// let commission = Commission { rate: 250_000, minimum: 50_000 }; // 0.025 %, at least 5.00
/// let fees = day.fees(board, true, commission);
/// // 100 shares at 1,700.00: 170,000.00 of turnover.
/// let (price, qty) = (Price(17_000_000), Qty(100));
/// let stamp = 1_700_000; // 0.1 % of sales until 2023-08-27: 170.00
/// assert_eq!(fees.of(Side::Sell, qty, price) - fees.of(Side::Buy, qty, price), stamp);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fees {
    rows: [Option<Fee>; FEES_MAX],
    commission: Commission,
}

impl Fees {
    /// No fees at all.
    pub const NONE: Fees =
        Fees { rows: [None; FEES_MAX], commission: Commission { rate: 0, minimum: 0 } };

    /// Of these kinds; those beyond [`FEES_MAX`] were refused when the file was read.
    pub(crate) fn new(rows: impl Iterator<Item = Fee>, commission: Commission) -> Fees {
        let mut fees = Fees { rows: [None; FEES_MAX], commission };
        for (slot, fee) in fees.rows.iter_mut().zip(rows) {
            *slot = Some(fee);
        }
        fees
    }

    /// What a fill costs in all; money in 1/10,000.
    pub fn of(&self, side: Side, qty: Qty, price: Price) -> i64 {
        let turnover = turnover(qty, price);
        let exchange = self.rows.iter().flatten().map(|fee| fee.of(side, turnover));
        exchange.fold(self.commission_of(side, turnover), i64::saturating_add)
    }

    /// What a fill costs by kind, commission first.
    pub fn parts(&self, side: Side, qty: Qty, price: Price) -> impl Iterator<Item = (&str, i64)> {
        let turnover = turnover(qty, price);
        let commission = ("commission", self.commission_of(side, turnover));
        let rows = self.rows.iter().flatten();
        core::iter::once(commission)
            .chain(rows.map(move |fee| (fee.name(), fee.of(side, turnover))))
    }

    /// The kinds, without the commission.
    pub fn rows(&self) -> impl Iterator<Item = &Fee> {
        self.rows.iter().flatten()
    }

    fn commission_of(&self, side: Side, turnover: i128) -> i64 {
        let Commission { rate, minimum } = self.commission;
        let since = const { Date::from_number(19_700_101).expect("a day") };
        let (maximum, unit, name) = (0, 100, [0; 16]);
        let fee =
            Fee { name, side: None, rate, minimum, maximum, unit, up: false, stamp: false, since };
        fee.of(side, turnover)
    }
}

fn turnover(qty: Qty, price: Price) -> i128 {
    i128::from(qty.0) * i128::from(price.0)
}

/// A `[[fee]]` section.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FeeSection {
    pub name: String,
    #[serde(default)]
    pub side: RawSide,
    #[serde(deserialize_with = "text::rate")]
    pub rate: i64,
    #[serde(default, deserialize_with = "text::amount")]
    pub minimum: i64,
    #[serde(default, deserialize_with = "text::amount")]
    pub maximum: i64,
    #[serde(default = "cent", deserialize_with = "text::amount")]
    pub unit: i64,
    #[serde(default)]
    pub round: RawRound,
    #[serde(default)]
    pub stamp: bool,
}

fn cent() -> i64 {
    100
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RawSide {
    Buy,
    Sell,
    #[default]
    Both,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RawRound {
    #[default]
    Nearest,
    Up,
}

impl FeeSection {
    pub fn fee(&self, since: Date) -> Fee {
        let mut name = [0; 16];
        for (slot, byte) in name.iter_mut().zip(self.name.bytes()) {
            *slot = byte;
        }
        Fee {
            name,
            side: match self.side {
                RawSide::Buy => Some(Side::Buy),
                RawSide::Sell => Some(Side::Sell),
                RawSide::Both => None,
            },
            rate: self.rate,
            minimum: self.minimum,
            maximum: self.maximum,
            unit: self.unit,
            up: self.round == RawRound::Up,
            stamp: self.stamp,
            since,
        }
    }
}
