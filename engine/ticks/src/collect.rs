//! Collects rows of all files, then sorts them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use nofx_types::{Market, Nanos, OrderRef, Price, Qty, Symbol, Tick, TickKind};

use crate::table::{Cells, Fault, Row};
use crate::{BadRow, BadRows, Hole, Reason, Snapshot, SymbolInfo, TickFile, TickOptions};

/// Characters of a bad value that are kept.
const VALUE_MAX: usize = 40;

/// A tick and where it stood, or a row that is lost.
struct Placed {
    tick: Tick,
    line: u32,
    file: u16,
    lost: bool,
}

pub(crate) struct Collector<'a> {
    options: &'a TickOptions,
    rows: Vec<Placed>,
    out: TickFile,
    symbols: BTreeMap<Symbol, SymbolInfo>,
    /// The security of the row before: most rows are of the same.
    seen: Option<(Symbol, Market)>,
    files: Vec<PathBuf>,
    /// Last number of each channel in this file.
    last: Vec<(u16, u64)>,
}

impl<'a> Collector<'a> {
    pub fn new(options: &'a TickOptions) -> Collector<'a> {
        let bad = BadRows::new(options.bad_rows_kept);
        Collector {
            options,
            rows: Vec::new(),
            out: TickFile { bad, ..TickFile::default() },
            symbols: BTreeMap::new(),
            seen: None,
            files: Vec::new(),
            last: Vec::new(),
        }
    }

    pub fn options(&self) -> &'a TickOptions {
        self.options
    }

    pub fn begin_file(&mut self, path: &Path) {
        self.files.push(path.to_owned());
        self.last.clear();
    }

    pub fn used(&mut self, layout: &str) {
        if !self.out.layouts.iter().any(|known| known == layout) {
            self.out.layouts.push(layout.to_owned());
        }
    }

    /// A row of ticks.
    #[inline]
    pub fn tick(
        &mut self,
        read: Result<Row<Tick>, Fault>,
        line: u64,
        cells: &impl Cells,
        names: &[String],
    ) {
        match read {
            Ok(Row::Of(tick, market)) if self.wanted(tick.symbol, market) => {
                self.in_order(tick.channel, tick.seq);
                self.place(tick, line, false);
            }
            Ok(_) => self.out.skipped += 1,
            Err(fault) => self.bad_tick(fault, line, cells, names),
        }
    }

    /// A row of snapshots: a bad one changes no book.
    pub fn snapshot(
        &mut self,
        read: Result<Row<Snapshot>, Fault>,
        line: u64,
        cells: &impl Cells,
        names: &[String],
    ) {
        match read {
            Ok(Row::Of(snapshot, market)) if self.wanted(snapshot.symbol, market) => {
                self.learn(&snapshot);
                self.out.snapshots.push(snapshot);
            }
            Ok(_) => self.out.skipped += 1,
            Err(fault) => self.note(&fault, line, cells, names),
        }
    }

    #[inline]
    fn wanted(&mut self, symbol: Symbol, market: Market) -> bool {
        if self.seen == Some((symbol, market)) {
            return true;
        }
        let options = self.options;
        let wanted = options.market.is_none_or(|of| of == market)
            && (options.symbols.is_empty() || options.symbols.contains(&symbol));
        if wanted {
            self.seen = Some((symbol, market));
            let none = Price(0);
            self.symbols.entry(symbol).or_insert(SymbolInfo {
                symbol,
                market,
                previous_close: none,
                limit_low: none,
                limit_high: none,
            });
        }
        wanted
    }

    fn learn(&mut self, snapshot: &Snapshot) {
        let Some(info) = self.symbols.get_mut(&snapshot.symbol) else { return };
        for (known, said) in [
            (&mut info.previous_close, snapshot.previous_close),
            (&mut info.limit_low, snapshot.limit_low),
            (&mut info.limit_high, snapshot.limit_high),
        ] {
            if said.0 > 0 {
                *known = said;
            }
        }
    }

    #[inline]
    fn in_order(&mut self, channel: u16, seq: u64) {
        match self.last.iter_mut().find(|(of, _)| *of == channel) {
            Some((_, last)) => {
                self.out.unsorted += u64::from(seq < *last);
                *last = seq;
            }
            None => self.last.push((channel, seq)),
        }
    }

    #[inline]
    fn place(&mut self, tick: Tick, line: u64, lost: bool) {
        let file = self.files.len().saturating_sub(1) as u16;
        self.rows.push(Placed { tick, line: u32::try_from(line).unwrap_or(u32::MAX), file, lost });
    }

