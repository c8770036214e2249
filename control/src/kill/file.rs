//! The kill file: whoever can make a file can stop trading.
//!
//! While it is there, everything is engaged on every engine, again every second, so that an engine
//! that starts later is stopped too. A path that cannot be looked at counts as there: what is not
//! known to be absent stops.

use std::io::ErrorKind;
use std::path::Path;
use std::time::{Duration, Instant};

/// How often it is looked for.
pub const LOOK: Duration = Duration::from_millis(50);
/// How often it is engaged again.
const AGAIN: Duration = Duration::from_secs(1);

/// Whether the file is there, or cannot be looked at.
pub fn is_there(path: &Path) -> bool {
    match path.symlink_metadata() {
        Ok(_) => true,
        Err(e) => e.kind() != ErrorKind::NotFound,
    }
}

/// Whether its folder is there, so that the file can ever be seen.
///
/// # Errors
/// It is not.
pub fn can_be_watched(path: &Path) -> Result<(), String> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.unwrap_or(Path::new("."));
    match folder.is_dir() {
        true => Ok(()),
        false => Err(format!("{} is no folder: make it first", folder.display())),
    }
}

/// What a look at the file asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// Nothing.
    Nothing,
    /// Engage: it came just now.
    First,
    /// Engage what is not engaged: it is still there.
    Again,
}

/// Memory between looks.
#[derive(Debug, Default)]
pub struct Watch {
    last: Option<Instant>,
}

impl Watch {
    /// One look.
    pub fn look(&mut self, path: &Path) -> Wanted {
        if !is_there(path) {
            self.last = None;
            return Wanted::Nothing;
        }
        match self.last {
            Some(last) if last.elapsed() < AGAIN => Wanted::Nothing,
            before => {
                self.last = Some(Instant::now());
                if before.is_some() { Wanted::Again } else { Wanted::First }
            }
        }
    }
}
