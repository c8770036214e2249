//! Rows of Parquet: each cell becomes the text that CSV would have, so that a layout means the same
//! for both.

use std::io::Write;
use std::path::Path;

use parquet::data_type::AsBytes;
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::record::Field;

use crate::TickError;
use crate::collect::Collector;
use crate::csv_rows::{choose, take};
use crate::layout::Layout;
use crate::table::Cells;

/// Rows between two reports of progress.
const STRIDE: u64 = 1 << 13;

/// One row as text.
#[derive(Default)]
struct TextRow(Vec<Vec<u8>>);

impl Cells for TextRow {
    fn cell(&self, at: usize) -> Option<&[u8]> {
        self.0.get(at).map(Vec::as_slice)
    }
}

pub(crate) fn read(
    bytes: &[u8],
    path: &Path,
    layouts: &[&Layout],
    collector: &mut Collector<'_>,
    share: &mut dyn FnMut(f64),
) -> Result<(), TickError> {
    let broken = |error: parquet::errors::ParquetError| TickError::Parquet {
        file: path.to_owned(),
        reason: error.to_string(),
    };
    let bytes = bytes::Bytes::copy_from_slice(bytes);
    let reader = SerializedFileReader::new(bytes).map_err(broken)?;
    let total = reader.metadata().file_metadata().num_rows().max(1) as f64;
    let fields = reader.metadata().file_metadata().schema().get_fields().to_vec();
    let names: Vec<String> = fields.iter().map(|field| field.name().to_owned()).collect();
    let columns: Vec<&str> = names.iter().map(String::as_str).collect();
    let mut rows = choose(path, layouts, &columns, collector)?;
    let mut text = TextRow(vec![Vec::new(); columns.len()]);
    for (number, row) in (1u64..).zip(reader.get_row_iter(None).map_err(broken)?) {
        let row = row.map_err(broken)?;
        for (cell, (_, field)) in text.0.iter_mut().zip(row.get_column_iter()) {
            cell.clear();
            write(field, cell);
        }
        take(&mut rows, &text, number, &names, collector);
        if number % STRIDE == 0 {
            share(number as f64 / total);
        }
    }
    Ok(())
}

/// The text of a field; times are whole numbers of their unit (`epoch_ms`, `epoch_us`).
fn write(field: &Field, out: &mut Vec<u8>) {
    let written = match field {
        Field::Null => Ok(()),
        Field::Str(text) => out.write_all(text.as_bytes()),
        Field::Bytes(bytes) => out.write_all(bytes.as_bytes()),
        Field::Float(value) => write!(out, "{value}"),
        Field::Double(value) => write!(out, "{value}"),
        Field::TimestampMillis(at) | Field::TimestampMicros(at) => write!(out, "{at}"),
        Field::Date(days) => {
            let ns = u64::try_from(*days).unwrap_or(0) * 86_400_000_000_000;
            write!(out, "{}", nofx_types::Date::of_ns(ns, 0))
        }
        // Whole numbers and truth values show as themselves; nested values match no layout.
        other => write!(out, "{other}"),
    };
    debug_assert!(written.is_ok(), "memory takes what is written");
}
