//! The volatility control of Hong Kong: a price far from that of five minutes ago starts a
//! cooling-off period in which only a band is traded.

use nofx_types::Price;
use serde::Deserialize;

use crate::band::{Band, Rounding};
use crate::tick::TickTable;

/// Which trigger a security has, by the index it belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VcmClass {
    /// Constituents of the large-cap index.
    Large,
    /// Of the mid-cap index.
    Mid,
    /// Of the small-cap index.
    Small,
}

/// The volatility control of a class of securities. When it watches stands in the sessions.
///
/// ```
/// use nofx_rules::{TickTable, Vcm, VcmClass};
/// use nofx_types::Price;
/// let second = 1_000_000_000;
/// let vcm = Vcm { class: VcmClass::Large, trigger_bps: 1_000, window_ns: 300 * second, cooling_ns: 300 * second, triggers_max: 0 };
/// let band = vcm.band(Price(100_000), &TickTable::flat(100));
/// assert_eq!((band.low, band.high), (Price(90_000), Price(110_000)));
/// assert!(!vcm.triggers(Price(100_000), Price(110_000)) && vcm.triggers(Price(100_000), Price(110_100)));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Vcm {
    /// Of which class.
    pub class: VcmClass,
    /// A trade further than this from the reference triggers.
    pub trigger_bps: u32,
    /// The reference is the last trade at least so long ago.
    pub window_ns: u64,
    /// How long the cooling-off lasts.
    pub cooling_ns: u64,
    /// Triggers of one security in one continuous session; 0 for any number.
    #[serde(default)]
    pub triggers_max: u8,
}

impl Vcm {
    /// The prices that are traded in the cooling-off, on ticks inside the band.
    pub fn band(&self, reference: Price, tick: &TickTable) -> Band {
        Band::around(reference, self.trigger_bps, tick, Rounding::Inward)
    }

    /// Whether a trade at `price` starts a cooling-off.
    #[inline]
    pub fn triggers(&self, reference: Price, price: Price) -> bool {
        let far = price.0.abs_diff(reference.0).saturating_mul(10_000);
        reference.0 > 0
            && far > reference.0.unsigned_abs().saturating_mul(u64::from(self.trigger_bps))
    }
}
