//! Files of ticks and snapshots as vendors write them, read onto one record.
//!
//! Model: a research file is read whole. [`content`] unpacks it (plain, gzip, zstd, zip); the first
//! bytes say what it is: the key=value log of an engine, CSV, or Parquet. Each of them is rows of
//! named cells, and a [`Layout`] says what the cells mean: names, scales, codes, forms of date and
//! time. Layouts are data: the built-in ones stand in `layouts/*.toml`, a user's own is another such
//! file. What comes out is [`Tick`](nofx_types::Tick)s and [`Snapshot`]s, sorted by channel and
//! number (channels are joined by time), so the order of lines does not matter.
//!
//! ```text
//!  file -> content -> rows of cells -> Layout -> Tick, Snapshot -> sorted -> TickFile
//!          unpacked   log, CSV,        codes,    bad rows: place, column,
//!                     Parquet          scales    value, reason, and a hole
//! ```
//!
//! A row that cannot be read is counted, the first of them are kept with file, line, column, value
//! and reason, and where it could have changed a book it leaves a [`Hole`]: from there on the
//! security (all of them, if the row does not say which) is not to be trusted.
//!
//! Worst case: memory is the unpacked file (one at a time) plus 72 bytes a tick and 584 a snapshot;
//! time is linear but for the sort. Nothing panics on outside bytes.
#![forbid(unsafe_code)]

mod bad;
mod clock;
mod collect;
pub mod content;
mod csv_rows;
mod error;
mod file;
mod layout;
mod log;
mod number;
mod options;
mod parquet_rows;
mod reader;
mod snapshot;
mod table;
mod write;

pub use bad::{BadRow, BadRows, Reason};
pub use error::TickError;
pub use file::{Hole, SymbolInfo, TickFile};
pub use layout::Layout;
pub use options::TickOptions;
pub use reader::{is_ticks, open, open_with};
pub use snapshot::{DEPTH, Snapshot};
pub use table::price_step;
pub use write::{SnapshotWriter, TickWriter};

/// What the fuzz target and the tests of damaged rows call: reads `bytes` as a file of ticks,
/// whatever they are; `None` where nothing says what they hold.
pub fn read_bytes(bytes: &[u8], options: &TickOptions) -> Option<TickFile> {
    reader::from_bytes(bytes, options).ok()
}
