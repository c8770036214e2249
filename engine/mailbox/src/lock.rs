//! A lock file: who holds it is the only writer of what stands beside it.
//!
//! The system drops the lock with the process, however that dies, so nothing is ever left locked. The
//! file itself stays and names the last holder.

use std::fs::{File, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::Path;

use crate::MailboxError;

/// Held until dropped.
pub(crate) struct Lock {
    file: File,
}

impl Drop for Lock {
    /// To close the file is not enough: a process that another thread starts has it as well until it
    /// runs its own program.
    fn drop(&mut self) {
        _ = self.file.unlock();
    }
}

impl Lock {
    /// The process that holds the lock for `path`, 0 when it did not say; `None` when nobody does.
    pub(crate) fn holder(path: &Path) -> Option<u32> {
        let mut file = File::open(path.with_added_extension("lock")).ok()?;
        match file.try_lock_shared() {
            Err(TryLockError::WouldBlock) => Some(said_by(&mut file)),
            _ => {
                drop(Lock { file });
                None
            }
        }
    }

    /// Takes the lock for `path`: the file `path.lock`.
    pub(crate) fn take(path: &Path) -> Result<Lock, MailboxError> {
        let file = path.with_added_extension("lock");
        let io = |doing, e| {
            MailboxError::io(&file, doing, "check that the directory exists and is writable", e)
        };
        let options =
            File::options().read(true).write(true).create(true).truncate(false).open(&file);
        let mut lock = options.map_err(|e| io("open", e))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(MailboxError::InUse { pid: said_by(&mut lock), file });
            }
            Err(TryLockError::Error(e)) => return Err(io("lock", e)),
        }
        let said = lock.set_len(0).and_then(|()| lock.rewind());
        said.and_then(|()| writeln!(lock, "{}", std::process::id())).map_err(|e| io("write", e))?;
        Ok(Lock { file: lock })
    }
}

/// The holder by its own word.
fn said_by(file: &mut File) -> u32 {
    let mut pid = String::new();
    _ = file.read_to_string(&mut pid);
    pid.trim().parse().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_free_once_dropped_whoever_else_has_the_file() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("mailbox");
        assert_eq!(Lock::holder(&path), None);
        let lock = Lock::take(&path).expect("free");
        assert_eq!(Lock::holder(&path), Some(std::process::id()));
        assert!(matches!(Lock::take(&path), Err(MailboxError::InUse { .. })));
        let inherited = lock.file.try_clone().expect("as a child has it");
        drop(lock);
        assert_eq!(Lock::holder(&path), None);
        drop(Lock::take(&path).expect("free again"));
        drop(inherited);
    }
}
