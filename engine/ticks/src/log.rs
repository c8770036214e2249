//! Rows of a text log: a line a message, `key=value` fields with blanks between, in any order of
//! lines. Each value of `MsgType` is a table of its own; its columns are the keys of its first line,
//! and are looked up again when a line has others.

use std::ops::Range;
use std::path::Path;

use crate::TickError;
use crate::collect::Collector;
use crate::csv_rows::{Rows, take};
use crate::layout::Layout;
use crate::reader::{dateless, day};
use crate::table::{Cells, Header, SnapshotRows, TickRows};

const KIND: &[u8] = b"MsgType=";
/// Lines between two reports of progress.
const STRIDE: u64 = 1 << 13;

/// Whether the first line that is not blank looks like one of a log.
pub(crate) fn is_log(bytes: &[u8]) -> bool {
    let mut lines = bytes.split(|byte| *byte == b'\n').filter(|line| !line.trim_ascii().is_empty());
    lines.next().is_some_and(|line| {
        let fields: Vec<_> = fields(line).collect();
        fields.len() > 3 && line.windows(KIND.len()).any(|window| window == KIND)
    })
}

/// A line, split.
struct Line<'a> {
    bytes: &'a [u8],
    keys: Vec<Range<usize>>,
    values: Vec<Range<usize>>,
}

impl Cells for Line<'_> {
    #[inline]
    fn cell(&self, at: usize) -> Option<&[u8]> {
        self.bytes.get(self.values.get(at)?.clone())
    }
}

impl<'a> Line<'a> {
    #[inline]
    fn split(&mut self, bytes: &'a [u8]) {
        self.bytes = bytes;
        self.keys.clear();
        self.values.clear();
        for (key, value) in fields(bytes) {
            self.keys.push(key);
            self.values.push(value);
        }
    }

    fn key(&self, at: usize) -> &'a [u8] {
        self.keys.get(at).and_then(|range| self.bytes.get(range.clone())).unwrap_or_default()
    }

    fn has_keys(&self, names: &[String]) -> bool {
        self.keys.len() == names.len()
            && names.iter().enumerate().all(|(at, name)| self.key(at) == name.as_bytes())
    }
}

/// Where keys and values stand in a line; `//` in front is no part of the first key.
fn fields(line: &[u8]) -> impl Iterator<Item = (Range<usize>, Range<usize>)> + '_ {
    let mut at = if line.starts_with(b"//") { 2 } else { 0 };
    std::iter::from_fn(move || {
        loop {
            let rest = line.get(at..).filter(|rest| !rest.is_empty())?;
            let blank = |byte: &u8| byte.is_ascii_whitespace();
            let start = at + rest.iter().position(|byte| !blank(byte))?;
            let word = line.get(start..)?;
            let end = start + word.iter().position(blank).unwrap_or(word.len());
            at = end;
            let sign = line.get(start..end)?.iter().position(|byte| *byte == b'=');
            if let Some(sign) = sign {
                return Some((start..start + sign, start + sign + 1..end));
            }
        }
    })
}

/// One `MsgType` of the log.
struct Message {
    kind: Vec<u8>,
    names: Vec<String>,
    rows: Rows,
}

pub(crate) fn read(
    bytes: &[u8],
    path: &Path,
    layout: &Layout,
    collector: &mut Collector<'_>,
    share: &mut dyn FnMut(f64),
) -> Result<(), TickError> {
    collector.used(layout.name());
    let mut line = Line { bytes: &[], keys: Vec::new(), values: Vec::new() };
    let mut known: Vec<Message> = Vec::new();
    let (mut number, mut at) = (0, 0);
    while let Some(rest) = bytes.get(at..).filter(|rest| !rest.is_empty()) {
        let end = rest.iter().position(|byte| *byte == b'\n').unwrap_or(rest.len());
        let text = rest.get(..end).unwrap_or(rest);
        (number, at) = (number + 1, at + end + 1);
        if number % STRIDE == 0 {
            share(at as f64 / bytes.len().max(1) as f64);
        }
        let Some(kind) = kind_of(text) else { continue };
        line.split(text);
        let found = known.iter().position(|message| message.kind == kind);
        let index = match found {
            Some(index) if known.get(index).is_some_and(|m| line.has_keys(&m.names)) => index,
            _ => {
                let Some(message) = bind(kind, &line, path, layout, collector)? else { continue };
                known.retain(|message| message.kind != kind);
                known.push(message);
                known.len() - 1
            }
        };
        if let Some(Message { names, rows, .. }) = known.get_mut(index) {
            take(rows, &line, number, names, collector);
        }
    }
    Ok(())
}

#[inline]
fn kind_of(line: &[u8]) -> Option<&[u8]> {
    let at = line.windows(KIND.len()).position(|window| window == KIND)?;
    let value = line.get(at + KIND.len()..)?;
    let end = value.iter().position(u8::is_ascii_whitespace).unwrap_or(value.len());
    value.get(..end)
}

/// The table of `kind` with the columns of `line`; `None` where the layout has none, or the line
/// lacks a column.
fn bind(
    kind: &[u8],
    line: &Line<'_>,
    path: &Path,
    layout: &Layout,
    collector: &Collector<'_>,
) -> Result<Option<Message>, TickError> {
    let keys = (0..line.keys.len()).map(|at| String::from_utf8_lossy(line.key(at)).into_owned());
    let names: Vec<String> = keys.collect();
    let header = Header(names.iter().map(String::as_str).collect());
    let day = day(path, collector.options(), layout);
    let is_kind = |message: &Option<String>| message.as_deref().map(str::as_bytes) == Some(kind);
    let ticks = layout.tick_tables().find(|(_, table)| is_kind(&table.message));
    let (rows, lacks_date) = if let Some((_, table)) = ticks {
        match TickRows::bind(table, &header, day) {
            Err(_) => return Ok(None),
            Ok(rows) => {
                let lacks = rows.lacks_date();
                (Rows::Ticks(Box::new(rows)), lacks)
            }
        }
    } else {
        let table = layout.snapshots.as_ref().filter(|table| is_kind(&table.message));
        match table.map(|table| SnapshotRows::bind(table, &header, day)) {
            None | Some(Err(_)) => return Ok(None),
            Some(Ok(rows)) => {
                let lacks = rows.lacks_date();
                (Rows::Snapshots(Box::new(rows)), lacks)
            }
        }
    };
    if lacks_date {
        return Err(dateless(path));
    }
    Ok(Some(Message { kind: kind.to_vec(), names, rows }))
}
