//! Tables as Parquet files that pandas and polars load as they are.
//!
//! Integers stay integers: a column named `*_e4` counts 1/10,000, `*_ns` nanoseconds. Written through
//! the column writers of the `parquet` crate (no Arrow), zstd-compressed, one row group a flush.

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::sync::Arc;

use parquet::basic::{Compression, LogicalType, Repetition, Type as Physical, ZstdLevel};
use parquet::column::reader::{ColumnReader, ColumnReaderImpl};
use parquet::data_type::{ByteArray, ByteArrayType, DataType, DoubleType, Int64Type};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::types::Type;

/// A column's values in one row group.
pub enum Column {
    /// Signed integers.
    Int(Vec<i64>),
    /// Floating-point numbers.
    Float(Vec<f64>),
    /// Text.
    Text(Vec<String>),
}

/// The kind of a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ColumnKind {
    /// Signed 64-bit integers.
    Int,
    /// 64-bit floats.
    Float,
    /// UTF-8 text.
    Text,
}

/// Writes a table, a row group at a time.
pub struct TableWriter<W: Write + Send> {
    writer: SerializedFileWriter<W>,
}

impl<W: Write + Send> TableWriter<W> {
    /// A table of these columns.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn new(out: W, columns: &[(&str, ColumnKind)]) -> Result<TableWriter<W>, ParquetError> {
        let fields = columns.iter().map(|(name, kind)| field(name, *kind));
        let fields = fields.collect::<Result<Vec<_>, _>>()?;
        let schema = Type::group_type_builder("nofx").with_fields(fields).build()?;
        let properties = WriterProperties::builder()
            .set_compression(Compression::ZSTD(ZstdLevel::try_new(1)?))
            .build();
        let writer = SerializedFileWriter::new(out, Arc::new(schema), Arc::new(properties))?;
        Ok(TableWriter { writer })
    }

    /// Appends rows; every column must have the same length and the declared kind.
    ///
    /// # Errors
    /// The file cannot be written, or the columns do not match the declaration.
    pub fn append(&mut self, columns: Vec<Column>) -> Result<(), ParquetError> {
        let mut group = self.writer.next_row_group()?;
        for column in columns {
            let Some(mut out) = group.next_column()? else {
                return Err(ParquetError::General("more columns than declared".into()));
            };
            match column {
                Column::Int(v) => out.typed::<Int64Type>().write_batch(&v, None, None)?,
                Column::Float(v) => out.typed::<DoubleType>().write_batch(&v, None, None)?,
                Column::Text(v) => {
                    let v: Vec<ByteArray> = v.iter().map(|s| ByteArray::from(s.as_str())).collect();
                    out.typed::<ByteArrayType>().write_batch(&v, None, None)?
                }
            };
            out.close()?;
        }
        group.close()?;
        Ok(())
    }

    /// Writes the footer and hands the output back.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn finish(self) -> Result<W, ParquetError> {
        self.writer.into_inner()
    }
}

fn field(name: &str, kind: ColumnKind) -> Result<Arc<Type>, ParquetError> {
    let physical = match kind {
        ColumnKind::Int => Physical::INT64,
        ColumnKind::Float => Physical::DOUBLE,
        ColumnKind::Text => Physical::BYTE_ARRAY,
    };
    let logical = (kind == ColumnKind::Text).then_some(LogicalType::String);
    let builder = Type::primitive_type_builder(name, physical)
        .with_repetition(Repetition::REQUIRED)
        .with_logical_type(logical);
    Ok(Arc::new(builder.build()?))
}

/// Reads a table back, a row group at a time, all columns in declared order.
///
/// # Errors
/// The file is missing, is no Parquet file, or has columns of other kinds.
pub fn read_groups(path: &Path, mut take: impl FnMut(Vec<Column>)) -> Result<(), ParquetError> {
    let file = File::open(path).map_err(|e| ParquetError::General(e.to_string()))?;
    let reader = SerializedFileReader::new(file)?;
    for index in 0..reader.num_row_groups() {
        let group = reader.get_row_group(index)?;
        let rows = group.metadata().num_rows().max(0) as usize;
        let columns =
            (0..group.num_columns()).map(|i| read_column(group.get_column_reader(i)?, rows));
        take(columns.collect::<Result<_, _>>()?);
    }
    Ok(())
}

fn read_column(reader: ColumnReader, rows: usize) -> Result<Column, ParquetError> {
    fn all<T: DataType>(
        mut reader: ColumnReaderImpl<T>,
        rows: usize,
    ) -> Result<Vec<T::T>, ParquetError> {
        let mut values = Vec::with_capacity(rows);
        while values.len() < rows {
            let before = values.len();
            reader.read_records(rows - before, None, None, &mut values)?;
            if values.len() == before {
                return Err(ParquetError::General(format!("{before} of {rows} rows are there")));
            }
        }
        Ok(values)
    }
    match reader {
        ColumnReader::Int64ColumnReader(r) => Ok(Column::Int(all(r, rows)?)),
        ColumnReader::DoubleColumnReader(r) => Ok(Column::Float(all(r, rows)?)),
        ColumnReader::ByteArrayColumnReader(r) => {
            let texts = all(r, rows)?;
            let texts = texts.iter().map(|t| String::from_utf8_lossy(t.data()).into_owned());
            Ok(Column::Text(texts.collect()))
        }
        _ => Err(ParquetError::General("a column of a kind this program does not write".into())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_back_group_by_group() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("t.parquet");
        let columns = [("n", ColumnKind::Int), ("x", ColumnKind::Float), ("s", ColumnKind::Text)];
        let mut table =
            TableWriter::new(File::create(&path).expect("a file"), &columns).expect("a table");
        for start in [0i64, 1_000] {
            let n: Vec<_> = (start..start + 1_000).collect();
            let x = n.iter().map(|n| *n as f64 / 2.0).collect();
            let s = n.iter().map(|n| format!("row {n}")).collect();
            table.append(vec![Column::Int(n), Column::Float(x), Column::Text(s)]).expect("rows");
        }
        table.finish().expect("a footer");
        let mut next = 0;
        read_groups(&path, |columns| match &columns[..] {
            [Column::Int(n), Column::Float(x), Column::Text(s)] => {
                for ((n, x), s) in n.iter().zip(x).zip(s) {
                    assert_eq!(
                        (*n, *x, s.as_str()),
                        (next, next as f64 / 2.0, &*format!("row {next}"))
                    );
                    next += 1;
                }
            }
            _ => panic!("other columns"),
        })
        .expect("a table");
        assert_eq!(next, 2_000);
    }

    #[test]
    fn a_file_that_is_no_table_is_an_error() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("t.parquet");
        std::fs::write(&path, b"PAR1 but not really").expect("a file");
        assert!(read_groups(&path, |_| ()).is_err());
        assert!(read_groups(&dir.path().join("absent"), |_| ()).is_err());
    }
}
