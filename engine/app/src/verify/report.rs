//! What a verification came to: as text, as JSON, and in one word.

use std::fmt;

use nofx_ticks::Snapshot;
use nofx_types::{Level, Market, PRICE_DECIMALS, Price};
use serde::Serialize;

use super::check::Open;
use crate::failure::Failure;

/// What was compared.
#[derive(Clone, Debug, Default, Serialize)]
pub struct VerifyReport {
    /// Ticks read.
    pub ticks: u64,
    /// Rows that could not be read, by reason.
    pub bad_rows: Vec<(&'static str, u64)>,
    /// The first of them, as text.
    pub bad_first: Vec<String>,
    /// What each security came to.
    pub securities: Vec<Verified>,
    /// Snapshots read, of whichever time; absent without `--snapshots`.
    pub snapshots: Option<u64>,
    /// Snapshots of the continuous session that were compared.
    pub compared: u64,
    /// Those that equal a state of the book.
    pub equal: u64,
    /// The first snapshot that equals none.
    pub difference: Option<Difference>,
}

/// What one security came to.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Verified {
    /// Its code.
    pub symbol: String,
    /// Orders added.
    pub orders: u64,
    /// Trades, and what the last snapshot says.
    pub trades: Total,
    /// Shares traded, and what the last snapshot says.
    pub volume: Total,
    /// Cancels.
    pub cancels: u64,
    /// Cancels that did not take exactly what was left of their order.
    pub cancels_wrong: u64,
    /// Trades and cancels of orders that nobody added.
    pub unknown: u64,
    /// Snapshots compared.
    pub compared: u64,
    /// Snapshots that equal a state of the book.
    pub equal: u64,
    /// The book at the end is crossed.
    pub crossed: bool,
    /// The book at the end is not to be trusted.
    pub stale: bool,
}

/// A total by the ticks, and by the last snapshot.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct Total {
    /// By the ticks.
    pub ticks: u64,
    /// By the last snapshot, where there is one that counts it.
    pub snapshot: Option<u64>,
}

impl Total {
    fn agrees(&self) -> bool {
        self.snapshot.is_none_or(|said| said == self.ticks)
    }
}

/// A snapshot that equals no state of the book with its volume.
#[derive(Clone, Debug, Serialize)]
pub struct Difference {
    /// The security.
    pub symbol: String,
    /// Its stamp, nanoseconds since 1970 UTC.
    pub time_ns: u64,
    /// Its cumulative volume.
    pub volume: u64,
    /// States of the book with that volume.
    pub states: u64,
    /// Levels of the snapshot and of the state that comes closest: side, number, then price (in
    /// 1/10,000) and quantity of each.
    pub levels: Vec<LevelPair>,
}

/// One level, side by side.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct LevelPair {
    /// `bid` or `ask`.
    pub side: &'static str,
    /// 1 for the best.
    pub level: usize,
    /// Price and quantity in the snapshot.
    pub snapshot: (i64, u64),
    /// Price and quantity in the book.
    pub book: (i64, u64),
}

impl VerifyReport {
    /// One JSON object.
    pub fn to_json(&self) -> String {
        serde_json::to_string_pretty(self).unwrap_or_default()
    }

    /// Whether everything agrees.
    ///
    /// # Errors
    /// What does not.
    pub fn verdict(&self) -> Result<(), Failure> {
        let wrong = |text: String| Err(Failure::wrong(text));
        if let Some(why) = self.nothing_compared() {
            return wrong(format!("0 snapshots were compared: {why}"));
        }
        if self.equal < self.compared {
            let n = self.compared - self.equal;
            return wrong(format!("{n} snapshots equal no state of the book"));
        }
        for row in &self.securities {
            let symbol = &row.symbol;
            if !row.volume.agrees() || !row.trades.agrees() {
                return wrong(format!("{symbol}: volume or trades differ from the last snapshot"));
            }
            if row.cancels_wrong > 0 {
                let n = row.cancels_wrong;
                return wrong(format!(
                    "{symbol}: {n} cancels are not what was left of their order"
                ));
            }
            if row.unknown > 0 {
                let n = row.unknown;
                return wrong(format!("{symbol}: {n} events name orders that nobody added"));
            }
            if row.stale || row.crossed {
                return wrong(format!("{symbol}: the book at the end is stale or crossed"));
            }
        }
        Ok(())
    }

