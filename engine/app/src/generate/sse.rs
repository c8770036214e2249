//! Shanghai: ticks and snapshots as neutral records.

use std::collections::BTreeMap;
use std::path::PathBuf;

use nofx_ticks::{DEPTH, Snapshot, SnapshotWriter, TickError, TickWriter};
use nofx_types::{Level, Market, Nanos, Qty, Side, TickKind};
use nofx_venue::board::{Board, Said};
use nofx_venue::publish::sse;

use super::market::{Tape, Written};
use crate::cli::GenArgs;
use crate::failure::Failure;

const FILES: [&str; 2] = ["ticks.csv", "snapshots.csv"];
/// Time between snapshots of a security that changed.
const SNAPSHOT_NS: u64 = 3_000_000_000;

/// The tape of Shanghai.
pub(super) struct Records {
    ticks: TickWriter,
    snapshots: SnapshotWriter,
    paths: Vec<PathBuf>,
    /// By row, since the last snapshots.
    touched: Vec<bool>,
    snapshots_at: Nanos,
    messages: BTreeMap<String, u64>,
    failed: Option<TickError>,
}

impl Records {
    pub fn create(args: &GenArgs, board: &Board) -> Result<Records, Failure> {
        let paths: Vec<PathBuf> = FILES.iter().map(|name| args.out.join(name)).collect();
        Ok(Records {
            ticks: TickWriter::create(&paths[0], Market::Sse).map_err(Failure::output)?,
            snapshots: SnapshotWriter::create(&paths[1], Market::Sse).map_err(Failure::output)?,
            paths,
            touched: vec![false; board.securities().len()],
            snapshots_at: board.now(),
            messages: BTreeMap::new(),
            failed: None,
        })
    }

    fn keep(&mut self, written: Result<(), TickError>) {
        self.failed = self.failed.take().or(written.err());
    }

    fn count(&mut self, name: &str) {
        *self.messages.entry(name.to_owned()).or_default() += 1;
    }
}

impl Tape for Records {
    fn open(&mut self, _: &Board) {}

    fn said(&mut self, said: &Said, board: &Board) {
        let Some(tick) = sse::tick(said, board) else { return };
        if let Some(touched) = self.touched.get_mut(said.row as usize) {
            *touched = true;
        }
        self.count(match tick.kind {
            TickKind::Order { .. } => "order",
            TickKind::Cancel { .. } => "cancel",
            TickKind::Trade { .. } => "trade",
            TickKind::Phase(_) => "phase",
        });
        let written = self.ticks.write(&tick);
        self.keep(written);
    }

    fn turn(&mut self, now: Nanos, board: &Board) {
        if now.since(self.snapshots_at) < SNAPSHOT_NS {
            return;
        }
        self.snapshots_at = now;
        for row in 0..self.touched.len() {
            if std::mem::take(&mut self.touched[row]) {
                self.count("snapshot");
                let written = self.snapshots.write(&snapshot(board, row as u32, now));
                self.keep(written);
            }
        }
    }

    fn check(&mut self) -> Result<(), Failure> {
        self.failed.take().map_or(Ok(()), |error| Err(Failure::output(error)))
    }

    fn finish(mut self: Box<Self>, _: Nanos) -> Result<Written, Failure> {
        self.check()?;
        self.ticks.finish().map_err(Failure::output)?;
        self.snapshots.finish().map_err(Failure::output)?;
        Ok(Written { paths: self.paths, messages: self.messages, losses: None })
    }
}

fn snapshot(board: &Board, row: u32, now: Nanos) -> Snapshot {
    let security = &board.securities()[row as usize];
    let totals = board.totals(row);
    let side = |side| {
        let mut levels = [Level::default(); DEPTH];
        levels.iter_mut().zip(board.levels(row, side)).for_each(|(slot, level)| *slot = level);
        levels
    };
    Snapshot {
        symbol: security.symbol,
        exch_ns: now,
        num_trades: totals.trades,
        volume: Qty(totals.volume),
        value_e4: totals.turnover,
        last: totals.last,
        previous_close: security.previous_close,
        limit_low: security.limit_low,
        limit_high: security.limit_high,
        phase: board.stage().phase(),
        levels: Side::BOTH.map(side),
    }
}
