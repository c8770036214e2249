//! The kill file: whoever can make a file can stop trading.
//!
//! While it is there, everything stays engaged on every engine, looked at [`LOOK`] by [`LOOK`], so that
//! an engine that starts later is stopped too. A path that cannot be looked at counts as there, and so
//! does one whose folder is gone: nobody could make the file, and whoever made it was not asked. What
//! is not known to be absent stops.

use std::io::ErrorKind;
use std::path::Path;
use std::time::Duration;

/// How often it is looked for: a `stat`; while it is there an attach of each mailbox too.
pub const LOOK: Duration = Duration::from_millis(50);

/// Whether the file is there, or not known to be absent.
pub fn is_there(path: &Path) -> bool {
    why(path).is_some()
}

/// Why the file counts as there; `None`: it is absent.
pub fn why(path: &Path) -> Option<String> {
    match path.symlink_metadata() {
        Ok(_) => Some(format!("{} is there", path.display())),
        Err(e) if e.kind() == ErrorKind::NotFound => {
            let gone = |why: String| format!("{}: its folder is gone: {why}", path.display());
            can_be_watched(path).err().map(gone)
        }
        Err(e) => Some(format!("{} cannot be looked at: {e}", path.display())),
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

/// What a look at the file asks for: everything is to be engaged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stop {
    /// It came just now: engage all; else what is not engaged.
    pub first: bool,
    /// Why, in words.
    pub why: String,
}

/// Memory between looks.
#[derive(Debug, Default)]
pub struct Watch {
    was_there: bool,
}

impl Watch {
    /// One look; `None`: the file is absent.
    pub fn look(&mut self, path: &Path) -> Option<Stop> {
        let why = why(path);
        let first = !std::mem::replace(&mut self.was_there, why.is_some());
        why.map(|why| Stop { first, why })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_known_to_be_absent_is_there() {
        let dir = tempfile::tempdir().expect("a folder");
        let folder = dir.path().join("ops");
        let file = folder.join("STOP");
        let mut watch = Watch::default();
        let mut look = || watch.look(&file).map(|stop| (stop.first, stop.why));
        let says = |said: Option<(bool, String)>, first: bool, word: &str| {
            assert!(said.as_ref().is_some_and(|s| s.0 == first && s.1.contains(word)), "{said:?}");
        };
        says(look(), true, "folder is gone");
        std::fs::create_dir(&folder).expect("made");
        assert_eq!(look(), None);
        std::fs::write(&file, "").expect("made");
        says(look(), true, "is there");
        says(look(), false, "is there");
        std::fs::remove_file(&file).expect("removed");
        assert_eq!(look(), None);
        std::fs::remove_dir(&folder).expect("removed");
        std::fs::write(&folder, "a file in its place").expect("made");
        says(look(), true, "cannot be looked at");
    }
}