    /// Why there was nothing to compare where a comparison was asked for.
    fn nothing_compared(&self) -> Option<String> {
        match self.snapshots {
            Some(0) => Some(
                "the file of --snapshots holds no snapshot of these securities that can be read"
                    .into(),
            ),
            Some(read) if self.compared == 0 => Some(format!(
                "none of the {read} that were read is of a security with ticks and of the \
                 continuous session, 09:30:00 to 14:57:00 by the market's clock"
            )),
            _ => None,
        }
    }
}

impl Difference {
    /// `snapshot` beside the state that comes closest.
    pub(super) fn new(snapshot: &Snapshot, open: &Open) -> Difference {
        let cell = |level: &Level| (level.price.0, level.qty.0);
        let mut levels = Vec::new();
        for (name, (said, book)) in
            ["bid", "ask"].into_iter().zip(snapshot.levels.iter().zip(&open.closest))
        {
            for (level, (said, book)) in (1..).zip(said.iter().zip(book)) {
                let (snapshot, book) = (cell(said), cell(book));
                levels.push(LevelPair { side: name, level, snapshot, book });
            }
        }
        Difference {
            symbol: snapshot.symbol.to_string(),
            time_ns: snapshot.exch_ns.0,
            volume: snapshot.volume.0,
            states: open.states,
            levels,
        }
    }
}

impl fmt::Display for VerifyReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{} ticks, {} bad rows",
            self.ticks,
            self.bad_rows.iter().map(|r| r.1).sum::<u64>()
        )?;
        self.bad_first.iter().take(5).try_for_each(|row| writeln!(f, "  {row}"))?;
        writeln!(
            f,
            "{:<8} {:>8} {:>8} {:>12} {:>8} {:>7} {:>7} {:>9} {:>7}",
            "code",
            "orders",
            "trades",
            "volume",
            "cancels",
            "wrong",
            "unknown",
            "snapshots",
            "equal"
        )?;
        for row in &self.securities {
            let mark = |total: &Total| if total.agrees() { "" } else { "!" };
            writeln!(
                f,
                "{:<8} {:>8} {:>8} {:>12} {:>8} {:>7} {:>7} {:>9} {:>7}{}",
                row.symbol,
                row.orders,
                format!("{}{}", row.trades.ticks, mark(&row.trades)),
                format!("{}{}", row.volume.ticks, mark(&row.volume)),
                row.cancels,
                row.cancels_wrong,
                row.unknown,
                row.compared,
                row.equal,
                if row.stale {
                    "  stale"
                } else if row.crossed {
                    "  crossed"
                } else {
                    ""
                },
            )?;
        }
        write!(f, "{} snapshots compared, {} equal", self.compared, self.equal)?;
        match &self.difference {
            Some(difference) => write!(f, "\n{difference}"),
            None => Ok(()),
        }
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let of_day = self.time_ns.wrapping_add(Market::HOURS_EAST * 3_600_000_000_000)
            % 86_400_000_000_000
            / 1_000_000_000;
        let (hours, minutes, seconds) = (of_day / 3_600, of_day / 60 % 60, of_day % 60);
        writeln!(
            f,
            "first difference: {} {hours:02}:{minutes:02}:{seconds:02}, volume {}, closest of {} states",
            self.symbol, self.volume, self.states
        )?;
        write!(f, "{:>6} {:>12} {:>10} | {:>12} {:>10}", "", "snapshot", "", "book", "")?;
        for pair in &self.levels {
            let price = |price: i64| Price(price).decimal(PRICE_DECIMALS).to_string();
            let mark = if pair.snapshot == pair.book { "" } else { "  <" };
            write!(
                f,
                "\n{:>3} {:>2} {:>12} {:>10} | {:>12} {:>10}{mark}",
                pair.side,
                pair.level,
                price(pair.snapshot.0),
                pair.snapshot.1,
                price(pair.book.0),
                pair.book.1
            )?;
        }
        Ok(())
    }
}
