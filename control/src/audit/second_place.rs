//! The second place: a file of signed heads, in another directory or on another disk.
//!
//! Model: signed notes one after another, an empty line after each, appended and fsynced. A note that
//! was cut off by a crash is taken away before the next is written. The file is opened anew for each
//! note, so that it may be rotated. Reading is by the note: memory does not grow with the file.

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

/// From the end of the file, enough for the last note.
const TAIL: u64 = 64 * 1024;
/// A line of a note is shorter; a longer one is not of a note.
const MAX_LINE: u64 = 16 * 1024;

/// The file of signed heads.
#[derive(Clone, Debug)]
pub struct SecondPlace {
    path: PathBuf,
}

impl SecondPlace {
    /// Uses the file at `path`, which need not exist.
    pub fn new(path: &Path) -> SecondPlace {
        SecondPlace { path: path.to_owned() }
    }

    /// The last whole note, if there is one.
    pub fn last(&self) -> io::Result<Option<String>> {
        let Some(tail) = self.tail()? else { return Ok(None) };
        let whole = tail.get(..whole(&tail)).unwrap_or_default();
        Ok(notes(whole.as_bytes()).last().transpose()?.map(|(_, note)| note))
    }

    /// Takes away what a crash left of a note at the end.
    pub fn heal(&self) -> io::Result<()> {
        let Some(tail) = self.tail()? else { return Ok(()) };
        let torn = (tail.len() - whole(&tail)) as u64;
        // A whole tail without a note is not what a crash leaves: another file, not ours to cut.
        if torn > 0 && torn < TAIL {
            let file = File::options().write(true).open(&self.path)?;
            file.set_len(file.metadata()?.len() - torn)?;
            file.sync_all()?;
        }
        Ok(())
    }

    /// Appends a note and returns when it is on the disk.
    pub fn append(&self, note: &str) -> io::Result<()> {
        let is_new = !self.path.exists();
        let mut file = File::options().create(true).append(true).open(&self.path)?;
        let before = file.metadata()?.len();
        let written =
            file.write_all(format!("{note}\n").as_bytes()).and_then(|()| file.sync_data());
        if let Err(error) = written {
            // Half a note must not stand between two whole ones.
            let _ = file.set_len(before);
            return Err(error);
        }
        match self.path.parent().filter(|_| is_new) {
            Some(directory) if !directory.as_os_str().is_empty() => {
                File::open(directory)?.sync_all()
            }
            _ => Ok(()),
        }
    }

    fn tail(&self) -> io::Result<Option<String>> {
        let mut file = match File::open(&self.path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let length = file.metadata()?.len();
        file.seek(SeekFrom::Start(length.saturating_sub(TAIL)))?;
        let mut bytes = Vec::new();
        file.take(TAIL).read_to_end(&mut bytes)?;
        // Lossy would change lengths: a byte that is not of UTF-8 becomes one that is of no note.
        Ok(Some(match String::from_utf8(bytes) {
            Ok(text) => text,
            Err(error) => error.into_bytes().iter().map(|byte| char::from(byte & 0x7f)).collect(),
        }))
    }
}

/// How much of `tail` is whole notes: up to the empty line after the last signature.
fn whole(tail: &str) -> usize {
    let mut end = tail.len();
    while let Some(blank) = tail.get(..end).and_then(|text| text.rfind("\n\n")) {
        let line = tail.get(..blank).unwrap_or_default().rsplit('\n').next().unwrap_or_default();
        if line.starts_with("\u{2014} ") {
            return blank + 2;
        }
        end = blank + 1;
    }
    0
}

/// The notes of a file with the number of the line that each begins at, from 1.
pub fn notes<R: Read>(reader: R) -> impl Iterator<Item = io::Result<(u64, String)>> + use<R> {
    let mut lines = Lines { reader: BufReader::new(reader), number: 0 };
    std::iter::from_fn(move || lines.note().transpose())
}

/// Opens a file of notes to read what is in it now.
pub fn open(path: &Path) -> io::Result<impl Iterator<Item = io::Result<(u64, String)>> + use<>> {
    if fs::metadata(path)?.is_dir() {
        return Err(io::Error::new(io::ErrorKind::IsADirectory, "a directory"));
    }
    let file = File::open(path)?;
    let length = file.metadata()?.len();
    Ok(notes(file.take(length)))
}

struct Lines<R> {
    reader: BufReader<R>,
    number: u64,
}

impl<R: Read> Lines<R> {
    /// A note: text, an empty line, signature lines up to an empty line or the end.
    fn note(&mut self) -> io::Result<Option<(u64, String)>> {
        let mut note = String::new();
        let (mut first, mut signed) = (0, false);
        while let Some(line) = self.line()? {
            if note.is_empty() {
                first = self.number;
            }
            match line.trim_end_matches('\n') {
                "" if note.is_empty() => continue,
                "" if signed => break,
                text => signed = text.starts_with("\u{2014} "),
            }
            note.push_str(&line);
            if note.len() as u64 > TAIL {
                return Err(io::Error::new(io::ErrorKind::InvalidData, "no end of a signed note"));
            }
        }
        // A note that is still being written, or that a crash cut off, is none yet.
        Ok((signed && note.ends_with('\n')).then_some((first, note)))
    }

    fn line(&mut self) -> io::Result<Option<String>> {
        let mut bytes = Vec::new();
        self.reader.by_ref().take(MAX_LINE).read_until(b'\n', &mut bytes)?;
        self.number += 1;
        let text = String::from_utf8(bytes);
        let text = text.map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "not UTF-8"))?;
        Ok((!text.is_empty()).then_some(text))
    }
}
