//! Files that are whole or not there, and a folder for one process at a time.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

use super::PkiError;
use crate::lock::Lock;

const TODO: &str = "check that the folder exists, is yours and has space left";

/// Who may read a file.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum For {
    /// Its owner alone: 0600.
    Owner,
    /// Everybody: 0644.
    All,
}

/// Makes a folder for its owner only.
pub fn make_folder(folder: &Path) -> Result<(), PkiError> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(|e| failed(folder, e))
}

/// Holds the folder until dropped.
pub fn lock(folder: &Path) -> Result<Lock, PkiError> {
    let path = folder.join("lock");
    let options =
        OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(&path);
    let file = options.map_err(|e| failed(&path, e))?;
    Lock::take(file).map_err(|error| match error {
        TryLockError::WouldBlock => PkiError::Busy(folder.display().to_string()),
        TryLockError::Error(e) => failed(&path, e),
    })
}

/// Reads text.
pub fn read(path: &Path) -> Result<String, PkiError> {
    fs::read_to_string(path).map_err(|e| failed(path, e))
}

/// Refuses what is there already.
pub fn must_be_new(path: &Path) -> Result<(), PkiError> {
    match path.symlink_metadata() {
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(e) => Err(failed(path, e)),
        Ok(_) => Err(PkiError::Exists(path.display().to_string())),
    }
}

/// Writes a new file.
pub fn create(path: &Path, bytes: &[u8], readers: For) -> Result<(), PkiError> {
    let fresh = written(path, bytes, readers)?;
    // A link, unlike a rename, never replaces what came there meanwhile.
    let linked = fs::hard_link(&fresh, path);
    _ = fs::remove_file(&fresh);
    match linked {
        Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {
            Err(PkiError::Exists(path.display().to_string()))
        }
        linked => linked.and_then(|()| sync_folder(path)).map_err(|e| failed(path, e)),
    }
}

/// Writes a file in place of the one before.
pub fn replace(path: &Path, bytes: &[u8], readers: For) -> Result<(), PkiError> {
    let fresh = written(path, bytes, readers)?;
    fs::rename(&fresh, path).and_then(|()| sync_folder(path)).map_err(|e| failed(path, e))
}

fn written(path: &Path, bytes: &[u8], readers: For) -> Result<std::path::PathBuf, PkiError> {
    let fresh = path.with_added_extension(format!("{}.new", std::process::id()));
    let mode = if readers == For::Owner { 0o600 } else { 0o644 };
    let write = || -> io::Result<()> {
        _ = fs::remove_file(&fresh);
        let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(&fresh)?;
        file.write_all(bytes)?;
        file.sync_all()
    };
    write().map_err(|e| failed(&fresh, e))?;
    Ok(fresh)
}

fn sync_folder(path: &Path) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
}

pub fn failed(path: &Path, error: io::Error) -> PkiError {
    PkiError::Io { file: path.display().to_string(), error, todo: TODO }
}
