//! ITCH in a BinaryFILE.

use nofx_types::EventSink;
use nofx_wire::itch;

use super::Itch;
use crate::packet::Stamp;
use crate::report::FeedReport;
use crate::{ConfigError, FeedConfig};

/// TotalView-ITCH 5.0 out of a BinaryFILE. The file has no capture time: the engine's time is the
/// venue's, nanoseconds since midnight US Eastern.
pub struct ItchFile {
    itch: Itch,
    records: u64,
}

impl ItchFile {
    /// Sized by `config`, of which only `instruments` matters.
    pub fn new(config: FeedConfig) -> Result<ItchFile, ConfigError> {
        config.check()?;
        Ok(ItchFile { itch: Itch::new(&config), records: 0 })
    }

    /// Takes the next message. Its sequence number is its place in the stream, from 1, over all
    /// files.
    #[inline]
    pub fn on_message<S: EventSink>(&mut self, message: &[u8], sink: &mut S) {
        self.records += 1;
        let at = Stamp { seq: self.records, capture_ns: Stamp::VENUE };
        self.itch.message(at, message, sink);
    }

    /// A message that will come soon: tells the sink which order it concerns.
    #[inline]
    pub fn hint<S: EventSink>(&self, message: &[u8], sink: &mut S) {
        Itch::hint(message, sink);
    }

    /// Ends the input. Nothing waits in a file, so nothing is left to be sent.
    pub fn finish<S: EventSink>(&mut self, sink: &mut S) {
        let _ = sink;
    }

    /// The counts so far.
    pub fn report(&self) -> FeedReport {
        let known = |kind| itch::length_of(kind).is_some();
        let mut report = FeedReport::of_messages(self.itch.tally(), known);
        report.memory_bytes = self.itch.memory_bytes();
        report
    }
}
