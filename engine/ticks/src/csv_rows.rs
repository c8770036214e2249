//! Rows of CSV.

use std::path::Path;

use csv::{ByteRecord, ReaderBuilder};

use crate::TickError;
use crate::collect::Collector;
use crate::layout::{Layout, SnapshotTable, TickTable};
use crate::reader::{dateless, day};
use crate::table::{Cells, Day, Header, SnapshotRows, TickRows};

/// Rows between two reports of progress.
const STRIDE: u64 = 1 << 14;
const BOM: &[u8] = b"\xEF\xBB\xBF";

impl Cells for ByteRecord {
    #[inline]
    fn cell(&self, at: usize) -> Option<&[u8]> {
        self.get(at)
    }
}

/// The table of a layout that a file belongs to.
pub(crate) enum Table<'a> {
    Ticks(&'a TickTable),
    Snapshots(&'a SnapshotTable),
}

/// A table bound to a file.
pub(crate) enum Rows {
    Ticks(Box<TickRows>),
    Snapshots(Box<SnapshotRows>),
}

/// The table all of whose columns are there.
pub(crate) fn table<'a>(layout: &'a Layout, columns: &[&str]) -> Option<Table<'a>> {
    let header = Header(columns.to_vec());
    let day = Day { midnight: None, market: None, price_step: None };
    let fits = |table: &&TickTable| TickRows::bind(table, &header, day).is_ok();
    if let Some(table) = layout.tick_tables().map(|(_, table)| table).find(fits) {
        return Some(Table::Ticks(table));
    }
    let snapshots = layout.snapshots.as_ref()?;
    SnapshotRows::bind(snapshots, &header, day).is_ok().then_some(Table::Snapshots(snapshots))
}

/// Chooses among `layouts` by the columns, and binds.
pub(crate) fn choose(
    path: &Path,
    layouts: &[&Layout],
    columns: &[&str],
    collector: &mut Collector<'_>,
) -> Result<Rows, TickError> {
    let found = layouts.iter().find_map(|layout| Some((*layout, table(layout, columns)?)));
    let Some((layout, table)) = found else { return Err(unknown(path, layouts, columns)) };
    collector.used(layout.name());
    let day = day(path, collector.options(), layout);
    let header = Header(columns.to_vec());
    let unbound = |column: String| crate::table::missing(path, layout.name(), &column);
    let (rows, lacks_date) = match table {
        Table::Ticks(table) => {
            let rows = TickRows::bind(table, &header, day).map_err(unbound)?;
            let lacks = rows.lacks_date();
            (Rows::Ticks(Box::new(rows)), lacks)
        }
        Table::Snapshots(table) => {
            let rows = SnapshotRows::bind(table, &header, day).map_err(unbound)?;
            let lacks = rows.lacks_date();
            (Rows::Snapshots(Box::new(rows)), lacks)
        }
    };
    if lacks_date { Err(dateless(path)) } else { Ok(rows) }
}

/// The column names of the first line, if it is one.
pub(crate) fn header(bytes: &[u8]) -> Option<Vec<String>> {
    let bytes = bytes.strip_prefix(BOM).unwrap_or(bytes);
    let mut reader = ReaderBuilder::new().from_reader(bytes);
    let names = reader.byte_headers().ok()?;
    names.iter().map(|name| String::from_utf8(name.trim_ascii().to_vec()).ok()).collect()
}

pub(crate) fn read(
    bytes: &[u8],
    path: &Path,
    layouts: &[&Layout],
    collector: &mut Collector<'_>,
    share: &mut dyn FnMut(f64),
) -> Result<(), TickError> {
    let names = header(bytes).unwrap_or_default();
    let columns: Vec<&str> = names.iter().map(String::as_str).collect();
    let mut rows = choose(path, layouts, &columns, collector)?;
    let bytes = bytes.strip_prefix(BOM).unwrap_or(bytes);
    let mut reader = ReaderBuilder::new().flexible(true).from_reader(bytes);
    let mut record = ByteRecord::new();
    let mut number = 0;
    // Reading from memory with any number of fields, no record is an error.
    while reader.read_byte_record(&mut record).unwrap_or(false) {
        let place = record.position().map_or((0, 0), |at| (at.line(), at.byte()));
        take(&mut rows, &record, place.0, &names, collector);
        number += 1;
        if number % STRIDE == 0 {
            share(place.1 as f64 / bytes.len().max(1) as f64);
        }
    }
    Ok(())
}

#[inline]
pub(crate) fn take(
    rows: &mut Rows,
    cells: &impl Cells,
    line: u64,
    columns: &[String],
    collector: &mut Collector<'_>,
) {
    match rows {
        Rows::Ticks(rows) => collector.tick(rows.read(cells), line, cells, columns),
        Rows::Snapshots(rows) => collector.snapshot(rows.read(cells), line, cells, columns),
    }
}

/// Names, for the layout that comes closest, the column that is missing.
fn unknown(path: &Path, layouts: &[&Layout], columns: &[&str]) -> TickError {
    let header = Header(columns.to_vec());
    let day = Day { midnight: None, market: None, price_step: None };
    let first_missing = |layout: &Layout| {
        let ticks = layout.tick_tables().filter_map(|(name, table)| {
            Some(format!("{name} wants {:?}", TickRows::bind(table, &header, day).err()?))
        });
        let snapshots = layout.snapshots.as_ref().and_then(|table| {
            Some(format!("snapshots wants {:?}", SnapshotRows::bind(table, &header, day).err()?))
        });
        ticks.chain(snapshots).collect::<Vec<_>>().join(", ")
    };
    let reason = match layouts {
        [one] => {
            format!("its columns fit no table of layout {}: {}", one.name(), first_missing(one))
        }
        _ => {
            let names: Vec<_> = layouts.iter().map(|layout| layout.name()).collect();
            let seen: String = columns.join(",").chars().take(80).collect();
            format!(
                "its columns ({seen}) are of no known layout ({}): describe them in one of your own \
                 (docs/ticks.md)",
                names.join(", ")
            )
        }
    };
    TickError::Unknown { file: path.to_owned(), reason }
}
