//! Writing Nasdaq BinaryFILE 1.00.

use std::path::Path;

use crate::atomic::AtomicFile;
use crate::{Error, Problem, Result};

/// Writes length-prefixed messages and, at the end, the record that closes the session.
pub struct BinaryFileWriter {
    out: AtomicFile,
    records: u64,
}

impl BinaryFileWriter {
    /// Begins the file `path`.
    ///
    /// # Errors
    /// The file cannot be created.
    pub fn create(path: impl AsRef<Path>) -> Result<BinaryFileWriter> {
        Ok(BinaryFileWriter { out: AtomicFile::create(path)?, records: 0 })
    }

    /// Appends one message.
    ///
    /// # Errors
    /// The message is empty or longer than 65,535 bytes, or the file cannot be written.
    pub fn message(&mut self, message: &[u8]) -> Result<()> {
        let Some(length) = u16::try_from(message.len()).ok().filter(|length| *length > 0) else {
            let (file, number) = (self.out.file().to_owned(), self.records + 1);
            let problem = Problem::MessageLength(message.len());
            return Err(Box::new(Error::Unwritable { file, number, problem }));
        };
        self.out.put(&length.to_be_bytes())?;
        self.out.put(message)?;
        self.records += 1;
        Ok(())
    }

    /// Ends the session and publishes the file; returns the number of messages.
    ///
    /// # Errors
    /// The file cannot be written; it is not published then.
    pub fn finish(mut self) -> Result<u64> {
        self.out.put(&[0, 0])?;
        self.out.finish()?;
        Ok(self.records)
    }
}
