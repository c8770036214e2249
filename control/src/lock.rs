//! A file whose holder alone may write what stands beside it.

use std::fs::{File, TryLockError};

/// Held until dropped, and no longer than the process lives, however that ends.
#[derive(Debug)]
pub struct Lock(File);

impl Lock {
    /// Takes the lock of an open file.
    ///
    /// # Errors
    /// Another has it; the system refuses.
    pub fn take(file: File) -> Result<Lock, TryLockError> {
        file.try_lock().map(|()| Lock(file))
    }
}

impl Drop for Lock {
    /// To close the file is not enough: a process that another thread starts has it as well until it
    /// runs its own program.
    fn drop(&mut self) {
        _ = self.0.unlock();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_free_once_dropped_whoever_else_has_the_file() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("lock");
        let file = || File::options().create(true).append(true).open(&path).expect("a file");
        let lock = Lock::take(file()).expect("free");
        assert!(matches!(Lock::take(file()), Err(TryLockError::WouldBlock)));
        let inherited = lock.0.try_clone().expect("as a child has it");
        drop(lock);
        drop(Lock::take(file()).expect("free again"));
        drop(inherited);
    }
}
