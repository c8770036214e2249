//! Files that appear whole or not at all.
//!
//! Model: bytes go to `NAME.PROCESS.partial` beside the final `NAME`, so that two processes that
//! write one file do not mix their bytes; [`AtomicFile::finish`] flushes, syncs
//! and renames, so `NAME` is either what it was before or complete. A file that is dropped without
//! `finish` (an error, a panic, Ctrl-C handled) removes its partial. Where `NAME` is a device or a
//! pipe there is nothing to rename, and bytes go straight to it.
//!
//! Worst case: a process that is killed leaves its partial, which nothing reads.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use crate::{Error, Result};

const ADVICE: &str = "check that the directory exists, is writable and has space left";

/// A file being written, not yet published. Its `Write` errors name the file.
pub struct AtomicFile {
    file: PathBuf,
    /// `None` when `file` is written directly.
    partial: Option<PathBuf>,
    writer: BufWriter<File>,
    finished: bool,
}

impl AtomicFile {
    /// Begins to write `path`.
    ///
    /// # Errors
    /// The partial file cannot be created.
    pub fn create(path: impl AsRef<Path>) -> Result<AtomicFile> {
        let file = path.as_ref().to_owned();
        let special = fs::metadata(&file).is_ok_and(|found| !found.is_file());
        let partial = (!special).then(|| partial_of(&file));
        let opened = match &partial {
            Some(partial) => File::create(partial),
            None => File::options().write(true).open(&file),
        };
        let opened = opened.map_err(|e| Error::io(&file, "create", ADVICE, e))?;
        let writer = BufWriter::with_capacity(256 << 10, opened);
        Ok(AtomicFile { file, partial, writer, finished: false })
    }

    /// The final name.
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// Appends `bytes`: `Write::write_all` with this crate's error.
    ///
    /// # Errors
    /// The file cannot be written.
    #[inline]
    pub fn put(&mut self, bytes: &[u8]) -> Result<()> {
        self.writer.write_all(bytes).map_err(|e| Error::io(&self.file, "write", ADVICE, e))
    }

    /// Publishes the file under its final name.
    ///
    /// # Errors
    /// The rest cannot be written, synced or renamed; nothing is left then but what `NAME` was.
    pub fn finish(mut self) -> Result<()> {
        self.publish().map_err(|e| Error::io(&self.file, "write", ADVICE, e))?;
        self.finished = true;
        Ok(())
    }

    fn publish(&mut self) -> io::Result<()> {
        self.writer.flush()?;
        let Some(partial) = &self.partial else { return Ok(()) };
        self.writer.get_ref().sync_all()?;
        fs::rename(partial, &self.file)?;
        let directory = match self.file.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        };
        // The name itself survives a power cut only once its directory is synced. Not every file
        // system can do that; the file is whole either way.
        let _ = File::open(directory).and_then(|directory| directory.sync_all());
        Ok(())
    }

    fn named(&self, error: io::Error) -> io::Error {
        io::Error::new(
            error.kind(),
            format!("{}: cannot write: {error} ({ADVICE})", self.file.display()),
        )
    }
}

impl Write for AtomicFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.writer.write(bytes).map_err(|e| self.named(e))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.writer.flush().map_err(|e| self.named(e))
    }
}

impl Drop for AtomicFile {
    fn drop(&mut self) {
        if let Some(partial) = self.partial.as_ref().filter(|_| !self.finished) {
            let _ = fs::remove_file(partial);
        }
    }
}

fn partial_of(file: &Path) -> PathBuf {
    let mut name = OsString::from(file.as_os_str());
    name.push(format!(".{}.partial", std::process::id()));
    PathBuf::from(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(directory: &Path) -> Vec<String> {
        let entries = fs::read_dir(directory).expect("directory");
        let mut names: Vec<String> = entries
            .map(|entry| entry.expect("entry").file_name().to_string_lossy().into_owned())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn finished_file_has_its_name_and_nothing_else_is_left() {
        let directory = tempfile::tempdir().expect("tempdir");
        let path = directory.path().join("out.csv");
        let mut file = AtomicFile::create(&path).expect("create");
        file.write_all(b"one\n").expect("write");
        assert_eq!(names(directory.path()), [format!("out.csv.{}.partial", std::process::id())]);
        file.finish().expect("finish");
        assert_eq!(names(directory.path()), ["out.csv"]);
        assert_eq!(fs::read(&path).expect("read"), b"one\n");
    }

    #[test]
    fn dropped_file_leaves_the_old_content_and_no_partial() {
        let directory = tempfile::tempdir().expect("tempdir");
        let path = directory.path().join("out.csv");
        fs::write(&path, "old").expect("write");
        let mut file = AtomicFile::create(&path).expect("create");
        file.write_all(&[b'x'; 1 << 20]).expect("write");
        drop(file);
        assert_eq!(names(directory.path()), ["out.csv"]);
        assert_eq!(fs::read(&path).expect("read"), b"old");
    }

    #[test]
    fn missing_directory_is_an_error_that_names_the_file() {
        let directory = tempfile::tempdir().expect("tempdir");
        let path = directory.path().join("absent").join("out.csv");
        let error = AtomicFile::create(&path).err().expect("must fail").to_string();
        assert!(error.contains("absent/out.csv") && error.contains("directory"), "{error}");
    }

    #[test]
    fn full_disk_is_an_error_that_names_the_file() {
        let mut file = AtomicFile::create("/dev/full").expect("open");
        let written = file.write_all(&[0; 1 << 20]).expect_err("the disk is full").to_string();
        assert!(written.contains("/dev/full: cannot write"), "{written}");
        let mut file = AtomicFile::create("/dev/full").expect("open");
        file.write_all(b"a few bytes stay in the buffer").expect("buffered");
        let error = file.finish().expect_err("the disk is full").to_string();
        assert!(error.contains("/dev/full: cannot write"), "{error}");
        assert!(!partial_of(Path::new("/dev/full")).exists());
    }

    #[test]
    fn name_that_is_a_directory_is_an_error() {
        let directory = tempfile::tempdir().expect("tempdir");
        assert!(AtomicFile::create(directory.path()).is_err());
    }
}
