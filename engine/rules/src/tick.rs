//! Tick tables: the smallest price step, constant or by price.

use nofx_types::Price;
use serde::Deserialize;

/// Most price ranges of one table.
pub const TICK_BANDS_MAX: usize = 14;

/// The price steps of one security: rows of (highest price of the range, step), rising. A price on
/// the boundary of two ranges belongs to the lower one.
///
/// Every boundary is a whole number of steps of both ranges it divides, so "a multiple of the step of
/// its range" is the whole test.
///
/// ```
/// use nofx_rules::TickTable;
/// use nofx_types::Price;
/// // Hong Kong, cut short: 0.001 up to 0.25, 0.005 up to 0.50, then 0.01.
/// let table = TickTable::new(&[(2_500, 10), (5_000, 50), (100_000, 100)]).expect("rising");
/// assert!(table.holds(Price(2_490)) && table.holds(Price(2_550)) && !table.holds(Price(2_510)));
/// assert_eq!(table.step(Price(2_490), 2), Price(2_550)); // 0.249, 0.250, 0.255
/// assert_eq!(table.step(Price(2_550), -2), Price(2_490));
/// assert!(!table.holds(Price(100_100)), "above the table");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TickTable {
    /// Ranges in use come first; the rest repeat the last.
    rows: [Row; TICK_BANDS_MAX],
    len: u8,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Row {
    up_to: u32,
    tick: u32,
}

impl TickTable {
    /// From (highest price, step) in 1/10,000; `None` where it is empty, too long, not rising, or a
    /// boundary is not a whole number of the steps beside it.
    pub fn new(bands: &[(i64, i64)]) -> Option<TickTable> {
        let last = bands.last().filter(|_| bands.len() <= TICK_BANDS_MAX)?;
        let whole = |price: i64, tick: i64| tick > 0 && price % tick == 0;
        let first = bands.iter().all(|(up_to, tick)| whole(*up_to, *tick) && *up_to > 0);
        let pairs = bands.windows(2).all(|pair| match pair {
            [(low, _), (high, tick)] => low < high && whole(*low, *tick),
            _ => false,
        });
        let row = |band: &(i64, i64)| {
            Some(Row { up_to: u32::try_from(band.0).ok()?, tick: u32::try_from(band.1).ok()? })
        };
        let mut rows = [row(last)?; TICK_BANDS_MAX];
        for (slot, band) in rows.iter_mut().zip(bands) {
            *slot = row(band)?;
        }
        (first && pairs).then_some(TickTable { rows, len: bands.len() as u8 })
    }

    /// One step for every price.
    pub const fn flat(tick: u32) -> TickTable {
        let tick = if tick == 0 { 1 } else { tick };
        let row = Row { up_to: u32::MAX / tick * tick, tick };
        TickTable { rows: [row; TICK_BANDS_MAX], len: 1 }
    }

    /// Highest price of the table.
    pub fn highest(&self) -> Price {
        Price(i64::from(self.rows[TICK_BANDS_MAX - 1].up_to))
    }

    /// The step at `price`: that of the range it lies in.
    #[inline]
    pub fn at(&self, price: Price) -> i64 {
        let row = self.used().iter().find(|row| price.0 <= i64::from(row.up_to));
        i64::from(row.unwrap_or(&self.rows[TICK_BANDS_MAX - 1]).tick)
    }

    /// Whether `price` is above zero, inside the table and a whole number of steps.
    #[inline]
    pub fn holds(&self, price: Price) -> bool {
        price.0 > 0 && price <= self.highest() && price.0 % self.at(price) == 0
    }

    /// The next price above; `price` itself at the end of the table.
    #[inline]
    pub fn above(&self, price: Price) -> Price {
        let tick = self.at(Price(price.0.saturating_add(1)));
        let next = Price(price.0.saturating_sub(price.0.rem_euclid(tick)).saturating_add(tick));
        if next > self.highest() { price } else { next }
    }

    /// The next price below; `price` itself where that would be zero.
    #[inline]
    pub fn below(&self, price: Price) -> Price {
        let tick = self.at(price);
        let over = price.0.rem_euclid(tick);
        let next = price.0.saturating_sub(if over == 0 { tick } else { over });
        if next > 0 { Price(next) } else { price }
    }

    /// `steps` steps up, or down where negative, across ranges.
    pub fn step(&self, price: Price, steps: i32) -> Price {
        let mut price = price;
        for _ in 0..steps.unsigned_abs() {
            price = if steps > 0 { self.above(price) } else { self.below(price) };
        }
        price
    }

    /// The nearest price of the table, halves upward, at least one step.
    #[inline]
    pub fn round(&self, price: Price) -> Price {
        let tick = self.at(price);
        let up = price.0.saturating_add(tick / 2).max(0);
        let whole = (up - up % tick).max(tick);
        Price(whole).min(self.highest())
    }

    /// The price itself or the nearest above.
    #[inline]
    pub fn ceil(&self, price: Price) -> Price {
        if self.holds(price) { price } else { self.above(price) }
    }

    /// The price itself or the nearest below.
    #[inline]
    pub fn floor(&self, price: Price) -> Price {
        if self.holds(price) { price } else { self.below(price).min(self.highest()) }
    }

    /// The ranges as (highest price, step).
    pub fn bands(&self) -> impl Iterator<Item = (Price, i64)> {
        self.used().iter().map(|row| (Price(i64::from(row.up_to)), i64::from(row.tick)))
    }

    #[inline]
    fn used(&self) -> &[Row] {
        self.rows.get(..usize::from(self.len)).unwrap_or(&self.rows)
    }
}

/// A `[[tick]]` section: a name, and either `tick = "0.01"` or `bands = [["0.25", "0.001"], ...]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, try_from = "RawTick")]
pub struct TickSection {
    pub name: String,
    pub table: TickTable,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawTick {
    name: String,
    #[serde(default)]
    tick: Option<String>,
    #[serde(default)]
    bands: Vec<(String, String)>,
}

impl TryFrom<RawTick> for TickSection {
    type Error = String;

    fn try_from(raw: RawTick) -> Result<TickSection, String> {
        let price = |text: &String| {
            nofx_types::parse_decimal(text, 4).map_err(|e| format!("bands: {text:?}: {e}"))
        };
        let table = match &raw.tick {
            Some(text) => {
                let tick = u32::try_from(price(text)?).ok().filter(|tick| *tick > 0);
                TickTable::flat(tick.ok_or("tick: want above 0")?)
            }
            None => {
                let rows = raw.bands.iter().map(|(up_to, tick)| Ok((price(up_to)?, price(tick)?)));
                let rows = rows.collect::<Result<Vec<_>, String>>()?;
                TickTable::new(&rows).ok_or("bands: want rising prices that are whole steps")?
            }
        };
        Ok(TickSection { name: raw.name, table })
    }
}
