//! User interrupts of a card, as files.

use std::io;
use std::time::Duration;

use super::error::device_error;
use super::files::NodeFile;
use crate::device::DeviceError;

/// One user interrupt. Not for the order path, where verdicts are polled in memory: it tells a
/// watcher that the gate latched its kill.
#[derive(Debug)]
pub struct Events<F> {
    file: F,
}

impl<F: NodeFile> Events<F> {
    pub(super) fn new(file: F) -> Events<F> {
        Events { file }
    }

    /// Waits at most `timeout` (`None`: for ever) and takes what came: how often the interrupt fired
    /// is not told, only that it did. `None` after the time, or where a signal came first.
    pub fn wait(&mut self, timeout: Option<Duration>) -> Result<Option<u32>, DeviceError> {
        const DOING: &str = "wait for an event of the events node at";
        match self.file.readable(timeout) {
            Ok(true) => self.take(),
            Ok(false) => Ok(None),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Ok(None),
            Err(error) => Err(device_error(DOING, 0, &error)),
        }
    }

    /// Sleeps in `read` until an event is there, then clears it.
    pub fn take(&mut self) -> Result<Option<u32>, DeviceError> {
        const DOING: &str = "read 4 bytes of the events node at";
        let mut word = [0; 4];
        match self.file.read_at(&mut word, 0) {
            Ok(4) => Ok(Some(u32::from_le_bytes(word))),
            Ok(_) => Err(device_error(DOING, 0, &io::ErrorKind::UnexpectedEof.into())),
            Err(error) if interrupted(&error) => Ok(None),
            Err(error) => Err(device_error(DOING, 0, &error)),
        }
    }
}

/// The driver says EAGAIN where another file says EINTR.
fn interrupted(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::Interrupted | io::ErrorKind::WouldBlock)
}
