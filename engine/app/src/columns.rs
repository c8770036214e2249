//! Tables as Parquet files that pandas and polars load as they are.
//!
//! Integers stay integers: a column named `*_e4` counts 1/10,000, `*_ns` nanoseconds. Written through
//! the column writers of the `parquet` crate (no Arrow), zstd-compressed, one row group a flush.

use std::io::Write;
use std::sync::Arc;

use parquet::basic::{Compression, LogicalType, Repetition, Type as Physical, ZstdLevel};
use parquet::data_type::{ByteArray, ByteArrayType, DoubleType, Int64Type};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
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