    #[cold]
    fn bad_tick(&mut self, fault: Fault, line: u64, cells: &impl Cells, names: &[String]) {
        let others = self.options.symbols.as_slice();
        if fault.symbol.is_some_and(|symbol| !others.is_empty() && !others.contains(&symbol)) {
            self.out.skipped += 1;
            return;
        }
        self.note(&fault, line, cells, names);
        match fault.key {
            Some((channel, seq)) => self.place(lost(channel, seq, fault.symbol), line, true),
            // It may have stood anywhere.
            None => self.out.holes.push(Hole { before: 0, symbol: fault.symbol }),
        }
    }

    fn note(&mut self, fault: &Fault, line: u64, cells: &impl Cells, names: &[String]) {
        let file = self.files.last();
        self.out.bad.note(fault.reason, || BadRow {
            file: file.cloned().unwrap_or_default(),
            line,
            column: names.get(fault.column).map_or("row", String::as_str).to_owned(),
            value: shortened(cells.cell(fault.column).unwrap_or_default()),
            reason: fault.reason,
        });
    }

    /// Sorts everything.
    pub fn finish(mut self) -> TickFile {
        let mut rows = core::mem::take(&mut self.rows);
        rows.sort_by_key(|row| (row.tick.channel, row.tick.seq));
        let channels = rows.windows(2).any(|pair| match pair {
            [a, b] => a.tick.channel != b.tick.channel,
            _ => false,
        });
        if channels {
            join_by_time(&mut rows);
        }
        let mut before: Option<&Placed> = None;
        self.out.ticks = Vec::with_capacity(rows.len());
        for row in &rows {
            let here = self.out.ticks.len();
            let hole = |symbol| Hole { before: here, symbol };
            if row.lost {
                let symbol = Some(row.tick.symbol).filter(|symbol| *symbol != Symbol::NONE);
                self.out.holes.push(hole(symbol));
                continue;
            }
            match before.filter(|before| key(before) == key(row)) {
                None => {
                    self.out.ticks.push(row.tick);
                    before = Some(row);
                }
                Some(before) if before.tick == row.tick => {
                    note_repeat(&mut self.out.bad, &self.files, row, Reason::Duplicate);
                }
                Some(before) => {
                    note_repeat(&mut self.out.bad, &self.files, row, Reason::Repeat);
                    self.out.holes.push(hole(Some(before.tick.symbol)));
                    if before.tick.symbol != row.tick.symbol {
                        self.out.holes.push(hole(Some(row.tick.symbol)));
                    }
                }
            }
        }
        self.out.snapshots.sort_by_key(|snapshot| snapshot.exch_ns);
        self.out.symbols = self.symbols.into_values().collect();
        self.out
    }
}

const fn key(row: &Placed) -> (u16, u64) {
    (row.tick.channel, row.tick.seq)
}

fn note_repeat(bad: &mut BadRows, files: &[PathBuf], row: &Placed, reason: Reason) {
    bad.note(reason, || BadRow {
        file: files.get(usize::from(row.file)).cloned().unwrap_or_default(),
        line: row.line.into(),
        column: "seq".into(),
        value: format!("channel {} number {}", row.tick.channel, row.tick.seq),
        reason,
    });
}

/// Stands where a lost row would.
fn lost(channel: u16, seq: u64, symbol: Option<Symbol>) -> Tick {
    Tick {
        channel,
        seq,
        symbol: symbol.unwrap_or(Symbol::NONE),
        exch_ns: Nanos(0),
        kind: TickKind::Trade { aggressor: None },
        bid: OrderRef(0),
        offer: OrderRef(0),
        price: Price(0),
        qty: Qty(0),
    }
}

/// Joins channels by time without changing the order inside any: a tick counts as not before the
/// one in front of it.
fn join_by_time(rows: &mut [Placed]) {
    let (mut channel, mut now) = (None, Nanos(0));
    let mut times = Vec::with_capacity(rows.len());
    for row in rows.iter() {
        if channel != Some(row.tick.channel) {
            (channel, now) = (Some(row.tick.channel), Nanos(0));
        }
        now = now.max(row.tick.exch_ns);
        times.push(now);
    }
    // Stable by index: rows of one channel have rising times already.
    let mut order: Vec<usize> = (0..rows.len()).collect();
    order.sort_by_key(|at| times.get(*at).copied());
    permute(rows, order);
}

/// Puts `rows[order[i]]` at `i`, following each cycle once.
fn permute(rows: &mut [Placed], mut order: Vec<usize>) {
    for start in 0..rows.len() {
        let mut at = start;
        while let Some(from) = order.get(at).copied().filter(|from| *from != at) {
            if let Some(slot) = order.get_mut(at) {
                *slot = at;
            }
            if from == start {
                break;
            }
            rows.swap(at, from);
            at = from;
        }
    }
}

fn shortened(value: &[u8]) -> String {
    let text = String::from_utf8_lossy(value.get(..VALUE_MAX).unwrap_or(value)).into_owned();
    if value.len() > VALUE_MAX { text + "..." } else { text }
}
