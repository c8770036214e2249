//! One security's rules of one day.

use nofx_types::{Price, Side};

use crate::band::{Band, Status};
use crate::cage::Cage;
use crate::day::BoardId;
use crate::lot::LotRule;
use crate::quotation::Quotation;
use crate::section::Dated;
use crate::short::ShortRule;
use crate::tick::TickTable;
use crate::trading::{Settlement, SizeRule};
use crate::vcm::{Vcm, VcmClass};

/// What is known of a security, besides its board's rules. The default knows nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Listing<'a> {
    /// Previous close, 0 if not known.
    pub previous_close: Price,
    /// How it stands with its exchange.
    pub status: Status,
    /// Name of its board; `None`: by its code.
    pub board: Option<&'a str>,
    /// Its own board lot (Hong Kong), 0 for the board's.
    pub lot: u32,
    /// Name of its tick table (Hong Kong: the spread table code, `"01"`); `None`: the board's.
    pub tick_table: Option<&'a str>,
    /// Limits that the exchange gave itself: they replace the computed ones.
    pub limits: Option<Band>,
    /// It may be sold short.
    pub short: bool,
    /// Its class in the volatility control, `None` for none.
    pub vcm: Option<VcmClass>,
    /// Shares bought may be sold the same day, whatever the board's rule (some funds).
    pub same_day: bool,
}

/// Everything that one security's orders must obey today, apart from the clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InstrumentRules {
    /// Its board.
    pub board: BoardId,
    /// Previous close, 0 if not known.
    pub previous_close: Price,
    /// Price steps.
    pub tick: Dated<TickTable>,
    /// Quantities.
    pub lot: Dated<LotRule>,
    /// The day's price limits, `None` for none.
    pub band: Dated<Option<Band>>,
    /// The cage of continuous trading, `None` for none.
    pub cage: Option<Dated<Cage>>,
    /// Distance from the nominal price (Hong Kong).
    pub quotation: Option<Dated<Quotation>>,
    /// Most shares of one order.
    pub size: Dated<SizeRule>,
    /// When bought shares may be sold.
    pub settlement: Dated<Settlement>,
    /// Short sales.
    pub short: Dated<ShortRule>,
    /// Whether the exchange lets this security be sold short.
    pub designated: bool,
    /// Volatility control, `None` where it has none.
    pub vcm: Option<Dated<Vcm>>,
}

impl InstrumentRules {
    /// Whether `price` is a whole number of steps.
    ///
    /// ```
    /// use nofx_rules::{Listing, RuleBook};
    /// use nofx_types::{Market, Price};
    /// let day = RuleBook::builtin(Market::Hkex).on("2025-08-04".parse().unwrap()).unwrap();
    /// let rules = day.instrument("700", &Listing { lot: 100, ..Listing::default() }).unwrap();
    /// assert!(rules.on_tick(Price(151_100)) && !rules.on_tick(Price(151_050))); // 15.11, 15.105
    /// ```
    #[inline]
    pub fn on_tick(&self, price: Price) -> bool {
        self.tick.rule.holds(price)
    }

    /// Whether `price` is within the day's limits.
    ///
    /// ```
    /// use nofx_rules::{Listing, RuleBook};
    /// use nofx_types::{Market, Price};
    /// let day = RuleBook::builtin(Market::Sse).on("2023-07-11".parse().unwrap()).unwrap();
    /// let listing = Listing { previous_close: Price(100_500), ..Listing::default() };
    /// let rules = day.instrument("600000", &listing).unwrap();
    /// assert!(rules.in_limits(Price(110_600)) && !rules.in_limits(Price(110_700)));
    /// assert!(rules.in_limits(Price(90_500)) && !rules.in_limits(Price(90_400)));
    /// ```
    #[inline]
    pub fn in_limits(&self, price: Price) -> bool {
        self.band.rule.is_none_or(|band| band.holds(price))
    }

    /// Whether an order may be for `shares`; see [`LotRule::takes`].
    #[inline]
    pub fn takes_lot(&self, side: Side, shares: u64, sellable: u64) -> bool {
        self.lot.rule.takes(side, shares, sellable)
    }

    /// Whether shares bought today stay unsellable today.
    #[inline]
    pub fn next_day_only(&self) -> bool {
        self.settlement.rule.sellable_after_days > 0
    }
}
