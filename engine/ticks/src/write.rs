//! Our own form: CSV that loses nothing, read back by the built-in layout `neutral`.
//!
//! Ticks: `market,channel,seq,time_ns,symbol,kind,flag,bid,offer,price,qty`. Snapshots:
//! `market,symbol,time_ns,phase,num_trades,volume,value,last,previous_close,limit_low,limit_high`,
//! then for levels 1 to 10 `bidN,bidN_qty,bidN_orders`, then alike `ask`. Prices and money are decimal
//! text with four decimals, quantities shares, times nanoseconds since 1970 UTC. `kind` is `limit`,
//! `market`, `own_best`, `cancel`, `trade` or `phase`; `flag` is the side of an order or cancel (`B`,
//! `S`), the aggressor of a trade (`B`, `S`, `N`), or the name of a phase.

use std::io::Write;
use std::path::{Path, PathBuf};

use nofx_net::atomic::AtomicFile;
use nofx_types::{Market, PRICE_DECIMALS, Phase, Price, Pricing, Side, Tick, TickKind};

use crate::layout::PhaseCode;
use crate::{Snapshot, TickError};

const TICK_HEADER: &str = "market,channel,seq,time_ns,symbol,kind,flag,bid,offer,price,qty";
const SNAPSHOT_HEADER: &str = "market,symbol,time_ns,phase,num_trades,volume,value,last,\
                               previous_close,limit_low,limit_high";

/// A file that gets its name when it is whole.
struct Csv {
    file: AtomicFile,
    path: PathBuf,
}

impl Csv {
    fn create(path: &Path, header: &str) -> Result<Csv, TickError> {
        let mut csv = Csv { file: AtomicFile::create(path)?, path: path.to_owned() };
        csv.line(format_args!("{header}"))?;
        Ok(csv)
    }

    fn line(&mut self, text: std::fmt::Arguments<'_>) -> Result<(), TickError> {
        let written = self.file.write_fmt(text).and_then(|()| self.file.write_all(b"\n"));
        written.map_err(|source| TickError::Write { file: self.path.clone(), source })
    }
}

/// Writes ticks in our own form.
pub struct TickWriter {
    csv: Csv,
    market: Market,
}

impl TickWriter {
    /// Begins `path`; it gets its name in [`TickWriter::finish`].
    ///
    /// # Errors
    /// The file cannot be made.
    pub fn create(path: &Path, market: Market) -> Result<TickWriter, TickError> {
        Ok(TickWriter { csv: Csv::create(path, TICK_HEADER)?, market })
    }

    /// Writes one tick.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn write(&mut self, tick: &Tick) -> Result<(), TickError> {
        let (kind, flag) = words(tick.kind);
        let Tick { channel, seq, exch_ns, symbol, bid, offer, price, qty, .. } = tick;
        let (market, price) = (self.market, price.decimal(PRICE_DECIMALS));
        self.csv.line(format_args!(
            "{market},{channel},{seq},{},{symbol},{kind},{flag},{},{},{price},{}",
            exch_ns.0, bid.0, offer.0, qty.0
        ))
    }

    /// Ends the file.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn finish(self) -> Result<(), TickError> {
        Ok(self.csv.file.finish()?)
    }
}

fn words(kind: TickKind) -> (&'static str, &'static str) {
    let letter = |side| if side == Side::Buy { "B" } else { "S" };
    match kind {
        TickKind::Order { side, pricing: Pricing::Limit } => ("limit", letter(side)),
        TickKind::Order { side, pricing: Pricing::Market } => ("market", letter(side)),
        TickKind::Order { side, pricing: Pricing::OwnBest } => ("own_best", letter(side)),
        TickKind::Cancel { side } => ("cancel", letter(side)),
        TickKind::Trade { aggressor } => ("trade", aggressor.map_or("N", letter)),
        TickKind::Phase(phase) => ("phase", phase_name(phase)),
    }
}

fn phase_name(phase: Phase) -> &'static str {
    let found = PhaseCode::ALL.iter().find(|(_, known, _)| *known == phase);
    found.map_or("unknown", |(_, _, name)| name)
}

/// Writes snapshots in our own form.
pub struct SnapshotWriter {
    csv: Csv,
    market: Market,
    row: String,
}

impl SnapshotWriter {
    /// Begins `path`; it gets its name in [`SnapshotWriter::finish`].
    ///
    /// # Errors
    /// The file cannot be made.
    pub fn create(path: &Path, market: Market) -> Result<SnapshotWriter, TickError> {
        let mut header = SNAPSHOT_HEADER.to_owned();
        for side in ["bid", "ask"] {
            for n in 1..=crate::DEPTH {
                header += &format!(",{side}{n},{side}{n}_qty,{side}{n}_orders");
            }
        }
        Ok(SnapshotWriter { csv: Csv::create(path, &header)?, market, row: String::new() })
    }

    /// Writes one snapshot.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn write(&mut self, snapshot: &Snapshot) -> Result<(), TickError> {
        use std::fmt::Write as _;
        let price = |price: Price| price.decimal(PRICE_DECIMALS);
        let row = &mut self.row;
        row.clear();
        let money = price(Price(i64::try_from(snapshot.value_e4).unwrap_or(i64::MAX)));
        let _ = write!(
            row, // a String takes what is written
            "{},{},{},{},{},{},{money},{},{},{},{}",
            self.market,
            snapshot.symbol,
            snapshot.exch_ns.0,
            phase_name(snapshot.phase),
            snapshot.num_trades,
            snapshot.volume.0,
            price(snapshot.last),
            price(snapshot.previous_close),
            price(snapshot.limit_low),
            price(snapshot.limit_high),
        );
        for level in snapshot.levels.iter().flatten() {
            let _ = write!(row, ",{},{},{}", price(level.price), level.qty.0, level.orders);
        }
        self.csv.line(format_args!("{row}"))
    }

    /// Ends the file.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn finish(self) -> Result<(), TickError> {
        Ok(self.csv.file.finish()?)
    }
}
