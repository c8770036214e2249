//! The unpacked content of a file: plain, gzip, zstd, or an entry of a zip archive.
//!
//! Compression is told by the first bytes. Of a zip archive the only file in it is taken, or the
//! only one that ends in `.csv`, `.log`, `.txt` or `.parquet`; `archive.zip#entry` names one.

use std::borrow::Cow;
use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use nofx_net::bytes::{ByteSource, WINDOW};
use zip::ZipArchive;

use crate::TickError;

/// First bytes of a zip archive with something in it (APPNOTE 4.3.7).
const ZIP: [u8; 4] = *b"PK\x03\x04";
const ENDINGS: [&str; 4] = ["csv", "log", "txt", "parquet"];

/// Splits `archive.zip#entry`; a file whose own name has a `#` is found first.
pub fn split(path: &Path) -> (PathBuf, Option<String>) {
    let text = path.to_string_lossy();
    match text.rsplit_once('#') {
        Some((archive, entry)) if !path.exists() => (archive.into(), Some(entry.to_owned())),
        _ => (path.to_owned(), None),
    }
}

/// All bytes of `path`, or its first `limit`.
///
/// # Errors
/// The file cannot be read or unpacked, or the archive does not say which entry is meant.
pub fn read(path: &Path, limit: usize) -> Result<Vec<u8>, TickError> {
    let (file, entry) = split(path);
    let mut head = [0; 4];
    let zipped = File::open(&file).and_then(|mut f| f.read_exact(&mut head)).is_ok() && head == ZIP;
    if zipped {
        return unzip(&file, entry.as_deref(), limit);
    }
    if let Some(entry) = entry {
        return Err(zip_error(&file, format!("no archive, so there is no {entry:?} in it")));
    }
    let mut source = ByteSource::open(&file)?;
    let mut bytes = Vec::new();
    while bytes.len() < limit {
        let window = source.ensure(WINDOW.min(limit))?;
        if window.is_empty() {
            break;
        }
        let taken = window.len().min(limit - bytes.len());
        bytes.extend_from_slice(window.get(..taken).unwrap_or(window));
        source.consume(taken);
    }
    match source.warning() {
        Some(cut) if bytes.len() < limit => Err(TickError::Usage(cut.to_string())),
        _ => Ok(bytes),
    }
}

fn unzip(path: &Path, entry: Option<&str>, limit: usize) -> Result<Vec<u8>, TickError> {
    let broken = |error: &dyn std::fmt::Display| zip_error(path, error.to_string());
    let mut file = File::open(path).map_err(|e| broken(&e))?;
    file.seek(SeekFrom::Start(0)).map_err(|e| broken(&e))?;
    let mut archive = ZipArchive::new(BufReader::new(file)).map_err(|e| broken(&e))?;
    let name = match entry {
        Some(entry) => entry.to_owned(),
        None => choose(&archive).map_err(|reason| zip_error(path, reason))?,
    };
    let found = archive.by_name(&name).map_err(|e| zip_error(path, format!("{name}: {e}")))?;
    let mut bytes = Vec::with_capacity(limit.min(found.size() as usize).min(1 << 32));
    let taken = found.take(limit as u64).read_to_end(&mut bytes);
    taken.map_err(|e| zip_error(path, format!("{name}: {e}")))?;
    Ok(bytes)
}

/// The one entry that can be meant.
fn choose<R: Read + Seek>(archive: &ZipArchive<R>) -> Result<String, String> {
    let names = archive.file_names().filter_map(Result::ok).map(Cow::into_owned);
    let files: Vec<String> = names.filter(|name| !name.ends_with('/')).collect();
    let known = |name: &&String| {
        let ending = name.rsplit_once('.').map_or("", |(_, ending)| ending);
        ENDINGS.iter().any(|known| ending.eq_ignore_ascii_case(known))
    };
    let fitting: Vec<_> = files.iter().filter(known).collect();
    match (files.as_slice(), fitting.as_slice()) {
        ([one], _) => Ok(one.clone()),
        (_, [one]) => Ok((*one).clone()),
        _ => Err(format!("holds {}: name one as archive.zip#entry", files.join(", "))),
    }
}

fn zip_error(file: &Path, reason: String) -> TickError {
    TickError::Zip { file: file.to_owned(), reason }
}
