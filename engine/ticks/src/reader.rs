//! Files in, one sorted [`TickFile`] out.

use std::path::{Path, PathBuf};

use nofx_types::Market;

use crate::collect::Collector;
use crate::layout::{self, Layout};
use crate::table::Day;
use crate::{TickError, TickFile, TickOptions, content, csv_rows, log, parquet_rows};

/// Bytes that tell what a file holds.
const HEAD: usize = 64 << 10;
/// First bytes of Parquet.
const PARQUET: &[u8] = b"PAR1";

/// Takes bytes done and bytes in all.
pub(crate) type Progress<'a> = dyn FnMut(u64, u64) + 'a;

/// Reads `paths` as one day. See [`open_with`].
///
/// # Errors
/// As [`open_with`].
pub fn open(paths: &[PathBuf], options: &TickOptions) -> Result<TickFile, TickError> {
    open_with(paths, options, &mut |_, _| {})
}

/// Reads `paths` as one day: any number of files of ticks, orders, trades and snapshots, each of any
/// known form. `progress` hears how many bytes of the files are done, and of how many.
///
/// # Errors
/// A file that cannot be read or recognised, a layout that does not fit it, a day that nothing
/// names. Bad rows are no error.
pub fn open_with(
    paths: &[PathBuf],
    options: &TickOptions,
    progress: &mut Progress<'_>,
) -> Result<TickFile, TickError> {
    let size = |path: &PathBuf| std::fs::metadata(content::split(path).0).map_or(0, |m| m.len());
    let total: u64 = paths.iter().map(size).sum();
    let mut done = 0;
    let mut collector = Collector::new(options);
    for path in paths {
        let (bytes, size) = (content::read(path, usize::MAX)?, size(path));
        collector.begin_file(path);
        let mut share = |part: f64| progress(done + (size as f64 * part) as u64, total);
        read(&bytes, path, &mut collector, &mut share)?;
        done += size;
        progress(done, total);
    }
    Ok(collector.finish())
}

pub(crate) fn from_bytes(bytes: &[u8], options: &TickOptions) -> Result<TickFile, TickError> {
    let mut collector = Collector::new(options);
    let name = Path::new("20200101.bytes");
    collector.begin_file(name);
    read(bytes, name, &mut collector, &mut |_| {})?;
    Ok(collector.finish())
}

/// Whether `path` holds what a built-in layout, or the given one, reads.
pub fn is_ticks(path: &Path, layout: Option<&Layout>) -> bool {
    let Ok(head) = content::read(path, HEAD) else { return false };
    if head.starts_with(PARQUET) || log::is_log(&head) {
        return true;
    }
    let known = layout::built_in().unwrap_or_default();
    csv_rows::header(&head).is_some_and(|columns| {
        let columns: Vec<&str> = columns.iter().map(String::as_str).collect();
        layout.into_iter().chain(&known).any(|layout| csv_rows::table(layout, &columns).is_some())
    })
}

fn read(
    bytes: &[u8],
    path: &Path,
    collector: &mut Collector<'_>,
    share: &mut dyn FnMut(f64),
) -> Result<(), TickError> {
    let options = collector.options();
    let given = options.layout.as_ref();
    if given.is_none() && log::is_log(bytes) {
        return log::read(bytes, path, &layout::log()?, collector, share);
    }
    let built_in = if given.is_none() { layout::built_in()? } else { Vec::new() };
    let layouts: Vec<&Layout> = given.into_iter().chain(&built_in).collect();
    if bytes.starts_with(PARQUET) {
        return parquet_rows::read(bytes, path, &layouts, collector, share);
    }
    if given.is_some() && log::is_log(bytes) {
        return log::read(bytes, path, layouts.first().ok_or_else(no_layout)?, collector, share);
    }
    csv_rows::read(bytes, path, &layouts, collector, share)
}

fn no_layout() -> TickError {
    TickError::Usage("no layout".into())
}

/// The day of a file whose rows name none: the one asked for, else the first day in its path.
pub(crate) fn day(path: &Path, options: &TickOptions, layout: &Layout) -> Day {
    let date = options.date.or_else(|| {
        path.components().rev().find_map(|part| day_in(&part.as_os_str().to_string_lossy()))
    });
    Day {
        midnight: date.map(|date| date.midnight_ns(Market::HOURS_EAST)),
        market: layout.market,
        price_step: options.price_step,
    }
}

/// Eight digits in a row that are a day, and no digit beside them.
fn day_in(text: &str) -> Option<nofx_types::Date> {
    let runs = text.split(|c: char| !c.is_ascii_digit()).filter(|run| run.len() == 8);
    runs.filter_map(|run| run.parse().ok()).next()
}

/// The file says no day, and nobody else does.
pub(crate) fn dateless(path: &Path) -> TickError {
    TickError::Usage(format!(
        "{}: its rows name no day: give ticks.date = \"YYYY-MM-DD\", or a path with YYYYMMDD in it",
        path.display()
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_in_a_path_is_eight_digits_that_are_a_day() {
        let day = |text| day_in(text).map(|day| day.number());
        assert_eq!(day("sse-600519-20230207"), Some(20_230_207));
        assert_eq!(day("20230207.csv"), Some(20_230_207));
        assert_eq!(day("120230207"), None);
        assert_eq!(day("20231307_20230301"), Some(20_230_301));
    }
}
